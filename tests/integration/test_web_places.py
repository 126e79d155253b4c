"""The page Orte: found, looked at, decided; in either language, by whom the table of rules lets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from campaign import atlas, store
from campaign.places import Place
from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.conftest import START
from tests.integration.guest import Guest, hurried
from tests.integration.harness import Networks
from tests.integration.village import Village


@pytest.fixture
def village(running: tuple[Server, ManualClock], tmp_path: Path) -> Iterator[Village]:
    server, clock = running
    clock.set(START)
    networks = Networks(server)
    networks.control("/_reset")
    built = Village(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", networks, clock, "kreativorte", "zukunftsorte")
    hurried(built.app)
    built.campaign()
    yield built
    built.app.close()


@pytest.fixture
def guest(village: Village) -> Guest:
    """Somebody who may let places pass."""
    return Guest(village.app).become("Anna Muster", Role.APPROVER)


def names(guest: Guest) -> list[str]:
    return [one.get_text() for one in guest.page.select(".places h3")]


def test_before_anything_is_read_the_page_says_so(guest: Guest) -> None:
    assert "Noch keine Orte" in guest.get("/orte").words


def test_places_are_listed_with_how_they_stand(village: Village, guest: Guest) -> None:
    village.place("Alte Mühle", town="Ärxleben")
    village.place("Alter Hof", published_at="2026-05-01 10:00:00", town="Stendal")
    village.app.plan()
    guest.get("/orte")
    assert names(guest) == ["Alte Mühle", "Alter Hof"]
    first, second = (" ".join(one.get_text(" ").split()) for one in guest.page.select(".place-row"))
    assert "Ärxleben" in first and "geplant" in first and "nächster Termin Di., 24.11.2026, 12:00" in first
    assert "nichts geplant" in second
    assert names(guest.get("/orte?nach=name")) == ["Alte Mühle", "Alter Hof"]


def test_why_nothing_is_planned_is_said(village: Village, guest: Guest) -> None:
    old = village.place("Alter Hof", published_at="2026-05-01 10:00:00", town="Stendal")
    new = village.place("Neuer Hof", town="Osterburg")
    assert "Keine laufende Kampagne nimmt den Ort" in guest.get(f"/orte/{old}").words
    assert "Die nächste Planung nimmt den Ort auf." in guest.get(f"/orte/{new}").words
    village.app.set_channel(village.channel, "pause")
    assert "Der Kanal ist angehalten" in guest.get(f"/orte/{new}").words


def test_search_filters_and_page_stay_in_the_address(village: Village, guest: Guest) -> None:
    for number in range(60):
        village.portals["kreativorte"].place(f"Hof {number:02}", town=f"Dorf {number}")
    village.place("Mühle", category="Wohnen")
    assert len(names(guest.get("/orte?worte=Hof&nach=name"))) == 50
    following = guest.page.select_one("a[rel=next]")
    assert following is not None and following["href"] == "/orte?worte=Hof&nach=name&seite=2"
    assert names(guest.get(str(following["href"])))[0] == "Hof 50" and "Seite 2 von 2" in guest.words
    assert names(guest.get("/orte?bereich=Wohnen")) == ["Mühle"]
    chips = {one.get_text(" ").split()[0]: one["href"] for one in guest.page.select(".chip")}
    assert chips["alle"] == "/orte?bereich=Wohnen"
    assert "Kein Ort passt." in guest.get("/orte?worte=gibtesnicht").words
    assert guest.get("/orte?stand=unsinn").status == 200 and len(names(guest)) == 50
    assert guest.get("/orte?seite=99").status == 200 and "Kein Ort passt." in guest.words


@pytest.mark.parametrize("path", ["/orte/999", "/orte/0", "/orte/x", "/orte?seite=0", "/orte/99999999999999999999"])
def test_addresses_that_name_nothing_are_not_found(guest: Guest, path: str) -> None:
    assert guest.get(path).status == 404


def test_a_place_is_left_out_with_its_reason_and_taken_back(village: Village, guest: Guest) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    guest.get(f"/orte/{mill}")
    assert "2 geplante Beiträge werden abgesagt" in guest.words
    guest.press("Nicht mehr ankündigen", grund="liegt im Streit")
    assert guest.path == f"/orte/{mill}" and "was geplant war, ist abgesagt" in guest.words
    assert "durch Anna Muster. liegt im Streit" in guest.words
    assert {state for _, _, state in village.calendar(mill)} == {"cancelled"}
    guest.press("Wieder ankündigen")
    village.app.plan()
    assert ("vorstellung", 2, "approved") in village.calendar(mill)
    assert "(2. Mal)" in guest.get(f"/orte/{mill}").words
    events = [one["event"] for one in village.app.log_entries() if one["actor_name"] == "Anna Muster"]
    assert events[-2:] == ["place_skipped", "place_unskipped"] or "place_unskipped" in events
    assert "Ort wird nicht angekündigt" in guest.get("/protokoll").words


def test_a_refusal_stands_beside_the_decision(village: Village, guest: Guest) -> None:
    mill = village.place("Mühle")
    guest.get(f"/orte/{mill}")
    atlas.skip(village.app, mill)
    guest.press("Nicht mehr ankündigen")
    (said,) = guest.page.select("section [role=alert]")
    assert said.get_text() == f"Der Ort {mill} wird schon nicht angekündigt."


def test_once_more_is_offered_when_everything_is_out(village: Village, guest: Guest) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    assert not [one for one in guest.get(f"/orte/{mill}").buttons() if "noch einmal" in one]
    with village.app.database.write() as connection:
        connection.execute(text("UPDATE deliveries SET state = 'posted', remote_id = id, posted_at = due_at"))
    guest.get(f"/orte/{mill}").press("Ja, noch einmal")
    assert village.row(mill)["occurrence"] == 2
    village.app.plan()
    assert ("vorstellung", 2, "approved") in village.calendar(mill)


def test_what_waits_is_shown_first_and_let_pass(village: Village, guest: Guest) -> None:
    village.place("Mühle")
    for number in range(12):
        village.portals["kreativorte"].place(f"Hof {number}", town=f"Dorf {number}")
    village.app.pull()
    guest.get("/orte")
    assert "12 neue Orte kamen auf einmal oder auffällig" in guest.words
    assert len(names(guest.get("/orte?portal=kreativorte&stand=held"))) == 12
    one = village.number("Hof 3")
    guest.get(f"/orte/{one}").press("Zulassen")
    assert not village.row(one)["held"]
    guest.get("/orte").press("Ja, alle zulassen")
    assert "Die wartenden Orte sind zugelassen" in guest.words
    assert not any(place["held"] for place in village.app.places())


def test_who_may_not_approve_does_not_let_pass(village: Village) -> None:
    village.place("Mühle")
    for number in range(12):
        village.portals["kreativorte"].place(f"Hof {number}", town=f"Dorf {number}")
    village.app.pull()
    editor = Guest(village.app).become("Erna", Role.EDITOR)
    assert not [one for one in editor.get("/orte").buttons() if "zulassen" in one]
    assert editor.post("/orte/zulassen", portal="kreativorte").status == 403
    reader = Guest(village.app).become("Rita", Role.READER)
    reader.get(f"/orte/{village.number('Mühle')}")
    assert set(reader.buttons("main")) <= {"Suchen"}


def test_a_short_list_is_told_and_taken_over(village: Village, guest: Guest) -> None:
    for number in range(8):
        village.portals["kreativorte"].place(f"Hof {number}", town=f"Dorf {number}")
    village.app.pull()
    for number in range(1, 7):
        village.portals["kreativorte"].change(number, hidden=1)
    village.app.pull()
    guest.get("/orte").press("Jetzt neu lesen")
    assert guest.page.select(".portal-needs [role=alert]")
    guest.press("Ja, so übernehmen")
    assert "Die Liste des Portals ist übernommen." in guest.words
    assert len(names(guest.get("/orte?stand=withdrawn"))) == 6


def test_rejected_rows_are_listed_by_portal_with_their_reason(village: Village, guest: Guest) -> None:
    village.portals["kreativorte"].place("")
    village.portals["zukunftsorte"].place("Ohne Datum", published_at="bald")
    village.app.pull()
    assert "1 Zeile abgewiesen" in guest.get("/orte").words
    rows = guest.get("/orte/abgewiesen").page.select("tbody tr")
    assert len(rows) == 2 and "kreativorte" in rows[0].get_text()
    assert len(guest.get("/orte/abgewiesen?portal=zukunftsorte").page.select("tbody tr")) == 1
    assert "Keine Zeile ist abgewiesen." in guest.get("/orte/abgewiesen?portal=keins").words


def test_two_listings_are_made_one_and_parted(village: Village, guest: Guest) -> None:
    mill = village.place("Mühle", town="Salzwedel")
    other = village.place("Speicher", "zukunftsorte", town="Salzwedel")
    guest.get(f"/orte/{other}")
    assert guest.page.select_one(".similar") is not None  # of the same town, without being asked
    guest.get(f"/orte/{other}?gleich=Mühle").press("Ist derselbe Ort")
    assert village.row(other)["same_as"] == mill
    assert "wird mit jenem angekündigt" in guest.words
    assert "Speicher" in guest.get(f"/orte/{mill}").words
    guest.get(f"/orte/{other}").press("Das ist ein eigener Ort")
    assert village.row(other)["same_as"] is None


def test_a_picture_is_shown_only_where_it_lies_here(village: Village, guest: Guest) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    assert not guest.get("/orte").page.select("main img")
    assert guest.get(f"/orte/{mill}/bild").status == 404
    media = village.app.settings.path("media_dir")
    media.mkdir(exist_ok=True)
    made = io.BytesIO()
    Image.new("RGB", (1200, 800), "green").save(made, "JPEG")
    (media / "hof.jpg").write_bytes(made.getvalue())
    number = village.app.announcements(place_id=mill)[0]["id"]
    draft = '{"images": [{"file": "%s", "alt": "Ein Hof", "credit": "Foto: A"}], "text": "x", "link": null}'
    for file, shown in (
        (media / "hof.jpg", True),
        (media / "fort.jpg", False),
        (village.portals["kreativorte"].file, False),
    ):
        with village.app.database.write() as connection:
            connection.execute(
                text("UPDATE deliveries SET draft = :draft WHERE id = :id"),
                {"draft": draft % Path(file).resolve(), "id": number},
            )
        assert bool(guest.get("/orte").page.select("main img")) is shown
        assert (guest.client.get(f"/orte/{mill}/bild").status_code == 200) is shown
    with village.app.database.write() as connection:
        connection.execute(
            text("UPDATE deliveries SET draft = :draft"), {"draft": draft % (media / "hof.jpg").resolve()}
        )
    answer = guest.client.get(f"/orte/{mill}/bild")
    assert answer.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(answer.content)).size) <= 320


def test_what_a_portal_wrote_is_text_and_leads_nowhere_else(village: Village, guest: Guest) -> None:
    hostile = "<script>alert(1)</script> {{ 7*7 }}"
    place = Place("kreativorte", "1", hostile, "javascript:alert(1)", START, town="<img src=x onerror=alert(1)>")
    village.app.pull()
    with village.app.database.write() as connection:
        mill = store.save_place(connection, place, START)
    guest.get(f"/orte/{mill}")
    assert "<script>alert(1)</script> {{ 7*7 }}" in guest.words and "49" not in guest.words
    assert not guest.page.select("main script, main img")
    assert not guest.page.select("main a[href^=javascript]")
    assert hostile in guest.get("/orte").words
    assert hostile in guest.get("/orte/1?gleich=<b>").words and not guest.page.select("b")


def test_the_page_speaks_english(village: Village, guest: Guest) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    guest.get("/orte").press("English")
    guest.get("/orte")
    assert "Places" in guest.words and "planned" in guest.words and "What the portals show" in guest.words
    guest.get(f"/orte/{mill}")
    assert "Don't announce" in guest.words
    guest.press("Announce it no more")
    assert "was cancelled" in guest.words
