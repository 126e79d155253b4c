"""Intervals beside published values, and what they must hold to whatever is counted."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.reports.intervals import Count, median_interval, newcombe, rate_interval, ratio, student, wilson

Z = statistics.NormalDist().inv_cdf(0.975)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I: the score method without continuity correction.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_s_interval_is_the_published_one(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(successes, trials, Z)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_difference_of_rates_is_the_published_one(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = newcombe(wilson(*first, Z), wilson(*second, Z))
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@pytest.mark.parametrize(
    ("probability", "freedom", "value"),
    # Abramowitz and Stegun, table 26.10.
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 4, 2.776),
        (0.975, 9, 2.262),
        (0.975, 30, 2.042),
        (0.995, 5, 4.032),
    ],
)
def test_student_s_quantiles_are_those_of_the_tables(probability: float, freedom: int, value: float) -> None:
    assert student(probability, freedom) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize(("number", "below"), [(5, 0), (6, 0), (8, 0), (9, 1), (10, 1), (15, 3), (20, 5), (30, 9)])
def test_the_interval_of_a_median_goes_from_the_published_rank(number: int, below: int) -> None:
    """Conover, Practical Nonparametric Statistics, table A3: the ranks for at least 95 %, whatever the distribution."""
    found = median_interval(range(number))
    assert (found.low, found.high) == (below, number - 1 - below)


def test_no_more_is_said_than_can_be() -> None:
    assert rate_interval([]) is None
    assert rate_interval([Count(3, 100)]) is None
    assert rate_interval([Count(0, 0), Count(3, 100)]) is None
    assert ratio(None, 3) is None and ratio(3, None) is None and ratio(3, 0) is None
    assert ratio(3.0, 2.0) == 0.5
    with pytest.raises(ValueError):
        wilson(0, 0, Z)
    with pytest.raises(ValueError):
        median_interval([])


counts = st.builds(lambda views, share: Count(int(views * share), views), st.integers(0, 100_000), st.floats(0, 1))


@given(st.lists(counts, min_size=2, max_size=30))
def test_a_rate_lies_within_its_interval_and_the_interval_within_nought_and_one(several: list[Count]) -> None:
    found = rate_interval(several)
    if found is not None:
        assert 0 <= found.low <= found.value + 1e-12 and found.value <= found.high + 1e-12 and found.high <= 1


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_a_median_lies_within_its_interval(values: list[int]) -> None:
    found = median_interval(values)
    assert min(values) <= found.low <= found.value <= found.high <= max(values)


def test_more_confidence_is_a_wider_interval() -> None:
    several = [Count(3, 100), Count(9, 120), Count(4, 80), Count(12, 200), Count(1, 50)]
    usual, strict = rate_interval(several), rate_interval(several, 0.99)
    assert usual and strict and strict.low < usual.low and strict.high > usual.high


@pytest.mark.parametrize("number", [5, 10, 30])
def test_announcements_that_differ_by_themselves_are_held_as_often_as_promised(number: int) -> None:
    """Rates that vary from post to post and views with a long tail, as networks have them. An interval that takes views
    for independent would hold the truth far less often."""
    dice, held, naive, rounds = random.Random(7), 0, 0, 600
    for _ in range(rounds):
        several = [_drawn(dice) for _ in range(number)]
        found = rate_interval(several)
        assert found is not None
        held += found.low <= 0.05 <= found.high
        simple = wilson(sum(one.engagements for one in several), sum(one.views for one in several), Z)
        naive += simple.low <= 0.05 <= simple.high
    assert held / rounds > 0.9, held / rounds
    assert naive / rounds < 0.7


def _drawn(dice: random.Random) -> Count:
    views, rate = int(dice.lognormvariate(6.5, 0.8)) + 1, dice.betavariate(5, 95)
    return Count(sum(dice.random() < rate for _ in range(min(views, 3000))), min(views, 3000))
