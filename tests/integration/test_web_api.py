"""The JSON API: the verbs of the command line for programs, each answer as the document says, for the right people."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient

from campaign import reports, web
from campaign.app import App
from campaign.reports import exchange
from campaign.roles import Role
from campaign.web.api import API
from campaign.web.rules import RULES, admits
from posts.clock import ManualClock
from posts.sandbox.server import Server
from tests.integration.guest import ADDRESS, Guest, hurried
from tests.integration.harness import House, Networks

DAY = 86_400
EXAMPLES = 200 if os.environ.get("KREATIVORTE_API") == "full" else 10
CAMPAIGN = """
name = "altmark"
title = "Kreativorte der Altmark"
starts = 2026-11-01
ends = 2027-06-30
channels = ["twitter-42"]
[[steps]]
name = "vorstellung"
template = "vorstellung"
after = "0d"
[rhythm]
slots = ["Mon 10:00"]
"""


@pytest.fixture
def house(tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    with Server(clock=clock) as server:
        built = House(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", Networks(server), clock)
        hurried(built.app)
        yield built
        built.app.close()


class Program:
    """A program with a token of somebody in a role."""

    def __init__(self, app: App, role: Role, *scopes: str) -> None:
        name = f"{role.value}-{'-'.join(scopes)}"
        app.access.add("cli:anna", name, role)
        self.secret = app.access.make_token("cli:anna", name, "Programm", scopes or ("read", "write"))
        self.client = TestClient(web.site(app), base_url=ADDRESS, raise_server_exceptions=False)
        self.headers = {"authorization": f"Bearer {self.secret}"}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.request(method, API + path, json=body, headers=self.headers | headers)


def test_an_announcement_goes_its_way_by_the_api(house: House) -> None:
    channel, program = house.channel("twitter"), Program(house.app, Role.APPROVER)
    at = (house.clock.now() + timedelta(days=1)).isoformat()
    made = program.ask("POST", "/announcements", {"channel": channel, "at": at, "text": "Guten Tag"})
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    path = f"/announcements/{made.json()['id']}"
    assert program.ask("PATCH", path, {"text": "Guten Abend"}).json()["text"] == "Guten Abend"
    approved = program.ask("POST", f"{path}/approve").json()
    assert (approved["state"], approved["approved_by"]) == ("approved", ["approver-"])
    later = (house.clock.now() + timedelta(days=2)).isoformat()
    assert program.ask("POST", f"{path}/move", {"at": later, "force": True}).status_code == 200
    assert program.ask("GET", "/announcements?state=approved").json()[0]["id"] == made.json()["id"]
    assert program.ask("POST", f"{path}/hold").json()["state"] == "held"
    assert program.ask("POST", f"{path}/release").json()["state"] == "approved"
    assert program.ask("POST", f"{path}/cancel", {"reason": "anders überlegt"}).json()["state"] == "cancelled"
    entries = program.ask("GET", f"/log?announcement={made.json()['id']}").json()
    assert {entry["actor_name"] for entry in entries} == {"approver-"}


def test_what_can_not_be_done_is_one_sentence_with_its_status(house: House) -> None:
    channel, program = house.channel("twitter"), Program(house.app, Role.APPROVER)
    announcement = house.add(channel, after=DAY)
    assert program.ask("POST", f"/announcements/{announcement}/retry").status_code == 409
    assert program.ask("GET", "/announcements/99").status_code == 404
    assert program.ask("GET", "/campaigns/keine").status_code == 404
    assert program.ask("POST", "/channels/keiner/pause").status_code == 404
    wrong = program.ask("POST", "/announcements", {"channel": channel, "at": "bald", "text": "x", "zeit": 1})
    assert wrong.status_code == 422 and "zeit" in wrong.json()["detail"] and "at" in wrong.json()["detail"]
    for answer in (program.ask("GET", "/announcements/99"), wrong):
        assert set(answer.json()) == {"detail"} and "\n" not in answer.json()["detail"]


def test_a_report_by_the_api_is_the_command_line_s(house: House) -> None:
    channel, program = house.channel("twitter"), Program(house.app, Role.READER)
    house.add(channel, "Guten Tag")
    house.add(house.channel("facebook"), "Guten Abend")
    with house.at_work() as work:
        work.deliver()
    told = program.ask("GET", "/report?by=channel").json()
    assert told["totals"]["posts"] == 2
    assert {row["key"]: row["posts"] for row in told["rows"]} == {"facebook-1001": 1, "twitter-42": 1}
    assert told["totals"]["metrics"]["views"] is None
    selection = reports.selection_of(house.app, {})
    found = reports.report(house.app, selection)
    assert told == json.loads(json.dumps(exchange.report_json(found, found.breakdowns["channel"], "de")))
    assert program.ask("GET", f"/report?channel={channel}").json()["totals"]["posts"] == 1
    single = program.ask("GET", "/report?by=announcement").json()["rows"]
    assert {row["label"] for row in single} == {"Guten Tag", "Guten Abend"}
    assert program.ask("GET", "/report/slots").json() == []
    for wrong in ("channel=keiner", "from=2027-02-02&to=2027-01-01", "campaign=keine"):
        refused = program.ask("GET", f"/report?{wrong}")
        assert (refused.status_code, list(refused.json())) == (409, ["detail"])
    assert program.ask("GET", "/report?by=mond").status_code == 422


def test_the_language_of_sentences_is_the_house_s(house: House) -> None:
    program = Program(house.app, Role.APPROVER)
    announcement = house.add(house.channel("twitter"), after=DAY)
    assert "Beitrag" in program.ask("POST", f"/announcements/{announcement}/retry").json()["detail"]


@pytest.mark.parametrize("role", list(Role))
def test_a_token_may_what_its_person_may_and_no_more(house: House, role: Role) -> None:
    program = Program(house.app, role)
    filled = {"{announcement_id}": "1", "{name}": "keiner"}
    for method, path in RULES:
        if path.startswith(API):
            for name, value in filled.items():
                path = path.replace(name, value)
            status = program.ask(method, path.removeprefix(API), {}).status_code
            original = next(one for one in RULES if one[0] == method and _same(one[1], path))
            assert (status == 403) == (not admits(method, original[1], role)), (method, path, status)


def _same(pattern: str, path: str) -> bool:
    pieces = pattern.split("/"), path.split("/")
    return len(pieces[0]) == len(pieces[1]) and all(
        one == other or one.startswith("{") for one, other in zip(*pieces, strict=True)
    )


def test_a_token_for_reading_changes_nothing(house: House) -> None:
    program = Program(house.app, Role.ADMINISTRATOR, "read")
    assert program.ask("GET", "/condition").status_code == 200
    assert program.ask("POST", "/stop-all", {}).status_code == 403
    assert program.ask("GET", "/condition").json()["braked_since"] is None


def test_a_token_ends_is_revoked_and_opens_no_page(house: House, clock: ManualClock) -> None:
    program = Program(house.app, Role.READER)
    assert program.client.get("/heute", headers=program.headers, follow_redirects=False).status_code == 303
    house.app.access.revoke_token("cli:anna", "reader-", "Programm")
    assert program.ask("GET", "/condition").status_code == 401
    end = clock.now() + timedelta(days=1)
    secret = house.app.access.make_token("cli:anna", "reader-", "kurz", ("read",), end)
    headers = {"authorization": f"Bearer {secret}"}
    assert program.client.get(f"{API}/condition", headers=headers).status_code == 200
    clock.advance(2 * DAY)
    assert program.client.get(f"{API}/condition", headers=headers).status_code == 401


def test_whoever_asks_too_often_is_told_when_to_go_on(house: House) -> None:
    program = Program(house.app, Role.READER)
    answers = [program.ask("GET", "/openapi.json") for _ in range(301)]
    assert {answer.status_code for answer in answers[:300]} == {200}
    assert answers[300].status_code == 429
    assert 1 <= int(answers[300].headers["retry-after"]) <= 60
    assert Program(house.app, Role.EDITOR).ask("GET", "/condition").status_code == 200


def test_a_browser_s_session_needs_the_proof_that_forms_carry(house: House) -> None:
    guest = Guest(house.app).become("Anna", Role.APPROVER)
    token = guest.token()
    assert guest.client.get(f"{API}/condition").status_code == 200
    assert guest.client.post(f"{API}/stop-all", json={}).status_code == 403
    assert guest.client.post(f"{API}/stop-all", json={}, headers={"x-csrf-token": token}).status_code == 200


# --- the document


def test_the_document_needs_no_sign_in_and_names_every_route(house: House) -> None:
    client = TestClient(web.site(house.app), base_url=ADDRESS)
    described = client.get(f"{API}/openapi.json").json()
    named = {(method.upper(), path) for path, item in described["paths"].items() for method in item}
    assert named == {rule for rule in RULES if rule[1].startswith(API)} - {("GET", f"{API}/openapi.json")}


def test_no_request_of_any_kind_breaks_the_api_or_its_document(house: House) -> None:
    """Requests made up from the document, valid and not: never a server error, never an answer it does not describe."""
    house.add(house.channel("twitter"), after=DAY)
    house.add(house.channel("facebook"), after=2 * DAY)
    house.app.apply_campaign(CAMPAIGN)
    house._raw["web"] = {"address": "http://testserver"}
    site = web.site(house.another_app())
    # So many requests are no abuse here.
    site.state.limiter.hit = lambda *_: True
    headers = Program(house.app, Role.ADMINISTRATOR).headers
    schema = schemathesis.openapi.from_asgi(f"{API}/openapi.json", site)
    for operation in schema.get_all_operations():
        _judge(operation.ok(), headers)


def _judge(operation: Any, headers: dict[str, str]) -> None:
    quietly = list(HealthCheck)

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=quietly)
    @given(case=operation.as_strategy())
    def judged(case: Any) -> None:
        case.validate_response(case.call(headers=headers), headers=headers)

    judged()
