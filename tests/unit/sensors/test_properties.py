"""Observed properties: one public list, which begins with the built-in ones."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from gops import units
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.sensors import texts
from gops.sensors.declaration import check_unit
from gops.sensors.model import ObservedProperty
from gops.sensors.properties import seed
from gops.sensors.seed import SEED

NEW = {"key": "soil_moisture", "name_ko": "토양 수분", "name_en": "Soil moisture", "unit": "%", "kind": "gauge"}


@pytest.mark.parametrize("row", SEED, ids=lambda row: row.key)
def test_a_built_in_property_would_be_accepted_from_anybody(row: Any) -> None:
    check_unit(row.unit, row.kind)
    assert (texts.key(row.key), texts.iri(row.definition)) == (row.key, row.definition)
    assert texts.name(row.name_ko) == row.name_ko
    assert texts.name(row.name_en) == row.name_en
    assert any("가" <= sign <= "힣" for sign in row.name_ko)


def test_the_built_in_keys_and_definitions_are_each_of_one_property() -> None:
    defined = [row.definition for row in SEED if row.definition]
    assert len({row.key for row in SEED}) == len(SEED)
    assert len(set(defined)) == len(defined)


def test_seeding_again_adds_nothing_and_changes_nothing(registry: Any) -> None:
    with registry.database.write() as session:
        session.scalars(select(ObservedProperty).where(ObservedProperty.key == "pm10")).one().name_en = "Dust"
    with registry.database.write() as session:
        assert seed(session) == 0
    assert registry.properties.get("pm10").name_en == "Dust"


def test_seeding_adds_what_a_newer_version_brings(registry: Any) -> None:
    with registry.database.write() as session:
        session.delete(session.scalars(select(ObservedProperty).where(ObservedProperty.key == "pm10")).one())
    with registry.database.write() as session:
        assert seed(session) == 1
    assert registry.properties.get("pm10").unit == "ug/m3"


def test_everybody_reads_the_list_in_pages(registry: Any) -> None:
    first = registry.properties.list(limit=3)
    rest = registry.properties.list(after=first[-1].id)
    assert [row.key for row in [*first, *rest]] == [row.key for row in SEED]
    assert set(registry.properties.many([first[0].id, 0, 2**70])) == {first[0].id}


def test_a_publisher_adds_to_the_list(registry: Any, publisher: Any) -> None:
    made = registry.properties.create(publisher, **NEW, definition="http://qudt.org/vocab/quantitykind/MassRatio")
    assert registry.properties.get("soil_moisture").id == made.id
    assert registry.audited() == [("property.create", "property", made.id, {"key": "soil_moisture"})]


def test_a_key_that_stands_is_a_conflict(registry: Any, publisher: Any, stranger: Any) -> None:
    registry.properties.create(publisher, **NEW)
    with pytest.raises(Conflict) as caught:
        registry.properties.create(stranger, **NEW)
    assert (caught.value.code, caught.value.field) == ("key_taken", "key")


def test_viewers_and_strangers_to_the_house_add_nothing(registry: Any, viewer: Any, anonymous: Any) -> None:
    with pytest.raises(Forbidden):
        registry.properties.create(viewer, **NEW)
    with pytest.raises(Unauthenticated):
        registry.properties.create(anonymous, **NEW)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("key", "Soil", "invalid_value"),
        ("key", "", "invalid_value"),
        ("key", "a" * 65, "invalid_value"),
        ("key", "토양", "invalid_value"),
        ("name_ko", "", "invalid_value"),
        ("name_en", "x" * 201, "invalid_value"),
        ("unit", "percent", "unknown_unit"),
        ("kind", "level", "invalid_value"),
        ("definition", "javascript:alert(1)", "invalid_value"),
        ("definition", "https://", "invalid_value"),
        ("definition", "https://a b", "invalid_value"),
        ("definition", 'https://a"><script>', "invalid_value"),
    ],
)
def test_a_wrong_value_is_named(registry: Any, publisher: Any, field: str, value: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        registry.properties.create(publisher, **(NEW | {field: value}))
    assert (caught.value.field, caught.value.code) == (field, code)


@pytest.mark.parametrize(("unit", "kind"), [("rad", "angle"), ("m", "state"), ("Cel", "amount"), ("dB", "counter")])
def test_the_unit_of_a_property_suits_its_kind(registry: Any, publisher: Any, unit: str, kind: str) -> None:
    with pytest.raises(Invalid) as caught:
        registry.properties.create(publisher, **(NEW | {"unit": unit, "kind": kind}))
    assert caught.value.code == "unit_of_kind"


def test_the_length_of_the_list_is_a_setting(registry: Any, publisher: Any) -> None:
    registry.limit(observed_properties=len(SEED))
    with pytest.raises(Conflict, match="observed_properties allows"):
        registry.properties.create(publisher, **NEW)


@pytest.mark.parametrize("key", ["nothing", "", "PM10", "pm10 ", "x" * 100, "\x00", None, 7])
def test_an_unknown_key_is_not_found(registry: Any, key: Any) -> None:
    with pytest.raises(NotFound):
        registry.properties.get(key)


def test_noise_is_a_weighted_and_rain_is_summed(registry: Any) -> None:
    assert units.parse(registry.properties.get("noise_level").unit).scale is None
    assert (registry.properties.get("rainfall").kind, registry.properties.get("rainfall").unit) == ("amount", "mm")
    assert registry.properties.get("wind_direction").kind == "angle"
