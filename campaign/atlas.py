"""The places as staff work with them: looked through, let pass, left out, announced once more, taken for one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaign import listings, planning, store
from campaign.app import App
from campaign.desk import Desk, Refusal
from campaign.news import refusal as told_refusal
from campaign.news import sentence
from campaign.planner import Plan
from campaign.pulling import Pulled
from campaign.store import ListedPlace, PlaceSearch, Standing, StoredPlace
from posts import ledger
from posts.images import ImageError, prepare_image
from posts.states import IN_FLIGHT, PLANNED, State

STOPPED = frozenset({"portal_list_empty", "portal_list_short"})
"""Reasons of a pull that a person may overrule."""
OPEN = (*PLANNED, State.QUEUED, *IN_FLIGHT, State.IN_DOUBT, State.MISSED)
"""An announcement in one of these may still go out."""
SIMILAR_SHOWN = 8
THUMBNAIL_SIDE = 320
THUMBNAIL_BYTES = 60_000


# --- looking -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """One page of a search, how many fit in all, and how many of those stand how."""

    places: list[ListedPlace]
    pictured: frozenset[int]
    total: int
    counts: dict[Standing, int]


@dataclass(frozen=True)
class Choices:
    """By what the list can be narrowed."""

    portals: list[str]
    regions: list[str]
    categories: list[str]


@dataclass(frozen=True)
class PortalState:
    """How one portal's list stands; `problem` is a sentence, `stopped` whether a person may overrule it."""

    name: str
    pulled_at: Any
    problem: str
    stopped: bool
    held: int
    rejected: int


@dataclass(frozen=True)
class Sight:
    """One place with everything around it. `first` is the place that this one is a further listing of, `further`
    are the listings of this one; `planned` and `out` hold announcements, the contract's objects."""

    listed: ListedPlace
    pictured: bool
    skipped_by: str
    first: StoredPlace | None
    further: list[StoredPlace]
    planned: list[dict[str, Any]]
    out: list[dict[str, Any]]
    rest: list[dict[str, Any]]
    why_not: list[str]
    """Where nothing is planned and nothing is out: why, in sentences; none where the next planning takes it."""


def search(app: App, wanted: PlaceSearch, page: int, on_a_page: int) -> Found:
    """One page (from 1) of the places that fit."""
    with app.database.read() as connection:
        counts = store.counted_places(connection, wanted)
        total = sum(counts.values()) if wanted.standing is None else counts.get(wanted.standing, 0)
        found = store.listed_places(connection, wanted, on_a_page, (page - 1) * on_a_page)
        files = store.prepared_pictures(connection, [one.stored.id for one in found])
    pictured = frozenset(number for number, file in files.items() if _own_file(app, file))
    return Found(found, pictured, total, counts)


def choices(app: App) -> Choices:
    """The portals, regions and categories of all places."""
    with app.database.read() as connection:
        return Choices(
            list(store.portal_rows(connection)),
            store.place_values(connection, "regions"),
            store.place_values(connection, "categories"),
        )


def portals(app: App) -> list[PortalState]:
    """How the portals' lists stand, by name; also of those that were configured once."""
    with app.database.read() as connection:
        rows = store.portal_rows(connection)
        held = store.held_counts(connection)
        rejected = store.rejected_counts(connection)
    language = app.settings["language"]
    return [
        PortalState(
            name,
            rows[name].pulled_at,
            sentence(rows[name].problem, language),
            (rows[name].problem or "").partition(":")[0] in STOPPED,
            held.get(name, 0),
            rejected.get(name, 0),
        )
        for name in sorted(rows)
    ]


def rejected(app: App, portal: str | None, page: int, on_a_page: int) -> list[dict[str, Any]]:
    """Rows that could not become places, with the sentence why; one more than fit on the page where there are more."""
    with app.database.read() as connection:
        rows = store.rejected_of(connection, portal, on_a_page + 1, (page - 1) * on_a_page)
    language = app.settings["language"]
    return [
        {"portal": row.portal, "id": row.external_id, "reason": sentence(row.reason, language), "at": row.at}
        for row in rows
    ]


def sight(app: App, place_id: int) -> Sight:
    """One place. Raises Refusal when it is not there."""
    with app.database.read() as connection:
        listed = store.listed_place(connection, place_id)
        if listed is None:
            raise Refusal("place_unknown", place_id)
        one = listed.stored
        names = store.person_names(connection)
        first = store.place_of(connection, one.same_as) if one.is_another and one.same_as else None
        further = store.listings_of(connection, place_id)
        file = store.prepared_pictures(connection, [place_id]).get(place_id)
        idle = listed.standing is Standing.NEW
        foreseen = planning.foresee(connection, app.house(connection), one) if idle else None
    found = app.announcements(place_id=place_id)
    return Sight(
        listed,
        pictured=file is not None and _own_file(app, file) is not None,
        skipped_by=names.get(one.skipped_by or "", ""),
        first=first,
        further=further,
        planned=[each for each in found if State(each["state"]) in OPEN],
        out=[each for each in found if each["state"] == State.POSTED.value],
        rest=[each for each in found if State(each["state"]) not in (*OPEN, State.POSTED)],
        why_not=_why_not(foreseen, place_id, app.settings["language"]) if foreseen else [],
    )


def _why_not(foreseen: Plan, place_id: int, language: str) -> list[str]:
    try:
        _check_takers(foreseen, place_id)
    except Refusal as refusal:
        return [told_refusal(refusal, language)]
    return []


def similar(app: App, place_id: int, words: str) -> list[StoredPlace]:
    """Places of other portals that this one may be: those that fit the words, without words those of its town."""
    with app.database.read() as connection:
        one = _place(connection, place_id)
        looked_for = words.strip() or one.place.town
        found = store.listed_places(connection, PlaceSearch(words=looked_for, by_name=True), 200) if looked_for else []
    fitting = [each.stored for each in found if each.stored.place.portal != one.place.portal]
    return [each for each in fitting if not (each.is_another or each.withdrawn)][:SIMILAR_SHOWN]


def thumbnail(app: App, place_id: int) -> bytes:
    """A small JPEG of the picture that was prepared here for one of the place's announcements.

    Raises Refusal where there is none: no other host is asked for one, since looking at a list must tell nobody.
    """
    with app.database.read() as connection:
        file = _own_file(app, store.prepared_pictures(connection, [place_id]).get(place_id, ""))
    if file is None:
        raise Refusal("place_without_picture", place_id)
    try:
        data = file.read_bytes()
        return prepare_image(data, max_bytes=THUMBNAIL_BYTES, types=("JPEG",), max_side=THUMBNAIL_SIDE).data
    except (OSError, ImageError):
        raise Refusal("place_without_picture", place_id) from None


def _own_file(app: App, name: str) -> Path | None:
    """The file where it lies in the folder of prepared pictures."""
    file = Path(name)
    return file if name and file.is_relative_to(app.settings.path("media_dir").resolve()) and file.is_file() else None


# --- deciding ------------------------------------------------------------------------------------------------


def _place(connection: Connection, place_id: int) -> StoredPlace:
    stored = store.place_of(connection, place_id)
    if stored is None:
        raise Refusal("place_unknown", place_id)
    return stored


def _note(connection: Connection, at: Desk, event: str, one: StoredPlace, **more: Any) -> None:
    detail = {"place": one.id, "name": one.place.name} | more
    ledger.note(connection, event, at.now, at.actor, detail=detail)


def skip(app: App, place_id: int, reason: str = "") -> None:
    """Announce a place no more: what is planned is cancelled, nothing is planned until it is taken back.

    Raises Refusal when the place is not there, or left out already.
    """
    with app.at_desk() as (connection, at):
        one = _place(connection, place_id)
        if one.skipped:
            raise Refusal("place_skipped_already", place_id)
        store.set_place(connection, place_id, skipped_at=at.now, skipped_by=at.actor, skip_reason=reason or None)
        _note(connection, at, "place_skipped", one, **({"reason": reason} if reason else {}))
        planning.follow_places(connection, app.house(connection), at.actor)


def unskip(app: App, place_id: int) -> None:
    """Announce a place again that was left out: what was cancelled for that is planned anew, what is out stays.

    Raises Refusal.
    """
    with app.at_desk() as (connection, at):
        one = _place(connection, place_id)
        if not one.skipped:
            raise Refusal("place_not_skipped", place_id)
        store.set_place(connection, place_id, skipped_at=None, skipped_by=None, skip_reason=None)
        _note(connection, at, "place_unskipped", one)


def announce_again(app: App, place_id: int) -> int:
    """Announce a place once more, from the first step on; returns the occurrence that its announcements get.

    Raises Refusal where it was never announced, where something of it is still to come, and where no campaign would.
    """
    with app.at_desk() as (connection, at):
        one = _place(connection, place_id)
        if one.withdrawn or one.held or one.skipped or one.is_another:
            raise Refusal("place_not_announced", place_id)
        last = store.last_occurrence(connection, place_id)
        if not last:
            raise Refusal("place_never_announced", place_id)
        if store.announcement_rows(connection, place_id=place_id, states=OPEN):
            raise Refusal("place_still_planned", place_id)
        occurrence = max(last, one.occurrence) + 1
        foreseen = planning.foresee(connection, app.house(connection), replace(one, occurrence=occurrence))
        _check_takers(foreseen, place_id)
        store.set_place(connection, place_id, occurrence=occurrence)
        _note(connection, at, "place_announced_again", one, occurrence=occurrence)
        return occurrence


def _check_takers(foreseen: Plan, place_id: int) -> None:
    if foreseen.planned or foreseen.held:
        return
    if foreseen.unplaced:
        # That the steps behind it find none either says nothing new.
        reasons = {one.reason for one in foreseen.unplaced} - {"step_before_unplaced"}
        raise Refusal("place_finds_no_slot", place_id, sorted(reasons))
    raise Refusal("place_in_no_campaign", place_id)


def accept(app: App, portal: str, place_id: int | None = None) -> int:
    """Let places pass that wait for a person, all of a portal or one; returns how many. Raises Refusal for none.

    They are taken as the last poll showed them; what changed since is seen by the next one, as with every place.
    """
    with app.at_desk() as (connection, at):
        found = store.accept_places(connection, portal, place_id)
        if not found:
            raise Refusal("no_place_waits", portal)
        detail = {"portal": portal, "places": [one.id for one in found]}
        ledger.note(connection, "places_accepted", at.now, at.actor, detail=detail)
        listings.merge(connection, portal, tuple(one.place for one in found), at.now)
        return len(found)


def accept_place(app: App, place_id: int) -> int:
    """Let one place pass that waits. Raises Refusal."""
    with app.database.read() as connection:
        one = _place(connection, place_id)
    return accept(app, one.place.portal, place_id)


def read_portal(app: App, portal: str, *, accept_list: bool) -> Pulled:
    """Read a portal now; `accept_list`: also take over a list that is much shorter than before. Raises Refusal."""
    if portal not in app.settings.portals:
        raise Refusal("portal_unknown", portal)
    if accept_list:
        with app.at_desk() as (connection, at):
            ledger.note(connection, "portal_list_accepted", at.now, at.actor, detail={"portal": portal})
    (pulled,) = app.pull(portal, accept=accept_list)
    if pulled.problem or pulled.stopped:
        raise Refusal("portal_not_read", [pulled.problem or pulled.stopped])
    return pulled
