"""A real MariaDB under both rule sets, its databases empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.portals.mariadb import (
    ABSENT,
    MYSQL_MODE,
    OWN_MODE,
    Cms,
    new_database,
    running_server,
    server_binary,
)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a server that this test run started itself."""
    binary = server_binary()
    if binary is None:
        pytest.skip(ABSENT)
    with running_server(binary, tmp_path_factory.mktemp("mariadb")) as socket:
        yield socket


@pytest.fixture
def cms(mariadb: str) -> Cms:
    """An empty database."""
    made = new_database(mariadb)
    made.set_mode(OWN_MODE)
    return made


@pytest.fixture(params=[OWN_MODE, MYSQL_MODE], ids=["MariaDB's mode", "MySQL 8's mode"])
def in_each_mode(request: pytest.FixtureRequest, mariadb: str) -> Cms:
    """An empty database, once under MariaDB's own sql_mode and once under MySQL 8's."""
    made = new_database(mariadb)
    made.set_mode(request.param)
    return made
