"""Revisions of post templates that staff saved in the pages."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATEMENTS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        """CREATE TABLE template_revisions (
	id INTEGER NOT NULL,
	network TEXT NOT NULL,
	name TEXT NOT NULL,
	number INTEGER NOT NULL,
	text TEXT NOT NULL,
	digest TEXT NOT NULL,
	note TEXT NOT NULL,
	person TEXT NOT NULL,
	at DATETIME NOT NULL,
	active BOOLEAN NOT NULL,
	CONSTRAINT pk_template_revisions PRIMARY KEY (id),
	CONSTRAINT uq_template_revisions_network_name_number UNIQUE (network, name, number)
)""",
        """CREATE UNIQUE INDEX uq_template_revisions_active ON template_revisions (network, name) WHERE active""",
    ),
    "postgresql": (
        """CREATE TABLE template_revisions (
	id BIGSERIAL NOT NULL,
	network TEXT NOT NULL,
	name TEXT NOT NULL,
	number INTEGER NOT NULL,
	text TEXT NOT NULL,
	digest TEXT NOT NULL,
	note TEXT NOT NULL,
	person TEXT NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	active BOOLEAN NOT NULL,
	CONSTRAINT pk_template_revisions PRIMARY KEY (id),
	CONSTRAINT uq_template_revisions_network_name_number UNIQUE (network, name, number)
)""",
        """CREATE UNIQUE INDEX uq_template_revisions_active ON template_revisions (network, name) WHERE active""",
    ),
}


def upgrade() -> None:
    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
