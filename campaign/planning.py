"""Between the store and the pure planner: what is planned is written down, filled and checked; places are followed."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from campaign import compose, store
from campaign.campaigns import Call, Campaign, CampaignError, Step, parse_campaign
from campaign.compose import Composed, Templates
from campaign.places import Picture, Place
from campaign.planner import (
    ChannelInfo,
    Key,
    Move,
    Plan,
    Planned,
    PlannedPlace,
    PlanRequest,
    Taken,
    Unplaced,
    open_slots,
    permitted,
    plan,
)
from campaign.settings import Settings
from campaign.store import StoredPlace
from posts import ledger
from posts.states import IN_FLIGHT, PLANNED, Event, State

SAME_TEXT_SPAN = timedelta(hours=48)
"""X refuses a repeated text; how long is not documented, and a day or two is the caution (X fact sheet, section 6)."""
CHUNK = 20
"""Announcements written in one transaction: short enough that a due post hardly waits."""
A_WEEK = timedelta(days=8)
"""Two instants further apart lie in different weeks, whatever the clocks do between them."""
SLOTS_AHEAD = timedelta(days=120)
"""How far ahead slots are offered to somebody who moves an announcement."""
# Holds that this module sets and lifts again by itself once their reason is gone.
_PREFLIGHT = frozenset(
    {
        "text_too_long",
        "text_empty",
        "text_unreadable",
        "text_does_not_fit",
        "template_missing",
        "template_error",
        "accidental_link",
        "alt_missing",
        "alt_too_long",
        "credit_missing",
        "credit_not_in_text",
        "image_missing",
        "too_many_images",
        "link_invalid",
        "token_expires",
        "same_text",
        "budget_used_up",
    }
)

_TAKEN_BACK = frozenset({"place_skipped", "place_merged", "campaign_ended"})
"""Decisions of persons: once they are taken back, what was cancelled for them is planned anew. A place that its
portal withdrew and shows again stays as it was left."""


@dataclass(frozen=True)
class House:
    """What planning needs to know beside the database."""

    settings: Settings
    templates: Templates
    now: datetime
    hosts: frozenset[str]


@dataclass(frozen=True)
class _Situation:
    request: PlanRequest
    campaigns: dict[str, Campaign]
    places: dict[int, StoredPlace]
    channels: dict[str, Row[Any]]
    rows: dict[Key, Row[Any]]


def key_of(row: Row[Any]) -> Key:
    """What a row of an announcement is to the planner."""
    return Key(row.campaign, row.step, row.place_id, row.channel, row.occurrence)


def _taken(row: Row[Any], approved: bool) -> Taken:
    touched = row.edited or row.pinned or (approved and row.approval != "none")
    return Taken(
        campaign=row.campaign or None,
        step=row.step,
        place_id=row.place_id,
        channel=row.channel,
        occurrence=row.occurrence,
        at=row.due_at,
        state=State(row.state),
        posted_at=row.posted_at,
        untouched=not touched and row.hold_reason != "person",
        pinned=row.pinned,
        hold_reason=row.hold_reason or "",
        lapsed=row.cancelled_for is not None,
    )


def _situation(
    connection: Connection, house: House, until: date | None, proposed: Campaign | None = None
) -> _Situation:
    rows = store.announcement_rows(connection)
    approved = store.approvers(connection, [row.id for row in rows])
    regions = store.regions_by_channel(connection)
    channels = {row.name: row for row in store.channel_rows(connection)}
    running = [row for row in store.campaign_rows(connection) if not row.paused and row.ended_at is None]
    campaigns = {row.name: parse_campaign(row.definition) for row in running}
    if proposed is not None:
        campaigns[proposed.name] = proposed
    places = {one.id: one for one in store.stored_places(connection)}
    request = PlanRequest(
        now=house.now,
        zone=house.settings.zone,
        campaigns=tuple(campaigns.values()),
        places=_planned_places(places),
        channels=tuple(
            ChannelInfo(row.name, row.network, regions.get(row.id, ()), row.paused, row.world)
            for row in channels.values()
        ),
        taken=tuple(_taken(row, row.id in approved) for row in rows),
        until=until,
        land=house.settings["land"],
        house_blackouts=house.settings.blackouts,
    )
    return _Situation(request, campaigns, places, channels, {key_of(row): row for row in rows})


def _planned_places(places: dict[int, StoredPlace]) -> tuple[PlannedPlace, ...]:
    """What may be announced; a place that two portals list counts once, and as a place of both."""
    listed_in: dict[int, set[str]] = defaultdict(set)
    for one in places.values():
        if one.same_as is not None and one.is_another and not one.withdrawn:
            listed_in[one.same_as].add(one.place.portal)
    return tuple(
        PlannedPlace(one.id, one.place, frozenset(listed_in[one.id]), one.occurrence)
        for one in places.values()
        if not (one.held or one.withdrawn or one.is_another or one.skipped)
    )


@dataclass(frozen=True)
class _Draft:
    """A new announcement with its content, ready to be written down."""

    planned: Planned
    content: dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """What a planning decided, texts filled; nothing of it is written yet."""

    situation: _Situation
    plan: Plan
    drafts: tuple[_Draft, ...]


def decide(connection: Connection, house: House, until: date | None) -> Decision:
    """Plan and fill templates. Reads only, so that posting never waits for it."""
    situation = _situation(connection, house, until)
    decided = plan(situation.request)
    held = [
        replace(one.planned, state=State.HELD, hold_reason=one.reason)
        for one in decided.held
        if one.planned is not None
    ]
    unique = {one.key: one for one in (*decided.planned, *held)}
    return Decision(situation, decided, tuple(_draft(house, situation, one) for one in _by_instant(unique.values())))


def foresee(connection: Connection, house: House, place: StoredPlace) -> Plan:
    """What a planning would do for one place, if it were the only one."""
    situation = _situation(connection, house, None)
    listed_in = next((each.portals for each in situation.request.places if each.place_id == place.id), frozenset())
    alone = PlannedPlace(place.id, place.place, listed_in, place.occurrence)
    found = plan(replace(situation.request, places=(alone,)))
    return Plan(
        planned=tuple(each for each in found.planned if each.key.place_id == place.id),
        held=tuple(each for each in found.held if each.key.place_id == place.id),
        unplaced=tuple(each for each in found.unplaced if each.key.place_id == place.id),
    )


@dataclass(frozen=True)
class Foreseen:
    """One announcement of a campaign as a planning would leave it. `row` is the one that exists; `was` its instant
    before where it would move; `reasons` say why it would be held."""

    key: Key
    at: datetime
    network: str
    place: StoredPlace | None
    row: Row[Any] | None = None
    was: datetime | None = None
    reasons: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Rehearsal:
    """What the next planning would make of a campaign: everything of it from now on, in the order of instants, what
    finds no slot, and how many announcements of other campaigns would get another instant."""

    foreseen: tuple[Foreseen, ...]
    unplaced: tuple[Unplaced, ...]
    places: dict[int, StoredPlace]
    others_moved: int


def rehearse(connection: Connection, house: House, campaign: Campaign) -> Rehearsal:
    """What planning would do if the campaign were stored so, and running. Reads only."""
    situation = _situation(connection, house, None, campaign)
    decided = plan(situation.request)
    new = [
        replace(one.planned, state=State.HELD, hold_reason=one.reason)
        for one in decided.held
        if one.planned is not None
    ]
    own = [one for one in (*decided.planned, *new) if one.key.campaign == campaign.name]
    foreseen = [_foreseen_new(connection, house, situation, one) for one in own]
    foreseen += _foreseen_existing(situation, decided, campaign.name, house.now)
    return Rehearsal(
        tuple(sorted(foreseen, key=lambda one: (one.at, one.key))),
        tuple(one for one in decided.unplaced if one.key.campaign == campaign.name),
        situation.places,
        sum(one.key.campaign != campaign.name for one in decided.moves),
    )


def _foreseen_new(connection: Connection, house: House, situation: _Situation, planned: Planned) -> Foreseen:
    content = _draft(house, situation, planned).content
    channel = situation.channels[planned.key.channel]
    reasons = [planned.hold_reason] if planned.hold_reason else []
    reasons += content["problems"]
    if channel.token_expires is not None and channel.token_expires <= planned.at:
        reasons.append(_token_expires(channel.token_expires, house.settings.zone))
    if channel.network == compose.TWITTER:
        rival = store.same_text_elsewhere(connection, content["text_key"], channel, planned.at, SAME_TEXT_SPAN)
        reasons += [f"same_text:{rival}"] if rival is not None else []
    place = situation.places.get(planned.key.place_id)
    return Foreseen(planned.key, planned.at, channel.network, place, None, None, tuple(reasons), content["text"])


def _foreseen_existing(situation: _Situation, decided: Plan, campaign: str, now: datetime) -> Iterator[Foreseen]:
    moves = {one.key: one.at for one in decided.moves}
    held = {one.key: one.reason for one in decided.held if one.planned is None}
    for key, row in situation.rows.items():
        if key.campaign != campaign or State(row.state) in (State.CANCELLED, State.REFUSED):
            continue
        at = moves.get(key, row.posted_at or row.due_at)
        if at < now or (State(row.state) is State.MISSED and key not in moves):
            continue
        reasons = [held[key]] if key in held else []
        if not reasons and State(row.state) is State.HELD and key not in decided.released:
            reasons = [row.hold_reason or "person"]
        was = row.due_at if key in moves else None
        place = situation.places.get(row.place_id)
        yield Foreseen(key, at, row.network, place, row, was, tuple(reasons), row.text)


def _by_instant(planned: Iterable[Planned]) -> list[Planned]:
    return sorted(planned, key=lambda one: (one.at, one.key))


def _draft(house: House, situation: _Situation, planned: Planned) -> _Draft:
    campaign = situation.campaigns[planned.key.campaign]
    network = situation.channels[planned.key.channel].network
    stored = situation.places.get(planned.key.place_id)
    return _Draft(planned, _content(house, campaign, planned, network, stored))


def changes(house: House, decision: Decision) -> Iterator[Callable[[Connection], tuple[list[int], list[int]]]]:
    """The decision as short pieces of writing, each for a transaction of its own; every piece answers the ids
    that it made and those that it held. A piece finds out by itself what somebody else did meanwhile."""
    yield lambda connection: ([], _apply_to_existing(connection, house, decision))
    for start in range(0, len(decision.drafts), CHUNK):
        chunk = decision.drafts[start : start + CHUNK]
        yield lambda connection, chunk=chunk: _create_all(connection, house, decision.situation, chunk)  # type: ignore[misc]
    yield lambda connection: _followed(connection, house)


def _followed(connection: Connection, house: House) -> tuple[list[int], list[int]]:
    """Also what a pull that was cut off left behind."""
    follow_places(connection, house)
    return [], []


def unplaced(decision: Decision) -> list[dict[str, Any]]:
    """What found no slot, and the reason's word."""
    return [
        {"place": one.key.place_id or None, "step": one.key.step, "channel": one.key.channel, "reason": one.reason}
        for one in decision.plan.unplaced
    ]


def _apply_to_existing(connection: Connection, house: House, decision: Decision) -> list[int]:
    situation, decided = decision.situation, decision.plan
    holds = [one for one in decided.held if one.planned is None]
    concerned = {*(one.key for one in decided.moves), *decided.released, *(one.key for one in holds)}
    same = _still_as_seen(connection, situation, concerned)
    _apply_moves(connection, house, situation, tuple(one for one in decided.moves if one.key in same))
    for key in decided.released:
        if key in same:
            _release(connection, house, situation.rows[key])
    return [
        row_id
        for held in holds
        if held.key in same and (row_id := _hold(connection, house, situation.rows[held.key], held.reason))
    ]


def _still_as_seen(connection: Connection, situation: _Situation, keys: Iterable[Key]) -> set[Key]:
    """Those that nobody has sent, moved, held, edited or approved since the planner saw them; locked from here on.
    What changed is left to the next planning, which decides anew."""
    seen = {one.key: one for one in situation.request.taken}
    rows = sorted((situation.rows[key] for key in keys), key=lambda row: row.id)
    for row in rows:
        ledger.state_of(connection, row.id)
    current = store.announcement_rows(connection, ids=[row.id for row in rows])
    approved = store.approvers(connection, [row.id for row in rows])
    return {key_of(row) for row in current if _taken(row, row.id in approved) == seen[key_of(row)]}


def _apply_moves(connection: Connection, house: House, situation: _Situation, moves: tuple[Move, ...]) -> None:
    for one in moves:
        row = situation.rows[one.key]
        values: dict[str, Any] = {"due_at": one.at, "late_until": one.at + situation.campaigns[row.campaign].late_grace}
        if State(row.state) is State.MISSED:
            given = store.approvers(connection, [row.id]).get(row.id, [])
            ready = row.approval == "none" or len(given) >= (2 if row.approval == "four-eyes" else 1)
            event = Event.MOVED if ready else Event.UNAPPROVED
            ledger.move(
                connection, row.id, State.MISSED, event, house.now, ledger.DAEMON, draft=None, not_before=None, **values
            )
            continue
        store.set_delivery(connection, row.id, **values)
        ledger.note(
            connection,
            Event.MOVED.value,
            house.now,
            ledger.DAEMON,
            delivery_id=row.id,
            detail={"from": one.was.isoformat(), "to": one.at.isoformat()},
        )


def _release(connection: Connection, house: House, row: Row[Any]) -> None:
    if State(row.state) is State.HELD:
        event = Event.RELEASED if row.approval == "none" else Event.UNAPPROVED
        ledger.move(connection, row.id, State.HELD, event, house.now, ledger.DAEMON, hold_reason=None)


def _hold(connection: Connection, house: House, row: Row[Any], reason: str) -> int | None:
    seen = State(row.state)
    if seen not in (State.DRAFT, State.APPROVED):
        return None
    moved = ledger.move(
        connection, row.id, seen, Event.HELD, house.now, ledger.DAEMON, hold_reason=reason, detail={"reason": reason}
    )
    return int(row.id) if moved else None


# --- creating ------------------------------------------------------------------------------------------------


def _create_all(
    connection: Connection, house: House, situation: _Situation, drafts: tuple[_Draft, ...]
) -> tuple[list[int], list[int]]:
    made: list[int] = []
    held: list[int] = []
    for draft in drafts:
        if store.has_announcement(connection, draft.planned.key, situation.channels[draft.planned.key.channel].id):
            continue
        announcement_id = _create(connection, house, situation, draft)
        made.append(announcement_id)
        if store.announcement_row(connection, announcement_id).state == State.HELD.value:
            held.append(announcement_id)
    return made, held


def _create(connection: Connection, house: House, situation: _Situation, draft: _Draft) -> int:
    planned, content = draft.planned, draft.content
    campaign = situation.campaigns[planned.key.campaign]
    channel = situation.channels[planned.key.channel]
    hold_reason = planned.hold_reason or (content["problems"][0] if content["problems"] else None)
    announcement_id = ledger.create(
        connection,
        channel.id,
        State.HELD if hold_reason else planned.state,
        planned.at,
        campaign.late_grace,
        house.now,
        ledger.DAEMON,
        hold_reason=hold_reason,
        detail={"campaign": campaign.name, "step": planned.key.step, "place": planned.key.place_id or None},
    )
    store.insert_announcement(
        connection,
        announcement_id,
        house.now,
        campaign=campaign.name,
        step=planned.key.step,
        place_id=planned.key.place_id,
        channel_id=channel.id,
        occurrence=planned.key.occurrence,
        variant=planned.variant,
        approval=campaign.approval,
        **content,
    )
    row = store.announcement_row(connection, announcement_id)
    _hold_for_situation(connection, house, row, campaign)
    return announcement_id


def _step_of(campaign: Campaign, name: str) -> Step | Call | None:
    known: list[Step | Call] = [*campaign.steps, *campaign.calls]
    return next((step for step in known if step.name == name), None)


def _content(
    house: House, campaign: Campaign, planned: Planned, network: str, stored: StoredPlace | None
) -> dict[str, Any]:
    """Text, link, pictures and what is wrong with them, as columns of an announcement."""
    return _filled(
        house,
        campaign,
        _step_of(campaign, planned.key.step),
        planned.template,
        network,
        stored,
        planned.at.astimezone(house.settings.zone).date(),
    )


def _filled(
    house: House,
    campaign: Campaign,
    step: Step | Call | None,
    template: str,
    network: str,
    stored: StoredPlace | None,
    day: date,
) -> dict[str, Any]:
    place = stored.place if stored else None
    wanted, pictures, link = _ingredients(step, place)
    composed = _composed(house, campaign, step, template, network, stored, day)
    images = [{"file": one.url, "alt": one.alt, "credit": one.credit} for one in pictures]
    require = campaign.require_image and place is not None
    problems = list(composed.problems) or compose.preflight(network, composed.text, link, images, require_image=require)
    return {
        "text": composed.text,
        "text_key": compose.text_key(composed.text, link),
        "link": link,
        "images": images,
        "picture": wanted,
        "template": template,
        "template_revision": composed.revision,
        "fingerprint": place.fingerprint if place else None,
        "problems": problems,
    }


def _ingredients(step: Step | Call | None, place: Place | None) -> tuple[str, tuple[Picture, ...], str | None]:
    """Which kind of picture is wanted, the pictures themselves, and the link."""
    wanted = step.picture if isinstance(step, Step) else "none"
    link = place.url if place else (step.link or None if isinstance(step, Call) else None)
    return wanted, compose.pictures_for(place, wanted), link


def _composed(
    house: House,
    campaign: Campaign,
    step: Step | Call | None,
    template: str,
    network: str,
    stored: StoredPlace | None,
    day: date,
) -> Composed:
    place = stored.place if stored else None
    _, pictures, link = _ingredients(step, place)
    name = step.name if step else ""
    picture = pictures[0] if pictures else None
    values = compose.variables(place, campaign.title, name, network, link, picture, day, house.settings.zone)
    return compose.fill(house.templates, network, template, values)


def filled_anew(connection: Connection, house: House, row: Row[Any]) -> Composed | None:
    """What the announcement's template makes of its place as they are now; None where no template made it."""
    campaign = campaign_of(connection, row)
    step = _step_of(campaign, row.step) if campaign else None
    if campaign is None or step is None or row.template is None:
        return None
    day = row.due_at.astimezone(house.settings.zone).date()
    stored = store.place_of(connection, row.place_id) if row.place_id else None
    return _composed(house, campaign, step, row.template, row.network, stored, day)


def campaign_of(connection: Connection, row: Row[Any]) -> Campaign | None:
    """The campaign of an announcement; None for a free one, or where its definition can't be read any more."""
    try:
        return parse_campaign(store.campaign_row(connection, row.campaign).definition) if row.campaign else None
    except (store.Unknown, CampaignError):
        return None


# --- preflight of the situation ------------------------------------------------------------------------------


def situation_problems(connection: Connection, row: Row[Any], campaign: Campaign | None, zone: ZoneInfo) -> list[str]:
    """What stands against an announcement beside its own content: its place, its channel, other posts, the budget."""
    problems: list[str] = []
    if row.place_id:
        stored = store.place_of(connection, row.place_id)
        if stored is None or stored.withdrawn:
            problems.append("place_withdrawn")
        elif stored.skipped:
            problems.append("place_skipped")
    if row.token_expires is not None and row.token_expires <= row.due_at:
        problems.append(_token_expires(row.token_expires, zone))
    if row.network == compose.TWITTER:
        rival = store.same_text_rival(connection, row, SAME_TEXT_SPAN)
        if rival is not None:
            problems.append(f"same_text:{rival}")
    if campaign is not None:
        problems += _budget_problems(connection, row, campaign, zone)
    return problems


def _token_expires(at: datetime, zone: ZoneInfo) -> str:
    return f"token_expires:{at.astimezone(zone).date().isoformat()}"


def _budget_problems(connection: Connection, row: Row[Any], campaign: Campaign, zone: ZoneInfo) -> list[str]:
    if row.network != compose.TWITTER:
        return []
    month = datetime.combine(row.due_at.astimezone(zone).date().replace(day=1), time(), zone)
    for budget, since in ((campaign.budget_usd, None), (campaign.budget_usd_month, month)):
        if budget is not None and store.spent_usd(connection, campaign.name, since) >= budget:
            return [f"budget_used_up:{budget:.2f}"]
    return []


def _hold_for_situation(connection: Connection, house: House, row: Row[Any], campaign: Campaign) -> None:
    problems = situation_problems(connection, row, campaign, house.settings.zone)
    if problems and State(row.state) in (State.DRAFT, State.APPROVED):
        _hold(connection, house, row, problems[0])
        store.set_announcement(connection, row.id, house.now, problems=problems)


def not_permitted(connection: Connection, settings: Settings, now: datetime, row: Row[Any], at: datetime) -> str | None:
    """The reason why the announcement may not be moved to that instant, None when it may."""
    request = request_near(connection, settings, now, at, at)
    campaign = next((one for one in request.campaigns if one.name == row.campaign), None)
    return permitted(request, row.channel, at, campaign, ignoring=key_of(row))


def request_near(
    connection: Connection, settings: Settings, now: datetime, first: datetime, last: datetime
) -> PlanRequest:
    """What decides whether something may go out between two instants: everything near enough to count in a day's
    or week's cap or in a gap. Places are left out."""
    campaigns = tuple(parse_campaign(row.definition) for row in store.campaign_rows(connection) if not row.paused)
    rhythms = [one.rhythm_of(name) for one in campaigns for name in one.channels]
    reach = A_WEEK + max((rhythm.min_gap for rhythm in rhythms), default=timedelta(0))
    rows = store.taken_rows(connection, first - reach, last + reach)
    return PlanRequest(
        now=now,
        zone=settings.zone,
        campaigns=campaigns,
        places=(),
        channels=(),
        taken=tuple(_counted(row) for row in rows),
        land=settings["land"],
        house_blackouts=settings.blackouts,
    )


def _counted(row: Row[Any]) -> Taken:
    """A row as caps and gaps see it."""
    return Taken(
        campaign=row.campaign or None,
        step=row.step,
        place_id=row.place_id,
        channel=row.channel,
        occurrence=row.occurrence,
        at=row.due_at,
        state=State(row.state),
        posted_at=row.posted_at,
    )


def next_slots(connection: Connection, settings: Settings, now: datetime, row: Row[Any], count: int) -> list[datetime]:
    """The next instants to which the announcement may be moved, by its campaign's rhythm; for a free one, by the
    rhythms of all campaigns on its channel."""
    request = request_near(connection, settings, now, now, now + SLOTS_AHEAD)
    today = now.astimezone(settings.zone).date()
    found: set[datetime] = set()
    for campaign in request.campaigns:
        if row.channel in campaign.channels and row.campaign in ("", campaign.name):
            last = min(campaign.ends, today + SLOTS_AHEAD)
            found |= set(open_slots(request, row.channel, campaign, max(campaign.starts, today), last, key_of(row)))
    return sorted(found - {row.due_at})[:count]


# --- following places ----------------------------------------------------------------------------------------


def follow_places(connection: Connection, house: House, actor: str = ledger.DAEMON) -> None:
    """Cancel what is planned for places and campaigns that are announced no more (of what is in flight the wish is
    remembered), refresh untouched announcements, flag the others; of what is out, staff are told where its place was
    withdrawn or changed."""
    stored = {one.id: one for one in store.stored_places(connection)}
    ended = {row.name for row in store.campaign_rows(connection) if row.ended_at is not None}
    for row in store.announcement_rows(connection, states=[*PLANNED, State.QUEUED, State.MISSED, *IN_FLIGHT]):
        why = _not_announced(stored.get(row.place_id)) or ("campaign_ended" if row.campaign in ended else "")
        if why and not row.cancel_wanted:
            _call_off(connection, house, row, why, actor)
    for row in store.announcement_rows(connection, states=[State.POSTED]):
        place = stored.get(row.place_id)
        if place is not None and row.removed_at is None:
            _tell_of_posted(connection, house, row, place)
    refresh(connection, house)


def _not_announced(place: StoredPlace | None) -> str:
    """Why nothing of a place goes out any more; empty where it may."""
    if place is None:
        return ""
    if place.withdrawn:
        return "place_withdrawn"
    if place.skipped:
        return "place_skipped"
    return "place_merged" if place.is_another else ""


def _call_off(connection: Connection, house: House, row: Row[Any], why: str, actor: str) -> None:
    """Cancel an announcement for a reason that may be taken back, or remember the wish while a call is under way."""
    # What is out by now is told of by `_tell_of_posted`.
    with contextlib.suppress(ledger.NotPossible):
        ledger.cancel(connection, row.id, house.now, actor, why)
    if why in _TAKEN_BACK:
        store.set_announcement(connection, row.id, house.now, cancelled_for=why)


def _tell_of_posted(connection: Connection, house: House, row: Row[Any], place: StoredPlace) -> None:
    """Flag what is out and may no longer be true; each change is told once."""
    problems = [one for one in row.problems if one != "place_withdrawn"]
    if place.withdrawn:
        problems.append("place_withdrawn")
    elif place.place.fingerprint != row.fingerprint:
        problems = [*[one for one in problems if one != "posted_place_changed"], "posted_place_changed"]
    if problems == list(row.problems) and place.place.fingerprint == row.fingerprint:
        return
    store.set_announcement(connection, row.id, house.now, problems=problems, fingerprint=place.place.fingerprint)
    for word in problems[-1:]:
        ledger.note(connection, word, house.now, ledger.DAEMON, delivery_id=row.id)


def refresh(connection: Connection, house: House, ids: Collection[int] | None = None) -> None:
    """Fill untouched announcements (all, or the named ones) anew where place or template changed; flag those that a
    person touched. The templates are those of this very transaction, however long the house was planned for."""
    rows = [
        row
        for row in store.announcement_rows(connection, states=list(PLANNED), ids=None if ids is None else list(ids))
        if row.campaign and row.template is not None
    ]
    if not rows:
        return
    house = replace(house, templates=house.templates.revised(store.active_templates(connection)))
    campaigns = {row.name: parse_campaign(row.definition) for row in store.campaign_rows(connection)}
    places = {one.id: one for one in _places_of(connection, rows, ids is None)}
    approved = store.approvers(connection, [row.id for row in rows])
    revisions: dict[tuple[str, str], str] = defaultdict(str)
    for network, name in {(row.network, row.template) for row in rows}:
        if name in house.templates.names(network):
            revisions[network, name] = house.templates.revision(network, name)
    for row in rows:
        stored = places.get(row.place_id)
        changed = stored is not None and stored.place.fingerprint != row.fingerprint
        held_by_us = State(row.state) is State.HELD and (row.hold_reason or "").partition(":")[0] in _PREFLIGHT
        if row.edited or row.id in approved:
            if changed:
                _flag(connection, house, row, stored)
        elif changed or held_by_us or revisions[row.network, row.template] != row.template_revision:
            _refill(connection, house, row, campaigns[row.campaign], stored)


def _locked(connection: Connection, announcement_id: int) -> Row[Any]:
    """An announcement as it stands now, and stays until this transaction ends."""
    ledger.state_of(connection, announcement_id)
    return store.announcement_row(connection, announcement_id)


def _places_of(connection: Connection, rows: list[Row[Any]], many: bool) -> list[StoredPlace]:
    """The rows' places; of a few rows each is asked for by itself, as there may be thousands of places."""
    if many:
        return store.stored_places(connection)
    found = (store.place_of(connection, number) for number in {row.place_id for row in rows})
    return [one for one in found if one is not None]


def _flag(connection: Connection, house: House, row: Row[Any], stored: StoredPlace | None) -> None:
    row = _locked(connection, row.id)
    problems = [*[one for one in row.problems if one != "place_changed"], "place_changed"]
    fingerprint = stored.place.fingerprint if stored else None
    store.set_announcement(connection, row.id, house.now, problems=problems, fingerprint=fingerprint)
    ledger.note(connection, "place_changed", house.now, ledger.DAEMON, delivery_id=row.id)


def _refill(
    connection: Connection, house: House, row: Row[Any], campaign: Campaign, stored: StoredPlace | None
) -> None:
    day = row.due_at.astimezone(house.settings.zone).date()
    step = _step_of(campaign, row.step)
    if step is None:
        return
    content = _filled(house, campaign, step, row.template, row.network, stored, day)
    problems = content["problems"] + situation_problems(connection, row, campaign, house.settings.zone)
    same = all(getattr(row, name) == value for name, value in content.items() if name != "problems")
    if same and problems == list(row.problems):
        return
    current, given = _locked(connection, row.id), store.approvers(connection, [row.id])
    if current.edited or given or (current.state, current.due_at) != (row.state, row.due_at):
        return  # a person was quicker; the next round flags it, or fills it for its new day
    store.set_announcement(connection, row.id, house.now, **(content | {"problems": problems}))
    if content["text"] != row.text:
        ledger.note(
            connection, "refreshed", house.now, ledger.DAEMON, delivery_id=row.id, detail={"to": content["text"]}
        )
    if problems and State(row.state) is State.HELD:
        store.set_delivery(connection, row.id, hold_reason=problems[0])
    elif problems:
        _hold(connection, house, row, problems[0])
    elif (row.hold_reason or "").partition(":")[0] in _PREFLIGHT:
        _release(connection, house, row)
