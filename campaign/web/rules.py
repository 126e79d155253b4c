"""Who may open what: the one table of routes and least roles. A route that is not in it is open to nobody."""

from __future__ import annotations

from campaign.roles import Role

EVERYBODY = None
"""No sign-in needed."""
API = "/api/v1"

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
    ("GET", "/beitraege/neu"): Role.EDITOR,
    ("POST", "/beitraege/neu"): Role.EDITOR,
    ("POST", "/beitraege/neu/vorschau"): Role.EDITOR,
    ("POST", "/beitraege/bild"): Role.EDITOR,
    ("GET", "/beitraege/bild/{picture}"): Role.EDITOR,
    ("GET", "/beitraege/{announcement_id}"): Role.READER,
    ("POST", "/beitraege/{announcement_id}"): Role.EDITOR,
    ("POST", "/beitraege/{announcement_id}/vorschau"): Role.EDITOR,
    ("GET", "/beitraege/{announcement_id}/bild/{picture}"): Role.READER,
    ("GET", "/beitraege/{announcement_id}/termine"): Role.EDITOR,
    ("POST", "/beitraege/{announcement_id}/anmerken"): Role.EDITOR,
    ("POST", "/beitraege/{announcement_id}/zurueckgeben"): Role.APPROVER,
    ("POST", "/beitraege/{announcement_id}/jetzt"): Role.APPROVER,
    ("POST", "/beitraege/{announcement_id}/berichtigen"): Role.APPROVER,
    ("POST", "/beitraege/{announcement_id}/zurueckziehen"): Role.APPROVER,
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
    ("GET", "/benutzer"): Role.ADMINISTRATOR,
    ("POST", "/benutzer"): Role.ADMINISTRATOR,
    ("POST", "/benutzer/{person}/rolle"): Role.ADMINISTRATOR,
    ("POST", "/benutzer/{person}/sperren"): Role.ADMINISTRATOR,
    ("POST", "/benutzer/{person}/entsperren"): Role.ADMINISTRATOR,
    ("POST", "/benutzer/{person}/link"): Role.ADMINISTRATOR,
    ("POST", "/benutzer/{person}/abmelden"): Role.ADMINISTRATOR,
    ("POST", "/benutzer/{person}/entfernen"): Role.ADMINISTRATOR,
    ("GET", "/konto"): Role.READER,
    ("POST", "/konto/passwort"): Role.READER,
    ("POST", "/konto/schluessel"): Role.READER,
    ("POST", "/konto/schluessel/widerrufen"): Role.READER,
    ("GET", "/einstellungen"): Role.ADMINISTRATOR,
    ("GET", "/einstellungen/pruefung"): Role.ADMINISTRATOR,
    ("GET", f"{API}/openapi.json"): EVERYBODY,
    ("GET", f"{API}/announcements"): Role.READER,
    ("POST", f"{API}/announcements"): Role.EDITOR,
    ("GET", f"{API}/announcements/{{announcement_id}}"): Role.READER,
    ("PATCH", f"{API}/announcements/{{announcement_id}}"): Role.EDITOR,
    ("POST", f"{API}/announcements/{{announcement_id}}/approve"): Role.APPROVER,
    ("POST", f"{API}/announcements/{{announcement_id}}/hold"): Role.EDITOR,
    ("POST", f"{API}/announcements/{{announcement_id}}/release"): Role.EDITOR,
    ("POST", f"{API}/announcements/{{announcement_id}}/cancel"): Role.EDITOR,
    ("POST", f"{API}/announcements/{{announcement_id}}/retry"): Role.APPROVER,
    ("POST", f"{API}/announcements/{{announcement_id}}/move"): Role.EDITOR,
    ("POST", f"{API}/announcements/{{announcement_id}}/settle"): Role.APPROVER,
    ("POST", f"{API}/announcements/{{announcement_id}}/correct"): Role.APPROVER,
    ("POST", f"{API}/announcements/{{announcement_id}}/withdraw"): Role.APPROVER,
    ("GET", f"{API}/places"): Role.READER,
    ("GET", f"{API}/channels"): Role.READER,
    ("POST", f"{API}/channels/{{name}}/pause"): Role.EDITOR,
    ("POST", f"{API}/channels/{{name}}/resume"): Role.EDITOR,
    ("GET", f"{API}/campaigns"): Role.READER,
    ("GET", f"{API}/campaigns/{{name}}"): Role.READER,
    ("POST", f"{API}/campaigns/{{name}}/pause"): Role.EDITOR,
    ("POST", f"{API}/campaigns/{{name}}/resume"): Role.EDITOR,
    ("POST", f"{API}/plan"): Role.EDITOR,
    ("GET", f"{API}/templates"): Role.READER,
    ("POST", f"{API}/templates/preview"): Role.READER,
    ("GET", f"{API}/log"): Role.READER,
    ("GET", f"{API}/log/verification"): Role.READER,
    ("GET", f"{API}/doctor"): Role.ADMINISTRATOR,
    ("GET", f"{API}/condition"): Role.READER,
    ("POST", f"{API}/stop-all"): Role.EDITOR,
    ("POST", f"{API}/go"): Role.APPROVER,
}


def admits(method: str, path: str, role: Role | None) -> bool:
    """Whether somebody with that role (None: not signed in) may use a route."""
    if (method, path) not in RULES:
        return False
    least = RULES[method, path]
    return least is EVERYBODY or (role is not None and role.includes(least))
