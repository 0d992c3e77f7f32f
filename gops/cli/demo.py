"""``gops demo``: the demo cities and their simulated devices."""

from __future__ import annotations

import signal
import threading
from typing import Any

import click

from gops import compose, logs
from gops.cli.registry import opened
from gops.clock import SystemClock
from gops.process import end_with_parent
from gops.settings import load


@click.group()
def demo() -> None:
    """The demo cities: Suwon and Seongnam, with about 20 simulated devices."""


@demo.command("seed")
def seed_city() -> None:
    """Put the demo into the records; again, it adds what is missing."""
    click.echo(f"{len(_seeded())} devices; their secrets are in {load().data / 'demo' / 'devices.json'}")


@demo.command("run")
@click.option("--child", is_flag=True, hidden=True, help="End with the process that started this one.")
def run_city(child: bool) -> None:
    """Seed the demo and run its devices until stopped."""
    from gops.demo.simulate import simulate
    from gops.ingest.mqtt import DeviceClient

    if child:
        end_with_parent()
    chosen = load()
    logs.configure(chosen.log_level, chosen.log_style)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    secrets = _seeded()

    def connect(address: str, secret: str) -> Any:
        return DeviceClient(compose.device_address(chosen, address, secret), announce=True).connect()

    simulate(connect, secrets, stop, SystemClock())


def _seeded() -> dict[str, str]:
    from gops.demo.seed import seed

    with opened() as records:
        return seed(records, load().data)
