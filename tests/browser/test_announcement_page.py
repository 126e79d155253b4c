"""Beitrag in a real browser: what is typed is shown at once, nothing typed is lost, and the page is for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from campaign.roles import Role
from posts.states import State
from tests.browser.conftest import LAPTOP, Person, Site
from tests.browser.test_pages import overflowing, serious
from tests.integration.test_announcement_page import draft

WORDS = "Neu auf der Karte: der Bürgermeisterhof in Salzwedel"


@pytest.fixture
def hof(tmp_path: Path) -> Path:
    """A photo of a telephone."""
    file = tmp_path / "hof.jpg"
    Image.new("RGB", (2400, 1600), "seagreen").save(file)
    return file


@pytest.fixture
def laptop(chromium: Browser) -> Iterator[Person]:
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE")
    context.set_default_timeout(15_000)
    person = Person(context)
    yield person
    context.close()
    assert person.complaints == []


def opened(site: Site, person: Person, words: str = WORDS, network: str = "twitter") -> tuple[Page, int]:
    number = draft(site.house, site.house.channel(network), words)
    page = person.arrive(site, "Anna Muster", Role.APPROVER)
    page.goto(f"{site.address}/beitraege/{number}")
    return page, number


def asked(page: Page) -> list[str]:
    """What the browser asks before it leaves; it is always answered with yes."""
    found: list[str] = []
    page.on("dialog", lambda dialog: (found.append(dialog.type), dialog.accept()))
    return found


def test_what_is_typed_is_counted_and_shown_while_one_types(site: Site, person: Person) -> None:
    page, number = opened(site, person)
    text = page.get_by_label("Text", exact=True)
    text.fill("Hallo https://example.org/" + "x" * 300 + " #Altmark")
    expect(page.locator("#stand")).to_contain_text("38 von 280 Zeichen")
    expect(page.locator("#vorschau .post-text")).to_contain_text("example.org/xxxxxxxxxxxxxx…")
    expect(page.locator("#urteil")).to_contain_text("Nichts steht dagegen.")
    text.fill("ä" * 281)
    expect(page.locator("#urteil")).to_contain_text("zu lang")
    expect(text).to_be_focused()
    assert overflowing(page) == 0
    assert site.house.one(number)["text"] == WORDS
    text.fill("Kurz und gut")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("status").filter(has_text="Gespeichert.")).to_be_focused()
    assert site.house.one(number)["text"] == "Kurz und gut"


def test_a_picture_is_seen_at_once_replaced_and_saved(site: Site, person: Person, hof: Path, tmp_path: Path) -> None:
    page, number = opened(site, person)
    page.get_by_label("Datei (JPEG").set_input_files(hof)
    fieldset = page.locator("fieldset.picture").first
    fieldset.get_by_label("Beschreibung").fill("Ein grüner Hof")
    fieldset.get_by_label("Bildnachweis").fill("A. Muster")
    expect(page.locator("#vorschau figure img")).to_have_attribute("alt", "Ein grüner Hof")
    expect(page.locator("#urteil")).to_contain_text("Wird angehängt: »Foto: A. Muster«")
    shown = page.locator("#vorschau figure img").get_attribute("src")
    other = tmp_path / "rot.png"
    Image.new("RGB", (300, 200), "firebrick").save(other)
    fieldset.get_by_label("ersetzen").set_input_files(other)
    expect(page.locator("#vorschau figure img")).not_to_have_attribute("src", shown or "")
    broken = tmp_path / "kaputt.jpg"
    broken.write_bytes(b"nothing of a picture")
    page.get_by_label("Datei (JPEG").set_input_files(broken)
    expect(page.get_by_role("alert").filter(has_text="kein lesbares Bild")).to_be_visible()
    assert serious(page) == [] and overflowing(page) == 0
    page.get_by_role("button", name="Speichern", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Gespeichert.")).to_be_visible()
    (image,) = site.house.one(number)["images"]
    assert (image["alt"], image["credit"]) == ("Ein grüner Hof", "A. Muster")


def test_leaving_with_something_unsaved_asks_and_it_can_be_put_back(site: Site, laptop: Person) -> None:
    page, number = opened(site, laptop)
    dialogs = asked(page)
    page.goto(f"{site.address}/heute")
    assert dialogs == []
    page.goto(f"{site.address}/beitraege/{number}")
    page.get_by_label("Text", exact=True).fill(f"{WORDS} und noch mehr")
    expect(page.locator("#vorschau .post-text")).to_contain_text("und noch mehr")
    page.wait_for_function("sessionStorage.length > 0")
    page.goto(f"{site.address}/heute")
    assert dialogs == ["beforeunload"]
    page.goto(f"{site.address}/beitraege/{number}")
    page.get_by_role("button", name="Wieder einsetzen").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(f"{WORDS} und noch mehr")
    page.get_by_role("button", name="Speichern", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Gespeichert.")).to_be_visible()
    page.reload()
    expect(page.locator("[data-kept]")).to_be_hidden()
    assert dialogs == ["beforeunload"]


def test_another_button_does_not_throw_away_what_is_typed(site: Site, laptop: Person) -> None:
    page, number = opened(site, laptop)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.dismiss()))
    page.get_by_label("Text", exact=True).fill("Noch nicht gespeichert")
    page.get_by_role("button", name="Freigeben", exact=True).click()
    expect(page.get_by_label("Text", exact=True)).to_have_value("Noch nicht gespeichert")
    assert dialogs == ["beforeunload"] and site.house.state(number) is State.DRAFT
    page.get_by_role("button", name="Speichern und freigeben").click()
    expect(page.get_by_role("status").filter(has_text="Gespeichert und freigegeben.")).to_be_visible()
    assert site.house.one(number)["text"] == "Noch nicht gespeichert"


def test_a_new_one_is_made_once_however_fast_one_presses(site: Site, laptop: Person) -> None:
    site.house.channel("facebook")
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.goto(f"{site.address}/beitraege/neu")
    page.get_by_label("Text", exact=True).fill("Frohes Fest")
    page.get_by_label("Termin").fill("2026-12-06T09:00")
    page.get_by_role("button", name="Als Entwurf anlegen").dblclick()
    page.wait_for_url("**/beitraege/1")
    expect(page.get_by_role("status").filter(has_text="Angelegt")).to_be_visible()
    assert len(site.house.app.announcements()) == 1


def test_a_conflict_keeps_both_texts_in_sight(site: Site, laptop: Person) -> None:
    page, number = opened(site, laptop)
    page.get_by_label("Text", exact=True).fill("Annas Text")
    site.house.app.edit(number, text="Berts Text", link=None, image=None, no_image=False)
    page.get_by_role("button", name="Speichern", exact=True).click()
    expect(page.locator(".conflict")).to_contain_text("Berts Text")
    expect(page.get_by_label("Text", exact=True)).to_have_value("Annas Text")
    assert serious(page) == []
    laptop.complaints[:] = [one for one in laptop.complaints if "409" not in one]
    dialogs = asked(page)
    page.get_by_role("link", name="Den gespeicherten Text nehmen").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value("Berts Text")
    assert dialogs == []


def test_free_slots_come_when_they_are_asked_for(site: Site, laptop: Person) -> None:
    page, _ = opened(site, laptop)
    page.locator("#verschieben > summary").click()
    expect(page.locator("#termine")).to_contain_text("keinen weiteren Termin")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(site: Site, person: Person, scheme: Any) -> None:
    person.page.emulate_media(color_scheme=scheme)
    page, number = opened(site, person, WORDS + " https://example.org/hof/ #Altmark", "facebook")
    for state in (State.DRAFT, State.HELD, State.REFUSED, State.IN_DOUBT, State.MISSED, State.CANCELLED):
        with site.house.app.database.write() as connection:
            connection.exec_driver_sql(f"UPDATE deliveries SET state = '{state.value}' WHERE id = {number}")
        page.goto(f"{site.address}/beitraege/{number}")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = !one.closest('header'))")
        assert serious(page) == [], state
        assert overflowing(page) == 0, state


def test_without_scripts_writing_saving_and_deciding_work(site: Site, chromium: Browser, hof: Path) -> None:
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE", java_script_enabled=False)
    page, number = opened(site, Person(context))
    page.get_by_label("Text", exact=True).fill("Ohne Skripte")
    page.get_by_role("button", name="Vorschau").click()
    expect(page.locator("#vorschau .post-text")).to_have_text("Ohne Skripte")
    page.get_by_label("Datei (JPEG").set_input_files(hof)
    page.locator("#neues-bild").get_by_label("Beschreibung").fill("Ein Hof")
    page.locator("#neues-bild").get_by_label("Bildnachweis").fill("A. Muster")
    page.get_by_role("button", name="Speichern", exact=True).click()
    expect(page.locator("#vorschau figure img")).to_have_attribute("alt", "Ein Hof")
    page.locator("#verschieben > summary").click()
    page.get_by_role("link", name="Freie Termine zeigen").click()
    expect(page.locator("#termine")).to_contain_text("keinen weiteren Termin")
    page.locator("summary", has_text="Jetzt senden").click()
    page.get_by_role("button", name="Jetzt freigeben und senden").click()
    expect(page.get_by_role("status").filter(has_text="Geht jetzt hinaus.")).to_be_visible()
    assert site.house.state(number) is State.APPROVED
    context.close()
