"""Evidence for others: checkpoints that bind all chains, bundles, and checking them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.application.ports.evidence_files import (
    BundleFiles,
    CheckedBundle,
    Signature,
)
from orchestrator.application.ports.storage import UnitOfWork
from orchestrator.application.results import (
    ErrorCode,
    ExitCode,
    Problem,
    RequestError,
    Result,
)
from orchestrator.application.services import Services
from orchestrator.domain.bundle import BundleFault, checkpoint
from orchestrator.domain.evidence import Head, Record

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EvidenceExport:
    """A bundle that was written."""

    file: str
    records: int
    heads: tuple[Head, ...]
    #: Keep it elsewhere: with it, ``evidence verify`` sees what was cut or rewritten.
    head: str
    signed: bool


@dataclass(frozen=True, slots=True)
class EvidenceCheck:
    """What checking a bundle came to."""

    file: str
    intact: bool
    records: int
    #: Records whose content retention took; their hashes stand.
    pruned: int
    heads: tuple[Head, ...]
    signature: Signature
    faults: tuple[BundleFault, ...]
    #: In sentences: what this check cannot tell.
    cannot_tell: tuple[str, ...]


def bind(services: Services) -> Head:
    """Append a checkpoint of all chains; its hash stands for everything so far."""
    with services.storage.begin() as uow:
        return uow.evidence.append(checkpoint(uow.evidence.heads()))


def export(
    services: Services, files: BundleFiles, path: Path, sign_key: Path | None = None
) -> Result[EvidenceExport]:
    """Write all evidence up to a new checkpoint into one bundle.

    Raises:
        BadInputError: the key cannot be used, or the file cannot be written.
    """
    with services.storage.begin() as uow:
        before = {head.writer: head for head in uow.evidence.heads()}
        bound = uow.evidence.append(checkpoint(before.values()))
    ends = {**before, bound.writer: bound}
    heads = tuple(ends[writer] for writer in sorted(ends))
    with services.storage.read() as uow:
        count = files.write(path, _chains(uow, heads), heads, bound.hash, sign_key)
    report = EvidenceExport(str(path), count, heads, bound.hash, sign_key is not None)
    return Result("evidence-export", report)


def _chains(uow: UnitOfWork, heads: Sequence[Head]) -> Iterator[Record]:
    for head in heads:
        yield from uow.evidence.chain(head)


def verify(
    files: BundleFiles,
    path: Path,
    head: str | None = None,
    public_key: Path | None = None,
) -> Result[EvidenceCheck]:
    """Check a bundle, without any database.

    Raises:
        RequestError: the head is no hash.
        BadInputError: the file is no bundle, or past a bound; or the key is none.
    """
    wanted = None if head is None else head.strip().lower()
    if wanted is not None and not _HASH.fullmatch(wanted):
        raise RequestError(
            ErrorCode.BAD_INPUT,
            f"--head: found {head!r}, expected 64 hexadecimal digits",
            "it is what a run or evidence export printed",
        )
    found = files.check(path, wanted, public_key)
    intact = not found.faults and found.signature is not Signature.INVALID
    report = EvidenceCheck(
        file=str(path),
        intact=intact,
        records=found.records.records,
        pruned=found.records.pruned,
        heads=found.records.heads,
        signature=found.signature,
        faults=found.faults,
        cannot_tell=tuple(_cannot_tell(found, wanted)),
    )
    if intact:
        return Result("evidence-check", report)
    problem = Problem(ErrorCode.TAMPERED, _first(found), "ask where the file has been")
    return Result(
        "evidence-check", report, ExitCode.NOT_AS_IT_SHOULD_BE, problems=(problem,)
    )


def _first(found: CheckedBundle) -> str:
    if not found.faults:
        return "the signature is not that of this key on this manifest"
    fault = found.faults[0]
    line = "" if fault.line is None else f", line {fault.line}"
    number = "" if fault.sequence is None else f", number {fault.sequence}"
    writer = "" if fault.writer is None else f", writer {fault.writer}{number}"
    return f"{fault.member}{line}{writer}: {fault.what}"


def _cannot_tell(found: CheckedBundle, head: str | None) -> Iterator[str]:
    kept = found.records.kept
    if head is None:
        yield (
            "no --head was given: a bundle from which the newest records were cut, or "
            "that was written anew as a whole, looks like a true one"
        )
    elif kept is not None and found.records.binds_all:
        yield "whether more was recorded after the head that was given"
    elif kept is not None:
        yield (
            f"the head is no checkpoint: it vouches for {kept.writer} up to number "
            f"{kept.sequence}, and for no other chain"
        )
    if found.signature is not Signature.VALID:
        yield "who made the bundle: no signature was checked by a key that you gave"
    if found.records.pruned:
        yield (
            f"what {found.records.pruned} records held: they are without content; the "
            "records of retention say by whom and why"
        )
    yield "whether what the servers answered was true, and who sat at the keyboard"
