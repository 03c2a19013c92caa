"""What an account has outside the log: password hashes, persons' keys, tokens, sessions, limits."""
