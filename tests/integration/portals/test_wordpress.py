"""The preset for WordPress on a real MariaDB: exactly what the site shows to everybody, each place once."""

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
from tests.integration.portals.wordpress_site import ZERO, WordPress


@pytest.fixture
def site(cms: Cms) -> WordPress:
    return WordPress(cms)


def read(site: WordPress, **settings: Any) -> Reading:
    return read_portal(portal_config("kreativorte", site.settings | settings, Path("/nowhere")), START)


def only(site: WordPress, **settings: Any) -> Place:
    (place,) = read(site, **settings).places
    return place


def names(reading: Reading) -> set[str]:
    return {place.name for place in reading.places}


def test_a_place_comes_with_all_that_the_site_shows_of_it(in_each_mode: Cms) -> None:
    site = WordPress(in_each_mode)
    post = site.post(
        "Handwerk &amp; Hofcafé",
        post_name="handwerk-hofcafe",
        post_excerpt="Ein Hof mit <em>Café</em>.",
        post_content='<!-- wp:paragraph --><p>Holz &amp; Kuchen.</p><!-- /wp:paragraph -->[gallery ids="1"]',
    )
    site.meta(post, ort="Gardelegen", _ort="field_1", lat="52,5252", lon="11.3929", bildnachweis="Foto: Anna Muster")
    picture = site.picture(post, "2026/07/Garten im Frühling 50%.jpg")
    site.meta(picture, _wp_attachment_image_alt="Ein Garten mit Tulpen")
    site.term(post, "region", "Altmark")
    site.term(post, "kategorie", "Wohnen/Bauen")
    site.term(post, "kategorie", "Arbeiten, Wirtschaft")
    site.term(post, "kategorie", "Leben &amp; Tourismus")
    place = only(site)
    assert place == Place(
        portal="kreativorte",
        external_id=str(post),
        name="Handwerk & Hofcafé",
        url="https://kreativorte.example/orte/handwerk-hofcafe/",
        published_at=datetime(2026, 7, 1, 8, tzinfo=UTC),
        regions=("Altmark",),
        town="Gardelegen",
        categories=("Arbeiten, Wirtschaft", "Leben & Tourismus", "Wohnen/Bauen"),
        teaser="Ein Hof mit Café.",
        body="Holz & Kuchen.",
        pictures=place.pictures,
        lat=52.5252,
        lon=11.3929,
        updated_at=datetime(2026, 7, 1, 8, tzinfo=UTC),
    )
    (shown,) = place.pictures
    assert shown.url == "https://kreativorte.example/wp-content/uploads/2026/07/Garten%20im%20Fr%C3%BChling%2050%25.jpg"
    assert (shown.alt, shown.credit) == ("Ein Garten mit Tulpen", "Foto: Anna Muster")


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"post_password": "geheim"}, "password"),
        ({"post_status": "draft", "post_date_gmt": ZERO, "post_name": ""}, "draft"),
        ({"post_status": "draft"}, "draft"),
        ({"post_status": "pending"}, "draft"),
        ({"post_status": "auto-draft"}, "draft"),
        ({"post_status": "future", "post_date_gmt": "2027-01-01 08:00:00"}, "scheduled"),
        ({"post_status": "future", "post_date_gmt": "2026-01-01 08:00:00"}, "scheduled"),
        ({"post_status": "private"}, "private"),
        ({"post_status": "trash", "post_name": "ort__trashed"}, "trash"),
        ({"post_type": "page"}, "moved"),
        ({"post_type": "revision", "post_status": "inherit"}, "moved"),
    ],
)
def test_what_the_site_does_not_show_to_everybody_stays_out_and_its_reason_is_known(
    site: WordPress, columns: dict[str, str], why: str
) -> None:
    site.post("Sichtbar")
    hidden = site.post("Verborgen", **columns)
    config = portal_config("kreativorte", site.settings, Path("/nowhere"))
    reading = read_portal(config, START, {str(hidden): "", "999": ""})
    assert names(reading) == {"Sichtbar"}
    assert reading.rejected == ()
    assert reading.gone == {str(hidden): why, "999": "deleted"}


def test_doubled_meta_keys_do_not_double_the_place_and_the_lowest_number_counts(site: WordPress) -> None:
    post = site.post("Doppelte Felder")
    first = site.picture(post, "2026/erstes.jpg")
    site.meta(first, _wp_attachment_image_alt="erster Alt-Text")
    site.meta(first, _wp_attachment_image_alt="zweiter Alt-Text")
    site.picture(post, "2026/zweites.jpg")
    site.meta(post, ort="Stendal")
    site.meta(post, ort="Salzwedel")
    place = only(site)
    assert (place.town, [picture.alt for picture in place.pictures]) == ("Stendal", ["erster Alt-Text"])
    assert place.pictures[0].url.endswith("/2026/erstes.jpg")


def test_credits_come_from_the_post_else_the_picture_else_its_caption(site: WordPress) -> None:
    credits = {}
    for given in ("Beitrag", "Bild", "Bildunterschrift", ""):
        post = site.post(f"Ort {given}")
        picture = site.picture(post, "a.jpg", post_excerpt="" if given == "" else "Bildunterschrift")
        site.meta(post, bildnachweis="Beitrag" if given == "Beitrag" else "")
        if given in ("Beitrag", "Bild"):
            site.meta(picture, bildnachweis="Bild")
        credits[f"Ort {given}".strip()] = given
    assert {place.name: place.pictures[0].credit for place in read(site).places} == credits


@pytest.mark.parametrize(
    "change",
    [
        {"post_status": "trash"},
        {"post_type": "kreativort", "post_status": "publish", "post_title": "Anderer Ort"},
        {"post_mime_type": "application/pdf"},
    ],
)
def test_a_featured_image_that_is_none_is_no_picture(site: WordPress, change: dict[str, str]) -> None:
    post = site.post("Ort")
    site.update(site.picture(post, "a.jpg"), **change)
    assert next(place for place in read(site).places if place.name == "Ort").pictures == ()


def test_missing_attachments_and_files_leave_the_place_without_a_picture(site: WordPress) -> None:
    without_post = site.post("Ohne Anhang")
    site.meta(without_post, _thumbnail_id="4711")
    without_file = site.post("Ohne Datei")
    attachment = site.post("Bild", post_type="attachment", post_status="inherit", post_mime_type="image/png")
    site.meta(without_file, _thumbnail_id=str(attachment))
    garbled = site.post("Ohne Nummer")
    site.meta(garbled, _thumbnail_id="")
    assert {place.name: place.pictures for place in read(site).places} == {
        "Ohne Anhang": (),
        "Ohne Datei": (),
        "Ohne Nummer": (),
    }


def test_two_places_in_the_doubled_hour_keep_their_instants(site: WordPress) -> None:
    site.post("Sommer", post_date="2026-10-25 02:30:00", post_date_gmt="2026-10-25 00:30:00")
    site.post("Winter", post_date="2026-10-25 02:30:00", post_date_gmt="2026-10-25 01:30:00")
    instants = {place.name: place.published_at for place in read(site).places}
    assert instants == {
        "Sommer": datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        "Winter": datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    }


def test_an_imported_post_without_a_date_in_utc_counts_by_its_local_one(in_each_mode: Cms) -> None:
    site = WordPress(in_each_mode)
    site.post("Import", post_date="2026-08-01 00:15:00", post_date_gmt=ZERO, post_modified_gmt=ZERO)
    site.post("Ohne Datum", post_date=ZERO, post_date_gmt=ZERO)
    reading = read(site)
    assert [(place.name, place.published_at) for place in reading.places] == [
        ("Import", datetime(2026, 7, 31, 22, 15, tzinfo=UTC))
    ]
    assert [row.reason for row in reading.rejected] == ["row_without_date"]


def test_emoji_and_percent_encoded_slugs_come_as_they_are(site: WordPress) -> None:
    site.post("🌳 Baumhaus-Café", post_name="%f0%9f%8c%b3-baumhaus-cafe")
    place = only(site)
    assert (place.name, place.url) == (
        "🌳 Baumhaus-Café",
        "https://kreativorte.example/orte/%f0%9f%8c%b3-baumhaus-cafe/",
    )


def test_a_missing_teaser_is_the_text_before_more_else_the_first_paragraph(site: WordPress) -> None:
    site.post("Mehr", post_content="<p>Davor.</p><!--more--><p>Danach.</p>")
    site.post("Klassisch", post_content="Erster Absatz,\nweiter.\n\nZweiter Absatz.")
    assert {place.name: place.teaser for place in read(site).places} == {
        "Mehr": "Davor.",
        "Klassisch": "Erster Absatz,\nweiter.",
    }


def test_hashtags_in_a_serialized_meta_value_are_read_and_objects_are_not(site: WordPress) -> None:
    good, bad = site.post("Gut"), site.post("Böse")
    site.meta(good, hashtags='a:2:{i:0;s:21:"#KreativorteImGrünen";i:1;s:8:"#Altmark";}')
    site.meta(bad, hashtags='a:1:{i:0;O:8:"stdClass":0:{}}')
    found = {place.name: place.hashtags for place in read(site, meta={"hashtags": "hashtags"}).places}
    assert found["Gut"] == ("#KreativorteImGrünen", "#Altmark")
    assert found["Böse"] == ()


def test_many_and_long_terms_are_not_cut(site: WordPress) -> None:
    post = site.post("Ort")
    for number in range(40):
        site.term(post, "region", f"Region {number:02} {'x' * 100}")
    assert len(only(site).regions) == 40


def test_translations_by_polylang_stay_out(site: WordPress) -> None:
    german, english, untold = site.post("Mühle"), site.post("Mill"), site.post("Ohne Sprache")
    site.term(german, "language", "Deutsch", "de")
    site.term(english, "language", "English", "en")
    assert untold
    assert names(read(site)) == {"Mühle", "Ohne Sprache"}
    assert names(read(site, language="en")) == {"Mill", "Ohne Sprache"}


def test_translations_by_wpml_stay_out_once_it_is_named(site: WordPress) -> None:
    german, english = site.post("Mühle"), site.post("Mill")
    site.cms.run(
        "CREATE TABLE wp_icl_translations (element_type varchar(60), element_id bigint, language_code char(7))"
    )
    site.grant("icl_translations")
    for post, language in ((german, "de"), (english, "en")):
        site.cms.insert("wp_icl_translations", element_type="post_kreativort", element_id=post, language_code=language)
    assert names(read(site, wpml=True)) == {"Mühle"}


def test_a_site_of_a_network_has_a_prefix_of_its_own(cms: Cms) -> None:
    WordPress(cms).post("Hauptseite")
    second = WordPress(cms, "wp_2_")
    second.post("Zweite Seite")
    assert names(read(second, table_prefix="wp_2_")) == {"Zweite Seite"}


def test_addresses_uploads_taxonomies_and_meta_keys_are_options(site: WordPress) -> None:
    post = site.post("Ort", post_name="ort")
    site.picture(post, "a.jpg")
    site.meta(post, stadt="Tangermünde", ort="falsch")
    site.term(post, "gebiet", "Altmark")
    site.term(post, "post_tag", "Kunst")
    place = only(
        site,
        path="{slug}.html",
        uploads_url="https://cdn.example/bilder/",
        taxonomies={"regions": "gebiet", "categories": "", "hashtags": "post_tag"},
        meta={"town": "stadt"},
        fields={"handle_x": "'@kreativorte'"},
    )
    assert place.url == "https://kreativorte.example/ort.html"
    assert place.pictures[0].url == "https://cdn.example/bilder/a.jpg"
    assert (place.town, place.regions, place.categories, place.hashtags) == (
        "Tangermünde",
        ("Altmark",),
        (),
        ("Kunst",),
    )
    assert place.handle_x == "kreativorte"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"site_url": ""}, "site_url must be an http"),
        ({"site_url": "kreativorte.example"}, "site_url must be an http"),
        ({"table_prefix": "wp_; DROP TABLE x"}, "table_prefix may hold letters"),
        ({"taxonomies": ["region"]}, "taxonomies must be a table of texts"),
        ({"taxonomies": {"region": "region"}}, "'region' is unknown; did you mean 'regions'"),
        ({"posttype": "x"}, "'posttype' is unknown; did you mean 'post_type'"),
        ({"url": "postgresql://a@b/c"}, "reads MySQL or MariaDB, not postgresql"),
        ({"timezone": "Europa/Berlin"}, "is not a time zone"),
        ({"wpml": "yes"}, "wpml must be true or false"),
        ({"preset": "wordpres"}, "'wordpres' is unknown; did you mean 'wordpress'"),
    ],
)
def test_a_slip_in_the_block_is_named(change: dict[str, Any], sentence: str) -> None:
    block = {"preset": "wordpress", "url": "mysql+pymysql://leser:gehe1m@h/wp", "site_url": "https://a.example"}
    with pytest.raises(PortalMisconfigured, match=sentence) as error:
        portal_config("kreativorte", block | change, Path("/nowhere"))
    assert "gehe1m" not in str(error.value)


def test_the_account_needs_no_more_than_five_tables_and_can_not_write(site: WordPress) -> None:
    site.post("Ort")
    assert names(read(site)) == {"Ort"}
    with pytest.raises(PortalMisconfigured, match="denied"):
        read(site, fields={"town": "(SELECT user_pass FROM wp_users LIMIT 1)"})
