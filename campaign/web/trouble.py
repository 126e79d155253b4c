"""Errors as pages: one sentence each, never a traceback; programs are answered in JSON."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from campaign.db import DatabaseUnreachable
from campaign.store import Unknown
from campaign.web.door import Forbidden, SignInFirst, sign_in_path, visitor_of
from campaign.web.language import N_
from campaign.web.page import render
from campaign.web.shield import HEADERS

logger = logging.getLogger(__name__)

FORBIDDEN = {
    "role": N_("Dafür reicht Ihre Rolle nicht. Wer Zugänge verwaltet, kann sie ändern."),
    "foreign": N_("Diese Anfrage kam nicht von diesen Seiten und wurde nicht ausgeführt."),
    "stale": N_("Diese Seite war zu lange offen; geändert wurde nichts. Bitte neu laden und noch einmal versuchen."),
}
NOT_FOUND = N_("Diese Seite gibt es nicht.")
TOO_LARGE = N_("Das ist zu groß; höchstens 20 MB gehen auf einmal.")
OTHERWISE = N_("Das ging nicht; geändert wurde nichts.")
BROKEN = "Ein Fehler im Programm; er steht im Protokoll des Dienstes. Es wurde nichts geändert, was nicht zu sehen ist."
AWAY = "Die Datenbank ist gerade nicht zu erreichen; bitte in einer Minute neu laden."


def for_program(request: Request) -> bool:
    """Whether the answer is read by a program."""
    return request.url.path.startswith("/api/")


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


async def _away(_request: Request, error: Exception) -> Response:
    logger.warning("%s", error)
    return _plain(AWAY, 503)


async def _broken(_request: Request, _error: Exception) -> Response:
    return _plain(BROKEN, 500)


def add_handlers(site: FastAPI) -> None:
    """Every error that a page may end with becomes an answer."""
    site.add_exception_handler(SignInFirst, _sign_in)
    site.add_exception_handler(Forbidden, _forbidden)
    site.add_exception_handler(Unknown, _not_found)
    site.add_exception_handler(RequestValidationError, _not_found)
    site.add_exception_handler(HTTPException, _http)
    site.add_exception_handler(DatabaseUnreachable, _away)
    site.add_exception_handler(Exception, _broken)
