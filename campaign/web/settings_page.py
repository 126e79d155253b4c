"""Einstellungen: how this installation is set up, and what `kreativorte doctor` finds.

The configuration lies in a file that only its operator may change; the page shows it.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from campaign.doctor import examine
from campaign.settings import shown
from campaign.web.door import Here
from campaign.web.page import render

routes = APIRouter()


@routes.get("/einstellungen")
def settings(request: Request, visitor: Here) -> Response:
    """All settings as they stand, without secrets."""
    found = visitor.app.settings
    return render(
        request,
        "settings.html",
        file=found.file,
        settings=shown(found),
        blackouts=found.blackouts,
        portals=visitor.app.portal_states(),
    )


@routes.get("/einstellungen/pruefung")
def examination(request: Request, visitor: Here) -> Response:
    """The findings; portals and networks may take their time, so they stand apart from the page."""
    return render(
        request, "examination.html", findings=[one for one in examine(visitor.app) if not one.ok or one.advice]
    )
