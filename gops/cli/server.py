"""``gops init``, ``run``, ``status`` and ``settings``."""

from __future__ import annotations

import json
import multiprocessing
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import click

from gops import admin, logs, settings, stores
from gops.clock import SystemClock
from gops.errors import BadSetting, Unavailable
from gops.keeping.standing import stands
from gops.process import BACKOFF_SECONDS, Keeper

PORT_WAIT_SECONDS = 20.0
log = logs.get(__name__)


@click.command()
def init() -> None:
    """Create the data folder, the records and the operator, and print the operator's key once."""
    _announce(initialise(settings.load()))


@click.command()
@click.option("--demo", is_flag=True, help="Seed the demo province and run its simulated devices.")
def run(demo: bool) -> None:
    """Run everything: the embedded broker (unless GOPS_MQTT_URL names one), ingest, API and pages."""
    chosen = settings.load()
    logs.configure(chosen.log_level, chosen.log_style)
    wait_for_port(chosen.host, chosen.port, "GOPS_PORT")
    if not chosen.mqtt_url:
        wait_for_port(chosen.mqtt_broker_host, chosen.mqtt_broker_port, "GOPS_MQTT_BROKER_PORT")
    stores.refuse_held(chosen, PORT_WAIT_SECONDS)
    key = initialise(chosen)
    _announce(key)
    if demo:
        if key:
            click.echo("The demo province is being made; this once it takes a minute or two.", err=True)
        _prepare_demo()
    children = []
    if not chosen.mqtt_url:
        children.append(Keeper("broker", [sys.executable, "-m", "gops.ingest.broker"]).start())
    if demo:
        children.append(Keeper("demo", [sys.executable, "-m", "gops", "demo", "run", "--child"]).start())
    click.echo(f"GOPS is starting on http://{chosen.host}:{chosen.port}/ (stop with Ctrl-C)", err=True)
    try:
        serve(chosen)
    finally:
        for child in reversed(children):
            child.stop()


_process = click.option("--process", default="", help="One of several: ingest-1, api or feeds.")


def _ask(process: str, command: str) -> Any:
    chosen = settings.load()
    return admin.call(chosen.socket_of(process) if process else chosen.admin_socket, command)


@click.command()
@_process
def status(process: str) -> None:
    """Ask the running server how it is."""
    click.echo(json.dumps(_ask(process, "status"), ensure_ascii=False, indent=2))


@click.command()
@_process
def metrics(process: str) -> None:
    """Print the running server's figures as Prometheus reads them."""
    click.echo(_ask(process, "metrics"), nl=False)


@click.command("settings")
@click.option("--example", is_flag=True, help="Print every setting with its default, as in deploy/gops.env.example.")
def show_settings(example: bool) -> None:
    """List the settings in force; secrets in addresses are masked."""
    if example:
        click.echo(settings.example(), nl=False)
        return
    chosen = settings.load()
    for row in settings.DECLARED:
        click.echo(f"{row.env_name}={settings.shown(row, getattr(chosen, row.name))}")


def _prepare_demo() -> None:
    """In a process of its own, which lets go of the store before the server's worker opens it."""
    command = [sys.executable, "-m", "gops", "demo", "prepare", "--child"]
    status = subprocess.run(command, check=False).returncode  # noqa: S603 - our own command line, no shell
    if status:
        raise Unavailable("the demo could not be prepared", expected="what is said above, mended; or no --demo")


def initialise(chosen: settings.Settings) -> str | None:
    """The operator's key, the first time only. What makes it all is loaded where something is missing."""
    if stands(chosen):
        return None
    from gops.keeping import initialising

    try:
        return initialising.initialise(chosen, SystemClock())
    except OSError as error:
        raise BadSetting(
            f"GOPS_DATA: the folder {chosen.data} cannot be made or written ({error.strerror})",
            field="GOPS_DATA",
            expected="a folder of this user's own in GOPS_DATA",
        ) from error


def _announce(key: str | None) -> None:
    if key is None:
        return
    click.echo("The operator's API key, shown this once; keep it safe:\n\n    " + key + "\n", err=False)
    sys.stdout.flush()


def wait_for_port(host: str, port: int, setting: str) -> None:
    """A server that was just killed may hold its port for a moment; another one's port is refused by name."""
    end = time.monotonic() + PORT_WAIT_SECONDS
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if time.monotonic() > end:
                    raise Unavailable(
                        f"{host}:{port} cannot be listened on ({error.strerror}); does GOPS or another server run?",
                        expected=f"a free port in {setting}",
                    ) from error
            else:
                return
        time.sleep(0.2)


def serve(chosen: settings.Settings, target: str = "gops.serving:whole") -> None:
    """Serve until SIGINT or SIGTERM. A worker that dies is started again, ever slower while it keeps dying."""
    multiprocessing.set_start_method("spawn", force=True)  # a fork would copy the keepers' threads half alive
    failures = 0
    while True:
        begun = time.monotonic()
        server = granian(chosen, target)
        try:
            server.serve()
        except SystemExit:
            log.error("worker_failed", restart_in_s=BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
        if server.interrupt_signal:
            return
        failures = 0 if time.monotonic() - begun > 60 else failures + 1
        time.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1])


def granian(chosen: settings.Settings, target: str) -> Any:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    server = Server(
        target,
        address=chosen.host,
        port=chosen.port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        http=HTTPModes.http1,
        websockets=False,
        blocking_threads=chosen.http_threads,
        backpressure=chosen.http_connections,  # Granian counts connections, idle ones too, and then accepts no more
        http1_settings=HTTP1Settings(header_read_timeout=chosen.http_header_seconds * 1000),
        respawn_failed_workers=True,
        respawn_interval=0.0,
        workers_kill_timeout=15,
        log_level=LogLevels.warning,
        log_dictconfig={
            "handlers": {},
            "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}},
        },
    )
    # Granian's reload starts a second worker beside the first, and two cannot hold one embedded store.
    server.on_startup(lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    return server
