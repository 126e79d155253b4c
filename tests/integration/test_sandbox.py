"""The sandbox networks over real HTTP: what they accept, refuse, show, remember, and how they fail when told to."""

from __future__ import annotations

import html
import io
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import tweepy
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from posts.clock import ManualClock
from posts.sandbox.engagement import figures
from posts.sandbox.faults import KINDS
from posts.sandbox.graph_fields import Field, FieldsUnreadable, parse
from posts.sandbox.limits import Windows
from posts.sandbox.server import SandboxUnusable, Server, is_sandbox
from posts.sandbox.state import Post, State, StateFileUnusable
from posts.sandbox.x_auth import Signed, signature
from posts.sandbox.x_posts import Viewer, shown_text

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "seagreen").save(buffer, kind)
    return buffer.getvalue()


class Networks:
    """A caller of both networks: X account 42 by OAuth 1.0a, Facebook Page 1001."""

    def __init__(self, server: Server, clock: ManualClock) -> None:
        self.server, self.clock = server, clock
        self.auth = tweepy.OAuth1UserHandler("ck", "cs", "42-token", "ts").apply_auth()
        self.page = {"Authorization": "Bearer EAAB-page"}

    def x(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("auth", self.auth)
        return requests.request(method, self.server.x_base + path, timeout=30, **kwargs)

    def graph(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("headers", self.page)
        return requests.request(method, f"{self.server.graph_base}/v26.0/{path}", timeout=30, **kwargs)

    def control(self, path: str, body: Any = None) -> Any:
        answer = requests.post(self.server.url + path, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind: str, **fields: Any) -> None:
        self.control("/_faults", {"kind": kind, **fields})

    def tweet(self, text: str, **body: Any) -> requests.Response:
        return self.x("POST", "/2/tweets", json={"text": text, **body})

    def tweeted(self, text: str, **body: Any) -> str:
        answer = self.tweet(text, **body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    def upload(self, content: bytes | None = None, category: str = "tweet_image") -> requests.Response:
        return self.x(
            "POST",
            "/2/media/upload",
            data={"media_category": category},
            files={"media": ("bild.png", content or picture(), "image/png")},
        )

    def post(self, **values: Any) -> requests.Response:
        return self.graph("POST", "1001/feed", data=values)

    def posted(self, **values: Any) -> str:
        answer = self.post(**values)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def photo(self, content: bytes | None = None, **values: Any) -> requests.Response:
        return self.graph(
            "POST",
            "1001/photos",
            data={"published": "false", **values},
            files={"source": ("bild.png", content or picture())},
        )

    def accepted(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(self.server.url + "/_posts", timeout=30).json()
        return found

    def look(self, path: str) -> requests.Response:
        return requests.get(self.server.url + path, timeout=30)


@pytest.fixture
def net(running: tuple[Server, ManualClock]) -> Networks:
    server, clock = running
    clock.set(START)
    networks = Networks(server, clock)
    networks.control("/_reset")
    return networks


def error_of(answer: requests.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


# --- X: posts


def test_a_tweet_comes_back_with_wrapped_link_escaped_text_and_its_picture(net: Networks) -> None:
    media = net.upload().json()["data"]["id"]
    net.x("POST", "/2/media/metadata", json={"id": media, "metadata": {"alt_text": {"text": "Ein grünes Feld"}}})
    link = "https://kreativorte-im-gruenen.de/orte/x?a=1&utm_content=k7"
    net.tweeted(f"Wohnen & Werken <neu> {link} #Altmark", media={"media_ids": [media]})
    query = {
        "post.fields": "created_at,entities,attachments",
        "expansions": "attachments.media_keys",
        "media.fields": "alt_text,url",
    }
    body = net.x("GET", "/2/users/42/tweets", params=query).json()
    (post,) = body["data"]
    assert post["text"].startswith("Wohnen &amp; Werken &lt;neu&gt; https://t.co/")
    assert link not in post["text"]
    assert post["entities"]["urls"][0]["expanded_url"] == link
    assert post["attachments"]["media_keys"] == [f"3_{media}"]
    assert body["includes"]["media"][0]["alt_text"] == "Ein grünes Feld"
    assert requests.get(body["includes"]["media"][0]["url"], timeout=30).content == picture()


@given(
    st.lists(
        st.sampled_from(
            [
                "Haus & Hof",
                "<neu>",
                "https://a.de/b?c=d&e=f",
                "http://ä.de/x",
                "Ort",
                "„so“",
                "\n",
                "&amp;",
                "👋",
                "a.de",
            ]
        ),
        min_size=1,
    )
)
def test_unescaping_and_unwrapping_a_shown_text_gives_what_was_sent(words: list[str]) -> None:
    post = Post("1", "twitter", "42", " ".join(words), START)
    text, entities = shown_text(post, [], Viewer("http://x", START, "new"))
    for entity in reversed(entities):
        assert text[entity["start"] : entity["end"]] == entity["url"]
        text = text[: entity["start"]] + html.escape(entity["expanded_url"], quote=False) + text[entity["end"] :]
    assert html.unescape(text) == post.text


def test_create_answers_with_the_empty_edit_history_that_x_sends(net: Networks) -> None:
    assert net.tweet("Hallo").json()["data"]["edit_history_tweet_ids"] == [""]


def test_text_is_measured_by_weight(net: Networks) -> None:
    assert net.tweet("ä" * 280).status_code == 201
    assert net.tweet("€" * 141).status_code == 403
    assert net.tweet("x" * 257 + " https://example.org/" + "y" * 100).status_code == 403
    assert net.tweet("x" * 256 + " https://example.org/" + "y" * 100).status_code == 201


def test_the_same_text_is_refused_for_48_hours_even_after_deletion(net: Networks) -> None:
    first = net.tweeted("Gleich")
    net.x("DELETE", f"/2/tweets/{first}")
    again = net.tweet("Gleich")
    assert (again.status_code, again.json()["detail"]) == (403, DUPLICATE)
    assert again.json()["title"] == "Forbidden"
    net.clock.advance(48 * 3600)
    assert net.tweet("Gleich").status_code == 201
    other = tweepy.OAuth1UserHandler("ck", "cs", "43-token", "ts").apply_auth()
    assert net.x("POST", "/2/tweets", json={"text": "Gleich"}, auth=other).status_code == 201


def test_networks_that_take_repetitions_show_every_sending(net: Networks) -> None:
    net.control("/_faults", {"kind": "repetitions"})
    assert [net.tweet("Gleich").status_code for _ in range(2)] == [201, 201]
    assert [net.post(message="Gleich").status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x", "mesage": "y"},
        {"text": 7},
        {},
        {"text": ""},
        {"text": "x", "media": {"media_ids": []}},
        {"text": "x", "media": {"media_ids": ["999"]}},
        {"text": "x", "media": {"media_ids": ["1", "2", "3", "4", "5"]}},
        {"text": "x", "reply": {"in_reply_to_tweet_id": "abc"}},
        {"text": "x", "reply_settings": "nobody"},
        ["text"],
    ],
)
def test_wrong_bodies_are_refused_and_publish_nothing(net: Networks, body: Any) -> None:
    answer = net.x("POST", "/2/tweets", json=body)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/problems/invalid-request")
    assert net.accepted() == []


def test_what_self_serve_does_not_allow_is_forbidden(net: Networks) -> None:
    assert net.tweet("x", quote_tweet_id="12").status_code == 403
    assert net.tweet("zwei $ABC und $DEF").status_code == 403


def test_media_of_others_and_expired_media_are_unknown(net: Networks) -> None:
    other = tweepy.OAuth1UserHandler("ck", "cs", "43-token", "ts").apply_auth()
    media = net.upload().json()["data"]["id"]
    body = {"text": "x", "media": {"media_ids": [media]}}
    assert net.x("POST", "/2/tweets", json=body, auth=other).status_code == 400
    net.clock.advance(24 * 3600)
    assert net.x("POST", "/2/tweets", json=body).status_code == 400


@pytest.mark.parametrize("content", [b"kein Bild", picture("BMP"), picture()[:60], picture() + b"\0" * 5_000_001])
def test_uploads_are_opened_and_measured(net: Networks, content: bytes) -> None:
    assert net.upload(content).status_code == 400


def test_alt_text_has_at_most_1000_characters(net: Networks) -> None:
    media = net.upload().json()["data"]["id"]

    def describe(text: str) -> int:
        body = {"id": media, "metadata": {"alt_text": {"text": text}}}
        return net.x("POST", "/2/media/metadata", json=body).status_code

    assert (describe("x" * 1000), describe("x" * 1001)) == (200, 400)


def test_upload_in_segments(net: Networks) -> None:
    content = picture("JPEG", (400, 300))
    begin = {"media_type": "image/jpeg", "total_bytes": len(content), "media_category": "tweet_image"}
    media = net.x("POST", "/2/media/upload/initialize", json=begin).json()["data"]["id"]
    for index, part in ((1, content[100:]), (0, content[:100])):
        sent = net.x(
            "POST",
            f"/2/media/upload/{media}/append",
            data={"segment_index": str(index)},
            files={"media": ("teil", part)},
        )
        assert sent.status_code == 200
    assert net.x("POST", f"/2/media/upload/{media}/finalize").status_code == 200
    status = net.x("GET", "/2/media/upload", params={"media_id": media, "command": "STATUS"}).json()
    assert status["data"]["processing_info"]["state"] == "succeeded"
    assert net.tweet("mit Bild", media={"media_ids": [media]}).status_code == 201


def test_deleting_twice_is_not_found_and_others_may_not(net: Networks) -> None:
    post = net.tweeted("Weg damit")
    other = tweepy.OAuth1UserHandler("ck", "cs", "43-token", "ts").apply_auth()
    assert net.x("DELETE", f"/2/tweets/{post}", auth=other).status_code == 403
    assert net.x("DELETE", f"/2/tweets/{post}").json() == {"data": {"deleted": True}}
    assert net.x("DELETE", f"/2/tweets/{post}").status_code == 404
    assert net.accepted()[0]["deleted"] is True


def test_timeline_pages_and_ranges(net: Networks) -> None:
    ids = []
    for number in range(7):
        net.clock.advance(60)
        ids.append(net.tweeted(f"Nummer {number}"))
    first = net.x("GET", "/2/users/42/tweets", params={"max_results": 5}).json()
    assert [p["id"] for p in first["data"]] == ids[:1:-1]
    assert first["meta"] | {"next_token": ""} == {
        "result_count": 5,
        "newest_id": ids[6],
        "oldest_id": ids[2],
        "next_token": "",
    }
    rest = net.x(
        "GET", "/2/users/42/tweets", params={"max_results": 5, "pagination_token": first["meta"]["next_token"]}
    ).json()
    assert [p["id"] for p in rest["data"]] == ids[1::-1]
    since = net.x("GET", "/2/users/42/tweets", params={"since_id": ids[5]}).json()
    assert [p["id"] for p in since["data"]] == ids[6:]
    start = (START + timedelta(seconds=61)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ranged = net.x("GET", "/2/users/42/tweets", params={"start_time": start, "until_id": ids[3]}).json()
    assert [p["id"] for p in ranged["data"]] == [ids[2], ids[1]]
    nothing = net.x("GET", "/2/users/42/tweets", params={"since_id": ids[6]}).json()
    assert nothing == {"meta": {"result_count": 0}}


def test_snowflakes_tell_the_time_and_are_never_given_twice(net: Networks) -> None:
    ids = [int(net.tweeted(f"Gleiche Zeit {n}")) for n in range(3)]
    assert len(set(ids)) == 3
    assert {(i >> 22) + 1288834974657 for i in ids} == {int(START.timestamp() * 1000)}


def test_missing_posts_are_errors_inside_a_success(net: Networks) -> None:
    known = net.tweeted("Da")
    answer = net.x("GET", "/2/tweets", params={"ids": f"{known},17"})
    assert answer.status_code == 200
    assert [p["id"] for p in answer.json()["data"]] == [known]
    assert answer.json()["errors"][0]["resource_id"] == "17"
    assert net.x("GET", "/2/tweets/17").json()["errors"][0]["title"] == "Not Found Error"


def test_replies_only_to_own_posts_and_mentions(net: Networks) -> None:
    first = net.tweeted("Faden")
    second = net.tweeted("Fortsetzung", reply={"in_reply_to_tweet_id": first})
    shown = net.x("GET", f"/2/tweets/{second}", params={"post.fields": "referenced_posts"}).json()["data"]
    assert shown["referenced_posts"] == [{"type": "replied_to", "id": first}]
    other = tweepy.OAuth1UserHandler("ck", "cs", "43-token", "ts").apply_auth()
    body = {"text": "Fremd", "reply": {"in_reply_to_tweet_id": first}}
    assert net.x("POST", "/2/tweets", json=body, auth=other).status_code == 403


def test_private_metrics_end_after_30_days_and_belong_to_the_author(net: Networks) -> None:
    post = net.tweeted("Zahlen https://example.org/")
    fields = {"post.fields": "public_metrics,non_public_metrics"}
    net.clock.advance(29 * 86400)
    young = net.x("GET", f"/2/tweets/{post}", params=fields).json()["data"]
    assert young["public_metrics"]["impression_count"] == young["non_public_metrics"]["impression_count"] > 0
    other = tweepy.OAuth1UserHandler("ck", "cs", "43-token", "ts").apply_auth()
    assert "data" not in net.x("GET", f"/2/tweets/{post}", params=fields, auth=other).json()
    net.clock.advance(2 * 86400)
    assert net.x("GET", "/2/users/42/tweets", params=fields).json()["meta"]["result_count"] == 0
    public = net.x("GET", "/2/users/42/tweets", params={"post.fields": "public_metrics"}).json()
    assert public["meta"]["result_count"] == 1


def test_vocabulary_can_be_switched(net: Networks) -> None:
    post = net.tweeted("Wörter")
    new = net.x("GET", f"/2/tweets/{post}", params={"tweet.fields": "public_metrics"}).json()["data"]
    assert "repost_count" in new["public_metrics"]
    assert new["edit_history_post_ids"] == [post]
    net.control("/_vocabulary", {"vocabulary": "old", "strict": True})
    old = net.x("GET", f"/2/tweets/{post}", params={"tweet.fields": "public_metrics"}).json()["data"]
    assert "retweet_count" in old["public_metrics"]
    assert old["edit_history_tweet_ids"] == [post]
    assert net.x("GET", f"/2/tweets/{post}", params={"post.fields": "public_metrics"}).status_code == 400


# --- X: who calls


def test_signatures_are_verified_once_the_secrets_are_registered(net: Networks) -> None:
    net.control(
        "/_accounts",
        {
            "network": "twitter",
            "id": "42",
            "name": "Altmark",
            "consumer_key": "ck",
            "consumer_secret": "cs",
            "access_token_secret": "ts",
        },
    )
    wrong = tweepy.OAuth1UserHandler("ck", "cs", "42-token", "falsch").apply_auth()
    assert net.x("GET", "/2/users/me", params={"user.fields": "id,name"}).json()["data"]["name"] == "Altmark"
    assert net.tweet("Unterschrieben: ä & é").status_code == 201
    assert net.x("GET", "/2/users/me", auth=wrong).status_code == 401


def test_signature_of_the_example_in_rfc_5849() -> None:
    parameters = {
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1191242096",
        "oauth_nonce": "kllo9940pd9333jh",
        "oauth_version": "1.0",
    }
    request = Signed("GET", "http://photos.example.net/photos", "file=vacation.jpg&size=original", "")
    assert signature(parameters, request, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00") == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer bad-token",
        "Bearer expired-42",
        "Bearer nobody",
        'OAuth oauth_token="42-t"',
        "Basic NDI6eA==",
        'OAuth oauth_consumer_key="c",oauth_token="42-t",oauth_signature="kurz",oauth_signature_method="HMAC-SHA1",'
        'oauth_timestamp="1",oauth_nonce="n"',
    ],
)
def test_callers_without_a_valid_token_are_unauthorized(net: Networks, header: str) -> None:
    answer = net.x("POST", "/2/tweets", json={"text": "x"}, auth=lambda r: _with(r, header))
    assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized")
    assert net.accepted() == []


def _with(request: requests.PreparedRequest, header: str) -> requests.PreparedRequest:
    request.headers["Authorization"] = header
    return request


def test_refresh_tokens_rotate_and_access_tokens_end_after_two_hours(net: Networks) -> None:
    net.control(
        "/_accounts",
        {
            "network": "twitter",
            "id": "42",
            "client_id": "app",
            "client_secret": "geheim",
            "refresh_token": "erster",
        },
    )

    def renew(token: str, secret: str = "geheim") -> requests.Response:
        return net.x(
            "POST",
            "/2/oauth2/token",
            data={"grant_type": "refresh_token", "refresh_token": token},
            auth=("app", secret),
        )

    assert renew("erster", "falsch").status_code == 400
    tokens = renew("erster").json()
    assert renew("erster").status_code == 400
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert net.x("GET", "/2/users/me", auth=None, headers=bearer).json()["data"]["id"] == "42"
    net.clock.advance(tokens["expires_in"])
    assert net.x("GET", "/2/users/me", auth=None, headers=bearer).status_code == 401
    assert renew(tokens["refresh_token"]).status_code == 200


def test_rate_window_refuses_the_101st_post_and_ends_at_its_reset(net: Networks) -> None:
    for number in range(100):
        last = net.tweet(f"Beitrag {number}")
    assert last.headers["x-rate-limit-remaining"] == "0"
    refused = net.tweet("einer zu viel")
    assert (refused.status_code, refused.json()["title"]) == (429, "Too Many Requests")
    reset = int(refused.headers["x-rate-limit-reset"])
    assert reset == int(START.timestamp()) + 900
    net.clock.set(datetime.fromtimestamp(reset, UTC))
    assert net.tweet("nach der Pause").status_code == 201


def test_limits_can_be_changed(net: Networks) -> None:
    net.control("/_limits", {"create": {"limit": 1, "window": 60}})
    assert [net.tweet(f"Nr. {n}").status_code for n in range(2)] == [201, 429]
    assert [net.post(message=f"Nr. {n}").status_code for n in range(2)] == [200, 400]


@given(st.integers(1, 5), st.lists(st.integers(0, 400), max_size=40))
def test_no_window_ever_lets_more_through_than_its_limit(limit: int, waits: list[int]) -> None:
    windows, now, passed = Windows(), START, []
    windows.change("create", limit, 900)
    for wait in waits:
        now += timedelta(seconds=wait)
        quota = windows.count("twitter", "create", "42", now)
        assert quota is not None
        if not quota.exceeded:
            passed.append((quota.reset, now))
    for reset in {reset for reset, _ in passed}:
        inside = [moment for end, moment in passed if end == reset]
        assert len(inside) <= limit
        assert all(moment < reset for moment in inside)


# --- Facebook


def test_a_photo_post_is_two_unseen_uploads_and_one_visible_call(net: Networks) -> None:
    photos = [net.photo(alt_text_custom=f"Bild {n}").json()["id"] for n in (1, 2)]
    assert net.accepted() == []
    attached = json.dumps([{"media_fbid": p} for p in photos])
    answer = net.post(message="Zwei Bilder", attached_media=attached, fields="id,permalink_url").json()
    (post,) = net.accepted()
    assert [image["alt"] for image in post["images"]] == ["Bild 1", "Bild 2"]
    assert requests.get(answer["permalink_url"], timeout=30).status_code == 200
    shown = net.graph(
        "GET", "1001/published_posts", params={"fields": "attachments{media_type,subattachments{target{id}}}"}
    ).json()["data"]
    (album,) = shown[0]["attachments"]["data"]
    assert album["media_type"] == "album"
    assert [s["target"]["id"] for s in album["subattachments"]["data"]] == photos
    uploaded = net.graph("GET", "1001/photos", params={"type": "uploaded", "fields": "id,page_story_id"}).json()["data"]
    assert {p["id"]: p["page_story_id"] for p in uploaded} == dict.fromkeys(photos, answer["id"])


def test_link_posts_show_their_card_and_no_app_where_none_is_known(net: Networks) -> None:
    link = "https://kreativorte-im-gruenen.de/orte/x?utm_content=k7"
    post = net.posted(message="Neu", link=link)
    fields = "message,application,attachments{unshimmed_url,media_type}"
    shown = net.graph("GET", post, params={"fields": fields}).json()
    assert shown == {
        "id": post,
        "message": "Neu",
        "attachments": {
            "data": [
                {"unshimmed_url": link, "media_type": "link"},
            ]
        },
    }


def test_debug_token_names_the_app_and_posts_carry_it(net: Networks) -> None:
    query = {"input_token": "EAAB-page", "access_token": "777|geheim"}
    data = net.graph("GET", "debug_token", params=query, headers={}).json()["data"]
    assert (data["is_valid"], data["app_id"], data["expires_at"]) == (True, "777", 0)
    post = net.posted(message="Von der App")
    assert net.graph("GET", post, params={"fields": "application{id}"}).json()["application"]["id"] == "777"
    dead = net.graph("GET", "debug_token", params={**query, "input_token": "expired-1"}, headers={}).json()["data"]
    assert dead["is_valid"] is False
    assert dead["error"]["subcode"] == 463


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, 100),
        ({"message": "   "}, 100),
        ({"message": "m", "link": "ftp://example.org"}, 100),
        ({"message": "m", "link": "kein Link"}, 100),
        ({"message": "m", "link": "https://www.facebook.com/x"}, 100),
        ({"message": "m", "attached_media": "media_fbid"}, 100),
        ({"message": "m", "published": "False"}, 100),
        ({"message": "m", "attached_media": '[{"media_fbid":"99"}]'}, 100),
        ({"message": "x" * 63_207}, 100),
        ({"message": "m", "fields": "id,nonsense"}, 100),
        ({"message": "m", "fields": "id{"}, 2500),
    ],
)
def test_wrong_parameters_publish_nothing(net: Networks, values: dict[str, str], code: int) -> None:
    answer = net.post(**values)
    assert answer.status_code == 400
    assert error_of(answer)["code"] == code
    assert error_of(answer)["fbtrace_id"]
    assert net.accepted() == []


def test_identical_posts_in_a_row_are_506_but_photos_go_up_again(net: Networks) -> None:
    net.posted(message="Gleich", link="https://example.org/")
    again = net.post(message="Gleich", link="https://example.org/")
    assert error_of(again)["code"] == 506
    net.posted(message="Anders")
    net.posted(message="Gleich", link="https://example.org/")
    for _ in range(2):
        photo = net.photo().json()["id"]
        net.posted(message="Bild", attached_media=json.dumps([{"media_fbid": photo}]))


def test_a_photo_is_published_once_and_lives_a_day(net: Networks) -> None:
    used, old = net.photo().json()["id"], net.photo().json()["id"]
    net.posted(message="Bild", attached_media=json.dumps([{"media_fbid": used}]))
    twice = net.post(message="Bild noch einmal", attached_media=json.dumps([{"media_fbid": used}]))
    assert error_of(twice)["error_subcode"] == 1366051
    net.clock.advance(24 * 3600)
    assert net.post(message="alt", attached_media=json.dumps([{"media_fbid": old}])).status_code == 400


def test_photos_are_opened(net: Networks) -> None:
    assert error_of(net.photo(b"kein Bild"))["code"] == 324
    assert error_of(net.photo(picture("WEBP")))["code"] == 324
    published = net.photo(caption="Sofort", published="true").json()
    assert net.accepted()[0]["id"] == published["post_id"]


def test_editing_and_deleting(net: Networks) -> None:
    post = net.posted(message="Tippfeler")
    assert net.graph("POST", post, data={"message": "Tippfehler"}).json() == {"success": True}
    assert net.graph("GET", post).json()["message"] == "Tippfehler"
    assert net.graph("DELETE", post).json() == {"success": True}
    gone = net.graph("GET", post)
    assert (error_of(gone)["code"], error_of(gone)["error_subcode"]) == (100, 33)
    assert net.graph("GET", "1001/published_posts").json()["data"] == []


def test_published_posts_page_by_cursor(net: Networks) -> None:
    ids = []
    for number in range(5):
        net.clock.advance(10)
        ids.append(net.posted(message=f"Nr. {number}"))
    first = net.graph("GET", "1001/published_posts", params={"limit": 2}).json()
    assert [p["id"] for p in first["data"]] == [ids[4], ids[3]]
    assert "EAAB" not in first["paging"]["next"]
    seen = list(first["data"])
    following = requests.get(first["paging"]["next"], headers=net.page, timeout=30).json()
    seen += following["data"]
    last = net.graph(
        "GET", "1001/published_posts", params={"limit": 2, "after": following["paging"]["cursors"]["after"]}
    ).json()
    assert [p["id"] for p in seen + last["data"]] == ids[::-1]
    assert "next" not in last["paging"]
    assert error_of(net.graph("GET", "1001/published_posts", params={"limit": 101}))["code"] == 100


def test_insights_and_counts_grow_and_dead_names_fail_the_whole_call(net: Networks) -> None:
    post = net.posted(message="Zahlen", link="https://example.org/")
    net.clock.advance(3 * 86400)
    fields = (
        "shares,comments.limit(0).summary(total_count),reactions.limit(0).summary(total_count),"
        "insights.metric(post_media_view,post_clicks,post_reactions_by_type_total)"
    )
    shown = net.graph("GET", post, params={"fields": fields}).json()
    values = {m["name"]: m["values"][0]["value"] for m in shown["insights"]["data"]}
    assert values["post_media_view"] > values["post_clicks"] > 0
    assert shown["reactions"]["summary"]["total_count"] == sum(values["post_reactions_by_type_total"].values())
    dead = net.graph("GET", f"{post}/insights", params={"metric": "post_media_view,post_impressions"})
    assert error_of(dead)["message"] == "(#100) The value must be a valid insights metric"
    none = net.graph("GET", f"{post}/insights")
    assert (error_of(none)["code"], error_of(none)["error_subcode"]) == (3001, 1504028)


def test_many_posts_by_batch_and_never_by_ids(net: Networks) -> None:
    post = net.posted(message="Eins")
    parts = [
        {"method": "GET", "relative_url": f"{post}?fields=message"},
        {"method": "GET", "relative_url": "v26.0/1001_5"},
        {"method": "GET", "relative_url": "1001"},
    ]
    body = net.graph("POST", "", data={"batch": json.dumps(parts), "access_token": "EAAB-page"}, headers={}).json()
    assert [part["code"] for part in body] == [200, 400, 200]
    assert json.loads(body[0]["body"])["message"] == "Eins"
    gone = net.graph("GET", "", params={"ids": post})
    assert (gone.status_code, error_of(gone)["code"]) == (500, 100)
    assert net.post(message="x", batch="").status_code == 200


@pytest.mark.parametrize(
    ("token", "code", "subcode"),
    [
        ("", 104, None),
        ("expired-1", 190, 463),
        ("bad-1", 190, None),
    ],
)
def test_dead_tokens(net: Networks, token: str, code: int, subcode: int | None) -> None:
    answer = net.graph("POST", "1001/feed", data={"message": "x", "access_token": token}, headers={})
    assert (error_of(answer)["code"], error_of(answer).get("error_subcode")) == (code, subcode)
    assert net.accepted() == []


def test_registered_pages_have_their_own_token_and_show_to_their_user(net: Networks) -> None:
    for page in ("1001", "1002"):
        net.control(
            "/_accounts",
            {
                "network": "facebook",
                "id": page,
                "name": f"Seite {page}",
                "token": f"EAAP-{page}",
                "user_token": f"EAAU-{page}",
                "app_id": "5",
                "app_secret": "geheim",
            },
        )
    own = {"Authorization": "Bearer EAAP-1001"}
    assert net.graph("GET", "me", headers=own).json() == {"id": "1001", "name": "Seite 1001"}
    assert net.graph("POST", "me/feed", data={"message": "x"}, headers=own).status_code == 200
    assert error_of(net.graph("POST", "1002/feed", data={"message": "x"}, headers=own))["code"] == 200
    assert error_of(net.graph("POST", "1001/feed", data={"message": "y"}))["code"] == 190
    user = {"Authorization": "Bearer EAAU-1002"}
    pages = net.graph("GET", "me/accounts", headers=user, params={"fields": "id,access_token,tasks"}).json()["data"]
    assert [(p["id"], p["access_token"]) for p in pages] == [("1002", "EAAP-1002")]
    assert error_of(net.graph("POST", "1002/feed", data={"message": "x"}, headers=user))["code"] == 200
    wrong = net.graph("GET", "1001", headers=own, params={"appsecret_proof": "0" * 64})
    assert error_of(wrong)["code"] == 100


def test_versions(net: Networks) -> None:
    def version(path: str) -> requests.Response:
        return requests.get(f"{net.server.graph_base}/{path}/1001", headers=net.page, timeout=30)

    assert version("v26.0").headers["facebook-api-version"] == "v26.0"
    assert version("v2.8").headers["facebook-api-version"] == "v21.0"
    assert error_of(version("v99.0"))["code"] == 2500


@given(
    st.recursive(
        st.builds(
            Field,
            st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True),
            st.dictionaries(st.sampled_from(["limit", "summary", "metric"]), st.sampled_from(["0", "a,b", ""])),
        ),
        lambda inner: st.builds(
            Field,
            st.just("attachments"),
            st.just({}),
            st.lists(inner, min_size=1, max_size=3).map(tuple),
        ),
        max_leaves=6,
    )
)
def test_fields_are_read_as_they_are_written(field: Field) -> None:
    assert parse(f"id,{_written(field)}") == (Field("id"), field)


def _written(field: Field) -> str:
    arguments = "".join(f".{name}({value})" for name, value in field.arguments.items())
    inner = "{" + ",".join(map(_written, field.fields)) + "}" if field.fields else ""
    return field.name + arguments + inner


@pytest.mark.parametrize("text", ["id,", "id{", "id}", "a.b", "a.b(", "a{" * 50 + "x" + "}" * 50, "ä"])
def test_broken_fields_are_refused(text: str) -> None:
    with pytest.raises(FieldsUnreadable):
        parse(text)


# --- faults


SENDERS: dict[str, Callable[[Networks], requests.Response]] = {
    "twitter": lambda net: net.tweet("Genau einmal"),
    "facebook": lambda net: net.post(message="Genau einmal"),
}


@pytest.mark.parametrize("network", SENDERS)
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("refuse", {403, 400}),
        ("refuse_duplicate", {403, 400}),
        ("throttle", {429, 400}),
        ("throttle_silent", {429, 400}),
        ("expired_token", {401, 400}),
        ("credits", {402, 403}),
        ("error_500", {503, 500}),
        ("html", {502}),
    ],
)
def test_faults_before_acceptance_publish_nothing(net: Networks, network: str, kind: str, status: set[int]) -> None:
    net.fault(kind, network=network, call="create", times=1)
    assert SENDERS[network](net).status_code in status
    assert net.accepted() == []
    assert SENDERS[network](net).status_code < 300
    assert len(net.accepted()) == 1


@pytest.mark.parametrize("network", SENDERS)
def test_hanging_up_before_publishes_nothing_and_after_publishes(net: Networks, network: str) -> None:
    for kind, count in (("hang_up", 0), ("accept_then_hang_up", 1)):
        net.fault(kind, network=network, call="create", times=1)
        with pytest.raises(requests.ConnectionError):
            SENDERS[network](net)
        assert len(net.accepted()) == count


@pytest.mark.parametrize("network", SENDERS)
def test_faults_after_acceptance_publish(net: Networks, network: str) -> None:
    net.fault("accept_then_500", network=network, call="create", times=1)
    assert SENDERS[network](net).status_code >= 500
    assert len(net.accepted()) == 1
    net.control("/_reset")
    net.fault("html", network=network, call="create", times=1, accepted=True)
    assert SENDERS[network](net).headers["content-type"].startswith("text/html")
    assert len(net.accepted()) == 1
    net.control("/_reset")
    net.fault("truncated", network=network, call="create", times=1)
    with pytest.raises(requests.RequestException):
        SENDERS[network](net).json()
    assert len(net.accepted()) == 1


def test_hostile_answers_differ_and_are_accepted(net: Networks) -> None:
    net.fault("hostile", network="twitter", call="create", times=6)
    bodies = [net.tweet(f"Nr. {n}").content for n in range(6)]
    assert len(set(bodies)) == 6
    assert max(map(len, bodies)) > 5_000_000
    assert len(net.accepted()) == 6


def test_accept_late_happens_after_the_caller_gave_up(net: Networks) -> None:
    net.fault("accept_late", network="twitter", call="create", seconds=1.0, times=1)
    with pytest.raises(requests.ReadTimeout):
        requests.post(net.server.x_base + "/2/tweets", json={"text": "spät"}, auth=net.auth, timeout=(5, 0.1))
    assert net.accepted() == []
    _until(lambda: len(net.accepted()) == 1)


def _until(happened: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(1000):
        if happened():
            return
        tick.wait(0.02)
    pytest.fail("it never happened")


def test_delays_hold_nobody_else(net: Networks) -> None:
    net.fault("delay", network="twitter", call="create", account="42", seconds=30)
    caller = socket.create_connection(("127.0.0.1", int(net.server.url.rsplit(":", 1)[1])))
    with caller:
        caller.sendall(
            b"POST /x/2/tweets HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer 42-x\r\n"
            b'Content-Length: 12\r\n\r\n{"text":"x"}'
        )
        _until(lambda: requests.get(net.server.url + "/_faults", timeout=5).json()[0]["acted"] == 1)
        assert net.post(message="Inzwischen").status_code == 200


def test_throttling_names_its_end_only_when_it_is_not_silent(net: Networks) -> None:
    net.fault("throttle", call="create", seconds=600, times=2)
    x, facebook = net.tweet("a"), net.post(message="a")
    assert int(x.headers["x-rate-limit-reset"]) == int(START.timestamp()) + 600
    assert x.headers["x-rate-limit-remaining"] == "0"
    assert error_of(facebook)["code"] == 80001
    usage = json.loads(facebook.headers["x-business-use-case-usage"])
    assert usage["1001"][0]["estimated_time_to_regain_access"] == 10
    net.fault("throttle_silent", call="create", times=2)
    x, facebook = net.tweet("a"), net.post(message="a")
    assert (x.status_code, facebook.status_code) == (429, 400)
    assert not [name for name in (*x.headers, *facebook.headers) if "limit" in name or "usage" in name]


def test_new_posts_lag_in_timelines(net: Networks) -> None:
    net.tweeted("früh")
    net.posted(message="früh")
    net.fault("timeline_lag", call="timeline", seconds=60)

    def counts() -> tuple[int, int]:
        x = net.x("GET", "/2/users/42/tweets").json()["meta"]["result_count"]
        return x, len(net.graph("GET", "1001/published_posts").json()["data"])

    assert counts() == (0, 0)
    net.clock.advance(60)
    assert counts() == (1, 1)


def test_timelines_can_be_empty_or_broken(net: Networks) -> None:
    net.tweeted("da")
    net.posted(message="da")
    net.fault("timeline_empty", call="timeline", times=2)
    assert net.x("GET", "/2/users/42/tweets").json() == {"meta": {"result_count": 0}}
    assert net.graph("GET", "1001/published_posts").json() == {"data": []}
    net.fault("timeline_error", times=2)
    assert net.x("GET", "/2/users/42/tweets").status_code == 503
    assert net.graph("GET", "1001/published_posts").status_code == 500


def test_canonical_wrapped_and_escaped_views(net: Networks) -> None:
    net.posted(message='„A“ & "B"', link="https://example.org/x?utm_content=k#y")
    net.tweeted('Siehe gut.So & "B"')
    for kind in ("canonical_links", "wrapped_links", "escaped"):
        net.fault(kind)
    fields = {"fields": "message,attachments{unshimmed_url}"}
    (post,) = net.graph("GET", "1001/published_posts", params=fields).json()["data"]
    assert post["attachments"]["data"][0]["unshimmed_url"] == "https://example.org/x"
    assert post["message"] == "„A“ &amp; &quot;B&quot;"
    (tweet,) = net.x("GET", "/2/users/42/tweets", params={"post.fields": "entities"}).json()["data"]
    assert tweet["entities"]["urls"][0]["expanded_url"] == "http://gut.So"
    assert tweet["text"].endswith("&amp; &quot;B&quot;")


def test_faults_can_be_rare_for_one_account_and_taken_back(net: Networks) -> None:
    net.fault("refuse", network="twitter", call="create", account="42", probability=0.5, seed=7)
    first = [net.tweet(f"a{n}").status_code for n in range(20)]
    assert 0 < first.count(403) < 20
    requests.delete(net.server.url + "/_faults", timeout=30)
    net.fault("refuse", network="twitter", call="create", account="42", probability=0.5, seed=7)
    assert [net.tweet(f"b{n}").status_code for n in range(20)] == first
    other = tweepy.OAuth1UserHandler("ck", "cs", "43-token", "ts").apply_auth()
    assert net.x("POST", "/2/tweets", json={"text": "b0"}, auth=other).status_code == 201
    requests.delete(net.server.url + "/_faults", timeout=30)
    assert net.look("/_faults").json() == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "refuse", "call": "nonsense"},
        {"kind": "refuse", "network": "myspace"},
        {"kind": "refuse", "probability": 2},
        {"kind": "delay", "seconds": -1},
        {"kind": "refuse", "times": "oft"},
        {"kind": "refuse", "colour": "red"},
        7,
    ],
)
def test_wrong_faults_are_refused_in_one_sentence(net: Networks, body: Any) -> None:
    answer = requests.post(net.server.url + "/_faults", json=body, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_clock", {"now": "2026-11-24T09:00:00"}),
        ("/_clock", {"now": "gestern"}),
        ("/_clock", {"now": "9999-12-31T23:59:59Z"}),
        ("/_accounts", {"network": "x"}),
        ("/_accounts", {"network": "twitter", "id": "42", "tokn": "x"}),
        ("/_limits", {"nonsense": {"limit": 1, "window": 1}}),
        ("/_limits", {"create": {"limit": "viele", "window": 1}}),
        ("/_vocabulary", {"vocabulary": "klingon"}),
    ],
)
def test_wrong_controls_are_refused_in_one_sentence(net: Networks, path: str, body: Any) -> None:
    answer = requests.post(net.server.url + path, json=body, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        "text",
        "media",
        "reply",
        "media_ids",
        "message",
        "link",
        "attached_media",
        "batch",
        "fields",
        "published",
        "limit",
        "after",
        "since",
        "ids",
        "now",
        "kind",
        "network",
        "id",
        "token",
    ]
)


@given(
    st.one_of(
        JSON,
        st.dictionaries(NAMES, JSON, max_size=4),
        st.fixed_dictionaries({"text": st.text(st.characters())}),
        st.just({"text": "\ud800"}),
    )
)
def test_nothing_that_is_sent_breaks_the_sandbox(running: tuple[Server, ManualClock], body: Any) -> None:
    server, clock = running
    net = Networks(server, clock)
    raw = {"data": json.dumps(body).encode(), "headers": {**net.page, "Content-Type": "application/json"}}
    bearer = {**raw, "headers": {"Authorization": "Bearer 42-x"}, "auth": None}
    answers = [
        net.x("POST", "/2/tweets", **bearer),
        net.x("POST", "/2/media/metadata", **bearer),
        net.x("POST", "/2/media/upload/initialize", **bearer),
        net.graph("POST", "1001/feed", **raw),
        net.graph("POST", "", **raw),
        requests.post(server.url + "/_accounts", data=raw["data"], timeout=30),
        requests.post(server.url + "/_faults", data=raw["data"], timeout=30),
    ]
    ids_refused = isinstance(body, dict) and "ids" in body
    assert [a.status_code for a in answers if a.status_code >= 500 and not ids_refused] == []
    requests.delete(server.url + "/_faults", timeout=30)


@pytest.mark.parametrize(
    "query",
    [
        {"max_results": "9" * 5000},
        {"max_results": "4"},
        {"since_id": "x"},
        {"start_time": "2026-11-24T09:00:00"},
        {"pagination_token": "7140"},
        {"nonsense": "1"},
        {"post.fields": "nonsense"},
        {"expansions": "nonsense"},
    ],
)
def test_wrong_timeline_queries_are_invalid_requests(net: Networks, query: dict[str, str]) -> None:
    assert net.x("GET", "/2/users/42/tweets", params=query).status_code == 400
    assert net.x("GET", "/2/users/4x/tweets").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "9" * 5000},
        {"limit": "-1"},
        {"after": "%%%"},
        {"since": "9" * 30},
        {"fields": "a" * 3000 + "{"},
    ],
)
def test_wrong_graph_queries_are_invalid_parameters(net: Networks, query: dict[str, str]) -> None:
    assert net.graph("GET", "1001/published_posts", params=query).status_code == 400


# --- clock, state, page


def test_the_clock_is_set_from_outside_and_runs_on_from_there(net: Networks) -> None:
    net.control("/_clock", {"now": "2027-03-01T12:00:00+01:00"})
    net.clock.advance(60)
    answer = net.x("GET", "/2/users/me")
    assert answer.headers["Date"] == "Mon, 01 Mar 2027 11:01:00 GMT"
    net.tweeted("März")
    assert net.accepted()[0]["created_at"] == "2027-03-01T11:01:00+00:00"
    net.control("/_clock", {"now": None})
    assert net.graph("GET", "1001").headers["Date"] == "Tue, 24 Nov 2026 09:01:00 GMT"


@given(st.text(min_size=1), st.floats(0, 1e7), st.floats(0, 1e7))
def test_engagement_is_the_same_for_the_same_age_and_never_shrinks(post: str, one: float, other: float) -> None:
    young, old = (figures(post, timedelta(seconds=age), True) for age in sorted((one, other)))
    assert young == figures(post, timedelta(seconds=min(one, other)), True)
    assert all(getattr(young, name) <= getattr(old, name) for name in vars(young))
    assert old.viewers <= old.views


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    file, clock = tmp_path / "sandbox.json", ManualClock(START)
    with Server(file, clock=clock) as server:
        net = Networks(server, clock)
        media = net.upload().json()["data"]["id"]
        kept = net.tweeted("bleibt", media={"media_ids": [media]})
        gone = net.tweeted("geht")
        net.x("DELETE", f"/2/tweets/{gone}")
        first = net.posted(message="bleibt auch")
        tokens = net.x(
            "POST", "/2/oauth2/token", auth=("app", ""), data={"grant_type": "refresh_token", "refresh_token": "42-r"}
        ).json()
        before = net.accepted()
    assert json.loads(file.read_text(encoding="utf-8"))["records"]
    assert tokens["refresh_token"] not in file.read_text(encoding="utf-8")
    with Server(file, clock=clock) as server:
        net = Networks(server, clock)
        assert net.accepted() == before
        assert [p["id"] for p in net.x("GET", "/2/users/42/tweets").json()["data"]] == [kept]
        assert net.tweet("geht").status_code == 403
        assert net.look(f"/_media/{media}").content == picture()
        assert net.posted(message="neu") > first
        renewed = net.x(
            "POST",
            "/2/oauth2/token",
            auth=("app", ""),
            data={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
        )
        assert renewed.status_code == 200


def test_what_was_answered_is_in_the_file_before_the_answer_goes_out(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    with Server(file) as server:
        net = Networks(server, ManualClock(START))
        for number in range(3):
            net.posted(message=f"Nr. {number}")
            assert len(State(file).posts()) == number + 1


def test_in_the_foreground_it_ends_on_a_signal_and_keeps_what_it_accepted(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = (
        f"from pathlib import Path; from posts.sandbox.server import serve; "
        f"serve('127.0.0.1', {port}, Path({str(file)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _until(lambda: is_sandbox(url))
        values = {"message": "da", "access_token": "EAAB"}
        answer = requests.post(f"{url}/graph/v26.0/1001/feed", data=values, timeout=30)
        assert answer.status_code == 200
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, complaints) == (0, "")
    assert [post.text for post in State(file).posts()] == ["da"]


def test_many_threads_lose_no_post(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    state = State(file)

    def write(worker: int) -> None:
        for number in range(50):
            state.add_post(Post(state.snowflake(START), "twitter", str(worker), f"{worker} {number}", START))
            state.persist()

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {p.text for p in State(file).posts()} == {f"{w} {n}" for w in range(6) for n in range(50)}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": 99, "records": []}', '{"format": 1, "records": [7]}'])
def test_a_foreign_file_is_refused_in_one_sentence_and_left_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "sandbox.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(StateFileUnusable, match=r"sandbox\.json is not a state file of the sandbox"), Server(file):
        pass
    assert file.read_text(encoding="utf-8") == content


def test_a_port_in_use_is_one_sentence(net: Networks) -> None:
    port = int(net.server.url.rsplit(":", 1)[1])
    with pytest.raises(SandboxUnusable, match=f"can't listen on 127.0.0.1:{port}"), Server(port=port):
        pass


def test_is_sandbox_knows_its_own(net: Networks) -> None:
    assert is_sandbox(net.server.url)
    assert not is_sandbox(net.server.x_base.replace("http:", "https:"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not is_sandbox(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1)
    assert not is_sandbox("http://127.0.0.1:1")


def test_the_page_shows_posts_pictures_and_that_nothing_is_public(net: Networks) -> None:
    media = net.upload().json()["data"]["id"]
    net.x("POST", "/2/media/metadata", json={"id": media, "metadata": {"alt_text": {"text": "Ein <Feld>"}}})
    tweet = net.tweeted("Hof & <b>Garten</b> https://example.org/a", media={"media_ids": [media]})
    post = net.posted(message="Auf Facebook", link="https://example.org/karte")
    everything = net.look("/")
    assert "SANDKASTEN – nichts davon ist öffentlich" in everything.text
    assert "Hof &amp; &lt;b&gt;Garten&lt;/b&gt;" in everything.text
    assert "Bildbeschreibung: Ein &lt;Feld&gt;" in everything.text
    assert f'src="/_media/{media}"' in everything.text
    assert 'href="https://example.org/karte"' in everything.text
    assert "Auf Facebook" not in net.look("/timeline/twitter/42").text
    assert net.look(f"/timeline/twitter/42/{tweet}").status_code == 200
    assert net.look(f"/x/irgendwer/status/{tweet}").status_code == 200
    assert net.look("/timeline/twitter/42/17").status_code == 404
    assert net.look("/timeline/myspace/42").status_code == 404
    net.graph("DELETE", post)
    assert net.look(f"/timeline/facebook/1001/{post}").status_code == 410


def test_links_of_other_schemes_never_become_links_on_the_page(net: Networks) -> None:
    net.tweeted("javascript:alert(1) data:text/html,x")
    assert 'href="javascript' not in net.look("/").text
    assert "default-src 'none'" in net.look("/").headers["content-security-policy"]


def test_every_kind_of_fault_is_described() -> None:
    described = Path(__file__).parents[2].joinpath("docs", "sandbox.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in described] == []
