"""Heute: what goes out, and what needs a person, each with the button that solves it."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from campaign.web.door import Here
from campaign.web.page import render

routes = APIRouter()


@routes.get("/heute")
def today(request: Request, visitor: Here) -> Response:
    """The page that staff leave open."""
    outlook = visitor.app.outlook()
    tomorrow = visitor.app.clock.now() + timedelta(days=1)
    return render(request, "today.html", outlook=outlook, tomorrow=tomorrow)
