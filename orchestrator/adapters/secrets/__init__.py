"""Where credentials are found and kept."""
