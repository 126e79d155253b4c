"""What fails in a daemon's work, told until it works again."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE workers ADD COLUMN troubles JSON DEFAULT '[]' NOT NULL")
