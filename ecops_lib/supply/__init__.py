"""What to ship and what to order?"""
