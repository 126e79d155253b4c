"""From a `[portals.NAME]` table to a portal: by mapping, or by the preset of a CMS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from campaign.portals import typo3, wordpress
from campaign.portals.portal import (
    COMMON_KEYS,
    REQUIRED,
    PortalConfig,
    check_keys,
    common_settings,
    field_expressions,
    text_key,
    wrong,
)
from campaign.settings import suggestion

PRESETS = {"wordpress": wordpress.configure, "typo3": typo3.configure}


def portal_config(name: str, table: Mapping[str, Any], directory: Path) -> PortalConfig:
    """The portal of a `[portals.NAME]` table, relative paths taken from `directory`.

    Raises PortalMisconfigured with one sentence naming the portal and the key.
    """
    preset = text_key(name, table, "preset")
    if preset and preset not in PRESETS:
        raise wrong(name, f"the preset {preset!r} is unknown{suggestion(preset, list(PRESETS))}")
    return PRESETS[preset](name, table, directory) if preset else _mapped(name, table, directory)


def _mapped(name: str, table: Mapping[str, Any], directory: Path) -> PortalConfig:
    check_keys(name, table, (*COMMON_KEYS, "table", "query"))
    common = common_settings(name, table, directory)
    source, query = (text_key(name, table, key) for key in ("table", "query"))
    if bool(source) == bool(query):
        raise wrong(name, "give either table or query, or a preset")
    fields = field_expressions(name, table.get("fields", {}))
    missing = [key for key in REQUIRED if key not in fields]
    if missing:
        raise wrong(name, f"fields lacks {', '.join(missing)}")
    return PortalConfig(**common, fields=fields, table=source, query=query.rstrip().rstrip(";"))
