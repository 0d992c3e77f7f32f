"""What a feed remembers from run to run: unchanged answers, freshness, columns; the breaker; places; masks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from gops.clock import MINUTE, SECOND
from gops.errors import Invalid
from gops.ingest.feeds.model import Feed, FeedQuery
from gops.ingest.feeds.pages import mask_bytes
from gops.ingest.model import RefusedMessage
from gops.records.audit import AuditRow
from gops.records.events import EventRow
from gops.sensors.model import Location, Thing
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import BROKEN, KEY, Reply, failure, page, row
from tests.unit.feeds.test_file import CONFIG
from tests.unit.feeds.test_gbfs import body, documents

CSV = "측정소,일시,소음\n인계동,2026-05-01 08:00,61.5\n"


class Cached:
    """A host that answers 304 to whoever has what it has."""

    def __init__(self, text: str = CSV) -> None:
        self.text, self.tag = text, '"1"'
        self.headers: list[dict[str, str]] = []

    def __call__(self, _path: str, headers: dict[str, str]) -> Reply:
        self.headers.append(headers)
        if headers.get("if-none-match") == self.tag:
            return 304, b""
        return 200, self.text.encode(), {"ETag": self.tag, "Last-Modified": "Fri, 01 May 2026 00:00:00 GMT"}

    def change(self, text: str, tag: str) -> None:
        self.text, self.tag = text, tag


def file_config(world: World, **given: Any) -> dict[str, Any]:
    return CONFIG | {"url": f"{world.portal.root}/f.csv"} | given


def remembered(world: World) -> FeedQuery:
    with world.database.read() as session:
        return session.scalars(select(FeedQuery)).one()


# conditional requests


def test_an_unchanged_file_is_not_given_again(either_world: World) -> None:
    world, host = either_world, Cached()
    world.portal.serve = host
    feed, _ = world.pull("file", file_config(world), "")
    assert world.run(feed).code == "ok"
    assert "if-none-match" not in host.headers[0]
    assert host.headers[1]["if-none-match"] == '"1"'
    assert host.headers[1]["if-modified-since"] == "Fri, 01 May 2026 00:00:00 GMT"
    assert (world.last_run(feed).rows, world.last_run(feed).calls) == (0, 1)
    host.change(CSV.replace("61.5", "62"), '"2"')
    world.run(feed)
    assert [value for _, value, _ in world.readings()["인계동", "noise_level"]] == [62.0]
    assert remembered(world).etag == '"2"'


def test_a_changed_declaration_reads_an_unchanged_file_anew(world: World) -> None:
    world.portal.serve = Cached()
    feed, _ = world.pull("file", file_config(world), "")
    fields = [CONFIG["fields"][0] | {"offset": 1}]
    world.feeds.edit(world.actor, "file", config=file_config(world, fields=fields))
    world.run(feed)
    assert [value for _, value, _ in world.readings()["인계동", "noise_level"]] == [62.5]


def test_what_could_not_be_stored_is_asked_for_again(world: World) -> None:
    host = Cached()
    world.portal.serve = host
    store = world.store.write

    def broken(*_: Any) -> Any:
        raise RuntimeError("the disk is full")

    world.store.write = broken  # type: ignore[method-assign]
    feed, outcome = world.pull("file", file_config(world), "")
    assert outcome.code == "internal"
    world.store.write = store  # type: ignore[method-assign]
    world.run(feed)
    assert "if-none-match" not in host.headers[1]
    assert ("인계동", "noise_level") in world.readings()


def test_several_pages_are_never_asked_for_by_their_tags(world: World) -> None:
    """The first page may stay as it is while others change."""
    rows = [row("가"), row("나")]
    world.portal.serve = lambda path, _headers: (
        *page(rows[:1] if "pageNo=1" in path else rows[1:], 2)[:2],
        {"ETag": '"x"'},
    )
    world.run(world.declare())
    assert remembered(world).etag is None


def test_a_304_that_nobody_asked_for_is_a_failure(world: World) -> None:
    world.portal.replies = [(304, b"")]
    assert world.pull("file", file_config(world), "")[1].code == "http_304"


# freshness


def test_a_document_is_not_asked_for_again_while_its_ttl_lasts(world: World) -> None:
    served = documents(world.portal.root, "2.3")
    world.portal.serve = lambda path, _headers: (200, served[path])
    feed, _ = world.pull("gbfs", {"url": f"{world.portal.root}/gbfs.json"}, "")
    world.clock.move(seconds=30)
    assert world.run(feed).code == "ok"
    assert len(world.portal.paths) == 3, "nothing is older than its ttl"
    world.clock.move(seconds=31)
    served["/station_status"] = body({"stations": [{"station_id": "1", "num_bikes_available": 5}]})
    world.run(feed)
    assert world.portal.paths[3:] == ["/gbfs.json", "/station_status"], "station_information lasts a day"
    assert 5.0 in [value for _, value, _ in world.readings()["시청역", "bikes_available"]]


# drift


def test_columns_that_come_and_go_are_told_once_and_shown_until_the_declaration_changes(world: World) -> None:
    host = Cached()
    world.portal.serve = host
    feed, _ = world.pull("file", file_config(world), "")
    assert world.feeds.health(world.actor, "file").drift.at is None
    host.change("측정소,일시,소음도,비고\n인계동,2026-05-01 08:00,61.5,x\n", '"2"')
    for tag in ('"2"', '"3"'):
        host.tag = tag
        assert world.run(feed).note == "no row has 소음"
    drift = world.feeds.health(world.actor, "file").drift
    assert (drift.absent, drift.added, drift.at) == (("소음",), ("비고", "소음도"), world.clock.micros())
    with world.database.read() as session:
        told = [one.detail for one in session.scalars(select(AuditRow).where(AuditRow.action == "feed.drift"))]
        assert session.scalars(select(EventRow.kind).where(EventRow.kind == "feed.drifted")).all() == ["feed.drifted"]
    assert told == [{"absent": ["소음"], "added": ["비고", "소음도"]}]
    fields = [CONFIG["fields"][0] | {"aliases": ["소음도"]}]
    world.feeds.edit(world.actor, "file", config=file_config(world, fields=fields))
    assert world.run(feed).note == ""
    assert world.feeds.health(world.actor, "file").drift.absent == ()


def test_a_column_that_is_back_is_shown_no_longer_as_gone(world: World) -> None:
    host = Cached()
    world.portal.serve = host
    feed, _ = world.pull("file", file_config(world), "")
    for text, tag in ((CSV.replace("소음", "db"), '"2"'), (CSV, '"3"')):
        host.change(text, tag)
        world.run(feed)
    assert world.feeds.health(world.actor, "file").drift.absent == ()


def test_an_empty_answer_says_nothing_of_columns(world: World) -> None:
    host = Cached()
    world.portal.serve = host
    feed, _ = world.pull("file", file_config(world), "")
    host.change("측정소,일시,소음\n", '"2"')
    world.run(feed)
    assert world.feeds.health(world.actor, "file").drift.at is None


# the breaker, and what a portal says of trying again


def test_the_breaker_opens_lets_one_call_through_and_closes_again(world: World) -> None:
    world.portal.replies = [BROKEN]
    feed = world.declare(provinces=["서울", "부산"])
    for _ in range(world.settings.feed_failures):
        world.run(feed)
    assert world.feeds.health(world.actor, "air").breaker == "open"
    assert world.runner.run(feed.id) is None
    world.clock.move(minutes=world.settings.feed_rest_minutes)
    assert world.feeds.health(world.actor, "air").breaker == "half_open"
    before = len(world.portal.asked)
    world.run(feed)
    assert len(world.portal.asked) == before + 1, "a probe is one call"
    world.clock.move(minutes=2 * world.settings.feed_rest_minutes)
    world.portal.replies = [page([row("강남구")])]
    assert world.run(feed).code == "ok"
    assert world.feeds.health(world.actor, "air").breaker == "closed"


def test_a_portal_that_says_later_is_left_alone_till_then(world: World) -> None:
    world.portal.replies = [(429, b"", {"Retry-After": "600"})]
    feed, outcome = world.pull("file", file_config(world), "")
    assert (outcome.code, outcome.rests_until) == ("http_429", world.clock.micros() + 600 * SECOND)
    assert len(world.portal.asked) == 1
    assert world.runner.run(feed.id) is None
    world.clock.move(minutes=10)
    world.portal.replies = [(200, CSV.encode())]
    assert world.run(feed).code == "ok"


# declarations


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"property": "noise"}, "unknown_property", "config.fields[0].property"),
        ({"unit": "m"}, "incompatible_units", "config.fields[0].unit"),
        ({"kind": "angle", "unit": "deg"}, "kind_of_property", "config.fields[0].kind"),
    ],
)
def test_a_field_must_suit_its_property(world: World, change: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        world.pull("file", file_config(world, fields=[CONFIG["fields"][0] | change]), "")
    assert (caught.value.code, caught.value.field) == (code, field)


def test_only_portals_that_want_a_key_have_to_be_given_one(world: World) -> None:
    world.portal.replies = [(200, CSV.encode())]
    feed, _ = world.pull("file", file_config(world), "")
    assert feed.secret == ""
    with pytest.raises(Invalid) as caught:
        world.pull("seoul", {"service": "bikeList", "url": world.portal.root}, "")
    assert caught.value.field == "key"


def test_feeds_without_a_key_have_a_budget_each(world: World) -> None:
    world.portal.replies = [(200, CSV.encode())]
    feed, _ = world.pull("file", file_config(world), "", calls_per_day=1)
    assert world.run(feed).code == "budget_spent"
    assert world.pull("file", file_config(world), "", slug="other")[1].code == "ok"


def test_a_declaration_that_is_no_longer_valid_fails_its_run_and_frees_the_feed(world: World) -> None:
    feed = world.declare()
    with world.database.write() as session:
        session.get_one(Feed, feed.id).config = {"provinces": ["Atlantis"]}
    assert world.run(feed).code == "invalid_value"
    assert world.feeds.get(world.actor, "air").claimed_until is None


# places


STATIONS = [{"stationName": "강남구", "dmX": "37.517528", "dmY": "127.047470", "mangName": "도시대기"}]


def airkorea(world: World, reply: Reply) -> tuple[Feed, str, str]:
    world.portal.answer = lambda query: page([row("강남구")]) if "sidoName" in query else reply
    config = {"provinces": ["서울"], "url": world.portal.url, "stations_url": f"{world.portal.root}/stations"}
    feed, outcome = world.pull("airkorea", config)
    return feed, outcome.code, outcome.note


def test_stations_of_airkorea_get_their_places_once_a_day(world: World) -> None:
    feed, code, note = airkorea(world, page(STATIONS))
    assert (code, note) == ("ok", "")
    with world.database.read() as session:
        (place,) = session.scalars(select(Location))
        assert session.get_one(Thing, place.thing_id).name == "서울 강남구"
    assert (place.longitude, place.latitude) == (127.04747, 37.517528)
    world.run(feed)
    assert len(world.portal.asked) == 3
    world.clock.move(days=1)
    world.run(feed)
    assert len(world.portal.asked) == 5


def test_a_key_that_may_not_list_stations_brings_readings_all_the_same(world: World) -> None:
    _, code, note = airkorea(world, failure("20", "SERVICE_ACCESS_DENIED_ERROR"))
    assert code == "ok"
    assert note.startswith("no places: 20 SERVICE_ACCESS_DENIED_ERROR")
    assert ("서울 강남구", "pm10") in world.readings()


def test_a_place_that_a_person_set_stays(world: World) -> None:
    feed, _, _ = airkorea(world, page([]))
    with world.database.write() as session:
        thing = session.scalars(select(Thing)).one()
        session.add(Location(thing_id=thing.id, longitude=127.0, latitude=37.0, since=world.clock.micros() - MINUTE))
    world.portal.answer = lambda query: page([row("강남구")]) if "sidoName" in query else page(STATIONS)
    world.clock.move(days=1)
    world.run(feed)
    with world.database.read() as session:
        assert [one.longitude for one in session.scalars(select(Location))] == [127.0]


# masks


@pytest.mark.parametrize("spelling", [KEY, quote(KEY, safe=""), quote(quote(KEY, safe=""), safe="")])
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_key_in_an_answer_is_masked_however_it_is_spelt_and_encoded(spelling: str, encoding: str) -> None:
    raw = f"인증키 {spelling} 오류".encode(encoding)
    assert mask_bytes(raw, (KEY,)) == "인증키 *** 오류".encode(encoding)


def test_a_refusal_keeps_a_message_without_the_key_that_it_repeated(world: World) -> None:
    shown = json.dumps({"list_total_count": 1, "row": [{"MSRMT_DT": "x", "MSRSTN_NM": "중구", "PM": quote(KEY)}]})
    world.portal.replies = [(200, f'{{"RealtimeCityAir": {shown}}}'.encode())]
    feed, _ = world.pull("seoul", {"service": "RealtimeCityAir", "url": world.portal.root})
    with world.database.read() as session:
        raws = [one.raw for one in session.scalars(select(RefusedMessage))]
    assert raws
    assert all(b"DEF" not in raw for raw in raws)
    assert "DEF" not in world.last_run(feed).note
