"""Auswertung and Wirkung in a real browser: charts beside tables, light and dark, on paper, by keyboard, without
scripts; on a season that was really posted and really measured."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.browser.conftest import LAPTOP, TELEPHONE, Person, Site, answering
from tests.browser.test_pages import overflowing, serious
from tests.conftest import START
from tests.integration.harness import until
from tests.integration.season import Season

WHOLE = "/auswertung?von=2026-11-24&bis=2026-12-17"
_numbers = itertools.count(1)
PATHS = (WHOLE, f"{WHOLE}&nach=place&zahl=reactions&region=Altmark", "/auswertung?von=2026-01-01&bis=2026-01-02")


@pytest.fixture(scope="module")
def season_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    clock = ManualClock(START)
    with Server(clock=clock) as server:
        season = Season(tmp_path_factory.mktemp("season"), server, clock, days=24)
        with answering(season.house) as made:
            yield made


def somebody() -> str:
    """One more person: the site is shared by all tests."""
    return f"Person {next(_numbers)}"


def posted(site: Site) -> int:
    """The first announcement that went out on Facebook."""
    found = site.house.app.announcements(states=[State.POSTED], channel="facebook-100100100", limit=1)
    return int(found[0]["id"])


def inked(page: Page, chart: str) -> int:
    """How many points of a chart are not blank."""
    count: int = page.evaluate(
        """id => {
          const canvas = document.querySelector(`#${id} canvas`);
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((value, at) => at % 4 === 3 && value > 0).length;
        }""",
        chart,
    )
    return count


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_overflows(season_site: Site, person: Person, scheme: Any) -> None:
    person.page.emulate_media(color_scheme=scheme)
    page = person.arrive(season_site, somebody(), Role.EDITOR)
    for path in (*PATHS, f"/beitraege/{posted(season_site)}"):
        page.goto(season_site.address + path)
        assert serious(page) == [], path
        assert overflowing(page) == 0, path
        for summary in page.locator("details.as-table > summary").all():
            summary.click()
        assert serious(page) == [], f"{path}, tables open"
        assert overflowing(page) == 0, f"{path}, tables open"


def test_charts_are_drawn_over_the_figures_of_the_table_beside_them(season_site: Site, person: Person) -> None:
    page = person.arrive(season_site, somebody(), Role.READER)
    page.goto(season_site.address + WHOLE)
    for chart in ("verlauf-bild", "zuwachs-bild"):
        expect(page.locator(f"#{chart} canvas")).to_be_visible()
        assert inked(page, chart) > 1000
        expect(page.locator(f"#{chart}")).to_have_attribute("role", "img")
    summary = page.locator("section[aria-labelledby=zuwachs] summary")
    expect(page.locator("section[aria-labelledby=zuwachs] table")).to_be_hidden()
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("section[aria-labelledby=zuwachs] table")).to_be_visible()
    drawn = page.evaluate("JSON.parse(document.getElementById('zuwachs-bild-zahlen').textContent).panels[0].series[0]")
    cells = page.locator("section[aria-labelledby=zuwachs] tbody tr td:nth-of-type(1)").all_inner_texts()
    assert [int(text.replace(".", "")) for text in cells] == drawn["values"]


def test_a_chart_follows_when_the_machine_turns_dark(season_site: Site, person: Person) -> None:
    page = person.arrive(season_site, somebody(), Role.READER)
    page.goto(season_site.address + WHOLE)
    expect(page.locator("#verlauf-bild canvas")).to_be_visible()
    colour = "echarts.getInstanceByDom(document.getElementById('verlauf-bild')).getOption().series[0].itemStyle.color"
    assert page.evaluate(colour) == "#1f5f4a"
    page.emulate_media(color_scheme="dark")
    until(lambda: bool(page.evaluate(colour) == "#8fd4b6"), "the chart in light colours")


def test_whoever_wants_no_motion_gets_none(season_site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE", reduced_motion="reduce")
    page = Person(context).arrive(season_site, somebody(), Role.READER)
    page.goto(season_site.address + WHOLE)
    option = "echarts.getInstanceByDom(document.getElementById('verlauf-bild')).getOption().animation"
    assert page.evaluate(option) is False
    context.close()


def test_a_tip_tells_a_day_s_figures(season_site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE")
    person = Person(context)
    page = person.arrive(season_site, somebody(), Role.READER)
    page.goto(season_site.address + WHOLE)
    chart = page.locator("#zuwachs-bild")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    expect(page.locator(".chart-tip").first).to_contain_text("Zuwachs:")
    assert person.complaints == []
    context.close()


def test_the_keyboard_alone_narrows_the_report(season_site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE")
    page = Person(context).arrive(season_site, somebody(), Role.READER)
    page.goto(season_site.address + "/auswertung?zeitraum=90")
    page.locator("details.narrowing > summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Kanal", exact=True).focus()
    page.keyboard.type("twit")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Zeigen").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_url("**kanal=twitter-42**")
    assert "zeitraum=90" in page.url
    rows = page.locator("section[aria-labelledby=aufschluesselung] tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("twitter-42")
    context.close()


def test_without_scripts_every_figure_is_there(season_site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport=TELEPHONE, locale="de-DE", java_script_enabled=False)
    page = Person(context).arrive(season_site, somebody(), Role.READER)
    page.goto(season_site.address + WHOLE)
    for section in ("verlauf", "zuwachs", "aufschluesselung", "vergleich", "stunden", "varianten"):
        expect(page.locator(f"section[aria-labelledby={section}] table").first).to_be_visible()
    expect(page.locator(".chart")).to_have_count(2)
    for chart in page.locator(".chart").all():
        expect(chart).to_be_hidden()
    expect(page.get_by_role("button", name="Drucken")).to_be_hidden()
    page.get_by_role("link", name="Reaktionen", exact=True).click()
    expect(page.get_by_role("heading", name="Zuwachs je Tag: Reaktionen")).to_be_visible()
    page.goto(f"{season_site.address}/beitraege/{posted(season_site)}")
    expect(page.locator("section[aria-labelledby=wirkung] table")).to_be_visible()
    context.close()


def test_at_200_percent_the_report_still_fits(season_site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 640, "height": 400}, device_scale_factor=2, locale="de-DE")
    page = Person(context).arrive(season_site, somebody(), Role.READER)
    for path in (*PATHS, f"/beitraege/{posted(season_site)}"):
        page.goto(season_site.address + path)
        assert overflowing(page) == 0, path
    context.close()


def test_on_paper_there_are_charts_and_tables_but_no_navigation(season_site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE", color_scheme="dark")
    page = Person(context).arrive(season_site, somebody(), Role.READER)
    page.goto(season_site.address + WHOLE)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 between its margins
    expect(page.locator(".top")).to_be_hidden()
    expect(page.get_by_role("search")).to_be_hidden()
    for section in ("verlauf", "zuwachs"):
        expect(page.locator(f"section[aria-labelledby={section}] table")).to_be_visible()
        expect(page.locator(f"section[aria-labelledby={section}] canvas")).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "light"
    assert overflowing(page) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    context.close()


def test_the_file_comes_down_by_its_button(season_site: Site, person: Person) -> None:
    page = person.arrive(season_site, somebody(), Role.READER)
    page.goto(season_site.address + WHOLE)
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()
    assert coming.value.suggested_filename == "auswertung_2026-11-24_2026-12-17.csv"


def test_charts_are_loaded_only_where_there_are_some(season_site: Site, person: Person) -> None:
    asked: list[str] = []
    person.page.on("request", lambda one: asked.append(one.url))
    page = person.arrive(season_site, somebody(), Role.READER)
    for path in ("/kalender/liste", "/auswertung?von=2026-01-01&bis=2026-01-02"):
        page.goto(season_site.address + path)
    assert not [url for url in asked if "echarts" in url]
    page.goto(season_site.address + WHOLE)
    assert [url for url in asked if "echarts" in url]
