"""Making a picture fit a network: checked whole, upright, in sRGB, without metadata, within bytes and pixels.

The same bytes always give the same result (with the same version of Pillow), so that a picture is stored once.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps

from posts.images.errors import ImageError

_READ = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_LOSSLESS = ("PNG", "GIF", "BMP")
_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}
_MAX_PIXELS = 64_000_000
_QUALITIES = (90, 84, 76, 66)
_STEP = 0.8
_SMALLEST_SIDE = 200


@dataclass(frozen=True)
class PreparedImage:
    """A picture as it is uploaded; `width` and `height` in pixels, `mime` is image/jpeg or image/png."""

    data: bytes
    mime: str
    width: int
    height: int

    @property
    def suffix(self) -> str:
        """The file name's ending, with its dot."""
        return _SUFFIXES[self.mime]


def prepare_image(data: bytes, *, max_bytes: int, types: tuple[str, ...], max_side: int) -> PreparedImage:
    """The picture within the limits: `types` are Pillow's format names, `max_side` the longer edge in pixels.

    Drawings and screenshots (PNG, GIF, BMP) stay PNG where that fits; everything else becomes JPEG. Of an animation
    the first picture is taken, transparency becomes white. Raises ImageError.
    """
    picture, lossless = _read(data, max_side)
    for smaller in _sizes(picture, max_side):
        for prepared in _encodings(smaller, lossless, types):
            if len(prepared.data) <= max_bytes:
                return prepared
    raise ImageError("cannot_shrink", f"{max_bytes // 1000} kB")


def _read(data: bytes, max_side: int) -> tuple[Image.Image, bool]:
    """The picture, upright and in RGB or grey, and whether its format was lossless."""
    try:
        with Image.open(io.BytesIO(data), formats=_READ) as opened:
            if opened.width * opened.height > _MAX_PIXELS:
                raise _too_many_pixels()
            # A JPEG can be decoded at a fraction of its size, never below the one wanted.
            opened.draft(None, (max_side, max_side))
            opened.load()
            return _plain(_in_srgb(ImageOps.exif_transpose(opened))), opened.format in _LOSSLESS
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except ImageError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a broken file leads them to
        raise ImageError("unreadable") from error


def _too_many_pixels() -> ImageError:
    return ImageError("too_many_pixels", str(_MAX_PIXELS // 1_000_000))


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Colours as they were meant: without this, photos of newer telephones and print files turn pale."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK"):
        return picture
    target = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=target)
    except (ImageCms.PyCMSError, OSError):
        return picture  # a broken profile is no reason to refuse a picture
    return converted or picture


def _plain(picture: Image.Image) -> Image.Image:
    """The pixels alone, in RGB or grey, on white, in a new picture that knows nothing of the old one's metadata."""
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = picture.convert("I").point(lambda value: value / 256, "L")  # 16 bits per pixel
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    mode = "L" if picture.mode in ("1", "L") else "RGB"
    plain = Image.new(mode, picture.size, "white")
    if picture.mode == "RGBA":
        plain.paste(picture, mask=picture.getchannel("A"))
    else:
        plain.paste(picture.convert(mode))
    return plain


def _sizes(picture: Image.Image, max_side: int) -> Iterator[Image.Image]:
    """The picture at most `max_side` long, then smaller step by step, each made from the original."""
    side = min(max_side, max(picture.size))
    while True:
        smaller = picture.copy()
        smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
        yield smaller
        side = int(side * _STEP)
        if side < _SMALLEST_SIDE:
            return


def _encodings(picture: Image.Image, lossless: bool, types: tuple[str, ...]) -> Iterator[PreparedImage]:
    """Files of this picture, the best first."""
    jpeg, png = "JPEG" in types, "PNG" in types
    if not jpeg and not png:
        raise ImageError("unsupported")
    if png and (lossless or not jpeg):
        yield _encoded(picture, "PNG", "image/png", optimize=True)
    if jpeg:
        for quality in _QUALITIES:
            yield _encoded(picture, "JPEG", "image/jpeg", quality=quality, optimize=True, progressive=True)


def _encoded(picture: Image.Image, kind: str, mime: str, **options: int) -> PreparedImage:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return PreparedImage(target.getvalue(), mime, picture.width, picture.height)
