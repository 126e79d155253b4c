"""Post templates and their revisions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from campaign import templating
from campaign.app import App
from campaign.cli.arguments import LARGEST_ID, Json
from campaign.cli.exit_codes import REFUSED
from campaign.cli.output import emit, err, out, show
from campaign.cli.session import opened
from campaign.settings import SettingsError
from campaign.store import Unknown

verbs = typer.Typer(help="Post templates.", no_args_is_help=True)
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


@verbs.command("list")
def template_list(as_json: Json = False) -> None:
    """List the post templates with their revisions."""
    found = opened().template_list()
    if as_json:
        emit(found)
    else:
        show(found, TEMPLATE_COLUMNS, "Keine Vorlagen.")


@verbs.command("check")
def template_check(as_json: Json = False) -> None:
    """Fill every template for a short, a long and an empty place."""
    found = opened().template_check()
    if as_json:
        emit(found)
    else:
        show(found, {"network": "Netzwerk", "name": "Vorlage", "problems": "Probleme"}, "Keine Vorlagen.")
    if any(one["problems"] for one in found):
        raise typer.Exit(REFUSED)


@verbs.command("preview")
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


@verbs.command("revisions")
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


@verbs.command("show")
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


@verbs.command("save")
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


@verbs.command("use")
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


@verbs.command("copy")
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
