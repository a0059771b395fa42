"""Installer files: what their names and bytes say."""
