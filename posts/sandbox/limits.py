"""How often an account may call: fixed windows that begin with the first call, as the networks count them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from posts.sandbox.state import FACEBOOK, NETWORKS, TWITTER

ALL = "*"

# X: docs.x.com, rate limits, per user and 15 minutes. Facebook: 4800 calls in 24 hours for each person who engaged
# with the Page; the sandbox's Pages have 200 of them.
_DEFAULTS: dict[tuple[str, str], tuple[int, int]] = {
    (TWITTER, "create"): (100, 900),
    (TWITTER, "delete"): (50, 900),
    (TWITTER, "lookup"): (900, 900),
    (TWITTER, "timeline"): (900, 900),
    (TWITTER, "account"): (75, 900),
    (TWITTER, "upload"): (500, 900),
    (TWITTER, "segments"): (1875, 900),
    (TWITTER, "metadata"): (500, 900),
    (FACEBOOK, ALL): (4800 * 200, 86_400),
}
LONGEST_WINDOW = 366 * 86_400
CALLS = frozenset({call for _, call in _DEFAULTS} | {"edit"})


@dataclass(frozen=True)
class Quota:
    """Where a window stands after a call: `exceeded` when the call was one too many."""

    limit: int
    used: int
    reset: datetime
    now: datetime

    @property
    def wait(self) -> timedelta:
        return self.reset - self.now

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


class Windows:
    """Counts calls per network, kind of call and account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Back to the networks' own limits, with nothing counted."""
        with self._lock:
            self._limits = dict(_DEFAULTS)
            self._counts: dict[tuple[str, str, str], tuple[datetime, int]] = {}

    def change(self, call: str, limit: int, window: int, network: str | None = None) -> None:
        """From now on `limit` calls per `window` seconds, on one network or on both; counting begins anew.

        Raises ValueError for a call or a network that doesn't exist, and for limits that make no sense.
        """
        if call not in CALLS:
            raise ValueError(f"there is no call named {call!r}; known are {', '.join(sorted(CALLS))}")
        if network not in (None, *NETWORKS):
            raise ValueError(f"there is no network named {network!r}")
        if limit < 0 or not 0 < window <= LONGEST_WINDOW:
            raise ValueError(f"a limit is 0 or more calls in 1 to {LONGEST_WINDOW} seconds")
        with self._lock:
            for name in NETWORKS if network is None else (network,):
                self._limits[name, call] = (limit, window)
                self._counts = {k: v for k, v in self._counts.items() if k[:2] != (name, call)}

    def count(self, network: str, call: str, account: str, now: datetime) -> Quota | None:
        """Count one call; None where the network sets no limit for it."""
        with self._lock:
            key = call if (network, call) in self._limits else ALL
            limit, window = self._limits.get((network, key), (0, 0))
            if not window:
                return None
            start, used = self._counts.get((network, key, account), (now, 0))
            # A clock that was set back leaves windows that begin in the future; they are over as well.
            if not start <= now < start + timedelta(seconds=window):
                start, used = now, 0
            self._counts[network, key, account] = (start, used + 1)
            return Quota(limit, used + 1, start + timedelta(seconds=window), now)
