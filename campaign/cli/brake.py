"""The emergency brake."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from campaign.cli.output import err, out
from campaign.cli.session import opened, tell


def stop_all(reason: Annotated[str, typer.Option("--reason", help="Why, for the log.")] = "") -> None:
    """Pull the emergency brake on all channels.

    The brake takes hold at once. Then this waits for calls that were under way, at most as long as one may last. Once
    it returns, no new post begins, but for those that it names as not ended (code 1). `kreativorte go` releases it.
    """
    app = opened()
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True, disable=not err.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)
        app.stop_all(reason, progress=lambda count: bar.update(task, description=tell("calls_end", count)))
    out.print("Die Notbremse ist gezogen: nichts geht mehr hinaus. `kreativorte go` löst sie.")


def go() -> None:
    """Release the emergency brake."""
    opened().set_brake(False)
    out.print("Die Notbremse ist gelöst.")
