"""What every table for spreadsheets keeps to, whoever writes it."""

from __future__ import annotations

from typing import Any

MARK = "\ufeff"
"""Spreadsheets take UTF-8 for what it is only behind this mark."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """A value as a spreadsheet may have it: a text that would be taken for a formula gets an apostrophe in front; a
    number stays one (OWASP, CSV injection)."""
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value
