"""GOPS in several processes over a store that is a server: ``gops ingest`` (any number), ``gops api``, ``gops feeds``
(one works, others stand by). What one of them alone may do it has a lease for, in the records.
"""

from __future__ import annotations

import multiprocessing.util
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from gops import __version__, logs, settings
from gops.admin import AdminServer
from gops.alerts.running import RunningAlerts, both
from gops.catalog.live import Live
from gops.clock import Clock, SystemClock
from gops.compose import Platform, web
from gops.errors import BadSetting, Unavailable
from gops.figures.alerts import of_alerts
from gops.figures.ingest import of_ingest
from gops.figures.records import of_records
from gops.figures.store import StoreFigures
from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.rules.ruling import rules_over
from gops.ingest.seats import LOOK_SECONDS, Seats
from gops.ingest.service import Ingest
from gops.metrics import Metrics
from gops.process import end_with_parent
from gops.record_services import records
from gops.records.database import Database
from gops.records.events import Event
from gops.records.leases import RENEW_SECONDS, Leases
from gops.records.pump import EventPump
from gops.settings import Settings
from gops.store.watched import WatchedStore
from gops.stores import open_store

SHARED = ("victoria",)
WHY_NOT = {
    "duckdb": "the embedded store is held by one process",
    "influx": "GOPS on InfluxDB reads, compares and writes, which is right only while nobody else writes",
    "memory": "the store in memory is one process's own",
}
JOBS = "jobs"
ALERT_SWEEP_SECONDS = 5.0  # pushes, feeds and other seats commit elsewhere, and one process alone evaluates
log = logs.get(__name__)


def check(chosen: Settings) -> None:
    """Raises ``BadSetting`` where one process has to do it all."""
    if chosen.store not in SHARED:
        raise BadSetting(
            f"GOPS_STORE={chosen.store} does not go with separate processes: {WHY_NOT[chosen.store]}",
            field="GOPS_STORE",
            found=chosen.store,
            expected=f"`gops run`, or GOPS_STORE={' or '.join(SHARED)}",
        )
    if not chosen.mqtt_url:
        raise BadSetting(
            "the embedded broker knows no shared subscriptions and belongs to `gops run`",
            field="GOPS_MQTT_URL",
            expected="the address of a broker in GOPS_MQTT_URL",
        )


def holder() -> str:
    """Names this process in leases, and no other one ever."""
    return f"{socket.gethostname()[:60]} {os.getpid()} {secrets.token_hex(4)}"


class IngestProcess:
    """Ingest on one or more seats. The store is opened with the first one, whose number names this writer."""

    def __init__(self, chosen: Settings, clock: Clock) -> None:
        self._settings = chosen
        self._clock = clock
        self._metrics = Metrics()
        self._ingests: dict[int, Ingest] = {}
        self._own = records(chosen, clock)
        self._live = Live(self._own.database)
        self._routes = FeedRoutes(self._own.database, chosen)
        self.seats = Seats(Leases(self._own.database, holder()), self._sit, chosen.ingest_seats)
        self._admin: AdminServer | None = None

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop, or a seat is lost (``Unavailable``)."""
        try:
            while not stopping.wait(LOOK_SECONDS):
                self.seats.step()
        finally:
            self._close()

    def _sit(self, seat: int) -> Ingest:
        if not self._ingests:
            self._open(seat)
        made = Ingest(
            self._settings,
            self._clock,
            self._store,
            self._own.database,
            self._own.mappings.route,
            self._own.refusals,
            self._own.device_status,
            committed=self._metrics.committed,
            feeds=self._routes,
            seat=seat,
        )
        self._ingests[seat] = made
        return made

    def _open(self, seat: int) -> None:
        name = f"ingest-{seat}"
        self._engine = open_store(self._settings, name)
        self._alerts = RunningAlerts(
            self._own.database,
            self._clock,
            self._settings,
            self._engine,
            sweep_seconds=ALERT_SWEEP_SECONDS,
            shared=True,
        )
        watched = WatchedStore(self._engine, both(self._live.after_commit, self._alerts.after_commit))
        self._rules = rules_over(watched, self._own.database, self._clock, self._settings)
        self._rules.counts.start()
        self._store = self._rules.store
        self._live.publish = self._alerts.sender.publish = self._publish
        self._pump = EventPump(self._own.database, {"*": (self._heard,)}, self._settings.events_poll_ms)
        self._pump.start()
        self._live.start()
        self._alerts.start()
        self._metrics.watch("ingest", lambda: of_ingest(list(self._ingests.values()), self._clock))
        self._metrics.watch("store", StoreFigures(self._engine).read)
        self._metrics.watch("records", lambda: of_records(self._own.database))
        self._metrics.watch("alerts", lambda: of_alerts(self._own.database))
        commands = {"status": lambda _a, _p: self.status(), "metrics": lambda _a, _p: self._metrics.text().decode()}
        self._admin = AdminServer(self._settings.socket_of(name), commands)
        log.info("gops_started", version=__version__, pid=os.getpid(), process=name)

    def _heard(self, event: Event) -> None:
        tables = (self._routes.handlers, self._rules.handlers, self._live.handlers, self._alerts.handlers)
        for table in (*tables, *(one.handlers for one in tuple(self._ingests.values()))):
            for handler in table.get(event.kind, ()):
                handler(event)

    def _publish(self, topic: str, payload: bytes) -> bool:
        return any(one.link.publish(topic, payload) for one in tuple(self._ingests.values()))

    def status(self) -> dict[str, Any]:
        healths = {seat: one.health() for seat, one in tuple(self._ingests.items())}
        ok = all(one.ok for one in healths.values())
        seats = {str(seat): asdict(health) for seat, health in healths.items()}
        return {"pid": os.getpid(), "version": __version__, "ok": ok, "seats": seats}

    def _close(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self.seats.stop()
            self._pump.stop()
            self._alerts.stop()
            self._store.close()
            self._rules.counts.close()
        self._own.database.close()


def api() -> Callable[..., Any]:
    """What Granian's worker loads for ``gops api``."""
    end_with_parent()
    chosen = settings.load()
    logs.configure(chosen.log_level, chosen.log_style)
    platform = Platform(chosen, SystemClock(), frozenset(), "api")
    multiprocessing.util.Finalize(platform, platform.close, exitpriority=100)
    platform.start()
    return web(platform.services(), chosen)


def run_jobs(chosen: Settings, clock: Clock, stopping: threading.Event) -> None:
    """Wait for the lease, then pull feeds and do all jobs by the clock until told to stop, or until it is lost
    (``Unavailable``)."""
    with _lease(chosen, JOBS, stopping) as leases:
        if leases is None:
            return
        platform = Platform(chosen, clock, frozenset({"jobs"}), "feeds")
        platform.start()
        try:
            while not stopping.wait(RENEW_SECONDS):
                if leases.renew():
                    raise Unavailable("the lease of jobs could not be renewed in time")
        finally:
            platform.close()


@contextmanager
def _lease(chosen: Settings, name: str, stopping: threading.Event) -> Iterator[Leases | None]:
    """The lease, once it is ours; None when it is time to stop."""
    database = Database.of(chosen)
    leases = Leases(database, holder())
    try:
        while not leases.take(name):
            if stopping.wait(LOOK_SECONDS):
                yield None
                return
        log.info("lease_taken", lease=name)
        yield leases
        if name in leases.held:
            leases.give_back(name)
    finally:
        database.close()
