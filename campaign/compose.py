"""From an announcement to its frozen draft: filling templates, preflight, the tracked link, prepared pictures."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from campaign.campaigns import Campaign
from campaign.places import Picture, Place
from campaign.settings import Settings
from posts.drafts import Draft, Image
from posts.images import FetchLimits, ImageError, fetch, prepare_image, status_of, store
from posts.networks.publisher import Limits
from posts.networks.registry import NETWORKS
from posts.render import DoesNotFit, PostVariables, TemplateError, check_template, compile_template, render
from posts.text import (
    accidental_links,
    character_length,
    extract_urls,
    normalise,
    tracked,
    weighted_length,
)

TWITTER, FACEBOOK = "twitter", "facebook"
# DESIGN.md section 7: where the address stands in the text itself it carries utm_content alone.
MEDIUM = "social"
PICTURES_PER_POST = 4
LINK_REDIRECTS = 10
UPLOAD_BYTES, UPLOAD_SIDE = 12_000_000, 4096
THUMBNAIL_BYTES, THUMBNAIL_SIDE = 400_000, 900


@dataclass(frozen=True)
class Composed:
    """A filled template. `text` holds the plain link where the network shows it in the text."""

    text: str
    revision: str
    problems: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    shortened: bool = False
    faulty_line: int = 0


class Templates:
    """The post templates: the shipped files, read by path once, and over them what staff made active."""

    def __init__(self, directory: Path, active: Mapping[tuple[str, str], str] | None = None) -> None:
        self._directory = directory
        self._active = dict(active or {})
        self._files: dict[tuple[str, str], str] = {}

    def revised(self, active: Mapping[tuple[str, str], str]) -> Templates:
        """The same files under other active revisions (network and name to text)."""
        other = Templates(self._directory, active)
        other._files = self._files
        return other

    def shipped_names(self, network: str) -> list[str]:
        """Names of one network's shipped files."""
        return sorted(file.stem for file in (self._directory / network).glob("*.j2"))

    def names(self, network: str) -> list[str]:
        """Names of one network's templates."""
        revised = {name for known, name in self._active if known == network}
        return sorted(revised | set(self.shipped_names(network)))

    def shipped(self, network: str, name: str) -> str | None:
        """The shipped file's text, None where there is no such file."""
        key = (network, name)
        if key not in self._files:
            if name not in self.shipped_names(network):
                return None
            self._files[key] = (self._directory / network / f"{name}.j2").read_text(encoding="utf-8")
        return self._files[key]

    def source(self, network: str, name: str) -> str:
        """A template's text. Raises KeyError when there is none."""
        found = self._active.get((network, name)) or self.shipped(network, name)
        if found is None:
            raise KeyError(name)
        return found

    def revision(self, network: str, name: str) -> str:
        """The digest of the template's text; it changes with every change."""
        return digest_of(self.source(network, name))


def digest_of(source: str) -> str:
    """A short digest of a template's text, by which announcements record what they were made with."""
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def measure_of(network: str) -> Callable[[str], int]:
    """How the network counts a text."""
    return weighted_length if network == TWITTER else character_length


def text_key(text: str, link: str | None) -> str:
    """The same for texts that read the same, links aside."""
    return hashlib.sha256(normalise(text, (link,) if link else ()).encode()).hexdigest()[:24]


def link_in_text(network: str, has_images: bool) -> bool:
    """Whether the address must stand in the text: everywhere on X, on Facebook beside photos."""
    return network == TWITTER or has_images


def variables(
    place: Place | None,
    campaign_title: str,
    step: str,
    network: str,
    link: str | None,
    picture: Picture | None,
    day: date,
    zone: ZoneInfo,
) -> PostVariables:
    """What a template may say about this announcement; a call has no place."""
    about: dict[str, Any] = {} if place is None else _about(place, network, picture, zone)
    return PostVariables(
        link=link or "",
        link_in_text=link_in_text(network, picture is not None),
        campaign_title=campaign_title,
        step=step,
        day=day,
        **about,
    )


def _about(place: Place, network: str, picture: Picture | None, zone: ZoneInfo) -> dict[str, Any]:
    mention = f"@{place.handle_x.lstrip('@')}" if place.handle_x else ""
    return {
        "name": place.name,
        "town": place.town,
        "region": place.regions[0] if place.regions else "",
        "regions": place.regions,
        "category": place.categories[0] if place.categories else "",
        "categories": place.categories,
        "teaser": place.teaser,
        "body": place.body,
        "hashtags": place.hashtags,
        "credit": picture.credit if picture else "",
        "alt": picture.alt if picture else "",
        "published": place.published_at.astimezone(zone).date(),
        "handle": mention if network == TWITTER else place.handle_facebook,
    }


def fill(templates: Templates, network: str, name: str, values: PostVariables) -> Composed:
    """The template's text for these values, fitting the network; what is wrong with it stands in `problems`."""
    try:
        source = templates.source(network, name)
    except KeyError:
        return Composed("", "", (f"template_missing:{network}/{name}",))
    return fill_source(source, network, values)


def fill_source(source: str, network: str, values: PostVariables) -> Composed:
    """As `fill`, for a text that need not be saved yet. `faulty_line` counts from 1, 0 where no line is to blame."""
    revision = digest_of(source)
    try:
        template = compile_template(source)
        rendering = render(template, values.as_mapping(), NETWORKS[network].limits.text, measure_of(network))
    except TemplateError as error:
        return Composed("", revision, (f"template_error:{error}",), faulty_line=error.line)
    except DoesNotFit as error:
        return Composed("", revision, (f"text_does_not_fit:{error.needed}/{error.room}",))
    return Composed(rendering.text, revision, (), rendering.dropped, rendering.shortened)


def pictures_for(place: Place | None, wanted: str) -> tuple[Picture, ...]:
    """The pictures of a place that a step shows."""
    return place.pictures[:1] if place is not None and wanted == "photo" else ()


# --- preflight -----------------------------------------------------------------------------------------------


def preflight(
    network: str, text: str, link: str | None, images: list[dict[str, Any]], *, require_image: bool = False
) -> list[str]:
    """What stands against sending this, as reasons; nothing here asks the network or a server."""
    limits = NETWORKS[network].limits
    problems = _text_problems(network, text, link, limits)
    if link is not None and not _is_http(link):
        problems.append("link_invalid")
    return problems + _image_problems(text, images, limits, require_image)


def _text_problems(network: str, text: str, link: str | None, limits: Limits) -> list[str]:
    if not text.strip():
        return ["text_empty"]
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\r\t" for sign in text):
        return ["text_unreadable"]
    whole = with_link(network, text, link, bool(link) and network == TWITTER)
    length = measure_of(network)(whole)
    problems = [f"text_too_long:{length}/{limits.text}"] if length > limits.text else []
    if network == TWITTER:
        intended = [link] if link else []
        problems += [f"accidental_link:{hit}" for hit in accidental_links(text, intended)[:3]]
    return problems


def _image_problems(text: str, images: list[dict[str, Any]], limits: Limits, require_image: bool) -> list[str]:
    if not images:
        return ["image_missing"] if require_image else []
    problems = [f"too_many_images:{len(images)}/{limits.images}"] if len(images) > limits.images else []
    for image in images:
        alt, credit = image.get("alt", ""), image.get("credit", "")
        if not alt.strip():
            problems.append("alt_missing")
        elif len(alt) > limits.alt_text:
            problems.append(f"alt_too_long:{len(alt)}/{limits.alt_text}")
        if not credit.strip():
            problems.append("credit_missing")
        elif not names_credit(text, credit):
            problems.append(f"credit_not_in_text:{credit}")
    return list(dict.fromkeys(problems))


def names_credit(text: str, credit: str) -> bool:
    """Whether the text names whose picture it is, white space and a leading »Foto:« aside."""
    name = credit.removeprefix("Foto:").strip() if credit.startswith("Foto:") else credit.strip()
    return " ".join(name.split()) in " ".join(text.split())


def _is_http(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def link_problem(link: str, connect: float, read: float) -> str | None:
    """Ask whether the link answers without an error after redirects; the reason when it does not.

    Times in seconds; the two together bound the whole, however slowly the server speaks.
    """
    limits = FetchLimits(total=connect + read, connect=connect, read=read, redirects=LINK_REDIRECTS)
    try:
        status = status_of(link, limits=limits)
    except ImageError as error:
        return f"link_dead:{error.reason}"
    return None if status < 400 else f"link_dead:HTTP {status}"


# --- freezing ------------------------------------------------------------------------------------------------


def with_link(network: str, text: str, link: str | None, needed: bool) -> str:
    """The text with the link appended where it is needed and not there yet."""
    if not needed or link is None or link in text:
        return text
    return f"{text.rstrip()}\n{link}"


def tracked_link(settings: Settings, hosts: frozenset[str], row: Any, campaign: Campaign | None) -> str | None:
    """The announcement's link with its marker, on tracked hosts only; other links stay as they are."""
    if row.link is None or not _is_http(row.link):
        return None
    if (urlsplit(row.link).hostname or "").lower() not in hosts:
        return str(row.link)
    values = {"utm_content": row.marker}
    if not (row.network == FACEBOOK and row.images):
        name = campaign.utm_campaign or campaign.name if campaign else "einzelbeitrag"
        values = {"utm_source": row.network, "utm_medium": MEDIUM, "utm_campaign": name} | values
    return tracked(row.link, values)


def sent_text(network: str, text: str, plain: str | None, link: str | None, has_images: bool) -> str:
    """Exactly what goes out: the plain link replaced by the tracked one, appended where the network needs it."""
    if plain is None or link is None:
        return text
    needed = link_in_text(network, has_images)
    whole = with_link(network, text, plain, needed)
    for found in reversed(extract_urls(whole)):
        if found.url == plain:
            whole = whole[: found.start] + link + whole[found.end :]
    return whole


def freeze(
    settings: Settings,
    hosts: frozenset[str],
    row: Any,
    campaign: Campaign | None,
    image_root: Path | None,
    allowed_hosts: frozenset[str] = frozenset(),
) -> Draft:
    """The draft that will be sent. Raises ImageError when a picture can't be had."""
    link = tracked_link(settings, hosts, row, campaign)
    images = tuple(
        prepared_image(settings.path("media_dir"), row.network, image, image_root, allowed_hosts)
        for image in row.images
    )
    text = sent_text(row.network, row.text, row.link, link, bool(images))
    marker = row.marker if link and row.marker in link else None
    return Draft(row.network, text, link, images, marker)


def prepared_image(
    media: Path, network: str, image: Mapping[str, Any], root: Path | None, allowed_hosts: frozenset[str]
) -> Image:
    """One picture fetched, checked, shrunk to the network's limits and stored. Raises ImageError."""
    limits = NETWORKS[network].limits
    data = picture_bytes(media, str(image["file"]), root, allowed_hosts)
    prepared = prepare_image(data, max_bytes=limits.image_bytes, types=limits.image_types, max_side=limits.image_side)
    file = store(prepared.data, media.resolve(), prepared.suffix)
    return Image(str(file), image["alt"], image["credit"], hashlib.sha256(prepared.data).hexdigest())


def picture_bytes(media: Path, source: str, root: Path | None, allowed_hosts: frozenset[str] = frozenset()) -> bytes:
    """A picture from the media folder, from below the portal's folder, or from its web address. Raises ImageError."""
    stored = Path(source)
    if stored.is_absolute() and stored.is_relative_to(media.resolve()) and stored.is_file():
        return stored.read_bytes()
    return fetch(source, root=root, limits=FetchLimits(), allowed_hosts=allowed_hosts)


def keep_local_image(media: Path, file: Path) -> str:
    """Copy a person's picture into the media folder as it is, checked; returns its path. Raises ImageError."""
    try:
        data = file.read_bytes()
    except OSError:
        raise ImageError("file_unreadable", str(file)) from None
    prepare_image(data, max_bytes=20_000_000, types=("JPEG", "PNG"), max_side=10_000)
    return str(store(data, media.resolve(), file.suffix.lower()))


def keep_image(media: Path, data: bytes) -> str:
    """Keep a person's picture in the media folder, large enough for every network and without metadata (where it was
    taken, say); returns its path. Raises ImageError."""
    prepared = prepare_image(data, max_bytes=UPLOAD_BYTES, types=("JPEG", "PNG"), max_side=UPLOAD_SIDE)
    return str(store(prepared.data, media.resolve(), prepared.suffix))


def thumbnail(data: bytes) -> tuple[bytes, str]:
    """A small copy of a picture for the pages, and its media type. Raises ImageError."""
    small = prepare_image(data, max_bytes=THUMBNAIL_BYTES, types=("JPEG", "PNG"), max_side=THUMBNAIL_SIDE)
    return small.data, small.mime


def cost(network: str, draft: Draft, at: datetime) -> float:
    """What the network charges for this draft, in US dollars."""
    return NETWORKS[network].price(draft, at.date())


def template_problem(templates: Templates, network: str, name: str) -> str | None:
    """What is wrong with a template, None when it can be read and uses known variables only."""
    try:
        check_template(templates.source(network, name))
    except TemplateError as error:
        return str(error)
    return None


# --- trying templates ----------------------------------------------------------------------------------------

_LONG = "Zwischen Fachwerk, Obstwiesen und alten Werkhallen entsteht Raum für neue Ideen. " * 12
SAMPLE_PLACES: dict[str, Place] = {
    "short": Place(
        "",
        "1",
        "Hof",
        "https://example.org/orte/hof/",
        datetime(2026, 5, 4, tzinfo=UTC),
        regions=("Altmark",),
        town="Kalbe",
        categories=("Leben/Tourismus",),
        teaser="Ein Hof zum Mitmachen.",
        body="Ein Hof zum Mitmachen, mit Werkstatt und Garten.",
    ),
    "long": Place(
        "",
        "2",
        "Kreativhof und Gemeinschaftswerkstatt Alte Zuckerfabrik an der Milde",
        "https://example.org/orte/kreativhof-und-gemeinschaftswerkstatt-alte-zuckerfabrik/",
        datetime(2026, 5, 4, tzinfo=UTC),
        regions=("Altmark", "Anhalt-Dessau-Wittenberg"),
        town="Hansestadt Gardelegen, Ortsteil Lindstedt",
        categories=("Wohnen/Bauen", "Arbeiten/Wirtschaft", "Leben/Tourismus"),
        hashtags=("#KreativorteImGrünen", "#Altmark", "#Gemeinschaftswerkstatt", "#Zuckerfabrik"),
        teaser=_LONG[:600].strip(),
        body=_LONG,
        pictures=(Picture("hof.jpg", "Eine Backsteinhalle mit offenem Tor", "Foto: Verein Alte Zuckerfabrik e. V."),),
    ),
    "empty": Place("", "3", "Ort", "https://example.org/orte/ort/", datetime(2026, 5, 4, tzinfo=UTC)),
}


def trial(templates: Templates, network: str, name: str, place: Place, day: date, zone: ZoneInfo) -> Composed:
    """A template filled for a place as a campaign would, with its first picture."""
    picture = place.pictures[0] if place.pictures else None
    values = variables(place, "Kreativorte im Grünen", name, network, place.url, picture, day, zone)
    return fill(templates, network, name, values)


def trial_problems(templates: Templates, network: str, name: str, day: date, zone: ZoneInfo) -> list[str]:
    """What goes wrong when a template is filled for a short, a long and an empty place."""
    found = [
        problem
        for place in SAMPLE_PLACES.values()
        for problem in trial(templates, network, name, place, day, zone).problems
    ]
    return list(dict.fromkeys(found))
