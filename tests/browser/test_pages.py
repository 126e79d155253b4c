"""What only a browser shows: the policy holds, keyboard and screen reader find their way, nothing overflows."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from campaign.condition import condition_of
from campaign.desk import Entry
from campaign.roles import Role
from posts.states import State
from tests.browser.conftest import LAPTOP, TELEPHONE, Person, Site, slow_first
from tests.integration.guest import PASSWORD

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


def busy(site: Site) -> int:
    """An installation with something of everything; returns a draft's number."""
    house = site.house
    x, page = house.channel("twitter"), house.channel("facebook")
    draft = _draft(site, x, "Neu auf der Karte: der Bürgermeisterhof in Salzwedel, ein Ort zum Arbeiten im Grünen.")
    for number, words in enumerate(("Donaudampfschifffahrtsgesellschaft" * 6, "Hof Lüchow", "Mühle am See")):
        _draft(site, page, words, 4 + number)
    house.add(x, "Heute Nachmittag", 5 * 3600)
    house.add(page, "Morgen früh", 23 * 3600)
    held = _draft(site, x, "Angehalten", 30)
    house.app.decide("hold", [held])
    for state, words in ((State.IN_DOUBT, "Wer weiß"), (State.MISSED, "Zu spät"), (State.REFUSED, "Nein")):
        number = house.add(x, words, 7200)
        with house.app.database.write() as connection:
            connection.exec_driver_sql(
                f"UPDATE deliveries SET state = '{state.value}', reason = 'blind' WHERE id = {number}"
            )
    house.app.set_channel(page, "pause")
    return draft


def _draft(site: Site, channel: str, words: str, hours: float = 3) -> int:
    entry = Entry(channel, site.house.clock.now() + timedelta(hours=hours), words, "https://example.org/orte/hof/")
    return int(site.house.app.add_announcement(entry, None, approve=False)["id"])


def serious(page: Page) -> list[str]:
    """What axe finds wrong, with the elements."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found: dict[str, Any] = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [
        f"{one['id']}: {one['help']} {[node['html'][:120] for node in one['nodes']]}" for one in found["violations"]
    ]


def overflowing(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def test_somebody_signs_in_approves_and_pulls_the_brake(site: Site, person: Person) -> None:
    number = busy(site)
    page = person.arrive(site, "Anna Muster", Role.APPROVER)
    card = page.locator(f"#beitrag-{number}")
    card.get_by_role("button", name="Freigeben").click()
    told = page.get_by_role("status").filter(has_text="Freigegeben.")
    expect(told).to_be_visible()
    expect(told).to_be_focused()
    expect(card).to_have_count(0)
    assert site.house.state(number) is State.APPROVED

    page.locator("summary", has_text="Notbremse").click()
    page.get_by_label("Grund").fill("Unglück in der Region")
    page.get_by_role("button", name="Jetzt alles anhalten").click()
    expect(page.locator(".banner-stop")).to_contain_text("durch Anna Muster")
    assert condition_of(site.house.app).braked_since is not None
    page.get_by_role("button", name="Bremse lösen").click()
    expect(page.locator(".banner-stop")).to_have_count(0)


def test_two_that_are_approved_one_right_after_the_other_are_both_seen_to_be(site: Site, person: Person) -> None:
    channel = site.house.channel("twitter")
    first, second = _draft(site, channel, "Der erste"), _draft(site, channel, "Der zweite", 4)
    page = person.arrive(site, "Anna", Role.APPROVER)
    order: list[str] = []
    page.on("request", lambda one: order.append("sent") if one.method == "POST" else None)
    page.on("response", lambda one: order.append("answered") if one.request.method == "POST" else None)
    answer = slow_first(page, "**/freigeben")
    for number in (first, second):
        page.locator(f"#beitrag-{number}").get_by_role("button", name="Freigeben").click()
    answer()
    expect(page.locator("article")).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="Freigegeben.")).to_be_visible()
    assert {site.house.state(first), site.house.state(second)} == {State.APPROVED}
    # The answer to the first would otherwise tell how it was before the second, or be told nowhere.
    assert order == ["sent", "answered"] * 2


def test_a_refusal_stands_beside_its_card_and_has_the_focus(site: Site, person: Person) -> None:
    busy(site)
    page = person.arrive(site, "Anna", Role.APPROVER)
    card = page.locator("article", has_text="Wer weiß")
    card.get_by_label("Adresse oder Kennung").fill("kein Link")
    card.get_by_role("button", name="Er ist da").click()
    expect(card.get_by_role("alert")).to_contain_text("die lange Zahl am Ende")
    expect(card.get_by_role("alert")).to_be_focused()


def test_opened_menus_are_accessible_and_close_with_escape(site: Site, person: Person) -> None:
    page = person.arrive(site, "Anna", Role.ADMINISTRATOR)
    for summary in page.locator("details.drop:visible > summary").all():
        summary.focus()
        page.keyboard.press("Enter")
        assert serious(page) == []
        assert overflowing(page) == 0
        page.keyboard.press("Escape")
        expect(page.locator("details.drop[open]")).to_have_count(0)
        expect(summary).to_be_focused()


def test_the_keyboard_alone_signs_in_and_approves(site: Site, chromium: Browser) -> None:
    number = busy(site)
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE")
    page = Person(context).arrive(site, "Anna", Role.APPROVER)
    page.reload()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement.closest('article')?.id + ' ' + document.activeElement.innerText"
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", focused
        if focused.startswith(f"beitrag-{number} Freigeben"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Freigegeben.")).to_be_visible()
    assert site.house.state(number) is State.APPROVED
    context.close()


def test_without_scripts_everything_works_with_whole_pages(site: Site, chromium: Browser) -> None:
    number = busy(site)
    context = chromium.new_context(viewport=TELEPHONE, locale="de-DE", java_script_enabled=False)
    page = Person(context).arrive(site, "Anna", Role.APPROVER)
    page.locator(f"#beitrag-{number}").get_by_role("button", name="Freigeben").click()
    expect(page.get_by_role("status").filter(has_text="Freigegeben.")).to_be_visible()
    page.locator("summary", has_text="Menü").click()
    page.get_by_role("link", name="Protokoll").click()
    page.get_by_role("link", name="Prüfen, ob").click()
    expect(page.locator("#pruefung")).to_contain_text("die Kette ist unverändert")
    page.locator("summary", has_text="Anna").click()
    page.get_by_role("button", name="Abmelden").click()
    page.get_by_label("Name").fill("Anna")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Anmelden").click()
    page.wait_for_url("**/heute")
    context.close()


def test_the_log_verifies_itself_once_it_is_shown(site: Site, person: Person) -> None:
    page = person.arrive(site, "Anna", Role.READER)
    page.goto(f"{site.address}/protokoll")
    expect(page.locator("#pruefung")).to_contain_text(re.compile(r"Geprüft: \d+ Einträge"))


def test_a_page_that_is_left_open_renews_itself_but_not_under_somebody_s_hands(site: Site, chromium: Browser) -> None:
    channel = site.house.channel("twitter")
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE")
    person = Person(context)
    person.page.clock.install()
    page = person.arrive(site, "Anna", Role.APPROVER)
    _draft(site, channel, "Kam eben herein")
    page.clock.fast_forward(61_000)
    expect(page.locator("article", has_text="Kam eben herein")).to_be_visible()
    page.locator("article").get_by_role("button", name="Anhalten").focus()
    _draft(site, channel, "Kam später herein", 4)
    page.clock.fast_forward(61_000)
    expect(page.locator("article", has_text="Kam später herein")).to_have_count(0)
    assert person.complaints == []
    context.close()
