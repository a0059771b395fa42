"""The commands that cmd itself carries out."""
