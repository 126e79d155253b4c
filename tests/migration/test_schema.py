"""The migrations make exactly the schema that the tables describe, triggers and checks included."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, insert, select, text

import campaign.tables
from campaign.db import Database, _alembic, is_current, upgrade
from posts.tables import TRIGGERS, deliveries, engagement, metadata, samples
from tests.conftest import START

assert campaign.tables


def sqlite_schema(connection: Connection) -> set[Any]:
    rows = connection.execute(
        text("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' AND sql IS NOT NULL")
    )
    return {(row.type, row.name, " ".join(row.sql.split())) for row in rows}


def postgres_schema(connection: Connection) -> set[Any]:
    queries = (
        "SELECT 'column', table_name, column_name, data_type, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
        "SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'",
        "SELECT 'index', indexname, indexdef FROM pg_indexes "
        "WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
        "SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )
    return {tuple(row) for query in queries for row in connection.execute(text(query))}


def made_from_tables(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        for statement in TRIGGERS[engine.dialect.name]:
            connection.exec_driver_sql(statement)
    engine.dispose()


def schema(url: str) -> set[Any]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = sqlite_schema(connection) if engine.dialect.name == "sqlite" else postgres_schema(connection)
    engine.dispose()
    return found


def test_migrations_make_what_tables_describe_on_sqlite(tmp_path: Path) -> None:
    tables, migrations = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    made_from_tables(tables)
    upgrade(Database(migrations))
    assert schema(migrations) == schema(tables)


def test_migrations_make_what_tables_describe_on_postgresql(postgres_url: str, request: pytest.FixtureRequest) -> None:
    upgrade(Database(postgres_url))
    by_migrations = schema(postgres_url)
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    made_from_tables(postgres_url)
    assert schema(postgres_url) == by_migrations


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    assert is_current(database)


def test_figures_at_seven_days_move_to_columns_with_the_instant_at_which_they_were_taken(database_url: str) -> None:
    command.upgrade(_alembic(database_url), "0013")
    engine = create_engine(database_url)
    day = timedelta(days=1)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no channels needed
        common = {"channel_id": 1, "state": "posted", "due_at": START, "late_until": START, "posted_at": START}
        connection.execute(
            insert(deliveries), [common | {"id": one, "marker": f"m{one}", "remote_id": f"r{one}"} for one in (1, 2)]
        )
        sample = {"delivery_id": 1, "metric": "views", "value": 7, "state": "measured", "source": "", "definition": 1}
        connection.execute(insert(samples), [sample | {"at": START + number * day} for number in (1, 7, 8)])
        connection.execute(
            text(
                "INSERT INTO engagement (delivery_id, gaps, misses, week) VALUES "
                """(1, '{}', 0, '{"views": 7000000000, "viewers": null, "shares": 0}'), (2, '{}', 0, NULL)"""
            ).execution_options(no_parameters=True)
        )
    engine.dispose()
    database = Database(database_url)
    upgrade(database)
    with database.read() as connection:
        aged, young = connection.execute(select(engagement).order_by(engagement.c.delivery_id)).all()
    database.close()
    assert (aged.week_views, aged.week_viewers, aged.week_shares) == (7_000_000_000, None, 0)
    assert aged.week_at == START + 7 * day
    assert young.week_at is None and young.week_views is None
