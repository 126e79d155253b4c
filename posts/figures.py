"""Engagement figures: the vocabulary that all networks share, and what one look at posts brought back.

None is "not told" and never stands for zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

METRICS = ("views", "viewers", "reactions", "comments", "shares", "link_clicks")
"""Times seen, people who saw it, taps of approval, answers, handings on, clicks on the link. docs/kennzahlen.md says
what each network calls them."""


def counted(value: object) -> int | None:
    """A count that a network told; None for whatever can't be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62 else None


@dataclass(frozen=True)
class Posted:
    """A post that is out, as measuring needs to know it."""

    remote_id: str
    posted_at: datetime


@dataclass(frozen=True)
class Figure:
    """What a network told of one metric: the value (None: not told) and the network's own name of it."""

    value: int | None
    source: str


@dataclass(frozen=True)
class Look:
    """What one call for the figures of a channel's posts brought.

    `figures` by remote id and metric, `gone` the posts that the network does not know any more. What is in neither was
    not reached and is asked for again. `cost_usd` counts against the budget also where nothing came back. `lacking` are
    permissions without which less was asked for; what they would have shown is among the figures, as not told.
    """

    figures: Mapping[str, Mapping[str, Figure]]
    gone: frozenset[str] = frozenset()
    cost_usd: float = 0.0
    lacking: frozenset[str] = frozenset()
