"""How does the market move, and what do we answer?"""
