"""The form of a campaign: fields as they are typed, the definition that they make, and where its problems belong.

Fields are named by the path that a value has in a campaign file ("steps.0.name", "rhythm.slots.1.at"), so that a
problem of `campaign.campaigns` finds its field. A form is that tree of texts; rows are lists.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from campaign.campaigns import Problem

Tree = dict[str, Any]

MOST_ROWS = 100
LONGEST = 2000
UNITS = ("d", "h", "m", "s")
DAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ORDINALS = ("1", "2", "3", "4", "-1")
_DURATION = re.compile(r"(\d{1,9})(ms|[dhms])")
_WEEKLY = re.compile(rf"FREQ=WEEKLY(?:;INTERVAL=(\d{{1,3}}))?;BYDAY=({'|'.join(DAY_CODES)})")
_MONTHLY = re.compile(rf"FREQ=MONTHLY(?:;INTERVAL=(\d{{1,3}}))?;BYDAY=(-1|[1-4])({'|'.join(DAY_CODES)})")
_MONTH_DAY = re.compile(r"FREQ=MONTHLY(?:;INTERVAL=(\d{1,3}))?;BYMONTHDAY=(\d{1,2})")
_KEY = re.compile(r"\[(\d+)\]")
_PLAIN = ("name", "title", "starts", "ends", "announce_published_from", "approval", "utm_campaign")
_MONEY = ("budget_usd", "budget_usd_month")
_CAPS = ("max_per_day", "max_per_week")
_CHOICES = ("portals", "regions", "categories", "channels")

EMPTY_STEP: Tree = {"name": "", "templates": [""], "after": {"n": "0", "unit": "d"}, "picture": "photo"}
EMPTY_CALL: Tree = {"name": "", "templates": [""], "kind": "monthly", "ordinal": "1", "weekday": "TU", "every": "1"}
EMPTY_CALL |= {"day": "1", "rule": "", "link": ""}
EMPTY_SLOT: Tree = {"weekday": "", "at": ""}
EMPTY_QUIET: Tree = {"start": "", "end": ""}
EMPTY_BLACKOUT: Tree = {"from": "", "to": "", "reason": ""}


# --- what was sent ---------------------------------------------------------------------------------------------


def read(pairs: Iterable[tuple[str, str]]) -> Tree:
    """The form as it was sent, its empty rows too; fields that a form does not have are left out."""
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        sent.setdefault(name, []).append(value[:LONGEST])
    return _Sent(sent).form()


class _Sent:
    """Fields by name, each with its values in order."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def one(self, name: str, default: str = "") -> str:
        return self._fields.get(name, [default])[-1].strip()

    def several(self, name: str) -> list[str]:
        return [value.strip() for value in self._fields.get(name, []) if value.strip()]

    def duration(self, name: str) -> Tree:
        return {"n": self.one(f"{name}.n"), "unit": self.one(f"{name}.unit", "d")}

    def rows(self, name: str, row: Callable[[str], Tree]) -> list[Tree]:
        """The rows of a group in their order."""
        numbers = {
            int(match[1])
            for field in self._fields
            if (match := re.match(rf"{re.escape(name)}\.(\d{{1,4}})(?:\.|$)", field))
        }
        return [row(f"{name}.{number}") for number in sorted(numbers)[:MOST_ROWS]]

    def form(self) -> Tree:
        return {
            **{name: self.one(name) for name in (*_PLAIN, *_MONEY)},
            **{name: self.several(name) for name in _CHOICES},
            "more_regions": self.one("more_regions"),
            "more_categories": self.one("more_categories"),
            "late_grace": self.duration("late_grace"),
            "require_image": bool(self.one("require_image")),
            "steps": self.rows("steps", self._step),
            "calls": self.rows("calls", self._call),
            "rhythm": self.rhythm("rhythm") | {"channel": self.rows("rhythm.channel", self._own_rhythm)},
        }

    def _step(self, at: str) -> Tree:
        return {
            "name": self.one(f"{at}.name"),
            "templates": self.several(f"{at}.templates"),
            "after": self.duration(f"{at}.after"),
            "picture": self.one(f"{at}.picture", "photo"),
        }

    def _call(self, at: str) -> Tree:
        names = ("name", "kind", "ordinal", "weekday", "every", "day", "rule", "link")
        return {name: self.one(f"{at}.{name}") for name in names} | {"templates": self.several(f"{at}.templates")}

    def rhythm(self, at: str) -> Tree:
        def row(empty: Tree) -> Callable[[str], Tree]:
            return lambda name: {key: self.one(f"{name}.{key}") for key in empty}

        return {
            "slots": self.rows(f"{at}.slots", row(EMPTY_SLOT)),
            "own_quiet": bool(self.one(f"{at}.own_quiet")),
            "quiet": self.rows(f"{at}.quiet", row(EMPTY_QUIET)),
            "max_per_day": self.one(f"{at}.max_per_day"),
            "max_per_week": self.one(f"{at}.max_per_week"),
            "min_gap": self.duration(f"{at}.min_gap"),
            "skip_holidays": self.one(f"{at}.skip_holidays"),
            "own_blackouts": bool(self.one(f"{at}.own_blackouts")),
            "blackouts": self.rows(f"{at}.blackouts", row(EMPTY_BLACKOUT)),
        }

    def _own_rhythm(self, at: str) -> Tree:
        return self.rhythm(at) | {"name": self.one(f"{at}.name")}


def compact(form: Tree) -> None:
    """Take out the rows that nobody filled."""
    for name in ("steps", "calls"):
        form[name] = [row for row in form[name] if row["name"] or row["templates"] not in ([], [""])]
    form["rhythm"]["channel"] = [row for row in form["rhythm"]["channel"] if row["name"]]
    for rhythm in (form["rhythm"], *form["rhythm"]["channel"]):
        for name in ("slots", "quiet", "blackouts"):
            rhythm[name] = [row for row in rhythm[name] if any(row.values())]


# --- a definition as a form ------------------------------------------------------------------------------------


def blank() -> Tree:
    """The form of a new campaign."""
    rhythm = read([])["rhythm"] | {"slots": [dict(EMPTY_SLOT)], "skip_holidays": "true"}
    return read([]) | {
        "approval": "one",
        "late_grace": {"n": "2", "unit": "h"},
        "steps": [dict(EMPTY_STEP)],
        "rhythm": rhythm,
    }


def filled(definition: Mapping[str, Any]) -> Tree:
    """The form of a stored campaign (as `campaign_to_mapping` writes it)."""
    rhythm = definition["rhythm"]
    own = [
        _laid_over(rhythms, rhythm) | {"name": name}
        for name, rhythms in rhythm["channel"].items()
        if rhythms != {key: value for key, value in rhythm.items() if key != "channel"}
    ]
    return {
        **{name: str(definition[name]) for name in _PLAIN},
        **{name: "" if definition[name] is None else f"{definition[name]:g}" for name in _MONEY},
        **{name: list(definition[name]) for name in _CHOICES},
        "more_regions": "",
        "more_categories": "",
        "late_grace": _duration_fields(definition["late_grace"]),
        "require_image": definition["require_image"],
        "steps": [{**step, "after": _duration_fields(step["after"])} for step in definition["steps"]],
        "calls": [call_fields(call) for call in definition["calls"]],
        "rhythm": _rhythm_fields(rhythm) | {"channel": own},
    }


def _duration_fields(text: str) -> Tree:
    if text == "0ms":
        return {"n": "0", "unit": "d"}
    match = _DURATION.fullmatch(text)
    return {"n": match[1], "unit": match[2]} if match else {"n": text, "unit": ""}


def call_fields(call: Mapping[str, Any]) -> Tree:
    """A call with its rule in the form's fields, where it is one that the form knows."""
    found = EMPTY_CALL | {"name": call["name"], "templates": list(call["templates"]), "link": call.get("link", "")}
    rule = call["recurs"].removeprefix("RRULE:")
    if match := _WEEKLY.fullmatch(rule):
        return found | {"kind": "weekly", "every": match[1] or "1", "weekday": match[2]}
    if match := _MONTHLY.fullmatch(rule):
        return found | {"kind": "monthly", "every": match[1] or "1", "ordinal": match[2], "weekday": match[3]}
    if match := _MONTH_DAY.fullmatch(rule):
        return found | {"kind": "month_day", "every": match[1] or "1", "day": match[2]}
    return found | {"kind": "rule", "rule": rule}


def _rhythm_fields(rhythm: Mapping[str, Any]) -> Tree:
    slots = [dict(zip(("weekday", "at"), slot.split(" ", 1), strict=True)) for slot in rhythm["slots"]]
    quiet = [dict(zip(("start", "end"), hours.split("-", 1), strict=True)) for hours in rhythm["quiet"]]
    return {
        "slots": slots,
        "own_quiet": True,
        "quiet": quiet,
        "max_per_day": _number(rhythm["max_per_day"]),
        "max_per_week": _number(rhythm["max_per_week"]),
        "min_gap": {"n": "", "unit": "h"} if rhythm["min_gap"] == "0ms" else _duration_fields(rhythm["min_gap"]),
        "skip_holidays": _flag(rhythm["skip_holidays"]),
        "own_blackouts": True,
        "blackouts": [dict(blackout) for blackout in rhythm["blackouts"]],
    }


def _laid_over(own: Mapping[str, Any], base: Mapping[str, Any]) -> Tree:
    """What a channel has of its own; what is as for all is left empty."""
    fields = _rhythm_fields(own)
    same = {name for name in own if own[name] == base[name]}
    if own["min_gap"] == "0ms" and "min_gap" not in same:
        fields["min_gap"] = {"n": "0", "unit": "h"}
    empty: Tree = {"slots": [], "max_per_day": "", "max_per_week": "", "min_gap": {"n": "", "unit": "h"}}
    empty |= {"skip_holidays": "", "quiet": [], "blackouts": []}
    fields |= {name: empty[name] for name in same}
    return fields | {"own_quiet": "quiet" not in same, "own_blackouts": "blackouts" not in same}


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _flag(value: bool) -> str:
    return "true" if value else "false"


# --- a form as a definition ------------------------------------------------------------------------------------


def definition(form: Tree) -> dict[str, Any]:
    """The campaign file's values that the form makes; what can't be read stays as typed, for the parser to refuse."""
    found: dict[str, Any] = {
        "name": form["name"] or short_name(form["title"]),
        **{name: _day(form[name]) for name in ("starts", "ends")},
        "portals": form["portals"],
        "regions": _several(form["regions"], form["more_regions"]),
        "categories": _several(form["categories"], form["more_categories"]),
        "channels": form["channels"],
        "approval": form["approval"],
        "require_image": form["require_image"],
        "steps": [
            {
                "name": step["name"],
                "templates": step["templates"],
                "after": _duration(step["after"]) or "0d",
                "picture": step["picture"],
            }
            for step in form["steps"]
        ],
        "calls": [_call(call) for call in form["calls"]],
    }
    optional: dict[str, Any] = {name: form[name] for name in ("title", "utm_campaign")}
    optional |= {"announce_published_from": _day(form["announce_published_from"])}
    optional |= {name: _amount(form[name]) for name in _MONEY}
    optional |= {"late_grace": _duration(form["late_grace"])}
    found |= {name: value for name, value in optional.items() if value != ""}
    for name in ("starts", "ends"):
        if found[name] == "":
            del found[name]
    own = {row["name"]: _rhythm(row, base=False) for row in form["rhythm"]["channel"] if row["name"]}
    return found | {"rhythm": _rhythm(form["rhythm"], base=True) | {"channel": own}}


def _day(text: str) -> str:
    """A day as the file writes it; typed as 24.12.2026 too, where the browser has no field for dates."""
    try:
        return datetime.strptime(text, "%d.%m.%Y").date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return text


def _several(chosen: list[str], more: str) -> list[str]:
    return list(dict.fromkeys([*chosen, *(part.strip() for part in more.split(";") if part.strip())]))


def _duration(fields: Tree) -> str:
    return f"{fields['n']}{fields['unit']}" if fields["n"] else ""


def _amount(text: str) -> float | str:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _count(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def _call(call: Tree) -> Tree:
    found = {"name": call["name"], "templates": call["templates"], "recurs": _rule(call)}
    return found | ({"link": call["link"]} if call["link"] else {})


def _rule(call: Tree) -> str:
    if call["kind"] == "rule":
        return str(call["rule"])
    every = "" if call["every"] in ("", "1") else f";INTERVAL={call['every']}"
    if call["kind"] == "weekly":
        return f"FREQ=WEEKLY{every};BYDAY={call['weekday']}"
    if call["kind"] == "month_day":
        return f"FREQ=MONTHLY{every};BYMONTHDAY={call['day']}"
    return f"FREQ=MONTHLY{every};BYDAY={call['ordinal']}{call['weekday']}"


def _rhythm(fields: Tree, *, base: bool) -> Tree:
    """A rhythm's values; of a channel only those that it has of its own."""
    found: Tree = {}
    if base or fields["slots"]:
        found["slots"] = [f"{row['weekday']} {row['at']}".strip() for row in fields["slots"]]
    if base or fields["own_quiet"]:
        found["quiet"] = [f"{row['start']}-{row['end']}" for row in fields["quiet"]]
    for name in _CAPS:
        if fields[name]:
            found[name] = _count(fields[name])
    if fields["min_gap"]["n"]:
        found["min_gap"] = _duration(fields["min_gap"])
    if fields["skip_holidays"]:
        found["skip_holidays"] = fields["skip_holidays"] == "true"
    if base or fields["own_blackouts"]:
        found["blackouts"] = [_blackout(row) for row in fields["blackouts"]]
    return found


def _blackout(row: Tree) -> Tree:
    days = {name: _day(row[name]) for name in ("from", "to") if row[name]}
    return days | {"reason": row["reason"]}


def short_name(title: str) -> str:
    """A name made of a title, such as addresses and reports carry it."""
    for letter, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        title = title.casefold().replace(letter, written)
    plain = unicodedata.normalize("NFKD", title)
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:60].strip("-")


# --- more and fewer rows ---------------------------------------------------------------------------------------

_EMPTY_ROWS: dict[str, Tree] = {
    "steps": EMPTY_STEP,
    "calls": EMPTY_CALL,
    "slots": EMPTY_SLOT,
    "quiet": EMPTY_QUIET,
    "blackouts": EMPTY_BLACKOUT,
}


def change(form: Tree, wish: str) -> str:
    """Do what a button of the form asks for: "more:steps", "less:rhythm.slots:2", "up:steps:1".

    Returns the path of the row that is to be filled or looked at next, empty where there is none; what is no such
    wish changes nothing.
    """
    verb, _, rest = wish.partition(":")
    path, _, number = rest.partition(":")
    rows = _rows(form, path)
    if rows is None:
        return ""
    if verb == "more":
        return _more(rows, path, number)
    if not (number.isdecimal() and len(number) < 5 and int(number) < len(rows)):
        return ""
    at = int(number)
    if verb == "less":
        del rows[at]
        return f"{path}.{min(at, len(rows) - 1)}" if rows else ""
    if verb == "up" and at:
        rows[at - 1], rows[at] = rows[at], rows[at - 1]
        return f"{path}.{at - 1}"
    return ""


def _rows(form: Tree, path: str) -> list[Any] | None:
    """The group of rows under a path."""
    found: Any = form
    for part in path.split("."):
        if isinstance(found, list) and part.isdecimal() and len(part) < 5 and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict) and part in found:
            found = found[part]
        else:
            return None
    return found if isinstance(found, list) else None


def _more(rows: list[Any], path: str, name: str) -> str:
    """One row more, where the path is that of a group; of a step's templates one field more."""
    last = path.rpartition(".")[2]
    if len(rows) >= MOST_ROWS:
        return ""
    if path == "rhythm.channel":
        if not name or name in {row["name"] for row in rows}:
            return ""
        rows.append(_Sent({}).rhythm("") | {"name": name, "slots": [dict(EMPTY_SLOT)]})
    elif last == "templates":
        rows.append("")
    elif last in _EMPTY_ROWS:
        rows.append(dict(_EMPTY_ROWS[last]))
    else:
        return ""
    return f"{path}.{len(rows) - 1}"


# --- where a problem belongs -----------------------------------------------------------------------------------


def field_of(found: Problem, form: Tree) -> str:
    """The path of the field beside which a problem is told; empty for one of the whole campaign."""
    if found.key == "name" and not form["name"]:
        return "title"  # it is made of that
    path = _KEY.sub(lambda match: f".{int(match[1]) - 1}", found.key)
    for number, row in enumerate(form["rhythm"]["channel"]):
        start = f'rhythm.channel."{row["name"]}"'
        if path == start or path.startswith(f"{start}."):
            path = f"rhythm.channel.{number}{path[len(start) :]}"
            break
    path = re.sub(r"\.template$", ".templates", path)
    return "" if '"' in path else path
