"""Addresses as they are posted: with the campaign's query values, and in characters that no network cuts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit, urlunsplit

# What X still counts as part of an address (see posts/text/links.py); parentheses only where they are balanced, so
# they are encoded. `%` stays, for what is encoded already must not be encoded twice.
_PATH_SAFE = "/!$&'*+,;=:@%|[]"
_QUERY_SAFE = "/?!$&'()*+,;=:@%|[]"
_LAST_SAFE = "-_&=#/"
OURS = "utm_content"


def tracked(url: str, values: Mapping[str, str]) -> str:
    """The address with `values` in its query, so that X and Facebook take the whole of it for one link.

    Values that are set already stay; only `utm_content` is ours and is replaced. Other parameters and the fragment
    stay as they are. Path, query and fragment are percent-encoded where they are not ASCII (X cuts a query at »ß«);
    the host stays readable in NFC, since with its scheme X counts an international host as one link.
    Raises ValueError for anything but an http(s) address with a host and without user name.
    """
    parts = _checked(url)
    given = [parameter for parameter in parts.query.split("&") if parameter]
    kept = [parameter for parameter in given if not (_name(parameter) == OURS and OURS in values)]
    names = {_name(parameter) for parameter in kept}
    added = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in values.items() if name not in names]
    query = "&".join([*(quote(parameter, safe=_QUERY_SAFE) for parameter in kept), *added])
    path = quote(parts.path, safe=_PATH_SAFE)
    fragment = quote(parts.fragment, safe=_QUERY_SAFE)
    return _closed(urlunsplit((parts.scheme, parts.netloc, path, query, fragment)))


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


def _closed(url: str) -> str:
    """The address with its last character encoded where X would take it for punctuation behind a link."""
    if url[-1].isalnum() or url[-1] in _LAST_SAFE:
        return url
    return f"{url[:-1]}%{ord(url[-1]):02X}"
