"""A TYPO3 site's tables with EXT:news, with the columns that TYPO3 13 gives them and a site package adds.

Column names are TYPO3's; the definitions are ours and hold only what a reader may ask for.
"""

from __future__ import annotations

from typing import Any

from tests.integration.portals.mariadb import Cms

NEWS = "tx_news_domain_model_news"
TABLES = (
    NEWS,
    "pages",
    "sys_category",
    "sys_category_record_mm",
    "sys_file_reference",
    "sys_file",
    "sys_file_metadata",
)
FOLDER, REGIONS, CATEGORIES = 12, 3, 9
PUBLISHED = 1_782_892_800  # 2026-07-01 08:00 UTC
_COMMON = """uid int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, pid int unsigned NOT NULL DEFAULT 0,
 tstamp int unsigned NOT NULL DEFAULT 0, crdate int unsigned NOT NULL DEFAULT 0, deleted smallint NOT NULL DEFAULT 0,
 hidden smallint NOT NULL DEFAULT 0, starttime int unsigned NOT NULL DEFAULT 0, endtime int unsigned NOT NULL DEFAULT 0,
 sys_language_uid int NOT NULL DEFAULT 0, t3ver_wsid int unsigned NOT NULL DEFAULT 0,
 t3ver_oid int unsigned NOT NULL DEFAULT 0, t3ver_state smallint NOT NULL DEFAULT 0"""
_DEFINITIONS = (
    f"""CREATE TABLE {NEWS} ({_COMMON}, l10n_parent int unsigned NOT NULL DEFAULT 0,
 fe_group varchar(255) NOT NULL DEFAULT '0', type varchar(100) NOT NULL DEFAULT '0', title varchar(255) NOT NULL,
 teaser text, bodytext mediumtext, datetime bigint NOT NULL DEFAULT 0, archive bigint NOT NULL DEFAULT 0,
 path_segment varchar(2048), tx_kreativorte_ort varchar(255), tx_kreativorte_lat varchar(30),
 tx_kreativorte_lon varchar(30))""",
    f"CREATE TABLE pages ({_COMMON}, title varchar(255) NOT NULL DEFAULT '', doktype int NOT NULL DEFAULT 254)",
    f"CREATE TABLE sys_category ({_COMMON}, title tinytext NOT NULL, parent int unsigned NOT NULL DEFAULT 0)",
    """CREATE TABLE sys_category_record_mm (uid_local int unsigned NOT NULL, uid_foreign int unsigned NOT NULL,
 tablenames varchar(64) NOT NULL DEFAULT '', fieldname varchar(64) NOT NULL DEFAULT '', KEY (uid_foreign))""",
    f"""CREATE TABLE sys_file_reference ({_COMMON}, uid_local int unsigned NOT NULL, uid_foreign int unsigned NOT NULL,
 tablenames varchar(64) NOT NULL DEFAULT '', fieldname varchar(64) NOT NULL DEFAULT '',
 sorting_foreign int NOT NULL DEFAULT 0, alternative text, description text, KEY (uid_foreign))""",
    "CREATE TABLE sys_file (uid int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, identifier text, "
    "missing smallint NOT NULL DEFAULT 0)",
    f"CREATE TABLE sys_file_metadata ({_COMMON}, file int unsigned NOT NULL, alternative text, KEY (file))",
)
_FILEMETADATA = "ALTER TABLE sys_file_metadata ADD copyright varchar(255), ADD creator varchar(255)"


class Typo3:
    """A site with one folder of records, regions below category 3 and categories below category 9."""

    def __init__(self, cms: Cms, *, filemetadata: bool = True) -> None:
        self.cms = cms
        cms.run(*_DEFINITIONS, *([_FILEMETADATA] if filemetadata else []))
        cms.grant(*TABLES)
        cms.insert("pages", uid=FOLDER, title="Kreativorte")
        cms.insert("sys_category", uid=REGIONS, title="Regionen")
        cms.insert("sys_category", uid=CATEGORIES, title="Bereiche")
        self._next = 100

    @property
    def settings(self) -> dict[str, Any]:
        """The block that an administrator writes."""
        columns = {"town": "tx_kreativorte_ort", "lat": "tx_kreativorte_lat", "lon": "tx_kreativorte_lon"}
        return {
            "preset": "typo3",
            "url": self.cms.url,
            "site_url": "https://www.altmark.example",
            "path": "orte",
            "folders": [FOLDER],
            "region_root": REGIONS,
            "category_root": CATEGORIES,
            "columns": columns,
        }

    def record(self, table: str, **columns: Any) -> int:
        """A record of any table; its number."""
        self._next += 1
        self.cms.insert(table, **{"uid": self._next} | columns)
        return int(columns.get("uid", self._next))

    def news(self, title: str, **columns: Any) -> int:
        """A published record; its number."""
        values = {"pid": FOLDER, "title": title, "datetime": PUBLISHED, "crdate": PUBLISHED, "tstamp": PUBLISHED}
        number = self._next + 1
        return self.record(NEWS, **values | {"path_segment": f"ort-{number}"} | columns)

    def update(self, table: str, uid: int, **columns: Any) -> None:
        """Change columns of a record and nothing else."""
        pairs = ", ".join(f"{name} = %({name})s" for name in columns)
        self.cms.run(f"UPDATE {table} SET {pairs} WHERE uid = {uid}", **columns)

    def category(self, news: int, title: str, parent: int, **columns: Any) -> int:
        """Put the record under a category of its own; its number."""
        number = self.record("sys_category", title=title, parent=parent, **columns)
        self.relate(news, number)
        return number

    def relate(self, news: int, category: int, table: str = NEWS, field: str = "categories") -> None:
        """Put a record under a category."""
        self.cms.insert(
            "sys_category_record_mm", uid_local=category, uid_foreign=news, tablenames=table, fieldname=field
        )

    def file(self, identifier: str, **columns: Any) -> int:
        """An uploaded file with its metadata; its number."""
        number = self.record("sys_file", identifier=identifier)
        self.record("sys_file_metadata", file=number, **columns)
        return number

    def picture(self, news: int, file: int, **columns: Any) -> int:
        """Show a file with a record; the reference's number."""
        values = {"uid_local": file, "uid_foreign": news, "tablenames": NEWS, "fieldname": "fal_media"}
        return self.record("sys_file_reference", **values | columns)
