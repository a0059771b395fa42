"""All classes of a simulated computer."""

from __future__ import annotations

from orchestrator.lab.windows.wmi import activity, files, lcs, std_reg_prov, system
from orchestrator.lab.windows.wmi.model import Repository

REPOSITORY = Repository(
    system.CLASSES
    + activity.CLASSES
    + files.CLASSES
    + lcs.CLASSES
    + std_reg_prov.CLASSES
)
"""Shared by all computers; what a computer has follows from its profile."""
