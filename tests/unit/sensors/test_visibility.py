"""What is public, to whom the rest is shown, and that what is hidden looks like what is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite

from gops.errors import Forbidden, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS
from gops.records.database import Database
from gops.records.paging import page
from gops.sensors.model import Datastream
from gops.sensors.visibility import visible


@pytest.fixture
def either_database(database: Database) -> Database:
    """SQLite alone: the table below is long, and its conditions are the same SQL on both."""
    return database


@pytest.fixture
def stream(registry: Any, publisher: Any, thing: Any) -> Any:
    """A private Datastream of the only Thing and Sensor of Suwon, at a place."""
    registry.things.move(publisher, thing.id, 127, 37.3)
    return registry.stream(publisher, thing)


READS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "thing": lambda registry, who, one: registry.things.get(who, one.thing_id),
    "locations": lambda registry, who, one: registry.things.locations(who, one.thing_id),
    "sensor": lambda registry, who, one: registry.sensors.get(who, one.sensor_id),
    "datastream": lambda registry, who, one: registry.datastreams.get(who, one.id),
    "datastreams": lambda registry, who, one: registry.datastreams.many(who, [one.id]),
    "datastreams of readings": lambda registry, who, one: registry.datastreams.known(who, [one.id]),
    "datastreams on a map": lambda registry, who, one: registry.datastreams.placed(who, [one.id]),
    "of a thing": lambda registry, who, one: registry.datastreams.list(who, thing=one.thing_id),
}
LISTS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "things": lambda registry, who, one: registry.things.list(who),
    "things by id": lambda registry, who, one: registry.things.many(who, [one.thing_id]),
    "things of the city": lambda registry, who, one: registry.things.list(who, organisation="suwon"),
    "places": lambda registry, who, one: registry.things.places(who, [one.thing_id]),
    "sensors": lambda registry, who, one: registry.sensors.list(who),
    "sensors by id": lambda registry, who, one: registry.sensors.many(who, [one.sensor_id]),
    "datastreams": lambda registry, who, one: registry.datastreams.list(who),
    "datastreams in use on a map": lambda registry, who, one: registry.datastreams.placed(who),
    "visible": lambda registry, who, one: registry.datastreams.visible(who, [one.id]),
}
CHANGES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "edit a thing": lambda registry, who, one: registry.things.edit(who, one.thing_id, name="mine"),
    "move a thing": lambda registry, who, one: registry.things.move(who, one.thing_id, 0, 0),
    "decommission a thing": lambda registry, who, one: registry.things.decommission(who, one.thing_id, "x"),
    "decommission a sensor": lambda registry, who, one: registry.sensors.decommission(who, one.sensor_id, "x"),
    "add a datastream": lambda registry, who, one: registry.datastreams.create(who, one.thing_id, "x", "humidity"),
    "edit a datastream": lambda registry, who, one: registry.datastreams.edit(who, one.id, name="mine"),
    "end a datastream": lambda registry, who, one: registry.datastreams.end(who, one.id, "x"),
    "replace a sensor": lambda registry, who, one: registry.datastreams.replace_sensor(who, one.id, "x"),
    "publish": lambda registry, who, one: registry.datastreams.publish(who, one.id, not one.public),
}
OUTSIDERS = ["anonymous", "viewer", "stranger"]


@pytest.mark.parametrize("who", OUTSIDERS)
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_is_private_is_not_found_by_others(
    registry: Any, stream: Any, request: pytest.FixtureRequest, who: str, read: Any
) -> None:
    with pytest.raises(NotFound):
        read(registry, request.getfixturevalue(who), stream)


@pytest.mark.parametrize("who", OUTSIDERS)
@pytest.mark.parametrize("read", LISTS.values(), ids=LISTS)
def test_what_is_private_is_in_no_list_of_others(
    registry: Any, stream: Any, request: pytest.FixtureRequest, who: str, read: Any
) -> None:
    assert len(read(registry, request.getfixturevalue(who), stream)) == 0


@pytest.mark.parametrize("who", [*OUTSIDERS, "publisher"])
@pytest.mark.parametrize("read", (READS | LISTS).values(), ids=READS | LISTS)
def test_a_public_datastream_shows_itself_its_thing_places_and_sensor(
    registry: Any, stream: Any, publisher: Any, request: pytest.FixtureRequest, who: str, read: Any
) -> None:
    registry.datastreams.publish(publisher, stream.id, True)
    found = read(registry, request.getfixturevalue(who), stream)
    assert not hasattr(found, "__len__") or len(found) == 1


@pytest.mark.parametrize("read", (READS | LISTS).values(), ids=READS | LISTS)
def test_an_organisation_s_publisher_sees_what_is_private(
    registry: Any, stream: Any, publisher: Any, read: Any
) -> None:
    found = read(registry, publisher, stream)
    assert not hasattr(found, "__len__") or len(found) == 1


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_is_public_no_more_is_hidden_again(
    registry: Any, stream: Any, publisher: Any, anonymous: Any, read: Any
) -> None:
    registry.datastreams.publish(publisher, stream.id, True)
    registry.datastreams.publish(publisher, stream.id, False)
    with pytest.raises(NotFound):
        read(registry, anonymous, stream)


def test_a_private_neighbour_on_a_public_thing_stays_hidden(
    registry: Any, stream: Any, publisher: Any, anonymous: Any, thing: Any
) -> None:
    hidden = registry.stream(publisher, thing, "humidity", sensor="secret probe")
    registry.datastreams.publish(publisher, stream.id, True)
    assert [one.id for one in registry.datastreams.list(anonymous, thing=thing.id)] == [stream.id]
    assert [one.id for one in registry.sensors.list(anonymous)] == [stream.sensor_id]
    assert registry.datastreams.visible(anonymous, [stream.id, hidden.id, 999, 2**70]) == {stream.id}
    with pytest.raises(NotFound):
        registry.datastreams.get(anonymous, hidden.id)


@pytest.mark.parametrize("who", OUTSIDERS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nobody_else_changes_what_is_private_or_learns_that_it_is_there(
    registry: Any, stream: Any, request: pytest.FixtureRequest, who: str, change: Any
) -> None:
    before = (registry.audited(), registry.events())
    with pytest.raises(NotFound):
        change(registry, request.getfixturevalue(who), stream)
    assert (registry.audited(), registry.events()) == before


@pytest.mark.parametrize("who", OUTSIDERS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nobody_else_changes_what_is_public(
    registry: Any, stream: Any, publisher: Any, request: pytest.FixtureRequest, who: str, change: Any
) -> None:
    stream = registry.datastreams.publish(publisher, stream.id, True)
    before = (registry.audited(), registry.events())
    with pytest.raises(Unauthenticated if who == "anonymous" else Forbidden):
        change(registry, request.getfixturevalue(who), stream)
    assert (registry.audited(), registry.events()) == before


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_is_hidden_looks_exactly_like_what_is_not_there(
    registry: Any, stream: Any, stranger: Any, read: Any
) -> None:
    class Nothing:
        id = thing_id = sensor_id = 10**6

    answers = []
    for one in (stream, Nothing):
        with pytest.raises(NotFound) as caught:
            read(registry, stranger, one)
        error = caught.value
        answers.append((error.message, error.code, error.field, error.expected))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_platform_roles_see_no_more_of_the_registry_than_anybody(
    registry: Any, either_people: Any, stream: Any, role: str
) -> None:
    house = either_people.organisation("gops", "operator")
    actor = either_people.actor(house, role)
    assert registry.datastreams.list(actor) == []
    with pytest.raises(NotFound):
        registry.things.get(actor, stream.thing_id)


def test_a_key_without_the_scope_reads_as_anybody_does(registry: Any, publisher: Any, stream: Any) -> None:
    bare = replace(publisher, scopes=frozenset({"testbed:apply"}))
    assert registry.datastreams.list(bare) == []
    with pytest.raises(NotFound):
        registry.datastreams.get(bare, stream.id)


def test_who_lost_the_role_sees_nothing_private(registry: Any, publisher: Any, stream: Any) -> None:
    former = replace(publisher, roles=frozenset())
    assert registry.things.list(former) == []


@pytest.mark.parametrize("who", ["anonymous", "publisher"])
def test_a_page_of_many_datastreams_is_found_without_sorting_them_all(registry: Any, request: Any, who: str) -> None:
    """SQLite would take an ``OR`` of two indexes, and sort; nothing else tells it that ids are what is wanted."""
    actor = ANONYMOUS if who == "anonymous" else request.getfixturevalue(who)
    query = page(select(Datastream.id).where(visible(Datastream, actor)), Datastream.id, 0, 100)
    sql = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with registry.database.read() as session:
        plan = [row.detail for row in session.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]
    assert plan, sql
    assert not [step for step in plan if "TEMP B-TREE" in step]
