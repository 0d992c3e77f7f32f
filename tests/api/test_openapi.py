"""The OpenAPI document: frozen, valid, complete, and true."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.api.conftest import FROZEN, World

ONE = "/api/v1/datastreams/{datastream_id}/observations"


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.get("/openapi.json").json
    return found


def test_the_document_is_as_frozen(document: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """A change of the API is a diff of openapi.json. `make openapi` writes it anew."""
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    if request.config.getoption("--rewrite-openapi", default=False):
        FROZEN.write_text(text)
    assert FROZEN.read_text() == text


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict)
    ]


def test_every_route_is_in_the_document(world: World, document: dict[str, Any]) -> None:
    served = {
        (
            rule.rule.replace("<id:", "{")
            .replace("<slug:", "{")
            .replace("<name:", "{")
            .replace("<", "{")
            .replace(">", "}"),
            method,
        )
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1")
    }
    assert served == {(path, method.upper()) for path, method, _ in operations(document)}


def test_every_operation_says_what_it_is_who_may_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], (path, method)
        assert not operation["summary"].endswith("."), (path, method)
        assert "security" in operation, (path, method)
        assert "default" in operation["responses"], (path, method)
        assert any(status.startswith("2") for status in operation["responses"]), (path, method)
        if operation["security"] and {} not in operation["security"]:
            assert "401" in operation["responses"], (path, method)


def test_operation_ids_are_each_of_one_operation(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_parameter_and_property_of_a_request_is_described(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                assert parameter.get("description"), (path, method, parameter["name"])


def resolved(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of a 200 as JSON, with the document's components to refer to."""
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**schema, "components": document["components"]}


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/api/v1", ""),
        ("/api/v1/datastreams/{datastream_id}/observations", "/datastreams/{id}/observations?limit=2"),
        (
            "/api/v1/datastreams/{datastream_id}/observations",
            "/datastreams/{id}/observations?every=1h&aggregate=mean,max",
        ),
        ("/api/v1/observations", "/observations?datastream={id}"),
        ("/api/v1/latest", "/latest"),
        ("/api/v1/datastreams", "/datastreams"),
        ("/api/v1/datastreams/{datastream_id}", "/datastreams/{id}"),
        ("/api/v1/things", "/things"),
        ("/api/v1/sensors", "/sensors"),
        ("/api/v1/observed-properties", "/observed-properties"),
        ("/api/v1/organisations", "/organisations?limit=1"),
        ("/api/v1/problems", "/problems"),
        ("/api/v1/health/ready", "/health/ready"),
    ],
)
def test_answers_are_as_the_document_says(world: World, document: dict[str, Any], path: str, address: str) -> None:
    """Rows of readings are written by hand, so their schema is held against a real answer, strictly."""
    stream = world.stream(period="PT1M")
    world.services.things.move(world.publisher, stream.thing_id, 127.0, 37.2, "City Hall")
    world.write(stream, [1, None, 3])
    body = world.get(address.format(id=stream.id)).json
    schema = resolved(document, path)
    Draft202012Validator(schema).validate(body)
    for member, item in (("observations", "Reading"), ("windows", "Window"), ("latest", "Newest")):
        for row in body.get(member, []) if isinstance(body, dict) else []:
            properties = document["components"]["schemas"][item]
            assert set(row) <= set(properties["properties"]), row
            assert set(properties.get("required", [])) <= set(row), row


def test_a_problem_is_as_the_document_says(world: World, document: dict[str, Any]) -> None:
    schema = {**document["components"]["schemas"]["Problem"], "components": document["components"]}
    for answer in (world.get("/nothing"), world.post("/signup", body={"x": 1}), world.get("/keys")):
        Draft202012Validator(schema).validate(answer.json)
        assert set(answer.json) <= set(schema["properties"])
