"""What people are told: the one place for its wording, in German and English.

The program itself keeps and raises short words with details; they become sentences here, where a person reads them:

- *reasons* (reasons.py) are stored, the detail behind a colon ("text_too_long:295/280"),
- *refusals* (refusals.py) are raised as an `Explained` when what a person asked for can't be done,
- *problems* (problems.py) are what is wrong in a campaign, each at its key,
- *advice* (advice.py) is what `doctor` says: what happened, and what to do with which command.

Details are put in as they are, braces and colons included. A word without wording is shown as it is, never hidden.
"""

from __future__ import annotations

from campaign.campaigns import Problem
from campaign.news.advice import ADVICE
from campaign.news.problems import MEANT, PROBLEMS, WHOLE
from campaign.news.reasons import PICTURES, REASONS
from campaign.news.refusals import REFUSALS
from posts.errors import Explained

__all__ = [
    *("ADVICE", "PICTURES", "PROBLEMS", "REASONS", "REFUSALS", "WHOLE"),
    *("advice", "problem", "problem_of_file", "refusal", "sentence", "sentences"),
]


def sentence(reason: str | None, language: str = "de") -> str:
    """The sentence for a stored reason."""
    if not reason:
        return ""
    word, _, detail = reason.partition(":")
    if word == "image_unusable":  # its detail is a word of its own
        return _filled(REASONS[word], _of_picture(detail, language), language)
    if word == "measuring_failed":  # its detail is a reason, too
        return _filled(REASONS[word], sentence(detail, language), language)
    return _filled(REASONS[word], detail, language) if word in REASONS else reason


def _of_picture(reason: str, language: str) -> str:
    word, _, detail = reason.partition(":")
    return _filled(PICTURES[word], detail, language) if word in PICTURES else reason


def _filled(wordings: tuple[str, str], detail: str, language: str) -> str:
    text = _in(language, wordings).format(detail)
    return text if detail else text.replace(" ()", "")


def sentences(reasons: list[str], language: str = "de") -> list[str]:
    """The sentences for several reasons."""
    return [sentence(reason, language) for reason in reasons]


def refusal(error: Explained, language: str) -> str:
    """What a person is told who asked for something that can't be done.

    A detail that is a list holds stored reasons; their sentences stand in its place.
    """
    if error.word not in REFUSALS:
        return str(error)
    told = [" ".join(sentences(detail, language)) if isinstance(detail, list) else detail for detail in error.details]
    return _on_one_line(_in(language, REFUSALS[error.word]).format(*told))


def problem(found: Problem, language: str) -> str:
    """What is wrong in a campaign, as it stands beside the field that it concerns."""
    text = _problem(found, language)
    return text[:1].upper() + text[1:]


def problem_of_file(found: Problem, language: str) -> str:
    """The same with the key, for whoever wrote the file."""
    text = _problem(found, language)
    if found.word in WHOLE or not found.key:
        return text
    return _clean(found.key) + (" " if language == "en" else ": ") + text


def _problem(found: Problem, language: str) -> str:
    text = _in(language, {**PROBLEMS, **WHOLE}[found.word]).format(*found.details)
    text = _clean(text + (_in(language, MEANT).format(found.near) if found.near else ""))
    return text if text.endswith(("?", ".")) else f"{text}."


def _clean(text: str) -> str:
    """On one line, whatever names a file holds."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def advice(language: str, word: str, *details: object) -> str:
    """What happened and what to do; a detail may be empty."""
    return _on_one_line(_in(language, ADVICE[word]).format(*details))


def _on_one_line(text: str) -> str:
    """The text without line breaks and control characters, whatever its details hold."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _in(language: str, wordings: tuple[str, str]) -> str:
    german, english = wordings
    return english if language == "en" else german
