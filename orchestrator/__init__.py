"""A fleet remediation orchestrator for Live Communications Servers."""

__version__ = "0.1.0"
