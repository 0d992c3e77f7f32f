"""An example of every request in the OpenAPI document: bodies and parameters from their schemas, and a call of curl.

What a field says of itself comes first: its example, its default, the first of its words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gops.api.example_values import BY_FORMAT, BY_NAME, BY_SCHEMA, BY_TYPE, IN_QUERY

Schema = Mapping[str, Any]
DEPTH = 6  # of objects in objects; deeper ones are left empty
READ = ("get", "head")


def add(document: dict[str, Any]) -> None:
    """Put them into ``document``: ``example`` of parameters in paths and of bodies, ``x-codeSamples`` of operations."""
    schemas = document.get("components", {}).get("schemas", {})
    for path, item in document["paths"].items():
        of_path = item.get("parameters", [])
        for method, operation in item.items():
            if isinstance(operation, dict):
                _operation(method, path, operation, [*of_path, *operation.get("parameters", [])], schemas)


def _operation(method: str, path: str, operation: dict[str, Any], parameters: list[Any], schemas: Schema) -> None:
    address = path
    for one in parameters:
        if one["in"] == "path":
            one.setdefault("example", of_schema(one["schema"], schemas, one["name"]))
            address = address.replace("{" + one["name"] + "}", quote(str(one["example"])))
    words = ["curl -s"]
    if operation.get("security") and {} not in operation["security"]:
        words.append('-H "Authorization: Bearer $KEY"')
    if method not in READ:
        words.append(f"-X {method.upper()}")
    words += [f"'https://HOST{address}{_query(parameters, schemas)}'", *_body(operation, schemas)]
    operation["x-codeSamples"] = [{"lang": "shell", "label": "curl", "source": " ".join(words)}]


def _query(parameters: Sequence[Any], schemas: Schema) -> str:
    needed = [one for one in parameters if one["in"] == "query" and one.get("required")]
    values = {
        one["name"]: IN_QUERY.get(one["name"]) or of_schema(one["schema"], schemas, one["name"]) for one in needed
    }
    pairs = (f"{name}={quote(str(value), safe='/:,')}" for name, value in values.items())
    return "?" + "&".join(pairs) if needed else ""


def _body(operation: dict[str, Any], schemas: Schema) -> list[str]:
    contents = operation.get("requestBody", {}).get("content", {})
    asked = contents.get("application/json")
    if asked is None:
        return [f"-H 'Content-Type: {media_type}' --data-binary @FILE" for media_type in list(contents)[:1]]
    example = asked.setdefault("example", of_schema(asked.get("schema", {}), schemas, "body"))
    return [f"--json '{json.dumps(example, ensure_ascii=False)}'"]


def of_schema(schema: Schema, schemas: Schema, name: str, depth: int = 0) -> Any:
    """A value that ``schema`` takes, as far as one can be made of what it says. ``name`` is what it belongs to."""
    if "$ref" in schema:
        named = schema["$ref"].rsplit("/", 1)[1]
        found = of_schema(schemas[named], schemas, name, depth)
        return {**found, **BY_SCHEMA[named]} if named in BY_SCHEMA else found
    for said in ("example", "const", "default"):
        if schema.get(said) is not None:
            return schema[said]
    for said in ("examples", "enum"):
        if schema.get(said):
            return next(iter(schema[said]))
    for said in ("allOf", "anyOf", "oneOf"):
        if schema.get(said):
            return of_schema(schema[said][0], schemas, name, depth)
    return _of_type(schema, schemas, name, depth)


def _of_type(schema: Schema, schemas: Schema, name: str, depth: int) -> Any:
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = kinds if isinstance(kinds, str) else next(word for word in kinds if word != "null")
    if kind == "object":
        said = None if schema.get("properties") else BY_NAME.get(name)
        return said if isinstance(said, dict) else _object(schema, schemas, depth)
    if kind == "array":
        items = schema.get("items", {})
        return [of_schema(items, schemas, name, depth + 1)] if schema.get("minItems", 1) and depth < DEPTH else []
    if kind in ("integer", "number"):
        return max(BY_TYPE[kind], schema.get("minimum", BY_TYPE[kind]))
    return BY_TYPE[kind] if kind in BY_TYPE else _text(schema, name)


def _object(schema: Schema, schemas: Schema, depth: int) -> dict[str, Any]:
    """Its required members; of one that requires none the first."""
    members = schema.get("properties", {})
    asked = [one for one in members if one in schema.get("required", ())] or list(members)[:1]
    if depth >= DEPTH:
        return {}
    return {one: of_schema(members[one], schemas, one, depth + 1) for one in asked if not members[one].get("readOnly")}


def _text(schema: Schema, name: str) -> str:
    known = BY_FORMAT.get(schema.get("format", "")) or BY_NAME.get(name) or BY_NAME.get(name.rsplit("_", 1)[-1])
    text = known if isinstance(known, str) else "text"
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 1000)]
