"""The way of one e-mail to the server that takes it on, and what is known afterwards.

Whatever is not a known success or a known refusal is a doubt: a message whose text was handed over and never answered
may be in everybody's post, so it is not sent again.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from enum import Enum

PERMANENT = 500
"""Answers from here on are meant for good (RFC 5321, section 4.2.1)."""
TROUBLE_LENGTH = 200


class Ending(Enum):
    """How handing over a message ended."""

    SENT = "sent"
    NOT_SENT = "not_sent"
    """Surely not; later it may work."""
    REFUSED = "refused"
    """Surely not, and the server means it."""
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True)
class Handed:
    """How it ended, and what the server said or the addresses that it did not take; never a password."""

    ending: Ending
    problem: str = ""


@dataclass(frozen=True)
class Mailbox:
    """The server and how it is spoken to; `timeout` in seconds for each answer. `security` as in the settings."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    timeout: float


def hand_over(box: Mailbox, sender: str, recipients: Sequence[str], message: EmailMessage) -> Handed:
    """Give the message to the server for all recipients at once. Raises nothing that a server or network can cause."""
    text = message.as_bytes(policy=SMTP)
    try:
        with _connected(box) as server:
            refused = _envelope(server, sender, recipients)
            if len(refused) == len(recipients):
                return Handed(Ending.REFUSED, _listed(refused))
            return _data(server, text, refused)
    except smtplib.SMTPResponseException as error:
        return Handed(_meant(error.smtp_code), _said(error))
    except (OSError, UnicodeError, smtplib.SMTPException) as error:
        return Handed(Ending.NOT_SENT, _said(error))


@contextlib.contextmanager
def _connected(box: Mailbox) -> Iterator[smtplib.SMTP]:
    """A connection that is secured and signed in as the settings want it; certificates are verified."""
    context = ssl.create_default_context()
    if box.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(box.host, box.port, timeout=box.timeout, context=context)
    else:
        server = smtplib.SMTP(box.host, box.port, timeout=box.timeout)
    try:
        if box.security == "starttls":
            server.starttls(context=context)
        server.ehlo_or_helo_if_needed()
        if box.user:
            server.login(box.user, box.password)
        yield server
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
        server.close()


def _envelope(server: smtplib.SMTP, sender: str, recipients: Sequence[str]) -> dict[str, int]:
    """Name sender and recipients; returns the recipients that are not taken, with the server's code."""
    code, words = server.mail(sender)
    if code >= 300:
        raise smtplib.SMTPSenderRefused(code, words, sender)
    refused = {}
    for recipient in recipients:
        code, words = server.rcpt(recipient)
        if code >= 300:
            refused[recipient] = code
    if len(refused) == len(recipients) and max(refused.values()) < PERMANENT:
        raise smtplib.SMTPResponseException(code, words)
    return refused


def _data(server: smtplib.SMTP, text: bytes, refused: dict[str, int]) -> Handed:
    """The text itself: the only call after which a lost answer means doubt."""
    try:
        code, words = server.data(text)
    except smtplib.SMTPDataError:
        raise
    except (OSError, smtplib.SMTPException) as error:
        return Handed(Ending.IN_DOUBT, _said(error))
    if code >= 300:
        raise smtplib.SMTPResponseException(code, words)
    return Handed(Ending.SENT, _listed(refused))


def _meant(code: int) -> Ending:
    return Ending.REFUSED if code >= PERMANENT else Ending.NOT_SENT


def _listed(refused: dict[str, int]) -> str:
    return ", ".join(f"{address} ({code})" for address, code in refused.items())


def _said(error: Exception) -> str:
    """The trouble on one line: a server's words may be anything."""
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        told = f"{error.smtp_code} {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}"
    elif isinstance(error, ssl.SSLCertVerificationError):
        told = f"TLS: {error.verify_message}"
    else:
        told = str(error) or type(error).__name__
    return " ".join("".join(sign if sign.isprintable() else " " for sign in told).split())[:TROUBLE_LENGTH]
