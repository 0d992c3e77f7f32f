"""Pages over the same world as the API's tests."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from gops import portal
from gops.api.app import create_app, openapi_document
from tests.api.conftest import World, migrated_file, populated, shared_app, store, world, world_of, world_with

__all__ = ["migrated_file", "populated", "shared_app", "store", "world", "world_of", "world_with"]


@pytest.fixture
def browser(world: World) -> FlaskClient:
    app = create_app(world.services, world.services.settings, portal.error_page)
    portal.register(app, world.services, lambda: openapi_document(app), kept_seconds=0.0)
    return app.test_client()
