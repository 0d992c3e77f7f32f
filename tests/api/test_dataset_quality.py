"""The quality of a dataset over HTTP: points with reasons, and readings as others see them."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import MINUTE, World, problem
from tests.api.test_datasets import draft, private, published

HOUR = 60 * MINUTE


def regular(world: World, hours: int) -> Any:
    """A Datastream of an hour's period, with readings of the last so many hours."""
    stream = world.stream(public=False, name=f"air-{hours}", period="PT1H")
    world.write(stream, [1.0] * hours, start=world.clock.micros() - hours * HOUR, step=HOUR)
    return stream


def test_points_are_counted_and_missing_ones_say_how(world: World) -> None:
    published(world, regular(world, 24))
    found = world.get("/datasets/air/quality").json
    assert found["of"] == 405
    assert found["points"] == sum(one["points"] for one in found["metrics"])
    assert found["points"] == sum(one["points"] for one in found["dimensions"])
    assert found["grade"] == "excellent"
    missing = {one["key"] for one in found["metrics"] if one["points"] < one["of"]}
    assert missing == {"spatialAvailability", "knownLicence", "byteSizeAvailability"}
    for one in found["metrics"]:
        assert (one["how_ko"] is None) is (one["how_en"] is None) is (one["points"] == one["of"])


def test_readings_are_timely_and_complete_or_not(world: World) -> None:
    published(world, regular(world, 24))
    found = world.get("/datasets/air/quality").json
    assert (found["timeliness"]["share"], found["completeness"]["share"]) == (1.0, 1.0)
    world.clock.move(hours=24)
    found = world.get("/datasets/air/quality").json
    assert (found["timeliness"]["share"], found["completeness"]["share"]) == (0.0, 0.5)
    assert found["timeliness"]["how_ko"]
    assert found["completeness"]["how_en"]


def test_a_delay_is_no_lateness(world: World) -> None:
    """What others see later on purpose is measured by when they may see it."""
    published(world, regular(world, 24))
    world.call("PATCH", "/datasets/air", "publisher", json={"delay": "PT12H"})
    assert world.get("/datasets/air/quality").json["timeliness"]["share"] == 1.0


def test_only_what_is_public_has_a_quality(world: World) -> None:
    draft(world, private(world))
    problem(world.get("/datasets/air/quality"), 404, "not_found")
    problem(world.get("/datasets/air/quality", "publisher"), 404, "not_found")
    world.post("/datasets/air/publish", "publisher")
    assert world.get("/datasets/air/quality").json["timeliness"]["share"] == 0.0
    world.post("/datasets/air/withdraw", "publisher", {"reason": "x"})
    problem(world.get("/datasets/air/quality"), 410, "withdrawn")


def test_an_unchanged_quality_is_not_sent_again(world: World) -> None:
    published(world, regular(world, 3))
    etag = world.get("/datasets/air/quality").headers["ETag"]
    assert world.get("/datasets/air/quality", headers={"If-None-Match": etag}).status_code == 304
