"""How good was the forecast, and what would ordering by it have cost?"""
