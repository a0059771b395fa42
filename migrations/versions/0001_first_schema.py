"""The first schema: catalog, inventory, facts, plans, the journal, evidence.

Expand, then contract: add what the new code needs now; take away what no released
code uses any more, a release later. So old and new code can work side by side.
There is no way down: it would throw away what newer code recorded.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "contact",
        sa.Column("server", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("fault", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_contact"),
    )
    op.create_table(
        "evidence",
        sa.Column("writer", _TEXT, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("payload_hash", _TEXT, nullable=False),
        sa.Column("previous", _TEXT, nullable=False),
        sa.Column("hash", _TEXT, nullable=False),
        sa.Column("payload", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("writer", "sequence", name="pk_evidence"),
    )
    op.create_index(
        "ix_evidence_at_writer_sequence", "evidence", ["at", "writer", "sequence"]
    )
    op.create_index(
        "ix_evidence_subject_at_writer_sequence",
        "evidence",
        ["subject", "at", "writer", "sequence"],
    )
    op.create_table(
        "facts",
        sa.Column("server", _TEXT, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_facts"),
    )
    op.create_table(
        "first_seen",
        sa.Column("article", _TEXT, nullable=False),
        sa.Column("server", _TEXT, nullable=False),
        sa.Column("right_at", _TIME, nullable=True),
        sa.Column("wrong_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("article", "server", name="pk_first_seen"),
    )
    op.create_table(
        "hotfix",
        sa.Column("article", _TEXT, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("article", name="pk_hotfix"),
    )
    op.create_table(
        "inventory",
        sa.Column("section", _TEXT, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("section", "key", name="pk_inventory"),
    )
    op.create_table(
        "lease",
        sa.Column("resource", _TEXT, nullable=False),
        sa.Column("owner", _TEXT, nullable=False),
        sa.Column("expires", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("resource", name="pk_lease"),
    )
    op.create_table(
        "package",
        sa.Column("sha256", _TEXT, nullable=False),
        sa.Column("article", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("location", _TEXT, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_package"),
    )
    op.create_index("ix_package_article", "package", ["article"])
    op.create_table(
        "plan",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("article", _TEXT, nullable=False),
        sa.Column("made", _TIME, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("run", _TEXT, nullable=True),
        sa.Column("body", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_plan"),
        sa.UniqueConstraint("digest", name="uq_plan_digest"),
    )
    op.create_table(
        "sample",
        sa.Column("server", _TEXT, nullable=False),
        sa.Column("process", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("process_id", sa.BigInteger(), nullable=False),
        sa.Column("started", _TIME, nullable=False),
        sa.Column("private_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "server", "process", "at", "process_id", name="pk_sample"
        ),
    )
    op.create_index("ix_sample_at", "sample", ["at"])
    op.create_table(
        "waiver",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("article", _TEXT, nullable=False),
        sa.Column("server", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_waiver"),
    )
    op.create_index("ix_waiver_article", "waiver", ["article"])
    op.create_table(
        "approval",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("plan", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.ForeignKeyConstraint(["plan"], ["plan.digest"], name="fk_approval_plan"),
        sa.PrimaryKeyConstraint("number", name="pk_approval"),
    )
    op.create_index("ix_approval_plan", "approval", ["plan"])
    op.create_table(
        "run",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("plan", _TEXT, nullable=False),
        sa.Column("started", _TIME, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.ForeignKeyConstraint(["plan"], ["plan.digest"], name="fk_run_plan"),
        sa.PrimaryKeyConstraint("number", name="pk_run"),
        sa.UniqueConstraint("name", name="uq_run_name"),
    )
    op.create_table(
        "attempt",
        sa.Column("run", _TEXT, nullable=False),
        sa.Column("server", _TEXT, nullable=False),
        sa.Column("token", _TEXT, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("installed", sa.Boolean(), nullable=False),
        sa.Column("drained", sa.Boolean(), nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.name"], name="fk_attempt_run"),
        sa.PrimaryKeyConstraint("run", "server", name="pk_attempt"),
        sa.UniqueConstraint("token", name="uq_attempt_token"),
    )
    op.create_index("ix_attempt_server", "attempt", ["server"])
    op.create_index("ix_attempt_state", "attempt", ["state"])
