"""The sandbox's own calls under /_…: accounts, clock, limits, faults, vocabulary, and what was accepted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from posts.sandbox import faults
from posts.sandbox.bodies import parse_json
from posts.sandbox.course import Sandbox, Vocabulary
from posts.sandbox.state import FACEBOOK, NETWORKS, TWITTER, Account, Post, Token, digest
from posts.text import extract_urls

NAME = "kreativorte-sandbox"
_REGISTERED = frozenset(f.name for f in fields(Account)) - {"registered"}
_TOKENS = frozenset({"refresh_token", "expires_at"})


def router(box: Sandbox) -> APIRouter:
    """All calls by which the sandbox itself is steered and asked."""
    routes = APIRouter()

    def add(method: str, path: str, answer: Callable[[Sandbox, Any], Awaitable[Any]]) -> None:
        async def endpoint(request: Request) -> Response:
            return await _answered(box, request, answer)

        routes.add_api_route(path, endpoint, methods=[method], include_in_schema=False)

    add("GET", "/_sandbox", _who)
    add("GET", "/_posts", _posts)
    add("POST", "/_accounts", _register)
    add("GET", "/_clock", _clock)
    add("POST", "/_clock", _set_clock)
    add("POST", "/_limits", _set_limits)
    add("GET", "/_faults", _faults)
    add("POST", "/_faults", _throw)
    add("DELETE", "/_faults", _clear_faults)
    add("POST", "/_vocabulary", _set_vocabulary)
    add("POST", "/_reset", _reset)
    return routes


async def _answered(box: Sandbox, request: Request, answer: Callable[[Sandbox, Any], Awaitable[Any]]) -> Response:
    body = await request.body()
    try:
        return JSONResponse(await answer(box, parse_json(body) if body else None))
    except (ValueError, TypeError) as problem:
        return JSONResponse({"error": str(problem)}, 400)


async def _who(box: Sandbox, _: Any) -> Any:
    return {"sandbox": NAME, "now": box.clock.now().isoformat(), "posts": len(box.state.posts())}


async def _posts(box: Sandbox, _: Any) -> Any:
    return [_whole(box, post) for post in box.state.posts()]


async def _register(box: Sandbox, body: Any) -> Any:
    given = _object(body)
    _only(given, _REGISTERED | _TOKENS, "an account")
    network, account_id = given.get("network"), str(given.get("id", ""))
    if network not in NETWORKS or not account_id.isdecimal():
        raise ValueError(f"an account needs a network ({' or '.join(NETWORKS)}) and an id of digits")
    known = box.state.meet(network, account_id)
    values = {name: value for name, value in given.items() if name in _REGISTERED - {"network", "id"}}
    for name, value in values.items():
        _check_value(name, value)
    values |= {name: tuple(values[name]) for name in ("tasks", "scopes") if name in values}
    account = replace(known, **values, registered=True)
    box.state.put_account(account)
    _keep_tokens(box, account, given)
    await run_in_threadpool(box.state.persist)
    return {"network": network, "id": account.id, "name": account.name, "username": account.username}


def _check_value(name: str, value: Any) -> None:
    if name in ("tasks", "scopes"):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{name} is a list of texts")
    elif not isinstance(value, str):
        raise ValueError(f"{name} is a text")


def _keep_tokens(box: Sandbox, account: Account, given: dict[str, Any]) -> None:
    expires = None if given.get("expires_at") is None else _instant(given["expires_at"])
    if given.get("token"):
        kind = "access" if account.network == TWITTER else "page"
        box.state.put_token(
            Token(digest(account.token), account.network, account.id, kind, expires, account.app_id),
        )
    if given.get("refresh_token"):
        box.state.put_token(Token(digest(str(given["refresh_token"])), account.network, account.id, "refresh"))
    if given.get("user_token"):
        box.state.put_token(Token(digest(account.user_token), FACEBOOK, account.id, "user", expires, account.app_id))


async def _clock(box: Sandbox, _: Any) -> Any:
    return {"now": box.clock.now().isoformat(), "under_way": box.under_way}


async def _set_clock(box: Sandbox, body: Any) -> Any:
    given = _object(body)
    _only(given, frozenset({"now"}), "the clock")
    box.clock.set(None if given.get("now") is None else _instant(given["now"]))
    return await _clock(box, None)


async def _set_limits(box: Sandbox, body: Any) -> Any:
    given = _object(body)
    for call, setting in given.items():
        values = _object(setting)
        _only(values, frozenset({"limit", "window", "network"}), "a limit")
        if not all(isinstance(values.get(name), int) for name in ("limit", "window")):
            raise ValueError("a limit needs limit and window as whole numbers")
        box.windows.change(call, values["limit"], values["window"], values.get("network"))
    return given


async def _faults(box: Sandbox, _: Any) -> Any:
    return [fault.to_json() for fault in box.faults.thrown()]


async def _throw(box: Sandbox, body: Any) -> Any:
    thrown = faults.parse(body)
    for fault in thrown:
        box.faults.throw(fault)
    return [fault.to_json() for fault in thrown]


async def _clear_faults(box: Sandbox, _: Any) -> Any:
    box.faults.clear()
    return []


async def _set_vocabulary(box: Sandbox, body: Any) -> Any:
    given = _object(body)
    _only(given, frozenset({"vocabulary", "strict"}), "the vocabulary")
    names, strict = given.get("vocabulary", "new"), given.get("strict", False)
    if names not in ("new", "old") or not isinstance(strict, bool):
        raise ValueError('vocabulary is "new" or "old", strict is true or false')
    box.vocabulary = Vocabulary(names, strict)
    return {"vocabulary": names, "strict": strict}


async def _reset(box: Sandbox, _: Any) -> Any:
    box.state.reset()
    box.faults.clear()
    box.windows.reset()
    box.clock.set(None)
    box.vocabulary = Vocabulary()
    await run_in_threadpool(box.state.persist)
    return {"reset": True}


def _whole(box: Sandbox, post: Post) -> dict[str, Any]:
    """A post as it was accepted, for whoever checks what was really sent."""
    media = [m for media_id in post.media if (m := box.state.media(media_id))]
    links = [link.url for link in extract_urls(post.text)]
    return {
        "network": post.network,
        "account": post.account,
        "id": post.id,
        "text": post.text,
        "link": post.link,
        "links": list(dict.fromkeys([*links, *([post.link] if post.link else [])])),
        "images": [
            {"id": m.id, "alt": m.alt, "mime": m.mime, "size": m.size, "width": m.width, "height": m.height}
            for m in media
        ],
        "created_at": post.created_at.isoformat(),
        "updated_at": post.updated_at.isoformat() if post.updated_at else None,
        "published": post.published,
        "deleted": post.deleted_at is not None,
        "deleted_at": post.deleted_at.isoformat() if post.deleted_at else None,
    }


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ValueError("a JSON object is needed")
    return body


def _only(given: dict[str, Any], known: frozenset[str], what: str) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValueError(f"{what} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")


def _instant(value: Any) -> datetime:
    """An instant from ISO 8601 with offset. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError("a time is written in ISO 8601 with its offset, as 2027-01-31T10:00:00+01:00")
    return moment
