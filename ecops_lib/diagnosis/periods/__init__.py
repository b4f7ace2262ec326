"""What became of a week or a month, and why?"""
