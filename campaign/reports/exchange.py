"""A report for other programs: one JSON document, or CSV rows. Missing is null, or an empty cell; never zero."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from campaign.reports import wording
from campaign.reports.values import METRICS, Fact, Figures, Report, Row
from campaign.spreadsheets import MARK, cell


def report_json(report: Report, rows: Sequence[Row], language: str) -> dict[str, Any]:
    """The contract's object, and beside it whatever says how the figures are to be read."""
    return {
        "period": {"from": report.selection.first.isoformat(), "to": report.selection.last.isoformat()},
        "zone": report.zone,
        "world": report.selection.world,
        "filters": _filters(report),
        "made_at": report.made_at.isoformat(),
        "sampled_at": report.sampled_at.isoformat() if report.sampled_at else None,
        "totals": figures_json(report.totals) | {"week": figures_json(report.week)},
        "rows": [row_json(row) for row in rows],
        "before": {"from": report.before.first.isoformat(), "to": report.before.last.isoformat()},
        "changes": [asdict(one) for one in report.changes],
        "course": [
            {"from": one.first.isoformat(), "to": one.last.isoformat()} | figures_json(one.figures)
            for one in report.course
        ],
        "gains": {
            "metric": report.gains_metric,
            "days": [asdict(one) | {"day": one.day.isoformat()} for one in report.gains],
        },
        "best": [fact_json(one) for one in report.best],
        "worst": [fact_json(one) for one in report.worst],
        "comparisons": [asdict(one) for one in report.comparisons],
        "cells": [asdict(one) for one in report.cells],
        "reliability": asdict(report.reliability),
        "notes": [{"code": code, "text": wording.note(code, language)} for code in report.notes],
        "summary": wording.summary(report, language),
    }


def _filters(report: Report) -> dict[str, Any]:
    chosen = asdict(report.selection)
    return {
        name: value
        for name, value in chosen.items()
        if name not in ("first", "last", "world") and value not in ("", None)
    }


def figures_json(figures: Figures) -> dict[str, Any]:
    """Sums, each with the number of announcements of which it is known."""
    return {
        "posts": figures.posts,
        "metrics": dict(figures.metrics),
        "known": dict(figures.known),
        "rates": {"engagement_rate": figures.engagement_rate, "click_rate": figures.click_rate},
        "cost_usd": figures.cost_usd,
        "visits": figures.visits,
        "visits_known": figures.visits_known,
        "cost_per_visit": figures.cost_per_visit,
    }


def row_json(row: Row) -> dict[str, Any]:
    """One line of a breakdown."""
    return (
        {"key": row.key, "label": row.label, "few": row.few}
        | figures_json(row.figures)
        | {"week": figures_json(row.week)}
    )


def fact_json(fact: Fact) -> dict[str, Any]:
    """One announcement that went out."""
    shown = asdict(fact)
    shown |= {name: value.isoformat() if (value := shown[name]) else None for name in INSTANTS}
    return shown


INSTANTS = ("posted_at", "measured_at", "removed_at")
ROW_COLUMNS = (
    *("key", "label", "posts", *METRICS, *(f"{metric}_known" for metric in METRICS)),
    *("engagement_rate", "click_rate", "cost_usd", "visits", "visits_known", "cost_per_visit"),
)
FACT_COLUMNS = (
    *("id", "posted_at", "campaign", "step", "variant", "channel", "network", "place", "place_name"),
    *("regions", "categories", *METRICS, *(f"{metric}_week" for metric in METRICS)),
    *("measured_at", "removed_at", "late_by", "cost_usd", "visits", "permalink", "text"),
)


def rows_csv(rows: Iterable[Row]) -> Iterator[str]:
    """The lines of a breakdown as RFC 4180 has them, with a first one of names."""
    return _csv(ROW_COLUMNS, map(_row_cells, rows))


def facts_csv(facts: Iterable[Fact]) -> Iterator[str]:
    """One line for each announcement that went out, with a first one of names."""
    return _csv(FACT_COLUMNS, map(_fact_cells, facts))


def _row_cells(row: Row) -> list[Any]:
    figures = row.figures
    return [
        *(row.key, row.label, figures.posts),
        *(figures.metrics[metric] for metric in METRICS),
        *(figures.known[metric] for metric in METRICS),
        *(figures.engagement_rate, figures.click_rate, figures.cost_usd, figures.visits),
        *(figures.visits_known, figures.cost_per_visit),
    ]


def _fact_cells(fact: Fact) -> list[Any]:
    week = fact.week or {}
    fields = vars(fact) | {name: value.isoformat() if (value := getattr(fact, name)) else None for name in INSTANTS}
    fields |= {"regions": "; ".join(fact.regions), "categories": "; ".join(fact.categories)}
    fields |= {metric: fact.figures[metric] for metric in METRICS}
    fields |= {f"{metric}_week": week.get(metric) for metric in METRICS}
    return [fields[name] for name in FACT_COLUMNS]


def _csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield MARK + _line(names)
    for row in rows:
        yield _line(row)


def _line(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([cell(value) for value in cells])
    return line.getvalue()
