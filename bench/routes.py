"""What it costs to keep routes in step with the registry: looking them up, and until a change of one holds.

Devices of one organisation, each with a Thing and a Datastream, records on SQLite, another process's poll of events
(500 ms). Fails when a change takes longer than 2 seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from gops import compose, settings
from gops.accounts.model import Device
from gops.clock import DAY, SystemClock
from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.mapping import Limits
from gops.ingest.sources import Sources
from gops.permissions import SCOPES, Actor
from gops.records.pump import EventPump
from gops.sensors.model import Datastream, FieldMapping, ObservedProperty, Sensor, Thing

BAR_SECONDS = 2.0
CHANGES = 5
MESSAGES = 2000
LIMITS = Limits(3653 * DAY, 600_000_000)


def fill(records: compose.Records, home: int, count: int) -> None:
    """Straight into the tables: registering 20,000 devices one by one is another bench."""
    now, sensor = time.time_ns() // 1000, 1
    with records.database.write() as session:
        session.add(Sensor(id=sensor, organisation_id=home, name="S"))
        observed = session.query(ObservedProperty).filter_by(key="temperature").one().id
        session.flush()
        ids = range(1, count + 1)
        devices = [
            {"id": n, "organisation_id": home, "name": f"dev-{n}", "digest": b"", "created_at": now} for n in ids
        ]
        session.execute(insert(Device), devices)
        things = [
            {"id": n, "organisation_id": home, "device_id": n, "name": f"dev-{n}", "created_at": now} for n in ids
        ]
        session.execute(insert(Thing), things)
        stream = {"organisation_id": home, "sensor_id": sensor, "observed_property_id": observed, "name": "t"}
        plain = {"unit": "Cel", "kind": "gauge", "created_at": now}
        session.execute(insert(Datastream), [{"id": n, "thing_id": n, **stream, **plain} for n in ids])
        session.execute(insert(FieldMapping), [{"device_id": n, "field": "temp", "datastream_id": n} for n in ids])


def until(holds: Callable[[], bool]) -> float:
    """Seconds until it holds."""
    begun = time.perf_counter()
    while not holds():
        time.sleep(0.005)
        if time.perf_counter() - begun > 30:
            raise SystemExit("FAILED: not within 30 s")
    return time.perf_counter() - begun


class House:
    def __init__(self, folder: Path, count: int) -> None:
        chosen = settings.load({"GOPS_DATA": str(folder)})
        clock = SystemClock()
        compose.initialise(chosen, clock)
        self.records = records = compose.records(chosen, clock)
        operator = Actor(platform_roles=frozenset({"operator"}), scopes=frozenset(SCOPES))
        home = records.organisations.create(operator, "town", "municipality", "도시", "Town")
        self.owner = Actor(organisation_id=home.id, roles=frozenset({"owner"}), scopes=frozenset(SCOPES))
        self.home = home.id
        fill(records, home.id, count)
        self.topics = [f"gops/v1/town/dev-{number}/up" for number in range(1, count + 1)]
        self.routes = FeedRoutes(records.database, chosen)
        self.sources = Sources(records.database, records.mappings.route, 100_000, feeds=self.routes)
        handlers: dict[str, Any] = {}
        for table in (self.routes.handlers, self.sources.handlers):
            for kind, some in table.items():
                handlers[kind] = (*handlers.get(kind, ()), *some)
        self.pump = EventPump(records.database, handlers, chosen.events_poll_ms)
        self.pump.start()

    def load(self) -> float:
        begun = time.perf_counter()
        for first in range(0, len(self.topics), 5000):
            self.sources.load(self.topics[first : first + 5000])
        for topic in self.topics:
            self.sources.get(topic)
        return time.perf_counter() - begun

    def change_mapping(self, number: int) -> float:
        topic = self.topics[number]
        self.sources.get(topic)
        rows = [{"field": f"other-{number}", "datastream": number + 1}]
        self.records.mappings.put(self.owner, f"town/dev-{number + 1}", rows)
        return until(lambda: f"other-{number}" in self.sources.get(topic).route.fields)  # type: ignore[union-attr]

    def declare(self) -> float:
        mapping = {"thing": "topic:4", "fields": [{"field": "temp", "property": "temperature"}]}
        whole = {"source": {"filter": "gops/v1/town/+/up"}, "mapping": mapping}
        self.records.declared.declare(self.owner, {"organisation": "town", "slug": "all", "name": "all", **whole})
        return until(lambda: self.sources.get(self.topics[-1]).feed is not None)

    def change_feed(self, revision: int) -> float:
        self.records.declared.edit(self.owner, "all", {"defaults": {"quality": ("good", "suspect")[revision % 2]}})
        return until(lambda: self.sources.get(self.topics[-1]).feed.revision == revision)  # type: ignore[union-attr]

    def read(self) -> tuple[float, float]:
        """Microseconds a message through the feed: the first of each topic, and another."""
        payload = json.dumps({"temp": 21.5}).encode()
        topics = self.topics[:MESSAGES]
        spent = []
        for _turn in range(2):
            begun = time.perf_counter()
            for topic in topics:
                feed = self.sources.get(topic).feed
                assert feed is not None
                if not feed.resolve(feed.decode(payload), topic, time.time_ns() // 1000, LIMITS).t:
                    raise SystemExit(f"FAILED: nothing came of a message on {topic}")
            spent.append((time.perf_counter() - begun) / len(topics) * 1e6)
        return spent[0], spent[1]


def measure(count: int) -> float:
    """The longest time until a change held, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), count)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        house.load()
        memory = (tracemalloc.get_traced_memory()[0] - before) / count
        tracemalloc.stop()
        house.sources.handlers["organisation.changed"][0](None)  # type: ignore[arg-type]
        cold = house.load()
        mappings = [house.change_mapping(number * (count // CHANGES)) for number in range(CHANGES)]
        declared = house.declare()
        again = house.load()
        feeds = [house.change_feed(revision) for revision in range(2, CHANGES + 2)]
        house.load()
        first, next_one = house.read()
        house.pump.stop()
        house.records.database.close()
    print(f"\n{count:,} devices")
    say("looking up all routes", cold, "s", f"{cold / count * 1e6:.0f} us each")
    say("memory of a topic and its route", memory, "bytes")
    say("until a changed mapping holds", middle(mappings), "ms", f"longest {max(mappings) * 1000:.0f}")
    say("until a new feed of all topics holds", declared * 1000, "ms")
    say("looking up all routes and targets after it", again, "s", f"{again / count * 1e6:.0f} us each")
    say("until a changed feed holds", middle(feeds), "ms", f"longest {max(feeds) * 1000:.0f}")
    say("a message through the feed", first, "us", f"the next on its topic {next_one:.0f}")
    return max(*mappings, declared, *feeds)


def say(what: str, figure: float, unit: str, more: str = "") -> None:
    print(f"  {what:44} {figure:10.2f} {unit:6} {more}")


def middle(seconds: list[float]) -> float:
    """Milliseconds."""
    return statistics.median(seconds) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.routes", description=__doc__)
    parser.add_argument("--full", action="store_true", help="20,000 devices as well")
    counts = (1000, 20_000) if parser.parse_args().full else (1000,)
    longest = max([measure(count) for count in counts])
    if longest > BAR_SECONDS:
        print(f"FAILED: a change took {longest:.2f} s; expected at most {BAR_SECONDS} s")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
