"""Our text rules against the conformance cases of twitter-text (see twitter-text/LICENSE-NOTE.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from posts.text import V2, V3, LengthRules, extract_hashtags, extract_urls, is_hashtag, is_postable, weighted_length
from posts.text.tlds import COUNTRY, GENERIC

DATA = Path(__file__).parent / "twitter-text"
EXTRACT = yaml.safe_load((DATA / "extract.yml").read_text(encoding="utf-8"))["tests"]
VALIDATE = yaml.safe_load((DATA / "validate.yml").read_text(encoding="utf-8"))["tests"]


def cases(document: dict[str, list[dict[str, Any]]], *sections: str) -> list[Any]:
    return [
        pytest.param(case["text"], case["expected"], id=f"{section}: {case['description']}")
        for section in sections
        for case in document[section]
    ]


@pytest.mark.parametrize(("text", "expected"), cases(EXTRACT, "urls", "tco_urls_with_params"))
def test_urls(text: str, expected: list[str]) -> None:
    assert [link.url for link in extract_urls(text)] == expected


@pytest.mark.parametrize(("text", "expected"), cases(EXTRACT, "urls_with_indices", "urls_with_directional_markers"))
def test_urls_with_indices(text: str, expected: list[dict[str, Any]]) -> None:
    links = extract_urls(text)
    assert [{"url": link.url, "indices": [link.start, link.end]} for link in links] == expected
    assert [text[link.start : link.end] for link in links] == [link.url for link in links]


@pytest.mark.parametrize(("text", "expected"), cases(EXTRACT, "hashtags", "hashtags_from_astral"))
def test_hashtags(text: str, expected: list[str]) -> None:
    assert [hashtag.tag for hashtag in extract_hashtags(text)] == expected


@pytest.mark.parametrize(("text", "expected"), cases(EXTRACT, "hashtags_with_indices"))
def test_hashtags_with_indices(text: str, expected: list[dict[str, Any]]) -> None:
    tags = extract_hashtags(text)
    assert [{"hashtag": tag.tag, "indices": [tag.start, tag.end]} for tag in tags] == expected


@pytest.mark.parametrize(("text", "expected"), cases(VALIDATE, "hashtags"))
def test_valid_hashtag(text: str, expected: bool) -> None:
    assert is_hashtag(text) is expected


# The section tests a validator for lone addresses that allows more than what is found in a text: user names, IP
# addresses, any top-level domain. Only what a text can hold concerns a post.
NOT_FOUND_IN_TEXTS = ("port and userinfo", "ipv4", "ipv6", "sub delims and question marks")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        case
        for case in cases(VALIDATE, "urls", "urls_without_protocol")
        if not str(case.id).endswith(NOT_FOUND_IN_TEXTS)
    ],
)
def test_valid_url(text: str, expected: bool) -> None:
    assert ([link.url for link in extract_urls(text)] == [text]) is expected


def check_count(text: str, expected: dict[str, Any], rules: LengthRules) -> None:
    length = weighted_length(text, rules)
    assert length == expected["weightedLength"]
    assert length * 1000 // rules.max_length == expected["permillage"]
    assert is_postable(text, rules) is expected["valid"]


@pytest.mark.parametrize(("text", "expected"), cases(VALIDATE, "WeightedTweetsCounterTest"))
def test_weighted_length_v2(text: str, expected: dict[str, Any]) -> None:
    check_count(text, expected, V2)


@pytest.mark.parametrize(
    ("text", "expected"),
    cases(VALIDATE, "WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"),
)
def test_weighted_length_v3(text: str, expected: dict[str, Any]) -> None:
    check_count(text, expected, V3)


def test_the_rules_are_the_published_configuration() -> None:
    published = json.loads((DATA / "v3.json").read_text(encoding="utf-8"))
    assert published == {
        "version": 3,
        "maxWeightedTweetLength": V3.max_length,
        "scale": V3.scale,
        "defaultWeight": V3.default_weight,
        "emojiParsingEnabled": V3.emoji_parsing,
        "transformedURLLength": V3.url_length,
        "ranges": [{"start": first, "end": last, "weight": weight} for first, last, weight in V3.ranges],
    }


def test_the_top_level_domains_are_the_published_ones() -> None:
    published = yaml.safe_load((DATA / "tld_lib.yml").read_text(encoding="utf-8"))
    assert set(published["country"]) == COUNTRY
    assert set(published["generic"]) == GENERIC
