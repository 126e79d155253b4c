"""Every shipped post template, for a short, a long and an empty place and for every place of the demonstration."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from posts.render import PostVariables, Rendering, check_template, render, variables_help
from posts.render.filters import ALL
from posts.text import accidental_links, character_length, extract_hashtags, extract_urls, weighted_length

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates" / "posts"
PLACES: list[dict[str, Any]] = json.loads((ROOT / "campaign/demo/kreativorte.json").read_text("utf-8"))["orte"]
STEPS = ("vorstellung", "nachklang", "erinnerung", "aufruf")
ROOM = {"twitter": (280, weighted_length), "facebook": (63_206, character_length)}
LINK = "https://kreativorte-im-gruenen.de/orte/hof/?utm_content=k4x9"


def filled(network: str, step: str, values: PostVariables, room: int | None = None) -> Rendering:
    template = check_template((TEMPLATES / network / f"{step}.j2").read_text("utf-8"))
    largest, measure = ROOM[network]
    return render(template, values.as_mapping(), room or largest, measure)


def variables_of(place: dict[str, Any], picture: bool = True) -> PostVariables:
    image = place["image"] if picture and place["image"] else {"credit": "", "alt": ""}
    return PostVariables(
        name=place["name"],
        town=place["town"],
        region=place["region"],
        regions=(place["region"],),
        category=place["categories"][0],
        categories=tuple(place["categories"]),
        teaser=place["teaser"],
        body=place["description"],
        link=f"{place['url']}?utm_source=twitter&utm_medium=social&utm_campaign=altmark-pilot&utm_content=k4x9",
        hashtags=tuple(place["hashtags"]),
        credit=image["credit"],
        alt=image["alt"],
        published=datetime.fromisoformat(place["published_at"]).astimezone(UTC).date(),
        campaign_title="Kreativorte der Altmark",
        day=date(2026, 11, 24),
    )


SHORT = PostVariables(name="Hof", town="Kalbe", region="Altmark", regions=("Altmark",), teaser="Ein Hof.", link=LINK)
LONG = PostVariables(
    name="Gemeinschaftswerkstatt und Künstlerhof " * 3,
    town="Landeshauptstadt Magdeburg",
    region="Anhalt-Dessau-Wittenberg",
    regions=("Anhalt-Dessau-Wittenberg", "Harz"),
    categories=("Wohnen/Bauen", "Arbeiten/Wirtschaft", "Leben/Tourismus"),
    teaser="Zwischen Scheune und Streuobstwiese entsteht etwas. " * 30,
    body="Im Sommer wird gebaut, im Winter wird geplant. " * 200,
    link=LINK,
    hashtags=tuple(f"#Schlagwort{number}" for number in range(12)),
    credit="Foto: Stiftung für gemeinschaftliches Wohnen und Werken",
    handle="@gemeinschaftswerkstatt",
)
EMPTY = PostVariables(name="Hof", link=LINK)
CALL = PostVariables(campaign_title="Kreativorte der Altmark", link=LINK)


KINDS = {"short": SHORT, "long": LONG, "empty": EMPTY}
CASES = [pytest.param(step, KINDS[kind], id=f"{step}-{kind}") for step in STEPS[:3] for kind in KINDS]


@pytest.mark.parametrize("network", ROOM)
@pytest.mark.parametrize(("step", "values"), [*CASES, pytest.param("aufruf", CALL, id="aufruf")])
def test_every_template_fits_every_kind_of_place(network: str, step: str, values: PostVariables) -> None:
    result = filled(network, step, values)
    room, measure = ROOM[network]
    assert 0 < measure(result.text) <= room
    assert [found.url for found in extract_urls(result.text)] == [LINK]
    assert "\n\n\n" not in result.text and "📍\n" not in result.text and not result.text.endswith(":")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place["slug"]))
def test_on_x_every_place_is_shown_with_link_hashtags_and_credit(place: dict[str, Any]) -> None:
    for step in STEPS[:3]:
        for picture in (True, False):
            values = variables_of(place, picture)
            text = filled("twitter", step, values).text
            assert weighted_length(text) <= 280
            assert [found.url for found in extract_urls(text)] == [values.link]
            assert 2 <= len(extract_hashtags(text)) <= 3
            assert values.name in text and values.credit in text
            assert accidental_links(text, [values.link]) == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place["slug"]))
def test_on_facebook_every_place_is_shown_whole(place: dict[str, Any]) -> None:
    for step in STEPS[:3]:
        values = variables_of(place)
        result = filled("facebook", step, values)
        assert not result.shortened and not result.dropped
        assert values.link in result.text.splitlines()
        assert values.credit in result.text
        # The feed shows some 477 characters before »Mehr anzeigen«: what it is about stands there.
        assert values.town in result.text[:477] or step == "nachklang"
        assert accidental_links(result.text, [values.link]) == []


def test_the_introduction_on_x_tells_the_town() -> None:
    telling = [place for place in PLACES if place["town"] in filled("twitter", "vorstellung", variables_of(place)).text]
    assert telling == PLACES


def test_teasers_keep_a_readable_length_on_x() -> None:
    for place in PLACES:
        text = filled("twitter", "vorstellung", variables_of(place)).text
        opening = place["teaser"][:40].rsplit(" ", 1)[0]
        assert opening.replace("\n", " ") in text or len(place["name"]) > 100


@pytest.mark.parametrize("step", STEPS)
def test_no_address_stands_beside_a_link_card(step: str) -> None:
    values = PostVariables(**{**SHORT.as_mapping(), "link_in_text": False})
    assert extract_urls(filled("facebook", step, values).text) == []


def test_templates_with_a_place_differ_from_step_to_step() -> None:
    for network in ROOM:
        texts = [filled(network, step, variables_of(PLACES[0])).text for step in STEPS]
        assert len({text.split("\n")[0] for text in texts}) == len(STEPS)


def test_a_narrow_network_still_gets_name_link_and_credit() -> None:
    values = variables_of(PLACES[1])
    text = filled("facebook", "vorstellung", values, room=500).text
    assert character_length(text) <= 500
    assert values.name in text and values.link in text and values.credit in text


def test_the_mention_is_shown_where_room_is() -> None:
    values = PostVariables(**{**SHORT.as_mapping(), "handle": "@hof"})
    assert "@hof" in filled("twitter", "vorstellung", values).text


def _table(heading: str) -> list[list[str]]:
    lines = (ROOT / "docs/vorlagen.md").read_text("utf-8").split(heading, 1)[1].split("\n## ", 1)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


def test_the_handbook_lists_every_variable() -> None:
    assert _table("## Angaben") == [[f"`{name}`", meaning] for name, meaning in variables_help()]


def test_the_handbook_lists_every_filter() -> None:
    documented = {row[0].strip("`").split("(")[0] for row in _table("## Filter")}
    assert documented == {name for name in ALL if name.isidentifier()}
