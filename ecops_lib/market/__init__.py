"""The market: competitors, prices, trends, and what customers say."""
