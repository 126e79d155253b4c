"""Auswertung and Wirkung on a season that was really posted and really measured: what is shown is what is known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from campaign import reports
from campaign.reports import single
from campaign.reports.values import Report
from campaign.roles import Role
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.conftest import START
from tests.integration.guest import Guest
from tests.integration.season import Season


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Season]:
    clock = ManualClock(START)
    with Server(clock=clock) as server:
        made = Season(tmp_path_factory.mktemp("season"), server, clock, days=24)
        yield made
        made.app.close()


@pytest.fixture(scope="module")
def guest(season: Season) -> Guest:
    """Somebody who may only read."""
    return Guest(season.app).become("Lena Leser", Role.READER)


def report_of(season: Season, **asked: str) -> Report:
    return reports.report(season.app, reports.selection_of(season.app, asked))


def whole(season: Season) -> dict[str, str]:
    """The days of the whole season, up to yesterday."""
    return {"von": "2026-11-24", "bis": str(date.fromordinal(season.app.today().toordinal() - 1))}


def address(**search: str) -> str:
    return "/auswertung?" + "&".join(f"{name}={value}" for name, value in search.items())


def rows(guest: Guest, section: str) -> dict[str, list[str]]:
    """The lines of the table in a section, by their first cell."""
    found = {}
    for line in guest.page.select(f"section[aria-labelledby='{section}'] tbody tr"):
        first, *others = [" ".join(one.get_text(" ").split()) for one in line.select("th, td")]
        found[first] = others
    return found


def plain(number: int | None) -> str:
    return f"{number:,}".replace(",", ".")


def test_the_page_tells_the_report_s_own_figures(season: Season, guest: Guest) -> None:
    days = whole(season)
    known = report_of(season, **{"from": days["von"], "to": days["bis"]})
    guest.get(address(**days))
    assert guest.status == 200
    tiles = {one.dt.get_text(): one.dd.get_text(" ").split()[0] for one in guest.page.select(".tile") if one.dt}
    assert known.totals.posts > 10
    assert tiles["Beiträge erschienen"] == plain(known.totals.posts)
    assert tiles["Aufrufe"] == plain(known.totals.metrics["views"])
    by_channel = rows(guest, "aufschluesselung")
    assert {name: line[0] for name, line in by_channel.items()} == {
        row.label: plain(row.figures.posts) for row in known.breakdowns["channel"]
    }
    course = rows(guest, "verlauf")
    assert sum(int(line[0]) for line in course.values()) == known.totals.posts


def test_a_sum_over_some_says_over_how_many_and_what_nobody_told_is_never_zero(season: Season, guest: Guest) -> None:
    guest.get(address(**(whole(season) | {"bis": str(season.app.today())})))
    known = report_of(season, **{"from": "2026-11-24", "to": str(season.app.today())})
    unmeasured = known.totals.posts - known.totals.known["views"]
    costs = [one for one in guest.page.select(".tile") if one.dt and one.dt.get_text() == "Besuche im Portal"]
    assert "nicht bekannt" in costs[0].get_text()
    if unmeasured:
        assert f"bekannt von {known.totals.known['views']} der {known.totals.posts} Beiträge" in guest.words


def test_a_deep_link_narrows_to_a_place_and_keeps_the_rest(season: Season, guest: Guest) -> None:
    days = whole(season)
    guest.get(address(**days, nach="place"))
    link = guest.page.select_one("section[aria-labelledby='aufschluesselung'] tbody th a")
    assert link is not None
    name = link.get_text()
    guest.get(str(link["href"]))
    assert list(rows(guest, "aufschluesselung")) == [f"{name} wenige"]
    chosen = guest.page.select_one("select[name='ort'] option[selected]")
    assert chosen is not None and chosen.get_text() == name
    assert guest.page.select_one("input[name='von']")["value"] == days["von"]  # type: ignore[index]


def test_what_went_out_can_be_chosen_from_by_its_name(season: Season, guest: Guest) -> None:
    days = whole(season)
    known = report_of(season, **{"from": days["von"], "to": days["bis"]})
    guest.get(address(**days))
    for field, dimension in (("ort", "place"), ("schritt", "step"), ("variante", "variant")):
        offered = {
            str(one["value"]): one.get_text()
            for one in guest.page.select(f"select[name='{field}'] option")
            if one["value"]
        }
        assert offered == {row.key: row.label for row in known.breakdowns[dimension]}
        assert list(offered.values()) == sorted(offered.values(), key=str.casefold)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"von": "übermorgen"}, "übermorgen"),
        ({"von": "2026-12-24", "bis": "2026-12-01"}, "2026-12-24"),
        ({"kanal": "gibt-es-nicht"}, "gibt-es-nicht"),
        ({"kampagne": "gibt-es-nicht"}, "gibt-es-nicht"),
        ({"ort": "999999"}, "999999"),
        ({"variante": "zwei"}, "zwei"),
    ],
)
def test_what_cannot_be_selected_is_said_and_what_was_typed_stays(
    guest: Guest, search: dict[str, str], said: str
) -> None:
    guest.get(address(**search))
    assert guest.status == 422
    alert = guest.page.select_one("[role='alert']")
    assert alert is not None and said in alert.get_text()
    for name, value in search.items():
        field = guest.page.select_one(f"[name='{name}']")
        assert field is not None
        chosen = field.select_one("option[selected]")
        assert (chosen["value"] if chosen else field["value"]) == value


def test_nothing_in_the_period_is_told_in_words_without_figures(guest: Guest) -> None:
    guest.get(address(von="2026-01-01", bis="2026-01-31"))
    assert guest.status == 200
    assert "nichts erschienen" in guest.words
    assert not guest.page.select(".tile, [data-chart]")


def test_the_file_holds_one_line_for_each_announcement_of_the_same_selection(season: Season, guest: Guest) -> None:
    days = whole(season)
    guest.get(address(**days, kanal="twitter-42"))
    link = next(one for one in guest.page.select(".head-acts a") if one.get_text() == "CSV")
    answer = guest.client.get(str(link["href"]))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"auswertung_{days['von']}_{days['bis']}.csv" in answer.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    known = report_of(season, **{"from": days["von"], "to": days["bis"], "channel": "twitter-42"})
    assert len(lines) == known.totals.posts
    assert sum(int(line["views"]) for line in lines if line["views"]) == known.totals.metrics["views"]
    assert guest.client.get("/auswertung.csv?kanal=gibt-es-nicht").status_code == 422


@pytest.mark.parametrize(("kind", "begins"), [("XLSX", b"PK"), ("PDF", b"%PDF-")])
def test_workbook_and_document_are_of_the_same_selection(
    season: Season, guest: Guest, kind: str, begins: bytes
) -> None:
    days = whole(season)
    guest.get(address(**days))
    link = next(one for one in guest.page.select(".head-acts a") if one.get_text() == kind)
    answer = guest.client.get(str(link["href"]))
    assert answer.status_code == 200 and answer.content.startswith(begins)
    name = f"auswertung_{days['von']}_{days['bis']}.{kind.lower()}"
    assert name in answer.headers["content-disposition"]
    assert guest.client.get(f"/auswertung.{kind.lower()}?kanal=gibt-es-nicht").status_code == 422


def test_another_metric_is_shown_in_course_and_gains(season: Season, guest: Guest) -> None:
    guest.get(address(**whole(season), zahl="reactions"))
    headings = [" ".join(one.get_text().split()) for one in guest.page.select("h2")]
    assert "Zuwachs je Tag: Reaktionen" in headings
    gained = sum(int(line[0].replace(".", "")) for line in rows(guest, "zuwachs").values())
    assert gained >= report_of(season).totals.metrics["reactions"] - 50  # type: ignore[operator]


def test_slots_are_told_with_their_evidence_and_lead_to_the_rhythm_only_who_may_change_it(
    season: Season, guest: Guest
) -> None:
    hours = address(**whole(season)).replace("/auswertung?", "/auswertung/stunden?")
    asked = guest.get(address(**whole(season))).page.select_one("#stunden a")
    assert asked is not None and str(asked["href"]).startswith("/auswertung/stunden?")
    guest.get(hours)
    assert "Nichts davon wird von selbst übernommen." in guest.words
    assert "Zum Rhythmus" not in guest.words
    editor = Guest(season.app).become("Edda", Role.EDITOR).get(hours)
    link = next(one for one in editor.page.select("a") if "Zum Rhythmus" in one.get_text())
    path, _, anchor = str(link["href"]).partition("#")
    assert editor.get(path).page.select_one(f"#{anchor}") is not None


def test_the_page_speaks_english(season: Season) -> None:
    guest = Guest(season.app).become("Ellen", Role.READER)
    guest.get("/auswertung").press("English")
    guest.get(address(**whole(season)))
    assert guest.page.html["lang"] == "en"  # type: ignore[index]
    assert "Views" in guest.words and "Aufrufe" not in guest.words


# --- Beitrag and Heute


def posted(season: Season) -> dict[str, int]:
    """The first announcement that went out on each channel."""
    found: dict[str, int] = {}
    for one in season.app.announcements(states=[State.POSTED]):
        found.setdefault(one["channel"], one["id"])
    return found


def test_an_announcement_tells_its_newest_figures_by_the_networks_own_names(season: Season, guest: Guest) -> None:
    number = posted(season)["facebook-100100100"]
    known = single.measured(season.app, number)
    assert known is not None and len(known.readings) > 5
    guest.get(f"/beitraege/{number}")
    effect = guest.page.select_one("section[aria-labelledby='wirkung']")
    assert effect is not None
    words = " ".join(effect.get_text(" ").split())
    for newest in known.newest:
        assert plain(newest.value) in words and newest.source in words
    assert "Nächste Messung:" in words
    assert len(effect.select("tbody tr")) == len(known.readings)


def test_what_a_network_does_not_tell_at_all_is_said(season: Season, guest: Guest) -> None:
    guest.get(f"/beitraege/{posted(season)['twitter-42']}")
    assert "Gibt dieses Netzwerk nicht heraus: Erreichte Personen" in guest.words


def test_what_is_not_out_shows_no_effect(season: Season, guest: Guest) -> None:
    waiting = season.app.announcements(states=[State.APPROVED], limit=1)[0]["id"]
    assert single.measured(season.app, waiting) is None
    assert guest.get(f"/beitraege/{waiting}").page.select_one("#wirkung") is None


def test_today_tells_in_one_line_what_the_last_days_brought(season: Season, guest: Guest) -> None:
    guest.get("/heute")
    last = date.fromordinal(season.app.today().toordinal() - 1)
    first = date.fromordinal(last.toordinal() - 6)
    known = report_of(season, **{"from": str(first), "to": str(last)}).totals
    assert f"{known.posts} Beiträge erschienen" in guest.words
    assert f"{plain(known.metrics['views'])} Aufrufe" in guest.words
    assert guest.page.select_one("a[href='/auswertung?zeitraum=7']") is not None


def test_a_vanished_post_and_gaps_are_said(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with Server(clock=clock) as server:
        season = Season(tmp_path, server, clock, days=4)
        reader = Guest(season.app).become("Lena", Role.READER)
        number = posted(season)["facebook-100100100"]
        with season.app.database.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO samples (delivery_id, metric, at, value, state, source, definition) SELECT delivery_id, "
                "metric, '2026-12-01 09:00:00.000000', NULL, 'missing', source, 1 FROM samples "
                f"WHERE delivery_id = {number} AND metric = 'comments' LIMIT 1"
            )
            connection.exec_driver_sql(
                "INSERT INTO samples (delivery_id, metric, at, value, state, source, definition) SELECT delivery_id, "
                "metric, '2026-12-01 09:00:00.000000', NULL, 'withdrawn', source, 1 FROM samples "
                f"WHERE delivery_id = {number} AND metric = 'viewers' LIMIT 1"
            )
            connection.exec_driver_sql(
                f"UPDATE deliveries SET removed_at = '2026-12-02 09:00:00.000000' WHERE id = {number}"
            )
            connection.exec_driver_sql(f"UPDATE engagement SET next_at = NULL WHERE delivery_id = {number}")
        words = reader.get(f"/beitraege/{number}").words
        assert "zuletzt nicht mitgeteilt; Stand" in words
        assert "vom Netzwerk abgeschafft; Stand" in words
        assert "Im Netzwerk ist er nicht mehr da" in words
        season.app.close()
