"""The emergency brake and the daemons."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from posts.states import State
from posts.tables import brake, deliveries, workers


def brake_row(connection: Connection) -> Row[Any] | None:
    """The emergency brake as it stands, None when it was never touched."""
    return connection.execute(select(brake)).one_or_none()


def newest_worker(connection: Connection) -> Row[Any] | None:
    """The worker that was seen last."""
    return connection.execute(select(workers).order_by(workers.c.seen_at.desc()).limit(1)).one_or_none()


def troubled_workers(connection: Connection, since: datetime) -> list[Row[Any]]:
    """The workers that gave a sign of life since then and in whose work something fails."""
    rows = connection.execute(select(workers).where(workers.c.seen_at >= since).order_by(workers.c.started_at))
    return [row for row in rows if row.troubles]


def unfinished_workers(connection: Connection) -> set[str]:
    """Workers that stand in claims or calls which have not ended."""
    rows = connection.execute(
        select(deliveries.c.worker)
        .where(deliveries.c.worker.is_not(None), deliveries.c.state.in_((State.QUEUED.value, State.SENDING.value)))
        .distinct()
    )
    return set(rows.scalars())
