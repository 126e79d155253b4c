"""What all portals share: how one is configured, and the errors of reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from campaign.settings import SettingsError, absolute_sqlite, parse_duration, suggestion

REQUIRED = ("id", "name", "url", "published_at")
FIELDS = (
    *REQUIRED,
    "regions",
    "town",
    "categories",
    "hashtags",
    "teaser",
    "body",
    "image_url",
    "images",
    "image_alt",
    "image_credit",
    "handle_x",
    "handle_facebook",
    "lat",
    "lon",
    "updated_at",
    "withdrawn",
)
COMMON_KEYS = ("url", "every", "image_root", "preset", "fields")
DEFAULT_EVERY = "5m"


class PortalError(Exception):
    """A portal that can't be read; the message is one sentence for the person who runs it, without secrets."""


class PortalUnreachable(PortalError):
    """The database can't be reached or did not answer in time; trying again later may help (exit code 3)."""


class PortalMisconfigured(PortalError):
    """The configuration does not fit the database; the sentence names the table or field (exit code 2)."""


@dataclass(frozen=True)
class PortalConfig:
    """One portal as configured.

    `url` is an SQLAlchemy URL. Rows come from `table` (a table, a view, or tables joined) or from `query` (a
    SELECT); exactly one is set; `where` keeps some of them. `fields` maps a place's field to an SQL expression over
    those rows. Relative image paths lie below `image_root`. `every` says how often the daemon pulls. `options` are
    the values of `:names` in all of these (a list for `IN :names`), and `:now` is the instant of reading, in Unix
    seconds; any other colon is left as it stands.

    A CMS preset is such a table, condition, expressions and options. Besides, `needs` names the tables it reads, and
    `whereabouts` is a SELECT that tells of each of `:ids` why it is not shown (a word of campaign/places.py, GONE).
    """

    name: str
    url: str = field(repr=False)
    fields: Mapping[str, str]
    table: str = ""
    query: str = ""
    where: str = ""
    image_root: Path | None = None
    every: timedelta = timedelta(minutes=5)
    options: Mapping[str, Any] = field(default_factory=dict)
    preset: str = ""
    needs: tuple[str, ...] = ()
    whereabouts: str = ""


def wrong(portal: str, problem: str) -> PortalMisconfigured:
    """The error for a key of the portal's table."""
    return PortalMisconfigured(f"portal {portal}: {problem}.")


def check_keys(portal: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raises PortalMisconfigured for a key that nobody reads."""
    for key in table:
        if key not in known:
            raise wrong(portal, f"the key {key!r} is unknown{suggestion(key, list(known))}")


def text_key(portal: str, table: Mapping[str, Any], key: str, default: str = "") -> str:
    """A text, without the spaces around it. Raises PortalMisconfigured."""
    value = table.get(key, default)
    if not isinstance(value, str):
        raise wrong(portal, f"{key} must be a text")
    return value.strip()


def common_settings(portal: str, table: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """What every kind of portal has: `url`, `every` and `image_root`. Raises PortalMisconfigured."""
    url = text_key(portal, table, "url")
    if not url:
        raise wrong(portal, "url is missing; write an SQLAlchemy URL such as sqlite:///portal.db")
    root = text_key(portal, table, "image_root")
    return {
        "name": portal,
        "url": absolute_sqlite(url, directory),
        "every": _interval(portal, table.get("every", DEFAULT_EVERY)),
        "image_root": (directory / root).resolve() if root else None,
    }


def _interval(portal: str, value: object) -> timedelta:
    try:
        every = parse_duration(value)
    except SettingsError as error:
        raise wrong(portal, f"every: {error}") from None
    if every <= timedelta(0):
        raise wrong(portal, "every must be longer than nothing")
    return every


def field_expressions(portal: str, fields: object) -> dict[str, str]:
    """The `fields` table: a place's field to an SQL expression. Raises PortalMisconfigured."""
    if not isinstance(fields, Mapping):
        raise wrong(portal, "fields must be a table of SQL expressions")
    for key, expression in fields.items():
        if key not in FIELDS:
            raise wrong(portal, f"the field {key!r} is unknown{suggestion(key, FIELDS)}")
        if not isinstance(expression, str) or not expression.strip():
            raise wrong(portal, f"field {key!r} must be an SQL expression")
    return dict(fields)
