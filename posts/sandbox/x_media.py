"""X's media calls under /x/2/media: upload in one piece or in segments, and alternative text.

Source: X's OpenAPI document 2.167 and docs.x.com, x-api/media.
"""

from __future__ import annotations

import base64
import binascii
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from posts.sandbox import x_errors
from posts.sandbox.answers import Reply
from posts.sandbox.bodies import small_number
from posts.sandbox.course import Sandbox
from posts.sandbox.pictures import X_RULES, NotAPicture, Picture, Rules, examine
from posts.sandbox.state import MEDIA_LIFETIME, TWITTER, Media
from posts.sandbox.x import Asked, XApi, check_id, json_object, usable_media
from posts.sandbox.x_posts import media_key

ALT_TEXT_LIMIT = 1000
SEGMENTS = 1000
_RULES = {
    "tweet_image": Rules({k: v for k, v in X_RULES.bytes_of.items() if k != "GIF"}),
    "tweet_gif": Rules({"GIF": X_RULES.bytes_of["GIF"]}),
}
_UPLOAD_PARTS = frozenset({"media", "media_category", "additional_owners"})
_OLD_UPLOAD_PARTS = _UPLOAD_PARTS | {"media_type", "shared"}


@dataclass
class _Session:
    """An upload in segments that is not yet finished."""

    account: str
    category: str
    total: int
    started: datetime
    segments: dict[int, bytes] = field(default_factory=dict)


class MediaCalls:
    """The media calls; unfinished uploads live here and end with the process."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def add_to(self, api: XApi) -> None:
        """Serve the media calls."""
        api.route("POST", "/2/media/upload", "upload", self.upload)
        api.route("GET", "/2/media/upload", "lookup", self.status)
        api.route("POST", "/2/media/upload/initialize", "upload", self.initialize)
        api.route("POST", "/2/media/upload/{id}/append", "segments", self.append)
        api.route("POST", "/2/media/upload/{id}/finalize", "segments", self.finalize)
        api.route("POST", "/2/media/metadata", "metadata", self.describe)

    async def upload(self, box: Sandbox, asked: Asked) -> Reply:
        """One picture in one request."""
        parts = await _parts(asked)
        known = _UPLOAD_PARTS if box.vocabulary.names == "new" else _OLD_UPLOAD_PARTS
        for name in sorted(set(parts) - known):
            raise x_errors.invalid(
                f"$.{name}",
                "",
                f"$.{name}: is not defined in the schema and the schema does not allow additional properties",
            )
        content = await _content(parts.get("media"))
        return await _keep(box, asked, box.state.snowflake(asked.viewer.now), content, parts.get("media_category"))

    async def initialize(self, box: Sandbox, asked: Asked) -> Reply:
        """Begin an upload in segments."""
        body = json_object(asked.body)
        total, category = body.get("total_bytes"), body.get("media_category")
        if not isinstance(total, int) or isinstance(total, bool) or total <= 0:
            raise x_errors.invalid("$.total_bytes", total, "$.total_bytes: a positive integer is required")
        if category not in _RULES:
            raise x_errors.invalid("$.media_category", category, "$.media_category: this sandbox takes pictures only")
        if total > X_RULES.bytes_of["GIF"]:
            raise x_errors.invalid("$.total_bytes", total, "$.total_bytes: file size exceeds the limit")
        media_id = box.state.snowflake(asked.viewer.now)
        with self._lock:
            self._drop_expired(asked.viewer.now)
            self._sessions[media_id] = _Session(asked.account.id, category, total, asked.viewer.now)
        return Reply(200, {"data": {"id": media_id, "media_key": media_key(media_id), "expires_after_secs": 1295999}})

    async def append(self, box: Sandbox, asked: Asked) -> Reply:
        """One segment; the order in which they come doesn't matter."""
        session = self._session(asked)
        parts = await _parts(asked)
        index = small_number(str(parts.get("segment_index", "")))
        if index is None or index >= SEGMENTS:
            raise x_errors.invalid("$.segment_index", "", f"$.segment_index: must be 0 to {SEGMENTS - 1}")
        content = await _content(parts.get("media"))
        with self._lock:
            session.segments[index] = content
            too_much = sum(map(len, session.segments.values())) > session.total
        if too_much:
            raise x_errors.invalid("$.media", len(content), "$.media: more bytes than total_bytes announced")
        ends = session.started + MEDIA_LIFETIME
        return Reply(200, {"data": {"expires_at": int(ends.timestamp())}})

    async def finalize(self, box: Sandbox, asked: Asked) -> Reply:
        """Put the segments together and judge the picture."""
        session = self._session(asked)
        media_id = asked.request.path_params["id"]
        content = b"".join(session.segments[index] for index in sorted(session.segments))
        if len(content) != session.total:
            raise x_errors.invalid("id", media_id, "Segments do not add up to provided total file size.")
        reply = await _keep(box, asked, media_id, content, session.category)
        with self._lock:
            self._sessions.pop(media_id, None)
        return reply

    async def status(self, box: Sandbox, asked: Asked) -> Reply:
        """Pictures need no processing: what is there has succeeded."""
        media_id = check_id("media_id", asked.request.query_params.get("media_id"))
        media = box.state.media(media_id)
        if media is None or not usable_media(box, asked, media_id):
            raise x_errors.invalid("media_id", media_id, "Your media IDs are invalid.")
        return Reply(
            200,
            {
                "data": _shown(media)
                | {
                    "processing_info": {"state": "succeeded", "progress_percent": 100},
                }
            },
        )

    async def describe(self, box: Sandbox, asked: Asked) -> Reply:
        """Set the alternative text of an upload."""
        body = json_object(asked.body)
        media_id = check_id("id", body.get("id"))
        alt = _alt_text(body)
        media = box.state.media(media_id)
        if media is None or not usable_media(box, asked, media_id):
            raise x_errors.invalid("id", media_id, "Your media IDs are invalid.")
        box.state.put_media(replace(media, alt=alt))
        return Reply(200, {"data": {"id": media_id, "associated_metadata": {"alt_text": {"text": alt}}}})

    def _session(self, asked: Asked) -> _Session:
        media_id = check_id("id", asked.request.path_params["id"])
        with self._lock:
            session = self._sessions.get(media_id)
        if session is None or session.account != asked.account.id:
            raise x_errors.invalid("id", media_id, "Your media IDs are invalid.")
        return session

    def _drop_expired(self, now: datetime) -> None:
        self._sessions = {k: s for k, s in self._sessions.items() if now - s.started < MEDIA_LIFETIME}


async def _keep(box: Sandbox, asked: Asked, media_id: str, content: bytes, category: Any) -> Reply:
    if not isinstance(category, str) or category not in _RULES:
        raise x_errors.invalid(
            "$.media_category",
            category,
            "$.media_category: this sandbox takes pictures only, as tweet_image or tweet_gif",
        )
    try:
        picture = await run_in_threadpool(examine, content, _RULES[category])
    except NotAPicture as problem:
        raise x_errors.invalid("media", len(content), f"media: {problem}") from None
    media = _media(asked, media_id, picture, len(content))
    await run_in_threadpool(box.state.add_media, media, content)
    return Reply(200, {"data": _shown(media)})


def _media(asked: Asked, media_id: str, picture: Picture, size: int) -> Media:
    return Media(
        id=media_id,
        network=TWITTER,
        account=asked.account.id,
        mime=picture.mime,
        size=size,
        width=picture.width,
        height=picture.height,
        created_at=asked.viewer.now,
    )


def _shown(media: Media) -> dict[str, Any]:
    return {
        "id": media.id,
        "media_key": media_key(media.id),
        "size": media.size,
        "expires_after_secs": int(MEDIA_LIFETIME.total_seconds()),
        "image": {"image_type": media.mime, "w": media.width, "h": media.height},
    }


def _alt_text(body: dict[str, Any]) -> str:
    try:
        alt = body["metadata"]["alt_text"]["text"]
    except (KeyError, TypeError):
        alt = None
    if not isinstance(alt, str) or len(alt) > ALT_TEXT_LIMIT:
        raise x_errors.invalid(
            "$.metadata.alt_text.text",
            "",
            f"$.metadata.alt_text.text: a text of at most {ALT_TEXT_LIMIT} characters is required",
        )
    return alt


async def _parts(asked: Asked) -> dict[str, Any]:
    if asked.request.headers.get("content-type", "").startswith("application/json"):
        return json_object(asked.body)
    return dict(await asked.request.form())


async def _content(part: Any) -> bytes:
    if isinstance(part, UploadFile):
        return await part.read()
    try:
        return base64.b64decode(part, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise x_errors.invalid("$.media", "", "$.media: a file or base64 text is required") from None
