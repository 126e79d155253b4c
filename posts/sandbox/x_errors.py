"""What X says when it says no. Wording and shapes as seen live in 2026 or documented on docs.x.com."""

from __future__ import annotations

import secrets
from typing import Any

from posts.sandbox.answers import Declined, Headers, Reply
from posts.sandbox.limits import Quota
from posts.sandbox.state import TWITTER

_PROBLEMS = "https://api.x.com/2/problems/"
NOT_PERMITTED = "You are not permitted to perform this action."
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."


def forbidden(detail: str) -> Reply:
    """403; X gives most of its refusals without a type of their own."""
    return Reply(403, {"detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403})


def unauthorized() -> Reply:
    """401."""
    return Reply(401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"})


def invalid(parameter: str, value: Any, message: str) -> Declined:
    """400 for one parameter."""
    return Declined(
        Reply(
            400,
            {
                "errors": [{"parameters": {parameter: [str(value)]}, "message": message}],
                "title": "Invalid Request",
                "detail": "One or more parameters to your request was invalid.",
                "type": _PROBLEMS + "invalid-request",
            },
        )
    )


def not_found(kind: str, parameter: str, value: str) -> dict[str, Any]:
    """A part of `errors`: no such object."""
    return {
        "value": value,
        "detail": f"Could not find {kind} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": _PROBLEMS + "resource-not-found",
    }


def field_not_allowed(post_id: str, field: str) -> dict[str, Any]:
    """A part of `errors`: private metrics of somebody else or of an old post."""
    return {
        "resource_id": post_id,
        "parameter": field,
        "resource_type": "tweet",
        "section": "data",
        "title": "Field Authorization Error",
        "value": post_id,
        "detail": f"Sorry, you are not authorized to access '{field}' on the Tweet with id : [{post_id}].",
        "type": _PROBLEMS + "not-authorized-for-field",
    }


class XDialect:
    """X's answers to what can go wrong with any call."""

    network = TWITTER

    def refused(self) -> Reply:
        return forbidden(NOT_PERMITTED)

    def duplicate(self) -> Reply:
        return forbidden(DUPLICATE)

    def throttled(self, account: str, quota: Quota) -> Reply:
        return self.throttled_silently()

    def throttled_silently(self) -> Reply:
        return Reply(
            429,
            {
                "title": "Too Many Requests",
                "detail": "Too Many Requests",
                "type": "about:blank",
                "status": 429,
            },
        )

    def expired(self) -> Reply:
        return unauthorized()

    def no_credits(self, account: str) -> Reply:
        return Reply(
            402,
            {
                "account_id": int(account) if account.isdigit() else 0,
                "title": "CreditsDepleted",
                "detail": f"Your enrolled account [{account}] does not have any credits to fulfill this request.",
                "type": _PROBLEMS + "credits",
            },
        )

    def broken(self) -> Reply:
        return Reply(
            503,
            {
                "title": "Service Unavailable",
                "detail": "Service Unavailable",
                "type": "about:blank",
                "status": 503,
            },
        )

    def headers(self, account: str, quota: Quota | None) -> Headers:
        usual = {
            "x-transaction-id": secrets.token_hex(8),
            "x-access-level": "read-write",
            "api-version": "2.167",
        }
        if quota is None:
            return usual
        return usual | {
            "x-rate-limit-limit": str(quota.limit),
            "x-rate-limit-remaining": str(quota.remaining),
            "x-rate-limit-reset": str(int(quota.reset.timestamp())),
        }
