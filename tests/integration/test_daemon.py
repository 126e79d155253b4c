"""The daemon as a whole: many channels at once, several daemons, waking, stopping, the brake, what comes too late."""

from __future__ import annotations

import csv
import errno
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apscheduler.schedulers.base
import pytest
import requests
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.exc import TimeoutError as NoneFree

import scheduler
from campaign import pulling
from campaign.db import Database, DatabaseUnreachable, WorkerLock, upgrade
from campaign.doctor import examine
from campaign.store import newest_worker
from campaign.work import Work
from posts.clock import Clock, LeapingClock, ManualClock, SystemClock
from posts.sandbox.server import Server
from posts.states import State
from posts.tables import attempts
from scheduler import Daemon
from tests.conftest import START
from tests.integration.harness import House, Networks, until

ONCE = (("pull_due", 3600.0), ("plan", 3600.0))
PATIENT = {"connect_timeout": "5s", "read_timeout": "40s"}


@contextmanager
def built(directory: Path, database: str, clock: Clock, **settings: Any) -> Iterator[House]:
    """A house on a sandbox that goes by the same clock."""
    with Server(clock=clock) as server:
        house = House(directory, database, Networks(server), clock, **settings)
        yield house
        house.app.close()


@contextmanager
def running(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon in a thread of its own, stopped at the end."""
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        yield daemon
    finally:
        daemon.stop()
        thread.join(60)
    assert not thread.is_alive()


def write_csv(file: Path, at: datetime, plan: dict[str, int]) -> None:
    """So many announcements per channel, all due at the same instant, no two alike."""
    with file.open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["channel", "at", "text"])
        for channel, count in plan.items():
            rows.writerows([channel, at.isoformat(), f"Ort {number} auf {channel}"] for number in range(count))


def check_each_once(house: House, plan: dict[str, int]) -> None:
    """Seen from the networks' side: every announcement once; seen from ours: all posted, each under its own id."""
    wanted = {f"Ort {number} auf {channel}" for channel, count in plan.items() for number in range(count)}
    posts = house.networks.posts()
    assert Counter(post["text"] for post in posts) == Counter(wanted)
    listed = house.app.announcements()
    assert {one["state"] for one in listed} == {"posted"}
    assert sorted(one["remote_id"] for one in listed) == sorted(post["id"] for post in posts)


# --- many at once ------------------------------------------------------------------------------------------


def test_hundreds_due_at_once_all_go_out_once_and_a_full_window_is_waited_for(tmp_path: Path) -> None:
    clock = LeapingClock(START)
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", clock, network=PATIENT) as house:
        plan = {house.channel("facebook", f"100{n}"): 45 for n in range(4)}
        plan |= {house.channel("twitter", f"4{n}"): 80 for n in range(4)}
        assert sum(plan.values()) == 500
        crowded = house.channel("twitter", "49")
        plan[crowded] = 120  # X lets an account post 100 times in 15 minutes
        due = clock.now()
        write_csv(tmp_path / "alle.csv", due, plan)
        assert house.app.import_announcements(tmp_path / "alle.csv", approve=True) == 620
        Daemon(house.app).run(until_idle=3600)
        check_each_once(house, plan)
        times = [datetime.fromisoformat(post["created_at"]) for post in house.networks.posts("49")]
        waited = [at for at in times if at - times[0] >= timedelta(minutes=15)]
        assert (len(times) - len(waited), len(waited)) == (100, 20), "the headers name the window's end"
        in_order = [f"Ort {number} auf {crowded}" for number in range(120)]
        assert house.networks.texts("49") == in_order
        assert house.app.verify_log(None).ok


def test_two_daemons_on_postgresql_share_the_work_and_post_each_once(tmp_path: Path, postgres_url: str) -> None:
    with built(tmp_path, postgres_url, SystemClock(), network=PATIENT) as house:
        plan = {house.channel("facebook", f"100{n}"): 10 for n in range(3)}
        plan |= {house.channel("twitter", f"4{n}"): 10 for n in range(3)}
        write_csv(tmp_path / "alle.csv", datetime.now(UTC), plan)
        assert house.app.import_announcements(tmp_path / "alle.csv", approve=True) == 60
        other = house.another_app()
        ended: list[int] = []
        done = threading.Event()

        def on_end(announcement_id: int) -> None:
            ended.append(announcement_id)
            if len(ended) == 60:
                done.set()

        with running(Daemon(house.app, on_end=on_end)), running(Daemon(other, on_end=on_end)):
            assert done.wait(120)
        other.close()
        check_each_once(house, plan)
        assert len(set(ended)) == 60
        assert Counter(one.delivery_id for one in attempts_of(house)) == Counter(ended), "one call each"


def attempts_of(house: House) -> list[Any]:
    """All calls that were begun."""
    with house.app.database.read() as connection:
        return list(connection.execute(select(attempts)))


# --- waking and sleeping -----------------------------------------------------------------------------------


def test_it_wakes_for_another_process_s_change(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but waking can make it look again: it would sleep for an hour, and no tick writes meanwhile.
    monkeypatch.setattr(scheduler, "LONGEST_SLEEP", 3600.0)
    monkeypatch.setattr(scheduler, "TICKS", ONCE)
    with built(tmp_path, database_url, SystemClock()) as house:
        channel = house.channel("twitter")
        sent, asleep = threading.Event(), threading.Event()
        daemon = Daemon(house.app, on_end=lambda _id: sent.set())
        sleep = daemon._sleep

        def fall_asleep(work: Any) -> None:
            if all(done.is_set() for done in daemon._first_round.values()):
                asleep.set()
            sleep(work)

        monkeypatch.setattr(daemon, "_sleep", fall_asleep)
        with running(daemon):
            assert asleep.wait(60)
            at = datetime.now(UTC).isoformat()
            add = house.process(
                *("announcement", "add", "--channel", channel, "--at", at, "--text", "Von nebenan", "--approve")
            )
            _, told = add.communicate(timeout=120)
            assert add.returncode == 0, told
            assert sent.wait(60)
        assert house.networks.texts() == ["Von nebenan"]


def test_it_sleeps_until_the_next_due_instant(tmp_path: Path) -> None:
    clock = LeapingClock(START)
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", clock) as house:
        channel = house.channel("twitter")
        soon, later, far = (house.add(channel, f"Nr. {n}", after=n) for n in (600, 40_000, 900_000))
        Daemon(house.app).run(until_idle=100_000)
        assert [house.state(one) for one in (soon, later, far)] == [State.POSTED, State.POSTED, State.APPROVED]
        posted_at = [datetime.fromisoformat(str(house.one(one)["posted_at"])) for one in (soon, later)]
        assert [at >= START + timedelta(seconds=n) for at, n in zip(posted_at, (600, 40_000), strict=True)] == [
            True
        ] * 2


def test_a_slow_portal_does_not_delay_posting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled, sent = threading.Event(), threading.Event()
    portal = {"url": f"sqlite:///{tmp_path / 'portal.db'}", "table": "orte"}
    fields = {"id": "id", "name": "name", "url": "url", "published_at": "published_at"}

    def never_answers(*_: Any, **__: Any) -> Any:
        assert pulled.wait(60)
        raise RuntimeError("the portal went away")

    monkeypatch.setattr(pulling, "pull", never_answers)
    settings = {"portals": {"traege": portal | {"fields": fields}}}
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", SystemClock(), **settings) as house:
        house.add(house.channel("twitter"))
        with running(Daemon(house.app, on_end=lambda _id: sent.set())):
            assert sent.wait(60), "the announcement waited for the portal"
            assert not pulled.is_set()
            pulled.set()
        assert len(house.networks.posts()) == 1


# --- beginning and ending ----------------------------------------------------------------------------------


def test_a_second_daemon_on_sqlite_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", SystemClock()) as house:
        with WorkerLock(house.app.database, house.clock):
            second = house.process("daemon")
            _, told = second.communicate(timeout=120)
        assert second.returncode == 2
        assert told.strip().splitlines() == [
            "Another daemon already works on this database; several daemons need PostgreSQL."
        ]


def test_until_idle_ends_when_nothing_more_is_due(tmp_path: Path) -> None:
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", SystemClock(), network=PATIENT) as house:
        channel = house.channel("twitter")
        due, far = house.add(channel), house.add(channel, "Später", after=86_400)
        daemon = house.process("daemon", "--until-idle", "60")
        _, told = daemon.communicate(timeout=120)
        assert daemon.returncode == 0, told
        assert "Traceback" not in told
        assert [house.state(one) for one in (due, far)] == [State.POSTED, State.APPROVED]
        assert len(house.networks.posts()) == 1


def test_sigterm_lets_the_call_in_flight_end_and_begins_no_other(tmp_path: Path) -> None:
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", SystemClock(), network=PATIENT) as house:
        channel = house.channel("twitter")
        first, second = house.add(channel, "Eins", after=-1), house.add(channel, "Zwei")
        house.networks.fault("accept_late", seconds=3)
        daemon = house.process("daemon")
        until(lambda: acted(house) == 1, "the call")
        daemon.send_signal(signal.SIGTERM)
        _, told = daemon.communicate(timeout=120)
        assert daemon.returncode == 0, told
        assert "Traceback" not in told
        assert (house.state(first), house.state(second)) == (State.POSTED, State.QUEUED)
        assert house.networks.texts() == ["Eins"]
        assert house.app.verify_log(None).ok


def acted(house: House) -> int:
    """How often the thrown switches acted."""
    thrown = requests.get(house.networks.server.url + "/_faults", timeout=30).json()
    return sum(fault["acted"] for fault in thrown)


def test_a_killed_daemon_s_call_is_found_by_the_next_one(tmp_path: Path) -> None:
    settings = {"network": PATIENT, "reconcile": {"looks": ["200ms", "400ms"], "window": "600ms"}}
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", SystemClock(), **settings) as house:
        announcement = house.add(house.channel("twitter"), "Einmal genügt")
        house.networks.fault("accept_late", seconds=1)
        daemon = house.process("daemon")
        until(lambda: acted(house) == 1, "the call")
        daemon.kill()
        daemon.communicate(timeout=60)
        until(lambda: len(house.networks.posts()) == 1, "the post of the killed daemon")
        assert house.state(announcement) is State.SENDING
        Daemon(house.app).run(until_idle=0)
        assert house.state(announcement) is State.POSTED
        assert house.networks.texts() == ["Einmal genügt"]


# --- trouble -----------------------------------------------------------------------------------------------

FULL = OSError(errno.ENOSPC, "No space left on device")


def daemon_findings(house: House) -> list[str]:
    """What `doctor` tells of the daemon's own troubles."""
    return [one.advice for one in examine(house.app) if one.check == "daemon" and not one.ok]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (RuntimeError("a bug, with a token in it"), "RuntimeError"),
        (FULL, "No space left on device"),
        (ProgrammingError("SELECT", {}, Exception("the table is being restored")), "ProgrammingError"),
        (NoneFree("QueuePool limit reached"), "TimeoutError"),
    ],
)
@pytest.mark.parametrize("where", ["deliver", "next_due", "recover"])
def test_no_trouble_ends_it_and_doctor_tells_until_it_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception, told: str, where: str
) -> None:
    monkeypatch.setattr(scheduler, "AFTER_TROUBLE", 0.01)
    works, findings, sent = getattr(Work, where), list[list[str]](), threading.Event()
    began = threading.Event()

    def fails(work: Work) -> Any:
        if where == "recover" and not began.is_set():
            began.set()  # its start; what follows is a lost connection
            monkeypatch.setattr(WorkerLock, "held", lambda _lock: False)
            return works(work)
        if len(findings) < 3:
            findings.append(daemon_findings(house))
            raise trouble
        return works(work)

    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", SystemClock()) as house:
        monkeypatch.setattr(Work, where, fails)
        house.add(house.channel("twitter"))
        with running(Daemon(house.app, on_end=lambda _id: sent.set())):
            assert sent.wait(60)
            until(lambda: len(findings) == 3 and not daemon_findings(house), "the trouble's end")
        first, second, third = findings
        assert (first, len(second), second) == ([], 1, third)
        assert told in second[0]
        assert "token" not in second[0]
        assert len(house.networks.posts()) == 1


def test_a_tick_that_keeps_failing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_work: Work) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(Work, "look_ahead", fails)
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", SystemClock()) as house, running(Daemon(house.app)):
        until(lambda: any("look_ahead" in one and "KeyError" in one for one in daemon_findings(house)), "the telling")


def test_a_full_disk_beside_the_database_stops_no_announcement_and_is_told(
    tmp_path: Path, database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise FULL

    with built(tmp_path, database_url, clock) as house:
        house.add(house.channel("twitter"))
        with monkeypatch.context() as broken:
            broken.setattr("campaign.heads.os.fsync", full)
            with house.at_work() as work:
                work.deliver()
                work.seal()
                (told,) = daemon_findings(house)
        assert house.networks.texts() == ["Guten Tag aus der Altmark"]
        assert "heads.json" in told
        assert "No space left on device" in told
        assert not list(tmp_path.glob("heads.json.*")), "nothing half-written remains"
        with house.at_work() as work:
            work.deliver()
            work.seal()
            clock.advance(301)
        assert daemon_findings(house) == []


def test_a_server_that_takes_no_writes_after_a_fail_over_is_waited_for(tmp_path: Path, postgres_url: str) -> None:
    with built(tmp_path, postgres_url, ManualClock(START)) as house, house.at_work() as work:
        house.add(house.channel("twitter"))
        for switch, writes in (("on", False), ("off", True)):
            with house.app.database.engine.connect() as connection:
                name = house.app.database.url.database
                connection.execution_options(isolation_level="AUTOCOMMIT")
                connection.execute(text("SET default_transaction_read_only = off"))
                connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = {switch}"))
            house.app.database.engine.dispose()
            if writes:
                assert work.deliver() == 1
            else:
                with pytest.raises(DatabaseUnreachable):
                    work.deliver()


def test_transactions_that_the_server_ended_are_a_database_out_of_reach(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(DatabaseUnreachable), database.write() as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
        connection.execute(text("SELECT 1"))
        threading.Event().wait(0.2)
        connection.execute(text("SELECT 1"))
    database.close()


@pytest.mark.parametrize("may_end_it", [True, False])
def test_a_lock_that_a_cut_connection_still_holds_never_ends_it(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, may_end_it: bool
) -> None:
    """A cut cable leaves the server with a session that nobody uses any more, and the lock in it."""
    monkeypatch.setattr("campaign.db.BUSY_SECONDS", 0.1)
    monkeypatch.setattr(scheduler, "AFTER_TROUBLE", 0.01)
    monkeypatch.setattr(scheduler, "LONGEST_SLEEP", 0.1)
    tries, hold = [], WorkerLock.hold

    def counted(lock: WorkerLock) -> None:
        tries.append(lock)
        hold(lock)

    with built(tmp_path, postgres_url, SystemClock()) as house:
        channel, sent = house.channel("twitter"), threading.Event()
        daemon = Daemon(house.app, on_end=lambda _id: sent.set())
        with running(daemon):
            until(lambda: all(done.is_set() for done in daemon._first_round.values()), "its first round")
            monkeypatch.setattr(WorkerLock, "hold", counted)
            if not may_end_it:
                monkeypatch.setattr(WorkerLock, "_end_lost_session", lambda *_: None)
            assert daemon._work is not None
            lock = daemon._work._lock
            lost, lock._connection = lock._connection, None
            assert lost is not None
            if not may_end_it:
                until(lambda: len(tries) > 3, "several tries")
                house.add(channel)
                until(lambda: len(tries) > 6, "several more")
                assert house.networks.posts() == [], "who does not hold its lock sends nothing"
                lost.close()
            else:
                until(lambda: lock._connection is not None, "the lock again")
                lost.invalidate()
                house.add(channel)
            assert sent.wait(60)
            assert lock.worker.id in {one.worker for one in attempts_of(house)}, "it is still the same worker"


def test_a_dead_connection_is_noticed_in_seconds_unless_the_address_says_otherwise(postgres_url: str) -> None:
    own = Database(f"{postgres_url}{'&' if '?' in postgres_url else '?'}keepalives_idle=77")
    upgrade(own)
    with own.read() as connection, WorkerLock(own, SystemClock()) as lock:
        assert lock._connection is not None
        for used in (connection, lock._connection):
            raw: Any = used.connection.dbapi_connection
            told = raw.info.get_parameters()
            assert (told["keepalives_idle"], told["keepalives_interval"]) == ("77", "5")
            assert (told["tcp_user_timeout"], told["connect_timeout"]) == ("20000", "10")
    own.close()


# --- clocks that are set -----------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_stops_no_tick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = timedelta(hours=3)

    class Set(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + ahead

    for module in (scheduler, apscheduler.schedulers.base):
        monkeypatch.setattr(module, "datetime", Set)
    monkeypatch.setattr(scheduler, "TICKS", (*ONCE, ("seal", 0.1)))
    monkeypatch.setattr(scheduler, "LONGEST_SLEEP", 0.1)
    sealed: list[None] = []
    monkeypatch.setattr(Work, "seal", lambda _work: sealed.append(None))
    with (
        built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", SystemClock()) as house,
        running(Daemon(house.app)) as daemon,
    ):
        until(lambda: all(done.is_set() for done in daemon._first_round.values()), "its first round")
        until(lambda: len(sealed) > 2, "the first ticks")
        ahead = timedelta(0)
        before = len(sealed)
        until(lambda: len(sealed) > before + 5, "further ticks", 10)


def test_a_clock_that_is_set_back_delays_no_pull_and_no_sign_of_life(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = {"url": f"sqlite:///{tmp_path / 'portal.db'}", "table": "orte", "every": "5m"}
    fields = {"id": "id", "name": "name", "url": "url", "published_at": "published_at"}
    asked: list[str] = []
    settings = {"portals": {"traege": portal | {"fields": fields}}}
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", clock, **settings) as house:
        monkeypatch.setattr(house.app, "pull", lambda name: asked.append(name) or [])
        with house.at_work() as work:
            work.pull_due()
            work.deliver()
            clock.set(START - timedelta(days=1))
            work.pull_due()
            assert len(asked) == 1
            clock.advance(301)
            work.pull_due()
            work.deliver()
        assert len(asked) == 2
        with house.app.database.read() as connection:
            seen = newest_worker(connection)
        assert seen is not None
        assert seen.seen_at == house.clock.now()


# --- what keeps it from posting ----------------------------------------------------------------------------


def test_while_the_brake_is_on_it_is_idle_and_posts_nothing(tmp_path: Path) -> None:
    clock = LeapingClock(START)
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", clock) as house:
        announcement = house.add(house.channel("twitter"))
        house.app.set_brake(True, "Probe")
        Daemon(house.app).run(until_idle=60)
        assert house.networks.posts() == []
        house.app.set_brake(False)
        Daemon(house.app).run(until_idle=60)
        assert house.state(announcement) is State.POSTED
        assert len(house.networks.posts()) == 1


def test_after_hours_of_standstill_what_is_too_late_is_missed_and_told(tmp_path: Path) -> None:
    clock = LeapingClock(START)
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", clock) as house:
        channel = house.channel("twitter")
        late, in_time = house.add(channel, "Zu spät", after=60), house.add(channel, "Noch gut", after=2 * 3600)
        after_the_outage = LeapingClock(START + timedelta(hours=3))
        app = house.another_app(after_the_outage)
        Daemon(app).run(until_idle=60)
        app.close()
        assert (house.state(late), house.state(in_time)) == (State.MISSED, State.POSTED)
        assert house.networks.texts() == ["Noch gut"]
        assert [one.subject for one in examine(house.app) if one.check == "announcement"] == [f"{late} missed"]


def test_a_paused_campaign_s_announcements_don_t_keep_it_awake(tmp_path: Path) -> None:
    clock = LeapingClock(START)
    with built(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", clock) as house:
        channel = house.channel("facebook")
        house.app.apply_campaign(CAMPAIGN.format(channel=channel))
        assert house.app.plan()["planned"], "a call is planned"
        house.app.pause_campaign("probe", True)
        with house.at_work() as work:
            assert work.next_due() is None
            assert work.idle(timedelta(days=30))


CAMPAIGN = """\
name = "probe"
title = "Probe"
starts = 2026-11-24
ends = 2026-12-20
channels = ["{channel}"]
approval = "none"
[[calls]]
name = "aufruf"
template = "aufruf"
recurs = "FREQ=WEEKLY;BYDAY=TH"
link = "https://kreativorte-im-gruenen.de/"
[rhythm]
slots = ["Thu 10:00"]
"""
