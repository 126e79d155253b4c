"""The append-only log of everything that happened."""

from __future__ import annotations

import json
import re
import sys
import time as clock_time
from typing import Annotated, Any

import typer

from campaign.cli.arguments import LARGEST_ID, Json
from campaign.cli.exit_codes import REFUSED
from campaign.cli.output import emit, err, out
from campaign.cli.session import opened, tell
from campaign.settings import SettingsError

verbs = typer.Typer(help="The append-only log of everything that happened.", invoke_without_command=True)
HEAD = re.compile(r"\d{1,18}:[0-9a-f]*")
FOLLOW_SECONDS = 0.5


@verbs.callback()
def log(
    context: typer.Context,
    announcement: Annotated[
        int | None, typer.Option("--announcement", metavar="ID", help="Only this one.", min=1, max=LARGEST_ID)
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as entries come.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines.")] = False,
) -> None:
    """Show the log."""
    if context.invoked_subcommand is not None:
        return
    app = opened()
    entries = app.log_entries(announcement)
    _print_entries(entries, as_json)
    # Entries that another process is sealing at this moment have no number yet: they come again with it.
    shown = {one["id"] for one in entries if one["seq"] is None}
    last = max((one["seq"] or 0 for one in entries), default=0)
    while follow:
        clock_time.sleep(FOLLOW_SECONDS)
        new = app.log_entries(announcement, after_seq=last)
        _print_entries([one for one in new if one["id"] not in shown], as_json)
        last = max((one["seq"] for one in new), default=last)


def _print_entries(entries: list[dict[str, Any]], as_json: bool) -> None:
    for one in entries:
        if as_json:
            sys.stdout.write(json.dumps(one, ensure_ascii=False) + "\n")
        else:
            parts = [
                one["at"][:19].replace("T", " "),
                one["event"],
                one["channel"],
                one["permalink"],
                one["actor_name"],
            ]
            number = f"#{one['announcement']}" if one["announcement"] else ""
            out.print(
                f"{one['seq'] or '':>5} {number:>5} {'  '.join(filter(None, parts))}", markup=False, highlight=False
            )
    sys.stdout.flush()


@verbs.command("verify")
def log_verify(
    head: Annotated[
        str | None, typer.Option("--head", metavar="SEQ:HASH", help="An earlier head kept elsewhere.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Seal what is new, then recompute the whole chain."""
    if head is not None and not HEAD.fullmatch(head):
        raise SettingsError("--head takes SEQ:HASH, as `kreativorte log verify` prints it.")
    checked = opened().verify_log(head)
    if as_json:
        emit({"entries": checked.entries, "ok": checked.ok, "first_bad": checked.first_bad, "head": checked.head})
    elif checked.ok:
        out.print(f"Das Protokoll ist unverändert: {checked.entries} Einträge, Kopf {checked.head}")
    else:
        err.print(tell("log_broken", checked.first_bad), markup=False)
    if not checked.ok:
        raise typer.Exit(REFUSED)
