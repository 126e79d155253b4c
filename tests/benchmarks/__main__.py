"""`./run.sh bench`: speed as ratios, each measured side by side in one run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.agenda import calendar_month
from tests.benchmarks.figures import report_of_a_month
from tests.benchmarks.portals import unchanged_poll
from tests.benchmarks.side_by_side import Comparison

BENCHMARKS = (unchanged_poll, calendar_month, report_of_a_month)


def main() -> int:
    """Measure everything; 0 when all targets are met."""
    parser = argparse.ArgumentParser(prog="./run.sh bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, within five minutes")
    parser.add_argument("--json", type=Path, help="write the rows to this file as well")
    asked = parser.parse_args()
    found = [row for measure in BENCHMARKS for row in measure(asked.quick)]
    if asked.json:
        rows = [row.to_json() for row in found]
        asked.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    Console().print(_table(found))
    return 0 if all(row.met for row in found) else 1


def _table(found: list[Comparison]) -> Table:
    drawn = Table("what", "beside", "ratio", "spread", "target", "met")
    for row in found:
        sign = "≤" if row.better == "lower" else "≥"
        spread = f"{min(row.ratios):.2f} – {max(row.ratios):.2f}"
        drawn.add_row(
            row.name, row.beside, f"{row.ratio:.2f}", spread, f"{sign} {row.target}", "yes" if row.met else "no"
        )
    return drawn


if __name__ == "__main__":
    sys.exit(main())
