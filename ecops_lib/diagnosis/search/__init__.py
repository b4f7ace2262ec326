"""Which few slices of the shop explain a change?"""
