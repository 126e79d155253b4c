"""From a due announcement to the network and back, over real HTTP: whatever happens, once or told why not."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from campaign import store
from campaign.db import WorkerLock
from campaign.desk import Refusal
from campaign.doctor import examine
from campaign.news import sentences
from campaign.places import Place
from campaign.work import Work
from posts import ledger
from posts.clock import ManualClock
from posts.delivery import Courier
from posts.drafts import Receipt
from posts.networks.publisher import Prepared
from posts.networks.twitter import TwitterPublisher
from posts.reconcile import FURTHER_LOOKS, FURTHER_PAUSE
from posts.sandbox.server import Server
from posts.states import State
from posts.tables import attempts, channels, deliveries
from tests.conftest import START
from tests.integration.harness import ACCOUNT, PAGE, House, Networks, until
from tests.integration.test_daemon import CAMPAIGN

NETWORKS = ("facebook", "twitter")
LOOKS = 3
SIGNED_OUT = set(sentences(["token_expired", "token_invalid"], "de"))


@pytest.fixture
def house(running: tuple[Server, ManualClock], networks: Networks, tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", networks, running[1])
    yield built
    built.app.close()


@pytest.fixture
def either(
    running: tuple[Server, ManualClock], networks: Networks, tmp_path: Path, database_url: str
) -> Iterator[House]:
    """A house on each kind of database."""
    built = House(tmp_path, database_url, networks, running[1])
    yield built
    built.app.close()


@pytest.fixture
def work(house: House) -> Iterator[Work]:
    with house.at_work() as turning:
        yield turning


def pass_time(house: House, seconds: float) -> None:
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(seconds)


def look_until_settled(house: House, work: Work) -> None:
    """All looks of the settling window, and whatever follows from them."""
    for _ in range(LOOKS + 1):
        work.reconcile()
        pass_time(house, 1)
    work.deliver()


def look_further(house: House, work: Work) -> None:
    """The further looks at a time-line that could not be read."""
    for _ in range(FURTHER_LOOKS):
        pass_time(house, FURTHER_PAUSE)
        work.reconcile()


def prove_reader(house: House, work: Work, channel: str) -> None:
    """One success of the kind, found again by the reader: from now on an empty time-line may be believed."""
    first = house.add(channel, "Der erste Beitrag dieses Kanals")
    work.deliver()
    assert house.state(first) is State.POSTED
    pass_time(house, 61)
    work.reconcile()
    pass_time(house, 1)


# --- the plain way -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_a_due_announcement_goes_out_once_with_its_receipt(either: House, network: str) -> None:
    channel = either.channel(network)
    announcement = either.add(channel, "Neu: das Haus am Fluss 🌻 & »Hof«", link="https://example.org/orte/haus")
    with either.at_work() as work:
        assert work.deliver() == 1
        assert work.deliver() == 0
    (post,) = either.networks.posts()
    seen = either.one(announcement)
    assert (seen["state"], seen["remote_id"], seen["attempts"]) == ("posted", post["id"], 1)
    assert seen["sent_text"] == post["text"]
    assert post["links"] and post["links"][0].startswith("https://example.org/orte/haus")
    assert [event for event in either.events(announcement) if event != "planned"] == ["queued", "started", "posted"]
    assert either.app.verify_log(None).ok


@pytest.mark.parametrize("network", NETWORKS)
def test_a_picture_goes_out_with_its_alternative_text(house: House, work: Work, network: str) -> None:
    file = house.directory / "bild.jpg"
    Image.new("RGB", (640, 480), "seagreen").save(file)
    channel = house.channel(network)
    announcement = house.add(channel, "Ein Feld bei Stendal", image=(file, "Ein grünes Feld", "A. Muster"))
    work.deliver()
    assert house.state(announcement) is State.POSTED
    (post,) = house.networks.posts()
    assert [image["alt"] for image in post["images"]] == ["Ein grünes Feld"]
    assert "Foto: A. Muster" in post["text"]


def test_nothing_goes_out_before_its_instant(house: House, work: Work) -> None:
    announcement = house.add(house.channel("twitter"), after=30)
    assert work.deliver() == 0
    pass_time(house, 29)
    assert work.deliver() == 0
    assert work.next_due() == house.clock.now() + timedelta(seconds=1)
    pass_time(house, 1)
    assert work.deliver() == 1
    assert house.state(announcement) is State.POSTED


# --- known answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_what_the_network_refuses_is_told_and_not_tried_again(house: House, work: Work, network: str) -> None:
    announcement = house.add(house.channel(network))
    house.networks.fault("refuse")
    work.deliver()
    pass_time(house, 3600)
    work.deliver()
    seen = house.one(announcement)
    assert (seen["state"], seen["attempts"]) == ("refused", 1)
    assert seen["problems"], "staff are told why"
    assert house.networks.posts() == []


@pytest.mark.parametrize("network", NETWORKS)
def test_a_refused_one_goes_out_once_when_a_person_retries(house: House, work: Work, network: str) -> None:
    announcement = house.add(house.channel(network))
    house.networks.fault("refuse")
    work.deliver()
    house.app.decide("retry", [announcement])
    work.deliver()
    assert house.state(announcement) is State.POSTED
    assert len(house.networks.posts()) == 1


def test_a_throttled_channel_waits_for_the_instant_that_the_headers_name(house: House, work: Work) -> None:
    channel = house.channel("twitter")
    first, second = house.add(channel, "Eins"), house.add(channel, "Zwei", after=1)
    house.networks.fault("throttle", seconds=600)
    work.deliver()
    pass_time(house, 590)
    work.deliver()
    assert [house.state(one) for one in (first, second)] == [State.QUEUED, State.QUEUED]
    assert house.networks.posts() == []
    due = work.next_due()
    assert due is not None
    assert abs((due - START).total_seconds() - 600) <= 2
    pass_time(house, 12)
    work.deliver()
    assert house.networks.texts() == ["Eins", "Zwei"]
    assert house.one(first)["attempts"] == 2


@pytest.mark.parametrize("network", NETWORKS)
def test_a_limit_without_an_instant_is_waited_out(house: House, work: Work, network: str) -> None:
    announcement = house.add(house.channel(network))
    house.networks.fault("throttle_silent")
    work.deliver()
    assert house.state(announcement) is State.QUEUED
    due = work.next_due()
    assert due is not None
    assert due > house.clock.now() + timedelta(seconds=60)
    pass_time(house, (due - house.clock.now()).total_seconds())
    work.deliver()
    assert house.state(announcement) is State.POSTED
    assert len(house.networks.posts()) == 1


def test_one_channel_s_limit_leaves_the_others_alone(house: House, work: Work) -> None:
    limited, free = house.channel("twitter", "42"), house.channel("twitter", "43")
    waiting, going = house.add(limited, "Eins"), house.add(free, "Zwei")
    house.networks.fault("throttle", account="42")
    work.deliver()
    assert (house.state(waiting), house.state(going)) == (State.QUEUED, State.POSTED)


@pytest.mark.parametrize("network", NETWORKS)
def test_an_expired_token_stops_the_channel_until_a_person_renewed_it(house: House, work: Work, network: str) -> None:
    channel = house.channel(network)
    first, second = house.add(channel, "Eins"), house.add(channel, "Zwei", after=1)
    house.networks.fault("expired_token", call="*", times=None)
    work.deliver()
    pass_time(house, 600)
    assert work.deliver() == 0
    assert [house.state(one) for one in (first, second)] == [State.QUEUED, State.QUEUED]
    assert SIGNED_OUT & set(house.app.channels(channel)[0]["problems"])
    house.networks.all_well()
    assert not SIGNED_OUT & set(house.app.check_channels([channel])[0]["problems"])
    work.deliver()
    assert [house.state(one) for one in (first, second)] == [State.POSTED, State.POSTED]
    assert len(house.networks.posts()) == 2


def test_a_network_that_is_down_is_tried_again_and_nothing_is_in_doubt(house: House, work: Work) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    channel = house.channel("twitter", base=f"http://127.0.0.1:{port}/x")
    announcement = house.add(channel)
    work.deliver()
    seen = house.one(announcement)
    assert (seen["state"], seen["attempts"]) == ("queued", 1)
    with Server(port=port, clock=house.clock) as back:
        pass_time(house, 6)
        work.deliver()
        assert Networks(back).texts() == ["Guten Tag aus der Altmark"]
    assert house.state(announcement) is State.POSTED


# --- doubts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("kind", ["accept_then_hang_up", "accept_then_500", "html", "truncated", "hostile"])
def test_what_was_accepted_without_a_clear_answer_is_found_and_not_sent_again(
    house: House, work: Work, network: str, kind: str
) -> None:
    announcement = house.add(house.channel(network))
    house.networks.fault(kind, **({"accepted": True} if kind == "html" else {}))
    work.deliver()
    if house.state(announcement) is not State.POSTED:  # a hostile answer may still hold the id
        assert house.state(announcement) is State.UNKNOWN
        look_until_settled(house, work)
    (post,) = house.networks.posts()
    seen = house.one(announcement)
    assert (seen["state"], seen["remote_id"], seen["attempts"]) == ("posted", post["id"], 1)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("kind", ["hang_up", "error_500", "html"])
def test_what_never_arrived_is_sent_again_once_the_reader_is_proved(
    house: House, work: Work, network: str, kind: str
) -> None:
    channel = house.channel(network)
    prove_reader(house, work, channel)
    announcement = house.add(channel, "Der zweite Beitrag")
    house.networks.fault(kind)
    work.deliver()
    assert house.state(announcement) is State.UNKNOWN
    work.reconcile()
    assert house.state(announcement) is State.UNKNOWN, "one look is not enough"
    look_until_settled(house, work)
    assert house.networks.texts().count("Der zweite Beitrag") == 1
    assert house.state(announcement) is State.POSTED
    assert house.one(announcement)["attempts"] == 2


@pytest.mark.parametrize("network", NETWORKS)
def test_without_a_proved_reader_a_person_decides(house: House, work: Work, network: str) -> None:
    announcement = house.add(house.channel(network))
    house.networks.fault("hang_up")
    work.deliver()
    look_until_settled(house, work)
    assert house.state(announcement) is State.IN_DOUBT
    assert house.one(announcement)["problems"]
    assert house.app.settle(announcement, None)["state"] == "queued"
    work.deliver()
    assert house.state(announcement) is State.POSTED
    assert len(house.networks.posts()) == 1


@pytest.mark.parametrize("network", NETWORKS)
def test_a_lagging_time_line_does_not_lead_to_a_second_post(house: House, work: Work, network: str) -> None:
    channel = house.channel(network)
    prove_reader(house, work, channel)
    announcement = house.add(channel, "Der zweite Beitrag")
    house.networks.fault("accept_then_hang_up")
    house.networks.fault("timeline_lag", call="timeline", times=None, seconds=2)
    work.deliver()
    look_until_settled(house, work)
    assert house.networks.texts().count("Der zweite Beitrag") == 1
    seen = house.one(announcement)
    assert (seen["state"], seen["attempts"]) == ("posted", 1)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_time_line_that_can_t_be_read_ends_with_a_person(house: House, work: Work, network: str) -> None:
    channel = house.channel(network)
    prove_reader(house, work, channel)
    announcement = house.add(channel, "Der zweite Beitrag")
    house.networks.fault("accept_then_500")
    house.networks.fault("timeline_error", call="timeline", times=None)
    work.deliver()
    look_until_settled(house, work)
    look_further(house, work)
    assert house.state(announcement) is State.IN_DOUBT
    assert house.networks.texts().count("Der zweite Beitrag") == 1


@pytest.mark.parametrize("network", NETWORKS)
def test_refused_as_a_repetition_it_is_looked_for_and_found(house: House, work: Work, network: str) -> None:
    announcement = house.add(house.channel(network), "Einmal genügt")
    house.networks.fault("accept_then_hang_up")
    work.deliver()
    with house.app.database.write() as connection:
        (doubt,) = ledger.doubts(connection)
        ledger.settle_absent(connection, doubt, house.clock.now(), house.clock.now() + timedelta(hours=1))
    house.networks.fault("refuse_duplicate")
    work.deliver()
    assert house.state(announcement) is State.UNKNOWN, "evidence that it landed is never a refusal"
    look_until_settled(house, work)
    (post,) = house.networks.posts()
    assert (house.state(announcement), house.one(announcement)["remote_id"]) == (State.POSTED, post["id"])


def test_a_repetition_that_can_t_be_found_is_never_sent_again(house: House, work: Work) -> None:
    channel = house.channel("twitter")
    prove_reader(house, work, channel)
    announcement = house.add(channel, "Der zweite Beitrag")
    house.networks.fault("refuse_duplicate")
    work.deliver()
    look_until_settled(house, work)
    assert house.state(announcement) is State.IN_DOUBT
    assert "Der zweite Beitrag" not in house.networks.texts()


@pytest.mark.parametrize("network", NETWORKS)
def test_accepted_only_after_the_caller_gave_up_is_found(house: House, work: Work, network: str) -> None:
    channel = house.channel(network)
    prove_reader(house, work, channel)
    announcement = house.add(channel, "Der zweite Beitrag")
    house.networks.fault("accept_late", seconds=3.5)
    work.deliver()
    assert house.state(announcement) is State.UNKNOWN
    until(lambda: "Der zweite Beitrag" in house.networks.texts(), "the late acceptance")
    look_until_settled(house, work)
    seen = house.one(announcement)
    assert (seen["state"], seen["attempts"]) == ("posted", 1)
    assert house.networks.texts().count("Der zweite Beitrag") == 1


def test_a_doubt_lets_the_next_one_go_out(house: House, work: Work) -> None:
    channel = house.channel("twitter")
    doubtful, next_one = house.add(channel, "Eins", after=-1), house.add(channel, "Zwei")
    house.networks.fault("hang_up")
    work.deliver()
    assert (house.state(doubtful), house.state(next_one)) == (State.UNKNOWN, State.POSTED)


# --- persons and the brake ---------------------------------------------------------------------------------


def test_nothing_is_sent_while_the_brake_is_on(either: House) -> None:
    announcement = either.add(either.channel("twitter"))
    either.app.set_brake(True, "Probe")
    with either.at_work() as work:
        assert work.deliver() == 0
        assert work.next_due() is None
        assert either.networks.posts() == []
        either.app.set_brake(False)
        assert work.deliver() == 1
    assert either.state(announcement) is State.POSTED


def test_the_brake_pulled_while_pictures_are_prepared_stops_the_call(house: House, work: Work) -> None:
    announcement = house.add(house.channel("twitter"))
    prepared, braked = threading.Event(), threading.Event()
    take = work.courier._publishers.take

    def slow(channel_id: int) -> Any:
        prepared.set()
        assert braked.wait(30)
        return take(channel_id)

    work.courier._publishers.take = slow  # type: ignore[method-assign]
    sender = threading.Thread(target=work.deliver)
    sender.start()
    assert prepared.wait(30)
    house.app.set_brake(True)
    braked.set()
    sender.join()
    assert house.networks.posts() == []
    assert house.state(announcement) is State.QUEUED


def test_the_brake_pulled_between_the_commit_and_the_first_byte_stops_the_call(
    either: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = either.channel("twitter")
    announcement = either.add(channel)
    with either.at_work() as work:
        with monkeypatch.context() as patch:
            after_the_commit(patch, lambda: either.app.set_brake(True))
            work.deliver()
        assert either.networks.posts() == []
        assert (either.state(announcement), either.one(announcement)["attempts"]) == (State.QUEUED, 1)
        either.app.set_brake(False)
        work.deliver()
    assert either.networks.texts() == ["Guten Tag aus der Altmark"]


def after_the_commit(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Somebody acts when a call was committed and has not begun."""
    look = Courier._last_look

    def then(courier: Courier, *what: Any) -> str:
        act()
        return look(courier, *what)

    patch.setattr(Courier, "_last_look", then)


def test_cancelled_between_the_commit_and_the_first_byte_it_is_not_sent(
    house: House, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    announcement = house.add(house.channel("twitter"))
    after_the_commit(monkeypatch, lambda: house.app.decide("cancel", [announcement]))
    work.deliver()
    assert (house.state(announcement), house.networks.posts()) == (State.CANCELLED, [])


def test_without_a_database_to_ask_the_call_does_not_begin(
    house: House, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    announcement = house.add(house.channel("twitter"))

    def gone(*_: Any) -> bool:
        raise OperationalError("SELECT", None, Exception("the server has gone"))

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "may_begin", gone)
        work.deliver()
    assert (house.state(announcement), house.networks.posts()) == (State.QUEUED, [])
    pass_time(house, 6)
    work.deliver()
    assert house.state(announcement) is State.POSTED


def test_stop_all_waits_for_the_call_that_is_under_way(
    house: House, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, braked = threading.Event(), threading.Event()
    publish = TwitterPublisher.publish

    def slow(publisher: TwitterPublisher, prepared: Prepared) -> Receipt:
        begun.set()
        assert braked.wait(30)
        return publish(publisher, prepared)

    monkeypatch.setattr(TwitterPublisher, "publish", slow)
    channel = house.channel("twitter")
    first, second = house.add(channel, "Eins"), house.add(channel, "Zwei")
    sender = threading.Thread(target=work.deliver)
    sender.start()
    assert begun.wait(30)
    told: list[int] = []

    def progress(under_way: int) -> None:
        told.append(under_way)
        braked.set()
        sender.join(30)

    house.app.stop_all("Probe", progress=progress)
    assert told == [1]
    assert (house.state(first), house.state(second)) == (State.POSTED, State.QUEUED)
    assert house.networks.texts() == ["Eins"]


def test_stop_all_names_the_call_that_does_not_end(house: House, work: Work) -> None:
    announcement = house.add(house.channel("twitter"))
    work._freeze_due()
    (claim,) = work.courier._claim(1)
    with house.app.database.write() as connection:
        assert ledger.go(connection, claim, house.clock.now(), work.courier._patience.lease)
    began = house.clock.now()
    with pytest.raises(Refusal, match=rf"calls_not_ended: {announcement} \(twitter-42\)"):
        house.app.stop_all()
    assert work.next_due() is None, "the brake is on all the same"
    waited = house.clock.now() - began
    assert house.app.longest_call <= waited <= house.app.longest_call + timedelta(seconds=1)


def in_campaign(house: House) -> tuple[str, int]:
    """A channel, and a campaign's announcement on it that is due now."""
    channel = house.channel("facebook")
    house.app.apply_campaign(CAMPAIGN.format(channel=channel))
    first = house.app.plan()["planned"][0]
    assert isinstance(house.clock, ManualClock)
    house.clock.set(datetime.fromisoformat(first["at"]).astimezone(UTC) + timedelta(seconds=1))
    return channel, int(first["id"])


def test_a_paused_campaign_holds_what_is_queued_already(either: House) -> None:
    channel, announcement = in_campaign(either)
    either.app.set_channel(channel, "pause")
    with either.at_work() as work:
        work.deliver()
        assert either.state(announcement) is State.QUEUED
        either.app.pause_campaign("probe", True)
        either.app.set_channel(channel, "resume")
        assert work.deliver() == 0
        assert (either.state(announcement), either.networks.texts()) == (State.APPROVED, [])
        either.app.pause_campaign("probe", False)
        work.deliver()
    assert either.state(announcement) is State.POSTED
    assert len(either.networks.posts()) == 1


def test_what_comes_back_to_the_queue_of_a_paused_campaign_waits(either: House) -> None:
    _, announcement = in_campaign(either)
    either.networks.fault("hang_up")
    with either.at_work() as work:
        work.deliver()
        either.app.pause_campaign("probe", True)
        look_until_settled(either, work)
        assert either.app.settle(announcement, None)["state"] == "queued"
        assert work.deliver() == 0
        assert either.networks.posts() == []
        assert work.idle(timedelta(days=3))
        either.app.pause_campaign("probe", False)
        work.deliver()
    assert either.state(announcement) is State.POSTED
    assert len(either.networks.posts()) == 1


def test_a_claimed_announcement_of_a_campaign_that_is_paused_meanwhile_is_not_sent(house: House, work: Work) -> None:
    _, announcement = in_campaign(house)
    take = work.publishers.take

    def paused_meanwhile(channel_id: int) -> Any:
        house.app.pause_campaign("probe", True)
        return take(channel_id)

    work.publishers.take = paused_meanwhile  # type: ignore[method-assign]
    work.deliver()
    assert (house.state(announcement), house.networks.posts()) == (State.APPROVED, [])


def of_a_place(house: House, announcement: int) -> Place:
    """Make it an announcement of a place, which is returned."""
    place = Place("altmark", "1", "Hof", "https://example.org/hof", START)
    with house.app.database.write() as connection:
        store.note_portal(connection, "altmark", house.clock.now(), None)
        number = store.save_place(connection, place, house.clock.now())
        store.set_announcement(connection, announcement, house.clock.now(), place_id=number)
    return place


def withdraw(house: House, place: Place) -> None:
    with house.app.database.write() as connection:
        store.save_place(connection, replace(place, withdrawn=True), house.clock.now())


def test_a_doubt_whose_place_was_withdrawn_is_not_sent_again(house: House, work: Work) -> None:
    channel = house.channel("twitter")
    prove_reader(house, work, channel)
    announcement = house.add(channel, "Der zweite Beitrag")
    place = of_a_place(house, announcement)
    house.networks.fault("hang_up")
    work.deliver()
    assert house.state(announcement) is State.UNKNOWN
    withdraw(house, place)
    house.app.plan()
    house.app.plan()
    assert house.events(announcement).count("cancel_requested") == 1
    look_until_settled(house, work)
    assert house.state(announcement) is State.CANCELLED
    assert "Der zweite Beitrag" not in house.networks.texts()


def test_a_doubt_whose_place_was_withdrawn_and_that_is_found_is_told(house: House, work: Work) -> None:
    announcement = house.add(house.channel("twitter"), "Der erste Beitrag")
    place = of_a_place(house, announcement)
    house.networks.fault("accept_then_500")
    work.deliver()
    withdraw(house, place)
    house.app.plan()
    look_until_settled(house, work)
    assert house.state(announcement) is State.POSTED
    house.app.plan()
    assert house.one(announcement)["problems"]


def test_a_refused_announcement_can_be_given_up(house: House, work: Work) -> None:
    announcement = house.add(house.channel("twitter"))
    house.networks.fault("refuse")
    work.deliver()
    assert [one["state"] for one in house.app.decide("cancel", [announcement])] == ["cancelled"]
    work.deliver()
    assert (house.state(announcement), house.networks.posts()) == (State.CANCELLED, [])
    assert house.events(announcement)[-1] == "cancelled"
    assert not [one for one in examine(house.app) if one.check == "announcement"]


def test_an_edit_while_it_waits_is_what_goes_out(house: House, work: Work) -> None:
    channel = house.channel("twitter")
    announcement = house.add(channel, "alter Text")
    house.networks.fault("throttle", seconds=60)
    work.deliver()
    assert house.state(announcement) is State.QUEUED
    house.app.edit(announcement, text="neuer Text", link=None, image=None, no_image=False)
    house.app.decide("approve", [announcement])
    pass_time(house, 61)
    work.deliver()
    assert house.networks.texts() == ["neuer Text"]


def test_cancelled_in_doubt_it_is_not_sent_again(house: House, work: Work) -> None:
    channel = house.channel("twitter")
    prove_reader(house, work, channel)
    announcement = house.add(channel, "Der zweite Beitrag")
    house.networks.fault("hang_up")
    work.deliver()
    house.app.decide("cancel", [announcement])
    look_until_settled(house, work)
    assert house.state(announcement) is State.CANCELLED
    assert "Der zweite Beitrag" not in house.networks.texts()


def test_what_was_held_up_longer_than_its_grace_is_missed(house: House, work: Work) -> None:
    announcement = house.add(house.channel("twitter"), after=60)
    pass_time(house, 60 + 2 * 3600 + 1)
    work.deliver()
    assert house.state(announcement) is State.MISSED
    assert house.networks.posts() == []
    house.app.move(announcement, house.clock.now().isoformat(), force=True)
    work.deliver()
    assert house.state(announcement) is State.POSTED


def test_after_a_standstill_a_channel_catches_up_with_pauses(
    tmp_path: Path, database_url: str, networks: Networks, running: tuple[Server, ManualClock]
) -> None:
    house = House(tmp_path, database_url, networks, running[1], delivery={"catch_up_gap": "1m"})
    behind, other = house.channel("facebook"), house.channel("twitter")
    for number in range(3):
        house.add(behind, f"Nr. {number}", after=600 * number)
    pass_time(house, 1800)
    house.add(behind, "Pünktlich")
    house.add(other, "Eins")
    house.add(other, "Zwei")
    with house.at_work() as work:
        work.deliver()
        assert house.networks.texts(ACCOUNT) == ["Eins", "Zwei"], "who is not behind does not pause"
        for _ in range(3):
            due = work.next_due()
            assert due is not None
            assert due == house.clock.now() + timedelta(minutes=1)
            pass_time(house, 60)
            work.deliver()
        assert work.next_due() is None
    assert house.networks.texts(PAGE) == ["Nr. 0", "Nr. 1", "Nr. 2", "Pünktlich"]
    begun = sorted(one.started_at for one in calls_of(house, behind))
    assert {b - a for a, b in itertools.pairwise(begun)} == {timedelta(minutes=1)}
    house.app.close()


def calls_of(house: House, channel: str) -> list[Any]:
    """The calls of a channel that were begun."""
    with house.app.database.read() as connection:
        query = select(attempts).join_from(attempts, deliveries).join_from(deliveries, channels)
        return list(connection.execute(query.where(channels.c.name == channel)))


def test_a_paused_channel_waits_and_the_others_go_on(house: House, work: Work) -> None:
    paused, open_ = house.channel("twitter"), house.channel("facebook")
    waiting, going = house.add(paused), house.add(open_)
    house.app.set_channel(paused, "pause")
    work.deliver()
    assert house.state(going) is State.POSTED
    assert house.networks.posts(ACCOUNT) == []
    house.app.set_channel(paused, "resume")
    work.deliver()
    assert house.state(waiting) is State.POSTED


def test_a_call_that_lasts_does_not_delay_what_comes_due_on_other_channels(house: House) -> None:
    slow, quick = house.channel("twitter", "42"), house.channel("twitter", "43")
    begun, release, sent = threading.Event(), threading.Event(), threading.Event()
    waiting = house.add(slow, "Eins")
    with WorkerLock(house.app.database, house.clock) as lock:
        work = Work(house.app, lock, lambda ended: ended != waiting and sent.set())
        work.recover()
        take = work.courier._publishers.take

        def held_up(channel_id: int) -> Any:
            if not begun.is_set():
                begun.set()
                assert release.wait(60)
            return take(channel_id)

        work.courier._publishers.take = held_up  # type: ignore[method-assign]
        sender = threading.Thread(target=work.deliver)
        sender.start()
        assert begun.wait(30)
        house.add(quick, "Zwei")
        assert sent.wait(60)
        assert house.networks.texts() == ["Zwei"]
        release.set()
        sender.join()
        work.stop()
    assert house.networks.texts() == ["Zwei", "Eins"]


def test_a_receipt_that_names_another_delivery_s_post_is_a_doubt(house: House, work: Work) -> None:
    channel = house.channel("twitter")
    first = house.add(channel, "Eins")
    work.deliver()
    owned = str(house.one(first)["remote_id"])
    opened = work.publishers.take(1)
    opened.publisher.publish = lambda _prepared: Receipt(owned, "")  # type: ignore[method-assign]
    work.publishers.give(1, opened)
    second = house.add(channel, "Zwei")
    work.deliver()
    assert house.state(second) is State.UNKNOWN
    look_until_settled(house, work)
    assert (house.state(first), house.state(second)) == (State.POSTED, State.IN_DOUBT)


# --- workers that die --------------------------------------------------------------------------------------


def test_a_worker_that_died_in_its_call_leaves_a_doubt_that_is_settled(either: House) -> None:
    channel = either.channel("twitter")
    announcement = either.add(channel, "Einmal genügt")
    with either.at_work() as dying:
        dying._freeze_due()
        (claim,) = dying.courier._claim(1)
        publisher = either.app.accounts().publisher(claim.channel_id)
        prepared = publisher.prepare(claim.draft)
        with either.app.database.write() as connection:
            now = ledger.now_of(connection, either.clock)
            assert ledger.go(connection, claim, now, dying.courier._patience.lease)
        publisher.publish(prepared)  # and no time was left to record it
    with either.at_work() as next_worker:
        assert either.state(announcement) is State.UNKNOWN
        look_until_settled(either, next_worker)
    assert either.state(announcement) is State.POSTED
    assert either.networks.texts() == ["Einmal genügt"]


def test_a_worker_that_died_before_its_call_is_followed_by_another(either: House) -> None:
    channel = either.channel("twitter")
    with either.at_work() as work:
        prove_reader(either, work, channel)
    announcement = either.add(channel, "Der zweite Beitrag")
    with either.at_work() as dying:
        dying._freeze_due()
        (claim,) = dying.courier._claim(1)
        with either.app.database.write() as connection:
            assert ledger.go(connection, claim, either.clock.now(), dying.courier._patience.lease)
    with either.at_work() as next_worker:
        look_until_settled(either, next_worker)
    assert either.state(announcement) is State.POSTED
    assert either.networks.texts().count("Der zweite Beitrag") == 1


def test_a_stopped_worker_s_doubt_is_never_sent_again(house: House, work: Work) -> None:
    channel = house.channel("twitter")
    prove_reader(house, work, channel)
    announcement = house.add(channel, "Der zweite Beitrag")
    work._freeze_due()
    (claim,) = work.courier._claim(1)
    with house.app.database.write() as connection:
        assert ledger.go(connection, claim, house.clock.now(), work.courier._patience.lease)
    pass_time(house, 61)
    look_until_settled(house, work)
    assert house.state(announcement) is State.IN_DOUBT, "its worker lives and may still send its first byte"
    assert "Der zweite Beitrag" not in house.networks.texts()


def test_a_stopping_courier_begins_nothing_new(house: House, work: Work) -> None:
    announcement = house.add(house.channel("twitter"))
    work.courier.begin_nothing()
    assert work.deliver() == 0
    assert house.networks.posts() == []
    assert house.state(announcement) is State.QUEUED


def test_tokens_stand_neither_in_the_log_nor_in_the_database_s_clear_text(house: House, work: Work) -> None:
    channel = house.channel("facebook")
    house.add(channel)
    house.networks.fault("expired_token")
    work.deliver()
    with house.app.database.read() as connection:
        rows = [str(row) for row in connection.execute(select(deliveries))]
    stored = (house.directory / "k.db").read_bytes()
    assert f"EAA-{PAGE}" not in "".join(rows) + str(house.app.log_entries())
    assert f"EAA-{PAGE}".encode() not in stored
