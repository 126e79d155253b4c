"""Any other database on MariaDB, by mapping: its instants and texts come as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from campaign.portals.presets import portal_config
from campaign.portals.sql import read_portal
from tests.conftest import START
from tests.integration.portals.mariadb import Cms


def test_a_timestamp_is_that_instant_whatever_the_server_s_zone(in_each_mode: Cms) -> None:
    cms = in_each_mode
    cms.run(
        "CREATE TABLE orte (nr int, titel text, kuerzel text, online timestamp NULL, seit datetime)",
        # The server is in Germany: what it is told as 10 o'clock in summer is 8 o'clock UTC.
        "INSERT INTO orte VALUES (1, 'Hof 🌳', 'hof', '2026-07-01 10:00:00', '2026-07-01 10:00:00')",
    )
    cms.grant("orte")
    fields = {"id": "nr", "name": "titel", "url": "'https://a.example/' || kuerzel"}
    found = {
        column: read_portal(
            portal_config("a", {"url": cms.url, "table": "orte", "fields": fields | {"published_at": column}}, Path()),
            START,
        ).places[0]
        for column in ("online", "CONCAT(seit, '[Europe/Berlin]')")
    }
    assert {place.published_at for place in found.values()} == {datetime(2026, 7, 1, 8, tzinfo=UTC)}
    assert {(place.name, place.url) for place in found.values()} == {("Hof 🌳", "https://a.example/hof")}
