"""Rows of files over CKAN's API: each original is read row by row, searched, filtered and put in order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import World
from tests.api.test_ckan import call
from tests.api.test_ckan_client import address
from tests.api.test_files import parks, put
from tests.proof import needed

__all__ = ["address", "parks"]  # fixtures
BODY = (
    "이름,값,수,참,날짜,시각,벽시계\n"
    "둘째 공원,2.5,7,true,2026-03-02,2026-03-01T09:00:00+09:00,2026-03-01T09:00:00\n"
    "Park One,1,7,false,2026-03-01,,2026-03-01T08:00:00\n"
    ",,5,true,,2026-03-01T00:30:00Z,\n"
    "셋째 공원,9,7,false,2026-02-28,2026-03-02T00:00:00Z,2026-03-01T07:00:00\n"
).encode()
NAME = "parks.csv"


@pytest.fixture
def rows(parks: World) -> str:
    """The resource of a file of four rows."""
    assert put(parks, BODY).status_code == 200
    active = [one["id"] for one in call(parks, "package_show", id="parks")["resources"] if one["datastore_active"]]
    assert len(active) == 1
    return str(active[0])


def numbers(world: World, one: str, **values: Any) -> list[int]:
    return [row["_id"] for row in call(world, "datastore_search", resource_id=one, **values)["records"]]


def test_fields_have_their_types_and_values_are_json(parks: World, rows: str) -> None:
    found = call(parks, "datastore_search", resource_id=rows, limit=2)
    assert [(one["id"], one["type"]) for one in found["fields"]] == [
        ("_id", "int"), ("이름", "text"), ("값", "float8"), ("수", "int"), ("참", "bool"), ("날짜", "date"),
        ("시각", "timestamptz"), ("벽시계", "timestamp"),
    ]  # fmt: skip
    assert (found["total"], found["total_was_estimated"]) == (4, False)
    assert found["records"] == [
        {"_id": 1, "이름": "둘째 공원", "값": 2.5, "수": 7, "참": True, "날짜": "2026-03-02",
         "시각": "2026-03-01T09:00:00+09:00", "벽시계": "2026-03-01T09:00:00"},
        {"_id": 2, "이름": "Park One", "값": 1.0, "수": 7, "참": False, "날짜": "2026-03-01",
         "시각": None, "벽시계": "2026-03-01T08:00:00"},
    ]  # fmt: skip
    as_lists = call(parks, "datastore_search", resource_id=rows, records_format="lists", fields="값,_id", offset=3)
    assert as_lists["records"] == [[4, 9.0]]


MATCHED: list[tuple[dict[str, Any], list[int]]] = [
    ({"filters": {"수": 7}}, [1, 2, 4]),
    ({"filters": {"수": [5, "7"], "참": "true"}}, [1, 3]),
    ({"filters": {"날짜": "2026-03-01"}}, [2]),
    ({"filters": {"이름": "없음"}}, []),
    ({"q": "공원"}, [1, 4]),
    ({"q": "park"}, [2]),
    ({"q": "공원 둘째"}, [1]),
    ({"q": "5"}, [3]),
    ({"q": {"이름": "one"}}, [2]),
    ({"q": "공원", "filters": {"참": False}}, [4]),
    ({"sort": "값 desc"}, [4, 1, 2, 3]),
    ({"sort": "수, 날짜 desc"}, [3, 1, 2, 4]),
    ({"sort": '"수" desc, _id desc', "limit": 2}, [4, 2]),
    ({"sort": "수", "offset": 2, "limit": 2}, [2, 4]),
    ({"sort": "_id desc", "offset": 1, "limit": 2}, [3, 2]),
    ({"sort": "값", "q": "공원", "offset": 1}, [4]),
    ({"filters": {"수": 7}, "offset": 1, "limit": 1}, [2]),
    ({"offset": 4}, []),
    ({"limit": 0}, []),
]


def test_rows_are_filtered_searched_and_ordered(parks: World, rows: str) -> None:
    """The number of a row is that of the file, whatever is asked for."""
    for values, expected in MATCHED:
        assert numbers(parks, rows, **values) == expected, values


def test_the_total_is_of_what_matches(parks: World, rows: str) -> None:
    for values, total in (({"filters": {"수": 7}}, 3), ({"q": "공원"}, 2), ({"q": ""}, 4), ({}, 4)):
        assert call(parks, "datastore_search", resource_id=rows, limit=1, **values)["total"] == total
    assert "total" not in call(parks, "datastore_search", resource_id=rows, include_total=False)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"filters": {"값": "x"}}, "filters.값"),
    ({"filters": {"참": 2}}, "filters.참"),
    ({"filters": {"날짜": "2026-02-30"}}, "filters.날짜"),
    ({"filters": {"수": 1.5e300}}, "filters.수"),
    ({"filters": {"수": 7.5}}, "filters.수"),
    ({"filters": {"시각": "2026-03-01"}}, "filters"),
    ({"filters": {"없음": 1}}, "filters"),
    ({"fields": ["없음"]}, "fields"),
    ({"sort": "없음"}, "sort"),
    ({"sort": "값 upwards"}, "sort"),
    ({"q": {"없음": "a"}}, "q"),
    ({"q": "a b c d e f g h i j k"}, "q"),
    ({"offset": 10**7}, "offset"),
]


def test_what_is_not_there_is_named(parks: World, rows: str) -> None:
    for values, field in WRONG:
        assert field in call(parks, "datastore_search", 409, resource_id=rows, **values), values


def test_the_forms_of_a_file_have_its_rows_and_others_none(parks: World, rows: str) -> None:
    assert numbers(parks, f"{rows}.json") == [1, 2, 3, 4]
    call(parks, "datastore_search", 404, resource_id=f"{rows}.pdf")


def test_use_over_ckan_is_counted(parks: World, rows: str) -> None:
    call(parks, "datastore_search", resource_id=rows, limit=3)
    parks.services.usage.tally.flush()
    counted = {one["name"]: one for one in parks.get("/usage?by=kind").json["items"]}
    assert (counted["query"]["requests"], counted["query"]["rows"]) == (1, 3)
    assert counted["metadata"]["requests"] == 1


def test_ckanapi_reads_files(parks: World, address: str) -> None:
    ckanapi: Any = needed("ckanapi")
    assert put(parks, BODY).status_code == 200
    with ckanapi.RemoteCKAN(address) as ckan:
        resources = ckan.action.package_show(id="parks")["resources"]  # ids are of the address that is asked
        (rows,) = [one["id"] for one in resources if one["datastore_active"]]
        found = ckan.action.datastore_search(resource_id=rows, q="공원", filters={"수": 7}, sort="값 desc", limit=1)
        assert ([row["값"] for row in found["records"]], found["total"]) == ([9.0], 2)
        with pytest.raises(ckanapi.ValidationError):
            ckan.action.datastore_search(resource_id=rows, filters={"없음": 1})
        url = ckan.action.resource_show(id=rows)["url"]
    assert url.endswith(f"/datasets/parks/files/{NAME}")
    assert json.loads(parks.http.get("/api/3/action/package_list").data)["result"] == ["parks"]
