"""The course of a call: who asks, how often, what goes wrong, and what comes back.

Both networks run through the same steps: sign-in, rate window, faults that act before, the call itself, faults
that act on its answer. What the answers say is each network's own `Dialect`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from posts.sandbox import answers
from posts.sandbox.answers import Declined, Headers, Reply
from posts.sandbox.faults import SHAPES, Fault, Faults
from posts.sandbox.limits import Quota, Windows
from posts.sandbox.shifted import ShiftedClock
from posts.sandbox.state import Post, State

Names = Literal["new", "old"]


@dataclass
class Vocabulary:
    """Which names X uses for posts: "new" (post.fields, repost_count) or "old" (tweet.fields, retweet_count).

    A strict X refuses the other vocabulary's parameters and fields; otherwise it takes both.
    """

    names: Names = "new"
    strict: bool = False


@dataclass
class Sandbox:
    """Everything the routes share."""

    state: State
    clock: ShiftedClock
    faults: Faults = field(default_factory=Faults)
    windows: Windows = field(default_factory=Windows)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    under_way: int = 0
    """Calls that are not answered yet; also those whose caller has long hung up."""

    def visible_posts(self, network: str, call: str, account: str) -> list[Post]:
        """What a reader of the account sees now, newest first: faults may hide the newest or all of it."""
        posts = self.state.posts_of(network, account)
        if self.faults.take(network, call, account, ("timeline_empty",)):
            return []
        lag = self.faults.take(network, call, account, ("timeline_lag",))
        if lag:
            newest = self.clock.now() - timedelta(seconds=lag.seconds)
            posts = [p for p in posts if p.created_at <= newest]
        return posts

    def shows(self, network: str, call: str, account: str, kind: str) -> bool:
        """Whether a fault of this kind shapes what is shown now."""
        return self.faults.take(network, call, account, (kind,)) is not None


class Dialect(Protocol):
    """What a network says when something goes wrong."""

    network: str

    def refused(self) -> Reply: ...
    def duplicate(self) -> Reply: ...
    def throttled(self, account: str, quota: Quota) -> Reply: ...
    def throttled_silently(self) -> Reply: ...
    def expired(self) -> Reply: ...
    def no_credits(self, account: str) -> Reply: ...
    def broken(self) -> Reply: ...
    def headers(self, account: str, quota: Quota | None) -> Headers: ...


@dataclass(frozen=True)
class Call:
    """One call that a network was asked for: which kind, by whom, and whether it changes anything."""

    name: str
    account: str
    changes: bool


Perform = Callable[[], Awaitable[Reply]]

_DEFAULT_WAIT = 900.0
_AFTERWARDS = frozenset({"accept_then_hang_up", "accept_late", "accept_then_500", "truncated", "hostile"})


async def run(box: Sandbox, dialect: Dialect, call: Call, perform: Perform) -> Response:
    """Answer one call whose caller is known."""
    quota = box.windows.count(dialect.network, call.name, call.account, box.clock.now())
    usual = {"date": answers.http_date(box.clock.now())}
    headers = usual | dialect.headers(call.account, quota)
    if quota is not None and quota.exceeded:
        return answers.json_answer(dialect.throttled(call.account, quota), headers)
    delay = box.faults.take(dialect.network, call.name, call.account, ("delay",))
    if delay:
        await asyncio.sleep(delay.seconds)
    fault = box.faults.take(dialect.network, call.name, call.account, _courses(call.name))
    if fault is None:
        return answers.json_answer(await _perform(box, call, perform), headers)
    if fault.kind in _AFTERWARDS or (fault.kind == "html" and fault.accepted):
        return await _afterwards(box, dialect, call, perform, fault, headers)
    return _before(box, dialect, call, fault, usual, headers)


async def _perform(box: Sandbox, call: Call, perform: Perform) -> Reply:
    try:
        reply = await perform()
    except Declined as no:
        return no.reply
    if call.changes:
        await run_in_threadpool(box.state.persist)
    return reply


def _courses(call: str) -> frozenset[str]:
    from_the_start = {
        "refuse",
        "refuse_duplicate",
        "throttle",
        "throttle_silent",
        "expired_token",
        "credits",
        "error_500",
        "hang_up",
        "html",
    }
    reading = {"timeline_error"} if call in ("timeline", "lookup") else set()
    return frozenset(from_the_start | reading | _AFTERWARDS) - SHAPES


def _before(
    box: Sandbox,
    dialect: Dialect,
    call: Call,
    fault: Fault,
    usual: Headers,
    headers: Headers,
) -> Response:
    match fault.kind:
        case "hang_up":
            return answers.hung_up()
        case "html":
            return answers.web_page(usual)
        case "throttle":
            now = box.clock.now()
            quota = Quota(0, 1, now + timedelta(seconds=fault.seconds or _DEFAULT_WAIT), now)
            headers = usual | dialect.headers(call.account, quota)
            return answers.json_answer(dialect.throttled(call.account, quota), headers)
        case "throttle_silent":
            return answers.json_answer(dialect.throttled_silently(), usual)
        case "refuse":
            reply = dialect.refused()
        case "refuse_duplicate":
            reply = dialect.duplicate()
        case "expired_token":
            reply = dialect.expired()
        case "credits":
            reply = dialect.no_credits(call.account)
        case _:
            reply = dialect.broken()
    return answers.json_answer(reply, headers)


async def _afterwards(
    box: Sandbox,
    dialect: Dialect,
    call: Call,
    perform: Perform,
    fault: Fault,
    headers: Headers,
) -> Response:
    if fault.kind == "accept_late":
        await asyncio.sleep(fault.seconds)
    reply = await _perform(box, call, perform)
    if not reply.succeeded:
        return answers.json_answer(reply, headers)
    match fault.kind:
        case "accept_then_hang_up":
            return answers.hung_up()
        case "accept_then_500":
            return answers.json_answer(dialect.broken(), headers)
        case "truncated":
            return answers.truncated(reply, headers)
        case "html":
            return answers.web_page(headers)
        case "hostile":
            return answers.hostile(reply, headers, fault.seed + fault.acted - 1)
        case _:
            return answers.json_answer(reply, headers)
