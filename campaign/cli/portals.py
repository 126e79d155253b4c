"""Portals: their places are read, and a CMS is recognised."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from campaign.cli.arguments import Json
from campaign.cli.exit_codes import DONE, REFUSED, UNREACHABLE, WRONG
from campaign.cli.output import emit, err, out
from campaign.cli.session import opened, said, tell

verbs = typer.Typer(help="Portals: the databases that places are read from.", no_args_is_help=True)


def pull(
    portal: Annotated[str | None, typer.Argument(help="Only this portal.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Compare the whole list (it always is).")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Let a stopped burst or loss pass.")] = False,
    as_json: Json = False,
) -> None:
    """Read the portals' places.

    Tells how many are new, changed, withdrawn or returned, and which rows were rejected, and why.

    A guard that stops a suspicious list ends with code 1, a portal that is down with code 3; the others are done.
    """
    app = opened()
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as bar:
        task = bar.add_task("Portale werden gelesen …", total=None)
        pulled = app.pull(
            portal,
            accept=accept,
            progress=lambda name, rows: bar.update(task, description=f"{name}: {rows} Zeilen gelesen"),
        )
    if as_json:
        emit([one.to_json(said.language) for one in pulled])
    for one in pulled:
        _tell_pulled(one.to_json(said.language), quiet=as_json)
    if any(one.unreachable for one in pulled):
        raise typer.Exit(UNREACHABLE)
    if any(one.problem for one in pulled):
        raise typer.Exit(WRONG)
    if any(one.stopped or one.counts.get("held") for one in pulled):
        raise typer.Exit(REFUSED)


def _tell_pulled(one: dict[str, Any], *, quiet: bool) -> None:
    if one["problem"] or one["stopped"]:
        err.print(f"{one['portal']}: {one['problem'] or one['stopped']}", markup=False)
        return
    if quiet:
        return
    out.print(
        f"{one['portal']}: {one['seen']} gelesen, {one['new']} neu, {one['changed']} geändert, "
        f"{one['unchanged']} unverändert, {one['withdrawn']} zurückgezogen, {one['returned']} zurückgekehrt, "
        f"{one['held']} angehalten, {len(one['rejected'])} abgewiesen"
    )
    for row in one["merged"]:
        out.print(f"  {tell('place_merged', row['name'], row['listed_in'])}", markup=False)
    for row in one["rejected"]:
        out.print(f"  {tell('row_rejected', row['id'], row['reason'])}", markup=False)


@verbs.command("guess")
def portal_guess(
    url: Annotated[str, typer.Argument(help="The database, such as mysql+pymysql://reader:PASSWORD@host/portal.")],
    as_json: Json = False,
) -> None:
    """Recognise a CMS and propose its block.

    The block is for kreativorte.toml. Looks only, and writes nothing. The password never stands in the proposal.

    Ends with code 1 when nothing was recognised, with code 3 when the database can't be reached.
    """
    found = opened().guess_portal(url)
    if as_json:
        emit({"kind": found.kind, "block": found.block})
    else:
        err.print(tell(f"guessed_{found.kind}"), markup=False)
        out.print(found.block, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(DONE if found.block else REFUSED)
