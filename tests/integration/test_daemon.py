"""The daemon as a whole: many channels at once, several daemons, waking, stopping, the brake, what comes too late."""

from __future__ import annotations

import csv
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

import scheduler
from campaign import pulling
from campaign.db import WorkerLock
from campaign.doctor import examine
from posts.clock import Clock, LeapingClock, SystemClock
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
