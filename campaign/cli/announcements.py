"""The calendar as a list, and single announcements: add, edit, decide, settle."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from campaign import feeds, review
from campaign.cli.announcement_table import show_announcements
from campaign.cli.arguments import LARGEST_ID, Json, day_of, instant_of
from campaign.cli.exit_codes import REFUSED
from campaign.cli.output import emit, err, out
from campaign.cli.session import opened, said, tell
from campaign.desk import Entry, ImportRefused
from campaign.news import refusal
from campaign.settings import SettingsError
from posts.errors import Outcome
from posts.states import State

verbs = typer.Typer(help="Single announcements: add, edit, decide, settle.", no_args_is_help=True)
Ids = Annotated[list[int], typer.Argument(help="Numbers of announcements.", min=1, max=LARGEST_ID)]
OneId = Annotated[int, typer.Argument(metavar="ID", help="The announcement's number.", min=1, max=LARGEST_ID)]
Time = Annotated[str, typer.Option("--at", metavar="TIME", help="ISO 8601; without offset in the house's zone.")]
ImageFile = Annotated[Path | None, typer.Option("--image", help="JPEG or PNG file; --alt and --credit belong to it.")]
Alt = Annotated[str, typer.Option("--alt", help="What the picture shows, for those who don't see it.")]
Credit = Annotated[str, typer.Option("--credit", help="Whose picture it is.")]


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
        states=[State(state.value)] if state else None, channel=channel, **app.days(day_of(first), day_of(last))
    )
    if ics:
        sys.stdout.write(feeds.icalendar(found))
    elif as_json:
        emit(found)
    else:
        show_announcements(found, "Der Kalender ist leer.")


def _image(file: Path | None, alt: str, credit: str) -> tuple[Path, str, str] | None:
    return (file, alt, credit) if file is not None else None


@verbs.command("add")
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
    entry = Entry(channel, instant_of(at, app), text, link)
    _show_one(app.add_announcement(entry, _image(image, alt, credit), approve=approve), as_json)


def _show_one(one: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit(one)
    else:
        show_announcements([one], "")


@verbs.command("import")
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
        rejected = [{"row": row, "reason": refusal(wrong, said.language)} for row, wrong in refused.rows]
    if as_json:
        emit({"imported": count, "rejected": rejected})
    else:
        for one in rejected:
            err.print(tell("row_refused", one["row"], one["reason"]), markup=False)
        out.print(f"{count} Beiträge übernommen.")
    if rejected:
        raise typer.Exit(REFUSED)


@verbs.command("show")
def announcement_show(ids: Ids, as_json: Json = False) -> None:
    """Show announcements whole."""
    found = opened().show(ids)
    if as_json:
        emit(found)
        return
    for one in found:
        show_announcements([one], "")
        out.print(one["sent_text"] or one["text"], markup=False, highlight=False)


def _decision(verb: str, help_: str) -> None:
    def act(ids: Ids, as_json: Json = False) -> None:
        changed = opened().decide(verb, ids)
        if as_json:
            emit(changed)
        else:
            show_announcements(changed, "")

    act.__doc__ = help_
    verbs.command(verb)(act)


_decision("approve", "Approve drafts; under four eyes two persons (--as) are needed.")
_decision("hold", "Keep announcements back until they are released.")
_decision("release", "Let held announcements go on.")
_decision("cancel", "Cancel; while a call is under way the wish is remembered.")
_decision("retry", "Send refused announcements again.")


@verbs.command("edit")
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


@verbs.command("move")
def announcement_move(
    announcement_id: OneId,
    at: Time,
    force: Annotated[bool, typer.Option("--force", help="Also where the rhythm does not permit it.")] = False,
    as_json: Json = False,
) -> None:
    """Give an announcement another instant and pin it there."""
    app = opened()
    _show_one(app.move(announcement_id, instant_of(at, app).isoformat(), force=force), as_json)


@verbs.command("settle")
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


@verbs.command("correct")
def announcement_correct(
    announcement_id: OneId,
    text: Annotated[str, typer.Option("--text", help="The new text.")],
    as_json: Json = False,
) -> None:
    """Change the text of what is out.

    Only where the network allows it (Facebook).
    """
    _show_one(opened().correct(announcement_id, text), as_json)


@verbs.command("withdraw")
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


@verbs.command("comment")
def announcement_comment(
    announcement_id: OneId,
    text: Annotated[str, typer.Option("--text", help="What is said.")],
    as_json: Json = False,
) -> None:
    """Say something about it to whoever works on it."""
    app = opened()
    review.comment(app, announcement_id, text)
    _show_one(app.show([announcement_id])[0], as_json)


@verbs.command("send-back")
def announcement_send_back(
    announcement_id: OneId,
    comment: Annotated[str, typer.Option("--comment", help="What is to be changed.")],
    as_json: Json = False,
) -> None:
    """Withdraw the approvals and say what to change."""
    app = opened()
    review.send_back(app, announcement_id, comment)
    _show_one(app.show([announcement_id])[0], as_json)


@verbs.command("now")
def announcement_now(announcement_id: OneId, as_json: Json = False) -> None:
    """Approve it and send it at once.

    Whatever the rhythm says. Under four eyes another person must have approved before.
    """
    app = opened()
    review.post_now(app, announcement_id)
    _show_one(app.show([announcement_id])[0], as_json)
