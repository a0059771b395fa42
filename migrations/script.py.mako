"""${message}.

Expand, then contract: add what the new code needs now; take away what no released
code uses any more, a release later. So old and new code can work side by side.
There is no way down: it would throw away what newer code recorded.
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
