"""Inventories as files: YAML and CSV in, Ansible out."""
