"""The conversation that can write."""

from orchestrator.adapters.winrm.reader import WinRmReader


class WinRmWriter(WinRmReader):
    """The conversation that can write."""
