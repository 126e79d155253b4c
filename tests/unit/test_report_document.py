"""The printed report: its figures are the report's, its charts agree with its tables, and no text can harm it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pypdf
import pypdfium2
import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign.reports import document as documents
from campaign.reports.contents import Bars, Block, Heat, Intervals, Table, blocks, grown_by_span, scale, views_per_post
from campaign.reports.document import breakable, document, undisplayable
from campaign.reports.formats import Formats, readable
from campaign.reports.values import DIMENSIONS, FEW, SUMMED, Fact, Figures, LogExtract, Reliability, Report
from tests.unit.report_sample import HOSTILE, facts, last, rows, sample, sums

HEAD = "4711:" + "3f9a" * 16
LOG = LogExtract(HEAD)


@pytest.fixture(scope="module")
def report() -> Report:
    return sample()


@pytest.fixture(scope="module")
def german(report: Report) -> bytes:
    return document(report, "de", LOG)


@pytest.fixture(scope="module")
def english(report: Report) -> bytes:
    return document(report, "en", LOG)


def text_of(pdf: bytes) -> str:
    """All words in their order, without the places where long ones may be broken."""
    pages = pypdfium2.PdfDocument(pdf)
    told = " ".join(page.get_textpage().get_text_bounded() for page in pages)
    # A hyphen at the end of a line is told as U+0002 or U+FFFE.
    told = re.sub("[\u0002\ufffe\u00ad]\\s*", "", told.replace("\u200b", ""))
    return " ".join(told.split())


def structure(pdf: bytes) -> Iterator[dict[str, Any]]:
    """The elements that a screen reader goes through."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    waiting: list[Any] = [reader.root_object["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop().get_object()
        if isinstance(element, list):
            waiting += element
        elif isinstance(element, dict):
            yield element
            waiting += [element["/K"]] if "/K" in element else []


# --- what it says ------------------------------------------------------------------------------------------------


def test_all_sums_are_there_as_people_write_them(report: Report, german: bytes, english: bytes) -> None:
    told_de, told_en = text_of(german), text_of(english)
    for name in SUMMED:
        value = report.totals.metrics[name]
        assert value is not None
        assert f"{value:,}" in told_en
        assert f"{value:,}".replace(",", ".") in told_de
    for dimension in ("channel", "region", "place"):
        for row in report.breakdowns[dimension]:
            assert row.label in told_de
            assert f"{row.figures.metrics['views']:,}" in told_en
    assert "135.354" in told_de  # one of them, by hand


def test_every_announcement_is_in_the_log_extract_with_its_instant_and_link(report: Report, german: bytes) -> None:
    told = text_of(german)
    assert HEAD in told and f"kreativorte log verify --head {HEAD}" in told
    reader = pypdf.PdfReader(io.BytesIO(german))
    links = {
        note.get_object()["/A"]["/URI"]
        for page in reader.pages
        for note in page.get("/Annots", [])
        if "/A" in note.get_object() and "/URI" in note.get_object()["/A"]
    }
    assert {fact.permalink for fact in report.announcements} <= links
    for fact in report.announcements:
        assert f"{fact.posted_at:%d.%m.%Y, %H:%M} {fact.id}" in told


def test_the_cover_tells_period_zone_last_sample_and_that_it_is_the_sandbox(german: bytes, english: bytes) -> None:
    first = pypdfium2.PdfDocument(german)[0].get_textpage().get_text_bounded()
    for words in (
        "Kreativorte im Grünen",
        "01.03.2027 – 31.05.2027",
        "Europe/Berlin",
        "07.06.2027, 04:00",
        "Sandkasten",
    ):
        assert words in first
    assert "Sandbox: practice data" in pypdfium2.PdfDocument(english)[0].get_textpage().get_text_bounded()


def test_a_live_report_does_not_say_sandbox(report: Report) -> None:
    live = replace(report, selection=replace(report.selection, world="live"), notes=())
    assert "Sandkasten" not in text_of(document(live, "de"))


def test_what_is_not_known_is_said_and_never_zero(report: Report) -> None:
    unknown = dict.fromkeys(report.totals.metrics)
    nothing = replace(
        report.totals, metrics=unknown, known=dict.fromkeys(unknown, 0), engagement_rate=None, visits=None
    )
    tiles = next(one for one in blocks(replace(report, totals=nothing), "de", None) if one.kind == "tiles")
    assert [tile.value for tile in tiles.tiles[1:]] == ["k. A."] * 7  # type: ignore[union-attr]
    assert "Das ist nicht null" in text_of(document(replace(report, totals=nothing), "de"))


def test_an_empty_period_makes_a_short_report_that_says_so() -> None:
    nothing = sums((), last)
    empty = sample(
        totals=nothing, week=nothing, changes=(), course=(), gains=(), breakdowns=dict.fromkeys(DIMENSIONS, ()),
        best=(), worst=(), comparisons=(), cells=(), announcements=(), sampled_at=None,
        reliability=Reliability(0, 0, 0, None, None, 0, 0, 0, 0, 0),
    )  # fmt: skip
    pdf = document(empty, "de", LOG)
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) <= 3
    assert "nichts erschienen" in text_of(pdf)


# --- charts and tables -------------------------------------------------------------------------------------------


def charts_with_tables(made: list[Block]) -> Iterator[tuple[Bars | Intervals, Table]]:
    """Each chart with the table that follows it."""
    for at, block in enumerate(made):
        if isinstance(block, Bars | Intervals):
            yield block, next(one for one in made[at:] if isinstance(one, Table))


def test_every_chart_shows_the_values_of_the_table_below_it(report: Report) -> None:
    seen = list(charts_with_tables(blocks(report, "de", LOG)))
    assert len(seen) >= 8
    for chart, table in seen:
        shown = [bar.text for bar in chart.bars] if isinstance(chart, Bars) else [one.text for one in chart.intervals]
        columns = [column[: len(shown)] for column in zip(*table.rows, strict=True)]
        assert tuple(shown) in columns, chart.title


def test_a_bar_is_as_long_as_its_value_says(report: Report) -> None:
    for chart, _table in charts_with_tables(blocks(report, "de", LOG)):
        if isinstance(chart, Bars):
            known = [(bar.value, bar.at) for bar in chart.bars if bar.value]
            whole = known[0][0] / known[0][1]
            for value, at in known:
                assert at == pytest.approx(value / whole)
                assert 0 < at <= 1


def test_bars_of_breakdowns_are_means_at_the_age_of_a_week(report: Report) -> None:
    charts = [one for one in blocks(report, "de", LOG) if isinstance(one, Bars) and not one.upright]
    for chart, dimension in zip(charts, ("step", "channel", "region", "category", "place"), strict=True):
        of = report.breakdowns[dimension]
        assert [bar.value for bar in chart.bars] == [views_per_post(row.week) for row in of]
        assert [bar.label.removesuffix(" *") for bar in chart.bars] == [row.label for row in of]
        assert [bar.label.endswith("*") for bar in chart.bars] == [row.figures.posts < FEW for row in of]


def test_growth_is_summed_up_over_the_spans_and_corrections_stand_apart(report: Report) -> None:
    grown = grown_by_span(report)
    assert sum(gain for _, gain, _ in grown) == sum(one.gain for one in report.gains)
    assert sum(less for _, _, less in grown) == -25


def test_the_heat_map_holds_every_cell_with_its_number(report: Report) -> None:
    (heat,) = (one for one in blocks(report, "de", LOG) if isinstance(one, Heat))
    told = [(square.text, square.remark) for _, squares in heat.rows for square in squares if square.shade >= 0]
    formats = Formats("de", report.zone)
    cells = sorted(report.cells, key=lambda cell: (cell.hour, cell.weekday))
    assert told == [(formats.mean(cell.views), f"n = {cell.measured}") for cell in cells]


@given(st.floats(min_value=1e-4, max_value=1e12))
def test_an_axis_begins_at_zero_holds_the_largest_and_has_few_equal_steps(largest: float) -> None:
    lines = scale(largest)
    assert lines[0] == 0 and lines[-1] >= largest * (1 - 1e-9)
    assert 2 <= len(lines) <= 6
    assert lines[-2] < largest


# --- a document for everybody ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["de", "en"])
def test_it_is_tagged_has_title_and_language_and_claims_its_standards(
    language: str, request: pytest.FixtureRequest
) -> None:
    pdf: bytes = request.getfixturevalue({"de": "german", "en": "english"}[language])
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    root = reader.root_object
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).startswith(language)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None and "2027" in str(reader.metadata.title)
    about = root["/Metadata"].get_object().get_data().decode()
    assert "pdfuaid" in about and "pdfaid" in about


def test_charts_have_words_and_tables_have_heads_for_screen_readers(report: Report, german: bytes) -> None:
    elements = list(structure(german))
    kinds = [str(one.get("/S")) for one in elements]
    figures = [one for one in elements if one.get("/S") == "/Figure"]
    charts = [one for one in blocks(report, "de", LOG) if isinstance(one, Bars | Intervals)]
    assert len(figures) == len(charts)
    assert all("Tabelle darunter" in str(one["/Alt"]) for one in figures)
    assert kinds.count("/TH") > 40 and "/H1" in kinds and "/H2" in kinds and "/Table" in kinds


def test_all_fonts_are_in_the_file(german: bytes) -> None:
    for page in pypdf.PdfReader(io.BytesIO(german)).pages:
        for font in page["/Resources"].get("/Font", {}).values():  # type: ignore[union-attr]
            (inner,) = font.get_object()["/DescendantFonts"]
            descriptor = inner.get_object()["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def test_the_same_report_makes_the_same_bytes(report: Report, german: bytes) -> None:
    assert document(report, "de", LOG) == german


# --- texts of strangers ------------------------------------------------------------------------------------------


def with_texts(report: Report, text: str) -> Report:
    """The report with one text wherever portals and staff can put theirs."""
    bad = tuple(replace(fact, text=text, place_name=text, channel=text[:60], permalink=text) for fact in facts(12))
    by_place = rows(bad, lambda fact: (fact.place_name,))
    return replace(
        report, best=bad[:1], worst=bad[1:2], announcements=bad, breakdowns=report.breakdowns | {"place": by_place}
    )


def inside(pdf: bytes) -> bool:
    """Whether every sign stands on its page, and within its margins at the right."""
    for page in pypdfium2.PdfDocument(pdf):
        width, height = page.get_size()
        words = page.get_textpage()
        for at in range(words.count_chars()):
            left, bottom, right, top = words.get_charbox(at)
            if not (left >= 0 and right <= width - 40 and bottom >= 0 and top <= height):
                return False
    return True


@pytest.mark.parametrize("language", ["de", "en"])
def test_hostile_texts_stay_texts(report: Report, language: str) -> None:
    pdf = document(with_texts(report, HOSTILE), language, LOG)
    told = text_of(pdf)
    for piece in ("#set page(fill: red)", "$x^2$ *fett* _kursiv_ `roh` <b>&amp;</b>", '=HYPERLINK("http', "{{ 7*7 }}"):
        assert piece in told
    assert "verleihungsurkunde" in re.sub(r"[-\s]", "", told)
    assert "🌾" in told and "שלום" in told
    assert "\u202e" not in told and "漢" not in told and "\ufffd" in told
    assert inside(pdf)
    assert b"pdfuaid" in pdf


def test_nothing_runs_off_a_page(german: bytes, english: bytes) -> None:
    assert inside(german) and inside(english)


def test_only_the_web_can_be_led_to(report: Report) -> None:
    pdf = document(with_texts(report, "javascript:alert(1)"), "de", LOG)
    assert b"javascript" not in re.sub(rb"\s", b"", b"".join(re.findall(rb"/URI\s*\([^)]*\)", pdf)))


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_any_text_at_all_makes_a_document(text: str) -> None:
    of = tuple(replace(fact, text=text, place_name=text) for fact in facts(3))
    breakdowns = {"channel": (), "place": rows(of, lambda fact: (fact.place_name,))}
    small = sample(3, best=of, worst=(), breakdowns=breakdowns, announcements=of)
    assert document(small, "de", LOG).startswith(b"%PDF")


def test_what_typst_can_t_display_goes_by_its_own_words() -> None:
    """The words of another release would be found by this: then undisplayable() must follow them."""
    compiler = typst.Compiler(
        "#set document(title: [T], date: auto)\n漢 \u0007 \ue000".encode(), font_paths=documents._fonts()
    )
    with pytest.raises(typst.TypstError) as caught:
        compiler.compile(format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=0)
    assert undisplayable(caught.value.diagnostic) == {"漢", "\u0007", "\ue000"}


def test_a_document_without_its_standards_is_better_than_none(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "undisplayable", lambda _told: set())
    pdf = document(with_texts(report, "漢字"), "de", LOG)
    assert b"pdfuaid" not in pdf and pypdf.PdfReader(io.BytesIO(pdf)).root_object["/MarkInfo"]["/Marked"]


def test_readable_keeps_words_and_drops_what_deceives() -> None:
    assert readable("a\u202eb\x07c\nd\ud800e\ue000") == "ab c\nd\ufffde\ufffd"
    assert readable("👩\u200d🌾 ö") == "👩\u200d🌾 ö"


def test_ordinary_words_are_left_to_hyphenation_and_addresses_can_be_broken() -> None:
    assert breakable("Landesentwicklungsgesellschaft,") == "Landesentwicklungsgesellschaft,"
    broken = breakable("https://kreativorte-im-gruenen.de/orte/hof")
    assert "\u200b" in broken and broken.replace("\u200b", "") == "https://kreativorte-im-gruenen.de/orte/hof"


# --- large ones --------------------------------------------------------------------------------------------------


def test_a_year_of_two_thousand_stays_readable() -> None:
    made: tuple[Fact, ...] = facts(2000)
    many = tuple(
        replace(row, label=f"Ort {number}")
        for number, row in enumerate(rows(made, lambda fact: (f"{fact.place_name} {fact.id % 80}",)))
    )
    large = sample(60, announcements=made, totals=sums(made, last), breakdowns={"channel": (), "place": many})
    told = [one for one in blocks(large, "de", LOG) if isinstance(one, Table)]
    assert max(len(table.rows) for table in told) <= 400
    words = text_of(document(large, "de", LOG))
    assert "25 von" in words and "400 von 2.000" in words and "ersten 12 Zeilen" in words
    (chart,) = (one for one in blocks(large, "de", LOG) if isinstance(one, Bars) and not one.upright)
    assert len(chart.bars) == 12


def test_days_and_months_are_written_by_their_names() -> None:
    formats = Formats("de", "Europe/Berlin")
    assert formats.period(date(2027, 3, 1), date(2027, 3, 31)) == "März 2027"
    assert formats.period(date(2027, 1, 1), date(2027, 12, 31)) == "2027"
    assert Formats("en", "Europe/Berlin").period(date(2027, 3, 1), date(2027, 3, 7)) == "1 Mar 2027 – 7 Mar 2027"


def test_figures_know_nothing_of_zero_where_nothing_is_known() -> None:
    empty: Figures = sums((), last)
    assert views_per_post(empty) is None
