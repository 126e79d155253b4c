"""What every room of the store speaks of."""

from __future__ import annotations

from posts.errors import Explained

FREE = ""
"""The campaign's name of an announcement outside campaigns."""


class Unknown(Explained):
    """Something was named that does not exist."""
