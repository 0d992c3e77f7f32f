"""``gops import``: parts of files, what is told of them, and going on after being cut off. GOPS is played by a fake."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gops.errors import Conflict, Invalid, Unavailable
from gops.ingest.push.importing import COUNTED, Import, Importer, Journal
from gops.ingest.push.parts import format_of, parts
from gops.outbound.client import Answer, Call

ROW = "1,2026-02-27T10:20:00+09:00,{}\n"


class Server:
    """Answers as GOPS does, a row for each line; ``fails`` says what to do before."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.fails: dict[int, Any] = {}

    def fetch(self, call: Call) -> Answer:
        self.calls.append(call)
        trouble = self.fails.pop(len(self.calls), None)
        if isinstance(trouble, BaseException):
            raise trouble
        if trouble is not None:
            return Answer(trouble, {}, json.dumps({"code": "too_many_pushes", "detail": "later"}).encode(), call.url)
        rows = (call.body or b"").splitlines()[1:]
        bad = [{"place": f"line {n}", "field": "value", "code": "wrong_type", "note": ""}
               for n, row in enumerate(rows, 2) if row.endswith(b"x")]  # fmt: skip
        counts = dict.fromkeys(COUNTED, 0) | {"accepted": len(rows) - len(bad), "inserted": len(rows) - len(bad)}
        body = {
            **counts,
            "refused": len(bad),
            "refusals": bad,
            "refused_by_code": {"wrong_type": len(bad)} if bad else {},
        }
        return Answer(200, {}, json.dumps(body).encode(), call.url)


def csv_file(tmp_path: Path, rows: int = 100, bad: int | None = None) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text("datastream,time,value\n" + "".join(ROW.format("x" if n == bad else n) for n in range(rows)))
    return file


def importer(file: Path, server: Server, tmp_path: Path, **options: Any) -> Importer:
    wanted = Import(file, "csv", "http://gops.example/api/v1", "secret", {"mode": "keep"}, part_bytes=1000)
    journal = Journal(tmp_path / "state", wanted.identity)
    return Importer(wanted, journal, sleep=lambda _s: None, outbound=server, **options)  # type: ignore[arg-type]


def test_a_file_goes_in_parts_each_with_the_header_and_a_key_of_its_own(tmp_path: Path) -> None:
    server, file = Server(), csv_file(tmp_path)
    done = importer(file, server, tmp_path).run()
    assert (done.counts["inserted"], done.counts["refused"], done.parts) == (100, 0, len(server.calls))
    assert len(server.calls) > 3
    assert all((call.body or b"").startswith(b"datastream,time,value\n") for call in server.calls)
    assert len({call.headers["Idempotency-Key"] for call in server.calls}) == len(server.calls)
    assert "secret" not in repr(server.calls[0])
    assert list((tmp_path / "state").iterdir()) == []


def test_a_refused_row_is_told_with_its_place_in_the_file(tmp_path: Path) -> None:
    told = io.StringIO()
    file = csv_file(tmp_path, bad=77)
    done = importer(file, Server(), tmp_path, refused=told).run()
    (row,) = map(json.loads, told.getvalue().splitlines())
    assert (row["place"], row["row"]) == ("line 79", ROW.format("x").strip())
    assert file.read_text().splitlines()[78] == row["row"]
    assert done.counts["refused"] == 1


def test_a_part_without_an_answer_is_sent_again_under_its_key(tmp_path: Path) -> None:
    """Also one that GOPS has no room for at the moment; another import of the file has other keys."""
    server, file = Server(), csv_file(tmp_path)
    server.fails = {2: Unavailable("away"), 3: 503}
    done = importer(file, server, tmp_path).run()
    keys = [call.headers["Idempotency-Key"] for call in server.calls]
    assert keys[1] == keys[2] == keys[3] != keys[0]
    assert done.counts["inserted"] == 100
    other = Server()
    importer(file, other, tmp_path).run()
    assert keys[0] != other.calls[0].headers["Idempotency-Key"]


def test_what_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    """With the same key for the part that was on its way; of another file it begins anew."""
    server, file = Server(), csv_file(tmp_path)
    server.fails = {3: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        importer(file, server, tmp_path).run()
    cut_off = server.calls[2].headers["Idempotency-Key"]
    done = importer(file, server, tmp_path).run()
    assert server.calls[3].headers["Idempotency-Key"] == cut_off
    assert done.counts["inserted"] == 100


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    file = csv_file(tmp_path)
    grows = importer(file, Server(), tmp_path, on_progress=lambda _p: os.utime(file, (0, 0)))
    with pytest.raises(Conflict, match="changed"):
        grows.run()


def test_it_gives_up_when_gops_stays_away(tmp_path: Path) -> None:
    server = Server()
    server.fails = dict.fromkeys(range(1, 99), Unavailable("away"))
    with pytest.raises(Unavailable, match="away"):
        importer(csv_file(tmp_path), server, tmp_path).run()


def test_parts_of_every_format(tmp_path: Path) -> None:
    """Whole rows each, in order; packed files too."""
    lines = [json.dumps({"n": n}) for n in range(500)]
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (tmp_path / "a.json").write_text("[" + ",\n".join(lines) + "]")
    pq.write_table(pa.table({"n": range(500)}), tmp_path / "a.parquet")
    for name in ("a.ndjson.gz", "a.json"):
        found = list(parts(tmp_path / name, format_of(tmp_path / name), 1000))
        rows = [row for part in found for row in part.body.decode().split("\n") if row]
        assert rows == lines
        assert found[-1].raw(500) == lines[-1]
    (part,) = parts(tmp_path / "a.parquet", format_of(tmp_path / "a.parquet"))
    assert pq.read_table(io.BytesIO(part.body)).num_rows == 500
    with pytest.raises(Invalid):
        format_of(tmp_path / "a.xlsx")
