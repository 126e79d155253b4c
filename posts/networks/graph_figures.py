"""Reading engagement out of Graph answers: pure functions over what `published_posts` and batches bring.

Facts: the fact sheet's section on metrics (docs/kennzahlen.md names the sources). Insights names are settings, for
Meta withdraws them in waves; counters of reactions, comments and shares need no insights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from posts.figures import Figure, counted

COMMENTS = "comments.limit(0).summary(total_count)"
REACTIONS = "reactions.limit(0).summary(total_count)"
EDGES = ("reactions", "comments")
LINK_CLICKS = "link clicks"
"""The key of `post_clicks_by_type` that counts clicks on the link."""
GONE = (100, 33)
"""Code and subcode of a post that is deleted or hidden from us; believed only while the Page itself can be read."""


@dataclass(frozen=True)
class Asking:
    """What is asked of each post. `names` maps our metrics to insights; `edges` are the counters of reactions and
    comments. Either wants a permission of its own, and is left out where that is missing."""

    names: Mapping[str, str]
    edges: bool = True
    insights: bool = True

    @property
    def fields(self) -> str:
        """The `fields` of a call."""
        parts = ["id", "created_time", "shares"]
        if self.edges:
            parts += [COMMENTS, REACTIONS]
        if self.names and self.insights:
            parts.append(f"insights.metric({','.join(sorted(set(self.names.values())))})")
        return ",".join(parts)

    @property
    def lacking(self) -> frozenset[str]:
        """The permissions that seem to be missing."""
        wanted = ((self.edges, "pages_read_user_content"), (self.insights, "read_insights"))
        return frozenset(permission for granted, permission in wanted if not granted)


def figures_of(row: Mapping[str, Any], asking: Asking) -> dict[str, Figure]:
    """The figures of one post. A counter that is not there is not told, but for `shares`: Graph leaves that out where
    it is zero."""
    found = {"shares": Figure(_count(row.get("shares"), "count") or 0, "shares.count")}
    for metric in EDGES:
        edge = row.get(metric)
        value = _count(edge.get("summary") if isinstance(edge, dict) else None, "total_count")
        found[metric] = Figure(value, f"{metric}.summary.total_count")
    told = _insights(row)
    for metric, name in asking.names.items():
        found[metric] = _insight(told.get(name), name)
    return found


def _insights(row: Mapping[str, Any]) -> dict[str, Any]:
    edge = row.get("insights")
    entries = edge.get("data") if isinstance(edge, dict) else None
    found: dict[str, Any] = {}
    for entry in entries if isinstance(entries, list) else []:
        values = entry.get("values") if isinstance(entry, dict) else None
        if isinstance(values, list) and values and isinstance(values[-1], dict):
            found[str(entry.get("name"))] = values[-1].get("value")
    return found


def _insight(value: object, name: str) -> Figure:
    """A number, or the clicks on links among clicks by type; a type that nobody used is left out by Graph."""
    if isinstance(value, dict):
        return Figure(counted(value.get(LINK_CLICKS, 0)), f"{name}.{LINK_CLICKS}")
    return Figure(counted(value), name)


def _count(value: object, key: str) -> int | None:
    return counted(value.get(key)) if isinstance(value, dict) else None


@dataclass(frozen=True)
class FiguresPage:
    """One page of published posts with figures: by remote id, the oldest instant on it, and the next cursor."""

    figures: Mapping[str, Mapping[str, Figure]]
    oldest: datetime | None
    after: str | None


def figures_page(body: object, asking: Asking) -> FiguresPage:
    """A page of `published_posts`. Raises ValueError when it has another shape than documented."""
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(rows, list):
        raise ValueError("the list of posts has another shape than documented")
    known = [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
    instants = [instant for row in known if (instant := _created_at(row)) is not None]
    paging = body.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return FiguresPage(
        {row["id"]: figures_of(row, asking) for row in known},
        min(instants, default=None),
        after if isinstance(after, str) and after else None,
    )


def _created_at(row: Mapping[str, Any]) -> datetime | None:
    try:
        instant = datetime.fromisoformat(row["created_time"])
    except (KeyError, TypeError, ValueError):
        return None
    return instant.astimezone(UTC) if instant.tzinfo else None


@dataclass(frozen=True)
class Part:
    """One part of a batch: what it brought, or the code, subcode and words of its error; all None: ran out of time."""

    row: Mapping[str, Any] | None = None
    code: int | None = None
    subcode: int | None = None
    message: str = ""

    @property
    def gone(self) -> bool:
        """Whether the post is deleted, or hidden from us."""
        return (self.code, self.subcode) == GONE


def batch_parts(body: object, wanted: int) -> list[Part]:
    """The parts of a batch's answer, as many as were asked for. Raises ValueError for another shape."""
    if not isinstance(body, list) or len(body) != wanted:
        raise ValueError("the batch's answer has another number of parts than were asked for")
    return [_part(entry) for entry in body]


def _part(entry: object) -> Part:
    try:
        body = json.loads(entry["body"]) if isinstance(entry, dict) else None
    except (KeyError, TypeError, ValueError, RecursionError):
        return Part()
    if not isinstance(body, dict):
        return Part()
    error = body.get("error")
    if isinstance(error, dict):
        code, subcode = error.get("code"), error.get("error_subcode")
        return Part(
            code=code if isinstance(code, int) else None,
            subcode=subcode if isinstance(subcode, int) else None,
            message=str(error.get("message", "")),
        )
    return Part(row=body)
