"""The door of every page: who asks, from where, and whether the role suffices; proof that a change was meant.

A change is taken only from our own pages: the browser says that it comes from here, and the form carries a token
that only a page of this session can know.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from campaign.access import User
from campaign.app import App
from campaign.roles import Role
from campaign.web.language import LANGUAGES
from campaign.web.rules import API, EVERYBODY, RULES, admits

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LANGUAGE_LASTS = 365 * 86400
LONGEST_TOLD = 1000
LONGEST_KEPT = 300
PACE = RateLimitItemPerMinute(300)
"""Requests of one person to the JSON API."""
COOKIES = ("session", "visit", "told", "language")


class SignInFirst(Exception):
    """The page is for people who are signed in."""


class Forbidden(Exception):
    """The role does not suffice, or nothing proves that the change was meant; `reason` is the page's sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Told:
    """What the last change led to: a sentence beside the thing that it concerns, shown once; `kept` is what the person
    had typed, by the fields' names."""

    thing: str
    text: str
    done: bool
    kept: Mapping[str, str] = field(default_factory=dict)
    shown: bool = False

    def beside(self, thing: str) -> Told | None:
        """The sentence for a thing that is being shown; a success stands on top of the page."""
        if self.done or self.thing != thing:
            return None
        self.shown = True
        return self


class TooMany(Exception):
    """More requests than one visitor may make; `seconds` is when to go on."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True)
class Visitor:
    """Whoever asks for a page. `app` acts in that person's name and language.

    `token`: a program with a token asks; `reads_only`: its token is good for looking only, and this is a change.
    """

    app: App
    user: User | None
    language: str
    secret: str
    told: Told | None
    renews: bool
    token: bool = False
    reads_only: bool = False

    @property
    def csrf(self) -> str:
        """The token that forms of this visitor carry."""
        return hashlib.sha256(f"csrf {self.secret}".encode()).hexdigest()

    def may(self, method: str, path: str) -> bool:
        """Whether the visitor's role suffices for a route of the table."""
        return admits(method, path, self.user.role if self.user else None)


def is_https(request: Request) -> bool:
    """Whether browsers reach the pages by TLS, perhaps at a proxy before us."""
    address: str = request.app.state.app.settings["web.address"]
    return (address or str(request.url)).startswith("https:")


def cookie_name(request: Request, name: str) -> str:
    """The cookie's name; with TLS one that browsers bind to this host and to TLS (RFC 6265bis)."""
    return f"__Host-{name}" if is_https(request) else f"kreativorte-{name}"


def set_cookie(request: Request, response: Response, name: str, value: str, lasts: int | None = None) -> None:
    """A cookie that scripts can't read and other sites don't send along with changes."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=lasts,
        path="/",
        secure=is_https(request),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        cookie_name(request, name), path="/", secure=is_https(request), httponly=True, samesite="lax"
    )


def recognise(request: Request) -> Visitor:
    """Who asks, by the session's cookie; reads the database."""
    app: App = request.app.state.app
    chosen = request.cookies.get(cookie_name(request, "language"), "")
    language = chosen if chosen in LANGUAGES else app.settings["language"]
    if for_program(request) and "authorization" in request.headers:
        return _recognise_token(request, app, language)
    secret = request.cookies.get(cookie_name(request, "session"), "")
    # A page that renews itself must not keep a session alive that nobody uses.
    renews = request.headers.get("x-renewal") == "1"
    user = app.access.session(secret, seen=not renews) if secret else None
    if user is None:
        secret = request.cookies.get(cookie_name(request, "visit"), "") or secrets.token_urlsafe(32)
    told = _read_told(request.cookies.get(cookie_name(request, "told"), ""), secret)
    return Visitor(app.acting_as(user.name if user else "", language), user, language, secret, told, renews)


def _recognise_token(request: Request, app: App, language: str) -> Visitor:
    """Who made the token, if it is good for this; a token is never mixed with a session."""
    scheme, _, secret = request.headers["authorization"].partition(" ")
    change = request.method not in SAFE
    known = (
        [app.access.bearer(secret.strip(), scope) for scope in ("write", "read")] if scheme.lower() == "bearer" else []
    )
    user = next((one for one in known if one is not None), None)
    return Visitor(
        app.acting_as(user.name if user else "", language),
        user,
        language,
        secret,
        None,
        False,
        token=True,
        reads_only=change and user is not None and known[0] is None,
    )


def for_program(request: Request) -> bool:
    """Whether the answer is read by a program."""
    return request.url.path.startswith(f"{API}/")


async def visitor_of(request: Request) -> Visitor:
    """Who asks; found out once per request."""
    if not hasattr(request.state, "visitor"):
        request.state.visitor = await run_in_threadpool(recognise, request)
    visitor: Visitor = request.state.visitor
    return visitor


async def admit(request: Request) -> None:
    """Let in whom the table of rules lets in. Raises SignInFirst and Forbidden."""
    visitor = await visitor_of(request)
    path = request.scope["route"].path
    if not visitor.may(request.method, path):
        if visitor.user is None and RULES.get((request.method, path), Role.READER) is not EVERYBODY:
            raise SignInFirst
        raise Forbidden("role")
    if visitor.reads_only:
        raise Forbidden("scope")
    if for_program(request):
        _check_pace(request, visitor)
    # A token is sent by nobody but its program: it proves by itself that a change is meant.
    if request.method not in SAFE and not visitor.token:
        await _check_meant(request, visitor)


def _check_pace(request: Request, visitor: Visitor) -> None:
    """Raises TooMany. Counted per person, so that a second token gives no second allowance."""
    who = visitor.user.person if visitor.user else address_of(request)
    limiter: MovingWindowRateLimiter = request.app.state.limiter
    if not limiter.hit(PACE, who):
        ends = limiter.get_window_stats(PACE, who).reset_time
        raise TooMany(max(1, round(ends - time.time())))


async def _check_meant(request: Request, visitor: Visitor) -> None:
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise Forbidden("foreign")
    if site is None and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("foreign")
    token = request.headers.get("x-csrf-token") or (await request.form()).get("csrf") or ""
    if not isinstance(token, str) or not hmac.compare_digest(token.encode(), visitor.csrf.encode()):
        raise Forbidden("stale")


Here = Annotated[Visitor, Depends(visitor_of)]


def own_path(path: str, otherwise: str = "/") -> str:
    """A path on these pages, never another host's address."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain else otherwise


def sign_in_path(request: Request) -> str:
    """Where to sign in, coming back to the page that was asked for."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/anmelden" if request.method not in SAFE or wanted == "/" else f"/anmelden?weiter={quote(wanted)}"


# --- what a change led to ----------------------------------------------------------------------------------------


def tell(
    request: Request, response: Response, thing: str, text: str, *, done: bool, kept: Mapping[str, str] | None = None
) -> None:
    """Let the next page of this visitor say a sentence, beside the thing or on top, with what was typed: short values
    only, for cookies are small."""
    secret = request.state.visitor.secret
    short = {name: value[:LONGEST_KEPT] for name, value in (kept or {}).items()}
    content = json.dumps([thing, text[:LONGEST_TOLD], done, short], ensure_ascii=False).encode()
    value = f"{base64.urlsafe_b64encode(content).decode()}.{_signature(secret, content)}"
    set_cookie(request, response, "told", value, 60)


def _read_told(value: str, secret: str) -> Told | None:
    encoded, _, signature = value.partition(".")
    try:
        content = base64.urlsafe_b64decode(encoded)
        if not value or not hmac.compare_digest(signature.encode(), _signature(secret, content).encode()):
            return None
        thing, text, done, kept = json.loads(content)
    except (ValueError, binascii.Error):
        return None
    return Told(thing, text, done, kept)


def _signature(secret: str, content: bytes) -> str:
    return hmac.new(f"told {secret}".encode(), content, hashlib.sha256).hexdigest()


def address_of(request: Request) -> str:
    """Where the visitor comes from; behind a proxy as the proxy says."""
    return request.client.host if request.client else ""


def is_local(request: Request) -> bool:
    """Whether somebody on this very machine asks, without a proxy between."""
    forwarded: Any = request.headers.get("x-forwarded-for") or request.headers.get("forwarded")
    return forwarded is None and address_of(request) in ("127.0.0.1", "::1")
