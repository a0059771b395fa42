"""The operating system that this program runs on."""
