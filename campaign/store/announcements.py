"""Announcements with their deliveries: to plan, to list, to queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, and_, cast, func, insert, or_, select, update

from campaign.store.names import FREE, Unknown
from campaign.tables import announcements, campaigns, places
from posts.states import State
from posts.tables import channels, deliveries

CALENDAR_WORDS = 100
"""So many signs of a text stand on the calendar where there is no place to name."""


def announcement_query() -> Select[Any]:
    """Everything that is known of announcements, one row each."""
    return (
        select(
            announcements,
            deliveries.c.state,
            deliveries.c.due_at,
            deliveries.c.late_until,
            deliveries.c.marker,
            deliveries.c.draft,
            deliveries.c.attempt,
            deliveries.c.cancel_wanted,
            deliveries.c.hold_reason,
            deliveries.c.reason,
            deliveries.c.remote_id,
            deliveries.c.permalink,
            deliveries.c.posted_at,
            deliveries.c.removed_at,
            deliveries.c.cost_usd,
            deliveries.c.also_posted,
            channels.c.name.label("channel"),
            channels.c.network,
            channels.c.account,
            channels.c.account_name,
            channels.c.world,
            channels.c.token_expires,
            places.c.name.label("place_name"),
        )
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .outerjoin(places, places.c.id == announcements.c.place_id)
    )


def announcement_rows(
    connection: Connection,
    *,
    ids: Sequence[int] | None = None,
    states: Sequence[State] | None = None,
    channel: str | None = None,
    campaign: str | None = None,
    place_id: int | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    limit: int | None = None,
) -> list[Row[Any]]:
    """Announcements in the order of their instants, filtered; the first `limit` of them."""
    query = announcement_query().order_by(deliveries.c.due_at, announcements.c.id)
    conditions: list[Any] = []
    if ids is not None:
        conditions.append(announcements.c.id.in_(list(ids)))
    if states is not None:
        conditions.append(deliveries.c.state.in_([state.value for state in states]))
    if channel is not None:
        conditions.append(channels.c.name == channel)
    if campaign is not None:
        conditions.append(announcements.c.campaign == campaign)
    if place_id is not None:
        conditions.append(announcements.c.place_id == place_id)
    if since is not None:
        conditions.append(deliveries.c.due_at >= since)
    if before is not None:
        conditions.append(deliveries.c.due_at < before)
    return list(connection.execute(query.where(*conditions).limit(limit)))


def counts_by_state(connection: Connection) -> dict[State, int]:
    """How many announcements stand in each state; states without any are left out."""
    rows = connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
    return {State(state): count for state, count in rows}


def overdue(connection: Connection, before: datetime) -> int:
    """How many announcements should have gone out before an instant and still wait."""
    query = select(func.count()).where(
        deliveries.c.state.in_((State.APPROVED.value, State.QUEUED.value)), deliveries.c.due_at < before
    )
    return int(connection.execute(query).scalar_one())


def posted_with_problems(connection: Connection) -> list[Row[Any]]:
    """What is out, and of which staff must know something: of what they deleted themselves there is nothing to tell."""
    problems = cast(announcements.c.problems, Text)
    query = announcement_query().where(
        deliveries.c.state == State.POSTED.value,
        or_(deliveries.c.removed_at.is_(None), problems.contains("vanished")),
        problems != "[]",
    )
    return list(connection.execute(query.order_by(deliveries.c.due_at, announcements.c.id)))


def posted_besides(connection: Connection) -> list[Row[Any]]:
    """What a late answer told to be out, otherwise than the announcement stands."""
    query = announcement_query().where(
        deliveries.c.also_posted.is_not(None),
        or_(deliveries.c.remote_id.is_(None), deliveries.c.remote_id != deliveries.c.also_posted),
    )
    return list(connection.execute(query.order_by(deliveries.c.due_at, announcements.c.id)))


def announcement_row(connection: Connection, announcement_id: int) -> Row[Any]:
    """One announcement. Raises Unknown."""
    rows = announcement_rows(connection, ids=[announcement_id])
    if not rows:
        raise Unknown("announcement_unknown", announcement_id)
    return rows[0]


def twin(connection: Connection, channel_id: int, text_key: str, at: datetime) -> int | None:
    """A free announcement that says the same on the same channel at the same instant, links aside."""
    query = (
        select(announcements.c.id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .where(
            announcements.c.campaign == FREE,
            announcements.c.channel_id == channel_id,
            announcements.c.text_key == text_key,
            deliveries.c.due_at == at,
            deliveries.c.state != State.CANCELLED.value,
        )
    )
    return connection.execute(query.limit(1)).scalar_one_or_none()


def insert_announcement(connection: Connection, announcement_id: int, now: datetime, **values: Any) -> None:
    """Store what is said about a delivery that was just created; the unique key guards against a second one."""
    connection.execute(insert(announcements).values(id=announcement_id, created_at=now, changed_at=now, **values))


def set_announcement(connection: Connection, announcement_id: int, now: datetime, **values: Any) -> None:
    """Set columns of one announcement."""
    connection.execute(
        update(announcements).where(announcements.c.id == announcement_id).values(changed_at=now, **values)
    )


def to_look_at(connection: Connection, since: datetime, before: datetime, limit: int) -> list[Row[Any]]:
    """Planned announcements due before an instant whose link and pictures were not looked at since their last
    change and since another instant, the next due first."""
    return list(
        connection.execute(
            announcement_query()
            .where(
                deliveries.c.state.in_((State.DRAFT.value, State.APPROVED.value)),
                deliveries.c.due_at < before,
                or_(
                    announcements.c.looked_at.is_(None),
                    announcements.c.looked_at < announcements.c.changed_at,
                    announcements.c.looked_at < since,
                ),
            )
            .order_by(deliveries.c.due_at)
            .limit(limit)
        )
    )


def note_look(connection: Connection, announcement_id: int, now: datetime) -> None:
    """Remember that link and pictures were looked at."""
    connection.execute(update(announcements).where(announcements.c.id == announcement_id).values(looked_at=now))


def set_delivery(connection: Connection, announcement_id: int, **values: Any) -> None:
    """Set columns of a delivery that persons see to (`due_at`, `late_until`, `hold_reason`, `removed_at`,
    `also_posted`), never its state."""
    if "state" in values:
        raise ValueError("the ledger alone writes states")
    connection.execute(update(deliveries).where(deliveries.c.id == announcement_id).values(**values))


def has_announcement(connection: Connection, key: Any, channel_id: int) -> bool:
    """Whether an announcement of that key (campaign, step, place_id, occurrence) is on the channel already."""
    return (
        connection.execute(
            select(announcements.c.id).where(
                announcements.c.campaign == key.campaign,
                announcements.c.step == key.step,
                announcements.c.place_id == key.place_id,
                announcements.c.channel_id == channel_id,
                announcements.c.occurrence == key.occurrence,
            )
        ).first()
        is not None
    )


def taken_rows(connection: Connection, since: datetime, before: datetime, channel: str | None = None) -> list[Row[Any]]:
    """What is due or went out in a span, on a channel or on all: its key, instants and state."""
    query = (
        select(
            announcements.c.campaign,
            announcements.c.step,
            announcements.c.place_id,
            channels.c.name.label("channel"),
            announcements.c.occurrence,
            deliveries.c.due_at,
            deliveries.c.state,
            deliveries.c.posted_at,
        )
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == deliveries.c.channel_id)
        .where(or_(deliveries.c.due_at.between(since, before), deliveries.c.posted_at.between(since, before)))
    )
    return list(connection.execute(query))


def calendar_rows(
    connection: Connection,
    since: datetime,
    before: datetime,
    limit: int,
    *,
    campaign: str | None = None,
    channel: str | None = None,
    state: str | None = None,
    of_places: bool = False,
) -> list[Row[Any]]:
    """What a calendar draws of a span, in the order of instants: one query, without the long texts; the regions and
    categories of places only where asked for."""
    query = (
        select(
            announcements.c.id,
            announcements.c.campaign,
            announcements.c.step,
            announcements.c.channel_id,
            func.substr(announcements.c.text, 1, CALENDAR_WORDS).label("words"),
            announcements.c.pinned,
            deliveries.c.due_at,
            deliveries.c.state,
            deliveries.c.hold_reason,
            deliveries.c.reason,
            channels.c.name.label("channel"),
            channels.c.network,
            channels.c.world,
            places.c.name.label("place_name"),
            *((places.c.data["regions"].label("regions"), places.c.data["categories"].label("categories")) * of_places),
        )
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .outerjoin(places, places.c.id == announcements.c.place_id)
        .where(deliveries.c.due_at >= since, deliveries.c.due_at < before)
        .order_by(deliveries.c.due_at, announcements.c.id)
        .limit(limit)
    )
    narrowed = ((announcements.c.campaign, campaign), (channels.c.name, channel), (deliveries.c.state, state))
    query = query.where(*(column == value for column, value in narrowed if value is not None))
    return list(connection.execute(query))


def due_for_queueing(connection: Connection, now: datetime, search: timedelta) -> list[int]:
    """Approved announcements whose instant has come, in order; those of paused campaigns wait. What is to be looked for
    before it is sent comes earlier by as long as that takes."""
    paused = select(campaigns.c.name).where(campaigns.c.paused)
    return list(
        connection.execute(
            select(deliveries.c.id)
            .join(announcements, announcements.c.id == deliveries.c.id)
            .where(
                deliveries.c.state == State.APPROVED.value,
                or_(
                    deliveries.c.due_at <= now,
                    and_(deliveries.c.look_since.is_not(None), deliveries.c.due_at <= now + search),
                ),
                announcements.c.campaign.not_in(paused),
            )
            .order_by(deliveries.c.due_at, deliveries.c.id)
            .limit(200)
        ).scalars()
    )


def kept_back(
    connection: Connection, states: Iterable[State] = (State.APPROVED, State.QUEUED), campaign: str | None = None
) -> list[int]:
    """Announcements in these states that wait for their paused campaign, not for an instant; of one campaign or all."""
    query = (
        select(deliveries.c.id)
        .join(announcements, announcements.c.id == deliveries.c.id)
        .join(campaigns, campaigns.c.name == announcements.c.campaign)
        .where(deliveries.c.state.in_([state.value for state in states]), campaigns.c.paused)
        .order_by(deliveries.c.id)
    )
    if campaign is not None:
        query = query.where(campaigns.c.name == campaign)
    return list(connection.execute(query).scalars())


def same_text_rival(connection: Connection, row: Row[Any], span: timedelta) -> int | None:
    """An announcement on the same network and world that says the same, links aside: any on another account,
    or one within `span` on the same account. Of two planned ones the later made gives way."""
    near = and_(
        announcements.c.channel_id == row.channel_id, deliveries.c.due_at.between(row.due_at - span, row.due_at + span)
    )
    return connection.execute(
        select(announcements.c.id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .where(
            announcements.c.text_key == row.text_key,
            announcements.c.id != row.id,
            channels.c.network == row.network,
            channels.c.world == row.world,
            deliveries.c.state.not_in((State.CANCELLED.value, State.MISSED.value, State.REFUSED.value)),
            or_(near, announcements.c.channel_id != row.channel_id),
            or_(deliveries.c.state == State.POSTED.value, announcements.c.id < row.id),
        )
        .limit(1)
    ).scalar_one_or_none()


def same_text_elsewhere(
    connection: Connection, text_key: str, channel: Row[Any], at: datetime, span: timedelta
) -> int | None:
    """The same for an announcement that does not exist yet: what it would be too much alike on that channel."""
    near = and_(announcements.c.channel_id == channel.id, deliveries.c.due_at.between(at - span, at + span))
    return connection.execute(
        select(announcements.c.id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .where(
            announcements.c.text_key == text_key,
            channels.c.network == channel.network,
            channels.c.world == channel.world,
            deliveries.c.state.not_in((State.CANCELLED.value, State.MISSED.value, State.REFUSED.value)),
            or_(near, announcements.c.channel_id != channel.id),
        )
        .limit(1)
    ).scalar_one_or_none()


def waiting(connection: Connection, now: datetime) -> list[Row[Any]]:
    """Channel, campaign and instant of whatever is due and not begun yet, no matter what keeps it back."""
    return list(
        connection.execute(
            select(deliveries.c.channel_id, announcements.c.campaign, deliveries.c.due_at)
            .join(announcements, announcements.c.id == deliveries.c.id)
            .where(deliveries.c.state.in_((State.APPROVED.value, State.QUEUED.value)), deliveries.c.due_at <= now)
        )
    )


def spent_usd(connection: Connection, campaign: str, since: datetime | None) -> float:
    """Network fees of a campaign's announcements that went or go out, since an instant."""
    query = (
        select(func.coalesce(func.sum(deliveries.c.cost_usd), 0.0))
        .join(announcements, announcements.c.id == deliveries.c.id)
        .where(
            announcements.c.campaign == campaign,
            deliveries.c.state.not_in((State.CANCELLED.value, State.MISSED.value, State.REFUSED.value)),
        )
    )
    if since is not None:
        query = query.where(deliveries.c.due_at >= since)
    return float(connection.execute(query).scalar_one())
