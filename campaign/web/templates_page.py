"""Vorlagen: what fills announcements, tried on places while it is written; revisions and their differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response

from campaign import templating
from campaign.desk import Refusal
from campaign.news import refusal as told_refusal
from campaign.store import Unknown
from campaign.templating import CALL, SHIPPED, Template, Trial
from campaign.web.door import Here, Visitor, tell
from campaign.web.language import N_
from campaign.web.page import NETWORKS, answer_change, back, render

routes = APIRouter()
PLACES_SHOWN = 50
Source = Annotated[str, Form(max_length=400_000)]
Words = Annotated[str, Form(max_length=1000)]
Number = Annotated[int | None, Query(ge=0, le=999_999)]

SAMPLES: dict[str, str] = {
    "short": N_("kurzer Ort"),
    "long": N_("langer Ort"),
    "empty": N_("Ort fast ohne Angaben"),
    CALL: N_("Aufruf, ohne Ort"),
}
SHORT_SAMPLES: dict[str, str] = {
    "short": N_("kurz"),
    "long": N_("lang"),
    "empty": N_("fast leer"),
    CALL: N_("als Aufruf"),
}
VARIABLES: dict[str, str] = {
    "name": N_("Name des Ortes"),
    "town": N_("Gemeinde, in der der Ort liegt"),
    "region": N_("erste Region des Ortes"),
    "regions": N_("alle Regionen (Liste)"),
    "category": N_("erster Bereich des Ortes"),
    "categories": N_("alle Bereiche (Liste)"),
    "teaser": N_("Kurztext des Portals"),
    "body": N_("Beschreibung des Portals"),
    "link": N_("Adresse mit Messmarke, genau so zu übernehmen"),
    "link_in_text": N_("ja, wenn die Adresse im Text stehen muss; nein, wenn das Netzwerk eine Link-Vorschau zeigt"),
    "hashtags": N_("Hashtags des Ortes (Liste)"),
    "credit": N_("Bildnachweis; leer, wenn kein Bild mitgeht"),
    "alt": N_("Beschreibung des Bildes für Menschen, die es nicht sehen; leer ohne Bild"),
    "published": N_("Tag, an dem das Portal den Ort veröffentlicht hat"),
    "handle": N_("Erwähnung des Ortes auf diesem Netzwerk, auf X mit @; leer, wenn unbekannt"),
    "campaign_title": N_("Titel der Kampagne"),
    "step": N_("Name des Schrittes, zum Beispiel »vorstellung«"),
    "day": N_("Tag, an dem dieser Beitrag erscheint"),
}
"""The help of `posts.render.PostVariables`, for the catalogue; a test holds both equal."""
INSERTED: dict[str, str] = {
    "regions": "{{ regions | und }}",
    "categories": "{{ categories | und }}",
    "hashtags": "{{ hashtags | hashtags(3) }}",
    "credit": "{{ credit | bildnachweis }}",
    "link_in_text": "{% if link_in_text %}\n{{ link }}\n{% endif %}",
    "published": "{{ published | datum }}",
    "day": "{{ day | datum }}",
}
"""What the button of a variable writes where it is not simply the variable."""
PIECES: dict[str, str] = {
    '{% optional 3 "Ort" %}\n📍 {{ town }}\n{% endoptional %}': N_(
        "ein Teil, der wegfallen darf: 9 zuerst, 1 zuletzt; sind alle Angaben darin leer, entfällt er ohnehin"
    ),
    "{{ teaser | elastic(50, rank=4) }}": N_(
        "der eine Text, der gekürzt werden darf, an einer Wortgrenze; blieben weniger als 50 Zeichen, entfällt er"
    ),
    "{% if teaser %}\n{{ teaser }}\n{% else %}\n{{ body }}\n{% endif %}": N_("je nachdem, ob es eine Angabe gibt"),
    "{{ name | anführung }}": N_("setzt in »…«; Anführungszeichen im Inneren werden zu ›…‹"),
    "{{ category | hashtag }}": N_("macht aus freiem Text einen Hashtag"),
    "{{ (hashtags or regions) | hashtags(4) }}": N_("macht aus einer Liste höchstens vier verschiedene Hashtags"),
    "{{ categories | und }}": N_("macht aus einer Liste »A, B und C«"),
    "{{ day | datum(wochentag=true) }}": N_("»Dienstag, 24. November 2026«"),
    "{{ credit | bildnachweis }}": N_("setzt »Foto: « davor, wenn der Nachweis nicht selbst schon so beginnt"),
    "{# … #}": N_("eine Notiz, die nie erscheint"),
}


@dataclass(frozen=True)
class Preview:
    """One network's column: what its template makes of the place; `typed` marks the text in the editor."""

    network: str
    typed: bool
    trial: Trial | None


@dataclass(frozen=True)
class Editing:
    """What the page is about to show: the text in the editor and the place it is tried on."""

    text: str
    note: str = ""
    base: int = SHIPPED
    place: str = ""
    words: str = ""
    problem: str = ""


def path_of(network: str, name: str) -> str:
    """The page of one template."""
    return f"/vorlagen/{quote(network, safe='')}/{quote(name, safe='')}"


@routes.get("/vorlagen")
def listing(request: Request, visitor: Here) -> Response:
    """All templates, networks side by side."""
    listed = templating.listed(visitor.app)
    return render(request, "templates.html", listed=listed, short_samples=SHORT_SAMPLES, path_of=path_of)


@routes.get("/vorlagen/{network}/{name}")
def one(
    request: Request,
    visitor: Here,
    network: str,
    name: str,
    fassung: Number = None,
    von: Number = None,
    nach: Number = None,
    ort: str = "",
    suche: str = "",
) -> Response:
    """One template: editor, trials, revisions. `fassung` opens an older one, `von` and `nach` are compared."""
    template = templating.work_on(visitor.app, network, name)
    opened = template.revision(fassung) or template.revisions[0]
    editing = Editing(opened.text, base=template.newest, place=ort, words=suche)
    return _page(request, visitor, template, editing, opened=opened.number, compared=(von, nach))


@routes.post("/vorlagen/{network}/{name}/vorschau")
def preview(
    request: Request,
    visitor: Here,
    network: str,
    name: str,
    text: Source = "",
    notiz: Words = "",
    basis: Annotated[int, Form(ge=0)] = SHIPPED,
    ort: Words = "",
    suche: Words = "",
) -> Response:
    """The same page with what was typed, tried; nothing is saved."""
    template = templating.work_on(visitor.app, network, name)
    return _page(request, visitor, template, Editing(text, notiz, basis, ort, suche))


@routes.post("/vorlagen/{network}/{name}/speichern")
def save(
    request: Request,
    visitor: Here,
    network: str,
    name: str,
    text: Source = "",
    notiz: Words = "",
    basis: Annotated[int, Form(ge=0)] = SHIPPED,
    ort: Words = "",
    suche: Words = "",
    verwenden: Annotated[bool, Form()] = False,
) -> Response:
    """Keep the text as the newest revision, with `verwenden` also as the one that is used. A refusal loses nothing:
    the page comes again with all that was typed."""
    try:
        templating.save(visitor.app, network, name, text, notiz, base=basis, use=verwenden)
    except Refusal as refusal:
        template = templating.work_on(visitor.app, network, name)
        said = told_refusal(refusal, visitor.language)
        editing = Editing(text, notiz, template.newest, ort, suche, said)
        return _page(request, visitor, template, editing, status=422)
    response = back(request, path_of(network, name) + (f"?ort={quote(ort)}" if ort else ""))
    done = SAVED_AND_USED if verwenden else SAVED
    tell(request, response, "vorlage", request.app.state.pages.gettext(done, visitor.language), done=True)
    return response


SAVED = N_("Als Entwurf gespeichert; in Gebrauch bleibt die bisherige Fassung.")
SAVED_AND_USED = N_("Gespeichert und in Gebrauch; geplante Beiträge, die niemand angefasst hat, sind neu gefüllt.")


@routes.post("/vorlagen/{network}/{name}/verwenden")
def activate(
    request: Request, visitor: Here, network: str, name: str, fassung: Annotated[int, Form(ge=0, le=999_999)] = SHIPPED
) -> Response:
    """Fill announcements with that revision again; 0 is the shipped file."""
    return answer_change(
        request,
        path_of(network, name),
        f"fassung-{fassung}",
        lambda: templating.activate(visitor.app, network, name, fassung),
        N_("Diese Fassung ist in Gebrauch; geplante Beiträge, die niemand angefasst hat, sind neu gefüllt."),
    )


@routes.post("/vorlagen/{network}/{name}/kopieren")
def copy(
    request: Request,
    visitor: Here,
    network: str,
    name: str,
    netzwerk: Words = "",
    neu: Words = "",
    fassung: Annotated[int | None, Form(ge=0)] = None,
) -> Response:
    """A new template with this one's text, as a draft."""
    wanted = neu.strip()
    try:
        templating.copy(visitor.app, network, name, fassung, netzwerk, wanted)
    except Refusal as refusal:
        response = back(request, path_of(network, name))
        tell(request, response, "kopieren", told_refusal(refusal, visitor.language), done=False)
        return response
    response = back(request, path_of(netzwerk, wanted))
    said = request.app.state.pages.gettext(
        N_("Angelegt als Entwurf; sie gilt, sobald sie in Gebrauch genommen wird."), visitor.language
    )
    tell(request, response, "vorlage", said, done=True)
    return response


# --- what the page shows -------------------------------------------------------------------------------------


def _page(
    request: Request,
    visitor: Visitor,
    template: Template,
    editing: Editing,
    *,
    opened: int | None = None,
    compared: tuple[int | None, int | None] = (None, None),
    status: int = 200,
) -> Response:
    key, place_problem = _place_key(visitor, template, editing)
    trials = templating.trials(visitor.app, template.network, template.name, editing.text, list(template.uses))
    return render(
        request,
        "template.html",
        status,
        template=template,
        path=path_of(template.network, template.name),
        path_of=path_of,
        editing=editing,
        opened=opened,
        place=key,
        place_problem=place_problem,
        places=_choices(visitor, key, editing.words),
        samples=SAMPLES,
        previews=_previews(visitor, template, editing.text, key),
        trials=trials,
        lines=editing.text.replace("\r\n", "\n").split("\n"),
        comparison=_comparison(template, compared),
        shows_calls=CALL in trials or not template.uses,
        variables={name: (INSERTED.get(name, f"{{{{ {name} }}}}"), help) for name, help in VARIABLES.items()},
        pieces=PIECES,
        shipped=SHIPPED,
    )


def _place_key(visitor: Visitor, template: Template, editing: Editing) -> tuple[str, str]:
    """The place to try the text on: as chosen, else what the template is for; and why another was taken."""
    uses = template.uses
    is_call = all(use.is_call for use in uses) if uses else templating.speaks_of_no_place(template.revisions[0].text)
    usual = CALL if is_call else "long"
    try:
        templating.place_for(visitor.app, editing.place or usual)
    except Unknown as unknown:
        return usual, told_refusal(unknown, visitor.language)
    return editing.place or usual, ""


def _choices(visitor: Visitor, key: str, words: str) -> list[tuple[str, str]]:
    """Places to choose from, with the chosen one among them."""
    found = [(str(number), name) for number, name in templating.places_named(visitor.app, words, PLACES_SHOWN)]
    if key in SAMPLES or key in dict(found):
        return found
    place = templating.place_for(visitor.app, key)
    return [(key, place.name if place else key), *found]


def _previews(visitor: Visitor, template: Template, text: str, key: str) -> list[Preview]:
    """Each network's column: the text in the editor on its own network, the template of the same name on the others."""
    place = templating.place_for(visitor.app, key)
    found = []
    for network in NETWORKS:
        mine = network == template.network
        source, uses = text, list(template.uses)
        if not mine:
            try:
                other = templating.work_on(visitor.app, network, template.name)
            except Unknown:
                found.append(Preview(network, False, None))
                continue
            source, uses = (other.used or other.revisions[0]).text, list(other.uses)
        use = next((one for one in uses if one.is_call == (place is None)), None)
        found.append(Preview(network, mine, templating.trial(visitor.app, network, template.name, source, place, use)))
    return sorted(found, key=lambda one: not one.typed)


def _comparison(template: Template, compared: tuple[int | None, int | None]) -> dict[str, Any] | None:
    """Two revisions and the lines that differ."""
    old, new = (template.revision(number) for number in compared)
    if old is None or new is None:
        return None
    return {"old": old, "new": new, "lines": templating.differences(old.text, new.text)}
