"""The only queries on who may use the pages: users, sessions, links, tokens, failed attempts to sign in."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from campaign.roles import Role
from campaign.tables import api_tokens, calendar_keys, one_time_links, persons, sessions, sign_in_failures, users


def folded(name: str) -> str:
    """A name as it is compared when somebody signs in."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


# --- users ---------------------------------------------------------------------------------------------------


def _user_query() -> Select[Any]:
    return select(users, persons.c.name).join(persons, persons.c.id == users.c.person)


def user_rows(connection: Connection) -> list[Row[Any]]:
    """All users by name."""
    return list(connection.execute(_user_query().order_by(users.c.sign_in_name)))


def user_named(connection: Connection, name: str) -> Row[Any] | None:
    """One user by the name as somebody types it."""
    return connection.execute(_user_query().where(users.c.sign_in_name == folded(name))).one_or_none()


def user_of(connection: Connection, person: str) -> Row[Any] | None:
    """One user by the opaque id."""
    return connection.execute(_user_query().where(users.c.person == person)).one_or_none()


def insert_user(connection: Connection, person: str, name: str, role: Role, email: str | None, now: datetime) -> None:
    """Give a person access; the unique name guards against a second one who signs in alike."""
    connection.execute(
        insert(users).values(person=person, sign_in_name=folded(name), role=role.value, email=email, created_at=now)
    )


def set_user(connection: Connection, person: str, **values: Any) -> None:
    """Set columns of one user."""
    connection.execute(update(users).where(users.c.person == person).values(**values))


def delete_user(connection: Connection, person: str) -> None:
    """Take all access away; the person stays, for the log."""
    for table in (sessions, one_time_links, api_tokens, calendar_keys, users):
        connection.execute(delete(table).where(table.c.person == person))


def erase_name(connection: Connection, person: str) -> None:
    """Replace a person's name by the opaque id that stands in the log."""
    connection.execute(update(persons).where(persons.c.id == person).values(name=person))


def administrators(connection: Connection) -> set[str]:
    """The opaque ids of those who administer and are not disabled."""
    query = select(users.c.person).where(users.c.role == Role.ADMINISTRATOR.value, users.c.disabled.is_(False))
    return set(connection.execute(query).scalars())


# --- sessions ------------------------------------------------------------------------------------------------


def insert_session(connection: Connection, digest: str, person: str, agent: str, now: datetime, end: datetime) -> None:
    """Remember that somebody signed in."""
    connection.execute(
        insert(sessions).values(digest=digest, person=person, agent=agent, created_at=now, seen_at=now, ends_at=end)
    )


def session_row(connection: Connection, digest: str) -> Row[Any] | None:
    """One session with its user."""
    query: Select[Any] = (
        select(sessions.c.seen_at, sessions.c.ends_at, users, persons.c.name)
        .join(users, users.c.person == sessions.c.person)
        .join(persons, persons.c.id == sessions.c.person)
        .where(sessions.c.digest == digest)
    )
    return connection.execute(query).one_or_none()


def see_session(connection: Connection, digest: str, now: datetime) -> None:
    """Somebody used the session."""
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=now))


def delete_session(connection: Connection, digest: str) -> None:
    """End one session."""
    connection.execute(delete(sessions).where(sessions.c.digest == digest))


def delete_sessions(connection: Connection, person: str) -> None:
    """End all sessions of a person."""
    connection.execute(delete(sessions).where(sessions.c.person == person))


def delete_ended_sessions(connection: Connection, now: datetime, idle_since: datetime) -> None:
    """Forget what has run out."""
    connection.execute(delete(sessions).where((sessions.c.ends_at <= now) | (sessions.c.seen_at <= idle_since)))
    connection.execute(delete(one_time_links).where(one_time_links.c.ends_at <= now))


# --- one-time links ------------------------------------------------------------------------------------------


def replace_link(connection: Connection, digest: str, person: str | None, now: datetime, end: datetime) -> None:
    """A new link for a person, or for the first administrator; the one before is void."""
    connection.execute(delete(one_time_links).where(one_time_links.c.person.is_not_distinct_from(person)))
    connection.execute(insert(one_time_links).values(digest=digest, person=person, created_at=now, ends_at=end))


def link_row(connection: Connection, digest: str, now: datetime) -> Row[Any] | None:
    """A link that is still good, with the name it is for."""
    query: Select[Any] = (
        select(one_time_links.c.person, persons.c.name)
        .outerjoin(persons, persons.c.id == one_time_links.c.person)
        .where(one_time_links.c.digest == digest, one_time_links.c.ends_at > now)
    )
    return connection.execute(query).one_or_none()


def use_link(connection: Connection, digest: str, now: datetime) -> bool:
    """Take a link out; False when somebody else was faster or it has ended."""
    done = connection.execute(
        delete(one_time_links).where(one_time_links.c.digest == digest, one_time_links.c.ends_at > now)
    )
    return done.rowcount == 1


# --- API tokens ----------------------------------------------------------------------------------------------


def insert_token(
    connection: Connection,
    digest: str,
    person: str,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    end: datetime | None,
) -> None:
    """Keep a token's digest and what it may do."""
    connection.execute(
        insert(api_tokens).values(
            digest=digest, person=person, name=name, scopes=list(scopes), created_at=now, ends_at=end
        )
    )


def token_rows(connection: Connection, person: str) -> list[Row[Any]]:
    """A person's tokens by name."""
    return list(connection.execute(select(api_tokens).where(api_tokens.c.person == person).order_by(api_tokens.c.name)))


def token_row(connection: Connection, digest: str, now: datetime) -> Row[Any] | None:
    """A token that is still good, with its user."""
    return connection.execute(
        select(api_tokens.c.id, api_tokens.c.scopes, api_tokens.c.used_at, users, persons.c.name)
        .join(users, users.c.person == api_tokens.c.person)
        .join(persons, persons.c.id == api_tokens.c.person)
        .where(
            api_tokens.c.digest == digest,
            users.c.disabled.is_(False),
            func.coalesce(api_tokens.c.ends_at > now, True),
        )
    ).one_or_none()


def see_token(connection: Connection, token_id: int, now: datetime) -> None:
    """Somebody used the token."""
    connection.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(used_at=now))


def delete_token(connection: Connection, person: str, name: str) -> bool:
    """Revoke a person's tokens of that name; False when there are none."""
    done = connection.execute(delete(api_tokens).where(api_tokens.c.person == person, api_tokens.c.name == name))
    return done.rowcount > 0


# --- calendar keys -------------------------------------------------------------------------------------------


def insert_calendar_key(connection: Connection, digest: str, person: str, name: str, now: datetime) -> None:
    """Keep a calendar key's digest."""
    connection.execute(insert(calendar_keys).values(digest=digest, person=person, name=name, created_at=now))


def calendar_key_rows(connection: Connection, person: str) -> list[Row[Any]]:
    """A person's calendar keys, the oldest first."""
    query = select(calendar_keys).where(calendar_keys.c.person == person).order_by(calendar_keys.c.id)
    return list(connection.execute(query))


def calendar_key_row(connection: Connection, digest: str) -> Row[Any] | None:
    """A calendar key whose user is not disabled, with that user."""
    query: Select[Any] = (
        select(calendar_keys.c.id, calendar_keys.c.used_at, users, persons.c.name)
        .join(users, users.c.person == calendar_keys.c.person)
        .join(persons, persons.c.id == calendar_keys.c.person)
        .where(calendar_keys.c.digest == digest, users.c.disabled.is_(False))
    )
    return connection.execute(query).one_or_none()


def see_calendar_key(connection: Connection, key_id: int, now: datetime) -> None:
    """Somebody's calendar program used the key."""
    connection.execute(update(calendar_keys).where(calendar_keys.c.id == key_id).values(used_at=now))


def delete_calendar_key(connection: Connection, person: str, key_id: int) -> str | None:
    """Revoke one of a person's calendar keys; its name, None when there is no such key."""
    done = connection.execute(
        delete(calendar_keys)
        .where(calendar_keys.c.person == person, calendar_keys.c.id == key_id)
        .returning(calendar_keys.c.name)
    )
    return done.scalar_one_or_none()


# --- failed attempts to sign in --------------------------------------------------------------------------------


def failures(connection: Connection, buckets: Sequence[str], since: datetime) -> dict[str, int]:
    """The counters that began after an instant, by bucket."""
    rows = connection.execute(
        select(sign_in_failures.c.bucket, sign_in_failures.c.tries).where(
            sign_in_failures.c.bucket.in_(buckets), sign_in_failures.c.since > since
        )
    )
    return {row.bucket: row.tries for row in rows}


def count_failure(connection: Connection, buckets: Sequence[str], now: datetime, since: datetime) -> None:
    """Count one attempt in each bucket; counters that began before `since` are forgotten."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.since <= since))
    dialect = cast(Any, postgresql if connection.dialect.name == "postgresql" else sqlite)
    for bucket in sorted(buckets):  # in one order, so that two who count the same buckets never wait for each other
        connection.execute(
            dialect.insert(sign_in_failures)
            .values(bucket=bucket, tries=1, since=now)
            .on_conflict_do_update(index_elements=["bucket"], set_={"tries": sign_in_failures.c.tries + 1})
        )


def uncount_failure(connection: Connection, buckets: Sequence[str]) -> None:
    """An attempt turned out to be rightful."""
    connection.execute(
        update(sign_in_failures)
        .where(sign_in_failures.c.bucket.in_(buckets))
        .values(tries=sign_in_failures.c.tries - 1)
    )


def forget_failures(connection: Connection, bucket: str) -> None:
    """Begin one counter anew."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.bucket == bucket))
