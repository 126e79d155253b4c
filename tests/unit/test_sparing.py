"""The text log stays small however long a trouble lasts."""

from __future__ import annotations

import logging

from campaign.sparing import LONGEST_LINE, OVER_AFTER, REMEMBERED, Sparing


def lines(sparing: Sparing, words: str, times: int, every: float = 1.0, begin: float = 0.0) -> list[str]:
    """What of so many equal messages is written."""
    written = []
    for number in range(times):
        record = logging.LogRecord("kreativorte", logging.WARNING, "", 0, "%s", (words,), None)
        record.created = begin + number * every
        if sparing.filter(record):
            written.append(record.getMessage())
    return written


def test_an_hour_of_the_same_trouble_is_a_dozen_lines() -> None:
    told = lines(Sparing(), "The database can't be used.", 3600)
    assert len(told) == 12
    assert (told[0], told[-1]) == ("The database can't be used.", "The database can't be used. (2048 times)")


def test_after_a_pause_it_is_news_again() -> None:
    sparing = Sparing()
    lines(sparing, "away", 100)
    assert lines(sparing, "away", 1, begin=100 + OVER_AFTER) == ["away"]


def test_different_messages_do_not_silence_each_other() -> None:
    sparing = Sparing()
    assert [lines(sparing, f"Nr. {number}", 1) for number in range(REMEMBERED * 3)] == [
        [f"Nr. {number}"] for number in range(REMEMBERED * 3)
    ]
    assert len(sparing._seen) == REMEMBERED


def test_no_line_is_endless() -> None:
    (told,) = lines(Sparing(), "x" * 10**6, 1)
    assert len(told) == LONGEST_LINE
