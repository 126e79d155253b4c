"""What a person decides about one announcement, from whichever page it is shown on."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from campaign.desk import Refusal
from campaign.web.door import Here, Visitor, own_path
from campaign.web.language import N_
from campaign.web.page import answer_change

routes = APIRouter()
Id = Annotated[int, Path(ge=1, le=999_999_999)]
Next = Annotated[str, Form(max_length=2000)]
# A post's id as both networks write it: X counts, Facebook puts the Page's number before it.
REMOTE_ID = re.compile(r"\d{1,30}(?:_\d{1,30})?")

DONE = {
    "approve": N_("Freigegeben."),
    "release": N_("Es geht weiter."),
    "hold": N_("Angehalten."),
    "cancel": N_("Abgesagt."),
    "retry": N_("Wird noch einmal gesendet."),
}


def _decide(request: Request, visitor: Visitor, verb: str, announcement_id: int, path: str, **values: str) -> Response:
    return answer_change(
        request,
        own_path(path, "/heute"),
        f"beitrag-{announcement_id}",
        lambda: visitor.app.decide(verb, [announcement_id], **values),
        DONE[verb],
    )


@routes.post("/beitraege/{announcement_id}/freigeben")
def approve(
    request: Request,
    visitor: Here,
    announcement_id: Id,
    fassung: Annotated[str, Form(max_length=40)] = "",
    weiter: Next = "/heute",
) -> Response:
    """One person's approval of what that person was shown: the version `fassung`."""
    seen = {"seen": fassung} if fassung else {}
    return _decide(request, visitor, "approve", announcement_id, weiter, **seen)


@routes.post("/beitraege/{announcement_id}/weiter")
def release(request: Request, visitor: Here, announcement_id: Id, weiter: Next = "/heute") -> Response:
    """Let go what was held."""
    return _decide(request, visitor, "release", announcement_id, weiter)


@routes.post("/beitraege/{announcement_id}/anhalten")
def hold(request: Request, visitor: Here, announcement_id: Id, weiter: Next = "/heute") -> Response:
    """Keep back until somebody lets it go."""
    return _decide(request, visitor, "hold", announcement_id, weiter)


@routes.post("/beitraege/{announcement_id}/absagen")
def cancel(request: Request, visitor: Here, announcement_id: Id, weiter: Next = "/heute") -> Response:
    """Never send it."""
    return _decide(request, visitor, "cancel", announcement_id, weiter)


@routes.post("/beitraege/{announcement_id}/wiederholen")
def retry(request: Request, visitor: Here, announcement_id: Id, weiter: Next = "/heute") -> Response:
    """Send again what was refused."""
    return _decide(request, visitor, "retry", announcement_id, weiter)


@routes.post("/beitraege/{announcement_id}/verschieben")
def move(
    request: Request,
    visitor: Here,
    announcement_id: Id,
    termin: Annotated[str, Form(max_length=40)] = "",
    trotzdem: Annotated[bool, Form()] = False,
    weiter: Next = "/heute",
) -> Response:
    """Give it another instant; a missed one comes back to life. `trotzdem`: also outside the campaign's rhythm."""
    return answer_change(
        request,
        own_path(weiter, "/heute"),
        f"beitrag-{announcement_id}",
        lambda: visitor.app.move(announcement_id, termin, force=trotzdem),
        N_("Verschoben."),
        termin=termin,
        trotzdem="true" if trotzdem else "",
    )


@routes.post("/beitraege/{announcement_id}/ist-da")
def settle_found(
    request: Request,
    visitor: Here,
    announcement_id: Id,
    kennung: Annotated[str, Form(max_length=300)] = "",
    weiter: Next = "/heute",
) -> Response:
    """It is there, under the id that stands at the end of its address."""

    def act() -> None:
        visitor.app.settle(announcement_id, _remote_id(kennung))

    done = N_("Als erschienen vermerkt.")
    path = own_path(weiter, "/heute")
    return answer_change(request, path, f"beitrag-{announcement_id}", act, done, kennung=kennung)


def _remote_id(typed: str) -> str:
    """The id of a post from what was typed: the id, or the whole address."""
    path = typed.strip().partition("?")[0].rstrip("/")
    last = path.rpartition("/")[2]
    if not REMOTE_ID.fullmatch(last):
        raise Refusal("remote_id_unusable")
    return last


@routes.post("/beitraege/{announcement_id}/ist-nicht-da")
def settle_absent(request: Request, visitor: Here, announcement_id: Id, weiter: Next = "/heute") -> Response:
    """It is not there: send it again."""
    return answer_change(
        request,
        own_path(weiter, "/heute"),
        f"beitrag-{announcement_id}",
        lambda: visitor.app.settle(announcement_id, None),
        N_("Wird noch einmal gesendet."),
    )
