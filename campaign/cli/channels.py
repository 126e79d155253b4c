"""Channels: one account on one network each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from campaign.cli.arguments import Json
from campaign.cli.exit_codes import REFUSED
from campaign.cli.output import emit, out, show
from campaign.cli.session import opened
from campaign.settings import SettingsError

verbs = typer.Typer(help="Channels: one account on one network each.", no_args_is_help=True)
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


@verbs.command("add")
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


@verbs.command("list")
def channel_list(as_json: Json = False) -> None:
    """List the channels as last checked."""
    found = opened().channels()
    if as_json:
        emit(found)
    else:
        _list_channels(found)


@verbs.command("check")
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
    verbs.command(verb)(act)


_channel_verb("pause", "angehalten")
_channel_verb("resume", "geht weiter")
_channel_verb("remove", "entfernt")
