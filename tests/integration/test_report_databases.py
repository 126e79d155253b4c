"""What reports read, on both databases: growth with its corrections, the same report from either, indexes used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update

from campaign import reports
from campaign.app import App
from campaign.desk import Refusal
from campaign.reports import exchange, facts
from campaign.reports.values import DIMENSIONS, By, Selection
from campaign.settings import interpret
from posts.clock import ManualClock
from posts.tables import channels, deliveries, metric_names, samples
from tests.benchmarks.figures import fill, read_by_index
from tests.conftest import START

BERLIN = ZoneInfo("Europe/Berlin")
ROWS = 3_000
WHOLE = Selection(date(2025, 11, 1), date(2026, 11, 24), "sandbox")


def filled(directory: Path, url: str) -> App:
    raw = {"database": url}
    app = App(interpret(raw, directory, None), clock=ManualClock(START), actor="cli:anna", environment={})
    app.prepare()
    fill(app, ROWS)
    return app


@pytest.fixture
def app(tmp_path: Path, database_url: str) -> Iterator[App]:
    made = filled(tmp_path, database_url)
    yield made
    made.close()


def test_both_databases_tell_the_same(tmp_path: Path, postgres_url: str) -> None:
    apps = [filled(tmp_path, url) for url in (f"sqlite:///{tmp_path / 'k.db'}", postgres_url)]
    filters = [{}, {"region": "Harz"}, {"region": "none"}, {"category": "none"}, {"step": "nachklang", "variant": "1"}]
    filters += [{"place": "3"}, {"place": "none"}, {"channel": "kanal-2"}, {"campaign": "pilot"}, {"campaign": "none"}]
    filters += [{"from": "2026-03-01", "to": "2026-03-31"}]
    for given_filters in filters:
        one, other = (_documents(app, given_filters) for app in apps)
        assert one == other, given_filters
    for one_app in apps:
        one_app.close()


def _documents(app: App, given_filters: dict[str, str]) -> list[object]:
    report = reports.report(app, reports.selection_of(app, given_filters))
    return [exchange.report_json(report, reports.rows_by(app, report, by), "de") for by in By]


def test_no_statement_reads_through_all_samples(app: App) -> None:
    read_by_index(app)


def test_filters_by_every_dimension_choose_what_its_rows_count(app: App) -> None:
    whole = reports.report(app, WHOLE)
    for dimension in DIMENSIONS:
        if dimension not in ("weekday", "hour"):
            for row in whole.breakdowns[dimension][:6]:
                days = {"from": WHOLE.first.isoformat(), "to": WHOLE.last.isoformat()}
                narrowed = reports.report(app, reports.selection_of(app, days | {dimension: row.key}))
                assert narrowed.totals == row.figures and narrowed.week == row.week, (dimension, row.key)


values = st.lists(st.none() | st.integers(0, 1000), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(looks=st.lists(values, min_size=1, max_size=3), minutes=st.integers(1, 3000))
def test_what_a_network_takes_back_is_a_correction_and_nothing_is_lost(
    app: App, looks: list[list[int | None]], minutes: int
) -> None:
    """Across the end of summer time, too: the samples are so many minutes apart from the evening before on."""
    begin = datetime(2026, 10, 24, 21, 50, tzinfo=UTC)
    rows, expected = [], defaultdict(lambda: [0, 0])
    for number, taken in enumerate(looks, 1):
        before = 0
        for place, value in enumerate(taken):
            at = begin + timedelta(minutes=minutes * place, seconds=number)
            rows.append(_sample(number, at, value))
            if value is not None:
                expected[at.astimezone(BERLIN).date()][value < before] += value - before
                before = value
    with app.database.write() as connection:
        connection.execute(delete(samples))
        connection.execute(insert(samples), rows)
    with app.database.read() as connection:
        found = facts.gains(connection, WHOLE, BERLIN, "views")
    assert {one.day: [one.gain, one.correction] for one in found} == expected
    assert all(one.gain >= 0 >= one.correction for one in found)
    last = [[value for value in taken if value is not None] for taken in looks]
    assert sum(one.gain + one.correction for one in found) == sum(known[-1] for known in last if known)


def _sample(number: int, at: datetime, value: int | None) -> dict[str, object]:
    state = "missing" if value is None else "measured"
    return {"delivery_id": number, "metric": "views", "at": at, "value": value, "state": state} | {
        "source": "x",
        "definition": 1,
    }


# --- what is asked for


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    directory = tmp_path_factory.mktemp("house")
    made = filled(directory, f"sqlite:///{directory / 'k.db'}")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"campaign": "keine"}, "campaign_unknown"),
        ({"channel": "keiner"}, "channel_unknown"),
        ({"place": "99999"}, "place_unknown"),
        ({"place": "hof"}, "not_a_number"),
        ({"variant": "-1"}, "not_a_number"),
        ({"world": "mars"}, "report_world_unknown"),
        ({"from": "gestern"}, "not_a_day"),
        ({"from": "0001-01-01"}, "year_out_of_reach"),
        ({"from": "2026-05-02", "to": "2026-05-01"}, "report_ends_before"),
        ({"from": "2016-01-01", "to": "2026-02-01"}, "report_too_long"),
    ],
)
def test_what_there_is_not_is_refused(house: App, asked: dict[str, str], word: str) -> None:
    with pytest.raises(Refusal) as refused:
        reports.selection_of(house, asked)
    assert refused.value.word == word


def test_what_is_not_asked_for_is_everything_until_today(house: App) -> None:
    everything = reports.selection_of(house, {"campaign": " ", "place": None})
    assert everything.last == house.today()
    with house.database.read() as connection:
        every = connection.execute(select(func.count()).select_from(deliveries)).scalar()
    assert len(reports.posted(house, everything)) == every
    assert reports.selection_of(house, {"to": "2026-05-01"}).first == everything.first
    usual = reports.usual_selection(house)
    assert (usual.last, (usual.last - usual.first).days) == (house.today() - timedelta(days=1), 27)


def test_a_selection_is_asked_for_again_by_its_texts(house: App) -> None:
    usual = reports.usual_selection(house)
    for selection in (usual, replace(usual, world="live", campaign="pilot", place=0, variant=0, region="none")):
        assert reports.selection_of(house, reports.asked_for(selection)) == selection


def test_the_live_world_counts_as_soon_as_there_is_a_live_channel_and_apart(app: App) -> None:
    before = reports.report(app, WHOLE).totals.posts
    with app.database.write() as connection:
        connection.execute(update(channels).where(channels.c.id == 1).values(world="live"))
    live = reports.selection_of(app, {})
    assert live.world == reports.usual_selection(app).world == "live"
    assert reports.selection_of(app, {"channel": "kanal-2"}).world == "sandbox"
    sandbox = reports.report(app, WHOLE)
    assert reports.report(app, live).totals.posts + sandbox.totals.posts == before
    assert "sandbox" in sandbox.notes and "sandbox" not in reports.report(app, live).notes


def test_names_that_a_network_has_withdrawn_are_told(app: App) -> None:
    with app.database.write() as connection:
        names = (("post_impressions", False), ("post_media_view", True))
        for name, alive in names:
            row = {"channel_id": 1, "name": name, "alive": alive, "since": START, "asked_at": START}
            connection.execute(insert(metric_names), [row])
    assert [one for one in reports.report(app, WHOLE).notes if "abolished" in one] == ["abolished:post_impressions"]
