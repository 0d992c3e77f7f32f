"""Mappings: put whole or not at all, row by row checked, and followed by ingest."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, Invalid, NotFound
from gops.sensors.fields import FieldRow
from gops.sensors.routes import DeviceRoute, Target

ADDRESS = "suwon/air-1"


@pytest.fixture
def streams(registry: Any, publisher: Any, device_thing: Any) -> dict[str, int]:
    """A Datastream id of each of some properties, none of them mapped."""
    wanted = ("temperature", "humidity", "wind_direction", "parking_occupied", "rainfall", "noise_level")
    return {prop: registry.stream(publisher, device_thing, prop).id for prop in wanted}


def put(registry: Any, actor: Any, *rows: Any) -> Any:
    return registry.mappings.put(actor, ADDRESS, rows)


def test_a_mapping_is_put_whole(registry: Any, publisher: Any, streams: dict[str, int]) -> None:
    first = [FieldRow("t", streams["temperature"], "[degF]", 1.5, -1), FieldRow("h", streams["humidity"])]
    assert put(registry, publisher, *first) == [first[1], first[0]]
    assert registry.mappings.get(publisher, ADDRESS) == [first[1], first[0]]
    second = [FieldRow("t", streams["humidity"]), FieldRow("w", streams["wind_direction"], "rad")]
    put(registry, publisher, *second)
    assert registry.mappings.get(publisher, ADDRESS) == second


def test_two_fields_may_swap_their_datastreams(registry: Any, publisher: Any, streams: dict[str, int]) -> None:
    put(registry, publisher, FieldRow("a", streams["temperature"]), FieldRow("b", streams["humidity"]))
    put(registry, publisher, FieldRow("a", streams["humidity"]), FieldRow("b", streams["temperature"]))
    assert [row.datastream for row in registry.mappings.get(publisher, ADDRESS)] == [
        streams["humidity"],
        streams["temperature"],
    ]


def test_rows_may_come_as_a_request_has_them(registry: Any, publisher: Any, streams: dict[str, int]) -> None:
    row = {"field": "t", "datastream": streams["temperature"], "unit": None, "scale": 2, "offset": 0}
    assert put(registry, publisher, row) == [FieldRow("t", streams["temperature"], None, 2.0, 0.0)]


def test_putting_leaves_an_audit_row_and_an_event_once(
    registry: Any, publisher: Any, device: Any, streams: dict[str, int]
) -> None:
    row = FieldRow("t", streams["temperature"])
    actions, events = registry.left_by(lambda: put(registry, publisher, row))
    assert (actions, events) == (["mapping.put"], [("mapping.changed", {"device": device.id})])
    assert registry.left_by(lambda: put(registry, publisher, row)) == ([], [])


def test_an_empty_mapping_forgets_all_fields(registry: Any, publisher: Any, streams: dict[str, int]) -> None:
    put(registry, publisher, FieldRow("t", streams["temperature"]))
    assert put(registry, publisher) == []
    assert registry.mappings.route(ADDRESS).fields == {}


@pytest.mark.parametrize(
    ("row", "code", "place"),
    [
        ({"field": "ts"}, "reserved_field", "field"),
        ({"field": "time"}, "reserved_field", "field"),
        ({"field": "values"}, "reserved_field", "field"),
        ({"field": "receipt"}, "reserved_field", "field"),
        ({"field": "repeat"}, "reserved_field", "field"),
        ({"field": "기온"}, "invalid_value", "field"),
        ({"field": " a"}, "invalid_value", "field"),
        ({"field": "t\n"}, "invalid_value", "field"),
        ({"field": ""}, "invalid_value", "field"),
        ({"field": "x" * 65}, "invalid_value", "field"),
        ({"field": None}, "invalid_value", "field"),
        ({"unit": "m"}, "incompatible_units", "unit"),
        ({"unit": "furlong"}, "unknown_unit", "unit"),
        ({"unit": ""}, "unknown_unit", "unit"),
        ({"unit": 7}, "unknown_unit", "unit"),
        ({"scale": 0}, "invalid_value", "scale"),
        ({"scale": math.nan}, "invalid_value", "scale"),
        ({"scale": math.inf}, "invalid_value", "scale"),
        ({"scale": "1"}, "invalid_value", "scale"),
        ({"scale": True}, "invalid_value", "scale"),
        ({"scale": 1e308, "unit": "MK"}, "invalid_value", "scale"),
        ({"offset": 10**400}, "invalid_value", "offset"),
        ({"datastream": 10**6}, "unknown_datastream", "datastream"),
        ({"datastream": 0}, "unknown_datastream", "datastream"),
        ({"datastream": -1}, "unknown_datastream", "datastream"),
        ({"datastream": 2**80}, "unknown_datastream", "datastream"),
        ({"datastream": "1"}, "invalid_value", "datastream"),
        ({"datastream": True}, "invalid_value", "datastream"),
    ],
)
def test_a_wrong_row_is_named_by_its_index_and_nothing_is_put(
    registry: Any, publisher: Any, streams: dict[str, int], row: dict[str, Any], code: str, place: str
) -> None:
    standing = FieldRow("h", streams["humidity"])
    put(registry, publisher, standing)
    wrong = {"field": "t", "datastream": streams["temperature"]} | row
    with pytest.raises(Invalid) as caught:
        put(registry, publisher, {"field": "rain", "datastream": streams["rainfall"]}, wrong)
    assert (caught.value.code, caught.value.field) == (code, f"fields[1].{place}")
    assert registry.mappings.get(publisher, ADDRESS) == [standing]


def test_a_row_with_other_members_is_refused(registry: Any, publisher: Any, streams: dict[str, int]) -> None:
    for row in ({"field": "t"}, {"field": "t", "datastream": 1, "colour": "red"}):
        with pytest.raises(Invalid) as caught:
            put(registry, publisher, row)
        assert caught.value.field == "fields[0]"


@pytest.mark.parametrize("options", [{"unit": "%"}, {"scale": 2.0}, {"offset": 1.0}])
def test_a_state_is_not_converted(
    registry: Any, publisher: Any, streams: dict[str, int], options: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as caught:
        put(registry, publisher, FieldRow("p", streams["parking_occupied"], **options))
    assert (caught.value.code, caught.value.field) == ("state_conversion", "fields[0].unit")


def test_a_level_in_decibels_takes_no_other_unit(registry: Any, publisher: Any, streams: dict[str, int]) -> None:
    assert put(registry, publisher, FieldRow("n", streams["noise_level"], "dB[SPL]{A}"))
    with pytest.raises(Invalid, match="converts to itself alone"):
        put(registry, publisher, FieldRow("n", streams["noise_level"], "dB"))


def test_a_field_or_datastream_is_mapped_once(registry: Any, publisher: Any, streams: dict[str, int]) -> None:
    one, two = streams["temperature"], streams["humidity"]
    for rows, code, place in (
        ([FieldRow("t", one), FieldRow("t", two)], "repeated_field", "fields[1].field"),
        ([FieldRow("t", one), FieldRow("u", one)], "repeated_datastream", "fields[1].datastream"),
    ):
        with pytest.raises(Invalid) as caught:
            put(registry, publisher, *rows)
        assert (caught.value.code, caught.value.field) == (code, place)


def test_a_datastream_of_another_organisation_is_as_unknown_as_none(
    registry: Any, publisher: Any, stranger: Any, device: Any
) -> None:
    """Also when it is public: a device writes to its own organisation's alone."""
    theirs = registry.stream(stranger, registry.things.create(stranger, "busan", "Harbour"))
    registry.datastreams.publish(stranger, theirs.id, True)
    messages = []
    for datastream in (theirs.id, 999):
        with pytest.raises(Invalid) as caught:
            put(registry, publisher, FieldRow("t", datastream))
        assert caught.value.code == "unknown_datastream"
        messages.append(caught.value.message.replace(str(datastream), "N"))
    assert messages[0] == messages[1]


def test_an_ended_datastream_is_not_newly_mapped_but_may_stay(
    registry: Any, publisher: Any, streams: dict[str, int]
) -> None:
    standing = FieldRow("t", streams["temperature"])
    put(registry, publisher, standing)
    registry.datastreams.end(publisher, streams["temperature"], "broken")
    registry.datastreams.end(publisher, streams["rainfall"], "broken")
    assert put(registry, publisher, standing, FieldRow("h", streams["humidity"]))[1] == standing
    for row in (FieldRow("r", streams["rainfall"]), FieldRow("u", streams["temperature"])):
        with pytest.raises(Conflict) as caught:
            put(registry, publisher, row)
        assert (caught.value.code, caught.value.field) == ("ended_datastream", "fields[0].datastream")


def test_the_number_of_fields_is_a_setting(registry: Any, publisher: Any, streams: dict[str, int]) -> None:
    registry.limit(device_fields=1)
    put(registry, publisher, FieldRow("t", streams["temperature"]))
    with pytest.raises(Conflict, match="device_fields allows 1"):
        put(registry, publisher, FieldRow("t", streams["temperature"]), FieldRow("h", streams["humidity"]))


def test_a_revoked_device_keeps_its_mapping_as_it_is(
    registry: Any, publisher: Any, device: Any, streams: dict[str, int]
) -> None:
    standing = FieldRow("t", streams["temperature"])
    put(registry, publisher, standing)
    registry.revoke(device)
    with pytest.raises(Conflict) as caught:
        put(registry, publisher)
    assert caught.value.code == "revoked_device"
    assert registry.mappings.get(publisher, ADDRESS) == [standing]


def test_a_foreign_device_is_not_found(registry: Any, stranger: Any, anonymous: Any, viewer: Any, device: Any) -> None:
    for actor in (stranger, anonymous, viewer):
        for act in (registry.mappings.get, lambda who, address: registry.mappings.put(who, address, [])):
            with pytest.raises(NotFound):
                act(actor, ADDRESS)


def test_a_reader_s_key_may_look_and_not_change(registry: Any, either_people: Any, city: Any, device: Any) -> None:
    reader = either_people.actor(city, "publisher", scopes=("data:read",))
    assert registry.mappings.get(reader, ADDRESS) == []
    with pytest.raises(Forbidden):
        registry.mappings.put(reader, ADDRESS, [])


def test_a_route_is_what_ingest_needs(
    registry: Any, publisher: Any, city: Any, device: Any, streams: dict[str, int]
) -> None:
    registry.datastreams.edit(publisher, streams["temperature"], range_low=-40, range_high=60)
    put(
        registry,
        publisher,
        FieldRow("t", streams["temperature"], "[degF]", 2.0, 0.5),
        FieldRow("p", streams["parking_occupied"]),
        FieldRow("w", streams["wind_direction"], "rad"),
        FieldRow("h", streams["humidity"]),
    )
    registry.datastreams.end(publisher, streams["humidity"], "broken")
    route = registry.mappings.route(ADDRESS)
    assert route == DeviceRoute(device.id, city.id, "suwon", ADDRESS, route.fields, frozenset({"h"}))
    assert set(route.fields) == {"t", "p", "w"}
    warm = route.fields["t"]
    assert (warm.datastream, warm.kind, warm.low, warm.high) == (streams["temperature"], "gauge", -40.0, 60.0)
    # 212 degF is 100 Cel; then times 2 and plus 0.5
    assert 212 * warm.scale + warm.offset == pytest.approx(200.5, rel=1e-12)
    assert route.fields["p"] == Target(streams["parking_occupied"], "state", 1.0, 0.0, -math.inf, math.inf)
    assert math.pi * route.fields["w"].scale == pytest.approx(180, rel=1e-12)


def test_a_device_without_fields_has_a_route_without_fields(registry: Any, device: Any, city: Any) -> None:
    assert registry.mappings.route(ADDRESS) == DeviceRoute(device.id, city.id, "suwon", ADDRESS, {}, frozenset())


def test_a_revoked_or_unknown_device_has_none(registry: Any, city: Any, device: Any) -> None:
    assert registry.mappings.state(ADDRESS) == "active"
    registry.revoke(device)
    assert (registry.mappings.route(ADDRESS), registry.mappings.state(ADDRESS)) == (None, "revoked")
    for address in ("suwon/none", "busan/air-1", "suwon", "", "a/b/c", "\x00/\x00", "SUWON/air-1"):
        assert (registry.mappings.route(address), registry.mappings.state(address)) == (None, "unknown")


def test_a_former_slug_leads_to_the_same_fields_under_the_address_asked(
    registry: Any, publisher: Any, city: Any, streams: dict[str, int]
) -> None:
    """Devices in the field keep their user name when their city is renamed."""
    from gops.accounts.model import FormerSlug

    put(registry, publisher, FieldRow("t", streams["temperature"]))
    with registry.database.write() as session:
        session.add(FormerSlug(noun="organisation", slug="suwon-si", record_id=city.id))
    route = registry.mappings.route("suwon-si/air-1")
    assert (route.address, route.organisation_slug, set(route.fields)) == ("suwon-si/air-1", "suwon", {"t"})


def test_a_field_may_go_to_a_thing_of_no_device(registry: Any, publisher: Any, device: Any, thing: Any) -> None:
    """A gateway speaks for many Things."""
    stream = registry.stream(publisher, thing)
    put(registry, publisher, FieldRow("t", stream.id))
    assert registry.mappings.route(ADDRESS).fields["t"].datastream == stream.id
