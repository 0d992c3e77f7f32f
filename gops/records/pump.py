"""Carries events from the outbox to who wants to know, in every process: a thread that polls.

What a handler learns it learns once and in order, at most ``poll_ms`` (and a read) after the commit; ``wake`` is the
shortcut inside the process that made the change. A handler that fails is logged and neither stops the pump nor
keeps the others from hearing; one that raises ``Unavailable`` is told again at each poll, for what it reads may be
back then. So it may hear of an older event after a newer one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from gops import logs
from gops.clock import DAY, HOUR, Clock, SystemClock
from gops.errors import GopsError, Unavailable
from gops.records import events
from gops.records.database import Database
from gops.records.events import Event

Handler = Callable[[Event], None]
STOP_SECONDS = 10.0
MOST_AGAIN = 1000  # handlers and events that wait to be told again; then the oldest are given up
log = logs.get(__name__)


class EventPump:
    """``handlers`` by event kind; the kind ``*`` hears everything. With ``keep_days`` older events are dropped, hourly:
    one process of a house does that."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Sequence[Handler]],
        poll_ms: int,
        *,
        keep_days: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._poll_seconds = poll_ms / 1000
        self._keep_days = keep_days
        self._clock = clock or SystemClock()
        self._seen = 0
        self._tidied = 0
        self._again: deque[tuple[Handler, Event]] = deque(maxlen=MOST_AGAIN)
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin after the newest event: what is committed once this returns will be heard."""
        with self._database.read() as session:
            self._seen = events.newest(session)
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wake(self) -> None:
        """Look now rather than at the next poll."""
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                more = self.deliver()
                self._tidy()
            except GopsError as error:  # the records are busy or down; the next poll tries again
                log.warning("events.unreadable", reason=error.message)
                more = False
            except Exception:
                log.exception("events.failed")
                more = False
            if not more:
                self._woken.wait(self._poll_seconds)
                self._woken.clear()

    def deliver(self) -> bool:
        """Hand on what is new; true when something was."""
        with self._database.read() as session:
            found = events.since(session, self._seen)
        for _ in range(len(self._again)):
            self._tell(*self._again.popleft())
        for event in found:
            for handler in (*self._handlers.get(event.kind, ()), *self._handlers.get("*", ())):
                self._tell(handler, event)
            self._seen = event.sequence
        return bool(found)

    def _tell(self, handler: Handler, event: Event) -> None:
        try:
            handler(event)
        except Unavailable as error:
            log.warning("event.handler_waits", kind=event.kind, sequence=event.sequence, reason=error.message)
            self._again.append((handler, event))
        except Exception:
            log.exception("event.handler_failed", kind=event.kind, sequence=event.sequence)

    def _tidy(self) -> None:
        now = self._clock.micros()
        if self._keep_days is None or now - self._tidied < HOUR:
            return
        self._tidied = now
        with self._database.write() as session:
            events.forget_before(session, now - self._keep_days * DAY)
