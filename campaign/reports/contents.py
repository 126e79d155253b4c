"""What a printed report holds, chapter by chapter, as plain values: sentences, tables and the charts above them.

Charts carry the very values that the table below them writes out; how all of it looks is decided by
templates/report/report.typ alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import urlsplit

from campaign.reports import wording
from campaign.reports.captions import caption, meanings
from campaign.reports.formats import Formats
from campaign.reports.values import (
    DIMENSIONS,
    FEW,
    METRICS,
    NONE,
    SUMMED,
    Comparison,
    Fact,
    Figures,
    LogExtract,
    Report,
    Row,
    Span,
)

ROWS = 25
"""Rows of a breakdown that are printed; the spreadsheet has all."""
BARS = 12
"""Rows of a breakdown that are drawn."""
LOG_ROWS = 400
PRINTED_DIMENSIONS = tuple(one for one in DIMENSIONS if one not in ("variant", "weekday", "hour"))
"""The other three have a chapter of their own."""
OVERLAPPING = ("region", "category")
FILTERED = ("campaign", "step", "channel", "region", "category", "place", "variant")
MOST_STEPS = 5
WIDE = 17
"""How wide the first column is beside those of figures."""
SHADES = 5
COSTS = ("posts", "link_clicks", "visits", "cost_usd", "cost_per_visit")


@dataclass(frozen=True)
class Heading:
    """A chapter (level 1) or a part of one (level 2)."""

    text: str
    level: int = 1
    kind: str = "heading"


@dataclass(frozen=True)
class Paragraph:
    """Running text. `tone` is "plain", "lead" (the summary), "small" (how to read a table) or "warning"."""

    text: str
    tone: str = "plain"
    kind: str = "paragraph"


@dataclass(frozen=True)
class Points:
    """Sentences that stand one below the other."""

    items: tuple[str, ...]
    kind: str = "points"


@dataclass(frozen=True)
class Tile:
    """One key figure: its name, its value as written, and over how many announcements it is known."""

    label: str
    value: str
    remark: str = ""


@dataclass(frozen=True)
class Tiles:
    """Key figures side by side."""

    tiles: tuple[Tile, ...]
    kind: str = "tiles"


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere."""

    text: str
    url: str


@dataclass(frozen=True)
class Column:
    """A column: its name, whether it holds figures (set flush right), and how wide it is beside the others (0: as
    wide as its content)."""

    label: str
    figures: bool = True
    share: int = 0


@dataclass(frozen=True)
class Table:
    """A table with its title; the first cell of a row names it. The notes below it tell how to read it."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Link, ...], ...]
    notes: tuple[str, ...] = ()
    kind: str = "table"


@dataclass(frozen=True)
class Tick:
    """A line across a chart, at a share (0 to 1) of its whole length."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """One value of a chart: None is not known and drawn as nothing. `at` is its share (0 to 1) of the chart's whole."""

    label: str
    value: float | None
    text: str
    at: float


@dataclass(frozen=True)
class Bars:
    """A bar chart (flat, one bar a row) or a column chart (upright, along the time)."""

    title: str
    alt: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    upright: bool = False
    kind: str = "bars"


@dataclass(frozen=True)
class Interval:
    """A rate with the limits of its interval; the shares are those of the chart's whole."""

    label: str
    text: str
    low: float | None
    rate: float | None
    high: float | None
    at: tuple[float, ...] | None


@dataclass(frozen=True)
class Intervals:
    """Rates with their intervals, one below the other."""

    title: str
    alt: str
    intervals: tuple[Interval, ...]
    ticks: tuple[Tick, ...]
    kind: str = "intervals"


@dataclass(frozen=True)
class Square:
    """One hour of one weekday: the value, how many were measured, and how dark it is (0 to SHADES - 1, -1: empty)."""

    text: str
    remark: str
    shade: int


@dataclass(frozen=True)
class Heat:
    """A table of hours and weekdays whose cells are the darker, the more they hold."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Square, ...]], ...]
    notes: tuple[str, ...] = ()
    kind: str = "heat"


@dataclass(frozen=True)
class Post:
    """One announcement with its text."""

    title: str
    meta: str
    text: str
    figures: tuple[Tile, ...]
    link: Link | None
    kind: str = "post"


@dataclass(frozen=True)
class Terms:
    """Words with what they mean."""

    terms: tuple[tuple[str, str], ...]
    kind: str = "terms"


@dataclass(frozen=True)
class Code:
    """What may be copied and must stand as it is."""

    label: str
    code: str
    kind: str = "code"


Readable = TypeVar("Readable", Table, Heat)
Block = Heading | Paragraph | Points | Tiles | Table | Bars | Intervals | Heat | Post | Terms | Code


@dataclass(frozen=True)
class Cover:
    """The first page."""

    portal: str
    title: str
    subtitle: str
    period: str
    warning: str
    facts: tuple[tuple[str, str], ...]


def cover(report: Report, language: str) -> Cover:
    """The first page: what this is, about which period and announcements, made when and from which samples."""
    formats, selection, before = Formats(language, report.zone), report.selection, report.before
    return Cover(
        portal=caption(language, "portal"),
        title=caption(language, "title"),
        subtitle=caption(language, "subtitle"),
        period=formats.period(selection.first, selection.last),
        warning=caption(language, "sandbox") if selection.world == "sandbox" else "",
        facts=(
            (caption(language, "selection"), chosen(report, language)),
            (caption(language, "compared_with"), formats.period(before.first, before.last)),
            (caption(language, "sampled_at"), formats.instant(report.sampled_at)),
            (caption(language, "made_at"), formats.instant(report.made_at)),
            (caption(language, "zone"), report.zone),
        ),
    )


def chosen(report: Report, language: str) -> str:
    """Which announcements the report is about, in words."""
    selection = report.selection
    filters = {name: getattr(selection, name) for name in FILTERED if getattr(selection, name) not in ("", None)}
    told = [
        f"{wording.dimension_name(name, language)}: {label(report, name, key, language)}"
        for name, key in filters.items()
    ]
    return "; ".join(told) or caption(language, "everything")


def label(report: Report, dimension: str, key: object, language: str) -> str:
    """A key as the report's breakdown calls it; where it has no such row, as it is called anywhere."""
    rows = report.breakdowns.get(dimension, ())
    known = next((row.label for row in rows if row.key == str(key)), None)
    return known or wording.key_name(dimension, NONE if dimension == "place" and key == 0 else str(key), language)


def blocks(report: Report, language: str, log: LogExtract | None) -> list[Block]:
    """All chapters in their order."""
    written = _Chapters(report, language)
    if not report.totals.posts:
        return [
            *written.summary(),
            *written.reliability(),
            *written.notes(),
        ]
    return [
        *written.summary(),
        *written.course(),
        *written.breakdowns(),
        *written.heat(),
        *written.comparisons(),
        *written.extremes(),
        *written.reliability(),
        *written.costs(),
        *written.notes(),
        *written.meaning(),
        *(written.log(log) if log else ()),
    ]


class _Chapters:
    """The chapters of one report in one language."""

    def __init__(self, report: Report, language: str) -> None:
        self._report, self._language = report, language
        self._formats = Formats(language, report.zone)

    def _say(self, key: str, *details: object) -> str:
        return caption(self._language, key, *details)

    def _name(self, word: str) -> str:
        """A metric, rate or dimension as people call it."""
        named = wording.metric_name if word in wording.METRIC_NAMES else wording.dimension_name
        return named(word, self._language)

    def _legend(self, *, few: bool = False, unknown: bool = False) -> tuple[str, ...]:
        """What those signs mean that are really there."""
        told = [self._say("legend", self._formats.unknown)] if unknown else []
        return (*told, self._say("few_legend", FEW)) if few else tuple(told)

    def _unknown_in(self, table: Table | Heat) -> bool:
        cells = [cell for row in table.rows for cell in row] if isinstance(table, Table) else []
        squares = [square.text for _, row in table.rows for square in row] if isinstance(table, Heat) else []
        return self._formats.unknown in (*cells, *squares)

    def _explained(self, table: Readable, *notes: str, few: bool = False) -> Readable:
        """The table with notes below it, and with what its signs mean."""
        return replace(table, notes=(*notes, *self._legend(few=few, unknown=self._unknown_in(table))))

    # --- summary

    def summary(self) -> Iterator[Block]:
        """In words first, then the key figures and what changed."""
        yield Heading(self._say("summary"))
        for sentence in wording.summary(self._report, self._language):
            yield Paragraph(sentence, "lead")
        if not self._report.totals.posts:
            return
        yield Heading(self._say("key_figures"), 2)
        tiles = Tiles(tuple(self._tiles()))
        yield tiles
        for note in self._legend(unknown=any(tile.value == self._formats.unknown for tile in tiles.tiles)):
            yield Paragraph(note, "small")
        yield from self._changes()

    def _tiles(self) -> Iterator[Tile]:
        totals, formats = self._report.totals, self._formats
        yield Tile(self._name("posts"), formats.number(totals.posts))
        for name in SUMMED:
            yield Tile(self._name(name), formats.number(totals.metrics[name]), self._known(totals.known[name]))
        yield Tile(self._name("engagement_rate"), formats.rate(totals.engagement_rate))
        yield Tile(self._name("visits"), formats.number(totals.visits), self._known(totals.visits_known))

    def _known(self, known: int) -> str:
        return self._say("known_words", self._formats.number(known))

    def _changes(self) -> Iterator[Block]:
        report, formats = self._report, self._formats
        before = formats.period(report.before.first, report.before.last)
        title = f"{self._say('compared_with')} {before}"
        yield Heading(title, 2)
        if not report.changes:
            yield Paragraph(self._say("no_change"))
            return
        columns = (
            Column(self._say("metric"), figures=False, share=2),
            *(Column(self._say(key), share=1) for key in ("before", "now", "change")),
        )
        table = Table(
            title,
            columns,
            tuple(
                (
                    self._name(one.metric) + (" *" if one.few else ""),
                    formats.mean(one.before),
                    formats.mean(one.now),
                    formats.change(one.ratio),
                )
                for one in report.changes
            ),
        )
        yield self._explained(table, self._say("week_basis"), few=any(one.few for one in report.changes))

    # --- course

    def course(self) -> Iterator[Block]:
        """Totals by span, and the growth day by day summed up over the same spans."""
        report, formats = self._report, self._formats
        if not report.course:
            return
        yield Heading(self._say("course"))
        values = [
            (self._formats.short_period(one.first, one.last), _whole(one.figures.metrics["views"]))
            for one in report.course
        ]
        yield self._bars(self._name("views"), values, upright=True)
        table = self._figures_table(
            self._say("course"),
            self._say("period"),
            [(self._span(one), one.figures) for one in report.course],
        )
        yield self._explained(table, self._say("course_basis"))
        if not report.gains:
            return
        name = f"{self._say('gains')}: {self._name(report.gains_metric)}"
        yield Heading(name, 2)
        grown = grown_by_span(report)
        yield self._bars(
            name,
            [(self._formats.short_period(one.first, one.last), float(gain)) for one, gain, _ in grown],
            upright=True,
        )
        columns = (
            Column(self._say("period"), figures=False, share=2),
            Column(self._say("gain"), share=1),
            Column(self._say("correction"), share=1),
        )
        rows = tuple((self._span(one), formats.number(gain), formats.number(less)) for one, gain, less in grown)
        yield self._explained(Table(name, columns, rows), self._say("gains_basis"))

    def _span(self, span: Span) -> str:
        return self._formats.period(span.first, span.last)

    def _bars(
        self,
        title: str,
        values: Sequence[tuple[str, float | None]],
        *,
        upright: bool = False,
        means: bool = False,
    ) -> Bars:
        write = self._formats.mean if means else lambda value: self._formats.number(_count(value))
        largest = max((value for _, value in values if value is not None), default=0)
        lines = scale(max(largest, 1))
        return Bars(
            title,
            self._say("alt_columns" if upright else "alt_bars", title),
            tuple(
                Bar(label, value, write(value), 0.0 if value is None else max(value, 0) / lines[-1])
                for label, value in values
            ),
            _ticks(lines, lambda line: self._formats.mean(line) if lines[1] < 1 else self._formats.number(round(line))),
            upright,
        )

    def _figures_table(
        self, title: str, first: str, lines: Sequence[tuple[str, Figures]], more: Sequence[str] | None = None
    ) -> Table:
        """One line of figures for each; `more` is a further column with the mean that the chart above shows."""
        formats = self._formats
        labels = [self._name(name) for name in ("posts", *SUMMED, "engagement_rate")]
        labels += [self._say("views_per_post_week")] if more is not None else []
        columns = [Column(first, figures=False, share=WIDE)]
        columns += [Column(label, share=_width(label)) for label in labels]
        rows = []
        for at, (label, figures) in enumerate(lines):
            row = [label, formats.number(figures.posts)]
            row += [formats.number(figures.metrics[name]) for name in SUMMED]
            row.append(formats.rate(figures.engagement_rate))
            row += [more[at]] if more is not None else []
            rows.append(tuple(row))
        return Table(title, tuple(columns), tuple(rows))

    # --- what a report is broken down by

    def breakdowns(self) -> Iterator[Block]:
        """By campaign, step, channel, region, category and place: a chart of comparable means, and the sums."""
        shown = [name for name in PRINTED_DIMENSIONS if self._report.breakdowns.get(name)]
        if not shown:
            return
        yield Heading(self._say("breakdowns"))
        yield Paragraph(self._say("week_basis"))
        for name in shown:
            yield from self._breakdown(name, self._report.breakdowns[name])

    def _breakdown(self, name: str, rows: Sequence[Row]) -> Iterator[Block]:
        title = self._say(f"by_{name}")
        yield Heading(title, 2)
        shown = rows[:ROWS]
        labels = [row.label + (" *" if row.few else "") for row in shown]
        means = [views_per_post(row.week) for row in shown]
        if len(shown) > 1:
            chart = f"{title}: {self._say('views_per_post_week')}"
            yield self._bars(chart, list(zip(labels, means, strict=True))[:BARS], means=True)
        table = self._figures_table(
            title,
            self._name(name),
            [(label, row.figures) for label, row in zip(labels, shown, strict=True)],
            [self._formats.mean(one) for one in means],
        )
        notes = [self._say("overlap")] if name in OVERLAPPING else []
        if len(shown) > BARS:
            notes.append(self._say("drawn", BARS))
        if len(rows) > len(shown):
            notes.append(self._say("left_out", len(shown), self._formats.number(len(rows))))
        yield self._explained(table, *notes, few=any(row.few for row in shown))

    # --- weekday and hour

    def heat(self) -> Iterator[Block]:
        """Hours by weekdays."""
        cells = {(cell.weekday, cell.hour): cell for cell in self._report.cells if cell.posts}
        if not cells:
            return
        yield Heading(self._say("heat"))
        yield Paragraph(self._say("heat_basis"))
        top = max((cell.views for cell in cells.values() if cell.views is not None), default=0.0)
        hours = sorted({hour for _, hour in cells})
        rows = []
        for hour in hours:
            squares = []
            for weekday in range(7):
                cell = cells.get((weekday, hour))
                if cell is None:
                    squares.append(Square("", "", -1))
                    continue
                squares.append(Square(self._formats.mean(cell.views), f"n = {cell.measured}", shade(cell.views, top)))
            rows.append((f"{hour}–{hour + 1} {self._say('o_clock')}", tuple(squares)))
        columns = (self._name("hour"), *(self._formats.weekday(day) for day in range(7)))
        yield self._explained(Heat(self._say("heat"), columns, tuple(rows)))

    # --- variants

    def comparisons(self) -> Iterator[Block]:
        """A/B: intervals, the same figures as a table, and what may be concluded."""
        if not self._report.comparisons:
            return
        yield Heading(self._say("comparisons"))
        yield Paragraph(self._say("interval_basis"))
        for comparison in self._report.comparisons:
            yield from self._comparison(comparison)

    def _comparison(self, comparison: Comparison) -> Iterator[Block]:
        formats = self._formats
        title = f"{comparison.campaign}: {comparison.step}"
        yield Heading(title, 2)
        yield Paragraph(wording.verdict(comparison.verdict, self._language), "lead")
        lines = scale(max((one.high or 0 for one in comparison.variants), default=0))
        intervals = []
        for one in comparison.variants:
            limits = (one.low, one.rate, one.high)
            at = None if None in limits else tuple((limit or 0.0) / lines[-1] for limit in limits)
            label = f"{self._name('variant')} {wording.variant_name(one.variant)}"
            intervals.append(Interval(label, formats.rate(one.rate), one.low, one.rate, one.high, at))
        if any(one.at for one in intervals):
            ticks = _ticks(lines, formats.rate)
            yield Intervals(title, self._say("alt_intervals", title), tuple(intervals), ticks)
        table = Table(
            title,
            (
                Column(self._name("variant"), figures=False, share=2),
                *(Column(self._name(key), share=1) for key in ("posts", "engagement_rate")),
                *(Column(self._say(key), share=1) for key in ("low", "high")),
            ),
            tuple(
                (
                    shown.label,
                    formats.number(one.posts),
                    formats.rate(one.rate),
                    formats.rate(one.low),
                    formats.rate(one.high),
                )
                for shown, one in zip(intervals, comparison.variants, strict=True)
            ),
        )
        yield self._explained(table)

    # --- single announcements

    def extremes(self) -> Iterator[Block]:
        """The best and the worst, with their text."""
        for key, facts in (("best", self._report.best), ("worst", self._report.worst)):
            if facts:
                yield Heading(self._say(key))
                yield from (self._post(fact) for fact in facts)

    def _post(self, fact: Fact) -> Post:
        formats = self._formats
        meta = [fact.channel, formats.instant(fact.posted_at)]
        if fact.removed_at is not None:
            meta.append(self._say("removed", formats.instant(fact.removed_at)))
        week = fact.week or {}
        return Post(
            title=fact.place_name or f"{self._say('number')} {fact.id}",
            meta=" · ".join(meta),
            text=fact.text,
            figures=tuple(
                Tile(
                    self._name(name),
                    formats.number(fact.figures.get(name)),
                    f"{self._say('after_week')}: {formats.number(week[name])}" if week.get(name) is not None else "",
                )
                for name in METRICS
            ),
            link=link(fact.permalink),
        )

    # --- the service itself

    def reliability(self) -> Iterator[Block]:
        """What became of everything that was due."""
        reliability, formats = self._report.reliability, self._formats
        yield Heading(self._say("reliability"))
        counts = ("due", "posted", "late", "refused", "missed", "cancelled", "in_doubt", "open")
        rows = [(self._say(name), formats.number(getattr(reliability, name))) for name in counts]
        rows += [
            (self._say(name), formats.duration(getattr(reliability, name)))
            for name in ("median_late_by", "worst_late_by")
            if getattr(reliability, name) is not None
        ]
        columns = (Column(self._name("posts"), figures=False, share=3), Column(self._say("value"), share=1))
        yield Table(self._say("reliability"), columns, tuple(rows))

    def costs(self) -> Iterator[Block]:
        """Fees and visits, in sum and by channel."""
        formats, totals = self._formats, self._report.totals
        yield Heading(self._say("costs"))
        lines = [(row.label, row.figures) for row in self._report.breakdowns.get("channel", ())]
        lines.append((self._say("total"), totals))
        table = Table(
            self._say("costs"),
            (
                Column(self._name("channel"), figures=False, share=2),
                *(Column(self._name(key), share=1) for key in COSTS),
            ),
            tuple(
                (
                    label,
                    formats.number(figures.posts),
                    formats.number(figures.metrics["link_clicks"]),
                    formats.number(figures.visits),
                    formats.money(figures.cost_usd),
                    formats.money(figures.cost_per_visit),
                )
                for label, figures in lines
            ),
        )
        yield self._explained(table)

    def notes(self) -> Iterator[Block]:
        """What a reader must know, and of how many announcements each figure is known."""
        formats, totals = self._formats, self._report.totals
        yield Heading(self._say("notes"))
        told = [wording.note(code, self._language) for code in self._report.notes]
        yield Points(tuple(told)) if told else Paragraph(self._say("no_notes"))
        if not totals.posts:
            return
        columns = (
            Column(self._say("metric"), figures=False, share=2),
            Column(self._say("known"), share=1),
            Column(self._say("of_posts"), share=1),
        )
        rows = [
            (self._name(name), formats.number(totals.known[name]), formats.number(totals.posts)) for name in METRICS
        ]
        rows.append((self._name("visits"), formats.number(totals.visits_known), formats.number(totals.posts)))
        yield Table(self._say("known_title"), columns, tuple(rows))

    def meaning(self) -> Iterator[Block]:
        """What the figures mean."""
        yield Heading(self._say("meaning"))
        yield Terms(tuple(meanings(self._language)))

    # --- log

    def log(self, extract: LogExtract) -> Iterator[Block]:
        """What went out, and the head by which the log can be checked later."""
        facts = sorted(self._report.announcements, key=lambda fact: (fact.posted_at, fact.id))
        shown = facts[-LOG_ROWS:]
        yield Heading(self._say("log"))
        yield Paragraph(self._say("log_basis"))
        yield Code(self._say("log_head"), extract.head)
        yield Code(self._say("log_check"), f"kreativorte log verify --head {extract.head}")
        if len(facts) > len(shown):
            told = self._say("log_left_out", self._formats.number(len(shown)), self._formats.number(len(facts)))
            yield Paragraph(told, "small")
        yield Table(
            self._say("log"),
            (
                Column(self._say("posted_at"), figures=False),
                Column(self._say("number")),
                Column(self._name("channel"), figures=False, share=2),
                Column(self._name("place"), figures=False, share=3),
                Column(self._say("permalink"), figures=False, share=4),
            ),
            tuple(
                (
                    self._formats.instant(fact.posted_at),
                    str(fact.id),
                    fact.channel,
                    fact.place_name,
                    link(fact.permalink) or fact.permalink,
                )
                for fact in shown
            ),
        )


# --- figures of charts -------------------------------------------------------------------------------------------


def views_per_post(figures: Figures) -> float | None:
    """The mean of the views over the announcements of which they are known."""
    views, known = figures.metrics["views"], figures.known["views"]
    return None if views is None or not known else views / known


def grown_by_span(report: Report) -> list[tuple[Span, int, int]]:
    """Growth and correction of each span of the course; what was measured after its last day belongs to no span."""
    return [
        (
            span,
            sum(one.gain for one in report.gains if span.first <= one.day <= span.last),
            sum(one.correction for one in report.gains if span.first <= one.day <= span.last),
        )
        for span in report.course
    ]


def scale(largest: float) -> tuple[float, ...]:
    """The lines of an axis from zero on: at most five equal steps of 1, 2 or 5 times a power of ten, the last of which
    holds the largest value."""
    if largest <= 0:
        return (0.0, 1.0)
    power = 10.0 ** math.floor(math.log10(largest / MOST_STEPS))
    step = next(times * power for times in (1, 2, 5, 10) if times * power * MOST_STEPS >= largest)
    return tuple(number * step for number in range(math.ceil(round(largest / step, 9)) + 1))


def _ticks(lines: Sequence[float], write: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(line / lines[-1], write(line)) for line in lines)


def shade(value: float | None, top: float) -> int:
    """How dark a square is: by equal steps up to the largest; what is not known is the lightest."""
    if value is None or top <= 0:
        return 0
    return min(SHADES - 1, int(value / top * SHADES))


def _width(label: str) -> int:
    """How wide a column of figures is beside the others: by the longest word over it."""
    longest = max(len(word) for word in label.split())
    return min(15, max(8, longest + (longest > 9)))


def _whole(value: int | None) -> float | None:
    return None if value is None else float(value)


def _count(value: float | None) -> int | None:
    return None if value is None else round(value)


def link(url: str) -> Link | None:
    """Only what leads to the web is a link; it is shown without what every address begins with."""
    parts = urlsplit(url) if url.startswith(("https://", "http://")) else None
    if parts is None or not parts.netloc:
        return None
    return Link((parts.netloc + parts.path).removeprefix("www.").rstrip("/"), url)
