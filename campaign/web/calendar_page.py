"""Kalender: what goes out when, as month, week, day or list; moving by hand; filling the calendar; subscribing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from campaign import agenda, feeds
from campaign.access import NotAdmitted
from campaign.agenda import Closed, Item, Moved, Wanted
from campaign.app import OutOfRhythm
from campaign.desk import Refusal
from campaign.news import refusal as told_refusal
from campaign.web.door import Here, Visitor, address_of, tell
from campaign.web.language import N_
from campaign.web.page import STATES, answer_change, back, render
from campaign.web.rules import RULES

routes = APIRouter()
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Instant = Annotated[str, Form(max_length=40)]
Id = Annotated[int, Form(ge=1, le=999_999_999)]
FIRST_YEAR, LAST_YEAR = 2000, 2199
ROWS = 100
OPENS = ("GET", "/beitraege/{announcement_id}")
ADDS = ("GET", "/beitraege/neu")
STORY = "/protokoll?beitrag={}"

VIEWS: dict[str, str] = {
    "monat": N_("Monat"),
    "woche": N_("Woche"),
    "tag": N_("Tag"),
    "liste": N_("Liste"),
}
KINDS: dict[str, str] = {
    "holiday": N_("Feiertag: {reason}"),
    "house": N_("Sperrzeit: {reason}"),
    "campaign": N_("Sperrzeit: {reason} ({campaign})"),
}


class Search(BaseModel):
    """What stands in the calendar's address: the view, a day in it, and what it is narrowed to."""

    ansicht: Words = ""
    tag: Words = ""
    kampagne: Words = ""
    region: Words = ""
    bereich: Words = ""
    kanal: Words = ""
    stand: Words = ""
    frei: bool = False

    @property
    def wanted(self) -> Wanted:
        """The same for the application; a state that does not exist excludes nothing."""
        return Wanted(
            campaign=self.kampagne or None,
            region=self.region or None,
            category=self.bereich or None,
            channel=self.kanal or None,
            state=self.stand if self.stand in STATES else None,
        )

    def narrowed(self) -> dict[str, str]:
        """What the calendar is narrowed to, without view and day."""
        every = {name: str(value) for name, value in self.model_dump().items()}
        return {name: every[name] for name in ("kampagne", "region", "bereich", "kanal", "stand") if every[name]}


class Month(Search):
    """A month as a plain list, a page of it."""

    monat: Words = ""
    seite: Annotated[int, Field(ge=1, le=1000)] = 1


class Span(Search):
    """Days of the calendar, both included."""

    von: date
    bis: date


class Fed(Search):
    """What a subscribed calendar holds, and the key that opens it."""

    key: Words = ""


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


# --- the pages -----------------------------------------------------------------------------------------------


@routes.get("/kalender")
def calendar(request: Request, visitor: Here, search: Annotated[Search, Query()]) -> Response:
    """The calendar; its announcements come by `/kalender/daten`, for the span that is shown."""
    choices = agenda.choices(visitor.app)
    return render(
        request,
        "calendar.html",
        search=search,
        choices=choices,
        views=VIEWS,
        plain=_plain_address(search),
        settings=_for_script(request, visitor, search, choices),
    )


def _state_words(request: Request, visitor: Visitor) -> dict[str, str]:
    translated = request.app.state.pages.gettext
    return {state: translated(word, visitor.language) for state, word in STATES.items()}


def _plain_address(search: Search) -> str:
    day = _day(search.tag)
    month = {"monat": f"{day:%Y-%m}"} if day else {}
    query = urlencode(month | search.narrowed())
    return "/kalender/liste" + (f"?{query}" if query else "")


def _for_script(request: Request, visitor: Visitor, search: Search, choices: agenda.Choices) -> dict[str, Any]:
    """What the script must know beside the template's texts."""
    day = _day(search.tag)
    return {
        "language": visitor.language,
        "zone": str(visitor.app.settings.zone),
        "now": visitor.app.clock.now().astimezone(visitor.app.settings.zone).isoformat(),
        "view": search.ansicht if search.ansicht in VIEWS else "",
        "day": day.isoformat() if day else "",
        "csrf": visitor.csrf,
        "moves": visitor.may("POST", "/kalender/verschieben"),
        "opens": "/beitraege/{}" if OPENS in RULES and visitor.may(*OPENS) else STORY,
        "adds": "/beitraege/neu" if ADDS in RULES and visitor.may(*ADDS) else "",
        "channels": [one["name"] for one in choices.channels],
        "states": _state_words(request, visitor),
    }


@routes.get("/kalender/liste")
def plain_list(request: Request, visitor: Here, search: Annotated[Month, Query()]) -> Response:
    """A month as a plain list, for whoever has no scripts or prefers reading."""
    app = visitor.app
    first = _day(f"{search.monat}-01") or app.today().replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    last = following - timedelta(days=1)
    found = agenda.shown(app, first, last, search.wanted)
    choices = agenda.choices(app)
    start = (search.seite - 1) * ROWS
    return render(
        request,
        "calendar_list.html",
        search=search,
        choices=choices,
        colours=_colours(choices),
        first=first,
        before=(first - timedelta(days=1)).replace(day=1),
        following=following,
        days=_by_day(found.items[start : start + ROWS]),
        number=len(found.items),
        closed=[_closed(visitor, request, one) for one in agenda.closed_days(app, first, last, search.wanted.campaign)],
        page=search.seite,
        pages=-(-len(found.items) // ROWS),
        opens=OPENS in RULES and visitor.may(*OPENS),
        narrowed=lambda **more: urlencode(search.narrowed() | more),
    )


def _colours(choices: agenda.Choices) -> dict[str, int]:
    return {one["name"]: number % 8 for number, one in enumerate(choices.channels)}


def _by_day(items: tuple[Item, ...]) -> dict[date, list[Item]]:
    days: dict[date, list[Item]] = {}
    for one in items:
        days.setdefault(one.at.date(), []).append(one)
    return days


def _closed(visitor: Visitor, request: Request, one: Closed) -> dict[str, Any]:
    said: str = request.app.state.pages.gettext(KINDS[one.kind], visitor.language)
    said = said.format(reason=one.reason, campaign=one.campaign)
    return {"first": one.first.isoformat(), "last": one.last.isoformat(), "title": said, "kind": one.kind}


# --- the data of a span --------------------------------------------------------------------------------------


@routes.get("/kalender/daten")
def data(request: Request, visitor: Here, search: Annotated[Span, Query()]) -> Response:
    """What the calendar draws of the days that it shows, both included, at most LONGEST_SPAN of them."""
    von, bis = search.von, search.bis
    if not (von <= bis and von.year >= FIRST_YEAR and bis.year <= LAST_YEAR):
        return JSONResponse({"detail": "von, bis"}, 422)
    app, wanted = visitor.app, search.wanted
    last = min(bis, von + agenda.LONGEST_SPAN)
    found = agenda.shown(app, von, last, wanted)
    free = agenda.free_slots(app, von, last, wanted) if search.frei else []
    return JSONResponse(
        {
            "announcements": [_item_json(one) for one in found.items],
            "more": found.more,
            "closed": [_closed(visitor, request, one) for one in agenda.closed_days(app, von, last, wanted.campaign)],
            "free": [{"channel": one.channel, "at": one.at.isoformat()} for one in free],
        }
    )


def _item_json(one: Item) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": one.at.isoformat(),
        "title": one.title,
        "state": one.state,
        "channel": one.channel,
        "campaign": one.campaign,
        "step": one.step,
        "why": one.why,
        "movable": one.movable,
    }


# --- moving --------------------------------------------------------------------------------------------------


@routes.post("/kalender/verschieben")
def move(
    visitor: Here,
    beitrag: Id,
    termin: Instant = "",
    gesehen: Instant = "",
    trotzdem: Annotated[bool, Form()] = False,
) -> Response:
    """Give an announcement another instant; where only the rhythm speaks against it, others are offered, and
    `trotzdem` insists."""
    app = visitor.app
    try:
        moved = agenda.move(app, beitrag, termin, seen=gesehen, force=trotzdem)
    except OutOfRhythm as refusal:
        free = [one.isoformat() for one in agenda.instead(app, beitrag, termin)]
        return JSONResponse(_refused(visitor, refusal) | {"insist": True, "instead": free}, 409)
    except Refusal as refusal:
        return JSONResponse(_refused(visitor, refusal), 409)
    return JSONResponse(_moved_json(moved))


@routes.post("/kalender/rueckgaengig")
def take_back(
    visitor: Here, beitrag: Id, termin: Instant = "", gesehen: Instant = "", fest: Annotated[bool, Form()] = True
) -> Response:
    """Move an announcement back; `fest`: a person had put it there before."""
    try:
        moved = agenda.move(visitor.app, beitrag, termin, seen=gesehen, force=True, pinned=fest)
    except Refusal as refusal:
        return JSONResponse(_refused(visitor, refusal), 409)
    return JSONResponse(_moved_json(moved))


def _refused(visitor: Visitor, refusal: Refusal) -> dict[str, Any]:
    return {"reason": told_refusal(refusal, visitor.language)}


def _moved_json(moved: Moved) -> dict[str, Any]:
    return {
        "id": moved.id,
        "title": moved.title,
        "at": moved.at.isoformat(),
        "was": moved.was.isoformat(),
        "pinned": moved.was_pinned,
        "undoable": moved.undoable,
    }


# --- filling the calendar ------------------------------------------------------------------------------------


@routes.get("/kalender/planen")
def rehearsal(request: Request, visitor: Here) -> Response:
    """What filling the calendar would do, before anybody does it."""
    titles = dict(agenda.choices(visitor.app).campaigns)
    return render(request, "calendar_plan.html", rehearsal=agenda.rehearse(visitor.app), titles=titles)


@routes.post("/kalender/planen")
def plan(request: Request, visitor: Here) -> Response:
    """Fill the calendar."""
    outcome = visitor.app.plan()
    gettext = request.app.state.pages.gettext
    said = gettext(N_("Geplant: {planned}, angehalten: {held}, ohne Termin: {unplaced}."), visitor.language).format(
        **{name: len(outcome[name]) for name in ("planned", "held", "unplaced")}
    )
    response = back(request, "/kalender")
    tell(request, response, "planen", said, done=True)
    return response


# --- subscribing ---------------------------------------------------------------------------------------------


@routes.get("/kalender/abonnement")
def subscriptions(request: Request, visitor: Here) -> Response:
    """The visitor's subscriptions, and the form for a new one."""
    return _subscriptions(request, visitor)


def _subscriptions(
    request: Request, visitor: Here, link: str = "", problem: str = "", typed: Mapping[str, str] | None = None
) -> Response:
    return render(
        request,
        "calendar_subscriptions.html",
        422 if problem else 200,
        keys=visitor.app.access.calendar_keys(_name(visitor)),
        choices=agenda.choices(visitor.app),
        link=link,
        problem=problem,
        typed=typed or {},
    )


def _name(visitor: Visitor) -> str:
    return visitor.app.actor_name


@routes.post("/kalender/abonnement")
def subscribe(
    request: Request,
    visitor: Here,
    name: Annotated[str, Form(max_length=200)] = "",
    kanal: Annotated[str, Form(max_length=200)] = "",
    kampagne: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Make a key; its link is in this answer and nowhere else."""
    narrowed = {key: value for key, value in (("kanal", kanal), ("kampagne", kampagne)) if value}
    try:
        secret = visitor.app.access.make_calendar_key(_name(visitor), name)
    except NotAdmitted as refusal:
        problem = told_refusal(refusal, visitor.language)
        return _subscriptions(request, visitor, problem=problem, typed=narrowed | {"name": name})
    return _subscriptions(request, visitor, link=_feed_address(request, narrowed | {"key": secret}))


def _feed_address(request: Request, query: Mapping[str, str]) -> str:
    """The whole address, as another machine reaches it."""
    base: str = request.app.state.app.settings["web.address"] or str(request.base_url)
    return f"{base.rstrip('/')}/kalender.ics?{urlencode(query)}"


@routes.post("/kalender/abonnement/{key_id}/widerrufen")
def revoke(request: Request, visitor: Here, key_id: Annotated[int, Path(ge=1, le=2**62)]) -> Response:
    """End a subscription; its link leads nowhere from now on."""
    return answer_change(
        request,
        "/kalender/abonnement",
        f"abonnement-{key_id}",
        lambda: visitor.app.access.revoke_calendar_key(_name(visitor), key_id),
        N_("Widerrufen; der Link gilt nicht mehr."),
    )


@routes.get("/kalender.ics")
def feed(request: Request, visitor: Here, search: Annotated[Fed, Query()]) -> Response:
    """The calendar for calendar programs: no session, the key in the address opens it."""
    try:
        reader = visitor.app.access.calendar_reader(search.key, address_of(request))
    except NotAdmitted as refusal:
        return Response(told_refusal(refusal, visitor.language), 429, media_type="text/plain")
    if reader is None:
        return Response(status_code=404)
    file = feeds.icalendar(agenda.fed(visitor.app, search.wanted), _state_words(request, visitor))
    headers = {"content-disposition": 'inline; filename="kalender.ics"'}
    return Response(file, media_type="text/calendar; charset=utf-8", headers=headers)
