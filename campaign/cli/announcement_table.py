"""Announcements as a table for people."""

from __future__ import annotations

from typing import Any

from campaign.cli.output import show

ANNOUNCEMENT_COLUMNS = {"id": "Nr.", "at": "Termin", "channel": "Kanal", "state": "Stand", "what": "Beitrag"}


def show_announcements(found: list[dict[str, Any]], empty: str) -> None:
    """When, where, how it stands and what it says, one announcement a line."""
    rows = [one | {"at": one["at"][:16].replace("T", " "), "what": _what(one)} for one in found]
    show(rows, ANNOUNCEMENT_COLUMNS, empty)


def _what(one: dict[str, Any]) -> str:
    name = one["place_name"] or " ".join((one["text"] or "").split())[:50]
    step = f"{one['step']}: " if one["step"] else ""
    told = one["hold_reason"] or " ".join(dict.fromkeys(one["problems"]))
    return step + name + (f" – {told}" if told else "") + (f" – {one['permalink']}" if one["permalink"] else "")
