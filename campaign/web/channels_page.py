"""Kanäle: how each account stands, what went and goes out on it; checking, pausing, connecting, removing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response

from campaign import channels
from campaign.desk import Refusal
from campaign.news import refusal as told_refusal
from campaign.web.door import Here, Visitor, tell
from campaign.web.language import N_
from campaign.web.page import answer_change, back, render

routes = APIRouter()
Short = Annotated[str, Form(max_length=300)]
Long = Annotated[str, Form(max_length=10_000)]

UNIX_TIME = re.compile(r"[0-9]{1,12}")
CONDITIONS: dict[str, str] = {
    "ready": N_("bereit"),
    "paused": N_("angehalten"),
    "throttled": N_("das Netzwerk bittet um Geduld"),
    "unchecked": N_("noch nicht geprüft"),
    "failing": N_("Prüfung gescheitert"),
    "signed_out": N_("abgemeldet"),
}


@dataclass(frozen=True)
class Field:
    """One value of a network's credentials, by its name in the credentials file."""

    key: str
    label: str
    required: bool = True
    secret: bool = True


@dataclass(frozen=True)
class Kind:
    """One way to connect an account: what is asked for, and where it is found."""

    network: str
    label: str
    account: str
    hint: str
    fields: tuple[Field, ...]
    nested: str = ""

    def credentials(self, typed: Mapping[str, str]) -> dict[str, Any]:
        """What was typed, as the credentials file holds it; blanks around a pasted value are none of it."""
        values = {field.key: typed.get(field.key, "").strip() for field in self.fields}
        given: dict[str, Any] = {key: value for key, value in values.items() if value}
        if UNIX_TIME.fullmatch(given.get("expires_at", "")):
            given["expires_at"] = int(given["expires_at"])
        return {self.nested: given} if self.nested else given


_X_ACCOUNT = N_("Kennung des X-Kontos (Ziffern)")
KINDS: dict[str, Kind] = {
    "facebook": Kind(
        "facebook",
        N_("Facebook-Seite"),
        N_("Kennung der Seite (Ziffern)"),
        N_(
            "Gebraucht wird das langlebige Zugangstoken der Seite, mit den Berechtigungen pages_show_list, "
            "pages_read_engagement, pages_manage_posts, pages_read_user_content und read_insights. Mit Kennung und "
            "Geheimnis der App wird auch sichtbar, wann es abläuft."
        ),
        (
            Field("access_token", N_("Zugangstoken der Seite")),
            Field("app_id", N_("Kennung der App"), required=False, secret=False),
            Field("app_secret", N_("Geheimnis der App"), required=False),
        ),
    ),
    "x": Kind(
        "twitter",
        N_("X-Konto, mit vier Schlüsseln (OAuth 1.0a)"),
        _X_ACCOUNT,
        N_(
            "Die vier Werte stehen im Entwicklerportal von X unter »Keys and tokens«; die App braucht dort die "
            "Berechtigung »Read and write«, bevor das Token erzeugt wird. Das Token beginnt mit der Kennung des Kontos."
        ),
        (
            Field("consumer_key", N_("Schlüssel der App (Consumer Key)")),
            Field("consumer_secret", N_("Geheimnis der App (Consumer Secret)")),
            Field("access_token", N_("Zugangstoken (Access Token)")),
            Field("access_token_secret", N_("Geheimnis des Zugangstokens (Access Token Secret)")),
        ),
    ),
    "x-oauth2": Kind(
        "twitter",
        N_("X-Konto, mit OAuth 2.0"),
        _X_ACCOUNT,
        N_(
            "Für Zugänge mit den Berechtigungen tweet.read, tweet.write, users.read, media.write und offline.access. "
            "Sie werden vor dem Ablauf von selbst erneuert; ein Erneuerungstoken gilt nur einmal, also nirgends sonst "
            "verwenden."
        ),
        (
            Field("client_id", N_("Kennung der App (Client ID)"), secret=False),
            Field("client_secret", N_("Geheimnis der App (Client Secret)"), required=False),
            Field("access_token", N_("Zugangstoken (Access Token)")),
            Field("refresh_token", N_("Erneuerungstoken (Refresh Token)"), required=False),
            Field("expires_at", N_("Läuft ab (Unix-Zeit oder ISO 8601)"), required=False, secret=False),
        ),
        nested="oauth2",
    ),
}

CONNECTED = N_("Der Kanal ist verbunden.")
CONNECTED_WITH_PROBLEMS = N_("Gespeichert. Das Netzwerk hat etwas zu bemerken; es steht unten.")
CHECKED = N_("Geprüft: das Netzwerk antwortet wie erwartet.")


def path_of(name: str) -> str:
    """The page of one channel."""
    return f"/kanaele/{quote(name, safe='')}"


@routes.get("/kanaele")
def listing(request: Request, visitor: Here) -> Response:
    """All channels."""
    return render(
        request, "channels.html", channels=channels.overview(visitor.app), conditions=CONDITIONS, path_of=path_of
    )


@routes.get("/kanaele/{name}")
def one(request: Request, visitor: Here, name: str) -> Response:
    """One channel, with everything that can be done with it."""
    return render(
        request,
        "channel.html",
        one=channels.one(visitor.app, name),
        conditions=CONDITIONS,
        path=path_of(name),
        path_of=path_of,
        regions=channels.known_regions(visitor.app),
    )


@routes.post("/kanaele/{name}/pruefen")
def check(request: Request, visitor: Here, name: str) -> Response:
    """Ask the network."""
    return _after_asking(request, visitor, name, lambda: channels.check(visitor.app, name), CHECKED)


def _after_asking(request: Request, visitor: Visitor, name: str, act: Callable[[], list[str]], well: str) -> Response:
    """To the channel's page after the network was asked; what it has to say stands there."""
    response = back(request, path_of(name))
    gettext = request.app.state.pages.gettext
    try:
        problems = act()
    except Refusal as refusal:
        tell(request, response, "kanal", told_refusal(refusal, visitor.language), done=False)
    else:
        tell(
            request,
            response,
            "kanal",
            gettext(CONNECTED_WITH_PROBLEMS if problems else well, visitor.language),
            done=True,
        )
    return response


@routes.post("/kanaele/{name}/anhalten")
def pause(request: Request, visitor: Here, name: str) -> Response:
    """Keep the channel silent; what is due there waits."""
    done = N_("Der Kanal ist angehalten; was dort fällig wird, wartet.")
    return answer_change(request, path_of(name), "kanal", lambda: visitor.app.set_channel(name, "pause"), done)


@routes.post("/kanaele/{name}/weiter")
def resume(request: Request, visitor: Here, name: str) -> Response:
    """Let a paused channel go on."""
    done = N_("Der Kanal geht weiter.")
    return answer_change(request, path_of(name), "kanal", lambda: visitor.app.set_channel(name, "resume"), done)


@routes.post("/kanaele/{name}/regionen")
def set_regions(
    request: Request,
    visitor: Here,
    name: str,
    region: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies defaults
    weitere: Long = "",
) -> Response:
    """Which regions' places go out on the channel."""
    return answer_change(
        request,
        path_of(name),
        "regionen",
        lambda: channels.set_regions(visitor.app, name, [*region, weitere]),
        N_("Die Regionen sind gespeichert; sie gelten für alles, was von jetzt an geplant wird."),
    )


# --- removing ------------------------------------------------------------------------------------------------


@routes.get("/kanaele/{name}/entfernen")
def removal_page(request: Request, visitor: Here, name: str) -> Response:
    """What removing would do, and the button."""
    return render(request, "channel_removal.html", one=channels.one(visitor.app, name), path=path_of(name))


@routes.post("/kanaele/{name}/entfernen")
def remove(request: Request, visitor: Here, name: str, absagen: Annotated[bool, Form()] = False) -> Response:
    """Take the channel away; its log stays. `absagen`: what was planned there is cancelled."""
    done = N_("Der Kanal ist entfernt.")
    return answer_change(request, "/kanaele", "kanal", lambda: channels.remove(visitor.app, name, cancel=absagen), done)


# --- connecting ----------------------------------------------------------------------------------------------


@routes.get("/kanal-verbinden")
def connecting_page(request: Request, visitor: Here, art: str = "") -> Response:
    """Which kind of account, then its form."""
    return _connecting(request, visitor, art)


def _connecting(
    request: Request, visitor: Visitor, art: str, typed: Mapping[str, Any] | None = None, problem: str = ""
) -> Response:
    """The form, after a refusal with what was typed but for the credentials: they are never shown again."""
    values = {"name": "", "konto": "", "regionen": [], "weitere": ""} | dict(typed or {})
    return render(
        request,
        "channel_connecting.html",
        422 if problem else 200,
        kinds=KINDS,
        art=art if art in KINDS else "",
        typed=values,
        problem=problem,
        regions=channels.known_regions(visitor.app),
        live=visitor.app.settings["mode"] == "live",
    )


async def typed_credentials(request: Request) -> dict[str, str]:
    """The fields of the form that belong to credentials; a file in their place is none."""
    form = await request.form()
    keys = {field.key for kind in KINDS.values() for field in kind.fields}
    return {key: value for key, value in form.items() if key in keys and isinstance(value, str)}


Credentials = Annotated[dict[str, str], Depends(typed_credentials)]


@routes.post("/kanal-verbinden")
def connect(
    request: Request,
    visitor: Here,
    credentials: Credentials,
    art: Short = "",
    name: Short = "",
    konto: Short = "",
    region: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies defaults
    weitere: Long = "",
) -> Response:
    """Store a new channel and ask the network about it."""
    kind = KINDS.get(art)
    if kind is None:
        return _connecting(request, visitor, "")
    wanted, account = " ".join(name.split()), konto.strip()
    try:
        problems = channels.connect(
            visitor.app, wanted, kind.network, account, [*region, weitere], kind.credentials(credentials)
        )
    except Refusal as refusal:
        typed = {"name": name, "konto": konto, "regionen": region, "weitere": weitere}
        return _connecting(request, visitor, art, typed, told_refusal(refusal, visitor.language))
    return _after_asking(request, visitor, wanted, lambda: problems, CONNECTED)


@routes.get("/kanaele/{name}/zugang")
def renewal_page(request: Request, visitor: Here, name: str, art: str = "") -> Response:
    """The form for new tokens; those that are stored are never shown."""
    return _renewal(request, visitor, name, art)


def _renewal(request: Request, visitor: Visitor, name: str, art: str, problem: str = "") -> Response:
    found = channels.one(visitor.app, name)
    fitting = {key: kind for key, kind in KINDS.items() if kind.network == found.facts["network"]}
    return render(
        request,
        "channel_renewal.html",
        422 if problem else 200,
        one=found,
        kinds=fitting,
        art=art if art in fitting else next(iter(fitting), ""),
        path=path_of(name),
        problem=problem,
    )


@routes.post("/kanaele/{name}/zugang")
def renew(request: Request, visitor: Here, name: str, credentials: Credentials, art: Short = "") -> Response:
    """Replace the channel's tokens and ask the network about them."""
    kind = KINDS.get(art)
    if kind is None:
        return _renewal(request, visitor, name, "")
    try:
        problems = channels.renew(visitor.app, name, kind.credentials(credentials))
    except Refusal as refusal:
        return _renewal(request, visitor, name, art, told_refusal(refusal, visitor.language))
    return _after_asking(request, visitor, name, lambda: problems, CONNECTED)
