"""The demonstration's portal: a SQLite database as a CMS would keep it, with a folder of pictures beside it.

The places come from kreativorte.json; docs/demo-data.md says which of it is fact and which is invented.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image

from campaign.demo.draw import draw_landscape

DATABASE = "portal.db"
PICTURES = "bilder"
CAMPAIGNS = ("altmark", "alle-regionen")

# How the place's fields are read from the table, as the configuration writes it. Places in Brandenburg have
# their pages at the partner network.
FIELDS = {
    "id": "id",
    "name": "name",
    "url": "CASE region WHEN 'Brandenburg' THEN 'https://zukunftsorte.org/orte/' "
    "ELSE 'https://kreativorte-im-gruenen.de/orte/' END || slug || '/'",
    "regions": "region",
    "town": "town",
    "categories": "categories",
    "hashtags": "hashtags",
    "teaser": "teaser",
    "body": "description",
    "image_url": "image_url",
    "image_alt": "image_alt",
    "image_credit": "image_credit",
    "lat": "lat",
    "lon": "lon",
    "published_at": "published_at",
    "updated_at": "updated_at",
    "handle_x": "x_handle",
    "handle_facebook": "fb_page",
    "withdrawn": "status <> 'published'",
}

_TABLE = """
CREATE TABLE orte (
  id INTEGER PRIMARY KEY, slug TEXT NOT NULL, name TEXT NOT NULL, region TEXT NOT NULL, town TEXT NOT NULL,
  categories TEXT NOT NULL, hashtags TEXT NOT NULL, teaser TEXT NOT NULL, description TEXT NOT NULL,
  image_url TEXT, image_alt TEXT, image_credit TEXT, lat REAL, lon REAL,
  published_at TEXT NOT NULL, updated_at TEXT NOT NULL, status TEXT NOT NULL, x_handle TEXT, fb_page TEXT
)
"""
_INSERT = """
INSERT INTO orte (id, slug, name, region, town, categories, hashtags, teaser, description, image_url, image_alt,
                  image_credit, lat, lon, published_at, updated_at, status)
VALUES (:id, :slug, :name, :region, :town, :categories, :hashtags, :teaser, :description, :image_url, :image_alt,
        :image_credit, :lat, :lon, :published_at, :updated_at, :status)
"""

# Pictures as editors upload them: with the place where they were taken, far too large, for print, of other kinds,
# photographed upright.
_WITH_POSITION = "buergermeisterhof-salzwedel"
_HUGE = "oekodorf-sieben-linden"
_FOR_PRINT = "gut-zichtau"
_SIDEWAYS = "landhof-neulingen"
_OTHER_SUFFIX = {"haus5-salzwedel": ".webp", "kleine-markthalle-stendal": ".png"}
_HUGE_FACTOR = 4

_GPS, _ORIENTATION = 0x8825, 0x0112  # EXIF 2.32, tables 4 and 15
_TURNED_RIGHT = 6  # EXIF: to be shown turned by 90 degrees clockwise


def build_portal(directory: Path, now: datetime) -> Path:
    """Write the database and the pictures into the directory, anew each time; answers the database's path.

    Publication dates are shifted by whole days so that they lie before `now` as they do before the data's own
    reference instant: the newest place is some days old. Raises ValueError for an instant without a zone.
    """
    data = _data()
    shift = _shift(data, now)
    pictures = directory / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    for place in data["orte"]:
        if place["image"]:
            _write_picture(place, pictures / _file(place))
    database = directory / DATABASE
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(_TABLE)
        connection.executemany(_INSERT, [_row(place, shift) for place in data["orte"]])
    return database


def campaign_file(name: str, now: datetime) -> str:
    """The text of a campaign file (one of CAMPAIGNS), its dates shifted as the places' are."""
    shift = _shift(_data(), now)
    text = files("campaign.demo").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return re.sub(r"\b\d{4}-\d\d-\d\d\b", lambda day: (date.fromisoformat(day[0]) + shift).isoformat(), text)


def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(files("campaign.demo").joinpath("kreativorte.json").read_text(encoding="utf-8"))
    return data


def _shift(data: dict[str, Any], now: datetime) -> timedelta:
    """Whole days, so that hours of the day stay as they are."""
    if now.tzinfo is None:
        raise ValueError("a datetime without a time zone is not an instant")
    return timedelta(days=(now.astimezone(UTC) - datetime.fromisoformat(data["meta"]["reference_now"])).days)


def _row(place: dict[str, Any], shift: timedelta) -> dict[str, Any]:
    image = place["image"] or {}
    return {
        **{key: place[key] for key in ("id", "slug", "name", "region", "town", "teaser", "lat", "lon", "status")},
        "categories": ";".join(place["categories"]),
        "hashtags": json.dumps(place["hashtags"], ensure_ascii=False),
        "description": place["description_html"] or place["description"],
        "image_url": _file(place) if image else None,
        "image_alt": image.get("alt"),
        "image_credit": image.get("credit"),
        "published_at": _shifted(place["published_at"], shift),
        "updated_at": _shifted(place["updated_at"], shift),
    }


def _shifted(instant: str, shift: timedelta) -> str:
    return (datetime.fromisoformat(instant) + shift).strftime("%Y-%m-%d %H:%M:%S")


def _file(place: dict[str, Any]) -> str:
    name = Path(place["image"]["file"])
    return str(name.with_suffix(_OTHER_SUFFIX.get(place["slug"], name.suffix)))


def _write_picture(place: dict[str, Any], file: Path) -> None:
    slug = place["slug"]
    width, height = place["image"]["width"], place["image"]["height"]
    picture = draw_landscape(slug, place["region"], (width, height))
    if slug == _HUGE:
        picture = picture.resize((width * _HUGE_FACTOR, height * _HUGE_FACTOR), Image.Resampling.BICUBIC)
    if slug == _FOR_PRINT:
        picture = picture.convert("CMYK")
    if file.suffix == ".png":
        picture = picture.convert("RGBA")
    exif = Image.Exif()
    if slug == _WITH_POSITION:
        exif[_GPS] = _position(place["lat"], place["lon"])
    if slug == _SIDEWAYS:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        exif[_ORIENTATION] = _TURNED_RIGHT
    picture.save(file, quality=88, exif=exif)


def _position(lat: float, lon: float) -> dict[int, Any]:
    """The GPS block of EXIF: degrees, minutes and seconds north and east."""
    return {1: "N", 2: _degrees(lat), 3: "E", 4: _degrees(lon)}


def _degrees(angle: float) -> tuple[Fraction, Fraction, Fraction]:
    seconds = round(angle * 3600)
    return Fraction(seconds // 3600), Fraction(seconds // 60 % 60), Fraction(seconds % 60)
