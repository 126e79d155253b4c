"""The sandbox to look at: what stands on the accounts, as pages for people. Nothing on them comes from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from posts.sandbox.course import Sandbox
from posts.sandbox.engagement import Figures, figures
from posts.sandbox.state import FACEBOOK, NETWORKS, TWITTER, Account, Media, Post
from posts.text import extract_urls

SHOWN = 200
"""How many posts one page shows at most, the newest first."""

_LABELS = {TWITTER: "X", FACEBOOK: "Facebook"}
_MIMES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"})
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Piece:
    """A part of a text; `href` is set where it is a link."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Shown:
    """A post as the page shows it."""

    post: Post
    account: Account
    label: str
    pieces: list[Piece]
    media: list[Media]
    grown: Figures
    created: str
    iso: str
    href: str


def router(box: Sandbox) -> APIRouter:
    """The pages, the pictures, and X's own form of permalinks."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def everything() -> Response:
        posts = [post for post in reversed(box.state.posts()) if _visible(post)]
        return _page(box, "Alle Konten", posts)

    @routes.get("/timeline/{network}/{account}")
    async def timeline(network: str, account: str) -> Response:
        known = box.state.account(network, account) if network in NETWORKS else None
        if known is None:
            return _missing(box, "Dieses Konto kennt der Sandkasten nicht.")
        posts = [post for post in box.state.posts_of(network, account) if _visible(post)]
        return _page(box, f"{known.name} auf {_LABELS[network]}", posts, known)

    @routes.get("/timeline/{network}/{account}/{post_id}")
    async def permalink(network: str, account: str, post_id: str) -> Response:
        return _single(box, network, account, post_id)

    @routes.get("/x/{username}/status/{post_id}")
    async def x_permalink(username: str, post_id: str) -> Response:
        return _single(box, TWITTER, None, post_id)

    @routes.get("/_media/{media_id}")
    async def picture(media_id: str) -> Response:
        media = box.state.media(media_id)
        content = box.state.content(media_id) if media is not None else None
        if media is None or content is None or media.mime not in _MIMES:
            return Response(status_code=404)
        return Response(content, media_type=media.mime, headers={"x-content-type-options": "nosniff"})

    @routes.get("/favicon.ico")
    async def icon(request: Request) -> Response:
        return Response(status_code=204)

    return routes


def _single(box: Sandbox, network: str, account: str | None, post_id: str) -> Response:
    post = box.state.post(post_id)
    if post is None or post.network != network or account not in (None, post.account):
        return _missing(box, "Diesen Beitrag gibt es nicht.")
    if not _visible(post):
        return _missing(box, "Dieser Beitrag wurde gelöscht.", 410)
    known = box.state.meet(network, post.account)
    return _page(box, f"Beitrag von {known.name} auf {_LABELS[network]}", [post], known)


def _visible(post: Post) -> bool:
    return post.deleted_at is None and post.published


def _page(box: Sandbox, title: str, posts: list[Post], account: Account | None = None) -> Response:
    now = box.clock.now()
    return _rendered(
        box,
        200,
        title=title,
        account=account,
        total=len(posts),
        message="",
        posts=[_shown(box, post, now) for post in posts[:SHOWN]],
    )


def _missing(box: Sandbox, message: str, status: int = 404) -> Response:
    return _rendered(box, status, title="Nicht gefunden", account=None, total=0, message=message, posts=[])


def _rendered(box: Sandbox, status: int, **values: Any) -> Response:
    template = _TEMPLATES.get_template("timeline.html")
    accounts = [(a, _LABELS[a.network]) for a in box.state.accounts()]
    page = template.render(accounts=accounts, limit=SHOWN, now=_german(box.clock.now()), **values)
    policy = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return HTMLResponse(page, status, headers={"content-security-policy": policy, "cache-control": "no-store"})


def _shown(box: Sandbox, post: Post, now: datetime) -> Shown:
    media = [m for media_id in post.media if (m := box.state.media(media_id))]
    has_link = bool(post.link or extract_urls(post.text))
    return Shown(
        post=post,
        account=box.state.meet(post.network, post.account),
        label=_LABELS[post.network],
        pieces=_pieces(post.text),
        media=media,
        grown=figures(post.id, now - post.created_at, has_link),
        created=_german(post.created_at),
        iso=post.created_at.isoformat(),
        href=f"/timeline/{post.network}/{post.account}/{post.id}",
    )


def _pieces(text: str) -> list[Piece]:
    pieces, done = [], 0
    for link in extract_urls(text):
        href = link.url if "://" in link.url else f"http://{link.url}"
        pieces += [Piece(text[done : link.start]), Piece(link.url, href)]
        done = link.end
    return [piece for piece in [*pieces, Piece(text[done:])] if piece.text]


def _german(moment: datetime) -> str:
    return moment.strftime("%d.%m.%Y, %H:%M Uhr (UTC)")
