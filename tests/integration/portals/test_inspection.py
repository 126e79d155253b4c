"""What `doctor` sees of a portal, and what `portal guess` proposes: on the databases that administrators have."""

from __future__ import annotations

import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from campaign.portals.guess import guess
from campaign.portals.inspection import Observation, inspect
from campaign.portals.presets import portal_config
from campaign.portals.sql import read_portal
from tests.conftest import START
from tests.integration.portals.mariadb import PASSWORD, Cms
from tests.integration.portals.typo3_site import CATEGORIES, REGIONS, Typo3
from tests.integration.portals.wordpress_site import ZERO, WordPress


def complete(site: WordPress, title: str = "Weberei") -> int:
    post = site.post(title)
    site.meta(post, ort="Gardelegen", lat="52.5", lon="11.4", bildnachweis="Foto: Anna")
    site.term(post, "region", "Altmark")
    site.term(post, "kategorie", "Wohnen/Bauen")
    picture = site.picture(post, "2026/hof.jpg", guid="https://kreativorte.example/wp-content/uploads/2026/hof.jpg")
    site.meta(picture, _wp_attachment_image_alt="Ein Hof")
    return post


def seen(site: WordPress | Typo3, **settings: Any) -> dict[str, Observation]:
    config = portal_config("kreativorte", site.settings | settings, Path("/nowhere"))
    return {one.word: one for one in inspect(config, START)}


@pytest.fixture
def site(cms: Cms) -> WordPress:
    return WordPress(cms)


def test_of_a_sound_portal_the_first_place_is_shown_as_it_would_come(site: WordPress) -> None:
    complete(site)
    found = seen(site)
    assert set(found) == {"portal_first_place"}
    details = found["portal_first_place"].details
    assert details[0] == "Weberei"
    assert details[3:6] == ("Altmark", "Gardelegen", "Wohnen/Bauen")
    assert details[7:] == ("Ein Hof", "Foto: Anna")


def test_a_wrong_prefix_is_told_with_those_that_are_there(site: WordPress) -> None:
    found = seen(site, table_prefix="wp_3_")["portal_tables_unseen"]
    assert (found.ok, found.details[1]) == (False, "wp_")
    assert "wp_3_posts" in str(found.details[0])


def test_a_missing_right_is_told_with_its_table(site: WordPress) -> None:
    site.cms.run(f"REVOKE SELECT ON {site.cms.name}.wp_terms FROM leser@localhost")
    assert seen(site)["portal_tables_unseen"].details[0] == "wp_terms"


def test_an_account_that_may_write_is_told(site: WordPress) -> None:
    complete(site)
    site.cms.run(f"GRANT INSERT, DELETE ON {site.cms.name}.wp_posts TO leser@localhost")
    try:
        assert seen(site)["portal_may_write"].details == ("DELETE, INSERT",)
    finally:
        site.cms.run(f"REVOKE INSERT, DELETE ON {site.cms.name}.wp_posts FROM leser@localhost")


def test_why_nothing_comes_is_told(site: WordPress) -> None:
    assert seen(site)["wordpress_no_such_type"].details == ("kreativort", "")
    site.post("Seite", post_type="page")
    assert seen(site)["wordpress_no_such_type"].details == ("kreativort", "page")
    site.post("Entwurf", post_status="draft")
    assert seen(site)["wordpress_none_published"].details == ("kreativort", "1 draft")
    assert "portal_empty" not in seen(site)
    site.post("Geschützt", post_password="x")
    assert seen(site)["portal_empty"].ok is False


def test_names_that_nothing_knows_are_told_with_their_likes(site: WordPress) -> None:
    complete(site)
    found = seen(site, taxonomies={"regions": "regionen"}, meta={"town": "orte"})
    assert found["wordpress_taxonomy_unknown"].details == ("regions", "regionen", "region")
    assert found["wordpress_meta_unknown"].details == ("town", "orte", "ort")
    assert found["portal_without_region"].details == (1, 1)


def test_local_dates_and_translations_by_wpml_are_told(site: WordPress) -> None:
    site.update(complete(site), post_date_gmt=ZERO)
    site.cms.run(
        "CREATE TABLE wp_icl_translations (element_type varchar(60), element_id bigint, language_code char(7))"
    )
    site.grant("icl_translations")
    found = seen(site)
    assert found["wordpress_local_dates"].details == (1, "Europe/Berlin")
    assert "wordpress_wpml_found" in found
    assert "wordpress_wpml_found" not in seen(site, wpml=True)


def test_what_would_be_held_or_go_nowhere_is_counted(site: WordPress) -> None:
    complete(site)
    post = site.post("Ohne alles")
    site.picture(post, "a.jpg")
    site.post("Ohne Adresse", post_name="", post_date_gmt=ZERO, post_date=ZERO)
    found = seen(site)
    assert found["portal_without_region"].details == (1, 2)
    assert found["portal_without_alt"].details == (1, 2)
    assert found["portal_without_credit"].details == (1, 2)
    assert found["portal_rows_rejected"].details[:2] == (1, 3)


def test_a_portal_that_is_down_is_one_observation() -> None:
    settings = {
        "preset": "wordpress",
        "url": "mysql+pymysql://leser:gehe1m@127.0.0.1:1/wp",
        "site_url": "https://a.example",
    }
    (found,) = inspect(portal_config("kreativorte", settings, Path("/nowhere")), START)
    assert (found.ok, found.word) == (False, "portal_trouble")
    assert PASSWORD not in str(found.details)


def test_of_typo3_folders_roots_and_missing_columns_are_told(cms: Cms) -> None:
    site = Typo3(cms, filemetadata=False)
    site.category(site.news("Mühle"), "Altmark", REGIONS)
    assert "copyright" in str(seen(site)["portal_trouble"].details)
    found = seen(site, filemetadata=False, folders=[13], region_root=77)
    assert found["typo3_no_such_folder"].details == ("13", "12")
    assert found["typo3_none_visible"].details == ("13", 0)
    assert found["typo3_root_empty"].details[:2] in (("region_root", 77), ("category_root", CATEGORIES))
    assert "portal_first_place" in seen(site, filemetadata=False)


# --- guessing


def proposed(block: str, url: str) -> dict[str, Any]:
    """The proposal as it would stand in the configuration, the password entered."""
    assert PASSWORD not in block
    table: dict[str, Any] = tomllib.loads(block)["portals"]["portal"]
    return table | {"url": url}


def test_a_wordpress_is_recognised_and_its_proposal_works(site: WordPress) -> None:
    complete(site)
    found = guess(site.cms.url)
    block = proposed(found.block, site.cms.url)
    assert (found.kind, block["post_type"], block["site_url"]) == (
        "wordpress",
        "kreativort",
        "https://kreativorte.example",
    )
    place = read_portal(portal_config("portal", block | {"path": "orte"}, Path("/nowhere")), START).places[0]
    assert (place.regions, place.town, place.categories) == (("Altmark",), "Gardelegen", ("Wohnen/Bauen",))
    assert place.pictures[0].credit == "Foto: Anna"


def test_of_several_sites_the_one_with_places_is_proposed(cms: Cms) -> None:
    WordPress(cms).post("Seite", post_type="page")
    second = WordPress(cms, "wp_2_")
    second.post("Weberei", guid="https://kreativorte.example/unterseite/?post_type=kreativort&p=1")
    block = proposed(guess(cms.url).block, cms.url)
    assert (block["table_prefix"], block["site_url"]) == ("wp_2_", "https://kreativorte.example/unterseite")


def test_meta_keys_and_taxonomies_of_other_names_are_proposed(site: WordPress) -> None:
    post = site.post("Weberei")
    site.meta(post, gemeinde="Gardelegen", breitengrad="52", geo_lng="11", fotograf="Anna", _fotograf="field_1")
    site.term(post, "landkreis", "Altmarkkreis")
    block = proposed(guess(site.cms.url).block, site.cms.url)
    assert block["taxonomies"] == {"regions": "landkreis"}
    assert block["meta"] == {"town": "gemeinde", "lat": "breitengrad", "lon": "geo_lng", "image_credit": "fotograf"}


def test_a_typo3_is_recognised_and_its_proposal_works(cms: Cms) -> None:
    site = Typo3(cms, filemetadata=False)
    news = site.news("Mühle", tx_kreativorte_ort="Arneburg")
    site.category(news, "Altmark", REGIONS)
    site.category(news, "Wohnen", CATEGORIES)
    found = guess(cms.url)
    block = proposed(found.block, cms.url)
    assert (found.kind, block["folders"], block["region_root"], block["category_root"]) == ("typo3", [12], REGIONS, 9)
    place = read_portal(portal_config("portal", block, Path("/nowhere")), START).places[0]
    assert (place.town, place.regions, place.categories) == ("Arneburg", ("Altmark",), ("Wohnen",))


def test_of_other_databases_the_likeliest_table_is_proposed(tmp_path: Path) -> None:
    file = tmp_path / "portal.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE besuche (id, zeit)")
        connection.execute("CREATE TABLE orte (nummer, titel, slug, landkreis, gemeinde, veroeffentlicht)")
        connection.execute("INSERT INTO orte VALUES (1, 'Weberei', 'weberei', 'Altmark', 'Gardelegen', '2026-11-20')")
    url = f"sqlite:///{file}"
    found = guess(url)
    block = proposed(found.block, url)
    assert (found.kind, block["table"]) == ("tables", "orte")
    place = read_portal(portal_config("portal", block, tmp_path), START).places[0]
    assert (place.name, place.url, place.town) == ("Weberei", "https://www.example.org/orte/weberei/", "Gardelegen")


def test_a_database_without_places_is_not_guessed_at(tmp_path: Path) -> None:
    file = tmp_path / "leer.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE besuche (id, zeit)")
    assert guess(f"sqlite:///{file}").kind == "nothing"
