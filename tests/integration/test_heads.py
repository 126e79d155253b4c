"""A database that was put back to an earlier day: nothing goes out before somebody knows, and nothing twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from campaign import initial
from campaign.doctor import examine
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.harness import House, Networks

HEADS = "heads.json"


@pytest.fixture
def networks(clock: ManualClock) -> Iterator[Networks]:
    with Server(clock=clock) as server:
        found = Networks(server)
        found.control("/_faults", {"kind": "repetitions"})
        yield found


@pytest.fixture
def house(tmp_path: Path, database_url: str, networks: Networks, clock: ManualClock) -> Iterator[House]:
    built = House(tmp_path, database_url, networks, clock)
    yield built
    built.app.close()


@pytest.fixture
def put_back(house: House, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Callable[[], None]]:
    """Makes a backup; what it returns puts the database back to it."""
    url = house.app.database.url

    def copy_file() -> Callable[[], None]:
        house.app.close()
        backup = tmp_path / "backup.db"
        shutil.copy(str(url.database), backup)

        def back() -> None:
            house.app.close()
            for end in ("-wal", "-shm"):
                Path(f"{url.database}{end}").unlink(missing_ok=True)
            shutil.copy(backup, str(url.database))

        return back

    def copy_database() -> Callable[[], None]:
        house.app.close()
        engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")

        def run(*statements: str) -> None:
            with engine.connect() as connection:
                for statement in statements:
                    connection.execute(text(statement))
            engine.dispose()

        run(f"CREATE DATABASE {url.database}_backup TEMPLATE {url.database}")

        def back() -> None:
            house.app.close()
            run(
                f"DROP DATABASE {url.database} WITH (FORCE)",
                f"CREATE DATABASE {url.database} TEMPLATE {url.database}_backup",
            )

        return back

    return copy_file if house.app.database.sqlite else copy_database


def turn(house: House, clock: ManualClock, rounds: int = 6) -> None:
    """A daemon's start and its work for a while."""
    with house.at_work() as work:
        for _ in range(rounds):
            work.deliver()
            work.reconcile()
            work.seal()
            clock.advance(61)
            work.deliver()


def finding(house: House) -> dict[str, object]:
    """What `doctor` says of the heads."""
    return next(one.to_json() for one in examine(house.app) if one.check == "heads")


def prepared(house: House, clock: ManualClock) -> str:
    """A channel whose reader is proved, and a head that is kept."""
    channel = house.channel("facebook")
    house.add(channel, "Der erste Beitrag")
    turn(house, clock)
    assert finding(house)["ok"]
    return channel


def test_after_a_restored_backup_nothing_is_sent_until_a_person_says_so_and_nothing_twice(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    out = house.add(channel, "Ging nach der Sicherung hinaus", after=600)
    open_one = house.add(channel, "War erst danach fällig", after=1200)
    back = put_back()
    clock.advance(700)
    turn(house, clock, 1)
    assert house.state(out) is State.POSTED
    back()
    clock.advance(600)
    turn(house, clock)
    assert house.app.log_entries()[-1]["event"] == "database_restored"
    assert (finding(house)["ok"], "fehlt der Protokolleintrag" in str(finding(house)["advice"])) == (False, True)
    assert house.networks.texts() == ["Der erste Beitrag", "Ging nach der Sicherung hinaus"]
    house.app.set_brake(False)
    turn(house, clock)
    assert (house.state(out), house.state(open_one)) == (State.POSTED, State.POSTED)
    once = ["Der erste Beitrag", "Ging nach der Sicherung hinaus", "War erst danach fällig"]
    assert sorted(house.networks.texts()) == once
    assert "found" in house.events(out)
    assert "absent" in house.events(open_one)
    assert finding(house)["ok"]


def test_what_was_in_the_queue_of_a_restored_database_is_looked_for_first(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    house.app.set_channel(channel, "pause")
    waiting = house.add(channel, "Stand schon in der Schlange")
    turn(house, clock, 1)
    assert house.state(waiting) is State.QUEUED
    back = put_back()
    house.app.set_channel(channel, "resume")
    turn(house, clock, 1)
    back()
    house.app.set_channel(channel, "resume")
    turn(house, clock, 1)
    house.app.set_brake(False)
    turn(house, clock)
    assert (house.state(waiting), house.networks.texts().count("Stand schon in der Schlange")) == (State.POSTED, 1)


def test_what_is_not_found_and_past_its_grace_is_missed_and_told(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    late = house.add(channel, "Kam nie hinaus", after=600)
    back = put_back()
    house.app.decide("hold", [late], reason="Probe")
    turn(house, clock, 1)
    back()
    clock.advance(3 * 3600)
    turn(house, clock, 1)
    assert house.state(late) is State.APPROVED, "whether it is out is not known yet"
    house.app.set_brake(False)
    turn(house, clock)
    assert (house.state(late), house.networks.texts()) == (State.MISSED, ["Der erste Beitrag"])


def test_a_machine_that_was_not_introduced_stops_where_others_have_sent(house: House, clock: ManualClock) -> None:
    prepared(house, clock)
    (house.directory / HEADS).unlink()
    turn(house, clock, 1)
    assert not finding(house)["ok"]
    brake = next(one for one in examine(house.app) if one.check == "brake")
    assert not brake.ok


def test_init_introduces_a_further_machine(house: House, clock: ManualClock, tmp_path: Path) -> None:
    prepared(house, clock)
    (house.directory / HEADS).unlink()
    list(initial.write(house.directory))
    turn(house, clock, 1)
    assert finding(house)["ok"]
    assert json.loads((house.directory / HEADS).read_text(encoding="utf-8"))["id"]


def test_a_first_daemon_needs_no_introduction(house: House, clock: ManualClock) -> None:
    channel = house.channel("twitter")
    first = house.add(channel, "Der allererste")
    turn(house, clock, 1)
    assert house.state(first) is State.POSTED


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"id": 7}', '{"id": "a", "at": "gestern"}'])
def test_an_unreadable_file_knows_nothing(house: House, clock: ManualClock, content: str) -> None:
    prepared(house, clock)
    (house.directory / HEADS).write_text(content, encoding="utf-8")
    turn(house, clock, 1)
    assert not finding(house)["ok"]


def test_the_head_is_evidence_while_the_brake_is_on(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    back = put_back()
    house.add(channel, "Ein späterer")
    turn(house, clock, 1)
    kept = (house.directory / HEADS).read_text(encoding="utf-8")
    back()
    for _ in range(2):
        turn(house, clock, 1)
        assert (house.directory / HEADS).read_text(encoding="utf-8") == kept
    told = [entry for entry in house.app.log_entries() if entry["event"] == "database_restored"]
    assert len(told) == 1, "a daemon that is started again finds the brake on and repeats nothing"
