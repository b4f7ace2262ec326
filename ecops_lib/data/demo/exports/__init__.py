"""Writes the shop as platforms and people would have let one download it."""
