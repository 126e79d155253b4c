"""The build's short form of the crash harness: the last two columns of `./run.sh chaos --quick` must be zeros."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.__main__ import SOAK
from tests.chaos.windows import WINDOWS

ROOT = Path(__file__).parents[2]
# What the fault itself makes a person's matter: the network's refusal, and a repetition that nobody can find.
PERSONS = {"refused for what it says", "refused as a repetition after a doubt", SOAK}


# Some two hundred runs, each with processes of its own, beside whatever else the build runs.
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("database", "part"), [("sqlite", "1/2"), ("postgresql", "2/2")])
def test_no_window_posts_twice_or_loses_and_what_can_be_known_is_known(
    database: str, part: str, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.json"
    # A process of its own: the harness forks, and this one runs threads.
    command = [sys.executable, "-m", "tests.chaos", "--quick", "--part", part, "--database", database]
    command += ["--json", str(rows)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert rows.exists(), ended.stderr[-4000:]
    told: list[dict[str, Any]] = json.loads(rows.read_text(encoding="utf-8"))
    assert [row["window"] for row in told] == [*(window.name for window in WINDOWS), SOAK]
    wrong = [row for row in told if row["twice"] or row["lost"]]
    assert (wrong, ended.returncode) == ([], 0), ended.stderr[-4000:]
    assert {row["window"] for row in told if row["handed_over"]} <= PERSONS
    for row in told:
        assert row["posted_once"] + row["cancelled"] + row["handed_over"] == row["deliveries"], row
