"""Where files are kept, and how they get there."""
