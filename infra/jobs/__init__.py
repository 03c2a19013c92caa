"""Jobs outside the log: who does which, and the composition of what they do."""
