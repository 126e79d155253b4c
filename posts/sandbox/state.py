"""What the sandbox networks remember: accounts, tokens, pictures and posts, kept in one JSON file.

The file is written whole and put in place by one rename, so a reader or a restart never sees half of it.
Pictures lie beside it in a folder of the same name with `.media`. Without a file everything stays in memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TWITTER, FACEBOOK = "twitter", "facebook"
NETWORKS = (TWITTER, FACEBOOK)

MEDIA_LIFETIME = timedelta(hours=24)
"""How long an upload may wait to be published (X: `expires_after_secs` 86400; Facebook: about 24 hours)."""

_X_EPOCH_MS = 1288834974657  # X's snowflake ids count milliseconds from here
_GRAPH_ID_START = 122_100_000_000_000
_FORMAT = 1


@dataclass
class Account:
    """An X account or a Facebook Page. Secrets are there only where somebody registered them.

    `token` is the access token that was registered for it; `app_id` the app that uses it, "" where unknown.
    """

    network: str
    id: str
    name: str
    username: str
    token: str = ""
    access_token_secret: str = ""
    consumer_key: str = ""
    consumer_secret: str = ""
    client_id: str = ""
    client_secret: str = ""
    user_token: str = ""
    app_id: str = ""
    app_secret: str = ""
    tasks: tuple[str, ...] = ("ANALYZE", "CREATE_CONTENT", "MANAGE", "MODERATE")
    scopes: tuple[str, ...] = ()
    registered: bool = False


@dataclass
class Token:
    """A token the sandbox issued or saw, known by the SHA-256 of its text. `expires_at` None: never.

    `kind` is "access", "refresh", "spent" (a refresh token that was used up), "page" or "user".
    """

    digest: str
    network: str
    account: str
    kind: str
    expires_at: datetime | None = None
    app_id: str = ""


@dataclass
class Media:
    """An uploaded picture. `post` is the id of the post it was published with, "" before that."""

    id: str
    network: str
    account: str
    mime: str
    size: int
    width: int
    height: int
    created_at: datetime
    alt: str = ""
    caption: str = ""
    post: str = ""


@dataclass
class Post:
    """A post as the network accepted it. `text` is exactly what was sent; `link` the card's link on Facebook."""

    id: str
    network: str
    account: str
    text: str
    created_at: datetime
    link: str = ""
    media: tuple[str, ...] = ()
    published: bool = True
    reply_to: str = ""
    app_id: str = ""
    updated_at: datetime | None = None
    deleted_at: datetime | None = None


Record = Account | Token | Media | Post
_KINDS: dict[str, type[Record]] = {"account": Account, "token": Token, "media": Media, "post": Post}


class StateFileUnusable(Exception):
    """The state file is there but can't be read as one; the sentence says which and why."""


class State:
    """Everything the networks remember. All methods may be called from several threads."""

    def __init__(self, file: Path | None = None) -> None:
        """Reads `file` where it exists. Raises StateFileUnusable when it holds something else."""
        self._file = file
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        self._generation = self._written = 0
        # Never forgotten: a network gives no id twice, and our ledger relies on that.
        self._given: set[str] = set()
        self._graph_number = _GRAPH_ID_START
        self._clear()
        if file is not None and file.exists():
            self._read(file)

    def account(self, network: str, account_id: str) -> Account | None:
        """The account, if it has been used or registered."""
        with self._lock:
            return self._accounts.get((network, account_id))

    def accounts(self, network: str | None = None) -> list[Account]:
        """All accounts, of one network or of both, in the order in which they came."""
        with self._lock:
            return [a for a in self._accounts.values() if network in (None, a.network)]

    def meet(self, network: str, account_id: str) -> Account:
        """The account, which comes into being when it is met for the first time."""
        with self._lock:
            known = self._accounts.get((network, account_id))
            if known is None:
                name = f"Sandkasten {account_id}"
                known = Account(network, account_id, name, f"sandkasten_{account_id}"[:15])
                self.put_account(known)
            return known

    def put_account(self, account: Account) -> None:
        """Keep a new or changed account."""
        with self._lock:
            self._accounts[account.network, account.id] = account
            self._note(account)

    def put_token(self, token: Token) -> None:
        """Keep a new or changed token."""
        with self._lock:
            self._tokens[token.digest] = token
            self._note(token)

    def token(self, text: str) -> Token | None:
        """What is known of a token."""
        with self._lock:
            return self._tokens.get(digest(text))

    def add_media(self, media: Media, content: bytes) -> None:
        """Keep an upload, and forget those that nobody published in time."""
        with self._lock:
            self._forget_unpublished(media.created_at - MEDIA_LIFETIME)
            self._media[media.id] = media
            self._note(media)
            if self._file is None:
                self._content[media.id] = content
                return
        folder = self._media_folder()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / media.id).write_bytes(content)

    def media(self, media_id: str) -> Media | None:
        """An upload by its id."""
        with self._lock:
            return self._media.get(media_id)

    def put_media(self, media: Media) -> None:
        """Keep a changed upload (its alternative text, the post it went with)."""
        with self._lock:
            self._media[media.id] = media
            self._note(media)

    def drop_media(self, media_id: str) -> None:
        """Forget an upload and its bytes."""
        with self._lock:
            self._media.pop(media_id, None)
            self._content.pop(media_id, None)
            self._lines.pop(f"media {media_id}", None)
        if self._file is not None:
            (self._media_folder() / media_id).unlink(missing_ok=True)

    def media_of(self, network: str, account: str) -> list[Media]:
        """The account's uploads, newest first."""
        with self._lock:
            found = [m for m in self._media.values() if (m.network, m.account) == (network, account)]
        return sorted(found, key=lambda m: m.created_at, reverse=True)

    def content(self, media_id: str) -> bytes | None:
        """The picture's bytes. `media_id` must be one that `media` knows."""
        if self._file is None:
            return self._content.get(media_id)
        try:
            return (self._media_folder() / media_id).read_bytes()
        except FileNotFoundError:
            return None

    def add_post(self, post: Post) -> None:
        """Accept a post; its pictures are published with it."""
        with self._lock:
            self._keep_post(post)
            for media_id in post.media:
                media = self._media[media_id]
                media.post = post.id
                self._note(media)

    def put_post(self, post: Post) -> None:
        """Keep a changed post (edited, deleted)."""
        with self._lock:
            self._posts[post.id] = post
            self._note(post)

    def post(self, post_id: str) -> Post | None:
        """A post by its id, also a deleted one."""
        with self._lock:
            return self._posts.get(post_id)

    def posts(self) -> list[Post]:
        """Everything that was ever accepted, in the order of acceptance."""
        with self._lock:
            return list(self._posts.values())

    def posts_of(self, network: str, account: str) -> list[Post]:
        """What stands on the account, newest first; deleted posts are left out."""
        with self._lock:
            ids = self._by_account[network, account]
            found = [self._posts[i] for i in ids if self._posts[i].deleted_at is None]
        found.sort(key=lambda p: p.created_at)
        return found[::-1]

    def last_said(self, network: str, account: str, text: str) -> datetime | None:
        """When this very text was last accepted on the account, deleted posts included."""
        with self._lock:
            return self._said.get((network, account, text))

    def last_post(self, network: str, account: str) -> Post | None:
        """The account's most recently accepted post that still stands."""
        with self._lock:
            for post_id in reversed(self._by_account[network, account]):
                if self._posts[post_id].deleted_at is None:
                    return self._posts[post_id]
        return None

    def snowflake(self, now: datetime) -> str:
        """A new id of X: milliseconds since X's epoch, shifted by 22 bits, never given twice."""
        with self._lock:
            milliseconds = int(now.timestamp() * 1000)
            number = max(milliseconds - _X_EPOCH_MS, 1) << 22
            while str(number) in self._given:
                number += 1
            self._given.add(str(number))
            return str(number)

    def graph_number(self) -> int:
        """A new number for a Graph object, never given twice."""
        with self._lock:
            self._graph_number += 1
            return self._graph_number

    def reset(self) -> None:
        """Forget everything, the pictures included; only ids that were given are not given again."""
        with self._lock:
            self._clear()
        if self._file is not None:
            shutil.rmtree(self._media_folder(), ignore_errors=True)

    def persist(self) -> None:
        """Return once the file holds every change made so far; one write serves all who wait."""
        if self._file is None:
            return
        with self._lock:
            mine = self._generation
        with self._writing:
            if self._written >= mine:
                return
            with self._lock:
                generation, lines = self._generation, list(self._lines.values())
            _replace(self._file, lines)
            self._written = generation

    def _clear(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}
        self._tokens: dict[str, Token] = {}
        self._media: dict[str, Media] = {}
        self._content: dict[str, bytes] = {}
        self._posts: dict[str, Post] = {}
        self._by_account: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._said: dict[tuple[str, str, str], datetime] = {}
        self._lines: dict[str, str] = {}
        self._generation += 1

    def _keep_post(self, post: Post) -> None:
        self._posts[post.id] = post
        self._by_account[post.network, post.account].append(post.id)
        self._said[post.network, post.account, post.text] = post.created_at
        self._note(post)

    def _forget_unpublished(self, before: datetime) -> None:
        for media in [m for m in self._media.values() if not m.post and m.created_at < before]:
            self.drop_media(media.id)

    def _note(self, record: Record) -> None:
        # Each record is turned into JSON once, when it changes, so that writing the file is only a join.
        kind = type(record).__name__.lower()
        self._lines[_line_key(kind, record)] = json.dumps({kind: asdict(record)}, default=_iso, ensure_ascii=False)
        self._generation += 1

    def _media_folder(self) -> Path:
        if self._file is None:
            raise RuntimeError("a state without a file keeps its pictures in memory")
        return self._file.with_name(self._file.name + ".media")

    def _read(self, file: Path) -> None:
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            if document["format"] != _FORMAT:
                raise ValueError("it was written by another version")
            for entry in document["records"]:
                ((kind, fields),) = entry.items()
                self._take(_record(kind, fields))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise StateFileUnusable(f"{file} is not a state file of the sandbox: {problem}") from None
        self._written = self._generation

    def _take(self, record: Record) -> None:
        match record:
            case Account():
                self.put_account(record)
            case Token():
                self.put_token(record)
            case Media():
                self._given.add(record.id)
                self._count_graph_number(record.id)
                self.put_media(record)
            case Post():
                self._given.add(record.id)
                self._count_graph_number(record.id.rpartition("_")[2])
                self._keep_post(record)

    def _count_graph_number(self, text: str) -> None:
        if text.isdigit() and _GRAPH_ID_START < int(text) < 2 * _GRAPH_ID_START:
            self._graph_number = max(self._graph_number, int(text))


def digest(token: str) -> str:
    """By what a token is known without being kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _line_key(kind: str, record: Record) -> str:
    match record:
        case Account():
            return f"{kind} {record.network} {record.id}"
        case Token():
            return f"{kind} {record.digest}"
        case Media() | Post():
            return f"{kind} {record.id}"


def _record(kind: str, fields: dict[str, Any]) -> Record:
    times = ("created_at", "updated_at", "deleted_at", "expires_at")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    values |= {k: datetime.fromisoformat(values[k]) for k in times if values.get(k)}
    return _KINDS[kind](**values)


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _replace(file: Path, lines: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".new")
    # No fsync: the sandbox has to survive the death of its process, not a power cut.
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(f'{{"format": {_FORMAT}, "records": [\n')
        out.write(",\n".join(lines))
        out.write("\n]}\n")
    Path(name).replace(file)
