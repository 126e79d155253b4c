"""A server that takes e-mails (SMTP) on the loopback, and fails where a test wants it to."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "kampagnen", "geheim-4711"
# Far enough around the tests' clock and the machine's.
VALID = datetime(2020, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Taken:
    """A message that the server took on, with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    encrypted: bool
    user: str


@dataclass
class Postbox:
    """What came in, and how the server behaves. `answers` stand in place of the usual answer to a command; an empty one
    hangs up. The text is answered as "TEXT"; `before_answer` is called once it is there."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    before_answer: Callable[[], None] = lambda: None

    def recipients(self) -> list[str]:
        """Everybody who got something."""
        return [one for taken in self.taken for one in taken.recipients]


def certificate(folder: Path, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate for this very machine that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "postbox")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID[0])
        .not_valid_after(VALID[1] - timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@contextlib.contextmanager
def serving(files: tuple[Path, Path], *, tls: bool = False) -> Iterator[Postbox]:
    """A running server; with `tls` it speaks TLS from the first byte, else STARTTLS when asked."""
    box = Postbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)

    class Talk(_Talk):
        pass

    Talk.box, Talk.context, Talk.tls = box, context, tls
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()


class _HungUp(Exception):
    """The server ends the talk."""


class _Talk(socketserver.BaseRequestHandler):
    """One connection."""

    box: Postbox
    context: ssl.SSLContext
    tls: bool

    def handle(self) -> None:
        self.box.calls += 1
        self.encrypted, self.user = False, ""
        self.sender, self.to = "", []
        with contextlib.suppress(OSError, _HungUp):
            if self.tls:
                self._encrypt()
            self.reader = self.request.makefile("rb")
            self._say("HELLO", "220 postbox")
            while line := self.reader.readline().decode().strip():
                self._answer(line)

    def _encrypt(self) -> None:
        self.request = self.context.wrap_socket(self.request, server_side=True)
        self.reader = self.request.makefile("rb")
        self.encrypted = True

    def _say(self, command: str, usual: str) -> bool:
        """Answer; returns whether it was as usual."""
        words = self.box.answers.get(command, usual)
        if not words:
            self.request.close()
            raise _HungUp
        self.request.sendall(f"{words}\r\n".encode())
        return words == usual

    def _answer(self, line: str) -> None:
        command = line.partition(" ")[0].upper()
        match command:
            case "EHLO":
                self._say(command, "250-postbox\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 SIZE 20000000")
            case "STARTTLS":
                if self._say(command, "220 go on"):
                    self._encrypt()
            case "AUTH":
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                good = (user, password) == (USER, PASSWORD)
                self.user = user if good else ""
                self._say(command, "235 good" if good else "535 wrong")
            case "MAIL":
                self.sender, self.to = line.partition("<")[2].partition(">")[0], []
                self._say(command, "250 ok")
            case "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                if self._say(address if address in self.box.answers else command, "250 ok"):
                    self.to.append(address)
            case "DATA":
                if self._say(command, "354 go on"):
                    self._take()
            case "QUIT":
                self._say(command, "221 bye")
                raise _HungUp
            case _:
                self._say(command, "250 ok")

    def _take(self) -> None:
        lines = []
        while (line := self.reader.readline()) != b".\r\n":
            if not line:
                raise _HungUp
            lines.append(line[1:] if line.startswith(b"..") else line)
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        taken = Taken(self.sender, tuple(self.to), message, self.encrypted, self.user)
        if self.box.answers.get("TEXT", "2").startswith("2") or not self.box.answers["TEXT"]:
            self.box.taken.append(taken)
        self.box.before_answer()
        self._say("TEXT", "250 taken")
