"""The web pages: `site` builds them over one application, `serve` runs them."""

from __future__ import annotations

import contextlib
import gc
import socket
from urllib.parse import urlsplit

import uvicorn
from fastapi import Depends, FastAPI
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from campaign.app import App, templates_directory
from campaign.settings import SettingsError
from campaign.web import (
    account,
    announcement_page,
    announcements,
    api,
    brake,
    calendar_page,
    campaigns_page,
    channels_page,
    health,
    log,
    places_page,
    report_page,
    settings_page,
    signing_in,
    templates_page,
    today,
    users,
)
from campaign.web.door import admit
from campaign.web.page import ASSETS, Assets, Pages
from campaign.web.shield import Shield
from campaign.web.trouble import add_handlers

PAGES = (
    signing_in,
    today,
    calendar_page,
    announcement_page,
    announcements,
    places_page,
    campaigns_page,
    templates_page,
    report_page,
    channels_page,
    brake,
    log,
    users,
    account,
    settings_page,
    api,
    health,
)
"""Every module with routes. A new page is added here, its routes to the table in rules.py."""
PORT = 8000
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LARGEST_BODY = 20 * 1024 * 1024
"""Bytes of one request; a picture of a telephone fits."""
WAITING = 128
FINISH_SECONDS = 5
NOT_BUILT = "The pages' assets are missing; `./run.sh` builds them when it installs the project."


def site(app: App) -> FastAPI:
    """The pages of one application. Raises SettingsError when their assets were not built."""
    templates = templates_directory() / "web"
    if not (templates / "assets" / "vendor").is_dir():
        raise SettingsError(NOT_BUILT)
    pages = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(admit)])
    assets = Assets(templates / "assets")
    pages.state.app = app
    pages.state.pages = Pages(templates, assets)
    pages.state.limiter = MovingWindowRateLimiter(MemoryStorage())
    # Only what is the same for everybody is compressed: secrets in compressed pages can be guessed (BREACH).
    pages.mount(ASSETS, GZipMiddleware(assets))
    for page in PAGES:
        pages.include_router(page.routes)
    add_handlers(pages)
    address: str = app.settings["web.address"]
    known = [*LOOPBACK, *filter(None, [urlsplit(address).hostname])]
    # The last one added stands outermost.
    pages.add_middleware(RequestBodyLimitMiddleware, max_body_size=LARGEST_BODY)
    pages.add_middleware(TrustedHostMiddleware, allowed_hosts=known, www_redirect=False)
    pages.add_middleware(Shield, https=address.startswith("https:"))
    return pages


def address_of(app: App, host: str, port: int) -> str:
    """Where browsers reach the pages, without trailing slash."""
    shown = f"[{host}]" if ":" in host else host
    address: str = app.settings["web.address"] or f"http://{shown}:{port}"
    return address


def listener(app: App, host: str, port: int) -> socket.socket:
    """A socket for the pages; port 0 takes a free one. Raises SettingsError when that address can't be used."""
    if host not in LOOPBACK and not app.settings["web.address"]:
        raise SettingsError(
            "Other machines may reach the pages only under a known address: set 'web.address' to what browsers use, "
            "such as https://kampagnen.example.org."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(WAITING)
    except (OSError, OverflowError) as problem:
        taken.close()
        raise SettingsError(f"The pages can't listen on {host}:{port}: {problem}.") from None
    return taken


def serve(app: App, at: socket.socket) -> None:
    """Run the pages until they are asked to stop (SIGINT, SIGTERM)."""
    server = uvicorn.Server(configuration(app))
    freeze()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[at])


def freeze() -> None:
    """What the server is made of stays to the end: the collector need not look through it whenever a page makes many
    values (a third of the time of a large report)."""
    gc.collect()
    gc.freeze()


def configuration(app: App) -> uvicorn.Config:
    """How the server runs the pages of one application."""
    return uvicorn.Config(
        site(app),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        # Whoever says in a header where a request came from is believed only behind a proxy, and only on loopback.
        proxy_headers=bool(app.settings["web.address"]),
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
