"""Places, and what is decided about single ones."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from campaign import atlas
from campaign.app import App
from campaign.cli.arguments import LARGEST_ID, Json
from campaign.cli.output import emit, show
from campaign.cli.session import opened, tell

verbs = typer.Typer(help="What is decided about single places.", no_args_is_help=True)
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


def places(as_json: Json = False) -> None:
    """List the imported places."""
    _show_places(opened().places(), as_json)


@verbs.command("merge")
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


@verbs.command("separate")
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


@verbs.command("skip")
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


@verbs.command("unskip")
def place_unskip(place: PlaceId, as_json: Json = False) -> None:
    """Announce a place again that was left out.

    The next planning plans anew what was cancelled for it; what went out before is not repeated.
    """
    app = opened()
    atlas.unskip(app, place)
    _show_place(app, place, as_json)


@verbs.command("again")
def place_again(place: PlaceId, as_json: Json = False) -> None:
    """Announce a place once more.

    From the first step on, in every running campaign that takes it; nothing of it may still be planned.
    """
    app = opened()
    atlas.announce_again(app, place)
    _show_place(app, place, as_json)


@verbs.command("accept")
def place_accept(place: PlaceId, as_json: Json = False) -> None:
    """Let one place pass that waits for a person.

    `pull --accept` lets all of them pass.
    """
    app = opened()
    atlas.accept_place(app, place)
    _show_place(app, place, as_json)
