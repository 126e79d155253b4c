"""`kreativorte mailing`: the reports that go out by e-mail, and what a person decides about them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from campaign.cli.arguments import Json
from campaign.cli.exit_codes import DONE, UNREACHABLE
from campaign.cli.output import emit, err, out
from campaign.cli.session import opened, tell
from campaign.reports import mailing
from campaign.reports.smtp import Ending

WORDS = {Ending.SENT: "mail_tried", Ending.IN_DOUBT: "mail_tried_in_doubt"}
COLUMNS = ("id", "kind", "period", "state", "attempts", "at", "problem")

verbs = typer.Typer(help="Reports by e-mail.", no_args_is_help=True)


@verbs.command("list")
def mailing_list(as_json: Json = False) -> None:
    """List what was sent, and what was not."""
    rows = mailing.listed(opened())
    if as_json:
        emit(rows)
        return
    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in COLUMNS))
    out.print(table)


@verbs.command("settle")
def mailing_settle(
    mailing_id: Annotated[int, typer.Argument(metavar="ID", help="The e-mail's number.")],
    again: Annotated[bool, typer.Option("--again", help="Send it again.")] = False,
    sent: Annotated[bool, typer.Option("--sent", help="It arrived, or nobody needs it any more.")] = False,
) -> None:
    """Decide about an e-mail that was not surely sent."""
    if again == sent:
        raise typer.BadParameter("one of --again and --sent is needed")
    mailing.settle(opened(), mailing_id, again)


@verbs.command("test")
def mailing_test(
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Who gets it.")],
) -> None:
    """Send last week's report to one address.

    So one sees whether the settings are right.
    """
    handed = mailing.send_now(opened(), to)
    word = WORDS.get(handed.ending, "mail_not_tried")
    err.print(tell(word, to, handed.problem), markup=False, highlight=False)
    raise typer.Exit(DONE if handed.ending is Ending.SENT else UNREACHABLE)
