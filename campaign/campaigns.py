"""Campaigns as plain values and the reading of campaign files.

A campaign file is TOML; the store keeps the same names as a JSON object (`campaign_to_mapping`). Both are
read by `parse_campaign`, so that a file, the web form and the database can't drift apart.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Any

from dateutil.rrule import rrule, rrulestr

from campaign.settings import LongerThanPossible, SettingsError, nearest, parse_duration

APPROVALS = ("none", "one", "four-eyes")
PICTURES = ("photo", "card", "none")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_CAMPAIGN_NAMES = (
    *("name", "title", "starts", "ends", "announce_published_from", "portals", "regions", "categories", "channels"),
    *("approval", "late_grace", "require_image", "utm_campaign", "budget_usd", "budget_usd_month"),
    *("steps", "calls", "rhythm"),
)
_STEP_NAMES = ("name", "template", "templates", "after", "picture")
_CALL_NAMES = ("name", "template", "templates", "recurs", "link")
_RHYTHM_NAMES = ("slots", "quiet", "max_per_day", "max_per_week", "min_gap", "skip_holidays", "blackouts")
_BLACKOUT_NAMES = ("from", "to", "reason")
_LONGEST_NAME = 100
_LONGEST_DURATION = timedelta(days=3650)
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
_TEMPLATE = re.compile(r"\w[\w-]*")
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_UNTIL = re.compile(r"UNTIL=(\d{8})(?:T\d{6}Z?)?", re.IGNORECASE)
_ROOT = re.compile(r"[.\[]")
# A contradiction is told only where each value of it could be read.
_TOUCHED = {
    "before_its_beginning": {"starts", "ends"},
    "no_channel_named": {"channels"},
    "no_steps": {"steps", "calls"},
    "name_doubled": {"steps", "calls"},
    "not_a_channel_of_it": {"channels"},
    "no_slots_for": {"rhythm", "channels"},
}
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")


@dataclass(frozen=True)
class Problem:
    """What is wrong at one key of a campaign; `campaign.news` words it. An empty key: in the whole file.

    `near` is the name that was perhaps meant.
    """

    key: str
    word: str
    details: tuple[object, ...] = ()
    near: str = ""


class CampaignError(Exception):
    """A campaign that can't be used, with everything that is wrong in it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(", ".join(f"{one.key or 'file'}: {one.word}" for one in problems))
        self.problems = problems


@dataclass(frozen=True)
class Slot:
    """A wall-clock time on one weekday (0 Monday … 6 Sunday) at which something may go out."""

    weekday: int
    at: time


@dataclass(frozen=True)
class Quiet:
    """Hours of the day in which nothing goes out; `end` before `start` runs over midnight. `end` is outside."""

    start: time
    end: time


@dataclass(frozen=True)
class Blackout:
    """Days, both included, on which nothing goes out, and why."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True)
class Rhythm:
    """When a channel may speak."""

    slots: tuple[Slot, ...]
    quiet: tuple[Quiet, ...] = ()
    max_per_day: int | None = None
    max_per_week: int | None = None
    min_gap: timedelta = timedelta(0)
    skip_holidays: bool = True
    blackouts: tuple[Blackout, ...] = ()


@dataclass(frozen=True)
class Step:
    """One kind of announcement of a place. `templates` has more than one name for variants (A/B).
    `after` counts from publication (first step) or from when the step before went out on the channel."""

    name: str
    templates: tuple[str, ...]
    after: timedelta = timedelta(0)
    picture: str = "photo"


@dataclass(frozen=True)
class Call:
    """An announcement without a place that recurs by an RFC 5545 rule."""

    name: str
    templates: tuple[str, ...]
    recurs: str
    link: str = ""

    def days(self, first: date, last: date) -> Iterator[date]:
        """The days on which it recurs from `first`, where the rule begins (RFC 5545 DTSTART), to `last` included."""
        instants = takewhile(lambda instant: instant.date() <= last, _recurrence(self.recurs, first))
        return iter(dict.fromkeys(instant.date() for instant in instants))


@dataclass(frozen=True)
class Campaign:
    """Which places, on which channels, in which period, with which steps, rhythm and approval rule."""

    name: str
    title: str
    starts: date
    ends: date
    steps: tuple[Step, ...]
    rhythm: Rhythm
    channels: tuple[str, ...]
    announce_published_from: date
    calls: tuple[Call, ...] = ()
    channel_rhythms: tuple[tuple[str, Rhythm], ...] = ()
    portals: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    approval: str = "one"
    late_grace: timedelta = timedelta(hours=2)
    require_image: bool = False
    utm_campaign: str = ""
    budget_usd: float | None = None
    budget_usd_month: float | None = None

    def rhythm_of(self, channel: str) -> Rhythm:
        """The rhythm on that channel: the campaign's, with the channel's overrides laid over it."""
        return dict(self.channel_rhythms).get(channel, self.rhythm)

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of its steps, then of its calls; no two are equal."""
        return tuple(step.name for step in self.steps) + tuple(call.name for call in self.calls)


def read_campaign(text: str) -> Campaign:
    """The campaign in a campaign file's text. Raises CampaignError with every problem found."""
    try:
        return parse_campaign(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CampaignError((Problem("", "not_toml", (error,)),)) from None


def parse_campaign(mapping: Mapping[str, Any]) -> Campaign:
    """The campaign that TOML or JSON values describe. Raises CampaignError with every problem found.

    Dates may be dates (TOML) or texts such as "2026-11-01" (JSON); JSON's null stands for "none".
    """
    problems: list[Problem] = []
    table = _Table(mapping, "", _CAMPAIGN_NAMES, problems)
    campaign = _campaign(table)
    broken = {_ROOT.split(one.key)[0] for one in problems}
    problems += [one for one in _contradictions(campaign) if broken.isdisjoint(_TOUCHED[one.word])]
    if problems:
        raise CampaignError(tuple(problems))
    return campaign


def campaign_to_mapping(campaign: Campaign) -> dict[str, Any]:
    """The campaign as a JSON object with the names of a campaign file; `parse_campaign` reads it back unchanged."""
    rhythm = _rhythm_to_mapping(campaign.rhythm)
    rhythm["channel"] = {name: _rhythm_to_mapping(own) for name, own in campaign.channel_rhythms}
    return {
        "name": campaign.name,
        "title": campaign.title,
        "starts": campaign.starts.isoformat(),
        "ends": campaign.ends.isoformat(),
        "announce_published_from": campaign.announce_published_from.isoformat(),
        "portals": list(campaign.portals),
        "regions": list(campaign.regions),
        "categories": list(campaign.categories),
        "channels": list(campaign.channels),
        "approval": campaign.approval,
        "late_grace": format_duration(campaign.late_grace),
        "require_image": campaign.require_image,
        "utm_campaign": campaign.utm_campaign,
        "budget_usd": campaign.budget_usd,
        "budget_usd_month": campaign.budget_usd_month,
        "steps": [
            {
                "name": step.name,
                "templates": list(step.templates),
                "after": format_duration(step.after),
                "picture": step.picture,
            }
            for step in campaign.steps
        ],
        "calls": [
            {"name": call.name, "templates": list(call.templates), "recurs": call.recurs}
            | ({"link": call.link} if call.link else {})
            for call in campaign.calls
        ],
        "rhythm": rhythm,
    }


def format_duration(duration: timedelta) -> str:
    """The duration as a campaign file writes it, in the largest unit that fits; exact to the millisecond."""
    milliseconds = duration // timedelta(milliseconds=1)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0 and milliseconds:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def _rhythm_to_mapping(rhythm: Rhythm) -> dict[str, Any]:
    return {
        "slots": [f"{WEEKDAYS[slot.weekday]} {slot.at:%H:%M}" for slot in rhythm.slots],
        "quiet": [f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" for quiet in rhythm.quiet],
        "max_per_day": rhythm.max_per_day,
        "max_per_week": rhythm.max_per_week,
        "min_gap": format_duration(rhythm.min_gap),
        "skip_holidays": rhythm.skip_holidays,
        "blackouts": [
            {"from": blackout.first.isoformat(), "to": blackout.last.isoformat(), "reason": blackout.reason}
            for blackout in rhythm.blackouts
        ],
    }


class _Table:
    """One table of a campaign file while it is read. What can't be used becomes one of the `problems` and a
    harmless value, so that one reading names every problem."""

    def __init__(self, values: object, path: str, names: tuple[str, ...], problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.values: Mapping[str, Any] = values if isinstance(values, Mapping) else {}
        if not isinstance(values, Mapping):
            self.problems.append(Problem(path, "not_a_table"))
        for name in self.values:
            if name not in names:
                unknown = Problem("", "name_unknown", (self.key(name),), nearest(name, names))
                self.problems.append(unknown)

    def key(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        return name in self.values

    def refuse(self, name: str, word: str, *details: object, near: str = "") -> None:
        self.problems.append(Problem(self.key(name), word, details, near))

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if value is None:
            self.refuse(name, "missing")
        elif not isinstance(value, str):
            self.refuse(name, "not_a_text")
        else:
            return value
        return default or ""

    def name(self, name: str, default: str | None = None) -> str:
        """A text that stands in tables, on calendars and in commands."""
        value = self.text(name, default)
        usable = value.strip() == value and value.isprintable() and 0 < len(value) <= _LONGEST_NAME
        if isinstance(self.values.get(name), str) and not usable:
            self.refuse(name, "name_unusable", _LONGEST_NAME)
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self.refuse(name, "not_a_choice", ", ".join(allowed), near=nearest(value, allowed))
        return value

    def date(self, name: str, default: date | None = None) -> date:
        value = self.values.get(name, default)
        day = _as_date(value)
        if day is None:
            self.refuse(name, "missing" if value is None else "not_a_date")
        elif not _FIRST_DAY <= day <= _LAST_DAY:
            self.refuse(name, "date_out_of_reach", _FIRST_DAY, _LAST_DAY)
        return day or default or _FIRST_DAY

    def duration(self, name: str, default: timedelta) -> timedelta:
        if name not in self.values:
            return default
        try:
            duration = parse_duration(self.values[name])
        except LongerThanPossible:
            self.refuse(name, "duration_beyond_reading", self.values[name])
            return default
        except SettingsError:
            self.refuse(name, "not_a_duration", self.values[name])
            return default
        if duration > _LONGEST_DURATION:
            self.refuse(name, "duration_too_long")
        return min(duration, _LONGEST_DURATION)

    def flag(self, name: str, default: bool) -> bool:
        value = self.values.get(name, default)
        if isinstance(value, bool):
            return value
        self.refuse(name, "not_a_flag")
        return default

    def count(self, name: str, default: int | None) -> int | None:
        value = self.values.get(name, default)
        if value is None or (type(value) is int and value >= 1):
            return value
        self.refuse(name, "not_a_count")
        return default

    def money(self, name: str) -> float | None:
        value = self.values.get(name)
        if value is None:
            return None
        if type(value) in (int, float) and 0 <= value < float("inf"):
            return float(value)
        self.refuse(name, "not_an_amount")
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name, [])
        if isinstance(value, list) and all(isinstance(part, str) and part.strip() for part in value):
            return tuple(dict.fromkeys(part.strip() for part in value))
        self.refuse(name, "not_texts")
        return ()

    def tables(self, name: str, names: tuple[str, ...]) -> list[_Table]:
        value = self.values.get(name, [])
        if not isinstance(value, list):
            self.refuse(name, "not_tables", self.key(name))
            return []
        return [_Table(part, f"{self.key(name)}[{i}]", names, self.problems) for i, part in enumerate(value, start=1)]


def _as_date(value: object) -> date | None:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _campaign(table: _Table) -> Campaign:
    name = table.name("name")
    starts = table.date("starts")
    rhythms = _Table(table.values.get("rhythm", {}), "rhythm", (*_RHYTHM_NAMES, "channel"), table.problems)
    rhythm = _rhythm(rhythms, Rhythm(slots=()))
    return Campaign(
        name=name,
        title=table.name("title", default=name),
        starts=starts,
        ends=table.date("ends"),
        announce_published_from=table.date("announce_published_from", default=starts),
        portals=table.texts("portals"),
        regions=table.texts("regions"),
        categories=table.texts("categories"),
        channels=table.texts("channels"),
        approval=table.choice("approval", APPROVALS, "one"),
        late_grace=table.duration("late_grace", timedelta(hours=2)),
        require_image=table.flag("require_image", default=False),
        utm_campaign=table.name("utm_campaign", default=name),
        budget_usd=table.money("budget_usd"),
        budget_usd_month=table.money("budget_usd_month"),
        steps=tuple(_step(part) for part in table.tables("steps", _STEP_NAMES)),
        calls=tuple(_call(part, starts) for part in table.tables("calls", _CALL_NAMES)),
        rhythm=rhythm,
        channel_rhythms=_channel_rhythms(rhythms, rhythm),
    )


def _step(table: _Table) -> Step:
    return Step(
        name=table.name("name"),
        templates=_templates(table),
        after=table.duration("after", timedelta(0)),
        picture=table.choice("picture", PICTURES, "photo"),
    )


def _call(table: _Table, starts: date) -> Call:
    recurs = table.text("recurs")
    problem = _recurrence_problem(recurs, starts) if recurs else None
    if problem:
        table.refuse("recurs", *problem)
    link = table.text("link", "")
    if link and not link.startswith(("https://", "http://")):
        table.refuse("link", "not_an_address")
    return Call(name=table.name("name"), templates=_templates(table), recurs=recurs, link=link)


def _templates(table: _Table) -> tuple[str, ...]:
    if table.has("template") == table.has("templates"):
        table.refuse("template", "template_or_templates")
        return ()
    templates = table.texts("templates") if table.has("templates") else (table.text("template"),)
    if not templates:
        table.refuse("templates", "no_template")
    for template in templates:
        # The name becomes a file name below templates/posts/<network>/.
        if not _TEMPLATE.fullmatch(template):
            table.refuse("template", "template_name_unusable", template)
    return templates


def _rhythm(table: _Table, base: Rhythm) -> Rhythm:
    """The rhythm that a table lays over another: what it does not name stays as in `base`."""
    return replace(
        base,
        slots=_slots(table) if table.has("slots") else base.slots,
        quiet=_quiet(table) if table.has("quiet") else base.quiet,
        max_per_day=table.count("max_per_day", base.max_per_day),
        max_per_week=table.count("max_per_week", base.max_per_week),
        min_gap=table.duration("min_gap", base.min_gap),
        skip_holidays=table.flag("skip_holidays", base.skip_holidays),
        blackouts=_blackouts(table) if table.has("blackouts") else base.blackouts,
    )


def _channel_rhythms(table: _Table, base: Rhythm) -> tuple[tuple[str, Rhythm], ...]:
    """The overrides by channel name, sorted, so that a store may keep them in any order."""
    overrides = table.values.get("channel", {})
    if not isinstance(overrides, Mapping):
        table.refuse("channel", "not_channel_tables")
        return ()
    names = sorted(overrides)
    tables = [_Table(overrides[name], f'rhythm.channel."{name}"', _RHYTHM_NAMES, table.problems) for name in names]
    return tuple((name, _rhythm(own, base)) for name, own in zip(names, tables, strict=True))


def _slots(table: _Table) -> tuple[Slot, ...]:
    slots = []
    for text in table.texts("slots"):
        weekday, _, clock = text.partition(" ")
        at = _clock_time(clock.strip())
        if weekday.capitalize() not in WEEKDAYS or at is None:
            table.refuse("slots", "not_a_slot", text, ", ".join(WEEKDAYS))
        else:
            slots.append(Slot(WEEKDAYS.index(weekday.capitalize()), at))
    return tuple(slots)


def _quiet(table: _Table) -> tuple[Quiet, ...]:
    quiet = []
    for text in table.texts("quiet"):
        start, end = (_clock_time(part.strip()) for part in text.partition("-")[::2])
        if start is None or end is None or start == end:
            table.refuse("quiet", "not_quiet_hours", text)
        else:
            quiet.append(Quiet(start, end))
    return tuple(quiet)


def _clock_time(text: str) -> time | None:
    match = _CLOCK_TIME.fullmatch(text)
    return time(int(match[1]), int(match[2])) if match else None


def _blackouts(table: _Table) -> tuple[Blackout, ...]:
    blackouts = []
    for entry in table.tables("blackouts", _BLACKOUT_NAMES):
        blackout = Blackout(entry.date("from"), entry.date("to"), entry.text("reason", default=""))
        if blackout.last < blackout.first:
            entry.refuse("to", "before_its_beginning", "from")
        blackouts.append(blackout)
    return tuple(blackouts)


def _recurrence(recurs: str, first: date) -> rrule:
    """The rule from its first day on. UNTIL counts as a day, in whichever of RFC 5545's two forms it is written."""
    rule = rrulestr(_UNTIL.sub(r"UNTIL=\1T235959Z", recurs), dtstart=datetime.combine(first, time(), UTC))
    if not isinstance(rule, rrule):
        raise ValueError("more than one rule")
    return rule


def _recurrence_problem(recurs: str, starts: date) -> tuple[str, *tuple[object, ...]] | None:
    """What is wrong with a recurrence rule (RFC 5545, RRULE), word and details; None when it can be used."""
    parts = dict(part.partition("=")[::2] for part in recurs.upper().removeprefix("RRULE:").split(";"))
    if parts.get("FREQ") not in _FREQUENCIES:
        return ("recurs_no_rule", ", ".join(_FREQUENCIES))
    # dateutil would count backwards, or stand still, without an end.
    if not parts.get("INTERVAL", "1").isdecimal() or int(parts.get("INTERVAL", "1")) < 1:
        return ("recurs_interval",)
    try:
        days = next(iter(_recurrence(recurs, starts)), None)
    except (ValueError, TypeError, OverflowError) as error:
        return ("recurs_broken", error)
    return ("recurs_no_day",) if days is None else None


def _contradictions(campaign: Campaign) -> list[Problem]:
    """What is wrong between values that are each well-formed."""
    problems = []
    if campaign.ends < campaign.starts:
        problems.append(Problem("ends", "before_its_beginning", ("starts",)))
    if not campaign.channels:
        problems.append(Problem("channels", "no_channel_named"))
    if not campaign.step_names:
        problems.append(Problem("steps", "no_steps"))
    doubled = [name for name, count in Counter(campaign.step_names).items() if count > 1]
    problems += [Problem("steps", "name_doubled", (name,)) for name in doubled]
    problems += [
        Problem(f'rhythm.channel."{name}"', "not_a_channel_of_it", near=nearest(name, campaign.channels))
        for name, _ in campaign.channel_rhythms
        if name not in campaign.channels
    ]
    silent = [name for name in campaign.channels if not campaign.rhythm_of(name).slots]
    if silent:
        problems.append(Problem("rhythm.slots", "no_slots_for", (", ".join(silent),)))
    return problems
