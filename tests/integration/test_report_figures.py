"""A year on the sandbox, and every figure of its report beside plain SQL over the samples that were taken.

What is recomputed here shares nothing with `campaign.reports`: it reads the samples, not the roll-up, and other SQL.
KREATIVORTE_YEAR=full lives through 2,000 announcements with the whole schedule.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaign import reports
from campaign.reports import exchange
from campaign.reports.values import DIMENSIONS, By
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.integration.harness import Networks
from tests.integration.year import BEGIN, SHORT_SCHEDULE, Year

FULL = os.environ.get("KREATIVORTE_YEAR") == "full"
BERLIN = ZoneInfo("Europe/Berlin")
METRICS = ("views", "viewers", "reactions", "comments", "shares", "link_clicks")
SUMMED = ("views", "reactions", "comments", "shares", "link_clicks")
VIEW = """
CREATE TEMP VIEW out AS
SELECT d.id, a.campaign, a.step, a.variant, a.place_id, c.name AS channel, d.posted_at, d.due_at, d.cost_usd,
  local(d.posted_at) AS at, p.name AS place_name, p.data,
  (SELECT sum(v.visits) FROM visits v WHERE v.content = d.marker) AS visits,
  {last}, {week}
FROM deliveries d JOIN announcements a ON a.id = d.id JOIN channels c ON c.id = d.channel_id
LEFT JOIN places p ON p.id = a.place_id
WHERE d.state = 'posted'
"""
LAST = """(SELECT s.value FROM samples s
  WHERE s.delivery_id = d.id AND s.metric = '{0}' AND s.state = 'measured' ORDER BY s.at DESC LIMIT 1) AS {0}"""
WEEK = """(SELECT s.value FROM samples s WHERE s.delivery_id = d.id AND s.metric = '{0}' AND s.at = (
  SELECT min(t.at) FROM samples t
  WHERE t.delivery_id = d.id AND julianday(t.at) - julianday(d.posted_at) BETWEEN 6.99999 AND 9)) AS week_{0}"""
KEYS = {
    "campaign": "CASE campaign WHEN '' THEN 'none' ELSE campaign END",
    "step": "CASE step WHEN '' THEN 'none' ELSE step END",
    "channel": "channel",
    "place": "CASE place_id WHEN 0 THEN 'none' ELSE place_id || '' END",
    "variant": "variant || ''",
    "weekday": "((strftime('%w', at) + 6) % 7) || ''",
    "hour": "(substr(at, 12, 2) + 0) || ''",
    "region": "coalesce(each.value, 'none')",
    "category": "coalesce(each.value, 'none')",
}
LISTS = {
    "region": "LEFT JOIN json_each(data, '$.regions') each",
    "category": "LEFT JOIN json_each(data, '$.categories') each",
}
RATED = "{0}views IS NOT NULL AND {0}reactions IS NOT NULL AND {0}comments IS NOT NULL AND {0}shares IS NOT NULL"


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    directory = tmp_path_factory.mktemp("year")
    clock = ManualClock(BEGIN)
    with Server(clock=clock) as server:
        schedule = {} if FULL else {"schedule": SHORT_SCHEDULE}
        url = f"sqlite:///{directory / 'k.db'}"
        made = Year(directory, url, Networks(server), clock, 500 if FULL else 14, **schedule)
        yield made
        made.app.close()


@pytest.fixture(scope="module")
def sql(year: Year) -> Iterator[sqlite3.Connection]:
    """The database as another program sees it, with what was known of each announcement at the end."""
    connection = sqlite3.connect(str(year.app.database.url.database))
    connection.row_factory = sqlite3.Row
    connection.create_function("local", 1, lambda text: instant(text).astimezone(BERLIN).isoformat())
    last, week = (", ".join(one.format(metric) for metric in METRICS) for one in (LAST, WEEK))
    connection.execute(VIEW.format(last=last, week=week))
    connection.execute("CREATE TEMP TABLE found AS SELECT * FROM out")
    yield connection
    connection.close()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def asked(year: Year, by: By = By.campaign, **given: str) -> Any:
    """The report as a program gets it."""
    selection = reports.selection_of(year.app, given)
    found = reports.report(year.app, selection)
    return json.loads(json.dumps(exchange.report_json(found, reports.rows_by(year.app, found, by), "de")))


def test_the_year_is_worth_asking_about(year: Year, sql: sqlite3.Connection) -> None:
    (count,) = sql.execute("SELECT count(*) FROM found").fetchone()
    assert count >= (1900 if FULL else 55)
    states = dict(sql.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
    assert states["refused"] == 1 and states.get("missed", 0) >= 1
    assert sql.execute("SELECT count(*) FROM found WHERE viewers IS NULL").fetchone()[0] > 10
    assert sql.execute("SELECT count(*) FROM found WHERE week_views IS NOT NULL").fetchone()[0] > count * 0.9
    assert sql.execute("SELECT count(DISTINCT variant) FROM found").fetchone()[0] == 2


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_every_row_of_every_breakdown_is_what_plain_sql_says(
    year: Year, sql: sqlite3.Connection, dimension: str
) -> None:
    rows = {row["key"]: row for row in asked(year, By(dimension))["rows"]}
    joined, key = LISTS.get(dimension, ""), KEYS[dimension]
    expected = {row["named"]: row for row in sql.execute(_sums(key, f"found {joined}", "") + " GROUP BY named")}
    weekly = {row["named"]: row for row in sql.execute(_sums(key, _measured(joined), "week_") + " GROUP BY named")}
    assert set(rows) == set(expected) and len(rows) > 0
    for key, row in rows.items():
        _check(row, expected[key], "", sql)
        if key in weekly:
            _check(row["week"], weekly[key], "week_", sql)
        else:
            assert row["week"]["posts"] == 0 and set(row["week"]["metrics"].values()) == {None}
        assert row["few"] == (expected[key]["posts"] < 5)


def test_totals_are_what_plain_sql_says(year: Year, sql: sqlite3.Connection) -> None:
    totals = asked(year)["totals"]
    _check(totals, sql.execute(_sums("'all'", "found", "")).fetchone(), "", sql)
    _check(totals["week"], sql.execute(_sums("'all'", _measured(), "week_")).fetchone(), "week_", sql)


def test_a_period_and_filters_choose_what_plain_sql_chooses(year: Year, sql: sqlite3.Connection) -> None:
    where = "WHERE at >= '2027-02-01' AND at < '2027-04-01'"
    totals = asked(year, **{"from": "2027-02-01", "to": "2027-03-31"})["totals"]
    _check(totals, sql.execute(_sums("'x'", f"(SELECT * FROM found {where})", "")).fetchone(), "", sql)
    harz = "(SELECT * FROM found WHERE EXISTS (SELECT 1 FROM json_each(data, '$.regions') WHERE value = 'Harz'))"
    _check(asked(year, region="Harz")["totals"], sql.execute(_sums("'x'", harz, "")).fetchone(), "", sql)
    bare = "(SELECT * FROM found WHERE coalesce(json_extract(data, '$.categories'), '[]') = '[]')"
    _check(asked(year, category="none")["totals"], sql.execute(_sums("'x'", bare, "")).fetchone(), "", sql)
    both = "(SELECT * FROM found WHERE step = 'vorstellung' AND variant = 1 AND channel = 'twitter-42')"
    chosen = asked(year, step="vorstellung", variant="1", channel="twitter-42")["totals"]
    _check(chosen, sql.execute(_sums("'x'", both, "")).fetchone(), "", sql)
    calls = "(SELECT * FROM found WHERE place_id = 0)"
    _check(asked(year, place="none")["totals"], sql.execute(_sums("'x'", calls, "")).fetchone(), "", sql)


def test_the_course_and_the_cells_hold_each_announcement_once(year: Year, sql: sqlite3.Connection) -> None:
    told = asked(year)
    posts = [dict(row) for row in sql.execute("SELECT at, views, week_views FROM found")]
    for span in told["course"]:
        inside = [one for one in posts if span["from"] <= one["at"][:10] <= span["to"]]
        assert span["posts"] == len(inside)
        views = [one["views"] for one in inside if one["views"] is not None]
        assert span["metrics"]["views"] == (sum(views) if views else None)
    assert sum(span["posts"] for span in told["course"]) == len(posts)
    cells = defaultdict(list)
    for one in posts:
        at = datetime.fromisoformat(one["at"])
        cells[at.weekday(), at.hour].append(one["week_views"])
    assert len(cells) == len(told["cells"])
    for cell in told["cells"]:
        values = cells[cell["weekday"], cell["hour"]]
        known = [value for value in values if value is not None]
        assert (cell["posts"], cell["measured"]) == (len(values), len(known))
        assert cell["views"] == (statistics.median(known) if known else None)


@pytest.mark.parametrize("metric", SUMMED)
def test_growth_is_the_difference_of_successive_samples(year: Year, sql: sqlite3.Connection, metric: str) -> None:
    selection = reports.selection_of(year.app, {})
    gains = {one.day: (one.gain, one.correction) for one in reports.report(year.app, selection, metric).gains}
    expected: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    before: dict[int, int] = {}
    query = "SELECT delivery_id, at, value FROM samples WHERE metric = ? AND value IS NOT NULL ORDER BY at, id"
    for number, at, value in sql.execute(query, (metric,)):
        step = value - before.get(number, 0)
        expected[instant(at).astimezone(BERLIN).date()][step < 0] += step
        before[number] = value
    assert gains == {day: tuple(steps) for day, steps in expected.items()}
    assert sum(map(sum, gains.values())) == sum(before.values())


def test_best_and_worst_are_those_with_the_highest_and_lowest_rate(year: Year, sql: sqlite3.Connection) -> None:
    told = asked(year)
    query = (
        "SELECT id, (week_reactions + week_comments + week_shares) * 1.0 / week_views AS rate FROM found "
        "WHERE week_views > 0 AND rate IS NOT NULL ORDER BY rate DESC, week_views DESC, id"
    )
    ranked = [row["id"] for row in sql.execute(query)]
    assert [one["id"] for one in told["best"]] == ranked[:5]
    assert [one["id"] for one in told["worst"]] == ranked[::-1][:5]
    texts = dict(sql.execute("SELECT id, text FROM announcements").fetchall())
    assert all(one["text"] == texts[one["id"]] for one in told["best"] + told["worst"])


def test_the_period_before_is_compared_at_the_same_age(year: Year, sql: sqlite3.Connection) -> None:
    told = asked(year, **{"from": "2027-03-01", "to": "2027-03-31"})
    assert told["before"] == {"from": "2027-01-29", "to": "2027-02-28"}
    for change in told["changes"]:
        means = []
        for first, last in (("2027-03-01", "2027-04-01"), ("2027-01-29", "2027-03-01")):
            query = f"SELECT avg(week_{change['metric']}) FROM found WHERE at >= ? AND at < ?"
            means.append(sql.execute(query, (first, last)).fetchone()[0])
        assert [change["now"], change["before"]] == pytest.approx(means)
        assert change["ratio"] == pytest.approx(means[0] / means[1] - 1)


def test_variants_are_compared_by_what_plain_sql_counts(year: Year, sql: sqlite3.Connection) -> None:
    (comparison,) = asked(year)["comparisons"]
    assert (comparison["campaign"], comparison["step"]) == ("altmark", "vorstellung")
    for variant in comparison["variants"]:
        row = sql.execute(
            "SELECT count(*) AS posts, "
            "sum(week_reactions + week_comments + week_shares) * 1.0 / sum(week_views) AS rate FROM found "
            "WHERE step = 'vorstellung' AND variant = ? AND week_views > 0 "
            "AND week_reactions + week_comments + week_shares IS NOT NULL",
            (variant["variant"],),
        ).fetchone()
        assert (variant["posts"], variant["rate"]) == (row["posts"], pytest.approx(row["rate"]))
        assert variant["low"] < variant["rate"] < variant["high"]


def test_reliability_counts_everything_that_was_due(year: Year, sql: sqlite3.Connection) -> None:
    told = asked(year, **{"from": "2027-01-01", "to": "2027-12-31"})["reliability"]
    now = year.clock.now().strftime("%Y-%m-%d %H:%M:%S.%f")
    rows = sql.execute("SELECT state, due_at, posted_at FROM deliveries WHERE due_at <= ?", (now,)).fetchall()
    states = [row["state"] for row in rows]
    assert told["due"] == len(rows) > 0
    for state in ("posted", "refused", "missed", "cancelled", "in_doubt"):
        assert told[state] == states.count(state)
    settled = ("posted", "refused", "missed", "cancelled", "in_doubt")
    assert told["open"] == sum(state not in settled for state in states)
    late = [
        (instant(row["posted_at"]) - instant(row["due_at"])) / timedelta(seconds=1)
        for row in rows
        if row["state"] == "posted"
    ]
    assert told["late"] == sum(one > 300 for one in late) > 0
    assert told["median_late_by"] == pytest.approx(statistics.median(late), abs=0.01)
    assert told["worst_late_by"] == pytest.approx(max(late), abs=0.01)


def test_the_last_sample_and_the_gaps_are_told(year: Year, sql: sqlite3.Connection) -> None:
    told = asked(year)
    (last,) = sql.execute("SELECT max(at) FROM samples").fetchone()
    assert datetime.fromisoformat(told["sampled_at"]) == instant(last)
    assert told["zone"] == "Europe/Berlin" and told["world"] == "sandbox"
    codes = {one["code"].partition(":")[0] for one in told["notes"]}
    assert {"sandbox", "removed", "viewers"} <= codes
    assert all(one["text"] != one["code"] for one in told["notes"])


def _measured(joined: str = "") -> str:
    """Only what was measured at the age of seven days."""
    known = " OR ".join(f"week_{metric} IS NOT NULL" for metric in METRICS)
    return f"(SELECT * FROM found WHERE {known}) {joined}"


def _sums(key: str, source: str, prefix: str) -> str:
    rated, clicked = RATED.format(prefix), f"{prefix}views IS NOT NULL AND {prefix}link_clicks IS NOT NULL"
    columns = [f"sum({prefix}{one}) AS {prefix}{one}, count({prefix}{one}) AS known_{one}" for one in METRICS]
    columns += [
        f"sum(CASE WHEN {rated} THEN {prefix}reactions + {prefix}comments + {prefix}shares END) AS engaged",
        f"sum(CASE WHEN {rated} THEN {prefix}views END) AS seen",
        f"sum(CASE WHEN {clicked} THEN {prefix}link_clicks END) AS clicks",
        f"sum(CASE WHEN {clicked} THEN {prefix}views END) AS seen_with_clicks",
        "sum(cost_usd) AS cost, sum(visits) AS visits, count(visits) AS visits_known",
        "sum(CASE WHEN visits IS NOT NULL THEN cost_usd END) AS cost_of_both",
        "sum(CASE WHEN cost_usd IS NOT NULL THEN visits END) AS visits_of_both",
    ]
    return f"SELECT {key} AS named, count(*) AS posts, {', '.join(columns)} FROM {source}"


def _check(told: Any, row: sqlite3.Row, prefix: str, sql: sqlite3.Connection) -> None:
    """A report's figures beside a row of `_sums`."""
    assert told["posts"] == row["posts"]
    for metric in SUMMED:
        assert (told["metrics"][metric], told["known"][metric]) == (row[prefix + metric], row[f"known_{metric}"])
    assert told["known"]["viewers"] == row["known_viewers"]
    assert told["metrics"]["viewers"] == (row[f"{prefix}viewers"] if row["posts"] == 1 else None)
    assert told["rates"]["engagement_rate"] == _ratio(row["engaged"], row["seen"])
    assert told["rates"]["click_rate"] == _ratio(row["clicks"], row["seen_with_clicks"])
    if not prefix:
        assert told["cost_usd"] == (None if row["cost"] is None else pytest.approx(row["cost"]))
        assert (told["visits"], told["visits_known"]) == (row["visits"], row["visits_known"])
        assert told["cost_per_visit"] == _ratio(row["cost_of_both"], row["visits_of_both"])


def _ratio(part: float | None, whole: float | None) -> Any:
    return pytest.approx(part / whole) if part is not None and whole else None
