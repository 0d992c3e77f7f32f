"""Runs of a feed against a portal on loopback: what they store, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from gops.clock import HOUR, MINUTE, to_micros
from gops.ingest.feeds.answers import KST
from gops.ingest.feeds.model import Feed, FeedRun, FeedStation
from gops.ingest.model import Refusal, RefusedMessage
from gops.quality import Quality
from gops.records.database import Database
from gops.sensors.model import Datastream, Thing
from gops.settings import Settings
from gops.store.port import Series, Windows
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import BROKEN, KEY, NO_DATA, QUOTA, Reply, failure, page, row

GOOD = int(Quality.good)
NINE = to_micros(datetime(2026, 5, 1, 9, tzinfo=KST))  # the tests' clock stands there
FIVE = [
    row("강남구"),
    row("도산대로", coValue="-", coFlag="점검및교정", o3Value="0.031", o3Flag="자료이상"),
    row("종로구", dataTime="2026-04-30 24:00", pm10Value="0"),
    row("중구", pm10Value="-", pm25Value="", coValue=None),
    row("중구", sidoName="부산", pm10Value="12", coValue="-", coFlag="통신장애"),
]


def two_pages(query: dict[str, str]) -> Reply:
    return page(FIVE[:3], 5, 1) if query["pageNo"] == "1" else page(FIVE[3:], 5, 2)


def test_five_stations_over_two_pages_are_stored(either_world: World) -> None:
    world = either_world
    world.portal.answer = two_pages
    feed = world.declare()
    assert world.run(feed).code == "ok"
    found = world.readings()
    assert found["서울 강남구", "pm10"] == [(NINE, 35.0, GOOD)]
    assert found["서울 도산대로", "co"] == [(NINE, None, Quality.maintenance)]
    assert found["서울 도산대로", "o3"] == [(NINE, 0.031, Quality.suspect)]
    assert found["서울 종로구", "pm10"] == [(NINE - 9 * HOUR, 0.0, GOOD)]
    assert found["부산 중구", "pm10"] == [(NINE, 12.0, GOOD)]
    assert found["부산 중구", "co"] == [(NINE, None, Quality.communication_failure)]
    assert ("서울 중구", "pm10") not in found, "a property without any number yet is no Datastream"
    assert ("서울 중구", "no2") in found
    run = world.last_run(feed)
    assert (run.calls, run.rows, run.readings, run.inserted, run.skipped) == (2, 5, 27, 27, 3)


def test_what_is_registered_is_a_draft_of_the_organisation_with_unit_period_and_label(world: World) -> None:
    world.portal.replies = [page([row("강남구")])]
    feed = world.declare()
    world.run(feed)
    streams = world.streams()
    assert {(one.unit, one.kind, one.period, one.label) for one in streams} == {
        ("ug/m3", "gauge", "PT1H", "end"),
        ("[ppm]", "gauge", "PT1H", "end"),
    }
    assert {(one.organisation_id, one.feed_id, one.public) for one in streams} == {(world.home.id, feed.id, False)}
    with world.database.read() as session:
        (thing,) = session.scalars(select(Thing))
    assert (thing.name, thing.device_id) == ("서울 강남구", None)
    assert thing.properties == {"source": "airkorea", "province": "서울", "name": "강남구", "network": "도시대기"}


def test_a_second_run_registers_nothing_and_changes_nothing(either_world: World) -> None:
    """Portals repeat the hour before until the new one is there."""
    world = either_world
    world.portal.answer = two_pages
    feed = world.declare()
    world.run(feed)
    streams, version = world.streams(), world.store.version([one.id for one in world.streams()])
    world.clock.move(minutes=20)
    world.run(feed)
    run = world.last_run(feed)
    assert (run.inserted, run.replaced, run.unchanged, run.registered) == (0, 0, 27, 0)
    assert [one.id for one in world.streams()] == [one.id for one in streams]
    assert world.store.version([one.id for one in streams]) == version


def test_a_corrected_hour_replaces_what_stood(world: World) -> None:
    world.portal.replies = [page([row("강남구", pm10Value="35")])]
    feed = world.declare()
    world.run(feed)
    world.portal.replies = [page([row("강남구", pm10Value="36")])]
    world.run(feed)
    assert world.readings()["서울 강남구", "pm10"] == [(NINE, 36.0, GOOD)]


def test_a_property_that_was_measured_once_is_told_when_it_is_missing(world: World) -> None:
    world.portal.replies = [page([row("강남구")])]
    feed = world.declare()
    world.run(feed)
    world.clock.move(hours=1)
    world.portal.replies = [page([row("강남구", dataTime="2026-05-01 10:00", coValue="-")])]
    world.run(feed)
    assert world.readings()["서울 강남구", "co"] == [(NINE, 0.4, GOOD), (NINE + HOUR, None, Quality.missing)]


def test_a_station_that_is_renamed_stays_the_same_thing(world: World) -> None:
    world.portal.replies = [page([row("동대문")])]
    feed = world.declare()
    world.run(feed)
    world.portal.replies = [page([row("동대문", stationCode="111152")])]
    world.run(feed)
    world.portal.replies = [page([row("동대문구", stationCode="111152", dataTime="2026-05-01 08:00")])]
    world.run(feed)
    with world.database.read() as session:
        (station,) = session.scalars(select(FeedStation))
    assert station.code == "111152"
    assert len(world.readings()["서울 동대문", "pm10"]) == 2


def test_a_name_that_goes_to_another_station_is_another_thing(world: World) -> None:
    world.portal.replies = [page([row("중앙", stationCode="1")])]
    feed = world.declare()
    world.run(feed)
    world.portal.replies = [page([row("중앙", stationCode="2")])]
    world.run(feed)
    with world.database.read() as session:
        assert [(one.key, one.code) for one in session.scalars(select(FeedStation))] == [
            ("서울 중앙", "1"),
            ("서울 중앙 2", "2"),
        ]


def test_a_refused_cell_is_kept_with_its_reason_and_its_neighbours_are_stored(world: World) -> None:
    world.portal.replies = [page([row("강남구", pm10Value="3O")])]
    feed = world.declare()
    assert world.run(feed).code == "ok"
    with world.database.read() as session:
        (refusal,) = session.scalars(select(Refusal))
        message = session.get_one(RefusedMessage, refusal.digest)
    assert (refusal.organisation_id, refusal.feed, refusal.code) == (world.home.id, "air", "wrong_type")
    assert (refusal.field, refusal.place) == ("서울 강남구/pm10", "items[0].pm10Value")
    assert "강남구" in message.raw.decode()
    assert ("서울 강남구", "co") in world.readings()
    assert world.last_run(feed).refused == 1


def test_a_time_far_ahead_is_refused(world: World) -> None:
    world.portal.replies = [page([row("강남구", dataTime="2027-05-01 09:00")])]
    world.run(world.declare())
    with world.database.read() as session:
        assert {one.code for one in session.scalars(select(Refusal))} == {"too_far_ahead"}
    assert world.readings() == {}


def test_a_datastream_that_was_ended_takes_no_more(world: World) -> None:
    world.portal.replies = [page([row("강남구")])]
    feed = world.declare()
    world.run(feed)
    with world.database.write() as session:
        for stream in world.streams():
            session.merge(stream).ended_at = world.clock.micros()
    world.clock.move(hours=1)
    world.portal.replies = [page([row("강남구", dataTime="2026-05-01 10:00")])]
    assert world.run(feed).code == "ok"
    with world.database.read() as session:
        assert {one.code for one in session.scalars(select(Refusal))} == {"ended_datastream"}
    assert len(world.streams()) == 6


def test_an_unknown_flag_shows_in_the_run(world: World) -> None:
    world.portal.replies = [page([row("강남구", coFlag="새 표시")])]
    feed = world.declare()
    assert world.run(feed).note == "coFlag is '새 표시'"
    assert world.readings()["서울 강남구", "co"] == [(NINE, 0.4, Quality.suspect)]


def test_several_provinces_are_asked_one_after_the_other(world: World) -> None:
    world.portal.answer = lambda query: NO_DATA if query["sidoName"] == "부산" else page([row("강남구")])
    assert world.run(world.declare(provinces=["부산", "서울"])).code == "ok"
    assert [one["sidoName"] for one in world.portal.asked] == ["부산", "서울"]
    assert {one["serviceKey"] for one in world.portal.asked} == {KEY}


# how runs fail


def outcome(world: World, *replies: Reply) -> tuple[str, Feed]:
    world.portal.replies = list(replies)
    feed = world.declare()
    return world.run(feed).code, feed


@pytest.mark.parametrize(
    ("reply", "code", "calls"),
    [
        (failure("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR"), "30", 1),
        (failure("10", "INVALID_REQUEST_PARAMETER_ERROR"), "10", 1),
        (failure("1", "APPLICATION_ERROR"), "1", 3),
        (failure("23", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_PER_SECOND_EXCEEDS_ERROR"), "23", 3),
        (BROKEN, "http_502", 3),
        ((200, b""), "empty_body", 3),
        ((200, b"<html></html>"), "html", 3),
        ((200, b"{}"), "unknown_shape", 3),
        (page([row("강남구")], 5), "short_pages", None),
    ],
)
def test_a_failure_is_tried_again_only_where_that_may_help(
    world: World, reply: Reply, code: str, calls: int | None
) -> None:
    if code == "short_pages":
        found, feed = outcome(world, reply, page([], 5))
    else:
        found, feed = outcome(world, reply)
        assert len(world.portal.asked) == calls
    assert found == code
    run = world.last_run(feed)
    assert (run.outcome, run.ended_at) == (code, world.clock.micros())
    assert world.feeds.get(world.actor, "air").failures == 1


def test_a_portal_that_comes_back_is_no_failure(world: World) -> None:
    assert outcome(world, BROKEN, (200, b""), page([row("강남구")]))[0] == "ok"
    assert len(world.portal.asked) == 3


def test_a_portal_that_is_away_is_unreachable(world: World) -> None:
    feed = world.declare()
    world.portal.close()
    assert world.run(feed).code == "host_unreachable"


def test_no_data_is_no_failure(world: World) -> None:
    code, feed = outcome(world, NO_DATA)
    assert (code, world.last_run(feed).rows) == ("ok", 0)


def test_an_answer_above_the_bound_ends_the_run(
    world_of: Callable[[Database, Settings], World], database: Database, settings: Settings
) -> None:
    world = world_of(database, replace(settings, outbound_bytes=1024))
    assert outcome(world, page([row("강남구")] * 20))[0] == "answer_too_large"


def test_what_came_before_a_failure_stays(world: World) -> None:
    code, feed = outcome(world, page(FIVE[:3], 5), failure("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR"))
    assert code == "30"
    assert ("서울 강남구", "pm10") in world.readings()
    assert world.last_run(feed).rows == 3


def test_one_province_that_fails_does_not_stop_the_others(world: World) -> None:
    world.portal.answer = lambda query: BROKEN if query["sidoName"] == "부산" else page([row("강남구")])
    assert world.run(world.declare(provinces=["부산", "서울"])).code == "http_502"
    assert ("서울 강남구", "pm10") in world.readings()


def test_a_portal_that_fails_twice_is_left_alone(world: World) -> None:
    world.portal.answer = lambda query: BROKEN
    world.run(world.declare(provinces=["부산", "서울", "대구", "인천"]))
    assert {one["sidoName"] for one in world.portal.asked} == {"부산", "서울"}


def test_pages_without_end_are_bounded(
    world_of: Callable[[Database, Settings], World], database: Database, settings: Settings
) -> None:
    world = world_of(database, replace(settings, feed_pages=3))
    code, feed = outcome(world, page([row("강남구")], 1_000_000))
    assert (code, len(world.portal.asked)) == ("too_many_pages", 3)
    assert "GOPS_FEED_PAGES" in world.last_run(feed).note


def test_more_stations_than_the_bound_end_the_run_and_name_it(
    world_of: Callable[[Database, Settings], World], database: Database, settings: Settings
) -> None:
    world = world_of(database, replace(settings, feed_stations=2))
    code, feed = outcome(world, page([row("가"), row("나"), row("다")]))
    assert code == "too_many"
    assert "feed_stations" in world.last_run(feed).note
    assert world.streams() == [], "nothing is registered by half"


def test_a_stop_ends_a_run_without_blame(world: World) -> None:
    feed = world.declare()
    world.portal.replies = [BROKEN]
    world.stopping.set()
    assert world.run(feed).code == "interrupted"
    found = world.feeds.get(world.actor, "air")
    assert (found.failures, found.claimed_until) == (0, None)


# budgets, rests and claims


def test_the_portals_quota_stops_the_key_until_korean_midnight(either_world: World) -> None:
    world = either_world
    code, feed = outcome(world, QUOTA)
    assert (code, len(world.portal.asked)) == ("22", 1)
    found = world.feeds.get(world.actor, "air")
    midnight = to_micros(datetime(2026, 5, 2, tzinfo=KST))
    assert (found.rests_until, found.rest_code, found.failures) == (midnight, "22", 0)
    assert world.runner.run(feed.id) is None
    other = world.declare("other")
    assert world.run(other).code == "budget_spent"
    assert len(world.portal.asked) == 1, "feeds that share a key share its budget"
    world.clock.move(hours=15)
    world.portal.replies = [page([row("강남구", dataTime="2026-05-01 24:00")])]
    assert world.run(feed).code == "ok"


def test_a_feed_keeps_to_its_calls_of_a_day(world: World) -> None:
    world.portal.answer = two_pages
    feed = world.declare(calls_per_day=3)
    assert world.run(feed).code == "ok"
    assert world.run(feed).code == "budget_spent"
    assert len(world.portal.asked) == 3
    assert world.feeds.health(world.actor, "air").calls_today == 3


def test_failures_in_a_row_rest_ever_longer_and_a_success_clears_them(world: World) -> None:
    world.portal.replies = [failure("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR")]
    feed = world.declare()
    for _ in range(world.settings.feed_failures):
        world.run(feed)
    found = world.feeds.get(world.actor, "air")
    assert found.rests_until == world.clock.micros() + world.settings.feed_rest_minutes * MINUTE
    assert world.runner.run(feed.id) is None
    world.clock.move(minutes=world.settings.feed_rest_minutes)
    world.run(feed)
    again = world.feeds.get(world.actor, "air")
    assert again.rests_until == world.clock.micros() + 2 * world.settings.feed_rest_minutes * MINUTE
    world.clock.move(minutes=2 * world.settings.feed_rest_minutes)
    world.portal.replies = [page([row("강남구")])]
    assert world.run(feed).code == "ok"
    done = world.feeds.get(world.actor, "air")
    assert (done.failures, done.rests_until, done.rest_code) == (0, None, None)


def test_a_feed_that_is_off_or_claimed_does_not_run(world: World) -> None:
    feed = world.declare(enabled=False)
    assert world.runner.run(feed.id) is None
    world.feeds.edit(world.actor, "air", enabled=True)
    with world.database.write() as session:
        session.get_one(Feed, feed.id).claimed_until = world.clock.micros() + MINUTE
    assert world.runner.run(feed.id) is None
    assert world.runner.run(feed.id + 1) is None


def test_a_run_whose_process_died_is_taken_over_when_its_claim_ends(either_world: World) -> None:
    world = either_world
    world.portal.replies = [page([row("강남구")])]
    feed = world.declare()
    with world.database.write() as session:
        session.get_one(Feed, feed.id).claimed_until = world.clock.micros() - 1
        session.add(FeedRun(feed_id=feed.id, began_at=0))
    assert world.run(feed).code == "ok"
    assert [one.outcome for one in world.feeds.runs(world.actor, "air")] == ["ok", "interrupted"]


def test_only_the_newest_runs_are_kept(
    world_of: Callable[[Database, Settings], World], database: Database, settings: Settings
) -> None:
    world = world_of(database, replace(settings, feed_runs_kept=3))
    world.portal.replies = [NO_DATA]
    feed = world.declare()
    ids = []
    for _ in range(5):
        world.run(feed)
        ids.append(world.last_run(feed).id)
    assert [one.id for one in world.feeds.runs(world.actor, "air")] == ids[:1:-1]


def test_a_mistake_of_ours_is_logged_and_shows_no_detail(world: World) -> None:
    def explode(*_: Any) -> None:
        raise RuntimeError("a detail")

    world.store.write = explode  # type: ignore[method-assign,assignment]
    code, feed = outcome(world, page([row("강남구")]))
    assert code == "internal"
    assert "detail" not in world.last_run(feed).note


def test_the_key_shows_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    echo = page([row("강남구", pm10Value=f"serviceKey={KEY}")])
    _, feed = outcome(world, echo)
    with world.database.read() as session:
        (refusal,) = session.scalars(select(Refusal))
        raw = session.get_one(RefusedMessage, refusal.digest).raw.decode()
    for text in (refusal.topic, raw, world.last_run(feed).note, caplog.text, str(world.portal.asked[0].keys())):
        assert "DEF" not in text
    assert "***" in refusal.topic


def test_readings_are_read_back_by_the_hour_that_they_end(world: World) -> None:
    """AirKorea's 09:00 belongs to 08:00 to 09:00."""
    world.portal.replies = [page([row("강남구")])]
    world.run(world.declare())
    (stream,) = [one for one in world.streams() if one.name.endswith("pm10")]
    edges = [NINE - HOUR, NINE, NINE + HOUR]
    answer = world.store.aggregate(Windows([Series(stream.id, "gauge", "end", HOUR)], edges, ["mean"]))
    assert answer.to_pylist()[0]["start"] == NINE - HOUR
    assert answer.to_pylist()[0]["coverage"] == 1.0


def test_what_was_thinned_meanwhile_is_refused_as_too_late(world: World) -> None:
    world.portal.replies = [page([row("강남구")]), page([row("강남구", pm10Value="99")])]
    feed = world.declare()
    world.run(feed)
    before = world.readings()
    with world.database.write() as session:
        for stream in session.scalars(select(Datastream)):
            stream.thinned_until, stream.thinned_every = NINE + 1, "1d"
    assert world.run(feed).code == "ok"
    assert world.readings() == before
    with world.database.read() as session:
        assert set(session.scalars(select(Refusal.code))) == {"too_late"}
