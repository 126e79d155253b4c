"""The street: scheduler.py knows the application and APScheduler, nothing of the engine behind it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ENTRY = Path(__file__).parent.parent.parent / "scheduler.py"
NEIGHBOURS = {"campaign", "apscheduler"}


def imported_roots() -> set[str]:
    """The first name of everything that scheduler.py imports, wherever in the file."""
    roots: set[str] = set()
    for node in ast.walk(ast.parse(ENTRY.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {name.name.split(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None
            roots.add(node.module.split(".")[0])
    return roots


def test_the_entry_imports_its_neighbours_and_the_standard_library_only() -> None:
    assert imported_roots() - sys.stdlib_module_names == NEIGHBOURS
