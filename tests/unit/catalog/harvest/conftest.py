"""A catalog on loopback, and an organisation that harvests it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from gops.catalog.harvest.model import HarvestRun
from gops.catalog.harvest.running import Harvester
from gops.catalog.harvest.sources import HarvestSources
from gops.catalog.model import HARVESTED, Dataset
from gops.outbound import Bounds, Outbound
from gops.settings import Settings
from tests.unit.catalog.conftest import World

Body = bytes | Callable[[BaseHTTPRequestHandler], None]
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
}


class Site:
    """``put`` an answer to a path (with its query); ``asked`` are paths and headers."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], Body]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, headers, body = site.answers.get(self.path, (404, {}, b""))
                if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
                    status, body = 304, b""
                with suppress(OSError):  # the harvester left
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    if callable(body):
                        self.end_headers()
                        body(self)
                    else:
                        self.send_header("Content-Length", str(len(body)))
                        self.end_headers()
                        self.wfile.write(body)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def put(self, body: Body, path: str = "/catalog", kind: str = "application/ld+json", **headers: str) -> None:
        self.answers[path] = 200, {"Content-Type": kind, **headers}, body

    def catalog(self, *datasets: dict[str, Any], path: str = "/catalog", following: str = "", **headers: str) -> None:
        """A page of DCAT in JSON-LD."""
        node: dict[str, Any] = {"@context": CONTEXT, "@id": f"{self.url}/catalog", "@type": "dcat:Catalog"}
        if following:
            node["hydra:view"] = {"@type": "hydra:PartialCollectionView", "hydra:next": {"@id": following}}
        self.put(orjson.dumps(node | {"dcat:dataset": list(datasets)}), path, **headers)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def said(name: str, title: str | None = "대기질", **more: Any) -> dict[str, Any]:
    """A dataset as DCAT in JSON-LD."""
    titles = {} if title is None else {"dct:title": {"@value": title, "@language": "ko"}}
    return {"@id": f"https://city.example/d/{name}", "@type": "dcat:Dataset"} | titles | more


@dataclass
class Harvesting:
    world: World
    site: Site
    sources: HarvestSources
    harvester: Harvester
    ids: list[int] = field(default_factory=list)

    def declare(self, path: str = "/catalog", **more: Any) -> int:
        words = {"protocol": "dcat", "url": self.site.url + path, "name": "도시", "theme": "regions"} | more
        self.ids.append(self.sources.create(self.world.actor, "suwon", words).id)
        return self.ids[-1]

    def run(self, path: str = "/catalog", believe: bool = False, **more: Any) -> HarvestRun:
        """Harvest the source, declared where there is none yet; its last run."""
        one = self.ids[-1] if self.ids else self.declare(path, **more)
        self.world.clock.move(hours=1)
        self.sources.ask(self.world.actor, one, believe)
        assert self.harvester.run() == 1
        return self.sources.runs(self.world.actor, one)[-1]

    def datasets(self, *states: str) -> list[Dataset]:
        wanted = Dataset.kind == HARVESTED, Dataset.state.in_(states or ("published",))
        with self.world.database.read() as session:
            return list(session.scalars(select(Dataset).where(*wanted).order_by(Dataset.id)))


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def harvesting_over(site: Site) -> Callable[..., Harvesting]:
    def make(world: World, size: int = 1_000_000, **changed: Any) -> Harvesting:
        settings: Settings = replace(world.settings, **changed)
        bounds = Bounds(connect=2, read=2, total=2, size=size, redirects=2)
        outbound = Outbound(bounds, (ip_network("127.0.0.1/32"),))
        sources = HarvestSources(world.database, world.clock, settings, outbound)
        return Harvesting(world, site, sources, Harvester(world.database, world.clock, settings, outbound))

    return make


@pytest.fixture
def harvesting_with(world: World, harvesting_over: Callable[..., Harvesting]) -> Callable[..., Harvesting]:
    return partial(harvesting_over, world)


@pytest.fixture
def harvesting(harvesting_with: Callable[..., Harvesting]) -> Harvesting:
    return harvesting_with()
