"""The emergency brake, in reach on every page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from campaign.web.door import Here, own_path
from campaign.web.language import N_
from campaign.web.page import answer_change

routes = APIRouter()
Reason = Annotated[str, Form(max_length=300)]
Next = Annotated[str, Form(max_length=2000)]


@routes.post("/notbremse/ziehen")
def stop_all(request: Request, visitor: Here, grund: Reason = "", weiter: Next = "/heute") -> Response:
    """Once this answers, no new post begins, but for those that it names."""
    return answer_change(
        request,
        own_path(weiter),
        "notbremse",
        lambda: visitor.app.stop_all(" ".join(grund.split())),
        N_("Die Notbremse ist gezogen: nichts geht mehr hinaus."),
    )


@routes.post("/notbremse/loesen")
def go(request: Request, visitor: Here, weiter: Next = "/heute") -> Response:
    """What came due meanwhile goes out within its grace."""
    return answer_change(
        request, own_path(weiter), "notbremse", lambda: visitor.app.set_brake(False), N_("Die Notbremse ist gelöst.")
    )
