"""One process of a house evaluates and sends alerts: who holds the lease. It is renewed long before it ends."""

from __future__ import annotations

import os
import secrets

from sqlalchemy import update
from sqlalchemy.orm import Session

from gops.alerts.model import AlertLease
from gops.clock import SECOND, Clock
from gops.errors import Conflict
from gops.records.database import Database, serialise

NAME = "alerts"
LASTS = 60 * SECOND
RENEW = 20 * SECOND


class Lease:
    """``hold`` often; ``confirm`` within each write unit that must not come from two processes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._holder = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._until = 0

    @property
    def held(self) -> bool:
        return self._clock.micros() < self._until

    def hold(self) -> bool:
        """Take or renew the lease where that is due; whether it is held. Raises ``Unavailable``."""
        now = self._clock.micros()
        if now < self._until - LASTS + RENEW:
            return True
        with self._database.write() as session:
            serialise(session, NAME)
            row = session.get(AlertLease, NAME)
            if row is None:
                session.add(AlertLease(name=NAME, holder=self._holder, until=now + LASTS))
            elif row.holder == self._holder or not now <= row.until <= now + LASTS:  # a clock set back holds nobody up
                row.holder, row.until = self._holder, now + LASTS
            else:
                self._until = 0
                return False
        self._until = now + LASTS
        return True

    def confirm(self, session: Session) -> None:
        """Raises ``Conflict`` when another process has taken it meanwhile."""
        serialise(session, NAME)
        row = session.get(AlertLease, NAME)
        if row is None or row.holder != self._holder:
            self._until = 0
            raise Conflict("another process evaluates alerts now", code="lease_lost")

    def give_up(self) -> None:
        """Let another process take it at once."""
        if self._until:
            self._until = 0
            with self._database.write() as session:
                session.execute(
                    update(AlertLease).where(AlertLease.name == NAME, AlertLease.holder == self._holder).values(until=0)
                )
