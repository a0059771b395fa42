"""Results as tables for people. Nothing here decides anything."""
