"""Rules of retention: what may be said, which holds, and how ingest learns of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gops.accounts import lookup
from gops.accounts.model import Device, Organisation
from gops.clock import DAY
from gops.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unsupported
from gops.ingest.routes import routes_of
from gops.permissions import ANONYMOUS, Actor
from gops.sensors.model import Datastream, Thing
from gops.sensors.retaining import InForce, Retaining
from gops.sensors.retention import KEPT, STEPS, Rule, Said, check, closing
from gops.sensors.routes import OPEN, UNBOUNDED
from gops.settings import Settings, load
from gops.windows import EVERY
from tests.conftest import People
from tests.unit.sensors.conftest import Registry


def retaining(registry: Registry, settings: Settings | None = None, can_delete: bool = True) -> Retaining:
    return Retaining(registry.database, registry.clock, settings or registry.settings, lookup, lambda: can_delete)


@pytest.fixture
def owner(either_people: People, city: Organisation) -> Actor:
    """An owner of Suwon."""
    return either_people.actor(city, "owner")


@pytest.fixture
def stream(registry: Registry, publisher: Actor, device_thing: Thing) -> Datastream:
    """A public Datastream that the field t of suwon/air-1 goes to."""
    made = registry.stream(publisher, device_thing, field="t")
    return registry.datastreams.publish(publisher, made.id, True)


def test_the_steps_are_windows_of_which_a_day_has_whole_ones() -> None:
    assert set(STEPS) <= set(EVERY)
    assert all(DAY % length == 0 for length in STEPS.values())


def test_a_rule_is_kept_in_its_canonical_form() -> None:
    assert check("P4W", "PT48H", "1h") == Said("P28D", "P2D", "1h")
    assert check("none", "none", None) == Said("none", "none", None)
    assert check(None, None, None) == Said()


@pytest.mark.parametrize(
    ("said", "field", "code"),
    [
        (("forever", None, None), "retention", "bad_duration"),
        (("P1Y", None, None), "retention", "bad_duration"),
        (("PT23H", None, None), "retention", "bad_retention"),
        ((None, "PT1H", "1h"), "thin_after", "bad_retention"),
        ((None, "P30D", None), "thin_every", "invalid_value"),
        ((None, "P30D", "1w"), "thin_every", "invalid_value"),
        ((None, None, "1h"), "thin_every", "bad_retention"),
        ((None, "none", "1h"), "thin_every", "bad_retention"),
        (("P30D", "P30D", "1h"), "thin_after", "bad_retention"),
    ],
)
def test_what_makes_no_rule_is_refused_by_the_part_that_is_wrong(
    said: tuple[str | None, ...], field: str, code: str
) -> None:
    with pytest.raises(Invalid) as raised:
        check(*said)
    assert (raised.value.field, raised.value.code) == (field, code)


def test_each_part_is_of_the_first_that_says_something() -> None:
    platform = Rule.of(replace(load({}), retention_days=100, thin_after_days=10, thin_every="3h"))
    assert platform == Rule(100 * DAY, 10 * DAY, "3h")
    assert platform.under(None) == platform.under(Said()) == platform
    assert platform.under(Said("none")) == Rule(None, 10 * DAY, "3h")
    assert platform.under(Said(None, "none")) == Rule(100 * DAY, None, None)
    assert platform.under(Said("P50D")).under(Said(None, "P5D", "1d")) == Rule(50 * DAY, 5 * DAY, "1d")


def test_nothing_is_deleted_or_thinned_by_default() -> None:
    assert Rule.of(load({})) == KEPT == Rule(None, None, None)


@pytest.mark.parametrize(
    ("kind", "period", "thinned"),
    [
        ("gauge", None, True),
        ("counter", "PT59M", True),
        ("gauge", "PT1H", False),
        ("amount", "P1D", False),
        ("state", None, False),
    ],
)
def test_states_and_what_comes_no_more_often_than_the_step_are_not_thinned(
    kind: str, period: str | None, thinned: bool
) -> None:
    stream = Datastream(kind=kind, period=period)
    rule = Rule(None, 30 * DAY, "1h")
    assert rule.thins(kind, period) is thinned  # type: ignore[arg-type]
    assert closing(stream, rule) == (30 * DAY if thinned else UNBOUNDED, OPEN)


def test_what_is_deleted_before_it_would_be_thinned_is_not_thinned() -> None:
    assert not Rule(10 * DAY, 10 * DAY, "1h").thins("gauge", None)


def test_what_was_thinned_stays_closed_when_the_rule_is_taken_back() -> None:
    assert closing(Datastream(kind="gauge", thinned_until=5), KEPT) == (UNBOUNDED, 5)


def test_a_datastream_says_its_own_rule_and_ingest_learns_of_it(
    registry: Registry, owner: Actor, stream: Datastream, device: Device
) -> None:
    service = retaining(registry)
    assert service.of(ANONYMOUS, stream.id) == InForce(Said(), None, None, None)
    actions, events = registry.left_by(lambda: service.put(owner, [stream.id], "P30D", "P7D", "1h"))
    assert actions == ["retention.put"]
    assert events == [("datastream.changed", {"datastream": stream.id}), ("mapping.changed", {"device": device.id})]
    assert service.of(ANONYMOUS, stream.id) == InForce(Said("P30D", "P7D", "1h"), "P30D", "P7D", "1h")
    route = registry.mappings.route("suwon/air-1")
    assert route is not None
    assert (route.fields["t"].age, route.fields["t"].closed) == (7 * DAY, OPEN)
    assert routes_of(registry.database, ["suwon/air-1"], KEPT)["suwon/air-1"].fields == route.fields


def test_saying_the_same_again_leaves_nothing_behind(registry: Registry, owner: Actor, stream: Datastream) -> None:
    service = retaining(registry)
    service.put(owner, [stream.id], "P30D", None, None)
    assert registry.left_by(lambda: service.put(owner, [stream.id], "P30D", None, None)) == ([], [])


def test_an_organisation_says_what_holds_for_the_rest(
    registry: Registry, owner: Actor, stream: Datastream, city: Organisation
) -> None:
    chosen = replace(registry.settings, retention_days=100)
    service = retaining(registry, chosen)
    assert service.of(ANONYMOUS, stream.id).retention == "P100D"
    actions, events = registry.left_by(lambda: service.put_default(owner, "suwon", "none", "P7D", "1h"))
    assert (actions, events) == (["retention.put"], [("organisation.changed", {"organisation": city.id})])
    assert service.default("suwon") == InForce(Said("none", "P7D", "1h"), None, "P7D", "1h")
    assert service.of(ANONYMOUS, stream.id) == InForce(Said(), None, "P7D", "1h")
    route = routes_of(registry.database, ["suwon/air-1"], Rule.of(chosen))["suwon/air-1"]
    assert route.fields["t"].age == 7 * DAY
    service.put(owner, [stream.id], None, "none", None)
    assert service.of(ANONYMOUS, stream.id) == InForce(Said(None, "none"), None, None, None)


def test_a_rule_is_said_by_owners_alone(
    registry: Registry, publisher: Actor, stranger: Actor, stream: Datastream
) -> None:
    service = retaining(registry)
    for actor, error in ((publisher, Forbidden), (stranger, Forbidden), (ANONYMOUS, Unauthenticated)):
        with pytest.raises(error):
            service.put(actor, [stream.id], "P30D", None, None)
        with pytest.raises(error):
            service.put_default(actor, "suwon", "P30D", None, None)
    assert service.of(publisher, stream.id).said == Said()


def test_a_rule_for_many_is_said_for_all_of_them_or_none(
    registry: Registry, owner: Actor, publisher: Actor, thing: Thing, stream: Datastream
) -> None:
    service = retaining(registry)
    hidden = registry.stream(publisher, thing)
    with pytest.raises(NotFound):
        service.put(owner, [stream.id, hidden.id, 10**6], "P30D", None, None)
    assert service.of(owner, stream.id).said == Said()
    both = service.put(owner, [stream.id, hidden.id], "P30D", None, None)
    assert [one.retention for one in both] == ["P30D", "P30D"]
    with pytest.raises(NotFound):
        service.of(ANONYMOUS, hidden.id)


def test_a_store_that_cannot_delete_is_not_told_to(registry: Registry, owner: Actor, stream: Datastream) -> None:
    service = retaining(registry, can_delete=False)
    with pytest.raises(Unsupported) as raised:
        service.put(owner, [stream.id], "P30D", None, None)
    assert raised.value.field == "deletes_range"
    assert service.put(owner, [stream.id], "none", None, None)[0].retention is None


def test_a_replacement_takes_the_rule_over(registry: Registry, owner: Actor, stream: Datastream) -> None:
    service = retaining(registry)
    service.put(owner, [stream.id], "P30D", "P2D", "1h")
    new = registry.datastreams.replace_sensor(owner, stream.id, "another")
    assert service.of(owner, new.id).said == Said("P30D", "P2D", "1h")
