"""Did the test pay? From the plan of an A/B test to a decision that its numbers bear."""
