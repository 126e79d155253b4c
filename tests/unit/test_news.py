"""Whatever reason the program stores, a person reads a sentence of advice in German or English."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from campaign import planner, planning
from campaign.news import REASONS, sentence, sentences
from posts import reconcile
from posts.networks.publisher import Problem, Reason


def words_in(module_file: str | None) -> set[str]:
    """The reasons that a module names: in these modules every lower-case word with underscores is one."""
    assert module_file is not None
    tree = ast.parse(Path(module_file).read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)+", text)}


STORED = sorted(
    {word.value for word in Reason}
    | {word.value for word in Problem}
    | words_in(planner.__file__)
    | words_in(reconcile.__file__)
    | planning._PREFLIGHT
    | {"past", "holiday", "blackout", "blind", "person", "internal", "link_dead", "image_unusable", "place_changed"}
    | {"place_withdrawn", "lease_ran_out", "worker_gone", "lease_too_short", "key_does_not_fit", "other_account"}
    | {"refresh_busy"}
)


@pytest.mark.parametrize("word", STORED)
def test_every_reason_has_a_german_and_an_english_sentence(word: str) -> None:
    assert word in REASONS
    german, english = sentence(word), sentence(word, "en")
    assert german != english
    for told in (german, english):
        assert " " in told
        assert told[0].isupper() or told[0] in '»"'
        assert "()" not in told


@pytest.mark.parametrize("word", sorted(REASONS))
def test_a_detail_stands_in_both_languages_or_in_none(word: str) -> None:
    german, english = REASONS[word]
    assert ("{0}" in german) == ("{0}" in english)


def test_the_detail_of_a_reason_is_told() -> None:
    assert sentence("permission_missing:pages_manage_posts") == (
        "Dem Zugang fehlt eine Berechtigung (pages_manage_posts); bitte mit allen Berechtigungen neu verbinden."
    )
    assert "(295/280 characters)" in sentence("text_too_long:295/280", "en")


def test_a_detail_with_colons_and_braces_is_told_as_it_is() -> None:
    assert "{name}: 12:30" in sentence("template_error:{name}: 12:30")


def test_a_detail_that_is_not_known_leaves_no_empty_brackets() -> None:
    assert sentence("permission_missing").startswith("Dem Zugang fehlt eine Berechtigung;")


def test_an_unknown_reason_is_shown_rather_than_hidden() -> None:
    assert sentence("something_new:detail") == "something_new:detail"
    assert sentence(None) == "" == sentence("")
    assert sentences(["person", "something_new"], "en") == ["Held by a person.", "something_new"]
