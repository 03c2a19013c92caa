"""The configuration of nginx in front of the API: its template, and what fills it in."""
