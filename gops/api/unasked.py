"""Routes that declare no query take no parameters: one that nobody reads would be a mistake that nobody sees."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask_smorest import Blueprint as SmorestBlueprint

from gops.api.arguments import KEY_PARAMETER
from gops.api.problems import InvalidRequest, Wrong


def install(app: Flask) -> None:
    declared = _declared(app)

    @app.before_request
    def refuse() -> None:
        if request.endpoint not in declared or (request.endpoint, _method()) in declared[request.endpoint]:
            return
        names = sorted(set(request.args) - {KEY_PARAMETER})
        if names:
            raise InvalidRequest(tuple(_wrong(name) for name in names))


def _method() -> str:
    return "get" if request.method == "HEAD" else request.method.lower()


def _declared(app: Flask) -> dict[str, set[tuple[str, str]]]:
    """Of every endpoint of the API, the methods that take a query."""
    found: dict[str, set[tuple[str, str]]] = {}
    for blueprint in app.blueprints.values():
        if isinstance(blueprint, SmorestBlueprint):
            for endpoint, methods in blueprint._docs.items():
                name = f"{blueprint.name}.{endpoint}"
                found[name] = {(name, method) for method, doc in methods.items() if _takes_query(doc)}
    return found


def _takes_query(doc: Any) -> bool:
    parameters = doc.get("arguments", {}).get("parameters", []) if isinstance(doc, dict) else []
    return any(one["in"] == "query" for one in parameters)


def _wrong(name: str) -> Wrong:
    message = "this address takes no parameters"
    return Wrong("unknown_parameter", message, name[:200], request.args[name], "no parameter")
