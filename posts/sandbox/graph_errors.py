"""What the Graph API says when it says no: codes of Meta's error page and of live logs of 2025 and 2026."""

from __future__ import annotations

import json
import secrets
from typing import Any

from posts.sandbox.answers import Declined, Headers, Reply
from posts.sandbox.limits import Quota
from posts.sandbox.state import FACEBOOK

DUPLICATE = "(#506) Duplicate status message"


def error(
    code: int,
    message: str,
    *,
    subcode: int | None = None,
    status: int = 400,
    kind: str = "OAuthException",
    user_title: str = "",
    user_message: str = "",
    transient: bool = False,
) -> Reply:
    """An error as Graph writes it."""
    body: dict[str, Any] = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        body["error_subcode"] = subcode
    if transient:
        body["is_transient"] = True
    if user_title:
        body |= {"error_user_title": user_title, "error_user_msg": user_message}
    body["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
    return Reply(status, {"error": body})


def invalid(message: str, subcode: int | None = None) -> Declined:
    """Code 100: a parameter is wrong."""
    return Declined(error(100, f"(#100) {message}", subcode=subcode))


def no_object(node: str, method: str) -> Declined:
    """Code 100/33: the object is gone or not visible."""
    return Declined(
        error(
            100,
            f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be loaded due to "
            "missing permissions, or does not support this operation.",
            subcode=33,
            kind="GraphMethodException",
        )
    )


def no_permission(message: str) -> Declined:
    """Code 200."""
    return Declined(error(200, f"(#200) {message}", status=403))


def permission_wanted(scope: str) -> Declined:
    """Code 10: reading wants a permission that the token lacks."""
    return Declined(error(10, f"(#10) This endpoint requires the '{scope}' permission", status=403))


class GraphDialect:
    """Facebook's answers to what can go wrong with any call; `version` is the one that is served."""

    network = FACEBOOK

    def __init__(self, version: str) -> None:
        self._version = version

    def refused(self) -> Reply:
        return error(
            100,
            "(#100) Invalid parameter",
            subcode=1404102,
            user_title="Dieser Inhalt ist nicht erlaubt",
            user_message="Der Beitrag widerspricht den Regeln des Netzwerks.",
        )

    def duplicate(self) -> Reply:
        return error(
            506,
            DUPLICATE,
            subcode=1455006,
            user_title="Doppelte Statusmeldung",
            user_message="Diese Statusmeldung gleicht der letzten, die du gepostet hast.",
        )

    def throttled(self, account: str, quota: Quota) -> Reply:
        usage = self._business_usage(account, quota)
        reply = self.throttled_silently()
        return Reply(reply.status, reply.body, {"x-business-use-case-usage": usage})

    def throttled_silently(self) -> Reply:
        return error(
            80001,
            "(#80001) There have been too many calls to this Page account. Wait a bit and try again. For more "
            "info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.",
            subcode=2446079,
            transient=False,
        )

    def expired(self) -> Reply:
        return error(190, "Error validating access token: Session has expired.", subcode=463)

    def no_credits(self, account: str) -> Reply:
        return error(10, "(#10) Application does not have permission for this action", status=403)

    def broken(self) -> Reply:
        return error(
            2,
            "An unexpected error has occurred. Please retry your request later.",
            status=500,
            transient=True,
        )

    def headers(self, account: str, quota: Quota | None) -> Headers:
        usual = {
            "facebook-api-version": self._version,
            "x-fb-trace-id": secrets.token_urlsafe(8),
            "x-fb-request-id": secrets.token_urlsafe(16),
        }
        if quota is None:
            return usual
        percent = _percent(quota)
        return usual | {
            "x-app-usage": json.dumps(
                {"call_count": percent, "total_time": percent // 2, "total_cputime": percent // 3},
            )
        }

    def _business_usage(self, account: str, quota: Quota) -> str:
        return json.dumps(
            {
                account: [
                    {
                        "type": "pages",
                        "call_count": 100,
                        "total_cputime": 25,
                        "total_time": 25,
                        "estimated_time_to_regain_access": max(1, round(quota.wait.total_seconds() / 60)),
                    }
                ]
            }
        )


def _percent(quota: Quota) -> int:
    return 100 if quota.limit == 0 else min(100, 100 * quota.used // quota.limit)
