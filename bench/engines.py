"""GOPS beside InfluxDB, VictoriaMetrics and PostgreSQL: the same readings written to each, the same questions asked.

Each is loaded alone; then all of them are asked in turns, over one connection each, and their answers are compared.
GOPS is also asked at 1 M rows, to see what more rows cost.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench._fleet import Fleet, Question, today
from bench._gops import Gops
from bench._peers import Engine, Influx, Postgres, Victoria
from gops import logs
from tests.postgresql import NotInstalled

SMALL, MIDDLE, LARGE = 1_000_000, 10_000_000, 100_000_000
ENGINES: dict[str, Callable[[Path], Any]] = {
    "gops": Gops,
    "influxdb": Influx,
    "victoria": Victoria,
    "postgresql": Postgres,
}
BARS_MS = {
    "one series, a day, raw": 6.0,
    "one series, a month, raw": 15.0,
    "one series, a year, hourly mean": 40.0,
    "200 series, a day, hourly mean": 30.0,
    "newest of 1,000 series": 20.0,
}
GROWTH, ROW_BYTES, MEMORY_MB = 3.0, 8.0, 1024.0
MET, WRONG, MISSED = 0, 1, 3  # how the program ends; an error ends it with 1 as well
QUESTION_SECONDS, LEAST_TIMES = 20.0, 5  # an engine that is slow is asked less often
DISK_BYTES_A_ROW = 250  # of all engines together, with what they hold while they merge


@dataclass
class Loaded:
    """An engine with all rows in it, and what was measured of it. ``millis`` by question."""

    engine: Any
    rows: int
    sending: float
    settling: float
    row_bytes: float = 0.0
    memory: float = 0.0
    millis: dict[str, list[float]] = field(default_factory=dict)

    def median(self, question: str) -> float:
        return statistics.median(self.millis[question])


def load(engine: Engine, fleet: Fleet) -> Loaded:
    """Write everything; a month at a time is sealed where the engine does such a thing."""
    months = list(fleet.month_ends())
    sending, rows, told = 0.0, 0, time.monotonic()
    for batch in fleet.batches():
        prepared = engine.prepare(batch)
        begun = time.perf_counter()
        engine.send(prepared)
        sending += time.perf_counter() - begun
        rows += batch.num_rows
        if isinstance(engine, Gops) and months and batch["t"][-1].as_py() >= months[0]:
            engine.seal(months.pop(0))
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"{engine.name}: {rows:,} of about {fleet.total:,} rows, {rows / sending:,.0f} rows/s")
    begun = time.perf_counter()
    engine.settle()
    found = Loaded(engine, rows, sending, time.perf_counter() - begun)
    found.row_bytes = engine.disk_bytes() / rows
    engine.open()
    say(f"{engine.name}: {rows:,} rows, settled after {found.settling:.0f} s")
    return found


def say(text: str) -> None:
    """Progress, which is no part of the result."""
    print(text, file=sys.stderr, flush=True)


def compare(loaded: list[Loaded], questions: list[Question]) -> list[str]:
    """Which engines answer otherwise than the first, of the first and the last question."""
    wrong = []
    for question in (questions[0], questions[-1]):
        answers = [one.engine.read(question, one.engine.ask(question)) for one in loaded]
        assert len(answers[0]), question
        for one, answer in zip(loaded[1:], answers[1:], strict=True):
            if not answer.same(answers[0]):
                sizes = f"{len(answer):,} rows and {len(answers[0]):,}"
                wrong.append(f"{one.engine.name} and {loaded[0].engine.name} differ: {sizes}")
    return wrong


def ask_in_turns(name: str, loaded: list[Loaded], questions: list[Question]) -> None:
    spent = [0.0] * len(loaded)
    for one in loaded:
        one.millis[name] = []
        one.engine.ask(questions[0])
    for n, question in enumerate(questions):
        for place, one in enumerate(loaded):
            if spent[place] > QUESTION_SECONDS and n >= LEAST_TIMES:
                continue
            begun = time.perf_counter()
            one.engine.ask(question)
            took = time.perf_counter() - begun
            one.millis[name].append(took * 1e3)
            spent[place] += took


def measure(loaded: list[Loaded], fleet: Fleet, times: int) -> list[str]:
    wrong = []
    for name, questions in fleet.questions(times).items():
        say(name)
        wrong += [f"{name}: {text}" for text in compare(loaded, questions)]
        ask_in_turns(name, loaded, questions)
    for one in loaded:
        one.memory = one.engine.memory_mb()
    return wrong


def verdict(figure: float, bar: float) -> str:
    return f"bar {bar:g} {'met' if figure <= bar else 'MISSED'}"


def show_sizes(loaded: list[Loaded]) -> bool:
    print(f"\n{'':24} {'written rows/s':>15} {'settled after s':>16} {'bytes/row':>10} {'memory MB':>10}")
    met = True
    for one in loaded:
        words = ""
        if isinstance(one.engine, Gops):
            words = f"bytes {verdict(one.row_bytes, ROW_BYTES)}, memory {verdict(one.memory, MEMORY_MB)}"
            met = one.row_bytes <= ROW_BYTES and one.memory <= MEMORY_MB
        print(
            f"{one.engine.name:24} {one.rows / one.sending:15,.0f} {one.settling:16.1f} {one.row_bytes:10.2f}"
            f" {one.memory:10.0f}  {words}"
        )
    return met


def show_sealing(gops: Gops) -> None:
    stats = gops.stats
    print(
        f"GOPS sealed {stats.sealed_rows:,} rows in {gops.sealing_seconds:.1f} s"
        f" ({stats.sealed_rows / gops.sealing_seconds:,.0f} rows/s) to {len(stats.files)} files of"
        f" {stats.sealed_bytes / max(1, stats.sealed_rows):.2f} bytes/row; {stats.hot_rows:,} rows are hot"
    )


def show_answers(loaded: list[Loaded], small: Loaded | None) -> bool:
    met = True
    for name, bar in BARS_MS.items():
        print(f"\n{name:36} {'p50 ms':>9} {'p95 ms':>9} {'asked':>6}")
        for one in [*([small] if small else []), *loaded]:
            millis, words = one.millis[name], ""
            if isinstance(one.engine, Gops) and one is not small:
                words = f"{verdict(one.median(name), bar)} ms"
                met &= one.median(name) <= bar
                if small:
                    growth = one.median(name) / small.median(name)
                    words += f"; {growth:.2f} times that at 1 M, {verdict(growth, GROWTH)}"
                    met &= growth <= GROWTH
            title = one.engine.name + (f", {small.rows:,} rows" if one is small else "")
            print(f"  {title:34} {one.median(name):9.2f} {np.percentile(millis, 95):9.2f} {len(millis):6}  {words}")
    return met


def run(total: int, times: int, names: list[str], folder: Path) -> int:
    """How the program ends."""
    fleet, loaded, small, wrong = today(total), [], None, []
    try:
        if total > SMALL and "gops" in names:
            small = load_named("gops", today(SMALL), folder / "small")
        for name in names:
            found = load_named(name, fleet, folder)
            loaded += [found] if found else []
        if small:
            wrong += measure([small], today(SMALL), times)
            small.engine.close()
        wrong += measure(loaded, fleet, times)
    finally:
        for one in [*([small] if small else []), *loaded]:
            one.engine.close()
    print(
        f"\n{loaded[0].rows:,} rows of 1,000 series; {len(loaded)} engines asked in turns, {times} times each question"
    )
    met = show_sizes(loaded)
    for one in loaded:
        if isinstance(one.engine, Gops):
            show_sealing(one.engine)
    met &= show_answers(loaded, small)
    print("\n" + ("\n".join(wrong) if wrong else "All answers are the same."))
    if wrong:
        return WRONG
    return MET if met else MISSED


def load_named(name: str, fleet: Fleet, folder: Path) -> Loaded | None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        engine = ENGINES[name](folder)
    except NotInstalled as reason:
        print(f"{name} is left out: {reason}")
        return None
    try:
        return load(engine, fleet)
    except BaseException:
        engine.close()
        raise


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__)
    parser.add_argument("--rows", type=int, default=MIDDLE, choices=(SMALL, MIDDLE, LARGE), help="default: 10 M")
    parser.add_argument("--times", type=int, default=100, help="how often each question is asked of each engine")
    parser.add_argument("--engine", action="append", choices=tuple(ENGINES), help="only these; may be given again")
    parser.add_argument("--folder", help="where the temporary folder is made")
    parser.add_argument("--full", action="store_true", help="100 M rows")
    chosen = parser.parse_args()
    total = LARGE if chosen.full else chosen.rows
    logs.configure("ERROR")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is stopped
    with tempfile.TemporaryDirectory(prefix="gops-bench-", dir=chosen.folder) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        free = shutil.disk_usage(folder).free
        if free < total * DISK_BYTES_A_ROW:
            sys.exit(f"{free / 1e9:.0f} GB are free in {folder}; {total * DISK_BYTES_A_ROW / 1e9:.0f} GB are needed")
        end = run(total, chosen.times, chosen.engine or list(ENGINES), folder)
    sys.exit(end)


if __name__ == "__main__":
    main()
