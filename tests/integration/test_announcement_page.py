"""Beitrag, on an installation whose sandbox answers over HTTP: what is shown is what goes out, and nothing is lost."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from campaign import review, store
from campaign.desk import Entry, Refusal
from campaign.places import Picture, Place
from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from posts.text import weighted_length
from tests.conftest import START
from tests.integration.guest import Guest, hurried
from tests.integration.harness import House, Networks

LINK = "https://kreativorte.example.org/orte/buergermeisterhof-salzwedel/"
PLACE = Place(
    "portal",
    "17",
    "Bürgermeisterhof",
    LINK,
    datetime(2026, 11, 20, tzinfo=UTC),
    regions=("Altmark",),
    town="Salzwedel",
    hashtags=("#Altmark", "#Kreativorte", "#Fachwerk"),
    teaser="Ein Hof zum Arbeiten und Wohnen, mitten in der Altstadt, mit Werkstatt und Garten. " * 3,
    body="Lange Beschreibung. " * 30,
    handle_x="buergermeisterhof",
    pictures=(),
)
CAMPAIGN = """
name = "altmark"
title = "Kreativorte der Altmark"
starts = 2026-11-01
ends = 2027-06-30
channels = ["twitter-42"]
approval = "{approval}"
[[steps]]
name = "vorstellung"
template = "vorstellung"
[rhythm]
slots = ["Tue 10:00", "Thu 17:30"]
"""


@pytest.fixture
def house(running: tuple[Server, ManualClock], tmp_path: Path) -> Iterator[House]:
    server, clock = running
    clock.set(START)
    networks = Networks(server)
    networks.control("/_reset")
    url = f"sqlite:///{tmp_path / 'k.db'}"
    built = House(tmp_path, url, networks, clock, tracking={"hosts": ["kreativorte.example.org"]})
    hurried(built.app)
    yield built
    built.app.close()


@pytest.fixture
def channel(house: House) -> str:
    return house.channel("twitter")


@pytest.fixture
def anna(house: House, channel: str) -> Guest:
    """Somebody who may approve."""
    return Guest(house.app).become("Anna Muster", Role.APPROVER)


def draft(house: House, channel: str, words: str = "Guten Tag", rule: str = "one", link: str | None = None) -> int:
    entry = Entry(channel, house.clock.now() + timedelta(hours=3), words, link)
    number = int(house.app.add_announcement(entry, None, approve=False)["id"])
    with house.app.database.write() as connection:
        connection.execute(
            text("UPDATE announcements SET approval = :rule WHERE id = :id"), {"rule": rule, "id": number}
        )
    return number


def planned(house: House, place: Place = PLACE, approval: str = "one") -> int:
    """What a campaign made of a place."""
    with house.app.database.write() as connection:
        now = house.app.now(connection)
        store.note_portal(connection, "portal", now, None)
        store.save_place(connection, place, now)
    house.app.apply_campaign(CAMPAIGN.format(approval=approval))
    (one,) = house.app.plan()["planned"]
    return int(one["id"])


def picture(colour: str = "green", kind: str = "JPEG") -> bytes:
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    Image.new("RGB", (1200, 800), colour).save(data, kind, exif=exif)
    return data.getvalue()


def deliver(house: House, number: int) -> dict[str, Any]:
    """Send what is approved, at its time."""
    at = datetime.fromisoformat(house.one(number)["at"])
    house.clock.set(max(at, house.clock.now()))  # type: ignore[attr-defined]
    with house.at_work() as work:
        work.deliver()
    return house.one(number)


def sent(guest: Guest) -> str:
    """The text as the page says that it will be sent."""
    found = guest.page.select_one("#gesendet")
    assert found is not None
    return found.get_text()


def field(guest: Guest, name: str) -> str:
    found = guest.page.select_one(f"#bearbeiten [name={name}]")
    assert found is not None
    return found.get_text() if found.name == "textarea" else str(found.get("value", ""))


def alerts(guest: Guest) -> list[str]:
    return [" ".join(one.get_text().split()) for one in guest.page.select("main [role=alert]")]


# --- what is shown is what goes out


@pytest.mark.parametrize("network", ["twitter", "facebook"])
@pytest.mark.parametrize("with_picture", [False, True])
def test_the_preview_is_what_is_sent(house: House, network: str, with_picture: bool, tmp_path: Path) -> None:
    channel = house.channel(network)
    anna = Guest(house.app).become("Anna", Role.APPROVER)
    number = draft(house, channel, f"Neu: der Bürgermeisterhof {LINK} #Altmark", link=LINK)
    files = [("datei", ("hof.jpg", picture(), "image/jpeg"))] if with_picture else None
    anna.get(f"/beitraege/{number}").press(
        "Speichern", "#bearbeiten", files, alt_neu="Ein Hof", nachweis_neu="A. Muster"
    )
    assert anna.status == 200 and ("Gespeichert." if with_picture else "Nichts war anders") in anna.words
    expected = sent(anna)
    counted = anna.page.select_one("#zahl")
    assert counted is not None and int(counted.get_text()) == (
        weighted_length(expected) if network == "twitter" else len(expected)
    )
    anna.press("Freigeben", ".state-sheet")
    out = deliver(house, number)
    assert out["state"] == "posted", out["problems"]
    assert out["sent_text"] == expected
    assert house.networks.texts() == [expected]
    assert sent(anna.sign_in("Anna").get(f"/beitraege/{number}")) == expected
    assert "utm_content" in expected
    assert ("A. Muster" in expected) == with_picture


def test_what_is_typed_is_counted_and_judged_without_being_saved(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    token = anna.get(f"/beitraege/{number}").token()

    def typed(words: str, link: str = "") -> Guest:
        return anna.post(f"/beitraege/{number}/vorschau", token, text=words, link=link, fassung="")

    assert "5 von 280 Zeichen" in typed("Hallo").words
    assert "29 von 280 Zeichen" in typed("Hallo", "https://example.org/" + "x" * 300).words
    assert "zu lang" in typed("ä" * 281).words
    assert "keine http(s)-Adresse" in typed("Hallo", "javascript:alert(1)").words
    assert "hat keinen Text" in typed(" \r\n ").words
    assert "erst.Dann" in typed("Schluss.de und weiter").words or "würde als Link gelten" in anna.words
    assert house.one(number)["text"] == "Guten Tag"


def test_lines_come_back_as_they_were_written(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    anna.get(f"/beitraege/{number}").press("Speichern", "#bearbeiten", text="Eins\r\nZwei\r\n\r\nDrei\r\n")
    assert house.one(number)["text"] == "Eins\nZwei\n\nDrei"


def test_fees_are_told(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    assert "etwa 0,015 USD" in anna.get(f"/beitraege/{number}").words
    answer = anna.post(f"/beitraege/{number}/vorschau", text="Hallo https://example.org/", link="")
    assert "etwa 0,20 USD" in answer.words


def test_links_hashtags_and_mentions_are_shown_as_networks_show_them() -> None:
    words = f"Neu @hof {LINK} #Altmark."
    assert [(one.kind, one.shown) for one in review.pieces("twitter", words)] == [
        ("text", "Neu "),
        ("mention", "@hof"),
        ("text", " "),
        ("link", "kreativorte.example.org/or…"),
        ("text", " "),
        ("hashtag", "#Altmark"),
        ("text", "."),
    ]
    assert "".join(one.text for one in review.pieces("facebook", words)) == words


# --- editing


def test_saving_is_in_the_person_s_name_and_withdraws_the_approval(house: House, channel: str, anna: Guest) -> None:
    number = house.add(channel, "Vorher", 3600)
    anna.get(f"/beitraege/{number}").press("Speichern", "#bearbeiten", text="Nachher")
    assert "Die Freigabe ist damit zurückgenommen" in anna.words
    one = house.one(number)
    assert (one["text"], one["state"], one["approved_by"]) == ("Nachher", "draft", [])
    assert "Anna Muster hat den Beitrag bearbeitet." in anna.words
    assert [found.get_text() for found in anna.page.select(".story del, .story ins")] == [
        "gestrichen: Vorher Ende.",
        "neu: Nachher Ende.",
    ]


def test_saving_without_a_change_keeps_the_approval(house: House, channel: str, anna: Guest) -> None:
    number = house.add(channel, "Vorher", 3600)
    anna.get(f"/beitraege/{number}").press("Speichern", "#bearbeiten")
    assert "gespeichert wurde nichts" in anna.words
    assert house.state(number) is State.APPROVED and "edited" not in house.events(number)


def test_a_refusal_leaves_what_was_typed_in_the_form(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    long = "Ein Satz, der viel zu lang ist. " * 20
    anna.get(f"/beitraege/{number}").press("Speichern", "#bearbeiten", text=long, link=LINK)
    assert anna.status == 422
    assert field(anna, "text") == long.strip() and field(anna, "link") == LINK
    assert any("zu lang" in one for one in alerts(anna))
    assert house.one(number)["text"] == "Guten Tag"
    anna.press("Speichern", "#bearbeiten", text="Kurz")
    assert house.one(number)["text"] == "Kurz" and house.one(number)["link"] == LINK


def test_two_people_who_edit_at_once_see_both_texts(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel, "Am Anfang")
    bert = Guest(house.app).become("Bert", Role.EDITOR)
    anna.get(f"/beitraege/{number}")
    bert.get(f"/beitraege/{number}").press("Speichern", "#bearbeiten", text="Was Bert schrieb")
    anna.press("Speichern", "#bearbeiten", text="Was Anna schrieb")
    assert anna.status == 409 and "Jemand anderes war schneller" in anna.words
    assert house.one(number)["text"] == "Was Bert schrieb"
    assert field(anna, "text") == "Was Anna schrieb"
    assert "Was Bert schrieb" in anna.page.select_one(".conflict").get_text()  # type: ignore[union-attr]
    anna.press("Speichern", "#bearbeiten")
    assert anna.status == 200 and house.one(number)["text"] == "Was Anna schrieb"


def test_a_version_is_checked_on_each_database(database_url: str, tmp_path: Path, clock: ManualClock) -> None:
    with Server(clock=clock) as server:
        house = House(tmp_path, database_url, Networks(server), clock)
        number = draft(house, house.channel("twitter"))
        version = house.one(number)["version"]
        assert review.save(house.app, number, review.Typed("Erste"), version)
        with pytest.raises(Refusal) as refused:
            review.save(house.app, number, review.Typed("Zweite"), version)
        assert refused.value.word == "changed_meanwhile"
        review.send_back(house.app, number, "Bitte kürzer")
        review.post_now(house.app, number, house.one(number)["version"])
        assert house.state(number) is State.APPROVED and house.one(number)["text"] == "Erste"
        assert review.examine(house.app, number).entries[0].event == "approved"
        house.app.close()


def test_only_what_was_read_is_approved(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel, "Gelesen")
    for page in (f"/beitraege/{number}", "/heute"):
        anna.get(page)
        house.app.edit(number, text=f"Etwas anderes, {page}", link=None, image=None, no_image=False)
        anna.press("Freigeben", f"#beitrag-{number}")
        assert house.state(number) is State.DRAFT
        assert "eben von jemand anderem geändert" in " ".join(alerts(anna))
    anna.get(f"/beitraege/{number}").press("Freigeben", f"#beitrag-{number}")
    assert house.state(number) is State.APPROVED


def test_save_and_approve_is_one_step_for_who_may_approve(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    anna.get(f"/beitraege/{number}").press("Speichern und freigeben", text="Neu und gut")
    assert house.one(number)["approved_by"] == ["Anna Muster"] and house.state(number) is State.APPROVED
    erna = Guest(house.app).become("Erna", Role.EDITOR)
    second = draft(house, channel, "Zweiter")
    erna.get(f"/beitraege/{second}").press("Speichern", "#bearbeiten", text="Ernas", tun="freigeben")
    assert house.state(second) is State.DRAFT and house.one(second)["text"] == "Ernas"


def test_without_scripts_the_preview_is_a_button_that_saves_nothing(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    anna.get(f"/beitraege/{number}").press("Vorschau", "#bearbeiten", text="Noch im Werden")
    assert sent(anna) == "Noch im Werden" == field(anna, "text")
    assert house.one(number)["text"] == "Guten Tag"


def test_what_is_out_can_not_be_edited_even_by_hand(house: House, channel: str, anna: Guest) -> None:
    number = house.add(channel, "Draußen")
    deliver(house, number)
    anna.get(f"/beitraege/{number}")
    assert not anna.page.select("#bearbeiten")
    anna.post(f"/beitraege/{number}", text="Anders", link="", fassung=house.one(number)["version"], tun="speichern")
    assert anna.status == 422 and house.one(number)["text"] == "Draußen"


# --- pictures


def with_picture(house: House, channel: str, guest: Guest) -> int:
    number = draft(house, channel)
    files = [("datei", ("hof.jpg", picture(), "image/jpeg"))]
    guest.get(f"/beitraege/{number}").press(
        "Speichern", "#bearbeiten", files, alt_neu="Ein grüner Hof", nachweis_neu="Foto: A. Muster"
    )
    return number


def test_a_picture_is_checked_kept_without_metadata_and_shown(house: House, channel: str, anna: Guest) -> None:
    number = with_picture(house, channel, anna)
    (image,) = house.one(number)["images"]
    assert (image["alt"], image["credit"]) == ("Ein grüner Hof", "Foto: A. Muster")
    assert "Foto: A. Muster" in house.one(number)["text"]
    assert b"taken at home" in picture() and b"taken at home" not in Path(image["file"]).read_bytes()
    shown = anna.page.select_one(".post-photos img")
    assert shown is not None and shown["alt"] == "Ein grüner Hof"
    answer = anna.client.get(str(shown["src"]))
    assert answer.headers["content-type"] == "image/jpeg" and answer.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(answer.content)).size == (900, 600)


def test_a_picture_is_described_anew_replaced_and_removed(house: House, channel: str, anna: Guest) -> None:
    number = with_picture(house, channel, anna)
    before = house.one(number)["images"][0]["file"]
    anna.press("Speichern", "#bearbeiten", alt="Ein sehr grüner Hof")
    assert house.one(number)["images"][0]["alt"] == "Ein sehr grüner Hof"
    files = [("ersatz", ("neu.png", picture("red", "PNG"), "image/png"))]
    anna.press("Speichern", "#bearbeiten", files)
    (image,) = house.one(number)["images"]
    assert image["file"] != before and image["alt"] == "Ein sehr grüner Hof"
    reference = anna.page.select_one("#bearbeiten [name=weg]")
    assert reference is not None
    anna.press("Speichern", "#bearbeiten", weg=str(reference["value"]))
    assert house.one(number)["images"] == [] and not anna.page.select(".post-photos")


@pytest.mark.parametrize("data", [b"<script>alert(1)</script>", b"", b"\xff\xd8\xff broken"])
def test_what_is_no_picture_is_refused_and_the_text_stays(house: House, channel: str, anna: Guest, data: bytes) -> None:
    number = draft(house, channel)
    files = [("datei", ("hof.jpg", data, "image/jpeg"))]
    anna.get(f"/beitraege/{number}").press("Speichern", "#bearbeiten", files, text="Getippt", alt_neu="Ein Hof")
    if data:
        assert anna.status == 422 and "kein lesbares Bild" in " ".join(alerts(anna))
        assert field(anna, "text") == "Getippt" and field(anna, "alt_neu") == "Ein Hof"
    else:  # a field without a file
        assert house.one(number)["text"] == "Getippt"


def test_a_picture_without_description_or_credit_is_refused_but_kept_in_the_form(
    house: House, channel: str, anna: Guest
) -> None:
    number = draft(house, channel)
    anna.get(f"/beitraege/{number}").press(
        "Speichern", "#bearbeiten", [("datei", ("hof.jpg", picture(), "image/jpeg"))]
    )
    assert anna.status == 422
    assert "Bildbeschreibung" in " ".join(alerts(anna)) and "Bildnachweis" in " ".join(alerts(anna))
    anna.press("Speichern", "#bearbeiten", alt="Ein Hof", nachweis="A. Muster")
    assert anna.status == 200 and len(house.one(number)["images"]) == 1


def test_a_picture_is_seen_before_anything_is_saved(house: House, channel: str, anna: Guest) -> None:
    token = anna.get("/beitraege/neu").token()
    answer = anna.client.post(
        "/beitraege/bild", data={"csrf": token}, files=[("datei", ("hof.jpg", picture(), "image/jpeg"))]
    )
    found = re.search(r'name="bild" value="([^"]+)"', answer.text)
    assert answer.status_code == 200 and found is not None
    assert anna.client.get(f"/beitraege/bild/{found[1]}").status_code == 200
    refused = anna.client.post(
        "/beitraege/bild", data={"csrf": token}, files=[("datei", ("x.jpg", b"x", "image/jpeg"))]
    )
    assert 'name="bild"' not in refused.text and 'role="alert"' in refused.text


@pytest.mark.parametrize("reference", ["0" * 64 + ".jpg", "0" * 16, "..%2f..%2fsecret.key", "secret.key", "a" * 64])
def test_nothing_but_pictures_is_given_out(house: House, channel: str, anna: Guest, reference: str) -> None:
    (house.directory / "media").mkdir(exist_ok=True)
    number = draft(house, channel)
    assert anna.client.get(f"/beitraege/bild/{reference}").status_code == 404
    assert anna.client.get(f"/beitraege/{number}/bild/{reference}").status_code == 404
    anna.get(f"/beitraege/{number}").press("Speichern", "#bearbeiten")
    anna.post(
        f"/beitraege/{number}",
        text="x",
        link="",
        fassung=house.one(number)["version"],
        bild=reference,
        alt="a",
        nachweis="b",
    )
    assert anna.status == 422 and house.one(number)["images"] == []


# --- decisions


def test_sending_back_withdraws_the_approval_and_says_why(house: House, channel: str, anna: Guest) -> None:
    number = house.add(channel, "Freigegeben", 3600)
    anna.get(f"/beitraege/{number}").press("Mit dieser Anmerkung", worte="  ")
    assert anna.status == 422 and house.state(number) is State.APPROVED
    anna.press("Mit dieser Anmerkung", worte="Bitte <b>ohne</b> Ausrufezeichen\x00\r\nund kürzer")
    assert house.state(number) is State.DRAFT and house.one(number)["approved_by"] == []
    said = anna.page.select_one(".notice-care blockquote")
    assert said is not None and said.get_text() == "Bitte <b>ohne</b> Ausrufezeichen\nund kürzer"
    assert "sent_back" in house.events(number)
    entry = next(one for one in house.app.log_entries(number) if one["event"] == "sent_back")
    assert "Ausrufezeichen" not in str(entry["detail"])  # the log keeps for ever, a comment may have to go
    anna.press("Speichern", "#bearbeiten", text="Kürzer")
    assert not anna.page.select(".notice-care blockquote")
    assert "und kürzer" in anna.words  # in the story


def test_comments_stand_in_the_story(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    anna.get(f"/beitraege/{number}").press("Anmerken", worte="Ist das Datum sicher?")
    assert "Anna Muster merkt an:" in anna.words and "Ist das Datum sicher?" in anna.words
    anna.press("Anmerken", worte="x" * 2001)
    assert anna.status == 422 and "x" * 2001 in anna.response.text
    reader = Guest(house.app).become("Rita", Role.READER)
    assert "Ist das Datum sicher?" in reader.get(f"/beitraege/{number}").words


def test_sending_now_moves_and_approves(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel, "Eilig")
    anna.get(f"/beitraege/{number}").press("Jetzt freigeben und senden", fassung="another")
    assert anna.status == 422 and house.state(number) is State.DRAFT
    anna.get(f"/beitraege/{number}").press("Jetzt freigeben und senden")
    one = house.one(number)
    assert one["state"] == "approved" and one["approved_by"] == ["Anna Muster"]
    assert datetime.fromisoformat(one["at"]) == house.clock.now()
    assert deliver(house, number)["state"] == "posted"


def test_four_eyes_hold_for_sending_now_too_and_say_who_may(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel, "Zwei sehen mehr", rule="four-eyes")
    Guest(house.app).become("Bert", Role.APPROVER)
    Guest(house.app).become("Erna", Role.EDITOR)
    anna.get(f"/beitraege/{number}")
    assert "Es fehlen noch 2 Freigaben. Freigeben können: Anna Muster, Bert." in anna.words
    anna.press("Jetzt freigeben und senden")
    assert anna.status == 422 and "zweite Person" in " ".join(alerts(anna))
    one = house.one(number)
    assert one["state"] == "draft" and one["approved_by"] == []
    assert datetime.fromisoformat(one["at"]) > house.clock.now()
    anna.get(f"/beitraege/{number}").press("Freigeben", f"#beitrag-{number}")
    assert "Es fehlt noch eine Freigabe. Freigeben können: Bert." in anna.words
    assert "Anna Muster hat freigegeben" in anna.words


def test_the_next_slots_of_the_rhythm_are_offered(house: House, channel: str, anna: Guest) -> None:
    number = planned(house)
    anna.get(f"/beitraege/{number}/termine")
    offered = [str(one["value"]) for one in anna.page.select("#termine button")]
    assert offered[0] == "2026-12-01T10:00:00+01:00" and len(offered) == 8
    anna.press("Do., 10.12.2026, 17:30", "#termine")
    assert house.one(number)["at"] == "2026-12-10T17:30:00+01:00"


def test_an_instant_outside_the_rhythm_is_refused_with_what_was_typed(house: House, channel: str, anna: Guest) -> None:
    number = planned(house)
    anna.get(f"/beitraege/{number}").press("Verschieben", "#verschieben form", termin="2026-12-10T12:00")
    assert "keinen Termin" in " ".join(alerts(anna))
    typed = anna.page.select_one("#verschieben [name=termin]")
    assert typed is not None and typed["value"] == "2026-12-10T12:00"
    anna.press("Verschieben", "#verschieben form", trotzdem="true")
    assert house.one(number)["at"] == "2026-12-10T12:00:00+01:00"


def test_what_is_out_is_corrected_and_withdrawn(house: House) -> None:
    number = house.add(house.channel("facebook"), "Mit Fehlre")
    anna = Guest(house.app).become("Anna", Role.APPROVER)
    deliver(house, number)
    anna.get(f"/beitraege/{number}").press("Im Netzwerk berichtigen", worte="Ohne Fehler")
    assert house.networks.texts() == ["Ohne Fehler"] and "Im Netzwerk berichtigt." in anna.words
    assert sent(anna) == "Ohne Fehler" and house.one(number)["sent_text"] == "Mit Fehlre"
    anna.press("Im Netzwerk löschen", worte=" ")
    assert anna.status == 422 and house.networks.texts()
    anna.press("Im Netzwerk löschen", worte="Der Ort hat abgesagt")
    assert anna.status == 200, alerts(anna)
    assert [one["deleted"] for one in house.networks.posts()] == [True] and "Der Ort hat abgesagt" in anna.words
    assert not [one for one in anna.buttons() if one.startswith("Im Netzwerk")]


def test_what_the_network_does_not_do_is_told_with_what_was_typed(house: House, channel: str, anna: Guest) -> None:
    page = house.channel("facebook")
    number = house.add(page, "Bleibt")
    deliver(house, number)
    house.networks.fault("refuse", call="edit")
    anna.get(f"/beitraege/{number}").press("Im Netzwerk berichtigen", worte="Mein neuer Text")
    assert anna.status == 422 and "Geändert wurde nichts." in " ".join(alerts(anna))
    assert "Mein neuer Text" in anna.page.select_one("#worte-berichtigen").get_text()  # type: ignore[union-attr]
    house.networks.fault("refuse", call="delete")
    anna.press("Im Netzwerk löschen", worte="Grund")
    assert anna.status == 422 and "von Hand löschen: http" in " ".join(alerts(anna))
    tweet = house.add(channel, "Auf X")
    deliver(house, tweet)
    assert "X lässt Erschienenes nicht ändern" in anna.get(f"/beitraege/{tweet}").words
    anna.post(f"/beitraege/{tweet}/berichtigen", worte="Anders")
    assert anna.status == 422 and house.networks.texts("42") == ["Auf X"]


@pytest.mark.parametrize(
    ("state", "meaning", "buttons"),
    [
        (State.REFUSED, "Das Netzwerk hat ihn abgelehnt", {"Noch einmal senden", "Endgültig absagen"}),
        (State.IN_DOUBT, "Das Nachsehen ergab nichts Sicheres", {"Er ist da", "Er ist nicht da"}),
        (State.UNKNOWN, "Es wird im Netzwerk nachgesehen", {"Endgültig absagen"}),
        (State.MISSED, "Er braucht einen neuen", {"Verschieben", "Endgültig absagen", "Speichern"}),
        (State.CANCELLED, "er geht nicht hinaus", set()),
        (State.HELD, "bis jemand ihn weitergehen lässt", {"Weitergehen lassen", "Verschieben", "Speichern"}),
    ],
)
def test_each_state_says_what_it_means_and_what_can_be_done(
    house: House, channel: str, anna: Guest, state: State, meaning: str, buttons: set[str]
) -> None:
    number = draft(house, channel)
    with house.app.database.write() as connection:
        connection.execute(
            text("UPDATE deliveries SET state = :state, reason = 'blind' WHERE id = :id"),
            {"state": state.value, "id": number},
        )
    anna.get(f"/beitraege/{number}")
    assert anna.status == 200 and meaning in anna.words
    shown = anna.buttons("main")
    assert all(any(one.startswith(wanted) for one in shown) for wanted in buttons), shown
    assert not any(one.startswith("Freigeben") for one in shown)


def test_a_second_post_on_the_network_is_told_until_it_was_seen(house: House, channel: str, anna: Guest) -> None:
    number = house.add(channel, "Zweimal")
    deliver(house, number)
    with house.app.database.write() as connection:
        store.set_delivery(connection, number, also_posted="4711")
    assert "unter der Kennung 4711 erschienen ist" in anna.get(f"/beitraege/{number}").words
    anna.press("Gesehen")
    assert "4711" not in anna.page.select_one(".state-sheet").get_text()  # type: ignore[union-attr]


def test_a_reader_sees_all_and_changes_nothing(house: House, channel: str) -> None:
    number = draft(house, channel, "Zum Lesen")
    reader = Guest(house.app).become("Rita", Role.READER)
    reader.get(f"/beitraege/{number}")
    assert "Zum Lesen" in sent(reader) and "Verlauf" in reader.words
    assert reader.buttons("main") == [] and not reader.page.select("main form, main textarea")


def test_an_editor_plans_but_does_not_approve(house: House, channel: str) -> None:
    number = draft(house, channel)
    erna = Guest(house.app).become("Erna", Role.EDITOR)
    shown = erna.get(f"/beitraege/{number}").buttons("main")
    assert {"Speichern", "Anhalten", "Anmerken"} <= set(shown)
    assert not [one for one in shown if "reigeben" in one or one.startswith(("Jetzt", "Mit dieser"))]


def test_an_announcement_that_is_not_there_is_a_page_of_its_own(anna: Guest) -> None:
    assert anna.get("/beitraege/4711").status == 404
    assert anna.post("/beitraege/4711/jetzt", anna.get("/heute").token()).status == 404


# --- templates


def test_what_the_template_left_out_is_told(house: House, channel: str, anna: Guest) -> None:
    number = planned(house)
    anna.get(f"/beitraege/{number}")
    part = anna.page.select_one("[aria-labelledby=vorlage]")
    assert part is not None
    assert "Aus Platzgründen weggelassen: Erwähnung." in part.get_text(" ")
    assert "wurde gekürzt" in part.get_text(" ") and not part.select("ins, del")


def test_an_edited_text_is_compared_with_the_template_s(house: House, channel: str, anna: Guest) -> None:
    number = planned(house)
    changed = house.one(number)["text"].replace("Neu auf unserer Karte", "Frisch dabei")
    anna.get(f"/beitraege/{number}").press("Speichern", "#bearbeiten", text=changed)
    gone = [one.get_text() for one in anna.page.select("[aria-labelledby=vorlage] del")]
    assert gone and all(one.startswith("gestrichen:") for one in gone)


def test_a_place_that_changed_is_confirmed_with_the_text(house: House, channel: str, anna: Guest) -> None:
    number = planned(house)
    house.app.decide("approve", [number])
    with house.app.database.write() as connection:
        store.set_announcement(connection, number, house.app.now(connection), problems=["place_changed"])
    anna.get(f"/beitraege/{number}")
    assert "hat sich im Portal geändert" in anna.words
    anna.press("Geprüft", "#bearbeiten")
    assert house.one(number)["problems"] == [] and house.state(number) is State.DRAFT


def test_a_portal_s_picture_comes_through_this_server(house: House, channel: str, anna: Guest) -> None:
    address = "https://portal.example.org/hof.jpg"
    place = Place(**{**PLACE.__dict__, "pictures": (Picture(address, "Ein Hof", "Foto: A. Muster"),)})
    number = planned(house, place)
    anna.get(f"/beitraege/{number}")
    sources = [str(one["src"]) for one in anna.page.select("main img")]
    assert sources and all(one.startswith(f"/beitraege/{number}/bild/") for one in sources)
    assert address not in anna.response.text


# --- a new one


def new(guest: Guest, button: str = "Als Entwurf", **fields: str) -> Guest:
    return guest.get("/beitraege/neu").press(button, **({"text": "Frohes Fest", "termin": "2026-12-06T09:00"} | fields))


def test_a_new_announcement_is_made_as_a_draft_or_approved(house: House, channel: str, anna: Guest) -> None:
    new(anna)
    number = int(anna.path.rpartition("/")[2])
    one = house.one(number)
    assert (one["state"], one["at"], one["text"]) == ("draft", "2026-12-06T09:00:00+01:00", "Frohes Fest")
    new(anna, "Anlegen und freigeben", text="Noch eines", link=LINK)
    one = house.one(int(anna.path.rpartition("/")[2]))
    assert one["state"] == "approved" and one["approved_by"] == ["Anna Muster"] and one["link"] == LINK


def test_an_editor_s_new_announcement_waits_whatever_the_form_says(house: House, channel: str) -> None:
    erna = Guest(house.app).become("Erna", Role.EDITOR)
    assert "Anlegen und freigeben" not in erna.get("/beitraege/neu").buttons()
    new(erna, tun="freigeben")
    assert house.one(int(erna.path.rpartition("/")[2]))["state"] == "draft"
    assert Guest(house.app).become("Rita", Role.READER).get("/beitraege/neu").status == 403


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"termin": "2020-01-01T10:00"}, "in der Vergangenheit"),
        ({"termin": "morgen"}, "kein Zeitpunkt"),
        ({"text": "x" * 281}, "zu lang"),
        ({"link": "ftp://x/y"}, "keine http(s)-Adresse"),
        ({"kanal": "gibt-es-nicht"}, "gibt es nicht"),
    ],
)
def test_what_stands_against_a_new_one_is_told_and_nothing_lost(
    house: House, channel: str, anna: Guest, fields: dict[str, str], said: str
) -> None:
    new(anna, **fields)
    assert anna.status == 422 and said in " ".join(alerts(anna))
    assert field(anna, "text") == fields.get("text", "Frohes Fest")
    assert field(anna, "link") == fields.get("link", "")
    assert house.app.announcements() == []


def test_pressing_twice_makes_one(house: House, channel: str, anna: Guest) -> None:
    new(anna)
    new(anna)
    assert anna.status == 422 and "Genau diesen Beitrag gibt es schon" in " ".join(alerts(anna))
    assert len(house.app.announcements()) == 1
    new(anna, termin="2026-12-08T09:00")
    assert len(house.app.announcements()) == 2


def test_a_new_one_begins_as_another_with_its_picture(house: House, channel: str, anna: Guest) -> None:
    number = with_picture(house, channel, anna)
    anna.get(f"/beitraege/neu?aus={number}&termin=2026-12-24T18:00")
    assert field(anna, "text") == house.one(number)["text"]
    assert field(anna, "termin") == "2026-12-24T18:00"
    anna.press("Als Entwurf", "#bearbeiten")
    one = house.one(int(anna.path.rpartition("/")[2]))
    assert one["images"][0]["alt"] == "Ein grüner Hof" and one["id"] != number
    assert anna.get("/beitraege/neu?aus=4711").status == 404


def test_without_a_channel_the_form_says_so(house: House) -> None:
    erna = Guest(house.app).become("Erna", Role.EDITOR)
    assert "noch keinen Kanal" in erna.get("/beitraege/neu").words


def test_the_preview_follows_the_channel(house: House, channel: str, anna: Guest) -> None:
    page = house.channel("facebook")
    token = anna.get("/beitraege/neu").token()
    for name, room in ((channel, "280"), (page, "63 206")):
        anna.post("/beitraege/neu/vorschau", token, kanal=name, termin="2026-12-06T09:00", text="Hallo", link="")
        assert f"von {room} Zeichen" in anna.words.replace("\u202f", " ")
    answer = anna.client.post("/beitraege/neu/vorschau", data={"csrf": token, "kanal": "keiner"})
    assert answer.status_code == 204


# --- hostile words and languages


def test_what_people_typed_is_shown_as_text(house: House, channel: str, anna: Guest) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }} %(who)s"
    number = draft(house, channel, hostile)
    anna.get(f"/beitraege/{number}").press("Anmerken", worte=hostile)
    assert not anna.page.select("main script, main img, main [onerror]") and "49" not in anna.page.h1.get_text()  # type: ignore[union-attr]
    assert field(anna, "text") == hostile
    anna.press("Speichern", "#bearbeiten", text=hostile + " </textarea><b>x</b>")
    assert not anna.page.select("main b") and field(anna, "text").endswith("</textarea><b>x</b>")


def test_the_page_speaks_english(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    anna.get(f"/beitraege/{number}").press("English")
    anna.get(f"/beitraege/{number}")
    assert "Waits for approval" in anna.words and "Fee of the network about 0.015 USD" in anna.words
    assert "of 280 characters" in anna.words and "made the announcement." in anna.words


def test_changes_are_words_not_letters() -> None:
    assert [(one.kind, one.text) for one in review.changes("Der alte Hof.", "Der neue Hof!")] == [
        ("same", "Der "),
        ("gone", "alte"),
        ("new", "neue"),
        ("same", " Hof"),
        ("gone", "."),
        ("new", "!"),
    ]
    assert [(one.kind, one.text) for one in review.changes("Neu auf der Karte: ja", "Eben da: ja")] == [
        ("gone", "Neu auf der Karte"),
        ("new", "Eben da"),
        ("same", ": ja"),
    ]
    assert review.changes("gleich", "gleich") == (review.Change("same", "gleich"),)
    assert [one.kind for one in review.changes("", "neu")] == ["new"]


def test_small_copies_are_kept_in_a_bounded_number(tmp_path: Path) -> None:
    kept = review._Thumbnails()
    for number in range(review._Thumbnails.MOST + 5):
        file = tmp_path / f"{number}.jpg"
        file.write_bytes(picture())
        assert kept.of(tmp_path, str(file), None) is not None
    assert len(kept._kept) == review._Thumbnails.MOST
    assert kept.of(tmp_path, "gone.jpg", tmp_path) is None
    (tmp_path / "gone.jpg").write_bytes(picture())
    assert kept.of(tmp_path, "gone.jpg", tmp_path) is None  # not asked again at once


def test_a_long_story_ends_with_the_way_to_the_log(house: House, channel: str, anna: Guest) -> None:
    number = draft(house, channel)
    for count in range(review.ENTRIES_SHOWN):
        review.comment(house.app, number, f"Nr. {count}")
    anna.get(f"/beitraege/{number}")
    assert len(anna.page.select(".story > li")) == review.ENTRIES_SHOWN
    assert "Ältere Einträge im Protokoll" in anna.words
