"""A real browser before real pages: Debian's Chromium, driven by Playwright; skipped where it is not installed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from campaign import web
from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.conftest import START
from tests.integration.guest import PASSWORD, hurried
from tests.integration.harness import House, Networks

CHROMIUM = Path("/usr/bin/chromium")
# Without them Chromium looks for its maker's hosts at every start.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
LAPTOP = {"width": 1440, "height": 900}
TELEPHONE = {"width": 390, "height": 844}
# On a machine that has other work to do, a page may take its time.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed (Debian's package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Site:
    """Pages that answer over HTTP, and the installation behind them."""

    house: House
    address: str

    def link(self, name: str, role: Role) -> str:
        """Access for somebody, and where the password is set."""
        self.house.app.access.add("cli:anna", name, role)
        return f"{self.address}/zugang/{self.house.app.access.link('cli:anna', name)}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clock = ManualClock(START)
    with Server(clock=clock) as sandbox:
        house = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", Networks(sandbox), clock)
        with answering(house) as made:
            yield made


@contextlib.contextmanager
def answering(house: House) -> Iterator[Site]:
    """The pages of an installation, answering over HTTP."""
    hurried(house.app)
    at = web.listener(house.app, "127.0.0.1", 0)
    server = uvicorn.Server(web.configuration(house.app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [at]}, daemon=True)
    thread.start()
    yield Site(house, web.address_of(house.app, "127.0.0.1", at.getsockname()[1]))
    server.should_exit = True
    thread.join(10)
    house.app.close()


class Person:
    """One person's browser. What the browser complains about is kept: a page that is well gives it no cause."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._look(request.url))
        self._own = ""

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _look(self, url: str) -> None:
        if self._own and not url.startswith((self._own, "data:")):
            self.complaints.append(f"asked another host: {url}")

    def arrive(self, site: Site, name: str, role: Role) -> Page:
        """Set the password by the link and be signed in."""
        self._own = site.address
        self.page.goto(site.link(name, role))
        self.page.get_by_label("Passwort", exact=True).fill(PASSWORD)
        self.page.get_by_label("Passwort noch einmal").fill(PASSWORD)
        self.page.get_by_role("button", name="Festlegen und anmelden").click()
        self.page.wait_for_url("**/heute")
        return self.page


def slow_first(page: Page, address: str) -> Callable[[], None]:
    """The first answer from there keeps a person waiting until what is returned is called."""
    held: list[Route] = []

    def answer(route: Route) -> None:
        if held or route.request.method != "POST":
            route.continue_()
        else:
            held.append(route)

    page.route(address, answer)
    return lambda: held[0].continue_()


@pytest.fixture(params=[LAPTOP, TELEPHONE], ids=["laptop", "telephone"])
def person(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Somebody at a laptop, and once more on a telephone."""
    context = chromium.new_context(viewport=request.param, locale="de-DE", has_touch=request.param is TELEPHONE)
    context.set_default_timeout(15_000)
    made = Person(context)
    yield made
    context.close()
    assert made.complaints == []
