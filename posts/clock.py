"""The clock that is handed over: nobody here asks the machine for the time by himself.

All instants are timezone-aware and in UTC; durations are seconds (float) or timedelta.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

HURRIED = 0.05
"""Seconds that a hurried clock leaves of every waiting."""


class Clock(Protocol):
    """What the engine may know of time."""

    @property
    def real(self) -> bool:
        """True when this clock is the machine's; a database may then lend its own."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds on a scale that never jumps; for leases, settling windows and rates."""

    def wait(self, until: datetime | None, wake: threading.Event, at_most: float) -> bool:
        """Sleep until an instant, until `wake` is set, or for `at_most` seconds; True when woken."""


class SystemClock:
    """The machine's own clock."""

    real = True

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, until: datetime | None, wake: threading.Event, at_most: float) -> bool:
        seconds = at_most
        if until is not None:
            seconds = min(at_most, max(0.0, (until - self.now()).total_seconds()))
        return wake.wait(seconds)


class LeapingClock:
    """A clock that runs at normal speed but leaps over idle waiting; the demonstration's shortened clock.

    Whoever waits for an instant further away than `pause` seconds finds it `pause` seconds away.
    """

    real = False

    def __init__(self, start: datetime, pause: float = 1.5) -> None:
        self._offset = require_aware(start) - datetime.now(UTC)
        self._pause = pause
        self._lock = threading.Lock()

    def walk(self) -> None:
        """From now on leap no more."""
        self._pause = float("inf")

    def hurry(self) -> None:
        """From now on leap nearly to the instant that is waited for."""
        self._pause = HURRIED

    def now(self) -> datetime:
        with self._lock:
            return datetime.now(UTC) + self._offset

    def monotonic(self) -> float:
        return time.monotonic() + self._offset.total_seconds()

    def wait(self, until: datetime | None, wake: threading.Event, at_most: float) -> bool:
        if until is not None:
            ahead = (until - self.now()).total_seconds()
            if ahead > self._pause:
                with self._lock:
                    self._offset += timedelta(seconds=ahead - self._pause)
            return wake.wait(max(0.0, min(ahead, self._pause, at_most)))
        return wake.wait(at_most)


class ManualClock:
    """A clock that stands still until it is moved; for tests and dry runs."""

    real = False

    def __init__(self, start: datetime) -> None:
        self._now = require_aware(start)
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def wait(self, until: datetime | None, wake: threading.Event, at_most: float) -> bool:
        if wake.is_set():
            return True
        target = self._now + timedelta(seconds=at_most)
        if until is not None:
            target = min(target, until)
        self.advance(max(0.0, (target - self._now).total_seconds()))
        return False

    def advance(self, seconds: float) -> None:
        """Let time pass on both scales."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set(self, instant: datetime) -> None:
        """Jump, as a machine whose clock was corrected: the monotonic scale does not move."""
        self._now = require_aware(instant)


def require_aware(instant: datetime) -> datetime:
    """The instant in UTC. Raises ValueError for a datetime without a zone."""
    if instant.tzinfo is None:
        raise ValueError("a datetime without a time zone is not an instant")
    return instant.astimezone(UTC)
