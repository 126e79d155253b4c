"""Whatever word the program stores or raises, a person reads a sentence of advice in German or English."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from campaign import news, planner, planning
from campaign.desk import Refusal
from campaign.news import ADVICE, PICTURES, PROBLEMS, REASONS, REFUSALS, WHOLE, sentence, sentences
from campaign.places import GONE
from campaign.portals.guess import KINDS
from posts import reconcile
from posts.networks.publisher import Problem, Reason

ROOT = Path(__file__).parent.parent.parent
TABLES = {"reasons": REASONS, "pictures": PICTURES, "refusals": REFUSALS, "advice": ADVICE}
TREES = {
    file: ast.parse(file.read_text(encoding="utf-8"))
    for room in ("campaign", "posts")
    for file in sorted((ROOT / room).rglob("*.py"))
    if "sandbox" not in file.parts
}


def texts_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def words_in(module_file: str | None) -> set[str]:
    """The reasons that a module names: in these modules every lower-case word with underscores is one."""
    assert module_file is not None
    return {text for text in texts_in(TREES[Path(module_file)]) if re.fullmatch(r"[a-z]+(_[a-z]+)+", text)}


def calls(*names: str) -> list[tuple[str, str, int | None]]:
    """Where in the program (file:line) a function or class of that name is given a word, and with how many details;
    None where these come from another error. A call with something else than a word in it is a test's failure."""
    found = []
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in names or any(isinstance(one, ast.Starred) for one in node.args):
                continue
            place = f"{file.relative_to(ROOT)}:{node.lineno}"
            first = node.args[0]
            word = first.value if isinstance(first, ast.Constant) else ""
            found.append((place, str(word), len(node.args) - 1))
    return found


def placeholders(wording: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(wording) if name is not None}


def reasons_written_with_details() -> set[str]:
    """The words before the colon in texts such as f"row_url_invalid:{shown}"."""
    firsts = (
        node.values[0].value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant)
    )
    return {match[1] for first in firsts if (match := re.match(r"([a-z]+_[a-z_]+):$", str(first)))}


STORED = sorted(
    {word.value for word in Reason}
    | {word.value for word in Problem}
    | words_in(planner.__file__)
    | words_in(reconcile.__file__)
    | planning._PREFLIGHT
    | reasons_written_with_details()
    | {"past", "holiday", "blackout", "blind", "person", "internal", "link_dead", "image_unusable", "place_changed"}
    | {"place_withdrawn", "lease_ran_out", "worker_gone", "lease_too_short", "key_does_not_fit", "other_account"}
    | {"refresh_busy", "portal_unreachable", "portal_misconfigured"}
    | {"place_waits", "place_known_elsewhere", "place_namesake"}
    | {"row_without_id", "row_without_name", "row_without_url", "row_without_date"}
)


# --- every word has its wordings


@pytest.mark.parametrize("word", STORED)
def test_every_reason_has_a_german_and_an_english_sentence(word: str) -> None:
    assert word in REASONS


@pytest.mark.parametrize(
    ("wordings", "word"), [(table, word) for table in TABLES for word in sorted(TABLES[table])], ids="-".join
)
def test_both_wordings_say_something_with_the_same_details(wordings: str, word: str) -> None:
    german, english = TABLES[wordings][word]
    assert german != english or not re.search(r"[a-z]{3} [a-z]", german)
    assert placeholders(german) == placeholders(english)
    for told in (german, english):
        assert told == told.strip() and "\n" not in told and "  " not in told


REFUSED = calls(
    "Refusal", "NotPossible", "Unknown", "KeyProblem", "CredentialsError", "Explained", "NotAdmitted", "OutOfRhythm"
)


@pytest.mark.parametrize(("place", "word", "details"), REFUSED, ids=[f"{word}-{place}" for place, word, _ in REFUSED])
def test_whatever_is_refused_has_its_wordings_with_room_for_every_detail(place: str, word: str, details: int) -> None:
    assert word in REFUSALS, place
    assert placeholders(REFUSALS[word][0]) == {str(number) for number in range(details)}, place


def test_no_wording_of_a_refusal_is_left_over() -> None:
    assert {word for _, word, _ in REFUSED} == set(REFUSALS)


def test_a_detail_of_advice_that_is_told_is_given() -> None:
    given = {word: details for _, word, details in calls("advice", "tell") if word}
    assert set(given) <= set(ADVICE)
    for word, details in given.items():
        assert placeholders(ADVICE[word][0]) <= {str(number) for number in range(details)}, word


def test_every_advice_is_given_somewhere() -> None:
    named = {text for file, tree in TREES.items() if file.parts[-2] != "news" for text in texts_in(tree)}
    named |= {f"gone_{word}" for word in GONE} | {f"guessed_{kind}" for kind in KINDS}
    assert set(ADVICE) <= named


def test_every_problem_of_a_campaign_has_its_wordings_and_none_is_left_over() -> None:
    known = set(PROBLEMS) | set(WHOLE)
    trees = [tree for file, tree in TREES.items() if file.name in ("campaigns.py", "rehearsal.py")]
    named = [
        node.args[1].value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", "") == "Problem" or getattr(node.func, "attr", "") == "refuse")
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    ]
    assert set(named) <= known
    assert known <= {text for tree in trees for text in texts_in(tree)}


def test_every_picture_that_can_not_be_had_has_its_wordings() -> None:
    named = calls("ImageError")
    assert {word for _, word, _ in named} == set(PICTURES)
    for place, word, details in named:
        assert placeholders(PICTURES[word][0]) == ({"0"} if details else set()), place


# --- how a reason becomes a sentence


@pytest.mark.parametrize("word", sorted(REASONS))
def test_a_reason_is_a_sentence_also_without_its_detail(word: str) -> None:
    for told in (sentence(word), sentence(word, "en")):
        assert " " in told
        assert told[0].isupper() or told[0] in '»"'
        assert "()" not in told


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


def test_why_a_picture_can_not_be_used_is_told_in_the_same_language() -> None:
    assert sentence("image_unusable:slow:example.org:8080", "en") == (
        "The picture can't be used: example.org:8080 does not give the picture in time."
    )
    assert sentence("image_unusable:unreadable") == (
        "Das Bild ist nicht verwendbar: Die Datei ist kein lesbares Bild oder unvollständig."
    )
    assert sentence("image_unusable:something else", "en") == "The picture can't be used: something else"


# --- how a refusal becomes a sentence


def test_a_refusal_is_worded_in_the_language_of_who_reads_it() -> None:
    refused = Refusal("nothing_to_retry", 12, "posted")
    assert news.refusal(refused, "de").startswith("Beitrag 12 steht auf »posted«; noch einmal senden")
    assert news.refusal(refused, "en") == 'Announcement 12 is "posted"; only a "refused" one can be tried again.'
    assert str(refused) == "nothing_to_retry: 12: posted"


def test_details_of_a_refusal_are_told_as_they_are() -> None:
    assert "»{0}: {x} %s«" in news.refusal(Refusal("not_an_instant", "{0}: {x} %s"), "de")


def test_what_is_told_stays_on_one_line_whatever_was_typed() -> None:
    assert news.refusal(Refusal("channel_unknown", "a\n\x1b[31mb"), "en").startswith('There is no channel "a [31mb";')
    assert "\n" not in news.advice("de", "row_refused", 3, "a\nb")


def test_reasons_in_a_refusal_are_sentences_too() -> None:
    refused = Refusal("not_sendable", ["text_empty", "alt_missing"])
    assert news.refusal(refused, "en") == (
        "The announcement has no text. The picture lacks its description (alt text). Nothing was saved."
    )


def test_an_unknown_refusal_is_shown_rather_than_hidden() -> None:
    assert news.refusal(Refusal("something_new", "detail"), "de") == "something_new: detail"
