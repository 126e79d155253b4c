"""The calendar as staff see it: what is on it in a span of days, which days are closed, which slots are open;
moving with the rhythm's reasons, and filling the calendar after a look at what that would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Row

from campaign import desk, planning, store
from campaign.app import App, OutOfRhythm
from campaign.campaigns import Campaign, parse_campaign
from campaign.db import Database
from campaign.desk import Refusal
from campaign.news import sentence
from campaign.planner import Key, PlanRequest, open_slots, public_holidays
from posts import ledger
from posts.states import PLANNED, State

MOVABLE = frozenset({*PLANNED, State.QUEUED, State.MISSED})
"""What is out, being sent, or given up keeps its instant."""
LONGEST_SPAN = timedelta(days=100)
MOST = 10_000
"""So many announcements of one span are read at most."""
TITLE = 80
INSTEAD_DAYS, INSTEAD = 7, 3
"""How far around an instant that is not permitted others are looked for, and how many are offered."""
FED_BEFORE, FED_AFTER, FED = timedelta(days=31), timedelta(days=366), 5_000
"""What a subscribed calendar holds."""


@dataclass(frozen=True)
class Wanted:
    """What is to be seen of the calendar; None excludes nothing. Region and category are those of the place; what
    has no place belongs to the regions of its channel."""

    campaign: str | None = None
    region: str | None = None
    category: str | None = None
    channel: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class Item:
    """One announcement on the calendar. `at` is local time with its offset; `why` tells what keeps it back."""

    id: int
    at: datetime
    title: str
    state: str
    channel: str
    network: str
    world: str
    campaign: str
    step: str
    why: str
    movable: bool


@dataclass(frozen=True)
class Shown:
    """The announcements of a span; `more` when there are others than those."""

    items: tuple[Item, ...]
    more: bool


@dataclass(frozen=True)
class Closed:
    """Days, both included, on which nothing goes out; `campaign` is empty where that holds for all."""

    first: date
    last: date
    reason: str
    kind: str
    campaign: str = ""


@dataclass(frozen=True)
class OpenSlot:
    """An instant of a channel's rhythm at which something may still go out."""

    channel: str
    at: datetime


@dataclass(frozen=True)
class Choices:
    """What the calendar can be narrowed to. Campaigns are names with titles; channels are in the order of their
    names and carry network and world."""

    campaigns: tuple[tuple[str, str], ...]
    regions: tuple[str, ...]
    categories: tuple[str, ...]
    channels: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Moved:
    """An announcement at its new instant, and what taking that back needs; `undoable` where that leads back whole."""

    id: int
    title: str
    at: datetime
    was: datetime
    was_pinned: bool
    undoable: bool


@dataclass(frozen=True)
class Rehearsal:
    """What filling the calendar would do: numbers by campaign and channel with first and last instant, what would be
    held and what finds no slot, by reason."""

    planned: int
    held: int
    lines: tuple[dict[str, Any], ...]
    held_for: tuple[tuple[str, int], ...]
    unplaced_for: tuple[tuple[str, int], ...]

    @property
    def empty(self) -> bool:
        """Whether nothing new would be written."""
        return not self.planned and not self.held


# --- what is on the calendar ---------------------------------------------------------------------------------


def shown(app: App, first: date, last: date, wanted: Wanted = Wanted(), limit: int = MOST) -> Shown:
    """The announcements from day to day, the last included, in the order of their instants."""
    span = app.days(first, last)
    by_place = wanted.region is not None or wanted.category is not None
    with app.database.read() as connection:
        rows = store.calendar_rows(
            connection,
            span["since"],
            span["before"],
            limit + 1,
            campaign=wanted.campaign,
            channel=wanted.channel,
            state=wanted.state,
            of_places=by_place,
        )
        regions = store.regions_by_channel(connection) if by_place else {}
    fitting = [row for row in rows[:limit] if not by_place or _fits(row, wanted, regions.get(row.channel_id, ()))]
    return Shown(tuple(_item(app, row) for row in fitting), len(rows) > limit)


def _fits(row: Row[Any], wanted: Wanted, of_channel: tuple[str, ...]) -> bool:
    regions = of_channel if row.regions is None else row.regions
    return (wanted.region is None or wanted.region in regions) and (
        wanted.category is None or wanted.category in (row.categories or ())
    )


def _item(app: App, row: Row[Any]) -> Item:
    return Item(
        id=row.id,
        at=row.due_at.astimezone(app.settings.zone),
        title=_title(row.place_name, row.words),
        state=row.state,
        channel=row.channel,
        network=row.network,
        world=row.world,
        campaign=row.campaign,
        step=row.step,
        why=sentence(row.hold_reason or row.reason, app.settings["language"]) if row.state != State.POSTED else "",
        movable=State(row.state) in MOVABLE,
    )


def _title(place_name: str | None, words: str) -> str:
    if place_name:
        return place_name
    text = " ".join(words.split())
    return text if len(text) <= TITLE else text[: TITLE - 1].rstrip() + "…"


def closed_days(app: App, first: date, last: date, campaign: str | None = None) -> list[Closed]:
    """Public holidays of the Land, blackouts of the house and of campaigns (or of the named one) in a span."""
    found = [Closed(day, day, name, "holiday") for day, name in _holidays(app.settings["land"], first, last)]
    found += [Closed(one.first, one.last, one.reason, "house") for one in app.settings.blackouts]
    with app.database.read() as connection:
        campaigns = _campaigns(connection)
    found += [one for each in campaigns if campaign in (None, each.name) for one in _blackouts(each)]
    return [one for one in found if one.first <= last and one.last >= first]


def _holidays(land: str, first: date, last: date) -> Iterator[tuple[date, str]]:
    for year in range(first.year, last.year + 1):
        yield from sorted(public_holidays(land, year).items())


def _blackouts(campaign: Campaign) -> list[Closed]:
    """The campaign's blackouts, each once, whichever of its channels has them."""
    rhythms = [campaign.rhythm, *(rhythm for _channel, rhythm in campaign.channel_rhythms)]
    every = dict.fromkeys(one for rhythm in rhythms for one in rhythm.blackouts)
    return [Closed(one.first, one.last, one.reason, "campaign", campaign.title) for one in every]


def _request(app: App, connection: Connection, span: dict[str, datetime]) -> PlanRequest:
    return planning.request_near(connection, app.settings, app.now(connection), span["since"], span["before"])


def _campaigns(connection: Connection) -> list[Campaign]:
    return [parse_campaign(row.definition) for row in store.campaign_rows(connection)]


def free_slots(app: App, first: date, last: date, wanted: Wanted = Wanted()) -> list[OpenSlot]:
    """The slots of the channels' rhythms from day to day that are still open, in the order of time."""
    span = app.days(first, last)
    with app.database.read() as connection:
        known = {row.name for row in store.channel_rows(connection)}
        request = _request(app, connection, span)
    free = {
        (at, channel)
        for each in request.campaigns
        if wanted.campaign in (None, each.name)
        for channel in each.channels
        if channel in known and wanted.channel in (None, channel)
        for at in open_slots(request, channel, each, first, last)
    }
    return [OpenSlot(channel, at.astimezone(app.settings.zone)) for at, channel in sorted(free)]


# --- what it can be narrowed to ------------------------------------------------------------------------------

_words: WeakKeyDictionary[Database, tuple[object, tuple[set[str], set[str]]]] = WeakKeyDictionary()
"""Regions and categories as they were after the last pull: they stand in every place, and are read once per pull."""


def choices(app: App) -> Choices:
    """Everything that the calendar can be narrowed to."""
    with app.database.read() as connection:
        campaigns = _campaigns(connection)
        regions, categories = _place_words(app.database, connection)
        of_channels = store.regions_by_channel(connection)
        channels = store.channel_rows(connection)
    regions = regions.union(*of_channels.values())
    return Choices(
        campaigns=tuple((one.name, one.title) for one in campaigns),
        regions=tuple(sorted(regions, key=str.casefold)),
        categories=tuple(sorted(categories, key=str.casefold)),
        channels=tuple({"name": row.name, "network": row.network, "world": row.world} for row in channels),
    )


def _place_words(database: Database, connection: Connection) -> tuple[set[str], set[str]]:
    pulled = sorted((name, row.pulled_at) for name, row in store.portal_rows(connection).items() if row.pulled_at)
    kept = _words.get(database)
    if kept is None or kept[0] != pulled:
        kept = _words[database] = (pulled, store.place_words(connection))
    return kept[1]


# --- moving --------------------------------------------------------------------------------------------------


def move(
    app: App, announcement_id: int, at_text: str, *, seen: str = "", force: bool = False, pinned: bool = True
) -> Moved:
    """Give an announcement another instant; `seen` is the one at which it was shown, where that is known.

    With `pinned` the planner leaves it there. Raises Refusal, and OutOfRhythm where `force` would help.
    """
    instant = desk.read_instant(at_text, app.settings.zone)
    with app.at_desk() as (connection, at):
        row = _locked(connection, announcement_id)
        _check_unmoved(app, row, seen)
        grace = desk.grace_of(connection, row, at.late_grace)
        if State(row.state) not in MOVABLE:
            raise Refusal("not_movable", announcement_id, row.state)
        if instant < at.now - grace:
            raise Refusal("in_the_past", app.stamp(instant))
        reason = None if force else planning.not_permitted(connection, app.settings, at.now, row, instant)
        if reason is not None:
            raise OutOfRhythm("out_of_rhythm", [reason])
        desk.move(connection, at, announcement_id, instant, grace)
        if not pinned:
            store.set_announcement(connection, announcement_id, at.now, pinned=False)
    zone = app.settings.zone
    return Moved(
        id=announcement_id,
        title=_title(row.place_name, row.text),
        at=instant.astimezone(zone),
        was=row.due_at.astimezone(zone),
        was_pinned=row.pinned,
        undoable=State(row.state) is not State.MISSED and row.due_at >= at.now - grace,
    )


def _row(connection: Connection, announcement_id: int) -> Row[Any]:
    try:
        return store.announcement_row(connection, announcement_id)
    except store.Unknown as unknown:
        raise desk.refused(unknown) from None


def _locked(connection: Connection, announcement_id: int) -> Row[Any]:
    """The announcement, which nobody else changes until the transaction ends."""
    try:
        ledger.state_of(connection, announcement_id)
    except ledger.NotPossible as unknown:
        raise desk.refused(unknown) from None
    return _row(connection, announcement_id)


def _check_unmoved(app: App, row: Row[Any], seen: str) -> None:
    """Nobody moved it since it was shown."""
    if seen and desk.read_instant(seen, app.settings.zone) != row.due_at:
        raise Refusal("changed_meanwhile", row.id)


def instead(app: App, announcement_id: int, at_text: str) -> list[datetime]:
    """Permitted instants near one that is not, the nearest first; those of the same day before others."""
    zone = app.settings.zone
    at = desk.read_instant(at_text, zone).astimezone(zone)
    first, last = at.date() - timedelta(days=INSTEAD_DAYS), at.date() + timedelta(days=INSTEAD_DAYS)
    span = app.days(first, last)
    with app.database.read() as connection:
        row = _row(connection, announcement_id)
        request = _request(app, connection, span)
    own = [one for one in request.campaigns if one.name == row.campaign] if row.campaign else request.campaigns
    free = {one.astimezone(zone) for one in _open(request, own, row.channel, first, last, planning.key_of(row))}
    near = sorted(free, key=lambda one: (one.date() != at.date(), abs(one - at)))
    return near[:INSTEAD]


def _open(
    request: PlanRequest, campaigns: Iterable[Campaign], channel: str, first: date, last: date, ignoring: Key
) -> Iterator[datetime]:
    for one in campaigns:
        if channel in one.channels:
            yield from open_slots(request, channel, one, first, last, ignoring)


# --- filling the calendar ------------------------------------------------------------------------------------


def rehearse(app: App) -> Rehearsal:
    """What `plan` would do now; nothing is kept."""
    outcome = app.plan(dry_run=True)
    new: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in sorted([*outcome["planned"], *outcome["held"]], key=lambda one: one["at"]):
        new.setdefault((one["campaign"] or "", one["channel"]), []).append(one)
    return Rehearsal(
        planned=len(outcome["planned"]),
        held=len(outcome["held"]),
        lines=tuple(
            {
                "campaign": campaign,
                "channel": channel,
                "number": len(every),
                "held": sum(one["state"] == State.HELD.value for one in every),
                "first": every[0]["at"],
                "last": every[-1]["at"],
            }
            for (campaign, channel), every in sorted(new.items())
        ),
        held_for=_counted(one["hold_reason"] or "" for one in outcome["held"]),
        unplaced_for=_counted(one["reason"] for one in outcome["unplaced"]),
    )


def _counted(reasons: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(reasons).most_common())


# --- subscribing ---------------------------------------------------------------------------------------------


def fed(app: App, wanted: Wanted) -> list[dict[str, Any]]:
    """What a subscribed calendar holds: the contract's objects around the present instant. Raises store.Unknown."""
    now = app.clock.now()
    return app.announcements(
        since=now - FED_BEFORE,
        before=now + FED_AFTER,
        limit=FED,
        channel=wanted.channel,
        campaign=wanted.campaign,
    )
