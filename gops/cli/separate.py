"""``gops ingest``, ``gops api`` and ``gops feeds``: GOPS in several processes over a store that is a server."""

from __future__ import annotations

import signal
import threading

import click

from gops import logs, settings
from gops.cli.server import initialise, serve, wait_for_port
from gops.clock import SystemClock


def _begin() -> settings.Settings:
    from gops import separate

    chosen = settings.load()
    logs.configure(chosen.log_level, chosen.log_style)
    separate.check(chosen)
    initialise(chosen)
    return chosen


def _until_told() -> threading.Event:
    """Set by SIGINT and SIGTERM."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopping.set())
    return stopping


@click.command()
def ingest() -> None:
    """Take in what devices publish, on a seat of a shared subscription; start as many as there is work for."""
    chosen = _begin()
    from gops.separate import IngestProcess

    IngestProcess(chosen, SystemClock()).run(_until_told())


@click.command()
def api() -> None:
    """Serve the API and the pages alone."""
    chosen = _begin()
    wait_for_port(chosen.host, chosen.port, "GOPS_PORT")
    serve(chosen, "gops.serving:api")


@click.command()
def feeds() -> None:
    """Pull feeds and do all jobs by the clock; of several started, one does and the others stand by."""
    chosen = _begin()
    from gops.separate import run_jobs

    run_jobs(chosen, SystemClock(), _until_told())
