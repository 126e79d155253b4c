"""Channels as staff look after them: how each stands, what went and goes out on it, connecting and its regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Row

from campaign import desk, store
from campaign.app import App
from campaign.campaigns import parse_campaign
from campaign.desk import Refusal
from campaign.news import sentences
from posts import ledger
from posts.accounts import KeyProblem
from posts.networks.publisher import Problem
from posts.states import PLANNED, State

T = TypeVar("T")
EXPIRES_SOON = timedelta(days=21)
"""How long before its end a sign-in is called to mind: over somebody's holiday."""
MOST_REGIONS, LONGEST_REGION = 50, 80
_NOTES = frozenset(
    {
        Problem.EXPIRY_UNKNOWN,
        Problem.OWN_POSTS_UNKNOWN,
        Problem.VERSION_DIFFERS,
        Problem.DATA_ACCESS_ENDS,
        Problem.NO_REFRESH_TOKEN,
    }
)
"""What a check finds that does not keep the channel from posting."""
STANDING = (*PLANNED, State.QUEUED, State.MISSED)
"""What would still go out."""


@dataclass(frozen=True)
class Channel:
    """One channel as its page shows it. `facts` is the contract's object; `condition` one word for how it stands:
    signed_out, failing, throttled, paused, unchecked or ready. `troubles` are sentences of what keeps it from
    posting, `notes` of what does not. `last` and `next` are announcements or None."""

    facts: Mapping[str, Any]
    condition: str
    troubles: tuple[str, ...]
    notes: tuple[str, ...]
    checked_at: datetime | None
    expires: datetime | None
    expiry_unknown: bool
    expires_soon: bool
    last: Mapping[str, Any] | None
    next: Mapping[str, Any] | None
    counts: Mapping[State, int]
    campaigns: tuple[str, ...]

    @property
    def standing(self) -> int:
        """How many announcements would still go out on it."""
        return sum(self.counts.get(state, 0) for state in STANDING)


def overview(app: App) -> list[Channel]:
    """All channels by name."""
    return _shown(app, None)


def one(app: App, name: str) -> Channel:
    """One channel. Raises store.Unknown."""
    return _shown(app, name)[0]


def _shown(app: App, name: str | None) -> list[Channel]:
    facts = {fact["name"]: fact for fact in app.channels(name)}
    with app.database.read() as connection:
        now = app.now(connection)
        rows = [row for row in store.channel_rows(connection) if row.name in facts]
        ends = {row.id: store.last_and_next(connection, row.id) for row in rows}
        counts = store.counts_by_channel(connection)
        campaigns = [parse_campaign(row.definition) for row in store.campaign_rows(connection)]

    def told(reasons: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sentences([one for one in reasons if one], app.settings["language"])))

    ids = [number for pair in ends.values() for number in pair if number is not None]
    known = {found["id"]: found for found in app.announcements(ids=ids)} if ids else {}
    return [
        Channel(
            facts=facts[row.name],
            condition=_condition(row, now),
            troubles=told([row.signed_out or "", *(one for one in row.problems if not _is_note(one))]),
            notes=told(one for one in row.problems if _is_note(one)),
            checked_at=row.checked_at,
            expires=row.token_expires,
            expiry_unknown=row.checked_at is None or Problem.EXPIRY_UNKNOWN in row.problems,
            expires_soon=row.token_expires is not None and row.token_expires - now < EXPIRES_SOON,
            last=known.get(ends[row.id][0] or 0),
            next=known.get(ends[row.id][1] or 0),
            counts=counts.get(row.id, {}),
            campaigns=tuple(found.title for found in campaigns if row.name in found.channels),
        )
        for row in rows
    ]


def _is_note(problem: str) -> bool:
    return problem.partition(":")[0] in _NOTES


def _condition(row: Row[Any], now: datetime) -> str:
    """The most serious thing that can be said of a channel, in one word."""
    if row.signed_out is not None:
        return "signed_out"
    if not all(_is_note(problem) for problem in row.problems):
        return "failing"
    if row.throttled_until is not None and row.throttled_until > now:
        return "throttled"
    if row.paused:
        return "paused"
    return "unchecked" if row.checked_at is None else "ready"


# --- what administrators do ----------------------------------------------------------------------------------


def check(app: App, name: str) -> list[str]:
    """Ask the network about a channel; returns the sentences of what is wrong. Raises store.Unknown and Refusal."""
    return list(_with_key(lambda: app.check_channels([name]))[0]["problems"])


def connect(
    app: App, name: str, network: str, account: str, regions: Iterable[str], credentials: Mapping[str, Any]
) -> list[str]:
    """Store a new channel, or bring a removed one back, and ask the network about it; returns the sentences of what
    is wrong. Raises Refusal.

    No value of the credentials stands in what is raised or logged.
    """
    with app.database.read() as connection:
        if any(row.name == name for row in store.channel_rows(connection)):
            raise Refusal("channel_exists", name)
    wanted = _regions(regions)
    added = _with_key(lambda: app.add_channel(name, network, account, wanted, None, credentials))
    return list(added["problems"])


def renew(app: App, name: str, credentials: Mapping[str, Any]) -> list[str]:
    """Replace a channel's tokens, as after a sign-out; as `connect`. Raises store.Unknown too."""
    known = app.channels(name)[0]
    renewed = _with_key(lambda: app.add_channel(name, known["network"], known["account"], [], None, credentials))
    return list(renewed["problems"])


def _with_key(act: Callable[[], T]) -> T:
    try:
        return act()
    except KeyProblem as problem:
        raise desk.refused(problem) from None


def remove(app: App, name: str, *, cancel: bool) -> None:
    """Take a channel away, then cancel what would still go out on it; without `cancel` that waits for the channel's
    return until its grace ends. Raises store.Unknown and Refusal."""
    app.set_channel(name, "remove")
    if not cancel:
        return
    with app.at_desk() as (connection, at):
        for row in store.announcement_rows(connection, channel=name, states=list(STANDING)):
            desk.cancel(connection, at, row.id, "channel_removed")


def set_regions(app: App, name: str, regions: Iterable[str]) -> None:
    """Give a channel other regions; none: it takes the places of all. Raises store.Unknown and Refusal."""
    wanted = _regions(regions)
    with app.at_desk() as (connection, at):
        row = store.channel_named(connection, name)
        before = store.regions_by_channel(connection).get(row.id, ())
        if set(before) == set(wanted):
            return
        store.set_regions(connection, row.id, wanted)
        detail = {"channel": name, "from": sorted(before), "to": sorted(wanted)}
        ledger.note(connection, "channel_regions_set", at.now, at.actor, detail=detail)


def _regions(typed: Iterable[str]) -> list[str]:
    """Regions as places name them, each once. Raises Refusal."""
    words = (" ".join(one.split()) for text in typed for one in text.replace("\n", ";").split(";"))
    regions = list(dict.fromkeys(word for word in words if word))
    if len(regions) > MOST_REGIONS or any(len(one) > LONGEST_REGION or not one.isprintable() for one in regions):
        raise Refusal("regions_unusable", MOST_REGIONS, LONGEST_REGION)
    return regions


def known_regions(app: App) -> list[str]:
    """The regions of all places, by name."""
    with app.database.read() as connection:
        stored = store.stored_places(connection)
    return sorted({region for one in stored if not one.withdrawn for region in one.place.regions}, key=str.casefold)
