"""How X shows a post: links wrapped in t.co, entities escaped, old or new names, and only the fields asked for."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from posts.sandbox.course import Names, Vocabulary
from posts.sandbox.engagement import figures
from posts.sandbox.state import Account, Media, Post, State
from posts.text import extract_urls

PRIVATE_DAYS = timedelta(days=30)
"""Private metrics exist for posts of the last 30 days only (docs.x.com, metrics)."""

PRIVATE = frozenset({"non_public_metrics", "organic_metrics", "promoted_metrics"})

# What only one of the two vocabularies has, the old name first; everything else is the same in both.
_FIELDS_RENAMED = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "referenced_tweets": "referenced_posts",
    "note_tweet": "note_post",
}
_EXPANSIONS_RENAMED = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "referenced_tweets.id": "referenced_posts",
}
_ALIKE = frozenset(
    {
        "article",
        "attachments",
        "author_id",
        "card_uri",
        "community_id",
        "context_annotations",
        "conversation_id",
        "created_at",
        "display_text_range",
        "edit_controls",
        "entities",
        "geo",
        "id",
        "in_reply_to_user_id",
        "lang",
        "matched_media_notes",
        "media_metadata",
        "non_public_metrics",
        "note_request_suggestions",
        "organic_metrics",
        "paid_partnership",
        "possibly_sensitive",
        "promoted_metrics",
        "public_metrics",
        "reply_settings",
        "scopes",
        "source",
        "suggested_source_links",
        "suggested_source_links_with_counts",
        "text",
        "withheld",
    }
)
_EXPANSIONS_ALIKE = frozenset({"attachments.media_keys", "author_id", "in_reply_to_user_id"})
USER_FIELDS = frozenset(
    {
        "created_at",
        "description",
        "id",
        "location",
        "name",
        "pinned_post_id",
        "pinned_tweet_id",
        "profile_image_url",
        "protected",
        "public_metrics",
        "url",
        "username",
        "verified",
        "verified_type",
        "entities",
        "withheld",
        "confirmed_email",
        "connection_status",
        "subscription_type",
        "parody",
        "affiliation",
        "profile_banner_url",
        "verified_followers_count",
        "is_identity_verified",
        "receives_your_dm",
        "most_recent_tweet_id",
        "subscription",
    }
)
MEDIA_FIELDS = frozenset(
    {
        "alt_text",
        "duration_ms",
        "height",
        "media_key",
        "non_public_metrics",
        "organic_metrics",
        "preview_image_url",
        "promoted_metrics",
        "public_metrics",
        "type",
        "url",
        "variants",
        "width",
    }
)


class UnknownName(Exception):
    """A parameter or a field that this X does not have."""

    def __init__(self, parameter: str, value: str, sentence: str) -> None:
        super().__init__(sentence)
        self.parameter = parameter
        self.value = value


@dataclass(frozen=True)
class Wanted:
    """What a reading asked for, in the names of the vocabulary that is spoken."""

    fields: frozenset[str] = frozenset()
    expansions: frozenset[str] = frozenset()
    user_fields: frozenset[str] = frozenset()
    media_fields: frozenset[str] = frozenset()

    @property
    def private(self) -> bool:
        """Whether metrics were asked for that only the author may see."""
        return bool(self.fields & PRIVATE)


@dataclass(frozen=True)
class Looks:
    """How texts are shown: `wrap_all` wraps links without scheme too, `quotes` escapes quotation marks too."""

    wrap_all: bool = False
    quotes: bool = False


@dataclass(frozen=True)
class Viewer:
    """Where and when somebody looks: the sandbox's own address (without trailing slash) and the present."""

    base: str
    now: datetime
    names: Names
    looks: Looks = Looks()


def wanted(query: Mapping[str, str], vocabulary: Vocabulary) -> Wanted:
    """Read the fields parameters of a query. Raises UnknownName."""
    other, own = ("tweet.fields", "post.fields")
    if vocabulary.names == "old":
        other, own = own, other
    if vocabulary.strict and other in query:
        raise UnknownName(other, query[other], f"The query parameter [{other}] is not one of the known parameters")
    fields = _names(query, own) | _names(query, other)
    expansions = _names(query, "expansions")
    _check(own, fields, _accepted(_ALIKE, _FIELDS_RENAMED, vocabulary))
    _check("expansions", expansions, _accepted(_EXPANSIONS_ALIKE, _EXPANSIONS_RENAMED, vocabulary))
    user_fields, media_fields = _names(query, "user.fields"), _names(query, "media.fields")
    _check("user.fields", user_fields, USER_FIELDS)
    _check("media.fields", media_fields, MEDIA_FIELDS)
    return Wanted(
        fields=_translate(fields, _FIELDS_RENAMED, vocabulary.names),
        expansions=_translate(expansions, _EXPANSIONS_RENAMED, vocabulary.names),
        user_fields=user_fields,
        media_fields=media_fields,
    )


def shown_text(post: Post, media: list[Media], viewer: Viewer) -> tuple[str, list[dict[str, Any]]]:
    """The text as X returns it and the entities of its links; indices count code points of that text."""
    parts: list[str] = []
    entities: list[dict[str, Any]] = []
    length = done = 0

    def put(piece: str) -> None:
        nonlocal length
        parts.append(piece)
        length += len(piece)

    for link in extract_urls(post.text):
        if not viewer.looks.wrap_all and "://" not in link.url:
            continue
        put(_escaped(post.text[done : link.start], viewer.looks))
        short = _short(post.id, link.start)
        entities.append(_url_entity(short, length, link.url))
        put(short)
        done = link.end
    put(_escaped(post.text[done:], viewer.looks))
    if media:
        put(" " if post.text else "")
        short = _short(post.id, -1)
        page = f"{viewer.base}/timeline/twitter/{post.account}/{post.id}"
        entities += [_picture_entity(short, length, page, one) for one in media]
        put(short)
    return "".join(parts), entities


def shown_post(state: State, post: Post, want: Wanted, viewer: Viewer) -> dict[str, Any]:
    """A post with the default fields and those asked for; fields without content are left out, as X does."""
    media = pictures(state, post)
    text, entities = shown_text(post, media, viewer)
    shown: dict[str, Any] = {"id": post.id, "text": text}
    history = "edit_history_post_ids" if viewer.names == "new" else "edit_history_tweet_ids"
    shown[history] = [post.id]
    contents = _contents(post, media, text, entities, viewer)
    implied = {"attachments"} if "attachments.media_keys" in want.expansions else set()
    implied |= {"author_id"} if "author_id" in want.expansions else set()
    for name in sorted(want.fields | implied):
        if contents.get(name) is not None:
            shown[name] = contents[name]
    return shown


def includes(state: State, posts: list[Post], want: Wanted, viewer: Viewer) -> dict[str, Any]:
    """The objects that expansions ask for; empty where there are none."""
    found: dict[str, Any] = {}
    if "attachments.media_keys" in want.expansions:
        media = {m.id: m for post in posts for m in pictures(state, post)}
        found["media"] = [_shown_media(m, want.media_fields, viewer) for m in media.values()]
    if "author_id" in want.expansions:
        authors = {post.account for post in posts}
        found["users"] = [
            shown_user(state, state.meet("twitter", author), want.user_fields, viewer.names)
            for author in sorted(authors)
        ]
    return {key: value for key, value in found.items() if value}


def shown_user(state: State, account: Account, fields: frozenset[str], names: Names) -> dict[str, Any]:
    """A user with the default fields and those asked for."""
    shown: dict[str, Any] = {"id": account.id, "name": account.name, "username": account.username}
    count = len(state.posts_of("twitter", account.id)) if "public_metrics" in fields else 0
    contents: dict[str, Any] = {
        "created_at": "2020-01-01T00:00:00.000Z",
        "description": "Sandkasten: nichts davon ist öffentlich",
        "protected": False,
        "verified": False,
        "verified_type": "none",
        "public_metrics": {
            "followers_count": 340,
            "following_count": 120,
            "listed_count": 6,
            "like_count": 0,
            "media_count": 0,
            ("post_count" if names == "new" else "tweet_count"): count,
        },
    }
    return shown | {name: contents[name] for name in sorted(fields) if name in contents}


def pictures(state: State, post: Post) -> list[Media]:
    """The post's pictures, in their order."""
    found = (state.media(media_id) for media_id in post.media)
    return [media for media in found if media is not None]


def media_key(media_id: str) -> str:
    """The key of a photo."""
    return f"3_{media_id}"


def instant(moment: datetime) -> str:
    """A time as X writes it: `2026-11-23T10:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _contents(
    post: Post,
    media: list[Media],
    text: str,
    entities: list[dict[str, Any]],
    viewer: Viewer,
) -> dict[str, Any]:
    new = viewer.names == "new"
    answered = [{"type": "replied_to", "id": post.reply_to}] if post.reply_to else None
    return {
        "created_at": instant(post.created_at),
        "author_id": post.account,
        "conversation_id": post.reply_to or post.id,
        "lang": "de",
        "reply_settings": "everyone",
        "possibly_sensitive": False,
        "display_text_range": [0, len(text)],
        "entities": {"urls": entities} if entities else None,
        "attachments": {"media_keys": [media_key(m.id) for m in media]} if media else None,
        ("referenced_posts" if new else "referenced_tweets"): answered,
        **_metrics(post, viewer),
    }


def _metrics(post: Post, viewer: Viewer) -> dict[str, Any]:
    age = viewer.now - post.created_at
    grown = figures(post.id, age, bool(extract_urls(post.text)))
    reposts = "repost_count" if viewer.names == "new" else "retweet_count"
    seen = {"impression_count": grown.views, "like_count": grown.reactions, "reply_count": grown.comments}
    clicks = {"url_link_clicks": grown.link_clicks, "user_profile_clicks": grown.profile_clicks}
    metrics: dict[str, Any] = {
        "public_metrics": {
            **seen,
            reposts: grown.shares,
            "quote_count": grown.quotes,
            "bookmark_count": grown.bookmarks,
        },
    }
    if age <= PRIVATE_DAYS:
        private = {"impression_count": grown.views, "engagements": grown.engagements, **clicks}
        metrics["non_public_metrics"] = private
        metrics["organic_metrics"] = {**seen, "retweet_count": grown.shares, **clicks}
    return metrics


def _shown_media(media: Media, fields: frozenset[str], viewer: Viewer) -> dict[str, Any]:
    shown: dict[str, Any] = {"media_key": media_key(media.id), "type": "photo"}
    contents: dict[str, Any] = {
        "alt_text": media.alt or None,
        "height": media.height,
        "width": media.width,
        "url": f"{viewer.base}/_media/{media.id}",
    }
    return shown | {name: contents[name] for name in sorted(fields) if contents.get(name) is not None}


def _escaped(text: str, looks: Looks) -> str:
    return html.escape(text, quote=looks.quotes)


def _short(post_id: str, place: int) -> str:
    return "https://t.co/" + hashlib.sha256(f"{post_id} {place}".encode()).hexdigest()[:10]


def _url_entity(short: str, start: int, url: str) -> dict[str, Any]:
    target = url if "://" in url else f"http://{url}"
    parts = urlsplit(target)
    shown = target.partition("://")[2]
    return {
        "start": start,
        "end": start + len(short),
        "url": short,
        "expanded_url": target,
        "display_url": shown if len(shown) <= len(parts.netloc) + 15 else shown[: len(parts.netloc) + 14] + "…",
        "unwound_url": target,
    }


def _picture_entity(short: str, start: int, page: str, media: Media) -> dict[str, Any]:
    return {
        "start": start,
        "end": start + len(short),
        "url": short,
        "expanded_url": f"{page}/photo/1",
        "display_url": f"pic.x.com/{short[-10:]}",
        "media_key": media_key(media.id),
    }


def _names(query: Mapping[str, str], parameter: str) -> frozenset[str]:
    return frozenset(name for name in query.get(parameter, "").split(",") if name)


def _accepted(alike: frozenset[str], renamed: Mapping[str, str], vocabulary: Vocabulary) -> frozenset[str]:
    old, new = frozenset(renamed), frozenset(renamed.values())
    if not vocabulary.strict:
        return alike | old | new
    return alike | (new if vocabulary.names == "new" else old)


def _translate(names: frozenset[str], renamed: Mapping[str, str], spoken: Names) -> frozenset[str]:
    table = renamed if spoken == "new" else {new: old for old, new in renamed.items()}
    return frozenset(table.get(name, name) for name in names)


def _check(parameter: str, names: frozenset[str], known: frozenset[str]) -> None:
    for name in sorted(names - known):
        expected = ",".join(sorted(known))
        raise UnknownName(
            parameter,
            name,
            f"The `{parameter}` query parameter value [{name}] is not one of [{expected}]",
        )
