"""One announcement as a person works on it: what will be sent while it is being typed, its story, its decisions.

What is shown comes from the functions that later freeze the draft, so that count, problems and text are those of the
post itself.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row

from campaign import compose, desk, planning, store
from campaign.app import App
from campaign.campaigns import Campaign
from campaign.desk import Refusal
from campaign.news import sentences
from campaign.roles import Role
from posts.accounts import KeyProblem
from posts.drafts import CARD, Draft, Image
from posts.errors import Outcome, Unclear
from posts.images import ImageError
from posts.ledger import DAEMON, Wanted
from posts.networks.registry import NETWORKS
from posts.states import PLANNED, Event, State
from posts.text import extract_hashtags, extract_urls

ENTRIES_SHOWN = 200
SLOTS_OFFERED = 8
EDITABLE = PLANNED | {State.QUEUED, State.MISSED}
MARKER_TO_COME = "0" * 12
"""Stands for the marker that an announcement gets when it is made; as long as one."""
UNBORN = 2**62
"""The number of an announcement that is not made yet: behind all others."""
SHOWN_OF_LINK = 26
"""How much of an address X shows; every one counts the same."""
_MEDIA_NAME = re.compile(r"[0-9a-f]{64}\.(?:jpg|png)")
_MENTION = re.compile(r"(?<![\w@])@\w{1,15}\b")
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_ANSWERS_A_RETURN = frozenset({"edited", "approval_given", "approved", "cancelled", "posted"})


# --- what is typed -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TypedPicture:
    """A picture in the form. `reference` stands for it without telling where it lies."""

    reference: str
    alt: str = ""
    credit: str = ""


@dataclass(frozen=True)
class Typed:
    """What a person has typed of an announcement."""

    text: str = ""
    link: str = ""
    pictures: tuple[TypedPicture, ...] = ()


def typed_of(row: Any) -> Typed:
    """What stands in the form before somebody types."""
    pictures = tuple(TypedPicture(reference_of(one["file"]), one["alt"], one["credit"]) for one in row.images)
    return Typed(row.text, row.link or "", pictures)


def reference_of(file: str) -> str:
    """What stands for a picture on the pages: the name of one that lies in the media folder, or a digest."""
    name = file.rpartition("/")[2]
    return name if _MEDIA_NAME.fullmatch(name) else hashlib.sha256(file.encode()).hexdigest()[:16]


def _file_of(app: App, images: Iterable[Mapping[str, Any]], reference: str) -> str | None:
    """The picture's file: one of the announcement's own, or one that somebody uploaded; None where it is gone."""
    for image in images:
        if reference_of(image["file"]) == reference:
            return str(image["file"])
    uploaded = app.settings.path("media_dir").resolve() / reference
    return str(uploaded) if _MEDIA_NAME.fullmatch(reference) and uploaded.is_file() else None


def _images(app: App, row: Any, typed: Typed) -> list[dict[str, str]]:
    """The pictures as an announcement keeps them. Raises Refusal where one is gone."""
    images = []
    for one in typed.pictures:
        file = _file_of(app, row.images, one.reference)
        if file is None:
            raise Refusal("picture_gone")
        images.append({"file": file, "alt": one.alt, "credit": one.credit})
    return images


# --- how the network shows it --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A run of a post's text: `kind` is text, link, hashtag or mention, `shown` what the network prints of it."""

    kind: str
    text: str
    shown: str


@dataclass(frozen=True)
class Sight:
    """A post as it will be sent, and as its network shows it.

    `length` and `room` count by the network's rule. `problems` keep it from being saved, `concerns` from going out;
    both are sentences. `credits` are lines that are appended because the text does not name them. `cost_usd` is None
    where the fee is not known.
    """

    network: str
    world: str
    account: str
    account_name: str
    at: datetime
    text: str
    pieces: tuple[Piece, ...]
    length: int
    room: int
    link_counts: int | None
    link: str | None
    card_host: str
    card_title: str
    pictures: tuple[TypedPicture, ...]
    problems: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    cost_usd: float | None = None


def sight(app: App, announcement_id: int, typed: Typed) -> Sight:
    """What would be sent if this were saved. Raises store.Unknown."""
    with app.database.read() as connection:
        return _sight(app, connection, store.announcement_row(connection, announcement_id), typed)


def sight_of_new(app: App, channel: str, at_text: str, typed: Typed) -> Sight:
    """The same for an announcement that is not made yet. Raises store.Unknown; an unreadable instant means now."""
    with app.database.read() as connection:
        return _sight(app, connection, _unborn(app, connection, channel, at_text), typed)


def _unborn(app: App, connection: Connection, channel: str, at_text: str) -> Any:
    try:
        at = desk.read_instant(at_text, app.settings.zone)
    except Refusal:
        at = app.now(connection)
    row = store.channel_named(connection, channel)
    return SimpleNamespace(
        **{name: getattr(row, name) for name in ("network", "account", "account_name", "world", "token_expires")},
        id=UNBORN,
        campaign=store.FREE,
        place_id=0,
        place_name=None,
        channel_id=row.id,
        channel=row.name,
        due_at=at,
        marker=MARKER_TO_COME,
        images=[],
    )


def _as_typed(row: Any, text: str, link: str | None, images: list[dict[str, str]]) -> Any:
    """The row as it would be after saving."""
    known = dict(row._mapping) if isinstance(row, Row) else vars(row)
    changed = {"text": text, "link": link, "images": images, "text_key": compose.text_key(text, link)}
    return SimpleNamespace(**known | changed)


def _sight(app: App, connection: Connection, row: Any, typed: Typed) -> Sight:
    gone: list[str] = []
    try:
        images = _images(app, row, typed)
    except Refusal:
        images, gone = [], ["picture_gone"]
    link = typed.link or None
    text = desk.with_credits(typed.text, images)
    campaign = planning.campaign_of(connection, row)
    after = _as_typed(row, text, link, images)
    draft = _draft(app, after, campaign)
    problems = gone + compose.preflight(row.network, text, link, images)
    concerns = planning.situation_problems(connection, after, campaign, app.settings.zone)
    if campaign and campaign.require_image and row.place_id and not images:
        concerns.append("image_missing")
    return replace(
        _shown(row, draft, typed.pictures),
        problems=tuple(sentences(problems, app.settings["language"])),
        concerns=tuple(sentences(concerns, app.settings["language"])),
        credits=tuple(text[len(typed.text) :].split("\n\n")[1:]),
        cost_usd=compose.cost(row.network, draft, row.due_at),
    )


def _draft(app: App, row: Any, campaign: Campaign | None) -> Draft:
    """What would be frozen, its pictures not fetched yet."""
    link = compose.tracked_link(app.settings, app.tracked_hosts(), row, campaign) if row.link else None
    images = tuple(Image(one["file"], one["alt"], one["credit"], "") for one in row.images)
    return Draft(row.network, compose.sent_text(row.network, row.text, row.link, link, bool(images)), link, images)


def _frozen_sight(row: Any, corrected: str | None) -> Sight:
    """What is being sent or was sent, with the text that it was corrected to."""
    draft = Draft.from_json(row.draft)
    draft = draft if corrected is None else replace(draft, text=corrected)
    return replace(_shown(row, draft, typed_of(row).pictures), cost_usd=row.cost_usd)


def _shown(row: Any, draft: Draft, pictures: tuple[TypedPicture, ...]) -> Sight:
    limits = NETWORKS[row.network].limits
    card = draft.link if draft.kind == CARD else None
    return Sight(
        network=row.network,
        world=row.world,
        account=row.account,
        account_name=row.account_name or row.channel,
        at=row.due_at,
        text=draft.text,
        pieces=tuple(pieces(row.network, draft.text)),
        length=compose.measure_of(row.network)(draft.text),
        room=limits.text,
        link_counts=limits.link_length,
        link=draft.link,
        card_host=(urlsplit(card).hostname or "").removeprefix("www.") if card else "",
        card_title=row.place_name or "",
        pictures=pictures,
    )


def pieces(network: str, text: str) -> Iterator[Piece]:
    """A text in runs, as a network tells them apart."""
    done = 0
    for start, end, kind in _finds(network, text):
        if start < done:
            continue
        if start > done:
            yield Piece("text", text[done:start], text[done:start])
        found = text[start:end]
        yield Piece(kind, found, _short(found) if kind == "link" and network == compose.TWITTER else found)
        done = end
    if done < len(text):
        yield Piece("text", text[done:], text[done:])


def _finds(network: str, text: str) -> list[tuple[int, int, str]]:
    found = [(one.start, one.end, "link") for one in extract_urls(text)]
    found += [(one.start, one.end, "hashtag") for one in extract_hashtags(text)]
    if network == compose.TWITTER:
        found += [(one.start(), one.end(), "mention") for one in _MENTION.finditer(text)]
    return sorted(found)


def _short(link: str) -> str:
    shown = re.sub(r"^https?://(www\.)?", "", link).rstrip("/")
    return shown if len(shown) <= SHOWN_OF_LINK else shown[:SHOWN_OF_LINK] + "…"


# --- what was changed ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A run of two texts that are compared: `kind` is same, gone or new."""

    kind: str
    text: str


def changes(before: str, after: str) -> tuple[Change, ...]:
    """What became of a text, word by word; changes with nothing but blanks between them are one."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    runs: list[tuple[str, str]] = []
    for tag, first, last, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, came = "".join(old[first:last]), "".join(new[start:end])
        if len(runs) > 1 and tag != "equal" and runs[-1][0] == runs[-1][1] and not runs[-1][0].strip(" "):
            blank, (earlier_gone, earlier_came) = runs.pop()[0], runs.pop()
            gone, came = earlier_gone + blank + gone, earlier_came + blank + came
        runs.append((gone, came))
    return tuple(one for gone, came in runs for one in _told(gone, came))


def _told(gone: str, came: str) -> list[Change]:
    if gone == came:
        return [Change("same", gone)]
    return [Change(kind, text) for kind, text in (("gone", gone), ("new", came)) if text]


# --- the whole page ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FromTemplate:
    """What the template makes of the place now: parts that it left out for length, and how a person's text differs."""

    problems: tuple[str, ...]
    dropped: tuple[str, ...]
    shortened: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Approvals:
    """Who approved and when, how many are missing, who edited last, and who still may approve."""

    rule: str
    given: tuple[tuple[str, datetime], ...]
    missing: int
    editor: str | None
    may: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One event of an announcement's story; `who` is None for the daemon, `why` a sentence or empty; `moved` is from
    when to when."""

    at: str
    event: str
    who: str | None
    why: str = ""
    moved: tuple[str, str] | None = None
    permalink: str | None = None
    comment: str | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Review:
    """Everything that the page of an announcement shows. `returned` is the comment that still waits for an answer;
    `obstacles` are words for what keeps the channel from speaking at all; `also_posted` is the id of a further post of
    it on the network, of which nobody has taken note yet."""

    one: dict[str, Any]
    typed: Typed
    sight: Sight
    editable: bool
    template: FromTemplate | None
    approvals: Approvals
    entries: tuple[Entry, ...]
    returned: Entry | None
    obstacles: tuple[str, ...]
    also_posted: str | None
    more: bool


def examine(app: App, announcement_id: int) -> Review:
    """All of one announcement. Raises store.Unknown."""
    logged = app.search_log(Wanted(delivery_id=announcement_id), ENTRIES_SHOWN + 1)
    corrected = next((one["detail"]["to"] for one in logged if one["event"] == "corrected"), None)
    with app.database.read() as connection:
        row = store.announcement_row(connection, announcement_id)
        typed = typed_of(row)
        frozen = row.draft is not None and State(row.state) is not State.CANCELLED
        seen = _frozen_sight(row, corrected) if frozen else _sight(app, connection, row, typed)
        template = _from_template(app, connection, row)
        approvals = _approvals(app, connection, row)
        obstacles = tuple(_obstacles(app, connection, row))
        said = {one.id: one.text for one in store.comment_rows(connection, announcement_id)}
    entries = [_entry(one, said, app.settings["language"]) for one in logged]
    return Review(
        one=app.announcements(ids=[announcement_id])[0],
        typed=typed,
        sight=seen,
        editable=State(row.state) in EDITABLE,
        template=template,
        approvals=approvals,
        entries=tuple(entries[:ENTRIES_SHOWN]),
        returned=_returned(entries),
        obstacles=obstacles,
        also_posted=row.also_posted if row.also_posted != row.remote_id else None,
        more=len(entries) > ENTRIES_SHOWN,
    )


def _from_template(app: App, connection: Connection, row: Row[Any]) -> FromTemplate | None:
    if State(row.state) not in EDITABLE or row.template is None:
        return None
    made = planning.filled_anew(connection, app.house(connection), row)
    if made is None:
        return None
    differs = changes(made.text, row.text) if made.text and made.text != row.text else ()
    problems = tuple(sentences(list(made.problems), app.settings["language"]))
    return FromTemplate(problems, made.dropped, made.shortened, differs)


def _approvals(app: App, connection: Connection, row: Row[Any]) -> Approvals:
    names = store.person_names(connection)
    given = store.approval_rows(connection, row.id)
    four_eyes = row.approval == "four-eyes"
    counted = [one for one in given if not (four_eyes and one.person == row.editor)]
    barred = {names.get(one.person) for one in given} | ({names.get(row.editor)} if four_eyes else set())
    may = [one.name for one in app.access.users() if not one.disabled and one.role.includes(Role.APPROVER)]
    return Approvals(
        rule=row.approval,
        given=tuple((names.get(one.person, one.person), one.at) for one in given),
        missing=max(0, desk.needed(row) - len(counted)),
        editor=names.get(row.editor) if row.editor else None,
        may=tuple(name for name in may if name not in barred),
    )


def _obstacles(app: App, connection: Connection, row: Row[Any]) -> Iterator[str]:
    """Why nothing goes out there at present, whatever stands in the calendar."""
    channel = next((one for one in store.channel_rows(connection) if one.id == row.channel_id), None)
    if channel is None:
        yield "channel_removed"
        return
    if channel.paused:
        yield "channel_paused"
    if channel.signed_out:
        yield "channel_signed_out"
    if channel.throttled_until is not None and channel.throttled_until > app.now(connection):
        yield "channel_throttled"
    if row.campaign and any(one.name == row.campaign and one.paused for one in store.campaign_rows(connection)):
        yield "campaign_paused"


def _entry(entry: Mapping[str, Any], said: Mapping[int, str], language: str) -> Entry:
    event, detail = entry["event"], entry["detail"]
    pair = (detail["from"], detail["to"]) if "from" in detail and "to" in detail else None
    return Entry(
        at=entry["at"],
        event=event,
        who=None if entry["actor"] == DAEMON else entry["actor_name"],
        why=_why(event, detail, language),
        moved=pair if event == Event.MOVED else None,
        permalink=entry["permalink"],
        comment=said.get(detail["comment"]) if "comment" in detail else None,
        changes=changes(*pair) if pair and event in ("edited", "corrected") else (),
    )


def _why(event: str, detail: Mapping[str, Any], language: str) -> str:
    if event == "withdrawn":  # a person's own words
        return str(detail.get("reason", ""))
    reason = detail.get("reason") or detail.get("why")
    reasons = [reason] if reason else detail.get("problems", [])
    return " ".join(sentences([str(one) for one in reasons if one != "person"], language))


def _returned(entries: Sequence[Entry]) -> Entry | None:
    for one in entries:
        if one.event == "sent_back":
            return one
        if one.event in _ANSWERS_A_RETURN:
            return None
    return None


def next_slots(app: App, announcement_id: int) -> list[datetime]:
    """Instants to which the announcement may be moved without insisting. Raises store.Unknown."""
    with app.database.read() as connection:
        row = store.announcement_row(connection, announcement_id)
        found = planning.next_slots(connection, app.settings, app.now(connection), row, SLOTS_OFFERED)
    return [at.astimezone(app.settings.zone) for at in found]


# --- decisions -----------------------------------------------------------------------------------------------


def save(app: App, announcement_id: int, typed: Typed, version: str, *, confirm: bool = False) -> bool:
    """Save what was typed, if nobody changed the announcement since the version that was shown; False where nothing
    differs, unless the person confirms it as it is. Raises Refusal."""
    with app.at_desk() as (connection, at):
        row = store.announcement_row(connection, announcement_id)
        if typed == typed_of(row) and not confirm:
            return False
        images = _images(app, row, typed)
        desk.edit(connection, at, announcement_id, text=typed.text, link=typed.link, images=images, version=version)
    return True


def create(app: App, channel: str, at_text: str, typed: Typed, *, approve: bool) -> int:
    """A free announcement; the very same one is made once, however often a button is pressed. Raises Refusal."""
    instant = desk.read_instant(at_text, app.settings.zone)
    with app.at_desk() as (connection, at):
        try:
            row = _unborn(app, connection, channel, at_text)
        except store.Unknown as unknown:
            raise desk.refused(unknown) from None
        images = _images(app, row, typed)
        link = typed.link or None
        key = compose.text_key(desk.with_credits(typed.text, images), link)
        known = store.twin(connection, row.channel_id, key, instant)
        if known is not None:
            raise Refusal("same_announcement", known)
        entry = desk.Entry(channel, instant, typed.text, link, tuple(images))
        return desk.add(connection, at, entry, approve=approve)


def copied(app: App, announcement_id: int) -> Typed:
    """What a new announcement begins with that is made after another one; pictures that can't be had are left out.
    Raises store.Unknown."""
    with app.database.read() as connection:
        row = store.announcement_row(connection, announcement_id)
    media, root = app.settings.path("media_dir"), image_root(app, row)
    pictures = []
    for one in row.images:
        try:
            reference = keep(app, compose.picture_bytes(media, _prepared(row, one["file"]), root))
        except (ImageError, Refusal):
            continue
        pictures.append(TypedPicture(reference, one["alt"], one["credit"]))
    return Typed(row.text, row.link or "", tuple(pictures))


def keep(app: App, data: bytes) -> str:
    """Keep an uploaded picture, whether or not it is used later; returns its reference. Raises Refusal."""
    try:
        return reference_of(compose.keep_image(app.settings.path("media_dir"), data))
    except ImageError as error:
        raise Refusal("not_sendable", [f"image_unusable:{error}"]) from None


def post_now(app: App, announcement_id: int, version: str | None = None) -> None:
    """Approve and send at once what the person has read: that version (None: not asked). Raises Refusal."""
    with app.at_desk() as (connection, at):
        desk.post_now(connection, at, announcement_id, version)


def comment(app: App, announcement_id: int, text: str) -> None:
    """Say something about an announcement. Raises Refusal."""
    with app.at_desk() as (connection, at):
        desk.comment(connection, at, announcement_id, text)


def send_back(app: App, announcement_id: int, text: str) -> None:
    """Withdraw the approvals and say why. Raises Refusal."""
    with app.at_desk() as (connection, at):
        desk.send_back(connection, at, announcement_id, text)


def correct(app: App, announcement_id: int, text: str) -> None:
    """Change the text of what is out. Raises Refusal, also for what the network answers."""
    try:
        app.correct(announcement_id, text)
    except KeyProblem as problem:
        raise desk.refused(problem) from None
    except Unclear as outcome:
        raise Refusal("network_unclear", [outcome.reason]) from None
    except Outcome as outcome:
        raise Refusal("network_said_no", [outcome.reason]) from None


def withdraw(app: App, announcement_id: int, reason: str) -> None:
    """Delete what is out on its network. Raises Refusal; where the network does not do it, that says where it is."""
    if not reason.strip():
        raise Refusal("reason_missing")
    try:
        app.withdraw(announcement_id, reason.strip())
    except KeyProblem as problem:
        raise desk.refused(problem) from None
    except Outcome as outcome:
        link = app.show([announcement_id])[0]["permalink"] or ""
        raise Refusal("delete_yourself", [outcome.reason], link) from None


# --- pictures ------------------------------------------------------------------------------------------------


def image_root(app: App, row: Any) -> Path | None:
    """Where pictures of the announcement's place lie that have no web address; None where that is not set."""
    if not row.place_id or not row.images:
        return None
    with app.database.read() as connection:
        stored = store.place_of(connection, row.place_id)
    if stored is None or stored.place.portal not in app.settings.portals:
        return None
    return app.portals(stored.place.portal)[0].image_root


class _Thumbnails:
    """Small copies of pictures, kept for a while, and for a shorter while that one can't be had: a portal's server is
    not asked whenever somebody looks at a page."""

    MOST, GOOD, BAD = 64, 3600.0, 300.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Path, str], tuple[float, tuple[bytes, str] | None]] = OrderedDict()

    def of(self, media: Path, source: str, root: Path | None) -> tuple[bytes, str] | None:
        """The picture and its media type; None where it can't be had."""
        now = time.monotonic()
        with self._lock:
            until, known = self._kept.get((media, source), (0.0, None))
        if now < until:
            return known
        try:
            made = compose.thumbnail(compose.picture_bytes(media, source, root))
        except ImageError:
            made = None
        with self._lock:
            self._kept[media, source] = (now + (self.GOOD if made else self.BAD), made)
            while len(self._kept) > self.MOST:
                self._kept.popitem(last=False)
        return made


_thumbnails = _Thumbnails()


def picture(app: App, announcement_id: int, reference: str) -> tuple[bytes, str] | None:
    """A small copy of one of an announcement's pictures and its media type; None where there is none, or it can't be
    had. Where it lies on a portal's server, this server fetches it, never the person's browser."""
    with app.database.read() as connection:
        row = store.announcement_row(connection, announcement_id)
    file = _file_of(app, row.images, reference)
    media = app.settings.path("media_dir")
    return _thumbnails.of(media, _prepared(row, file), image_root(app, row)) if file else None


def uploaded(app: App, reference: str) -> tuple[bytes, str] | None:
    """The same of a picture that somebody uploaded."""
    file = _file_of(app, (), reference)
    return _thumbnails.of(app.settings.path("media_dir"), file, None) if file else None


def _prepared(row: Any, file: str) -> str:
    """The file that was prepared for sending, where it lies here: what was sent is shown, whatever the portal does."""
    prepared = row.draft["images"] if row.draft else []
    for image, ready in zip(row.images, prepared, strict=False):
        if image["file"] == file and Path(ready["file"]).is_file():
            return str(ready["file"])
    return file
