"""Datasette as a peer: a SQLite file served with the settings that ``README.md`` names, from its own environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import _servers
from tests.live.running import free_port
from tests.postgresql import NotInstalled

ENVIRONMENTS = Path(os.environ.get("GOPS_BENCH_PEERS", Path.home() / ".cache" / "gops-peers"))
FAIR = {
    "max_csv_mb": "0",
    "suggest_facets": "off",
    "max_returned_rows": "5000",
    "sql_time_limit_ms": "60000",
    "facet_time_limit_ms": "60000",
}


def program() -> Path:
    """Raises ``NotInstalled``."""
    found = ENVIRONMENTS / "datasette" / "bin" / "datasette"
    if not found.exists():
        raise NotInstalled("Datasette is not installed: bench/README.md says how")
    return found


def version() -> str:
    return subprocess.run([program(), "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]


@contextmanager
def served(database: Path, settings: Mapping[str, str] = FAIR) -> Iterator[_servers.HttpServer]:
    """The file at ``/<its name without suffix>``. Raises ``NotInstalled``."""
    inspected, port = database.with_suffix(".inspect.json"), free_port()
    subprocess.run([program(), "inspect", database, f"--inspect-file={inspected}"], check=True, capture_output=True)
    command = [str(program()), "serve", "-i", str(database), f"--inspect-file={inspected}", "--cors", "-p", str(port)]
    for name, value in settings.items():
        command += ["--setting", name, value]
    server = _servers.HttpServer(command, port, database.with_suffix(".log"), "/-/versions.json")
    try:
        yield server
    finally:
        server.close()
