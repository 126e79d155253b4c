"""Kalender without a browser: what is on it, moving with reasons, filling, the plain list, subscribing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import text

from campaign import agenda, planning, store
from campaign.agenda import Wanted
from campaign.app import OutOfRhythm
from campaign.desk import Entry
from campaign.places import Place
from campaign.planner import permitted
from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.conftest import START
from tests.integration.guest import Guest, hurried
from tests.integration.harness import House, Networks

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
quiet = ["20:00-08:00"]
max_per_day = 1
max_per_week = 3
min_gap = "20h"
blackouts = [{{ from = 2026-12-14, to = 2026-12-16, reason = "Messe" }}]
"""
FIRST, LAST = date(2026, 11, 23), date(2026, 12, 31)


@pytest.fixture
def house(running: tuple[Server, ManualClock], tmp_path: Path) -> Iterator[House]:
    server, clock = running
    clock.set(START)
    networks = Networks(server)
    networks.control("/_reset")
    blackouts = [{"from": date(2026, 12, 21), "to": date(2026, 12, 22), "reason": "Betriebsruhe"}]
    built = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", networks, clock, blackouts=blackouts)
    hurried(built.app)
    yield built
    built.app.close()


@pytest.fixture
def channel(house: House) -> str:
    return house.channel("twitter")


@pytest.fixture
def editor(house: House, channel: str) -> Guest:
    return Guest(house.app).become("Erna", Role.EDITOR)


def places(house: House, *names: str, region: str = "Altmark", category: str = "Arbeiten") -> None:
    """Places of a portal that was pulled just now."""
    now = house.clock.now()
    with house.app.database.write() as connection:
        store.note_portal(connection, "orte", now + timedelta(microseconds=len(names)), None)
        for name in names:
            place = Place("orte", name, name, f"https://example.org/{len(name)}/", now - timedelta(days=1))
            store.save_place(connection, Place(**{**vars(place), "regions": (region,), "categories": (category,)}), now)


def planned(house: House, channel: str, *names: str, **more: Any) -> list[int]:
    """Places announced by a campaign; the numbers in the order of their instants."""
    places(house, *names, **more)
    house.app.apply_campaign(CAMPAIGN.format(channel=channel))
    house.app.plan()
    return [one["id"] for one in house.app.announcements()]


def free(house: House, channel: str, at: str, words: str = "Guten Tag") -> int:
    entry = Entry(channel, datetime.fromisoformat(at), words, None)
    return int(house.app.add_announcement(entry, None, approve=True)["id"])


def in_state(house: House, number: int, state: State) -> None:
    with house.app.database.write() as connection:
        connection.execute(
            text(
                "UPDATE deliveries SET state = :state, worker = 'w', lease_until = due_at, remote_id = 'r' "
                "WHERE id = :id"
            ),
            {"state": state.value, "id": number},
        )


def data(guest: Guest, query: str = "", first: str = "2026-11-23", last: str = "2026-12-31") -> dict[str, Any]:
    """What the calendar draws."""
    answer = guest.client.get(f"/kalender/daten?von={first}&bis={last}{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def moved(guest: Guest, number: int, at: str, path: str = "/kalender/verschieben", **more: str) -> tuple[int, Any]:
    """Move an announcement as the script does."""
    guest.get("/kalender")
    settings = guest.page.select_one("#kalender-angaben")
    assert settings is not None
    fields = {"beitrag": str(number), "termin": at, "csrf": json.loads(settings.get_text())["csrf"]} | more
    answer = guest.client.post(path, data=fields)
    return answer.status_code, answer.json()


# --- what is on it


def test_only_the_shown_span_is_told_in_order(house: House, channel: str, editor: Guest) -> None:
    late = free(house, channel, "2026-12-10T10:00+01:00", "Spät")
    early = free(house, channel, "2026-11-30T23:30+01:00", "Früh <b>&</b>")
    free(house, channel, "2027-01-01T00:00+01:00", "Im Januar")
    found = data(editor)["announcements"]
    assert [one["id"] for one in found] == [early, late]
    assert found[0] == {
        "id": early,
        "at": "2026-11-30T23:30:00+01:00",
        "title": "Früh <b>&</b>",
        "state": "approved",
        "channel": channel,
        "campaign": "",
        "step": "",
        "why": "",
        "movable": True,
    }
    assert [one["id"] for one in data(editor, last="2026-11-30")["announcements"]] == [early]
    assert [one["id"] for one in data(editor, first="2026-12-01")["announcements"]] == [late]


def test_it_is_narrowed_by_campaign_region_category_channel_and_state(
    house: House, channel: str, editor: Guest
) -> None:
    numbers = planned(house, channel, "Hof", "Mühle")
    page = house.channel("facebook")
    single = free(house, page, "2026-12-01T12:00+01:00")
    house.app.decide("hold", [numbers[0]])

    def told(query: str) -> list[int]:
        return sorted(one["id"] for one in data(editor, query)["announcements"])

    assert told("") == sorted([*numbers, single])
    assert told("&kampagne=pilot") == told(f"&kanal={channel}") == numbers
    assert told("&region=Altmark") == told("&bereich=Arbeiten") == numbers
    assert told("&region=Harz") == told("&kampagne=anders") == told("&kanal=anders") == []
    assert told("&stand=held") == [numbers[0]] and told("&stand=unsinn") == sorted([*numbers, single])
    with house.app.database.write() as connection:
        store.set_regions(connection, store.channel_named(connection, page).id, ["Harz"])
    assert told("&region=Harz") == [single]
    (held,) = data(editor, "&stand=held")["announcements"]
    assert held["why"]


def test_days_that_are_closed_are_told_with_their_reason(house: House, channel: str, editor: Guest) -> None:
    planned(house, channel, "Hof")
    told = {one["title"]: (one["first"], one["last"]) for one in data(editor)["closed"]}
    assert told["Feiertag: Erster Weihnachtstag"] == ("2026-12-25", "2026-12-25")
    assert told["Sperrzeit: Betriebsruhe"] == ("2026-12-21", "2026-12-22")
    assert told["Sperrzeit: Messe (Die Altmark)"] == ("2026-12-14", "2026-12-16")
    others = [one["title"] for one in data(editor, "&kampagne=anders")["closed"]]
    assert "Sperrzeit: Betriebsruhe" in others and not [one for one in others if "Messe" in one]
    assert data(editor, first="2026-11-26", last="2026-11-27")["closed"] == []


def test_open_slots_are_told_on_demand(house: House, channel: str, editor: Guest) -> None:
    (number,) = planned(house, channel, "Hof")
    assert data(editor)["free"] == []
    taken = house.one(number)["at"]
    told = [one["at"] for one in data(editor, "&frei=1", last="2026-12-17")["free"]]
    assert taken not in told
    # Tuesdays and Thursdays from the present instant on, but for those of the campaign's blackout.
    assert told == [
        one
        for one in (
            *("2026-11-26T17:30:00+01:00", "2026-12-01T10:00:00+01:00", "2026-12-03T17:30:00+01:00"),
            *("2026-12-08T10:00:00+01:00", "2026-12-10T17:30:00+01:00", "2026-12-17T17:30:00+01:00"),
        )
        if one != taken
    ]
    assert data(editor, "&frei=1&kanal=anders")["free"] == []
    house.app.set_channel(channel, "remove")
    assert data(editor, "&frei=1")["free"] == []


@pytest.mark.parametrize("span", ["von=unsinn&bis=2026-12-01", "von=2026-12-02&bis=2026-12-01", "von=2026-12-01"])
def test_a_span_that_is_none_is_refused(editor: Guest, span: str) -> None:
    assert editor.client.get(f"/kalender/daten?{span}").status_code in (404, 422)


def test_a_long_span_is_cut(house: House, channel: str, editor: Guest) -> None:
    free(house, channel, "2027-12-01T10:00+01:00")
    assert data(editor, last="2028-12-31")["announcements"] == []
    assert agenda.shown(house.app, FIRST, LAST, limit=0).more is False


def test_there_may_be_more_than_is_told(house: House, channel: str) -> None:
    for hour in (10, 11, 12):
        free(house, channel, f"2026-12-01T{hour}:00+01:00", f"Um {hour}")
    shown = agenda.shown(house.app, FIRST, LAST, limit=2)
    assert len(shown.items) == 2 and shown.more


def test_the_address_says_what_is_shown(house: House, channel: str, editor: Guest) -> None:
    planned(house, channel, "Hof")
    editor.get(f"/kalender?ansicht=woche&tag=2026-12-08&kanal={channel}&region=Altmark&frei=1&stand=draft&bereich=Weg")
    chosen = [str(one["value"]) for one in editor.page.select("#filter option[selected]") if one["value"]]
    assert chosen == ["Altmark", "Weg", channel, "draft"]
    assert editor.page.select_one('#filter input[name="frei"]')["checked"] == ""  # type: ignore[index]
    settings = json.loads(editor.page.select_one("#kalender-angaben").get_text())  # type: ignore[union-attr]
    assert (settings["view"], settings["day"], settings["moves"]) == ("woche", "2026-12-08", True)
    assert "url=/kalender/liste?monat=2026-12" in editor.page.select_one("noscript meta")["content"]  # type: ignore[index]
    settings = json.loads(editor.get("/kalender?ansicht=x&tag=y").page.select_one("#kalender-angaben").get_text())  # type: ignore[union-attr]
    assert (settings["view"], settings["day"]) == ("", "")


def test_what_the_script_reads_can_not_end_it(house: House, channel: str, editor: Guest) -> None:
    editor.get("/kalender?kanal=%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert(1)" not in editor.response.text


# --- moving


def test_a_move_to_a_slot_is_made_and_logged_and_taken_back(house: House, channel: str, editor: Guest) -> None:
    (number,) = planned(house, channel, "Hof")
    was = house.one(number)["at"]
    status, told = moved(editor, number, "2026-12-10T17:30", gesehen=was)
    assert status == 200 and told["undoable"] and told["pinned"] is False
    assert (told["at"], told["was"], told["title"]) == ("2026-12-10T17:30:00+01:00", was, "Hof")
    assert house.one(number)["at"] == told["at"] and house.events(number)[-1] == "moved"
    back = {"gesehen": told["at"], "fest": "false"}
    status, told = moved(editor, number, was, "/kalender/rueckgaengig", **back)
    assert status == 200 and house.one(number)["at"] == was
    with house.app.database.read() as connection:
        assert not store.announcement_row(connection, number).pinned
    (entry,) = {one["actor_name"] for one in house.app.log_entries(number) if one["event"] == "moved"}
    assert entry == "Erna"


def test_what_the_rhythm_does_not_permit_is_asked_with_its_reason(house: House, channel: str, editor: Guest) -> None:
    (number,) = planned(house, channel, "Hof")
    was = house.one(number)["at"]
    status, told = moved(editor, number, "2026-12-09T12:00")
    assert status == 409 and told["insist"] and "keinen Termin" in told["reason"]
    assert told["instead"] == ["2026-12-08T10:00:00+01:00", "2026-12-10T17:30:00+01:00", "2026-12-03T17:30:00+01:00"]
    assert house.one(number)["at"] == was
    status, told = moved(editor, number, "2026-12-15T10:00")
    assert (status, told["reason"]) == (409, "Sperrzeit: Messe.")
    status, told = moved(editor, number, "2026-12-15T10:00", trotzdem="true")
    assert status == 200 and house.one(number)["at"] == "2026-12-15T10:00:00+01:00"


def test_instead_names_the_same_day_first(house: House, channel: str, editor: Guest) -> None:
    (number,) = planned(house, channel, "Hof")
    _, told = moved(editor, number, "2026-12-10T00:15")
    assert told["instead"][0] == "2026-12-10T17:30:00+01:00"


def test_what_is_past_or_unreadable_can_not_be_insisted_on(house: House, channel: str, editor: Guest) -> None:
    (number,) = planned(house, channel, "Hof")
    for at in ("2026-11-20T10:00", "unsinn", ""):
        status, told = moved(editor, number, at, trotzdem="true")
        assert status == 409 and "insist" not in told and told["reason"], at
    assert "2026-11-20 10:00" in moved(editor, number, "2026-11-20T10:00")[1]["reason"]


def test_what_somebody_else_moved_meanwhile_stays(house: House, channel: str, editor: Guest) -> None:
    (number,) = planned(house, channel, "Hof")
    was = house.one(number)["at"]
    house.app.move(number, "2026-12-10T17:30", force=False)
    status, told = moved(editor, number, "2026-12-03T17:30", gesehen=was)
    assert status == 409 and "jemand anderem" in told["reason"]
    assert moved(editor, number, was, "/kalender/rueckgaengig", gesehen=was)[0] == 409
    assert house.one(number)["at"] == "2026-12-10T17:30:00+01:00"


@pytest.mark.parametrize("state", [State.POSTED, State.SENDING, State.UNKNOWN, State.IN_DOUBT, State.CANCELLED])
def test_what_is_out_or_under_way_is_not_moved(house: House, channel: str, editor: Guest, state: State) -> None:
    number = free(house, channel, "2026-12-01T12:00+01:00")
    in_state(house, number, state)
    (told,) = data(editor)["announcements"]
    assert told["movable"] is False
    status, answer = moved(editor, number, "2026-12-02T12:00", trotzdem="true")
    assert status == 409 and "insist" not in answer


def test_a_missed_one_comes_back_to_life_and_that_is_not_taken_back(house: House, channel: str, editor: Guest) -> None:
    number = free(house, channel, "2026-11-24T10:30+01:00")
    in_state(house, number, State.MISSED)
    status, told = moved(editor, number, "2026-12-02T12:00")
    assert status == 200 and not told["undoable"] and house.state(number) is State.APPROVED


def test_the_rhythm_s_answer_does_not_depend_on_how_much_is_looked_at(house: House, channel: str) -> None:
    numbers = planned(house, channel, *(f"Hof {number}" for number in range(9)))
    other = free(house, channel, "2026-12-10T09:00+01:00")
    late = free(house, channel, "2026-11-24T11:00+01:00", "Spät erschienen")
    with house.app.database.write() as connection:
        connection.execute(
            text("UPDATE deliveries SET state = 'posted', remote_id = '1', posted_at = :at WHERE id = :id"),
            {"at": "2026-12-22 12:00:00.000000", "id": late},
        )
    settings = house.app.settings
    reasons = set()
    with house.app.database.read() as connection:
        now = house.clock.now()
        ever = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
        everything = planning.request_near(connection, settings, now, *ever)
        (campaign,) = everything.campaigns
        for number in (numbers[0], numbers[4], other):
            row = store.announcement_row(connection, number)
            key = planning.key_of(row)
            for hours in range(0, 24 * 70, 5):
                at = now + timedelta(hours=hours)
                near = planning.not_permitted(connection, settings, now, row, at)
                assert near == permitted(everything, channel, at, campaign if row.campaign else None, key)
                reasons.add((near or "").partition(":")[0])
    assert {"", "not_a_slot", "max_per_day", "quiet_hours", "blackout", "holiday"} <= reasons


def test_the_application_tells_when_insisting_would_help(house: House, channel: str) -> None:
    (number,) = planned(house, channel, "Hof")
    with pytest.raises(OutOfRhythm):
        agenda.move(house.app, number, "2026-12-09T12:00")
    assert agenda.move(house.app, number, "2026-12-09T12:00", force=True).was_pinned is False


def test_readers_see_and_change_nothing(house: House, channel: str, editor: Guest) -> None:
    (number,) = planned(house, channel, "Hof")
    was = house.one(number)["at"]
    reader = Guest(house.app).become("Rita", Role.READER)
    assert data(reader)["announcements"]
    reader.get("/kalender")
    assert "Planen" not in reader.words and "Abonnieren" in reader.words
    assert json.loads(reader.page.select_one("#kalender-angaben").get_text())["moves"] is False  # type: ignore[union-attr]
    for path in ("/kalender/verschieben", "/kalender/rueckgaengig", "/kalender/planen"):
        assert reader.post(path, beitrag=str(number), termin="2026-12-10T17:30", gesehen=was).status == 403
    assert reader.get("/kalender/planen").status == 403
    assert "Verschieben" not in reader.get("/kalender/liste").words
    assert house.one(number)["at"] == was


def test_a_change_without_the_page_s_token_is_refused(house: House, channel: str, editor: Guest) -> None:
    (number,) = planned(house, channel, "Hof")
    for path in ("/kalender/verschieben", "/kalender/planen", "/kalender/abonnement"):
        answer = editor.client.post(path, data={"beitrag": number, "termin": "2026-12-10T17:30", "name": "x"})
        assert answer.status_code == 403


# --- filling the calendar


def test_filling_is_shown_first_and_done_then(house: House, channel: str, editor: Guest) -> None:
    places(house, "Hof", "Mühle")
    house.app.apply_campaign(CAMPAIGN.format(channel=channel))
    editor.get("/kalender").get("/kalender/planen")
    assert "2 Beiträge bekämen einen Termin." in editor.words and "Die Altmark" in editor.words
    assert house.app.announcements() == []
    editor.press("Jetzt planen")
    assert editor.path == "/kalender" and "Geplant: 2, angehalten: 0, ohne Termin: 0." in editor.words
    assert len(house.app.announcements()) == 2
    assert "nichts Neues zu planen" in editor.get("/kalender/planen").words


def test_what_would_be_held_or_find_no_slot_is_named(house: House, channel: str, editor: Guest) -> None:
    places(house, "Hof")
    text_of = CAMPAIGN.format(channel=channel)
    house.app.apply_campaign(text_of.replace('approval = "none"', 'approval = "none"\nrequire_image = true'))
    editor.get("/kalender/planen")
    assert "Angehalten würden" in editor.words
    house.app.apply_campaign(text_of.replace("ends = 2027-01-31", "ends = 2026-11-24"))
    assert "Ohne Termin blieben" in editor.get("/kalender/planen").words


# --- the plain list


def test_the_list_shows_a_month_and_turns_to_others(house: House, channel: str, editor: Guest) -> None:
    free(house, channel, "2026-11-30T12:00+01:00", "Im November <script>alert(1)</script>")
    free(house, channel, "2026-12-01T00:00+01:00", "Im Dezember")
    editor.get("/kalender/liste")
    assert "Im November <script>alert(1)</script>" in editor.words and "Im Dezember" not in editor.words
    assert not editor.page.select("main script")
    link = editor.page.select_one('nav a:-soup-contains("Dezember")')
    editor.get(str(link["href"]))  # type: ignore[index]
    assert "Im Dezember" in editor.words and "Erster Weihnachtstag" in editor.words
    assert "nichts geplant" in editor.get(f"/kalender/liste?monat=2026-12&kanal={channel}x").words
    assert "November 2026" in editor.get("/kalender/liste?monat=unsinn").words


def test_a_long_month_has_several_pages_and_loses_nothing(house: House, channel: str, editor: Guest) -> None:
    for number in range(105):
        free(house, channel, f"2026-12-{1 + number % 28:02}T{9 + number // 28:02}:00+01:00", f"Beitrag {number}.")
    seen = [one.get_text() for one in editor.get("/kalender/liste?monat=2026-12").page.select(".line-title")]
    assert len(seen) == 100 and "105 Beiträge in diesem Monat" in editor.words
    following = editor.page.select_one('a:-soup-contains("Weitere Beiträge")')
    seen += [one.get_text() for one in editor.get(str(following["href"])).page.select(".line-title")]  # type: ignore[index]
    assert sorted(seen) == sorted(f"Beitrag {number}." for number in range(105))


def test_the_list_moves_without_a_script_and_tells_what_stands_against_it(
    house: House, channel: str, editor: Guest
) -> None:
    (number,) = planned(house, channel, "Hof")
    editor.get("/kalender/liste?monat=2026-11")
    editor.press("Verschieben", f"#beitrag-{number}", termin="2026-11-25T12:00")
    refused = editor.page.select_one(f"#beitrag-{number} [role=alert]")
    assert refused is not None and "keinen Termin" in refused.get_text()
    editor.press("Verschieben", f"#beitrag-{number}", termin="2026-11-25T12:00", trotzdem="true")
    assert editor.path == "/kalender/liste" and "Verschoben." in editor.words
    assert house.one(number)["at"] == "2026-11-25T12:00:00+01:00"


# --- subscribing


def subscribed(guest: Guest, **fields: str) -> str:
    """Make a key; answers the path of its link."""
    guest.get("/kalender/abonnement").press("Link erstellen", **({"name": "Mein Telefon"} | fields))
    link = guest.page.select_one("#abo-link")
    assert link is not None, guest.words
    return link.get_text().removeprefix("http://127.0.0.1:8000")


def test_a_subscription_opens_the_calendar_without_a_session(house: House, channel: str, editor: Guest) -> None:
    number = free(house, channel, "2026-12-01T12:00+01:00", "Hof; mit, Zeichen\nund Zeilen")
    link = subscribed(editor)
    assert "Noch nie abgerufen" in editor.words
    stranger = Guest(house.app)
    answer = stranger.client.get(link)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    (event,) = Calendar.from_ical(answer.text).walk("VEVENT")
    assert event["UID"] == f"announcement-{number}@kreativorte"
    assert event["SUMMARY"] == f"{channel}: Hof; mit, Zeichen und Zeilen (freigegeben)"
    assert event.decoded("dtstart") == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert "Zuletzt abgerufen" in editor.get("/kalender/abonnement").words
    assert "kk_" not in editor.response.text
    events = [one["event"] for one in house.app.log_entries()]
    assert "calendar_key_made" in events and "kk_" not in json.dumps(house.app.log_entries())


def test_a_subscription_may_be_narrowed(house: House, channel: str, editor: Guest) -> None:
    page = house.channel("facebook")
    free(house, channel, "2026-12-01T12:00+01:00")
    free(house, page, "2026-12-02T12:00+01:00")
    link = subscribed(editor, kanal=page)
    assert Guest(house.app).client.get(link).text.count("BEGIN:VEVENT") == 1
    house.app.set_channel(page, "remove")
    assert Guest(house.app).client.get(link).status_code != 500


def test_a_subscribed_calendar_has_an_end(
    house: House, channel: str, editor: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in ("2026-11-24", "2026-12-01", "2026-12-02", "2028-01-01"):
        free(house, channel, f"{day}T12:00+01:00", f"Am {day}")
    link = subscribed(editor)
    assert Guest(house.app).client.get(link).text.count("BEGIN:VEVENT") == 3
    monkeypatch.setattr(agenda, "FED", 2)
    assert Guest(house.app).client.get(link).text.count("BEGIN:VEVENT") == 2


def test_a_revoked_or_wrong_key_opens_nothing(house: House, channel: str, editor: Guest) -> None:
    link = subscribed(editor)
    other = Guest(house.app).become("Otto", Role.READER)
    (key,) = house.app.access.calendar_keys("Erna")
    other.post(f"/kalender/abonnement/{key.id}/widerrufen")
    assert "gibt es nicht mehr" in other.words and other.client.get(link).status_code == 200
    editor.press("Widerrufen")
    assert "der Link gilt nicht mehr" in editor.words
    assert Guest(house.app).client.get(link).status_code == 404
    for key_text in ("", "?key=", "?key=kk_falsch", "?key=%00"):
        assert Guest(house.app).client.get(f"/kalender.ics{key_text}").status_code == 404


def test_whoever_is_disabled_or_removed_reads_no_calendar(house: House, channel: str, editor: Guest) -> None:
    link = subscribed(editor)
    house.app.access.change("cli:anna", "Erna", disabled=True)
    assert Guest(house.app).client.get(link).status_code == 404
    house.app.access.change("cli:anna", "Erna", disabled=False)
    assert Guest(house.app).client.get(link).status_code == 200
    house.app.access.remove("cli:anna", "Erna")
    assert Guest(house.app).client.get(link).status_code == 404


def test_guessing_keys_is_slowed_down(house: House, channel: str, editor: Guest) -> None:
    link = subscribed(editor)
    stranger = Guest(house.app)
    answers = [stranger.client.get(f"/kalender.ics?key=kk_{number}").status_code for number in range(31)]
    assert answers == [404] * 30 + [429]
    assert stranger.client.get(link).status_code == 429
    house.clock.advance(16 * 60)  # type: ignore[attr-defined]
    assert stranger.client.get(link).status_code == 200


def test_a_subscription_needs_a_name_and_there_is_an_end_to_them(house: House, channel: str, editor: Guest) -> None:
    editor.get("/kalender/abonnement").press("Link erstellen", name="  ")
    assert editor.status == 422 and "braucht einen Namen" in editor.words
    for _ in range(20):
        subscribed(editor)
    editor.press("Link erstellen", name="Einer zu viel")
    assert "Mehr als 20" in editor.words


def test_english(house: House, channel: str, editor: Guest) -> None:
    planned(house, channel, "Hof")
    editor.get("/kalender").press("English")
    assert "Calendar" in editor.words and "Kampagne " not in editor.words
    titles = [one["title"] for one in data(editor)["closed"]]
    assert "Blackout: Messe (Die Altmark)" in titles
    for path in ("/kalender/liste", "/kalender/planen", "/kalender/abonnement"):
        editor.get(path)
        assert editor.status == 200 and not {"Kalender", "Abonnement", "Eingrenzen"} & set(editor.words.split())


def test_wanted_excludes_nothing_by_itself() -> None:
    assert Wanted() == Wanted(None, None, None, None, None)
