"""The preset for TYPO3 on a real MariaDB: exactly what the site shows to everybody, each place once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaign.places import Place, Reading
from campaign.portals.portal import PortalMisconfigured
from campaign.portals.presets import portal_config
from campaign.portals.sql import read_portal
from tests.conftest import START
from tests.integration.portals.mariadb import Cms
from tests.integration.portals.typo3_site import CATEGORIES, FOLDER, PUBLISHED, REGIONS, Typo3

NOW = int(START.timestamp())
DAY = 86_400


@pytest.fixture
def site(cms: Cms) -> Typo3:
    return Typo3(cms)


def read(site: Typo3, **settings: Any) -> Reading:
    return read_portal(portal_config("altmark", site.settings | settings, Path("/nowhere")), START)


def only(site: Typo3, **settings: Any) -> Place:
    (place,) = read(site, **settings).places
    return place


def names(reading: Reading) -> set[str]:
    return {place.name for place in reading.places}


def test_a_place_comes_with_all_that_the_site_shows_of_it(in_each_mode: Cms) -> None:
    site = Typo3(in_each_mode)
    news = site.news(
        "Handwerk &amp; Hofcafé 🐴",
        path_segment="handwerk-hofcafe",
        teaser="Ein Hof mit Café.",
        bodytext='<p>Holz, <a href="t3://page?uid=7">Kuchen</a>.</p>\r\n<p>Und mehr.</p>',
        tx_kreativorte_ort="Gardelegen",
        tx_kreativorte_lat="52,5252",
        tx_kreativorte_lon="11.3929",
    )
    site.category(news, "Altmark", REGIONS)
    land = site.record("sys_category", title="Sachsen-Anhalt", parent=REGIONS)
    site.category(news, "Altmarkkreis Salzwedel", land)
    site.category(news, "Wohnen/Bauen", CATEGORIES)
    site.category(news, "Arbeiten, Wirtschaft & Co", CATEGORIES)
    site.picture(news, site.file("/orte/Garten im Frühling 50%.jpg", alternative="Ein Garten", copyright="Anna Muster"))
    place = only(site)
    assert place == Place(
        portal="altmark",
        external_id=str(news),
        name="Handwerk & Hofcafé 🐴",
        url="https://www.altmark.example/orte/handwerk-hofcafe",
        published_at=datetime(2026, 7, 1, 8, tzinfo=UTC),
        regions=("Altmark", "Altmarkkreis Salzwedel"),
        town="Gardelegen",
        categories=("Arbeiten, Wirtschaft & Co", "Wohnen/Bauen"),
        teaser="Ein Hof mit Café.",
        body="Holz, Kuchen.\n\nUnd mehr.",
        pictures=place.pictures,
        lat=52.5252,
        lon=11.3929,
        updated_at=datetime(2026, 7, 1, 8, tzinfo=UTC),
    )
    (shown,) = place.pictures
    assert shown.url == "https://www.altmark.example/fileadmin/orte/Garten%20im%20Fr%C3%BChling%2050%25.jpg"
    assert (shown.alt, shown.credit) == ("Ein Garten", "Anna Muster")


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"deleted": 1}, "trash"),
        ({"hidden": 1}, "draft"),
        ({"starttime": NOW + DAY}, "scheduled"),
        ({"datetime": NOW + DAY}, "scheduled"),
        ({"endtime": NOW - DAY}, "expired"),
        ({"endtime": NOW}, "expired"),
        ({"fe_group": "-2"}, "private"),
        ({"fe_group": "3,5"}, "private"),
        ({"pid": 99}, "moved"),
        ({"sys_language_uid": 1, "l10n_parent": 101}, "hidden"),
        ({"t3ver_wsid": 1, "t3ver_oid": 101}, "hidden"),
        ({"t3ver_wsid": 2, "t3ver_state": 1}, "hidden"),
        ({"t3ver_oid": 101}, "hidden"),
        ({"type": "1"}, "hidden"),
        ({"type": "2"}, "hidden"),
    ],
)
def test_what_the_site_does_not_show_to_everybody_stays_out_and_its_reason_is_known(
    site: Typo3, columns: dict[str, Any], why: str
) -> None:
    site.cms.insert("pages", uid=99, title="Anderer Ordner")
    site.news("Sichtbar")
    hidden = site.news("Verborgen", **columns)
    config = portal_config("altmark", site.settings, Path("/nowhere"))
    reading = read_portal(config, START, {str(hidden): "", "9999": ""})
    assert names(reading) == {"Sichtbar"}
    assert reading.gone == {str(hidden): why, "9999": "deleted"}


@pytest.mark.parametrize(
    "columns",
    [
        {"fe_group": ""},
        {"fe_group": "-1"},
        {"sys_language_uid": -1},
        {"starttime": NOW - DAY, "endtime": NOW + DAY},
        {"archive": NOW - DAY},
    ],
)
def test_what_everybody_sees_is_in(site: Typo3, columns: dict[str, Any]) -> None:
    site.news("Sichtbar", **columns)
    assert names(read(site)) == {"Sichtbar"}


def test_house_rules_are_options(site: Typo3) -> None:
    site.cms.insert("pages", uid=14, title="Verborgener Ordner", hidden=1)
    site.cms.insert("pages", uid=15, title="Gelöschter Ordner", deleted=1)
    for title, columns in {
        "Zukunft": {"datetime": NOW + DAY},
        "Gruppe": {"fe_group": "7"},
        "Im verborgenen Ordner": {"pid": 14},
        "Im gelöschten Ordner": {"pid": 15},
    }.items():
        site.news(title, **columns)
    folders = [FOLDER, 14, 15]
    assert names(read(site, folders=folders)) == set()
    assert names(read(site, show_future=True)) == {"Zukunft"}
    assert names(read(site, fe_groups=["", "0", "-1", "7"])) == {"Gruppe"}
    assert names(read(site, folders=folders, hidden_folders=True)) == {"Im verborgenen Ordner"}


def test_a_record_without_a_slug_is_told(site: Typo3) -> None:
    site.news("Leer", path_segment="")
    site.news("Nichts", path_segment=None)
    assert [row.reason for row in read(site).rejected] == ["row_without_url"] * 2


def test_the_address_follows_the_site_s_pattern(site: Typo3) -> None:
    site.news("Ort", path_segment="hof")
    assert only(site, path="aktuell/orte/{slug}.html").url == "https://www.altmark.example/aktuell/orte/hof.html"
    expression = "CONCAT('https://www.altmark.example/?tx_news_pi1[news]=', n.uid)"
    assert "tx_news_pi1[news]=" in only(site, fields={"url": expression}).url


def test_the_first_shown_picture_counts(site: Typo3) -> None:
    news = site.news("Ort")
    files = {name: site.file(f"/{name}.jpg") for name in ("zweites", "erstes", "fremd", "weg", "fehlt", "entwurf")}
    site.cms.run(f"UPDATE sys_file SET missing = 1 WHERE uid = {files['fehlt']}")
    site.picture(news, files["zweites"], sorting_foreign=20)
    site.picture(news, files["fremd"], sorting_foreign=1, tablenames="tt_content")
    site.picture(news, files["fremd"], sorting_foreign=2, fieldname="fal_related_files")
    site.picture(news, files["weg"], sorting_foreign=3, deleted=1)
    site.picture(news, files["weg"], sorting_foreign=4, hidden=1)
    site.picture(news, files["fehlt"], sorting_foreign=5)
    site.picture(news, files["entwurf"], sorting_foreign=6, t3ver_wsid=1)
    site.picture(news, files["entwurf"], sorting_foreign=7, sys_language_uid=1)
    site.picture(news, files["erstes"], sorting_foreign=10)
    assert [picture.url for picture in only(site).pictures] == ["https://www.altmark.example/fileadmin/erstes.jpg"]


def test_an_alt_text_that_is_meant_to_be_empty_stays_empty(site: Typo3) -> None:
    inherits, empty = site.news("Erbt"), site.news("Leer")
    file = site.file("/a.jpg", alternative="Ein Hof")
    site.picture(inherits, file, alternative=None)
    site.picture(empty, file, alternative="")
    assert {place.name: place.pictures[0].alt for place in read(site).places} == {"Erbt": "Ein Hof", "Leer": ""}


def test_translated_and_drafted_metadata_do_not_count(site: Typo3) -> None:
    news = site.news("Ort")
    file = site.file("/a.jpg", alternative="Deutsch", creator="Anna")
    site.record("sys_file_metadata", file=file, alternative="English", sys_language_uid=1)
    site.picture(news, file)
    assert (only(site).pictures[0].alt, only(site).pictures[0].credit) == ("Deutsch", "Anna")


def test_without_the_extension_for_metadata_the_caption_is_the_credit(cms: Cms) -> None:
    site = Typo3(cms, filemetadata=False)
    site.picture(site.news("Ort"), site.file("/a.jpg"), description="Foto: Anna")
    with pytest.raises(PortalMisconfigured, match="field 'image_credit'"):
        read(site)
    assert only(site, filemetadata=False).pictures[0].credit == "Foto: Anna"


def test_categories_that_are_hidden_elsewhere_or_another_table_s_do_not_count(site: Typo3) -> None:
    news = site.news("Ort")
    site.category(news, "Altmark", REGIONS)
    site.category(news, "Versteckt", REGIONS, hidden=1)
    site.category(news, "Gelöscht", REGIONS, deleted=1)
    site.category(news, "Abgelaufen", REGIONS, endtime=NOW - DAY)
    site.category(news, "English", REGIONS, sys_language_uid=1)
    site.category(news, "Woanders", 77)
    elsewhere = site.record("sys_category", title="Seitenkategorie", parent=REGIONS)
    site.relate(news, elsewhere, table="pages")
    assert (only(site).regions, only(site).categories) == (("Altmark",), ())


def test_without_roots_a_place_has_no_regions(site: Typo3) -> None:
    site.category(site.news("Ort"), "Altmark", REGIONS)
    settings = {key: value for key, value in site.settings.items() if not key.endswith("_root")}
    place = read_portal(portal_config("altmark", settings, Path("/nowhere")), START).places[0]
    assert (place.regions, place.categories) == ((), ())


def test_a_record_goes_live_at_the_later_of_its_dates(site: Typo3) -> None:
    site.news("Später sichtbar", starttime=PUBLISHED + DAY)
    site.news("Ohne Datum", datetime=0)
    instants = {place.name: place.published_at for place in read(site).places}
    assert instants == {
        "Später sichtbar": datetime(2026, 7, 2, 8, tzinfo=UTC),
        "Ohne Datum": datetime(2026, 7, 1, 8, tzinfo=UTC),
    }


def test_the_passing_of_time_is_seen_without_any_change_in_the_database(site: Typo3) -> None:
    site.news("Ab morgen", starttime=NOW + DAY)
    site.news("Bis morgen", endtime=NOW + DAY)
    config = portal_config("altmark", site.settings, Path("/nowhere"))
    assert names(read_portal(config, START)) == {"Bis morgen"}
    assert names(read_portal(config, datetime.fromtimestamp(NOW + 2 * DAY, UTC))) == {"Ab morgen"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"folders": []}, "folders is missing"),
        ({"folders": "12"}, "folders must be a list of numbers"),
        ({"region_root": "3"}, "region_root must be a number"),
        ({"site_url": ""}, "site_url must be an http"),
        ({"columns": {"town": "ort; DROP"}}, "columns.town may hold letters"),
        ({"columns": {"stadt": "ort"}}, "'stadt' is unknown"),
        ({"fe_groups": []}, "fe_groups must be a list of texts"),
        ({"folder": [1]}, "'folder' is unknown; did you mean 'folders'"),
        ({"url": "sqlite:///x.db"}, "reads MySQL or MariaDB, not sqlite"),
    ],
)
def test_a_slip_in_the_block_is_named(change: dict[str, Any], sentence: str) -> None:
    block = {"preset": "typo3", "url": "mysql+pymysql://a:b@h/t3", "site_url": "https://a.example", "folders": [1]}
    with pytest.raises(PortalMisconfigured, match=sentence):
        portal_config("altmark", block | change, Path("/nowhere"))


def test_a_column_that_is_not_there_is_named_with_its_field(site: Typo3) -> None:
    site.news("Ort")
    with pytest.raises(PortalMisconfigured, match=r"field 'town': Unknown column 'n\.tx_ort'"):
        read(site, columns={"town": "tx_ort"})
