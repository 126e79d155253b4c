"""Who acted: names to the ids that the log and approvals keep."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, insert, select

from campaign.tables import persons


def person_id(connection: Connection, name: str, now: datetime) -> str:
    """The opaque id that stands for a person in the log; made when somebody acts for the first time."""
    known = connection.execute(select(persons.c.id).where(persons.c.name == name)).scalar_one_or_none()
    if known is not None:
        return str(known)
    made = "p" + secrets.token_hex(6)
    connection.execute(insert(persons).values(id=made, name=name, created_at=now))
    return made


def person_names(connection: Connection) -> dict[str, str]:
    """Opaque id to name."""
    return {row.id: row.name for row in connection.execute(select(persons.c.id, persons.c.name))}
