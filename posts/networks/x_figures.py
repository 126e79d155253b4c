"""Reading engagement out of X's answers, and choosing the cheapest way to ask.

Facts (docs.x.com): a post on the account's own time-line costs 0.001 USD where the account owns the app, any other
reading 0.005; private metrics exist for thirty days; the time-line goes 3,200 posts back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from posts.figures import Figure, Posted, counted

OWNED_READ, READ = 0.001, 0.005
"""US dollars for each post that a call returns (pricing of 2026-08-13)."""
PRIVATE_DAYS = timedelta(days=29, hours=23)
"""Private metrics are asked for while a post is younger: X gives them for thirty days, by its own clock."""
TOGETHER = timedelta(days=1)
"""Posts whose instants lie this close are asked for in one window: a call less, at the price of what lies between."""
EDGE = timedelta(seconds=2)
"""How far a window reaches beyond its posts: X counts whole seconds."""


@dataclass(frozen=True)
class Window:
    """A part of the time-line that holds wanted posts; `private` where their private metrics are to be had."""

    start: datetime
    end: datetime
    posts: tuple[Posted, ...]
    private: bool


def windows(posts: Sequence[Posted], now: datetime) -> Iterator[Window]:
    """The windows that hold these posts, the newest first. None holds posts on both sides of the private days: asking
    for private metrics of older ones can empty the whole answer."""
    run: list[Posted] = []
    for post in sorted(posts, key=lambda one: one.posted_at, reverse=True):
        if run and not _together(run[-1], post, now):
            yield _window(run, now)
            run = []
        run.append(post)
    if run:
        yield _window(run, now)


def _together(newer: Posted, older: Posted, now: datetime) -> bool:
    close = newer.posted_at - older.posted_at <= TOGETHER
    return close and is_private(newer, now) == is_private(older, now)


def _window(run: list[Posted], now: datetime) -> Window:
    return Window(
        run[-1].posted_at - EDGE, min(run[0].posted_at + EDGE, now), tuple(run), private=is_private(run[0], now)
    )


def is_private(post: Posted, now: datetime) -> bool:
    """Whether the post is young enough for private metrics."""
    return now - post.posted_at < PRIVATE_DAYS


def fields(private: bool) -> str:
    """What is asked of each post."""
    return "created_at,public_metrics" + (",non_public_metrics" if private else "")


def figures_of(row: Mapping[str, Any], private: bool) -> dict[str, Figure]:
    """The figures of one post. Handing on is reposting and quoting together. Link clicks are private: of an older
    post they are not asked for, and nothing is said of them."""
    public = row.get("public_metrics")
    public = public if isinstance(public, dict) else {}
    reposts = "repost_count" if "repost_count" in public else "retweet_count"
    found = {
        "views": Figure(counted(public.get("impression_count")), "public_metrics.impression_count"),
        "reactions": Figure(counted(public.get("like_count")), "public_metrics.like_count"),
        "comments": Figure(counted(public.get("reply_count")), "public_metrics.reply_count"),
        "shares": Figure(
            _sum(counted(public.get(reposts)), counted(public.get("quote_count"))),
            f"public_metrics.{reposts}+quote_count",
        ),
    }
    if private:
        inner = row.get("non_public_metrics")
        clicks = inner.get("url_link_clicks") if isinstance(inner, dict) else None
        found["link_clicks"] = Figure(counted(clicks), "non_public_metrics.url_link_clicks")
    return found


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


@dataclass(frozen=True)
class FiguresPage:
    """One answer: the figures by remote id, what X says does not exist, how many posts it returned, the next token."""

    figures: Mapping[str, Mapping[str, Figure]]
    gone: frozenset[str]
    returned: int
    next_token: str | None


def figures_page(body: object, private: bool) -> FiguresPage:
    """A page of a time-line or of posts by ids. Raises ValueError when it has another shape than documented.

    A post whose private metrics X refuses stands among the errors; it is neither told nor gone.
    """
    if not isinstance(body, dict):
        raise ValueError("the answer has another shape than documented")
    rows, meta = body.get("data", []), body.get("meta", {})
    if not isinstance(rows, list) or not isinstance(meta, dict):
        raise ValueError("the answer has another shape than documented")
    known = [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
    token = meta.get("next_token")
    return FiguresPage(
        {row["id"]: figures_of(row, private) for row in known},
        frozenset(_gone(body.get("errors"))),
        len(known),
        token if isinstance(token, str) and token else None,
    )


def _gone(errors: object) -> Iterator[str]:
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict) and str(error.get("type", "")).rsplit("/", 1)[-1] == "resource-not-found":
            yield str(error.get("resource_id") or error.get("value") or "")
