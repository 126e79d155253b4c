"""Sandbox networks that a module's tests share: one server, cleared and at the same instant for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.conftest import START
from tests.integration.harness import Networks


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Server, ManualClock]]:
    clock = ManualClock(START)
    with Server(clock=clock) as server:
        yield server, clock


@pytest.fixture
def networks(running: tuple[Server, ManualClock]) -> Networks:
    server, clock = running
    clock.set(START)
    found = Networks(server)
    found.control("/_reset")
    return found
