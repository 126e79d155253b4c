"""One filling of a template: what it was told to leave out, what it noticed, and what it has cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from jinja2 import Undefined
from jinja2.runtime import Context

from posts.render.budget import Budget, number
from posts.render.errors import TemplateError

_MONTHS = (
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()  # noqa: SIM905
)
_WEEKDAYS = "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split()  # noqa: SIM905


@dataclass(frozen=True)
class Elastic:
    """The one text that may be shortened, as the template hands it over.

    `least` is the number of characters below which it is rather left out altogether (0: it must stay, with one
    word at least). Optional parts of a higher number than `rank` are dropped before it is shortened.
    """

    text: str
    least: int
    rank: int


class Page:
    """The state of one filling, kept at its context; `present` are the optional parts that showed something."""

    def __init__(self, dropped: frozenset[int], elastic_text: str | None) -> None:
        self.dropped = dropped
        self.elastic_text = elastic_text
        self.elastic: Elastic | None = None
        self.present: set[int] = set()
        self.printed = 0
        self.filled = 0
        self.budget = Budget()

    def show(self, value: Any) -> str:
        """The value as text, noted as printed. Raises TemplateError for what can't stand in a post."""
        text = as_text(value)
        self.budget.string(len(text))
        self.printed += 1
        self.filled += bool(text.strip())
        return text


class PageContext(Context):
    """Jinja2's context with the page that is being filled."""

    page: Page


def as_text(value: Any) -> str:
    """A single value as a reader sees it: dates in German, None as nothing. Raises TemplateError for others."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, date):
        return german_date(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(number(value))
    if isinstance(value, Undefined):
        return str(value)
    raise TemplateError(_UNPRINTABLE.get(type(value), "Dieser Wert lässt sich nicht ausgeben."))


def german_date(day: date, weekday: bool = False) -> str:
    """»24. November 2026«, with the day of the week before it where wanted."""
    written = f"{day.day}. {_MONTHS[day.month - 1]} {day.year}"
    return f"{_WEEKDAYS[day.weekday()]}, {written}" if weekday else written


_LIST = "Eine Liste lässt sich nicht ausgeben; bitte einen Filter wie »und«, »join« oder »hashtags« anhängen."
_UNPRINTABLE: dict[type, str] = {
    bool: "Ja und nein lassen sich nicht ausgeben, nur mit »if« abfragen.",
    list: _LIST,
    tuple: _LIST,
}
