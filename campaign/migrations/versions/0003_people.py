"""Users of the pages, their sessions, links, tokens and calendar keys; failed attempts to sign in."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        """CREATE TABLE users (
	person TEXT NOT NULL,
	sign_in_name TEXT NOT NULL,
	role TEXT NOT NULL CONSTRAINT ck_users_role CHECK (role IN ('reader', 'editor', 'approver', 'administrator')),
	email TEXT,
	password TEXT,
	disabled BOOLEAN NOT NULL,
	created_at DATETIME NOT NULL,
	signed_in_at DATETIME,
	CONSTRAINT pk_users PRIMARY KEY (person),
	CONSTRAINT fk_users_person_persons FOREIGN KEY(person) REFERENCES persons (id),
	CONSTRAINT uq_users_sign_in_name UNIQUE (sign_in_name)
)""",
        """CREATE TABLE sign_in_failures (
	bucket TEXT NOT NULL,
	tries INTEGER NOT NULL,
	since DATETIME NOT NULL,
	CONSTRAINT pk_sign_in_failures PRIMARY KEY (bucket)
)""",
        """CREATE INDEX ix_sign_in_failures_since ON sign_in_failures (since)""",
        """CREATE TABLE sessions (
	digest TEXT NOT NULL,
	person TEXT NOT NULL,
	agent TEXT NOT NULL,
	created_at DATETIME NOT NULL,
	seen_at DATETIME NOT NULL,
	ends_at DATETIME NOT NULL,
	CONSTRAINT pk_sessions PRIMARY KEY (digest),
	CONSTRAINT fk_sessions_person_users FOREIGN KEY(person) REFERENCES users (person)
)""",
        """CREATE INDEX ix_sessions_person ON sessions (person)""",
        """CREATE TABLE one_time_links (
	digest TEXT NOT NULL,
	person TEXT,
	created_at DATETIME NOT NULL,
	ends_at DATETIME NOT NULL,
	CONSTRAINT pk_one_time_links PRIMARY KEY (digest),
	CONSTRAINT fk_one_time_links_person_users FOREIGN KEY(person) REFERENCES users (person)
)""",
        """CREATE INDEX ix_one_time_links_person ON one_time_links (person)""",
        """CREATE TABLE api_tokens (
	id INTEGER NOT NULL,
	person TEXT NOT NULL,
	name TEXT NOT NULL,
	digest TEXT NOT NULL,
	scopes JSON NOT NULL,
	created_at DATETIME NOT NULL,
	ends_at DATETIME,
	used_at DATETIME,
	CONSTRAINT pk_api_tokens PRIMARY KEY (id),
	CONSTRAINT fk_api_tokens_person_users FOREIGN KEY(person) REFERENCES users (person),
	CONSTRAINT uq_api_tokens_digest UNIQUE (digest)
)""",
        """CREATE INDEX ix_api_tokens_person ON api_tokens (person)""",
        """CREATE TABLE calendar_keys (
	id INTEGER NOT NULL,
	person TEXT NOT NULL,
	name TEXT NOT NULL,
	digest TEXT NOT NULL,
	created_at DATETIME NOT NULL,
	used_at DATETIME,
	CONSTRAINT pk_calendar_keys PRIMARY KEY (id),
	CONSTRAINT fk_calendar_keys_person_users FOREIGN KEY(person) REFERENCES users (person),
	CONSTRAINT uq_calendar_keys_digest UNIQUE (digest)
)""",
        """CREATE INDEX ix_calendar_keys_person ON calendar_keys (person)""",
    ),
    "postgresql": (
        """CREATE TABLE users (
	person TEXT NOT NULL,
	sign_in_name TEXT NOT NULL,
	role TEXT NOT NULL CONSTRAINT ck_users_role CHECK (role IN ('reader', 'editor', 'approver', 'administrator')),
	email TEXT,
	password TEXT,
	disabled BOOLEAN NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	signed_in_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_users PRIMARY KEY (person),
	CONSTRAINT fk_users_person_persons FOREIGN KEY(person) REFERENCES persons (id),
	CONSTRAINT uq_users_sign_in_name UNIQUE (sign_in_name)
)""",
        """CREATE TABLE sign_in_failures (
	bucket TEXT NOT NULL,
	tries INTEGER NOT NULL,
	since TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_sign_in_failures PRIMARY KEY (bucket)
)""",
        """CREATE INDEX ix_sign_in_failures_since ON sign_in_failures (since)""",
        """CREATE TABLE sessions (
	digest TEXT NOT NULL,
	person TEXT NOT NULL,
	agent TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_sessions PRIMARY KEY (digest),
	CONSTRAINT fk_sessions_person_users FOREIGN KEY(person) REFERENCES users (person)
)""",
        """CREATE INDEX ix_sessions_person ON sessions (person)""",
        """CREATE TABLE one_time_links (
	digest TEXT NOT NULL,
	person TEXT,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT pk_one_time_links PRIMARY KEY (digest),
	CONSTRAINT fk_one_time_links_person_users FOREIGN KEY(person) REFERENCES users (person)
)""",
        """CREATE INDEX ix_one_time_links_person ON one_time_links (person)""",
        """CREATE TABLE api_tokens (
	id BIGSERIAL NOT NULL,
	person TEXT NOT NULL,
	name TEXT NOT NULL,
	digest TEXT NOT NULL,
	scopes JSON NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ends_at TIMESTAMP WITH TIME ZONE,
	used_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_api_tokens PRIMARY KEY (id),
	CONSTRAINT fk_api_tokens_person_users FOREIGN KEY(person) REFERENCES users (person),
	CONSTRAINT uq_api_tokens_digest UNIQUE (digest)
)""",
        """CREATE INDEX ix_api_tokens_person ON api_tokens (person)""",
        """CREATE TABLE calendar_keys (
	id BIGSERIAL NOT NULL,
	person TEXT NOT NULL,
	name TEXT NOT NULL,
	digest TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	used_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT pk_calendar_keys PRIMARY KEY (id),
	CONSTRAINT fk_calendar_keys_person_users FOREIGN KEY(person) REFERENCES users (person),
	CONSTRAINT uq_calendar_keys_digest UNIQUE (digest)
)""",
        """CREATE INDEX ix_calendar_keys_person ON calendar_keys (person)""",
    ),
}


def upgrade() -> None:
    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
