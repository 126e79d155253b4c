"""Engine and transactions: SQLite (WAL, synchronous=FULL) or PostgreSQL, waking sleepers, and the worker's lock."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, Row, create_engine, event, make_url, select, text
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DisconnectionError,
    IntegrityError,
    InternalError,
    NoSuchModuleError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import NullPool

from campaign.settings import SettingsError
from posts import ledger
from posts.clock import Clock
from posts.tables import workers

BUSY_SECONDS = 30
# A cut cable is noticed after about 20 s, not after the operating system's quarter of an hour or two hours (libpq's
# connection parameters, PostgreSQL 18, section 32.1.2). What the address itself names goes first.
PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
WAKE_CHANNEL = "kreativorte_plan"
# The namespace of our advisory locks: the first key of PostgreSQL's two-key form.
LOCK_SPACE = 0x4B52
# An advisory lock with two keys belongs to one database of one server (PostgreSQL 18, "pg_locks").
LOCKED_HERE = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
    "AND classid = :space AND objid = :key "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)


class DatabaseUnreachable(Exception):
    """The own database can't be used; the message is one sentence without the password."""


class SecondDaemon(Exception):
    """Another daemon works on this SQLite database already."""


class Database:
    """Transactions on the project's database. `read` and `write` are the only ways in."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
            self.engine = _engine(url)
        except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
            raise SettingsError(
                "The setting 'database' is not an address of SQLite or PostgreSQL, such as sqlite:///kreativorte.db."
            ) from None
        self.sqlite = self.engine.dialect.name == "sqlite"
        # SQLite admits one writer; within this process they queue here instead of by sleeping and trying again.
        self._writers = threading.RLock()

    @property
    def name(self) -> str:
        """The address as a person may see it."""
        return self.url.render_as_string(hide_password=True)

    @property
    def inode(self) -> int:
        """SQLite: the number of the file; another one once it was replaced, 0 while it is not there."""
        return _inode(str(self.url.database))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with _one_sentence(self.name), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A short writing transaction, committed at the end; on SQLite it takes the write lock at once."""
        if not self.sqlite:
            with _one_sentence(self.name), self.engine.begin() as connection:
                yield connection
            return
        with _one_sentence(self.name), self._writers, self.engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                yield connection

    @contextmanager
    def dry_run(self) -> Iterator[Connection]:
        """A writing transaction that is always undone: it shows what would be written."""
        with _one_sentence(self.name), self._writers, self.engine.connect() as connection:
            transaction = connection.begin()
            try:
                yield connection
            finally:
                transaction.rollback()

    def wake_others(self, connection: Connection) -> None:
        """Tell other processes that the plan changed, with this transaction's commit."""
        if not self.sqlite:
            connection.execute(text(f"NOTIFY {WAKE_CHANNEL}"))

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


# A server that takes no writes after a fail-over, and transactions that it ended because we were too slow: nothing is
# wrong with what was asked (PostgreSQL 18, appendix A).
NOT_NOW = ("25006", "25P03", "25P04")


@contextmanager
def _one_sentence(name: str) -> Iterator[None]:
    try:
        yield
    except NoneFree as error:
        raise DatabaseUnreachable(f"The database {name} can't be used: all connections are taken.") from error
    except DatabaseError as error:
        ours = isinstance(error, IntegrityError | ProgrammingError | DataError | InternalError)
        if ours and getattr(error.orig, "sqlstate", None) not in NOT_NOW:
            raise
        raise DatabaseUnreachable(
            f"The database {name} can't be used: {str(error.orig).strip().splitlines()[0]}."
        ) from error


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, pool_size=20)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        if parsed.database:
            event.listen(engine, "checkout", _only_to(parsed.database))
        return engine
    if parsed.get_backend_name() != "postgresql":
        raise ArgumentError("neither SQLite nor PostgreSQL")
    return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True, connect_args=_patience(parsed))


def _patience(url: URL) -> dict[str, Any]:
    """How long a connection to PostgreSQL is waited for, and how soon a dead one is given up."""
    return {name: value for name, value in PATIENCE.items() if name not in url.query}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # SQLAlchemy's "begin" event decides between BEGIN and BEGIN IMMEDIATE, so the driver must not.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Without it REPLACE deletes rows past the log's triggers (sqlite.org/lang_conflict.html).
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.close()


def _only_to(file: str) -> Callable[[Any, Any, Any], None]:
    """A connection to a file that was replaced, as by a restore, is opened anew: else two databases would be used."""

    def check(_raw: Any, record: Any, _proxy: Any) -> None:
        number = _inode(file)
        if number and record.info.setdefault("inode", number) != number:
            raise DisconnectionError

    return check


def _inode(file: str) -> int:
    """The number of a file; 0 where there is none, as between a restore's two steps."""
    try:
        return Path(file).stat().st_ino
    except OSError:
        return 0


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


# --- migrations ----------------------------------------------------------------------------------------------


def _alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def upgrade(database: Database) -> None:
    """Bring the database to the newest schema; a fresh one is made."""
    with _one_sentence(database.name):
        command.upgrade(_alembic(database.url.render_as_string(hide_password=False)), "head")


def is_current(database: Database) -> bool:
    """Whether the database has the newest schema."""
    with database.read() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    return revision == ScriptDirectory.from_config(_alembic("")).get_current_head()


# --- commits that stay ---------------------------------------------------------------------------------------

NETWORK_DRIVES = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone")


def forgetful(database: Database) -> list[str]:
    """Why this database may lose commits that it has confirmed, one word each; empty when it keeps them.

    Sources: PostgreSQL 18, "Write Ahead Log" settings; sqlite.org/howtocorrupt.html, section 2.1.
    """
    if database.sqlite:
        file = Path(database.url.database or "").resolve()
        mounts = Path("/proc/self/mountinfo")
        on = drive_of(file, mounts.read_text(encoding="utf-8")) if mounts.exists() else ""
        return ["network_drive"] if on.startswith(NETWORK_DRIVES) else []
    with database.read() as connection:
        names = ("synchronous_commit", "fsync", "full_page_writes", "synchronous_standby_names")
        query = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
        found = {row.name: row.setting for row in connection.execute(query, {"names": list(names)})}
        replicas = connection.execute(text("SELECT count(*) FROM pg_stat_replication")).scalar_one()
    wrong = [name for name in names[:3] if found.get(name) == "off"]
    return wrong + (["replicas_lag"] if replicas and not found.get("synchronous_standby_names") else [])


def drive_of(file: Path, mountinfo: str) -> str:
    """The type of the file system that holds the file, by Linux's /proc/self/mountinfo; "" when it isn't told."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, types = before.split(), after.split()
        if len(fields) > 4 and types and file.is_relative_to(fields[4]) and len(fields[4]) > best:
            best, kind = len(fields[4]), types[0]
    return kind


# --- waking --------------------------------------------------------------------------------------------------


class Watch:
    """Sets an event when another process changed the plan.

    SQLite: `PRAGMA data_version` a few times a second; PostgreSQL: LISTEN, and the caller looks each minute anyhow.
    """

    def __init__(self, database: Database, wake: threading.Event) -> None:
        self._database = database
        self._wake = wake
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        look = self._look_at_version if self._database.sqlite else self._listen
        while not self._ended.is_set():
            try:
                look()
            except (SQLAlchemyError, psycopg.Error, DatabaseUnreachable, OSError):
                # The connection broke: whatever was announced meanwhile is seen by waking once.
                self._ended.wait(1.0)
                self._wake.set()

    def _look_at_version(self) -> None:
        with self._database.engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            last, inode = None, self._database.inode
            while not self._ended.wait(0.25):
                if self._database.inode != inode:
                    self._wake.set()
                    return
                version = raw.execute("PRAGMA data_version").fetchone()[0]
                if last is not None and version != last:
                    self._wake.set()
                last = version

    def _listen(self) -> None:
        # A connection of its own, not one of the pool: it is closed whatever became of it.
        url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True, **_patience(self._database.url)) as connection:
            connection.execute(f"LISTEN {WAKE_CHANNEL}")
            while not self._ended.is_set():
                for _ in connection.notifies(timeout=0.5, stop_after=1):
                    self._wake.set()


# --- the worker's lock ---------------------------------------------------------------------------------------


_THIS_SESSION = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END_SESSION = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid AND backend_start = :began "
    "AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True)
class Worker:
    """One running daemon; `id` stands in claims and attempts."""

    id: str
    lock_key: int


class WorkerLock:
    """Held as long as a daemon lives: an flock on SQLite, a session-level advisory lock on PostgreSQL.

    The operating system (or the server) gives it free when the process dies, and only then: a stopped process
    keeps it, so nobody takes its unfinished call for ended (DESIGN.md section 5, step 5).
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._file: int | None = None
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._inode = 0
        self._compared = False
        self._elsewhere = False
        self._session: Row[Any] | None = None
        self.worker = Worker(uuid.uuid4().hex[:16], int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF)

    def __enter__(self) -> WorkerLock:
        if self._database.sqlite:
            self._lock_file()
        self.hold()
        with self._database.write() as connection:
            self.enroll(connection)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()

    def enroll(self, connection: Connection) -> None:
        """Enter this worker, also in a database that was put back to before its start."""
        now = ledger.now_of(connection, self._clock)
        ledger.enroll(connection, self.worker.id, self.worker.lock_key, socket.gethostname(), now)

    def _lock_file(self) -> None:
        path = f"{self._database.url.database}.daemon"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            self._file = None
            raise SecondDaemon(
                "Another daemon already works on this database; several daemons need PostgreSQL."
            ) from None

    def hold(self) -> None:
        """Take the lock again after it was lost with its connection (PostgreSQL), or the file was replaced (SQLite).
        Nothing may be sent from there until `trust` is called."""
        if self.held():
            return
        self._compared = False
        if self._database.sqlite:
            self._inode = self._database.inode
            if not self._inode:
                raise DatabaseUnreachable(f"The database {self._database.name} is not there.")
            return
        if self._engine is None:
            self._engine = create_engine(
                self._database.url,
                poolclass=NullPool,
                isolation_level="AUTOCOMMIT",
                connect_args=_patience(self._database.url),
            )
        deadline = time.monotonic() + BUSY_SECONDS
        with _one_sentence(self._database.name):
            connection = self._engine.connect()
            try:
                while not self._try(connection, self.worker.lock_key):
                    if time.monotonic() > deadline:
                        raise DatabaseUnreachable("This daemon's own lock is held by a connection that won't end.")
                    self._end_lost_session(connection)
                    time.sleep(0.2)
                self._session = connection.execute(text(_THIS_SESSION)).one()
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        self._connection = connection

    def _end_lost_session(self, connection: Connection) -> None:
        """After a cut cable the server keeps the connection that we lost, and the lock with it, until it misses us:
        two hours by default. Ending it is ours to do; instant and number together name it for good."""
        if self._session is not None:
            connection.execute(text(_END_SESSION), {"pid": self._session.pid, "began": self._session.backend_start})

    def held(self) -> bool:
        """Whether the lock is still ours, on this database: on PostgreSQL its connection is asked, on SQLite whether
        the file is the one that it was."""
        if self._database.sqlite:
            return self._file is not None and self._inode == self._database.inode
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
            if not self._elsewhere:
                return True
        except SQLAlchemyError:
            pass
        # Lost, and the lock with it: the server gave both free, or another one answers now. It can't be used again.
        self._connection.invalidate()
        self._connection.close()
        self._connection = None
        self._elsewhere = False
        return False

    def trust(self) -> None:
        """The database on which the lock is held was compared with what this machine remembers: it may be sent from."""
        self._compared = True

    def may_send(self, connection: Connection) -> bool:
        """Whether this transaction's database is the one that was compared: a server that took over from another, or
        a file that was put in its place, does not know this worker's lock."""
        if not self._compared:
            return False
        if self._database.sqlite:
            return self._inode == self._database.inode
        here = bool(connection.execute(LOCKED_HERE, {"space": LOCK_SPACE, "key": self.worker.lock_key}).scalar_one())
        if not here:
            self._elsewhere = True
        return here

    @staticmethod
    def _try(connection: Connection, key: int) -> bool:
        query = text("SELECT pg_try_advisory_lock(:space, :key)")
        return bool(connection.execute(query, {"space": LOCK_SPACE, "key": key}).scalar_one())

    def dead(self, connection: Connection, suspects: set[str]) -> set[str]:
        """Those of the workers that have surely ended: their lock is free."""
        others = suspects - {self.worker.id}
        if not others:
            return set()
        if self._database.sqlite:
            return others if self._file is not None else set()
        rows = connection.execute(select(workers.c.id, workers.c.lock_key).where(workers.c.id.in_(others))).all()
        return {row.id for row in rows if self._is_free(connection, row.lock_key)}

    @staticmethod
    def _is_free(connection: Connection, key: int) -> bool:
        query = text("SELECT pg_try_advisory_xact_lock(:space, :key)")
        return bool(connection.execute(query, {"space": LOCK_SPACE, "key": key}).scalar_one())


def relative_database(path: Path) -> str:
    """The SQLAlchemy address of an SQLite file."""
    return f"sqlite:///{path}"
