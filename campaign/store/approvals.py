"""Who approved an announcement, and what was said about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from campaign.tables import approvals, comments


def approve(connection: Connection, announcement_id: int, person: str, now: datetime) -> None:
    """One person's approval; giving it twice counts once."""
    if person not in approvers(connection, [announcement_id]).get(announcement_id, []):
        connection.execute(insert(approvals).values(announcement_id=announcement_id, person=person, at=now))


def approvers(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """Announcement to the opaque ids of those who approved it, in order."""
    found: dict[int, list[str]] = {}
    for start in range(0, len(ids), 500):
        rows = connection.execute(
            select(approvals)
            .where(approvals.c.announcement_id.in_(list(ids[start : start + 500])))
            .order_by(approvals.c.at)
        )
        for row in rows:
            found.setdefault(row.announcement_id, []).append(row.person)
    return found


def approval_rows(connection: Connection, announcement_id: int) -> list[Row[Any]]:
    """Who approved one announcement and when, in order."""
    query = select(approvals).where(approvals.c.announcement_id == announcement_id)
    return list(connection.execute(query.order_by(approvals.c.at)))


def withdraw_approvals(connection: Connection, announcement_id: int) -> None:
    """Forget all approvals of one announcement, as after an edit."""
    connection.execute(delete(approvals).where(approvals.c.announcement_id == announcement_id))


def insert_comment(connection: Connection, announcement_id: int, person: str, text: str, now: datetime) -> int:
    """Keep what a person said of an announcement; returns the comment's number."""
    values = {"announcement_id": announcement_id, "person": person, "text": text, "at": now}
    return int(connection.execute(insert(comments).values(**values).returning(comments.c.id)).scalar_one())


def comment_rows(connection: Connection, announcement_id: int) -> list[Row[Any]]:
    """What was said of one announcement, in order."""
    query = select(comments).where(comments.c.announcement_id == announcement_id)
    return list(connection.execute(query.order_by(comments.c.at, comments.c.id)))
