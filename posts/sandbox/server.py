"""The sandbox as a server on loopback: in a thread for tests, in the foreground for the command line."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from posts.clock import Clock
from posts.sandbox.app import create_app
from posts.sandbox.controls import NAME
from posts.sandbox.state import State

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_WAITING = 512  # connections that may wait to be taken
_FINISH_SECONDS = 1  # how long requests that a fault holds open may keep a stopping server


class SandboxUnusable(Exception):
    """The server could not be started; the sentence says why."""


class _Line(H11Protocol):
    """Shows the application its connection, so that faults can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Server:
    """A sandbox in a thread of its own, on 127.0.0.1; a context manager.

    `state_file` None keeps everything in memory; `port` 0 takes a free one; `clock` None is the machine's.
    Entering raises StateFileUnusable for a broken state file and SandboxUnusable for a port in use.
    """

    def __init__(self, state_file: Path | None = None, port: int = 0, clock: Clock | None = None) -> None:
        self._file = state_file
        self._port = port
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self.state: State

    @property
    def url(self) -> str:
        """Its address, without trailing slash."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def x_base(self) -> str:
        """Where it speaks the X API; an `api_base`."""
        return f"{self.url}/x"

    @property
    def graph_base(self) -> str:
        """Where it speaks the Graph API; an `api_base`."""
        return f"{self.url}/graph"

    def __enter__(self) -> Server:
        self.state = State(self._file)
        listener = _listen("127.0.0.1", self._port)
        self._port = listener.getsockname()[1]
        started = threading.Event()
        self._server = _Announcing(_config(self.state, self._clock), started)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [listener]},
            name="sandbox",
            daemon=True,
        )
        self._thread.start()
        if not started.wait(_START_SECONDS):
            raise SandboxUnusable("The sandbox did not start in time.")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self.state.persist()


def serve(host: str, port: int, state_file: Path | None) -> None:
    """Run the sandbox until it is asked to stop (SIGINT, SIGTERM).

    Raises StateFileUnusable for a broken state file and SandboxUnusable for an address that can't be used.
    """
    state = State(state_file)
    listener = _listen(host, port)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(_config(state, None)).run(sockets=[listener])
    state.persist()


def is_sandbox(url: str, timeout: float = 2.0) -> bool:
    """Whether a sandbox answers at this http address within `timeout` seconds."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", "/_sandbox")
            answer = json.loads(connection.getresponse().read(4096))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return isinstance(answer, dict) and answer.get("sandbox") == NAME


class _Announcing(uvicorn.Server):
    """Says when it takes calls."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._announced = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announced.set()


def _config(state: State, clock: Clock | None) -> uvicorn.Config:
    # The networks' own Date header follows the sandbox's clock, so the server must not add another.
    return uvicorn.Config(
        create_app(state, clock),
        http=_Line,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=_FINISH_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it, answers wait 40 ms for an ACK.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_WAITING)
        return listener
    except (OSError, OverflowError) as problem:
        listener.close()
        raise SandboxUnusable(f"The sandbox can't listen on {host}:{port}: {problem}") from None
