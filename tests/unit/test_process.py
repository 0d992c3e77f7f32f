"""Children that end with their parent, and children that are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gops.process import Keeper

CHILD = (
    "from gops.process import end_with_parent; import time; end_with_parent(1); print('up', flush=True); time.sleep(60)"
)
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(signal.SIGKILL)
    assert eventually(lambda: not is_running(child))


def test_a_kept_child_is_started_again_after_a_kill() -> None:
    statuses: list[int] = []
    keeper = Keeper("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], statuses.append).start()
    assert eventually(lambda: keeper.pid is not None)
    first = keeper.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: keeper.pid != first and keeper.pid is not None and is_running(keeper.pid))
    assert statuses == [-signal.SIGKILL]
    keeper.stop()
    assert keeper.pid is not None
    assert not is_running(keeper.pid)


def test_a_child_that_keeps_failing_is_started_ever_slower() -> None:
    ends: list[float] = []
    keeper = Keeper("failing", [sys.executable, "-c", "raise SystemExit(3)"], lambda _s: ends.append(time.monotonic()))
    keeper.start()
    assert eventually(lambda: len(ends) >= 4)
    keeper.stop()
    assert ends[3] - ends[2] > ends[1] - ends[0]
