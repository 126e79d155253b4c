"""A year of a campaign on sandbox networks, lived through by the real ways: read, planned, posted, measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from campaign import sampling, visits
from posts.clock import ManualClock
from posts.states import State
from posts.tables import deliveries, engagement
from tests.integration.harness import Networks
from tests.integration.village import Village

BEGIN = datetime(2027, 1, 4, 6, 0, tzinfo=UTC)
STEP = timedelta(hours=12)
"""How far apart the looks at what is to be measured are."""
REGIONS = ("Altmark", "Börde;Harz", "", "Harz", "Altmark;Börde")
CATEGORIES = ("Arbeiten", "Wohnen;Leben", "", "Leben")
SHORT_SCHEDULE = ["2h", "2d", "7d", "28d", "120d"]
CAMPAIGN = """
name = "altmark"
title = "Kreativorte der Altmark"
starts = 2027-01-04
ends = 2027-12-31
announce_published_from = 2026-01-01
channels = ["facebook-100100100", "twitter-42"]
approval = "none"
[[steps]]
name = "vorstellung"
templates = ["vorstellung", "nachklang"]
after = "0d"
picture = "none"
[[steps]]
name = "nachklang"
template = "erinnerung"
after = "21d"
picture = "none"
[[calls]]
name = "aufruf"
template = "aufruf"
recurs = "FREQ=MONTHLY;INTERVAL=2;BYDAY=1TU"
link = "https://kreativorte.example/"
[rhythm]
slots = [{slots}]
skip_holidays = false
"""
TIMES = ("08:30", "10:00", "12:30", "17:00")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sun")


class Year:
    """One house that lived through a year; `app` is what it looks like at its end."""

    def __init__(
        self, directory: Path, database: str, networks: Networks, clock: ManualClock, places: int, **engagement: Any
    ) -> None:
        self.clock = clock
        self.village = Village(directory, database, networks, clock, engagement=engagement)
        self.app = self.village.app
        self.village.house.channel("twitter", "42")
        self._fill(places)
        self._live()
        self._import_visits(directory)

    def _fill(self, places: int) -> None:
        (portal,) = self.village.portals.values()
        for number in range(places):
            portal.place(
                f"Hof {number}",
                published_at="2027-01-02 10:00:00",
                region=REGIONS[number % len(REGIONS)],
                category=CATEGORIES[number % len(CATEGORIES)],
            )
        self.app.pull()
        slots = (f'"{day} {time}"' for day in DAYS for time in TIMES[: 4 if places > 100 else 1])
        self.app.apply_campaign(CAMPAIGN.format(slots=", ".join(slots)))
        self.app.plan()

    def _live(self) -> None:
        """Everything that is due goes out and is measured, a little late now and then; one is refused, one missed, one
        taken back."""
        house, app = self.village.house, self.app
        with house.at_work() as work:
            looks = sends = 0
            while (at := self._next()) is not None:
                looks += 1
                self._until(at + timedelta(seconds=(looks * 37) % 400))
                goes_out = self._is_due()
                sends += goes_out
                if goes_out and sends == 5:
                    house.networks.fault("refuse")
                if goes_out and sends == 9:
                    self._until(at + timedelta(hours=3))
                work.deliver()
                house.networks.all_well()
                sampling.measure(app, "test")
                if goes_out and sends == 12:
                    (taken,) = app.announcements(states=(State.POSTED,), channel="facebook-100100100", limit=1)
                    app.withdraw(taken["id"], "Irrtum")

    def _next(self) -> datetime | None:
        """The next instant at which something goes out or is measured; None at the year's end."""
        with self.app.database.read() as connection:
            sample = connection.execute(select(func.min(engagement.c.next_at))).scalar()
            coming = connection.execute(
                select(func.min(deliveries.c.due_at)).where(deliveries.c.state == State.APPROVED.value)
            ).scalar()
        # Many samples wait for one look, as the daemon's ticks make them wait.
        asked = [max(sample, self.clock.now() + STEP)] if sample is not None else []
        found = min([*asked, *([coming] if coming is not None else [])], default=None)
        return found if found is not None and found < BEGIN + timedelta(days=364) else None

    def _is_due(self) -> bool:
        with self.app.database.read() as connection:
            due = deliveries.c.state == State.APPROVED.value, deliveries.c.due_at <= self.clock.now()
            return connection.execute(select(deliveries.c.id).where(*due).limit(1)).first() is not None

    def _until(self, at: datetime) -> None:
        self.clock.advance(max(0.0, (at - self.clock.now()).total_seconds()))

    def _import_visits(self, directory: Path) -> None:
        """The portal counted visits of every third announcement."""
        with self.app.database.read() as connection:
            marks = list(connection.execute(select(deliveries.c.marker).order_by(deliveries.c.id)).scalars())
        file = directory / "visits.csv"
        lines = [f"{mark},2027-0{1 + number % 9}-15,{number % 7}" for number, mark in enumerate(marks) if number % 3]
        file.write_text("\n".join(["utm_content,day,visits", *lines]), encoding="utf-8")
        visits.import_file(self.app, file)
