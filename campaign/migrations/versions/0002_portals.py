"""Places: by what two portals' rows are one place, what a row was when it was last read, why a place is gone."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ADDED = ("url TEXT DEFAULT '' NOT NULL", "town TEXT DEFAULT '' NOT NULL", "digest TEXT", "gone TEXT", "same_as BIGINT")
FILLED = {
    "sqlite": "UPDATE places SET url = json_extract(data, '$.url'), town = json_extract(data, '$.town')",
    "postgresql": "UPDATE places SET url = data->>'url', town = data->>'town'",
}


def upgrade() -> None:
    for column in ADDED:
        op.execute(f"ALTER TABLE places ADD COLUMN {column}")
    op.execute(FILLED[op.get_bind().dialect.name])
