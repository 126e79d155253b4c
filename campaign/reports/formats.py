"""Figures, dates and durations as people of one language write them, in the house's zone."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_day_names
from babel.numbers import format_currency, format_decimal, format_percent
from babel.units import format_unit

LOCALES = {"de": "de_DE", "en": "en_GB"}
FINE = 100
"""Means below this are told with a decimal; above it a decimal says nothing."""
UNKNOWN = {"de": "k. A.", "en": "n/a"}
"""What stands for "not known". A dash would not do: in official statistics it means "none at all"."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNPRINTABLE = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that turn the direction of what follows, or nothing at all: nobody needs them, and some deceive."""


class Formats:
    """How one language writes what a report holds. None is always written as "not known", never as zero. `zone` is
    that of the instants."""

    def __init__(self, language: str, zone: str = "UTC") -> None:
        self.language = language
        self._locale, self._zone = LOCALES[language], ZoneInfo(zone)
        self.unknown = UNKNOWN[language]

    def number(self, value: float | None) -> str:
        """A count, or a mean with at most one decimal where that says anything."""
        if value is None:
            return self.unknown
        return format_decimal(value, "#,##0" if abs(value) >= FINE else "#,##0.#", locale=self._locale)

    def mean(self, value: float | None) -> str:
        """A mean or a median of counts, to stand in a column of others."""
        if value is None:
            return self.unknown
        return format_decimal(value, "#,##0" if abs(value) >= FINE else "#,##0.0", locale=self._locale)

    def rate(self, value: float | None) -> str:
        """A share as per cent with one decimal, two where it is small."""
        if value is None:
            return self.unknown
        digits = "0.00" if 0 < value < 0.01 else "0.0"
        return format_percent(value, f"#,##{digits}{self._percent}", locale=self._locale)

    def change(self, value: float | None) -> str:
        """A growth or loss as per cent, with its sign."""
        pattern = f"+#,##0.0{self._percent};−#,##0.0{self._percent}"
        return self.unknown if value is None else format_percent(value, pattern, locale=self._locale)

    def money(self, value: float | None) -> str:
        """US dollars; parts of a cent where cents would say nothing."""
        if value is None:
            return self.unknown
        digits = "#,##0.00##" if 0 < value < 0.1 else "#,##0.00"
        pattern = f"{digits}\N{NO-BREAK SPACE}¤" if self._german else f"¤{digits}"
        return format_currency(value, "USD", pattern, locale=self._locale, currency_digits=False)

    def day(self, value: date) -> str:
        """A day in figures."""
        return format_date(value, "dd.MM.yyyy" if self._german else "d MMM y", locale=self._locale)

    def long_day(self, value: date) -> str:
        """A day with its month in words."""
        return format_date(value, "long", locale=self._locale)

    def instant(self, value: datetime | None) -> str:
        """Date and time to the minute."""
        if value is None:
            return self.unknown
        pattern = "dd.MM.yyyy, HH:mm" if self._german else "d MMM y, HH:mm"
        return format_datetime(value.astimezone(self._zone), pattern, locale=self._locale)

    def weekday(self, monday_is_0: int) -> str:
        """The name of a weekday."""
        return str(get_day_names("wide", context="stand-alone", locale=self._locale)[monday_is_0])

    def duration(self, seconds: float | None) -> str:
        """A duration in the unit that suits it."""
        if seconds is None:
            return self.unknown
        for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
            if seconds >= size:
                pattern = "#,##0.#" if seconds < 10 * size else "#,##0"
                return format_unit(seconds / size, f"duration-{unit}", "long", pattern, locale=self._locale)
        return format_unit(seconds, "duration-second", "long", "#,##0.#", locale=self._locale)

    def period(self, first: date, last: date) -> str:
        """From a day to a day, both included; whole months and years by their names."""
        if first == last:
            return self.day(first)
        after = last + timedelta(days=1)
        if first.day == 1 and after.day == 1:
            if first.month == 1 and (after.year, after.month) == (first.year + 1, 1):
                return str(first.year)
            if (after.year * 12 + after.month) - (first.year * 12 + first.month) == 1:
                return format_date(first, "MMMM y", locale=self._locale)
        return f"{self.day(first)} – {self.day(last)}"

    def short_period(self, first: date, last: date) -> str:
        """A span under an axis: the month where it is one, else its first day."""
        if (last - first).days > 20:
            return format_date(first, "MMM yy", locale=self._locale)
        return format_date(first, "dd.MM." if self._german else "d MMM", locale=self._locale)

    @property
    def _percent(self) -> str:
        return "\N{NO-BREAK SPACE}%" if self._german else "%"

    @property
    def _german(self) -> bool:
        return self._locale.startswith("de")


def readable(text: str) -> str:
    """The text without what can't be printed: control characters, marks of direction, private and half characters."""
    kept = []
    for sign in unicodedata.normalize("NFC", text):
        if sign == "\n":
            kept.append(sign)
        elif sign in _UNPRINTABLE:
            continue
        elif unicodedata.category(sign) in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        else:
            kept.append(REPLACEMENT if unicodedata.category(sign) in ("Cs", "Co", "Cn") else sign)
    return "".join(kept)
