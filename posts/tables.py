"""Tables of the engine: channels, deliveries, attempts, the log, and what several machines share.

Instants are stored as UTC. The log refuses to be changed by triggers (`TRIGGERS`), except that sealing may
fill in `seq`, `prev` and `hash` once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

from posts.clock import require_aware
from posts.figures import METRICS
from posts.states import State

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC; a naive one is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant = require_aware(value)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigKey = BigInteger().with_variant(Integer, "sqlite")

channels = Table(
    "channels",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("network", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("account_name", Text, nullable=False, default=""),
    Column("api_base", Text, nullable=False),
    Column("world", Text, CheckConstraint("world IN ('sandbox', 'live')", name="world"), nullable=False),
    Column("credentials", Text, nullable=False),
    Column("token_expires", Instant),
    Column("problems", JSON, nullable=False, default=list),
    Column("checked_at", Instant),
    Column("paused", Boolean, nullable=False, default=False),
    Column("signed_out", Text),
    Column("throttled_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("removed_at", Instant),
    # Seconds by which our clock was ahead of the network's when it last answered a send.
    Column("clock_skew", Float),
    # It catches up on what is long overdue, one by one: the next start not before that instant.
    Column("rests_until", Instant),
    # One call at a time, and whose post is whose, are judged by channel: two of one account would undo both.
    Index(None, "network", "account", "world", unique=True),
)

_STATES = ", ".join(f"'{state.value}'" for state in State)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("channel_id", BigInteger, ForeignKey("channels.id"), nullable=False),
    Column("state", Text, CheckConstraint(f"state IN ({_STATES})", name="state"), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("late_until", Instant, nullable=False),
    Column("not_before", Instant),
    Column("marker", Text, nullable=False, unique=True),
    Column("draft", JSON(none_as_null=True)),
    Column("attempt", Integer, nullable=False, default=0),
    Column("worker", Text),
    Column("lease_until", Instant),
    Column("resends", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0),
    Column("cancel_wanted", Boolean, nullable=False, default=False),
    Column("hold_reason", Text),
    Column("reason", Text),
    Column("remote_id", Text),
    Column("permalink", Text),
    Column("posted_at", Instant),
    Column("removed_at", Instant),
    Column("cost_usd", Float),
    # It may be out already since then, though this database does not know: looked for before its first send.
    Column("look_since", Instant),
    # An earlier attempt turned out to be out under this id when it was too late to record it as the outcome.
    Column("also_posted", Text),
    UniqueConstraint("channel_id", "remote_id"),
    CheckConstraint("state <> 'posted' OR remote_id IS NOT NULL", name="posted_has_remote_id"),
    CheckConstraint(
        "state <> 'sending' OR (worker IS NOT NULL AND lease_until IS NOT NULL)", name="sending_has_worker"
    ),
    Index(None, "channel_id", "state", "due_at"),
    Index(None, "state", "due_at"),
    Index(None, "due_at"),
    Index(None, "posted_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("delivery_id", BigInteger, ForeignKey("deliveries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("outcome", Text),
    Column("duplicate", Boolean, nullable=False, default=False),
    UniqueConstraint("delivery_id", "number"),
)

log_entries = Table(
    "log_entries",
    metadata,
    Column("ordinal", BigKey, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("seq", BigInteger, unique=True),
    Column("at", Instant, nullable=False),
    Column("event", Text, nullable=False),
    Column("announcement", BigInteger),
    Column("channel", Text),
    Column("network", Text),
    Column("attempt", Integer),
    Column("remote_id", Text),
    Column("permalink", Text),
    Column("actor", Text, nullable=False),
    Column("detail", JSON, nullable=False, default=dict),
    Column("prev", Text),
    Column("hash", Text),
    Index(None, "announcement", "at"),
    Index(None, "at"),
    Index("ix_log_entries_unsealed", "ordinal", sqlite_where=text("seq IS NULL"), postgresql_where=text("seq IS NULL")),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("until", Instant, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lock_key", BigInteger, nullable=False, unique=True),
    Column("host", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    # What fails in its work at present, as "what:why".
    Column("troubles", JSON, nullable=False, default=list, server_default="[]"),
)

brake = Table(
    "brake",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("engaged", Boolean, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

reader_proofs = Table(
    "reader_proofs",
    metadata,
    Column("channel_id", BigInteger, ForeignKey("channels.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("proved_at", Instant, nullable=False),
)

# --- engagement --------------------------------------------------------------------------------------------------
# Samples are only ever added. What was last known of each delivery, and when it is measured next, stands beside them in
# `engagement`: a roll-up, made by the same transaction, so that no report reads years of samples.

_SAMPLED = "'measured', 'missing', 'withdrawn'"

samples = Table(
    "samples",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("delivery_id", BigInteger, ForeignKey("deliveries.id"), nullable=False),
    Column("metric", Text, nullable=False),
    Column("at", Instant, nullable=False),
    # NULL: not told. Never zero in its place.
    Column("value", BigInteger),
    Column("state", Text, CheckConstraint(f"state IN ({_SAMPLED})", name="state"), nullable=False),
    # What the network itself calls it, and the version of our reading of it.
    Column("source", Text, nullable=False),
    Column("definition", Integer, nullable=False),
    CheckConstraint("(value IS NULL) = (state <> 'measured')", name="value_when_measured"),
    # With the value, so that growth is read off the index: a post's samples lie scattered over years of others.
    Index(None, "delivery_id", "metric", "at", "value"),
    Index(None, "at"),
)

engagement = Table(
    "engagement",
    metadata,
    Column("delivery_id", BigInteger, ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
    # NULL: its last sample is taken, or there is nothing left to measure.
    Column("next_at", Instant),
    Column("sampled_at", Instant),
    *(Column(metric, BigInteger) for metric in METRICS),
    # Metric by metric why it was not told last: missing or withdrawn.
    Column("gaps", JSON, nullable=False, default=dict),
    # How often in a row the network did not know the post.
    Column("misses", Integer, nullable=False, default=0),
    # The figures at the age of seven days, which alone compare announcements of different age; NULL: not taken then.
    Column("week_at", Instant),
    *(Column(f"week_{metric}", BigInteger) for metric in METRICS),
    Index(None, "next_at"),
)

metric_names = Table(
    "metric_names",
    metadata,
    Column("channel_id", BigInteger, ForeignKey("channels.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("alive", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("asked_at", Instant, nullable=False),
)

# What measuring asked of a network on its last day and cost in its last month (UTC): its budget is kept by this.
measuring = Table(
    "measuring",
    metadata,
    Column("channel_id", BigInteger, ForeignKey("channels.id"), primary_key=True, autoincrement=False),
    Column("day", Text, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("month", Text, nullable=False),
    Column("cost_usd", Float, nullable=False),
    # A network that asked for patience is not measured before; posting has patience of its own.
    Column("not_before", Instant),
    # Why the last measuring brought less than was due, as a reason of `news`.
    Column("problem", Text),
)

_SEALED_ONCE = " OR ".join(
    f"NEW.{column.name} IS NOT OLD.{column.name}"
    for column in log_entries.columns
    if column.name not in ("seq", "prev", "hash")
)
_SEALED_ONCE_PG = " OR ".join(
    f"NEW.{column.name}{'::text' if column.name == 'detail' else ''} IS DISTINCT FROM "
    f"OLD.{column.name}{'::text' if column.name == 'detail' else ''}"
    for column in log_entries.columns
    if column.name not in ("seq", "prev", "hash")
)

TRIGGERS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER log_entries_no_delete BEFORE DELETE ON log_entries "
        "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
        "CREATE TRIGGER log_entries_no_update BEFORE UPDATE ON log_entries "
        f"WHEN OLD.seq IS NOT NULL OR NEW.seq IS NULL OR {_SEALED_ONCE} "
        "OR EXISTS (SELECT 1 FROM log_entries WHERE seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
        # REPLACE deletes rows without asking the trigger above, unless the client set recursive_triggers.
        "CREATE TRIGGER log_entries_no_replace BEFORE INSERT ON log_entries "
        "WHEN EXISTS (SELECT 1 FROM log_entries WHERE id = NEW.id OR ordinal = NEW.ordinal OR seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION log_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'the log is append-only'; END $$",
        "CREATE FUNCTION log_entries_seal_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.seq IS NOT NULL OR NEW.seq IS NULL OR {_SEALED_ONCE_PG} THEN "
        "RAISE EXCEPTION 'the log is append-only'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER log_entries_no_delete BEFORE DELETE ON log_entries "
        "FOR EACH ROW EXECUTE FUNCTION log_entries_refuse()",
        "CREATE TRIGGER log_entries_no_truncate BEFORE TRUNCATE ON log_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_entries_refuse()",
        "CREATE TRIGGER log_entries_no_update BEFORE UPDATE ON log_entries "
        "FOR EACH ROW EXECUTE FUNCTION log_entries_seal_only()",
    ),
}
