"""What can be peculiar about a server of the estate, one row for each trait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from orchestrator.lab.windows.languages import LANGUAGES
from orchestrator.lab.windows.profile import (
    InstallFault,
    Profile,
    ServiceFault,
    ServingFault,
)

Value = str | int | float | None
MEGABYTE = 1 << 20


class Reach(StrEnum):
    """What a client finds at a server's address."""

    OPEN = "open"
    #: Packets vanish: no answer, ever.
    FILTERED = "unreachable"
    #: Nothing listens.
    REFUSED = "refused"
    #: Something answers that is not WinRM.
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Wire:
    """How a server behaves on the network."""

    reach: Reach = Reach.OPEN
    #: Real seconds before each answer.
    delay_seconds: float = 0.0
    #: The connection is dropped instead of answering this request, counted from 1.
    drop_at_request: int | None = None
    #: The connection is dropped after a process was created, before the answer.
    drop_after_launch: bool = False
    #: Another account already holds all shells that this one may have.
    quota_full: bool = False


class Trait(StrEnum):
    """Names as they stand in a scenario file."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    GARBAGE = "garbage"
    SLOW = "slow"
    DROPS_AT_REQUEST = "drops-at-request"
    DROPS_AFTER_LAUNCH = "drops-after-launch"
    QUOTA_FULL = "quota-full"
    LANGUAGE = "language"
    SERVICE_PACK = "service-pack"
    PLATFORM = "platform"
    PRODUCT = "product"
    STACK = "stack"
    LATER_GDR = "later-gdr"
    FIXED = "fixed"
    FIXED_NOT_ACTIVE = "fixed-not-active"
    REGISTRY_ONLY = "registry-yes-file-no"
    PENDING_RENAME = "pending-rename"
    INSTALLER = "installer"
    SERVICE_FAULT = "service"
    SERVING_FAULT = "stays-down"
    FAILING_CLASS = "failing-class"
    CLOCK_STEP = "clock-step"
    CLOCK_OFFSET = "clock-offset"
    TIME_ZONE = "time-zone"
    OPEN_STAGING = "open-staging"
    LOW_DISK = "low-disk"
    NO_ROLLBACK_FOLDER = "no-rollback-folder"
    LEAK = "leak"
    SYN_ATTACK_PROTECT = "syn-attack-protect"
    PROTECTION_OFF = "protection-off"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a trait changes, and the value it takes."""

    #: Fields of :class:`Profile` or :class:`Wire`, from the trait's value.
    change: Callable[[Any], Mapping[str, Any]]
    #: The value when the file gives none; ``None`` for traits without a value.
    default: Value = None
    #: The values allowed; empty for a number of any size from ``least`` up.
    choices: tuple[Value, ...] = ()
    least: float = 0.0
    on_wire: bool = False

    def check(self, value: Value) -> str | None:
        """What is wrong with a value, or ``None``."""
        if self.default is None:
            return None if value is None else "takes no value"
        if self.choices:
            allowed = ", ".join(map(str, self.choices))
            return (
                None
                if str(value) in map(str, self.choices)
                else f"expected one of {allowed}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"expected a number from {self.least:g} up"
        return None if value >= self.least else f"expected {self.least:g} or more"


def _sets(**fields: Any) -> Callable[[Any], Mapping[str, Any]]:
    return lambda _: fields


def _wire(**fields: Any) -> Meaning:
    return Meaning(_sets(**fields), on_wire=True)


def _as(
    field: str, kind: Callable[[Any], Any] = lambda value: value
) -> Callable[[Any], Mapping[str, Any]]:
    return lambda value: {field: kind(value)}


_BACK = -1e9
MEANINGS: Mapping[Trait, Meaning] = MappingProxyType(
    {
        Trait.UNREACHABLE: _wire(reach=Reach.FILTERED),
        Trait.REFUSED: _wire(reach=Reach.REFUSED),
        Trait.GARBAGE: _wire(reach=Reach.GARBAGE),
        Trait.SLOW: Meaning(_as("delay_seconds", float), 3.0, on_wire=True),
        Trait.DROPS_AT_REQUEST: Meaning(
            _as("drop_at_request", int), 10, least=1, on_wire=True
        ),
        Trait.DROPS_AFTER_LAUNCH: _wire(drop_after_launch=True),
        Trait.QUOTA_FULL: _wire(quota_full=True),
        Trait.LANGUAGE: Meaning(_as("language"), "DEU", tuple(LANGUAGES)),
        Trait.SERVICE_PACK: Meaning(_as("service_pack", int), 2, (0, 1, 2)),
        Trait.PLATFORM: Meaning(_as("platform"), "x64", ("x86", "x64", "ia64")),
        Trait.PRODUCT: Meaning(
            *(_as("product"), "lcs-2003"),
            ("none", "lcs-2003", "lcs-2005", "lcs-2005-sp1"),
        ),
        Trait.STACK: Meaning(_as("stack", str), "2.0", ("0.5", "1.1", "2.0")),
        Trait.LATER_GDR: Meaning(_sets(schannel="later-gdr")),
        Trait.FIXED: Meaning(
            _sets(schannel="fixed", registry_trace=True, service_age_hours=30.0)
        ),
        Trait.FIXED_NOT_ACTIVE: Meaning(_sets(schannel="fixed", registry_trace=True)),
        Trait.REGISTRY_ONLY: Meaning(_sets(registry_trace=True)),
        Trait.PENDING_RENAME: Meaning(_sets(pending_rename=True)),
        Trait.INSTALLER: Meaning(
            *(_as("install_fault", lambda value: InstallFault(str(value))), "1603"),
            tuple(map(str, InstallFault)),
        ),
        Trait.SERVICE_FAULT: Meaning(
            *(_as("service_fault", ServiceFault), "start-fails"),
            tuple(map(str, ServiceFault)),
        ),
        Trait.SERVING_FAULT: Meaning(
            *(_as("serving_fault", ServingFault), "application"),
            tuple(map(str, ServingFault)),
        ),
        Trait.FAILING_CLASS: Meaning(
            *(_as("failing_class"), "MSFT_SIPESTrustedServerSetting"),
            ("MSFT_SIPESTrustedServerSetting", "MSFT_SIPListeningAddressData"),
        ),
        Trait.CLOCK_STEP: Meaning(
            _as("clock_step_seconds", float), -3600.0, least=_BACK
        ),
        Trait.CLOCK_OFFSET: Meaning(
            _as("clock_offset_seconds", float), 600.0, least=_BACK
        ),
        Trait.TIME_ZONE: Meaning(_as("bias_minutes", int), 60, least=-840),
        Trait.OPEN_STAGING: Meaning(_sets(open_staging=True)),
        Trait.LOW_DISK: Meaning(_as("free_megabytes", int), 12),
        Trait.NO_ROLLBACK_FOLDER: Meaning(_sets(no_rollback_folder=True)),
        Trait.LEAK: Meaning(
            _as("leak_per_hour", lambda megabytes: int(megabytes * MEGABYTE)), 8.0
        ),
        Trait.SYN_ATTACK_PROTECT: Meaning(_as("syn_attack_protect", int), 1, (0, 1, 2)),
        Trait.PROTECTION_OFF: Meaning(_sets(syn_attack_protect=0)),
    }
)


def apply(
    trait: Trait, value: Value, profile: Profile, wire: Wire
) -> tuple[Profile, Wire]:
    """A server with one more trait."""
    meaning = MEANINGS[trait]
    change = meaning.change(meaning.default if value is None else value)
    if meaning.on_wire:
        return profile, replace(wire, **change)
    return replace(profile, **change), wire
