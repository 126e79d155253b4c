"""Which announcements a report is about: what people and programs may ask for, and what is taken where they don't."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import Connection

from campaign.app import App
from campaign.desk import Refusal
from campaign.reports import facts
from campaign.reports.values import NONE, Selection

USUAL_DAYS = 28
LONGEST = timedelta(days=3653)
"""Ten years."""
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
"""Beyond them calendars and time zones can't be calculated with."""
FILTERS = ("campaign", "step", "channel", "region", "category", "place", "variant", "world")
"""What a report can be narrowed to, besides `from` and `to`; the names hold in addresses, options and the API."""
WORLDS = ("live", "sandbox")
LARGEST = 999_999_999
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def usual_selection(app: App) -> Selection:
    """The last 28 whole days of the world that counts: live where there is a live channel."""
    last = app.today() - timedelta(days=1)
    with app.database.read() as connection:
        world = _world(facts.worlds(connection))
    return Selection(last - timedelta(days=USUAL_DAYS - 1), last, world)


def _world(worlds: Mapping[str, str]) -> str:
    return "live" if "live" in worlds.values() else "sandbox"


def selection_of(app: App, given: Mapping[str, str | None]) -> Selection:
    """What texts ask for, by the names of FILTERS and `from` and `to`; empty ones count as not given.

    Without `from` a report begins with the first announcement that went out, ten years back at most; without `to` it
    ends today. Raises Refusal for a day, number, campaign, channel, place or world that there is not, for a period that
    ends before it begins and for one longer than ten years.
    """
    asked = {name: text.strip() for name, text in given.items() if text and text.strip()}
    with app.database.read() as connection:
        channels = facts.worlds(connection)
        _check_names(connection, asked, channels)
        world = asked.get("world") or channels.get(asked.get("channel", "")) or _world(channels)
        first, last = _period(app, connection, asked, world)
        place = _place(connection, asked.get("place"))
    return Selection(
        first=first,
        last=last,
        world=world,
        place=place,
        variant=_number(asked["variant"]) if "variant" in asked else None,
        **{name: asked.get(name, "") for name in ("campaign", "step", "channel", "region", "category")},
    )


def _check_names(connection: Connection, asked: Mapping[str, str], channels: Mapping[str, str]) -> None:
    campaign, channel = asked.get("campaign", NONE), asked.get("channel")
    if campaign != NONE and campaign not in facts.campaign_titles(connection):
        raise Refusal("campaign_unknown", campaign)
    if channel is not None and channel not in channels:
        raise Refusal("channel_unknown", channel)
    if asked.get("world", WORLDS[0]) not in WORLDS:
        raise Refusal("report_world_unknown", asked["world"])


def _period(app: App, connection: Connection, asked: Mapping[str, str], world: str) -> tuple[date, date]:
    last = (
        _day(asked["to"]) if "to" in asked else max(app.today(), _day(asked["from"]) if "from" in asked else date.min)
    )
    if "from" in asked:
        first = _day(asked["from"])
    else:
        began = facts.first_posted(connection, world)
        earliest = began.astimezone(app.settings.zone).date() if began else last
        first = min(last, max(earliest, last - LONGEST + timedelta(days=1)))
    if first > last:
        raise Refusal("report_ends_before", first, last)
    if last - first >= LONGEST:
        raise Refusal("report_too_long")
    return first, last


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refusal("not_a_day", text) from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise Refusal("year_out_of_reach", text, FIRST_DAY.year, LAST_DAY.year)
    return day


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Refusal("not_a_number", text)
    return int(text)


def _place(connection: Connection, text: str | None) -> int | None:
    if text is None:
        return None
    if text in (NONE, "0"):
        return 0
    place = _number(text)
    if not facts.knows_place(connection, place):
        raise Refusal("place_unknown", place)
    return place


def asked_for(selection: Selection) -> dict[str, str]:
    """The texts that ask for a selection, as `selection_of` takes them; what is not narrowed is left out."""
    texts = {name: getattr(selection, name) for name in FILTERS if name not in ("place", "variant")}
    texts |= {"from": selection.first.isoformat(), "to": selection.last.isoformat()}
    if selection.place is not None:
        texts["place"] = str(selection.place or NONE)
    if selection.variant is not None:
        texts["variant"] = str(selection.variant)
    return {name: text for name, text in texts.items() if text}
