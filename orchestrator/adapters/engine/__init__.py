"""Engines: who does the work that a run hands out."""
