"""Portals and the places read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from campaign.places import Known, Picture, Place, Rejected
from campaign.tables import announcements, places, portals, rejected_rows
from posts.states import State
from posts.tables import deliveries


@dataclass(frozen=True)
class StoredPlace:
    """A place with its number here."""

    id: int
    place: Place
    held: bool
    withdrawn: bool
    gone: str | None
    same_as: int | None
    skipped_at: datetime | None = None
    skipped_by: str | None = None
    skip_reason: str | None = None
    occurrence: int = 1

    @property
    def skipped(self) -> bool:
        """Whether staff decided not to announce it."""
        return self.skipped_at is not None

    @property
    def is_another(self) -> bool:
        """Whether it is a further listing of another place, and announced with that one."""
        return self.same_as is not None and self.same_as != self.id


def note_portal(connection: Connection, name: str, now: datetime, problem: str | None) -> None:
    """Remember how a poll ended."""
    values: dict[str, Any] = {"tried_at": now, "problem": problem}
    if problem is None:
        values["pulled_at"] = now
    done = connection.execute(update(portals).where(portals.c.name == name).values(**values))
    if done.rowcount == 0:
        connection.execute(insert(portals).values(name=name, **values))


def portal_rows(connection: Connection) -> dict[str, Row[Any]]:
    """What is known of each portal's polls."""
    return {row.name: row for row in connection.execute(select(portals))}


def stored_places(connection: Connection, portal: str | None = None) -> list[StoredPlace]:
    """Places in the order of their publication."""
    query = select(places).order_by(places.c.published_at, places.c.id)
    if portal is not None:
        query = query.where(places.c.portal == portal)
    return [stored(row) for row in connection.execute(query)]


def place_urls(connection: Connection) -> list[str]:
    """The addresses of all places; cheap also for thousands."""
    return list(connection.execute(select(places.c.url)).scalars())


def places_held(connection: Connection, portal: str) -> int:
    """How many places of a portal wait for a person's decision."""
    query = (
        select(func.count()).select_from(places).where(places.c.portal == portal, places.c.held, ~places.c.withdrawn)
    )
    return int(connection.execute(query).scalar_one())


def place_of(connection: Connection, place_id: int) -> StoredPlace | None:
    """One place, or None."""
    row = connection.execute(select(places).where(places.c.id == place_id)).one_or_none()
    return stored(row) if row else None


def stored(row: Row[Any]) -> StoredPlace:
    return StoredPlace(
        row.id,
        _place(row.data),
        row.held,
        row.withdrawn,
        row.gone,
        row.same_as,
        row.skipped_at,
        row.skipped_by,
        row.skip_reason,
        row.occurrence,
    )


def known_places(connection: Connection, portal: str) -> dict[str, Known]:
    """What the next poll of a portal is compared with, by external id. Cheap also for thousands of places."""
    columns = (
        places.c.external_id,
        places.c.fingerprint,
        places.c.withdrawn,
        places.c.missing_polls,
        places.c.held,
        places.c.url,
        places.c.name,
        places.c.town,
        func.coalesce(places.c.digest, ""),
    )
    rows = connection.execute(select(*columns).where(places.c.portal == portal))
    return {row[0]: Known(*row[1:]) for row in rows}


def _place(data: Mapping[str, Any]) -> Place:
    values = dict(data)
    for name in ("regions", "categories", "hashtags"):
        values[name] = tuple(values[name])
    values["pictures"] = tuple(Picture(**picture) for picture in values["pictures"])
    for name in ("published_at", "updated_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Place(**values)


def _data(place: Place) -> dict[str, Any]:
    values = asdict(place)
    for name in ("published_at", "updated_at"):
        values[name] = values[name].isoformat() if values[name] else None
    return values


def save_place(
    connection: Connection, place: Place, now: datetime, *, digest: str | None = None, held: bool = False
) -> int:
    """Insert or update a place as its portal shows it now; returns its number."""
    values = {
        "name": place.name,
        "url": place.url,
        "town": place.town,
        "digest": digest,
        "gone": None,
        "published_at": place.published_at,
        "data": _data(place),
        "fingerprint": place.fingerprint,
        "changed_at": now,
        "missing_polls": 0,
        "withdrawn": place.withdrawn,
        "held": held,
    }
    known = connection.execute(
        select(places.c.id).where(places.c.portal == place.portal, places.c.external_id == place.external_id)
    ).scalar_one_or_none()
    if known is not None:
        connection.execute(update(places).where(places.c.id == known).values(**values))
        return int(known)
    return int(
        connection.execute(
            insert(places)
            .values(portal=place.portal, external_id=place.external_id, first_seen=now, **values)
            .returning(places.c.id)
        ).scalar_one()
    )


def mark_places(connection: Connection, portal: str, external_ids: Sequence[str], **values: Any) -> None:
    """Set columns of several places of one portal."""
    for start in range(0, len(external_ids), 500):
        connection.execute(
            update(places)
            .where(places.c.portal == portal, places.c.external_id.in_(external_ids[start : start + 500]))
            .values(**values)
        )


def note_digests(connection: Connection, portal: str, digests: Mapping[str, str]) -> None:
    """Remember the rows of places that are what they were, though their rows are not (as their date of change)."""
    rows = [{"key": key, "row": digest} for key, digest in digests.items()]
    if rows:
        connection.execute(
            update(places)
            .where(places.c.portal == portal, places.c.external_id == bindparam("key"))
            .values(digest=bindparam("row")),
            rows,
        )


def set_place(connection: Connection, place_id: int, **values: Any) -> None:
    """Set columns of one place."""
    connection.execute(update(places).where(places.c.id == place_id).values(**values))


def place_words(connection: Connection) -> tuple[set[str], set[str]]:
    """All regions and all categories of the places that portals show now."""
    regions: set[str] = set()
    categories: set[str] = set()
    query = select(places.c.data["regions"], places.c.data["categories"]).where(~places.c.withdrawn)
    for of_regions, of_categories in connection.execute(query):
        regions.update(of_regions)
        categories.update(of_categories)
    return regions, categories


def sent_places(connection: Connection, place_ids: Sequence[int]) -> set[int]:
    """Those places of which something went out or may have gone out."""
    sent = (State.SENDING, State.UNKNOWN, State.IN_DOUBT, State.POSTED)
    query = (
        select(announcements.c.place_id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(announcements.c.place_id.in_(list(place_ids)), deliveries.c.state.in_([one.value for one in sent]))
    )
    return set(connection.execute(query.distinct()).scalars())


def replace_rejected(connection: Connection, portal: str, rejected: Iterable[Rejected], now: datetime) -> None:
    """Keep the present list of rows that could not become places."""
    connection.execute(delete(rejected_rows).where(rejected_rows.c.portal == portal))
    rows = [{"portal": portal, "external_id": one.external_id, "reason": one.reason, "at": now} for one in rejected]
    if rows:
        connection.execute(insert(rejected_rows), rows)


def accept_places(connection: Connection, portal: str, place_id: int | None = None) -> list[StoredPlace]:
    """Let places of a portal pass that wait for a person, all or one; returns those that did wait."""
    waiting = [places.c.portal == portal, places.c.held, ~places.c.withdrawn]
    if place_id is not None:
        waiting.append(places.c.id == place_id)
    found = [stored(row) for row in connection.execute(select(places).where(*waiting).order_by(places.c.id))]
    for one in found:
        set_place(connection, one.id, held=False)
    return found


def last_occurrence(connection: Connection, place_id: int) -> int:
    """The highest occurrence of a place's announcements; 0 where it has none."""
    query = select(func.coalesce(func.max(announcements.c.occurrence), 0)).where(announcements.c.place_id == place_id)
    return int(connection.execute(query).scalar_one())


def rejected_of(connection: Connection, portal: str | None, limit: int, offset: int) -> list[Row[Any]]:
    """Rows that could not become places, by portal and id there."""
    query = select(rejected_rows).order_by(rejected_rows.c.portal, rejected_rows.c.external_id)
    if portal is not None:
        query = query.where(rejected_rows.c.portal == portal)
    return list(connection.execute(query.limit(limit).offset(offset)))


def rejected_counts(connection: Connection) -> dict[str, int]:
    """How many rows of each portal could not become places."""
    count = func.count().label("number")
    rows = connection.execute(select(rejected_rows.c.portal, count).group_by(rejected_rows.c.portal))
    return {row.portal: row.number for row in rows}


def held_counts(connection: Connection) -> dict[str, int]:
    """How many places of each portal wait for a person."""
    query = select(places.c.portal, func.count().label("number")).where(places.c.held, ~places.c.withdrawn)
    return {row.portal: row.number for row in connection.execute(query.group_by(places.c.portal))}
