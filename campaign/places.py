"""Places as plain values: what a portal shows of one Kreativort, checked and in plain text."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True)
class Picture:
    """A picture as the portal names it: an http(s) URL, or a path below the portal's image_root."""

    url: str
    alt: str = ""
    credit: str = ""


@dataclass(frozen=True)
class Place:
    """One creative place. Texts are plain (no HTML, entities or shortcodes), times aware and in UTC.

    `portal` and `external_id` together are its identity. `withdrawn` means the portal no longer shows it.
    """

    portal: str
    external_id: str
    name: str
    url: str
    published_at: datetime
    regions: tuple[str, ...] = ()
    town: str = ""
    categories: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    teaser: str = ""
    body: str = ""
    pictures: tuple[Picture, ...] = ()
    handle_x: str = ""
    handle_facebook: str = ""
    lat: float | None = None
    lon: float | None = None
    updated_at: datetime | None = None
    withdrawn: bool = False

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the fields that matter to a reader; the portal's own `updated_at` is not among them."""
        fields = asdict(self)
        del fields["updated_at"]
        return hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Rejected:
    """A row that could not become a place, and why, for staff to read. `external_id` is "?" where it has none."""

    external_id: str
    reason: str
