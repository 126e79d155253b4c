"""Visits of the portal's pages by the mark that our links carry (`utm_content`), from its own web statistics.

A click that a network reports is not a visit: people come back, block scripts, or never arrive. Whoever counts visits
gives a CSV file (Matomo's export of campaign contents fits as it is) or a database table; only marks of our own
announcements are kept, other campaigns are none of our business.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from campaign.app import App
from campaign.desk import Refusal
from campaign.portals.portal import PortalConfig, PortalMisconfigured
from campaign.portals.sql import open_read_only
from campaign.settings import absolute_sqlite
from campaign.tables import visits
from posts.tables import deliveries

CONTENT = ("utm_content", "content", "label", "bezeichnung")
VISITS = ("visits", "nb_visits", "besuche")
DAY = ("day", "date", "tag", "datum")
"""Headings by which the three columns are known, in any case; Matomo writes label, nb_visits and date (its API), or
translates them (its pages)."""
MOST_BYTES = 50_000_000
MOST_VISITS = 10**12
TOTAL = ""
"""The day of a row that tells a mark's visits of all days together."""
SHOWN = 20
"""Bad rows that are named."""


@dataclass(frozen=True)
class Visits:
    """Visits by one mark on one day (ISO date), or of all days together (TOTAL)."""

    content: str
    day: str
    count: int


@dataclass(frozen=True)
class Taken:
    """What an import brought: rows that were read, rows of our own marks that were kept, and bad rows by number."""

    read: int
    kept: int
    rejected: tuple[tuple[int, Refusal], ...]


def read_csv(data: bytes) -> tuple[list[Visits], list[tuple[int, Refusal]]]:
    """The rows of a CSV file and its bad rows; row 1 is the first behind the heading. UTF-8, or UTF-16 as Matomo writes
    it; comma, semicolon or tab. Raises Refusal where it is no such file."""
    heading, _, _ = (whole := _decoded(data)).partition("\n")
    delimiter = max(",;\t", key=heading.count)
    rows = csv.DictReader(io.StringIO(whole, newline=""), delimiter=delimiter, strict=True)
    try:
        rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    except csv.Error as error:
        raise Refusal("csv_broken", error) from None
    content, count, day = (_column(rows.fieldnames, known) for known in (CONTENT, VISITS, DAY))
    if not content or not count:
        raise Refusal("visits_columns_missing", "utm_content", "visits")
    found: list[Visits] = []
    rejected: list[tuple[int, Refusal]] = []
    try:
        for number, row in enumerate(rows, start=1):
            try:
                found.append(_visits(row.get(content), row.get(day) if day else TOTAL, row.get(count)))
            except Refusal as refusal:
                rejected.append((number, refusal))
    except csv.Error as error:
        raise Refusal("csv_broken", error) from None
    return found, rejected


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal("csv_not_utf8") from None


def _column(names: Iterable[str], known: tuple[str, ...]) -> str:
    given = set(names)
    return next((name for name in known if name in given), "")


def _visits(content: object, day: object, count: object) -> Visits:
    if not isinstance(content, str) or not content.strip():
        raise Refusal("visits_content_missing")
    return Visits(content.strip()[:200], _day(day), _count(count))


def _day(value: object) -> str:
    """An ISO date; empty stays "of all days"."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    words = str(value or "").strip()
    if not words:
        return TOTAL
    try:
        return date.fromisoformat(words).isoformat()
    except ValueError:
        raise Refusal("visits_day_unreadable", words[:40]) from None


def _count(value: object) -> int:
    words = str("" if value is None else value).strip()
    if not words.isascii() or not words.isdigit() or int(words[:20]) > MOST_VISITS:
        raise Refusal("visits_count_unreadable", words[:40])
    return int(words)


def read_table(app: App) -> list[Visits]:
    """The rows of `visits.query` on `visits.url`: content, day (or NULL) and visits, by these names. Raises PortalError
    and Refusal."""
    url = absolute_sqlite(app.settings["visits.url"], app.settings.directory)
    config = PortalConfig(name="visits", url=url, fields={}, query=app.settings["visits.query"])
    with open_read_only(config) as connection:
        try:
            rows = connection.execute(text(config.query.replace(":", "\\:"))).mappings().fetchmany(1_000_000)
        except DBAPIError as error:
            raise PortalMisconfigured(f"visits: visits.query does not work ({type(error.orig).__name__}).") from None
    return [_visits_of(dict(row)) for row in rows]


def _visits_of(row: Mapping[str, Any]) -> Visits:
    if not {"content", "visits"} <= row.keys():
        raise Refusal("visits_columns_missing", "content", "visits")
    return _visits(str(row["content"] or ""), row.get("day"), row["visits"])


def import_file(app: App, file: Path) -> Taken:
    """Take over a CSV file; a row replaces what was known of its mark and day. Raises Refusal."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Refusal("visits_file_too_large", MOST_BYTES // 1_000_000)
        data = file.read_bytes()
    except OSError as error:
        raise Refusal("file_unreadable", file, error.strerror) from None
    found, rejected = read_csv(data)
    with app.database.write() as connection:
        kept = store(connection, found, file.name, app.now(connection))
    return Taken(len(found) + len(rejected), kept, tuple(rejected))


def refresh(app: App) -> Taken | None:
    """Take over what the settings name, None where they name nothing. Raises Refusal and PortalError."""
    if app.settings["visits.file"]:
        return import_file(app, app.settings.path("visits.file"))
    if not app.settings["visits.url"]:
        return None
    found = read_table(app)
    with app.database.write() as connection:
        kept = store(connection, found, "visits.query", app.now(connection))
    return Taken(len(found), kept, ())


def store(connection: Connection, found: Iterable[Visits], source: str, now: datetime) -> int:
    """Keep the rows of our own marks; returns how many. Rows of the same mark and day are added up, then replace what
    was known of them. A total replaces a mark's days and the other way round: both would count a visit twice."""
    sums: dict[tuple[str, str], int] = {}
    for one in found:
        sums[one.content, one.day] = sums.get((one.content, one.day), 0) + one.count
    ours = _our_marks(connection, {content for content, _ in sums})
    by_day = {content for content, day in sums if day != TOTAL}
    rows = [
        {"content": content, "day": day, "visits": count, "source": source, "read_at": now}
        for (content, day), count in sums.items()
        if content in ours and not (day == TOTAL and content in by_day)
    ]
    for row in rows:
        mine = visits.c.content == row["content"]
        replaced = mine if row["day"] == TOTAL else mine & visits.c.day.in_((TOTAL, row["day"]))
        connection.execute(delete(visits).where(replaced))
        connection.execute(insert(visits).values(**row))
    return len(rows)


def _our_marks(connection: Connection, contents: set[str]) -> set[str]:
    ours: set[str] = set()
    wanted = sorted(contents)
    for start in range(0, len(wanted), 500):
        query = select(deliveries.c.marker).where(deliveries.c.marker.in_(wanted[start : start + 500]))
        ours.update(connection.execute(query).scalars())
    return ours
