"""The command line as scripts rely on it: exit codes, one JSON document, one sentence for bad input, no secrets."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import typer
from PIL import Image

import scheduler
from campaign import cli
from campaign.db import Database
from campaign.portals.presets import portal_config
from campaign.settings import load
from posts import ledger
from posts.drafts import Draft
from posts.sandbox.server import Server

ROOT = Path(__file__).parent.parent.parent
X_TOKENS = {
    "consumer_key": "hush-key",
    "consumer_secret": "hush-consumer",
    "access_token": "200-hush-token",
    "access_token_secret": "hush-access",
}
# Of the day, not of the second: several processes name their tests by it.
SOON = (datetime.now(UTC) + timedelta(days=1)).date().isoformat() + "T21:00+00:00"

CHANNEL = {"name", "network", "account", "regions", "api_base", "world", "paused", "token_expires", "problems"}
PULLED = {"portal", "seen", "new", "changed", "unchanged", "withdrawn", "returned", "held", "rejected"}
PLACE = {"id", "portal", "external_id", "name", "regions", "town", "categories", "url", "published_at", "withdrawn"}
# fmt: off
ANNOUNCEMENT = {
    "id", "campaign", "step", "occurrence", "place", "place_name", "channel", "network", "at", "state", "text",
    "sent_text", "link", "images", "variant", "template", "template_revision", "approved_by", "hold_reason", "problems",
    "remote_id", "permalink", "posted_at", "removed_at", "attempts", "cost_usd",
}
ENTRY = {
    "id", "seq", "at", "event", "announcement", "channel", "network", "attempt", "remote_id", "permalink", "actor",
    "detail", "prev", "hash",
}
# fmt: on
CAMPAIGN = """
name = "pilot"
title = "Pilot"
starts = 2026-01-01
ends = 2099-12-31
announce_published_from = 2020-01-01
channels = ["x"]
approval = "one"
[[steps]]
name = "vorstellung"
template = "vorstellung"
after = "0d"
[rhythm]
slots = ["Tue 10:00", "Thu 17:30"]
skip_holidays = false
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; anything beside it is an error."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """What a person is told; it is one line and nothing of ours shows through."""
        assert self.out == "" and "Traceback" not in self.err
        (line,) = self.err.strip().splitlines()
        return line


class House:
    """An installation in a folder of its own, on a sandbox, with a portal of three rows."""

    def __init__(self, directory: Path, sandbox: Server, patch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.directory = directory
        self._patch = patch
        self._capsys = capsys
        patch.chdir(directory)
        patch.setenv("KREATIVORTE_SANDBOX__URL", sandbox.url)
        patch.setenv("KREATIVORTE_PREFLIGHT__CHECK_LINKS", "false")
        patch.delenv("KREATIVORTE_CONFIG", raising=False)
        assert self.run("init").code == 0

    def run(self, *arguments: str, stdin: str = "") -> Ended:
        """One command, in this process."""
        self._patch.setattr(sys, "argv", ["kreativorte", *arguments])
        self._patch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        code = scheduler.main()
        said = self._capsys.readouterr()
        return Ended(code, said.out, said.err)

    def configure(self, text: str) -> None:
        """Another configuration; the database stays."""
        (self.directory / "kreativorte.toml").write_text(text, encoding="utf-8")

    def portal(self) -> None:
        """A portal with two good places and one without a name."""
        with sqlite3.connect(self.directory / "portal.db") as portal:
            portal.execute("CREATE TABLE orte (id INTEGER, name TEXT, url TEXT, published TEXT)")
            for number, name in enumerate(("Hof", "Mühle", ""), start=1):
                url = f"https://example.org/orte/{number}/"
                portal.execute("INSERT INTO orte VALUES (?, ?, ?, '2026-10-01')", (number, name, url))
        self.configure(
            '[portals.orte]\nurl = "sqlite:///portal.db"\ntable = "orte"\n[portals.orte.fields]\n'
            'id = "id"\nname = "name"\nurl = "url"\npublished_at = "published"\n'
        )

    def channel(self, name: str = "x") -> None:
        """A channel on the sandbox."""
        added = self.run(
            *("channel", "add", name, "--network", "twitter", "--account", "200", "--credentials", "-"),
            stdin=json.dumps(X_TOKENS),
        )
        assert added.code == 0, added.err

    def announcement(self, text: str = "Hallo", *options: str) -> int:
        """A free announcement's number."""
        added = self.run(*("announcement", "add", "--channel", "x", "--at", SOON, "--text", text, "--json", *options))
        assert added.code == 0, added.err
        number: int = added.document["id"]
        return number


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def house(
    tmp_path: Path, sandbox: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> House:
    return House(tmp_path, sandbox, monkeypatch, capsys)


# --- every command explains itself


def commands() -> list[tuple[str, ...]]:
    """The path of every command, groups included."""
    return [path for path, _ in _walk(typer.main.get_command(cli.cli), ())]


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _walk(below, (*path, name))


def test_all_commands_of_the_contract_are_there() -> None:
    announced = {" ".join(path) for path in commands()}
    verbs = "add import show approve hold release cancel retry edit move settle correct withdraw"
    assert {f"announcement {verb}" for verb in verbs.split()} <= announced
    assert {f"channel {verb}" for verb in ["add", "list", "check", "pause", "resume", "remove"]} <= announced
    assert {f"campaign {verb}" for verb in ["apply", "list", "show", "pause", "resume"]} <= announced
    assert {f"template {verb}" for verb in ["list", "check", "preview"]} <= announced
    assert {"log", "log verify", "stop-all", "go", "daemon", "doctor", "demo", "sandbox", "serve"} <= announced
    assert {"user add", "user list", "user passwd", "user remove"} <= announced
    assert {"init", "pull", "places", "plan", "announcements", "report"} <= announced


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_reads_like_a_manual_page(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["kreativorte", *path, "--help"])
    assert scheduler.main() == 0
    shown = capsys.readouterr().out
    assert shown.lstrip().startswith("Usage: ")
    command = dict(_walk(typer.main.get_command(cli.cli), ()))[path]
    summary = (command.help or "").strip()
    assert summary and summary.split("\n")[0].rstrip()[-1] in ".;"
    _, _, overview = shown.partition("Commands:")
    assert "..." not in overview, "a summary is too long for the overview"
    unexplained = [one.name for one in command.params if not getattr(one, "help", None) and one.name != "help"]
    assert not unexplained


@pytest.mark.parametrize("path", [path for path in commands() if path], ids=" ".join)
def test_an_option_that_does_not_exist_is_a_usage_error(path: tuple[str, ...], house: House) -> None:
    ended = house.run(*path, "--no-such-option")
    assert ended.code == 2
    assert "--no-such-option" in ended.sentence


# --- bad input: the exit code and one sentence


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("nosuch",), 2, "nosuch"),
        (("--config", "missing.toml", "places"), 2, "missing.toml"),
        (("pull", "nosuch"), 2, "nosuch"),
        (("plan", "--until", "soon"), 2, "'soon' is not a day"),
        (("plan", "--until", "9999-12-31"), 2, "9999"),
        (("announcements", "--from", "0001-01-01"), 2, "The year 1 "),
        (("announcements", "--to", "9999-12-31"), 2, "9999"),
        (("announcements", "--state", "lost"), 2, "'lost'"),
        (("announcement", "show", "99"), 1, "99"),
        (("announcement", "show", "9" * 30), 2, "less than"),
        (("announcement", "approve", "-1"), 2, "-1"),
        (("announcement", "approve", "0"), 2, "greater than"),
        (("announcement", "approve", "one"), 2, "integer"),
        (("announcement", "edit", "99", "--text", "x"), 1, "99"),
        (("announcement", "edit", "99", "--image", "a.jpg", "--no-image"), 2, "exclude"),
        (("announcement", "move", "99", "--at", "2027-01-01T10:00"), 1, "99"),
        (("announcement", "move", "99", "--at", "9999-12-31T23:59"), 2, "9999"),
        (("announcement", "move", "99", "--at", "now"), 2, "»now«"),
        (("announcement", "settle", "99"), 2, "--found"),
        (("announcement", "settle", "99", "--found", "1", "--absent"), 2, "--absent"),
        (("announcement", "settle", "99", "--absent"), 1, "99"),
        (("announcement", "import", "missing.csv"), 1, "missing.csv"),
        (("announcement", "add", "--channel", "no", "--at", SOON, "--text", "x"), 1, "»no«"),
        (
            ("announcement", "add", "--channel", "no", "--at", "0001-01-01T00:00", "--text", "x"),
            2,
            "nicht zwischen den Jahren",
        ),
        (("announcement", "add", "--channel", "no", "--text", "x"), 2, "--at"),
        (("campaign", "apply", "missing.toml"), 2, "missing.toml"),
        (("campaign", "show", "nosuch"), 1, "nosuch"),
        (("campaign", "pause", "nosuch"), 1, "nosuch"),
        (("channel", "pause", "nosuch"), 1, "nosuch"),
        (("channel", "check", "nosuch"), 1, "nosuch"),
        (("template", "preview", "nosuch", "--network", "twitter"), 1, "nosuch"),
        (("template", "preview", "vorstellung", "--network", "twitter", "--place", "9"), 1, "9"),
        (("log", "verify", "--head", "nonsense"), 2, "SEQ:HASH"),
        (("log", "--announcement", "0"), 2, "greater than"),
        (("daemon", "--until-idle", "nan"), 2, "--until-idle"),
        (("daemon", "--until-idle", "-1"), 2, "--until-idle"),
        (("init", "kreativorte.toml"), 2, "kreativorte.toml"),
        (("announcement", "show", "\udcff"), 2, "UTF-8"),
    ],
    ids=lambda value: " ".join(value)[:60].encode("ascii", "replace").decode() if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_sentence(arguments: tuple[str, ...], code: int, told: str, house: House) -> None:
    ended = house.run(*arguments)
    assert ended.code == code
    assert told in ended.sentence


REFUSED_IN: dict[str, dict[str, str]] = {
    "de": {
        "announcement show 99": "Diese Beiträge gibt es nicht: 99.",
        "announcement settle {0} --absent": "Beitrag {0} steht auf »draft«; zu klären gibt es nur etwas, wenn",
        "announcement edit {0} --text=": "Der Beitrag hat keinen Text. Gespeichert wurde nichts.",
        "announcement move {0} --at soon": "»soon« ist kein Zeitpunkt; schreiben Sie zum Beispiel 2026-12-01T10:00.",
        "announcement import bad.csv": "Zeile 0: Diese Spalten fehlen in der Kopfzeile: at, text;",
        "channel pause a{{b}}:c": "Einen Kanal »a{{b}}:c« gibt es nicht;",
        "announcement correct {0} --text x": "Beitrag {0} ist nicht veröffentlicht, er steht auf »draft«.",
    },
    "en": {
        "announcement show 99": "These announcements do not exist: 99.",
        "announcement settle {0} --absent": 'Announcement {0} is "draft"; there is something to settle only while',
        "announcement edit {0} --text=": "The announcement has no text. Nothing was saved.",
        "announcement move {0} --at soon": '"soon" is not an instant; write for example 2026-12-01T10:00.',
        "announcement import bad.csv": "Row 0: These columns are missing in the heading: at, text;",
        "channel pause a{{b}}:c": 'There is no channel "a{{b}}:c";',
        "announcement correct {0} --text x": 'Announcement {0} is not out, it is "draft".',
    },
}


@pytest.mark.parametrize("language", ["de", "en"])
def test_what_is_refused_is_told_in_the_language_of_the_house(house: House, language: str) -> None:
    house.configure(f'language = "{language}"')
    house.channel()
    number = house.announcement()
    (house.directory / "bad.csv").write_text("channel\n")
    for command, told in REFUSED_IN[language].items():
        ended = house.run(*command.format(number).split())
        assert ended.code in (1, 2) and ended.err.startswith(told.format(number)), command


@pytest.mark.parametrize(
    ("language", "mark", "told"),
    [
        ("de", "offen", "Der Beitrag wartet auf eine Freigabe;"),
        ("en", "open", "The announcement waits for approval;"),
    ],
)
def test_doctor_speaks_the_language_of_the_house(house: House, language: str, mark: str, told: str) -> None:
    house.configure(f'language = "{language}"')
    house.channel()
    number = house.announcement()
    ended = house.run("doctor")
    assert ended.code == 1
    assert re.search(rf"^{mark} +announcement: {number} draft\n +{told}", ended.out, re.MULTILINE)
    house.run("announcement", "cancel", str(number))
    assert house.run("doctor").code == 0


def test_an_unreadable_configuration_is_one_sentence(house: House) -> None:
    house.configure('databse = "x"')
    ended = house.run("places")
    assert ended.code == 2
    assert "did you mean 'database'?" in ended.sentence


def test_a_database_that_does_not_answer_ends_with_3_and_keeps_its_password(house: House) -> None:
    house.configure('database = "postgresql+psycopg://user:hush-password@127.0.0.1:9/none"')
    ended = house.run("places", "--json")
    assert ended.code == 3
    assert "hush-password" not in ended.sentence


def test_without_a_key_a_channel_is_refused_in_one_sentence(house: House) -> None:
    (house.directory / "secret.key").unlink()
    ended = house.run(
        *("channel", "add", "x", "--network", "twitter", "--account", "200", "--credentials", "-"),
        stdin=json.dumps(X_TOKENS),
    )
    assert ended.code == 2
    assert "kreativorte init" in ended.sentence
    assert house.run("channel", "list", "--json").document == []


def test_the_real_command_ends_with_code_and_sentence(house: House) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scheduler.py"), "--config", str(house.directory / "none.toml"), "places"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr and "does not exist" in done.stderr


# --- set-up


def test_init_writes_what_is_missing_and_is_safe_to_repeat(house: House) -> None:
    files = ("kreativorte.toml", "secret.key", "kreativorte.db", "heads.json")
    key = (house.directory / "secret.key").read_bytes()
    assert all((house.directory / name).exists() for name in files)
    assert (house.directory / "secret.key").stat().st_mode & 0o077 == 0
    house.configure('land = "BB"')
    assert house.run("init").code == 0
    assert (house.directory / "secret.key").read_bytes() == key
    assert (house.directory / "kreativorte.toml").read_text() == 'land = "BB"'


def test_the_portal_that_init_proposes_can_be_taken_over(house: House) -> None:
    file = house.directory / "kreativorte.toml"
    file.write_text(re.sub(r"^# (?=\[|\w+ = )", "", file.read_text(), flags=re.MULTILINE))
    settings = load(str(file), {})
    assert settings["mode"] == "sandbox"
    assert portal_config("kreativorte", settings.portals["kreativorte"], house.directory).table == "orte"


def test_doctor_says_what_to_do_and_ends_with_1_when_something_is_open(house: House) -> None:
    sound = house.run("doctor", "--json")
    assert sound.code == 0
    assert all(set(one) == {"check", "subject", "ok", "advice"} and one["ok"] for one in sound.document)
    house.run("stop-all", "--reason", "Probe")
    braked = house.run("doctor", "--json")
    assert braked.code == 1
    assert [one["advice"] for one in braked.document if not one["ok"]] == [
        "Die Notbremse ist gezogen; `kreativorte go` löst sie."
    ]
    assert house.run("go").code == 0
    assert house.run("doctor").code == 0


# --- portals


def test_pull_tells_numbers_and_rejected_rows(house: House) -> None:
    house.portal()
    ended = house.run("pull", "--json")
    (one,) = ended.document
    assert ended.code == 0 and set(one) >= PULLED
    assert (one["seen"], one["new"], one["unchanged"]) == (3, 2, 0)
    assert one["rejected"] == [{"id": "3", "reason": "Der Ort hat keinen Namen."}]
    (again,) = house.run("pull", "orte", "--json").document
    assert (again["new"], again["unchanged"]) == (0, 2)
    assert all(set(place) >= PLACE for place in house.run("places", "--json").document)


def test_a_portal_that_is_down_ends_with_3_and_the_others_are_done(house: House) -> None:
    house.portal()
    good = (house.directory / "kreativorte.toml").read_text()
    down = good.replace("portals.orte", "portals.aus").replace(
        "sqlite:///portal.db", "postgresql://user:hush-password@127.0.0.1:9/none"
    )
    house.configure(good + down)
    ended = house.run("pull", "--json")
    assert ended.code == 3
    assert {one["portal"]: one["new"] for one in ended.document} == {"orte": 2, "aus": 0}
    assert "hush-password" not in ended.out + ended.err and "Traceback" not in ended.err


def test_an_emptied_portal_is_stopped_and_kept(house: House) -> None:
    house.portal()
    house.run("pull")
    with sqlite3.connect(house.directory / "portal.db") as portal:
        portal.execute("DELETE FROM orte")
    ended = house.run("pull", "--json")
    assert ended.code == 1
    assert ended.document[0]["withdrawn"] == 0
    assert not any(place["withdrawn"] for place in house.run("places", "--json").document)


# --- channels


def test_a_channel_is_stored_checked_and_shown(house: House) -> None:
    house.channel()
    (listed,) = house.run("channel", "list", "--json").document
    assert set(listed) >= CHANNEL
    assert (listed["world"], listed["paused"], listed["problems"]) == ("sandbox", False, [])
    assert house.run("channel", "pause", "x", "--json").document["paused"] is True
    assert house.run("channel", "resume", "x", "--json").document["paused"] is False
    assert house.run("channel", "check", "--json").code == 0
    assert house.run("channel", "remove", "x").code == 0
    assert house.run("channel", "list", "--json").document == []


def test_a_channel_with_problems_is_stored_and_ends_with_1(house: House) -> None:
    ended = house.run(
        *("channel", "add", "seite", "--network", "facebook", "--account", "100", "--region", "Altmark"),
        *("--region", "Börde", "--credentials", "-", "--json"),
        stdin='{"access_token": "EAAhush-page"}',
    )
    assert ended.code == 1
    assert ended.document["problems"] and ended.document["regions"] == ["Altmark", "Börde"]
    listed = house.run("channel", "list")
    assert listed.code == 0
    assert all(f"seite: {problem}" in listed.out for problem in ended.document["problems"])


def test_a_name_is_given_once(house: House) -> None:
    house.channel()
    again = house.run(
        *("channel", "add", "x", "--network", "twitter", "--account", "201", "--credentials", "-"),
        stdin=json.dumps(X_TOKENS | {"access_token": "201-x"}),
    )
    assert again.code == 1 and "»x«" in again.sentence


@pytest.mark.parametrize(
    ("network", "account", "credentials", "code"),
    [
        ("twitter", "200", "no json, hush", 2),
        ("twitter", "200", '["hush"]', 2),
        ("twitter", "200", "[" * 100_000, 2),
        ("twitter", "200", '{"access_token": "hush"}', 1),
        ("twitter", "2/00", json.dumps(X_TOKENS), 1),
        ("twitter", "999", json.dumps(X_TOKENS), 1),
        ("mastodon", "200", json.dumps(X_TOKENS), 1),
    ],
)
def test_credentials_that_can_not_be_right_are_not_stored_and_not_quoted(
    house: House, network: str, account: str, credentials: str, code: int
) -> None:
    ended = house.run(
        *("channel", "add", "x", "--network", network, "--account", account, "--credentials", "-"), stdin=credentials
    )
    assert ended.code == code
    assert "hush" not in ended.sentence
    assert house.run("channel", "list", "--json").document == []


def test_a_missing_credentials_file_is_one_sentence(house: House) -> None:
    ended = house.run("channel", "add", "x", "--network", "twitter", "--account", "1", "--credentials", "none.json")
    assert ended.code == 2 and "none.json" in ended.sentence


def test_tokens_are_nowhere_to_be_read(house: House) -> None:
    (house.directory / "tokens.json").write_text(json.dumps(X_TOKENS))
    said = []
    for verb in (
        ("channel", "add", "x", "--network", "twitter", "--account", "200", "--credentials", "tokens.json", "--json"),
        ("channel", "list", "--json"),
        ("channel", "list"),
        ("channel", "check", "--json"),
        ("log", "--json"),
        ("doctor", "--json"),
    ):
        ended = house.run(*verb)
        assert ended.code == 0
        said.append(ended.out + ended.err)
    (house.directory / "tokens.json").unlink()
    stored = b"".join(file.read_bytes() for file in house.directory.rglob("*") if file.is_file())
    assert "hush" not in "".join(said)
    assert b"hush" not in stored


# --- campaigns and the calendar


def test_from_campaign_file_to_calendar(house: House) -> None:
    house.portal()
    house.run("pull")
    house.channel()
    (house.directory / "pilot.toml").write_text(CAMPAIGN, encoding="utf-8")
    assert house.run("campaign", "apply", "pilot.toml", "--json").document["new"] is True
    assert house.run("campaign", "apply", "pilot.toml", "--json").document["new"] is False
    assert [one["name"] for one in house.run("campaign", "list", "--json").document] == ["pilot"]

    tried = house.run("plan", "--dry-run", "--json").document
    assert len(tried["planned"]) == 2 and house.run("announcements", "--json").document == []
    planned = house.run("plan", "--json")
    assert planned.code == 0 and set(planned.document) == {"planned", "held", "unplaced"}
    assert all(set(one) >= ANNOUNCEMENT for one in planned.document["planned"])
    assert {one["place_name"] for one in planned.document["planned"]} == {"Hof", "Mühle"}
    assert house.run("plan", "--json").document == {"planned": [], "held": [], "unplaced": []}

    drafts = house.run("announcements", "--state", "draft", "--channel", "x", "--json").document
    assert [one["id"] for one in drafts] == [one["id"] for one in planned.document["planned"]]
    assert all(datetime.fromisoformat(one["at"]).tzinfo for one in drafts)
    calendar = house.run("announcements", "--ics").out
    assert calendar.startswith("BEGIN:VCALENDAR") and calendar.count("BEGIN:VEVENT") == 2
    assert house.run("campaign", "pause", "pilot", "--json").document["paused"] is True
    assert house.run("campaign", "resume", "pilot", "--json").document["paused"] is False
    assert house.run("campaign", "show", "pilot", "--json").document["title"] == "Pilot"


def test_a_campaign_file_with_mistakes_names_each_of_them(house: House) -> None:
    (house.directory / "bad.toml").write_text('name = 1\ntitel = "x"\n', encoding="utf-8")
    ended = house.run("campaign", "apply", "bad.toml")
    assert ended.code == 2 and "Traceback" not in ended.err
    assert "name" in ended.err and "starts" in ended.err


def test_a_campaign_for_channels_that_do_not_exist_is_refused(house: House) -> None:
    (house.directory / "pilot.toml").write_text(CAMPAIGN, encoding="utf-8")
    ended = house.run("campaign", "apply", "pilot.toml")
    assert ended.code == 1 and "x" in ended.sentence
    assert house.run("campaign", "list", "--json").document == []


# --- announcements


def test_a_free_announcement_from_draft_to_cancelled(house: House) -> None:
    house.channel()
    number = str(house.announcement())
    assert house.run("announcement", "show", number, "--json").document[0]["state"] == "draft"
    for verb, state in (
        ("approve", "approved"),
        ("hold", "held"),
        ("release", "approved"),
        ("cancel", "cancelled"),
    ):
        (changed,) = house.run("announcement", verb, number, "--json").document
        assert changed["state"] == state
    late = house.run("announcement", "approve", number)
    assert late.code == 1 and number in late.sentence


def test_editing_withdraws_the_approval_and_moving_keeps_it(house: House) -> None:
    house.channel()
    number = str(house.announcement("Hallo", "--approve"))
    later = (datetime.fromisoformat(SOON) + timedelta(days=3)).isoformat()
    moved = house.run("announcement", "move", number, "--at", later, "--force", "--json").document
    assert moved["state"] == "approved"
    assert datetime.fromisoformat(moved["at"]) == datetime.fromisoformat(later)
    edited = house.run("announcement", "edit", number, "--text", "Anders", "--json").document
    assert (edited["state"], edited["text"], edited["approved_by"]) == ("draft", "Anders", [])


def test_who_acts_stands_in_the_log(house: House) -> None:
    house.channel()
    number = str(house.announcement())
    approved = house.run("--as", "anna", "announcement", "approve", number, "--json").document
    assert approved[0]["approved_by"] == ["anna"]
    entries = [json.loads(line) for line in house.run("log", "--announcement", number, "--json").out.splitlines()]
    given = next(entry for entry in entries if entry["event"] == "approval_given")
    assert given["actor_name"] == "anna" and given["actor"] != "anna"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--text", ""), "keinen Text"),
        (("--text", "a" * 281), "281/280"),
        (("--text", "Hallo", "--link", "nolink"), "http(s)"),
        (("--text", "Hallo", "--image", "none.jpg", "--alt", "a", "--credit", "b"), "none.jpg"),
        (("--text", "Hallo", "--image", "kreativorte.toml", "--alt", "a", "--credit", "b"), "kein lesbares Bild"),
        (("--text", "Hallo", "--image", "hof.jpg", "--credit", "b"), "Alt-Text"),
        (("--text", "Hallo", "--image", "hof.jpg", "--alt", "a"), "Bildnachweis"),
    ],
)
def test_what_could_not_be_sent_is_not_planned(house: House, options: tuple[str, ...], told: str) -> None:
    house.channel()
    Image.new("RGB", (600, 400)).save(house.directory / "hof.jpg")
    ended = house.run("announcement", "add", "--channel", "x", "--at", SOON, *options)
    assert ended.code == 1 and told in ended.sentence
    assert house.run("announcements", "--json").document == []


def test_a_picture_brings_its_credit_into_the_text(house: House) -> None:
    house.channel()
    Image.new("RGB", (600, 400)).save(house.directory / "hof.jpg")
    number = house.announcement("Hallo", "--image", "hof.jpg", "--alt", "Ein Hof", "--credit", "A. Muster")
    (one,) = house.run("announcement", "show", str(number), "--json").document
    assert one["text"] == "Hallo\n\nFoto: A. Muster"
    assert set(one["images"][0]) == {"file", "alt", "credit"}


def test_an_import_is_all_or_nothing_and_names_every_bad_row(house: House) -> None:
    house.channel()
    file = house.directory / "many.csv"
    good = f"x,{SOON},Eins\n"
    file.write_text(f"channel,at,text\n{good}x,gestern,Zwei\nnope,{SOON},Drei\n")
    refused = house.run("announcement", "import", "many.csv", "--json")
    assert refused.code == 1
    assert refused.document["imported"] == 0 and [one["row"] for one in refused.document["rejected"]] == [2]
    assert house.run("announcements", "--json").document == []
    file.write_text(f"channel;at;text\n{good.replace(',', ';')}")
    assert house.run("announcement", "import", "many.csv", "--json").document == {"imported": 1, "rejected": []}


# --- templates, log


def test_templates_are_listed_checked_and_shown(house: House) -> None:
    listed = house.run("template", "list", "--json").document
    assert {"network": "twitter", "name": "vorstellung"}.items() <= listed[-1].items()
    checked = house.run("template", "check", "--json")
    assert checked.code == 0 and all(one["problems"] == [] for one in checked.document)
    shown = house.run("template", "preview", "vorstellung", "--network", "twitter", "--json").document
    assert 0 < shown["length"] <= shown["room"] == 280


def test_a_template_is_shown_saved_used_copied_and_taken_back(house: House) -> None:
    x = ("vorstellung", "--network", "twitter")
    text = house.run("template", "show", *x).out
    assert text.startswith("{# Vorstellung auf X")
    (shipped,) = house.run("template", "revisions", *x, "--json").document
    assert (shipped["number"], shipped["active"], shipped["saved_by"]) == (0, True, None)
    house.directory.joinpath("neu.j2").write_text(text.replace("Neu auf", "Frisch auf"), encoding="utf-8")
    saved = house.run("template", "save", *x, "neu.j2", "--note", "frischer", "--use", "--json").document
    assert [(one["number"], one["active"], one["note"]) for one in saved] == [(1, True, "frischer"), (0, False, "")]
    listed = house.run("template", "list", "--json").document
    (used,) = [one for one in listed if (one["network"], one["name"]) == ("twitter", "vorstellung")]
    assert (used["number"], used["revision"]) == (1, saved[0]["revision"])
    assert "Frisch auf" in house.run("template", "preview", *x).out
    bad = house.run("template", "save", *x, "-", "--use", stdin="{{ nmae }}")
    assert bad.code == 1 and "gemeint ist vielleicht »name«" in bad.err
    assert house.run("template", "save", *x, "-", stdin="{{ nmae }}").code == 0
    assert house.run("template", "use", *x, "--revision", "2").code == 1
    assert house.run("template", "use", *x, "--revision", "0").code == 0
    assert "Neu auf" in house.run("template", "preview", *x).out
    assert house.run("template", "show", *x, "--revision", "1").out.count("Frisch auf") == 1
    (copied,) = house.run("template", "copy", *x, "kurz", "--to", "facebook", "--json").document
    assert (copied["network"], copied["name"], copied["active"]) == ("facebook", "kurz", False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("revisions", "gibtesnicht", "--network", "twitter"),
        ("show", "vorstellung", "--network", "myspace"),
        ("show", "vorstellung", "--network", "twitter", "--revision", "9"),
        ("use", "vorstellung", "--network", "twitter", "--revision", "9"),
        ("save", "vorstellung", "--network", "twitter", "gibtesnicht.j2"),
        ("copy", "vorstellung", "--network", "twitter", "a/b"),
    ],
)
def test_a_template_that_is_not_there_is_one_sentence(house: House, arguments: tuple[str, ...]) -> None:
    ended = house.run("template", *arguments)
    assert ended.code in (1, 2) and len(ended.err.strip().splitlines()) == 1 and "Traceback" not in ended.err


def test_the_log_is_json_lines_and_its_chain_is_checked(house: House) -> None:
    house.channel()
    house.announcement()
    entries = [json.loads(line) for line in house.run("log", "--json").out.splitlines()]
    assert all(set(entry) >= ENTRY for entry in entries)
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry["prev"] for entry in entries[1:]] == [entry["hash"] for entry in entries[:-1]]
    verified = house.run("log", "verify", "--json")
    head = verified.document["head"]
    assert verified.code == 0
    assert verified.document == {"entries": len(entries), "ok": True, "first_bad": None, "head": head}
    assert house.run("log", "verify", "--head", head).code == 0
    forged = house.run("log", "verify", "--head", f"{len(entries)}:{'0' * 64}", "--json")
    assert forged.code == 1 and forged.document["ok"] is False


def test_following_the_log_shows_each_entry_once_even_while_it_is_being_sealed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.channel()
    first = house.announcement("Eins")
    database = Database(f"sqlite:///{house.directory / 'kreativorte.db'}")
    with database.write() as connection:
        ledger.take_lease(connection, "seal", "another", datetime.now(UTC), timedelta(minutes=1))
    assert f"#{first}" in house.run("log").out
    turns = iter((1, 2, 3))

    def sleep(_seconds: float) -> None:
        turn = next(turns)
        if turn == 1:
            with database.write() as connection:
                ledger.drop_lease(connection, "seal", "another")
        if turn == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli.log.clock_time, "sleep", sleep)
    followed = house.run("log", "--follow", "--json")
    database.close()
    ids = [json.loads(line)["id"] for line in followed.out.splitlines()]
    assert followed.code == 130
    assert len(ids) == len(set(ids)) == 2


# --- the daemon


def test_stop_all_names_a_call_that_has_not_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.channel()
    number = house.announcement("Jetzt", "--approve")
    house.configure('[network]\nconnect_timeout = "100ms"\nread_timeout = "100ms"\n')
    monkeypatch.setattr("campaign.app.CALL_MARGIN", timedelta())
    database = Database(f"sqlite:///{house.directory / 'kreativorte.db'}")
    with database.write() as connection:
        now = datetime.fromisoformat(SOON)
        ledger.queue(connection, number, Draft("twitter", "Jetzt"), 0.015, now)
        (claim,) = ledger.claim(connection, "w", now, timedelta(minutes=1), 1)
        assert ledger.go(connection, claim, now, timedelta(minutes=1))
    database.close()
    ended = house.run("stop-all")
    assert ended.code == 1
    assert f"das Senden von: {number} (x)" in ended.sentence
    (brake,) = [one for one in house.run("doctor", "--json").document if one["check"] == "brake"]
    assert not brake["ok"]


def test_the_daemon_brings_out_what_is_due_and_ends_when_idle(house: House) -> None:
    house.channel()
    now = datetime.now(UTC).isoformat()
    added = house.run("announcement", "add", "--channel", "x", "--at", now, "--text", "Jetzt", "--approve", "--json")
    number = str(added.document["id"])
    house.run("stop-all")
    assert house.run("daemon", "--until-idle", "0").code == 0
    assert house.run("announcement", "show", number, "--json").document[0]["state"] == "approved"
    house.run("go")
    assert house.run("daemon", "--until-idle", "0").code == 0
    (one,) = house.run("announcement", "show", number, "--json").document
    assert (one["state"], one["sent_text"], one["attempts"]) == ("posted", "Jetzt", 1)
    assert one["remote_id"] in one["permalink"]
    withdrawn = house.run("announcement", "withdraw", number, "--reason", "Probe", "--json")
    assert withdrawn.code == 0 and withdrawn.document["removed_at"]
    assert house.run("announcement", "withdraw", number, "--reason", "Probe").code == 1


# --- the pages and who may use them


def test_access_to_the_pages_is_given_listed_changed_and_taken(house: House) -> None:
    added = house.run("user", "add", "Anna Muster", "--role", "approver", "--email", "anna@example.org", "--json")
    assert added.code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/zugang/[\w-]{43}", added.document["link"])
    (listed,) = house.run("user", "list", "--json").document
    assert (listed["name"], listed["role"], listed["email"], listed["disabled"], listed["has_password"]) == (
        *("Anna Muster", "approver", "anna@example.org", False, False),
    )
    changed = house.run("user", "change", "anna muster", "--role", "reader", "--disabled", "--json").document
    assert (changed["role"], changed["disabled"]) == ("reader", True)
    assert house.run("user", "remove", "Anna Muster", "--erase").code == 0
    assert house.run("user", "list", "--json").document == []
    log = house.run("log", "--json").out
    assert "Anna" not in log and "user_removed" in log


def test_a_password_comes_by_link_or_standard_input_and_is_never_shown(house: House) -> None:
    house.run("user", "add", "Anna", "--role", "administrator")
    assert "/zugang/" in house.run("user", "passwd", "Anna").out
    set_ = house.run("user", "passwd", "Anna", "--stdin", "--json", stdin="ein langer Satz\n")
    assert set_.code == 0 and set_.document["has_password"] is True
    assert "langer" not in set_.out + set_.err
    assert house.run("user", "passwd", "Anna", "--stdin", stdin="kurz\n").sentence.startswith("Das Passwort braucht")


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "cli:anna", "--role", "reader"),
        ("user", "add", "Anna", "--role", "reader", "--email", "keine"),
        ("user", "passwd", "Niemand"),
        ("user", "change", "Niemand", "--role", "reader"),
        ("user", "remove", "Niemand"),
        ("user", "token", "Niemand", "--label", "x", "--scope", "metrics"),
    ],
)
def test_access_that_can_not_be_given_is_one_sentence(house: House, words: tuple[str, ...]) -> None:
    ended = house.run(*words)
    assert ended.code == cli.REFUSED and ended.sentence


def test_a_token_is_shown_once_and_revoked(house: House) -> None:
    house.run("user", "add", "Anna", "--role", "reader")
    made = house.run("user", "token", "Anna", "--label", "Prometheus", "--scope", "metrics", "--json").document
    assert made["token"].startswith("kt_")
    assert house.run("user", "token", "Anna", "--label", "Prometheus", "--revoke").code == 0
    assert house.run("user", "token", "Anna", "--label", "Prometheus", "--revoke").code == cli.REFUSED
    assert house.run("user", "token", "Anna", "--label", "x", "--scope", "all").code == cli.REFUSED


def test_the_pages_are_served_and_end_cleanly(house: House) -> None:
    command = [sys.executable, str(ROOT / "scheduler.py"), "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=house.directory, stderr=subprocess.PIPE, text=True) as pages:
        assert pages.stderr is not None
        address = re.search(r"http://\S+", pages.stderr.readline())
        link = re.search(r"http://\S+", pages.stderr.readline())
        assert address is not None and link is not None
        assert requests.get(f"{address[0]}healthz", timeout=30).text == "ok\n"
        assert "Willkommen" in requests.get(link[0], timeout=30).text
        assert "kreativorte_brake_engaged" in requests.get(f"{address[0]}metrics", timeout=30).text
        pages.terminate()
        assert pages.wait(30) in (0, -15)
        assert "Traceback" not in pages.stderr.read()


@pytest.mark.parametrize("words", [("serve", "--host", "0.0.0.0"), ("serve", "--port", "99999")])
def test_pages_that_can_not_be_served_are_one_sentence(house: House, words: tuple[str, ...]) -> None:
    ended = house.run(*words)
    assert ended.code == cli.WRONG and ended.sentence
