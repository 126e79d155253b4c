"""Settling doubts: what a time-line must show before a doubt ends, and who decides where it shows too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, update

from campaign.db import Database
from posts import ledger
from posts.clock import ManualClock
from posts.drafts import Draft, Image, RemotePost
from posts.errors import SignedOut
from posts.ledger import Attempt
from posts.networks.publisher import Absent, Blind, Found, Publisher, Sighting, could_be
from posts.reconcile import (
    COMPLETE_READS,
    FURTHER_LOOKS,
    FURTHER_PAUSE,
    MOST_SKEW,
    PROOF_PAUSE,
    REACH_BACK,
    Reconciler,
    Settling,
)
from posts.states import State
from posts.tables import attempts, deliveries
from tests.conformance.test_ledger import GRACE, LEASE, Books

LOOKS = (10.0, 20.0, 30.0)
WORDS = "Neu in der Altmark: das Haus am Fluss"
PHOTO = Image("/photo.jpg", "Ein Feld", "Foto: A. Muster", "0" * 64)


@dataclass
class TimeLine:
    """A network's time-line as a reader sees it; `blind` for one that can't be read to its end."""

    posts: list[RemotePost] = field(default_factory=list)
    blind: str = ""
    asked_since: list[datetime] = field(default_factory=list)
    server_time: datetime | None = None

    def find(self, draft: Draft, since: datetime) -> Sighting:
        """As every publisher's `find`."""
        self.asked_since.append(since)
        if self.blind:
            return Blind(self.blind, server_time=self.server_time)
        found = tuple(post for post in self.posts if post.created_at >= since and could_be(post, draft))
        return Found(found, self.server_time) if found else Absent(since, self.server_time)


class Desk:
    """One channel with its doubts, its time-line and a reconciler that a test turns."""

    def __init__(self, books: Books) -> None:
        self.books, self.line = books, TimeLine()
        self.channel_id = books.channel()
        self.dead: set[str] = set()
        self.settling = Settling(LOOKS[:-1], LOOKS[-1], True, 3, GRACE)
        self.restart()

    def restart(self) -> None:
        """A process that knows nothing of earlier looks."""
        self.reconciler = Reconciler(
            self.books.database.write, self.books.clock, self._reader, self._dead_among, self.settling
        )

    def _reader(self, _channel_id: int) -> Publisher:
        return self.line  # type: ignore[return-value]

    def _dead_among(self, _connection: Connection, suspects: set[str]) -> set[str]:
        return suspects & self.dead

    def prove(self, kind: str = "text") -> None:
        """The reader has found a known success of that kind."""
        with self.books.database.write() as connection:
            ledger.prove(connection, self.channel_id, kind, self.books.now)

    def sending(self, draft: Draft) -> Attempt:
        """An attempt whose call is under way."""
        delivery_id = self.books.planned(self.channel_id)
        with self.books.database.write() as connection:
            ledger.queue(connection, delivery_id, draft, None, self.books.now)
        attempt = self.books.go(self.books.claim()[0])
        assert attempt is not None
        return attempt

    def doubt(self, draft: Draft | None = None, *, duplicate: bool = False, closed: bool = True) -> int:
        """A delivery of which nobody knows; its worker lived to tell unless `closed` is False."""
        attempt = self.sending(draft or Draft("twitter", WORDS))
        if closed:
            with self.books.database.write() as connection:
                ledger.record_unclear(connection, attempt, "timeout", "", duplicate, self.books.now)
        else:
            self.books.clock.advance(LEASE.total_seconds() + 1)
            self.books.lapse()
        return attempt.claim.delivery_id

    def post(self, text: str = WORDS, remote_id: str = "77", **more: object) -> RemotePost:
        """A post that the time-line shows from now on."""
        made = RemotePost(remote_id, f"https://x.com/i/status/{remote_id}", self.books.now, text)
        made = replace(made, **more)  # type: ignore[arg-type]
        self.line.posts.append(made)
        return made

    def look_through(self) -> None:
        """All looks of one settling window."""
        self.reconciler.reconcile()
        for _ in LOOKS:
            self.books.clock.advance(10)
            self.reconciler.reconcile()

    def look_further(self) -> None:
        """The further looks at a time-line that could not be read when the window ended."""
        for _ in range(FURTHER_LOOKS):
            self.books.clock.advance(FURTHER_PAUSE)
            self.reconciler.reconcile()

    def why(self, delivery_id: int) -> str:
        """What the log tells of the handing over."""
        with self.books.database.read() as connection:
            rows = list(ledger.entries(connection, delivery_id=delivery_id))
        return next(row.detail["why"] for row in rows if row.event == "handed_over")


@pytest.fixture
def desk(database: Database, clock: ManualClock) -> Iterator[Desk]:
    yield Desk(Books(database, clock))


# --- found -------------------------------------------------------------------------------------------------


def test_found_by_its_text_with_links_and_white_space_aside(desk: Desk) -> None:
    delivery_id = desk.doubt(Draft("twitter", f"{WORDS} https://example.org/orte/haus"))
    desk.post(f"{WORDS}\n https://t.co/abc123")
    desk.look_through()
    row = desk.books.row(delivery_id)
    assert (row.state, row.remote_id, row.permalink) == ("posted", "77", "https://x.com/i/status/77")


def test_found_by_its_marker_whatever_became_of_the_text(desk: Desk) -> None:
    link = "https://example.org/orte/haus?utm_content=m4rk3r"
    delivery_id = desk.doubt(Draft("twitter", f"{WORDS} {link}", link, marker="m4rk3r"))
    desk.post("ganz anders gekürzt", links=(link,))
    desk.look_through()
    assert desk.books.state(delivery_id) is State.POSTED


def test_its_instant_is_the_network_s(desk: Desk) -> None:
    delivery_id = desk.doubt()
    posted_at = desk.post().created_at
    desk.look_through()
    assert desk.books.row(delivery_id).posted_at == posted_at


def test_the_first_look_waits_for_its_time_and_the_search_reaches_back(desk: Desk) -> None:
    delivery_id = desk.doubt()
    desk.post()
    started = desk.books.now
    desk.reconciler.reconcile()
    assert desk.reconciler.next_look_in() == LOOKS[0]
    desk.books.clock.advance(LOOKS[0] - 1)
    assert desk.reconciler.reconcile() == 0
    assert desk.books.state(delivery_id) is State.UNKNOWN
    desk.books.clock.advance(1)
    assert desk.reconciler.reconcile() == 1
    assert desk.books.state(delivery_id) is State.POSTED
    assert desk.line.asked_since == [started - REACH_BACK]
    desk.reconciler.reconcile()
    assert desk.reconciler.next_look_in() is None


@pytest.mark.parametrize("blind", ["", "invalid_request"])
def test_a_search_that_began_too_late_by_the_network_s_clock_is_made_again_at_once(desk: Desk, blind: str) -> None:
    desk.doubt()
    started, desk.line.blind = desk.books.now, blind
    desk.reconciler.reconcile()
    desk.books.clock.advance(LOOKS[0])
    desk.line.server_time = desk.books.now - timedelta(hours=2)
    desk.reconciler.reconcile()
    two_hours = REACH_BACK + timedelta(hours=2)
    assert desk.line.asked_since == [started - REACH_BACK, started - two_hours]
    desk.books.clock.advance(LOOKS[0])
    desk.line.server_time = desk.books.now
    desk.reconciler.reconcile()
    assert desk.line.asked_since[2:] == [started - two_hours], "it was sent by the clock of an earlier hour"


def test_a_network_s_clock_that_no_clock_can_show_is_not_believed(desk: Desk) -> None:
    desk.doubt()
    started = desk.books.now
    desk.line.server_time = datetime(1, 1, 1, tzinfo=UTC)
    desk.reconciler.reconcile()
    desk.books.clock.advance(LOOKS[0])
    desk.reconciler.reconcile()
    assert desk.line.asked_since[-1] == started - REACH_BACK - MOST_SKEW


def test_a_post_that_shows_late_is_found_by_a_later_look(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    made = replace(desk.post(), created_at=desk.books.now)
    desk.line.posts.clear()
    desk.reconciler.reconcile()
    desk.books.clock.advance(10)
    desk.reconciler.reconcile()
    desk.line.posts.append(made)
    desk.books.clock.advance(10)
    desk.reconciler.reconcile()
    assert desk.books.state(delivery_id) is State.POSTED


def test_what_another_app_wrote_is_not_ours(desk: Desk) -> None:
    delivery_id = desk.doubt()
    desk.post(own_app=False)
    desk.look_through()
    assert desk.books.state(delivery_id) is State.IN_DOUBT


def test_a_post_that_another_delivery_owns_is_not_ours(desk: Desk) -> None:
    first = desk.sending(Draft("twitter", WORDS))
    desk.post(remote_id="900")
    desk.books.posted(first, "900")
    desk.prove()
    delivery_id = desk.doubt()
    desk.look_through()
    assert desk.books.state(delivery_id) is State.QUEUED, "the read was complete, and ours is not in it"


def test_pictures_must_be_as_many(desk: Desk) -> None:
    delivery_id = desk.doubt(Draft("twitter", WORDS, images=(PHOTO,)))
    desk.post(remote_id="1", images=0)
    desk.post(remote_id="2", images=1)
    desk.look_through()
    assert desk.books.row(delivery_id).remote_id == "2"


@pytest.mark.parametrize("marked", [True, False])
def test_a_post_with_another_number_of_pictures_is_a_person_s_matter_and_never_absence(
    desk: Desk, marked: bool
) -> None:
    desk.prove("photo")
    link = "https://example.org/?utm_content=m4rk3r"
    delivery_id = desk.doubt(Draft("twitter", f"{WORDS} {link}", link, (PHOTO,), "m4rk3r"))
    desk.post(f"{WORDS} {link}" if not marked else "gekürzt", images=0, links=(link,) if marked else ())
    desk.look_through()
    assert (desk.books.state(delivery_id), desk.why(delivery_id)) == (State.IN_DOUBT, "pictures_differ")


def test_doubts_that_differ_by_their_pictures_only_are_a_person_s_matter(desk: Desk) -> None:
    desk.prove()
    plain = desk.doubt()
    pictured = desk.doubt(Draft("twitter", WORDS, images=(PHOTO, PHOTO)))
    desk.post(images=2)
    desk.look_through()
    assert [desk.books.state(one) for one in (plain, pictured)] == [State.IN_DOUBT, State.IN_DOUBT]


def test_another_s_pictures_count_as_absence_once_they_are_another_s(desk: Desk) -> None:
    desk.prove()
    pictured = desk.sending(Draft("twitter", WORDS, images=(PHOTO,)))
    desk.books.posted(pictured, "77")
    plain = desk.doubt()
    desk.post(images=1)
    desk.look_through()
    assert desk.books.state(plain) is State.QUEUED


def test_what_went_away_before_the_window_s_end_is_looked_for_further(desk: Desk) -> None:
    desk.prove("photo")
    delivery_id = desk.doubt(Draft("twitter", WORDS, images=(PHOTO,)))
    desk.post(images=0)
    desk.reconciler.reconcile()
    desk.books.clock.advance(10)
    desk.reconciler.reconcile()
    desk.line.posts.clear()
    for _ in LOOKS[1:]:
        desk.books.clock.advance(10)
        desk.reconciler.reconcile()
    assert desk.books.state(delivery_id) is State.UNKNOWN, "too few complete reads"
    desk.look_further()
    assert desk.books.state(delivery_id) is State.QUEUED


def test_a_duplicate_that_is_seen_is_found(desk: Desk) -> None:
    delivery_id = desk.doubt(duplicate=True)
    desk.post()
    desk.look_through()
    assert desk.books.state(delivery_id) is State.POSTED


def test_a_living_worker_s_call_can_be_found_too(desk: Desk) -> None:
    delivery_id = desk.doubt(closed=False)
    desk.post()
    desk.look_through()
    assert desk.books.state(delivery_id) is State.POSTED


# --- absent ------------------------------------------------------------------------------------------------


def test_absent_is_sent_again_where_the_reader_is_proved_and_the_attempt_closed(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    desk.reconciler.reconcile()
    for _ in LOOKS[:-1]:
        desk.books.clock.advance(10)
        desk.reconciler.reconcile()
        assert desk.books.state(delivery_id) is State.UNKNOWN, "absence needs several reads"
    desk.books.clock.advance(10)
    desk.reconciler.reconcile()
    row = desk.books.row(delivery_id)
    assert (row.state, row.resends) == ("queued", 1)
    assert row.late_until == desk.books.now + GRACE


def test_absent_after_a_dead_worker_is_sent_again(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt(closed=False)
    desk.dead = {"one"}
    desk.look_through()
    assert desk.books.state(delivery_id) is State.QUEUED


@pytest.mark.parametrize(
    ("hindrance", "why"),
    [
        ("unproved", "reader_unproved"),
        ("other_kind", "reader_unproved"),
        ("living", "worker_may_live"),
        ("duplicate", "refused_as_duplicate"),
        ("ask", "asked_to_ask"),
        ("resends", "too_many_resends"),
    ],
)
def test_absent_is_a_person_s_matter_where_anything_stands_against_it(desk: Desk, hindrance: str, why: str) -> None:
    if hindrance == "other_kind":
        desk.prove("photo")
    elif hindrance != "unproved":
        desk.prove()
    if hindrance == "ask":
        desk.settling = replace(desk.settling, resend=False)
        desk.restart()
    delivery_id = desk.doubt(duplicate=hindrance == "duplicate", closed=hindrance != "living")
    if hindrance == "resends":
        with desk.books.database.write() as connection:
            connection.execute(update(deliveries).values(resends=3))
    desk.look_through()
    assert (desk.books.state(delivery_id), desk.why(delivery_id)) == (State.IN_DOUBT, why)


def test_an_announcement_is_sent_again_only_so_often(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    for number in range(2, 5):
        desk.look_through()
        assert desk.books.state(delivery_id) is State.QUEUED
        again = desk.books.go(desk.books.claim()[0])
        assert again is not None
        assert again.number == number
        with desk.books.database.write() as connection:
            ledger.record_unclear(connection, again, "timeout", "", False, desk.books.now)
    desk.look_through()
    assert desk.why(delivery_id) == "too_many_resends"
    with desk.books.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(attempts)).scalar_one() == 4


def test_a_restart_begins_the_search_anew(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    desk.reconciler.reconcile()
    for _ in LOOKS[:-1]:
        desk.books.clock.advance(10)
        desk.reconciler.reconcile()
    desk.restart()
    desk.books.clock.advance(10)
    desk.reconciler.reconcile()
    desk.books.clock.advance(10)
    desk.reconciler.reconcile()
    assert desk.books.state(delivery_id) is State.UNKNOWN
    desk.look_through()
    assert desk.books.state(delivery_id) is State.QUEUED


def test_a_jump_of_the_clock_shortens_no_search(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    desk.reconciler.reconcile()
    desk.books.clock.set(desk.books.now + timedelta(hours=1))
    assert desk.reconciler.reconcile() == 0
    assert desk.books.state(delivery_id) is State.UNKNOWN


def test_the_search_of_a_later_attempt_is_a_new_one(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    desk.look_through()
    again = desk.books.go(desk.books.claim()[0])
    assert again is not None
    with desk.books.database.write() as connection:
        ledger.record_unclear(connection, again, "timeout", "", False, desk.books.now)
    assert desk.reconciler.reconcile() == 0
    assert desk.reconciler.next_look_in() == LOOKS[0]
    assert desk.books.state(delivery_id) is State.UNKNOWN


# --- blind and ambiguous -----------------------------------------------------------------------------------


def test_blind_to_the_last_is_a_person_s_matter(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    desk.line.blind = "server_error"
    desk.look_through()
    assert desk.books.state(delivery_id) is State.UNKNOWN
    desk.look_further()
    assert (desk.books.state(delivery_id), desk.why(delivery_id)) == (State.IN_DOUBT, "blind")


def test_blind_when_the_window_ends_it_is_asked_again_until_it_tells(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    desk.line.blind = "server_error"
    desk.look_through()
    desk.line.blind = ""
    desk.post()
    desk.look_further()
    assert desk.books.state(delivery_id) is State.POSTED


def test_blind_looks_are_made_up_for_before_absence_is_believed(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    desk.line.blind = "server_error"
    desk.look_through()
    desk.line.blind = ""
    for _ in range(COMPLETE_READS):
        assert desk.books.state(delivery_id) is State.UNKNOWN
        desk.books.clock.advance(FURTHER_PAUSE)
        desk.reconciler.reconcile()
    assert desk.books.state(delivery_id) is State.QUEUED


def test_too_few_complete_reads_are_a_person_s_matter(desk: Desk) -> None:
    desk.prove()
    delivery_id = desk.doubt()
    desk.line.blind = "server_error"
    desk.look_through()
    for number in range(FURTHER_LOOKS):
        desk.line.blind = "" if number == FURTHER_LOOKS - 1 else "server_error"
        desk.books.clock.advance(FURTHER_PAUSE)
        desk.reconciler.reconcile()
    assert (desk.books.state(delivery_id), desk.why(delivery_id)) == (State.IN_DOUBT, "looks_incomplete")


def test_absence_is_not_believed_before_the_window_ends(desk: Desk) -> None:
    desk.settling = replace(desk.settling, window=LOOKS[-1] + 50)
    desk.restart()
    desk.prove()
    delivery_id = desk.doubt()
    desk.look_through()
    assert desk.books.state(delivery_id) is State.UNKNOWN
    desk.books.clock.advance(50)
    desk.reconciler.reconcile()
    assert desk.books.state(delivery_id) is State.QUEUED


@pytest.mark.parametrize("error", [SignedOut("token_expired"), RuntimeError("a bug")])
def test_a_reader_that_fails_is_blind(desk: Desk, error: Exception) -> None:
    desk.prove()
    delivery_id = desk.doubt()

    def fail(_draft: Draft, _since: datetime) -> Sighting:
        raise error

    desk.line.find = fail  # type: ignore[method-assign]
    desk.look_through()
    desk.look_further()
    assert (desk.books.state(delivery_id), desk.why(delivery_id)) == (State.IN_DOUBT, "blind")


def test_several_candidates_are_a_person_s_matter(desk: Desk) -> None:
    delivery_id = desk.doubt()
    desk.post(remote_id="1")
    desk.post(remote_id="2")
    desk.look_through()
    assert (desk.books.state(delivery_id), desk.why(delivery_id)) == (State.IN_DOUBT, "several_candidates")


def test_of_several_candidates_the_one_with_the_marker_is_ours(desk: Desk) -> None:
    link = "https://example.org/?utm_content=m4rk3r"
    delivery_id = desk.doubt(Draft("twitter", f"{WORDS} {link}", link, marker="m4rk3r"))
    desk.post(f"{WORDS} https://t.co/a", remote_id="1")
    desk.post(f"{WORDS} https://t.co/b", remote_id="2", links=(link,))
    desk.look_through()
    assert desk.books.row(delivery_id).remote_id == "2"


def test_twins_in_doubt_don_t_share_one_post(desk: Desk) -> None:
    twins = [desk.doubt(), desk.doubt()]
    desk.post()
    desk.look_through()
    assert [desk.books.state(one) for one in twins] == [State.IN_DOUBT, State.IN_DOUBT]


def test_a_twin_whose_call_is_under_way_is_a_rival(desk: Desk) -> None:
    doubtful = desk.doubt()
    desk.sending(Draft("twitter", WORDS))
    desk.post()
    desk.look_through()
    assert desk.books.state(doubtful) is State.IN_DOUBT


def test_twins_with_markers_each_find_their_own(desk: Desk) -> None:
    ids = []
    for marker in ("aaaa", "bbbb"):
        link = f"https://example.org/?utm_content={marker}"
        ids.append(desk.doubt(Draft("twitter", f"{WORDS} {link}", link, marker=marker)))
        desk.post(f"{WORDS} https://t.co/{marker}", remote_id=marker, links=(link,))
    desk.look_through()
    assert [desk.books.row(one).remote_id for one in ids] == ["aaaa", "bbbb"]


# --- what a doubt may never lead to ------------------------------------------------------------------------

sights = st.lists(st.sampled_from(["absent", "blind", "ours", "two"]), min_size=3, max_size=3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sights=sights, closed=st.booleans(), dead=st.booleans(), proved=st.booleans(), duplicate=st.booleans())
def test_only_whole_and_unopposed_absence_leads_back_to_the_queue(
    desk: Desk, sights: list[str], closed: bool, dead: bool, proved: bool, duplicate: bool
) -> None:
    started_at = desk.books.now
    desk.line.posts.clear()
    desk.dead = {"one"} if dead else set()
    with desk.books.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM reader_proofs")
    if proved:
        desk.prove()
    words = f"{WORDS} {started_at.isoformat()}"
    delivery_id = desk.doubt(Draft("twitter", words), duplicate=duplicate and closed, closed=closed)
    desk.restart()
    desk.reconciler.reconcile()
    for sight in sights:
        desk.line.blind = "server_error" if sight == "blind" else ""
        count = {"ours": 1, "two": 2}.get(sight, 0)
        ids = [f"{delivery_id}-{number}" for number in range(count)]
        desk.line.posts = [RemotePost(one, "", desk.books.now, words) for one in ids]
        desk.books.clock.advance(10)
        desk.reconciler.reconcile()
    desk.line.blind = "server_error"
    desk.look_further()
    safe = proved and (closed or dead) and not (duplicate and closed)
    first_seen = next((sight for sight in sights if sight in ("ours", "two")), None)
    expected = {"ours": State.POSTED, "two": State.IN_DOUBT}.get(str(first_seen))
    if expected is None:
        expected = State.QUEUED if safe and sights == ["absent"] * 3 else State.IN_DOUBT
    assert desk.books.state(delivery_id) is expected
    with desk.books.database.write() as connection:
        # What went back to the queue must not be claimed by the next example.
        connection.execute(
            update(deliveries).where(deliveries.c.state == State.QUEUED.value).values(state=State.CANCELLED.value)
        )


# --- proving readers ---------------------------------------------------------------------------------------


def test_a_reader_proves_itself_by_finding_a_known_success(desk: Desk) -> None:
    desk.post(remote_id="900")
    desk.books.posted(desk.sending(Draft("twitter", WORDS)), "900")
    desk.reconciler.reconcile()
    with desk.books.database.read() as connection:
        assert ledger.proved(connection, desk.channel_id, "text")
        assert not ledger.proved(connection, desk.channel_id, "photo")


@pytest.mark.parametrize("unlike", [{"images": 0}, {"own_app": False}])
def test_a_success_that_would_be_no_candidate_proves_no_reader(desk: Desk, unlike: dict[str, object]) -> None:
    desk.post(remote_id="900", **({"images": 1} | unlike))
    desk.books.posted(desk.sending(Draft("twitter", WORDS, images=(PHOTO,))), "900")
    desk.reconciler.reconcile()
    with desk.books.database.read() as connection:
        assert not ledger.proved(connection, desk.channel_id, "photo")


def test_a_reader_that_misses_a_known_success_stays_unproved(desk: Desk) -> None:
    desk.books.posted(desk.sending(Draft("twitter", WORDS)), "900")
    desk.post(remote_id="901")
    desk.reconciler.reconcile()
    with desk.books.database.read() as connection:
        assert not ledger.proved(connection, desk.channel_id, "text")


def test_an_open_doubt_does_not_make_proofs_more_frequent(desk: Desk) -> None:
    desk.settling = replace(desk.settling, looks=(900.0, 1800.0), window=1800.0)
    desk.restart()
    desk.books.posted(desk.sending(Draft("twitter", WORDS)), "900")  # the time-line lags and does not show it yet
    for doubts in (1, 2):
        desk.doubt(Draft("twitter", f"Zweifel {doubts}"))
        desk.line.asked_since.clear()
        for _ in range(int(3 * PROOF_PAUSE)):
            desk.reconciler.reconcile()
            desk.books.clock.advance(1)
        assert len(desk.line.asked_since) == 3, "once for the new doubt, then after each pause"
    desk.post(remote_id="900")
    desk.books.clock.advance(PROOF_PAUSE)
    desk.reconciler.reconcile()
    with desk.books.database.read() as connection:
        assert ledger.proved(connection, desk.channel_id, "text")


def test_what_was_taken_away_again_is_not_asked_for_as_a_proof(desk: Desk) -> None:
    desk.books.posted(desk.sending(Draft("twitter", WORDS)), "900")
    desk.post(remote_id="900")
    desk.books.clock.advance(1)
    taken_away = desk.sending(Draft("twitter", "Ein Versehen"))
    desk.books.posted(taken_away, "901")
    with desk.books.database.write() as connection:
        change = update(deliveries).where(deliveries.c.id == taken_away.claim.delivery_id)
        connection.execute(change.values(removed_at=desk.books.now))
    desk.reconciler.reconcile()
    with desk.books.database.read() as connection:
        assert ledger.proved(connection, desk.channel_id, "text")
