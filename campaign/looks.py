"""Looks that take their time, several at once: in order where all answer, and one slow server delays nobody else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Row

PATIENCE = 2.0
"""Seconds for which whatever comes after a look waits for it; from then on it is passed by."""
FEWEST = 4
"""Looks at once at least, however few senders there are."""

Seen = TypeVar("Seen")


@dataclass
class _Look(Generic[Seen]):
    row: Row[Any]
    began: float
    server: str
    future: Future[Seen]

    @property
    def late(self) -> bool:
        return not self.future.done() and time.monotonic() - self.began >= PATIENCE


class Looks(Generic[Seen]):
    """Looks at announcements and at what lies outside. One server never takes more than half of the threads."""

    def __init__(self, threads: int) -> None:
        self._threads = max(FEWEST, threads)
        self._looks: dict[int, _Look[Seen]] = {}
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="look")

    def close(self) -> None:
        """Begin no further look; those under way are left to their time-outs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def go_on(
        self,
        rows: Sequence[Row[Any]],
        look: Callable[[Row[Any]], Seen],
        take: Callable[[Row[Any], Seen], None],
    ) -> int:
        """Look at the rows, and hand over each as it was looked at; returns how many are still to be looked at.

        Rows come in the order in which they shall be handed over on each channel. The next call is to name again those
        that were not handed over.
        """
        named = {row.id for row in rows}
        self._looks = {key: one for key, one in self._looks.items() if key in named}
        end = time.monotonic() + PATIENCE
        while True:
            done = {key for key, one in self._looks.items() if one.future.done()}
            rows = self._hand_over(rows, done, take)
            self._begin(rows, look)
            in_time = [one.future for key, one in self._looks.items() if key not in done and not one.late]
            left = end - time.monotonic()
            if not in_time or left <= 0:
                return len(rows)
            wait(in_time, timeout=left, return_when=FIRST_COMPLETED)

    def _hand_over(
        self, rows: Sequence[Row[Any]], done: set[int], take: Callable[[Row[Any], Seen], None]
    ) -> list[Row[Any]]:
        """What was looked at, in order; returns the other rows."""
        waited_for: set[int] = set()
        slow = {one.server for one in self._looks.values() if one.late}
        others = []
        for row in rows:
            if row.id in done and row.channel_id not in waited_for:
                one = self._looks.pop(row.id)
                take(one.row, one.future.result())
                continue
            others.append(row)
            passed_by = self._looks[row.id].late if row.id in self._looks else _server(row) in slow
            if not passed_by:
                waited_for.add(row.channel_id)
        return others

    def _begin(self, rows: Sequence[Row[Any]], look: Callable[[Row[Any]], Seen]) -> None:
        under_way = Counter(one.server for one in self._looks.values() if not one.future.done())
        for row in rows:
            server = _server(row)
            if row.id in self._looks or (server and under_way[server] >= self._threads // 2):
                continue
            if under_way.total() >= self._threads:
                return
            under_way[server] += 1
            self._looks[row.id] = _Look(row, time.monotonic(), server, self._pool.submit(look, row))


def _server(row: Row[Any]) -> str:
    """Whom the look will ask, "" for nobody or somebody else."""
    try:
        return (urlsplit(row.link).hostname or "") if row.link else ""
    except ValueError:
        return ""
