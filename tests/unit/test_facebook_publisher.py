"""The Facebook publisher: what it sends, what it makes of every answer, and the gaps of facebook-sdk 3.1 it closes."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.news import REFUSALS
from posts.clock import ManualClock
from posts.drafts import Draft, Image
from posts.errors import Outcome, Refused, SignedOut, Throttled, Unclear, Unreachable
from posts.figures import Posted
from posts.networks import facebook as door
from posts.networks.facebook import LIMITS, RULES, FacebookPublisher, GraphError, rule_for
from posts.networks.publisher import Absent, Blind, Call, CredentialsError, Endpoint, Found, Prepared, Reply
from tests.unit.outcomes_page import rows_for, rows_of
from tests.unit.scripted_http import Asked, Says, ScriptedServer

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TOKEN, APP_ID, SECRET = "EAABpagetoken1234567890", "77001", "appsecret0123456789"
PAGE = "1001"
LINK = "https://kreativorte-im-gruenen.de/orte/hof?utm_content=k7f3"


@pytest.fixture
def graph() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.says(Says(body={"id": "1001_42", "permalink_url": "https://www.facebook.com/1001/posts/42"}))
        yield server


def publisher(graph: ScriptedServer, *, app: bool = False, read_timeout: float = 10.0) -> FacebookPublisher:
    credentials = {"access_token": TOKEN} | ({"app_id": APP_ID, "app_secret": SECRET} if app else {})
    return FacebookPublisher(PAGE, credentials, Endpoint(graph.url, 5.0, read_timeout), ManualClock(NOW))


def draft(text: str = "Der Hof ist offen", link: str | None = None, images: tuple[Image, ...] = ()) -> Draft:
    return Draft("facebook", text, link, images, "k7f3")


def error(code: int, subcode: int | None = None, message: str = "no", status: int = 400, **headers: str) -> Says:
    content: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Atrace"}
    if subcode is not None:
        content["error_subcode"] = subcode
    return Says(status, {"error": content}, {name.replace("_", "-"): value for name, value in headers.items()})


def published(graph: ScriptedServer, what: Draft | None = None) -> Outcome:
    """The outcome of a visible call that does not succeed."""
    with pytest.raises(Outcome) as caught:
        publisher(graph).publish(Prepared(what or draft()))
    return caught.value


def picture(tmp_path: Path, data: bytes = b"\xff\xd8\xff\xe0 a picture", alt: str = "Ein Hof") -> Image:
    file = tmp_path / "hof.jpg"
    file.write_bytes(data)
    return Image(str(file), alt, "Foto: A. Beispiel", hashlib.sha256(data).hexdigest())


def seen(request: Asked) -> str:
    """Everything that may stand in a server's access log."""
    return request.target


# What is sent


def test_a_text_is_one_feed_call_whose_answer_brings_the_permalink(graph: ScriptedServer) -> None:
    receipt = publisher(graph).publish(Prepared(draft("Grüße\n»aus« Tangermünde")))
    (asked,) = graph.asked
    assert (asked.method, asked.path) == ("POST", "/v26.0/1001/feed")
    assert asked.form == {"message": "Grüße\n»aus« Tangermünde", "access_token": TOKEN}
    assert asked.query == {"fields": "id,permalink_url"}
    assert receipt.remote_id == "1001_42"
    assert receipt.permalink == "https://www.facebook.com/1001/posts/42"


def test_without_a_told_permalink_the_documented_address_is_used(graph: ScriptedServer) -> None:
    graph.says(Says(body={"id": "1001_42"}))
    assert publisher(graph).publish(Prepared(draft())).permalink == "https://www.facebook.com/1001_42"


def test_the_link_becomes_a_card_only_without_pictures(graph: ScriptedServer) -> None:
    publisher(graph).publish(Prepared(draft(link=LINK)))
    publisher(graph).publish(Prepared(draft(link=LINK), ("555",)))
    assert graph.asked[0].form["link"] == LINK
    assert "link" not in graph.asked[1].form
    assert json.loads(graph.asked[1].form["attached_media"]) == [{"media_fbid": "555"}]


def test_even_a_single_picture_is_uploaded_unpublished_with_its_alt_text(graph: ScriptedServer, tmp_path: Path) -> None:
    graph.says(Says(body={"id": "555"}))
    prepared = publisher(graph).prepare(draft(images=(picture(tmp_path),)))
    (asked,) = graph.asked
    assert (asked.method, asked.path) == ("POST", "/v26.0/1001/photos")
    assert asked.form["published"] == "false"
    assert asked.form["alt_text_custom"].encode("latin-1").decode() == "Ein Hof"
    assert "a picture" in asked.form["source"]
    assert prepared.media == ("555",)


def test_a_picture_that_is_not_the_frozen_one_is_refused_unsent(graph: ScriptedServer, tmp_path: Path) -> None:
    changed = picture(tmp_path)
    Path(changed.file).write_bytes(b"\xff\xd8\xff another")
    with pytest.raises(Refused, match="media_changed"):
        publisher(graph).prepare(draft(images=(changed,)))
    Path(changed.file).unlink()
    with pytest.raises(Refused, match="media_changed"):
        publisher(graph).prepare(draft(images=(changed,)))
    assert graph.asked == []


def test_what_can_not_fit_is_refused_unsent(graph: ScriptedServer, tmp_path: Path) -> None:
    fine = picture(tmp_path)
    for what, reason in (
        (draft("x" * (LIMITS.text + 1)), "too_long"),
        (draft(images=(fine,) * 11), "too_many_images"),
        (draft(images=(Image(fine.file, "x" * 1001, "", fine.sha256),)), "too_long"),
        (draft(images=(picture(tmp_path, b"\xff\xd8\xff" + b"x" * 4_000_000),)), "media_invalid"),
    ):
        with pytest.raises(Refused) as caught:
            publisher(graph).prepare(what)
        assert caught.value.reason == reason
    assert graph.asked == []


def test_a_correction_changes_the_message_of_that_post(graph: ScriptedServer) -> None:
    graph.says(Says(body={"success": True}))
    publisher(graph).correct("1001_42", "Neu")
    (asked,) = graph.asked
    assert (asked.method, asked.path, asked.form["message"]) == ("POST", "/v26.0/1001_42", "Neu")


def test_a_post_that_is_gone_counts_as_deleted_only_while_the_page_is_visible(graph: ScriptedServer) -> None:
    graph.says(error(100, 33), Says(body={"id": PAGE}))
    publisher(graph).delete("1001_42")
    graph.says(error(100, 33), error(100, 33))
    with pytest.raises(SignedOut, match="not_found"):
        publisher(graph).delete("1001_42")


def test_deleting_and_editing_without_permission_says_nothing_of_the_account(graph: ScriptedServer) -> None:
    graph.says(error(10), error(200))
    with pytest.raises(Refused, match="permission_missing"):
        publisher(graph).delete("1001_42")
    with pytest.raises(Refused, match="permission_missing"):
        publisher(graph).correct("1001_42", "Neu")


@pytest.mark.parametrize("body", [{"success": False}, {"success": "yes"}, [], None])
def test_a_change_that_is_not_confirmed_is_no_success(graph: ScriptedServer, body: Any) -> None:
    graph.says(Says(body=body))
    with pytest.raises(Outcome):
        publisher(graph).delete("1001_42")


# What follows from an answer: rule by rule

BY_ANSWER = [
    (error(1), Unclear, "server_error"),
    (error(2, status=503), Unclear, "server_error"),
    (error(4), Throttled, "rate_limited"),
    (error(17), Throttled, "rate_limited"),
    (error(32), Throttled, "rate_limited"),
    (error(613, 1996), Throttled, "rate_limited"),
    (error(341), Throttled, "rate_limited"),
    (error(80001), Throttled, "rate_limited"),
    (error(80014), Throttled, "rate_limited"),
    (error(100), Refused, "invalid_request"),
    (error(100, 33), Refused, "not_found"),
    (error(3), SignedOut, "permission_missing"),
    (error(10), SignedOut, "permission_missing"),
    (error(200), SignedOut, "permission_missing"),
    (error(283), SignedOut, "permission_missing"),
    (error(299), SignedOut, "permission_missing"),
    (error(102), SignedOut, "token_invalid"),
    (error(104), SignedOut, "app_secret_wrong"),
    (error(190), SignedOut, "token_invalid"),
    (error(190, 458), SignedOut, "app_removed"),
    (error(190, 459), SignedOut, "login_check"),
    (error(190, 460), SignedOut, "password_changed"),
    (error(190, 463), SignedOut, "token_expired"),
    (error(190, 464), SignedOut, "login_check"),
    (error(190, 467), SignedOut, "token_invalid"),
    (error(190, 492), SignedOut, "role_missing"),
    (error(324), Refused, "media_invalid"),
    (error(368), Throttled, "posting_blocked"),
    (error(368, 1390008), Throttled, "posting_blocked"),
    (error(368, message="You've already posted this."), Unclear, "duplicate"),
    (error(506), Unclear, "duplicate"),
    (error(1609005), Throttled, "link_unreachable"),
    (error(100, 1609005), Throttled, "link_unreachable"),
    (error(100, 1366046), Refused, "media_invalid"),
    (error(100, 1366051), Unclear, "duplicate"),
    (error(100, 1609008), Refused, "link_refused"),
    (error(1346003), Refused, "content_rules"),
    (error(200, 1404102), Refused, "content_rules"),
    (error(200, 1404112), SignedOut, "account_limited"),
    (error(200, 1404078), SignedOut, "identity_unconfirmed"),
    (error(4854002), SignedOut, "identity_unconfirmed"),
    (error(99999), Unclear, "unknown_answer"),
    (error(300), Unclear, "unknown_answer"),
    (Says(429, "slow down"), Throttled, "rate_limited"),
    (Says(500, {"error": {"code": 100, "message": "permanent, yet behind a 500"}}), Unclear, "server_error"),
    (Says(502, "<html>Bad gateway</html>"), Unclear, "server_error"),
    (Says(403, "<html>no</html>"), Unclear, "unreadable_answer"),
    (Says(200, "<html>fine?</html>"), Unclear, "unreadable_answer"),
    (Says(200, {"ok": True}), Unclear, "unreadable_answer"),
    (Says(200, {"id": 7}), Unclear, "unreadable_answer"),
    (Says(200, {"id": "../x"}), Unclear, "unreadable_answer"),
    (Says(200, []), Unclear, "unreadable_answer"),
    (Says(200, "[" * 100_000), Unclear, "unreadable_answer"),
    (Says(302, {"id": "1"}, {"location": "/elsewhere"}), Unclear, "unreadable_answer"),
]


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    BY_ANSWER,
    ids=[f"{reason}-{a.status}-{i}" for i, (a, _, reason) in enumerate(BY_ANSWER)],
)
def test_what_follows_from_an_answer_to_the_visible_call(
    graph: ScriptedServer, answer: Says, kind: type[Outcome], reason: str
) -> None:
    graph.says(answer)
    outcome = published(graph)
    assert (type(outcome), outcome.reason) == (kind, reason)
    assert len(graph.asked) == 1


def test_every_rule_of_the_table_is_reached_by_some_answer() -> None:
    reached = {
        id(rule_for(Reply(a.status, {}, a.body, isinstance(a.body, dict)), Call.PUBLISH)) for a, _, _ in BY_ANSWER
    }
    assert [rule.answer for rule in RULES if id(rule) not in reached] == []


def test_the_page_of_outcomes_shows_this_table() -> None:
    rules = (*RULES, door.TOO_MANY, door.SERVER_ERROR, door.UNREADABLE, door.UNKNOWN)
    assert rows_of("Facebook") == rows_for(rules)


@given(code=st.integers(-(10**7), 10**8), subcode=st.none() | st.integers(0, 10**7), status=st.integers(400, 499))
def test_a_code_outside_the_table_is_doubt(code: int, subcode: int | None, status: int) -> None:
    body = {"error": {"code": code, "error_subcode": subcode, "message": ""}}
    rule = rule_for(Reply(status, {}, body, True), Call.PUBLISH)
    listed = any(r.first <= number <= r.last for r in RULES for number in (code, subcode) if number is not None)
    assert listed or rule.outcome is Unclear or status == 429


def test_repetitions_are_evidence_of_an_earlier_success(graph: ScriptedServer) -> None:
    graph.says(error(506))
    outcome = published(graph)
    assert isinstance(outcome, Unclear)
    assert outcome.duplicate


def test_waits_are_those_the_network_names_or_the_table(graph: ScriptedServer) -> None:
    usage = json.dumps({PAGE: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 22}]})
    for answer, until, scope in (
        (error(80001, x_business_use_case_usage=usage), NOW + timedelta(minutes=22), "channel"),
        (error(4, retry_after="90"), NOW + timedelta(seconds=90), "channel"),
        (error(4), None, "channel"),
        (error(4, x_business_use_case_usage="nonsense"), None, "channel"),
        (error(368, 1390008), NOW + timedelta(hours=1), "channel"),
        (error(1609005), NOW + timedelta(minutes=5), "post"),
    ):
        graph.says(answer)
        outcome = published(graph)
        assert isinstance(outcome, Throttled)
        assert (outcome.until, outcome.scope) == (until, scope)


def test_the_networks_own_clock_is_kept(graph: ScriptedServer) -> None:
    graph.says(error(100, date="Tue, 24 Nov 2026 09:07:30 GMT"))
    assert published(graph).server_time == datetime(2026, 11, 24, 9, 7, 30, tzinfo=UTC)
    graph.says(Says(body={"id": "1001_42"}, headers={"date": "Tue, 24 Nov 2026 09:07:30 GMT"}))
    assert publisher(graph).publish(Prepared(draft())).server_time == datetime(2026, 11, 24, 9, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "answer", [error(1, status=500), error(99999), Says(502, "<html>"), Says(200, {}), Says(hang_up=True)]
)
def test_a_failed_upload_is_no_doubt_about_a_post(graph: ScriptedServer, tmp_path: Path, answer: Says) -> None:
    graph.says(answer)
    with pytest.raises(Unclear, match="upload_failed"):
        publisher(graph).prepare(draft(images=(picture(tmp_path),)))


# The time-line


def post(
    number: int, message: str = "Anderes", created: str = "2026-11-24T09:00:05+0000", **more: Any
) -> dict[str, Any]:
    return {"id": f"1001_{number}", "message": message, "created_time": created} | more


def test_a_post_is_recognised_by_text_or_by_marker(graph: ScriptedServer) -> None:
    card = {"media_type": "link", "unshimmed_url": LINK}
    shim = {"media_type": "link", "url": f"https://l.facebook.com/l.php?u={quote(LINK, safe='')}&h=x"}
    graph.says(
        Says(
            body={
                "data": [
                    post(1),
                    post(2, "Der  Hof ist offen"),
                    post(3, attachments={"data": [card]}),
                    post(4, f"Bild {LINK}"),
                    post(5, attachments={"data": [shim]}),
                ]
            }
        )
    )
    sighting = publisher(graph).find(draft(link=LINK), NOW - timedelta(minutes=15))
    assert isinstance(sighting, Found)
    assert [found.remote_id for found in sighting.posts] == ["1001_2", "1001_3", "1001_4", "1001_5"]


def test_posts_of_other_apps_and_older_ones_are_not_ours(graph: ScriptedServer) -> None:
    ours = "Der Hof ist offen"
    graph.says(
        Says(
            body={
                "data": [
                    post(1, ours, application={"id": "999"}),
                    post(2, ours, application={"id": APP_ID}),
                    post(3, ours),
                    post(4, ours, created="2026-11-24T08:44:59+0000"),
                ]
            }
        )
    )
    sighting = publisher(graph, app=True).find(draft(), NOW - timedelta(minutes=15))
    assert isinstance(sighting, Found)
    assert [(found.remote_id, found.own_app) for found in sighting.posts] == [("1001_2", True), ("1001_3", None)]


def test_pictures_are_counted_in_albums_and_single(graph: ScriptedServer) -> None:
    album = {"media_type": "album", "subattachments": {"data": [{"media_type": "photo"}] * 3}}
    graph.says(
        Says(
            body={
                "data": [
                    post(1, "Der Hof ist offen", attachments={"data": [album]}),
                    post(2, "Der Hof ist offen", attachments={"data": [{"media_type": "photo"}]}),
                    post(3, "Der Hof ist offen"),
                ]
            }
        )
    )
    sighting = publisher(graph).find(draft(), NOW - timedelta(minutes=15))
    assert isinstance(sighting, Found)
    assert [found.images for found in sighting.posts] == [3, 1, 0]


def more(after: str, *posts: dict[str, Any]) -> Says:
    return Says(
        body={"data": list(posts), "paging": {"cursors": {"after": after}, "next": f"https://x/?after={after}"}}
    )


def test_reading_goes_on_past_one_old_post_until_a_whole_page_is_old(graph: ScriptedServer) -> None:
    old = "2026-11-20T09:00:00+0000"
    graph.says(
        more("a", post(1, created=old), post(2)),
        more("b", post(3, "Der Hof ist offen")),
        more("c", post(4, created=old)),
        error(1, status=500),
    )
    sighting = publisher(graph).find(draft(), NOW - timedelta(minutes=15))
    assert isinstance(sighting, Found)
    assert [asked.query.get("after") for asked in graph.asked] == [None, "a", "b"]


def test_absence_needs_a_complete_read(graph: ScriptedServer) -> None:
    since = NOW - timedelta(minutes=15)
    graph.says(more("a", post(1)), Says(body={"data": []}))
    assert publisher(graph).find(draft(), since) == Absent(since)


@pytest.mark.parametrize(
    "answers",
    [
        [error(1, status=500)],
        [error(190, 463)],
        [error(4)],
        [Says(502, "<html>")],
        [Says(hang_up=True)],
        [Says(body={"data": "none"})],
        [Says(body={})],
        [Says(body=[])],
        [Says(body={"data": [{"message": "x"}]})],
        [Says(body={"data": [post(1, created="gestern")]})],
        [Says(body={"data": [post(1, created="2026-11-24T09:00:00")]})],
        [Says(body={"data": [{"id": "1_1", "created_time": "2026-11-24T09:00:05+0000", "message": 7}]})],
        [Says(body={"data": [], "paging": {"next": "https://x"}})],
        [more("a", post(1)), error(2, status=500)],
        [more("a", post(1)), more("a", post(2))],
        [Says(body={"data": [post(1, "Der Hof ist offen")], "error": {"code": 1, "message": "half"}})],
    ],
)
def test_whatever_is_not_a_complete_read_is_blind(graph: ScriptedServer, answers: list[Says]) -> None:
    graph.says(*answers)
    assert isinstance(publisher(graph).find(draft(), NOW - timedelta(minutes=15)), Blind)


def test_too_much_data_is_asked_for_in_smaller_pages(graph: ScriptedServer) -> None:
    too_much = error(
        1, message="Please reduce the amount of data you're asking for, then retry your request", status=500
    )
    graph.says(too_much, too_much, Says(body={"data": []}))
    assert isinstance(publisher(graph).find(draft(), NOW), Absent)
    assert [asked.query["limit"] for asked in graph.asked] == ["50", "25", "12"]
    graph.says(too_much)
    assert isinstance(publisher(graph).find(draft(), NOW), Blind)


# The account


def debug(**data: Any) -> Says:
    body = {
        "data": {
            "app_id": APP_ID,
            "type": "PAGE",
            "is_valid": True,
            "expires_at": 0,
            "data_access_expires_at": 0,
            "scopes": ["pages_manage_posts", "pages_read_engagement", "read_insights"],
        }
        | data
    }
    return Says(body=[{"code": 200, "body": json.dumps(body)}])


PAGE_ANSWER = Says(body={"id": PAGE, "name": "Kreativorte"}, headers={"facebook-api-version": "v26.0"})


def test_a_healthy_account_has_no_problems(graph: ScriptedServer) -> None:
    graph.says(PAGE_ANSWER, debug())
    account = publisher(graph, app=True).check()
    assert (account.id, account.name, account.token_expires, account.problems) == (PAGE, "Kreativorte", None, ())


def test_without_app_id_and_secret_the_account_says_what_is_unknown(graph: ScriptedServer) -> None:
    graph.says(PAGE_ANSWER)
    assert publisher(graph).check().problems == ("own_posts_unknown", "expiry_unknown")
    assert len(graph.asked) == 1


def test_token_end_and_problems_come_from_debug_token(graph: ScriptedServer) -> None:
    ends = NOW + timedelta(days=10)
    graph.says(
        PAGE_ANSWER,
        debug(
            type="USER",
            app_id="1",
            scopes=["pages_manage_posts", "pages_read_engagement"],
            granular_scopes=[{"scope": "pages_manage_posts", "target_ids": ["2002"]}],
            expires_at=int((NOW + timedelta(days=50)).timestamp()),
            data_access_expires_at=int(ends.timestamp()),
        ),
    )
    account = publisher(graph, app=True).check()
    assert account.token_expires == ends
    assert account.problems == (
        "not_a_page_token",
        "wrong_app",
        "permission_missing:pages_manage_posts",
        "permission_missing:read_insights",
        "data_access_ends:2026-12-04",
    )


def test_a_token_that_is_not_valid_signs_the_account_out(graph: ScriptedServer) -> None:
    graph.says(PAGE_ANSWER, debug(is_valid=False, error={"code": 190, "message": f"Malformed access token {TOKEN}"}))
    with pytest.raises(SignedOut) as caught:
        publisher(graph, app=True).check()
    assert TOKEN not in str(caught.value)


def test_another_served_version_is_a_problem(graph: ScriptedServer) -> None:
    graph.says(Says(body={"id": PAGE, "name": "x"}, headers={"facebook-api-version": "v27.0"}))
    assert "version_differs:v27.0" in publisher(graph).check().problems


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a b"},
        {"access_token": "ä"},
        {"access_token": TOKEN, "acces_token": "x"},
        {"access_token": TOKEN, "app_id": 77},
    ],
)
def test_unusable_credentials_are_refused_with_a_word(credentials: dict[str, Any]) -> None:
    with pytest.raises(CredentialsError) as caught:
        FacebookPublisher(PAGE, credentials, Endpoint("http://127.0.0.1:9"), ManualClock(NOW))
    assert caught.value.word in REFUSALS
    assert TOKEN not in str(caught.value)


# The defects of facebook-sdk 3.1.0, numbered as in docs/outcomes.md


def test_defect_01_version_whitelist(graph: ScriptedServer) -> None:
    publisher(graph).publish(Prepared(draft()))
    assert graph.asked[0].path.startswith("/v26.0/")


def test_defect_02_token_in_urls(graph: ScriptedServer) -> None:
    ours = publisher(graph, app=True)
    graph.says(
        PAGE_ANSWER,
        debug(),
        Says(body={"id": "1001_1"}),
        Says(body={"success": True}),
        Says(body={"success": True}),
        Says(body={"data": []}),
    )
    ours.check()
    ours.publish(Prepared(draft()))
    ours.correct("1001_1", "x")
    ours.delete("1001_1")
    ours.find(draft(), NOW)
    assert [asked.method for asked in graph.asked] == ["GET", "POST", "POST", "POST", "DELETE", "GET"]
    assert all(TOKEN not in seen(asked) and SECRET not in seen(asked) for asked in graph.asked)
    assert all(asked.form.get("access_token") for asked in graph.asked if asked.method == "POST")
    assert all(asked.headers["authorization"] == f"Bearer {TOKEN}" for asked in graph.asked if asked.method != "POST")


def test_defect_03_token_in_exception_texts(graph: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    dead = FacebookPublisher(PAGE, {"access_token": TOKEN}, Endpoint("http://127.0.0.1:9"), ManualClock(NOW))
    with pytest.raises(Unreachable) as caught:
        dead.check()
    graph.says(error(190, message=f"Malformed access token {TOKEN}"))
    echoed = published(graph)
    chain = [repr(link) for link in (caught.value, caught.value.__cause__, echoed, echoed.__cause__)]
    assert TOKEN not in " ".join(chain) + caplog.text


def test_defect_04_two_tokens_in_one_call(graph: ScriptedServer) -> None:
    graph.says(PAGE_ANSWER, debug())
    publisher(graph, app=True).check()
    batch = graph.asked[1]
    assert batch.form["access_token"] == f"{APP_ID}|{SECRET}"
    assert "access_token" not in batch.query


def test_defect_05_callers_dictionaries_are_left_alone() -> None:
    session = door.GraphSession(Endpoint("http://127.0.0.1:9"), door.Credentials(TOKEN))
    params, data = {"access_token": TOKEN, "fields": "id"}, {"message": "x", "access_token": TOKEN}
    with pytest.raises(Exception, match="no_connection"):
        session.request("POST", "https://graph.facebook.com/v26.0/1001/feed", params=params, data=data)
    assert params == {"access_token": TOKEN, "fields": "id"}
    assert data == {"message": "x", "access_token": TOKEN}


def test_defect_06_lists_and_booleans_are_json(graph: ScriptedServer, tmp_path: Path) -> None:
    graph.says(Says(body={"id": "555"}), Says(body={"id": "1001_1"}))
    ours = publisher(graph)
    ours.prepare(draft(images=(picture(tmp_path),)))
    ours.publish(Prepared(draft(), ("555", "556")))
    assert graph.asked[0].form["published"] == "false"
    assert graph.asked[1].form["attached_media"] == '[{"media_fbid": "555"}, {"media_fbid": "556"}]'


@pytest.mark.parametrize(
    "answer",
    [
        Says(500, {"ok": 1}),
        Says(400, {"id": "1001_1"}),
        Says(400, {"error_code": 1, "error_msg": "x"}),
        Says(200, {"error_code": 1, "error_msg": "x"}),
        Says(200, "null"),
    ],
)
def test_defect_07_status_and_bodies_are_looked_at(graph: ScriptedServer, answer: Says) -> None:
    graph.says(answer)
    assert isinstance(published(graph), Unclear)


def test_defect_08_no_content_type(graph: ScriptedServer) -> None:
    assert publisher(graph).publish(Prepared(draft())).remote_id == "1001_42"  # the server sends none


def test_defect_09_html_pages(graph: ScriptedServer) -> None:
    graph.says(Says(502, "<html>Bad gateway</html>", {"content-type": "text/html"}))
    outcome = published(graph)
    assert (type(outcome), outcome.reason) == (Unclear, "server_error")
    assert "502" in outcome.detail


def test_defect_10_json_under_another_content_type(graph: ScriptedServer) -> None:
    graph.says(Says(400, {"error": {"code": 190, "error_subcode": 463}}, {"content-type": "text/javascript"}))
    assert published(graph).reason == "token_expired"


def test_defect_11_torn_json(graph: ScriptedServer) -> None:
    graph.says(Says(200, '{"id": "1001_'))
    assert isinstance(published(graph), Unclear)
    graph.says(Says(200, '{"id": "1001_', declared=500))
    assert isinstance(published(graph), Unclear)


def test_defect_12_subcode_and_trace_are_kept(graph: ScriptedServer) -> None:
    graph.says(error(190, 460, "Session has been invalidated"))
    assert published(graph).detail == "HTTP 400 code 190/460 Session has been invalidated (fbtrace_id Atrace)"


def test_defect_13_sent_and_never_sent_are_told_apart(graph: ScriptedServer) -> None:
    graph.says(Says(silent=True))
    with pytest.raises(Unclear, match="timeout"):
        publisher(graph, read_timeout=0.2).publish(Prepared(draft()))
    graph.says(Says(hang_up=True))
    assert published(graph).reason == "connection_lost"
    refused = FacebookPublisher(PAGE, {"access_token": TOKEN}, Endpoint("http://127.0.0.1:9"), ManualClock(NOW))
    with pytest.raises(Unreachable):
        refused.publish(Prepared(draft()))
    nameless = FacebookPublisher(PAGE, {"access_token": TOKEN}, Endpoint("http://nobody.invalid"), ManualClock(NOW))
    with pytest.raises(Unreachable):
        nameless.publish(Prepared(draft()))


def test_defect_14_raised_http_errors_never_reach_the_sdk(graph: ScriptedServer) -> None:
    graph.says(Says(404, {"error": {"code": 803, "message": "x"}}))
    assert isinstance(published(graph), Unclear)


def test_defect_15_a_missing_token_is_refused_before_any_call() -> None:
    with pytest.raises(CredentialsError):
        FacebookPublisher(PAGE, {"access_token": ""}, Endpoint("http://127.0.0.1:9"), ManualClock(NOW))


def test_defect_16_delete_stays_delete(graph: ScriptedServer) -> None:
    graph.says(Says(body={"success": True}))
    publisher(graph).delete("1001_42")
    assert [(asked.method, asked.body) for asked in graph.asked] == [("DELETE", b"")]


def test_defect_17_redirects_are_not_followed(graph: ScriptedServer) -> None:
    graph.says(Says(302, {}, {"location": f"{graph.url}/v26.0/1001/feed"}), Says(body={"id": "1001_1"}))
    assert isinstance(published(graph), Unclear)
    assert len(graph.asked) == 1


@pytest.mark.parametrize(
    "parts", [[None], [{"code": 400, "body": '{"error": {"code": 190}}'}], [], {}, [{"code": 200, "body": "<"}]]
)
def test_defect_18_failed_batch_parts_are_noticed(graph: ScriptedServer, parts: Any) -> None:
    graph.says(PAGE_ANSWER, Says(body=parts))
    assert publisher(graph, app=True).check().problems == ("expiry_unknown",)


def test_defect_19_paging_needs_no_token_in_its_addresses(graph: ScriptedServer) -> None:
    graph.says(more("a", post(1)), Says(body={"data": [post(2, "Der Hof ist offen")]}))
    assert isinstance(publisher(graph).find(draft(), NOW - timedelta(minutes=15)), Found)


def test_defect_20_the_removed_ids_parameter_is_never_sent(graph: ScriptedServer) -> None:
    graph.says(more("a", post(1)), Says(body={"data": []}))
    publisher(graph).find(draft(), NOW)
    assert all("ids" not in parse_qs(urlsplit(asked.target).query) for asked in graph.asked)


def test_defect_21_appsecret_proof(graph: ScriptedServer) -> None:
    publisher(graph, app=True).publish(Prepared(draft()))
    expected = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
    assert graph.asked[0].query["appsecret_proof"] == expected


def test_defect_22_importing_it_warns_of_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "error",
        "-X",
        f"pycache_prefix={tmp_path}",
        "-c",
        "import posts.networks.facebook",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_of_the_environment_reaches_the_network(
    graph: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    graph.says(PAGE_ANSWER)
    publisher(graph).check()
    assert graph.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_an_endless_answer_is_not_read_to_its_end(graph: ScriptedServer) -> None:
    graph.says(Says(200, b'{"id": "' + b"9" * (9 * 1024 * 1024) + b'"}'))
    assert published(graph).reason == "unreadable_answer"


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "error",
                        "code",
                        "error_subcode",
                        "data",
                        "id",
                        "paging",
                        "cursors",
                        "next",
                        "message",
                        "created_time",
                        "attachments",
                        "application",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_whatever_breaks_the_reading(body: Any) -> None:
    GraphError.of(body)
    assert rule_for(Reply(200, {}, body, True), Call.PUBLISH).outcome is not None
    try:
        door.timeline_page(body, APP_ID)
    except ValueError as sentence:
        assert str(sentence)


# Figures

POST = Posted("1001_42", NOW - timedelta(hours=3))
LIST = {"data": [{"id": "1001_42", "created_time": "2026-11-24T06:00:00+0000", "shares": {"count": 2}}]}


def test_figures_of_fifty_posts_come_with_one_call_by_the_page_s_own_list(graph: ScriptedServer) -> None:
    graph.says(Says(body=LIST))
    (look,) = publisher(graph).measure([POST], {"views": "post_media_view"})
    assert look.figures["1001_42"]["shares"].value == 2
    assert look.figures["1001_42"]["views"].value is None
    asked = graph.asked[-1]
    assert asked.path == "/v26.0/1001/published_posts"
    assert "insights.metric(post_media_view)" in asked.query["fields"]


def test_without_permissions_the_rest_is_still_measured(graph: ScriptedServer) -> None:
    hidden = dict.fromkeys(("views", "reactions", "comments"))
    graph.says(error(10), error(200), error(10), Says(body=LIST))
    (look,) = publisher(graph).measure([POST], {"views": "post_media_view"})
    assert {metric: figure.value for metric, figure in look.figures["1001_42"].items()} == hidden | {"shares": 2}
    assert look.lacking == {"pages_read_user_content", "read_insights"}
    fields = [one.query["fields"] for one in graph.asked[-4:]]
    assert ["reactions" in one for one in fields] == [True, False, True, False]
    assert ["insights" in one for one in fields] == [True, True, False, False]


def test_without_any_permission_the_channel_s_owner_is_told(graph: ScriptedServer) -> None:
    graph.says(error(10), error(10), error(10), error(10))
    with pytest.raises(SignedOut):
        list(publisher(graph).measure([POST], {"views": "post_media_view"}))


def test_measuring_stops_while_there_is_enough_left_for_posting(graph: ScriptedServer) -> None:
    usage = json.dumps({"1001": [{"call_count": 80, "total_cputime": 1, "total_time": 1}]})
    graph.says(Says(200, LIST, {"x-business-use-case-usage": usage}))
    looks = publisher(graph).measure([POST, Posted("1001_7", NOW - timedelta(days=9))], {})
    assert next(looks).figures
    with pytest.raises(Throttled) as caught:
        next(looks)
    assert caught.value.until is not None and caught.value.until > NOW


def test_older_posts_come_in_a_batch_and_a_part_that_ran_out_of_time_is_not_gone(graph: ScriptedServer) -> None:
    gone = json.dumps({"error": {"code": 100, "error_subcode": 33, "message": "does not exist"}})
    parts = [None, {"code": 200, "body": json.dumps({"id": "1001_2"})}, {"code": 400, "body": gone}]
    graph.says(Says(body={"data": []}), Says(body=parts))
    posts = [Posted(f"1001_{number}", NOW - timedelta(days=40)) for number in (1, 2, 3)]
    _, look = publisher(graph).measure(posts, {})
    assert set(look.figures) == {"1001_2"}
    assert look.gone == {"1001_3"}


@pytest.mark.parametrize("alive", [True, False])
def test_a_metric_is_tried_alone(graph: ScriptedServer, alive: bool) -> None:
    dead = error(100, message="(#100) The value must be a valid insights metric")
    graph.says(Says(body={"data": []}) if alive else dead)
    assert publisher(graph).probe("post_media_view") is alive
