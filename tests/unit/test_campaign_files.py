"""Campaign files: the contract's example, its defaults, the sentences for what is wrong, and the way back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.campaign_file import write_campaign
from campaign.campaigns import (
    APPROVALS,
    PICTURES,
    Blackout,
    Call,
    Campaign,
    CampaignError,
    Quiet,
    Rhythm,
    Slot,
    Step,
    campaign_to_mapping,
    format_duration,
    parse_campaign,
    read_campaign,
)
from campaign.news import problem, problem_of_file
from campaign.settings import parse_duration

WHOLE = """
name = "altmark-pilot"
title = "Kreativorte der Altmark"
starts = 2026-11-01
ends = 2027-06-30
announce_published_from = 2026-05-01
portals = []
regions = ["Altmark"]
categories = []
channels = ["altmark-facebook", "altmark-x"]
approval = "four-eyes"
late_grace = "3h"
require_image = true
utm_campaign = "pilot"
budget_usd = 25.0
budget_usd_month = 5

[[steps]]
name = "vorstellung"
template = "vorstellung"
after = "0d"
picture = "card"
[[steps]]
name = "nachklang"
templates = ["nachklang", "nachklang-frage"]
after = "21d"

[[calls]]
name = "aufruf"
template = "aufruf"
recurs = "FREQ=MONTHLY;BYDAY=1TU"

[rhythm]
slots = ["Tue 10:00", "Thu 17:30"]
quiet = ["20:00-08:00"]
max_per_day = 1
max_per_week = 3
min_gap = "20h"
skip_holidays = false
blackouts = [{ from = 2027-02-01, to = 2027-02-14, reason = "Wahl" }]
[rhythm.channel."altmark-x"]
slots = ["Wed 12:30"]
max_per_week = 2
"""

SMALL = """
name = "klein"
starts = 2026-11-01
ends = 2026-12-31
channels = ["seite"]
[[steps]]
name = "vorstellung"
template = "vorstellung"
[rhythm]
slots = ["Mon 09:00"]
"""


def small(**changes: Any) -> dict[str, Any]:
    return {
        "name": "klein",
        "starts": "2026-11-01",
        "ends": "2026-12-31",
        "channels": ["seite"],
        "steps": [{"name": "vorstellung", "template": "vorstellung"}],
        "rhythm": {"slots": ["Mon 09:00"]},
    } | changes


def problems(mapping: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(CampaignError) as caught:
        parse_campaign(mapping)
    return sentences(caught.value)


def sentences(error: CampaignError) -> tuple[str, ...]:
    german = [problem_of_file(one, "de") for one in error.problems]
    assert all(one and "\n" not in one for one in [*german, *(problem(one, "de") for one in error.problems)])
    return tuple(problem_of_file(one, "en") for one in error.problems)


def test_every_name_of_the_contract_is_read() -> None:
    base = Rhythm(
        slots=(Slot(1, time(10)), Slot(3, time(17, 30))),
        quiet=(Quiet(time(20), time(8)),),
        max_per_day=1,
        max_per_week=3,
        min_gap=timedelta(hours=20),
        skip_holidays=False,
        blackouts=(Blackout(date(2027, 2, 1), date(2027, 2, 14), "Wahl"),),
    )
    campaign = read_campaign(WHOLE)
    assert campaign == Campaign(
        name="altmark-pilot",
        title="Kreativorte der Altmark",
        starts=date(2026, 11, 1),
        ends=date(2027, 6, 30),
        steps=(
            Step("vorstellung", ("vorstellung",), timedelta(0), "card"),
            Step("nachklang", ("nachklang", "nachklang-frage"), timedelta(days=21), "photo"),
        ),
        rhythm=base,
        channels=("altmark-facebook", "altmark-x"),
        announce_published_from=date(2026, 5, 1),
        calls=(Call("aufruf", ("aufruf",), "FREQ=MONTHLY;BYDAY=1TU"),),
        channel_rhythms=campaign.channel_rhythms,
        regions=("Altmark",),
        approval="four-eyes",
        late_grace=timedelta(hours=3),
        require_image=True,
        utm_campaign="pilot",
        budget_usd=25.0,
        budget_usd_month=5.0,
    )
    assert campaign.rhythm_of("altmark-facebook") == base
    own = campaign.rhythm_of("altmark-x")
    assert own.slots == (Slot(2, time(12, 30)),)
    assert own.max_per_week == 2
    assert (own.quiet, own.max_per_day, own.min_gap, own.blackouts) == (
        base.quiet,
        base.max_per_day,
        base.min_gap,
        base.blackouts,
    )


def test_defaults_are_the_contracts() -> None:
    campaign = read_campaign(SMALL)
    assert campaign.title == "klein"
    assert campaign.announce_published_from == campaign.starts
    assert (campaign.portals, campaign.regions, campaign.categories, campaign.calls) == ((), (), (), ())
    assert campaign.approval == "one"
    assert campaign.late_grace == timedelta(hours=2)
    assert campaign.require_image is False
    assert campaign.utm_campaign == "klein"
    assert (campaign.budget_usd, campaign.budget_usd_month) == (None, None)
    assert campaign.steps == (Step("vorstellung", ("vorstellung",), timedelta(0), "photo"),)
    assert campaign.rhythm == Rhythm(slots=(Slot(0, time(9)),))
    assert campaign.rhythm.skip_holidays is True


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chanels": []}, "'chanels' is unknown; did you mean 'channels'?"),
        ({"rhythm": {"slots": ["Mon 09:00"], "max_per_weak": 1}}, "'rhythm.max_per_weak' is unknown; did you mean"),
        ({"steps": [{"name": "a", "template": "a", "pictures": "card"}]}, "'steps[1].pictures' is unknown"),
        ({"approval": "four_eyes"}, "approval must be one of none, one, four-eyes; did you mean 'four-eyes'?"),
        ({"starts": "bald"}, "starts must be a date such as 2026-11-01."),
        ({"starts": datetime(2026, 11, 1, tzinfo=UTC)}, "starts must be a date such as"),
        ({"starts": "0001-01-01"}, "starts must lie between"),
        ({"ends": "2026-10-31"}, "ends must not lie before starts."),
        ({"late_grace": "zwei Stunden"}, "late_grace can't be read: 'zwei Stunden' is not a duration"),
        ({"late_grace": "3655d"}, "late_grace must not be longer than ten years."),
        ({"late_grace": "99999d"}, "late_grace can't be read: '99999d' is longer than ten years"),
        ({"channels": []}, "channels must name at least one channel."),
        ({"channels": "seite"}, "channels must be a list of texts."),
        ({"require_image": "ja"}, "require_image must be true or false."),
        ({"budget_usd": -1}, "budget_usd must be an amount in US dollars, 0 or more."),
        ({"budget_usd": True}, "budget_usd must be an amount"),
        ({"name": " x"}, "name must be a text of 1 to 100 printable characters"),
        ({"name": 7}, "name must be a text."),
        ({"steps": []}, "steps and calls are both missing"),
        ({"steps": {"name": "a"}}, "steps must be a list of tables, written [[steps]]."),
        ({"steps": ["a"]}, "steps[1] must be a table."),
        ({"steps": [{"name": "a"}]}, "steps[1].template or templates is needed"),
        ({"steps": [{"name": "a", "template": "a", "templates": ["b"]}]}, "only one of them."),
        ({"steps": [{"name": "a", "templates": []}]}, "steps[1].templates needs at least one name."),
        ({"steps": [{"name": "a", "template": "../../secret"}]}, "must consist of letters, digits, - and _."),
        ({"steps": [{"name": "a", "template": "a"}] * 2}, "'a' stands for more than one of steps and calls."),
        ({"rhythm": {}}, "rhythm.slots names no slot for seite"),
        ({"rhythm": {"slots": ["Dienstag 10:00"]}}, "rhythm.slots has 'Dienstag 10:00'; a slot is a weekday"),
        ({"rhythm": {"slots": ["Tue 24:00"]}}, "rhythm.slots has 'Tue 24:00'"),
        ({"rhythm": {"slots": ["Tue 10:00"], "quiet": ["20:00"]}}, "rhythm.quiet has '20:00'; quiet hours are two"),
        ({"rhythm": {"slots": ["Tue 10:00"], "quiet": ["08:00-08:00"]}}, "rhythm.quiet has '08:00-08:00'"),
        ({"rhythm": {"slots": ["Tue 10:00"], "max_per_day": 0}}, "rhythm.max_per_day must be a whole number, 1"),
        (
            {"rhythm": {"slots": ["Tue 10:00"], "blackouts": [{"from": "2027-02-14", "to": "2027-02-01"}]}},
            "rhythm.blackouts[1].to must not lie before from.",
        ),
        (
            {"rhythm": {"slots": ["Tue 10:00"], "blackouts": [{"to": "2027-02-01"}]}},
            "rhythm.blackouts[1].from is missing.",
        ),
        (
            {"rhythm": {"slots": ["Tue 10:00"], "channel": {"siete": {}}}},
            "rhythm.channel.\"siete\" is none of the campaign's channels; did you mean 'seite'?",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_that_names_the_key(changes: dict[str, Any], sentence: str) -> None:
    (only,) = [problem for problem in problems(small(**changes)) if sentence in problem]
    assert only.endswith((".", "?"))
    assert "\n" not in only


@pytest.mark.parametrize(
    "recurs",
    [
        "monthly",
        "FREQ=HOURLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=MONTHLY;BYDAY=1XX",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;UNTIL=20200101",
        "FREQ=DAILY\nFREQ=WEEKLY",
    ],
)
def test_a_recurrence_that_would_never_end_or_never_come_is_refused(recurs: str) -> None:
    calls = [{"name": "aufruf", "template": "aufruf", "recurs": recurs}]
    (problem,) = problems(small(calls=calls))
    assert problem.startswith("calls[1].recurs ")


def test_all_problems_are_named_at_once() -> None:
    found = problems({"name": "x", "steps": [{"name": "a"}], "rhythm": {"slots": ["heute"], "min_gap": 3}})
    named = " ".join(found)
    assert all(key in named for key in ("starts", "ends", "steps[1].template", "rhythm.slots", "rhythm.min_gap"))


def test_a_file_that_is_no_toml_is_one_sentence() -> None:
    with pytest.raises(CampaignError) as caught:
        read_campaign("name = ")
    (only,) = sentences(caught.value)
    assert only.startswith("The campaign file is not valid TOML: ")


@pytest.mark.parametrize("until", ["UNTIL=20270105", "UNTIL=20270105T000000Z", "UNTIL=20270105T000000"])
def test_a_recurrence_names_its_days_until_included_in_every_form(until: str) -> None:
    call = Call("aufruf", ("aufruf",), f"RRULE:FREQ=MONTHLY;BYDAY=1TU;{until}")
    days = list(call.days(date(2026, 11, 1), date(2027, 6, 30)))
    assert days == [date(2026, 11, 3), date(2026, 12, 1), date(2027, 1, 5)]


def test_a_recurrence_ends_with_the_last_day_asked_for() -> None:
    call = Call("aufruf", ("aufruf",), "FREQ=WEEKLY;BYDAY=MO")
    assert list(call.days(date(2026, 11, 1), date(2026, 11, 16))) == [
        date(2026, 11, 2),
        date(2026, 11, 9),
        date(2026, 11, 16),
    ]


NAMES = st.text("abcäöü XYZ09-_„“", min_size=1, max_size=20).map(str.strip).filter(bool)
TEMPLATES = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), min_size=1, max_size=3, unique=True)
DURATIONS = st.integers(0, 10**9).map(lambda milliseconds: timedelta(milliseconds=milliseconds))
DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))
CLOCKS = st.times().map(lambda at: at.replace(second=0, microsecond=0))
MONEY = st.none() | st.floats(0, 10**6)


@st.composite
def rhythms(draw: st.DrawFn) -> Rhythm:
    quiet = st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Quiet(*pair))
    blackout = st.tuples(DAYS, DAYS, NAMES).map(lambda parts: Blackout(min(parts[:2]), max(parts[:2]), parts[2]))
    return Rhythm(
        slots=tuple(draw(st.lists(st.builds(Slot, st.integers(0, 6), CLOCKS), min_size=1, max_size=4, unique=True))),
        quiet=tuple(draw(st.lists(quiet, max_size=2, unique=True))),
        max_per_day=draw(st.none() | st.integers(1, 9)),
        max_per_week=draw(st.none() | st.integers(1, 9)),
        min_gap=draw(DURATIONS),
        skip_holidays=draw(st.booleans()),
        blackouts=tuple(draw(st.lists(blackout, max_size=2))),
    )


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    starts, ends = sorted((draw(DAYS), draw(DAYS)))
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    cut = draw(st.integers(0, len(names) - 1))
    channels = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    own = sorted(draw(st.lists(st.sampled_from(channels), unique=True)))
    lists = st.lists(NAMES, max_size=3, unique=True).map(tuple)
    return Campaign(
        name=draw(NAMES),
        title=draw(NAMES),
        starts=starts,
        ends=ends,
        steps=tuple(
            Step(name, tuple(draw(TEMPLATES)), draw(DURATIONS), draw(st.sampled_from(PICTURES))) for name in names[:cut]
        ),
        calls=tuple(Call(name, tuple(draw(TEMPLATES)), "FREQ=MONTHLY;BYDAY=1TU") for name in names[cut:]),
        rhythm=draw(rhythms()),
        channels=tuple(channels),
        announce_published_from=draw(DAYS),
        channel_rhythms=tuple((name, draw(rhythms())) for name in own),
        portals=draw(lists),
        regions=draw(lists),
        categories=draw(lists),
        approval=draw(st.sampled_from(APPROVALS)),
        late_grace=draw(DURATIONS),
        require_image=draw(st.booleans()),
        utm_campaign=draw(NAMES),
        budget_usd=draw(MONEY),
        budget_usd_month=draw(MONEY),
    )


@given(campaigns())
def test_what_the_store_keeps_reads_back_unchanged(campaign: Campaign) -> None:
    kept = json.loads(json.dumps(campaign_to_mapping(campaign), sort_keys=True))
    assert parse_campaign(kept) == campaign


@given(campaigns())
def test_a_written_campaign_file_reads_back_as_the_same_campaign(campaign: Campaign) -> None:
    read = read_campaign(write_campaign(campaign))
    assert all(read.rhythm_of(channel) == campaign.rhythm_of(channel) for channel in campaign.channels)
    rhythms = {"rhythm": campaign.rhythm, "channel_rhythms": campaign.channel_rhythms}
    assert replace(read, **rhythms) == campaign  # type: ignore[arg-type]
    assert write_campaign(read) == write_campaign(campaign)


def test_a_written_file_says_for_a_channel_only_what_differs() -> None:
    written = write_campaign(read_campaign(WHOLE))
    assert '[rhythm.channel."altmark-x"]\nslots = ["Wed 12:30"]\nmax_per_week = 2\n' in written
    assert 'templates = ["nachklang", "nachklang-frage"]' in written and 'template = "vorstellung"' in written
    assert "portals" not in written and "budget_usd_month = 5.0" in written


def test_a_name_with_signs_of_toml_is_written_so_that_it_is_read() -> None:
    odd = replace(read_campaign(SMALL), name='a"b\\c]#', channels=('x"\\y.z',), title="„ß“ 'x'")
    assert read_campaign(write_campaign(odd)) == replace(odd, utm_campaign="klein")


def test_the_kept_form_names_every_field() -> None:
    kept = campaign_to_mapping(read_campaign(WHOLE))
    names = {field.name for field in fields(Campaign)} - {"channel_rhythms"}
    assert set(kept) == names


@given(DURATIONS)
def test_durations_are_written_as_they_are_read(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | DAYS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(
        [*campaign_to_mapping(read_campaign(WHOLE)), "rhythm.slots", "rhythm.channel", "steps.after", "calls.recurs"]
    ),
)
def test_whatever_is_written_comes_out_as_a_campaign_or_as_sentences(value: object, key: str) -> None:
    mapping = campaign_to_mapping(read_campaign(WHOLE))
    table, _, name = key.rpartition(".")
    inner = mapping[table] if table else mapping
    (inner[0] if isinstance(inner, list) else inner)[name] = value
    try:
        parse_campaign(mapping)
    except CampaignError as error:
        assert error.problems
        assert all(problem and "\n" not in problem for problem in sentences(error))
