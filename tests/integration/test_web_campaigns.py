"""The page Kampagnen: the form writes what a campaign file does, its preview keeps nothing, and who may what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from campaign import rehearsal
from campaign.campaign_file import write_campaign
from campaign.campaigns import Campaign, campaign_to_mapping, parse_campaign, read_campaign
from campaign.roles import Role
from campaign.web import campaign_form
from campaign.web.campaigns_page import address_of, named
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.conftest import START
from tests.integration.guest import Guest, hurried
from tests.integration.harness import Networks
from tests.integration.village import CAMPAIGN, Village
from tests.unit.test_campaign_files import WHOLE


@pytest.fixture
def village(running: tuple[Server, ManualClock], tmp_path: Path) -> Iterator[Village]:
    server, clock = running
    clock.set(START)
    networks = Networks(server)
    networks.control("/_reset")
    built = Village(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", networks, clock)
    hurried(built.app)
    yield built
    built.app.close()


@pytest.fixture
def guest(village: Village) -> Guest:
    """Somebody who may approve."""
    return Guest(village.app).become("Anna Muster", Role.APPROVER)


NEW = {
    "title": "Kreativorte der Altmark",
    "starts": "2026-11-01",
    "ends": "2027-06-30",
    "announce_published_from": "2026-11-01",
    "channels": "facebook-100100100",
    "approval": "one",
    "steps.0.name": "vorstellung",
    "steps.0.templates": "vorstellung",
    "steps.0.after.n": "0",
    "steps.0.after.unit": "d",
    "steps.0.picture": "photo",
    "rhythm.slots.0.weekday": "Wed",
    "rhythm.slots.0.at": "10:00",
    "rhythm.skip_holidays": "true",
}
EDIT = "/kampagnen/altmark/bearbeiten"


def fields(guest: Guest) -> dict[str, Any]:
    """Everything that the form on the page would send, buttons aside."""
    found: dict[str, Any] = {}
    form = guest.page.select_one("#formular")
    assert form is not None
    for one in form.select("input[name], select[name]"):
        if one.name == "select":
            chosen = one.select("option[selected]") or one.select("option")[:1]
            value = str(chosen[-1].get("value", ""))
        elif one.get("type") == "checkbox" and not one.has_attr("checked"):
            continue
        else:
            value = str(one.get("value", ""))
        found.setdefault(str(one["name"]), []).append(value)
    return found


def send(guest: Guest, wish: str, **changes: Any) -> Guest:
    """Press a button of the form that is shown."""
    form = guest.page.select_one("#formular")
    assert form is not None
    return guest._took(guest.client.post(str(form["action"]), data=fields(guest) | changes | {"tun": wish}))


def told(guest: Guest) -> dict[str, str]:
    """The problems beside their fields."""
    return {str(one["id"]).removeprefix("p-"): one.get_text() for one in guest.page.select(".field-problem")}


def stored(village: Village, name: str) -> dict[str, Any]:
    return campaign_to_mapping(rehearsal.campaign(village.app, name).campaign)


# --- the form writes what a file writes


def test_a_new_campaign_is_what_the_same_file_makes(village: Village, guest: Guest) -> None:
    guest.get("/kampagnen/neu")
    send(guest, "speichern", **NEW)
    assert guest.path == "/kampagnen/kreativorte-der-altmark" and "Gespeichert" in guest.words
    file = """
        name = "kreativorte-der-altmark"
        title = "Kreativorte der Altmark"
        starts = 2026-11-01
        ends = 2027-06-30
        channels = ["facebook-100100100"]
        steps = [{ name = "vorstellung", template = "vorstellung" }]
        [rhythm]
        slots = ["Wed 10:00"]
    """
    assert stored(village, "kreativorte-der-altmark") == campaign_to_mapping(read_campaign(file))
    (entry,) = [one for one in village.app.log_entries() if one["event"] == "campaign_applied"]
    assert entry["actor_name"] == "Anna Muster"


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        CAMPAIGN,
        WHOLE.replace("FREQ=MONTHLY;BYDAY=1TU", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"),
        WHOLE.replace("FREQ=MONTHLY;BYDAY=1TU", "FREQ=MONTHLY;BYMONTHDAY=15"),
        WHOLE.replace("FREQ=MONTHLY;BYDAY=1TU", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1"),
        WHOLE.replace('slots = ["Wed 12:30"]', 'quiet = []\nblackouts = []\nskip_holidays = true\nmin_gap = "0h"'),
        WHOLE.replace('after = "21d"', 'after = "36h"').replace('late_grace = "3h"', 'late_grace = "90s"'),
    ],
)
def test_every_field_comes_back_from_the_form_as_it_was(text: str) -> None:
    definition = campaign_to_mapping(read_campaign(text))
    form = campaign_form.filled(definition)
    assert campaign_to_mapping(read_definition(form)) == definition


def read_definition(form: campaign_form.Tree) -> Campaign:
    campaign_form.compact(form)
    return parse_campaign(campaign_form.definition(form))


def test_the_shown_form_sends_the_stored_campaign_unchanged(village: Village, guest: Guest) -> None:
    village.house.channel("twitter", "200200200")
    text = WHOLE.replace("altmark-facebook", "facebook-100100100").replace("altmark-x", "twitter-200200200")
    village.campaign(text)
    before = stored(village, "altmark-pilot")
    guest.get("/kampagnen/altmark-pilot/bearbeiten")
    send(guest, "speichern")
    assert guest.path == "/kampagnen/altmark-pilot", told(guest)
    assert stored(village, "altmark-pilot") == before
    changed = [one["detail"] for one in village.app.log_entries() if one["event"] == "campaign_applied"][-1]
    assert changed == {"campaign": "altmark-pilot", "changed": {}}


def test_what_was_changed_stands_in_the_log(village: Village, guest: Guest) -> None:
    village.campaign()
    send(guest.get(EDIT), "speichern", title="Neuer Titel")
    changed = [one["detail"] for one in village.app.log_entries() if one["event"] == "campaign_applied"][-1]
    assert changed["changed"] == {"title": ["Kreativorte der Altmark", "Neuer Titel"]}


# --- rows


def test_rows_come_and_go_without_scripts_and_keep_what_was_typed(guest: Guest) -> None:
    guest.get("/kampagnen/neu")
    send(guest, "more:steps", **NEW)
    assert fields(guest)["steps.0.name"] == ["vorstellung"] and fields(guest)["steps.1.name"] == [""]
    send(guest, "more:rhythm.slots", **{"steps.1.name": "nachklang", "steps.1.templates": "nachklang"})
    send(guest, "up:steps:1")
    assert (fields(guest)["steps.0.name"], fields(guest)["steps.1.name"]) == (["nachklang"], ["vorstellung"])
    send(guest, "less:steps:0")
    assert "steps.1.name" not in fields(guest) and fields(guest)["steps.0.name"] == ["vorstellung"]
    send(guest, "more:steps.0.templates")
    assert fields(guest)["steps.0.templates"] == ["vorstellung", ""]
    send(guest, "more:rhythm.blackouts")
    send(guest, "more:rhythm.quiet")
    send(guest, "more:rhythm.channel:facebook-100100100")
    send(guest, "more:rhythm.channel.0.slots")
    assert fields(guest)["rhythm.channel.0.name"] == ["facebook-100100100"]
    send(guest, "speichern")  # empty rows are no rows
    assert guest.path == "/kampagnen/kreativorte-der-altmark", told(guest)


@pytest.mark.parametrize(
    "wish",
    [
        *("more:title", "less:steps:99", "less:steps:-1", "up:steps:0", "more:", "more:rhythm", "x"),
        *("less:rhythm.channel.7.x:0", "more:rhythm.slots.0.at", "more:rhythm.channel:", "less:steps:" + "9" * 50),
    ],
)
def test_a_wish_that_is_none_changes_nothing(guest: Guest, wish: str) -> None:
    guest.get("/kampagnen/neu")
    before = fields(guest)
    send(guest, wish)
    assert guest.status == 200 and fields(guest) == before


def test_a_form_with_more_rows_than_anybody_needs_ends_somewhere(guest: Guest) -> None:
    guest.get("/kampagnen/neu")
    many = {f"rhythm.slots.{number}.at": "10:00" for number in range(900)}
    send(guest, "more:rhythm.slots", **many)
    assert guest.status == 200
    assert len([one for one in fields(guest) if one.startswith("rhythm.slots.") and one.endswith(".at")]) == 100


# --- problems


def test_every_problem_stands_beside_its_field_and_in_a_list_on_top(guest: Guest) -> None:
    guest.get("/kampagnen/neu")
    wrong = NEW | {
        "starts": "bald",
        "ends": "",
        "budget_usd": "viel",
        "late_grace.n": "zwei",
        "steps.0.templates": "",
        "steps.0.after.n": "x",
        "rhythm.slots.0.at": "",
        "rhythm.max_per_day": "0",
        "rhythm.blackouts.0.from": "2027-02-14",
        "rhythm.blackouts.0.to": "2027-02-01",
        "calls.0.name": "aufruf",
        "calls.0.templates": "aufruf",
        "calls.0.kind": "rule",
        "calls.0.rule": "monatlich",
        "calls.0.link": "javascript:alert(1)",
        "rhythm.channel.0.name": "gibt-es-nicht",
        "rhythm.channel.0.max_per_week": "-1",
    }
    send(guest, "speichern", **wrong)
    assert guest.status == 422
    beside = told(guest)
    for field in (
        *("starts", "ends", "budget_usd", "late_grace", "steps-0-templates", "steps-0-after", "rhythm-slots"),
        *("rhythm-max_per_day", "rhythm-blackouts-0-to", "calls-0-recurs", "calls-0-link"),
        *("rhythm-channel-0", "rhythm-channel-0-max_per_week"),
    ):
        assert field in beside, field
    assert beside["starts"] == "Das muss ein Datum sein, zum Beispiel 2026-11-01."
    links = [str(one["href"])[1:] for one in guest.page.select("[role=alert] li a")]
    assert links and all(guest.page.select_one(f"[id='{one}']") is not None for one in links)
    marked = {str(one["name"]) for one in guest.page.select("[aria-invalid=true]")}
    assert {"starts", "ends", "budget_usd"} <= marked
    assert fields(guest)["budget_usd"] == ["viel"]  # what was typed stays
    assert "beispiel" in guest.words.lower()


def test_a_channel_that_is_not_there_and_a_name_that_is_taken_are_told(village: Village, guest: Guest) -> None:
    village.campaign()
    guest.get("/kampagnen/neu")
    send(guest, "speichern", **NEW | {"channels": "weg", "name": "x"})
    assert "weg" in told(guest)["channels"]
    send(guest, "speichern", **NEW | {"channels": "facebook-100100100", "name": "altmark"})
    assert "gibt es schon" in told(guest)["name"]


def test_german_dates_and_amounts_are_read(village: Village, guest: Guest) -> None:
    guest.get("/kampagnen/neu")
    send(guest, "speichern", **NEW | {"starts": "01.11.2026", "ends": "30.6.2027", "budget_usd": "25,50"})
    kept = stored(village, "kreativorte-der-altmark")
    assert (kept["starts"], kept["ends"], kept["budget_usd"]) == ("2026-11-01", "2027-06-30", 25.5)


def test_what_somebody_typed_is_text(guest: Guest) -> None:
    guest.get("/kampagnen/neu")
    hostile = '"><script>alert(1)</script>{{ 7*7 }}'
    send(guest, "speichern", **NEW | {"title": hostile, "rhythm.channel.0.name": hostile, "channels": hostile})
    assert not guest.page.select("main script") and "49" not in guest.words
    assert fields(guest)["title"] == [hostile]


# --- who may what


def test_an_editor_saves_but_may_not_weaken_the_approval(village: Village) -> None:
    village.campaign(CAMPAIGN.replace('approval = "none"', 'approval = "four-eyes"'))
    editor = Guest(village.app).become("Erna", Role.EDITOR)
    send(editor.get(EDIT), "speichern", approval="one")
    assert editor.status == 422 and "nur einstellen, wer selbst freigeben darf" in told(editor)["approval"]
    send(editor.get(EDIT), "speichern", title="Von Erna")
    assert editor.path == "/kampagnen/altmark" and stored(village, "altmark")["approval"] == "four-eyes"
    editor.get("/kampagnen/neu")
    send(editor, "speichern", **NEW | {"approval": "none"})
    assert editor.status == 422 and "approval" in told(editor)
    approver = Guest(village.app).become("Anna", Role.APPROVER)
    send(approver.get(EDIT), "speichern", approval="one")
    assert stored(village, "altmark")["approval"] == "one"


def test_a_reader_sees_campaigns_and_takes_their_file_only(village: Village) -> None:
    village.campaign()
    reader = Guest(village.app).become("Rita", Role.READER)
    assert "Kreativorte der Altmark" in reader.get("/kampagnen").words
    assert not reader.get("/kampagnen/altmark").buttons("main")
    assert not reader.page.select("main a[href$=bearbeiten]")
    assert reader.get(EDIT).status == 403
    assert reader.get("/kampagnen").status == 200
    for path in ("/kampagnen/neu", "/kampagnen/altmark/beenden", "/kampagnen/altmark/anhalten", EDIT):
        assert reader.post(path, token=reader.get("/kampagnen").token()).status == 403


def test_a_form_from_elsewhere_changes_nothing(village: Village, guest: Guest) -> None:
    village.campaign()
    assert guest.post(EDIT, token="falsch", tun="speichern", **NEW).status == 403
    assert guest.get("/kampagnen/gibtesnicht").status == 404
    assert guest.post("/kampagnen/gibtesnicht/bearbeiten", token=guest.get("/kampagnen").token()).status == 404


# --- the preview


def test_the_preview_shows_what_would_be_planned_and_keeps_nothing(village: Village, guest: Guest) -> None:
    for number in range(3):
        village.portals["kreativorte"].place(f"Hof {number}", town=f"Dorf {number}")
    village.portals["kreativorte"].place("Anderswo", town="Stendal", region="Harz")
    village.app.pull()
    guest.get("/kampagnen/neu")
    send(guest, "vorschau", **NEW | {"regions": "Altmark"})
    assert guest.status == 200
    assert "neu geplant: 3" in guest.words and "Noch ist nichts gespeichert" in guest.words
    shown = [" ".join(one.get_text(" ").split()) for one in guest.page.select(".preview .row-one")]
    assert [one[:22] for one in shown] == ["Mi., 25.11.2026, 10:00", "Mi., 02.12.2026, 10:00", "Mi., 09.12.2026, 10:00"]
    assert {one.get_text() for one in guest.page.select(".month caption")} == {"November 2026", "Dezember 2026"}
    days = [str(one["href"])[1:] for one in guest.page.select(".month a")]
    assert len(days) == 3 and all(guest.page.select_one(f"[id='{one}']") for one in days)
    assert village.app.announcements() == [] and rehearsal.campaigns(village.app) == []
    assert fields(guest)["title"] == ["Kreativorte der Altmark"]


def test_the_preview_is_what_planning_then_does(village: Village, guest: Guest) -> None:
    for number in range(4):
        village.portals["kreativorte"].place(f"Hof {number}", town=f"Dorf {number}")
    village.app.pull()
    village.campaign()
    wanted = rehearsal.campaign(village.app, "altmark").campaign
    trial = rehearsal.try_out(village.app, wanted)
    foreseen = sorted((one.at, one.step, one.what) for one in trial.entries)
    village.app.plan()
    made = sorted(
        (datetime.fromisoformat(one["at"]), one["step"], one["place_name"]) for one in village.app.announcements()
    )
    assert foreseen == made
    again = rehearsal.try_out(village.app, wanted)
    assert again.counts == {"kept": len(made)}


def test_the_preview_says_what_is_moved_held_and_without_a_slot(village: Village, guest: Guest) -> None:
    village.campaign()
    for number in range(3):
        village.portals["kreativorte"].place(f"Hof {number}", town=f"Dorf {number}")
    village.app.pull()
    village.app.plan()
    guest.get(EDIT)
    send(guest, "vorschau", **{"rhythm.slots.1.weekday": "Sat", "rhythm.slots.1.at": "11:00"})
    assert "neuer Termin" in guest.words and "bisher Di., 24.11.2026, 12:00" in guest.words
    send(guest.get(EDIT), "vorschau", ends="2026-11-26")
    assert "Ohne Termin" in guest.words and "Hof 2" in guest.words
    send(guest.get(EDIT), "vorschau", **{"steps.0.templates": "gibtesnicht"})
    assert "bleibt" in guest.words
    village.portals["kreativorte"].place("Neuer Hof", town="Neudorf")
    village.app.pull()
    send(guest.get(EDIT), "vorschau", **{"steps.0.templates": "gibtesnicht"})
    assert "Die Vorlage facebook/gibtesnicht fehlt." in guest.words
    assert {one["state"] for one in village.app.announcements()} == {"approved"}


# --- together


def test_two_people_at_one_campaign_do_not_overwrite_each_other_unseen(village: Village, guest: Guest) -> None:
    village.campaign()
    other = Guest(village.app).become("Bert", Role.EDITOR)
    guest.get(EDIT)
    other.get(EDIT)
    send(other, "speichern", title="Von Bert")
    send(guest, "speichern", title="Von Anna")
    assert guest.status == 409 and "Jemand anderes hat die Kampagne inzwischen gespeichert" in guest.words
    assert stored(village, "altmark")["title"] == "Von Bert" and fields(guest)["title"] == ["Von Anna"]
    send(guest, "speichern")
    assert stored(village, "altmark")["title"] == "Von Anna"


def test_a_stamp_that_was_made_up_is_noticed(village: Village, guest: Guest) -> None:
    village.campaign()
    send(guest.get(EDIT), "speichern", stand="")
    assert guest.status == 409
    assert stored(village, "altmark")["title"] == "Kreativorte der Altmark"


# --- pause, copy, file, end


def test_a_campaign_is_paused_and_goes_on(village: Village, guest: Guest) -> None:
    village.campaign()
    guest.get("/kampagnen/altmark").press("Anhalten")
    assert village.app.campaign("altmark")["paused"] and "Die Kampagne ist angehalten" in guest.words
    guest.press("Fortsetzen")
    assert not village.app.campaign("altmark")["paused"]


def test_a_copy_begins_with_everything_but_the_name(village: Village, guest: Guest) -> None:
    village.campaign()
    guest.get("/kampagnen/altmark")
    copy = guest.page.select_one("a[href*='neu?von']")
    assert copy is not None
    guest.get(str(copy["href"]))
    assert fields(guest)["title"] == ["Kreativorte der Altmark (Kopie)"] and fields(guest)["name"] == [""]
    send(guest, "speichern")
    made = stored(village, "kreativorte-der-altmark-kopie")
    assert made["utm_campaign"] == "kreativorte-der-altmark-kopie"
    assert made["steps"] == stored(village, "altmark")["steps"]
    assert guest.get("/kampagnen/neu?von=gibtesnicht").status == 404


def test_the_file_goes_out_and_comes_back(village: Village, guest: Guest) -> None:
    village.campaign()
    answer = guest.client.get("/kampagnen/altmark/datei")
    assert answer.headers["content-disposition"] == 'attachment; filename="altmark.toml"'
    assert answer.text == write_campaign(rehearsal.campaign(village.app, "altmark").campaign)
    text = answer.text.replace("Kreativorte der Altmark", "Aus der Datei").encode()
    load(guest, text)
    assert "gespeichert ersetzt sie die Kampagne" in guest.words and fields(guest)["title"] == ["Aus der Datei"]
    assert stored(village, "altmark")["title"] == "Kreativorte der Altmark"
    send(guest, "speichern")
    assert stored(village, "altmark")["title"] == "Aus der Datei"
    load(guest, text.replace(b'name = "altmark"', b'name = "neuling"', 1))
    assert "gespeichert ist noch nichts" in guest.words
    send(guest, "speichern")
    assert stored(village, "neuling")["title"] == "Aus der Datei"


def load(guest: Guest, data: bytes) -> Guest:
    token = guest.get("/kampagnen").token()
    return guest._took(guest.client.post("/kampagnen/datei", data={"csrf": token}, files={"datei": ("k.toml", data)}))


@pytest.mark.parametrize("data", [b"name = ", b"\xff\xfe", b"", b'name = "x"\nsteps = 3', b"a" * 1_000_001])
def test_a_file_that_is_none_is_told_and_loads_nothing(village: Village, guest: Guest, data: bytes) -> None:
    load(guest, data)
    assert guest.status == 422 and guest.page.select("[role=alert] li")
    assert rehearsal.campaigns(village.app) == []


def test_the_end_cancels_what_is_planned_and_is_told(village: Village, guest: Guest) -> None:
    mill = village.place("Mühle")
    village.campaign()
    village.app.plan()
    guest.get("/kampagnen/altmark")
    assert "2 Beiträge, die noch kommen, werden abgesagt" in guest.words
    guest.press("Ja, heute beenden")
    assert "Die Kampagne ist beendet" in guest.words and "beendet" in guest.words
    assert {state for _, _, state in village.calendar(mill)} == {"cancelled"}
    assert stored(village, "altmark")["ends"] == "2026-11-24"
    village.place("Hof", town="Stendal")
    assert village.app.plan()["planned"] == []  # not even at a slot of this very day
    entry = [one for one in village.app.log_entries() if one["event"] == "campaign_ended"][-1]
    assert entry["detail"] == {"campaign": "altmark", "planned": 2} and entry["actor_name"] == "Anna Muster"
    assert "Ja, heute beenden" not in guest.get("/kampagnen/altmark").buttons()
    assert guest.post("/kampagnen/altmark/beenden").page.select("[role=alert]")


def test_an_ended_campaign_goes_on_when_its_last_day_is_moved_on(village: Village, guest: Guest) -> None:
    mill = village.place("Mühle")
    village.campaign()
    village.app.plan()
    guest.get("/kampagnen/altmark").press("Ja, heute beenden")
    send(guest.get(EDIT), "speichern", title="Nur der Titel")
    assert village.app.plan()["planned"] == []
    send(guest.get(EDIT), "speichern", ends="2027-06-30")
    village.app.plan()
    assert [one for one in village.calendar(mill) if one[2] == "approved"] == [
        ("nachklang", 2, "approved"),
        ("vorstellung", 2, "approved"),
    ]


def test_a_campaign_that_has_not_begun_can_be_ended(village: Village, guest: Guest) -> None:
    village.campaign(CAMPAIGN.replace("starts = 2026-11-01", "starts = 2027-01-01"))
    guest.get("/kampagnen/altmark").press("Ja, heute beenden")
    assert "beendet" in guest.words and stored(village, "altmark")["starts"] == "2026-11-24"


@pytest.mark.parametrize("name", ["neu", "datei", "..", "a/b", "50 % mehr", "Öffnung?", "a#b", "x&y=z", "%41", "~6e"])
def test_every_name_has_an_address_of_its_own(village: Village, guest: Guest, name: str) -> None:
    village.campaign(CAMPAIGN.replace('name = "altmark"', f'name = "{name}"'))
    guest.get("/kampagnen")
    link = str(guest.page.select(".campaign-row a")[0]["href"])
    assert link == address_of(name)
    assert guest.get(link).status == 200 and name in guest.words
    guest.press("Anhalten")
    assert guest.status == 200 and village.app.campaign(name)["paused"]
    assert guest.get(f"{link}/bearbeiten").status == 200
    assert guest.get(f"{link}/datei").status == 200


def test_plain_names_stay_plain() -> None:
    assert address_of("altmark-pilot") == "/kampagnen/altmark-pilot" and named("altmark-pilot") == "altmark-pilot"


def test_the_page_speaks_english(village: Village, guest: Guest) -> None:
    village.campaign()
    guest.get("/kampagnen").press("English")
    assert "New campaign" in guest.get("/kampagnen").words
    assert "What is still to come" in guest.get("/kampagnen/altmark").words
    guest.get("/kampagnen/neu")
    send(guest, "speichern", **NEW | {"starts": "soon"})
    assert told(guest)["starts"] == "Must be a date such as 2026-11-01."
    assert "First day" in guest.words
