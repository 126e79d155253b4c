"""An unchanged poll of a large WordPress portal beside its bare query."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from campaign import pulling
from campaign.db import Database, upgrade
from campaign.portals.presets import portal_config
from campaign.portals.sql import at, open_read_only, statement
from tests.benchmarks.side_by_side import Comparison, ratios
from tests.conftest import START
from tests.integration.portals.mariadb import Cms, new_database, running_server, server_binary
from tests.integration.portals.wordpress_site import WordPress

PLACES, META = 5_000, 18
TEXT = "<!-- wp:paragraph --><p>Der Hof lädt ein: Werkstatt, Café und Garten.</p><!-- /wp:paragraph -->\n" * 25


def unchanged_poll(quick: bool) -> Iterator[Comparison]:
    """5,000 places with 90,000 meta rows; nothing where no MariaDB server is installed."""
    binary = server_binary()
    if binary is None:
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as name, running_server(binary, Path(name)) as socket:
        site = WordPress(new_database(socket))
        fill(site)
        config = portal_config("kreativorte", site.settings, Path(name))
        database = Database(f"sqlite:///{Path(name) / 'k.db'}")
        upgrade(database)
        asked = at(config, START)
        # Without the fingerprints that the database makes for us only.
        plain = statement(asked, "any other")
        with open_read_only(config) as connection:

            def bare() -> int:
                return len(connection.execute(plain).fetchall())

            def poll() -> int:
                return pulling.pull(config, database.read, database.write, START).counts.get("unchanged", 0)

            pulling.pull(config, database.read, database.write, START)
            assert (bare(), poll()) == (PLACES, PLACES)
            found = ratios(poll, bare, 5 if quick else 15)
        database.close()
    yield Comparison("an unchanged poll, 5,000 places", "its bare query and fetch", found, "lower", 1.2)


def fill(site: WordPress) -> None:
    """Places as a large portal has them: long texts, pictures, terms and many meta rows."""
    cms, first = site.cms, 10_000
    _many(
        cms,
        "INSERT INTO wp_posts (ID, post_title, post_name, post_type, post_status, post_excerpt, post_content, "
        "post_mime_type, post_date, post_date_gmt, post_modified_gmt) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, "
        "'2026-07-01 10:00:00', '2026-07-01 08:00:00', '2026-07-01 08:00:00')",
        [
            row
            for number in range(first, first + PLACES)
            for row in (
                (number, f"Hof {number}", f"hof-{number}", "kreativort", "publish", "Ein Hof.", TEXT, ""),
                (number + PLACES, "Bild", f"bild-{number}", "attachment", "inherit", "", "", "image/jpeg"),
            )
        ],
    )
    meta = []
    for number in range(first, first + PLACES):
        picture = number + PLACES
        meta += [
            (picture, "_wp_attached_file", f"2026/07/Hof {number}.jpg"),
            (picture, "_wp_attachment_image_alt", "Ein Hof"),
        ]
        meta += [
            (number, "_thumbnail_id", str(picture)),
            (number, "ort", "Gardelegen"),
            (number, "bildnachweis", "Foto: A"),
        ]
        meta += [(number, "lat", "52.5"), (number, "lon", "11.4")]
        meta += [(number, f"_feld_{index}", "x" * 40) for index in range(META - 7)]
    _many(cms, "INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES (%s, %s, %s)", meta)
    for number, (taxonomy, name) in enumerate(
        (("region", "Altmark"), ("region", "Harz"), ("kategorie", "Wohnen/Bauen")), 1
    ):
        cms.insert("wp_terms", term_id=number, name=name, slug=f"t{number}")
        cms.insert("wp_term_taxonomy", term_taxonomy_id=number, term_id=number, taxonomy=taxonomy)
    related = [(number, term) for number in range(first, first + PLACES) for term in (1 + number % 2, 3)]
    _many(cms, "INSERT INTO wp_term_relationships (object_id, term_taxonomy_id) VALUES (%s, %s)", related)
    cms.run("ANALYZE TABLE wp_posts, wp_postmeta, wp_terms, wp_term_taxonomy, wp_term_relationships")


def _many(cms: Cms, statement: str, rows: list[tuple[object, ...]]) -> None:
    for start in range(0, len(rows), 2_000):
        cms.run_many(statement, rows[start : start + 2_000])
