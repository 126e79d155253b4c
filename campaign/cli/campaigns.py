"""Campaigns, and the calendar that is planned of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from campaign.cli.announcement_table import show_announcements
from campaign.cli.arguments import Json, day_of
from campaign.cli.exit_codes import REFUSED
from campaign.cli.output import emit, err, out, show
from campaign.cli.session import opened, tell
from campaign.settings import SettingsError

verbs = typer.Typer(help="Campaigns: which places, where, when, with which approval.", no_args_is_help=True)
CampaignName = Annotated[str, typer.Argument(help="The campaign's name.")]


@verbs.command("apply")
def campaign_apply(
    file: Annotated[Path, typer.Argument(help="TOML file of the campaign.")], as_json: Json = False
) -> None:
    """Read a campaign file; applying it again updates the campaign."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"The campaign file {file} can't be read as UTF-8 text.") from None
    applied = opened().apply_campaign(text)
    if as_json:
        emit(applied)
    else:
        out.print(f"Kampagne {applied['name']} {'angelegt' if applied['new'] else 'aktualisiert'}.")


@verbs.command("list")
def campaign_list(as_json: Json = False) -> None:
    """List the campaigns."""
    found = opened().campaigns()
    if as_json:
        emit(found)
        return
    show(
        found,
        {"name": "Kampagne", "title": "Titel", "starts": "ab", "ends": "bis", "channels": "Kanäle", "paused": "hält"},
        "Noch keine Kampagne; `kreativorte campaign apply DATEI` legt eine an.",
    )


@verbs.command("show")
def campaign_show(name: CampaignName, as_json: Json = False) -> None:
    """Show one campaign as it is stored."""
    found = opened().campaign(name)
    if as_json:
        emit(found)
    else:
        out.print_json(data=found)


@verbs.command("pause")
def campaign_pause(name: CampaignName, as_json: Json = False) -> None:
    """Keep a campaign's announcements back."""
    _paused(name, True, as_json)


@verbs.command("resume")
def campaign_resume(name: CampaignName, as_json: Json = False) -> None:
    """Let a paused campaign go on."""
    _paused(name, False, as_json)


def _paused(name: str, paused: bool, as_json: bool) -> None:
    changed = opened().pause_campaign(name, paused)
    if as_json:
        emit(changed)
    else:
        out.print(f"Kampagne {name} {'angehalten' if paused else 'geht weiter'}.")


def plan(
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Last day, such as 2027-01-31.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be planned, keep nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Fill the calendar.

    To the end of each campaign, at most a year ahead, or until a day; planning twice plans nothing new.
    """
    outcome = opened().plan(day_of(until), dry_run=dry_run)
    if as_json:
        emit(outcome)
    else:
        show_announcements([*outcome["planned"], *outcome["held"]], "Nichts Neues zu planen.")
        for one in outcome["unplaced"]:
            channel = one["channel"] or tell("no_channel")
            err.print(tell("unplaced", one["step"], channel, one["place"], one["reason"]), markup=False)
        if dry_run:
            err.print("Probelauf: nichts wurde gespeichert.")
    if outcome["held"]:
        raise typer.Exit(REFUSED)
