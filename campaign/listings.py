"""One place in two portals: it is announced once, with what the portal says that listed it first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from campaign import store
from campaign.places import Place, same_place
from campaign.store import StoredPlace
from posts import ledger


def merge(
    connection: Connection, portal: str, arrived: tuple[Place, ...], now: datetime
) -> tuple[tuple[str, str], ...]:
    """Places that another portal listed first become further listings of those: they are announced once."""
    stored = store.stored_places(connection)
    own = {one.place.external_id: one for one in stored if one.place.portal == portal}
    others = [one for one in stored if one.place.portal != portal and not (one.withdrawn or one.held or one.is_another)]
    merged = []
    for place in arrived:
        one = own[place.external_id]
        first = next((other for other in others if same_place(place, other.place)), None)
        if first is None or one.same_as is not None or store.sent_places(connection, [one.id]):
            continue
        # Whatever names this one as its first listing follows to the same place.
        for listing in (one, *(other for other in stored if other.same_as == one.id)):
            store.set_place(connection, listing.id, same_as=first.id)
        _note(connection, "place_merged", one, first, now)
        merged.append((place.name, first.place.portal))
    return tuple(merged)


def stand_in(connection: Connection, portal: str, withdrawn: set[str], now: datetime) -> None:
    """Where a withdrawn place was never announced and another portal still lists it, that listing takes its turn."""
    stored = store.stored_places(connection)
    for gone in stored:
        if gone.place.portal != portal or gone.place.external_id not in withdrawn:
            continue
        listings = [one for one in stored if one.same_as == gone.id and one.is_another and not one.withdrawn]
        if listings and not store.sent_places(connection, [gone.id]):
            heir, *further = listings
            # That staff don't announce it holds for the place, whichever portal lists it.
            skip = {"skipped_at": gone.skipped_at, "skipped_by": gone.skipped_by, "skip_reason": gone.skip_reason}
            store.set_place(connection, heir.id, same_as=None, **(skip if gone.skipped else {}))
            for one in further:
                store.set_place(connection, one.id, same_as=heir.id)
            _note(connection, "place_stands_in", heir, gone, now)


def merge_by_person(connection: Connection, one: StoredPlace, first: StoredPlace, now: datetime, actor: str) -> None:
    """A person says that `one` is a further listing of `first`; whatever named `one` as its first listing follows."""
    for listing in (one, *(other for other in store.stored_places(connection) if other.same_as == one.id)):
        store.set_place(connection, listing.id, same_as=first.id)
    _note(connection, "place_merged", one, first, now, actor)


def separate(connection: Connection, one: StoredPlace, first: StoredPlace, now: datetime, actor: str) -> None:
    """A person says that `one` is a place of its own; it is never merged again by itself."""
    store.set_place(connection, one.id, same_as=one.id)
    _note(connection, "place_separated", one, first, now, actor)


def _note(
    connection: Connection, event: str, one: StoredPlace, other: StoredPlace, now: datetime, actor: str = ledger.DAEMON
) -> None:
    detail = {"place": one.id, "name": one.place.name, "other": other.id, "other_portal": other.place.portal}
    ledger.note(connection, event, now, actor, detail=detail)
