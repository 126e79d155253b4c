"""Measuring as the daemon and people start it: one round at a time over all machines, within the house's budget."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from campaign import store
from campaign.app import App
from campaign.desk import Refusal
from posts import engagement, ledger
from posts.engagement import Measuring, Sampler, Taken
from posts.networks.registry import NETWORKS

LEASE = timedelta(minutes=10)
TICK = "measure"
"""The lease's name."""


def sampler(app: App) -> Sampler:
    """What takes the samples of this house."""
    settings = app.settings
    names = {metric: settings[f"engagement.facebook.{metric}"] for metric in ("views", "viewers", "link_clicks")}
    return Sampler(
        app.database.write,
        app.clock,
        app.accounts().publisher,
        Measuring(
            schedule=settings["engagement.schedule"],
            calls=settings["engagement.calls"],
            budget_usd=settings["engagement.budget"],
            names={"facebook": {metric: name for metric, name in names.items() if name}},
        ),
        lambda connection, gone: _tell(app, connection, gone),
    )


def measure(app: App, worker: str, everything: bool = False) -> Taken | None:
    """One round: what is due, or everything that is out. None while another machine measures."""
    with app.database.write() as connection:
        if not ledger.take_lease(connection, TICK, worker, app.now(connection), LEASE):
            return None
    try:
        return sampler(app).measure(everything)
    finally:
        with app.database.write() as connection:
            ledger.drop_lease(connection, TICK, worker)


def _tell(app: App, connection: Connection, gone: list[int]) -> None:
    """Staff see at the announcement that its post is gone, until somebody says that it is known."""
    now = app.now(connection)
    for row in store.announcement_rows(connection, ids=gone):
        store.set_announcement(connection, row.id, now, problems=[*row.problems, "vanished"])


def measure_by_hand(app: App, everything: bool) -> Taken:
    """`measure` for a person. Raises Refusal while a round is under way."""
    taken = measure(app, f"{app.actor_name} {id(app)}", everything)
    if taken is None:
        raise Refusal("measuring_under_way")
    return taken


def forget(app: App) -> int:
    """Delete the samples that are older than the house keeps them; returns how many."""
    keep: timedelta | None = app.settings["engagement.keep"]
    if keep is None:
        return 0
    with app.database.write() as connection:
        now = app.now(connection)
        return engagement.purge(connection, now - keep, None, now, ledger.DAEMON)


def purge(app: App, before: datetime, network: str | None) -> int:
    """Delete samples for a person, as a network may ask for. Raises Refusal for an unknown network."""
    if network is not None and network not in NETWORKS:
        raise Refusal("network_unknown", network, ", ".join(NETWORKS))
    with app.at_desk() as (connection, at):
        return engagement.purge(connection, before, network, at.now, at.actor)
