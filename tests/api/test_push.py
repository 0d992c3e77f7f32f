"""``POST /api/v1/observations``: every format, what is counted, what is refused, and what may be sent again."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gops.store.port import Read, Series
from tests.api.conftest import World, problem

PUSH = "/observations"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
LINES = "text/plain"
SENML = "application/senml+json"
PARQUET = "application/vnd.apache.parquet"
COUNTS = ("inserted", "replaced", "unchanged", "kept", "refused")


def at(minute: int) -> str:
    return f"2026-02-27T10:{minute:02}:00+09:00"


def push(
    world: World, body: Any, media: str = CSV, *, who: str | None = "publisher", query: str = "", **headers: str
) -> Any:
    data = body if isinstance(body, bytes) else body.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": media}
    return world.call("POST", PUSH + query, who, data=data, headers=named)


def counted(answer: Any) -> dict[str, int]:
    assert answer.status_code == 200, answer.text
    return {name: answer.json[name] for name in COUNTS if answer.json[name]}


def stored(world: World, stream: Any) -> list[tuple[int, Any, int]]:
    rows = world.services.store.read(Read([Series(stream.id)])).to_pylist()
    return [(row["t"], row["value"] if row["text"] is None else row["text"], row["quality"]) for row in rows]


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


BODIES = {
    "csv": (CSV, "datastream,time,value\n{id},{t0},1.5\n{id},{t1},2\n"),
    "ndjson": (
        NDJSON,
        '{{"datastream":{id},"time":"{t0}","value":1.5}}\n\n{{"datastream":{id},"time":"{t1}","value":2}}',
    ),
    "array": (
        "application/json",
        '[{{"datastream":{id},"time":"{t0}","value":1.5}}, {{"datastream":{id},"time":"{t1}","value":2}}]',
    ),
    "object": (
        "application/json; charset=utf-8",
        '{{"observations": [{{"datastream":{id},"phenomenonTime":"{t0}","result":1.5}}'
        ',{{"datastream":{id},"time":"{t1}","value":2}}]}}',
    ),
    "senml": (SENML, '[{{"bt":1772155200,"n":"{id}","v":1.5}},{{"n":"{id}","t":60,"v":2}}]'),
    "influx": (LINES, "air,datastream={id} v=1.5 1772155200000000000\nair,datastream={id} v=2i 1772155260000000000\n"),
}


@pytest.mark.parametrize("form", sorted(BODIES))
def test_the_same_two_readings_in_every_text_format(world: World, form: str) -> None:
    """Both are stored, and sent again they are unchanged."""
    stream = world.stream()
    media, text = BODIES[form]
    body = text.format(id=stream.id, t0="2026-02-27T10:20:00+09:00", t1="2026-02-27T10:21:00+09:00")
    assert counted(push(world, body, media)) == {"inserted": 2}
    first = 1_772_155_200_000_000
    assert stored(world, stream) == [(first, 1.5, 0), (first + 60_000_000, 2.0, 0)]
    assert counted(push(world, body, media)) == {"unchanged": 2}


def test_parquet_as_a_store_keeps_it_or_as_people_write_it(world: World) -> None:
    """Timestamps with a zone or text, qualities as words or codes; a null is missing."""
    stream = world.stream()
    times = pa.array([1_772_155_200_000, 1_772_155_260_000], pa.timestamp("ms", "UTC"))
    body = parquet({"datastream": [stream.id] * 2, "time": times, "value": [1.5, None], "quality": ["estimated", None]})
    assert counted(push(world, body, PARQUET)) == {"inserted": 2}
    assert [row[1:] for row in stored(world, stream)] == [(1.5, 1), (None, 5)]
    body = parquet({"datastream": [str(stream.id)], "time": [at(20)], "value": [3], "quality": [2]}, compression="zstd")
    assert counted(push(world, body, PARQUET)) == {"replaced": 1}
    assert stored(world, stream)[0][1:] == (3.0, 2)


def test_a_row_may_name_thing_and_property_or_a_device_and_its_field(world: World) -> None:
    """A device's field is converted as its mapping says."""
    stream = world.stream(name="roof")
    services, actor = world.services, world.publisher
    services.devices.register(actor, "suwon", "node-1")
    services.mappings.put(actor, "suwon/node-1", [{"field": "t_f", "datastream": stream.id, "unit": "[degF]"}])
    assert counted(push(world, f"thing,property,time,value\nroof,temperature,{at(1)},20\n")) == {"inserted": 1}
    assert counted(push(world, f"device,field,time,value\nsuwon/node-1,t_f,{at(2)},212\n")) == {"inserted": 1}
    assert counted(push(world, f"field,time,value\nt_f,{at(3)},32\n", query="?device=suwon/node-1")) == {"inserted": 1}
    line = json.dumps({"device": "suwon/node-1", "field": "t_f", "time": at(4), "value": 50})
    assert counted(push(world, line, NDJSON)) == {"inserted": 1}
    assert [round(row[1], 6) for row in stored(world, stream)] == [20, 100, 0, 10]


def test_bad_rows_are_refused_by_place_and_cost_no_other(world: World) -> None:
    """Each with its line, column and code; what is empty is missing, and lines without anything are passed over."""
    stream = world.stream()
    rows = [
        f"{stream.id},{at(0)},20.5,",
        f"{stream.id},yesterday,20.5,",
        f"{stream.id},{at(2)},warm,",
        f"{stream.id},{at(3)},1e999,",
        f"{stream.id},2026-02-27T10:04:00,20.5,",
        "",
        f"{stream.id},{at(6)},20.5,splendid",
        f"{stream.id},{at(7)}",
        f"999999,{at(8)},20.5,",
        f"{stream.id},2046-02-27T10:00:00Z,20.5,",
        f"{stream.id},{at(10)},,",
        f'{stream.id},{at(11)},"20.5",suspect',
    ]
    answer = push(world, "datastream,time,value,quality\n" + "\n".join(rows))
    assert counted(answer) == {"inserted": 3, "refused": 8}
    told = [(one["place"], one["field"], one["code"]) for one in answer.json["refusals"]]
    assert sorted(told) == sorted(
        [
            ("line 3", "time", "bad_time"),
            ("line 4", "value", "wrong_type"),
            ("line 5", "value", "not_a_number"),
            ("line 6", "time", "time_without_zone"),
            ("line 8", "quality", "bad_quality"),
            ("line 9", None, "bad_line"),
            ("line 10", "datastream", "unknown_datastream"),
            ("line 11", "time", "too_far_ahead"),
        ]
    )
    assert answer.json["refused_by_code"]["bad_time"] == 1
    assert answer.json["through"] == "line 13"
    assert [row[1:] for row in stored(world, stream)] == [(20.5, 0), (None, 5), (20.5, 2)]


def test_a_bad_object_costs_itself_alone(world: World) -> None:
    """In an array and in lines: what is no JSON, no object, or has members that would be ignored."""
    stream = world.stream()
    good = json.dumps({"datastream": stream.id, "time": at(1), "value": 1})
    rows = [good, "7", json.dumps({"datastream": stream.id, "time": at(2), "value": 1, "colour": "red"})]
    rows += [json.dumps({"datastream": stream.id, "time": at(3), "value": True}), '{"value": NaN}']
    answer = push(world, f"[{','.join(rows)}]", "application/json")
    assert counted(answer) == {"inserted": 1, "refused": 4}
    assert [one["place"] for one in answer.json["refusals"]] == ["[1]", "[2]", "[3]", "[4]"]
    answer = push(world, "\n".join([*rows, '{"datastream":', good]), NDJSON)
    assert counted(answer) == {"unchanged": 2, "refused": 5}


def test_texts_of_a_state_are_stored_as_they_are(world: World) -> None:
    """Also one that spells a number; a number in JSON becomes its text."""
    stream = world.stream(observed_property="parking_occupied", unit="1", kind="state", sensor="loop")
    assert counted(push(world, f"datastream,time,value\n{stream.id},{at(1)},007\n{stream.id},{at(2)},열림\n")) == {
        "inserted": 2
    }
    line = json.dumps({"datastream": stream.id, "time": at(3), "value": 7})
    assert counted(push(world, line, NDJSON)) == {"inserted": 1}
    assert [row[1] for row in stored(world, stream)] == ["007", "열림", "7"]


def test_zone_and_precision_give_times_their_meaning(world: World) -> None:
    """Without them a time without offset is refused, and a bare number is milliseconds."""
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},2026-02-27 10:20:00,1\n"
    assert counted(push(world, rows, query="?zone=Asia/Seoul")) == {"inserted": 1}
    rows = f"datastream,time,value\n{stream.id},1772155260,2\n"
    assert counted(push(world, rows, query="?precision=s")) == {"inserted": 1}
    rows = f"datastream,time,value\n{stream.id},1772155320000,3\n{stream.id},soon,3\n"
    assert counted(push(world, rows)) == {"inserted": 1, "refused": 1}
    assert [row[0] - 1_772_155_200_000_000 for row in stored(world, stream)] == [0, 60_000_000, 120_000_000]


def test_a_dry_run_stores_nothing(world: World) -> None:
    """It says what would be refused, also of a push that would be atomic."""
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n{stream.id},never,2\n"
    answer = push(world, rows, query="?dry_run=true")
    assert (counted(answer), answer.json["accepted"], answer.json["through"]) == ({"refused": 1}, 1, "line 3")
    problem(push(world, rows, query="?dry_run=true&atomic=true"), 422, "atomic_refused")
    assert stored(world, stream) == []


def test_mode_keep_fills_gaps_alone(world: World) -> None:
    stream = world.stream()
    push(world, f"datastream,time,value\n{stream.id},{at(1)},1\n")
    rows = f"datastream,time,value\n{stream.id},{at(1)},9\n{stream.id},{at(2)},2\n"
    assert counted(push(world, rows, query="?mode=keep")) == {"inserted": 1, "kept": 1}
    assert [row[1] for row in stored(world, stream)] == [1, 2]
    assert counted(push(world, rows)) == {"replaced": 1, "unchanged": 1}


def test_atomic_stores_all_or_nothing(world: World) -> None:
    """One bad row leaves the store as it was, and says which one it is."""
    stream = world.stream()
    good = f"datastream,time,value\n{stream.id},{at(1)},1\n{stream.id},{at(2)},2\n"
    body = problem(push(world, good + f"{stream.id},never,3\n", query="?atomic=true"), 422, "atomic_refused")
    assert (body["inserted"], body["refused"], body["refusals"][0]["place"]) == (0, 1, "line 4")
    assert stored(world, stream) == []
    assert counted(push(world, good, query="?atomic=true")) == {"inserted": 2}


def test_atomic_is_bounded(world_with: Any) -> None:
    world = world_with(push_atomic_rows=1)
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n{stream.id},{at(2)},2\n"
    problem(push(world, rows, query="?atomic=true"), 413, "too_large", field="atomic", expected="GOPS_PUSH_ATOMIC_ROWS")


def test_when_every_row_is_refused_the_push_is(world: World) -> None:
    body = problem(push(world, f"datastream,time,value\n77,{at(1)},1\n"), 422, "all_refused")
    assert (body["refused"], body["refusals"][0]["code"]) == (1, "unknown_datastream")
    problem(push(world, "datastream,time,value\n"), 422, "empty")


def test_others_and_those_without_the_scope_push_nothing(world: World) -> None:
    """Somebody else's Datastream is answered as one that is not there, though it is public."""
    stream = world.stream(public=True)
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n"
    problem(push(world, rows, who=None), 401, "unauthenticated")
    problem(push(world, rows, who="viewer"), 403, "forbidden")
    world.keys["reader"] = world.key(world.suwon, "publisher", scopes=["data:read"])
    problem(push(world, rows, who="reader"), 403, "forbidden")
    foreign = problem(push(world, rows, who="other"), 422, "all_refused")["refusals"][0]
    absent = problem(push(world, rows.replace(f"{stream.id},", "98765,"), who="other"), 422, "all_refused")["refusals"][
        0
    ]
    assert (foreign["code"], foreign["note"].replace(str(stream.id), "98765", 1)) == (absent["code"], absent["note"])
    services, actor = world.services, world.publisher
    services.devices.register(actor, "suwon", "node-1")
    services.mappings.put(actor, "suwon/node-1", [{"field": "t", "datastream": stream.id}])
    rows = f"device,field,time,value\nsuwon/node-1,t,{at(1)},1\n"
    assert problem(push(world, rows, who="other"), 422, "all_refused")["refusals"][0]["code"] == "unknown_device"
    rows = f"thing,property,time,value\nair-1,temperature,{at(1)},1\n"
    assert problem(push(world, rows, who="other"), 422, "all_refused")["refusals"][0]["code"] == "unknown_datastream"
    assert stored(world, stream) == []


def test_refusals_may_be_kept_for_later(world: World) -> None:
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n{stream.id},later,2\n"
    push(world, rows)
    assert world.get("/refusals", "publisher").json["items"] == []
    push(world, rows, query="?refusals=keep")
    (kept,) = world.get("/refusals", "publisher").json["items"]
    assert (kept["code"], kept["place"], kept["feed"]) == ("bad_time", "line 3", "push")
    text = world.get(f"/refusals/{kept['id']}", "publisher").json["raw"]["text"]
    assert text == f"datastream,time,value\n{stream.id},later,2\n"


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_packed_bodies(world: World, encoding: str) -> None:
    """They are unpacked; one that breaks off, or is something else, is a 400."""
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n".encode()
    packed = gzip.compress(rows) if encoding == "gzip" else bytes(pa.compress(rows, "zstd", asbytes=True))
    assert counted(push(world, packed, Content_Encoding=encoding)) == {"inserted": 1}
    problem(push(world, packed[:-6], Content_Encoding=encoding), 400, "bad_encoding")
    problem(push(world, rows, Content_Encoding=encoding), 400, "bad_encoding")
    problem(push(world, packed, Content_Encoding="br"), 415, "unsupported_media_type", field="Content-Encoding")


def test_a_bomb_is_put_out(world_with: Any) -> None:
    """By how much it unpacks to, and how much that is of what came."""
    world = world_with(push_unpacked_bytes=1 << 20)
    stream = world.stream()
    rows = b"datastream,time,value\n" + b"\n" * (2 << 20) + f"{stream.id},{at(1)},1\n".encode()
    problem(push(world, gzip.compress(rows), Content_Encoding="gzip"), 413, "too_large", expected="UNPACKED_BYTES")
    world = world_with(push_ratio=2)
    rows = b"datastream,time,value\n" + b"\n" * (17 << 20)
    problem(push(world, gzip.compress(rows, 1), Content_Encoding="gzip"), 413, "too_large", expected="GOPS_PUSH_RATIO")
    many = parquet({"datastream": pa.array([1] * 200_000), "time": [at(1)] * 200_000, "value": [1] * 200_000})
    world = world_with(push_unpacked_bytes=1 << 20)
    problem(push(world, many, PARQUET), 413, "too_large", expected="UNPACKED_BYTES")


def test_a_body_is_bounded_and_as_long_as_it_says(world_with: Any) -> None:
    world = world_with(push_bytes=1 << 16)
    rows = b"datastream,time,value\n" + b"1,2,3\n" * 20_000
    problem(push(world, rows), 413, "too_large", field="body", expected="GOPS_PUSH_BYTES")
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n".encode()
    longer = {"CONTENT_LENGTH": str(len(rows) + 9), "CONTENT_TYPE": CSV}
    answer = world.call("POST", PUSH, "publisher", data=rows, environ_overrides=longer)
    body = problem(answer, 400, "cut_short", found=len(rows))
    assert body["complete"] is False


def test_what_is_no_such_format_is_refused(world: World) -> None:
    problem(push(world, "hello", "text/html"), 415, "unsupported_media_type", field="Content-Type")
    problem(push(world, b"PAR1 not", PARQUET), 400, "bad_parquet")
    problem(push(world, '{"rows": []}', "application/json"), 400, "bad_json")
    problem(push(world, "time,value\n", CSV), 422, "bad_header")
    problem(push(world, "datastream,time,value,colour\n", CSV), 422, "bad_header")
    problem(push(world, "", CSV), 400, "empty")
    problem(push(world, "datastream,time,value\n", query="?zone=Mars/Olympus"), 422, "bad_zone")


def test_an_array_that_breaks_off_says_what_is_stored(world: World) -> None:
    stream = world.stream()
    good = json.dumps({"datastream": stream.id, "time": at(1), "value": 1})
    body = problem(push(world, f"[{good}, {{", "application/json"), 400, "bad_json", found="[1]")
    assert (body["inserted"], body["through"], body["complete"]) == (1, "[0]", False)
    assert len(stored(world, stream)) == 1


def test_an_idempotency_key_gives_the_same_answer_again(world: World) -> None:
    """Also that of a push of which every row was refused; another body or parameter under it is a 422."""
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n"
    first = push(world, rows, Idempotency_Key="a-1")
    again = push(world, rows, Idempotency_Key="a-1")
    assert (counted(first), again.json) == ({"inserted": 1}, first.json)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    problem(push(world, rows + "\n", Idempotency_Key="a-1"), 422, "idempotency_key_reused")
    problem(push(world, rows, query="?mode=keep", Idempotency_Key="a-1"), 422, "idempotency_key_reused")
    assert counted(push(world, rows, who="owner", Idempotency_Key="a-1")) == {"unchanged": 1}
    bad = f"datastream,time,value\n{stream.id},never,1\n"
    for _ in range(2):
        problem(push(world, bad, Idempotency_Key="a-2"), 422, "all_refused")
    problem(push(world, rows, Idempotency_Key="x" * 201), 422, "invalid_value", field="Idempotency-Key")


def test_an_idempotency_key_is_forgotten_after_its_time(world: World) -> None:
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n"
    push(world, rows, Idempotency_Key="a-1")
    world.clock.move(hours=24)
    assert world.services.pushes.keys.forget_old() == 1
    assert counted(push(world, rows, Idempotency_Key="a-1")) == {"unchanged": 1}


def test_a_push_that_failed_or_was_killed_may_be_sent_again(world: World) -> None:
    """A failed one gives its key back at once; that of a killed process is free after some seconds."""
    stream = world.stream()
    rows = f"datastream,time,value\n{stream.id},{at(1)},1\n"
    problem(push(world, "no header\n", Idempotency_Key="a-1"), 422, "bad_header")
    assert counted(push(world, rows, Idempotency_Key="a-1")) == {"inserted": 1}
    world.services.pushes.keys.begin(world.publisher, "a-2")
    problem(push(world, rows, Idempotency_Key="a-2"), 409, "push_in_progress")
    world.clock.move(seconds=16)
    assert counted(push(world, rows, Idempotency_Key="a-2")) == {"unchanged": 1}


def test_so_many_pushes_at_once(world_with: Any) -> None:
    """The next one is told to come again, before its body is read."""
    world = world_with(push_at_once=1)
    with world.services.pushes._seat():
        answer = push(world, "datastream,time,value\n")
    problem(answer, 503, "too_many_pushes", expected="GOPS_PUSH_AT_ONCE")
    assert int(answer.headers["Retry-After"]) > 0
    problem(push(world, "datastream,time,value\n"), 422, "empty")


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_a_whole_number_that_would_be_rounded_is_refused_beside_its_neighbours(world: World, form: str) -> None:
    one = world.stream().id
    t, values = world.clock.micros() // 1000, [1, 2**53 + 1, 2**60, 5]
    rows = [{"datastream": one, "time": t + place, "value": value} for place, value in enumerate(values)]
    if form == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        answer = push(world, sink.getvalue(), PARQUET)
    elif form == "ndjson":
        answer = push(world, "\n".join(json.dumps(row) for row in rows), NDJSON)
    else:
        answer = push(
            world, "datastream,time,value\n" + "\n".join(f"{one},{row['time']},{row['value']}" for row in rows)
        )
    assert (counted(answer)["inserted"], answer.json["refused_by_code"]) == (3, {"inexact": 1})
    shown = world.get(f"/datastreams/{one}/observations").json["observations"]
    assert [row["value"] for row in shown] == [1, 2**60, 5]
