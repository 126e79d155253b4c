"""`kreativorte report` writes files with the figures of its JSON, from posts that went out and were measured."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest

from campaign import reports
from campaign.reports.document import document
from campaign.reports.workbook import workbook
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.conftest import START
from tests.integration.harness import House, Networks

DAY = 86400


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Twelve announcements on two networks, ten days old and measured."""
    clock = ManualClock(START)
    folder = tmp_path_factory.mktemp("house")
    with Server(clock=clock) as server:
        made = House(folder, f"sqlite:///{folder / 'k.db'}", Networks(server), clock)
        channels = [made.channel("facebook"), made.channel("twitter")]
        with made.at_work() as work:
            for number in range(12):
                made.add(channels[number % 2], f"=Nr. {number}: #import im *Grünen* 🌿")
                work.deliver()
                clock.advance(3600)
            for _ in range(10):
                clock.advance(DAY)
                work.measure()
        yield made
        made.app.close()


def words_of(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pages).split())


def run(house: House, *arguments: str) -> str:
    process = house.process("report", *arguments)
    out, words = process.communicate(timeout=120)
    assert process.returncode == 0, words
    return out


def test_the_files_hold_the_figures_of_the_json(house: House, tmp_path: Path) -> None:
    pdf, xlsx = tmp_path / "b.pdf", tmp_path / "b.xlsx"
    told: dict[str, Any] = json.loads(
        run(house, "--from", "2026-11-01", "--to", "2026-12-31", "--pdf", str(pdf), "--xlsx", str(xlsx), "--json")
    )
    totals = told["totals"]
    assert totals["posts"] == 12 and totals["metrics"]["views"] > 0
    words = words_of(pdf.read_bytes())
    for name in ("views", "reactions", "comments", "shares"):
        assert f"{totals['metrics'][name]:,}".replace(",", ".") in words
    book = openpyxl.load_workbook(xlsx)
    cells = {str(row[0].value): row[1].value for row in reversed(list(book["Übersicht"].iter_rows()))}
    assert cells["Aufrufe"] == totals["metrics"]["views"]
    rows = list(book["Beiträge"].iter_rows(min_row=2))
    assert len(rows) == 12 and {row[9].value for row in rows} == {
        f"=Nr. {n}: #import im *Grünen* 🌿" for n in range(12)
    }
    assert all(row[9].data_type == "s" for row in rows)
    head = re.search(r"verify --head (\d+:[0-9a-f]{64})", words)
    assert head is not None and house.app.verify_log(head[1]).ok


def test_a_head_that_was_printed_proves_a_later_change(house: House) -> None:
    """The head of an earlier report still holds after more has happened."""
    earlier = reports.log_extract(house.app)
    house.app.decide("hold", [house.add("facebook-1001", "Später", after=DAY)], reason="Probe")
    later = reports.log_extract(house.app)
    assert earlier.head != later.head and house.app.verify_log(earlier.head).ok


@pytest.mark.parametrize("language", ["de", "en"])
def test_files_of_a_real_report_in_both_languages(house: House, language: str) -> None:
    app = house.app.acting_as("anna", language)
    found = reports.report(app, reports.selection_of(app, {"from": "2026-11-01", "to": "2026-12-31"}))
    assert len(found.announcements) == 12 == found.totals.posts
    assert b"pdfuaid" in document(found, language, reports.log_extract(app))
    assert openpyxl.load_workbook(io.BytesIO(workbook(found, language))).sheetnames


def test_a_file_that_can_t_be_written_is_one_sentence(house: House, tmp_path: Path) -> None:
    process = house.process("report", "--pdf", str(tmp_path / "fehlt" / "b.pdf"))
    _out, words = process.communicate(timeout=120)
    assert process.returncode in (1, 2) and "Traceback" not in words and "b.pdf" in words.replace("\n", "")


def test_measuring_has_taken_samples(house: House) -> None:
    """Else all of this would say nothing."""
    with house.app.database.read() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM samples").scalar_one() > 100
