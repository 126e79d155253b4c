"""Looks at what is due: in order where all answer, and a server that does not answer delays nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from campaign import looks
from campaign.looks import FEWEST, Looks


@dataclass(frozen=True)
class Announcement:
    """As much of a row as matters here."""

    id: int
    channel_id: int = 1
    link: str | None = None


class Servers:
    """Everything answers at once but the hosts that are `slow`, until they are let go."""

    def __init__(self) -> None:
        self.slow: dict[str, threading.Event] = {}
        self.asked: list[int] = []
        self.taken: list[Any] = []

    def look(self, row: Any) -> str:
        self.asked.append(row.id)
        for host, answers in self.slow.items():
            if row.link and host in row.link:
                assert answers.wait(30)
        return f"seen {row.id}"

    def take(self, row: Any, seen: str) -> None:
        assert seen == f"seen {row.id}"
        self.taken.append(row)


@pytest.fixture
def servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    for answers in made.slow.values():
        answers.set()


@pytest.fixture
def all_looks() -> Iterator[Looks[str]]:
    made: Looks[str] = Looks(1)
    yield made
    made.close()


def turn(all_looks: Looks[str], servers: Servers, rows: list[Announcement]) -> list[Announcement]:
    """One turn; returns the rows that are left."""
    left = all_looks.go_on(rows, servers.look, servers.take)  # type: ignore[arg-type]
    others = [row for row in rows if row not in servers.taken]
    assert left == len(others)
    return others


def test_what_comes_due_together_is_handed_over_in_order(all_looks: Looks[str], servers: Servers) -> None:
    rows = [Announcement(number, number % 2) for number in range(50)]
    first = threading.Event()

    def look(row: Any) -> str:
        if row.id == 0:
            assert first.wait(30)
        elif row.id == 5:
            first.set()
        return f"seen {row.id}"

    assert all_looks.go_on(rows, look, servers.take) == 0  # type: ignore[arg-type]
    for channel in (0, 1):
        assert [row.id for row in servers.taken if row.channel_id == channel] == list(range(channel, 50, 2))


def test_a_slow_server_is_waited_for_a_while_and_then_passed_by(
    all_looks: Looks[str], servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "PATIENCE", 0.1)
    servers.slow["slow.example"] = threading.Event()
    rows = [Announcement(1, 1, "https://slow.example/"), Announcement(2, 1), Announcement(3, 2)]
    left = turn(all_looks, servers, rows)
    if len(left) > 1:
        left = turn(all_looks, servers, left)
    assert [row.id for row in left] == [1]
    assert [row.id for row in servers.taken] == [3, 2], "another channel does not wait, the same one only a while"
    assert turn(all_looks, servers, left) == left
    servers.slow["slow.example"].set()
    while left:
        left = turn(all_looks, servers, left)
    assert servers.asked.count(1) == 1, "one look is enough"


def test_a_server_that_hangs_leaves_threads_for_the_others(
    all_looks: Looks[str], servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "PATIENCE", 0.1)
    servers.slow["slow.example"] = threading.Event()
    hanging = [Announcement(number, 1, f"https://slow.example/{number}") for number in range(3 * FEWEST)]
    left = turn(all_looks, servers, [*hanging, Announcement(100, 2, "https://quick.example/"), Announcement(101, 3)])
    assert {row.id for row in servers.taken} == {100, 101}
    assert len([one for one in servers.asked if one < 100]) == FEWEST // 2
    servers.slow["slow.example"].set()
    while left:
        left = turn(all_looks, servers, left)
    assert sorted(row.id for row in servers.taken[2:]) == [row.id for row in hanging]


def test_it_is_handed_over_as_it_was_looked_at(
    all_looks: Looks[str], servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "PATIENCE", 0.0)
    servers.slow["slow.example"] = threading.Event()
    before = Announcement(1, 1, "https://slow.example/before")
    all_looks.go_on([before], servers.look, servers.take)  # type: ignore[list-item]
    servers.slow["slow.example"].set()
    after = Announcement(1, 1, "https://slow.example/after")
    while not servers.taken:
        all_looks.go_on([after], servers.look, servers.take)  # type: ignore[list-item]
    assert servers.taken == [before]


def test_a_look_that_fails_is_made_anew(all_looks: Looks[str], servers: Servers) -> None:
    rows = [Announcement(1), Announcement(2)]

    def fail(row: Any) -> str:
        if row.id == 1:
            raise ConnectionError("the database is away")
        return servers.look(row)

    with pytest.raises(ConnectionError):
        all_looks.go_on(rows, fail, servers.take)  # type: ignore[arg-type]
    assert turn(all_looks, servers, rows) == []
