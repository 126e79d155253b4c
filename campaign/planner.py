"""The calendar as a pure function: campaigns, places, what is taken and one instant in, announcements out.

Nothing is touched and nothing is asked here. Planning what was planned plans nothing new: every announcement has
a key, whatever has its key is kept, and only an untouched one whose slot is no longer allowed gets another.

How it works. Each channel has one line of slots in the order of time. Per campaign, place and channel the steps
form a chain; the first step of a chain without an announcement waits for a slot from its due instant on, and once
it has one, the next step is due. At each free slot one of those that wait is taken: calls first, then those
that lost their slot, then the others in turn by region, category, campaign and step, so that nobody waits behind
somebody else's burst.

Later steps are planned provisionally, counted from the planned instant of the step before, so that staff see
weeks ahead; they are moved once the step before goes out too late for them.

All instants are aware and in UTC; days, weeks (ISO 8601, Monday to Sunday) and hours are those of the zone.
Reasons are short words, some with detail behind a colon; campaign/news/ holds their sentences.
"""

from __future__ import annotations

import hashlib
import heapq
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count
from zoneinfo import ZoneInfo

import holidays

from campaign.campaigns import Blackout, Call, Campaign, Rhythm
from campaign.places import Place
from campaign.settings import HouseBlackout
from posts.states import State

LEAD = timedelta(seconds=30)
"""How far ahead of the present a slot must lie to be used: time to write the announcement down."""
HORIZON = timedelta(days=365)
"""How far ahead is planned when nobody names a day."""
PUNCTUAL = timedelta(minutes=15)
"""What went out at most this late counts as gone out at its slot, so that the seconds of sending don't push the
next step past the same slot three weeks later."""
ONE_ACCOUNT_NETWORK = "twitter"
"""X forbids the same content on several accounts (X automation rules): each place goes to one account there."""

_UNCOUNTED = frozenset({State.MISSED, State.CANCELLED, State.REFUSED})
_MOVABLE = frozenset({State.DRAFT, State.APPROVED, State.HELD})
_STEP_BEFORE = {
    State.MISSED: "step_before_missed",
    State.CANCELLED: "step_before_cancelled",
    State.REFUSED: "step_before_refused",
}
_NO_SLOT = "no_slot"
_OWN_REASONS = frozenset({*_STEP_BEFORE.values(), _NO_SLOT})
_FIRST_OCCURRENCE = 1
_ANY_DAY, _OTHER_INSTANT, _OTHER_DAY = 0, 1, 2


@dataclass(frozen=True, order=True)
class Key:
    """What an announcement is, once and for all. `place_id` 0: a call, whose occurrence is its day as YYYYMMDD;
    `campaign` "": a free announcement. The first announcement of a step has occurrence 1."""

    campaign: str
    step: str
    place_id: int
    channel: str
    occurrence: int


@dataclass(frozen=True)
class PlannedPlace:
    """A stored place and its id there; `portals` are further ones that list it."""

    place_id: int
    place: Place
    portals: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ChannelInfo:
    """What planning needs of a channel. No regions: it takes every place. `world` separates sandbox from live."""

    name: str
    network: str
    regions: tuple[str, ...] = ()
    paused: bool = False
    world: str = ""


@dataclass(frozen=True)
class Taken:
    """An announcement that exists, in whatever state.

    `untouched`: no person approved, edited or pinned it. `pinned`: a person chose its instant, or released it
    although the step before had not gone out; the planner then neither moves nor holds it.
    """

    campaign: str | None
    step: str
    place_id: int
    channel: str
    occurrence: int
    at: datetime
    state: State
    posted_at: datetime | None = None
    untouched: bool = True
    pinned: bool = False
    hold_reason: str = ""

    @property
    def key(self) -> Key:
        return Key(self.campaign or "", self.step, self.place_id, self.channel, self.occurrence)

    @property
    def went(self) -> datetime:
        """When it went out, or is to go out."""
        return self.posted_at or self.at


@dataclass(frozen=True)
class PlanRequest:
    """Everything a plan depends on. `taken` is everything on the channels, of every campaign and none, in any state.

    `campaigns` are those that plan (paused ones left out by the caller) and whose caps hold; `until` is the last
    day on which something new is planned, None for the end of each campaign, at most a year. `land` is the
    subdivision of ISO 3166-2:DE whose public holidays are kept.
    """

    now: datetime
    zone: ZoneInfo
    campaigns: tuple[Campaign, ...]
    places: tuple[PlannedPlace, ...]
    channels: tuple[ChannelInfo, ...]
    taken: tuple[Taken, ...] = ()
    until: date | None = None
    land: str = "ST"
    house_blackouts: tuple[HouseBlackout | Blackout, ...] = ()


@dataclass(frozen=True)
class Planned:
    """A new announcement. `variant` is the index of `template` among the step's; `state` is approved where the
    campaign asks for no approval, held where `hold_reason` says why, else draft."""

    key: Key
    at: datetime
    variant: int
    template: str
    state: State
    hold_reason: str = ""


@dataclass(frozen=True)
class Held:
    """To be kept back until a person decides. `planned` is the announcement to create so, None where it exists."""

    key: Key
    reason: str
    planned: Planned | None = None


@dataclass(frozen=True)
class Unplaced:
    """What finds no slot, and why. `key.channel` is "" where no channel takes the place."""

    key: Key
    reason: str


@dataclass(frozen=True)
class Move:
    """An existing announcement gets another slot. A missed one becomes approved again, or draft where its
    approval is not complete."""

    key: Key
    at: datetime
    was: datetime


@dataclass(frozen=True)
class Plan:
    """What is to be done, each in the order of instants and keys.

    `released` names announcements which the planner had held and whose reason is gone. `unplaced` is repeated by
    every planning for as long as it holds.
    """

    planned: tuple[Planned, ...] = ()
    held: tuple[Held, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    moves: tuple[Move, ...] = ()
    released: tuple[Key, ...] = ()


def plan(request: PlanRequest) -> Plan:
    """The announcements that the campaigns still lack, and what must change in those that exist."""
    return _Planning(request).plan()


def permitted(
    request: PlanRequest, channel: str, at: datetime, campaign: Campaign | None, ignoring: Key | None = None
) -> str | None:
    """Why nothing of that campaign (None: a free announcement) may go out on the channel at the instant; else None.

    `ignoring` is the announcement that is to be moved there and must not stand in its own way. "not_a_slot" comes
    last: whoever lets persons choose their own times may pass over it, since nothing else speaks against them.
    """
    almanac = _Almanac(request)
    load = _load_of(request, almanac, channel, ignoring)
    if at < request.now:
        return "past"
    refusal = almanac.house_refusal(at)
    if campaign is not None:
        refusal = almanac.refusal(campaign, channel, at)
    refusal = refusal or load.refusal(at)
    if refusal or campaign is None or almanac.is_slot(campaign, channel, at):
        return refusal
    return "not_a_slot"


def open_slots(
    request: PlanRequest, channel: str, campaign: Campaign, first: date, last: date, ignoring: Key | None = None
) -> list[datetime]:
    """The instants of the campaign's slots on the channel, from day to day, at which something may still go out."""
    almanac = _Almanac(request)
    load = _load_of(request, almanac, channel, ignoring)
    return [
        at
        for at in almanac.slots(campaign.rhythm_of(channel), first, last)
        if at > almanac.earliest and not (almanac.refusal(campaign, channel, at) or load.refusal(at))
    ]


def _load_of(request: PlanRequest, almanac: _Almanac, channel: str, ignoring: Key | None) -> _Load:
    load = _Load(_ChannelRules(request.campaigns, channel), almanac)
    for taken in request.taken:
        if taken.channel == channel and taken.state not in _UNCOUNTED and taken.key != ignoring:
            load.add(taken.went)
    return load


def slot_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time, in UTC. A time that the clocks skip moves to the next valid minute, one
    that they show twice means the first."""
    wall = datetime.combine(day, at, zone)
    instant = wall.astimezone(UTC)
    while instant.astimezone(zone) != wall:
        wall += timedelta(minutes=1)
        instant = wall.astimezone(UTC)
    return instant


@lru_cache(maxsize=64)
def public_holidays(land: str, year: int) -> Mapping[date, str]:
    """The public holidays of a German Land in a year with their German names, as the package `holidays` knows them."""
    return dict(holidays.country_holidays("DE", subdiv=land, years=year, language="de"))


class _Almanac:
    """Days and hours of the zone, and what forbids them whatever else is on the channel."""

    def __init__(self, request: PlanRequest) -> None:
        self.zone = request.zone
        self.today = request.now.astimezone(request.zone).date()
        self.earliest = request.now + LEAD
        self._land = request.land
        self._house = request.house_blackouts
        self._instants: dict[tuple[date, time], datetime] = {}

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def instant(self, day: date, at: time) -> datetime:
        found = self._instants.get((day, at))
        if found is None:
            found = self._instants[day, at] = slot_instant(day, at, self.zone)
        return found

    def midnight(self, day: date) -> datetime:
        """The first instant of the day."""
        return self.instant(day, time(0))

    def later(self, at: datetime, span: timedelta) -> datetime:
        """The instant after a span whose whole days are days of the wall clock."""
        if not span.days:
            return at + span
        wall = at.astimezone(self.zone) + timedelta(days=span.days)
        return wall.astimezone(UTC) + timedelta(seconds=span.seconds, microseconds=span.microseconds)

    def slots(self, rhythm: Rhythm, first: date, last: date) -> Iterator[datetime]:
        """The instants of a rhythm's slots, day by day."""
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            yield from (self.instant(day, slot.at) for slot in rhythm.slots if slot.weekday == day.weekday())

    def is_slot(self, campaign: Campaign, channel: str, at: datetime) -> bool:
        # The day before too: where a whole day is skipped, its slots move into the next.
        day = self.day(at)
        return at in self.slots(campaign.rhythm_of(channel), day - timedelta(days=1), day)

    def house_refusal(self, at: datetime) -> str | None:
        return _blackout(self._house, self.day(at))

    def refusal(self, campaign: Campaign, channel: str, at: datetime) -> str | None:
        """Why the campaign may not speak on the channel at that instant, caps and gaps aside."""
        local = at.astimezone(self.zone)
        day, rhythm = local.date(), campaign.rhythm_of(channel)
        if not campaign.starts <= day <= campaign.ends:
            return "outside_campaign"
        silent = _blackout(self._house, day) or _blackout(rhythm.blackouts, day)
        if silent:
            return silent
        if rhythm.skip_holidays and day in public_holidays(self._land, day.year):
            return f"holiday:{public_holidays(self._land, day.year)[day]}"
        return "quiet_hours" if _is_quiet(rhythm, local.time()) else None


def _blackout(blackouts: Iterable[HouseBlackout | Blackout], day: date) -> str | None:
    return next((f"blackout:{each.reason}" for each in blackouts if each.first <= day <= each.last), None)


def _is_quiet(rhythm: Rhythm, at: time) -> bool:
    for quiet in rhythm.quiet:
        if quiet.start < quiet.end:
            if quiet.start <= at < quiet.end:
                return True
        elif at >= quiet.start or at < quiet.end:
            return True
    return False


@dataclass(frozen=True)
class _Limits:
    """The strictest caps and gap of all campaigns on one day."""

    per_day: int | None
    per_week: int | None
    gap: timedelta


class _ChannelRules:
    """Caps and gaps of all campaigns that have the channel, each within its own period, for whatever is on it."""

    def __init__(self, campaigns: Iterable[Campaign], channel: str) -> None:
        self._rules = [(each, each.rhythm_of(channel)) for each in campaigns if channel in each.channels]
        self.widest_gap = max((rhythm.min_gap for _, rhythm in self._rules), default=timedelta(0))
        self._limits: dict[date, _Limits] = {}

    def limits(self, day: date) -> _Limits:
        found = self._limits.get(day)
        if found is None:
            found = self._limits[day] = self._strictest(day)
        return found

    def _strictest(self, day: date) -> _Limits:
        monday = _monday(day)
        sunday = monday + timedelta(days=6)
        today = [rhythm for campaign, rhythm in self._rules if campaign.starts <= day <= campaign.ends]
        week = [rhythm for campaign, rhythm in self._rules if campaign.starts <= sunday and campaign.ends >= monday]
        return _Limits(
            per_day=min((each.max_per_day for each in today if each.max_per_day is not None), default=None),
            per_week=min((each.max_per_week for each in week if each.max_per_week is not None), default=None),
            gap=max((each.min_gap for each in today), default=timedelta(0)),
        )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


class _Load:
    """What is on a channel: when, and how much of it on each day and in each week."""

    def __init__(self, rules: _ChannelRules, almanac: _Almanac) -> None:
        self._rules = rules
        self._almanac = almanac
        self._instants: list[datetime] = []
        self._days: Counter[date] = Counter()
        self._weeks: Counter[date] = Counter()

    def add(self, at: datetime) -> None:
        day = self._almanac.day(at)
        insort(self._instants, at)
        self._days[day] += 1
        self._weeks[_monday(day)] += 1

    def remove(self, at: datetime) -> None:
        day = self._almanac.day(at)
        del self._instants[bisect_left(self._instants, at)]
        self._days[day] -= 1
        self._weeks[_monday(day)] -= 1

    def refusal(self, at: datetime) -> str | None:
        """Why one more is too many at that instant."""
        day = self._almanac.day(at)
        limits = self._rules.limits(day)
        if limits.per_day is not None and self._days[day] >= limits.per_day:
            return "max_per_day"
        if limits.per_week is not None and self._weeks[_monday(day)] >= limits.per_week:
            return "max_per_week"
        return "min_gap" if self._too_close(at, limits.gap) else None

    def _too_close(self, at: datetime, gap: timedelta) -> bool:
        """Whether a neighbour is nearer than the gap of either's day, or at the very instant."""
        reach = self._rules.widest_gap
        for i in range(bisect_left(self._instants, at - reach), len(self._instants)):
            other = self._instants[i]
            if other - at > reach:
                return False
            if other == at or abs(other - at) < max(gap, self._rules.limits(self._almanac.day(other)).gap):
                return True
        return False


_Group = tuple[str, str, str, str]
"""Region, category, campaign and step: whoever shares all four waits in one queue."""


@dataclass(frozen=True)
class _Chain:
    """The steps of one campaign for one place on one channel. `begins` is what the first step counts from."""

    campaign: Campaign
    place_id: int
    channel: str
    begins: datetime
    region: str
    category: str


@dataclass(frozen=True)
class _Before:
    """How the step before stands: the instant to count from, and why the next must be asked about ("": it need not)."""

    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class _CallDay:
    """One occurrence of a call on one channel. `next_day` is the day of the next, None for the last."""

    key: Key
    campaign: Campaign
    call: Call
    day: date
    next_day: date | None


@dataclass(frozen=True)
class _Candidate:
    """Somebody who waits for a slot from `due` until before `ends`. `taken`: it exists and lost its slot.
    `ticket` counts those who came to wait, and decides between those who are due at the same instant."""

    ticket: int
    key: Key
    campaign: Campaign
    templates: tuple[str, ...]
    due: datetime
    ends: datetime
    group: _Group
    chain: _Chain | None = None
    number: int = 0
    taken: Taken | None = None
    reason: str = ""

    @property
    def order(self) -> tuple[int, datetime, int]:
        """Calls before lost slots before the others; whoever is due, or had a slot, first."""
        rank = 0 if self.chain is None else 1 if self.taken is not None else 2
        return (rank, self.taken.at if self.taken is not None else self.due, self.ticket)


class _Queue:
    """Those that are due on one channel, and whose turn it is."""

    def __init__(self) -> None:
        self._urgent: list[_Candidate] = []
        self._groups: defaultdict[_Group, list[_Candidate]] = defaultdict(list)
        self._served: dict[tuple[str, ...], int] = {}
        self._turn = 0
        self._sweep_at: datetime | None = None
        self._expired: list[_Candidate] = []

    def add(self, candidate: _Candidate) -> None:
        fair = candidate.chain is not None and candidate.taken is None
        insort(self._groups[candidate.group] if fair else self._urgent, candidate, key=lambda each: each.order)
        self._sweep_at = min(self._sweep_at or candidate.ends, candidate.ends)

    def serve(self, group: _Group) -> None:
        """Somebody of the group had a turn: others come before it now, on each level."""
        self._turn += 1
        for level in range(1, len(group) + 1):
            self._served[group[:level]] = self._turn

    def take(self, at: datetime, fits: Callable[[_Candidate], bool]) -> _Candidate | None:
        """Whose turn it is at that instant, among those that fit and whose time has not passed."""
        self._sweep(at)
        for waiting in self._in_turn():
            for i, candidate in enumerate(waiting):
                if fits(candidate):
                    return waiting.pop(i)
        return None

    def rest(self) -> list[_Candidate]:
        """Those that never had a turn."""
        return [*self._expired, *self._urgent, *(each for waiting in self._groups.values() for each in waiting)]

    def __bool__(self) -> bool:
        return bool(self._urgent) or any(self._groups.values())

    def _in_turn(self) -> Iterator[list[_Candidate]]:
        yield self._urgent
        groups = [group for group, waiting in self._groups.items() if waiting]
        for group in sorted(groups, key=self._rank):
            yield self._groups[group]

    def _rank(self, group: _Group) -> tuple[tuple[int, ...], datetime, _Group]:
        served = tuple(self._served.get(group[:level], 0) for level in range(1, len(group) + 1))
        return (served, self._groups[group][0].due, group)

    def _sweep(self, at: datetime) -> None:
        """Set aside those whose time has passed, so that nobody looks at them slot after slot."""
        if self._sweep_at is None or at < self._sweep_at:
            return
        lists = [self._urgent, *self._groups.values()]
        self._expired += [each for waiting in lists for each in waiting if each.ends <= at]
        for waiting in lists:
            waiting[:] = [each for each in waiting if each.ends > at]
        self._sweep_at = min((each.ends for waiting in lists for each in waiting), default=None)


@dataclass
class _Line:
    """One channel while it is planned."""

    info: ChannelInfo
    load: _Load
    slots: list[tuple[datetime, frozenset[str]]]
    waiting: list[tuple[datetime, int, _Candidate]] = field(default_factory=list)
    served: dict[Key, tuple[datetime, _Group]] = field(default_factory=dict)
    freed: bool = False

    def wait(self, candidate: _Candidate) -> None:
        heapq.heappush(self.waiting, (candidate.due, candidate.ticket, candidate))


_Place = tuple[str, str, int, str]
"""Campaign, step, place and channel: what an announcement is but for its occurrence."""


class _Planning:
    """One planning while it runs."""

    def __init__(self, request: PlanRequest) -> None:
        self.request = request
        self.almanac = _Almanac(request)
        self.campaigns = [each for each in request.campaigns if each.ends >= self.almanac.today]
        self.channels = {each.name: each for each in request.channels}
        self.places = {each.place_id: each.place for each in sorted(request.places, key=lambda each: each.place_id)}
        self.listed_in = {each.place_id: each.portals | {each.place.portal} for each in request.places}
        self.taken = {each.key: each for each in request.taken}
        self.latest = _latest(request.taken)
        self.accounts = _Accounts(self.channels, request.taken)
        self.unplaced: list[Unplaced] = []
        self.chains = {(each.campaign.name, each.place_id, each.channel): each for each in self._chains()}
        self.calls = {each.key: each for campaign in self.campaigns for each in self._calls(campaign)}
        self.lines = {each.name: self._line(each) for each in request.channels}
        self.dates: defaultdict[int, dict[Key, datetime]] = defaultdict(dict)
        self.tickets = count()
        self.lost: set[Key] = set()
        self.planned: list[tuple[_Candidate, datetime]] = []
        self.held: dict[Key, Held] = {}
        self.moves: list[Move] = []
        self.released: list[Key] = []

    def plan(self) -> Plan:
        self._occupy()
        for chain in self.chains.values():
            self._advance(chain, 0, _Before(chain.begins))
        for call in self.calls.values():
            self._queue_call(call)
        for line in self.lines.values():
            self._fill(line)
        return self._result()

    # Who is to be announced where, and until when.

    def _chains(self) -> Iterator[_Chain]:
        for campaign in self.campaigns:
            for place_id, place in self.places.items():
                if campaign.steps and self._wants(campaign, place_id, place):
                    yield from self._chains_of(campaign, place_id, place)

    def _wants(self, campaign: Campaign, place_id: int, place: Place) -> bool:
        published = self.almanac.day(place.published_at)
        return (
            not place.withdrawn
            and campaign.announce_published_from <= published <= campaign.ends
            and (not campaign.portals or bool(self.listed_in[place_id].intersection(campaign.portals)))
            and _meets(campaign.regions, place.regions)
            and _meets(campaign.categories, place.categories)
        )

    def _chains_of(self, campaign: Campaign, place_id: int, place: Place) -> Iterator[_Chain]:
        known = [self.channels[name] for name in campaign.channels if name in self.channels]
        matching = [info for info in known if _meets(info.regions, place.regions)]
        if not matching:
            self.unplaced.append(Unplaced(_first_key(campaign, place_id, ""), "no_channel"))
        for info in matching:
            account = self.accounts.of_place(place_id, place, info, matching)
            if account == info.name:
                yield _Chain(
                    campaign=campaign,
                    place_id=place_id,
                    channel=info.name,
                    begins=max(place.published_at, self.almanac.midnight(campaign.starts)),
                    region=_region(place, info),
                    category=_category(place),
                )
            elif all(account != each.name for each in matching):
                self.unplaced.append(Unplaced(_first_key(campaign, place_id, info.name), "other_x_account"))

    def _last_new(self, campaign: Campaign) -> date:
        """The last day on which something new of the campaign is planned."""
        return min(campaign.ends, self.request.until or self.almanac.today + HORIZON)

    def _last_kept(self, campaign: Campaign) -> date:
        """The last day to which something that exists may be moved."""
        return max(self._last_new(campaign), min(campaign.ends, self.almanac.today + HORIZON))

    def _calls(self, campaign: Campaign) -> Iterator[_CallDay]:
        channels = [self.channels[name] for name in campaign.channels if name in self.channels]
        for call in campaign.calls:
            days = list(call.days(campaign.starts, self._last_kept(campaign)))
            for day, next_day in zip(days, [*days[1:], None], strict=True):
                for info in channels:
                    key = Key(campaign.name, call.name, 0, info.name, int(f"{day:%Y%m%d}"))
                    if self.accounts.of_call(key, info, channels) == info.name:
                        yield _CallDay(key, campaign, call, day, next_day)

    # What is on the channels already.

    def _line(self, info: ChannelInfo) -> _Line:
        """The channel with the slots that are left, each with the campaigns that may speak at it."""
        speakers: defaultdict[datetime, set[str]] = defaultdict(set)
        for campaign in self.campaigns:
            if info.name in campaign.channels:
                first, last = max(self.almanac.today, campaign.starts), self._last_kept(campaign)
                for at in self.almanac.slots(campaign.rhythm_of(info.name), first, last):
                    if at >= self.almanac.earliest and self.almanac.refusal(campaign, info.name, at) is None:
                        speakers[at].add(campaign.name)
        slots = [(at, frozenset(names)) for at, names in sorted(speakers.items())]
        return _Line(info, _Load(_ChannelRules(self.request.campaigns, info.name), self.almanac), slots)

    def _occupy(self) -> None:
        """Count what stays where it is; then, in the order of time, what may stay. The rest has lost its slot."""
        movable = []
        for taken in sorted(self.request.taken, key=lambda each: (each.at, each.key)):
            if taken.state in _UNCOUNTED or taken.channel not in self.lines:
                continue
            if self._is_movable(taken):
                movable.append(taken)
            else:
                self._settle(taken)
        for taken in movable:
            if self._has_slot(taken):
                self._settle(taken)
            else:
                self.lost.add(taken.key)

    def _is_movable(self, taken: Taken) -> bool:
        """Whether it is ours to move: untouched, still to come, and its campaign would plan it today."""
        if not taken.untouched or taken.pinned or taken.state not in _MOVABLE or taken.at < self.almanac.earliest:
            return False
        if self.channels[taken.channel].paused or self.latest.get(_identity(taken)) is not taken:
            return False
        if taken.key in self.calls:
            return True
        chain = self.chains.get((taken.campaign or "", taken.place_id, taken.channel))
        return chain is not None and any(step.name == taken.step for step in chain.campaign.steps)

    def _has_slot(self, taken: Taken) -> bool:
        campaign = next(each for each in self.campaigns if each.name == taken.campaign)
        return (
            self.almanac.is_slot(campaign, taken.channel, taken.at)
            and self.almanac.refusal(campaign, taken.channel, taken.at) is None
            and self.lines[taken.channel].load.refusal(taken.at) is None
        )

    def _settle(self, taken: Taken) -> None:
        line, key = self.lines[taken.channel], taken.key
        line.load.add(taken.went)
        if taken.campaign:
            line.served[key] = (taken.went, self._group(taken, line.info))
        if taken.place_id:
            self.dates[taken.place_id][key] = taken.went

    def _free(self, taken: Taken) -> None:
        """Take back a slot that was kept, since the step before goes out too late for it."""
        line, key = self.lines[taken.channel], taken.key
        line.load.remove(taken.went)
        del line.served[key]
        del self.dates[taken.place_id][key]
        line.freed = True
        self.lost.add(key)

    def _group(self, taken: Taken, info: ChannelInfo) -> _Group:
        place = self.places.get(taken.place_id)
        region, category = (_region(place, info), _category(place)) if place is not None else ("", "")
        return (region, category, taken.campaign or "", taken.step)

    # Who waits for a slot.

    def _advance(self, chain: _Chain, number: int, before: _Before) -> None:
        """Walk the chain from a step on, up to the first that needs a slot."""
        for i, step in enumerate(chain.campaign.steps[number:], start=number):
            due = self.almanac.later(before.at, step.after)
            taken = self.latest.get((chain.campaign.name, step.name, chain.place_id, chain.channel))
            if taken is not None and due > taken.at and self._is_movable(taken) and taken.key not in self.lost:
                self._free(taken)
            if taken is None or self._needs_slot(taken):
                self._wait(self._candidate(chain, i, due, taken, before.reason))
                return
            self._ask_or_release(taken, before.reason)
            before = _Before(_reference(taken), _STEP_BEFORE.get(taken.state, ""))

    def _needs_slot(self, taken: Taken) -> bool:
        return taken.key in self.lost or (taken.state is State.MISSED and not taken.pinned)

    def _candidate(self, chain: _Chain, number: int, due: datetime, taken: Taken | None, reason: str) -> _Candidate:
        campaign, step = chain.campaign, chain.campaign.steps[number]
        new = Key(campaign.name, step.name, chain.place_id, chain.channel, _FIRST_OCCURRENCE)
        return _Candidate(
            ticket=next(self.tickets),
            key=taken.key if taken is not None else new,
            campaign=campaign,
            templates=step.templates,
            due=due,
            ends=self._end(campaign, taken),
            group=(chain.region, chain.category, campaign.name, step.name),
            chain=chain,
            number=number,
            taken=taken,
            reason=reason,
        )

    def _end(self, campaign: Campaign, taken: Taken | None) -> datetime:
        last = self._last_new(campaign) if taken is None else self._last_kept(campaign)
        return self.almanac.midnight(last + timedelta(days=1))

    def _queue_call(self, call: _CallDay) -> None:
        """It waits from its day on, until the day of the next: a call that comes later is one too many."""
        taken = self.taken.get(call.key)
        if taken is not None and not self._needs_slot(taken):
            self._ask_or_release(taken, "")
            return
        ends = self._end(call.campaign, taken)
        if call.next_day is not None:
            ends = min(ends, self.almanac.midnight(call.next_day))
        if call.day < self.almanac.today and self._is_over(call, taken, ends):
            return
        self._wait(
            _Candidate(
                ticket=next(self.tickets),
                key=call.key,
                campaign=call.campaign,
                templates=call.call.templates,
                due=self.almanac.midnight(call.day),
                ends=ends,
                group=("", "", call.campaign.name, call.call.name),
                taken=taken,
            )
        )

    def _is_over(self, call: _CallDay, taken: Taken | None, ends: datetime) -> bool:
        """Whether a call of a past day is not made up for: its slot, or all its time, lies before the present."""
        if taken is None and self._was_due(call.campaign, call.key, call.day):
            return True
        return ends <= self.almanac.earliest and (taken is None or taken.state is State.MISSED)

    def _was_due(self, campaign: Campaign, key: Key, day: date) -> bool:
        """Whether a slot lay between the day and the present."""
        return any(
            at < self.almanac.earliest and self.almanac.refusal(campaign, key.channel, at) is None
            for at in self.almanac.slots(campaign.rhythm_of(key.channel), day, self.almanac.today)
        )

    def _wait(self, candidate: _Candidate) -> None:
        line = self.lines[candidate.key.channel]
        if line.info.paused:
            self._give_up(candidate, "channel_paused")
        else:
            line.wait(candidate)

    def _ask_or_release(self, taken: Taken, reason: str) -> None:
        """Hold what follows a step that did not go out; release what was held for a reason that is gone."""
        if reason and taken.state in (State.DRAFT, State.APPROVED, State.MISSED) and not taken.pinned:
            self.held[taken.key] = Held(taken.key, reason)
        own = taken.hold_reason.partition(":")[0] in _OWN_REASONS
        if not reason and taken.state is State.HELD and own and not taken.pinned:
            self.released.append(taken.key)

    # Handing out slots.

    def _fill(self, line: _Line) -> None:
        """Hand out the channel's slots. A place keeps a day's distance from its other channels as long as slots
        allow it, else at least another instant; only who would go without takes any slot."""
        for distance in (_OTHER_DAY, _OTHER_INSTANT, _ANY_DAY):
            self._hand_out(line, distance)
        while line.freed:
            self._hand_out(line, _ANY_DAY)
        for _, _, candidate in sorted(line.waiting, key=lambda each: each[:2]):
            self._give_up(candidate, self._why(candidate))

    def _hand_out(self, line: _Line, distance: int) -> None:
        line.freed = False
        queue = _Queue()
        served = sorted(line.served.values(), reverse=True)
        for at, names in line.slots:
            while served and served[-1][0] <= at:
                queue.serve(served.pop()[1])
            while line.waiting and line.waiting[0][0] <= at:
                queue.add(heapq.heappop(line.waiting)[2])
            if not queue or line.load.refusal(at):
                continue
            candidate = queue.take(at, self._fits(at, names, distance))
            if candidate is not None:
                queue.serve(candidate.group)
                self._place(line, candidate, at)
        for candidate in queue.rest():
            line.wait(candidate)

    def _fits(self, at: datetime, names: frozenset[str], distance: int) -> Callable[[_Candidate], bool]:
        day = self.almanac.day(at)

        def fits(candidate: _Candidate) -> bool:
            if candidate.campaign.name not in names:
                return False
            if distance == _ANY_DAY or candidate.chain is None:
                return True
            key = candidate.key
            others = [when for other, when in self.dates[key.place_id].items() if other.channel != key.channel]
            if distance == _OTHER_INSTANT:
                return at not in others
            return all(self.almanac.day(when) != day for when in others)

        return fits

    def _place(self, line: _Line, candidate: _Candidate, at: datetime) -> None:
        key, taken = candidate.key, candidate.taken
        line.load.add(at)
        line.served[key] = (at, candidate.group)
        if candidate.chain is not None:
            self.dates[key.place_id][key] = at
        if taken is None:
            self.planned.append((candidate, at))
        else:
            self.moves.append(Move(key, at, taken.at))
            self._ask_or_release(taken, candidate.reason)
        if candidate.chain is not None:
            self._advance(candidate.chain, candidate.number + 1, _Before(at))

    def _give_up(self, candidate: _Candidate, reason: str) -> None:
        """Say that it finds no slot. What exists is held rather than let go out when it must not."""
        self.unplaced.append(Unplaced(candidate.key, reason))
        if candidate.taken is not None:
            self._hold_lost(candidate.taken)
        if candidate.chain is not None:
            self._give_up_after(candidate.chain, candidate)

    def _give_up_after(self, chain: _Chain, candidate: _Candidate) -> None:
        for i, step in enumerate(chain.campaign.steps[candidate.number + 1 :], start=candidate.number + 1):
            taken = self.latest.get((chain.campaign.name, step.name, chain.place_id, chain.channel))
            if taken is None:
                key = Key(chain.campaign.name, step.name, chain.place_id, chain.channel, _FIRST_OCCURRENCE)
                self.unplaced.append(Unplaced(key, "step_before_unplaced"))
            elif taken.key in self.lost:
                self.unplaced.append(Unplaced(taken.key, "step_before_unplaced"))
                self._hold_lost(taken)
            elif i == candidate.number + 1 and candidate.taken is not None:
                before = _STEP_BEFORE.get(candidate.taken.state)
                if before is not None and taken.state is not State.MISSED:
                    self._ask_or_release(taken, before)

    def _hold_lost(self, taken: Taken) -> None:
        if taken.state in (State.DRAFT, State.APPROVED):
            self.held[taken.key] = Held(taken.key, _NO_SLOT)

    def _why(self, candidate: _Candidate) -> str:
        campaign, horizon = candidate.campaign, self._end(candidate.campaign, candidate.taken)
        over = self.almanac.midnight(campaign.ends + timedelta(days=1))
        if not campaign.rhythm_of(candidate.key.channel).slots:
            return "no_slots"
        if candidate.due >= over:
            return "after_campaign"
        if candidate.ends < horizon:
            return "before_next_call"
        return _NO_SLOT if horizon == over else "beyond_horizon"

    # The result.

    def _result(self) -> Plan:
        planned: list[Planned] = []
        counts = Counter((each.campaign, each.step, each.channel) for each in self.request.taken)
        for candidate, at in sorted(self.planned, key=lambda each: (each[1], each[0].key)):
            key = candidate.key
            variant = _variant(key, counts[key.campaign, key.step, key.channel], len(candidate.templates))
            counts[key.campaign, key.step, key.channel] += 1
            new = Planned(key, at, variant, candidate.templates[variant], _first_state(candidate), candidate.reason)
            if candidate.reason:
                self.held[key] = Held(key, candidate.reason, new)
            else:
                planned.append(new)
        return Plan(
            planned=tuple(planned),
            held=tuple(self.held[key] for key in sorted(self.held)),
            unplaced=tuple(sorted(self.unplaced, key=lambda each: each.key)),
            moves=tuple(sorted(self.moves, key=lambda each: (each.at, each.key))),
            released=tuple(sorted(self.released)),
        )


class _Accounts:
    """Which X account a place or a call goes to: the one it is on already, else the best of a campaign's."""

    def __init__(self, channels: Mapping[str, ChannelInfo], taken: Iterable[Taken]) -> None:
        self._chosen: dict[tuple[object, ...], str] = {}
        for each in sorted(taken, key=lambda each: (each.at, each.key)):
            info = channels.get(each.channel)
            if info is None or info.network != ONE_ACCOUNT_NETWORK or not each.campaign:
                continue
            self._chosen.setdefault(_subject(each.key, info.world), each.channel)

    def of_place(self, place_id: int, place: Place, info: ChannelInfo, matching: list[ChannelInfo]) -> str:
        """The channel that announces the place in the stead of `info`: itself, but for X."""
        key = Key("", "", place_id, info.name, _FIRST_OCCURRENCE)
        return self._of(key, info, matching, lambda each: _distance(place, each))

    def of_call(self, key: Key, info: ChannelInfo, channels: list[ChannelInfo]) -> str:
        """The channel that carries the call in the stead of `info`: itself, but for X the first of the campaign."""
        return self._of(key, info, channels, lambda _: (0, 0, 0))

    def _of(
        self,
        key: Key,
        info: ChannelInfo,
        choice: list[ChannelInfo],
        distance: Callable[[ChannelInfo], tuple[int, int, int]],
    ) -> str:
        if info.network != ONE_ACCOUNT_NETWORK:
            return info.name
        rivals = [each for each in choice if each.network == info.network and each.world == info.world]
        return self._chosen.setdefault(_subject(key, info.world), min(rivals, key=distance).name)


def _subject(key: Key, world: str) -> tuple[object, ...]:
    """What goes to one account only: a place altogether, a call each time anew."""
    if key.place_id:
        return (world, key.place_id)
    return (world, key.campaign, key.step, key.occurrence)


def _distance(place: Place, info: ChannelInfo) -> tuple[int, int, int]:
    """How far a channel is from a place: none of its own regions, fewer shared ones, more others."""
    return (0 if info.regions else 1, -len(_folded(place.regions) & _folded(info.regions)), len(info.regions))


def _latest(taken: Iterable[Taken]) -> dict[_Place, Taken]:
    """The last occurrence of each step of each place on each channel, and of each call."""
    latest: dict[_Place, Taken] = {}
    for each in sorted(taken, key=lambda each: each.occurrence):
        latest[_identity(each)] = each
    return latest


def _identity(taken: Taken) -> _Place:
    """A call's occurrences are independent of one another; a place's replace each other."""
    step = taken.step if taken.place_id else f"{taken.step} {taken.occurrence}"
    return (taken.campaign or "", step, taken.place_id, taken.channel)


def _reference(taken: Taken) -> datetime:
    """The instant from which the next step counts."""
    if taken.posted_at is None or timedelta(0) <= taken.posted_at - taken.at <= PUNCTUAL:
        return taken.at
    return taken.posted_at


@lru_cache(maxsize=4096)
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _meets(wanted: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether one of the names is wanted; no wishes: all are."""
    return not wanted or not _folded(wanted).isdisjoint(_folded(names))


def _region(place: Place, info: ChannelInfo) -> str:
    """The place's region in whose name it waits: the first that is the channel's, else its first."""
    shared = (region for region in place.regions if info.regions and _meets(info.regions, (region,)))
    return next(shared, place.regions[0] if place.regions else "")


def _category(place: Place) -> str:
    return place.categories[0] if place.categories else ""


def _first_key(campaign: Campaign, place_id: int, channel: str) -> Key:
    return Key(campaign.name, campaign.steps[0].name, place_id, channel, _FIRST_OCCURRENCE)


def _first_state(candidate: _Candidate) -> State:
    if candidate.reason:
        return State.HELD
    return State.APPROVED if candidate.campaign.approval == "none" else State.DRAFT


def _variant(key: Key, number: int, variants: int) -> int:
    """The variant of the announcement with that number on its channel. Each run of as many as there are variants
    holds every one once, in an order that a hash decides, so that no variant keeps to one weekday."""
    run, place = divmod(number, variants)
    marks = [f"{key.campaign}\n{key.step}\n{key.channel}\n{run}\n{variant}" for variant in range(variants)]
    return sorted(range(variants), key=lambda variant: hashlib.sha256(marks[variant].encode()).digest())[place]
