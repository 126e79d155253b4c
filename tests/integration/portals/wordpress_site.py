"""A WordPress site's tables, with the columns that it has, filled as its own functions fill them.

Column names are those of WordPress 6; the definitions are ours.
"""

from __future__ import annotations

from typing import Any

from tests.integration.portals.mariadb import Cms

TABLES = ("posts", "postmeta", "terms", "term_taxonomy", "term_relationships")
ZERO = "0000-00-00 00:00:00"
_POSTS = """CREATE TABLE {prefix}posts (
 ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, post_author bigint unsigned NOT NULL DEFAULT 0,
 post_date datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
 post_date_gmt datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
 post_content longtext NOT NULL DEFAULT '', post_title text NOT NULL DEFAULT '', post_excerpt text NOT NULL DEFAULT '',
 post_status varchar(20) NOT NULL DEFAULT 'publish', post_password varchar(255) NOT NULL DEFAULT '',
 post_name varchar(200) NOT NULL DEFAULT '', post_modified_gmt datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
 post_parent bigint unsigned NOT NULL DEFAULT 0, guid varchar(255) NOT NULL DEFAULT '',
 post_type varchar(20) NOT NULL DEFAULT 'post', post_mime_type varchar(100) NOT NULL DEFAULT '',
 KEY type_status_date (post_type, post_status, post_date, ID), KEY post_name (post_name(191)))"""
_OTHERS = (
    """CREATE TABLE {prefix}postmeta (meta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
 post_id bigint unsigned NOT NULL DEFAULT 0, meta_key varchar(255), meta_value longtext,
 KEY post_id (post_id), KEY meta_key (meta_key(191)))""",
    """CREATE TABLE {prefix}terms (term_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
 name varchar(200) NOT NULL, slug varchar(200) NOT NULL)""",
    """CREATE TABLE {prefix}term_taxonomy (term_taxonomy_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
 term_id bigint unsigned NOT NULL, taxonomy varchar(32) NOT NULL, parent bigint unsigned NOT NULL DEFAULT 0,
 UNIQUE KEY term_id_taxonomy (term_id, taxonomy), KEY taxonomy (taxonomy))""",
    """CREATE TABLE {prefix}term_relationships (object_id bigint unsigned NOT NULL,
 term_taxonomy_id bigint unsigned NOT NULL, PRIMARY KEY (object_id, term_taxonomy_id))""",
    """CREATE TABLE {prefix}options (option_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
 option_name varchar(191) NOT NULL, option_value longtext NOT NULL)""",
    """CREATE TABLE {prefix}users (ID bigint unsigned NOT NULL PRIMARY KEY, user_pass varchar(255) NOT NULL)""",
)


class WordPress:
    """A site with the post type `kreativort` and the taxonomies `region` and `kategorie`."""

    def __init__(self, cms: Cms, prefix: str = "wp_") -> None:
        self.cms, self.prefix = cms, prefix
        cms.run(*(statement.format(prefix=prefix) for statement in (_POSTS, *_OTHERS)))
        self.grant(*TABLES)
        self._next = 100
        self._terms: dict[tuple[str, str], int] = {}

    def grant(self, *tables: str) -> None:
        """Let the portal's account select from these tables."""
        self.cms.grant(*(self.prefix + table for table in tables))

    @property
    def settings(self) -> dict[str, Any]:
        """The block that an administrator writes."""
        return {
            "preset": "wordpress",
            "url": self.cms.url,
            "site_url": "https://kreativorte.example",
            "path": "orte",
            "post_type": "kreativort",
        }

    def post(self, title: str, **columns: Any) -> int:
        """A published post; its number."""
        self._next += 1
        values = {
            "ID": self._next,
            "post_title": title,
            "post_name": f"ort-{self._next}",
            "post_type": "kreativort",
            "post_date": "2026-07-01 10:00:00",
            "post_date_gmt": "2026-07-01 08:00:00",
            "post_modified_gmt": "2026-07-01 08:00:00",
        }
        self.cms.insert(f"{self.prefix}posts", **values | columns)
        return self._next

    def update(self, post: int, **columns: Any) -> None:
        """Change columns of a post, as an import does: nothing else moves."""
        pairs = ", ".join(f"{name} = %({name})s" for name in columns)
        self.cms.run(f"UPDATE {self.prefix}posts SET {pairs} WHERE ID = {post}", **columns)

    def meta(self, post: int, **values: str) -> None:
        """Further meta rows of a post; keys need not be new."""
        for key, value in values.items():
            self.cms.insert(f"{self.prefix}postmeta", post_id=post, meta_key=key, meta_value=value)

    def picture(self, post: int, file: str, **columns: Any) -> int:
        """An uploaded picture, set as the post's featured image; its number."""
        number = self.post(
            "Bild", post_type="attachment", post_status="inherit", post_mime_type="image/jpeg", **columns
        )
        self.meta(number, _wp_attached_file=file)
        self.meta(post, _thumbnail_id=str(number))
        return number

    def term(self, post: int, taxonomy: str, name: str, slug: str = "") -> None:
        """Put the post under a term, made where it is not there; names are stored escaped."""
        if (taxonomy, name) not in self._terms:
            number = len(self._terms) + 1
            self.cms.insert(f"{self.prefix}terms", term_id=number, name=name, slug=slug or f"t{number}")
            self.cms.insert(f"{self.prefix}term_taxonomy", term_taxonomy_id=number, term_id=number, taxonomy=taxonomy)
            self._terms[taxonomy, name] = number
        number = self._terms[taxonomy, name]
        self.cms.insert(f"{self.prefix}term_relationships", object_id=post, term_taxonomy_id=number)
