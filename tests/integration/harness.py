"""An installation as staff have it, on sandbox networks that answer over real HTTP, and looked at from both sides."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import requests
from cryptography.fernet import Fernet

from campaign.app import App
from campaign.db import WorkerLock
from campaign.desk import Entry
from campaign.settings import interpret
from campaign.work import Work
from posts.clock import Clock
from posts.sandbox.server import Server
from posts.states import State

PAGE, ACCOUNT = "1001", "42"
ENTRY = Path(__file__).parents[2] / "scheduler.py"
SETTINGS: dict[str, Any] = {
    "network": {"connect_timeout": "2s", "read_timeout": "3s"},
    "delivery": {"lease": "60s", "catch_up_gap": "0s"},
    "reconcile": {"looks": ["1s", "2s"], "window": "3s"},
    "preflight": {"check_links": False},
}


def credentials(network: str, account: str) -> dict[str, str]:
    """What the sandbox takes for this account's tokens."""
    if network == "facebook":
        return {"access_token": f"EAA-{account}"}
    secrets = {"consumer_key": "ck", "consumer_secret": "cs", "access_token_secret": "ts"}
    return secrets | {"access_token": f"{account}-token"}


class Networks:
    """The networks' side: faults, limits and what was really accepted."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def control(self, path: str, body: Any = None) -> Any:
        """One of the sandbox's own calls."""
        answer = requests.post(self.server.url + path, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind: str, **fields: Any) -> None:
        """Throw a switch; it acts once on a visible call unless told otherwise."""
        self.control("/_faults", {"kind": kind, "call": "create", "times": 1} | fields)

    def all_well(self) -> None:
        """Take all switches back."""
        requests.delete(self.server.url + "/_faults", timeout=30).raise_for_status()

    def posts(self, account: str | None = None) -> list[dict[str, Any]]:
        """The visible posts, of one account or of all."""
        found = requests.get(self.server.url + "/_posts", timeout=30).json()
        return [one for one in found if one["published"] and account in (None, one["account"])]

    def texts(self, account: str | None = None) -> list[str]:
        """The texts of the visible posts."""
        return [one["text"] for one in self.posts(account)]


class House:
    """The staff's side: one installation, its channels, its daemon's work turned by hand."""

    def __init__(self, directory: Path, database: str, networks: Networks, clock: Clock, **settings: Any) -> None:
        self.networks, self.clock, self.directory = networks, clock, directory
        raw: dict[str, Any] = {name: dict(table) for name, table in SETTINGS.items()}
        for name, value in settings.items():
            raw[name] = raw.get(name, {}) | value if isinstance(value, dict) else value
        raw |= {"database": database, "sandbox": {"url": networks.server.url}}
        self._raw, self._key = raw, {"KREATIVORTE_SECRET_KEY": Fernet.generate_key().decode()}
        self.app = self.another_app()
        self.app.prepare()

    def set_database(self, url: str) -> None:
        """Work on another database from now on; its channels must be the same."""
        self._raw["database"] = url
        self.app = self.another_app()

    def another_app(self, clock: Clock | None = None) -> App:
        """The same installation once more, as on another machine."""
        settings = interpret(self._raw, self.directory, None)
        return App(settings, clock=clock or self.clock, actor="cli:anna", environment=self._key)

    def process(self, *arguments: str, quiet: bool = False) -> subprocess.Popen[str]:
        """A `kreativorte` command of this installation in a process of its own; a quiet one's words are dropped."""
        file = self.directory / "kreativorte.toml"
        plain = [f"{name} = {json.dumps(value)}" for name, value in self._raw.items() if not isinstance(value, dict)]
        for name, table in self._raw.items():
            if isinstance(table, dict):
                plain += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
        file.write_text("\n".join(plain), encoding="utf-8")
        command = [sys.executable, str(ENTRY), "--config", str(file), *arguments]
        environment = os.environ | self._key
        said = DEVNULL if quiet else PIPE
        return subprocess.Popen(command, stdout=said, stderr=said, text=True, env=environment)

    def channel(self, network: str, account: str | None = None, base: str | None = None) -> str:
        """Connect a channel; returns its name."""
        account = account or (PAGE if network == "facebook" else ACCOUNT)
        name = f"{network}-{account}"
        self.app.add_channel(name, network, account, [], base, credentials(network, account))
        return name

    def add(self, channel: str, words: str = "Guten Tag aus der Altmark", after: float = 0, **more: Any) -> int:
        """An approved announcement, due so many seconds from now; returns its id."""
        entry = Entry(channel, self.clock.now() + timedelta(seconds=after), words, more.get("link"))
        return int(self.app.add_announcement(entry, more.get("image"), approve=True)["id"])

    def one(self, announcement_id: int) -> dict[str, Any]:
        """The announcement as staff see it."""
        return self.app.show([announcement_id])[0]

    def state(self, announcement_id: int) -> State:
        """Where it stands."""
        return State(self.one(announcement_id)["state"])

    def events(self, announcement_id: int) -> list[str]:
        """Its story in the log."""
        return [entry["event"] for entry in self.app.log_entries(announcement_id)]

    @contextlib.contextmanager
    def at_work(self) -> Iterator[Work]:
        """A daemon's work without its timers: each tick is called by the test."""
        with WorkerLock(self.app.database, self.clock) as lock:
            work = Work(self.app, lock)
            work.recover()
            yield work
            work.stop()


def until(happened: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait for something outside this process; fails only when it never comes."""
    never = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if happened():
            return
        never.wait(0.05)
    raise AssertionError(f"{what} did not happen")
