"""What dashboards and alert rules ask for is what GOPS tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gops.clock import FixedClock
from gops.figures.ingest import of_ingest
from gops.figures.jobs import of_jobs
from gops.figures.records import of_feeds, of_outbox, of_records
from gops.figures.store import StoreFigures
from gops.ingest.feeds.model import Feed
from gops.ingest.mqtt.health import LinkHealth
from gops.ingest.service import IngestHealth
from gops.ingest.worker import IngestStats
from gops.jobs.scheduler import Tally
from gops.metrics import Metrics
from gops.records.database import Database
from gops.store.duckdb import DuckdbStore
from tests.conftest import People

FOLDER = Path(__file__).parents[3] / "deploy" / "dashboards"
NAMES = re.compile(r"\b(?:gops|process)_[a-z_]+\b")


class _Ingest:
    seat = None

    def health(self) -> IngestHealth:
        stats = IngestStats(messages=3, refused={"bad_json": 1})
        return IngestHealth(True, LinkHealth(connected=True), stats, "guarded", 5, 50)


class _Jobs:
    def tallies(self) -> dict[str, Tally]:
        return {"feed": Tally(runs=1)}


@pytest.fixture
def told(database: Database, people: People, clock: FixedClock, tmp_path: Path) -> str:
    """One figure of every kind, as Prometheus reads them."""
    made = Metrics()
    made.committed(1, 1, 0.1, 0.1)
    made.answered("/", "GET", 200, 0.1)
    owner = people.organisation().id
    with database.write() as session:
        session.add(_feed(owner, clock.micros()))
    store = DuckdbStore(tmp_path / "store", 128, 1, 8, 100)
    made.watch("ingest", lambda: of_ingest([cast(Any, _Ingest())], clock))
    made.watch("store", StoreFigures(store).read)
    made.watch("jobs", lambda: of_jobs(cast(Any, _Jobs())))
    made.watch("records", lambda: of_records(database))
    made.watch("feeds", lambda: of_feeds(database, clock, ZoneInfo("Asia/Seoul")))
    made.watch("outbox", lambda: of_outbox(tmp_path / "outbox"))
    text = made.text().decode()
    store.close()
    return text


def test_every_part_can_be_read(told: str) -> None:
    parts = re.findall(r'gops_unread\{part="(\w+)"\} (\S+)', told)
    assert {part for part, _ in parts} == {"ingest", "store", "jobs", "records", "feeds", "outbox"}
    assert {failed for _, failed in parts} == {"0.0"}


def test_every_name_is_told(told: str) -> None:
    names = {one.name for family in text_string_to_metric_families(told) for one in family.samples}
    asked = {name for file in ("gops.json", "alerts.yml") for name in NAMES.findall((FOLDER / file).read_text())}
    assert asked
    assert asked - names == set()


def _feed(organisation: int, now: int) -> Feed:
    return Feed(
        organisation_id=organisation,
        slug="air",
        name="Air",
        adapter="airkorea",
        config={},
        secret="a-secret-of-a-portal",
        minutes="15",
        calls_per_day=100,
        enabled=True,
        created_at=now,
        last_success_at=now,
        newest_t=now,
    )
