"""What all portals share: their configuration, their errors, and how a row of a database becomes a place.

Whatever a CMS keeps in its columns arrives here: HTML, entities, shortcodes, block comments, dates as text or
seconds, lists in one value. No content of a row raises anything: a row is a place, or rejected with a reason.
"""

from __future__ import annotations

import html
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bs4 import BeautifulSoup, ParserRejectedMarkup, Tag
from bs4.element import NavigableString, PreformattedString

from campaign.places import Picture, Place, Reading, Rejected
from campaign.settings import SettingsError, absolute_sqlite, parse_duration, suggestion

REQUIRED = ("id", "name", "url", "published_at")
FIELDS = (
    *REQUIRED,
    "regions",
    "town",
    "categories",
    "hashtags",
    "teaser",
    "body",
    "image_url",
    "images",
    "image_alt",
    "image_credit",
    "handle_x",
    "handle_facebook",
    "lat",
    "lon",
    "updated_at",
    "withdrawn",
)
_KEYS = ("url", "every", "image_root", "table", "query", "fields")
DEFAULT_EVERY = "5m"

# Characters that are kept of each value; longer ones are cut at a word.
_ID, _NAME, _TOWN, _TEASER, _BODY, _ALT, _CREDIT, _ITEM = 200, 300, 200, 2_000, 20_000, 1_000, 300, 200
_ITEMS = 50  # entries of a list
_URL = 2_048
_SHOWN = 80  # of a bad value that a reason quotes
_RAW = 200_000  # what is looked at of a text column, before cleaning


class PortalError(Exception):
    """A portal that can't be read; the message is one sentence for the person who runs it, without secrets."""


class PortalUnreachable(PortalError):
    """The database can't be reached or did not answer in time; trying again later may help (exit code 3)."""


class PortalMisconfigured(PortalError):
    """The configuration does not fit the database; the sentence names the table or field (exit code 2)."""


@dataclass(frozen=True)
class PortalConfig:
    """One portal as configured.

    `url` is an SQLAlchemy URL. Rows come from `table` (a table or view) or from `query` (a SELECT); exactly one
    is set. `fields` maps a place's field to an SQL expression over those rows. Relative image paths lie below
    `image_root`. `every` says how often the daemon pulls. `options` are the values of `:names` in query and
    expressions (a list for `IN :names`); any other colon is left as it stands. A CMS preset is a query, expressions
    and such options.
    """

    name: str
    url: str = field(repr=False)
    fields: Mapping[str, str]
    table: str = ""
    query: str = ""
    image_root: Path | None = None
    every: timedelta = timedelta(minutes=5)
    options: Mapping[str, Any] = field(default_factory=dict)


def portal_config(name: str, table: Mapping[str, Any], directory: Path) -> PortalConfig:
    """The portal of a `[portals.NAME]` table, relative paths taken from `directory`.

    Raises PortalMisconfigured with one sentence naming the portal and the key.
    """
    for key in table:
        if key not in _KEYS:
            raise _wrong(name, f"the key {key!r} is unknown{suggestion(key, _KEYS)}")
    url, source, query = (_text_key(name, table, key) for key in ("url", "table", "query"))
    if not url:
        raise _wrong(name, "url is missing; write an SQLAlchemy URL such as sqlite:///portal.db")
    if bool(source) == bool(query):
        raise _wrong(name, "give either table or query")
    root = _text_key(name, table, "image_root")
    return PortalConfig(
        name=name,
        url=absolute_sqlite(url, directory),
        fields=_field_expressions(name, table.get("fields", {})),
        table=source,
        query=query.rstrip().rstrip(";"),
        image_root=(directory / root).resolve() if root else None,
        every=_interval(name, table.get("every", DEFAULT_EVERY)),
    )


def _wrong(portal: str, problem: str) -> PortalMisconfigured:
    return PortalMisconfigured(f"portal {portal}: {problem}.")


def _text_key(portal: str, table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _wrong(portal, f"{key} must be a text")
    return value.strip()


def _interval(portal: str, value: object) -> timedelta:
    try:
        every = parse_duration(value)
    except SettingsError as error:
        raise _wrong(portal, f"every: {error}") from None
    if every <= timedelta(0):
        raise _wrong(portal, "every must be longer than nothing")
    return every


def _field_expressions(portal: str, fields: object) -> dict[str, str]:
    if not isinstance(fields, Mapping):
        raise _wrong(portal, "fields must be a table of SQL expressions")
    for key, expression in fields.items():
        if key not in FIELDS:
            raise _wrong(portal, f"the field {key!r} is unknown{suggestion(key, FIELDS)}")
        if not isinstance(expression, str) or not expression.strip():
            raise _wrong(portal, f"field {key!r} must be an SQL expression")
    missing = [key for key in REQUIRED if key not in fields]
    if missing:
        raise _wrong(portal, f"fields lacks {', '.join(missing)}")
    return dict(fields)


def reading(portal: str, rows: Iterable[Mapping[str, object]]) -> Reading:
    """All rows of one snapshot as places and rejected rows. Of rows with the same id the first one counts."""
    places: dict[str, Place] = {}
    rejected: list[Rejected] = []
    seen = 0
    for row in rows:
        seen += 1
        result = place_from_row(portal, row)
        if isinstance(result, Place) and result.external_id in places:
            reason = f"Die Kennung »{result.external_id}« kommt mehrfach vor; nur die erste Zeile gilt."
            result = Rejected(result.external_id, reason)
        if isinstance(result, Place):
            places[result.external_id] = result
        else:
            rejected.append(result)
    return Reading(tuple(places.values()), tuple(rejected), seen)


def place_from_row(portal: str, row: Mapping[str, object]) -> Place | Rejected:
    """The place that a row (by field name, see FIELDS) describes, or why it describes none.

    Id, name, address, publication date and a readable `withdrawn` are needed. Of the other fields, what can't
    be read is left out: half a pair of coordinates, a broken picture address, an invalid handle.
    """
    key = _identity(row.get("id"))
    if not key:
        return Rejected("?", "Die Zeile hat keine Kennung.")
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
        town=plain_line(row.get("town"), _TOWN),
        categories=_items(row.get("categories")),
        hashtags=_items(row.get("hashtags")),
        teaser=plain_text(row.get("teaser"), _TEASER) or _opening(row.get("body"), body),
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
        return "Der Ort hat keinen Namen."
    if url is None:
        shown = plain_line(row.get("url"), _SHOWN)
        return f"Die Adresse »{shown}« ist keine http(s)-Adresse." if shown else "Der Ort hat keine Adresse (URL)."
    if published is None:
        shown = plain_line(row.get("published_at"), _SHOWN)
        if not shown or _is_no_date(shown):
            return "Das Datum der Veröffentlichung fehlt."
        return f"Das Datum der Veröffentlichung »{shown}« ist nicht lesbar."
    shown = plain_line(row.get("withdrawn"), _SHOWN)
    return f"Ob der Ort noch gezeigt wird, ist nicht lesbar: »{shown}« heißt weder ja noch nein."


# Text


def plain_text(value: object, limit: int) -> str:
    """The value as plain text with paragraphs (blank lines between them), at most `limit` characters.

    Tags, comments, scripts, shortcodes and lines that are only an address for embedding are gone, entities are
    decoded once, invisible and directional characters removed, the rest in Unicode NFC.
    """
    markup = _without_shortcodes(_string(value)[:_RAW])
    text = _without_tags(markup) if "<" in markup else html.unescape(markup)
    lines = [" ".join(line.split()) for line in _visible(text).split("\n")]
    kept = ["" if _BARE_ADDRESS.fullmatch(line) else line for line in lines]
    return _cut(re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(), limit)


def plain_line(value: object, limit: int) -> str:
    """The value as one line of plain text, see `plain_text`."""
    markup = _string(value)[:_RAW]
    text = _without_tags(markup) if "<" in markup else html.unescape(markup)
    return _cut(" ".join(_visible(text).split()), limit)


_BARE_ADDRESS = re.compile(r"https?://\S+")


def _string(value: object) -> str:
    """A database value as text. Bytes are UTF-8 or, where they aren't, Windows-1252."""
    if value is None:
        return ""
    if isinstance(value, bytearray | memoryview):
        value = bytes(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("cp1252", errors="replace")
    if isinstance(value, int) and abs(value) >= 10**_ITEM:
        return ""  # no id, year or number of ours; Python refuses to write out the longest ones
    return str(value)


def _cut(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where there is a space."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head[: head.rfind(" ")] if " " in head else head).rstrip() + "…"


def _visible(text: str) -> str:
    """NFC without control, formatting and private characters; every line end becomes \\n."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return unicodedata.normalize("NFC", _UNUSUAL.sub(_if_visible, text))


# All but line ends, tabs, ASCII, Latin letters (soft hyphen excluded) and the common punctuation.
_UNUSUAL = re.compile(r"[^\n\t -~\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e]")


def _if_visible(match: re.Match[str]) -> str:
    character = match[0]
    if character == _JOINER:
        before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
        return character if _joins(before) and _joins(after) else ""
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") else character


_JOINER = "\u200d"  # builds one emoji out of several; between letters it is only an invisible character


def _joins(character: str) -> bool:
    return bool(character) and unicodedata.category(character) in ("So", "Sk", "Mn")


# Shortcodes (https://codex.wordpress.org/Shortcode_API): [name], [name a="b"], [name]…[/name], [[name]] as text.
_SHORTCODE = re.compile(r"(\[\[?/?[A-Za-z][\w-]*(?:\s[^\[\]]*)?/?\]\]?)")
_SHORTCODE_NAME = re.compile(r"\[/?([A-Za-z][\w-]*)")
_WITH_CONTENT = frozenset({"caption", "wp_caption", "gallery", "embed", "audio", "video", "playlist"})


def _without_shortcodes(markup: str) -> str:
    """Shortcodes removed; what they enclose stays, except captions and embedded media. "[sic]" is no shortcode."""
    if "[" not in markup:
        return markup
    parts = _SHORTCODE.split(markup)
    closings = Counter(_shortcode_name(part) for part in parts[1::2] if part.startswith("[/"))
    enclosing = frozenset(closings)
    skipped = ""
    kept = []
    for index, part in enumerate(parts):
        tag = index % 2 == 1
        name = _shortcode_name(part) if tag else ""
        if tag and part.startswith("[/"):
            closings[name] -= 1
            skipped = "" if name == skipped else skipped
            continue
        if skipped:
            continue
        if tag and name in _WITH_CONTENT and closings[name] > 0:
            skipped = name
        elif not tag or not _is_shortcode(part, name, enclosing):
            kept.append(part[1:-1] if part.startswith("[[") and part.endswith("]]") else part)
    return "".join(kept)


def _shortcode_name(tag: str) -> str:
    match = _SHORTCODE_NAME.match(tag)
    return match[1].lower() if match else ""


def _is_shortcode(tag: str, name: str, enclosing: frozenset[str]) -> bool:
    return not tag.startswith("[[") and (name in _WITH_CONTENT or name in enclosing or "_" in name or "=" in tag)


# HTML
_DROPPED = ("script", "style", "template", "noscript", "iframe", "object", "svg", "head", "figcaption", "select")
# fmt: off
_PARAGRAPHS = frozenset({
    "address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "ul",
})
# fmt: on
_LINES = frozenset({"br", "li", "tr"})
_CELLS = frozenset({"td", "th"})
_LISTS = frozenset({"ul", "ol", "table", "tbody", "thead", "tr", "dl"})
_A_TAG = re.compile(r"<[^<>]*>")
_UNCLOSED = re.compile(r"<(?![A-Za-z/][^<>]*>)")


def _without_comments(markup: str) -> str:
    """Comments removed, Gutenberg's block comments among them; one that is never closed runs to the end."""
    kept = []
    position = 0
    while (start := markup.find("<!--", position)) >= 0:
        kept.append(markup[position:start])
        end = markup.find("-->", start + 4)
        position = len(markup) if end < 0 else end + 3
    return "".join((*kept, markup[position:]))


def _without_tags(markup: str) -> str:
    # Python's parser needs quadratic time for unclosed tags and comments: it gets to see neither.
    markup = _UNCLOSED.sub("&lt;", _without_comments(markup))
    try:
        soup = BeautifulSoup(markup, "html.parser")
    except (ParserRejectedMarkup, AssertionError):
        # Declarations that Python's parser gives up on, such as "<![foo".
        return html.unescape(_A_TAG.sub(" ", markup))
    for tag in soup(_DROPPED):
        tag.decompose()
    # Classic posts have no <p>: there a line end in the source is one for the reader too.
    flowing = soup.find("p") is not None
    return "".join(_pieces(soup, flowing))


def _pieces(soup: BeautifulSoup, flowing: bool) -> Iterator[str]:
    """The text in reading order. A block's end needs no mark of its own unless text follows it directly."""
    for node in soup.descendants:
        if isinstance(node, Tag):
            yield _break_before(node)
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            yield _break_after_block(node) + _words(node, flowing)


def _break_before(tag: Tag) -> str:
    if tag.name in _PARAGRAPHS:
        return "\n\n"
    if tag.name in _LINES:
        return "\n"
    return " " if tag.name in _CELLS else ""


def _break_after_block(node: NavigableString) -> str:
    before = node.previous_sibling
    return "\n\n" if isinstance(before, Tag) and before.name in _PARAGRAPHS else ""


def _words(node: NavigableString, flowing: bool) -> str:
    text = str(node)
    parent = node.parent.name if node.parent is not None else ""
    if parent in _LISTS and not text.strip():
        return ""
    return re.sub(r"[ \t\r\n]+", " ", text) if flowing and parent != "pre" else text


_MORE = re.compile(r"<!--more\b")


def _opening(markup: object, body: str) -> str:
    """What stands in for a missing teaser: the text before WordPress' <!--more-->, else the body's first paragraph."""
    source = _string(markup)[:_RAW]
    more = _MORE.search(source)
    return plain_text(source[: more.start()], _TEASER) if more else _cut(body.split("\n\n", 1)[0], _TEASER)


# Single values


def _identity(value: object) -> str:
    text = " ".join(_visible(_string(value)).split())
    return text if len(text) <= _ID else ""


def _http_url(value: object) -> str | None:
    """An http(s) address, characters that don't belong there percent-encoded; None for anything else.

    What is encoded already stays as it is; entities, as WordPress writes them into addresses, are decoded.
    """
    text = html.unescape(_string(value)[: _URL + 1].strip())
    if len(text) > _URL or _visible(text) != text or re.search(r"[\s\\]", text.replace(" ", "")):
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
    return not text.strip("0-: .TZ")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_MILLISECONDS = 10**11  # seconds since 1970 stay below this until the year 5138


def _instant(value: object) -> datetime | None:
    """An instant in UTC; without a zone the value is UTC. Numbers are seconds (or milliseconds) since 1970."""
    try:
        instant = _read_instant(value)
        if instant is None:
            return None
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        return instant if _EARLIEST <= instant < _LATEST else None
    except (ValueError, OverflowError):
        return None


def _read_instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool):
        return None
    text = _string(value).strip()
    if re.fullmatch(r"-?\d{9,14}(\.\d+)?", text) or isinstance(value, int | float):
        seconds = float(text)
        return _EPOCH + timedelta(seconds=seconds / 1000 if seconds >= _MILLISECONDS else seconds)
    return datetime.fromisoformat(text) if text else None


_YES = frozenset({"1", "t", "true", "y", "yes", "on", "j", "ja", "wahr", "\x01"})
_NO = frozenset({"0", "f", "false", "n", "no", "off", "nein", "falsch", "", "\x00"})


def _truth(value: object) -> bool | None:
    """Yes or no as databases write them (MySQL's BIT comes as a byte); NULL is no; None where it is neither."""
    text = _string(value).lower()
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
        number = float(_string(value).strip().replace(",", "."))
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


def _items(value: object) -> tuple[str, ...]:
    """A list out of an array, a JSON array, or one text separated by ';' or U+001F; each entry once, in order."""
    entries = (plain_line(entry, _ITEM) for entry in _split(value) if isinstance(entry, str | bytes | int | float))
    return tuple(dict.fromkeys(entry for entry in entries if entry))[:_ITEMS]


def _split(value: object) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    text = _string(value)[:_RAW].strip()
    listed = _json_array(text)
    if listed is not None:
        return listed
    if "\x1f" in text:
        return text.split("\x1f")
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
    described += (images if isinstance(images, list) else _json_array(_string(images)[:_RAW].strip())) or []
    pictures: dict[str, Picture] = {}
    for entry in described[: _ITEMS + 1]:
        url = _picture_url(entry.get("url")) if isinstance(entry, dict) else None
        if url is not None:
            picture = Picture(url, plain_line(entry.get("alt"), _ALT), plain_line(entry.get("credit"), _CREDIT))
            pictures.setdefault(url, picture)
    return tuple(pictures.values())


def _picture_url(value: object) -> str | None:
    """An http(s) address, or a relative path that can't leave the folder it is below."""
    text = _string(value)[: _URL + 1].strip()
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        return _http_url(text)
    if not text or len(text) > _URL or _visible(text) != text or "\n" in text or "\\" in text:
        return None
    inside = not text.startswith("/") and ".." not in text.split("/")
    return text if inside else None
