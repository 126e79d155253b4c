"""Channels' accounts: tokens encrypted at rest, opened, checked and renewed. Only here do tokens meet a database."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, Row, insert, select, update

from posts import ledger
from posts.clock import Clock
from posts.errors import Explained, Outcome, SignedOut, Unreachable
from posts.insisting import Begin, insist
from posts.networks.publisher import Account, Endpoint, Publisher
from posts.networks.registry import NETWORKS, CredentialsError, open_publisher
from posts.tables import channels

REFRESH_LEASE = timedelta(minutes=2)
REFRESH_TRIES, REFRESH_PAUSE = 150, 0.2

logger = logging.getLogger(__name__)


class KeyProblem(Explained):
    """The secret key is missing or does not fit."""


class Vault:
    """Encrypts tokens with Fernet (AES-128-CBC and HMAC-SHA-256). The first key encrypts, all of them decrypt,
    so that a new key can be put in front of an old one (rotation)."""

    def __init__(self, keys: str) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys.replace(",", " ").split()])
        except ValueError:
            raise KeyProblem("key_invalid") from None

    def lock(self, credentials: Mapping[str, Any]) -> str:
        """Credentials as they lie in the database."""
        return self._fernet.encrypt(json.dumps(dict(credentials)).encode()).decode()

    def unlock(self, stored: str) -> dict[str, Any]:
        """Credentials in the clear. Raises KeyProblem when another key locked them."""
        try:
            opened: dict[str, Any] = json.loads(self._fernet.decrypt(stored.encode()))
        except InvalidToken:
            raise KeyProblem("key_is_another") from None
        return opened


def read_key(file: Path, from_environment: str | None) -> str:
    """The key or keys, from the environment first. Raises KeyProblem when there is none."""
    if from_environment:
        return from_environment
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise KeyProblem("key_missing", file) from None


def write_key(file: Path) -> None:
    """Write a fresh key that only its owner may read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(Fernet.generate_key())


class Accounts:
    """Opens publishers for channels, with their tokens renewed under a lock in the database."""

    def __init__(self, begin: Begin, clock: Clock, vault: Vault, endpoint_of: Callable[[str], Endpoint]) -> None:
        self._begin = begin
        self._clock = clock
        self._vault = vault
        self._endpoint_of = endpoint_of
        # Renewed tokens that could not be stored, and the credentials that they replace: the network knows only these.
        self._unsaved: dict[int, tuple[str, str]] = {}
        self._opened_with: WeakKeyDictionary[Publisher, str] = WeakKeyDictionary()

    def version(self, channel_id: int) -> str:
        """A word that changes with the channel's tokens; "" where they age by themselves (OAuth 2.0), so that a
        publisher must be opened anew each time. Raises SignedOut when they can't be read."""
        with self._begin() as connection:
            row = connection.execute(select(channels).where(channels.c.id == channel_id)).one()
        return "" if "oauth2" in self._unlocked(row) else hashlib.sha256(row.credentials.encode()).hexdigest()

    def renew(self, channel_id: int, credentials: Mapping[str, Any], actor: str) -> None:
        """Replace a channel's tokens, as after a sign-out; `check` then asks the network about them."""
        with self._begin() as connection:
            name = self._row(connection, channel_id).name
            values = {"credentials": self._vault.lock(credentials)}
            connection.execute(update(channels).where(channels.c.id == channel_id).values(**values))
            now = ledger.now_of(connection, self._clock)
            ledger.unprove(connection, channel_id)
            ledger.note(connection, "channel_renewed", now, actor, detail={"channel": name})

    def publisher(self, channel_id: int) -> Publisher:
        """A publisher for the channel, tokens renewed where they need it. Raises an Outcome when that fails."""
        with self._begin() as connection:
            row = self._row(connection, channel_id)
        if "oauth2" not in self._unlocked(row):
            return self._open(row)
        with self._refreshing(channel_id):
            self._save_what_was_kept(channel_id)
            with self._begin() as connection:
                row = self._row(connection, channel_id)
            publisher = self._open(row)
            self._opened_with[publisher] = row.credentials
            publisher.refresh(lambda tokens: self._save(channel_id, publisher, tokens))
        return publisher

    def refresh_rejected(self, channel_id: int, publisher: Publisher) -> bool:
        """Renew the tokens of a publisher that the network has just rejected; False where they can't be renewed.

        Raises an Outcome when that fails, Unreachable also when another worker has renewed them since: they are to be
        taken up by opening the channel anew.
        """
        replaced = self._opened_with.get(publisher)
        if replaced is None:
            return False
        with self._refreshing(channel_id):
            with self._begin() as connection:
                row = self._row(connection, channel_id)
            if row.credentials != replaced:
                raise Unreachable("refresh_busy", "another worker has renewed the tokens of this channel")
            publisher.refresh(lambda tokens: self._save(channel_id, publisher, tokens))
        return self._opened_with[publisher] != replaced

    @contextmanager
    def _refreshing(self, channel_id: int) -> Iterator[None]:
        """One renewal at a time over all machines: a refresh token works once (X fact sheet, section 2)."""
        name, holder = f"refresh:{channel_id}", uuid.uuid4().hex
        for _ in range(REFRESH_TRIES):
            with self._begin() as connection:
                now = ledger.now_of(connection, self._clock)
                taken = ledger.take_lease(connection, name, holder, now, REFRESH_LEASE)
            if taken:
                break
            threading.Event().wait(REFRESH_PAUSE)
        else:
            raise Unreachable("refresh_busy", "another worker renews the tokens of this channel")
        try:
            yield
        finally:
            with self._begin() as connection:
                ledger.drop_lease(connection, name, holder)

    def _row(self, connection: Connection, channel_id: int) -> Row[Any]:
        return connection.execute(select(channels).where(channels.c.id == channel_id).with_for_update()).one()

    def _unlocked(self, row: Row[Any]) -> dict[str, Any]:
        try:
            return self._vault.unlock(row.credentials)
        except KeyProblem as problem:
            raise SignedOut("key_does_not_fit", str(problem)) from None

    def _open(self, row: Row[Any]) -> Publisher:
        credentials = self._unlocked(row)
        try:
            return self._opened(row, credentials)
        except CredentialsError as error:
            raise SignedOut("token_invalid", str(error)) from None

    def _opened(self, row: Row[Any], credentials: dict[str, Any]) -> Publisher:
        return open_publisher(row.network, row.account, credentials, self._endpoint_of(row.api_base), self._clock)

    def _save(self, channel_id: int, publisher: Publisher, tokens: dict[str, Any]) -> None:
        """Store renewed tokens before they are used: the network has already forgotten the old ones. While that
        fails, they are kept here, and stored before the channel is opened the next time."""
        locked = self._vault.lock(tokens)
        self._unsaved[channel_id] = (self._opened_with[publisher], locked)
        try:
            self._save_what_was_kept(channel_id)
        except Exception:
            logger.error(
                "the renewed tokens of channel %s can't be stored; the channel waits until they are", channel_id
            )
            raise
        self._opened_with[publisher] = locked

    def _save_what_was_kept(self, channel_id: int) -> None:
        """Nothing where a person has connected the channel with other credentials since."""
        if channel_id not in self._unsaved:
            return
        replaced, locked = self._unsaved[channel_id]
        insist(self._begin, self._clock, lambda connection: self._store(connection, channel_id, replaced, locked))
        del self._unsaved[channel_id]

    @staticmethod
    def _store(connection: Connection, channel_id: int, replaced: str, locked: str) -> None:
        connection.execute(
            update(channels)
            .where(channels.c.id == channel_id, channels.c.credentials == replaced)
            .values(credentials=locked)
        )

    def check(self, channel_id: int) -> list[str]:
        """Ask the network who the channel is and store what it says; returns the problems, each one a reason's word."""
        try:
            account = self._asked(channel_id)
        except Outcome as outcome:
            account = Account("", "", problems=(outcome.reason,))
        return self._store_check(channel_id, account)

    def _asked(self, channel_id: int) -> Account:
        """Who the channel is; a token that the network rejects is renewed once before that is believed."""
        publisher = self.publisher(channel_id)
        try:
            return publisher.check()
        except SignedOut:
            if not self.refresh_rejected(channel_id, publisher):
                raise
        return publisher.check()

    def _store_check(self, channel_id: int, account: Account) -> list[str]:
        with self._begin() as connection:
            row = self._row(connection, channel_id)
            problems = list(account.problems)
            if account.id and account.id != row.account:
                problems.append("other_account")
            values: dict[str, Any] = {"problems": problems, "checked_at": ledger.now_of(connection, self._clock)}
            if account.id:
                values |= {"account_name": account.name, "token_expires": account.token_expires, "signed_out": None}
            connection.execute(update(channels).where(channels.c.id == channel_id).values(**values))
        return problems


def add_channel(
    connection: Connection,
    vault: Vault,
    *,
    name: str,
    network: str,
    account: str,
    api_base: str,
    world: str,
    credentials: Mapping[str, Any],
    now: datetime,
    actor: str,
) -> int:
    """Store a channel. Its world is written down here and never changes. Raises KeyError for an unknown network."""
    traits = NETWORKS[network]
    channel_id: int = connection.execute(
        insert(channels)
        .values(
            name=name,
            network=traits.name,
            account=account,
            api_base=api_base,
            world=world,
            credentials=vault.lock(credentials),
            created_at=now,
        )
        .returning(channels.c.id)
    ).scalar_one()
    ledger.note(connection, "channel_added", now, actor, detail={"channel": name, "network": network, "world": world})
    return channel_id
