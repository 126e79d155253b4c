"""Engagement: figures are measured, visits taken over, samples deleted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from campaign import sampling, visits
from campaign.cli.arguments import Json
from campaign.cli.exit_codes import REFUSED
from campaign.cli.output import emit, err, out
from campaign.cli.session import opened, said, tell
from campaign.news import refusal

samples_verbs = typer.Typer(help="The engagement figures that were measured.", no_args_is_help=True)
visits_verbs = typer.Typer(help="Visits that the portal's own web statistics counted.", no_args_is_help=True)


def measure(
    everything: Annotated[bool, typer.Option("--all", help="Everything that is out, due or not.")] = False,
    as_json: Json = False,
) -> None:
    """Measure what is out, as far as it is due.

    Views, people reached, reactions, comments, shares and clicks are asked for; what is not told stays unknown.

    The daemon does so by itself; the budget of calls and money holds here, too. Ends with code 1 when a network could
    not be measured.
    """
    taken = sampling.measure_by_hand(opened(), everything)
    if as_json:
        emit({"sampled": taken.sampled, "skipped": taken.skipped, "failed": taken.failed, "gone": len(taken.gone)})
    else:
        out.print(tell("measured", taken.sampled, taken.skipped, taken.failed, len(taken.gone)), markup=False)
    if taken.failed or taken.skipped:
        raise typer.Exit(REFUSED)


@visits_verbs.command("import")
def visits_import(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Columns utm_content, visits and perhaps day.")],
    as_json: Json = False,
) -> None:
    """Take over visits that web statistics counted.

    They are told from others by the mark in our links.
    Matomo's export of campaign contents fits as it is. Bad rows are named and end with code 1; the others are taken.
    """
    taken = visits.import_file(opened(), file)
    rejected = [(number, refusal(error, said.language)) for number, error in taken.rejected]
    if as_json:
        told = [{"row": number, "reason": reason} for number, reason in rejected]
        emit({"read": taken.read, "kept": taken.kept, "rejected": told})
    else:
        out.print(tell("visits_taken", taken.read, taken.kept, len(rejected)), markup=False)
        for number, reason in rejected[: visits.SHOWN]:
            err.print(tell("visits_row", number, reason), markup=False)
    if rejected:
        raise typer.Exit(REFUSED)


@samples_verbs.command("purge")
def samples_purge(
    before: Annotated[
        datetime,
        typer.Option("--before", metavar="DATE", formats=["%Y-%m-%d"], help="What was taken before this day goes."),
    ],
    network: Annotated[str | None, typer.Option("--network", help="Only of this network.")] = None,
    as_json: Json = False,
) -> None:
    """Delete the figures taken before a day.

    A network may ask for that; the log tells that it was done.
    """
    app = opened()
    count = sampling.purge(app, before.replace(tzinfo=app.settings.zone), network)
    if as_json:
        emit({"purged": count})
    else:
        out.print(tell("samples_purged", count), markup=False)
