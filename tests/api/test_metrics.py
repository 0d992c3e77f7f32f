"""``GET /metrics``."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from gops.api.app import create_app
from tests.api.conftest import World

TOKEN = "a-token-of-the-figures"


@pytest.fixture
def measured(world: World) -> Flask:
    settings = replace(world.services.settings, metrics_token=TOKEN)
    return create_app(replace(world.services, settings=settings), settings)


def test_without_a_token_in_the_settings_nothing_is_there(world: World) -> None:
    assert world.http.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    assert world.http.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer é"}])
def test_another_token_is_refused(measured: Flask, headers: dict[str, str]) -> None:
    answer = measured.test_client().get("/metrics", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert TOKEN not in answer.text


def test_requests_are_counted_by_the_template_of_their_address(measured: Flask) -> None:
    http = measured.test_client()
    for number in (1, 2, 3):
        http.get(f"/api/v1/things/{number}")
    http.get("/nowhere/else")
    text = http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert 'gops_http_requests_total{method="GET",route="/api/v1/things/<id:thing_id>",status="404"} 3.0' in text
    assert 'gops_http_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert "/nowhere" not in text
