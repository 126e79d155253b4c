"""Outcomes of a send other than success. Whatever is none of the known ones is `Unclear`.

`reason` is a short stable word (the key of the advice that a person reads, see campaign/news/);
`detail` is the network's own text for the log, already free of tokens.
"""

from __future__ import annotations

from datetime import datetime


class Outcome(Exception):
    """Base of all outcomes that are not a success."""

    def __init__(self, reason: str, detail: str = "", *, server_time: datetime | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.server_time = server_time


class Refused(Outcome):
    """The network said no to this post; nothing was published and trying again as it is won't help."""


class Throttled(Outcome):
    """The network said later; nothing was published.

    `until` is the instant it named, None where it named none. `scope` is "post" when only this one must
    wait (a picture that is throttled, a link not yet scraped), "channel" when all posts of the account must.
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        *,
        until: datetime | None = None,
        scope: str = "channel",
        server_time: datetime | None = None,
    ) -> None:
        super().__init__(reason, detail, server_time=server_time)
        self.until = until
        self.scope = scope


class Unreachable(Outcome):
    """The request never left this machine (name not resolved, connection refused); nothing was published."""


class SignedOut(Outcome):
    """The account is unusable until a person acts (token dead, permission missing, no credits); nothing went out."""


class Unclear(Outcome):
    """Nobody knows whether the post was published. It must be looked for, never sent again blindly.

    `duplicate` is True when the network refused the post as a repetition: evidence that an earlier
    attempt landed (X: 403 "duplicate content"; Facebook: code 506).
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        *,
        duplicate: bool = False,
        server_time: datetime | None = None,
    ) -> None:
        super().__init__(reason, detail, server_time=server_time)
        self.duplicate = duplicate


class Explained(Exception):
    """Something can't be done; a short word and its details say why. Whoever shows it to a person words it, in the
    person's language; as a text it is for developers."""

    def __init__(self, word: str, *details: object) -> None:
        super().__init__(": ".join(map(str, (word, *details))))
        self.word = word
        self.details = details
