"""What Graph calls do: publish, upload, read, edit and delete on Pages, and tell about tokens."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi.concurrency import run_in_threadpool

from posts.sandbox import graph_errors
from posts.sandbox.answers import Declined, Reply
from posts.sandbox.bodies import parse_json, small_number
from posts.sandbox.course import Sandbox
from posts.sandbox.graph_fields import Field, FieldsUnreadable, parse
from posts.sandbox.graph_nodes import (
    Viewer,
    attachments,
    check_scope,
    edge_summary,
    insights,
    shown_page,
    shown_photo,
    shown_post,
)
from posts.sandbox.pictures import FACEBOOK_RULES, NotAPicture, examine
from posts.sandbox.state import FACEBOOK, MEDIA_LIFETIME, Media, Post, Token, digest

MESSAGE_LIMIT = 63_206
"""Characters; not in Meta's reference, but the figure that most publishers use."""

TIMELINES = ("published_posts", "feed", "posts", "photos", "visitor_posts", "scheduled_posts", "tagged")
_PAGE_SIZE, _LARGEST_PAGE = 25, 100
_DATA_ACCESS = timedelta(days=90)
_SCOPES = (
    "pages_show_list",
    "pages_manage_posts",
    "pages_read_engagement",
    "pages_read_user_content",
    "read_insights",
    "public_profile",
)
_APP = "1000000000000001"  # the app of tokens that nobody named an app for


@dataclass(frozen=True)
class Asked:
    """A Graph call: method, path below the version, parameters without the token, and files."""

    method: str
    parts: tuple[str, ...]
    values: Mapping[str, str]
    token: str
    viewer: Viewer
    files: tuple[bytes, ...] = ()
    address: str = ""
    token_in_query: bool = False

    def at(self, parts: tuple[str, ...]) -> Asked:
        """The same call to another path."""
        return replace(self, parts=parts)

    def seen_at(self, now: datetime) -> Asked:
        """The same call at another instant."""
        return replace(self, viewer=replace(self.viewer, now=now))

    def part(self, method: str, parts: tuple[str, ...], values: Mapping[str, str], token: str) -> Asked:
        """A part of this batch."""
        return Asked(method, parts, values, token, self.viewer, address=f"{self.address.rstrip('/')}/{'/'.join(parts)}")

    @property
    def fields(self) -> tuple[Field, ...]:
        """What `fields` asks for. Raises Declined when it can't be read."""
        text = self.values.get("fields", "")
        try:
            return parse(text) if text else ()
        except FieldsUnreadable as problem:
            raise Declined(graph_errors.error(2500, str(problem))) from None

    def flag(self, name: str, default: bool) -> bool:
        """A boolean as Graph takes it: JSON, or 1 and 0. Raises Declined for anything else, as Python's `False`."""
        text = self.values.get(name)
        known = {None: default, "true": True, "1": True, "false": False, "0": False}
        if text not in known:
            raise graph_errors.invalid(f"Param {name} must be a boolean")
        return known[text]


async def page_call(box: Sandbox, asked: Asked, page: str, edge: str) -> Reply:
    """A call to a Page or to one of its edges."""
    match asked.method, edge:
        case "GET", "":
            return Reply(200, shown_page(box.state.meet(FACEBOOK, page), asked.fields, asked.viewer, box.state))
        case "POST", "feed":
            return _publish(box, asked, page)
        case "POST", "photos":
            return await _photo(box, asked, page)
        case "GET", "published_posts" | "feed" | "posts":
            return _posts(box, asked, page, edge)
        case "GET", "photos":
            return _photos(box, asked, page)
        case "GET", "visitor_posts" | "scheduled_posts" | "tagged":
            return Reply(200, {"data": []})
    raise graph_errors.no_object(page, asked.method)


def object_call(box: Sandbox, asked: Asked, node: str, edge: str) -> Reply:
    """A call to a post or a photo, or to an edge of a post."""
    media = box.state.media(node)
    if media is not None and media.network == FACEBOOK and not edge:
        return _photo_call(box, asked, media)
    post = _standing(box, node)
    if post is None or _lagging(box, post):
        raise graph_errors.no_object(node, asked.method)
    match asked.method, edge:
        case "GET", "":
            return Reply(200, shown_post(box.state, post, asked.fields, _viewer(box, asked, "lookup", post.account)))
        case "GET", _:
            return _edge(box, asked, post, edge)
        case "POST", "":
            return _edit(box, asked, post)
        case "DELETE", "":
            box.state.put_post(replace(post, deleted_at=asked.viewer.now))
            return Reply(200, {"success": True})
    raise graph_errors.no_object(node, asked.method)


def debug_token(box: Sandbox, asked: Asked) -> Reply:
    """What is known of `input_token`. Asked with `APP|SECRET`, the sandbox learns which app uses that token."""
    text = asked.values.get("input_token", "")
    if not text:
        raise graph_errors.invalid("The parameter input_token is required")
    known = box.state.token(text)
    app_id = asked.token.partition("|")[0] if "|" in asked.token else ""
    if app_id and (known is None or not known.app_id):
        known = replace(known or Token(digest(text), FACEBOOK, "", "page"), app_id=app_id)
        box.state.put_token(known)
    now = asked.viewer.now
    expired = text.startswith("expired") or bool(known and known.expires_at and known.expires_at <= now)
    shown_app = (known.app_id if known else "") or app_id or _APP
    data: dict[str, Any] = {"app_id": shown_app, "application": "Sandkasten", "scopes": list(_scopes(box, known))}
    if expired or text.startswith("bad"):
        message = "Error validating access token: Session has expired." if expired else "Invalid OAuth access token."
        data |= {
            "is_valid": False,
            "scopes": [],
            "error": {
                "code": 190,
                "message": message,
                **({"subcode": 463} if expired else {}),
            },
        }
        return Reply(200, {"data": data})
    return Reply(200, {"data": data | _token_facts(box, known, now)})


def me(box: Sandbox, asked: Asked, edge: str) -> Reply:
    """The person behind a token, and the Pages that he may use."""
    known = box.state.token(asked.token)
    if asked.method != "GET" or edge not in ("", "accounts"):
        raise graph_errors.no_object("me", asked.method)
    if edge == "":
        return Reply(200, {"id": _user_id(asked.token), "name": "Sandkasten-Nutzer"})
    pages = [p for p in box.state.accounts(FACEBOOK) if known and asked.token in (p.user_token, p.token)]
    wanted = asked.fields or (Field("access_token"), Field("category"), Field("name"), Field("id"), Field("tasks"))
    return Reply(200, {"data": [shown_page(p, wanted, asked.viewer, box.state) for p in pages]})


def _publish(box: Sandbox, asked: Asked, page: str) -> Reply:
    _check_writer(box, asked)
    message, link = asked.values.get("message", ""), asked.values.get("link", "")
    photos = _attached(box, asked, page)
    if not message.strip() and not link and not photos:
        raise graph_errors.invalid("Either message, link or attached_media is required", 1349125)
    _check_message(message)
    if link:
        _check_link(link)
    if "scheduled_publish_time" in asked.values:
        raise graph_errors.invalid("scheduled_publish_time: this sandbox publishes at once")
    published = asked.flag("published", True)
    _check_repetition(box, page, message, link, photos)
    post = Post(
        id=f"{page}_{box.state.graph_number()}",
        network=FACEBOOK,
        account=page,
        text=message,
        link=link,
        created_at=asked.viewer.now,
        media=photos,
        published=published,
        app_id=_app(box, asked),
    )
    # Fields are read before the post exists: a call that fails for them publishes nothing.
    shown = shown_post(box.state, post, asked.fields or (Field("id"),), asked.viewer)
    box.state.add_post(post)
    return Reply(200, shown)


async def _photo(box: Sandbox, asked: Asked, page: str) -> Reply:
    _check_writer(box, asked)
    published = asked.flag("published", True)
    wanted = asked.fields
    caption = asked.values.get("caption", asked.values.get("message", ""))
    _check_message(caption)
    if len(asked.files) != 1:
        raise Declined(graph_errors.error(324, "(#324) Missing or invalid image file"))
    try:
        picture = await run_in_threadpool(examine, asked.files[0], FACEBOOK_RULES)
    except NotAPicture as problem:
        subcode = 1366046 if "bytes" in str(problem) else None
        raise Declined(graph_errors.error(324, "(#324) Missing or invalid image file", subcode=subcode)) from None
    media = Media(
        id=str(box.state.graph_number()),
        network=FACEBOOK,
        account=page,
        mime=picture.mime,
        size=len(asked.files[0]),
        width=picture.width,
        height=picture.height,
        created_at=asked.viewer.now,
        alt=asked.values.get("alt_text_custom", ""),
        caption=caption,
    )
    shown = shown_photo(box.state, media, wanted or (Field("id"),), asked.viewer)
    await run_in_threadpool(box.state.add_media, media, asked.files[0])
    if not published:
        return Reply(200, shown)
    post = Post(
        id=f"{page}_{box.state.graph_number()}",
        network=FACEBOOK,
        account=page,
        text=caption,
        created_at=asked.viewer.now,
        media=(media.id,),
        app_id=_app(box, asked),
    )
    box.state.add_post(post)
    return Reply(200, shown | ({} if wanted else {"post_id": post.id}))


def _posts(box: Sandbox, asked: Asked, page: str, edge: str) -> Reply:
    found = box.visible_posts(FACEBOOK, "timeline", page)
    if edge != "feed":
        found = [post for post in found if post.published]
    since, until = _unix(asked, "since"), _unix(asked, "until")
    found = [p for p in found if since is None or p.created_at >= since]
    found = [p for p in found if until is None or p.created_at <= until]
    viewer = _viewer(box, asked, "timeline", page)
    fields = asked.fields
    return _paged(
        asked, [post.id for post in found], [lambda p=post: shown_post(box.state, p, fields, viewer) for post in found]
    )


def _photos(box: Sandbox, asked: Asked, page: str) -> Reply:
    kind = asked.values.get("type", "profile")
    if kind not in ("profile", "tagged", "uploaded"):
        raise graph_errors.invalid("type must be one of {profile, tagged, uploaded}")
    standing = {p.id for p in box.visible_posts(FACEBOOK, "timeline", page)}
    found = [m for m in box.state.media_of(FACEBOOK, page) if m.post in standing] if kind == "uploaded" else []
    fields = asked.fields
    return _paged(
        asked,
        [m.id for m in found],
        [lambda m=media: shown_photo(box.state, m, fields, asked.viewer) for media in found],
    )


def _paged(asked: Asked, ids: list[str], shown: list[Any]) -> Reply:
    size = _size(asked)
    start = 0
    if "after" in asked.values:
        start = _position(ids, asked.values["after"]) + 1
    elif "before" in asked.values:
        start = max(0, _position(ids, asked.values["before"]) - size)
    page = ids[start : start + size]
    body: dict[str, Any] = {"data": [show() for show in shown[start : start + size]]}
    if page:
        body["paging"] = {"cursors": {"before": _cursor(page[0]), "after": _cursor(page[-1])}}
    if start + size < len(ids):
        values = {k: v for k, v in asked.values.items() if k not in ("after", "before")} | {"after": _cursor(page[-1])}
        if asked.token_in_query:
            values["access_token"] = asked.token
        body["paging"]["next"] = f"{asked.address}?{urlencode(values)}"
    return Reply(200, body)


def _edge(box: Sandbox, asked: Asked, post: Post, edge: str) -> Reply:
    viewer = _viewer(box, asked, "lookup", post.account)
    check_scope(box.state, post, edge)
    match edge:
        case "insights":
            names = asked.values.get("metric", "").strip("[]").replace('"', "").replace(" ", "")
            return Reply(200, insights(post, [name for name in names.split(",") if name], viewer))
        case "comments" | "reactions" | "likes":
            return Reply(200, edge_summary(edge, post, asked.values, viewer))
        case "attachments":
            return Reply(200, attachments(box.state, post, viewer) or {"data": []})
        case "sharedposts":
            return Reply(200, {"data": []})
    raise Declined(graph_errors.error(2500, f"Unknown path components: /{edge}"))


def _edit(box: Sandbox, asked: Asked, post: Post) -> Reply:
    _check_writer(box, asked)
    message = asked.values.get("message")
    if message is None:
        raise graph_errors.invalid("Nothing to change: message is missing")
    if not message.strip() and not post.link and not post.media:
        raise graph_errors.invalid("The message of a post without link and photos can't be empty")
    _check_message(message)
    box.state.put_post(replace(post, text=message, updated_at=asked.viewer.now))
    return Reply(200, {"success": True})


def _photo_call(box: Sandbox, asked: Asked, media: Media) -> Reply:
    if asked.method == "GET":
        return Reply(200, shown_photo(box.state, media, asked.fields, asked.viewer))
    if asked.method == "DELETE" and not media.post:
        box.state.drop_media(media.id)
        return Reply(200, {"success": True})
    raise graph_errors.no_object(media.id, asked.method)


def _attached(box: Sandbox, asked: Asked, page: str) -> tuple[str, ...]:
    entries = _json_list(asked.values["attached_media"]) if "attached_media" in asked.values else []
    numbered = sorted(k for k in asked.values if k.startswith("attached_media["))
    entries += [_json_of(asked.values[name]) for name in numbered]
    found: list[str] = []
    for entry in entries:
        photo = str(entry.get("media_fbid", "")) if isinstance(entry, dict) else ""
        _check_photo(box, asked, page, photo)
        found.append(photo)
    if len(set(found)) != len(found):
        raise graph_errors.invalid("Photos were already posted.", 1366051)
    return tuple(found)


def _check_photo(box: Sandbox, asked: Asked, page: str, photo: str) -> None:
    media = box.state.media(photo)
    if media is None or (media.network, media.account) != (FACEBOOK, page):
        raise graph_errors.invalid(f"Invalid parameter: attached_media has no photo with the ID '{photo}'")
    if media.post:
        raise graph_errors.invalid("Photos were already posted.", 1366051)
    if asked.viewer.now - media.created_at >= MEDIA_LIFETIME:
        raise graph_errors.invalid(f"Invalid parameter: the photo with the ID '{photo}' no longer exists")


def _json_list(text: str) -> list[Any]:
    value = _json_of(text)
    if not isinstance(value, list):
        raise graph_errors.invalid("Param attached_media must be an array.")
    return value


def _json_of(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        raise graph_errors.invalid("Param attached_media must be an array.") from None


def _check_message(message: str) -> None:
    if len(message) > MESSAGE_LIMIT:
        raise graph_errors.invalid(f"The message is longer than {MESSAGE_LIMIT} characters")


def _check_link(link: str) -> None:
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        raise graph_errors.invalid("The url you supplied is invalid", 1500010) from None
    if parts.scheme not in ("http", "https") or not host or any(sign.isspace() for sign in link):
        raise graph_errors.invalid("The url you supplied is invalid", 1500010)
    if host == "facebook.com" or host.endswith(".facebook.com"):
        raise graph_errors.invalid("Links to facebook.com can't be posted", 1609008)


def _check_repetition(box: Sandbox, page: str, message: str, link: str, photos: tuple[str, ...]) -> None:
    last = box.state.last_post(FACEBOOK, page)
    # Photos get a new id with every upload, so the same photo post goes up again: seen live in 2025.
    repeated = last is not None and (last.text, last.link, last.media) == (message, link, photos)
    if repeated and not box.shows(FACEBOOK, "create", page, "repetitions"):
        raise Declined(graph_errors.GraphDialect("").duplicate())


def _check_writer(box: Sandbox, asked: Asked) -> None:
    known = box.state.token(asked.token)
    if known is not None and known.kind == "user":
        raise graph_errors.no_permission("Publishing as a Page needs the access token of the Page")
    account = box.state.account(FACEBOOK, known.account) if known else None
    if account is not None and "CREATE_CONTENT" not in account.tasks:
        raise graph_errors.no_permission("The user lacks the task CREATE_CONTENT on this Page")


def _app(box: Sandbox, asked: Asked) -> str:
    known = box.state.token(asked.token)
    return known.app_id if known is not None else ""


def _standing(box: Sandbox, node: str) -> Post | None:
    post = box.state.post(node)
    return post if post is not None and post.network == FACEBOOK and post.deleted_at is None else None


def _lagging(box: Sandbox, post: Post) -> bool:
    lag = box.faults.take(FACEBOOK, "lookup", post.account, ("timeline_lag",))
    return lag is not None and post.created_at > box.clock.now() - timedelta(seconds=lag.seconds)


def _viewer(box: Sandbox, asked: Asked, call: str, page: str) -> Viewer:
    return replace(
        asked.viewer,
        canonical=box.shows(FACEBOOK, call, page, "canonical_links"),
        escaped=box.shows(FACEBOOK, call, page, "escaped"),
    )


def _size(asked: Asked) -> int:
    text = asked.values.get("limit", str(_PAGE_SIZE))
    size = small_number(text)
    if size is None or not 1 <= size <= _LARGEST_PAGE:
        raise graph_errors.invalid(f"The limit must be 1 to {_LARGEST_PAGE}; please do not exceed {_LARGEST_PAGE}")
    return size


def _unix(asked: Asked, name: str) -> datetime | None:
    text = asked.values.get(name)
    if text is None:
        return None
    try:
        return datetime.fromtimestamp(int(text), asked.viewer.now.tzinfo)
    except (ValueError, OverflowError, OSError):
        raise graph_errors.invalid(f"{name} must be a UNIX time") from None


def _cursor(node: str) -> str:
    return base64.urlsafe_b64encode(node.encode()).decode()


def _position(ids: list[str], cursor: str) -> int:
    try:
        return ids.index(base64.urlsafe_b64decode(cursor).decode())
    except (ValueError, binascii.Error):
        raise graph_errors.invalid("Invalid cursor") from None


def _scopes(box: Sandbox, known: Token | None) -> tuple[str, ...]:
    account = box.state.account(FACEBOOK, known.account) if known else None
    return account.scopes if account is not None and account.scopes else _SCOPES


def _token_facts(box: Sandbox, known: Token | None, now: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "type": "USER" if known is not None and known.kind == "user" else "PAGE",
        "is_valid": True,
        "expires_at": int(known.expires_at.timestamp()) if known and known.expires_at else 0,
        "data_access_expires_at": int((now + _DATA_ACCESS).timestamp()),
        "issued_at": int((now - timedelta(days=1)).timestamp()),
        "user_id": _user_id(known.digest if known else ""),
    }
    if known is None or not known.account:
        return facts
    granular = [{"scope": scope, "target_ids": [known.account]} for scope in _scopes(box, known)]
    return facts | {"profile_id": known.account, "granular_scopes": granular}


def _user_id(seed: str) -> str:
    return str(10**14 + int(hashlib.sha256(seed.encode()).hexdigest()[:10], 16))
