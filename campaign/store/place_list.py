"""Places as staff see them: how each stands, filtered, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Case, Connection, Row, Select, Subquery, and_, case, func, or_, select, true, type_coerce

from campaign.store.places import StoredPlace, stored
from campaign.tables import announcements, places
from posts.states import IN_FLIGHT, PLANNED, State
from posts.tables import Instant, deliveries


class Standing(StrEnum):
    """How a place stands, by what matters most; each place in exactly one."""

    WITHDRAWN = "withdrawn"
    LISTED_TWICE = "listed_twice"
    SKIPPED = "skipped"
    HELD = "held"
    OUT = "out"
    PLANNED = "planned"
    NEW = "new"


@dataclass(frozen=True)
class PlaceSearch:
    """Which places somebody looks for; what is empty excludes nothing."""

    words: str = ""
    portal: str = ""
    region: str = ""
    category: str = ""
    standing: Standing | None = None
    by_name: bool = False


@dataclass(frozen=True)
class ListedPlace:
    """A place in a list, with what is planned of it and what went out."""

    stored: StoredPlace
    standing: Standing
    planned: int
    out: int
    next_at: datetime | None
    last_at: datetime | None


_MOST_WORDS = 8
_TO_COME = tuple(
    state.value for state in (*PLANNED, State.QUEUED, *IN_FLIGHT, State.IN_DOUBT, State.MISSED, State.REFUSED)
)


def _announced() -> Subquery:
    """What is to come and what is out, per place."""
    to_come = deliveries.c.state.in_(_TO_COME)
    is_out = and_(deliveries.c.state == State.POSTED.value, deliveries.c.removed_at.is_(None))
    return (
        select(
            announcements.c.place_id,
            func.sum(case((to_come, 1), else_=0)).label("planned"),
            func.sum(case((is_out, 1), else_=0)).label("out"),
            func.min(case((to_come, deliveries.c.due_at))).label("next_at"),
            func.max(case((is_out, deliveries.c.posted_at))).label("last_at"),
        )
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(announcements.c.place_id > 0)
        .group_by(announcements.c.place_id)
        .subquery()
    )


def _standing(announced: Subquery) -> Case[str]:
    return case(
        (places.c.withdrawn, Standing.WITHDRAWN.value),
        (and_(places.c.same_as.is_not(None), places.c.same_as != places.c.id), Standing.LISTED_TWICE.value),
        (places.c.skipped_at.is_not(None), Standing.SKIPPED.value),
        (places.c.held, Standing.HELD.value),
        (announced.c.out > 0, Standing.OUT.value),
        (announced.c.planned > 0, Standing.PLANNED.value),
        else_=Standing.NEW.value,
    )


def _elements(connection: Connection, name: str) -> Any:
    """The entries of a list that a place's data holds, as a column of their own."""
    if connection.dialect.name == "sqlite":
        return func.json_each(places.c.data, f"$.{name}").table_valued("value").c.value
    return func.json_array_elements_text(places.c.data[name]).table_valued("value").c.value


def _place_conditions(connection: Connection, search: PlaceSearch) -> list[Any]:
    conditions: list[Any] = [places.c.portal == search.portal] if search.portal else []
    for name, wanted in (("regions", search.region), ("categories", search.category)):
        if wanted:
            element = _elements(connection, name)
            conditions.append(select(element).where(element == wanted).correlate(places).exists())
    for word in search.words.split()[:_MOST_WORDS]:
        # SQLite knows no letters beyond ASCII in two cases.
        forms = {word, word.lower(), word.upper(), word.capitalize()}
        columns = (places.c.name, places.c.town, places.c.external_id, places.c.url)
        conditions.append(or_(*(column.icontains(form, autoescape=True) for column in columns for form in forms)))
    return conditions


def listed_places(connection: Connection, search: PlaceSearch, limit: int, offset: int = 0) -> list[ListedPlace]:
    """Places that fit, the newest first unless they are wanted by name."""
    query, standing = _listing()
    conditions = _place_conditions(connection, search)
    if search.standing is not None:
        conditions.append(standing == search.standing.value)
    order = (places.c.name, places.c.id) if search.by_name else (places.c.published_at.desc(), places.c.id.desc())
    rows = connection.execute(query.where(*conditions).order_by(*order).limit(limit).offset(offset))
    return [_listed(row) for row in rows]


def listed_place(connection: Connection, place_id: int) -> ListedPlace | None:
    """One place as the list shows it, or None."""
    row = connection.execute(_listing()[0].where(places.c.id == place_id)).one_or_none()
    return _listed(row) if row else None


def listings_of(connection: Connection, place_id: int) -> list[StoredPlace]:
    """The further listings of a place."""
    query = select(places).where(places.c.same_as == place_id, places.c.id != place_id)
    return [stored(row) for row in connection.execute(query.order_by(places.c.portal, places.c.id))]


def _listing() -> tuple[Select[Any], Case[str]]:
    """All places with what is planned and out, and how they stand."""
    announced = _announced()
    standing = _standing(announced)
    query = select(
        places,
        standing.label("standing"),
        announced.c.planned,
        announced.c.out,
        type_coerce(announced.c.next_at, Instant()).label("next_at"),
        type_coerce(announced.c.last_at, Instant()).label("last_at"),
    ).outerjoin(announced, announced.c.place_id == places.c.id)
    return query, standing


def _listed(row: Row[Any]) -> ListedPlace:
    return ListedPlace(stored(row), Standing(row.standing), row.planned or 0, row.out or 0, row.next_at, row.last_at)


def counted_places(connection: Connection, search: PlaceSearch) -> dict[Standing, int]:
    """How many of the places that fit stand how, whichever standing is looked for."""
    announced = _announced()
    standing = _standing(announced).label("standing")
    query = (
        select(standing, func.count())
        .select_from(places.outerjoin(announced, announced.c.place_id == places.c.id))
        .where(*_place_conditions(connection, search))
        .group_by(standing)
    )
    return {Standing(one): count for one, count in connection.execute(query)}


def place_values(connection: Connection, name: str) -> list[str]:
    """All regions or categories that places have."""
    element = _elements(connection, name)
    each = places.join(element.table, true())
    return sorted(connection.execute(select(element).select_from(each).distinct()).scalars(), key=str.casefold)


def prepared_pictures(connection: Connection, place_ids: Sequence[int]) -> dict[int, str]:
    """Place to the file of the picture that was last prepared for one of its announcements."""
    rows = connection.execute(
        select(announcements.c.place_id, deliveries.c.draft)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(announcements.c.place_id.in_(list(place_ids)), deliveries.c.draft.is_not(None))
        .order_by(deliveries.c.due_at)
    )
    return {row.place_id: row.draft["images"][0]["file"] for row in rows if row.draft and row.draft.get("images")}
