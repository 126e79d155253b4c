"""What one filling of a template may cost, counted and never timed: exact and the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from posts.render.errors import TemplateError

SOURCE = 20_000
"""Characters of a template's source."""
LOOP_TURNS = 10_000
"""Turns of all loops together."""
TEXT = 20_000
"""Characters of any one string, the finished text included."""
WORK = 1_000_000
"""Elements and static characters passed in loop turns, plus characters built by filters and operators."""
NUMBER = 10**15
"""The largest absolute value that counting may reach."""


class Budget:
    """The account of one filling."""

    def __init__(self) -> None:
        self._turns = 0
        self._work = 0

    def turns(self, items: Iterable[Any], weight: int) -> Iterator[Any]:
        """The items, each costing one loop turn and `weight` units of work. Raises TemplateError when spent."""
        for item in items:
            self._turns += 1
            if self._turns > LOOP_TURNS:
                raise TemplateError(f"Die Schleifen laufen zu oft; erlaubt sind zusammen {LOOP_TURNS} Durchläufe.")
            self.work(weight)
            yield item

    def work(self, units: int) -> None:
        """Book work. Raises TemplateError when spent."""
        self._work += units
        if self._work > WORK:
            raise TemplateError("Die Vorlage rechnet zu viel; bitte Schleifen und Verkettungen vereinfachen.")

    def string(self, length: int) -> None:
        """Book a string of that many characters before it is built. Raises TemplateError when it is too long."""
        self.fits(length)
        self.work(length)

    def fits(self, length: int) -> None:
        """Raises TemplateError when a text of that many characters is too long."""
        if length > TEXT:
            raise TemplateError(f"Ein Text wird zu lang; erlaubt sind {TEXT} Zeichen.")


def number(value: float) -> float:
    """The number itself. Raises TemplateError beyond what counting may reach."""
    if isinstance(value, int) and abs(value) > NUMBER:
        raise TemplateError("Eine Zahl wird zu groß.")
    return value
