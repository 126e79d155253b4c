"""How the Graph API shows Pages, posts and photos: the fields asked for, edges with summaries, and insights."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from posts.sandbox import graph_errors
from posts.sandbox.answers import Declined
from posts.sandbox.engagement import Figures, figures
from posts.sandbox.graph_fields import Field
from posts.sandbox.state import FACEBOOK, Account, Media, Post, State
from posts.text import extract_urls

DEAD_METRIC = "The value must be a valid insights metric"
EDGE_SCOPES = {
    **dict.fromkeys(("comments", "reactions", "likes"), "pages_read_user_content"),
    "insights": "read_insights",
}
"""What may be read only with a permission of its own."""

# Fields of Meta's API specification v25.0 (with v26.0's additions) that exist, but have no content here.
_EMPTY_POST_FIELDS = frozenset(
    {
        "actions",
        "admin_creator",
        "allowed_advertising_objectives",
        "backdated_time",
        "call_to_action",
        "can_reply_privately",
        "child_attachments",
        "comments_mirroring_domain",
        "coordinates",
        "event",
        "expanded_height",
        "expanded_width",
        "feed_targeting",
        "height",
        "icon",
        "instagram_eligibility",
        "is_app_share",
        "is_eligible_for_dark_post",
        "is_eligible_for_promotion",
        "is_inline_created",
        "is_instagram_eligible",
        "is_fb_live_videos",
        "is_live_clip",
        "is_popular",
        "is_spherical",
        "message_tags",
        "multi_share_end_card",
        "multi_share_optimized",
        "parent_id",
        "place",
        "privacy",
        "promotable_id",
        "promotion_status",
        "properties",
        "scheduled_publish_time",
        "story",
        "story_tags",
        "subscribed",
        "target",
        "targeting",
        "timeline_visibility",
        "via",
        "video_buying_eligibility",
        "was_fb_live_videos",
        "width",
        "dynamic_posts",
        "sharedposts",
        "sponsor_tags",
        "to",
    }
)
_EMPTY_PHOTO_FIELDS = frozenset(
    {
        "alt_text",
        "backdated_time",
        "backdated_time_granularity",
        "can_backdate",
        "can_tag",
        "event",
        "icon",
        "name_tags",
        "place",
        "position",
        "target",
        "webp_images",
        "insights",
        "likes",
        "comments",
        "sponsor_tags",
    }
)
_EMPTY_PAGE_FIELDS = frozenset({"has_whatsapp_number", "instagram_business_account"})
_CLICK_TYPES = ("link clicks", "other clicks", "photo view")

Values = Mapping[str, Callable[[], Any]]


@dataclass(frozen=True)
class Viewer:
    """Where and when somebody looks. `base` is the sandbox's address; `canonical` and `escaped` are faults."""

    base: str
    now: datetime
    canonical: bool = False
    escaped: bool = False


def shown_page(page: Account, wanted: tuple[Field, ...], viewer: Viewer, state: State) -> dict[str, Any]:
    """A Page; without `fields` its id and name."""
    values: Values = {
        "id": lambda: page.id,
        "name": lambda: page.name,
        "username": lambda: page.username,
        "link": lambda: f"{viewer.base}/timeline/{FACEBOOK}/{page.id}",
        "access_token": lambda: page.token or None,
        "category": lambda: "Community Organization",
        "tasks": lambda: list(page.tasks),
        "fan_count": lambda: 412,
        "followers_count": lambda: 431,
        "is_published": lambda: True,
        "is_verified": lambda: False,
        "is_permanently_closed": lambda: False,
        "can_post": lambda: "CREATE_CONTENT" in page.tasks,
        "has_transitioned_to_new_page_experience": lambda: True,
        "verification_status": lambda: "not_verified",
    }
    return _pick("Page", values, _EMPTY_PAGE_FIELDS, wanted or (Field("id"), Field("name")))


def shown_post(state: State, post: Post, wanted: tuple[Field, ...], viewer: Viewer) -> dict[str, Any]:
    """A post; without `fields` its id, message and creation time."""
    grown = _grown(post, viewer)
    chosen = wanted or (Field("created_time"), Field("message"), Field("id"))
    shown: dict[str, Any] = {}
    for one in chosen:
        check_scope(state, post, one.name)
        values = _post_values(state, post, one, grown, viewer)
        shown |= _pick("PagePost", values, _EMPTY_POST_FIELDS, (one,))
    return shown | {"id": post.id}


def shown_photo(state: State, media: Media, wanted: tuple[Field, ...], viewer: Viewer) -> dict[str, Any]:
    """A photo; without `fields` its id, name and creation time."""
    source = f"{viewer.base}/_media/{media.id}"
    values: Values = {
        "id": lambda: media.id,
        "name": lambda: media.caption or None,
        "created_time": lambda: instant(media.created_at),
        "updated_time": lambda: instant(media.created_at),
        "alt_text_custom": lambda: media.alt or None,
        "width": lambda: media.width,
        "height": lambda: media.height,
        "picture": lambda: source,
        "source": lambda: source,
        "link": lambda: f"{viewer.base}/timeline/{FACEBOOK}/{media.account}",
        "page_story_id": lambda: media.post or None,
        "can_delete": lambda: True,
        "images": lambda: [{"height": media.height, "width": media.width, "source": source}],
        "from": lambda: _author(state, media.account),
        "album": lambda: {"id": f"{media.account}1", "name": "Timeline photos"},
    }
    shown = _pick("Photo", values, _EMPTY_PHOTO_FIELDS, wanted or (Field("created_time"), Field("name"), Field("id")))
    return shown | {"id": media.id}


def insights(post: Post, metrics: list[str], viewer: Viewer) -> dict[str, Any]:
    """Lifetime figures of a post. Raises Declined: no metric (3001), or a name that is not alive (100)."""
    if not metrics:
        raise Declined(
            graph_errors.error(
                3001,
                "(#3001) No metric was specified to be fetched. Please specify one or "
                "more metrics to be fetched and try again.",
                subcode=1504028,
            )
        )
    grown = _grown(post, viewer)
    values = _metric_values(grown)
    if any(name not in values for name in metrics):
        raise graph_errors.invalid(DEAD_METRIC)
    return {"data": [_insight(post, name, values[name]) for name in dict.fromkeys(metrics)]}


def edge_summary(edge: str, post: Post, arguments: Mapping[str, str], viewer: Viewer) -> dict[str, Any]:
    """Comments, reactions or likes of a post: nobody in particular, but counted."""
    grown = _grown(post, viewer)
    return _counted(edge, grown, arguments)


def check_scope(state: State, post: Post, edge: str) -> None:
    """Raises Declined where the post's account was registered without the permission to read that edge."""
    account, scope = state.account(FACEBOOK, post.account), EDGE_SCOPES.get(edge)
    if scope and account is not None and account.scopes and scope not in account.scopes:
        raise graph_errors.permission_wanted(scope)


def attachments(state: State, post: Post, viewer: Viewer) -> dict[str, Any] | None:
    """The card of a link, a photo, or several photos; None for plain text."""
    media = pictures(state, post)
    if media:
        return {"data": [_photos(post, media, viewer)]}
    if not post.link:
        return None
    link = canonical(post.link) if viewer.canonical else post.link
    shim = f"https://l.facebook.com/l.php?u={quote(link, safe='')}&h=AT0sandbox&s=1"
    return {
        "data": [
            {
                "media_type": "link",
                "type": "share",
                "title": urlsplit(link).netloc,
                "url": shim,
                "unshimmed_url": link,
                "target": {"url": shim},
            }
        ]
    }


def pictures(state: State, post: Post) -> list[Media]:
    """The post's photos, in their order."""
    return [media for media_id in post.media if (media := state.media(media_id)) is not None]


def canonical(link: str) -> str:
    """A link as its page's own canonical address often reads: without query and fragment."""
    parts = urlsplit(link)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def instant(moment: datetime) -> str:
    """A time as Graph writes it: `2026-08-07T12:34:56+0000`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def permalink(post: Post, viewer: Viewer) -> str:
    """Where the post can be looked at."""
    return f"{viewer.base}/timeline/{FACEBOOK}/{post.account}/{post.id}"


def _grown(post: Post, viewer: Viewer) -> Figures:
    return figures(post.id, viewer.now - post.created_at, bool(post.link or extract_urls(post.text)))


def _post_values(state: State, post: Post, one: Field, grown: Figures, viewer: Viewer) -> Values:
    media = pictures(state, post)
    kind = "added_photos" if media else "shared_story" if post.link else "mobile_status_update"
    cover = f"{viewer.base}/_media/{media[0].id}" if media else None
    return {
        "id": lambda: post.id,
        "message": lambda: (html.escape(post.text) if viewer.escaped else post.text) or None,
        "created_time": lambda: instant(post.created_at),
        "updated_time": lambda: instant(post.updated_at or post.created_at),
        "permalink_url": lambda: permalink(post, viewer),
        "is_published": lambda: post.published,
        "is_hidden": lambda: False,
        "is_expired": lambda: False,
        "status_type": lambda: kind,
        "application": lambda: {"id": post.app_id, "name": "Sandkasten"} if post.app_id else None,
        "from": lambda: _author(state, post.account),
        "full_picture": lambda: cover,
        "picture": lambda: cover,
        "attachments": lambda: _narrowed(attachments(state, post, viewer), one.fields),
        "shares": lambda: {"count": grown.shares} if grown.shares else None,
        "comments": lambda: _counted("comments", grown, one.arguments),
        "reactions": lambda: _counted("reactions", grown, one.arguments),
        "likes": lambda: _counted("likes", grown, one.arguments),
        "insights": lambda: insights(post, _metric_names(one.arguments.get("metric", "")), viewer),
    }


def _pick(node: str, values: Values, empty: frozenset[str], wanted: tuple[Field, ...]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for one in wanted:
        if one.name not in values and one.name not in empty:
            raise graph_errors.invalid(f"Tried accessing nonexisting field ({one.name}) on node type ({node})")
        value = values[one.name]() if one.name in values else None
        if value is not None:
            shown[one.name] = value
    return shown


def _narrowed(edge: dict[str, Any] | None, wanted: tuple[Field, ...]) -> dict[str, Any] | None:
    if edge is None or not wanted:
        return edge
    return {"data": [_only(entry, wanted) for entry in edge["data"]]}


def _only(entry: dict[str, Any], wanted: tuple[Field, ...]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for one in wanted:
        value = entry.get(one.name)
        if isinstance(value, dict) and one.fields:
            shown[one.name] = _narrowed(value, one.fields) if "data" in value else _only(value, one.fields)
        elif value is not None:
            shown[one.name] = value
    return shown


def _photos(post: Post, media: list[Media], viewer: Viewer) -> dict[str, Any]:
    entries = [_photo_attachment(post, one, viewer) for one in media]
    if len(entries) == 1:
        return entries[0]
    return {
        "media_type": "album",
        "type": "album",
        "title": "Photos",
        "url": permalink(post, viewer),
        "target": {"id": post.id.rpartition("_")[2], "url": permalink(post, viewer)},
        "media": entries[0]["media"],
        "subattachments": {"data": entries},
    }


def _photo_attachment(post: Post, media: Media, viewer: Viewer) -> dict[str, Any]:
    source = f"{viewer.base}/_media/{media.id}"
    return {
        "media_type": "photo",
        "type": "photo",
        "url": permalink(post, viewer),
        "target": {"id": media.id, "url": permalink(post, viewer)},
        "media": {"image": {"height": media.height, "width": media.width, "src": source}},
    }


def _author(state: State, page_id: str) -> dict[str, Any]:
    return {"id": page_id, "name": state.meet(FACEBOOK, page_id).name}


def _counted(edge: str, grown: Figures, arguments: Mapping[str, str]) -> dict[str, Any]:
    counts = {"comments": grown.comments, "reactions": grown.reactions, "likes": grown.likes}
    if "summary" not in arguments:
        return {"data": []}
    summary: dict[str, Any] = {"total_count": counts[edge]}
    if edge == "comments":
        summary |= {"order": "ranked", "can_comment": True}
    return {"data": [], "summary": summary}


def _metric_names(text: str) -> list[str]:
    return [name for name in text.strip("[]").replace('"', "").split(",") if name]


def _metric_values(grown: Figures) -> dict[str, Any]:
    """The metrics that are alive for posts of Pages in late 2026; the `post_impressions` family is not."""
    clicks = (grown.link_clicks, grown.profile_clicks, 0)
    return {
        "post_media_view": grown.views,
        "post_total_media_view_unique": grown.viewers,
        "post_clicks": sum(clicks),
        "post_clicks_by_type": {name: n for name, n in zip(_CLICK_TYPES, clicks, strict=True) if n},
        "post_reactions_by_type_total": {n: v for n, v in (("like", grown.likes), ("love", grown.loves)) if v},
        "post_reactions_like_total": grown.likes,
        "post_reactions_love_total": grown.loves,
        "post_reactions_wow_total": 0,
        "post_reactions_haha_total": 0,
        "post_reactions_sorry_total": 0,
        "post_reactions_anger_total": 0,
        "post_activity_by_action_type": {
            n: v for n, v in (("like", grown.reactions), ("comment", grown.comments), ("share", grown.shares)) if v
        },
        "post_video_views": 0,
        "post_video_avg_time_watched": 0,
    }


def _insight(post: Post, name: str, value: Any) -> dict[str, Any]:
    return {
        "name": name,
        "period": "lifetime",
        "values": [{"value": value}],
        "title": name.replace("_", " ").capitalize(),
        "description": f"Lifetime: {name}",
        "id": f"{post.id}/insights/{name}/lifetime",
    }
