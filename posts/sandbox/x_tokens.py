"""The renewal of X's OAuth 2.0 tokens: POST /x/2/oauth2/token.

Each renewal gives a new refresh token and kills the old one, as X does.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote

from fastapi import Request, Response

from posts.sandbox import answers, x_errors
from posts.sandbox.answers import Reply
from posts.sandbox.course import Call, Sandbox, run
from posts.sandbox.state import TWITTER, State, Token, digest
from posts.sandbox.x import XApi
from posts.sandbox.x_auth import token_owner

LIFETIME = timedelta(hours=2)
_SCOPE = "tweet.read tweet.write users.read media.write offline.access"


def add_to(api: XApi) -> None:
    """Serve the token call."""

    async def endpoint(request: Request) -> Response:
        return await _serve(api.box, request)

    api.router.add_api_route("/2/oauth2/token", endpoint, methods=["POST"], include_in_schema=False)


async def _serve(box: Sandbox, request: Request) -> Response:
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    owner = _owner(box.state, form.get("refresh_token", ""))
    dialect = x_errors.XDialect()
    if form.get("grant_type") != "refresh_token" or owner is None or not _client_fits(box.state, owner, request, form):
        headers = {"date": answers.http_date(box.clock.now()), **dialect.headers("", None)}
        return answers.json_answer(_refused(), headers)

    async def perform() -> Reply:
        return _renew(box.state, owner, form["refresh_token"], box.clock.now())

    return await run(box, dialect, Call("account", owner, changes=True), perform)


def _owner(state: State, refresh_token: str) -> str | None:
    known = state.token(refresh_token)
    if known is not None:
        return known.account if known.kind == "refresh" and known.network == TWITTER else None
    return token_owner(refresh_token)


def _client_fits(state: State, owner: str, request: Request, form: dict[str, str]) -> bool:
    """A confidential client shows its secret by HTTP Basic, a public one names its id in the body."""
    account = state.account(TWITTER, owner)
    client, secret = _basic(request.headers.get("authorization", "")) or (form.get("client_id", ""), "")
    if account is None or not account.client_id:
        return bool(client)
    return client == account.client_id and hmac.compare_digest(secret.encode(), account.client_secret.encode())


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(client), unquote(secret)


def _renew(state: State, owner: str, old: str, now: datetime) -> Reply:
    access, refresh = (f"{owner}-{secrets.token_urlsafe(24)}" for _ in range(2))
    state.meet(TWITTER, owner)
    state.put_token(Token(digest(old), TWITTER, owner, "spent"))
    state.put_token(Token(digest(refresh), TWITTER, owner, "refresh"))
    state.put_token(Token(digest(access), TWITTER, owner, "access", now + LIFETIME))
    return Reply(
        200,
        {
            "token_type": "bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "access_token": access,
            "refresh_token": refresh,
            "scope": _SCOPE,
        },
    )


def _refused() -> Reply:
    return Reply(
        400,
        {
            "error": "invalid_request",
            "error_description": "Value passed for the token was invalid.",
        },
    )
