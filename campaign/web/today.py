"""Heute: what goes out, and what needs a person, each with the button that solves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter, Request, Response

from campaign import reports
from campaign.condition import outlook_of
from campaign.reports.formats import Formats
from campaign.web.door import Here
from campaign.web.page import render

routes = APIRouter()
DAYS = 7
"""What the last days brought is told in one line."""


@routes.get("/heute")
def today(request: Request, visitor: Here) -> Response:
    """The page that staff leave open."""
    outlook = outlook_of(visitor.app)
    tomorrow = visitor.app.clock.now() + timedelta(days=1)
    usual = reports.usual_selection(visitor.app)
    week = replace(usual, first=usual.last - timedelta(days=DAYS - 1))
    return render(
        request,
        "today.html",
        outlook=outlook,
        tomorrow=tomorrow,
        days=DAYS,
        brought=reports.brought(visitor.app, week),
        numbers=Formats(visitor.language),
    )
