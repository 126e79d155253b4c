"""Pages from templates: one environment per language, what every page shows, and the list of pages."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from campaign.condition import condition_of
from campaign.desk import Refusal
from campaign.news import refusal as told_refusal
from campaign.web.door import SAFE, Visitor, drop_cookie, set_cookie, tell
from campaign.web.language import LANGUAGES, N_, NAMES, Dates, catalogues
from campaign.web.rules import RULES
from posts.states import State

ASSETS = "/assets"
A_YEAR = 365 * 86400
STATES: dict[str, str] = {
    State.DRAFT.value: N_("wartet auf Freigabe"),
    State.APPROVED.value: N_("freigegeben"),
    State.HELD.value: N_("angehalten"),
    State.QUEUED.value: N_("geht gleich hinaus"),
    State.SENDING.value: N_("wird gesendet"),
    State.POSTED.value: N_("erschienen"),
    State.REFUSED.value: N_("abgelehnt"),
    State.UNKNOWN.value: N_("wird nachgesehen"),
    State.IN_DOUBT.value: N_("unklar"),
    State.MISSED.value: N_("verpasst"),
    State.CANCELLED.value: N_("abgesagt"),
}
ROLES: dict[str, str] = {
    "reader": N_("Lesen"),
    "editor": N_("Bearbeiten"),
    "approver": N_("Freigeben"),
    "administrator": N_("Verwalten"),
}
NETWORKS = {"facebook": "Facebook", "twitter": "X"}
NOT_FOUND = N_("Diese Seite gibt es nicht.")


@dataclass(frozen=True)
class Entry:
    """A page in the navigation; who may not open it doesn't see it."""

    path: str
    label: str


NAVIGATION = (
    Entry("/heute", N_("Heute")),
    Entry("/kalender", N_("Kalender")),
    Entry("/orte", N_("Orte")),
    Entry("/kampagnen", N_("Kampagnen")),
    Entry("/vorlagen", N_("Vorlagen")),
    Entry("/auswertung", N_("Auswertung")),
    Entry("/kanaele", N_("Kanäle")),
    Entry("/protokoll", N_("Protokoll")),
    Entry("/benutzer", N_("Benutzer")),
    Entry("/einstellungen", N_("Einstellungen")),
)
"""All pages in their order. One appears once its route stands in the table of rules."""


class Assets(StaticFiles):
    """Style sheets, scripts and pictures; an address that names the content may be kept by browsers for good."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory)
        self._root = directory
        self._versions: dict[str, str] = {}

    def address(self, name: str) -> str:
        """The address of a file, changed with its content."""
        if name not in self._versions:
            self._versions[name] = hashlib.sha256((self._root / name).read_bytes()).hexdigest()[:12]
        return f"{ASSETS}/{name}?v={self._versions[name]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 404."""
        response = await super().get_response(path, scope)
        named = scope["query_string"] == f"v={self._versions.get(path)}".encode()
        response.headers["cache-control"] = f"public, max-age={A_YEAR}, immutable" if named else "no-cache"
        return response


class Pages:
    """All templates of the pages, once per language."""

    def __init__(self, templates: Path, assets: Assets) -> None:
        self._catalogues = catalogues(templates)
        self._environments = {
            language: _environment(templates, catalogue, assets) for language, catalogue in self._catalogues.items()
        }

    def html(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """A template, filled."""
        return self._environments[language].get_template(name).render(language=language, **values)

    def gettext(self, text: str, language: str) -> str:
        """A text of the catalogue in a language."""
        return self._catalogues[language].gettext(text)


def _environment(templates: Path, catalogue: Any, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["address"] = safe_address
    environment.globals |= {"asset": assets.address, "STATES": STATES, "NETWORKS": NETWORKS, "ROLES": ROLES}
    return environment


def safe_address(value: str | None) -> str:
    """A web address that a link may lead to; anything else (javascript:, data:) becomes empty."""
    parts = urlsplit(value or "")
    return (value or "") if parts.scheme in ("http", "https") and parts.hostname else ""


def render(request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
    """A page for this visitor, with all that every page shows."""
    visitor: Visitor = request.state.visitor
    pages: Pages = request.app.state.pages
    common = {
        "visitor": visitor,
        "csrf": visitor.csrf,
        "here": request.url.path,
        "address": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "navigation": [one for one in NAVIGATION if ("GET", one.path) in RULES and visitor.may("GET", one.path)],
        "condition": condition_of(visitor.app) if visitor.user else None,
        "dates": Dates(visitor.language, visitor.app.settings.zone),
        "told": visitor.told,
        "other_languages": {code: NAMES[code] for code in LANGUAGES if code != visitor.language},
    }
    html = pages.html(template, visitor.language, common | values)
    response = HTMLResponse(html, status)
    if visitor.told is not None:
        drop_cookie(request, response, "told")
    if visitor.user is None:
        set_cookie(request, response, "visit", visitor.secret)
    return response


def not_there(request: Request) -> Response:
    """The page for an address under which there is nothing."""
    visitor: Visitor = request.state.visitor
    said = request.app.state.pages.gettext(NOT_FOUND, visitor.language)
    return render(request, "trouble.html", 404, said=said)


def back(request: Request, path: str) -> Response:
    """To a page after a change, by GET: reloading it changes nothing."""
    if request.method in SAFE:
        raise ValueError("only a change leads back")
    return RedirectResponse(path, 303)


def answer_change(request: Request, path: str, thing: str, act: Any, done: str, **kept: str) -> Response:
    """Make a change and go back to the page; what came of it is said there, a refusal beside the thing.

    `done` is the sentence (of the catalogue) for success, `kept` what was typed and comes back with a refusal.
    """
    visitor: Visitor = request.state.visitor
    response = back(request, path)
    try:
        act()
    except Refusal as refusal:
        tell(request, response, thing, told_refusal(refusal, visitor.language), done=False, kept=kept)
    else:
        tell(request, response, thing, request.app.state.pages.gettext(done, visitor.language), done=True)
    return response


mimetypes.add_type("text/javascript", ".js")
