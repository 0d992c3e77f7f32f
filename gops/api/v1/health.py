"""Is it alive, and can it serve?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api.blueprint import Blueprint
from gops.api.context import services
from gops.api.fields import Strict
from gops.errors import Unavailable

blueprint = Blueprint("health", __name__, description="For load balancers and monitors")


class Live(Strict):
    ok = fields.Boolean(metadata={"description": "always true: it answers"})


class Ready(Strict):
    ok = fields.Boolean()
    components = fields.Dict(fields.String(), fields.Dict(), metadata={"description": "each with its own ok"})


@blueprint.route("/health/live")
class LiveView(MethodView):
    @blueprint.response(200, Live)
    @blueprint.open()
    def get(self) -> Any:
        """Say that this process answers"""
        return {"ok": True}


@blueprint.route("/health/ready")
class ReadyView(MethodView):
    @blueprint.response(200, Ready)
    @blueprint.open(503)
    def get(self) -> Any:
        """Say whether every part works

        Each part answers a real question. A 503 names those that do not in `found`.
        """
        health = services().health()
        if not health["ok"]:
            failing = _failing(health)
            raise Unavailable("not every part works", field="components", found=failing, expected="every one ok")
        return health


def _failing(health: Mapping[str, Any]) -> str:
    parts: Mapping[str, Mapping[str, Any]] = health["components"]
    return ", ".join(sorted(name for name, part in parts.items() if not part.get("ok"))) or "unknown"
