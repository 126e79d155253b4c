"""Measuring what is out: on its schedule, within its budget, never in posting's way; what is not told stays unknown."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select, update

from campaign import sampling
from campaign.doctor import examine
from campaign.work import Work
from posts import ledger
from posts.clock import ManualClock
from posts.engagement import Taken
from posts.figures import METRICS
from posts.sandbox.server import Server
from posts.states import State
from posts.tables import channels, deliveries, engagement, samples
from tests.conftest import START
from tests.integration.harness import PAGE, House, Networks

HOUR, DAY = 3600, 86400
PAGE_NAMES = {"views": "post_media_view", "viewers": "post_total_media_view_unique"}
words = itertools.count()


class Built:
    """Houses of one test, closed at its end."""

    def __init__(self, directory: Path, networks: Networks, clock: ManualClock) -> None:
        self._directory, self._networks, self.clock = directory, networks, clock
        self.houses: list[House] = []

    def house(self, url: str = "", **settings: Any) -> House:
        url = url or f"sqlite:///{self._directory / 'k.db'}"
        self.houses.append(House(self._directory, url, self._networks, self.clock, engagement=settings))
        return self.houses[-1]


@pytest.fixture
def built(running: tuple[Server, ManualClock], networks: Networks, tmp_path: Path) -> Iterator[Built]:
    made = Built(tmp_path, networks, running[1])
    yield made
    for house in made.houses:
        house.app.close()


def out(house: House, network: str, count: int = 1) -> list[int]:
    """So many posts, brought out by the real way."""
    name = house.channel(network)
    ids = [house.add(name, f"Beitrag {next(words)} https://example.org/o{next(words)}") for _ in range(count)]
    with house.at_work() as work:
        work.deliver()
    assert {house.state(one) for one in ids} == {State.POSTED}
    return ids


def pass_time(house: House, seconds: float) -> None:
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(seconds)


def measured(house: House, everything: bool = False) -> Taken:
    taken = sampling.measure(house.app, "test", everything)
    assert taken is not None
    return taken


def counts(taken: Taken) -> tuple[int, int, int]:
    return taken.sampled, taken.skipped, taken.failed


def known(house: House, number: int) -> Any:
    with house.app.database.read() as connection:
        return connection.execute(select(engagement).where(engagement.c.delivery_id == number)).one()


def sampled(house: House, number: int, metric: str) -> list[tuple[int | None, str]]:
    with house.app.database.read() as connection:
        rows = connection.execute(
            select(samples.c.value, samples.c.state)
            .where(samples.c.delivery_id == number, samples.c.metric == metric)
            .order_by(samples.c.at)
        )
        return [(row.value, row.state) for row in rows]


def findings(house: House, check: str) -> list[str]:
    return [one.advice for one in examine(house.app) if one.check == check and not one.ok]


# --- the schedule


@pytest.mark.parametrize("network", ["facebook", "twitter"])
def test_a_post_is_measured_at_the_ages_of_the_schedule(built: Built, database_url: str, network: str) -> None:
    house = built.house(database_url, schedule=["1h", "3h", "7d"])
    (number,) = out(house, network)
    assert counts(measured(house)) == (0, 0, 0)
    for wait, expected in ((HOUR, 1), (HOUR, 0), (HOUR, 1), (3 * DAY, 0), (4 * DAY, 1), (30 * DAY, 0)):
        pass_time(house, wait)
        assert counts(measured(house)) == (expected, 0, 0)
    views = [value for value, _ in sampled(house, number, "views")]
    assert len(views) == 3
    assert views == sorted(views, key=lambda value: value or 0) and views[-1]
    last = known(house, number)
    assert (last.views, last.next_at) == (views[-1], None)
    assert (last.week_views, last.week_at) == (views[-1], START + timedelta(days=7, hours=3))


def test_ages_that_passed_while_nobody_measured_are_not_made_up_for(built: Built) -> None:
    house = built.house(schedule=["1h", "3h", "7d", "14d"])
    (number,) = out(house, "facebook")
    pass_time(house, 10 * DAY)
    assert counts(measured(house)) == (1, 0, 0)
    assert len(sampled(house, number, "views")) == 1
    assert known(house, number).next_at == START + timedelta(days=14)
    # Ten days are not seven: it is not compared with others as if they were.
    assert known(house, number).week_at is None


def test_the_figures_are_those_that_the_network_tells(built: Built) -> None:
    house = built.house()
    (number,) = out(house, "facebook")
    pass_time(house, 2 * DAY)
    measured(house, everything=True)
    remote_id = house.one(number)["remote_id"]
    told = requests.get(
        f"{house.networks.server.url}/graph/v26.0/{remote_id}",
        params={
            "fields": "shares,reactions.summary(total_count),comments.summary(total_count),"
            "insights.metric(post_media_view,post_total_media_view_unique)"
        },
        headers={"Authorization": f"Bearer EAA-{PAGE}"},
        timeout=10,
    ).json()
    insights = {one["name"]: one["values"][0]["value"] for one in told["insights"]["data"]}
    last = known(house, number)
    assert (last.views, last.viewers) == (insights["post_media_view"], insights["post_total_media_view_unique"])
    assert last.reactions == told["reactions"]["summary"]["total_count"]
    assert last.comments == told["comments"]["summary"]["total_count"]
    assert last.shares == told.get("shares", {"count": 0})["count"]


def test_more_posts_than_one_call_brings_are_all_measured(built: Built) -> None:
    house = built.house()
    ids = [*out(house, "facebook", 70), *out(house, "twitter", 70)]
    pass_time(house, HOUR)
    assert counts(measured(house)) == (140, 0, 0)
    assert all(known(house, number).sampled_at == house.clock.now() for number in ids)


def test_a_round_takes_a_share_of_each_channel_and_the_next_ones_the_rest(
    built: Built, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = built.house(database_url)
    numbers = [*out(house, "facebook", 3), *out(house, "twitter")]
    monkeypatch.setattr("posts.engagement.AT_ONCE", 2)
    pass_time(house, HOUR)
    assert counts(measured(house)) == (3, 1, 0)
    assert counts(measured(house)) == (1, 0, 0)
    assert all(len(sampled(house, number, "views")) == 1 for number in numbers)


def test_old_posts_between_many_newer_ones_are_found_without_reading_everything(built: Built) -> None:
    house = built.house(schedule=["1h", "7d", "100d"])
    old = out(house, "facebook")
    pass_time(house, 60 * DAY)
    out(house, "facebook", 60)
    pass_time(house, 40 * DAY)
    measured(house)
    assert known(house, old[0]).sampled_at == house.clock.now()
    assert known(house, old[0]).next_at is None


# --- what is not told


def test_a_metric_that_facebook_withdrew_costs_no_other_and_is_told(built: Built) -> None:
    house = built.house(facebook={"views": "post_impressions", "viewers": "post_total_media_view_unique"})
    (number,) = out(house, "facebook")
    for _ in range(2):
        pass_time(house, DAY)
        assert counts(measured(house, everything=True)) == (1, 0, 0)
    last = known(house, number)
    assert last.views is None and last.gaps == {"views": "withdrawn"}
    assert last.viewers and last.reactions is not None
    assert sampled(house, number, "views") == [(None, "withdrawn")]
    assert any("post_impressions" in told for told in findings(house, "measuring"))


def test_a_metric_that_dies_between_two_samples_keeps_what_was_known(built: Built) -> None:
    house = built.house()
    (number,) = out(house, "facebook")
    pass_time(house, DAY)
    measured(house, everything=True)
    before = known(house, number).views
    assert before
    rename(house, "engagement.facebook.views", "post_impressions")
    pass_time(house, DAY)
    measured(house, everything=True)
    last = known(house, number)
    assert (last.views, last.gaps["views"]) == (before, "withdrawn")
    assert last.viewers is not None


def rename(house: House, setting: str, name: str) -> None:
    house.app.settings = replace(house.app.settings, values={**house.app.settings.values, setting: name})


# --- the budget, and posting


def test_calls_beyond_the_day_s_budget_are_left_for_the_next_day(built: Built) -> None:
    house = built.house(calls=1)
    out(house, "facebook", 70)
    pass_time(house, HOUR)
    taken = measured(house)
    assert (taken.sampled, taken.skipped) == (50, 20)
    assert "morgen" in findings(house, "measuring")[0]
    pass_time(house, DAY)
    assert counts(measured(house)) == (50, 20, 0)


def test_money_beyond_the_month_s_budget_is_not_spent(built: Built) -> None:
    house = built.house(budget=0.002, twitter={"owns_app": True})
    out(house, "twitter", 3)
    pass_time(house, HOUR)
    assert counts(measured(house)) == (3, 0, 0)  # one call, which the budget could not foresee the price of
    pass_time(house, 2 * HOUR)
    assert counts(measured(house)) == (0, 3, 0)
    assert "engagement.budget" in findings(house, "measuring")[0]
    pass_time(house, 31 * DAY)
    assert measured(house).sampled == 3


@pytest.mark.parametrize(("network", "fault"), [("facebook", "throttle"), ("twitter", "throttle"), ("twitter", "html")])
def test_a_network_that_refuses_to_be_measured_is_left_alone_and_still_posted_to(
    built: Built, network: str, fault: str
) -> None:
    house = built.house()
    out(house, network)
    pass_time(house, HOUR)
    house.networks.fault(fault, call="timeline", network=network)
    assert counts(measured(house)) == (0, 0, 1)
    assert counts(measured(house)) == (0, 0, 0)
    assert findings(house, "measuring")
    house.networks.all_well()
    assert out(house, network)
    pass_time(house, 2 * HOUR)
    assert measured(house).sampled == 2
    assert findings(house, "measuring") == []


@pytest.mark.parametrize(
    ("permission", "unknown"),
    [
        ("read_insights", {"views", "viewers", "link_clicks"}),
        ("pages_read_user_content", {"reactions", "comments"}),
    ],
)
def test_what_a_missing_permission_hides_is_recorded_as_missing_and_told(
    built: Built, permission: str, unknown: set[str]
) -> None:
    house = built.house()
    (number,) = out(house, "facebook")
    granted = {"pages_manage_posts", "pages_read_engagement", "pages_read_user_content", "read_insights"} - {permission}
    house.networks.control("/_accounts", {"network": "facebook", "id": PAGE, "scopes": sorted(granted)})
    pass_time(house, 2 * DAY)
    assert counts(measured(house)) == (1, 0, 0)
    for metric in METRICS:
        ((value, state),) = sampled(house, number, metric)
        assert (value is None, state) == ((True, "missing") if metric in unknown else (False, "measured")), metric
    assert known(house, number).gaps == dict.fromkeys(unknown, "missing")
    assert permission in findings(house, "measuring")[0]
    house.networks.control("/_accounts", {"network": "facebook", "id": PAGE, "scopes": sorted({*granted, permission})})
    pass_time(house, DAY)
    measured(house)
    assert known(house, number).gaps == {} and findings(house, "measuring") == []


def test_a_channel_that_is_signed_out_is_not_asked(built: Built) -> None:
    house = built.house()
    out(house, "facebook")
    with house.app.database.write() as connection:
        connection.execute(update(channels).values(signed_out="token_expired"))
    pass_time(house, HOUR)
    assert counts(measured(house)) == (0, 0, 0)


def test_only_one_measures_at_a_time(built: Built) -> None:
    house = built.house()
    with house.app.database.write() as connection:
        ledger.take_lease(connection, sampling.TICK, "another machine", house.clock.now(), timedelta(minutes=1))
    assert sampling.measure(house.app, "test") is None


# --- posts that are gone


@pytest.mark.parametrize("network", ["facebook", "twitter"])
def test_a_post_that_somebody_deleted_on_the_network_is_noticed_and_told_once(built: Built, network: str) -> None:
    house = built.house()
    gone, stays = out(house, network, 2)
    remove(house, network, gone)
    pass_time(house, HOUR)
    assert measured(house).gone == []  # once is no proof
    assert house.one(gone)["removed_at"] is None
    pass_time(house, HOUR)
    assert measured(house).gone == [gone]
    assert house.one(gone)["removed_at"] is not None
    assert "vanished" in house.events(gone)
    assert any("nicht mehr zu finden" in told for told in findings(house, "announcement"))
    pass_time(house, 30 * DAY)
    measured(house)
    assert house.events(gone).count("vanished") == 1
    assert known(house, stays).sampled_at == house.clock.now()


def remove(house: House, network: str, number: int) -> None:
    """As a person does in the network's own app."""
    with house.app.database.read() as connection:
        row = connection.execute(select(deliveries).where(deliveries.c.id == number)).one()
    house.app.accounts().publisher(row.channel_id).delete(row.remote_id)
    assert network in ("facebook", "twitter")


# --- taking away


def test_purged_samples_are_gone_and_the_log_tells(built: Built) -> None:
    house = built.house()
    (face,), (x,) = out(house, "facebook"), out(house, "twitter")
    pass_time(house, DAY)
    measured(house, everything=True)
    pass_time(house, DAY)
    assert sampling.purge(house.app, house.clock.now(), "facebook") == len(PAGE_NAMES) + 4
    assert sampled(house, face, "views") == []
    assert known(house, face).views is None
    assert known(house, x).views
    assert house.app.log_entries(None)[-1]["event"] == "samples_purged"


def test_samples_older_than_the_house_keeps_them_go_by_themselves(built: Built) -> None:
    house = built.house(keep="30d")
    (number,) = out(house, "facebook")
    pass_time(house, DAY)
    measured(house, everything=True)
    pass_time(house, 20 * DAY)
    measured(house, everything=True)
    pass_time(house, 15 * DAY)
    with house.at_work() as work:
        work.tidy()
    assert len(sampled(house, number, "views")) == 1
    assert known(house, number).views


def test_the_daemon_measures_by_itself(built: Built) -> None:
    house = built.house()
    (number,) = out(house, "facebook")
    pass_time(house, HOUR)
    with house.at_work() as work:
        work.measure()
    assert known(house, number).views is not None
    assert isinstance(work, Work)
