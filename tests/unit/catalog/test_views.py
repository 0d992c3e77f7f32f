"""Datasets as others see them, and the facts that profiles are made of."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from gops.catalog import views
from gops.catalog.kept import Kept
from gops.catalog.profiles import dcat
from gops.catalog.quality.rating import graded
from gops.catalog.search.entries import Seen
from gops.catalog.views import Views
from gops.catalog.vocabularies import FILE_TYPES
from gops.clock import HOUR, MINUTE
from gops.geo import BBox
from gops.sensors.model import Datastream
from gops.store.memory import MemoryStore
from gops.store.port import READINGS
from tests.unit.catalog.conftest import FEEDS, World

BASE = "https://gops.kr"


def made(world: World, store: MemoryStore | None = None) -> Views:
    names = lambda _session, ids: {one: FEEDS[one] for one in ids if one in FEEDS}  # noqa: E731
    return Views(world.database, world.clock, world.settings, store or MemoryStore(), names)


def test_a_view_has_publisher_rule_count_and_what_is_missing(world: World) -> None:
    world.stream(feed=7)
    world.drafts.reconcile()
    world.published(world.stream(), slug="one")
    draft, published = made(world).of(world.datasets.list(world.actor))
    assert (draft.publisher.slug, draft.datastreams, draft.rule) == ("suwon", 1, {"feed": "suwon-air"})
    assert "licence" in draft.missing
    assert (published.missing, published.rule) == ((), None)


def test_the_catalog_has_what_is_published_and_nothing_else(world: World) -> None:
    store = MemoryStore()
    first = world.stream(place=(127.0, 37.25))
    second = world.stream(place=(127.2, 37.35))
    rows = [{"datastream": first, "t": 5, "value": 1.0, "quality": 0}, {"datastream": second, "t": 9, "quality": 5}]
    store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    world.published(first, second, slug="air")
    world.dataset(world.stream(), slug="draft")
    world.published(world.stream(), slug="gone")
    world.datasets.withdraw(world.actor, "gone", "x")
    facts = made(world, store).catalog(BASE)
    (air,) = facts.datasets
    assert (air.slug, air.publisher.iri) == ("air", f"{BASE}/api/v1/organisations/suwon")
    assert (air.span.first, air.span.last) == (5, 9)
    assert air.span.bbox == BBox(127.0, 37.25, 127.2, 37.35)
    assert [one.access_url for one in air.distributions] == [
        f"{BASE}/api/v1/datasets/air/data?format={key}" for key in FILE_TYPES
    ]


def test_the_publisher_of_the_catalog_is_the_operator(world: World) -> None:
    assert made(world).catalog(BASE).publisher.iri == f"{BASE}/"
    world.people.organisation("gops", "operator")
    assert made(world).catalog(BASE).publisher.iri == f"{BASE}/api/v1/organisations/gops"


def test_an_empty_catalog_is_a_catalog(world: World) -> None:
    document = json.loads(json.dumps(dcat.catalog(made(world).catalog(BASE))))
    assert (document["@id"], document["dcat:dataset"]) == (f"{BASE}/catalog.jsonld", [])


def test_a_long_catalog_comes_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "DATASETS_A_PAGE", 2)
    for slug in ("one", "two", "three"):
        world.published(world.stream(), slug=slug)
    first = made(world).catalog(BASE)
    assert [one.slug for one in first.datasets] == ["one", "two"]
    assert first.next_page is not None
    after = int(first.next_page.rpartition("=")[2])
    second = made(world).catalog(BASE, after)
    assert ([one.slug for one in second.datasets], second.next_page) == (["three"], None)


def ruled(world: World, datastream: int, **rule: Any) -> None:
    with world.database.write() as session:
        row = session.get_one(Datastream, datastream)
        for name, value in rule.items():
            setattr(row, name, value)


def test_a_dataset_says_how_long_it_is_kept_and_what_was_thinned(world: World) -> None:
    """Of its Datastreams the shortest duration, the longest step, the latest moment."""
    first, second = world.stream(), world.stream()
    ruled(world, first, retention="P365D", thin_after="P30D", thin_every="1h")
    ruled(world, second, retention="P100D", thinned_until=1_777_561_200_000_000, thinned_every="3h")
    world.published(first, second)
    world.published(world.stream(), slug="plain")
    air, plain = made(world).of(world.datasets.list(world.actor))
    assert air.kept == Kept("P100D", "P30D", "1h", 1_777_561_200_000_000, "3h")
    assert plain.kept == Kept()
    document = {one["@id"]: one for one in dcat.catalog(made(world).catalog(BASE))["dcat:dataset"]}
    assert "dct:provenance" not in document[f"{BASE}/api/v1/datasets/plain"]
    korean, english = document[f"{BASE}/api/v1/datasets/air"]["dct:provenance"]["rdfs:label"]
    assert (korean["@language"], english["@language"]) == ("ko", "en")
    assert english["@value"] == (
        "Readings are deleted when they are older than P100D. Readings older than P30D are thinned to one every 1h. "
        "Readings before 2026-05-01T00:00:00+09:00 were thinned to one every 3h."
    )


def test_the_platforms_rule_is_said_where_no_other_is(world: World) -> None:
    world.published(world.stream())
    settings = replace(world.settings, retention_days=730)
    views = Views(world.database, world.clock, settings, MemoryStore(), lambda _session, _ids: {})
    (view,) = views.of(world.datasets.list(world.actor))
    assert view.kept == Kept("P730D")


def test_a_profile_says_no_more_than_others_see(world: World) -> None:
    """Times within start and delay, a rounded box; nothing of times where nothing is public yet."""
    store = MemoryStore()
    stream = world.stream(place=(127.012345, 37.254321))
    now = world.clock.micros()
    times = [now - 3 * HOUR, now - 2 * HOUR, now - HOUR, now]
    rows = [{"datastream": stream, "t": t, "value": 1.0, "quality": 0} for t in times]
    store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    world.published(stream, slug="air")
    terms = {"start": times[1], "delay": "PT90M", "location_decimals": 2}
    world.datasets.edit(world.actor, "air", terms)
    (air,) = made(world, store).catalog(BASE).datasets
    assert (air.span.first, air.span.last) == (times[1], now - 90 * MINUTE - 1)
    assert air.span.bbox == BBox(127.01, 37.25, 127.01, 37.25)
    world.datasets.edit(world.actor, "air", {"delay": "PT12H"})
    (air,) = made(world, store).catalog(BASE).datasets
    assert (air.span.first, air.span.last) == (None, None)


def test_the_search_learns_the_class_of_each_public_dataset(world: World) -> None:
    world.published(world.stream(place=(127.0, 37.25)), slug="air")
    world.dataset(world.stream(), slug="draft")
    ids = {one.slug: one.id for one in world.datasets.list(world.actor)}
    seen = graded(lambda some: dict.fromkeys(some, Seen(first=1)), made(world))(list(ids.values()))
    assert seen == {ids["air"]: Seen(first=1, quality="excellent"), ids["draft"]: Seen(first=1)}
