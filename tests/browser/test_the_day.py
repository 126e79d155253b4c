"""One day of two people: what an editor and an approver do from morning to evening, from page to page.

Each step looks at the pages and at the installation behind them. The day is lived at a laptop with a mouse, on a
telephone, and with the keyboard alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from campaign import store, templating
from campaign.condition import condition_of
from campaign.places import Place
from campaign.roles import Role
from posts.states import State
from tests.browser.conftest import LAPTOP, TELEPHONE, Person, Site
from tests.browser.test_calendar import drag, piece
from tests.integration.guest import PASSWORD
from tests.integration.test_delivery import look_until_settled

EDITOR, APPROVER = "Erna Editorin", "Anna Freigeberin"
NEW_TEXT = "Ein Hof mit Platz für alle, die im Grünen arbeiten wollen. #Altmark"
LINK = 24
"""Signs that X counts for the place's link and the line break before it."""
BETTER_TEXT = "Auf Facebook sagen wir es ausführlicher."
CAMPAIGN = """\
name = "{name}"
title = "Kampagne {name}"
starts = 2026-11-01
ends = 2027-01-31
announce_published_from = 2026-01-01
channels = ["{channel}"]
approval = "{approval}"
[[steps]]
name = "vorstellung"
template = "vorstellung"
picture = "none"
[rhythm]
slots = ["Tue 10:00", "Thu 17:30"]
max_per_day = 1
"""
PLACES = ("Alter Hof in Gardelegen", "Mühle am See", "Werkstatt & Café")


@dataclass
class Day:
    """The installation in the morning: drafts in the order of their instants, one that needs four eyes, and one of
    which nobody knows whether it is out (it is, under `remote_id`)."""

    site: Site
    drafts: list[int]
    four_eyes: int
    doubt: int
    remote_id: str

    def one(self, number: int) -> dict[str, Any]:
        """An announcement as it is stored now."""
        return self.site.house.one(number)

    def place(self, number: int) -> str:
        """Which place an announcement is of."""
        return str(self.one(number)["place_name"])

    def who(self, event: str) -> list[str]:
        """Who did something of that kind, as the log tells it."""
        return [one["actor_name"] for one in self.site.house.app.log_entries(None) if one["event"] == event]


@pytest.fixture
def day(site: Site) -> Day:
    house = site.house
    x, page = house.channel("twitter"), house.channel("facebook")
    doubt, remote_id = doubted(site, x)
    now = house.clock.now()
    with house.app.database.write() as connection:
        store.note_portal(connection, "orte", now, None)
        for name in PLACES:
            place = Place("orte", name, name, "https://example.org/", now - timedelta(days=1), ("Altmark",))
            store.save_place(connection, place, now)
    house.app.apply_campaign(CAMPAIGN.format(name="einfach", channel=x, approval="one"))
    house.app.apply_campaign(CAMPAIGN.format(name="vieraugen", channel=page, approval="four-eyes"))
    house.app.plan()
    planned = house.app.announcements(campaign="einfach")
    return Day(
        site,
        [one["id"] for one in planned],
        house.app.announcements(campaign="vieraugen")[0]["id"],
        doubt,
        remote_id,
    )


def doubted(site: Site, channel: str) -> tuple[int, str]:
    """A post that the network took while the answer got lost; its number, and the id under which it is out."""
    house = site.house
    number = house.add(channel, "Ob dieser Beitrag wohl da ist?")
    house.networks.fault("accept_then_hang_up")
    house.networks.fault("timeline_error", call="timeline", times=None)
    with house.at_work() as work:
        work.deliver()
        look_until_settled(house, work)
        while house.state(number) is State.UNKNOWN:
            house.clock.advance(3600)  # type: ignore[attr-defined]
            work.reconcile()
    house.networks.all_well()
    (post,) = house.networks.posts()
    return number, str(post["id"])


@pytest.fixture(params=[LAPTOP, TELEPHONE], ids=["laptop", "telephone"])
def people(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Person, Person]]:
    """Two people, each with a browser; none of them has cause to complain in the evening."""
    contexts = [
        chromium.new_context(viewport=request.param, locale="de-DE", has_touch=request.param is TELEPHONE)
        for _ in range(2)
    ]
    for context in contexts:
        context.set_default_timeout(20_000)
    both = Person(contexts[0]), Person(contexts[1])
    yield both
    for context in contexts:
        context.close()
    assert both[0].complaints == [] and both[1].complaints == []


def small(page: Page) -> bool:
    return page.viewport_size == TELEPHONE


def turn_to(page: Page, name: str) -> None:
    """Open a page as people do: by the navigation, which a telephone folds away."""
    if small(page):
        page.locator("summary", has_text="Menü").click()
    page.get_by_role("navigation", name="Seiten").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()


def told(page: Page, words: str) -> None:
    """What the last deed came to, said on top of the page."""
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


# --- the day with mouse or finger


def test_a_day_of_two_people_from_page_to_page(day: Day, people: tuple[Person, Person]) -> None:
    erna = people[0].arrive(day.site, EDITOR, Role.EDITOR)
    see_what_waits(erna, day)
    edit(erna, day)
    may_not_approve(erna, day)
    anna = people[1].arrive(day.site, APPROVER, Role.APPROVER)
    approve(anna, day)
    who_edited_is_not_the_second_pair_of_eyes(anna, day)
    (move_by_form if small(erna) else move_by_mouse)(erna, day)
    brake_and_release(erna, anna, day)
    settle(anna, day)
    better_the_template(erna, day)
    see_it_in_the_preview(erna, day)
    find_it_in_the_log(anna, day)


def see_what_waits(page: Page, day: Day) -> None:
    waiting = page.get_by_role("region", name="Wartet auf Freigabe")
    for number in [*day.drafts, day.four_eyes]:
        expect(waiting.locator(f"#beitrag-{number}")).to_be_visible()
    expect(page.get_by_role("region", name="Unklar, ob erschienen").locator(f"#beitrag-{day.doubt}")).to_be_visible()


def edit(page: Page, day: Day) -> None:
    number = day.drafts[0]
    page.locator(f"#beitrag-{number}").get_by_role("link", name=day.place(day.drafts[0])).click()
    text = page.get_by_label("Text", exact=True)
    text.fill("x" * 281)
    expect(page.locator("#stand")).to_contain_text(f"{281 + LINK} von 280 Zeichen")
    expect(page.locator("#urteil")).to_contain_text("zu lang")
    text.fill(NEW_TEXT)
    expect(page.locator("#stand")).to_contain_text(f"{len(NEW_TEXT) + LINK} von 280 Zeichen")
    expect(page.locator("#vorschau .post-text")).to_contain_text("Ein Hof mit Platz für alle")
    page.get_by_role("button", name="Speichern", exact=True).click()
    told(page, "Gespeichert.")
    assert (day.one(number)["text"], day.who("edited")) == (NEW_TEXT, [EDITOR])


def may_not_approve(page: Page, day: Day) -> None:
    """There is no button for it, and who sends the form without one is turned away."""
    number = day.drafts[0]
    expect(page.get_by_role("button", name=re.compile("reigeben"))).to_have_count(0)
    token = page.locator('input[name="csrf"]').first.input_value()
    address = f"{day.site.address}/beitraege/{number}/freigeben"
    answer = page.request.post(address, form={"csrf": token}, headers={"origin": day.site.address})
    assert answer.status == 403
    assert day.one(number)["state"] == "draft"


def approve(page: Page, day: Day) -> None:
    number = day.drafts[0]
    card = page.locator(f"#beitrag-{number}")
    expect(card).to_contain_text(NEW_TEXT)
    card.get_by_role("button", name="Freigeben").click()
    told(page, "Freigegeben.")
    expect(card).to_have_count(0)
    assert (day.one(number)["state"], day.one(number)["approved_by"]) == ("approved", [APPROVER])


def who_edited_is_not_the_second_pair_of_eyes(page: Page, day: Day) -> None:
    page.locator(f"#beitrag-{day.four_eyes}").get_by_role("link", name=day.place(day.four_eyes)).click()
    page.get_by_label("Text", exact=True).fill(BETTER_TEXT)
    page.get_by_role("button", name="Speichern", exact=True).click()
    told(page, "Gespeichert.")
    expect(page.get_by_role("region", name="Freigabe", exact=True)).to_contain_text(
        f"Zuletzt bearbeitet von {APPROVER}"
    )
    page.get_by_role("button", name="Freigeben", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Wer den Text zuletzt bearbeitet hat")).to_be_visible()
    assert (day.one(day.four_eyes)["state"], day.one(day.four_eyes)["approved_by"]) == ("draft", [])


def move_by_mouse(page: Page, day: Day) -> None:
    number, was = day.drafts[1], day.one(day.drafts[1])["at"]
    turn_to(page, "Kalender")
    page.get_by_role("button", name="Weiter").click()
    expect(page.locator("#zeitraum")).to_have_text("Dezember 2026")
    piece(page, number).wait_for()
    drag(page, piece(page, number), "2026-12-15")
    expect(page.locator("#gemeldet")).to_contain_text("Verschoben")
    assert day.one(number)["at"] == "2026-12-15T10:00:00+01:00"
    page.locator("#gemeldet").get_by_role("button", name="Rückgängig").click()
    expect(page.locator("#gemeldet")).to_contain_text("Zurückgenommen")
    assert day.one(number)["at"] == was
    assert day.who("moved") == [EDITOR, EDITOR]


def move_by_form(page: Page, day: Day) -> None:
    number, was = day.drafts[1], day.one(day.drafts[1])["at"]
    turn_to(page, "Heute")
    page.locator(f"#beitrag-{number}").get_by_role("link", name=day.place(day.drafts[1])).click()
    for at, stored in (("2026-12-15T10:00", "2026-12-15T10:00:00+01:00"), (was[:16], was)):
        page.locator("#verschieben > summary").click()
        page.locator("#verschieben").get_by_label("Neuer Termin").fill(at)
        page.locator("#verschieben").get_by_role("button", name="Verschieben", exact=True).click()
        told(page, "Verschoben.")
        assert day.one(number)["at"] == stored
    assert day.who("moved") == [EDITOR, EDITOR]


def brake_and_release(editor: Page, approver: Page, day: Day) -> None:
    editor.locator("summary", has_text="Notbremse").click()
    editor.get_by_label("Grund").first.fill("Unglück in der Region")
    editor.get_by_role("button", name="Jetzt alles anhalten").click()
    expect(editor.locator(".banner-stop")).to_contain_text(f"durch {EDITOR}. Unglück in der Region")
    assert condition_of(day.site.house.app).braked_by == EDITOR
    expect(editor.get_by_role("button", name="Bremse lösen")).to_have_count(0)
    turn_to(approver, "Heute")
    approver.get_by_role("button", name="Bremse lösen").click()
    told(approver, "Die Notbremse ist gelöst.")
    expect(approver.locator(".banner-stop")).to_have_count(0)
    assert condition_of(day.site.house.app).braked_since is None


def settle(page: Page, day: Day) -> None:
    card = page.locator(f"#beitrag-{day.doubt}")
    card.get_by_label("Adresse oder Kennung").fill(f"https://x.com/altmark/status/{day.remote_id}?s=20")
    card.get_by_role("button", name="Er ist da").click()
    told(page, "Als erschienen vermerkt.")
    expect(card).to_have_count(0)
    assert (day.one(day.doubt)["state"], day.one(day.doubt)["remote_id"]) == ("posted", day.remote_id)
    assert day.who("settled_found") == [APPROVER]


def better_the_template(page: Page, day: Day) -> None:
    turn_to(page, "Vorlagen")
    page.get_by_role("link", name=re.compile(": vorstellung, X$")).click()
    page.get_by_label("Text der Vorlage").fill("Neu entdeckt: {{ name }}\n{{ link }}\n{{ credit | bildnachweis }}")
    expect(page.locator("#vorschau .sheet-text").first).to_contain_text("Neu entdeckt:")
    page.get_by_label("Was ist anders?").fill("kürzer")
    page.get_by_role("button", name="Speichern und verwenden").click()
    told(page, "Gespeichert und in Gebrauch")
    template_is_used(day)


def template_is_used(day: Day) -> None:
    used = templating.work_on(day.site.house.app, "twitter", "vorstellung").used
    assert used is not None and (used.number, used.by) == (1, EDITOR)
    assert used.text.startswith("Neu entdeckt: {{ name }}")


def see_it_in_the_preview(page: Page, day: Day) -> None:
    """What nobody edited or approved follows its template; what was approved does not."""
    turn_to(page, "Heute")
    page.locator(f"#beitrag-{day.drafts[2]}").get_by_role("link", name=day.place(day.drafts[2])).click()
    expect(page.locator("#vorschau .post-text")).to_contain_text(f"Neu entdeckt: {day.place(day.drafts[2])}")
    assert day.one(day.drafts[0])["text"] == NEW_TEXT


def find_it_in_the_log(page: Page, day: Day) -> None:
    turn_to(page, "Protokoll")
    expect(page.locator("#pruefung")).to_contain_text("die Kette ist unverändert")
    page.get_by_label("Wer").select_option(label=EDITOR)
    page.get_by_role("button", name="Suchen").click()
    shown_in_log(page, EDITOR, ["bearbeitet", "verschoben", "Notbremse gezogen", "Vorlage gespeichert"])
    page.get_by_label("Wer").select_option(label=APPROVER)
    page.get_by_role("button", name="Suchen").click()
    shown_in_log(page, APPROVER, ["Freigabe erteilt", "bearbeitet", "Notbremse gelöst", "von Hand: ist da"])
    page.get_by_label("Wer").select_option(label="alle")
    page.get_by_label("Suchworte").fill("Unglück in der Region")
    page.get_by_role("button", name="Suchen").click()
    shown_in_log(page, EDITOR, ["Notbremse gezogen"])


def shown_in_log(page: Page, who: str, deeds: list[str]) -> None:
    """The deeds stand in the log, and everything that is shown is that person's."""
    rows = page.locator("table.log tbody > tr")
    for deed in deeds:
        expect(rows.filter(has=page.get_by_text(deed, exact=True)).first).to_contain_text(who)
    expect(rows.filter(has_not_text=who)).to_have_count(0)


# --- the same day with the keyboard alone

STOP = """one => {
  const at = document.activeElement, style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.height > 0;
  return [one === at, at === document.body || seen, at.outerHTML.slice(0, 200)];
}"""


def reach(page: Page, target: Locator) -> None:
    """Press Tab until something has the focus; whatever has it on the way shows so by an outline."""
    for _ in range(400):
        page.keyboard.press("Tab")
        arrived, outlined, what = target.evaluate(STOP)
        assert outlined, f"nobody sees that this has the focus: {what}"
        if arrived:
            return
    raise AssertionError(f"no way there by Tab: {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    reach(page, target)
    page.keyboard.press(key)


def write(page: Page, field: Locator, words: str) -> None:
    """Replace what stands in a field."""
    reach(page, field)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(words)


def choose(page: Page, field: Locator, label: str) -> None:
    """Choose from a list by the first letters."""
    reach(page, field)
    page.keyboard.type(label)
    expect(field.locator("option:checked")).to_have_text(label)


def arrive_by_keys(person: Person, day: Day, name: str, role: Role) -> Page:
    page = person.page
    page.goto(day.site.link(name, role))
    write(page, page.get_by_label("Passwort", exact=True), PASSWORD)
    write(page, page.get_by_label("Passwort noch einmal"), PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/heute")
    return page


def turn_by_keys(page: Page, name: str) -> None:
    press(page, page.get_by_role("navigation", name="Seiten").get_by_role("link", name=name, exact=True))
    expect(page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()


@pytest.fixture
def typists(chromium: Browser) -> Iterator[tuple[Person, Person]]:
    contexts = [chromium.new_context(viewport=LAPTOP, locale="de-DE") for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(20_000)
    both = Person(contexts[0]), Person(contexts[1])
    yield both
    for context in contexts:
        context.close()
    assert both[0].complaints == [] and both[1].complaints == []


def test_the_same_day_with_the_keyboard_alone(day: Day, typists: tuple[Person, Person]) -> None:
    erna = arrive_by_keys(typists[0], day, EDITOR, Role.EDITOR)
    see_what_waits(erna, day)
    edit_by_keys(erna, day)
    may_not_approve(erna, day)
    anna = arrive_by_keys(typists[1], day, APPROVER, Role.APPROVER)
    approve_by_keys(anna, day)
    move_by_keys(erna, day)
    brake_and_release_by_keys(erna, anna, day)
    settle_by_keys(anna, day)
    better_the_template_by_keys(erna, day)
    find_it_in_the_log_by_keys(anna, day)


def edit_by_keys(page: Page, day: Day) -> None:
    press(page, page.locator(f"#beitrag-{day.drafts[0]}").get_by_role("link", name=day.place(day.drafts[0])))
    write(page, page.get_by_label("Text", exact=True), NEW_TEXT)
    expect(page.locator("#stand")).to_contain_text(f"{len(NEW_TEXT) + LINK} von 280 Zeichen")
    press(page, page.get_by_role("button", name="Speichern", exact=True))
    told(page, "Gespeichert.")
    assert day.one(day.drafts[0])["text"] == NEW_TEXT


def approve_by_keys(page: Page, day: Day) -> None:
    press(page, page.locator(f"#beitrag-{day.drafts[0]}").get_by_role("button", name="Freigeben"), "Space")
    told(page, "Freigegeben.")
    assert day.one(day.drafts[0])["approved_by"] == [APPROVER]


def move_by_keys(page: Page, day: Day) -> None:
    number, was = day.drafts[1], day.one(day.drafts[1])["at"]
    turn_by_keys(page, "Kalender")
    press(page, page.get_by_role("button", name="Weiter"))
    expect(page.locator("#zeitraum")).to_have_text("Dezember 2026")
    piece(page, number).wait_for()
    press(page, piece(page, number), "v")
    box = page.get_by_role("dialog", name="Verschieben")
    field = box.get_by_label("Neuer Termin")
    if not field.evaluate("one => one === document.activeElement"):
        reach(page, field)
    later_by_days(page, field, 14)
    page.keyboard.press("Enter")
    expect(page.locator("#gemeldet")).to_contain_text("Verschoben")
    assert day.one(number)["at"] == "2026-12-15T10:00:00+01:00"
    expect(piece(page, number)).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("#gemeldet")).to_contain_text("Zurückgenommen")
    assert day.one(number)["at"] == was


def later_by_days(page: Page, field: Locator, days: int) -> None:
    """Turn the day of a field for an instant on by the arrows; in which of its parts the day stands differs from
    browser to browser."""
    before = field.input_value()
    wanted = f"{before[:8]}{int(before[8:10]) + 1:02}{before[10:]}"
    for _ in range(5):
        page.keyboard.press("ArrowUp")
        if field.input_value() == wanted:
            break
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    for _ in range(days - 1):
        page.keyboard.press("ArrowUp")
    assert field.input_value() == f"{before[:8]}{int(before[8:10]) + days:02}{before[10:]}"


def brake_and_release_by_keys(editor: Page, approver: Page, day: Day) -> None:
    press(editor, editor.locator("summary", has_text="Notbremse"))
    write(editor, editor.get_by_label("Grund").first, "Unglück in der Region")
    press(editor, editor.get_by_role("button", name="Jetzt alles anhalten"))
    expect(editor.locator(".banner-stop")).to_be_visible()
    assert condition_of(day.site.house.app).braked_by == EDITOR
    turn_by_keys(approver, "Heute")
    press(approver, approver.get_by_role("button", name="Bremse lösen"))
    told(approver, "Die Notbremse ist gelöst.")
    assert condition_of(day.site.house.app).braked_since is None


def settle_by_keys(page: Page, day: Day) -> None:
    write(page, page.locator(f"#beitrag-{day.doubt}").get_by_label("Adresse oder Kennung"), day.remote_id)
    page.keyboard.press("Enter")
    told(page, "Als erschienen vermerkt.")
    assert (day.one(day.doubt)["state"], day.one(day.doubt)["remote_id"]) == ("posted", day.remote_id)


def better_the_template_by_keys(page: Page, day: Day) -> None:
    turn_by_keys(page, "Vorlagen")
    press(page, page.get_by_role("link", name=re.compile(": vorstellung, X$")))
    field = page.get_by_label("Text der Vorlage")
    write(page, field, "Neu entdeckt: {{ name }}\n{{ link }}\n{{ credit | bildnachweis }}")
    expect(page.locator("#vorschau .sheet-text").first).to_contain_text("Neu entdeckt:")
    press(page, page.get_by_role("button", name="Speichern und verwenden"))
    told(page, "Gespeichert und in Gebrauch")
    template_is_used(day)


def find_it_in_the_log_by_keys(page: Page, day: Day) -> None:
    turn_by_keys(page, "Protokoll")
    choose(page, page.get_by_label("Wer"), EDITOR)
    press(page, page.get_by_role("button", name="Suchen"))
    shown_in_log(page, EDITOR, ["bearbeitet", "verschoben", "Notbremse gezogen", "Vorlage gespeichert"])
    choose(page, page.get_by_label("Wer"), APPROVER)
    press(page, page.get_by_role("button", name="Suchen"))
    shown_in_log(page, APPROVER, ["Freigabe erteilt", "Notbremse gelöst", "von Hand: ist da"])
