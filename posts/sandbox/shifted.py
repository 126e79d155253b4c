"""The sandbox's clock: somebody's clock, which can be set from outside and then runs on from there."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from posts.clock import Clock, require_aware

_FIRST_YEAR, _LAST_YEAR = 2011, 2200


class ShiftedClock:
    """Tells the time of `base`, moved by what `set` asked for."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._shift = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        with self._lock:
            return self._base.now() + self._shift

    def set(self, instant: datetime | None) -> None:
        """From now on it is `instant`, and time runs on; None goes back to the base clock.

        Raises ValueError for a datetime without a zone and for years in which no network of this kind exists.
        """
        if instant is not None and not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
            raise ValueError(f"the clock can be set to the years {_FIRST_YEAR} to {_LAST_YEAR}")
        shift = timedelta() if instant is None else require_aware(instant) - self._base.now()
        with self._lock:
            self._shift = shift
