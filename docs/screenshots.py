"""Writes docs/screenshots/*.png: the pages over the demonstration's data, seven weeks into its campaigns.

`./run.sh screenshots` runs it; Chromium must be installed (Debian's package chromium). The clock is set by hand and the
sandbox's figures follow from the posts, so that another run shows the same pages.
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from rich.console import Console

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

# Found once the project's root is on the path.
from campaign import sampling, show, web  # noqa: E402
from campaign.app import App  # noqa: E402
from campaign.db import WorkerLock  # noqa: E402
from campaign.roles import Role  # noqa: E402
from campaign.work import Work  # noqa: E402
from posts.clock import ManualClock  # noqa: E402
from posts.sandbox.server import Server  # noqa: E402
from posts.states import State  # noqa: E402

PICTURES = ROOT / "docs" / "screenshots"
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
WINDOW = {"width": 1440, "height": 900}
COLOURS = 192
"""Few enough for small files; the pages have fewer."""
BEGIN = datetime(2026, 11, 16, 8, tzinfo=UTC)
PASSED = timedelta(weeks=7, hours=1)
MEASURED_EVERY = timedelta(hours=12)
WHO, PASSWORD = "Annegret Muster", "ein langer Satz"


def furnished(directory: Path, sandbox: Server, clock: ManualClock) -> App:
    """The demonstration's installation after PASSED: what was due went out, and was measured."""
    app = show.installed(directory, sandbox, clock)
    quiet = Console(quiet=True)
    show.pull(app, quiet)
    show.connect(app, quiet)
    app.plan()
    end = clock.now() + PASSED
    drafts = app.announcements(states=[State.DRAFT], before=end)
    app.decide("approve", [one["id"] for one in drafts])
    with WorkerLock(app.database, clock) as lock:
        work = Work(app, lock)
        work.recover()
        pass_time(app, work, clock, end)
        work.stop()
    return app


def pass_time(app: App, work: Work, clock: ManualClock, end: datetime) -> None:
    """From slot to slot and from sample to sample."""
    measured = clock.now() + MEASURED_EVERY
    while clock.now() < end:
        waiting = app.announcements(states=[State.APPROVED, State.QUEUED], limit=1)
        due = datetime.fromisoformat(waiting[0]["at"]) if waiting else end
        clock.advance(max(0.0, (min(due, measured, end) - clock.now()).total_seconds()))
        work.deliver()
        if clock.now() >= measured:
            sampling.measure(app, app.actor_name)
            measured += MEASURED_EVERY
    work.seal()


@contextmanager
def answering(app: App) -> Iterator[str]:
    """The pages of an installation; their address."""
    at = web.listener(app, "127.0.0.1", 0)
    server = uvicorn.Server(web.configuration(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [at]}, daemon=True)
    thread.start()
    yield web.address_of(app, "127.0.0.1", at.getsockname()[1])
    server.should_exit = True
    thread.join(10)


def signed_in(page: Page, app: App, address: str) -> None:
    """Somebody who approves."""
    app.access.add(app.actor_name, WHO, Role.APPROVER)
    page.goto(f"{address}/zugang/{app.access.link(app.actor_name, WHO)}")
    page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    page.get_by_label("Passwort noch einmal").fill(PASSWORD)
    page.get_by_role("button", name="Festlegen und anmelden").click()
    page.wait_for_url("**/heute")


def shown(app: App) -> dict[str, str]:
    """Which pages are shown, by the pictures' names. The announcement is one whose text and photo fit the window."""
    posted = app.announcements(states=[State.POSTED])
    with_photo = [one for one in posted if one["images"] and one["network"] == "facebook"]
    number = min(with_photo, key=lambda one: (len(one["text"]), one["id"]))["id"]
    return {
        "kalender": "/kalender?ansicht=monat",
        "beitrag": f"/beitraege/{number}",
        "auswertung": "/auswertung?zeitraum=28",
        "auswertung-verlauf": "/auswertung?zeitraum=28#verlauf",
    }


def picture(page: Page) -> bytes:
    """What the window shows, in few colours."""
    page.wait_for_load_state("networkidle")
    drawn = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    written = io.BytesIO()
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    clock = ManualClock(BEGIN)
    with (
        tempfile.TemporaryDirectory(prefix="kreativorte-screenshots-") as name,
        Server(clock=clock) as sandbox,
        sync_playwright() as playwright,
    ):
        app = furnished(Path(name), sandbox, clock)
        with answering(app) as address:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            page = browser.new_page(viewport=WINDOW, locale="de-DE", reduced_motion="reduce", color_scheme="light")
            signed_in(page, app, address)
            for file, path in shown(app).items():
                page.goto(address + path)
                (PICTURES / f"{file}.png").write_bytes(picture(page))
            browser.close()
        app.close()


if __name__ == "__main__":
    main()
