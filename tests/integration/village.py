"""A portal of a few places in a file, and the house that announces them: for tests of places and campaigns."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from posts.clock import Clock
from tests.integration.harness import House, Networks

FIELDS = {
    "id": "id",
    "name": "name",
    "regions": "region",
    "town": "town",
    "categories": "category",
    "teaser": "teaser",
    "published_at": "published_at",
    "withdrawn": "hidden",
}
CAMPAIGN = """
name = "altmark"
title = "Kreativorte der Altmark"
starts = 2026-11-01
ends = 2027-06-30
announce_published_from = 2026-11-01
channels = ["facebook-100100100"]
approval = "none"
[[steps]]
name = "vorstellung"
template = "vorstellung"
after = "0d"
[[steps]]
name = "nachklang"
template = "nachklang"
after = "21d"
[rhythm]
slots = ["Mon 10:00", "Tue 12:00", "Wed 10:00", "Thu 10:00", "Fri 10:00"]
"""


class Portal:
    """One portal: a table of places."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name, self.file = name, directory / f"{name}.db"
        self._run(
            "CREATE TABLE orte (id INTEGER PRIMARY KEY, name, region, town, category, teaser, published_at, hidden)"
        )

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> int:
        connection = sqlite3.connect(self.file)
        with connection:
            number = connection.execute(statement, values).lastrowid
        connection.close()
        return int(number or 0)

    @property
    def settings(self) -> dict[str, Any]:
        """The portal's block."""
        return {
            "url": f"sqlite:///{self.file}",
            "table": "orte",
            "fields": FIELDS | {"url": f"'https://{self.name}.example/orte/' || id"},
        }

    def place(self, name: str, town: str = "Salzwedel", **more: Any) -> int:
        """A place that the portal shows; returns its id there."""
        values = {
            "region": "Altmark",
            "category": "Arbeiten",
            "published_at": "2026-11-20 10:00:00",
            "hidden": 0,
        } | more
        columns = {"name": name, "town": town, "teaser": f"Hier steht {name}."} | values
        marks = ", ".join("?" for _ in columns)
        return self._run(f"INSERT INTO orte ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))

    def change(self, number: int, **columns: Any) -> None:
        """Change a place."""
        pairs = ", ".join(f"{name} = ?" for name in columns)
        self._run(f"UPDATE orte SET {pairs} WHERE id = ?", (*columns.values(), number))


class Village:
    """A house with portals, a Facebook channel and a campaign over them."""

    def __init__(
        self, directory: Path, database: str, networks: Networks, clock: Clock, *portals: str, **settings: Any
    ) -> None:
        self.portals = {name: Portal(directory, name) for name in portals or ("kreativorte",)}
        blocks = {name: portal.settings for name, portal in self.portals.items()}
        checks = {"check_links": False}
        self.house = House(directory, database, networks, clock, portals=blocks, preflight=checks, **settings)
        self.app = self.house.app
        self.channel = self.house.channel("facebook", "100100100")

    def campaign(self, text: str = CAMPAIGN) -> None:
        """Apply a campaign file."""
        self.app.apply_campaign(text)

    def place(self, name: str, portal: str | None = None, **more: Any) -> int:
        """A place that is read; returns its number here."""
        source = self.portals[portal or next(iter(self.portals))]
        source.place(name, **more)
        self.app.pull()
        return self.number(name, source.name)

    def number(self, name: str, portal: str | None = None) -> int:
        """A place's number here, by its name."""
        (found,) = [one for one in self.app.places() if one["name"] == name and portal in (None, one["portal"])]
        return int(found["id"])

    def row(self, place: int) -> dict[str, Any]:
        """The place as the contract lists it."""
        (found,) = [one for one in self.app.places() if one["id"] == place]
        return found

    def calendar(self, place: int) -> list[tuple[str, int, str]]:
        """Step, occurrence and state of everything of a place."""
        found = self.app.announcements(place_id=place)
        return sorted((one["step"], one["occurrence"], one["state"]) for one in found)
