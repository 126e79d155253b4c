"""A database that was put back to an earlier day: nothing goes out before somebody knows, and nothing twice."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text, update

from campaign import initial
from campaign.doctor import examine
from campaign.heads import RESTORED
from campaign.store import brake_row
from posts import ledger
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from posts.tables import deliveries
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
    url, numbers = house.app.database.url, itertools.count()

    def copy_file() -> Callable[[], None]:
        house.app.close()
        backup = tmp_path / f"backup-{next(numbers)}.db"
        shutil.copy(str(url.database), backup)

        def back() -> None:
            house.app.close()
            for end in ("-wal", "-shm"):
                Path(f"{url.database}{end}").unlink(missing_ok=True)
            shutil.copy(backup, tmp_path / "copy.db")
            (tmp_path / "copy.db").replace(str(url.database))

        return back

    def copy_database() -> Callable[[], None]:
        house.app.close()
        engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")

        def run(*statements: str) -> None:
            with engine.connect() as connection:
                for statement in statements:
                    connection.execute(text(statement))
            engine.dispose()

        backup = f"{url.database}_backup_{next(numbers)}"
        run(f"CREATE DATABASE {backup} TEMPLATE {url.database}")

        def back() -> None:
            house.app.close()
            run(
                f"DROP DATABASE {url.database} WITH (FORCE)",
                f"CREATE DATABASE {url.database} TEMPLATE {backup}",
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


# --- what a running daemon and a hasty person could overlook --------------------------------------------------


def braked(house: House) -> bool:
    with house.app.database.read() as connection:
        row = brake_row(connection)
    return row is not None and row.engaged


def in_the_gap(house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]) -> Callable[[], None]:
    """An announcement that goes out after the backup was made; what it returns puts the backup back."""
    channel = prepared(house, clock)
    house.add(channel, "In der Lücke", after=600)
    back = put_back()
    clock.advance(700)
    turn(house, clock, 1)
    assert house.networks.texts().count("In der Lücke") == 1
    return back


def test_the_tick_that_keeps_heads_notices_a_database_that_was_put_back(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    back = in_the_gap(house, clock, put_back)
    kept = (house.directory / HEADS).read_text(encoding="utf-8")
    with house.at_work() as work:
        back()
        work.seal()
        assert braked(house)
        assert (house.directory / HEADS).read_text(encoding="utf-8") == kept
        work.recover()
    house.app.set_brake(False)
    turn(house, clock)
    assert house.networks.texts().count("In der Lücke") == 1


def test_nothing_is_sent_from_a_database_that_took_over_before_it_was_compared(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    back = in_the_gap(house, clock, put_back)
    with house.at_work() as work:
        back()
        assert work.deliver() == 0
        assert house.networks.texts().count("In der Lücke") == 1
        assert not braked(house), "nobody has looked yet"
        assert not work._lock.held()
        work._lock.hold()
        assert work.deliver() == 0
        work.recover()
        assert braked(house)
        house.app.set_brake(False)
        for _ in range(6):
            work.deliver()
            work.reconcile()
            clock.advance(61)
        later = house.add("facebook-1001", "Und weiter")
        work.deliver()
    assert house.state(later) is State.POSTED
    assert house.networks.texts().count("In der Lücke") == 1


def test_nothing_is_sent_from_a_file_that_was_overwritten_before_the_next_tick(
    tmp_path: Path, networks: Networks, clock: ManualClock
) -> None:
    house = House(tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}", networks, clock)
    channel = prepared(house, clock)
    house.add(channel, "In der Lücke", after=600)
    house.app.close()
    shutil.copy(tmp_path / "ledger.db", tmp_path / "backup.db")
    clock.advance(700)
    with house.at_work() as work:
        work.deliver()
        work.seal()
        assert house.networks.texts().count("In der Lücke") == 1
        house.app.close()
        shutil.copy(tmp_path / "backup.db", tmp_path / "ledger.db")
        assert work.deliver() == 0
        work.seal()
        assert braked(house)
    house.app.close()
    assert house.networks.texts().count("In der Lücke") == 1


def test_a_brake_that_is_released_before_any_daemon_has_looked_hides_no_loss(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    in_the_gap(house, clock, put_back)()
    house.app.set_brake(False)
    turn(house, clock)
    assert house.networks.texts().count("In der Lücke") == 1
    assert RESTORED in [entry["event"] for entry in house.app.log_entries()]


def test_what_was_written_into_a_database_since_it_was_put_back_does_not_hide_where_the_gap_begins(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    in_the_gap(house, clock, put_back)()
    clock.advance(6000)
    house.add("facebook-1001", "Schon weitergearbeitet")
    turn(house, clock, 1)
    house.app.set_brake(False)
    turn(house, clock)
    assert sorted(house.networks.texts())[1:] == ["In der Lücke", "Schon weitergearbeitet"]


def test_a_release_by_a_machine_that_was_not_introduced_doubts_nothing(house: House, clock: ManualClock) -> None:
    prepared(house, clock)
    planned = house.add("facebook-1001", "Später", after=3600)
    (house.directory / HEADS).unlink()
    house.app.set_brake(True)
    house.app.set_brake(False)
    assert RESTORED not in [entry["event"] for entry in house.app.log_entries()]
    turn(house, clock, 1)
    with house.app.database.read() as connection:
        marked = select(deliveries.c.look_since).where(deliveries.c.id == planned)
        assert connection.execute(marked).scalar_one() is None


def test_a_brake_that_came_back_with_the_database_hides_no_loss(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    first = put_back()
    house.add(channel, "Vor dem ersten Zurückspielen")
    turn(house, clock, 1)
    first()
    turn(house, clock, 1)
    assert braked(house)
    house.add(channel, "In der Lücke")
    second = put_back()
    house.app.set_brake(False)
    turn(house, clock)
    assert house.networks.texts().count("In der Lücke") == 1
    second()
    turn(house, clock, 1)
    house.app.set_brake(False)
    turn(house, clock)
    assert house.networks.texts().count("In der Lücke") == 1


def test_a_release_counts_for_every_machine_that_misses_something(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    back = in_the_gap(house, clock, put_back)
    other_heads = house.directory / "other.json"
    shutil.copy(house.directory / HEADS, other_heads)
    back()
    turn(house, clock, 1)
    house.app.set_brake(False)
    clock.advance(1)
    (house.directory / HEADS).write_bytes(other_heads.read_bytes())
    turn(house, clock)
    assert not braked(house)
    assert finding(house)["ok"]


def test_a_release_counts_for_a_running_daemon_that_was_not_introduced(house: House, clock: ManualClock) -> None:
    prepared(house, clock)
    (house.directory / HEADS).unlink()
    with house.at_work() as work:
        assert braked(house)
        clock.advance(1)
        with house.another_app().at_desk() as (connection, at):
            # As on another machine, which keeps its own head.
            ledger.set_brake(connection, False, "", at.now, at.actor)
        work.seal()
        assert not braked(house)
        assert (house.directory / HEADS).exists()


# --- what may have gone out in the gap, whatever it looked like before it ------------------------------------


def once_more(house: House, clock: ManualClock, back: Callable[[], None]) -> None:
    """The database is put back, a daemon looks, a person releases."""
    back()
    clock.advance(60)
    turn(house, clock, 1)
    house.app.set_brake(False)


def test_what_waited_long_before_the_backup_is_looked_for(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    house.app.set_channel(channel, "pause")
    house.add(channel, "Wartete lange")
    turn(house, clock, 1)
    clock.advance(1200)
    house.app.set_channel(channel, "resume")
    back = put_back()
    turn(house, clock, 1)
    once_more(house, clock, back)
    turn(house, clock)
    assert house.networks.texts().count("Wartete lange") == 1


def test_what_was_refused_before_the_backup_is_looked_for_when_a_person_tries_it_again(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    house.networks.fault("refuse")
    refused = house.add(channel, "Erst abgelehnt")
    turn(house, clock, 1)
    assert house.state(refused) is State.REFUSED
    back = put_back()
    house.app.decide("retry", [refused])
    turn(house, clock, 1)
    once_more(house, clock, back)
    assert house.state(refused) is State.REFUSED
    house.app.decide("retry", [refused])
    turn(house, clock)
    assert house.state(refused) is State.POSTED
    assert house.networks.texts().count("Erst abgelehnt") == 1


def test_what_a_person_called_absent_in_the_gap_is_looked_for_when_called_so_again(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    house.networks.fault("error_500")
    doubtful = house.add(channel, "Lange fraglich")
    turn(house, clock, 1)
    put(house, doubtful, State.IN_DOUBT)
    back = put_back()
    house.app.settle(doubtful, None)
    turn(house, clock, 1)
    once_more(house, clock, back)
    house.app.settle(doubtful, None)
    turn(house, clock)
    assert house.state(doubtful) is State.POSTED
    assert house.networks.texts().count("Lange fraglich") == 1


def put(house: House, announcement_id: int, state: State) -> None:
    """Where the announcement stands, as if it had come there."""
    with house.app.database.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.id == announcement_id).values(state=state.value))


def test_what_was_missed_before_the_backup_is_looked_for_when_it_is_moved(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    missed = house.add(channel, "Erst verpasst")
    clock.advance(3 * 3600)
    turn(house, clock, 1)
    assert house.state(missed) is State.MISSED
    back = put_back()

    def move() -> None:
        house.app.move(missed, (clock.now() + timedelta(seconds=30)).isoformat(), force=True)
        clock.advance(31)

    move()
    turn(house, clock, 1)
    once_more(house, clock, back)
    move()
    turn(house, clock)
    assert house.state(missed) is State.POSTED
    assert house.networks.texts().count("Erst verpasst") == 1


def test_what_was_moved_forward_in_the_gap_is_looked_for_before_its_old_time(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    forward = house.add(channel, "Vorgezogen", after=2 * 86400)
    back = put_back()
    house.app.move(forward, (clock.now() + timedelta(seconds=30)).isoformat(), force=True)
    clock.advance(31)
    turn(house, clock, 1)
    assert house.networks.texts().count("Vorgezogen") == 1
    once_more(house, clock, back)
    assert house.state(forward) is State.APPROVED
    clock.advance(2 * 86400)
    turn(house, clock)
    assert house.state(forward) is State.POSTED
    assert house.networks.texts().count("Vorgezogen") == 1


def test_what_is_looked_for_and_not_there_still_goes_out_at_its_time(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    channel = prepared(house, clock)
    planned = house.add(channel, "Zu seiner Zeit", after=86400)
    due = clock.now() + timedelta(seconds=86400)
    back = put_back()
    house.add(channel, "In der Lücke")
    turn(house, clock, 1)
    once_more(house, clock, back)
    clock.set(due - timedelta(seconds=30))
    with house.at_work() as work:
        for _ in range(10):
            work.deliver()
            work.reconcile()
            clock.advance(2)
        assert house.state(planned) is State.QUEUED
        assert "absent" in house.events(planned)
        clock.set(due)
        work.deliver()
    assert house.state(planned) is State.POSTED


def test_a_second_loss_forgets_no_earlier_one(
    house: House, clock: ManualClock, put_back: Callable[[], Callable[[], None]]
) -> None:
    prepared(house, clock)
    house.add("facebook-1001", "Später", after=86400)
    with house.app.database.write() as connection:
        first = clock.now() - timedelta(hours=1)
        ledger.doubt_since(connection, first, clock.now())
        ledger.doubt_since(connection, clock.now(), clock.now())
        kept = connection.execute(
            select(deliveries.c.look_since).where(deliveries.c.state == State.APPROVED.value)
        ).scalar_one()
    assert kept == first
