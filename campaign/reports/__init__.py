"""Reports: figures over samples, as values, pages and files.

`report` is what every face of a report is made from; `usual_selection` and `selection_of` say what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from campaign.app import App
from campaign.reports import facts, wording
from campaign.reports.assembly import Label, Material, assemble, names, one_row, period_before, suggestions, totals
from campaign.reports.selecting import FILTERS, asked_for, selection_of, usual_selection
from campaign.reports.values import By, Fact, Figures, LogExtract, Report, Row, Selection, SlotEvidence
from posts import ledger

__all__ = [
    "FILTERS",
    "LogExtract",
    "asked_for",
    "brought",
    "log_extract",
    "names_of",
    "posted",
    "report",
    "rows_by",
    "selection_of",
    "suggested_slots",
    "usual_selection",
]

LEARNT_FROM = timedelta(days=364)


def report(app: App, selection: Selection, gains_metric: str = "views") -> Report:
    """Everything about one selection, its labels in the language of `app`; one reading of the database."""
    zone = app.settings.zone
    with app.database.read() as connection:
        found = facts.posted(connection, selection, zone)
        material = Material(
            facts=found,
            earlier=facts.week_means(connection, period_before(selection), zone),
            due=facts.due(connection, selection, zone, app.now(connection)),
            gains=facts.gains(connection, selection, zone, gains_metric),
            gains_metric=gains_metric,
            withdrawn=facts.withdrawn_names(connection, selection.world),
        )
        titles = facts.campaign_titles(connection)
        made_at = app.now(connection)
    label = _label(app.settings["language"], titles, found)
    return assemble(selection, material, label, str(app.settings.zone), made_at.astimezone(zone))


def log_extract(app: App) -> LogExtract:
    """What a printed report tells of the log: its head, with all sealed that happened until now."""
    app.seal()
    with app.database.read() as connection:
        return LogExtract(ledger.head(connection))


def posted(app: App, selection: Selection) -> tuple[Fact, ...]:
    """Every announcement of a selection that went out, with what is known of it."""
    with app.database.read() as connection:
        return tuple(facts.posted(connection, selection, app.settings.zone))


def brought(app: App, selection: Selection) -> Figures:
    """The sums alone: cheap enough for a page that renews itself."""
    return totals(posted(app, selection))


def rows_by(app: App, found: Report, by: By) -> tuple[Row, ...]:
    """The rows of a report; by announcement each that went out has one, whose key is the announcement's number."""
    if by is By.announcement:
        return tuple(one_row(fact) for fact in posted(app, found.selection))
    return found.breakdowns[by]


def names_of(found: Report, language: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """What steps, places and variants there are in a report: by dimension key and label, in the labels' order."""
    label = _label(language, {}, found.announcements)
    return {dimension: names(found.announcements, dimension, label) for dimension in ("step", "place", "variant")}


def suggested_slots(app: App, selection: Selection) -> tuple[SlotEvidence, ...]:
    """Hours of the week that did better than their channel's median, from a year up to the selection's last day and the
    selection's other filters. Evidence for a person who plans: nothing is ever changed by it."""
    learnt_from = replace(selection, first=min(selection.first, selection.last - LEARNT_FROM))
    with app.database.read() as connection:
        return suggestions(facts.observations(connection, learnt_from, app.settings.zone))


def _label(language: str, titles: Mapping[str, str], found: Sequence[Fact]) -> Label:
    names = {str(fact.place): fact.place_name for fact in found if fact.place and fact.place_name}

    def label(dimension: str, key: str) -> str:
        known = {"campaign": titles, "place": names}.get(dimension, {})
        return known.get(key) or wording.key_name(dimension, key, language)

    return label
