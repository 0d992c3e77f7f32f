"""Readings over HTTP: rows, pages, windows, CSV. On every store."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pyarrow as pa
import pytest

from gops.api.context import EXTENSION
from gops.settings import Settings
from gops.store.duckdb import DuckdbStore
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Store
from tests.api.conftest import MINUTE, World, problem, reading

HOUR = 60 * MINUTE
TEN_SEOUL = int(datetime(2026, 5, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.fixture(params=["memory", "duckdb"])
def store(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Store]:
    made: Store = (
        MemoryStore()
        if request.param == "memory"
        else DuckdbStore(settings.data / "store", memory_mb=256, threads=1, queue=8, deliveries_kept=100)
    )
    yield made
    made.close()


def values(answer) -> list:
    return [row["value"] for row in answer.json["observations"]]


def test_rows_come_in_the_order_of_time_with_the_offset_of_the_zone(world: World) -> None:
    stream = world.stream()
    first, second = world.write(stream, [21.5, 22])
    body = world.get(f"/datastreams/{stream.id}/observations").json
    assert body == {
        "zone": "Asia/Seoul",
        "from": None,
        "to": None,
        "datastreams": [{"id": stream.id, "name": "air-1 temperature", "unit": "Cel", "kind": "gauge"}],
        "observations": [
            {
                "id": f"{stream.id}_{first}", "datastream": stream.id, "time": "2026-05-01T09:00:00+09:00",
                "value": 21.5, "quality": "good", "result_time": None,
            },
            {
                "id": f"{stream.id}_{second}", "datastream": stream.id, "time": "2026-05-01T09:01:00+09:00",
                "value": 22.0, "quality": "good", "result_time": None,
            },
        ],
        "next": None,
    }  # fmt: skip


def test_another_zone_is_echoed_and_sets_the_offsets(world: World) -> None:
    stream = world.stream()
    world.write(stream, [1])
    answer = world.get(f"/datastreams/{stream.id}/observations?zone=America/New_York")
    assert answer.json["zone"] == answer.headers["GOPS-Zone"] == "America/New_York"
    assert answer.json["observations"][0]["time"] == "2026-04-30T20:00:00-04:00"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-05-01T10:00:00+09:00", "2026-05-01T10:02:00+09:00"),
        ("2026-05-01T10:00:00 09:00", "2026-05-01T10:02:00 09:00"),  # a "+" that the URL turned into a space
        ("2026-05-01T01:00:00Z", "2026-05-01T01:02Z"),
        ("2026-05-01T10:00", "2026-05-01T10:02"),  # on the clock of zone
    ],
)
def test_a_range_is_half_open(world: World, start: str, end: str) -> None:
    stream = world.stream()
    world.write(stream, [1, 2, 3, 4], TEN_SEOUL - MINUTE)
    query = f"from={quote(start, safe=' ')}&to={quote(end, safe=' ')}"
    assert values(world.get(f"/datastreams/{stream.id}/observations?{query}")) == [2, 3]


def test_a_date_is_midnight_on_the_clock_of_the_zone(world: World) -> None:
    stream = world.stream()
    midnight = TEN_SEOUL - 10 * HOUR
    world.write(stream, [1, 2], midnight - MINUTE)
    assert values(world.get(f"/datastreams/{stream.id}/observations?from=2026-05-01")) == [2]
    assert values(world.get(f"/datastreams/{stream.id}/observations?from=2026-05-01&zone=UTC")) == []


def test_label_end_takes_the_end_and_leaves_the_beginning(world: World) -> None:
    """AirKorea's 14:00 belongs to 13:00-14:00."""
    stream = world.stream(period="PT1H", label="end")
    world.write(stream, [1, 2, 3], TEN_SEOUL, HOUR)
    answer = world.get(f"/datastreams/{stream.id}/observations?from=2026-05-01T10:00&to=2026-05-01T12:00")
    assert values(answer) == [2, 3]


def test_quality_is_shown_as_a_word_and_filters_by_word(world: World) -> None:
    stream = world.stream()
    rows = [
        reading(stream.id, TEN_SEOUL, 1.0),
        reading(stream.id, TEN_SEOUL + 1, 2.0, quality=2),
        reading(stream.id, TEN_SEOUL + 2, None),
    ]
    world.services.store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    path = f"/datastreams/{stream.id}/observations"
    assert [row["quality"] for row in world.get(path).json["observations"]] == ["good", "suspect", "missing"]
    assert values(world.get(f"{path}?quality=suspect,missing")) == [2, None]
    assert len(values(world.get(f"{path}?quality=any"))) == 3
    problem(world.get(f"{path}?quality=bad"), 422, "unknown_quality", field="quality", found="bad", expected="good")


def test_a_state_shows_its_text_as_value(world: World) -> None:
    stream = world.stream(observed_property="parking_occupied", unit="1", kind="state", sensor="loop")
    world.write(stream, ["true", "false"])
    assert values(world.get(f"/datastreams/{stream.id}/observations")) == ["true", "false"]


def test_a_result_time_and_fractions_of_a_second_are_written(world: World) -> None:
    stream = world.stream()
    rows = [
        reading(stream.id, TEN_SEOUL + 1500, 1.0, result_time=TEN_SEOUL + 2_000_000),
        reading(stream.id, TEN_SEOUL, 0),
    ]
    world.services.store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    shown = world.get(f"/datastreams/{stream.id}/observations").json["observations"]
    assert [row["time"] for row in shown] == ["2026-05-01T10:00:00+09:00", "2026-05-01T10:00:00.001500+09:00"]
    assert [row["result_time"] for row in shown] == [None, "2026-05-01T10:00:02+09:00"]


def pages(world: World, path: str, member: str = "observations") -> list:
    """Everything behind ``path``, page by page, along the Link header."""
    found = []
    while path:
        answer = world.get(path.removeprefix("/api/v1"))
        assert answer.status_code == 200, answer.text
        found += answer.json[member]
        path = answer.json["next"] or ""
        assert answer.headers.get("Link", "") == (f'<{path}>; rel="next"' if path else "")
    return found


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_hold_every_row_once_in_either_order(world: World, order: str) -> None:
    one, other = world.stream(name="a"), world.stream(name="b")
    for stream in (one, other):
        world.write(stream, range(7))
    rows = pages(world, f"/observations?datastream={other.id},{one.id}&limit=3&order={order}")
    keys = [(row["datastream"], row["time"]) for row in rows]
    assert keys == sorted(keys, reverse=order == "desc")
    assert len(set(keys)) == 14


def test_a_page_that_just_fits_has_no_next(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(3))
    assert world.get(f"/datastreams/{stream.id}/observations?limit=3").json["next"] is None


def test_the_default_page_has_the_rows_of_its_setting(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(101))
    assert len(world.get(f"/datastreams/{stream.id}/observations").json["observations"]) == 100


def test_the_next_address_has_no_key_in_it(world: World) -> None:
    stream = world.stream(public=False)
    world.write(stream, range(2))
    answer = world.get(f"/datastreams/{stream.id}/observations?limit=1&key={world.keys['publisher']}")
    assert answer.json["next"]
    assert world.keys["publisher"] not in answer.text


def test_windows_have_the_default_aggregate_of_the_kind(world: World) -> None:
    stream = world.stream(period="PT1M")
    world.write(stream, [10, 20, 30], TEN_SEOUL + 58 * MINUTE)
    answer = world.get(f"/datastreams/{stream.id}/observations?every=1h")
    assert (answer.json["every"], answer.json["aggregates"]) == ("1h", ["mean"])
    assert answer.json["windows"] == [
        {
            "datastream": stream.id, "start": "2026-05-01T10:00:00+09:00", "end": "2026-05-01T11:00:00+09:00",
            "mean": 15.0, "count": 2, "good": 2, "coverage": pytest.approx(2 / 60),
        },
        {
            "datastream": stream.id, "start": "2026-05-01T11:00:00+09:00", "end": "2026-05-01T12:00:00+09:00",
            "mean": 30.0, "count": 1, "good": 1, "coverage": pytest.approx(1 / 60),
        },
    ]  # fmt: skip


def test_days_begin_at_midnight_of_the_zone(world: World) -> None:
    stream = world.stream()
    world.write(stream, [1, 3], TEN_SEOUL - 10 * HOUR, 23 * HOUR)
    path = f"/datastreams/{stream.id}/observations?every=1d"
    assert [row["mean"] for row in world.get(path).json["windows"]] == [2]
    assert [row["start"] for row in world.get(f"{path}&zone=UTC").json["windows"]] == [
        "2026-04-30T00:00:00+00:00",
        "2026-05-01T00:00:00+00:00",
    ]


def test_fill_gives_empty_windows_with_nulls(world: World) -> None:
    stream = world.stream()
    world.write(stream, [1, 3], TEN_SEOUL, 2 * HOUR)
    path = f"/datastreams/{stream.id}/observations?every=1h&aggregate=min,max"
    assert len(world.get(path).json["windows"]) == 2
    filled = world.get(f"{path}&fill=true").json["windows"]
    assert [(row["min"], row["max"], row["count"]) for row in filled] == [(1, 1, 1), (None, None, 0), (3, 3, 1)]


def test_only_readings_in_the_asked_range_are_counted(world: World) -> None:
    stream = world.stream(period="PT30M")
    world.write(stream, [1, 2, 3, 4], TEN_SEOUL, 30 * MINUTE)
    query = "every=1h&from=2026-05-01T10:30&to=2026-05-01T11:30"
    windows = world.get(f"/datastreams/{stream.id}/observations?{query}").json["windows"]
    assert [(row["start"][11:16], row["mean"], row["coverage"]) for row in windows] == [
        ("10:00", 2, 1),
        ("11:00", 3, 1),
    ]


def test_the_first_reading_of_label_end_has_its_window(world: World) -> None:
    stream = world.stream(period="PT1H", label="end")
    world.write(stream, [5], TEN_SEOUL)
    windows = world.get(f"/datastreams/{stream.id}/observations?every=1h").json["windows"]
    assert [(row["start"][11:16], row["mean"]) for row in windows] == [("09:00", 5)]


def test_shares_of_a_state_are_an_object(world: World) -> None:
    stream = world.stream(observed_property="parking_occupied", unit="1", kind="state", sensor="loop")
    world.write(stream, ["true", "false", "false"], TEN_SEOUL, 20 * MINUTE)
    world.clock.move(hours=2)
    (window,) = world.get(f"/datastreams/{stream.id}/observations?every=1h").json["windows"]
    assert window["last"] == "false"
    assert window["share"] == {"false": pytest.approx(2 / 3), "true": pytest.approx(1 / 3)}


def test_a_state_is_not_taken_to_hold_in_the_future(world: World) -> None:
    """At nine in the morning the day has nine hours so far; an ETag of an hour ago does not bring back its share."""
    stream = world.stream(observed_property="parking_occupied", unit="1", kind="state", sensor="loop")
    nine = world.clock.micros()
    world.write(stream, ["free", "taken"], nine - 9 * HOUR, 3 * HOUR)
    path = f"/datastreams/{stream.id}/observations?every=1d&fill=true&from=2026-05-01"
    for to in ("", "&to=2026-05-02", "&to=2026-05-03"):
        first, *later = world.get(path + to).json["windows"]
        assert first["share"] == {"free": pytest.approx(1 / 3), "taken": pytest.approx(2 / 3)}
        assert [row["share"] for row in later] == [None] * len(later)
    (tomorrow,) = world.get(path.replace("05-01", "05-02") + "&to=2026-05-03").json["windows"]
    assert (tomorrow["count"], tomorrow["share"], tomorrow["coverage"]) == (0, None, None)
    etag = world.get(path).headers["ETag"]
    world.clock.move(seconds=59)
    assert world.get(path, headers={"If-None-Match": etag}).status_code == 304
    world.clock.move(hours=3)
    (window,) = world.get(path, headers={"If-None-Match": etag}).json["windows"]
    assert window["share"]["free"] == pytest.approx(1 / 4)


def test_windows_come_in_pages_too(world: World) -> None:
    one, other = world.stream(name="a"), world.stream(name="b")
    for stream in (one, other):
        world.write(stream, range(4), TEN_SEOUL, HOUR)
    rows = pages(world, f"/observations?datastream={one.id},{other.id}&every=1h&limit=3", "windows")
    assert [(row["datastream"], row["mean"]) for row in rows] == [(one.id, n) for n in range(4)] + [
        (other.id, n) for n in range(4)
    ]


def test_windows_of_nothing_are_none(world: World) -> None:
    stream = world.stream()
    assert world.get(f"/datastreams/{stream.id}/observations?every=1h").json["windows"] == []


def test_an_aggregate_that_makes_no_sense_names_the_right_one(world: World) -> None:
    stream = world.stream(observed_property="parking_occupied", unit="1", kind="state", sensor="loop")
    answer = world.get(f"/datastreams/{stream.id}/observations?every=1h&aggregate=mean")
    problem(answer, 422, "aggregate_of_kind", field="aggregate", found="mean", expected="last, first, share")


def test_datastreams_of_different_kinds_have_no_windows_together(world: World) -> None:
    gauge, state = world.stream(), world.stream(observed_property="parking_occupied", sensor="loop", name="p")
    answer = world.get(f"/observations?datastream={gauge.id},{state.id}&every=1h")
    problem(answer, 422, "mixed_kinds", field="datastream", found="gauge, state")


def test_too_many_windows_are_refused_before_they_are_made(world: World) -> None:
    stream = world.stream()
    answer = world.get(f"/datastreams/{stream.id}/observations?every=1m&from=1950-01-01&to=2050-01-01")
    problem(answer, 422, "too_many_windows", field="every")


def table(answer) -> list[dict[str, str]]:
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_csv_by_name_and_by_accept_is_the_whole_range(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(250))
    path = f"/datastreams/{stream.id}/observations"
    by_name = world.get(f"{path}?format=csv")
    assert [float(row["value"]) for row in table(by_name)] == list(range(250))
    assert table(by_name)[0] == {
        "datastream": str(stream.id),
        "time": "2026-05-01T09:00:00+09:00",
        "value": "0",
        "quality": "good",
        "result_time": "",
    }
    assert world.get(path, headers={"Accept": "text/csv"}).data == by_name.data


def test_csv_of_states_quotes_what_needs_it(world: World) -> None:
    stream = world.stream(observed_property="parking_occupied", sensor="loop")
    said = ['a,"b"', "line\nbreak", "", "=1+1", "주차"]
    world.write(stream, said)
    assert [row["value"] for row in table(world.get(f"/datastreams/{stream.id}/observations?format=csv"))] == said


def test_json_has_texts_and_numbers_as_they_were_written(world: World) -> None:
    said = ['a,"b"', "line\nbreak", "", "\\ \x07 \u2028", "주차"]
    state = world.stream(observed_property="parking_occupied", sensor="loop")
    world.write(state, said)
    rows = world.get(f"/datastreams/{state.id}/observations").json["observations"]
    assert [row["value"] for row in rows] == said
    (window,) = world.get(f"/datastreams/{state.id}/observations?every=1d&aggregate=first,last").json["windows"]
    assert (window["first"], window["last"]) == (said[0], said[-1])
    numbers = [0.1 + 0.2, -1.5e-300, 1e22, 35.0, -0.0, 5e-324]
    gauge = world.stream(name="air-2")
    world.write(gauge, numbers)
    assert [row["value"] for row in world.get(f"/datastreams/{gauge.id}/observations").json["observations"]] == numbers


def test_csv_with_a_limit_comes_in_pages(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(5))
    path, found = f"/datastreams/{stream.id}/observations?format=csv&limit=2", []
    while path:
        answer = world.get(path.removeprefix("/api/v1"))
        found += [float(row["value"]) for row in table(answer)]
        path = answer.headers.get("Link", "<>").split(">")[0][1:]
    assert found == [0, 1, 2, 3, 4]


def test_csv_of_windows(world: World) -> None:
    stream = world.stream()
    world.write(stream, [1, 2], TEN_SEOUL)
    (row,) = table(world.get(f"/datastreams/{stream.id}/observations?every=1h&format=csv&aggregate=mean,max"))
    assert (row["start"], row["mean"], row["max"], row["count"]) == ("2026-05-01T10:00:00+09:00", "1.5", "2", "2")


def test_csv_without_rows_has_its_header(world: World) -> None:
    stream = world.stream()
    path = f"/datastreams/{stream.id}/observations?format=csv"
    assert world.get(path).text == "datastream,time,value,quality,result_time\n"
    assert world.get(f"{path}&every=1h").text == "datastream,start,end,mean,count,good,coverage\n"


def test_an_export_beyond_its_setting_is_refused_and_names_it(world_with) -> None:
    world: World = world_with(export_rows_max=5)
    stream = world.stream()
    world.write(stream, range(6))
    path = f"/datastreams/{stream.id}/observations?format=csv"
    problem(world.get(path), 413, "too_large", found=6, expected="GOPS_EXPORT_ROWS_MAX")
    assert len(table(world.get(f"{path}&to=2026-05-01T09:05"))) == 5
    assert len(table(world.get(f"{path}&limit=6"))) == 6


def test_streams_at_once_are_bounded_and_a_reader_who_leaves_makes_room(world_with) -> None:
    world: World = world_with(http_threads=2)
    stream = world.stream()
    world.write(stream, range(10))
    path = f"/datastreams/{stream.id}/observations?format=csv"
    read_slowly = world.get(path, buffered=False)
    problem(world.get(path), 503, "exports_busy", expected="GOPS_HTTP_THREADS")
    assert world.get(f"{path}&limit=5").status_code == 200
    read_slowly.close()
    for _ in range(3):
        assert len(table(world.get(path))) == 10
        world.call("HEAD", path)
    problem(world.get(f"{path}&cursor=x"), 422, "bad_cursor")
    assert len(table(world.get(path))) == 10


class WithoutRows:
    """A store that is asked for its version and nothing else."""

    def __init__(self, store: Store) -> None:
        self.version, self.capabilities = store.version, store.capabilities


def test_an_answer_that_is_known_costs_no_rows(world: World) -> None:
    stream = world.stream()
    world.write(stream, [1])
    path = f"/datastreams/{stream.id}/observations"
    etag = world.get(path).headers["ETag"]
    assert not etag.startswith("W/")
    world.app.extensions[EXTENSION] = replace(world.services, store=WithoutRows(world.services.store))
    answer = world.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)


def test_a_new_reading_a_new_name_and_another_question_have_another_etag(world: World) -> None:
    stream = world.stream()
    path = f"/datastreams/{stream.id}/observations"

    def etag(query: str = "", **headers: str) -> str:
        return world.get(path + query, headers=headers).headers["ETag"]

    seen = [etag()]
    world.write(stream, [1])
    seen.append(etag())
    world.services.datastreams.edit(world.publisher, stream.id, name="other")
    seen += [etag(), etag("?zone=UTC"), etag("?format=csv"), etag("?limit=7"), etag("?every=1h")]
    assert len(set(seen)) == len(seen)
    assert etag() == etag()
    assert etag("?format=csv") == etag("?format=csv")


def test_a_datastream_that_nobody_may_see_does_not_answer_304(world: World) -> None:
    stream = world.stream()
    path = f"/datastreams/{stream.id}/observations"
    etag = world.get(path).headers["ETag"]
    world.services.datastreams.publish(world.publisher, stream.id, False)
    problem(world.get(path, headers={"If-None-Match": etag}), 404, "not_found")
