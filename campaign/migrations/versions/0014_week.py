"""The figures at the age of seven days in columns of their own, with the instant at which they were taken."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

METRICS = ("views", "viewers", "reactions", "comments", "shares", "link_clicks")
INSTANT = {"sqlite": "DATETIME", "postgresql": "TIMESTAMP WITH TIME ZONE"}
AGED = {"sqlite": "datetime(deliveries.posted_at, '+7 days')", "postgresql": "deliveries.posted_at + interval '7 days'"}
FIGURE = {"sqlite": "json_extract(week, '$.{}')", "postgresql": "week ->> '{}'"}  # SQLite knows ->> since 3.38 only
TAKEN = """UPDATE engagement SET {values}, week_at = coalesce(
	(SELECT min(samples.at) FROM samples JOIN deliveries ON deliveries.id = samples.delivery_id
	WHERE samples.delivery_id = engagement.delivery_id AND samples.at >= {aged}),
	sampled_at) WHERE week IS NOT NULL"""


def upgrade() -> None:
    bind = op.get_bind()
    dialect = bind.dialect.name
    bind.exec_driver_sql(f"ALTER TABLE engagement ADD COLUMN week_at {INSTANT[dialect]}")
    for metric in METRICS:
        bind.exec_driver_sql(f"ALTER TABLE engagement ADD COLUMN week_{metric} BIGINT")
    values = ", ".join(f"week_{metric} = CAST({FIGURE[dialect].format(metric)} AS BIGINT)" for metric in METRICS)
    bind.exec_driver_sql(TAKEN.format(values=values, aged=AGED[dialect]))
    bind.exec_driver_sql("ALTER TABLE engagement DROP COLUMN week")
