"""Whatever people write into files, they get values or sentences: no traceback, no hang, nothing lost beside it."""

from __future__ import annotations

import tempfile
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign import news
from campaign.campaigns import CampaignError, parse_campaign, read_campaign
from campaign.db import Database
from campaign.desk import Desk, Entry, Refusal, read_csv, read_instant
from campaign.portals import typo3, wordpress
from campaign.portals.portal import PortalMisconfigured
from campaign.portals.presets import portal_config
from campaign.settings import SETTINGS, SettingsError, interpret, load
from posts.errors import Explained

SECRET = "p4ssw0rt"
WORDS = st.text(max_size=12) | st.sampled_from(
    ["\x00", "\ud7ff", "‮", "🏡" * 5, "2026-12-01T10:00", "9" * 40, "1h", "-1"]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.just(UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


def one_line(error: Exception) -> None:
    """A sentence for a person: not empty, no control characters but line breaks between several problems."""
    said = news.refusal(error, "de") if isinstance(error, Explained) else str(error)
    assert said
    assert SECRET not in said
    assert "Traceback" not in said


# --- configuration -------------------------------------------------------------------------------------------

NAMES = [setting.name for setting in SETTINGS] + ["portals", "blackouts", "datenbank", "delivery.leese"]


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_a_configuration_of_any_values_is_read_or_told(raw: dict[str, Any]) -> None:
    nested: dict[str, Any] = {}
    for name, value in raw.items():
        table, _, key = name.partition(".")
        if not key:
            nested[table] = value
        elif isinstance(nested.setdefault(table, {}), dict):
            nested[table][key] = value
    try:
        interpret(nested, Path(), None)
    except SettingsError as error:
        one_line(error)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_configuration_file_of_any_bytes_is_read_or_told(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(content)
        file.flush()
        try:
            load(file.name, {})
        except SettingsError as error:
            one_line(error)


@given(st.dictionaries(st.sampled_from(["url", "table", "query", "fields", "every", "image_root", "preset"]), VALUES))
def test_a_portal_of_any_values_is_read_or_told(table: dict[str, Any]) -> None:
    try:
        portal_config("traege", table, Path())
    except (SettingsError, PortalMisconfigured) as error:
        one_line(error)


@pytest.mark.parametrize(("preset", "keys"), [("wordpress", wordpress.KEYS), ("typo3", typo3.KEYS)])
def test_a_preset_s_block_of_any_values_is_read_or_told(preset: str, keys: tuple[str, ...]) -> None:
    sound = {"preset": preset, "url": "mysql+pymysql://a:b@h/x", "site_url": "https://a.example", "folders": [1]}
    sound = {key: value for key, value in sound.items() if key in keys}

    @given(st.dictionaries(st.sampled_from(keys), VALUES, max_size=3))
    def try_out(changes: dict[str, Any]) -> None:
        try:
            portal_config("traege", sound | changes, Path())
        except (SettingsError, PortalMisconfigured) as error:
            one_line(error)

    try_out()


@pytest.mark.parametrize(
    "url", [f"postgresql://anna:{SECRET}@host:port/x", f"oracle://anna:{SECRET}@host/x", "%%%", "://"]
)
def test_a_database_s_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as told:
        Database(url)
    one_line(told.value)


# --- campaign files ------------------------------------------------------------------------------------------

WHOLE = tomllib.loads("""
name = "altmark"
title = "Altmark"
starts = 2026-11-01
ends = 2027-06-30
channels = ["altmark-x"]
approval = "one"
[[steps]]
name = "vorstellung"
template = "vorstellung"
after = "0d"
[[calls]]
name = "aufruf"
template = "aufruf"
recurs = "FREQ=WEEKLY;BYDAY=TH"
[rhythm]
slots = ["Thu 10:00"]
max_per_day = 1
min_gap = "2h"
""")


def places_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all values within."""
    if isinstance(value, dict):
        return [path] + [found for key, one in value.items() for found in places_of(one, (*path, key))]
    if isinstance(value, list):
        return [path] + [found for number, one in enumerate(value) for found in places_of(one, (*path, number))]
    return [path]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """The same with another value at that place."""
    if not path:
        return by
    head, *rest = path
    if isinstance(value, dict):
        return value | {head: replaced(value[head], tuple(rest), by)}
    return [replaced(one, tuple(rest), by) if number == head else one for number, one in enumerate(value)]


@given(st.sampled_from([path for path in places_of(WHOLE) if path]), VALUES)
def test_a_campaign_with_any_one_value_changed_is_read_or_told(path: tuple[Any, ...], value: Any) -> None:
    try:
        parse_campaign(replaced(WHOLE, path, value))
    except CampaignError as error:
        one_line(error)


@given(VALUES.filter(lambda value: isinstance(value, dict)) | st.just({}))
def test_any_mapping_as_a_campaign_is_read_or_told(mapping: dict[str, Any]) -> None:
    try:
        parse_campaign(mapping)
    except CampaignError as error:
        one_line(error)


@given(st.text(max_size=80))
def test_a_campaign_file_of_any_text_is_read_or_told(text: str) -> None:
    try:
        read_campaign(text)
    except CampaignError as error:
        one_line(error)


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=DAILY;COUNT=999999999", "FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=2"])
def test_a_recurrence_without_end_or_sense_ends_at_once(rule: str) -> None:
    try:
        parse_campaign(replaced(WHOLE, ("calls", 0, "recurs"), rule))
    except CampaignError as error:
        one_line(error)


# --- CSV -----------------------------------------------------------------------------------------------------

DESK = Desk(
    "anna", "Anna", datetime(2026, 11, 24, tzinfo=UTC), ZoneInfo("Europe/Berlin"), timedelta(hours=2), Path("media")
)
GOOD = "altmark-x,2026-12-01T10:00,Guten Tag"
CELLS = st.text(max_size=15) | st.sampled_from(["", '"', "0001-01-01T00:00", "9999-12-31T23:59+00:00", "2026-12-01"])


@given(st.binary(max_size=200))
def test_a_csv_file_of_any_bytes_is_read_or_told(data: bytes) -> None:
    entries, rejected = read_csv(data, DESK, Path())
    assert all(isinstance(one, Entry) for one in entries)
    assert all(news.refusal(refusal, "de") for _row, refusal in rejected)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5))
def test_good_rows_are_read_whatever_stands_beside_them(rows: list[tuple[str, str, str]]) -> None:
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    lines = ["channel,at,text", GOOD, *quoted, GOOD]
    entries, rejected = read_csv("\r\n".join(lines).encode("utf-8", "replace"), DESK, Path())
    assert len(entries) + len(rejected) == len(rows) + 2
    assert [one.text for one in (entries[0], entries[-1])] == ["Guten Tag"] * 2
    assert all(1 < row < len(rows) + 2 and news.refusal(refusal, "de") for row, refusal in rejected)


@given(st.text(max_size=30) | st.datetimes().map(str) | st.dates().map(str) | st.times().map(str))
def test_an_instant_of_any_text_is_read_or_told(text: str) -> None:
    try:
        instant = read_instant(text, DESK.zone)
    except Refusal as error:
        one_line(error)
    else:
        assert instant.astimezone(UTC)
