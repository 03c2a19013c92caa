"""Webhooks outside the log: their secrets, how far each has come, and the way to receivers."""
