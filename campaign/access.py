"""Who may use the pages: users and roles, passwords, sessions, one-time links, tokens; attempts are throttled.

Passwords are kept by Argon2id with the parameters of argon2-cffi (RFC 9106, second recommended option). Sessions,
links and tokens are random and live in the database by their digest, so each can be revoked at once.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row

from campaign import people, store
from campaign.db import Database
from campaign.desk import Refusal
from campaign.roles import Role
from posts import ledger
from posts.clock import Clock

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
LONGEST_NAME, LONGEST_AGENT = 60, 200
LINK_LASTS = timedelta(days=3)
WINDOW = timedelta(minutes=15)
"""How long failed attempts to sign in are remembered, and how long too many of them shut the door."""
ATTEMPTS = (5, 30, 100)
"""Failed attempts within WINDOW: of one name from one address, from one address, of one name from anywhere."""
WRONG_KEYS = 30
"""Wrong calendar keys from one address within WINDOW, after which it gets no answer."""
MOST_CALENDAR_KEYS = 20
SEEN_EVERY = timedelta(minutes=1)
"""A session's use is written down this often at most: reading a page must not cost a write each time."""
SCOPES = ("read", "write", "metrics")
"""What a token may be made for: looking, changing (within the person's role), figures for monitoring."""
NOT_A_NAME = re.compile(r"cli:.*|daemon|p[0-9a-f]{12}", re.IGNORECASE | re.DOTALL)
_EMAIL = re.compile(r"[^@\s<>,;:\"]{1,64}@[^@\s<>,;:\"]{1,190}")
# Each hash takes 64 MiB: many attempts at once must not take all memory.
_AT_ONCE = threading.BoundedSemaphore(2)


class NotAdmitted(Refusal):
    """Access was refused."""


@dataclass(frozen=True)
class User:
    """Somebody who may use the pages; `person` is the opaque id in the log."""

    person: str
    name: str
    role: Role
    email: str | None
    disabled: bool
    has_password: bool
    created_at: datetime
    signed_in_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """One line of `kreativorte user list`."""
        return {
            "name": self.name,
            "role": self.role.value,
            "email": self.email,
            "disabled": self.disabled,
            "has_password": self.has_password,
            "created_at": self.created_at.isoformat(),
            "signed_in_at": self.signed_in_at.isoformat() if self.signed_in_at else None,
        }


@dataclass(frozen=True)
class Invitation:
    """What a one-time link is for; without a name it makes the first administrator."""

    name: str | None


@dataclass(frozen=True)
class Token:
    """A token of the JSON API as it is listed; nobody can read its secret back."""

    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    ends_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True)
class CalendarKey:
    """By it a calendar program reads the calendar in a user's name; the secret itself is not kept."""

    id: int
    name: str
    created_at: datetime
    used_at: datetime | None


class Access:
    """The doors of the pages over one database. `idle` and `longest` bound a session."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        idle: timedelta,
        longest: timedelta,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._database, self._clock = database, clock
        self._idle, self._longest = idle, longest
        self._hasher = hasher or PasswordHasher()

    def _now(self, connection: Connection) -> datetime:
        return ledger.now_of(connection, self._clock)

    # --- users

    def users(self) -> list[User]:
        """All users by name."""
        with self._database.read() as connection:
            return [_user(row) for row in people.user_rows(connection)]

    def user(self, name: str) -> User:
        """One user. Raises NotAdmitted."""
        with self._database.read() as connection:
            return _user(_named(connection, name))

    def add(self, actor: str, name: str, role: Role, email: str | None = None) -> User:
        """Give somebody access; the password comes by a one-time link. Raises NotAdmitted."""
        name = _checked_name(name)
        with self._database.write() as connection:
            now = self._now(connection)
            if people.user_named(connection, name) is not None:
                raise NotAdmitted("user_exists", name)
            person = _insert(connection, name, role, _checked_email(email), now)
            detail = {"person": person, "role": role.value}
            ledger.note(connection, "user_added", now, store.person_id(connection, actor, now), detail=detail)
        return self.user(name)

    def change(
        self,
        actor: str,
        name: str,
        *,
        role: Role | None = None,
        email: str | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Change role, address or whether somebody may sign in. Raises NotAdmitted."""
        wanted: dict[str, Any] = {"role": role.value if role else None, "disabled": disabled}
        changes = {key: value for key, value in wanted.items() if value is not None}
        with self._database.write() as connection:
            now = self._now(connection)
            row = _named(connection, name)
            before = people.administrators(connection)
            if email is not None:
                people.set_user(connection, row.person, email=_checked_email(email))
            if changes:
                people.set_user(connection, row.person, **changes)
            _check_administered(connection, before)
            if disabled:
                people.delete_sessions(connection, row.person)
            actor_id = store.person_id(connection, actor, now)
            # The address itself stays out of the log, which can't forget.
            detail = {"person": row.person} | changes | ({"email": "changed"} if email is not None else {})
            ledger.note(connection, "user_changed", now, actor_id, detail=detail)
        return self.user(name)

    def remove(self, actor: str, name: str, *, erase: bool = False) -> None:
        """Take all access away; with `erase` the name goes too, and the log shows an opaque id. Raises NotAdmitted."""
        with self._database.write() as connection:
            now = self._now(connection)
            actor_id = store.person_id(connection, actor, now)
            row = _named(connection, name)
            before = people.administrators(connection)
            people.delete_user(connection, row.person)
            _check_administered(connection, before)
            if erase:
                people.erase_name(connection, row.person)
            ledger.note(connection, "user_removed", now, actor_id, detail={"person": row.person})

    # --- one-time links and passwords

    def link(self, actor: str, name: str) -> str:
        """The secret of a new one-time link by which a user sets the password. Raises NotAdmitted."""
        with self._database.write() as connection:
            now = self._now(connection)
            row = _named(connection, name)
            actor_id = store.person_id(connection, actor, now)
            ledger.note(connection, "user_link_made", now, actor_id, detail={"person": row.person})
            return _new_link(connection, row.person, now)

    def first_link(self) -> str | None:
        """The secret of the link that makes the first administrator; None once there is a user."""
        with self._database.write() as connection:
            if people.user_rows(connection):
                return None
            return _new_link(connection, None, self._now(connection))

    def invitation(self, link: str) -> Invitation:
        """What a link is for. Raises NotAdmitted when it was used or has ended."""
        with self._database.read() as connection:
            row = people.link_row(connection, _digest(link), self._now(connection))
        if row is None:
            raise NotAdmitted("link_ended")
        return Invitation(row.name)

    def accept(self, link: str, password: str, name: str = "") -> User:
        """Set the password by a link, once; ends the user's other sessions. Raises NotAdmitted."""
        invitation = self.invitation(link)
        chosen = invitation.name or _checked_name(name)
        _check_password(password, chosen)
        hashed = self._hash(password)
        with self._database.write() as connection:
            now = self._now(connection)
            row = people.link_row(connection, _digest(link), now)
            if row is None or not people.use_link(connection, _digest(link), now):
                raise NotAdmitted("link_ended")
            person = row.person or self._first_administrator(connection, chosen, now)
            people.set_user(connection, person, password=hashed)
            people.delete_sessions(connection, person)
            ledger.note(connection, "password_set", now, person)
        return self.user(chosen)

    def _first_administrator(self, connection: Connection, name: str, now: datetime) -> str:
        if people.user_rows(connection):
            raise NotAdmitted("link_ended")
        person = _insert(connection, name, Role.ADMINISTRATOR, None, now)
        detail = {"person": person, "role": Role.ADMINISTRATOR.value}
        ledger.note(connection, "user_added", now, person, detail=detail)
        return person

    def set_password(self, actor: str, name: str, password: str) -> None:
        """Set a user's password and end the user's sessions. Raises NotAdmitted."""
        user = self.user(name)
        _check_password(password, user.name)
        hashed = self._hash(password)
        with self._database.write() as connection:
            now = self._now(connection)
            people.set_user(connection, user.person, password=hashed)
            people.delete_sessions(connection, user.person)
            actor_id = store.person_id(connection, actor, now)
            ledger.note(connection, "password_set", now, actor_id, detail={"person": user.person})

    def _hash(self, password: str) -> str:
        with _AT_ONCE:
            return self._hasher.hash(_composed(password))

    def _fits(self, hashed: str | None, password: str) -> bool:
        """Whether a password fits; takes as long for a user that is not there."""
        try:
            with _AT_ONCE:
                return self._hasher.verify(hashed or self._nobodys_hash, _composed(password)) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(32))

    # --- sessions

    def sign_in(self, name: str, password: str, address: str, agent: str) -> str:
        """The secret of a new session. Raises NotAdmitted."""
        row = self._proved(name, password, address)
        if row.disabled:
            raise NotAdmitted("user_disabled")
        return self.open_session(row.person, agent)

    def _proved(self, name: str, password: str, address: str) -> Row[Any]:
        """The user whose password that is. Raises NotAdmitted.

        The attempt is counted before it is judged: many at once can't slip past the throttle.
        """
        buckets = _buckets(name, address)
        with self._database.write() as connection:
            now = self._now(connection)
            counted = people.failures(connection, buckets, now - WINDOW)
            if any(counted.get(one, 0) >= most for one, most in zip(buckets, ATTEMPTS, strict=True)):
                raise NotAdmitted("sign_in_throttled")
            people.count_failure(connection, buckets, now, now - WINDOW)
        with self._database.read() as connection:
            row = people.user_named(connection, name)
        if not self._fits(row.password if row else None, password[: LONGEST_PASSWORD + 1]) or row is None:
            raise NotAdmitted("sign_in_wrong")
        with self._database.write() as connection:
            people.forget_failures(connection, buckets[0])
            people.uncount_failure(connection, buckets[1:])
        return row

    def change_password(self, name: str, old: str, new: str, address: str) -> None:
        """Somebody's own change: the present password proves who asks; all sessions end. Raises NotAdmitted."""
        self._proved(name, old, address)
        self.set_password(name, name, new)

    def open_session(self, person: str, agent: str) -> str:
        """The secret of a new session of somebody who has shown who it is; sessions that ran out are forgotten."""
        secret = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            now = self._now(connection)
            people.delete_ended_sessions(connection, now, now - self._idle)
            people.insert_session(connection, _digest(secret), person, agent[:LONGEST_AGENT], now, now + self._longest)
            people.set_user(connection, person, signed_in_at=now)
        return secret

    def session(self, secret: str, *, seen: bool = True) -> User | None:
        """Whose session it is; None when it was ended, ran out, or lay idle too long. It counts as used if `seen`."""
        digest = _digest(secret)
        with self._database.read() as connection:
            now = self._now(connection)
            row = people.session_row(connection, digest)
        if row is None or row.disabled or now >= row.ends_at or now - row.seen_at >= self._idle:
            return None
        if seen and now - row.seen_at >= SEEN_EVERY:
            with self._database.write() as connection:
                people.see_session(connection, digest, now)
        return _user(row)

    def sign_out(self, secret: str) -> None:
        """End one session."""
        with self._database.write() as connection:
            people.delete_session(connection, _digest(secret))

    def end_sessions(self, actor: str, name: str) -> None:
        """End all sessions of a user. Raises NotAdmitted."""
        with self._database.write() as connection:
            now = self._now(connection)
            row = _named(connection, name)
            people.delete_sessions(connection, row.person)
            actor_id = store.person_id(connection, actor, now)
            ledger.note(connection, "user_sessions_ended", now, actor_id, detail={"person": row.person})

    # --- tokens

    def make_token(self, actor: str, name: str, label: str, scopes: Sequence[str], end: datetime | None = None) -> str:
        """The secret of a new token of a user, shown once. Raises NotAdmitted."""
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise NotAdmitted("scope_unknown", ", ".join(SCOPES))
        label = " ".join(label.split())
        if not 1 <= len(label) <= LONGEST_NAME or not label.isprintable():
            raise NotAdmitted("token_name_unusable")
        secret = "kt_" + secrets.token_urlsafe(32)
        with self._database.write() as connection:
            now = self._now(connection)
            row = _named(connection, name)
            if any(one.name == label for one in people.token_rows(connection, row.person)):
                raise NotAdmitted("token_exists", label)
            people.insert_token(connection, _digest(secret), row.person, label, scopes, now, end)
            actor_id = store.person_id(connection, actor, now)
            detail = {"person": row.person, "token": label, "scopes": list(scopes)}
            ledger.note(connection, "token_made", now, actor_id, detail=detail)
        return secret

    def tokens(self, name: str) -> list[Token]:
        """A user's tokens by name, without their secrets. Raises NotAdmitted."""
        with self._database.read() as connection:
            rows = people.token_rows(connection, _named(connection, name).person)
        return [Token(row.name, tuple(row.scopes), row.created_at, row.ends_at, row.used_at) for row in rows]

    def revoke_token(self, actor: str, name: str, label: str) -> None:
        """Revoke a user's token. Raises NotAdmitted."""
        with self._database.write() as connection:
            now = self._now(connection)
            row = _named(connection, name)
            if not people.delete_token(connection, row.person, label):
                raise NotAdmitted("token_unknown", label)
            actor_id = store.person_id(connection, actor, now)
            ledger.note(connection, "token_revoked", now, actor_id, detail={"person": row.person, "token": label})

    def bearer(self, secret: str, scope: str) -> User | None:
        """Whose token it is, when it is good for that scope."""
        with self._database.read() as connection:
            now = self._now(connection)
            row = people.token_row(connection, _digest(secret), now)
        if row is None or scope not in row.scopes:
            return None
        if row.used_at is None or now - row.used_at >= SEEN_EVERY:
            with self._database.write() as connection:
                people.see_token(connection, row.id, now)
        return _user(row)

    # --- calendar keys

    def make_calendar_key(self, name: str, label: str) -> str:
        """The secret of a new calendar key of a user, shown once. Raises NotAdmitted."""
        label = " ".join(label.split())
        if not 1 <= len(label) <= LONGEST_NAME or not label.isprintable():
            raise NotAdmitted("calendar_key_name_unusable", LONGEST_NAME)
        secret = "kk_" + secrets.token_urlsafe(32)
        with self._database.write() as connection:
            now = self._now(connection)
            row = _named(connection, name)
            if len(people.calendar_key_rows(connection, row.person)) >= MOST_CALENDAR_KEYS:
                raise NotAdmitted("calendar_keys_too_many", MOST_CALENDAR_KEYS)
            people.insert_calendar_key(connection, _digest(secret), row.person, label, now)
            detail = {"person": row.person, "key": label}
            ledger.note(connection, "calendar_key_made", now, row.person, detail=detail)
        return secret

    def calendar_keys(self, name: str) -> list[CalendarKey]:
        """A user's calendar keys, the oldest first. Raises NotAdmitted."""
        with self._database.read() as connection:
            rows = people.calendar_key_rows(connection, _named(connection, name).person)
        return [CalendarKey(row.id, row.name, row.created_at, row.used_at) for row in rows]

    def revoke_calendar_key(self, name: str, key_id: int) -> None:
        """Revoke one of a user's calendar keys. Raises NotAdmitted."""
        with self._database.write() as connection:
            now = self._now(connection)
            person = _named(connection, name).person
            label = people.delete_calendar_key(connection, person, key_id)
            if label is None:
                raise NotAdmitted("calendar_key_unknown")
            detail = {"person": person, "key": label}
            ledger.note(connection, "calendar_key_revoked", now, person, detail=detail)

    def calendar_reader(self, secret: str, address: str) -> User | None:
        """Whose calendar key it is; None for a wrong one. Raises NotAdmitted after too many wrong ones."""
        bucket = _digest(f"calendar {_line(address)}")
        with self._database.read() as connection:
            now = self._now(connection)
            if people.failures(connection, [bucket], now - WINDOW).get(bucket, 0) >= WRONG_KEYS:
                raise NotAdmitted("sign_in_throttled")
            row = people.calendar_key_row(connection, _digest(secret))
        if row is None:
            with self._database.write() as connection:
                people.count_failure(connection, [bucket], now, now - WINDOW)
            return None
        if row.used_at is None or now - row.used_at >= SEEN_EVERY:
            with self._database.write() as connection:
                people.see_calendar_key(connection, row.id, now)
        return _user(row)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _composed(password: str) -> str:
    """A password as every keyboard writes it: composed letters make no difference (RFC 8265)."""
    return unicodedata.normalize("NFC", password)


def _user(row: Row[Any]) -> User:
    return User(
        person=row.person,
        name=row.name,
        role=Role(row.role),
        email=row.email,
        disabled=row.disabled,
        has_password=row.password is not None,
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
    )


def _named(connection: Connection, name: str) -> Row[Any]:
    row = people.user_named(connection, name)
    if row is None:
        raise NotAdmitted("user_unknown", name)
    return row


def _insert(connection: Connection, name: str, role: Role, email: str | None, now: datetime) -> str:
    person = store.person_id(connection, name, now)
    people.insert_user(connection, person, name, role, email, now)
    return person


def _new_link(connection: Connection, person: str | None, now: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    people.replace_link(connection, _digest(secret), person, now, now + LINK_LASTS)
    return secret


def _check_administered(connection: Connection, before: set[str]) -> None:
    """Somebody must be left who can let others in."""
    if before and not people.administrators(connection):
        raise NotAdmitted("last_administrator")


def _checked_name(name: str) -> str:
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or NOT_A_NAME.fullmatch(name):
        raise NotAdmitted("user_name_unusable")
    return name


def _checked_email(email: str | None) -> str | None:
    if not email:
        return None
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise NotAdmitted("email_unusable")
    return email


def _check_password(password: str, name: str) -> None:
    """Length counts, not kinds of signs (NIST SP 800-63B, BSI ORP.4.A22)."""
    if len(password) < SHORTEST_PASSWORD:
        raise NotAdmitted("password_short", SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        raise NotAdmitted("password_long", LONGEST_PASSWORD)
    if people.folded(name) in people.folded(password) or len(set(password)) < 5:
        raise NotAdmitted("password_easy")


def _buckets(name: str, address: str) -> tuple[str, str, str]:
    """The counters of an attempt; an IPv6 line has a whole /64 to itself."""
    with_name, place = people.folded(name), _line(address)
    return _digest(f"{place} {with_name}"), _digest(f"from {place}"), _digest(f"name {with_name}")


def _line(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
