"""Reads docs/outcomes.md, which shows the networks' tables of answers as they stand in the code."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from posts.networks.publisher import Rule

PAGE = Path(__file__).resolve().parents[2] / "docs" / "outcomes.md"


def rows_of(heading: str) -> list[str]:
    """The table rows under a heading of the page, without the table's own head."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def rows_for(rules: Iterable[Rule]) -> list[str]:
    """The rows that these rules must have there."""
    return [f"| {rule.answer} | {_outcome(rule)} | `{rule.reason}` | {rule.meaning} |" for rule in rules]


def _outcome(rule: Rule) -> str:
    more = [
        word for word, applies in (("duplicate", rule.duplicate), ("this post only", rule.scope == "post")) if applies
    ]
    if rule.wait is not None:
        more.append(f"at least {rule.wait // timedelta(minutes=1)} min")
    return f"{rule.outcome.__name__} ({', '.join(more)})" if more else rule.outcome.__name__
