"""Quotas and counts of use: the same on both engines, from several processes and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from gops.catalog.datasets import new_draft
from gops.clock import FixedClock
from gops.errors import TooMany
from gops.permissions import ANONYMOUS
from gops.records.database import Database
from gops.settings import Settings
from gops.usage.quotas import Quotas
from gops.usage.service import Asked, Usage
from tests.conftest import People

NETWORK = "192.0.2.7"


def test_processes_count_to_one_quota_and_a_new_day_begins_anew(
    either_database: Database, clock: FixedClock, settings: Settings
) -> None:
    chosen = replace(settings, quota_address_day=50)
    first, second = (Quotas(either_database, clock, chosen) for _ in range(2))
    for _ in range(30):
        first.take(ANONYMOUS, NETWORK)
    first.flush()
    assert second.standing(ANONYMOUS, NETWORK).used == 30
    for _ in range(20):
        second.take(ANONYMOUS, NETWORK)
    second.flush()
    with pytest.raises(TooMany) as caught:
        second.take(ANONYMOUS, NETWORK)
    assert caught.value.code == "quota_exceeded"
    assert second.standing(ANONYMOUS, "198.51.100.1").used == 0
    clock.move(days=1)
    assert second.take(ANONYMOUS, NETWORK).used == 1
    second.forget_old()
    assert Quotas(either_database, clock, chosen).standing(ANONYMOUS, NETWORK).used == 0


def test_counts_of_several_threads_and_processes_add_up(
    either_database: Database, clock: FixedClock, settings: Settings, people_of: Callable[[Database], People]
) -> None:
    home = people_of(either_database).organisation("suwon")
    with either_database.write() as session:
        made = new_draft(clock.micros(), home.id, "air", title_ko="대기질")
        made.state = "published"
        session.add(made)
        session.flush()
        one = made.id
    several = [Usage(either_database, clock, settings) for _ in range(2)]

    def count(usage: Usage) -> None:
        for _ in range(50):
            usage.tally.note("query", one, rows=2)
        usage.flush()

    threads = [threading.Thread(target=count, args=(usage,)) for usage in several for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for by, name in (("dataset", "air"), ("publisher", "suwon"), ("kind", "query")):
        (found,) = several[0].report(ANONYMOUS, Asked(by=by))  # type: ignore[arg-type]
        assert (found.name, found.requests, found.rows) == (name, 200, 400)
    clock.move(days=settings.usage_days + 1)
    several[0].forget_old()
    assert list(several[0].report(ANONYMOUS, Asked())) == []
