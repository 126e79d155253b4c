"""A campaign as the text of a campaign file, which `read_campaign` reads back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from campaign.campaigns import WEEKDAYS, Blackout, Call, Campaign, Rhythm, Step, format_duration

_CAPS = ("max_per_day", "max_per_week")


def write_campaign(campaign: Campaign) -> str:
    """The campaign file (TOML). What is at its default, or for a channel as for all, is left out."""
    base, own = _expressible(campaign)
    lines = [
        *_campaign(campaign),
        *(line for step in campaign.steps for line in _step(step)),
        *(line for call in campaign.calls for line in _call(call)),
        *("", "[rhythm]"),
        *_rhythm(base, Rhythm(slots=())),
    ]
    for name, rhythm in sorted(own.items()):
        lines += ["", f"[rhythm.channel.{_text(name)}]", *_rhythm(rhythm, base)]
    return "\n".join(lines) + "\n"


def _expressible(campaign: Campaign) -> tuple[Rhythm, dict[str, Rhythm]]:
    """Base and overrides that a file can say: TOML has no word for "none", so a cap that a channel is free of can't
    stand in the base; the other channels then say it themselves."""
    base, own = campaign.rhythm, dict(campaign.channel_rhythms)
    freed = {cap for cap in _CAPS if any(getattr(each, cap) is None for each in own.values())}
    if any(getattr(base, cap) is not None for cap in freed):
        own = {name: own.get(name, base) for name in campaign.channels}
        base = replace(
            base,
            max_per_day=None if "max_per_day" in freed else base.max_per_day,
            max_per_week=None if "max_per_week" in freed else base.max_per_week,
        )
    return base, {name: rhythm for name, rhythm in own.items() if rhythm != base}


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for DEL (TOML 1.0, section String)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"


def _campaign(campaign: Campaign) -> Iterator[str]:
    yield f"name = {_text(campaign.name)}"
    yield f"title = {_text(campaign.title)}"
    yield f"starts = {campaign.starts}"
    yield f"ends = {campaign.ends}"
    yield f"announce_published_from = {campaign.announce_published_from}"
    for name in ("portals", "regions", "categories"):
        if getattr(campaign, name):
            yield f"{name} = {_texts(getattr(campaign, name))}"
    yield f"channels = {_texts(campaign.channels)}"
    yield f"approval = {_text(campaign.approval)}"
    yield f"late_grace = {_text(format_duration(campaign.late_grace))}"
    yield f"require_image = {_flag(campaign.require_image)}"
    yield f"utm_campaign = {_text(campaign.utm_campaign)}"
    for name in ("budget_usd", "budget_usd_month"):
        if getattr(campaign, name) is not None:
            yield f"{name} = {getattr(campaign, name)!r}"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _templates(names: tuple[str, ...]) -> str:
    return f"template = {_text(names[0])}" if len(names) == 1 else f"templates = {_texts(names)}"


def _step(step: Step) -> list[str]:
    return [
        *("", "[[steps]]", f"name = {_text(step.name)}", _templates(step.templates)),
        f"after = {_text(format_duration(step.after))}",
        f"picture = {_text(step.picture)}",
    ]


def _call(call: Call) -> list[str]:
    lines = ["", "[[calls]]", f"name = {_text(call.name)}", _templates(call.templates)]
    return [*lines, f"recurs = {_text(call.recurs)}", *([f"link = {_text(call.link)}"] if call.link else [])]


def _rhythm(rhythm: Rhythm, base: Rhythm) -> Iterator[str]:
    """What differs from the base."""
    if rhythm.slots != base.slots:
        yield f"slots = {_texts(tuple(f'{WEEKDAYS[slot.weekday]} {slot.at:%H:%M}' for slot in rhythm.slots))}"
    if rhythm.quiet != base.quiet:
        yield f"quiet = {_texts(tuple(f'{quiet.start:%H:%M}-{quiet.end:%H:%M}' for quiet in rhythm.quiet))}"
    for name in _CAPS:
        if getattr(rhythm, name) != getattr(base, name):
            yield f"{name} = {getattr(rhythm, name)}"
    if rhythm.min_gap != base.min_gap:
        yield f"min_gap = {_text(format_duration(rhythm.min_gap))}"
    if rhythm.skip_holidays != base.skip_holidays:
        yield f"skip_holidays = {_flag(rhythm.skip_holidays)}"
    if rhythm.blackouts != base.blackouts:
        yield f"blackouts = [{', '.join(map(_blackout, rhythm.blackouts))}]"


def _blackout(blackout: Blackout) -> str:
    return f"{{ from = {blackout.first}, to = {blackout.last}, reason = {_text(blackout.reason)} }}"
