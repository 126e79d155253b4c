"""What works, what doesn't, and what to do: the findings of `kreativorte doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from campaign import compose, news, store
from campaign.app import App
from campaign.condition import DAEMON_SILENT
from campaign.db import forgetful
from campaign.heads import loss
from campaign.portals.inspection import Observation, inspect
from campaign.portals.portal import PortalError
from posts import accounts, engagement, ledger
from posts.networks.registry import NETWORKS
from posts.states import State

STOPPED = frozenset({"portal_list_empty", "portal_list_short"})
"""Reasons of a pull that no look at the portal shows."""
CLOCK_DIFFERS = 60.0
"""Seconds by which two clocks may differ."""
TROUBLES = {"deliver": "daemon_cannot_deliver", "heads": "daemon_cannot_remember"}
DRAFT_NEAR = timedelta(days=3)
"""How long before its slot a draft is called to mind: over a weekend."""
THROTTLED_LONG = timedelta(hours=1)
"""How long a network may keep a channel waiting before a person is told."""


@dataclass(frozen=True)
class Finding:
    """One line of `doctor`."""

    check: str
    subject: str
    ok: bool
    advice: str = ""

    def to_json(self) -> dict[str, Any]:
        """The contract's object."""
        return {"check": self.check, "subject": self.subject, "ok": self.ok, "advice": self.advice}


def examine(app: App) -> list[Finding]:
    """What works, what doesn't, and what to do."""
    return [
        *_foundations(app),
        *_daemon(app),
        *_channels(app),
        *_campaigns(app),
        *_portals(app),
        *_calendar(app),
        *_mail(app),
    ]


def _foundations(app: App) -> Iterator[Finding]:
    yield Finding("configuration", str(app.settings.file or "defaults"), True)
    try:
        app.vault.lock({})
        yield Finding("key", str(app.settings["secret_key_file"]), True)
    except accounts.KeyProblem as problem:
        told = news.refusal(problem, app.settings["language"])
        yield Finding("key", str(app.settings["secret_key_file"]), False, told)
    memory = app.heads.recall()
    with app.database.read() as connection:
        skew = abs((ledger.now_of(connection, app.clock) - app.clock.now()).total_seconds())
        brake = store.brake_row(connection)
        lost = loss(connection, memory)
    yield Finding("database", app.database.name, True)
    for word in forgetful(app.database):
        yield Finding("durability", word, False, news.sentence(word, app.settings["language"]))
    yield _finding("clock", "database", "" if skew < CLOCK_DIFFERS else app.advice("clock_differs", f"{skew:.0f}"))
    yield _finding("heads", str(app.settings["heads"]), app.told_loss(lost) if lost else "")
    stopped = brake is not None and brake.engaged
    yield _finding("brake", "all channels", app.advice("brake_on") if stopped else "")
    checked = app.verify_log(None)
    yield _finding("log", checked.head, "" if checked.ok else app.advice("log_broken", checked.first_bad))
    templates = app.templates
    for network in NETWORKS:
        for name in templates.names(network):
            error = compose.template_problem(templates, network, name)
            told = app.advice("template_broken", error) if error else ""
            yield _finding("template", f"{network}/{name}", told)


def _daemon(app: App) -> Iterator[Finding]:
    """A daemon is missed only where there is something to do for it; what fails in its work is told in any case."""
    with app.database.read() as connection:
        now = app.now(connection)
        seen = store.newest_worker(connection)
        troubled = store.troubled_workers(connection, now - DAEMON_SILENT)
        wanted = bool(store.waiting(connection, now)) or ledger.in_flight(connection)
    told = ""
    if wanted and seen is None:
        told = app.advice("daemon_never_seen")
    elif wanted and seen is not None and now - seen.seen_at > DAEMON_SILENT:
        told = app.advice("daemon_gone", app.stamp(seen.seen_at))
    yield _finding("daemon", seen.host if seen else "", told)
    for row in troubled:
        for trouble in row.troubles:
            what, _, why = trouble.partition(":")
            yield _finding("daemon", row.host, app.advice(TROUBLES.get(what, "daemon_tick_fails"), why, what))


def _channels(app: App) -> Iterator[Finding]:
    with app.database.read() as connection:
        now = app.now(connection)
        rows = store.channel_rows(connection)
        waiting = store.waiting(connection, now)
        unmeasured = engagement.problems(connection)
        withdrawn = engagement.withdrawn(connection)
    for row in rows:
        due = [one.due_at for one in waiting if one.channel_id == row.id]
        yield _finding("channel", f"{row.name} ({row.world})", " ".join(_about_channel(app, row, due, now)))
        skew = row.clock_skew or 0.0
        told = "" if abs(skew) <= CLOCK_DIFFERS else app.advice("network_clock_differs", f"{abs(skew):.0f}")
        yield _finding("clock", row.name, told)
        if row.id in unmeasured:
            yield Finding(
                "measuring", row.name, False, app.advice("measuring", row.name, app.reasons([unmeasured[row.id]]))
            )
        for channel_id, name in withdrawn:
            if channel_id == row.id:
                yield Finding("measuring", row.name, False, app.advice("metric_withdrawn", row.name, name))


def _about_channel(app: App, row: Row[Any], due: list[datetime], now: datetime) -> Iterator[str]:
    told = app.reasons([*row.problems, row.signed_out])
    if row.signed_out:
        yield app.advice("channel_signed_out", row.name, told, row.network, row.account)
    elif told:
        yield app.advice("channel_problems", row.name, told)
    if row.throttled_until is not None and row.throttled_until > now:
        waited = now - min(due, default=now)
        if max(waited, row.throttled_until - now) >= THROTTLED_LONG:
            yield app.advice("channel_throttled", app.stamp(row.throttled_until))
    if row.paused:
        yield app.advice("channel_paused", row.name, len(due))


def _campaigns(app: App) -> Iterator[Finding]:
    """A paused campaign is open only while it keeps back what is due."""
    with app.database.read() as connection:
        rows = store.campaign_rows(connection)
        waiting = store.waiting(connection, app.now(connection))
    for row in rows:
        due = sum(one.campaign == row.name for one in waiting) if row.paused else 0
        yield _finding("campaign", row.name, app.advice("campaign_paused", row.name, due) if due else "")


def _portals(app: App) -> Iterator[Finding]:
    """How the last poll ended, what waits for a person, and what a look at the portal itself shows now."""
    with app.database.read() as connection:
        rows = store.portal_rows(connection)
        held = {name: store.places_held(connection, name) for name in app.settings.portals}
    for name in app.settings.portals:
        row = rows.get(name)
        told = [app.advice("portal_never_read", name)] if row is None or row.pulled_at is None else []
        told += [app.advice("places_wait", name, held[name])] if held[name] else []
        stopped = row is not None and (row.problem or "").partition(":")[0] in STOPPED
        told += [app.reasons([row.problem])] if row is not None and stopped else []
        yield _finding("portal", name, " ".join(told))
        for one in _look_at_portal(app, name):
            yield Finding("portal", name, one.ok, app.advice(one.word, *one.details))


def _look_at_portal(app: App, name: str) -> list[Observation]:
    try:
        (config,) = app.portals(name)
    except PortalError as error:
        return [Observation(False, "portal_trouble", (app.reasons([str(error)]),))]
    return inspect(config, app.clock.now())


def _calendar(app: App) -> Iterator[Finding]:
    """Every announcement that waits for a person, or will soon."""
    open_states = (State.REFUSED, State.IN_DOUBT, State.MISSED, State.HELD, State.UNKNOWN)
    with app.database.read() as connection:
        now = app.now(connection)
        rows = store.announcement_rows(connection, states=open_states)
        rows += store.announcement_rows(connection, states=[State.DRAFT, State.APPROVED])
        rows += store.posted_with_problems(connection)
        besides = store.posted_besides(connection)
    for row in sorted(rows, key=lambda row: (row.due_at, row.id)):
        word = _calls_for(row, now)
        if word is not None:
            reasons = app.reasons([row.hold_reason, *row.problems, row.reason])
            told = app.advice(word, row.id, reasons, app.stamp(row.due_at), row.channel)
            yield _finding("announcement", f"{row.id} {row.state}", told)
    for row in besides:
        told = app.advice("posted_besides", row.id, row.also_posted, row.state, row.channel)
        yield _finding("announcement", f"{row.id} {row.state}", told)


def _calls_for(row: Row[Any], now: datetime) -> str | None:
    """The word of advice for an announcement, None where nobody needs to do anything."""
    state, late = State(row.state), row.late_until < now
    if state is State.HELD:
        return "held_late" if late else "held"
    if state is State.DRAFT and row.due_at < now + DRAFT_NEAR:
        return "draft_late" if late else "draft"
    if state in (State.DRAFT, State.APPROVED):
        return "place_changed" if "place_changed" in row.problems else None
    return "posted_problems" if state is State.POSTED else state.value


def _mail(app: App) -> Iterator[Finding]:
    """Reports by e-mail: what the settings lack, and what a person must decide about."""
    settings = app.settings
    if not settings["reports.recipients"] and not settings["mail.host"]:
        return
    told = "" if settings["mail.host"] else app.advice("mail_without_server")
    yield _finding("mail", settings["mail.host"], told)
    with app.database.read() as connection:
        now = app.now(connection)
        rows = store.mailing_rows(connection)
    for row in rows:
        if row.state in ("failed", "in_doubt") or (
            row.state == "sending" and row.claimed_at < now - store.MAILING_TAKES
        ):
            word = "mailing_failed" if row.state == "failed" else "mailing_in_doubt"
            yield _finding("mail", f"{row.kind} {row.period}", app.advice(word, row.id, row.problem or ""))


def _finding(check: str, subject: str, told: str) -> Finding:
    """Sound where there is nothing to tell."""
    return Finding(check, subject, not told, told)
