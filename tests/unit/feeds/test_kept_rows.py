"""Refused rows of pulled pages: kept by themselves, without the key, and read anew by the feed as it is by then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gops.clock import HOUR
from gops.ingest.feeds import kept_rows
from gops.ingest.feeds.answers import Page
from gops.ingest.model import RefusalReplay
from gops.ingest.refusal_replays import RefusalReplays
from gops.ingest.refusal_selection import Wanted
from gops.ingest.refusals import Refusals
from gops.quality import Quality
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import KEY, page, row

LEVEL = {"field": "level", "property": "river_level", "unit": "m"}


def levels(world: World, **given: Any) -> dict[str, Any]:
    return {"url": world.portal.url, "format": "csv", "thing": {"name": "name"}, "fields": [LEVEL | given]}


def replayed(world: World, slug: str) -> RefusalReplay:
    world.clock.move(seconds=1)
    refusals = Refusals(world.database, world.clock, world.settings)
    replays = RefusalReplays(world.database, world.clock, world.settings, world.store, refusals, lambda _address: None)
    return replays.order(world.actor, world.home.id, Wanted(feed=slug))


def kept(world: World) -> list[tuple[str, Any]]:
    refusals = Refusals(world.database, world.clock, world.settings)
    shown = refusals.export(world.actor, world.home.id)
    return [(one.place, one.raw and one.raw.text) for one in shown]


def test_a_row_is_read_anew_once_its_feed_was_mended(world: World) -> None:
    """At the moment when it came; its neighbours were stored then, and the portal is not asked again."""
    world.portal.answer = lambda _query: (200, f"name,level,said\na,1.5,x\nb,2,x\nb,low,{KEY}\n".encode())
    world.pull("file", levels(world), KEY)
    arrival, asked = world.clock.micros(), len(world.portal.asked)
    assert kept(world) == [("rows[2].river_level", json.dumps({"name": "b", "level": "low", "said": "***"}))]
    world.clock.move(hours=2)
    assert replayed(world, "file").counts["still"] == 1
    world.feeds.edit(world.actor, "file", config=levels(world, missing=["low"], flag="level", flags={"low": "suspect"}))
    done = replayed(world, "file")
    assert (done.counts["settled"], done.counts["kept"], done.counts.get("unread_pulled")) == (1, 1, None)
    assert world.readings()["b", "river_level"] == [(arrival, 2.0, int(Quality.good))], "a replay fills gaps only"
    assert (kept(world), len(world.portal.asked)) == ([], asked)


def test_a_province_is_remembered_with_its_row(world: World) -> None:
    world.portal.answer = lambda _query: page([row("중구", pm10Value="many", sidoName=None), row("중구")])
    feed = world.declare()
    world.run(feed)
    ((place, text),) = kept(world)
    assert (place, json.loads(text)["pm10Value"]) == ("items[0].pm10Value", "many")
    done = replayed(world, feed.slug)
    assert (done.counts["still"], done.counts["unchanged"]) == (1, 5)


def test_what_is_no_row_or_too_long_is_not_read_anew_and_says_so(world: World) -> None:
    long = "y" * (world.settings.refusal_raw_bytes + 1)
    world.portal.answer = lambda _query: (200, f"name,level,x\na,low,{long}\nb\n".encode())
    world.pull("file", levels(world), "")
    counts = replayed(world, "file").counts
    assert counts["unread_cut"] == 2, "the page of a line that is no row is as long"
    assert "settled" not in counts


@pytest.mark.parametrize(
    ("topic", "raw"),
    [
        ("https://x.kr/a", b"{}"),
        ("https://x.kr/a#row&made=1", b"{}"),
        ("https://x.kr/a#row&query=", b"[1]"),
        ("https://x.kr/a#row&query=", b"{"),
    ],
)
def test_what_is_no_kept_row_is_none(topic: str, raw: bytes) -> None:
    assert kept_rows.read(topic, raw) is None


@pytest.mark.parametrize("query", ["", "서울", 'a b&made=3#row&query=x%20"', "x" * 300])
def test_a_topic_says_the_query_and_the_moment_of_its_page(query: str) -> None:
    topic = kept_rows.topic_of("https://x.kr/" + "a" * 600, query, HOUR)
    found = kept_rows.read(topic, b'{"a": 1}')
    assert found is not None
    assert (len(topic), found.query, found.made, found.row) == (500, query, HOUR, {"a": 1})


def test_a_place_names_a_row_of_the_page() -> None:
    made = Page(({"a": 1}, {"b": "키"}), 2)
    assert kept_rows.row_of(made, "rows[1].b", "") == '{"b": "키"}'.encode()
    assert kept_rows.row_of(made, "rows[2].b", "") is None
    assert kept_rows.row_of(made, "line 1", "") is None
