"""Parts of InfluxDB's store that need no server: what is remembered, lines, shards."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from gops.clock import DAY, HOUR, to_micros
from gops.store.influx.about import About
from gops.store.influx.commits import _runs
from gops.store.influx.heads import Head, Heads
from gops.store.influx.lines import bodies, reading_lines
from gops.store.influx.reads import Span, _grouped
from tests.contracts.store.rows import batch, reading


def test_a_version_never_falls_when_its_datastream_is_forgotten() -> None:
    """Only so many are listed; of the others no more is known than of the one that left last."""
    heads = Heads(floor=100, known=2)
    for one in (1, 2, 3, 4):
        heads.begin([one])
        heads.finish({}, [one])
    assert [heads.version([one]) for one in (1, 2, 3, 4, 5)] == [102, 102, 103, 104, 102]
    assert heads.version([1, 3]) == 103
    assert heads.version([]) == 102


def test_only_so_many_heads_are_kept_and_those_used_last() -> None:
    heads = Heads(floor=0, known=2)
    heads.finish({1: Head(last=1), 2: Head(last=2)}, [])
    heads.get([1])
    heads.finish({3: Head(last=3)}, [])
    assert set(heads.get([1, 2, 3])) == {1, 3}


def test_an_answer_that_crossed_a_write_is_not_learnt() -> None:
    heads = Heads(floor=0)
    heads.begin([1])
    with heads.watch() as watch:
        heads.finish({}, [1])
        heads.begin([2])
        heads.learn(watch, {one: Head(last=5) for one in (1, 2, 3)})
        heads.finish({}, [2])
    assert set(heads.get([1, 2, 3])) == {3}
    with heads.watch() as watch:
        heads.learn(watch, {2: Head(last=7)})
    assert heads.get([2])[2].last == 7


def test_a_line_has_every_field() -> None:
    rows = [
        reading(1, -5, 0.1 + 0.2, quality=2, result_time=7),
        reading(2, 3, text='주차 "1\\2" \n'),
        reading(3, 4),
    ]
    none = -(2**63)
    assert reading_lines(batch(rows)).to_pylist() == [
        'reading,datastream=1 v=0.30000000000000004,has=1i,s="",q=2i,r=7i -5',
        f'reading,datastream=2 v=0,has=2i,s="주차 \\"1\\\\2\\" \n",q=0i,r={none}i 3',
        f'reading,datastream=3 v=0,has=0i,s="",q=0i,r={none}i 4',
    ]


@pytest.mark.parametrize("part_bytes", [1, 70, 100, 10_000])
def test_bodies_are_bounded_and_hold_every_line_once(part_bytes: int) -> None:
    lines = reading_lines(batch([reading(1, 10**t, text="가" * t) for t in range(12)]))
    parts = list(bodies(lines, part_bytes))
    assert b"\n".join(parts).decode() == "\n".join(lines.to_pylist())
    assert all(len(part) <= part_bytes or part.count(b"\n") == 0 for part in parts)
    assert list(bodies(lines.slice(0, 0))) == []


def test_a_shard_begins_where_the_server_says() -> None:
    """influxd 1.6.7, SHOW SHARD GROUPS: 1968-11-25 to 1968-12-02 and 2026-11-16 to 2026-11-23, Mondays."""
    about = About("1.6.7", 1, 7 * DAY)
    for inside, start in (
        (datetime(1968, 11, 27, 9, tzinfo=UTC), datetime(1968, 11, 25, tzinfo=UTC)),
        (datetime(2026, 11, 21, 15, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)),
        (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)),
    ):
        assert about.shard_of(to_micros(inside)) == (to_micros(start), to_micros(start) + 7 * DAY - 1)
    assert About("3.0", 3, None).shard_of(HOUR) is None


def test_a_question_asks_for_ids_of_as_many_digits_and_one_range() -> None:
    spans = [Span(one, 0, 9) for one in (8, 9, 10, 11)] + [Span(12, 0, 10)]
    assert [[span.datastream for span in part] for part in _grouped(spans, widening=False)] == [[8, 9], [10, 11], [12]]
    many = [Span(one, 0, 9) for one in range(1000, 1030)]
    assert [len(part) for part in _grouped(many, widening=True)] == [1, 4, 16, 9]


def test_deletes_are_of_what_lies_between_new_rows() -> None:
    stood, new = np.array([1, 2, 3, 5, 6, 9]), np.array([2, 4, 9])
    assert list(_runs(stood, new)) == [(1, 1), (3, 3), (5, 6)]
    assert list(_runs(stood, np.array([], np.int64))) == [(1, 9)]
    assert list(_runs(np.array([2, 4]), new)) == []
