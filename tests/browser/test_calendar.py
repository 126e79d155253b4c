"""Kalender in a real browser: drawing, dragging, the keyboard, the address, many announcements."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from campaign import store
from campaign.desk import Entry
from campaign.places import Place
from campaign.roles import Role
from tests.browser.conftest import LAPTOP, TELEPHONE, Person, Site
from tests.browser.test_pages import overflowing, serious
from tests.integration.guest import PASSWORD

CAMPAIGN = """\
name = "pilot"
title = "Die Altmark"
starts = 2026-11-01
ends = 2027-01-31
announce_published_from = 2026-01-01
channels = ["{channel}"]
approval = "none"
[[steps]]
name = "vorstellung"
template = "vorstellung"
picture = "none"
[rhythm]
slots = ["Tue 10:00", "Thu 17:30"]
max_per_day = 1
blackouts = [{{ from = 2026-12-14, to = 2026-12-16, reason = "Messe" }}]
"""
DECEMBER = "/kalender?ansicht=monat&tag=2026-12-01"


def planned(site: Site) -> tuple[str, list[int]]:
    """A channel with a campaign's announcements; their numbers in the order of their instants."""
    house, now = site.house, site.house.clock.now()
    channel = house.channel("twitter")
    with house.app.database.write() as connection:
        store.note_portal(connection, "orte", now, None)
        for name in ("Alter Hof in Gardelegen", "Mühle am See", "<b>Werkstatt</b> & Café"):
            place = Place(
                "orte", name, name, "https://example.org/", now - timedelta(days=1), ("Altmark",), "", ("Leben",)
            )
            store.save_place(connection, place, now)
    house.app.apply_campaign(CAMPAIGN.format(channel=channel))
    house.app.plan()
    return channel, [one["id"] for one in house.app.announcements()]


def piece(page: Page, number: int) -> Locator:
    return page.locator(f'#kalender [data-announcement="{number}"]')


def drag(page: Page, what: Locator, day: str) -> None:
    """Drag something into a day's cell, in small steps as a hand does."""
    expect(page.locator("#kalender")).to_have_attribute("aria-busy", "false")
    page.wait_for_timeout(300)
    what.scroll_into_view_if_needed()
    begin = what.bounding_box()
    cell = page.locator(f'#kalender [role="gridcell"][data-date="{day}"]')
    end = cell.bounding_box()
    assert begin and end
    page.mouse.move(begin["x"] + 20, begin["y"] + 10)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=12)
    page.mouse.up()


@pytest.fixture
def laptop(chromium: Browser) -> Any:
    context = chromium.new_context(viewport=LAPTOP, locale="de-DE", timezone_id="America/New_York")
    context.set_default_timeout(15_000)
    person = Person(context)
    yield person
    context.close()
    assert person.complaints == []


def test_a_laptop_shows_the_month_and_a_telephone_a_list(site: Site, person: Person) -> None:
    planned(site)
    page = person.arrive(site, "Erna", Role.EDITOR)
    page.goto(f"{site.address}/kalender")
    expect(page.locator("#kalender")).to_contain_text("Alter Hof in Gardelegen")
    small = page.viewport_size == TELEPHONE
    expect(page.get_by_role("button", name="Liste" if small else "Monat", pressed=True)).to_be_visible()
    expect(page.locator("#zeitraum")).to_have_text("November 2026")
    assert page.url == f"{site.address}/kalender"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_view(site: Site, person: Person, scheme: Any) -> None:
    _channel, numbers = planned(site)
    site.house.app.decide("hold", [numbers[0]])
    person.page.emulate_media(color_scheme=scheme)
    page = person.arrive(site, "Erna", Role.EDITOR)
    for query in ("monat&tag=2026-12-10&frei=1", "woche&tag=2026-11-26&frei=1", "tag&tag=2026-11-26", "liste&frei=1"):
        page.goto(f"{site.address}/kalender?ansicht={query}")
        expect(page.locator("#kalender")).to_have_attribute("aria-busy", "false")
        expect(page.locator("#kalender .piece, #kalender .line").first).to_be_visible()
        assert serious(page) == [], query
        assert overflowing(page) == 0, query


def test_dragging_to_a_slot_moves_and_undo_takes_it_back(site: Site, laptop: Person) -> None:
    _channel, (_first, number, *_others) = planned(site)
    house = site.house
    was, title = house.one(number)["at"], house.one(number)["place_name"]
    assert was == "2026-12-01T10:00:00+01:00"
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.goto(site.address + DECEMBER)
    piece(page, number).wait_for()
    drag(page, piece(page, number), "2026-12-08")
    told = page.locator("#gemeldet")
    expect(told).to_contain_text(f"Verschoben: {title}, Di., 08.12.2026, 10:00.")
    assert house.one(number)["at"] == "2026-12-08T10:00:00+01:00"
    expect(piece(page, number)).to_be_focused()
    told.get_by_role("button", name="Rückgängig").click()
    expect(told).to_contain_text("Zurückgenommen")
    assert house.one(number)["at"] == was
    with house.app.database.read() as connection:
        assert not store.announcement_row(connection, number).pinned


def test_dragging_where_the_rhythm_is_against_it_asks_and_may_insist(site: Site, laptop: Person) -> None:
    _channel, (_first, number, *_others) = planned(site)
    house = site.house
    was = house.one(number)["at"]
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.goto(site.address + DECEMBER)
    piece(page, number).wait_for()
    drag(page, piece(page, number), "2026-12-15")
    box = page.get_by_role("dialog", name="Verschieben")
    expect(box.get_by_role("alert")).to_have_text("Sperrzeit: Messe.")
    assert serious(page) == []
    box.get_by_role("button", name="Abbrechen").click()
    expect(box).to_be_hidden()
    assert house.one(number)["at"] == was
    expect(page.locator("#kalender")).to_have_attribute("aria-busy", "false")
    cell = page.locator('#kalender [role="gridcell"][data-date="2026-12-01"]')
    expect(cell.locator(f'[data-announcement="{number}"]')).to_be_visible()

    drag(page, piece(page, number), "2026-12-09")
    expect(box.get_by_role("alert")).to_contain_text("keinen Termin")
    box.get_by_role("button", name="Do., 10.12.2026, 17:30").click()
    expect(box).to_be_hidden()
    assert house.one(number)["at"] == "2026-12-10T17:30:00+01:00"

    drag(page, piece(page, number), "2026-12-15")
    box.get_by_role("button", name="Trotzdem verschieben").click()
    expect(page.locator("#gemeldet")).to_contain_text("Di., 15.12.2026, 17:30")
    assert house.one(number)["at"] == "2026-12-15T17:30:00+01:00"
    # What does not come with the network's blessing, the browser writes down: three refusals, as meant.
    assert [one for one in laptop.complaints if "409" not in one] == []
    laptop.complaints.clear()


def test_the_keyboard_moves_and_takes_back(site: Site, laptop: Person) -> None:
    _channel, (number, *_others) = planned(site)
    house = site.house
    was = house.one(number)["at"]
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.goto(f"{site.address}/kalender?ansicht=monat&tag=2026-11-24")
    piece(page, number).wait_for()
    page.locator("#eingrenzen summary").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.announcement") == str(number):
            break
    page.keyboard.press("v")
    box = page.get_by_role("dialog", name="Verschieben")
    expect(box).to_contain_text("Alter Hof in Gardelegen")
    field = box.get_by_label("Neuer Termin")
    assert field.input_value() == "2026-11-26T17:30"
    field.fill("2026-12-01T10:00")
    page.keyboard.press("Enter")
    expect(box.get_by_role("alert")).to_contain_text("Mehr Beiträge sind an diesem Tag nicht erlaubt")
    field.fill("2026-12-03T17:31")
    page.keyboard.press("Enter")
    expect(box.get_by_role("button", name="Trotzdem verschieben")).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(piece(page, number)).to_be_focused()
    page.keyboard.press("v")
    field.fill("2026-12-10T17:30")
    page.keyboard.press("Enter")
    expect(page.locator("#gemeldet")).to_contain_text("Verschoben")
    assert house.one(number)["at"] == "2026-12-10T17:30:00+01:00"
    page.keyboard.press("Control+z")
    expect(page.locator("#gemeldet")).to_contain_text("Zurückgenommen")
    assert house.one(number)["at"] == was
    laptop.complaints[:] = [one for one in laptop.complaints if "409" not in one]


def test_a_list_has_a_button_for_moving(site: Site, person: Person) -> None:
    _channel, (number, *_others) = planned(site)
    page = person.arrive(site, "Erna", Role.EDITOR)
    page.goto(f"{site.address}/kalender?ansicht=liste")
    page.get_by_role("button", name=re.compile("Verschieben ?: Alter Hof in Gardelegen")).click()
    box = page.get_by_role("dialog", name="Verschieben")
    assert serious(page) == []
    box.get_by_label("Neuer Termin").fill("2026-12-10T17:30")
    box.get_by_role("button", name="Verschieben", exact=True).click()
    expect(page.locator("#gemeldet")).to_contain_text("Verschoben")
    assert site.house.one(number)["at"] == "2026-12-10T17:30:00+01:00"


def test_what_is_out_and_what_a_reader_sees_is_not_dragged(site: Site, laptop: Person) -> None:
    _channel, (_first, number, *_others) = planned(site)
    was = site.house.one(number)["at"]
    page = laptop.arrive(site, "Rita", Role.READER)
    page.goto(site.address + DECEMBER)
    piece(page, number).wait_for()
    drag(page, piece(page, number), "2026-12-10")
    piece(page, number).focus()
    page.keyboard.press("v")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert site.house.one(number)["at"] == was


def test_the_address_leads_to_what_is_shown_and_back(site: Site, laptop: Person) -> None:
    channel, (number, *_others) = planned(site)
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.goto(f"{site.address}/kalender")
    piece(page, number).wait_for()
    page.get_by_role("button", name="Weiter").click()
    expect(page.locator("#zeitraum")).to_have_text("Dezember 2026")
    page.get_by_role("button", name="Woche").click()
    page.locator("summary", has_text="Eingrenzen").click()
    page.get_by_label("Kanal", exact=True).select_option(channel)
    expect(page).to_have_url(re.compile(rf"ansicht=woche.*|kanal={channel}"))
    assert f"kanal={channel}" in page.url and "ansicht=woche" in page.url
    address = page.url
    page.go_back()
    expect(page.get_by_label("Kanal", exact=True)).to_have_value("")
    page.go_back()
    expect(page.locator("#zeitraum")).to_have_text("Dezember 2026")
    page.goto(address)
    expect(page.get_by_role("button", name="Woche", pressed=True)).to_be_visible()
    expect(page.get_by_label("Kanal", exact=True)).to_have_value(channel)


def test_narrowing_and_open_slots(site: Site, laptop: Person) -> None:
    _channel, numbers = planned(site)
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.goto(site.address + DECEMBER)
    piece(page, numbers[1]).wait_for()
    expect(page.locator("#gesperrt")).to_contain_text("Sperrzeit: Messe (Die Altmark)")
    page.locator("summary", has_text="Eingrenzen").click()
    page.get_by_label("Freie Termine zeigen").check()
    expect(page.locator("#kalender .free")).not_to_have_count(0)
    page.get_by_label("Stand").select_option("held")
    expect(piece(page, numbers[1])).to_have_count(0)
    page.get_by_role("button", name="Alles zeigen").click()
    expect(piece(page, numbers[1])).to_be_visible()
    expect(page.locator("#kalender .free")).to_have_count(0)


def test_whoever_was_signed_out_meanwhile_signs_in_and_comes_back(site: Site, laptop: Person) -> None:
    planned(site)
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.goto(site.address + DECEMBER)
    page.locator("[data-announcement]").first.wait_for()
    site.house.app.access.end_sessions("cli:anna", "Erna")
    page.get_by_role("button", name="Weiter").click()
    page.wait_for_url("**/anmelden?weiter=/kalender*")
    page.get_by_label("Name").fill("Erna")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Anmelden").click()
    page.wait_for_url("**/kalender?*")
    expect(page.locator("#zeitraum")).to_have_text("Januar 2027")
    laptop.complaints[:] = [one for one in laptop.complaints if "401" not in one]


def test_a_page_that_is_left_open_renews_itself(site: Site, laptop: Person) -> None:
    channel, _numbers = planned(site)
    laptop.page.clock.install()
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.goto(site.address + DECEMBER)
    page.locator("[data-announcement]").first.wait_for()
    renewals: list[str | None] = []
    page.on("request", lambda one: renewals.append(one.headers.get("x-renewal")) if "daten" in one.url else None)
    at = datetime.fromisoformat("2026-12-08T12:00+01:00")
    site.house.app.add_announcement(Entry(channel, at, "Kam eben herein"), None, approve=True)
    page.clock.fast_forward(61_000)
    expect(page.locator("#kalender")).to_contain_text("Kam eben herein")
    assert renewals == ["1"]


def test_without_scripts_the_calendar_is_a_list(site: Site, chromium: Browser) -> None:
    _channel, (number, *_others) = planned(site)
    context = chromium.new_context(viewport=TELEPHONE, locale="de-DE", java_script_enabled=False)
    page = Person(context).arrive(site, "Erna", Role.EDITOR)
    page.goto(f"{site.address}/kalender?tag=2026-11-26&region=Altmark")
    page.wait_for_url("**/kalender/liste?monat=2026-11&region=Altmark")
    row = page.locator(f"#beitrag-{number}")
    row.locator("summary").click()
    row.get_by_label("Neuer Termin").fill("2026-11-26T12:00")
    row.get_by_role("button", name="Verschieben").click()
    expect(row.get_by_role("alert")).to_contain_text("keinen Termin")
    assert overflowing_without_scripts(page) == 0
    context.close()


def overflowing_without_scripts(page: Page) -> int:
    """By how many pixels the main part is wider than the window."""
    box = page.locator("main").bounding_box()
    assert box is not None and page.viewport_size is not None
    return max(0, round(box["x"] + box["width"] - page.viewport_size["width"]))


def test_thousands_of_announcements_stay_quick(site: Site, laptop: Person) -> None:
    """The longest stretch in which the page answers nobody, for 5,000 announcements in one month, beside that of
    a month with 50: a ratio, since machines differ."""
    channel = site.house.channel("twitter")
    fill(site, channel, 50, datetime(2026, 12, 1))
    fill(site, channel, 5000, datetime(2027, 1, 1))
    page = laptop.arrive(site, "Erna", Role.EDITOR)
    page.add_init_script(
        "window.longest = 0; new PerformanceObserver((list) => {"
        " for (const one of list.getEntries()) longest = Math.max(longest, one.duration); })"
        ".observe({ type: 'longtask', buffered: true });"
    )
    for view in ("monat", "liste"):
        times = {}
        for month in ("2026-12-10", "2027-01-10"):
            page.goto(f"{site.address}/kalender?ansicht={view}&tag={month}")
            expect(page.locator("[data-announcement]").first).to_be_visible()
            page.wait_for_timeout(300)
            times[month] = max(50.0, float(page.evaluate("longest")))
        assert page.locator("[data-announcement]").count() < 600
        assert times["2027-01-10"] < 15 * times["2026-12-10"], times
    page.get_by_role("button", name=re.compile(r"^\+ \d+ weitere")).first.click()
    expect(page.get_by_role("button", name="Tag", pressed=True)).to_be_visible()


def fill(site: Site, channel: str, number: int, first: datetime) -> None:
    """Free announcements over thirty days, written past the desk, which would take minutes."""
    app = site.house.app
    number_of = app.add_announcement(
        Entry(channel, site.house.clock.now() + timedelta(days=1), "x"), None, approve=True
    )
    with app.database.write() as connection:
        row = store.announcement_row(connection, number_of["id"])
        offset = 10_000 * first.month
        instants = [
            (first + timedelta(minutes=30 * 24 * 60 * i // number)).isoformat(" ") + ".000000" for i in range(number)
        ]
        connection.exec_driver_sql(
            "INSERT INTO deliveries (id, channel_id, state, due_at, late_until, marker, attempt, resends, failures, "
            "cancel_wanted) VALUES (?, ?, 'approved', ?, ?, ?, 0, 0, 0, 0)",
            [(offset + i, row.channel_id, at, at, f"m{offset + i}") for i, at in enumerate(instants)],
        )
        connection.exec_driver_sql(
            "INSERT INTO announcements (id, campaign, step, place_id, channel_id, occurrence, text, text_key, images, "
            "picture, variant, problems, edited, pinned, approval, created_at, changed_at) "
            "VALUES (?, '', '', 0, ?, ?, ?, '', '[]', 'none', 0, '[]', 1, 1, 'one', ?, ?)",
            [(offset + i, row.channel_id, offset + i, f"Beitrag {i}", at, at) for i, at in enumerate(instants)],
        )
