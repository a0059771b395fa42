"""The tables. A column is only what a query needs; the value itself is JSON text.

Migrations make these tables; a test holds the two together.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from typing_extensions import override


class Instant(TypeDecorator[datetime]):
    """An aware time, in UTC on the way out; SQLite itself knows no offsets."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"found {value} without an offset, expected an aware time")
        return value.astimezone(UTC)

    @override
    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        naive = value.tzinfo is None
        return value.replace(tzinfo=UTC) if naive else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables, with constraint names that a migration can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        # One order of texts on both databases: by code point.
        str: Text().with_variant(Text(collation="C"), "postgresql"),
        datetime: Instant(),
    }


class HotfixRow(Base):
    """A definition with its file table."""

    __tablename__ = "hotfix"

    article: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]


class PackageRow(Base):
    """A package's facts and where its file lies."""

    __tablename__ = "package"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    article: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    location: Mapped[str]
    body: Mapped[str]


class InventoryRow(Base):
    """One entry of the inventory: a server, a pool, a firewall."""

    __tablename__ = "inventory"

    section: Mapped[str] = mapped_column(primary_key=True)
    #: The entry's name, or its place in a section that is a list.
    key: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]


class FactsRow(Base):
    """The newest observations of one server; the evidence holds the history."""

    __tablename__ = "facts"

    server: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]


class ContactRow(Base):
    """The last contact with a server."""

    __tablename__ = "contact"

    server: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    fault: Mapped[str]


class FirstSeenRow(Base):
    """When right and wrong files were seen, on the host's clock."""

    __tablename__ = "first_seen"

    article: Mapped[str] = mapped_column(primary_key=True)
    server: Mapped[str] = mapped_column(primary_key=True)
    right_at: Mapped[datetime | None]
    wrong_at: Mapped[datetime | None]


class SampleRow(Base):
    """One look at a process: its private bytes, and which life of it this was."""

    __tablename__ = "sample"
    __table_args__ = (Index(None, "at"),)

    server: Mapped[str] = mapped_column(primary_key=True)
    process: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    process_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    started: Mapped[datetime]
    private_bytes: Mapped[int] = mapped_column(BigInteger)


class PlanRow(Base):
    """A plan, and the run that consumed it."""

    __tablename__ = "plan"

    #: The order of storing, which breaks a tie of times.
    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    article: Mapped[str]
    made: Mapped[datetime]
    account: Mapped[str]
    run: Mapped[str | None]
    body: Mapped[str]


class ApprovalRow(Base):
    """An approval of a plan."""

    __tablename__ = "approval"

    number: Mapped[int] = mapped_column(primary_key=True)
    plan: Mapped[str] = mapped_column(ForeignKey("plan.digest"), index=True)
    at: Mapped[datetime]
    body: Mapped[str]


class RunRow(Base):
    """A run of a plan."""

    __tablename__ = "run"

    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    plan: Mapped[str] = mapped_column(ForeignKey("plan.digest"))
    started: Mapped[datetime]
    body: Mapped[str]


class AttemptRow(Base):
    """One server's part in a run."""

    __tablename__ = "attempt"
    __table_args__ = (Index(None, "server"), Index(None, "state"))

    run: Mapped[str] = mapped_column(ForeignKey("run.name"), primary_key=True)
    server: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(unique=True)
    #: Its place in the plan, over all waves.
    place: Mapped[int]
    state: Mapped[str]
    fence: Mapped[int]
    #: Whether the installer ran to its end.
    installed: Mapped[bool]
    #: Whether it took the server out of its load balancer, and not back in yet.
    drained: Mapped[bool]
    body: Mapped[str]


class LeaseRow(Base):
    """Who holds what, and until when."""

    __tablename__ = "lease"

    resource: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    expires: Mapped[datetime]


class WaiverRow(Base):
    """A waiver; none is ever changed."""

    __tablename__ = "waiver"

    number: Mapped[int] = mapped_column(primary_key=True)
    article: Mapped[str] = mapped_column(index=True)
    server: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[str]


class EvidenceRow(Base):
    """One record of a writer's chain. A pruned record has no payload."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index(None, "at", "writer", "sequence"),
        Index(None, "subject", "at", "writer", "sequence"),
        Index(None, "kind", "at", "writer", "sequence"),
    )

    writer: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    subject: Mapped[str]
    payload_hash: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]
    payload: Mapped[str | None]
