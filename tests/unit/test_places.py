"""From a portal's row to a place, and from a whole list to what it means."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaign.places import Comparison, Guards, Known, Picture, Place, Reading, Rejected, compare, same_place
from campaign.portals.markup import plain_line, plain_text
from campaign.portals.portal import FIELDS, PortalMisconfigured
from campaign.portals.presets import portal_config
from campaign.portals.rows import place_from_row, reading

PUBLISHED = datetime(2026, 5, 4, 8, tzinfo=UTC)


def row(**values: object) -> dict[str, object]:
    given_here = {"id": 7, "name": "Hof", "url": "https://beispiel.de/orte/hof/", "published_at": PUBLISHED}
    return {**given_here, **values}


def place(**values: object) -> Place:
    result = place_from_row("kreativorte", row(**values))
    assert isinstance(result, Place), result
    return result


def reason(**values: object) -> str:
    result = place_from_row("kreativorte", row(**values))
    assert isinstance(result, Rejected), result
    return result.reason


# Plain text


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("Handwerk &amp; Hofcafé", "Handwerk & Hofcafé"),
        ("5 &lt; 6 &#8211; wahr", "5 < 6 – wahr"),
        ("Dienstags < 10 Uhr", "Dienstags < 10 Uhr"),
        ("<h2>Titel</h2>\n<p>Eins.</p>\r\n<p>Zwei<br>drei.</p>", "Titel\n\nEins.\n\nZwei\ndrei."),
        ("<p>Ein Satz\nüber zwei Zeilen.</p>", "Ein Satz über zwei Zeilen."),
        ("Erster Absatz.\n\nZweiter <b>Absatz</b>.", "Erster Absatz.\n\nZweiter Absatz."),
        ("<ul>\n<li>Holz</li>\n<li>Druck</li>\n</ul>Danach", "Holz\nDruck\n\nDanach"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ('<!-- wp:paragraph {"a":"b>c"} --><p>Text</p><!-- /wp:paragraph -->', "Text"),
        ("Vorne<!-- nie geschlossen", "Vorne"),
        ("<script>alert(1)</script><style>p{}</style><p>Text</p>", "Text"),
        ('<p>Vor</p>[gallery ids="1,2"]<p>Nach</p>', "Vor\n\nNach"),
        ('[caption id="a"]<img src="x.jpg"> Bildzeile[/caption]Text', "Text"),
        ("[button]Mitmachen[/button]", "Mitmachen"),
        ("[[gallery]] bleibt, [sic] auch, [gallery] nicht", "[gallery] bleibt, [sic] auch, nicht"),
        ("Text\nhttps://youtu.be/abc\nmehr", "Text\n\nmehr"),
        ('<a href="t3://page?uid=3">Anmeldung</a> hier', "Anmeldung hier"),
        ("12.\u00a0Jahrhundert, Medien\u00adwerkstatt\u200b", "12. Jahrhundert, Medienwerkstatt"),
        ("Mu\u0308hle", "Mühle"),
        ("\u202eedrewkcür\u202c\x00\x1b[0m", "edrewkcür[0m"),
        ("Kinder 👩\u200d🌾 und a\u200db", "Kinder 👩\u200d🌾 und ab"),
        ("<![endlos", "<![endlos"),
        ("a <b c", "a <b c"),
    ],
)
def test_markup_becomes_plain_text(markup: str, plain: str) -> None:
    assert plain_text(markup, 1000) == plain


def test_bytes_are_read_as_utf8_or_as_windows_text() -> None:
    assert plain_line("Mühle".encode(), 100) == plain_line("Mühle".encode("cp1252"), 100) == "Mühle"


def test_a_long_text_is_cut_between_words() -> None:
    cut = plain_text("Wort " * 1000, 50)
    assert len(cut) <= 50 and cut.endswith("Wort…")


@given(st.text(), st.integers(1, 300))
def test_plain_text_keeps_its_limit_and_holds_nothing_invisible(text: str, limit: int) -> None:
    for plain in (plain_text(text, limit), plain_line(text, limit)):
        assert len(plain) <= limit
        assert plain == plain.strip()
        assert not set(plain) & set("\x00\x1b\r\u00a0\u00ad\u200b\u200e\u202e\u2066\ufeff")
    assert "\n" not in plain_line(text, limit)


@pytest.mark.parametrize(
    "piece", ["<div>", "</x>", "<b><i>", "<", "<!--", "<a ", "<a b='", "[caption]", "&", "<!x>", "<?x>"]
)
def test_hostile_markup_is_read_like_any_other(piece: str) -> None:
    # With a parser of quadratic time, some of these would need minutes and run into the suite's time limit.
    assert len(plain_text(piece * 30_000, 100)) <= 100


# Rows


def test_a_full_row_becomes_a_place() -> None:
    full = place(
        regions="Altmark;Harz; Altmark",
        town="Hansestadt&nbsp;Salzwedel",
        categories='["Wohnen/Bauen", "Leben/Tourismus"]',
        hashtags="#Altmark\x1f#Fachwerk; und mehr",
        teaser="<p>Kurz.</p>",
        body="<p>Lang.</p><p>Länger.</p>",
        image_url="Gröninger Bad Fassade.jpg",
        image_alt="Ein Hof",
        image_credit="Foto: ART",
        images='[{"url": "https://a.de/b c.jpg", "alt": "B", "credit": "C"}, {"url": "Gröninger Bad Fassade.jpg"}]',
        lat="52,854",
        lon=Decimal("11.153"),
        updated_at="2026-06-01 10:00:00",
        handle_x="https://x.com/hof_altmark",
        handle_facebook="@hof.altmark",
        withdrawn=0,
    )
    assert full == Place(
        portal="kreativorte",
        external_id="7",
        name="Hof",
        url="https://beispiel.de/orte/hof/",
        published_at=PUBLISHED,
        regions=("Altmark", "Harz"),
        town="Hansestadt Salzwedel",
        categories=("Wohnen/Bauen", "Leben/Tourismus"),
        hashtags=("#Altmark", "#Fachwerk; und mehr"),
        teaser="Kurz.",
        body="Lang.\n\nLänger.",
        pictures=(
            Picture("Gröninger Bad Fassade.jpg", "Ein Hof", "Foto: ART"),
            Picture("https://a.de/b%20c.jpg", "B", "C"),
        ),
        handle_x="hof_altmark",
        handle_facebook="hof.altmark",
        lat=52.854,
        lon=11.153,
        updated_at=datetime(2026, 6, 1, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": "<br>&nbsp;"}, "row_without_name"),
        ({"url": None}, "row_without_url"),
        ({"url": "javascript:alert(1)"}, "row_url_invalid:javascript:alert(1)"),
        ({"url": "https://nutzer:geheim@beispiel.de/"}, "row_url_invalid:https://"),
        ({"url": "https://beispiel.de/" + "a" * 3000}, "row_url_invalid:https://"),
        ({"published_at": None}, "row_without_date"),
        ({"published_at": "0000-00-00 00:00:00"}, "row_without_date"),
        ({"published_at": 0}, "row_without_date"),
        ({"published_at": "bald"}, "row_date_unreadable:bald"),
        ({"withdrawn": "vielleicht"}, "row_withdrawn_unreadable:vielleicht"),
    ],
)
def test_a_row_that_is_no_place_says_why(values: dict[str, object], told: str) -> None:
    assert told in reason(**values)


@pytest.mark.parametrize("missing", [None, "", "  ", b"\x00", "x" * 500])
def test_a_row_without_a_usable_id_is_rejected_as_unknown(missing: object) -> None:
    assert place_from_row("kreativorte", row(id=missing)) == Rejected("?", "row_without_id")


@pytest.mark.parametrize(
    "value",
    [
        PUBLISHED,
        datetime(2026, 5, 4, 8),
        datetime(2026, 5, 4, 10, tzinfo=timezone(timedelta(hours=2))),
        "2026-05-04T08:00:00Z",
        "2026-05-04 08:00:00",
        "2026-05-04T10:00:00+02:00",
        b"2026-05-04 08:00:00.000",
        1777881600,
        "1777881600",
        1777881600.0,
        Decimal(1777881600),
        1777881600000,
    ],
)
def test_instants_in_all_their_forms(value: object) -> None:
    assert place(published_at=value).published_at == PUBLISHED


def test_a_day_begins_at_midnight_utc() -> None:
    for value in (date(2026, 5, 4), "2026-05-04"):
        assert place(published_at=value).published_at == datetime(2026, 5, 4, tzinfo=UTC)


def test_an_unreadable_change_date_is_left_out() -> None:
    assert place(updated_at="0000-00-00 00:00:00").updated_at is None


@pytest.mark.parametrize("value", [1, True, "1", "t", "TRUE", "yes", "ja", b"\x01", Decimal(1), 1.0])
def test_withdrawn(value: object) -> None:
    assert place(withdrawn=value).withdrawn


@pytest.mark.parametrize("value", [None, 0, False, "0", "f", "no", "nein", "", b"\x00", Decimal(0), 0.0])
def test_not_withdrawn(value: object) -> None:
    assert not place(withdrawn=value).withdrawn


@pytest.mark.parametrize(
    "pair", [(91, 11), (52, 181), ("52,8", None), (0, 0), ("nan", 1), (math.inf, 1), ("nördlich", 1)]
)
def test_coordinates_come_as_a_valid_pair_or_not_at_all(pair: tuple[object, object]) -> None:
    result = place(lat=pair[0], lon=pair[1])
    assert (result.lat, result.lon) == (None, None)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../geheim.jpg", "a/../../b.jpg", "file:///etc/passwd", "C:\\bild.jpg", "a\x00b.jpg", ""]
)
def test_a_picture_cannot_lie_outside_its_folder(path: str) -> None:
    assert place(image_url=path).pictures == ()


@pytest.mark.parametrize(
    "images", ["[", "[" * 100_000, '{"url": "a"}', "[1, null, {}]", 'a:1:{i:0;s:1:"x";}', "[" + "9" * 5000 + "]"]
)
def test_a_broken_picture_list_leaves_the_first_picture(images: str) -> None:
    assert place(image_url="a.jpg", images=images).pictures == (Picture("a.jpg"),)


@pytest.mark.parametrize(
    ("address", "encoded"),
    [
        ("https://beispiel.de/orte/Künstlerstadt Kalbe", "https://beispiel.de/orte/K%C3%BCnstlerstadt%20Kalbe"),
        ("HTTPS://beispiel.de/%f0%9f%8c%b3-baumhaus", "https://beispiel.de/%f0%9f%8c%b3-baumhaus"),
        ("http://beispiel.de/?a=1&amp;b=2#c", "http://beispiel.de/?a=1&b=2#c"),
        ("https://beispiel.de", "https://beispiel.de"),
    ],
)
def test_addresses_are_encoded_once(address: str, encoded: str) -> None:
    assert place(url=address).url == encoded


def test_a_missing_teaser_is_taken_from_the_body() -> None:
    assert place(body="<p>Erster.</p><p>Zweiter.</p>").teaser == "Erster."
    assert place(body="<p>Eins.</p><p>Zwei.</p><!--more--><p>Drei.</p>").teaser == "Eins.\n\nZwei."


def test_lists_come_as_arrays_too_and_entities_do_not_split() -> None:
    assert place(regions=["Altmark", None, "Harz"]).regions == ("Altmark", "Harz")
    assert place(categories="Handwerk &amp; Handel;Kunst").categories == ("Handwerk & Handel", "Kunst")


def test_of_two_rows_with_one_id_the_later_is_rejected() -> None:
    result = reading("kreativorte", [row(name="Eins"), row(id=" 7 ", name="Zwei")])
    assert [found.name for found in result.places] == ["Eins"]
    assert result.rejected == (Rejected("7", "row_id_repeated:7"),)
    assert result.seen == 2


def test_the_change_date_alone_changes_nothing() -> None:
    assert place(updated_at="2026-06-01").fingerprint == place(updated_at="2026-07-01").fingerprint
    assert place(teaser="a").fingerprint != place(teaser="b").fingerprint


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.binary(),
    st.text(),
    st.text(alphabet='<>&;[]{}/!-"=:,. \x1fab01é\u200d\n', max_size=60),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.uuids(),
    st.lists(st.text() | st.none() | st.integers()),
    st.dictionaries(st.sampled_from(["url", "alt", "credit"]), st.text() | st.none()),
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES)))
@example({**row(), "lat": 10**5000, "id": 10**5000})
@example({**row(), "url": "https://[::1"})
@example({**row(), "url": "https://a:99999/"})
@example({**row(), "name": "\ud800", "town": "a\ud800"})
@example({**row(), "published_at": Decimal("sNaN")})
@example({**row(), "updated_at": -6.7e16})
@example({**row(), "updated_at": math.nan})
@example({**row(), "published_at": datetime.max.replace(tzinfo=timezone(-timedelta(hours=5)))})
def test_no_content_of_a_row_raises(values: dict[str, Any]) -> None:
    for content in (values, {**row(), **{k: v for k, v in values.items() if k not in row()}}):
        result = place_from_row("kreativorte", content)
        if isinstance(result, Place):
            assert result.name and result.url.startswith(("http://", "https://"))
            assert result.published_at.tzinfo is UTC
            assert result.fingerprint
        else:
            assert result.reason.startswith("row_")


# Configuration

TABLE = {
    "url": "sqlite:///portal.db",
    "table": "orte",
    "fields": {"id": "id", "name": "name", "url": "url", "published_at": "published_at"},
}


def test_a_portal_as_the_contract_writes_it() -> None:
    config = portal_config("kreativorte", {**TABLE, "every": "10m", "image_root": "bilder"}, Path("/srv"))
    assert config.url == "sqlite:////srv/portal.db"
    assert (config.every, config.image_root) == (timedelta(minutes=10), Path("/srv/bilder"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tabel": "x"}, "the key 'tabel' is unknown; did you mean 'table'"),
        ({"query": "SELECT 1"}, "give either table or query"),
        ({"url": ""}, "url is missing"),
        ({"every": "bald"}, "every: 'bald' is not a duration"),
        ({"every": "0s"}, "every must be longer than nothing"),
        ({"fields": {"id": "id"}}, "fields lacks name, url, published_at"),
        ({"fields": {**TABLE["fields"], "teaserr": "x"}}, "the field 'teaserr' is unknown; did you mean 'teaser'"),
        ({"fields": {**TABLE["fields"], "town": ""}}, "field 'town' must be an SQL expression"),
        ({"fields": "id"}, "fields must be a table"),
        ({"table": 3}, "table must be a text"),
    ],
)
def test_a_wrong_configuration_is_told_in_one_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PortalMisconfigured) as error:
        portal_config("kreativorte", {**TABLE, **change}, Path())
    assert str(error.value).startswith(f"portal kreativorte: {sentence}")


# Comparison


def listed(*places: Place, rejected: tuple[str, ...] = ()) -> Reading:
    rows = tuple(Rejected(key, "row_without_name") for key in rejected)
    return Reading(places, rows, len(places) + len(rows))


def numbered(number: int, **values: object) -> Place:
    return place(id=number, url=f"https://beispiel.de/orte/{number}/", **values)


def known_as(found: Place, **values: Any) -> Known:
    return Known(found.fingerprint, url=found.url, **values)


def judged(known: dict[str, Known], result: Reading, **options: Any) -> Comparison:
    return compare(known, result, **{"first_pull": False, "accept": False, **options})


TEN = [numbered(number) for number in range(10)]
KNOWN_TEN = {found.external_id: known_as(found) for found in TEN}


def ids(places: tuple[Place, ...]) -> set[str]:
    return {found.external_id for found in places}


def test_new_changed_and_unchanged() -> None:
    result = judged(KNOWN_TEN, listed(*TEN[:9], numbered(9, teaser="Neu"), numbered(10)))
    assert (ids(result.new), ids(result.changed), len(result.unchanged)) == ({"10"}, {"9"}, 9)
    assert result.counts == {"new": 1, "changed": 1, "unchanged": 9, "withdrawn": 0, "returned": 0, "held": 0}


def test_gone_only_after_two_polls() -> None:
    once = judged(KNOWN_TEN, listed(*TEN[:9]))
    assert (once.missing_once, once.withdrawn) == (("9",), ())
    twice = judged({**KNOWN_TEN, "9": known_as(TEN[9], missing_polls=1)}, listed(*TEN[:9]))
    assert (twice.missing_once, twice.withdrawn) == ((), ("9",))
    back = judged({**KNOWN_TEN, "9": known_as(TEN[9], missing_polls=1)}, listed(*TEN))
    assert "9" in back.unchanged


def test_what_the_portal_says_is_withdrawn_is_so_at_once() -> None:
    assert judged(KNOWN_TEN, listed(*TEN[:9], numbered(9, withdrawn=1))).withdrawn == ("9",)


def test_a_place_that_returns_is_not_new() -> None:
    result = judged({**KNOWN_TEN, "9": known_as(TEN[9], withdrawn=True)}, listed(*TEN))
    assert (ids(result.returned), result.new) == ({"9"}, ())


def test_a_scheduled_place_is_new_once_it_is_shown() -> None:
    assert judged(KNOWN_TEN, listed(*TEN, numbered(10, withdrawn=1))).hidden == ("10",)
    assert ids(judged(KNOWN_TEN, listed(*TEN, numbered(10))).new) == {"10"}


def test_a_rejected_row_of_a_known_place_is_not_missing() -> None:
    last_chance = {**KNOWN_TEN, "9": known_as(TEN[9], missing_polls=1)}
    result = judged(last_chance, listed(*TEN[:9], rejected=("9",)))
    assert (result.unreadable, result.missing_once, result.withdrawn) == (("9",), (), ())


def test_many_rejected_rows_are_no_loss() -> None:
    assert not judged(KNOWN_TEN, listed(rejected=tuple(KNOWN_TEN))).stopped


def test_an_empty_list_stops_and_asks() -> None:
    result = judged(KNOWN_TEN, listed())
    assert result == Comparison(stopped=result.stopped)
    assert result.stopped == "portal_list_empty:10"
    assert not judged({}, listed()).stopped


@pytest.mark.parametrize(("left", "stops"), [(6, True), (7, False)])
def test_a_large_loss_stops_and_asks(left: int, stops: bool) -> None:
    result = judged(KNOWN_TEN, listed(*TEN[:left]))
    assert bool(result.stopped) is stops
    withdrawn = [numbered(number, withdrawn=1) for number in range(left, 10)]
    assert bool(judged(KNOWN_TEN, listed(*TEN[:left], *withdrawn)).stopped) is stops


def test_a_small_share_of_many_places_may_go() -> None:
    many = {str(number): Known("x") for number in range(100)}
    shown = [numbered(number) for number in range(80)]
    assert not judged(many, listed(*shown)).stopped
    assert judged(many, listed(*shown[:79])).stopped


def test_an_accepted_loss_is_withdrawn_at_once() -> None:
    result = judged(KNOWN_TEN, listed(), accept=True)
    assert set(result.withdrawn) == set(KNOWN_TEN)


@pytest.mark.parametrize(("arrived", "held"), [(10, 0), (11, 11)])
def test_a_burst_is_held_for_a_person(arrived: int, held: int) -> None:
    fresh = [numbered(number) for number in range(100, 100 + arrived)]
    result = judged(KNOWN_TEN, listed(*TEN, *fresh))
    assert (len(result.held), len(result.new)) == (held, arrived - held)
    assert len(result.unchanged) == 10
    assert len(judged(KNOWN_TEN, listed(*TEN, *fresh), first_pull=True).new) == arrived
    assert len(judged(KNOWN_TEN, listed(*TEN, *fresh), accept=True).new) == arrived


def test_held_places_wait_until_they_are_accepted() -> None:
    waiting = {**KNOWN_TEN, "9": known_as(TEN[9], held=True)}
    assert [entry.place.external_id for entry in judged(waiting, listed(*TEN)).held] == ["9"]
    assert ids(judged(waiting, listed(*TEN), accept=True).new) == {"9"}


def test_a_place_made_anew_under_another_id_is_held() -> None:
    again = place(id=77, url=TEN[0].url)
    (held,) = judged(KNOWN_TEN, listed(*TEN, again)).held
    assert held.place == again and held.reason == "place_known_elsewhere"


POOL = [str(number) for number in range(30)]
KNOWN = st.dictionaries(
    st.sampled_from(POOL),
    st.builds(
        Known,
        fingerprint=st.sampled_from([numbered(3).fingerprint, "other"]),
        withdrawn=st.booleans(),
        missing_polls=st.integers(0, 3),
        held=st.booleans(),
        url=st.sampled_from(["", "https://beispiel.de/orte/5/"]),
    ),
)


@given(
    known=KNOWN,
    shown=st.dictionaries(st.sampled_from(POOL), st.booleans()),
    broken=st.sets(st.sampled_from([*POOL, "?"])),
    first_pull=st.booleans(),
    accept=st.booleans(),
    rules=st.builds(Guards, burst=st.integers(0, 20), loss=st.integers(0, 20), polls=st.integers(1, 4)),
)
def test_every_place_is_in_exactly_one_class(
    known: dict[str, Known],
    shown: dict[str, bool],
    broken: set[str],
    first_pull: bool,
    accept: bool,
    rules: Guards,
) -> None:
    places = [numbered(int(key), withdrawn=withdrawn) for key, withdrawn in shown.items()]
    result = compare(known, listed(*places, rejected=tuple(broken)), first_pull=first_pull, accept=accept, rules=rules)
    classes = [
        *(found.external_id for found in (*result.new, *result.changed, *result.returned)),
        *(entry.place.external_id for entry in result.held),
        *(*result.unchanged, *result.missing_once, *result.withdrawn),
        *(*result.gone, *result.unreadable, *result.hidden),
    ]
    if result.stopped:
        assert not accept and classes == []
        return
    assert sorted(classes) == sorted({*known, *shown})
    assert not ids(result.new) & {key for key, entry in known.items() if not entry.held}
    assert not set(result.missing_once) & set(shown)
    assert not set(result.withdrawn) & (broken - shown.keys())
    if accept:
        assert not result.held and not result.missing_once


# Local times


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-07-01 10:00:00[Europe/Berlin]", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-12-01T10:00[Europe/Berlin]", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2026-07-01[Europe/Berlin]", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        # Doubled by the end of summer time: the first one. Skipped by its beginning: an hour later.
        ("2026-10-25 02:30:00[Europe/Berlin]", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-03-29 02:30:00[Europe/Berlin]", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_local_time_with_its_zone_is_that_instant(written: str, instant: datetime) -> None:
    assert place(published_at=written).published_at == instant


@pytest.mark.parametrize("written", ["2026-07-01 10:00:00[Europa/Berlin]", "gestern[Europe/Berlin]"])
def test_a_zone_that_is_none_and_a_time_that_is_none_reject_the_row(written: str) -> None:
    assert reason(published_at=written).startswith("row_date_unreadable")


@pytest.mark.parametrize("written", ["0000-00-00 00:00:00[Europe/Berlin]", "[Europe/Berlin]"])
def test_a_zone_without_a_date_is_no_date(written: str) -> None:
    assert reason(published_at=written) == "row_without_date"


# One place in two portals


def listing(name: str, town: str = "", url: str = "https://a.example/orte/x", **values: object) -> Place:
    return replace(place(name=name, town=town, url=url), portal="anderes", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Alte Weberei", "Gardelegen"), ("Alte Weberei", "Hansestadt Gardelegen")),
        (("Alte Weberei e. V.", "Klötze"), ("alte weberei", "Klötze, OT Kunrau")),
        (("Mühle (Café)", "Weißenfels"), ("Mühle Café", "Weissenfels")),
        (("Hof GmbH", "Stendal"), ("Hof", "Stadt Stendal")),
    ],
)
def test_one_name_in_one_town_is_one_place(one: tuple[str, str], other: tuple[str, str]) -> None:
    first, second = listing(*one), listing(*other, url="https://b.example/y")
    assert same_place(first, second) and same_place(second, first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Alte Schule", "Gardelegen"), ("Alte Schule", "Stendal")),
        (("Alte Schule", ""), ("Alte Schule", "")),
        (("Alte Schule", "Stendal"), ("Neue Schule", "Stendal")),
        (("Alte Schule", "Stendal"), ("Alte Schule", "")),
    ],
)
def test_a_name_alone_or_a_town_alone_is_not_enough(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert not same_place(listing(*one), listing(*other, url="https://b.example/y"))


def test_one_address_is_one_place_however_it_is_written() -> None:
    first = listing("Hof", "Stendal", "https://www.hof.example/orte/hof/")
    assert same_place(first, listing("Anders", "Magdeburg", "http://hof.example/orte/hof"))
    assert not same_place(first, listing("Anders", "Magdeburg", "https://www.hof.example/orte/hof/?id=2"))


def test_one_name_at_one_spot_is_one_place_whatever_the_towns_are_called() -> None:
    here, near, far = (52.615, 11.2), (52.619, 11.205), (52.65, 11.2)
    first = listing("Gut Zichtau", "Hansestadt Gardelegen", lat=here[0], lon=here[1])
    other = listing("Gut Zichtau", "Zichtau", "https://b.example/y", lat=near[0], lon=near[1])
    assert same_place(first, other)
    assert not same_place(first, replace(other, lat=far[0], lon=far[1]))
    assert not same_place(first, replace(other, name="Gut Neuendorf"))
