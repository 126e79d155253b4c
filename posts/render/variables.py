"""The contract between the application and the templates: every name a template may use, with its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any


@dataclass(frozen=True)
class PostVariables:
    """What a template may say. Texts are plain, without markup; lists are in the portal's order.

    For a call, which has no place, every field about the place keeps its empty default. Each field's help is
    German, for staff; docs/vorlagen.md shows the same table.
    """

    name: str = field(default="", metadata={"help": "Name des Ortes"})
    town: str = field(default="", metadata={"help": "Gemeinde, in der der Ort liegt"})
    region: str = field(default="", metadata={"help": "erste Region des Ortes"})
    regions: tuple[str, ...] = field(default=(), metadata={"help": "alle Regionen (Liste)"})
    category: str = field(default="", metadata={"help": "erster Bereich des Ortes"})
    categories: tuple[str, ...] = field(default=(), metadata={"help": "alle Bereiche (Liste)"})
    teaser: str = field(default="", metadata={"help": "Kurztext des Portals"})
    body: str = field(default="", metadata={"help": "Beschreibung des Portals"})
    link: str = field(default="", metadata={"help": "Adresse mit Messmarke, genau so zu übernehmen"})
    link_in_text: bool = field(
        default=True,
        metadata={"help": "ja, wenn die Adresse im Text stehen muss; nein, wenn das Netzwerk eine Link-Vorschau zeigt"},
    )
    hashtags: tuple[str, ...] = field(default=(), metadata={"help": "Hashtags des Ortes (Liste)"})
    credit: str = field(default="", metadata={"help": "Bildnachweis; leer, wenn kein Bild mitgeht"})
    alt: str = field(
        default="", metadata={"help": "Beschreibung des Bildes für Menschen, die es nicht sehen; leer ohne Bild"}
    )
    published: date | None = field(default=None, metadata={"help": "Tag, an dem das Portal den Ort veröffentlicht hat"})
    handle: str = field(
        default="", metadata={"help": "Erwähnung des Ortes auf diesem Netzwerk, auf X mit @; leer, wenn unbekannt"}
    )
    campaign_title: str = field(default="", metadata={"help": "Titel der Kampagne"})
    step: str = field(default="", metadata={"help": "Name des Schrittes, zum Beispiel »vorstellung«"})
    day: date | None = field(default=None, metadata={"help": "Tag, an dem dieser Beitrag erscheint"})

    def as_mapping(self) -> dict[str, Any]:
        """Name to value, as `render` takes it."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def variables_help() -> tuple[tuple[str, str], ...]:
    """Every variable with its German meaning, in the order of the contract."""
    return tuple((one.name, str(one.metadata["help"])) for one in fields(PostVariables))
