"""Things: who may make and change them, and that a decommissioned one says so and changes no more."""

from __future__ import annotations

from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, Unauthenticated
from gops.geo import Point


def test_a_thing_is_made_with_its_place(registry: Any, publisher: Any, city: Any) -> None:
    made = registry.things.create(
        publisher, "suwon", " City hall ", "two\nlines", {"floor": 3}, location=Point(127.0, 37.3), location_name="roof"
    )
    shown = registry.things.get(publisher, made.id)
    assert (shown.organisation_id, shown.name, shown.description) == (city.id, "City hall", "two\nlines")
    assert (shown.properties, shown.device_id, shown.decommissioned_at) == ({"floor": 3}, None, None)
    place = registry.things.places(publisher, [made.id])[made.id]
    assert (place.longitude, place.latitude, place.name, place.since) == (127.0, 37.3, "roof", made.created_at)


def test_a_thing_may_have_been_at_its_place_for_longer(registry: Any, publisher: Any) -> None:
    before = registry.clock.micros() - 1
    made = registry.things.create(publisher, "suwon", "Bridge", location=Point(127, 37), location_since=before)
    assert registry.things.places(publisher, [made.id])[made.id].since == before


def test_a_thing_of_a_device_knows_it(registry: Any, publisher: Any, device: Any) -> None:
    made = registry.things.create(publisher, "suwon", "Second probe", device_address="suwon/air-1")
    assert made.device_id == device.id
    assert [one.name for one in registry.things.of_device(publisher, device.id)] == ["air-1", "Second probe"]


def test_a_new_device_brings_a_thing_of_its_name(registry: Any, publisher: Any, city: Any) -> None:
    made = registry.device(city, "air-7")
    (thing,) = registry.things.of_device(publisher, made.id)
    assert (thing.name, thing.organisation_id, thing.created_at) == ("air-7", city.id, made.created_at)
    assert registry.events() == [("thing.changed", {"thing": thing.id})]


def test_a_former_slug_still_names_the_organisation(registry: Any, publisher: Any, city: Any) -> None:
    from gops.accounts.model import FormerSlug

    with registry.database.write() as session:
        session.add(FormerSlug(noun="organisation", slug="suwon-si", record_id=city.id))
    assert registry.things.create(publisher, "suwon-si", "Bridge").organisation_id == city.id


def test_making_leaves_an_audit_row_and_an_event(registry: Any, publisher: Any) -> None:
    actions, events = registry.left_by(lambda: registry.things.create(publisher, "suwon", "Bridge"))
    assert actions == ["thing.create"]
    assert [kind for kind, _ in events] == ["thing.changed"]


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb", "a\x00b", "\ud800", "a\u202eb", None, 7, ["a"]])
def test_a_name_is_one_clean_line(registry: Any, publisher: Any, name: Any) -> None:
    with pytest.raises(Invalid) as caught:
        registry.things.create(publisher, "suwon", name)
    assert caught.value.field == "name"


def test_a_name_is_kept_in_composed_form(registry: Any, publisher: Any) -> None:
    """Korean typed on a Mac comes decomposed and would be found by nobody."""
    assert registry.things.create(publisher, "suwon", "수원").name == "수원"


@pytest.mark.parametrize("description", ["x" * 2001, "a\x1bb", "\udfff", 7])
def test_a_description_is_clean_text(registry: Any, publisher: Any, description: Any) -> None:
    with pytest.raises(Invalid) as caught:
        registry.things.create(publisher, "suwon", "Bridge", description)
    assert caught.value.field == "description"


@pytest.mark.parametrize(
    "properties",
    [
        [1],
        "text",
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": 2**64},
        {"a": "\ud800"},
        {"a\ud800": 1},
        {1: "a"},
        {"a": "x\x00y"},
        {"a": {1, 2}},
        {"a": b"x"},
    ],
)
def test_properties_are_json_that_every_part_can_hold(registry: Any, publisher: Any, properties: Any) -> None:
    with pytest.raises(Invalid) as caught:
        registry.things.create(publisher, "suwon", "Bridge", "", properties)
    assert caught.value.field == "properties"


def test_properties_nested_beyond_reason_are_refused(registry: Any, publisher: Any) -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(Invalid):
        registry.things.create(publisher, "suwon", "Bridge", "", deep)


def test_lines_from_a_browser_are_lines(registry: Any, publisher: Any) -> None:
    assert registry.things.create(publisher, "suwon", "Bridge", "one\r\ntwo").description == "one\ntwo"


def test_the_size_of_properties_is_a_setting(registry: Any, publisher: Any) -> None:
    registry.limit(thing_properties_bytes=10)
    registry.things.create(publisher, "suwon", "Bridge", "", {"a": "12"})
    with pytest.raises(TooLarge) as caught:
        registry.things.create(publisher, "suwon", "Bridge", "", {"a": "123"})
    assert (caught.value.found, caught.value.expected) == (11, "at most 10 bytes (GOPS_THING_PROPERTIES_BYTES)")


def test_the_number_of_things_is_a_setting_and_counts_each_organisation_by_itself(
    registry: Any, publisher: Any, stranger: Any
) -> None:
    registry.limit(organisation_things=1)
    registry.things.create(publisher, "suwon", "Bridge")
    registry.things.create(stranger, "busan", "Bridge")
    with pytest.raises(Conflict) as caught:
        registry.things.create(publisher, "suwon", "Another bridge")
    assert (caught.value.code, caught.value.expected) == ("too_many", "at most 1 (GOPS_ORGANISATION_THINGS)")


def test_nobody_makes_things_for_another_organisation(registry: Any, publisher: Any, other_city: Any) -> None:
    with pytest.raises(Forbidden):
        registry.things.create(publisher, "busan", "Bridge")


def test_an_unknown_organisation_is_not_found(registry: Any, publisher: Any) -> None:
    with pytest.raises(NotFound):
        registry.things.create(publisher, "seoul", "Bridge")


def test_anonymous_and_viewer_make_nothing(registry: Any, anonymous: Any, viewer: Any, city: Any) -> None:
    with pytest.raises(Unauthenticated):
        registry.things.create(anonymous, "suwon", "Bridge")
    with pytest.raises(Forbidden):
        registry.things.create(viewer, "suwon", "Bridge")


@pytest.mark.parametrize("address", ["busan/air-1", "suwon/none", "suwon", "", "/", "suwon/air-1/up"])
def test_a_foreign_or_unknown_device_is_not_found(
    registry: Any, publisher: Any, other_city: Any, device: Any, address: str
) -> None:
    registry.device(other_city, "air-1")
    with pytest.raises(NotFound):
        registry.things.create(publisher, "suwon", "Bridge", device_address=address)


def test_a_revoked_device_gets_no_more_things(registry: Any, publisher: Any, device: Any) -> None:
    registry.revoke(device)
    with pytest.raises(Conflict) as caught:
        registry.things.create(publisher, "suwon", "Bridge", device_address="suwon/air-1")
    assert caught.value.code == "revoked_device"


def test_a_failed_making_leaves_nothing(registry: Any, publisher: Any) -> None:
    with pytest.raises(Invalid):
        registry.things.create(publisher, "suwon", "Bridge", location=Point(500, 0))
    assert registry.things.list(publisher) == []
    assert registry.audited() == []


def test_only_what_is_given_is_edited(registry: Any, publisher: Any, thing: Any, device: Any) -> None:
    registry.things.edit(publisher, thing.id, description="new", properties={"a": 1})
    registry.things.edit(publisher, thing.id, device_address="suwon/air-1")
    shown = registry.things.get(publisher, thing.id)
    assert (shown.name, shown.description, shown.properties) == ("City hall", "new", {"a": 1})
    assert shown.device_id == device.id


def test_an_empty_address_parts_a_thing_from_its_device(registry: Any, publisher: Any, device_thing: Any) -> None:
    assert registry.things.edit(publisher, device_thing.id, device_address="").device_id is None


def test_an_edit_leaves_what_changed_in_the_audit(registry: Any, publisher: Any, thing: Any) -> None:
    registry.things.edit(publisher, thing.id, name="Town hall", description="")
    assert registry.audited()[-1] == ("thing.edit", "thing", thing.id, {"changed": ["name"]})


def test_an_edit_that_changes_nothing_leaves_nothing(registry: Any, publisher: Any, thing: Any) -> None:
    assert registry.left_by(lambda: registry.things.edit(publisher, thing.id, name="City hall")) == ([], [])


def test_a_decommissioned_thing_says_so_and_ends_its_datastreams(registry: Any, publisher: Any, thing: Any) -> None:
    warm, wet = registry.stream(publisher, thing), registry.stream(publisher, thing, "humidity")
    registry.datastreams.end(publisher, wet.id, "broken")
    registry.clock.move(hours=1)
    registry.things.decommission(publisher, thing.id, "demolished")
    shown = registry.things.get(publisher, thing.id)
    assert (shown.decommissioned_at, shown.decommission_reason) == (registry.clock.micros(), "demolished")
    ended = registry.datastreams.get(publisher, warm.id)
    assert (ended.ended_at, ended.end_reason) == (registry.clock.micros(), "demolished")
    assert registry.datastreams.get(publisher, wet.id).end_reason == "broken"
    assert registry.audited()[-1] == ("thing.decommission", "thing", thing.id, {"datastreams": [warm.id]})


def test_decommissioning_tells_of_thing_datastreams_and_mappings(
    registry: Any, publisher: Any, device_thing: Any, device: Any
) -> None:
    stream = registry.stream(publisher, device_thing, field="t")
    _, events = registry.left_by(lambda: registry.things.decommission(publisher, device_thing.id, "gone"))
    assert events == [
        ("datastream.changed", {"datastream": stream.id}),
        ("mapping.changed", {"device": device.id}),
        ("thing.changed", {"thing": device_thing.id}),
    ]


def test_a_device_is_told_once_of_all_its_ended_fields(
    registry: Any, publisher: Any, device_thing: Any, device: Any
) -> None:
    for prop in ("temperature", "humidity", "rainfall"):
        registry.stream(publisher, device_thing, prop, field=prop)
    _, events = registry.left_by(lambda: registry.things.decommission(publisher, device_thing.id, "gone"))
    assert [kind for kind, _ in events] == ["datastream.changed"] * 3 + ["mapping.changed", "thing.changed"]


def test_what_is_decommissioned_changes_no_more(registry: Any, publisher: Any, thing: Any) -> None:
    registry.things.decommission(publisher, thing.id, "demolished")
    for act in (
        lambda: registry.things.decommission(publisher, thing.id, "again"),
        lambda: registry.things.edit(publisher, thing.id, name="Town hall"),
        lambda: registry.things.move(publisher, thing.id, 127, 37),
        lambda: registry.stream(publisher, thing),
    ):
        with pytest.raises(Conflict) as caught:
            act()
        assert caught.value.code == "decommissioned"
    assert registry.things.get(publisher, thing.id).decommission_reason == "demolished"


def test_a_reason_must_be_given(registry: Any, publisher: Any, thing: Any) -> None:
    with pytest.raises(Invalid) as caught:
        registry.things.decommission(publisher, thing.id, " ")
    assert caught.value.field == "reason"


def test_a_list_goes_on_after_the_last_id(registry: Any, publisher: Any) -> None:
    made = [registry.things.create(publisher, "suwon", f"Thing {number}").id for number in range(5)]
    first = [one.id for one in registry.things.list(publisher, limit=2)]
    rest = [one.id for one in registry.things.list(publisher, after=first[-1], limit=10)]
    assert first + rest == made


@pytest.mark.parametrize(("after", "limit"), [(-1, 1), (2**63, 1), (0, 0), (0, -1)])
def test_a_page_that_cannot_be_is_refused(registry: Any, publisher: Any, after: int, limit: int) -> None:
    with pytest.raises(Invalid):
        registry.things.list(publisher, after=after, limit=limit)


def test_a_list_may_be_of_one_organisation(registry: Any, publisher: Any, stranger: Any) -> None:
    own = registry.things.create(publisher, "suwon", "Bridge")
    registry.things.create(stranger, "busan", "Bridge")
    assert [one.id for one in registry.things.list(publisher, organisation="suwon")] == [own.id]
    assert registry.things.list(publisher, organisation="busan") == []


@pytest.mark.parametrize("thing_id", [0, -1, 10**6, 2**63, 2**200])
def test_an_id_that_there_is_none_of_is_not_found(registry: Any, publisher: Any, thing_id: int) -> None:
    for act in (
        lambda: registry.things.get(publisher, thing_id),
        lambda: registry.things.edit(publisher, thing_id, name="x"),
        lambda: registry.things.locations(publisher, thing_id),
    ):
        with pytest.raises(NotFound):
            act()
    assert registry.things.many(publisher, [thing_id]) == {}
    assert registry.things.of_device(publisher, thing_id) == []
