"""What is in a dataset, for whom, and filtered."""

from __future__ import annotations

from typing import Any

import pytest

from gops.catalog.contents import EVERYTHING, Catalogued, Filter
from gops.errors import Forbidden, Gone, Invalid, NotFound
from gops.geo import parse_bbox
from gops.permissions import ANONYMOUS
from gops.records.database import Database
from gops.sensors.facts import Facts
from tests.unit.catalog.conftest import World


@pytest.fixture
def streams(either_world: World) -> dict[str, int]:
    world = either_world
    found = {
        "near": world.stream(place=(127.0, 37.25)),
        "far": world.stream(place=(129.0, 35.1)),
        "noise": world.stream(key="noise_level"),
    }
    world.published(*found.values())
    return found


def names(world: World, streams: dict[str, int], wanted: Filter = EVERYTHING) -> set[str]:
    ids = {one: name for name, one in streams.items()}
    return {ids[one.id] for one in Catalogued(world.database).contents(ANONYMOUS, "air", wanted).members}


def test_everybody_reads_a_published_dataset(either_world: World, streams: dict[str, int]) -> None:
    assert names(either_world, streams) == {"near", "far", "noise"}


def test_filters_by_property_thing_and_place(either_world: World, streams: dict[str, int]) -> None:
    world = either_world
    assert names(world, streams, Filter(properties=("pm10",))) == {"near", "far"}
    assert names(world, streams, Filter(bbox=parse_bbox("126.9,37.2,127.1,37.3"))) == {"near"}
    (noise,) = Catalogued(world.database).contents(ANONYMOUS, "air", Filter(properties=("noise_level",))).members
    assert names(world, streams, Filter(things=(noise.thing_id,))) == {"noise"}
    assert names(world, streams, Filter(things=(noise.thing_id,), properties=("pm10",))) == set()


@pytest.mark.parametrize(
    ("wanted", "code"), [(Filter(properties=("o3",)), "unknown_property"), (Filter(things=(10**9,)), "unknown_thing")]
)
def test_a_filter_that_names_what_is_not_in_it_says_so(
    either_world: World, streams: dict[str, int], wanted: Filter, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        names(either_world, streams, wanted)
    assert caught.value.code == code
    assert caught.value.expected


def test_things_of_one_name_are_told_apart(either_world: World, streams: dict[str, int]) -> None:
    members = Catalogued(either_world.database).contents(ANONYMOUS, "air").members
    labels = {one.thing_id: one.thing for one in members}
    assert sorted(labels.values()) == sorted(
        f"pm10 station ({thing})" if label.startswith("pm10") else "noise_level station"
        for thing, label in labels.items()
    )
    only = Catalogued(either_world.database).contents(ANONYMOUS, "air", Filter(bbox=parse_bbox("126,37,128,38")))
    assert only.members[0].thing == labels[only.members[0].thing_id], "a filter changes no name"


def test_places_are_where_the_things_are(either_world: World, streams: dict[str, int]) -> None:
    catalogued = Catalogued(either_world.database)
    contents = catalogued.contents(ANONYMOUS, "air")
    found = {one.longitude for one in catalogued.places(contents).values()}
    assert found == {127.0, 129.0}


def test_a_draft_is_read_by_who_may_read_its_readings(world: World) -> None:
    world.dataset(world.stream())
    catalogued = Catalogued(world.database)
    assert len(catalogued.contents(world.actor, "air").members) == 1
    writer = world.people.actor(world.home, "publisher", scopes=("catalog:write",))
    with pytest.raises(Forbidden):
        catalogued.contents(writer, "air")
    others: tuple[Any, ...] = (ANONYMOUS, world.stranger)
    for actor in others:
        with pytest.raises(NotFound):
            catalogued.contents(actor, "air")


def test_a_withdrawn_dataset_is_gone(world: World) -> None:
    world.published(world.stream())
    world.datasets.withdraw(world.actor, "air", "x")
    with pytest.raises(Gone):
        Catalogued(world.database).contents(ANONYMOUS, "air")


def test_a_former_slug_is_told(world: World) -> None:
    world.published(world.stream())
    world.datasets.edit(world.actor, "air", {"slug": "new-air"})
    found = Catalogued(world.database).contents(ANONYMOUS, "air")
    assert (found.dataset.slug, found.is_former_slug) == ("new-air", True)


def taken_back(world: World, catalogued: Catalogued) -> None:
    with world.database.together():
        world.datasets.withdraw(world.actor, "air", "x")
        with pytest.raises(Gone):
            catalogued.contents(ANONYMOUS, "air")
        raise RuntimeError("taken back")


def test_what_was_found_is_remembered_until_this_process_writes(either_world: World, streams: dict[str, int]) -> None:
    world, catalogued = either_world, Catalogued(either_world.database)
    found = catalogued.contents(ANONYMOUS, "air")
    assert catalogued.contents(ANONYMOUS, "air") is found
    assert catalogued.contents(world.actor, "air") is not found, "each sees it with other eyes"
    world.datasets.edit(world.actor, "air", {"title_ko": "새 이름"})
    renamed = catalogued.contents(ANONYMOUS, "air")
    assert renamed.digest != found.digest
    with pytest.raises(RuntimeError, match="taken back"):
        taken_back(world, catalogued)
    assert catalogued.contents(ANONYMOUS, "air").digest == renamed.digest
    world.datasets.withdraw(world.actor, "air", "x")
    with pytest.raises(Gone):
        catalogued.contents(ANONYMOUS, "air")


def test_what_another_process_withdraws_is_gone_within_two_seconds(world: World) -> None:
    world.published(world.stream())
    elapsed, other = [0.0], Database(str(world.database.engine.url))
    catalogued, facts = Catalogued(other, lambda: elapsed[0]), Facts(other, lambda: elapsed[0])
    stream = catalogued.contents(ANONYMOUS, "air").ids
    assert [one.id for one in facts.known(ANONYMOUS, stream)] == stream
    world.datasets.withdraw(world.actor, "air", "x")
    assert catalogued.contents(ANONYMOUS, "air").ids == stream
    elapsed[0] = 1.0
    with pytest.raises(Gone):
        catalogued.contents(ANONYMOUS, "air")
    with pytest.raises(NotFound):
        facts.known(ANONYMOUS, tuple(stream))
    other.close()
