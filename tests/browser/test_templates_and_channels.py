"""Vorlagen and Kanäle in a browser: trials while typing, the keyboard, without scripts."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from campaign.roles import Role
from tests.browser.conftest import Person, Site
from tests.integration.test_templating import BETTER

PAGE = "/vorlagen/twitter/vorstellung"


def editor_of(site: Site, person: Person, role: Role = Role.EDITOR) -> Page:
    page = person.arrive(site, "Erna Editorin", role)
    page.goto(site.address + PAGE)
    return page


def test_what_is_typed_is_tried_at_once_and_the_cursor_stays(site: Site, person: Person) -> None:
    page = editor_of(site, person)
    field = page.get_by_label("Text der Vorlage")
    field.focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Moin aus dem Norden! ")
    expect(page.locator("#vorschau .sheet-text").first).to_contain_text("Moin aus dem Norden!")
    expect(field).to_be_focused()
    assert field.evaluate("one => one.selectionStart") == len("Moin aus dem Norden! ")
    page.keyboard.type("{{ nmae }}")
    expect(page.get_by_role("status").filter(has_text="gemeint ist vielleicht »name«")).to_be_visible()
    expect(field).to_be_focused()
    page.get_by_role("button", name="Zur Zeile 1").click()
    expect(field).to_be_focused()
    chosen = field.evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)")
    assert chosen.startswith("Moin aus dem Norden!") and "\n" not in chosen
    page.once("dialog", lambda dialog: dialog.accept())  # typed text would be lost: the browser asks
    page.goto(site.address + "/heute")


def test_another_place_is_tried_without_losing_the_text(site: Site, person: Person) -> None:
    page = editor_of(site, person)
    page.get_by_label("Text der Vorlage").fill("Ganz kurz: {{ name }}\n{{ link }}\n{{ credit | bildnachweis }}")
    page.get_by_label("Ausprobieren an").select_option("short")
    expect(page.locator("#vorschau .sheet-text").first).to_contain_text("Ganz kurz: Hof")
    expect(page.get_by_label("Ausprobieren an")).to_have_value("short")
    page.get_by_label("Was ist anders?").fill("kürzer")
    page.get_by_role("button", name="Speichern und verwenden").click()
    expect(page.get_by_role("status").filter(has_text="Gespeichert und in Gebrauch")).to_be_visible()
    expect(page.locator("#fassung-1")).to_contain_text("kürzer")
    # What was said on top does not take the focus from somebody who types on.
    field = page.get_by_label("Text der Vorlage")
    field.focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("x")
    expect(page.locator("#vorschau .sheet-text").first).to_contain_text("xGanz kurz")
    expect(field).to_be_focused()
    page.get_by_role("button", name="Als Entwurf speichern").click()
    expect(page.locator("#fassung-2")).to_be_visible()


def test_variables_are_inserted_where_the_cursor_is(site: Site, person: Person) -> None:
    page = editor_of(site, person)
    field = page.get_by_label("Text der Vorlage")
    field.fill("Am  um zehn\n{{ link }}")
    field.evaluate("one => one.setSelectionRange(3, 3)")
    page.get_by_text("Angaben zum Ort und zum Beitrag").first.click()
    page.locator('button[data-insert="{{ day | datum }}"]').click()
    assert field.input_value().startswith("Am {{ day | datum }} um zehn")
    expect(page.locator("#vorschau .sheet-text").first).to_contain_text("Am 24. November 2026 um zehn")
    page.once("dialog", lambda dialog: dialog.accept())
    page.goto(site.address + "/heute")


def test_without_scripts_a_template_is_tried_saved_and_compared(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="de-DE")
    person = Person(context)
    page = editor_of(site, person)
    page.get_by_label("Text der Vorlage").fill("Hallo {{ nmae }}")
    page.get_by_role("button", name="Vorschau").click()
    expect(page.get_by_role("status").filter(has_text="gemeint ist vielleicht »name«")).to_be_visible()
    expect(page.get_by_role("button", name="Zur Zeile")).to_have_count(0)
    page.get_by_label("Text der Vorlage").fill(BETTER)
    page.get_by_role("button", name="Speichern und verwenden").click()
    page.locator("#fassung-0").get_by_role("link", name="Mit der in Gebrauch vergleichen").click()
    expect(page.locator("table.diff")).to_be_visible()
    context.close()


def test_a_channel_is_connected_paused_and_removed_with_the_keyboard(site: Site, person: Person) -> None:
    page = person.arrive(site, "Vera", Role.ADMINISTRATOR)
    page.goto(site.address + "/kanaele")
    page.get_by_role("link", name="Kanal verbinden").press("Enter")
    page.get_by_role("link", name="X-Konto, mit vier Schlüsseln").press("Enter")
    page.get_by_label("Name des Kanals hier").fill("Altmark auf X")
    page.get_by_label("Kennung des X-Kontos").fill("77")
    page.get_by_label("Schlüssel der App").fill("ck")
    page.get_by_label("Geheimnis der App").fill("cs")
    page.get_by_label("Zugangstoken (Access Token)", exact=True).fill("77-at")
    page.get_by_label("Geheimnis des Zugangstokens").fill("ts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Der Kanal ist verbunden.")).to_be_visible()
    page.get_by_role("button", name="Anhalten").press("Enter")
    expect(page.locator("main .marks").first).to_contain_text("angehalten")
    page.get_by_role("link", name="Kanal entfernen").press("Enter")
    page.get_by_role("button", name="Kanal »Altmark auf X« entfernen").press("Enter")
    page.wait_for_url("**/kanaele")
    assert site.house.app.channels() == []
