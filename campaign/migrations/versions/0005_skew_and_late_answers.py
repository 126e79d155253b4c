"""How far a network's clock is from ours, and posts that were told of too late."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE channels ADD COLUMN clock_skew FLOAT")
    op.execute("ALTER TABLE deliveries ADD COLUMN also_posted TEXT")
