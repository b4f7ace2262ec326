"""Levels, points, chat groups and referrals: what they hold, and what cannot be told of them."""
