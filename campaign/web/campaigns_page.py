"""Kampagnen: how they stand, the form that makes them, and the calendar that they would fill."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from starlette.datastructures import UploadFile

from campaign import atlas, rehearsal
from campaign.campaign_file import write_campaign
from campaign.campaigns import (
    APPROVALS,
    PICTURES,
    WEEKDAYS,
    Campaign,
    CampaignError,
    campaign_to_mapping,
    read_campaign,
)
from campaign.news import problem, problem_of_file
from campaign.rehearsal import ChangedMeanwhile, Entry, Trial
from campaign.roles import Role
from campaign.store import Unknown
from campaign.web import campaign_form
from campaign.web.campaign_form import DAY_CODES, ORDINALS, UNITS, Tree
from campaign.web.door import Here, Visitor, tell
from campaign.web.language import N_
from campaign.web.page import answer_change, back, not_there, render

routes = APIRouter()
MOST_FIELDS = 5000
LARGEST_FILE = 1_000_000
DAYS_SHOWN = 3
COMING_SHOWN = 20
CALENDAR = Calendar()
STRENGTH = ("held", "new", "moved", "kept")
"""Which kind colours a day on which several fall."""
RESERVED = frozenset({"neu", "datei", ".", ".."})
"""Parts of an address that are no campaign's."""

PHASES: dict[str, str] = {
    "running": N_("läuft"),
    "ahead": N_("beginnt noch"),
    "paused": N_("angehalten"),
    "over": N_("vorbei"),
    "ended": N_("beendet"),
}
KINDS: dict[str, str] = {
    "new": N_("neu geplant"),
    "moved": N_("neuer Termin"),
    "kept": N_("bleibt"),
    "held": N_("angehalten"),
}
APPROVAL_NAMES: dict[str, str] = {
    "none": N_("keine: geht ohne Freigabe hinaus"),
    "one": N_("eine Person gibt frei"),
    "four-eyes": N_("vier Augen: zwei Personen geben frei"),
}
PICTURE_NAMES: dict[str, str] = {
    "photo": N_("Foto, wo der Ort eines hat"),
    "card": N_("Vorschaukarte des Links"),
    "none": N_("kein Bild"),
}
UNIT_NAMES: dict[str, str] = {"d": N_("Tage"), "h": N_("Stunden"), "m": N_("Minuten"), "s": N_("Sekunden")}
WEEKDAY_NAMES: dict[str, str] = dict(
    zip(
        WEEKDAYS,
        (
            *(N_("Montag"), N_("Dienstag"), N_("Mittwoch"), N_("Donnerstag")),
            *(N_("Freitag"), N_("Samstag"), N_("Sonntag")),
        ),
        strict=True,
    )
)
DAY_NAMES = dict(zip(DAY_CODES, WEEKDAY_NAMES.values(), strict=True))
ORDINAL_NAMES: dict[str, str] = dict(
    zip(ORDINALS, (N_("ersten"), N_("zweiten"), N_("dritten"), N_("vierten"), N_("letzten")), strict=True)
)
RECURRENCES: dict[str, str] = {
    "weekly": N_("jede Woche"),
    "monthly": N_("jeden Monat an einem Wochentag"),
    "month_day": N_("jeden Monat an einem Datum"),
    "rule": N_("nach eigener Regel (RFC 5545)"),
}
FIELD_NAMES: dict[str, str] = {
    "name": N_("Kurzname"),
    "title": N_("Titel"),
    "starts": N_("Erster Tag"),
    "ends": N_("Letzter Tag"),
    "announce_published_from": N_("Orte ab Veröffentlichung am"),
    "channels": N_("Kanäle"),
    "approval": N_("Freigabe"),
    "late_grace": N_("Höchstens zu spät"),
    "utm_campaign": N_("Name in der Statistik (utm_campaign)"),
    "budget_usd": N_("Budget der Kampagne"),
    "budget_usd_month": N_("Budget je Monat"),
    "steps": N_("Schritte"),
    "calls": N_("Aufrufe"),
    "templates": N_("Vorlage"),
    "after": N_("Abstand"),
    "picture": N_("Bild"),
    "recurs": N_("Wiederholung"),
    "link": N_("Link"),
    "slots": N_("Termine"),
    "quiet": N_("Ruhezeiten"),
    "max_per_day": N_("Höchstens am Tag"),
    "max_per_week": N_("Höchstens in der Woche"),
    "min_gap": N_("Mindestabstand"),
    "skip_holidays": N_("Feiertage"),
    "blackouts": N_("Sperrzeiten"),
    "from": N_("von"),
    "to": N_("bis"),
}


# --- addresses -------------------------------------------------------------------------------------------------


def address_of(name: str) -> str:
    """A campaign's address. A name that no address can carry as it is, is written in hexadecimal signs."""
    if name in RESERVED or name.startswith("~") or "/" in name or "%" in name:
        name = f"~{name.encode().hex()}"
    return f"/kampagnen/{quote(name, safe='')}"


def named(name: str) -> str:
    """The campaign's name in an address."""
    try:
        return bytes.fromhex(name[1:]).decode() if name.startswith("~") else name
    except ValueError:
        return name


Name = Annotated[str, Depends(named)]


# --- looking ---------------------------------------------------------------------------------------------------


@routes.get("/kampagnen")
def campaigns(request: Request, visitor: Here) -> Response:
    """All campaigns, what runs first."""
    app = visitor.app
    today = app.today()
    order = list(PHASES)
    found = sorted(rehearsal.campaigns(app), key=lambda one: order.index(one.phase(today)))
    return render(request, "campaigns.html", campaigns=found, today=today, phases=PHASES, address_of=address_of)


async def _fields(request: Request) -> Tree:
    """The form as it was sent."""
    sent = await request.form(max_fields=MOST_FIELDS)
    return campaign_form.read((name, value) for name, value in sent.multi_items() if isinstance(value, str))


Sent = Annotated[Tree, Depends(_fields)]
Wish = Annotated[str, Form(max_length=200)]
Stamp = Annotated[str, Form(max_length=64)]


@routes.get("/kampagnen/neu")
def new(request: Request, visitor: Here, von: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The form of a new campaign; `von` names one that it begins as a copy of."""
    form = campaign_form.blank()
    if von:
        try:
            original = rehearsal.campaign(visitor.app, von).campaign
        except Unknown:
            return not_there(request)
        form = campaign_form.filled(campaign_to_mapping(original))
        form |= {"name": "", "utm_campaign": "" if original.utm_campaign == original.name else original.utm_campaign}
        form["title"] = _copied(request, visitor, original.title)
    return _show_form(request, visitor, form, "")


def _copied(request: Request, visitor: Visitor, title: str) -> str:
    text = request.app.state.pages.gettext(N_("{} (Kopie)"), visitor.language)
    return str(text).format(title)[:100]


@routes.post("/kampagnen/neu")
def make(request: Request, visitor: Here, form: Sent, tun: Wish = "vorschau") -> Response:
    """Change the rows of the form, try it out, or keep it."""
    return _work_on(request, visitor, form, tun, "", "")


@routes.post("/kampagnen/datei")
async def upload(request: Request, visitor: Here) -> Response:
    """A campaign file into the form; kept is nothing yet."""
    sent = await request.form(max_files=1)
    file = sent.get("datei")
    data = await file.read(LARGEST_FILE + 1) if isinstance(file, UploadFile) else b""
    return _take_file(request, visitor, data)


def _take_file(request: Request, visitor: Visitor, data: bytes) -> Response:
    try:
        read = read_campaign(data.decode("utf-8-sig"))
    except CampaignError as error:
        told = [problem_of_file(one, visitor.language) for one in error.problems]
        return _show_form(request, visitor, campaign_form.blank(), "", of_file=told, status=422)
    except UnicodeDecodeError:
        unreadable = request.app.state.pages.gettext(N_("Das ist keine Textdatei in UTF-8."), visitor.language)
        return _show_form(request, visitor, campaign_form.blank(), "", of_file=[unreadable], status=422)
    name, stamp = "", ""
    try:
        kept = rehearsal.campaign(visitor.app, read.name)
        name, stamp = kept.campaign.name, kept.stamp
    except Unknown:
        pass
    form = campaign_form.filled(campaign_to_mapping(read))
    return _show_form(request, visitor, form, name, stamp=stamp, from_file=True)


@routes.get("/kampagnen/{name}")
def campaign(request: Request, visitor: Here, name: Name) -> Response:
    """One campaign, and what of it is still to come."""
    app = visitor.app
    kept = rehearsal.campaign(app, name)
    coming = app.announcements(campaign=name, states=rehearsal.TO_COME, limit=COMING_SHOWN)
    return render(
        request,
        "campaign.html",
        kept=kept,
        phase=kept.phase(app.today()),
        phases=PHASES,
        coming=coming,
        link=address_of(name),
        copy_link=f"/kampagnen/neu?von={quote(name, safe='')}",
        next_days={call.name: _next_days(kept.campaign, call, app.today()) for call in kept.campaign.calls},
        shows_announcements=visitor.may("GET", "/beitraege/{announcement_id}"),
        rule_in_words=_rule_in_words,
        **_words(),
    )


@routes.get("/kampagnen/{name}/datei")
def download(visitor: Here, name: Name) -> Response:
    """The campaign file."""
    text = write_campaign(rehearsal.campaign(visitor.app, name).campaign)
    file = campaign_form.short_name(name) or "kampagne"
    headers = {"content-disposition": f'attachment; filename="{file}.toml"'}
    return Response(text, media_type="application/toml; charset=utf-8", headers=headers)


@routes.get("/kampagnen/{name}/bearbeiten")
def edit(request: Request, visitor: Here, name: Name) -> Response:
    """The form of a stored campaign."""
    kept = rehearsal.campaign(visitor.app, name)
    form = campaign_form.filled(campaign_to_mapping(kept.campaign))
    return _show_form(request, visitor, form, name, stamp=kept.stamp)


@routes.post("/kampagnen/{name}/bearbeiten")
def change(
    request: Request, visitor: Here, name: Name, form: Sent, tun: Wish = "vorschau", stand: Stamp = ""
) -> Response:
    """Change the rows of the form, try it out, or keep it."""
    rehearsal.campaign(visitor.app, name)
    return _work_on(request, visitor, form, tun, name, stand)


# --- the form --------------------------------------------------------------------------------------------------


def _work_on(request: Request, visitor: Visitor, form: Tree, wish: str, name: str, stamp: str) -> Response:
    """What a button of the form asks for; `name` is that of the stored campaign, empty for a new one."""
    if name:
        form["name"] = name
    if wish not in ("vorschau", "speichern"):
        fresh = campaign_form.change(form, wish)
        return _show_form(request, visitor, form, name, stamp=stamp, fresh=fresh)
    campaign_form.compact(form)
    may_approve = visitor.user is not None and visitor.user.role.includes(Role.APPROVER)
    try:
        wanted = rehearsal.read_definition(visitor.app, campaign_form.definition(form), may_approve=may_approve)
        if wish != "speichern":
            trial = rehearsal.try_out(visitor.app, wanted)
            return _show_form(request, visitor, form, name, stamp=stamp, trial=trial, wanted=wanted)
        rehearsal.save(visitor.app, wanted, stamp if name else None)
    except CampaignError as error:
        return _show_form(request, visitor, form, name, stamp=stamp, error=error, status=422)
    except ChangedMeanwhile as changed:
        return _show_form(request, visitor, form, name, stamp=changed.stamp, changed=True, status=409)
    response = back(request, address_of(wanted.name))
    done = request.app.state.pages.gettext(N_("Gespeichert; die nächste Planung folgt dem."), visitor.language)
    tell(request, response, "kampagne", done, done=True)
    return response


def _show_form(
    request: Request,
    visitor: Visitor,
    form: Tree,
    name: str,
    *,
    stamp: str = "",
    error: CampaignError | None = None,
    trial: Trial | None = None,
    wanted: Campaign | None = None,
    changed: bool = False,
    of_file: list[str] | None = None,
    from_file: bool = False,
    fresh: str = "",
    status: int = 200,
) -> Response:
    app = visitor.app
    choices = atlas.choices(app)
    problems = _problems(error, form, visitor.language)
    return render(
        request,
        "campaign_form.html",
        status,
        form=form,
        name=name,
        stamp=stamp,
        link=address_of(name) if name else "/kampagnen",
        action=f"{address_of(name)}/bearbeiten" if name else "/kampagnen/neu",
        problems=problems,
        labels={field: _label(field) for field in problems},
        trial=trial,
        months=_months(visitor, trial) if trial is not None else [],
        weeks=_weeks(visitor, trial) if trial is not None else [],
        next_days={call.name: _next_days(wanted, call, app.today()) for call in wanted.calls} if wanted else {},
        changed=changed,
        of_file=of_file or [],
        from_file=from_file,
        fresh=fresh,
        portals=_with(list(app.settings.portals), form["portals"]),
        regions=_with(choices.regions, form["regions"]),
        categories=_with(choices.categories, form["categories"]),
        channels=_channels(visitor, form),
        templates=_templates(visitor),
        kinds=KINDS,
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {
        "approvals": {one: APPROVAL_NAMES[one] for one in APPROVALS},
        "pictures": {one: PICTURE_NAMES[one] for one in PICTURES},
        "units": {one: UNIT_NAMES[one] for one in UNITS},
        "weekdays": WEEKDAY_NAMES,
        "days": DAY_NAMES,
        "ordinals": ORDINAL_NAMES,
        "recurrences": RECURRENCES,
        "field_names": FIELD_NAMES,
    }


def _problems(error: CampaignError | None, form: Tree, language: str) -> dict[str, list[str]]:
    """Field to the sentences beside it; "" for what concerns the whole campaign."""
    found: dict[str, list[str]] = {}
    for one in error.problems if error else ():
        found.setdefault(campaign_form.field_of(one, form), []).append(problem(one, language))
    return found


def _label(field: str) -> str:
    """The word for a field in the list of problems."""
    parts = [part for part in field.split(".") if not part.isdecimal()]
    return next((FIELD_NAMES[part] for part in reversed(parts) if part in FIELD_NAMES), "")


def _with(known: list[str], chosen: list[str]) -> list[str]:
    return [*known, *(one for one in chosen if one not in known)]


def _channels(visitor: Visitor, form: Tree) -> list[dict[str, Any]]:
    found = visitor.app.channels()
    names = {one["name"] for one in found}
    missing = [{"name": name, "network": "", "regions": [], "missing": True} for name in form["channels"]]
    return [*found, *(one for one in missing if one["name"] not in names)]


def _templates(visitor: Visitor) -> dict[str, list[str]]:
    """Template to the networks that have it."""
    found: dict[str, list[str]] = {}
    for one in visitor.app.template_list():
        found.setdefault(one["name"], []).append(one["network"])
    return dict(sorted(found.items()))


def _next_days(wanted: Campaign, call: Any, today: date) -> list[date]:
    """The first days on which a call recurs from today on."""
    days = (day for day in call.days(wanted.starts, wanted.ends) if day >= today)
    return [day for day, _ in zip(days, range(DAYS_SHOWN), strict=False)]


def _rule_in_words(call: Any) -> Tree:
    """A call's rule as the form shows it, for the page that only tells."""
    return campaign_form.call_fields({"name": call.name, "templates": call.templates, "recurs": call.recurs})


# --- the calendar that it would fill -----------------------------------------------------------------------------


def _local(visitor: Visitor, one: Entry) -> date:
    return one.at.astimezone(visitor.app.settings.zone).date()


def _weeks(visitor: Visitor, trial: Trial) -> list[tuple[date, list[Entry]]]:
    """Entries by the Monday of their week."""

    def monday(one: Entry) -> date:
        day = _local(visitor, one)
        return day - timedelta(days=day.weekday())

    return [(first, list(entries)) for first, entries in groupby(trial.entries, key=monday)]


@dataclass(frozen=True)
class Day:
    """One day of a month's picture. `week` is the Monday under which the list has it; `strongest` the kind to show."""

    day: date
    week: date
    count: int
    strongest: str


@dataclass(frozen=True)
class Month:
    """A month as rows of seven days, None where the row belongs to another month."""

    first: date
    weeks: list[list[Day | None]]


def _months(visitor: Visitor, trial: Trial) -> list[Month]:
    """The months in which something falls."""
    by_day: dict[date, list[Entry]] = {}
    for one in trial.entries:
        by_day.setdefault(_local(visitor, one), []).append(one)
    firsts = sorted({day.replace(day=1) for day in by_day})
    return [Month(first, _month_weeks(first, by_day)) for first in firsts]


def _month_weeks(first: date, by_day: Mapping[date, list[Entry]]) -> list[list[Day | None]]:
    weeks = []
    for week in CALENDAR.monthdatescalendar(first.year, first.month):
        weeks.append([_day(day, week[0], by_day.get(day, [])) if day.month == first.month else None for day in week])
    return weeks


def _day(day: date, week: date, entries: list[Entry]) -> Day:
    kinds = {one.kind for one in entries}
    return Day(day, week, len(entries), next((kind for kind in STRENGTH if kind in kinds), ""))


# --- decisions -------------------------------------------------------------------------------------------------


def _decide(request: Request, name: str, act: Any, done: str) -> Response:
    return answer_change(request, address_of(name), "kampagne", act, done)


@routes.post("/kampagnen/{name}/anhalten")
def pause(request: Request, visitor: Here, name: Name) -> Response:
    """Keep back what is planned."""
    done = N_("Die Kampagne ist angehalten; was geplant ist, wartet.")
    return _decide(request, name, lambda: visitor.app.pause_campaign(name, True), done)


@routes.post("/kampagnen/{name}/fortsetzen")
def resume(request: Request, visitor: Here, name: Name) -> Response:
    """Let it go on."""
    done = N_("Die Kampagne geht weiter.")
    return _decide(request, name, lambda: visitor.app.pause_campaign(name, False), done)


@routes.post("/kampagnen/{name}/beenden")
def end(request: Request, visitor: Here, name: Name) -> Response:
    """End it today and cancel what is planned."""
    done = N_("Die Kampagne ist beendet; was geplant war, ist abgesagt.")
    return _decide(request, name, lambda: rehearsal.end(visitor.app, name), done)
