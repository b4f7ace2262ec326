"""What happened? Metrics, how they are computed, and how they moved."""
