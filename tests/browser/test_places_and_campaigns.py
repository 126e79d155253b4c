"""Orte and Kampagnen in a browser: decided by mouse and keyboard, rows without reloading, readable for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from campaign import rehearsal
from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.browser.conftest import LAPTOP, TELEPHONE, Person, Site, answering, slow_first
from tests.browser.test_pages import overflowing, serious
from tests.conftest import START
from tests.integration.harness import Networks
from tests.integration.village import Village


@dataclass
class Visited:
    """A village and where its pages answer."""

    village: Village
    site: Site


@pytest.fixture
def visited(tmp_path: Path) -> Iterator[Visited]:
    clock = ManualClock(START)
    with Server(clock=clock) as sandbox:
        database = f"sqlite:///{tmp_path / 'k.db'}"
        village = Village(tmp_path, database, Networks(sandbox), clock, "kreativorte", "zukunftsorte")
        village.campaign()
        village.place("Bürgermeisterhof " + "Donaudampfschifffahrtsgesellschaft" * 3)
        village.place("Alte Mühle", town="Stendal")
        village.place("Alte Mühle", "zukunftsorte", town="Stendal")
        village.app.plan()
        with answering(village.house) as site:
            yield Visited(village, site)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_campaign_s_preview(visited: Visited, person: Person, scheme: Any) -> None:
    person.page.emulate_media(color_scheme=scheme)
    page = person.arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/altmark/bearbeiten")
    page.locator("#b-vorschau").click()
    expect(page.locator("#vorschau")).to_be_focused()
    assert serious(page) == [] and overflowing(page) == 0


def test_a_place_is_left_out_after_a_question(visited: Visited, person: Person) -> None:
    page = person.arrive(visited.site, "Anna", Role.EDITOR)
    page.goto(f"{visited.site.address}/orte")
    page.get_by_role("link", name="Bürgermeisterhof").click()
    page.locator("summary", has_text="Nicht ankündigen").click()
    page.locator("main").get_by_label("Grund").fill("liegt im Streit")
    page.get_by_role("button", name="Nicht mehr ankündigen").click()
    expect(page.get_by_role("status").filter(has_text="ist abgesagt")).to_be_visible()
    expect(page.locator("main")).to_contain_text("liegt im Streit")
    page.get_by_role("button", name="Wieder ankündigen").click()
    expect(page.get_by_role("status").filter(has_text="wird wieder angekündigt")).to_be_visible()


def fill(page: Page) -> None:
    page.get_by_label("Titel").fill("Sommer am Fluss")
    page.get_by_label("Erster Tag").fill("2026-11-01")
    page.get_by_label("Letzter Tag").fill("2027-06-30")
    page.get_by_label("facebook-100100100").first.check()
    page.get_by_label("Name des Schritts").fill("vorstellung")
    page.get_by_label("Vorlage 1").select_option("vorstellung")
    page.locator("#f-rhythm-slots-0-weekday").select_option("Sat")
    page.locator("#f-rhythm-slots-0-at").fill("11:00")


def test_rows_come_without_reloading_and_the_hands_stay_where_they_are(visited: Visited, person: Person) -> None:
    page = person.arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/neu")
    fill(page)
    page.evaluate("window.notReloaded = true")
    page.get_by_role("button", name="weiterer Schritt").click()
    expect(page.locator("#f-steps-1-name")).to_be_focused()
    page.keyboard.type("nachklang")
    page.locator("#f-steps-1-templates").select_option("nachklang")
    page.get_by_role("button", name="weiterer Termin").click()
    expect(page.locator("#f-rhythm-slots-1-weekday")).to_be_focused()
    page.locator("#b-less-rhythm-slots-1").click()
    expect(page.locator("#f-rhythm-slots-1-weekday")).to_have_count(0)
    page.locator("#b-up-steps-1").click()
    expect(page.locator("#f-steps-0-name")).to_have_value("nachklang")
    page.locator("#b-vorschau").click()
    expect(page.locator("#vorschau")).to_be_focused()
    expect(page.locator(".month").first).to_be_visible()
    assert page.evaluate("window.notReloaded")
    page.get_by_role("button", name="Speichern").click()
    page.wait_for_url("**/kampagnen/sommer-am-fluss")
    kept = rehearsal.campaign(visited.village.app, "sommer-am-fluss").campaign
    assert [step.name for step in kept.steps] == ["nachklang", "vorstellung"]


def test_whoever_presses_faster_than_the_page_answers_loses_nothing(visited: Visited, person: Person) -> None:
    page = person.arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/neu")
    fill(page)
    page.get_by_role("button", name="weiterer Schritt").click()
    page.locator("#f-steps-1-name").fill("nachklang")
    page.locator("#f-steps-1-templates").select_option("nachklang")
    page.evaluate("window.notReloaded = true")
    answer = slow_first(page, "**/kampagnen/neu")
    page.locator("#b-up-steps-1").click()
    page.locator("#b-vorschau").click()
    answer()
    expect(page.locator("#vorschau")).to_be_focused()
    expect(page.locator("#f-steps-0-name")).to_have_value("nachklang")
    answer = slow_first(page, "**/kampagnen/neu")
    page.locator("#b-up-steps-1").click()
    page.get_by_role("button", name="Speichern").click()
    answer()
    page.wait_for_url("**/kampagnen/sommer-am-fluss")
    kept = rehearsal.campaign(visited.village.app, "sommer-am-fluss").campaign
    assert [step.name for step in kept.steps] == ["vorstellung", "nachklang"]


def test_a_press_before_the_form_that_came_is_ready_is_done_without_reloading(visited: Visited, person: Person) -> None:
    page = person.arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/neu")
    fill(page)
    page.evaluate("window.notReloaded = true; htmx.config.defaultSettleDelay = 1500")
    page.get_by_role("button", name="weiterer Termin").click()
    expect(page.locator("#f-rhythm-slots-1-weekday")).to_be_visible()
    page.locator("#b-vorschau").click()
    expect(page.locator("#vorschau")).to_be_focused()
    assert page.evaluate("window.notReloaded")


def test_the_page_stands_still_under_the_hand_once_the_focus_moved(visited: Visited, person: Person) -> None:
    page = person.arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/neu")
    fill(page)
    page.evaluate("""
        const frame = () => new Promise(requestAnimationFrame);
        window.slid = new Promise((told) => addEventListener("focusin", async ({target}) => {
            if (target.id !== "vorschau") return;
            await frame();
            const at = scrollY;
            for (let frames = 0; frames < 10; frames++) await frame();
            told(Math.abs(scrollY - at));
        }));
        true
    """)
    page.locator("#b-vorschau").click()
    assert page.evaluate("window.slid") == 0


def test_enter_in_a_field_shows_the_preview_and_saves_nothing(visited: Visited, person: Person) -> None:
    page = person.arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/neu")
    fill(page)
    page.get_by_label("Titel").press("Enter")
    expect(page.locator("#vorschau")).to_be_visible()
    assert [one.campaign.name for one in rehearsal.campaigns(visited.village.app)] == ["altmark"]


def test_problems_have_the_focus_and_lead_to_their_fields(visited: Visited, person: Person) -> None:
    page = person.arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/neu")
    page.locator("#b-vorschau").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    assert serious(page) == []
    alert.get_by_role("link", name="Letzter Tag").click()
    expect(page.locator("#f-ends")).to_be_focused()
    person.complaints[:] = [one for one in person.complaints if "422" not in one]


def test_a_call_shows_the_fields_of_its_recurrence_only(visited: Visited, person: Person) -> None:
    page = person.arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/neu")
    page.get_by_role("button", name="weiterer Aufruf").click()
    expect(page.get_by_label("am wievielten")).to_be_visible()
    expect(page.get_by_label("Regel", exact=True)).to_be_hidden()
    page.get_by_label("Wiederholung").select_option("rule")
    expect(page.get_by_label("Regel", exact=True)).to_be_visible()
    expect(page.get_by_label("am wievielten")).to_be_hidden()


def test_without_scripts_a_campaign_is_made_with_whole_pages(visited: Visited, chromium: Browser) -> None:
    context = chromium.new_context(viewport=TELEPHONE, locale="de-DE", java_script_enabled=False)
    page = Person(context).arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/neu")
    fill(page)
    page.get_by_role("button", name="weiterer Schritt").click()
    page.locator("#f-steps-1-name").fill("nachklang")
    page.locator("#f-steps-1-templates").select_option("nachklang")
    page.locator("#b-vorschau").click()
    expect(page.locator("#vorschau")).to_be_visible()
    page.get_by_role("button", name="Speichern").click()
    page.wait_for_url("**/kampagnen/sommer-am-fluss")
    assert len(rehearsal.campaign(visited.village.app, "sommer-am-fluss").campaign.steps) == 2
    context.close()


def test_without_scripts_a_place_is_left_out_and_taken_back(visited: Visited, chromium: Browser) -> None:
    village = visited.village
    number = village.number("Alte Mühle", "kreativorte")
    context = chromium.new_context(viewport=TELEPHONE, locale="de-DE", java_script_enabled=False)
    page = Person(context).arrive(visited.site, "Anna", Role.EDITOR)
    page.goto(f"{visited.site.address}/orte/{number}")
    page.locator("summary", has_text="Nicht ankündigen").click()
    page.locator("main").get_by_label("Grund").fill("liegt im Streit")
    page.get_by_role("button", name="Nicht mehr ankündigen").click()
    expect(page.get_by_role("status").filter(has_text="ist abgesagt")).to_be_visible()
    assert village.row(number)["skipped"]
    assert {state for _step, _occurrence, state in village.calendar(number)} == {"cancelled"}
    page.get_by_role("button", name="Wieder ankündigen").click()
    expect(page.get_by_role("status").filter(has_text="wird wieder angekündigt")).to_be_visible()
    assert not village.row(number)["skipped"]
    context.close()


def test_the_keyboard_alone_saves_a_change(visited: Visited, chromium: Browser) -> None:
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE")
    page = Person(context).arrive(visited.site, "Anna", Role.APPROVER)
    page.goto(f"{visited.site.address}/kampagnen/altmark/bearbeiten")
    page.get_by_label("Titel").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("Mit der Tastatur")
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "speichern":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/kampagnen/altmark")
    assert rehearsal.campaign(visited.village.app, "altmark").campaign.title == "Mit der Tastatur"
    context.close()
