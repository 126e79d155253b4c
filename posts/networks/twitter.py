"""X (Twitter) through tweepy: the one door to it. API v2 at https://api.x.com; OAuth 1.0a or OAuth 2.0 user tokens.

tweepy 4.17 sets no time-outs, logs the bearer token at DEBUG, knows neither v2 media upload nor the field names of
2026, and parses answers it does not expect into tracebacks; so only its `Client.request` and its signing are used,
over a session of ours. X has no idempotency key: a lost answer is Unclear and must be looked for.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import requests
import tweepy
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient  # type: ignore[import-untyped]

from posts.clock import Clock
from posts.drafts import Draft, Image, Receipt, RemotePost
from posts.errors import Outcome, Refused, SignedOut, Throttled, Unclear
from posts.figures import Look, Posted
from posts.networks import x_figures
from posts.networks.publisher import (
    LONGEST_WAIT,
    Absent,
    Account,
    BadReply,
    Blind,
    Call,
    CredentialsError,
    Endpoint,
    Found,
    Limits,
    NetworkSession,
    NoReply,
    Prepared,
    Problem,
    Reason,
    Reply,
    Rule,
    SaveTokens,
    Sighting,
    clean,
    fitting,
    frozen_bytes,
    local_instant,
    retry_after,
    sighting,
)
from posts.text import extract_urls, weighted_length

LIVE_BASE = "https://api.x.com"
SANDBOX_PATH = "/x"
SDK_HOSTS = ("https://api.twitter.com",)  # hard-coded in tweepy.Client.request

# Text: weighted length of twitter-text configuration v3, any link costs 23. Pictures: X API v2 media upload.
LIMITS = Limits(
    text=280,
    link_length=23,
    images=4,
    image_bytes=5_000_000,
    image_types=("JPEG", "PNG", "WEBP"),
    image_side=4096,
    alt_text=1000,
)

MEDIA_TYPES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"RIFF", "image/webp"))
BEARER_IN_SESSION = "in the session"  # what tweepy is told, and may log
REFRESH_AHEAD = timedelta(minutes=10)  # an access token lives two hours; one that ends sooner is renewed before use
PAGE = 100  # posts per page of a time-line, the most X gives
LEAST_RESULTS = 5  # the fewest that X lets one ask for
HALF_MINUTE = timedelta(seconds=30)
MOST_PAGES = 32  # X goes 3,200 posts back and no further

# Silenced below INFO, because at DEBUG they show Authorization headers, signatures and tokens.
TALKATIVE_LOGGERS = (
    "tweepy.client",
    "requests_oauthlib.oauth1_auth",
    "oauthlib.oauth1.rfc5849",
    "oauthlib.oauth1.rfc5849.signature",
)


class _NoDebug(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


for _name in TALKATIVE_LOGGERS:
    logging.getLogger(_name).addFilter(_NoDebug())


@dataclass(frozen=True)
class Price:
    """What X charges from a day on, in USD per call (pay-per-use; docs.x.com, pricing of 2026-08-13)."""

    valid_from: date
    create: float
    create_with_url: float
    alt_text: float


PRICES = (Price(date(2026, 4, 20), create=0.015, create_with_url=0.200, alt_text=0.005),)


def price(draft: Draft, on: date | None = None) -> float:
    """What publishing this draft costs in USD on that day (UTC; None: by the newest price list).

    Links are counted as twitter-text sees them, schemeless ones too; alt texts are charged per picture.
    """
    known = [row for row in PRICES if on is None or row.valid_from <= on]
    row = max(known or PRICES[:1], key=lambda candidate: candidate.valid_from)
    create = row.create_with_url if extract_urls(draft.text) else row.create
    return round(create + row.alt_text * sum(1 for image in draft.images if image.alt), 6)


@dataclass(frozen=True)
class AnswerRule(Rule):
    """A rule for answers with this status whose problem says one of these words (any word when there is none)."""

    status: int = 0
    words: tuple[str, ...] = ()

    def fits(self, status: int, said: str) -> bool:
        """Whether the rule speaks of this answer; `said` is its problem in lower case."""
        return status == self.status and (not self.words or any(word in said for word in self.words))


def _rule(
    status: int, words: tuple[str, ...], outcome: type[Outcome], reason: Reason, meaning: str, duplicate: bool = False
) -> AnswerRule:
    answer = f"{status} {' / '.join(words)}".rstrip()
    return AnswerRule(answer, outcome, reason, meaning, duplicate=duplicate, status=status, words=words)


# First match wins. Words are looked for in the problem's title, detail, slug of `type`, reason, and old-style errors;
# the host of `type` varies and is not looked at.
RULES: tuple[AnswerRule, ...] = (
    _rule(400, ("media id", "media_ids"), Refused, Reason.MEDIA_INVALID, "a media id is unknown or expired"),
    _rule(400, (), Refused, Reason.INVALID_REQUEST, "a parameter X does not take"),
    _rule(401, (), SignedOut, Reason.TOKEN_INVALID, "not signed in; OAuth 2.0: refresh once before asking a person"),
    _rule(402, (), SignedOut, Reason.CREDITS, "no prepaid credits left"),
    _rule(
        403,
        ("duplicate", "already said that", "already posted"),
        Unclear,
        Reason.DUPLICATE,
        "same text as a recent post: an earlier attempt may have landed",
        duplicate=True,
    ),
    _rule(403, ("spendcapreached", "spend cap"), SignedOut, Reason.SPEND_CAP, "blocked until the next billing cycle"),
    _rule(
        403,
        ("client-not-enrolled", "client-forbidden"),
        SignedOut,
        Reason.APP_NOT_ENROLLED,
        "the app has no access to the API",
    ),
    _rule(403, ("suspended",), SignedOut, Reason.ACCOUNT_SUSPENDED, "the account is suspended"),
    _rule(
        403,
        ("oauth1-permissions", "unsupported-authentication"),
        SignedOut,
        Reason.PERMISSION_MISSING,
        "the app or token may not write",
    ),
    _rule(
        403,
        ("reply to this conversation", "reply to or quote"),
        Refused,
        Reason.REPLY_NOT_ALLOWED,
        "replies only where mentioned",
    ),
    _rule(
        403,
        (),
        Refused,
        Reason.NOT_PERMITTED,
        "refused without a clear reason: too long for the account, picture, missing permission",
    ),
    _rule(404, (), Throttled, Reason.UNAVAILABLE, "endpoints answer 404 in outages; nothing was created"),
    _rule(
        429,
        ("usagecapexceeded", "usage-capped"),
        Throttled,
        Reason.USAGE_CAP,
        "the month's cap; the reset header is meaningless and ignored",
    ),
    _rule(429, (), Throttled, Reason.RATE_LIMITED, "too many calls; until the latest reset that X names"),
)
SERVER_ERROR = Rule("5xx", Unclear, Reason.SERVER_ERROR, "the post may exist all the same")
UNREADABLE = Rule(
    "no JSON, or without the promised fields",
    Unclear,
    Reason.UNREADABLE_ANSWER,
    "a proxy's page or a torn answer: the post may exist",
)
UNKNOWN = Rule("anything else", Unclear, Reason.UNKNOWN_ANSWER, "not in the table: the post may exist")


def rule_for(reply: Reply) -> Rule:
    """What an answer that is no success means.

    429 needs no body: whoever sent it passed nothing on (RFC 6585). A 403 does, since it may be about a duplicate.
    """
    if reply.status >= 500:
        return SERVER_ERROR
    enough = reply.readable or reply.status == 429 or (reply.empty and reply.status != 403)
    if not enough:
        return UNREADABLE
    said = _said(reply.body).lower()
    return next((rule for rule in RULES if rule.fits(reply.status, said)), UNKNOWN)


def _said(body: object) -> str:
    """What a problem says, in one string: both X's problem style and the old `errors` list."""
    if not isinstance(body, dict):
        return ""
    words = [str(body.get(key, "")) for key in ("title", "detail", "reason")]
    words.append(str(body.get("type", "")).rsplit("/", 1)[-1])
    errors = body.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            words += [str(error.get("message", "")), str(error.get("detail", "")), str(error.get("title", ""))]
            parameters = error.get("parameters")
            words += [str(name) for name in parameters] if isinstance(parameters, dict) else []
    return " ".join(word for word in words if word)


def reset_of(reply: Reply, clock: Clock) -> datetime | None:
    """The instant from which X takes calls again: the latest reset of a window that is used up, by our clock."""
    names = ("x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour")
    used_up = [name for name in names if reply.number(f"{name}-remaining") == 0]
    resets = [reply.number(f"{name}-reset") for name in used_up or names[:1]]
    latest = clock.now() + LONGEST_WAIT
    instants = [instant for instant in map(_unix, resets) if instant is not None and instant <= latest]
    if not instants:
        return retry_after(reply, clock)
    return local_instant(max(instants), reply, clock)


def _unix(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


@dataclass(frozen=True)
class Tokens:
    """Validated credentials of one account. OAuth 1.0a has a consumer, OAuth 2.0 a client; never both."""

    access_token: str
    consumer_key: str = ""
    consumer_secret: str = ""
    access_token_secret: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    expires_at: datetime | None = None

    @property
    def user_auth(self) -> bool:
        """True for OAuth 1.0a (tweepy's word)."""
        return bool(self.consumer_key)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must never be shown."""
        values = (
            self.access_token,
            self.consumer_key,
            self.consumer_secret,
            self.access_token_secret,
            self.client_secret,
            self.refresh_token,
        )
        return tuple(value for value in values if value)

    def to_json(self) -> dict[str, Any]:
        """OAuth 2.0 tokens as the credentials file holds them; `expires_at` in Unix seconds."""
        fields: dict[str, Any] = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
        }
        if self.expires_at is not None:
            fields["expires_at"] = int(self.expires_at.timestamp())
        return {"oauth2": {key: value for key, value in fields.items() if value}}


OAUTH1_KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
OAUTH2_KEYS = ("client_id", "client_secret", "access_token", "refresh_token", "expires_at")


def tokens_of(credentials: Mapping[str, Any]) -> Tokens:
    """The tokens in a credentials file. Raises CredentialsError for anything unusable."""
    if "oauth2" not in credentials:
        _only_known(credentials, OAUTH1_KEYS)
        return Tokens(
            consumer_key=_required(credentials, "consumer_key"),
            consumer_secret=_required(credentials, "consumer_secret"),
            access_token=_required(credentials, "access_token"),
            access_token_secret=_required(credentials, "access_token_secret"),
        )
    if len(credentials) > 1 or not isinstance(credentials["oauth2"], dict):
        raise CredentialsError("credentials_of_two_kinds")
    fields = credentials["oauth2"]
    _only_known(fields, OAUTH2_KEYS)
    return Tokens(
        access_token=_required(fields, "access_token"),
        client_id=_required(fields, "client_id"),
        client_secret=_optional(fields, "client_secret"),
        refresh_token=_optional(fields, "refresh_token"),
        expires_at=_expiry(fields.get("expires_at")),
    )


def _only_known(fields: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    unknown = sorted(set(fields) - set(keys))
    if unknown:
        known = ", ".join(keys)
        raise CredentialsError("credentials_key_unknown", "twitter", unknown[0], known)


def _required(fields: Mapping[str, Any], key: str) -> str:
    value = _optional(fields, key)
    if not value:
        raise CredentialsError("credentials_key_missing", "twitter", key)
    return value


def _optional(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key) or ""
    if not isinstance(value, str) or not value.isascii() or any(sign.isspace() for sign in value):
        raise CredentialsError("credentials_value_invalid", "twitter", key)
    return value


def _expiry(value: object) -> datetime | None:
    """An instant from Unix seconds or ISO 8601 with offset."""
    if value is None or value == "":
        return None
    instant = _unix(value)
    if instant is None and isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
    if instant is None or instant.tzinfo is None:
        raise CredentialsError("credentials_expiry_invalid")
    return instant.astimezone(UTC)


class XSession(NetworkSession):
    """The session under tweepy. The bearer token lives here, so that tweepy can't log it."""

    bearer: str | None = None

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        if self.bearer is not None and kwargs.get("auth") is None:
            kwargs["headers"] = {**(kwargs.get("headers") or {}), "Authorization": f"Bearer {self.bearer}"}
        return super().request(method, url, *args, **kwargs)


@dataclass(frozen=True)
class Vocabulary:
    """The names of one generation of the API; X began to rename its fields in 2026 and answers in both."""

    fields_parameter: str
    note: str


NEW = Vocabulary("post.fields", "note_post")
OLD = Vocabulary("tweet.fields", "note_tweet")

T = TypeVar("T")


class TwitterPublisher:
    """One X account. Not thread-safe. Raises CredentialsError for credentials that can't be this account's."""

    limits = LIMITS

    def __init__(self, account_id: str, credentials: Mapping[str, Any], endpoint: Endpoint, clock: Clock) -> None:
        self._account_id = account_id
        self._tokens = tokens_of(credentials)
        _belongs(self._tokens, account_id)
        self._clock = clock
        self._endpoint = endpoint
        self._session = XSession(endpoint, SDK_HOSTS)
        self._rejected = False
        self._own_read = x_figures.OWNED_READ if endpoint.owns_app else x_figures.READ
        self._use(self._tokens)

    def _use(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._client = tweepy.Client(
            bearer_token=BEARER_IN_SESSION,
            consumer_key=tokens.consumer_key or None,
            consumer_secret=tokens.consumer_secret or None,
            access_token=tokens.access_token,
            access_token_secret=tokens.access_token_secret or None,
            return_type=requests.Response,
            wait_on_rate_limit=False,
        )
        self._client.session.close()
        self._client.session = self._session
        self._session.bearer = None if tokens.user_auth else tokens.access_token

    # -- account

    def check(self) -> Account:
        """GET /2/users/me. Raises SignedOut("wrong_account") when the tokens belong to somebody else: what is
        published there would be looked for elsewhere."""
        data = self._data(self._ask(Call.READ, lambda: self._request("GET", "/2/users/me")), Call.READ)
        if data.get("id") != self._account_id:
            raise SignedOut(Reason.WRONG_ACCOUNT, f"the tokens belong to account {clean(data.get('id'), ())[:40]}")
        lasting = self._tokens.user_auth or bool(self._tokens.refresh_token)
        return Account(
            id=self._account_id,
            name=str(data.get("name") or data.get("username") or self._account_id)[:200],
            token_expires=None if lasting else self._tokens.expires_at,
            problems=self._problems(),
        )

    def _problems(self) -> tuple[str, ...]:
        if not self._tokens.user_auth:
            return () if self._tokens.refresh_token else (Problem.NO_REFRESH_TOKEN,)
        level = self._session.last.headers.get("x-access-level") if self._session.last else None
        return (f"{Problem.PERMISSION_MISSING}:write",) if level == "read" else ()

    def refresh(self, save: SaveTokens) -> None:
        """Renew an OAuth 2.0 token that ends within ten minutes, or that X has just rejected. `save` gets the whole
        new credentials before they are used: X kills the old refresh token with each renewal. Raises as `check`."""
        tokens = self._tokens
        if not tokens.refresh_token or not self._needs_renewal(tokens):
            return
        renewed = self._ask(Call.READ, lambda: self._renewed(tokens))
        save(renewed.to_json())
        self._use(renewed)
        self._rejected = False

    def _needs_renewal(self, tokens: Tokens) -> bool:
        if self._rejected or tokens.expires_at is None:
            return True
        return tokens.expires_at - self._clock.now() < REFRESH_AHEAD

    def _renewed(self, tokens: Tokens) -> Tokens:
        """POST /2/oauth2/token: confidential clients by HTTP Basic, public ones by client_id in the body."""
        client = WebApplicationClient(tokens.client_id)
        public = {} if tokens.client_secret else {"client_id": tokens.client_id}
        body = client.prepare_refresh_body(refresh_token=tokens.refresh_token, **public)
        auth = (tokens.client_id, tokens.client_secret) if tokens.client_secret else _no_auth
        try:
            response = self._session.post(
                f"{self._endpoint.api_base}/2/oauth2/token",
                data=body,
                auth=auth,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
        except BadReply as failure:
            if failure.reply.status in (400, 401):  # invalid_grant, invalid_client (RFC 6749 section 5.2)
                raise SignedOut(Reason.TOKEN_EXPIRED, self._detail(failure.reply)) from None
            raise
        return self._parsed(client, response.text, tokens)

    def _parsed(self, client: WebApplicationClient, body: str, tokens: Tokens) -> Tokens:
        """The new tokens. No scope is handed to oauthlib, which would refuse an answer with another scope than asked
        for (its OAUTHLIB_RELAX_TOKEN_SCOPE), when the old refresh token is already dead."""
        try:
            token = client.parse_request_body_response(body)
            seconds = float(token.get("expires_in") or 7200)
            return Tokens(
                access_token=_required(token, "access_token"),
                client_id=tokens.client_id,
                client_secret=tokens.client_secret,
                refresh_token=_optional(token, "refresh_token") or tokens.refresh_token,
                expires_at=self._clock.now() + timedelta(seconds=seconds),
            )
        except (OAuth2Error, CredentialsError, AttributeError, OverflowError, TypeError, ValueError):
            # oauthlib takes whatever JSON it gets for an object of proper types.
            raise Unclear(Reason.UNREADABLE_ANSWER, "the answer to a token refresh holds no tokens") from None

    # -- publishing

    def prepare(self, draft: Draft) -> Prepared:
        """Check the draft's measures, then upload its pictures with their alt texts (v2 media upload; X forgets
        unused ones after a day). Unclear("upload_failed") may simply be repeated."""
        fitting(draft, LIMITS, weighted_length(draft.text))
        return Prepared(draft, tuple(self._upload(image) for image in draft.images))

    def _upload(self, image: Image) -> str:
        data = frozen_bytes(image)
        media_type = next((name for start, name in MEDIA_TYPES if data.startswith(start)), None)
        if media_type is None or len(data) > LIMITS.image_bytes:
            raise Refused(Reason.MEDIA_INVALID, f"X takes JPEG, PNG and WebP up to {LIMITS.image_bytes} bytes")
        reply = self._ask(Call.UPLOAD, lambda: self._send_media(data, media_type))
        media_id = _remote_id(self._data(reply, Call.UPLOAD))
        if media_id is None:
            raise self._outcome(UNREADABLE, reply, Call.UPLOAD)
        if image.alt:
            metadata = {"id": media_id, "metadata": {"alt_text": {"text": image.alt}}}
            self._ask(Call.UPLOAD, lambda: self._request("POST", "/2/media/metadata", json=metadata))
        return media_id

    def _send_media(self, data: bytes, media_type: str) -> Reply:
        auth = None
        if self._tokens.user_auth:
            auth = tweepy.OAuth1UserHandler(
                self._tokens.consumer_key,
                self._tokens.consumer_secret,
                self._tokens.access_token,
                self._tokens.access_token_secret,
            ).apply_auth()
        self._session.post(
            f"{self._endpoint.api_base}/2/media/upload",
            auth=auth,
            data={"media_category": "tweet_image"},
            files={"media": ("picture", data, media_type)},
        )
        return self._last()

    def publish(self, prepared: Prepared) -> Receipt:
        """POST /2/tweets, once. A fresh connection, because a kept one that X has closed ends in doubt."""
        body: dict[str, Any] = {}
        if prepared.draft.text:
            body["text"] = prepared.draft.text
        if prepared.media:
            body["media"] = {"media_ids": list(prepared.media)}
        self._session.close()
        reply = self._ask(Call.PUBLISH, lambda: self._request("POST", "/2/tweets", json=body))
        remote_id = _remote_id(self._data(reply, Call.PUBLISH))
        if remote_id is None:
            raise self._outcome(UNREADABLE, reply, Call.PUBLISH)
        return Receipt(remote_id, self._permalink(remote_id), reply.server_time)

    def _permalink(self, remote_id: str) -> str:
        return permalink(self._endpoint.api_base, self._account_id, remote_id)

    def correct(self, remote_id: str, text: str) -> None:
        """X sells editing to Premium accounts only and within an hour; here a published post stays as it is."""
        raise Refused(Reason.NOT_EDITABLE, "X posts can't be edited; withdraw it instead")

    def delete(self, remote_id: str) -> None:
        """DELETE /2/tweets/{id}; a JSON 404 means that it is gone already."""
        try:
            self._request("DELETE", f"/2/tweets/{remote_id}")
        except BadReply as failure:
            if failure.reply.status == 404 and failure.reply.readable:
                return
            raise self._outcome(rule_for(failure.reply), failure.reply, Call.CHANGE) from None
        except NoReply as failure:
            raise failure.outcome() from None
        if self._data(self._last(), Call.CHANGE).get("deleted") is not True:
            raise Refused(Reason.NOT_PERMITTED, "X did not delete the post")

    # -- looking back

    def find(self, draft: Draft, since: datetime) -> Sighting:
        """Read the account's own time-line completely back to `since` (start_time, whole seconds, rounded down).

        Asks in the new vocabulary, and in the old where X does not know the new.
        """
        try:
            return self._sighting(draft, since, NEW)
        except Outcome as outcome:
            if outcome.reason not in (Reason.INVALID_REQUEST, Reason.INCOMPLETE):
                return Blind(outcome.reason, outcome.detail, outcome.server_time)
        try:
            return self._sighting(draft, since, OLD)
        except Outcome as outcome:
            return Blind(outcome.reason, outcome.detail, outcome.server_time)

    def _sighting(self, draft: Draft, since: datetime, vocabulary: Vocabulary) -> Found | Absent:
        return replace(sighting(self._timeline(since, vocabulary), draft, since), server_time=self._last().server_time)

    def _timeline(self, since: datetime, vocabulary: Vocabulary) -> Iterator[RemotePost]:
        params: dict[str, Any] = {
            "max_results": PAGE,
            "exclude": "retweets",
            "start_time": _whole_second(since),
            vocabulary.fields_parameter: f"attachments,created_at,entities,{vocabulary.note}",
        }
        for _ in range(MOST_PAGES):
            page = self._page(params)
            yield from page.posts
            if page.next_token is None:
                return
            params = {**params, "pagination_token": page.next_token}
        raise Unclear(Reason.INCOMPLETE, "the time-line does not end")

    def _page(self, params: Mapping[str, Any]) -> TimelinePage:
        path = f"/2/users/{self._account_id}/tweets"
        reply = self._ask(Call.READ, lambda: self._request("GET", path, params=dict(params)))
        try:
            return timeline_page(reply.body, self._permalink)
        except ValueError as error:
            raise Unclear(Reason.INCOMPLETE, str(error), server_time=reply.server_time) from None

    # -- figures

    def measure(self, posts: Sequence[Posted], names: Mapping[str, str]) -> Iterator[Look]:
        """The account's own time-line in windows around the posts, the cheapest reading; then by ids whatever fell off
        it. X's names are fields of its document, so `names` is empty."""
        open_ = {post.remote_id: post for post in posts}
        for window in x_figures.windows(posts, self._clock.now()):
            for page in self._window(window):
                seen = {key: told for key, told in page.figures.items() if open_.pop(key, None) is not None}
                yield Look(seen, cost_usd=page.returned * self._own_read)
        for private in (True, False):
            rest = [p for p in open_.values() if x_figures.is_private(p, self._clock.now()) is private]
            for start in range(0, len(rest), PAGE):
                yield self._looked_up([post.remote_id for post in rest[start : start + PAGE]], private)

    def _window(self, window: x_figures.Window) -> Iterator[x_figures.FiguresPage]:
        params = {
            "max_results": PAGE if len(window.posts) > LEAST_RESULTS else LEAST_RESULTS,
            "start_time": _whole_second(window.start),
            # X takes no end that lies less than ten seconds back.
            **({"end_time": _whole_second(window.end)} if self._clock.now() - window.end > HALF_MINUTE else {}),
        }
        for _ in range(MOST_PAGES):
            page = self._figures(f"/2/users/{self._account_id}/tweets", params, window.private)
            yield page
            if page.next_token is None:
                return
            params = {**params, "pagination_token": page.next_token}

    def _looked_up(self, ids: list[str], private: bool) -> Look:
        page = self._figures("/2/tweets", {"ids": ",".join(ids)}, private)
        return Look(page.figures, page.gone & set(ids), page.returned * x_figures.READ)

    def _figures(self, path: str, params: Mapping[str, Any], private: bool) -> x_figures.FiguresPage:
        """One page, in the new vocabulary or the old. Raises an Outcome."""
        try:
            return self._figures_in(NEW, path, params, private)
        except Outcome as outcome:
            if outcome.reason != Reason.INVALID_REQUEST:
                raise
        return self._figures_in(OLD, path, params, private)

    def _figures_in(
        self, vocabulary: Vocabulary, path: str, params: Mapping[str, Any], private: bool
    ) -> x_figures.FiguresPage:
        asked = {**params, vocabulary.fields_parameter: x_figures.fields(private)}
        reply = self._ask(Call.READ, lambda: self._request("GET", path, params=asked))
        try:
            return x_figures.figures_page(reply.body, private)
        except ValueError as error:
            raise Unclear(Reason.UNREADABLE_ANSWER, str(error), server_time=reply.server_time) from None

    def probe(self, name: str) -> bool:
        """X's names are fields of its document; there is nothing to try."""
        return True

    # -- calls

    def _request(self, method: str, route: str, **what: Any) -> Reply:
        self._client.request(method, route, user_auth=self._tokens.user_auth, **what)
        return self._last()

    def _last(self) -> Reply:
        if self._session.last is None:
            raise NoReply(Reason.CONNECTION_LOST, sent=True)
        return self._session.last

    def _ask(self, call: Call, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except BadReply as failure:
            raise self._outcome(rule_for(failure.reply), failure.reply, call) from None
        except NoReply as failure:
            outcome = failure.outcome()
            if call is Call.UPLOAD and isinstance(outcome, Unclear):
                raise Unclear(Reason.UPLOAD_FAILED, failure.reason) from None
            raise outcome from None

    def _data(self, reply: Reply, call: Call) -> dict[str, Any]:
        data = reply.body.get("data") if isinstance(reply.body, dict) else None
        if not isinstance(data, dict):
            raise self._outcome(UNREADABLE, reply, call)
        return data

    def _outcome(self, rule: Rule, reply: Reply, call: Call) -> Outcome:
        """The outcome of an answer for a call. An upload has its own rate windows and leaves no doubt; a refused
        reading speaks of the account, for there is no post in it."""
        detail = self._detail(reply)
        self._rejected = self._rejected or rule.reason is Reason.TOKEN_INVALID
        until = reset_of(reply, self._clock) if rule.reason is Reason.RATE_LIMITED else None
        if call is Call.UPLOAD and rule.outcome is Unclear:
            return Unclear(Reason.UPLOAD_FAILED, f"{rule.reason}: {detail}", server_time=reply.server_time)
        if call is Call.UPLOAD and rule.reason in (Reason.RATE_LIMITED, Reason.UNAVAILABLE):
            return Throttled(rule.reason, detail, until=until, scope="post", server_time=reply.server_time)
        if call is Call.READ and rule.outcome is Refused:
            return SignedOut(rule.reason, detail, server_time=reply.server_time)
        return rule.raised(detail, until, reply.server_time)

    def _detail(self, reply: Reply) -> str:
        trace = reply.headers.get("x-transaction-id", "")
        said = _said(reply.body)
        return clean(f"HTTP {reply.status} {said} {trace and f'(x-transaction-id {trace})'}", self._tokens.secrets)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """For a public client: neither our bearer token nor HTTP Basic."""
    return request


def _belongs(tokens: Tokens, account_id: str) -> None:
    """An OAuth 1.0a access token starts with its owner's id."""
    owner = tokens.access_token.split("-", 1)[0] if tokens.user_auth else ""
    if owner.isdigit() and account_id.isdigit() and "-" in tokens.access_token and owner != account_id:
        raise CredentialsError("credentials_of_another", owner, account_id)


def _whole_second(instant: datetime) -> str:
    """An instant as X takes it, rounded down."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def permalink(api_base: str, account_id: str, remote_id: str) -> str:
    """The address of a post, in the form that needs no user name; X does not tell it. A post in the sandbox lies on
    the sandbox's own page: x.com would show a stranger's post of that number, or none."""
    if api_base.endswith(SANDBOX_PATH):
        return f"{api_base.removesuffix(SANDBOX_PATH)}/timeline/twitter/{account_id}/{remote_id}"
    return f"https://x.com/i/web/status/{remote_id}"


def _remote_id(data: Mapping[str, Any]) -> str | None:
    """An id as X's OpenAPI document defines it: up to 19 digits."""
    value = data.get("id")
    return value if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19 else None


@dataclass(frozen=True)
class TimelinePage:
    """One page of a time-line, and the token of the next one."""

    posts: tuple[RemotePost, ...]
    next_token: str | None


def timeline_page(body: object, permalink_of: Callable[[str], str]) -> TimelinePage:
    """A page in either vocabulary. Raises ValueError with a sentence when it is not complete and sound."""
    if not isinstance(body, dict) or body.get("errors"):
        raise ValueError("the time-line's answer holds errors")
    meta, rows = body.get("meta"), body.get("data", [])
    if not isinstance(meta, dict) or not isinstance(rows, list):
        raise ValueError("the time-line's answer has another shape than documented")
    if meta.get("result_count", len(rows)) != len(rows):
        raise ValueError("the time-line counts other posts than it shows")
    next_token = meta.get("next_token")
    if next_token is not None and not isinstance(next_token, str):
        raise ValueError("the time-line's next page can't be asked for")
    return TimelinePage(tuple(_remote_post(row, permalink_of) for row in rows), next_token)


def _remote_post(row: object, permalink_of: Callable[[str], str]) -> RemotePost:
    """One post. A long post's text is in `note_post` (old: `note_tweet`); t.co links of its pictures are dropped."""
    remote_id = _remote_id(row) if isinstance(row, dict) else None
    if not isinstance(row, dict) or remote_id is None:
        raise ValueError("the time-line holds a post without id")
    note = row.get("note_post") or row.get("note_tweet")
    source = note if isinstance(note, dict) and isinstance(note.get("text"), str) else row
    if not isinstance(source.get("text"), str):
        raise ValueError("the time-line holds a post without text")
    urls = _urls(source) or _urls(row)
    text = source["text"]
    for short in (url["url"] for url in _urls(row) + urls if _is_picture(url)):
        text = text.removesuffix(short).rstrip()
    return RemotePost(
        remote_id=remote_id,
        permalink=permalink_of(remote_id),
        created_at=_created_at(row),
        text=html.unescape(text),
        links=tuple(target for url in urls if not _is_picture(url) for target in _targets(url)),
        images=_image_count(row),
    )


def _created_at(row: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(row["created_at"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        raise ValueError("the time-line holds a post without time") from None


def _urls(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    entities = source.get("entities")
    urls = entities.get("urls") if isinstance(entities, dict) else None
    known = [url for url in urls if isinstance(url, dict)] if isinstance(urls, list) else []
    return [url for url in known if isinstance(url.get("url"), str)]


def _is_picture(url: Mapping[str, Any]) -> bool:
    return "media_key" in url or str(url.get("display_url", "")).startswith(("pic.twitter.com/", "pic.x.com/"))


def _targets(url: Mapping[str, Any]) -> Iterator[str]:
    """Where a t.co link leads: as typed, and after X followed its redirects."""
    for key in ("expanded_url", "unwound_url"):
        if isinstance(url.get(key), str):
            yield url[key]


def _image_count(row: Mapping[str, Any]) -> int:
    attachments = row.get("attachments")
    keys = attachments.get("media_keys") if isinstance(attachments, dict) else None
    return len(keys) if isinstance(keys, list) else 0
