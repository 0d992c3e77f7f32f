"""``gops demo``: the demo province and its simulated devices."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from gops import compose, logs
from gops.cli.registry import opened
from gops.clock import SystemClock
from gops.process import end_with_parent
from gops.settings import Settings, load

if TYPE_CHECKING:
    from gops.demo.history import Done
    from gops.record_services import Records

CHILD = click.option("--child", is_flag=True, hidden=True, help="End with the process that started this one.")


@click.group()
def demo() -> None:
    """The demo province: 31 municipalities with sites, and 250 simulated devices."""


@demo.command("seed")
def seed_city() -> None:
    """Put the demo into the records; again, it adds what is missing."""
    with opened() as records:
        secrets = _seeded(records, load())
    click.echo(f"{len(secrets)} devices; their secrets are in {load().data / 'demo' / 'devices.json'}")


@demo.command("prepare")
@CHILD
def prepare_city(child: bool) -> None:
    """Seed the demo and write two weeks of its past into the store, while no server has it."""
    if child:
        end_with_parent()
    chosen = load()
    logs.configure(chosen.log_level, chosen.log_style)
    with opened() as records:
        _seeded(records, chosen)
        _remember(records, chosen)


@demo.command("run")
@CHILD
def run_city(child: bool) -> None:
    """Seed the demo and run its devices until stopped."""
    from gops.demo.seed import CREDENTIALS, read_credentials
    from gops.demo.simulate import simulate
    from gops.ingest.mqtt import DeviceClient

    if child:
        end_with_parent()
    chosen = load()
    logs.configure(chosen.log_level, chosen.log_style)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    if child:  # who starts it has prepared the demo
        secrets = read_credentials(chosen.data / CREDENTIALS)
    else:
        with opened() as records:
            secrets = _seeded(records, chosen)

    def connect(address: str, secret: str) -> Any:
        return DeviceClient(compose.device_address(chosen, address, secret), announce=True).connect()

    simulate(connect, secrets, stop, SystemClock())


def _seeded(records: Records, chosen: Settings) -> dict[str, str]:
    from gops.demo import broker
    from gops.demo.seed import FLEET, HOURLY, seed

    with _progress("Demo: municipalities, devices, sites", len(FLEET) + len(HOURLY)) as done:
        secrets = seed(records, chosen.data, done=done)
    broker.fill(records, chosen, SystemClock())
    return secrets


def _remember(records: Records, chosen: Settings) -> None:
    """Without a past of its own the demo gets one; the memory store would forget it at the end of this process."""
    from gops.demo import history
    from gops.demo.seed import FLEET, HOURLY

    if chosen.store == "memory":
        return
    fleet = FLEET + HOURLY
    found = {device.address: records.mappings.route(device.address) for device in fleet}
    routes = {address: route.fields for address, route in found.items() if route is not None}
    store = compose.open_store(chosen)
    try:
        with _progress("Demo: two weeks of readings", len(fleet)) as done:
            history.write(store, routes, fleet, SystemClock().micros(), done)
    finally:
        store.close()


@contextmanager
def _progress(label: str, length: int) -> Iterator[Done]:
    """A bar on standard error, on a terminal only."""
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield bar.update
