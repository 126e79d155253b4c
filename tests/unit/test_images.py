"""Pictures from anywhere: only from where they may come, only what they should be, always within the limits."""

from __future__ import annotations

import datetime
import http.server
import io
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image, ImageCms, PngImagePlugin

from campaign import news
from campaign.compose import link_problem
from posts.clock import ManualClock
from posts.images import FetchLimits, ImageError, fetch, prepare_image, status_of, store, trim
from posts.images.fetching import _is_public

LOCAL = frozenset({"127.0.0.1"})
LIMITS = FetchLimits(size=100_000, total=30.0, connect=5.0, read=5.0, redirects=3)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


PICTURE = encoded(Image.new("RGB", (40, 30), "green"), "PNG")
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Server:
    """A web server on this machine whose paths are told what to answer; `seen` are the requests' lines and hosts."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, str]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append((self.path, self.headers["Host"]))
                outer.answers[self.path](self)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def port(self) -> int:
        return self.http.server_address[1]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def answers(data: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content_Type": "image/png", "Content_Length": str(len(data)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


def refusal(source: str, *, root: Path | None = None, allowed: frozenset[str] = LOCAL, **more: Any) -> str:
    with pytest.raises(ImageError) as caught:
        fetch(source, root=root, limits=more.pop("limits", LIMITS), allowed_hosts=allowed, **more)
    assert news.sentence(f"image_unusable:{caught.value}").endswith(".")
    return caught.value.reason


# --- from the web ---------------------------------------------------------------------------------------------


def test_a_picture_is_fetched(server: Server) -> None:
    server.answers["/a%20%C3%B6.png?x=%C3%A4"] = answers(PICTURE)
    assert fetch(server.url("/a ö.png?x=ä#teil"), root=None, limits=LIMITS, allowed_hosts=LOCAL) == PICTURE
    assert server.seen == [("/a%20%C3%B6.png?x=%C3%A4", f"127.0.0.1:{server.port}")]


def test_redirects_are_followed_three_times_and_no_further(server: Server) -> None:
    for number in range(4):
        server.answers[f"/{number}"] = answers(b"", 302, Location=f"/{number + 1}")
    server.answers["/4"] = answers(PICTURE)
    assert fetch(server.url("/1"), root=None, limits=LIMITS, allowed_hosts=LOCAL) == PICTURE
    assert refusal(server.url("/0")) == "redirects"


def test_private_hosts_are_not_asked(server: Server) -> None:
    server.answers["/a.png"] = answers(PICTURE)
    assert refusal(server.url("/a.png"), allowed=frozenset()) == "private_address"
    assert refusal(f"http://localhost:{server.port}/a.png") == "private_address"
    assert refusal(f"http://2130706433:{server.port}/a.png") == "private_address"
    assert refusal(f"http://[::ffff:127.0.0.1]:{server.port}/a.png") == "private_address"
    assert server.seen == []


def test_a_redirect_to_a_private_host_is_not_followed(server: Server) -> None:
    server.answers["/a.png"] = answers(b"", 302, Location=f"http://localhost:{server.port}/secret")
    assert refusal(server.url("/a.png")) == "private_address"
    assert [path for path, _ in server.seen] == ["/a.png"]


def test_a_redirect_cannot_reach_files(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    server.answers["/a.png"] = answers(b"", 302, Location=f"file://{tmp_path}/a.png")
    assert refusal(server.url("/a.png"), root=tmp_path) == "address_scheme"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("ff02::1", False),
    ],
)
def test_public_means_reachable_by_anybody(address: str, public: bool) -> None:
    assert _is_public(address) is public


def test_the_checked_address_is_the_one_connected_to(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently the second time gains nothing: it is looked up once."""
    server.answers["/a.png"] = answers(PICTURE)
    looked_up: list[str] = []
    connected: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(address[0])
        plain = socket.socket()
        plain.connect(("127.0.0.1", server.port))
        return plain

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert fetch("http://bilder.example/a.png", root=None, limits=LIMITS) == PICTURE
    assert (looked_up, connected) == (["bilder.example"], ["93.184.215.14"])
    assert server.seen == [("/a.png", "bilder.example")]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("93.184.215.14", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert refusal("http://bilder.example/a.png") == "private_address"


def test_a_certificate_must_be_valid(server: Server, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    assert refusal(server.url("/a.png").replace("http:", "https:")) == "certificate"
    assert server.seen == []


def _self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start.replace(year=2099))
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answers(b"", 404), "missing"),
        (answers(b"", 410), "missing"),
        (answers(b"", 403), "forbidden"),
        (answers(b"", 503), "unavailable"),
        (answers(b"", 429), "unavailable"),
        (answers(b"", 302), "forbidden"),
        (answers(b"<html>", Content_Type="text/html; charset=utf-8"), "not_an_image"),
        (answers(b"x" * 100_001), "too_large"),
        (answers(PICTURE[:50], Content_Length="500"), "unreachable"),
    ],
)
def test_what_is_no_picture_has_its_reason(server: Server, answer: Answer, reason: str) -> None:
    server.answers["/a.png"] = answer
    assert refusal(server.url("/a.png")) == reason


def test_the_size_is_bounded_whatever_is_announced(server: Server) -> None:
    def endless(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"x" * 65_536)
        except OSError:
            pass

    server.answers["/a.png"] = endless
    assert refusal(server.url("/a.png")) == "too_large"


class RunningClock(ManualClock):
    """Every look at the clock takes ten seconds."""

    def monotonic(self) -> float:
        self.advance(10.0)
        return super().monotonic()


def test_the_total_time_is_bounded(server: Server) -> None:
    server.answers["/a.png"] = answers(PICTURE)
    clock = RunningClock(datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC))
    assert refusal(server.url("/a.png"), limits=FetchLimits(total=15.0), clock=clock) == "slow"


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert refusal(f"http://127.0.0.1:{port}/a.png") == "unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://bilder.example/a.png",
        "file:///etc/passwd",
        "https:///a.png",
        "https://nutzer:geheim@bilder.example/a.png",
        "http://bilder.example:99999/a.png",
        "http://[::1/a.png",
        "http://xn--ä.example/a.png",
    ],
)
def test_addresses_that_are_none_are_refused_without_repeating_secrets(url: str) -> None:
    with pytest.raises(ImageError) as caught:
        fetch(url, root=None, limits=LIMITS)
    assert caught.value.reason.startswith("address_")
    assert "geheim" not in str(caught.value)


# --- whether a page answers -----------------------------------------------------------------------------------


def test_a_page_is_asked_through_its_redirects_on_any_host_and_not_read(server: Server) -> None:
    server.answers["/alt"] = answers(b"", 301, Location="/orte/m\u00fchle".encode().decode("latin-1"))
    server.answers["/orte/m%C3%BChle"] = answers(b"x" * 1_000, 404, Content_Length="1000000000")
    assert status_of(server.url("/alt"), limits=LIMITS) == 404
    assert link_problem(server.url("/alt"), 5.0, 5.0) == "link_dead:HTTP 404"
    server.answers["/orte/m%C3%BChle"] = answers(b"")
    assert link_problem(server.url("/alt"), 5.0, 5.0) is None


def test_a_page_that_is_told_byte_by_byte_is_given_up(server: Server) -> None:
    ended = threading.Event()

    def drip(request: http.server.BaseHTTPRequestHandler) -> None:
        while not ended.wait(0.05):
            try:
                request.wfile.write(b"X")
            except OSError:
                return

    server.answers["/"] = drip
    assert link_problem(server.url("/"), 0.2, 0.5) == "link_dead:slow"
    ended.set()


@pytest.mark.parametrize(
    "where",
    [
        *(
            "http://[::1",
            "//[",
            "http://a..b/",
            f"http://{'a' * 64}.de/",
            "http://.de/",
            "http:///x",
            "http://x:99999/",
        ),
        *("http://x:abc/", "http://*.invalid", "http://ü.invalid", "http://a\u200b.invalid", "http://a b.invalid/"),
        *("http://127.0.0.1:1:2/", "mailto:anna@example.org", "\x00", "http://\ud800.invalid"),
    ],
)
def test_an_impossible_address_is_a_dead_link_and_nothing_worse(server: Server, where: str) -> None:
    assert str(link_problem(where, 1.0, 1.0)).startswith("link_dead:")
    if where.isprintable() and where.startswith(("http", "//")):
        server.answers["/"] = answers(b"", 302, Location=where.encode().decode("latin-1"))
        assert str(link_problem(server.url("/"), 1.0, 1.0)).startswith("link_dead:")
        assert refusal(server.url("/"))


# --- from a folder --------------------------------------------------------------------------------------------


def test_a_path_is_read_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026" / "Gröninger Bad.png").write_bytes(PICTURE)
    for source in ("2026/Gröninger Bad.png", "/2026/Gröninger Bad.png", "2026/../2026/Gröninger Bad.png"):
        assert fetch(source, root=tmp_path, limits=LIMITS) == PICTURE


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "circle").symlink_to(root / "circle")
    os.mkfifo(root / "pipe")
    assert refusal("../secret", root=root) == "outside_folder"
    assert refusal("link", root=root) == "outside_folder"
    assert refusal("a.png", root=None) == "no_folder"
    for source in (str(tmp_path / "secret"), "", "pipe", "circle", "a\0b", "nothing.png", "x" * 5_000):
        assert refusal(source, root=root) == "not_in_folder"


def test_large_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x" * 100_001)
    assert refusal("a.png", root=tmp_path) == "too_large"


# --- preparing ------------------------------------------------------------------------------------------------

BOTH = ("JPEG", "PNG")


def noise(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 100).convert("RGB")


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def prepared(data: bytes, max_bytes: int = 4_000_000, types: tuple[str, ...] = BOTH, max_side: int = 4_096) -> Any:
    return prepare_image(data, max_bytes=max_bytes, types=types, max_side=max_side)


MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F", "HSV", "LAB")


def every_kind() -> Iterator[Any]:
    """One file of each format in each mode that the format has."""
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"):
        for mode in MODES:
            try:
                data = encoded(Image.new(mode, (60, 40)), kind)
            except (OSError, ValueError, KeyError):
                continue
            yield pytest.param(kind, data, id=f"{kind}-{mode}")


@pytest.mark.parametrize(("kind", "data"), list(every_kind()))
def test_every_kind_of_picture_becomes_plain(kind: str, data: bytes) -> None:
    result = prepared(data)
    assert result.mime == {"PNG": "image/png", "GIF": "image/png", "BMP": "image/png"}.get(kind, "image/jpeg")
    picture = opened(result.data)
    assert picture.mode in ("RGB", "L")
    assert picture.size == (result.width, result.height) == (60, 40)


def test_nothing_is_told_about_where_and_by_whom(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Beschreibung geheim"
    exif.get_ifd(0x8825)[1] = "N"
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "geheim")
    xmp = b"<x:xmpmeta>geheim</x:xmpmeta>"
    for data in (
        encoded(noise(50, 50), "JPEG", exif=exif, comment=b"geheim", xmp=xmp),
        encoded(noise(50, 50), "PNG", exif=exif, pnginfo=text),
        encoded(noise(50, 50), "WEBP", exif=exif, xmp=xmp),
    ):
        assert b"geheim" in data
        result = prepared(data)
        assert b"geheim" not in result.data and b"Exif" not in result.data
        picture = opened(result.data)
        assert not picture.getexif() and "icc_profile" not in picture.info and "comment" not in picture.info


def test_pictures_stand_upright() -> None:
    picture = Image.new("RGB", (80, 40), "white")
    picture.paste("red", (0, 0, 40, 40))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees clockwise to be seen
    result = prepared(encoded(picture, "JPEG", exif=exif, quality=95))
    assert (result.width, result.height) == (40, 80)
    top, bottom = (opened(result.data).convert("RGB").getpixel((20, y)) for y in (10, 70))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[0] > 200 > 60 > top[1] and min(bottom) > 200


def test_transparency_becomes_white() -> None:
    data = encoded(Image.new("RGBA", (20, 20), (255, 0, 0, 0)), "PNG")
    assert opened(prepared(data).data).convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_keep_their_shades() -> None:
    picture = Image.new("I;16", (2, 1))
    picture.putpixel((0, 0), 0x4000)
    picture.putpixel((1, 0), 0xC000)
    result = opened(prepared(encoded(picture, "PNG")).data).convert("L")
    assert (result.getpixel((0, 0)), result.getpixel((1, 0))) == (0x40, 0xC0)


def test_colours_of_a_profile_are_kept_and_a_broken_profile_is_no_obstacle() -> None:
    lab_to_rgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.new("RGB", (20, 20), (200, 100, 50))
    for profile in (lab_to_rgb, b"broken"):
        found = opened(prepared(encoded(picture, "PNG", icc_profile=profile)).data).getpixel((5, 5))
        assert isinstance(found, tuple)
        assert all(abs(a - b) <= 2 for a, b in zip(found, (200, 100, 50), strict=True))


def test_of_an_animation_the_first_picture_is_taken() -> None:
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        found = opened(prepared(data).data).convert("RGB").getpixel((5, 5))
        assert isinstance(found, tuple)
        assert found[0] > 240 and max(found[1:]) < 20


@pytest.mark.parametrize("max_bytes", [400_000, 60_000, 12_000])
def test_pictures_are_shrunk_until_they_fit(max_bytes: int) -> None:
    result = prepared(encoded(noise(900, 600), "JPEG", quality=100), max_bytes)
    assert len(result.data) <= max_bytes
    assert result.mime == "image/jpeg"
    assert abs(result.width / result.height - 1.5) < 0.02


def test_the_longer_side_is_bounded() -> None:
    assert (prepared(encoded(noise(900, 300), "PNG"), max_side=450).width, 450) == (450, 450)
    tall = prepared(encoded(noise(30, 900), "JPEG"), max_side=300)
    assert (tall.width, tall.height) == (10, 300)


def test_a_drawing_too_large_for_png_becomes_jpeg_where_that_is_taken() -> None:
    data = encoded(noise(400, 400), "PNG")
    assert prepared(data, 200_000).mime == "image/jpeg"
    only_png = prepared(data, 200_000, ("PNG",))
    assert only_png.mime == "image/png" and only_png.width < 400 and only_png.suffix == ".png"


def test_the_same_bytes_give_the_same_result() -> None:
    data = encoded(noise(300, 200), "JPEG")
    assert prepared(data, 20_000) == prepared(data, 20_000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "unreadable"),
        (b"<svg/>", "unreadable"),
        (b"GIF89a", "unreadable"),
        (encoded(noise(200, 200), "JPEG")[:-2_000], "unreadable"),
        (encoded(noise(200, 200), "PNG")[:-2_000], "unreadable"),
        (encoded(Image.new("1", (10_000, 9_000)), "PNG"), "too_many_pixels"),
        (encoded(Image.new("1", (20_000, 20_000)), "PNG"), "too_many_pixels"),
        (encoded(noise(100, 100), "PPM"), "unreadable"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bad_files_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        prepared(data)
    assert caught.value.reason == reason


def test_impossible_limits_are_refused() -> None:
    with pytest.raises(ImageError) as caught:
        prepared(encoded(noise(300, 300), "JPEG"), 500)
    assert caught.value.reason == "cannot_shrink"
    with pytest.raises(ImageError) as caught:
        prepared(PICTURE, types=("WEBP",))
    assert caught.value.reason == "unsupported"


# --- storing --------------------------------------------------------------------------------------------------


def test_a_picture_is_kept_once_under_the_name_of_its_content(tmp_path: Path) -> None:
    folder = tmp_path / "media"
    first, second = store(PICTURE, folder, ".png"), store(PICTURE, folder, ".png")
    assert first == second and first.read_bytes() == PICTURE
    assert [file.name for file in folder.iterdir()] == [first.name]


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    file = store(PICTURE, tmp_path, ".png")
    file.write_bytes(b"half")
    assert store(PICTURE, tmp_path, ".png").read_bytes() == PICTURE


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ImageError) as caught:
        store(PICTURE, tmp_path / "file" / "media", ".png")
    assert caught.value.reason == "not_stored"


def test_nothing_half_written_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImageError):
        store(PICTURE, tmp_path, ".png")
    assert list(tmp_path.iterdir()) == []


def test_the_longest_unused_go_first_and_kept_ones_never(tmp_path: Path) -> None:
    files = [store(bytes([number]) * 100, tmp_path, ".jpg") for number in range(5)]
    for age, file in enumerate(files):
        os.utime(file, ns=(age, age))
    (tmp_path / "notes.txt").write_bytes(b"n" * 1_000)
    assert trim(tmp_path, 250, {files[0].name}) == 300
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([files[0].name, files[4].name, "notes.txt"])
    assert trim(tmp_path, 250, set()) == 0
    assert trim(tmp_path / "missing", 0, set()) == 0


def test_storing_again_counts_as_use(tmp_path: Path) -> None:
    old, new = store(b"a" * 100, tmp_path, ".jpg"), store(b"b" * 100, tmp_path, ".jpg")
    os.utime(old, ns=(1, 1))
    os.utime(new, ns=(2, 2))
    store(b"a" * 100, tmp_path, ".jpg")
    trim(tmp_path, 100, set())
    assert old.exists() and not new.exists()
