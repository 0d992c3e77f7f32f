"""pygeoapi as a peer: a table of PostgreSQL as a collection, behind gunicorn, from an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bench import _servers
from bench._datasette import ENVIRONMENTS
from tests.live.running import free_port
from tests.postgresql import NotInstalled

TABLE = (
    "CREATE TABLE reading (id bigserial PRIMARY KEY, datastream int, t timestamptz, v float8, quality text, geom text)"
)
COPY = "COPY reading (datastream, t, v, quality) FROM STDIN"
INDEXES = ("CREATE INDEX ON reading (datastream, t)", "VACUUM ANALYZE reading")


def environment() -> Path:
    """Raises ``NotInstalled``."""
    found = ENVIRONMENTS / "pygeoapi" / "bin"
    if not (found / "pygeoapi").exists() or not (found / "gunicorn").exists():
        raise NotInstalled("pygeoapi is not installed: bench/README.md says how")
    return found


def version() -> str:
    return subprocess.run([environment() / "pygeoapi", "--version"], check=True, capture_output=True, text=True).stdout


@contextmanager
def served(folder: Path, rows: Iterator[tuple[Any, ...]]) -> Iterator[_servers.HttpServer]:
    """``rows`` of (Datastream, time, value, quality) as the collection ``reading``. Raises ``NotInstalled``."""
    home = environment()
    folder.chmod(0o711)  # PostgreSQL's own user comes through
    database = _servers.Postgres(folder / "postgres")
    try:
        _fill(folder / "postgres", rows)
        port = free_port()
        settings = _configured(folder, port)
        openapi = ["openapi", "generate", settings["PYGEOAPI_CONFIG"], "--output-file", settings["PYGEOAPI_OPENAPI"]]
        environ = {**os.environ, **settings}
        subprocess.run([str(home / "pygeoapi"), *openapi], check=True, capture_output=True, env=environ)
        command = ["env", *(f"{name}={value}" for name, value in settings.items()), str(home / "gunicorn")]
        command += ["--workers", "1", "--threads", "8", "--keep-alive", "60", "-b", f"127.0.0.1:{port}"]
        server = _servers.HttpServer(
            [*command, "pygeoapi.flask_app:APP"], port, folder / "pygeoapi.log", "/conformance?f=json"
        )
        try:
            yield server
        finally:
            server.close()
    finally:
        database.close()


def _fill(folder: Path, rows: Iterator[tuple[Any, ...]]) -> None:
    address = f"host={folder} user={_servers.SUPERUSER} dbname=postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(TABLE)
        with connection.cursor().copy(COPY) as copy:
            for row in rows:
                copy.write_row(row)
        for words in INDEXES:
            connection.execute(words)


def _configured(folder: Path, port: int) -> dict[str, str]:
    """The environment of pygeoapi; JSON is YAML."""
    data = {
        "host": str(folder / "postgres"),
        "dbname": "postgres",
        "user": _servers.SUPERUSER,
        "search_path": ["public"],
    }
    provider = {"type": "feature", "name": "PostgreSQL", "data": data | {"password": "none"}, "table": "reading"}
    bbox = [126.0, 37.0, 128.0, 38.0]
    collection = {
        "type": "collection",
        "title": "reading",
        "description": "reading",
        "keywords": ["reading"],
        "links": [],
        "extents": {"spatial": {"bbox": bbox, "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "providers": [provider | {"id_field": "id", "geom_field": "geom"}],
    }
    words = {"title": "bench", "description": "bench", "keywords": ["bench"], "terms_of_service": "", "url": "http://b"}
    config = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "gzip": False,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 100, "max_items": 1000, "on_exceed": "throttle"},
            "pretty_print": False,
            "map": {"url": "https://b/{z}/{x}/{y}.png", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": words,
            "license": {"name": "none", "url": "http://b"},
            "provider": {"name": "bench", "url": "http://b"},
            "contact": {"name": "bench"},
        },
        "resources": {"reading": collection},
    }
    path = folder / "pygeoapi.yml"
    path.write_text(json.dumps(config))
    return {"PYGEOAPI_CONFIG": str(path), "PYGEOAPI_OPENAPI": str(folder / "pygeoapi.openapi.yml")}
