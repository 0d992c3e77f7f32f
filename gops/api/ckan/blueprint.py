"""CKAN's envelope over HTTP: ``/api/3/action/{name}``, by GET and by POST of JSON.

``{"help", "success": true, "result"}``, or ``{"help", "success": false, "error": {"__type", "message"}}`` with CKAN's
status: 400 for an unknown action, 403 for one that would write, 404, and 409 for wrong parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, request

from gops import logs
from gops.api.catalog.addresses import base
from gops.api.ckan.actions import ACTIONS, ALIASES, HARMLESS
from gops.api.ckan.asked import Asked, read
from gops.errors import Forbidden, GopsError, Invalid, Malformed, NotFound, TooLarge, Unauthenticated

blueprint = Blueprint("ckan", __name__)
WRITING = ("create", "update", "patch", "delete", "upsert", "purge", "revise", "reorder", "invite", "follow")
log = logs.get(__name__)
Answer = tuple[int, Any]


@blueprint.route("/api/3", methods=["GET"])
def version() -> Response:
    """Which API this is, as CKAN answers it."""
    return _json(200, {"version": 3})


@blueprint.route("/api/3/action/<name>", methods=["GET", "POST"])
@blueprint.route("/api/action/<name>", methods=["GET", "POST"])
def action(name: str) -> Response:
    """An action of CKAN."""
    known = ALIASES.get(name, name)
    if known not in ACTIONS:
        return _unknown(name)
    status, told = _answered(known)
    said = {"help": f"{base()}/api/3/action/help_show?name={known}", "success": status == 200}
    response = _json(status, {**said, ("result" if status == 200 else "error"): told})
    if status != 200:
        response.cache_control.no_store = True
    return response


def _answered(name: str) -> Answer:
    try:
        asked = Asked(read(request), HARMLESS)
        found = ACTIONS[name](asked)
        asked.done()
    except GopsError as error:
        return _failed(error)
    return 200, found


def _failed(error: GopsError) -> Answer:
    if isinstance(error, NotFound):
        return 404, {"__type": "Not Found Error", "message": f"Not found: {error.message}"}
    if isinstance(error, Invalid | TooLarge | Malformed):
        words = error.message if error.expected is None else f"{error.message}: {error.expected}"
        return 409, {"__type": "Validation Error", "message": words, error.field or "message": [words]}
    if isinstance(error, Forbidden | Unauthenticated):
        return 403, {"__type": "Authorization Error", "message": f"Access denied: {error.message}"}
    log.error("action_failed", exc_info=error)
    return 503, {"__type": "Internal Server Error", "message": "not available now"}


def _unknown(name: str) -> Response:
    if name.rpartition("_")[2] in WRITING:
        message = "Access denied: this API of CKAN only reads; /api/v1 writes"
        said: Mapping[str, Any] = {"__type": "Authorization Error", "message": message}
        return _json(403, {"success": False, "error": said})
    return _json(400, f"Bad request - Action name not known: {name[:100]}")


def _json(status: int, body: Any) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")
