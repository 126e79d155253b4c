"""Tokens: a channel that was signed out comes back when it is connected again, and nothing was lost meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign.desk import Refusal
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.harness import House, Networks, credentials


@pytest.fixture
def house(tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    with Server(clock=clock) as server:
        made = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", Networks(server), clock)
        yield made
        made.app.close()


def renewed(house: House, name: str, network: str, account: str) -> dict[str, object]:
    return house.app.add_channel(name, network, account, [], None, credentials(network, account))


@pytest.mark.parametrize(("network", "account"), [("facebook", "1001"), ("twitter", "42")])
def test_a_signed_out_channel_comes_back_with_new_tokens(house: House, network: str, account: str) -> None:
    name = house.channel(network)
    announcement = house.add(name)
    house.networks.control("/_faults", {"network": network, "call": "*", "kind": "expired_token"})
    with house.at_work() as work:
        work.deliver()
        assert house.state(announcement) is State.QUEUED
        assert house.app.channels(name)[0]["problems"]
        house.networks.all_well()
        work.deliver()
        assert house.networks.posts() == []
        renewed(house, name, network, account)
        work.deliver()
    assert house.state(announcement) is State.POSTED
    assert len(house.networks.posts()) == 1


def test_one_refused_token_in_an_outage_does_not_sign_the_channel_out(house: House) -> None:
    name = house.channel("twitter")
    announcement = house.add(name)
    house.networks.fault("expired_token", network="twitter")
    with house.at_work() as work:
        work.deliver()
        assert house.app.channels(name)[0]["problems"] == []
        house.clock.advance(1800)  # type: ignore[attr-defined] # the clock of these tests stands still by itself
        work.deliver()
    assert house.state(announcement) is State.POSTED


def test_what_a_reader_has_shown_with_old_tokens_counts_no_longer(house: House) -> None:
    name = house.channel("facebook")
    credentials_of_app = credentials("facebook", "1001") | {"app_id": "900", "app_secret": "s"}
    house.app.add_channel(name, "facebook", "1001", [], None, credentials_of_app)
    with house.at_work() as work:
        house.add(name, "Der erste")
        work.deliver()
        house.clock.advance(61)  # type: ignore[attr-defined]
        work.reconcile()
        # Another app: what the first one publishes is no longer taken for ours.
        house.app.add_channel(name, "facebook", "1001", [], None, credentials_of_app | {"app_id": "999"})
        house.networks.control("/_faults", {"kind": "repetitions"})
        house.networks.fault("accept_then_500")
        doubtful = house.add(name, "Der zweite")
        work.deliver()
        for _ in range(6):
            work.reconcile()
            house.clock.advance(1)  # type: ignore[attr-defined]
        work.deliver()
    assert house.state(doubtful) is State.IN_DOUBT
    assert house.networks.texts().count("Der zweite") == 1


def test_a_channel_name_is_never_given_to_another_account(house: House) -> None:
    name = house.channel("twitter", "42")
    with pytest.raises(Refusal, match="channel_name_taken"):
        renewed(house, name, "twitter", "43")
    house.app.set_channel(name, "remove")
    with pytest.raises(Refusal, match="channel_name_taken"):
        renewed(house, name, "twitter", "42")
