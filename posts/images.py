"""Pictures: fetched with guards, verified, shrunk to a network's limits, stripped of all metadata, kept by content.

Every failure is an ImageError with one German sentence and a stable reason.
"""

from __future__ import annotations

import hashlib
import io
import ipaddress
import os
import socket
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

import certifi
import urllib3
from PIL import Image as Pillow
from PIL import ImageOps

REDIRECTS = (301, 302, 303, 307, 308)
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png"}
QUALITIES = (90, 82, 74, 66, 58, 50)
SMALLEST_SIDE = 200
LARGEST_PIXELS = 60_000_000
"""More pixels than any camera of a portal makes; beyond it a small file could fill the memory."""


class ImageError(Exception):
    """A picture that can't be used; `reason` is a stable word, the message one German sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class FetchLimits:
    """How much and how long: bytes of the file, seconds in all, seconds of one wait, and redirects."""

    size: int = 20_000_000
    seconds: float = 60.0
    wait: float = 10.0
    redirects: int = 3


@dataclass(frozen=True)
class PreparedImage:
    """A picture as a network takes it. `suffix` fits the format; sizes in pixels."""

    data: bytes
    suffix: str
    width: int
    height: int


# --- fetching ------------------------------------------------------------------------------------------------


def fetch(
    source: str,
    *,
    root: Path | None,
    limits: FetchLimits,
    allowed_hosts: frozenset[str] = frozenset(),
    monotonic: Callable[[], float] = time.monotonic,
) -> bytes:
    """The bytes of an http(s) address or of a path below `root`. Raises ImageError.

    Addresses lead to public machines only, at every redirect; `allowed_hosts` names hosts for which an
    administrator has said otherwise.
    """
    if source.lower().startswith(("http://", "https://")):
        return _download(source, limits, allowed_hosts, monotonic() + limits.seconds, monotonic)
    return _read_below(source, root, limits)


def _read_below(source: str, root: Path | None, limits: FetchLimits) -> bytes:
    if root is None:
        raise ImageError("no_root", "Für Bilddateien dieses Portals ist kein Ordner (image_root) eingestellt.")
    base = root.resolve()
    try:
        file = (base / source).resolve()
        inside = file.is_relative_to(base)
        size = file.stat().st_size if inside else 0
    except (OSError, ValueError):
        raise ImageError("missing", f"Die Bilddatei {source} gibt es nicht.") from None
    if not inside:
        raise ImageError("outside", f"Die Bilddatei {source} liegt außerhalb des Bilderordners.")
    if size > limits.size:
        raise ImageError("too_large", f"Die Bilddatei {source} ist größer als {limits.size // 1_000_000} MB.")
    try:
        return file.read_bytes()
    except OSError:
        raise ImageError("missing", f"Die Bilddatei {source} lässt sich nicht lesen.") from None


def _download(
    url: str, limits: FetchLimits, allowed_hosts: frozenset[str], deadline: float, monotonic: Callable[[], float]
) -> bytes:
    for _ in range(limits.redirects + 1):
        parts = _web_address(url)
        with _pool(parts, _checked_address(parts, allowed_hosts), limits) as pool:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            try:
                answer = pool.request(
                    "GET",
                    target,
                    headers={"Host": parts.netloc, "User-Agent": "Kreativorte-Kampagnen", "Accept": "image/*"},
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    assert_same_host=False,
                )
            except (urllib3.exceptions.HTTPError, OSError):
                raise ImageError("unreachable", f"Das Bild {url} ist nicht erreichbar.") from None
            if answer.status not in REDIRECTS:
                return _read_limited(answer, url, limits, deadline, monotonic)
            url = urljoin(url, answer.headers.get("Location", ""))
            answer.close()
    raise ImageError("redirects", f"Das Bild {url} leitet zu oft weiter.")


def _web_address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImageError("address", f"Die Bildadresse {url} ist ungültig.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0:
        raise ImageError("address", f"Die Bildadresse {url} ist keine http(s)-Adresse.")
    return parts


def _checked_address(parts: SplitResult, allowed_hosts: frozenset[str]) -> str:
    """The machine's address, public unless allowed; the connection then goes there and nowhere else."""
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ImageError("unreachable", f"Den Bildserver {host} gibt es nicht.") from None
    addresses = [str(entry[4][0]) for entry in found]
    if host not in allowed_hosts and not all(_is_public(address) for address in addresses):
        raise ImageError("private", f"Der Bildserver {host} liegt in einem privaten Netz; das ist nicht erlaubt.")
    return addresses[0]


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None) or parsed
    return bool(inner.is_global and parsed.is_global | (inner is not parsed) and not inner.is_multicast)


def _pool(parts: SplitResult, address: str, limits: FetchLimits) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=limits.wait, read=limits.wait)
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(address, parts.port or 80, timeout=timeout)
    return urllib3.HTTPSConnectionPool(
        address,
        parts.port or 443,
        timeout=timeout,
        server_hostname=parts.hostname,
        assert_hostname=parts.hostname,
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
    )


def _read_limited(
    answer: urllib3.BaseHTTPResponse,
    url: str,
    limits: FetchLimits,
    deadline: float,
    monotonic: Callable[[], float],
) -> bytes:
    if answer.status != 200:
        raise ImageError("unreachable", f"Das Bild {url} antwortet mit HTTP {answer.status}.")
    data = bytearray()
    try:
        for chunk in answer.stream(65_536, decode_content=True):
            data += chunk
            if len(data) > limits.size:
                raise ImageError("too_large", f"Das Bild {url} ist größer als {limits.size // 1_000_000} MB.")
            if monotonic() > deadline:
                raise ImageError("too_slow", f"Das Bild {url} kam nicht in {limits.seconds:.0f} Sekunden.")
    except (urllib3.exceptions.HTTPError, OSError):
        raise ImageError("unreachable", f"Das Bild {url} brach beim Laden ab.") from None
    finally:
        answer.close()
    return bytes(data)


# --- preparing -----------------------------------------------------------------------------------------------


def prepare_image(data: bytes, *, max_bytes: int, types: Iterable[str], max_side: int) -> PreparedImage:
    """The picture upright, in RGB, without metadata, within the limits. The same bytes give the same result.

    `types` are Pillow's format names that the network takes. Raises ImageError.
    """
    image = _opened(data)
    keep_png = image.format == "PNG" and "PNG" in set(types)
    upright = _in_rgb(_upright(image))
    side = min(max_side, max(upright.size))
    while side >= min(SMALLEST_SIDE, max(upright.size)):
        shrunk = upright.copy()
        shrunk.thumbnail((side, side), Pillow.Resampling.LANCZOS)
        for encoded in _encodings(shrunk, keep_png):
            if len(encoded) <= max_bytes:
                suffix = SUFFIXES["PNG" if encoded.startswith(b"\x89PNG") else "JPEG"]
                return PreparedImage(encoded, suffix, *shrunk.size)
        side = side * 3 // 4
    raise ImageError("too_large", "Das Bild lässt sich nicht klein genug machen.")


def _opened(data: bytes) -> Pillow.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            image = Pillow.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"))
            if image.width * image.height > LARGEST_PIXELS:
                raise ImageError("too_many_pixels", "Das Bild hat zu viele Bildpunkte.")
            image.seek(0)
            image.load()
    except ImageError:
        raise
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise ImageError("too_many_pixels", "Das Bild hat zu viele Bildpunkte.") from None
    except Exception:  # Pillow's readers raise whatever a broken file makes them stumble over
        raise ImageError("broken", "Die Bilddatei ist beschädigt oder kein Bild.") from None
    return image


def _upright(image: Pillow.Image) -> Pillow.Image:
    try:
        return ImageOps.exif_transpose(image) or image
    except Exception:  # broken EXIF data says nothing about the picture itself
        return image


def _in_rgb(image: Pillow.Image) -> Pillow.Image:
    """Without transparency (laid on white) and in RGB; a fresh image, so that no metadata comes along."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        ground = Pillow.new("RGBA", layered.size, (255, 255, 255, 255))
        image = Pillow.alpha_composite(ground, layered)
    plain = image.convert("RGB")
    fresh = Pillow.new("RGB", plain.size)
    fresh.paste(plain)
    return fresh


def _encodings(image: Pillow.Image, keep_png: bool) -> Iterable[bytes]:
    if keep_png:
        yield _encoded(image, "PNG", optimize=True)
    for quality in QUALITIES:
        yield _encoded(image, "JPEG", quality=quality, optimize=True, progressive=True)


def _encoded(image: Pillow.Image, kind: str, **options: int | bool) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# --- keeping -------------------------------------------------------------------------------------------------


def store(data: bytes, directory: Path, suffix: str) -> Path:
    """Keep bytes under their SHA-256, written whole or not at all; returns the file. Raises ImageError."""
    file = directory / f"{hashlib.sha256(data).hexdigest()}{suffix}"
    if file.is_file():
        os.utime(file)
        return file
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=directory, suffix=".part")
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(draft).replace(file)
    except OSError as error:
        raise ImageError("not_kept", f"Das Bild lässt sich nicht speichern: {error.strerror}.") from None
    return file


def trim(directory: Path, max_bytes: int, keep: set[str]) -> int:
    """Delete the longest unused pictures until the folder is within `max_bytes`; returns how many went.

    Those in `keep` (absolute paths) stay, whatever the size.
    """
    files = sorted((file for file in directory.glob("*") if file.is_file()), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in files)
    gone = 0
    for file in files:
        if total <= max_bytes:
            break
        if str(file.resolve()) not in keep:
            total -= file.stat().st_size
            file.unlink(missing_ok=True)
            gone += 1
    return gone
