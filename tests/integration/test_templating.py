"""Templates that staff revise: what fills announcements, what is refused, what others see, and the way back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from campaign import templating
from campaign.compose import SAMPLE_PLACES, digest_of
from campaign.desk import Refusal
from campaign.doctor import examine
from campaign.store import Unknown
from campaign.templating import SHIPPED, differences
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.harness import House, Networks

PLACES = ("Alte Mühle", "Bahnhof", "Brennerei", "Dorfladen", "Gutshaus")
FIELDS = {"id": "id", "name": "name", "url": "url", "published_at": "published_at", "town": "town", "teaser": "teaser"}
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
[[calls]]
name = "aufruf"
template = "aufruf"
recurs = "FREQ=MONTHLY;BYDAY=1TU"
[rhythm]
slots = ["Tue 10:00", "Thu 17:30"]
"""
BETTER = """\
Ganz neu: {{ name }}
{% optional 2 "Ort" %}
📍 {{ town }}
{% endoptional %}

{{ link }}
{{ credit | bildnachweis }}
"""


def portal_of(directory: Path, places: tuple[str, ...] = PLACES) -> dict[str, Any]:
    """A portal with these places, and the settings that read it."""
    file = directory / "portal.db"
    with sqlite3.connect(file) as portal:
        portal.execute("CREATE TABLE orte (id, name, url, published_at, town, teaser)")
        portal.executemany(
            "INSERT INTO orte VALUES (?, ?, ?, '2026-11-10T09:00:00+01:00', 'Kalbe', ?)",
            [
                (number, name, f"https://example.org/orte/{number}/", f"In {name} entsteht etwas.")
                for number, name in enumerate(places, start=1)
            ],
        )
    return {"kreativorte": {"url": f"sqlite:///{file}", "table": "orte", "fields": FIELDS}}


def planned_house(directory: Path, database: str, server: Server, clock: ManualClock, approval: str = "one") -> House:
    """An installation whose calendar is filled."""
    house = House(directory, database, Networks(server), clock, portals=portal_of(directory))
    house.channel("twitter")
    house.app.pull()
    house.app.apply_campaign(CAMPAIGN.format(approval=approval))
    house.app.plan()
    return house


@pytest.fixture
def house(database_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    with Server(clock=clock) as server:
        made = planned_house(tmp_path, database_url, server, clock)
        yield made
        made.app.close()


@pytest.fixture
def light(tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    """The same on SQLite alone, for what no database makes different."""
    with Server(clock=clock) as server:
        made = planned_house(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", server, clock)
        yield made
        made.app.close()


def introductions(house: House) -> list[dict[str, Any]]:
    return [one for one in house.app.announcements() if one["step"] == "vorstellung"]


def save(house: House, text: str = BETTER, *, use: bool = True, name: str = "vorstellung", **more: Any) -> int:
    base = more.pop("base", None)
    newest = templating.work_on(house.app, "twitter", name).newest
    return templating.save(
        house.app, "twitter", name, text, more.get("note", ""), base=newest if base is None else base, use=use
    )


# --- what fills announcements


def test_a_revision_in_use_fills_what_nobody_touched_and_nothing_else(house: House) -> None:
    edited, approved, held, *others = introductions(house)
    house.app.edit(edited["id"], text="Von Hand https://example.org/orte/1/", link=None, image=None, no_image=False)
    house.app.decide("approve", [approved["id"]])
    house.app.decide("hold", [held["id"]])
    untouched = {one["id"]: one["text"] for one in house.app.announcements() if one["step"] == "aufruf"}
    assert save(house) == 1
    now = {one["id"]: one for one in introductions(house)}
    for one in (held, *others):
        assert now[one["id"]]["text"].startswith("Ganz neu: ")
        assert now[one["id"]]["template_revision"] == digest_of(BETTER)
    assert now[edited["id"]]["text"].startswith("Von Hand")
    assert (now[approved["id"]]["text"], now[approved["id"]]["state"]) == (approved["text"], "approved")
    assert now[held["id"]]["state"] == "held"
    assert {one["id"]: one["text"] for one in house.app.announcements() if one["step"] == "aufruf"} == untouched


def test_a_draft_changes_nothing_until_it_is_used(house: House) -> None:
    before = {one["id"]: one["text"] for one in introductions(house)}
    save(house, use=False)
    house.app.plan()
    assert {one["id"]: one["text"] for one in introductions(house)} == before
    templating.activate(house.app, "twitter", "vorstellung", 1)
    assert all(one["text"].startswith("Ganz neu") for one in introductions(house))


def test_another_process_sees_it_without_a_restart(house: House) -> None:
    daemon = house.another_app()
    assert daemon.templates.revision("twitter", "vorstellung") != digest_of(BETTER)
    save(house)
    assert daemon.templates.revision("twitter", "vorstellung") == digest_of(BETTER)
    daemon.close()


def test_what_a_process_that_died_left_behind_the_next_planning_fills(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as died:
        died.setattr(templating, "refill", lambda *_: None)
        save(house)
    assert not any(one["text"].startswith("Ganz neu") for one in introductions(house))
    with house.at_work() as work:
        work.plan()
    assert all(one["text"].startswith("Ganz neu") for one in introductions(house))


def test_a_planning_that_began_before_does_not_bring_the_old_text_back(house: House) -> None:
    with house.app.database.read() as connection:
        old = house.app.house(connection)
    save(house)
    with house.app.database.write() as connection:
        templating.planning.refresh(connection, old)
    assert all(one["text"].startswith("Ganz neu") for one in introductions(house))


def test_new_announcements_take_the_revision_in_use(house: House) -> None:
    save(house)
    with sqlite3.connect(house.directory / "portal.db") as portal:
        portal.execute(
            "INSERT INTO orte VALUES (9, 'Neuhof', 'https://example.org/9/', '2026-11-20T09:00:00+01:00', 'Kalbe', '')"
        )
    house.app.pull()
    house.app.plan()
    (new,) = [one for one in introductions(house) if one["place_name"] == "Neuhof"]
    assert new["text"].startswith("Ganz neu: Neuhof") and new["template_revision"] == digest_of(BETTER)


def test_the_way_back_is_an_old_revision_or_the_shipped_file(house: House) -> None:
    first = introductions(house)[0]
    save(house)
    save(house, BETTER.replace("Ganz neu", "Frisch dabei"))
    assert introductions(house)[0]["text"].startswith("Frisch dabei")
    templating.activate(house.app, "twitter", "vorstellung", 1)
    assert introductions(house)[0]["text"].startswith("Ganz neu")
    templating.activate(house.app, "twitter", "vorstellung", SHIPPED)
    assert introductions(house)[0]["text"] == first["text"]
    assert introductions(house)[0]["template_revision"] == first["template_revision"]
    template = templating.work_on(house.app, "twitter", "vorstellung")
    assert [(one.number, one.active) for one in template.revisions] == [(2, False), (1, False), (SHIPPED, True)]


def test_who_revised_what_stands_in_the_log(light: House) -> None:
    save(light, note="kürzerer\nAnfang")
    saved, activated = [one for one in light.app.log_entries() if one["event"].startswith("template_")]
    assert saved["event"] == "template_saved" and saved["actor_name"] == "cli:anna"
    assert saved["detail"] == {
        "template": "twitter/vorstellung",
        "number": 1,
        "revision": digest_of(BETTER),
        "note": "kürzerer Anfang",
    }
    assert activated["event"] == "template_activated"
    assert light.app.verify_log(None).ok


def test_what_went_out_keeps_the_revision_it_was_made_with(light: House) -> None:
    first = introductions(light)[0]
    light.app.decide("approve", [first["id"]])
    light.clock.set(light.app.clock.now().fromisoformat(first["at"]))  # type: ignore[attr-defined]
    with light.at_work() as work:
        work.deliver()
    assert light.state(first["id"]) is State.POSTED
    save(light)
    assert light.one(first["id"])["template_revision"] == first["template_revision"]


# --- what is refused

BAD = {
    "{{ name ": "Zeile",
    "Hallo {{ nmae }} {{ link }}": "gemeint ist vielleicht »name«",
    "{{ link }}" + " Wort" * 200: "passt auch gekürzt nicht",
    "{# nichts #}": "leeren Text",
    "{% optional 3 %}{{ credit }}{% endoptional %}{{ name }}": "Bildnachweis",
    "Ohne Nachweis: {{ name }} {{ link }}": "Bildnachweis",
    "{% for n in range(99999) %}x{% endfor %}": "range",
    "{{ ''.__class__ }}": "nicht erlaubt",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_text_is_kept_as_a_draft_and_never_used(light: House, text: str) -> None:
    before = {one["id"]: one["text"] for one in introductions(light)}
    with pytest.raises(Refusal, match="template_unusable"):
        save(light, text)
    assert templating.work_on(light.app, "twitter", "vorstellung").newest == SHIPPED
    assert save(light, text, use=False) == 1
    with pytest.raises(Refusal, match="template_unusable"):
        templating.activate(light.app, "twitter", "vorstellung", 1)
    light.app.plan()
    assert {one["id"]: one["text"] for one in introductions(light)} == before


def test_a_template_of_calls_is_tried_as_a_call(light: House) -> None:
    with pytest.raises(Refusal, match="leeren Text"):
        save(light, "{{ name }}", name="aufruf")
    assert save(light, "Wer fehlt noch? {{ link }}", name="aufruf") == 1


def test_who_was_slower_learns_it_and_loses_nothing(light: House) -> None:
    save(light, base=0)
    with pytest.raises(Refusal, match="template_saved_meanwhile: 1"):
        save(light, BETTER + "Mehr\n", base=0)
    assert save(light, BETTER + "Mehr\n", base=1) == 2


def test_of_several_at_once_one_saves(house: House) -> None:
    def attempt(number: int) -> int | str:
        text = BETTER + f"Von {number}\n"
        try:
            return templating.save(house.app, "twitter", "vorstellung", text, "", base=0, use=True)
        except Refusal as refusal:
            return refusal.word

    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(attempt, range(6)))
    assert sorted(map(str, ended)) == ["1"] + ["template_saved_meanwhile"] * 5
    assert len(templating.work_on(house.app, "twitter", "vorstellung").revisions) == 2


def test_no_change_is_no_revision(light: House) -> None:
    shipped = templating.work_on(light.app, "twitter", "vorstellung").revisions[-1].text
    with pytest.raises(Refusal, match="template_unchanged"):
        save(light, shipped.replace("\n", "\r\n"))
    assert save(light, use=False) == 1
    assert save(light, use=True) == 1  # the draft itself is taken into use
    with pytest.raises(Refusal, match="template_unchanged"):
        save(light)


def test_a_text_that_is_too_long_or_holds_what_no_editor_shows(light: House) -> None:
    with pytest.raises(Refusal, match="template_too_long"):
        save(light, "x" * 20_001, use=False)
    save(light, "Hallo\x00 \x1b{{ name }}\r\n{{ link }}", use=False)
    assert templating.work_on(light.app, "twitter", "vorstellung").revisions[0].text == "Hallo {{ name }}\n{{ link }}\n"


@pytest.mark.parametrize("name", ["", "über", "a/b", "../x", "x" * 61, "a b"])
def test_a_copy_has_a_name_that_campaigns_can_write(light: House, name: str) -> None:
    with pytest.raises(Refusal, match="template_name_unusable"):
        templating.copy(light.app, "twitter", "vorstellung", None, "twitter", name)


def test_a_copy_is_a_draft_for_either_network_and_is_then_used(light: House) -> None:
    templating.copy(light.app, "twitter", "vorstellung", None, "facebook", "kurz")
    with pytest.raises(Refusal, match="template_exists"):
        templating.copy(light.app, "twitter", "vorstellung", None, "facebook", "kurz")
    with pytest.raises(Refusal, match="template_exists"):
        templating.copy(light.app, "twitter", "vorstellung", None, "facebook", "aufruf")
    assert "kurz" not in light.app.templates.names("facebook")
    assert templating.listed(light.app)["kurz"]["facebook"].drafts == 1
    templating.activate(light.app, "facebook", "kurz", 1)
    assert "kurz" in light.app.templates.names("facebook")
    templating.activate(light.app, "facebook", "kurz", SHIPPED)  # nothing uses it: out of use again
    assert "kurz" not in light.app.templates.names("facebook")


def test_what_a_campaign_needs_is_not_taken_away(light: House) -> None:
    templating.copy(light.app, "twitter", "vorstellung", None, "twitter", "kurz")
    templating.activate(light.app, "twitter", "kurz", 1)
    light.app.apply_campaign(CAMPAIGN.format(approval="one").replace('template = "vorstellung"', 'template = "kurz"'))
    with pytest.raises(Refusal, match="template_in_use"):
        templating.activate(light.app, "twitter", "kurz", SHIPPED)


def test_unknown_names_are_unknown(light: House) -> None:
    for network, name in (("myspace", "vorstellung"), ("twitter", "gibtesnicht"), ("twitter", "../../web/base")):
        with pytest.raises(Unknown):
            templating.work_on(light.app, network, name)
    with pytest.raises(Unknown):
        templating.activate(light.app, "twitter", "vorstellung", 7)
    for key in ("99", "-1", "x", "9" * 30):
        with pytest.raises(Unknown):
            templating.place_for(light.app, key)


# --- what is shown


def test_the_list_tells_use_lengths_and_what_is_missing(light: House) -> None:
    listed = templating.listed(light.app)
    cell = listed["vorstellung"]["twitter"]
    assert [(use.campaign, use.step) for use in cell.uses] == [("altmark", "vorstellung")]
    assert set(cell.trials) == set(SAMPLE_PLACES)
    assert all(0 < one.length <= one.room == 280 and not one.problems for one in cell.trials.values())
    assert list(listed["aufruf"]["facebook"].trials) == ["call"]  # unused there, and written for calls
    light.app.apply_campaign(CAMPAIGN.format(approval="one").replace('template = "aufruf"', 'template = "fehlt"'))
    assert templating.listed(light.app)["fehlt"]["twitter"].missing


def test_shipped_templates_are_well_in_every_trial(light: House) -> None:
    for cells in templating.listed(light.app).values():
        for cell in cells.values():
            assert not [problem for one in cell.trials.values() for problem in one.problems]


def test_an_active_revision_that_can_no_longer_be_read_is_told(light: House) -> None:
    save(light)
    with light.app.database.write() as connection:
        connection.exec_driver_sql("UPDATE template_revisions SET text = '{{ broken '")
    (found,) = [one for one in examine(light.app) if one.check == "template" and not one.ok]
    assert found.subject == "twitter/vorstellung"
    light.app.plan()
    assert {one["state"] for one in introductions(light)} == {"held"}


def test_differences_name_lines_and_words() -> None:
    found = differences("a\nMein alter Satz bleibt stehen\nc\n", "a\nMein neuer Satz bleibt stehen\nc\nd\n")
    assert [(one.kind, one.old, one.new) for one in found] == [
        ("same", 1, 1),
        ("out", 2, None),
        ("in", None, 2),
        ("same", 3, 3),
        ("in", None, 4),
    ]
    assert [text for text, differs in found[1].pieces if differs] == ["alter"]
    assert [text for text, differs in found[2].pieces if differs] == ["neuer"]
    assert "".join(text for text, _ in found[2].pieces) == "Mein neuer Satz bleibt stehen"
    assert all(one.kind == "same" for one in differences("x\ny", "x\ny"))


def test_differences_of_large_texts_take_no_time() -> None:
    lines = differences("\n" * 20_000 + "Ende", "x\n" * 10_000 + "Ende")
    assert len(lines) == 30_001
    assert differences("a " * 10_000, "b " * 10_000)
