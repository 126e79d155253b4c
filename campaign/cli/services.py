"""What runs until it is ended: daemon, pages, sandbox networks, demonstration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from campaign import web
from campaign.app import App
from campaign.cli.output import err
from campaign.cli.session import opened, settings
from campaign.settings import SettingsError
from posts.sandbox.server import serve as serve_sandbox

LONGEST_IDLE = 10 * 365 * 86400

RunDaemon = Callable[[App, float | None], int]
RunDemo = Callable[[int | None, bool], int]


def sandbox(
    port: Annotated[int | None, typer.Option("--port", help="Another port than the configured one.")] = None,
) -> None:
    """Run the sandbox networks.

    Their time-line page is at the address shown.
    """
    at = settings()
    host, _, configured = at["sandbox.url"].rpartition("//")[2].partition(":")
    chosen = port or int(configured or 80)
    err.print(f"Sandkasten: http://{host}:{chosen}/ (Strg+C beendet)")
    serve_sandbox(host, chosen, at.path("sandbox.state"))


def serve(
    host: Annotated[str, typer.Option("--host", help="Where the pages listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.", min=0, max=65535)] = web.PORT,
) -> None:
    """Run the web pages.

    The first start prints a one-time link by which the first administrator is made.
    """
    app = opened()
    at = web.listener(app, host, port)
    address = web.address_of(app, host, at.getsockname()[1])
    err.print(f"Seiten: {address}/ (Strg+C beendet)", markup=False, highlight=False)
    link = app.access.first_link()
    if link is not None:
        err.print(
            f"Noch gibt es keinen Zugang. Dieser Link legt den ersten an, einmal: {address}/zugang/{link}",
            markup=False,
            highlight=False,
        )
    web.serve(app, at)


def add_to(cli: typer.Typer, run_daemon: RunDaemon, run_demo: RunDemo) -> None:
    """Add the verbs that the entry point gives their work."""

    @cli.command()
    def daemon(
        until_idle: Annotated[
            float | None,
            typer.Option("--until-idle", metavar="SECONDS", help="End once nothing is due within that many seconds."),
        ] = None,
    ) -> None:
        """Run the daemon in the foreground.

        It pulls, plans, posts on time and settles doubts. SIGTERM ends it cleanly.
        """
        if until_idle is not None and not 0 <= until_idle <= LONGEST_IDLE:
            raise SettingsError(f"--until-idle takes seconds from 0 to {LONGEST_IDLE}.")
        raise typer.Exit(run_daemon(opened(), until_idle))

    @cli.command()
    def demo(
        port: Annotated[int | None, typer.Option("--port", help="Port of the sandbox; default a free one.")] = None,
        no_serve: Annotated[
            bool, typer.Option("--no-serve", help="End after the log instead of showing the pages.")
        ] = False,
    ) -> None:
        """Show the whole way on sandbox networks.

        Pull, plan, calendar, real posting, log, pages; nothing of it is public.
        """
        raise typer.Exit(run_demo(port, not no_serve))
