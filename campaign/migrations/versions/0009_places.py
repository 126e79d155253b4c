"""Places that staff don't announce, or announce once more; campaigns that were ended; why something was cancelled."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANT = {"sqlite": "DATETIME", "postgresql": "TIMESTAMP WITH TIME ZONE"}


def upgrade() -> None:
    instant = INSTANT[op.get_bind().dialect.name]
    for column in (
        f"skipped_at {instant}",
        "skipped_by TEXT",
        "skip_reason TEXT",
        "occurrence BIGINT DEFAULT '1' NOT NULL",
    ):
        op.execute(f"ALTER TABLE places ADD COLUMN {column}")
    op.execute(f"ALTER TABLE campaigns ADD COLUMN ended_at {instant}")
    op.execute("ALTER TABLE announcements ADD COLUMN cancelled_for TEXT")
