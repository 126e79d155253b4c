"""Campaigns, as their files describe them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, type_coerce, update

from campaign.store.names import FREE, Unknown
from campaign.tables import announcements, campaigns
from posts.states import PLANNED, State
from posts.tables import Instant, deliveries


def save_campaign(
    connection: Connection, name: str, definition: Mapping[str, Any], now: datetime, ended_at: datetime | None = None
) -> bool:
    """Store a campaign under its name; True when it is new."""
    values = {"definition": dict(definition), "applied_at": now, "ended_at": ended_at}
    done = connection.execute(update(campaigns).where(campaigns.c.name == name).values(**values))
    if done.rowcount:
        return False
    connection.execute(insert(campaigns).values(name=name, **values))
    return True


def campaign_rows(connection: Connection) -> list[Row[Any]]:
    """Campaigns by name."""
    return list(connection.execute(select(campaigns).order_by(campaigns.c.name)))


def campaign_row(connection: Connection, name: str) -> Row[Any]:
    """One campaign. Raises Unknown."""
    row = connection.execute(select(campaigns).where(campaigns.c.name == name)).one_or_none()
    if row is None:
        raise Unknown("campaign_unknown", name)
    return row


def campaign_to_change(connection: Connection, name: str) -> Row[Any] | None:
    """One campaign that nobody else changes until the transaction ends; None where there is none."""
    return connection.execute(select(campaigns).where(campaigns.c.name == name).with_for_update()).one_or_none()


def campaign_states(connection: Connection) -> dict[str, dict[State, int]]:
    """Campaign to how many of its announcements stand in each state."""
    rows = connection.execute(
        select(announcements.c.campaign, deliveries.c.state, func.count().label("number"))
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(announcements.c.campaign != FREE)
        .group_by(announcements.c.campaign, deliveries.c.state)
    )
    found: dict[str, dict[State, int]] = {}
    for row in rows:
        found.setdefault(row.campaign, {})[State(row.state)] = row.number
    return found


def next_instants(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Campaign to the instant at which its next announcement is planned."""
    query = (
        select(announcements.c.campaign, type_coerce(func.min(deliveries.c.due_at), Instant()).label("at"))
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(
            announcements.c.campaign != FREE,
            deliveries.c.state.in_([state.value for state in (*PLANNED, State.QUEUED)]),
            deliveries.c.due_at >= now,
        )
        .group_by(announcements.c.campaign)
    )
    return {row.campaign: row.at for row in connection.execute(query)}


def end_campaign(connection: Connection, name: str, definition: Mapping[str, Any], now: datetime) -> None:
    """End a campaign, with the definition that says so."""
    values = {"definition": dict(definition), "applied_at": now, "ended_at": now}
    connection.execute(update(campaigns).where(campaigns.c.name == name).values(**values))


def pause_campaign(connection: Connection, name: str, paused: bool) -> None:
    """Pause or resume a campaign. Raises Unknown."""
    campaign_row(connection, name)
    connection.execute(update(campaigns).where(campaigns.c.name == name).values(paused=paused))
