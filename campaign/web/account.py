"""Mein Zugang: one's own password, and tokens for programs."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from campaign.access import NotAdmitted, User
from campaign.news import refusal as told_refusal
from campaign.web.door import Here, Visitor, address_of, set_cookie
from campaign.web.language import N_
from campaign.web.page import answer_change, back, render

routes = APIRouter()
Field = Annotated[str, Form(max_length=2000)]
SCOPES = {
    "read": N_("Lesen"),
    "write": N_("Lesen und ändern, was die Rolle erlaubt"),
    "metrics": N_("nur Kennzahlen für die Überwachung"),
}
LASTS = {"90": N_("90 Tage"), "365": N_("ein Jahr"), "": N_("bis zum Widerruf")}


def _user(visitor: Visitor) -> User:
    if visitor.user is None:
        raise RuntimeError("the table of rules lets only users in")
    return visitor.user


def _shown(request: Request, visitor: Visitor, status: int = 200, **more: str) -> Response:
    tokens = visitor.app.access.tokens(_user(visitor).name)
    told = {"password_problem": "", "token_problem": "", "secret": "", "label": ""} | more
    return render(request, "account.html", status, tokens=tokens, scopes=SCOPES, lasts=LASTS, **told)


@routes.get("/konto")
def account(request: Request, visitor: Here) -> Response:
    """The page."""
    return _shown(request, visitor)


@routes.post("/konto/passwort")
def change_password(
    request: Request, visitor: Here, old: Field = "", password: Field = "", again: Field = ""
) -> Response:
    """A new password; the present one proves who asks."""
    user, access = _user(visitor), visitor.app.access
    try:
        if password != again:
            raise NotAdmitted("passwords_differ")
        access.change_password(user.name, old, password, address_of(request))
    except NotAdmitted as refusal:
        return _shown(request, visitor, 422, password_problem=told_refusal(refusal, visitor.language))
    secret = access.open_session(user.person, request.headers.get("user-agent", ""))
    response = back(request, "/konto")
    set_cookie(request, response, "session", secret)
    return response


@routes.post("/konto/schluessel")
def make_token(
    request: Request,
    visitor: Here,
    label: Field = "",
    scope: Annotated[str, Form(max_length=20)] = "read",
    days: Annotated[str, Form(pattern=r"^(90|365)?$")] = "90",
) -> Response:
    """A new token; its secret is shown once."""
    user = _user(visitor)
    scopes = ["read", "write"] if scope == "write" else [scope]
    try:
        secret = visitor.app.access.make_token(user.name, user.name, label, scopes, _end(visitor, days))
    except NotAdmitted as refusal:
        problem = told_refusal(refusal, visitor.language)
        return _shown(request, visitor, 422, token_problem=problem, label=label)
    return _shown(request, visitor, secret=secret, label=" ".join(label.split()))


def _end(visitor: Visitor, days: str) -> datetime | None:
    """The end of that day in the house's zone."""
    if not days:
        return None
    day = visitor.app.today() + timedelta(days=int(days) + 1)
    return datetime.combine(day, time(), visitor.app.settings.zone)


@routes.post("/konto/schluessel/widerrufen")
def revoke_token(request: Request, visitor: Here, label: Field = "") -> Response:
    """The token is worth nothing from now on."""
    name = _user(visitor).name
    return answer_change(
        request, "/konto", "schluessel", lambda: visitor.app.access.revoke_token(name, name, label), N_("Widerrufen.")
    )
