"""Parts of the pages that need no application: texts, dates, addresses, figures, and what the build fetches."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from campaign.roles import Role
from campaign.web import health, language, log, page
from campaign.web.door import own_path
from campaign.web.rules import RULES
from posts.states import Event, State

ROOT = Path(__file__).parent.parent.parent
PAGES = ROOT / "templates" / "web"
ASSETS = ROOT / "deploy" / "assets"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


# --- texts


def catalogue() -> dict[str, str]:
    with (PAGES / language.CATALOGUE).open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale="en") if one.id}


def test_every_text_of_the_pages_stands_in_the_english_catalogue_and_no_other() -> None:
    assert set(catalogue()) == {str(text) for text in language.texts(PAGES)}, "run ./run.sh docs"


def test_every_text_is_translated_with_the_same_variables() -> None:
    for german, english in catalogue().items():
        assert english.strip(), f"no English yet for {german!r}"
        assert sorted(re.findall(r"%\(\w+\)s|<[^>]+>", german)) == sorted(re.findall(r"%\(\w+\)s|<[^>]+>", english))


def test_renewing_a_catalogue_that_is_whole_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "web"
    shutil.copytree(PAGES, copy, ignore=shutil.ignore_patterns("assets"))
    assert language.renew(copy) == []
    assert (copy / language.CATALOGUE).read_bytes() == (PAGES / language.CATALOGUE).read_bytes()


def test_a_new_text_enters_the_catalogue_empty_and_is_named(tmp_path: Path) -> None:
    copy = tmp_path / "web"
    shutil.copytree(PAGES, copy, ignore=shutil.ignore_patterns("assets"))
    (copy / "new.html").write_text("{% trans %}Neu hier{% endtrans %}", encoding="utf-8")
    assert language.renew(copy) == ["Neu hier"]
    assert 'msgid "Neu hier"\nmsgstr ""' in (copy / language.CATALOGUE).read_text(encoding="utf-8")


def noted_events() -> set[str]:
    """The words that code writes into the log, where they stand there as they are."""
    found: set[str] = set()
    for file in [*(ROOT / "campaign").rglob("*.py"), *(ROOT / "posts").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "note":
                found |= {
                    str(leaf.value)
                    for argument in node.args[1:2]
                    for leaf in ast.walk(argument)
                    if isinstance(leaf, ast.Constant) and re.fullmatch(r"[a-z_]{2,}", str(leaf.value))
                }
    return found


def test_every_event_of_the_log_has_its_words() -> None:
    events = noted_events() | {event.value for event in Event}
    assert len(events) > 30
    # "channel_" is the beginning of channel_paused, channel_resumed and channel_removed.
    assert {one for one in events if one not in log.EVENTS} <= {"channel_"}


def test_every_state_and_role_has_its_words() -> None:
    assert set(page.STATES) == {state.value for state in State}
    assert set(page.ROLES) == {role.value for role in Role}


# --- roles


def test_each_role_includes_those_before_it() -> None:
    for number, role in enumerate(Role):
        assert [role.includes(other) for other in Role] == [index <= number for index in range(len(Role))]


def test_a_page_of_the_navigation_has_a_rule_or_is_not_there_yet() -> None:
    labels = [entry.label for entry in page.NAVIGATION]
    assert labels[0] == "Heute" and len(set(labels)) == len(labels)
    assert ("GET", "/heute") in RULES and ("GET", "/protokoll") in RULES


# --- addresses


@pytest.mark.parametrize("path", ["/heute", "/protokoll?worte=a%20b", "/a#b"])
def test_own_paths_are_kept(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize("path", ["", "heute", "//evil", "/\\evil", "https://evil", "/\n/evil", "javascript:alert(1)"])
def test_other_hosts_are_no_own_path(path: str) -> None:
    assert own_path(path) == "/"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//x", "", None, "http://", "ftp://x/y"]
)
def test_only_web_addresses_become_links(address: str | None) -> None:
    assert page.safe_address(address) == ""


# --- dates


def test_dates_are_written_as_people_write_them() -> None:
    zone = ZoneInfo("Europe/Berlin")
    german, english = language.Dates("de", zone), language.Dates("en", zone)
    assert german.instant(NOW) == "Di., 24.11.2026, 10:00"
    assert english.instant(NOW) == "Tue 24 Nov 2026, 10:00"
    assert (german.day(NOW), english.day(NOW)) == ("Dienstag, 24. November 2026", "Tuesday, 24 November 2026")
    assert german.time("2026-07-01T10:00:00+00:00") == "12:00"
    assert german.since(NOW - timedelta(minutes=3), NOW) == "vor 3 Minuten"
    assert german.past("2026-11-24T09:59:59+01:00", NOW) and not german.past("2026-11-24T10:00:00+01:00", NOW)


# --- figures


def test_figures_have_prometheus_names() -> None:
    text = health.exposition({"announcements:posted": 3.0, "overdue": 1.0, "brake": 0.0}).decode()
    assert 'kreativorte_announcements{state="posted"} 3.0' in text
    assert "kreativorte_announcements_overdue 1.0" in text


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_calculate_is_text(value: str) -> None:
    assert log._cell(value) == "'" + value


# --- what the build fetches


def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_assets", ROOT / "deploy" / "build_assets.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_assets_are_there_and_of_the_locked_versions() -> None:
    module = hook()
    assert module._current(module.VENDOR, module.FILES)
    assert all((module.VENDOR / name).stat().st_size > 0 for name in module.FILES)


def test_the_lock_pins_by_hash_and_names_no_address() -> None:
    lock = json.loads((ASSETS / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages and all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert not any("resolved" in one for one in packages.values())


def test_every_package_of_npm_is_named_with_its_reason() -> None:
    package = json.loads((ASSETS / "package.json").read_text(encoding="utf-8"))
    listed = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for name in [*package["dependencies"], *package["devDependencies"]]:
        assert f"\n| {name} | " in listed


def test_nothing_of_others_is_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"vendor/", "node_modules/"} <= set(ignored)
