"""Addresses as they are posted: with the campaign's query values, and in characters that no network cuts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit, urlunsplit

# What X counts as part of an address (see posts/text/links.py). Parentheses of a path count only where they are
# balanced, so they are encoded; `%` stays, for what is encoded already must not be encoded twice.
_PATH_SAFE = "/!$&'*+,;=:@%|[]"
_QUERY_SAFE = "/?!$&'()*+,;=:@%|[]"
# What X takes for a part of the address, not for punctuation behind it, in the last place.
_LAST_IN_PATH = "-_=+/"
_LAST_IN_QUERY = "-_=&/"
OURS = "utm_content"


def tracked(url: str, values: Mapping[str, str]) -> str:
    """The address with `values` in its query, so that X and Facebook take the whole of it for one link.

    Values that are set already stay; only `utm_content` is ours and is replaced. Other parameters and the fragment
    mean what they meant; characters at which X would cut the link (not ASCII, or punctuation in the last place) are
    percent-encoded. The host stays readable, in NFC: with its scheme, X counts an international host as one link.
    Raises ValueError for anything but an http(s) address with a host and without user name.
    """
    parts = _checked(url)
    given = [parameter for parameter in parts.query.split("&") if parameter]
    kept = [parameter for parameter in given if not (_name(parameter) == OURS and OURS in values)]
    names = {_name(parameter) for parameter in kept}
    # Ours comes last, so that tracking an address twice changes nothing.
    added = sorted(
        ((name, value) for name, value in values.items() if name not in names), key=lambda one: one[0] == OURS
    )
    query = "&".join(
        [quote(parameter, safe=_QUERY_SAFE) for parameter in kept]
        + [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in added]
    )
    path = _closed(quote(parts.path, safe=_PATH_SAFE), _LAST_IN_PATH)
    fragment = _closed(quote(parts.fragment, safe=_QUERY_SAFE), _LAST_IN_QUERY)
    return urlunsplit((parts.scheme, parts.netloc, path, _closed(query, _LAST_IN_QUERY), fragment))


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(unicodedata.normalize("NFC", url.strip()))
        host = parts.hostname
    except ValueError:
        raise ValueError("the address cannot be read") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("the address is not an http or https address")
    if "@" in parts.netloc:
        raise ValueError("the address holds a user name; such addresses are not posted")
    return parts


def _name(parameter: str) -> str:
    return unquote_plus(parameter.partition("=")[0])


def _closed(part: str, last: str) -> str:
    """The part with its last character encoded, unless that is a letter, a digit or one of `last`."""
    if not part or part[-1].isalnum() or part[-1] in last:
        return part
    return f"{part[:-1]}%{ord(part[-1]):02X}"
