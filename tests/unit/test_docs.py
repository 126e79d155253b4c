"""The documentation says what the code does: generated pages, named commands, links and the picture."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

import scheduler  # noqa: F401 - hands daemon and demo to the command line
from campaign import cli, planner, planning
from campaign.news import REASONS
from campaign.settings import SETTINGS, documentation
from posts.states import MEANING, TRANSITIONS, State

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")])
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *(line for lines in PROJECT["optional-dependencies"].values() for line in lines),
]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- generated pages


def test_the_settings_page_is_the_table_of_settings() -> None:
    assert text_of(DOCS / "settings.md") == documentation(), "run ./run.sh docs"


def test_the_settings_page_names_every_setting() -> None:
    page = text_of(DOCS / "settings.md")
    assert all(f"| `{setting.name}` |" in page for setting in SETTINGS)


def test_the_architecture_page_shows_the_states_of_the_code() -> None:
    page = text_of(DOCS / "architecture.md")
    assert script("make").with_states(page) == page, "run ./run.sh docs"


def test_the_diagram_holds_every_move_and_every_state() -> None:
    section = script("make").states_section()
    for (seen, event), to in TRANSITIONS.items():
        assert f"{seen.value} --> {to.value}: {event.value}" in section
    for state in State:
        assert f"| `{state.value}` | {MEANING[state]} |" in section


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers"):
        script("make").with_states("# A page\n")


# --- dependencies


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_dependency_is_listed_with_its_floor(requirement: str) -> None:
    match = re.fullmatch(r"([a-z0-9-]+)(?:\[\w+\])?(?:>=([\w.]+))?(?:,<([\w.]+))?", requirement)
    assert match is not None, requirement
    name, floor, below = match.groups()
    listed = (floor or "any") + (f", below {below}" if below else "")
    assert f"| {name} | {listed} | " in text_of(DOCS / "dependencies.md")


def test_nothing_is_listed_that_is_no_dependency() -> None:
    named = {re.split(r"[\[>]", line)[0] for line in REQUIREMENTS}
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \| [\da]", text_of(DOCS / "dependencies.md"), re.MULTILINE))
    assert listed == named


# --- what pages point to


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text_of(page))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_verbs_of_the_one_door_exist(page: Path) -> None:
    verbs = set(re.findall(r"^([a-z]+)\) # ", text_of(ROOT / "run.sh"), re.MULTILINE))
    named = set(re.findall(r"\./run\.sh ([a-z]+)", text_of(page)))
    assert named <= verbs


def command_lines(text: str) -> list[list[str]]:
    """What pages tell a reader to type: the words behind `kreativorte`, options before the verb left out."""
    typed = re.findall(
        r"(?:^ {4,}|`|bin/|run\.sh |^)kreativorte ((?:--[a-z]+ \S+ )*[a-z-]+[^`#|\n]*)", text, re.MULTILINE
    )
    return [re.sub(r"^(--[a-z]+ \S+ )*", "", line).split() for line in typed]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_pages_name_exist(page: Path) -> None:
    root: Any = typer.main.get_command(cli.cli)
    for words in command_lines(text_of(page)):
        command = root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert command is not root or words == ["--help"], words
        known = {"--help"} | {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, f"{command.name} {words}"


def test_pages_name_commands_at_all() -> None:
    assert sum(len(command_lines(text_of(page))) for page in PAGES) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_pages_name_by_their_dotted_name_exist(page: Path) -> None:
    tables = {setting.name.split(".")[0] for setting in SETTINGS if "." in setting.name}
    dotted = re.findall(r"`([a-z]+)\.([a-z_.]+)\b[^`]*`", text_of(page))
    named = {f"{table}.{name}" for table, name in dotted if table in tables and name != "json"}
    assert named <= {setting.name for setting in SETTINGS}


# --- what staff read


@pytest.mark.parametrize("state", list(State))
def test_staff_read_what_each_state_asks_of_them(state: State) -> None:
    assert f"\n| `{state.value}` | " in text_of(DOCS / "team.md")


@pytest.mark.parametrize("reason", sorted(planning._PREFLIGHT | planner._OWN_REASONS | {"link_dead", "image_unusable"}))
def test_staff_read_what_each_hold_asks_of_them(reason: str) -> None:
    assert f"\n| {REASONS[reason][0].format('…')} | " in text_of(DOCS / "team.md")


# --- the picture


def test_the_picture_loads_nothing_and_stays_small() -> None:
    picture = text_of(DOCS / "demo.svg")
    assert len(picture.encode()) < 200_000
    assert not re.search(r"@font-face|@import|href=|url\((?!#)|<script|<image", picture)
    assert "Sandkasten" in picture


def test_the_picture_is_the_first_lines_of_each_section() -> None:
    printed = "\n".join(["Vorführung", "── 1 · Orte ──", *(f"Zeile {number}" for number in range(40))])
    lines = [line.plain for line in script("picture").shortened(printed)]
    assert lines == ["Vorführung", "── 1 · Orte ──", *(f"Zeile {number}" for number in range(7)), "  …"]


# --- the service


def test_the_service_runs_a_command_that_exists_and_ends_it_cleanly() -> None:
    unit = text_of(ROOT / "deploy" / "kreativorte.service")
    assert re.search(r"^ExecStart=\S+/kreativorte daemon$", unit, re.MULTILINE)
    assert "RestartPreventExitStatus=2" in unit


def test_the_pages_service_runs_a_command_that_exists() -> None:
    unit = text_of(ROOT / "deploy" / "kreativorte-web.service")
    assert re.search(r"^ExecStart=\S+/kreativorte serve$", unit, re.MULTILINE)
    assert "RestartPreventExitStatus=2" in unit


def test_every_test_that_the_page_of_windows_names_is_there() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", page))
    missing = [one for one in named if f"def {one}(" not in sources and not list((ROOT / "tests").rglob(f"{one}.py"))]
    assert len(named) > 25
    assert missing == []
