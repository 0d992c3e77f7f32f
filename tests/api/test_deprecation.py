"""A route that goes says so, for half a year at least."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from flask import Flask
from flask.views import MethodView

from gops.api.blueprint import Api, Blueprint
from gops.api.deprecation import deprecated


def test_a_deprecated_route_says_since_when_until_when_and_what_follows() -> None:
    app, blueprint = Flask("old"), Blueprint("old", __name__)

    @blueprint.route("/old")
    class Old(MethodView):
        @deprecated(dt.date(2026, 1, 1), dt.date(2026, 7, 1), "/api/v1/new")
        @blueprint.response(200)
        def get(self) -> Any:
            """Show what is old"""
            return {}, {"Link": '</page2>; rel="next"'}

    api = Api(app, "")
    api.register_blueprint(blueprint, url_prefix="/api/v1")
    answer = app.test_client().get("/api/v1/old")
    assert answer.status_code == 200
    assert answer.headers["Deprecation"] == "@1767225600"
    assert answer.headers["Sunset"] == "Wed, 01 Jul 2026 00:00:00 GMT"
    assert answer.headers["Link"].startswith('</page2>; rel="next", ')
    assert '</api/v1/new>; rel="successor-version"' in answer.headers["Link"]
    assert json.loads(api.document())["paths"]["/api/v1/old"]["get"]["deprecated"] is True


def test_notice_is_half_a_year() -> None:
    with pytest.raises(ValueError, match="180 days"):
        deprecated(dt.date(2026, 1, 1), dt.date(2026, 6, 1), "/api/v1/new")
