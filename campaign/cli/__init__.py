"""The command line: the same verbs as the pages. JSON alone goes to standard output, everything else beside it.

One room for each subject; here stands in which order `--help` shows their verbs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import typer

from campaign.cli import (
    announcements,
    brake,
    campaigns,
    channels,
    engagement,
    installation,
    log,
    mailings,
    places,
    portals,
    reports,
    services,
    session,
    templates,
    users,
)
from campaign.cli.exit_codes import DONE, REFUSED, UNREACHABLE, WRONG, told
from campaign.cli.output import err

__all__ = ["DONE", "REFUSED", "UNREACHABLE", "WRONG", "build", "cli", "main"]

cli = typer.Typer(
    help="Kreativorte-Kampagnen: announces newly published places on Facebook and X: once, at their time, or "
    "somebody is told why not.\n\nExit codes: 0 done; 1 something was refused or held; 2 usage or configuration "
    "error; 3 a needed service can't be reached.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
VERBS: tuple[Callable[..., None], ...] = (
    installation.init,
    installation.doctor,
    portals.pull,
    places.places,
    campaigns.plan,
    announcements.announcements,
    brake.stop_all,
    brake.go,
    engagement.measure,
    services.sandbox,
    services.serve,
    reports.report,
)
GROUPS: dict[str, typer.Typer] = {
    "portal": portals.verbs,
    "place": places.verbs,
    "channel": channels.verbs,
    "campaign": campaigns.verbs,
    "announcement": announcements.verbs,
    "template": templates.verbs,
    "log": log.verbs,
    "samples": engagement.samples_verbs,
    "visits": engagement.visits_verbs,
    "user": users.verbs,
    "mailing": mailings.verbs,
}
cli.callback()(session.remember)
for verb in VERBS:
    cli.command()(verb)
for name, verbs in GROUPS.items():
    cli.add_typer(verbs, name=name)


def build(run_daemon: services.RunDaemon, run_demo: services.RunDemo) -> Callable[[], int]:
    """The whole command line as a function that returns an exit code; the entry point hands in daemon and demo."""
    services.add_to(cli, run_daemon, run_demo)
    return main


def main() -> int:
    """Run the command line; every error is one sentence on standard error."""
    if any(_is_no_text(argument) for argument in sys.argv):
        err.print("The arguments are not valid UTF-8 text.")
        return WRONG
    try:
        code = cli(standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        err.print("Abgebrochen.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        ending = told(error)
        if ending is None:
            raise
        err.print(ending[0], markup=False, highlight=False)
        return ending[1]


def _is_no_text(argument: str) -> bool:
    """Whether bytes stood in it that are not UTF-8; Python keeps those as lone surrogates."""
    return any("\ud800" <= character <= "\udfff" for character in argument)
