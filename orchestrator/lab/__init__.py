"""A simulated estate of Windows servers that speaks real WinRM on loopback."""
