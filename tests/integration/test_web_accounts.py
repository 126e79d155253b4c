"""Benutzer, Mein Zugang and Einstellungen: letting people in and out, one's own secrets, and what is set up."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign.app import App
from campaign.roles import Role
from posts.clock import ManualClock
from tests.integration.guest import PASSWORD, Guest, empty_app

ANOTHER = "ein anderer langer Satz"


@pytest.fixture
def app(tmp_path: Path, clock: ManualClock) -> App:
    return empty_app(tmp_path, clock)


@pytest.fixture
def administrator(app: App) -> Guest:
    return Guest(app).become("Vera", Role.ADMINISTRATOR)


def link_shown(guest: Guest) -> str:
    code = guest.page.select_one(".notice-done code")
    assert code is not None
    return code.get_text().removeprefix("http://127.0.0.1:8000")


def test_somebody_is_let_in_by_a_link_that_is_shown_once(app: App, administrator: Guest) -> None:
    administrator.get("/benutzer").press("Aufnehmen", name="Anna", role="approver", email="anna@example.org")
    link = link_shown(administrator)
    assert "/zugang/" not in administrator.get("/benutzer").words
    newcomer = Guest(app).get(link).press("Festlegen", password=PASSWORD, again=PASSWORD)
    assert newcomer.path == "/heute"
    assert app.access.user("Anna").role is Role.APPROVER


def test_what_was_typed_stays_when_it_is_refused(administrator: Guest) -> None:
    administrator.get("/benutzer").press("Aufnehmen", name="Vera", role="reader", email="")
    assert administrator.status == 422
    assert "Einen Zugang für Vera gibt es schon." in administrator.words
    field = administrator.page.select_one("#name")
    assert field is not None and field["value"] == "Vera"


def test_a_role_is_changed_a_user_locked_out_let_in_again_and_removed(app: App, administrator: Guest) -> None:
    anna = Guest(app).become("Anna", Role.EDITOR)
    card = f"#benutzer-{app.access.user('Anna').person}"
    administrator.get("/benutzer").press("Rolle ändern", card, role="reader")
    assert app.access.user("Anna").role is Role.READER
    administrator.press("Sperren", card)
    assert anna.get("/heute").path == "/anmelden"
    administrator.press("Entsperren", card)
    anna.sign_in("Anna")
    assert anna.path == "/heute"
    administrator.press("Überall abmelden", card)
    assert anna.get("/heute").path == "/anmelden"
    administrator.press("Zugang entfernen", card, name_loeschen="true")
    assert "Anna" not in administrator.get("/benutzer").words
    assert "Anna" not in str(app.log_entries())


def test_the_last_administrator_stays(app: App, administrator: Guest) -> None:
    card = f"#benutzer-{app.access.user('Vera').person}"
    administrator.get("/benutzer").press("Sperren", card)
    assert "niemand mehr Zugänge verwalten" in administrator.words
    assert not app.access.user("Vera").disabled


def test_a_user_that_is_gone_is_told(administrator: Guest) -> None:
    administrator.get("/benutzer")
    token = administrator.token()
    assert administrator.post("/benutzer/p0123456789ab/sperren", token).status == 404


def test_one_s_own_password_is_changed_with_the_present_one(app: App) -> None:
    anna, elsewhere = Guest(app).become("Anna", Role.READER), Guest(app)
    elsewhere.sign_in("Anna")
    anna.get("/konto").press("Ändern", old="falsch falsch", password=ANOTHER, again=ANOTHER)
    assert "Name oder Passwort stimmt nicht." in anna.words
    anna.press("Ändern", old=PASSWORD, password=ANOTHER, again=ANOTHER + "x")
    assert "verschieden" in anna.words
    anna.press("Ändern", old=PASSWORD, password=ANOTHER, again=ANOTHER)
    assert anna.path == "/konto", anna.words
    assert elsewhere.get("/heute").path == "/anmelden"
    assert Guest(app).sign_in("Anna", ANOTHER).path == "/heute"


def test_guessing_the_present_password_is_throttled_like_a_sign_in(app: App) -> None:
    anna = Guest(app).become("Anna", Role.READER)
    anna.get("/konto")
    for _ in range(12):
        anna.press("Ändern", old="falsch falsch", password=ANOTHER, again=ANOTHER)
    assert "Zu viele Versuche" in anna.words


def test_a_token_is_shown_once_used_and_revoked(app: App) -> None:
    anna = Guest(app).become("Anna", Role.EDITOR)
    anna.get("/konto").press("Schlüssel erstellen", label="Auswertung", scope="read", days="90")
    code = anna.page.select_one(".notice-done code")
    assert code is not None
    headers = {"authorization": f"Bearer {code.get_text()}"}
    assert code.get_text() not in anna.get("/konto").response.text
    program = Guest(app)
    assert program.client.get("/api/v1/condition", headers=headers).status_code == 200
    assert "zuletzt benutzt" in anna.get("/konto").words
    anna.press("Schlüssel erstellen", label="Auswertung", scope="read", days="")
    assert "gibt es schon" in anna.words
    anna.get("/konto").press("Widerrufen")
    assert program.client.get("/api/v1/condition", headers=headers).status_code == 401


def test_another_s_token_can_not_be_revoked(app: App) -> None:
    Guest(app).become("Anna", Role.EDITOR).get("/konto").press("Schlüssel erstellen", label="A", scope="read", days="")
    bernd = Guest(app).become("Bernd", Role.EDITOR)
    bernd.get("/konto")
    assert "gibt es nicht" in bernd.post("/konto/schluessel/widerrufen", label="A").words
    assert len(app.access.tokens("Anna")) == 1


def test_settings_are_shown_without_a_secret(tmp_path: Path, clock: ManualClock) -> None:
    portal = {"preset": "wordpress", "url": "mysql+pymysql://leser:gehe1m@h/wp", "site_url": "https://a.example"}
    app = empty_app(tmp_path, clock, portals={"kreativorte": portal}, delivery={"senders": 3})
    administrator = Guest(app).become("Vera", Role.ADMINISTRATOR)
    words = administrator.get("/einstellungen").words
    assert "delivery.senders 3" in words and "network.read_timeout 30s" in words
    assert "kreativorte wordpress" in words
    assert "gehe1m" not in administrator.response.text


def test_the_examination_is_that_of_the_doctor(app: App, administrator: Guest) -> None:
    words = administrator.get("/einstellungen/pruefung").words
    assert "key" in words and "kreativorte init" in words


def test_a_database_s_password_is_no_value(tmp_path: Path) -> None:
    from campaign.settings import interpret, shown

    settings = interpret({"database": "postgresql+psycopg://anna:gehe1m@db/k"}, tmp_path, None)
    (value,) = [one.value for one in shown(settings) if one.name == "database"]
    assert value == "postgresql+psycopg://anna:…@db/k"
