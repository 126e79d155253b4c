"""Writes what docs/architecture.md takes from the code: the diagram and the table of states, between two markers.

Run by `./run.sh docs`; a test holds page and code equal.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

# Found once the project's root is on the path.
from campaign.web import language  # noqa: E402
from posts.states import FINAL, MEANING, TRANSITIONS, State  # noqa: E402

PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- states: begin -->", "<!-- states: end -->"


def states_section() -> str:
    """The diagram (mermaid) and the table of all states, as they stand between the markers."""
    return "\n".join([BEGIN, "", *_diagram(), "", *_table(), "", END])


def _diagram() -> list[str]:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {state.value}" for state in (State.DRAFT, State.APPROVED, State.HELD)]
    lines += [f"    {seen.value} --> {to.value}: {event.value}" for (seen, event), to in TRANSITIONS.items()]
    lines += [f"    {state.value} --> [*]" for state in State if state in FINAL]
    return [*lines, "```"]


def _table() -> list[str]:
    return ["| state | meaning |", "|---|---|", *(f"| `{state.value}` | {MEANING[state]} |" for state in State)]


def with_states(page: str) -> str:
    """The page with the section between its markers renewed. Raises ValueError when a marker is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/architecture.md needs the markers {BEGIN} and {END}")
    return before + states_section() + after


if __name__ == "__main__":
    PAGE.write_text(with_states(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    for missing in language.renew(ROOT / "templates" / "web"):
        print(f"templates/web/en.po: no English yet for {missing!r}", file=sys.stderr)
