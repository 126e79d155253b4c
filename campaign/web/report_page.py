"""Auswertung: what the campaign brought, in words, figures, charts and tables; the selection stands in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from math import ceil
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, StringConstraints

from campaign import agenda, reports
from campaign.desk import Refusal
from campaign.news import refusal as told_refusal
from campaign.reports import exchange, wording
from campaign.reports.document import document
from campaign.reports.formats import Formats
from campaign.reports.values import DIMENSIONS, FEW, SUMMED, Cell, Gain, Report, Selection, Span
from campaign.reports.workbook import workbook
from campaign.store import Unknown
from campaign.web.door import Here, Visitor
from campaign.web.language import N_, Dates
from campaign.web.page import render

routes = APIRouter()
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
USUAL = "28"
DAYS = {"7": 7, "28": 28, "90": 90}
"""Whole days up to yesterday, as every report counts them: today's are still growing."""
PERIODS: dict[str, str] = {
    "7": N_("7 Tage"),
    "28": N_("28 Tage"),
    "90": N_("90 Tage"),
    "monat": N_("dieser Monat"),
    "vormonat": N_("voriger Monat"),
    "jahr": N_("dieses Jahr"),
}
FILTERS = {
    "kampagne": "campaign",
    "schritt": "step",
    "kanal": "channel",
    "region": "region",
    "bereich": "category",
    "ort": "place",
    "variante": "variant",
}
"""What the address calls the filters of a report."""
FILES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
"""The files that the same selection is given as."""
POSTS, GAIN, CORRECTION = N_("Beiträge"), N_("Zuwachs"), N_("Vom Netzwerk zurückgenommen")
ROWS = 12
"""So many lines of a breakdown stand there at once; the others can be opened."""
SHADES = 5
"""Steps of the heat map's colour."""


class Search(BaseModel):
    """What stands in the address: the period, what the report is narrowed to, and what of it is shown.

    `von` and `bis` win over `zeitraum`, which counts back from today.
    """

    zeitraum: Words = ""
    von: Words = ""
    bis: Words = ""
    kampagne: Words = ""
    schritt: Words = ""
    kanal: Words = ""
    region: Words = ""
    bereich: Words = ""
    ort: Words = ""
    variante: Words = ""
    welt: Words = ""
    zahl: Words = ""
    nach: Words = ""

    def narrowed(self) -> dict[str, str]:
        """What the report is narrowed to, without the period."""
        return {name: value for name in FILTERS if (value := getattr(self, name))}

    def address(self, **more: str) -> str:
        """The query of the same report with some of it changed; what is empty is left out."""
        return urlencode({name: value for name, value in (self.model_dump() | more).items() if value})

    @property
    def free(self) -> bool:
        """Whether the period is named by its days."""
        return bool(self.von or self.bis)

    @property
    def period(self) -> str:
        """The period that counts back from today; empty where days are named."""
        return "" if self.free else (self.zeitraum if self.zeitraum in PERIODS else USUAL)

    @property
    def metric(self) -> str:
        """The metric whose course is shown."""
        return self.zahl if self.zahl in SUMMED else SUMMED[0]

    @property
    def dimension(self) -> str:
        """By what the table breaks down."""
        return self.nach if self.nach in DIMENSIONS else "channel"

    def asked(self, today: date) -> dict[str, str]:
        """The same as reports are asked for, see `campaign.reports.selection_of`."""
        days = {"from": self.von, "to": self.bis}
        if not self.free:
            first, last = days_of(self.period, today)
            days = {"from": first.isoformat(), "to": last.isoformat()}
        return days | {FILTERS[name]: value for name, value in self.narrowed().items()} | {"world": self.welt}


def days_of(period: str, today: date) -> tuple[date, date]:
    """The first and the last day of one of PERIODS."""
    month = today.replace(day=1)
    yesterday = today - timedelta(days=1)
    if period == "monat":
        return month, today
    if period == "vormonat":
        before = month - timedelta(days=1)
        return before.replace(day=1), before
    if period == "jahr":
        return today.replace(month=1, day=1), today
    return today - timedelta(days=DAYS[period]), yesterday


Looked = Annotated[Search, Query()]


@routes.get("/auswertung")
def report(request: Request, visitor: Here, search: Looked) -> Response:
    """The report on the announcements that are selected; what can't be selected is said in its place."""
    app = visitor.app
    try:
        chosen = reports.selection_of(app, search.asked(app.today()))
    except (Refusal, Unknown) as refusal:
        said = told_refusal(refusal, visitor.language)
        return _page(request, visitor, search, 422, found=None, said=said)
    return _page(request, visitor, search, 200, **_shown(request, visitor, search, chosen))


@routes.get("/auswertung/stunden")
def hours(request: Request, visitor: Here, search: Looked) -> Response:
    """The hours that did better, learnt from a year: the report fetches them when somebody scrolls there."""
    app = visitor.app
    try:
        chosen = reports.selection_of(app, search.asked(app.today()))
    except (Refusal, Unknown) as refusal:
        said = told_refusal(refusal, visitor.language)
        return _page(request, visitor, search, 422, "report_hours.html", said=said)
    found = reports.suggested_slots(app, chosen)
    return _page(request, visitor, search, 200, "report_hours.html", said="", chosen=chosen, slots=found)


# --- the same selection as files ---------------------------------------------------------------------------------


@routes.get("/auswertung.csv")
def as_csv(visitor: Here, search: Looked) -> Response:
    """The announcements that are selected, one a line, with all that is known of them."""

    def lines(chosen: Selection) -> bytes:
        return "".join(exchange.facts_csv(reports.posted(visitor.app, chosen))).encode()

    return _file(visitor, search, "csv", lines)


@routes.get("/auswertung.xlsx")
def as_workbook(visitor: Here, search: Looked) -> Response:
    """The report as a workbook, every breakdown a sheet."""
    return _file(visitor, search, "xlsx", lambda chosen: workbook(_report(visitor, search, chosen), visitor.language))


@routes.get("/auswertung.pdf")
def as_document(visitor: Here, search: Looked) -> Response:
    """The report as a document to hand on, with the head of the log."""

    def made(chosen: Selection) -> bytes:
        return document(_report(visitor, search, chosen), visitor.language, reports.log_extract(visitor.app))

    return _file(visitor, search, "pdf", made)


def _file(visitor: Visitor, search: Search, kind: str, make: Callable[[Selection], bytes]) -> Response:
    app = visitor.app
    try:
        chosen = reports.selection_of(app, search.asked(app.today()))
    except (Refusal, Unknown) as refusal:
        return Response(told_refusal(refusal, visitor.language), 422, media_type="text/plain")
    name = f"auswertung_{chosen.first}_{chosen.last}.{kind}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(make(chosen), media_type=FILES[kind], headers=headers)


def _report(visitor: Visitor, search: Search, chosen: Selection) -> Report:
    return reports.report(visitor.app, chosen, search.metric)


# --- the page ----------------------------------------------------------------------------------------------------


def _page(
    request: Request, visitor: Visitor, search: Search, status: int, template: str = "report.html", /, **more: Any
) -> Response:
    language = visitor.language
    choices = agenda.choices(visitor.app)
    values = {
        "search": search,
        "choices": choices,
        "worlds": {one["world"] for one in choices.channels},
        "colours": {one["name"]: number % 8 for number, one in enumerate(choices.channels)},
        "periods": PERIODS,
        "files": FILES,
        "courses": SUMMED,
        "few_posts": FEW,
        "rows_shown": ROWS,
        "narrows_by": {dimension: name for name, dimension in FILTERS.items()},
        "dimensions": {name: wording.dimension_name(name, language) for name in DIMENSIONS},
        "metrics": partial(wording.metric_name, language=language),
        "numbers": Formats(language),
        "titles": dict(choices.campaigns),
        "largest": largest,
    }
    return render(request, template, status, **values | more)


def _shown(request: Request, visitor: Visitor, search: Search, chosen: Selection) -> Mapping[str, Any]:
    """The report with what its templates say and draw of it."""
    language, metric = visitor.language, search.metric
    found = _report(visitor, search, chosen)
    dates = Dates(language, visitor.app.settings.zone)
    name = wording.metric_name(metric, language)
    posts, gain, correction = (request.app.state.pages.gettext(word, language) for word in (POSTS, GAIN, CORRECTION))
    return {
        "found": found,
        "names": reports.names_of(found, language),
        "said": "",
        "summary": wording.summary(found, language),
        "notes": [wording.note(code, language) for code in found.notes],
        "verdict": partial(wording.verdict, language=language),
        "formula": partial(wording.formula, language=language),
        "variant": wording.variant_name,
        "heat": heat(found.cells),
        "course": course_chart(found.course, metric, name, posts, dates),
        "gains": gains_chart(found.gains, gain, correction, dates),
    }


def largest(values: Iterable[float | None]) -> float:
    """What a bar of full length stands for; 0 where nothing is known."""
    return max((value for value in values if value is not None), default=0)


# --- charts: what the script draws is what stands in the table beside it ------------------------------------------


def course_chart(course: Sequence[Span], metric: str, name: str, posts: str, dates: Dates) -> dict[str, Any]:
    """The course of a metric over the announcements of each span, their number below it. Where something went out and
    its figure is not known, that is marked and never drawn as nothing."""
    values = [one.figures.metrics[metric] for one in course]
    unknown = [one.figures.posts > 0 and value is None for one, value in zip(course, values, strict=True)]
    return {
        "labels": [dates.short_span(one.first, one.last) for one in course],
        "titles": [dates.days(one.first, one.last) for one in course],
        "panels": [
            {"name": name, "series": [{"name": name, "values": values, "unknown": unknown}]},
            {"name": posts, "low": True, "series": [{"name": posts, "values": [one.figures.posts for one in course]}]},
        ],
    }


def gains_chart(gains: Sequence[Gain], gain: str, correction: str, dates: Dates) -> dict[str, Any]:
    """What each day brought, and below the line what a network took back."""
    series: list[dict[str, Any]] = [{"name": gain, "values": [one.gain for one in gains]}]
    if any(one.correction for one in gains):
        series.append({"name": correction, "tone": "bad", "values": [one.correction for one in gains]})
    return {
        "labels": [dates.short_span(one.day, one.day) for one in gains],
        "titles": [dates.days(one.day, one.day) for one in gains],
        "panels": [{"name": gain, "series": series}],
    }


@dataclass(frozen=True)
class Shaded:
    """One cell of the heat map; `shade` 0 means that nothing was measured, else 1 to SHADES by the median."""

    cell: Cell
    shade: int


@dataclass(frozen=True)
class Hour:
    """One hour over the seven weekdays; None where nothing went out then."""

    hour: int
    days: tuple[Shaded | None, ...]


def heat(cells: Sequence[Cell]) -> tuple[Hour, ...]:
    """The heat map: the hours at which something went out."""
    found = {(one.hour, one.weekday): one for one in cells if one.posts}
    if not found:
        return ()
    most = max((one.views for one in found.values() if one.views is not None), default=0)
    hours = sorted({hour for hour, _ in found})
    return tuple(Hour(hour, tuple(_shaded(found.get((hour, weekday)), most) for weekday in range(7))) for hour in hours)


def _shaded(cell: Cell | None, most: float) -> Shaded | None:
    if cell is None or cell.views is None:
        return None if cell is None else Shaded(cell, 0)
    return Shaded(cell, min(SHADES, max(1, ceil(SHADES * cell.views / most))) if most else 1)
