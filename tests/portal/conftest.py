"""Pages over the same world as the API's tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gops import portal
from gops.api.app import create_app, openapi_document
from gops.api.context import EXTENSION
from tests.api.conftest import (
    World,
    migrated_file,
    nothing_yet,
    populated,
    shared_app,
    store,
    world,
    world_of,
    world_with,
)

__all__ = ["migrated_file", "populated", "shared_app", "store", "world", "world_of", "world_with"]


@dataclass
class Present:
    """The services of the test that runs, for an app that lasts longer than one."""

    services: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.services, name)


@pytest.fixture(scope="session")
def shared_pages() -> tuple[Flask, Present]:
    """An app with pages that keeps none: to make one, and to compile its templates, is most of a short test."""
    services = nothing_yet()
    app, present = create_app(services, services.settings, portal.error_page), Present(services)
    portal.register(app, present, lambda: openapi_document(app), kept_seconds=0.0)
    return app, present


@pytest.fixture
def browser(shared_pages: tuple[Flask, Present], world: World) -> FlaskClient:
    app, present = shared_pages
    app.extensions[EXTENSION] = present.services = world.services
    return app.test_client()
