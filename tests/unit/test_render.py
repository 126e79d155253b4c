"""What staff rely on in templates: the text fits, nothing is cut that must not be, and no template can do harm."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posts.render import (
    DoesNotFit,
    PostVariables,
    Rendering,
    TemplateError,
    check_template,
    compile_template,
    render,
    tidy,
)
from posts.render.budget import LOOP_TURNS, TEXT
from posts.text import extract_urls, weighted_length

ROOMY = 10_000


def rendered(source: str, room: int = ROOMY, **variables: Any) -> Rendering:
    return render(compile_template(source), variables, room, len)


def text_of(source: str, **variables: Any) -> str:
    return rendered(source, **variables).text


def refusal(source: str, **variables: Any) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        rendered(source, **variables)
    sentence = caught.value.sentence
    assert sentence.endswith(".") and "\n" not in sentence and "Traceback" not in sentence
    return caught.value


# --- elastic text ---------------------------------------------------------------------------------------------

PARTS = """Kopf
{% optional 1 "wichtig" %}
eins
{% endoptional %}
{% optional 5 "unwichtig" %}
fünf
{% endoptional %}
{% optional 3 "mittel" %}
drei
{% endoptional %}"""


def test_what_fits_is_left_alone() -> None:
    assert rendered(PARTS) == Rendering("Kopf\neins\nfünf\ndrei", (), False)


@pytest.mark.parametrize(
    ("room", "text", "dropped"),
    [
        (19, "Kopf\neins\nfünf\ndrei", ()),
        (18, "Kopf\neins\ndrei", ("unwichtig",)),
        (13, "Kopf\neins", ("unwichtig", "mittel")),
        (8, "Kopf", ("wichtig", "unwichtig", "mittel")),
    ],
)
def test_the_least_important_part_goes_first(room: int, text: str, dropped: tuple[str, ...]) -> None:
    assert rendered(PARTS, room) == Rendering(text, dropped, False)


def test_of_equal_parts_the_lower_one_goes_first() -> None:
    source = "{% optional 2 'oben' %}oben{% endoptional %} {% optional 2 'unten' %}unten{% endoptional %}"
    assert rendered(source, 6) == Rendering("oben", ("unten",), False)


def test_a_small_part_comes_back_when_a_larger_one_made_room() -> None:
    source = "A\n{% optional 3 'klein' %}\nb\n{% endoptional %}\n{% optional 2 'groß' %}\nccccccccc\n{% endoptional %}"
    assert rendered(source, 5) == Rendering("A\nb", ("groß",), False)


def test_what_cannot_fit_is_refused_with_both_lengths() -> None:
    with pytest.raises(DoesNotFit) as caught:
        rendered("Zu lang für X", 5)
    assert (caught.value.needed, caught.value.room) == (13, 5)


def test_the_elastic_text_is_shortened_to_the_longest_that_fits() -> None:
    source = "{{ teaser | elastic }}\nEnde"
    assert rendered(source, 20, teaser="eins zwei drei vier fünf") == Rendering("eins zwei …\nEnde", (), True)


def test_by_default_all_parts_go_before_the_elastic_text_is_touched() -> None:
    source = "{% optional 1 'Ort' %}Ort {% endoptional %}{{ teaser | elastic }}"
    assert rendered(source, 10, teaser="eins zwei") == Rendering("eins zwei", ("Ort",), False)


def test_parts_more_important_than_the_elastic_text_stay_while_it_shrinks() -> None:
    source = "{% optional 1 'Ort' %}Ort {% endoptional %}{{ teaser | elastic(rank=2) }}"
    assert rendered(source, 10, teaser="eins zwei") == Rendering("Ort eins …", (), True)


def test_too_little_of_the_elastic_text_is_left_out_altogether() -> None:
    source = "Kopf\n{{ teaser | elastic(12) }}\nEnde"
    assert rendered(source, 20, teaser="eins zwei drei vier") == Rendering("Kopf\n\nEnde", (), True)


def test_without_a_least_one_word_must_stay() -> None:
    with pytest.raises(DoesNotFit):
        rendered("{{ teaser | elastic }}", 8, teaser="Donaudampfschifffahrt heute")


def test_a_text_of_book_length_is_shortened_like_any_other() -> None:
    result = rendered("{{ body | elastic }}", 100, body="Wort " * 40_000)
    assert len(result.text) <= 100 and result.shortened


WORDS = st.lists(
    st.sampled_from(["Hof", "Künstlerstadt", "#Altmark", "https://orte.de/a/b", "…", "–", "🐴", "gut,", "am"]),
    max_size=60,
)


@given(words=WORDS, room=st.integers(30, 300), town=st.sampled_from(["", "Kalbe"]), rank=st.integers(0, 9))
def test_every_rendering_fits_and_hurts_no_word_link_or_hashtag(
    words: list[str], room: int, town: str, rank: int
) -> None:
    source = (
        "Neu: {{ name }}\n{% optional 4 'Ort' %}\nin {{ town }}\n{% endoptional %}\n\n"
        "{{ teaser | elastic(1, rank=RANK) }}\n\n{{ link }}"
    ).replace("RANK", str(rank))
    values = {"name": "Hof", "town": town, "teaser": " ".join(words), "link": "https://orte.de/hof?utm_content=k1"}
    result = render(compile_template(source), values, max(room, 40), weighted_length)
    assert weighted_length(result.text) <= max(room, 40)
    assert values["link"] in [found.url for found in extract_urls(result.text)]
    assert set(result.text.split()) <= {"Neu:", "in", "…", *" ".join([*words, *values.values()]).split()} | {
        word.rstrip(",") for word in words
    }


@given(st.text(max_size=200))
def test_tidy_text_is_stable_and_has_no_stray_blanks(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once
    assert "\n\n\n" not in once and "  " not in once and not re.search(r" $|^ ", once, re.MULTILINE)


def test_direction_overrides_and_signs_that_x_refuses_are_never_sent() -> None:
    assert tidy("a\u202eb\ufeffc\x00d") == "abcd"


# --- optional parts -------------------------------------------------------------------------------------------


def test_a_part_whose_values_are_all_empty_vanishes_with_its_lines() -> None:
    source = "A\n\n{% optional 1 %}\nWo: {{ town }}{{ region }}\n\n{% endoptional %}\nB"
    assert rendered(source, town="", region=" ") == Rendering("A\n\nB", (), False)
    assert text_of(source, town="", region="Harz") == "A\n\nWo: Harz\n\nB"


def test_a_part_without_values_stays() -> None:
    assert text_of("{% optional 1 %}Willkommen{% endoptional %}") == "Willkommen"


def test_an_empty_part_is_never_reported_as_dropped() -> None:
    source = "{% optional 9 'Ort' %}{{ town }}{% endoptional %}{% optional 1 'Rest' %} Rest{% endoptional %}Kopf"
    assert rendered(source, 4, town="") == Rendering("Kopf", ("Rest",), False)


def test_nested_parts_vanish_with_the_outer_one() -> None:
    source = "A{% optional 2 'außen' %} B{% optional 3 'innen' %} C{% endoptional %}{% endoptional %}"
    assert rendered(source, 3) == Rendering("A B", ("innen",), False)
    assert rendered(source, 1).text == "A"


# --- filters --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "value", "text"),
    [
        ("{{ x | hashtag }}", "Wohnen/Bauen", "#WohnenBauen"),
        ("{{ x | hashtags }}", ("#Altmark", "altmark", "", "Bad Belzig"), "#Altmark #BadBelzig"),
        ("{{ x | hashtags(1) }}", ("#Altmark", "#Harz"), "#Altmark"),
        ("{{ x | datum }}", date(2026, 3, 1), "1. März 2026"),
        ("{{ x | datum(wochentag=true) }}", date(2026, 11, 24), "Dienstag, 24. November 2026"),
        ("am {{ x | datum }}", None, "am"),
        ("{{ x }}", date(2026, 11, 24), "24. November 2026"),
        ("{{ x | und }}", ("A", "", "B", "C"), "A, B und C"),
        ("{{ x | und }}", ("A",), "A"),
        ("{{ x | join(', ') }}", ("A", "B"), "A, B"),
        ("{{ x | replace('a', 'bb') }}", "aha", "bbhbb"),
        ("{{ x | bildnachweis }}", "Erika Muster", "Foto: Erika Muster"),
        ("{{ x | bildnachweis }}", "Foto: ART", "Foto: ART"),
        ("{{ x | bildnachweis }}", "© ART", "© ART"),
        ("a{{ x | bildnachweis }}", "", "a"),
        ("{{ x | anführung }}", "Alte Schule", "»Alte Schule«"),
        ("{{ x | anführung }}", "»haus5« – am Bahnhof", "»›haus5‹ – am Bahnhof«"),
        ("{{ x | anführung }}", 'mit "Näh-Circus" und „Drömlinger“', "»mit ›Näh-Circus‹ und ›Drömlinger‹«"),
        ("{{ x | anführung }}", "„haus5“", "»haus5«"),
        ("{{ x | anführung }}", 'Der 5"-Hof', '»Der 5"-Hof«'),
        ("a{{ x | anführung }}", "", "a"),
        ("{{ x ~ 1 }}", "a", "a1"),
        ("{{ x + 'b' }}", "a", "ab"),
        ("{% for i in range(3) %}{{ i }}{{ x if loop.last }}{% endfor %}", "!", "012!"),
        ("{{ x | upper | trim }}", " ab ", "AB"),
        ("{{ x | lower }} {{ x | capitalize }}", "AB", "ab Ab"),
        ("{{ x.year }}", date(2026, 1, 1), "2026"),
    ],
)
def test_filters_write_what_staff_expect(source: str, value: Any, text: str) -> None:
    assert text_of(source, x=value) == text


# --- refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ name.__init__ }}",
        "{{ ''|attr('__class__') }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ '{0.__class__}'.format_map({}) }}",
        "{{ name.upper() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ range.__self__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum() }}",
        "{% set x = namespace() %}{{ x }}",
        "{% include 'secret.key' %}",
        "{% import 'a' as a %}",
        "{% from 'a' import b %}",
        "{% extends 'a' %}",
        "{% block a %}{% endblock %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% call a() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}",
        "{% autoescape true %}a{% endautoescape %}",
        "{{ caller() }}",
        "{{ name|map('attr', '__class__') }}",
        "{{ name|turns!(1) }}",
        "{{ name[0:3] }}",
        "{{ {'a': name} }}",
    ],
)
def test_no_way_out_of_the_sandbox(source: str) -> None:
    refusal(source, name="Hof")


@pytest.mark.parametrize(
    "source",
    [
        "{{ 2 ** 9999999 }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 1000000000 * 'a' }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 999999999999 * 999999999999 }}",
        "{{ " + "9" * 5_000 + " }}",
        "{{ range(100000) | join }}",
        "{{ range(10000000000000000000000) | length }}",
        "{% for i in range(100001) %}x{% endfor %}",
        "{% for i in range(200) %}{% for j in range(200) %}{% endfor %}{% endfor %}",
        "{% for a in body %}{% for b in body %}{% for c in body %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in body recursive %}{{ loop(body) }}{% endfor %}",
        "{% for a in body %}" * 6 + "{% endfor %}" * 6,
        "{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
        "{% set a = 'xx' %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
        "{% set a = 'xx' %}" + "{% set a = a | replace('x', a) %}" * 9 + "{{ a }}",
        "{% set a = [1, 2] %}" + "{% set a = [a, a] %}" * 60 + "{{ a == a }}",
        "{% for i in range(9000) %}" + "x" * 500 + "{% endfor %}",
        "{% for i in range(9000) %}{{ body }}{% endfor %}",
        "{% optional 1 %}{% for i in range(9000) %}{{ body }}{% endfor %}{% endoptional %}",
        "{% for i in range(9000) %}" + "{% if i %}{% endif %}" * 900 + "{% endfor %}",
        "{% for i in range(9000) %}" + "{% set x = body | upper | lower | hashtag %}" * 20 + "{% endfor %}",
        "{% for i in range(9000) %}" + "{% if body ~ 1 in body %}{% endif %}" * 20 + "{% endfor %}",
        "{{ body | center(100000000) }}",
        "{{ body | indent(100000000) }}",
        "{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}",
        "{{ " + "not " * 4_000 + "1 }}",
        "{{ 1" + " + 1" * 4_000 + " }}",
        "{{ name" + " | trim" * 2_000 + " }}",
        "{% if 1 %}" * 300 + "{% endif %}" * 300,
        "x" * (TEXT + 1),
        "{{ body }}" * 30,
    ],
)
def test_no_template_can_exhaust_the_machine(source: str) -> None:
    refusal(source, name="Hof", body="b" * 1_000)


def test_the_loop_budget_is_exact() -> None:
    source = "{% for i in range(TURNS) %}{{ '' }}{% endfor %}{% for i in range(REST) %}x{% endfor %}"
    within = source.replace("TURNS", str(LOOP_TURNS - 1)).replace("REST", "1")
    assert text_of(within) == "x"
    refusal(within.replace("range(1)", "range(2)"))


def test_the_output_budget_is_exact() -> None:
    assert len(rendered("{{ a }}{{ b }}", TEXT, a="x" * (TEXT - 1), b="y").text) == TEXT
    refusal("{{ a }}{{ b }}", a="x" * (TEXT - 1), b="yy")


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("a\n{{ nmae }}", 2, "Die Angabe »nmae« gibt es hier nicht."),
        ("a\n\n{{ name | hashtg }}", 3, "gemeint ist vielleicht »hashtag«"),
        ("a\n{% optonal 1 %}", 2, "Den Befehl »optonal« gibt es nicht"),
        ("{% optional 1 %}a", 1, "»optional« wird geöffnet, aber nicht geschlossen."),
        ("{% optional 10 %}a{% endoptional %}", 1, "von 1 (wichtig) bis 9"),
        ("a\n{{ name", 2, "bricht unvermittelt ab"),
        ("a\n{{ tags }}", 2, "Eine Liste lässt sich nicht ausgeben"),
        ("\n{{ name + 1 }}", 2, "Texte verbindet »~«"),
        ("{{ 1 / 0 }}", 1, "Durch null"),
        ("{{ name | und }}", 1, "braucht eine Liste"),
        ("{{ name | datum }}", 1, "braucht ein Datum"),
        ("{{ true }}", 1, "Ja und nein"),
        ("{{ name | elastic }}\n{{ name | elastic }}", 2, "nur einmal"),
        ("{% for a in 5 %}{% endfor %}", 1, "keine Liste"),
        ("a\n{% optional 1 %}\n\n{{ 1 / 0 }}\n{% endoptional %}", 4, "Durch null"),
        ("{{ name is filter }}", 1, "Die Prüfung »filter« gibt es nicht."),
        ("{{ name | join(1, 2, 3) }}", 1, "passt etwas nicht zusammen"),
        ("  \n", 0, "leeren Text"),
    ],
)
def test_every_mistake_is_one_sentence_with_its_line(source: str, line: int, words: str) -> None:
    error = refusal(source, name="Hof", tags=("a", "b"))
    assert (error.line, words in error.sentence) == (line, True), str(error)


@given(
    st.lists(
        st.sampled_from(["{{", "}}", "{%", "%}", "optional", "for", "x", "in", "1", "|", "(", ")", " ", "'", "\n"])
    )
)
def test_no_source_ever_raises_anything_but_a_sentence(pieces: list[str]) -> None:
    try:
        rendered("".join(pieces), x="a")
    except TemplateError as error:
        assert error.sentence.endswith(".")


def test_the_contract_is_checked_with_a_suggestion() -> None:
    with pytest.raises(TemplateError) as caught:
        check_template("{{ name }}\n{% set eigenes = 1 %}{{ eigenes }}\n{{ teaserr }}")
    assert str(caught.value) == "Zeile 3: Die Angabe »teaserr« gibt es nicht; gemeint ist vielleicht »teaser«."


def test_a_credit_can_never_be_dropped() -> None:
    with pytest.raises(TemplateError) as caught:
        check_template("{{ name }}\n{% optional 1 %}{% if name %}\n{{ credit }}{% endif %}{% endoptional %}")
    assert str(caught.value) == "Zeile 2: Der Bildnachweis darf nicht in einem entbehrlichen Teil stehen."


def test_every_variable_of_the_contract_may_be_asked_for() -> None:
    source = "".join("{% if " + name + " is defined %}{% endif %}" for name in PostVariables().as_mapping())
    assert check_template(source).names == set(PostVariables().as_mapping())


def test_one_filling_leaves_no_trace_in_the_next() -> None:
    template = compile_template("{% optional 1 %}{{ town }} {% endoptional %}{{ teaser | elastic }}")
    first = render(template, {"town": "Kalbe", "teaser": "eins zwei"}, 7, len)
    second = render(template, {"town": "Kalbe", "teaser": "eins zwei"}, ROOMY, len)
    assert (first.text, second.text) == ("eins …", "Kalbe eins zwei")
