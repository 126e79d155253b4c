"""Bounds for the text log: a trouble that lasts is not told each second, and no line is endless.

The text log is for operators; what happened to an announcement stands in the ledger's log, where nothing is left out.
"""

from __future__ import annotations

import logging
from collections import OrderedDict

LONGEST_LINE = 2_000
"""Characters of one line, tracebacks apart."""
OVER_AFTER = 600.0
"""Seconds of silence after which the same words are news again."""
REMEMBERED = 500
"""How many different messages are counted at a time."""


class Sparing(logging.Filter):
    """Lets a repeated message pass the 1st, 2nd, 4th, 8th … time, with its count: one a second is 12 lines an hour."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        words = record.getMessage()[:LONGEST_LINE]
        count, last = self._seen.pop(words, (0, record.created))
        count = 1 if record.created - last > OVER_AFTER else count + 1
        self._seen[words] = (count, record.created)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        record.msg, record.args = words if count == 1 else f"{words} ({count} times)", ()
        return count & (count - 1) == 0
