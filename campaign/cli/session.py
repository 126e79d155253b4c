"""What the options before the verb said, and the application that it is said to."""

from __future__ import annotations

from typing import Annotated

import typer

from campaign.app import App
from campaign.news import advice
from campaign.settings import Settings, load


class Said:
    """What the options before the verb said, and the language of the configuration that they named."""

    config: str | None = None
    actor: str | None = None
    language: str = "de"


said = Said()


def remember(
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Configuration file [./kreativorte.toml].")
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Who acts; else $KREATIVORTE_USER, else cli:LOGIN.")
    ] = None,
) -> None:
    """Keep what the options before the verb say; the language is known once the configuration is read."""
    said.config, said.actor, said.language = config, actor, "de"


def settings() -> Settings:
    """The configuration that the options named."""
    loaded = load(said.config)
    said.language = loaded["language"]
    return loaded


def tell(word: str, *details: object) -> str:
    """A line of `news` in the house's language."""
    return advice(said.language, word, *details)


def opened() -> App:
    """The application, its database ready."""
    app = App(settings(), actor=said.actor)
    app.prepare()
    return app
