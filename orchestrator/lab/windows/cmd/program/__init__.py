"""Windows' own command-line programs."""
