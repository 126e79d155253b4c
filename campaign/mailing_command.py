"""`kreativorte mailing`: the reports that go out by e-mail, and what a person decides about them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from campaign.app import App
from campaign.news import advice
from campaign.reports import mailing
from campaign.reports.smtp import Ending

WORDS = {Ending.SENT: "mail_tried", Ending.IN_DOUBT: "mail_tried_in_doubt"}
COLUMNS = ("id", "kind", "period", "state", "attempts", "at", "problem")


def add_to(cli: typer.Typer, opened: Callable[[], App]) -> None:
    """Add the commands; `opened` gives the application that the options before the verb named."""
    verbs = typer.Typer(help="Reports by e-mail.", no_args_is_help=True)
    cli.add_typer(verbs, name="mailing")

    @verbs.command("list")
    def list_mailings(
        as_json: Annotated[
            bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")
        ] = False,
    ) -> None:
        """List what was sent, and what was not."""
        rows = mailing.listed(opened())
        if as_json:
            sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
            return
        table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*("" if row[name] is None else str(row[name]) for name in COLUMNS))
        Console(soft_wrap=True).print(table)

    @verbs.command()
    def settle(
        mailing_id: Annotated[int, typer.Argument(metavar="ID")],
        again: Annotated[bool, typer.Option("--again", help="Send it again.")] = False,
        sent: Annotated[bool, typer.Option("--sent", help="It arrived, or nobody needs it any more.")] = False,
    ) -> None:
        """Decide about an e-mail that failed, or of which nobody knows whether it was sent."""
        if again == sent:
            raise typer.BadParameter("one of --again and --sent is needed")
        mailing.settle(opened(), mailing_id, again)

    @verbs.command()
    def test(
        to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Who gets it.")],
    ) -> None:
        """Send last week's report to one address, to see whether the settings are right."""
        app = opened()
        handed = mailing.send_now(app, to)
        word = WORDS.get(handed.ending, "mail_not_tried")
        Console(soft_wrap=True, stderr=True).print(
            advice(app.settings["language"], word, to, handed.problem), markup=False, highlight=False
        )
        raise typer.Exit(0 if handed.ending is Ending.SENT else 3)
