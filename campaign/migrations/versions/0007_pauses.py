"""A channel's pauses while it catches up on what is long overdue."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = {"sqlite": "DATETIME", "postgresql": "TIMESTAMP WITH TIME ZONE"}


def upgrade() -> None:
    op.execute(f"ALTER TABLE channels ADD COLUMN rests_until {INSTANT[op.get_bind().dialect.name]}")
