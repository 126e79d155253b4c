"""What people say to each other about an announcement."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = """
	announcement_id BIGINT NOT NULL,
	person TEXT NOT NULL,
	text TEXT NOT NULL,
	at {instant} NOT NULL,
	CONSTRAINT pk_comments PRIMARY KEY (id),
	CONSTRAINT fk_comments_announcement_id_announcements FOREIGN KEY(announcement_id) REFERENCES announcements (id)
)"""
INDEX = "CREATE INDEX ix_comments_announcement_id ON comments (announcement_id)"

STATEMENTS: dict[str, tuple[str, ...]] = {
    "sqlite": ("CREATE TABLE comments (\n\tid INTEGER NOT NULL," + COLUMNS.format(instant="DATETIME"), INDEX),
    "postgresql": (
        "CREATE TABLE comments (\n\tid BIGSERIAL NOT NULL," + COLUMNS.format(instant="TIMESTAMP WITH TIME ZONE"),
        INDEX,
    ),
}


def upgrade() -> None:
    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
