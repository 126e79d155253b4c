"""The workbook, read back by another library: types, notes for what is missing, no formula whatever a text says."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell import Cell
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from campaign.reports.captions import CAPTIONS, caption
from campaign.reports.formats import readable
from campaign.reports.values import DIMENSIONS, METRICS, SUMMED, Report
from campaign.reports.workbook import workbook
from tests.unit.report_sample import HOSTILE, ZONE, facts, last, sample, sums

FORMULAS = ("=1+1", "+49 3933 1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(A1)", "{=1}", "=cmd|'/c calc'!A0")


@pytest.fixture(scope="module")
def report() -> Report:
    return sample()


@pytest.fixture(scope="module")
def book(report: Report) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook(report, "de")))


def table(sheet: Worksheet) -> list[dict[str, object]]:
    """The rows under the first line, by its words."""
    head, *rows = sheet.iter_rows()
    return [
        {str(name.value): cell for name, cell in zip(head, row, strict=True)}
        for row in rows
        if row[0].value is not None
    ]


def overview(book: Workbook) -> dict[str, Cell]:
    """The second cell of each line by the first one; where a word stands twice, the upper line counts."""
    found: dict[str, Cell] = {}
    for row in book["Übersicht"].iter_rows():
        found.setdefault(str(row[0].value), row[1])
    return found


def test_it_has_its_sheets(book: Workbook) -> None:
    by = [caption("de", f"by_{dimension}") for dimension in DIMENSIONS]
    assert book.sheetnames[0] == "Übersicht" and book.sheetnames[-1] == "Was die Zahlen bedeuten"
    assert {*by, "Verlauf", "Zuwachs", "Beiträge", "Verlässlichkeit des Dienstes", "Varianten im Vergleich"} <= set(
        book.sheetnames
    )
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_names_of_sheets_fit_in_both_languages() -> None:
    keys = ["overview", "course", "gains", "heat", "comparisons", "announcements", "reliability", "meaning"]
    for words in (CAPTIONS[key] for key in [*keys, *(f"by_{dimension}" for dimension in DIMENSIONS)]):
        assert all(len(word) <= 31 and not set(word) & set("[]:*?/\\") for word in words)


def test_every_announcement_is_there_with_real_types(report: Report, book: Workbook) -> None:
    rows = table(book["Beiträge"])
    assert len(rows) == len(report.announcements)
    for row, fact in zip(rows, report.announcements, strict=True):
        assert row["Nr."].value == fact.id  # type: ignore[attr-defined]
        posted = row["Erschienen (Europe/Berlin)"].value  # type: ignore[attr-defined]
        assert isinstance(posted, datetime) and posted.replace(tzinfo=ZONE) == fact.posted_at
        assert row["Aufrufe"].value == fact.figures["views"]  # type: ignore[attr-defined]
        assert row["Adresse"].hyperlink.target == fact.permalink  # type: ignore[attr-defined]
        assert row["Aufrufe nach 7 Tagen"].value == (fact.week or {}).get("views")  # type: ignore[attr-defined]


def test_what_is_missing_is_an_empty_cell_with_the_reason(report: Report, book: Workbook) -> None:
    rows = table(book["Beiträge"])
    for row, fact in zip(rows, report.announcements, strict=True):
        for name, title in (("viewers", "Erreichte Personen"), ("link_clicks", "Linkklicks"), ("views", "Aufrufe")):
            cell = row[title]
            if fact.figures[name] is None:
                assert cell.value is None and cell.comment is not None  # type: ignore[attr-defined]
            else:
                assert cell.value == fact.figures[name] and cell.comment is None  # type: ignore[attr-defined]
    unmeasured = rows[-1]["Aufrufe"].comment.text  # type: ignore[attr-defined]
    withdrawn = rows[0]["Erreichte Personen"].comment.text  # type: ignore[attr-defined]
    assert "Noch nicht gemessen" in unmeasured and "nicht mehr bereit" in withdrawn


def test_breakdowns_hold_the_report_s_sums(report: Report, book: Workbook) -> None:
    for dimension in DIMENSIONS:
        rows = table(book[caption("de", f"by_{dimension}")])
        assert len(rows) == len(report.breakdowns[dimension])
        for row, wanted in zip(rows, report.breakdowns[dimension], strict=True):
            cells = list(row.values())
            assert cells[0].value == wanted.label  # type: ignore[attr-defined]
            told = [cell.value for cell in cells[1:7]]  # type: ignore[attr-defined]
            assert told == [wanted.figures.posts, *(wanted.figures.metrics[name] for name in SUMMED)]
            assert row["Interaktionsrate"].value == pytest.approx(wanted.figures.engagement_rate)  # type: ignore[attr-defined]
            assert "%" in row["Interaktionsrate"].number_format  # type: ignore[attr-defined]


def test_heads_stay_in_sight_and_can_be_filtered(book: Workbook) -> None:
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes == "B2" and sheet.auto_filter.ref
        assert all(dimension.width >= 8 for dimension in sheet.column_dimensions.values())


def test_sums_of_viewers_are_nowhere(book: Workbook) -> None:
    for sheet in book.worksheets:
        if sheet.title not in ("Beiträge", "Was die Zahlen bedeuten"):
            assert all(cell.value != "Erreichte Personen" for cell in sheet[1])


def test_the_overview_tells_period_zone_sample_and_notes(report: Report, book: Workbook) -> None:
    told = {name: cell.value for name, cell in overview(book).items()}
    assert told["Zeitzone"] == "Europe/Berlin" and told["Aufrufe"] == report.totals.metrics["views"]
    assert told["Letzte Messung"] == datetime(2027, 6, 7, 4, 0)
    words = " ".join(told)
    assert "Sandkasten" in words and "Jünger als sieben Tage" in words


def test_an_unmeasured_report_has_no_zero(report: Report) -> None:
    nothing = dict.fromkeys(METRICS)
    totals = replace(report.totals, metrics=nothing, known=dict.fromkeys(METRICS, 0), visits=None, cost_usd=None)
    file = workbook(replace(report, totals=totals, sampled_at=None), "de")
    told = overview(openpyxl.load_workbook(io.BytesIO(file)))
    for name in ("Aufrufe", "Besuche im Portal", "Netzwerkkosten (USD)", "Letzte Messung"):
        assert told[name].value is None and told[name].comment is not None


# --- texts of strangers ------------------------------------------------------------------------------------------


def parts(file: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(file)) as package:
        return {name: package.read(name) for name in package.namelist()}


def hostile(text: str, report: Report) -> Report:
    of = tuple(replace(fact, text=text, place_name=text, channel=text, permalink=text) for fact in facts(4))
    rows = tuple(replace(row, label=text) for row in report.breakdowns["place"])
    return replace(report, announcements=of, breakdowns=report.breakdowns | {"place": rows, "channel": rows})


@pytest.mark.parametrize("text", [*FORMULAS, HOSTILE, "x" * 40_000, "https://" + "a" * 3000, "\ud800\ufffe\x00"])
def test_texts_are_texts_and_nothing_is_a_formula(text: str, report: Report) -> None:
    file = workbook(hostile(text, report), "de")
    for name, content in parts(file).items():
        if name.endswith((".xml", ".rels")):
            ElementTree.fromstring(content)
            assert not (name.startswith("xl/worksheets/sheet") and b"<f>" in content)
    cell = table(openpyxl.load_workbook(io.BytesIO(file))["Beiträge"])[0]["Text"]
    assert cell.data_type == "s"  # type: ignore[attr-defined]
    assert str(cell.value)[:4].strip() == readable(text)[:4].strip()  # type: ignore[attr-defined]


@settings(max_examples=12, deadline=None)
@given(st.text(max_size=80))
def test_any_text_at_all_makes_a_workbook(text: str) -> None:
    file = workbook(hostile(text, sample(4)), "en")
    assert openpyxl.load_workbook(io.BytesIO(file)).sheetnames


def test_only_the_web_can_be_led_to(report: Report) -> None:
    links = parts(workbook(hostile("javascript:alert(1)", report), "de"))
    assert not any(b"javascript" in content for name, content in links.items() if name.endswith(".rels"))


def test_an_empty_report_makes_a_workbook() -> None:
    nothing = sums((), last)
    empty = sample(
        totals=nothing, week=nothing, changes=(), course=(), gains=(), best=(), worst=(), comparisons=(), cells=(),
        breakdowns=dict.fromkeys(DIMENSIONS, ()), announcements=(), sampled_at=None,
    )  # fmt: skip
    assert "Beiträge" in openpyxl.load_workbook(io.BytesIO(workbook(empty, "de"))).sheetnames


def test_the_same_report_makes_the_same_bytes(report: Report) -> None:
    assert workbook(report, "de") == workbook(report, "de")


def test_charts_read_the_cells_of_their_own_table(report: Report) -> None:
    charts = [content.decode() for name, content in parts(workbook(report, "de")).items() if "charts/chart" in name]
    assert len(charts) >= 9
    assert any("Verlauf!$D$2:$D$15" in chart for chart in charts)
