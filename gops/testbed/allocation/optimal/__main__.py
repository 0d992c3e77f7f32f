"""A run of `optimal` in a process of its own: a request on standard input, lines on standard output.

A line of JSON is one of ``{"stage", "value", "bound"}`` while it works (each may be null), ``{"places", "guaranteed",
"stages", "price"}`` after a stage, and the same with ``"final": true`` in the end. HiGHS' own log stands between.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from gops.testbed.allocation import optimal
from gops.testbed.allocation.documents import read_instance
from gops.testbed.allocation.outcome import Allocation

LOOK_S = 1.0  # between two looks whether the parent still lives


def main() -> None:
    _end_with_parent()
    asked = json.load(sys.stdin)
    made = optimal.allocate(
        read_instance(asked["instance"]),
        bytes.fromhex(asked["seed"]),
        asked["fairness"],
        asked["seconds"],
        lambda allocation: _say(_told(allocation)),
        note=lambda stage, value, bound: _say({"stage": stage, "value": value, "bound": bound}),
        apart=True,
    )
    _say({**_told(made), "final": True})


def _end_with_parent() -> None:
    """By a timer, since a thread must not run where forks are taken. The group is ours alone (``apart``)."""
    parent = os.getppid()

    def look(*_: object) -> None:
        if os.getppid() != parent:
            os.killpg(0, signal.SIGKILL)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)


def _told(allocation: Allocation) -> dict[str, Any]:
    proof = allocation.proof
    assert proof is not None
    return {
        "places": [[row.application, row.site, row.start] for row in allocation.placements],
        "guaranteed": allocation.guaranteed,
        "stages": [[stage.name, stage.value, stage.bound] for stage in proof.stages],
        "price": proof.price,
    }


def _say(line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
