"""Every operation of the document has an example, and examples are what their schemas take."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gops.api.app import openapi_document
from gops.api.examples import of_schema
from tests.api.conftest import World

NOTHING = ("POST /api/v1/sites/import",)
"""Operations whose body is what somebody else's file has."""


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi_document(world.app))
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict)
    ]


def test_every_operation_has_a_call_of_curl_that_names_everything_that_it_needs(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        (sample,) = operation["x-codeSamples"]
        assert sample["source"].startswith("curl -s "), label
        assert "{" not in sample["source"].split(" --json ")[0], label
        needs_key = bool(operation["security"]) and {} not in operation["security"]
        assert ("$KEY" in sample["source"]) == needs_key, label
        for one in operation.get("parameters", []):
            if one["in"] == "query" and one.get("required"):
                assert f"{one['name']}=" in sample["source"], label


def test_examples_of_bodies_are_what_their_schemas_take(document: dict[str, Any]) -> None:
    seen = 0
    for label, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None or "schema" not in content:
            continue
        schema = {**content["schema"], "components": document["components"]}
        wrong = [error.message for error in Draft202012Validator(schema).iter_errors(content["example"])]
        assert wrong == [], label
        seen += 1
    assert seen > 20


def test_no_example_is_left_to_its_type(document: dict[str, Any]) -> None:
    """What nobody gave a value would be the word text, or an object without members."""
    for label, operation in operations(document):
        source = operation["x-codeSamples"][0]["source"]
        assert re.search(r"[/=]text\b|: \"text\"", source) is None, label
        assert "{}" not in source or label in NOTHING, label


def test_the_examples_of_site_and_call_are_taken(document: dict[str, Any], world: World) -> None:
    """With sites that are there."""
    made: dict[str, Any] = {}
    for name in ("sites", "calls"):
        body = document["paths"][f"/api/v1/{name}"]["post"]["requestBody"]["content"]["application/json"]["example"]
        if name == "calls":
            body["terms"]["sites"] = [made["sites"]["id"]]
        answer = world.call("POST", f"/{name}", "publisher", json=body)
        assert answer.status_code == 201, answer.text
        made[name] = answer.json
    assert made["calls"]["terms"]["criteria"][0]["name"] == "시민 체감 효과"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": ["string", "null"], "enum": ["a", "b"]}, "a"),
        ({"type": "string", "format": "date"}, "2026-03-02"),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"type": "object", "properties": {"a": {"type": "number"}, "b": {}}, "required": ["a"]}, {"a": 1.5}),
        ({"anyOf": [{"type": "string", "minLength": 6}]}, "textxx"),
    ],
)
def test_an_example_is_made_of_what_the_schema_says(schema: dict[str, Any], value: Any) -> None:
    assert of_schema(schema, {}, "x") == value
