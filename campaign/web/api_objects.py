"""The objects of the JSON API, as the contract names them: what comes out and what goes in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from posts.states import State

Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Short = Annotated[str, Field(min_length=1, max_length=300)]
Link = Annotated[str, Field(min_length=1, max_length=2_048)]


class Trouble(BaseModel):
    """Why something was not done: one sentence."""

    detail: str


class Image(BaseModel):
    """A picture of an announcement."""

    file: str
    alt: str
    credit: str


class Announcement(BaseModel):
    """One announcement; `text` is what staff see and edit, `sent_text` exactly what goes or went out, `version` equal
    while nobody changed text, link and pictures."""

    id: int
    campaign: str | None
    step: str | None
    occurrence: int
    place: int | None
    place_name: str | None
    channel: str
    network: str
    world: str
    at: datetime
    state: State
    text: str
    sent_text: str | None
    link: str | None
    images: list[Image]
    version: str
    variant: int
    template: str | None
    template_revision: str | None
    approval: str
    approved_by: list[str]
    hold_reason: str | None
    problems: list[str]
    remote_id: str | None
    permalink: str | None
    posted_at: datetime | None
    removed_at: datetime | None
    attempts: int
    cost_usd: float | None


class Place(BaseModel):
    """One place as its portal shows it; `same_as` names the place that it is a further listing of."""

    id: int
    portal: str
    external_id: str
    name: str
    regions: list[str]
    town: str
    categories: list[str]
    url: str
    published_at: datetime
    withdrawn: bool
    gone: str | None
    held: bool
    same_as: int | None


class Channel(BaseModel):
    """One account on a network. Tokens are never among its fields."""

    name: str
    network: str
    account: str
    account_name: str
    regions: list[str]
    api_base: str
    world: str
    paused: bool
    token_expires: datetime | None
    throttled_until: datetime | None
    checked_at: datetime | None
    problems: list[str]
    signed_out: bool


class Unplaced(BaseModel):
    """What found no slot."""

    place: int | None
    step: str
    channel: str
    reason: str


class Planned(BaseModel):
    """What a planning did, or would do."""

    planned: list[Announcement]
    held: list[Announcement]
    unplaced: list[Unplaced]


class Rates(BaseModel):
    """Shares of the views, over the announcements of which all that belongs to a rate is known."""

    engagement_rate: float | None
    click_rate: float | None


class Figures(BaseModel):
    """Sums over announcements; null is "not known" and never zero, `known` says of how many a figure is."""

    posts: int
    metrics: dict[str, int | None]
    known: dict[str, int]
    rates: Rates
    cost_usd: float | None
    visits: int | None
    visits_known: int
    cost_per_visit: float | None


class ReportTotals(Figures):
    """The sums of today, and those at the age of seven days."""

    week: Figures


class ReportRow(ReportTotals):
    """One line of a breakdown; `few` marks so few announcements that chance weighs most."""

    key: str
    label: str
    few: bool


class ReportDays(BaseModel):
    """Days, both included."""

    model_config = ConfigDict(populate_by_name=True)

    first: date = Field(alias="from")
    last: date = Field(alias="to")


class ReportSpan(Figures, ReportDays):
    """A day, week or month of the course."""


class ReportGain(BaseModel):
    """The growth measured on one day, and what the network took back."""

    day: date
    gain: int
    correction: int


class ReportGains(BaseModel):
    """The growth of one metric."""

    metric: str
    days: list[ReportGain]


class ReportChange(BaseModel):
    """The mean of a metric per announcement at the age of seven days, now and in the period before."""

    metric: str
    now: float | None
    before: float | None
    ratio: float | None
    few: bool


class ReportAnnouncement(BaseModel):
    """One announcement that went out, with what is known of it."""

    id: int
    campaign: str
    step: str
    channel: str
    network: str
    regions: list[str]
    categories: list[str]
    place: int | None
    place_name: str
    variant: int
    posted_at: datetime
    late_by: float
    text: str
    permalink: str
    cost_usd: float | None
    visits: int | None
    figures: dict[str, int | None]
    week: dict[str, int | None] | None
    measured_at: datetime | None
    gaps: dict[str, str]
    removed_at: datetime | None


class ReportVariant(BaseModel):
    """One variant of a step: its engagement rate at seven days with the 95 % interval."""

    campaign: str
    step: str
    variant: int
    posts: int
    rate: float | None
    low: float | None
    high: float | None


class ReportComparison(BaseModel):
    """The variants of one step against each other."""

    campaign: str
    step: str
    variants: list[ReportVariant]
    verdict: Literal["different", "open", "too_few"]


class ReportCell(BaseModel):
    """One hour of one weekday (Monday is 0) with the median of the views at seven days."""

    weekday: int
    hour: int
    posts: int
    measured: int
    views: float | None


class ReportReliability(BaseModel):
    """What became of everything that was due; lateness in seconds."""

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


class ReportNote(BaseModel):
    """What a reader must know."""

    code: str
    text: str


class Report(BaseModel):
    """The figures of a selection: the same document as `kreativorte report --json`."""

    period: ReportDays
    zone: str
    world: str
    filters: dict[str, str | int]
    made_at: datetime
    sampled_at: datetime | None
    totals: ReportTotals
    rows: list[ReportRow]
    before: ReportDays
    changes: list[ReportChange]
    course: list[ReportSpan]
    gains: ReportGains
    best: list[ReportAnnouncement]
    worst: list[ReportAnnouncement]
    comparisons: list[ReportComparison]
    cells: list[ReportCell]
    reliability: ReportReliability
    notes: list[ReportNote]
    summary: list[str]


class ReportSlot(BaseModel):
    """An hour of the week on a channel that did better than the channel's median, with the evidence."""

    channel: str
    weekday: int
    hour: int
    measured: int
    views: float
    low: float
    high: float
    channel_views: float
    clear: bool


class LogEntry(BaseModel):
    """One entry of the append-only log; `actor` is an opaque id, `actor_name` the person's name now."""

    model_config = ConfigDict(extra="allow")

    id: str
    seq: int | None
    at: datetime
    event: str
    announcement: int | None
    channel: str | None
    network: str | None
    attempt: int | None
    remote_id: str | None
    permalink: str | None
    actor: str
    actor_name: str
    detail: dict[str, Any]
    prev: str | None
    hash: str | None


class Verification(BaseModel):
    """Whether the log's chain is whole."""

    entries: int
    ok: bool
    first_bad: int | None
    head: str


class Finding(BaseModel):
    """One line of `kreativorte doctor`."""

    check: str
    subject: str
    ok: bool
    advice: str


class Template(BaseModel):
    """A post template and the revision that is used; without a number it is the shipped file."""

    model_config = ConfigDict(extra="allow")

    network: str
    name: str
    revision: str
    number: int | None
    saved_by: str | None
    saved_at: datetime | None


class Preview(BaseModel):
    """A template filled for a place."""

    text: str
    length: int
    room: int
    problems: list[str]


class Condition(BaseModel):
    """The brake, and the daemon's last sign of life."""

    now: datetime
    braked_since: datetime | None
    brake_reason: str
    braked_by: str
    daemon_seen: datetime | None
    worlds: list[str]


class Given(BaseModel):
    """What is given is given by known names only: a slip of the pen is told, not ignored."""

    model_config = ConfigDict(extra="forbid")


class NewAnnouncement(Given):
    """A free announcement; without `approve` it waits as a draft. `at` without an offset is the house's local time."""

    channel: Short
    at: datetime
    text: Text
    link: Link | None = None
    approve: bool = False


class Edit(Given):
    """What shall be different; what is left out stays."""

    text: Text | None = None
    link: Link | None = None


class Move(Given):
    """Another instant; `force`: also outside the campaign's rhythm."""

    at: datetime
    force: bool = False


class Settlement(Given):
    """How a doubt ends: the post's id on the network, or null when it is not there and shall be sent again."""

    found: Annotated[str, Field(pattern=r"^\d{1,30}(_\d{1,30})?$")] | None


class Correction(Given):
    """The text that shall stand there instead."""

    text: Text


class Withdrawal(Given):
    """Why it is taken back; stands in the log."""

    reason: Short


class Reason(Given):
    """Why; stands in the log."""

    reason: Annotated[str, Field(max_length=300)] = ""


class Plan(Given):
    """How far the calendar is filled; a dry run keeps nothing."""

    until: date | None = None
    dry_run: bool = False


class TemplateTrial(Given):
    """Which template is filled for which place; without a place for a made-up one."""

    network: Literal["facebook", "twitter"]
    name: Short
    place: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
