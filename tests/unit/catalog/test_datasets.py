"""Datasets: made, described, selected, published, withdrawn; and who may do that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from gops.catalog.datasets import Datasets
from gops.catalog.metadata import Incomplete
from gops.errors import Conflict, Forbidden, Gone, GopsError, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS, Actor
from gops.records.audit import AuditRow
from gops.sensors.model import Datastream
from tests.unit.catalog.conftest import COMPLETE, World, feed_of

MISSING_OF_NOTHING = tuple(name for name in COMPLETE if name != "contact_name")  # that is the organisation's


def test_a_published_dataset_makes_its_datastreams_public(either_world: World) -> None:
    world = either_world
    first, second, outside = world.stream(), world.stream(), world.stream()
    world.dataset(first, second)
    assert world.public() == set()
    published = world.datasets.publish(world.actor, "air")
    assert (published.state, published.published_at) == ("published", world.clock.micros())
    assert world.public() == {first, second}
    assert outside not in world.public()
    assert world.events()[-1] == ("dataset.published", published.id)


def test_a_withdrawn_dataset_leaves_a_tombstone_with_its_reason(either_world: World) -> None:
    world = either_world
    world.published(world.stream())
    world.datasets.withdraw(world.actor, "air", "sensor was broken")
    assert world.public() == set()
    assert world.events()[-1][0] == "dataset.withdrawn"
    for actor in (ANONYMOUS, world.actor, world.stranger):
        with pytest.raises(Gone) as caught:
            world.datasets.get(actor, "air")
        assert "sensor was broken" in caught.value.message
    with pytest.raises(Gone):
        world.datasets.publish(world.actor, "air")


def test_a_datastream_in_two_datasets_stays_public_until_both_are_withdrawn(world: World) -> None:
    shared, own = world.stream(), world.stream()
    world.published(shared, own, slug="one")
    world.published(shared, slug="two")
    world.datasets.withdraw(world.actor, "one", "x")
    assert world.public() == {shared}
    world.datasets.withdraw(world.actor, "two", "x")
    assert world.public() == set()


def test_a_draft_that_holds_a_datastream_does_not_keep_it_public(world: World) -> None:
    shared = world.stream()
    world.published(shared, slug="one")
    world.dataset(shared, slug="two")
    world.datasets.withdraw(world.actor, "one", "x")
    assert world.public() == set()


def test_publishing_names_each_missing_part_and_changes_nothing(world: World) -> None:
    stream = world.stream()
    world.datasets.create(world.actor, "suwon", "air", datastreams=[stream])
    with pytest.raises(Incomplete) as caught:
        world.datasets.publish(world.actor, "air")
    assert caught.value.missing == MISSING_OF_NOTHING
    assert (caught.value.code, caught.value.field) == ("incomplete_dataset", "title_ko")
    assert world.datasets.get(world.actor, "air").state == "draft"
    assert world.public() == set()


def test_an_empty_dataset_is_not_published(world: World) -> None:
    world.dataset()
    with pytest.raises(Conflict) as caught:
        world.datasets.publish(world.actor, "air")
    assert caught.value.code == "empty_dataset"


def test_a_dataset_is_published_once(world: World) -> None:
    world.published(world.stream())
    with pytest.raises(Conflict) as caught:
        world.datasets.publish(world.actor, "air")
    assert caught.value.code == "wrong_state"


def test_a_draft_is_not_withdrawn(world: World) -> None:
    world.dataset(world.stream())
    with pytest.raises(Conflict):
        world.datasets.withdraw(world.actor, "air", "x")


# another's data


def test_nobody_puts_anothers_datastreams_into_a_dataset(world: World) -> None:
    own, foreign = world.stream(), world.stream(world.other)
    for act in (
        lambda: world.dataset(own, foreign),
        lambda: world.datasets.create(world.stranger, "seongnam", "theirs", datastreams=[own]),
    ):
        with pytest.raises(Invalid) as caught:
            act()
        assert caught.value.code == "foreign_datastream"
    world.dataset(own)
    with pytest.raises(Invalid) as caught:
        world.datasets.edit(world.actor, "air", {"datastreams": [own, foreign]})
    assert (caught.value.field, caught.value.found) == ("datastreams", foreign)


@pytest.mark.parametrize("wrong", [0, -1, 10**30, True, "1"])
def test_what_is_no_datastream_is_refused(world: World, wrong: Any) -> None:
    with pytest.raises((Invalid, TypeError)):
        world.dataset(wrong)


def test_a_datastream_that_went_to_another_is_not_published(world: World) -> None:
    """Nothing moves Datastreams today; if something did, publishing still looks."""
    stream = world.stream()
    world.dataset(stream)
    with world.database.write() as session:
        session.get_one(Datastream, stream).organisation_id = world.other.id
    with pytest.raises(Invalid) as caught:
        world.datasets.publish(world.actor, "air")
    assert caught.value.code == "foreign_datastream"


def test_a_rule_never_reaches_anothers_datastreams(world: World) -> None:
    own = world.stream()
    world.stream(world.other)
    dataset = world.datasets.create(world.actor, "suwon", "air", rule={"properties": ["pm10"]}, described=COMPLETE)  # type: ignore[arg-type]
    world.datasets.publish(world.actor, dataset.slug)
    assert world.public() == {own}


@pytest.fixture
def actors(world: World) -> dict[str, Actor]:
    people = world.people
    return {
        "anonymous": ANONYMOUS,
        "stranger": world.stranger,
        "viewer": people.actor(world.home, "viewer"),
        "reader": people.actor(world.home, "publisher", scopes=("data:read",)),
        "writer": people.actor(world.home, "publisher", scopes=("catalog:write",)),
        "operator": people.operator(),
    }


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        ("anonymous", NotFound),
        ("stranger", NotFound),
        ("viewer", NotFound),
        ("operator", NotFound),
        ("reader", Forbidden),
    ],
)
def test_a_foreign_draft_is_not_found(world: World, actors: dict[str, Actor], who: str, kind: type[GopsError]) -> None:
    world.dataset(world.stream())
    for act in (
        lambda: world.datasets.edit(actors[who], "air", {"title_ko": "x"}),
        lambda: world.datasets.publish(actors[who], "air"),
        lambda: world.datasets.withdraw(actors[who], "air", "x"),
    ):
        with pytest.raises(kind):
            act()
    if who == "reader":
        assert world.datasets.get(actors[who], "air").slug == "air"
    else:
        with pytest.raises(NotFound):
            world.datasets.get(actors[who], "air")
        assert world.datasets.list(actors[who]) == []


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        ("anonymous", Unauthenticated),
        ("stranger", Forbidden),
        ("viewer", Forbidden),
        ("operator", Forbidden),
        ("reader", Forbidden),
    ],
)
def test_a_published_dataset_is_seen_by_all_and_changed_by_its_publishers(
    world: World, actors: dict[str, Actor], who: str, kind: type[GopsError]
) -> None:
    world.published(world.stream())
    assert world.datasets.get(actors[who], "air").state == "published"
    assert [one.slug for one in world.datasets.list(actors[who])] == ["air"]
    for act in (
        lambda: world.datasets.edit(actors[who], "air", {"title_ko": "x"}),
        lambda: world.datasets.withdraw(actors[who], "air", "x"),
    ):
        with pytest.raises(kind):
            act()


def test_a_key_for_the_catalog_alone_publishes(world: World, actors: dict[str, Actor]) -> None:
    world.dataset(world.stream())
    assert world.datasets.publish(actors["writer"], "air").state == "published"


@pytest.mark.parametrize("who", ["anonymous", "stranger", "viewer", "reader", "operator"])
def test_only_publishers_make_datasets(world: World, actors: dict[str, Actor], who: str) -> None:
    with pytest.raises((Forbidden, Unauthenticated)):
        world.datasets.create(actors[who], "suwon", "air")


# changes


def test_a_published_dataset_stays_complete_and_is_never_empty(world: World) -> None:
    world.published(world.stream())
    with pytest.raises(Incomplete) as caught:
        world.datasets.edit(world.actor, "air", {"licence": ""})
    assert caught.value.missing == ("licence",)
    with pytest.raises(Conflict):
        world.datasets.edit(world.actor, "air", {"datastreams": []})
    assert world.datasets.get(world.actor, "air").licence == "kogl-1"
    assert world.public() != set()


def test_a_changed_list_of_a_published_dataset_changes_what_is_public(world: World) -> None:
    first, second, third = world.stream(), world.stream(), world.stream()
    world.published(first, second)
    world.datasets.edit(world.actor, "air", {"datastreams": [second, third]})
    assert world.public() == {second, third}


def test_every_change_is_a_new_revision_and_no_change_is_none(world: World) -> None:
    world.dataset(world.stream())
    world.clock.move(seconds=1)
    changed = world.datasets.edit(world.actor, "air", {"title_ko": "새 제목"})
    assert (changed.revision, changed.modified_at) == (2, world.clock.micros())
    same = world.datasets.edit(world.actor, "air", {"title_ko": "새 제목"})
    assert same.revision == 2


def test_the_audit_says_what_was_done(world: World) -> None:
    world.published(world.stream())
    world.datasets.edit(world.actor, "air", {"title_ko": "새 제목"})
    world.datasets.withdraw(world.actor, "air", "x")
    with world.database.read() as session:
        rows = list(session.scalars(select(AuditRow).where(AuditRow.noun == "dataset").order_by(AuditRow.id)))
    assert [one.action.partition(".")[2] for one in rows] == ["create", "publish", "edit", "withdraw"]
    assert {one.person_id for one in rows} == {world.actor.person_id}


def test_a_slug_that_is_left_leads_to_its_dataset_and_is_never_anothers(world: World) -> None:
    world.published(world.stream())
    world.datasets.edit(world.actor, "air", {"slug": "suwon-air-quality"})
    found, former = world.datasets.find(ANONYMOUS, "air")
    assert (found.slug, former) == ("suwon-air-quality", True)
    with pytest.raises(Conflict) as caught:
        world.dataset(slug="air")
    assert caught.value.code == "slug_taken"
    back = world.datasets.edit(world.actor, "air", {"slug": "air"})
    assert back.slug == "air"
    assert world.datasets.find(ANONYMOUS, "suwon-air-quality")[1]


def test_a_slug_of_another_dataset_is_taken(world: World) -> None:
    world.dataset(slug="one")
    world.dataset(slug="two")
    for act in (lambda: world.dataset(slug="one"), lambda: world.datasets.edit(world.actor, "two", {"slug": "one"})):
        with pytest.raises(Conflict) as caught:
            act()
        assert caught.value.code == "slug_taken"


@pytest.mark.parametrize("slug", ["Air", "a", "-air", "air/x", "", "x" * 64, 7])
def test_what_is_no_slug_is_refused_or_not_found(world: World, slug: Any) -> None:
    with pytest.raises(Invalid):
        world.dataset(slug=slug)
    with pytest.raises(NotFound):
        world.datasets.get(ANONYMOUS, slug)


# rules


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ({"feed": "direct"}, {"device", "noise"}),
        ({"feed": "suwon-air"}, {"feed", "far"}),
        ({"properties": ["noise_level"]}, {"noise"}),
        ({"properties": ["noise_level", "pm10"], "feed": "direct"}, {"device", "noise"}),
        ({"bbox": [126.9, 37.2, 127.1, 37.3]}, {"device", "feed"}),
        ({"feed": "suwon-air", "bbox": [126.9, 37.2, 127.1, 37.3]}, {"feed"}),
    ],
)
def test_a_rule_holds_for_feed_property_and_area(world: World, rule: dict[str, Any], names: set[str]) -> None:
    streams = {
        "device": world.stream(place=(127.0, 37.25)),
        "noise": world.stream(key="noise_level"),
        "feed": world.stream(feed=7, place=(127.0, 37.26)),
        "far": world.stream(feed=7, place=(129.0, 35.1)),
    }
    world.datasets.create(world.actor, "suwon", "air", rule=rule, described=COMPLETE)  # type: ignore[arg-type]
    world.datasets.publish(world.actor, "air")
    assert world.public() == {streams[name] for name in names}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({}, "bad_rule"), ({"site": "x"}, "bad_rule"), ({"feed": "seongnam-air"}, "unknown_feed"),
        ({"feed": 7}, "unknown_feed"), ({"properties": "pm10"}, "bad_rule"), ({"properties": [1]}, "bad_rule"),
        ({"properties": ["pm9"]}, "unknown_property"), ({"bbox": [1, 2, 3]}, "bad_rule"),
        ({"bbox": [127.1, 37.3, 126.9, 37.2]}, "bad_bbox"), ({"bbox": ["a", 1, 2, 3]}, "bad_rule"),
        ({"bbox": [float("nan"), 1, 2, 3]}, "bad_bbox"),
    ],
)  # fmt: skip
def test_a_wrong_rule_says_what_is_wrong(world: World, rule: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        world.datasets.create(world.actor, "suwon", "air", rule=rule)
    assert caught.value.code == code


def test_a_dataset_has_a_list_or_a_rule_and_only_a_rule_is_followed(world: World) -> None:
    stream = world.stream()
    for given, code in (
        ({"datastreams": [stream], "rule": {"feed": "direct"}}, "list_and_rule"),
        ({"datastreams": [stream], "follow": True}, "no_rule"),
    ):
        with pytest.raises(Invalid) as caught:
            world.datasets.create(world.actor, "suwon", "air", **given)
        assert caught.value.code == code


# bounds


def test_bounds_on_datasets_and_datastreams_name_their_setting(world: World) -> None:
    streams = [world.stream(), world.stream()]
    few = replace(world.settings, organisation_datasets=1, dataset_datastreams=1)
    datasets = Datasets(world.database, world.clock, few, feed_of)
    with pytest.raises(Conflict) as caught:
        datasets.create(world.actor, "suwon", "air", datastreams=streams)
    assert "GOPS_DATASET_DATASTREAMS" in str(caught.value.expected)
    datasets.create(world.actor, "suwon", "air", datastreams=streams[:1])
    with pytest.raises(Conflict) as caught:
        datasets.create(world.actor, "suwon", "water")
    assert "GOPS_ORGANISATION_DATASETS" in str(caught.value.expected)
