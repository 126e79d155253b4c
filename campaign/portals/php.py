"""Lists that WordPress and its plug-ins keep in one value, as PHP's serialize() writes them.

Only arrays of texts and numbers are read. Nothing is ever built from what stands there: objects, references and
anything else make the value unreadable, and unreadable values are left out.
Format: https://www.php.net/manual/en/function.serialize.php; lengths of texts count bytes.
"""

from __future__ import annotations

import re

MOST_ENTRIES = 1_000
_SERIALIZED = re.compile(r"[aO]:\d{1,9}:")


def php_array(text: str) -> list[str | int | float] | None:
    """The values of a serialized array in its order, without its keys; none of one that is broken or holds more than
    texts and numbers. None for a text that is not serialized."""
    if not _SERIALIZED.match(text):
        return None
    try:
        raw = text.encode()
        values, end = _array(raw)
    except (ValueError, IndexError):
        return []
    return values if end == len(raw) else []


def _array(raw: bytes) -> tuple[list[str | int | float], int]:
    count, at = _number(raw, 2, b":")
    if raw[:2] != b"a:" or not 0 <= count <= MOST_ENTRIES or raw[at : at + 1] != b"{":
        raise ValueError(raw[:20])
    at += 1
    values: list[str | int | float] = []
    for _ in range(count):
        _, at = _scalar(raw, at)
        value, at = _scalar(raw, at)
        values.append(value)
    if raw[at : at + 1] != b"}":
        raise ValueError(raw[:20])
    return values, at + 1


def _scalar(raw: bytes, at: int) -> tuple[str | int | float, int]:
    kind = raw[at : at + 2]
    if kind == b"s:":
        length, at = _number(raw, at + 2, b":")
        text = raw[at + 1 : at + 1 + length]
        if length < 0 or raw[at : at + 1] != b'"' or raw[at + 1 + length : at + 3 + length] != b'";':
            raise ValueError(kind)
        return text.decode(), at + 3 + length
    if kind == b"i:":
        return _number(raw, at + 2, b";")
    if kind == b"d:":
        end = raw.index(b";", at)
        return float(raw[at + 2 : end]), end + 1
    raise ValueError(kind)


def _number(raw: bytes, at: int, ends: bytes) -> tuple[int, int]:
    end = raw.index(ends, at, at + 21)
    return int(raw[at:end]), end + 1
