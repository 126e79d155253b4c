"""`kreativorte report` as scripts and people have it: one document, a table, files, one sentence for bad input."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from posts.sandbox.server import Server
from tests.integration.test_cli import House


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def house(
    tmp_path: Path, sandbox: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> House:
    return House(tmp_path, sandbox, monkeypatch, capsys)


def posted(house: House, *texts: str) -> None:
    """Announcements that went out and were measured, by the commands that people have."""
    house.channel()
    for text in texts:
        house.announcement(text, "--approve")
    numbers = [str(one["id"]) for one in house.run("announcements", "--json").document]
    for number in numbers:
        assert house.run("announcement", "now", number).code == 0
    assert house.run("daemon", "--until-idle", "0").code == 0
    assert house.run("measure", "--all", "--json").document["sampled"] == len(texts)


def test_the_document_is_the_contract_s(house: House) -> None:
    posted(house, "Guten Tag", "=1+1 ist zwei")
    told = house.run("report", "--json").document
    assert told["totals"]["posts"] == 2 and {"key", "posts", "metrics"} <= set(told["rows"][0])
    assert set(told["totals"]["metrics"]) == {"views", "viewers", "reactions", "comments", "shares", "link_clicks"}
    assert told["totals"]["metrics"]["views"] is not None
    for by in (
        "step",
        "region",
        "category",
        "channel",
        "place",
        "variant",
        "weekday",
        "hour",
        "campaign",
        "announcement",
    ):
        rows = house.run("report", "--by", by, "--json").document["rows"]
        assert sum(row["posts"] for row in rows) == 2, by
    assert house.run("report", "--campaign", "none", "--json").document["totals"]["posts"] == 2
    before = house.run("report", "--to", "2020-01-31", "--from", "2020-01-01", "--json").document
    assert (before["totals"]["posts"], before["totals"]["metrics"]["views"], before["rows"]) == (0, None, [])


def test_people_read_a_summary_a_table_and_what_the_figures_are(house: House) -> None:
    posted(house, "Guten Tag")
    told = house.run("report", "--by", "channel")
    assert told.code == 0 and told.err == ""
    assert "ist im Sandkasten ein Beitrag erschienen" in told.out
    assert "Interaktionsrate = (Reaktionen + Kommentare + Weitergaben) / Aufrufe" in told.out
    assert "nichts davon war öffentlich" in told.out and "None" not in told.out
    house.configure('language = "en"\n')
    assert "One announcement went out in the sandbox" in house.run("report").out


def test_rows_go_into_a_file_that_spreadsheets_open(house: House) -> None:
    posted(house, "=1+1 ist zwei")
    file = house.directory / "bericht.csv"
    assert house.run("report", "--by", "announcement", "--csv", str(file)).code == 0
    (row,) = rows_of(file)
    assert row["text"] == "'=1+1 ist zwei" and row["views"].isdigit() and row["visits"] == ""
    assert house.run("report", "--by", "channel", "--csv", str(file), "--json").document["totals"]["posts"] == 1
    (row,) = rows_of(file)
    assert (row["key"], row["posts"], row["viewers_known"].isdigit()) == ("x", "1", True)


def rows_of(file: Path) -> list[dict[str, Any]]:
    data = file.read_bytes()
    assert data.startswith("\ufeff".encode()) and data.endswith(b"\r\n")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--campaign", "keine"),
        ("--channel", "keiner"),
        ("--place", "77"),
        ("--place", "Hof"),
        ("--from", "2027-02-30"),
        ("--from", "2027-02-02", "--to", "2027-02-01"),
        ("--from", "2010-01-01", "--to", "2027-01-01"),
        ("--world", "mars"),
        ("--csv", "no/such/folder/file.csv"),
    ],
)
def test_what_can_not_be_asked_is_one_sentence(house: House, arguments: tuple[str, ...]) -> None:
    told = house.run("report", *arguments)
    assert told.code == 1
    assert told.sentence.endswith(".")


def test_an_unknown_breakdown_is_a_usage_error(house: House) -> None:
    assert house.run("report", "--by", "mond").code == 2
