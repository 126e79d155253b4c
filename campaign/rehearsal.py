"""Campaigns as staff work with them: looked through, tried out before they are kept, kept, ended."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from campaign import desk, planning, store
from campaign.app import App
from campaign.campaigns import (
    APPROVALS,
    Campaign,
    CampaignError,
    Problem,
    campaign_to_mapping,
    parse_campaign,
)
from campaign.desk import Refusal
from campaign.news import sentence, sentences
from campaign.planning import Foreseen
from posts import ledger
from posts.states import IN_FLIGHT, PLANNED, State

TO_COME = (*PLANNED, State.QUEUED, *IN_FLIGHT, State.IN_DOUBT, State.MISSED)
NAMES_SHOWN = 5


# --- looking -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """A stored campaign and how it stands. `stamp` changes with its definition."""

    campaign: Campaign
    paused: bool
    ended_at: datetime | None
    applied_at: datetime
    stamp: str
    to_come: int
    out: int
    held: int
    next_at: datetime | None

    def phase(self, today: date) -> str:
        """Where in its time it stands: ended, over, paused, ahead or running."""
        if self.ended_at is not None:
            return "ended"
        if self.campaign.ends < today:
            return "over"
        if self.paused:
            return "paused"
        return "ahead" if today < self.campaign.starts else "running"


def campaigns(app: App) -> list[Kept]:
    """All campaigns by title."""
    with app.database.read() as connection:
        states = store.campaign_states(connection)
        coming = store.next_instants(connection, app.now(connection))
        rows = store.campaign_rows(connection)
    found = [_kept(row, states.get(row.name, {}), coming.get(row.name)) for row in rows]
    return sorted(found, key=lambda one: (one.campaign.title.casefold(), one.campaign.name))


def campaign(app: App, name: str) -> Kept:
    """One campaign. Raises store.Unknown."""
    with app.database.read() as connection:
        row = store.campaign_row(connection, name)
        states = store.campaign_states(connection).get(name, {})
        coming = store.next_instants(connection, app.now(connection)).get(name)
    return _kept(row, states, coming)


def _kept(row: Any, states: Mapping[State, int], next_at: datetime | None) -> Kept:
    return Kept(
        parse_campaign(row.definition),
        row.paused,
        row.ended_at,
        row.applied_at,
        stamp_of(row.definition),
        sum(states.get(state, 0) for state in TO_COME),
        states.get(State.POSTED, 0),
        states.get(State.HELD, 0),
        next_at,
    )


def stamp_of(definition: Mapping[str, Any]) -> str:
    """A digest by which a form notices that somebody else saved the campaign meanwhile."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]


# --- trying out ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One announcement as the calendar would show it. `kind` is new, moved, kept or held."""

    at: datetime
    kind: str
    step: str
    what: str
    channel: str
    network: str
    was: datetime | None
    reasons: list[str]
    text: str
    announcement: int | None


@dataclass(frozen=True)
class Without:
    """What finds no slot for one reason: how much, and of which places (the first few)."""

    reason: str
    count: int
    names: list[str]


@dataclass(frozen=True)
class Trial:
    """The calendar that a campaign would fill."""

    entries: list[Entry]
    without: list[Without]
    others_moved: int

    @property
    def counts(self) -> Counter[str]:
        """How many entries there are of each kind."""
        return Counter(one.kind for one in self.entries)


def try_out(app: App, wanted: Campaign) -> Trial:
    """What the next planning would do with the campaign; nothing is kept and nobody waits for it."""
    with app.database.read() as connection:
        found = planning.rehearse(connection, app.house(connection), wanted)
    language = app.settings["language"]
    entries = [_entry(one, language) for one in found.foreseen]
    reasons: dict[str, list[str]] = {}
    for one in found.unplaced:
        place = found.places.get(one.key.place_id)
        name = place.place.name if place else one.key.step
        reasons.setdefault(one.reason, []).append(name)
    without = [
        Without(sentence(reason, language), len(names), list(dict.fromkeys(names))[:NAMES_SHOWN])
        for reason, names in sorted(reasons.items())
    ]
    return Trial(entries, without, found.others_moved)


def _entry(one: Foreseen, language: str) -> Entry:
    kind = "held" if one.reasons else "new" if one.row is None else "moved" if one.was else "kept"
    return Entry(
        one.at,
        kind,
        one.key.step,
        one.place.place.name if one.place else "",
        one.key.channel,
        one.network,
        one.was,
        list(dict.fromkeys(sentences(list(one.reasons), language))),
        one.text,
        one.row.id if one.row is not None else None,
    )


# --- deciding ------------------------------------------------------------------------------------------------


class ChangedMeanwhile(Exception):
    """Somebody else saved the campaign since the form was opened; `stamp` is the present one."""

    def __init__(self, stamp: str) -> None:
        super().__init__("changed meanwhile")
        self.stamp = stamp


def read_definition(app: App, definition: Mapping[str, Any], *, may_approve: bool) -> Campaign:
    """The campaign that a definition describes, its channels and its approval rule checked too.

    Whoever may not approve may not let approvals fall away either. Raises CampaignError with every problem.
    """
    problems: list[Problem] = []
    found: Campaign | None = None
    try:
        found = parse_campaign(definition)
    except CampaignError as error:
        problems += error.problems
    channels = [name for name in definition.get("channels", []) if isinstance(name, str)]
    with app.database.read() as connection:
        known = {row.name for row in store.channel_rows(connection)}
        before = {row.name: row.definition for row in store.campaign_rows(connection)}.get(definition.get("name", ""))
    unknown = [name for name in channels if name not in known]
    if unknown:
        problems.append(Problem("channels", "channels_unknown", (", ".join(unknown),)))
    asked = definition.get("approval", "one")
    least = "one" if before is None else before["approval"]
    if not may_approve and asked in APPROVALS and APPROVALS.index(asked) < APPROVALS.index(least):
        problems.append(Problem("approval", "approval_weaker"))
    if problems or found is None:
        raise CampaignError(tuple(problems))
    return found


def save(app: App, wanted: Campaign, stamp: str | None) -> None:
    """Keep a campaign. `stamp` is that of the stored one when the form was opened, None for a new campaign.

    Raises ChangedMeanwhile, and CampaignError where a new one would take the place of another.
    """
    with app.at_desk() as (connection, at):
        before = store.campaign_to_change(connection, wanted.name)
        if before is None and stamp is not None:
            raise Refusal("campaign_unknown", wanted.name)
        if before is not None and stamp is None:
            raise CampaignError((Problem("name", "campaign_name_taken", (wanted.name,)),))
        if before is not None and stamp_of(before.definition) != stamp:
            raise ChangedMeanwhile(stamp_of(before.definition))
        desk.save_campaign(connection, at, wanted)


def end(app: App, name: str) -> int:
    """End a campaign today; what is planned is cancelled. Returns how many. Raises store.Unknown and Refusal."""
    with app.at_desk() as (connection, at):
        row = store.campaign_to_change(connection, name)
        if row is None:
            raise Refusal("campaign_unknown", name)
        running = parse_campaign(row.definition)
        today = at.now.astimezone(at.zone).date()
        if row.ended_at is not None or running.ends < today:
            raise Refusal("campaign_ended_already", name)
        ended = replace(running, ends=today, starts=min(running.starts, today))
        store.end_campaign(connection, name, campaign_to_mapping(ended), at.now)
        planned = store.announcement_rows(connection, campaign=name, states=TO_COME)
        ledger.note(connection, "campaign_ended", at.now, at.actor, detail={"campaign": name, "planned": len(planned)})
        planning.follow_places(connection, app.house(connection), at.actor)
        left = store.announcement_rows(connection, campaign=name, states=TO_COME)
        return len(planned) - len(left)
