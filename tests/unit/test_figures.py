"""How networks' figures are read, when posts are measured, and how X is asked for the least money."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posts.engagement import next_sample
from posts.figures import Figure, Posted
from posts.networks import graph_figures, x_figures
from posts.networks.graph_figures import Asking, batch_parts

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NAMES = {"views": "post_media_view", "link_clicks": "post_clicks_by_type"}
ages = st.timedeltas(timedelta(0), timedelta(days=400))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def graph_row(**more: Any) -> dict[str, Any]:
    return {
        "id": "1001_42",
        "comments": {"summary": {"total_count": 3}},
        "reactions": {"summary": {"total_count": 0}},
        "insights": {
            "data": [
                {"name": "post_media_view", "values": [{"value": 120}]},
                {"name": "post_clicks_by_type", "values": [{"value": {"link clicks": 7, "other clicks": 2}}]},
            ]
        },
    } | more


def values(told: dict[str, Figure]) -> dict[str, int | None]:
    return {metric: figure.value for metric, figure in told.items()}


def test_facebook_s_figures_keep_zero_and_not_told_apart() -> None:
    assert values(graph_figures.figures_of(graph_row(), Asking(NAMES))) == {
        "shares": 0,  # Graph leaves shares out where there are none
        "reactions": 0,
        "comments": 3,
        "views": 120,
        "link_clicks": 7,
    }
    # A Page with fewer than a hundred likes: no insights at all, and no error.
    untold = graph_row(insights={"data": []}, comments={"data": []}, shares={"count": 4})
    assert values(graph_figures.figures_of(untold, Asking(NAMES))) == {
        "shares": 4,
        "reactions": 0,
        "comments": None,
        "views": None,
        "link_clicks": None,
    }


def test_nobody_clicked_the_link_when_facebook_names_other_clicks_only() -> None:
    clicks = {"data": [{"name": "post_clicks_by_type", "values": [{"value": {"other clicks": 2}}]}]}
    assert graph_figures.figures_of(graph_row(insights=clicks), Asking(NAMES))["link_clicks"].value == 0


def test_each_figure_names_its_source() -> None:
    told = graph_figures.figures_of(graph_row(), Asking(NAMES))
    assert told["link_clicks"].source == "post_clicks_by_type.link clicks"
    assert told["comments"].source == "comments.summary.total_count"
    row = {"id": "7", "public_metrics": {"retweet_count": 2, "quote_count": 1}}
    assert x_figures.figures_of(row, private=False)["shares"] == Figure(3, "public_metrics.retweet_count+quote_count")


def test_x_tells_nothing_of_clicks_on_older_posts_and_nothing_is_made_up() -> None:
    row = {"id": "7", "public_metrics": {"impression_count": 9, "like_count": 0, "reply_count": 1}}
    told = values(x_figures.figures_of(row, private=False))
    assert told == {"views": 9, "reactions": 0, "comments": 1, "shares": None}
    assert values(x_figures.figures_of(row, private=True))["link_clicks"] is None


@given(json_values)
def test_whatever_a_network_answers_a_figure_is_a_count_or_unknown(answer: object) -> None:
    for body in (
        answer,
        {"data": answer},
        {"data": [answer]},
        {"data": [{"id": "1", "insights": answer, "shares": answer}]},
    ):
        found: list[Any] = []
        try:
            found += graph_figures.figures_page(body, Asking(NAMES)).figures.values()
        except ValueError as error:
            assert str(error)
        try:
            found += x_figures.figures_page(body, private=True).figures.values()
        except ValueError as error:
            assert str(error)
        for told in found:
            assert all(one.value is None or one.value >= 0 for one in told.values())


@given(json_values)
def test_whatever_a_batch_answers_parts_are_told_gone_or_not_reached(answer: object) -> None:
    try:
        parts = batch_parts([answer, {"code": 200, "body": answer}], 2)
    except ValueError as error:
        assert str(error)
    else:
        assert all(not part.gone for part in parts)


def test_a_batch_tells_what_is_gone_from_what_ran_out_of_time() -> None:
    gone = '{"error": {"code": 100, "error_subcode": 33, "message": "does not exist"}}'
    late, row, lost = batch_parts([None, {"code": 200, "body": '{"id": "1"}'}, {"code": 400, "body": gone}], 3)
    assert (late.row, late.gone) == (None, False)
    assert row.row == {"id": "1"}
    assert lost.gone


# --- when


SCHEDULE = tuple(timedelta(hours=hours) for hours in (1, 3, 24, 168, 840))


@given(ages)
def test_the_next_sample_is_the_first_age_to_come(age: timedelta) -> None:
    at = next_sample(SCHEDULE, NOW - age, NOW)
    still = [step for step in SCHEDULE if step > age]
    assert at == (NOW - age + still[0] if still else None)


# --- how to ask X


@given(st.lists(ages, min_size=1, max_size=30, unique=True))
def test_each_post_stands_in_one_window_that_holds_it(given_ages: list[timedelta]) -> None:
    posts = [Posted(str(number), NOW - age) for number, age in enumerate(given_ages)]
    found = list(x_figures.windows(posts, NOW))
    assert sorted(post.remote_id for one in found for post in one.posts) == sorted(post.remote_id for post in posts)
    for one in found:
        assert all(one.start < post.posted_at <= one.end for post in one.posts)
        assert {x_figures.is_private(post, NOW) for post in one.posts} == {one.private}
    starts = [one.start for one in found]
    assert starts == sorted(starts, reverse=True)


def test_posts_far_apart_are_asked_for_in_windows_of_their_own() -> None:
    posts = [Posted("1", NOW - timedelta(days=100)), Posted("2", NOW - timedelta(days=200))]
    assert [len(one.posts) for one in x_figures.windows(posts, NOW)] == [1, 1]
    near = [Posted("1", NOW - timedelta(days=100)), Posted("2", NOW - timedelta(days=100, hours=3))]
    assert [len(one.posts) for one in x_figures.windows(near, NOW)] == [2]


@pytest.mark.parametrize("private", [True, False])
def test_private_metrics_are_asked_for_while_x_gives_them(private: bool) -> None:
    assert ("non_public_metrics" in x_figures.fields(private)) is private
