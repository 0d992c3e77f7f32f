"""Signing up: a key to read with, at once."""

from __future__ import annotations

import ipaddress
from typing import Any

from flask import Flask, request
from flask.views import MethodView
from flask_limiter import Limiter
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import services
from gops.api.fields import Strict

blueprint = Blueprint("signup", __name__, description="A key for anybody")
HOUR_SECONDS = 3600


class SignupNew(Strict):
    email = own.email("your mail address")
    name = own.text("your name", 200, shortest=1, required=True)


class SignupDone(Strict):
    key = fields.String(metadata={"description": "an API key that reads public data, shown this once"})


@blueprint.route("/signup")
class SignupView(MethodView):
    @blueprint.arguments(SignupNew)
    @blueprint.response(201, SignupDone)
    @blueprint.open(413, 415, 422, 429)
    def post(self, new: dict[str, Any]) -> Any:
        """Get a key

        The answer looks the same whether or not the mail address was known before.
        """
        return {"key": services().signup.signup(new["email"], new["name"])}


def limit(app: Flask, per_hour: int) -> None:
    """Sign-ups of one address per hour; what counts is kept in this process."""
    limiter = Limiter(key_func=client_network, app=app, storage_uri="memory://", headers_enabled=True)
    name = f"{blueprint.name}.{SignupView.__name__}"
    counted = limiter.limit(f"{per_hour} per hour", methods=["POST"], deduct_when=lambda made: made.status_code == 201)
    limited: Any = counted(app.view_functions[name])
    app.view_functions[name] = limited


def client_network() -> str:
    """The client's address; of IPv6 the /64 network, which is what one customer is given."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
