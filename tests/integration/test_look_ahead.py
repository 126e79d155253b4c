"""Links and pictures are looked at weeks before an announcement's time; what fails is held, told, and let go again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import update

from campaign import store
from campaign.desk import Entry
from campaign.news import sentence
from campaign.places import Place
from campaign.tables import campaigns
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.harness import House, Networks, until
from tests.integration.test_daemon import CAMPAIGN

IN_TWO_WEEKS = 14 * 24 * 3600


class Site:
    """A portal's web server whose answer the test chooses."""

    def __init__(self) -> None:
        self.status = 200
        self.leads_to = ""
        self.answers = threading.Event()
        self.answers.set()
        site = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert site.answers.wait(60)
                self.send_response(302 if site.leads_to else site.status)
                if site.leads_to:
                    self.send_header("Location", site.leads_to)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/orte/hof/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.answers.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def house(tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    with Server(clock=clock) as server:
        made = House(
            tmp_path, f"sqlite:///{tmp_path / 'k.db'}", Networks(server), clock, preflight={"check_links": True}
        )
        yield made
        made.app.close()


def test_a_dead_link_is_held_weeks_before_and_let_go_once_it_answers(house: House, site: Site) -> None:
    announcement = house.add(house.channel("facebook"), after=IN_TWO_WEEKS, link=site.url)
    site.status = 404
    with house.at_work() as work:
        work.look_ahead()
        assert house.state(announcement) is State.HELD
        assert "HTTP 404" in house.one(announcement)["hold_reason"]
        work.retry_held()
        assert house.state(announcement) is State.HELD
        site.status = 200
        work.retry_held()
    assert house.state(announcement) is State.APPROVED
    assert house.one(announcement)["problems"] == []


def test_a_draft_that_was_held_for_its_link_still_waits_for_approval(house: House, site: Site) -> None:
    channel = house.channel("facebook")
    entry = Entry(channel, house.clock.now().replace(year=2027), "Bald", site.url)
    draft = house.app.add_announcement(entry, None, approve=False)["id"]
    near = house.app.move(draft, (house.clock.now().replace(day=28)).isoformat(), force=True)["id"]
    site.status = 500
    with house.at_work() as work:
        work.look_ahead()
        assert house.state(near) is State.HELD
        site.status = 200
        work.retry_held()
    assert house.state(near) is State.DRAFT


def test_what_answers_is_not_asked_again_the_same_day(house: House, site: Site) -> None:
    announcement = house.add(house.channel("facebook"), after=IN_TWO_WEEKS, link=site.url)
    with house.at_work() as work:
        work.look_ahead()
        site.status = 404
        work.look_ahead()
    assert house.state(announcement) is State.APPROVED


def test_a_link_that_fails_at_the_last_moment_keeps_the_post_back(house: House, site: Site) -> None:
    announcement = house.add(house.channel("facebook"), link=site.url)
    site.status = 503
    with house.at_work() as work:
        work.deliver()
    assert house.state(announcement) is State.HELD
    assert house.networks.posts() == []


# --- one announcement's trouble is nobody else's --------------------------------------------------------------


def broken_link(row: str | None, *_: float) -> None:
    raise RuntimeError(f"a bug, met at {row}")


def test_a_link_that_leads_nowhere_possible_holds_its_announcement_alone(house: House, site: Site) -> None:
    site.leads_to = "http://[::1"
    odd = house.add(house.channel("facebook"), "Mit Verweis", link=site.url)
    house.add(house.channel("twitter"), "Ohne Verweis")
    with house.at_work() as work:
        work.deliver()
    assert house.state(odd) is State.HELD
    assert house.networks.texts() == ["Ohne Verweis"]


def test_an_unforeseen_error_holds_its_announcement_alone_until_it_passes(
    house: House, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = house.channel("facebook")
    odd = house.add(channel, "Mit Verweis", link=site.url)
    ahead = house.add(channel, "Später mit Verweis", after=IN_TWO_WEEKS, link=site.url)
    plain = house.add(channel, "Später ohne Verweis", after=IN_TWO_WEEKS + 60)
    house.add(house.channel("twitter"), "Ohne Verweis")
    with house.at_work() as work:
        with monkeypatch.context() as broken:
            broken.setattr("campaign.compose.link_problem", broken_link)
            for tick in (work.deliver, work.look_ahead, work.retry_held):
                tick()
            states = [house.state(one) for one in (odd, ahead, plain)]
            assert states == [State.HELD, State.HELD, State.APPROVED]
            assert house.one(odd)["hold_reason"] == sentence("internal", "de")
        assert house.networks.texts() == ["Ohne Verweis"]
        work.retry_held()
        work.deliver()
    assert [house.state(one) for one in (odd, ahead)] == [State.POSTED, State.APPROVED]


def test_a_damaged_campaign_holds_its_own_announcements_alone(
    house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.compose.link_problem", lambda *_: None)
    channel = house.channel("facebook")
    house.app.apply_campaign(CAMPAIGN.format(channel=channel))
    planned = house.app.plan()["planned"][0]
    due = datetime.fromisoformat(planned["at"])
    clock.set(due)
    with house.app.database.write() as connection:
        definition = store.campaign_rows(connection)[0].definition
        connection.execute(update(campaigns).values(definition={"name": "probe"}))
    house.add(house.channel("twitter"), "Ohne Kampagne")
    with house.at_work() as work:
        work.deliver()
        assert house.state(planned["id"]) is State.HELD
        assert house.networks.texts() == ["Ohne Kampagne"]
        work.retry_held()
        assert house.state(planned["id"]) is State.HELD
        with house.app.database.write() as connection:
            connection.execute(update(campaigns).values(definition=definition))
        work.retry_held()
        assert house.state(planned["id"]) is State.APPROVED


@pytest.mark.parametrize("pictured", [False, True])
def test_a_mistake_in_a_portal_s_settings_concerns_only_who_needs_its_folder(
    house: House, clock: ManualClock, pictured: bool
) -> None:
    of_place = house.add(house.channel("facebook"), "Vom Ort. Foto: Anna")
    house.add(house.channel("twitter"), "Anderes")
    image = {"file": "hof.jpg", "alt": "Ein Hof", "credit": "Foto: Anna"}
    with house.app.database.write() as connection:
        now = clock.now()
        store.note_portal(connection, "altmark", now, None)
        place = store.save_place(connection, Place("altmark", "1", "Hof", "https://e.org/", now), now)
        images = [image] if pictured else []
        store.set_announcement(connection, of_place, now, place_id=place, images=images)
    wrong = replace(house.app.settings, portals={"altmark": {"url": "sqlite:///x.db", "tabel": "orte"}})
    house.app.settings = wrong
    with house.at_work() as work:
        work.deliver()
        work.retry_held()
    assert house.state(of_place) is (State.HELD if pictured else State.POSTED)
    assert "Anderes" in house.networks.texts()
    if pictured:
        assert "kreativorte.toml" in house.one(of_place)["hold_reason"]


def test_a_server_that_takes_its_time_delays_no_other_announcement(
    house: House, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.looks.PATIENCE", 0.2)
    slow, quick = house.channel("facebook"), house.channel("twitter")
    site.answers.clear()
    waiting = house.add(slow, "Mit Verweis", link=site.url)
    with house.at_work() as work:
        sender = threading.Thread(target=work.deliver)
        sender.start()
        house.add(slow, "Auf demselben Kanal")
        house.add(quick, "Auf einem anderen Kanal")
        until(lambda: len(house.networks.texts()) == 2, "the others")
        house.add(quick, "Eben erst fällig")
        until(lambda: len(house.networks.texts()) == 3, "what has come due meanwhile")
        assert house.state(waiting) is State.APPROVED
        site.answers.set()
        sender.join(60)
    assert house.state(waiting) is State.POSTED


def test_who_is_told_to_stop_does_not_wait_for_a_slow_server(
    house: House, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.looks.PATIENCE", 0.1)
    site.answers.clear()
    waiting = house.add(house.channel("facebook"), link=site.url)
    with house.at_work() as work:
        sender = threading.Thread(target=work.deliver)
        sender.start()
        until(lambda: bool(work._looks._looks), "the look")
        work.courier.begin_nothing()
        sender.join(60)
        assert not sender.is_alive()
        assert not site.answers.is_set()
    assert house.state(waiting) is State.APPROVED


def test_what_was_edited_while_its_link_was_asked_is_looked_at_anew(
    house: House, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.looks.PATIENCE", 0.1)
    site.answers.clear()
    site.status = 404
    edited = house.add(house.channel("facebook"), "Alter Text", link=site.url)
    with house.at_work() as work:
        sender = threading.Thread(target=work.deliver)
        sender.start()
        until(lambda: bool(work._looks._looks), "the look")
        house.app.edit(edited, text="Neuer Text", link="", image=None, no_image=False)
        house.app.decide("approve", [edited])
        site.answers.set()
        sender.join(60)
        work.deliver()
    assert house.networks.texts() == ["Neuer Text"]
