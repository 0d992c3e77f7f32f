"""Feeds as their publishers see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from gops.clock import HOUR, to_micros
from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound, Unauthenticated
from gops.ingest.feeds.answers import KST
from gops.ingest.feeds.budget import day_of, midnight_after
from gops.ingest.feeds.schedule import FeedSchedule, name_of
from gops.ingest.feeds.service import Feeds
from gops.jobs import Jobs
from gops.outbound import Outbound
from gops.permissions import ANONYMOUS, Actor
from gops.records import events
from gops.records.audit import AuditRow
from gops.records.events import Event
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import BROKEN, KEY, NO_DATA, page, row


def test_a_declared_feed_has_the_adapters_defaults(world: World) -> None:
    feed = world.declare()
    assert (feed.minutes, feed.calls_per_day, feed.enabled) == ("15,35", 450, True)
    assert world.feeds.list(world.actor, "suwon")[0].id == feed.id


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"slug": "direct"}, "invalid_value", "slug"),
        ({"slug": "Air"}, "invalid_value", "slug"),
        ({"name": ""}, "invalid_value", "name"),
        ({"adapter_name": "busan"}, "unknown_adapter", "adapter"),
        ({"config": {}}, "invalid_value", "config.provinces"),
        ({"key": ""}, "invalid_value", "key"),
        ({"key": "한글"}, "invalid_value", "key"),
        ({"key": "a b"}, "invalid_value", "key"),
        ({"minutes": "99"}, "bad_minutes", "minutes"),
        ({"calls_per_day": 0}, "invalid_value", "calls_per_day"),
        ({"calls_per_day": True}, "invalid_value", "calls_per_day"),
    ],
)
def test_a_wrong_declaration_names_what_is_wrong(world: World, given: dict[str, Any], code: str, field: str) -> None:
    config = {"provinces": ["서울"], "url": world.portal.url}
    plain = {"slug": "air", "name": "대기질", "adapter_name": "airkorea", "config": config, "key": KEY}
    with pytest.raises(Invalid) as caught:
        world.feeds.declare(world.actor, "suwon", **(plain | given))
    assert (caught.value.code, caught.value.field) == (code, field)
    assert KEY not in str(caught.value.found)


def test_an_address_inside_is_refused_when_it_is_declared(world: World) -> None:
    guarded = Feeds(
        world.database, world.clock, world.settings, Outbound.of(replace(world.settings, outbound_allow=()))
    )
    config = {"provinces": ["서울"], "url": "http://169.254.169.254/latest"}
    with pytest.raises(Invalid) as caught:
        guarded.declare(world.actor, "suwon", "air", "대기질", "airkorea", config, KEY)
    assert caught.value.code == "address_refused"


def test_a_slug_is_one_feeds_of_the_whole_platform(world: World) -> None:
    world.declare()
    with pytest.raises(Conflict) as caught:
        world.declare()
    assert caught.value.code == "slug_taken"


def test_a_bound_on_feeds_names_its_setting(world: World) -> None:
    world.declare()
    few = Feeds(world.database, world.clock, replace(world.settings, organisation_feeds=1), Outbound.of(world.settings))
    with pytest.raises(Conflict) as caught:
        few.declare(world.actor, "suwon", "b2", "b", "airkorea", {"provinces": ["서울"], "url": world.portal.url}, KEY)
    assert "GOPS_ORGANISATION_FEEDS" in str(caught.value.expected)


@pytest.fixture
def strangers(world: World) -> dict[str, Actor]:
    people = world.people
    other = people.organisation("seongnam")
    return {
        "anonymous": ANONYMOUS,
        "viewer": people.actor(world.home, "viewer"),
        "reader": people.actor(world.home, "publisher", scopes=("data:read",)),
        "elsewhere": people.actor(other, "owner"),
        "operator": people.operator(),
    }


@pytest.mark.parametrize(
    ("who", "kind"),
    [("anonymous", Unauthenticated), ("viewer", Forbidden), ("reader", Forbidden), ("elsewhere", Forbidden),
     ("operator", Forbidden)],
)  # fmt: skip
def test_only_publishers_declare(world: World, strangers: dict[str, Actor], who: str, kind: type[GopsError]) -> None:
    config = {"provinces": ["서울"], "url": world.portal.url}
    with pytest.raises(kind):
        world.feeds.declare(strangers[who], "suwon", "air", "대기질", "airkorea", config, KEY)


@pytest.mark.parametrize("who", ["anonymous", "viewer", "elsewhere", "operator"])
def test_a_foreign_feed_is_not_found(world: World, strangers: dict[str, Actor], who: str) -> None:
    world.declare()
    for act in (
        lambda: world.feeds.get(strangers[who], "air"),
        lambda: world.feeds.health(strangers[who], "air"),
        lambda: world.feeds.runs(strangers[who], "air"),
        lambda: world.feeds.edit(strangers[who], "air", enabled=False),
        lambda: world.feeds.ask(strangers[who], "air"),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_reader_sees_a_feed_and_may_not_change_it(world: World, strangers: dict[str, Actor]) -> None:
    world.declare()
    assert world.feeds.get(strangers["reader"], "air").slug == "air"
    with pytest.raises(Forbidden):
        world.feeds.edit(strangers["reader"], "air", enabled=False)


def test_a_changed_feed_rests_no_longer(world: World) -> None:
    world.portal.replies = [BROKEN]
    feed = world.declare()
    for _ in range(world.settings.feed_failures):
        world.run(feed)
    assert world.feeds.health(world.actor, "air").state == "resting"
    changed = world.feeds.edit(world.actor, "air", key="another", minutes="5", name="공기")
    assert (changed.minutes, changed.name, changed.secret, changed.failures) == ("5", "공기", "another", 0)
    assert world.feeds.health(world.actor, "air").state == "new"


def test_the_audit_names_what_changed_and_never_the_key(world: World) -> None:
    world.declare()
    world.feeds.edit(world.actor, "air", key="another-secret", calls_per_day=7)
    with world.database.read() as session:
        rows = [(one.action, one.detail) for one in session.scalars(select(AuditRow).order_by(AuditRow.id))]
    assert rows[-1] == ("feed.edit", {"changed": ["calls_per_day", "key"]})
    assert "secret" not in str(rows)
    assert KEY not in str(rows)


def test_health_says_where_a_feed_stands(world: World) -> None:
    world.declare()
    assert world.feeds.health(world.actor, "air").state == "new"
    world.portal.replies = [page([row("강남구", dataTime="2026-05-01 08:00")])]
    world.run(world.feeds.get(world.actor, "air"))
    health = world.feeds.health(world.actor, "air")
    assert (health.state, health.lag, health.calls_today) == ("ok", HOUR, 1)
    assert health.next_run_at == to_micros(datetime(2026, 5, 1, 9, 15, tzinfo=KST))
    assert health.last_run is not None
    assert health.last_run.readings == 6
    world.portal.replies = [BROKEN]
    world.run(world.feeds.get(world.actor, "air"))
    failing = world.feeds.health(world.actor, "air")
    assert (failing.state, failing.errors, failing.failures) == ("failing", {"http_502": 1}, 1)
    world.clock.move(hours=25)
    assert world.feeds.health(world.actor, "air").errors == {}
    world.feeds.edit(world.actor, "air", enabled=False)
    assert world.feeds.health(world.actor, "air").state == "off"
    assert world.feeds.health(world.actor, "air").next_run_at is None


# days of Korea


def test_a_day_of_a_budget_is_a_korean_day() -> None:
    last = to_micros(datetime(2026, 5, 1, 23, 59, 59, tzinfo=KST))
    midnight = to_micros(datetime(2026, 5, 2, tzinfo=KST))
    assert (day_of(last), day_of(midnight)) == (20574, 20575)
    assert midnight_after(last) == midnight
    assert midnight_after(midnight) == midnight + 24 * HOUR


# the schedule


@pytest.fixture
def jobs() -> Jobs:
    return Jobs(KST, 1)


def test_feeds_that_are_on_have_a_job_and_follow_their_changes(world: World, jobs: Jobs) -> None:
    on, off = world.declare("on"), world.declare("off", enabled=False)
    schedule = FeedSchedule(world.database, jobs, world.runner)
    schedule.start()
    jobs.start()
    assert jobs.next_run(name_of(on.id)) is not None
    assert jobs.next_run(name_of(off.id)) is None
    world.feeds.edit(world.actor, "off", enabled=True)
    world.feeds.edit(world.actor, "on", enabled=False)
    _tell(world, schedule)
    assert jobs.next_run(name_of(on.id)) is None
    assert jobs.next_run(name_of(off.id)) is not None
    jobs.stop()


def test_a_feed_that_is_asked_to_run_runs(world: World, jobs: Jobs) -> None:
    world.portal.replies = [NO_DATA]
    world.declare()
    schedule = FeedSchedule(world.database, jobs, world.runner)
    schedule.start()
    jobs.start()
    world.feeds.ask(world.actor, "air")
    _tell(world, schedule)
    for _ in range(500):
        if world.feeds.get(world.actor, "air").last_success_at is not None:
            break
        jobs.stopping.wait(0.01)
    jobs.stop()
    assert world.feeds.get(world.actor, "air").last_success_at is not None


def test_a_feed_that_is_off_is_not_asked(world: World) -> None:
    world.declare(enabled=False)
    with pytest.raises(Conflict) as caught:
        world.feeds.ask(world.actor, "air")
    assert caught.value.code == "feed_off"


def _tell(world: World, schedule: FeedSchedule) -> None:
    with world.database.read() as session:
        told: list[Event] = list(events.since(session, 0))
    for event in told:
        for handle in schedule.handlers.get(event.kind, ()):
            handle(event)
