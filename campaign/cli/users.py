"""Users of the pages: who may use them, in which role."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from campaign import web
from campaign.access import SCOPES
from campaign.app import App
from campaign.cli.arguments import Json
from campaign.cli.output import emit, out, show
from campaign.cli.session import opened
from campaign.roles import Role

verbs = typer.Typer(help="Who may use the pages, in which role.", no_args_is_help=True)
UserName = Annotated[str, typer.Argument(metavar="NAME", help="The person's name, as it stands in the log.")]
UserRole = Annotated[Role, typer.Option("--role", help="Each role may do what those before it may.")]
Email = Annotated[str | None, typer.Option("--email", help="Where the person gets mail.")]


def _invite(app: App, name: str) -> str:
    """The address of a one-time link by which somebody sets the password."""
    return f"{web.address_of(app, '127.0.0.1', web.PORT)}/zugang/{app.access.link(app.actor_name, name)}"


@verbs.command("add")
def user_add(name: UserName, role: UserRole, email: Email = None, as_json: Json = False) -> None:
    """Give somebody access to the pages.

    Prints a one-time link, good for three days, by which the person sets a password.
    """
    app = opened()
    added = app.access.add(app.actor_name, name, role, email)
    _show_user(added.to_json() | {"link": _invite(app, name)}, as_json)


def _show_user(user: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit(user)
        return
    out.print(f"{user['name']}: {user['role']}{' (gesperrt)' if user['disabled'] else ''}", markup=False)
    if "link" in user:
        out.print(f"Einmal-Link für das Passwort, drei Tage gültig: {user['link']}", markup=False, highlight=False)


@verbs.command("list")
def user_list(as_json: Json = False) -> None:
    """List who has access."""
    found = [one.to_json() for one in opened().access.users()]
    if as_json:
        emit(found)
        return
    show(
        found,
        {"name": "Name", "role": "Rolle", "email": "E-Mail", "disabled": "gesperrt", "signed_in_at": "angemeldet"},
        "Noch keine Zugänge; `kreativorte user add` legt einen an.",
    )


@verbs.command("change")
def user_change(
    name: UserName,
    role: Annotated[Role | None, typer.Option("--role", help="The new role.")] = None,
    email: Email = None,
    disabled: Annotated[
        bool | None, typer.Option("--disabled/--enabled", help="Whether signing in is refused.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change role or e-mail address, disable or enable somebody."""
    app = opened()
    changed = app.access.change(app.actor_name, name, role=role, email=email, disabled=disabled)
    _show_user(changed.to_json(), as_json)


@verbs.command("passwd")
def user_passwd(
    name: UserName,
    from_input: Annotated[
        bool, typer.Option("--stdin", help="Take the password from standard input instead of making a link.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let somebody set a new password by a one-time link.

    The old one is good until then.
    """
    app = opened()
    if from_input:
        app.access.set_password(app.actor_name, name, sys.stdin.readline().rstrip("\r\n"))
        _show_user(app.access.user(name).to_json(), as_json)
    else:
        _show_user(app.access.user(name).to_json() | {"link": _invite(app, name)}, as_json)


@verbs.command("remove")
def user_remove(
    name: UserName,
    erase: Annotated[bool, typer.Option("--erase", help="The name goes too; the log shows an opaque id.")] = False,
) -> None:
    """Take all access away at once, sessions and tokens too."""
    app = opened()
    app.access.remove(app.actor_name, name, erase=erase)
    out.print(f"{name}: entfernt", markup=False)


@verbs.command("token")
def user_token(
    name: UserName,
    label: Annotated[str, typer.Option("--label", help="What the token is for; revoke it by that.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help=f"What it may do: {', '.join(SCOPES)}; repeatable.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Revoke it instead.")] = False,
    as_json: Json = False,
) -> None:
    """Make a token for a program, shown once, or revoke one."""
    app = opened()
    if revoke:
        app.access.revoke_token(app.actor_name, name, label)
        out.print(f"{label}: widerrufen", markup=False)
        return
    token = app.access.make_token(app.actor_name, name, label, scope or [])
    if as_json:
        emit({"name": name, "label": label, "scopes": scope or [], "token": token})
    else:
        out.print(token, markup=False, highlight=False)
