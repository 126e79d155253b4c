"""Two ways to do the same, timed in turn in one run: what counts is how many times longer one takes."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """One row of `./run.sh bench`: how many times as long (or as many) as what stands beside it."""

    name: str
    beside: str
    ratios: tuple[float, ...]
    better: str
    target: float
    bounded_by: str | None = None

    @property
    def ratio(self) -> float:
        """The median over all rounds."""
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.ratio <= self.target if self.better == "lower" else self.ratio >= self.target

    def to_json(self) -> dict[str, Any]:
        """The contract's object."""
        return {
            "name": self.name,
            "beside": self.beside,
            "ratio": round(self.ratio, 3),
            "spread": [round(min(self.ratios), 3), round(max(self.ratios), 3)],
            "better": self.better,
            "target": self.target,
            "met": self.met,
            "bounded_by": self.bounded_by,
        }


def ratios(ours: Callable[[], object], beside: Callable[[], object], rounds: int) -> tuple[float, ...]:
    """Ours over the other's time, round by round, each going first in every other one; both warm up once."""
    ours()
    beside()
    found = []
    for number in range(rounds):
        pair = (ours, beside) if number % 2 == 0 else (beside, ours)
        times = {run: _seconds(run) for run in pair}
        found.append(times[ours] / times[beside])
    return tuple(found)


def _seconds(run: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
