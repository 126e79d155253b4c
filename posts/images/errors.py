"""Why a picture can't be had, as one German sentence for the person who chose it."""

from __future__ import annotations


class ImageError(Exception):
    """A picture that can't be had.

    `reason` is stable: address, private_address, redirects, missing, forbidden, not_an_image, too_large, unreadable,
    too_many_pixels, cannot_shrink and unsupported will not pass by waiting; unreachable, unavailable, certificate,
    slow and not_stored may.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
