"""Benutzer: who may use the pages, in which role. Passwords are set by their owners, through a one-time link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from campaign.access import NotAdmitted, User
from campaign.news import refusal as told_refusal
from campaign.roles import Role
from campaign.store import Unknown
from campaign.web.door import Here, Visitor
from campaign.web.language import N_
from campaign.web.page import answer_change, render

routes = APIRouter()
Person = Annotated[str, Path(pattern=r"^p[0-9a-f]{12}$")]
Field = Annotated[str, Form(max_length=200)]
PAGE = "/benutzer"


def _shown(
    request: Request,
    visitor: Visitor,
    *,
    status: int = 200,
    problem: str = "",
    link: str = "",
    about: str = "",
    **form: str,
) -> Response:
    base = visitor.app.settings["web.address"] or str(request.base_url).rstrip("/")
    return render(
        request,
        "users.html",
        status,
        users=visitor.app.access.users(),
        problem=problem,
        link=f"{base}/zugang/{link}" if link else "",
        about=about,
        form={"name": "", "role": Role.EDITOR.value, "email": ""} | form,
    )


@routes.get("/benutzer")
def users(request: Request, visitor: Here) -> Response:
    """Everybody who may sign in."""
    return _shown(request, visitor)


@routes.post("/benutzer")
def add(
    request: Request, visitor: Here, name: Field = "", role: Annotated[Role, Form()] = Role.READER, email: Field = ""
) -> Response:
    """Give somebody access; the link by which the password is set is shown once."""
    access = visitor.app.access
    try:
        user = access.add(visitor.app.actor_name, name, role, email or None)
        link = access.link(visitor.app.actor_name, user.name)
    except NotAdmitted as refusal:
        problem = told_refusal(refusal, visitor.language)
        return _shown(request, visitor, status=422, problem=problem, name=name, role=role.value, email=email)
    return _shown(request, visitor, link=link, about=user.name)


@routes.post("/benutzer/{person}/link")
def new_link(request: Request, visitor: Here, person: Person) -> Response:
    """A new one-time link, shown once; the former one ends."""
    user = _user(visitor, person)
    return _shown(request, visitor, link=visitor.app.access.link(visitor.app.actor_name, user.name), about=user.name)


@routes.post("/benutzer/{person}/rolle")
def change_role(request: Request, visitor: Here, person: Person, role: Annotated[Role, Form()]) -> Response:
    """Another role from now on."""
    return _changed(
        request,
        visitor,
        person,
        lambda name: visitor.app.access.change(_actor(visitor), name, role=role),
        N_("Geändert."),
    )


@routes.post("/benutzer/{person}/sperren")
def disable(request: Request, visitor: Here, person: Person) -> Response:
    """No sign-in until it is allowed again; ends the sessions."""
    return _changed(
        request,
        visitor,
        person,
        lambda name: visitor.app.access.change(_actor(visitor), name, disabled=True),
        N_("Gesperrt."),
    )


@routes.post("/benutzer/{person}/entsperren")
def enable(request: Request, visitor: Here, person: Person) -> Response:
    """Sign-in is allowed again."""
    return _changed(
        request,
        visitor,
        person,
        lambda name: visitor.app.access.change(_actor(visitor), name, disabled=False),
        N_("Entsperrt."),
    )


@routes.post("/benutzer/{person}/abmelden")
def end_sessions(request: Request, visitor: Here, person: Person) -> Response:
    """End all sessions of somebody."""
    return _changed(
        request,
        visitor,
        person,
        lambda name: visitor.app.access.end_sessions(_actor(visitor), name),
        N_("Überall abgemeldet."),
    )


@routes.post("/benutzer/{person}/entfernen")
def remove(request: Request, visitor: Here, person: Person, name_loeschen: Annotated[bool, Form()] = False) -> Response:
    """Take all access away; the name may go too, the log then shows an opaque id."""
    return _changed(
        request,
        visitor,
        person,
        lambda name: visitor.app.access.remove(_actor(visitor), name, erase=name_loeschen),
        N_("Entfernt."),
    )


def _actor(visitor: Visitor) -> str:
    return visitor.app.actor_name


def _user(visitor: Visitor, person: str) -> User:
    found = next((one for one in visitor.app.access.users() if one.person == person), None)
    if found is None:
        raise Unknown("user_unknown", person)
    return found


def _changed(request: Request, visitor: Visitor, person: str, act: Callable[[str], object], done: str) -> Response:
    user = _user(visitor, person)
    return answer_change(request, PAGE, f"benutzer-{person}", lambda: act(user.name), done)
