"""Prepare, go, call, record: the bringing-out of one delivery (DESIGN.md section 5, "The protocol of a send")."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from posts import ledger
from posts.clock import Clock
from posts.drafts import Receipt
from posts.errors import Outcome, Refused, SignedOut, Throttled, Unclear, Unreachable
from posts.insisting import Begin, insist, is_database_trouble
from posts.ledger import Attempt, Claim
from posts.networks.publisher import Prepared, Publisher, Reason

logger = logging.getLogger(__name__)

# Waits after a failure that surely published nothing, doubled each time, with jitter; bounded at both ends.
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
# What can't be prepared this often, and nobody knows why, won't be the next time either: a person is asked. Limits and
# networks that can't be reached are not counted: they pass, and until then the grace is the bound.
PREPARE_TRIES = 8
LOOK_AGAIN = 0.5
"""Seconds after which a courier whose calls last looks at what has come due meanwhile."""
DATABASE_AWAY = "database_away"
DOUBTED_SIGN_OUTS = frozenset({"token_invalid", "token_expired"})


@dataclass(frozen=True)
class Patience:
    """Durations of the delivery: the lease, what must be left of it for a call, the wait when none is named, the pause
    of a channel between starts that are long overdue."""

    lease: timedelta
    call: timedelta
    throttle_wait: timedelta
    catch_up_gap: timedelta = timedelta(0)


@dataclass(frozen=True)
class Opened:
    """A publisher and the version of the tokens that it was opened with; "" for tokens that age by themselves."""

    publisher: Publisher
    version: str


@dataclass
class Publishers:
    """Opened publishers, one per channel and sender: opening costs a TLS hand-shake, and none is thread-safe.

    `version` names the tokens a channel has now; a publisher with older ones is never used again.
    """

    open: Callable[[int], Publisher]
    version: Callable[[int], str]
    refresh_rejected: Callable[[int, Publisher], object] = lambda _channel_id, _publisher: False
    _free: dict[int, list[Opened]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, channel_id: int) -> Opened:
        """A publisher of that channel that nobody else uses. Raises SignedOut when its tokens can't be read."""
        version = self.version(channel_id)
        with self._lock:
            kept = [one for one in self._free.get(channel_id, []) if one.version == version]
            self._free[channel_id] = kept
            if kept:
                return kept.pop()
        return Opened(self.open(channel_id), version)

    def give(self, channel_id: int, opened: Opened) -> None:
        """Keep it for the next send, unless its tokens age by themselves."""
        if opened.version:
            with self._lock:
                self._free.setdefault(channel_id, []).append(opened)


class Courier:
    """Brings out what is due, several channels at once, one visible call at a time on each."""

    def __init__(
        self,
        begin: Begin,
        clock: Clock,
        publishers: Publishers,
        worker: str,
        patience: Patience,
        senders: int,
        on_end: Callable[[int], None] = lambda _delivery_id: None,
        kept_back: Callable[[Connection], Iterable[int]] = lambda _connection: (),
        may_send: Callable[[Connection], bool] = lambda _connection: True,
    ) -> None:
        """`may_send` is asked within each transaction that claims or goes: whether its database is still the one that
        this worker was told to send from."""
        self._begin = begin
        self._clock = clock
        self._publishers = publishers
        self._worker = worker
        self._patience = patience
        self._senders = senders
        self._on_end = on_end
        self._kept_back = kept_back
        self._may_send = may_send
        self._pool = ThreadPoolExecutor(senders, thread_name_prefix="sender")
        self._stopping = threading.Event()

    def begin_nothing(self) -> None:
        """No new claim and no new call from now on; what is in flight goes on."""
        self._stopping.set()

    def stop(self) -> None:
        """Begin nothing new, and wait until what is in flight is finished and recorded."""
        self._stopping.set()
        self._pool.shutdown(wait=True)

    def deliver_due(self, queue_due: Callable[[], int]) -> int:
        """Send everything that is due; returns how many deliveries were taken in hand.

        `queue_due` freezes what has come due, and tells how many it is not ready with; it is asked again while that or
        a call lasts, so that none waits for another's.
        """
        running: set[Future[None]] = set()
        taken, looked, unready, done = 0, 0.0, 0, set[Future[None]]()
        while True:
            if not done or self._clock.monotonic() - looked > LOOK_AGAIN:
                unready = queue_due()
                looked = self._clock.monotonic()
            claims = self._claim(self._senders - len(running))
            taken += len(claims)
            running |= {self._pool.submit(self._bring_out, claim) for claim in claims}
            if not running and (not unready or self._stopping.wait(LOOK_AGAIN)):
                return taken
            done, running = wait(running, timeout=LOOK_AGAIN, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()

    def _claim(self, limit: int) -> list[Claim]:
        if self._stopping.is_set() or limit < 1:
            return []
        with self._begin() as connection:
            if not self._may_send(connection):
                return []
            now = ledger.now_of(connection, self._clock)
            waiting = self._kept_back(connection)
            return ledger.claim(connection, self._worker, now, self._patience.lease, limit, waiting)

    def _bring_out(self, claim: Claim) -> None:
        try:
            opened = self._publishers.take(claim.channel_id)
        except Outcome as outcome:
            self._record_unprepared(claim, outcome)
            return
        except Exception as error:
            if is_database_trouble(error):
                raise
            logger.exception("opening the channel of delivery %s failed", claim.delivery_id)
            self._record_unprepared(claim, Unclear("internal", type(error).__name__))
            return
        healthy = self._send(claim, opened.publisher)
        if healthy:
            self._publishers.give(claim.channel_id, opened)
        self._on_end(claim.delivery_id)

    def _send(self, claim: Claim, publisher: Publisher) -> bool:
        try:
            prepared = publisher.prepare(claim.draft)
        except Outcome as outcome:
            self._record_unprepared(claim, self._confirmed(claim.channel_id, publisher, outcome))
            return isinstance(outcome, Refused | Throttled)
        except Exception as error:  # a publisher's bug must not end the daemon: nothing visible has happened yet
            logger.exception("preparing delivery %s failed", claim.delivery_id)
            self._record_unprepared(claim, Unclear("internal", type(error).__name__))
            return False
        return self._call(claim, publisher, prepared)

    def _call(self, claim: Claim, publisher: Publisher, prepared: Prepared) -> bool:
        with self._begin() as connection:
            now = ledger.now_of(connection, self._clock)
            stays = self._stopping.is_set() or not self._may_send(connection)
            attempt = None
            if not stays:
                attempt = ledger.go(connection, claim, now, self._patience.lease, self._patience.catch_up_gap)
            if attempt is None:
                ledger.give_back(connection, claim)
                return True
            started = self._clock.monotonic()
        why_not = self._last_look(attempt, started)
        if why_not == DATABASE_AWAY:
            self._record_outcome(attempt, Unreachable(why_not))
            return True
        if why_not:
            self._record(lambda connection, now: ledger.record_postponed(connection, attempt, why_not, "", None, now))
            return True
        return self._publish(attempt, publisher, prepared)

    def _last_look(self, attempt: Attempt, started: float) -> str:
        """The last acts before the first byte: why the call must not begin after all, "" where it may.

        The brake and the attempt are read once more, because the commit may have been slow, or this process stopped
        and woken; after that, what is left of the lease must still cover the whole call.
        """
        try:
            with self._begin() as connection:
                if not ledger.may_begin(connection, attempt):
                    return "stopped_before_call"
        except Exception as error:
            if not is_database_trouble(error):
                raise
            return DATABASE_AWAY
        late = self._clock.monotonic() - started > (self._patience.lease - self._patience.call).total_seconds()
        return "lease_too_short" if late else ""

    def _publish(self, attempt: Attempt, publisher: Publisher, prepared: Prepared) -> bool:
        try:
            receipt = publisher.publish(prepared)
        except Outcome as outcome:
            self._record_outcome(attempt, self._confirmed(attempt.claim.channel_id, publisher, outcome))
            return isinstance(outcome, Refused | Throttled)
        except Exception as error:  # whatever is not known is unknown: also our own bug after the call
            logger.exception("sending delivery %s ended unexpectedly", attempt.claim.delivery_id)
            self._record_outcome(attempt, Unclear("internal", type(error).__name__))
            return False
        try:
            self._record_posted(attempt, receipt)
        except IntegrityError:
            detail = f"the network answered with post {receipt.remote_id}, which another delivery owns"
            self._record_outcome(attempt, Unclear(Reason.UNKNOWN_ANSWER, detail, duplicate=True))
        return True

    def _confirmed(self, channel_id: int, publisher: Publisher, outcome: Outcome) -> Outcome:
        """A dead token is believed only when it can't be renewed either, or asking for the account is refused too: X
        answered 401 to good tokens in an outage (X fact sheet, section 2). Else the delivery just waits a little."""
        if not isinstance(outcome, SignedOut) or outcome.reason not in DOUBTED_SIGN_OUTS:
            return outcome
        try:
            self._publishers.refresh_rejected(channel_id, publisher)
            publisher.check()
        except SignedOut:
            return outcome
        except Exception as error:  # nobody knows yet: the outcome of the call must be recorded all the same
            logger.warning("whether a channel is signed out can't be found out now: %s", error)
        return Unreachable(outcome.reason, outcome.detail)

    # --- recording

    def _record(self, write: Callable[[Connection, datetime], object]) -> None:
        """Write the outcome, trying again for a while: an outcome that is lost becomes a doubt."""
        insist(self._begin, self._clock, lambda connection: write(connection, ledger.now_of(connection, self._clock)))

    def _record_posted(self, attempt: Attempt, receipt: Receipt) -> None:
        def write(connection: Connection, now: datetime) -> None:
            _note_clock(connection, attempt.claim.channel_id, receipt.server_time, now)
            ledger.record_posted(connection, attempt, receipt, now)

        self._record(write)

    def _record_outcome(self, attempt: Attempt, outcome: Outcome) -> None:
        reason, detail = outcome.reason, outcome.detail

        def write(connection: Connection, now: datetime) -> None:
            _note_clock(connection, attempt.claim.channel_id, outcome.server_time, now)
            if isinstance(outcome, Refused):
                ledger.record_refused(connection, attempt, reason, detail, now)
            elif isinstance(outcome, Throttled | SignedOut | Unreachable):
                until = self._wait_until(outcome, attempt.claim.failures, now)
                ledger.record_postponed(connection, attempt, reason, detail, until, now)
                self._silence(connection, attempt.claim.channel_id, outcome, until, now)
            else:
                duplicate = isinstance(outcome, Unclear) and outcome.duplicate
                ledger.record_unclear(connection, attempt, reason, detail, duplicate, now)

        self._record(write)

    def _record_unprepared(self, claim: Claim, outcome: Outcome) -> None:
        reason, detail = outcome.reason, outcome.detail

        def write(connection: Connection, now: datetime) -> None:
            _note_clock(connection, claim.channel_id, outcome.server_time, now)
            unclear = isinstance(outcome, Unclear)
            given_up = unclear and ledger.unclear_preparations(connection, claim) + 1 >= PREPARE_TRIES
            if isinstance(outcome, Refused) or given_up:
                ledger.refuse_claim(connection, claim, reason, detail, now)
                return
            until = self._wait_until(outcome, claim.failures, now)
            ledger.postpone_claim(connection, claim, reason, detail, until, now, unclear=unclear)
            self._silence(connection, claim.channel_id, outcome, until, now)

        self._record(write)

    def _wait_until(self, outcome: Outcome, failures: int, now: datetime) -> datetime | None:
        """When it is tried again; never at once, though the network names an instant that has passed."""
        if isinstance(outcome, SignedOut):
            return None
        longest = min(LONGEST_WAIT, FIRST_WAIT * (1 << min(failures, 10)))
        jitter: float = random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        soonest = now + longest * jitter
        if isinstance(outcome, Throttled):
            return max(outcome.until or now + self._patience.throttle_wait, soonest)
        return soonest

    def _silence(
        self, connection: Connection, channel_id: int, outcome: Outcome, until: datetime | None, now: datetime
    ) -> None:
        if isinstance(outcome, SignedOut):
            ledger.sign_out_channel(connection, channel_id, outcome.reason, now)
        elif isinstance(outcome, Throttled) and outcome.scope == "channel" and until is not None:
            ledger.throttle_channel(connection, channel_id, until, outcome.reason, now)


def _note_clock(connection: Connection, channel_id: int, server_time: datetime | None, now: datetime) -> None:
    if server_time is not None:
        ledger.note_skew(connection, channel_id, server_time, now)
