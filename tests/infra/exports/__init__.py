"""Where exports are kept, and how they get there."""
