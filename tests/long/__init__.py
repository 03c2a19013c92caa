"""Tests that take minutes: `make faults` runs them, `make test` does not."""
