"""The daemon that turns the key, and the entry point of the command line.

`kreativorte daemon` and `python scheduler.py` run it in the foreground. APScheduler turns the ticks (in memory:
what must not be lost lies in the ledger, never in a job store); posting itself sleeps until the next due instant.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from campaign import cli, show
from campaign.app import App
from campaign.db import DatabaseUnreachable, Watch, WorkerLock
from campaign.sparing import Sparing
from campaign.work import Work

logger = logging.getLogger("kreativorte.daemon")

LONGEST_SLEEP = 30.0
"""Seconds after which the plan is looked at even when nobody woke the daemon."""
AFTER_TROUBLE = 2.0
WHEN_STUCK = 2.0
JUMP = 5.0
"""Seconds between wall clock and monotonic clock that are no longer the fine tuning of a time service."""
TICKS: tuple[tuple[str, float], ...] = (
    ("pull_due", 5.0),
    ("plan", 60.0),
    ("reconcile", 1.0),
    ("seal", 2.0),
    ("look_ahead", 30.0),
    ("retry_held", 300.0),
    ("measure", 60.0),
    ("mail", 60.0),
    ("count_visits", 3600.0),
    ("tidy", 3600.0),
)


class Jumps:
    """Notices that the machine's clock was set: the ticks' next instants were named by what it said before, and would
    be as far away as it was set back."""

    def __init__(self, scheduler: BackgroundScheduler) -> None:
        self._scheduler = scheduler
        self._apart = self._seconds_apart()

    def look(self) -> None:
        """Let all ticks begin anew once the clock has jumped."""
        apart = self._seconds_apart()
        if abs(apart - self._apart) > JUMP:
            logger.warning("the clock was set by %.0f s", apart - self._apart)
            self._apart = apart
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))

    @staticmethod
    def _seconds_apart() -> float:
        return datetime.now(UTC).timestamp() - time.monotonic()


class Daemon:
    """One daemon over one application, until it is stopped or idle."""

    def __init__(self, app: App, *, on_end: Callable[[int], None] = lambda _id: None) -> None:
        self._app = app
        self._on_end = on_end
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._first_round = {name: threading.Event() for name in ("pull_due", "plan")}
        self._work: Work | None = None
        self._was_away = False

    def stop(self) -> None:
        """Begin nothing new; what is in flight is finished and recorded."""
        self._stopped.set()
        if self._work is not None:
            self._work.courier.begin_nothing()
        self._wake.set()

    def run(self, until_idle: float | None = None) -> None:
        """Work until stopped, or until nothing is due within `until_idle` seconds.

        Raises SecondDaemon when another daemon works on the same SQLite database.
        """
        with WorkerLock(self._app.database, self._app.clock) as lock, Watch(self._app.database, self._wake):
            self._work = work = Work(self._app, lock, self._on_end)
            work.recover()
            scheduler = self._scheduler(work)
            scheduler.start()
            jumps = Jumps(scheduler)
            try:
                while not self._stopped.is_set():
                    with self._weathering(work):
                        jumps.look()
                        taken = self._turn(work, lock)
                        if until_idle is not None and self._is_idle(work, until_idle):
                            break
                        if not taken:
                            self._sleep(work)
            finally:
                work.stop()
                scheduler.shutdown(wait=True)
                with contextlib.suppress(DatabaseUnreachable):
                    work.seal()

    @contextlib.contextmanager
    def _weathering(self, work: Work) -> Iterator[None]:
        """No trouble ends the daemon: what it promised is only kept by going on. It is told, and waited out."""
        try:
            yield
        except DatabaseUnreachable as trouble:
            logger.warning("%s", trouble)
        except Exception as trouble:
            logger.exception("the work failed and is tried again")
            work.note_trouble("deliver", trouble)
        else:
            return
        self._was_away = True
        self._stopped.wait(AFTER_TROUBLE)

    def _turn(self, work: Work, lock: WorkerLock) -> int:
        if self._was_away or not lock.held():
            lock.hold()
            # Whoever answers now may be another server, one that lags: nothing is sent before that is known.
            work.recover()
            self._was_away = False
        return work.deliver()

    def _is_idle(self, work: Work, until_idle: float) -> bool:
        return all(done.is_set() for done in self._first_round.values()) and work.idle(timedelta(seconds=until_idle))

    def _sleep(self, work: Work) -> None:
        """Until the next due instant or look, or until somebody changed the plan."""
        due = work.next_due()
        work.note_trouble("deliver")
        look = work.reconciler.next_look_in()
        if look is not None:
            at = self._app.clock.now() + timedelta(seconds=look)
            due = at if due is None else min(due, at)
        if due is not None and due <= self._app.clock.now():
            # Due, and yet nothing could be taken: its campaign is paused, or another machine has the channel.
            due = self._app.clock.now() + timedelta(seconds=WHEN_STUCK)
        waiting = not all(done.is_set() for done in self._first_round.values())
        self._app.clock.wait(due if not waiting else None, self._wake, 0.2 if waiting else LONGEST_SLEEP)
        self._wake.clear()

    def _scheduler(self, work: Work) -> BackgroundScheduler:
        """The ticks, each on a thread of its own, so that a slow pull never delays the others."""
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={name: ThreadPoolExecutor(1) for name, _ in TICKS},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for name, seconds in TICKS:
            scheduler.add_job(
                self._tick,
                "interval",
                args=(name, getattr(work, name)),
                seconds=seconds,
                id=name,
                executor=name,
                next_run_time=datetime.now(UTC),
            )
        return scheduler

    def _tick(self, name: str, run: Callable[[], object]) -> None:
        """One tick; its trouble is told in one line and never ends the daemon."""
        try:
            changed = run()
        except DatabaseUnreachable as trouble:
            logger.warning("%s", trouble)
            return
        except Exception as trouble:
            logger.exception("the tick %s failed", name)
            if self._work is not None:
                self._work.note_trouble(name, trouble)
            return
        finally:
            if name == "pull_due":
                self._first_round[name].set()
            if name == "plan" and self._first_round["pull_due"].is_set():
                self._first_round[name].set()
                self._wake.set()
        if self._work is not None:
            self._work.note_trouble(name)
        if name == "pull_due" and changed:
            self._tick("plan", self._plan)

    def _plan(self) -> None:
        if self._work is not None:
            self._work.plan()


def quiet_logs() -> None:
    """One line per event on standard error; the libraries' chatter and anything with tokens stays out."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.addFilter(Sparing())
    for name in ("apscheduler", "urllib3", "tweepy", "requests_oauthlib", "oauthlib", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextlib.contextmanager
def ended_by_signal(daemon: Daemon) -> Iterator[None]:
    """SIGTERM and SIGINT end the daemon cleanly."""

    def end(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=daemon.stop, name="stop").start()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_daemon(app: App, until_idle: float | None = None) -> int:
    """`kreativorte daemon`: the sandbox is started beside it when channels need it and nobody answers there."""
    quiet_logs()
    daemon = Daemon(app)
    with show.sandbox_beside(app), ended_by_signal(daemon):
        daemon.run(until_idle)
    return cli.DONE


def run_demo(port: int | None, pages: bool) -> int:
    """`kreativorte demo`: the whole way on the sandbox, with a clock that leaps over idle waiting; then the pages."""
    quiet_logs()
    logging.getLogger().setLevel(logging.ERROR)
    return show.demo(lambda app, on_end: Daemon(app, on_end=on_end), port, pages=pages)


main = cli.build(run_daemon, run_demo)

if __name__ == "__main__":
    sys.argv[1:1] = [] if sys.argv[1:] else ["daemon"]
    sys.exit(main())
