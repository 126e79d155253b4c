"""Every request that a publisher can send, against the networks' own published specifications."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from posts.clock import ManualClock
from posts.drafts import Draft, Image
from posts.networks.facebook import FacebookPublisher
from posts.networks.publisher import Absent, Endpoint, Publisher
from posts.networks.twitter import TwitterPublisher
from tests.contract.specs import load_spec
from tests.unit.scripted_http import Asked, Says, ScriptedServer

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LINK = "https://kreativorte-im-gruenen.de/orte/hof?utm_content=k7f3"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def picture(tmp_path: Path) -> Image:
    data = b"\xff\xd8\xff\xe0 a picture"
    file = tmp_path / "hof.jpg"
    file.write_bytes(data)
    return Image(str(file), "Ein Hof", "Foto: A. Beispiel", hashlib.sha256(data).hexdigest())


def publish_all_kinds(publisher: Publisher, network: str, picture: Image) -> None:
    """Text, card and photos, each prepared and published."""
    for draft in (
        Draft(network, "Der Hof ist offen"),
        Draft(network, f"Der Hof {LINK}", LINK, (), "k7f3"),
        Draft(network, f"Der Hof {LINK}", LINK, (picture,) * 4, "k7f3"),
    ):
        publisher.publish(publisher.prepare(draft))


# X


def twitter_requests(server: ScriptedServer, picture: Image) -> list[Asked]:
    """One request of every sort that the X publisher sends; the time-line is asked in both vocabularies."""
    publisher = TwitterPublisher(
        "42",
        {"consumer_key": "ck", "consumer_secret": "cs", "access_token": "42-at", "access_token_secret": "ats"},
        Endpoint(server.url),
        ManualClock(NOW),
    )
    server.says(Says(body={"data": {"id": "42", "name": "K"}}))
    publisher.check()
    publish_all_kinds(publisher, "twitter", picture)
    server.says(Says(body={"data": {"deleted": True}}))
    publisher.delete("190")
    pages = [Says(body={"meta": {"result_count": 0, "next_token": "next"}}), Says(body={"meta": {"result_count": 0}})]
    server.says(*pages, Says(400, {"title": "Invalid Request"}), *pages)
    for _ in range(2):
        sighting = publisher.find(Draft("twitter", "x"), NOW - timedelta(minutes=15))
        assert isinstance(sighting, Absent)
    return server.asked


def operation(spec: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """The specification's operation for a request; exact paths win over those with parameters."""
    for path in sorted(spec["paths"], key=lambda template: template.count("{")):
        pattern = re.sub(r"\{\w+\}", r"[0-9]{1,19}", path)
        if re.fullmatch(pattern, asked.path) and asked.method.lower() in spec["paths"][path]:
            found: dict[str, Any] = spec["paths"][path][asked.method.lower()]
            return found
    raise AssertionError(f"{asked.method} {asked.path} is no call of this API")


def parameters(spec: dict[str, Any], of: dict[str, Any]) -> dict[str, dict[str, Any]]:
    listed = [
        spec["components"]["parameters"][entry["$ref"].rsplit("/", 1)[1]] if "$ref" in entry else entry
        for entry in of.get("parameters", [])
    ]
    return {entry["name"]: entry["schema"] for entry in listed if entry["in"] == "query"}


def problems(spec: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    validator = OAS30Validator({**schema, "components": spec["components"]})
    return [problem.message for problem in validator.iter_errors(value)]


def typed(schema: dict[str, Any], text: str) -> Any:
    """A query value as its schema counts it: lists are comma-separated."""
    if schema.get("type") == "array":
        return text.split(",")
    return int(text) if schema.get("type") == "integer" else text


def twitter_problems(spec: dict[str, Any], asked: Asked) -> list[str]:
    call = operation(spec, asked)
    known = parameters(spec, call)
    wrong = [f"unknown parameter {name}" for name in asked.query if name not in known]
    for name in asked.query.keys() & known.keys():
        wrong += problems(spec, known[name], typed(known[name], asked.query[name]))
    contents = call.get("requestBody", {}).get("content", {})
    kind = (asked.headers["content-type"] or "").split(";")[0]
    if asked.body:
        body = asked.json if kind == "application/json" else asked.form
        wrong += problems(spec, contents[kind]["schema"], body) if kind in contents else [f"no body of type {kind}"]
    return wrong


def test_every_request_to_x_is_in_its_openapi_document(server: ScriptedServer, picture: Image) -> None:
    requests = twitter_requests(server, picture)
    new, old = load_spec("x-openapi-subset.json"), load_spec("x-openapi-legacy-subset.json")
    assert {re.sub(r"\d{2,}", "N", f"{asked.method} {asked.path}") for asked in requests} == {
        "GET /2/users/me",
        "POST /2/tweets",
        "POST /2/media/upload",
        "POST /2/media/metadata",
        "DELETE /2/tweets/N",
        "GET /2/users/N/tweets",
    }
    for asked in requests:
        spec = old if "tweet.fields" in asked.query else new
        assert twitter_problems(spec, asked) == [], f"{asked.method} {asked.target}"
    assert {"post.fields", "tweet.fields"} <= {name for asked in requests for name in asked.query}


def test_the_check_of_requests_to_x_notices_mistakes(server: ScriptedServer, picture: Image) -> None:
    requests = twitter_requests(server, picture)
    spec = load_spec("x-openapi-subset.json")
    create = next(asked for asked in requests if asked.path == "/2/tweets")
    timeline = next(asked for asked in requests if "tweet.fields" in asked.query)
    assert twitter_problems(spec, Asked("POST", "/2/tweets", create.headers, b'{"text": "x", "textt": "y"}'))
    assert twitter_problems(spec, Asked("POST", "/2/tweets", create.headers, b'{"media": {"media_ids": ["x"]}}'))
    assert twitter_problems(spec, timeline)  # the old vocabulary is not in the new document
    with pytest.raises(AssertionError):
        twitter_problems(spec, Asked("POST", "/2/tweet", create.headers, create.body))


# Facebook

JSON_TYPES: dict[str, Callable[[Any], bool]] = {
    "bool": lambda value: value in ("true", "false"),
    "unsigned int": lambda value: value.isdigit(),
    "int": lambda value: value.lstrip("-").isdigit(),
    "string": lambda value: True,
    "list<Object>": lambda value: all(isinstance(item, dict) for item in json.loads(value)),
    "Object": lambda value: isinstance(json.loads(value), dict),
}
GENERIC_TYPES = {"limit": "unsigned int", "batch": "list<Object>", "include_headers": "bool"}


def facebook_requests(server: ScriptedServer, picture: Image) -> list[Asked]:
    """One request of every sort that the Facebook publisher sends."""
    credentials = {"access_token": "EAABtoken", "app_id": "77", "app_secret": "secret"}
    publisher = FacebookPublisher("1001", credentials, Endpoint(server.url), ManualClock(NOW))
    server.says(
        Says(body={"id": "1001", "name": "K"}),
        Says(body=[{"code": 200, "body": '{"data": {"is_valid": true}}'}]),
        Says(body={"id": "1001_42"}),
    )
    publisher.check()
    publish_all_kinds(publisher, "facebook", picture)
    server.says(Says(body={"success": True}))
    publisher.correct("1001_42", "Neu")
    publisher.delete("1001_42")
    server.says(Says(400, {"error": {"code": 100, "error_subcode": 33}}), Says(body={"id": "1001"}))
    publisher.delete("1001_42")
    going_on = {"data": [], "paging": {"next": "https://x", "cursors": {"after": "QVFI"}}}
    server.says(Says(body=going_on), Says(body={"data": []}))
    assert isinstance(publisher.find(Draft("facebook", "x"), NOW), Absent)
    return server.asked


def graph_call(spec: dict[str, Any], asked: Asked) -> tuple[str, dict[str, str]]:
    """The path and parameters of the specification's call for a request; the version root takes batches."""
    path = re.sub(r"^/v26\.0", "", asked.path)
    template = re.sub(r"^/\d+_\d+", "/{page-post-id}", path)
    template = re.sub(r"^/\d+", "/{page-id}", template)
    if (asked.method, template) == ("POST", "/"):
        return "/", {name: GENERIC_TYPES[name] for name in spec["generic_params"]["root_POST"]}
    for call in spec["calls"]:
        if (call["method"], call["path"]) == (asked.method, template):
            further = spec["documented_not_in_spec"].get(f"{asked.method} {template}", {})
            return template, call["params"] | dict.fromkeys(further, "string")
    raise AssertionError(f"{asked.method} {asked.path} is no call of this API")


def facebook_problems(spec: dict[str, Any], asked: Asked) -> list[str]:
    _, known = graph_call(spec, asked)
    generic = [*spec["generic_params"]["any"], *spec["generic_params"].get(asked.method, [])]
    known = {name: GENERIC_TYPES.get(name, "string") for name in generic} | known
    sent = asked.query | (asked.form if asked.body else {})
    wrong = [f"unknown parameter {name}" for name in sent if name not in known]
    wrong += [f"{name} was removed" for name in sent if name in spec["generic_params"]["removed"]["GET"]]
    for name, value in sent.items():
        if name in known and not fits(known[name], value):
            wrong.append(f"{name}={value!r} is no {known[name]}")
    return wrong + [f"unknown field {name}" for name in unknown_fields(spec, asked)]


def fits(kind: str, value: str) -> bool:
    try:
        return JSON_TYPES[kind](value)
    except ValueError:
        return False


def unknown_fields(spec: dict[str, Any], asked: Asked) -> list[str]:
    """Fields that the object does not have; what stands in braces (attachments') is not in the specification."""
    template, _ = graph_call(spec, asked)
    node = "Page" if template == "/{page-id}" else "PagePost"
    described = spec["objects"][node]
    names = {*described["fields"], *described.get("read_edges", [])}
    asked_for = re.sub(r"\{[^{}]*\}", "", asked.query.get("fields", ""))
    return [name for name in asked_for.split(",") if name and name not in names]


def test_every_request_to_facebook_is_in_metas_specification(server: ScriptedServer, picture: Image) -> None:
    requests = facebook_requests(server, picture)
    spec = load_spec("facebook-graph-subset.json")
    assert {f"{asked.method} {graph_call(spec, asked)[0]}" for asked in requests} == {
        "GET /{page-id}",
        "POST /",
        "POST /{page-id}/feed",
        "POST /{page-id}/photos",
        "POST /{page-post-id}",
        "DELETE /{page-post-id}",
        "GET /{page-id}/published_posts",
    }
    for asked in requests:
        assert facebook_problems(spec, asked) == [], f"{asked.method} {asked.target}"


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/v26.0/1001/feed", b"mesage=x"),
        ("POST", "/v26.0/1001/feed", b"message=x&published=False"),
        ("POST", "/v26.0/1001/feed", b"attached_media=media_fbid"),
        ("GET", "/v26.0/1001/published_posts?limit=viele", b""),
        ("GET", "/v26.0/1001/published_posts?fields=id,mesage", b""),
        ("GET", "/v26.0/1001?ids=1,2", b""),
    ],
)
def test_the_check_of_requests_to_facebook_notices_mistakes(
    server: ScriptedServer, picture: Image, method: str, target: str, body: bytes
) -> None:
    headers = next(asked for asked in facebook_requests(server, picture) if asked.path.endswith("/feed")).headers
    assert facebook_problems(load_spec("facebook-graph-subset.json"), Asked(method, target, headers, body))


def test_a_call_that_facebook_does_not_have_is_noticed(server: ScriptedServer, picture: Image) -> None:
    headers = facebook_requests(server, picture)[0].headers
    with pytest.raises(AssertionError):
        facebook_problems(load_spec("facebook-graph-subset.json"), Asked("PUT", "/v26.0/1001/feed", headers, b""))
