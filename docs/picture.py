"""Draws docs/demo.svg: what `kreativorte demo` really prints, shortened section by section.

Run as `.venv/bin/python docs/picture.py` after the demonstration's face has changed. The picture names no font to
fetch and no address to load, so that looking at the documentation asks nobody anything.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "demo.svg"
WIDTH = 110
SECTIONS = {"1": 8, "2": 8, "3": 14, "4": 26, "5": 8, "6": 12}
"""Lines kept of each numbered section; what follows is left out with a mark."""
_HEADING = re.compile(r"^─+ (\d) · ")
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")


def recording() -> str:
    """What the demonstration prints on a colour terminal of WIDTH columns."""
    colours = {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    command = [sys.executable, str(ROOT / "scheduler.py"), "demo", "--no-serve"]
    done = subprocess.run(command, env=os.environ | colours, cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603
    return done.stdout.decode()


def shortened(printed: str) -> list[Text]:
    """The first lines of each section; the panel before the first section stays whole."""
    kept: list[Text] = []
    room = len(printed)
    for line in map(Text.from_ansi, printed.splitlines()):
        heading = _HEADING.match(line.plain)
        if heading:
            room = SECTIONS[heading[1]]
        if room == 0:
            kept.append(Text("  …", style="dim"))
        if room > 0:
            kept.append(line)
        room -= 1
    return kept


def drawing(lines: list[Text]) -> str:
    """The lines as an SVG without embedded or remote fonts."""
    console = Console(record=True, file=io.StringIO(), width=WIDTH, force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop", crop=True)
    return _FONT_FACE.sub("", console.export_svg(title="kreativorte demo")).replace("Fira Code, ", "")


if __name__ == "__main__":
    PICTURE.write_text(drawing(shortened(recording())), encoding="utf-8")
