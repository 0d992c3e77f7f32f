"""How feeds stand, as figures: the same that their health says."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from gops.clock import HOUR, MINUTE, FixedClock
from gops.figures.records import of_feeds
from gops.ingest.feeds.model import Feed, FeedRun
from gops.ingest.model import RefusalCount
from gops.records.database import Database
from tests.conftest import People

PLAIN: dict[str, Any] = {
    "adapter": "",
    "config": {},
    "secret": "s3cret",
    "calls_per_day": 1,
    "enabled": True,
    "name": "x",
}


def test_a_feed_says_its_rows_lag_errors_and_next_run(database: Database, people: People, clock: FixedClock) -> None:
    home, now = people.organisation("suwon").id, clock.micros()
    other = people.organisation("osan").id
    row = {**PLAIN, "organisation_id": home, "created_at": now}
    with database.write() as session:
        pulled = Feed(slug="air", minutes="15", last_success_at=now - HOUR, newest_t=now - 2 * HOUR, failures=2, **row)
        pushed = Feed(slug="lora", kind="mqtt", minutes="", failures=0, **row)
        off = Feed(slug="off", kind="http", minutes="15", failures=0, **row | {"enabled": False})
        session.add_all([pulled, pushed, off])
        session.flush()
        for began, outcome, rows in ((25, "quota", 0), (3, "ok", 40), (2, "ok", 41), (1, "http_500", 7), (0, "", 0)):
            ended = None if not outcome else now
            session.add(
                FeedRun(feed_id=pulled.id, began_at=now - began * HOUR, ended_at=ended, outcome=outcome, rows=rows)
            )
        for owner, feed, hours in ((home, "lora", 1), (home, "lora", 40), (other, "lora", 1), (home, "air", 1)):
            group = {"feed": feed, "device": "", "code": "bad_json", "field": "", "total": 3}
            session.add(RefusalCount(organisation_id=owner, hour=now - hours * HOUR, **group))
    found = {(one.name, *sorted(one.labels.items())): one.value for one in of_feeds(database, clock, ZoneInfo("UTC"))}
    air, lora = ("feed", "air"), ("feed", "lora")
    assert found["gops_feed_rows", air] == 7
    assert found["gops_feed_failures", air] == 2
    assert found["gops_feed_success_age_seconds", air] == 3600
    assert found["gops_feed_lag_seconds", air] == 7200
    assert 0 < found["gops_feed_next_run_seconds", air] <= HOUR / 1e6
    assert (now + found["gops_feed_next_run_seconds", air] * 1e6) % HOUR == 15 * MINUTE
    assert found["gops_feed_errors", ("code", "http_500"), air] == 1
    assert found["gops_feed_errors", ("code", "bad_json"), lora] == 3
    assert ("gops_feed_next_run_seconds", lora) not in found
    assert len([name for name in found if name[0] == "gops_feed_errors"]) == 2
    assert not [name for name in found if ("feed", "off") in name]
