"""The command interpreter of a simulated computer, and the programs it starts."""
