"""Whatever waits for a person is named by `doctor`, with what happened and the command that helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from campaign.desk import Refusal
from campaign.doctor import examine
from campaign.places import Place
from campaign.settings import interpret
from campaign.store import note_portal, save_place, set_announcement
from posts import ledger
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from posts.tables import channels, deliveries
from tests.integration.harness import House, Networks
from tests.integration.test_daemon import CAMPAIGN

DAY = 86400


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def one_time(server: Server, clock: ManualClock) -> None:
    """The networks' clock is ours: that they differ is a finding of its own."""
    Networks(server).control("/_clock", {"now": clock.now().isoformat()})


@pytest.fixture
def build(tmp_path: Path, server: Server, clock: ManualClock) -> Iterator[Callable[[str], House]]:
    made = []

    def in_language(language: str) -> House:
        url = f"sqlite:///{tmp_path / 'k.db'}"
        made.append(House(tmp_path, url, Networks(server), clock, language=language))
        return made[-1]

    yield in_language
    for house in made:
        house.app.close()


@pytest.fixture
def house(build: Callable[[str], House]) -> House:
    return build("de")


def open_findings(house: House) -> dict[str, str]:
    """Check and subject of everything that is open, with its advice."""
    found: dict[str, str] = {}
    for one in examine(house.app):
        if not one.ok:
            key = f"{one.check} {one.subject}"
            found[key] = f"{found.get(key, '')} {one.advice}".strip()
    return found


def put(house: House, announcement_id: int, state: State, **values: Any) -> None:
    """Where the announcement stands, as if it had come there."""
    with house.app.database.write() as connection:
        change = update(deliveries).where(deliveries.c.id == announcement_id)
        connection.execute(change.values(state=state.value, **values))


def daemon_was_here(house: House) -> None:
    with house.app.database.write() as connection:
        ledger.enroll(connection, "w", 1, "amt-pc", house.clock.now())


def test_a_sound_house_has_nothing_open_and_an_announcement_ahead_asks_for_nothing(house: House) -> None:
    house.add(house.channel("twitter"), after=30 * DAY)
    assert open_findings(house) == {}


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    ("state", "values", "verbs"),
    [
        (State.REFUSED, {"reason": "too_long"}, ["retry {0}", "add", "cancel {0}"]),
        (State.IN_DOUBT, {"reason": "several_candidates"}, ["settle {0} --found ID", "settle {0} --absent"]),
        (State.MISSED, {}, ["move {0} --at", "cancel {0}"]),
        (State.HELD, {"hold_reason": "person"}, ["release {0}", "edit {0}", "cancel {0}"]),
        (State.UNKNOWN, {"reason": "timeout"}, []),
        (State.DRAFT, {}, ["show {0}", "approve {0}"]),
    ],
)
def test_an_announcement_that_waits_for_a_person_is_named_with_the_command_that_helps(
    build: Callable[[str], House], language: str, state: State, values: dict[str, Any], verbs: list[str]
) -> None:
    house = build(language)
    announcement = house.add(house.channel("twitter"), after=DAY)
    daemon_was_here(house)
    put(house, announcement, state, **values)
    ((what, told),) = open_findings(house).items()
    assert what == f"announcement {announcement} {state.value}"
    assert [verb for verb in verbs if f"`kreativorte announcement {verb.format(announcement)}" not in told] == []
    assert told.count("`kreativorte") == len(verbs)
    german = {"Der", "Das", "Ob"}
    assert (told.split()[0] in german) == (language == "de")


def test_the_stored_reason_is_part_of_the_advice(house: House) -> None:
    announcement = house.add(house.channel("twitter"), after=DAY)
    put(house, announcement, State.HELD, hold_reason="budget_used_up:25.00")
    assert "Das Budget der Kampagne ist ausgeschöpft (25.00 USD)." in "".join(open_findings(house).values())


@pytest.mark.parametrize("state", [State.DRAFT, State.HELD])
def test_what_passed_its_slot_unsent_must_be_moved_first(house: House, clock: ManualClock, state: State) -> None:
    announcement = house.add(house.channel("twitter"), after=60)
    put(house, announcement, state)
    clock.advance(3 * 3600)
    (told,) = open_findings(house).values()
    assert f"`kreativorte announcement move {announcement} --at ZEIT`, danach" in told


def test_a_draft_is_called_to_mind_three_days_ahead(house: House, clock: ManualClock) -> None:
    put(house, house.add(house.channel("twitter"), after=4 * DAY), State.DRAFT)
    assert open_findings(house) == {}
    clock.advance(DAY + 60)
    assert len(open_findings(house)) == 1


def test_an_approved_text_whose_place_changed_is_to_be_read_again(house: House) -> None:
    announcement = house.add(house.channel("twitter"), after=30 * DAY)
    with house.app.database.write() as connection:
        set_announcement(connection, announcement, house.clock.now(), problems=["place_changed"])
    assert f"announcement {announcement} approved" in open_findings(house)
    house.app.edit(announcement, text=None, link=None, image=None, no_image=False)
    house.app.decide("approve", [announcement])
    assert open_findings(house) == {}


def test_what_is_out_and_changed_since_is_told_until_a_person_has_seen_to_it(house: House) -> None:
    announcement = house.add(house.channel("twitter"))
    with house.at_work() as work:
        work.deliver()
    with house.app.database.write() as connection:
        set_announcement(connection, announcement, house.clock.now(), problems=["posted_place_changed"])
    ((what, told),) = open_findings(house).items()
    assert what == f"announcement {announcement} posted"
    assert f"`kreativorte announcement release {announcement}`" in told
    (seen_to,) = house.app.decide("release", [announcement])
    assert (seen_to["state"], seen_to["problems"]) == ("posted", [])
    assert open_findings(house) == {}
    (entry,) = [one for one in house.app.log_entries(announcement) if one["event"] == "seen_to"]
    assert (entry["actor_name"], entry["detail"]) == ("cli:anna", {"problems": ["posted_place_changed"]})
    with pytest.raises(Refusal, match="not_held"):
        house.app.decide("release", [announcement])


def test_a_silent_daemon_is_told_while_something_is_due(house: House, clock: ManualClock) -> None:
    announcement = house.add(house.channel("twitter"), after=60)
    assert open_findings(house) == {}
    clock.advance(61)
    assert "`kreativorte daemon`" in open_findings(house)["daemon "]
    daemon_was_here(house)
    assert open_findings(house) == {}
    clock.advance(301)
    told = open_findings(house)
    assert list(told) == ["daemon amt-pc"] and "2026-11-24 10:01" in told["daemon amt-pc"]
    put(house, announcement, State.POSTED, remote_id="1")
    assert open_findings(house) == {}


def test_a_silent_daemon_is_told_while_a_doubt_is_open(house: House, clock: ManualClock) -> None:
    announcement = house.add(house.channel("twitter"), after=DAY)
    daemon_was_here(house)
    put(house, announcement, State.UNKNOWN)
    clock.advance(301)
    assert "daemon amt-pc" in open_findings(house)


def test_a_paused_channel_tells_what_it_keeps_back(house: House, clock: ManualClock) -> None:
    name = house.channel("twitter")
    house.add(name, after=60)
    house.app.set_channel(name, "pause")
    clock.advance(61)
    daemon_was_here(house)
    ((what, told),) = open_findings(house).items()
    assert what == f"channel {name} (sandbox)"
    assert "zurückgehalten: 1." in told and f"`kreativorte channel resume {name}`" in told


def test_a_paused_campaign_is_open_once_it_keeps_something_back(house: House, clock: ManualClock) -> None:
    channel = house.channel("facebook")
    house.app.apply_campaign(CAMPAIGN.format(channel=channel))
    house.app.plan()
    house.app.pause_campaign("probe", True)
    found = {one.check: one.ok for one in examine(house.app)}
    assert found["campaign"]
    clock.advance(9 * DAY + 3600)
    daemon_was_here(house)
    assert "`kreativorte campaign resume probe`" in open_findings(house)["campaign probe"]


def channel_row(house: House, name: str, **values: Any) -> None:
    with house.app.database.write() as connection:
        connection.execute(update(channels).where(channels.c.name == name).values(**values))


def test_a_signed_out_channel_says_how_to_connect_it_again(house: House) -> None:
    name = house.channel("facebook")
    channel_row(house, name, signed_out="password_changed")
    (told,) = open_findings(house).values()
    assert "Das Passwort des Kontos wurde geändert" in told
    assert f"`kreativorte channel add {name} --network facebook --account 1001 --credentials DATEI`" in told
    assert f"`kreativorte channel check {name}`" in told


def test_a_channel_that_is_throttled_for_long_or_keeps_something_back_for_long_is_told(
    house: House, clock: ManualClock
) -> None:
    name = house.channel("twitter")
    channel_row(house, name, throttled_until=clock.now() + timedelta(minutes=15))
    assert open_findings(house) == {}
    channel_row(house, name, throttled_until=clock.now() + timedelta(hours=20))
    assert "2026-11-25 06:00" in open_findings(house)[f"channel {name} (sandbox)"]
    house.add(name, after=60)
    clock.advance(3700)
    daemon_was_here(house)
    channel_row(house, name, throttled_until=clock.now() + timedelta(minutes=15))
    assert list(open_findings(house)) == [f"channel {name} (sandbox)"]


def test_a_portal_tells_what_stopped_it_and_which_places_wait(house: House, tmp_path: Path) -> None:
    house._raw["portals"] = {"orte": {"url": "sqlite:///p.db", "table": "orte", "fields": {}}}
    fields = {name: name for name in ("id", "name", "url", "published_at")}
    house._raw["portals"]["orte"]["fields"] = fields
    house.app.settings = interpret(house._raw, tmp_path, None)
    assert "`kreativorte pull orte`" in open_findings(house)["portal orte"]
    now = house.clock.now()
    with house.app.database.write() as connection:
        note_portal(connection, "orte", now, "portal_list_empty:12")
        save_place(connection, Place("orte", "1", "Hof", "https://example.org/", now), now, held=True)
    told = open_findings(house)["portal orte"]
    assert "eine leere Liste, bekannt sind 12 Orte" in told
    assert "auf eine Entscheidung warten: 1." in told and "`kreativorte pull orte --accept`" in told


@pytest.mark.parametrize("state", [State.POSTED, State.CANCELLED, State.QUEUED])
def test_a_post_that_was_told_of_too_late_is_named_until_a_person_has_seen_to_it(house: House, state: State) -> None:
    announcement = house.add(house.channel("twitter"), after=DAY)
    daemon_was_here(house)
    put(house, announcement, state, also_posted="77", remote_id="78", draft={"text": "Guten Tag"})
    ((what, told),) = open_findings(house).items()
    assert what == f"announcement {announcement} {state.value}"
    assert "unter 77" in told and f"`kreativorte announcement release {announcement}`" in told
    house.app.decide("release", [announcement])
    assert open_findings(house) == {}
    assert house.events(announcement)[-1] == "seen_to"


def test_a_post_that_turned_out_to_be_that_one_is_nothing_to_tell(house: House) -> None:
    announcement = house.add(house.channel("twitter"), after=DAY)
    put(house, announcement, State.POSTED, also_posted="77", remote_id="77")
    assert open_findings(house) == {}
