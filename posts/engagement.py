"""Taking samples: what the networks tell of posts that are out, on a schedule that thins with their age.

Samples are only added. Measuring has a budget of calls and money and a patience of its own: a network that limits it,
or a budget that is used up, delays no posting. What is not told is recorded as missing, never as zero.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, literal, null, select, update

from posts import ledger
from posts.clock import Clock
from posts.errors import Outcome, Throttled, Unclear
from posts.figures import METRICS, Figure, Look, Posted
from posts.networks.publisher import DeadMetric, Publisher, Reason
from posts.states import State
from posts.tables import channels, deliveries, engagement, measuring, metric_names, samples

logger = logging.getLogger(__name__)

DEFINITION = 1
"""The version of how networks' figures are read into ours; raised when a metric comes to mean something else."""
WEEK = timedelta(days=7)
"""Announcements are compared by their figures at this age."""
OF_WEEK = ("week_at", *(f"week_{metric}" for metric in METRICS))
"""The columns in which these stand."""
WEEK_SLACK = timedelta(days=2)
"""How much later the figures for that comparison may be taken."""
AGAIN = timedelta(hours=1)
"""When a post is asked for again that was not reached, or that the network did not know."""
AFTER_TROUBLE = timedelta(minutes=10)
MISSES = 2
"""So often in a row a network must not know a post before it counts as gone."""
ASK_NAMES_AGAIN = timedelta(days=7)
AT_ONCE = 500
"""Posts of one channel in one round; what is left comes in the next."""

Begin = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Measuring:
    """When is measured, and what it may cost. `calls` per UTC day, `budget_usd` per UTC month, both per channel.
    `names` maps, by network, metrics to what that network calls them."""

    schedule: tuple[timedelta, ...]
    calls: int
    budget_usd: float
    names: Mapping[str, Mapping[str, str]]


@dataclass
class Taken:
    """What a round brought: posts sampled, due but left for later, not to be had; `gone` are the deliveries that turned
    out to be gone from the network."""

    sampled: int = 0
    skipped: int = 0
    failed: int = 0
    gone: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Due:
    """A channel's posts whose turn it is, by remote id."""

    channel_id: int
    network: str
    posts: Mapping[str, Row[Any]]
    more: int

    @property
    def posted(self) -> list[Posted]:
        return [Posted(key, row.posted_at) for key, row in self.posts.items()]


@dataclass
class _Budget:
    """What a channel may still spend: calls of this UTC day, dollars of this UTC month."""

    calls: int
    usd: float

    @property
    def used_up(self) -> str:
        """Which budget is used up, as a reason of `news`; empty where there is some left."""
        if self.calls <= 0:
            return "measuring_calls"
        return "measuring_budget" if self.usd <= 0 else ""


class Sampler:
    """Takes the samples that are due. One runs at a time over all machines (a lease)."""

    def __init__(
        self,
        begin: Begin,
        clock: Clock,
        publisher_of: Callable[[int], Publisher],
        measuring_: Measuring,
        on_gone: Callable[[Connection, list[int]], None],
    ) -> None:
        """`on_gone` is told, in the same transaction, which deliveries turned out to be gone."""
        self._begin = begin
        self._clock = clock
        self._publisher_of = publisher_of
        self._measuring = measuring_
        self._on_gone = on_gone

    def measure(self, everything: bool = False) -> Taken:
        """One round over all channels. `everything`: also what is not due, within the same budget."""
        taken = Taken()
        with self._begin() as connection:
            now = ledger.now_of(connection, self._clock)
            enroll(connection, self._measuring.schedule[0])
            due = _due(connection, None if everything else now, now)
        for one in due:
            self._measure_channel(one, taken)
        return taken

    def _measure_channel(self, due: _Due, taken: Taken) -> None:
        left = set(due.posts)
        with self._begin() as connection:
            budget = self._budget(connection, due.channel_id)
        problem = budget.used_up
        lacking: set[str] = set()
        until = None
        try:
            if not problem:
                publisher = self._publisher_of(due.channel_id)
                for look in self._looks(publisher, due, budget):
                    left -= self._record(due, look, budget, taken)
                    lacking |= look.lacking
                    problem = budget.used_up if left else ""
                    if problem:
                        break
        except Outcome as outcome:
            problem = f"measuring_failed:{outcome.reason}"
            until = outcome.until if isinstance(outcome, Throttled) else None
            logger.warning("measuring channel %s failed: %s %s", due.channel_id, outcome.reason, outcome.detail)
            taken.failed += len(left)
            self._close(due.channel_id, problem, until or self._clock.now() + AFTER_TROUBLE)
            return
        if problem:
            taken.skipped += len(left) + due.more
        else:
            taken.failed += len(left)
            self._put_off(due, left)
            taken.skipped += due.more
        if lacking and not problem:
            problem = f"measuring_permission:{', '.join(sorted(lacking))}"
        self._close(due.channel_id, problem or None, None)

    def _looks(self, publisher: Publisher, due: _Due, budget: _Budget) -> Iterable[Look]:
        """The looks at a channel's posts. A name that the network was found not to know is left out for a week."""
        try:
            yield from publisher.measure(due.posted, self._names(due))
            return
        except DeadMetric:
            self._probe(publisher, due, budget)
        try:
            yield from publisher.measure(due.posted, self._names(due))
        except DeadMetric:
            raise Unclear(Reason.UNREADABLE_ANSWER, "each metric is known alone, but not all together") from None

    def _names(self, due: _Due) -> dict[str, str]:
        """By metric the names to ask for."""
        wanted = self._measuring.names.get(due.network, {})
        with self._begin() as connection:
            asked_since = ledger.now_of(connection, self._clock) - ASK_NAMES_AGAIN
            rows = _names(connection, due.channel_id)
        dead = {row.name for row in rows if not row.alive and row.asked_at > asked_since}
        return {metric: name for metric, name in wanted.items() if name not in dead}

    def _probe(self, publisher: Publisher, due: _Due, budget: _Budget) -> None:
        """Ask for each name alone."""
        for name in sorted(set(self._measuring.names.get(due.network, {}).values())):
            alive = publisher.probe(name)
            with self._begin() as connection:
                self._spend(connection, due.channel_id, budget, 0.0)
                _note_name(connection, due.channel_id, name, alive, ledger.now_of(connection, self._clock))

    def _record(self, due: _Due, look: Look, budget: _Budget, taken: Taken) -> set[str]:
        """Write down what a call brought; returns the remote ids that are done with."""
        wanted = self._measuring.names.get(due.network, {})
        with self._begin() as connection:
            now = ledger.now_of(connection, self._clock)
            self._spend(connection, due.channel_id, budget, look.cost_usd)
            dead = {row.name for row in _names(connection, due.channel_id) if not row.alive}
            withdrawn = {metric: name for metric, name in wanted.items() if name in dead}
            told = {key: row for key, row in due.posts.items() if key in look.figures}
            rows = [made for key, row in told.items() for made in _sample_rows(row, look.figures[key], withdrawn, now)]
            if rows:
                connection.execute(insert(samples), rows)
            for key, row in told.items():
                values = self._last_known(row, look.figures[key], withdrawn, now)
                connection.execute(update(engagement).where(engagement.c.delivery_id == row.id).values(**values))
            gone = {key: row for key, row in due.posts.items() if key in look.gone}
            vanished = [row.id for row in gone.values() if _missed(connection, row, now)]
            if vanished:
                self._on_gone(connection, vanished)
                taken.gone += vanished
        taken.sampled += len(told)
        return {*told, *gone}

    def _last_known(
        self, row: Row[Any], told: Mapping[str, Figure], withdrawn: Mapping[str, str], now: datetime
    ) -> dict[str, Any]:
        """What is known of a post after this sample; a metric that was not told keeps what was told before."""
        known = {metric: figure.value for metric, figure in told.items() if figure.value is not None}
        missing = {metric: "missing" for metric in told if metric not in known}
        values: dict[str, Any] = {
            **known,
            "gaps": missing | dict.fromkeys(withdrawn, "withdrawn"),
            "sampled_at": now,
            "misses": 0,
            "next_at": next_sample(self._measuring.schedule, row.posted_at, now),
        }
        if row.week_at is None and WEEK <= now - row.posted_at <= WEEK + WEEK_SLACK:
            values |= {"week_at": now} | {f"week_{metric}": known.get(metric) for metric in METRICS}
        return values

    def _put_off(self, due: _Due, left: set[str]) -> None:
        """What the network neither showed nor called gone is asked for again later, not at once."""
        if not left:
            return
        with self._begin() as connection:
            at = ledger.now_of(connection, self._clock) + AGAIN
            ids = [due.posts[key].id for key in left]
            connection.execute(update(engagement).where(engagement.c.delivery_id.in_(ids)).values(next_at=at))

    # --- the budget

    def _budget(self, connection: Connection, channel_id: int) -> _Budget:
        now = ledger.now_of(connection, self._clock)
        row = connection.execute(select(measuring).where(measuring.c.channel_id == channel_id)).one_or_none()
        calls = row.calls if row is not None and row.day == _day(now) else 0
        usd = row.cost_usd if row is not None and row.month == _month(now) else 0.0
        return _Budget(self._measuring.calls - calls, self._measuring.budget_usd - usd)

    def _spend(self, connection: Connection, channel_id: int, budget: _Budget, usd: float) -> None:
        """One call more, and its price."""
        budget.calls -= 1
        budget.usd -= usd
        now = ledger.now_of(connection, self._clock)
        row = connection.execute(select(measuring).where(measuring.c.channel_id == channel_id)).one_or_none()
        calls = row.calls if row is not None and row.day == _day(now) else 0
        spent = row.cost_usd if row is not None and row.month == _month(now) else 0.0
        values = {"day": _day(now), "month": _month(now), "calls": calls + 1, "cost_usd": round(spent + usd, 6)}
        _put(connection, channel_id, values)

    def _close(self, channel_id: int, problem: str | None, until: datetime | None) -> None:
        """How the round ended for a channel."""
        with self._begin() as connection:
            now = ledger.now_of(connection, self._clock)
            row = connection.execute(select(measuring).where(measuring.c.channel_id == channel_id)).one_or_none()
            values: dict[str, Any] = {"problem": problem, "not_before": until}
            if row is None:
                values |= {"day": _day(now), "month": _month(now), "calls": 0, "cost_usd": 0.0}
            _put(connection, channel_id, values)


def next_sample(schedule: Sequence[timedelta], posted_at: datetime, now: datetime) -> datetime | None:
    """When a post is measured next: at the first age of the schedule that is still to come; None after the last. Ages
    that passed while nobody measured are not made up for."""
    return next((posted_at + age for age in schedule if posted_at + age > now), None)


def enroll(connection: Connection, first: timedelta) -> None:
    """Let posts that went out since the last round take part. `first`: the age of the first sample."""
    known = select(engagement.c.delivery_id).where(engagement.c.delivery_id == deliveries.c.id)
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.posted_at).where(
            deliveries.c.state == State.POSTED.value, deliveries.c.removed_at.is_(None), ~known.exists()
        )
    ).all()
    if rows:
        connection.execute(
            insert(engagement),
            [{"delivery_id": row.id, "next_at": row.posted_at + first, "gaps": {}, "misses": 0} for row in rows],
        )


def _due(connection: Connection, due_by: datetime | None, now: datetime) -> list[_Due]:
    """What is due by channel; with `due_by` None everything that is out."""
    of_channel: dict[str, Any] = {"partition_by": deliveries.c.channel_id}
    turn = func.row_number().over(order_by=(engagement.c.next_at, deliveries.c.id), **of_channel)
    ordered = (
        select(
            deliveries.c.id,
            deliveries.c.channel_id,
            deliveries.c.remote_id,
            deliveries.c.posted_at,
            channels.c.network,
            engagement.c.gaps,
            engagement.c.week_at,
            engagement.c.misses,
            turn.label("turn"),
            func.count().over(**of_channel).label("of"),
        )
        .join_from(engagement, deliveries, engagement.c.delivery_id == deliveries.c.id)
        .join(channels, channels.c.id == deliveries.c.channel_id)
        .outerjoin(measuring, measuring.c.channel_id == channels.c.id)
        .where(*_measurable(now), *(() if due_by is None else (engagement.c.next_at <= due_by,)))
        .subquery()
    )
    query = select(ordered).order_by(ordered.c.channel_id, ordered.c.turn)
    rows = connection.execute(query if due_by is None else query.where(ordered.c.turn <= AT_ONCE)).all()
    found = []
    for channel_id, group in groupby(rows, key=attrgetter("channel_id")):
        mine: list[Any] = list(group)
        found.append(_Due(channel_id, mine[0].network, {row.remote_id: row for row in mine}, mine[0].of - len(mine)))
    return found


def _measurable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        deliveries.c.state == State.POSTED.value,
        deliveries.c.removed_at.is_(None),
        channels.c.removed_at.is_(None),
        channels.c.signed_out.is_(None),
        (measuring.c.not_before.is_(None)) | (measuring.c.not_before <= now),
    )


def waiting(connection: Connection, now: datetime) -> bool:
    """Whether a round would find anything to do: a post that is not enrolled, or a sample that is due."""
    known = select(engagement.c.delivery_id).where(engagement.c.delivery_id == deliveries.c.id)
    new = select(literal(1)).where(
        deliveries.c.state == State.POSTED.value, deliveries.c.removed_at.is_(None), ~known.exists()
    )
    due = select(literal(1)).where(engagement.c.next_at <= now)
    return any(connection.execute(query.limit(1)).first() is not None for query in (due, new))


def problems(connection: Connection) -> dict[int, str]:
    """By channel why its last measuring brought less than was due, as reasons of `news`."""
    rows = connection.execute(
        select(measuring.c.channel_id, measuring.c.problem).where(measuring.c.problem.is_not(None))
    )
    return {row.channel_id: row.problem for row in rows}


def withdrawn(connection: Connection) -> list[tuple[int, str]]:
    """The channels' metrics that their networks know no more, by the networks' names."""
    rows = connection.execute(
        select(metric_names.c.channel_id, metric_names.c.name)
        .where(~metric_names.c.alive)
        .order_by(metric_names.c.name)
    )
    return [(row.channel_id, row.name) for row in rows]


def _sample_rows(
    row: Row[Any], told: Mapping[str, Figure], withdrawn: Mapping[str, str], now: datetime
) -> list[dict[str, Any]]:
    """A row for each metric. That one is withdrawn is written once: it is not asked for again."""
    rows = [_sample_row(row.id, metric, now, figure.value, "missing", figure.source) for metric, figure in told.items()]
    known = row.gaps or {}
    return rows + [
        _sample_row(row.id, metric, now, None, "withdrawn", name)
        for metric, name in withdrawn.items()
        if known.get(metric) != "withdrawn"
    ]


def _sample_row(
    delivery_id: int, metric: str, now: datetime, value: int | None, otherwise: str, source: str
) -> dict[str, Any]:
    return {
        "delivery_id": delivery_id,
        "metric": metric,
        "at": now,
        "value": value,
        "state": otherwise if value is None else "measured",
        "source": source,
        "definition": DEFINITION,
    }


def _missed(connection: Connection, row: Row[Any], now: datetime) -> bool:
    """The network does not know the post. The second time in a row it counts as gone: that is logged, and it is
    measured no more; returns whether it was that time."""
    misses = int(row.misses) + 1
    gone = misses >= MISSES
    connection.execute(
        update(engagement)
        .where(engagement.c.delivery_id == row.id)
        .values(misses=misses, next_at=null() if gone else now + AGAIN)
    )
    if gone:
        ledger.note_vanished(connection, row.id, row.remote_id, now)
    return gone


def _names(connection: Connection, channel_id: int) -> Sequence[Row[Any]]:
    return connection.execute(select(metric_names).where(metric_names.c.channel_id == channel_id)).all()


def _note_name(connection: Connection, channel_id: int, name: str, alive: bool, now: datetime) -> None:
    """Whether a network knows a metric's name; `since` is kept while the answer stays the same."""
    mine = and_(metric_names.c.channel_id == channel_id, metric_names.c.name == name)
    row = connection.execute(select(metric_names).where(mine)).one_or_none()
    if row is None:
        connection.execute(
            insert(metric_names).values(channel_id=channel_id, name=name, alive=alive, since=now, asked_at=now)
        )
        return
    since = row.since if bool(row.alive) == alive else now
    connection.execute(update(metric_names).where(mine).values(alive=alive, since=since, asked_at=now))


def _put(connection: Connection, channel_id: int, values: Mapping[str, Any]) -> None:
    changed = connection.execute(update(measuring).where(measuring.c.channel_id == channel_id).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(measuring).values(channel_id=channel_id, **values))


def _day(now: datetime) -> str:
    return now.strftime("%Y-%m-%d")


def _month(now: datetime) -> str:
    return now.strftime("%Y-%m")


# --- taking away -------------------------------------------------------------------------------------------------


def purge(connection: Connection, before: datetime, network: str | None, now: datetime, actor: str) -> int:
    """Delete the samples taken before an instant, of one network or all, and what was last known where it came from
    nothing else; networks may ask for that. Returns how many samples; a line in the log says so."""
    of_network = select(deliveries.c.id).join_from(deliveries, channels)
    if network is not None:
        of_network = of_network.where(channels.c.network == network)
    ids = select(engagement.c.delivery_id).where(engagement.c.delivery_id.in_(of_network))
    count = connection.execute(delete(samples).where(samples.c.at < before, samples.c.delivery_id.in_(ids))).rowcount
    remaining = (
        select(func.max(samples.c.at)).where(samples.c.delivery_id == engagement.c.delivery_id).scalar_subquery()
    )
    connection.execute(
        update(engagement)
        .where(engagement.c.delivery_id.in_(of_network), engagement.c.sampled_at < before, remaining.is_(None))
        .values(**dict.fromkeys((*METRICS, *OF_WEEK), null()), gaps={}, sampled_at=null())
    )
    compared_before = before - WEEK - WEEK_SLACK
    connection.execute(
        update(engagement)
        .where(
            engagement.c.delivery_id.in_(of_network.where(deliveries.c.posted_at < compared_before)),
            engagement.c.week_at.is_not(None),
        )
        .values(**dict.fromkeys(OF_WEEK, null()))
    )
    if count:
        detail = {"samples": count, "before": before.isoformat(), "network": network}
        ledger.note(connection, "samples_purged", now, actor, detail=detail)
    return count
