"""The Graph API under /graph: which call a request is, who makes it, and batches.

Source of paths and parameters: Meta's API specification v25.0 and the Page references v26.0.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from posts.sandbox import answers, graph_calls, graph_errors
from posts.sandbox.answers import Declined, Reply
from posts.sandbox.bodies import parse_json
from posts.sandbox.course import Call, Sandbox, run
from posts.sandbox.graph_calls import Asked
from posts.sandbox.graph_nodes import Viewer
from posts.sandbox.state import FACEBOOK, Token, digest

NEWEST, OLDEST = 26, 21
"""Versions that are served in late 2026; older ones in a path are served as the oldest."""

BATCH = 50

_VERSION = re.compile(r"v([0-9]{1,3})\.([0-9])")
_ACCOUNT_NODES = ("me", "debug_token")


def router(box: Sandbox) -> APIRouter:
    """All Graph calls."""
    routes = APIRouter(prefix="/graph")

    async def endpoint(request: Request, path: str) -> Response:
        return await _serve(box, request, path)

    routes.add_api_route("/{path:path}", endpoint, methods=["GET", "POST", "DELETE"], include_in_schema=False)
    return routes


@dataclass(frozen=True)
class _Given:
    """What a request brought: its parameters from query and body, and its files."""

    values: dict[str, str]
    in_query: frozenset[str]
    files: list[bytes] = field(default_factory=list)


async def _serve(box: Sandbox, request: Request, path: str) -> Response:
    now = box.clock.now()
    version, parts = _split(path)
    dialect = graph_errors.GraphDialect(f"v{min(max(version or NEWEST, OLDEST), NEWEST)}.0")
    headers = {"date": answers.http_date(now), **dialect.headers("", None)}
    try:
        if version is None or version > NEWEST:
            raise Declined(graph_errors.error(2500, f"Unknown path components: /{path}"))
        given = await _given(request)
        asked = _asked(box, request.method, parts, given, request)
        call = _call(box, asked)
    except Declined as no:
        return answers.json_answer(no.reply, headers)

    async def perform() -> Reply:
        return await _answer(box, asked)

    return await run(box, dialect, call, perform)


def _split(path: str) -> tuple[int | None, tuple[str, ...]]:
    first, *rest = path.strip("/").split("/")
    match = _VERSION.fullmatch(first)
    if match is None:
        unversioned = tuple(part for part in (first, *rest) if part)
        return (None, ()) if re.match(r"v[0-9]", first) else (NEWEST, unversioned)
    return int(match.group(1)), tuple(part for part in rest if part)


async def _given(request: Request) -> _Given:
    query = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    values: dict[str, str] = {}
    files: list[bytes] = []
    if kind.startswith("application/json"):
        values = _json_values(await request.body())
    elif request.method != "GET":
        async with request.form() as form:
            for name, part in form.multi_items():
                if isinstance(part, UploadFile):
                    files.append(await part.read())
                else:
                    values[name] = part
    return _Given({**query, **values}, frozenset(query), files)


def _json_values(body: bytes) -> dict[str, str]:
    try:
        value = parse_json(body or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise graph_errors.invalid("The body is not a JSON object")
    return {name: part if isinstance(part, str) else json.dumps(part) for name, part in value.items()}


def _asked(box: Sandbox, method: str, parts: tuple[str, ...], given: _Given, request: Request) -> Asked:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = given.values.get("access_token") or (bearer.strip() if scheme.lower() == "bearer" else "")
    values = {k: v for k, v in given.values.items() if k != "access_token"}
    base = str(request.base_url).rstrip("/")
    asked = Asked(
        method,
        parts,
        values,
        token,
        Viewer(base, box.clock.now()),
        tuple(given.files),
        address=f"{base}{request.url.path}",
        token_in_query="access_token" in given.in_query,
    )
    _check_token(box, asked)
    return _resolved(box, asked)


def _check_token(box: Sandbox, asked: Asked) -> None:
    token = asked.token
    if not token:
        raise Declined(graph_errors.error(104, "An access token is required to request this resource."))
    known = box.state.token(token)
    gone = known is not None and known.expires_at is not None and box.clock.now() >= known.expires_at
    if token.startswith("expired") or gone:
        raise Declined(graph_errors.GraphDialect("").expired())
    if token.startswith("bad") or (known is not None and known.network != FACEBOOK):
        raise Declined(graph_errors.error(190, "Invalid OAuth access token - Cannot parse access token"))
    owner = box.state.account(FACEBOOK, known.account) if known else None
    if owner is not None and owner.app_secret and "appsecret_proof" in asked.values:
        proof = hmac.new(owner.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(proof, asked.values["appsecret_proof"]):
            raise Declined(
                graph_errors.error(
                    100,
                    "Invalid appsecret_proof provided in the API argument",
                    kind="GraphMethodException",
                )
            )


def _resolved(box: Sandbox, asked: Asked) -> Asked:
    """`me` of a Page token is the Page itself."""
    known = box.state.token(asked.token)
    if asked.parts[:1] == ("me",) and known is not None and known.kind == "page" and known.account:
        return asked.at((known.account, *asked.parts[1:]))
    return asked


def _call(box: Sandbox, asked: Asked) -> Call:
    node = asked.parts[0] if asked.parts else ""
    edge = asked.parts[1] if len(asked.parts) > 1 else ""
    changes = asked.method != "GET"
    if not node:
        return Call("lookup", _token_account(box, asked), changes)
    if node in _ACCOUNT_NODES:
        return Call("account", _token_account(box, asked), changes)
    page = _page_of(box, node)
    if edge in ("feed", "photos") and asked.method == "POST":
        unseen = edge == "photos" and asked.values.get("published", "").lower() in ("false", "0")
        return Call("upload" if unseen else "create", page, changes)
    if edge in graph_calls.TIMELINES:
        return Call("timeline", page, changes)
    if asked.method == "DELETE":
        return Call("delete", page, changes)
    if asked.method == "POST":
        return Call("edit", page, changes)
    is_page = node == page and not edge
    return Call("account" if is_page else "lookup", page, changes)


def _page_of(box: Sandbox, node: str) -> str:
    media = box.state.media(node)
    return media.account if media is not None else node.partition("_")[0]


def _token_account(box: Sandbox, asked: Asked) -> str:
    known = box.state.token(asked.token)
    return known.account if known is not None else ""


async def _answer(box: Sandbox, asked: Asked) -> Reply:
    late = asked.seen_at(box.clock.now())
    if "ids" in late.values:
        return graph_errors.error(100, "(#100) The ids query parameter is deprecated in v26.0+", status=500)
    if not late.parts:
        if late.method != "POST" or "batch" not in late.values:
            raise graph_errors.no_object("", late.method)
        return await _batch(box, late)
    return await _one(box, late)


async def _one(box: Sandbox, asked: Asked) -> Reply:
    node, edges = asked.parts[0], asked.parts[1:]
    if len(edges) > 1:
        raise Declined(graph_errors.error(2500, f"Unknown path components: /{'/'.join(edges)}"))
    if node == "debug_token":
        return graph_calls.debug_token(box, asked)
    if node == "me":
        return graph_calls.me(box, asked, edges[0] if edges else "")
    if node.isdecimal() and box.state.media(node) is None:
        _remember(box, asked, node)
        return await graph_calls.page_call(box, asked, node, edges[0] if edges else "")
    return graph_calls.object_call(box, asked, node, edges[0] if edges else "")


def _remember(box: Sandbox, asked: Asked, page: str) -> None:
    """A token that nobody registered belongs to the Page it is first used for; a Page with a token has no other."""
    known = box.state.token(asked.token)
    account = box.state.meet(FACEBOOK, page)
    if known is None or not known.account:
        if account.token:
            raise Declined(graph_errors.error(190, "Error validating access token: unknown token", subcode=460))
        app_id = account.app_id or (known.app_id if known else "")
        box.state.put_token(Token(digest(asked.token), FACEBOOK, page, "page", app_id=app_id))
    elif account.registered and known.account != page and known.kind == "page":
        raise graph_errors.no_permission("The token belongs to another Page")


async def _batch(box: Sandbox, asked: Asked) -> Reply:
    try:
        entries = parse_json(asked.values["batch"])
    except ValueError:
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise graph_errors.invalid("batch parameter must be a JSON array")
    if len(entries) > BATCH:
        raise graph_errors.invalid(f"Too many requests in batch message. Maximum batch size is {BATCH}")
    return Reply(200, [await _part(box, asked, entry) for entry in entries])


async def _part(box: Sandbox, asked: Asked, entry: Mapping[str, Any]) -> dict[str, Any]:
    target = urlsplit(str(entry.get("relative_url", "")))
    _, parts = _split(target.path)
    values = dict(parse_qsl(target.query, keep_blank_values=True))
    values |= dict(parse_qsl(str(entry.get("body", "")), keep_blank_values=True))
    token = values.pop("access_token", asked.token)
    inner = _resolved(box, asked.part(str(entry.get("method", "GET")).upper(), parts, values, token))
    try:
        if not inner.parts or "batch" in inner.values:
            raise graph_errors.invalid("A batch can't hold another one")
        _check_token(box, inner)
        reply = await _answer(box, inner)
    except Declined as no:
        reply = no.reply
    return {"code": reply.status, "body": json.dumps(reply.body, ensure_ascii=False)}
