"""Reports by e-mail: each week's and each month's once, with a summary in words and the PDF attached.

A period is claimed in the database before the server is called, and how it ended is recorded afterwards. Whoever dies
in between leaves a claim that `doctor` tells of: it is not sent again unless a person says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from campaign import reports, store
from campaign.app import App, templates_directory
from campaign.desk import Refusal
from campaign.reports import wording
from campaign.reports.captions import caption
from campaign.reports.document import document
from campaign.reports.formats import Formats
from campaign.reports.smtp import Ending, Handed, Mailbox, hand_over
from campaign.reports.values import SUMMED, Report
from campaign.settings import MAIL_ADDRESS
from posts import ledger

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
TICK = "mail"
"""The lease's name."""
RETRIES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6), timedelta(hours=12))
"""How long to wait after each attempt that surely sent nothing; after the last one a person is told."""
WEEK = timedelta(days=7)
STATES = {
    Ending.SENT: "sent",
    Ending.NOT_SENT: "queued",
    Ending.REFUSED: "failed",
    Ending.IN_DOUBT: "in_doubt",
}


@dataclass(frozen=True)
class Issue:
    """One e-mail that is due: the week before or the month before, both days included."""

    kind: str
    first: date
    last: date


def due_issues(app: App, now: datetime) -> Iterator[Issue]:
    """The newest week and the newest month whose e-mail is due: on Mondays and on the first, at the hour of the
    settings. One that was due while no daemon ran is still due until the next takes its place."""
    local = now.astimezone(app.settings.zone)
    today = local.date() if local.time() >= app.settings["reports.at"] else local.date() - timedelta(days=1)
    if "weekly" in app.settings["reports.every"]:
        monday = today - timedelta(days=today.weekday())
        yield Issue("weekly", monday - WEEK, monday - timedelta(days=1))
    if "monthly" in app.settings["reports.every"]:
        last = today.replace(day=1) - timedelta(days=1)
        yield Issue("monthly", last.replace(day=1), last)


def wanted(app: App) -> bool:
    """Whether the settings ask for e-mails at all."""
    return bool(app.settings["mail.host"] and app.settings["reports.recipients"])


def send_due(app: App, worker: str) -> list[Handed]:
    """Send what is due and not sent yet, one machine at a time."""
    with app.database.read() as connection:
        now = app.now(connection)
        open_issues = [
            one for one in due_issues(app, now) if store.mailing_open(connection, one.kind, str(one.first), now)
        ]
    if not open_issues:
        return []
    with app.database.write() as connection:
        if not ledger.take_lease(connection, TICK, worker, app.now(connection), LEASE):
            return []
    try:
        return [handed for issue in open_issues if (handed := _send(app, issue)) is not None]
    finally:
        with app.database.write() as connection:
            ledger.drop_lease(connection, TICK, worker)


def _send(app: App, issue: Issue) -> Handed | None:
    """One issue: made, claimed, handed over, recorded; None where somebody else claimed it meanwhile."""
    box = mailbox(app)
    message = compose(app, issue)
    with app.database.write() as connection:
        claim = store.claim_mailing(connection, issue.kind, str(issue.first), app.now(connection))
    if claim is None:
        return None
    handed = hand_over(box, _sender(app)[1], app.settings["reports.recipients"], message)
    _record(app, claim, handed)
    return handed


def _record(app: App, claim: store.Claim, handed: Handed) -> None:
    state, not_before = STATES[handed.ending], None
    with app.database.write() as connection:
        now = app.now(connection)
        if state == "queued" and claim.attempt > len(RETRIES):
            state = "failed"
        elif state == "queued":
            not_before = now + RETRIES[claim.attempt - 1]
        store.end_mailing(connection, claim, state, now, not_before, handed.problem)
    if state != "sent":
        logger.warning("the report by e-mail was not sent (%s): %s", state, handed.problem)


def send_now(app: App, recipient: str) -> Handed:
    """The newest week's report to one address, to see whether it works; nothing is claimed by it. Raises Refusal where
    no server is set, or for what is no address."""
    if not app.settings["mail.host"]:
        raise Refusal("mail_not_set_up")
    if not MAIL_ADDRESS.fullmatch(recipient):
        raise Refusal("mail_address_invalid", recipient)
    today = app.today()
    monday = today - timedelta(days=today.weekday())
    message = compose(app, Issue("weekly", monday - WEEK, monday - timedelta(days=1)))
    return hand_over(mailbox(app), _sender(app)[1], [recipient], message)


def settle(app: App, mailing_id: int, again: bool) -> None:
    """A person's word on an e-mail that failed or is in doubt. Raises Refusal where nothing is to be decided."""
    with app.database.write() as connection:
        now = app.now(connection)
        if not store.settle_mailing(
            connection, mailing_id, "queued" if again else "sent", now, now - store.MAILING_TAKES
        ):
            raise Refusal("mailing_waits_for_nobody", mailing_id)


def listed(app: App) -> list[dict[str, Any]]:
    """All e-mails, the newest period first."""
    zone = app.settings.zone
    with app.database.read() as connection:
        rows = store.mailing_rows(connection)
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "period": row.period,
            "state": row.state,
            "attempts": row.attempts,
            "at": (row.ended_at or row.claimed_at).astimezone(zone).isoformat(),
            "problem": row.problem,
        }
        for row in rows
    ]


def mailbox(app: App) -> Mailbox:
    """The server as the settings name it. Raises Refusal where the password's file can't be read."""
    settings = app.settings
    password = settings["mail.password"]
    if settings["mail.password_file"]:
        file = settings.path("mail.password_file")
        try:
            password = file.read_text(encoding="utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError):
            raise Refusal("mail_password_unreadable", file) from None
    return Mailbox(
        settings["mail.host"],
        settings["mail.port"],
        settings["mail.security"],
        settings["mail.user"],
        password,
        settings["mail.timeout"].total_seconds(),
    )


# --- the message -------------------------------------------------------------------------------------------------


def compose(app: App, issue: Issue) -> EmailMessage:
    """The e-mail about one period: words, figures, and the whole report as PDF."""
    language = app.settings["reports.language"] or app.settings["language"]
    speaking = app.acting_as(app.actor_name, language)
    selection = reports.selection_of(speaking, {"from": str(issue.first), "to": str(issue.last)})
    report = reports.report(speaking, selection)
    shown = _shown(app, report, issue, language)
    message = EmailMessage()
    message["Subject"] = shown["subject"]
    message["From"] = app.settings["mail.from"]
    # The recipients stand in the envelope alone: they need not know of each other.
    message["To"] = "undisclosed-recipients:;"
    message["Date"] = format_datetime(report.made_at)
    message["Message-ID"] = make_msgid(issue.kind, domain=_sender(app)[1].partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = language
    message.set_content(_rendered("report.txt", shown), cte="quoted-printable")
    message.add_alternative(_rendered("report.html", shown), subtype="html", cte="quoted-printable")
    message.add_attachment(
        document(report, language, reports.log_extract(app)),
        maintype="application",
        subtype="pdf",
        filename=f"kreativorte-{issue.first}-{issue.last}.pdf",
    )
    return message


def _shown(app: App, report: Report, issue: Issue, language: str) -> dict[str, Any]:
    """What the templates of the message may use."""
    formats = Formats(language, report.zone)
    period = formats.period(issue.first, issue.last)
    sandbox = report.selection.world == "sandbox"
    subject = f"{caption(language, 'portal')}: {caption(language, issue.kind, period)}"
    address = app.settings["web.address"]
    return {
        "language": language,
        "subject": f"{subject} – {caption(language, 'sandbox_short')}" if sandbox else subject,
        "title": caption(language, issue.kind, period),
        "warning": caption(language, "sandbox") if sandbox else "",
        "summary": wording.summary(report, language),
        "figures_title": caption(language, "key_figures"),
        "figures": [
            (wording.metric_name("posts", language), formats.number(report.totals.posts)),
            *((wording.metric_name(name, language), formats.number(report.totals.metrics[name])) for name in SUMMED),
            (wording.metric_name("engagement_rate", language), formats.rate(report.totals.engagement_rate)),
        ],
        "notes_title": caption(language, "notes"),
        "notes": [wording.note(code, language) for code in report.notes],
        "attached": caption(language, "attached"),
        "online": caption(language, "online") if address else "",
        "address": f"{address}/auswertung?from={issue.first}&to={issue.last}" if address else "",
        "sampled": f"{caption(language, 'sampled_at')}: {formats.instant(report.sampled_at)} ({report.zone})",
        "automatic": caption(language, "automatic"),
    }


def _rendered(name: str, shown: dict[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(templates_directory() / "mail"),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(shown)


def _sender(app: App) -> tuple[str, str]:
    return parseaddr(app.settings["mail.from"])
