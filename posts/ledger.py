"""The ledger: the only writer of delivery state, and the keeper of the log.

Every function takes a connection inside a transaction and an instant; it opens neither. A move is guarded by
the state it was seen in, and its log entry stands in the same transaction (DESIGN.md sections 4 and 5).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Row, Text, and_, case, delete, exists, func, insert, or_, select, update
from sqlalchemy import cast as cast_sql
from sqlalchemy.dialects import postgresql, sqlite

from posts.clock import Clock
from posts.drafts import Draft, Receipt
from posts.errors import Explained
from posts.states import PLANNED, Event, ForbiddenMove, State, after
from posts.tables import Instant, attempts, brake, channels, deliveries, leases, log_entries, reader_proofs, workers

DAEMON = "daemon"
SKEW_COARSENESS = 2.0
"""Seconds that a Date header and the way of an answer may account for."""
OVERDUE = timedelta(minutes=5)
"""From then on a start is late by a standstill or an outage, not by the announcements before it."""
RESTORE = "restore"
"""Stands for the unknown worker of attempts that a restored database no longer knows."""


@dataclass(frozen=True)
class Claim:
    """The right to prepare one delivery until an instant; its state is still `queued`.

    Worker and instant together name the claim: the same worker may claim again after the text was changed.
    """

    delivery_id: int
    channel_id: int
    worker: str
    draft: Draft
    failures: int
    until: datetime


@dataclass(frozen=True)
class Attempt:
    """The committed intention to make the one visible call."""

    claim: Claim
    number: int
    started_at: datetime


class NotPossible(Explained):
    """A person asked for a move that the announcement's state does not allow; number and state are its details."""


def now_of(connection: Connection, clock: Clock) -> datetime:
    """The instant that leases and due times are judged by: the database's own clock on PostgreSQL."""
    if clock.real and connection.dialect.name == "postgresql":
        instant: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return instant
    return clock.now()


# --- the log -----------------------------------------------------------------------------------------------


def note(
    connection: Connection,
    event: str,
    now: datetime,
    actor: str,
    *,
    delivery_id: int | None = None,
    attempt: int | None = None,
    remote_id: str | None = None,
    permalink: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> str:
    """Write one log entry and return its random id. Channel and network are taken from the delivery, where the
    database still knows it."""
    channel = None
    if delivery_id is not None:
        channel = connection.execute(
            select(channels.c.name, channels.c.network)
            .join_from(deliveries, channels)
            .where(deliveries.c.id == delivery_id)
        ).one_or_none()
    entry_id = uuid.uuid4().hex
    connection.execute(
        insert(log_entries).values(
            id=entry_id,
            at=now,
            event=event,
            announcement=delivery_id,
            channel=channel.name if channel else None,
            network=channel.network if channel else None,
            attempt=attempt,
            remote_id=remote_id,
            permalink=permalink,
            actor=actor,
            detail=dict(detail or {}),
        )
    )
    return entry_id


def entry_fields(row: Row[Any]) -> dict[str, Any]:
    """A log row as the contract's JSON object, hash fields included."""
    fields = {column.name: getattr(row, column.name) for column in log_entries.columns if column.name != "ordinal"}
    fields["at"] = row.at.isoformat(timespec="microseconds")
    return fields


def entry_hash(fields: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over all fields of an entry but `hash` itself, as JSON with sorted keys."""
    covered = {name: value for name, value in fields.items() if name != "hash"}
    return hashlib.sha256(
        json.dumps(covered, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()


def seal(connection: Connection, limit: int = 1000) -> int:
    """Chain up to `limit` unsealed entries, oldest first; returns how many. One sealer at a time (a lease)."""
    head = connection.execute(
        select(log_entries.c.seq, log_entries.c.hash)
        .where(log_entries.c.seq.is_not(None))
        .order_by(log_entries.c.seq.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    seq, prev = (head.seq, head.hash) if head else (0, "")
    rows = connection.execute(
        select(log_entries).where(log_entries.c.seq.is_(None)).order_by(log_entries.c.ordinal).limit(limit)
    ).all()
    for row in rows:
        seq += 1
        fields = entry_fields(row) | {"seq": seq, "prev": prev}
        digest = entry_hash(fields)
        connection.execute(
            update(log_entries).where(log_entries.c.id == row.id).values(seq=seq, prev=prev, hash=digest)
        )
        prev = digest
    return len(rows)


def unsealed(connection: Connection) -> bool:
    """Whether entries wait for the chain."""
    return (
        connection.execute(select(log_entries.c.ordinal).where(log_entries.c.seq.is_(None)).limit(1)).first()
        is not None
    )


def head(connection: Connection) -> str:
    """The head of the chain (`SEQ:HASH`) as it was sealed last: whoever keeps it can have `verify` look for it."""
    row = connection.execute(
        select(log_entries.c.seq, log_entries.c.hash)
        .where(log_entries.c.seq.is_not(None))
        .order_by(log_entries.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return f"{row.seq}:{row.hash}" if row else "0:"


@dataclass(frozen=True)
class Verification:
    """What checking the chain found; `first_bad` is the first sequence number that does not hold."""

    entries: int
    ok: bool
    first_bad: int | None
    head: str


def verify(connection: Connection, expected_head: tuple[int, str] | None = None) -> Verification:
    """Recompute the chain from the first entry. `expected_head` is an earlier (seq, hash) kept elsewhere."""
    count, prev, first_bad, kept = 0, "", None, expected_head is None
    for row in entries(connection, sealed=True):
        fields = entry_fields(row)
        good = row.seq == count + 1 and row.prev == prev and row.hash == entry_hash(fields)
        if expected_head is not None and row.seq == expected_head[0]:
            kept = row.hash == expected_head[1]
            good = good and kept
        if not good:
            first_bad = count + 1
            break
        count, prev = row.seq, row.hash
    if first_bad is None and not kept:
        first_bad = count + 1
    return Verification(count, first_bad is None, first_bad, f"{count}:{prev}")


def newest_entry(connection: Connection) -> tuple[str, datetime] | None:
    """Id and instant of the entry that was inserted last, of those that are committed."""
    row = connection.execute(
        select(log_entries.c.id, log_entries.c.at).order_by(log_entries.c.ordinal.desc()).limit(1)
    ).one_or_none()
    return (row.id, row.at) if row else None


def has_entry(connection: Connection, entry_id: str) -> bool:
    """Whether the log has the entry with that random id."""
    return connection.execute(select(log_entries.c.id).where(log_entries.c.id == entry_id)).first() is not None


def entries(
    connection: Connection, *, delivery_id: int | None = None, sealed: bool = False, after_seq: int = 0
) -> Iterator[Row[Any]]:
    """Log rows, sealed ones in the order of the chain, unsealed ones behind them by instant."""
    query = select(log_entries).order_by(log_entries.c.seq.is_(None), log_entries.c.seq, log_entries.c.ordinal)
    if delivery_id is not None:
        query = query.where(log_entries.c.announcement == delivery_id)
    if sealed:
        query = query.where(log_entries.c.seq > after_seq)
    return iter(connection.execute(query.execution_options(yield_per=1000)))


MOST_WORDS = 8


@dataclass(frozen=True)
class Wanted:
    """Which log entries somebody looks for; what is None or empty excludes nothing."""

    delivery_id: int | None = None
    events: tuple[str, ...] = ()
    channel: str | None = None
    actor: str | None = None
    words: str = ""
    since: datetime | None = None
    before: datetime | None = None


def search(connection: Connection, wanted: Wanted, limit: int, below: int | None = None) -> list[Row[Any]]:
    """Log rows that fit, the newest first, `ordinal` among their columns; `below` goes on behind that ordinal."""
    columns = log_entries.c
    conditions: list[Any] = []
    if wanted.delivery_id is not None:
        conditions.append(columns.announcement == wanted.delivery_id)
    if wanted.events:
        conditions.append(columns.event.in_(wanted.events))
    if wanted.channel is not None:
        conditions.append(columns.channel == wanted.channel)
    if wanted.actor is not None:
        conditions.append(columns.actor == wanted.actor)
    if wanted.since is not None:
        conditions.append(columns.at >= wanted.since)
    if wanted.before is not None:
        conditions.append(columns.at < wanted.before)
    if below is not None:
        conditions.append(columns.ordinal < below)
    # JSON is kept with escaped letters on SQLite, so words are looked for as they are and as they are kept.
    for word in wanted.words.split()[:MOST_WORDS]:
        kept = json.dumps(word)[1:-1]
        places = [columns.remote_id, columns.permalink, columns.channel]
        conditions.append(
            or_(
                *(place.icontains(word, autoescape=True) for place in places),
                *(cast_sql(columns.detail, Text).icontains(form, autoescape=True) for form in {word, kept}),
            )
        )
    query = select(log_entries).where(*conditions).order_by(columns.ordinal.desc()).limit(limit)
    return list(connection.execute(query))


# --- moves -------------------------------------------------------------------------------------------------


def move(
    connection: Connection,
    delivery_id: int,
    seen: State,
    event: Event,
    now: datetime,
    actor: str,
    *,
    where: tuple[Any, ...] = (),
    detail: Mapping[str, Any] | None = None,
    attempt: int | None = None,
    **values: Any,
) -> bool:
    """Move one delivery from the state it was seen in, and log it; False when somebody else moved it first.

    Raises ForbiddenMove when the table of states has no such row.
    """
    target = after(seen, event)
    done = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == seen.value, *where)
        .values(state=target.value, **values)
    )
    if done.rowcount != 1:
        return False
    note(
        connection,
        event.value,
        now,
        actor,
        delivery_id=delivery_id,
        attempt=attempt,
        remote_id=values.get("remote_id"),
        permalink=values.get("permalink"),
        detail=detail,
    )
    return True


def state_of(connection: Connection, delivery_id: int) -> State:
    """The present state, its row locked until the transaction ends (PostgreSQL). Raises NotPossible for no such id."""
    value = connection.execute(
        select(deliveries.c.state).where(deliveries.c.id == delivery_id).with_for_update()
    ).scalar_one_or_none()
    if value is None:
        raise NotPossible("announcement_unknown", delivery_id)
    return State(value)


def create(
    connection: Connection,
    channel_id: int,
    state: State,
    due_at: datetime,
    late_grace: timedelta,
    now: datetime,
    actor: str,
    *,
    hold_reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Create a planned delivery (draft, approved or held) and return its id."""
    if state not in PLANNED:
        raise ForbiddenMove(state, Event.PLANNED)
    delivery_id: int = connection.execute(
        insert(deliveries)
        .values(
            channel_id=channel_id,
            state=state.value,
            due_at=due_at,
            late_until=due_at + late_grace,
            marker=uuid.uuid4().hex[:12],
            hold_reason=hold_reason,
        )
        .returning(deliveries.c.id)
    ).scalar_one()
    note(connection, Event.PLANNED.value, now, actor, delivery_id=delivery_id, detail=detail)
    return delivery_id


def queue(connection: Connection, delivery_id: int, draft: Draft, cost_usd: float | None, now: datetime) -> bool:
    """Freeze the text and hand the announcement to the senders; what may be out already goes to be looked for."""
    queued = move(
        connection,
        delivery_id,
        State.APPROVED,
        Event.QUEUED,
        now,
        DAEMON,
        draft=draft.to_json(),
        cost_usd=cost_usd,
        not_before=None,
        reason=None,
        failures=0,
        detail={"text": draft.text, "link": draft.link, "images": [image.sha256 for image in draft.images]},
    )
    if queued:
        _queued_again(connection, delivery_id, now)
    return queued


def doubt_since(connection: Connection, since: datetime, now: datetime) -> int:
    """The database was put back to `since`: whatever is not out here may be out all the same, whenever it is due: it
    may have waited long, been tried again, or been moved.

    Nothing of it is sent before it was looked for; returns how many deliveries that concerns.
    """
    unsent = [*PLANNED, State.QUEUED, State.MISSED, State.REFUSED, State.IN_DOUBT]
    marked = connection.execute(
        update(deliveries)
        .where(deliveries.c.state.in_([state.value for state in unsent]))
        # What was to be looked for since an earlier loss still is.
        .values(look_since=case((deliveries.c.look_since < since, deliveries.c.look_since), else_=since))
    ).rowcount
    waiting = connection.execute(
        select(deliveries.c.id, deliveries.c.look_since).where(deliveries.c.state == State.QUEUED.value)
    )
    for row in waiting.all():
        _look_first(connection, row.id, row.look_since, now, "database_restored")
    return marked


def _queued_again(connection: Connection, delivery_id: int, now: datetime) -> None:
    """What was cancelled meanwhile ends; what may be out already is looked for before it is sent."""
    row = connection.execute(
        select(deliveries.c.cancel_wanted, deliveries.c.look_since, deliveries.c.also_posted).where(
            deliveries.c.id == delivery_id
        )
    ).one()
    if row.cancel_wanted:
        move(connection, delivery_id, State.QUEUED, Event.CANCELLED, now, DAEMON, cancel_wanted=False)
    elif row.look_since is not None:
        why = "late_answer" if row.also_posted else "database_restored"
        _look_first(connection, delivery_id, row.look_since, now, why)


def _look_first(connection: Connection, delivery_id: int, since: datetime, now: datetime, why: str) -> None:
    """An attempt that nobody here remembers becomes a doubt like any other; its worker's call has long ended."""
    number = connection.execute(select(deliveries.c.attempt).where(deliveries.c.id == delivery_id)).scalar_one() + 1
    moved = move(
        connection,
        delivery_id,
        State.QUEUED,
        Event.DOUBTED,
        now,
        DAEMON,
        detail={"why": why},
        attempt=number,
        worker=None,
        lease_until=None,
        look_since=None,
    )
    if moved:
        connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(attempt=number))
        connection.execute(
            insert(attempts).values(
                delivery_id=delivery_id,
                number=number,
                worker=RESTORE,
                started_at=since,
                closed_at=now,
                outcome=f"nobody's: {why}",
            )
        )


def miss_late(connection: Connection, now: datetime) -> list[int]:
    """Move everything whose grace has passed unsent to `missed`; returns the ids."""
    late = connection.execute(
        select(deliveries.c.id, deliveries.c.state).where(
            deliveries.c.state.in_((State.APPROVED.value, State.QUEUED.value)),
            deliveries.c.late_until < now,
            # It may be out: to call it missed before it was looked for would be a guess.
            deliveries.c.look_since.is_(None),
            or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until < now),
        )
    ).all()
    return [
        row.id
        for row in late
        if move(connection, row.id, State(row.state), Event.MISSED, now, DAEMON, worker=None, lease_until=None)
    ]


# --- claims and the one visible call -------------------------------------------------------------------------


def claim(
    connection: Connection, worker: str, now: datetime, lease: timedelta, limit: int, waiting: Iterable[int] = ()
) -> list[Claim]:
    """Take the first due delivery of up to `limit` free channels for preparing.

    A channel is free when it is not paused, signed out or throttled and no other claim or call of it is alive.
    Nothing is claimed while the brake is on, and none of those that are `waiting` for something else than an instant.
    """
    if limit < 1 or brake_engaged(connection):
        return []
    ready = (*_due(now), deliveries.c.id.not_in(list(waiting)))
    due = exists().where(deliveries.c.channel_id == channels.c.id, *ready)
    free = connection.execute(
        select(channels.c.id)
        .where(
            *_may_speak(now),
            due,
            ~_channel_busy(channels.c.id, now),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).scalars()
    claims = (_claim_first(connection, channel_id, worker, now, lease, ready) for channel_id in free.all())
    return [taken for taken in claims if taken is not None]


def _may_speak(now: datetime) -> tuple[Any, ...]:
    return (
        channels.c.paused.is_(False),
        channels.c.removed_at.is_(None),
        channels.c.signed_out.is_(None),
        or_(channels.c.throttled_until.is_(None), channels.c.throttled_until <= now),
        or_(channels.c.rests_until.is_(None), channels.c.rests_until <= now),
    )


def _channel_busy(channel_id: Any, now: datetime) -> Any:
    other = deliveries.alias()
    return exists().where(other.c.channel_id == channel_id, _in_hand(other, now))


def _in_hand(rows: Any, now: datetime) -> Any:
    """A call, or a claim that is alive."""
    return or_(
        rows.c.state == State.SENDING.value,
        and_(rows.c.state == State.QUEUED.value, rows.c.lease_until > now),
    )


def _due(now: datetime) -> tuple[Any, ...]:
    return (
        deliveries.c.state == State.QUEUED.value,
        deliveries.c.due_at <= now,
        or_(deliveries.c.not_before.is_(None), deliveries.c.not_before <= now),
    )


def _claim_first(
    connection: Connection, channel_id: int, worker: str, now: datetime, lease: timedelta, ready: tuple[Any, ...]
) -> Claim | None:
    # Looked at again under the channel's lock: another machine may have claimed since the channel was chosen.
    row = connection.execute(
        select(deliveries.c.id, deliveries.c.draft, deliveries.c.failures)
        .where(deliveries.c.channel_id == channel_id, *ready, ~_channel_busy(channel_id, now))
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    connection.execute(
        update(deliveries).where(deliveries.c.id == row.id).values(worker=worker, lease_until=now + lease)
    )
    return Claim(row.id, channel_id, worker, Draft.from_json(row.draft), row.failures, now + lease)


def _of_claim(taken: Claim) -> tuple[Any, ...]:
    return (deliveries.c.worker == taken.worker, deliveries.c.lease_until == taken.until)


def go(
    connection: Connection, taken: Claim, now: datetime, lease: timedelta, catch_up_gap: timedelta = timedelta(0)
) -> Attempt | None:
    """Commit to the one visible call; None when the claim lapsed, the text was recalled, the channel was silenced
    or the brake is on. After the start of one that is long overdue the channel rests for `catch_up_gap`.

    The channel's row is locked first, so that two machines can't both find the channel silent.
    """
    speaks = connection.execute(
        select(channels.c.id).where(channels.c.id == taken.channel_id, *_may_speak(now)).with_for_update()
    ).one_or_none()
    if speaks is None or brake_engaged(connection):
        return None
    other = deliveries.alias()
    number = (
        connection.execute(select(deliveries.c.attempt).where(deliveries.c.id == taken.delivery_id)).scalar_one() + 1
    )
    started = move(
        connection,
        taken.delivery_id,
        State.QUEUED,
        Event.STARTED,
        now,
        DAEMON,
        where=(
            *_of_claim(taken),
            deliveries.c.attempt == number - 1,
            deliveries.c.lease_until > now,
            ~exists().where(other.c.channel_id == taken.channel_id, other.c.state == State.SENDING.value),
        ),
        attempt=number,
        lease_until=now + lease,
    )
    if not started:
        return None
    connection.execute(update(deliveries).where(deliveries.c.id == taken.delivery_id).values(attempt=number))
    overdue = exists().where(deliveries.c.id == taken.delivery_id, deliveries.c.due_at < now - OVERDUE)
    connection.execute(
        update(channels).where(channels.c.id == taken.channel_id, overdue).values(rests_until=now + catch_up_gap)
    )
    connection.execute(
        insert(attempts).values(delivery_id=taken.delivery_id, number=number, worker=taken.worker, started_at=now)
    )
    return Attempt(taken, number, now)


def may_begin(connection: Connection, attempt: Attempt) -> bool:
    """Whether the committed call may still begin: the attempt is the present one, nobody has asked to cancel it, and
    the brake is off. It is read without a lock: who has pulled the brake waits for what is `sending` (`calls`)."""
    return (
        connection.execute(
            select(deliveries.c.id).where(
                deliveries.c.id == attempt.claim.delivery_id,
                deliveries.c.state == State.SENDING.value,
                deliveries.c.cancel_wanted.is_(False),
                *_of(attempt),
                ~exists().where(brake.c.engaged),
            )
        ).first()
        is not None
    )


def calls(connection: Connection) -> set[tuple[int, int]]:
    """The calls that are committed and not recorded yet, by delivery and attempt: under way, or about to begin."""
    query = select(deliveries.c.id, deliveries.c.attempt).where(deliveries.c.state == State.SENDING.value)
    return {(row.id, row.attempt) for row in connection.execute(query)}


def give_back(connection: Connection, taken: Claim) -> None:
    """End a claim without a call; the delivery stays `queued`."""
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == taken.delivery_id,
            deliveries.c.state == State.QUEUED.value,
            *_of_claim(taken),
        )
        .values(worker=None, lease_until=None)
    )


# --- recording how an attempt ended --------------------------------------------------------------------------


def close_attempt(connection: Connection, attempt: Attempt, outcome: str, now: datetime, duplicate: bool) -> None:
    """Record how the call ended; only a closed attempt may ever be followed by another."""
    connection.execute(
        update(attempts)
        .where(
            attempts.c.delivery_id == attempt.claim.delivery_id,
            attempts.c.number == attempt.number,
            attempts.c.closed_at.is_(None),
        )
        .values(closed_at=now, outcome=outcome, duplicate=duplicate)
    )


def _of(attempt: Attempt) -> tuple[Any, ...]:
    return (deliveries.c.worker == attempt.claim.worker, deliveries.c.attempt == attempt.number)


def record_posted(connection: Connection, attempt: Attempt, receipt: Receipt, now: datetime) -> bool:
    """Record a known success; also the late answer of a worker whose lease ran out, as long as no later attempt can
    be out too. False when it was settled, or told too late: then the id is kept for a person."""
    close_attempt(connection, attempt, "posted", now, False)
    none_later = (deliveries.c.attempt <= attempt.number,)
    for seen, event, where in (
        (State.SENDING, Event.POSTED, _of(attempt)),
        (State.UNKNOWN, Event.FOUND, none_later),
        (State.IN_DOUBT, Event.SETTLED_FOUND, none_later),
        # Absence was believed, and wrongly. Nothing is under way: whatever attempts followed are closed.
        (State.QUEUED, Event.POSTED, ()),
    ):
        if move(
            connection,
            attempt.claim.delivery_id,
            seen,
            event,
            now,
            DAEMON,
            where=where,
            attempt=attempt.number,
            **posted_values(receipt.remote_id, receipt.permalink, now),
        ):
            return True
    _note_late(connection, attempt, receipt.remote_id, now)
    return False


def posted_values(remote_id: str, permalink: str, posted_at: datetime) -> dict[str, Any]:
    """The columns of a delivery that is out."""
    return {
        "remote_id": remote_id,
        "permalink": permalink,
        "posted_at": posted_at,
        "worker": None,
        "lease_until": None,
        "reason": None,
        "cancel_wanted": False,
        "failures": 0,
    }


def record_refused(connection: Connection, attempt: Attempt, reason: str, detail: str, now: datetime) -> bool:
    """Record a known refusal of the visible call."""
    close_attempt(connection, attempt, f"refused: {reason}", now, False)
    return move(
        connection,
        attempt.claim.delivery_id,
        State.SENDING,
        Event.REFUSED,
        now,
        DAEMON,
        where=_of(attempt),
        attempt=attempt.number,
        detail={"reason": reason, "network_said": detail},
        reason=reason,
        worker=None,
        lease_until=None,
        cancel_wanted=False,
    )


def record_unclear(
    connection: Connection, attempt: Attempt, reason: str, detail: str, duplicate: bool, now: datetime
) -> bool:
    """Record that nobody knows; the attempt is closed because its worker lived to tell."""
    close_attempt(connection, attempt, f"unclear: {reason}", now, duplicate)
    return move(
        connection,
        attempt.claim.delivery_id,
        State.SENDING,
        Event.LOST_SIGHT,
        now,
        DAEMON,
        where=_of(attempt),
        attempt=attempt.number,
        detail={"reason": reason, "network_said": detail, "duplicate": duplicate},
        reason=reason,
        lease_until=None,
    )


def record_postponed(
    connection: Connection,
    attempt: Attempt,
    reason: str,
    detail: str,
    not_before: datetime | None,
    now: datetime,
) -> bool:
    """Record that surely nothing was published and the delivery waits in the queue again."""
    close_attempt(connection, attempt, f"postponed: {reason}", now, False)
    moved = move(
        connection,
        attempt.claim.delivery_id,
        State.SENDING,
        Event.POSTPONED,
        now,
        DAEMON,
        where=_of(attempt),
        attempt=attempt.number,
        detail={"reason": reason, "network_said": detail, "not_before": not_before and not_before.isoformat()},
        reason=reason,
        not_before=not_before,
        worker=None,
        lease_until=None,
        failures=attempt.claim.failures + 1,
    )
    if moved:
        _queued_again(connection, attempt.claim.delivery_id, now)
    return moved


def postpone_claim(
    connection: Connection,
    taken: Claim,
    reason: str,
    detail: str,
    not_before: datetime | None,
    now: datetime,
    *,
    unclear: bool = False,
) -> bool:
    """Preparing failed for now: the claim ends and the delivery waits. `unclear`: nobody knows why it failed."""
    until = not_before and not_before.isoformat()
    return move(
        connection,
        taken.delivery_id,
        State.QUEUED,
        Event.POSTPONED,
        now,
        DAEMON,
        where=_of_claim(taken),
        detail={"reason": reason, "network_said": detail, "not_before": until, "unclear": unclear},
        reason=reason,
        not_before=not_before,
        worker=None,
        lease_until=None,
        failures=taken.failures + 1,
    )


def unclear_preparations(connection: Connection, taken: Claim) -> int:
    """How often preparing failed, nobody knows why, since the delivery was last handed to the senders."""
    rows = connection.execute(
        select(log_entries.c.event, log_entries.c.detail)
        .where(
            log_entries.c.announcement == taken.delivery_id,
            log_entries.c.event.in_((Event.QUEUED.value, Event.RETRIED.value, Event.POSTPONED.value)),
        )
        .order_by(log_entries.c.ordinal.desc())
    )
    since = itertools.takewhile(lambda row: row.event == Event.POSTPONED.value, rows)
    return sum(bool(row.detail.get("unclear")) for row in since)


def refuse_claim(connection: Connection, taken: Claim, reason: str, detail: str, now: datetime) -> bool:
    """Preparing was refused for good: nothing visible was ever tried."""
    return move(
        connection,
        taken.delivery_id,
        State.QUEUED,
        Event.REFUSED,
        now,
        DAEMON,
        where=_of_claim(taken),
        detail={"reason": reason, "network_said": detail},
        reason=reason,
        worker=None,
        lease_until=None,
    )


def _note_late(connection: Connection, attempt: Attempt, remote_id: str, now: datetime) -> None:
    """A success that can't be the outcome any more: kept for a person, and looked for before anything is sent again."""
    this = and_(
        deliveries.c.id == attempt.claim.delivery_id,
        or_(deliveries.c.remote_id.is_(None), deliveries.c.remote_id != remote_id),
    )
    connection.execute(update(deliveries).where(this).values(also_posted=remote_id))
    connection.execute(
        update(deliveries).where(this, deliveries.c.look_since.is_(None)).values(look_since=attempt.started_at)
    )
    note(
        connection,
        "late_answer",
        now,
        DAEMON,
        delivery_id=attempt.claim.delivery_id,
        attempt=attempt.number,
        remote_id=remote_id,
        detail={"outcome": "posted"},
    )


def note_vanished(connection: Connection, delivery_id: int, remote_id: str, now: datetime) -> None:
    """The network does not know a post of ours any more, and it was not we who deleted it."""
    connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(removed_at=now))
    note(connection, "vanished", now, DAEMON, delivery_id=delivery_id, remote_id=remote_id)


def throttle_channel(connection: Connection, channel_id: int, until: datetime, reason: str, now: datetime) -> None:
    """Keep a whole channel silent until an instant that the network named; never shorter than it is already."""
    row = connection.execute(
        select(channels.c.name, channels.c.throttled_until).where(channels.c.id == channel_id).with_for_update()
    ).one()
    name, until = row.name, max(until, row.throttled_until or until)
    connection.execute(update(channels).where(channels.c.id == channel_id).values(throttled_until=until))
    note(
        connection,
        "channel_throttled",
        now,
        DAEMON,
        detail={"channel": name, "until": until.isoformat(), "reason": reason},
    )


def note_skew(
    connection: Connection, channel_id: int, server_time: datetime, now: datetime, *, only_more: bool = False
) -> float:
    """Remember and return by how many seconds our clock is ahead of the network's. A look keeps the most that was
    seen (`only_more`): what it looks for was sent by the clock of an earlier hour."""
    skew = (now - server_time).total_seconds()
    kept = channels.c.clock_skew
    differs = kept < skew if only_more else func.abs(kept - skew) >= SKEW_COARSENESS
    connection.execute(
        update(channels).where(channels.c.id == channel_id, or_(kept.is_(None), differs)).values(clock_skew=skew)
    )
    return skew


def sign_out_channel(connection: Connection, channel_id: int, reason: str, now: datetime) -> None:
    """Stop a channel's queue until a person has renewed the account."""
    name = connection.execute(
        update(channels).where(channels.c.id == channel_id).values(signed_out=reason).returning(channels.c.name)
    ).scalar_one()
    note(connection, "channel_signed_out", now, DAEMON, detail={"channel": name, "reason": reason})


# --- doubts --------------------------------------------------------------------------------------------------


def lapse(connection: Connection, now: datetime, dead_workers: Iterable[str] = ()) -> list[int]:
    """Calls whose lease ran out, or whose worker is known to be dead, become `unknown`; never "again"."""
    gone = list(dead_workers)
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.attempt, deliveries.c.worker).where(
            deliveries.c.state == State.SENDING.value,
            or_(deliveries.c.lease_until < now, deliveries.c.worker.in_(gone)),
        )
    ).all()
    return [
        row.id
        for row in rows
        if move(
            connection,
            row.id,
            State.SENDING,
            Event.LOST_SIGHT,
            now,
            DAEMON,
            where=(deliveries.c.attempt == row.attempt,),
            attempt=row.attempt,
            detail={"reason": "worker_gone" if row.worker in gone else "lease_ran_out"},
            reason="worker_gone" if row.worker in gone else "lease_ran_out",
            lease_until=None,
        )
    ]


def in_flight(connection: Connection) -> bool:
    """Whether a call is under way or a doubt is open anywhere."""
    states = (State.SENDING.value, State.UNKNOWN.value)
    return (
        connection.execute(select(deliveries.c.id).where(deliveries.c.state.in_(states)).limit(1)).first() is not None
    )


def free_claims(connection: Connection, dead_workers: Iterable[str]) -> None:
    """Preparations of dead workers may be repeated at once."""
    gone = list(dead_workers)
    if gone:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.state == State.QUEUED.value, deliveries.c.worker.in_(gone))
            .values(worker=None, lease_until=None)
        )


@dataclass(frozen=True)
class Doubt:
    """A delivery of which nobody knows whether it was published."""

    delivery_id: int
    channel_id: int
    attempt: int
    started_at: datetime
    draft: Draft
    closed: bool
    duplicate: bool
    worker: str
    resends: int
    cancel_wanted: bool
    late_until: datetime
    skew: float
    """Seconds by which our clock was ahead of the network's, as far as that is known."""


def doubts(connection: Connection) -> list[Doubt]:
    """All deliveries in `unknown`, oldest attempt first."""
    rows = connection.execute(
        select(
            deliveries,
            attempts.c.started_at,
            attempts.c.closed_at,
            attempts.c.duplicate,
            attempts.c.worker.label("by"),
            func.coalesce(channels.c.clock_skew, 0.0).label("skew"),
        )
        .join_from(deliveries, channels)
        .join(
            attempts,
            and_(attempts.c.delivery_id == deliveries.c.id, attempts.c.number == deliveries.c.attempt),
        )
        .where(deliveries.c.state == State.UNKNOWN.value)
        .order_by(attempts.c.started_at)
    )
    return [
        Doubt(
            row.id,
            row.channel_id,
            row.attempt,
            row.started_at,
            Draft.from_json(row.draft),
            row.closed_at is not None,
            row.duplicate,
            row.by,
            row.resends,
            row.cancel_wanted,
            row.late_until,
            row.skew,
        )
        for row in rows
    ]


def claimed_elsewhere(connection: Connection, channel_id: int, delivery_id: int, remote_ids: Iterable[str]) -> set[str]:
    """Those of the remote ids that another delivery of the channel already owns."""
    asked = list(remote_ids)
    rows = connection.execute(
        select(deliveries.c.remote_id, deliveries.c.also_posted).where(
            deliveries.c.channel_id == channel_id,
            deliveries.c.id != delivery_id,
            or_(deliveries.c.remote_id.in_(asked), deliveries.c.also_posted.in_(asked)),
        )
    )
    return {one for row in rows for one in row} & set(asked)


def other_doubts(connection: Connection, channel_id: int, delivery_id: int) -> list[Draft]:
    """Drafts of the channel's other deliveries that could own an unclaimed post."""
    rows = connection.execute(
        select(deliveries.c.draft).where(
            deliveries.c.channel_id == channel_id,
            deliveries.c.id != delivery_id,
            deliveries.c.state.in_((State.SENDING.value, State.UNKNOWN.value, State.IN_DOUBT.value)),
        )
    ).scalars()
    return [Draft.from_json(draft) for draft in rows]


def settle_found(
    connection: Connection, doubt: Doubt, remote_id: str, permalink: str, posted_at: datetime, now: datetime
) -> bool:
    """The post was found on the network: the doubt ends as a success."""
    return move(
        connection,
        doubt.delivery_id,
        State.UNKNOWN,
        Event.FOUND,
        now,
        DAEMON,
        where=(deliveries.c.attempt == doubt.attempt,),
        attempt=doubt.attempt,
        **posted_values(remote_id, permalink, posted_at),
    )


def settle_absent(connection: Connection, doubt: Doubt, now: datetime, late_until: datetime) -> bool:
    """The post is surely not there: back into the queue, or cancelled where a person asked for that."""
    moved = move(
        connection,
        doubt.delivery_id,
        State.UNKNOWN,
        Event.ABSENT,
        now,
        DAEMON,
        where=(deliveries.c.attempt == doubt.attempt,),
        attempt=doubt.attempt,
        worker=None,
        lease_until=None,
        resends=doubt.resends + 1,
        late_until=late_until,
    )
    if moved:
        _queued_again(connection, doubt.delivery_id, now)
    return moved


def hand_over(connection: Connection, doubt: Doubt, why: str, now: datetime) -> bool:
    """The search ended without an answer: a person decides."""
    return move(
        connection,
        doubt.delivery_id,
        State.UNKNOWN,
        Event.HANDED_OVER,
        now,
        DAEMON,
        where=(deliveries.c.attempt == doubt.attempt,),
        attempt=doubt.attempt,
        detail={"why": why},
        reason=why,
    )


def proved(connection: Connection, channel_id: int, kind: str) -> bool:
    """Whether this channel's time-line reader has found a known success of that kind."""
    return (
        connection.execute(
            select(reader_proofs.c.kind).where(reader_proofs.c.channel_id == channel_id, reader_proofs.c.kind == kind)
        ).first()
        is not None
    )


def prove(connection: Connection, channel_id: int, kind: str, now: datetime) -> None:
    """Remember that the reader of this channel finds posts of that kind."""
    _insert_once(connection, reader_proofs, {"channel_id": channel_id, "kind": kind, "proved_at": now})
    note(connection, "reader_proved", now, DAEMON, detail={"channel_id": channel_id, "kind": kind})


@dataclass(frozen=True)
class Success:
    """A delivery that is known to be out; `skew` as a doubt's."""

    channel_id: int
    draft: Draft
    remote_id: str
    posted_at: datetime
    skew: float


def unprove(connection: Connection, channel_id: int) -> None:
    """Forget what this channel's reader has shown: it reads with other tokens from now on."""
    connection.execute(delete(reader_proofs).where(reader_proofs.c.channel_id == channel_id))


def unproved(connection: Connection, since: datetime) -> list[Success]:
    """The newest posted delivery of each channel and kind whose reader is unproved; what was taken away
    again is no proof."""
    rows = connection.execute(
        select(
            deliveries.c.channel_id,
            deliveries.c.draft,
            deliveries.c.remote_id,
            deliveries.c.posted_at,
            func.coalesce(channels.c.clock_skew, 0.0).label("skew"),
        )
        .join(channels)
        .where(
            deliveries.c.state == State.POSTED.value,
            deliveries.c.posted_at >= since,
            deliveries.c.removed_at.is_(None),
            channels.c.removed_at.is_(None),
            select(func.count()).where(reader_proofs.c.channel_id == deliveries.c.channel_id).scalar_subquery() < 3,
        )
        .order_by(deliveries.c.posted_at.desc())
        .limit(200)
    ).all()
    newest: dict[tuple[int, str], Success] = {}
    for row in rows:
        draft = Draft.from_json(row.draft)
        success = Success(row.channel_id, draft, row.remote_id, row.posted_at, row.skew)
        newest.setdefault((row.channel_id, draft.kind), success)
    return [value for key, value in newest.items() if not proved(connection, *key)]


# --- persons -------------------------------------------------------------------------------------------------


def cancel(connection: Connection, delivery_id: int, now: datetime, actor: str, reason: str = "") -> None:
    """Cancel, or remember the wish while a call is under way. Raises NotPossible when it is out or was refused."""
    seen = state_of(connection, delivery_id)
    detail = {"reason": reason} if reason else None
    if seen in (State.SENDING, State.UNKNOWN):
        connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(cancel_wanted=True))
        note(connection, "cancel_requested", now, actor, delivery_id=delivery_id, detail=detail)
        return
    act(connection, delivery_id, seen, Event.CANCELLED, now, actor, detail=detail, worker=None, lease_until=None)


def act(
    connection: Connection,
    delivery_id: int,
    seen: State,
    event: Event,
    now: datetime,
    actor: str,
    *,
    detail: Mapping[str, Any] | None = None,
    **values: Any,
) -> None:
    """A person's move. Raises NotPossible with the state that stands in its way."""
    try:
        moved = move(connection, delivery_id, seen, event, now, actor, detail=detail, **values)
    except ForbiddenMove:
        raise NotPossible("not_in_this_state", delivery_id, seen.value) from None
    if not moved:
        raise NotPossible("changed_meanwhile", delivery_id)


def recall(connection: Connection, delivery_id: int, now: datetime, actor: str) -> State:
    """Take a queued announcement back so that it can be changed; returns the state it has then."""
    seen = state_of(connection, delivery_id)
    if seen is State.QUEUED:
        act(connection, delivery_id, seen, Event.RECALLED, now, actor, draft=None, worker=None, lease_until=None)
        return State.APPROVED
    return seen


def settle_by_person(
    connection: Connection,
    delivery_id: int,
    remote_id: str | None,
    permalink: str,
    now: datetime,
    actor: str,
    late_until: datetime,
) -> None:
    """A person settles a doubt: found under a remote id, or absent (None) and to be sent again."""
    seen = state_of(connection, delivery_id)
    if seen is not State.IN_DOUBT:
        raise NotPossible("nothing_to_settle", delivery_id, seen.value)
    if remote_id is not None:
        act(
            connection,
            delivery_id,
            seen,
            Event.SETTLED_FOUND,
            now,
            actor,
            **posted_values(remote_id, permalink, now),
        )
        return
    act(
        connection,
        delivery_id,
        seen,
        Event.SETTLED_ABSENT,
        now,
        actor,
        worker=None,
        lease_until=None,
        not_before=None,
        reason=None,
        late_until=late_until,
    )
    _queued_again(connection, delivery_id, now)


def retry(connection: Connection, delivery_id: int, now: datetime, actor: str, late_until: datetime) -> None:
    """Send a refused announcement again on a person's word."""
    seen = state_of(connection, delivery_id)
    if seen is not State.REFUSED:
        raise NotPossible("nothing_to_retry", delivery_id, seen.value)
    act(
        connection,
        delivery_id,
        seen,
        Event.RETRIED,
        now,
        actor,
        reason=None,
        failures=0,
        not_before=None,
        late_until=late_until,
    )
    _queued_again(connection, delivery_id, now)


# --- the emergency brake -------------------------------------------------------------------------------------


def brake_engaged(connection: Connection) -> bool:
    """Whether the brake is on; the row stays share-locked, so `stop_all` waits for whoever has read it."""
    query = select(brake.c.engaged).where(brake.c.id == 1).with_for_update(read=True)
    engaged = connection.execute(query).scalar_one_or_none()
    if engaged is None and connection.dialect.name == "postgresql":
        # A row that is not there can't be locked: `stop_all` would not wait the first time.
        never = {"id": 1, "engaged": False, "reason": "", "actor": DAEMON, "at": func.clock_timestamp()}
        _insert_once(connection, brake, never)
        engaged = connection.execute(query).scalar_one()
    return bool(engaged)


def set_brake(connection: Connection, engaged: bool, reason: str, now: datetime, actor: str) -> None:
    """Engage or release the brake over all channels. Once engaging is committed, no further call is committed to;
    those that were before (`calls`) look at the brake once more before their first byte."""
    values = {"engaged": engaged, "reason": reason, "actor": actor, "at": now}
    _insert_once(connection, brake, {"id": 1} | values)
    connection.execute(update(brake).where(brake.c.id == 1).values(**values))
    note(connection, "stop_all" if engaged else "go", now, actor, detail={"reason": reason} if reason else None)


# --- leases and workers ----------------------------------------------------------------------------------------


def take_lease(connection: Connection, name: str, worker: str, now: datetime, length: timedelta) -> bool:
    """Take or keep a named lease, so that a tick runs once over all machines."""
    _insert_once(connection, leases, {"name": name, "worker": worker, "until": now + length})
    done = connection.execute(
        update(leases)
        .where(leases.c.name == name, or_(leases.c.worker == worker, leases.c.until < now))
        .values(worker=worker, until=now + length)
    )
    return done.rowcount == 1


def enroll(connection: Connection, worker: str, lock_key: int, host: str, now: datetime) -> None:
    """Enter a worker that holds its lock from now on; one that is entered already stays as it is."""
    if connection.execute(select(workers.c.id).where(workers.c.id == worker)).first() is None:
        values = {"id": worker, "lock_key": lock_key, "host": host, "started_at": now, "seen_at": now}
        connection.execute(insert(workers).values(**values))


def see(connection: Connection, worker: str, now: datetime) -> None:
    """A worker's sign of life, for people; nothing is decided by it."""
    connection.execute(update(workers).where(workers.c.id == worker).values(seen_at=now))


def note_troubles(connection: Connection, worker: str, troubles: Iterable[str], now: datetime) -> None:
    """What fails in a worker's work at present ("what:why"), for people; nothing is decided by it."""
    values = {"troubles": list(troubles), "seen_at": now}
    connection.execute(update(workers).where(workers.c.id == worker).values(**values))


def next_due(connection: Connection, now: datetime, waiting: Iterable[int] = ()) -> datetime | None:
    """The next instant at which a queued or approved delivery of an open channel could move, None for never.

    A channel in a call or a claim is due again when that one's lease ends, if nothing wakes its sender before.
    `waiting` are deliveries that wait for something else than an instant.
    """
    other = deliveries.alias()
    busy_until = (
        select(func.max(other.c.lease_until, type_=Instant))
        .where(other.c.channel_id == channels.c.id, _in_hand(other, now))
        .scalar_subquery()
    )
    moment = case((deliveries.c.not_before > deliveries.c.due_at, deliveries.c.not_before), else_=deliveries.c.due_at)
    rows = connection.execute(
        select(func.min(moment, type_=Instant), channels.c.throttled_until, channels.c.rests_until, busy_until)
        .join_from(deliveries, channels)
        .where(
            deliveries.c.state.in_((State.QUEUED.value, State.APPROVED.value)),
            deliveries.c.id.not_in(list(waiting)),
            channels.c.paused.is_(False),
            channels.c.signed_out.is_(None),
            channels.c.removed_at.is_(None),
        )
        .group_by(channels.c.id)
    )
    return min((max(instant for instant in row if instant is not None) for row in rows), default=None)


def busy(connection: Connection, now: datetime) -> bool:
    """Whether a call, a claim or a search is under way anywhere."""
    return (
        connection.execute(
            select(deliveries.c.id)
            .where(
                or_(
                    deliveries.c.state.in_((State.SENDING.value, State.UNKNOWN.value)),
                    and_(deliveries.c.state == State.QUEUED.value, deliveries.c.lease_until > now),
                )
            )
            .limit(1)
        ).first()
        is not None
    )


def _insert_once(connection: Connection, table: Any, values: dict[str, Any]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = cast(Any, dialect).insert(table).values(**values).on_conflict_do_nothing()
    connection.execute(statement)


def lease_holders(connection: Connection, names: Iterable[str]) -> set[str]:
    """The workers that hold one of these leases, run out or not."""
    return set(connection.execute(select(leases.c.worker).where(leases.c.name.in_(list(names)))).scalars())


def drop_lease(connection: Connection, name: str, worker: str) -> None:
    """Give a named lease back before it runs out."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.worker == worker))
