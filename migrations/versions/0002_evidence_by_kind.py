"""Records of one kind, such as verdicts, are found without reading the others."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_evidence_kind_at_writer_sequence",
        "evidence",
        ["kind", "at", "writer", "sequence"],
    )
