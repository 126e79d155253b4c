"""The contract between the application and the templates: every name a template may use, with its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any


def _variable(meaning: str, default: Any) -> Any:
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True)
class PostVariables:
    """What a template may say. Texts are plain, without markup; lists are in the portal's order.

    For a call, which has no place, every field about the place keeps its empty default. Each field's help is
    German, for staff; docs/vorlagen.md shows the same table.
    """

    name: str = _variable("Name des Ortes", "")
    town: str = _variable("Gemeinde, in der der Ort liegt", "")
    region: str = _variable("erste Region des Ortes", "")
    regions: tuple[str, ...] = _variable("alle Regionen (Liste)", ())
    category: str = _variable("erster Bereich des Ortes", "")
    categories: tuple[str, ...] = _variable("alle Bereiche (Liste)", ())
    teaser: str = _variable("Kurztext des Portals", "")
    body: str = _variable("Beschreibung des Portals", "")
    link: str = _variable("Adresse mit Messmarke, genau so zu übernehmen", "")
    link_in_text: bool = _variable(
        "ja, wenn die Adresse im Text stehen muss; nein, wenn das Netzwerk eine Link-Vorschau zeigt", True
    )
    hashtags: tuple[str, ...] = _variable("Hashtags des Ortes (Liste)", ())
    credit: str = _variable("Bildnachweis; leer, wenn kein Bild mitgeht", "")
    alt: str = _variable("Beschreibung des Bildes für Menschen, die es nicht sehen; leer ohne Bild", "")
    published: date | None = _variable("Tag, an dem das Portal den Ort veröffentlicht hat", None)
    handle: str = _variable("Erwähnung des Ortes auf diesem Netzwerk, auf X mit @; leer, wenn unbekannt", "")
    campaign_title: str = _variable("Titel der Kampagne", "")
    step: str = _variable("Name des Schrittes, zum Beispiel »vorstellung«", "")
    day: date | None = _variable("Tag, an dem dieser Beitrag erscheint", None)

    def as_mapping(self) -> dict[str, Any]:
        """Name to value, as `render` takes it."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def variables_help() -> tuple[tuple[str, str], ...]:
    """Every variable with its German meaning, in the order of the contract."""
    return tuple((one.name, str(one.metadata["help"])) for one in fields(PostVariables))
