"""What a text is to the networks: its length, its links and hashtags, and how to know it again."""

from __future__ import annotations

from posts.text.hashtags import Hashtag, extract_hashtags, hashtag, is_hashtag
from posts.text.length import V2, V3, LengthRules, character_length, is_postable, weighted_length
from posts.text.links import Link, accidental_links, extract_urls
from posts.text.recognition import LINK_SIGN, marker_in, normalise, same_text
from posts.text.shortening import shorten
from posts.text.tracking import tracked

__all__ = [
    "LINK_SIGN",
    "V2",
    "V3",
    "Hashtag",
    "LengthRules",
    "Link",
    "accidental_links",
    "character_length",
    "extract_hashtags",
    "extract_urls",
    "hashtag",
    "is_hashtag",
    "is_postable",
    "marker_in",
    "normalise",
    "same_text",
    "shorten",
    "tracked",
    "weighted_length",
]
