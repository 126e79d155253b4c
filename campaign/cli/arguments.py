"""Arguments that the verbs of several subjects take, and how days and instants are read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from campaign.app import App
from campaign.cli.session import said
from campaign.desk import Refusal, read_instant
from campaign.news import refusal
from campaign.settings import SettingsError

# Beyond every number that is ever given, and within what the databases can count.
LARGEST_ID = 999_999_999
# Years that dates on the command line may name: beyond them calendars and time zones can't be calculated with.
FIRST_YEAR, LAST_YEAR = 2000, 2199
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]


def day_of(text: str | None) -> date | None:
    """The day that a text names; None where there is none. Raises SettingsError."""
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{text!r} is not a day; write for example 2027-01-31.") from None
    if day is not None:
        _check_year(day)
    return day


def instant_of(text: str, app: App) -> datetime:
    """The instant that a text names, without offset in the house's zone. Raises SettingsError."""
    try:
        instant = read_instant(text, app.settings.zone)
    except Refusal as wrong:
        raise SettingsError(refusal(wrong, said.language)) from None
    _check_year(instant)
    return instant


def _check_year(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise SettingsError(f"The year {day.year} is out of reach; write one from {FIRST_YEAR} to {LAST_YEAR}.")
