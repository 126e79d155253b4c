"""The frozen draft: exactly what one delivery sends, and nothing that could still change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

TEXT, CARD, PHOTO = "text", "card", "photo"


@dataclass(frozen=True)
class Image:
    """One picture, already verified, shrunk to the network's limits and stripped of metadata.

    `file` is an absolute path; `sha256` is the hex digest of its bytes at freezing; `alt` describes it
    for those who don't see it; `credit` names whose picture it is.
    """

    file: str
    alt: str
    credit: str
    sha256: str


@dataclass(frozen=True)
class Draft:
    """One post as it will be sent.

    `text` holds every character as sent, tracked link included where it stands in the text.
    `link` is the tracked link: on Facebook it becomes the card of a post without pictures; elsewhere it
    is only known to be in the text. `marker` is unique to the delivery and part of the link.
    """

    network: str
    text: str
    link: str | None = None
    images: tuple[Image, ...] = ()
    marker: str | None = None

    @property
    def kind(self) -> str:
        """What the network shows: a photo post, a link card or plain text."""
        if self.images:
            return PHOTO
        return CARD if self.link else TEXT

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Draft:
        """The draft that `to_json` wrote. Raises KeyError or TypeError for anything else."""
        return cls(
            network=value["network"],
            text=value["text"],
            link=value["link"],
            images=tuple(Image(**image) for image in value["images"]),
            marker=value["marker"],
        )


@dataclass(frozen=True)
class RemotePost:
    """A post as a network's time-line shows it. `text` and `links` as told by the network, entities unescaped;
    `own_app` is None where the network does not tell which app published it."""

    remote_id: str
    permalink: str
    created_at: datetime
    text: str
    links: tuple[str, ...] = ()
    images: int = 0
    own_app: bool | None = None


@dataclass(frozen=True)
class Receipt:
    """A known success. `server_time` is the network's own clock (its Date header), where it told it."""

    remote_id: str
    permalink: str
    server_time: datetime | None = None
