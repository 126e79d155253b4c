"""Cutting a text to a given room without hurting words, links or hashtags."""

from __future__ import annotations

import re
from collections.abc import Callable

_ELLIPSIS = " …"
# No-break spaces hold words together: »10 km« stays whole.
_WORD = re.compile(r"(?:\S|[\u00a0\u2007\u202f])+")
_DASHES = "–—-"
_NOT_LAST = ",;:…"


def shorten(text: str, room: int, measure: Callable[[str], int]) -> str | None:
    """The text if it fits into `room`, else as many of its first words as fit with » …« behind them.

    `measure` is the network's length, so that `measure(result) <= room` always holds (on X the ellipsis weighs 2).
    Cuts stand between words only, so that words, links and hashtags stay whole; None when not even one word fits.
    """
    if measure(text) <= room:
        return text
    # A dash or comma that stands alone ends no text.
    ends = [word.end() for word in _WORD.finditer(text) if word[0].strip(_DASHES + _NOT_LAST)]
    # A longer text never measures less, so halving finds the last that fits; whatever is returned was measured.
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        if measure(_cut(text, ends[middle])) <= room:
            low = middle + 1
        else:
            high = middle
    return _cut(text, ends[low - 1]) if low else None


def _cut(text: str, end: int) -> str:
    return text[:end].rstrip(_NOT_LAST) + _ELLIPSIS
