"""Engagement: samples, what was last known, names of metrics, the budget of measuring, and visits."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WORDS = {
    "sqlite": {"instant": "DATETIME", "key": "id INTEGER NOT NULL"},
    "postgresql": {"instant": "TIMESTAMP WITH TIME ZONE", "key": "id BIGSERIAL NOT NULL"},
}
STATEMENTS = (
    """CREATE TABLE samples (
	{key},
	delivery_id BIGINT NOT NULL,
	metric TEXT NOT NULL,
	at {instant} NOT NULL,
	value BIGINT,
	state TEXT NOT NULL CONSTRAINT ck_samples_state CHECK (state IN ('measured', 'missing', 'withdrawn')),
	source TEXT NOT NULL,
	definition INTEGER NOT NULL,
	CONSTRAINT pk_samples PRIMARY KEY (id),
	CONSTRAINT ck_samples_value_when_measured CHECK ((value IS NULL) = (state <> 'measured')),
	CONSTRAINT fk_samples_delivery_id_deliveries FOREIGN KEY(delivery_id) REFERENCES deliveries (id)
)""",
    "CREATE INDEX ix_samples_at ON samples (at)",
    "CREATE INDEX ix_samples_delivery_id_samples_metric_samples_at_samples_value "
    "ON samples (delivery_id, metric, at, value)",
    """CREATE TABLE engagement (
	delivery_id BIGINT NOT NULL,
	next_at {instant},
	sampled_at {instant},
	views BIGINT,
	viewers BIGINT,
	reactions BIGINT,
	comments BIGINT,
	shares BIGINT,
	link_clicks BIGINT,
	gaps JSON NOT NULL,
	week JSON,
	misses INTEGER NOT NULL,
	CONSTRAINT pk_engagement PRIMARY KEY (delivery_id),
	CONSTRAINT fk_engagement_delivery_id_deliveries FOREIGN KEY(delivery_id) REFERENCES deliveries (id)
)""",
    "CREATE INDEX ix_engagement_next_at ON engagement (next_at)",
    """CREATE TABLE metric_names (
	channel_id BIGINT NOT NULL,
	name TEXT NOT NULL,
	alive BOOLEAN NOT NULL,
	since {instant} NOT NULL,
	asked_at {instant} NOT NULL,
	CONSTRAINT pk_metric_names PRIMARY KEY (channel_id, name),
	CONSTRAINT fk_metric_names_channel_id_channels FOREIGN KEY(channel_id) REFERENCES channels (id)
)""",
    """CREATE TABLE measuring (
	channel_id BIGINT NOT NULL,
	day TEXT NOT NULL,
	calls INTEGER NOT NULL,
	month TEXT NOT NULL,
	cost_usd FLOAT NOT NULL,
	not_before {instant},
	problem TEXT,
	CONSTRAINT pk_measuring PRIMARY KEY (channel_id),
	CONSTRAINT fk_measuring_channel_id_channels FOREIGN KEY(channel_id) REFERENCES channels (id)
)""",
    """CREATE TABLE visits (
	content TEXT NOT NULL,
	day TEXT NOT NULL,
	visits BIGINT NOT NULL,
	source TEXT NOT NULL,
	read_at {instant} NOT NULL,
	CONSTRAINT pk_visits PRIMARY KEY (content, day)
)""",
)


def upgrade() -> None:
    bind = op.get_bind()
    for statement in STATEMENTS:
        bind.exec_driver_sql(statement.format(**WORDS[bind.dialect.name]))
