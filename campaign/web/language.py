"""German and English: German is written in pages and templates, English stands in templates/web/en.po."""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import (
    format_date,
    format_datetime,
    format_interval,
    format_skeleton,
    format_time,
    format_timedelta,
    get_day_names,
)
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from babel.numbers import format_decimal
from babel.units import format_unit

LANGUAGES = ("de", "en")
LOCALES = {"de": "de_DE", "en": "en_GB"}
NAMES = {"de": "Deutsch", "en": "English"}
CATALOGUE = "en.po"
HEADER = """\
# English texts of the pages. `./run.sh docs` adds what is new, empty, and takes out what is gone.
msgid ""
msgstr ""
"Language: en\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
METHODS = [("**/web/**.py", "python"), ("web/**.html", "jinja2")]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def N_(text: str) -> str:  # noqa: N802 - gettext's name for a text that is translated later
    """Mark a text for the catalogue; it is translated where it is shown."""
    return text


def catalogues(templates: Path) -> dict[str, gettext.NullTranslations]:
    """What translates into each language, read from the catalogue as it lies there."""
    with (templates / CATALOGUE).open("rb") as file:
        catalogue = read_po(file, locale="en")
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return {"de": gettext.NullTranslations(), "en": gettext.GNUTranslations(compiled)}


def texts(templates: Path) -> Iterator[str | tuple[str, ...]]:
    """All texts of pages and templates, as the catalogue must hold them."""
    options = {"web/**.html": {"trimmed": "true", "newstyle_gettext": "true", "encoding": "utf-8"}}
    for directory in (Path(__file__).parent.parent, templates.parent):
        for _file, _line, text, _comments, _context in extract_from_dir(
            str(directory), METHODS, options, keywords=KEYWORDS, directory_filter=_ours
        ):
            yield text


def renew(templates: Path) -> list[str]:
    """Bring the English catalogue to the present texts; returns those that are still to be translated."""
    file = templates / CATALOGUE
    with file.open("rb") as lies_there:
        known = {message.id: message.string for message in read_po(lies_there, locale="en") if message.id}
    catalogue = Catalog(locale="en", fuzzy=False)
    for text in dict.fromkeys(texts(templates)):
        catalogue.add(text, known.get(text, ""))
    written = io.BytesIO()
    write_po(written, catalogue, width=120, sort_output=True, omit_header=True)
    file.write_bytes(HEADER.encode() + written.getvalue())
    return [str(message.id) for message in catalogue if message.id and not message.string]


def _ours(directory: str) -> bool:
    return Path(directory).name not in ("vendor", "__pycache__", "assets")


class Dates:
    """Dates and times as people of one language write them, in the house's zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self._locale, self._zone = LOCALES[language], zone

    def _at(self, value: datetime | str) -> datetime:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        return instant.astimezone(self._zone)

    def past(self, value: datetime | str, now: datetime) -> bool:
        """Whether an instant lies behind."""
        return self._at(value) < now

    def time(self, value: datetime | str) -> str:
        """The time of day."""
        return format_time(self._at(value), "short", locale=self._locale)

    def day(self, value: datetime | str) -> str:
        """Weekday and date."""
        return format_date(self._at(value).date(), "full", locale=self._locale)

    def calendar_day(self, value: date | str) -> str:
        """Weekday and date of a day that is one already."""
        day = date.fromisoformat(value) if isinstance(value, str) else value
        return format_date(day, "full", locale=self._locale)

    def month(self, value: date) -> str:
        """Month and year."""
        return format_skeleton("yMMMM", value, locale=self._locale)

    def plain_day(self, value: date) -> str:
        """Short weekday and date of a day that has no zone."""
        pattern = "EEE, dd.MM.yyyy" if self._locale.startswith("de") else "EEE d MMM y"
        return format_date(value, pattern, locale=self._locale)

    def days(self, first: date, last: date) -> str:
        """A span of days, both included; a whole month by its name."""
        if first.day == 1 and last == _end_of_month(first):
            return self.month(first)
        # A day alone has its weekday: figures of days are read by it.
        return self.plain_day(first) if first == last else format_interval(first, last, "yMMMd", locale=self._locale)

    def short_span(self, first: date, last: date) -> str:
        """The same where there is little room: its first day, or the month."""
        if first.day == 1 and last == _end_of_month(first):
            return format_skeleton("yMMM", first, locale=self._locale)
        return format_skeleton("Md", first, locale=self._locale)

    def weekday(self, number: int, width: Literal["abbreviated", "wide"] = "wide") -> str:
        """A weekday's name; Monday is 0."""
        return str(get_day_names(width, context="stand-alone", locale=self._locale)[number])

    def date(self, value: date) -> str:
        """A day."""
        return format_date(value, "medium", locale=self._locale)

    def short_day(self, value: datetime | str) -> str:
        """The date alone, in figures."""
        return format_date(self._at(value).date(), "medium", locale=self._locale)

    def field(self, value: datetime | str) -> str:
        """As the browser's field for date and time takes it."""
        return self._at(value).strftime("%Y-%m-%dT%H:%M")

    def instant(self, value: datetime | str) -> str:
        """Short weekday, date and time."""
        skeleton = "EEE, dd.MM.yyyy, HH:mm" if self._locale.startswith("de") else "EEE d MMM yyyy, HH:mm"
        return format_datetime(self._at(value), skeleton, locale=self._locale)

    def to_the_second(self, value: datetime | str) -> str:
        """Date and time with seconds."""
        return format_datetime(self._at(value), "medium", locale=self._locale)

    def span(self, value: timedelta) -> str:
        """A duration in the largest unit that fits exactly."""
        seconds = value.total_seconds()
        for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
            if seconds and seconds % size == 0:
                return format_unit(int(seconds // size), f"duration-{unit}", locale=self._locale)
        return format_unit(seconds, "duration-second", locale=self._locale)

    def number(self, value: int) -> str:
        """A whole number with its thousands apart."""
        return format_decimal(value, locale=self._locale)

    def since(self, value: datetime | str, now: datetime) -> str:
        """How long ago, roughly."""
        passed = max(now - self._at(value), timedelta(seconds=1))
        return format_timedelta(-passed, add_direction=True, locale=self._locale)

    def until(self, value: datetime | str, now: datetime) -> str:
        """How long it will take, roughly; in days as long as they can be counted."""
        left = max(self._at(value) - now, timedelta(seconds=1))
        if left < timedelta(days=1):
            return format_timedelta(left, add_direction=True, locale=self._locale)
        return format_timedelta(left, granularity="day", threshold=1000, add_direction=True, locale=self._locale)


def _end_of_month(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
