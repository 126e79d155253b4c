"""The demonstration: the whole way with real parts, on sandbox networks, watched by a person."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from babel.dates import format_datetime
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from campaign import initial, reports, sampling, web
from campaign.app import App
from campaign.demo.portal import CAMPAIGNS, build_portal, campaign_file
from campaign.reports import wording
from campaign.roles import Role
from campaign.settings import SettingsError, load
from posts.clock import Clock, LeapingClock
from posts.sandbox.server import Server, is_sandbox
from posts.states import State

SHOWN_POSTS = 6
CALENDAR_WEEKS = 5
WEEKS_LATER = 6
COLLEAGUE = "Anna"
FIELDS = (
    *("id", "name", "regions", "town", "categories", "hashtags", "teaser", "body", "image_url", "image_alt"),
    *("image_credit", "handle_x", "handle_facebook", "lat", "lon", "published_at", "updated_at"),
)
COLUMNS = {"regions": "region", "body": "description", "handle_x": "x_handle", "handle_facebook": "fb_page"}
CHANNELS: tuple[tuple[str, str, str, list[str]], ...] = (
    ("altmark-facebook", "facebook", "100100100", ["Altmark"]),
    ("altmark-x", "twitter", "200200200", ["Altmark"]),
    ("kreativorte-facebook", "facebook", "100100200", []),
    ("kreativorte-x", "twitter", "200200300", []),
)


class Runs(Protocol):
    """A daemon as the demonstration needs it."""

    def run(self, until_idle: float | None = None) -> None:
        """Work until stopped."""

    def stop(self) -> None:
        """Begin nothing new."""


@contextlib.contextmanager
def sandbox_beside(app: App) -> Iterator[None]:
    """The sandbox, started when a channel lives at its address and nobody answers there."""
    url = app.settings["sandbox.url"]
    wanted = any(channel["api_base"].startswith(url) for channel in app.channels())
    if not wanted or is_sandbox(url):
        yield
        return
    with Server(app.settings.path("sandbox.state"), urlsplit(url).port or 80):
        yield


DaemonOf = Callable[[App, Callable[[int], None]], Runs]


def demo(daemon_of: DaemonOf, port: int | None, *, pages: bool) -> int:
    """Pull, plan, show the calendar, really post on the sandbox while one watches, show the log; then the pages."""
    screen = Console()
    with tempfile.TemporaryDirectory(prefix="kreativorte-demo-") as name:
        directory = Path(name)
        clock = LeapingClock(datetime.now(UTC))
        with Server(directory / "sandbox.json", port or _free_port(), clock) as sandbox:
            app = installed(directory, sandbox, clock)
            try:
                code = _walk(app, daemon_of, sandbox.url, screen)
                _weeks_later(app, daemon_of, clock, screen)
                if pages:
                    clock.walk()
                    _serve(app, daemon_of, screen)
                return code
            finally:
                app.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def installed(directory: Path, sandbox: Server, clock: Clock) -> App:
    """A fresh installation with a portal of its own, on the sandbox."""
    portal = build_portal(directory / "portal", clock.now())
    list(initial.write(directory))
    (directory / "kreativorte.toml").write_text(_configuration(portal, sandbox.url), encoding="utf-8")
    app = App(load(str(directory / "kreativorte.toml"), {}), clock=clock, actor="Demo", environment={})
    app.prepare()
    return app


def _configuration(portal: Path, sandbox: str) -> str:
    fields = "\n".join(f"{field} = {json.dumps(COLUMNS.get(field, field))}" for field in FIELDS)
    return f"""\
mode = "sandbox"
[sandbox]
url = "{sandbox}"
[preflight]
check_links = false
[portals.kreativorte]
url = "sqlite:///{portal}"
table = "orte"
image_root = "{portal.parent / "bilder"}"
[portals.kreativorte.fields]
url = "'https://kreativorte-im-gruenen.de/orte/' || slug || '/'"
withdrawn = "status <> 'published'"
{fields}
"""


def _walk(app: App, daemon_of: DaemonOf, url: str, screen: Console) -> int:
    screen.print(
        Panel.fit(
            "Kreativorte-Kampagnen: Vorführung auf dem [bold]Sandkasten[/].\n"
            "Nichts hiervon ist öffentlich; Netzwerke und Uhr sind nachgestellt, alles andere ist echt.\n"
            f"Zeitleiste zum Mitschauen: {url}/"
        )
    )
    pull(app, screen)
    connect(app, screen)
    _plan(app, screen)
    _post(app, daemon_of, screen)
    return _log(app, screen)


def pull(app: App, screen: Console) -> None:
    """Read the demonstration's portal."""
    screen.rule("1 · Orte aus dem Portal")
    for one in app.pull():
        counts = one.to_json(app.settings["language"])
        screen.print(
            f"{counts['seen']} Zeilen gelesen: {counts['new']} neue Orte, {counts['withdrawn']} zurückgezogen, "
            f"{len(counts['rejected'])} abgewiesen {escape(counts['problem'] or '')}"
        )
        for row in counts["rejected"]:
            screen.print(f"  abgewiesen {escape(row['id'])}: {escape(row['reason'])}")


def connect(app: App, screen: Console) -> None:
    """Connect its channels and take up its campaigns."""
    screen.rule("2 · Kanäle und Kampagnen")
    for name, network, account, regions in CHANNELS:
        channel = app.add_channel(name, network, account, regions, None, _tokens(network, account))
        screen.print(f"{name}: {network}, Konto {account}, Welt {channel['world']}", highlight=False)
    for name in CAMPAIGNS:
        applied = app.apply_campaign(campaign_file(name, app.clock.now()))
        screen.print(f"Kampagne {applied['name']}: »{escape(applied['title'])}«", highlight=False)


def _tokens(network: str, account: str) -> dict[str, str]:
    """Tokens as the sandbox takes them: it makes an account when it is first used."""
    if network == "twitter":
        return {
            "consumer_key": "demo",
            "consumer_secret": "demo",
            "access_token": f"{account}-demo",
            "access_token_secret": "demo",
        }
    return {"access_token": "EAAdemo"}


def _plan(app: App, screen: Console) -> None:
    screen.rule("3 · Der Kalender der nächsten Wochen")
    outcome = app.plan()
    table = Table(box=None, header_style="bold")
    for title in ("Termin", "Kanal", "Stand", "Beitrag"):
        table.add_column(title)
    shown = 0
    for one in app.announcements():
        at = datetime.fromisoformat(one["at"])
        if (at - app.clock.now()).days < CALENDAR_WEEKS * 7:
            shown += 1
            what = f"{one['step']}: {one['place_name'] or 'alle Orte'}"
            told = f" – {one['hold_reason']}" if one["hold_reason"] else ""
            table.add_row(at.strftime("%d.%m. %H:%M"), one["channel"], one["state"], escape(what + told))
    screen.print(table)
    screen.print(
        f"{len(outcome['planned'])} Beiträge geplant, davon {shown} in den nächsten {CALENDAR_WEEKS} Wochen; "
        f"{len(outcome['held'])} angehalten, {len(outcome['unplaced'])} ohne Termin."
    )


def _post(app: App, daemon_of: DaemonOf, screen: Console) -> None:
    screen.rule("4 · Der Dienst sendet (die Uhr überspringt das Warten)")
    ended: list[int] = []
    lock = threading.Lock()
    daemon: Runs

    def on_end(announcement_id: int) -> None:
        with lock:
            ended.append(announcement_id)
            _show_post(app.show([announcement_id])[0], screen)
            if len(ended) >= SHOWN_POSTS:
                daemon.stop()

    daemon = daemon_of(app, on_end)
    daemon.run()


def _show_post(one: dict[str, Any], screen: Console) -> None:
    at = format_datetime(datetime.fromisoformat(one["at"]), "EEE dd.MM.yyyy HH:mm", locale="de")
    told = escape(one["permalink"] or " ".join(one["problems"]))
    pictures = f"\n[dim]Bild: {escape(one['images'][0]['alt'])}[/]" if one["images"] else ""
    screen.print(
        Panel(
            escape(one["sent_text"] or "") + pictures,
            title=f"{one['channel']} · {at} · {one['state']} · Sandkasten",
            subtitle=told,
        )
    )


def _weeks_later(app: App, daemon_of: DaemonOf, clock: LeapingClock, screen: Console) -> None:
    """The same daemon over the next weeks, measuring as it goes, so that there is something to report on."""
    screen.rule(f"6 · {WEEKS_LATER} Wochen später: was es brachte")
    end = clock.now() + timedelta(weeks=WEEKS_LATER)
    daemon: Runs

    def on_end(_announcement_id: int) -> None:
        sampling.measure(app, app.actor_name)
        if clock.now() >= end:
            daemon.stop()

    now, drafts = clock.now(), app.announcements(states=[State.DRAFT])
    waiting = [one["id"] for one in drafts if now < datetime.fromisoformat(one["at"]) < end]
    app.acting_as(COLLEAGUE, app.settings["language"]).decide("approve", waiting)
    screen.print(f"{COLLEAGUE} gibt frei, was bis dahin vorgesehen ist: {len(waiting)} Beiträge.", highlight=False)
    clock.hurry()
    daemon = daemon_of(app, on_end)
    daemon.run(until_idle=timedelta(weeks=WEEKS_LATER).total_seconds())
    language = app.settings["language"]
    for sentence in wording.summary(reports.report(app, reports.usual_selection(app)), language):
        screen.print(escape(sentence), highlight=False)


def _log(app: App, screen: Console) -> int:
    screen.rule("5 · Das Protokoll")
    for entry in app.log_entries():
        if entry["event"] in ("queued", "started", "posted", "refused", "lost_sight", "found"):
            screen.print(
                f"{entry['seq']:>4}  {entry['at'][:19]}  {entry['event']:<8} #{entry['announcement']}  "
                f"{entry['channel']}  {entry['permalink'] or ''}",
                highlight=False,
                soft_wrap=True,
            )
    posted = [one for one in app.announcements() if one["state"] == "posted"]
    screen.rule("Veröffentlicht (auf dem Sandkasten)")
    for one in posted:
        screen.print(f"{one['channel']}: {one['place_name'] or one['step']}  {one['permalink']}", soft_wrap=True)
    checked = app.verify_log(None)
    word = "unverändert" if checked.ok else f"VERÄNDERT ab Eintrag {checked.first_bad}"
    screen.print(f"Protokoll geprüft: {checked.entries} Einträge, {word}, Kopf {checked.head}", soft_wrap=True)
    return 0 if checked.ok and posted else 1


def _serve(app: App, daemon_of: DaemonOf, screen: Console) -> None:
    """The pages over what was shown, the daemon at work beside them, until somebody stops it."""
    screen.rule("7 · Die Seiten")
    at = _pages_listener(app)
    address = web.address_of(app, "127.0.0.1", at.getsockname()[1])
    app.access.add(app.actor_name, app.actor_name, Role.ADMINISTRATOR)
    link = app.access.link(app.actor_name, app.actor_name)
    screen.print(f"Seiten: {address}/", highlight=False)
    screen.print("Dieser Link legt einmal ein Passwort fest und meldet Sie an, als »Demo« mit allen Rechten:")
    screen.print(f"  {address}/zugang/{link}", highlight=False, soft_wrap=True)
    screen.print("Strg+C beendet die Vorführung; ihre Daten werden dann gelöscht.")
    daemon = daemon_of(app, lambda _id: None)
    beside = threading.Thread(target=daemon.run, name="daemon")
    beside.start()
    try:
        web.serve(app, at)
    finally:
        daemon.stop()
        beside.join()


def _pages_listener(app: App) -> socket.socket:
    """The usual port, or a free one where something else listens."""
    try:
        return web.listener(app, "127.0.0.1", web.PORT)
    except SettingsError:
        return web.listener(app, "127.0.0.1", 0)
