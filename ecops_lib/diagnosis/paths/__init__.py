"""The ways of visitors through the shop, from the event log."""
