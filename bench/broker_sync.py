"""What it costs to keep Mosquitto's logins those of the records, by dynamic security and by files.

For each size: the first synchronisation (everybody is new), one with nothing to do, one after a single device was
revoked and one was added, and the bytes that the broker keeps. The records are SQLite, the broker is Mosquitto on this
machine. For files the time is that of GOPS; how long Mosquitto takes to read them again is measured beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gops import logs
from gops.accounts import secret
from gops.accounts.model import Device
from gops.accounts.sealing import seal_of
from gops.accounts.verifier import verifier
from gops.clock import SystemClock
from gops.ingest.provisioning.files import PASSWORDS
from gops.records import migrate
from gops.records.database import Database
from gops.settings import load
from tests.live.guarded import House, house

SIZES = {"dynsec": (100, 1_000), "file": (1_000, 20_000)}


def populate(place: House, database: Database, count: int) -> float:
    """So many devices, written at once; seconds per verifier."""
    seal = seal_of(place.settings)
    now = SystemClock().micros()
    begun = time.perf_counter()
    rows = []
    for number in range(count):
        text = secret.new()
        rows.append(
            Device(
                organisation_id=place.owner.organisation_id,
                name=f"d{number:06}",
                digest=secret.digest(text),
                verifier=verifier(text),
                sealed=seal.close(text) if seal else None,
                created_at=now,
            )
        )
    each = (time.perf_counter() - begun) / count
    with database.write() as session:
        session.add_all(rows)
    return each


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    return act(), time.perf_counter() - begun


def reading_again(place: House) -> float:
    """Seconds until a device that was just added is let in by a Mosquitto that was told to read its files again."""
    user, text = place.add("last")
    _, seconds = timed(place.sync.run)
    begun = time.perf_counter()
    while not place.client(user, text).is_in:
        pass
    return seconds + time.perf_counter() - begun


def measure(way: str, count: int) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = replace(load({"GOPS_DATA": str(folder / "data")}), log_level="ERROR")
        settings.data.mkdir()
        database = Database(settings.records_address)
        migrate.upgrade(database)
        with house(way, folder / "mosquitto", settings, database) as place:
            populate(place, database, count)
            report, first = timed(place.sync.run)
            assert (report.added, report.failed) == (count, ()), report
            idle = min(timed(lambda: place.sync.run(everything=False))[1] for _ in range(3))
            place.devices.revoke(place.owner, "city/d000000", "bench")
            place.add("one-more")
            report, change = timed(lambda: place.sync.run(everything=False))
            assert (report.added, report.removed) == (1, 1), report
            new = reading_again(place)
            kept = (place.broker.folder / ("dynsec.json" if way == "dynsec" else PASSWORDS)).stat().st_size
        database.close()
    return f"{way:8}{count:>9,}{first:>12.2f}{idle:>12.3f}{change:>12.3f}{new:>14.3f}{kept / 1e6:>10.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="dynamic security with 3,000 devices as well")
    full = parser.parse_args().full
    logs.configure("ERROR", "text")
    print(f"{'way':8}{'devices':>9}{'first s':>12}{'idle s':>12}{'1+1 s':>12}{'add+login s':>14}{'MB kept':>10}")
    for way, sizes in SIZES.items():
        for count in (*sizes, *((3_000,) if full and way == "dynsec" else ())):
            print(measure(way, count), flush=True)


if __name__ == "__main__":
    main()
