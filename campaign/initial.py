"""The files of a fresh installation: configuration and key, written where they are missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from posts import accounts

CONFIGURATION = """\
# Kreativorte-Kampagnen; every setting has a default, see docs/settings.md.
timezone = "Europe/Berlin"
land = "ST"
database = "sqlite:///kreativorte.db"
mode = "sandbox"        # new channels belong to the sandbox; "live" posts to the world

# [portals.kreativorte]
# url = "mysql+pymysql://reader:PASSWORD@host/portal"
# table = "orte"
# [portals.kreativorte.fields]
# id = "id"
# name = "name"
# url = "url"
# published_at = "published_at"
"""


def write(directory: Path) -> Iterator[str]:
    """Write what is missing; yields one sentence for each file."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration, key, heads = (directory / name for name in ("kreativorte.toml", "secret.key", "heads.json"))
    if configuration.exists():
        yield f"{configuration} gibt es schon; nichts geändert."
    else:
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        yield f"{configuration} geschrieben."
    if not key.exists():
        accounts.write_key(key)
        yield f"{key} geschrieben; bewahren Sie eine Kopie an einem sicheren Ort auf."
    if not heads.exists():
        heads.write_text(json.dumps({}), encoding="utf-8")
        yield f"{heads} geschrieben."
