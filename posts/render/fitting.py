"""Elastic text: leave out and shorten just as much as a network's length demands, in a fixed order.

1. Everything is shown. What fits, stays.
2. Optional parts of a higher number than the elastic text's `rank` are dropped, the highest number first and of equal
   numbers the lower one on the page, until the text fits.
3. The elastic text is shortened at a word boundary to the longest that fits, but not below its `least`; where that
   is not possible either, an elastic text with a `least` is left out.
4. The other optional parts are dropped in the same order, each time followed by step 3 anew.
5. Parts dropped on the way for which room is left are shown again, the most important first.

What still does not fit is not cut: `DoesNotFit`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from posts.render.errors import DoesNotFit, TemplateError
from posts.render.language import Template, fill
from posts.render.page import Elastic, Page
from posts.text import shorten

_BLANKS = re.compile(" {2,}")
_BLANK_LINES = re.compile(r"\n{3,}")
# U+FEFF, U+FFFE and U+FFFF make X refuse a post; direction overrides could turn what is read.
_NEVER_SENT = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


@dataclass(frozen=True)
class Rendering:
    """A text that fits. `dropped` names the optional parts left out for length, `shortened` tells whether the
    elastic text lost anything; parts that were empty anyway are not named."""

    text: str
    dropped: tuple[str, ...]
    shortened: bool


@dataclass(frozen=True)
class _Choice:
    """What is left out: optional parts by index, and the elastic text's wording (None: whole)."""

    dropped: frozenset[int]
    elastic: str | None


def render(template: Template, variables: Mapping[str, Any], room: int, measure: Callable[[str], int]) -> Rendering:
    """The template filled and made to fit `room`, in the unit of `measure`; see the module for the order.

    Raises DoesNotFit when nothing more may be left out, TemplateError for what goes wrong in the template.
    """
    fitter = _Fitter(template, variables, room, measure)
    choice = fitter.choose()
    text = fitter.text(choice)
    if not text:
        raise TemplateError("Die Vorlage ergibt einen leeren Text.")
    dropped = tuple(part.name for index, part in enumerate(template.parts) if index in choice.dropped)
    return Rendering(text, dropped, choice.elastic is not None)


def tidy(text: str) -> str:
    """The text as it is sent: NFC, no blanks at the ends of lines, single blanks, at most one blank line in a row."""
    text = _NEVER_SENT.sub("", unicodedata.normalize("NFC", text)).replace("\t", " ")
    lines = (_BLANKS.sub(" ", line.strip(" ")) for line in text.splitlines())
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


class _Fitter:
    def __init__(
        self, template: Template, variables: Mapping[str, Any], room: int, measure: Callable[[str], int]
    ) -> None:
        self._template = template
        self._variables = variables
        self._room = room
        self._measure = measure
        self._texts: dict[_Choice, str] = {}
        self._lengths: dict[_Choice, int] = {}
        self._whole = _Choice(frozenset(), None)
        self._elastic: Elastic | None = None
        self._present: frozenset[int] = frozenset()

    def text(self, choice: _Choice) -> str:
        """The tidy text of that choice, filled once."""
        if choice not in self._texts:
            page = Page(choice.dropped, choice.elastic)
            self._texts[choice] = tidy(fill(self._template, self._variables, page))
            if choice == self._whole:
                self._elastic, self._present = page.elastic, frozenset(page.present)
        return self._texts[choice]

    def choose(self) -> _Choice:
        if self._fits(self._whole):
            return self._whole
        return self._give_back(self._reduce())

    def _reduce(self) -> _Choice:
        """Steps 2 to 4."""
        rank = self._elastic.rank if self._elastic else 0
        order = self._order()
        early = sum(self._template.parts[index].rank > rank for index in order)
        for count in range(1, early + 1):
            choice = _Choice(frozenset(order[:count]), None)
            if self._fits(choice):
                return choice
        for count in range(early, len(order) + 1):
            shortened = self._shortened(frozenset(order[:count]))
            if shortened is not None:
                return shortened
        needed = self._length(self._barest(frozenset(order)))
        raise DoesNotFit(needed, self._room)

    def _shortened(self, dropped: frozenset[int]) -> _Choice | None:
        """Step 3: as much of the elastic text as fits beside what is shown; None where nothing helps."""
        whole = _Choice(dropped, None)
        if self._fits(whole):
            return whole
        if self._elastic is not None:
            wording = shorten(self._elastic.text, self._room, lambda text: self._length(_Choice(dropped, text)))
            if wording is not None and len(wording) >= self._elastic.least:
                return _Choice(dropped, wording)
        barest = self._barest(dropped)
        return barest if self._fits(barest) else None

    def _barest(self, dropped: frozenset[int]) -> _Choice:
        """That choice without the elastic text, where it may be left out."""
        return _Choice(dropped, "" if self._elastic and self._elastic.least else None)

    def _give_back(self, choice: _Choice) -> _Choice:
        for index in reversed(self._order()):
            fuller = _Choice(choice.dropped - {index}, choice.elastic)
            if index in choice.dropped and self._fits(fuller):
                choice = fuller
        return choice

    def _order(self) -> list[int]:
        """Parts that show something, the least important first."""
        return sorted(self._present, key=lambda index: (-self._template.parts[index].rank, -index))

    def _length(self, choice: _Choice) -> int:
        """The length of that choice's text, measured once: measuring costs more than filling."""
        if choice not in self._lengths:
            self._lengths[choice] = self._measure(self.text(choice))
        return self._lengths[choice]

    def _fits(self, choice: _Choice) -> bool:
        return self._length(choice) <= self._room
