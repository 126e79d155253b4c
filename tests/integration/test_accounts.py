"""Tokens: a channel that was signed out comes back when it is connected again, and nothing was lost meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from campaign.db import DatabaseUnreachable
from campaign.desk import Refusal
from campaign.doctor import examine
from posts.accounts import Accounts
from posts.clock import ManualClock
from posts.errors import SignedOut, Unreachable
from posts.insisting import TRIES
from posts.sandbox.server import Server
from posts.states import State
from posts.tables import channels
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


# --- OAuth 2.0: tokens that are renewed ---------------------------------------------------------------------


def renewable(house: House, *, dies_after: timedelta, told: timedelta) -> str:
    """A channel whose access token X takes for so long, and said it would for so long."""
    now = house.clock.now()
    account = {"network": "twitter", "id": "42", "token": "A1", "refresh_token": "R1"}
    house.networks.control("/_accounts", account | {"expires_at": (now + dies_after).isoformat()})
    tokens = {"client_id": "c", "client_secret": "s", "access_token": "A1", "refresh_token": "R1"}
    house.app.add_channel("x", "twitter", "42", [], None, {"oauth2": tokens | {"expires_at": (now + told).timestamp()}})
    assert house.app.channels("x")[0]["problems"] == []
    return "x"


@pytest.fixture
def dying(house: House, clock: ManualClock) -> int:
    """An announcement on a channel whose token X takes no longer, long before the end that was told."""
    announcement = house.add(renewable(house, dies_after=timedelta(minutes=30), told=timedelta(hours=2)), after=3600)
    clock.advance(3600)
    return announcement


def test_a_token_that_x_rejects_before_its_end_is_renewed_once(house: House, dying: int, clock: ManualClock) -> None:
    with house.at_work() as work:
        work.deliver()
        assert house.app.channels("x")[0]["problems"] == []
        clock.advance(6)
        work.deliver()
    assert house.state(dying) is State.POSTED
    assert len(house.networks.posts()) == 1


def test_a_rejected_token_is_renewed_before_the_check_calls_it_dead(house: House, dying: int) -> None:
    assert house.app.check_channels(["x"])[0]["problems"] == []
    with house.at_work() as work:
        work.deliver()
    assert house.state(dying) is State.POSTED


def test_a_token_that_is_rejected_and_can_t_be_renewed_signs_the_channel_out(house: House, dying: int) -> None:
    house.networks.control("/_faults", {"network": "twitter", "call": "*", "kind": "expired_token"})
    with house.at_work() as work:
        work.deliver()
    assert house.state(dying) is State.QUEUED
    assert house.app.channels("x")[0]["problems"]
    (told,) = [one for one in examine(house.app) if one.check == "channel"]
    assert "channel add x --network twitter --account 42" in told.advice


def test_what_another_worker_has_renewed_is_not_renewed_again(house: House, dying: int) -> None:
    door = house.app.accounts()
    ours = door.publisher(1)
    with pytest.raises(SignedOut):
        ours.check()
    assert house.app.check_channels(["x"])[0]["problems"] == [], "the other worker"
    with pytest.raises(Unreachable):
        door.refresh_rejected(1, ours)
    assert door.publisher(1).check().id == "42"
    assert house.state(dying) is State.APPROVED


class Blip:
    """A database that takes no tokens for so many tries."""

    def __init__(self, patch: pytest.MonkeyPatch, tries: int) -> None:
        self.left = tries
        store = Accounts._store

        def stored(*what: Any) -> None:
            self.left -= 1
            if self.left >= 0:
                raise OperationalError("UPDATE channels", None, Exception("disk full"))
            store(*what)

        patch.setattr(Accounts, "_store", staticmethod(stored))


@pytest.fixture
def ending(house: House, clock: ManualClock) -> int:
    """An announcement on a channel whose token must be renewed before its use."""
    lifetime = timedelta(hours=2)
    announcement = house.add(renewable(house, dies_after=lifetime, told=lifetime), after=7200)
    clock.advance(7200)
    return announcement


def test_renewed_tokens_survive_a_database_that_is_away_for_a_moment(
    house: House, ending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Blip(monkeypatch, 3)
    with house.at_work() as work:
        work.deliver()
    assert house.state(ending) is State.POSTED
    assert house.app.check_channels(["x"])[0]["problems"] == [], "the stored tokens are the ones that X knows"


def test_renewed_tokens_survive_a_database_that_is_away_for_long(
    house: House, ending: int, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Blip(monkeypatch, TRIES + 1)
    with house.at_work() as work:
        with pytest.raises(DatabaseUnreachable):
            work.deliver()
        assert "can't be stored" in caplog.text
        clock.advance(61)
        work.deliver()
    assert house.state(ending) is State.POSTED
    assert house.app.check_channels(["x"])[0]["problems"] == []


def test_tokens_that_a_person_connected_meanwhile_are_not_replaced_by_renewed_ones(
    house: House, ending: int, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Blip(monkeypatch, TRIES)
    with house.at_work() as work:
        with pytest.raises(DatabaseUnreachable):
            work.deliver()
        renewed(house, "x", "twitter", "42")
        clock.advance(61)
        work.deliver()
    assert house.state(ending) is State.POSTED
    assert "oauth2" not in stored_tokens(house)


def stored_tokens(house: House) -> dict[str, Any]:
    with house.app.database.read() as connection:
        return house.app.vault.unlock(connection.execute(select(channels.c.credentials)).scalar_one())


def test_tokens_that_were_lost_are_told(house: House, ending: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ended before the database came back: nobody knows the tokens that X takes now."""
    with monkeypatch.context() as patch, house.at_work() as work:
        Blip(patch, TRIES)
        with pytest.raises(DatabaseUnreachable):
            work.deliver()
    house.clock.advance(61)  # type: ignore[attr-defined] # the clock of these tests stands still by itself
    with house.at_work() as work:
        work.deliver()
    assert house.state(ending) is State.QUEUED
    (told,) = [one for one in examine(house.app) if one.check == "channel"]
    assert "channel add x --network twitter --account 42" in told.advice


# --- one account, one channel -------------------------------------------------------------------------------


def test_a_channel_name_is_never_given_to_another_account(house: House) -> None:
    name = house.channel("twitter", "42")
    for _ in range(2):
        with pytest.raises(Refusal, match="channel_name_taken"):
            renewed(house, name, "twitter", "43")
        house.app.set_channel(name, "remove") if house.app.channels() else None


def test_an_account_is_one_channel_only(house: House) -> None:
    house.channel("twitter", "42")
    with pytest.raises(Refusal, match="account_taken: 42: twitter-42"):
        renewed(house, "zweiter", "twitter", "42")
    renewed(house, "seite", "facebook", "42")
    assert [one["name"] for one in house.app.channels()] == ["seite", "twitter-42"]


def test_a_removed_channel_comes_back_under_its_name_only_and_what_waited_goes_out(house: House) -> None:
    name = house.channel("twitter", "42")
    announcement = house.add(name)
    house.app.set_channel(name, "remove")
    with pytest.raises(Refusal, match="account_removed: 42: twitter-42"):
        renewed(house, "zweiter", "twitter", "42")
    with house.at_work() as work:
        work.deliver()
        assert house.networks.posts() == []
        assert renewed(house, name, "twitter", "42")["problems"] == []
        work.deliver()
    assert house.state(announcement) is State.POSTED
    events = [entry["event"] for entry in house.app.log_entries()]
    assert (events.count("channel_added"), events.count("channel_removed")) == (2, 1)


def test_two_who_add_an_account_at_the_same_time_make_one_channel(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = house.app._known_channel

    def overtaken(*what: Any) -> Any:
        monkeypatch.setattr(house.app, "_known_channel", known)
        found = known(*what)
        house.channel("twitter", "42")
        return found

    monkeypatch.setattr(house.app, "_known_channel", overtaken)
    with pytest.raises(Refusal, match="account_taken: 42: twitter-42"):
        renewed(house, "zweiter", "twitter", "42")
    assert [one["name"] for one in house.app.channels()] == ["twitter-42"]
