"""Corrections over HTTP: which readings are meant, who may, what is counted, told and audited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
from sqlalchemy import select

from gops.api.context import EXTENSION
from gops.errors import Unavailable
from gops.records.audit import AuditRow
from gops.records.events import EventRow
from gops.sensors.corrections import Corrections
from gops.store.port import READINGS
from tests.api.conftest import MINUTE, World, problem, reading

RANGE = "from=2026-05-01T09:01&to=2026-05-01T09:03"


def delete(
    world: World, ids: str, span: str = RANGE, who: str | None = "publisher", more: str = "&reason=wrong"
) -> Any:
    return world.call("DELETE", f"/observations?datastream={ids}&{span}{more}", who)


def requalify(
    world: World, ids: str, quality: str, span: str = RANGE, who: str | None = "publisher", **body: Any
) -> Any:
    wanted = {"quality": quality, "reason": "drifted"} | body
    return world.call("PATCH", f"/observations?datastream={ids}&{span}", who, json=wanted)


def shown(world: World, ids: str, span: str = "", who: str = "publisher") -> list[tuple[str, Any, str]]:
    rows = world.get(f"/observations?datastream={ids}&{span}", who).json["observations"]
    return [(row["time"][11:16], row["value"], row["quality"]) for row in rows]


def audited(world: World) -> list[tuple[str, int | None, dict[str, Any]]]:
    with world.database.read() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action.startswith("observation.")).order_by(AuditRow.id))
        return [(row.action, row.record_id, row.detail) for row in rows]


def told(world: World) -> list[int]:
    with world.database.read() as session:
        rows = session.scalars(select(EventRow).where(EventRow.kind == "observation.corrected").order_by(EventRow.id))
        return [row.payload["datastream"] for row in rows]


def test_what_is_deleted_is_what_a_read_of_the_range_shows(world: World) -> None:
    one = world.stream()
    world.write(one, [1, 2, None, 4])
    before = shown(world, one.id, RANGE)
    answer = delete(world, one.id)
    assert answer.json == {
        "zone": "Asia/Seoul",
        "from": "2026-05-01T09:01:00+09:00",
        "to": "2026-05-01T09:03:00+09:00",
        "datastreams": [one.id],
        "rows": 2,
        "dry_run": False,
    }
    assert len(before) == 2
    assert shown(world, one.id) == [("09:00", 1.0, "good"), ("09:03", 4.0, "good")]


def test_for_label_end_the_range_is_open_at_its_beginning_and_closed_at_its_end(world: World) -> None:
    instant, end = world.stream(name="a"), world.stream(name="b", label="end", period="PT1M")
    for one in (instant, end):
        world.write(one, [1, 2, 3, 4])
    ids = f"{instant.id},{end.id}"
    before = shown(world, ids, RANGE)
    assert [time for time, _, _ in before] == ["09:01", "09:02", "09:02", "09:03"]
    assert delete(world, ids).json["rows"] == 4
    assert shown(world, ids, RANGE) == []
    assert [time for time, _, _ in shown(world, ids)] == ["09:00", "09:03", "09:00", "09:01"]


def test_a_dry_run_counts_and_leaves_no_trace(world: World) -> None:
    one = world.stream()
    world.write(one, [1, 2, 3, 4])
    answer = delete(world, one.id, more="&reason=wrong&dry_run=true")
    assert (answer.json["rows"], answer.json["dry_run"]) == (2, True)
    assert requalify(world, one.id, "suspect", RANGE + "&dry_run=true").json["rows"] == 2
    assert len(shown(world, one.id)) == 4
    assert (audited(world), told(world)) == ([], [])


def test_a_deletion_is_audited_before_and_after_and_told(world: World) -> None:
    one, other = world.stream(name="a"), world.stream(name="b")
    for each in (one, other):
        world.write(each, [1, 2, 3])
    delete(world, one.id)
    delete(world, f"{one.id},{other.id}", more="&reason=" + quote("센서 고장"))
    times = {"from": "2026-05-01T00:01:00+00:00", "to": "2026-05-01T00:03:00+00:00"}
    both = {"datastreams": [one.id, other.id]}
    assert audited(world) == [
        ("observation.delete", one.id, {**times, "reason": "wrong", "rows": 2}),
        ("observation.delete.done", one.id, {**times, "rows": 2}),
        ("observation.delete", None, {**both, **times, "reason": "센서 고장", "rows": 2}),
        ("observation.delete.done", None, {**both, **times, "rows": 2}),
    ]
    assert told(world) == [one.id, one.id, other.id]


def test_where_there_is_nothing_nothing_is_audited(world: World) -> None:
    one = world.stream()
    assert delete(world, one.id).json["rows"] == 0
    assert audited(world) == []


def test_readings_get_another_quality_and_keep_their_values(world: World) -> None:
    one = world.stream()
    world.write(one, [1, 2, 3, 4])
    assert requalify(world, one.id, "suspect").json["rows"] == 2
    assert shown(world, one.id) == [
        ("09:00", 1.0, "good"), ("09:01", 2.0, "suspect"), ("09:02", 3.0, "suspect"), ("09:03", 4.0, "good"),
    ]  # fmt: skip
    assert requalify(world, one.id, "suspect").json["rows"] == 0
    (asked, _) = audited(world)
    assert asked[2]["quality"] == "suspect"
    assert asked[2]["only"] == "any"


def mixed(world: World) -> Any:
    """A Datastream with a reading of each quality that has a number, and one without."""
    one = world.stream()
    start = world.clock.micros()
    values = [1, 2, 3, None, None]
    rows = [reading(one.id, start + i * MINUTE, value, [0, 1, 2, 5, 5][i]) for i, value in enumerate(values)]
    rows[4]["quality"] = 3
    world.services.store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    return one


ALL = "from=2026-05-01T09:00&to=2026-05-01T10:00"


def test_some_qualities_alone_can_be_meant(world: World) -> None:
    one = mixed(world)
    assert requalify(world, one.id, "maintenance", ALL + "&quality=good,suspect&dry_run=true").json["rows"] == 2
    assert requalify(world, one.id, "maintenance", ALL + "&quality=good,suspect").json["rows"] == 2
    assert [quality for _, _, quality in shown(world, one.id)] == [
        "maintenance", "estimated", "maintenance", "missing", "maintenance",
    ]  # fmt: skip


def test_what_has_no_value_is_not_declared_good_and_a_dry_run_knows_it(world: World) -> None:
    one = mixed(world)
    for dry_run in ("true", "false"):
        assert requalify(world, one.id, "good", f"{ALL}&dry_run={dry_run}").json["rows"] == 2
    assert [quality for _, _, quality in shown(world, one.id)] == ["good", "good", "good", "missing", "maintenance"]


def test_nothing_is_declared_missing(world: World) -> None:
    one = mixed(world)
    problem(requalify(world, one.id, "missing", ALL), 422, "bad_quality", field="quality", found="missing")
    assert audited(world) == []


def test_the_answer_of_a_read_changes_with_a_correction(world: World) -> None:
    one = world.stream()
    world.write(one, [1, 2, 3])
    path = f"/datastreams/{one.id}/observations"
    etag = world.get(path).headers["ETag"]
    requalify(world, one.id, "suspect")
    answer = world.get(path, headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert answer.headers["ETag"] != etag


@pytest.mark.parametrize(
    ("span", "code", "field"),
    [
        ("to=2026-05-02", "required", "from"),
        ("from=2026-05-01", "required", "to"),
        ("from=2026-05-01&to=2026-05-01", "bad_range", "from"),
        ("from=2026-05-02&to=2026-05-01", "range_reversed", "from"),
        ("from=then&to=2026-05-01", "bad_time", "from"),
    ],
)
def test_a_range_has_two_ends_and_something_between(world: World, span: str, code: str, field: str) -> None:
    one = world.stream()
    problem(delete(world, one.id, span), 422, code, field=field)
    problem(requalify(world, one.id, "suspect", span), 422, code, field=field)


@pytest.mark.parametrize("reason", ["", "&reason=", "&reason=%20"])
def test_a_correction_has_a_reason(world: World, reason: str) -> None:
    one = world.stream()
    assert delete(world, one.id, more=reason).status_code == 422
    assert world.call("DELETE", f"/observations?{RANGE}&reason=x", "publisher").json["field"] == "datastream"


def test_a_deletion_is_of_every_quality(world: World) -> None:
    problem(delete(world, world.stream().id, more="&reason=x&quality=good"), 422, "unknown_parameter", field="quality")


@pytest.mark.parametrize(
    ("who", "public", "status"),
    [
        (None, True, 401), ("viewer", True, 403), ("other", True, 403), ("operator", True, 403), ("auditor", True, 403),
        (None, False, 404), ("viewer", False, 404), ("other", False, 404), ("operator", False, 404),
        ("owner", True, 200), ("publisher", False, 200),
    ],
)  # fmt: skip
def test_readings_are_corrected_by_their_owner_alone(world: World, who: str | None, public: bool, status: int) -> None:
    one = world.stream(public=public)
    world.write(one, [1, 2, 3])
    assert requalify(world, one.id, "suspect", who=who).status_code == status
    assert delete(world, one.id, who=who).status_code == status
    assert len(shown(world, one.id)) == (1 if status == 200 else 3)


def test_one_that_may_not_be_corrected_keeps_all_as_they_are(world: World) -> None:
    one = world.stream()
    world.write(one, [1, 2, 3])
    problem(delete(world, f"{one.id},999999"), 404, "not_found", found=999999)
    assert len(shown(world, one.id)) == 3


def bounded(world: World, **changed: Any) -> None:
    """Corrections with other settings or another store."""
    store = changed.pop("store", world.services.store)
    settings = replace(world.services.settings, **changed)
    corrections = Corrections(world.database, world.clock, settings, store)
    world.app.extensions[EXTENSION] = replace(world.services, corrections=corrections)


def test_both_bounds_name_their_setting(world: World) -> None:
    one, other = world.stream(name="a"), world.stream(name="b")
    for each in (one, other):
        world.write(each, [1, 2, 3])
    bounded(world, correction_datastreams=1)
    both = f"{one.id},{other.id}"
    problem(delete(world, both), 413, "too_large", field="datastream", expected="GOPS_CORRECTION_DATASTREAMS")
    bounded(world, correction_rows=3)
    problem(delete(world, both), 413, "too_large", field="from", found=4, expected="GOPS_CORRECTION_ROWS")
    problem(requalify(world, both, "good"), 413, "too_large", found=4)
    assert delete(world, one.id).json["rows"] == 2


class AppendOnly:
    def __init__(self, store: Any) -> None:
        self.capabilities = replace(store.capabilities, deletes_range=False)


def test_a_store_that_keeps_everything_says_what_it_lacks(world: World) -> None:
    one = world.stream()
    bounded(world, store=AppendOnly(world.services.store))
    problem(delete(world, one.id), 501, "unsupported", field="deletes_range")
    problem(requalify(world, one.id, "suspect", RANGE + "&dry_run=true"), 501, "unsupported", field="deletes_range")


def test_a_failure_of_the_store_leaves_what_was_asked_in_the_audit(world: World) -> None:
    one = world.stream()
    world.write(one, [1, 2, 3])

    class Broken:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.services.store, name)

        def delete(self, *_: Any) -> int:
            raise Unavailable("the disk is full", code="store_write")

    bounded(world, store=Broken())
    problem(delete(world, one.id), 503, "store_write")
    assert [action for action, _, _ in audited(world)] == ["observation.delete"]
    assert told(world) == []
