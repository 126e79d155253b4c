"""Reading a portal: any SQLite, PostgreSQL, MySQL or MariaDB database, in one read-only snapshot.

The mapping's expressions are SQL written by the administrator and run as they stand; what keeps the portal safe
from them is that the connection can't write. Nothing here holds a place back: see campaign/places.py for that.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pymysql
from psycopg import Connection as PsycopgConnection
from psycopg.types.string import TextLoader
from sqlalchemy import (
    URL,
    BindParameter,
    Connection,
    Engine,
    NullPool,
    RowMapping,
    TextClause,
    bindparam,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from campaign.places import Reading
from campaign.portals.portal import (
    FIELDS,
    REQUIRED,
    PortalConfig,
    PortalError,
    PortalMisconfigured,
    PortalUnreachable,
)
from campaign.portals.rows import ROW_DIGEST, digest_of, identity, reading

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30.0
_BATCH = 500
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "sqlite": "sqlite",
}
_NOTHING = "LIMIT 0"
_MOST_MISSING = 500
_MOST_ASKED = 500
"""So many rows are asked for by their ids; of more, the whole list is read again."""

Progress = Callable[[int], None]


def read_portal(
    config: PortalConfig,
    now: datetime,
    known: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
) -> Reading:
    """The portal's whole list as one snapshot; `progress` is told the number of rows read so far.

    `known` holds what was read before: external ids that were shown, with the digests of their rows ("" for a row
    that must be looked at anew). Those that are not in the list are asked for, where the CMS can tell why.

    Raises PortalUnreachable or PortalMisconfigured with one sentence; the latter names the table or field at
    fault. What stands in a row never raises: such a row is rejected in the Reading.
    """
    config = at(config, now)
    with open_read_only(config) as connection:
        try:
            read = _changed(connection, config, known, progress) or reading(
                config.name, _rows(connection, statement(config, connection.dialect.name), progress), known
            )
            return replace(read, gone=_whereabouts(connection, config, known, read))
        except DBAPIError as error:
            raise _explanation(connection, config, error) from None


def at(config: PortalConfig, now: datetime) -> PortalConfig:
    """The same portal, read at an instant: `:now` in its statements is that instant in Unix seconds."""
    return replace(config, options={**config.options, "now": int(now.timestamp())})


def _whereabouts(
    connection: Connection, config: PortalConfig, known: Mapping[str, str], read: Reading
) -> dict[str, str]:
    """Of places that are missing from the list, why; at most so many as one question can name."""
    listed = {place.external_id for place in read.places} | {row.external_id for row in read.rejected} | read.same
    missing = sorted((key for key in known.keys() - listed if key.isdigit()), key=int)[:_MOST_MISSING]
    if not config.whereabouts or not missing:
        return {}
    asked = replace(config, options={**config.options, "ids": [int(key) for key in missing]})
    found = {str(row[0]): str(row[1]) for row in connection.execute(_clause(asked, config.whereabouts))}
    return {key: found.get(key, "deleted") for key in missing}


@contextmanager
def open_read_only(config: PortalConfig) -> Iterator[Connection]:
    """A connection that can't write, inside one snapshot; the session's time zone is UTC.

    Raises PortalUnreachable or PortalMisconfigured.
    """
    engine = _engine(config)
    try:
        with _connect(config, engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _connect(config: PortalConfig, engine: Engine) -> Connection:
    try:
        connection = engine.connect()
        if engine.dialect.name == "mysql":
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    except DBAPIError as error:
        raise PortalUnreachable(_sentence(config, "the database can't be reached", error)) from None
    except (TypeError, ValueError):
        # What a driver says of an option or host name it can't use quotes the URL, and with it the password.
        raise PortalMisconfigured(f"portal {config.name}: url holds an option or host the driver can't use.") from None
    return connection


def _changed(
    connection: Connection, config: PortalConfig, known: Mapping[str, str], progress: Progress | None
) -> Reading | None:
    """The list by fingerprints that the database makes itself, and the rows that are not what they were.

    None where that saves nothing or can't be done: nothing is known yet, this database makes no fingerprints, very
    much has changed, or ids are missing or doubled.
    """
    dialect = connection.dialect.name
    if dialect not in _DIGESTS or not any(known.values()):
        return None
    listed = list(_rows(connection, _digests(config, dialect), progress))
    keys = [identity(row["id"]) for row in listed]
    others = [row["id"] for key, row in zip(keys, listed, strict=True) if known.get(key) != digest_of(row)]
    if len(set(keys) - {""}) < len(keys) or len(others) > _MOST_ASKED:
        return None
    only = replace(config, options={**config.options, "changed_ids": others or [None]})
    condition = f"({config.fields['id']}) IN :changed_ids"
    only = replace(only, where=f"({config.where}) AND {condition}" if config.where else condition)
    read = reading(config.name, _rows(connection, statement(only, dialect), None) if others else ())
    taken = {identity(one) for one in others}
    return replace(read, seen=len(listed), same=frozenset(key for key in keys if key not in taken))


def _rows(connection: Connection, asked: TextClause, progress: Progress | None) -> Iterator[RowMapping]:
    result = connection.execution_options(stream_results=True).execute(asked)
    count = 0
    for batch in result.mappings().partitions(_BATCH):
        yield from batch
        count += len(batch)
        if progress is not None:
            progress(count)


# Statements


# A fingerprint over all fields of a row: an unknown value (here U+0000) differs from an empty one, and fields are kept
# apart by a character that no editor types (U+001E).
_DIGESTS: Mapping[str, Callable[[list[str]], str]] = {
    "mysql": lambda fields: f"MD5(CONCAT_WS(_utf8mb4 0x1E, {_each('IFNULL({}, _utf8mb4 0x00)', fields)}))",
    "postgresql": lambda fields: f"md5(ROW({_each('({})', fields)})::text)",
}


def _each(form: str, fields: list[str]) -> str:
    return ", ".join(form.replace("{}", field) for field in fields)


def statement(config: PortalConfig, dialect: str) -> TextClause:
    """The question to the portal: all fields of all rows, and each row's fingerprint where the database makes one."""
    names = [name for name in FIELDS if name in config.fields]
    columns = [f"({config.fields[name]}) AS {name}" for name in names]
    if dialect in _DIGESTS:
        columns.append(f"{_digest(config, dialect)} AS {ROW_DIGEST}")
    return _clause(config, _select(", ".join(columns), _source(config) + _order(config)))


def _digests(config: PortalConfig, dialect: str) -> TextClause:
    """Of all rows only the id and the fingerprint."""
    columns = f"({config.fields['id']}) AS id, {_digest(config, dialect)} AS {ROW_DIGEST}"
    return _clause(config, _select(columns, _source(config)))


def _digest(config: PortalConfig, dialect: str) -> str:
    return _DIGESTS[dialect]([config.fields[name] for name in FIELDS if name in config.fields])


def _order(config: PortalConfig) -> str:
    """The order makes sure that of two rows with one id the same one counts each time."""
    names = [name for name in FIELDS if name in config.fields]
    return " ORDER BY " + ", ".join(str(names.index(name) + 1) for name in REQUIRED)


def _select(columns: str, source: str) -> str:
    return f"SELECT {columns} FROM {source}"


def _source(config: PortalConfig) -> str:
    source = config.table or f"({config.query}) AS portal_rows"
    return f"{source} WHERE {config.where}" if config.where else source


_COLON_NAME = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


def _clause(config: PortalConfig, statement: str) -> TextClause:
    """The statement with the configured options bound; any other colon is the administrator's SQL."""
    used = set(_COLON_NAME.findall(statement)).intersection(config.options)
    escaped = _COLON_NAME.sub(lambda match: match[0] if match[1] in used else "\\" + match[0], statement)
    return text(escaped).bindparams(*(_bound(name, config.options[name]) for name in sorted(used)))


def _bound(name: str, value: object) -> BindParameter[Any]:
    """A list becomes the right side of IN, brackets included."""
    return bindparam(name, value, expanding=isinstance(value, list | tuple))


# Connections


def _engine(config: PortalConfig) -> Engine:
    url = _url(config)
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(config, url)
    if url.get_backend_name() == "postgresql":
        return _postgresql_engine(url)
    return _mysql_engine(url)


def _url(config: PortalConfig) -> URL:
    """The URL with the driver that is installed here. The original never gets into a message: it has a password."""
    try:
        url = make_url(config.url)
    except (ArgumentError, ValueError):
        raise PortalMisconfigured(f"portal {config.name}: url is not a valid SQLAlchemy URL.") from None
    backend = url.drivername.split("+")[0]
    if backend not in _DRIVERS:
        known = "SQLite, PostgreSQL, MySQL or MariaDB"
        raise PortalMisconfigured(f"portal {config.name}: {backend!r} can't be opened read-only here; use {known}.")
    return url.set(drivername=_DRIVERS[backend])


def _sqlite_engine(config: PortalConfig, url: URL) -> Engine:
    file = Path(url.database or "")
    if not url.database or url.database == ":memory:":
        raise PortalMisconfigured(f"portal {config.name}: url names no SQLite file.")
    if not file.is_file():
        raise PortalUnreachable(f"portal {config.name}: the file {file} does not exist.")
    return create_engine("sqlite://", creator=lambda: _open_sqlite(file), poolclass=NullPool)


def _open_sqlite(file: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(file.absolute()))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=CONNECT_SECONDS, isolation_level=None)
    # Text that is not UTF-8 must not make the row unreadable.
    connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    deadline = time.monotonic() + STATEMENT_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    return connection


def _postgresql_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_SECONDS},
        isolation_level="REPEATABLE READ",
    ).execution_options(postgresql_readonly=True)
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: PsycopgConnection[Any], _record: object) -> None:
    """Read-only by default, so that not even a COMMIT inside the mapping opens a way to write.

    Dates come as text: PostgreSQL knows some ("infinity", before Christ) that Python's types refuse.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        cursor.execute(f"SET statement_timeout = {int(STATEMENT_SECONDS * 1000)}")
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SET datestyle = 'ISO, YMD'")
    connection.commit()
    for kind in ("date", "timestamp", "timestamptz", "json", "jsonb"):
        connection.adapters.register_loader(kind, TextLoader)


def _mysql_engine(url: URL) -> Engine:
    asked = {"connect_timeout": CONNECT_SECONDS, "read_timeout": STATEMENT_SECONDS + 5, "charset": "utf8mb4"}
    if "unix_socket" in url.query:
        # Nothing leaves the machine: no certificates need be read, which takes a tenth of an unchanged poll.
        asked |= {"ssl_disabled": True}
    engine = create_engine(url, poolclass=NullPool, connect_args=asked)
    event.listen(engine, "connect", _prepare_mysql)
    return engine


# MariaDB counts seconds, MySQL milliseconds.
_MARIADB_LIMIT = f"max_statement_time = {STATEMENT_SECONDS}"
_MYSQL_LIMIT = f"max_execution_time = {int(STATEMENT_SECONDS * 1000)}"


def _prepare_mysql(connection: pymysql.Connection[Any], _record: object) -> None:
    """Read-only for the session; GROUP_CONCAT not cut at 1,024 bytes; || joins texts as everywhere else."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET SESSION time_zone = '+00:00', group_concat_max_len = 1048576")
        cursor.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')")
        cursor.execute("SELECT VERSION()")
        row = cursor.fetchone()
        mariadb = row is not None and "mariadb" in str(row[0]).lower()
        cursor.execute(f"SET SESSION {_MARIADB_LIMIT if mariadb else _MYSQL_LIMIT}")
    connection.commit()


# Errors

# SQLite's primary result codes (https://www.sqlite.org/rescode.html): BUSY, LOCKED, INTERRUPT, IOERR, CORRUPT,
# CANTOPEN, NOTADB.
_SQLITE_DOWN = frozenset({5, 6, 9, 10, 11, 14, 26})
# PostgreSQL's SQLSTATE classes (appendix A of its manual): connection, rollback by conflict, resources, operator
# intervention (time-out included), system.
_POSTGRESQL_DOWN = ("08", "40", "53", "57", "58")
# MySQL and MariaDB server errors: lock wait, deadlock, too many connections, shutdown, interrupted, time limits.
_MYSQL_DOWN = frozenset({1040, 1053, 1203, 1205, 1213, 1317, 1969, 3024})


def _is_down(error: DBAPIError) -> bool:
    """True when the database failed, not the statement."""
    original = error.orig
    if error.connection_invalidated:
        return True
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", 0) & 0xFF in _SQLITE_DOWN
    if isinstance(original, pymysql.MySQLError):
        code = original.args[0] if original.args else 0
        return isinstance(code, int) and (code in _MYSQL_DOWN or 2000 <= code < 3000)
    state = getattr(original, "sqlstate", None)
    return state is None or state.startswith(_POSTGRESQL_DOWN)


def _explanation(connection: Connection, config: PortalConfig, error: DBAPIError) -> PortalError:
    """What is at fault: the database, the table, or the first field that fails by itself."""
    if _is_down(error):
        return PortalUnreachable(_sentence(config, "the database did not answer", error))
    for part, statement in _parts(config):
        try:
            connection.rollback()
            for _row in connection.execute(statement):
                pass
        except DBAPIError as alone:
            if _is_down(alone):
                return PortalUnreachable(_sentence(config, "the database did not answer", alone))
            return PortalMisconfigured(_sentence(config, part, alone))
    return PortalMisconfigured(_sentence(config, "the fields can't be read together", error))


def _parts(config: PortalConfig) -> Iterator[tuple[str, TextClause]]:
    """Each part of the mapping alone. A field is read over all rows: some expressions fail on one row only."""
    source = _source(config)
    yield _source_named(config), _clause(config, _select("1", f"{source} {_NOTHING}"))
    for name, expression in config.fields.items():
        yield f"field {name!r}", _clause(config, _select(f"({expression}) AS field", source))


def _source_named(config: PortalConfig) -> str:
    if config.preset:
        return f"the tables of the preset {config.preset!r}"
    return f"table {config.table!r}" if config.table else "query"


def _sentence(config: PortalConfig, what: str, error: DBAPIError) -> str:
    """One sentence out of a driver's error: its first line, without the password."""
    arguments: tuple[Any, ...] = error.orig.args if error.orig is not None else ()
    told = str(arguments[-1] if arguments else "")
    line = (told.strip().splitlines() or ["no reason given"])[0]
    password = make_url(config.url).password
    if password:
        line = line.replace(str(password), "***")
    return f"portal {config.name}: {what}: {line[:300]}"
