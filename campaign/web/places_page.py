"""Orte: what the portals list, how each place stands, and what staff decide about it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from campaign import atlas
from campaign.desk import Refusal
from campaign.store import PlaceSearch, Standing
from campaign.web.door import Here, Visitor
from campaign.web.language import N_
from campaign.web.page import answer_change, not_there, render

routes = APIRouter()
ON_A_PAGE = 50
LAST_PAGE = 100_000
A_DAY = 86400
Id = Annotated[int, Path(ge=1, le=999_999_999)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Name = Annotated[str, Form(max_length=200)]
Page = Annotated[int, Field(ge=1, le=LAST_PAGE)]

STANDINGS: dict[str, str] = {
    Standing.NEW: N_("nichts geplant"),
    Standing.PLANNED: N_("geplant"),
    Standing.OUT: N_("erschienen"),
    Standing.HELD: N_("wartet auf Entscheidung"),
    Standing.SKIPPED: N_("wird nicht angekündigt"),
    Standing.LISTED_TWICE: N_("steht doppelt"),
    Standing.WITHDRAWN: N_("nicht mehr im Portal"),
}
"""In the order in which the list offers them."""


class Search(BaseModel):
    """What stands in the search form; empty fields exclude nothing."""

    worte: Words = ""
    portal: Words = ""
    region: Words = ""
    bereich: Words = ""
    stand: Words = ""
    nach: Words = ""
    seite: Page = 1

    def wanted(self) -> PlaceSearch:
        """The same for the application; a standing that is none excludes nothing."""
        return PlaceSearch(
            words=self.worte,
            portal=self.portal,
            region=self.region,
            category=self.bereich,
            standing=Standing(self.stand) if self.stand in STANDINGS else None,
            by_name=self.nach == "name",
        )

    def address(self, **changes: Any) -> str:
        """The query of the same search with changes, from its first page unless another is named."""
        fields = self.model_dump(exclude={"seite"}) | changes
        return urlencode({name: value for name, value in fields.items() if value not in ("", 1)})


Looked = Annotated[Search, Query()]


@routes.get("/orte")
def places(request: Request, visitor: Here, search: Looked) -> Response:
    """The places that fit, and what of the portals waits for a person."""
    app = visitor.app
    found = atlas.search(app, search.wanted(), search.seite, ON_A_PAGE)
    return render(
        request,
        "places.html",
        search=search,
        found=found,
        last=max(1, -(-found.total // ON_A_PAGE)),
        standings=STANDINGS,
        choices=atlas.choices(app),
        portals=atlas.portals(app),
    )


@routes.get("/orte/abgewiesen")
def rejected(
    request: Request,
    visitor: Here,
    portal: Annotated[Words, Query()] = "",
    seite: Annotated[int, Query(ge=1, le=LAST_PAGE)] = 1,
) -> Response:
    """The portals' rows that could not become places, with their reasons."""
    rows = atlas.rejected(visitor.app, portal or None, seite, ON_A_PAGE)
    return render(
        request,
        "rejected.html",
        rows=rows[:ON_A_PAGE],
        more=len(rows) > ON_A_PAGE,
        portal=portal,
        page=seite,
        portals=atlas.portals(visitor.app),
    )


@routes.get("/orte/{place_id}")
def place(request: Request, visitor: Here, place_id: Id, gleich: Annotated[Words, Query()] = "") -> Response:
    """One place; `gleich` looks for a place of another portal that it may be."""
    app = visitor.app
    try:
        sight = atlas.sight(app, place_id)
    except Refusal:
        return not_there(request)
    several = len(atlas.choices(app).portals) > 1
    asks = several and visitor.may("POST", "/orte/{place_id}/zusammenlegen")
    return render(
        request,
        "place.html",
        sight=sight,
        standings=STANDINGS,
        similar=atlas.similar(app, place_id, gleich) if asks and sight.first is None else [],
        asks=asks,
        looked_for=gleich,
        shows_announcements=visitor.may("GET", "/beitraege/{announcement_id}"),
    )


@routes.get("/orte/{place_id}/bild")
def picture(visitor: Here, place_id: Id) -> Response:
    """A small picture of a place, where one was prepared here."""
    try:
        data = atlas.thumbnail(visitor.app, place_id)
    except Refusal:
        return Response(status_code=404)
    return Response(data, media_type="image/jpeg", headers={"cache-control": f"private, max-age={A_DAY}"})


# --- decisions -----------------------------------------------------------------------------------------------


def _decide(request: Request, place_id: int, act: Any, done: str) -> Response:
    return answer_change(request, f"/orte/{place_id}", "entscheidung", act, done)


@routes.post("/orte/{place_id}/ausnehmen")
def skip(request: Request, visitor: Here, place_id: Id, grund: Annotated[str, Form(max_length=300)] = "") -> Response:
    """Announce it no more."""
    done = N_("Der Ort wird nicht mehr angekündigt; was geplant war, ist abgesagt.")
    return _decide(request, place_id, lambda: atlas.skip(visitor.app, place_id, grund.strip()), done)


@routes.post("/orte/{place_id}/aufnehmen")
def unskip(request: Request, visitor: Here, place_id: Id) -> Response:
    """Announce it again."""
    done = N_("Der Ort wird wieder angekündigt; die nächste Planung sucht Termine.")
    return _decide(request, place_id, lambda: atlas.unskip(visitor.app, place_id), done)


@routes.post("/orte/{place_id}/noch-einmal")
def again(request: Request, visitor: Here, place_id: Id) -> Response:
    """Announce it once more from the first step on."""
    done = N_("Der Ort wird noch einmal angekündigt; die nächste Planung sucht Termine.")
    return _decide(request, place_id, lambda: atlas.announce_again(visitor.app, place_id), done)


@routes.post("/orte/{place_id}/zulassen")
def accept(request: Request, visitor: Here, place_id: Id) -> Response:
    """Let one place pass that waits."""
    done = N_("Der Ort ist zugelassen; die nächste Planung sucht Termine.")
    return _decide(request, place_id, lambda: atlas.accept_place(visitor.app, place_id), done)


@routes.post("/orte/{place_id}/zusammenlegen")
def merge(request: Request, visitor: Here, place_id: Id, mit: Annotated[int, Form(ge=1, le=999_999_999)]) -> Response:
    """Say that it is a further listing of another portal's place."""
    done = N_("Die beiden sind ein Ort; er wird einmal angekündigt.")
    return _decide(request, place_id, lambda: visitor.app.merge_places(place_id, mit), done)


@routes.post("/orte/{place_id}/trennen")
def separate(request: Request, visitor: Here, place_id: Id) -> Response:
    """Say that it is a place of its own."""
    done = N_("Der Ort ist ein eigener und wird für sich angekündigt.")
    return _decide(request, place_id, lambda: visitor.app.separate_place(place_id), done)


# --- portals -------------------------------------------------------------------------------------------------


def _of_portal(request: Request, portal: str, act: Any, done: str) -> Response:
    return answer_change(request, "/orte", f"portal-{portal}", act, done)


@routes.post("/orte/zulassen")
def accept_all(request: Request, visitor: Here, portal: Name = "") -> Response:
    """Let all places of a portal pass that wait."""
    done = N_("Die wartenden Orte sind zugelassen; die nächste Planung sucht Termine.")
    return _of_portal(request, portal, lambda: atlas.accept(visitor.app, portal), done)


@routes.post("/orte/lesen")
def read(request: Request, visitor: Here, portal: Name = "") -> Response:
    """Read a portal now."""
    done = N_("Das Portal ist gelesen.")
    return _of_portal(request, portal, lambda: _read(visitor, portal, accept_list=False), done)


@routes.post("/orte/uebernehmen")
def accept_list(request: Request, visitor: Here, portal: Name = "") -> Response:
    """Take over a portal's list although it is suspiciously short."""
    done = N_("Die Liste des Portals ist übernommen.")
    return _of_portal(request, portal, lambda: _read(visitor, portal, accept_list=True), done)


def _read(visitor: Visitor, portal: str, *, accept_list: bool) -> None:
    atlas.read_portal(visitor.app, portal, accept_list=accept_list)
