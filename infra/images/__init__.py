"""Images: their headers, and their previews made in a process apart."""
