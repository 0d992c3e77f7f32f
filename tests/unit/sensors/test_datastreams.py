"""Datastreams: declared, changed, published and ended."""

from __future__ import annotations

from typing import Any

import pytest

from gops.clock import HOUR
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.store.port import Series


def test_a_datastream_takes_unit_and_kind_from_its_property(registry: Any, publisher: Any, thing: Any) -> None:
    made = registry.stream(publisher, thing, "rainfall", period="PT60M", label="end")
    shown = registry.datastreams.get(publisher, made.id)
    assert (shown.unit, shown.kind, shown.period, shown.label) == ("mm", "amount", "PT1H", "end")
    assert (shown.name, shown.public, shown.ended_at) == ("City hall rainfall", False, None)
    assert (shown.thing_id, shown.organisation_id) == (thing.id, thing.organisation_id)
    assert shown.created_at == registry.clock.micros()


def test_a_datastream_may_have_a_unit_of_its_own_that_converts(registry: Any, publisher: Any, thing: Any) -> None:
    made = registry.stream(publisher, thing, unit="[degF]", range_low=-40, range_high=140, name="Roof")
    assert (made.unit, made.range_low, made.range_high, made.name) == ("[degF]", -40.0, 140.0, "Roof")


def test_rain_may_be_counted_by_a_tipping_bucket(registry: Any, publisher: Any, thing: Any) -> None:
    assert registry.stream(publisher, thing, "rainfall", kind="counter").kind == "counter"


@pytest.mark.parametrize(
    ("prop", "options", "code", "field"),
    [
        ("temperature", {"unit": "kelvin"}, "unknown_unit", "unit"),
        ("temperature", {"unit": ""}, "unknown_unit", "unit"),
        ("temperature", {"unit": "ug/m3"}, "incompatible_units", "unit"),
        ("temperature", {"unit": "C"}, "incompatible_units", "unit"),
        ("temperature", {"kind": "amount"}, "unit_of_kind", "unit"),
        ("temperature", {"kind": "state", "unit": "1"}, "kind_of_property", "kind"),
        ("temperature", {"kind": "level"}, "invalid_value", "kind"),
        ("wind_direction", {"kind": "gauge"}, "kind_of_property", "kind"),
        ("wind_direction", {"unit": "rad"}, "unit_of_kind", "unit"),
        ("parking_occupied", {"unit": "m"}, "unit_of_kind", "unit"),
        ("parking_occupied", {"range_low": 0}, "bad_range", "range_low"),
        ("pm10", {"kind": "angle"}, "unit_of_kind", "unit"),
        ("noise_level", {"unit": "dB"}, "incompatible_units", "unit"),
        ("pm10", {"period": "P1M"}, "bad_duration", "period"),
        ("pm10", {"period": "1h"}, "bad_duration", "period"),
        ("pm10", {"label": "middle"}, "invalid_value", "label"),
        ("pm10", {"range_low": 5, "range_high": 5}, "bad_range", "range_low"),
        ("pm10", {"range_low": 6, "range_high": 5}, "bad_range", "range_low"),
        ("pm10", {"range_low": float("nan")}, "invalid_value", "range_low"),
        ("pm10", {"range_high": float("inf")}, "invalid_value", "range_high"),
        ("pm10", {"range_high": 10**400}, "invalid_value", "range_high"),
        ("pm10", {"range_low": "0"}, "invalid_value", "range_low"),
        ("pm10", {"range_low": True}, "invalid_value", "range_low"),
        ("pm10", {"name": "x" * 201}, "invalid_value", "name"),
        ("pm10", {"name": "a\nb"}, "invalid_value", "name"),
        ("pm10", {"description": "\x00"}, "invalid_value", "description"),
        ("pm10", {"sensor": ""}, "invalid_value", "sensor"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(
    registry: Any, publisher: Any, thing: Any, prop: str, options: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        registry.stream(publisher, thing, prop, **options)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert registry.datastreams.list(publisher) == []


@pytest.mark.parametrize(("name", "value"), [("range_low", 0), ("range_high", 100)])
def test_a_range_may_have_one_end(registry: Any, publisher: Any, thing: Any, name: str, value: float) -> None:
    assert getattr(registry.stream(publisher, thing, **{name: value}), name) == value


def test_an_unknown_property_sensor_or_thing_is_not_found(registry: Any, publisher: Any, thing: Any) -> None:
    for act in (
        lambda: registry.datastreams.create(publisher, thing.id, "probe", "nothing"),
        lambda: registry.datastreams.create(publisher, thing.id, 77, "pm10"),
        lambda: registry.datastreams.create(publisher, thing.id + 1, "probe", "pm10"),
        lambda: registry.datastreams.create(publisher, 2**80, "probe", "pm10"),
        lambda: registry.datastreams.create(publisher, thing.id, 2**80, "pm10"),
    ):
        with pytest.raises(NotFound):
            act()


def test_making_leaves_an_audit_row_and_an_event(registry: Any, publisher: Any, thing: Any) -> None:
    registry.stream(publisher, thing)
    actions, events = registry.left_by(lambda: registry.stream(publisher, thing, "humidity"))
    assert actions == ["datastream.create"]
    assert [kind for kind, _ in events] == ["datastream.changed"]


def test_the_number_of_datastreams_is_a_setting(registry: Any, publisher: Any, thing: Any) -> None:
    registry.limit(thing_datastreams=1)
    registry.stream(publisher, thing)
    with pytest.raises(Conflict, match="thing_datastreams allows 1"):
        registry.stream(publisher, thing, "humidity")


def test_a_failed_making_leaves_no_sensor_behind(registry: Any, publisher: Any, thing: Any) -> None:
    registry.limit(thing_datastreams=1)
    registry.stream(publisher, thing)
    with pytest.raises(Conflict):
        registry.stream(publisher, thing, "humidity", sensor="another")
    assert [one.name for one in registry.sensors.list(publisher)] == ["probe"]


def test_a_datastream_may_be_made_with_its_field(registry: Any, publisher: Any, device_thing: Any, device: Any) -> None:
    stream = registry.stream(publisher, device_thing, field="t", field_unit="[degF]")
    assert ("mapping.changed", {"device": device.id}) in registry.events()
    (row,) = registry.mappings.get(publisher, "suwon/air-1")
    assert (row.field, row.datastream, row.unit, row.scale, row.offset) == ("t", stream.id, "[degF]", 1, 0)


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ({"field": "ts"}, "reserved_field", "field"),
        ({"field": "a b "}, "invalid_value", "field"),
        ({"field": "x" * 65}, "invalid_value", "field"),
        ({"field": ""}, "invalid_value", "field"),
        ({"field": "t", "field_unit": "m"}, "incompatible_units", "field_unit"),
        ({"field": "t", "field_unit": "metre"}, "unknown_unit", "field_unit"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(
    registry: Any, publisher: Any, device_thing: Any, options: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        registry.stream(publisher, device_thing, **options)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert registry.datastreams.list(publisher) == []


def test_a_field_that_is_mapped_already_is_a_conflict(registry: Any, publisher: Any, device_thing: Any) -> None:
    registry.stream(publisher, device_thing, field="t")
    with pytest.raises(Conflict) as caught:
        registry.stream(publisher, device_thing, "humidity", field="t")
    assert (caught.value.code, caught.value.field) == ("field_taken", "field")


def test_a_field_needs_a_device(registry: Any, publisher: Any, thing: Any) -> None:
    with pytest.raises(Conflict) as caught:
        registry.stream(publisher, thing, field="t")
    assert caught.value.code == "no_device"


def test_the_number_of_fields_is_a_setting(registry: Any, publisher: Any, device_thing: Any) -> None:
    registry.limit(device_fields=1)
    registry.stream(publisher, device_thing, field="t")
    with pytest.raises(Conflict, match="device_fields allows 1"):
        registry.stream(publisher, device_thing, "humidity", field="h")


def test_only_what_is_given_is_edited(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing, range_low=-40, range_high=60, period="PT1H")
    registry.datastreams.edit(publisher, stream.id, range_high=None, label="end", description="on the roof")
    shown = registry.datastreams.get(publisher, stream.id)
    assert (shown.range_low, shown.range_high, shown.label, shown.period) == (-40, None, "end", "PT1H")
    assert (shown.name, shown.description, shown.unit) == ("City hall temperature", "on the roof", "Cel")
    assert registry.audited()[-1][3] == {"changed": ["description", "label", "range_high"]}


def test_an_edit_that_changes_nothing_leaves_nothing(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing, period="PT1H")
    edit = {"period": "PT60M", "label": "instant", "unit": "Cel"}
    assert registry.left_by(lambda: registry.datastreams.edit(publisher, stream.id, **edit)) == ([], [])


def test_an_edit_tells_ingest_of_a_changed_range(registry: Any, publisher: Any, device_thing: Any, device: Any) -> None:
    stream = registry.stream(publisher, device_thing, field="t")
    _, events = registry.left_by(lambda: registry.datastreams.edit(publisher, stream.id, range_high=60))
    assert events == [
        ("datastream.changed", {"datastream": stream.id}),
        ("mapping.changed", {"device": device.id}),
    ]


@pytest.mark.parametrize("change", [{"unit": "K"}, {"kind": "counter", "unit": "K"}])
def test_unit_and_kind_stand_once_there_are_readings(
    registry: Any, publisher: Any, thing: Any, change: dict[str, str]
) -> None:
    stream = registry.stream(publisher, thing)
    registry.read.add(stream.id)
    with pytest.raises(Conflict) as caught:
        registry.datastreams.edit(publisher, stream.id, **change)
    assert (caught.value.code, caught.value.field, caught.value.found) == ("has_readings", "unit", "K")
    registry.datastreams.edit(publisher, stream.id, range_high=60, unit="Cel")


def test_a_kind_alone_stands_too(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing, "rainfall")
    registry.read.add(stream.id)
    with pytest.raises(Conflict) as caught:
        registry.datastreams.edit(publisher, stream.id, kind="counter")
    assert (caught.value.field, caught.value.found) == ("kind", "counter")


def test_before_that_a_unit_may_change_and_its_range_follows(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing, range_low=-40, range_high=60)
    changed = registry.datastreams.edit(publisher, stream.id, unit="[degF]")
    assert (changed.unit, changed.range_low, changed.range_high) == ("[degF]", -40.0, pytest.approx(140.0))


def test_a_given_range_is_in_the_new_unit(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing, "pm10", range_low=100, range_high=1000)
    changed = registry.datastreams.edit(publisher, stream.id, unit="mg/m3", range_high=2)
    assert (changed.range_low, changed.range_high) == (0.1, 2.0)


def test_a_unit_does_not_change_under_a_scaled_field(registry: Any, publisher: Any, device_thing: Any) -> None:
    """Scale and offset were stated for the unit that stands."""
    stream = registry.stream(publisher, device_thing)
    registry.mappings.put(publisher, "suwon/air-1", [{"field": "t", "datastream": stream.id, "scale": 0.1}])
    with pytest.raises(Conflict) as caught:
        registry.datastreams.edit(publisher, stream.id, unit="K")
    assert caught.value.code == "mapping_misfit"


def test_a_plain_field_follows_a_new_unit(registry: Any, publisher: Any, device_thing: Any) -> None:
    stream = registry.stream(publisher, device_thing, field="t", field_unit="[degF]")
    registry.datastreams.edit(publisher, stream.id, unit="K")
    target = registry.mappings.route("suwon/air-1").fields["t"]
    assert 32 * target.scale + target.offset == pytest.approx(273.15)


@pytest.mark.parametrize(
    "change",
    [{"unit": "m"}, {"kind": "state"}, {"label": None}, {"name": ""}, {"period": "PT0S"}, {"range_low": float("nan")}],
)
def test_a_senseless_edit_is_refused_whole(registry: Any, publisher: Any, thing: Any, change: dict[str, Any]) -> None:
    stream = registry.stream(publisher, thing)
    with pytest.raises(Invalid) as caught:
        registry.datastreams.edit(publisher, stream.id, **({"description": "new"} | change))
    assert caught.value.field in (*change, "unit")
    assert registry.datastreams.get(publisher, stream.id).description == ""


def test_a_change_that_there_is_no_column_for_is_a_mistake_of_the_caller(
    registry: Any, publisher: Any, thing: Any
) -> None:
    stream = registry.stream(publisher, thing)
    with pytest.raises(TypeError, match="public"):
        registry.datastreams.edit(publisher, stream.id, public=True)


def test_an_ended_datastream_keeps_its_reason_and_changes_no_more(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing)
    registry.datastreams.end(publisher, stream.id, "broken")
    shown = registry.datastreams.get(publisher, stream.id)
    assert (shown.ended_at, shown.end_reason) == (registry.clock.micros(), "broken")
    for act in (
        lambda: registry.datastreams.end(publisher, stream.id, "again"),
        lambda: registry.datastreams.edit(publisher, stream.id, name="x"),
        lambda: registry.datastreams.replace_sensor(publisher, stream.id, "new"),
    ):
        with pytest.raises(Conflict) as caught:
            act()
        assert caught.value.code == "ended_datastream"


def test_what_has_ended_may_still_be_published(registry: Any, publisher: Any, anonymous: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing)
    registry.datastreams.end(publisher, stream.id, "broken")
    registry.datastreams.publish(publisher, stream.id, True)
    assert registry.datastreams.get(anonymous, stream.id).public


def test_publishing_leaves_an_audit_row_once(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing)
    publish = lambda: registry.datastreams.publish(publisher, stream.id, True)  # noqa: E731
    actions, events = registry.left_by(publish)
    assert actions == ["datastream.publish"]
    assert events == [("datastream.changed", {"datastream": stream.id})]
    assert registry.left_by(publish) == ([], [])


def test_publishing_needs_its_own_scope(
    registry: Any, either_people: Any, city: Any, publisher: Any, thing: Any
) -> None:
    stream = registry.stream(publisher, thing)
    writer = either_people.actor(city, "publisher", scopes=("data:read", "data:write"))
    with pytest.raises(Forbidden):
        registry.datastreams.publish(writer, stream.id, True)
    issuer = either_people.actor(city, "publisher", scopes=("catalog:write",))
    assert registry.datastreams.publish(issuer, stream.id, True).public


def test_a_key_that_may_only_write_changes_what_it_may_not_read(
    registry: Any, either_people: Any, city: Any, publisher: Any, thing: Any
) -> None:
    stream = registry.stream(publisher, thing)
    writer = either_people.actor(city, "publisher", scopes=("data:write",))
    assert registry.datastreams.edit(writer, stream.id, name="Roof").name == "Roof"
    with pytest.raises(NotFound):
        registry.datastreams.get(writer, stream.id)


def test_many_are_given_in_the_order_asked(registry: Any, publisher: Any, thing: Any) -> None:
    warm, wet = registry.stream(publisher, thing), registry.stream(publisher, thing, "humidity")
    assert [one.id for one in registry.datastreams.many(publisher, [wet.id, warm.id, wet.id])] == [wet.id, warm.id]


def test_one_of_many_that_is_not_there_is_not_found_by_its_id(
    registry: Any, publisher: Any, stranger: Any, thing: Any
) -> None:
    stream = registry.stream(publisher, thing)
    for actor, ids, missing in ((publisher, [stream.id, 999], 999), (stranger, [stream.id], stream.id)):
        with pytest.raises(NotFound) as caught:
            registry.datastreams.many(actor, ids)
        assert caught.value.found == missing
    with pytest.raises(NotFound):
        registry.datastreams.many(publisher, [2**70])


def test_series_are_what_the_store_needs(registry: Any, publisher: Any, thing: Any) -> None:
    rain = registry.stream(publisher, thing, "rainfall", period="PT1H", label="end")
    wind = registry.stream(publisher, thing, "wind_direction")
    assert registry.datastreams.series_of([wind.id, 999, rain.id, wind.id]) == [
        Series(wind.id, "angle", "instant", None),
        Series(rain.id, "amount", "end", HOUR),
    ]


def test_a_list_is_narrowed_by_each_filter(registry: Any, publisher: Any, stranger: Any, thing: Any) -> None:
    other = registry.things.create(publisher, "suwon", "Bridge")
    foreign = registry.things.create(stranger, "busan", "Harbour")
    warm = registry.stream(publisher, thing)
    wet = registry.stream(publisher, thing, "humidity")
    far = registry.stream(publisher, other)
    theirs = registry.stream(stranger, foreign)
    registry.datastreams.publish(stranger, theirs.id, True)
    registry.datastreams.publish(publisher, wet.id, True)
    registry.datastreams.end(publisher, far.id, "gone")

    def found(**filters: Any) -> list[int]:
        return [one.id for one in registry.datastreams.list(publisher, **filters)]

    assert found() == [warm.id, wet.id, far.id, theirs.id]
    assert found(organisation="suwon") == [warm.id, wet.id, far.id]
    assert found(thing=thing.id) == [warm.id, wet.id]
    assert found(observed_property="temperature") == [warm.id, far.id, theirs.id]
    assert found(public_only=True) == [wet.id, theirs.id]
    assert found(in_use=True) == [warm.id, wet.id, theirs.id]
    assert found(in_use=False) == [far.id]
    assert found(after=warm.id, limit=1) == [wet.id]
    assert found(organisation="suwon", observed_property="temperature", in_use=True) == [warm.id]


def test_a_filter_that_names_nothing_is_not_found(registry: Any, publisher: Any, stranger: Any, thing: Any) -> None:
    for filters in ({"organisation": "seoul"}, {"observed_property": "nothing"}, {"thing": thing.id}):
        with pytest.raises(NotFound):
            registry.datastreams.list(stranger, **filters)


def test_nobody_else_makes_datastreams_here(
    registry: Any, stranger: Any, viewer: Any, anonymous: Any, publisher: Any, thing: Any
) -> None:
    for actor in (stranger, viewer, anonymous):
        with pytest.raises(NotFound):
            registry.stream(actor, thing)
    registry.datastreams.publish(publisher, registry.stream(publisher, thing).id, True)
    for actor, error in ((stranger, Forbidden), (viewer, Forbidden), (anonymous, Unauthenticated)):
        with pytest.raises(error):
            registry.stream(actor, thing, "humidity")


def test_a_datastream_is_told_with_its_thing_property_and_newest_place(
    registry: Any, publisher: Any, thing: Any
) -> None:
    """One row a Datastream, whether it has been at no place or at several; an ended one only by its id."""
    bare, moved = (
        registry.stream(publisher, thing) for thing in (thing, registry.things.create(publisher, "suwon", "b"))
    )
    for longitude in (126.5, 127.5):
        registry.things.move(publisher, moved.thing_id, longitude, 37.3, "roof")
        registry.clock.move(hours=1)
    ended = registry.datastreams.end(publisher, registry.stream(publisher, thing).id, "gone").id
    placed = registry.datastreams.placed
    first, second = placed(publisher)
    assert (first.id, first.thing, first.longitude, first.place) == (bare.id, thing.name, None, None)
    assert (second.thing, second.longitude, second.latitude, second.place) == ("b", 127.5, 37.3, "roof")
    assert second.observed_property == "temperature"
    assert [one.id for one in placed(publisher, [ended, bare.id])] == [bare.id, ended]
    assert [one.id for one in placed(publisher, after=bare.id, limit=1)] == [moved.id]


def test_datastreams_that_are_asked_for_are_all_there_or_the_first_missing_is_named(
    registry: Any, publisher: Any, thing: Any
) -> None:
    first, second = registry.stream(publisher, thing), registry.stream(publisher, thing)
    assert [one.id for one in registry.datastreams.known(publisher, [second.id, first.id, second.id])] == [
        first.id,
        second.id,
    ]
    for wrong in (999, 2**70):
        with pytest.raises(NotFound) as raised:
            registry.datastreams.known(publisher, [first.id, wrong])
        assert raised.value.found == wrong
