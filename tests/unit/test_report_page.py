"""The report's page without a page: periods counted back from today, and what charts and heat map are made of."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.reports.values import METRICS, Cell, Figures, Gain, Span
from campaign.web.language import Dates
from campaign.web.report_page import PERIODS, SHADES, Search, course_chart, days_of, gains_chart, heat

DATES = Dates("de", ZoneInfo("Europe/Berlin"))
DAYS = st.dates(date(2001, 1, 1), date(2190, 12, 31))


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("7", "2027-02-22", "2027-02-28"),
        ("28", "2027-02-01", "2027-02-28"),
        ("monat", "2027-03-01", "2027-03-01"),
        ("vormonat", "2027-02-01", "2027-02-28"),
        ("jahr", "2027-01-01", "2027-03-01"),
    ],
)
def test_a_period_counts_whole_days_up_to_yesterday_and_months_up_to_today(period: str, first: str, last: str) -> None:
    assert days_of(period, date(2027, 3, 1)) == (date.fromisoformat(first), date.fromisoformat(last))


@given(st.sampled_from(sorted(PERIODS)), DAYS)
def test_a_period_begins_before_it_ends_and_never_reaches_beyond_today(period: str, today: date) -> None:
    first, last = days_of(period, today)
    assert first <= last <= today
    if period.isdecimal():
        assert (last - first).days + 1 == int(period) and last < today


def test_named_days_win_over_a_period_that_counts_back() -> None:
    asked = Search(zeitraum="7", von="2026-12-01", bis="2026-12-24").asked(date(2027, 3, 1))
    assert (asked["from"], asked["to"]) == ("2026-12-01", "2026-12-24")


def test_what_is_no_period_metric_or_dimension_is_the_usual_one() -> None:
    search = Search(zeitraum="morgen", zahl="likes", nach="wetter")
    assert (search.period, search.metric, search.dimension) == ("28", "views", "channel")


def test_the_address_keeps_everything_else_and_leaves_out_what_is_empty() -> None:
    search = Search(zeitraum="90", kanal="altmark-x", zahl="shares")
    assert search.address(zeitraum="", nach="place") == "kanal=altmark-x&zahl=shares&nach=place"


# --- charts


def figures(posts: int, views: int | None) -> Figures:
    metrics = dict.fromkeys(METRICS) | {"views": views}
    known = {metric: int(value is not None) for metric, value in metrics.items()}
    return Figures(posts, metrics, known, None, None, None, None, 0, None)


def test_what_nobody_told_is_marked_in_the_course_and_never_drawn_as_nothing() -> None:
    day = date(2026, 12, 1)
    course = [Span(day, day, figures(2, None)), Span(day, day, figures(0, None)), Span(day, day, figures(1, 0))]
    drawn = course_chart(course, "views", "Aufrufe", "Beiträge", DATES)["panels"][0]["series"][0]
    assert drawn["values"] == [None, None, 0]
    assert drawn["unknown"] == [True, False, False]


def test_what_a_network_took_back_is_drawn_apart_from_the_gain() -> None:
    gains = [Gain(date(2026, 12, 1), 40, 0), Gain(date(2026, 12, 2), 12, -5)]
    series = gains_chart(gains, "Zuwachs", "zurückgenommen", DATES)["panels"][0]["series"]
    assert [one["values"] for one in series] == [[40, 12], [0, -5]]
    assert len(gains_chart(gains[:1], "Zuwachs", "zurückgenommen", DATES)["panels"][0]["series"]) == 1


CELLS = st.lists(
    st.builds(
        Cell,
        weekday=st.integers(0, 6),
        hour=st.integers(0, 23),
        posts=st.integers(1, 9),
        measured=st.integers(0, 9),
        views=st.none() | st.floats(0, 1e6),
    ),
    unique_by=lambda cell: (cell.weekday, cell.hour),
)


@given(CELLS)
def test_every_cell_stands_in_the_heat_map_once_in_its_place(cells: list[Cell]) -> None:
    hours = heat(cells)
    shown = [(line.hour, weekday, one) for line in hours for weekday, one in enumerate(line.days) if one is not None]
    assert sorted((hour, weekday) for hour, weekday, _ in shown) == sorted((one.hour, one.weekday) for one in cells)
    assert all(one.cell.hour == hour and one.cell.weekday == weekday for hour, weekday, one in shown)
    assert [line.hour for line in hours] == sorted({cell.hour for cell in cells})


@given(CELLS)
def test_only_what_was_measured_has_a_shade_and_more_is_never_lighter(cells: list[Cell]) -> None:
    shaded = [one for line in heat(cells) for one in line.days if one is not None]
    assert all((one.shade == 0) == (one.cell.views is None) and one.shade <= SHADES for one in shaded)
    ordered = sorted((one.cell.views, one.shade) for one in shaded if one.cell.views is not None)
    assert [shade for _, shade in ordered] == sorted(shade for _, shade in ordered)


def test_a_whole_month_is_called_by_its_name_and_other_days_by_their_dates() -> None:
    assert DATES.days(date(2026, 11, 1), date(2026, 11, 30)) == "November 2026"
    assert DATES.days(date(2026, 11, 2), date(2026, 11, 8)).startswith("2.–8. Nov")
    assert DATES.days(date(2026, 11, 2), date(2026, 11, 2)) == "Mo., 02.11.2026"
