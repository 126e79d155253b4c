"""Reading a picture from a web address or from a portal's folder, trusting neither; asking whether a page answers.

An address comes from a portal's database, so it may point anywhere: only public hosts are asked, the address that was
checked is the one connected to, each redirect is checked anew, and size and time are bounded while reading.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import stat
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import idna
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from posts.clock import Clock, SystemClock
from posts.images.errors import ImageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 65_536
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_REDIRECTS = (301, 302, 303, 307, 308)
_PICTURE = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "Kreativorte-Kampagnen (picture)"}
_PAGE = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Kreativorte-Kampagnen (link check)"}


@dataclass(frozen=True)
class FetchLimits:
    """How much patience a source is worth. `size` in bytes; times in seconds, `total` over all redirects."""

    size: int = 20_000_000
    total: float = 60.0
    connect: float = 5.0
    read: float = 15.0
    redirects: int = 3


def fetch(
    source: str,
    *,
    root: Path | None,
    limits: FetchLimits,
    allowed_hosts: Collection[str] = (),
    clock: Clock | None = None,
) -> bytes:
    """The bytes of a picture at an http(s) address, or at a path below `root`.

    `allowed_hosts` are host names that may have private addresses (sandbox and demonstration). Proxies of the
    environment are not used: behind one, nobody could check where a request goes. Raises ImageError.
    """
    if "://" not in source:
        return _read_below(source, root, limits)
    deadline = _Deadline(clock or SystemClock(), limits)
    url = source
    for _ in range(limits.redirects + 1):
        parts = _checked_url(url)
        with _asked(parts, deadline, limits, _PICTURE, parts.hostname in allowed_hosts) as response:
            location = _location(response)
            if location is None:
                return _picture(response, parts.hostname or "", limits)
        url = _joined(url, location)
    raise ImageError("redirects")


def status_of(address: str, *, limits: FetchLimits, clock: Clock | None = None) -> int:
    """The status that a web page answers with after redirects.

    Its body is not read, and nothing of it is shown to anybody: so any host may be asked. Raises ImageError.
    """
    deadline = _Deadline(clock or SystemClock(), limits)
    for _ in range(limits.redirects + 1):
        with _asked(_checked_url(address), deadline, limits, _PAGE, True) as response:
            location = _location(response)
            if location is None:
                return response.status
        address = _joined(address, location)
    raise ImageError("redirects")


class _Deadline:
    """The instant by which everything must have been read, on the clock's monotonic scale."""

    def __init__(self, clock: Clock, limits: FetchLimits) -> None:
        self._clock = clock
        self._end = clock.monotonic() + limits.total

    def seconds(self, at_most: float) -> float:
        """How long the next step may take. Raises TimeoutError when no time is left."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError("no time left")
        return min(left, at_most)


class _TimedReader(io.RawIOBase):
    """Reads a socket under a deadline, so that a server that sends byte by byte can't hold anybody."""

    def __init__(self, connected: socket.socket, deadline: _Deadline, limits: FetchLimits) -> None:
        self._socket = connected
        self._deadline = deadline
        self._limits = limits

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._socket.settimeout(self._deadline.seconds(self._limits.read))
        return self._socket.recv_into(buffer)


class _Wire:
    """What http.client needs of a socket. It never closes: whoever opened the socket does."""

    def __init__(self, connected: socket.socket, deadline: _Deadline, limits: FetchLimits) -> None:
        self._socket = connected
        self._reader = _TimedReader(connected, deadline, limits)

    def sendall(self, data: bytes) -> None:
        self._socket.sendall(data)

    def makefile(self, mode: str) -> IO[bytes]:
        return io.BufferedReader(self._reader)

    def close(self) -> None:
        """Nothing: the answer is still to be read."""


@contextmanager
def _asked(
    url: SplitResult, deadline: _Deadline, limits: FetchLimits, headers: dict[str, str], anywhere: bool
) -> Iterator[http.client.HTTPResponse]:
    host = url.hostname or ""
    try:
        addresses = _addresses(host, _port(url), anywhere)
        with closing(_connected(addresses, url, deadline, limits)) as connected:
            connection = http.client.HTTPConnection(host, _port(url))
            connection.default_port = 443 if url.scheme == "https" else 80
            connection.sock = _Wire(connected, deadline, limits)
            connection.request("GET", _target(url), headers=headers)
            yield connection.getresponse()
    except TimeoutError:
        raise ImageError("slow", host) from None
    except ssl.SSLCertVerificationError:
        raise ImageError("certificate", host) from None
    except (OSError, http.client.HTTPException, ValueError):
        raise ImageError("unreachable", host) from None


def _location(response: http.client.HTTPResponse) -> str | None:
    """Where a redirect leads, None for other answers. Header lines are Latin-1 on the wire, addresses mostly UTF-8."""
    named = response.getheader("Location") if response.status in _REDIRECTS else None
    return named.encode("latin-1", "replace").decode("utf-8", "replace") if named else None


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise ImageError("address_invalid") from None


def _picture(response: http.client.HTTPResponse, host: str, limits: FetchLimits) -> bytes:
    if response.status != http.client.OK:
        raise _refusal(response.status, host)
    kind = (response.getheader("Content-Type") or "").split(";")[0].strip().lower()
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise ImageError("not_an_image", f"{host}: {kind[:60]}")
    return _bounded(response, limits)


def _refusal(status: int, host: str) -> ImageError:
    if status in (404, 410):
        return ImageError("missing", host)
    if status in (408, 425, 429) or status >= 500:
        return ImageError("unavailable", f"{host}, HTTP {status}")
    return ImageError("forbidden", f"{host}, HTTP {status}")


def _bounded(response: http.client.HTTPResponse, limits: FetchLimits) -> bytes:
    announced = response.length
    data = bytearray()
    while chunk := response.read(_CHUNK):
        data += chunk
        if len(data) > limits.size:
            raise _too_large(limits)
    if announced is not None and len(data) < announced:
        raise http.client.IncompleteRead(bytes(data))
    return bytes(data)


def _too_large(limits: FetchLimits) -> ImageError:
    return ImageError("too_large", f"{limits.size // 1_000_000} MB")


def _checked_url(url: str) -> SplitResult:
    """The address taken apart, its host in ASCII. Raises ImageError."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except ValueError:  # idna.IDNAError is one
        raise ImageError("address_invalid") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ImageError("address_scheme")
    if parts.username is not None or parts.password is not None:
        raise ImageError("address_with_credentials")
    return parts._replace(netloc=f"[{ascii_host}]{port}" if ":" in ascii_host else f"{ascii_host}{port}")


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _target(url: SplitResult) -> str:
    path = quote(url.path or "/", safe="/%:@!$&'()*+,;=~")
    return f"{path}?{quote(url.query, safe='/%:@!$&()*+,;=~?')}" if url.query else path


def _addresses(host: str, port: int, allowed: bool) -> list[str]:
    """The host's addresses. Raises ImageError when one of them is not public, OSError when it has none."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not allowed and not all(map(_is_public, found)):
        raise ImageError("private_address", host)
    return found


def _is_public(address: str) -> bool:
    """Whether anybody on the Internet could reach it; addresses that carry an IPv4 address are judged by that."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        if parsed.teredo or parsed.is_site_local:
            return False
        carried = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            carried = IPv4Address(int(parsed) & 0xFFFFFFFF)
        if carried:
            return _is_public(str(carried))
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _connected(addresses: list[str], url: SplitResult, deadline: _Deadline, limits: FetchLimits) -> socket.socket:
    """A connection to the first checked address that answers; never a second look-up of the name."""
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            plain = socket.create_connection((address, _port(url)), timeout=deadline.seconds(limits.connect))
        except OSError as error:
            failure = error
            continue
        return _secured(plain, url.hostname or "") if url.scheme == "https" else plain
    raise failure


def _secured(plain: socket.socket, host: str) -> socket.socket:
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _read_below(source: str, root: Path | None, limits: FetchLimits) -> bytes:
    if root is None:
        raise ImageError("no_folder")
    try:
        home = root.resolve()
        file = (home / source.lstrip("/")).resolve()
        if not file.is_relative_to(home):
            raise ImageError("outside_folder")
        return _read_file(file, limits)
    except (OSError, ValueError, RuntimeError):  # missing or unreadable; a null byte; a circle of links
        raise ImageError("not_in_folder") from None


def _read_file(file: Path, limits: FetchLimits) -> bytes:
    # O_NOFOLLOW: the path is resolved; a link that appears now was put there in between. O_NONBLOCK: pipes don't wait.
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError("not a regular file")
        data = opened.read(limits.size + 1)
    if len(data) > limits.size:
        raise _too_large(limits)
    return data
