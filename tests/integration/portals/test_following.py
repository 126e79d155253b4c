"""What a portal shows, followed to the calendar: nothing slips by a timestamp, nothing floods, nothing is doubled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.conftest import START
from tests.integration.harness import House, Networks
from tests.integration.portals.mariadb import Cms, new_database
from tests.integration.portals.typo3_site import REGIONS, Typo3
from tests.integration.portals.wordpress_site import WordPress

CAMPAIGN = """
name = "altmark"
title = "Kreativorte der Altmark"
starts = 2026-11-01
ends = 2027-06-30
announce_published_from = 2026-11-01
regions = ["Altmark"]
channels = ["facebook-1001"]
approval = "none"
[[steps]]
name = "vorstellung"
template = "vorstellung"
after = "0d"
[rhythm]
slots = ["Mon 10:00", "Tue 10:00", "Wed 10:00", "Thu 10:00", "Fri 10:00"]
"""
RECENT = {"post_date": "2026-11-20 10:00:00", "post_date_gmt": "2026-11-20 09:00:00"}


@dataclass
class Region:
    """A WordPress portal and the campaign that announces its places."""

    site: WordPress
    house: House

    def pull(self, **options: Any) -> dict[str, Any]:
        """One poll and one planning; the poll's figures."""
        pulled = self.house.app.pull(**options)
        self.house.app.plan()
        return pulled[0].to_json("de")

    def place(self, title: str, **columns: Any) -> int:
        """A complete place in the Altmark, published some days ago."""
        post = self.site.post(title, post_excerpt="Hier wird gewebt.", **RECENT | columns)
        self.site.meta(post, ort=f"Dorf {post}", bildnachweis="Foto: Anna Muster")
        self.site.term(post, "region", "Altmark")
        picture = self.site.picture(post, "2026/hof.jpg")
        self.site.meta(picture, _wp_attachment_image_alt="Ein Hof")
        return post

    def planned(self) -> dict[str, dict[str, Any]]:
        """The calendar by place."""
        return {one["place_name"]: one for one in self.house.app.announcements() if one["place_name"]}


@pytest.fixture
def networks() -> Iterator[Networks]:
    with Server() as server:
        yield Networks(server)


@pytest.fixture
def region(cms: Cms, tmp_path: Path, networks: Networks, clock: ManualClock) -> Iterator[Region]:
    site = WordPress(cms)
    house = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", networks, clock, portals={"kreativorte": site.settings})
    house.channel("facebook")
    house.app.apply_campaign(CAMPAIGN)
    yield Region(site, house)
    house.app.close()


def test_what_no_timestamp_shows_is_noticed_at_the_next_poll(region: Region) -> None:
    post = region.place("Weberei")
    region.pull()
    before = region.planned()["Weberei"]
    cms, prefix = region.site.cms, region.site.prefix
    cms.run(f"UPDATE {prefix}terms SET name = 'Altmark &amp; Elbe' WHERE name = 'Altmark'")
    assert region.pull()["changed"] == 1
    cms.run(f"UPDATE {prefix}terms SET name = 'Altmark' WHERE name = 'Altmark &amp; Elbe'")
    assert region.pull()["changed"] == 1
    cms.run(f"UPDATE {prefix}postmeta SET meta_value = 'Ein Hof mit Webstuhl' WHERE meta_value = 'Ein Hof'")
    assert region.pull()["changed"] == 1
    cms.run(f"UPDATE {prefix}postmeta SET meta_value = '2026/weberei.jpg' WHERE meta_value = '2026/hof.jpg'")
    assert region.pull()["changed"] == 1
    (image,) = region.planned()["Weberei"]["images"]
    assert (image["file"].rsplit("/", 1)[-1], image["alt"]) == ("weberei.jpg", "Ein Hof mit Webstuhl")
    assert region.planned()["Weberei"]["id"] == before["id"]
    assert region.pull() | {"portal": ""} == {
        "portal": "",
        "seen": 1,
        "new": 0,
        "changed": 0,
        "unchanged": 1,
        "withdrawn": 0,
        "returned": 0,
        "held": 0,
        "merged": [],
        "rejected": [],
        "stopped": None,
        "problem": None,
    }
    assert post


def test_a_scheduled_post_that_goes_live_is_new_whatever_its_dates_say(region: Region) -> None:
    region.place("Weberei")
    region.pull()
    waiting = region.place("Mühle", post_status="future", post_date_gmt="2026-11-23 09:00:00")
    assert region.pull()["new"] == 0
    region.site.update(waiting, post_status="publish")
    assert region.pull()["new"] == 1
    assert "Mühle" in region.planned()


def test_an_untouched_announcement_is_filled_anew_an_edited_one_is_flagged(region: Region) -> None:
    untouched, edited = region.place("Weberei"), region.place("Mühle")
    region.pull()
    own = region.planned()["Mühle"]["id"]
    region.house.app.edit(own, text="Von Hand: #Mühle Foto: Anna Muster", link=None, image=None, no_image=False)
    for post in (untouched, edited):
        region.site.update(post, post_excerpt="Hier wird gefärbt.")
    assert region.pull()["changed"] == 2
    planned = region.planned()
    assert "gefärbt" in planned["Weberei"]["text"]
    assert planned["Mühle"]["text"].startswith("Von Hand")
    assert any("geändert" in problem for problem in planned["Mühle"]["problems"])


def test_a_place_that_is_taken_out_is_believed_gone_after_two_polls_with_its_reason(region: Region) -> None:
    gone = region.place("Weberei")
    for number in range(3):
        region.place(f"Hof {number}")
    region.pull()
    region.site.update(gone, post_status="draft")
    assert region.pull()["withdrawn"] == 0
    assert region.planned()["Weberei"]["state"] == "approved"
    assert region.pull()["withdrawn"] == 1
    assert region.planned()["Weberei"]["state"] == "cancelled"
    (place,) = [one for one in region.house.app.places() if one["name"] == "Weberei"]
    assert (place["withdrawn"], place["gone"]) == (True, "draft")
    region.site.update(gone, post_status="publish")
    figures = region.pull()
    assert (figures["returned"], figures["new"]) == (1, 0)
    assert [one["gone"] for one in region.house.app.places()] == [None] * 4


def test_of_what_is_out_staff_are_told_when_its_place_changes_or_goes(region: Region, clock: ManualClock) -> None:
    changed, gone = region.place("Weberei"), region.place("Mühle")
    for post in (changed, gone):
        region.site.cms.run(f"DELETE FROM wp_postmeta WHERE post_id = {post} AND meta_key = '_thumbnail_id'")
    region.pull()
    with region.house.at_work() as work:
        while any(one["state"] != "posted" for one in region.planned().values()):
            clock.advance(3600)
            work.deliver()
            assert clock.now() < START + timedelta(days=14)
    region.site.update(changed, post_title="Alte Weberei")
    region.site.update(gone, post_status="trash")
    region.pull()
    region.pull()
    told = {one["place_name"]: one["problems"] for one in region.planned().values()}
    assert any("seit dieser Beitrag erschien" in problem for problem in told["Alte Weberei"])
    assert any("nicht mehr veröffentlicht" in problem for problem in told["Mühle"])
    events = [entry["event"] for entry in region.house.app.log_entries()]
    assert (events.count("posted_place_changed"), events.count("place_withdrawn")) == (1, 1)
    region.pull()
    assert [entry["event"] for entry in region.house.app.log_entries()].count("posted_place_changed") == 1


def test_the_first_pull_of_an_old_portal_announces_only_what_the_campaign_admits(region: Region) -> None:
    for number in range(120):
        date = {"post_date": "2024-03-01 10:00:00", "post_date_gmt": "2024-03-01 09:00:00"}
        region.place(f"Alter Hof {number}", **date)
    region.place("Neue Weberei")
    figures = region.pull()
    assert (figures["new"], figures["held"], figures["stopped"]) == (121, 0, None)
    assert set(region.planned()) == {"Neue Weberei"}


def test_a_burst_is_held_and_a_loss_stops_until_a_person_accepts(region: Region) -> None:
    posts = [region.place(f"Hof {number}") for number in range(4)]
    region.pull()
    posts += [region.place(f"Mühle {number}") for number in range(12)]
    figures = region.pull()
    assert (figures["held"], figures["new"], len(region.planned())) == (12, 0, 4)
    assert region.pull()["held"] == 12
    assert region.pull(accept=True)["new"] == 12
    assert len(region.planned()) == 16
    region.site.cms.run("UPDATE wp_posts SET post_status = 'draft' WHERE post_title LIKE 'Mühle%'")
    for _ in range(3):
        assert region.pull()["stopped"]
    assert all(one["state"] == "approved" for one in region.planned().values())
    assert region.pull(accept=True)["withdrawn"] == 12
    assert sum(one["state"] == "cancelled" for one in region.planned().values()) == 12


def test_a_place_that_was_created_anew_is_not_news(region: Region) -> None:
    first = region.place("Weberei")
    region.pull()
    again = region.place("Weberei", post_status="publish")
    region.site.cms.run(
        f"UPDATE wp_postmeta SET meta_value = 'Dorf {first}' WHERE post_id = {again} AND meta_key = 'ort'"
    )
    assert region.pull()["held"] == 1
    assert len(region.planned()) == 1


def test_a_pull_that_was_cut_off_before_the_calendar_followed_is_made_up_for(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = region.place("Weberei")
    for number in range(3):
        region.place(f"Hof {number}")
    region.pull()
    region.site.update(gone, post_status="trash")
    region.pull()
    with monkeypatch.context() as patch:
        patch.setattr("campaign.planning.follow_places", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            region.house.app.pull()
    assert region.planned()["Weberei"]["state"] == "approved"
    region.house.app.plan()
    assert region.planned()["Weberei"]["state"] == "cancelled"


# --- two portals


@pytest.fixture
def partner(mariadb: str, region: Region) -> Typo3:
    """A second portal with other regions, on TYPO3."""
    site = Typo3(new_database(mariadb))
    region.house._raw["portals"]["zukunftsorte"] = site.settings
    region.house.app = region.house.another_app()
    return site


def listed(site: Typo3, title: str, town: str, **columns: Any) -> int:
    when = int(datetime(2026, 11, 21, 9, tzinfo=UTC).timestamp())
    news = site.news(title, tx_kreativorte_ort=town, datetime=when, teaser="Hier wird gewebt.", **columns)
    site.category(news, "Altmark", REGIONS)
    return news


def test_a_place_in_two_portals_is_announced_once_and_staff_see_it(region: Region, partner: Typo3) -> None:
    post = region.place("Alte Weberei e. V.")
    region.site.cms.run("UPDATE wp_postmeta SET meta_value = 'Hansestadt Gardelegen' WHERE meta_key = 'ort'")
    listed(partner, "Alte Weberei", "Gardelegen")
    listed(partner, "Mühle", "Arneburg")
    first, second = (one.to_json("de") for one in region.house.app.pull())
    region.house.app.plan()
    assert (first["merged"], second["merged"]) == ([], [{"name": "Alte Weberei", "listed_in": "kreativorte"}])
    assert set(region.planned()) == {"Alte Weberei e. V.", "Mühle"}
    by_name = {one["name"]: one for one in region.house.app.places()}
    assert by_name["Alte Weberei"]["same_as"] == by_name["Alte Weberei e. V."]["id"]
    assert by_name["Mühle"]["same_as"] is None
    assert post


def test_a_campaign_for_the_partner_s_portal_announces_a_place_that_both_list(region: Region, partner: Typo3) -> None:
    region.house.app.apply_campaign(CAMPAIGN.replace('regions = ["Altmark"]', 'portals = ["zukunftsorte"]'))
    region.place("Weberei")
    region.site.cms.run("UPDATE wp_postmeta SET meta_value = 'Gardelegen' WHERE meta_key = 'ort'")
    listed(partner, "Weberei", "Gardelegen")
    region.pull()
    assert set(region.planned()) == {"Weberei"}


def test_when_the_first_listing_goes_before_it_was_announced_the_other_stands_in(
    region: Region, partner: Typo3
) -> None:
    post = region.place("Weberei")
    for number in range(3):
        region.place(f"Hof {number}")
    region.site.cms.run(f"UPDATE wp_postmeta SET meta_value = 'Gardelegen' WHERE post_id = {post} AND meta_key = 'ort'")
    listed(partner, "Weberei", "Gardelegen")
    region.pull()
    region.site.update(post, post_status="trash")
    region.pull()
    region.pull()
    links = {one["link"]: one["state"] for one in region.house.app.announcements() if one["place_name"] == "Weberei"}
    assert [state for link, state in links.items() if "kreativorte.example" in link] == ["cancelled"]
    assert [state for link, state in links.items() if "altmark.example" in link] != []
    assert "place_stands_in" in [entry["event"] for entry in region.house.app.log_entries()]


def test_a_second_listing_never_announces_again_what_is_out(region: Region, partner: Typo3, clock: ManualClock) -> None:
    post = region.place("Weberei")
    region.site.cms.run(
        f"DELETE FROM wp_postmeta WHERE post_id = {post} AND meta_key = '_thumbnail_id'",
        "UPDATE wp_postmeta SET meta_value = 'Gardelegen' WHERE meta_key = 'ort'",
    )
    for number in range(3):
        region.place(f"Hof {number}")
    listed(partner, "Weberei", "Gardelegen")
    region.pull()
    with region.house.at_work() as work:
        while region.planned()["Weberei"]["state"] != "posted":
            clock.advance(3600)
            work.deliver()
            assert clock.now() < START + timedelta(days=14)
    region.site.update(post, post_status="trash")
    for _ in range(3):
        region.pull()
    of_it = [one for one in region.house.app.announcements() if one["place_name"] == "Weberei"]
    assert [one["state"] for one in of_it] == ["posted"]


def test_a_planned_second_listing_that_turns_out_to_be_one_is_cancelled(region: Region, partner: Typo3) -> None:
    region.place("Weberei")
    region.site.cms.run("UPDATE wp_postmeta SET meta_value = 'Gardelegen' WHERE meta_key = 'ort'")
    news = listed(partner, "Wäberei", "Gardelegen")
    region.pull()
    assert set(region.planned()) == {"Weberei", "Wäberei"}
    partner.update("tx_news_domain_model_news", news, title="Weberei")
    region.house.app.pull()
    region.house.app.plan()
    states = {one["link"]: one["state"] for one in region.house.app.announcements() if one["place_name"] == "Weberei"}
    assert sorted(states.values()) == ["approved", "cancelled"]
    assert next(state for link, state in states.items() if "altmark" in link) == "cancelled"


def test_a_listing_that_was_announced_already_is_not_made_another_s(
    region: Region, partner: Typo3, clock: ManualClock
) -> None:
    news = listed(partner, "Wäberei", "Gardelegen")
    region.pull()
    with region.house.at_work() as work:
        while region.planned()["Wäberei"]["state"] != "posted":
            clock.advance(3600)
            work.deliver()
            assert clock.now() < START + timedelta(days=14)
    region.place("Weberei")
    region.site.cms.run("UPDATE wp_postmeta SET meta_value = 'Gardelegen' WHERE meta_key = 'ort'")
    region.pull()
    partner.update("tx_news_domain_model_news", news, title="Weberei")
    region.pull()
    assert [one["same_as"] for one in region.house.app.places()] == [None, None]
