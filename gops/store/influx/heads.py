"""What is known of each Datastream without asking the server: its newest row, its extent, its version.

Only what this process wrote or asked for since its start, and of that the ``KNOWN`` used last. It holds as long as no
other process writes to these Datastreams.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from gops.store.port import Extent
from gops.store.rows import NONE

KNOWN = 200_000  # Datastreams; about 500 bytes each
Row = tuple[Any, ...]
"""The columns of ``READINGS``."""


@dataclass(frozen=True)
class Head:
    """``last`` is the newest t, ``NONE`` where there are no rows; ``row`` the newest row; None what is not known."""

    last: int | None = None
    row: Row | None = None
    extent: Extent | None = None


class Watch:
    """What was written while a question was asked, and so can't be kept from its answer."""

    def __init__(self, broken: set[int]) -> None:
        self.broken = broken


class Heads:
    """``floor`` is the version of what has not changed since the start; it must exceed those of earlier processes."""

    def __init__(self, floor: int, known: int = KNOWN) -> None:
        self._known = known
        self._heads: OrderedDict[int, Head] = OrderedDict()
        self._versions: OrderedDict[int, int] = OrderedDict()
        self._floor = self._version = floor
        self._writing: set[int] = set()
        self._watches: list[Watch] = []
        self._lock = threading.Lock()

    def get(self, datastreams: Iterable[int]) -> dict[int, Head]:
        """Of those that something is known of."""
        with self._lock:
            found = {one: head for one in datastreams if (head := self._heads.get(one)) is not None}
            for one in found:
                self._heads.move_to_end(one)
            return found

    def version(self, datastreams: Sequence[int]) -> int:
        with self._lock:
            return max((self._versions.get(one, self._floor) for one in datastreams), default=self._floor)

    # of answers

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Around a question and the ``learn`` of what it answered."""
        with self._lock:
            watch = Watch(set(self._writing))
            self._watches.append(watch)
        try:
            yield watch
        finally:
            with self._lock:
                self._watches.remove(watch)

    def learn(self, watch: Watch, heads: Mapping[int, Head]) -> None:
        """Keep what an answer says beside what is known, but for Datastreams that were written to meanwhile."""
        with self._lock:
            for one, head in heads.items():
                if one not in watch.broken:
                    known = self._heads.get(one, Head())
                    self._put(one, replace(known, **{name: it for name, it in vars(head).items() if it is not None}))

    # of the writer

    def begin(self, datastreams: Iterable[int]) -> dict[int, Head]:
        """These may change from now on; what was known of them."""
        with self._lock:
            self._writing = set(datastreams)
            for watch in self._watches:
                watch.broken |= self._writing
            return {one: head for one in self._writing if (head := self._heads.pop(one, None)) is not None}

    def finish(self, heads: Mapping[int, Head], changed: Iterable[int]) -> None:
        """What began is done: this is known now, and these changed."""
        with self._lock:
            self._writing = set()
            for one, head in heads.items():
                self._put(one, head)
            self._note(list(changed))

    def _put(self, datastream: int, head: Head) -> None:
        self._heads[datastream] = head
        self._heads.move_to_end(datastream)
        if len(self._heads) > self._known:
            self._heads.popitem(last=False)

    def _note(self, changed: list[int]) -> None:
        if changed:
            self._version += 1
        for one in changed:
            self._versions[one] = self._version
            self._versions.move_to_end(one)
        while len(self._versions) > self._known:
            self._floor = self._versions.popitem(last=False)[1]  # the oldest: what is not listed is no newer


NOTHING = Head(last=int(NONE))
