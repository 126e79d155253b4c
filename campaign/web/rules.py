"""Who may open what: the one table of routes and least roles. A route that is not in it is open to nobody."""

from __future__ import annotations

from campaign.roles import Role

EVERYBODY = None
"""No sign-in needed."""

RULES: dict[tuple[str, str], Role | None] = {
    ("GET", "/"): Role.READER,
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/metrics"): EVERYBODY,  # loopback or token: the page asks itself
    ("GET", "/anmelden"): EVERYBODY,
    ("POST", "/anmelden"): EVERYBODY,
    ("POST", "/abmelden"): Role.READER,
    ("GET", "/zugang/{link}"): EVERYBODY,
    ("POST", "/zugang/{link}"): EVERYBODY,
    ("POST", "/sprache"): EVERYBODY,
    ("POST", "/notbremse/ziehen"): Role.EDITOR,
    ("POST", "/notbremse/loesen"): Role.APPROVER,
    ("GET", "/heute"): Role.READER,
    ("POST", "/beitraege/{announcement_id}/freigeben"): Role.APPROVER,
    ("POST", "/beitraege/{announcement_id}/weiter"): Role.EDITOR,
    ("POST", "/beitraege/{announcement_id}/anhalten"): Role.EDITOR,
    ("POST", "/beitraege/{announcement_id}/verschieben"): Role.EDITOR,
    ("POST", "/beitraege/{announcement_id}/absagen"): Role.EDITOR,
    ("POST", "/beitraege/{announcement_id}/wiederholen"): Role.APPROVER,
    ("POST", "/beitraege/{announcement_id}/ist-da"): Role.APPROVER,
    ("POST", "/beitraege/{announcement_id}/ist-nicht-da"): Role.APPROVER,
    ("GET", "/protokoll"): Role.READER,
    ("GET", "/protokoll/pruefung"): Role.READER,
    ("GET", "/protokoll.csv"): Role.READER,
    ("GET", "/protokoll.jsonl"): Role.READER,
}


def admits(method: str, path: str, role: Role | None) -> bool:
    """Whether somebody with that role (None: not signed in) may use a route."""
    if (method, path) not in RULES:
        return False
    least = RULES[method, path]
    return least is EVERYBODY or (role is not None and role.includes(least))
