"""``optimal`` in a process apart: progress, an outcome, and an end at any moment."""

from __future__ import annotations

import time

import pytest

from gops.testbed.allocation import apart, choice, roundfile
from gops.testbed.allocation.apart import Progress
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.verify import verify
from tests.unit.testbed.instances import SEED, application, instance, site

OPTIMAL = Choice("optimal")
MADE = instance(
    [site("X", 10), site("Y", 4)],
    [application(name, [need], where, score) for name, need, where, score in
     (("a", 6, "XY", 90), ("b", 6, "X", 80), ("c", 4, "YX", 70), ("d", 4, "X", 60), ("e", 4, "Y", 10))],
)  # fmt: skip


def test_what_comes_back_is_what_the_same_process_finds() -> None:
    heard: list[Progress] = []
    found = apart.allocate(OPTIMAL, MADE, SEED.seed, 20, lambda progress: heard.append(progress) is None)
    assert found == choice.allocate(OPTIMAL, MADE, SEED.seed, 20)
    assert found is not None
    assert verify(roundfile.write(MADE, SEED, OPTIMAL, found)).is_true
    assert heard[-1].stage == "starts"
    assert heard[-1].curve[-1][1:] == (90 + 70 + 60, 90 + 70 + 60)


def test_it_ends_when_nobody_waits_any_more() -> None:
    began = time.monotonic()
    assert apart.allocate(OPTIMAL, MADE, SEED.seed, 600, lambda _: False) is None
    assert time.monotonic() - began < 10


TABLE = b"  0       0         0   0.00%%   -6338167.627529    %s     0      0      0         1   0.9s"


@pytest.mark.parametrize(("line", "told"), [
    (b" R     " + TABLE % b"-5600912.0       13.16%", (5_600_912, 6_338_167)),
    (b"       " + TABLE % b"inf              inf", (None, 6_338_167)),
    (b"Solving report", (None, None)),
])  # fmt: skip
def test_a_line_of_the_log_gives_value_and_bound(line: bytes, told: tuple[int | None, int | None]) -> None:
    run = apart._Run(0, lambda _: True)
    run._take(b'{"stage": "scores", "value": null, "bound": null}')
    run._take(line)
    assert (run._progress.value, run._progress.bound) == told
