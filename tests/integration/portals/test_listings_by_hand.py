"""A person says which places two portals list together and which are each its own: `place merge`, `place separate`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from posts.sandbox.server import Server
from tests.integration.test_cli import CAMPAIGN, House

PORTAL = """
[portals.{name}]
url = "sqlite:///{name}.db"
table = "orte"
[portals.{name}.fields]
id = "id"
name = "name"
url = "url"
town = "town"
published_at = "published"
"""
PORTALS = ("altmark", "partner")


@dataclass(frozen=True)
class Region:
    """Two portals, the staff's command line, and a campaign for all places."""

    house: House

    def listed(self, portal: str, number: int, name: str, town: str = "Gardelegen") -> None:
        """The portal shows a place, or shows it with other words."""
        row = (number, name, f"https://{portal}.example/orte/{number}/", town)
        with sqlite3.connect(self.house.directory / f"{portal}.db") as connection:
            connection.execute("REPLACE INTO orte VALUES (?, ?, ?, ?, '2026-10-01')", row)

    def pull(self) -> None:
        """One poll of both portals, and the planning."""
        for command in ("pull", "plan"):
            ended = self.house.run(command, "--json")
            assert ended.code == 0, ended.err

    def place(self, portal: str, number: int) -> dict[str, Any]:
        """A place as `places --json` shows it."""
        found = self.house.run("places", "--json").document
        (one,) = [one for one in found if (one["portal"], one["external_id"]) == (portal, str(number))]
        return dict(one)

    def number(self, portal: str, number: int) -> str:
        """A place's number here, as one types it."""
        return str(self.place(portal, number)["id"])

    def states(self, portal: str, number: int) -> list[str]:
        """Where the announcements of a place stand."""
        place = self.place(portal, number)["id"]
        return [one["state"] for one in self.house.run("announcements", "--json").document if one["place"] == place]

    def events(self, event: str) -> list[dict[str, Any]]:
        """The log's entries of one kind."""
        lines = self.house.run("log", "--json").out.splitlines()
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if entry["event"] == event]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def region(
    tmp_path: Path, sandbox: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Region:
    house = House(tmp_path, sandbox, monkeypatch, capsys)
    house.configure("".join(PORTAL.format(name=name) for name in PORTALS))
    for name in PORTALS:
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            connection.execute("CREATE TABLE orte (id INTEGER PRIMARY KEY, name, url, town, published)")
    house.channel()
    (tmp_path / "campaign.toml").write_text(CAMPAIGN, encoding="utf-8")
    assert house.run("campaign", "apply", "campaign.toml").code == 0
    made = Region(house)
    made.listed("altmark", 1, "Weberei")
    made.listed("partner", 1, "Alte Wäberei")
    made.listed("altmark", 2, "Mühle")
    made.listed("partner", 2, "Mühle e. V.")
    made.pull()
    return made


def test_what_the_names_say_is_merged_by_itself_and_nothing_else(region: Region) -> None:
    assert region.place("partner", 2)["same_as"] == region.place("altmark", 2)["id"]
    assert region.place("partner", 1)["same_as"] is None
    assert [region.states("partner", number) for number in (1, 2)] == [["draft"], []]


def test_a_place_merged_by_hand_is_announced_once_with_what_the_other_portal_says(region: Region) -> None:
    ended = region.house.run("place", "merge", region.number("partner", 1), region.number("altmark", 1), "--json")
    assert ended.code == 0
    assert [one["same_as"] for one in ended.document] == [region.place("altmark", 1)["id"]]
    assert (region.states("partner", 1), region.states("altmark", 1)) == (["cancelled"], ["draft"])
    region.pull()
    region.listed("partner", 1, "Wäberei am Markt")
    region.pull()
    assert (region.states("partner", 1), region.states("altmark", 1)) == (["cancelled"], ["draft"])
    (entry,) = [one for one in region.events("place_merged") if one["actor"] != "daemon"]
    assert entry["detail"]["other_portal"] == "altmark"


def test_staff_see_in_the_list_that_a_place_is_a_second_listing(region: Region) -> None:
    ended = region.house.run("place", "merge", region.number("partner", 1), region.number("altmark", 1))
    assert ended.code == 0
    assert "angekündigt" in " ".join(ended.out.split())


def test_a_separated_place_is_planned_by_itself_and_never_merged_again(region: Region) -> None:
    ended = region.house.run("place", "separate", region.number("partner", 2), "--json")
    assert ended.code == 0
    assert [one["same_as"] for one in ended.document] == [None]
    region.pull()
    assert (region.states("partner", 2), region.states("altmark", 2)) == (["draft"], ["draft"])
    region.listed("partner", 2, "Mühle")
    region.pull()
    assert region.place("partner", 2)["same_as"] is None
    assert region.states("partner", 2) == ["draft"]
    (entry,) = region.events("place_separated")
    assert entry["actor"] != "daemon"


def test_a_person_may_merge_again_what_was_separated(region: Region) -> None:
    second, first = region.number("partner", 2), region.number("altmark", 2)
    assert region.house.run("place", "separate", second).code == 0
    region.pull()
    assert region.house.run("place", "merge", second, first).code == 0
    assert region.states("partner", 2) == ["cancelled"]


def test_further_listings_follow_the_one_that_they_were_listed_with(region: Region) -> None:
    """What named a place as its first listing names the one that this is now."""
    first, other = region.number("altmark", 2), region.number("partner", 1)
    assert region.house.run("place", "merge", first, other).code == 0
    assert {region.place("altmark", 2)["same_as"], region.place("partner", 2)["same_as"]} == {int(other)}
    assert region.states("altmark", 2) == ["cancelled"]


@pytest.mark.parametrize(
    ("verb", "places", "told"),
    [
        ("merge", (("partner", 1), ("partner", 2)), "lassen sich nicht zusammenlegen"),
        ("merge", (("partner", 1), ("partner", 1)), "lassen sich nicht zusammenlegen"),
        ("merge", (("altmark", 1), ("partner", 2)), "lassen sich nicht zusammenlegen"),
        ("merge", (("partner", 1), None), "Einen Ort 999 gibt es nicht"),
        ("merge", (None, ("partner", 1)), "Einen Ort 999 gibt es nicht"),
        ("separate", (("partner", 1),), "ist schon ein eigener"),
        ("separate", (None,), "Einen Ort 999 gibt es nicht"),
    ],
    ids=["one portal", "with itself", "with a second listing", "unknown", "unknown too", "its own", "nothing"],
)
def test_what_makes_no_sense_is_refused_in_one_sentence_and_changes_nothing(
    region: Region, verb: str, places: tuple[tuple[str, int] | None, ...], told: str
) -> None:
    before = region.house.run("places", "--json").document
    numbers = [region.number(*one) if one else "999" for one in places]
    ended = region.house.run("place", verb, *numbers)
    assert ended.code == 1
    assert told in ended.sentence
    assert region.house.run("places", "--json").document == before


def test_what_a_merge_has_cancelled_is_planned_anew_once_the_places_are_separated(region: Region) -> None:
    second, first = region.number("partner", 1), region.number("altmark", 1)
    assert region.house.run("place", "merge", second, first).code == 0
    region.pull()
    assert region.house.run("place", "separate", second).code == 0
    region.pull()
    assert region.states("partner", 1) == ["cancelled", "draft"]
    assert "separate" in " ".join(region.house.run("place", "merge", "--help").out.split())


def test_a_place_is_left_out_and_taken_back_by_its_number(region: Region) -> None:
    number = region.number("partner", 1)
    ended = region.house.run("place", "skip", number, "--reason", "Streit", "--json")
    assert (ended.code, ended.document[0]["skipped"]) == (0, True)
    assert region.states("partner", 1) == ["cancelled"]
    assert "wird zurzeit nicht angekündigt" in region.house.run("place", "again", number).sentence
    assert "wird nicht angekündigt" in " ".join(region.house.run("places").out.split())
    assert region.house.run("place", "unskip", number).code == 0
    region.pull()
    assert region.states("partner", 1) == ["cancelled", "draft"]
    assert "noch etwas geplant" in region.house.run("place", "again", number).sentence
    assert "wartet kein Ort" in region.house.run("place", "accept", number).sentence
    assert [one["detail"]["reason"] for one in region.events("place_skipped")] == ["Streit"]
