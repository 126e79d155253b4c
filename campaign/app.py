"""The only wiring: settings become engine, clock, publishers and portals; each verb is one method, each tick too."""

from __future__ import annotations

import copy
import getpass
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from campaign import compose, desk, listings, news, planning, pulling, store
from campaign.access import Access
from campaign.campaigns import read_campaign
from campaign.db import Database, upgrade
from campaign.desk import Desk, Refusal
from campaign.heads import RESTORED, Heads, Loss, loss, newest, noticed, seen_to
from campaign.news import sentence, sentences
from campaign.portals.guess import Guess, guess
from campaign.portals.portal import PortalConfig
from campaign.portals.presets import portal_config
from campaign.pulling import Pulled
from campaign.settings import Settings, SettingsError, suggestion
from campaign.store import StoredPlace
from posts import accounts, ledger
from posts.accounts import Accounts, Vault
from posts.clock import Clock, SystemClock
from posts.networks.publisher import CredentialsError, Endpoint
from posts.networks.registry import NETWORKS, check_credentials
from posts.reconcile import REACH_BACK
from posts.states import State

logger = logging.getLogger(__name__)

CHANNEL_NAME = re.compile(r"[^\W_][\w .-]{0,59}")
"""A channel's name: it stands in addresses, in campaign files and on command lines."""

SEAL_LEASE = timedelta(seconds=30)
CALL_MARGIN = timedelta(seconds=5)
BRAKE_LOOK = 0.2
"""Seconds between two looks at the calls that `stop_all` waits for."""


class OutOfRhythm(Refusal):
    """The campaign's rhythm does not permit an instant; a person may insist on it."""


def templates_directory() -> Path:
    """The shipped templates: beside the package in a checkout, inside it in a wheel."""
    beside = Path(__file__).parent.parent / "templates"
    return beside if (beside / "posts").is_dir() else Path(__file__).parent / "_templates"


class App:
    """The application over one configuration. Closing gives the database's connections back."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        actor: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._environment = os.environ if environment is None else environment
        self.actor_name = actor or self._environment.get("KREATIVORTE_USER") or f"cli:{getpass.getuser()}"
        self.database = Database(settings.database_url)
        self.heads = Heads(settings.path("heads"))
        self._stranger_since: datetime | None = None
        self._shipped = compose.Templates(templates_directory() / "posts")
        self._vault: Vault | None = None
        self.access = Access(self.database, self.clock, settings["web.idle"], settings["web.longest"])

    def acting_as(self, name: str, language: str) -> App:
        """The same application on the same connections for one person: who acts, and in which language it answers."""
        other = copy.copy(self)
        other.actor_name = name
        other.settings = replace(self.settings, values={**self.settings.values, "language": language})
        return other

    def close(self) -> None:
        """Give everything back."""
        self.database.close()

    # --- foundations

    @property
    def vault(self) -> Vault:
        """The tokens' vault. Raises KeyProblem when there is no key."""
        if self._vault is None:
            key = accounts.read_key(
                self.settings.path("secret_key_file"), self._environment.get("KREATIVORTE_SECRET_KEY")
            )
            self._vault = Vault(key)
        return self._vault

    def accounts(self) -> Accounts:
        """The door to the channels' accounts."""
        return Accounts(self.database.write, self.clock, self.vault, self.endpoint)

    def endpoint(self, api_base: str) -> Endpoint:
        """Where a channel's network answers, and how patiently it is asked."""
        return Endpoint(
            api_base,
            self.settings["network.connect_timeout"].total_seconds(),
            self.settings["network.read_timeout"].total_seconds(),
            self.settings["facebook.graph_version"],
            self.settings["engagement.twitter.owns_app"],
        )

    def now(self, connection: Connection) -> datetime:
        """The instant that counts for this transaction."""
        return ledger.now_of(connection, self.clock)

    @contextmanager
    def at_desk(self, actor: str | None = None) -> Iterator[tuple[Connection, Desk]]:
        """A person's transaction, or the daemon's; other processes are woken by its commit."""
        with self.database.write() as connection:
            now = self.now(connection)
            yield (
                connection,
                Desk(
                    actor=actor or store.person_id(connection, self.actor_name, now),
                    actor_name=actor or self.actor_name,
                    now=now,
                    zone=self.settings.zone,
                    late_grace=self.settings["delivery.late_grace"],
                    media=self.settings.path("media_dir").resolve(),
                ),
            )
            self.database.wake_others(connection)

    def today(self) -> date:
        """The present day in the house's zone."""
        return self.clock.now().astimezone(self.settings.zone).date()

    def prepare(self) -> None:
        """Bring the database to the newest schema."""
        upgrade(self.database)

    # --- portals

    def portals(self, name: str | None = None) -> list[PortalConfig]:
        """The configured portals, or the named one. Raises SettingsError and PortalMisconfigured."""
        known = self.settings.portals
        if name is not None and name not in known:
            raise SettingsError(f"There is no portal {name!r} in the configuration{suggestion(name, list(known))}.")
        return [
            portal_config(key, table, self.settings.directory) for key, table in known.items() if name in (None, key)
        ]

    def portal_states(self) -> list[dict[str, Any]]:
        """How the last poll of each configured portal ended."""
        with self.database.read() as connection:
            rows = store.portal_rows(connection)
        return [
            {
                "name": name,
                "kind": str(table.get("preset") or "SQL"),
                "pulled_at": rows[name].pulled_at if name in rows else None,
                "problem": self.reasons([rows[name].problem]) if name in rows else "",
            }
            for name, table in self.settings.portals.items()
        ]

    def pull(
        self,
        name: str | None = None,
        *,
        accept: bool = False,
        progress: Callable[[str, int], None] = lambda _portal, _rows: None,
    ) -> list[Pulled]:
        """Read the portals and let planned announcements follow."""
        pulled = []
        for config in self.portals(name):
            with self.database.read() as connection:
                now = self.now(connection)
            pulled.append(
                pulling.pull(
                    config,
                    self.database.read,
                    self.database.write,
                    now,
                    accept=accept,
                    progress=lambda rows, portal=config.name: progress(portal, rows),  # type: ignore[misc]
                )
            )
        if accept or any(one.is_news for one in pulled):
            with self.database.write() as connection:
                planning.follow_places(connection, self.house(connection))
                self.database.wake_others(connection)
        return pulled

    def places(self) -> list[dict[str, Any]]:
        """All places, the contract's objects."""
        with self.database.read() as connection:
            found = store.stored_places(connection)
        return [
            {
                "id": one.id,
                "portal": one.place.portal,
                "external_id": one.place.external_id,
                "name": one.place.name,
                "regions": list(one.place.regions),
                "town": one.place.town,
                "categories": list(one.place.categories),
                "url": one.place.url,
                "published_at": one.place.published_at.isoformat(),
                "withdrawn": one.withdrawn,
                "gone": one.gone,
                "held": one.held,
                "same_as": one.same_as if one.is_another else None,
                "skipped": one.skipped,
                "occurrence": one.occurrence,
            }
            for one in found
        ]

    def guess_portal(self, url: str) -> Guess:
        """What CMS lies behind a database, and a block for it. Raises PortalError."""
        return guess(url)

    def merge_places(self, place_id: int, first_id: int) -> list[dict[str, Any]]:
        """Say that a place is a further listing of another one. Raises Refusal."""
        with self.at_desk() as (connection, at):
            one, first = self._place(connection, place_id), self._place(connection, first_id)
            if one.id == first.id or first.is_another or one.place.portal == first.place.portal:
                raise Refusal("places_cannot_be_one", place_id, first_id)
            listings.merge_by_person(connection, one, first, at.now, at.actor)
            planning.follow_places(connection, self.house(connection))
        return [found for found in self.places() if found["id"] == place_id]

    def separate_place(self, place_id: int) -> list[dict[str, Any]]:
        """Say that a place is one of its own. Raises Refusal."""
        with self.at_desk() as (connection, at):
            one = self._place(connection, place_id)
            if not one.is_another or one.same_as is None:
                raise Refusal("place_is_its_own", place_id)
            listings.separate(connection, one, self._place(connection, one.same_as), at.now, at.actor)
        return [found for found in self.places() if found["id"] == place_id]

    @staticmethod
    def _place(connection: Connection, place_id: int) -> StoredPlace:
        stored = store.place_of(connection, place_id)
        if stored is None:
            raise Refusal("place_unknown", place_id)
        return stored

    # --- channels

    def add_channel(
        self,
        name: str,
        network: str,
        account: str,
        regions: list[str],
        api_base: str | None,
        credentials: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Store a channel, then ask the network; what it says stands in `problems`. Raises Refusal.

        Adding a channel again, same network and account, renews its tokens: so a signed-out one comes back, and a
        removed one. No account becomes a second channel.
        """
        if network not in NETWORKS:
            raise Refusal("network_unknown", network, ", ".join(NETWORKS))
        if not CHANNEL_NAME.fullmatch(name):
            raise Refusal("channel_name_unusable")
        try:
            check_credentials(network, account, dict(credentials))
        except CredentialsError as error:
            raise desk.refused(error) from None
        base, world = self._base_and_world(network, api_base)
        known = self._known_channel(name, network, account, world)
        if known is not None:
            return self._connect_again(known, regions, credentials)
        try:
            with self.at_desk() as (connection, at):
                channel_id = accounts.add_channel(
                    connection,
                    self.vault,
                    name=name,
                    network=network,
                    account=account,
                    api_base=base,
                    world=world,
                    credentials=credentials,
                    now=at.now,
                    actor=at.actor,
                )
                store.set_regions(connection, channel_id, regions)
        except IntegrityError:  # somebody else was quicker
            self._known_channel(name, network, account, world)
            raise Refusal("channel_name_taken", name) from None
        self.accounts().check(channel_id)
        return self.channels(name)[0]

    def _known_channel(self, name: str, network: str, account: str, world: str) -> Row[Any] | None:
        """The channel that is to be connected again; None for a new one. Raises Refusal for a name or an account in
        use."""
        with self.database.read() as connection:
            rows = store.channel_rows(connection, removed=True)
        for row in rows:
            if row.name == name:
                if (row.network, row.account) != (network, account):
                    raise Refusal("channel_name_taken", name)
                return row
        for row in rows:
            if (row.network, row.account, row.world) == (network, account, world):
                if row.removed_at is not None:
                    raise Refusal("account_removed", account, row.name)
                raise Refusal("account_taken", account, row.name)
        return None

    def _connect_again(self, row: Row[Any], regions: list[str], credentials: Mapping[str, Any]) -> dict[str, Any]:
        """New tokens for a channel that is there; one that was removed is back with its history."""
        with self.at_desk() as (connection, at):
            if row.removed_at is not None:
                store.set_channel(connection, row.id, removed_at=None)
                detail = {"channel": row.name, "network": row.network, "world": row.world, "again": True}
                ledger.note(connection, "channel_added", at.now, at.actor, detail=detail)
            store.set_regions(connection, row.id, regions or store.regions_by_channel(connection).get(row.id, ()))
            actor = at.actor
        self.accounts().renew(row.id, credentials, actor)
        return self.check_channels([row.name])[0]

    def _base_and_world(self, network: str, api_base: str | None) -> tuple[str, str]:
        """Where a new channel's network answers, and which world that is: only the network's own address is live."""
        traits = NETWORKS[network]
        if api_base is not None:
            base = api_base.rstrip("/")
            parts = urlsplit(base)
            if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
                raise Refusal("api_base_invalid")
            return base, "live" if base == traits.live_base else "sandbox"
        if self.settings["mode"] == "live":
            return traits.live_base, "live"
        return self.settings["sandbox.url"] + traits.sandbox_path, "sandbox"

    def channels(self, name: str | None = None) -> list[dict[str, Any]]:
        """Channels, the contract's objects. Raises store.Unknown for a name that is not there."""
        with self.database.read() as connection:
            rows = [store.channel_named(connection, name)] if name else store.channel_rows(connection)
            regions = store.regions_by_channel(connection)
        return [self._channel_json(row, regions.get(row.id, ())) for row in rows]

    def _channel_json(self, row: Row[Any], regions: tuple[str, ...]) -> dict[str, Any]:
        problems = list(row.problems) + ([row.signed_out] if row.signed_out else [])
        return {
            "name": row.name,
            "network": row.network,
            "account": row.account,
            "account_name": row.account_name,
            "regions": list(regions),
            "api_base": row.api_base,
            "world": row.world,
            "paused": row.paused,
            "token_expires": row.token_expires.isoformat() if row.token_expires else None,
            "throttled_until": row.throttled_until.isoformat() if row.throttled_until else None,
            "checked_at": row.checked_at.isoformat() if row.checked_at else None,
            "problems": sentences(list(dict.fromkeys(problems)), self.settings["language"]),
            "signed_out": row.signed_out is not None,
        }

    def check_channels(self, names: list[str]) -> list[dict[str, Any]]:
        """Ask the networks about the named channels, or all."""
        with self.database.read() as connection:
            rows = [store.channel_named(connection, name) for name in names] or store.channel_rows(connection)
        door = self.accounts()
        for row in rows:
            door.check(row.id)
        with self.at_desk():
            pass  # wakes the daemon: a channel may have come back
        wanted = {row.name for row in rows}
        return [channel for channel in self.channels() if channel["name"] in wanted]

    def set_channel(self, name: str, verb: str) -> dict[str, Any]:
        """Pause, resume or remove a channel."""
        with self.at_desk() as (connection, at):
            row = store.channel_named(connection, name)
            values: dict[str, Any] = {"removed_at": at.now} if verb == "remove" else {"paused": verb == "pause"}
            store.set_channel(connection, row.id, **values)
            ledger.note(connection, f"channel_{verb}d", at.now, at.actor, detail={"channel": name})
            regions = store.regions_by_channel(connection).get(row.id, ())
            changed = next(known for known in store.channel_rows(connection, removed=True) if known.id == row.id)
        return self._channel_json(changed, regions)

    # --- campaigns and planning

    def apply_campaign(self, text: str) -> dict[str, Any]:
        """Store a campaign file. Raises CampaignError with everything that is wrong in it."""
        campaign = read_campaign(text)
        with self.at_desk() as (connection, at):
            new = desk.save_campaign(connection, at, campaign)
        return self.campaign(campaign.name) | {"new": new}

    def campaigns(self) -> list[dict[str, Any]]:
        """All campaigns."""
        with self.database.read() as connection:
            return [_campaign_json(row) for row in store.campaign_rows(connection)]

    def campaign(self, name: str) -> dict[str, Any]:
        """One campaign. Raises store.Unknown."""
        with self.database.read() as connection:
            return _campaign_json(store.campaign_row(connection, name))

    def pause_campaign(self, name: str, paused: bool) -> dict[str, Any]:
        """Pause or resume a campaign; what is planned and not out yet waits while it is paused, also what was handed
        to the senders already. A call that is under way ends."""
        with self.at_desk() as (connection, at):
            store.pause_campaign(connection, name, paused)
            word = "campaign_paused" if paused else "campaign_resumed"
            ledger.note(connection, word, at.now, at.actor, detail={"campaign": name})
            for announcement_id in store.kept_back(connection, [State.QUEUED], name) if paused else ():
                ledger.recall(connection, announcement_id, at.now, at.actor)
        return self.campaign(name)

    def house(self, connection: Connection) -> planning.House:
        """What planning needs to know beside the database, at the instant of this transaction."""
        return planning.House(
            settings=self.settings,
            templates=self.templates_in(connection),
            now=self.now(connection),
            hosts=self.tracked_hosts(),
        )

    def tracked_hosts(self) -> frozenset[str]:
        """Hosts whose links are tracked: the setting, or those of all places."""
        given = self.settings["tracking.hosts"]
        if given:
            return frozenset(host.lower() for host in given)
        with self.database.read() as connection:
            # A portal has one host, or two: thousands of addresses begin alike.
            beginnings = {"/".join(url.split("/", 3)[:3]) for url in store.place_urls(connection)}
        return frozenset((urlsplit(one).hostname or "").lower() for one in beginnings)

    def plan(self, until: date | None = None, *, dry_run: bool = False) -> dict[str, Any]:
        """Fill the calendar; a dry run shows it and keeps nothing."""
        with self.database.read() as connection:
            house = self.house(connection)
            decision = planning.decide(connection, house, until)
        pieces = list(planning.changes(house, decision))
        if dry_run:
            with self.database.dry_run() as connection:
                made, held = _merged(piece(connection) for piece in pieces)
                listed = self._announcements_json(connection, store.announcement_rows(connection, ids=[*made, *held]))
        else:
            made, held = _merged(self._written(piece) for piece in pieces)
            listed = self.announcements(ids=[*made, *held])
        return {
            "planned": [one for one in listed if one["state"] != State.HELD.value],
            "held": [one for one in listed if one["state"] == State.HELD.value],
            "unplaced": [
                one | {"reason": sentence(one["reason"], self.settings["language"])}
                for one in planning.unplaced(decision)
            ],
        }

    def _written(self, piece: Callable[[Connection], tuple[list[int], list[int]]]) -> tuple[list[int], list[int]]:
        with self.database.write() as connection:
            answered = piece(connection)
            self.database.wake_others(connection)
        return answered

    # --- announcements

    def announcements(self, **filters: Any) -> list[dict[str, Any]]:
        """Announcements, the contract's objects, in the order of their instants."""
        with self.database.read() as connection:
            if filters.get("channel") is not None:
                store.channel_named(connection, filters["channel"])
            return self._announcements_json(connection, store.announcement_rows(connection, **filters))

    def days(self, first: date | None, last: date | None) -> dict[str, datetime]:
        """Filters for a span of days in the house's zone, the last included."""
        zone = self.settings.zone
        found: dict[str, datetime] = {}
        if first is not None:
            found["since"] = datetime.combine(first, time(), zone)
        if last is not None:
            found["before"] = datetime.combine(last + timedelta(days=1), time(), zone)
        return found

    def _announcements_json(self, connection: Connection, rows: list[Row[Any]]) -> list[dict[str, Any]]:
        names = store.person_names(connection)
        given = store.approvers(connection, [row.id for row in rows])
        return [self._announcement_json(row, [names.get(one, one) for one in given.get(row.id, [])]) for row in rows]

    def _announcement_json(self, row: Row[Any], approved_by: list[str]) -> dict[str, Any]:
        language, zone = self.settings["language"], self.settings.zone
        problems = [*row.problems, *([row.reason] if row.reason else [])]

        def stamp(instant: datetime | None) -> str | None:
            return instant.astimezone(zone).isoformat() if instant else None

        return {
            "id": row.id,
            "campaign": row.campaign or None,
            "step": row.step or None,
            "occurrence": row.occurrence,
            "place": row.place_id or None,
            "place_name": row.place_name,
            "channel": row.channel,
            "network": row.network,
            "world": row.world,
            "at": stamp(row.due_at),
            "state": row.state,
            "text": row.text,
            "sent_text": row.draft["text"] if row.draft else None,
            "link": row.link,
            "images": row.images,
            "version": desk.version_of(row.text, row.link, list(row.images)),
            "variant": row.variant,
            "template": row.template,
            "template_revision": row.template_revision,
            "approval": row.approval,
            "approved_by": approved_by,
            "hold_reason": sentence(row.hold_reason, language) or None,
            "problems": sentences(problems, language),
            "remote_id": row.remote_id,
            "permalink": row.permalink,
            "posted_at": stamp(row.posted_at),
            "removed_at": stamp(row.removed_at),
            "attempts": row.attempt,
            "cost_usd": row.cost_usd,
        }

    def add_announcement(
        self, entry: desk.Entry, image: tuple[Path, str, str] | None, *, approve: bool
    ) -> dict[str, Any]:
        """One free announcement. Raises Refusal."""
        with self.at_desk() as (connection, at):
            if image is not None:
                file, alt, credit = image
                kept = desk.local_image(at, file, alt, credit)
                entry = desk.Entry(entry.channel, entry.at, entry.text, entry.link, (kept,))
            announcement_id = desk.add(connection, at, entry, approve=approve)
        return self.announcements(ids=[announcement_id])[0]

    def import_announcements(self, file: Path, *, approve: bool) -> int:
        """A CSV file, all or nothing; answers how many. Raises Refusal, ImportRefused with every bad row."""
        try:
            data = file.read_bytes()
        except OSError as error:
            raise Refusal("file_unreadable", file, error.strerror) from None
        with self.at_desk() as (connection, at):
            entries, rejected = desk.read_csv(data, at, file.parent)
            if not rejected:
                rejected = desk.import_entries(connection, at, entries, approve=approve)
            if rejected:
                raise desk.ImportRefused(rejected)
            return len(entries)

    def decide(self, verb: str, ids: list[int], **values: Any) -> list[dict[str, Any]]:
        """Approve, hold, release, cancel, retry or settle several announcements, all or none. Raises Refusal."""
        acts: dict[str, Callable[..., None]] = {
            "approve": desk.approve,
            "hold": desk.hold,
            "release": desk.release,
            "cancel": desk.cancel,
            "retry": desk.retry,
        }
        with self.at_desk() as (connection, at):
            for announcement_id in ids:
                acts[verb](connection, at, announcement_id, **values)
        return self.announcements(ids=ids)

    def show(self, ids: list[int]) -> list[dict[str, Any]]:
        """The named announcements. Raises Refusal when one is not there."""
        found = self.announcements(ids=ids)
        missing = set(ids) - {one["id"] for one in found}
        if missing:
            raise Refusal("announcements_unknown", ", ".join(map(str, sorted(missing))))
        return found

    def edit(
        self,
        announcement_id: int,
        *,
        text: str | None,
        link: str | None,
        image: tuple[Path, str, str] | None,
        no_image: bool,
    ) -> dict[str, Any]:
        """Change an announcement that is not out yet. Raises Refusal."""
        with self.at_desk() as (connection, at):
            images = [desk.local_image(at, *image)] if image else ([] if no_image else None)
            desk.edit(connection, at, announcement_id, text=text, link=link, images=images)
        return self.announcements(ids=[announcement_id])[0]

    def move(self, announcement_id: int, at_text: str, *, force: bool) -> dict[str, Any]:
        """Give an announcement another instant; without `force` the campaign's rhythm must permit it.

        Raises Refusal, and OutOfRhythm where `force` would help.
        """
        instant = desk.read_instant(at_text, self.settings.zone)
        with self.at_desk() as (connection, at):
            row = store.announcement_row(connection, announcement_id)
            reason = None if force else planning.not_permitted(connection, self.settings, at.now, row, instant)
            if reason is not None:
                raise OutOfRhythm("out_of_rhythm", [reason])
            desk.move(connection, at, announcement_id, instant, desk.grace_of(connection, row, at.late_grace))
        return self.announcements(ids=[announcement_id])[0]

    def settle(self, announcement_id: int, remote_id: str | None) -> dict[str, Any]:
        """A person settles a doubt. Raises Refusal."""
        with self.at_desk() as (connection, at):
            row = store.announcement_row(connection, announcement_id)
            link = (
                f"{'https://x.com/i/status/' if row.network == 'twitter' else 'https://www.facebook.com/'}{remote_id}"
            )
            desk.settle(connection, at, announcement_id, remote_id, link if remote_id else "")
        return self.announcements(ids=[announcement_id])[0]

    def correct(self, announcement_id: int, text: str) -> dict[str, Any]:
        """Change the text of what is out, where the network allows it. Raises Refusal and Outcome."""
        row = self._posted(announcement_id)
        problems = compose.preflight(row.network, text, None, list(row.images))
        if problems:
            raise Refusal("not_sendable", problems)
        whole = compose.sent_text(row.network, text, row.link, (row.draft or {}).get("link"), bool(row.images))
        self.accounts().publisher(row.channel_id).correct(row.remote_id, whole)
        with self.at_desk() as (connection, at):
            store.set_announcement(connection, announcement_id, at.now, text=text)
            detail = {"from": row.draft["text"], "to": whole}
            ledger.note(connection, "corrected", at.now, at.actor, delivery_id=announcement_id, detail=detail)
        return self.announcements(ids=[announcement_id])[0]

    def withdraw(self, announcement_id: int, reason: str) -> dict[str, Any]:
        """Delete what is out on the network. Raises Refusal and Outcome."""
        row = self._posted(announcement_id)
        self.accounts().publisher(row.channel_id).delete(row.remote_id)
        with self.at_desk() as (connection, at):
            store.set_delivery(connection, announcement_id, removed_at=at.now)
            ledger.note(
                connection,
                "withdrawn",
                at.now,
                at.actor,
                delivery_id=announcement_id,
                remote_id=row.remote_id,
                permalink=row.permalink,
                detail={"reason": reason},
            )
        return self.announcements(ids=[announcement_id])[0]

    def _posted(self, announcement_id: int) -> Row[Any]:
        with self.database.read() as connection:
            row = store.announcement_row(connection, announcement_id)
        if State(row.state) is not State.POSTED:
            raise Refusal("not_posted", announcement_id, row.state)
        if row.removed_at is not None:
            raise Refusal("already_withdrawn", announcement_id)
        return row

    # --- templates

    @property
    def templates(self) -> compose.Templates:
        """The templates as they are used now; asked anew each time, as other processes change them too."""
        with self.database.read() as connection:
            return self.templates_in(connection)

    def templates_in(self, connection: Connection) -> compose.Templates:
        """The templates as this transaction sees them."""
        return self._shipped.revised(store.active_templates(connection))

    def template_list(self) -> list[dict[str, Any]]:
        """All post templates with the revisions that are used: `number` counts from 1, None is the shipped file."""
        with self.database.read() as connection:
            templates = self.templates_in(connection)
            rows = {(row.network, row.name): row for row in store.revision_rows(connection) if row.active}
            names = store.person_names(connection)
        return [
            {
                "network": network,
                "name": name,
                "revision": templates.revision(network, name),
                "number": row.number if row else None,
                "saved_by": names.get(row.person, row.person) if row else None,
                "saved_at": row.at.astimezone(self.settings.zone).isoformat() if row else None,
            }
            for network in NETWORKS
            for name in templates.names(network)
            for row in [rows.get((network, name))]
        ]

    def template_check(self) -> list[dict[str, Any]]:
        """Every template filled for a short, a long and an empty place."""
        language, templates = self.settings["language"], self.templates
        return [
            {"network": network, "name": name, "problems": sentences(problems, language)}
            for network in NETWORKS
            for name in templates.names(network)
            for problems in [compose.trial_problems(templates, network, name, self.today(), self.settings.zone)]
        ]

    def template_preview(self, name: str, network: str, place_id: int | None) -> dict[str, Any]:
        """A template filled for a place, or for a sample. Raises Refusal."""
        templates = self.templates
        if network not in NETWORKS or name not in templates.names(network):
            raise Refusal("template_unknown", name, network)
        place = compose.SAMPLE_PLACES["long"]
        if place_id is not None:
            with self.database.read() as connection:
                stored = store.place_of(connection, place_id)
            if stored is None:
                raise Refusal("place_unknown", place_id)
            place = stored.place
        composed = compose.trial(templates, network, name, place, self.today(), self.settings.zone)
        return {
            "text": composed.text,
            "length": compose.measure_of(network)(composed.text),
            "room": NETWORKS[network].limits.text,
            "problems": sentences(list(composed.problems), self.settings["language"]),
        }

    # --- the brake and the log

    def stop_all(self, reason: str = "", *, progress: Callable[[int], None] = lambda _under_way: None) -> None:
        """Pull the emergency brake, then wait for the calls that were committed before, at most as long as one lasts.

        Once this has returned, no visible call begins. Raises Refusal, the brake on, naming calls that have not ended.
        """
        self.set_brake(True, reason)
        until = self.clock.monotonic() + self.longest_call.total_seconds()
        with self.database.read() as connection:
            under_way = ledger.calls(connection)
        while under_way and self.clock.monotonic() < until:
            progress(len(under_way))
            self.clock.wait(None, threading.Event(), BRAKE_LOOK)
            with self.database.read() as connection:
                under_way &= ledger.calls(connection)
        if under_way:
            still = self.announcements(ids=[announcement_id for announcement_id, _ in under_way])
            raise Refusal("calls_not_ended", ", ".join(f"{one['id']} ({one['channel']})" for one in still))

    @property
    def longest_call(self) -> timedelta:
        """How long one call to a network may last."""
        return cast(
            timedelta, self.settings["network.connect_timeout"] + self.settings["network.read_timeout"] + CALL_MARGIN
        )

    def set_brake(self, engaged: bool, reason: str = "") -> None:
        """Engage or release the emergency brake at once, whatever is under way. A loss that nobody has noticed yet is,
        before the release."""
        if not engaged and self.heads.recall().known:
            self.compare_heads()
        with self.at_desk() as (connection, at):
            ledger.set_brake(connection, engaged, reason, at.now, at.actor)
        if not engaged:
            # A person's word: whatever this machine has seen, the database is the right one from now on.
            with self.database.read() as connection:
                self.heads.keep(newest(connection))

    def keep_head(self) -> Loss | None:
        """Remember outside the database what is committed in it, unless the brake is on: then it is evidence.

        Never over what the database lacks: a restored or failed-over one may be seen here first. Answers the loss.
        """
        memory = self.heads.recall()
        with self.database.read() as connection:
            if ledger.brake_engaged(connection):
                return None
            lost = loss(connection, memory)
            if lost is None or (lost.missing is None and self._is_introduced(connection)):
                self.heads.keep(newest(connection))
                return None
        return self.compare_heads()

    def knows_head(self, connection: Connection) -> bool:
        """Whether the database has the entry that this process kept last: else it was put back a moment ago."""
        return self.heads.kept is None or ledger.has_entry(connection, self.heads.kept)

    def _is_introduced(self, connection: Connection) -> bool:
        """Whether a person has released the brake since this process met a database that its machine does not know."""
        return self._stranger_since is not None and seen_to(connection, self._stranger_since)

    def compare_heads(self) -> Loss | None:
        """Whether the database lacks what this machine has seen; then the brake goes on, and what was due since is
        looked for before its first send."""
        memory = self.heads.recall()
        with self.database.write() as connection:
            lost = loss(connection, memory)
            if lost is None:
                return None
            now = self.now(connection)
            stopped = store.brake_row(connection)
            if lost.missing is None:
                self._stranger_since = self._stranger_since or now
            told = stopped is not None and stopped.engaged and stopped.reason == RESTORED
            if not told or self._is_another(connection, lost):
                concerned = ledger.doubt_since(connection, (lost.since or now) - REACH_BACK, now)
                ledger.set_brake(connection, True, RESTORED, now, ledger.DAEMON)
                ledger.note(
                    connection,
                    RESTORED,
                    now,
                    ledger.DAEMON,
                    detail={
                        "missing": lost.missing.id if lost.missing else None,
                        "missing_at": lost.missing.at.isoformat() if lost.missing else None,
                        "newest_at": lost.since.isoformat() if lost.since else None,
                        "looked_for": concerned,
                    },
                )
            return lost

    @staticmethod
    def _is_another(connection: Connection, lost: Loss) -> bool:
        """Whether the brake that is on was pulled for an earlier loss: it came back with the database."""
        return lost.missing is not None and noticed(connection, lost.missing.at) is None

    def log_entries(self, announcement_id: int | None = None, after_seq: int | None = None) -> list[dict[str, Any]]:
        """Log entries, the contract's objects with the actors' names beside; sealed first."""
        self.seal()
        with self.database.read() as connection:
            names = store.person_names(connection)
            rows = ledger.entries(
                connection, delivery_id=announcement_id, sealed=after_seq is not None, after_seq=after_seq or 0
            )
            return [ledger.entry_fields(row) | {"actor_name": names.get(row.actor, row.actor)} for row in rows]

    def search_log(self, wanted: ledger.Wanted, limit: int, below: int | None = None) -> list[dict[str, Any]]:
        """Log entries that fit, newest first, with the actors' names and `ordinal`, by which the next page goes on."""
        with self.database.read() as connection:
            names = store.person_names(connection)
            return [
                ledger.entry_fields(row) | {"actor_name": names.get(row.actor, row.actor), "ordinal": row.ordinal}
                for row in ledger.search(connection, wanted, limit, below)
            ]

    def actors(self) -> dict[str, str]:
        """Everybody who ever acted: opaque id to name, by name."""
        with self.database.read() as connection:
            names = store.person_names(connection)
        return dict(sorted(names.items(), key=lambda pair: pair[1].casefold()))

    def seal(self) -> int:
        """Chain what is committed and not sealed yet; returns how many entries."""
        total = 0
        holder = f"cli-{os.getpid()}-{threading.get_ident()}"
        while True:
            with self.database.read() as connection:
                if not ledger.unsealed(connection):
                    return total
            with self.database.write() as connection:
                now = self.now(connection)
                if not ledger.take_lease(connection, "seal", holder, now, SEAL_LEASE):
                    return total
                sealed = ledger.seal(connection)
                ledger.drop_lease(connection, "seal", holder)
            total += sealed

    def verify_log(self, head: str | None) -> ledger.Verification:
        """Seal, then recompute the chain. Raises Refusal for a head that is not SEQ:HASH."""
        expected = None
        if head is not None:
            number, _, digest = head.partition(":")
            if not number.isdigit() or not digest:
                raise Refusal("head_invalid")
            expected = (int(number), digest)
        self.seal()
        with self.database.read() as connection:
            return ledger.verify(connection, expected)

    # --- how it is told

    def advice(self, word: str, *details: object) -> str:
        """What happened and what to do, in the house's language."""
        return news.advice(self.settings["language"], word, *details)

    def stamp(self, instant: datetime) -> str:
        """An instant as staff read it: local time to the minute."""
        return instant.astimezone(self.settings.zone).strftime("%Y-%m-%d %H:%M")

    def reasons(self, reasons: Iterable[str | None]) -> str:
        """The sentences of stored reasons, each once."""
        told = sentences([one for one in reasons if one], self.settings["language"])
        return " ".join(dict.fromkeys(told))

    def told_loss(self, lost: Loss) -> str:
        """What staff read of a database that is not the one this machine saw last."""
        told = [
            self.advice("head_missing", lost.missing.id[:8], self.stamp(lost.missing.at))
            if lost.missing
            else self.advice("head_unknown")
        ]
        told += [self.advice("head_newest", self.stamp(lost.since))] if lost.since else []
        return " ".join([*told, self.advice("head_restored")])


def _merged(answers: Iterator[tuple[list[int], list[int]]]) -> tuple[list[int], list[int]]:
    made: list[int] = []
    held: list[int] = []
    for new, kept_back in answers:
        made += new
        held += kept_back
    return made, held


def _campaign_json(row: Row[Any]) -> dict[str, Any]:
    ended_at = row.ended_at.isoformat() if row.ended_at else None
    return dict(row.definition) | {"paused": row.paused, "ended_at": ended_at}
