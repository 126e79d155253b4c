"""From what a CMS keeps in a column to plain text: HTML, entities, shortcodes, block comments, bytes of any kind.

Nothing that stands in a column raises anything here, and no input is slow.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from bs4 import BeautifulSoup, ParserRejectedMarkup, Tag
from bs4.element import NavigableString, PreformattedString

MOST_CHARACTERS = 200_000
"""So much of a column is looked at, before cleaning."""
_LONGEST_NUMBER = 10**200  # no id, year or number of ours; Python refuses to write out the longest ones


def plain_text(value: object, limit: int) -> str:
    """The value as plain text with paragraphs (blank lines between them), at most `limit` characters.

    Tags, comments, scripts, shortcodes and lines that are only an address for embedding are gone, entities are
    decoded once, invisible and directional characters removed, the rest in Unicode NFC.
    """
    markup = _without_shortcodes(as_text(value)[:MOST_CHARACTERS])
    text = _without_tags(markup) if "<" in markup else html.unescape(markup)
    lines = [" ".join(line.split()) for line in visible(text).split("\n")]
    kept = ["" if _BARE_ADDRESS.fullmatch(line) else line for line in lines]
    return cut(re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(), limit)


def plain_line(value: object, limit: int) -> str:
    """The value as one line of plain text, see `plain_text`."""
    markup = as_text(value)[:MOST_CHARACTERS]
    text = _without_tags(markup) if "<" in markup else html.unescape(markup)
    return cut(" ".join(visible(text).split()), limit)


_BARE_ADDRESS = re.compile(r"https?://\S+")


def as_text(value: object) -> str:
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
    if isinstance(value, int) and abs(value) >= _LONGEST_NUMBER:
        return ""
    return str(value)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where there is a space."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head[: head.rfind(" ")] if " " in head else head).rstrip() + "…"


def visible(text: str) -> str:
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


def opening(markup: object, body: str, limit: int) -> str:
    """What stands in for a missing teaser: the text before WordPress' <!--more-->, else the body's first paragraph."""
    source = as_text(markup)[:MOST_CHARACTERS]
    more = _MORE.search(source)
    return plain_text(source[: more.start()], limit) if more else cut(body.split("\n\n", 1)[0], limit)
