"""Words, numbers and pictures: nothing here knows of shops."""
