"""How long a text is for each network."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from posts.text.emoji import EMOJI
from posts.text.links import extract_urls

_REFUSED_CHARACTERS = re.compile("[\ufffe\ufeff\uffff]")


@dataclass(frozen=True)
class LengthRules:
    """A configuration of twitter-text. Weights are in hundredths of a character; `ranges` are (first, last, weight),
    both ends included; `emoji_parsing` counts an emoji sequence as one character of the default weight."""

    max_length: int
    default_weight: int
    url_length: int
    emoji_parsing: bool
    ranges: tuple[tuple[int, int, int], ...]
    scale: int = 100


_LIGHT_RANGES = ((0, 4351, 100), (8192, 8205, 100), (8208, 8223, 100), (8242, 8247, 100))
V2 = LengthRules(280, 200, 23, emoji_parsing=False, ranges=_LIGHT_RANGES)
V3 = LengthRules(280, 200, 23, emoji_parsing=True, ranges=_LIGHT_RANGES)


def weighted_length(text: str, rules: LengthRules = V3) -> int:
    """The length as X counts it (at most 280): the text in NFC, every link 23, every emoji 2, other characters 1 or 2.

    Source: twitter-text, config/v3.json and parseTweet.
    """
    text = unicodedata.normalize("NFC", text)
    weight, done = 0, 0
    for link in extract_urls(text):
        weight += _weight(text[done : link.start], rules) + rules.url_length * rules.scale
        done = link.end
    return (weight + _weight(text[done:], rules)) // rules.scale


def is_postable(text: str, rules: LengthRules = V3) -> bool:
    """Whether X takes the text: not empty, not too long, and without U+FFFE, U+FEFF and U+FFFF."""
    return 0 < weighted_length(text, rules) <= rules.max_length and not _REFUSED_CHARACTERS.search(text)


def character_length(text: str) -> int:
    """The length as Facebook counts it: code points of the text in NFC."""
    return len(unicodedata.normalize("NFC", text))


def _weight(text: str, rules: LengthRules) -> int:
    weight = 0
    if rules.emoji_parsing:
        text, emoji = EMOJI.subn("", text)
        weight = emoji * rules.default_weight
    return weight + sum(_character_weight(ord(character), rules) for character in text)


def _character_weight(code_point: int, rules: LengthRules) -> int:
    for first, last, weight in rules.ranges:
        if first <= code_point <= last:
            return weight
    return rules.default_weight
