"""A poll reads again only what is not what it was: by fingerprints that the portal's own database makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text

from campaign.places import Reading
from campaign.portals import sql
from campaign.portals.portal import PortalConfig
from campaign.portals.presets import portal_config
from campaign.portals.sql import read_portal
from tests.conftest import START
from tests.integration.portals.mariadb import Cms
from tests.integration.portals.typo3_site import Typo3
from tests.integration.portals.wordpress_site import WordPress

Ask = Callable[[], Reading]


def again(config: PortalConfig) -> Ask:
    """A first poll, and what asks for each further one with what the earlier ones brought."""
    known: dict[str, str] = {}

    def ask() -> Reading:
        read = read_portal(config, START, known)
        known.update(read.digests)
        return read

    ask()
    return ask


def config(site: WordPress | Typo3) -> PortalConfig:
    return portal_config("kreativorte", site.settings, Path("/nowhere"))


def test_an_unchanged_list_brings_no_row_and_a_changed_row_comes_alone(cms: Cms) -> None:
    site = WordPress(cms)
    posts = [site.post(f"Hof {number}") for number in range(5)]
    poll = again(config(site))
    read = poll()
    assert (read.seen, len(read.same), read.places) == (5, 5, ())
    site.update(posts[2], post_excerpt="Neu")
    read = poll()
    assert ([place.external_id for place in read.places], len(read.same)) == ([str(posts[2])], 4)
    assert len(poll().same) == 5


def test_what_is_unknown_and_what_is_empty_are_told_apart(cms: Cms) -> None:
    site = Typo3(cms)
    reference = site.picture(site.news("Ort"), site.file("/a.jpg", alternative=None), alternative=None)
    poll = again(config(site))
    site.update("sys_file_reference", reference, alternative="")
    assert len(poll().places) == 1, "NULL became an empty text"


def test_a_row_that_could_not_be_read_is_looked_at_each_time(cms: Cms) -> None:
    site = WordPress(cms)
    site.post("Gut")
    bad = site.post("")
    poll = again(config(site))
    assert [row.external_id for row in poll().rejected] == [str(bad)]
    site.update(bad, post_title="Nun mit Namen")
    assert [place.name for place in poll().places] == ["Nun mit Namen"]


def test_when_very_much_has_changed_the_whole_list_is_read(cms: Cms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "_MOST_ASKED", 2)
    site = WordPress(cms)
    for number in range(5):
        site.post(f"Hof {number}")
    poll = again(config(site))
    cms.run("UPDATE wp_posts SET post_excerpt = 'Neu' WHERE post_title <> 'Hof 0'")
    read = poll()
    assert (len(read.places), len(read.same), read.seen) == (4, 1, 5)


def test_a_mapping_on_postgresql_is_asked_in_the_same_way(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orte (id int, name text, slug text, am timestamptz, bilder json)"))
        connection.execute(
            text(
                "INSERT INTO orte SELECT n, 'Hof ' || n, 'hof-' || n, '2026-07-01T08:00Z', '[]' "
                "FROM generate_series(1, 9) n"
            )
        )
    fields = {
        "id": "id",
        "name": "name",
        "url": "'https://a.example/' || slug",
        "published_at": "am",
        "images": "bilder",
    }
    poll = again(portal_config("orte", {"url": postgres_url, "table": "orte", "fields": fields}, Path("/nowhere")))
    asked: list[str] = []

    def note(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    event.listen(sql.Engine, "before_cursor_execute", note)
    try:
        assert len(poll().same) == 9
    finally:
        event.remove(sql.Engine, "before_cursor_execute", note)
    assert sum("bilder" in statement and "::text" not in statement for statement in asked) == 0
    with engine.begin() as connection:
        connection.execute(text("UPDATE orte SET name = NULL WHERE id = 3"))
        connection.execute(text("INSERT INTO orte SELECT * FROM orte WHERE id = 4"))
    read = poll()
    assert [row.external_id for row in read.rejected] == ["3", "4"]
    assert (read.seen, len(read.same)) == (10, 8)
    engine.dispose()
