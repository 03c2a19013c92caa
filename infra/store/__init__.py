"""The event log in PostgreSQL: appending, reading, following, verifying, replaying."""
