"""What every network must be able to do, in the engine's words. One conformance suite holds all of them."""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from posts.clock import Clock
from posts.drafts import Draft, Image, Receipt, RemotePost
from posts.errors import Explained, Outcome, Refused, Throttled, Unclear, Unreachable
from posts.figures import Look, Posted
from posts.text import marker_in, same_text

LONGEST_WAIT = timedelta(days=31)  # a network that names a later instant is not believed
ANSWER_BYTES = 8 * 1024 * 1024  # no answer of ours comes near; a larger one is not read to its end


class Reason(StrEnum):
    """Why a call did not succeed. The campaign side holds one sentence of advice for each of these words."""

    # The post itself: it must be changed.
    TOO_LONG = "too_long"  # text or alt text is longer than the network takes
    TOO_MANY_IMAGES = "too_many_images"
    MEDIA_INVALID = "media_invalid"  # the network does not take this picture file
    MEDIA_CHANGED = "media_changed"  # the file is gone or not the one that was frozen
    LINK_REFUSED = "link_refused"  # the network does not take this link at all
    LINK_UNREACHABLE = "link_unreachable"  # the network could not open the link to make its card
    CONTENT_RULES = "content_rules"  # against the network's rules
    REPLY_NOT_ALLOWED = "reply_not_allowed"
    INVALID_REQUEST = "invalid_request"  # a parameter the network does not take
    NOT_PERMITTED = "not_permitted"  # refused without saying why (too long, picture, missing permission)
    NOT_FOUND = "not_found"  # the post or Page is gone or hidden from us
    NOT_EDITABLE = "not_editable"  # this network has no editing
    # The account: a person must act.
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    TOKEN_INVALID = "token_invalid"  # noqa: S105
    APP_REMOVED = "app_removed"  # the person took the app out of the account
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    LOGIN_CHECK = "login_check"  # the network wants the person to sign in and confirm something
    ROLE_MISSING = "role_missing"  # the person has no suitable role on the Page any more
    PERMISSION_MISSING = "permission_missing"
    IDENTITY_UNCONFIRMED = "identity_unconfirmed"  # Page publishing authorisation is asked for
    APP_SECRET_WRONG = "app_secret_wrong"  # noqa: S105
    APP_NOT_ENROLLED = "app_not_enrolled"  # the app is in no project that may use the API
    ACCOUNT_LIMITED = "account_limited"
    ACCOUNT_SUSPENDED = "account_suspended"
    WRONG_ACCOUNT = "wrong_account"  # the token belongs to another account than the channel
    CREDITS = "credits"  # prepaid credits are used up
    SPEND_CAP = "spend_cap"  # the spending limit of the billing cycle is reached
    # The time: later.
    RATE_LIMITED = "rate_limited"
    USAGE_CAP = "usage_cap"  # the month's number of calls is used up
    POSTING_BLOCKED = "posting_blocked"  # the network stopped the account for posting too fast or against its rules
    UNAVAILABLE = "unavailable"  # the network's address answers "not found": an outage
    NO_CONNECTION = "no_connection"  # name not resolved or connection refused
    # Doubt.
    DUPLICATE = "duplicate"  # refused as a repetition: an earlier attempt may have landed
    TIMEOUT = "timeout"  # sent, no answer in time
    CONNECTION_LOST = "connection_lost"  # broke off after sending began
    SERVER_ERROR = "server_error"
    UNREADABLE_ANSWER = "unreadable_answer"  # not what the network's documents promise
    UNKNOWN_ANSWER = "unknown_answer"  # readable, but not in our table
    UPLOAD_FAILED = "upload_failed"  # a picture's upload failed; may be repeated
    INCOMPLETE = "incomplete"  # the time-line could not be read to its end


class Problem(StrEnum):
    """What `check` found besides being signed in; `Account.problems` holds "word" or "word:detail"."""

    EXPIRY_UNKNOWN = "expiry_unknown"  # app id or secret missing, or the network would not tell
    OWN_POSTS_UNKNOWN = "own_posts_unknown"  # without app id our posts can't be told from other apps'
    PERMISSION_MISSING = "permission_missing"
    NOT_A_PAGE_TOKEN = "not_a_page_token"  # noqa: S105
    WRONG_APP = "wrong_app"  # the token was made by another app than the given app id
    DATA_ACCESS_ENDS = "data_access_ends"  # reading stops on that day unless the person signs in again
    VERSION_DIFFERS = "version_differs"  # the network served another API version than asked for
    NO_REFRESH_TOKEN = "no_refresh_token"  # noqa: S105 - the access token can't be renewed


@dataclass(frozen=True)
class Endpoint:
    """Where and how patiently a network is asked. Time-outs in seconds; `api_base` without trailing slash. `owns_app`:
    whether an X account owns the app that asks, so that reading its own posts is cheaper."""

    api_base: str
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    graph_version: str = "v26.0"
    owns_app: bool = True


@dataclass(frozen=True)
class Limits:
    """What fits into one post.

    `text` counts in the network's own unit (X: weighted length of twitter-text v3; Facebook: characters);
    `link_length` is what any link costs there, None when it costs its own length; `image_bytes` is the
    largest file, `image_types` the accepted Pillow format names, `image_side` the longest edge in pixels.
    """

    text: int
    link_length: int | None
    images: int
    image_bytes: int
    image_types: tuple[str, ...]
    image_side: int
    alt_text: int


@dataclass(frozen=True)
class Account:
    """The account behind a channel as the network knows it. `problems` are sentences' keys with detail."""

    id: str
    name: str
    token_expires: datetime | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """A draft whose pictures are uploaded and invisible; nothing public has happened yet."""

    draft: Draft
    media: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """Posts of our own in the window that could be this draft (marker or normalised text matches)."""

    posts: tuple[RemotePost, ...]
    server_time: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Absent:
    """The time-line was read completely back to `since`, and no such post is in it."""

    since: datetime
    server_time: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Blind:
    """The time-line could not be read completely; nothing follows from what was seen."""

    reason: str
    detail: str = ""
    server_time: datetime | None = field(default=None, compare=False)


Sighting = Found | Absent | Blind
"""`server_time` is the network's own clock (its Date header) when it answered last, where it told it."""
SaveTokens = Callable[[dict[str, Any]], None]


class Publisher(Protocol):
    """One account on one network. Not thread-safe: one publisher per channel and sender."""

    limits: Limits

    def check(self) -> Account:
        """Ask the network who we are and whether we may post. Raises SignedOut, Throttled, Unreachable or Unclear."""

    def refresh(self, save: SaveTokens) -> None:
        """Renew tokens that need it; `save` stores the new ones before they are used. Raises as `check`."""

    def prepare(self, draft: Draft) -> Prepared:
        """Upload pictures, unseen by anybody; may be repeated freely. Raises Refused, Throttled, SignedOut,
        Unreachable; Unclear here means only that this upload failed."""

    def publish(self, prepared: Prepared) -> Receipt:
        """The one visible call. Raises Refused, Throttled, SignedOut or Unreachable when surely nothing was
        published, Unclear for everything else."""

    def find(self, draft: Draft, since: datetime) -> Sighting:
        """Look for this draft among what the account published since that instant. Never raises an Outcome."""

    def measure(self, posts: Sequence[Posted], names: Mapping[str, str]) -> Iterator[Look]:
        """Ask for the figures of posts, one Look for each call, so that the caller may stop at its budget. `names` maps
        metrics to what this network calls them, where that is a setting. Raises DeadMetric where the network knows one
        of the names no more, and an Outcome as `check`."""

    def probe(self, name: str) -> bool:
        """Whether the network still knows a metric by that name. Raises an Outcome as `check`."""

    def correct(self, remote_id: str, text: str) -> None:
        """Change the text of a published post. Raises Refused(\"not_editable\") where the network has no editing."""

    def delete(self, remote_id: str) -> None:
        """Take a published post away; one that is gone already is fine. Raises Refused and the others."""


@dataclass(frozen=True)
class NetworkTraits:
    """What a page or planner may know of a network without an account."""

    name: str
    limits: Limits
    live_base: str
    sandbox_path: str
    publisher: Callable[[str, dict[str, Any], Endpoint, Clock], Publisher] = field(repr=False)
    price: Callable[[Draft, date | None], float] = field(repr=False)


class DeadMetric(Exception):
    """The network knows one of the metrics no more; one bad name fails the whole call, so each is asked for alone."""


class CredentialsError(Explained):
    """The credentials can't be used; the details hold none of their values."""


class Call(StrEnum):
    """What is at stake in a call when its end stays unknown."""

    READ = "read"  # nothing
    UPLOAD = "upload"  # nothing that anybody sees
    PUBLISH = "publish"  # a post, perhaps twice
    CHANGE = "change"  # nothing: editing and deleting may be repeated


@dataclass(frozen=True)
class Rule:
    """One line of a network's table of answers: what it says, and what follows.

    `answer` is how the network puts it, `meaning` is for the reader of docs/outcomes.md. `duplicate` speaks of
    Unclear; `scope` and `wait` (used when the network names no instant; None: the caller's own) of Throttled.
    """

    answer: str
    outcome: type[Outcome]
    reason: Reason
    meaning: str
    duplicate: bool = False
    scope: str = "channel"
    wait: timedelta | None = None

    def raised(self, detail: str, until: datetime | None, server_time: datetime | None) -> Outcome:
        """The outcome to raise for such an answer."""
        if self.outcome is Throttled:
            return Throttled(self.reason, detail, until=until, scope=self.scope, server_time=server_time)
        if self.outcome is Unclear:
            return Unclear(self.reason, detail, duplicate=self.duplicate, server_time=server_time)
        return self.outcome(self.reason, detail, server_time=server_time)


@dataclass(frozen=True)
class Reply:
    """What a network answered. `body` is its JSON value; None (and not `readable`) where it sent something else,
    and where it sent nothing at all (`empty`)."""

    status: int
    headers: Mapping[str, str]
    body: Any
    readable: bool
    empty: bool = False

    @property
    def server_time(self) -> datetime | None:
        """The network's own clock (Date header, RFC 9110 section 6.6.1), None where it told none."""
        try:
            return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError):
            return None

    def number(self, header: str) -> float | None:
        """A header's number, None where it is missing or no number."""
        try:
            value = float(self.headers[header])
        except (KeyError, ValueError):
            return None
        return value if isfinite(value) else None


class BadReply(Exception):
    """An answer that is not a success. Its text holds no URL and no token."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.reply = reply


class NoReply(Exception):
    """No answer came. `sent` is False only when surely no byte of the request left."""

    def __init__(self, reason: Reason, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent

    def outcome(self) -> Outcome:
        """What follows for the call, whatever it was."""
        return Unclear(self.reason) if self.sent else Unreachable(self.reason)


class NetworkSession(requests.Session):
    """The session under an SDK: time-outs on every call, one base URL in place of the SDK's hosts, no redirects
    (a redirected POST would be repeated as GET), nothing from the environment (a netrc entry would replace our
    Authorization header). Raises BadReply and NoReply instead of handing on what the SDKs don't look at."""

    def __init__(self, endpoint: Endpoint, sdk_hosts: tuple[str, ...]) -> None:
        super().__init__()
        self.trust_env = False
        self.last: Reply | None = None
        self._endpoint = endpoint
        self._sdk_hosts = sdk_hosts

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """As requests.Session.request. Raises BadReply for all but JSON with a 2xx status, NoReply for none."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (self._endpoint.connect_timeout, self._endpoint.read_timeout)
        kwargs["allow_redirects"] = False
        kwargs["stream"] = True
        try:
            response = super().request(method, self._rehomed(url), *args, **kwargs)
            _read_body(response)
        except requests.exceptions.RequestException as error:
            raise _no_reply(error) from None
        self.last = reply = _reply(response)
        if not 200 <= reply.status < 300 or not reply.readable:
            raise BadReply(reply)
        return response

    def _rehomed(self, url: str) -> str:
        for host in self._sdk_hosts:
            if url.startswith(host + "/"):
                return self._endpoint.api_base + url[len(host) :]
        return url


def _read_body(response: requests.Response) -> None:
    """Read at most ANSWER_BYTES, so that a hostile or broken answer can't fill the memory."""
    body = b""
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if len(body) > ANSWER_BYTES:
            response.close()
            body = b"longer than any answer"
            break
    response._content = body  # what requests itself sets once a streamed body is read


def _reply(response: requests.Response) -> Reply:
    try:
        return Reply(response.status_code, response.headers, json.loads(response.content), readable=True)
    except (ValueError, RecursionError):
        empty = not response.content.strip()
        return Reply(response.status_code, response.headers, None, readable=False, empty=empty)


def _no_reply(error: requests.exceptions.RequestException) -> NoReply:
    if isinstance(error, requests.exceptions.ConnectTimeout) or _never_connected(error):
        return NoReply(Reason.NO_CONNECTION, sent=False)
    if isinstance(error, requests.exceptions.Timeout):
        return NoReply(Reason.TIMEOUT, sent=True)
    return NoReply(Reason.CONNECTION_LOST, sent=True)


def _never_connected(error: BaseException) -> bool:
    """True when no connection came about (refused, name not resolved, certificate not trusted).

    Follows only what each error was made of, never `__context__`: that may hold an older, unrelated failure.
    """
    causes: Iterable[object] = error.args
    if isinstance(error, MaxRetryError):
        causes = (error.reason,)
    if isinstance(error, NewConnectionError | ssl.SSLCertVerificationError):
        return True  # NameResolutionError is a NewConnectionError
    return any(_never_connected(cause) for cause in causes if isinstance(cause, BaseException))


def clean(text: object, secrets: Iterable[str]) -> str:
    """A network's own words for the log: one line, at most 500 characters, every secret blotted out."""
    line = " ".join(str(text).split())
    for secret in secrets:
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            line = line.replace(form, "[secret]")
    return line[:500]


def local_instant(named: datetime, reply: Reply, clock: Clock) -> datetime:
    """An instant that the network named by its own clock, by ours: shifted by what its Date header differs.

    A difference within two seconds is the header's own coarseness and is left alone.
    """
    if reply.server_time is None:
        return named
    skew = clock.now() - reply.server_time
    return named if abs(skew) <= timedelta(seconds=2) else named + skew


def retry_after(reply: Reply, clock: Clock) -> datetime | None:
    """The instant of a Retry-After header (RFC 9110 section 10.2.3: seconds or a date), None where there is none."""
    seconds = reply.number("retry-after")
    if seconds is not None:
        return clock.now() + min(timedelta(seconds=min(max(0.0, seconds), 1e9)), LONGEST_WAIT)
    try:
        named = local_instant(parsedate_to_datetime(reply.headers["retry-after"]).astimezone(UTC), reply, clock)
        return min(named, clock.now() + LONGEST_WAIT)
    except (KeyError, TypeError, ValueError):
        return None


def frozen_bytes(image: Image) -> bytes:
    """The bytes of a frozen picture. Raises Refused when the file is gone or differs from its SHA-256."""
    try:
        data = Path(image.file).read_bytes()
    except OSError:
        raise Refused(Reason.MEDIA_CHANGED, "the picture's file can't be read") from None
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise Refused(Reason.MEDIA_CHANGED, "the picture's file is not the one that was frozen")
    return data


def fitting(draft: Draft, limits: Limits, length: int) -> None:
    """Raises Refused for a draft that can't fit, before the network is asked. `length` is that of its text."""
    if length > limits.text:
        raise Refused(Reason.TOO_LONG, f"text of {length}, {limits.text} fit")
    if len(draft.images) > limits.images:
        raise Refused(Reason.TOO_MANY_IMAGES, f"{len(draft.images)} pictures, {limits.images} fit")
    if any(len(image.alt) > limits.alt_text for image in draft.images):
        raise Refused(Reason.TOO_LONG, f"an alt text of more than {limits.alt_text} characters")


def sighting(posts: Iterator[RemotePost], draft: Draft, since: datetime) -> Found | Absent:
    """Found, or Absent, of a time-line that is read completely; whatever its iterator raises passes through."""
    candidates = tuple(post for post in posts if post.created_at >= since and could_be(post, draft))
    return Found(candidates) if candidates else Absent(since)


def could_be(post: RemotePost, draft: Draft) -> bool:
    """Whether this post of the time-line could be this draft: not another app's, and the delivery's marker in one
    of its links or the same text after normalising."""
    if post.own_app is False:
        return False
    marked = draft.marker is not None and marker_in(post.links, draft.marker)
    return marked or same_text(post.text, draft.text)
