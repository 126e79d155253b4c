"""The demonstration's portal: what it holds, that it is the same each time, and that its pictures are awkward."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from campaign.campaigns import read_campaign
from campaign.demo.draw import draw_landscape
from campaign.demo.portal import CAMPAIGNS, FIELDS, PICTURES, build_portal, campaign_file
from campaign.places import Place
from campaign.portals.presets import portal_config
from campaign.portals.sql import read_portal

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_portal(tmp_path_factory.mktemp("demo"), NOW)


@pytest.fixture(scope="module")
def places(database: Path) -> tuple[Place, ...]:
    table = {"url": f"sqlite:///{database}", "table": "orte", "fields": FIELDS, "image_root": PICTURES}
    reading = read_portal(portal_config("demo", table, database.parent), NOW)
    assert reading.rejected == ()
    return reading.places


def test_all_places_are_there_and_the_newest_is_some_days_old(places: tuple[Place, ...]) -> None:
    assert len(places) == 34
    newest = max(place.published_at for place in places if not place.withdrawn)
    assert timedelta(0) < NOW - newest < timedelta(days=8)


def test_scheduled_and_unpublished_places_are_not_shown(places: tuple[Place, ...]) -> None:
    assert {place.external_id for place in places if place.withdrawn} == {"12", "23"}


def test_partner_places_have_their_pages_at_the_partner(places: tuple[Place, ...]) -> None:
    hosts = {place.regions[0]: place.url.split("/")[2] for place in places}
    assert hosts["Brandenburg"] == "zukunftsorte.org"
    assert hosts["Altmark"] == "kreativorte-im-gruenen.de"


def test_every_place_but_one_has_a_picture_with_alt_text_and_credit(places: tuple[Place, ...], database: Path) -> None:
    without = [place.name for place in places if not place.pictures]
    assert without == ["Quartiershof Dessau"]
    for place in places:
        for picture in place.pictures:
            assert picture.alt and picture.credit
            with Image.open(database.parent / PICTURES / picture.url) as image:
                image.verify()


def test_pictures_are_as_awkward_as_editors_make_them(database: Path) -> None:
    folder = database.parent / PICTURES
    formats = {Image.open(file).format for file in folder.iterdir()}
    assert formats == {"JPEG", "PNG", "WEBP"}
    with Image.open(folder / "buergermeisterhof-salzwedel.jpg") as taken:
        assert taken.getexif().get_ifd(0x8825)[2] == (52, 51, 14)
    with Image.open(folder / "oekodorf-sieben-linden.jpg") as huge:
        assert huge.width > 6000
    with Image.open(folder / "gut-zichtau.jpg") as printed:
        assert printed.mode == "CMYK"
    with Image.open(folder / "landhof-neulingen.jpg") as upright:
        assert upright.height > upright.width and upright.getexif()[0x0112] == 6


def test_building_again_replaces_the_portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaign.demo.portal._write_picture", lambda place, file: None)
    first = build_portal(tmp_path, NOW).read_bytes()
    later = build_portal(tmp_path, NOW + timedelta(days=10))
    assert later.read_bytes() != first
    with sqlite3.connect(later) as connection:
        assert connection.execute("SELECT count(*) FROM orte").fetchone() == (34,)
    connection.close()


def test_an_instant_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        build_portal(tmp_path, datetime(2027, 3, 1))


def test_a_place_always_looks_the_same_and_no_two_alike() -> None:
    once, again = (draw_landscape("gut-zichtau", "Altmark", (300, 200)) for _ in range(2))
    other = draw_landscape("hof-praedikow", "Brandenburg", (300, 200))
    assert once.tobytes() == again.tobytes()
    assert once.tobytes() != other.tobytes()


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (300, 300), (1200, 300)])
def test_every_format_is_filled_with_a_picture(size: tuple[int, int]) -> None:
    picture = draw_landscape("eva", "Anhalt-Dessau-Wittenberg", size)
    assert picture.size == size
    bottom = picture.crop((0, size[1] - 4, size[0], size[1]))
    assert min(ImageStat.Stat(bottom).mean) > 20, "the lower edge must be meadow, not the canvas' black"


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_the_campaigns_run_at_that_time(name: str) -> None:
    campaign = read_campaign(campaign_file(name, NOW))
    assert campaign.starts < NOW.date() < campaign.ends
    assert [step.name for step in campaign.steps] == ["vorstellung", "nachklang"]
    assert [call.name for call in campaign.calls] == ["aufruf"]


def test_the_campaigns_announce_enough_places(places: tuple[Place, ...]) -> None:
    for name, at_least in zip(CAMPAIGNS, (12, 6), strict=True):
        campaign = read_campaign(campaign_file(name, NOW))
        chosen = [
            place
            for place in places
            if not place.withdrawn
            and place.published_at.date() >= campaign.announce_published_from
            and (not campaign.regions or set(campaign.regions) & set(place.regions))
        ]
        assert len(chosen) >= at_least
