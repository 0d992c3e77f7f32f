"""Replay: everything arrives, in mode keep, is confirmed, and is sent again when it is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from gops.clock import FixedClock, to_micros
from gops.errors import Invalid, Unavailable
from gops.ingest.csv_mapping import parse
from gops.ingest.csv_rows import CsvFile
from gops.ingest.decoders import Frame, decode
from gops.ingest.replay import Options, Progress, Replay, Replayed, parse_shift

MAPPING = '[time]\ncolumn = "time"\nformat = "iso"\n[numbers]\n"pm10" = "pm10"\n"pm25" = "pm25"\n'
SEOUL = ZoneInfo("Asia/Seoul")


@dataclass
class FakeGops:
    """A broker and a GOPS in one: decodes, keeps what stands, answers after ``lose`` receipts got lost."""

    lose: int = 0
    later: bool = False
    name: str = "seoul/bikes"
    rows: dict[tuple[str, int | None], Any] = field(default_factory=dict)
    payloads: list[bytes] = field(default_factory=list)
    heard: Callable[[str, bytes], None] = lambda topic, payload: None
    answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer

    def publish(self, payload: bytes) -> None:
        self.payloads.append(payload)
        got = decode("json", payload, Frame())
        assert got.refusals == []
        assert got.keep
        counts = {"inserted": 0, "replaced": 0, "unchanged": 0, "kept": 0, "refused": 0}
        for name, at, value in zip(got.fields, got.times, got.values, strict=True):
            stands = self.rows.setdefault((name, at), value)
            fresh = stands is value
            counts["inserted" if fresh else "unchanged" if stands == value else "kept"] += 1
        for receipt in got.receipts:
            if self.lose:
                self.lose -= 1
            else:
                self._say(orjson.dumps(self.answer({"receipt": receipt, **counts})))

    def _say(self, answer: bytes) -> None:
        topic = f"gops/v1/{self.name}/down/receipt"
        if self.later:
            threading.Timer(0.01, self.heard, (topic, answer)).start()
        else:
            self.heard(topic, answer)

    def flush(self, timeout_s: float) -> None:
        pass


@pytest.fixture
def file(tmp_path: Path) -> CsvFile:
    """250 minutes of two columns; one cell is bad."""
    lines = [f"2024-01-01T{n // 60:02}:{n % 60:02}:00+09:00,{n},{n / 2}\n" for n in range(250)]
    lines[7] = "2024-01-01T00:07:00+09:00,bad,3.5\n"
    path = tmp_path / "air.csv"
    path.write_text("time,pm10,pm25\n" + "".join(lines))
    return CsvFile(path, parse(MAPPING))


def replay(file: CsvFile, gops: FakeGops, **options: Any) -> Replayed:
    one = Replay(file, Options(**options))
    gops.heard = one.heard
    return one.run(gops)


def counts(done: Replayed) -> dict[str, int | None]:
    return {word: count for word, count in done.counts.items() if count}


def test_every_reading_arrives_once_and_is_counted(file: CsvFile) -> None:
    gops = FakeGops()
    done = replay(file, gops)
    assert len(gops.rows) == 499
    assert counts(done) == {"inserted": 499}
    assert (done.rows, done.readings, done.messages, done.repeated) == (250, 499, 3, 0)
    assert [str(one) for one in done.problems] == ["line 9, column 'pm10': found 'bad', expected a number"]
    assert gops.rows["pm10", to_micros(datetime(2023, 12, 31, 15, tzinfo=UTC))] == 0.0


def test_a_second_replay_adds_nothing(file: CsvFile) -> None:
    gops = FakeGops()
    replay(file, gops)
    assert counts(replay(file, gops)) == {"unchanged": 499}
    assert len(gops.rows) == 499


def test_a_correction_stays(file: CsvFile) -> None:
    gops = FakeGops()
    replay(file, gops)
    corrected = next(iter(gops.rows))
    gops.rows[corrected] = 99.0
    assert counts(replay(file, gops)) == {"unchanged": 498, "kept": 1}
    assert gops.rows[corrected] == 99.0


def test_times_can_be_shifted_so_that_the_last_row_lies_where_wanted(file: CsvFile) -> None:
    gops = FakeGops()
    now = to_micros(datetime(2026, 7, 5, 5, 20, 0, 123457, tzinfo=UTC))
    done = replay(file, gops, shift_to=now)
    times = sorted({at for _field, at in gops.rows if at is not None})
    assert (times[0], times[-1]) == (now - 249 * 60_000_000, now)
    assert (done.first, done.last) == (times[0], times[-1])


@pytest.mark.parametrize(
    ("options", "messages"),
    [({"rows": 10}, 25), ({"rows": 1000}, 1), ({"readings": 20, "rows": 1000}, 25), ({"message_bytes": 1000}, 14)],
)
def test_messages_are_bounded_in_rows_readings_and_bytes(file: CsvFile, options: dict[str, int], messages: int) -> None:
    gops = FakeGops()
    assert replay(file, gops, **options).messages == pytest.approx(messages, abs=1)
    assert len(gops.rows) == 499
    assert max(map(len, gops.payloads)) < options.get("message_bytes", 65_536) + 200


def test_at_most_a_window_of_messages_waits_for_receipts(file: CsvFile) -> None:
    gops = FakeGops(later=True)
    most = 0

    class Counting(Replay):
        def _send(self, *arguments: Any) -> None:
            nonlocal most
            super()._send(*arguments)
            most = max(most, len(self._waiting))

    one = Counting(file, Options(rows=5, window=4))
    gops.heard = one.heard
    assert counts(one.run(gops)) == {"inserted": 499}
    assert most == 4


def test_a_message_whose_receipt_got_lost_is_sent_again(file: CsvFile) -> None:
    gops = FakeGops(lose=2)
    done = replay(file, gops, receipt_s=0.02)
    assert done.repeated == 2
    assert len(gops.rows) == 499
    assert sum(count or 0 for count in done.counts.values()) == 499


def test_receipts_that_stay_away_end_it_with_their_topic(file: CsvFile) -> None:
    gops = FakeGops(lose=10_000)
    with pytest.raises(Unavailable, match=r"no receipt for 100 rows within 0\.01 s, sent 3 times") as caught:
        replay(file, gops, receipt_s=0.01)
    assert caught.value.code == "no_receipt"
    assert "gops/v1/seoul/bikes/down/receipt" in str(caught.value.expected)
    assert len(gops.payloads) == 3 * 3


def test_without_receipts_nothing_is_waited_for_and_nothing_counted(file: CsvFile) -> None:
    gops = FakeGops(lose=10_000)
    done = replay(file, gops, receipts=False)
    assert set(done.counts.values()) == {None}
    assert len(gops.rows) == 499
    assert b"receipt" not in b"".join(gops.payloads)


def test_a_count_that_the_store_cannot_tell_is_none(file: CsvFile) -> None:
    gops = FakeGops(answer=lambda answer: {**answer, "inserted": None})
    done = replay(file, gops)
    assert done.counts == {"inserted": None, "replaced": 0, "unchanged": 0, "kept": 0, "refused": 0}


def test_what_gops_refuses_is_told_once_a_reason(file: CsvFile) -> None:
    one = Replay(file)
    gops = FakeGops()

    def heard(topic: str, payload: bytes) -> None:
        reason = {"code": "unknown_field", "field": "pm10", "place": "x", "note": "no mapping"}
        one.heard("gops/v1/seoul/bikes/down/refused", orjson.dumps({"refused": [reason, reason], "total": 2}))
        one.heard(topic, payload)

    gops.heard = heard
    assert one.run(gops).reasons == (("unknown_field", "pm10", "no mapping"),)


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"[]", b"{}", b'{"receipt":5}', b'{"refused":5}', b'{"refused":[5]}']
)
def test_answers_that_make_no_sense_are_left_alone(file: CsvFile, payload: bytes) -> None:
    one = Replay(file)
    for kind in ("receipt", "refused", "other"):
        one.heard(f"gops/v1/seoul/bikes/down/{kind}", payload)


def test_progress_goes_from_nothing_to_all(file: CsvFile) -> None:
    seen: list[Progress] = []
    one = Replay(file, Options(rows=50), seen.append)
    gops = FakeGops()
    gops.heard = one.heard
    one.run(gops)
    assert {step.total for step in seen} == {250}
    assert seen[-1] == Progress(250, 250, 250)
    assert [step.confirmed for step in seen] == sorted(step.confirmed for step in seen)


def test_a_file_that_does_not_fit_its_mapping_sends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("time,pm10\n2024-01-01T00:00Z,1\n")
    gops = FakeGops()
    with pytest.raises(Invalid):
        replay(CsvFile(path, parse(MAPPING)), gops)
    assert gops.payloads == []


def test_a_file_without_rows_sends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("time,pm10,pm25\n")
    gops = FakeGops()
    assert replay(CsvFile(path, parse(MAPPING)), gops, shift_to=5).rows == 0
    assert gops.payloads == []


def test_the_time_to_shift_to_is_now_or_a_time_of_the_zone(clock: FixedClock) -> None:
    assert parse_shift("now", clock, SEOUL) == clock.micros()
    assert parse_shift("2026-07-05T14:20", clock, SEOUL) == to_micros(datetime(2026, 7, 5, 5, 20, tzinfo=UTC))
    with pytest.raises(Invalid) as caught:
        parse_shift("tomorrow", clock, SEOUL)
    assert caught.value.field == "shift_to"
