"""Templates in their revisions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text, update

from campaign.tables import announcements, template_revisions
from posts.states import PLANNED
from posts.tables import channels, deliveries


def active_templates(connection: Connection) -> dict[tuple[str, str], str]:
    """Network and name to the text of the revision that staff made active; templates without one are left out."""
    rows = connection.execute(select(template_revisions).where(template_revisions.c.active))
    return {(row.network, row.name): row.text for row in rows}


def revision_rows(connection: Connection, network: str | None = None, name: str | None = None) -> list[Row[Any]]:
    """Revisions of all templates, or of the named one, the newest first."""
    query = select(template_revisions).order_by(template_revisions.c.number.desc())
    if network is not None:
        query = query.where(template_revisions.c.network == network)
    if name is not None:
        query = query.where(template_revisions.c.name == name)
    return list(connection.execute(query))


def lock_templates(connection: Connection) -> None:
    """Let nobody else save or activate a revision until this transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE template_revisions IN SHARE ROW EXCLUSIVE MODE"))


def add_revision(connection: Connection, network: str, name: str, **values: Any) -> int:
    """Store a revision behind those that are there, under `lock_templates`; returns its number."""
    newest = select(func.coalesce(func.max(template_revisions.c.number), 0)).where(
        template_revisions.c.network == network, template_revisions.c.name == name
    )
    number = int(connection.execute(newest).scalar_one()) + 1
    connection.execute(
        insert(template_revisions).values(network=network, name=name, number=number, active=False, **values)
    )
    return number


def activate_revision(connection: Connection, network: str, name: str, number: int | None) -> None:
    """Make a revision the one that is used, under `lock_templates`; None: the shipped file."""
    mine = update(template_revisions).where(template_revisions.c.network == network, template_revisions.c.name == name)
    connection.execute(mine.where(template_revisions.c.active).values(active=False))
    if number is not None:
        connection.execute(mine.where(template_revisions.c.number == number).values(active=True))


def planned_with_template(connection: Connection, network: str, name: str) -> list[int]:
    """Announcements of a template whose text is not frozen yet, the next due first."""
    query = (
        select(announcements.c.id)
        .join(deliveries, deliveries.c.id == announcements.c.id)
        .join(channels, channels.c.id == announcements.c.channel_id)
        .where(
            announcements.c.template == name,
            channels.c.network == network,
            deliveries.c.state.in_([state.value for state in PLANNED]),
        )
        .order_by(deliveries.c.due_at, announcements.c.id)
    )
    return list(connection.execute(query).scalars())
