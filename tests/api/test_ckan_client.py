"""``ckanapi``, CKAN's own client, reads GOPS over HTTP unchanged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from tests.api.conftest import World
from tests.api.test_datasets import private, published
from tests.proof import needed


@pytest.fixture
def address(world: World) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("get_only", [False, True], ids=["POST", "GET"])
def test_ckanapi_finds_and_reads_a_dataset(world: World, address: str, get_only: bool) -> None:
    ckanapi: Any = needed("ckanapi")
    stream = private(world)
    world.write(stream, [1.0, 2.0, 3.0])
    published(world, stream)
    with ckanapi.RemoteCKAN(address, get_only=get_only) as ckan:
        assert ckan.action.site_read() is True
        assert ckan.action.package_list() == ["air"]
        found = ckan.action.package_search(q="대기질", fq="organization:suwon", rows=5, facet_field=["organization"])
        assert (found["count"], found["results"][0]["name"]) == (1, "air")
        package = ckan.action.package_show(id=found["results"][0]["id"])
        assert ckan.action.organization_show(id=package["owner_org"])["name"] == "suwon"
        (readable,) = [one for one in package["resources"] if one["datastore_active"]]
        assert ckan.action.resource_show(id=readable["id"])["package_id"] == package["id"]
        rows = ckan.action.datastore_search(resource_id=readable["id"], limit=2)
        assert ([row["value"] for row in rows["records"]], rows["total"]) == ([1.0, 2.0], 3)
        with pytest.raises(ckanapi.NotFound):
            ckan.action.package_show(id="nothing")
        with pytest.raises(ckanapi.ValidationError):
            ckan.action.datastore_search(resource_id=readable["id"], sort="nonsense")
        with pytest.raises(ckanapi.NotAuthorized):
            ckan.action.package_delete(id="air")
