"""What was used: counted by day, kind and dataset, added up for everybody, and nothing of who asked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import inspect

from gops.errors import Unavailable
from gops.usage.model import UsageCount
from tests.api.conftest import World, problem
from tests.api.test_datasets import COMPLETE


def published(world: World, slug: str, is_public: bool = True) -> None:
    stream = world.stream(public=False, name=slug)
    world.write(stream, range(3))
    body = {"organisation": "suwon", "slug": slug, "datastreams": [stream.id], **COMPLETE}
    assert world.post("/datasets", "publisher", body).status_code == 201
    if is_public:
        answer = world.post(f"/datasets/{slug}/publish", "publisher")
        assert answer.status_code == 200, answer.text


def sums(world: World, query: str = "", who: str | None = None) -> dict[str, tuple[int, int]]:
    world.services.usage.flush()
    answer = world.get(f"/usage{query}", who)
    assert answer.status_code == 200, answer.text
    return {one["name"]: (one["requests"], one["rows"]) for one in answer.json["items"]}


def test_downloads_queries_and_rows_are_counted(world: World) -> None:
    published(world, "air")
    world.get("/datasets/air/data?limit=2")
    world.get("/datasets/air/data?format=csv")
    world.get("/datasets/air/latest")
    world.get("/datasets/air")
    assert sums(world, "?by=kind") == {"download": (1, 3), "query": (2, 3), "metadata": (1, 0)}
    assert sums(world, "?by=dataset&kind=download") == {"air": (1, 3)}
    assert sums(world, "?by=publisher") == {"suwon": (4, 6)}
    assert sums(world, "?by=day") == {"2026-05-01": (4, 6)}


def test_what_gives_nothing_counts_for_nothing(world: World) -> None:
    published(world, "air")
    first = world.get("/datasets/air/data")
    world.get("/datasets/air/data", headers={"If-None-Match": first.headers["ETag"]})
    world.call("HEAD", "/datasets/air/data?format=csv")
    world.get("/datasets/nothing/data")
    assert sums(world, "?by=kind") == {"query": (1, 3)}


def test_readings_by_datastream_count_as_of_no_dataset(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(3))
    world.get(f"/datastreams/{stream.id}/observations?limit=2")
    world.get(f"/datastreams/{stream.id}/observations?format=csv")
    assert sums(world, "?by=kind") == {"download": (1, 3), "query": (1, 2)}
    assert sums(world, "?by=dataset") == {}


def test_drafts_are_counted_for_their_publisher_alone(world: World) -> None:
    published(world, "air")
    published(world, "draft", is_public=False)
    for slug in ("air", "air", "draft"):
        world.get(f"/datasets/{slug}/data", "publisher")
    assert sums(world, "?by=dataset") == {"air": (2, 6)}
    assert sums(world, "?by=dataset", "other") == {"air": (2, 6)}
    assert list(sums(world, "?by=dataset", "publisher").items()) == [("air", (2, 6)), ("draft", (1, 3))]
    assert sums(world, "?by=kind&publisher=seongnam", "publisher") == {}
    assert sums(world, "?by=kind&dataset=draft") == {}


def test_days_are_of_the_zone_and_a_span_is_bounded(world: World) -> None:
    published(world, "air")
    world.get("/datasets/air/data")
    world.clock.move(days=1)
    world.get("/datasets/air/data")
    assert list(sums(world)) == ["2026-05-01", "2026-05-02"]
    assert list(sums(world, "?from=2026-05-02&to=2026-05-03")) == ["2026-05-02"]
    problem(world.get("/usage?from=2024-01-01&to=2026-01-01"), 422, "invalid_value", field="from")
    problem(world.get("/usage?from=2026-01-02&to=2026-01-01"), 422, "invalid_value", field="from")
    problem(world.get("/usage?publisher=nobody"), 404, "not_found")


def test_old_days_are_forgotten(world: World) -> None:
    published(world, "air")
    world.get("/datasets/air/data")
    world.services.usage.flush()
    world.clock.move(days=world.services.settings.usage_days + 1)
    world.services.usage.forget_old()
    with world.database.read() as session:
        assert session.query(UsageCount).count() == 0


def test_no_column_says_who_asked() -> None:
    assert {column.key for column in inspect(UsageCount).columns} == {"day", "kind", "dataset_id", "requests", "rows"}


def test_what_cannot_be_written_now_is_written_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tally = world.services.usage.tally
    tally.note("query", rows=2)

    def away(_due: Any) -> None:
        raise Unavailable("the records are away")

    with monkeypatch.context() as patch:
        patch.setattr(tally, "_write", away)
        with pytest.raises(Unavailable):
            tally.flush()
    tally.note("query", rows=1)
    assert sums(world, "?by=kind") == {"query": (2, 3)}


def test_a_download_that_is_left_counts_the_rows_that_it_gave(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(3))
    answer = world.get(f"/datastreams/{stream.id}/observations?format=csv", buffered=False)
    answer.close()
    found = sums(world, "?by=kind")["download"]
    assert found[0] == 1
    assert found[1] <= 3
