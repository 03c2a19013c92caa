"""The relay's ways to PostgreSQL and to NATS, and the documents that subscribers read."""
