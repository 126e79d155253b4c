"""Who calls X: OAuth 1.0a headers (RFC 5849) and OAuth 2.0 bearer tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, quote, unquote

from posts.sandbox.state import TWITTER, Account, State

_PARAMETER = re.compile(r'\s*([a-zA-Z_]+)="([^"]*)"\s*')
_NEEDED = frozenset(
    {
        "oauth_consumer_key",
        "oauth_token",
        "oauth_signature",
        "oauth_signature_method",
        "oauth_timestamp",
        "oauth_nonce",
    }
)
_ACCOUNT = re.compile(r"([0-9]{1,19})-.+")
_DEAD = ("bad", "expired")


@dataclass(frozen=True)
class Signed:
    """What of a request is signed: `url` without query, `form` only of url-encoded bodies."""

    method: str
    url: str
    query: str
    form: str


def account_of(state: State, authorization: str, request: Signed, now: datetime) -> Account | None:
    """The account that calls, or None when X would answer 401."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "oauth":
        return _by_signature(state, rest, request)
    if scheme.lower() == "bearer":
        return _by_bearer(state, rest.strip(), now)
    return None


def token_owner(token: str) -> str | None:
    """The account id in a token of the form `<id>-…`; None for dead and other tokens."""
    if token.startswith(_DEAD):
        return None
    match = _ACCOUNT.fullmatch(token)
    return match.group(1) if match else None


def _by_bearer(state: State, token: str, now: datetime) -> Account | None:
    known = state.token(token)
    if known is not None:
        alive = known.kind == "access" and (known.expires_at is None or now < known.expires_at)
        return state.meet(TWITTER, known.account) if alive and known.network == TWITTER else None
    owner = token_owner(token)
    return state.meet(TWITTER, owner) if owner else None


def _by_signature(state: State, header: str, request: Signed) -> Account | None:
    parameters = _parameters(header)
    owner = token_owner(parameters.get("oauth_token", ""))
    if not parameters.keys() >= _NEEDED or owner is None or parameters["oauth_signature_method"] != "HMAC-SHA1":
        return None
    if not parameters["oauth_timestamp"].isdigit() or not _is_sha1(parameters["oauth_signature"]):
        return None
    account = state.account(TWITTER, owner)
    if account is not None and account.consumer_secret and not _genuine(account, parameters, request):
        return None
    return state.meet(TWITTER, owner)


def _genuine(account: Account, parameters: dict[str, str], request: Signed) -> bool:
    if account.token and account.token != parameters["oauth_token"]:
        return False
    if account.consumer_key and account.consumer_key != parameters["oauth_consumer_key"]:
        return False
    expected = signature(parameters, request, account.consumer_secret, account.access_token_secret)
    return hmac.compare_digest(expected, parameters["oauth_signature"])


def signature(parameters: dict[str, str], request: Signed, consumer_secret: str, token_secret: str) -> str:
    """HMAC-SHA1 over the signature base string (RFC 5849, sections 3.4.1 and 3.4.2)."""
    pairs = [(k, v) for k, v in parameters.items() if k not in ("oauth_signature", "realm")]
    pairs += parse_qsl(request.query, keep_blank_values=True)
    pairs += parse_qsl(request.form, keep_blank_values=True)
    normal = "&".join(f"{k}={v}" for k, v in sorted((_escape(k), _escape(v)) for k, v in pairs))
    base = "&".join(_escape(part) for part in (request.method.upper(), request.url, normal))
    key = f"{_escape(consumer_secret)}&{_escape(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _parameters(header: str) -> dict[str, str]:
    matches = [_PARAMETER.fullmatch(part) for part in header.split(",")]
    return {m.group(1): unquote(m.group(2)) for m in matches if m}


def _is_sha1(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == hashlib.sha1(usedforsecurity=False).digest_size
    except ValueError:
        return False


def _escape(text: str) -> str:
    return quote(text, safe="-._~")
