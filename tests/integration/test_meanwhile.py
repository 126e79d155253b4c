"""What two do at the same time: the planner, the daemon and a person. What a person confirmed is never overwritten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from campaign import planning, store
from campaign.compose import Templates
from campaign.work import Work
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.harness import House, Networks
from tests.integration.test_daemon import CAMPAIGN

BLOCKED = 1.0
"""Seconds after which a thread that should have to wait is taken to be waiting."""


@pytest.fixture
def networks(clock: ManualClock) -> Iterator[Networks]:
    with Server(clock=clock) as server:
        yield Networks(server)


@pytest.fixture
def house(tmp_path: Path, database_url: str, networks: Networks, clock: ManualClock) -> Iterator[House]:
    """A house on each kind of database, with a campaign that asks for no approval."""
    built = House(tmp_path, database_url, networks, clock)
    built.app.apply_campaign(CAMPAIGN.format(channel=built.channel("facebook")))
    yield built
    built.app.close()


@pytest.fixture
def first(house: House) -> int:
    """The campaign's first announcement."""
    return int(house.app.plan()["planned"][0]["id"])


def due(house: House, announcement: int) -> datetime:
    return datetime.fromisoformat(str(house.one(announcement)["at"])).astimezone(UTC)


def another_rhythm(house: House) -> Callable[[], None]:
    """The planner decides that every announcement gets another slot; what is returned writes that down."""
    campaign = CAMPAIGN.format(channel="facebook-1001").replace("Thu 10:00", "Thu 14:00")
    house.app.apply_campaign(campaign)
    with house.app.database.read() as connection:
        made = house.app.house(connection)
        decision = planning.decide(connection, made, None)
    assert decision.plan.moves

    def write() -> None:
        for piece in planning.changes(made, decision):
            house.app._written(piece)

    return write


def test_the_planner_moves_what_nobody_has_touched(house: House, first: int) -> None:
    before = due(house, first)
    another_rhythm(house)()
    assert due(house, first) - before == timedelta(hours=4)


@pytest.mark.parametrize(
    "act",
    [
        lambda house, one: house.app.move(one, "2026-11-26T10:00", force=True),
        lambda house, one: house.app.edit(one, text="Von Hand", link=None, image=None, no_image=False),
        lambda house, one: house.app.decide("hold", [one]),
        lambda house, one: house.app.decide("cancel", [one]),
    ],
    ids=["pinned", "edited", "held", "cancelled"],
)
def test_what_a_person_does_between_deciding_and_writing_stands(
    house: House, first: int, act: Callable[[House, int], Any]
) -> None:
    write = another_rhythm(house)
    act(house, first)
    stood = house.one(first)
    write()
    after = house.one(first)
    assert [after[name] for name in ("at", "state", "text")] == [stood[name] for name in ("at", "state", "text")]


def test_what_was_moved_by_a_person_to_another_day_stays_there(house: House, first: int) -> None:
    write = another_rhythm(house)
    house.app.move(first, "2026-11-28T09:30", force=True)
    write()
    assert str(house.one(first)["at"]).startswith("2026-11-28T09:30")


def test_what_went_out_between_deciding_and_writing_keeps_its_instant(
    house: House, first: int, clock: ManualClock
) -> None:
    slot = due(house, first)
    write = another_rhythm(house)
    clock.set(slot + timedelta(seconds=1))
    with house.at_work() as work:
        work.deliver()
    stood = house.one(first)
    assert stood["state"] == "posted"
    write()
    assert house.one(first) == stood
    assert house.events(first)[-1] == "posted"


# --- a person and the daemon, on PostgreSQL at the very same time --------------------------------------------


def while_it_is_queued(
    house: House, monkeypatch: pytest.MonkeyPatch, clock: ManualClock, nth: int, act: Callable[[], object]
) -> None:
    """The daemon queues what is due just when the person's verb has read the announcement for the nth time; then it
    delivers."""
    read, reads = store.announcement_row, 0
    person = threading.current_thread()

    def read_and_be_overtaken(*arguments: Any) -> Any:
        nonlocal reads
        row = read(*arguments)
        if threading.current_thread() is person:
            reads += 1
            if reads == nth:
                queueing.start()
                queueing.join(BLOCKED)
        return row

    with house.at_work() as work:
        queueing = threading.Thread(target=work._freeze_due)
        with monkeypatch.context() as patch:
            patch.setattr(store, "announcement_row", read_and_be_overtaken)
            act()
        queueing.join(30)
        assert reads >= nth and not queueing.is_alive()
        work.deliver()


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_url: str, networks: Networks, clock: ManualClock) -> Iterator[House]:
    built = House(tmp_path, postgres_url, networks, clock)
    built.app.apply_campaign(CAMPAIGN.format(channel=built.channel("facebook")))
    yield built
    built.app.close()


@pytest.fixture
def due_now(on_postgres: House, clock: ManualClock) -> int:
    announcement = int(on_postgres.app.plan()["planned"][0]["id"])
    clock.set(due(on_postgres, announcement) + timedelta(seconds=1))
    return announcement


def test_an_edit_confirmed_while_the_daemon_queues_is_what_goes_out(
    on_postgres: House, due_now: int, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    def edit() -> None:
        on_postgres.app.edit(due_now, text="Der neue Text", link=None, image=None, no_image=False)

    while_it_is_queued(on_postgres, monkeypatch, clock, 1, edit)
    with on_postgres.at_work() as work:
        work.deliver()
    assert on_postgres.state(due_now) is State.POSTED
    (text,) = on_postgres.networks.texts()
    assert text.startswith("Der neue Text")


@pytest.mark.parametrize("nth", [1, 2])
def test_a_move_confirmed_while_the_daemon_queues_is_kept(
    on_postgres: House, due_now: int, monkeypatch: pytest.MonkeyPatch, clock: ManualClock, nth: int
) -> None:
    def move() -> None:
        on_postgres.app.move(due_now, "2026-11-28T09:30", force=True)

    while_it_is_queued(on_postgres, monkeypatch, clock, nth, move)
    moved = on_postgres.one(due_now)
    assert (moved["state"], moved["sent_text"]) == ("approved", None), "it would go out as it is now"
    assert str(moved["at"]).startswith("2026-11-28T09:30")
    assert on_postgres.networks.texts() == []


def test_what_is_moved_while_its_link_is_asked_is_not_queued(
    house: House, first: int, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.set(due(house, first) + timedelta(seconds=1))
    look = Work._last_look

    def moved_meanwhile(work: Work, *what: Any) -> list[str]:
        found = look(work, *what)
        house.app.move(first, "2026-11-28T09:30", force=True)
        return found

    with house.at_work() as work:
        monkeypatch.setattr(Work, "_last_look", moved_meanwhile)
        work.deliver()
    assert house.state(first) is State.APPROVED


def test_a_template_filled_anew_does_not_overwrite_an_edit(on_postgres: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = on_postgres
    announcement = int(house.app.plan()["planned"][0]["id"])
    fill, edited = planning._filled, []

    def edited_meanwhile(*what: Any) -> dict[str, Any]:
        content = fill(*what)
        if not edited:
            edited.append(house.app.edit(announcement, text="Von Hand", link=None, image=None, no_image=False))
        return content

    monkeypatch.setattr(Templates, "revision", lambda *_: "new")
    monkeypatch.setattr(planning, "_filled", edited_meanwhile)
    with house.app.database.write() as connection:
        planning.refresh(connection, house.app.house(connection))
    assert edited
    assert str(house.one(announcement)["text"]).startswith("Von Hand")
