"""What a person does with announcements: add, approve, hold, move, edit, cancel, settle; one transaction each."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from campaign import compose, store
from campaign.campaigns import Campaign, CampaignError, campaign_to_mapping, parse_campaign
from posts import ledger
from posts.errors import Explained
from posts.images import ImageError
from posts.ledger import NotPossible
from posts.states import PLANNED, Event, State

# Beyond these years calendars and time zones can't be calculated with.
FIRST_YEAR, LAST_YEAR = 2000, 2199
LONGEST_COMMENT = 2000
AT_LEAST_NOW = timedelta(minutes=10)
"""How late something may go out that a person sends now, whatever its campaign says."""
CSV_COLUMNS = ("channel", "at", "text", "link", "image", "alt", "credit")


class Refusal(Explained):
    """What a person asked for can't be done; `news` words it. A detail that is a list holds reasons."""


Rejected = tuple[int, Refusal]
"""The number of a file's row, and what stands against it."""


class ImportRefused(Exception):
    """Nothing of a file was taken over; `rows` names every bad one."""

    def __init__(self, rows: list[Rejected]) -> None:
        super().__init__(f"{len(rows)} rows were refused")
        self.rows = rows


@dataclass(frozen=True)
class Desk:
    """Who acts, when, and with which house rules."""

    actor: str
    actor_name: str
    now: datetime
    zone: ZoneInfo
    late_grace: timedelta
    media: Path


@dataclass(frozen=True)
class Entry:
    """One free announcement as a person writes it."""

    channel: str
    at: datetime
    text: str
    link: str | None = None
    images: tuple[dict[str, str], ...] = ()


def refused(error: Explained) -> Refusal:
    """The same word and details, as what a person is told."""
    return Refusal(error.word, *error.details)


def version_of(text: str, link: str | None, images: list[dict[str, Any]]) -> str:
    """A token of what somebody is shown of an announcement: equal while nobody changed it."""
    return hashlib.sha256(json.dumps([text, link, images], sort_keys=True).encode()).hexdigest()[:16]


def _check_unchanged(row: Row[Any], seen: str | None) -> None:
    """Raises Refusal when the announcement is not what the person was shown (None: not asked)."""
    if seen is not None and seen != version_of(row.text, row.link, list(row.images)):
        raise Refusal("changed_meanwhile", row.id)


def read_instant(text: str, zone: ZoneInfo) -> datetime:
    """An instant from ISO 8601; without an offset it is wall-clock time in the house's zone. Raises Refusal."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refusal("not_an_instant", text.strip()) from None
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise Refusal("year_out_of_reach", text.strip(), FIRST_YEAR, LAST_YEAR)
    return instant if instant.tzinfo else instant.replace(tzinfo=zone)


def add(connection: Connection, desk: Desk, entry: Entry, *, approve: bool) -> int:
    """Create a free announcement. Raises Refusal with everything that stands against it."""
    channel = _channel(connection, entry.channel)
    images = [dict(image) for image in entry.images]
    text = with_credits(entry.text, images)
    if entry.at < desk.now - desk.late_grace:
        raise Refusal("in_the_past", entry.at.isoformat())
    problems = compose.preflight(channel.network, text, entry.link, images)
    if problems:
        raise Refusal("not_sendable", problems)
    state = State.APPROVED if approve else State.DRAFT
    announcement_id = ledger.create(
        connection, channel.id, state, entry.at, desk.late_grace, desk.now, desk.actor, detail={"text": text}
    )
    store.insert_announcement(
        connection,
        announcement_id,
        desk.now,
        campaign=store.FREE,
        step="",
        place_id=0,
        channel_id=channel.id,
        occurrence=announcement_id,
        text=text,
        text_key=compose.text_key(text, entry.link),
        link=entry.link,
        images=images,
        picture="photo" if images else "card",
        approval="one",
        edited=True,
        pinned=True,
        editor=desk.actor,
    )
    if approve:
        store.approve(connection, announcement_id, desk.actor, desk.now)
    return announcement_id


def _channel(connection: Connection, name: str) -> Row[Any]:
    try:
        return store.channel_named(connection, name)
    except store.Unknown as unknown:
        raise refused(unknown) from None


def with_credits(text: str, images: list[dict[str, str]]) -> str:
    """The text with every picture's credit in it, appended where the person did not write it."""
    missing = [
        image["credit"]
        for image in images
        if image["credit"].strip() and not compose.names_credit(text, image["credit"])
    ]
    names = list(dict.fromkeys(missing))
    lines = [name if name.startswith("Foto") else f"Foto: {name}" for name in names]
    return "\n\n".join([text, *lines]) if lines else text


def local_image(desk: Desk, file: Path, alt: str, credit: str) -> dict[str, str]:
    """A person's picture kept in the media folder. Raises Refusal."""
    try:
        return {"file": compose.keep_local_image(desk.media, file), "alt": alt, "credit": credit}
    except ImageError as error:
        raise Refusal("not_sendable", [f"image_unusable:{error}"]) from None


def save_campaign(connection: Connection, desk: Desk, campaign: Campaign) -> bool:
    """Store a campaign under its name; True when it is new. One that was ended goes on when its last day lies later.

    Raises Refusal for a channel that is not there.
    """
    known = {row.name for row in store.channel_rows(connection)}
    unknown = [name for name in campaign.channels if name not in known]
    if unknown:
        raise Refusal("campaign_channels_unknown", ", ".join(unknown))
    before = store.campaign_to_change(connection, campaign.name)
    definition = campaign_to_mapping(campaign)
    ended_at = None
    if before is not None and before.ended_at is not None:
        reopened = campaign.ends > before.ended_at.astimezone(desk.zone).date()
        ended_at = None if reopened else before.ended_at
    store.save_campaign(connection, campaign.name, definition, desk.now, ended_at)
    detail: dict[str, Any] = {"campaign": campaign.name}
    if before is not None:
        detail["changed"] = _changes(before.definition, definition)
    ledger.note(connection, "campaign_applied", desk.now, desk.actor, detail=detail)
    return before is None


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Which fields of a campaign changed, from what to what."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: [before.get(name), after[name]] for name in names}


# --- import --------------------------------------------------------------------------------------------------


def read_csv(data: bytes, desk: Desk, directory: Path) -> tuple[list[Entry], list[Rejected]]:
    """Entries and rejected rows of a CSV file (UTF-8, comma or semicolon). Row 1 is the first behind the heading."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [(0, Refusal("csv_not_utf8"))]
    heading = text.splitlines()[0] if text.strip() else ""
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    entries: list[Entry] = []
    rejected: list[Rejected] = []
    try:
        columns = [name.strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = columns
        wrong = _wrong_columns(columns)
        if wrong:
            return [], wrong
        for number, row in enumerate(rows, start=1):
            try:
                entries.append(_entry(row, desk, directory))
            except Refusal as refusal:
                rejected.append((number, refusal))
    except csv.Error as error:
        rejected.append((len(entries) + len(rejected) + 1, Refusal("csv_broken", error)))
    return entries, rejected


def _wrong_columns(columns: list[str]) -> list[Rejected]:
    unknown = [name for name in columns if name not in CSV_COLUMNS]
    missing = [name for name in ("channel", "at", "text") if name not in columns]
    permitted = ", ".join(CSV_COLUMNS)
    found = [Refusal("csv_columns_unknown", ", ".join(map(repr, unknown)), permitted)] if unknown else []
    found += [Refusal("csv_columns_missing", ", ".join(missing), permitted)] if missing else []
    return [(0, refusal) for refusal in found]


def _entry(row: dict[str, Any], desk: Desk, directory: Path) -> Entry:
    if None in row or any(value is None for value in row.values()):
        raise Refusal("csv_fields_differ")
    values = {name: (value or "").strip() for name, value in row.items()}
    at = read_instant(values["at"], desk.zone)
    images: tuple[dict[str, str], ...] = ()
    if values.get("image"):
        images = (local_image(desk, directory / values["image"], values.get("alt", ""), values.get("credit", "")),)
    return Entry(values["channel"], at, values["text"], values.get("link") or None, images)


def import_entries(connection: Connection, desk: Desk, entries: list[Entry], *, approve: bool) -> list[Rejected]:
    """Add all entries and answer the bad rows; the caller rolls back when there is one: all or nothing."""
    rejected: list[Rejected] = []
    for number, entry in enumerate(entries, start=1):
        try:
            add(connection, desk, entry, approve=approve)
        except Refusal as refusal:
            rejected.append((number, refusal))
    return rejected


# --- decisions -----------------------------------------------------------------------------------------------


def approve(connection: Connection, desk: Desk, announcement_id: int, seen: str | None = None) -> None:
    """One person's approval; under four eyes two signed-in persons, never the author of the last edit.

    `seen` is the version that the person has read (None: not asked); another one is not approved by that.
    """
    row = _row(connection, announcement_id)
    _check_unchanged(row, seen)
    if State(row.state) is State.APPROVED:
        return
    if State(row.state) is not State.DRAFT:
        raise Refusal("not_a_draft", announcement_id, row.state)
    if row.late_until < desk.now:
        raise Refusal("slot_passed", announcement_id)
    if row.approval == "four-eyes":
        _check_four_eyes(desk, row)
    store.approve(connection, announcement_id, desk.actor, desk.now)
    ledger.note(connection, "approval_given", desk.now, desk.actor, delivery_id=announcement_id)
    given = store.approvers(connection, [announcement_id])[announcement_id]
    if len([person for person in given if row.approval != "four-eyes" or person != row.editor]) >= needed(row):
        _act(connection, desk, announcement_id, State.DRAFT, Event.APPROVED)


def needed(row: Row[Any]) -> int:
    """How many persons must approve."""
    return 2 if row.approval == "four-eyes" else 1


def _check_four_eyes(desk: Desk, row: Row[Any]) -> None:
    if desk.actor_name.startswith("cli:"):
        raise Refusal("four_eyes_sign_in")
    if row.editor == desk.actor:
        raise Refusal("four_eyes_editor")


def post_now(connection: Connection, desk: Desk, announcement_id: int, seen: str | None = None) -> None:
    """Approve where that is asked, and send at once, whatever the rhythm says. Raises Refusal, and changes nothing
    then; so also under four eyes while the other person's approval is missing."""
    row = _row(connection, announcement_id)
    if State(row.state) not in (State.DRAFT, State.APPROVED):
        raise Refusal("not_for_now", announcement_id, row.state)
    _check_unchanged(row, seen)
    move(connection, desk, announcement_id, desk.now, max(grace_of(connection, row, desk.late_grace), AT_LEAST_NOW))
    approve(connection, desk, announcement_id)
    if State(_row(connection, announcement_id).state) is not State.APPROVED:
        raise Refusal("four_eyes_second")


def comment(connection: Connection, desk: Desk, announcement_id: int, text: str) -> None:
    """Say something about an announcement to whoever works on it."""
    _row(connection, announcement_id)
    number = store.insert_comment(connection, announcement_id, desk.actor, _comment_text(text), desk.now)
    ledger.note(connection, "commented", desk.now, desk.actor, delivery_id=announcement_id, detail={"comment": number})


def send_back(connection: Connection, desk: Desk, announcement_id: int, text: str) -> None:
    """Withdraw all approvals and say what must be changed first."""
    said = _comment_text(text)
    row = _row(connection, announcement_id)
    seen = _recalled(connection, desk, announcement_id, row)
    if seen not in (State.DRAFT, State.APPROVED):
        raise Refusal("not_returnable", announcement_id, row.state)
    store.withdraw_approvals(connection, announcement_id)
    number = store.insert_comment(connection, announcement_id, desk.actor, said, desk.now)
    ledger.note(connection, "sent_back", desk.now, desk.actor, delivery_id=announcement_id, detail={"comment": number})
    if seen is State.APPROVED:
        _act(connection, desk, announcement_id, seen, Event.UNAPPROVED)


def _comment_text(text: str) -> str:
    said = "".join(sign for sign in text.replace("\r\n", "\n") if sign.isprintable() or sign == "\n").strip()
    if not said:
        raise Refusal("comment_empty")
    if len(said) > LONGEST_COMMENT:
        raise Refusal("comment_too_long", len(said), LONGEST_COMMENT)
    return said


def _row(connection: Connection, announcement_id: int) -> Row[Any]:
    """The announcement as it stands, locked until the transaction ends: the daemon can't hand an older text to the
    senders, nor another person decide on it, in between."""
    try:
        ledger.state_of(connection, announcement_id)
        return store.announcement_row(connection, announcement_id)
    except (NotPossible, store.Unknown) as unknown:
        raise refused(unknown) from None


def _act(connection: Connection, desk: Desk, announcement_id: int, seen: State, event: Event, **values: Any) -> None:
    try:
        ledger.act(connection, announcement_id, seen, event, desk.now, desk.actor, **values)
    except NotPossible as error:
        raise refused(error) from None


def hold(connection: Connection, desk: Desk, announcement_id: int, reason: str = "person") -> None:
    """Keep an announcement back until it is released."""
    seen = State(_row(connection, announcement_id).state)
    _act(
        connection,
        desk,
        announcement_id,
        seen,
        Event.HELD,
        detail={"reason": reason},
        hold_reason=reason,
        draft=None,
        worker=None,
        lease_until=None,
    )


def release(connection: Connection, desk: Desk, announcement_id: int) -> None:
    """Let a held announcement go on: as approved where it was or need not be, else as a draft. Of one that is out,
    say that what staff were told of it since has been seen to."""
    row = _row(connection, announcement_id)
    told = {"problems": row.problems} if State(row.state) is State.POSTED and row.problems else {}
    told |= {"also_posted": row.also_posted} if row.also_posted and State(row.state) is not State.HELD else {}
    if told:
        store.set_announcement(connection, announcement_id, desk.now, problems=[])
        store.set_delivery(connection, announcement_id, also_posted=None)
        ledger.note(connection, "seen_to", desk.now, desk.actor, delivery_id=announcement_id, detail=told)
        return
    if State(row.state) is not State.HELD:
        raise Refusal("not_held", announcement_id, row.state)
    given = store.approvers(connection, [announcement_id]).get(announcement_id, [])
    ready = row.approval == "none" or len(given) >= needed(row)
    event = Event.RELEASED if ready else Event.UNAPPROVED
    _act(connection, desk, announcement_id, State.HELD, event, hold_reason=None)
    if (row.hold_reason or "").startswith("step_before"):
        # The person knows that the step before did not go out; the planner must not hold it again for that.
        store.set_announcement(connection, announcement_id, desk.now, pinned=True)


def cancel(connection: Connection, desk: Desk, announcement_id: int, reason: str = "") -> None:
    """Cancel, or remember the wish while a call is under way."""
    _row(connection, announcement_id)
    try:
        ledger.cancel(connection, announcement_id, desk.now, desk.actor, reason)
    except NotPossible as error:
        raise refused(error) from None


def retry(connection: Connection, desk: Desk, announcement_id: int) -> None:
    """Send a refused announcement again."""
    _row(connection, announcement_id)
    try:
        ledger.retry(connection, announcement_id, desk.now, desk.actor, desk.now + desk.late_grace)
    except NotPossible as error:
        raise refused(error) from None


def settle(connection: Connection, desk: Desk, announcement_id: int, remote_id: str | None, permalink: str) -> None:
    """A person settles a doubt: "it is there" under an id, or absent and to be sent again."""
    _row(connection, announcement_id)
    try:
        ledger.settle_by_person(
            connection, announcement_id, remote_id, permalink, desk.now, desk.actor, desk.now + desk.late_grace
        )
    except NotPossible as error:
        raise refused(error) from None


def move(connection: Connection, desk: Desk, announcement_id: int, at: datetime, grace: timedelta) -> None:
    """Give an announcement another instant and pin it there; a missed one comes back to life."""
    row = _row(connection, announcement_id)
    seen = _recalled(connection, desk, announcement_id, row)
    if at < desk.now - grace:
        raise Refusal("in_the_past", at.isoformat())
    values = {"due_at": at, "late_until": at + grace, "not_before": None}
    if seen is State.MISSED:
        given = store.approvers(connection, [announcement_id]).get(announcement_id, [])
        ready = row.approval == "none" or len(given) >= needed(row)
        event = Event.MOVED if ready else Event.UNAPPROVED
        _act(connection, desk, announcement_id, seen, event, draft=None, **values)
    elif seen in PLANNED:
        store.set_delivery(connection, announcement_id, **values)
        ledger.note(
            connection,
            Event.MOVED.value,
            desk.now,
            desk.actor,
            delivery_id=announcement_id,
            detail={"from": row.due_at.isoformat(), "to": at.isoformat()},
        )
    else:
        raise Refusal("not_movable", announcement_id, row.state)
    store.set_announcement(connection, announcement_id, desk.now, pinned=True)


def _recalled(connection: Connection, desk: Desk, announcement_id: int, row: Row[Any]) -> State:
    if State(row.state) is not State.QUEUED:
        return State(row.state)
    try:
        return ledger.recall(connection, announcement_id, desk.now, desk.actor)
    except NotPossible as error:
        raise refused(error) from None


def edit(
    connection: Connection,
    desk: Desk,
    announcement_id: int,
    *,
    text: str | None = None,
    link: str | None = None,
    images: list[dict[str, str]] | None = None,
    version: str | None = None,
) -> None:
    """Change text, link or pictures; an approval is withdrawn by that, and problems are named at once.

    `version` is the one that the person was shown (None: not asked); where somebody changed it since, Refusal.
    """
    row = _row(connection, announcement_id)
    _check_unchanged(row, version)
    seen = _recalled(connection, desk, announcement_id, row)
    if seen not in PLANNED and seen is not State.MISSED and seen is not State.REFUSED:
        raise Refusal("not_editable", announcement_id, row.state)
    if seen is State.REFUSED:
        raise Refusal("refused_not_editable", announcement_id)
    new_images = list(row.images) if images is None else images
    new_link = row.link if link is None else link or None
    new_text = with_credits(row.text if text is None else text, new_images)
    problems = compose.preflight(row.network, new_text, new_link, new_images)
    if problems:
        raise Refusal("not_sendable", problems)
    store.set_announcement(
        connection,
        announcement_id,
        desk.now,
        text=new_text,
        text_key=compose.text_key(new_text, new_link),
        link=new_link,
        images=new_images,
        problems=[],
        edited=True,
        editor=desk.actor,
    )
    store.withdraw_approvals(connection, announcement_id)
    ledger.note(
        connection,
        "edited",
        desk.now,
        desk.actor,
        delivery_id=announcement_id,
        detail={"from": row.text, "to": new_text},
    )
    if seen is State.APPROVED and row.approval != "none":
        _act(connection, desk, announcement_id, seen, Event.UNAPPROVED)


def grace_of(connection: Connection, row: Row[Any], house: timedelta) -> timedelta:
    """How late this announcement may go out: its campaign's rule, or the house's."""
    if row.campaign == store.FREE:
        return house
    try:
        return parse_campaign(store.campaign_row(connection, row.campaign).definition).late_grace
    except (store.Unknown, CampaignError):
        return house
