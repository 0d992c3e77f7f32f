"""`optimal` in a process apart: it can be ended at any moment, and its memory and its crashes are its own.

HiGHS looks at its clock only now and then, and gives no word while it works but its log; so the process that asks
reads the log for the bound and the best value so far, and ends the other one when time is up or nobody waits any more.
What the last finished stage had found stands then.
"""

from __future__ import annotations

import json
import math
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from gops.errors import Unavailable
from gops.testbed.allocation.assembling import assembled
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.documents import instance_document
from gops.testbed.allocation.instance import Instance
from gops.testbed.allocation.outcome import Allocation, Proof, Stage

GRACE, GRACE_S = 1.25, 30.0  # of the time asked for, and seconds more, before the process is ended
LOOK_S = 0.5  # between two looks whether anybody still waits
CURVE_MAX = 200
NUMBER = rb"(-?[\d.]+(?:e[+-]?\d+)?|-?inf)"
TABLE = re.compile(rb"%\s+" + NUMBER + rb"\s+" + NUMBER + rb"\s+(?:[\d.]+%|inf|Large)")
"""Best bound, best solution and gap in a line of HiGHS' log of a branch and bound."""


Point = tuple[int, int | None, int | None]
"""Milliseconds, value, bound."""


@dataclass
class Progress:
    """``curve`` is that of the stage ``scores``, whenever value or bound became better."""

    stage: str = ""
    value: int | None = None
    bound: int | None = None
    seconds: float = 0.0
    is_over: bool = False
    curve: list[Point] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "value": self.value,
            "bound": self.bound,
            "milliseconds": round(self.seconds * 1000),
            "curve": [list(point) for point in self.curve],
        }


Watch = Callable[[Progress], bool]
"""Hears how far it is, now and then; False: nobody waits any more."""


def allocate(choice: Choice, instance: Instance, seed: bytes, seconds: float, watch: Watch) -> Allocation | None:
    """The allocation; None when ``watch`` said so. Raises ``Unavailable`` where the process died without one."""
    asked = {"instance": instance_document(instance), "seed": seed.hex(), "fairness": choice.fairness,
             "seconds": seconds}  # fmt: skip
    command = [sys.executable, "-m", "gops.testbed.allocation.optimal"]
    with subprocess.Popen(  # noqa: S603  the command is ours, the request goes in by its standard input
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdin is not None
        run = _Run(time.monotonic() + seconds * GRACE + GRACE_S, watch)
        try:
            process.stdin.write(json.dumps(asked).encode())
            process.stdin.close()
            waited = run.follow(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its forks as well
    if not waited:
        return None
    if run.last is None:
        raise Unavailable("the run of optimal ended without an outcome", code="allocation_failed", field="mechanism",
                          expected="a smaller call, or more memory")  # fmt: skip
    return _read(run.last, instance, seed)


class _Run:
    def __init__(self, until: float, watch: Watch) -> None:
        self.last: dict[str, Any] | None = None
        self._until = until
        self._watch = watch
        self._began = time.monotonic()
        self._progress = Progress()

    def follow(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether somebody waited to the end, be it by the clock."""
        told = 0.0
        for line in _lines(process):
            now = time.monotonic()
            self._progress.seconds = now - self._began
            if line is not None:
                self._take(line)
            if now > self._until or (self.last is not None and self.last.get("final")):
                break
            if now - told >= LOOK_S:
                told = now
                if not self._watch(self._progress):
                    return False
        self._progress.is_over = True
        return self._watch(self._progress)

    def _take(self, line: bytes) -> None:
        if line.startswith(b"{"):
            said = json.loads(line)
            if "places" in said:
                self.last = said
            else:
                self._better(said["stage"], said["value"], said["bound"])
            return
        found = TABLE.search(line)
        if found is not None and self._progress.stage == "scores":  # HiGHS minimises what is sought the most of
            bound, value = (_whole(text) for text in found.groups())
            self._better("scores", None if value is None else -value, None if bound is None else -bound)

    def _better(self, stage: str, value: int | None, bound: int | None) -> None:
        now = self._progress
        if stage != now.stage:
            now.stage, now.value, now.bound = stage, None, None
        elif stage == "scores":
            value = now.value if value is None else value if now.value is None else max(value, now.value)
            bound = now.bound if bound is None else bound if now.bound is None else min(bound, now.bound)
        if (now.value, now.bound) == (value, bound):
            return
        now.value, now.bound = value, bound
        if stage == "scores" and len(now.curve) < CURVE_MAX:
            now.curve.append((round(now.seconds * 1000), value, bound))


def _whole(text: bytes) -> int | None:
    value = float(text)
    return math.ceil(value - 1e-3) if abs(value) < 1e15 else None


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes | None]:
    """Lines as they come, and None when for a while none does; to the end of the output."""
    assert process.stdout is not None
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(LOOK_S):
                yield None
                continue
            data = os.read(process.stdout.fileno(), 65_536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from lines


def _read(said: dict[str, Any], instance: Instance, seed: bytes) -> Allocation:
    places = {name: (site, start) for name, site, start in said["places"]}
    guaranteed = tuple((label, name) for label, name in said["guaranteed"])
    stages = tuple(Stage(name, value, bound) for name, value, bound in said["stages"])
    return assembled(instance, seed, places, guaranteed, Proof(stages, said["price"]))
