"""Without scripts the forms work as well, with whole pages: announcements, brake, doubts, channels, users, one's own
access. Campaigns, templates, places and the calendar have such a test beside their others."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from campaign.condition import condition_of
from campaign.roles import Role
from posts.states import State
from tests.browser.conftest import TELEPHONE, Person, Site
from tests.browser.test_pages import busy
from tests.integration.guest import PASSWORD
from tests.integration.test_announcement_page import draft

NEW_PASSWORD = "ein anderer langer Satz"


@pytest.fixture
def plain(chromium: Browser) -> Iterator[Person]:
    """Somebody whose browser runs no scripts."""
    context = chromium.new_context(viewport=TELEPHONE, locale="de-DE", java_script_enabled=False)
    context.set_default_timeout(15_000)
    person = Person(context)
    yield person
    context.close()
    assert person.complaints == []


def told(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def test_an_announcement_is_edited_approved_moved_held_released_and_cancelled(site: Site, plain: Person) -> None:
    house = site.house
    number = draft(house, house.channel("twitter"), "Noch nicht so gut")
    page = plain.arrive(site, "Anna", Role.APPROVER)
    page.locator(f"#beitrag-{number}").get_by_role("link", name="Noch nicht so gut").click()
    page.get_by_label("Text", exact=True).fill("Schon besser")
    page.get_by_role("button", name="Speichern", exact=True).click()
    told(page, "Gespeichert.")
    assert house.one(number)["text"] == "Schon besser"

    page.get_by_role("button", name="Freigeben", exact=True).click()
    told(page, "Freigegeben.")
    assert house.one(number)["approved_by"] == ["Anna"]

    page.locator("#verschieben > summary").click()
    page.locator("#verschieben").get_by_label("Neuer Termin").fill("2026-12-08T10:00")
    page.locator("#verschieben").get_by_role("button", name="Verschieben", exact=True).click()
    told(page, "Verschoben.")
    assert house.one(number)["at"] == "2026-12-08T10:00:00+01:00"

    page.get_by_role("button", name="Anhalten", exact=True).click()
    told(page, "Angehalten.")
    assert house.state(number) is State.HELD
    page.get_by_role("button", name="Weitergehen lassen").click()
    told(page, "Es geht weiter.")
    assert house.state(number) is State.APPROVED

    page.locator("summary", has_text="Absagen").click()
    page.locator("details", has_text="Absagen").get_by_role("button").last.click()
    told(page, "Abgesagt.")
    assert house.state(number) is State.CANCELLED


def test_a_new_announcement_is_written_looked_at_and_made(site: Site, plain: Person) -> None:
    site.house.channel("facebook")
    page = plain.arrive(site, "Erna", Role.EDITOR)
    page.get_by_role("link", name="Neuer Beitrag").click()
    page.get_by_label("Text", exact=True).fill("Frohes Fest")
    page.get_by_label("Termin").fill("2026-12-06T09:00")
    page.get_by_role("button", name="Vorschau").click()
    expect(page.locator("#vorschau .post-text")).to_have_text("Frohes Fest")
    page.get_by_role("button", name="Als Entwurf anlegen").click()
    told(page, "Angelegt")
    (made,) = site.house.app.announcements()
    assert (made["text"], made["state"], made["at"]) == ("Frohes Fest", "draft", "2026-12-06T09:00:00+01:00")


def test_the_brake_is_pulled_and_released_and_a_doubt_is_settled(site: Site, plain: Person) -> None:
    busy(site)
    house = site.house
    page = plain.arrive(site, "Anna", Role.APPROVER)
    page.locator("summary", has_text="Notbremse").click()
    page.get_by_label("Grund").first.fill("Unglück in der Region")
    page.get_by_role("button", name="Jetzt alles anhalten").click()
    expect(page.locator(".banner-stop")).to_contain_text("Unglück in der Region")
    assert condition_of(house.app).braked_by == "Anna"
    page.get_by_role("button", name="Bremse lösen").click()
    told(page, "Die Notbremse ist gelöst.")
    assert condition_of(house.app).braked_since is None

    (doubt,) = house.app.announcements(states=[State.IN_DOUBT])
    card = page.locator(f"#beitrag-{doubt['id']}")
    card.get_by_label("Adresse oder Kennung").fill("kein Link")
    card.get_by_role("button", name="Er ist da").click()
    expect(card.get_by_role("alert")).to_contain_text("die lange Zahl am Ende")
    expect(card.get_by_label("Adresse oder Kennung")).to_have_value("kein Link")
    card.get_by_label("Adresse oder Kennung").fill("https://x.com/altmark/status/12345")
    card.get_by_role("button", name="Er ist da").click()
    told(page, "Als erschienen vermerkt.")
    assert (house.state(doubt["id"]), house.one(doubt["id"])["remote_id"]) == (State.POSTED, "12345")


def test_a_channel_is_paused_and_goes_on(site: Site, plain: Person) -> None:
    name = site.house.channel("twitter")
    page = plain.arrive(site, "Erna", Role.EDITOR)
    page.goto(f"{site.address}/kanaele/{name}")
    page.get_by_role("button", name="Anhalten").click()
    expect(page.locator("main .marks").first).to_contain_text("angehalten")
    assert site.house.app.channels(name)[0]["paused"]
    page.get_by_role("button", name="Weitergehen lassen").click()
    expect(page.get_by_role("button", name="Anhalten")).to_be_visible()
    assert not site.house.app.channels(name)[0]["paused"]


def test_somebody_gets_access_another_role_and_none_any_more(site: Site, plain: Person) -> None:
    access = site.house.app.access
    page = plain.arrive(site, "Vera", Role.ADMINISTRATOR)
    page.goto(f"{site.address}/benutzer")
    page.get_by_label("Name, wie er im Protokoll steht").fill("Rita Leserin")
    page.get_by_label("Rolle", exact=True).select_option("reader")
    page.get_by_role("button", name="Aufnehmen").click()
    link = page.get_by_role("status").locator("code").inner_text()
    assert link.startswith(f"{site.address}/zugang/")
    page.get_by_label("Rolle von Rita Leserin").select_option("editor")
    page.get_by_role("button", name=re.compile("Rolle ändern ?: Rita Leserin")).click()
    told(page, "Geändert.")
    assert {one.name: one.role for one in access.users()}["Rita Leserin"] is Role.EDITOR
    page.locator("summary", has_text=re.compile("Entfernen … ?: Rita Leserin")).click()
    page.locator("details[open]", has_text="Rita Leserin").get_by_role("button", name="Zugang entfernen").click()
    told(page, "Entfernt.")
    assert [one.name for one in access.users()] == ["Vera"]


def test_one_s_own_keys_and_password(site: Site, plain: Person) -> None:
    page = plain.arrive(site, "Anna", Role.EDITOR)
    page.goto(f"{site.address}/konto")
    page.get_by_label("Wofür").fill("Statistik")
    page.get_by_role("button", name="Schlüssel erstellen").click()
    expect(page.get_by_role("status")).to_contain_text("Der Schlüssel »Statistik«")
    assert [one.name for one in site.house.app.access.tokens("Anna")] == ["Statistik"]
    page.get_by_role("button", name=re.compile("Widerrufen ?: Statistik")).click()
    told(page, "Widerrufen.")
    assert site.house.app.access.tokens("Anna") == []

    page.get_by_label("Jetziges Passwort").fill(PASSWORD)
    page.get_by_label("Neues Passwort", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("Neues Passwort noch einmal").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Ändern", exact=True).click()
    page.wait_for_url("**/konto")
    page.locator("summary", has_text="Anna").click()
    page.get_by_role("button", name="Abmelden").click()
    page.get_by_label("Name").fill("Anna")
    page.get_by_label("Passwort").fill(NEW_PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Anmelden").click()
    page.wait_for_url("**/heute")


def test_the_log_is_searched(site: Site, plain: Person) -> None:
    busy(site)
    page = plain.arrive(site, "Rita", Role.READER)
    page.goto(f"{site.address}/protokoll")
    page.get_by_label("Vorgang").select_option(label="angehalten")
    page.get_by_role("button", name="Suchen").click()
    rows = page.locator("table.log tbody > tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("cli:anna")
