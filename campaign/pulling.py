"""Reading portals into the own table: one portal's trouble stays its own, and nothing known is ever lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from campaign import store
from campaign.places import Comparison, Known, Reading, Rejected, compare
from campaign.portals.portal import PortalConfig, PortalError, PortalUnreachable
from campaign.portals.sql import read_portal

Begin = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Pulled:
    """How one portal's poll ended. `problem` is a sentence where it could not be read."""

    portal: str
    seen: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
    stopped: str = ""
    problem: str = ""
    unreachable: bool = False
    withdrawn: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The contract's object."""
        names = ("new", "changed", "unchanged", "withdrawn", "returned", "held")
        return {
            "portal": self.portal,
            "seen": self.seen,
            **{name: self.counts.get(name, 0) for name in names},
            "rejected": [{"id": one.external_id, "reason": one.reason} for one in self.rejected],
            "stopped": self.stopped or None,
            "problem": self.problem or None,
        }


def pull(
    config: PortalConfig,
    write: Begin,
    now: datetime,
    *,
    accept: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Pulled:
    """Read one portal's whole list and take it over. A portal in trouble is told, never raised."""
    try:
        reading = read_portal(config, progress)
    except PortalError as error:
        with write() as connection:
            store.note_portal(connection, config.name, now, str(error))
        return Pulled(config.name, problem=str(error), unreachable=isinstance(error, PortalUnreachable))
    with write() as connection:
        return _take_over(connection, config.name, reading, now, accept)


def _take_over(connection: Connection, portal: str, reading: Reading, now: datetime, accept: bool) -> Pulled:
    row = store.portal_rows(connection).get(portal)
    first_pull = row is None or row.pulled_at is None
    if row is None:
        store.note_portal(connection, portal, now, "")
    known = {
        one.place.external_id: Known(one.place.fingerprint, one.withdrawn, one.missing_polls, one.held, one.place.url)
        for one in store.stored_places(connection, portal)
    }
    comparison = compare(known, reading, first_pull=first_pull, accept=accept)
    store.replace_rejected(connection, portal, reading.rejected, now)
    store.note_portal(connection, portal, now, comparison.stopped or None)
    _save(connection, portal, comparison, known, now)
    return Pulled(
        portal,
        reading.seen,
        comparison.counts,
        reading.rejected,
        comparison.stopped,
        withdrawn=comparison.withdrawn,
        changed=tuple(place.external_id for place in (*comparison.changed, *comparison.returned)),
    )


def _save(connection: Connection, portal: str, comparison: Comparison, known: dict[str, Known], now: datetime) -> None:
    for place in (*comparison.new, *comparison.changed, *comparison.returned):
        store.save_place(connection, place, now)
    for held in comparison.held:
        store.save_place(connection, held.place, now, held=True)
    seen_again = [key for key in comparison.unchanged if known[key].missing_polls]
    store.mark_places(connection, portal, seen_again, missing_polls=0)
    for key in comparison.missing_once:
        store.mark_places(connection, portal, [key], missing_polls=known[key].missing_polls + 1)
    store.mark_places(connection, portal, comparison.withdrawn, withdrawn=True, changed_at=now)
