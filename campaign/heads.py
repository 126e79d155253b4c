"""What this machine last saw committed, kept outside the database: so a restored or lagging database is noticed.

A database can't tell that it was put back to an earlier day; whoever remembers its newest log entry can (DESIGN.md
section 5, "What the database forgets").
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from posts import ledger
from posts.tables import attempts, log_entries

RESTORED = "database_restored"
"""The log's event, and the brake's reason, when a loss was noticed."""


@dataclass(frozen=True)
class Head:
    """The random id of a log entry that was seen committed, and its instant."""

    id: str
    at: datetime


@dataclass(frozen=True)
class Memory:
    """What the file of heads says: `known` is False where there is no readable file."""

    known: bool
    head: Head | None


@dataclass(frozen=True)
class Loss:
    """The database is not the one that this machine saw last. `since` is the newest instant that it still knows."""

    missing: Head | None
    since: datetime | None


class Heads:
    """The file beside the key. Reading never fails: an unreadable file is one that knows nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: str | None = None
        # What could not be written down (a full disk), for as long as this process lives.
        self._unwritten = Memory(False, None)

    @property
    def kept(self) -> str | None:
        """The id of the head that was recalled or kept last."""
        return self._kept

    def recall(self) -> Memory:
        """What was kept."""
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            head = Head(str(stored["id"]), datetime.fromisoformat(stored["at"])) if stored else None
        except (OSError, ValueError, KeyError, TypeError):
            head, known = self._unwritten.head, self._unwritten.known
        else:
            known = True
        self._kept = head.id if head else None
        return Memory(known, head)

    def keep(self, head: Head | None) -> None:
        """Remember a head; the file is replaced whole, so that a power cut leaves the old one or the new one."""
        if head is not None and head.id == self._kept and self._file.exists():
            return
        stored = {"id": head.id, "at": head.at.isoformat()} if head else {}
        self._unwritten = Memory(True, head)
        handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=f"{self._file.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(stored, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._unwritten = Memory(False, None)
        self._kept = head.id if head else None


def newest(connection: Connection) -> Head | None:
    """The newest log entry that this transaction sees."""
    found = ledger.newest_entry(connection)
    return Head(*found) if found else None


def loss(connection: Connection, memory: Memory) -> Loss | None:
    """What the database lacks, judged by what this machine remembers; None when nothing.

    A database in which nothing was ever sent is nobody's loss: a first daemon needs no introduction. What another
    machine noticed and a person has released is none either: what was in doubt since was marked then.
    """
    if memory.head is not None and not ledger.has_entry(connection, memory.head.id):
        if seen_to(connection, memory.head.at):
            return None
        missing: Head | None = memory.head
    elif not memory.known and connection.execute(select(attempts.c.id).limit(1)).first() is not None:
        missing = None
    else:
        return None
    return Loss(missing, _newest_before(connection, missing))


def _newest_before(connection: Connection, missing: Head | None) -> datetime | None:
    """The newest instant that the database still knows. What was written into it since it was put back, by a person
    or another machine, is younger than what is missing, and tells nothing of where the gap begins."""
    query = select(func.max(log_entries.c.at))
    if missing is not None:
        query = query.where(log_entries.c.at <= missing.at)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def noticed(connection: Connection, since: datetime) -> int | None:
    """The place in the log of the newest loss that was noticed from that instant on."""
    query = select(func.max(log_entries.c.ordinal)).where(log_entries.c.at >= since, log_entries.c.event == RESTORED)
    found: int | None = connection.execute(query).scalar_one()
    return found


def seen_to(connection: Connection, since: datetime) -> bool:
    """Whether a loss was noticed from that instant on, and a person has released the brake after the newest one."""
    loss_at = noticed(connection, since)
    if loss_at is None:
        return False
    released = select(log_entries.c.id).where(
        log_entries.c.ordinal > loss_at, log_entries.c.at >= since, log_entries.c.event == "go"
    )
    return connection.execute(released.limit(1)).first() is not None
