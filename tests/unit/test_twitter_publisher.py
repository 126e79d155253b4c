"""The X publisher: what it sends, what it makes of every answer, and the gaps of tweepy 4.17 it closes."""

from __future__ import annotations

import hashlib
import logging
import ssl
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from campaign.news import REFUSALS
from posts.clock import ManualClock
from posts.drafts import Draft, Image
from posts.errors import Outcome, Refused, SignedOut, Throttled, Unclear, Unreachable
from posts.networks import twitter as door
from posts.networks.publisher import Absent, Blind, CredentialsError, Endpoint, Found, Prepared, Reply
from posts.networks.twitter import RULES, TwitterPublisher, price, rule_for
from tests.unit.outcomes_page import rows_for, rows_of
from tests.unit.scripted_http import Says, ScriptedServer

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SINCE = NOW - timedelta(minutes=15)
OAUTH1 = {
    "consumer_key": "consumerkey123",
    "consumer_secret": "consumersecret456",
    "access_token": "42-accesstoken789",
    "access_token_secret": "tokensecret012",
}
OAUTH2 = {
    "client_id": "clientid345",
    "client_secret": "clientsecret678",
    "access_token": "bearer901token",
    "refresh_token": "refresh234token",
    "expires_at": int((NOW + timedelta(hours=2)).timestamp()),
}
LINK = "https://kreativorte-im-gruenen.de/orte/hof?utm_content=k7f3"
PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.fixture
def x() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.says(Says(201, {"data": {"id": "190", "text": "x", "edit_history_tweet_ids": [""]}}))
        yield server


def publisher(
    x: ScriptedServer,
    credentials: dict[str, Any] = OAUTH1,
    read_timeout: float = 10.0,
    clock: ManualClock | None = None,
) -> TwitterPublisher:
    return TwitterPublisher("42", credentials, Endpoint(x.url, 5.0, read_timeout), clock or ManualClock(NOW))


def draft(text: str = "Der Hof ist offen", images: tuple[Image, ...] = (), marker: str | None = "k7f3") -> Draft:
    return Draft("twitter", text, None, images, marker)


def problem(status: int, detail: str = "", slug: str = "", title: str = "", **headers: str) -> Says:
    body = {"title": title or "Problem", "detail": detail, "status": status, "type": slug or "about:blank"}
    return Says(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def published(x: ScriptedServer, credentials: dict[str, Any] = OAUTH1) -> Outcome:
    with pytest.raises(Outcome) as caught:
        publisher(x, credentials).publish(Prepared(draft()))
    return caught.value


def picture(tmp_path: Path, data: bytes = PNG, alt: str = "Ein Hof") -> Image:
    file = tmp_path / "hof.png"
    file.write_bytes(data)
    return Image(str(file), alt, "Foto: A. Beispiel", hashlib.sha256(data).hexdigest())


# What is sent


def test_a_post_is_one_signed_call_with_nothing_else_in_its_body(x: ScriptedServer) -> None:
    receipt = publisher(x).publish(Prepared(draft("Grüße aus Tangermünde"), ("7", "8")))
    (asked,) = x.asked
    assert (asked.method, asked.target) == ("POST", "/2/tweets")
    assert asked.json == {"text": "Grüße aus Tangermünde", "media": {"media_ids": ["7", "8"]}}
    assert asked.headers["authorization"].startswith("OAuth ")
    assert (receipt.remote_id, receipt.permalink) == ("190", "https://x.com/i/web/status/190")


def test_no_empty_text_and_no_empty_media_are_sent(x: ScriptedServer) -> None:
    publisher(x).publish(Prepared(draft("nur Text")))
    publisher(x).publish(Prepared(draft(""), ("7",)))
    assert [asked.json for asked in x.asked] == [{"text": "nur Text"}, {"media": {"media_ids": ["7"]}}]


def test_oauth2_calls_carry_the_bearer_token(x: ScriptedServer) -> None:
    publisher(x, {"oauth2": OAUTH2}).publish(Prepared(draft()))
    assert x.asked[0].headers["authorization"] == "Bearer bearer901token"


def test_pictures_go_through_v2_upload_with_their_alt_text(x: ScriptedServer, tmp_path: Path) -> None:
    x.says(
        Says(body={"data": {"id": "7", "media_key": "3_7"}}),
        Says(body={"data": {"id": "7"}}),
        Says(body={"data": {"id": "8"}}),
    )
    prepared = publisher(x).prepare(draft(images=(picture(tmp_path), Image(**{**vars(picture(tmp_path)), "alt": ""}))))
    assert [(asked.method, asked.path) for asked in x.asked] == [
        ("POST", "/2/media/upload"),
        ("POST", "/2/media/metadata"),
        ("POST", "/2/media/upload"),
    ]
    assert x.asked[0].form["media_category"] == "tweet_image"
    assert x.asked[0].form["media"] == PNG.decode("latin-1")
    assert x.asked[1].json == {"id": "7", "metadata": {"alt_text": {"text": "Ein Hof"}}}
    assert prepared.media == ("7", "8")


def test_what_can_not_fit_is_refused_unsent(x: ScriptedServer, tmp_path: Path) -> None:
    fine = picture(tmp_path)
    for what, reason in (
        (draft("x" * 281), "too_long"),
        (draft("→" * 141), "too_long"),
        (draft(images=(fine,) * 5), "too_many_images"),
        (draft(images=(Image(fine.file, "x" * 1001, "", fine.sha256),)), "too_long"),
        (draft(images=(picture(tmp_path, b"GIF89a"),)), "media_invalid"),
    ):
        with pytest.raises(Refused) as caught:
            publisher(x).prepare(what)
        assert caught.value.reason == reason
    assert x.asked == []


def test_published_posts_can_not_be_edited(x: ScriptedServer) -> None:
    with pytest.raises(Refused, match="not_editable"):
        publisher(x).correct("190", "Neu")
    assert x.asked == []


def test_deleting_what_is_gone_is_fine(x: ScriptedServer) -> None:
    x.says(Says(body={"data": {"deleted": True}}), problem(404, slug="https://api.x.com/2/problems/resource-not-found"))
    publisher(x).delete("190")
    publisher(x).delete("190")
    assert [(asked.method, asked.path) for asked in x.asked] == [("DELETE", "/2/tweets/190")] * 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Says(404, "<html>not found</html>"), Unclear),  # an outage, not the post
        (Says(body={"data": {"deleted": False}}), Refused),
        (Says(body={"data": {}}), Refused),
        (Says(body={}), Unclear),
        (problem(403, "You are not allowed to delete this"), Refused),
        (problem(429), Throttled),
        (Says(hang_up=True), Unclear),
    ],
)
def test_a_deletion_that_is_not_confirmed_is_no_success(x: ScriptedServer, answer: Says, kind: type[Outcome]) -> None:
    x.says(answer)
    with pytest.raises(kind):
        publisher(x).delete("190")


# What follows from an answer: rule by rule

PROBLEMS = "https://api.twitter.com/2/problems/"
BY_ANSWER = [
    (problem(400, slug=PROBLEMS + "invalid-request"), Refused, "invalid_request"),
    (Says(400, {"errors": [{"message": "Your media IDs are invalid.", "parameters": {"media.media_ids": ["1"]}}]}),
     Refused, "media_invalid"),
    (problem(401, "Unauthorized", title="Unauthorized"), SignedOut, "token_invalid"),
    (Says(401, b""), SignedOut, "token_invalid"),
    (problem(402, "does not have any credits", "https://api.x.com/2/problems/credits", "CreditsDepleted"),
     SignedOut, "credits"),
    (problem(403, "You are not allowed to create a Tweet with duplicate content.", title="Forbidden"),
     Unclear, "duplicate"),
    (Says(403, {"errors": [{"code": 187, "message": "Status is a duplicate."}]}), Unclear, "duplicate"),
    (problem(403, "You have reached your billing cycle spend cap", title="SpendCapReached"), SignedOut, "spend_cap"),
    (problem(403, slug=PROBLEMS + "client-forbidden"), SignedOut, "app_not_enrolled"),
    (Says(403, {"reason": "client-not-enrolled"}), SignedOut, "app_not_enrolled"),
    (problem(403, slug=PROBLEMS + "user-suspended"), SignedOut, "account_suspended"),
    (problem(403, slug=PROBLEMS + "oauth1-permissions"), SignedOut, "permission_missing"),
    (problem(403, "Reply to this conversation is not allowed because"), Refused, "reply_not_allowed"),
    (problem(403, "You can only reply to or quote posts where you are"), Refused, "reply_not_allowed"),
    (problem(403, "You are not permitted to perform this action."), Refused, "not_permitted"),
    (problem(404), Throttled, "unavailable"),
    (problem(429, title="UsageCapExceeded", slug=PROBLEMS + "usage-capped"), Throttled, "usage_cap"),
    (problem(429, title="Too Many Requests"), Throttled, "rate_limited"),
    (Says(429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}), Throttled, "rate_limited"),
    (Says(429, "<html>slow down</html>"), Throttled, "rate_limited"),
    (problem(500), Unclear, "server_error"),
    (problem(503, "Service Unavailable"), Unclear, "server_error"),
    (Says(520, "<html>edge</html>"), Unclear, "server_error"),
    (problem(418), Unclear, "unknown_answer"),
    (Says(409, {}), Unclear, "unknown_answer"),
    (Says(403, "<html>Attention Required!</html>"), Unclear, "unreadable_answer"),
    (Says(403, b""), Unclear, "unreadable_answer"),
    (Says(201, "<html>fine?</html>"), Unclear, "unreadable_answer"),
    (Says(201, '{"data": {"id": "19'), Unclear, "unreadable_answer"),
    (Says(201, {"data": {"text": "x"}}), Unclear, "unreadable_answer"),
    (Says(201, {"data": {"id": 190}}), Unclear, "unreadable_answer"),
    (Says(201, {"data": {"id": "1" * 20}}), Unclear, "unreadable_answer"),
    (Says(200, {"errors": [{"detail": "x"}]}), Unclear, "unreadable_answer"),
    (Says(201, []), Unclear, "unreadable_answer"),
    (Says(307, {"data": {"id": "1"}}, {"location": "/2/tweets"}), Unclear, "unknown_answer"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    BY_ANSWER,
    ids=[f"{reason}-{a.status}-{i}" for i, (a, _, reason) in enumerate(BY_ANSWER)],
)
def test_what_follows_from_an_answer_to_the_visible_call(
    x: ScriptedServer, answer: Says, kind: type[Outcome], reason: str
) -> None:
    x.says(answer)
    outcome = published(x)
    assert (type(outcome), outcome.reason) == (kind, reason)
    assert len(x.asked) == 1


def test_every_rule_of_the_table_is_reached_by_some_answer() -> None:
    reached = {
        id(rule_for(Reply(a.status, {}, a.body, isinstance(a.body, dict), a.body == b""))) for a, _, _ in BY_ANSWER
    }
    assert [rule.answer for rule in RULES if id(rule) not in reached] == []


def test_the_page_of_outcomes_shows_this_table() -> None:
    assert rows_of("X") == rows_for((*RULES, door.SERVER_ERROR, door.UNREADABLE, door.UNKNOWN))


def test_a_repetition_is_evidence_of_an_earlier_success(x: ScriptedServer) -> None:
    x.says(problem(403, "You are not allowed to create a Tweet with duplicate content."))
    outcome = published(x)
    assert isinstance(outcome, Unclear)
    assert outcome.duplicate


def stamp(instant: datetime) -> str:
    return str(int(instant.timestamp()))


def test_the_end_of_a_limit_is_told_by_our_clock(x: ScriptedServer) -> None:
    reset = stamp(NOW + timedelta(minutes=14))
    behind = "Tue, 24 Nov 2026 08:59:00 GMT"  # their clock is a minute behind ours
    for headers, until in (
        ({"x_rate_limit_reset": reset}, NOW + timedelta(minutes=14)),
        ({"x_rate_limit_reset": reset, "date": behind}, NOW + timedelta(minutes=15)),
        ({"retry_after": "30"}, NOW + timedelta(seconds=30)),
        ({"retry_after": "Tue, 24 Nov 2026 09:10:00 GMT", "date": behind}, NOW + timedelta(minutes=11)),
        (
            {"x_rate_limit_remaining": "3", "x_rate_limit_reset": reset, "x_user_limit_24hour_remaining": "0",
             "x_user_limit_24hour_reset": stamp(NOW + timedelta(hours=7))},
            NOW + timedelta(hours=7),
        ),
        ({"x_rate_limit_reset": stamp(NOW + timedelta(days=400))}, None),
        ({"x_rate_limit_reset": "soon"}, None),
        ({"x_rate_limit_reset": "nan"}, None),
        ({"x_rate_limit_reset": "1e30"}, None),
        ({}, None),
    ):  # fmt: skip
        x.says(problem(429, **headers))
        outcome = published(x)
        assert isinstance(outcome, Throttled)
        assert (outcome.until, outcome.scope) == (until, "channel")


def test_the_months_cap_ignores_the_reset_header(x: ScriptedServer) -> None:
    x.says(problem(429, title="UsageCapExceeded", x_rate_limit_reset=stamp(NOW), x_rate_limit_remaining="50"))
    outcome = published(x)
    assert isinstance(outcome, Throttled)
    assert (outcome.reason, outcome.until) == ("usage_cap", None)


def test_a_limited_or_missing_upload_holds_back_only_that_post(x: ScriptedServer, tmp_path: Path) -> None:
    for answer in (problem(429), problem(404)):
        x.says(answer)
        with pytest.raises(Throttled) as caught:
            publisher(x).prepare(draft(images=(picture(tmp_path),)))
        assert caught.value.scope == "post"


@pytest.mark.parametrize(
    "answer", [problem(503), Says(body={}), Says(body={"data": {}}), Says(hang_up=True), Says(200, "<")]
)
def test_a_failed_upload_is_no_doubt_about_a_post(x: ScriptedServer, tmp_path: Path, answer: Says) -> None:
    x.says(answer)
    with pytest.raises(Unclear, match="upload_failed"):
        publisher(x).prepare(draft(images=(picture(tmp_path),)))


def test_sent_and_never_sent_are_told_apart(x: ScriptedServer) -> None:
    x.says(Says(silent=True))
    with pytest.raises(Unclear, match="timeout"):
        publisher(x, read_timeout=0.2).publish(Prepared(draft()))
    x.says(Says(hang_up=True))
    assert published(x).reason == "connection_lost"
    x.says(Says(201, '{"data"', declared=500))
    assert published(x).reason == "connection_lost"
    assert len(x.asked) == 3
    for nowhere in ("http://127.0.0.1:9", "http://nobody.invalid"):
        with pytest.raises(Unreachable, match="no_connection"):
            TwitterPublisher("42", OAUTH1, Endpoint(nowhere), ManualClock(NOW)).publish(Prepared(draft()))


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that nobody trusts."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "server.pem"
    file.write_bytes(pem + built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_nothing_is_sent_to_a_server_whose_certificate_is_not_trusted(x: ScriptedServer, tmp_path: Path) -> None:
    x.speak_tls(self_signed(tmp_path))
    outcome = published(x)
    assert (type(outcome), outcome.reason) == (Unreachable, "no_connection")
    assert x.asked == []


def test_an_older_failure_around_a_call_does_not_make_it_unsent(x: ScriptedServer) -> None:
    dead = TwitterPublisher("42", OAUTH1, Endpoint("http://127.0.0.1:9"), ManualClock(NOW))
    x.says(Says(hang_up=True))
    try:
        dead.check()
    except Unreachable:
        assert published(x).reason == "connection_lost"


def test_the_networks_own_clock_is_kept(x: ScriptedServer) -> None:
    told, instant = {"date": "Tue, 24 Nov 2026 09:07:30 GMT"}, datetime(2026, 11, 24, 9, 7, 30, tzinfo=UTC)
    x.says(Says(201, {"data": {"id": "190"}}, told))
    assert publisher(x).publish(Prepared(draft())).server_time == instant
    x.says(Says(403, {"detail": "no"}, told))
    assert published(x).server_time == instant


# The time-line


def row(
    number: int, text: str = "Anderes", created: str = "2026-11-24T09:00:05.000Z", **further: Any
) -> dict[str, Any]:
    return {"id": str(number), "text": text, "created_at": created} | further


def page(*rows: dict[str, Any], token: str | None = None, **more: Any) -> Says:
    meta: dict[str, Any] = {"result_count": len(rows)} | ({"next_token": token} if token else {})
    return Says(body={"meta": meta} | ({"data": list(rows)} if rows else {}) | more)


def url(short: str, target: str, **more: Any) -> dict[str, Any]:
    return {"url": short, "expanded_url": target, "display_url": target[:20]} | more


def found(x: ScriptedServer, what: Draft) -> list[str]:
    sighting = publisher(x).find(what, SINCE)
    assert isinstance(sighting, Found)
    return [post.remote_id for post in sighting.posts]


def test_a_post_is_recognised_by_text_or_by_marker(x: ScriptedServer) -> None:
    x.says(page(
        row(1),
        row(2, "Der Hof &amp; Garten https://t.co/aa", entities={"urls": [url("https://t.co/aa", "https://other.de")]}),
        row(3, "Ganz anders https://t.co/bb", entities={"urls": [url("https://t.co/bb", LINK)]}),
        row(4, "Umgeleitet https://t.co/cc",
            entities={"urls": [url("https://t.co/cc", "https://short.de/1", unwound_url=LINK)]}),
    ))  # fmt: skip
    assert found(x, draft(f"Der Hof & Garten {LINK}")) == ["2", "3", "4"]


def test_the_link_to_its_own_pictures_is_no_part_of_a_post(x: ScriptedServer) -> None:
    x.says(page(row(
        5, "Der Hof ist offen https://t.co/pic", attachments={"media_keys": ["3_7", "3_8"]},
        entities={"urls": [url("https://t.co/pic", "https://x.com/a/status/5/photo/1", media_key="3_7")]},
    )))  # fmt: skip
    sighting = publisher(x).find(draft(marker=None), SINCE)
    assert isinstance(sighting, Found)
    (post,) = sighting.posts
    assert (post.text, post.images, post.links) == ("Der Hof ist offen", 2, ())


@pytest.mark.parametrize("note", ["note_post", "note_tweet"])
def test_long_posts_are_read_whole_in_both_vocabularies(x: ScriptedServer, note: str) -> None:
    whole = "Lang " * 80 + LINK
    note_value = {"text": "Lang " * 80 + "https://t.co/zz", "entities": {"urls": [url("https://t.co/zz", LINK)]}}
    x.says(page(row(6, "Lang " * 50 + "…") | {note: note_value}))
    assert found(x, draft(whole, marker=None)) == ["6"]


def test_a_post_in_the_sandbox_is_shown_there_and_not_on_x() -> None:
    assert door.permalink("http://127.0.0.1:8710/x", "42", "190") == "http://127.0.0.1:8710/timeline/twitter/42/190"
    assert door.permalink("https://api.x.com", "42", "190") == "https://x.com/i/web/status/190"


def test_the_whole_window_is_read_in_the_new_vocabulary(x: ScriptedServer) -> None:
    x.says(page(row(1), token="t1"), page(token="t2"), page(row(3, "Der Hof ist offen")))
    assert found(x, draft()) == ["3"]
    assert [asked.query.get("pagination_token") for asked in x.asked] == [None, "t1", "t2"]
    assert {asked.path for asked in x.asked} == {"/2/users/42/tweets"}
    assert x.asked[0].query["start_time"] == "2026-11-24T08:45:00Z"
    assert "note_post" in x.asked[0].query["post.fields"]


def test_an_x_of_the_old_vocabulary_is_asked_in_it(x: ScriptedServer) -> None:
    unknown = problem(400, "The query parameter [post.fields] is not one of [...]", PROBLEMS + "invalid-request")
    x.says(unknown, page(row(1, "Der Hof ist offen")))
    assert found(x, draft()) == ["1"]
    assert "note_tweet" in x.asked[1].query["tweet.fields"]


def test_an_x_that_ignores_the_new_vocabulary_is_asked_in_the_old(x: ScriptedServer) -> None:
    x.says(page({"id": "1", "text": "Der Hof ist offen"}), page(row(1, "Der Hof ist offen")))
    assert found(x, draft()) == ["1"]


def test_absence_needs_a_complete_read(x: ScriptedServer) -> None:
    x.says(page(row(1), token="t1"), page())
    assert publisher(x).find(draft(), SINCE) == Absent(SINCE)


@pytest.mark.parametrize(
    "answers",
    [
        [problem(503)],
        [problem(401)],
        [problem(404)],
        [problem(429)],
        [Says(200, "<html>")],
        [Says(hang_up=True)],
        [Says(body={})],
        [Says(body={"data": []})],
        [Says(body=[])],
        [Says(body={"meta": {"result_count": 2}, "data": [row(1)]})],
        [Says(body={"meta": {"result_count": 1}, "data": "x"})],
        [Says(body={"meta": {"next_token": 7}})],
        [page(row(1), errors=[{"detail": "partly"}])],
        [page({"text": "ohne id", "created_at": "2026-11-24T09:00:05.000Z"})],
        [page({"id": "1", "created_at": "2026-11-24T09:00:05.000Z"})],
        [page(row(1, created="heute"))],
        [page(row(1), token="t1"), problem(500)],
        [page(row(1, "Der Hof ist offen"), token="again")],
    ],
)
def test_whatever_is_not_a_complete_read_is_blind(x: ScriptedServer, answers: list[Says]) -> None:
    x.says(*answers)
    assert isinstance(publisher(x).find(draft(), SINCE), Blind)


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["data", "meta", "errors", "id", "text", "created_at", "entities", "urls", "url", "note_post",
                     "attachments", "media_keys", "title", "type", "parameters"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)  # fmt: skip
def test_no_json_whatever_breaks_the_reading(body: Any) -> None:
    assert rule_for(Reply(403, {}, body, True)).outcome is not None
    try:
        door.timeline_page(body, str)
    except ValueError as sentence:
        assert str(sentence)


# The account and its tokens


def test_check_says_who_we_are(x: ScriptedServer) -> None:
    x.says(Says(body={"data": {"id": "42", "name": "Kreativorte", "username": "kreativorte"}}))
    account = publisher(x).check()
    assert (account.id, account.name, account.token_expires, account.problems) == ("42", "Kreativorte", None, ())


def test_a_token_that_may_only_read_is_a_problem(x: ScriptedServer) -> None:
    x.says(Says(body={"data": {"id": "42", "name": "K"}}, headers={"x-access-level": "read"}))
    assert publisher(x).check().problems == ("permission_missing:write",)


def test_tokens_of_another_account_are_never_used(x: ScriptedServer) -> None:
    with pytest.raises(CredentialsError, match="43"):
        publisher(x, OAUTH1 | {"access_token": "43-accesstoken789"})
    x.says(Says(body={"data": {"id": "43", "name": "K"}}))
    with pytest.raises(SignedOut, match="wrong_account"):
        publisher(x, {"oauth2": OAUTH2}).check()


def test_an_access_token_without_a_refresh_token_ends_for_good(x: ScriptedServer) -> None:
    x.says(Says(body={"data": {"id": "42", "name": "K"}}))
    lasting = publisher(x, {"oauth2": OAUTH2}).check()
    ending = publisher(x, {"oauth2": {key: OAUTH2[key] for key in ("client_id", "access_token", "expires_at")}}).check()
    assert (lasting.token_expires, lasting.problems) == (None, ())
    assert (ending.token_expires, ending.problems) == (NOW + timedelta(hours=2), ("no_refresh_token",))


RENEWED = Says(
    body={"expires_in": 7200, "access_token": "bearerNEW", "refresh_token": "refreshNEW", "scope": "tweet.read"}
)


def test_new_tokens_are_saved_before_they_are_used(x: ScriptedServer) -> None:
    x.says(RENEWED, Says(201, {"data": {"id": "190"}}))
    saved: list[tuple[dict[str, Any], int]] = []
    ours = publisher(x, {"oauth2": OAUTH2}, clock=ManualClock(NOW + timedelta(minutes=111)))
    ours.refresh(lambda tokens: saved.append((tokens, len(x.asked))))
    ours.publish(Prepared(draft()))
    assert saved == [({"oauth2": {
        "client_id": "clientid345", "client_secret": "clientsecret678", "access_token": "bearerNEW",
        "refresh_token": "refreshNEW", "expires_at": int((NOW + timedelta(minutes=231)).timestamp()),
    }}, 1)]  # fmt: skip
    refresh, publish = x.asked
    assert (refresh.method, refresh.path) == ("POST", "/2/oauth2/token")
    assert refresh.form == {"grant_type": "refresh_token", "refresh_token": "refresh234token"}
    assert refresh.headers["authorization"] == "Basic " + b64encode(b"clientid345:clientsecret678").decode()
    assert publish.headers["authorization"] == "Bearer bearerNEW"


def test_tokens_that_could_not_be_saved_are_not_used(x: ScriptedServer) -> None:
    x.says(RENEWED, Says(201, {"data": {"id": "190"}}))
    ours = publisher(x, {"oauth2": OAUTH2 | {"expires_at": "2026-11-24T09:05:00+00:00"}})

    def full(_: dict[str, Any]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        ours.refresh(full)
    ours.publish(Prepared(draft()))
    assert x.asked[1].headers["authorization"] == "Bearer bearer901token"


def test_a_public_client_names_itself_in_the_body(x: ScriptedServer) -> None:
    x.says(RENEWED)
    public = {key: value for key, value in OAUTH2.items() if key not in ("client_secret", "expires_at")}
    publisher(x, {"oauth2": public}).refresh(lambda tokens: None)
    assert x.asked[0].form["client_id"] == "clientid345"
    assert x.asked[0].headers["authorization"] is None


def test_tokens_that_last_are_not_renewed_unless_rejected(x: ScriptedServer) -> None:
    x.says(problem(401), RENEWED)
    ours = publisher(x, {"oauth2": OAUTH2})
    ours.refresh(lambda tokens: None)
    assert x.asked == []
    with pytest.raises(SignedOut):
        ours.check()
    ours.refresh(lambda tokens: None)
    assert [asked.path for asked in x.asked] == ["/2/users/me", "/2/oauth2/token"]
    ours.refresh(lambda tokens: None)
    assert len(x.asked) == 2


def test_oauth1_tokens_are_never_renewed(x: ScriptedServer) -> None:
    publisher(x).refresh(lambda tokens: None)
    assert x.asked == []


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (Says(400, {"error": "invalid_grant", "error_description": "Value passed for the token was invalid."}),
         SignedOut, "token_expired"),
        (Says(401, {"error": "invalid_client"}), SignedOut, "token_expired"),
        (problem(429), Throttled, "rate_limited"),
        (problem(503), Unclear, "server_error"),
        (Says(body={"expires_in": 7200}), Unclear, "unreadable_answer"),
        (Says(body={"access_token": 7}), Unclear, "unreadable_answer"),
        (Says(body={"access_token": "a", "expires_in": "soon"}), Unclear, "unreadable_answer"),
        (Says(body=[]), Unclear, "unreadable_answer"),
    ],
)  # fmt: skip
def test_a_refused_renewal_keeps_the_old_tokens(
    x: ScriptedServer, answer: Says, kind: type[Outcome], reason: str
) -> None:
    x.says(answer)
    saved: list[Any] = []
    with pytest.raises(kind, match=reason):
        publisher(x, {"oauth2": OAUTH2 | {"expires_at": 1}}).refresh(saved.append)
    assert saved == []


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {key: value for key, value in OAUTH1.items() if key != "access_token_secret"},
        OAUTH1 | {"consumer_key": ""},
        OAUTH1 | {"consumer_key": 5},
        OAUTH1 | {"consumer_key": "a\nb"},
        OAUTH1 | {"consumer_kay": "x"},
        OAUTH1 | {"oauth2": OAUTH2},
        {"oauth2": "x"},
        {"oauth2": {"client_id": "x"}},
        {"oauth2": OAUTH2 | {"expires_at": "morgen"}},
        {"oauth2": OAUTH2 | {"expires_at": "2026-11-24T09:00:00"}},
        {"oauth2": OAUTH2 | {"expires_at": True}},
    ],
)
def test_unusable_credentials_are_refused_with_a_word(x: ScriptedServer, credentials: dict[str, Any]) -> None:
    with pytest.raises(CredentialsError) as caught:
        publisher(x, credentials)
    assert caught.value.word in REFUSALS
    assert not any(str(value) in str(caught.value) for value in OAUTH1.values())


# What nobody may see


@pytest.mark.parametrize("credentials", [OAUTH1, {"oauth2": OAUTH2 | {"expires_at": 1}}], ids=["oauth1", "oauth2"])
def test_no_token_is_logged_even_at_debug(
    x: ScriptedServer, credentials: dict[str, Any], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in (*door.TALKATIVE_LOGGERS, "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    x.says(RENEWED)
    ours = publisher(x, credentials)
    ours.refresh(lambda tokens: None)
    x.says(Says(201, {"data": {"id": "190"}}))
    ours.publish(ours.prepare(draft(images=(picture(tmp_path),))))
    secrets = [*OAUTH1.values(), *map(str, OAUTH2.values()), "bearerNEW", "refreshNEW", "oauth_signature"]
    assert "urllib3" in {record.name.split(".")[0] for record in caplog.records}
    assert [secret for secret in secrets if secret in caplog.text] == []


def test_a_token_that_the_network_echoes_is_blotted_out(x: ScriptedServer) -> None:
    x.says(problem(403, "no access for 42-accesstoken789, consumersecret456"))
    outcome = published(x)
    assert "accesstoken789" not in str(outcome)
    assert "consumersecret456" not in str(outcome)


def test_the_environment_does_not_replace_our_token(
    x: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    publisher(x, {"oauth2": OAUTH2}).publish(Prepared(draft()))
    assert x.asked[0].headers["authorization"] == "Bearer bearer901token"


# What it costs


def test_a_link_makes_a_post_dear_and_alt_texts_are_paid_each(tmp_path: Path) -> None:
    one, mute = picture(tmp_path), Image("x", "", "", "")
    assert price(draft("Der Hof ist offen")) == 0.015
    assert price(draft(f"Der Hof {LINK}")) == 0.200
    assert price(draft("Alles gut.So geht es")) == 0.200  # twitter-text sees a link there
    assert price(draft(f"Der Hof {LINK}", (one,) * 4)) == 0.220
    assert price(draft("Der Hof", (one, mute))) == 0.020
    assert price(draft("Der Hof"), date(2026, 11, 24)) == 0.015
