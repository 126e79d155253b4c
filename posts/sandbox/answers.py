"""Answers on the wire: JSON as the networks send it, and the broken ones that faults ask for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Response

Headers = dict[str, str]

HTML = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    "<body><h1>502 Bad Gateway</h1><p>The web server reported a bad gateway error.</p></body></html>"
)
_HUGE = 8_000_000


@dataclass(frozen=True)
class Reply:
    """What a network says: HTTP status, JSON body and the headers beside the usual ones."""

    status: int
    body: Any
    headers: Headers = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.status < 400


class Declined(Exception):
    """The network says no; `reply` is what it answers."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.reply = reply


def json_answer(reply: Reply, headers: Headers) -> Response:
    """The reply as it should be; its own headers go before the usual ones."""
    return Response(_encode(reply.body), reply.status, {**headers, **reply.headers}, "application/json; charset=utf-8")


def web_page(headers: Headers) -> Response:
    """What a gateway in front of the network answers when it can't reach it."""
    return Response(HTML, 502, headers, "text/html; charset=utf-8")


def truncated(reply: Reply, headers: Headers) -> Response:
    """The reply, broken off in the middle."""
    return _BrokenOff(_encode(reply.body), reply.status, {**headers, **reply.headers}, "application/json")


def hostile(reply: Reply, headers: Headers, turn: int) -> Response:
    """JSON that no specification allows; `turn` chooses which: wrong types, null, deep nesting or megabytes."""
    bodies: list[Any] = [
        {"data": {"id": {"$": [1, 2]}, "text": None}, "id": [True]},
        None,
        [[[[[[[["id"]]]]]]]],
        {"data": [{"id": 1.5e300, "text": 7}], "meta": "none", "id": -1, "paging": 0},
        {"data": {"id": "1" * 5000, "text": "x" * _HUGE}, "id": "9" * 5000},
        "ok",
    ]
    return json_answer(Reply(reply.status, bodies[turn % len(bodies)]), headers)


def hung_up() -> Response:
    """No answer: the connection is closed."""
    return _HungUp()


def http_date(instant: datetime) -> str:
    """For the Date header."""
    return format_datetime(instant, usegmt=True)


def _encode(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


class _BrokenOff(Response):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _transport(scope).close()
        await _gone(receive)


class _HungUp(Response):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _transport(scope).abort()
        await _gone(receive)


def _transport(scope: Any) -> asyncio.Transport:
    transport: asyncio.Transport = scope["state"]["transport"]
    return transport


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
