"""How a command ends: its exit code, and the sentence for an error that a person can do something about."""

from __future__ import annotations

from campaign.app import OutOfRhythm
from campaign.campaigns import CampaignError
from campaign.cli.session import said, tell
from campaign.db import DatabaseUnreachable, SecondDaemon
from campaign.news import problem_of_file, refusal, sentence
from campaign.portals.portal import PortalError, PortalUnreachable
from campaign.settings import SettingsError
from posts.accounts import KeyProblem
from posts.errors import Explained, Outcome, SignedOut, Unreachable
from posts.sandbox.server import SandboxUnusable
from posts.sandbox.state import StateFileUnusable

DONE, REFUSED, WRONG, UNREACHABLE = 0, 1, 2, 3


def told(error: Exception) -> tuple[str, int] | None:
    """The sentence and exit code for an error that a person can do something about; None for our own faults."""
    if hasattr(error, "format_message"):  # click's usage errors
        return f"Fehler: {error.format_message()}", WRONG
    if isinstance(error, CampaignError):
        return "\n".join(problem_of_file(one, said.language) for one in error.problems), WRONG
    if isinstance(error, PortalUnreachable | DatabaseUnreachable | Unreachable | SandboxUnusable):
        text = sentence(error.reason, said.language) if isinstance(error, Unreachable) else str(error)
        return text, UNREACHABLE
    if isinstance(error, SettingsError | PortalError | SecondDaemon | StateFileUnusable):
        return str(error), WRONG
    if isinstance(error, OutOfRhythm):
        return f"{refusal(error, said.language)} {tell('insist')}", REFUSED
    if isinstance(error, Explained):
        return refusal(error, said.language), WRONG if isinstance(error, KeyProblem) else REFUSED
    if isinstance(error, Outcome):
        return sentence(error.reason, said.language), UNREACHABLE if isinstance(error, SignedOut) else REFUSED
    return None
