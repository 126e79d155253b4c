"""The preset for TYPO3: records of EXT:news in some folders, their categories and first picture.

The conditions follow what TYPO3 itself shows to everybody (portal fact sheet, "TYPO3 preset"). A record's address is
not in the database: the pattern is an option.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from campaign.portals.cms import (
    address,
    flag,
    identifier,
    in_address,
    joined,
    mysql_settings,
    named_texts,
    number,
    numbers,
    page,
)
from campaign.portals.portal import COMMON_KEYS, PortalConfig, check_keys, field_expressions, text_key, wrong

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
EVERYBODY = ["", "0", "-1"]
"""`fe_group` of records that need no sign-in: none, none, hidden once signed in."""
KEYS = (
    *COMMON_KEYS,
    "site_url",
    "path",
    "fileadmin_url",
    "folders",
    "region_root",
    "category_root",
    "columns",
    "fe_groups",
    "show_future",
    "hidden_folders",
    "filemetadata",
)
# The words are those of campaign/places.py, GONE.
_WHEREABOUTS = f"""SELECT n.uid, CASE WHEN n.deleted <> 0 THEN 'trash' WHEN n.hidden <> 0 THEN 'draft'
 WHEN n.starttime > :now OR n.datetime > :now THEN 'scheduled'
 WHEN n.endtime <> 0 AND n.endtime <= :now THEN 'expired' WHEN n.pid NOT IN :folders THEN 'moved'
 WHEN n.fe_group NOT IN :fe_groups THEN 'private' ELSE 'hidden' END FROM {NEWS} n WHERE n.uid IN :ids"""
_LIVE = "{0}.deleted = 0 AND {0}.hidden = 0 AND {0}.t3ver_wsid = 0 AND {0}.sys_language_uid IN (0, -1)"


def configure(name: str, table: Mapping[str, Any], directory: Path) -> PortalConfig:
    """The portal of a table with `preset = "typo3"`. Raises PortalMisconfigured."""
    check_keys(name, table, KEYS)
    common = mysql_settings(name, table, directory)
    site_url = address(name, table, "site_url")
    before, after = page(site_url, text_key(name, table, "path", "orte"), "{slug}")
    folders = numbers(name, table, "folders")
    if not folders:
        raise wrong(name, "folders is missing; name the pages that keep the records, such as [12, 14]")
    roots = {key: number(name, table, f"{key}_root") for key in ("region", "category")}
    columns = named_texts(name, table, "columns", {})
    for field, column in columns.items():
        identifier(name, f"columns.{field}", column)
    options = {
        "before": before,
        "after": after,
        "fileadmin_url": address(name, table, "fileadmin_url", f"{site_url}/fileadmin"),
        "folders": folders,
        "fe_groups": _groups(name, table),
        **{f"{key}_root": root for key, root in roots.items() if root is not None},
    }
    return PortalConfig(
        **common,
        fields=_fields(roots, columns, flag(name, table, "filemetadata", True))
        | field_expressions(name, table.get("fields", {})),
        table=_SOURCE,
        where=_shown(flag(name, table, "show_future", False), flag(name, table, "hidden_folders", False)),
        options=options,
        preset="typo3",
        needs=TABLES,
        whereabouts=_WHEREABOUTS,
    )


def _groups(name: str, table: Mapping[str, Any]) -> list[str]:
    groups = table.get("fe_groups", EVERYBODY)
    if not isinstance(groups, list) or not groups or not all(isinstance(one, str) for one in groups):
        raise wrong(name, 'fe_groups must be a list of texts such as ["", "0", "-1"]')
    return groups


def _fields(roots: Mapping[str, int | None], columns: Mapping[str, str], filemetadata: bool) -> dict[str, str]:
    # Copyright and creator exist with EXT:filemetadata only.
    credits = ["md.copyright", "md.creator"] if filemetadata else []
    fields = {
        "id": "n.uid",
        "name": "n.title",
        "url": "CASE WHEN n.path_segment IS NULL OR n.path_segment = '' THEN NULL "
        "ELSE CONCAT(:before, n.path_segment, :after) END",
        "teaser": "n.teaser",
        "body": "n.bodytext",
        "image_url": f"CONCAT(:fileadmin_url, {in_address('f.identifier')})",
        # NULL takes the file's own alternative text; an empty one is meant to be empty.
        "image_alt": "COALESCE(ref.alternative, md.alternative)",
        "image_credit": "COALESCE("
        + ", ".join(f"NULLIF({credit}, '')" for credit in (*credits, "ref.description"))
        + ")",
        "published_at": "CASE WHEN GREATEST(n.datetime, n.starttime) > 0 THEN GREATEST(n.datetime, n.starttime) "
        "ELSE n.crdate END",
        "updated_at": "n.tstamp",
        **{field: f"n.{column}" for field, column in columns.items()},
    }
    if roots["region"] is not None:
        # Regions may lie one level deeper: Land, then district.
        fields["regions"] = _categories("LEFT JOIN sys_category pk ON pk.uid = k.parent", "region", deeper=True)
    if roots["category"] is not None:
        fields["categories"] = _categories("", "category", deeper=False)
    return fields


def _categories(join: str, root: str, *, deeper: bool) -> str:
    below = f"k.parent = :{root}_root" + (f" OR pk.parent = :{root}_root" if deeper else "")
    return joined(
        "k.title",
        f"sys_category_record_mm mm JOIN sys_category k ON k.uid = mm.uid_local {join} "
        f"WHERE mm.uid_foreign = n.uid AND mm.tablenames = '{NEWS}' AND mm.fieldname = 'categories' "
        f"AND {_LIVE.format('k')} AND k.starttime <= :now AND (k.endtime = 0 OR k.endtime > :now) AND ({below})",
    )


# The first reference to a file that is there, and what is known of that file in the default language.
_SOURCE = f"""{NEWS} n JOIN pages pg ON pg.uid = n.pid AND pg.deleted = 0
LEFT JOIN sys_file_reference ref ON ref.uid = (SELECT r.uid FROM sys_file_reference r
 JOIN sys_file rf ON rf.uid = r.uid_local AND rf.missing = 0
 WHERE r.uid_foreign = n.uid AND r.tablenames = '{NEWS}' AND r.fieldname = 'fal_media' AND {_LIVE.format("r")}
 ORDER BY r.sorting_foreign, r.uid LIMIT 1)
LEFT JOIN sys_file f ON f.uid = ref.uid_local
LEFT JOIN sys_file_metadata md ON md.uid = (SELECT m.uid FROM sys_file_metadata m
 WHERE m.file = f.uid AND m.sys_language_uid IN (0, -1) AND m.t3ver_wsid = 0 ORDER BY m.uid LIMIT 1)"""


def _shown(show_future: bool, hidden_folders: bool) -> str:
    """What everybody sees. EXT:news shows a future `datetime` unless told otherwise; a place then is not yet news."""
    conditions = [
        "n.pid IN :folders",
        _LIVE.format("n"),
        "n.t3ver_oid = 0",
        "n.starttime <= :now AND (n.endtime = 0 OR n.endtime > :now)",
        "n.fe_group IN :fe_groups",
        "n.type = '0'",
    ]
    conditions += [] if show_future else ["n.datetime <= :now"]
    conditions += [] if hidden_folders else ["pg.hidden = 0"]
    return " AND ".join(conditions)
