"""The JSON API: the same verbs as the command line, for programs. Its document is /api/v1/openapi.json.

A token acts for the person who made it, within its scopes (`read`, `write`) and that person's role; a signed-in
browser may use it too, with the proof that changes ask of forms.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from campaign import reports
from campaign.app import App
from campaign.condition import condition_of
from campaign.desk import Entry
from campaign.doctor import examine
from campaign.reports import exchange
from campaign.reports.values import By, Selection
from campaign.web import api_objects as objects
from campaign.web.api_objects import Trouble
from campaign.web.door import Here
from campaign.web.rules import API, RULES
from posts.states import State

PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Trouble, "description": meaning}
    for code, meaning in {
        401: "No token, or one that is no longer good.",
        403: "The token's scopes or the person's role do not suffice.",
        404: "That is not there.",
        409: "It can't be done now; the sentence says why.",
        422: "What was given can't be understood.",
        429: "Too many requests; Retry-After says when to go on.",
        502: "The network refused or did not answer.",
        503: "The database is away.",
    }.items()
}
routes = APIRouter(prefix=API, responses=PROBLEMS)
Id = Annotated[int, Path(ge=1, le=2**31 - 1, description="The announcement's number.")]
Name = Annotated[str, Path(min_length=1, max_length=120, description="The name.")]


# --- announcements


@routes.get("/announcements")
def announcements(
    visitor: Here,
    state: Annotated[State | None, Query(description="Only in this state.")] = None,
    first: Annotated[date | None, Query(alias="from", description="From this day on.")] = None,
    last: Annotated[date | None, Query(alias="to", description="Up to this day.")] = None,
    channel: Annotated[str | None, Query(max_length=120, description="Only on this channel.")] = None,
    limit: Annotated[int, Query(ge=1, le=5_000, description="So many at most.")] = 1_000,
) -> list[objects.Announcement]:
    """The calendar as a list, in the order of the instants."""
    states = None if state is None else (state,)
    span = visitor.app.days(first, last)
    found = visitor.app.announcements(states=states, channel=channel, limit=limit, **span)
    return [objects.Announcement(**one) for one in found]


@routes.post("/announcements", status_code=201)
def add(visitor: Here, given: objects.NewAnnouncement) -> objects.Announcement:
    """Add a free announcement."""
    entry = Entry(given.channel, _zoned(visitor.app, given.at), given.text, given.link)
    return objects.Announcement(**visitor.app.add_announcement(entry, None, approve=given.approve))


@routes.get("/announcements/{announcement_id}")
def announcement(visitor: Here, announcement_id: Id) -> objects.Announcement:
    """One announcement."""
    return _shown(visitor.app, announcement_id)


@routes.patch("/announcements/{announcement_id}")
def edit(visitor: Here, announcement_id: Id, given: objects.Edit) -> objects.Announcement:
    """Change text or link of what is not out yet; approvals are withdrawn by it."""
    _shown(visitor.app, announcement_id)
    changed = visitor.app.edit(announcement_id, text=given.text, link=given.link, image=None, no_image=False)
    return objects.Announcement(**changed)


@routes.post("/announcements/{announcement_id}/approve")
def approve(visitor: Here, announcement_id: Id) -> objects.Announcement:
    """Approve, in the name of the token's person."""
    return _decided(visitor.app, "approve", announcement_id)


@routes.post("/announcements/{announcement_id}/hold")
def hold(visitor: Here, announcement_id: Id) -> objects.Announcement:
    """Keep back until somebody lets it go."""
    return _decided(visitor.app, "hold", announcement_id)


@routes.post("/announcements/{announcement_id}/release")
def release(visitor: Here, announcement_id: Id) -> objects.Announcement:
    """Let go what was held."""
    return _decided(visitor.app, "release", announcement_id)


@routes.post("/announcements/{announcement_id}/cancel")
def cancel(visitor: Here, announcement_id: Id, given: objects.Reason) -> objects.Announcement:
    """Never send it."""
    _shown(visitor.app, announcement_id)
    return objects.Announcement(**visitor.app.decide("cancel", [announcement_id], reason=given.reason)[0])


@routes.post("/announcements/{announcement_id}/retry")
def retry(visitor: Here, announcement_id: Id) -> objects.Announcement:
    """Send again what the network refused."""
    return _decided(visitor.app, "retry", announcement_id)


@routes.post("/announcements/{announcement_id}/move")
def move(visitor: Here, announcement_id: Id, given: objects.Move) -> objects.Announcement:
    """Give it another instant."""
    _shown(visitor.app, announcement_id)
    moved = visitor.app.move(announcement_id, _zoned(visitor.app, given.at).isoformat(), force=given.force)
    return objects.Announcement(**moved)


@routes.post("/announcements/{announcement_id}/settle")
def settle(visitor: Here, announcement_id: Id, given: objects.Settlement) -> objects.Announcement:
    """Settle a doubt."""
    _shown(visitor.app, announcement_id)
    return objects.Announcement(**visitor.app.settle(announcement_id, given.found))


@routes.post("/announcements/{announcement_id}/correct")
def correct(visitor: Here, announcement_id: Id, given: objects.Correction) -> objects.Announcement:
    """Change the text of what is out, where the network allows it."""
    _shown(visitor.app, announcement_id)
    return objects.Announcement(**visitor.app.correct(announcement_id, given.text))


@routes.post("/announcements/{announcement_id}/withdraw")
def withdraw(visitor: Here, announcement_id: Id, given: objects.Withdrawal) -> objects.Announcement:
    """Delete what is out on the network."""
    _shown(visitor.app, announcement_id)
    return objects.Announcement(**visitor.app.withdraw(announcement_id, given.reason))


def _shown(app: App, announcement_id: int) -> objects.Announcement:
    found = app.announcements(ids=[announcement_id])
    if not found:
        raise NotThere
    return objects.Announcement(**found[0])


def _decided(app: App, verb: str, announcement_id: int) -> objects.Announcement:
    _shown(app, announcement_id)
    return objects.Announcement(**app.decide(verb, [announcement_id])[0])


def _zoned(app: App, instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=app.settings.zone)


class NotThere(Exception):
    """A number or name that stands for nothing here."""


# --- what is announced, where, and by which plan


@routes.get("/places")
def places(visitor: Here) -> list[objects.Place]:
    """All places of all portals."""
    return [objects.Place(**one) for one in visitor.app.places()]


@routes.get("/channels")
def channels(visitor: Here) -> list[objects.Channel]:
    """All channels."""
    return [objects.Channel(**one) for one in visitor.app.channels()]


@routes.post("/channels/{name}/pause")
def pause_channel(visitor: Here, name: Name) -> objects.Channel:
    """Nothing goes out there until it is resumed."""
    return objects.Channel(**visitor.app.set_channel(name, "pause"))


@routes.post("/channels/{name}/resume")
def resume_channel(visitor: Here, name: Name) -> objects.Channel:
    """What is due there goes out again."""
    return objects.Channel(**visitor.app.set_channel(name, "resume"))


@routes.get("/campaigns")
def campaigns(visitor: Here) -> list[dict[str, Any]]:
    """All campaigns, as their files describe them."""
    return visitor.app.campaigns()


@routes.get("/campaigns/{name}")
def campaign(visitor: Here, name: Name) -> dict[str, Any]:
    """One campaign, as its file describes it."""
    return visitor.app.campaign(name)


@routes.post("/campaigns/{name}/pause")
def pause_campaign(visitor: Here, name: Name) -> dict[str, Any]:
    """What is planned and not out yet waits."""
    return visitor.app.pause_campaign(name, True)


@routes.post("/campaigns/{name}/resume")
def resume_campaign(visitor: Here, name: Name) -> dict[str, Any]:
    """What waits goes on."""
    return visitor.app.pause_campaign(name, False)


@routes.post("/plan")
def plan(visitor: Here, given: objects.Plan) -> objects.Planned:
    """Fill the calendar."""
    return objects.Planned(**visitor.app.plan(given.until, dry_run=given.dry_run))


@routes.get("/templates")
def templates(visitor: Here) -> list[objects.Template]:
    """All post templates."""
    return [objects.Template(**one) for one in visitor.app.template_list()]


@routes.post("/templates/preview")
def preview(visitor: Here, given: objects.TemplateTrial) -> objects.Preview:
    """A template filled for a place."""
    return objects.Preview(**visitor.app.template_preview(given.name, given.network, given.place))


# --- figures

Chosen = Annotated[str, Query(max_length=120)]


@dataclass(frozen=True)
class Filters:
    """What a report is narrowed to; "none" stands for those that have none. Without `from` it begins with the first
    announcement that went out, without `to` it ends today."""

    first: Annotated[date | None, Query(alias="from", description="The first day.")] = None
    last: Annotated[date | None, Query(alias="to", description="The last day.")] = None
    campaign: Chosen = ""
    step: Chosen = ""
    channel: Chosen = ""
    region: Chosen = ""
    category: Chosen = ""
    place: Annotated[str, Query(max_length=9, description="The place's number.")] = ""
    variant: Annotated[str, Query(max_length=9, description="The first is 0.")] = ""
    world: Annotated[Literal["live", "sandbox", ""], Query(description="Live where there is such a channel.")] = ""

    def selection(self, app: App) -> Selection:
        """What is asked for. Raises Refusal."""
        named = {name: getattr(self, name) for name in reports.FILTERS}
        days = {"from": self.first, "to": self.last}
        return reports.selection_of(app, named | {name: day.isoformat() for name, day in days.items() if day})


@routes.get("/report")
def report(
    visitor: Here,
    filters: Annotated[Filters, Depends()],
    by: Annotated[By, Query(description="What the rows stand for.")] = By.campaign,
) -> objects.Report:
    """What the announcements of a period brought."""
    selection = filters.selection(visitor.app)
    found = reports.report(visitor.app, selection)
    rows = reports.rows_by(visitor.app, found, by)
    return objects.Report.model_validate(exchange.report_json(found, rows, visitor.app.settings["language"]))


@routes.get("/report/slots")
def slots(visitor: Here, filters: Annotated[Filters, Depends()]) -> list[objects.ReportSlot]:
    """The hours of the week that did better than their channel's median, as evidence for planning."""
    found = reports.suggested_slots(visitor.app, filters.selection(visitor.app))
    return [objects.ReportSlot(**asdict(one)) for one in found]


# --- the service


@routes.get("/log")
def log(
    visitor: Here,
    announcement: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only of this announcement.")] = None,
    after: Annotated[int | None, Query(ge=0, le=2**53, description="Only sealed entries behind this number.")] = None,
) -> list[objects.LogEntry]:
    """Log entries in the order of the chain."""
    return [objects.LogEntry(**one) for one in visitor.app.log_entries(announcement, after)]


@routes.get("/log/verification")
def verification(visitor: Here) -> objects.Verification:
    """Seals, then recomputes the whole chain."""
    checked = visitor.app.verify_log(None)
    return objects.Verification(entries=checked.entries, ok=checked.ok, first_bad=checked.first_bad, head=checked.head)


@routes.get("/doctor")
def doctor(visitor: Here) -> list[objects.Finding]:
    """What works, what doesn't, and what to do."""
    return [objects.Finding(**one.to_json()) for one in examine(visitor.app)]


@routes.get("/condition")
def condition(visitor: Here) -> objects.Condition:
    """Whether the emergency brake is on, and when the daemon was last seen."""
    return _condition(visitor.app)


@routes.post("/stop-all")
def stop_all(visitor: Here, given: objects.Reason) -> objects.Condition:
    """Pull the emergency brake: nothing goes out on any channel."""
    visitor.app.set_brake(True, given.reason)
    return _condition(visitor.app)


@routes.post("/go")
def go(visitor: Here) -> objects.Condition:
    """Release the emergency brake."""
    visitor.app.set_brake(False)
    return _condition(visitor.app)


def _condition(app: App) -> objects.Condition:
    found = condition_of(app)
    return objects.Condition(
        now=found.now,
        braked_since=found.braked_since,
        brake_reason=found.brake_reason,
        braked_by=found.braked_by,
        daemon_seen=found.daemon_seen,
        worlds=sorted(found.worlds),
    )


@routes.get("/openapi.json", include_in_schema=False)
def document(request: Request) -> Response:
    """The API described for programs; nobody needs to sign in for that."""
    return JSONResponse(_document(request.app))


@cache
def _document(site: FastAPI) -> dict[str, Any]:
    own = [route for route in routes.routes if getattr(route, "include_in_schema", False)]
    described = get_openapi(
        title="Kreativorte-Kampagnen",
        version="1",
        summary="Announcements of creative places: once, at their time, or somebody is told why not.",
        routes=own,
    )
    described["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token made under »Mein Zugang«."}
    }
    described["security"] = [{"token": []}]
    for path, item in described["paths"].items():
        for method, operation in item.items():
            least = RULES[method.upper(), path]
            operation["description"] += f" Least role: {least.value if least else 'none'}."
    return described
