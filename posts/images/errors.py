"""Why a picture can't be had, as a word that whoever tells it puts into a sentence."""

from __future__ import annotations


class ImageError(Exception):
    """A picture that can't be had.

    `reason` is stable: unreachable, unavailable, certificate, slow and not_stored may pass by waiting, all others will
    not. `detail` is a name or number that belongs to it. As a text it is the two with a colon between.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}:{detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
