"""A report as a workbook (XLSX) to go on working with: numbers are numbers, dates are dates, links are links.

What is not known is an empty cell with a note that says why, never a zero. Texts are written as texts, whatever they
begin with: nothing in the file is a formula.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from campaign.reports import wording
from campaign.reports.captions import caption, meanings
from campaign.reports.contents import chosen, link, views_per_post
from campaign.reports.formats import Formats, readable
from campaign.reports.values import DIMENSIONS, FEW, METRICS, SUMMED, Fact, Figures, Report

LONGEST_TEXT = 32_767
"""Characters that a cell may hold (ECMA-376)."""
MOST_LINKS = 65_000
"""Links that a sheet may hold; further addresses are plain text."""
LONGEST_LINK = 2_000
"""Characters of a link that Excel takes."""
HEAD_HEIGHT = 48
"""Points: three lines."""
CHARTED = 20
"""Rows of a breakdown that its chart shows."""
GREEN, GRID = "#1F5F4A", "#D9D7CF"
Value = str | int | float | date | datetime | None


@dataclass(frozen=True)
class Field:
    """A column: its name, what its cells hold (a key of `_Book.styles`), its width in characters, and how a row's
    value and the reason for a missing one are had from it."""

    label: str
    kind: str
    width: int
    value: Callable[[Any], Value]
    missing: Callable[[Any], str] = lambda _row: "gap_unknown"


def workbook(report: Report, language: str) -> bytes:
    """The report as XLSX in German ("de") or English ("en"); the same bytes from the same report."""
    file = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = _Book(xlsxwriter.Workbook(file, options), report, language)
    book.overview()
    for dimension in DIMENSIONS:
        book.breakdown(dimension)
    book.heat()
    book.variants()
    book.course()
    book.gains()
    book.announcements()
    book.reliability()
    book.explanation()
    book.close()
    return file.getvalue()


class _Book:
    """The workbook while it is written."""

    def __init__(self, book: xlsxwriter.Workbook, report: Report, language: str) -> None:
        self._book, self._report, self._language = book, report, language
        self._formats, self._zone = Formats(language, report.zone), ZoneInfo(report.zone)
        self._day = day = "dd.mm.yyyy" if language == "de" else "d mmm yyyy"
        patterns: dict[str, dict[str, Any]] = {
            "text": {"text_wrap": True},
            "number": {"num_format": "#,##0"},
            "mean": {"num_format": "#,##0.0"},
            "rate": {"num_format": "0.00%"},
            "change": {"num_format": "+0.0%;-0.0%"},
            "money": {"num_format": "#,##0.0000"},
            "day": {"num_format": day},
            "instant": {"num_format": f"{day} hh:mm"},
            "link": {"font_color": "#14513E", "underline": 1},
        }
        self._styles = {name: self._style(**pattern) for name, pattern in patterns.items()}
        head = {"bold": True, "bg_color": GREEN, "font_color": "#FFFFFF", "text_wrap": True}
        self._heads = {True: self._style(**head), False: self._style(**head, align="right")}
        self._title = self._style(bold=True, font_size=16, font_color=GREEN)
        self._part = self._style(bold=True, font_size=12, font_color=GREEN)
        self._warning = self._style(bold=True, font_color="#6B3D00", bg_color="#FDF1D8")
        self._quiet = self._style(font_color="#55605A")
        book.set_properties(
            {
                "title": f"{self._say('title')}, {self._period}",
                "author": self._say("portal"),
                "created": report.made_at.astimezone(UTC).replace(tzinfo=None),
                "comments": self._say("sandbox") if report.selection.world == "sandbox" else "",
            }
        )

    def _style(self, **pattern: Any) -> Format:
        return self._book.add_format({"valign": "top"} | pattern)

    def close(self) -> None:
        """Write the file."""
        self._book.close()

    # --- words

    def _say(self, key: str, *details: object) -> str:
        return caption(self._language, key, *details)

    def _name(self, metric: str) -> str:
        return wording.metric_name(metric, self._language)

    @property
    def _period(self) -> str:
        return self._formats.period(self._report.selection.first, self._report.selection.last)

    # --- cells and tables

    def _sheet(self, key: str) -> Worksheet:
        sheet = self._book.add_worksheet(self._say(key))
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet

    def _cell(self, sheet: Worksheet, row: int, column: int, kind: str, value: Value, missing: str) -> None:
        style = self._styles[kind]
        if value is None:
            sheet.write_blank(row, column, None, style)
            sheet.write_comment(row, column, self._say(missing), {"x_scale": 1.4, "y_scale": 0.6})
        elif isinstance(value, datetime):
            sheet.write_datetime(row, column, value.astimezone(self._zone).replace(tzinfo=None), style)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, style)
        elif isinstance(value, str):
            self._text(sheet, row, column, value, style, as_link=kind == "link")
        else:
            sheet.write_number(row, column, value, style)

    def _text(
        self, sheet: Worksheet, row: int, column: int, value: str, style: Format | None, *, as_link: bool = False
    ) -> None:
        """A text as a text, or as a link where it leads to the web."""
        leads = link(value) if as_link and row < MOST_LINKS and len(value) <= LONGEST_LINK else None
        text = readable(value)[:LONGEST_TEXT]
        if leads is None or sheet.write_url(row, column, leads.url, style, string=text) != 0:
            sheet.write_string(row, column, text, style)

    def _table(self, sheet: Worksheet, fields: Sequence[Field], rows: Sequence[Any], top: int = 0) -> None:
        """A table from the row `top` on; where it fills the sheet, its head stays in sight and can be filtered."""
        for column, field in enumerate(fields):
            sheet.write_string(top, column, field.label, self._heads[field.kind in ("text", "link")])
            if top == 0:
                sheet.set_column(column, column, field.width)
        for index, row in enumerate(rows, top + 1):
            for column, field in enumerate(fields):
                self._cell(sheet, index, column, field.kind, field.value(row), field.missing(row))
        if top == 0:
            sheet.set_row(0, HEAD_HEIGHT)
            sheet.freeze_panes(1, 1)
            sheet.repeat_rows(0)
            sheet.autofilter(0, 0, max(len(rows), 1), len(fields) - 1)

    def _figures(self, of: Callable[[Any], Figures]) -> list[Field]:
        """The columns of sums, from the figures of a row."""

        def metric(name: str) -> Callable[[Any], Value]:
            return lambda row: of(row).metrics[name]

        return [
            Field(self._name("posts"), "number", 10, lambda row: of(row).posts),
            *(Field(self._name(name), "number", 13, metric(name)) for name in SUMMED),
            Field(self._name("engagement_rate"), "rate", 15, lambda row: of(row).engagement_rate),
            Field(self._name("click_rate"), "rate", 11, lambda row: of(row).click_rate),
            Field(self._name("visits"), "number", 12, lambda row: of(row).visits),
            Field(self._in_dollars("cost_usd"), "money", 14, lambda row: of(row).cost_usd),
            Field(self._in_dollars("cost_per_visit"), "money", 14, lambda row: of(row).cost_per_visit),
        ]

    def _in_dollars(self, metric: str) -> str:
        return f"{self._name(metric)} (USD)"

    # --- sheets

    def overview(self) -> None:
        """Period, samples, summary, totals, changes, notes."""
        report, sheet = self._report, self._sheet("overview")
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 4, 22)
        sheet.write_string(0, 0, self._say("title"), self._title)
        row = 1
        if report.selection.world == "sandbox":
            sheet.merge_range(row, 0, row, 4, self._say("sandbox"), self._warning)
            row += 1
        about: list[tuple[str, str, Value]] = [
            ("first", "day", report.selection.first),
            ("last", "day", report.selection.last),
            ("zone", "text", report.zone),
            ("selection", "text", chosen(report, self._language)),
            ("sampled_at", "instant", report.sampled_at),
            ("made_at", "instant", report.made_at),
        ]
        for key, kind, value in about:
            sheet.write_string(row, 0, self._say(key), self._quiet)
            self._cell(sheet, row, 1, kind, value, "gap_unmeasured")
            row += 1
        row = self._lines(sheet, row + 1, "summary", wording.summary(report, self._language))
        row = self._totals(sheet, row + 1)
        row = self._changes(sheet, row + 1)
        notes = [wording.note(code, self._language) for code in report.notes]
        self._lines(sheet, row + 1, "notes", notes or [self._say("no_notes")])

    def _lines(self, sheet: Worksheet, row: int, key: str, lines: Iterable[str]) -> int:
        sheet.write_string(row, 0, self._say(key), self._part)
        for line in lines:
            row += 1
            sheet.merge_range(row, 0, row, 4, "", self._styles["text"])
            self._text(sheet, row, 0, line, self._styles["text"])
            sheet.set_row(row, 15 * (1 + len(line) // 115))
        return row + 1

    def _totals(self, sheet: Worksheet, row: int) -> int:
        totals = self._report.totals
        sheet.write_string(row, 0, self._say("key_figures"), self._part)
        lines: list[tuple[str, str, Value, int]] = [(self._name("posts"), "number", totals.posts, totals.posts)]
        lines += [(self._name(name), "number", totals.metrics[name], totals.known[name]) for name in SUMMED]
        lines += [
            (self._name("visits"), "number", totals.visits, totals.visits_known),
        ]
        fields = (
            Field(self._say("metric"), "text", 0, lambda line: line[0]),
            Field(self._say("value"), "number", 0, lambda line: line[2]),
            Field(self._say("known_of"), "number", 0, lambda line: line[3]),
        )
        self._table(sheet, fields, lines, row + 1)
        row += len(lines) + 2
        rates: list[tuple[str, str, Value]] = [
            (self._name("engagement_rate"), "rate", totals.engagement_rate),
            (self._name("click_rate"), "rate", totals.click_rate),
            (self._in_dollars("cost_usd"), "money", totals.cost_usd),
            (self._in_dollars("cost_per_visit"), "money", totals.cost_per_visit),
        ]
        for label, kind, value in rates:
            sheet.write_string(row, 0, label, self._styles["text"])
            self._cell(sheet, row, 1, kind, value, "gap_unknown")
            row += 1
        return row

    def _changes(self, sheet: Worksheet, row: int) -> int:
        report = self._report
        before = self._formats.period(report.before.first, report.before.last)
        sheet.write_string(row, 0, f"{self._say('compared_with')} {before}", self._part)
        fields = (
            Field(self._say("metric"), "text", 0, lambda one: self._name(one.metric)),
            Field(self._say("before"), "mean", 0, lambda one: one.before),
            Field(self._say("now"), "mean", 0, lambda one: one.now),
            Field(self._say("change"), "change", 0, lambda one: one.ratio),
            Field(self._say("few"), "text", 0, lambda one: self._say("yes") if one.few else ""),
        )
        self._table(sheet, fields, report.changes, row + 1)
        row += len(report.changes) + 2
        sheet.write_string(row, 0, self._say("week_basis"), self._quiet)
        return row + 1

    def breakdown(self, dimension: str) -> None:
        """One line for each key, and a chart of the means that can be compared."""
        rows = self._report.breakdowns.get(dimension, ())
        sheet = self._sheet(f"by_{dimension}")
        fields = [
            Field(wording.dimension_name(dimension, self._language), "text", 34, lambda row: row.label),
            *self._figures(lambda row: row.figures),
            Field(self._say("views_per_post_week"), "mean", 16, lambda row: views_per_post(row.week), _young),
            Field(self._say("week_posts"), "number", 14, lambda row: row.week.known["views"]),
            Field(self._say("few"), "text", 10, lambda row: self._say("yes") if row.few else ""),
        ]
        self._table(sheet, fields, rows)
        if len(rows) > 1:
            column = len(fields) - 3
            title = f"{self._say(f'by_{dimension}')}: {self._say('views_per_post_week')}"
            self._chart(sheet, "bar", title, column, min(len(rows), CHARTED), (len(rows) + 2, 0))

    def _chart(self, sheet: Worksheet, kind: str, title: str, column: int, rows: int, at: tuple[int, int]) -> None:
        """A native chart of one column against the first one."""
        chart = self._book.add_chart({"type": kind})
        name = sheet.get_name()
        chart.add_series(
            {
                "name": [name, 0, column],
                "categories": [name, 1, 0, rows, 0],
                "values": [name, 1, column, rows, column],
                "fill": {"color": GREEN},
                "gap": 60,
            }
        )
        chart.set_title({"name": title, "name_font": {"size": 11}})
        chart.set_legend({"none": True})
        values = {"min": 0, "num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": GRID}}}
        if kind == "bar":
            chart.set_y_axis({"reverse": True, "major_gridlines": {"visible": False}})
            chart.set_x_axis(values)
        else:
            chart.set_x_axis({"text_axis": True, "num_format": self._day})
            chart.set_y_axis(values)
        chart.set_size({"width": 900, "height": max(280, 60 + 24 * rows) if kind == "bar" else 320})
        sheet.insert_chart(*at, chart, {"description": title})

    def heat(self) -> None:
        """Hours by weekdays: one line for each cell in which anything went out."""
        cells = [cell for cell in self._report.cells if cell.posts]
        fields = (
            Field(
                wording.dimension_name("weekday", self._language),
                "text",
                16,
                lambda c: self._formats.weekday(c.weekday),
            ),
            Field(wording.dimension_name("hour", self._language), "number", 10, lambda cell: cell.hour),
            Field(self._name("posts"), "number", 12, lambda cell: cell.posts),
            Field(self._say("week_posts"), "number", 18, lambda cell: cell.measured),
            Field(self._say("median_week"), "mean", 22, lambda cell: cell.views, _young),
        )
        sheet = self._sheet("heat")
        self._table(sheet, fields, cells)
        shades = {"type": "2_color_scale", "min_color": "#F1F6F3", "max_color": "#5FA98D"}
        sheet.conditional_format(1, 4, max(len(cells), 1), 4, shades)

    def variants(self) -> None:
        """A/B: one line for each variant."""
        rows = [(comparison, one) for comparison in self._report.comparisons for one in comparison.variants]
        fields = (
            Field(self._campaign, "text", 26, lambda row: row[0].campaign),
            Field(wording.dimension_name("step", self._language), "text", 20, lambda row: row[0].step),
            Field(
                wording.dimension_name("variant", self._language),
                "text",
                10,
                lambda r: wording.variant_name(r[1].variant),
            ),
            Field(self._name("posts"), "number", 10, lambda row: row[1].posts),
            Field(self._name("engagement_rate"), "rate", 16, lambda row: row[1].rate),
            Field(self._say("low"), "rate", 14, lambda row: row[1].low),
            Field(self._say("high"), "rate", 14, lambda row: row[1].high),
            Field(self._say("verdict"), "text", 60, lambda row: wording.verdict(row[0].verdict, self._language)),
        )
        self._table(self._sheet("comparisons"), fields, rows)

    @property
    def _campaign(self) -> str:
        return wording.dimension_name("campaign", self._language)

    def course(self) -> None:
        """The spans of the period."""
        fields = [
            Field(self._say("first"), "day", 13, lambda span: span.first),
            Field(self._say("last"), "day", 13, lambda span: span.last),
            *self._figures(lambda span: span.figures),
        ]
        sheet, spans = self._sheet("course"), self._report.course
        self._table(sheet, fields, spans)
        if spans:
            self._chart(sheet, "column", self._name("views"), 3, len(spans), (len(spans) + 2, 0))

    def gains(self) -> None:
        """Growth day by day."""
        fields = (
            Field(self._say("day"), "day", 13, lambda one: one.day),
            Field(f"{self._say('gain')}: {self._name(self._report.gains_metric)}", "number", 20, lambda one: one.gain),
            Field(self._say("correction"), "number", 14, lambda one: one.correction),
        )
        sheet, gains = self._sheet("gains"), self._report.gains
        self._table(sheet, fields, gains)
        if gains:
            self._chart(sheet, "column", fields[1].label, 1, len(gains), (1, 4))

    def announcements(self) -> None:
        """Every announcement."""

        def figure(name: str) -> tuple[Callable[[Fact], Value], Callable[[Fact], str]]:
            return lambda fact: fact.figures.get(name), lambda fact: _why(fact, name)

        def at_week(name: str) -> Callable[[Fact], Value]:
            return lambda fact: (fact.week or {}).get(name)

        zone = f" ({self._report.zone})"
        fields = [
            Field(self._say("number"), "number", 8, lambda fact: fact.id),
            Field(self._say("posted_at") + zone, "instant", 18, lambda fact: fact.posted_at),
            Field(wording.dimension_name("channel", self._language), "text", 20, lambda fact: fact.channel),
            Field(self._campaign, "text", 20, lambda fact: fact.campaign),
            Field(wording.dimension_name("step", self._language), "text", 14, lambda fact: fact.step),
            Field(
                wording.dimension_name("variant", self._language), "text", 10, lambda f: wording.variant_name(f.variant)
            ),
            Field(wording.dimension_name("place", self._language), "text", 28, lambda fact: fact.place_name),
            Field(self._say("regions"), "text", 18, lambda fact: "; ".join(fact.regions)),
            Field(self._say("categories"), "text", 18, lambda fact: "; ".join(fact.categories)),
            Field(self._say("text"), "text", 60, lambda fact: fact.text),
            Field(self._say("permalink"), "link", 36, lambda fact: fact.permalink),
            *(Field(self._name(name), "number", 13, *figure(name)) for name in METRICS),
            Field(self._say("measured_at") + zone, "instant", 18, lambda fact: fact.measured_at, _unmeasured),
            *(
                Field(f"{self._name(name)} {self._say('after_week')}", "number", 14, at_week(name), _young)
                for name in METRICS
            ),
            Field(self._name("visits"), "number", 12, lambda fact: fact.visits),
            Field(self._in_dollars("cost_usd"), "money", 14, lambda fact: fact.cost_usd),
            Field(self._say("late_by"), "number", 16, lambda fact: fact.late_by),
            Field(self._say("removed_at"), "instant", 18, lambda fact: fact.removed_at or ""),
        ]
        self._table(self._sheet("announcements"), fields, self._report.announcements)

    def reliability(self) -> None:
        """What became of everything that was due."""
        reliability = self._report.reliability
        counts = ("due", "posted", "late", "refused", "missed", "cancelled", "in_doubt", "open")
        spans = ("median_late_by", "worst_late_by")
        rows: list[tuple[str, Value]] = [(self._say(name), getattr(reliability, name)) for name in counts]
        rows += [(f"{self._say(name)} ({self._say('seconds')})", getattr(reliability, name)) for name in spans]
        fields = (
            Field(self._name("posts"), "text", 44, lambda row: row[0]),
            Field(self._say("value"), "number", 14, lambda row: row[1]),
        )
        self._table(self._sheet("reliability"), fields, rows)

    def explanation(self) -> None:
        """What each figure means."""
        fields = (
            Field(self._say("metric"), "text", 28, lambda row: row[0]),
            Field(self._say("formula"), "text", 110, lambda row: row[1]),
        )
        rows = meanings(self._language)
        rows.append((self._say("few"), self._say("few_legend", FEW).removeprefix("* ")))
        rows.append((self._say("empty_cell"), self._say("gap_unknown")))
        self._table(self._sheet("meaning"), fields, rows)


def _why(fact: Fact, metric: str) -> str:
    """The words for a figure that is missing."""
    if fact.measured_at is None:
        return "gap_unmeasured"
    return f"gap_{fact.gaps[metric]}" if fact.gaps.get(metric) in ("missing", "withdrawn") else "gap_unknown"


def _young(_row: object) -> str:
    return "gap_young"


def _unmeasured(_row: object) -> str:
    return "gap_unmeasured"
