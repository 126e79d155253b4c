"""What a report must hold to, whatever went out: sums that partition, gaps that stay gaps, hours that exist."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.reports import exchange, wording
from campaign.reports.assembly import (
    Breakdowns,
    Material,
    assemble,
    best_and_worst,
    breakdown,
    cells,
    comparisons,
    course,
    suggestions,
    together,
    totals,
    week_totals,
)
from campaign.reports.facts import Due, Mean
from campaign.reports.formats import Formats
from campaign.reports.values import (
    DIMENSIONS,
    FEW,
    METRICS,
    NONE,
    SUMMED,
    Fact,
    Gain,
    Observation,
    Report,
    Selection,
    beginning,
)
from posts.states import State

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 12, 1, 12, 0, tzinfo=UTC)
YEAR = Selection(date(2027, 1, 1), date(2027, 11, 30), "live")

figures = st.fixed_dictionaries({metric: st.none() | st.integers(0, 10_000) for metric in METRICS})
names = st.sampled_from(["Altmark", "Börde", "Harz"])
facts = st.lists(
    st.builds(
        Fact,
        id=st.integers(1, 10**6),
        campaign=st.sampled_from(["", "pilot", "herbst"]),
        step=st.sampled_from(["", "vorstellung", "nachklang"]),
        channel=st.sampled_from(["facebook", "x"]),
        network=st.just("facebook"),
        regions=st.lists(names, unique=True).map(tuple),
        categories=st.lists(names, unique=True).map(tuple),
        place=st.none() | st.integers(1, 4),
        place_name=st.just("Hof"),
        variant=st.integers(0, 2),
        posted_at=st.datetimes(datetime(2027, 1, 2), datetime(2027, 11, 29), timezones=st.just(UTC)).map(
            lambda at: at.astimezone(BERLIN)
        ),
        late_by=st.floats(0, 10_000),
        text=st.just("Ein Hof"),
        permalink=st.just("https://example.org/1"),
        cost_usd=st.none() | st.floats(0, 5),
        visits=st.none() | st.integers(0, 500),
        figures=figures,
        week=st.none() | figures,
        measured_at=st.none() | st.just(NOW),
        gaps=st.just({}),
        removed_at=st.none(),
    ),
    max_size=25,
    unique_by=lambda fact: fact.id,
)


def label(_dimension: str, key: str) -> str:
    return key


def reported(found: list[Fact], **more: Any) -> Report:
    nothing = {metric: Mean(None, 0) for metric in SUMMED}
    material = Material(found, more.pop("earlier", nothing), more.pop("due", ()), more.pop("gains", ()), "views", ())
    return assemble(YEAR, material, label, "Europe/Berlin", NOW)


def fact(number: int = 1, **fields: Any) -> Fact:
    given: dict[str, Any] = dict.fromkeys(METRICS, 10) | {"views": 100}
    plain = Fact(
        *(number, "pilot", "vorstellung", "facebook", "facebook", ("Altmark",), (), 1, "Hof", 0),
        *(datetime(2027, 3, 1, 10, 0, tzinfo=BERLIN), 0.0, "Ein Hof", "", None, None, given, given, NOW, {}, None),
    )
    return replace(plain, **fields)


# --- sums


@given(facts)
def test_rows_of_every_dimension_add_up_to_the_totals_but_where_they_overlap(found: list[Fact]) -> None:
    whole = totals(found)
    for dimension, rows in Breakdowns(found, label).items():
        posts = sum(row.figures.posts for row in rows)
        if dimension in ("region", "category"):
            assert posts == sum(max(1, len(set(_list(one, dimension)))) for one in found)
            continue
        assert posts == whole.posts
        for metric in SUMMED:
            known = [row.figures.metrics[metric] for row in rows if row.figures.metrics[metric] is not None]
            assert (sum(known) if known else None) == whole.metrics[metric]
            assert sum(row.figures.known[metric] for row in rows) == whole.known[metric]
        assert sum(row.figures.visits or 0 for row in rows) == (whole.visits or 0)


def _list(one: Fact, dimension: str) -> tuple[str, ...]:
    return one.regions if dimension == "region" else one.categories


@given(facts)
def test_what_is_not_known_never_becomes_a_number(found: list[Fact]) -> None:
    for sums, looks in ((totals(found), [one.figures for one in found]), (week_totals(found), _weeks(found))):
        for metric in SUMMED:
            known = [look[metric] for look in looks if look[metric] is not None]
            assert sums.known[metric] == len(known)
            assert (sums.metrics[metric] is None) == (not known)
        rated = [look for look in looks if look["views"] and together(look) is not None]
        assert (sums.engagement_rate is None) == (not rated)
    unknown = [replace(one, figures=dict.fromkeys(METRICS), week=None, visits=None, cost_usd=None) for one in found]
    blank = totals(unknown)
    assert set(blank.metrics.values()) == {None} and set(blank.known.values()) == {0}
    assert (blank.engagement_rate, blank.click_rate, blank.cost_usd, blank.visits) == (None, None, None, None)


def _weeks(found: list[Fact]) -> list[Any]:
    return [one.week for one in found if one.week is not None]


@given(facts)
def test_viewers_are_never_summed(found: list[Fact]) -> None:
    whole = totals(found)
    assert whole.metrics["viewers"] == (found[0].figures["viewers"] if len(found) == 1 else None)


def test_zero_is_known_and_missing_is_not() -> None:
    nobody = fact(figures=dict.fromkeys(METRICS, 0))
    assert totals([nobody]).metrics["views"] == 0
    assert totals([nobody]).engagement_rate is None
    assert totals([replace(nobody, figures=dict.fromkeys(METRICS))]).metrics["views"] is None


def test_a_rate_leaves_out_what_is_known_by_half() -> None:
    half = fact(2, figures=dict.fromkeys(METRICS, 1000) | {"comments": None})
    assert totals([fact(1), half]).engagement_rate == 30 / 100


# --- time


@given(facts, st.integers(0, 500))
def test_each_announcement_is_in_one_span_of_the_course_and_the_spans_are_the_period(
    found: list[Fact], length: int
) -> None:
    last = YEAR.last
    chosen = replace(YEAR, first=min(YEAR.first, last - timedelta(days=length)))
    spans = course(chosen, found)
    assert (spans[0].first, spans[-1].last) == (chosen.first, chosen.last)
    assert all(before.last + timedelta(days=1) == after.first for before, after in itertools.pairwise(spans))
    assert sum(span.figures.posts for span in spans) == len(found)


@pytest.mark.parametrize(("days", "spans"), [(1, 1), (31, 31), (32, 6), (182, 27), (183, 7), (365, 12)])
def test_a_course_goes_by_days_then_weeks_then_months(days: int, spans: int) -> None:
    first = date(2027, 1, 1)  # a Friday
    found = course(replace(YEAR, first=first, last=first + timedelta(days=days - 1)), [])
    assert len(found) == spans
    assert {span.figures.posts for span in found} == {0}


@pytest.mark.parametrize(
    ("day", "hours", "at_two"), [(date(2027, 3, 28), 23, 0), (date(2027, 10, 31), 25, 4), (date(2027, 6, 1), 24, 2)]
)
def test_days_of_the_change_to_and_from_summer_time_have_23_and_25_hours(day: date, hours: int, at_two: int) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    every = [(begin + timedelta(minutes=30 * number)).astimezone(BERLIN) for number in range(-2, 54)]
    inside = [fact(number, posted_at=at) for number, at in enumerate(every) if at.date() == day]
    (span,) = course(replace(YEAR, first=day, last=day), inside)
    assert span.figures.posts == len(inside) == 2 * hours
    posts = {cell.hour: cell.posts for cell in cells(inside)}
    assert sum(posts.values()) == 2 * hours
    assert posts.get(2, 0) == at_two
    assert {posts[hour] for hour in range(24) if hour != 2} == {2}


@given(facts)
def test_each_announcement_is_in_one_cell(found: list[Fact]) -> None:
    told = cells(found)
    assert sum(cell.posts for cell in told) == len(found)
    assert len({(cell.weekday, cell.hour) for cell in told}) == len(told)
    assert all(cell.measured <= cell.posts and (cell.views is None) == (cell.measured == 0) for cell in told)


# --- against each other


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 200)), max_size=14), facts)
def test_best_and_worst_share_nobody_and_are_three_to_five_or_none(
    looks: list[tuple[int, int]], found: list[Fact]
) -> None:
    rated = [
        fact(-number, week=dict.fromkeys(METRICS, 0) | {"reactions": engaged, "views": views})
        for number, (engaged, views) in enumerate(looks, 1)
    ]
    best, worst = best_and_worst([*found, *rated])
    assert len(best) == len(worst) and len(best) in (0, 3, 4, 5)
    assert not {one.id for one in best} & {one.id for one in worst}
    rates = [together(one.week) / one.week["views"] for one in (*best, *reversed(worst))]  # type: ignore[arg-type,index]
    assert rates == sorted(rates, reverse=True)


def posts_of(variant: int, rate: float, number: int, spread: float = 0.0) -> list[Fact]:
    found = []
    for one in range(number):
        engaged = round(1000 * (rate + spread * (-1) ** one))
        look = dict.fromkeys(METRICS, 0) | {"views": 1000, "reactions": engaged}
        found.append(fact(variant * 100 + one, variant=variant, week=look))
    return found


def test_variants_differ_only_when_more_than_chance_shows() -> None:
    def verdict(*groups: list[Fact]) -> str:
        (found,) = comparisons([one for group in groups for one in group])
        return found.verdict

    assert verdict(posts_of(0, 0.05, 8), posts_of(1, 0.10, 8)) == "different"
    assert verdict(posts_of(0, 0.05, 8), posts_of(1, 0.05, 8)) == "open"
    # The same difference of the means, but announcements that differ among themselves as much.
    assert verdict(posts_of(0, 0.05, 6, 0.045), posts_of(1, 0.08, 6, 0.07)) == "open"
    assert verdict(posts_of(0, 0.05, 8), posts_of(1, 0.10, FEW - 1)) == "too_few"
    assert comparisons(posts_of(0, 0.05, 8)) == ()


def test_slots_are_suggested_with_their_evidence_and_never_from_a_few() -> None:
    monday, sunday = datetime(2027, 3, 1, 10, tzinfo=BERLIN), datetime(2027, 3, 7, 18, tzinfo=BERLIN)

    def at(begin: datetime, views: int, number: int) -> list[Observation]:
        return [Observation("x", begin + timedelta(weeks=one), views + one) for one in range(number)]

    (found,) = suggestions([*at(monday, 100, 9), *at(sunday, 500, 6)])
    assert (found.weekday, found.hour, found.measured, found.views) == (6, 18, 6, 502.5)
    assert (found.low, found.high, found.channel_views, found.clear) == (500, 505, 107, True)
    assert suggestions([*at(monday, 100, 9), *at(sunday, 500, FEW - 1)]) == ()


def test_the_period_before_is_as_long_and_small_numbers_are_marked() -> None:
    told = reported([fact(number) for number in range(4)], earlier={metric: Mean(50.0, 9) for metric in SUMMED})
    assert told.before.last == YEAR.first - timedelta(days=1)
    assert told.before.last - told.before.first == YEAR.last - YEAR.first
    views = next(one for one in told.changes if one.metric == "views")
    assert (views.now, views.before, views.ratio, views.few) == (100.0, 50.0, 1.0, True)


# --- the service itself, and words


def test_everything_that_was_due_is_counted_once() -> None:
    ends = [State.POSTED] * 3 + [
        State.REFUSED,
        State.MISSED,
        State.CANCELLED,
        State.IN_DOUBT,
        State.HELD,
        State.UNKNOWN,
    ]
    due = [Due(state, 400.0 if state is State.POSTED else None) for state in ends]
    told = reported([], due=due).reliability
    assert (told.due, told.posted, told.late, told.open) == (9, 3, 3, 2)
    assert told.posted + told.refused + told.missed + told.cancelled + told.in_doubt + told.open == told.due
    assert (told.median_late_by, told.worst_late_by) == (400.0, 400.0)
    assert reported([]).reliability.median_late_by is None


@pytest.mark.parametrize("language", ["de", "en"])
@given(found=facts)
def test_every_report_can_be_told_and_exported(found: list[Fact], language: str) -> None:
    told = reported(found, gains=(Gain(date(2027, 3, 1), 10, -3),))
    sentences = wording.summary(told, language)
    assert 1 <= len(sentences) <= 6
    for sentence in [*sentences, *(wording.note(code, language) for code in told.notes)]:
        assert sentence.endswith(".") and "{" not in sentence and "None" not in sentence
    exchange.report_json(told, told.breakdowns["region"], language)
    for dimension in DIMENSIONS:
        lines = "".join(exchange.rows_csv(told.breakdowns[dimension])).split("\r\n")
        assert len(lines) == len(told.breakdowns[dimension]) + 2
    assert "corrections:3" in told.notes or not found


def test_keys_of_what_has_none_and_names_of_counted_keys() -> None:
    bare = fact(campaign="", step="", place=None, regions=(), categories=())
    for dimension in ("campaign", "step", "place", "region", "category"):
        (row,) = breakdown([bare], dimension, lambda about, key: wording.key_name(about, key, "de"))
        assert row.key == NONE and row.label.startswith("ohne")
    names = [wording.key_name(*one) for one in (("weekday", "0", "de"), ("hour", "9", "de"), ("variant", "1", "de"))]
    assert names == ["Montag", "9 Uhr", "B"]


def test_numbers_are_written_as_the_language_wants() -> None:
    german, english = Formats("de"), Formats("en")
    assert (german.number(45.67), english.number(45.67)) == ("45,7", "45.7")
    assert (german.number(12345.67), english.number(12345.67)) == ("12.346", "12,346")
    assert (german.rate(0.0312), english.rate(0.0312)) == ("3,1\u00a0%", "3.1%")
    assert (german.rate(0.00467), german.rate(0.0)) == ("0,47\u00a0%", "0,0\u00a0%")
    assert (german.money(2.5), english.money(2.5)) == ("2,50\u00a0$", "US$2.50")
    assert (german.number(None), english.rate(None)) == ("k. A.", "n/a")
    assert german.long_day(date(2027, 3, 1)) == "1. März 2027"


def test_a_table_holds_no_formula_and_tells_missing_by_an_empty_cell() -> None:
    evil = fact(text="=HYPERLINK(1)", campaign="+x", place_name="-1", figures=dict.fromkeys(METRICS) | {"views": 5})
    head, line, end = "".join(exchange.facts_csv([evil])).split("\r\n")
    assert head.startswith("\ufeffid,posted_at,") and end == ""
    cells_ = dict(zip(head.removeprefix("\ufeff").split(","), line.split(","), strict=True))
    assert (cells_["text"], cells_["campaign"], cells_["place_name"]) == ("'=HYPERLINK(1)", "'+x", "'-1")
    assert (cells_["views"], cells_["comments"], cells_["late_by"]) == ("5", "", "0.0")


def test_a_text_stands_for_its_place_by_whole_words() -> None:
    text = "Sie bauen um, gründen, werkeln oder laden ein, und das mitten auf dem Land?"
    assert beginning(text) == "Sie bauen um, gründen, werkeln oder laden ein, und das …"
    assert beginning("Kurz\n und  gut") == "Kurz und gut"
    assert beginning("x" * 61) == "x" * 60 + " …"
