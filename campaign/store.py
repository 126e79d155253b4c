"""The only queries of the application. Functions take a connection inside a transaction; they open none."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Case,
    Connection,
    Row,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    true,
    type_coerce,
    update,
)
from sqlalchemy.exc import IntegrityError

from campaign.places import Known, Picture, Place, Rejected
from campaign.tables import (
    announcements,
    approvals,
    campaigns,
    channel_regions,
    comments,
    mailings,
    persons,
    places,
    portals,
    rejected_rows,
    template_revisions,
)
from posts.errors import Explained
from posts.states import IN_FLIGHT, PLANNED, State
from posts.tables import Instant, brake, channels, deliveries, workers

FREE = ""
"""The campaign's name of an announcement outside campaigns."""
CALENDAR_WORDS = 100
"""So many signs of a text stand on the calendar where there is no place to name."""


class Unknown(Explained):
    """Something was named that does not exist."""


# --- persons -------------------------------------------------------------------------------------------------


def person_id(connection: Connection, name: str, now: datetime) -> str:
    """The opaque id that stands for a person in the log; made when somebody acts for the first time."""
    known = connection.execute(select(persons.c.id).where(persons.c.name == name)).scalar_one_or_none()
    if known is not None:
        return str(known)
    made = "p" + secrets.token_hex(6)
    connection.execute(insert(persons).values(id=made, name=name, created_at=now))
    return made


def person_names(connection: Connection) -> dict[str, str]:
    """Opaque id to name."""
    return {row.id: row.name for row in connection.execute(select(persons.c.id, persons.c.name))}


# --- portals and places --------------------------------------------------------------------------------------


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
    return [_stored(row) for row in connection.execute(query)]


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
    return _stored(row) if row else None


def _stored(row: Row[Any]) -> StoredPlace:
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
    found = [_stored(row) for row in connection.execute(select(places).where(*waiting).order_by(places.c.id))]
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


# --- the list of places --------------------------------------------------------------------------------------


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
    return [_stored(row) for row in connection.execute(query.order_by(places.c.portal, places.c.id))]


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
    return ListedPlace(_stored(row), Standing(row.standing), row.planned or 0, row.out or 0, row.next_at, row.last_at)


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


# --- channels ------------------------------------------------------------------------------------------------


def channel_rows(connection: Connection, *, removed: bool = False) -> list[Row[Any]]:
    """Channels by name."""
    query = select(channels).order_by(channels.c.name)
    return list(connection.execute(query if removed else query.where(channels.c.removed_at.is_(None))))


def channel_named(connection: Connection, name: str) -> Row[Any]:
    """One channel. Raises Unknown."""
    row = connection.execute(
        select(channels).where(channels.c.name == name, channels.c.removed_at.is_(None))
    ).one_or_none()
    if row is None:
        raise Unknown("channel_unknown", name)
    return row


def regions_by_channel(connection: Connection) -> dict[int, tuple[str, ...]]:
    """Channel number to its regions."""
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(select(channel_regions).order_by(channel_regions.c.region)):
        found[row.channel_id] = (*found.get(row.channel_id, ()), row.region)
    return found


def set_regions(connection: Connection, channel_id: int, regions: Iterable[str]) -> None:
    """Replace a channel's regions."""
    connection.execute(delete(channel_regions).where(channel_regions.c.channel_id == channel_id))
    rows = [{"channel_id": channel_id, "region": region} for region in sorted(set(regions))]
    if rows:
        connection.execute(insert(channel_regions), rows)


def set_channel(connection: Connection, channel_id: int, **values: Any) -> None:
    """Set columns of one channel."""
    connection.execute(update(channels).where(channels.c.id == channel_id).values(**values))


def last_and_next(connection: Connection, channel_id: int) -> tuple[int | None, int | None]:
    """The announcement of a channel that went out last, and the one that is due next."""
    mine = select(deliveries.c.id).where(deliveries.c.channel_id == channel_id).limit(1)
    waiting = [state.value for state in (State.DRAFT, State.APPROVED, State.QUEUED, State.SENDING)]
    last = mine.where(deliveries.c.state == State.POSTED.value).order_by(deliveries.c.posted_at.desc())
    due = mine.where(deliveries.c.state.in_(waiting)).order_by(deliveries.c.due_at, deliveries.c.id)
    return connection.execute(last).scalar_one_or_none(), connection.execute(due).scalar_one_or_none()


def counts_by_channel(connection: Connection) -> dict[int, dict[State, int]]:
    """Channel number to how many of its announcements stand in each state."""
    query = select(deliveries.c.channel_id, deliveries.c.state, func.count()).group_by(
        deliveries.c.channel_id, deliveries.c.state
    )
    found: dict[int, dict[State, int]] = {}
    for channel_id, state, count in connection.execute(query):
        found.setdefault(channel_id, {})[State(state)] = count
    return found


# --- campaigns -----------------------------------------------------------------------------------------------


def save_campaign(
    connection: Connection, name: str, definition: Mapping[str, Any], now: datetime, ended_at: datetime | None = None
) -> bool:
    """Store a campaign under its name; True when it is new."""
    values = {"definition": dict(definition), "applied_at": now, "ended_at": ended_at}
    done = connection.execute(update(campaigns).where(campaigns.c.name == name).values(**values))
    if done.rowcount:
        return False
    connection.execute(insert(campaigns).values(name=name, **values))
    return True


def campaign_rows(connection: Connection) -> list[Row[Any]]:
    """Campaigns by name."""
    return list(connection.execute(select(campaigns).order_by(campaigns.c.name)))


def campaign_row(connection: Connection, name: str) -> Row[Any]:
    """One campaign. Raises Unknown."""
    row = connection.execute(select(campaigns).where(campaigns.c.name == name)).one_or_none()
    if row is None:
        raise Unknown("campaign_unknown", name)
    return row


def campaign_to_change(connection: Connection, name: str) -> Row[Any] | None:
    """One campaign that nobody else changes until the transaction ends; None where there is none."""
    return connection.execute(select(campaigns).where(campaigns.c.name == name).with_for_update()).one_or_none()


def campaign_states(connection: Connection) -> dict[str, dict[State, int]]:
    """Campaign to how many of its announcements stand in each state."""
    rows = connection.execute(
        select(announcements.c.campaign, deliveries.c.state, func.count().label("number"))
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(announcements.c.campaign != FREE)
        .group_by(announcements.c.campaign, deliveries.c.state)
    )
    found: dict[str, dict[State, int]] = {}
    for row in rows:
        found.setdefault(row.campaign, {})[State(row.state)] = row.number
    return found


def next_instants(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Campaign to the instant at which its next announcement is planned."""
    query = (
        select(announcements.c.campaign, type_coerce(func.min(deliveries.c.due_at), Instant()).label("at"))
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(
            announcements.c.campaign != FREE,
            deliveries.c.state.in_([state.value for state in (*PLANNED, State.QUEUED)]),
            deliveries.c.due_at >= now,
        )
        .group_by(announcements.c.campaign)
    )
    return {row.campaign: row.at for row in connection.execute(query)}


def end_campaign(connection: Connection, name: str, definition: Mapping[str, Any], now: datetime) -> None:
    """End a campaign, with the definition that says so."""
    values = {"definition": dict(definition), "applied_at": now, "ended_at": now}
    connection.execute(update(campaigns).where(campaigns.c.name == name).values(**values))


def pause_campaign(connection: Connection, name: str, paused: bool) -> None:
    """Pause or resume a campaign. Raises Unknown."""
    campaign_row(connection, name)
    connection.execute(update(campaigns).where(campaigns.c.name == name).values(paused=paused))


# --- templates -----------------------------------------------------------------------------------------------


def active_templates(connection: Connection) -> dict[tuple[str, str], str]:
    """Network and name to the text of the revision that staff made active; templates without one are left out."""
    rows = connection.execute(select(template_revisions).where(template_revisions.c.active))
    return {(row.network, row.name): row.text for row in rows}


def revision_rows(connection: Connection, network: str | None = None, name: str | None = None) -> list[Row[Any]]:
    """Revisions of all templates, or of the named one, the newest first."""
    query = select(template_revisions).order_by(template_revisions.c.number.desc())
    if network is not None:
        query = query.where(template_revisions.c.network == network)
    if name is not None:
        query = query.where(template_revisions.c.name == name)
    return list(connection.execute(query))


def lock_templates(connection: Connection) -> None:
    """Let nobody else save or activate a revision until this transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE template_revisions IN SHARE ROW EXCLUSIVE MODE"))


def add_revision(connection: Connection, network: str, name: str, **values: Any) -> int:
    """Store a revision behind those that are there, under `lock_templates`; returns its number."""
    newest = select(func.coalesce(func.max(template_revisions.c.number), 0)).where(
        template_revisions.c.network == network, template_revisions.c.name == name
    )
    number = int(connection.execute(newest).scalar_one()) + 1
    connection.execute(
        insert(template_revisions).values(network=network, name=name, number=number, active=False, **values)
    )
    return number


def activate_revision(connection: Connection, network: str, name: str, number: int | None) -> None:
    """Make a revision the one that is used, under `lock_templates`; None: the shipped file."""
    mine = update(template_revisions).where(template_revisions.c.network == network, template_revisions.c.name == name)
    connection.execute(mine.where(template_revisions.c.active).values(active=False))
    if number is not None:
        connection.execute(mine.where(template_revisions.c.number == number).values(active=True))


def planned_with_template(connection: Connection, network: str, name: str) -> list[int]:
    """Announcements of a template whose text is not frozen yet, the next due first."""
    query = (
        select(announcements.c.id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .where(
            announcements.c.template == name,
            channels.c.network == network,
            deliveries.c.state.in_([state.value for state in PLANNED]),
        )
        .order_by(deliveries.c.due_at, announcements.c.id)
    )
    return list(connection.execute(query).scalars())


# --- announcements -------------------------------------------------------------------------------------------


def announcement_query() -> Select[Any]:
    """Everything that is known of announcements, one row each."""
    return (
        select(
            announcements,
            deliveries.c.state,
            deliveries.c.due_at,
            deliveries.c.late_until,
            deliveries.c.marker,
            deliveries.c.draft,
            deliveries.c.attempt,
            deliveries.c.cancel_wanted,
            deliveries.c.hold_reason,
            deliveries.c.reason,
            deliveries.c.remote_id,
            deliveries.c.permalink,
            deliveries.c.posted_at,
            deliveries.c.removed_at,
            deliveries.c.cost_usd,
            deliveries.c.also_posted,
            channels.c.name.label("channel"),
            channels.c.network,
            channels.c.account,
            channels.c.account_name,
            channels.c.world,
            channels.c.token_expires,
            places.c.name.label("place_name"),
        )
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .outerjoin(places, places.c.id == announcements.c.place_id)
    )


def announcement_rows(
    connection: Connection,
    *,
    ids: Sequence[int] | None = None,
    states: Sequence[State] | None = None,
    channel: str | None = None,
    campaign: str | None = None,
    place_id: int | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    limit: int | None = None,
) -> list[Row[Any]]:
    """Announcements in the order of their instants, filtered; the first `limit` of them."""
    query = announcement_query().order_by(deliveries.c.due_at, announcements.c.id)
    conditions: list[Any] = []
    if ids is not None:
        conditions.append(announcements.c.id.in_(list(ids)))
    if states is not None:
        conditions.append(deliveries.c.state.in_([state.value for state in states]))
    if channel is not None:
        conditions.append(channels.c.name == channel)
    if campaign is not None:
        conditions.append(announcements.c.campaign == campaign)
    if place_id is not None:
        conditions.append(announcements.c.place_id == place_id)
    if since is not None:
        conditions.append(deliveries.c.due_at >= since)
    if before is not None:
        conditions.append(deliveries.c.due_at < before)
    return list(connection.execute(query.where(*conditions).limit(limit)))


def counts_by_state(connection: Connection) -> dict[State, int]:
    """How many announcements stand in each state; states without any are left out."""
    rows = connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
    return {State(state): count for state, count in rows}


def overdue(connection: Connection, before: datetime) -> int:
    """How many announcements should have gone out before an instant and still wait."""
    query = select(func.count()).where(
        deliveries.c.state.in_((State.APPROVED.value, State.QUEUED.value)), deliveries.c.due_at < before
    )
    return int(connection.execute(query).scalar_one())


def posted_with_problems(connection: Connection) -> list[Row[Any]]:
    """What is out, and of which staff must know something: of what they deleted themselves there is nothing to tell."""
    problems = cast(announcements.c.problems, Text)
    query = announcement_query().where(
        deliveries.c.state == State.POSTED.value,
        or_(deliveries.c.removed_at.is_(None), problems.contains("vanished")),
        problems != "[]",
    )
    return list(connection.execute(query.order_by(deliveries.c.due_at, announcements.c.id)))


def posted_besides(connection: Connection) -> list[Row[Any]]:
    """What a late answer told to be out, otherwise than the announcement stands."""
    query = announcement_query().where(
        deliveries.c.also_posted.is_not(None),
        or_(deliveries.c.remote_id.is_(None), deliveries.c.remote_id != deliveries.c.also_posted),
    )
    return list(connection.execute(query.order_by(deliveries.c.due_at, announcements.c.id)))


def announcement_row(connection: Connection, announcement_id: int) -> Row[Any]:
    """One announcement. Raises Unknown."""
    rows = announcement_rows(connection, ids=[announcement_id])
    if not rows:
        raise Unknown("announcement_unknown", announcement_id)
    return rows[0]


def twin(connection: Connection, channel_id: int, text_key: str, at: datetime) -> int | None:
    """A free announcement that says the same on the same channel at the same instant, links aside."""
    query = (
        select(announcements.c.id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(
            announcements.c.campaign == FREE,
            announcements.c.channel_id == channel_id,
            announcements.c.text_key == text_key,
            deliveries.c.due_at == at,
            deliveries.c.state != State.CANCELLED.value,
        )
    )
    return connection.execute(query.limit(1)).scalar_one_or_none()


def insert_announcement(connection: Connection, announcement_id: int, now: datetime, **values: Any) -> None:
    """Store what is said about a delivery that was just created; the unique key guards against a second one."""
    connection.execute(insert(announcements).values(id=announcement_id, created_at=now, changed_at=now, **values))


def set_announcement(connection: Connection, announcement_id: int, now: datetime, **values: Any) -> None:
    """Set columns of one announcement."""
    connection.execute(
        update(announcements).where(announcements.c.id == announcement_id).values(changed_at=now, **values)
    )


def to_look_at(connection: Connection, since: datetime, before: datetime, limit: int) -> list[Row[Any]]:
    """Planned announcements due before an instant whose link and pictures were not looked at since their last
    change and since another instant, the next due first."""
    return list(
        connection.execute(
            announcement_query()
            .where(
                deliveries.c.state.in_((State.DRAFT.value, State.APPROVED.value)),
                deliveries.c.due_at < before,
                or_(
                    announcements.c.looked_at.is_(None),
                    announcements.c.looked_at < announcements.c.changed_at,
                    announcements.c.looked_at < since,
                ),
            )
            .order_by(deliveries.c.due_at)
            .limit(limit)
        )
    )


def note_look(connection: Connection, announcement_id: int, now: datetime) -> None:
    """Remember that link and pictures were looked at."""
    connection.execute(update(announcements).where(announcements.c.id == announcement_id).values(looked_at=now))


def set_delivery(connection: Connection, announcement_id: int, **values: Any) -> None:
    """Set columns of a delivery that persons see to (`due_at`, `late_until`, `hold_reason`, `removed_at`,
    `also_posted`), never its state."""
    if "state" in values:
        raise ValueError("the ledger alone writes states")
    connection.execute(update(deliveries).where(deliveries.c.id == announcement_id).values(**values))


def has_announcement(connection: Connection, key: Any, channel_id: int) -> bool:
    """Whether an announcement of that key (campaign, step, place_id, occurrence) is on the channel already."""
    return (
        connection.execute(
            select(announcements.c.id).where(
                announcements.c.campaign == key.campaign,
                announcements.c.step == key.step,
                announcements.c.place_id == key.place_id,
                announcements.c.channel_id == channel_id,
                announcements.c.occurrence == key.occurrence,
            )
        ).first()
        is not None
    )


def taken_rows(connection: Connection, since: datetime, before: datetime, channel: str | None = None) -> list[Row[Any]]:
    """What is due or went out in a span, on a channel or on all: its key, instants and state."""
    query = (
        select(
            announcements.c.campaign,
            announcements.c.step,
            announcements.c.place_id,
            channels.c.name.label("channel"),
            announcements.c.occurrence,
            deliveries.c.due_at,
            deliveries.c.state,
            deliveries.c.posted_at,
        )
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == deliveries.c.channel_id)
        .where(or_(deliveries.c.due_at.between(since, before), deliveries.c.posted_at.between(since, before)))
    )
    return list(connection.execute(query))


def calendar_rows(
    connection: Connection,
    since: datetime,
    before: datetime,
    limit: int,
    *,
    campaign: str | None = None,
    channel: str | None = None,
    state: str | None = None,
    of_places: bool = False,
) -> list[Row[Any]]:
    """What a calendar draws of a span, in the order of instants: one query, without the long texts; the regions and
    categories of places only where asked for."""
    query = (
        select(
            announcements.c.id,
            announcements.c.campaign,
            announcements.c.step,
            announcements.c.channel_id,
            func.substr(announcements.c.text, 1, CALENDAR_WORDS).label("words"),
            announcements.c.pinned,
            deliveries.c.due_at,
            deliveries.c.state,
            deliveries.c.hold_reason,
            deliveries.c.reason,
            channels.c.name.label("channel"),
            channels.c.network,
            channels.c.world,
            places.c.name.label("place_name"),
            *((places.c.data["regions"].label("regions"), places.c.data["categories"].label("categories")) * of_places),
        )
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .outerjoin(places, places.c.id == announcements.c.place_id)
        .where(deliveries.c.due_at >= since, deliveries.c.due_at < before)
        .order_by(deliveries.c.due_at, announcements.c.id)
        .limit(limit)
    )
    narrowed = ((announcements.c.campaign, campaign), (channels.c.name, channel), (deliveries.c.state, state))
    query = query.where(*(column == value for column, value in narrowed if value is not None))
    return list(connection.execute(query))


def due_for_queueing(connection: Connection, now: datetime, search: timedelta) -> list[int]:
    """Approved announcements whose instant has come, in order; those of paused campaigns wait. What is to be looked for
    before it is sent comes earlier by as long as that takes."""
    paused = select(campaigns.c.name).where(campaigns.c.paused)
    return list(
        connection.execute(
            select(deliveries.c.id)
            .join(announcements, announcements.c.id == deliveries.c.id)
            .where(
                deliveries.c.state == State.APPROVED.value,
                or_(
                    deliveries.c.due_at <= now,
                    and_(deliveries.c.look_since.is_not(None), deliveries.c.due_at <= now + search),
                ),
                announcements.c.campaign.not_in(paused),
            )
            .order_by(deliveries.c.due_at, deliveries.c.id)
            .limit(200)
        ).scalars()
    )


def kept_back(
    connection: Connection,
    states: Iterable[State] = (State.APPROVED, State.QUEUED),
    campaign: str | None = None,
) -> list[int]:
    """Announcements in these states that wait for their paused campaign, not for an instant; of one campaign or all."""
    query = (
        select(deliveries.c.id)
        .join(announcements, announcements.c.id == deliveries.c.id)
        .join(campaigns, campaigns.c.name == announcements.c.campaign)
        .where(deliveries.c.state.in_([state.value for state in states]), campaigns.c.paused)
        .order_by(deliveries.c.id)
    )
    if campaign is not None:
        query = query.where(campaigns.c.name == campaign)
    return list(connection.execute(query).scalars())


def same_text_rival(connection: Connection, row: Row[Any], span: timedelta) -> int | None:
    """An announcement on the same network and world that says the same, links aside: any on another account,
    or one within `span` on the same account. Of two planned ones the later made gives way."""
    near = and_(
        announcements.c.channel_id == row.channel_id,
        deliveries.c.due_at.between(row.due_at - span, row.due_at + span),
    )
    return connection.execute(
        select(announcements.c.id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .where(
            announcements.c.text_key == row.text_key,
            announcements.c.id != row.id,
            channels.c.network == row.network,
            channels.c.world == row.world,
            deliveries.c.state.not_in((State.CANCELLED.value, State.MISSED.value, State.REFUSED.value)),
            or_(near, announcements.c.channel_id != row.channel_id),
            or_(deliveries.c.state == State.POSTED.value, announcements.c.id < row.id),
        )
        .limit(1)
    ).scalar_one_or_none()


def same_text_elsewhere(
    connection: Connection, text_key: str, channel: Row[Any], at: datetime, span: timedelta
) -> int | None:
    """The same for an announcement that does not exist yet: what it would be too much alike on that channel."""
    near = and_(announcements.c.channel_id == channel.id, deliveries.c.due_at.between(at - span, at + span))
    return connection.execute(
        select(announcements.c.id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .where(
            announcements.c.text_key == text_key,
            channels.c.network == channel.network,
            channels.c.world == channel.world,
            deliveries.c.state.not_in((State.CANCELLED.value, State.MISSED.value, State.REFUSED.value)),
            or_(near, announcements.c.channel_id != channel.id),
        )
        .limit(1)
    ).scalar_one_or_none()


def waiting(connection: Connection, now: datetime) -> list[Row[Any]]:
    """Channel, campaign and instant of whatever is due and not begun yet, no matter what keeps it back."""
    return list(
        connection.execute(
            select(deliveries.c.channel_id, announcements.c.campaign, deliveries.c.due_at)
            .join(announcements, announcements.c.id == deliveries.c.id)
            .where(deliveries.c.state.in_((State.APPROVED.value, State.QUEUED.value)), deliveries.c.due_at <= now)
        )
    )


def spent_usd(connection: Connection, campaign: str, since: datetime | None) -> float:
    """Network fees of a campaign's announcements that went or go out, since an instant."""
    query = (
        select(func.coalesce(func.sum(deliveries.c.cost_usd), 0.0))
        .join(announcements, announcements.c.id == deliveries.c.id)
        .where(
            announcements.c.campaign == campaign,
            deliveries.c.state.not_in((State.CANCELLED.value, State.MISSED.value, State.REFUSED.value)),
        )
    )
    if since is not None:
        query = query.where(deliveries.c.due_at >= since)
    return float(connection.execute(query).scalar_one())


# --- approvals -----------------------------------------------------------------------------------------------


def approve(connection: Connection, announcement_id: int, person: str, now: datetime) -> None:
    """One person's approval; giving it twice counts once."""
    if person not in approvers(connection, [announcement_id]).get(announcement_id, []):
        connection.execute(insert(approvals).values(announcement_id=announcement_id, person=person, at=now))


def approvers(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """Announcement to the opaque ids of those who approved it, in order."""
    found: dict[int, list[str]] = {}
    for start in range(0, len(ids), 500):
        rows = connection.execute(
            select(approvals)
            .where(approvals.c.announcement_id.in_(list(ids[start : start + 500])))
            .order_by(approvals.c.at)
        )
        for row in rows:
            found.setdefault(row.announcement_id, []).append(row.person)
    return found


def approval_rows(connection: Connection, announcement_id: int) -> list[Row[Any]]:
    """Who approved one announcement and when, in order."""
    query = select(approvals).where(approvals.c.announcement_id == announcement_id)
    return list(connection.execute(query.order_by(approvals.c.at)))


def withdraw_approvals(connection: Connection, announcement_id: int) -> None:
    """Forget all approvals of one announcement, as after an edit."""
    connection.execute(delete(approvals).where(approvals.c.announcement_id == announcement_id))


# --- comments ------------------------------------------------------------------------------------------------


def insert_comment(connection: Connection, announcement_id: int, person: str, text: str, now: datetime) -> int:
    """Keep what a person said of an announcement; returns the comment's number."""
    values = {"announcement_id": announcement_id, "person": person, "text": text, "at": now}
    return int(connection.execute(insert(comments).values(**values).returning(comments.c.id)).scalar_one())


def comment_rows(connection: Connection, announcement_id: int) -> list[Row[Any]]:
    """What was said of one announcement, in order."""
    query = select(comments).where(comments.c.announcement_id == announcement_id)
    return list(connection.execute(query.order_by(comments.c.at, comments.c.id)))


# --- reports by e-mail -------------------------------------------------------------------------------------------


MAILING_TAKES = timedelta(minutes=30)
"""After which a call to the mail server that was never recorded is surely over."""


@dataclass(frozen=True)
class Claim:
    """A mailing that this machine may hand over now; the attempt tells it from earlier ones."""

    id: int
    attempt: int


def mailing_open(connection: Connection, kind: str, period: str, now: datetime) -> bool:
    """Whether a period's e-mail may be sent now: nobody claimed it, or it surely was not sent and its time has come."""
    row = connection.execute(
        select(mailings.c.state, mailings.c.not_before).where(mailings.c.kind == kind, mailings.c.period == period)
    ).one_or_none()
    return row is None or (row.state == "queued" and (row.not_before is None or row.not_before <= now))


def claim_mailing(connection: Connection, kind: str, period: str, now: datetime) -> Claim | None:
    """Take a period's e-mail, so that nobody else sends it; None where somebody has it already."""
    taken = connection.execute(
        update(mailings)
        .where(
            mailings.c.kind == kind,
            mailings.c.period == period,
            mailings.c.state == "queued",
            or_(mailings.c.not_before.is_(None), mailings.c.not_before <= now),
        )
        .values(state="sending", attempts=mailings.c.attempts + 1, claimed_at=now, not_before=None, ended_at=None)
        .returning(mailings.c.id, mailings.c.attempts)
    ).one_or_none()
    if taken is not None:
        return Claim(taken.id, taken.attempts)
    values = {"kind": kind, "period": period, "state": "sending", "attempts": 1, "claimed_at": now}
    with contextlib.suppress(IntegrityError), connection.begin_nested():
        made = connection.execute(insert(mailings).values(**values).returning(mailings.c.id)).scalar_one()
        return Claim(int(made), 1)
    return None


def end_mailing(
    connection: Connection, claim: Claim, state: str, now: datetime, not_before: datetime | None, problem: str
) -> bool:
    """Record how handing over ended; False where a person has decided about it meanwhile."""
    done = connection.execute(
        update(mailings)
        .where(mailings.c.id == claim.id, mailings.c.state == "sending", mailings.c.attempts == claim.attempt)
        .values(state=state, ended_at=now, not_before=not_before, problem=problem or None)
    )
    return done.rowcount == 1


def settle_mailing(connection: Connection, mailing_id: int, state: str, now: datetime, stale: datetime) -> bool:
    """A person's word: "sent", or "queued" to have it sent again. False where it waits for nobody: it is settled, or
    its call began after `stale` and may still be under way."""
    waits = or_(
        mailings.c.state.in_(("in_doubt", "failed")), and_(mailings.c.state == "sending", mailings.c.claimed_at < stale)
    )
    done = connection.execute(
        update(mailings)
        .where(mailings.c.id == mailing_id, waits)
        .values(state=state, ended_at=now, not_before=None, problem=None)
    )
    return done.rowcount == 1


def mailing_rows(connection: Connection) -> list[Row[Any]]:
    """All e-mails, the newest period first."""
    return list(connection.execute(select(mailings).order_by(mailings.c.period.desc(), mailings.c.kind)))


# --- the service ---------------------------------------------------------------------------------------------


def brake_row(connection: Connection) -> Row[Any] | None:
    """The emergency brake as it stands, None when it was never touched."""
    return connection.execute(select(brake)).one_or_none()


def newest_worker(connection: Connection) -> Row[Any] | None:
    """The worker that was seen last."""
    return connection.execute(select(workers).order_by(workers.c.seen_at.desc()).limit(1)).one_or_none()


def troubled_workers(connection: Connection, since: datetime) -> list[Row[Any]]:
    """The workers that gave a sign of life since then and in whose work something fails."""
    rows = connection.execute(select(workers).where(workers.c.seen_at >= since).order_by(workers.c.started_at))
    return [row for row in rows if row.troubles]


def unfinished_workers(connection: Connection) -> set[str]:
    """Workers that stand in claims or calls which have not ended."""
    rows = connection.execute(
        select(deliveries.c.worker)
        .where(
            deliveries.c.worker.is_not(None),
            deliveries.c.state.in_((State.QUEUED.value, State.SENDING.value)),
        )
        .distinct()
    )
    return set(rows.scalars())
