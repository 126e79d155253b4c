"""What every ledger keeps, on SQLite and on PostgreSQL: guarded moves, a log that stays, one call at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from campaign.db import Database
from posts import ledger
from posts.clock import ManualClock
from posts.drafts import Draft, Image, Receipt
from posts.ledger import Attempt, Claim, NotPossible
from posts.states import PLANNED, TRANSITIONS, Event, ForbiddenMove, State
from posts.tables import attempts, channels, deliveries, reader_proofs

LEASE = timedelta(minutes=2)
GRACE = timedelta(hours=2)
PHOTO = Image("/photo.jpg", "Ein Feld", "Foto: A. Muster", "0" * 64)


class Books:
    """One ledger with a clock that stands still; every method is one transaction."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def channel(self, name: str = "altmark-x") -> int:
        with self.database.write() as connection:
            return int(
                connection.execute(
                    insert(channels)
                    .values(
                        name=name,
                        network="twitter",
                        account=name,
                        api_base="http://127.0.0.1:9/x",
                        world="sandbox",
                        credentials="",
                        created_at=self.now,
                    )
                    .returning(channels.c.id)
                ).scalar_one()
            )

    def planned(self, channel_id: int, state: State = State.APPROVED, after: float = 0) -> int:
        with self.database.write() as connection:
            due = self.now + timedelta(seconds=after)
            return ledger.create(connection, channel_id, state, due, GRACE, self.now, "anna")

    def queued(self, channel_id: int, words: str = "Guten Tag", after: float = 0) -> int:
        delivery_id = self.planned(channel_id, after=after)
        with self.database.write() as connection:
            assert ledger.queue(connection, delivery_id, Draft("twitter", words), 0.01, self.now)
        return delivery_id

    def claim(self, worker: str = "one", limit: int = 8) -> list[Claim]:
        with self.database.write() as connection:
            return ledger.claim(connection, worker, self.now, LEASE, limit)

    def go(self, taken: Claim) -> Attempt | None:
        with self.database.write() as connection:
            return ledger.go(connection, taken, self.now, LEASE)

    def sending(self, channel_id: int, worker: str = "one") -> Attempt:
        self.queued(channel_id)
        attempt = self.go(self.claim(worker)[0])
        assert attempt is not None
        return attempt

    def unknown(self, channel_id: int) -> Attempt:
        attempt = self.sending(channel_id)
        with self.database.write() as connection:
            assert ledger.record_unclear(connection, attempt, "timeout", "", False, self.now)
        return attempt

    def posted(self, attempt: Attempt, remote_id: str = "900") -> bool:
        with self.database.write() as connection:
            return ledger.record_posted(connection, attempt, Receipt(remote_id, "https://x.com/1"), self.now)

    def lapse(self, *dead: str) -> list[int]:
        with self.database.write() as connection:
            return ledger.lapse(connection, self.now, dead)

    def brake(self, engaged: bool) -> None:
        with self.database.write() as connection:
            ledger.set_brake(connection, engaged, "Probe", self.now, "anna")

    def set_channel(self, channel_id: int, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(update(channels).where(channels.c.id == channel_id).values(**values))

    def row(self, delivery_id: int) -> Any:
        with self.database.read() as connection:
            return connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one()

    def state(self, delivery_id: int) -> State:
        return State(self.row(delivery_id).state)

    def events(self, delivery_id: int) -> list[str]:
        with self.database.read() as connection:
            return [row.event for row in ledger.entries(connection, delivery_id=delivery_id)]

    def seal(self) -> int:
        with self.database.write() as connection:
            return ledger.seal(connection)

    def verify(self, head: tuple[int, str] | None = None) -> ledger.Verification:
        with self.database.read() as connection:
            return ledger.verify(connection, head)

    def notes(self, count: int, **detail: Any) -> None:
        with self.database.write() as connection:
            for number in range(count):
                at = self.now + timedelta(seconds=number)
                ledger.note(connection, "probe", at, "anna", detail={"number": number, **detail})


@pytest.fixture
def books(database: Database, clock: ManualClock) -> Books:
    return Books(database, clock)


# --- moves -------------------------------------------------------------------------------------------------


def test_every_move_of_the_table_can_be_made_and_no_other(books: Books) -> None:
    channel_id = books.channel()
    delivery_id = books.planned(channel_id)
    extra = {"worker": "one", "lease_until": books.now, "remote_id": "1"}
    for state in State:
        for event in Event:
            with books.database.write() as connection:
                _put(connection, delivery_id, state)
                if (state, event) not in TRANSITIONS:
                    with pytest.raises(ForbiddenMove):
                        ledger.move(connection, delivery_id, state, event, books.now, "anna")
                    continue
                assert ledger.move(connection, delivery_id, state, event, books.now, "anna", **extra)
                assert ledger.state_of(connection, delivery_id) is TRANSITIONS[state, event]


def _put(connection: Connection, delivery_id: int, state: State) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(state=state.value, worker="one", lease_until=datetime.fromisoformat("2026-11-24T09:00+00:00"),
                remote_id="1")
    )  # fmt: skip


def test_a_move_from_a_state_that_was_left_changes_and_logs_nothing(books: Books) -> None:
    delivery_id = books.planned(books.channel())
    with books.database.write() as connection:
        assert ledger.move(connection, delivery_id, State.APPROVED, Event.HELD, books.now, "anna")
        assert not ledger.move(connection, delivery_id, State.APPROVED, Event.CANCELLED, books.now, "bert")
    assert books.state(delivery_id) is State.HELD
    assert sorted(books.events(delivery_id)) == ["held", "planned"]


def test_a_move_and_its_log_entry_stand_or_fall_together(books: Books) -> None:
    delivery_id = books.planned(books.channel())
    with pytest.raises(RuntimeError), books.database.write() as connection:
        ledger.move(connection, delivery_id, State.APPROVED, Event.HELD, books.now, "anna")
        raise RuntimeError
    assert books.state(delivery_id) is State.APPROVED
    assert books.events(delivery_id) == ["planned"]


def test_only_planned_states_can_be_created(books: Books) -> None:
    channel_id = books.channel()
    for state in set(State) - PLANNED:
        with pytest.raises(ForbiddenMove):
            books.planned(channel_id, state)


def test_a_person_hears_which_state_stands_in_the_way(books: Books) -> None:
    attempt = books.sending(books.channel())
    books.posted(attempt)
    with books.database.write() as connection, pytest.raises(NotPossible, match="not_in_this_state"):
        ledger.cancel(connection, attempt.claim.delivery_id, books.now, "anna")
    with books.database.write() as connection, pytest.raises(NotPossible, match="announcement_unknown: 4711"):
        ledger.state_of(connection, 4711)


# --- the log -----------------------------------------------------------------------------------------------


FORGERIES = (
    "UPDATE log_entries SET actor = 'bert'",
    "UPDATE log_entries SET seq = 99, actor = 'bert'",
    "UPDATE log_entries SET seq = NULL",
    "UPDATE log_entries SET detail = '{}', seq = 99",
    "DELETE FROM log_entries",
    "DELETE FROM log_entries WHERE actor = 'anna'",
)


def test_the_log_refuses_to_be_changed_sealed_or_not(books: Books) -> None:
    books.notes(2)
    for _ in range(2):
        for statement in FORGERIES:
            with pytest.raises(DBAPIError, match="append-only"), books.database.write() as connection:
                connection.execute(text(statement))
        books.seal()
    assert books.verify().entries == 2


@pytest.mark.parametrize(
    "statement",
    [
        "REPLACE INTO log_entries (id, at, event, actor, detail) SELECT id, at, event, 'bert', detail FROM log_entries",
        "UPDATE OR REPLACE log_entries SET seq = 1, hash = 'forged' WHERE seq IS NULL",
    ],
)
def test_replacing_is_no_way_round_the_triggers(books: Books, statement: str) -> None:
    if not books.database.sqlite:
        pytest.skip("PostgreSQL knows no REPLACE")
    books.notes(1)
    books.seal()
    books.notes(1)
    with pytest.raises(DBAPIError, match="append-only"), books.database.write() as connection:
        connection.execute(text(statement))
    books.seal()
    assert (books.verify().ok, books.verify().entries) == (True, 2)


def test_the_log_refuses_truncation(books: Books) -> None:
    if books.database.sqlite:
        pytest.skip("SQLite knows no TRUNCATE; its DELETE is refused")
    books.notes(1)
    with pytest.raises(DBAPIError, match="append-only"), books.database.write() as connection:
        connection.execute(text("TRUNCATE log_entries"))


def test_an_entry_is_sealed_once(books: Books) -> None:
    books.notes(3)
    assert books.seal() == 3
    assert books.seal() == 0
    with pytest.raises(DBAPIError, match="append-only"), books.database.write() as connection:
        connection.execute(text("UPDATE log_entries SET hash = 'forged'"))
    checked = books.verify()
    assert (checked.entries, checked.ok, checked.first_bad) == (3, True, None)


def test_an_entry_that_is_committed_late_is_sealed_behind_the_head(books: Books) -> None:
    books.clock.advance(60)
    books.notes(1)
    books.seal()
    books.clock.advance(-60)
    books.notes(1)
    assert books.seal() == 1
    assert books.verify().ok
    with books.database.read() as connection:
        assert [row.seq for row in ledger.entries(connection, sealed=True)] == [1, 2]


def test_sealing_in_small_portions_makes_one_chain_without_gaps(books: Books) -> None:
    books.notes(7)
    with books.database.write() as connection:
        assert [ledger.seal(connection, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    with books.database.read() as connection:
        rows = list(ledger.entries(connection, sealed=True))
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.prev for row in rows[1:]] == [row.hash for row in rows[:-1]]


def test_after_a_sequence_number_come_only_newer_sealed_entries(books: Books) -> None:
    books.notes(4)
    books.seal()
    books.notes(1)
    with books.database.read() as connection:
        assert [row.seq for row in ledger.entries(connection, sealed=True, after_seq=2)] == [3, 4]


@pytest.fixture
def unguarded(books: Books) -> Iterator[Books]:
    """Five sealed entries, and the triggers gone: somebody holds the database."""
    books.notes(5)
    books.seal()
    with books.database.write() as connection:
        if books.database.sqlite:
            connection.execute(text("DROP TRIGGER log_entries_no_update"))
            connection.execute(text("DROP TRIGGER log_entries_no_delete"))
        else:
            connection.execute(text("ALTER TABLE log_entries DISABLE TRIGGER USER"))
    yield books


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("UPDATE log_entries SET actor = 'bert' WHERE seq = 2", 2),
        ("UPDATE log_entries SET event = 'posted' WHERE seq = 1", 1),
        ("UPDATE log_entries SET detail = '{\"number\": 7}' WHERE seq = 4", 4),
        ("UPDATE log_entries SET announcement = 5 WHERE seq = 5", 5),
        ("DELETE FROM log_entries WHERE seq = 3", 3),
        ("DELETE FROM log_entries WHERE seq = 1", 1),
    ],
)
def test_tampering_is_found_at_its_place(unguarded: Books, statement: str, first_bad: int) -> None:
    with unguarded.database.write() as connection:
        connection.execute(text(statement))
    checked = unguarded.verify()
    assert (checked.ok, checked.first_bad) == (False, first_bad)


def test_a_cut_tail_is_found_by_whoever_kept_the_head(unguarded: Books) -> None:
    number, _, digest = unguarded.verify().head.partition(":")
    with unguarded.database.write() as connection:
        connection.execute(text("DELETE FROM log_entries WHERE seq = 5"))
    assert unguarded.verify().ok, "the chain alone can't know of its tail"
    checked = unguarded.verify((int(number), digest))
    assert (checked.ok, checked.first_bad) == (False, 5)


def test_a_chain_that_was_made_anew_is_found_by_whoever_kept_a_head(unguarded: Books) -> None:
    with unguarded.database.read() as connection:
        third = list(ledger.entries(connection, sealed=True))[2]
    with unguarded.database.write() as connection:
        connection.execute(text("UPDATE log_entries SET actor = 'bert' WHERE seq = 2"))
        connection.execute(text("UPDATE log_entries SET seq = NULL, prev = NULL, hash = NULL"))
        ledger.seal(connection)
    assert unguarded.verify().ok
    checked = unguarded.verify((3, third.hash))
    assert (checked.ok, checked.first_bad) == (False, 3)


def test_an_earlier_head_stays_right_while_the_log_grows(books: Books) -> None:
    books.notes(3)
    books.seal()
    number, _, digest = books.verify().head.partition(":")
    books.notes(2)
    books.seal()
    checked = books.verify((int(number), digest))
    assert (checked.ok, checked.entries) == (True, 5)


def test_an_empty_log_holds(books: Books) -> None:
    assert books.verify() == ledger.Verification(0, True, None, "0:")


details = st.dictionaries(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=4,
    ),
    max_size=3,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(detail=details)
def test_whatever_an_entry_tells_its_hash_holds_when_read_back(books: Books, detail: dict[str, Any]) -> None:
    with books.database.write() as connection:
        ledger.note(connection, "probe", books.now, "anna", detail=detail)
        ledger.seal(connection)
    assert books.verify().ok


# --- claim, go, record -------------------------------------------------------------------------------------


def test_a_send_leaves_its_whole_story_in_the_log(books: Books) -> None:
    attempt = books.sending(books.channel())
    assert attempt.number == 1
    assert books.posted(attempt)
    row = books.row(attempt.claim.delivery_id)
    assert (row.state, row.remote_id, row.posted_at, row.worker, row.lease_until) == (
        "posted",
        "900",
        books.now,
        None,
        None,
    )
    assert sorted(books.events(row.id)) == ["planned", "posted", "queued", "started"]


def test_of_two_workers_one_gets_the_claim(books: Books) -> None:
    books.queued(books.channel())
    assert len(books.claim("one")) == 1
    assert books.claim("two") == []


def test_a_claim_is_for_what_is_due_and_queued(books: Books) -> None:
    channel_id = books.channel()
    books.planned(channel_id)
    later = books.queued(channel_id, after=60)
    assert books.claim() == []
    books.clock.advance(60)
    assert [taken.delivery_id for taken in books.claim()] == [later]


def test_a_claim_takes_the_first_of_each_channel_up_to_its_limit(books: Books) -> None:
    firsts = set()
    for name in ("a", "b", "c"):
        channel_id = books.channel(name)
        books.queued(channel_id, after=-10)
        firsts.add(books.queued(channel_id, after=-20))
    two = books.claim(limit=2)
    assert len(two) == 2
    assert {taken.delivery_id for taken in [*two, *books.claim(limit=8)]} == firsts
    assert books.claim(limit=0) == []


def test_announcements_of_a_channel_start_in_the_order_of_their_instants(books: Books) -> None:
    channel_id = books.channel()
    last, first, second = (books.queued(channel_id, after=after) for after in (-1, -30, -20))
    order = []
    for number in range(3):
        taken = books.claim()[0]
        attempt = books.go(taken)
        assert attempt is not None
        assert books.claim() == [], "one call at a time on a channel"
        books.posted(attempt, str(number))
        order.append(taken.delivery_id)
    assert order == [first, second, last]


def test_a_doubt_does_not_block_those_behind_it(books: Books) -> None:
    channel_id = books.channel()
    books.unknown(channel_id)
    behind = books.queued(channel_id)
    assert [taken.delivery_id for taken in books.claim()] == [behind]


def test_a_lapsed_claim_may_be_repeated_and_its_first_holder_can_no_longer_go(books: Books) -> None:
    books.queued(books.channel())
    first = books.claim("one")[0]
    books.clock.advance(LEASE.total_seconds() + 1)
    assert books.go(first) is None
    second = books.claim("two")[0]
    assert books.go(first) is None
    assert books.go(second) is not None


def test_a_claim_whose_text_was_changed_meanwhile_can_no_longer_go(books: Books) -> None:
    delivery_id = books.queued(books.channel(), "alter Text")
    old = books.claim()[0]
    books.clock.advance(1)
    with books.database.write() as connection:
        assert ledger.recall(connection, delivery_id, books.now, "anna") is State.APPROVED
        ledger.queue(connection, delivery_id, Draft("twitter", "neuer Text"), None, books.now)
    new = books.claim()[0]
    assert books.go(old) is None, "the same worker's older claim holds the old text"
    attempt = books.go(new)
    assert attempt is not None
    assert attempt.claim.draft.text == "neuer Text"


def test_giving_back_an_old_claim_leaves_the_newer_one_alone(books: Books) -> None:
    delivery_id = books.queued(books.channel())
    old = books.claim()[0]
    books.clock.advance(1)
    with books.database.write() as connection:
        ledger.recall(connection, delivery_id, books.now, "anna")
        ledger.queue(connection, delivery_id, Draft("twitter", "neuer Text"), None, books.now)
    new = books.claim()[0]
    with books.database.write() as connection:
        ledger.give_back(connection, old)
    assert books.go(new) is not None


def test_a_claim_given_back_is_free_at_once(books: Books) -> None:
    books.queued(books.channel())
    taken = books.claim("one")[0]
    with books.database.write() as connection:
        ledger.give_back(connection, taken)
    assert len(books.claim("two")) == 1


def test_preparations_of_dead_workers_are_free_at_once(books: Books) -> None:
    books.queued(books.channel())
    books.claim("one")
    with books.database.write() as connection:
        ledger.free_claims(connection, ["one"])
    assert len(books.claim("two")) == 1


def test_a_claim_goes_once(books: Books) -> None:
    books.queued(books.channel())
    taken = books.claim()[0]
    assert books.go(taken) is not None
    assert books.go(taken) is None


def test_the_brake_between_claim_and_go_stops_the_call(books: Books) -> None:
    delivery_id = books.queued(books.channel())
    taken = books.claim()[0]
    books.brake(True)
    assert books.go(taken) is None
    assert books.claim("two") == []
    assert books.state(delivery_id) is State.QUEUED
    books.brake(False)
    assert books.go(taken) is not None


def test_stop_all_waits_for_whoever_has_read_the_brake_even_the_first_time(books: Books) -> None:
    if books.database.sqlite:
        pytest.skip("SQLite has one writer at a time")
    with books.database.write() as sender:
        assert not ledger.brake_engaged(sender)
        with pytest.raises(Exception, match="lock timeout"), books.database.write() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
            ledger.set_brake(connection, True, "", books.now, "anna")
    books.brake(True)
    with books.database.read() as connection:
        assert ledger.brake_engaged(connection)


def test_a_silent_channel_is_not_claimed(books: Books) -> None:
    for name, values in silences(books).items():
        channel_id = books.channel(name)
        books.queued(channel_id)
        books.set_channel(channel_id, **values)
    assert books.claim() == []


def test_a_channel_silenced_between_claim_and_go_begins_no_call(books: Books) -> None:
    for name, values in silences(books).items():
        channel_id = books.channel(name)
        books.queued(channel_id)
        (taken,) = books.claim()
        books.set_channel(channel_id, **values)
        assert books.go(taken) is None, name
        with books.database.write() as connection:
            ledger.give_back(connection, taken)


def silences(books: Books) -> dict[str, dict[str, Any]]:
    """All that keeps a channel from speaking."""
    return {
        "paused": {"paused": True},
        "removed": {"removed_at": books.now},
        "signed_out": {"signed_out": "token_invalid"},
        "throttled": {"throttled_until": books.now + timedelta(seconds=10)},
    }


def test_a_throttled_channel_speaks_again_at_the_instant_that_was_named(books: Books) -> None:
    channel_id = books.channel()
    books.queued(channel_id)
    until = books.now + timedelta(seconds=600)
    with books.database.write() as connection:
        ledger.throttle_channel(connection, channel_id, until, "rate_limit", books.now)
        assert ledger.next_due(connection, books.now) == until
    books.clock.advance(599)
    assert books.claim() == []
    books.clock.advance(1)
    assert len(books.claim()) == 1


def test_a_throttled_post_lets_those_behind_it_pass(books: Books) -> None:
    channel_id = books.channel()
    first = books.sending(channel_id)
    behind = books.queued(channel_id, after=0)
    with books.database.write() as connection:
        ledger.record_postponed(connection, first, "link_not_scraped", "", books.now + timedelta(seconds=60), books.now)
    assert [taken.delivery_id for taken in books.claim()] == [behind]
    assert books.row(first.claim.delivery_id).failures == 1


def test_many_workers_start_each_delivery_once_and_one_at_a_time_per_channel(books: Books) -> None:
    ids = []
    for name in ("a", "b", "c"):
        channel_id = books.channel(name)
        ids += [books.queued(channel_id, after=-number) for number in range(5)]
    guard = threading.Lock()
    speaking: set[int] = set()
    overlaps: list[int] = []

    def work(worker: str) -> list[int]:
        sent = []
        while any(books.state(one) is State.QUEUED for one in ids):
            for taken in books.claim(worker, 2):
                attempt = books.go(taken)
                if attempt is None:
                    continue
                with guard:
                    overlaps.extend({taken.channel_id} & speaking)
                    speaking.add(taken.channel_id)
                sent.append(taken.delivery_id)
                with guard:
                    speaking.discard(taken.channel_id)
                books.posted(attempt, str(taken.delivery_id))
        return sent

    with ThreadPoolExecutor(4) as pool:
        sent = [one for found in pool.map(work, ["one", "two", "three", "four"]) for one in found]
    assert sorted(sent) == sorted(ids)
    assert overlaps == []
    assert {books.state(one) for one in ids} == {State.POSTED}


# --- how a call ends ---------------------------------------------------------------------------------------


def test_a_refusal_ends_the_call_and_a_person_may_send_it_again(books: Books) -> None:
    attempt = books.sending(books.channel())
    delivery_id = attempt.claim.delivery_id
    with books.database.write() as connection:
        assert ledger.record_refused(connection, attempt, "too_long", "said no", books.now)
    assert (books.state(delivery_id), books.row(delivery_id).reason) == (State.REFUSED, "too_long")
    assert books.claim() == []
    with books.database.write() as connection:
        ledger.retry(connection, delivery_id, books.now, "anna", books.now + GRACE)
    again = books.go(books.claim()[0])
    assert again is not None
    assert again.number == 2


def test_only_what_was_refused_can_be_tried_again(books: Books) -> None:
    attempt = books.sending(books.channel())
    with books.database.write() as connection, pytest.raises(NotPossible, match="nothing_to_retry"):
        ledger.retry(connection, attempt.claim.delivery_id, books.now, "anna", books.now)


def test_a_lease_that_runs_out_means_unknown_and_never_again(books: Books) -> None:
    attempt = books.sending(books.channel())
    delivery_id = attempt.claim.delivery_id
    assert books.lapse() == []
    books.clock.advance(LEASE.total_seconds() + 1)
    assert books.lapse() == [delivery_id]
    assert books.state(delivery_id) is State.UNKNOWN
    assert books.claim("two") == []
    with books.database.read() as connection:
        (doubt,) = ledger.doubts(connection)
    assert (doubt.closed, doubt.worker, doubt.attempt) == (False, "one", 1)


def test_calls_of_a_dead_worker_become_doubts_at_once(books: Books) -> None:
    attempt = books.sending(books.channel(), "one")
    assert books.lapse("two") == []
    assert books.lapse("one") == [attempt.claim.delivery_id]


def test_a_late_success_after_the_lapse_is_recorded(books: Books) -> None:
    attempt = books.sending(books.channel())
    books.clock.advance(LEASE.total_seconds() + 1)
    books.lapse()
    assert books.posted(attempt, "77")
    row = books.row(attempt.claim.delivery_id)
    assert (row.state, row.remote_id, row.attempt) == ("posted", "77", 1)


def test_a_late_success_settles_what_was_handed_to_a_person(books: Books) -> None:
    attempt = books.sending(books.channel())
    books.clock.advance(LEASE.total_seconds() + 1)
    books.lapse()
    with books.database.write() as connection:
        (doubt,) = ledger.doubts(connection)
        assert ledger.hand_over(connection, doubt, "worker_may_live", books.now)
    assert books.posted(attempt)
    assert books.state(attempt.claim.delivery_id) is State.POSTED


def absent(books: Books, attempt: Attempt) -> None:
    """Its doubt ended as absent: it is in the queue again."""
    with books.database.write() as connection:
        (doubt,) = ledger.doubts(connection)
        assert ledger.settle_absent(connection, doubt, books.now, books.now + GRACE)


@pytest.mark.parametrize("claimed", [False, True])
def test_a_late_success_of_what_was_called_absent_is_recorded_and_not_sent_again(books: Books, claimed: bool) -> None:
    attempt = books.unknown(books.channel())
    absent(books, attempt)
    taken = books.claim("two") if claimed else []
    assert books.posted(attempt, "77")
    row = books.row(attempt.claim.delivery_id)
    assert (row.state, row.remote_id, row.worker, row.lease_until) == ("posted", "77", None, None)
    assert [books.go(one) for one in taken] == [None] * len(taken)


def test_a_late_success_is_recorded_also_when_a_later_attempt_was_put_off(books: Books) -> None:
    attempt = books.unknown(books.channel())
    absent(books, attempt)
    again = books.go(books.claim("two")[0])
    assert again is not None
    with books.database.write() as connection:
        ledger.record_postponed(connection, again, "rate_limited", "", None, books.now)
    assert books.posted(attempt, "77")
    assert books.state(attempt.claim.delivery_id) is State.POSTED


def test_a_late_success_during_a_later_attempt_is_kept_for_a_person(books: Books) -> None:
    attempt = books.unknown(books.channel())
    absent(books, attempt)
    again = books.go(books.claim("two")[0])
    assert again is not None
    assert not books.posted(attempt, "77")
    row = books.row(attempt.claim.delivery_id)
    assert (row.state, row.also_posted) == ("sending", "77")
    assert "late_answer" in books.events(attempt.claim.delivery_id)
    with books.database.write() as connection:
        ledger.record_postponed(connection, again, "rate_limited", "", None, books.now)
    assert books.state(attempt.claim.delivery_id) is State.UNKNOWN, "looked for before it is sent a third time"
    with books.database.read() as connection:
        (doubt,) = ledger.doubts(connection)
    assert (doubt.started_at, doubt.closed) == (attempt.started_at, True)


@pytest.mark.parametrize("state", [State.CANCELLED, State.REFUSED, State.MISSED, State.APPROVED, State.POSTED])
def test_a_late_success_that_can_t_be_the_outcome_is_kept_for_a_person(books: Books, state: State) -> None:
    attempt = books.unknown(books.channel())
    with books.database.write() as connection:
        connection.execute(update(deliveries).values(state=state.value, remote_id="12"))
    assert not books.posted(attempt, "77")
    row = books.row(attempt.claim.delivery_id)
    assert (row.state, row.also_posted, row.look_since) == (state.value, "77", attempt.started_at)
    with books.database.read() as connection:
        taken = ledger.claimed_elsewhere(connection, row.channel_id, row.id + 1, ["12", "77", "99"])
    assert taken == {"12", "77"}


def test_a_success_that_the_database_forgot_the_attempt_of_is_recorded(books: Books) -> None:
    channel_id = books.channel()
    delivery_id = books.queued(channel_id)
    taken = books.claim()[0]
    # As on a server that took over: the call was begun on the one before.
    attempt = Attempt(replace(taken, worker="lost"), 1, books.now)
    with books.database.write() as connection:
        ledger.doubt_since(connection, books.now, books.now)
    assert books.state(delivery_id) is State.UNKNOWN
    assert books.posted(attempt, "77")
    assert books.row(delivery_id).remote_id == "77"


def test_an_outcome_of_what_the_database_does_not_know_is_only_noted(books: Books) -> None:
    books.channel()
    claim = Claim(4711, 1, "one", Draft("twitter", "Fort"), 0, books.now)
    assert not books.posted(Attempt(claim, 1, books.now), "77")
    assert books.events(4711) == ["late_answer"]


def test_a_late_success_of_what_was_found_already_is_only_noted(books: Books) -> None:
    attempt = books.sending(books.channel())
    books.clock.advance(LEASE.total_seconds() + 1)
    books.lapse()
    with books.database.write() as connection:
        (doubt,) = ledger.doubts(connection)
        assert ledger.settle_found(connection, doubt, "77", "https://x.com/77", books.now, books.now)
    assert not books.posted(attempt, "77")
    assert books.events(attempt.claim.delivery_id).count("late_answer") == 1
    row = books.row(attempt.claim.delivery_id)
    assert (row.remote_id, row.also_posted) == ("77", None)


@pytest.mark.parametrize("answer", ["refused", "postponed", "unclear"])
def test_a_late_answer_that_nothing_was_published_only_closes_the_attempt(books: Books, answer: str) -> None:
    attempt = books.sending(books.channel())
    books.clock.advance(LEASE.total_seconds() + 1)
    books.lapse()
    with books.database.write() as connection:
        if answer == "refused":
            moved = ledger.record_refused(connection, attempt, "too_long", "", books.now)
        elif answer == "postponed":
            moved = ledger.record_postponed(connection, attempt, "rate_limit", "", None, books.now)
        else:
            moved = ledger.record_unclear(connection, attempt, "timeout", "", True, books.now)
    assert not moved
    assert books.state(attempt.claim.delivery_id) is State.UNKNOWN
    with books.database.read() as connection:
        (doubt,) = ledger.doubts(connection)
    assert (doubt.closed, doubt.duplicate) == (True, answer == "unclear")


def test_an_attempt_is_closed_once(books: Books) -> None:
    attempt = books.unknown(books.channel())
    books.clock.advance(5)
    books.posted(attempt)
    with books.database.read() as connection:
        row = connection.execute(select(attempts)).one()
    assert row.outcome == "unclear: timeout"


def test_nobody_else_can_record_an_attempt(books: Books) -> None:
    attempt = books.sending(books.channel(), "one")
    stranger = replace(attempt, claim=replace(attempt.claim, worker="two"))
    assert not books.posted(stranger)
    assert books.state(attempt.claim.delivery_id) is State.SENDING


def test_two_deliveries_of_a_channel_never_own_the_same_post(books: Books) -> None:
    channel_id = books.channel()
    books.posted(books.sending(channel_id), "900")
    second = books.sending(channel_id)
    with pytest.raises(DBAPIError):
        books.posted(second, "900")
    assert books.state(second.claim.delivery_id) is State.SENDING


# --- persons and calls under way ---------------------------------------------------------------------------


def test_cancelled_while_sending_stays_posted_when_it_went_out(books: Books) -> None:
    attempt = books.sending(books.channel())
    with books.database.write() as connection:
        ledger.cancel(connection, attempt.claim.delivery_id, books.now, "anna", "doppelt")
    assert books.state(attempt.claim.delivery_id) is State.SENDING
    books.posted(attempt)
    assert books.state(attempt.claim.delivery_id) is State.POSTED
    assert "cancel_requested" in books.events(attempt.claim.delivery_id)


def test_cancelled_while_sending_is_not_sent_again_after_a_postponement(books: Books) -> None:
    attempt = books.sending(books.channel())
    with books.database.write() as connection:
        ledger.cancel(connection, attempt.claim.delivery_id, books.now, "anna")
        ledger.record_postponed(connection, attempt, "rate_limit", "", books.now, books.now)
    assert books.state(attempt.claim.delivery_id) is State.CANCELLED


@pytest.mark.parametrize("by_person", [False, True])
def test_cancelled_while_unknown_wins_once_absence_is_shown(books: Books, by_person: bool) -> None:
    attempt = books.unknown(books.channel())
    delivery_id = attempt.claim.delivery_id
    with books.database.write() as connection:
        ledger.cancel(connection, delivery_id, books.now, "anna")
        (doubt,) = ledger.doubts(connection)
        assert doubt.cancel_wanted
        if by_person:
            ledger.hand_over(connection, doubt, "blind", books.now)
            ledger.settle_by_person(connection, delivery_id, None, "", books.now, "anna", books.now + GRACE)
        else:
            ledger.settle_absent(connection, doubt, books.now, books.now + GRACE)
    assert books.state(delivery_id) is State.CANCELLED


def test_an_absent_post_is_sent_again_within_a_new_grace(books: Books) -> None:
    attempt = books.unknown(books.channel())
    books.clock.advance(GRACE.total_seconds() + 60)
    with books.database.write() as connection:
        (doubt,) = ledger.doubts(connection)
        assert ledger.settle_absent(connection, doubt, books.now, books.now + GRACE)
        assert ledger.miss_late(connection, books.now) == []
    again = books.go(books.claim("two")[0])
    assert again is not None
    assert (again.number, books.row(attempt.claim.delivery_id).resends) == (2, 1)


def test_a_person_settles_a_doubt_as_found(books: Books) -> None:
    attempt = books.unknown(books.channel())
    delivery_id = attempt.claim.delivery_id
    with books.database.write() as connection:
        with pytest.raises(NotPossible, match="nothing_to_settle"):
            ledger.settle_by_person(connection, delivery_id, "5", "", books.now, "anna", books.now)
        (doubt,) = ledger.doubts(connection)
        ledger.hand_over(connection, doubt, "blind", books.now)
        ledger.settle_by_person(connection, delivery_id, "5", "https://x.com/5", books.now, "anna", books.now)
    assert (books.state(delivery_id), books.row(delivery_id).remote_id) == (State.POSTED, "5")


def test_a_doubt_settled_twice_is_settled_once(books: Books) -> None:
    books.unknown(books.channel())
    with books.database.write() as connection:
        (doubt,) = ledger.doubts(connection)
        assert ledger.settle_absent(connection, doubt, books.now, books.now + GRACE)
        assert not ledger.settle_found(connection, doubt, "1", "", books.now, books.now)
        assert not ledger.hand_over(connection, doubt, "blind", books.now)


# --- what is late, due and busy ----------------------------------------------------------------------------


def test_what_is_later_than_its_grace_is_missed_and_not_sent(books: Books) -> None:
    channel_id = books.channel()
    approved, queued = books.planned(channel_id), books.queued(channel_id)
    books.clock.advance(GRACE.total_seconds())
    with books.database.write() as connection:
        assert ledger.miss_late(connection, books.now) == []
    books.clock.advance(1)
    with books.database.write() as connection:
        assert set(ledger.miss_late(connection, books.now)) == {approved, queued}
    assert books.claim() == []


def test_what_is_in_a_sender_s_hands_is_not_missed(books: Books) -> None:
    channel_id = books.channel()
    sending = books.sending(channel_id).claim.delivery_id
    books.clock.advance(GRACE.total_seconds() + 1)
    other = books.channel("b")
    claimed = books.queued(other)
    books.claim()
    with books.database.write() as connection:
        connection.execute(update(deliveries).values(late_until=books.now - timedelta(seconds=1)))
        assert ledger.miss_late(connection, books.now) == []
    assert (books.state(sending), books.state(claimed)) == (State.SENDING, State.QUEUED)


def test_the_next_due_instant_is_the_earliest_that_may_speak(books: Books) -> None:
    channel_id, paused = books.channel("a"), books.channel("b")
    with books.database.read() as connection:
        assert ledger.next_due(connection, books.now) is None
    books.planned(channel_id, after=300)
    books.planned(channel_id, State.DRAFT, after=100)
    books.planned(paused, after=200)
    books.set_channel(paused, paused=True)
    with books.database.read() as connection:
        assert ledger.next_due(connection, books.now) == books.now + timedelta(seconds=300)


def test_a_channel_in_a_call_is_not_due_until_the_call_ends(books: Books) -> None:
    channel_id = books.channel()
    attempt = books.sending(channel_id)
    books.queued(channel_id)
    with books.database.read() as connection:
        due = ledger.next_due(connection, books.now)
    assert due is None or due > books.now, "whoever sleeps until then must not spin"
    books.posted(attempt)
    with books.database.read() as connection:
        assert ledger.next_due(connection, books.now) == books.now


def test_busy_is_whoever_calls_claims_or_searches(books: Books) -> None:
    channel_id = books.channel()

    def busy() -> bool:
        with books.database.read() as connection:
            return ledger.busy(connection, books.now)

    books.queued(channel_id)
    assert not busy()
    taken = books.claim()[0]
    assert busy()
    attempt = books.go(taken)
    assert attempt is not None
    assert busy()
    with books.database.write() as connection:
        ledger.record_unclear(connection, attempt, "timeout", "", False, books.now)
    assert busy()
    books.posted(attempt)
    assert not busy()


# --- leases, proofs, drafts --------------------------------------------------------------------------------


def test_a_lease_is_held_by_one_until_it_runs_out_or_is_dropped(books: Books) -> None:
    def take(worker: str) -> bool:
        with books.database.write() as connection:
            return ledger.take_lease(connection, "seal", worker, books.now, LEASE)

    assert take("one")
    assert not take("two")
    assert take("one")
    books.clock.advance(LEASE.total_seconds() + 1)
    assert take("two")
    with books.database.write() as connection:
        ledger.drop_lease(connection, "seal", "one")
    assert not take("one")
    with books.database.write() as connection:
        ledger.drop_lease(connection, "seal", "two")
    assert take("one")


def test_a_reader_is_proved_once_per_kind(books: Books) -> None:
    channel_id = books.channel()
    books.posted(books.sending(channel_id), "31")
    with books.database.write() as connection:
        (success,) = ledger.unproved(connection, books.now - GRACE)
        assert (success.channel_id, success.draft.kind, success.remote_id) == (channel_id, "text", "31")
        ledger.prove(connection, channel_id, "text", books.now)
        ledger.prove(connection, channel_id, "text", books.now)
        assert ledger.proved(connection, channel_id, "text")
        assert not ledger.proved(connection, channel_id, "photo")
        assert ledger.unproved(connection, books.now - GRACE) == []
        assert connection.execute(select(func.count()).select_from(reader_proofs)).scalar_one() == 1


def test_a_frozen_draft_comes_back_as_it_went_in(books: Books) -> None:
    channel_id = books.channel()
    draft = Draft("twitter", "»Grüße« 🌻\nzweite Zeile", "https://a.de/?utm_content=k", (PHOTO,), "k")
    delivery_id = books.planned(channel_id)
    with books.database.write() as connection:
        ledger.queue(connection, delivery_id, draft, None, books.now)
    assert books.claim()[0].draft == draft


def test_the_markers_of_deliveries_differ(books: Books) -> None:
    channel_id = books.channel()
    markers = {books.row(books.planned(channel_id)).marker for _ in range(20)}
    assert len(markers) == 20
    assert all(len(marker) <= 12 for marker in markers)
