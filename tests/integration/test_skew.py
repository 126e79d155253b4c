"""Our clock and the network's differ: what is out is found by the network's clock, and somebody is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from campaign.doctor import examine
from campaign.work import Work
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from posts.tables import channels
from tests.conftest import START
from tests.integration.harness import House, Networks

NETWORKS = ("facebook", "twitter")


@dataclass
class Clocks:
    """The machine's clock and the network's; time passes on both."""

    house: House
    ours: ManualClock
    theirs: ManualClock

    def pass_time(self, seconds: float) -> None:
        self.ours.advance(seconds)
        self.theirs.advance(seconds)

    def set_ours(self, minutes: float) -> None:
        """Ours is ahead of the network's by so many minutes from now on."""
        self.ours.set(self.theirs.now() + timedelta(minutes=minutes))

    def prove(self, work: Work, channel: str) -> None:
        self.house.add(channel, "Der erste")
        work.deliver()
        self.pass_time(61)
        work.reconcile()
        self.pass_time(1)

    def look(self, work: Work, times: int = 5) -> None:
        for _ in range(times):
            work.reconcile()
            self.pass_time(1)
        work.deliver()

    def skew(self) -> float | None:
        with self.house.app.database.read() as connection:
            return connection.execute(select(channels.c.clock_skew)).scalar_one()

    def told(self) -> bool:
        """Whether `doctor` tells of the network's clock."""
        found = [one for one in examine(self.house.app) if one.check == "clock" and one.subject != "database"]
        assert len(found) == 1
        return not found[0].ok


@pytest.fixture
def clocks(tmp_path: Path) -> Iterator[Clocks]:
    ours, theirs = ManualClock(START), ManualClock(START)
    with Server(clock=theirs) as server:
        networks = Networks(server)
        networks.control("/_faults", {"kind": "repetitions"})
        house = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", networks, ours)
        yield Clocks(house, ours, theirs)
        house.app.close()


@pytest.mark.parametrize("fault", ["accept_then_500", "accept_then_hang_up"])
@pytest.mark.parametrize("network", NETWORKS)
def test_a_clock_20_minutes_ahead_hides_no_post(clocks: Clocks, network: str, fault: str) -> None:
    house = clocks.house
    channel = house.channel(network)
    with house.at_work() as work:
        clocks.prove(work, channel)
        assert not clocks.told()
        clocks.set_ours(20)
        # With the first fault the answer tells the network's time, with the second only the time-line does.
        house.networks.fault(fault)
        second = house.add(channel, "Der zweite")
        work.deliver()
        clocks.look(work)
    assert (house.state(second), house.networks.texts().count("Der zweite")) == (State.POSTED, 1)
    assert clocks.skew() == pytest.approx(1200, abs=5)
    assert clocks.told()


@pytest.mark.parametrize("network", NETWORKS)
def test_a_clock_that_is_set_right_before_the_look_hides_no_post(clocks: Clocks, network: str) -> None:
    house = clocks.house
    channel = house.channel(network)
    with house.at_work() as work:
        clocks.prove(work, channel)
        clocks.set_ours(20)
        house.networks.control("/_faults", {"kind": "timeline_lag", "seconds": 2})
        house.networks.fault("accept_then_500")
        second = house.add(channel, "Der zweite")
        work.deliver()
        clocks.set_ours(0)
        clocks.look(work)
    assert (house.state(second), house.networks.texts().count("Der zweite")) == (State.POSTED, 1)


def test_a_reader_is_proved_by_the_network_s_clock(clocks: Clocks) -> None:
    house = clocks.house
    channel = house.channel("facebook")
    clocks.set_ours(25)
    with house.at_work() as work:
        clocks.prove(work, channel)
    assert "reader_proved" in [entry["event"] for entry in house.app.log_entries()]


def test_the_skew_of_the_last_answer_counts(clocks: Clocks) -> None:
    house = clocks.house
    channel = house.channel("facebook")
    with house.at_work() as work:
        for minutes, told in ((-2, True), (0.5, False), (2, True), (0, False)):
            clocks.set_ours(minutes)
            house.add(channel, f"Um {minutes} Minuten")
            work.deliver()
            assert clocks.told() == told
            clocks.pass_time(1)
