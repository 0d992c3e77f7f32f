"""Links of harvested datasets are tried politely, and what was seen counts as quality."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import select

from gops.catalog.harvest.links import OF_HOST, Links, Seen, seen_links, tried
from gops.catalog.harvest.model import HarvestTry
from gops.catalog.quality import mqa
from gops.catalog.views import Views
from gops.ingest.feeds.names import feed_names
from gops.outbound import Bounds, Outbound
from gops.store.memory import MemoryStore
from tests.unit.catalog.harvest.conftest import Harvesting, Site, said


def outbound() -> Outbound:
    return Outbound(Bounds(connect=2, read=2, total=2, size=100, redirects=2), (ip_network("127.0.0.1/32"),))


@pytest.fixture
def links(harvesting: Harvesting) -> Links:
    world = harvesting.world
    return Links(world.database, world.clock, 7, outbound(), pause=0)


def leading_to(harvesting: Harvesting, *addresses: str, name: str = "a") -> dict[str, Any]:
    given = [{"@type": "dcat:Distribution", "dcat:downloadURL": {"@id": one}} for one in addresses]
    return said(name, **{"dcat:distribution": given})


def seen(harvesting: Harvesting) -> list[Seen]:
    with harvesting.world.database.read() as session:
        rows = session.scalars(select(HarvestTry)).all()
        found = seen_links(session, [row.dataset_id for row in rows])
    return [one for links in found.values() for one in links.values()]


def endless(handler: BaseHTTPRequestHandler) -> None:
    while True:
        handler.wfile.write(b"x" * 1000)


def test_a_link_is_asked_for_its_head_and_then_for_one_byte(site: Site) -> None:
    """The server of these tests knows no HEAD (501), so the byte is asked for; what sends more is cut off."""
    site.put(b"a,b\n1,2\n", "/a.csv", "text/csv")
    site.put(endless, "/endless", "text/csv")
    assert tried(outbound(), f"{site.url}/a.csv") == Seen(200)
    assert site.asked[-1][1]["range"] == "bytes=0-0"
    assert tried(outbound(), f"{site.url}/endless") == Seen(200, "answer_too_large")
    assert tried(outbound(), f"{site.url}/none").word == "404"
    assert tried(outbound(), "http://10.0.0.1/inside") == Seen(None, "address_refused")
    site.answers["/loop"] = 302, {"Location": "/loop"}, b""
    assert tried(outbound(), f"{site.url}/loop").word in ("501", "bad_redirect")


def test_what_was_seen_is_kept_and_tried_again_by_the_clock(harvesting: Harvesting, links: Links) -> None:
    site = harvesting.site
    site.put(b"a\n1\n", "/a.csv", "text/csv")
    site.catalog(leading_to(harvesting, f"{site.url}/a.csv", f"{site.url}/gone.csv"))
    harvesting.run()
    assert links.run() == 1
    assert [one.word for one in seen(harvesting)] == ["", "404"]
    assert links.run() == 0
    site.put(b"a\n1\n", "/gone.csv", "text/csv")
    harvesting.world.clock.move(days=1)
    assert links.run() == 1
    assert [one.word for one in seen(harvesting)] == ["", ""]
    harvesting.world.clock.move(days=6)
    assert links.run() == 0
    harvesting.world.clock.move(days=1)
    assert links.run() == 1


def test_a_host_has_its_share_of_a_run_and_a_silent_one_is_left_alone(harvesting: Harvesting, links: Links) -> None:
    site = harvesting.site
    many = [
        leading_to(harvesting, *(f"{site.url}/{name}-{number}" for number in range(12)), name=name) for name in "abc"
    ]
    dead = [leading_to(harvesting, f"http://127.0.0.1:1/{name}", name=name) for name in "de"]
    site.catalog(*many, *dead)
    harvesting.run()
    before = len(site.asked)
    assert links.run() == 4
    assert len(site.asked) - before <= OF_HOST
    assert sorted(one.word for one in seen(harvesting))[-2:] == ["host_unreachable"] * 2
    assert links.run() == 1


def test_links_that_answer_earn_points_and_others_say_what_to_do(harvesting: Harvesting, links: Links) -> None:
    world, site = harvesting.world, harvesting.site
    site.catalog(leading_to(harvesting, f"{site.url}/a.csv"))
    harvesting.run()

    def result() -> mqa.Result:
        views = Views(world.database, world.clock, world.settings, MemoryStore(), feed_names)
        facts = views.stated("https://gops.example", harvesting.datasets()).datasets
        return next(one for one in mqa.score(facts[0]).results if one.metric.key == "downloadUrlStatusCode")

    assert (result().earned, "were not tried yet" in result().how.en) == (0, True)
    links.run()
    assert (result().earned, f"{site.url}/a.csv (404)" in result().how.ko) == (0, True)
    site.put(b"a\n1\n", "/a.csv", "text/csv")
    world.clock.move(days=1)
    links.run()
    assert result().earned == result().metric.points


def test_what_is_not_harvested_any_more_is_not_tried(harvesting: Harvesting, links: Links) -> None:
    site = harvesting.site
    site.catalog(leading_to(harvesting, f"{site.url}/a.csv"))
    harvesting.run()
    links.run()
    harvesting.sources.delete(harvesting.world.actor, harvesting.ids[-1])
    harvesting.harvester.run()
    harvesting.world.clock.move(days=30)
    assert links.run() == 0
    assert seen(harvesting) == []
