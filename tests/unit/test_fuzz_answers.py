"""Whatever a network answers: a success is a known success, and anything else is an outcome in our words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posts.clock import ManualClock
from posts.drafts import Draft
from posts.errors import Outcome, Refused, Throttled
from posts.networks.facebook import FacebookPublisher
from posts.networks.publisher import LONGEST_WAIT, Absent, Blind, Endpoint, Found, Publisher
from posts.networks.twitter import TwitterPublisher
from tests.unit.scripted_http import Says, ScriptedServer

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
OAUTH1 = {"consumer_key": "k", "consumer_secret": "s", "access_token": "42-t", "access_token_secret": "ts"}
NETWORKS = ("facebook", "twitter")

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8)
KEYS = st.sampled_from(
    ["data", "id", "error", "errors", "code", "error_subcode", "message", "title", "detail", "type", "status", "meta",
     "text", "permalink_url", "paging", "is_transient", "edit_history_tweet_ids"]
)  # fmt: skip
BODIES = (
    st.recursive(LEAVES, lambda one: st.lists(one, max_size=3) | st.dictionaries(KEYS, one, max_size=4), max_leaves=8)
    .map(lambda value: json.dumps(value).encode())
    .flatmap(lambda whole: st.integers(0, len(whole)).map(lambda end: whole[:end]) | st.just(whole))
) | st.binary(max_size=40) | st.sampled_from(
    [b"", b"<html>500</html>", b"[" * 5000, b'{"id": 1e999}', b'{"data": {"id": "1"}, "data": 7}', b"\xff\xfe", b"null"]
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-rate-limit-reset", "x-rate-limit-remaining", "date", "x-app-usage",
                     "x-business-use-case-usage", "content-type", "x-user-limit-24hour-reset"]),
    st.sampled_from(["-1", "0", "9" * 30, "abc", "NaN", "inf", "Fri, 31 Dec 9999 23:59:59 GMT", "{}", "[", "{\"1\": 7}",
                     "Tue, 24 Nov 2026 09:00:00 GMT", "text/html", ""]),
    max_size=4,
)  # fmt: skip
STATUSES = st.sampled_from([200, 201, 202, 204, 301, 304, 400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 425, 429])
ANSWERS = st.builds(Says, STATUSES | st.integers(500, 599), BODIES, HEADERS)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


def opened(network: str, server: ScriptedServer) -> Publisher:
    endpoint = Endpoint(server.url, 5.0, 5.0)
    if network == "facebook":
        return FacebookPublisher("1001", {"access_token": "EAA"}, endpoint, ManualClock(NOW))
    return TwitterPublisher("42", OAUTH1, endpoint, ManualClock(NOW))


def outcome_of(call: Any) -> Outcome | None:
    """How a call ended: None for a success; any other exception fails the test."""
    try:
        call()
    except Outcome as outcome:
        if isinstance(outcome, Throttled) and outcome.until is not None:
            assert outcome.until <= NOW + LONGEST_WAIT + timedelta(days=1), "a wait without end is none that is told"
        return outcome
    return None


FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize("network", NETWORKS)
@FUZZ
@given(answer=ANSWERS)
def test_publishing_ends_with_a_known_success_or_an_outcome(network: str, server: ScriptedServer, answer: Says) -> None:
    server.script.clear()
    server.says(answer)
    one = opened(network, server)
    prepared = one.prepare(Draft(network, "Der Hof ist offen"))
    ended = outcome_of(lambda: one.publish(prepared))
    if ended is None:
        assert answer.status in (200, 201), "only the network's own word for success is one"
        assert json.loads(answer.raw)
    if isinstance(ended, Refused):
        assert 400 <= answer.status < 500, "a server error never means that nothing was published"


@pytest.mark.parametrize("network", NETWORKS)
@FUZZ
@given(answers=st.lists(ANSWERS, min_size=1, max_size=3))
def test_looking_ends_with_posts_a_complete_read_or_blindness(
    network: str, server: ScriptedServer, answers: list[Says]
) -> None:
    server.script.clear()
    server.says(*answers)
    sighting = opened(network, server).find(Draft(network, "Der Hof ist offen"), NOW - timedelta(minutes=15))
    assert isinstance(sighting, Found | Absent | Blind)
    if isinstance(sighting, Absent):
        assert answers[0].status == 200, "absence is told by a time-line that was read"


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("call", ["check", "delete", "correct"])
@FUZZ
@given(answer=ANSWERS)
def test_every_other_call_ends_with_an_answer_or_an_outcome(
    call: str, network: str, server: ScriptedServer, answer: Says
) -> None:
    server.script.clear()
    server.says(answer)
    one = opened(network, server)
    calls = {"check": one.check, "delete": lambda: one.delete("1"), "correct": lambda: one.correct("1", "Neu")}
    outcome_of(calls[call])
