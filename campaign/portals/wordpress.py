"""The preset for WordPress: posts of one type, their taxonomies, meta fields and featured image.

The conditions follow what WordPress itself shows to everybody (portal fact sheet, "WordPress preset"). Meta keys are
not unique; WordPress takes the row with the lowest number, and so does every subquery here.
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
    page,
    zone,
)
from campaign.portals.portal import COMMON_KEYS, PortalConfig, check_keys, field_expressions, text_key

TABLES = ("posts", "postmeta", "terms", "term_taxonomy", "term_relationships")
TAXONOMIES = {"regions": "region", "categories": "kategorie"}
META = {"town": "ort", "lat": "lat", "lon": "lon", "image_credit": "bildnachweis"}
KEYS = (
    *COMMON_KEYS,
    "site_url",
    "path",
    "uploads_url",
    "table_prefix",
    "post_type",
    "taxonomies",
    "meta",
    "language",
    "wpml",
    "timezone",
)
# The words are those of campaign/places.py, GONE.
_WHEREABOUTS = """SELECT p.ID, CASE WHEN p.post_type <> :post_type THEN 'moved'
 WHEN p.post_status = 'trash' THEN 'trash' WHEN p.post_status = 'private' THEN 'private'
 WHEN p.post_status = 'future' THEN 'scheduled' WHEN p.post_status <> 'publish' THEN 'draft'
 WHEN p.post_password <> '' THEN 'password' ELSE 'hidden' END FROM {posts} p WHERE p.ID IN :ids"""


def configure(name: str, table: Mapping[str, Any], directory: Path) -> PortalConfig:
    """The portal of a table with `preset = "wordpress"`. Raises PortalMisconfigured."""
    check_keys(name, table, KEYS)
    common = mysql_settings(name, table, directory)
    site_url = address(name, table, "site_url")
    post_type = text_key(name, table, "post_type", "post")
    before, after = page(site_url, text_key(name, table, "path", post_type), "{slug}/")
    prefix = identifier(name, "table_prefix", table.get("table_prefix", "wp_"))
    tables = {kind: prefix + kind for kind in TABLES}
    taxonomies = named_texts(name, table, "taxonomies", TAXONOMIES)
    meta = named_texts(name, table, "meta", META)
    options = {
        "post_type": post_type,
        "before": before,
        "after": after,
        "uploads_url": address(name, table, "uploads_url", f"{site_url}/wp-content/uploads"),
        "timezone": zone(name, table),
        "language": text_key(name, table, "language", "de"),
        **{f"taxonomy_{field}": taxonomy for field, taxonomy in taxonomies.items()},
        **{f"meta_{field}": key for field, key in meta.items()},
    }
    wpml = flag(name, table, "wpml", False)
    own = field_expressions(name, table.get("fields", {}))
    return PortalConfig(
        **common,
        fields=_fields(tables, taxonomies, meta) | own,
        table=_source(tables),
        where=_shown(tables, prefix if wpml else ""),
        options=options,
        preset="wordpress",
        needs=(*tables.values(), *([f"{prefix}icl_translations"] if wpml else [])),
        whereabouts=_WHEREABOUTS.format(posts=tables["posts"]),
    )


def _fields(tables: Mapping[str, str], taxonomies: Mapping[str, str], meta: Mapping[str, str]) -> dict[str, str]:
    file = in_address(_meta(tables, "img.ID", "'_wp_attached_file'"))
    return {
        "id": "p.ID",
        "name": "p.post_title",
        "url": "CONCAT(:before, p.post_name, :after)",
        "teaser": "p.post_excerpt",
        "body": "p.post_content",
        "image_url": f"CONCAT(:uploads_url, '/', {file})",
        "image_alt": _meta(tables, "img.ID", "'_wp_attachment_image_alt'"),
        # A published row without a date in UTC comes from an import; its local date then counts.
        "published_at": "CASE WHEN YEAR(p.post_date_gmt) = 0 THEN CONCAT(p.post_date, '[', :timezone, ']') "
        "ELSE CAST(p.post_date_gmt AS CHAR) END",
        "updated_at": "p.post_modified_gmt",
        **{field: _terms(tables, field) for field in taxonomies},
        **{field: _meta(tables, "p.ID", f":meta_{field}") for field in meta},
        "image_credit": _credit(tables, meta),
    }


def _meta(tables: Mapping[str, str], post: str, key: str) -> str:
    return (
        f"(SELECT m.meta_value FROM {tables['postmeta']} m WHERE m.post_id = {post} AND m.meta_key = {key} "
        "ORDER BY m.meta_id LIMIT 1)"
    )


def _credit(tables: Mapping[str, str], meta: Mapping[str, str]) -> str:
    """The credit of the post, else that of the picture, else the picture's caption."""
    keys = [_meta(tables, post, ":meta_image_credit") for post in ("p.ID", "img.ID")] if "image_credit" in meta else []
    return f"COALESCE({', '.join(f'NULLIF({one}, {_NOTHING})' for one in (*keys, 'img.post_excerpt'))})"


_NOTHING = "''"


def _terms(tables: Mapping[str, str], field: str) -> str:
    return joined(
        "t.name",
        f"{tables['term_relationships']} r "
        f"JOIN {tables['term_taxonomy']} x ON x.term_taxonomy_id = r.term_taxonomy_id "
        f"AND x.taxonomy = :taxonomy_{field} "
        f"JOIN {tables['terms']} t ON t.term_id = x.term_id WHERE r.object_id = p.ID",
    )


def _source(tables: Mapping[str, str]) -> str:
    thumbnail = _meta(tables, "p.ID", "'_thumbnail_id'")
    return (
        f"{tables['posts']} p LEFT JOIN {tables['posts']} img ON img.ID = CAST({thumbnail} AS UNSIGNED) "
        "AND img.post_type = 'attachment' AND img.post_status <> 'trash' AND img.post_mime_type LIKE 'image/%'"
    )


def _shown(tables: Mapping[str, str], wpml_prefix: str) -> str:
    """What everybody sees, in the portal's own language (Polylang keeps languages as terms, WPML in its own table)."""
    shown = "p.post_type = :post_type AND p.post_status = 'publish' AND p.post_password = ''"
    polylang = (
        f"SELECT 1 FROM {tables['term_relationships']} lr "
        f"JOIN {tables['term_taxonomy']} lx ON lx.term_taxonomy_id = lr.term_taxonomy_id AND lx.taxonomy = 'language' "
        f"JOIN {tables['terms']} lt ON lt.term_id = lx.term_id AND lt.slug <> :language WHERE lr.object_id = p.ID"
    )
    shown += f" AND NOT EXISTS ({polylang})"
    if wpml_prefix:
        shown += (
            f" AND NOT EXISTS (SELECT 1 FROM {wpml_prefix}icl_translations tr "
            "WHERE tr.element_id = p.ID AND tr.element_type = CONCAT('post_', :post_type) "
            "AND tr.language_code <> :language)"
        )
    return shown
