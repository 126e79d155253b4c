"""The migrations make exactly the schema that the tables describe, triggers and checks included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

import campaign.tables
from campaign.db import Database, is_current, upgrade
from posts.tables import TRIGGERS, metadata

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
