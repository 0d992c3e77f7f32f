"""Sites in files: what is written reads the same again, a bad row costs no other, and nothing is made twice."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from gops.errors import Forbidden, Invalid, Malformed, TooLarge
from gops.permissions import ANONYMOUS
from gops.settings import load
from gops.testbed.places.importing import SiteFiles
from tests.unit.testbed.conftest import City, square

HEADER = "reference,name_ko,name_en,kind,geometry,capacity.area_m2,capacity.water_l,tags,equipment\r\n"
WKT = '"POLYGON ((127 37.25, 127.001 37.25, 127.001 37.251, 127 37.25))"'


@pytest.fixture
def of_sites(city: City) -> SiteFiles:
    return SiteFiles(city.database, city.settings, city.sites)


def counts(done: Any) -> tuple[int, int, int, int]:
    return done.created, done.changed, done.unchanged, done.refused


def lines(*rows: str) -> bytes:
    return (HEADER + "\r\n".join(rows)).encode()


GOOD = f'A-1,공원,Park,park,{WKT},100,5,drone;quiet,"[{{""kind"":""charger"",""count"":2}}]"'


def test_an_import_makes_changes_and_then_leaves_alone(city: City, of_sites: SiteFiles) -> None:
    first = of_sites.take(city.planner, "suwon", "csv", lines(GOOD), offer=True)
    assert counts(first) == (1, 0, 0, 0)
    (site,) = city.sites.list(ANONYMOUS)
    assert (site.reference, site.capacity) == ("A-1", {"area_m2": 100, "power_w": 0, "water_l": 5})
    assert (site.facts["tags"], site.facts["equipment"][0]["count"]) == (["drone", "quiet"], 2)
    assert counts(of_sites.take(city.planner, "suwon", "csv", lines(GOOD))) == (0, 0, 1, 0)
    renamed = of_sites.take(city.planner, "suwon", "csv", lines(GOOD.replace("Park", "Old park")))
    assert counts(renamed) == (0, 1, 0, 0)
    assert [row.name_en for row in city.sites.list(ANONYMOUS)] == ["Old park"]


@pytest.mark.parametrize("form", ["geojson", "csv"])
def test_what_is_written_reads_the_same_again(city: City, of_sites: SiteFiles, form: Literal["geojson", "csv"]) -> None:
    city.site(
        reference="B-1", name_en="=SUM(A1)", description="두 줄\n, \"quoted\"", capacity={"area_m2": 7, "water_l": 3},
        details={
            "zone": "drone", "legal_basis": "-법 제3조", "exemptions": ["야간 비행"], "consent": "given",
            "micro": {"keep": {"area_m2": 2}}, "opening": [{"days": ["mon"], "from": "09:00", "until": "18:00"}],
        },
    )  # fmt: skip
    city.site(reference="B-2", offered=False, area={"type": "MultiPolygon", "coordinates": [square()["coordinates"]]})
    data = b"".join(of_sites.write(city.planner, form, "suwon"))
    assert b",=SUM" not in data
    assert counts(of_sites.take(city.planner, "suwon", form, data)) == (0, 0, 2, 0)
    as_other = of_sites.take(city.neighbour, "seongnam", form, data)
    assert counts(as_other) == (2, 0, 0, 0)
    copies = city.sites.list(city.neighbour, organisation_slug="seongnam")
    originals = city.sites.list(city.planner, organisation_slug="suwon")
    for one, other in zip(originals, copies, strict=True):
        for name in ("reference", "name_ko", "name_en", "description", "kind", "geojson", "capacity", "facts"):
            assert getattr(one, name) == getattr(other, name), name
    assert b"".join(of_sites.write(ANONYMOUS, form, "suwon")).count(b"B-") == 1  # drafts are their owner's


def test_a_bad_row_costs_no_other(city: City, of_sites: SiteFiles) -> None:
    done = of_sites.take(city.planner, "suwon", "csv", lines(
        GOOD.replace("A-1", ""),
        GOOD.replace("127 37.25", "37.25 127"),
        GOOD.replace("100", "-5"),
        GOOD,
        GOOD,
        "A-9,공원,Park,park,,100,,,",
        "A-8,공원,Park,park",
        GOOD.replace("A-1", "A-7").replace("drone;quiet", "two words"),
    ))  # fmt: skip
    assert counts(done) == (1, 0, 0, 7)
    assert [(row.place, row.code, row.field) for row in done.refusals] == [
        ("line 2", "invalid_value", "reference"),
        ("line 3", "bad_point", "area.coordinates[0][0]"),
        ("line 4", "invalid_value", "capacity.area_m2"),
        ("line 6", "reference_taken", "reference"),
        ("line 7", "required", "area"),
        ("line 8", "invalid_value", None),
        ("line 9", "invalid_value", "details.tags[0]"),
    ]
    assert all(row.note for row in done.refusals)


def test_a_trial_changes_nothing(city: City, of_sites: SiteFiles) -> None:
    rows = [GOOD.replace("A-1", f"A-{number}") for number in range(120)]
    assert counts(of_sites.take(city.planner, "suwon", "csv", lines(*rows), dry_run=True)) == (120, 0, 0, 0)
    assert list(city.sites.list(city.planner)) == []
    steps: list[tuple[int, int]] = []
    of_sites.take(city.planner, "suwon", "csv", lines(*rows), progress=lambda done, of: steps.append((done, of)))
    assert steps == [(100, 120), (120, 120)]
    assert len(city.sites.list(city.planner, limit=500)) == 120


def test_spreadsheets_of_korea_are_read(city: City, of_sites: SiteFiles) -> None:
    data = (HEADER + GOOD).encode("cp949")
    assert counts(of_sites.take(city.planner, "suwon", "csv", data)) == (1, 0, 0, 0)
    assert next(iter(city.sites.list(city.planner))).name_ko == "공원"


@pytest.mark.parametrize(("form", "data", "code"), [
    ("csv", b"\xff\xfe\x00", "bad_text"),
    ("csv", b"reference,colour\r\n1,red", "unknown_field"),
    ("csv", b"reference,reference\r\n1,2", "unknown_field"),
    ("csv", b'reference\r\n"open', "malformed"),
    ("geojson", b"{", "bad_json"),
    ("geojson", b"[]", "malformed"),
    ("geojson", b"[" * 5000, "bad_json"),
])  # fmt: skip
def test_a_file_that_is_none_is_refused(
    city: City, of_sites: SiteFiles, form: Literal["geojson", "csv"], data: bytes, code: str
) -> None:
    with pytest.raises(Malformed) as refused:
        of_sites.take(city.planner, "suwon", form, data)
    assert refused.value.code == code


def test_features_are_refused_one_by_one(city: City, of_sites: SiteFiles) -> None:
    good = {"reference": "G", "name_ko": "가", "name_en": "A", "kind": "park", "capacity": {"area_m2": 1}}
    features = [
        {"type": "Feature", "geometry": square(), "properties": good},
        {"type": "Feature", "geometry": None, "properties": good | {"reference": "H"}},
        {"type": "Feature", "geometry": square(), "properties": good | {"reference": "I", "colour": "red"}},
        "nothing",
    ]
    data = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    done = of_sites.take(city.planner, "suwon", "geojson", data)
    assert counts(done) == (1, 0, 0, 3)
    assert [row.code for row in done.refusals] == ["required", "unknown_field", "invalid_value"]


def test_only_its_owner_imports_and_only_so_many(city: City, of_sites: SiteFiles) -> None:
    with pytest.raises(Forbidden):
        of_sites.take(city.neighbour, "suwon", "csv", lines(GOOD))
    small = load({"GOPS_SITE_IMPORT_ROWS": "1"})
    with pytest.raises(TooLarge) as refused:
        SiteFiles(city.database, small, city.sites).take(city.planner, "suwon", "csv", lines(GOOD, GOOD))
    assert "GOPS_SITE_IMPORT_ROWS" in str(refused.value.expected)
    assert isinstance(refused.value, Invalid)
