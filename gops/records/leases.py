"""Leases: which process does what only one may do, seats of ingest and jobs.

A lease is a row that its holder keeps changing. Who wants it watches the row and takes it once it has not changed for
``EXPIRES_SECONDS`` of its own time, so no clock needs to be right and a jump of one harms nobody. A holder who
could not renew for longer than ``FENCE_SECONDS`` of its own time must stop at once: another may hold it soon.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import BigInteger, String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column

from gops.errors import GopsError
from gops.records.base import Base, Id, table_args
from gops.records.database import Database, flush_unique

RENEW_SECONDS = 2.0
EXPIRES_SECONDS = 7.0  # together with a look and a connection less than the 10 s that a takeover may take
FENCE_SECONDS = 5.0  # less than the above: the old holder has stopped before the new one begins
NOBODY = ""


class LeaseRow(Base):
    """``beat`` grows with every renewal; ``holder`` is empty for a lease that was given back."""

    __tablename__ = "lease"
    __table_args__ = table_args(UniqueConstraint("name"))
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64))
    holder: Mapped[str] = mapped_column(String(120))
    beat: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True)
class Seen:
    """A lease as a watcher saw it, and for how long it has not changed."""

    holder: str
    beat: int
    unchanged_s: float


class Leases:
    """Of one process, which ``holder`` names. ``monotonic`` counts seconds. Used by one thread."""

    def __init__(self, database: Database, holder: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.holder = holder
        self._database = database
        self._monotonic = monotonic
        self._seen: dict[str, tuple[str, int, float]] = {}
        self._held: dict[str, tuple[int, float]] = {}

    @property
    def held(self) -> tuple[str, ...]:
        return tuple(self._held)

    def look(self, prefix: str) -> dict[str, Seen]:
        """The leases whose names begin so."""
        with self._database.read() as session:
            query = select(LeaseRow.name, LeaseRow.holder, LeaseRow.beat).where(LeaseRow.name.startswith(prefix))
            rows = session.execute(query).all()
        now = self._monotonic()
        found = {}
        for name, holder, beat in rows:
            old = self._seen.get(name)
            since = old[2] if old is not None and old[:2] == (holder, beat) else now
            self._seen[name] = (holder, beat, since)
            found[name] = Seen(holder, beat, now - since)
        return found

    def take(self, name: str, expires_s: float = EXPIRES_SECONDS) -> bool:
        """Take a lease that nobody has, or that has not changed for so long before our eyes."""
        seen = self.look(name).get(name)
        begun = self._monotonic()
        if seen is None:
            taken = self._make(name)
        elif seen.holder == NOBODY or seen.unchanged_s >= expires_s:
            taken = self._change(name, seen.holder, seen.beat, self.holder)
        else:
            return False
        if taken:
            self._held[name] = (1 if seen is None else seen.beat + 1, begun)
        return taken

    def renew(self) -> tuple[str, ...]:
        """Renew what is held; the names of those that are lost: taken by others, or not renewed for too long.

        Never raises for records that are away: then time runs on.
        """
        lost = []
        for name, (beat, at) in list(self._held.items()):
            begun = self._monotonic()
            try:
                mine = self._change(name, self.holder, beat, self.holder)
            except GopsError:
                mine = None
            if mine:
                self._held[name] = (beat + 1, begun)
            elif mine is False or self._monotonic() - at > FENCE_SECONDS:
                del self._held[name]
                lost.append(name)
        return tuple(lost)

    def give_back(self, name: str) -> None:
        """Raises ``Unavailable``; then the lease ends by itself."""
        beat, _at = self._held.pop(name)
        self._change(name, self.holder, beat, NOBODY)

    def _make(self, name: str) -> bool:
        try:
            with self._database.write() as session:
                session.add(LeaseRow(name=name, holder=self.holder, beat=1))
                flush_unique(session, _Taken())
        except _Taken:
            return False
        return True

    def _change(self, name: str, holder: str, beat: int, to: str) -> bool:
        """Only if it is as it was."""
        row = update(LeaseRow).where(LeaseRow.name == name, LeaseRow.holder == holder, LeaseRow.beat == beat)
        with self._database.write() as session:
            changed: int = session.connection().execute(row.values(holder=to, beat=beat + 1)).rowcount
        return changed == 1


class _Taken(GopsError):
    """Somebody else was faster."""

    def __init__(self) -> None:
        super().__init__("the lease was taken")
