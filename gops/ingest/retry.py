"""Trying again until the store and the records are back, ever slower, and saying meanwhile what is down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gops import logs
from gops.clock import Clock
from gops.errors import Unavailable

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
log = logs.get(__name__)
T = TypeVar("T")


class Stopping(Exception):
    """Ingest ends: leave the batch where it is, unacknowledged."""


@dataclass(frozen=True)
class Trouble:
    """``at`` names what is tried again now, empty when all is well; ``since`` in microseconds."""

    at: str = ""
    reason: str = ""
    since: int | None = None


class Retry:
    """``stop`` ends every waiting. The first one takes ``first_pause_s``, each further one twice as long."""

    def __init__(self, clock: Clock, first_pause_s: float = FIRST_PAUSE_SECONDS) -> None:
        self.trouble = Trouble()
        self.failures = 0
        self._clock = clock
        self._first_pause_s = first_pause_s
        self._stopping = threading.Event()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        self._stopping.set()

    def until_done(
        self, at: str, step: Callable[[], T], spare: Callable[[Exception, int], T | None] | None = None
    ) -> T:
        """What ``step`` returns once it succeeds. Raises ``Stopping`` at the end.

        ``spare`` gets an error that waiting won't mend, and how often it came; what it returns is taken instead.
        """
        tries = 0
        while True:
            try:
                done = step()
            except Stopping:
                raise
            except Exception as error:
                tries += 1
                other = None
                if not isinstance(error, Unavailable):
                    log.exception("ingest_failed", at=at)
                    other = spare(error, tries) if spare else None
                if other is not None:
                    return self._well(other)
                self._wait(at, error, tries)
            else:
                return self._well(done)

    def _wait(self, at: str, error: Exception, tries: int) -> None:
        if not self.trouble.at:
            reason = error.message if isinstance(error, Unavailable) else type(error).__name__
            log.error("ingest_waits", at=at, reason=reason)
            self.trouble = Trouble(at, reason, self._clock.micros())
        self.failures += 1
        if self._stopping.wait(min(LONGEST_PAUSE_SECONDS, self._first_pause_s * 2 ** min(tries - 1, 10))):
            raise Stopping

    def _well(self, done: T) -> T:
        if self.trouble.at:
            log.info("ingest_goes_on", after=self.trouble.at)
            self.trouble = Trouble()
        return done
