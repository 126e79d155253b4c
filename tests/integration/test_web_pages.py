"""Heute and Protokoll, on an installation whose sandbox answers over HTTP: what is shown, and what buttons do."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from campaign.condition import condition_of
from campaign.desk import Entry
from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.conftest import START
from tests.integration.guest import Guest, hurried
from tests.integration.harness import House, Networks


@pytest.fixture
def house(running: tuple[Server, ManualClock], tmp_path: Path) -> Iterator[House]:
    server, clock = running
    clock.set(START)
    networks = Networks(server)
    networks.control("/_reset")
    built = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", networks, clock)
    hurried(built.app)
    yield built
    built.app.close()


@pytest.fixture
def channel(house: House) -> str:
    return house.channel("twitter")


@pytest.fixture
def guest(house: House, channel: str) -> Guest:
    """Somebody who may approve."""
    return Guest(house.app).become("Anna Muster", Role.APPROVER)


def draft(house: House, channel: str, words: str = "Guten Tag", hours: float = 3, rule: str = "one") -> int:
    entry = Entry(channel, house.clock.now() + timedelta(hours=hours), words, None)
    number = int(house.app.add_announcement(entry, None, approve=False)["id"])
    with house.app.database.write() as connection:
        connection.execute(
            text("UPDATE announcements SET approval = :rule WHERE id = :id"), {"rule": rule, "id": number}
        )
    return number


def in_state(house: House, number: int, state: State, **columns: Any) -> int:
    """Put an announcement where only the network could bring it."""
    values = {"state": state.value, "id": number} | columns
    pairs = ", ".join(f"{name} = :{name}" for name in values if name != "id")
    with house.app.database.write() as connection:
        connection.execute(text(f"UPDATE deliveries SET {pairs} WHERE id = :id"), values)
    return number


def card(number: int) -> str:
    return f"#beitrag-{number}"


# --- Heute


def test_nothing_to_do_is_said(guest: Guest) -> None:
    guest.get("/heute")
    assert "Nichts wartet auf Sie." in guest.words
    assert "Dienstag, 24. November 2026" in guest.words
    assert guest.words.count("Nichts geplant.") == 2


def test_a_draft_is_shown_whole_and_approved_in_the_person_s_own_name(house: House, channel: str, guest: Guest) -> None:
    number = draft(house, channel, "Der ganze Text, den jemand gelesen haben muss")
    guest.get("/heute")
    assert "Der ganze Text, den jemand gelesen haben muss" in guest.page.select_one(card(number)).get_text()  # type: ignore[union-attr]
    guest.press("Freigeben", card(number))
    assert guest.path == "/heute" and "Freigegeben." in guest.words
    assert guest.page.select_one("[role=status]") is not None
    assert house.state(number) is State.APPROVED
    assert house.one(number)["approved_by"] == ["Anna Muster"]
    assert "Freigegeben." not in guest.get("/heute").words  # said once


def test_today_and_tomorrow_stand_in_order_with_their_state(house: House, channel: str, guest: Guest) -> None:
    house.add(channel, "Abends", 8 * 3600)
    house.add(channel, "Morgens", 3600)
    house.add(channel, "Am nächsten Tag", 24 * 3600)
    house.add(channel, "Übermorgen", 48 * 3600)
    guest.get("/heute")
    days = {one.select_one("h2").get_text(): one.get_text(" ") for one in guest.page.select(".column-side section")}
    assert days["Geht heute hinaus"].index("Morgens") < days["Geht heute hinaus"].index("Abends")
    assert "freigegeben" in days["Geht heute hinaus"] and "Sandkasten" in days["Geht heute hinaus"]
    assert "Am nächsten Tag" in days["Geht morgen hinaus"] and "Übermorgen" not in guest.words


def test_four_eyes_refuse_the_author_beside_the_draft_and_need_two_others(house: House, channel: str) -> None:
    house.app.actor_name = "Anna"
    number = draft(house, channel, rule="four-eyes")
    anna, bert, carl = (Guest(house.app).become(name, Role.APPROVER) for name in ("Anna", "Bert", "Carl"))
    anna.get("/heute").press("Freigeben", card(number))
    (said,) = anna.page.select(f"{card(number)} [role=alert]")
    assert "nicht selbst freigeben" in said.get_text()
    bert.get("/heute").press("Freigeben", card(number))
    assert house.state(number) is State.DRAFT and "Freigabe: Bert" in bert.words
    carl.get("/heute").press("Freigeben", card(number))
    assert house.state(number) is State.APPROVED


def test_what_is_held_says_why_and_goes_on(house: House, channel: str, guest: Guest) -> None:
    number = draft(house, channel)
    guest.get("/heute").press("Anhalten", card(number))
    assert house.state(number) is State.HELD
    assert "Von Hand angehalten." in guest.page.select_one(card(number)).get_text()  # type: ignore[union-attr]
    guest.press("Weitergehen lassen", card(number))
    assert house.state(number) is State.DRAFT
    guest.press("Absagen", card(number))
    assert house.state(number) is State.CANCELLED and "Nichts wartet auf Sie." in guest.words


def test_what_was_refused_is_sent_again(house: House, channel: str, guest: Guest) -> None:
    number = in_state(house, house.add(channel), State.REFUSED, reason="media_invalid")
    guest.get("/heute")
    assert "nimmt diese Bilddatei nicht" in guest.page.select_one(card(number)).get_text()  # type: ignore[union-attr]
    guest.press("Noch einmal senden", card(number))
    assert house.state(number) is State.QUEUED


@pytest.mark.parametrize("typed", ["1234567890", "https://x.com/kreativorte/status/1234567890?s=20", " 1234567890/ "])
def test_a_doubt_is_settled_with_the_address_or_the_id(house: House, channel: str, guest: Guest, typed: str) -> None:
    number = in_state(house, house.add(channel), State.IN_DOUBT, reason="blind")
    guest.get("/heute").press("Er ist da", card(number), kennung=typed)
    assert house.state(number) is State.POSTED and house.one(number)["remote_id"] == "1234567890"


def test_a_doubt_is_not_settled_with_something_else(house: House, channel: str, guest: Guest) -> None:
    number = in_state(house, house.add(channel), State.IN_DOUBT, reason="blind")
    guest.get("/heute").press("Er ist da", card(number), kennung="javascript:alert(1)")
    assert house.state(number) is State.IN_DOUBT
    assert "die lange Zahl am Ende" in guest.page.select_one(f"{card(number)} [role=alert]").get_text()  # type: ignore[union-attr]
    guest.press("Er ist nicht da", card(number))
    assert house.state(number) is State.QUEUED


def test_what_was_missed_gets_another_instant(house: House, channel: str, guest: Guest) -> None:
    number = in_state(house, house.add(channel), State.MISSED)
    guest.get("/heute").press("Verschieben", card(number), termin="2026-11-25T10:00")
    assert house.state(number) is State.APPROVED and house.one(number)["at"] == "2026-11-25T10:00:00+01:00"


@pytest.mark.parametrize("termin", ["", "gestern", "0001-01-01T00:00", "9999-12-31T23:59", "2020-01-01T10:00"])
def test_an_instant_that_is_none_is_refused_beside_the_card(
    house: House, channel: str, guest: Guest, termin: str
) -> None:
    number = in_state(house, house.add(channel), State.MISSED)
    guest.get("/heute").press("Verschieben", card(number), termin=termin)
    assert guest.status == 200 and guest.page.select(f"{card(number)} [role=alert]")
    assert house.state(number) is State.MISSED


def test_a_draft_past_its_instant_is_to_be_moved_not_approved(house: House, channel: str, guest: Guest) -> None:
    number = draft(house, channel, hours=-1)
    guest.get("/heute")
    assert "Termin verstrichen, ohne Freigabe" in guest.words
    assert [one.partition(":")[0] for one in guest.buttons(card(number))] == ["Verschieben", "Absagen"]


def test_what_vanished_meanwhile_is_told_on_top(house: House, channel: str, guest: Guest) -> None:
    number = draft(house, channel)
    guest.get("/heute")
    house.app.decide("cancel", [number])
    guest.press("Freigeben", card(number))
    assert guest.path == "/heute"
    assert "freigeben lässt sich nur ein Entwurf" in guest.page.select_one("main > .frame > [role=alert]").get_text()  # type: ignore[union-attr]


def test_a_reader_sees_everything_and_no_button(house: House, channel: str) -> None:
    draft(house, channel)
    in_state(house, house.add(channel, "Zweiter"), State.IN_DOUBT)
    in_state(house, house.add(channel, "Dritter"), State.MISSED)
    reader = Guest(house.app).become("Rita", Role.READER)
    assert "Wartet auf Freigabe" in reader.words and "Unklar, ob erschienen" in reader.words
    assert set(reader.buttons()) == {"English", "Abmelden"}


def test_channels_in_trouble_stand_apart_from_notes(house: House, channel: str, guest: Guest) -> None:
    guest.get("/heute")
    assert "Kanäle, auf denen nichts hinausgeht" not in guest.words
    house.app.set_channel(channel, "pause")
    assert "Der Kanal ist angehalten" in guest.get("/heute").words
    house.app.set_channel(channel, "resume")
    house.channel("facebook")
    assert "Hinweise zu Kanälen" in guest.get("/heute").words


def test_whether_the_daemon_lives_is_said(house: House, guest: Guest) -> None:
    assert "Der Dienst lief noch nie" in guest.get("/heute").words
    with house.at_work() as work:
        work.deliver()
    assert "Der Dienst läuft" in guest.get("/heute").words
    house.clock.advance(600)  # type: ignore[attr-defined]
    assert "Der Dienst schweigt" in guest.get("/heute").words


def test_what_a_portal_delivers_is_shown_as_text(house: House, channel: str, guest: Guest) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }} %(who)s"
    number = draft(house, channel, hostile)
    shown = in_state(house, house.add(channel, "Gut"), State.POSTED, remote_id="1", permalink="javascript:alert(3)")
    guest.get("/heute")
    assert hostile in guest.page.select_one(f"{card(number)} .text").get_text()  # type: ignore[union-attr]
    assert not guest.page.select("main script, main img") and "49" not in guest.words
    assert "javascript:" not in guest.response.text
    assert house.state(shown) is State.POSTED


def test_a_hostile_name_is_shown_as_text(house: House) -> None:
    guest = Guest(house.app).become("<b>Anna</b> %(x)s", Role.EDITOR)
    assert "<b>Anna</b> %(x)s" in guest.words and not guest.page.select("b")
    guest.press("Jetzt alles anhalten", grund="<i>Wahl</i> {{ 1 }}")
    assert "<i>Wahl</i> {{ 1 }}" in guest.words and not guest.page.select("i")
    link = house.app.access.link("cli:anna", "<b>Anna</b> %(x)s")
    assert not Guest(house.app).get(f"/zugang/{link}").page.select("b")


def test_heute_shows_fifty_of_a_kind_and_counts_the_rest(house: House, channel: str, guest: Guest) -> None:
    for number in range(53):
        draft(house, channel, f"Beitrag {number}", 2 + number / 10)
    guest.get("/heute")
    assert len(guest.page.select("section[aria-labelledby=freigabe] article")) == 50
    assert "und 3 weitere, die später dran sind" in guest.words


# --- the brake


def test_the_brake_is_in_reach_on_every_page_and_says_who_and_why(house: House, channel: str, guest: Guest) -> None:
    guest.get("/protokoll").press("Jetzt alles anhalten", grund="Unglück in der Region")
    assert guest.path == "/protokoll" and "Die Notbremse ist gezogen: nichts geht mehr hinaus." in guest.words
    banner = guest.get("/heute").page.select_one(".banner-stop").get_text(" ")  # type: ignore[union-attr]
    assert "durch Anna Muster" in banner and "Unglück in der Region" in banner
    with house.at_work() as work:
        number = house.add(channel)
        work.deliver()
    assert house.networks.posts() == [] and house.state(number) is not State.POSTED
    guest.press("Bremse lösen")
    assert condition_of(house.app).braked_since is None
    assert [one["event"] for one in house.app.log_entries()][-1] == "go"


def test_an_editor_may_pull_the_brake_but_not_release_it(house: House) -> None:
    editor = Guest(house.app).become("Erna", Role.EDITOR)
    editor.press("Jetzt alles anhalten")
    assert "Bremse lösen" not in editor.buttons()
    assert editor.post("/notbremse/loesen").status == 403
    assert condition_of(house.app).braked_since is not None


def test_the_sandbox_is_named_as_such(house: House, guest: Guest) -> None:
    assert "nichts, was hier hinausgeht, ist öffentlich" in guest.get("/heute").words


# --- Protokoll


def entries(guest: Guest) -> list[list[str]]:
    """The rows of the table, as words."""
    return [
        [" ".join(cell.get_text(" ").split()) for cell in row.select("td")] for row in guest.page.select("tbody tr")
    ]


def test_the_newest_stands_first_with_who_and_what(house: House, channel: str, guest: Guest) -> None:
    number = draft(house, channel)
    guest.get("/heute").press("Freigeben", card(number))
    house.app.seal()
    found = entries(guest.get("/protokoll"))
    assert found[0][2:5] == ["freigegeben", f"{number} · {channel}", "Anna Muster"]
    assert int(found[0][0]) > int(found[1][0])


def test_the_log_is_searched_by_words_event_person_number_and_day(house: House, channel: str, guest: Guest) -> None:
    draft(house, channel, "Die Mühle von Gröben")
    other = draft(house, channel, "Ein Hof")
    assert len(entries(guest.get("/protokoll?worte=mühle"))) == 1
    assert len(entries(guest.get("/protokoll?worte=Mühle Gröben"))) == 1
    assert entries(guest.get("/protokoll?worte=Mühle Hof")) == []
    assert "Kein Eintrag passt." in guest.words
    assert entries(guest.get("/protokoll?worte=100%25_")) == []
    assert {row[2] for row in entries(guest.get("/protokoll?vorgang=planned"))} == {"geplant"}
    assert {row[3].split()[0] for row in entries(guest.get(f"/protokoll?beitrag={other}"))} == {str(other)}
    person = next(key for key, name in house.app.actors().items() if name == "Anna Muster")
    assert {row[4] for row in entries(guest.get(f"/protokoll?wer={person}"))} == {"Anna Muster"}
    assert entries(guest.get("/protokoll?von=2026-11-25")) == []
    assert entries(guest.get("/protokoll?bis=2026-11-24"))
    assert entries(guest.get("/protokoll?von=unsinn&beitrag=x"))  # what can't be read excludes nothing


def test_older_entries_are_one_page_further_and_none_is_lost(house: House, channel: str, guest: Guest) -> None:
    for number in range(60):
        draft(house, channel, f"Beitrag {number}")
    house.app.seal()
    seen = [row[0] for row in entries(guest.get("/protokoll"))]
    while following := guest.page.select_one('a:-soup-contains("Ältere Einträge")'):
        seen += [row[0] for row in entries(guest.get(str(following["href"])))]
    assert len(seen) == len(set(seen)) == len(house.app.log_entries())


def test_files_hold_the_selection_and_no_formula(house: House, channel: str, guest: Guest) -> None:
    house.app.set_brake(True, '=HYPERLINK("http://evil.example")')
    house.app.access.add("cli:anna", "=1+1", Role.APPROVER)
    house.app.acting_as("=1+1", "de").set_brake(False)
    table = guest.client.get("/protokoll.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="protokoll.csv"'
    rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert len(rows) == len(house.app.log_entries())
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@" and cell]
    assert rows[0]["actor_name"] == "'=1+1" and rows[0]["hash"]
    assert "HYPERLINK" in rows[2]["detail"]
    lines = guest.client.get("/protokoll.jsonl?vorgang=go").text.splitlines()
    assert [json.loads(line) for line in lines] == [one for one in house.app.log_entries() if one["event"] == "go"]


def test_the_chain_is_verified_and_a_change_is_shouted(house: House, channel: str, guest: Guest) -> None:
    draft(house, channel)
    assert "die Kette ist unverändert" in guest.get("/protokoll/pruefung").words
    assert house.app.verify_log(None).head in guest.words
    with house.app.database.write() as connection:
        connection.execute(text("DROP TRIGGER log_entries_no_update"))
        connection.execute(text("UPDATE log_entries SET actor = 'somebody' WHERE seq = 2"))
    assert "Die Kette bricht bei Eintrag 2" in guest.get("/protokoll/pruefung").words
