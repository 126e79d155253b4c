"""The life of deliveries as a model: two workers, crashes, lost and late answers, a lagging time-line, persons.

Hypothesis chooses what happens next; the ledger, its database and the reconciler are the real ones. Judged is the
network's side: however it went, no announcement was accepted twice, and none is left without an ending. What the
network here may do, and what it never does, is docs/assumptions.md in code.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, create_engine, insert

from campaign.db import Database
from posts import ledger
from posts.clock import ManualClock
from posts.drafts import Draft, Receipt, RemotePost
from posts.ledger import Attempt, Claim, NotPossible
from posts.networks.publisher import Absent, Blind, Found, Publisher, Sighting, could_be
from posts.reconcile import FURTHER_LOOKS, FURTHER_PAUSE, Reconciler, Settling
from posts.states import State
from posts.tables import TRIGGERS, channels, metadata
from tests.conftest import START

LEASE, CALL = timedelta(seconds=30), timedelta(seconds=10)
LATEST = 20.0
"""A request that was cut off is accepted within so many seconds of the call, or never."""
LAG = 15.0
"""An accepted post shows within so many seconds."""
SETTLING = Settling((10.0, 20.0), 60.0, True, 3, timedelta(hours=1))
GRACE = timedelta(hours=6)
ENDED = {State.POSTED, State.REFUSED, State.CANCELLED, State.MISSED, State.IN_DOUBT}
FATES = ("answer lost, accepted", "answer lost, not accepted", "accepted late", "accepted", "refused", "throttled")
LEFT_OPEN = {"blind", "looks_incomplete", "worker_may_live", "too_many_resends"}
MOST = 5
"""Announcements of one example: more would only take turns."""
FULL = os.environ.get("KREATIVORTE_CHAOS") == "full"


@dataclass
class Line:
    """The network: what it accepted, from when on it shows, and what is still on its way."""

    clock: ManualClock
    lag: float = 0.0
    readable: bool = True
    posts: list[tuple[int, float, RemotePost]] = field(default_factory=list)
    coming: list[tuple[float, int, Draft]] = field(default_factory=list)

    def accept(self, delivery_id: int, draft: Draft) -> str:
        """One more visible post; returns its id."""
        remote_id = f"{len(self.posts) + 1}"
        links = (draft.link,) if draft.link else ()
        post = RemotePost(remote_id, f"https://x.com/i/status/{remote_id}", self.clock.now(), draft.text, links)
        self.posts.append((delivery_id, self.clock.monotonic() + self.lag, post))
        return remote_id

    def catch_up(self) -> None:
        """What was on its way arrives."""
        due = [one for one in self.coming if one[0] <= self.clock.monotonic()]
        self.coming = [one for one in self.coming if one not in due]
        for _, delivery_id, draft in due:
            self.accept(delivery_id, draft)

    def of(self, delivery_id: int) -> list[RemotePost]:
        """What really became of a delivery."""
        return [post for owner, _, post in self.posts if owner == delivery_id]

    def find(self, draft: Draft, since: datetime) -> Sighting:
        """As every publisher's `find`."""
        if not self.readable:
            return Blind("server_error")
        shown = [post for _, visible, post in self.posts if visible <= self.clock.monotonic()]
        found = tuple(post for post in shown if post.created_at >= since and could_be(post, draft))
        return Found(found) if found else Absent(self.clock.now())


@dataclass
class Hand:
    """What a worker has in hand: a claim, then an attempt, then the call's end."""

    name: str
    claim: Claim | None = None
    attempt: Attempt | None = None
    began: float = 0.0
    answer: Callable[[Connection], object] | None = None
    poised: bool = False
    """The last check before the call is behind it, the first byte before it; it may be stopped here for any time."""


class Deliveries(RuleBasedStateMachine):
    """Everything that may happen, in any order."""

    template: Path

    @initialize()
    def begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="model-")
        file = Path(self._folder.name) / "ledger.db"
        file.write_bytes(self.template.read_bytes())
        self.database = Database(f"sqlite:///{file}")
        self.clock = ManualClock(START)
        self.line = Line(self.clock)
        self.dead: set[str] = set()
        self.born = 0
        self.hands = [self._newborn(), self._newborn()]
        self.drafts: dict[int, Draft] = {}
        self.braked = self.clock_was_set = False
        self._restart_reconciler()
        with self.database.write() as connection:
            self.channel_id = int(connection.execute(insert(channels).values(**_channel())).inserted_primary_key[0])
            for kind in ("text", "card"):
                ledger.prove(connection, self.channel_id, kind, START)
        for linked in (True, False, False):
            self.announce(linked, not linked)

    def _newborn(self) -> Hand:
        self.born += 1
        return Hand(f"worker-{self.born}")

    def _restart_reconciler(self) -> None:
        self.reconciler = Reconciler(
            self.database.write, self.clock, self._publisher, lambda _connection, asked: asked & self.dead, SETTLING
        )

    def _publisher(self, _channel_id: int) -> Publisher:
        return self.line  # type: ignore[return-value]

    # --- the house's side

    @rule(linked=st.booleans(), twin=st.booleans())
    def announce(self, linked: bool, twin: bool) -> None:
        if len(self.drafts) >= MOST:
            return
        with self.database.write() as connection:
            now = self.clock.now()
            one = ledger.create(connection, self.channel_id, State.APPROVED, now, GRACE, now, "anna")
            words = "Nr. 0 lädt ein" if twin else f"Nr. {one} lädt ein"
            link = f"https://k.example/?utm_content=m{one}" if linked else None
            text = f"{words} {link}" if link else words
            self.drafts[one] = Draft("twitter", text, link, (), f"m{one}" if linked else None)
            ledger.queue(connection, one, self.drafts[one], None, now)

    def cancel(self, which: int) -> None:
        with self.database.write() as connection:
            try:
                ledger.cancel(connection, self._one(which), self.clock.now(), "anna")
            except NotPossible:
                return

    def recall_and_edit(self, which: int) -> None:
        one = self._one(which)
        with self.database.write() as connection:
            now = self.clock.now()
            before = ledger.state_of(connection, one)
            if before is State.QUEUED and ledger.recall(connection, one, now, "anna") is State.APPROVED:
                self.drafts[one] = replace(self.drafts[one], text=f"{self.drafts[one].text}!")
                ledger.queue(connection, one, self.drafts[one], None, now)

    def brake(self) -> None:
        self.braked = not self.braked
        with self.database.write() as connection:
            ledger.set_brake(connection, self.braked, "Probe", self.clock.now(), "anna")

    def a_person_looks_and_settles(self, which: int) -> None:
        self._settle_truly(self._one(which))

    def a_person_retries(self, which: int) -> None:
        with self.database.write() as connection:
            try:
                ledger.retry(connection, self._one(which), self.clock.now(), "anna", self.clock.now() + GRACE)
            except NotPossible:
                return

    @rule(act=st.sampled_from(["cancel", "edit", "settle", "retry", "brake"]), which=st.integers(0, 9))
    def a_person_acts(self, act: str, which: int) -> None:
        acts = {
            "cancel": self.cancel,
            "edit": self.recall_and_edit,
            "settle": self.a_person_looks_and_settles,
            "retry": self.a_person_retries,
            "brake": lambda _which: self.brake(),
        }
        acts[act](which)

    # --- the workers' side

    @rule(which=st.integers(0, 1), steps=st.sampled_from([5, 4, 3, 2, 1]), fate=st.sampled_from(FATES))
    def work(self, which: int, steps: int, fate: str) -> None:
        """A worker comes so many steps further: claim, go, call, record."""
        for _ in range(steps):
            hand = self.hands[which]
            if hand.claim is None:
                self.claim(which)
            elif hand.attempt is None:
                self.go(which)
            elif hand.answer is None:
                self.call(which, fate)
            else:
                self.record(which)

    def claim(self, which: int) -> None:
        hand = self.hands[which]
        if hand.claim is None:
            with self.database.write() as connection:
                claims = ledger.claim(connection, hand.name, self.clock.now(), LEASE, 1)
            hand.claim = claims[0] if claims else None

    def go(self, which: int) -> None:
        hand = self.hands[which]
        if hand.claim is None or hand.attempt is not None:
            return
        with self.database.write() as connection:
            hand.attempt = ledger.go(connection, hand.claim, self.clock.now(), LEASE)
            if hand.attempt is None:
                ledger.give_back(connection, hand.claim)
        hand.began = self.clock.monotonic()
        if hand.attempt is None:
            hand.claim = None

    def call(self, which: int, fate: str) -> None:
        hand = self.hands[which]
        if hand.attempt is None or hand.answer is not None:
            return
        attempt, now = hand.attempt, self.clock.now()
        if hand.poised:
            hand.answer = self._answer(attempt, fate)
            return
        if self.clock.monotonic() - hand.began > (LEASE - CALL).total_seconds():
            # The last act before the call: too little of the lease is left.
            hand.answer = lambda connection: ledger.record_postponed(
                connection, attempt, "lease_too_short", "", None, now
            )
            return
        hand.poised = True

    def _answer(self, attempt: Attempt, fate: str) -> Callable[[Connection], object]:
        one, draft = attempt.claim.delivery_id, attempt.claim.draft
        if fate == "accepted":
            receipt = Receipt(self.line.accept(one, draft), "https://x.com/1")
            return lambda connection: ledger.record_posted(connection, attempt, receipt, self.clock.now())
        if fate == "refused":
            return lambda connection: ledger.record_refused(connection, attempt, "too_long", "", self.clock.now())
        if fate == "throttled":
            until = self.clock.now() + timedelta(seconds=20)
            return lambda connection: ledger.record_postponed(
                connection, attempt, "rate_limited", "", until, self.clock.now()
            )
        if fate == "answer lost, accepted":
            self.line.accept(one, draft)
        if fate == "accepted late":
            self.line.coming.append((self.clock.monotonic() + LATEST, one, draft))
        return lambda connection: ledger.record_unclear(connection, attempt, "timeout", "", False, self.clock.now())

    def record(self, which: int) -> None:
        hand = self.hands[which]
        if hand.answer is not None:
            with self.database.write() as connection:
                hand.answer(connection)
            self.hands[which] = Hand(hand.name)

    @rule(which=st.integers(0, 1), fate=st.sampled_from(FATES))
    def oversleeps(self, which: int, fate: str) -> None:
        """A worker is stopped between its last check and its first byte, for longer than everything; then it wakes."""
        for _ in range(4):
            if not self.hands[which].poised:
                self.work(which, 1, fate)
        self.time_passes(35.0)
        self.it_is_looked_for(8, 12.0)
        self.work(1 - which, 5, "accepted")
        self.call(which, fate)

    @rule(which=st.integers(0, 1), act=st.sampled_from(["edit", "cancel", "brake"]), fate=st.sampled_from(FATES))
    def changed_before_it_goes(self, which: int, act: str, fate: str) -> None:
        """A person is quicker than a worker that has claimed already."""
        self.claim(which)
        claim = self.hands[which].claim
        if claim is not None:
            self.a_person_acts(act, sorted(self.drafts).index(claim.delivery_id))
        self.work(which, 5, fate)

    @rule(which=st.integers(0, 1), steps=st.sampled_from([0, 4, 2]), fate=st.sampled_from(FATES))
    def dies(self, which: int, steps: int, fate: str) -> None:
        self.work(which, steps, fate)
        self.crash(which)

    def crash(self, which: int) -> None:
        self.dead.add(self.hands[which].name)
        self.hands[which] = self._newborn()

    # --- time, and what follows from it

    @rule(seconds=st.sampled_from([1.0, 5.0, 12.0, 35.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1)
            self.line.catch_up()

    @rule(seconds=st.sampled_from([-90, 90]), anew=st.booleans())
    def something_jumps(self, seconds: int, anew: bool) -> None:
        """The clock is set, or the reconciler's process is a new one that remembers no look."""
        if anew:
            self._restart_reconciler()
            return
        self.clock_was_set = True
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))

    @rule(lag=st.sampled_from([0.0, 5.0, LAG]), readable=st.booleans())
    def the_time_line_changes(self, lag: float, readable: bool) -> None:
        self.line.lag, self.line.readable = lag, readable

    @rule(times=st.integers(1, 6), seconds=st.sampled_from([10.0, 12.0, 60.0]))
    def it_is_looked_for(self, times: int, seconds: float) -> None:
        for _ in range(times):
            self.reconcile()
            self.time_passes(seconds)
        self.reconcile()

    def reconcile(self) -> None:
        with self.database.write() as connection:
            ledger.lapse(connection, self.clock.now(), self.dead)
            ledger.free_claims(connection, self.dead)
        self.reconciler.reconcile()

    # --- what must hold

    @invariant()
    def none_is_accepted_twice(self) -> None:
        counted = Counter(owner for owner, _, _ in getattr(self, "line", Line(ManualClock(START))).posts)
        assert all(times == 1 for times in counted.values()), counted

    @invariant()
    def what_is_told_is_so(self) -> None:
        for one in getattr(self, "drafts", {}):
            state, remote_id = self._row(one)
            real = self.line.of(one)
            if state is State.POSTED:
                # Twins without markers can't be told apart: then it is one of theirs.
                same = {post.remote_id for owner in self._twins(one) for post in self.line.of(owner)}
                assert remote_id in same, (one, remote_id, same)
                assert all(post.text == self.drafts[one].text for post in real), "what went out is not the last text"
            elif state in (State.REFUSED, State.CANCELLED, State.MISSED, State.QUEUED, State.APPROVED):
                assert not real, f"{one} is {state.value}, and out"

    @invariant()
    def one_call_at_a_time(self) -> None:
        # A clock that is set forward ends leases early: the doubt that follows lets the next one speak.
        if hasattr(self, "database") and not self.clock_was_set:
            left = (LEASE - CALL).total_seconds()
            waiting = [hand for hand in self.hands if hand.attempt and not hand.answer]
            assert sum(self.clock.monotonic() - hand.began <= left for hand in waiting) <= 1

    def teardown(self) -> None:
        if not hasattr(self, "database"):
            return
        try:
            self._finish()
            self._check_endings()
        finally:
            self.database.close()
            self._folder.cleanup()

    def _finish(self) -> None:
        """All faults off, the workers at work, and time enough."""
        self.line.lag, self.line.readable = 0.0, True
        if self.braked:
            self.brake()
        for which in (0, 1):
            self.crash(which)
        for _ in range(40 + 12 * len(self.drafts)):
            if all(self._row(one)[0] in ENDED for one in self.drafts):
                break
            self.reconcile()
            self.claim(0)
            self.go(0)
            self.call(0, "accepted")
            self.call(0, "accepted")
            self.record(0)
            self.time_passes(12.0)

    def _check_endings(self) -> None:
        self.none_is_accepted_twice()
        self.what_is_told_is_so()
        for one, draft in self.drafts.items():
            state, _ = self._row(one)
            assert state in ENDED, f"{one} is left {state.value}"
            with self.database.read() as connection:
                story = list(ledger.entries(connection, delivery_id=one))
            if state is State.IN_DOUBT:
                why = next(row.detail["why"] for row in reversed(story) if row.event == "handed_over")
                # With a marker only what could not be read, or what a living worker might still do, is left open.
                assert draft.marker is None or why in LEFT_OPEN, why
        with self.database.write() as connection:
            ledger.seal(connection, 10_000)
            assert ledger.verify(connection).ok

    # --- looking

    def _one(self, which: int) -> int:
        return sorted(self.drafts)[which % len(self.drafts)]

    def _twins(self, one: int) -> list[int]:
        draft = self.drafts[one]
        return [other for other, theirs in self.drafts.items() if other == one or theirs == draft]

    def _row(self, one: int) -> tuple[State, str | None]:
        with self.database.read() as connection:
            row = connection.exec_driver_sql("SELECT state, remote_id FROM deliveries WHERE id = ?", (one,)).one()
        return State(row[0]), row[1]

    def _settle_truly(self, one: int) -> None:
        """A person sees the real time-line, and waits until what is under way has arrived."""
        if any(owner == one for _, owner, _ in self.line.coming) or any(
            hand.attempt and hand.attempt.claim.delivery_id == one for hand in self.hands
        ):
            return
        with self.database.write() as connection:
            real = [post.remote_id for post in self.line.of(one)]
            taken = ledger.claimed_elsewhere(connection, self.channel_id, one, real)
            if set(real) & taken:
                return
            try:
                ledger.settle_by_person(
                    connection, one, next(iter(real), None), "", self.clock.now(), "anna", self.clock.now() + GRACE
                )
            except NotPossible:
                return


def _channel() -> dict[str, object]:
    return {
        "name": "altmark-x",
        "network": "twitter",
        "account": "1",
        "api_base": "http://127.0.0.1:9/x",
        "world": "sandbox",
        "credentials": "",
        "created_at": START,
    }


def test_however_it_goes_none_is_accepted_twice_and_each_has_an_ending(tmp_path: Path) -> None:
    Deliveries.template = tmp_path / "template.db"
    engine = create_engine(f"sqlite:///{Deliveries.template}")
    with engine.begin() as connection:
        metadata.create_all(connection)
        for statement in TRIGGERS["sqlite"]:
            connection.exec_driver_sql(statement)
    engine.dispose()
    assert FURTHER_LOOKS * FURTHER_PAUSE + SETTLING.window < GRACE.total_seconds()
    run_state_machine_as_test(
        Deliveries,
        settings=settings(
            max_examples=3000 if FULL else 120,
            stateful_step_count=60 if FULL else 40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
