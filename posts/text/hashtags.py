"""Hashtags: which parts of a text are some, and how free text becomes one.

Source of the rules: twitter-text 3.1 (Apache-2.0), `extractHashtagsWithIndices`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from posts.text.links import Link, extract_urls

_HASH_SIGNS = "#＃"
_SPECIAL = "_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\xb7"
_APOSTROPHES = re.compile("['’‘ʼ`´]")


@dataclass(frozen=True)
class Hashtag:
    """A hashtag in a text: `tag` without its sign; `text[start:end]` with it."""

    tag: str
    start: int
    end: int


def extract_hashtags(text: str) -> list[Hashtag]:
    """All hashtags of the text in order. Where links and hashtags overlap, what begins first counts."""
    found: list[Hashtag | Link] = sorted([*extract_urls(text), *_tags(text)], key=lambda one: one.start)
    tags: list[Hashtag] = []
    done = 0
    for one in found:
        if one.start >= done:
            done = one.end
            if isinstance(one, Hashtag):
                tags.append(one)
    return tags


def is_hashtag(text: str) -> bool:
    """Whether the whole text, sign included, is one hashtag."""
    tags = extract_hashtags(text)
    return len(tags) == 1 and tags[0].end - tags[0].start == len(text)


def hashtag(text: str) -> str:
    """A hashtag made of free text, its words joined and capitalised so that screen readers find them.

    »Wohnen/Bauen« becomes »#WohnenBauen«; the empty string comes back where no letter is left.
    """
    text = _APOSTROPHES.sub("", unicodedata.normalize("NFC", text))
    words = "".join(character if _is_of_word(character) else " " for character in text).split()
    joined = words[0] + "".join(word[0].upper() + word[1:] for word in words[1:]) if words else ""
    if len(words) > 1:
        joined = joined[0].upper() + joined[1:]
    return f"#{joined}" if is_hashtag(f"#{joined}") else ""


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _is_of_tag(character: str) -> bool:
    return _is_letter(character) or unicodedata.category(character) == "Nd" or character in _SPECIAL


def _is_of_word(character: str) -> bool:
    return unicodedata.category(character) in ("Ll", "Lu", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd") or character == "_"


def _tags(text: str) -> Iterator[Hashtag]:
    done = 0
    for sign in re.finditer(f"[{_HASH_SIGNS}]", text):
        start = sign.start()
        if start < done or not _may_begin(text, start, done):
            continue
        end = start + 1
        while end < len(text) and _is_of_tag(text[end]):
            end += 1
        if text[start + 1 : start + 2] in ("\ufe0f", "\u20e3") or not any(map(_is_letter, text[start + 1 : end])):
            continue
        done = end
        # Two hashtags in one, or a protocol: then it is none.
        if text[end : end + 1] not in tuple(_HASH_SIGNS) and not text.startswith("://", end):
            yield Hashtag(text[start + 1 : end], start, end)


def _may_begin(text: str, start: int, done: int) -> bool:
    if start == 0:
        return True
    if start - 1 < done:
        return False
    before = text[start - 1]
    return before in "\ufe0e\ufe0f" or not (_is_of_tag(before) or before == "&")
