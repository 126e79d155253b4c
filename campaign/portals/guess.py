"""`kreativorte portal guess URL`: recognises the CMS behind a database and proposes a configuration block.

What can't be read from the database (the address pattern of TYPO3, say) is proposed with a remark. Passwords never
stand in the proposal.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from campaign.portals.inspection import visible_tables
from campaign.portals.portal import PortalConfig
from campaign.portals.sql import open_read_only
from campaign.portals.typo3 import NEWS

# Post types that WordPress and its common plug-ins bring along.
_BUILT_IN = re.compile(
    r"post|page|attachment|revision|nav_menu_item|custom_css|customize_changeset|oembed_cache|user_request|"
    r"(wp|acf|elementor|wpcf7|vc|et|jp|amn|mc4wp|shop)[_-].*|wpcf7.*|elementor.*|polylang_.*"
)
# What a column, meta key, taxonomy or category is called that holds a place's field, most telling first.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "titel", "title", "bezeichnung"),
    "url": ("url", "link", "permalink", "webseite", "website"),
    "published_at": ("published_at", "veroeffentlicht", "online_seit", "publish_date", "date", "datum", "created_at"),
    "updated_at": ("updated_at", "geaendert", "modified", "changed"),
    "regions": ("region", "regionen", "regions", "landkreis", "gebiet", "gebiete", "kreis"),
    "categories": ("kategorie", "kategorien", "categories", "category", "bereich", "bereiche", "sparte", "thema"),
    "hashtags": ("hashtags", "hashtag", "tags", "schlagworte"),
    "town": ("ort", "stadt", "gemeinde", "town", "city", "wohnort"),
    "teaser": ("teaser", "kurztext", "excerpt", "anriss", "summary"),
    "body": ("body", "beschreibung", "description", "text", "inhalt", "content"),
    "image_url": ("image_url", "bild", "image", "foto", "picture"),
    "image_alt": ("image_alt", "bildbeschreibung", "alt_text", "alt"),
    "image_credit": ("image_credit", "bildnachweis", "fotograf", "copyright", "credit", "bildquelle"),
    "handle_x": ("x_handle", "handle_x", "twitter", "twitter_handle"),
    "handle_facebook": ("fb_page", "handle_facebook", "facebook", "facebook_page"),
    "lat": ("lat", "latitude", "breitengrad", "geo_lat"),
    "lon": ("lon", "lng", "longitude", "laengengrad", "geo_lng"),
}
_OF_META = ("town", "lat", "lon", "image_credit", "hashtags", "handle_x", "handle_facebook")
_OF_TAXONOMIES = ("regions", "categories", "hashtags")
_OF_COLUMNS = ("town", "lat", "lon", "handle_x", "handle_facebook")
_WORDPRESS_TABLE = re.compile(r"([A-Za-z0-9_$]*)postmeta")
_PLACEHOLDER = "https://www.example.org"


KINDS = ("wordpress", "typo3", "tables", "nothing")


@dataclass(frozen=True)
class Guess:
    """What was recognised (one of KINDS), and the block to copy ("" for nothing)."""

    kind: str
    block: str


def guess(url: str) -> Guess:
    """Look at a database. Raises PortalUnreachable or PortalMisconfigured."""
    config = PortalConfig(name="portal", url=url, fields={})
    with open_read_only(config) as connection:
        if connection.dialect.name == "mysql":
            tables = visible_tables(connection)
            found = [_WORDPRESS_TABLE.fullmatch(name) for name in sorted(tables)]
            sites = [match[1] for match in found if match and f"{match[1]}posts" in tables]
            if sites:
                return Guess("wordpress", _wordpress(connection, url, sites))
            if NEWS in tables:
                return Guess("typo3", _typo3(connection, url))
        block = _mapping(connection, url)
        return Guess("tables" if block else "nothing", block)


# --- WordPress -------------------------------------------------------------------------------------------------


def _wordpress(connection: Connection, url: str, prefixes: Sequence[str]) -> str:
    types = {prefix: _post_types(connection, prefix) for prefix in prefixes}
    # Of several sites in one database the one with most places of a type of its own.
    prefix = max(prefixes, key=lambda one: max((count for _, count in types[one]), default=0))
    post_type = types[prefix][0][0] if types[prefix] else "post"
    taxonomies = _named(
        _OF_TAXONOMIES,
        connection.execute(
            text(
                f"SELECT x.taxonomy FROM {prefix}term_taxonomy x JOIN {prefix}term_relationships r "
                f"ON r.term_taxonomy_id = x.term_taxonomy_id JOIN {prefix}posts p ON p.ID = r.object_id "
                "WHERE p.post_type = :type GROUP BY x.taxonomy ORDER BY COUNT(*) DESC"
            ).bindparams(type=post_type)
        ).scalars(),
    )
    meta = _named(
        _OF_META,
        connection.execute(
            text(
                f"SELECT m.meta_key FROM {prefix}postmeta m JOIN {prefix}posts p ON p.ID = m.post_id "
                "WHERE p.post_type IN (:type, 'attachment') AND m.meta_key NOT LIKE '\\_%' "
                "GROUP BY m.meta_key ORDER BY COUNT(*) DESC LIMIT 500"
            ).bindparams(type=post_type)
        ).scalars(),
    )
    site_url = _wordpress_site(connection, prefix)
    lines = [
        *_head(url, "wordpress"),
        _line("site_url", site_url or _PLACEHOLDER, "" if site_url else "eintragen"),
        _line("path", post_type, "wie in den Adressen der Orte: site_url/path/kurzname/"),
        _line("table_prefix", prefix),
        _line("post_type", post_type, _others([name for name, _ in types[prefix][1:]])),
        _line("taxonomies", taxonomies, "" if "regions" in taxonomies else "regions fehlt"),
        _line("meta", meta),
    ]
    if f"{prefix}icl_translations" in visible_tables(connection):
        lines.append(_line("wpml", True, "es gibt Übersetzungen mit WPML"))
    return "\n".join(lines)


def _post_types(connection: Connection, prefix: str) -> list[tuple[str, int]]:
    rows = connection.execute(
        text(
            f"SELECT post_type, COUNT(*) FROM {prefix}posts WHERE post_status = 'publish' "
            "GROUP BY post_type ORDER BY COUNT(*) DESC"
        )
    )
    return [(str(name), int(count)) for name, count in rows if not _BUILT_IN.fullmatch(str(name))]


def _wordpress_site(connection: Connection, prefix: str) -> str:
    """The site's address: as its options tell, where the account may read them, else out of an upload's address."""
    questions = (
        f"SELECT option_value FROM {prefix}options WHERE option_name = 'home'",
        f"SELECT guid FROM {prefix}posts WHERE post_type = 'attachment' AND guid LIKE 'http%' ORDER BY ID DESC LIMIT 1",
        f"SELECT guid FROM {prefix}posts WHERE guid LIKE 'http%' ORDER BY ID DESC LIMIT 1",
    )
    for question in questions:
        try:
            found = connection.execute(text(question)).scalar()
        except DBAPIError:
            continue
        if found:
            return re.split(r"/wp-content/|/\?", str(found))[0].rstrip("/")
    return ""


# --- TYPO3 -----------------------------------------------------------------------------------------------------


def _typo3(connection: Connection, url: str) -> str:
    folders = connection.execute(
        text(
            f"SELECT n.pid, pg.title FROM {NEWS} n JOIN pages pg ON pg.uid = n.pid AND pg.deleted = 0 "
            "WHERE n.deleted = 0 AND n.hidden = 0 AND n.type = '0' GROUP BY n.pid, pg.title ORDER BY COUNT(*) DESC"
        )
    ).all()
    roots = connection.execute(
        text(
            "SELECT pk.uid, pk.title FROM sys_category k JOIN sys_category pk ON pk.uid = k.parent "
            "WHERE k.deleted = 0 GROUP BY pk.uid, pk.title ORDER BY COUNT(*) DESC"
        )
    ).all()
    named = {str(title): int(uid) for uid, title in roots}
    fields = _named(("regions", "categories"), named)
    news_columns = _columns(connection, NEWS)
    columns = _named(_OF_COLUMNS, (name for name in news_columns if name.startswith("tx_")), suffix=True)
    lines = [
        *_head(url, "typo3"),
        _line("site_url", _PLACEHOLDER, "eintragen; sie steht nicht in der Datenbank"),
        _line("path", "orte", "wie in den Adressen der Orte; auch mit {slug}, etwa orte/{slug}.html"),
        _line("folders", [int(uid) for uid, _ in folders], ", ".join(str(title) for _, title in folders)),
        *(
            _line(f"{key}_root", named[fields[field]], fields[field])
            for key, field in (("region", "regions"), ("category", "categories"))
            if field in fields
        ),
        _line("columns", columns),
    ]
    if "copyright" not in _columns(connection, "sys_file_metadata"):
        lines.append(_line("filemetadata", False, "die Erweiterung filemetadata fehlt"))
    return "\n".join(lines)


def _columns(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        text(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() "
            "AND table_name = :table ORDER BY ordinal_position"
        ).bindparams(bindparam("table", table))
    )
    return [str(row[0]) for row in rows]


# --- any other database ----------------------------------------------------------------------------------------


def _mapping(connection: Connection, url: str) -> str:
    """The table whose columns tell most of a place, by their names; "" where none tells enough."""
    try:
        looked = inspect(connection)
        names = [*looked.get_table_names(), *looked.get_view_names()]
        tables = {name: [column["name"] for column in looked.get_columns(name)] for name in names}
    except SQLAlchemyError:
        return ""
    scored = Counter({name: len(_named(tuple(_WORDS), columns)) for name, columns in tables.items()})
    best, score = scored.most_common(1)[0] if scored else ("", 0)
    found = _named(tuple(_WORDS), tables.get(best, ()))
    if score < 3 or "name" not in found:
        return ""
    key = next((name for name in ("id", "uid", "nummer", "nr") if name in tables[best]), tables[best][0])
    slug = next((name for name in ("slug", "kuerzel", "path_segment") if name in tables[best]), "")
    if "url" not in found and slug:
        found["url"] = f"'{_PLACEHOLDER}/orte/' || {slug} || '/'"
    missing = [name for name in ("url", "published_at") if name not in found]
    fields = {"id": key, **found}
    lines = [*_head(url, ""), _line("table", best, _others([name for name, _ in scored.most_common(4)[1:]])), ""]
    lines += ["[portals.portal.fields]", *(_line(name, expression) for name, expression in fields.items())]
    lines += [f"# {name} = …  # Pflichtfeld, bitte eintragen" for name in missing]
    return "\n".join(lines)


# --- words and lines -------------------------------------------------------------------------------------------


def _named(fields: Iterable[str], names: Iterable[str], *, suffix: bool = False) -> dict[str, str]:
    """To each field the name that is called as it is, or (with `suffix`) ends so; each name serves one field."""
    free = list(names)
    found: dict[str, str] = {}
    for field in fields:
        for word in _WORDS[field]:
            match = next((name for name in free if _fits(name, word, suffix)), None)
            if match is not None:
                found[field] = match
                free.remove(match)
                break
    return found


def _fits(name: str, word: str, suffix: bool) -> bool:
    folded = name.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return folded == word or folded.rstrip("en") == word.rstrip("en") or (suffix and folded.endswith(f"_{word}"))


def _others(names: Sequence[str]) -> str:
    return f"sonst: {', '.join(names)}" if names else ""


def _head(url: str, preset: str) -> list[str]:
    parts = make_url(url)
    shown = parts.set(password="…" if parts.password else None).render_as_string(hide_password=False)
    head = ["[portals.portal]"] + ([_line("preset", preset)] if preset else [])
    hint = "Passwort eintragen, oder die ganze Adresse in $KREATIVORTE_PORTALS__PORTAL__URL" if parts.password else ""
    return [*head, _line("url", shown.replace("%E2%80%A6", "…"), hint), _line("every", "5m")]


def _line(key: str, value: Any, remark: str = "") -> str:
    """One line of TOML."""
    if isinstance(value, dict):
        inner = ", ".join(f"{name} = {json.dumps(one, ensure_ascii=False)}" for name, one in value.items())
        written = f"{{ {inner} }}" if inner else "{}"
    else:
        written = json.dumps(value, ensure_ascii=False)
    return f"{key} = {written}" + (f"  # {remark}" if remark else "")
