"""Campaigns as plain values and the reading of campaign files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta


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
