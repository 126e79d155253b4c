"""Settling doubts: a delivery of which nobody knows is looked for, never sent again blindly (DESIGN.md section 5)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from posts import ledger
from posts.clock import Clock
from posts.drafts import Draft, RemotePost
from posts.errors import Outcome
from posts.ledger import Doubt, Success
from posts.networks.publisher import Absent, Blind, Found, Publisher, Sighting
from posts.text import marker_in, same_text

logger = logging.getLogger(__name__)

# A search reaches back this far before the attempt, for clocks that differ between here and the network.
REACH_BACK = timedelta(minutes=15)
# What a network's clock differs by more than this is not believed, as with instants that it names.
MOST_SKEW = timedelta(days=31)
# A look that turns out to have begun so many seconds too late, by the network's clock, is made again at once.
SKEW_TO_LOOK_AGAIN = 60.0
# A reader is proved by a success that is at most this old: older ones may have scrolled out of the time-line.
PROOF_REACH = timedelta(days=2)
# So often a proof is tried again while the time-line may still lag; each new doubt is worth one try at once.
PROOF_PAUSE = 60.0
# Absence is believed after at least this many complete reads, the last of them at the window's end.
COMPLETE_READS = 3
# A time-line that could not be read when its last look came is asked so often again, after so many seconds each:
# what can be known is not left to a person for one bad answer.
FURTHER_LOOKS = 5
FURTHER_PAUSE = 60.0

Begin = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Settling:
    """How long and how often a doubt is looked into; seconds are monotonic, counted from the first sight."""

    looks: tuple[float, ...]
    window: float
    resend: bool
    resends: int
    late_grace: timedelta

    @property
    def schedule(self) -> tuple[float, ...]:
        """The looks within the window and one at its end, so that absence is never believed before."""
        return (*(look for look in self.looks if look < self.window), self.window)


@dataclass
class _Search:
    """What this process has seen of one doubt so far; a restart begins it anew, on purpose."""

    attempt: int
    began: float
    looks: int = 0
    absences: int = 0
    blind: str = ""
    differs: bool = False
    """The last look showed what may be ours, but with another number of pictures."""
    skew: float = 0.0
    """The most seconds that our clock was seen to be ahead of the network's."""


class Reconciler:
    """Looks for doubtful deliveries on the networks' time-lines. One runs at a time over all machines (a lease)."""

    def __init__(
        self,
        begin: Begin,
        clock: Clock,
        publisher_of: Callable[[int], Publisher],
        dead_workers: Callable[[Connection, set[str]], set[str]],
        settling: Settling,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._publisher_of = publisher_of
        self._dead_workers = dead_workers
        self._settling = settling
        self._searches: dict[int, _Search] = {}
        self._next_proof = 0.0

    def reconcile(self) -> int:
        """One round: let leases lapse, look where a look is due, settle what can be settled. Returns the looks made."""
        with self._begin() as connection:
            now = ledger.now_of(connection, self._clock)
            ledger.lapse(connection, now)
            found = ledger.doubts(connection)
        known = {doubt.delivery_id for doubt in found}
        self._prove_readers(urgent=bool(known - self._searches.keys()))
        self._searches = {key: search for key, search in self._searches.items() if key in known}
        return sum(self._look(doubt) for doubt in found if self._is_due(doubt))

    def has_work(self, connection: Connection) -> bool:
        """Whether a round would do anything: a call is under way, a doubt is open, or a reader may be proved."""
        return ledger.in_flight(connection) or self._clock.monotonic() >= self._next_proof

    def next_look_in(self) -> float | None:
        """Seconds until the next look that is pending, None when no doubt is known."""
        if not self._searches:
            return None
        monotonic = self._clock.monotonic()
        return max(0.0, min(self._due_at(search) for search in self._searches.values()) - monotonic)

    def _due_at(self, search: _Search) -> float:
        """When the next look is due, on the monotonic scale."""
        looks = self._settling.schedule
        further = search.looks - len(looks) + 1
        return search.began + (looks[search.looks] if further <= 0 else looks[-1] + further * FURTHER_PAUSE)

    def _is_due(self, doubt: Doubt) -> bool:
        monotonic = self._clock.monotonic()
        search = self._searches.get(doubt.delivery_id)
        if search is None or search.attempt != doubt.attempt:
            search = self._searches[doubt.delivery_id] = _Search(doubt.attempt, monotonic)
        return monotonic >= self._due_at(search)

    def _look(self, doubt: Doubt) -> int:
        search = self._searches[doubt.delivery_id]
        search.looks += 1
        search.skew = max(search.skew, doubt.skew)
        sighting, search.skew = self._find(doubt.channel_id, doubt.draft, doubt.started_at, search.skew)
        if isinstance(sighting, Absent):
            search.absences += 1
        search.blind = sighting.reason if isinstance(sighting, Blind) else ""
        search.differs = False
        with self._begin() as connection:
            self._settle(connection, doubt, search, sighting)
        return 1

    def _find(self, channel_id: int, draft: Draft, at: datetime, skew: float) -> tuple[Sighting, float]:
        """Look for what was sent at that instant of our clock, which may be ahead of the network's by `skew` seconds or
        more; answers that too, as the network tells it now."""
        sighting = self._read(channel_id, draft, _reach(at, skew))
        told = self._skew_of(channel_id, sighting)
        if told - skew >= SKEW_TO_LOOK_AGAIN:
            sighting = self._read(channel_id, draft, _reach(at, told))
        return sighting, max(skew, told)

    def _skew_of(self, channel_id: int, sighting: Sighting) -> float:
        if sighting.server_time is None:
            return 0.0
        with self._begin() as connection:
            now = ledger.now_of(connection, self._clock)
            return ledger.note_skew(connection, channel_id, sighting.server_time, now, only_more=True)

    def _read(self, channel_id: int, draft: Draft, since: datetime) -> Sighting:
        try:
            return self._publisher_of(channel_id).find(draft, since)
        except Outcome as outcome:
            return Blind(outcome.reason, outcome.detail)
        except Exception as error:
            logger.exception("looking for a post failed")
            return Blind("internal", type(error).__name__)

    # --- what follows from a look

    def _settle(self, connection: Connection, doubt: Doubt, search: _Search, sighting: Sighting) -> None:
        now = ledger.now_of(connection, self._clock)
        if isinstance(sighting, Found):
            free = self._free(connection, doubt, sighting)
            candidates = self._candidates(free, doubt.draft)
            if len(candidates) == 1 and not self._has_rival(connection, doubt, candidates[0]):
                post = candidates[0]
                ledger.settle_found(connection, doubt, post.remote_id, post.permalink, post.created_at, now)
                return
            if candidates:
                ledger.hand_over(connection, doubt, "several_candidates", now)
                return
            # What matches but for its pictures may be ours all the same, or that of a doubt which is still to find it.
            search.differs = bool(free)
            if not free:
                # Everything that matched belongs to other deliveries: for this one the read was complete.
                search.absences += 1
        if self._is_over(search):
            self._end(connection, doubt, search, now)

    def _is_over(self, search: _Search) -> bool:
        """Whether all looks were made and read the time-line, or no further look may be made or would tell more."""
        looks = len(self._settling.schedule)
        told = self._read_back(search) or search.differs
        return search.looks >= looks and (told or search.looks >= looks + FURTHER_LOOKS)

    def _read_back(self, search: _Search) -> bool:
        """Whether the time-line was read often enough, the last time too."""
        reads = min(COMPLETE_READS, len(self._settling.schedule))
        return not search.blind and not search.differs and search.absences >= reads

    @staticmethod
    def _free(connection: Connection, doubt: Doubt, sighting: Found) -> list[RemotePost]:
        """Posts of our own that no other delivery owns."""
        taken = ledger.claimed_elsewhere(
            connection, doubt.channel_id, doubt.delivery_id, [post.remote_id for post in sighting.posts]
        )
        return [post for post in sighting.posts if post.remote_id not in taken and post.own_app is not False]

    @staticmethod
    def _candidates(free: list[RemotePost], draft: Draft) -> list[RemotePost]:
        """Those with as many pictures; only those with this delivery's marker where there are any."""
        alike = [post for post in free if _is_alike(post, draft)]
        return [post for post in alike if _carries(post, draft)] or alike

    @staticmethod
    def _has_rival(connection: Connection, doubt: Doubt, post: RemotePost) -> bool:
        """Whether another open delivery of the channel could claim the post with the same right."""
        if _carries(post, doubt.draft):
            return False
        rivals = ledger.other_doubts(connection, doubt.channel_id, doubt.delivery_id)
        return any(_carries(post, rival) or same_text(rival.text, doubt.draft.text) for rival in rivals)

    def _end(self, connection: Connection, doubt: Doubt, search: _Search, now: datetime) -> None:
        dead = self._dead_workers(connection, {doubt.worker})
        why = self._why_not_resend(connection, doubt, search, doubt.worker in dead)
        if why:
            ledger.hand_over(connection, doubt, why, now)
        else:
            # What a restored database had due keeps its own grace: nobody has tried to send it since.
            late_until = doubt.late_until if doubt.worker == ledger.RESTORE else now + self._settling.late_grace
            ledger.settle_absent(connection, doubt, now, late_until)

    def _why_not_resend(self, connection: Connection, doubt: Doubt, search: _Search, worker_dead: bool) -> str:
        """The reason why a person must decide, or nothing when absence may be believed."""
        if search.blind:
            return "blind"
        if search.differs:
            return "pictures_differ"
        if not self._read_back(search):
            return "looks_incomplete"
        if not (doubt.closed or worker_dead):
            return "worker_may_live"
        if doubt.duplicate:
            return "refused_as_duplicate"
        if not ledger.proved(connection, doubt.channel_id, doubt.draft.kind):
            return "reader_unproved"
        if not self._settling.resend:
            return "asked_to_ask"
        if doubt.resends >= self._settling.resends:
            return "too_many_resends"
        return ""

    # --- proving readers

    def _prove_readers(self, urgent: bool) -> None:
        """Look for a known success of each kind, so that an empty time-line may be believed later."""
        monotonic = self._clock.monotonic()
        if monotonic < self._next_proof and not urgent:
            return
        self._next_proof = monotonic + PROOF_PAUSE
        with self._begin() as connection:
            now = ledger.now_of(connection, self._clock)
            wanted = ledger.unproved(connection, now - PROOF_REACH)
        for one in wanted:
            sighting, _ = self._find(one.channel_id, one.draft, one.posted_at, one.skew)
            if isinstance(sighting, Found) and _shows(sighting, one):
                with self._begin() as connection:
                    now = ledger.now_of(connection, self._clock)
                    ledger.prove(connection, one.channel_id, one.draft.kind, now)


def _reach(at: datetime, skew: float) -> datetime:
    """From when on a network's time-line is read for what was sent at an instant of our clock."""
    return at - min(timedelta(seconds=max(skew, 0.0)), MOST_SKEW) - REACH_BACK


def _is_alike(post: RemotePost, draft: Draft) -> bool:
    """What is asked of a candidate beyond what `find` asks: our own, with as many pictures."""
    return post.own_app is not False and post.images == len(draft.images)


def _shows(sighting: Found, success: Success) -> bool:
    """Whether a known success is there and would be taken for a candidate."""
    return any(post.remote_id == success.remote_id and _is_alike(post, success.draft) for post in sighting.posts)


def _carries(post: RemotePost, draft: Draft) -> bool:
    """Whether one of the post's links carries the draft's marker."""
    return draft.marker is not None and marker_in(post.links, draft.marker)
