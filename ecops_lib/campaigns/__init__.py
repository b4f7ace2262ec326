"""Did the campaign pay?"""
