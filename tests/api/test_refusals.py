"""Refusals: filtered, exported, and replayed once what refused them was mended; of their owner alone."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.decoded import Frame
from gops.ingest.mapping import Limits
from gops.ingest.model import Refusal
from gops.ingest.mqtt.inbox import Message
from gops.ingest.pipeline import Batch, Pipeline
from gops.ingest.sources import Sources
from gops.records.audit import AuditRow
from tests.api.conftest import World, problem

TOPIC = "gops/v1/suwon/air-1/up"


class Field:
    """A device of Suwon whose messages come in as ingest takes them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.address = "suwon/air-1"
        world.services.devices.register(world.publisher, "suwon", "air-1")
        self.stream = world.stream(name="City hall")

    def send(self, message: Any, topic: str = TOPIC) -> Batch:
        """Refusals and readings are kept as ingest keeps them."""
        services, database = self.world.services, self.world.database
        sources = Sources(database, services.mappings.route, 100, feeds=FeedRoutes(database, services.settings))
        limits = Limits.of(services.settings, services.store.capabilities)
        batch, raw = Batch(), message if isinstance(message, bytes) else json.dumps(message).encode()
        arrival = self.world.clock.micros()
        Pipeline(sources, Frame(), limits, "test").add(
            batch, Message(topic, raw, 0, False, False, 0, arrival, len(raw)), None
        )
        services.refusals.record(batch.reports)
        for part in batch.parts.values():
            services.store.write(part.table(), "replace")
        return batch

    def push(self, media: str, body: bytes, query: str = "") -> None:
        headers = {"Content-Type": media}
        self.world.call("POST", f"/observations?refusals=keep{query}", "publisher", data=body, headers=headers)

    def map(self, *fields: str) -> None:
        wanted = [{"field": name, "datastream": self.stream.id} for name in fields]
        self.world.services.mappings.put(self.world.publisher, self.address, wanted)

    def replay(self, expected: int = 200, who: str = "publisher", **wish: Any) -> Any:
        """A second later, so that it is not the moment of the one before."""
        self.world.clock.move(seconds=1)
        answer = self.world.post("/refusals/replay", who, wish)
        assert answer.status_code == expected, answer.json
        return answer.json

    def values(self) -> list[tuple[int, float]]:
        answer = self.world.get(f"/datastreams/{self.stream.id}/observations?zone=UTC", "publisher")
        return [(row["time"], row["value"]) for row in answer.json["observations"]]

    def open(self, query: str = "") -> list[Any]:
        items: list[Any] = self.world.get(f"/refusals{query}", "publisher").json["items"]
        return items


@pytest.fixture
def field(world: World) -> Field:
    return Field(world)


def test_what_an_unmapped_field_cost_comes_back_at_the_moment_it_was_sent(field: Field) -> None:
    field.send({"temp": 21.5})
    field.world.clock.move(hours=3)
    field.map("temp")
    done = field.replay(code="unknown_field")
    assert (done["state"], done["settled"], done["still"], done["inserted"]) == ("done", 1, 0, 1)
    assert field.values() == [("2026-05-01T00:00:00+00:00", 21.5)]
    assert field.open() == []
    (settled,) = field.open("?settled=true")
    assert settled["settled_at"] == settled["tried_at"]
    again = field.replay(code="unknown_field")
    assert (again["refusals"], again["inserted"]) == (0, 0)


def test_a_replay_never_overwrites_a_correction(field: Field) -> None:
    t = field.world.clock.micros()
    field.send({"temp": 21.5, "time": t // 1000})
    field.map("temp")
    field.send({"temp": 30, "time": t // 1000})
    done = field.replay(device="suwon/air-1")
    assert (done["settled"], done["inserted"], done["replaced"], done["kept"]) == (1, 0, 0, 1)
    assert [value for _t, value in field.values()] == [30]


def test_what_is_still_refused_stays_with_the_reason_of_today(field: Field) -> None:
    field.send({"temp": 21.5, "hum": 40})
    field.map("temp")
    done = field.replay(feed="direct")
    assert (done["settled"], done["still"], done["messages"], done["inserted"]) == (1, 1, 1, 1)
    (left,) = field.open()
    assert (left["field"], left["code"]) == ("hum", "unknown_field")
    field.world.services.devices.revoke(field.world.publisher, "suwon/air-1", "lost")
    assert field.replay(ids=[left["id"]])["still"] == 1
    (left,) = field.open()
    assert (left["code"], left["ko"]) == ("revoked_device", "등록이 취소된 기기입니다")


def test_a_message_refused_whole_may_be_refused_in_part(field: Field) -> None:
    field.send({"temp": 1, "hum": 2, "pm": 3}, "gops/v1/suwon/air-2/up")
    assert [one["code"] for one in field.open()] == ["unknown_device"]
    field.world.services.devices.register(field.world.publisher, "suwon", "air-2")
    field.address = "suwon/air-2"
    field.map("temp")
    done = field.replay(code="unknown_device")
    assert (done["settled"], done["still"], done["fresh"], done["inserted"]) == (0, 1, 1, 1)
    assert sorted((one["field"], one["code"]) for one in field.open()) == [
        ("hum", "unknown_field"),
        ("pm", "unknown_field"),
    ]


def test_a_declared_feed_reads_with_its_present_revision(field: Field) -> None:
    declared = field.world.services.declared
    wish = {
        "organisation": "suwon",
        "slug": "gateway",
        "name": "게이트웨이",
        "source": {"filter": "gops/v1/suwon/+/up/#"},
        "codec": {"name": "senml"},
        "mapping": {"unknown_thing": "draft", "fields": [{"field": "temp", "property": "temperature"}]},
    }
    declared.declare(field.world.publisher, wish)
    field.send([{"bn": "node-7:", "n": "t", "u": "Cel", "v": 20}])
    (before,) = field.open("?feed=gateway")
    mended = {**wish["mapping"], "fields": [{"field": "temp", "property": "temperature", "aliases": ["t"]}]}  # type: ignore[dict-item]
    declared.edit(field.world.publisher, "gateway", {"mapping": mended})
    assert before["revision"] == 1
    assert field.replay(feed="gateway")["inserted"] == 1
    assert field.open() == []


def test_a_message_of_which_only_the_start_is_kept_says_so_and_stays(field: Field) -> None:
    field.send(b'{"temp": 1, "x": "' + b"y" * 20_000 + b'"}')
    count = len(field.open())
    done = field.replay(**{"from": "2026-05-01"})
    assert (done["unread"], done["settled"], done["readings"]) == ({"cut": count}, 0, 0)
    (note,) = done["unread_notes"]
    assert (note["code"], note["refusals"]) == ("cut", count)
    assert "보관" in note["ko"]
    assert "kept" in note["en"]
    assert len(field.open()) == count


def test_like_ones_that_were_only_counted_are_told(field: Field) -> None:
    for value in range(14):
        field.send({"temp": value})
    field.map("temp")
    done = field.replay(code="unknown_field")
    assert (done["settled"], done["unread"]) == (10, {"counted": 4})


MEDIA = {
    "text/csv": b'device,field,time,value\nsuwon/air-1,"a,""b",2026-05-01T00:00:00Z,1.5\n',
    "application/x-ndjson": b'{"device":"suwon/air-1","field":"a,\\"b","time":"2026-05-01T00:00:00Z","value":1.5}\n',
    "application/json": b'[{"device":"suwon/air-1","field":"a,\\"b","time":1777593600000,"value":1.5}]',
    "text/plain": b'm,device=suwon/air-1 a\\,"b=1.5 1777593600000000000\n',
}


@pytest.mark.parametrize("media", MEDIA)
def test_a_row_that_was_pushed_is_read_anew_by_itself(field: Field, media: str) -> None:
    """With its header, in the format, zone and precision of its push."""
    field.push(media, MEDIA[media])
    (before,) = field.open("?feed=push")
    assert before["code"] == "unknown_datastream" or before["code"] == "unknown_field"
    assert field.replay(feed="push")["still"] == 1
    assert field.open("?feed=push")[0]["place"] == before["place"]
    field.map('a,"b')
    done = field.replay(feed="push")
    assert (done["settled"], done["still"], done["fresh"], done["inserted"], done["unread"]) == (1, 0, 0, 1, {})
    assert field.values() == [("2026-05-01T00:00:00+00:00", 1.5)]


def test_a_record_of_senml_keeps_the_bases_that_held_for_it(field: Field) -> None:
    pack = [{"bn": "air-", "bt": 1777593600, "n": "a", "v": 1}, {"n": "b", "v": 2, "t": 60}, {"n": "c", "v": 3}]
    field.push("application/senml+json", json.dumps(pack).encode(), "&device=suwon/air-1")
    assert [one["place"][:3] for one in field.open("?feed=push")] == ["[0]", "[1]", "[2]"]
    field.map("air-b")
    done = field.replay(feed="push")
    assert (done["settled"], done["still"], done["inserted"]) == (1, 2, 1)
    assert field.values() == [("2026-05-01T00:01:00+00:00", 2.0)]


def test_a_row_of_parquet_is_kept_as_a_line_that_says_the_same(field: Field) -> None:
    when = datetime(2026, 5, 1, 9)  # noqa: DTZ001 - of the zone that the push names
    said = {"device": ["suwon/air-1"], "field": ["temp"], "time": pa.array([when], pa.timestamp("us")), "value": [1.5]}
    out = io.BytesIO()
    pq.write_table(pa.table(said), out)
    field.push("application/vnd.apache.parquet", out.getvalue(), "&zone=Asia/Seoul")
    field.map("temp")
    assert field.replay(feed="push")["inserted"] == 1
    assert field.values() == [("2026-05-01T00:00:00+00:00", 1.5)]


def test_what_was_no_row_at_all_says_so_and_stays(field: Field) -> None:
    field.push("text/csv", b"datastream,time,value\n1,2\n")
    done = field.replay(feed="push")
    assert (done["unread"], done["settled"]) == ({"pushed": 1}, 0)


def test_many_wait_for_their_turn_and_say_how_far_they_are(field: Field) -> None:
    for number in range(21):
        field.send({f"f{number}-{one}": 1 for one in range(10)})
    accepted = field.replay(202, feed="direct")
    where = f"/refusals/replays/{accepted['id']}"
    assert (field.world.get(where, "publisher").json["state"], accepted["refusals"]) == ("waiting", 210)
    assert field.world.services.replays.run() == 1
    done = field.world.get(where, "publisher").json
    assert (done["state"], done["still"]) == ("done", 210)
    listed = field.world.get("/refusals/replays", "publisher").json["items"]
    assert [one["id"] for one in listed] == [accepted["id"]]
    problem(field.world.get(where, "other"), 404, "not_found")


def test_a_run_whose_process_died_is_taken_up_where_it_was(field: Field) -> None:
    for number in range(21):
        field.send({f"f{number}-{one}": 1 for one in range(10)})
    replays = field.world.services.replays
    accepted = field.replay(202, feed="direct")
    assert replays._take() == accepted["id"]
    assert replays._take() is None
    field.world.clock.move(minutes=3)
    assert replays.run() == 1
    assert replays.get(field.world.publisher, accepted["id"]).state == "done"


def test_who_may_replay_what(field: Field) -> None:
    field.send({"temp": 1})
    (mine,) = field.open()
    problem(field.world.post("/refusals/replay", "publisher", {}), 422, "nothing_named", field="ids")
    problem(field.world.post("/refusals/replay", "publisher", {"ids": [999]}), 404, "not_found")
    problem(field.world.post("/refusals/replay", "publisher", {"code": "odd"}), 422, "unknown_code", field="code")
    problem(field.world.post("/refusals/replay", "other", {"ids": [mine["id"]]}), 404, "not_found")
    problem(
        field.world.post("/refusals/replay", "viewer", {"ids": [mine["id"]], "organisation": "suwon"}), 403, "forbidden"
    )
    field.replay(ids=[mine["id"]])
    with field.world.database.read() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "refusal.replay")).one()
        assert (row.organisation_id, row.detail) == (field.world.suwon.id, {"refusals": 1, "ids": [mine["id"]]})
        assert session.scalar(select(func.count()).select_from(Refusal)) == 1


def test_refusals_are_exported_with_their_messages(field: Field) -> None:
    field.send({"=cmd": 1})
    field.send(b"\xff{")
    answer = field.world.get("/refusals/export", "publisher")
    first, second = (json.loads(line) for line in answer.data.splitlines())
    assert (first["code"], first["raw"]["text"], second["raw"]["text"]) == ("unknown_field", '{"=cmd": 1}', None)
    assert first["en"] == "No mapping of the device or feed has this field"
    table = field.world.get("/refusals/export?format=csv&code=unknown_field", "publisher")
    (row,) = csv.DictReader(io.StringIO(table.data.decode()))
    assert (row["field"], row["text"], row["cut"]) == ("'=cmd", '{"=cmd": 1}', "False")
    assert field.world.get("/refusals/export?limit=1", "publisher").data.count(b"\n") == 1
    assert field.world.get("/refusals/export?from=2027-01-01", "publisher").data == b""
    problem(field.world.get("/refusals/export?organisation=suwon", "other"), 403, "forbidden")


def test_a_clock_set_back_brings_a_replay_to_an_end(field: Field) -> None:
    field.send({"temp": 1})
    field.world.clock.move(seconds=-1)
    assert field.replay(feed="direct")["state"] == "done"
