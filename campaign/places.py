"""Places as plain values, and the comparison of a portal's whole list with what is known of it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
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


@dataclass(frozen=True)
class Reading:
    """A portal's whole list as one snapshot shows it.

    `seen` counts all rows, `places` holds each external id once, `rejected` the rows set aside.
    """

    places: tuple[Place, ...]
    rejected: tuple[Rejected, ...]
    seen: int


@dataclass(frozen=True)
class Known:
    """What is stored of one place of the portal.

    `missing_polls` counts successful polls in a row that did not show it; whoever stores a comparison sets it
    back to 0 for every place that was seen. `held` means it came in a burst and waits for a person. `url` is
    its address, by which a place that was created anew under another id is recognised.
    """

    fingerprint: str
    withdrawn: bool = False
    missing_polls: int = 0
    held: bool = False
    url: str = ""


@dataclass(frozen=True)
class Guards:
    """When a list is doubted, since a wrong one would post or cancel in bulk.

    More new places than both `burst` and `burst_share` of the known ones are held for a person; a loss of more
    than both `loss` places and `loss_share` of the known ones stops the pull; a place is gone after it was
    missing in `polls` successful polls in a row.
    """

    burst: int = 10
    burst_share: float = 0.2
    loss: int = 3
    loss_share: float = 0.2
    polls: int = 2


@dataclass(frozen=True)
class Held:
    """A new place that waits for a person, and why, for staff to read."""

    place: Place
    reason: str


@dataclass(frozen=True)
class Comparison:
    """What a reading means for what is known; every known or read place is in exactly one class.

    `new`, `changed`, `returned` and `held` hold places; the other classes hold external ids: `unchanged`;
    `missing_once` (absent, but not often enough to be gone); `withdrawn` (gone or withdrawn with this pull);
    `gone` (was withdrawn before and still is); `unreadable` (known, but its row was rejected: nothing follows);
    `hidden` (never shown so far and not shown now: it will be new once the portal shows it).
    `stopped` is the reason, for staff to read, why nothing of the list was taken over; all classes are empty then.
    """

    new: tuple[Place, ...] = ()
    changed: tuple[Place, ...] = ()
    returned: tuple[Place, ...] = ()
    held: tuple[Held, ...] = ()
    unchanged: tuple[str, ...] = ()
    missing_once: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    stopped: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """The numbers that `kreativorte pull --json` prints."""
        return {
            "new": len(self.new),
            "changed": len(self.changed),
            "unchanged": len(self.unchanged),
            "withdrawn": len(self.withdrawn),
            "returned": len(self.returned),
            "held": len(self.held),
        }


def compare(
    known: Mapping[str, Known], reading: Reading, *, first_pull: bool, accept: bool, rules: Guards | None = None
) -> Comparison:
    """What the reading means. Pure: nothing is stored, `known` is keyed by external id.

    The first pull of a portal is never a burst. `accept` is a person's word for this list: held places become
    new, a large loss passes, and what is missing is withdrawn at once, so that nobody is asked twice.
    """
    rules = rules or Guards()
    seen = {place.external_id: place for place in reading.places}
    unreadable = {row.external_id for row in reading.rejected} - seen.keys()
    stopped = "" if accept else _loss(known, seen, unreadable, reading.seen, rules)
    if stopped:
        return Comparison(stopped=stopped)
    classes: dict[str, list[str]] = defaultdict(list)
    for key in {**seen, **known}:
        polls = 1 if accept else rules.polls
        classes[_class(known.get(key), seen.get(key), key in unreadable, polls)].append(key)
    fresh, waiting = ([seen[key] for key in classes[name]] for name in ("fresh", "waiting"))
    if accept:
        held: list[Held] = []
    else:
        held = [Held(place, "Der Ort wartet noch auf eine Entscheidung.") for place in waiting]
        held += _doubted(known, fresh, first_pull, rules)
    kept_back = {entry.place.external_id for entry in held}
    return Comparison(
        new=tuple(place for place in (*fresh, *waiting) if place.external_id not in kept_back),
        changed=tuple(seen[key] for key in classes["changed"]),
        returned=tuple(seen[key] for key in classes["returned"]),
        held=tuple(held),
        unchanged=tuple(classes["unchanged"]),
        missing_once=tuple(classes["missing_once"]),
        withdrawn=tuple(classes["withdrawn"]),
        gone=tuple(classes["gone"]),
        unreadable=tuple(classes["unreadable"]),
        hidden=tuple(classes["hidden"]),
    )


def _class(entry: Known | None, place: Place | None, unreadable: bool, polls: int) -> str:
    """The one class of a place; "fresh" and "waiting" become new or held. A place that was held was never announced."""
    if place is None:
        return _class_of_absent(entry or Known(""), unreadable, polls)
    if entry is None:
        return "hidden" if place.withdrawn else "fresh"
    if place.withdrawn:
        return "gone" if entry.withdrawn else "withdrawn"
    if entry.held:
        return "waiting"
    if entry.withdrawn:
        return "returned"
    return "unchanged" if entry.fingerprint == place.fingerprint else "changed"


def _class_of_absent(entry: Known, unreadable: bool, polls: int) -> str:
    if unreadable:
        return "unreadable"
    if entry.withdrawn:
        return "gone"
    return "withdrawn" if entry.missing_polls + 1 >= polls else "missing_once"


def _live(known: Mapping[str, Known]) -> set[str]:
    """Known places that may have announcements: neither withdrawn nor waiting for a person."""
    return {key for key, entry in known.items() if not entry.withdrawn and not entry.held}


def _loss(known: Mapping[str, Known], seen: Mapping[str, Place], unreadable: set[str], rows: int, rules: Guards) -> str:
    """Why this list must not be believed; empty when it may."""
    live = _live(known)
    if live and rows == 0:
        return f"Das Portal liefert eine leere Liste, bekannt sind {len(live)} Orte; es wurde nichts übernommen."
    lost = sum(1 for key in live - unreadable if key not in seen or seen[key].withdrawn)
    if lost > max(rules.loss, rules.loss_share * len(live)):
        return f"In der Liste des Portals fehlen {lost} von {len(live)} Orten; es wurde nichts übernommen."
    return ""


def _doubted(known: Mapping[str, Known], fresh: list[Place], first_pull: bool, rules: Guards) -> list[Held]:
    """Those of the fresh places that a person must look at before they are announced."""
    if not first_pull and len(fresh) > max(rules.burst, rules.burst_share * len(_live(known))):
        return [Held(place, f"Das Portal zeigt {len(fresh)} neue Orte auf einmal.") for place in fresh]
    addresses = {entry.url for entry in known.values() if entry.url}
    reason = "Ein Ort mit derselben Adresse ist schon bekannt, unter einer anderen Kennung."
    return [Held(place, reason) for place in fresh if place.url in addresses]
