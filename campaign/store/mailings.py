"""Reports by e-mail: each period once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from campaign.tables import mailings

MAILING_TAKES = timedelta(minutes=30)
"""After which a call to the mail server that was never recorded is surely over."""


@dataclass(frozen=True)
class Claim:
    """A mailing that this machine may hand over now; the attempt tells it from earlier ones."""

    id: int
    attempt: int


def mailing_open(connection: Connection, kind: str, period: str, now: datetime) -> bool:
    """Whether a period's e-mail may be sent now: nobody claimed it, or it surely was not sent and its time has come."""
    row = connection.execute(
        select(mailings.c.state, mailings.c.not_before).where(mailings.c.kind == kind, mailings.c.period == period)
    ).one_or_none()
    return row is None or (row.state == "queued" and (row.not_before is None or row.not_before <= now))


def claim_mailing(connection: Connection, kind: str, period: str, now: datetime) -> Claim | None:
    """Take a period's e-mail, so that nobody else sends it; None where somebody has it already."""
    taken = connection.execute(
        update(mailings)
        .where(
            mailings.c.kind == kind,
            mailings.c.period == period,
            mailings.c.state == "queued",
            or_(mailings.c.not_before.is_(None), mailings.c.not_before <= now),
        )
        .values(state="sending", attempts=mailings.c.attempts + 1, claimed_at=now, not_before=None, ended_at=None)
        .returning(mailings.c.id, mailings.c.attempts)
    ).one_or_none()
    if taken is not None:
        return Claim(taken.id, taken.attempts)
    values = {"kind": kind, "period": period, "state": "sending", "attempts": 1, "claimed_at": now}
    with contextlib.suppress(IntegrityError), connection.begin_nested():
        made = connection.execute(insert(mailings).values(**values).returning(mailings.c.id)).scalar_one()
        return Claim(int(made), 1)
    return None


def end_mailing(
    connection: Connection, claim: Claim, state: str, now: datetime, not_before: datetime | None, problem: str
) -> bool:
    """Record how handing over ended; False where a person has decided about it meanwhile."""
    done = connection.execute(
        update(mailings)
        .where(mailings.c.id == claim.id, mailings.c.state == "sending", mailings.c.attempts == claim.attempt)
        .values(state=state, ended_at=now, not_before=not_before, problem=problem or None)
    )
    return done.rowcount == 1


def settle_mailing(connection: Connection, mailing_id: int, state: str, now: datetime, stale: datetime) -> bool:
    """A person's word: "sent", or "queued" to have it sent again. False where it waits for nobody: it is settled, or
    its call began after `stale` and may still be under way."""
    waits = or_(
        mailings.c.state.in_(("in_doubt", "failed")), and_(mailings.c.state == "sending", mailings.c.claimed_at < stale)
    )
    done = connection.execute(
        update(mailings)
        .where(mailings.c.id == mailing_id, waits)
        .values(state=state, ended_at=now, not_before=None, problem=None)
    )
    return done.rowcount == 1


def mailing_rows(connection: Connection) -> list[Row[Any]]:
    """All e-mails, the newest period first."""
    return list(connection.execute(select(mailings).order_by(mailings.c.period.desc(), mailings.c.kind)))
