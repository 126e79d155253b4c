"""Alembic's entry point: one connection, one transaction for the whole upgrade."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

import campaign.tables  # registers the application's tables
from posts.tables import metadata

assert campaign.tables.announcements.metadata is metadata


def run() -> None:
    engine = create_engine(context.config.attributes["url"])
    with engine.begin() as connection:
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
