"""A simulated Windows Server 2003 computer; it knows nothing of its clients."""
