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

from sqlalchemy import Connection, select

from posts import ledger
from posts.tables import attempts


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

    def recall(self) -> Memory:
        """What was kept."""
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            head = Head(str(stored["id"]), datetime.fromisoformat(stored["at"])) if stored else None
        except (OSError, ValueError, KeyError, TypeError):
            head, known = None, False
        else:
            known = True
        self._kept = head.id if head else None
        return Memory(known, head)

    def keep(self, head: Head | None) -> None:
        """Remember a head; the file is replaced whole, so that a power cut leaves the old one or the new one."""
        if head is not None and head.id == self._kept and self._file.exists():
            return
        stored = {"id": head.id, "at": head.at.isoformat()} if head else {}
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
        self._kept = head.id if head else None


def newest(connection: Connection) -> Head | None:
    """The newest log entry that this transaction sees."""
    found = ledger.newest_entry(connection)
    return Head(*found) if found else None


def loss(connection: Connection, memory: Memory) -> Loss | None:
    """What the database lacks, judged by what this machine remembers; None when nothing.

    A database in which nothing was ever sent is nobody's loss: a first daemon needs no introduction.
    """
    if memory.head is not None and not ledger.has_entry(connection, memory.head.id):
        missing: Head | None = memory.head
    elif not memory.known and connection.execute(select(attempts.c.id).limit(1)).first() is not None:
        missing = None
    else:
        return None
    known = newest(connection)
    return Loss(missing, known.at if known else None)
