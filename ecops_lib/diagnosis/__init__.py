"""Why did it happen? The change split, what moved, and what the data show around it."""
