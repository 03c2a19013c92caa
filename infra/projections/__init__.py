"""Projections in PostgreSQL: run by the projector, rebuilt beside what is served, compared."""
