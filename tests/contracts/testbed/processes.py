"""32 clients in four processes that start at one moment: each answers an offer, then books. Run by a test as a program.

Reads a pickled ``Asked``, writes JSON: for each client [answered, booked], or the words of what went wrong. One process
loads the code and forks before it opens anything: four that load it each would take six seconds of processor time.
"""

from __future__ import annotations

import json
import multiprocessing
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from gops.clock import FixedClock, from_micros
from gops.errors import Conflict
from gops.permissions import Actor
from gops.records.database import Database
from gops.settings import Settings
from gops.testbed.offers.service import Offers
from gops.testbed.slots import Slots

PROCESSES, THREADS = 4, 8
CLIENTS = PROCESSES * THREADS
SECONDS = 60


@dataclass(frozen=True)
class Asked:
    """``answers``: (who, offer, answer) by client; each then books ``square_metres`` of ``site`` in ``week``."""

    address: str
    now: int
    settings: Settings
    planner: Actor
    answers: list[tuple[Actor, int, str]]
    site: int
    week: int
    square_metres: int


def done(act: Callable[[], Any], code: str) -> bool:
    """Was it done, or refused with ``code``?"""
    try:
        act()
    except Conflict as refused:
        if refused.code != code:
            raise
        return False
    return True


def process(asked: Asked, first: int, gate: Any, told: Any) -> None:
    """Clients from ``first`` on, with connections, services and a clock of this process."""
    with closing(Database(asked.address, wait_seconds=SECONDS)) as database:
        clock = FixedClock(from_micros(asked.now))
        offers, slots = Offers(database, clock, asked.settings), Slots(database, clock, asked.settings)

        def client(number: int) -> list[bool]:
            who, offer, answer = asked.answers[number]
            needs = {"area_m2": asked.square_metres}
            gate.wait(SECONDS)
            answered = done(lambda: offers.answer(who, offer, answer), "illegal_move")
            booked = done(lambda: slots.book(asked.planner, asked.site, "robots", asked.week, 1, needs), "no_capacity")
            return [answered, booked]

        with ThreadPoolExecutor(THREADS) as pool:
            for result in [pool.submit(client, number) for number in range(first, first + THREADS)]:
                try:
                    told.put(result.result())
                except Exception as error:  # noqa: BLE001 - the test shows it
                    told.put(f"{type(error).__name__}: {error}")


def main() -> None:
    asked = pickle.load(sys.stdin.buffer)
    fork = multiprocessing.get_context("fork")
    gate, told = fork.Barrier(CLIENTS), fork.Queue()
    running = [fork.Process(target=process, args=(asked, at * THREADS, gate, told)) for at in range(PROCESSES)]
    for one in running:
        one.start()
    found = [told.get(timeout=SECONDS) for _ in range(CLIENTS)]
    for one in running:
        one.join(SECONDS)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
