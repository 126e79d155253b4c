"""A few weeks of a campaign on two channels, really posted on the sandbox and really measured there, day by day."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from campaign import sampling
from posts.clock import ManualClock
from posts.sandbox.server import Server
from posts.states import State
from tests.integration.guest import hurried
from tests.integration.harness import House, Networks
from tests.integration.village import Village

PLACES = (
    ("Bürgermeisterhof", "Salzwedel", "Altmark", "Arbeiten"),
    ("Kulturhof Lüchow", "Arendsee", "Altmark", "Leben"),
    ("Alte Ziegelei Westeregeln", "Westeregeln", "Börde", "Wohnen"),
    ("Mühle am See", "Diesdorf", "Altmark", "Wohnen"),
    ("Glashütte im Wald", "Tangerhütte", "Altmark", "Arbeiten"),
    ("Gutshaus Büste", "Bismark", "Altmark", "Leben"),
    ("Bahnhof Klötze", "Klötze", "Altmark", "Arbeiten"),
    ("Schule der Dinge", "Havelberg", "Elb-Havel-Winkel", "Leben"),
    ("Kornspeicher Osterburg", "Osterburg", "Altmark", "Wohnen"),
    ("Werkhof Stendal", "Stendal", "Altmark", "Arbeiten"),
    ("Atelierhaus Seehausen", "Seehausen", "Altmark", "Leben"),
    ("Domäne Neuendorf", "Gardelegen", "Altmark", "Wohnen"),
)
CAMPAIGN = """
name = "altmark"
title = "Kreativorte der Altmark"
starts = 2026-11-01
ends = 2027-06-30
announce_published_from = 2026-11-01
channels = ["facebook-100100100", "twitter-42"]
approval = "none"
[[steps]]
name = "vorstellung"
templates = ["vorstellung", "erinnerung"]
after = "0d"
[[steps]]
name = "nachklang"
template = "nachklang"
after = "21d"
[rhythm]
slots = ["Mon 10:00", "Tue 12:00", "Wed 10:00", "Thu 17:30", "Fri 10:00"]
max_per_day = 1
[rhythm.channel."twitter-42"]
slots = ["Tue 09:30", "Wed 12:30", "Fri 16:00"]
"""
HOUR_OF_MEASURING = 9


class Season:
    """The house after `days`; `house.clock` stands at the end of them."""

    def __init__(self, directory: Path, server: Server, clock: ManualClock, days: int = 42) -> None:
        self.clock = clock
        self.networks = Networks(server)
        village = Village(directory, f"sqlite:///{directory / 'k.db'}", self.networks, clock)
        self.house: House = village.house
        self.app = self.house.app
        self.house.channel("twitter")
        for name, town, region, category in PLACES:
            village.portals["kreativorte"].place(name, town, region=region, category=category)
        self.app.pull()
        village.campaign(CAMPAIGN)
        self.app.plan()
        self.end = clock.now() + timedelta(days=days)
        self._pass_time()
        hurried(self.app)

    def _pass_time(self) -> None:
        """To each slot and each day's measuring, in their order."""
        measured = self._next_measuring()
        with self.house.at_work() as work:
            while True:
                due = self._next_due()
                at = min(filter(None, (due, measured)))
                if at > self.end:
                    break
                self.clock.advance(max(0.0, (at - self.clock.now()).total_seconds()))
                if at == due:
                    work.deliver()
                    self.app.plan()
                else:
                    sampling.measure(self.app, "season")
                    measured = self._next_measuring()
        self.clock.advance(max(0.0, (self.end - self.clock.now()).total_seconds()))
        sampling.measure(self.app, "season")

    def _next_due(self) -> datetime | None:
        waiting = self.app.announcements(states=[State.APPROVED, State.QUEUED], limit=1)
        return datetime.fromisoformat(waiting[0]["at"]) if waiting else None

    def _next_measuring(self) -> datetime:
        now = self.clock.now()
        return (now + timedelta(days=1)).replace(hour=HOUR_OF_MEASURING, minute=0, second=0)
