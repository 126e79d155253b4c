"""What the presets of content management systems share: options, and pieces of MySQL's and MariaDB's SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from campaign.portals.portal import common_settings, field_expressions, text_key, wrong

_IDENTIFIER = re.compile(r"[A-Za-z0-9_$]{1,64}")
SLUG = "{slug}"


def mysql_settings(portal: str, table: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """As `common_settings`, for a CMS that is read from MySQL or MariaDB. Raises PortalMisconfigured."""
    common = common_settings(portal, table, directory)
    try:
        backend = make_url(common["url"]).get_backend_name()
    except (ArgumentError, ValueError):
        raise wrong(portal, "url is not a valid SQLAlchemy URL") from None
    if backend not in ("mysql", "mariadb"):
        raise wrong(portal, f"the preset {table['preset']!r} reads MySQL or MariaDB, not {backend}")
    return common


def address(portal: str, table: Mapping[str, Any], key: str, default: str = "") -> str:
    """An http(s) address without the slash at its end. Raises PortalMisconfigured."""
    value = text_key(portal, table, key, default).rstrip("/")
    if not re.match(r"https?://[^/\s]+", value):
        raise wrong(portal, f"{key} must be an http(s) address such as https://kreativorte-im-gruenen.de")
    return value


def identifier(portal: str, key: str, value: object) -> str:
    """A name of a table or column, or a part of one. Raises PortalMisconfigured."""
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise wrong(portal, f"{key} may hold letters, digits and _ only")
    return value


def named_texts(portal: str, table: Mapping[str, Any], key: str, defaults: Mapping[str, str]) -> dict[str, str]:
    """A table of texts laid over its defaults; an empty text drops an entry. Raises PortalMisconfigured."""
    given = table.get(key, {})
    if not isinstance(given, Mapping) or not all(isinstance(value, str) for value in given.values()):
        raise wrong(portal, f"{key} must be a table of texts")
    field_expressions(portal, {name: value or "-" for name, value in given.items()})
    return {name: value.strip() for name, value in {**defaults, **given}.items() if value.strip()}


def numbers(portal: str, table: Mapping[str, Any], key: str) -> list[int]:
    """A list of whole numbers. Raises PortalMisconfigured."""
    value = table.get(key, [])
    if not isinstance(value, list) or not all(type(one) is int and one >= 0 for one in value):
        raise wrong(portal, f"{key} must be a list of numbers such as [12, 14]")
    return value


def number(portal: str, table: Mapping[str, Any], key: str) -> int | None:
    """A whole number, None where it is not given. Raises PortalMisconfigured."""
    value = table.get(key)
    if value is not None and (type(value) is not int or value < 0):
        raise wrong(portal, f"{key} must be a number")
    return value


def flag(portal: str, table: Mapping[str, Any], key: str, default: bool) -> bool:
    """Yes or no. Raises PortalMisconfigured."""
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise wrong(portal, f"{key} must be true or false")
    return value


def zone(portal: str, table: Mapping[str, Any]) -> str:
    """The site's time zone. Raises PortalMisconfigured."""
    name = text_key(portal, table, "timezone", "Europe/Berlin")
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise wrong(portal, f"timezone {name!r} is not a time zone; write for example Europe/Berlin") from None


def page(site_url: str, path: str, slug_last: str) -> tuple[str, str]:
    """What stands before and after the slug in a place's address; `slug_last` is the CMS's own habit.

    `path` is a folder, or an own pattern with {slug} in it.
    """
    pattern = path.strip("/") if SLUG not in path else path.lstrip("/")
    if SLUG not in pattern:
        pattern = f"{pattern}/{slug_last}" if pattern else slug_last
    before, _, after = f"{site_url}/{pattern}".partition(SLUG)
    return before, after


def in_address(expression: str) -> str:
    """A file's name as it may stand in an address: what would end or garble it is encoded, the rest follows later."""
    return f"REPLACE(REPLACE(REPLACE({expression}, '%', '%25'), '#', '%23'), '?', '%3F')"


def joined(names: str, tables: str) -> str:
    """A subquery of all names, in order, separated and begun by U+001F: names hold /, commas, & and semicolons."""
    listed = f"CONCAT(_utf8mb4 0x1F, GROUP_CONCAT({names} ORDER BY {names} SEPARATOR 0x1F))"
    return f"(SELECT {listed} FROM {tables})"
