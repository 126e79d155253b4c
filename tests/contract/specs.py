"""Where the networks' published API specifications lie; they are not part of this repository.

`KREATIVORTE_SPECS` names their folder; else a folder `specs` beside the project, or `shared/specs` beside it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def spec_path(name: str) -> Path:
    """The file of that name. Where it is missing the test is skipped with a sentence, and fails when CI=true."""
    for folder in _folders():
        if (folder / name).is_file():
            return folder / name
    sentence = f"The specification {name} was not found; KREATIVORTE_SPECS names the folder it lies in."
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def load_spec(name: str) -> dict[str, Any]:
    """The parsed specification; missing files are treated as in `spec_path`."""
    document: dict[str, Any] = json.loads(spec_path(name).read_text(encoding="utf-8"))
    return document


def _folders() -> tuple[Path, ...]:
    named = os.environ.get("KREATIVORTE_SPECS")
    if named:
        return (Path(named),)
    return (PROJECT.parent / "shared" / "specs", PROJECT.parent / "specs", PROJECT / "specs")
