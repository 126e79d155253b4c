"""Real daemons under every fault at once, one of them killed every second by the clock."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from posts.clock import SystemClock
from posts.states import State
from posts.tables import workers
from tests.chaos.world import OPEN, Report, Sandbox, a_person_looks, tell
from tests.integration.harness import House, Networks, until

CHANCE = 0.1
LONGEST = 1800
"""Seconds after which what is still open counts as lost."""
SETTINGS: dict[str, Any] = {
    "network": {"connect_timeout": "1s", "read_timeout": "2s"},
    "delivery": {"lease": "20s", "throttle_wait": "2s", "senders": 4},
    "reconcile": {"looks": ["500ms", "2s"], "window": "5s"},
}
# Every switch that a visible call knows, and those of the calls before and after it.
SWITCHES: tuple[dict[str, Any], ...] = (
    *(
        {"call": "create", "kind": kind}
        for kind in (
            "refuse",
            "refuse_duplicate",
            "throttle_silent",
            "expired_token",
            "credits",
            "error_500",
            "hang_up",
            "html",
            "accept_then_hang_up",
            "accept_then_500",
            "truncated",
            "hostile",
        )
    ),
    {"call": "create", "kind": "html", "accepted": True},
    {"call": "create", "kind": "throttle", "seconds": 3},
    {"call": "create", "kind": "delay", "seconds": 0.5},
    {"call": "create", "kind": "accept_late", "seconds": 3},
    {"call": "upload", "kind": "error_500"},
    {"call": "timeline", "kind": "timeline_error"},
    {"call": "timeline", "kind": "timeline_lag", "seconds": 1},
    {"call": "timeline", "kind": "canonical_links"},
    {"call": "timeline", "kind": "wrapped_links"},
    {"call": "timeline", "kind": "escaped"},
)


def furnish(directory: Path, database: str, sandbox: Sandbox, count: int) -> tuple[House, list[int]]:
    """An installation with four channels whose readers are proved, and that many announcements due at once."""
    sandbox.control("POST", "/_reset")
    sandbox.control("POST", "/_limits", {"create": {"limit": 100_000, "window": 900}})
    networks = Networks(sandbox)  # type: ignore[arg-type] - it answers at the same address
    house = House(directory, database, networks, SystemClock(), **SETTINGS)
    channels = [house.channel(network, f"{number}7") for network in ("facebook", "twitter") for number in (1, 2)]
    with house.at_work() as work:
        for channel in channels:
            house.add(channel, f"Der erste Beitrag auf {channel}")
            house.add(channel, f"Der erste Verweis auf {channel}", link="https://www.kreativorte.example/")
        for _ in range(2):
            work.deliver()
        work.reconcile()
    sandbox.control("POST", "/_faults", [{"kind": "repetitions"}, *_at_chance()])
    ids = []
    for number in range(count):
        link = f"https://www.kreativorte.example/orte/{number}" if number % 2 else None
        ids.append(house.add(channels[number % 4], f"Nr. {number} lädt ein", link=link))
    return house, ids


def _at_chance() -> list[dict[str, Any]]:
    return [one | {"probability": CHANCE, "seed": seed} for seed, one in enumerate(SWITCHES)]


def soak(house: House, sandbox: Sandbox, ids: list[int], daemons: int, kills: int) -> Report:
    """Kill one daemon about every second, that often; then take the faults back and let the last ones finish."""
    dice, pause = random.Random(7), threading.Event()
    with _herd(house, daemons) as herd:
        for number in range(kills):
            # One that was killed while it was still loading its modules would show nothing.
            until(lambda at_least=number: _enrolled(house) >= at_least + daemons, "a daemon's start")  # type: ignore[misc]
            pause.wait(dice.random() * 2 / daemons)
            _replace(house, herd, dice.randrange(daemons))
            a_person_looks(house)
        sandbox.control("DELETE", "/_faults")
        sandbox.control("POST", "/_faults", {"kind": "repetitions"})
        for _ in range(LONGEST):
            a_person_looks(house)
            if not house.app.announcements(states=[State(one) for one in OPEN]):
                break
            pause.wait(1.0)
    return Report.of(tell(house, ids), sandbox)


@contextlib.contextmanager
def _herd(house: House, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    herd = [_daemon(house) for _ in range(count)]
    try:
        yield herd
    finally:
        for one in herd:
            one.terminate()
        for one in herd:
            one.wait(60)


def _daemon(house: House) -> subprocess.Popen[str]:
    return house.process("daemon", quiet=True)


def _replace(house: House, herd: list[subprocess.Popen[str]], which: int) -> None:
    os.kill(herd[which].pid, signal.SIGKILL)
    herd[which].wait()
    herd[which] = _daemon(house)


def _enrolled(house: House) -> int:
    """How many daemons have begun to work since the beginning."""
    with house.app.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(workers)).scalar_one()) - 1
