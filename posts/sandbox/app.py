"""The sandbox as one ASGI application: both networks, the controls, and the page to look at."""

from __future__ import annotations

from fastapi import FastAPI

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
    return app
