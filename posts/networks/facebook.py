"""Facebook Pages through facebook-sdk: the one door to it. Graph API at https://graph.facebook.com, Page token.

facebook-sdk 3.1 was last released in 2018. What it leaves open is closed in `GraphSession`, under it: the version
(its whitelist ends at 3.1), time-outs, tokens out of URLs and exceptions, JSON encoding of parameters, HTTP status
and headers, answers that are no JSON, redirects, appsecret_proof. Graph has no idempotency key: a lost answer is
Unclear and must be looked for.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from posts.clock import Clock
from posts.drafts import Draft, Image, Receipt, RemotePost
from posts.errors import Outcome, Refused, SignedOut, Throttled, Unclear
from posts.figures import Look, Posted
from posts.networks.graph_figures import Asking, FiguresPage, batch_parts, figures_of, figures_page
from posts.networks.publisher import (
    LONGEST_WAIT,
    Account,
    BadReply,
    Blind,
    Call,
    CredentialsError,
    DeadMetric,
    Endpoint,
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
    retry_after,
    sighting,
)
from posts.text import character_length, extract_urls

with warnings.catch_warnings():
    # facebook-sdk has "\d" in a plain string, an error under -W error: DeprecationWarning, from 3.12 SyntaxWarning.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    import facebook

LIVE_BASE = "https://graph.facebook.com"
SANDBOX_PATH = "/graph"

# Meta's reference names no text limit; 63,206 is what publishers use. Pictures: 10 MB by the v26.0 reference, 4 MB by
# the older text and the wording of error 1366046, so 4 MB; WebP is not in Meta's list; Facebook shows 2048 pixels.
LIMITS = Limits(
    text=63_206,
    link_length=None,
    images=10,
    image_bytes=4_000_000,
    image_types=("JPEG", "PNG", "GIF", "BMP", "TIFF"),
    image_side=2048,
    alt_text=1000,
)

PAGE = 50  # posts per page of a time-line; Graph takes up to 100, but calls that "too much data" now and then
LEAST_PAGE = 5
MOST_PAGES = 100
TIMELINE_FIELDS = (
    "id,message,created_time,permalink_url,application{id},"
    "attachments{media_type,type,url,unshimmed_url,subattachments}"
)
NEEDED_SCOPES = ("pages_manage_posts", "pages_read_engagement", "read_insights")
DATA_ACCESS_WARNING = timedelta(days=14)
USAGE_HEADER = "x-business-use-case-usage"

SPARED = 75.0  # per cent of the allowance; measuring leaves the rest to posting
INVALID_PARAMETER = 100
DEAD_METRIC = "valid insights metric"

HOUR, FIVE_MINUTES = timedelta(hours=1), timedelta(minutes=5)


def price(draft: Draft, on: date | None = None) -> float:
    """Facebook charges nothing for posting: 0 USD for any draft on any day."""
    return 0.0


@dataclass(frozen=True)
class ErrorRule(Rule):
    """A rule for Graph errors whose code lies between `first` and `last` (both included) and whose subcode is one of
    `subcodes`, any when there is none. `words` must stand in the message."""

    first: int = 0
    last: int = 0
    subcodes: tuple[int, ...] = ()
    words: str = ""

    def fits(self, code: int | None, subcode: int | None, message: str) -> bool:
        """Whether the rule speaks of this error; `message` in lower case."""
        if code is None or not self.first <= code <= self.last:
            return False
        return (not self.subcodes or subcode in self.subcodes) and self.words in message


def _codes(
    first: int,
    outcome: type[Outcome],
    reason: Reason,
    meaning: str,
    *,
    last: int | None = None,
    subcodes: tuple[int, ...] = (),
    words: str = "",
    duplicate: bool = False,
    scope: str = "channel",
    wait: timedelta | None = None,
) -> ErrorRule:
    answer = str(first) if last is None else f"{first}–{last}"
    answer += f"/{', '.join(map(str, subcodes))}" if subcodes else ""
    answer += f" »{words}«" if words else ""
    return ErrorRule(
        answer,
        outcome,
        reason,
        meaning,
        duplicate=duplicate,
        scope=scope,
        wait=wait,
        first=first,
        last=last or first,
        subcodes=subcodes,
        words=words,
    )


# First match wins. Numbers above a million are looked for as code and as subcode, reports show them in both places.
RULES: tuple[ErrorRule, ...] = (
    _codes(1, Unclear, Reason.SERVER_ERROR, "unknown error: the post may exist all the same", last=2),
    _codes(3, SignedOut, Reason.PERMISSION_MISSING, "the app lacks a capability"),
    _codes(4, Throttled, Reason.RATE_LIMITED, "app limit"),
    _codes(10, SignedOut, Reason.PERMISSION_MISSING, "permission missing or withdrawn"),
    _codes(17, Throttled, Reason.RATE_LIMITED, "user limit"),
    _codes(32, Throttled, Reason.RATE_LIMITED, "Pages limit with a user token"),
    _codes(613, Throttled, Reason.RATE_LIMITED, "custom limit, odd call volume"),
    _codes(341, Throttled, Reason.RATE_LIMITED, "app limit"),
    _codes(80000, Throttled, Reason.RATE_LIMITED, "Pages limit (80001) and its siblings", last=80014),
    _codes(100, Refused, Reason.NOT_FOUND, "the Page or post is gone or hidden from us", subcodes=(33,)),
    _codes(1366046, Refused, Reason.MEDIA_INVALID, "photo size or format"),
    _codes(
        1366051, Unclear, Reason.DUPLICATE, "photos posted already: an earlier attempt may have landed", duplicate=True
    ),
    _codes(
        1609005,
        Throttled,
        Reason.LINK_UNREACHABLE,
        "the link could not be scraped; once more after minutes",
        scope="post",
        wait=FIVE_MINUTES,
    ),
    _codes(1609008, Refused, Reason.LINK_REFUSED, "facebook.com links are not taken"),
    _codes(1346003, Refused, Reason.CONTENT_RULES, "content rules"),
    _codes(1404102, Refused, Reason.CONTENT_RULES, "content rules"),
    _codes(1404112, SignedOut, Reason.ACCOUNT_LIMITED, "the account is limited"),
    _codes(1404078, SignedOut, Reason.IDENTITY_UNCONFIRMED, "Page publishing authorisation needed"),
    _codes(4854002, SignedOut, Reason.IDENTITY_UNCONFIRMED, "identity confirmation needed"),
    _codes(100, Refused, Reason.INVALID_REQUEST, "invalid parameter"),
    _codes(102, SignedOut, Reason.TOKEN_INVALID, "session invalid"),
    _codes(104, SignedOut, Reason.APP_SECRET_WRONG, "incorrect signature (appsecret_proof)"),
    _codes(190, SignedOut, Reason.APP_REMOVED, "the user removed the app", subcodes=(458,)),
    _codes(190, SignedOut, Reason.LOGIN_CHECK, "the user must sign in at facebook.com", subcodes=(459, 464)),
    _codes(190, SignedOut, Reason.PASSWORD_CHANGED, "password changed", subcodes=(460,)),
    _codes(190, SignedOut, Reason.TOKEN_EXPIRED, "token expired", subcodes=(463,)),
    _codes(190, SignedOut, Reason.ROLE_MISSING, "no suitable role on the Page any more", subcodes=(492,)),
    _codes(190, SignedOut, Reason.TOKEN_INVALID, "token invalid (467 and others)"),
    _codes(200, SignedOut, Reason.PERMISSION_MISSING, "permission missing", last=299),
    _codes(324, Refused, Reason.MEDIA_INVALID, "missing or invalid image file"),
    _codes(
        368,
        Unclear,
        Reason.DUPLICATE,
        "posted already: an earlier attempt may have landed",
        words="already posted",
        duplicate=True,
    ),
    _codes(368, Throttled, Reason.POSTING_BLOCKED, "posting too fast", subcodes=(1390008,), wait=HOUR),
    _codes(368, Throttled, Reason.POSTING_BLOCKED, "blocked for abuse or policy", wait=HOUR),
    _codes(506, Unclear, Reason.DUPLICATE, "same as the last post: an earlier attempt may have landed", duplicate=True),
)
TOO_MANY = Rule("HTTP 429 without a known code", Throttled, Reason.RATE_LIMITED, "refused before it was looked at")
SERVER_ERROR = Rule(
    "HTTP 5xx on the visible call, whatever its code",
    Unclear,
    Reason.SERVER_ERROR,
    "photos were seen published behind a 500",
)
UNREADABLE = Rule(
    "no JSON, or without the promised fields",
    Unclear,
    Reason.UNREADABLE_ANSWER,
    "a proxy's page or a torn answer: the post may exist",
)
UNKNOWN = Rule("anything else", Unclear, Reason.UNKNOWN_ANSWER, "not in the table: the post may exist")


@dataclass(frozen=True)
class GraphError:
    """A Graph error object. `message` and `title` are the network's words; they may echo a token."""

    code: int | None
    subcode: int | None
    message: str
    trace: str

    @classmethod
    def of(cls, body: object) -> GraphError | None:
        """The error in an answer; None where it holds none. Both Graph's and the old flat form are known."""
        if not isinstance(body, dict):
            return None
        error = body.get("error")
        if isinstance(error, dict):
            return cls(
                _int(error.get("code")),
                _int(error.get("error_subcode")),
                str(error.get("message", "")),
                str(error.get("fbtrace_id", "")),
            )
        if error or "error_code" in body:
            return cls(_int(body.get("error_code")), None, str(body.get("error_msg", error or "")), "")
        return None


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def rule_for(reply: Reply, call: Call) -> Rule:
    """What an answer that is no success means: the code first, the status second, but a 5xx on the visible call is
    always doubt."""
    if call is Call.PUBLISH and reply.status >= 500:
        return SERVER_ERROR
    error = GraphError.of(reply.body)
    if error is not None:
        known = _rule_of(error)
        if known is not None:
            return known
    if reply.status == 429:
        return TOO_MANY
    if reply.status >= 500:
        return RULES[0]
    return UNKNOWN if error is not None else UNREADABLE


def _rule_of(error: GraphError) -> ErrorRule | None:
    codes = [error.code]
    if error.subcode is not None and error.subcode > 1_000_000 and error.code != 368:
        codes.insert(0, error.subcode)
    message = error.message.lower()
    return next((rule for code in codes for rule in RULES if rule.fits(code, error.subcode, message)), None)


def regain_access(reply: Reply) -> timedelta | None:
    """How long Graph asks to wait: the longest `estimated_time_to_regain_access` (minutes) of the usage header."""
    try:
        usage = json.loads(reply.headers[USAGE_HEADER])
        rows = [row for rows in usage.values() for row in rows]
        minutes = [row["estimated_time_to_regain_access"] for row in rows if "estimated_time_to_regain_access" in row]
        longest = max(float(value) for value in minutes)
        return min(timedelta(minutes=min(longest, 1e6)), LONGEST_WAIT) if longest > 0 else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def usage_percent(reply: Reply) -> float:
    """How much of the Page's allowance is used up, by the worst of Graph's three measures; 0 where it is not told."""
    try:
        rows = [row for rows in json.loads(reply.headers[USAGE_HEADER]).values() for row in rows]
        return max(float(row.get(key, 0)) for row in rows for key in ("call_count", "total_cputime", "total_time"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return 0.0


def until_of(rule: Rule, reply: Reply, clock: Clock) -> datetime | None:
    """The instant until which to wait: named by the network, at least the rule's own; None when neither is known."""
    named, asked = regain_access(reply), retry_after(reply, clock)
    instants = [clock.now() + wait for wait in (named, rule.wait) if wait is not None]
    return max([*instants, *([asked] if asked else [])], default=None)


@dataclass(frozen=True)
class Credentials:
    """Validated credentials of one Page. Without app id and secret, expiry and own posts are unknown."""

    access_token: str
    app_id: str = ""
    app_secret: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must never be shown."""
        return tuple(value for value in (self.access_token, self.app_secret) if value)


KEYS = ("access_token", "app_id", "app_secret")


def credentials_of(values: Mapping[str, Any]) -> Credentials:
    """The credentials in a file. Raises CredentialsError for anything unusable."""
    unknown = sorted(set(values) - set(KEYS))
    if unknown:
        known = ", ".join(KEYS)
        raise CredentialsError("credentials_key_unknown", "facebook", unknown[0], known)
    for key in KEYS:
        value = values.get(key) or ""
        if not isinstance(value, str) or not value.isascii() or any(sign.isspace() for sign in value):
            raise CredentialsError("credentials_value_invalid", "facebook", key)
    if not values.get("access_token"):
        raise CredentialsError("credentials_key_missing", "facebook", "access_token")
    return Credentials(**{key: values.get(key) or "" for key in KEYS})


class GraphSession(NetworkSession):
    """The session under facebook-sdk. Tokens travel in the body of a POST and in the Authorization header otherwise,
    never in a URL; parameters that are no text are JSON; an answer holding an error is never a success."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials) -> None:
        super().__init__(endpoint, (facebook.FACEBOOK_GRAPH_URL.rstrip("/"),))
        self._credentials = credentials

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        params = dict(kwargs.pop("params", None) or {})
        data = dict(kwargs.pop("data", None) or {})
        # The SDK adds its own token to the query when the caller has put another into the body.
        query_token = params.pop("access_token", None)
        token = data.pop("access_token", None) or query_token
        headers = dict(kwargs.pop("headers", None) or {})
        if method == "POST":
            data["access_token"] = token
        else:
            headers["Authorization"] = f"Bearer {token}"
        if self._credentials.app_secret and token == self._credentials.access_token:
            params["appsecret_proof"] = proof(token, self._credentials.app_secret)
        response = super().request(method, url, *args, params=params, data=_encoded(data), headers=headers, **kwargs)
        if self.last is not None and GraphError.of(self.last.body) is not None:
            raise BadReply(self.last)
        # The SDK looks at the content type only; by now we know that it is JSON.
        response.headers["content-type"] = "application/json"
        return response


def proof(token: str, app_secret: str) -> str:
    """appsecret_proof: hex HMAC-SHA-256 of the token under the app secret (Graph API, "Securing requests")."""
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def _encoded(data: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as Graph wants them: text as it is, all else as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in data.items()}


T = TypeVar("T")


class FacebookPublisher:
    """One Facebook Page. Not thread-safe. Raises CredentialsError for credentials that can't be used."""

    limits = LIMITS

    def __init__(self, page_id: str, credentials: Mapping[str, Any], endpoint: Endpoint, clock: Clock) -> None:
        self._page_id = page_id
        self._credentials = credentials_of(credentials)
        self._clock = clock
        self._version = endpoint.graph_version
        self._session = GraphSession(endpoint, self._credentials)
        # Without a version argument, whose whitelist ends at 3.1; the attribute goes into every path.
        self._graph = facebook.GraphAPI(self._credentials.access_token, session=self._session)
        self._graph.version = self._version

    # -- account

    def check(self) -> Account:
        """Ask for the Page, and by app id and secret for the token's expiry and permissions (debug_token).

        `token_expires` is the earlier of the token's end and the end of data access, after which nothing can be
        looked up any more. Raises SignedOut when the token is not valid.
        """
        page = self._ask(Call.READ, lambda: self._graph.get_object(self._page_id, fields="id,name"))
        if not isinstance(page, dict) or str(page.get("id", "")) != self._page_id:
            raise SignedOut(Reason.WRONG_ACCOUNT, "the token's Page is another one")
        served = self._session.last.headers.get("facebook-api-version") if self._session.last else None
        token = self._token_info()
        problems = token_problems(token, self._credentials, self._page_id, self._clock.now())
        if served and served != self._version:
            problems = (*problems, f"{Problem.VERSION_DIFFERS}:{served}")
        return Account(
            id=self._page_id,
            name=str(page.get("name") or self._page_id)[:200],
            token_expires=token_end(token or {}),
            problems=problems,
        )

    def _token_info(self) -> dict[str, Any] | None:
        """What debug_token tells of our token, None where nothing is told.

        Asked in a batch, because alone it takes both tokens in its URL. Raises SignedOut when it is not valid.
        """
        if not (self._credentials.app_id and self._credentials.app_secret):
            return None
        query = urlencode({"input_token": self._credentials.access_token})
        app_token = f"{self._credentials.app_id}|{self._credentials.app_secret}"
        try:
            parts = self._graph.request(
                f"{self._version}/",
                post_args={
                    "access_token": app_token,
                    "include_headers": False,
                    "batch": [{"method": "GET", "relative_url": f"debug_token?{query}"}],
                },
            )
        except (BadReply, NoReply):
            return None
        data = _batch_data(parts)
        if data is not None and data.get("is_valid") is False:
            error = data.get("error")
            message = error.get("message", "") if isinstance(error, dict) else ""
            raise SignedOut(Reason.TOKEN_INVALID, clean(message, self._credentials.secrets))
        return data

    def refresh(self, save: SaveTokens) -> None:
        """Nothing: Page tokens have no end of their own, and a lost one only a person can renew."""

    # -- publishing

    def prepare(self, draft: Draft) -> Prepared:
        """Check the draft's measures, then upload its pictures unpublished, with their alt texts (Meta deletes
        unused ones after a day). Unclear("upload_failed") may simply be repeated."""
        fitting(draft, LIMITS, character_length(draft.text))
        return Prepared(draft, tuple(self._upload(image) for image in draft.images))

    def _upload(self, image: Image) -> str:
        data = frozen_bytes(image)
        if len(data) > LIMITS.image_bytes:
            raise Refused(Reason.MEDIA_INVALID, f"a picture of {len(data)} bytes, {LIMITS.image_bytes} fit")
        alt = {"alt_text_custom": image.alt} if image.alt else {}
        reply = self._ask(
            Call.UPLOAD,
            lambda: self._graph.put_photo(
                io.BytesIO(data),
                album_path=f"{self._page_id}/photos",
                published=False,
                **alt,
            ),
        )
        return self._id_of(reply, Call.UPLOAD)

    def publish(self, prepared: Prepared) -> Receipt:
        """POST /{page}/feed, once, for every kind of post. A fresh connection, because a kept one that Facebook has
        closed ends in doubt. The permalink comes with the same call (read-after-write)."""
        post: dict[str, Any] = {}
        if prepared.draft.text:
            post["message"] = prepared.draft.text
        if prepared.media:
            post["attached_media"] = [{"media_fbid": media_id} for media_id in prepared.media]
        elif prepared.draft.link:
            post["link"] = prepared.draft.link
        self._session.close()
        path = f"{self._version}/{self._page_id}/feed"
        reply = self._ask(
            Call.PUBLISH,
            lambda: self._graph.request(
                path,
                args={"fields": "id,permalink_url"},
                post_args=post,
            ),
        )
        remote_id = self._id_of(reply, Call.PUBLISH)
        return Receipt(remote_id, permalink(reply, remote_id), self._last().server_time)

    def correct(self, remote_id: str, text: str) -> None:
        """Change the text of a post that this app made. Raises Refused("permission_missing") for others."""
        reply = self._ask(
            Call.CHANGE,
            lambda: self._graph.request(
                f"{self._version}/{remote_id}",
                post_args={"message": text},
            ),
        )
        self._expect_success(reply)

    def delete(self, remote_id: str) -> None:
        """Delete a post. One that is gone is fine, if the Page itself is still visible to us: Facebook says the same
        of a post that it hides from us. Meta keeps deleting to some apps: Refused("permission_missing")."""
        try:
            reply = self._ask(Call.CHANGE, lambda: self._graph.delete_object(remote_id))
        except Refused as refusal:
            if refusal.reason != Reason.NOT_FOUND:
                raise
            self._ask(Call.READ, lambda: self._graph.get_object(self._page_id, fields="id"))
            return
        self._expect_success(reply)

    def _expect_success(self, reply: object) -> None:
        if isinstance(reply, dict) and reply.get("success") is False:
            raise Refused(Reason.NOT_PERMITTED, "Facebook did not do it")
        if not isinstance(reply, dict) or reply.get("success") is not True:
            raise self._outcome(UNREADABLE, self._last(), Call.CHANGE)

    # -- looking back

    def find(self, draft: Draft, since: datetime) -> Sighting:
        """Read published_posts page by page until a whole page is older than `since`; no order is promised, so one
        old post ends nothing."""
        try:
            return replace(sighting(self._timeline(since), draft, since), server_time=self._last().server_time)
        except Outcome as outcome:
            return Blind(outcome.reason, outcome.detail, outcome.server_time)

    def _timeline(self, since: datetime) -> Iterator[RemotePost]:
        size, after = PAGE, ""
        for _ in range(MOST_PAGES):
            try:
                page = self._page(size, after)
            except TooMuchData:
                size //= 2
                if size < LEAST_PAGE:
                    raise Unclear(Reason.INCOMPLETE, "Facebook calls even a small page too much data") from None
                continue
            yield from page.posts
            all_older = bool(page.posts) and all(post.created_at < since for post in page.posts)
            if page.after is None or all_older:
                return
            if page.after == after:
                raise Unclear(Reason.INCOMPLETE, "the time-line's next page is the same one")
            after = page.after
        raise Unclear(Reason.INCOMPLETE, "the time-line does not end")

    def _page(self, size: int, after: str) -> TimelinePage:
        cursor = {"after": after} if after else {}
        try:
            body = self._graph.get_connections(
                self._page_id, "published_posts", fields=TIMELINE_FIELDS, limit=size, **cursor
            )
            return timeline_page(body, self._credentials.app_id)
        except BadReply as failure:
            if _too_much(GraphError.of(failure.reply.body)):
                raise TooMuchData from None
            raise self._outcome(rule_for(failure.reply, Call.READ), failure.reply, Call.READ) from None
        except NoReply as failure:
            raise failure.outcome() from None
        except ValueError as error:
            raise Unclear(Reason.INCOMPLETE, str(error)) from None

    # -- figures

    def measure(self, posts: Sequence[Posted], names: Mapping[str, str]) -> Iterator[Look]:
        """The Page's own list with the figures of fifty posts a call, as far back as it brings wanted ones; the others
        in batches. Where a permission is missing, less is asked for."""
        open_ = {post.remote_id: post for post in posts}
        asking = Asking(names)
        size, after = PAGE, ""
        while open_:
            try:
                page = self._figures_page(asking, size, after)
            except TooMuchData:
                size //= 2
                if size < LEAST_PAGE:
                    break
                continue
            except SignedOut as outcome:
                asking = _less(asking, outcome)
                continue
            seen = {key: told for key, told in page.figures.items() if open_.pop(key, None) is not None}
            yield Look(seen, lacking=asking.lacking)
            self._spare()
            if not seen or page.after in (None, after) or not _reaches(page, open_.values()):
                break
            after = page.after or ""
        rest = list(open_)
        for start in range(0, len(rest), PAGE):
            yield self._figures_batch(rest[start : start + PAGE], asking)
            self._spare()

    def _figures_page(self, asking: Asking, size: int, after: str) -> FiguresPage:
        cursor = {"after": after} if after else {}
        body = self._asked_figures(
            lambda: self._graph.get_connections(
                self._page_id, "published_posts", fields=asking.fields, limit=size, **cursor
            )
        )
        try:
            return figures_page(body, asking)
        except ValueError as error:
            raise Unclear(Reason.UNREADABLE_ANSWER, str(error)) from None

    def _figures_batch(self, ids: list[str], asking: Asking) -> Look:
        """At most fifty posts in one call. What is gone is believed, since the Page's list was read before."""
        query = urlencode({"fields": asking.fields})
        body = self._asked_figures(
            lambda: self._graph.request(
                f"{self._version}/",
                post_args={
                    "include_headers": False,
                    "batch": [{"method": "GET", "relative_url": f"{self._version}/{one}?{query}"} for one in ids],
                },
            )
        )
        try:
            parts = dict(zip(ids, batch_parts(body, len(ids)), strict=True))
        except ValueError as error:
            raise Unclear(Reason.UNREADABLE_ANSWER, str(error)) from None
        if any(part.code == INVALID_PARAMETER and DEAD_METRIC in part.message for part in parts.values()):
            raise DeadMetric
        return Look(
            {key: figures_of(part.row, asking) for key, part in parts.items() if part.row is not None},
            frozenset(key for key, part in parts.items() if part.gone),
            lacking=asking.lacking,
        )

    def probe(self, name: str) -> bool:
        """Ask for that one name on the Page's newest post; a Page without posts refuses no name."""
        try:
            self._figures_page(Asking({name: name}, edges=False), 1, "")
        except DeadMetric:
            return False
        return True

    def _asked_figures(self, ask: Callable[[], T]) -> T:
        """Raises DeadMetric, TooMuchData and Outcomes."""
        try:
            return ask()
        except BadReply as failure:
            error = GraphError.of(failure.reply.body)
            if error is not None and error.code == INVALID_PARAMETER and DEAD_METRIC in error.message:
                raise DeadMetric from None
            if _too_much(error):
                raise TooMuchData from None
            raise self._outcome(rule_for(failure.reply, Call.READ), failure.reply, Call.READ) from None
        except NoReply as failure:
            raise failure.outcome() from None

    def _spare(self) -> None:
        """Raises Throttled once most of the Page's calls are used up: what is left is for posting."""
        if usage_percent(self._last()) >= SPARED:
            wait = regain_access(self._last()) or HOUR
            raise Throttled(Reason.RATE_LIMITED, "measuring leaves the rest to posting", until=self._clock.now() + wait)

    # -- calls

    def _ask(self, call: Call, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except BadReply as failure:
            raise self._outcome(rule_for(failure.reply, call), failure.reply, call) from None
        except NoReply as failure:
            outcome = failure.outcome()
            if call is Call.UPLOAD and isinstance(outcome, Unclear):
                raise Unclear(Reason.UPLOAD_FAILED, failure.reason) from None
            raise outcome from None

    def _last(self) -> Reply:
        if self._session.last is None:
            raise Unclear(Reason.UNREADABLE_ANSWER)
        return self._session.last

    def _id_of(self, reply: object, call: Call) -> str:
        """The id exactly as told: the post's is never rebuilt from parts."""
        value = reply.get("id") if isinstance(reply, dict) else None
        if not isinstance(value, str) or not value or len(value) > 100 or not value.replace("_", "").isalnum():
            raise self._outcome(UNREADABLE, self._last(), call)
        return value

    def _outcome(self, rule: Rule, reply: Reply, call: Call) -> Outcome:
        """The outcome of an answer for a call. An upload leaves no doubt; a missing permission to edit or delete
        says nothing of the account's right to post; a refused reading does, for there is no post in it."""
        detail = self._detail(reply)
        if call is Call.UPLOAD and rule.outcome is Unclear:
            return Unclear(Reason.UPLOAD_FAILED, f"{rule.reason}: {detail}", server_time=reply.server_time)
        if call is Call.CHANGE and rule.reason is Reason.PERMISSION_MISSING:
            return Refused(rule.reason, detail, server_time=reply.server_time)
        if call is Call.READ and rule.outcome is Refused:
            return SignedOut(rule.reason, detail, server_time=reply.server_time)
        until = until_of(rule, reply, self._clock) if rule.outcome is Throttled else None
        return rule.raised(detail, until, reply.server_time)

    def _detail(self, reply: Reply) -> str:
        error = GraphError.of(reply.body)
        if error is None:
            return f"HTTP {reply.status}"
        number = f"{error.code}/{error.subcode}" if error.subcode else f"{error.code}"
        trace = f" (fbtrace_id {error.trace})" if error.trace else ""
        return clean(f"HTTP {reply.status} code {number} {error.message}{trace}", self._credentials.secrets)


class TooMuchData(Exception):
    """Graph asks for less in one page."""


def _too_much(error: GraphError | None) -> bool:
    return error is not None and error.code == 1 and "reduce the amount of data" in error.message.lower()


def _less(asking: Asking, outcome: SignedOut) -> Asking:
    """What to ask for next where a permission is missing: all but comments and reactions, all but insights, neither.
    Raises the outcome when there is nothing left to leave out."""
    if outcome.reason != Reason.PERMISSION_MISSING or not (asking.edges or asking.insights):
        raise outcome
    if asking.edges:
        return replace(asking, edges=False)
    return replace(asking, edges=True, insights=False)


def _reaches(page: FiguresPage, wanted: Iterable[Posted]) -> bool:
    """Whether further pages can hold wanted posts."""
    return page.oldest is None or any(post.posted_at <= page.oldest for post in wanted)


def _batch_data(parts: object) -> dict[str, Any] | None:
    """The `data` of a batch's only part; None for a part that ran out of time, failed or is no JSON."""
    part = parts[0] if isinstance(parts, list) and parts else None
    if not isinstance(part, dict) or part.get("code") != 200:
        return None
    try:
        body = json.loads(part["body"])
    except (KeyError, TypeError, ValueError):
        return None
    data = body.get("data") if isinstance(body, dict) and GraphError.of(body) is None else None
    return data if isinstance(data, dict) else None


def token_problems(
    token: Mapping[str, Any] | None, credentials: Credentials, page_id: str, now: datetime
) -> tuple[str, ...]:
    """What stands against posting for long with this token; `token` is debug_token's data, None where not told."""
    problems = [] if credentials.app_id else [str(Problem.OWN_POSTS_UNKNOWN)]
    if token is None:
        return (*problems, Problem.EXPIRY_UNKNOWN)
    if token.get("type", "PAGE") != "PAGE":
        problems.append(Problem.NOT_A_PAGE_TOKEN)
    if str(token.get("app_id", credentials.app_id)) != credentials.app_id:
        problems.append(Problem.WRONG_APP)
    problems += [f"{Problem.PERMISSION_MISSING}:{scope}" for scope in _missing_scopes(token, page_id)]
    ends = _instant(token.get("data_access_expires_at"))
    if ends is not None and ends - now < DATA_ACCESS_WARNING:
        problems.append(f"{Problem.DATA_ACCESS_ENDS}:{ends.date().isoformat()}")
    return tuple(problems)


def _missing_scopes(token: Mapping[str, Any], page_id: str) -> list[str]:
    """Scopes not granted at all, or granted for other Pages only (granular_scopes)."""
    granted = token.get("scopes")
    if not isinstance(granted, list):
        return []
    granular = token.get("granular_scopes")
    elsewhere = {
        row.get("scope")
        for row in (granular if isinstance(granular, list) else [])
        if isinstance(row, dict) and row.get("target_ids") and page_id not in map(str, row["target_ids"])
    }
    return [scope for scope in NEEDED_SCOPES if scope not in granted or scope in elsewhere]


def token_end(token: Mapping[str, Any]) -> datetime | None:
    """The earlier of `expires_at` and `data_access_expires_at`; None when both are 0 (never) or unknown."""
    ends = [_instant(token.get(key)) for key in ("expires_at", "data_access_expires_at")]
    return min((end for end in ends if end is not None), default=None)


def _instant(seconds: object) -> datetime | None:
    """An instant from Unix seconds; None for 0, which means never, and for anything else."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds and isinstance(seconds, int) else None
    except (OverflowError, OSError, ValueError):
        return None


def permalink(reply: object, remote_id: str) -> str:
    """The post's address as told, else the documented form of it."""
    told = reply.get("permalink_url") if isinstance(reply, dict) else None
    known = isinstance(told, str) and told.startswith(("https://", "http://")) and len(told) < 1000
    return str(told) if known else f"https://www.facebook.com/{remote_id}"


@dataclass(frozen=True)
class TimelinePage:
    """One page of a time-line, and the cursor of the next one."""

    posts: tuple[RemotePost, ...]
    after: str | None


def timeline_page(body: object, app_id: str) -> TimelinePage:
    """A page of published_posts. Raises ValueError with a sentence when it is not sound.

    There is a next page when `paging.next` says so; it is asked for by the cursor, since `next` may hold a token.
    """
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(rows, list):
        raise ValueError("the time-line's answer has another shape than documented")
    posts = tuple(_remote_post(row, app_id) for row in rows)
    paging = body.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return TimelinePage(posts, None)
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if not isinstance(after, str) or not after:
        raise ValueError("the time-line goes on, but without a cursor")
    return TimelinePage(posts, after)


def _remote_post(row: object, app_id: str) -> RemotePost:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str):
        raise ValueError("the time-line holds a post without id")
    message = row.get("message", "")
    if not isinstance(message, str):
        raise ValueError("the time-line holds a post whose text is no text")
    attachments = _rows(row, "attachments")
    return RemotePost(
        remote_id=row["id"],
        permalink=permalink(row, row["id"]),
        created_at=_created_at(row),
        text=message,
        links=(*_card_links(attachments), *(link.url for link in extract_urls(message))),
        images=_image_count(attachments),
        own_app=_own_app(row, app_id),
    )


def _created_at(row: Mapping[str, Any]) -> datetime:
    """Graph writes 2026-08-07T12:34:56+0000."""
    try:
        instant = datetime.fromisoformat(row["created_time"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("the time-line holds a post without time") from None
    if instant.tzinfo is None:
        raise ValueError("the time-line holds a post without time zone")
    return instant.astimezone(UTC)


def _own_app(row: Mapping[str, Any], app_id: str) -> bool | None:
    application = row.get("application")
    publisher = application.get("id") if isinstance(application, dict) else None
    return str(publisher) == app_id if publisher and app_id else None


def _rows(row: Mapping[str, Any], edge: str) -> list[dict[str, Any]]:
    value = row.get(edge)
    rows = value.get("data") if isinstance(value, dict) else None
    return [item for item in rows if isinstance(item, dict)] if isinstance(rows, list) else []


def _card_links(attachments: list[dict[str, Any]]) -> Iterator[str]:
    """Where cards lead; the `l.php?u=` in front of outside addresses taken off."""
    for attachment in attachments:
        for key in ("unshimmed_url", "url"):
            address = attachment.get(key)
            if isinstance(address, str) and not _is_photo(attachment):
                yield _unshimmed(address)


def _unshimmed(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    if parts.path == "/l.php" and (parts.hostname or "").endswith(".facebook.com"):
        return parse_qs(parts.query).get("u", [address])[0]
    return address


def _is_photo(attachment: Mapping[str, Any]) -> bool:
    return attachment.get("media_type") in ("photo", "album")


def _image_count(attachments: list[dict[str, Any]]) -> int:
    """Pictures of a post: an album's parts, or each single photo."""
    photos = [attachment for attachment in attachments if _is_photo(attachment)]
    return sum(max(1, len(_rows(photo, "subattachments"))) for photo in photos)
