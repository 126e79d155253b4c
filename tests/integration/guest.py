"""Somebody at the pages without a browser: reads them as HTML and presses the buttons that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from bs4 import BeautifulSoup, Tag
from starlette.testclient import TestClient

from campaign import web
from campaign.access import Access
from campaign.app import App
from campaign.roles import Role
from campaign.settings import interpret
from posts.clock import Clock

ADDRESS = "http://127.0.0.1:8000"
PASSWORD = "ein langer Satz"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def hurried(app: App) -> App:
    """The same application with passwords that are quickly checked."""
    settings = app.settings
    app.access = Access(app.database, app.clock, settings["web.idle"], settings["web.longest"], CHEAP)
    return app


def empty_app(directory: Path, clock: Clock, **settings: Any) -> App:
    """An application without channels."""
    raw = {"database": f"sqlite:///{directory / 'k.db'}"} | settings
    app = App(interpret(raw, directory, None), clock=clock, actor="cli:anna", environment={})
    app.prepare()
    return hurried(app)


class Guest:
    """One person with one browser. `page` is what is shown now."""

    def __init__(self, app: App, base: str = ADDRESS, **headers: str) -> None:
        self.app = app
        self.client = TestClient(
            web.site(app), base_url=base, follow_redirects=False, raise_server_exceptions=False, headers=headers
        )
        self.response: Any = None
        self.page = BeautifulSoup("", "html.parser")

    def _took(self, response: Any) -> Guest:
        self.response = response
        while self.response.is_redirect:
            self.response = self.client.get(self.response.headers["location"])
        self.page = BeautifulSoup(self.response.text, "html.parser")
        return self

    @property
    def status(self) -> int:
        """The status of what is shown."""
        return int(self.response.status_code)

    @property
    def path(self) -> str:
        """Where the person is now."""
        return str(self.response.url.path)

    @property
    def words(self) -> str:
        """Everything that can be read."""
        return " ".join(self.page.get_text(" ").split())

    def get(self, path: str, **headers: str) -> Guest:
        """Open a page, following where it leads."""
        return self._took(self.client.get(path, headers=headers))

    def token(self) -> str:
        """The token of the forms that are shown."""
        field = self.page.find("input", attrs={"name": "csrf"})
        assert isinstance(field, Tag)
        return str(field["value"])

    def post(self, path: str, token: str | None = None, **fields: str) -> Guest:
        """Send a form whether it is shown or not; with the token of the page unless another is given."""
        return self._took(self.client.post(path, data=fields | {"csrf": token or self.token()}))

    def buttons(self, within: str = "body") -> list[str]:
        """The words on the buttons inside an element (a CSS selector)."""
        return [" ".join(one.get_text().split()) for one in self.page.select(f"{within} button")]

    def press(self, words: str, within: str = "body", files: Any = None, **fields: str) -> Guest:
        """Press the button with these words, or the one that begins with them; its form is sent with what it holds,
        `fields` and `files`."""
        shown = [(one.get_text().strip(), one) for one in self.page.select(f"{within} button")]
        exact = [one for said, one in shown if said == words]
        (button,) = exact or [one for said, one in shown if said.startswith(words)]
        form = button.find_parent("form")
        assert isinstance(form, Tag)
        held = _held(form)
        if button.get("name"):
            held[str(button["name"])] = [str(button["value"])]
        unknown = set(fields) - {str(one["name"]) for one in form.select("[name]")}
        assert not unknown, f"the form has no field {unknown}"
        return self._took(self.client.post(str(form["action"]), data=held | fields, files=files))

    def become(self, name: str, role: Role) -> Guest:
        """Get access in that role and sign in."""
        self.app.access.add("cli:anna", name, role)
        link = self.app.access.link("cli:anna", name)
        self.get(f"/zugang/{link}").press("Festlegen", password=PASSWORD, again=PASSWORD)
        assert self.path == "/heute", self.words
        return self

    def sign_in(self, name: str, password: str = PASSWORD) -> Guest:
        """Fill in the sign-in page."""
        return self.get("/anmelden").press("Anmelden", name=name, password=password)


def _held(form: Tag) -> dict[str, list[str]]:
    """What a form would send without a further touch, files left out; names may come several times."""
    held: dict[str, list[str]] = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        if field.get("type") == "file" or (
            field.get("type") in ("checkbox", "radio") and not field.has_attr("checked")
        ):
            continue
        held.setdefault(str(field["name"]), []).append(_value(field))
    return held


def _value(field: Tag) -> str:
    if field.name == "textarea":
        return field.get_text()
    if field.name == "select":
        chosen = field.select_one("option[selected]") or field.select_one("option")
        return str(chosen.get("value", chosen.get_text())) if chosen else ""
    return str(field.get("value", "on" if field.get("type") in ("checkbox", "radio") else ""))
