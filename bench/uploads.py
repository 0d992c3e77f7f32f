"""Files of datasets as they are taken in, CSV, XLSX, GeoJSON and Parquet: every cell looked at, types found over all
rows, summed up, written as Parquet. Rows a second of processor time, and what the memory of the process grows by, each
in a process of its own.

Limit, in the same run: pyarrow reads the same CSV and Parquet with its own types and writes Parquet, openpyxl reads the
same XLSX row by row, orjson the GeoJSON. Bars: 10 times of that, of XLSX 3; memory under 300 MB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORMS = ("csv", "parquet", "geojson", "xlsx")
SHARE = {"csv": 1, "parquet": 1, "geojson": 10, "xlsx": 50}
"""By which the rows asked for are divided: the others hold fewer within the bounds as they are set."""
TIMES = {"csv": 10.0, "parquet": 10.0, "geojson": 10.0, "xlsx": 3.0}
MEMORY_MB = 300.0
COLUMNS = ("id", "name", "opened", "at", "area", "code", "open", "longitude", "latitude", "note")


def row(number: int) -> tuple[Any, ...]:
    """Ten columns: whole numbers, text, dates, times, numbers, codes, truths, places, gaps."""
    day = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
    return (
        number, f"공원 {number % 5000}", day, f"{day}T{number % 24:02}:00:00+09:00", number % 977 / 8,
        f"{number % 999:05}", "true" if number % 3 else "false", 126.5 + number % 1000 / 1000,
        37.0 + number % 900 / 1000, "" if number % 7 else "비고",
    )  # fmt: skip


def make(folder: Path, form: str, rows: int) -> Path:
    path = folder / f"parks.{form}"
    if form == "csv":
        lines = (",".join(map(str, row(number))) + "\n" for number in range(rows))
        with path.open("w") as file:
            file.write(",".join(COLUMNS) + "\n")
            file.writelines(lines)
    elif form == "parquet":
        import pyarrow.csv as pacsv
        import pyarrow.parquet as pq

        pq.write_table(pacsv.read_csv(make(folder, "csv", rows)), path)
    elif form == "geojson":
        import orjson

        features = [
            {"type": "Feature", "properties": dict(zip(COLUMNS, one, strict=True)),
             "geometry": {"type": "Point", "coordinates": [one[7], one[8]]}}
            for one in ((*row(number)[:7], 126.5, 37.0, "") for number in range(rows))
        ]  # fmt: skip
        for one in features:
            del one["properties"]["longitude"], one["properties"]["latitude"]
        path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features}))
    else:
        import openpyxl

        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        sheet.append(COLUMNS)
        for number in range(rows):
            sheet.append(row(number))
        book.save(path)
    return path


def taken(path: Path, form: str) -> int:
    """As GOPS takes it in, with its bounds as they are set."""
    from gops.catalog.filed.bounds import Bounds
    from gops.catalog.filed.taking import take
    from gops.settings import load

    bounds = Bounds.of(load({"GOPS_DATA": str(path.parent)}))
    with path.open("rb") as file, (path.parent / "taken.parquet").open("wb") as out:
        return take(file, form, (), bounds, out).rows


def limit(path: Path, form: str) -> int:
    """The least that a program does with such a file."""
    if form == "geojson":
        import orjson

        return len(orjson.loads(path.read_bytes())["features"])
    if form == "xlsx":
        import openpyxl

        sheet = openpyxl.load_workbook(path, read_only=True).worksheets[0]
        return sum(1 for _ in sheet.iter_rows(values_only=True)) - 1
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    found = pacsv.read_csv(path, pacsv.ReadOptions(use_threads=False)) if form == "csv" else pq.read_table(path)
    pq.write_table(found, path.parent / "limit.parquet", compression="zstd")
    return int(found.num_rows)


WAYS: dict[str, Callable[[Path, str], int]] = {"taken": taken, "limit": limit}


def measure(way: str, path: Path, form: str) -> None:
    """In this process: once to warm up on a small file, then measured. Prints JSON."""
    small = path.parent / "small"
    small.mkdir(exist_ok=True)
    WAYS[way](make(small, form, 100), form)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew: it is inherited over fork and exec
    before = status_mb("VmRSS")
    began = time.process_time()
    rows = WAYS[way](path, form)
    seconds = time.process_time() - began
    grown = status_mb("VmHWM") - before
    print(json.dumps({"rows": rows, "seconds": seconds, "grown_mb": grown}))


def status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def asked(way: str, path: Path, form: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.uploads", "--measure", way, str(path), form]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def one(folder: Path, form: str, rows: int, times: int) -> tuple[bool, bool]:
    """Prints a line; is the bar met, and are the rows right?"""
    path = make(folder, form, rows)
    runs = [(asked("taken", path, form), asked("limit", path, form)) for _ in range(times)]
    took, least = (min(pair[at]["seconds"] for pair in runs) for at in (0, 1))
    grown = max(pair[0]["grown_mb"] for pair in runs)
    right = all(found["rows"] == rows for pair in runs for found in pair)
    met = took <= TIMES[form] * max(least, 0.01) and grown <= MEMORY_MB
    print(
        f"{form:8} {rows:>9,} {path.stat().st_size / 1e6:8.1f} {took:8.2f} {rows / took:12,.0f} {least:9.2f}"
        f" {took / max(least, 0.01):7.1f} {grown:9.0f}   {TIMES[form]:g} times, {MEMORY_MB:g} MB"
        f" {'met' if met else 'MISSED'}",
        flush=True,
    )
    return met, right


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.uploads", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=500_000, help="of CSV and Parquet; GeoJSON has 1/10, XLSX 1/50 of them"
    )
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="1 M rows")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        measure(chosen.measure[0], Path(chosen.measure[1]), chosen.measure[2])
        return
    rows = 1_000_000 if chosen.full else chosen.rows
    print(f"{'':8} {'rows':>9} {'MB':>8} {'cpu s':>8} {'rows/s':>12} {'limit s':>9} {'times':>7} {'grown MB':>9}   bar")
    results = []
    for form in FORMS:
        with tempfile.TemporaryDirectory(prefix="gops-bench-") as name:
            results.append(one(Path(name), form, max(100, rows // SHARE[form]), chosen.times))
    if not all(right for _, right in results):
        sys.exit("some rows are missing")
    sys.exit(0 if all(met for met, _ in results) else 3)


if __name__ == "__main__":
    main()
