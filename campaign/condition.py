"""The present condition of the whole installation: the brake, the daemon's sign of life, and what needs a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from campaign import store
from campaign.app import App
from campaign.news import sentence
from posts.states import State

DAEMON_SILENT = timedelta(minutes=5)
"""A daemon writes a sign of life every half minute; after this long without one it is taken for stopped."""
OVERDUE = timedelta(minutes=10)
FAILED_SHOWN = timedelta(days=7)
DRAFTS_SHOWN = timedelta(days=14)
SHOWN_AT_ONCE = 50


@dataclass(frozen=True)
class Condition:
    """The state of the whole installation at one instant; instants are None where there is nothing to tell."""

    now: datetime
    braked_since: datetime | None
    brake_reason: str
    braked_by: str
    daemon_seen: datetime | None
    worlds: frozenset[str]

    @property
    def daemon_alive(self) -> bool:
        """Whether a daemon gave a sign of life lately."""
        return self.daemon_seen is not None and self.now - self.daemon_seen < DAEMON_SILENT


@dataclass(frozen=True)
class Outlook:
    """Announcements (the contract's objects) by what they ask for; at most SHOWN_AT_ONCE of each kind.

    `unapproved` are drafts whose instant has passed. `channels` can't post now, `noted` have something to be mended.
    """

    today: list[dict[str, Any]]
    tomorrow: list[dict[str, Any]]
    in_doubt: list[dict[str, Any]]
    looked_for: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    held: list[dict[str, Any]]
    unapproved: list[dict[str, Any]]
    drafts: list[dict[str, Any]]
    channels: list[dict[str, Any]]
    noted: list[dict[str, Any]]
    counts: Mapping[State, int]


def condition_of(app: App) -> Condition:
    """What every page shows: the brake, the daemon's sign of life, whether anything plays in the sandbox."""
    with app.database.read() as connection:
        now = app.now(connection)
        stopped = store.brake_row(connection)
        worker = store.newest_worker(connection)
        worlds = {row.world for row in store.channel_rows(connection)}
        names = store.person_names(connection)
    engaged = stopped is not None and stopped.engaged
    return Condition(
        now=now,
        braked_since=stopped.at if stopped and engaged else None,
        brake_reason=sentence(stopped.reason, app.settings["language"]) if stopped and engaged else "",
        braked_by=names.get(stopped.actor, stopped.actor) if stopped and engaged else "",
        daemon_seen=worker.seen_at if worker else None,
        worlds=frozenset(worlds),
    )


def outlook_of(app: App) -> Outlook:
    """What goes out today and tomorrow, and what needs a person."""
    today = app.today()
    with app.database.read() as connection:
        now = app.now(connection)
        counts = store.counts_by_state(connection)
        troubled = [row.name for row in store.channel_rows(connection) if _in_trouble(row, now)]

    def standing(*states: State, **span: Any) -> list[dict[str, Any]]:
        return app.announcements(states=states, limit=SHOWN_AT_ONCE, **span)

    shown = [state for state in State if state is not State.CANCELLED]
    return Outlook(
        today=standing(*shown, **app.days(today, today)),
        tomorrow=standing(*shown, **app.days(today + timedelta(days=1), today + timedelta(days=1))),
        in_doubt=standing(State.IN_DOUBT),
        looked_for=standing(State.UNKNOWN),
        failed=standing(State.REFUSED, State.MISSED, since=now - FAILED_SHOWN),
        held=standing(State.HELD),
        drafts=standing(State.DRAFT, since=now, before=now + DRAFTS_SHOWN),
        channels=[one for one in app.channels() if one["name"] in troubled],
        noted=[one for one in app.channels() if one["problems"] and one["name"] not in troubled],
        unapproved=standing(State.DRAFT, before=now),
        counts=counts,
    )


def figures_of(app: App) -> dict[str, float]:
    """Figures for monitoring, by name; announcements by state as `announcements:STATE`."""
    with app.database.read() as connection:
        now = app.now(connection)
        counts = store.counts_by_state(connection)
        overdue = store.overdue(connection, now - OVERDUE)
        stopped = store.brake_row(connection)
        worker = store.newest_worker(connection)
        rows = store.channel_rows(connection)
    return {f"announcements:{state.value}": float(counts.get(state, 0)) for state in State} | {
        "overdue": float(overdue),
        "brake": float(stopped is not None and stopped.engaged),
        "daemon_seen": worker.seen_at.timestamp() if worker else 0.0,
        "channels": float(len(rows)),
        "channels_signed_out": float(sum(row.signed_out is not None for row in rows)),
    }


def _in_trouble(channel: Row[Any], now: datetime) -> bool:
    """Whether a channel can't post at present."""
    throttled = channel.throttled_until is not None and channel.throttled_until > now
    return bool(channel.paused or channel.signed_out or throttled)
