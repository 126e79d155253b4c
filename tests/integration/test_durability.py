"""`doctor` tells where a database may forget what it has confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from campaign.db import Database, drive_of, forgetful

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /srv/share rw,relatime shared:2 - nfs4 server:/export rw,vers=4.2
41 22 0:36 / /srv rw - xfs /dev/vdb rw
42 22 0:37 / /home/anna/drive rw - fuse.sshfs anna@server: rw
"""


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("/var/lib/kreativorte/kreativorte.db", "ext4"),
        ("/srv/share/kreativorte.db", "nfs4"),
        ("/srv/shared.db", "xfs"),
        ("/home/anna/drive/a/b.db", "fuse.sshfs"),
    ],
)
def test_the_drive_of_a_file_is_that_of_its_nearest_mount(file: str, kind: str) -> None:
    assert drive_of(Path(file), MOUNTS) == kind


def test_a_fresh_database_keeps_what_it_confirms(database: Database) -> None:
    assert forgetful(database) == []


def test_a_server_that_confirms_before_it_writes_is_told(postgres_url: str) -> None:
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {engine.url.database} SET synchronous_commit = off"))
    engine.dispose()
    database = Database(postgres_url)
    assert forgetful(database) == ["synchronous_commit"]
    database.close()


def test_our_own_connections_write_through(database: Database) -> None:
    if database.sqlite:
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
