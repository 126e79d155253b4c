"""X API v2 under /x: who calls, which call it is, and posts (create, delete, read).

Source of paths, parameters and shapes: X's OpenAPI document 2.167; of behaviour: docs.x.com.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from posts.sandbox import answers, x_errors
from posts.sandbox.answers import Declined, Reply
from posts.sandbox.bodies import parse_json, small_number
from posts.sandbox.course import Call, Sandbox, run
from posts.sandbox.state import TWITTER, Account, Post
from posts.sandbox.x_auth import Signed, account_of
from posts.sandbox.x_posts import (
    PRIVATE,
    PRIVATE_DAYS,
    USER_FIELDS,
    Looks,
    UnknownName,
    Viewer,
    Wanted,
    includes,
    shown_post,
    shown_text,
    shown_user,
    wanted,
)
from posts.text import weighted_length

TEXT_LIMIT = 280
PICTURES = 4
DUPLICATE_WINDOW = timedelta(hours=48)
"""How long X remembers a text; the true window is undocumented, this one is on the safe side."""

_ID = re.compile(r"[0-9]{1,19}")
_CASHTAG = re.compile(r"(?<![\w$])\$[A-Za-z]{1,6}\b")
_LONGEST = 4000  # longer texts are too long whatever they weigh; they are not measured
_BODY: dict[str, type] = {
    "text": str,
    "media": dict,
    "reply": dict,
    "reply_settings": str,
    "made_with_ai": bool,
    "paid_partnership": bool,
    "nullcast": bool,
    "card_uri": str,
    "community_id": str,
    "direct_message_deep_link": str,
    "edit_options": dict,
    "for_super_followers_only": bool,
    "geo": dict,
    "poll": dict,
    "quote_tweet_id": str,
    "share_with_followers": bool,
}
_NOT_SELF_SERVE = (
    "card_uri",
    "community_id",
    "direct_message_deep_link",
    "edit_options",
    "for_super_followers_only",
    "geo",
    "poll",
    "quote_tweet_id",
    "share_with_followers",
    "nullcast",
)
_MEDIA: dict[str, type] = {
    "media_ids": list,
    "tagged_user_ids": list,
    "call_to_actions": dict,
    "description": str,
    "embeddable": bool,
    "preview_media_id": str,
    "title": str,
}
_REPLY: dict[str, type] = {
    "in_reply_to_tweet_id": str,
    "exclude_reply_user_ids": list,
    "auto_populate_reply_metadata": bool,
}
_REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")
_TIMELINE = frozenset(
    {
        "max_results",
        "pagination_token",
        "start_time",
        "end_time",
        "since_id",
        "until_id",
        "exclude",
        "expansions",
        "post.fields",
        "tweet.fields",
        "user.fields",
        "media.fields",
        "poll.fields",
        "place.fields",
    }
)


@dataclass(frozen=True)
class Asked:
    """A request to X with its caller."""

    account: Account
    request: Request
    body: bytes
    viewer: Viewer


Answer = Callable[[Sandbox, Asked], Awaitable[Reply]]


class XApi:
    """The routes of X; other modules add theirs by `route`."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.router = APIRouter(prefix="/x")
        self._dialect = x_errors.XDialect()

    def route(self, method: str, path: str, call: str, answer: Answer) -> None:
        """Serve `path` as a call of that kind."""

        async def endpoint(request: Request) -> Response:
            return await self._serve(request, call, answer)

        self.router.add_api_route(path, endpoint, methods=[method], include_in_schema=False)

    async def _serve(self, request: Request, call: str, answer: Answer) -> Response:
        body = await request.body()
        now = self.box.clock.now()
        account = account_of(self.box.state, request.headers.get("authorization", ""), _signed(request, body), now)
        if account is None:
            headers = {"date": answers.http_date(now), **self._dialect.headers("", None)}
            return answers.json_answer(x_errors.unauthorized(), headers)
        viewer = Viewer(str(request.base_url).rstrip("/"), now, self.box.vocabulary.names)
        asked = Asked(account, request, body, viewer)

        async def perform() -> Reply:
            # A call that a fault held open happens when it happens, not when it came in.
            late = replace(asked, viewer=replace(viewer, now=self.box.clock.now()))
            return await answer(self.box, late)

        changes = request.method != "GET"
        return await run(self.box, self._dialect, Call(call, account.id, changes), perform)


def routes(box: Sandbox) -> XApi:
    """The routes for posts and users."""
    api = XApi(box)
    api.route("POST", "/2/tweets", "create", _create)
    api.route("DELETE", "/2/tweets/{id}", "delete", _delete)
    api.route("GET", "/2/tweets", "lookup", _by_ids)
    api.route("GET", "/2/tweets/{id}", "lookup", _by_id)
    api.route("GET", "/2/users/me", "account", _me)
    api.route("GET", "/2/users/{id}/tweets", "timeline", _timeline)
    return api


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; raises Declined (400) for anything else."""
    try:
        value = parse_json(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise x_errors.invalid("body", "", "Request body is not a JSON object")
    return value


def check_fields(value: dict[str, Any], known: dict[str, type], path: str) -> None:
    """Refuse what the specification doesn't name (additionalProperties: false) and what has another type."""
    for name, content in value.items():
        where = f"$.{path}{name}"
        if name not in known:
            raise x_errors.invalid(
                where,
                content,
                f"{where}: is not defined in the schema and the schema does not allow additional properties",
            )
        if not isinstance(content, known[name]):
            raise x_errors.invalid(
                where, content, f"{where}: {type(content).__name__} found, {known[name].__name__} expected"
            )


def check_id(parameter: str, value: Any) -> str:
    """An id of X: 1 to 19 digits. Raises Declined (400)."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise x_errors.invalid(parameter, value, f"The `{parameter}` parameter value [{value}] is not valid")
    return value


async def _create(box: Sandbox, asked: Asked) -> Reply:
    body = json_object(asked.body)
    _check_body(body)
    text = body.get("text", "")
    media = _media_ids(box, asked, body)
    _check_text(box, asked, text, bool(media))
    post = Post(
        id=box.state.snowflake(asked.viewer.now),
        network=TWITTER,
        account=asked.account.id,
        text=text,
        created_at=asked.viewer.now,
        media=tuple(media),
        reply_to=_reply_target(box, asked, body.get("reply")),
    )
    box.state.add_post(post)
    shown, _ = shown_text(post, [m for i in media if (m := box.state.media(i))], asked.viewer)
    # The list with one empty string is what X really answered in 2026, whatever its specification says.
    return Reply(201, {"data": {"id": post.id, "text": shown, "edit_history_tweet_ids": [""]}})


def _check_body(body: dict[str, Any]) -> None:
    check_fields(body, _BODY, "")
    for name in _NOT_SELF_SERVE:
        if body.get(name):
            raise Declined(x_errors.forbidden(x_errors.NOT_PERMITTED))
    if "reply_settings" in body and body["reply_settings"] not in _REPLY_SETTINGS:
        raise x_errors.invalid(
            "$.reply_settings",
            body["reply_settings"],
            f"$.reply_settings: does not have a value in the enumeration {list(_REPLY_SETTINGS)}",
        )


def _media_ids(box: Sandbox, asked: Asked, body: dict[str, Any]) -> list[str]:
    if "media" not in body:
        return []
    check_fields(body["media"], _MEDIA, "media.")
    ids = body["media"].get("media_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= PICTURES:
        raise x_errors.invalid("$.media.media_ids", ids, f"$.media.media_ids: there must be 1 to {PICTURES} items")
    for media_id in ids:
        if not usable_media(box, asked, check_id("media.media_ids", media_id)):
            raise x_errors.invalid("media.media_ids", media_id, "Your media IDs are invalid.")
    animated = [i for i in ids if (m := box.state.media(i)) and m.mime == "image/gif"]
    if len(set(ids)) != len(ids) or (animated and len(ids) > 1):
        raise x_errors.invalid("media.media_ids", ",".join(ids), "Your media IDs are invalid.")
    return list(ids)


def usable_media(box: Sandbox, asked: Asked, media_id: str) -> bool:
    """Whether this caller may still publish or describe that upload."""
    media = box.state.media(media_id)
    if media is None or (media.network, media.account) != (TWITTER, asked.account.id):
        return False
    return bool(media.post) or asked.viewer.now - media.created_at < timedelta(hours=24)


def _check_text(box: Sandbox, asked: Asked, text: str, with_media: bool) -> None:
    if not text.strip() and not with_media:
        raise x_errors.invalid("text", text, "$.text: either text or media must be given")
    if len(text) > _LONGEST or weighted_length(text) > TEXT_LIMIT or len(_CASHTAG.findall(text)) > 1:
        raise Declined(x_errors.forbidden(x_errors.NOT_PERMITTED))
    last = box.state.last_said(TWITTER, asked.account.id, text)
    repeated = text and last is not None and asked.viewer.now - last < DUPLICATE_WINDOW
    if repeated and not box.shows(TWITTER, "create", asked.account.id, "repetitions"):
        raise Declined(x_errors.forbidden(x_errors.DUPLICATE))


def _reply_target(box: Sandbox, asked: Asked, reply: dict[str, Any] | None) -> str:
    if reply is None:
        return ""
    check_fields(reply, _REPLY, "reply.")
    target = box.state.post(check_id("reply.in_reply_to_tweet_id", reply.get("in_reply_to_tweet_id")))
    if target is None or target.deleted_at is not None or target.network != TWITTER:
        raise Declined(
            x_errors.forbidden(
                "You attempted to reply to a Tweet that is deleted or not visible to you.",
            )
        )
    if target.account != asked.account.id and f"@{asked.account.username}" not in target.text:
        raise Declined(
            x_errors.forbidden("You can only reply to or quote posts where you are mentioned or are the author.")
        )
    return target.id


async def _delete(box: Sandbox, asked: Asked) -> Reply:
    post_id = check_id("id", asked.request.path_params["id"])
    post = _standing(box, post_id)
    if post is None:
        problem = x_errors.not_found("tweet", "id", post_id)
        return Reply(404, {**problem, "status": 404, "errors": [problem]})
    if post.account != asked.account.id:
        return x_errors.forbidden(x_errors.NOT_PERMITTED)
    box.state.put_post(replace(post, deleted_at=asked.viewer.now))
    return Reply(200, {"data": {"deleted": True}})


async def _by_ids(box: Sandbox, asked: Asked) -> Reply:
    ids = [i for i in asked.request.query_params.get("ids", "").split(",") if i]
    if not 1 <= len(ids) <= 100:
        raise x_errors.invalid(
            "ids",
            ",".join(ids),
            f"The number of values in the `ids` query parameter list [{len(ids)}] is not between 1 and 100",
        )
    shown, errors, posts = _look_up(box, asked, [check_id("ids", i) for i in ids], "ids")
    return Reply(200, _with_includes(box, asked, shown, errors, posts))


async def _by_id(box: Sandbox, asked: Asked) -> Reply:
    post_id = check_id("id", asked.request.path_params["id"])
    shown, errors, posts = _look_up(box, asked, [post_id], "id")
    body = _with_includes(box, asked, shown, errors, posts)
    if shown:
        body["data"] = shown[0]
    return Reply(200, body)


def _look_up(
    box: Sandbox,
    asked: Asked,
    ids: list[str],
    parameter: str,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Post]]:
    want = _wanted(box, asked)
    viewer = _viewer(box, asked, "lookup", asked.account.id)
    shown, errors, posts = [], [], []
    for post_id in dict.fromkeys(ids):
        post = _standing(box, post_id)
        if post is None or not _seen(box, post):
            errors.append(x_errors.not_found("tweet", parameter, post_id))
        elif want.private and not _private_allowed(post, asked):
            field = sorted(want.fields & PRIVATE)[0]
            errors.append(x_errors.field_not_allowed(post_id, field))
        else:
            posts.append(post)
            shown.append(shown_post(box.state, post, want, viewer))
    return shown, errors, posts


def _with_includes(
    box: Sandbox,
    asked: Asked,
    shown: list[dict[str, Any]],
    errors: list[dict[str, Any]],
    posts: list[Post],
) -> dict[str, Any]:
    extra = includes(box.state, posts, _wanted(box, asked), asked.viewer)
    parts = {"data": shown, "includes": extra, "errors": errors}
    return {name: part for name, part in parts.items() if part}


async def _me(box: Sandbox, asked: Asked) -> Reply:
    fields = frozenset(f for f in asked.request.query_params.get("user.fields", "").split(",") if f)
    for name in sorted(fields - USER_FIELDS):
        raise x_errors.invalid("user.fields", name, f"The `user.fields` query parameter value [{name}] is not known")
    return Reply(200, {"data": shown_user(box.state, asked.account, fields, asked.viewer.names)})


async def _timeline(box: Sandbox, asked: Asked) -> Reply:
    query = asked.request.query_params
    for name in sorted(set(query) - _TIMELINE):
        raise x_errors.invalid(
            name, query[name], f"The query parameter [{name}] is not one of [{','.join(sorted(_TIMELINE))}]"
        )
    owner = check_id("id", asked.request.path_params["id"])
    if box.state.account(TWITTER, owner) is None:
        return Reply(200, {"errors": [x_errors.not_found("user", "id", owner)]})
    want, size = _wanted(box, asked), _page_size(asked)
    posts = _range(box.visible_posts(TWITTER, "timeline", owner), asked)
    page, rest = posts[:size], posts[size:]
    token = f"7140{page[-1].id}" if rest else None
    if want.private:
        page = [p for p in page if _private_allowed(p, asked)]
    viewer = _viewer(box, asked, "timeline", owner)
    shown = [shown_post(box.state, post, want, viewer) for post in page]
    body = _with_includes(box, asked, shown, [], page)
    meta: dict[str, Any] = {"result_count": len(page)}
    if page:
        meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
    if token:
        meta["next_token"] = token
    return Reply(200, {**body, "meta": meta})


def _range(posts: list[Post], asked: Asked) -> list[Post]:
    query = asked.request.query_params
    since, until = _number(asked, "since_id"), _number(asked, "until_id")
    start, end = _moment(asked, "start_time"), _moment(asked, "end_time")
    token = query.get("pagination_token")
    if token is not None:
        if not token.startswith("7140") or not _ID.fullmatch(token[4:]):
            raise x_errors.invalid("pagination_token", token, "The `pagination_token` parameter value is not valid")
        until = min(until or int(token[4:]), int(token[4:]))
    chosen = sorted(posts, key=lambda p: int(p.id), reverse=True)
    chosen = [p for p in chosen if (since is None or int(p.id) > since) and (until is None or int(p.id) < until)]
    chosen = [p for p in chosen if (start is None or p.created_at >= start) and (end is None or p.created_at < end)]
    if "replies" in query.get("exclude", "").split(","):
        chosen = [p for p in chosen if not p.reply_to]
    return chosen


def _page_size(asked: Asked) -> int:
    text = asked.request.query_params.get("max_results", "10")
    size = small_number(text)
    if size is None or not 5 <= size <= 100:
        raise x_errors.invalid(
            "max_results", text, f"The `max_results` query parameter value [{text}] is not between 5 and 100"
        )
    return size


def _number(asked: Asked, parameter: str) -> int | None:
    text = asked.request.query_params.get(parameter)
    return None if text is None else int(check_id(parameter, text))


def _moment(asked: Asked, parameter: str) -> datetime | None:
    text = asked.request.query_params.get(parameter)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise x_errors.invalid(
            parameter, text, f"The `{parameter}` query parameter value [{text}] is not an RFC 3339 date-time"
        )
    return moment


def _wanted(box: Sandbox, asked: Asked) -> Wanted:
    try:
        return wanted(asked.request.query_params, box.vocabulary)
    except UnknownName as name:
        raise x_errors.invalid(name.parameter, name.value, str(name)) from None


def _viewer(box: Sandbox, asked: Asked, call: str, account: str) -> Viewer:
    looks = Looks(
        wrap_all=box.shows(TWITTER, call, account, "wrapped_links"),
        quotes=box.shows(TWITTER, call, account, "escaped"),
    )
    return replace(asked.viewer, looks=looks)


def _standing(box: Sandbox, post_id: str) -> Post | None:
    post = box.state.post(post_id)
    return post if post is not None and post.network == TWITTER and post.deleted_at is None else None


def _seen(box: Sandbox, post: Post) -> bool:
    lag = box.faults.take(TWITTER, "lookup", post.account, ("timeline_lag",))
    return lag is None or post.created_at <= box.clock.now() - timedelta(seconds=lag.seconds)


def _private_allowed(post: Post, asked: Asked) -> bool:
    return post.account == asked.account.id and asked.viewer.now - post.created_at <= PRIVATE_DAYS


def _signed(request: Request, body: bytes) -> Signed:
    url = request.url
    form = ""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = body.decode("utf-8", "replace")
    return Signed(request.method, f"{url.scheme}://{url.netloc}{url.path}", url.query, form)
