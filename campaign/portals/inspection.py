"""What an administrator must know of a portal: what is missing, why nothing comes, and what would be imported first.

Everything is asked on the read-only connection that a pull uses. An observation is a word and details; campaign/news
has its wording.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, TextClause, bindparam, text
from sqlalchemy.exc import DBAPIError

from campaign.places import Place, Reading
from campaign.portals.portal import PortalConfig, PortalError
from campaign.portals.sql import open_read_only, read_portal
from campaign.portals.typo3 import NEWS
from campaign.portals.wordpress import META, TAXONOMIES

_READING = frozenset({"SELECT", "USAGE", "SHOW VIEW"})
_DEFAULTS = {f"meta_{field}": key for field, key in META.items()} | {
    f"taxonomy_{field}": taxonomy for field, taxonomy in TAXONOMIES.items()
}
_SHOWN = 6
"""So many names are told of a longer list."""


@dataclass(frozen=True)
class Observation:
    """One thing that was seen: a word and its details. `ok` is False where somebody should act."""

    ok: bool
    word: str
    details: tuple[object, ...] = ()


def inspect(config: PortalConfig, now: datetime) -> list[Observation]:
    """Everything that is worth telling about a portal; never raises for what it finds there."""
    try:
        with open_read_only(config) as connection:
            seen = list(_looks(connection, config))
    except PortalError as error:
        return [Observation(False, "portal_trouble", (str(error),))]
    if any(one.word == "portal_tables_unseen" for one in seen):
        return seen
    try:
        reading = read_portal(config, now)
    except PortalError as error:
        return [*seen, Observation(False, "portal_trouble", (str(error),))]
    if not reading.seen and not any(not one.ok and one.word in _WHY_EMPTY for one in seen):
        seen.append(Observation(False, "portal_empty"))
    return [*seen, *_of_reading(reading)]


def _looks(connection: Connection, config: PortalConfig) -> Iterator[Observation]:
    if connection.dialect.name == "mysql":
        yield from _rights(connection)
    unseen = [table for table in config.needs if table not in visible_tables(connection)] if config.needs else []
    if unseen:
        yield Observation(False, "portal_tables_unseen", (_listed(unseen), _likely(connection, config)))
        return
    look = {"wordpress": _wordpress, "typo3": _typo3}.get(config.preset)
    if look is not None:
        try:
            yield from look(connection, config)
        except DBAPIError:
            return  # reading will fail in the same way, and names the field


def _rights(connection: Connection) -> Iterator[Observation]:
    """An account that may do more than read is one mistake away from doing it."""
    more: set[str] = set()
    try:
        for (grant,) in connection.execute(text("SHOW GRANTS")):
            privileges = str(grant).removeprefix("GRANT ").partition(" ON ")[0]
            more |= {one.split("(")[0].strip() for one in privileges.split(",")} - _READING
    except DBAPIError:
        return  # an account that may not ask this is not an account that may write
    if more:
        yield Observation(False, "portal_may_write", (_listed(sorted(more)),))


def visible_tables(connection: Connection) -> set[str]:
    """Tables and views of the connection's own database that this account sees, as MySQL and MariaDB tell."""
    rows = connection.execute(text("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"))
    return {str(row[0]) for row in rows}


def _likely(connection: Connection, config: PortalConfig) -> str:
    """Prefixes under which another WordPress stands here; empty for none."""
    if config.preset != "wordpress":
        return ""
    tables = visible_tables(connection)
    prefixes = sorted(name.removesuffix("postmeta") for name in tables if name.endswith("postmeta"))
    return _listed([prefix for prefix in prefixes if f"{prefix}posts" in tables])


def _listed(names: Sequence[object]) -> str:
    shown = ", ".join(str(name) for name in names[:_SHOWN])
    return f"{shown} …" if len(names) > _SHOWN else shown


def _asked(statement: str, **values: Any) -> TextClause:
    """The statement with its values bound; a list stands behind IN."""
    bound: list[BindParameter[Any]] = [
        bindparam(name, value, expanding=isinstance(value, list)) for name, value in values.items()
    ]
    return text(statement).bindparams(*bound)


# --- WordPress -------------------------------------------------------------------------------------------------


def _wordpress(connection: Connection, config: PortalConfig) -> Iterator[Observation]:
    posts, postmeta, _terms, taxonomy, _relationships, *_ = config.needs
    options = config.options
    counts = connection.execute(
        _asked(
            f"SELECT post_status, COUNT(*) FROM {posts} WHERE post_type = :type GROUP BY post_status",
            type=options["post_type"],
        )
    ).all()
    states = {str(row[0]): int(row[1]) for row in counts}
    if not states:
        found = connection.execute(
            text(
                f"SELECT post_type FROM {posts} WHERE post_status = 'publish' GROUP BY post_type ORDER BY COUNT(*) DESC"
            )
        ).scalars()
        yield Observation(False, "wordpress_no_such_type", (options["post_type"], _listed(list(found))))
        return
    if not states.get("publish"):
        told = _listed([f"{count} {state}" for state, count in sorted(states.items())])
        yield Observation(False, "wordpress_none_published", (options["post_type"], told))
    known_taxonomies = list(connection.execute(text(f"SELECT DISTINCT taxonomy FROM {taxonomy}")).scalars())
    yield from _unused(options, "taxonomy_", known_taxonomies, "wordpress_taxonomy_unknown")
    known_keys = connection.execute(
        _asked(
            f"SELECT DISTINCT m.meta_key FROM {postmeta} m JOIN {posts} p ON p.ID = m.post_id "
            "WHERE p.post_type IN :types AND m.meta_key IS NOT NULL",
            types=[options["post_type"], "attachment"],
        )
    ).scalars()
    yield from _unused(options, "meta_", list(known_keys), "wordpress_meta_unknown")
    local = connection.execute(
        _asked(
            f"SELECT COUNT(*) FROM {posts} WHERE post_type = :type AND post_status = 'publish' "
            "AND YEAR(post_date_gmt) = 0",
            type=options["post_type"],
        )
    ).scalar_one()
    if local:
        yield Observation(True, "wordpress_local_dates", (local, options["timezone"]))
    wpml = posts.removesuffix("posts") + "icl_translations"
    if wpml in visible_tables(connection) and wpml not in config.needs:
        yield Observation(False, "wordpress_wpml_found")


def _unused(options: Any, prefix: str, known: list[str], word: str) -> Iterator[Observation]:
    """Names of the configuration that no row knows, each with those that look like it, else all; what nobody asked
    for may be missing."""
    for name, value in options.items():
        if name.startswith(prefix) and value not in known and _DEFAULTS.get(name) != value:
            public = [one for one in known if not one.startswith("_")]
            near = difflib.get_close_matches(value, public, n=3, cutoff=0.5) or public
            yield Observation(False, word, (name.removeprefix(prefix), value, _listed(near)))


# --- TYPO3 -----------------------------------------------------------------------------------------------------


def _typo3(connection: Connection, config: PortalConfig) -> Iterator[Observation]:
    options = config.options
    pages = connection.execute(
        _asked("SELECT uid FROM pages WHERE deleted = 0 AND uid IN :folders", folders=options["folders"])
    ).scalars()
    missing = sorted(set(options["folders"]) - set(pages))
    if missing:
        used = connection.execute(
            text(f"SELECT pid FROM {NEWS} WHERE deleted = 0 GROUP BY pid ORDER BY COUNT(*) DESC")
        ).scalars()
        yield Observation(False, "typo3_no_such_folder", (_listed(missing), _listed(list(used))))
    total, visible = connection.execute(
        _asked(
            f"SELECT COUNT(*), COALESCE(SUM(deleted = 0 AND hidden = 0), 0) FROM {NEWS} WHERE pid IN :folders",
            folders=options["folders"],
        )
    ).one()
    if not visible:
        yield Observation(False, "typo3_none_visible", (_listed(options["folders"]), total))
    for name in ("region_root", "category_root"):
        if name not in options:
            continue
        below = connection.execute(
            _asked("SELECT COUNT(*) FROM sys_category WHERE deleted = 0 AND parent = :root", root=options[name])
        ).scalar_one()
        if not below:
            roots = connection.execute(
                text(
                    "SELECT CONCAT(k.parent, ' (', pk.title, ')') FROM sys_category k JOIN sys_category pk "
                    "ON pk.uid = k.parent WHERE k.deleted = 0 GROUP BY k.parent, pk.title ORDER BY COUNT(*) DESC"
                )
            ).scalars()
            yield Observation(False, "typo3_root_empty", (name, options[name], _listed(list(roots))))


_WHY_EMPTY = frozenset(
    {"wordpress_no_such_type", "wordpress_none_published", "typo3_no_such_folder", "typo3_none_visible"}
)

# --- what would be imported ------------------------------------------------------------------------------------


def _of_reading(reading: Reading) -> Iterator[Observation]:
    shown = [place for place in reading.places if not place.withdrawn]
    if shown:
        yield Observation(True, "portal_first_place", _told(shown[0]))
        yield from _gaps(shown)
    if reading.rejected:
        first = reading.rejected[0]
        yield Observation(False, "portal_rows_rejected", (len(reading.rejected), reading.seen, first.external_id))


def _told(place: Place) -> tuple[object, ...]:
    picture = place.pictures[0] if place.pictures else None
    return (
        place.name,
        place.url,
        f"{place.published_at:%Y-%m-%d %H:%M} UTC",
        ", ".join(place.regions) or "–",
        place.town or "–",
        ", ".join(place.categories) or "–",
        picture.url if picture else "–",
        (picture.alt if picture else "") or "–",
        (picture.credit if picture else "") or "–",
    )


def _gaps(places: Sequence[Place]) -> Iterator[Observation]:
    """What would hold announcements or send them nowhere, counted over all places."""
    kinds: tuple[tuple[str, Callable[[Place], bool]], ...] = (
        ("portal_without_region", lambda place: not place.regions),
        ("portal_without_alt", lambda place: any(not picture.alt for picture in place.pictures)),
        ("portal_without_credit", lambda place: any(not picture.credit for picture in place.pictures)),
    )
    for word, lacks in kinds:
        count = sum(1 for place in places if lacks(place))
        if count:
            yield Observation(True, word, (count, len(places)))
