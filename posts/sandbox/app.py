"""The sandbox as one ASGI application: both networks, the controls, and the page to look at."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from posts.clock import Clock, SystemClock
from posts.sandbox import controls, graph, pages, x, x_tokens
from posts.sandbox.course import Sandbox
from posts.sandbox.shifted import ShiftedClock
from posts.sandbox.state import State
from posts.sandbox.x_media import MediaCalls


def create_app(state: State, clock: Clock | None = None) -> FastAPI:
    """The application over that state; `clock` is what the networks take for the time (None: the machine's).

    Serve it by posts.sandbox.server: faults that break connections need its protocol.
    """
    box = Sandbox(state, ShiftedClock(clock or SystemClock()))
    app = FastAPI(title="Sandkasten", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.sandbox = box
    app.include_router(controls.router(box))
    api = x.routes(box)
    MediaCalls().add_to(api)
    x_tokens.add_to(api)
    app.include_router(api.router)
    app.include_router(graph.router(box))
    app.include_router(pages.router(box))
    app.add_middleware(Counted, box=box)
    return app


class Counted:
    """Counts the networks' calls that are under way from their first byte on: whoever lets time pass waits for them,
    also for one whose body is still being read and whose caller is dead."""

    def __init__(self, app: ASGIApp, box: Sandbox) -> None:
        self._app, self._box = app, box

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(("/x/", "/graph/")):
            await self._app(scope, receive, send)
            return
        self._box.under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._box.under_way -= 1
