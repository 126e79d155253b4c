"""A real MariaDB for portals' databases, started by whoever tests or measures, where its server is installed."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import Cursor

READER, PASSWORD = "leser", "gehe1m"
OWN_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION"
# MySQL 8's default, stricter than MariaDB's own: a preset must be read under both.
MYSQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION"
)
_numbers = itertools.count()
ABSENT = "no MariaDB server is installed (Debian: mariadb-server); portals on MariaDB are not tried"


def server_binary() -> str | None:
    """Where the system's MariaDB server is, None where there is none."""
    return shutil.which("mariadbd") or next(
        (str(file) for file in (Path("/usr/sbin/mariadbd"), Path("/usr/libexec/mariadbd")) if file.exists()), None
    )


@dataclass
class Cms:
    """One CMS' database: written to as its administrator, read by an account that may only select."""

    socket: str
    name: str

    @property
    def url(self) -> str:
        """As the configuration of a portal names it."""
        return self.url_of(READER, PASSWORD)

    def url_of(self, user: str, password: str) -> str:
        """The same database for another account."""
        return f"mysql+pymysql://{user}:{password}@localhost/{self.name}?unix_socket={self.socket}"

    def run(self, *statements: str, **values: Any) -> None:
        """Write as the administrator does; each statement is committed."""
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, values or None)

    @cached_property
    def _connection(self) -> pymysql.Connection[Any]:
        connection = _as_root(self.socket, self.name)
        with connection.cursor() as cursor:
            cursor.execute("SET sql_mode = ''")
        return connection

    def insert(self, table: str, **columns: Any) -> None:
        """One row."""
        names, places = ", ".join(f"`{name}`" for name in columns), ", ".join(f"%({name})s" for name in columns)
        self.run(f"INSERT INTO {table} ({names}) VALUES ({places})", **columns)

    def run_many(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        """One statement for many rows."""
        with self._connection.cursor() as cursor:
            cursor.executemany(statement, rows)

    def grant(self, *tables: str) -> None:
        """Let the portal's account select from these tables."""
        self.run(*(f"GRANT SELECT ON {self.name}.{table} TO {READER}@localhost" for table in tables))

    def set_mode(self, mode: str) -> None:
        """The server's sql_mode for connections from now on."""
        self.run(f"SET GLOBAL sql_mode = '{mode}'")


def _as_root(socket: str, database: str | None = None) -> pymysql.Connection[Any]:
    return pymysql.connect(
        unix_socket=socket, user="root", database=database, autocommit=True, charset="utf8mb4", cursorclass=Cursor
    )


def new_database(socket: str) -> Cms:
    """An empty database of a CMS, and the account that a portal is read with, which may do nothing yet."""
    name = f"cms_{next(_numbers)}"
    with _as_root(socket) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        cursor.execute(f"CREATE USER IF NOT EXISTS {READER}@localhost IDENTIFIED BY '{PASSWORD}'")
    return Cms(socket, name)


@contextlib.contextmanager
def running_server(binary: str, home: Path) -> Iterator[str]:
    """The socket of a MariaDB server in German local time, as German hosters run it."""
    install = shutil.which("mariadb-install-db")
    assert install is not None, "mariadb-install-db belongs to the server"
    account = ["--user=root"] if os.geteuid() == 0 else []
    data = f"--datadir={home / 'data'}"
    # Without --no-defaults the system's own configuration would be read, and its server's folders used.
    made = [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db", *account]
    subprocess.run(made, check=True, capture_output=True)
    socket = str(home / "s")
    command = [binary, "--no-defaults", data, f"--socket={socket}", "--skip-networking", *account]
    command += ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", f"--pid-file={home / 'pid'}"]
    server = subprocess.Popen(
        command, env=os.environ | {"TZ": "Europe/Berlin"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(server, socket)
        yield socket
    finally:
        server.terminate()
        server.wait(60)


def _wait_for(server: subprocess.Popen[bytes], socket: str) -> None:
    pause = threading.Event()
    for _ in range(600):
        try:
            pymysql.connect(unix_socket=socket, user="root").close()
        except pymysql.MySQLError:
            assert server.poll() is None, "the MariaDB server ended at once"
            pause.wait(0.05)
        else:
            return
    raise AssertionError("the MariaDB server does not answer")
