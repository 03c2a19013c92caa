"""Files: where blobs are kept, and how uploads get there."""
