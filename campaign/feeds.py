"""The calendar as an iCalendar file (RFC 5545), by the icalendar library."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from icalendar import Calendar, Event

SHOWN = timedelta(minutes=15)
"""How long an announcement is drawn in a calendar: it has an instant, no duration."""


TENTATIVE = frozenset({"draft", "held", "refused", "missed", "in_doubt"})
RENEWED = timedelta(hours=1)
"""How often programs that subscribe are asked to look again."""


def icalendar(announcements: list[dict[str, Any]], words: Mapping[str, str] | None = None) -> str:
    """One event for each announcement that is not cancelled; `words` says a state in people's language."""
    calendar = Calendar()
    calendar.add("prodid", "-//Kreativorte im Grünen//Kampagnen//DE")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Kreativorte-Kampagnen")
    calendar.add("refresh-interval", RENEWED, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for one in announcements:
        if one["state"] != "cancelled":
            calendar.add_component(_event(one, (words or {}).get(one["state"], one["state"])))
    text: str = calendar.to_ical().decode()
    return text


def _event(one: dict[str, Any], state: str) -> Event:
    at = datetime.fromisoformat(one["at"]).astimezone(UTC)
    event = Event()
    event.add("uid", f"announcement-{one['id']}@kreativorte")
    event.add("dtstamp", at)
    event.add("dtstart", at)
    event.add("dtend", at + SHOWN)
    name = one["place_name"] or " ".join(one["text"].split())[:60]
    event.add("summary", f"{one['channel']}: {name} ({state})")
    event.add("status", "TENTATIVE" if one["state"] in TENTATIVE else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    event.add("description", one["sent_text"] or one["text"])
    if one["permalink"]:
        event.add("url", one["permalink"])
    return event
