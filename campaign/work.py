"""One daemon's work: what the courier, the reconciler and each tick do with the application."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from campaign import compose, desk, planning, sampling, store, visits
from campaign.app import App
from campaign.campaigns import Campaign, parse_campaign
from campaign.db import DatabaseUnreachable, WorkerLock
from campaign.heads import Loss
from campaign.looks import Looks
from campaign.portals.portal import PortalError
from campaign.pulling import Pulled
from campaign.reports import mailing
from campaign.review import image_root
from posts import engagement, ledger
from posts.delivery import Courier, Patience, Publishers
from posts.drafts import Draft
from posts.errors import Explained
from posts.images import ImageError, trim
from posts.reconcile import Reconciler, Settling
from posts.states import FINAL, Event, State

logger = logging.getLogger(__name__)

SEARCH_MARGIN = timedelta(minutes=1)
"""What is to be looked for before it is sent is taken up by the settling window and this before its time."""
TICK_LEASE = timedelta(seconds=60)
TICKS_THAT_RUN_ONCE = ("pull", "plan", "reconcile", sampling.TICK, mailing.TICK)
SIGN_OF_LIFE = timedelta(seconds=30)
LOOK_AHEAD = timedelta(days=28)
"""How long before its time an announcement's link and pictures are looked at."""
LOOK_AGAIN = timedelta(days=1)
STILL_FRESH = timedelta(minutes=15)
"""How long an answer of a link or picture is believed when the announcement goes out."""
LOOKS_PER_ROUND = 40
FROZEN = ("state", "due_at", "text", "link", "images")
"""What must not have changed between the last look at an announcement and its handing over to the senders."""
MEDIA_BYTES = 2_000_000_000
"""How large the folder of prepared pictures may grow."""
FAULTS = frozenset({"internal", "portal_misconfigured"})
"""Reasons of a hold that are nobody's decision: the whole announcement is looked at again."""


@dataclass(frozen=True)
class Ready:
    """How the last look at an announcement ended: with the draft to send, or with what stands against it."""

    draft: Draft | None
    problems: list[str]


class Work:
    """One daemon's work on the database: each method is one tick, safe to run beside the others."""

    def __init__(self, app: App, lock: WorkerLock, on_end: Callable[[int], None] = lambda _id: None) -> None:
        self._app = app
        self._lock = lock
        settings = app.settings
        door = app.accounts()
        self.publishers = Publishers(door.publisher, door.version, door.refresh_rejected)
        self.courier = Courier(
            app.database.write,
            app.clock,
            self.publishers,
            lock.worker.id,
            Patience(
                settings["delivery.lease"],
                app.longest_call,
                settings["delivery.throttle_wait"],
                settings["delivery.catch_up_gap"],
            ),
            settings["delivery.senders"],
            on_end,
            lambda connection: store.kept_back(connection, [State.QUEUED]),
            lambda connection: lock.may_send(connection) and app.knows_head(connection),
        )
        self.reconciler = Reconciler(
            app.database.write,
            app.clock,
            door.publisher,
            lock.dead,
            Settling(
                looks=tuple(look.total_seconds() for look in settings["reconcile.looks"]),
                window=settings["reconcile.window"].total_seconds(),
                resend=settings["reconcile.after_absent"] == "resend",
                resends=settings["reconcile.resends"],
                late_grace=settings["delivery.late_grace"],
            ),
        )
        self._looks = Looks[Ready](settings["delivery.senders"])
        # On the monotonic scale: a clock that is set back must not put them off.
        self._next_pull: dict[str, float] = {}
        self._seen_at: float | None = None
        self._troubles: dict[str, str] = {}
        self._told: tuple[list[str], float] = [], 0.0
        self._telling = threading.Lock()

    def recover(self) -> None:
        """At the start, and whenever the database was away: is it still the same one? Then calls of workers that
        ended become doubts, their preparations are free again."""
        self._tell(self._app.compare_heads())
        self._lock.trust()
        # At once: a first daemon that dies before its first tick must not find its own work a stranger's.
        self._keep_head()
        with self._app.database.write() as connection:
            self._lock.enroll(connection)
            now = self._app.now(connection)
            dead = self._lock.dead(connection, store.unfinished_workers(connection))
            ledger.lapse(connection, now, dead)
            ledger.free_claims(connection, dead)
            # Else a daemon that was started again would not pull, plan or look until its forerunner's leases end.
            for ended in self._lock.dead(connection, ledger.lease_holders(connection, TICKS_THAT_RUN_ONCE)):
                for name in TICKS_THAT_RUN_ONCE:
                    ledger.drop_lease(connection, name, ended)

    def _keep_head(self) -> None:
        try:
            self._tell(self._app.keep_head())
        except OSError as error:
            # What can't be remembered is no reason to be late; but nobody would notice a restored database.
            logger.warning("what was sent can't be remembered outside the database: %s", error.strerror)
            self.note_trouble("heads", error)
        else:
            self.note_trouble("heads")

    def note_trouble(self, what: str, trouble: Exception | None = None) -> None:
        """A part of the work fails, or works again: `doctor` tells it until then."""
        with self._telling:
            self._troubles.pop(what, None)
            if trouble is not None:
                self._troubles[what] = f"{what}:{_named(trouble)}"
            troubles, monotonic = sorted(self._troubles.values()), self._app.clock.monotonic()
            told, at = self._told
            if troubles == told and (not troubles or monotonic - at < SIGN_OF_LIFE.total_seconds()):
                return
            # Where it can't be written now, the database is the trouble: who looks there is told by that.
            with contextlib.suppress(Exception):
                with self._app.database.write() as connection:
                    ledger.note_troubles(connection, self._lock.worker.id, troubles, self._app.now(connection))
                self._told = troubles, monotonic

    def stop(self) -> None:
        """Begin nothing new, and wait until what is in flight is finished and recorded."""
        self.courier.stop()
        self._looks.close()

    def deliver(self) -> int:
        """Freeze what is due, send what is queued, tell what is too late."""
        return self.courier.deliver_due(self._freeze_due)

    def _freeze_due(self) -> int:
        """Look at what is due once more and hand it to the senders; returns how many are still being looked at."""
        app = self._app
        with app.database.write() as connection:
            now = app.now(connection)
            monotonic = app.clock.monotonic()
            if self._seen_at is None or monotonic - self._seen_at >= SIGN_OF_LIFE.total_seconds():
                ledger.see(connection, self._lock.worker.id, now)
                self._seen_at = monotonic
            ledger.miss_late(connection, now)
        with app.database.read() as connection:
            search = app.settings["reconcile.window"] + SEARCH_MARGIN
            due = store.due_for_queueing(connection, app.now(connection), search)
            if not due or ledger.brake_engaged(connection):
                return 0
            rows = store.announcement_rows(connection, ids=due)
        hosts = app.tracked_hosts()
        return self._looks.go_on(rows, lambda row: self._look_closely(row, hosts), self._freeze)

    def _look_closely(self, row: Row[Any], hosts: frozenset[str]) -> Ready:
        """Everything that may stand against sending it now, or its draft. What can't be looked at is held, lest one
        announcement's trouble becomes everybody's."""
        app = self._app
        try:
            with app.database.read() as connection:
                campaign = _campaign_of(connection, row)
            problems = self._last_look(row, campaign)
            if problems:
                return Ready(None, problems)
            draft = compose.freeze(app.settings, hosts, row, campaign, image_root(self._app, row))
        except ImageError as error:
            return Ready(None, [f"image_unusable:{error}"])
        except Exception as error:
            return Ready(None, [self._fault(row, error)])
        return Ready(draft, [])

    def _fault(self, row: Row[Any], error: Exception) -> str:
        """The reason that stands for an unforeseen error of one announcement; trouble of the database is nobody's."""
        if isinstance(error, DatabaseUnreachable | SQLAlchemyError):
            raise error
        if isinstance(error, PortalError):
            return f"portal_misconfigured:{error}"
        logger.error("looking at announcement %s failed", row.id, exc_info=error)
        return "internal"

    def _freeze(self, row: Row[Any], ready: Ready) -> None:
        try:
            self._hand_to_senders(row, ready)
        except Exception as error:
            self._hand_to_senders(row, Ready(None, [self._fault(row, error)]))

    def _hand_to_senders(self, row: Row[Any], ready: Ready) -> None:
        app, problems, draft = self._app, ready.problems, ready.draft
        with app.database.write() as connection:
            now = app.now(connection)
            # Locked before it is read again: a person may have changed it while this looked at links and pictures.
            ledger.state_of(connection, row.id)
            current = store.announcement_row(connection, row.id)
            if any(getattr(current, name) != getattr(row, name) for name in FROZEN):
                return
            if draft is None:
                ledger.move(
                    connection,
                    row.id,
                    State.APPROVED,
                    Event.HELD,
                    now,
                    ledger.DAEMON,
                    hold_reason=problems[0],
                    detail={"problems": problems},
                )
                store.set_announcement(connection, row.id, now, problems=problems)
                return
            ledger.queue(connection, row.id, draft, compose.cost(row.network, draft, now), now)

    def _last_look(self, row: Row[Any], campaign: Campaign | None) -> list[str]:
        """Preflight once more, now that it goes out."""
        app = self._app
        problems = compose.preflight(
            row.network,
            row.text,
            row.link,
            list(row.images),
            require_image=bool(campaign and campaign.require_image and row.place_id),
        )
        with app.database.read() as connection:
            problems += planning.situation_problems(connection, row, campaign, app.settings.zone)
        if not problems:
            seen_well = row.looked_at is not None and not row.problems
            fresh = seen_well and app.clock.now() - row.looked_at < STILL_FRESH
            outside = None if fresh and row.looked_at >= row.changed_at else self._outside_problem(row)
            problems += [outside] if outside else []
        return problems

    def look_ahead(self) -> None:
        """Fetch pictures and ask links of what is planned, weeks before its time; what fails is held and told."""
        app = self._app
        with app.database.read() as connection:
            now = app.now(connection)
            rows = store.to_look_at(connection, now - LOOK_AGAIN, now + LOOK_AHEAD, LOOKS_PER_ROUND)
        for row in rows:
            try:
                problem = self._outside_problem(row)
            except Exception as error:
                problem = self._fault(row, error)
            with app.database.write() as connection:
                now = app.now(connection)
                store.note_look(connection, row.id, now)
                if problem is not None:
                    seen, detail = State(row.state), {"problems": [problem]}
                    ledger.move(
                        connection, row.id, seen, Event.HELD, now, ledger.DAEMON, hold_reason=problem, detail=detail
                    )
                    store.set_announcement(connection, row.id, now, problems=[problem])

    def _outside_problem(self, row: Row[Any]) -> str | None:
        """What is wrong with the link or a picture, by asking their servers."""
        settings = self._app.settings
        if row.link and settings["preflight.check_links"]:
            connect, read = settings["network.connect_timeout"], settings["network.read_timeout"]
            dead = compose.link_problem(row.link, connect.total_seconds(), read.total_seconds())
            if dead is not None:
                return dead
        try:
            for image in row.images:
                compose.prepared_image(
                    settings.path("media_dir"), row.network, image, image_root(self._app, row), frozenset()
                )
        except ImageError as error:
            return f"image_unusable:{error}"
        return None

    def retry_held(self) -> None:
        """Look again at what is held because a link or a picture failed; let it go on once it does not."""
        app = self._app
        with app.database.read() as connection:
            rows = store.announcement_rows(connection, states=[State.HELD])
        for row in rows:
            if not self._may_go_on(row):
                continue
            try:
                with app.at_desk(ledger.DAEMON) as (connection, at):
                    desk.release(connection, at, row.id)
                    store.set_announcement(connection, row.id, at.now, problems=[])
            except Explained as changed_meanwhile:
                logger.info("announcement %s stays as it is: %s", row.id, changed_meanwhile)

    def _may_go_on(self, row: Row[Any]) -> bool:
        """Whether what an announcement is held for has passed by itself."""
        word = (row.hold_reason or "").partition(":")[0]
        if word in FAULTS:
            return not self._look_closely(row, self._app.tracked_hosts()).problems
        if word not in ("link_dead", "image_unusable"):
            return False
        try:
            return self._outside_problem(row) is None
        except Exception as error:
            self._fault(row, error)
            return False

    def pull_due(self) -> list[Pulled]:
        """Poll the portals whose turn it is, one machine at a time."""
        app = self._app
        monotonic = app.clock.monotonic()
        due = [config for config in app.portals() if self._next_pull.get(config.name, monotonic) <= monotonic]
        if not due:
            return []
        with app.database.write() as connection:
            lease = timedelta(minutes=10)
            if not ledger.take_lease(connection, "pull", self._lock.worker.id, app.now(connection), lease):
                return []
        pulled = []
        for config in due:
            self._next_pull[config.name] = monotonic + config.every.total_seconds()
            pulled += app.pull(config.name)
        return pulled

    def plan(self) -> None:
        """Fill the calendar, one machine at a time."""
        app = self._app
        with app.database.write() as connection:
            mine = ledger.take_lease(connection, "plan", self._lock.worker.id, app.now(connection), TICK_LEASE)
        if mine:
            app.plan()

    def reconcile(self) -> int:
        """Look for doubtful deliveries, one machine at a time; where there are none, nothing is written."""
        app = self._app
        with app.database.read() as connection:
            if not self.reconciler.has_work(connection):
                return 0
        with app.database.write() as connection:
            now = app.now(connection)
            if not ledger.take_lease(connection, "reconcile", self._lock.worker.id, now, TICK_LEASE):
                return 0
            dead = self._lock.dead(connection, store.unfinished_workers(connection))
            if dead:
                ledger.lapse(connection, now, dead)
                ledger.free_claims(connection, dead)
        return self.reconciler.reconcile()

    def tidy(self) -> None:
        """Keep the folder of prepared pictures within its bound, what is still to be sent stays; let go of samples that
        are older than the house keeps them."""
        with self._app.database.read() as connection:
            rows = store.announcement_rows(connection, states=[state for state in State if state not in FINAL])
        keep = {Path(image["file"]).name for row in rows for image in row.images}
        keep |= {Path(image["file"]).name for row in rows if row.draft for image in row.draft["images"]}
        trim(self._app.settings.path("media_dir"), MEDIA_BYTES, keep)
        sampling.forget(self._app)

    def count_visits(self) -> None:
        """Take over the visits that the portal's own statistics counted, where the settings name them."""
        visits.refresh(self._app)

    def measure(self) -> None:
        """Take the samples that are due, one machine at a time; posting waits for nothing here."""
        app = self._app
        with app.database.read() as connection:
            wanted = engagement.waiting(connection, app.now(connection))
        if wanted:
            sampling.measure(app, self._lock.worker.id)

    def mail(self) -> None:
        """Send the reports that are due by e-mail, one machine at a time."""
        if mailing.wanted(self._app):
            mailing.send_due(self._app, self._lock.worker.id)

    def seal(self) -> None:
        """Chain what is committed, and remember outside the database that it is."""
        self._app.seal()
        self._keep_head()

    def _tell(self, lost: Loss | None) -> None:
        if lost is not None:
            logger.error("%s", self._app.told_loss(lost))

    def next_due(self) -> datetime | None:
        """The next instant at which something could go out, by this machine's clock, which may differ from the
        database's: who sleeps until then must not be late by the difference."""
        with self._app.database.read() as connection:
            if ledger.brake_engaged(connection):
                return None
            now = self._app.now(connection)
            due = ledger.next_due(connection, now, store.kept_back(connection))
        return None if due is None else due + (self._app.clock.now() - now)

    def idle(self, within: timedelta) -> bool:
        """Whether nothing is in flight, no look is pending, and nothing deliverable is due within that span."""
        with self._app.database.read() as connection:
            now = self._app.now(connection)
            if ledger.busy(connection, now):
                return False
            if ledger.brake_engaged(connection):
                return True
            due = ledger.next_due(connection, now, store.kept_back(connection))
        return due is None or due > now + within


def _named(trouble: Exception) -> str:
    """A trouble in a word; its text may hold a draft or an address with a password."""
    return (isinstance(trouble, OSError) and trouble.strerror) or type(trouble).__name__


def _campaign_of(connection: Connection, row: Row[Any]) -> Campaign | None:
    return parse_campaign(store.campaign_row(connection, row.campaign).definition) if row.campaign else None
