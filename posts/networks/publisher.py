"""What every network must be able to do, in the engine's words. One conformance suite holds all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from posts.drafts import Draft, Receipt, RemotePost


@dataclass(frozen=True)
class Endpoint:
    """Where and how patiently a network is asked. Time-outs in seconds; `api_base` without trailing slash."""

    api_base: str
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    graph_version: str = "v26.0"


@dataclass(frozen=True)
class Limits:
    """What fits into one post.

    `text` counts in the network's own unit (X: weighted length of twitter-text v3; Facebook: characters);
    `link_length` is what any link costs there, None when it costs its own length; `image_bytes` is the
    largest file, `image_types` the accepted Pillow format names, `image_side` the longest edge in pixels.
    """

    text: int
    link_length: int | None
    images: int
    image_bytes: int
    image_types: tuple[str, ...]
    image_side: int
    alt_text: int


@dataclass(frozen=True)
class Account:
    """The account behind a channel as the network knows it. `problems` are sentences' keys with detail."""

    id: str
    name: str
    token_expires: datetime | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """A draft whose pictures are uploaded and invisible; nothing public has happened yet."""

    draft: Draft
    media: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """Posts of our own in the window that could be this draft (marker or normalised text matches)."""

    posts: tuple[RemotePost, ...]


@dataclass(frozen=True)
class Absent:
    """The time-line was read completely back to `since`, and no such post is in it."""

    since: datetime


@dataclass(frozen=True)
class Blind:
    """The time-line could not be read completely; nothing follows from what was seen."""

    reason: str
    detail: str = ""


Sighting = Found | Absent | Blind
SaveTokens = Callable[[dict[str, Any]], None]


class Publisher(Protocol):
    """One account on one network. Not thread-safe: one publisher per channel and sender."""

    limits: Limits

    def check(self) -> Account:
        """Ask the network who we are and whether we may post. Raises SignedOut, Throttled, Unreachable or Unclear."""

    def refresh(self, save: SaveTokens) -> None:
        """Renew tokens that need it; `save` stores the new ones before they are used. Raises as `check`."""

    def prepare(self, draft: Draft) -> Prepared:
        """Upload pictures, unseen by anybody; may be repeated freely. Raises Refused, Throttled, SignedOut,
        Unreachable; Unclear here means only that this upload failed."""

    def publish(self, prepared: Prepared) -> Receipt:
        """The one visible call. Raises Refused, Throttled, SignedOut or Unreachable when surely nothing was
        published, Unclear for everything else."""

    def find(self, draft: Draft, since: datetime) -> Sighting:
        """Look for this draft among what the account published since that instant. Never raises an Outcome."""

    def correct(self, remote_id: str, text: str) -> None:
        """Change the text of a published post. Raises Refused(\"not_editable\") where the network has no editing."""

    def delete(self, remote_id: str) -> None:
        """Take a published post away; one that is gone already is fine. Raises Refused and the others."""


@dataclass(frozen=True)
class NetworkTraits:
    """What a page or planner may know of a network without an account."""

    name: str
    limits: Limits
    live_base: str
    sandbox_path: str
    publisher: Callable[[str, dict[str, Any], Endpoint], Publisher] = field(repr=False)
