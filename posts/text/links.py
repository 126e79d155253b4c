"""Which parts of a text X takes for links, in linear time.

Source of the rules: twitter-text 3.1 (Apache-2.0), the expressions behind `extractUrlsWithIndices`. The library tries
its expression at every character, which takes minutes for a few thousand dots; here every run of host characters is
split once at its dots and each label learns, from right to left, how far a domain through it would reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from posts.text.tlds import COUNTRY, GENERIC

_PUNCTUATION = r"!'#%&()*+,\\\-./:;<=>?@\[\]\^_{|}~$"
_SPACES = r"\x09-\x0D\x20\x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_INVALID = r"\uFFFE\uFEFF\uFFFF"
_DIRECTION_MARKS = r"\u202A-\u202E\u061C\u200E\u200F\u2066-\u2069"
_LATIN_ACCENTS = (
    r"\xC0-\xD6\xD8-\xF6\xF8-\xFF\u0100-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272\u0289\u028B"
    r"\u02BB\u0300-\u036F\u1E00-\u1EFF"
)
_PATH_CHARACTER = rf"[a-zA-Z\u0400-\u04FF0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_LATIN_ACCENTS}]"
# Addresses may hold up to two levels of balanced parentheses, as Wikipedia's do.
_PARENTHESES = rf"\((?:{_PATH_CHARACTER}++\)|{_PATH_CHARACTER}*+\({_PATH_CHARACTER}++\){_PATH_CHARACTER}*+\))"
_QUERY_CHARACTER = r"[a-zA-Z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]"

_HOST_RUN = re.compile(rf"(?:[^{_PUNCTUATION}{_SPACES}{_INVALID}{_DIRECTION_MARKS}]|[._\-])++")
_NOT_BEFORE_LINK = re.compile(rf"[A-Za-z0-9@＠$#＃{_INVALID}]")
_PORT = re.compile(r":[0-9]+")
_PATH = re.compile(rf"/(?:{_PATH_CHARACTER}++|{_PARENTHESES})*+")
_QUERY = re.compile(rf"\?{_QUERY_CHARACTER}++")
_NOT_LAST_IN_PATH = "!*';:,.$%[]~@|&\u2013"
_NOT_LAST_IN_QUERY = "!?*'@();:+$%[].,~|"
_PUNYCODE_TLD = re.compile(r"xn--[\-0-9a-z]++", re.IGNORECASE | re.ASCII)
_NOT_AFTER_TLD = re.compile(r"[0-9a-zA-Z@+\-]")
_ASCII_LABELS = re.compile(rf"(?:[\-a-zA-Z0-9{_LATIN_ACCENTS}]++\.)++")
_SHORT_LINK = re.compile(
    rf"https?://t\.co/([a-z0-9]+)(?:\?{_QUERY_CHARACTER}*[a-zA-Z0-9\-_&=#/])?", re.IGNORECASE | re.ASCII
)

_LONGEST_TLD = max(map(len, COUNTRY | GENERIC))
_MAX_SLUG = 40
_MAX_LABEL = 63
_MAX_URL = 4096


@dataclass(frozen=True)
class Link:
    """A link that X would see. `url` is `text[start:end]`, in code points; `has_protocol`: it begins with http(s)://."""

    url: str
    start: int
    end: int
    has_protocol: bool


@dataclass(frozen=True)
class _Label:
    """A part of a host run that a dot follows.

    `reach_here` is where a domain ends whose last dot is the one after this label, `reach_beyond` where one ends that
    goes on through the next label; None where there is no such domain. `underscore` is the index of its last `_`,
    -1 where it has none.
    """

    start: int
    dot: int
    underscore: int
    reach_here: int | None
    reach_beyond: int | None

    def domain_end(self, text: str, start: int) -> int | None:
        """The end of the longest domain that begins at `start` within this label."""
        if text[start] in "_-" or text[self.dot - 1] in "_-":
            return None
        if self.reach_beyond is not None:
            return self.reach_beyond
        # The label before the top-level domain may not hold an underscore; those before it may.
        return self.reach_here if self.underscore < start else None


@dataclass(frozen=True)
class _Find:
    """A place where the expression of twitter-text matches, before its host and length are judged."""

    start: int
    domain_start: int
    domain_end: int
    path_start: int
    end: int
    has_path: bool


def extract_urls(text: str) -> list[Link]:
    """All links of the text in order, those without protocol included; indices in code points of `text` as given."""
    links: list[Link] = []
    for found in _finds(text):
        url = text[found.start : found.end]
        domain = text[found.domain_start : found.domain_end]
        has_protocol = found.domain_start > found.start
        if not _is_valid_host(domain) or _length_on_wire(url, domain, has_protocol) > _MAX_URL:
            continue
        if has_protocol:
            links.extend(_with_protocol(url, found.start))
        else:
            links.extend(_without_protocol(text, domain, found))
    return links


def accidental_links(text: str, intended: Iterable[str] = ()) -> list[str]:
    """Links that nobody may have meant: hits without protocol such as »gut.So«, each as written.

    X turns them into links and may charge the post as one with a link. `intended` names the hosts or addresses that
    are meant; a host counts with and without a leading »www.«.
    """
    meant = {_bare_host(address) for address in intended}
    return [link.url for link in extract_urls(text) if not link.has_protocol and _bare_host(link.url) not in meant]


def _bare_host(address: str) -> str:
    authority = re.split("[/?#]", address.partition("://")[2] or address, maxsplit=1)[0]
    return authority.partition(":")[0].casefold().removeprefix("www.")


def _finds(text: str) -> Iterator[_Find]:
    done = 0
    for run in _HOST_RUN.finditer(text):
        for label in _labels(text, run.start(), run.end()):
            found = _find_in(text, label, run.start(), done)
            if found is not None:
                done = found.end
                yield found


def _find_in(text: str, label: _Label, run_start: int, done: int) -> _Find | None:
    if label.reach_here is None and label.reach_beyond is None:
        return None
    # The character before a link is consumed with it, so it must lie behind the link before.
    first = done + 1 if done else 0
    if label.start == run_start:
        start = _protocol_start(text, run_start)
        if start is not None and start >= first and _may_begin(text, start):
            end = label.domain_end(text, run_start)
            if end is not None:
                return _completed(text, start, run_start, end)
    for start in _starts(text, max(first, label.start), label.dot):
        if _may_begin(text, start):
            end = label.domain_end(text, start)
            if end is not None:
                return _completed(text, start, start, end)
    return None


def _starts(text: str, first: int, last: int) -> Iterable[int]:
    # The expression would rather take the first character of the text for the one before a link than for its own.
    if first == 0 and last > 1 and _may_begin(text, 1):
        return (1, 0, *range(2, last))
    return range(first, last)


def _protocol_start(text: str, host: int) -> int | None:
    for protocol in ("https://", "http://"):
        start = host - len(protocol)
        if start >= 0 and text[start:host].lower() == protocol:
            return start
    return None


def _may_begin(text: str, start: int) -> bool:
    return start == 0 or not _NOT_BEFORE_LINK.match(text[start - 1])


def _completed(text: str, start: int, domain_start: int, domain_end: int) -> _Find:
    """The find with port, path and query; trailing punctuation is not part of it."""
    port = _PORT.match(text, domain_end)
    path_start = end = port.end() if port else domain_end
    path = _PATH.match(text, end)
    if path:
        end += len(path[0].rstrip(_NOT_LAST_IN_PATH))
    query = _QUERY.match(text, end)
    if query:
        kept = len(query[0].rstrip(_NOT_LAST_IN_QUERY))
        end += kept if kept > 1 else 0
    return _Find(start, domain_start, domain_end, path_start, end, has_path=path is not None)


def _labels(text: str, start: int, end: int) -> list[_Label]:
    """The labels of one host run, each knowing how far a domain through it reaches."""
    labels: list[_Label] = []
    reach: int | None = None
    dot = text.rfind(".", start, end)
    while dot >= 0:
        label_start = text.rfind(".", start, dot) + 1 or start
        if label_start == dot:
            reach = None
        else:
            label = _Label(label_start, dot, text.rfind("_", label_start, dot), _tld_end(text, dot + 1), reach)
            labels.append(label)
            reach = label.domain_end(text, label_start)
        dot = text.rfind(".", start, dot)
    labels.reverse()
    return labels


def _tld_end(text: str, start: int) -> int | None:
    """Where the top-level domain that begins here ends; None where none does."""
    for known in (GENERIC, COUNTRY):
        for end in range(min(start + _LONGEST_TLD, len(text)), start, -1):
            if text[start:end].lower() in known and not _NOT_AFTER_TLD.match(text[end : end + 1]):
                return end
    punycode = _PUNYCODE_TLD.match(text, start)
    return punycode.end() if punycode else None


def _with_protocol(url: str, start: int) -> list[Link]:
    short = _SHORT_LINK.match(url)
    if short is None:
        return [Link(url, start, start + len(url), True)]
    if len(short[1]) > _MAX_SLUG:
        return []
    return [Link(short[0], start, start + short.end(), True)]


def _without_protocol(text: str, domain: str, found: _Find) -> list[Link]:
    """Bare links are sought in the Latin parts of the host only; a path belongs to the last of them."""
    if found.start and text[found.start - 1] in "-_./":
        return []
    spans = [(found.start + first, found.start + last) for first, last in _ascii_domains(domain)]
    if spans and found.has_path:
        first = spans.pop()[0]
        # What stands in the host behind its Latin part is not X's link, but it lies inside the span up to the path.
        return [
            *(Link(text[a:b], a, b, False) for a, b in spans),
            Link(text[first : found.end], first, found.end, False),
        ]
    return [Link(text[a:b], a, b, False) for a, b in spans]


def _ascii_domains(domain: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    position = 0
    while labels := _ASCII_LABELS.search(domain, position):
        end = _last_tld_end(domain, labels.start(), labels.end())
        if end is None:
            position = labels.end()
        else:
            spans.append((labels.start(), end))
            position = end
    return spans


def _last_tld_end(domain: str, start: int, end: int) -> int | None:
    dot = domain.rfind(".", start, end)
    while dot >= 0:
        tld_end = _tld_end(domain, dot + 1)
        if tld_end is not None:
            return tld_end
        dot = domain.rfind(".", start, dot)
    return None


def _is_valid_host(domain: str) -> bool:
    """Every label fits into 63 characters once encoded (RFC 1035); an encoded name holds no other characters."""
    if domain.startswith("xn--") and not _ascii_domains(domain):
        return False
    return all(0 < _encoded_length(label) <= _MAX_LABEL for label in domain.split("."))


def _encoded_length(label: str) -> int:
    # Encoding never shortens, so a label that is too long already needs no encoding (whose cost grows with its square).
    if label.isascii() or len(label) > _MAX_LABEL:
        return len(label)
    return len("xn--") + len(label.encode("punycode"))


def _length_on_wire(url: str, domain: str, has_protocol: bool) -> int:
    encoded = sum(_encoded_length(label) + 1 for label in domain.split(".")) - 1
    return len(url) - len(domain) + encoded + (0 if has_protocol else len("https://"))
