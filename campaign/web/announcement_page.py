"""Beitrag: one announcement read, edited and decided on; and a new one written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from babel.numbers import format_decimal
from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from starlette.datastructures import UploadFile

from campaign import review
from campaign.desk import Refusal, read_instant
from campaign.news import refusal as told_refusal
from campaign.reports import single, wording
from campaign.reports.formats import Formats
from campaign.review import Review, Typed, TypedPicture
from campaign.store import Unknown
from campaign.web.door import Here, Visitor, tell
from campaign.web.language import LOCALES, N_
from campaign.web.page import back, render
from posts.states import State

routes = APIRouter()
Id = Annotated[int, Path(ge=1, le=999_999_999)]
Reference = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$|^[0-9a-f]{64}\.(jpg|png)$")]
LONGEST_FIELD = 100_000
"""Characters of one field; no network takes as many."""
MOST_PICTURES = 12
NO_PICTURE = TypedPicture("")
PICTURE_LASTS = "private, max-age=3600"
DONE = {
    "saved": N_("Gespeichert."),
    "saved_unapproved": N_("Gespeichert. Die Freigabe ist damit zurückgenommen; bitte neu freigeben."),
    "saved_held": N_("Gespeichert. Der Beitrag ist noch angehalten."),
    "saved_approved": N_("Gespeichert und freigegeben."),
    "unchanged": N_("Nichts war anders; gespeichert wurde nichts."),
    "made": N_("Angelegt; er wartet auf die Freigabe."),
    "made_approved": N_("Angelegt und freigegeben."),
    "commented": N_("Angemerkt."),
    "sent_back": N_("Zurückgegeben; er geht erst nach neuer Freigabe hinaus."),
    "now": N_("Geht jetzt hinaus."),
    "corrected": N_("Im Netzwerk berichtigt."),
    "withdrawn": N_("Im Netzwerk gelöscht."),
}
STORY: dict[str, tuple[str, str]] = {
    "planned": (N_("%(who)s hat den Beitrag angelegt."), N_("Die Kampagne hat den Beitrag geplant.")),
    "refreshed": (N_("%(who)s hat den Text erneuert."), N_("Der Text wurde nach Portal und Vorlage erneuert.")),
    "edited": (N_("%(who)s hat den Beitrag bearbeitet."), N_("Der Beitrag wurde bearbeitet.")),
    "approval_given": (N_("%(who)s hat die Freigabe erteilt."), N_("Die Freigabe wurde erteilt.")),
    "approved": (N_("Damit ist der Beitrag freigegeben."), N_("Der Beitrag ist freigegeben.")),
    "unapproved": (N_("Der Beitrag wartet wieder auf Freigabe."), N_("Der Beitrag wartet wieder auf Freigabe.")),
    "sent_back": (N_("%(who)s hat den Beitrag zurückgegeben:"), N_("Der Beitrag wurde zurückgegeben:")),
    "commented": (N_("%(who)s merkt an:"), N_("Anmerkung:")),
    "held": (N_("%(who)s hat den Beitrag angehalten."), N_("Der Dienst hat den Beitrag angehalten.")),
    "released": (N_("%(who)s ließ den Beitrag weitergehen."), N_("Der Grund ist weg; der Beitrag geht weiter.")),
    "moved": (N_("%(who)s hat den Beitrag verschoben."), N_("Die Planung hat den Beitrag verschoben.")),
    "queued": (N_("Der Text wurde eingefroren."), N_("Sein Termin kam; der Text wurde eingefroren.")),
    "recalled": (N_("%(who)s hat den Beitrag vor dem Senden zurückgeholt."), N_("Der Beitrag wurde zurückgeholt.")),
    "started": (N_("Das Senden begann."), N_("Das Senden begann.")),
    "posted": (N_("Der Beitrag ist erschienen."), N_("Der Beitrag ist erschienen.")),
    "refused": (N_("Das Netzwerk hat den Beitrag abgelehnt."), N_("Das Netzwerk hat den Beitrag abgelehnt.")),
    "postponed": (N_("Das Senden wurde aufgeschoben."), N_("Das Senden wurde aufgeschoben.")),
    "lost_sight": (
        N_("Ob der Beitrag erschienen ist, blieb offen; es wird nachgesehen."),
        N_("Ob der Beitrag erschienen ist, blieb offen; es wird nachgesehen."),
    ),
    "doubted": (
        N_("Der Beitrag könnte schon erschienen sein; es wird nachgesehen."),
        N_("Der Beitrag könnte schon erschienen sein; es wird nachgesehen."),
    ),
    "found": (N_("Der Beitrag wurde im Netzwerk gefunden."), N_("Der Beitrag wurde im Netzwerk gefunden.")),
    "absent": (
        N_("Im Netzwerk steht er nicht; er wird noch einmal gesendet."),
        N_("Im Netzwerk steht er nicht; er wird noch einmal gesendet."),
    ),
    "handed_over": (
        N_("Das Nachsehen ergab nichts Sicheres; eine Person muss entscheiden."),
        N_("Das Nachsehen ergab nichts Sicheres; eine Person muss entscheiden."),
    ),
    "settled_found": (N_("%(who)s hat entschieden: er ist erschienen."), N_("Entschieden: er ist erschienen.")),
    "settled_absent": (
        N_("%(who)s hat entschieden: er ist nicht erschienen und wird noch einmal gesendet."),
        N_("Entschieden: er ist nicht erschienen und wird noch einmal gesendet."),
    ),
    "retried": (N_("%(who)s lässt den Beitrag noch einmal senden."), N_("Der Beitrag wird noch einmal gesendet.")),
    "missed": (
        N_("Sein Termin verstrich, gesendet wurde nichts."),
        N_("Sein Termin verstrich, gesendet wurde nichts."),
    ),
    "cancelled": (N_("%(who)s hat den Beitrag abgesagt."), N_("Der Beitrag wurde abgesagt.")),
    "cancel_requested": (
        N_("%(who)s will den Beitrag absagen; das gilt, falls er nicht erschienen ist."),
        N_("Der Beitrag soll abgesagt werden, falls er nicht erschienen ist."),
    ),
    "corrected": (N_("%(who)s hat den Beitrag im Netzwerk berichtigt."), N_("Der Beitrag wurde berichtigt.")),
    "withdrawn": (N_("%(who)s hat den Beitrag im Netzwerk gelöscht."), N_("Der Beitrag wurde gelöscht.")),
    "vanished": (
        N_("Der Beitrag ist im Netzwerk nicht mehr zu finden."),
        N_("Der Beitrag ist im Netzwerk nicht mehr zu finden."),
    ),
    "late_answer": (N_("Das Netzwerk antwortete verspätet."), N_("Das Netzwerk antwortete verspätet.")),
    "place_changed": (
        N_("Der Ort hat sich im Portal geändert; der Text blieb, wie er war."),
        N_("Der Ort hat sich im Portal geändert; der Text blieb, wie er war."),
    ),
    "posted_place_changed": (
        N_("Der Ort hat sich im Portal geändert, seit der Beitrag erschien."),
        N_("Der Ort hat sich im Portal geändert, seit der Beitrag erschien."),
    ),
    "place_withdrawn": (
        N_("Der Ort steht nicht mehr im Portal, seit der Beitrag erschien."),
        N_("Der Ort steht nicht mehr im Portal, seit der Beitrag erschien."),
    ),
    "seen_to": (N_("%(who)s hat den Hinweis gesehen."), N_("Der Hinweis wurde gesehen.")),
}
"""What happened to an announcement, as a sentence: by a person, and by the daemon."""
CONFLICT = "changed_meanwhile"
FEWEST_DRAWN = 2
"""Samples from which on a course is drawn."""


# --- what comes with a form --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filled:
    """A form as it was sent: what was typed, and what the button said. `uploads` are files by their place in the form,
    `extra` the description of a picture that is not there yet."""

    typed: Typed
    do: str = ""
    version: str = ""
    channel: str = ""
    at: str = ""
    uploads: tuple[tuple[int | None, bytes], ...] = ()
    extra: TypedPicture = NO_PICTURE


async def filled(request: Request) -> Filled:
    """The form of this request."""
    form = await request.form()

    def one(name: str) -> str:
        value = form.get(name)
        return value[:LONGEST_FIELD] if isinstance(value, str) else ""

    def every(name: str) -> list[str]:
        return [value[:LONGEST_FIELD] for value in form.getlist(name)[:MOST_PICTURES] if isinstance(value, str)]

    gone = set(every("weg"))
    described = zip(every("bild"), every("alt"), every("nachweis"), strict=False)
    pictures = tuple(TypedPicture(name, _line(alt), _line(credit)) for name, alt, credit in described)
    files = [(number, file) for number, file in enumerate(form.getlist("ersatz")[:MOST_PICTURES])]
    files.append((None, form.get("datei")))  # type: ignore[arg-type]
    uploads = [(number, await file.read()) for number, file in files if isinstance(file, UploadFile) and file.size]
    kept = {number for number, _ in uploads}
    return Filled(
        Typed(
            one("text").replace("\r\n", "\n").replace("\r", "\n").strip(),
            one("link").strip(),
            tuple(each for number, each in enumerate(pictures) if each.reference not in gone or number in kept),
        ),
        one("tun"),
        one("fassung"),
        one("kanal"),
        one("termin"),
        tuple(uploads),
        TypedPicture("", _line(one("alt_neu")), _line(one("nachweis_neu"))),
    )


def _line(text: str) -> str:
    return " ".join(text.split())


Sent = Annotated[Filled, Depends(filled)]


def _with_uploads(visitor: Visitor, form: Filled) -> Filled:
    """The form with its files kept and in their places. Raises Refusal for what is no picture."""
    pictures = list(form.typed.pictures)
    for number, data in form.uploads:
        reference = review.keep(visitor.app, data)
        if number is None:
            pictures.append(replace(form.extra, reference=reference))
        elif number < len(pictures):
            pictures[number] = replace(pictures[number], reference=reference)
    return replace(form, typed=replace(form.typed, pictures=tuple(pictures)), uploads=(), extra=NO_PICTURE)


# --- one announcement --------------------------------------------------------------------------------------------


def _page(request: Request, visitor: Visitor, found: Review, status: int = 200, /, **more: Any) -> Response:
    values = {
        "found": found,
        "one": found.one,
        "typed": found.typed,
        "extra": NO_PICTURE,
        "sight": found.sight,
        "said": {},
        "saying": {},
        "theirs": None,
        "slots": None,
        "version": found.one["version"],
        **_effect(visitor, found),
    }
    return render(request, "announcement_page.html", status, **values | _helpers(visitor) | more)


def _effect(visitor: Visitor, found: Review) -> dict[str, Any]:
    """What was measured of it, and the course of how often it was seen, for the script to draw."""
    language = visitor.language
    known = single.measured(visitor.app, found.one["id"])
    values = {
        "measured": known,
        "metrics": partial(wording.metric_name, language=language),
        "numbers": Formats(language),
    }
    if known is None or len(known.course) < FEWEST_DRAWN:
        return values | {"course": None}
    name = wording.metric_name("views", language)
    series = {"name": name, "values": [one.values["views"] for one in known.course]}
    instants = [one.at.isoformat() for one in known.course]
    zone = str(visitor.app.settings.zone)
    return values | {"course": {"instants": instants, "zone": zone, "panels": [{"name": name, "series": [series]}]}}


def _helpers(visitor: Visitor) -> dict[str, Any]:
    return {"story": STORY, "usd": lambda value: _usd(value, visitor.language), "State": State}


def _usd(value: float, language: str) -> str:
    return f"{format_decimal(value, '0.00#', locale=LOCALES[language])} USD"


@routes.get("/beitraege/neu")
def new(
    request: Request,
    visitor: Here,
    kanal: Annotated[str, Query(max_length=200)] = "",
    termin: Annotated[str, Query(max_length=40)] = "",
    aus: Annotated[int | None, Query(ge=1, le=999_999_999)] = None,
) -> Response:
    """An empty form, or one that begins as another announcement (`aus`)."""
    typed = review.copied(visitor.app, aus) if aus is not None else Typed()
    if aus is not None and not kanal:
        kanal = visitor.app.announcements(ids=[aus])[0]["channel"]
    return _new_page(request, visitor, Filled(typed, channel=kanal, at=termin))


def _new_page(request: Request, visitor: Visitor, form: Filled, status: int = 200, said: str | None = None) -> Response:
    channels = visitor.app.channels()
    known = [one["name"] for one in channels]
    channel = form.channel if form.channel in known else (known[0] if known else "")
    at = _local(visitor, form.at)
    return render(
        request,
        "announcement_new.html",
        status,
        form=form,
        typed=form.typed,
        extra=form.extra,
        channels=channels,
        channel=channel,
        at=at,
        sight=review.sight_of_new(visitor.app, channel, at, form.typed) if channel else None,
        said=said,
        may_approve=visitor.may("POST", "/beitraege/{announcement_id}/freigeben"),
        **_helpers(visitor),
    )


def _local(visitor: Visitor, at: str) -> str:
    """An instant as the field for it takes it; without one, tomorrow at ten."""
    zone = visitor.app.settings.zone
    if not at:
        day = visitor.app.clock.now().astimezone(zone) + timedelta(days=1)
        return day.strftime("%Y-%m-%dT10:00")
    try:
        return read_instant(at, zone).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    except Refusal:
        return at


@routes.post("/beitraege/neu")
def create(request: Request, visitor: Here, form: Sent) -> Response:
    """Make it, as a draft or approved; what was typed stays where that is refused."""
    try:
        form = _with_uploads(visitor, form)
        if form.do == "vorschau":
            return _new_page(request, visitor, form)
        approve = form.do == "freigeben" and visitor.may("POST", "/beitraege/{announcement_id}/freigeben")
        number = review.create(visitor.app, form.channel, form.at, form.typed, approve=approve)
    except Refusal as refusal:
        return _new_page(request, visitor, form, 422, told_refusal(refusal, visitor.language))
    return _done(request, number, "made_approved" if approve else "made")


@routes.post("/beitraege/neu/vorschau")
def preview_of_new(request: Request, visitor: Here, form: Sent) -> Response:
    """How the network would show what is being typed."""
    try:
        seen = review.sight_of_new(visitor.app, form.channel, form.at, form.typed)
    except Unknown:
        return Response(status_code=204)
    return render(request, "announcement_sight.html", sight=seen, one=None, **_helpers(visitor))


@routes.post("/beitraege/bild")
def upload(request: Request, visitor: Here, form: Sent) -> Response:
    """Keep a picture at once, so that it can be seen before anything is saved."""
    number, data = form.uploads[0] if form.uploads else (None, b"")
    described = form.typed.pictures[0] if number is not None and form.typed.pictures else form.extra
    try:
        shown, said = replace(described, reference=review.keep(visitor.app, data)), None
    except Refusal as refusal:
        shown, said = described, told_refusal(refusal, visitor.language)
    return render(request, "announcement_picture.html", picture=shown, said=said, one=None, replaced=number is not None)


@routes.get("/beitraege/bild/{picture}")
def uploaded(visitor: Here, picture: Reference) -> Response:
    """A picture that somebody uploaded, small."""
    return _picture(review.uploaded(visitor.app, picture))


@routes.get("/beitraege/{announcement_id}/bild/{picture}")
def picture_of(visitor: Here, announcement_id: Id, picture: Reference) -> Response:
    """One of the announcement's pictures, small."""
    return _picture(review.picture(visitor.app, announcement_id, picture))


def _picture(found: tuple[bytes, str] | None) -> Response:
    if found is None:
        return Response(status_code=404)
    return Response(found[0], media_type=found[1], headers={"cache-control": PICTURE_LASTS})


@routes.get("/beitraege/{announcement_id}")
def show(request: Request, visitor: Here, announcement_id: Id) -> Response:
    """The announcement with all that is known of it."""
    return _page(request, visitor, review.examine(visitor.app, announcement_id))


@routes.get("/beitraege/{announcement_id}/termine")
def slots(request: Request, visitor: Here, announcement_id: Id) -> Response:
    """The same with the next instants that the rhythm permits."""
    found = review.examine(visitor.app, announcement_id)
    return _page(request, visitor, found, slots=review.next_slots(visitor.app, announcement_id))


@routes.post("/beitraege/{announcement_id}/vorschau")
def preview(request: Request, visitor: Here, announcement_id: Id, form: Sent) -> Response:
    """How the network would show what is being typed."""
    seen = review.sight(visitor.app, announcement_id, form.typed)
    return render(request, "announcement_sight.html", sight=seen, one={"id": announcement_id}, **_helpers(visitor))


@routes.post("/beitraege/{announcement_id}")
def save(request: Request, visitor: Here, announcement_id: Id, form: Sent) -> Response:
    """Save what was typed. Where that is refused, or somebody else was faster, it stands in the form again."""
    app = visitor.app
    was = app.show([announcement_id])[0] if app.announcements(ids=[announcement_id]) else None
    try:
        form = _with_uploads(visitor, form)
        if form.do == "vorschau":
            return _typed_again(request, visitor, announcement_id, form)
        changed = review.save(app, announcement_id, form.typed, form.version, confirm=form.do == "bestaetigen")
        if form.do == "freigeben" and visitor.may("POST", "/beitraege/{announcement_id}/freigeben"):
            app.decide("approve", [announcement_id])
            return _done(request, announcement_id, "saved_approved")
    except Refusal as refusal:
        return _typed_again(request, visitor, announcement_id, form, refusal)
    return _done(request, announcement_id, _saved(was, changed))


def _saved(was: dict[str, Any] | None, changed: bool) -> str:
    if not changed:
        return "unchanged"
    if was is not None and was["state"] == State.HELD:
        return "saved_held"
    return "saved_unapproved" if was is not None and was["approved_by"] else "saved"


def _typed_again(
    request: Request, visitor: Visitor, announcement_id: int, form: Filled, refusal: Refusal | None = None
) -> Response:
    found = review.examine(visitor.app, announcement_id)
    conflict = refusal is not None and refusal.word == CONFLICT
    values: dict[str, Any] = {"typed": form.typed, "extra": form.extra, "version": form.version}
    if found.editable:
        values["sight"] = review.sight(visitor.app, announcement_id, form.typed)
    if conflict:
        # Whoever saves again has seen both texts and decided.
        values |= {"version": found.one["version"], "theirs": review.changes(found.typed.text, form.typed.text)}
    elif refusal is not None:
        values["said"] = {"bearbeiten": told_refusal(refusal, visitor.language)}
    status = 200 if refusal is None else (409 if conflict else 422)
    return _page(request, visitor, found, status, **values)


# --- decisions ---------------------------------------------------------------------------------------------------

Words = Annotated[str, Form(max_length=LONGEST_FIELD)]
Version = Annotated[str, Form(max_length=40)]


def _decide(
    request: Request, visitor: Visitor, announcement_id: int, thing: str, words: str, act: Callable[[], None], done: str
) -> Response:
    """Act and go back; a refusal stands beside the form, with what was typed in it."""
    try:
        act()
    except Refusal as refusal:
        found = review.examine(visitor.app, announcement_id)
        said = {thing: told_refusal(refusal, visitor.language)}
        return _page(request, visitor, found, 422, said=said, saying={thing: words})
    return _done(request, announcement_id, done)


def _done(request: Request, announcement_id: int, word: str) -> Response:
    response = back(request, f"/beitraege/{announcement_id}")
    text = request.app.state.pages.gettext(DONE[word], request.state.visitor.language)
    tell(request, response, f"beitrag-{announcement_id}", text, done=True)
    return response


@routes.post("/beitraege/{announcement_id}/anmerken")
def comment(request: Request, visitor: Here, announcement_id: Id, worte: Words = "") -> Response:
    """Say something to whoever works on it."""
    app = visitor.app
    return _decide(
        request,
        visitor,
        announcement_id,
        "anmerken",
        worte,
        lambda: review.comment(app, announcement_id, worte),
        "commented",
    )


@routes.post("/beitraege/{announcement_id}/zurueckgeben")
def send_back(request: Request, visitor: Here, announcement_id: Id, worte: Words = "") -> Response:
    """Withdraw the approvals and say what must be changed."""
    app = visitor.app
    return _decide(
        request,
        visitor,
        announcement_id,
        "zurueckgeben",
        worte,
        lambda: review.send_back(app, announcement_id, worte),
        "sent_back",
    )


@routes.post("/beitraege/{announcement_id}/jetzt")
def post_now(request: Request, visitor: Here, announcement_id: Id, fassung: Version = "") -> Response:
    """Approve and send at once."""
    app = visitor.app
    return _decide(
        request, visitor, announcement_id, "jetzt", "", lambda: review.post_now(app, announcement_id, fassung), "now"
    )


@routes.post("/beitraege/{announcement_id}/berichtigen")
def correct(request: Request, visitor: Here, announcement_id: Id, worte: Words = "") -> Response:
    """Change what is out."""
    app, text = visitor.app, worte.replace("\r\n", "\n").strip()
    return _decide(
        request,
        visitor,
        announcement_id,
        "berichtigen",
        text,
        lambda: review.correct(app, announcement_id, text),
        "corrected",
    )


@routes.post("/beitraege/{announcement_id}/zurueckziehen")
def withdraw(request: Request, visitor: Here, announcement_id: Id, worte: Words = "") -> Response:
    """Delete what is out."""
    app = visitor.app
    return _decide(
        request,
        visitor,
        announcement_id,
        "zurueckziehen",
        worte,
        lambda: review.withdraw(app, announcement_id, worte[:300]),
        "withdrawn",
    )
