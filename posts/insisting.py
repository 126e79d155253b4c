"""Writing what the network already knows and must not be lost here: tried again while the database is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from posts.clock import Clock

logger = logging.getLogger(__name__)

TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds between two tries, doubled each time; a quarter of a minute in all."""

Begin = Callable[[], AbstractContextManager[Connection]]


def insist(begin: Begin, clock: Clock, write: Callable[[Connection], object]) -> None:
    """Run `write` in a transaction of its own until it is committed. Raises what the last try raised, and at once
    whatever is no trouble of the database's own."""
    for number in range(TRIES):
        try:
            with begin() as connection:
                write(connection)
            return
        except Exception as error:
            if not is_database_trouble(error) or number == TRIES - 1:
                raise
            logger.warning("what must not be lost can't be written yet: %s", error)
            clock.wait(None, threading.Event(), min(FIRST_PAUSE * 2**number, LONGEST_PAUSE))


def is_database_trouble(error: BaseException) -> bool:
    """Whether an error is the database's own, also when a caller wrapped it in a sentence; not a broken rule of its
    tables, which no waiting mends."""
    if isinstance(error, IntegrityError):
        return False
    return isinstance(error, SQLAlchemyError) or isinstance(error.__cause__, SQLAlchemyError)
