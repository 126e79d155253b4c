"""The windows between database and network in which others post twice or lose posts, each as something to run.

A window is what goes wrong: switches of the networks, a network or database that is away, or a person who acts at
the worst moment. Every window is run once for each fault point at which the daemon may die besides.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from campaign.app import App
from campaign.desk import Refusal
from posts.states import State
from tests.chaos.points import BEFORE_COMMIT, COMMITTED, SENT, cut_off, database_trouble
from tests.chaos.world import Life, Shape
from tests.integration.harness import ACCOUNT, PAGE, House

OUTAGE = timedelta(seconds=60)
LINK = "https://www.kreativorte.example/orte/"


def announce(house: House, picture: Path) -> list[int]:
    """The announcements of every run: on both networks, with link, with picture, and plain."""
    ids = []
    for number, network in enumerate(["facebook", "twitter"] * 3):
        channel = f"{network}-{PAGE if network == 'facebook' else ACCOUNT}"
        image = (picture, "Ein Hof mit Linde", "Foto: Anna") if number in (2, 3) else None
        link = f"{LINK}{number}" if number in (0, 1, 2) else None
        ids.append(house.add(channel, f"Nr. {number} lädt ein", after=300, image=image, link=link))
    return ids


@dataclass(frozen=True)
class Window:
    """One kind of fault. `shape` is laid over the first generation, `faults` are thrown for it on the networks."""

    name: str
    faults: tuple[dict[str, Any], ...] = ()
    shape: Shape = lambda _life: None


def fault(kind: str, call: str = "create", times: int | None = 2, **fields: Any) -> dict[str, Any]:
    """A switch of the sandbox that acts on the first calls."""
    return {"kind": kind, "call": call, "times": times} | fields


# --- networks and databases that are away --------------------------------------------------------------------


def _away(reason: Exception) -> Shape:
    def shape(life: Life) -> None:
        begin = life.clock.now()
        cut_off(reason, lambda: life.clock.now() < begin + OUTAGE)

    return shape


def _while_calling(life: Life, then: Callable[[], None]) -> None:
    """Do something once, when the first visible call's last byte has left."""
    done = []
    inner = life.points.act

    def act(kind: str, number: int) -> None:
        inner(kind, number)
        if kind == SENT and not done and _is_sending(life):
            done.append(number)
            then()

    life.points.act = act


def _is_sending(life: Life) -> bool:
    return bool(life.house.app.announcements(states=(State.SENDING,)))


def _database_fails(kind: str, lasting: timedelta) -> Shape:
    """From the first visible call on, every commit fails for a while: before it took hold, or after."""

    def shape(life: Life) -> None:
        engine = life.house.app.database.engine
        inner = life.points.act
        since: list[Any] = []

        def act(at: str, number: int) -> None:
            inner(at, number)
            if at == SENT and not since and _is_sending(life):
                since.append(life.clock.now())
            if at == kind and since and life.clock.now() <= since[0] + lasting:
                raise database_trouble(engine)

        life.points.act = act

    return shape


# --- persons who act while a call is under way ---------------------------------------------------------------


def _person(act: Callable[[App, int], object]) -> Shape:
    """A person, on another connection, does something to the announcement that is being sent."""

    def shape(life: Life) -> None:
        def then() -> None:
            app = life.house.another_app()
            try:
                for one in life.house.app.announcements(states=(State.SENDING,)):
                    act(app, one["id"])
            except Refusal:
                pass  # refused is an answer: the person was told
            finally:
                app.close()

        _while_calling(life, then)

    return shape


def _brake_for_a_while(app: App, _announcement: int) -> None:
    app.set_brake(True, "Probe")
    app.set_brake(False)


_LATE = fault("accept_late", seconds=1.5, times=1)

WINDOWS: tuple[Window, ...] = (
    Window("nothing but the daemon's death"),
    Window("the network answers 500 and did not publish", (fault("error_500"),)),
    Window("the network answers 500 and published", (fault("accept_then_500"),)),
    Window("the connection breaks before it published", (fault("hang_up"),)),
    Window("the connection breaks after it published", (fault("accept_then_hang_up"),)),
    Window("published only after the caller gave up", (_LATE,)),
    Window("a web page instead of JSON, not published", (fault("html"),)),
    Window("a web page instead of JSON, published", (fault("html", accepted=True),)),
    Window("the answer breaks off, published", (fault("truncated"),)),
    Window("the answer is hostile JSON, published", (fault("hostile", seed=3),)),
    Window("connection refused for a minute", shape=_away(ConnectionRefusedError(111, "Connection refused"))),
    Window("names can't be resolved for a minute", shape=_away(socket.gaierror(-3, "Temporary failure"))),
    Window("throttled, with headers", (fault("throttle", seconds=120),)),
    Window("throttled, without headers", (fault("throttle_silent"),)),
    Window("the picture's upload is throttled", (fault("throttle_silent", call="upload"),)),
    Window("the token has expired", (fault("expired_token", call="*", times=4),)),
    Window("refused for what it says", (fault("refuse"),)),
    Window("refused as a repetition after a doubt", (fault("accept_then_500"), fault("refuse_duplicate", times=1))),
    Window(
        "published, and the time-line lags",
        (fault("accept_then_500"), fault("timeline_lag", call="timeline", times=None, seconds=2)),
    ),
    Window(
        "published, and the time-line is down for three looks",
        (fault("accept_then_500"), fault("timeline_error", call="timeline", times=3)),
    ),
    Window(
        "recording fails for ten seconds (disk full, connection lost)",
        shape=_database_fails(BEFORE_COMMIT, timedelta(seconds=10)),
    ),
    Window("recording fails although it took hold", shape=_database_fails(COMMITTED, timedelta(seconds=1))),
    Window("the database is away for a minute after the call", shape=_database_fails(BEFORE_COMMIT, OUTAGE)),
    Window("cancelled while it is sent", shape=_person(lambda app, one: app.decide("cancel", [one]))),
    Window(
        "edited while it is sent",
        shape=_person(lambda app, one: app.edit(one, text="Nr. 99 anders", link=None, image=None, no_image=False)),
    ),
    Window(
        "moved while it is sent",
        shape=_person(lambda app, one: app.move(one, "2026-11-24 12:00", force=True)),
    ),
    Window("the emergency brake while it is sent", shape=_person(_brake_for_a_while)),
)
