"""Reports by e-mail: each period once."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WORDS = {
    "sqlite": {"instant": "DATETIME", "key": "id INTEGER NOT NULL"},
    "postgresql": {"instant": "TIMESTAMP WITH TIME ZONE", "key": "id BIGSERIAL NOT NULL"},
}
STATEMENT = """CREATE TABLE mailings (
	{key},
	kind TEXT NOT NULL CONSTRAINT ck_mailings_kind CHECK (kind IN ('weekly', 'monthly')),
	period TEXT NOT NULL,
	state TEXT NOT NULL CONSTRAINT ck_mailings_state CHECK (state IN ('sending', 'queued', 'sent', 'failed', 'in_doubt')),
	attempts INTEGER NOT NULL,
	claimed_at {instant} NOT NULL,
	not_before {instant},
	ended_at {instant},
	problem TEXT,
	CONSTRAINT pk_mailings PRIMARY KEY (id),
	CONSTRAINT uq_mailings_kind_period UNIQUE (kind, period)
)"""


def upgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql(STATEMENT.format(**WORDS[bind.dialect.name]))
