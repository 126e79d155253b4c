"""Reading portals into the own table: one portal's trouble stays its own, and nothing known is ever lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from campaign import listings, store
from campaign.news import sentence
from campaign.places import Comparison, Known, Reading, Rejected, compare
from campaign.portals.portal import PortalConfig, PortalError, PortalUnreachable
from campaign.portals.sql import read_portal

Begin = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Pulled:
    """How one portal's poll ended. `problem` is the reason where it could not be read."""

    portal: str
    seen: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
    stopped: str = ""
    problem: str = ""
    unreachable: bool = False
    merged: tuple[tuple[str, str], ...] = ()
    """Name of each place that is a further listing of another portal's, and that portal."""

    @property
    def is_news(self) -> bool:
        """Whether anything that is planned might have to follow."""
        return any(self.counts.get(name, 0) for name in ("new", "changed", "withdrawn", "returned"))

    def to_json(self, language: str) -> dict[str, Any]:
        """The contract's object."""
        names = ("new", "changed", "unchanged", "withdrawn", "returned", "held")
        return {
            "portal": self.portal,
            "seen": self.seen,
            **{name: self.counts.get(name, 0) for name in names},
            "merged": [{"name": name, "listed_in": portal} for name, portal in self.merged],
            "rejected": [{"id": one.external_id, "reason": sentence(one.reason, language)} for one in self.rejected],
            "stopped": sentence(self.stopped, language) or None,
            "problem": sentence(self.problem, language) or None,
        }


def pull(
    config: PortalConfig,
    read: Begin,
    write: Begin,
    now: datetime,
    *,
    accept: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Pulled:
    """Read one portal's whole list and take it over. A portal in trouble is told, never raised."""
    with read() as connection:
        known = store.known_places(connection, config.name)
    # A person may have answered for those that wait: they are looked at anew each time.
    digests = {key: "" if one.held else one.digest for key, one in known.items() if not one.withdrawn or one.digest}
    try:
        reading = read_portal(config, now, digests, progress)
    except PortalError as error:
        unreachable = isinstance(error, PortalUnreachable)
        problem = f"{'portal_unreachable' if unreachable else 'portal_misconfigured'}:{error}"
        with write() as connection:
            store.note_portal(connection, config.name, now, problem)
        return Pulled(config.name, problem=problem, unreachable=unreachable)
    with write() as connection:
        return _take_over(connection, config.name, reading, known, now, accept)


def _take_over(
    connection: Connection, portal: str, reading: Reading, known: dict[str, Known], now: datetime, accept: bool
) -> Pulled:
    if any(one.held for one in known.values()):
        # A person may have let them pass while the portal was read.
        known = store.known_places(connection, portal)
    row = store.portal_rows(connection).get(portal)
    first_pull = row is None or row.pulled_at is None
    if row is None:
        store.note_portal(connection, portal, now, "")
    comparison = compare(known, reading, first_pull=first_pull, accept=accept)
    store.replace_rejected(connection, portal, reading.rejected, now)
    store.note_portal(connection, portal, now, comparison.stopped or None)
    _save(connection, portal, comparison, known, reading, now)
    arrived = (*comparison.new, *comparison.changed, *comparison.returned)
    merged = listings.merge(connection, portal, arrived, now) if arrived else ()
    if comparison.withdrawn:
        listings.stand_in(connection, portal, set(comparison.withdrawn), now)
    return Pulled(
        portal,
        reading.seen,
        comparison.counts,
        reading.rejected,
        comparison.stopped,
        merged=merged,
    )


def _save(
    connection: Connection,
    portal: str,
    comparison: Comparison,
    known: dict[str, Known],
    reading: Reading,
    now: datetime,
) -> None:
    for place in (*comparison.new, *comparison.changed, *comparison.returned):
        store.save_place(connection, place, now, digest=reading.digests[place.external_id])
    for held in comparison.held:
        store.save_place(connection, held.place, now, held=True)
    unchanged = set(comparison.unchanged)
    store.note_digests(connection, portal, {key: row for key, row in reading.digests.items() if key in unchanged})
    seen_again = [key for key in comparison.unchanged if known[key].missing_polls]
    store.mark_places(connection, portal, seen_again, missing_polls=0)
    for key in comparison.missing_once:
        store.mark_places(connection, portal, [key], missing_polls=known[key].missing_polls + 1)
    for key in comparison.withdrawn:
        why, row = reading.gone.get(key), reading.digests.get(key)
        store.mark_places(connection, portal, [key], withdrawn=True, changed_at=now, gone=why, digest=row)
    gone = set(comparison.gone)
    store.note_digests(connection, portal, {key: row for key, row in reading.digests.items() if key in gone})
