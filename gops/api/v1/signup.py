"""Signing up: a key to read with, at once."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.allowance import HourlyAllowance, client_network
from gops.api.blueprint import Blueprint
from gops.api.context import services
from gops.api.fields import Strict

blueprint = Blueprint("signup", __name__, description="A key for anybody")
ALLOWANCE = "gops-signup"
"""Where the app keeps who signed up how often."""


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
        allowance: HourlyAllowance = current_app.extensions[ALLOWANCE]
        with allowance.one(client_network(request.remote_addr)):
            return {"key": services().signup.signup(new["email"], new["name"])}
