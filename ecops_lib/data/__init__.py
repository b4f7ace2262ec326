"""What do we have? Tables, files and days."""
