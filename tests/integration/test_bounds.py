"""What a daemon uses stays bounded however long it works; docs/bounds.md lists every bound."""

from __future__ import annotations

import gc
import itertools
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from campaign.work import Work
from posts import ledger
from posts.clock import ManualClock
from posts.delivery import FIRST_WAIT, LONGEST_WAIT, PREPARE_TRIES
from posts.errors import Throttled
from posts.networks.facebook import FacebookPublisher
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.harness import House, Networks


@pytest.fixture
def house(tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    with Server(clock=clock) as server:
        built = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", Networks(server), clock, delivery={"senders": 4})
        yield built
        built.app.close()


def pass_time(house: House, seconds: float) -> None:
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(seconds)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_threads_files_and_memory_do_not_grow_with_what_was_sent(house: House) -> None:
    channels = [house.channel("facebook"), house.channel("twitter")]
    used: list[tuple[int, int, int]] = []
    tracemalloc.start()
    with house.at_work() as work:
        for turn in range(6):
            for number in range(10):
                house.add(channels[number % 2], f"Nr. {turn}/{number} lädt ein")
            house.networks.fault("accept_then_500", times=2)
            for _ in range(6):
                work.deliver()
                work.reconcile()
                work.seal()
                pass_time(house, 61)
            # The sandbox runs in this process and keeps every post; what we judge is the rest.
            house.networks.control("/_reset")
            gc.collect()
            used.append((threading.active_count(), open_files(), tracemalloc.get_traced_memory()[0]))
    tracemalloc.stop()
    warm, last = used[2], used[-1]
    assert last[0] <= warm[0] + 1
    assert last[1] <= warm[1] + 4
    assert last[2] <= warm[2] + 2_000_000, "30 more deliveries may leave caches, but no two megabytes"


def waits_of(house: House, announcement: int) -> list[float]:
    """Seconds between one postponement and the instant it names."""
    told = [entry for entry in house.app.log_entries(announcement) if entry["event"] == "postponed"]
    return [
        (datetime.fromisoformat(one["detail"]["not_before"]) - datetime.fromisoformat(one["at"])).total_seconds()
        for one in told
    ]


def test_a_network_that_stays_away_is_asked_ever_more_rarely_and_in_the_end_somebody_is_told(house: House) -> None:
    channel = house.channel("twitter")
    announcement = house.add(channel)
    house.networks.fault("expired_token", times=None)
    with house.at_work() as work:
        for _ in range(100):
            work.deliver()
            if house.state(announcement) is not State.QUEUED:
                break
            due = work.next_due()
            pass_time(house, max(1.0, (due - house.clock.now()).total_seconds()) if due else 60)
    waits = waits_of(house, announcement)
    assert house.state(announcement) is State.MISSED
    for number, wait in enumerate(waits):
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2**number).total_seconds()
        assert longest / 2 <= wait <= longest
    assert len(set(waits)) == len(waits), "jitter: machines that failed together do not come back together"
    grace = timedelta(hours=2)
    assert sum(waits) <= (grace + LONGEST_WAIT).total_seconds()
    assert len(waits) < 30


@pytest.mark.parametrize("call", ["prepare", "publish"])
@pytest.mark.parametrize("scope", ["post", "channel"])
@pytest.mark.parametrize("ago", [0, 3600])
def test_an_instant_that_has_passed_is_no_leave_to_call_again_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch, call: str, scope: str, ago: int
) -> None:
    asked: list[float] = []

    def limited(*_: object) -> None:
        asked.append(house.clock.monotonic())
        assert len(asked) < 20, "called again at once"
        raise Throttled("rate_limited", until=house.clock.now() - timedelta(seconds=ago), scope=scope)

    monkeypatch.setattr(FacebookPublisher, call, limited)
    announcement = house.add(house.channel("facebook"))
    with house.at_work() as work:
        for _ in range(8):
            turn_when_due(house, work)
    for number, wait in enumerate(b - a for a, b in itertools.pairwise(asked)):
        assert wait >= FIRST_WAIT.total_seconds() * 2**number / 2
    assert len(asked) == len(waits_of(house, announcement)) == 8


def test_a_later_limit_never_shortens_a_channel_s_wait(house: House) -> None:
    channel = house.channel("twitter")
    with house.app.database.write() as connection:
        now = house.clock.now()
        ledger.throttle_channel(connection, 1, now + timedelta(hours=1), "rate_limited", now)
        ledger.throttle_channel(connection, 1, now + timedelta(minutes=1), "rate_limited", now)
    assert house.app.channels(channel)[0]["throttled_until"] == (now + timedelta(hours=1)).isoformat()


def turn_when_due(house: House, work: Work) -> None:
    """Wait until something can be done, then do it."""
    due = work.next_due()
    pass_time(house, max(0.0, (due - house.clock.now()).total_seconds()) if due else 60)
    work.deliver()


def with_picture(house: House, tmp_path: Path, channel: str) -> int:
    """A due announcement with a picture."""
    Image.new("RGB", (64, 48)).save(tmp_path / "hof.png")
    return house.add(channel, image=(tmp_path / "hof.png", "Ein Hof", "Foto: Anna"))


@pytest.mark.parametrize("outage", ["nobody answers", "limits"])
def test_an_outage_never_ends_a_picture_post_before_its_grace(house: House, tmp_path: Path, outage: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody = f"http://127.0.0.1:{port}/x" if outage == "nobody answers" else None
    announcement = with_picture(house, tmp_path, house.channel("twitter", base=nobody))
    house.networks.fault("throttle", call="upload", seconds=30, times=None)
    with house.at_work() as work:
        for _ in range(60):
            turn_when_due(house, work)
    assert house.state(announcement) is State.MISSED, "its grace ended it, and nothing before"
    assert len(waits_of(house, announcement)) > PREPARE_TRIES


def test_a_picture_that_never_goes_up_ends_with_a_person(house: House, tmp_path: Path) -> None:
    announcement = with_picture(house, tmp_path, house.channel("twitter"))
    limits = 3
    with house.at_work() as work:
        for again in (False, True):
            if again:
                house.app.decide("retry", [announcement])
            house.networks.all_well()
            house.networks.fault("throttle", call="upload", seconds=1, times=limits)
            house.networks.fault("error_500", call="upload", times=None)
            for _ in range(limits + PREPARE_TRIES):
                assert house.state(announcement) in (State.APPROVED, State.QUEUED)
                turn_when_due(house, work)
            assert house.state(announcement) is State.REFUSED
            assert house.one(announcement)["problems"]
    assert house.networks.posts() == []


def test_what_never_arrives_is_sent_again_only_so_often(house: House) -> None:
    channel = house.channel("twitter")
    first = house.add(channel, "Der erste")
    with house.at_work() as work:
        work.deliver()
        pass_time(house, 61)
        work.reconcile()
        assert house.state(first) is State.POSTED
        announcement = house.add(channel, "Kommt nie an")
        house.networks.fault("error_500", times=None)
        for _ in range(60):
            work.deliver()
            work.reconcile()
            pass_time(house, 1)
    shown = house.one(announcement)
    assert (shown["state"], shown["attempts"]) == ("in_doubt", 1 + house.app.settings["reconcile.resends"])
    assert house.networks.texts() == ["Der erste"]
