"""Readings over HTTP: rows, pages, windows, CSV, ETags."""

from __future__ import annotations

from tests.api.conftest import World


def test_rows_come_in_the_order_of_time_with_the_offset_of_the_zone(world: World) -> None:
    stream = world.stream()
    first, second = world.write(stream, [21.5, 22])
    body = world.get(f"/datastreams/{stream.id}/observations").json
    assert body["zone"] == "Asia/Seoul"
    assert body["observations"] == [
        {
            "id": f"{stream.id}_{first}", "datastream": stream.id, "time": "2026-05-01T09:00:00+09:00",
            "value": 21.5, "quality": "good", "result_time": None,
        },
        {
            "id": f"{stream.id}_{second}", "datastream": stream.id, "time": "2026-05-01T09:01:00+09:00",
            "value": 22.0, "quality": "good", "result_time": None,
        },
    ]  # fmt: skip
    assert body["next"] is None
