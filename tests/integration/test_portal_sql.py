"""Portals read from real databases: by mapping alone, read-only in fact, with errors that name what is wrong."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from campaign.places import Reading
from campaign.portals import sql
from campaign.portals.portal import PortalConfig, PortalMisconfigured, PortalUnreachable
from campaign.portals.presets import portal_config
from campaign.portals.sql import open_read_only
from tests.conftest import START

ROWS = [
    (1, "Hof &amp; Halle", "hof-halle", "Altmark;Harz", "<p>Ein <b>Hof</b>.</p>", "2026-05-04 08:00:00", "live"),
    (2, "Alte Schule", "alte-schule", "Altmark", None, "2026-06-01 06:30:00", "live"),
    (3, "", "ohne-namen", "Altmark", None, "2026-06-01 06:30:00", "live"),
    (4, "Mühle", "muehle", "Harz", None, "2026-07-01 06:30:00", "entwurf"),
]
COLUMNS = "nummer, titel, kuerzel, gebiete, beschreibung, online_seit, zustand"
FIELDS = {
    "id": "nummer",
    "name": "titel",
    "url": "'https://beispiel.de/orte/' || kuerzel || '/'",
    "regions": "gebiete",
    "body": "beschreibung",
    "published_at": "online_seit",
    "withdrawn": "zustand <> 'live'",
}


def config(url: str, **changes: Any) -> PortalConfig:
    fields = {**FIELDS, **changes.pop("fields", {})}
    source = {} if "query" in changes else {"table": "kulturhaeuser"}
    return portal_config("kreativorte", {"url": url, "fields": fields, **source, **changes}, Path("/nowhere"))


def read_portal(asked: PortalConfig, progress: sql.Progress | None = None) -> Reading:
    return sql.read_portal(asked, START, progress=progress)


@pytest.fixture(scope="module")
def postgresql(postgres_server: str) -> str:
    """A portal's database of its own on the test run's server."""
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE portal"))
    server.dispose()
    engine = create_engine(server.url.set(database="portal"))
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE kulturhaeuser (nummer bigint, titel text, kuerzel text, gebiete text, "
                "beschreibung text, online_seit timestamptz, zustand text, besuche integer DEFAULT 7)"
            )
        )
        connection.execute(text("SET TIME ZONE 'UTC'"))
        insert = f"INSERT INTO kulturhaeuser ({COLUMNS}) VALUES (:a, :b, :c, :d, :e, :f, :g)"
        connection.execute(text(insert), [dict(zip("abcdefg", row, strict=True)) for row in ROWS])
        connection.execute(text("CREATE SEQUENCE zaehler"))
        connection.execute(
            text(
                "CREATE FUNCTION schreibt() RETURNS text LANGUAGE plpgsql AS "
                "$$ BEGIN DELETE FROM kulturhaeuser; RETURN 'weg'; END $$"
            )
        )
    engine.dispose()
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    file = tmp_path / "portal #1.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"CREATE TABLE kulturhaeuser ({COLUMNS})")
        connection.executemany("INSERT INTO kulturhaeuser VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('sqlite_file')}"
    return str(request.getfixturevalue("postgresql"))


def names(reading: Reading) -> list[str]:
    return [place.name for place in reading.places]


def test_a_table_with_other_names_is_read_by_mapping_alone(url: str) -> None:
    reading = read_portal(config(url))
    assert (reading.seen, names(reading)) == (4, ["Hof & Halle", "Alte Schule", "Mühle"])
    first = reading.places[0]
    assert first.portal == "kreativorte"
    assert first.external_id == "1"
    assert first.url == "https://beispiel.de/orte/hof-halle/"
    assert first.regions == ("Altmark", "Harz")
    assert (first.body, first.teaser) == ("Ein Hof.", "Ein Hof.")
    assert first.published_at == datetime(2026, 5, 4, 8, tzinfo=UTC)
    assert [place.withdrawn for place in reading.places] == [False, False, True]


def test_a_broken_row_is_set_aside_and_the_rest_goes_on(url: str) -> None:
    (rejected,) = read_portal(config(url)).rejected
    assert (rejected.external_id, rejected.reason) == ("3", "row_without_name")


def test_a_query_may_stand_instead_of_a_table(url: str) -> None:
    query = "SELECT * FROM kulturhaeuser WHERE zustand = 'live' AND titel <> '';"
    assert names(read_portal(config(url, query=query))) == ["Hof & Halle", "Alte Schule"]


def test_colons_and_percent_signs_in_expressions_are_sql(url: str) -> None:
    reading = read_portal(config(url, fields={"town": "'100 % :kuerzel'"}))
    assert {place.town for place in reading.places} == {"100 % :kuerzel"}


def test_options_are_bound_and_never_pasted(url: str) -> None:
    asked = replace(
        config(url, query="SELECT * FROM kulturhaeuser WHERE zustand = :zustand"),
        options={"zustand": "live' OR '1' = '1"},
    )
    assert read_portal(asked).seen == 0
    assert read_portal(replace(asked, options={"zustand": "entwurf"})).seen == 1


def test_a_list_may_be_bound(url: str) -> None:
    asked = config(url, query="SELECT * FROM kulturhaeuser WHERE nummer IN :nummern")
    assert names(read_portal(replace(asked, options={"nummern": [1, 4]}))) == ["Hof & Halle", "Mühle"]


def test_progress_is_told(url: str) -> None:
    told: list[int] = []
    read_portal(config(url), told.append)
    assert told == [4]


def test_a_missing_column_is_named_with_its_field(url: str) -> None:
    with pytest.raises(PortalMisconfigured, match=r"^portal kreativorte: field 'teaser': .*teasr") as error:
        read_portal(config(url, fields={"teaser": "teasr"}))
    assert "\n" not in str(error.value)


def test_a_missing_table_is_named(url: str) -> None:
    with pytest.raises(PortalMisconfigured, match=r"^portal kreativorte: table 'orrte': .*orrte"):
        read_portal(config(url, table="orrte"))


def test_a_broken_query_is_called_so(url: str) -> None:
    with pytest.raises(PortalMisconfigured, match=r"^portal kreativorte: query: "):
        read_portal(config(url, query="SELECT * FRM kulturhaeuser"))


def test_the_connection_cannot_write(url: str) -> None:
    with open_read_only(config(url)) as connection, pytest.raises(DBAPIError, match=r"read-?only"):
        connection.exec_driver_sql("DELETE FROM kulturhaeuser")
    assert read_portal(config(url)).seen == 4


def test_a_duplicate_id_always_keeps_the_same_row(url: str) -> None:
    twice = "SELECT * FROM kulturhaeuser UNION ALL SELECT * FROM kulturhaeuser"
    reading = read_portal(config(url, query=twice, fields={"id": "'einer'"}))
    assert names(reading) == ["Alte Schule"]
    assert all(row.reason.partition(":")[0] in ("row_id_repeated", "row_without_name") for row in reading.rejected)


def test_sqlite_files_are_opened_without_leaving_a_trace(sqlite_file: Path) -> None:
    before = (sqlite_file.read_bytes(), sqlite_file.stat().st_mtime_ns)
    read_portal(config(f"sqlite:///{sqlite_file}"))
    assert (sqlite_file.read_bytes(), sqlite_file.stat().st_mtime_ns) == before
    assert list(sqlite_file.parent.iterdir()) == [sqlite_file]


def test_a_sqlite_file_that_is_not_there_is_unreachable_and_never_made(tmp_path: Path) -> None:
    missing = tmp_path / "fehlt.db"
    with pytest.raises(PortalUnreachable, match=r"fehlt\.db does not exist"):
        read_portal(config(f"sqlite:///{missing}"))
    assert not missing.exists()


def test_a_file_that_is_no_database_is_unreachable(tmp_path: Path) -> None:
    other = tmp_path / "bild.db"
    other.write_bytes(b"no database " * 100)
    with pytest.raises(PortalUnreachable, match="not a database"):
        read_portal(config(f"sqlite:///{other}"))


def test_text_that_is_not_utf8_does_not_hide_the_row(sqlite_file: Path) -> None:
    with closing(sqlite3.connect(sqlite_file)) as connection, connection:
        connection.execute("UPDATE kulturhaeuser SET titel = CAST(x'4DFC686C65' AS TEXT) WHERE nummer = 4")
    assert read_portal(config(f"sqlite:///{sqlite_file}")).places[-1].name == "M�hle"


def test_a_query_that_takes_too_long_is_stopped(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "STATEMENT_SECONDS", 0.05)
    endless = (
        "WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless WHERE n < 2000000000) "
        "SELECT k.*, (SELECT max(n) FROM endless) AS n FROM kulturhaeuser k"
    )
    with pytest.raises(PortalUnreachable, match="did not answer"):
        read_portal(config(url, query=endless, fields={"body": "n"}))


@pytest.mark.parametrize("expression", ["schreibt()", "nextval('zaehler')::text"])
def test_an_expression_that_writes_is_refused_by_postgresql(postgresql: str, expression: str) -> None:
    with pytest.raises(PortalMisconfigured, match=r"field 'town': cannot execute .* in a read-only transaction"):
        read_portal(config(postgresql, fields={"town": expression}))
    assert read_portal(config(postgresql)).seen == 4


def test_not_even_an_own_commit_opens_a_way_to_write(postgresql: str) -> None:
    with open_read_only(config(postgresql)) as connection:
        connection.exec_driver_sql("COMMIT")
        with pytest.raises(DBAPIError, match="read-only transaction"):
            connection.exec_driver_sql("DELETE FROM kulturhaeuser")


def test_a_portal_is_read_in_one_snapshot(postgresql: str) -> None:
    engine = create_engine(postgresql)
    with open_read_only(config(postgresql)) as connection:
        count = text("SELECT count(*) FROM kulturhaeuser")
        before = connection.execute(count).scalar()
        with engine.begin() as editor:
            editor.execute(text("INSERT INTO kulturhaeuser (nummer) VALUES (99)"))
        assert connection.execute(count).scalar() == before
    with engine.begin() as editor:
        editor.execute(text("DELETE FROM kulturhaeuser WHERE nummer = 99"))
    engine.dispose()


def test_an_expression_that_fails_on_one_row_is_found(postgresql: str) -> None:
    with pytest.raises(PortalMisconfigured, match=r"field 'lat': division by zero"):
        read_portal(config(postgresql, fields={"lat": "1 / (nummer - 4)", "lon": "11"}))


def test_types_of_postgresql_arrive(postgresql: str) -> None:
    fields = {
        "regions": "ARRAY['Altmark', 'Harz']",
        "categories": """'["Wohnen/Bauen"]'::jsonb""",
        "images": """'[{"url": "a.jpg", "alt": "Ein Hof", "credit": "Foto: A"}]'::json""",
        "lat": "52.5::numeric",
        "lon": "11.25::double precision",
        "updated_at": "'infinity'::timestamptz",
    }
    place = read_portal(config(postgresql, fields=fields)).places[0]
    assert (place.regions, place.categories) == (("Altmark", "Harz"), ("Wohnen/Bauen",))
    assert (place.lat, place.lon, place.updated_at) == (52.5, 11.25, None)
    assert place.pictures[0].credit == "Foto: A"


@pytest.mark.parametrize("date", ["'infinity'::timestamptz", "'0044-03-15 BC'::date", "'12026-01-01'::date"])
def test_dates_that_python_does_not_know_reject_the_row(postgresql: str, date: str) -> None:
    reading = read_portal(config(postgresql, fields={"published_at": date}))
    assert reading.places == ()
    assert {row.external_id for row in reading.rejected} == {"1", "2", "3", "4"}


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "mysql", "mysql+pymysql", "mariadb"])
def test_a_database_that_is_down_is_unreachable_and_keeps_its_password(scheme: str) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        down = config(f"{scheme}://leser:gehe1m@127.0.0.1:{port}/portal")
        with pytest.raises(PortalUnreachable, match=r"^portal kreativorte: the database can't be reached: ") as error:
            read_portal(down)
    assert "gehe1m" not in str(error.value) + repr(error.value) + repr(down)
    assert error.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("oracle://leser:gehe1m@host/x", "can't be opened read-only"),
        ("postgresql://leser:gehe1m/x@host:port", "not a valid SQLAlchemy URL"),
        ("gehe1m", "not a valid SQLAlchemy URL"),
        ("sqlite://", "names no SQLite file"),
        ("mysql://leser:gehe1m@127.0.0.1/x?gehe1m=1", "can't use"),
    ],
)
def test_an_address_that_can_not_be_used_is_refused_without_its_password(url: str, sentence: str) -> None:
    with pytest.raises(PortalMisconfigured, match=sentence) as error:
        read_portal(config(url))
    assert "gehe1m" not in str(error.value)
