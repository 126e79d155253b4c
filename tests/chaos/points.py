"""Fault points by number: every commit and every network call of a process is one, and at any it may die or fail.

Before a commit, after it, before a call's first byte, when its last byte has left and when its answer has come:
what happens between two points can't be told from outside, so a process that dies at each of them has died at
every instant that matters.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import requests.adapters
import urllib3.connection
from sqlalchemy import Engine

Act = Callable[[str, int], None]
"""What happens at a point: its kind and its number, counted from 1."""

BEFORE_COMMIT, COMMITTED, CALLING, SENT, ANSWERED = "before commit", "committed", "calling", "sent", "answered"
KINDS = (BEFORE_COMMIT, COMMITTED, CALLING, SENT, ANSWERED)


class Points:
    """Counts the points that this process passes and does at each what was asked for."""

    def __init__(self, act: Act = lambda _kind, _number: None) -> None:
        self.passed: Counter[str] = Counter()
        self.act = act

    @property
    def number(self) -> int:
        """How many points were passed so far."""
        return self.passed.total()

    def pass_by(self, kind: str) -> None:
        """One point; `act` may end the process or raise."""
        self.passed[kind] += 1
        self.act(kind, self.number)

    def watch_database(self, engine: Engine) -> None:
        """Every commit of this engine is two points."""
        dialect: Any = engine.dialect
        commit = dialect.do_commit

        def counted(connection: Any) -> None:
            self.pass_by(BEFORE_COMMIT)
            commit(connection)
            self.pass_by(COMMITTED)

        dialect.do_commit = counted

    def watch_network(self) -> None:
        """Every call of `requests` in this process is three points. For processes that end afterwards."""
        send = requests.adapters.HTTPAdapter.send
        answer = urllib3.connection.HTTPConnection.getresponse

        def counted(adapter: Any, *arguments: Any, **options: Any) -> Any:
            self.pass_by(CALLING)
            response = send(adapter, *arguments, **options)
            self.pass_by(ANSWERED)
            return response

        def awaited(connection: Any) -> Any:
            self.pass_by(SENT)
            return answer(connection)

        requests.adapters.HTTPAdapter.send = counted  # type: ignore[method-assign]
        urllib3.connection.HTTPConnection.getresponse = awaited  # type: ignore[method-assign]


def die_at(deadly: int) -> Act:
    """SIGKILL to oneself at one point: nothing is flushed, closed or said."""

    def act(_kind: str, number: int) -> None:
        if number == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def database_trouble(engine: Engine) -> Exception:
    """What the driver raises when the disk is full or the server has gone."""
    if engine.dialect.name == "sqlite":
        return sqlite3.OperationalError("database or disk is full")
    return psycopg.OperationalError("server closed the connection unexpectedly")


def cut_off(reason: Exception, while_it_lasts: Callable[[], bool]) -> None:
    """No new connection of `requests` in this process succeeds while that lasts."""
    connect = urllib3.connection.connection.create_connection

    def refuse(*arguments: Any, **options: Any) -> socket.socket:
        if while_it_lasts():
            raise reason
        return connect(*arguments, **options)

    urllib3.connection.connection.create_connection = refuse  # type: ignore[assignment]
