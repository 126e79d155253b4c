"""Kanäle: how each stands, what may be done with it and by whom; connecting shows no token, ever."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from campaign import channels
from campaign.app import App
from campaign.desk import Entry
from campaign.roles import Role
from campaign.web.channels_page import KINDS
from posts.clock import ManualClock
from posts.networks.registry import check_credentials
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.guest import Guest, hurried
from tests.integration.harness import House, Networks

NAME = "twitter-42"
PAGE = f"/kanaele/{NAME}"
TOKENS = {
    "consumer_key": "geheim-ck-1",
    "consumer_secret": "geheim-cs-2",
    "access_token": "77-geheim-at-3",
    "access_token_secret": "geheim-ts-4",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as made:
        yield made


@pytest.fixture
def house(server: Server, tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    networks = Networks(server)
    networks.control("/_reset")
    made = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", networks, clock)
    hurried(made.app)
    yield made
    made.app.close()


@pytest.fixture
def channel(house: House) -> str:
    return house.channel("twitter")


@pytest.fixture
def admin(house: House) -> Guest:
    return Guest(house.app).become("Vera Verwaltung", Role.ADMINISTRATOR)


@pytest.fixture
def editor(house: House) -> Guest:
    return Guest(house.app).become("Erna", Role.EDITOR)


def set_columns(house: House, **columns: Any) -> None:
    pairs = ", ".join(f"{name} = :{name}" for name in columns)
    with house.app.database.write() as connection:
        connection.execute(text(f"UPDATE channels SET {pairs}"), columns)


def marks(guest: Guest) -> list[str]:
    return [" ".join(one.get_text().split()) for one in guest.page.select("main .marks > span")]


# --- how a channel stands


def test_the_list_tells_account_world_and_what_goes_out(house: House, channel: str, editor: Guest) -> None:
    done = house.add(channel, "Ist schon draußen")
    with house.at_work() as work:
        work.deliver()
    assert house.state(done) is State.POSTED
    entry = Entry(channel, house.clock.now() + timedelta(hours=5), "Kommt noch", None)
    house.app.add_announcement(entry, None, approve=False)
    words = editor.get("/kanaele").words
    assert marks(editor) == ["bereit", "Sandkasten"]
    assert "X · Sandkasten 42" in words
    assert "Zuletzt erschienen" in words and "Ist schon draußen" in words and "Ansehen" in words
    assert "Kommt noch" in words and "wartet auf Freigabe" in words
    assert "läuft nicht ab oder erneuert sich von selbst" in words


CONDITIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"paused": True}, "angehalten", "wartet, bis jemand den Kanal weitergehen lässt"),
    ({"signed_out": "token_expired"}, "abgemeldet", "Die Anmeldung des Kanals ist abgelaufen"),
    ({"problems": '["token_invalid"]'}, "Prüfung gescheitert", "erkennt die Zugangsdaten des Kanals nicht an"),
    ({"throttled_until": "2026-11-24 11:00:00"}, "das Netzwerk bittet um Geduld", "Di., 24.11.2026, 12:00"),
    ({"throttled_until": "2026-11-24 08:00:00"}, "bereit", ""),
    ({"checked_at": None}, "noch nicht geprüft", "Ende unbekannt"),
    ({"problems": '["own_posts_unknown"]'}, "bereit", "von denen anderer Apps"),
    ({"token_expires": "2026-12-01 11:00:00"}, "bereit", "läuft in 7 Tagen ab"),
    ({"token_expires": "2026-11-01 11:00:00"}, "bereit", "abgelaufen seit"),
    ({"token_expires": "2027-12-01 11:00:00"}, "bereit", "gilt bis Mi., 01.12.2027"),
]


@pytest.mark.parametrize(("columns", "word", "sentence"), CONDITIONS)
def test_each_condition_has_its_word(
    house: House, channel: str, editor: Guest, columns: dict[str, Any], word: str, sentence: str
) -> None:
    set_columns(house, **columns)
    for path in ("/kanaele", PAGE):
        words = editor.get(path).words
        assert marks(editor)[0] == word and sentence in words


def test_without_channels_the_page_says_what_that_means(editor: Guest) -> None:
    assert "ohne einen geht nichts hinaus" in editor.get("/kanaele").words
    assert editor.get("/kanaele/gibtesnicht").status == 404


# --- what may be done with it


def test_an_editor_checks_pauses_and_lets_go_on(house: House, channel: str, editor: Guest) -> None:
    editor.get(PAGE).press("Jetzt prüfen")
    assert editor.path == PAGE and "Geprüft: das Netzwerk antwortet wie erwartet." in editor.words
    editor.press("Anhalten")
    assert "Der Kanal ist angehalten; was dort fällig wird, wartet." in editor.words
    number = house.add(channel)
    with house.at_work() as work:
        work.deliver()
        assert house.networks.posts() == []
        editor.press("Weitergehen lassen")
        work.deliver()
    assert house.state(number) is State.POSTED
    assert [one["actor_name"] for one in house.app.log_entries() if one["event"].startswith("channel_")][1:] == [
        "Erna",
        "Erna",
    ]


def test_a_check_that_finds_something_says_so(house: House, channel: str, editor: Guest) -> None:
    house.networks.control("/_faults", {"network": "twitter", "call": "*", "kind": "expired_token"})
    editor.get(PAGE).press("Jetzt prüfen")
    assert "Das Netzwerk hat etwas zu bemerken" in editor.words
    assert marks(editor)[0] == "Prüfung gescheitert"
    house.networks.all_well()
    editor.press("Jetzt prüfen")
    assert marks(editor)[0] == "bereit"


def test_a_network_that_is_away_is_told_not_thrown(house: House, tmp_path: Path, editor: Guest) -> None:
    house.app.add_channel("weg", "twitter", "9", [], "http://127.0.0.1:9", TOKENS | {"access_token": "9-t"})
    editor.get("/kanaele/weg").press("Jetzt prüfen")
    assert editor.status == 200 and "war nicht zu erreichen" in editor.words


def test_an_editor_sees_no_way_to_connect_or_remove(house: House, channel: str, editor: Guest) -> None:
    editor.get("/kanaele")
    assert "Kanal verbinden" not in editor.words
    editor.get(PAGE)
    assert set(editor.buttons("main")) == {f"Jetzt prüfen: {NAME}", f"Anhalten: {NAME}"}
    assert "Neu verbinden" not in editor.words and "entfernen" not in editor.words
    for path in (f"{PAGE}/regionen", f"{PAGE}/entfernen", f"{PAGE}/zugang", "/kanal-verbinden"):
        assert editor.post(path, editor.token()).status == 403
    assert house.app.channels()[0]["name"] == channel


def test_a_reader_sees_channels_and_no_button(house: House, channel: str) -> None:
    reader = Guest(house.app).become("Rita", Role.READER)
    assert reader.get(PAGE).status == 200 and reader.buttons("main") == []


def test_regions_are_ticked_or_written(house: House, channel: str, admin: Guest) -> None:
    admin.get(PAGE)
    admin.post(f"{PAGE}/regionen", weitere="Harz; Altmark ;; Harz")
    assert house.app.channels()[0]["regions"] == ["Altmark", "Harz"]
    assert "Altmark; Harz" in admin.page.select_one("#weitere")["value"]  # type: ignore[index,operator]
    admin.post(f"{PAGE}/regionen", weitere="")
    assert house.app.channels()[0]["regions"] == []
    changes = [one["detail"] for one in house.app.log_entries() if one["event"] == "channel_regions_set"]
    assert changes[0] == {"channel": NAME, "from": [], "to": ["Altmark", "Harz"]}
    admin.post(f"{PAGE}/regionen", weitere="x" * 200)
    assert "Höchstens 50 Regionen" in admin.page.select_one("section [role=alert]").get_text()  # type: ignore[union-attr]


def test_removing_is_confirmed_and_cancels_what_was_planned(house: House, channel: str, admin: Guest) -> None:
    waiting = house.add(channel, after=3600)
    admin.get(PAGE)
    admin.get(f"{PAGE}/entfernen")
    assert "Absagen, was hier noch hinausgehen sollte (1)" in admin.words
    assert house.state(waiting) is State.APPROVED
    admin.press(f"Kanal »{NAME}« entfernen", absagen="true")
    assert admin.path == "/kanaele" and "Der Kanal ist entfernt." in admin.words
    assert house.state(waiting) is State.CANCELLED
    assert admin.get(PAGE).status == 404
    house.clock.advance(7200)  # type: ignore[attr-defined]
    with house.at_work() as work:
        work.deliver()
    assert house.networks.posts() == []
    (cancelled,) = [one for one in house.app.log_entries(waiting) if one["event"] == "cancelled"]
    assert (cancelled["actor_name"], cancelled["detail"]) == ("Vera Verwaltung", {"reason": "channel_removed"})


def test_what_is_not_cancelled_waits_for_the_channel_s_return(house: House, channel: str, admin: Guest) -> None:
    waiting = house.add(channel)
    # The box that cancels is ticked at first; here it was taken back.
    admin.get(f"{PAGE}/entfernen").post(f"{PAGE}/entfernen")
    with house.at_work() as work:
        work.deliver()
        assert house.networks.posts() == []
        house.channel("twitter")
        work.deliver()
    assert house.state(waiting) is State.POSTED


# --- connecting


def test_a_channel_is_connected_in_the_sandbox_and_checked(house: House, admin: Guest) -> None:
    admin.get("/kanal-verbinden")
    assert "Neue Kanäle werden im Sandkasten angelegt" in admin.words
    assert {str(one["href"]) for one in admin.page.select(".card-link")} == {
        f"/kanal-verbinden?art={kind}" for kind in KINDS
    }
    admin.get("/kanal-verbinden?art=x").press(
        "Verbinden und prüfen", name="Altmark auf X", konto="77", weitere="Altmark; Börde", **TOKENS
    )
    assert admin.path == "/kanaele/Altmark%20auf%20X" or admin.path == "/kanaele/Altmark auf X"
    assert "Der Kanal ist verbunden." in admin.words and marks(admin) == ["bereit", "Sandkasten"]
    (made,) = house.app.channels()
    assert (made["account"], made["regions"], made["world"]) == ("77", ["Altmark", "Börde"], "sandbox")


def test_a_live_installation_says_so_before_anything_is_connected(
    server: Server, tmp_path: Path, clock: ManualClock
) -> None:
    house = House(tmp_path, f"sqlite:///{tmp_path / 'l.db'}", Networks(server), clock, mode="live")
    admin = Guest(hurried(house.app)).become("Vera", Role.ADMINISTRATOR)
    assert "Neue Kanäle leben in der echten Welt" in admin.get("/kanal-verbinden?art=facebook").words
    house.app.close()


def test_a_facebook_page_is_connected_with_what_it_needs(house: House, admin: Guest) -> None:
    admin.get("/kanal-verbinden?art=facebook").press(
        "Verbinden und prüfen", name="seite", konto="100", access_token=" EAA-geheim ", app_id="", app_secret=""
    )
    assert "Das Netzwerk hat etwas zu bemerken" in admin.words and "app_id in den Zugangsdaten" in admin.words
    assert marks(admin)[0] == "bereit"


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"name": "a/b"}, "Der Name eines Kanals beginnt mit einem Buchstaben"),
    ({"name": ""}, "Der Name eines Kanals beginnt mit einem Buchstaben"),
    ({"name": NAME}, "gibt es schon"),
    ({"konto": "42", "access_token": "42-x"}, "ist schon der Kanal »twitter-42«"),
    ({"konto": "a b"}, "Kennung aus Ziffern oder Buchstaben"),
    ({"access_token": ""}, "fehlt »access_token«"),
    ({"access_token": "78-fremd"}, "gehören zum X-Konto 78, nicht zu 77"),
    ({"consumer_key": "mit leer zeichen"}, "»consumer_key« muss ein Text"),
    ({"weitere": "x" * 100}, "Höchstens 50 Regionen"),
]


@pytest.mark.parametrize(("wrong", "told"), REFUSED)
def test_what_can_not_be_connected_is_told_on_the_form_without_a_token(
    house: House, channel: str, admin: Guest, wrong: dict[str, str], told: str
) -> None:
    fields = {"name": "neu", "konto": "77"} | TOKENS | wrong
    admin.get("/kanal-verbinden?art=x").press("Verbinden und prüfen", **fields)
    assert admin.status == 422 and told in admin.page.select_one("[role=alert]").get_text()  # type: ignore[union-attr]
    assert "geheim" not in admin.response.text
    assert admin.page.select_one("#konto")["value"] == fields["konto"]  # type: ignore[index]
    assert len(house.app.channels()) == 1


def test_tokens_stand_nowhere(house: House, admin: Guest, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    admin.get("/kanal-verbinden?art=x").press("Verbinden und prüfen", name="neu", konto="77", **TOKENS)
    seen = [admin.response.text]
    for path in ("/kanaele", "/kanaele/neu", "/kanaele/neu/zugang", "/kanaele/neu/entfernen", "/protokoll", "/heute"):
        seen.append(admin.get(path).response.text)
    seen.append(admin.client.get("/protokoll.jsonl").text)
    seen.append(caplog.text)
    seen.extend(str(one) for one in (*house.app.channels(), *house.app.log_entries()))
    assert not [one for one in seen if any(secret in one for secret in TOKENS.values())]
    files = [one.read_bytes() for one in tmp_path.iterdir() if one.is_file()]
    assert files and not [one for one in files if any(secret.encode() in one for secret in TOKENS.values())]


def test_a_signed_out_channel_comes_back_with_new_tokens(house: House, channel: str, admin: Guest) -> None:
    number = house.add(channel)
    set_columns(house, signed_out="token_expired")
    admin.get(PAGE)
    assert marks(admin)[0] == "abgemeldet" and "Neu verbinden" in admin.words
    admin.get(f"{PAGE}/zugang?art=x")
    assert [one.get("value") for one in admin.page.select("main input[type=password]")] == [None] * 4
    assert {one["autocomplete"] for one in admin.page.select("main input:not([type=hidden])")} == {"off"}  # type: ignore[misc]
    admin.press("Speichern und prüfen", **TOKENS | {"access_token": "42-neu"})
    assert "Der Kanal ist verbunden." in admin.words and marks(admin)[0] == "bereit"
    with house.at_work() as work:
        work.deliver()
    assert house.state(number) is State.POSTED


def test_tokens_of_another_account_do_not_renew_a_channel(house: House, channel: str, admin: Guest) -> None:
    admin.get(f"{PAGE}/zugang?art=x").press("Speichern und prüfen", **TOKENS)
    assert admin.status == 422 and "gehören zum X-Konto 77, nicht zu 42" in admin.words
    assert "geheim" not in admin.response.text


def test_a_missing_key_is_told(house: House, admin: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.app, "_vault", None)
    monkeypatch.setattr(house.app, "_environment", {})
    admin.get("/kanal-verbinden?art=x").press("Verbinden und prüfen", name="neu", konto="77", **TOKENS)
    assert admin.status == 422 and "kein lesbarer Schlüssel" in admin.words
    assert "geheim" not in admin.response.text


def test_every_kind_s_fields_are_what_the_network_takes() -> None:
    for kind in KINDS.values():
        full = {field.key: "5-a" if "token" in field.key else "1" for field in kind.fields}
        check_credentials(kind.network, "5", kind.credentials(full))
        least = {field.key: full[field.key] for field in kind.fields if field.required}
        check_credentials(kind.network, "5", kind.credentials(least))


def test_a_removed_channel_comes_back_on_the_form(house: House, channel: str, admin: Guest) -> None:
    house.app.set_channel(channel, "remove")
    fields = {"name": channel, "konto": "42"} | TOKENS | {"access_token": "42-neu"}
    admin.get("/kanal-verbinden?art=x").press("Verbinden und prüfen", **fields)
    assert admin.path == PAGE and "Der Kanal ist verbunden." in admin.words


# --- what is shown as text, and the other language


def test_what_networks_say_is_shown_as_text(house: House, channel: str, admin: Guest) -> None:
    set_columns(house, account_name="<script>alert(1)</script> {{ 1 }}", api_base="javascript:alert(2)")
    for path in ("/kanaele", PAGE, f"{PAGE}/zugang", f"{PAGE}/entfernen"):
        admin.get(path)
        assert not admin.page.select("main script") and not admin.page.select('main a[href^="javascript"]')
    assert "<script>alert(1)</script> {{ 1 }}" in admin.get(PAGE).words


def test_the_pages_speak_english(house: House, channel: str, admin: Guest) -> None:
    admin.press("English")
    assert "Posted last" in admin.get("/kanaele").words
    words = admin.get("/kanal-verbinden?art=x-oauth2").words
    assert "Refresh token" in words and "Connect and check" in words
    assert "Remove channel" in admin.get(f"{PAGE}/entfernen").words


def test_an_app_of_its_own_counts_the_same(house: House, channel: str) -> None:
    other: App = house.another_app()
    (found,) = channels.overview(other)
    assert (found.facts["name"], found.condition, found.standing) == (channel, "ready", 0)
    other.close()
