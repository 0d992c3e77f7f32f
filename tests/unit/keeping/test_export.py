"""Exports: every reading once, in the file of its month, as any tool reads it."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from gops.clock import to_micros
from gops.errors import Invalid, NotFound
from gops.keeping.export import Asked, export
from gops.keeping.service import Keeping
from gops.keeping.writing import appearing
from gops.quality import Quality
from gops.store.memory import MemoryStore
from tests.contracts.store.rows import batch, reading

SEOUL = ZoneInfo("Asia/Seoul")
ABOUT = {1: {"name": 'the "first", 가'}, 2: {"name": "second"}, 3: {"name": "without readings"}}


def at(*parts: int) -> int:
    return to_micros(datetime(*parts, tzinfo=SEOUL))  # type: ignore[arg-type, misc]


APRIL, MAY, JULY = at(2026, 4, 30, 23, 59, 59), at(2026, 5, 1), at(2026, 7, 9, 12)


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    rows = [
        reading(1, APRIL, 0.1),
        reading(1, MAY, 2.5, quality=Quality.suspect, result_time=MAY + 1),
        reading(1, JULY, None, quality=Quality.missing),
        reading(2, MAY, None, text='open, "wide"'),
        reading(2, MAY + 1, None, text=""),
    ]
    made.write(batch(rows), "replace")
    return made


def run(store: MemoryStore, folder: Path, **asked: object) -> dict[str, int]:
    """Rows by file."""
    form = str(asked.pop("form", "parquet"))
    question = Asked(form, asked.pop("start", None), asked.pop("end", None))  # type: ignore[arg-type]
    made = export(store, folder, ABOUT, question, SEOUL, lambda _done, _of: None)
    for file in made["files"]:
        assert file["sha256"] == sha256((folder / file["name"]).read_bytes()).hexdigest()
    assert sorted(path.name for path in folder.iterdir()) == sorted(file["name"] for file in made["files"])
    return {file["name"]: file["rows"] for file in made["files"]}


def test_each_local_month_is_a_file(store: MemoryStore, tmp_path: Path) -> None:
    """June has no readings and no file."""
    assert run(store, tmp_path / "out") == {
        "readings-2026-04.parquet": 1,
        "readings-2026-05.parquet": 3,
        "readings-2026-07.parquet": 1,
        "datastreams.csv": 2,
    }


def test_parquet_holds_the_readings_as_they_are(store: MemoryStore, tmp_path: Path) -> None:
    run(store, tmp_path)
    rows = pq.read_table(tmp_path / "readings-2026-05.parquet").to_pylist()
    moment = datetime(2026, 5, 1, tzinfo=SEOUL)
    assert [(one["datastream"], one["value"], one["text"], one["quality"]) for one in rows] == [
        (1, 2.5, None, "suspect"),
        (2, None, 'open, "wide"', "good"),
        (2, None, "", "good"),
    ]
    assert rows[0]["time"] == moment
    assert to_micros(rows[0]["result_time"]) == MAY + 1


def test_csv_tells_an_empty_text_from_none(store: MemoryStore, tmp_path: Path) -> None:
    run(store, tmp_path, form="csv")
    lines = (tmp_path / "readings-2026-05.csv").read_text().splitlines()
    assert lines == [
        "datastream,time,value,text,quality,result_time",
        '1,"2026-05-01T00:00:00+09:00",2.5,,"suspect","2026-05-01T00:00:00.000001+09:00"',
        '2,"2026-05-01T00:00:00+09:00",,"open, ""wide""","good",',
        '2,"2026-05-01T00:00:00.000001+09:00",,"","good",',
    ]


def test_the_datastreams_are_described(store: MemoryStore, tmp_path: Path) -> None:
    run(store, tmp_path)
    with (tmp_path / "datastreams.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(one["datastream"], one["name"], one["rows"]) for one in rows] == [
        ("1", 'the "first", 가', "3"),
        ("2", "second", "2"),
    ]
    assert rows[1]["last"] == "2026-05-01T00:00:00.000001+09:00"


def test_a_range_is_half_open(store: MemoryStore, tmp_path: Path) -> None:
    assert run(store, tmp_path / "a", start=MAY, end=MAY + 1) == {"readings-2026-05.parquet": 2, "datastreams.csv": 2}
    assert run(store, tmp_path / "b", start=JULY + 1) == {"datastreams.csv": 2}


def test_a_folder_with_something_in_it_is_refused(store: MemoryStore, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(Invalid) as caught:
        run(store, tmp_path)
    assert (caught.value.code, caught.value.found) == ("folder_not_empty", "mine")


def test_what_is_not_finished_never_has_the_name(tmp_path: Path) -> None:
    def fail() -> None:
        with appearing(tmp_path / "file") as path:
            path.write_bytes(b"half")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_comes_last_and_names_all(keeping: Keeping, tmp_path: Path) -> None:
    made = keeping.commands()["store.export"]({"folder": str(tmp_path / "out")}, lambda _step: None)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert manifest.items() >= made.items()
    assert (manifest["zone"], manifest["form"], manifest["rows"]) == ("Asia/Seoul", "parquet", 0)


def test_an_unknown_datastream_is_named(keeping: Keeping, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Datastream 77"):
        keeping.export(str(tmp_path / "out"), datastreams=[77])
    assert not (tmp_path / "out").exists()
