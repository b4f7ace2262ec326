"""Side-by-side measurements against peers: one script a question."""
