"""What was measured of one announcement: the newest figures with the network's own names, the course, the gaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from campaign.app import App
from campaign.reports import facts
from posts.figures import METRICS
from posts.states import State


@dataclass(frozen=True)
class Newest:
    """What is known of one metric. `state` is how the last sample ended: "measured", "missing" or "withdrawn"; "never"
    where this network does not tell the metric at all. `value` was told at `at`, under the network's name `source`;
    None where it was never told."""

    metric: str
    state: str
    value: int | None
    at: datetime | None
    source: str


@dataclass(frozen=True)
class Reading:
    """One sample: the values that were told at an instant; what was not told is None or not there."""

    at: datetime
    values: Mapping[str, int | None]


@dataclass(frozen=True)
class Measured:
    """All of one announcement. `next_at` is None where it is measured no more."""

    newest: tuple[Newest, ...]
    readings: tuple[Reading, ...]
    next_at: datetime | None

    @property
    def course(self) -> tuple[Reading, ...]:
        """The readings that tell how often it was seen."""
        return tuple(one for one in self.readings if one.values.get("views") is not None)


def measured(app: App, announcement_id: int) -> Measured | None:
    """What was measured of an announcement that went out; None of any other."""
    with app.database.read() as connection:
        standing = facts.standing(connection, announcement_id)
        rows = facts.samples_of(connection, announcement_id)
    if standing is None or standing.state != State.POSTED:
        return None
    next_at = standing.next_at
    if next_at is None and standing.sampled_at is None and standing.removed_at is None:
        next_at = standing.posted_at + app.settings["engagement.schedule"][0]
    return Measured(
        newest=tuple(_newest(metric, [row for row in rows if row.metric == metric]) for metric in METRICS),
        readings=tuple(_readings(rows)),
        next_at=next_at,
    )


def _newest(metric: str, rows: list[Any]) -> Newest:
    told = [row for row in rows if row.value is not None]
    if not rows:
        return Newest(metric, "never", None, None, "")
    named = (told or rows)[-1]
    value, at = (named.value, named.at) if told else (None, None)
    return Newest(metric, rows[-1].state, value, at, named.source)


def _readings(rows: Iterable[Any]) -> Iterable[Reading]:
    """The samples of one instant together; those of a metric that is withdrawn have no course."""
    for at, taken in groupby(rows, key=lambda row: row.at):
        values = {row.metric: row.value for row in taken if row.state != "withdrawn"}
        if values:
            yield Reading(at, values)
