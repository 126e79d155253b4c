"""How a row of a portal's database becomes a place, or is set aside with a reason.

Dates come as text or seconds, lists in one value, numbers with a comma, nothing as zero. No content of a row raises
anything.
"""

from __future__ import annotations

import hashlib
import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from campaign.places import Picture, Place, Reading, Rejected
from campaign.portals.markup import MOST_CHARACTERS, as_text, opening, plain_line, plain_text, visible
from campaign.portals.php import php_array

# Characters that are kept of each value; longer ones are cut at a word.
_ID, _NAME, _TOWN, _TEASER, _BODY, _ALT, _CREDIT, _ITEM = 200, 300, 200, 2_000, 20_000, 1_000, 300, 200
_ITEMS = 50  # entries of a list
_URL = 2_048
_SHOWN = 80  # of a bad value that a reason quotes


ROW_DIGEST = "row_digest"
"""The column in which a database answers a row's fingerprint, where it can make one."""


def reading(portal: str, rows: Iterable[Mapping[Any, Any]], known: Mapping[str, str] = MappingProxyType({})) -> Reading:
    """All rows of one snapshot as places and rejected rows. Of rows with the same id the first one counts.

    `known` holds the digests of rows that were read before, by external id: a row that is still the same is not
    taken apart again.
    """
    places: dict[str, Place] = {}
    digests: dict[str, str] = {}
    same: set[str] = set()
    rejected: list[Rejected] = []
    seen = 0
    for row in rows:
        seen += 1
        key, digest = identity(row.get("id")), digest_of(row)
        if key in places or key in same:
            rejected.append(Rejected(key, f"row_id_repeated:{key}"))
        elif known.get(key) == digest:
            same.add(key)
        else:
            result = place_from_row(portal, row)
            if isinstance(result, Place):
                places[key], digests[key] = result, digest
            else:
                rejected.append(result)
    return Reading(tuple(places.values()), tuple(rejected), seen, frozenset(same), digests)


# What is made of a row may differ from release to release.
_RELEASE = version("kreativorte-kampagnen")


def digest_of(row: Mapping[Any, Any]) -> str:
    """A fingerprint of the row as the database has it, and of the release that reads it."""
    digest = row.get(ROW_DIGEST)
    if digest is None:
        values = repr(tuple(row.values())).encode(errors="surrogatepass")
        digest = hashlib.blake2b(values, digest_size=16).hexdigest()
    return f"{_RELEASE}:{as_text(digest)}"


def place_from_row(portal: str, row: Mapping[str, object]) -> Place | Rejected:
    """The place that a row (by field name, see FIELDS) describes, or why it describes none.

    Id, name, address, publication date and a readable `withdrawn` are needed. Of the other fields, what can't
    be read is left out: half a pair of coordinates, a broken picture address, an invalid handle.
    """
    key = identity(row.get("id"))
    if not key:
        return Rejected("?", "row_without_id")
    name = plain_line(row.get("name"), _NAME)
    url = _http_url(row.get("url"))
    published = _instant(row.get("published_at"))
    withdrawn = _truth(row.get("withdrawn"))
    if not name or url is None or published is None or withdrawn is None:
        return Rejected(key, _reason(row, name, url, published))
    body = plain_text(row.get("body"), _BODY)
    lat, lon = _coordinates(row.get("lat"), row.get("lon"))
    return Place(
        portal=portal,
        external_id=key,
        name=name,
        url=url,
        published_at=published,
        regions=_items(row.get("regions")),
        town=_line(row.get("town"), _TOWN),
        categories=_items(row.get("categories")),
        hashtags=_items(row.get("hashtags")),
        teaser=plain_text(row.get("teaser"), _TEASER) or opening(row.get("body"), body, _TEASER),
        body=body,
        pictures=_pictures(row),
        handle_x=_handle(row.get("handle_x"), _X_HANDLE),
        handle_facebook=_handle(row.get("handle_facebook"), _FACEBOOK_HANDLE),
        lat=lat,
        lon=lon,
        updated_at=_instant(row.get("updated_at")),
        withdrawn=withdrawn,
    )


def _reason(row: Mapping[str, object], name: str, url: str | None, published: datetime | None) -> str:
    """The first thing that is wrong with a row, in the order in which staff would look."""
    if not name:
        return "row_without_name"
    if url is None:
        shown = plain_line(row.get("url"), _SHOWN)
        return f"row_url_invalid:{shown}" if shown else "row_without_url"
    if published is None:
        shown = plain_line(row.get("published_at"), _SHOWN)
        if not shown or _is_no_date(shown):
            return "row_without_date"
        return f"row_date_unreadable:{shown}"
    shown = plain_line(row.get("withdrawn"), _SHOWN)
    return f"row_withdrawn_unreadable:{shown}"


# Single values


def identity(value: object) -> str:
    """The external id that a value stands for; empty for one that can't be one."""
    text = " ".join(visible(as_text(value)).split())
    return text if len(text) <= _ID else ""


def _http_url(value: object) -> str | None:
    """An http(s) address, characters that don't belong there percent-encoded; None for anything else.

    What is encoded already stays as it is; entities, as WordPress writes them into addresses, are decoded.
    """
    text = html.unescape(as_text(value)[: _URL + 1].strip())
    if len(text) > _URL or visible(text) != text or re.search(r"[\s\\]", text.replace(" ", "")):
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or " " in parts.netloc or "@" in parts.netloc:
        return None
    if port == 0:
        return None
    encoded = quote(text[len(parts.scheme) + 3 + len(parts.netloc) :], safe="/?#%:@!$&'()*+,;=~-._[]")
    return f"{parts.scheme.lower()}://{parts.netloc}{encoded}"


def _is_no_date(text: str) -> bool:
    """MySQL's zero date, and 0 where a CMS counts seconds: no date was ever set."""
    return not _ZONE.sub("", text).strip("0-: .TZ")


# A local time with its zone, as RFC 9557 writes it: 2026-07-01T10:00:00[Europe/Berlin].
_ZONE = re.compile(r"\[([A-Za-z][\w+/-]{0,60})\]$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_MILLISECONDS = 10**11  # seconds since 1970 stay below this until the year 5138


def _instant(value: object) -> datetime | None:
    """An instant in UTC; without a zone the value is UTC. Numbers are seconds (or milliseconds) since 1970.

    A zone's name in brackets behind a text makes it that zone's local time.
    """
    try:
        instant = _read_instant(value)
        if instant is None:
            return None
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        return instant if _EARLIEST <= instant < _LATEST else None
    except (ValueError, OverflowError, KeyError, OSError):
        return None


def _read_instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool):
        return None
    text = as_text(value).strip()
    if re.fullmatch(r"-?\d{9,14}(\.\d+)?", text) or isinstance(value, int | float):
        seconds = float(text)
        return _EPOCH + timedelta(seconds=seconds / 1000 if seconds >= _MILLISECONDS else seconds)
    zoned = _ZONE.search(text)
    if zoned is None:
        return datetime.fromisoformat(text) if text else None
    # A time that a change to summer time skips is read as the one an hour later, a doubled one as the first.
    return datetime.fromisoformat(text[: zoned.start()].strip()).replace(tzinfo=ZoneInfo(zoned[1]))


_YES = frozenset({"1", "t", "true", "y", "yes", "on", "j", "ja", "wahr", "\x01"})
_NO = frozenset({"0", "f", "false", "n", "no", "off", "nein", "falsch", "", "\x00"})


def _truth(value: object) -> bool | None:
    """Yes or no as databases write them (MySQL's BIT comes as a byte); NULL is no; None where it is neither."""
    text = as_text(value).lower()
    text = text if text in _YES | _NO else text.strip().removesuffix(".0")
    if text in _YES:
        return True
    return False if text in _NO else None


def _coordinates(lat: object, lon: object) -> tuple[float | None, float | None]:
    """Degrees north and east, both or none. 0, 0 is what forms write when nobody filled them in."""
    north, east = _number(lat), _number(lon)
    if north is None or east is None or abs(north) > 90 or abs(east) > 180 or (north, east) == (0.0, 0.0):
        return None, None
    return north, east


def _number(value: object) -> float | None:
    """A number, also with a decimal comma."""
    if isinstance(value, bool):
        return None
    try:
        number = float(as_text(value).strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


# X: https://help.x.com/en/managing-your-account/x-username-rules; Facebook: letters, digits and full stops.
_X_HANDLE = re.compile(r"\w{1,15}", re.ASCII)
_FACEBOOK_HANDLE = re.compile(r"[\w.-]{1,80}", re.ASCII)


def _handle(value: object, allowed: re.Pattern[str]) -> str:
    """An account's name without @, also taken from the address of its profile; empty where it is none."""
    text = plain_line(value, _ITEM)
    name = text.split("?")[0].rstrip("/").rsplit("/", 1)[-1].removeprefix("@")
    return name if allowed.fullmatch(name) else ""


def _line(value: object, limit: int) -> str:
    """One line of text; of a list that PHP wrote, its first entry."""
    listed = php_array(as_text(value)[:MOST_CHARACTERS])
    return plain_line(value if listed is None else next(iter(listed), ""), limit)


def _items(value: object) -> tuple[str, ...]:
    """A list out of an array, a JSON or PHP array, or a text separated by ';' or U+001F; each entry once, in order."""
    entries = (plain_line(entry, _ITEM) for entry in _split(value) if isinstance(entry, str | bytes | int | float))
    return tuple(dict.fromkeys(entry for entry in entries if entry))[:_ITEMS]


def _split(value: object) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    text = as_text(value)[:MOST_CHARACTERS]
    if "\x1f" in text:
        return text.split("\x1f")
    text = text.strip()
    listed = _json_array(text) if text.startswith("[") else php_array(text)
    if listed is not None:
        return listed
    # Entities are decoded first: their semicolon separates nothing.
    return html.unescape(text).split(";")


def _json_array(text: str) -> list[Any] | None:
    if not text.startswith("["):
        return None
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return listed if isinstance(listed, list) else None


def _pictures(row: Mapping[str, object]) -> tuple[Picture, ...]:
    """The place's picture, then the further ones; each address once."""
    described = [{"url": row.get("image_url"), "alt": row.get("image_alt"), "credit": row.get("image_credit")}]
    images = row.get("images")
    described += (images if isinstance(images, list) else _json_array(as_text(images)[:MOST_CHARACTERS].strip())) or []
    pictures: dict[str, Picture] = {}
    for entry in described[: _ITEMS + 1]:
        url = _picture_url(entry.get("url")) if isinstance(entry, dict) else None
        if url is not None:
            picture = Picture(url, _line(entry.get("alt"), _ALT), _line(entry.get("credit"), _CREDIT))
            pictures.setdefault(url, picture)
    return tuple(pictures.values())


def _picture_url(value: object) -> str | None:
    """An http(s) address, or a relative path that can't leave the folder it is below."""
    text = as_text(value)[: _URL + 1].strip()
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        return _http_url(text)
    if not text or len(text) > _URL or visible(text) != text or "\n" in text or "\\" in text:
        return None
    inside = not text.startswith("/") and ".." not in text.split("/")
    return text if inside else None
