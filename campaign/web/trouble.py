"""Errors as pages: one sentence each, never a traceback; programs are answered in JSON."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from campaign.campaigns import CampaignError
from campaign.db import DatabaseUnreachable
from campaign.desk import Refusal
from campaign.news import refusal as told_refusal
from campaign.news import sentence
from campaign.store import Unknown
from campaign.web.api import NotThere
from campaign.web.door import Forbidden, SignInFirst, TooMany, for_program, sign_in_path, visitor_of
from campaign.web.language import N_
from campaign.web.page import NOT_FOUND, render
from campaign.web.shield import HEADERS
from posts.errors import Explained, Outcome

logger = logging.getLogger(__name__)

FORBIDDEN = {
    "role": N_("Dafür reicht Ihre Rolle nicht. Wer Zugänge verwaltet, kann sie ändern."),
    "foreign": N_("Diese Anfrage kam nicht von diesen Seiten und wurde nicht ausgeführt."),
    "scope": N_("Dieser Zugriffsschlüssel erlaubt nur das Lesen."),
    "stale": N_("Diese Seite war zu lange offen; geändert wurde nichts. Bitte neu laden und noch einmal versuchen."),
}
NOT_THERE = N_("Das gibt es hier nicht.")
TOO_LARGE = N_("Das ist zu groß; höchstens 20 MB gehen auf einmal.")
OTHERWISE = N_("Das ging nicht; geändert wurde nichts.")
BROKEN = "Ein Fehler im Programm; er steht im Protokoll des Dienstes. Es wurde nichts geändert, was nicht zu sehen ist."
AWAY = "Die Datenbank ist gerade nicht zu erreichen; bitte in einer Minute neu laden."


async def _told(request: Request, status: int, text: str) -> Response:
    visitor = await visitor_of(request)
    said = request.app.state.pages.gettext(text, visitor.language)
    if for_program(request):
        return JSONResponse({"detail": said}, status)
    return render(request, "trouble.html", status, said=said)


async def _sign_in(request: Request, _error: Exception) -> Response:
    if for_program(request):
        return JSONResponse({"detail": "Sign in first."}, 401, {"www-authenticate": "Bearer"})
    path = sign_in_path(request)
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": path})
    return RedirectResponse(path, 303)


async def _forbidden(request: Request, error: Exception) -> Response:
    return await _told(request, 403, FORBIDDEN[getattr(error, "reason", "role")])


async def _not_found(request: Request, _error: Exception) -> Response:
    if (await visitor_of(request)).user is None:
        return await _sign_in(request, _error)
    return await _told(request, 404, NOT_FOUND)


async def _not_there(request: Request, error: Exception) -> Response:
    """A name or number that stands for nothing; told to programs, who are known by then."""
    if not for_program(request):
        return await _not_found(request, error)
    visitor = await visitor_of(request)
    told = told_refusal(error, visitor.language) if isinstance(error, Unknown) else None
    return JSONResponse({"detail": told or request.app.state.pages.gettext(NOT_THERE, visitor.language)}, 404)


async def _not_understood(request: Request, error: Exception) -> Response:
    if not for_program(request) or not isinstance(error, RequestValidationError):
        return await _not_found(request, error)
    told = "; ".join(f"{'.'.join(map(str, one['loc'][1:])) or one['loc'][0]}: {one['msg']}" for one in error.errors())
    return JSONResponse({"detail": told}, 422)


async def _refused(request: Request, error: Exception) -> Response:
    """A refusal that no page showed beside its thing."""
    visitor = await visitor_of(request)
    told = told_refusal(error, visitor.language) if isinstance(error, Explained) else str(error)
    if for_program(request):
        return JSONResponse({"detail": told}, 409)
    return render(request, "trouble.html", 409, said=told)


async def _network(request: Request, error: Exception) -> Response:
    visitor = await visitor_of(request)
    told = sentence(error.reason if isinstance(error, Outcome) else "internal", visitor.language)
    if for_program(request):
        return JSONResponse({"detail": told}, 502)
    return render(request, "trouble.html", 502, said=told)


async def _slower(_request: Request, error: Exception) -> Response:
    seconds = error.seconds if isinstance(error, TooMany) else 60
    return JSONResponse({"detail": f"Too many requests; go on in {seconds} s."}, 429, {"retry-after": str(seconds)})


async def _http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    if status == 404:
        return await _not_found(request, error)
    return await _told(request, status, TOO_LARGE if status == 413 else OTHERWISE)


def _plain(text: str, status: int) -> Response:
    """A page without database or visitor: both may be what is broken."""
    page = (
        '<!doctype html><html lang="de"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Kreativorte</title><h1>Kreativorte-Kampagnen</h1><p>{text}</p>"
    )
    return HTMLResponse(page, status, HEADERS | {"cache-control": "no-store"})


async def _away(request: Request, error: Exception) -> Response:
    logger.warning("%s", error)
    if for_program(request):
        return JSONResponse({"detail": AWAY}, 503)
    return _plain(AWAY, 503)


async def _broken(request: Request, _error: Exception) -> Response:
    if for_program(request):
        return JSONResponse({"detail": BROKEN}, 500)
    return _plain(BROKEN, 500)


def add_handlers(site: FastAPI) -> None:
    """Every error that a page may end with becomes an answer."""
    site.add_exception_handler(SignInFirst, _sign_in)
    site.add_exception_handler(Forbidden, _forbidden)
    site.add_exception_handler(Unknown, _not_there)
    site.add_exception_handler(NotThere, _not_there)
    site.add_exception_handler(RequestValidationError, _not_understood)
    site.add_exception_handler(Refusal, _refused)
    site.add_exception_handler(CampaignError, _refused)
    site.add_exception_handler(Outcome, _network)
    site.add_exception_handler(TooMany, _slower)
    site.add_exception_handler(HTTPException, _http)
    site.add_exception_handler(DatabaseUnreachable, _away)
    site.add_exception_handler(Exception, _broken)
