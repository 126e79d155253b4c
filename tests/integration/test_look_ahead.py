"""Links and pictures are looked at weeks before an announcement's time; what fails is held, told, and let go again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from campaign.desk import Entry
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.harness import House, Networks

IN_TWO_WEEKS = 14 * 24 * 3600


class Site:
    """A portal's web server whose answer the test chooses."""

    def __init__(self) -> None:
        self.status = 200
        site = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(site.status)
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
