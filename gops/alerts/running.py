"""Alerts in a running server: evaluation and sending, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pyarrow as pa

from gops.alerts import transitions
from gops.alerts.evaluating import Evaluator
from gops.alerts.lease import Lease
from gops.alerts.sending import Letters, Sender
from gops.alerts.watching import SWEEP_SECONDS, Watching
from gops.clock import Clock
from gops.notify.channels import letters as letters_of
from gops.notify.webhook import Webhook
from gops.outbound import Bounds, Outbound
from gops.records.database import Database
from gops.records.events import Event
from gops.settings import Settings
from gops.store.port import Receipt, Store

WEBHOOK_SECONDS = 10.0  # a receiver takes a message and thinks about it later
AfterCommit = Callable[[pa.Table, Receipt], None]


class RunningAlerts:
    """``after_commit`` belongs onto the store, ``handlers`` into the event pump; ``sender.publish`` may come later.

    ``sweep_seconds``: how often the store is looked at. ``shared``: other processes commit too, maybe the reading
    before one that this process commits; so the store alone says what there is, and commits are not heard.

    ``start`` where there is a connection to the broker, in each process that has one; ``stop`` before the store closes.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        store: Store,
        letters: Letters | None = None,
        *,
        sweep_seconds: float = SWEEP_SECONDS,
        shared: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        lease = Lease(database, clock)
        self.evaluator = Evaluator(database, clock, settings, store, lease, shared=shared)
        self.watching = Watching(self.evaluator, lease, clock, settings.alert_queue, sweep_seconds)
        bounds = Bounds.of(settings)
        outbound = Outbound(replace(bounds, total=min(bounds.total, WEBHOOK_SECONDS)), settings.outbound_allow)
        letters = letters or letters_of(settings, clock)
        self.sender = Sender(database, clock, Webhook(outbound, clock), letters, lease)
        self.watching.on_events = self.sender.wake
        self.after_commit = _pass_over if shared else self.watching.after_commit
        self.handlers: Mapping[str, Sequence[Callable[[Event], None]]] = self.watching.handlers

    def start(self) -> None:
        self.watching.start()
        self.sender.start()

    def stop(self) -> None:
        self.sender.stop()
        self.watching.stop()

    def forget_old(self) -> None:
        """Delete events that are older than the setting alert_days."""
        with self._database.write() as session:
            transitions.forget_before(session, self._clock.micros(), self._settings.alert_days)


def _pass_over(_batch: pa.Table, _receipt: Receipt) -> None:
    """The store is looked at instead."""


def both(first: AfterCommit, second: AfterCommit) -> AfterCommit:
    """Tell two who look on at a store's commits, the first one first."""
    return partial(_both, first, second)


def _both(first: AfterCommit, second: AfterCommit, batch: pa.Table, receipt: Receipt) -> None:
    try:
        first(batch, receipt)
    finally:
        second(batch, receipt)
