"""What an installer file's bytes say, gathered. Called where it can do no harm."""

from __future__ import annotations

from pathlib import Path

from orchestrator.adapters.packages.cabinet import read_cabinet
from orchestrator.adapters.packages.signature import read_signature
from orchestrator.adapters.packages.version_resource import (
    is_lab_made,
    read_version_resource,
)
from orchestrator.application.ports.files import PackageInside


def look_inside(path: Path) -> PackageInside:
    """Version resource, cabinet and signature of a program."""
    resource = read_version_resource(path)
    strings = resource.strings if resource else {}
    return PackageInside(
        version=resource.version if resource else None,
        engine=strings.get("Installer Engine", ""),
        engine_version=strings.get("Installer Version", ""),
        cabinet=read_cabinet(path),
        signature=read_signature(path),
        lab=is_lab_made(resource),
    )
