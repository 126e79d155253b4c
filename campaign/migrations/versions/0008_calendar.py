"""The calendar finds what is due or went out in a span of time without reading everything."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("due_at", "posted_at"):
        op.execute(f"CREATE INDEX ix_deliveries_{column} ON deliveries ({column})")
