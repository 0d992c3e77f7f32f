"""Drafts that GOPS offers, and rules that are followed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gops.accounts import lookup
from gops.catalog import lookup as catalog_lookup
from gops.catalog import selection
from gops.catalog.drafts import Drafts
from gops.catalog.model import Dataset
from gops.errors import Conflict
from gops.permissions import ANONYMOUS
from gops.records.events import Event
from gops.sensors.datastreams import Datastreams
from gops.sensors.model import Location
from tests.unit.catalog.conftest import COMPLETE, World


def drafts(world: World) -> list[Dataset]:
    return list(world.datasets.list(world.actor))


def test_one_draft_is_offered_for_each_feed_of_an_organisation(either_world: World) -> None:
    world = either_world
    world.stream()
    world.stream(key="noise_level")
    world.stream(feed=7)
    world.stream(world.other)
    assert world.drafts.reconcile() > 0
    assert [(one.slug, one.offer, one.state) for one in drafts(world)] == [
        ("suwon-devices", "direct", "draft"),
        ("suwon-air", "feed:7", "draft"),
    ]
    (theirs,) = world.datasets.list(world.stranger)
    assert theirs.slug == "seongnam-devices"
    assert world.public() == set(), "an offer publishes nothing"
    assert world.datasets.list(ANONYMOUS) == []


def test_an_offer_has_a_title_and_a_contact_to_begin_with(world: World) -> None:
    world.stream(feed=7)
    world.drafts.reconcile()
    (draft,) = drafts(world)
    assert draft.title_ko == f"{world.home.name_ko} 수원 대기질"
    assert (draft.title_en, draft.contact_name) == (f"{world.home.name_en}: suwon-air", world.home.name_ko)
    assert draft.description_ko == ""


def test_what_is_offered_once_is_not_offered_again(world: World) -> None:
    world.stream()
    world.drafts.reconcile()
    before = [(one.id, one.revision) for one in drafts(world)]
    assert world.drafts.reconcile() == 0
    assert [(one.id, one.revision) for one in drafts(world)] == before


def test_an_organisation_without_datastreams_is_offered_nothing(world: World) -> None:
    assert world.drafts.reconcile() == 0
    assert drafts(world) == []


def test_a_withdrawn_offer_does_not_come_back(world: World) -> None:
    world.stream()
    world.drafts.reconcile()
    world.datasets.edit(world.actor, "suwon-devices", COMPLETE)
    world.datasets.publish(world.actor, "suwon-devices")
    world.datasets.withdraw(world.actor, "suwon-devices", "x")
    world.drafts.reconcile()
    assert [one.state for one in drafts(world)] == ["withdrawn"]


def test_a_taken_slug_is_gone_round(world: World) -> None:
    world.datasets.create(world.actor, "suwon", "suwon-devices")
    world.stream()
    world.drafts.reconcile()
    assert [one.slug for one in drafts(world)] == ["suwon-devices", "suwon-suwon-devices"]


def test_a_draft_takes_new_datastreams_in(world: World) -> None:
    first = world.stream()
    world.drafts.reconcile()
    second = world.stream()
    world.drafts.reconcile()
    world.datasets.edit(world.actor, "suwon-devices", COMPLETE)
    world.datasets.publish(world.actor, "suwon-devices")
    assert world.public() == {first, second}


@pytest.mark.parametrize("follow", [True, False])
def test_a_published_dataset_takes_new_ones_in_only_where_it_follows(world: World, follow: bool) -> None:
    first = world.stream()
    world.drafts.reconcile()
    world.datasets.edit(world.actor, "suwon-devices", COMPLETE | {"follow": follow})
    world.datasets.publish(world.actor, "suwon-devices")
    second = world.stream()
    world.drafts.reconcile()
    assert world.public() == ({first, second} if follow else {first})


def test_a_published_dataset_never_loses_a_datastream_by_its_rule(world: World) -> None:
    stream = world.stream(place=(127.0, 37.25))
    rule = {"bbox": [126.9, 37.2, 127.1, 37.3]}
    world.datasets.create(world.actor, "suwon", "air", rule=rule, follow=True, described=COMPLETE)  # type: ignore[arg-type]
    world.datasets.publish(world.actor, "air")
    with world.database.write() as session:
        session.add(Location(thing_id=1, longitude=129.0, latitude=35.0, since=world.clock.micros() + 1))
    world.drafts.reconcile()
    assert world.public() == {stream}


def test_a_draft_of_a_list_follows_nothing(world: World) -> None:
    first = world.stream()
    world.drafts.reconcile()
    world.datasets.edit(world.actor, "suwon-devices", {"datastreams": [first]})
    world.stream()
    assert world.drafts.reconcile() == 0


def test_a_replaced_sensor_goes_on_in_the_same_datasets(world: World) -> None:
    stream = world.stream()
    world.published(stream)
    accounts: Any = lookup
    streams = Datastreams(world.database, world.clock, world.settings, accounts, lambda _one: True)
    new = streams.replace_sensor(world.actor, stream, "another")
    assert world.drafts.reconcile() > 0
    with world.database.read() as session:
        assert selection.members(session, world.datasets.get(world.actor, "air").id) == {stream, new.id}
    assert world.public() == {stream, new.id}
    world.datasets.withdraw(world.actor, "air", "x")
    assert world.public() == set()


def test_what_is_in_a_published_dataset_is_public_whatever_a_switch_says(world: World) -> None:
    stream = world.stream()
    world.published(stream)
    accounts: Any = lookup
    Datastreams(world.database, world.clock, world.settings, accounts, lambda _one: True).publish(
        world.actor, stream, False
    )
    world.drafts.reconcile()
    assert world.public() == {stream}


def test_what_a_published_dataset_holds_is_not_made_private(world: World) -> None:
    """The owner is told which dataset holds it, rather than told that it is private when it is not."""
    stream = world.stream()
    slug = world.published(stream).slug
    accounts: Any = lookup
    streams = Datastreams(
        world.database, world.clock, world.settings, accounts, lambda _one: True, catalog_lookup.published_in
    )
    with pytest.raises(Conflict) as caught:
        streams.publish(world.actor, stream, False)
    assert (caught.value.code, caught.value.found) == ("in_published_dataset", slug)
    world.datasets.withdraw(world.actor, slug, "over")
    assert streams.publish(world.actor, stream, False).public is False


def test_a_full_dataset_does_not_stop_the_others(world: World) -> None:
    few = replace(world.settings, dataset_datastreams=1)
    narrow = Drafts(world.database, world.clock, few, lambda _session, _ids: {})
    world.stream()
    world.stream()
    world.stream(world.other)
    narrow.reconcile()
    assert len(world.datasets.list(world.stranger)) == 1


def test_a_change_of_the_registry_asks_for_a_reconciliation(world: World) -> None:
    told: list[int] = []
    world.drafts.on_change(lambda: told.append(1))
    for kind, (handle,) in world.drafts.handlers.items():
        handle(Event(1, 0, kind, {}))
    assert told == [1, 1]
