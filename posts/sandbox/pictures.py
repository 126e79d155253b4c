"""Is this really a picture, and one that the network takes? Judged by opening it, never by its name."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image

_MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
}


@dataclass(frozen=True)
class Rules:
    """Which files a network takes: Pillow's format names, and the largest size in bytes of each."""

    bytes_of: dict[str, int]


X_RULES = Rules({"JPEG": 5_000_000, "PNG": 5_000_000, "WEBP": 5_000_000, "GIF": 15_000_000})
"""docs.x.com, media best practices: images up to 5 MB, GIF up to 15 MB."""

FACEBOOK_RULES = Rules(dict.fromkeys(("JPEG", "BMP", "PNG", "GIF", "TIFF"), 10_000_000))
"""Page Photos reference v26.0: up to 10 MB; WebP is not in its list."""


@dataclass(frozen=True)
class Picture:
    """What was found when the file was opened. Width and height in pixels."""

    mime: str
    width: int
    height: int


class NotAPicture(Exception):
    """The network would not take this file; the sentence says why."""


def examine(content: bytes, rules: Rules) -> Picture:
    """Open and decode the file. Raises NotAPicture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                image.load()
                name, (width, height) = image.format or "", image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NotAPicture("the file is not a readable picture") from None
    if name not in rules.bytes_of:
        raise NotAPicture(f"pictures of the type {name} are not taken")
    if len(content) > rules.bytes_of[name]:
        raise NotAPicture(f"the picture has {len(content)} bytes, more than {rules.bytes_of[name]}")
    return Picture(_MIME[name], width, height)
