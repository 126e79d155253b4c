"""Reports by e-mail: each week's and each month's once, to a real server; in doubt a person is asked."""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
from click.testing import Result
from typer.testing import CliRunner

from campaign import store
from campaign.cli import mailings
from campaign.db import Database
from campaign.desk import Refusal
from campaign.doctor import examine
from campaign.reports import mailing
from campaign.reports.mailing import RETRIES, Issue
from campaign.reports.smtp import Ending
from campaign.settings import SettingsError, interpret, shown
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.conftest import START
from tests.integration.harness import House, Networks
from tests.integration.postbox import PASSWORD, USER, Postbox, certificate, serving

TO = ["leitung@example.org", "ministerium@example.org"]
Build = Callable[..., House]
WEEK_BEFORE, MONTH_BEFORE = "2026-11-16", "2026-10-01"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def box(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Postbox]:
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    with serving(files) as running:
        yield running


@pytest.fixture(scope="module")
def networks() -> Iterator[Server]:
    with Server(clock=ManualClock(START)) as server:
        yield server


@pytest.fixture
def build(box: Postbox, networks: Server, tmp_path: Path, clock: ManualClock) -> Iterator[Build]:
    made: list[House] = []

    def house(reports: dict[str, Any] | None = None, **mail: Any) -> House:
        mail = {
            "host": "127.0.0.1", "port": box.port, "user": USER, "password": PASSWORD,
            "from": "Kreativorte <kampagnen@example.org>", "timeout": "2s",
        } | mail  # fmt: skip
        chosen = {"recipients": TO, "every": ["weekly"]} | (reports or {})
        database = f"sqlite:///{tmp_path / 'k.db'}"
        made.append(House(tmp_path, database, Networks(networks), clock, mail=mail, reports=chosen))
        return made[-1]

    yield house
    for one in made:
        one.app.close()


def send(house: House, worker: str = "one") -> list[Ending]:
    return [handed.ending for handed in mailing.send_due(house.app, worker)]


def states(house: House) -> list[tuple[str, str, str]]:
    return [(row["kind"], row["period"], row["state"]) for row in mailing.listed(house.app)]


def told(house: House) -> list[str]:
    return [finding.advice for finding in examine(house.app) if finding.check == "mail" and not finding.ok]


# --- what arrives ------------------------------------------------------------------------------------------------


def test_last_week_s_report_arrives_once_with_its_pdf(build: Build, box: Postbox) -> None:
    house = build()
    assert send(house) == [Ending.SENT]
    assert send(house) == [] and send(house, "two") == []
    (taken,) = box.taken
    assert taken.recipients == tuple(TO) and taken.sender == "kampagnen@example.org"
    assert taken.encrypted and taken.user == USER
    message = taken.message
    assert "Wochenbericht 16.11.2026 – 22.11.2026" in message["Subject"]
    assert message["Auto-Submitted"] == "auto-generated" and message["Message-ID"] and message["Date"]
    assert not any(address in str(message) for address in TO)
    (pdf,) = message.iter_attachments()
    assert pdf.get_filename() == "kreativorte-2026-11-16-2026-11-22.pdf"
    assert len(pypdf.PdfReader(io.BytesIO(pdf.get_content())).pages) >= 1
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None and "nichts erschienen" in " ".join(body.get_content().split())
    assert states(house) == [("weekly", WEEK_BEFORE, "sent")] and told(house) == []


def test_both_rhythms_and_the_language_of_the_settings(build: Build, box: Postbox) -> None:
    house = build({"every": ["weekly", "monthly"], "language": "en"})
    assert send(house) == [Ending.SENT, Ending.SENT]
    subjects = [taken.message["Subject"] for taken in box.taken]
    assert ["weekly report 16 Nov 2026" in subjects[0], "monthly report October 2026" in subjects[1]] == [True, True]
    assert {(kind, period) for kind, period, _ in states(house)} == {
        ("weekly", WEEK_BEFORE), ("monthly", MONTH_BEFORE),
    }  # fmt: skip


def test_the_next_week_s_is_another_one(build: Build, box: Postbox, clock: ManualClock) -> None:
    house = build()
    send(house)
    clock.set(datetime(2026, 11, 30, 5, 59, tzinfo=UTC))  # Monday, a minute before seven
    assert send(house) == []
    clock.advance(60)
    assert send(house) == [Ending.SENT]
    assert [period for _, period, _ in states(house)] == ["2026-11-23", WEEK_BEFORE]


@pytest.mark.parametrize(
    ("now", "weekly", "monthly"),
    [
        (datetime(2026, 3, 30, 4, 59, tzinfo=UTC), "2026-03-16", "2026-02-01"),  # summer time since yesterday
        (datetime(2026, 3, 30, 5, 0, tzinfo=UTC), "2026-03-23", "2026-02-01"),
        (datetime(2027, 1, 1, 5, 59, tzinfo=UTC), "2026-12-21", "2026-11-01"),
        (datetime(2027, 1, 1, 6, 0, tzinfo=UTC), "2026-12-21", "2026-12-01"),
        (datetime(2028, 3, 1, 12, 0, tzinfo=UTC), "2028-02-21", "2028-02-01"),
    ],
)
def test_what_is_due_when(build: Build, now: datetime, weekly: str, monthly: str) -> None:
    house = build({"every": ["weekly", "monthly"]})
    found = {issue.kind: issue for issue in mailing.due_issues(house.app, now)}
    assert (str(found["weekly"].first), str(found["monthly"].first)) == (weekly, monthly)
    assert found["weekly"].last - found["weekly"].first == timedelta(days=6)
    assert (found["monthly"].last + timedelta(days=1)).day == 1


def test_texts_of_strangers_are_escaped_in_the_html(build: Build) -> None:
    issue = Issue("weekly", START.date(), START.date())
    house = build()
    message = mailing.compose(house.app, issue)
    body = message.get_body(("html",))
    assert body is not None and "<h1" in body.get_content()
    hostile = {"summary": ["<script>alert(1)</script> & mehr"]}
    told = mailing._rendered("report.html", _shown(hostile))
    assert "<script>" not in told and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; mehr" in told
    assert "<script>alert(1)</script> & mehr" in mailing._rendered("report.txt", _shown(hostile))


def _shown(changed: dict[str, Any]) -> dict[str, Any]:
    texts = ("language", "subject", "title", "warning", "figures_title", "notes_title", "attached", "online")
    shown: dict[str, Any] = dict.fromkeys((*texts, "address", "sampled", "automatic"), "")
    return shown | {"summary": [], "figures": [], "notes": []} | changed


def test_the_daemon_s_tick_sends_and_is_silent_where_nothing_is_set(build: Build, box: Postbox) -> None:
    with build({"recipients": []}).at_work() as work:
        work.mail()
    assert box.taken == []
    with build().at_work() as work:
        work.mail()
        work.mail()
    assert len(box.taken) == 1


# --- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answers",
    [
        {"HELLO": "421 busy"}, {"EHLO": "421 busy", "HELO": "421 busy"}, {"HELLO": ""}, {"MAIL": "451 later"},
        {"RCPT": "450 greylisted"}, {"DATA": "451 later"}, {"TEXT": "451 later"}, {"MAIL": ""}, {"RCPT": ""},
        {"AUTH": "454 later"},
    ],
)  # fmt: skip
def test_what_was_surely_not_taken_is_tried_again_later(
    build: Build, box: Postbox, clock: ManualClock, answers: dict[str, str]
) -> None:
    house = build()
    box.answers = answers
    assert send(house) == [Ending.NOT_SENT] and states(house)[0][2] == "queued"
    box.answers = {}
    assert send(house) == []
    clock.advance(RETRIES[0].total_seconds())
    assert send(house) == [Ending.SENT] and len(box.taken) == 1 and told(house) == []


def test_a_server_that_is_away_is_asked_ever_more_rarely_and_then_a_person_is_told(
    build: Build, clock: ManualClock
) -> None:
    house = build(port=1)
    for wait in RETRIES:
        assert send(house) == [Ending.NOT_SENT]
        clock.advance(wait.total_seconds() - 1)
        assert send(house) == []
        clock.advance(1)
    assert send(house) == [Ending.NOT_SENT] and states(house)[0][2] == "failed"
    (advice,) = told(house)
    assert "kreativorte mailing settle" in advice and "--again" in advice


@pytest.mark.parametrize(
    "answers", [{"TEXT": "554 spam"}, {"RCPT": "550 unknown"}, {"MAIL": "553 no"}, {"AUTH": "535"}]
)
def test_a_server_that_refuses_for_good_is_not_asked_again(
    build: Build, box: Postbox, clock: ManualClock, answers: dict[str, str]
) -> None:
    house = build()
    box.answers = answers
    assert send(house) == [Ending.REFUSED]
    clock.advance(86_400)
    calls = box.calls
    assert send(house) == [] and box.calls == calls and len(told(house)) == 1


def test_who_is_not_taken_is_named_and_the_others_get_it(build: Build, box: Postbox) -> None:
    house = build()
    box.answers = {TO[0]: "550 unknown"}
    assert send(house) == [Ending.SENT] and box.recipients() == [TO[1]]
    assert mailing.listed(house.app)[0]["problem"] == f"{TO[0]} (550)"


@pytest.mark.parametrize("silent", [False, True])
def test_a_text_that_was_never_answered_is_a_doubt_and_not_sent_again(
    build: Build, box: Postbox, clock: ManualClock, silent: bool
) -> None:
    house = build(timeout="100ms") if silent else build()
    released = threading.Event()
    if silent:
        box.before_answer = lambda: released.wait(20)
    else:
        box.answers = {"TEXT": ""}
    assert send(house) == [Ending.IN_DOUBT]
    released.set()
    box.answers, box.before_answer = {}, lambda: None
    clock.advance(3 * 86_400)
    assert send(house) == [] and len(box.taken) == 1
    (advice,) = told(house)
    assert "ungewiss" in advice
    (row,) = mailing.listed(house.app)
    mailing.settle(house.app, row["id"], again=True)
    assert send(house) == [Ending.SENT] and len(box.taken) == 2 and told(house) == []


def test_a_crash_between_sending_and_recording_sends_nothing_twice_and_is_told(
    build: Build, box: Postbox, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = build()

    def die(*_arguments: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(mailing, "_record", die)
        mailing.send_due(house.app, "one")
    assert len(box.taken) == 1 and states(house)[0][2] == "sending"
    assert told(house) == []  # it may still be under way
    (row,) = mailing.listed(house.app)
    with pytest.raises(Refusal):
        mailing.settle(house.app, row["id"], again=True)
    clock.advance(3600)
    assert send(house, "two") == [] and len(box.taken) == 1
    assert len(told(house)) == 1
    mailing.settle(house.app, row["id"], again=False)
    assert told(house) == [] and send(house) == []


def test_two_daemons_claim_a_period_once(database: Database, clock: ManualClock) -> None:
    now = clock.now()
    with database.write() as connection:
        first = store.claim_mailing(connection, "weekly", WEEK_BEFORE, now)
        assert store.claim_mailing(connection, "monthly", WEEK_BEFORE, now) is not None
    with database.write() as connection:
        assert store.claim_mailing(connection, "weekly", WEEK_BEFORE, now) is None
        assert not store.mailing_open(connection, "weekly", WEEK_BEFORE, now)
    assert first is not None
    with database.write() as connection:
        assert store.end_mailing(connection, first, "queued", now, now + timedelta(minutes=5), "away")
        assert store.claim_mailing(connection, "weekly", WEEK_BEFORE, now) is None
        second = store.claim_mailing(connection, "weekly", WEEK_BEFORE, now + timedelta(minutes=5))
        assert second is not None and second.attempt == 2
        # What the first attempt still wants to record comes too late.
        assert not store.end_mailing(connection, first, "sent", now, None, "")
        assert store.end_mailing(connection, second, "sent", now, None, "")


# --- trust -------------------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    build: Build, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    house = build()
    assert send(house) == [Ending.NOT_SENT] and box.taken == []
    assert "TLS" in str(mailing.listed(house.app)[0]["problem"])


def test_a_server_without_starttls_gets_no_password(build: Build, box: Postbox) -> None:
    box.answers = {"EHLO": "250 postbox"}
    assert send(build()) == [Ending.NOT_SENT] and box.taken == []


def test_tls_from_the_first_byte(build: Build, files: tuple[Path, Path], clock: ManualClock, box: Postbox) -> None:
    with serving(files, tls=True) as secure:
        assert send(build(port=secure.port, security="tls")) == [Ending.SENT]
        assert secure.taken[0].encrypted


def test_the_password_may_stand_in_a_file(build: Build, box: Postbox, tmp_path: Path) -> None:
    (tmp_path / "mail.password").write_text(f"{PASSWORD}\nnoch etwas\n", encoding="utf-8")
    assert send(build(password="", password_file="mail.password")) == [Ending.SENT]
    with pytest.raises(Refusal):
        send(build({"every": ["monthly"]}, password_file="fehlt"))


def test_no_password_reaches_log_list_or_page(build: Build, box: Postbox, caplog: pytest.LogCaptureFixture) -> None:
    house = build()
    box.answers = {"AUTH": f"535 wrong: {PASSWORD[:6]}", "TEXT": "554 no"}
    with caplog.at_level(logging.DEBUG):
        send(house)
    assert PASSWORD not in caplog.text + str(mailing.listed(house.app)) + str(examine(house.app))
    (password,) = (one for one in shown(house.app.settings) if one.name == "mail.password")
    assert password.value == "…" and PASSWORD not in str(shown(house.app.settings))


@pytest.mark.parametrize(
    "raw",
    [
        {"mail": {"from": "a@example.org\r\nBcc: b@example.org"}},
        {"mail": {"from": "Name\nX: y <a@example.org>"}},
        {"mail": {"from": "niemand"}},
        {"mail": {"from": "a, b <a@example.org>"}},
        {"mail": {"host": "mail.example.org"}},
        {"mail": {"host": "mail.example.org", "from": "a@b.de", "security": "none", "user": "a"}},
        {"mail": {"security": "ssl"}},
        {"mail": {"port": 0}},
        {"reports": {"recipients": ["a@example.org\nb@example.org"]}},
        {"reports": {"recipients": ["a@example.org>"]}},
        {"reports": {"every": ["daily"]}},
        {"reports": {"at": "7 Uhr"}},
        {"reports": {"at": "24:00"}},
        {"reports": {"language": "fr"}},
    ],
)
def test_settings_that_could_do_harm_are_refused_in_one_sentence(raw: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        interpret(raw, tmp_path, None)
    assert "\n" not in str(refused.value)


def test_recipients_without_a_server_are_a_finding(build: Build) -> None:
    assert "mail.host" in told(build(host=""))[0]


# --- by hand -----------------------------------------------------------------------------------------------------


def test_a_trial_goes_to_one_address_and_claims_nothing(build: Build, box: Postbox) -> None:
    house = build()
    assert mailing.send_now(house.app, "ich@example.org").ending is Ending.SENT
    assert box.recipients() == ["ich@example.org"] and states(house) == []
    with pytest.raises(Refusal):
        mailing.send_now(house.app, "ich@example.org\nBcc: du@example.org")
    with pytest.raises(Refusal):
        mailing.send_now(build(host="").app, "ich@example.org")


def test_the_commands(build: Build, box: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    house = build()
    sent = house.process("mailing", "test", "--to", "ich@example.org")
    _out, words = sent.communicate(timeout=120)
    assert sent.returncode == 0 and "ich@example.org" in words
    monkeypatch.setattr(mailings, "opened", lambda: house.app)

    def run(*words: str) -> Result:
        return CliRunner().invoke(mailings.verbs, words)

    box.answers = {"TEXT": "554 spam"}
    assert run("test", "--to", "ich@example.org").exit_code == 3
    send(house)
    assert '"state": "failed"' in run("list", "--json").stdout
    assert "554 spam" in run("list").stdout
    assert run("settle", "1").exit_code == 2 and run("settle", "1", "--sent", "--again").exit_code == 2
    assert run("settle", "1", "--sent").exit_code == 0 and states(house)[0][2] == "sent"
    assert isinstance(run("settle", "1", "--again").exception, Refusal)
