"""The readings that the engines are compared on, and the questions that they are asked.

A Datastream has a reading in five minutes, with one decimal, 2 % of them suspect, until midnight of today in Seoul.
``total / 100,000`` of them have nearly a year of them; as many more that there are 200 have the last three days, and as
many more that there are 1,000 have one: so every question has an answer of the same size at every ``total``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench._store import ROWS_A_SERIES, STEP, rows
from gops.clock import DAY, HOUR, to_micros

SEOUL = ZoneInfo("Asia/Seoul")
SERIES = 1000
ASKED_TOGETHER = 200
SHORT_DAYS = 3
MONTH_DAYS = 30
BATCH_ROWS = 200_000

Kind = Literal["raw", "hourly", "newest"]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """Of these Datastreams, ``start <= t < end`` in microseconds: rows, hourly means of good ones, or newest rows."""

    kind: Kind
    ids: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Answer:
    """Sorted by Datastream and t; ``t`` is a reading's, or the begin of an hour."""

    datastream: Ints
    t: Ints
    value: npt.NDArray[np.float64]

    @classmethod
    def of(cls, found: list[tuple[int, int, float]]) -> Answer:
        """Of (Datastream, t, value) in any order."""
        columns = list(zip(*sorted(found), strict=True)) or [(), (), ()]
        return cls(np.array(columns[0], np.int64), np.array(columns[1], np.int64), np.array(columns[2], np.float64))

    def __len__(self) -> int:
        return len(self.t)

    def same(self, other: Answer) -> bool:
        """Equal to 1e-9 in value, exactly in all else."""
        keys = np.array_equal(self.datastream, other.datastream) and np.array_equal(self.t, other.t)
        return keys and bool(np.allclose(self.value, other.value, rtol=1e-9, atol=1e-9))


@dataclass(frozen=True)
class Fleet:
    """The readings of one size. ``end`` is behind the last of them."""

    total: int
    end: int

    @property
    def long(self) -> int:
        """How many Datastreams have the whole range; they have the ids from 1 on."""
        return max(1, self.total // ROWS_A_SERIES)

    @property
    def start(self) -> int:
        return self.end - ROWS_A_SERIES * STEP

    def batches(self) -> Iterator[pa.Table]:
        """As they would come in: by time, about 200,000 rows of all Datastreams at a time."""
        moments = max(1, BATCH_ROWS // self.long)
        for begin in range(0, ROWS_A_SERIES, moments):
            steps = np.arange(begin, min(ROWS_A_SERIES, begin + moments))
            yield self._grid(np.arange(1, self.long + 1), self.start + steps * STEP, begin)
        if self.long < ASKED_TOGETHER:
            last = np.arange(self.end - SHORT_DAYS * DAY, self.end, STEP)
            yield self._grid(np.arange(self.long + 1, ASKED_TOGETHER + 1), last, -1)
        some = max(self.long, ASKED_TOGETHER)
        if some < SERIES:
            yield self._grid(np.arange(some + 1, SERIES + 1), np.array([self.end - STEP]), -2)

    def _grid(self, datastreams: Ints, moments: Ints, seed: int) -> pa.Table:
        return rows(np.tile(datastreams, len(moments)), np.repeat(moments, len(datastreams)), seed + 3)

    def month_ends(self) -> Iterator[int]:
        """Noons in Seoul of the first days of months: by then the month before has ended, in Seoul and in UTC."""
        day = datetime.fromtimestamp(self.start / 1e6, SEOUL).replace(hour=12, minute=0, second=0, microsecond=0)
        while to_micros(day) < self.end:
            day += timedelta(days=1)
            if day.day == 1:
                yield to_micros(day)

    def questions(self, times: int) -> dict[str, list[Question]]:
        """Of each kind so many, of Datastreams and days by chance but always the same ones."""
        chance = random.Random(4)
        days = (self.end - self.start) // DAY
        before_yesterday = self.end - 2 * DAY

        def spell(length: int) -> tuple[int, int]:
            begin = self.end - chance.randint(length, days) * DAY
            return begin, begin + length * DAY

        def one() -> tuple[int, ...]:
            return (chance.randint(1, self.long),)

        def some() -> tuple[int, ...]:
            return tuple(sorted(chance.sample(range(1, max(self.long, ASKED_TOGETHER) + 1), ASKED_TOGETHER)))

        everything = tuple(range(1, SERIES + 1))
        year = ((self.start + HOUR - 1) // HOUR * HOUR, self.end)
        return {
            "one series, a day, raw": [Question("raw", one(), *spell(1)) for _ in range(times)],
            "one series, a month, raw": [Question("raw", one(), *spell(MONTH_DAYS)) for _ in range(times)],
            "one series, a year, hourly mean": [Question("hourly", one(), *year) for _ in range(times)],
            "200 series, a day, hourly mean": [
                Question("hourly", some(), before_yesterday, before_yesterday + DAY) for _ in range(times)
            ],
            "newest of 1,000 series": [Question("newest", everything, self.end - STEP, self.end) for _ in range(times)],
        }


def today(total: int) -> Fleet:
    midnight = datetime.now(SEOUL).replace(hour=0, minute=0, second=0, microsecond=0)
    return Fleet(total, to_micros(midnight))
