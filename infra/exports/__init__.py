"""Exports: where they are kept, how they are written, and how a downloaded one is checked."""
