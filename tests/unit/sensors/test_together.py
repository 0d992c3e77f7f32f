"""Several people at once: bounds hold, names stay unique, and no mapping points back to what was replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gops.errors import Conflict
from gops.sensors.fields import FieldRow


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each act returned or raised, all of them started together."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait(30)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        futures = [pool.submit(run, act) for act in acts]
    return [future.exception() or future.result() for future in futures]


def conflicts(results: list[object]) -> list[str]:
    errors = [one for one in results if isinstance(one, Exception)]
    assert all(isinstance(one, Conflict) for one in errors), errors
    return [one.code for one in errors if isinstance(one, Conflict)]


def test_a_bound_holds_for_all_together(registry: Any, publisher: Any) -> None:
    registry.limit(organisation_things=3)
    results = at_once(*[lambda: registry.things.create(publisher, "suwon", "Bridge")] * 8)
    assert conflicts(results) == ["too_many"] * 5
    assert len(registry.things.list(publisher)) == 3


def test_one_of_two_gets_a_key(registry: Any, publisher: Any) -> None:
    act = lambda: registry.properties.create(publisher, "smell", "냄새", "Smell", "1", "gauge")  # noqa: E731
    assert conflicts(at_once(act, act, act)) == ["key_taken"] * 2


def test_one_of_two_gets_a_field(registry: Any, publisher: Any, device_thing: Any) -> None:
    results = at_once(*[lambda: registry.stream(publisher, device_thing, field="t")] * 4)
    assert conflicts(results) == ["field_taken"] * 3
    assert len(registry.datastreams.list(publisher)) == 1


def test_a_thing_is_decommissioned_once(registry: Any, publisher: Any, thing: Any) -> None:
    results = at_once(*[lambda: registry.things.decommission(publisher, thing.id, "gone")] * 4)
    assert conflicts(results) == ["decommissioned"] * 3


def test_a_datastream_is_replaced_once(registry: Any, publisher: Any, device_thing: Any) -> None:
    old = registry.stream(publisher, device_thing, field="t")
    results = at_once(*[lambda: registry.datastreams.replace_sensor(publisher, old.id, "new")] * 4)
    assert conflicts(results) == ["ended_datastream"] * 3
    (living,) = registry.datastreams.list(publisher, in_use=True)
    assert registry.mappings.route("suwon/air-1").fields["t"].datastream == living.id


def test_no_datastream_begins_on_a_thing_that_ends(registry: Any, publisher: Any, thing: Any) -> None:
    results = at_once(
        lambda: registry.things.decommission(publisher, thing.id, "gone"),
        *[lambda: registry.stream(publisher, thing)] * 3,
    )
    conflicts(results)
    assert registry.datastreams.list(publisher, in_use=True) == []


@pytest.mark.parametrize("turn", range(5))
def test_a_mapping_put_while_a_sensor_is_replaced_never_leads_back(
    registry: Any, publisher: Any, device_thing: Any, turn: int
) -> None:
    """Either the put comes first and its field moves, or it comes later and is told of the end."""
    old = registry.stream(publisher, device_thing, field="t")
    results = at_once(
        lambda: registry.datastreams.replace_sensor(publisher, old.id, "new"),
        lambda: registry.mappings.put(publisher, "suwon/air-1", [FieldRow("u", old.id)]),
    )
    assert conflicts(results) in ([], ["ended_datastream"])
    route = registry.mappings.route("suwon/air-1")
    assert route.ended == frozenset()
    assert [target.datastream for target in route.fields.values()] == [old.id + 1]
