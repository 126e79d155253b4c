"""What staff decide about places, on both databases: left out, once more, let pass; never twice by that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from campaign import atlas, planning, pulling
from campaign.desk import Refusal
from campaign.store import PlaceSearch, Standing
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.conftest import START
from tests.integration.harness import Networks
from tests.integration.village import CAMPAIGN, Village


@pytest.fixture
def village(running: tuple[Server, ManualClock], tmp_path: Path, database_url: str) -> Iterator[Village]:
    server, clock = running
    clock.set(START)
    networks = Networks(server)
    networks.control("/_reset")
    built = Village(tmp_path, database_url, networks, clock, "kreativorte", "zukunftsorte")
    built.app.prepare()
    built.campaign()
    yield built
    built.app.close()


def word(caught: pytest.ExceptionInfo[Refusal]) -> str:
    return caught.value.word


def post_next(village: Village, place: int) -> bool:
    """What is planned next of the place goes out; False when nothing is."""
    coming = [one["at"] for one in village.app.announcements(place_id=place) if one["state"] == "approved"]
    if not coming:
        return False
    village.house.clock.set(datetime.fromisoformat(min(coming)) + timedelta(seconds=5))  # type: ignore[attr-defined]
    with village.house.at_work() as work:
        work.deliver()
    return True


def finish(village: Village, place: int) -> None:
    """Everything planned of the place goes out."""
    while post_next(village, place):
        pass


# --- left out


def test_a_place_left_out_loses_its_plan_and_gets_none(village: Village) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    assert village.calendar(mill) == [("nachklang", 1, "approved"), ("vorstellung", 1, "approved")]
    atlas.skip(village.app, mill, "liegt im Streit")
    assert {state for _, _, state in village.calendar(mill)} == {"cancelled"}
    assert village.app.plan()["planned"] == [] and len(village.calendar(mill)) == 2
    assert village.row(mill)["skipped"] is True
    (entry,) = [one for one in village.app.log_entries() if one["event"] == "place_skipped"]
    assert entry["detail"] == {"place": mill, "name": "Mühle", "reason": "liegt im Streit"}
    assert entry["actor_name"] == "cli:anna"


def test_taken_back_its_steps_are_planned_anew_and_what_is_out_is_not_repeated(village: Village) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    post_next(village, mill)
    assert ("vorstellung", 1, "posted") in village.calendar(mill)
    atlas.skip(village.app, mill)
    atlas.unskip(village.app, mill)
    for _ in range(2):
        village.app.plan()
        assert village.calendar(mill) == [
            ("nachklang", 1, "cancelled"),
            ("nachklang", 2, "approved"),
            ("vorstellung", 1, "posted"),
        ]


def test_a_call_under_way_is_not_sent_again_for_a_place_left_out(village: Village) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    number = next(one["id"] for one in village.app.announcements(place_id=mill) if one["step"] == "vorstellung")
    with village.app.database.write() as connection:
        connection.execute(text("UPDATE deliveries SET state = 'unknown' WHERE id = :id"), {"id": number})
    atlas.skip(village.app, mill)
    assert "cancel_requested" in village.house.events(number)
    with village.app.database.read() as connection:
        assert connection.execute(text("SELECT cancel_wanted FROM deliveries WHERE id = :id"), {"id": number}).scalar()


def test_leaving_out_twice_and_taking_back_what_is_not_left_out_are_refused(village: Village) -> None:
    mill = village.place("Mühle")
    with pytest.raises(Refusal) as caught:
        atlas.unskip(village.app, mill)
    assert word(caught) == "place_not_skipped"
    atlas.skip(village.app, mill)
    with pytest.raises(Refusal) as caught:
        atlas.skip(village.app, mill)
    assert word(caught) == "place_skipped_already"
    with pytest.raises(Refusal) as caught:
        atlas.skip(village.app, 999)
    assert word(caught) == "place_unknown"


def test_what_was_planned_meanwhile_for_a_place_left_out_is_cancelled(village: Village) -> None:
    """A planning that was decided before and written after."""
    mill = village.place("Mühle")
    with village.app.database.read() as connection:
        house = village.app.house(connection)
        decision = planning.decide(connection, house, None)
    atlas.skip(village.app, mill)
    for piece in planning.changes(house, decision):
        with village.app.database.write() as connection:
            piece(connection)
    assert {state for _, _, state in village.calendar(mill)} == {"cancelled"}


def test_an_heir_is_left_out_as_the_place_was(village: Village) -> None:
    first = village.place("Mühle")
    village.place("Hof")
    second = village.place("Mühle", "zukunftsorte")
    assert village.row(second)["same_as"] == first
    atlas.skip(village.app, first)
    village.portals["kreativorte"].change(1, hidden=1)
    village.app.pull()
    assert village.row(second)["same_as"] is None and village.row(second)["skipped"]


# --- once more


def test_once_more_raises_the_occurrence_and_the_key_stays_unique(village: Village) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    finish(village, mill)
    assert atlas.announce_again(village.app, mill) == 2
    village.app.plan()
    village.app.plan()
    assert village.calendar(mill) == [
        ("nachklang", 1, "posted"),
        ("nachklang", 2, "approved"),
        ("vorstellung", 1, "posted"),
        ("vorstellung", 2, "approved"),
    ]
    finish(village, mill)
    assert atlas.announce_again(village.app, mill) == 3
    village.app.plan()
    with village.app.database.read() as connection:
        keys = connection.execute(text("SELECT campaign, step, place_id, channel_id, occurrence FROM announcements"))
        found = [tuple(row) for row in keys]
    assert len(found) == len(set(found)) == 6
    finish(village, mill)
    assert len(village.house.networks.posts()) == 6


def test_once_more_waits_until_nothing_is_to_come(village: Village) -> None:
    mill = village.place("Mühle")
    with pytest.raises(Refusal) as caught:
        atlas.announce_again(village.app, mill)
    assert word(caught) == "place_never_announced"
    village.app.plan()
    with pytest.raises(Refusal) as caught:
        atlas.announce_again(village.app, mill)
    assert word(caught) == "place_still_planned"
    assert village.row(mill)["occurrence"] == 1


def test_once_more_after_a_cancelled_time_skips_no_key(village: Village) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    atlas.skip(village.app, mill)
    atlas.unskip(village.app, mill)
    village.app.plan()
    finish(village, mill)
    assert atlas.announce_again(village.app, mill) == 3
    village.app.plan()
    assert [one for one in village.calendar(mill) if one[2] == "approved"] == [
        ("nachklang", 3, "approved"),
        ("vorstellung", 3, "approved"),
    ]


def test_once_more_says_when_no_campaign_would(village: Village) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    finish(village, mill)
    village.campaign(CAMPAIGN.replace("announce_published_from = 2026-11-01", "announce_published_from = 2026-12-01"))
    with pytest.raises(Refusal) as caught:
        atlas.announce_again(village.app, mill)
    assert word(caught) == "place_in_no_campaign"
    village.campaign(CAMPAIGN)
    village.app.set_channel(village.channel, "pause")
    with pytest.raises(Refusal) as caught:
        atlas.announce_again(village.app, mill)
    assert (word(caught), caught.value.details) == ("place_finds_no_slot", (mill, ["channel_paused"]))


@pytest.mark.parametrize("why", ["skipped", "withdrawn", "listed twice"])
def test_once_more_is_refused_for_what_is_not_announced(village: Village, why: str) -> None:
    mill = village.place("Mühle")
    village.app.plan()
    if why == "skipped":
        atlas.skip(village.app, mill)
    elif why == "withdrawn":
        village.portals["kreativorte"].change(1, hidden=1)
        village.app.pull()
    else:
        other = village.place("Ganz anders", "zukunftsorte", town="Stendal")
        village.app.merge_places(mill, other)
    with pytest.raises(Refusal) as caught:
        atlas.announce_again(village.app, mill)
    assert word(caught) == "place_not_announced"


def test_a_place_that_was_merged_by_mistake_is_planned_when_it_is_separated(village: Village) -> None:
    mill = village.place("Mühle")
    other = village.place("Speicher", "zukunftsorte", town="Stendal")
    village.app.plan()
    village.app.merge_places(other, mill)
    assert {state for _, _, state in village.calendar(other)} == {"cancelled"}
    village.app.separate_place(other)
    village.app.plan()
    assert [one for one in village.calendar(other) if one[2] == "approved"] == [
        ("nachklang", 2, "approved"),
        ("vorstellung", 2, "approved"),
    ]


# --- let pass


def burst(village: Village, count: int = 12) -> list[int]:
    """More new places than anybody would write in five minutes."""
    village.place("Mühle")
    for number in range(count):
        village.portals["kreativorte"].place(f"Hof {number}", town=f"Dorf {number}")
    village.app.pull()
    return [village.number(f"Hof {number}", "kreativorte") for number in range(count)]


def test_what_waits_passes_without_the_portal_being_read(village: Village) -> None:
    waiting = burst(village)
    assert village.app.plan()["planned"] and {village.row(one)["held"] for one in waiting} == {True}
    village.portals["kreativorte"].file.unlink()
    assert atlas.accept_place(village.app, waiting[0]) == 1
    village.app.plan()
    assert village.calendar(waiting[0]) and not village.calendar(waiting[1])
    assert atlas.accept(village.app, "kreativorte") == 11
    with pytest.raises(Refusal) as caught:
        atlas.accept(village.app, "kreativorte")
    assert word(caught) == "no_place_waits"
    events = [one for one in village.app.log_entries() if one["event"] == "places_accepted"]
    assert [len(one["detail"]["places"]) for one in events] == [1, 11]


def test_what_passed_stays_passed_and_is_known_to_the_next_poll(village: Village) -> None:
    waiting = burst(village)
    atlas.accept(village.app, "kreativorte")
    village.portals["kreativorte"].change(5, name="Neuer Name")
    counts = next(one for one in village.app.pull() if one.portal == "kreativorte").counts
    assert (counts["new"], counts["held"], counts["changed"]) == (0, 0, 1)
    assert not any(village.row(one)["held"] for one in waiting)


def test_a_poll_that_was_under_way_does_not_take_it_back(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = burst(village)
    read = pulling.read_portal

    def and_somebody_accepts(config: object, *arguments: object) -> object:
        reading = read(config, *arguments)  # type: ignore[arg-type]
        if config.name == "kreativorte":  # type: ignore[attr-defined]
            atlas.accept(village.app, "kreativorte")
        return reading

    monkeypatch.setattr(pulling, "read_portal", and_somebody_accepts)
    village.app.pull()
    assert not any(village.row(one)["held"] for one in waiting)


def test_a_place_that_passes_may_be_a_second_listing(village: Village) -> None:
    village.place("Anfang", "zukunftsorte")
    village.place("Hof 3", "zukunftsorte", town="Dorf 3")
    waiting = burst(village)
    atlas.accept(village.app, "kreativorte")
    assert village.row(waiting[3])["same_as"] == village.number("Hof 3", "zukunftsorte")


def test_a_list_that_was_stopped_is_taken_over_on_a_person_s_word(village: Village) -> None:
    places = [village.place(f"Hof {number}", town=f"Dorf {number}") for number in range(8)]
    for number in range(1, 7):
        village.portals["kreativorte"].change(number, hidden=1)
    village.app.pull()
    state = next(one for one in atlas.portals(village.app) if one.name == "kreativorte")
    assert state.stopped and state.problem
    with pytest.raises(Refusal) as caught:
        atlas.read_portal(village.app, "kreativorte", accept_list=False)
    assert word(caught) == "portal_not_read"
    assert atlas.read_portal(village.app, "kreativorte", accept_list=True).counts["withdrawn"] == 6
    assert village.row(places[0])["withdrawn"]


# --- looking


def standings(village: Village, **search: str) -> dict[str, Standing]:
    found = atlas.search(village.app, PlaceSearch(**search), 1, 50)  # type: ignore[arg-type]
    assert found.total == len(found.places) == sum(found.counts.values())
    return {one.stored.place.name: one.standing for one in found.places}


def test_each_place_stands_in_one_way(village: Village) -> None:
    for name in ("Neu", "Geplant", "Erschienen", "Ausgenommen", "Weg"):
        village.place(name, town=name, published_at="2026-10-01" if name == "Neu" else "2026-11-20 10:00:00")
    village.place("Geplant", "zukunftsorte", town="Geplant")
    village.app.plan()
    village.portals["kreativorte"].change(5, hidden=1)
    village.app.pull()
    atlas.skip(village.app, village.number("Ausgenommen"))
    number = village.app.announcements(place_id=village.number("Erschienen"))[0]["id"]
    out = "UPDATE deliveries SET state = 'posted', posted_at = due_at, remote_id = '1' WHERE id = :id"
    with village.app.database.write() as connection:
        connection.execute(text(out), {"id": number})
    assert standings(village, portal="kreativorte") == {
        "Neu": Standing.NEW,
        "Geplant": Standing.PLANNED,
        "Erschienen": Standing.OUT,
        "Ausgenommen": Standing.SKIPPED,
        "Weg": Standing.WITHDRAWN,
    }
    assert standings(village, portal="zukunftsorte") == {"Geplant": Standing.LISTED_TWICE}
    found = atlas.search(village.app, PlaceSearch(standing=Standing.OUT), 1, 50)
    (one,) = found.places
    assert (one.planned, one.out, found.total) == (1, 1, 1)
    assert one.last_at is not None and one.next_at is not None and one.last_at < one.next_at


def test_places_are_found_by_words_region_and_category(village: Village) -> None:
    village.place("Alte Mühle", town="Ärxleben", region="Altmark;Wendland", category="Wohnen")
    village.place("Hof 100%", town="Stendal", region="Harz", category="Arbeiten")
    assert set(standings(village, words="mühle")) == {"Alte Mühle"}
    assert set(standings(village, words="ärxleben ALTE")) == {"Alte Mühle"}
    assert set(standings(village, words="100%")) == {"Hof 100%"}
    assert set(standings(village, words="_")) == set()
    assert set(standings(village, region="Wendland")) == {"Alte Mühle"}
    assert set(standings(village, region="Wend")) == set()
    assert set(standings(village, category="Arbeiten")) == {"Hof 100%"}
    choices = atlas.choices(village.app)
    assert choices.regions == ["Altmark", "Harz", "Wendland"] and choices.categories == ["Arbeiten", "Wohnen"]
    assert choices.portals == ["kreativorte", "zukunftsorte"]
