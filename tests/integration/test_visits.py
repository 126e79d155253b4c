"""Visits that the portal's own statistics counted, by the mark in our links."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from campaign import visits
from campaign.desk import Refusal
from campaign.portals.portal import PortalError
from campaign.tables import visits as table
from campaign.visits import TOTAL, Visits, read_csv
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.tables import deliveries
from tests.integration.harness import House, Networks

MATOMO = "date,label,nb_uniq_visitors,nb_visits,nb_actions\n2026-11-24,{0},3,4,9\n2026-11-25,{0},1,1,2\n"


@pytest.fixture
def house(tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    with Server() as server:
        built = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", Networks(server), clock)
        yield built
        built.app.close()


def mark_of(house: House, number: int) -> str:
    with house.app.database.read() as connection:
        return str(connection.execute(select(deliveries.c.marker).where(deliveries.c.id == number)).scalar_one())


@pytest.fixture
def mark(house: House) -> str:
    return mark_of(house, house.add(house.channel("twitter"), after=3600))


def kept(house: House) -> dict[tuple[str, str], int]:
    with house.app.database.read() as connection:
        return {(row.content, row.day): row.visits for row in connection.execute(select(table))}


def taken_over(house: House, tmp_path: Path, words: str, encoding: str = "utf-8") -> visits.Taken:
    file = tmp_path / "besuche.csv"
    file.write_bytes(words.encode(encoding))
    return visits.import_file(house.app, file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_matomo_s_export_fits_as_it_is(house: House, mark: str, tmp_path: Path, encoding: str, delimiter: str) -> None:
    taken = taken_over(house, tmp_path, MATOMO.format(mark).replace(",", delimiter), encoding)
    assert (taken.read, taken.kept, taken.rejected) == (2, 2, ())
    assert kept(house) == {(mark, "2026-11-24"): 4, (mark, "2026-11-25"): 1}


def test_the_same_file_twice_counts_once_and_a_newer_one_replaces(house: House, mark: str, tmp_path: Path) -> None:
    for _ in range(2):
        taken_over(house, tmp_path, MATOMO.format(mark))
    taken_over(house, tmp_path, f"utm_content,day,visits\n{mark},2026-11-25,7\n")
    assert kept(house) == {(mark, "2026-11-24"): 4, (mark, "2026-11-25"): 7}


def test_a_total_and_days_are_never_added_up(house: House, mark: str, tmp_path: Path) -> None:
    taken_over(house, tmp_path, MATOMO.format(mark))
    taken_over(house, tmp_path, f"utm_content;visits\n{mark};12\n")
    assert kept(house) == {(mark, TOTAL): 12}
    taken_over(house, tmp_path, MATOMO.format(mark))
    assert sum(kept(house).values()) == 5


def test_what_is_not_ours_is_not_kept(house: House, mark: str, tmp_path: Path) -> None:
    taken = taken_over(house, tmp_path, f"utm_content,visits\nnewsletter-mai,99\n{mark},2\n")
    assert (taken.read, taken.kept) == (2, 1)
    assert kept(house) == {(mark, TOTAL): 2}


def test_bad_rows_are_named_and_the_others_taken(house: House, mark: str, tmp_path: Path) -> None:
    rows = [f"{mark},2026-11-24,3", f"{mark},24.11.,1", f"{mark},2026-11-24,viele", ",2026-11-24,1", f"{mark},,-4"]
    taken = taken_over(house, tmp_path, "utm_content,day,visits\n" + "\n".join(rows))
    assert [(number, error.word) for number, error in taken.rejected] == [
        (2, "visits_day_unreadable"),
        (3, "visits_count_unreadable"),
        (4, "visits_content_missing"),
        (5, "visits_count_unreadable"),
    ]
    assert kept(house) == {(mark, "2026-11-24"): 3}


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "visits_columns_missing"),
        (b"a,b\n1,2\n", "visits_columns_missing"),
        (b"utm_content,visits\n\xff\xff\xfe", "csv_not_utf8"),
        (b'utm_content,visits\n"a"b,3\n', "csv_broken"),
    ],
)
def test_a_file_that_is_no_list_of_visits_is_refused(data: bytes, word: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_csv(data)
    assert caught.value.word == word


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda words: b"utm_content,visits\n" + words.encode()))
def test_no_file_gets_through_but_by_rows_and_refusals(data: bytes) -> None:
    try:
        found, rejected = read_csv(data)
    except Refusal:
        return
    assert all(isinstance(one, Visits) and one.count >= 0 for one in found)
    assert all(number >= 1 for number, _ in rejected)


def test_a_database_that_counts_visits_is_read(house: House, mark: str, tmp_path: Path) -> None:
    file = tmp_path / "statistik.db"
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("CREATE TABLE zugriffe (mark, tag, anzahl)")
        connection.executemany("INSERT INTO zugriffe VALUES (?, ?, ?)", [(mark, "2026-11-24", 5), ("fremd", None, 9)])
    connection.close()
    set_visits(house, f"sqlite:///{file}", "SELECT mark AS content, tag AS day, anzahl AS visits FROM zugriffe")
    with house.at_work() as work:
        work.count_visits()
    assert kept(house) == {(mark, "2026-11-24"): 5}
    set_visits(house, f"sqlite:///{file}", "SELECT nichts FROM nirgends")
    with pytest.raises(PortalError, match="visits"):
        visits.refresh(house.app)
    set_visits(house, f"sqlite:///{file}", "SELECT mark FROM zugriffe")
    with pytest.raises(Refusal):
        visits.refresh(house.app)


def set_visits(house: House, url: str, query: str) -> None:
    values = {**house.app.settings.values, "visits.url": url, "visits.query": query}
    house.app.settings = replace(house.app.settings, values=values)


def test_nothing_is_read_where_nothing_is_named(house: House) -> None:
    assert visits.refresh(house.app) is None
