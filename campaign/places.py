"""Places as plain values, and the comparison of a portal's whole list with what is known of it."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from urllib.parse import urlsplit


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


GONE = ("deleted", "trash", "draft", "scheduled", "private", "password", "expired", "moved", "hidden")
"""Why a portal no longer shows a place: taken out for good, thrown away, back to a draft, its time not come, for some
readers only, behind a password, its time over, somewhere else, or anything else that hides it."""


@dataclass(frozen=True)
class Rejected:
    """A row that could not become a place, and why, as a reason of `news`. `external_id` is "?" where it has none."""

    external_id: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """A portal's whole list as one snapshot shows it.

    `seen` counts all rows, `places` holds each external id once, `rejected` the rows set aside. `same` are the ids
    of rows that are what they were when they were last read, `digests` the fingerprints of the others' rows. `gone`
    tells of ids that were asked for why they are not in the list (a word of GONE).
    """

    places: tuple[Place, ...]
    rejected: tuple[Rejected, ...]
    seen: int
    same: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What is stored of one place of the portal.

    `missing_polls` counts successful polls in a row that did not show it; whoever stores a comparison sets it
    back to 0 for every place that was seen. `held` means it came in a burst and waits for a person. By address, or
    by name and town, a place that was created anew under another id is recognised. `digest` is the fingerprint of
    its row, by which the next poll sees that nothing changed; empty when that must be looked at anew.
    """

    fingerprint: str
    withdrawn: bool = False
    missing_polls: int = 0
    held: bool = False
    url: str = ""
    name: str = ""
    town: str = ""
    digest: str = ""


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
    """A new place that waits for a person, and why, as a reason of `news`."""

    place: Place
    reason: str


@dataclass(frozen=True)
class Comparison:
    """What a reading means for what is known; every known or read place is in exactly one class.

    `new`, `changed`, `returned` and `held` hold places; the other classes hold external ids: `unchanged`;
    `missing_once` (absent, but not often enough to be gone); `withdrawn` (gone or withdrawn with this pull);
    `gone` (was withdrawn before and still is); `unreadable` (known, but its row was rejected: nothing follows);
    `hidden` (never shown so far and not shown now: it will be new once the portal shows it).
    `stopped` is the reason (of `news`) why nothing of the list was taken over; all classes are empty then.
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
    unreadable = {row.external_id for row in reading.rejected} - seen.keys() - reading.same
    stopped = "" if accept else _loss(known, reading, unreadable, rules)
    if stopped:
        return Comparison(stopped=stopped)
    classes: dict[str, list[str]] = defaultdict(list)
    for key in reading.same:
        classes["gone" if known[key].withdrawn else "unchanged"].append(key)
    for key in (one for one in {**seen, **known} if one not in reading.same):
        polls = 1 if accept else rules.polls
        classes[_class(known.get(key), seen.get(key), key in unreadable, polls)].append(key)
    fresh, waiting = ([seen[key] for key in classes[name]] for name in ("fresh", "waiting"))
    if accept:
        held: list[Held] = []
    else:
        held = [Held(place, "place_waits") for place in waiting]
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


def _loss(known: Mapping[str, Known], reading: Reading, unreadable: set[str], rules: Guards) -> str:
    """Why this list must not be believed; empty when it may."""
    live = _live(known)
    if live and reading.seen == 0:
        return f"portal_list_empty:{len(live)}"
    shown = {place.external_id for place in reading.places if not place.withdrawn} | reading.same
    lost = len(live - unreadable - shown)
    if lost > max(rules.loss, rules.loss_share * len(live)):
        return f"portal_list_short:{lost}/{len(live)}"
    return ""


def _doubted(known: Mapping[str, Known], fresh: list[Place], first_pull: bool, rules: Guards) -> list[Held]:
    """Those of the fresh places that a person must look at before they are announced."""
    if not fresh:
        return []
    if not first_pull and len(fresh) > max(rules.burst, rules.burst_share * len(_live(known))):
        return [Held(place, f"place_in_burst:{len(fresh)}") for place in fresh]
    addresses = {entry.url for entry in known.values() if entry.url}
    names = {_namesake_key(entry.name, entry.town) for entry in known.values()} - {None}
    held = []
    for place in fresh:
        if place.url in addresses:
            reason = "place_known_elsewhere"
        elif _namesake_key(place.name, place.town) in names:
            reason = "place_namesake"
        else:
            continue
        held.append(Held(place, reason))
    return held


# One place in two portals

NEAR_KM = 1.0
"""Portals name one place's town differently, and its position only roughly."""
_LEGAL_FORMS = frozenset({"ev", "eg", "gmbh", "ggmbh", "gbr", "ug", "kg"})
_OF_TOWNS = frozenset({"hansestadt", "stadt", "gemeinde", "einheitsgemeinde", "flecken", "ot", "ortsteil"})


def same_place(one: Place, other: Place) -> bool:
    """Whether two portals show the same place: at one address, or by one name in one town or at one spot."""
    if _address(one.url) == _address(other.url):
        return True
    if _words(one.name) - _LEGAL_FORMS != _words(other.name) - _LEGAL_FORMS:
        return False
    towns = (_words(one.town) - _OF_TOWNS, _words(other.town) - _OF_TOWNS)
    # »Klötze, OT Kunrau« and »Kunrau« are one town to those who live there.
    return (all(towns) and (towns[0] <= towns[1] or towns[1] <= towns[0])) or _near(one, other)


def _namesake_key(name: str, town: str) -> tuple[str, str] | None:
    """Equal for two rows of one portal that stand for one place; None where the town is not known."""
    words, of_town = sorted(_words(name)), sorted(_words(town) - _OF_TOWNS)
    return (" ".join(words), " ".join(of_town)) if words and of_town else None


def _words(text: str) -> frozenset[str]:
    """The words of a name as they compare: without case, accents and punctuation; ß is ss, "e. V." is ev."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace("e. v.", "ev").replace(".", ""))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return frozenset(re.findall(r"\w+", plain))


def _address(url: str) -> tuple[str, str, str]:
    """What of an address tells two pages apart."""
    parts = urlsplit(url)
    return (parts.netloc.casefold().removeprefix("www."), parts.path.rstrip("/"), parts.query)


def _near(one: Place, other: Place) -> bool:
    """Whether both positions are known and at most NEAR_KM apart (haversine formula, mean radius of the earth)."""
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return False
    north = math.radians(other.lat - one.lat) / 2
    east = math.radians(other.lon - one.lon) / 2
    across = math.cos(math.radians(one.lat)) * math.cos(math.radians(other.lat))
    return 2 * 6371.0 * math.asin(math.sqrt(math.sin(north) ** 2 + across * math.sin(east) ** 2)) <= NEAR_KM
