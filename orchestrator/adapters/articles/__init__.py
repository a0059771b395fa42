"""Articles, definitions and file tables, as text and as data."""
