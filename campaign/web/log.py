"""Protokoll: what happened, searched and filtered, as a page and as files; whether the chain is whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, StringConstraints

from campaign.app import App
from campaign.spreadsheets import MARK, cell
from campaign.web.door import Here, Visitor
from campaign.web.language import N_
from campaign.web.page import render
from posts.ledger import DAEMON, Wanted

routes = APIRouter()
ON_A_PAGE = 50
IN_A_PIECE = 1000
FIRST_YEAR, LAST_YEAR = 2000, 2199
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
COLUMNS = (
    *("seq", "at", "event", "announcement", "channel", "network", "attempt", "remote_id", "permalink"),
    *("actor", "actor_name", "detail", "id", "prev", "hash"),
)

EVENTS: dict[str, str] = {
    "planned": N_("geplant"),
    "approved": N_("freigegeben"),
    "approval_given": N_("Freigabe erteilt"),
    "unapproved": N_("Freigabe zurückgenommen"),
    "edited": N_("bearbeitet"),
    "held": N_("angehalten"),
    "released": N_("weiter"),
    "queued": N_("Text eingefroren"),
    "recalled": N_("zurückgeholt"),
    "started": N_("Senden begonnen"),
    "posted": N_("erschienen"),
    "refused": N_("abgelehnt"),
    "postponed": N_("aufgeschoben"),
    "lost_sight": N_("Ausgang unklar"),
    "found": N_("gefunden"),
    "absent": N_("nicht da"),
    "doubted": N_("angezweifelt"),
    "handed_over": N_("einer Person übergeben"),
    "settled_found": N_("von Hand: ist da"),
    "settled_absent": N_("von Hand: ist nicht da"),
    "retried": N_("noch einmal"),
    "missed": N_("verpasst"),
    "moved": N_("verschoben"),
    "cancelled": N_("abgesagt"),
    "corrected": N_("berichtigt"),
    "withdrawn": N_("zurückgezogen"),
    "vanished": N_("im Netzwerk verschwunden"),
    "samples_purged": N_("Messwerte gelöscht"),
    "cancel_requested": N_("Absage vorgemerkt"),
    "sent_back": N_("zurückgegeben"),
    "commented": N_("angemerkt"),
    "late_answer": N_("späte Antwort"),
    "place_changed": N_("Ort im Portal geändert"),
    "posted_place_changed": N_("Ort nach dem Erscheinen geändert"),
    "place_withdrawn": N_("Ort nach dem Erscheinen zurückgezogen"),
    "seen_to": N_("Hinweis gesehen"),
    "place_merged": N_("Ort mit dem eines anderen Portals zusammengelegt"),
    "place_separated": N_("Ort wieder getrennt"),
    "place_stands_in": N_("Ort eines anderen Portals tritt ein"),
    "place_skipped": N_("Ort wird nicht angekündigt"),
    "place_unskipped": N_("Ort wird wieder angekündigt"),
    "place_announced_again": N_("Ort wird noch einmal angekündigt"),
    "places_accepted": N_("wartende Orte zugelassen"),
    "portal_list_accepted": N_("Liste des Portals trotz Warnung übernommen"),
    "refreshed": N_("Text nach dem Portal erneuert"),
    "reader_proved": N_("Nachsehen auf diesem Kanal erprobt"),
    "stop_all": N_("Notbremse gezogen"),
    "go": N_("Notbremse gelöst"),
    "database_restored": N_("Datenbank zurückgespielt"),
    "channel_added": N_("Kanal angelegt"),
    "channel_renewed": N_("Kanal neu verbunden"),
    "channel_signed_out": N_("Kanal abgemeldet"),
    "channel_throttled": N_("Kanal vom Netzwerk gebremst"),
    "channel_paused": N_("Kanal angehalten"),
    "channel_resumed": N_("Kanal geht weiter"),
    "channel_removed": N_("Kanal entfernt"),
    "channel_regions_set": N_("Regionen des Kanals geändert"),
    "template_saved": N_("Vorlage gespeichert"),
    "template_activated": N_("Vorlage in Gebrauch genommen"),
    "campaign_applied": N_("Kampagne gespeichert"),
    "campaign_paused": N_("Kampagne angehalten"),
    "campaign_resumed": N_("Kampagne geht weiter"),
    "campaign_ended": N_("Kampagne beendet"),
    "user_added": N_("Zugang angelegt"),
    "user_changed": N_("Zugang geändert"),
    "user_removed": N_("Zugang entfernt"),
    "user_link_made": N_("Einmal-Link erstellt"),
    "user_sessions_ended": N_("Anmeldungen beendet"),
    "password_set": N_("Passwort gesetzt"),
    "token_made": N_("Zugriffsschlüssel erstellt"),
    "calendar_key_made": N_("Kalender abonniert"),
    "calendar_key_revoked": N_("Kalender-Abonnement widerrufen"),
    "token_revoked": N_("Zugriffsschlüssel widerrufen"),
}


class Search(BaseModel):
    """What stands in the search form; empty fields exclude nothing. `vor` goes on behind that entry."""

    worte: Words = ""
    vorgang: Words = ""
    kanal: Words = ""
    wer: Words = ""
    beitrag: Words = ""
    von: Words = ""
    bis: Words = ""
    vor: Annotated[int | None, Field(ge=1, le=2**62)] = None

    def wanted(self, app: App) -> Wanted:
        """The same for the ledger; what can't be read excludes nothing."""
        number = int(self.beitrag) if self.beitrag.isdecimal() and len(self.beitrag) < 10 else None
        return Wanted(
            delivery_id=number,
            events=(self.vorgang,) if self.vorgang else (),
            channel=self.kanal or None,
            actor=self.wer or None,
            words=self.worte,
            **app.days(_day(self.von), _day(self.bis)),
        )

    def address(self, **more: Any) -> str:
        """The query of the same search, from its beginning."""
        return urlencode(self.model_dump(exclude_defaults=True, exclude={"vor"}) | more)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


Looked = Annotated[Search, Query()]


@routes.get("/protokoll")
def log(request: Request, visitor: Here, search: Looked) -> Response:
    """The entries that fit, newest first."""
    app = visitor.app
    entries = app.search_log(search.wanted(app), ON_A_PAGE + 1, search.vor)
    return render(
        request,
        "log.html",
        search=search,
        entries=entries[:ON_A_PAGE],
        older=entries[ON_A_PAGE - 1]["ordinal"] if len(entries) > ON_A_PAGE else None,
        events=EVENTS,
        daemon=DAEMON,
        actors=app.actors() | {DAEMON: DAEMON},
        channels=[one["name"] for one in app.channels()],
    )


@routes.get("/protokoll/pruefung")
def verification(request: Request, visitor: Here) -> Response:
    """Whether the chain is whole; recomputed each time, so it stands apart from the page."""
    return render(request, "log_verification.html", checked=visitor.app.verify_log(None))


@routes.get("/protokoll.csv")
def as_csv(visitor: Here, search: Looked) -> Response:
    """The entries that fit as a table for spreadsheets."""
    return _file("protokoll.csv", "text/csv; charset=utf-8", _csv_rows(visitor, search))


@routes.get("/protokoll.jsonl")
def as_json_lines(visitor: Here, search: Looked) -> Response:
    """The entries that fit, each as `kreativorte log --json` writes it."""
    lines = (json.dumps(_exported(one), ensure_ascii=False) + "\n" for one in _all(visitor.app, search))
    return _file("protokoll.jsonl", "application/jsonl", lines)


def _file(name: str, kind: str, pieces: Iterator[str]) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type=kind, headers=headers)


def _all(app: App, search: Search) -> Iterator[dict[str, Any]]:
    """All entries that fit, sealed, read in pieces, so that a long log needs little memory."""
    app.seal()
    wanted, below = search.wanted(app), None
    while piece := app.search_log(wanted, IN_A_PIECE, below):
        yield from piece
        below = piece[-1]["ordinal"]


def _exported(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in COLUMNS}


def _csv_rows(visitor: Visitor, search: Search) -> Iterator[str]:
    yield MARK + _row(list(COLUMNS))
    for one in _all(visitor.app, search):
        yield _row([_cell(value) for value in _exported(one).values()])


def _row(cells: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> Any:
    return cell(json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value)
