"""The command line: the same verbs as the pages. JSON alone goes to standard output, everything else beside it."""

from __future__ import annotations

import json
import os
import re
import sys
import time as clock_time
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from campaign import atlas, feeds, initial, mailing_command, report_command, review, sampling, templating, visits, web
from campaign.access import SCOPES
from campaign.app import App, OutOfRhythm
from campaign.campaigns import CampaignError
from campaign.db import DatabaseUnreachable, SecondDaemon
from campaign.desk import Entry, ImportRefused, Refusal, read_instant
from campaign.doctor import examine
from campaign.news import advice, problem_of_file, refusal, sentence
from campaign.portals.portal import PortalError, PortalUnreachable
from campaign.roles import Role
from campaign.settings import Settings, SettingsError, load
from campaign.store import Unknown
from posts.accounts import KeyProblem
from posts.errors import Explained, Outcome, SignedOut, Unreachable
from posts.sandbox.server import SandboxUnusable
from posts.sandbox.server import serve as serve_sandbox
from posts.sandbox.state import StateFileUnusable
from posts.states import State

DONE, REFUSED, WRONG, UNREACHABLE = 0, 1, 2, 3
# Beyond every number that is ever given, and within what the databases can count.
LARGEST_ID = 999_999_999
# Years that dates on the command line may name: beyond them calendars and time zones can't be calculated with.
FIRST_YEAR, LAST_YEAR = 2000, 2199
HEAD = re.compile(r"\d{1,18}:[0-9a-f]*")
FOLLOW_SECONDS = 0.5
LONGEST_IDLE = 10 * 365 * 86400

RunDaemon = Callable[[App, float | None], int]
RunDemo = Callable[[int | None, bool], int]

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


class StateName(StrEnum):
    """The states as an option takes them."""

    draft = "draft"
    approved = "approved"
    held = "held"
    queued = "queued"
    sending = "sending"
    posted = "posted"
    refused = "refused"
    unknown = "unknown"
    in_doubt = "in_doubt"
    missed = "missed"
    cancelled = "cancelled"


class _State:
    """What the options before the verb said, and the language of the configuration that they named."""

    config: str | None = None
    actor: str | None = None
    language: str = "de"


_said = _State()
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]
Ids = Annotated[list[int], typer.Argument(help="Numbers of announcements.", min=1, max=LARGEST_ID)]
OneId = Annotated[int, typer.Argument(metavar="ID", help="The announcement's number.", min=1, max=LARGEST_ID)]
Time = Annotated[str, typer.Option("--at", metavar="TIME", help="ISO 8601; without offset in the house's zone.")]
ImageFile = Annotated[Path | None, typer.Option("--image", help="JPEG or PNG file; --alt and --credit belong to it.")]
Alt = Annotated[str, typer.Option("--alt", help="What the picture shows, for those who don't see it.")]
Credit = Annotated[str, typer.Option("--credit", help="Whose picture it is.")]
CampaignName = Annotated[str, typer.Argument(help="The campaign's name.")]

cli = typer.Typer(
    help="Kreativorte-Kampagnen: announces newly published places on Facebook and X: once, at their time, or "
    "somebody is told why not.\n\nExit codes: 0 done; 1 something was refused or held; 2 usage or configuration "
    "error; 3 a needed service can't be reached.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
channel_verbs = typer.Typer(help="Channels: one account on one network each.", no_args_is_help=True)
portal_verbs = typer.Typer(help="Portals: the databases that places are read from.", no_args_is_help=True)
place_verbs = typer.Typer(help="What is decided about single places.", no_args_is_help=True)
campaign_verbs = typer.Typer(help="Campaigns: which places, where, when, with which approval.", no_args_is_help=True)
announcement_verbs = typer.Typer(help="Single announcements: add, edit, decide, settle.", no_args_is_help=True)
template_verbs = typer.Typer(help="Post templates.", no_args_is_help=True)
samples_verbs = typer.Typer(help="The engagement figures that were measured.", no_args_is_help=True)
visits_verbs = typer.Typer(help="Visits that the portal's own web statistics counted.", no_args_is_help=True)
user_verbs = typer.Typer(help="Who may use the pages, in which role.", no_args_is_help=True)
log_verbs = typer.Typer(help="The append-only log of everything that happened.", invoke_without_command=True)
cli.add_typer(portal_verbs, name="portal")
cli.add_typer(place_verbs, name="place")
cli.add_typer(channel_verbs, name="channel")
cli.add_typer(campaign_verbs, name="campaign")
cli.add_typer(announcement_verbs, name="announcement")
cli.add_typer(template_verbs, name="template")
cli.add_typer(log_verbs, name="log")
cli.add_typer(samples_verbs, name="samples")
cli.add_typer(visits_verbs, name="visits")
cli.add_typer(user_verbs, name="user")


@cli.callback()
def _before(
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Configuration file [./kreativorte.toml].")
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Who acts; else $KREATIVORTE_USER, else cli:LOGIN.")
    ] = None,
) -> None:
    _said.config, _said.actor, _said.language = config, actor, "de"


def settings() -> Settings:
    """The configuration that the options named."""
    loaded = load(_said.config)
    _said.language = loaded["language"]
    return loaded


def tell(word: str, *details: object) -> str:
    """A line of `news` in the house's language."""
    return advice(_said.language, word, *details)


def opened() -> App:
    """The application, its database ready."""
    app = App(settings(), actor=_said.actor)
    app.prepare()
    return app


def emit(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show(rows: list[dict[str, Any]], columns: dict[str, str], empty: str) -> None:
    """A table for people."""
    if not rows:
        out.print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns.values():
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    out.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "ja" if value else ""
    return "" if value is None else str(value)


# --- set-up ----------------------------------------------------------------------------------------------------


@cli.command()
def init(directory: Annotated[Path, typer.Argument(help="Where the files are written.")] = Path()) -> None:
    """Write configuration, key and database.

    Only what is missing is written; safe to repeat.
    """
    try:
        for line in initial.write(directory):
            out.print(line, markup=False)
    except OSError as error:
        raise SettingsError(f"Nothing can be written to {directory}: {error.strerror}.") from None
    app = App(load(str(directory / "kreativorte.toml")), actor=_said.actor)
    app.prepare()
    out.print(f"Datenbank bereit: {app.database.name}")
    app.close()


@cli.command()
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


# --- portals -----------------------------------------------------------------------------------------------------


@cli.command()
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
        emit([one.to_json(_said.language) for one in pulled])
    for one in pulled:
        _tell_pulled(one.to_json(_said.language), quiet=as_json)
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


@portal_verbs.command("guess")
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


PLACE_COLUMNS = {
    "id": "Nr.",
    "name": "Ort",
    "town": "Gemeinde",
    "regions": "Regionen",
    "portal": "Portal",
    "published_at": "veröffentlicht",
    "note": "Bemerkung",
}


def _show_places(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        emit(found)
        return
    rows = [one | {"published_at": one["published_at"][:10], "note": _note_of(one)} for one in found]
    # On a narrow terminal each column costs the names their room.
    idle = {"portal"} if len({row["portal"] for row in rows}) < 2 else set()
    idle |= set() if any(row["note"] for row in rows) else {"note"}
    show(
        rows,
        {name: title for name, title in PLACE_COLUMNS.items() if name not in idle},
        "Noch keine Orte; `kreativorte pull` liest sie.",
    )


def _note_of(place: dict[str, Any]) -> str:
    """What staff must know of a place that is not simply announced."""
    if place["same_as"]:
        return tell("place_listed_twice", place["same_as"])
    if place["withdrawn"]:
        return tell(f"gone_{place['gone']}" if place["gone"] else "gone")
    if place["skipped"]:
        return tell("place_skipped")
    return tell("place_held") if place["held"] else ""


@cli.command()
def places(as_json: Json = False) -> None:
    """List the imported places."""
    _show_places(opened().places(), as_json)


@place_verbs.command("merge")
def place_merge(
    place: Annotated[int, typer.Argument(help="The place's number.")],
    first: Annotated[int, typer.Argument(help="The number of the place, in another portal, that it is.")],
    as_json: Json = False,
) -> None:
    """Say that two portals list one place.

    It is announced once, with what the other portal says of it. What was planned for the first one named is cancelled,
    and planned anew only after `separate`.
    """
    _show_places(opened().merge_places(place, first), as_json)


@place_verbs.command("separate")
def place_separate(
    place: Annotated[int, typer.Argument(help="The place's number.")],
    as_json: Json = False,
) -> None:
    """Say that a place is one of its own.

    It was taken for a place of another portal; from now on it is announced by itself.
    """
    _show_places(opened().separate_place(place), as_json)


PlaceId = Annotated[int, typer.Argument(metavar="ID", help="The place's number.", min=1, max=LARGEST_ID)]


def _show_place(app: App, place: int, as_json: bool) -> None:
    _show_places([one for one in app.places() if one["id"] == place], as_json)


@place_verbs.command("skip")
def place_skip(
    place: PlaceId,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the log.")] = "",
    as_json: Json = False,
) -> None:
    """Announce a place no more.

    What is planned of it is cancelled; nothing is planned until `unskip`. What is out stays.
    """
    app = opened()
    atlas.skip(app, place, reason.strip())
    _show_place(app, place, as_json)


@place_verbs.command("unskip")
def place_unskip(place: PlaceId, as_json: Json = False) -> None:
    """Announce a place again that was left out.

    The next planning plans anew what was cancelled for it; what went out before is not repeated.
    """
    app = opened()
    atlas.unskip(app, place)
    _show_place(app, place, as_json)


@place_verbs.command("again")
def place_again(place: PlaceId, as_json: Json = False) -> None:
    """Announce a place once more.

    From the first step on, in every running campaign that takes it; nothing of it may still be planned.
    """
    app = opened()
    atlas.announce_again(app, place)
    _show_place(app, place, as_json)


@place_verbs.command("accept")
def place_accept(place: PlaceId, as_json: Json = False) -> None:
    """Let one place pass that waits for a person.

    `pull --accept` lets all of them pass.
    """
    app = opened()
    atlas.accept_place(app, place)
    _show_place(app, place, as_json)


# --- channels ------------------------------------------------------------------------------------------------------

CHANNEL_COLUMNS = {
    "name": "Kanal",
    "network": "Netzwerk",
    "account": "Konto",
    "world": "Welt",
    "regions": "Regionen",
    "paused": "angehalten",
}


def _show_channels(found: list[dict[str, Any]], as_json: bool, *, single: bool = False) -> None:
    if as_json:
        emit(found[0] if single else found)
    else:
        _list_channels(found)
    if any(one["problems"] for one in found):
        raise typer.Exit(REFUSED)


def _list_channels(found: list[dict[str, Any]]) -> None:
    show(found, CHANNEL_COLUMNS, "Noch keine Kanäle; `kreativorte channel add` legt einen an.")
    for one in found:
        for problem in one["problems"]:
            out.print(f"{one['name']}: {problem}", markup=False, highlight=False)


@channel_verbs.command("add")
def channel_add(
    name: Annotated[str, typer.Argument(help="The channel's name here, such as altmark-x.")],
    network: Annotated[str, typer.Option("--network", help="facebook or twitter.")],
    account: Annotated[str, typer.Option("--account", help="The account's id on the network.")],
    credentials: Annotated[str, typer.Option("--credentials", help="JSON file with tokens; - reads standard input.")],
    region: Annotated[list[str] | None, typer.Option("--region", help="A region it belongs to; repeatable.")] = None,
    api_base: Annotated[str | None, typer.Option("--api-base", help="Another address of the network.")] = None,
    as_json: Json = False,
) -> None:
    """Store a channel and check it.

    The network is asked about it; what is wrong stands in `problems` (exit code 1).
    """
    tokens = _read_credentials(credentials)
    added = opened().add_channel(name, network, account, region or [], api_base, tokens)
    _show_channels([added], as_json, single=True)


def _read_credentials(source: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        tokens = json.loads(text)
    except OSError as error:
        raise SettingsError(f"The credentials file {source} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise SettingsError("The credentials are not valid JSON.") from None
    if not isinstance(tokens, dict):
        raise SettingsError("The credentials must be a JSON object.")
    return tokens


@channel_verbs.command("list")
def channel_list(as_json: Json = False) -> None:
    """List the channels as last checked."""
    found = opened().channels()
    if as_json:
        emit(found)
    else:
        _list_channels(found)


@channel_verbs.command("check")
def channel_check(
    names: Annotated[list[str] | None, typer.Argument(help="Only these channels.")] = None, as_json: Json = False
) -> None:
    """Ask the networks whether the accounts are usable."""
    _show_channels(opened().check_channels(names or []), as_json)


def _channel_verb(verb: str, sentence_: str) -> None:
    def act(
        name: Annotated[str, typer.Argument(help="The channel's name.")],
        as_json: Json = False,
    ) -> None:
        changed = opened().set_channel(name, verb)
        if as_json:
            emit(changed)
        else:
            out.print(f"{name}: {sentence_}")

    act.__doc__ = {
        "pause": "Keep a channel silent; what is due there waits.",
        "resume": "Let a paused channel go on.",
        "remove": "Take a channel away; its log stays.",
    }[verb]
    channel_verbs.command(verb)(act)


_channel_verb("pause", "angehalten")
_channel_verb("resume", "geht weiter")
_channel_verb("remove", "entfernt")


# --- campaigns and planning ------------------------------------------------------------------------------------------


@campaign_verbs.command("apply")
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


@campaign_verbs.command("list")
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


@campaign_verbs.command("show")
def campaign_show(name: CampaignName, as_json: Json = False) -> None:
    """Show one campaign as it is stored."""
    found = opened().campaign(name)
    if as_json:
        emit(found)
    else:
        out.print_json(data=found)


@campaign_verbs.command("pause")
def campaign_pause(name: CampaignName, as_json: Json = False) -> None:
    """Keep a campaign's announcements back."""
    _paused(name, True, as_json)


@campaign_verbs.command("resume")
def campaign_resume(name: CampaignName, as_json: Json = False) -> None:
    """Let a paused campaign go on."""
    _paused(name, False, as_json)


def _paused(name: str, paused: bool, as_json: bool) -> None:
    changed = opened().pause_campaign(name, paused)
    if as_json:
        emit(changed)
    else:
        out.print(f"Kampagne {name} {'angehalten' if paused else 'geht weiter'}.")


@cli.command()
def plan(
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Last day, such as 2027-01-31.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be planned, keep nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Fill the calendar.

    To the end of each campaign, at most a year ahead, or until a day; planning twice plans nothing new.
    """
    outcome = opened().plan(_day(until), dry_run=dry_run)
    if as_json:
        emit(outcome)
    else:
        _show_announcements([*outcome["planned"], *outcome["held"]], "Nichts Neues zu planen.")
        for one in outcome["unplaced"]:
            channel = one["channel"] or tell("no_channel")
            err.print(tell("unplaced", one["step"], channel, one["place"], one["reason"]), markup=False)
        if dry_run:
            err.print("Probelauf: nichts wurde gespeichert.")
    if outcome["held"]:
        raise typer.Exit(REFUSED)


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{text!r} is not a day; write for example 2027-01-31.") from None
    if day is not None:
        _check_year(day)
    return day


def _check_year(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise SettingsError(f"The year {day.year} is out of reach; write one from {FIRST_YEAR} to {LAST_YEAR}.")


# --- announcements ---------------------------------------------------------------------------------------------------

ANNOUNCEMENT_COLUMNS = {"id": "Nr.", "at": "Termin", "channel": "Kanal", "state": "Stand", "what": "Beitrag"}


def _show_announcements(found: list[dict[str, Any]], empty: str) -> None:
    rows = [one | {"at": one["at"][:16].replace("T", " "), "what": _what(one)} for one in found]
    show(rows, ANNOUNCEMENT_COLUMNS, empty)


def _what(one: dict[str, Any]) -> str:
    name = one["place_name"] or " ".join((one["text"] or "").split())[:50]
    step = f"{one['step']}: " if one["step"] else ""
    told = one["hold_reason"] or " ".join(dict.fromkeys(one["problems"]))
    return step + name + (f" – {told}" if told else "") + (f" – {one['permalink']}" if one["permalink"] else "")


@cli.command()
def announcements(
    state: Annotated[StateName | None, typer.Option("--state", help="Only in this state.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day, included.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Only this channel.")] = None,
    ics: Annotated[bool, typer.Option("--ics", help="iCalendar on standard output.")] = False,
    as_json: Json = False,
) -> None:
    """Show the calendar as a list."""
    app = opened()
    found = app.announcements(
        states=[State(state.value)] if state else None, channel=channel, **app.days(_day(first), _day(last))
    )
    if ics:
        sys.stdout.write(feeds.icalendar(found))
    elif as_json:
        emit(found)
    else:
        _show_announcements(found, "Der Kalender ist leer.")


def _image(file: Path | None, alt: str, credit: str) -> tuple[Path, str, str] | None:
    return (file, alt, credit) if file is not None else None


@announcement_verbs.command("add")
def announcement_add(
    channel: Annotated[str, typer.Option("--channel", help="Where it goes out.")],
    at: Time,
    text: Annotated[str, typer.Option("--text", help="What it says.")],
    link: Annotated[str | None, typer.Option("--link", help="The http(s) address it points to.")] = None,
    image: ImageFile = None,
    alt: Alt = "",
    credit: Credit = "",
    approve: Annotated[bool, typer.Option("--approve", help="Approved at once.")] = False,
    as_json: Json = False,
) -> None:
    """Add one free announcement.

    It starts as a draft without --approve.
    """
    app = opened()
    entry = Entry(channel, _instant(at, app), text, link)
    _show_one(app.add_announcement(entry, _image(image, alt, credit), approve=approve), as_json)


def _instant(text: str, app: App) -> datetime:
    try:
        instant = read_instant(text, app.settings.zone)
    except Refusal as wrong:
        raise SettingsError(refusal(wrong, _said.language)) from None
    _check_year(instant)
    return instant


def _show_one(one: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit(one)
    else:
        _show_announcements([one], "")


@announcement_verbs.command("import")
def announcement_import(
    file: Annotated[Path, typer.Argument(help="CSV file, UTF-8, separated by comma or semicolon.")],
    approve: Annotated[bool, typer.Option("--approve", help="Approved at once.")] = False,
    as_json: Json = False,
) -> None:
    """Import free announcements from a CSV file.

    Its columns are channel,at,text,link,image,alt,credit. All rows are taken or none; every bad one is named.
    """
    rejected: list[dict[str, Any]] = []
    try:
        count = opened().import_announcements(file, approve=approve)
    except ImportRefused as refused:
        count = 0
        rejected = [{"row": row, "reason": refusal(wrong, _said.language)} for row, wrong in refused.rows]
    if as_json:
        emit({"imported": count, "rejected": rejected})
    else:
        for one in rejected:
            err.print(tell("row_refused", one["row"], one["reason"]), markup=False)
        out.print(f"{count} Beiträge übernommen.")
    if rejected:
        raise typer.Exit(REFUSED)


@announcement_verbs.command("show")
def announcement_show(ids: Ids, as_json: Json = False) -> None:
    """Show announcements whole."""
    found = opened().show(ids)
    if as_json:
        emit(found)
        return
    for one in found:
        _show_announcements([one], "")
        out.print(one["sent_text"] or one["text"], markup=False, highlight=False)


def _decision(verb: str, help_: str) -> None:
    def act(ids: Ids, as_json: Json = False) -> None:
        changed = opened().decide(verb, ids)
        if as_json:
            emit(changed)
        else:
            _show_announcements(changed, "")

    act.__doc__ = help_
    announcement_verbs.command(verb)(act)


_decision("approve", "Approve drafts; under four eyes two persons (--as) are needed.")
_decision("hold", "Keep announcements back until they are released.")
_decision("release", "Let held announcements go on.")
_decision("cancel", "Cancel; while a call is under way the wish is remembered.")
_decision("retry", "Send refused announcements again.")


@announcement_verbs.command("edit")
def announcement_edit(
    announcement_id: OneId,
    text: Annotated[str | None, typer.Option("--text", help="The new text.")] = None,
    link: Annotated[str | None, typer.Option("--link", help="Empty takes the link away.")] = None,
    image: ImageFile = None,
    alt: Alt = "",
    credit: Credit = "",
    no_image: Annotated[bool, typer.Option("--no-image", help="Go out without a picture.")] = False,
    as_json: Json = False,
) -> None:
    """Change text, link or picture.

    Possible until it goes out; an approval is withdrawn by that.
    """
    if image is not None and no_image:
        raise SettingsError("--image and --no-image exclude each other.")
    changed = opened().edit(announcement_id, text=text, link=link, image=_image(image, alt, credit), no_image=no_image)
    _show_one(changed, as_json)


@announcement_verbs.command("move")
def announcement_move(
    announcement_id: OneId,
    at: Time,
    force: Annotated[bool, typer.Option("--force", help="Also where the rhythm does not permit it.")] = False,
    as_json: Json = False,
) -> None:
    """Give an announcement another instant and pin it there."""
    app = opened()
    _show_one(app.move(announcement_id, _instant(at, app).isoformat(), force=force), as_json)


@announcement_verbs.command("settle")
def announcement_settle(
    announcement_id: OneId,
    found: Annotated[
        str | None, typer.Option("--found", metavar="REMOTE_ID", help="It is there, under this id.")
    ] = None,
    absent: Annotated[bool, typer.Option("--absent", help="It is not there: send it again.")] = False,
    as_json: Json = False,
) -> None:
    """Settle a doubt."""
    if (found is None) == (not absent):
        raise SettingsError("Say either --found REMOTE_ID or --absent.")
    _show_one(opened().settle(announcement_id, found), as_json)


@announcement_verbs.command("correct")
def announcement_correct(
    announcement_id: OneId,
    text: Annotated[str, typer.Option("--text", help="The new text.")],
    as_json: Json = False,
) -> None:
    """Change the text of what is out.

    Only where the network allows it (Facebook).
    """
    _show_one(opened().correct(announcement_id, text), as_json)


@announcement_verbs.command("withdraw")
def announcement_withdraw(
    announcement_id: OneId,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the log.")],
    as_json: Json = False,
) -> None:
    """Delete what is out on its network.

    Where that is refused, the permalink for doing it by hand is shown.
    """
    app = opened()
    try:
        _show_one(app.withdraw(announcement_id, reason), as_json)
    except Outcome:
        err.print(tell("delete_by_hand", app.show([announcement_id])[0]["permalink"]), markup=False)
        raise


@announcement_verbs.command("comment")
def announcement_comment(
    announcement_id: OneId,
    text: Annotated[str, typer.Option("--text", help="What is said.")],
    as_json: Json = False,
) -> None:
    """Say something about it to whoever works on it."""
    app = opened()
    review.comment(app, announcement_id, text)
    _show_one(app.show([announcement_id])[0], as_json)


@announcement_verbs.command("send-back")
def announcement_send_back(
    announcement_id: OneId,
    comment: Annotated[str, typer.Option("--comment", help="What is to be changed.")],
    as_json: Json = False,
) -> None:
    """Withdraw the approvals and say what to change."""
    app = opened()
    review.send_back(app, announcement_id, comment)
    _show_one(app.show([announcement_id])[0], as_json)


@announcement_verbs.command("now")
def announcement_now(announcement_id: OneId, as_json: Json = False) -> None:
    """Approve it and send it at once.

    Whatever the rhythm says. Under four eyes another person must have approved before.
    """
    app = opened()
    review.post_now(app, announcement_id)
    _show_one(app.show([announcement_id])[0], as_json)


# --- templates -----------------------------------------------------------------------------------------------------


TEMPLATE_COLUMNS = {
    "network": "Netzwerk",
    "name": "Vorlage",
    "number": "Fassung",
    "revision": "Kennung",
    "saved_by": "von",
    "saved_at": "vom",
}
REVISION_COLUMNS = {
    "number": "Fassung",
    "active": "in Gebrauch",
    "revision": "Kennung",
    "saved_by": "von",
    "saved_at": "vom",
    "note": "Notiz",
}
TemplateName = Annotated[str, typer.Argument(help="The template's name, such as vorstellung.")]
Network = Annotated[str, typer.Option("--network", help="facebook or twitter.")]


@template_verbs.command("list")
def template_list(as_json: Json = False) -> None:
    """List the post templates with their revisions."""
    found = opened().template_list()
    if as_json:
        emit(found)
    else:
        show(found, TEMPLATE_COLUMNS, "Keine Vorlagen.")


@template_verbs.command("check")
def template_check(as_json: Json = False) -> None:
    """Fill every template for a short, a long and an empty place."""
    found = opened().template_check()
    if as_json:
        emit(found)
    else:
        show(found, {"network": "Netzwerk", "name": "Vorlage", "problems": "Probleme"}, "Keine Vorlagen.")
    if any(one["problems"] for one in found):
        raise typer.Exit(REFUSED)


@template_verbs.command("preview")
def template_preview(
    name: TemplateName,
    network: Network,
    place: Annotated[
        int | None, typer.Option("--place", help="The place's number; else a sample.", min=1, max=LARGEST_ID)
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a template filled for a place."""
    found = opened().template_preview(name, network, place)
    if as_json:
        emit(found)
    else:
        out.print(found["text"], markup=False, highlight=False)
        err.print(f"{found['length']} von {found['room']} Zeichen", markup=False)
        for problem in found["problems"]:
            err.print(problem, markup=False)
    if found["problems"]:
        raise typer.Exit(REFUSED)


@template_verbs.command("revisions")
def template_revisions(name: TemplateName, network: Network, as_json: Json = False) -> None:
    """List a template's revisions, the newest first.

    Number 0 is the shipped file.
    """
    _show_revisions(opened(), network, name, as_json)


def _show_revisions(app: App, network: str, name: str, as_json: bool) -> None:
    found = templating.revisions(app, network, name)
    if as_json:
        emit(found)
    else:
        show(found, REVISION_COLUMNS, "Keine Fassungen.")


@template_verbs.command("show")
def template_show(
    name: TemplateName,
    network: Network,
    revision: Annotated[
        int | None, typer.Option("--revision", help="Its number; 0: the shipped file; else the one in use.", min=0)
    ] = None,
) -> None:
    """Print a template's text, as it can be edited and saved again."""
    template = templating.work_on(opened(), network, name)
    chosen = template.used if revision is None else template.revision(revision)
    if chosen is None:
        raise Unknown("template_revision_unknown", revision or "", name)
    sys.stdout.write(chosen.text)


@template_verbs.command("save")
def template_save(
    name: TemplateName,
    network: Network,
    file: Annotated[str, typer.Argument(help="The text; - reads standard input.")],
    note: Annotated[str, typer.Option("--note", help="What is different, for the log.")] = "",
    use: Annotated[bool, typer.Option("--use", help="Fill announcements with it from now on.")] = False,
    as_json: Json = False,
) -> None:
    """Save a text as a template's newest revision.

    With --use, planned announcements that nobody touched are filled anew; a text that can't be used is refused.
    """
    app = opened()
    text = _read_template(file)
    base = templating.work_on(app, network, name).newest
    templating.save(app, network, name, text, note, base=base, use=use)
    _show_revisions(app, network, name, as_json)


def _read_template(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"The file {source} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The file {source} is not UTF-8.") from None


@template_verbs.command("use")
def template_use(
    name: TemplateName,
    network: Network,
    revision: Annotated[int, typer.Option("--revision", help="Its number; 0: the shipped file.", min=0)],
    as_json: Json = False,
) -> None:
    """Fill announcements with a revision from now on.

    Planned announcements that nobody touched are filled anew.
    """
    app = opened()
    templating.activate(app, network, name, revision)
    _show_revisions(app, network, name, as_json)


@template_verbs.command("copy")
def template_copy(
    name: TemplateName,
    network: Network,
    new: Annotated[str, typer.Argument(help="The new template's name.")],
    to: Annotated[str | None, typer.Option("--to", help="The new template's network; else the same.")] = None,
    as_json: Json = False,
) -> None:
    """Make a new template from another one, as a draft."""
    app = opened()
    templating.copy(app, network, name, None, to or network, new)
    _show_revisions(app, to or network, new, as_json)


# --- the brake, the log ----------------------------------------------------------------------------------------------


@cli.command("stop-all")
def stop_all(reason: Annotated[str, typer.Option("--reason", help="Why, for the log.")] = "") -> None:
    """Pull the emergency brake on all channels.

    The brake takes hold at once. Then this waits for calls that were under way, at most as long as one may last. Once
    it returns, no new post begins, but for those that it names as not ended (code 1). `kreativorte go` releases it.
    """
    app = opened()
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True, disable=not err.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)
        app.stop_all(reason, progress=lambda count: bar.update(task, description=tell("calls_end", count)))
    out.print("Die Notbremse ist gezogen: nichts geht mehr hinaus. `kreativorte go` löst sie.")


@cli.command()
def go() -> None:
    """Release the emergency brake."""
    opened().set_brake(False)
    out.print("Die Notbremse ist gelöst.")


@log_verbs.callback()
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


@log_verbs.command("verify")
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


# --- engagement ------------------------------------------------------------------------------------------------------


@cli.command()
def measure(
    everything: Annotated[bool, typer.Option("--all", help="Everything that is out, due or not.")] = False,
    as_json: Json = False,
) -> None:
    """Take the samples that are due: views, reactions, comments, shares and clicks of what is out.

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
    """Take over visits that the portal's own web statistics counted, by the mark in our links.

    Matomo's export of campaign contents fits as it is. Bad rows are named and end with code 1; the others are taken.
    """
    taken = visits.import_file(opened(), file)
    rejected = [(number, refusal(error, _said.language)) for number, error in taken.rejected]
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
    before: Annotated[datetime, typer.Option("--before", metavar="DATE", formats=["%Y-%m-%d"])],
    network: Annotated[str | None, typer.Option("--network", help="Only of this network.")] = None,
    as_json: Json = False,
) -> None:
    """Delete the figures that were taken before a day, as a network may ask for. The log tells that it was done."""
    app = opened()
    count = sampling.purge(app, before.replace(tzinfo=app.settings.zone), network)
    if as_json:
        emit({"purged": count})
    else:
        out.print(tell("samples_purged", count), markup=False)


# --- users of the pages ----------------------------------------------------------------------------------------------

UserName = Annotated[str, typer.Argument(metavar="NAME", help="The person's name, as it stands in the log.")]
UserRole = Annotated[Role, typer.Option("--role", help="Each role may do what those before it may.")]
Email = Annotated[str | None, typer.Option("--email", help="Where the person gets mail.")]


def _invite(app: App, name: str) -> str:
    """The address of a one-time link by which somebody sets the password."""
    return f"{web.address_of(app, '127.0.0.1', web.PORT)}/zugang/{app.access.link(app.actor_name, name)}"


@user_verbs.command("add")
def user_add(name: UserName, role: UserRole, email: Email = None, as_json: Json = False) -> None:
    """Give somebody access to the pages.

    Prints a one-time link, good for three days, by which the person sets a password.
    """
    app = opened()
    added = app.access.add(app.actor_name, name, role, email)
    _show_user(added.to_json() | {"link": _invite(app, name)}, as_json)


def _show_user(user: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit(user)
        return
    out.print(f"{user['name']}: {user['role']}{' (gesperrt)' if user['disabled'] else ''}", markup=False)
    if "link" in user:
        out.print(f"Einmal-Link für das Passwort, drei Tage gültig: {user['link']}", markup=False, highlight=False)


@user_verbs.command("list")
def user_list(as_json: Json = False) -> None:
    """List who has access."""
    found = [one.to_json() for one in opened().access.users()]
    if as_json:
        emit(found)
        return
    show(
        found,
        {"name": "Name", "role": "Rolle", "email": "E-Mail", "disabled": "gesperrt", "signed_in_at": "angemeldet"},
        "Noch keine Zugänge; `kreativorte user add` legt einen an.",
    )


@user_verbs.command("change")
def user_change(
    name: UserName,
    role: Annotated[Role | None, typer.Option("--role", help="The new role.")] = None,
    email: Email = None,
    disabled: Annotated[
        bool | None, typer.Option("--disabled/--enabled", help="Whether signing in is refused.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change role or e-mail address, disable or enable somebody."""
    app = opened()
    changed = app.access.change(app.actor_name, name, role=role, email=email, disabled=disabled)
    _show_user(changed.to_json(), as_json)


@user_verbs.command("passwd")
def user_passwd(
    name: UserName,
    from_input: Annotated[
        bool, typer.Option("--stdin", help="Take the password from standard input instead of making a link.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let somebody set a new password by a one-time link.

    The old one is good until then.
    """
    app = opened()
    if from_input:
        app.access.set_password(app.actor_name, name, sys.stdin.readline().rstrip("\r\n"))
        _show_user(app.access.user(name).to_json(), as_json)
    else:
        _show_user(app.access.user(name).to_json() | {"link": _invite(app, name)}, as_json)


@user_verbs.command("remove")
def user_remove(
    name: UserName,
    erase: Annotated[bool, typer.Option("--erase", help="The name goes too; the log shows an opaque id.")] = False,
) -> None:
    """Take all access away at once, sessions and tokens too."""
    app = opened()
    app.access.remove(app.actor_name, name, erase=erase)
    out.print(f"{name}: entfernt", markup=False)


@user_verbs.command("token")
def user_token(
    name: UserName,
    label: Annotated[str, typer.Option("--label", help="What the token is for; revoke it by that.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help=f"What it may do: {', '.join(SCOPES)}; repeatable.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Revoke it instead.")] = False,
    as_json: Json = False,
) -> None:
    """Make a token for a program, shown once, or revoke one."""
    app = opened()
    if revoke:
        app.access.revoke_token(app.actor_name, name, label)
        out.print(f"{label}: widerrufen", markup=False)
        return
    token = app.access.make_token(app.actor_name, name, label, scope or [])
    if as_json:
        emit({"name": name, "label": label, "scopes": scope or [], "token": token})
    else:
        out.print(token, markup=False, highlight=False)


# --- services --------------------------------------------------------------------------------------------------------


@cli.command()
def sandbox(
    port: Annotated[int | None, typer.Option("--port", help="Another port than the configured one.")] = None,
) -> None:
    """Run the sandbox networks.

    Their time-line page is at the address shown.
    """
    at = settings()
    host, _, configured = at["sandbox.url"].rpartition("//")[2].partition(":")
    chosen = port or int(configured or 80)
    err.print(f"Sandkasten: http://{host}:{chosen}/ (Strg+C beendet)")
    serve_sandbox(host, chosen, at.path("sandbox.state"))


@cli.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="Where the pages listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.", min=0, max=65535)] = web.PORT,
) -> None:
    """Run the web pages.

    The first start prints a one-time link by which the first administrator is made.
    """
    app = opened()
    at = web.listener(app, host, port)
    address = web.address_of(app, host, at.getsockname()[1])
    err.print(f"Seiten: {address}/ (Strg+C beendet)", markup=False, highlight=False)
    link = app.access.first_link()
    if link is not None:
        err.print(
            f"Noch gibt es keinen Zugang. Dieser Link legt den ersten an, einmal: {address}/zugang/{link}",
            markup=False,
            highlight=False,
        )
    web.serve(app, at)


report_command.add_to(cli, opened)
mailing_command.add_to(cli, opened)


def build(run_daemon: RunDaemon, run_demo: RunDemo) -> Callable[[], int]:
    """The whole command line as a function that returns an exit code; the entry point hands in daemon and demo."""

    @cli.command()
    def daemon(
        until_idle: Annotated[
            float | None,
            typer.Option("--until-idle", metavar="SECONDS", help="End once nothing is due within that many seconds."),
        ] = None,
    ) -> None:
        """Run the daemon in the foreground.

        It pulls, plans, posts on time and settles doubts. SIGTERM ends it cleanly.
        """
        if until_idle is not None and not 0 <= until_idle <= LONGEST_IDLE:
            raise SettingsError(f"--until-idle takes seconds from 0 to {LONGEST_IDLE}.")
        raise typer.Exit(run_daemon(opened(), until_idle))

    @cli.command()
    def demo(
        port: Annotated[int | None, typer.Option("--port", help="Port of the sandbox; default a free one.")] = None,
        no_serve: Annotated[
            bool, typer.Option("--no-serve", help="End after the log instead of showing the pages.")
        ] = False,
    ) -> None:
        """Show the whole way on sandbox networks.

        Pull, plan, calendar, real posting, log, pages; nothing of it is public.
        """
        raise typer.Exit(run_demo(port, not no_serve))

    return main


def main() -> int:
    """Run the command line; every error is one sentence on standard error."""
    if any(_is_no_text(argument) for argument in sys.argv):
        err.print("The arguments are not valid UTF-8 text.")
        return WRONG
    try:
        code = cli(standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        err.print("Abgebrochen.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        err.print(told[0], markup=False, highlight=False)
        return told[1]


def _is_no_text(argument: str) -> bool:
    """Whether bytes stood in it that are not UTF-8; Python keeps those as lone surrogates."""
    return any("\ud800" <= character <= "\udfff" for character in argument)


def _told(error: Exception) -> tuple[str, int] | None:
    """The sentence and exit code for an error that a person can do something about; None for our own faults."""
    if hasattr(error, "format_message"):  # click's usage errors
        return f"Fehler: {error.format_message()}", WRONG
    if isinstance(error, CampaignError):
        return "\n".join(problem_of_file(one, _said.language) for one in error.problems), WRONG
    if isinstance(error, PortalUnreachable | DatabaseUnreachable | Unreachable | SandboxUnusable):
        text = sentence(error.reason, _said.language) if isinstance(error, Unreachable) else str(error)
        return text, UNREACHABLE
    if isinstance(error, SettingsError | PortalError | SecondDaemon | StateFileUnusable):
        return str(error), WRONG
    if isinstance(error, OutOfRhythm):
        return f"{refusal(error, _said.language)} {tell('insist')}", REFUSED
    if isinstance(error, Explained):
        return refusal(error, _said.language), WRONG if isinstance(error, KeyProblem) else REFUSED
    if isinstance(error, Outcome):
        return sentence(error.reason, _said.language), UNREACHABLE if isinstance(error, SignedOut) else REFUSED
    return None
