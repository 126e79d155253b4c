"""`kreativorte report`: the figures of a period on the terminal, as JSON and as files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from campaign import reports
from campaign.app import App
from campaign.cli.arguments import Json
from campaign.cli.output import emit, out
from campaign.cli.session import opened
from campaign.desk import Refusal
from campaign.reports import exchange, wording
from campaign.reports.document import document
from campaign.reports.formats import Formats
from campaign.reports.values import SUMMED, By, Report, Row, Selection
from campaign.reports.workbook import workbook


def report(
    campaign: Annotated[str, typer.Option("--campaign", help='Only this campaign; "none": outside all.')] = "",
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day [the first that is known].")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day, included [today].")] = "",
    by: Annotated[By, typer.Option("--by", help="What the rows stand for.")] = By.campaign,
    step: Annotated[str, typer.Option("--step", help="Only this step.")] = "",
    channel: Annotated[str, typer.Option("--channel", help="Only this channel.")] = "",
    region: Annotated[str, typer.Option("--region", help='Only places of this region; "none": of no region.')] = "",
    category: Annotated[str, typer.Option("--category", help="Only places of this category.")] = "",
    place: Annotated[str, typer.Option("--place", metavar="ID", help="Only the place of this number.")] = "",
    variant: Annotated[str, typer.Option("--variant", metavar="N", help="Only this variant; the first is 0.")] = "",
    world: Annotated[str, typer.Option("--world", help="live or sandbox [live where there is a channel].")] = "",
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="F", help="Write the rows to this file.")] = None,
    xlsx_file: Annotated[
        Path | None, typer.Option("--xlsx", metavar="F", help="Write a workbook with every breakdown to this file.")
    ] = None,
    pdf_file: Annotated[
        Path | None, typer.Option("--pdf", metavar="F", help="Write a report to hand on to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what announcements brought.

    What went out in a period, how it was seen, compared with the period before; sums leave out what is not known.
    """
    app = opened()
    given = {"campaign": campaign, "from": first, "to": last, "step": step, "channel": channel, "region": region}
    given |= {"category": category, "place": place, "variant": variant, "world": world}
    selection = reports.selection_of(app, given)
    found, language = reports.report(app, selection), app.settings["language"]
    rows = reports.rows_by(app, found, by)
    if csv_file is not None:
        _write(csv_file, "".join(_csv(app, selection, by, rows)).encode())
    if xlsx_file is not None:
        _write(xlsx_file, workbook(found, language))
    if pdf_file is not None:
        _write(pdf_file, document(found, language, reports.log_extract(app)))
    if as_json:
        emit(exchange.report_json(found, rows, language))
    elif csv_file is None and xlsx_file is None and pdf_file is None:
        _print(found, rows, by, language)


def _csv(app: App, selection: Selection, by: By, rows: tuple[Row, ...]) -> Iterable[str]:
    return exchange.facts_csv(reports.posted(app, selection)) if by is By.announcement else exchange.rows_csv(rows)


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise Refusal("file_unwritable", file, error.strerror) from None


def _print(report: Report, rows: tuple[Row, ...], by: By, language: str) -> None:
    formats = Formats(language)
    out.print(" ".join(wording.summary(report, language)), markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(wording.dimension_name(by, language), overflow="fold")
    for name in ("posts", *SUMMED, "engagement_rate"):
        table.add_column(wording.metric_name(name, language), justify="right", overflow="fold")
    for row in rows:
        table.add_row(
            row.label,
            formats.number(row.figures.posts),
            *(formats.number(row.figures.metrics[metric]) for metric in SUMMED),
            formats.rate(row.figures.engagement_rate),
        )
    out.print()
    out.print(table)
    out.print()
    told = [wording.formula("engagement_rate", language), *(wording.note(code, language) for code in report.notes)]
    for line in told:
        out.print(line, markup=False, highlight=False)
