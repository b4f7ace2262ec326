"""Charts: seaborn drawings as inline SVG whose text stays text."""
