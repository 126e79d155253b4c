"""Signing in and out, setting a password by a one-time link, choosing a language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from campaign.access import NotAdmitted
from campaign.news import refusal as told_refusal
from campaign.web.door import (
    LANGUAGE_LASTS,
    Here,
    address_of,
    cookie_name,
    drop_cookie,
    own_path,
    set_cookie,
)
from campaign.web.language import LANGUAGES
from campaign.web.page import back, render

routes = APIRouter()
Field = Annotated[str, Form(max_length=2000)]


@routes.get("/")
def start(request: Request) -> Response:
    """The first page."""
    return RedirectResponse("/heute", 303)


@routes.get("/anmelden")
def sign_in_page(request: Request, visitor: Here, weiter: str = "/heute") -> Response:
    """The form; whoever is signed in goes on."""
    if visitor.user is not None:
        return RedirectResponse(own_path(weiter, "/heute"), 303)
    return render(request, "sign_in.html", next=own_path(weiter, "/heute"), name="", problem="")


@routes.post("/anmelden")
def sign_in(
    request: Request, visitor: Here, name: Field = "", password: Field = "", weiter: Field = "/heute"
) -> Response:
    """Take name and password; a session's cookie, or the form again with one sentence."""
    path = own_path(weiter, "/heute")
    agent = request.headers.get("user-agent", "")
    try:
        secret = visitor.app.access.sign_in(name, password, address_of(request), agent)
    except NotAdmitted as refusal:
        status = 429 if refusal.word == "sign_in_throttled" else 401
        problem = told_refusal(refusal, visitor.language)
        return render(request, "sign_in.html", status, next=path, name=name, problem=problem)
    return _signed_in(request, secret, path)


def _signed_in(request: Request, secret: str, path: str) -> Response:
    """A fresh cookie at every sign-in: one that somebody else planted before is worth nothing."""
    response = back(request, path)
    set_cookie(request, response, "session", secret)
    drop_cookie(request, response, "visit")
    return response


@routes.post("/abmelden")
def sign_out(request: Request, visitor: Here) -> Response:
    """End this session, in the database too."""
    visitor.app.access.sign_out(request.cookies[cookie_name(request, "session")])
    response = back(request, "/anmelden")
    drop_cookie(request, response, "session")
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


@routes.get("/zugang/{link}")
def password_page(request: Request, visitor: Here, link: str) -> Response:
    """Where a one-time link leads; opening it does not use it up, as previews of mail programs do."""
    return _password_form(request, link)


def _password_form(request: Request, link: str, problem: str = "", name: str = "", status: int = 200) -> Response:
    visitor = request.state.visitor
    try:
        invitation = visitor.app.access.invitation(link)
    except NotAdmitted as refusal:
        return render(request, "trouble.html", 410, said=told_refusal(refusal, visitor.language))
    return render(request, "password.html", status, link=link, invitation=invitation, name=name or "", problem=problem)


@routes.post("/zugang/{link}")
def set_password(
    request: Request, visitor: Here, link: str, password: Field = "", again: Field = "", name: Field = ""
) -> Response:
    """Set the password, once, and sign in."""
    access = visitor.app.access
    try:
        if password != again:
            raise NotAdmitted("passwords_differ")
        user = access.accept(link, password, name)
    except NotAdmitted as refusal:
        return _password_form(request, link, told_refusal(refusal, visitor.language), name, 422)
    if user.disabled:
        return RedirectResponse("/anmelden", 303)
    return _signed_in(request, access.open_session(user.person, request.headers.get("user-agent", "")), "/heute")


@routes.post("/sprache")
def choose_language(
    request: Request, language: Annotated[str, Form()] = "de", weiter: Annotated[str, Form()] = "/"
) -> Response:
    """Read on in another language."""
    response = back(request, own_path(weiter))
    if language in LANGUAGES:
        set_cookie(request, response, "language", language, LANGUAGE_LASTS)
    return response
