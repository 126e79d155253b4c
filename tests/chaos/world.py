"""One small world per run: networks, a database with announcements, and daemons that die and are followed by others.

A run has generations. Each is a process of its own, forked from one that has loaded everything and runs no thread:
it works until nothing is open, or until a fault point ends it. The last one finds all faults off. Then both sides
are read: what the networks accepted, and what the ledger tells.
"""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import Connection, select

from campaign.db import WorkerLock
from campaign.work import Work
from posts import ledger
from posts.clock import ManualClock
from posts.states import State
from posts.tables import deliveries
from tests.chaos.points import Points
from tests.integration.harness import House, Networks

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
OPEN = {State.APPROVED.value, State.QUEUED.value, State.SENDING.value, State.UNKNOWN.value}
TURNS = 400
"""More turns than any run needs: one that takes them all has got stuck, and what is still open then counts as lost."""
LONGEST_STEP = 3 * 3600.0


class Sandbox:
    """The networks in a process of their own, which no fault of ours can reach."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        serve = f"from posts.sandbox.server import serve; serve('127.0.0.1', {self.port}, None)"
        self._process = subprocess.Popen([sys.executable, "-c", serve], stdout=subprocess.DEVNULL)
        for _ in range(400):
            with contextlib.suppress(OSError):
                self.control("GET", "/_sandbox")
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                break
        raise RuntimeError("the sandbox did not start")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One of the sandbox's own calls, past everything that counts or breaks the daemon's calls."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {content.decode(errors='replace')}")
        return json.loads(content)

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()


class WorldClock(ManualClock):
    """A clock that the networks follow, so that limits, lags and windows pass without waiting."""

    def __init__(self, sandbox: Sandbox, start: datetime) -> None:
        super().__init__(start)
        self._sandbox = sandbox

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self.tell()

    def tell(self) -> None:
        """Let the networks have this time, once they are done with what is under way: time passes for both sides."""
        told = {"now": self.now().isoformat()}
        never = threading.Event()
        while self._sandbox.control("POST", "/_clock", told)["under_way"]:
            never.wait(0.02)


@dataclass
class Life:
    """One generation at work, as a fault or an action sees it."""

    house: House
    points: Points
    clock: WorldClock
    ids: list[int]


Shape = Callable[[Life], None]
"""What is special about a generation: it may set `life.points.act`, cut networks off, or begin something else."""


@dataclass(frozen=True)
class Ending:
    """One announcement as both sides tell it in the end."""

    id: int
    text: str
    state: str
    told: bool
    events: tuple[str, ...]
    remote_id: str | None


@dataclass
class Report:
    """What a run ended with: the announcements, the accepted posts by text, and whether the chain holds."""

    endings: list[Ending]
    accepted: dict[str, list[str]]
    chain_holds: bool
    unlogged: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, told: dict[str, Any], sandbox: Sandbox) -> Report:
        """What the ledger tells, beside what the networks accepted."""
        endings = [Ending(**one | {"events": tuple(one["events"])}) for one in told["endings"]]
        accepted: dict[str, list[str]] = {}
        for post in sandbox.control("GET", "/_posts"):
            if post["published"]:
                accepted.setdefault(post["text"], []).append(post["id"])
        return cls(endings, accepted, told["chain_holds"], told["unlogged"])


class World:
    """Builds the database once, and gives each run a fresh copy of it."""

    def __init__(self, directory: Path, database: Database, sandbox: Sandbox, house_settings: dict[str, Any]) -> None:
        self._directory, self._database, self._sandbox = directory, database, sandbox
        self._settings = house_settings
        self._house: House | None = None
        self._ids: list[int] = []

    @property
    def house(self) -> House:
        """The installation; its engine has no open connection between runs."""
        assert self._house is not None
        return self._house

    def furnish(self, announce: Callable[[House, Path], list[int]]) -> None:
        """Connect a channel of each network, prove its reader, and enter the announcements of every run."""
        self._sandbox.control("POST", "/_reset")
        clock = WorldClock(self._sandbox, START)
        clock.tell()
        networks = Networks(self._sandbox)  # type: ignore[arg-type] - it answers at the same address
        self._house = house = House(self._directory, self._database.template, networks, clock, **self._settings)
        picture = self._directory / "hof.png"
        Image.new("RGB", (320, 240), "seagreen").save(picture)
        channels = [house.channel("facebook"), house.channel("twitter")]
        with house.at_work() as work:
            for channel in channels:
                house.add(channel, f"Der erste Beitrag auf {channel}")
                house.add(channel, f"Der erste Verweis auf {channel}", link="https://www.kreativorte.example/")
                house.add(channel, f"Das erste Bild auf {channel}", image=(picture, "Ein Hof", "Foto: Anna"))
            for _ in range(5):
                work.deliver()
                clock.advance(61)
                work.reconcile()
        house.clock = clock
        self._ids = announce(house, picture)
        house.app.close()
        # Every run is forked from here: without this each would walk and copy all of the loaded modules' objects.
        gc.collect()
        gc.freeze()

    def run(self, shapes: list[Shape], faults: list[dict[str, Any]]) -> Report:
        """One generation per shape, then one with all faults off; returns what both sides tell."""
        self._sandbox.control("POST", "/_reset")
        self._sandbox.control("POST", "/_faults", [{"kind": "repetitions"}, *faults])
        self._database.thaw()
        # Each run is its own installation: what an earlier one remembers of its database is no loss of this one.
        (self._directory / "heads.json").write_text("{}")
        now = START + timedelta(minutes=10)
        for shape in shapes:
            now = max(now, self._generation(now, shape))
        self._sandbox.control("DELETE", "/_faults")
        self._sandbox.control("POST", "/_faults", {"kind": "repetitions"})
        return self._last_generation(now + timedelta(seconds=61))

    def points(self, shape: Shape, faults: list[dict[str, Any]]) -> int:
        """How many points a generation passes when nothing ends it."""
        file = self._directory / "points"

        def counted(life: Life) -> None:
            life.points.act = lambda _kind, number: file.write_text(str(number)) and None
            shape(life)

        self.run([counted], faults)
        return int(file.read_text())

    # --- generations

    def _generation(self, now: datetime, shape: Shape) -> datetime:
        _in_a_process(lambda: self._live(now, shape))
        told = self._sandbox.control("GET", "/_clock")["now"]
        return datetime.fromisoformat(told) + timedelta(seconds=1)

    def _live(self, now: datetime, shape: Shape) -> None:
        clock = WorldClock(self._sandbox, now)
        clock.tell()
        house = self._house_of(clock)
        points = Points()
        points.watch_network()
        points.watch_database(house.app.database.engine)
        shape(Life(house, points, clock, self._ids))
        _work_until_quiet(house, clock)

    def _house_of(self, clock: WorldClock) -> House:
        house = self.house
        house.clock = clock
        house.set_database(self._database.url)
        return house

    def _last_generation(self, now: datetime) -> Report:
        file = self._directory / "endings.json"
        file.unlink(missing_ok=True)

        def live() -> None:
            clock = WorldClock(self._sandbox, now)
            clock.tell()
            house = self._house_of(clock)
            house.app.check_channels([])
            _work_until_quiet(house, clock)
            file.write_text(json.dumps(tell(house, self._ids)), encoding="utf-8")

        _in_a_process(live)
        if not file.exists():
            raise RuntimeError("the last generation did not end")
        return Report.of(json.loads(file.read_text(encoding="utf-8")), self._sandbox)


class Database:
    """A database that is built once and copied for each run."""

    template: str
    url: str

    def thaw(self) -> None:
        """A fresh copy at `url`."""

    def thaw_empty(self) -> None:
        """An empty one at `url`."""


class SqliteFile(Database):
    """A file, copied."""

    def __init__(self, directory: Path) -> None:
        self._frozen, self._file = directory / "frozen.db", directory / "run.db"
        self.template, self.url = f"sqlite:///{self._frozen}", f"sqlite:///{self._file}"

    def thaw_empty(self) -> None:
        for end in ("", "-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)

    def thaw(self) -> None:
        self.thaw_empty()
        self._file.write_bytes(self._frozen.read_bytes())


class PostgresCopy(Database):
    """A database on our own server, copied by its template."""

    def __init__(self, server: str) -> None:
        self._server = server.replace("postgresql+psycopg://", "postgresql://")
        self.template, self.url = self._address("frozen"), self._address("run")
        self._execute('CREATE DATABASE "frozen"')

    def _address(self, name: str) -> str:
        head, _, tail = self._server.partition("?")
        address = head.rpartition("/")[0] + f"/{name}" + (f"?{tail}" if tail else "")
        return address.replace("postgresql://", "postgresql+psycopg://")

    def _execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self._server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def thaw_empty(self) -> None:
        self._execute('DROP DATABASE IF EXISTS "run" WITH (FORCE)', 'CREATE DATABASE "run"')

    def thaw(self) -> None:
        self._execute('DROP DATABASE IF EXISTS "run" WITH (FORCE)', 'CREATE DATABASE "run" TEMPLATE "frozen"')


# --- a generation's inner life -------------------------------------------------------------------------------


def _in_a_process(live: Callable[[], None]) -> None:
    """Run it in a forked process and wait for that one's end, whatever it is; only a bug of the harness is shown."""
    child = os.fork()
    if child == 0:
        try:
            live()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _work_until_quiet(house: House, clock: WorldClock) -> None:
    with WorkerLock(house.app.database, clock) as lock:
        work = Work(house.app, lock)
        _patiently(work.recover, clock)
        for _ in range(TURNS):
            for tick in (work.deliver, work.reconcile, work.seal):
                _patiently(tick, clock)
            if not _patiently(lambda: _is_open(house), clock):
                break
            if _patiently(work.next_due, clock) is None:
                _patiently(lambda: a_person_looks(house), clock)
            clock.advance(_until_next(work, clock))
        work.stop()


def a_person_looks(house: House) -> None:
    """What `doctor` asks of staff: a channel that was signed out is checked again."""
    signed_out = [one["name"] for one in house.app.channels() if one["signed_out"]]
    if signed_out:
        house.app.check_channels(signed_out)


def _patiently(tick: Callable[[], Any], clock: WorldClock) -> Any:
    """As the daemon does: trouble with the database is waited out."""
    from campaign.db import DatabaseUnreachable

    while True:
        try:
            return tick()
        except DatabaseUnreachable:
            clock.advance(2)


def _is_open(house: House) -> bool:
    with house.app.database.read() as connection:
        return (
            connection.execute(select(deliveries.c.id).where(deliveries.c.state.in_(OPEN)).limit(1)).first() is not None
        )


def _until_next(work: Work, clock: WorldClock) -> float:
    """Seconds until something can happen: the next due instant or look, a lease's end."""
    instants = [work.reconciler.next_look_in()]
    due = work.next_due()
    if due is not None:
        instants.append((due - clock.now()).total_seconds())
    return min(max(0.5, min((one for one in instants if one is not None), default=30.0)), LONGEST_STEP)


# --- reading both sides --------------------------------------------------------------------------------------


def tell(house: House, ids: list[int]) -> dict[str, Any]:
    """Our side of the truth: how each announcement ended, whether the log's chain holds and agrees."""
    verification = house.app.verify_log(None)
    shown = {one["id"]: one for one in house.app.announcements(ids=ids)}
    with house.app.database.read() as connection:
        return {
            "endings": [_ending(connection, shown[one]) for one in ids],
            "chain_holds": verification.ok,
            "unlogged": [str(one) for one in ids if not _log_agrees(connection, one, shown[one]["state"])],
        }


def _ending(connection: Connection, one: dict[str, Any]) -> dict[str, Any]:
    events = [row.event for row in ledger.entries(connection, delivery_id=one["id"])]
    told = bool(one["problems"] or one["hold_reason"]) or one["state"] in ("missed", "cancelled", "posted")
    return {
        "id": one["id"],
        "text": one["sent_text"] or one["text"],
        "state": one["state"],
        "told": told,
        "events": events,
        "remote_id": one["remote_id"],
    }


LEADS_TO = {
    "posted": "posted",
    "found": "posted",
    "settled_found": "posted",
    "refused": "refused",
    "missed": "missed",
    "cancelled": "cancelled",
    "handed_over": "in_doubt",
    "held": "held",
}


def _log_agrees(connection: Connection, announcement_id: int, state: str) -> bool:
    """Whether the last event that ends something leads to the state that the announcement has."""
    ends = [row.event for row in ledger.entries(connection, delivery_id=announcement_id) if row.event in LEADS_TO]
    return bool(ends) and LEADS_TO[ends[-1]] == state


@contextlib.contextmanager
def sandbox_process() -> Iterator[Sandbox]:
    """The networks, as long as they are needed."""
    sandbox = Sandbox()
    try:
        yield sandbox
    finally:
        sandbox.end()
