"""Tables of the application: places, campaigns, announcements, approvals, comments, persons and their access.

They share the engine's metadata.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from campaign.roles import Role
from posts.tables import BigKey, Instant, metadata

portals = Table(
    "portals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("pulled_at", Instant),
    Column("tried_at", Instant),
    Column("problem", Text),
)

places = Table(
    "places",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("portal", Text, ForeignKey("portals.name"), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("data", JSON, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("missing_polls", Integer, nullable=False, default=0),
    Column("withdrawn", Boolean, nullable=False, default=False),
    Column("held", Boolean, nullable=False, default=False),
    Column("url", Text, nullable=False, server_default=""),
    Column("town", Text, nullable=False, server_default=""),
    # The fingerprint of the portal's row; NULL where the next poll must look at it whatever it says.
    Column("digest", Text),
    # Why the portal no longer shows it, where the CMS can tell.
    Column("gone", Text),
    # The place of another portal that this one is; its own number where a person said that it is one of its own.
    Column("same_as", BigInteger),
    # Since when, by whom and why staff don't announce it; NULL where they do.
    Column("skipped_at", Instant),
    Column("skipped_by", Text),
    Column("skip_reason", Text),
    # The lowest occurrence that counts: raised when it is to be announced once more.
    Column("occurrence", BigInteger, nullable=False, server_default="1"),
    UniqueConstraint("portal", "external_id"),
)

rejected_rows = Table(
    "rejected_rows",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("portal", Text, ForeignKey("portals.name"), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "portal"),
)

channel_regions = Table(
    "channel_regions",
    metadata,
    Column("channel_id", BigInteger, ForeignKey("channels.id"), primary_key=True),
    Column("region", Text, primary_key=True),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("name", Text, primary_key=True),
    Column("definition", JSON, nullable=False),
    Column("paused", Boolean, nullable=False, default=False),
    Column("applied_at", Instant, nullable=False),
    # When a person ended it before its time; nothing is planned any more, whatever its last day says.
    Column("ended_at", Instant),
)

announcements = Table(
    "announcements",
    metadata,
    Column("id", BigInteger, ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
    Column("campaign", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("place_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, ForeignKey("channels.id"), nullable=False),
    Column("occurrence", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_key", Text, nullable=False),
    Column("link", Text),
    Column("images", JSON, nullable=False, default=list),
    Column("picture", Text, nullable=False),
    Column("variant", Integer, nullable=False, default=0),
    Column("template", Text),
    Column("template_revision", Text),
    Column("fingerprint", Text),
    Column("problems", JSON, nullable=False, default=list),
    Column("edited", Boolean, nullable=False, default=False),
    Column("pinned", Boolean, nullable=False, default=False),
    Column("approval", Text, nullable=False),
    Column("editor", Text),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("looked_at", Instant),
    # Why it was cancelled, where that may be taken back: its step then gets another occurrence.
    Column("cancelled_for", Text),
    UniqueConstraint("campaign", "step", "place_id", "channel_id", "occurrence"),
    Index(None, "place_id"),
    Index(None, "text_key"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("announcement_id", BigInteger, ForeignKey("announcements.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

# What people say to each other about an announcement. The log names a comment by its number only: what was said may
# have to be erased one day, and the log keeps everything.
comments = Table(
    "comments",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("announcement_id", BigInteger, ForeignKey("announcements.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "announcement_id"),
)

# What staff made of the post templates. Rows are added and never changed but for `active`; where none of a template's
# revisions is active, the shipped file is.
template_revisions = Table(
    "template_revisions",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("network", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text, nullable=False),
    # As announcements record it: the same text has the same digest.
    Column("digest", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("active", Boolean, nullable=False, default=False),
    UniqueConstraint("network", "name", "number"),
    Index(
        "uq_template_revisions_active",
        "network",
        "name",
        unique=True,
        sqlite_where=text("active"),
        postgresql_where=text("active"),
    ),
)

# Visits of the portal's pages by the mark that our links carry (`utm_content`), from its own web statistics.
visits = Table(
    "visits",
    metadata,
    Column("content", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("visits", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("read_at", Instant, nullable=False),
)

# Reports by e-mail: one row for each period, claimed before the server is called. `queued` is surely not sent and tried
# again from `not_before` on; `in_doubt` was handed over without an answer and is never sent again by itself.
mailings = Table(
    "mailings",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("kind", Text, CheckConstraint("kind IN ('weekly', 'monthly')", name="kind"), nullable=False),
    # The period's first day.
    Column("period", Text, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('sending', 'queued', 'sent', 'failed', 'in_doubt')", name="state"),
        nullable=False,
    ),
    Column("attempts", Integer, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("ended_at", Instant),
    # What the server said, or the addresses that it did not take.
    Column("problem", Text),
    UniqueConstraint("kind", "period"),
)

persons = Table(
    "persons",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)

# --- access to the pages ---------------------------------------------------------------------------------------
# Whoever signs in is a person with a row in `users`. Removing the row takes all access; the person stays in the log.
# Secrets are kept as SHA-256 digests only: they are long and random, so nobody can guess them back.

_ROLES = ", ".join(f"'{role.value}'" for role in Role)

users = Table(
    "users",
    metadata,
    Column("person", Text, ForeignKey("persons.id"), primary_key=True),
    # The name as it is compared when somebody signs in: case and composed letters make no difference.
    Column("sign_in_name", Text, nullable=False, unique=True),
    Column("role", Text, CheckConstraint(f"role IN ({_ROLES})", name="role"), nullable=False),
    Column("email", Text),
    Column("password", Text),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
    Column("signed_in_at", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person", Text, ForeignKey("users.person"), nullable=False),
    Column("agent", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index(None, "person"),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("digest", Text, primary_key=True),
    # Without a person it makes the first administrator.
    Column("person", Text, ForeignKey("users.person")),
    Column("created_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index(None, "person"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("person", Text, ForeignKey("users.person"), nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("used_at", Instant),
    Index(None, "person"),
)

calendar_keys = Table(
    "calendar_keys",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("person", Text, ForeignKey("users.person"), nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "person"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    # A digest: what people type into the field for the name may be their password.
    Column("bucket", Text, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("since", Instant, nullable=False),
    Index(None, "since"),
)
