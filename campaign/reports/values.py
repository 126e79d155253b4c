"""What a report is made of, as plain values: the same ones become JSON, pages, CSV, XLSX and PDF.

A figure is what a network last said of one announcement; None is "not known" and never stands for zero. Sums are taken
over the announcements whose figure is known, and say over how many. Viewers are people: they are never summed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from posts.figures import METRICS

__all__ = ["METRICS"]

SUMMED = ("views", "reactions", "comments", "shares", "link_clicks")
"""The metrics that may be added up over announcements."""
ENGAGEMENTS = ("reactions", "comments", "shares")
"""Their sum, divided by the views, is the engagement rate: what both networks tell of every post."""
DIMENSIONS = ("campaign", "step", "channel", "region", "category", "place", "variant", "weekday", "hour")
"""By what a report can be broken down. An announcement has several regions and categories or none: those rows
overlap, all others partition the totals."""


class By(StrEnum):
    """What the rows of a table stand for: a key of one of the DIMENSIONS, or single announcements."""

    campaign = "campaign"
    step = "step"
    channel = "channel"
    region = "region"
    category = "category"
    place = "place"
    variant = "variant"
    weekday = "weekday"
    hour = "hour"
    announcement = "announcement"


NONE = "none"
"""The key of what has none: an announcement outside campaigns, without a place, of a place without a region."""
FEW = 5
"""Rows over fewer announcements than this are marked: chance weighs more in them than whatever is compared."""


BEGINNING = 60


def beginning(text: str) -> str:
    """How a text begins, in whole words of at most BEGINNING signs: it stands where there is no place to name."""
    words = " ".join(text.split())
    if len(words) <= BEGINNING:
        return words
    return (words[:BEGINNING].rpartition(" ")[0] or words[:BEGINNING]) + " …"


@dataclass(frozen=True)
class Selection:
    """Which announcements a report is about: those that went out from `first` to `last`, both days included, in the
    house's zone. None and empty mean all, NONE (for a place: 0) those that have none. `world` is "live" or "sandbox":
    they are never counted together."""

    first: date
    last: date
    world: str
    campaign: str = ""
    step: str = ""
    channel: str = ""
    region: str = ""
    category: str = ""
    place: int | None = None
    variant: int | None = None


@dataclass(frozen=True)
class Fact:
    """One announcement that went out, with what is known of it.

    `posted_at` is aware, in the house's zone. `figures` holds what was last known of each metric, `week` what was known
    when it was seven days old (None: it is younger, or nobody measured then): only that compares announcements of
    different age. `gaps` says of a metric why it was not told last: "missing" or "withdrawn". `late_by` is in seconds.
    """

    id: int
    campaign: str
    step: str
    channel: str
    network: str
    regions: tuple[str, ...]
    categories: tuple[str, ...]
    place: int | None
    place_name: str
    variant: int
    posted_at: datetime
    late_by: float
    text: str
    permalink: str
    cost_usd: float | None
    visits: int | None
    figures: Mapping[str, int | None]
    week: Mapping[str, int | None] | None
    measured_at: datetime | None
    gaps: Mapping[str, str]
    removed_at: datetime | None


@dataclass(frozen=True)
class Figures:
    """Sums over announcements.

    `metrics` is None where no announcement's figure is known; `known` says of how many it is. Viewers are given for a
    single announcement only. `engagement_rate` = (reactions + comments + shares) / views over the announcements where
    all four are known; `click_rate` = link clicks / views where both are. `cost_per_visit` in USD, over the
    announcements where both cost and visits are known.
    """

    posts: int
    metrics: Mapping[str, int | None]
    known: Mapping[str, int]
    engagement_rate: float | None
    click_rate: float | None
    cost_usd: float | None
    visits: int | None
    visits_known: int
    cost_per_visit: float | None


@dataclass(frozen=True)
class Row:
    """One line of a breakdown. `key` is stable, `label` is for people; `few` marks fewer announcements than FEW.

    `week` are the figures at the age of seven days, over the announcements that were measured then.
    """

    key: str
    label: str
    figures: Figures
    week: Figures
    few: bool


@dataclass(frozen=True)
class Span:
    """A day, week or month of the course: the announcements that went out in it, with their figures of today."""

    first: date
    last: date
    figures: Figures


@dataclass(frozen=True)
class Gain:
    """By how much one metric of the selected announcements grew on one day, as measured on that day. Where a network
    took back what it had counted, that is in `correction` (0 or less) and never hidden in the gain."""

    day: date
    gain: int
    correction: int


@dataclass(frozen=True)
class Change:
    """A metric per announcement at the age of seven days (the mean), now and in the period before; None: not known.

    `ratio` is now / before - 1; None where it can't be said. `few` marks too few announcements on either side.
    """

    metric: str
    now: float | None
    before: float | None
    ratio: float | None
    few: bool


@dataclass(frozen=True)
class VariantResult:
    """One variant of a step's template at the age of seven days: the engagement rate with its 95 % interval."""

    campaign: str
    step: str
    variant: int
    posts: int
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """A/B: the variants of one step. `verdict` is "different" where an interval of their difference excludes zero,
    "open" where it does not, "too_few" where there are fewer than FEW announcements in one of them."""

    campaign: str
    step: str
    variants: tuple[VariantResult, ...]
    verdict: str


@dataclass(frozen=True)
class Cell:
    """One hour of one weekday (Monday is 0): how many announcements went out then, and the median of their views at
    the age of seven days (None: none was measured then)."""

    weekday: int
    hour: int
    posts: int
    measured: int
    views: float | None


@dataclass(frozen=True)
class Observation:
    """When an announcement went out (aware, in the house's zone), and its views at the age of seven days."""

    channel: str
    posted_at: datetime
    views: int


@dataclass(frozen=True)
class SlotEvidence:
    """An hour of the week on one channel that did better than the channel's median.

    `views` is the median at the age of seven days over `measured` announcements, `low` and `high` its 95 % interval
    (with five of them: the lowest and the highest), `channel_views` the channel's median. `clear` where the whole
    interval lies above that; else the difference may be chance.
    """

    channel: str
    weekday: int
    hour: int
    measured: int
    views: float
    low: float
    high: float
    channel_views: float
    clear: bool


@dataclass(frozen=True)
class Reliability:
    """What became of everything that was due in the period. Lateness in seconds, of what went out."""

    due: int
    posted: int
    late: int
    median_late_by: float | None
    worst_late_by: float | None
    refused: int
    missed: int
    cancelled: int
    in_doubt: int
    open: int


@dataclass(frozen=True)
class Report:
    """Everything about one selection. `sampled_at` is the instant of the last sample; `notes` are the reasons (see
    `campaign.reports.wording`) that a reader must know: gaps, withdrawn metrics, young announcements, sandbox.
    `announcements` are all that the figures are made of, in the order in which they went out."""

    selection: Selection
    zone: str
    made_at: datetime
    sampled_at: datetime | None
    totals: Figures
    week: Figures
    before: Selection
    changes: tuple[Change, ...]
    course: tuple[Span, ...]
    gains: tuple[Gain, ...]
    gains_metric: str
    breakdowns: Mapping[str, tuple[Row, ...]]
    best: tuple[Fact, ...]
    worst: tuple[Fact, ...]
    comparisons: tuple[Comparison, ...]
    cells: tuple[Cell, ...]
    reliability: Reliability
    notes: tuple[str, ...]
    announcements: tuple[Fact, ...]


@dataclass(frozen=True)
class LogExtract:
    """The log's head (`SEQ:HASH`) when the report was made: whoever keeps it can have the log checked against it."""

    head: str
