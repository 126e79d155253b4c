"""A new installation, and whether everything of an installation works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaign import initial
from campaign.app import App
from campaign.cli.arguments import Json
from campaign.cli.exit_codes import DONE, REFUSED
from campaign.cli.output import emit, out
from campaign.cli.session import opened, said, tell
from campaign.doctor import examine
from campaign.settings import SettingsError, load


def init(directory: Annotated[Path, typer.Argument(help="Where the files are written.")] = Path()) -> None:
    """Write configuration, key and database.

    Only what is missing is written; safe to repeat.
    """
    try:
        for line in initial.write(directory):
            out.print(line, markup=False)
    except OSError as error:
        raise SettingsError(f"Nothing can be written to {directory}: {error.strerror}.") from None
    app = App(load(str(directory / "kreativorte.toml")), actor=said.actor)
    app.prepare()
    out.print(f"Datenbank bereit: {app.database.name}")
    app.close()


def doctor(as_json: Json = False) -> None:
    """Say what works, what doesn't and what to do.

    Checks configuration, key, database, clock, brake, log, templates, channels, portals and open announcements;
    ends with code 1 when something is open.
    """
    app = opened()
    findings = [finding.to_json() for finding in examine(app)]
    if as_json:
        emit(findings)
    else:
        for one in findings:
            mark = f"[green]{tell('sound'):<6}[/]" if one["ok"] else f"[red]{tell('open'):<6}[/]"
            about = ": ".join(filter(None, (one["check"], one["subject"])))
            out.print(f"{mark} {escape(about)}", highlight=False)
            if one["advice"]:
                out.print(f"        {one['advice']}", highlight=False, markup=False)
    raise typer.Exit(DONE if all(one["ok"] for one in findings) else REFUSED)
