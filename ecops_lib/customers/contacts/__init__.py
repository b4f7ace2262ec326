"""Whom to contact, by which message, for what, and what past contacts brought."""
