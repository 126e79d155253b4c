"""The pages' doors and walls: who gets in, what proves a change, what every answer carries, how errors look."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from campaign import web
from campaign.app import App
from campaign.condition import condition_of
from campaign.db import DatabaseUnreachable
from campaign.roles import Role
from campaign.settings import SettingsError
from campaign.web.rules import RULES, admits
from campaign.web.shield import HEADERS
from posts.clock import ManualClock
from tests.integration.guest import ADDRESS, PASSWORD, Guest, empty_app

FILLED = {
    "announcement_id": "1",
    "place_id": "1",
    "link": "made-up",
    "person": "p0123456789ab",
    "name": "made-up",
    "key_id": "1",
    "picture": "0" * 16,
    "network": "facebook",
}


@pytest.fixture
def app(tmp_path: Path, clock: ManualClock) -> App:
    return empty_app(tmp_path, clock)


@pytest.fixture
def guest(app: App) -> Guest:
    return Guest(app)


def filled(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda match: FILLED[match[1]], path)


# --- who gets in


def test_every_route_has_a_rule_and_every_rule_a_route(app: App) -> None:
    routes = {
        (method, found.path)
        for found in iter_route_contexts(web.site(app).routes)
        for method in (found.methods or set()) - {"HEAD"}
    }
    assert routes == set(RULES)


def test_a_route_without_a_rule_is_open_to_nobody(app: App) -> None:
    guest = Guest(app).become("Anna", Role.ADMINISTRATOR)
    guest.client.app.add_api_route("/forgotten", lambda: "secret")  # type: ignore[union-attr,attr-defined]
    assert guest.get("/forgotten").status == 403
    assert "secret" not in guest.words


@pytest.mark.parametrize(("method", "path"), sorted(RULES))
def test_without_a_sign_in_a_page_leads_to_the_sign_in_page(guest: Guest, method: str, path: str) -> None:
    if RULES[method, path] is None:
        return
    answer = guest.client.request(method, filled(path))
    if path.startswith("/api/"):
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        return
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/anmelden")


def test_addresses_that_are_not_there_tell_a_stranger_nothing(guest: Guest) -> None:
    assert guest.get("/no-such-page").path == "/anmelden"
    answer = guest.client.get("/api/v1/announcements")
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_the_table_says_and_no_more(app: App, role: Role) -> None:
    guest = Guest(app).become("Anna", role)
    token = guest.token()
    for method, path in RULES:
        if path == "/abmelden":
            continue
        answer = guest.client.request(method, filled(path), data=None if method == "GET" else {"csrf": token})
        assert (answer.status_code == 403) == (not admits(method, path, role)), (method, path)


def test_a_role_that_was_taken_away_is_gone_at_once(app: App) -> None:
    guest = Guest(app).become("Anna", Role.APPROVER)
    assert "Notbremse" in guest.buttons() or "Jetzt alles anhalten" in guest.buttons()
    app.access.change("cli:anna", "Anna", role=Role.READER)
    assert guest.post("/notbremse/ziehen").status == 403
    assert condition_of(app).braked_since is None


def test_the_navigation_shows_pages_that_are_there(app: App) -> None:
    guest = Guest(app).become("Anna", Role.READER)
    shown = {str(one["href"]) for one in guest.page.select("nav a")}
    assert {"/heute", "/protokoll"} <= shown
    assert all(guest.get(path).status == 200 for path in shown)


# --- signing in and out


def test_the_first_start_leads_to_an_administrator(app: App, guest: Guest) -> None:
    link = app.access.first_link()
    guest.get(f"/zugang/{link}").press("Festlegen", name="Anna Muster", password=PASSWORD, again=PASSWORD)
    assert guest.path == "/heute" and "Anna Muster" in guest.words
    assert guest.get(f"/zugang/{link}").status == 410
    assert "wurde schon benutzt" in guest.words


def test_opening_a_link_does_not_use_it_up(app: App, guest: Guest) -> None:
    link = app.access.first_link()
    for _ in range(3):
        assert guest.get(f"/zugang/{link}").status == 200


def test_two_different_passwords_and_weak_ones_are_told_on_the_form(app: App, guest: Guest) -> None:
    link = app.access.first_link()
    guest.get(f"/zugang/{link}").press("Festlegen", name="Anna", password=PASSWORD, again="etwas anderes")
    assert guest.status == 422 and "Die beiden Passwörter sind verschieden." in guest.words
    guest.press("Festlegen", name="Anna", password="kurz", again="kurz")
    assert "mindestens 12 Zeichen" in guest.words
    guest.press("Festlegen", name="Anna", password=PASSWORD, again=PASSWORD)
    assert guest.path == "/heute"


def test_after_signing_in_the_page_that_was_asked_for_opens(app: App, guest: Guest) -> None:
    Guest(app).become("Anna", Role.READER)
    guest.get("/protokoll?worte=Hof").press("Anmelden", name="anna", password=PASSWORD)
    assert str(guest.response.url).endswith("/protokoll?worte=Hof")


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil", "x"])
def test_signing_in_never_leads_to_another_host(app: App, guest: Guest, elsewhere: str) -> None:
    Guest(app).become("Anna", Role.READER)
    guest.get("/anmelden").press("Anmelden", name="Anna", password=PASSWORD, weiter=elsewhere)
    assert guest.path == "/heute" and guest.response.url.host == "127.0.0.1"


def test_a_wrong_password_is_one_sentence_beside_the_form(app: App, guest: Guest) -> None:
    Guest(app).become("Anna", Role.READER)
    guest.sign_in("Anna", "falsch")
    assert guest.status == 401
    assert [one.get_text() for one in guest.page.select("[role=alert]")] == ["Name oder Passwort stimmt nicht."]
    assert guest.page.select_one("#name")["value"] == "Anna"  # type: ignore[index]
    assert not guest.page.select_one("#password").get("value")  # type: ignore[union-attr]


def test_too_many_attempts_are_told_with_429(app: App, guest: Guest) -> None:
    Guest(app).become("Anna", Role.READER)
    for _ in range(5):
        guest.sign_in("Anna", "falsch")
    assert guest.sign_in("Anna").status == 429
    assert "in einer Viertelstunde" in guest.words


def test_signing_out_ends_the_session_and_not_only_the_cookie(app: App) -> None:
    guest = Guest(app).become("Anna", Role.READER)
    kept = dict(guest.client.cookies)
    guest.press("Abmelden")
    assert guest.path == "/anmelden"
    guest.client.cookies.update(kept)
    assert guest.get("/heute").path == "/anmelden"


def test_nobody_active_for_an_hour_means_signing_in_again(app: App, clock: ManualClock) -> None:
    guest = Guest(app).become("Anna", Role.READER)
    clock.advance(59 * 60)
    assert guest.get("/heute").path == "/heute"
    clock.advance(61 * 60)
    assert guest.get("/heute").path == "/anmelden"


def test_a_page_that_renews_itself_is_led_to_the_sign_in_page_and_keeps_nothing_alive(
    app: App, clock: ManualClock
) -> None:
    guest = Guest(app).become("Anna", Role.READER)
    clock.advance(59 * 60)
    assert guest.get("/heute", **{"X-Renewal": "1"}).path == "/heute"
    clock.advance(60)
    answer = guest.client.get("/heute", headers={"X-Renewal": "1", "HX-Request": "true"})
    assert answer.status_code == 401 and answer.headers["hx-redirect"].startswith("/anmelden")


# --- cookies


def test_cookies_are_kept_from_scripts_and_other_sites(app: App) -> None:
    guest = Guest(app).become("Anna", Role.READER)
    answer = guest.client.get("/anmelden")
    set_by = Guest(app).get("/anmelden").response.headers.get_list("set-cookie")
    assert answer.status_code == 303 and set_by
    assert all("HttpOnly" in one and "SameSite=lax" in one and "Path=/" in one for one in set_by)


def test_behind_tls_cookies_are_bound_to_host_and_tls(tmp_path: Path, clock: ManualClock) -> None:
    app = empty_app(tmp_path, clock, web={"address": "https://kampagnen.example.org"})
    guest = Guest(app, "https://kampagnen.example.org").become("Anna", Role.READER)
    names = set(guest.client.cookies)
    assert names and all(name.startswith("__Host-") for name in names)
    set_by = Guest(app, "https://kampagnen.example.org").get("/anmelden").response.headers
    assert "Secure" in set_by["set-cookie"] and set_by["strict-transport-security"].startswith("max-age=")


# --- what proves that a change was meant


def test_a_change_without_the_page_s_token_is_refused(app: App) -> None:
    guest = Guest(app).become("Anna", Role.ADMINISTRATOR)
    stranger = Guest(app).get("/anmelden").token()
    for token in ("", "made-up", stranger, "\u00fc"):
        answer = guest.client.post("/notbremse/ziehen", data={"csrf": token})
        assert answer.status_code == 403 and "zu lange offen" in answer.text
    assert condition_of(app).braked_since is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_change_from_another_site_is_refused_even_with_the_token(app: App, headers: dict[str, str]) -> None:
    guest = Guest(app).become("Anna", Role.ADMINISTRATOR)
    answer = guest.client.post("/notbremse/ziehen", data={"csrf": guest.token()}, headers=headers)
    assert answer.status_code == 403 and "kam nicht von diesen Seiten" in answer.text
    assert condition_of(app).braked_since is None


def test_scripts_send_the_token_as_a_header(app: App) -> None:
    guest = Guest(app).become("Anna", Role.ADMINISTRATOR)
    headers = {"X-CSRF-Token": guest.token(), "Sec-Fetch-Site": "same-origin"}
    assert guest.client.post("/notbremse/ziehen", headers=headers).status_code == 303
    assert condition_of(app).braked_since is not None


def test_signing_in_is_guarded_too(app: App) -> None:
    Guest(app).become("Anna", Role.READER)
    answer = Guest(app).client.post("/anmelden", data={"name": "Anna", "password": PASSWORD})
    assert answer.status_code == 403


def test_what_the_next_page_says_can_not_be_forged(app: App) -> None:
    guest = Guest(app).become("Anna", Role.READER)
    forged = "WyJ4IiwgIlJ1ZmVuIFNpZSAwOTAwIGFuIiwgdHJ1ZV0="
    for value in (forged, f"{forged}.{'0' * 64}", "nonsense", "W10.x"):
        guest.client.cookies.set("kreativorte-told", value)
        assert guest.get("/heute").status == 200
        assert "0900" not in guest.words


# --- what every answer carries


def answers(app: App) -> dict[str, Any]:
    guest = Guest(app).become("Anna", Role.ADMINISTRATOR)
    get = guest.client.get
    return {
        "page": get("/heute"),
        "redirect": get("/"),
        "missing": get("/no-such-page"),
        "forbidden": guest.client.post("/notbremse/ziehen"),
        "wrong method": guest.client.delete("/heute"),
        "asset": get("/assets/kreativorte.css"),
        "missing asset": get("/assets/no-such-file"),
        "host": get("/heute", headers={"Host": "evil.example"}),
        "file": get("/protokoll.csv"),
        "health": get("/healthz"),
    }


def test_every_answer_carries_the_shield(app: App) -> None:
    found = answers(app)
    for what, answer in found.items():
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (what, name)
    assert found["page"].headers["cache-control"] == "no-store"
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy


def test_a_strange_host_is_refused(app: App) -> None:
    assert answers(app)["host"].status_code == 400


def test_no_page_holds_inline_scripts_or_styles_or_another_host_s_files(app: App) -> None:
    guest = Guest(app).become("Anna", Role.ADMINISTRATOR)
    for path in ("/heute", "/protokoll", "/protokoll/pruefung", "/no-such-page"):
        page = guest.get(path).page
        assert not page.select("style, [style]"), path
        assert all(one.get("src", "").startswith("/assets/") for one in page.select("script, img")), path
        assert all(str(one["href"]).startswith("/assets/") for one in page.select("link")), path
        assert not [one.name for one in page.find_all() if any(name.startswith("on") for name in one.attrs)], path


def test_assets_are_kept_for_good_only_under_an_address_that_names_their_content(app: App) -> None:
    guest = Guest(app)
    named = str(guest.get("/anmelden").page.select_one("link[rel=stylesheet]")["href"])  # type: ignore[index]
    assert "immutable" in guest.client.get(named).headers["cache-control"]
    assert guest.client.get(named.partition("?")[0] + "?v=0").headers["cache-control"] == "no-cache"
    assert guest.client.get("/assets/../base.html").status_code in (303, 404)
    assert guest.client.get("/assets/%2e%2e/base.html").status_code in (303, 404)


def test_secrets_are_never_compressed_with_a_page(app: App) -> None:
    guest = Guest(app).become("Anna", Role.READER)
    assert "content-encoding" not in guest.get("/heute", **{"Accept-Encoding": "gzip"}).response.headers
    assert guest.client.get("/assets/kreativorte.css").headers["content-encoding"] == "gzip"


# --- how errors look


def test_a_fault_of_ours_is_one_sentence_without_a_traceback(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(app).become("Anna", Role.READER)

    def broken(_app: App) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("campaign.web.today.outlook_of", broken)
    answer = guest.client.get("/heute")
    assert answer.status_code == 500
    assert "Ein Fehler im Programm" in answer.text
    assert "secret detail" not in answer.text and "Traceback" not in answer.text
    assert all(answer.headers[name] == value for name, value in HEADERS.items())


def test_a_database_that_is_away_is_told_in_one_sentence(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(app).become("Anna", Role.READER)

    def away(_connection: object) -> None:
        raise DatabaseUnreachable("The database is away.")

    monkeypatch.setattr("campaign.store.brake_row", away)
    for path in ("/heute", "/healthz"):
        answer = guest.client.get(path)
        assert answer.status_code == 503 and "nicht zu erreichen" in answer.text


@pytest.mark.parametrize(
    "path", ["/no-such-page", "/protokoll?vor=x", "/protokoll?vor=99999999999999999999999", "/protokoll/x"]
)
def test_addresses_that_mean_nothing_are_a_page_of_their_own(app: App, path: str) -> None:
    guest = Guest(app).become("Anna", Role.READER)
    assert guest.get(path).status == 404
    assert "Diese Seite gibt es nicht." in guest.words


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "x", "1.5"])
def test_numbers_that_are_none_change_nothing(app: App, number: str) -> None:
    guest = Guest(app).become("Anna", Role.ADMINISTRATOR)
    assert guest.post(f"/beitraege/{number}/freigeben").status == 404


def test_an_endless_request_is_cut_off(app: App) -> None:
    guest = Guest(app).become("Anna", Role.ADMINISTRATOR)
    token = guest.token()
    answer = guest.client.post("/notbremse/ziehen", data={"csrf": token, "grund": "x" * (web.LARGEST_BODY + 1)})
    assert answer.status_code == 413

    def endless() -> Any:
        for _ in range(web.LARGEST_BODY // 65536 + 2):
            yield b"a" * 65536

    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert guest.client.post("/notbremse/ziehen", content=endless(), headers=kind).status_code in (400, 413)
    assert condition_of(app).braked_since is None


# --- languages


def test_english_is_one_button_away_and_stays(app: App) -> None:
    guest = Guest(app).get("/anmelden")
    assert guest.page.html["lang"] == "de"  # type: ignore[index]
    guest.press("English")
    assert guest.path == "/anmelden" and guest.page.html["lang"] == "en"  # type: ignore[index]
    guest.press("Sign in", name="x", password="y")
    assert "Name or password is wrong." in guest.words
    Guest(app).become("Anna", Role.ADMINISTRATOR)
    guest.press("Sign in", name="Anna", password=PASSWORD)
    assert guest.page.h1.get_text() == "Today"  # type: ignore[union-attr]


def test_the_house_s_language_is_the_setting(tmp_path: Path, clock: ManualClock) -> None:
    guest = Guest(empty_app(tmp_path, clock, language="en")).get("/anmelden")
    assert guest.page.h1.get_text() == "Sign in"  # type: ignore[union-attr]


# --- for machines


def test_health_needs_no_sign_in(guest: Guest) -> None:
    assert guest.client.get("/healthz").text == "ok\n"


def local(app: App, **headers: str) -> Any:
    """A request from this machine."""
    guest = Guest(app, **headers)
    guest.client._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]
    return guest.client.get("/metrics")


def test_figures_are_for_loopback_or_a_token(app: App, guest: Guest) -> None:
    assert guest.client.get("/metrics").status_code == 401
    assert local(app).status_code == 200
    assert local(app, **{"X-Forwarded-For": "127.0.0.1"}).status_code == 401  # a proxy stands between
    Guest(app).become("Anna", Role.READER)
    token = app.access.make_token("cli:anna", "Anna", "Prometheus", ["metrics"])
    answer = guest.client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'kreativorte_announcements{state="draft"} 0.0' in answer.text
    assert "kreativorte_brake_engaged 0.0" in answer.text
    assert guest.client.get("/metrics", headers={"Authorization": "Bearer kt_made-up"}).status_code == 401


# --- where they listen


def test_other_machines_need_a_known_address(app: App) -> None:
    with pytest.raises(SettingsError, match=r"web\.address"):
        web.listener(app, "0.0.0.0", 0)


def test_a_port_in_use_is_told(app: App) -> None:
    with web.listener(app, "127.0.0.1", 0) as taken, pytest.raises(SettingsError, match="can't listen"):
        web.listener(app, "127.0.0.1", taken.getsockname()[1])


def test_links_name_the_address_that_browsers_use(tmp_path: Path, clock: ManualClock, app: App) -> None:
    assert web.address_of(app, "127.0.0.1", 8000) == ADDRESS
    public = empty_app(tmp_path, clock, web={"address": "https://kampagnen.example.org/"})
    assert web.address_of(public, "127.0.0.1", 8000) == "https://kampagnen.example.org"
