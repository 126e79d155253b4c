"""What every publisher must keep, shown on the sandbox over HTTP: one suite for all networks."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image as Picture

from posts.clock import ManualClock
from posts.drafts import Draft, Image, RemotePost
from posts.errors import Outcome, Refused, SignedOut, Throttled, Unclear, Unreachable
from posts.networks.publisher import Absent, Blind, CredentialsError, Endpoint, Found, Publisher
from posts.networks.registry import NETWORKS, check_credentials, open_publisher, price
from posts.sandbox.server import Server

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SINCE = START - timedelta(minutes=15)
MARKER = "k7f3"
LINK = f"https://kreativorte-im-gruenen.de/orte/hof?utm_content={MARKER}"
ACCOUNTS: dict[str, tuple[str, dict[str, Any]]] = {
    "facebook": ("1001", {"access_token": "EAABpagetoken", "app_id": "77001", "app_secret": "appsecret"}),
    "twitter": ("42", {
        "consumer_key": "ck", "consumer_secret": "consumersecret",
        "access_token": "42-accesstoken", "access_token_secret": "tokensecret",
    }),
}  # fmt: skip


@dataclass
class Bench:
    """One account of one network in a sandbox whose clock stands at START."""

    server: Server
    network: str

    def publisher(self, read_timeout: float = 10.0, **changed: Any) -> Publisher:
        account, credentials = ACCOUNTS[self.network]
        base = self.server.url + NETWORKS[self.network].sandbox_path
        endpoint = Endpoint(base, 5.0, read_timeout)
        return open_publisher(self.network, account, credentials | changed, endpoint, ManualClock(START))

    def control(self, path: str, body: Any) -> None:
        requests.post(f"{self.server.url}/{path}", json=body, timeout=10).raise_for_status()

    def fault(self, call: str, kind: str, **more: Any) -> None:
        self.control("_faults", {"network": self.network, "call": call, "kind": kind, "times": 1, **more})

    def truth(self) -> list[dict[str, Any]]:
        """What the network has accepted and not deleted."""
        posts = requests.get(f"{self.server.url}/_posts", timeout=10).json()
        return [post for post in posts if not post["deleted"]]

    def draft(self, kind: str, picture: Image, text: str = "Der Hof & Garten <offen>") -> Draft:
        """A draft as the campaign side freezes it: on Facebook the link of a card stands outside the text."""
        outside = kind == "text" or (kind == "card" and self.network == "facebook")
        return Draft(
            self.network,
            text if outside else f"{text} {LINK}",
            None if kind == "text" else LINK,
            (picture,) if kind == "photo" else (),
            None if kind == "text" else MARKER,
        )


@pytest.fixture(params=sorted(NETWORKS))
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with Server(clock=ManualClock(START)) as server:
        yield Bench(server, request.param)


@pytest.fixture
def picture(tmp_path: Path) -> Image:
    drawn = io.BytesIO()
    Picture.new("RGB", (320, 200), "darkgreen").save(drawn, "JPEG")
    file = tmp_path / "hof.jpg"
    file.write_bytes(drawn.getvalue())
    return Image(str(file), "Ein grüner Hof", "Foto: A. Beispiel", hashlib.sha256(drawn.getvalue()).hexdigest())


def found(bench: Bench, draft: Draft) -> tuple[RemotePost, ...]:
    sighting = bench.publisher().find(draft, SINCE)
    assert isinstance(sighting, Found), sighting
    return sighting.posts


def failure(act: Callable[[], object]) -> Outcome:
    with pytest.raises(Outcome) as caught:
        act()
    return caught.value


def test_check_names_the_account(bench: Bench) -> None:
    account = bench.publisher().check()
    assert account.id == ACCOUNTS[bench.network][0]
    assert account.name
    assert account.problems == ()


@pytest.mark.parametrize("kind", ["text", "card", "photo"])
def test_a_post_goes_out_once_as_drafted_and_is_found_again(bench: Bench, picture: Image, kind: str) -> None:
    publisher, draft = bench.publisher(), bench.draft(kind, picture)
    sighting = publisher.find(draft, SINCE)
    assert (sighting, sighting.server_time) == (Absent(SINCE), START)
    receipt = publisher.publish(publisher.prepare(draft))
    (accepted,) = bench.truth()
    assert accepted["id"] == receipt.remote_id
    assert accepted["text"] == draft.text
    assert [image["alt"] for image in accepted["images"]] == [image.alt for image in draft.images]
    (post,) = found(bench, draft)
    assert (post.remote_id, post.images) == (receipt.remote_id, len(draft.images))
    assert receipt.server_time == START
    assert receipt.permalink == post.permalink
    assert requests.get(receipt.permalink, timeout=10).status_code == 200


def test_several_pictures_make_one_post(bench: Bench, picture: Image) -> None:
    draft = Draft(bench.network, f"Vier Blicke {LINK}", LINK, (picture,) * 4, MARKER)
    bench.publisher().publish(bench.publisher().prepare(draft))
    (accepted,) = bench.truth()
    assert len(accepted["images"]) == 4
    assert found(bench, draft)[0].images == 4


def test_preparing_publishes_nothing_however_often(bench: Bench, picture: Image) -> None:
    draft = bench.draft("photo", picture)
    for _ in range(3):
        bench.publisher().prepare(draft)
    assert bench.truth() == []
    assert isinstance(bench.publisher().find(draft, SINCE), Absent)


def test_other_posts_and_older_ones_are_not_found(bench: Bench, picture: Image) -> None:
    publisher, draft = bench.publisher(), bench.draft("text", picture)
    publisher.publish(publisher.prepare(bench.draft("text", picture, "Etwas anderes")))
    publisher.publish(publisher.prepare(draft))
    later = START + timedelta(minutes=1)
    assert publisher.find(bench.draft("text", picture, "Noch etwas"), SINCE) == Absent(SINCE)
    assert publisher.find(draft, later) == Absent(later)


def test_deleting_takes_it_away_and_may_be_repeated(bench: Bench, picture: Image) -> None:
    publisher, draft = bench.publisher(), bench.draft("card", picture)
    receipt = publisher.publish(publisher.prepare(draft))
    publisher.delete(receipt.remote_id)
    publisher.delete(receipt.remote_id)
    assert bench.truth() == []
    assert publisher.find(draft, SINCE) == Absent(SINCE)


def test_a_correction_changes_the_text_or_is_refused(bench: Bench, picture: Image) -> None:
    publisher, draft = bench.publisher(), bench.draft("text", picture)
    receipt = publisher.publish(publisher.prepare(draft))
    try:
        publisher.correct(receipt.remote_id, "Berichtigt")
        assert bench.truth()[0]["text"] == "Berichtigt"
    except Refused as refusal:
        assert refusal.reason == "not_editable"
        assert bench.truth()[0]["text"] == draft.text


def test_the_same_post_again_points_to_the_first_one(bench: Bench, picture: Image) -> None:
    publisher, draft = bench.publisher(), bench.draft("text", picture)
    receipt = publisher.publish(publisher.prepare(draft))
    outcome = failure(lambda: publisher.publish(publisher.prepare(draft)))
    assert isinstance(outcome, Unclear)
    assert outcome.duplicate
    assert [post.remote_id for post in found(bench, draft)] == [receipt.remote_id]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("refuse", Refused),
        ("refuse_duplicate", Unclear),
        ("throttle", Throttled),
        ("throttle_silent", Throttled),
        ("expired_token", SignedOut),
        ("hang_up", Unclear),
        ("error_500", Unclear),
        ("html", Unclear),
    ],
)
def test_what_was_not_published_is_never_called_a_success(
    bench: Bench, picture: Image, kind: str, outcome: type[Outcome]
) -> None:
    publisher, draft = bench.publisher(), bench.draft("text", picture)
    prepared = publisher.prepare(draft)
    bench.fault("create", kind)
    assert type(failure(lambda: publisher.publish(prepared))) is outcome
    assert bench.truth() == []
    assert publisher.find(draft, SINCE) == Absent(SINCE)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("accept_then_hang_up", {}),
        ("accept_then_500", {}),
        ("html", {"accepted": True}),
        ("truncated", {}),
        *(("hostile", {"seed": seed}) for seed in range(8)),
    ],
)
def test_a_lost_answer_is_doubt_and_the_post_is_found(
    bench: Bench, picture: Image, kind: str, more: dict[str, Any]
) -> None:
    publisher, draft = bench.publisher(), bench.draft("photo", picture)
    prepared = publisher.prepare(draft)
    bench.fault("create", kind, **more)
    assert type(failure(lambda: publisher.publish(prepared))) is Unclear
    (accepted,) = bench.truth()
    assert [post.remote_id for post in found(bench, draft)] == [accepted["id"]]


def test_an_answer_that_comes_too_late_is_doubt(bench: Bench, picture: Image) -> None:
    draft = bench.draft("text", picture)
    bench.fault("create", "accept_late", seconds=2)
    outcome = failure(lambda: bench.publisher(read_timeout=0.3).publish(bench.publisher().prepare(draft)))
    assert (type(outcome), outcome.reason) == (Unclear, "timeout")


def test_the_end_of_a_limit_is_told_by_our_clock(bench: Bench, picture: Image) -> None:
    bench.control("_clock", {"now": (START + timedelta(minutes=7)).isoformat()})
    bench.fault("create", "throttle", seconds=600)
    publisher = bench.publisher()
    outcome = failure(lambda: publisher.publish(publisher.prepare(bench.draft("text", picture))))
    assert isinstance(outcome, Throttled)
    assert outcome.server_time is not None
    assert outcome.server_time - START >= timedelta(minutes=7)
    assert outcome.until is not None
    assert abs(outcome.until - (START + timedelta(minutes=10))) <= timedelta(seconds=60)


@pytest.mark.parametrize("kind", ["error_500", "hang_up", "html", "truncated", "accept_then_500", "hostile"])
def test_a_failed_upload_may_simply_be_repeated(bench: Bench, picture: Image, kind: str) -> None:
    publisher, draft = bench.publisher(), bench.draft("photo", picture)
    bench.fault("upload", kind)
    assert failure(lambda: publisher.prepare(draft)).reason == "upload_failed"
    publisher.publish(publisher.prepare(draft))
    assert len(bench.truth()) == 1


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("timeline_error", {}),
        ("html", {}),
        ("truncated", {}),
        ("hang_up", {}),
        ("throttle", {}),
        ("expired_token", {}),
        *(("hostile", {"seed": seed}) for seed in range(8)),
    ],
)
def test_a_time_line_that_can_not_be_read_proves_nothing(
    bench: Bench, picture: Image, kind: str, more: dict[str, Any]
) -> None:
    publisher, draft = bench.publisher(), bench.draft("text", picture)
    publisher.publish(publisher.prepare(draft))
    bench.fault("timeline", kind, **{**more, "times": None})
    assert isinstance(publisher.find(draft, SINCE), Blind)


@pytest.mark.parametrize("kind", ["canonical_links", "wrapped_links", "escaped"])
@pytest.mark.parametrize("sort", ["text", "card", "photo"])
def test_a_post_is_known_however_the_network_shows_it(bench: Bench, picture: Image, kind: str, sort: str) -> None:
    publisher, draft = bench.publisher(), bench.draft(sort, picture, 'Der »Hof« & "Garten" auf altmark.de, gut.So')
    receipt = publisher.publish(publisher.prepare(draft))
    bench.fault("timeline", kind, times=None)
    assert [post.remote_id for post in found(bench, draft)] == [receipt.remote_id]


def test_a_time_line_of_many_pages_is_read_to_its_end(bench: Bench, picture: Image) -> None:
    bench.control("_limits", {"create": {"limit": 1000, "window": 900}})
    publisher, first = bench.publisher(), bench.draft("text", picture)
    publisher.publish(publisher.prepare(first))
    for number in range(105):
        publisher.publish(publisher.prepare(bench.draft("text", picture, f"Beitrag {number}")))
    assert len(found(bench, first)) == 1


def test_a_network_that_is_away_is_unreachable(picture: Image) -> None:
    for network in NETWORKS:
        with Server() as server:
            bench = Bench(server, network)
            publisher = bench.publisher()
        draft = bench.draft("photo", picture)
        assert type(failure(publisher.check)) is Unreachable
        assert type(failure(lambda p=publisher, d=draft: p.prepare(d))) is Unreachable  # type: ignore[misc]
        assert isinstance(publisher.find(draft, SINCE), Blind)


def test_bad_tokens_sign_the_account_out(bench: Bench) -> None:
    outcome = failure(bench.publisher(access_token="badtoken").check)
    assert type(outcome) is SignedOut
    assert "badtoken" not in str(outcome)


def test_limits_are_those_the_network_keeps(bench: Bench, picture: Image) -> None:
    publisher = bench.publisher()
    limits = NETWORKS[bench.network].limits
    longest = Draft(bench.network, "ä" * limits.text)
    publisher.publish(publisher.prepare(longest))
    assert len(bench.truth()) == 1
    outcome = failure(lambda: publisher.prepare(Draft(bench.network, "ä" * (limits.text + 1))))
    assert (type(outcome), outcome.reason) == (Refused, "too_long")


# X alone


@pytest.fixture
def x() -> Iterator[Bench]:
    with Server(clock=ManualClock(START)) as server:
        yield Bench(server, "twitter")


def test_every_call_is_signed_for_the_address_really_called(x: Bench, picture: Image) -> None:
    credentials = ACCOUNTS["twitter"][1]
    x.control("_accounts", {
        "network": "twitter", "id": "42", "token": credentials["access_token"],
        "consumer_key": "ck", "consumer_secret": "consumersecret", "access_token_secret": "tokensecret",
    })  # fmt: skip
    publisher, draft = x.publisher(), x.draft("photo", picture)
    receipt = publisher.publish(publisher.prepare(draft))
    assert len(found(x, draft)) == 1
    publisher.delete(receipt.remote_id)
    assert type(failure(x.publisher(consumer_secret="another").check)) is SignedOut


@pytest.mark.parametrize("names", ["new", "old"])
def test_both_vocabularies_are_understood(x: Bench, picture: Image, names: str) -> None:
    x.control("_vocabulary", {"vocabulary": names, "strict": True})
    publisher, draft = x.publisher(), x.draft("photo", picture)
    receipt = publisher.publish(publisher.prepare(draft))
    assert [post.remote_id for post in found(x, draft)] == [receipt.remote_id]


def test_oauth2_tokens_are_renewed_and_the_new_ones_serve(x: Bench) -> None:
    x.control("_accounts", {"network": "twitter", "id": "42", "token": "first", "refresh_token": "firstrefresh"})
    tokens: dict[str, Any] = {"client_id": "cid", "access_token": "first", "refresh_token": "firstrefresh"}
    endpoint = Endpoint(x.server.url + "/x")
    saved: list[dict[str, Any]] = []
    publisher = open_publisher("twitter", "42", {"oauth2": tokens}, endpoint, ManualClock(START))
    publisher.refresh(saved.append)
    assert publisher.check().id == "42"
    (renewed,) = saved
    assert open_publisher("twitter", "42", renewed, endpoint, ManualClock(START)).check().id == "42"
    stale = open_publisher("twitter", "42", {"oauth2": tokens}, endpoint, ManualClock(START))
    assert failure(lambda: stale.refresh(saved.append)).reason == "token_expired"  # each renewal kills the token before


def test_used_up_credits_sign_out(x: Bench, picture: Image) -> None:
    x.fault("create", "credits")
    publisher = x.publisher()
    outcome = failure(lambda: publisher.publish(publisher.prepare(x.draft("text", picture))))
    assert (type(outcome), outcome.reason) == (SignedOut, "credits")


# The registry


def test_accounts_and_credentials_that_can_not_be_right_are_refused() -> None:
    for network, (account, credentials) in ACCOUNTS.items():
        check_credentials(network, account, credentials)
        for wrong in ("", "../me", "a b", "42/../43"):
            with pytest.raises(CredentialsError):
                check_credentials(network, wrong, credentials)
        with pytest.raises(CredentialsError):
            check_credentials(network, account, ["no object"])  # type: ignore[arg-type]


def test_prices_are_those_of_the_network() -> None:
    assert price("facebook", Draft("facebook", f"Der Hof {LINK}")) == 0.0
    assert price("twitter", Draft("twitter", f"Der Hof {LINK}")) == 0.2
