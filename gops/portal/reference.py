"""The API document as a list of routes, for the page that works without script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Parameter:
    name: str
    about: str
    required: bool


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    summary: str
    description: str
    needs_key: bool
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Chapter:
    name: str
    about: str
    routes: tuple[Route, ...]


def chapters(document: Mapping[str, Any]) -> list[Chapter]:
    """Routes by tag, in the order of the document."""
    routes: dict[str, list[Route]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                routes.setdefault(operation["tags"][0], []).append(_route(method, path, operation, document))
    return [
        Chapter(tag["name"], tag.get("description", ""), tuple(routes.get(tag["name"], ()))) for tag in document["tags"]
    ]


def _route(method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> Route:
    security = operation.get("security", [])
    return Route(
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        needs_key=bool(security) and {} not in security,
        parameters=(*_query(operation), *_body(operation, document)),
    )


def _query(operation: Mapping[str, Any]) -> list[Parameter]:
    return [
        Parameter(one["name"], one.get("description", ""), one.get("required", False))
        for one in operation.get("parameters", [])
        if one["in"] == "query"
    ]


def _body(operation: Mapping[str, Any], document: Mapping[str, Any]) -> list[Parameter]:
    """The members of an object; none of a body that is text or a file."""
    content = operation.get("requestBody", {}).get("content", {})
    reference = next((one["schema"]["$ref"] for one in content.values() if "$ref" in one["schema"]), None)
    if reference is None:
        return []
    schema = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
    wanted = schema.get("required", [])
    return [
        Parameter(field, about.get("description", ""), field in wanted)
        for field, about in schema.get("properties", {}).items()
        if not about.get("readOnly")
    ]
