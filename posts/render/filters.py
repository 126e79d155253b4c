"""The filters of templates, each bounded: what it builds is booked before it is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from jinja2 import pass_context
from jinja2.filters import FILTERS

from posts import text as posttext
from posts.render.errors import TemplateError
from posts.render.page import Elastic, PageContext, as_text, german_date

# Names that no template can type, because they are no names of the language: calls that language.py writes in.
TURNS = "turns!"
CONCATENATE = "concatenate!"

_QUOTES = re.compile('["„“”»«‟]')
_QUOTED = re.compile('["„»«“]([^"„“”»«‟]*)["“”«»]')
_NAMES_A_SOURCE = re.compile(r"(foto|bild|grafik|illustration|zeichnung|quelle|copyright)|©|\(c\)", re.IGNORECASE)
_ELASTIC_START = 10_000


@pass_context
def turns(context: PageContext, items: Any, weight: int) -> Iterator[Any]:
    """The items of a loop, counted."""
    if not isinstance(items, str | Sequence | range):
        raise TemplateError("Hier ist keine Liste, über die eine Schleife laufen kann.")
    return context.page.budget.turns(items, weight)


@pass_context
def concatenate(context: PageContext, *values: Any) -> str:
    """The operator ~."""
    return _joined(context, "", values)


@pass_context
def join(context: PageContext, items: Any, separator: str = "") -> str:
    """The list's entries with the separator between them."""
    return _joined(context, as_text(separator), _listed(items))


@pass_context
def replace(context: PageContext, text: str, old: str, new: str) -> str:
    """The text with every `old` replaced."""
    text, old, new = _read(context, text), as_text(old), as_text(new)
    context.page.budget.string(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


@pass_context
def und(context: PageContext, items: Any) -> str:
    """»A, B und C«; empty entries are left out."""
    words = [word for word in map(as_text, _listed(items)) if word.strip()]
    if len(words) < 2:
        return _joined(context, "", words)
    return _joined(context, " und ", [_joined(context, ", ", words[:-1]), words[-1]])


@pass_context
def hashtag(context: PageContext, text: Any) -> str:
    """A valid hashtag made of free text; nothing where no letter is left."""
    return _hashtag(_read(context, text))


@pass_context
def hashtags(context: PageContext, items: Any, limit: int = 30) -> str:
    """The first `limit` different hashtags of the list, with blanks between them."""
    tags: dict[str, str] = {}
    for item in _listed(items):
        tag = hashtag(context, item)
        if tag:
            tags.setdefault(tag.casefold(), tag)
    return _joined(context, " ", list(tags.values())[: max(0, limit)])


def datum(day: date | None, wochentag: bool = False) -> str:
    """»24. November 2026«, with `wochentag=true` »Dienstag, 24. November 2026«; nothing without a day."""
    if day is None:
        return ""
    if not isinstance(day, date):
        raise TemplateError("»datum« braucht ein Datum.")
    return german_date(day, bool(wochentag))


@pass_context
def quoted(context: PageContext, text: Any) -> str:
    """»…«; quotation marks inside become ›…‹, and a text that is a quotation already gets no second pair."""
    inner = _read(context, text).strip()
    whole = _QUOTED.fullmatch(inner)
    if whole:
        inner = whole[1]
    if not inner:
        return ""
    marks = iter("›‹" * (len(_QUOTES.findall(inner)) // 2))
    # An odd mark at the end is none of a pair (an inch, a slip): it stays.
    inner = _QUOTES.sub(lambda mark: next(marks, mark[0]), inner)
    return f"»{inner}«"


@pass_context
def credited(context: PageContext, credit: Any) -> str:
    """The credit as a line of its own, »Foto: …«; one that names itself a source already stays as it is."""
    owner = _read(context, credit).strip()
    if not owner or _NAMES_A_SOURCE.match(owner):
        return owner
    return f"Foto: {owner}"


@pass_context
def upper(context: PageContext, text: Any) -> str:
    """The text in capitals."""
    return _read(context, text).upper()


@pass_context
def lower(context: PageContext, text: Any) -> str:
    """The text in small letters."""
    return _read(context, text).lower()


@pass_context
def capitalize(context: PageContext, text: Any) -> str:
    """The first letter a capital, the others small."""
    return _read(context, text).capitalize()


@pass_context
def trim(context: PageContext, text: Any) -> str:
    """The text without blanks at its ends."""
    return _read(context, text).strip()


@pass_context
def elastic(context: PageContext, text: Any, least: int = 0, rank: int = 0) -> str:
    """Marks the one text that may be shortened; see `posts.render.page.Elastic`."""
    page = context.page
    whole = as_text(text)
    # Longer than any network shows; a portal's whole chronicle must not exhaust the budget.
    start = whole if len(whole) <= _ELASTIC_START else posttext.shorten(whole, _ELASTIC_START, len)
    page.elastic = Elastic(start or "", int(least), int(rank))
    return page.elastic.text if page.elastic_text is None else page.elastic_text


# A portal's tags are few and return in every post.
_hashtag = lru_cache(maxsize=1024)(posttext.hashtag)


def _read(context: PageContext, value: Any) -> str:
    """The value as text; reading it costs its length."""
    text = as_text(value)
    context.page.budget.work(len(text))
    return text


def _listed(items: Any) -> Sequence[Any]:
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise TemplateError("Dieser Filter braucht eine Liste.")
    return items


def _joined(context: PageContext, separator: str, values: Sequence[Any]) -> str:
    context.page.budget.work(len(values))
    texts = [as_text(value) for value in values]
    context.page.budget.string(sum(map(len, texts)) + len(separator) * max(0, len(texts) - 1))
    return separator.join(texts)


_OF_JINJA = ("default", "first", "last", "length")
ALL: dict[str, Callable[..., Any]] = {
    **{name: FILTERS[name] for name in _OF_JINJA},
    "anführung": quoted,
    "bildnachweis": credited,
    "capitalize": capitalize,
    "datum": datum,
    "elastic": elastic,
    "hashtag": hashtag,
    "hashtags": hashtags,
    "join": join,
    "lower": lower,
    "replace": replace,
    "trim": trim,
    "und": und,
    "upper": upper,
    TURNS: turns,
    CONCATENATE: concatenate,
}
