"""A server on loopback that answers as a test scripts it, and keeps what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form, multipart or not; a file's bytes stand as text in Latin-1."""
        kind = self.headers["content-type"] or ""
        if not kind.startswith("multipart/"):
            return {key: values[0] for key, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}
        whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + self.body)
        return {
            str(part.get_param("name", header="content-disposition")): bytes(part.get_payload(decode=True)).decode(
                "latin-1"
            )
            for part in whole.iter_parts()
        }


@dataclass(frozen=True)
class Says:
    """One scripted answer. A `body` that is no text or bytes is sent as JSON; `hang_up` closes without a word."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False
    silent: bool = False  # keeps the connection open and never answers
    declared: int | None = None  # content-length to claim, for torn answers

    @property
    def raw(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class ScriptedServer:
    """Answers in the order of `script`; when that is used up, with the last answer again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: deque[Says] = deque()
        self.closing = threading.Event()
        self._scheme = "http"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Take only TLS connections from now on."""
        self._scheme = "https"
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def says(self, *answers: Says) -> None:
        """What it answers from now on."""
        self.script = deque(answers)

    def next_answer(self) -> Says:
        return self.script.popleft() if len(self.script) > 1 else self.script[0]

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(script: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            script.asked.append(Asked(self.command, self.path, self.headers, body))
            says = script.next_answer()
            if says.silent:
                script.closing.wait(30)
            if says.hang_up or says.silent:
                self.close_connection = True
                return
            self.send_response_only(says.status)
            for name, value in says.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(says.raw) if says.declared is None else says.declared))
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(says.raw)
            self.close_connection = True

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler
