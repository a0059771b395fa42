"""Conversations with real hosts: WinRM 1.1 and later, through pypsrp."""
