"""What a person does with announcements: add, approve, hold, move, edit, cancel, settle; one transaction each."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from campaign import compose, store
from campaign.campaigns import CampaignError, parse_campaign
from campaign.news import sentences
from posts import ledger
from posts.images import ImageError
from posts.ledger import NotPossible
from posts.states import PLANNED, Event, State

# Beyond these years calendars and time zones can't be calculated with.
FIRST_YEAR, LAST_YEAR = 2000, 2199
CSV_COLUMNS = ("channel", "at", "text", "link", "image", "alt", "credit")


class Refusal(Exception):
    """What a person asked for can't be done; one sentence."""


class ImportRefused(Exception):
    """Nothing of a file was taken over; `rows` names every bad one."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
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
    language: str = "de"


@dataclass(frozen=True)
class Entry:
    """One free announcement as a person writes it."""

    channel: str
    at: datetime
    text: str
    link: str | None = None
    images: tuple[dict[str, str], ...] = ()


def read_instant(text: str, zone: ZoneInfo) -> datetime:
    """An instant from ISO 8601; without an offset it is wall-clock time in the house's zone. Raises Refusal."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refusal(f"{text!r} ist kein Zeitpunkt; schreiben Sie zum Beispiel 2026-12-01T10:00.") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=zone)


def check_year(instant: datetime) -> None:
    """Refuse an instant that calendars and time zones can't be calculated with. Raises Refusal."""
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise Refusal(f"{instant:%d.%m.%Y} liegt nicht zwischen den Jahren {FIRST_YEAR} und {LAST_YEAR}.")


def add(connection: Connection, desk: Desk, entry: Entry, *, approve: bool) -> int:
    """Create a free announcement. Raises Refusal with everything that stands against it."""
    channel = _channel(connection, entry.channel)
    images = [dict(image) for image in entry.images]
    text = _with_credits(entry.text, images)
    if entry.at < desk.now - desk.late_grace:
        raise Refusal(f"Der Zeitpunkt {entry.at.isoformat()} liegt zu weit in der Vergangenheit.")
    problems = compose.preflight(channel.network, text, entry.link, images)
    if problems:
        raise Refusal(" ".join(sentences(problems, desk.language)))
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
        raise Refusal(str(unknown)) from None


def _with_credits(text: str, images: list[dict[str, str]]) -> str:
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
        raise Refusal(str(error)) from None


# --- import --------------------------------------------------------------------------------------------------


def read_csv(data: bytes, desk: Desk, directory: Path) -> tuple[list[Entry], list[dict[str, Any]]]:
    """Entries and rejected rows of a CSV file (UTF-8, comma or semicolon). Row 1 is the first behind the heading."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [{"row": 0, "reason": "Die Datei ist nicht in UTF-8 gespeichert."}]
    heading = text.splitlines()[0] if text.strip() else ""
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    entries: list[Entry] = []
    rejected: list[dict[str, Any]] = []
    try:
        columns = [name.strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = columns
        unknown = [name for name in columns if name not in CSV_COLUMNS]
        missing = [name for name in ("channel", "at", "text") if name not in columns]
        if unknown or missing:
            return [], [{"row": 0, "reason": _columns_sentence(unknown, missing)}]
        for number, row in enumerate(rows, start=1):
            try:
                entries.append(_entry(row, desk, directory))
            except Refusal as refusal:
                rejected.append({"row": number, "reason": str(refusal)})
    except csv.Error as error:
        rejected.append({"row": len(entries) + len(rejected) + 1, "reason": f"Die Zeile ist kein CSV: {error}."})
    return entries, rejected


def _columns_sentence(unknown: list[str], missing: list[str]) -> str:
    parts = [f"unbekannte Spalten: {', '.join(map(repr, unknown))}"] if unknown else []
    parts += [f"fehlende Spalten: {', '.join(missing)}"] if missing else []
    return f"Die Kopfzeile passt nicht ({'; '.join(parts)}); erlaubt sind {', '.join(CSV_COLUMNS)}."


def _entry(row: dict[str, Any], desk: Desk, directory: Path) -> Entry:
    if None in row or any(value is None for value in row.values()):
        raise Refusal("Die Zeile hat nicht so viele Felder wie die Kopfzeile.")
    values = {name: (value or "").strip() for name, value in row.items()}
    at = read_instant(values["at"], desk.zone)
    check_year(at)
    images: tuple[dict[str, str], ...] = ()
    if values.get("image"):
        images = (local_image(desk, directory / values["image"], values.get("alt", ""), values.get("credit", "")),)
    return Entry(values["channel"], at, values["text"], values.get("link") or None, images)


def import_entries(connection: Connection, desk: Desk, entries: list[Entry], *, approve: bool) -> list[dict[str, Any]]:
    """Add all entries and answer the bad rows; the caller rolls back when there is one: all or nothing."""
    rejected: list[dict[str, Any]] = []
    for number, entry in enumerate(entries, start=1):
        try:
            add(connection, desk, entry, approve=approve)
        except Refusal as refusal:
            rejected.append({"row": number, "reason": str(refusal)})
    return rejected


# --- decisions -----------------------------------------------------------------------------------------------


def approve(connection: Connection, desk: Desk, announcement_id: int) -> None:
    """One person's approval; under four eyes two signed-in persons, never the author of the last edit."""
    row = _row(connection, announcement_id)
    if State(row.state) is State.APPROVED:
        return
    if State(row.state) is not State.DRAFT:
        raise Refusal(f"Beitrag {announcement_id} ist {row.state}; freigeben lässt sich nur ein Entwurf.")
    if row.late_until < desk.now:
        raise Refusal(f"Der Termin von Beitrag {announcement_id} ist verstrichen; bitte zuerst verschieben.")
    if row.approval == "four-eyes":
        _check_four_eyes(desk, row)
    store.approve(connection, announcement_id, desk.actor, desk.now)
    ledger.note(connection, "approval_given", desk.now, desk.actor, delivery_id=announcement_id)
    given = store.approvers(connection, [announcement_id])[announcement_id]
    if len([person for person in given if row.approval != "four-eyes" or person != row.editor]) >= _needed(row):
        _act(connection, desk, announcement_id, State.DRAFT, Event.APPROVED)


def _needed(row: Row[Any]) -> int:
    return 2 if row.approval == "four-eyes" else 1


def _check_four_eyes(desk: Desk, row: Row[Any]) -> None:
    if desk.actor_name.startswith("cli:"):
        raise Refusal("Vier Augen brauchen angemeldete Personen; geben Sie mit --as NAME an, wer freigibt.")
    if row.editor == desk.actor:
        raise Refusal("Wer den Text zuletzt bearbeitet hat, kann ihn unter vier Augen nicht selbst freigeben.")


def _row(connection: Connection, announcement_id: int) -> Row[Any]:
    try:
        return store.announcement_row(connection, announcement_id)
    except store.Unknown as unknown:
        raise Refusal(str(unknown)) from None


def _act(connection: Connection, desk: Desk, announcement_id: int, seen: State, event: Event, **values: Any) -> None:
    try:
        ledger.act(connection, announcement_id, seen, event, desk.now, desk.actor, **values)
    except NotPossible as error:
        raise Refusal(str(error)) from None


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
    """Let a held announcement go on: as approved where it was or need not be, else as a draft."""
    row = _row(connection, announcement_id)
    if State(row.state) is not State.HELD:
        raise Refusal(f"Beitrag {announcement_id} ist nicht angehalten, sondern {row.state}.")
    given = store.approvers(connection, [announcement_id]).get(announcement_id, [])
    ready = row.approval == "none" or len(given) >= _needed(row)
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
        raise Refusal(str(error)) from None


def retry(connection: Connection, desk: Desk, announcement_id: int) -> None:
    """Send a refused announcement again."""
    _row(connection, announcement_id)
    try:
        ledger.retry(connection, announcement_id, desk.now, desk.actor, desk.now + desk.late_grace)
    except NotPossible as error:
        raise Refusal(str(error)) from None


def settle(connection: Connection, desk: Desk, announcement_id: int, remote_id: str | None, permalink: str) -> None:
    """A person settles a doubt: "it is there" under an id, or absent and to be sent again."""
    _row(connection, announcement_id)
    try:
        ledger.settle_by_person(
            connection, announcement_id, remote_id, permalink, desk.now, desk.actor, desk.now + desk.late_grace
        )
    except NotPossible as error:
        raise Refusal(str(error)) from None


def move(connection: Connection, desk: Desk, announcement_id: int, at: datetime, grace: timedelta) -> None:
    """Give an announcement another instant and pin it there; a missed one comes back to life."""
    row = _row(connection, announcement_id)
    seen = _recalled(connection, desk, announcement_id, row)
    if at < desk.now - grace:
        raise Refusal(f"Der Zeitpunkt {at.isoformat()} liegt in der Vergangenheit.")
    values = {"due_at": at, "late_until": at + grace, "not_before": None}
    if seen is State.MISSED:
        given = store.approvers(connection, [announcement_id]).get(announcement_id, [])
        ready = row.approval == "none" or len(given) >= _needed(row)
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
        raise Refusal(f"Beitrag {announcement_id} ist {row.state}; verschieben geht nicht mehr.")
    store.set_announcement(connection, announcement_id, desk.now, pinned=True)


def _recalled(connection: Connection, desk: Desk, announcement_id: int, row: Row[Any]) -> State:
    if State(row.state) is not State.QUEUED:
        return State(row.state)
    try:
        return ledger.recall(connection, announcement_id, desk.now, desk.actor)
    except NotPossible as error:
        raise Refusal(str(error)) from None


def edit(
    connection: Connection,
    desk: Desk,
    announcement_id: int,
    *,
    text: str | None = None,
    link: str | None = None,
    images: list[dict[str, str]] | None = None,
) -> None:
    """Change text, link or pictures; an approval is withdrawn by that, and problems are named at once."""
    row = _row(connection, announcement_id)
    seen = _recalled(connection, desk, announcement_id, row)
    if seen not in PLANNED and seen is not State.MISSED and seen is not State.REFUSED:
        raise Refusal(f"Beitrag {announcement_id} ist {row.state}; bearbeiten geht nicht mehr.")
    if seen is State.REFUSED:
        raise Refusal(
            f"Beitrag {announcement_id} wurde vom Netzwerk abgelehnt; legen Sie ihn mit geändertem Text neu an."
        )
    new_images = list(row.images) if images is None else images
    new_link = row.link if link is None else link or None
    new_text = _with_credits(row.text if text is None else text, new_images)
    problems = compose.preflight(row.network, new_text, new_link, new_images)
    if problems:
        raise Refusal(" ".join(sentences(problems, desk.language)))
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
