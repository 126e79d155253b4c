"""What shall go wrong: switches per network, call and account, thrown from outside by POST /_faults."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from posts.sandbox.state import NETWORKS

ALL = "*"
CALLS = ("create", "upload", "metadata", "timeline", "lookup", "delete", "edit", "account", ALL)

KINDS: dict[str, str] = {
    "refuse": "the network says no to the content; nothing happens",
    "refuse_duplicate": "the network says that it has this post already; nothing happens",
    "throttle": "too many calls, with the headers that say when to come back; nothing happens",
    "throttle_silent": "too many calls, without any header; nothing happens",
    "expired_token": "the token is no longer valid; nothing happens",
    "credits": "X: the account has no credits left (402); nothing happens",
    "error_500": "the network answers with a server error; nothing happens",
    "hang_up": "the connection is closed before anything happens",
    "delay": "the answer comes `seconds` later",
    "html": "a web page instead of JSON; `accepted` says whether it happened",
    "accept_then_hang_up": "it happens, then the connection is closed without an answer",
    "accept_late": "the request is held open for `seconds`, and only then it happens",
    "accept_then_500": "it happens, and the answer is a server error",
    "truncated": "it happens, and the answer breaks off in the middle",
    "hostile": "it happens, and the answer is JSON of wrong types or of many megabytes",
    "timeline_lag": "new posts show in time-lines `seconds` after they were made",
    "timeline_empty": "time-lines are empty",
    "timeline_error": "time-lines answer with a server error",
    "canonical_links": "Facebook: link cards show the link without query and fragment",
    "wrapped_links": "X: links without a scheme are wrapped in t.co as well",
    "escaped": "texts come back with HTML entities, quotation marks included",
    "repetitions": "the same post again is taken as a new one, so that a second sending shows",
}
SHAPES = frozenset({"timeline_lag", "timeline_empty", "canonical_links", "wrapped_links", "escaped", "repetitions"})
"""Kinds that only change what a reading shows or a repetition meets; all others decide the course of the call."""


LONGEST_SECONDS = 366 * 86_400


@dataclass
class Fault:
    """One switch. `times` is how often it still acts (None: always), `probability` how likely it acts when asked,
    drawn from a generator that begins with `seed`."""

    network: str
    call: str
    kind: str
    account: str | None = None
    times: int | None = None
    probability: float = 1.0
    seconds: float = 0.0
    accepted: bool = False
    seed: int = 0
    acted: int = 0
    _dice: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self)
        self._dice = random.Random(self.seed)  # noqa: S311 - repeatable on purpose, nothing secret

    def concerns(self, network: str, call: str, account: str) -> bool:
        """Whether this switch is about such a call at all."""
        return (
            self.network in (ALL, network)
            and self.call in (ALL, call)
            and self.account in (None, account)
            and self.times != 0
        )

    def act(self) -> bool:
        """Draw whether it acts this time, and count it."""
        if self.probability < 1 and self._dice.random() >= self.probability:
            return False
        if self.times is not None:
            self.times -= 1
        self.acted += 1
        return True

    def to_json(self) -> dict[str, Any]:
        """As it was posted, with what is left of it and how often it acted."""
        return {key: value for key, value in asdict(self).items() if not key.startswith("_")}


class Faults:
    """All switches that are thrown, in the order in which they were."""

    def __init__(self) -> None:
        self._thrown: list[Fault] = []
        self._lock = threading.Lock()

    def throw(self, fault: Fault) -> None:
        """Add a switch."""
        with self._lock:
            self._thrown.append(fault)

    def clear(self) -> None:
        """Take all switches back."""
        with self._lock:
            self._thrown.clear()

    def thrown(self) -> list[Fault]:
        """All switches, the spent ones included."""
        with self._lock:
            return list(self._thrown)

    def take(self, network: str, call: str, account: str, kinds: Iterable[str]) -> Fault | None:
        """The first switch of these kinds that acts on this call; the others are left untouched."""
        wanted = frozenset(kinds)
        with self._lock:
            for fault in self._thrown:
                if fault.kind in wanted and fault.concerns(network, call, account) and fault.act():
                    return fault
        return None


def parse(body: Any) -> list[Fault]:
    """The switches in a request body: one object or a list of them. Raises ValueError with one sentence."""
    entries = body if isinstance(body, list) else [body]
    return [_parse_one(entry) for entry in entries]


def _parse_one(entry: Any) -> Fault:
    if not isinstance(entry, dict):
        raise ValueError("a fault is a JSON object")
    known = {"network", "call", "kind", "account", "times", "probability", "seconds", "accepted", "seed"}
    unknown = sorted(set(entry) - known)
    if unknown:
        raise ValueError(f"a fault has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    if "kind" not in entry:
        raise ValueError("a fault needs a kind")
    account = entry.get("account")
    fields = {"network": ALL, "call": ALL, **entry, "account": None if account is None else str(account)}
    return Fault(**fields)


def _check(fault: Fault) -> None:
    if fault.kind not in KINDS:
        raise ValueError(f"there is no kind {fault.kind!r}; known are {', '.join(KINDS)}")
    if fault.network not in (*NETWORKS, ALL):
        raise ValueError(f"there is no network {fault.network!r}; known are {', '.join(NETWORKS)} and *")
    if fault.call not in CALLS:
        raise ValueError(f"there is no call {fault.call!r}; known are {', '.join(CALLS)}")
    if not _is_number(fault.probability) or not 0 <= fault.probability <= 1:
        raise ValueError("probability is a number from 0 to 1")
    if not _is_number(fault.seconds) or not 0 <= fault.seconds <= LONGEST_SECONDS:
        raise ValueError(f"seconds is a number from 0 to {LONGEST_SECONDS}")
    if fault.times is not None and (not _is_whole(fault.times) or fault.times < 0):
        raise ValueError("times is a whole number or null")
    if not isinstance(fault.accepted, bool) or not _is_whole(fault.seed):
        raise ValueError("accepted is true or false, seed a whole number")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
