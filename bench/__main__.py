"""Run every bench in turn, each in a process of its own, and keep what it printed under ``bench/results/``."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def programs() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def machine() -> str:
    """Cores, processor and system, as printed above every result."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return (
        f"{os.cpu_count()} cores, {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def run(name: str, options: Sequence[str]) -> int:
    print(f"\n== {name}", flush=True)
    command = [sys.executable, "-m", f"bench.{name}", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    print(done.stdout, flush=True)
    RESULTS.mkdir(exist_ok=True)
    today = datetime.datetime.now(datetime.UTC).date()
    if done.stdout:
        words = "".join(f"-{option.strip('-')}" for option in options)
        (RESULTS / f"{name}{words.replace('/', '-')}.txt").write_text(f"{today}  {machine()}\n\n{done.stdout}")
    return done.returncode


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(programs())} (default: all)")
    parser.add_argument("--full", action="store_true", help="the long sizes")
    parser.epilog = "What is not known here goes to the bench: python -m bench engines --rows 1000000"
    chosen, options = parser.parse_known_args()
    if options and len(chosen.names) != 1:
        parser.error(f"{options[0]} is no option of all of them; name one bench before it")
    options += ["--full"] if chosen.full else []
    unknown = set(chosen.names) - set(programs())
    if unknown:
        parser.error(f"no bench called {', '.join(sorted(unknown))}; there are {', '.join(programs())}")
    failed = [name for name in chosen.names or programs() if run(name, options)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
