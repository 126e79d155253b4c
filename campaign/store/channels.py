"""Channels as the house keeps them, with the regions they speak for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from campaign.store.names import Unknown
from campaign.tables import channel_regions
from posts.states import State
from posts.tables import channels, deliveries


def channel_rows(connection: Connection, *, removed: bool = False) -> list[Row[Any]]:
    """Channels by name."""
    query = select(channels).order_by(channels.c.name)
    return list(connection.execute(query if removed else query.where(channels.c.removed_at.is_(None))))


def channel_named(connection: Connection, name: str) -> Row[Any]:
    """One channel. Raises Unknown."""
    row = connection.execute(
        select(channels).where(channels.c.name == name, channels.c.removed_at.is_(None))
    ).one_or_none()
    if row is None:
        raise Unknown("channel_unknown", name)
    return row


def regions_by_channel(connection: Connection) -> dict[int, tuple[str, ...]]:
    """Channel number to its regions."""
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(select(channel_regions).order_by(channel_regions.c.region)):
        found[row.channel_id] = (*found.get(row.channel_id, ()), row.region)
    return found


def set_regions(connection: Connection, channel_id: int, regions: Iterable[str]) -> None:
    """Replace a channel's regions."""
    connection.execute(delete(channel_regions).where(channel_regions.c.channel_id == channel_id))
    rows = [{"channel_id": channel_id, "region": region} for region in sorted(set(regions))]
    if rows:
        connection.execute(insert(channel_regions), rows)


def set_channel(connection: Connection, channel_id: int, **values: Any) -> None:
    """Set columns of one channel."""
    connection.execute(update(channels).where(channels.c.id == channel_id).values(**values))


def last_and_next(connection: Connection, channel_id: int) -> tuple[int | None, int | None]:
    """The announcement of a channel that went out last, and the one that is due next."""
    mine = select(deliveries.c.id).where(deliveries.c.channel_id == channel_id).limit(1)
    waiting = [state.value for state in (State.DRAFT, State.APPROVED, State.QUEUED, State.SENDING)]
    last = mine.where(deliveries.c.state == State.POSTED.value).order_by(deliveries.c.posted_at.desc())
    due = mine.where(deliveries.c.state.in_(waiting)).order_by(deliveries.c.due_at, deliveries.c.id)
    return connection.execute(last).scalar_one_or_none(), connection.execute(due).scalar_one_or_none()


def counts_by_channel(connection: Connection) -> dict[int, dict[State, int]]:
    """Channel number to how many of its announcements stand in each state."""
    query = select(deliveries.c.channel_id, deliveries.c.state, func.count()).group_by(
        deliveries.c.channel_id, deliveries.c.state
    )
    found: dict[int, dict[State, int]] = {}
    for channel_id, state, count in connection.execute(query):
        found.setdefault(channel_id, {})[State(state)] = count
    return found
