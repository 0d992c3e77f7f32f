"""Whatever a portal answers is a page or a failure, and whatever is in its rows becomes readings or refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.clock import to_micros
from gops.ingest.feeds.adapters import ADAPTERS
from gops.ingest.feeds.answers import Page
from gops.ingest.feeds.source import Source
from tests.conftest import NOON_BEFORE
from tests.examples import examples
from tests.unit.feeds import test_ckan, test_file, test_gbfs, test_general, test_gyeonggi, test_sensorthings, test_seoul

CONFIGS: dict[str, dict[str, Any]] = {
    "airkorea": {"provinces": ["서울"]},
    "data-go-kr": test_general.PLAIN,
    "seoul": {"service": "GetParkingInfo"},
    "gyeonggi": test_gyeonggi.CONFIG,
    "file": test_file.PLACES,
    "gbfs": test_gbfs.CONFIG,
    "ckan": test_ckan.CONFIG,
    "sensorthings": test_sensorthings.CONFIG,
}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "airkorea": ("서울", {"stationName": "가", "dataTime": "2026-05-01 09:00", "pm10Value": "1", "pm10Flag": ""}),
    "data-go-kr": ("", test_general.ROW),
    "seoul": ("", test_seoul.PARKING),
    "gyeonggi": ("", test_gyeonggi.ROW),
    "file": ("", {"측정소": "가", "소음": 1, "@longitude": 1, "@latitude": 1}),
    "gbfs": ("station_status x", {"station_id": "1", "num_bikes_available": 1, "last_reported": 1}),
    "ckan": ("", test_ckan.ROWS[0]),
    "sensorthings": ("", test_sensorthings.datastream(test_sensorthings.observation(1))),
}
NOW = to_micros(NOON_BEFORE)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = st.sampled_from(
    ["response", "header", "body", "items", "RESULT", "CODE", "row", "head", "data", "value", "result", "records",
     "features", "stations", "feeds", "success", "error", "resultCode", "_links", "next", "x"]
)  # fmt: skip
DOCUMENTS = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4))


def source(name: str) -> Source:
    return ADAPTERS[name].open(CONFIGS[name])


def test_every_adapter_is_held_to_this() -> None:
    assert set(CONFIGS) == set(ROWS) == set(ADAPTERS)


@pytest.mark.parametrize("name", list(CONFIGS))
@settings(max_examples=examples(60), deadline=None)
@given(document=DOCUMENTS, status=st.sampled_from([200, 200, 404, 500]))
def test_any_document_is_a_page_or_a_failure(name: str, document: Any, status: int) -> None:
    made, query = source(name), ROWS[name][0]
    for asked in ("", query):
        found = made.read(status, json.dumps(document).encode(), asked)
        if isinstance(found, Page):
            made.is_last(found, len(found.rows))
            made.sample(found, query, NOW)
        else:
            assert found.code
            assert len(found.note) < 500


@pytest.mark.parametrize("name", list(CONFIGS))
@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_any_value_in_a_row_is_read_refused_or_passed_over(name: str, data: st.DataObject) -> None:
    query, good = ROWS[name]
    spoilt = good | {data.draw(st.sampled_from(sorted(good))): data.draw(VALUES)}
    decoded = source(name).sample(Page([spoilt, good], 2), query, NOW).decoded
    columns = {len(decoded.fields), len(decoded.values), len(decoded.times), len(decoded.qualities)}
    assert columns == {len(decoded.result_times)}
    assert decoded.fields, "the good row beside it is read"
