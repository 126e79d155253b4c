"""Reading what callers send, so that nothing in it can break the sandbox: depth, odd numbers, halves of characters."""

from __future__ import annotations

import json
import re
from typing import Any

_NUMBER = re.compile(r"[0-9]{1,9}")


def parse_json(text: bytes | str) -> Any:
    """The JSON value. Raises ValueError for what is none, for NaN and infinity, and for texts that UTF-8 can't hold."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except UnicodeError:
        raise ValueError("the JSON holds a text that is not valid Unicode") from None
    return value


def small_number(text: str) -> int | None:
    """A whole number of at most nine digits; None for anything else."""
    return int(text) if _NUMBER.fullmatch(text) else None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
