"""Recognising a post of ours in what a network shows of it: by its text and by the marker in its links."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import unescape
from html.entities import html5
from urllib.parse import parse_qsl, urlsplit

from posts.text.links import extract_urls

LINK_SIGN = "\ufffc"

# Networks escape once, sometimes twice (»&amp;lt;«). An entity counts only with its semicolon: »a=1&copy=2« has none.
_ENTITY = re.compile(r"&(?:amp;|AMP;|#38;|#[xX]26;)*+(#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)?")


def normalise(text: str, links: Iterable[str] = ()) -> str:
    """The text as it can be compared with what a network tells of it.

    NFC, entities unescaped, white space collapsed, every link (with or without scheme, every t.co) replaced by
    `LINK_SIGN`. Links at the very end are dropped: X puts one for the pictures there, and a t.co does not say whether
    it stands for them or for a link of the text. `links` names further addresses that count as links although X would
    not see one in them (a host without a known top-level domain).
    """
    text = unicodedata.normalize("NFC", _ENTITY.sub(_character, text))
    text = _known_replaced(_found_replaced(text), links)
    return " ".join(text.split()).rstrip(f"{LINK_SIGN} ")


def same_text(ours: str, theirs: str, links: Iterable[str] = ()) -> bool:
    """Whether two texts are the same post, links aside (see `normalise`)."""
    known = tuple(links)
    return normalise(ours, known) == normalise(theirs, known)


def marker_in(links: Iterable[str], marker: str) -> bool:
    """Whether one of the links carries this marker in `utm_content`; an empty marker is in none."""
    return bool(marker) and any(marker in _contents(link) for link in links)


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    if name is None or (name[0] != "#" and name not in html5):
        return f"&{name or ''}"
    return unescape(f"&{name}")


def _found_replaced(text: str) -> str:
    pieces, done = [], 0
    for link in extract_urls(text):
        pieces += [text[done : link.start], LINK_SIGN]
        done = link.end
    return "".join([*pieces, text[done:]])


def _known_replaced(text: str, links: Iterable[str]) -> str:
    known = sorted({unicodedata.normalize("NFC", link) for link in links if link}, key=len, reverse=True)
    if not known:
        return text
    # An address that only begins like a known one is another.
    return re.sub(rf"(?:{'|'.join(map(re.escape, known))})(?![\w/?&=#%-])", LINK_SIGN, text)


def _contents(link: str) -> list[str]:
    """The values of `utm_content`, also of the address that a network wrapped into a query value of its own."""
    try:
        query = urlsplit(_ENTITY.sub(_character, link)).query
    except ValueError:
        return []
    values = parse_qsl(query)
    wrapped = [value.partition("#")[0] for _, value in values if value.startswith(("http://", "https://"))]
    inner = [pair for address in wrapped for pair in parse_qsl(address.partition("?")[2])]
    return [value for name, value in [*values, *inner] if name == "utm_content"]
