"""Every page there is: axe finds nothing on it, light and dark, and nothing is wider than its window."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Browser, BrowserContext, Page, expect

from campaign import atlas, templating, web
from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.browser.conftest import LAPTOP, TELEPHONE, Person, Site, answering
from tests.browser.test_pages import busy, overflowing, serious
from tests.conftest import START
from tests.integration.harness import Networks, until
from tests.integration.test_templating import BETTER
from tests.integration.village import Village

NAME = "Annegret Mustermann-Beispielhausen"
# What a browser makes of a laptop's window at 200 percent.
ZOOMED = {"width": 640, "height": 400}
WINDOWS: dict[str, dict[str, Any]] = {
    "laptop": {"viewport": LAPTOP},
    "telephone": {"viewport": TELEPHONE, "has_touch": True},
    "zoomed": {"viewport": ZOOMED, "device_scale_factor": 2},
}
# Colours are the same in every window: one is looked at in both, what is drawn for a small one in dark.
SCHEMES: dict[str, tuple[Any, ...]] = {"laptop": ("light", "dark"), "telephone": ("dark",), "zoomed": ()}

PAGES: dict[str, tuple[str, ...]] = {
    "/anmelden": ("/anmelden",),
    "/zugang/{link}": ("/zugang/{link}", "/zugang/gibt-es-nicht"),
    "/heute": ("/heute",),
    "/beitraege/neu": ("/beitraege/neu", "/beitraege/neu?aus={draft}"),
    "/beitraege/{announcement_id}": (
        "/beitraege/{draft}",
        "/beitraege/{posted}",
        "/beitraege/{of_place}",
        "/beitraege/{long}",
    ),
    "/beitraege/{announcement_id}/termine": ("/beitraege/{of_place}/termine",),
    "/kalender": (
        *("/kalender", "/kalender?ansicht=monat&tag=2026-11-24&frei=1", "/kalender?ansicht=woche&frei=1"),
        *("/kalender?ansicht=tag", "/kalender?ansicht=liste"),
    ),
    "/kalender/liste": ("/kalender/liste", "/kalender/liste?monat=2026-12"),
    "/kalender/planen": ("/kalender/planen",),
    "/kalender/abonnement": ("/kalender/abonnement",),
    "/orte": ("/orte", "/orte?stand=held", "/orte?worte=gibt-es-nicht"),
    "/orte/abgewiesen": ("/orte/abgewiesen",),
    "/orte/{place_id}": ("/orte/1", "/orte/{skipped}", "/orte/{twice}", "/orte/999"),
    "/kampagnen": ("/kampagnen",),
    "/kampagnen/neu": ("/kampagnen/neu", "/kampagnen/neu?von=altmark"),
    "/kampagnen/{name}": ("/kampagnen/altmark",),
    "/kampagnen/{name}/bearbeiten": ("/kampagnen/altmark/bearbeiten",),
    "/vorlagen": ("/vorlagen",),
    "/vorlagen/{network}/{name}": (
        *("/vorlagen/twitter/vorstellung", "/vorlagen/twitter/vorstellung?von=0&nach=2"),
        "/vorlagen/facebook/aufruf",
    ),
    "/auswertung": (
        *("/auswertung", "/auswertung?zeitraum=90&nach=place"),
        *("/auswertung?von=2026-11-01&bis=2026-12-31", "/auswertung?kanal=gibt-es-nicht"),
    ),
    "/auswertung/stunden": ("/auswertung/stunden", "/auswertung/stunden?kanal=gibt-es-nicht"),
    "/kanaele": ("/kanaele",),
    "/kanaele/{name}": ("/kanaele/{channel}", "/kanaele/{paused}"),
    "/kanaele/{name}/entfernen": ("/kanaele/{channel}/entfernen",),
    "/kanaele/{name}/zugang": ("/kanaele/{channel}/zugang",),
    "/kanal-verbinden": ("/kanal-verbinden", "/kanal-verbinden?art=x-oauth2", "/kanal-verbinden?art=facebook"),
    "/protokoll": ("/protokoll", "/protokoll?worte=gibt-es-nicht"),
    "/protokoll/pruefung": ("/protokoll/pruefung",),
    "/benutzer": ("/benutzer",),
    "/konto": ("/konto",),
    "/einstellungen": ("/einstellungen",),
    "/einstellungen/pruefung": ("/einstellungen/pruefung",),
}
"""Each route that answers with a page, and addresses at which to look at it. A new page belongs here."""
NO_PAGES = {
    "/": "/",
    "/beitraege/bild/{picture}": "/beitraege/bild/0123456789abcdef",
    "/beitraege/{announcement_id}/bild/{picture}": "/beitraege/{draft}/bild/0123456789abcdef",
    "/orte/{place_id}/bild": "/orte/1/bild",
    "/kalender/daten": "/kalender/daten?von=2026-11-01&bis=2026-11-30",
    "/kalender.ics": "/kalender.ics?key=made-up",
    "/kampagnen/{name}/datei": "/kampagnen/altmark/datei",
    "/auswertung.csv": "/auswertung.csv",
    "/auswertung.xlsx": "/auswertung.xlsx",
    "/auswertung.pdf": "/auswertung.pdf",
    "/protokoll.csv": "/protokoll.csv",
    "/protokoll.jsonl": "/protokoll.jsonl",
    "/healthz": "/healthz",
    "/metrics": "/metrics",
}
"""Routes for pictures, files, scripts and machines, and the one that only leads on."""
THOROUGH = os.environ.get("KREATIVORTE_PAGES") == "full"
"""Whether each page is examined in every colour scheme; the build takes one of them for each window."""
SIGNED_OUT = ("/anmelden", "/zugang/{link}")


@dataclass
class Grown:
    """An installation with something of everything, its pages, and the session of somebody who may do everything."""

    site: Site
    numbers: dict[str, Any]
    session: Any

    def address(self, example: str) -> str:
        """Where an example of the table lies."""
        return self.site.address + example.format(**self.numbers)

    def window(self, chromium: Browser, kind: str, route: str) -> BrowserContext:
        """A window of that kind, signed in unless the page is for whoever isn't."""
        session = None if route in SIGNED_OUT else self.session
        context = chromium.new_context(
            # Without motion a colour is at once what it will be.
            locale="de-DE",
            reduced_motion="reduce",
            storage_state=session,
            **WINDOWS[kind],
        )
        context.set_default_timeout(30_000)
        return context


@pytest.fixture(scope="module")
def grown(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    directory: Path = tmp_path_factory.mktemp("grown")
    clock = ManualClock(START)
    with Server(clock=clock) as sandbox:
        database = f"sqlite:///{directory / 'k.db'}"
        village = Village(directory, database, Networks(sandbox), clock, "kreativorte", "zukunftsorte")
        with answering(village.house) as site:
            numbers = populate(village, site)
            context = chromium.new_context(locale="de-DE")
            Person(context).arrive(site, NAME, Role.ADMINISTRATOR)
            session = context.storage_state()
            context.close()
            village.app.set_brake(True, "Übung")
            yield Grown(site, numbers, session)


def populate(village: Village, site: Site) -> dict[str, Any]:
    """Something of everything that a page can show; returns what the addresses of the table name."""
    house, app = village.house, village.app
    places(village)
    posted = house.add(house.channel("facebook"), "Schon erschienen")
    with house.at_work() as work:
        work.deliver()
        until(lambda: house.state(posted) is State.POSTED, "the post")
    draft = busy(site)
    templating.save(app, "twitter", "vorstellung", BETTER, "kürzer", base=0, use=True)
    templating.save(app, "twitter", "vorstellung", BETTER + "Mehr {{ davon", "", base=1, use=False)
    app.access.add("cli:anna", "Wilhelmine Donaudampfschifffahrtsgesellschaft", Role.READER, "w@example.org")
    app.access.make_token("cli:anna", "Wilhelmine Donaudampfschifffahrtsgesellschaft", "Statistik", ["read"], None)
    return {
        "draft": draft,
        "long": draft + 1,
        "posted": posted,
        "of_place": app.announcements(place_id=1)[0]["id"],
        "skipped": village.number("Alte Mühle", "kreativorte"),
        "twice": village.number("Alte Mühle", "zukunftsorte"),
        "channel": "twitter-42",
        "paused": "facebook-1001",
        "link": app.access.link("cli:anna", "Wilhelmine Donaudampfschifffahrtsgesellschaft"),
    }


def places(village: Village) -> None:
    """Places with long names, one left out, one in two portals, a burst that is held, a row that is rejected."""
    village.campaign()
    village.place("Bürgermeisterhof " + "Donaudampfschifffahrtsgesellschaft" * 3)
    village.place("Alte Mühle", town="Stendal")
    village.place("Alte Mühle", "zukunftsorte", town="Stendal")
    village.app.plan()
    for number in range(12):
        village.portals["kreativorte"].place(f"Hof {number}", town=f"Dorf {number}")
    village.portals["kreativorte"].place("")
    village.app.pull()
    atlas.skip(village.app, village.number("Alte Mühle", "kreativorte"), "Presseamt entscheidet")


def test_every_page_there_is_stands_in_the_table(grown: Grown) -> None:
    routes = {
        found.path
        for found in iter_route_contexts(web.site(grown.site.house.app).routes)
        if "GET" in (found.methods or ()) and not found.path.startswith("/api/")
    }
    assert routes == set(PAGES) | set(NO_PAGES)
    assert not set(PAGES) & set(NO_PAGES)


@pytest.mark.parametrize("route", NO_PAGES)
def test_what_is_said_to_be_no_page_is_none(grown: Grown, chromium: Browser, route: str) -> None:
    context = grown.window(chromium, "laptop", route)
    answer = context.request.get(grown.address(NO_PAGES[route]), max_redirects=0)
    assert "html" not in answer.headers.get("content-type", "")
    context.close()


@pytest.mark.parametrize("route", PAGES)
def test_a_page_is_for_everybody_and_fits_its_window(grown: Grown, chromium: Browser, route: str) -> None:
    found = []
    for kind, schemes in SCHEMES.items():
        context = grown.window(chromium, kind, route)
        for example in PAGES[route]:
            looked_at = schemes if THOROUGH else one_of(schemes, f"{kind} {example}")
            found += [f"{kind}, {example}: {said}" for said in faults(context, grown.address(example), looked_at)]
        context.close()
    assert not found, "\n".join(found)


def one_of(schemes: tuple[Any, ...], window: str) -> tuple[Any, ...]:
    """One of the colour schemes, always the same for the same window."""
    return (schemes[zlib.crc32(window.encode()) % len(schemes)],) if schemes else ()


def faults(context: BrowserContext, address: str, schemes: tuple[Any, ...]) -> list[str]:
    """What is wrong with a page in one kind of window; what the browser complains about counts too."""
    person = Person(context)
    open_whole(person.page, address)
    found = [f"{overflowing(person.page)} pixels too wide"] if overflowing(person.page) else []
    for scheme in schemes:
        person.page.emulate_media(color_scheme=scheme)
        expect(person.page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        found += [f"{scheme}: {said}" for said in serious(person.page)]
    person.page.close()
    # What an address that leads nowhere, or asks for what there is not, answers is written down by the browser as well.
    return found + [said for said in person.complaints if not re.search(r"status of (404|410|422)", said)]


def open_whole(page: Page, address: str) -> None:
    """Open a page with all that it folds away, and wait until what it fetches by itself has come."""
    answer = page.goto(address)
    assert answer is not None and "text/html" in answer.headers["content-type"], address
    page.evaluate("document.querySelectorAll('main details:not(.drop)').forEach(one => one.open = true)")
    page.evaluate("new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))")
    expect(page.locator(".htmx-request, [aria-busy=true]")).to_have_count(0)
