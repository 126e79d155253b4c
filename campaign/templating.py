"""Templates as staff work on them: where each is used, trying a text, its revisions, and which of them is used."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from campaign import compose, planning, store
from campaign.app import App
from campaign.campaigns import Campaign, parse_campaign
from campaign.desk import Refusal
from campaign.news import sentences
from campaign.places import Picture, Place
from campaign.store import Unknown
from posts import ledger
from posts.networks.registry import NETWORKS
from posts.render import TemplateError, check_template, compile_template
from posts.render.budget import SOURCE

NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
"""A template's name: it stands in addresses and in campaign files."""
LONGEST_NOTE = 300
SHIPPED = 0
"""The number under which the shipped file stands among the revisions."""
CALL = "call"
"""The trial without a place."""
WITHOUT_PLACE = frozenset({"link", "link_in_text", "campaign_title", "step", "day"})
"""What a template may say where there is no place."""
CALL_LINK = "https://example.org/mitmachen/"
HOUSE_TITLE = "Kreativorte im Grünen"
LONGEST_COMPARED = 2000
"""Characters of a line within which single words are compared."""
MANY_LINES = 500
"""Beyond which frequent lines no longer count as common ground: comparing would take too long."""
_NEVER_SAVED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Use:
    """A campaign's step or call that names a template; `picture` tells whether its posts may show a photo."""

    campaign: str
    title: str
    step: str
    is_call: bool
    picture: bool
    link: str


@dataclass(frozen=True)
class Trial:
    """What a template's text makes of one place. `problems` are sentences; `line` is the faulty one, or 0."""

    text: str
    length: int
    room: int
    dropped: tuple[str, ...]
    shortened: bool
    problems: tuple[str, ...]
    reasons: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Revision:
    """One text of a template. Number SHIPPED is the shipped file, which has neither author nor instant."""

    number: int
    text: str
    digest: str
    note: str
    by: str
    at: datetime | None
    active: bool


@dataclass(frozen=True)
class Template:
    """One template with all that its page shows; `used` is the text that goes out now, None where none does."""

    network: str
    name: str
    revisions: tuple[Revision, ...]
    uses: tuple[Use, ...]
    planned: int

    @property
    def used(self) -> Revision | None:
        """The revision that fills announcements now."""
        return next((one for one in self.revisions if one.active), None)

    @property
    def newest(self) -> int:
        """The number of the newest revision; SHIPPED where staff saved none."""
        return max(one.number for one in self.revisions)

    @property
    def has_file(self) -> bool:
        """Whether a file of this name is shipped."""
        return self.revisions[-1].number == SHIPPED

    def revision(self, number: int | None) -> Revision | None:
        """The revision of that number."""
        return next((one for one in self.revisions if one.number == number), None)


@dataclass(frozen=True)
class Cell:
    """A template on one network, as the list shows it: the revision used, its trials, drafts saved behind it."""

    used: Revision | None
    trials: Mapping[str, Trial]
    drafts: int
    uses: tuple[Use, ...]

    @property
    def missing(self) -> bool:
        """Whether a campaign asks for it and nothing is there to fill its posts."""
        return self.used is None and bool(self.uses)


# --- where templates are used --------------------------------------------------------------------------------


def uses(app: App) -> dict[tuple[str, str], list[Use]]:
    """Network and template to the steps and calls that name it, of campaigns that have not ended."""
    with app.database.read() as connection:
        return _uses(app, connection)


def _uses(app: App, connection: Connection) -> dict[tuple[str, str], list[Use]]:
    networks = {row.name: row.network for row in store.channel_rows(connection)}
    found: dict[tuple[str, str], list[Use]] = {}
    for row in store.campaign_rows(connection):
        campaign = parse_campaign(row.definition)
        if campaign.ends < app.today():
            continue
        for network in {networks[name] for name in campaign.channels if name in networks}:
            for template, use in _of_campaign(campaign):
                found.setdefault((network, template), []).append(use)
    return found


def _of_campaign(campaign: Campaign) -> Iterator[tuple[str, Use]]:
    for step in campaign.steps:
        for template in step.templates:
            yield (
                template,
                Use(campaign.name, campaign.title, step.name, False, step.picture == "photo", ""),
            )
    for call in campaign.calls:
        for template in call.templates:
            yield template, Use(campaign.name, campaign.title, call.name, True, False, call.link or "")


def revisions(app: App, network: str, name: str) -> list[dict[str, Any]]:
    """A template's revisions for programs, the newest first; number SHIPPED is the shipped file. Raises Unknown."""
    return [
        {
            "network": network,
            "name": name,
            "number": one.number,
            "revision": one.digest,
            "active": one.active,
            "saved_by": one.by or None,
            "saved_at": one.at.astimezone(app.settings.zone).isoformat() if one.at else None,
            "note": one.note,
        }
        for one in work_on(app, network, name).revisions
    ]


# --- trying a text -------------------------------------------------------------------------------------------


def trial(app: App, network: str, name: str, source: str, place: Place | None, use: Use | None = None) -> Trial:
    """The text as it would go out for a place (None: a call), as in that use or as in a first campaign's step.

    Whatever is wrong with the text or its outcome stands in the trial; nothing is raised.
    """
    room = NETWORKS[network].limits.text
    try:
        check_template(source)
    except TemplateError as error:
        return _failed(app, room, f"template_error:{error}", error.line)
    pictures = () if use is not None and not use.picture else compose.pictures_for(place, "photo")
    link = place.url if place else (use.link if use and use.link else CALL_LINK)
    values = compose.variables(
        place,
        use.title if use else HOUSE_TITLE,
        use.step if use else name,
        network,
        link,
        pictures[0] if pictures else None,
        app.today(),
        app.settings.zone,
    )
    composed = compose.fill_source(source, network, values)
    if composed.problems:
        return _failed(app, room, composed.problems[0], composed.faulty_line)
    reasons = compose.preflight(network, composed.text, link, [_as_image(one) for one in pictures])
    whole = compose.with_link(network, composed.text, link, compose.link_in_text(network, bool(pictures)))
    return Trial(
        whole,
        compose.measure_of(network)(whole),
        room,
        composed.dropped,
        composed.shortened,
        tuple(sentences(reasons, app.settings["language"])),
        tuple(reasons),
        0,
    )


def _as_image(picture: Picture) -> dict[str, str]:
    return {"file": picture.url, "alt": picture.alt, "credit": picture.credit}


def _failed(app: App, room: int, reason: str, line: int) -> Trial:
    return Trial("", 0, room, (), False, tuple(sentences([reason], app.settings["language"])), (reason,), line)


def trials(app: App, network: str, name: str, source: str, used: list[Use]) -> dict[str, Trial]:
    """The text for a short, a long and an empty place where steps use it, for a call where calls do; by the names of
    compose.SAMPLE_PLACES, and CALL. What nothing uses is tried as what it is written for."""
    step = next((use for use in used if not use.is_call), None)
    call = next((use for use in used if use.is_call), None)
    for_calls = bool(call) if used else speaks_of_no_place(source)
    found: dict[str, Trial] = {}
    if step or not for_calls:
        for sample, place in compose.SAMPLE_PLACES.items():
            found[sample] = trial(app, network, name, source, place, step)
    if for_calls:
        found[CALL] = trial(app, network, name, source, None, call)
    return found


def speaks_of_no_place(source: str) -> bool:
    """Whether a text asks for nothing that only a place has, as those of calls."""
    try:
        return compile_template(source).names <= WITHOUT_PLACE
    except TemplateError:
        return False


def faults(app: App, network: str, name: str, source: str, used: list[Use]) -> list[str]:
    """Why a text may not fill announcements: reasons of whatever would hold every one of them.

    A text that no campaign uses yet must be readable and fit; credit and the like are judged once it is known where
    it is used.
    """
    reasons = [reason for one in trials(app, network, name, source, used).values() for reason in one.reasons]
    if not used:
        hard = ("template_error", "text_does_not_fit", "text_empty", "text_too_long")
        reasons = [reason for reason in reasons if reason.partition(":")[0] in hard]
    return list(dict.fromkeys(reasons))


# --- the list and one template -------------------------------------------------------------------------------


def listed(app: App) -> dict[str, dict[str, Cell]]:
    """Every template name with its cell per network; a network without that template has none."""
    with app.database.read() as connection:
        templates = app.templates_in(connection)
        rows = store.revision_rows(connection)
        names = store.person_names(connection)
        used = _uses(app, connection)
    known = {(network, name) for network in NETWORKS for name in templates.names(network)}
    known |= {(row.network, row.name) for row in rows} | set(used)
    found: dict[str, dict[str, Cell]] = {}
    for network, name in sorted(known, key=lambda key: (key[1], list(NETWORKS).index(key[0]))):
        mine = [row for row in rows if (row.network, row.name) == (network, name)]
        revisions = _revisions(templates, network, name, mine, names)
        found.setdefault(name, {})[network] = _cell(app, network, name, revisions, used.get((network, name), []))
    return found


def _cell(app: App, network: str, name: str, revisions: tuple[Revision, ...], used: list[Use]) -> Cell:
    active = next((one for one in revisions if one.active), None)
    drafts = sum(one.number > (active.number if active else SHIPPED) for one in revisions)
    tried = trials(app, network, name, active.text, used) if active else {}
    return Cell(active, tried, drafts, tuple(used))


def _revisions(
    templates: compose.Templates, network: str, name: str, rows: list[Any], names: Mapping[str, str]
) -> tuple[Revision, ...]:
    """Newest first, the shipped file last."""
    saved = [
        Revision(row.number, row.text, row.digest, row.note, names.get(row.person, row.person), row.at, row.active)
        for row in rows
    ]
    file = templates.shipped(network, name)
    if file is not None:
        unrevised = not any(one.active for one in saved)
        saved.append(Revision(SHIPPED, file, compose.digest_of(file), "", "", None, unrevised))
    return tuple(saved)


def work_on(app: App, network: str, name: str) -> Template:
    """One template with its revisions and uses. Raises Unknown."""
    with app.database.read() as connection:
        return _work_on(app, connection, network, name)


def _work_on(app: App, connection: Connection, network: str, name: str) -> Template:
    revisions: tuple[Revision, ...] = ()
    if network in NETWORKS:
        rows = store.revision_rows(connection, network, name)
        names = store.person_names(connection)
        revisions = _revisions(app.templates_in(connection), network, name, rows, names)
    if not revisions:
        raise Unknown("template_unknown", name, network)
    used = _uses(app, connection).get((network, name), [])
    planned = len(store.planned_with_template(connection, network, name))
    return Template(network, name, revisions, tuple(used), planned)


def places_named(app: App, words: str, at_most: int) -> list[tuple[int, str]]:
    """Places for a trial, the newest first: number and name, of those whose name or town holds all the words."""
    wanted = words.casefold().split()
    with app.database.read() as connection:
        stored = store.stored_places(connection)
    fitting = (
        (one.id, f"{one.place.name}, {one.place.town}" if one.place.town else one.place.name)
        for one in reversed(stored)
        if not one.withdrawn
        and all(word in f"{one.place.name} {one.place.town} {one.id}".casefold() for word in wanted)
    )
    return list(islice(fitting, at_most))


def place_for(app: App, key: str) -> Place | None:
    """The place of a trial: a sample's name, CALL (None), or a place's number. Raises Unknown."""
    if key == CALL:
        return None
    if key in compose.SAMPLE_PLACES:
        return compose.SAMPLE_PLACES[key]
    with app.database.read() as connection:
        stored = store.place_of(connection, int(key)) if key.isdecimal() and len(key) < 10 else None
    if stored is None:
        raise Unknown("place_unknown", key)
    return stored.place


# --- saving and choosing -------------------------------------------------------------------------------------


def tidied(text: str) -> str:
    """A text as it is kept: line feeds alone, one at the end, nothing that no editor shows."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _NEVER_SAVED.sub("", lines).rstrip() + "\n"


def save(app: App, network: str, name: str, text: str, note: str, *, base: int, use: bool) -> int:
    """Save a text as the template's newest revision, and with `use` fill announcements with it from now on.

    `base` is the newest revision that the person saw. Returns the revision's number. Raises Refusal for a text that
    can't be used, that is no change, or where somebody else saved meanwhile; Unknown.
    """
    source, said = tidied(text), " ".join(_NEVER_SAVED.sub("", note).split())[:LONGEST_NOTE]
    work = work_on(app, network, name)
    if len(source) > SOURCE:
        raise Refusal("template_too_long", len(source), SOURCE)
    if use:
        _check_usable(app, work, source)
    with app.at_desk() as (connection, at):
        store.lock_templates(connection)
        present = _work_on(app, connection, network, name)
        if present.newest != base:
            newest = present.revisions[0]
            raise Refusal("template_saved_meanwhile", newest.number, newest.by)
        number = _same_as_newest(present, source, use)
        if number is None:
            digest = compose.digest_of(source)
            values = {"text": source, "digest": digest, "note": said, "person": at.actor, "at": at.now}
            number = store.add_revision(connection, network, name, **values)
            _note(connection, at, "template_saved", network, name, number, digest, said)
        if use:
            store.activate_revision(connection, network, name, number)
            _note(connection, at, "template_activated", network, name, number, compose.digest_of(source))
    if use:
        refill(app, network, name)
    return number


def _same_as_newest(work: Template, source: str, use: bool) -> int | None:
    """The newest revision's number where the text is no other and only begins to be used. Raises Refusal."""
    newest = work.revisions[0]
    if newest.text != source:
        return None
    if newest.active or not use or newest.number == SHIPPED:
        raise Refusal("template_unchanged")
    return newest.number


def _check_usable(app: App, work: Template, source: str) -> None:
    found = faults(app, work.network, work.name, source, list(work.uses))
    if found:
        raise Refusal("template_unusable", found)


def activate(app: App, network: str, name: str, number: int) -> None:
    """Fill announcements with that revision from now on; SHIPPED: with the shipped file, or with nothing where none
    is shipped. Raises Refusal and Unknown."""
    work = work_on(app, network, name)
    chosen = work.revision(number)
    if chosen is not None:
        _check_usable(app, work, chosen.text)
    elif number != SHIPPED:
        raise Unknown("template_revision_unknown", number, name)
    elif work.uses:
        raise Refusal("template_in_use", name, work.uses[0].title)
    with app.at_desk() as (connection, at):
        store.lock_templates(connection)
        store.activate_revision(connection, network, name, number or None)
        digest = chosen.digest if chosen else ""
        _note(connection, at, "template_activated", network, name, number, digest)
    refill(app, network, name)


def copy(app: App, network: str, name: str, number: int | None, to_network: str, to_name: str) -> None:
    """A new template, as a draft: the text of another one (a revision of it, or what is used). Raises Refusal."""
    work = work_on(app, network, name)
    source = work.revision(number) or work.used or work.revisions[0]
    if to_network not in NETWORKS:
        raise Refusal("network_unknown", to_network, ", ".join(NETWORKS))
    if not NAME.fullmatch(to_name):
        raise Refusal("template_name_unusable")
    note = f"{network}/{name}, {source.number}"
    with app.at_desk() as (connection, at):
        store.lock_templates(connection)
        file = app.templates_in(connection).shipped(to_network, to_name)
        if file is not None or store.revision_rows(connection, to_network, to_name):
            raise Refusal("template_exists", to_name, to_network)
        values = {"text": source.text, "digest": source.digest, "note": note, "person": at.actor, "at": at.now}
        made = store.add_revision(connection, to_network, to_name, **values)
        _note(connection, at, "template_saved", to_network, to_name, made, source.digest, note)


def _note(
    connection: Connection, at: Any, event: str, network: str, name: str, number: int, digest: str, note: str = ""
) -> None:
    detail = {"template": f"{network}/{name}", "number": number, "revision": digest}
    ledger.note(connection, event, at.now, at.actor, detail=detail | ({"note": note} if note else {}))


def refill(app: App, network: str, name: str) -> None:
    """Fill the template's planned, untouched announcements anew, in short pieces; what a process that dies on the way
    leaves behind, the next planning does."""
    with app.database.read() as connection:
        ids = store.planned_with_template(connection, network, name)
    for start in range(0, len(ids), planning.CHUNK):
        with app.database.write() as connection:
            planning.refresh(connection, app.house(connection), ids[start : start + planning.CHUNK])
            app.database.wake_others(connection)


# --- differences ---------------------------------------------------------------------------------------------

Pieces = tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Line:
    """One line of a comparison: `kind` is "same", "out" or "in"; `pieces` are texts, each with whether it differs."""

    kind: str
    old: int | None
    new: int | None
    pieces: Pieces


def differences(old: str, new: str) -> list[Line]:
    """What became of the old text's lines in the new one, word by word where a line only changed."""
    before, after = old.rstrip("\n").split("\n"), new.rstrip("\n").split("\n")
    found: list[Line] = []
    many = max(len(before), len(after)) > MANY_LINES
    for kind, a1, a2, b1, b2 in difflib.SequenceMatcher(None, before, after, autojunk=many).get_opcodes():
        if kind == "equal":
            found += [Line("same", a1 + n + 1, b1 + n + 1, ((before[a1 + n], False),)) for n in range(a2 - a1)]
            continue
        pairs = min(a2 - a1, b2 - b1)
        changed = [_by_words(before[a1 + n], after[b1 + n]) for n in range(pairs)]
        outs = [one[0] for one in changed] + [((line, True),) for line in before[a1 + pairs : a2]]
        ins = [one[1] for one in changed] + [((line, True),) for line in after[b1 + pairs : b2]]
        found += [Line("out", a1 + n + 1, None, pieces) for n, pieces in enumerate(outs)]
        found += [Line("in", None, b1 + n + 1, pieces) for n, pieces in enumerate(ins)]
    return found


def _by_words(old: str, new: str) -> tuple[Pieces, Pieces]:
    """Both lines in pieces, with what differs marked; lines with little in common differ as a whole."""
    if max(len(old), len(new)) > LONGEST_COMPARED:
        return ((old, True),), ((new, True),)
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < 0.4:
        return ((old, True),), ((new, True),)
    outs: list[tuple[str, bool]] = []
    ins: list[tuple[str, bool]] = []
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if a2 > a1:
            outs.append(("".join(before[a1:a2]), kind != "equal"))
        if b2 > b1:
            ins.append(("".join(after[b1:b2]), kind != "equal"))
    return tuple(outs), tuple(ins)
