"""Numbered seats on a shared subscription: which of them this process sits on.

A broker keeps dealing the share of a lost member to it until its client id returns, so a seat is a client id, and
somebody has to sit on every seat that was ever taken. Who has none takes the first one that is free; a seat whose
holder is gone is taken by who has none, or a little later by who has few.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from gops import logs
from gops.errors import GopsError, Unavailable
from gops.records.leases import EXPIRES_SECONDS, RENEW_SECONDS, Leases

PREFIX = "seat "
LOOK_SECONDS = 0.5
COURTESY_SECONDS = 1.5  # that a holder of one seat leaves another one to those that have none; of two, twice that
log = logs.get(__name__)


class Sitter(Protocol):
    """What does the work of one seat; ``ingest.service.Ingest``."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Seats:
    """Call ``step`` every ``LOOK_SECONDS``. ``sit`` makes the sitter of a seat, which is started here."""

    def __init__(
        self,
        leases: Leases,
        sit: Callable[[int], Sitter],
        count: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sitters: dict[int, Sitter] = {}
        self._leases = leases
        self._sit = sit
        self._count = count
        self._monotonic = monotonic
        self._renewed = monotonic()
        self._stands_by = False

    def step(self) -> None:
        """Renew what is held and take what is due.

        Raises ``Unavailable`` (``seat_lost``) when a seat was lost: then the process must end, for somebody else has
        the seat or will have it soon.
        """
        now = self._monotonic()
        if now - self._renewed >= RENEW_SECONDS:
            self._renewed = now
            lost = self._leases.renew()
            if lost:
                raise Unavailable(f"{', '.join(lost)} could not be renewed in time", code="seat_lost")
        try:
            seat = self._due()
        except GopsError as error:
            log.warning("seats_unread", reason=error.message)
            return
        if seat is None:
            self._stand_by()
        else:
            log.info("seat_taken", seat=seat, held=len(self.sitters) + 1)
            sitter = self.sitters[seat] = self._sit(seat)
            sitter.start()

    def stop(self) -> None:
        """Finish what is at hand and give the seats back."""
        for seat, sitter in self.sitters.items():
            sitter.stop()
            try:
                self._leases.give_back(f"{PREFIX}{seat}")
            except GopsError as error:
                log.warning("seat_not_given_back", seat=seat, reason=error.message)
        self.sitters.clear()

    def _stand_by(self) -> None:
        if not self.sitters and not self._stands_by:
            self._stands_by = True
            log.info("standing_by", seats=self._count)

    def _due(self) -> int | None:
        """The number of a seat that was taken just now."""
        leases, held = self._leases.look(PREFIX), len(self.sitters)
        courtesy = held * COURTESY_SECONDS
        for seat in range(1, self._count + 1):
            found = leases.get(f"{PREFIX}{seat}")
            if seat in self.sitters or (found is None and held):
                continue  # nobody ever sat there, so the broker deals it nothing
            if found is not None and found.unchanged_s < courtesy + (EXPIRES_SECONDS if found.holder else 0.0):
                continue
            if self._leases.take(f"{PREFIX}{seat}"):
                return seat
        return None
