"""Builds everything from settings, and is the only module that knows the adapters.

Importing it opens nothing. ``records`` serves commands that need the records alone; ``Platform`` is the whole
server, built in Granian's worker by ``wsgi``.
"""

from __future__ import annotations

import multiprocessing.util
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

from gops import __version__, logs, settings
from gops.accounts import lookup
from gops.accounts.keys import Keys
from gops.admin import AdminServer, Command
from gops.alerts.running import RunningAlerts, both
from gops.catalog.contents import Catalogued
from gops.catalog.drafts import Drafts
from gops.catalog.harvest.links import Links
from gops.catalog.harvest.running import Harvester
from gops.catalog.history.forgetting import Forgetting
from gops.catalog.hooks.sending import hook_sender
from gops.catalog.live import Live
from gops.catalog.quality.rating import graded
from gops.catalog.search.extents import Extents
from gops.catalog.snapshots.running import RunningSnapshots
from gops.catalog.views import Views
from gops.clock import Clock, SystemClock
from gops.errors import GopsError, Unavailable
from gops.figures.alerts import of_alerts
from gops.figures.jobs import of_jobs
from gops.figures.records import of_feeds, of_outbox, of_records
from gops.figures.store import StoreFigures
from gops.files.folder import FolderFiles
from gops.ingest.declared.links import FeedLinks
from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.feeds.names import feed_names
from gops.ingest.feeds.runner import FeedRunner
from gops.ingest.feeds.schedule import FeedSchedule
from gops.ingest.push.service import Pushes
from gops.ingest.refusal_asking import commands as replay_commands
from gops.ingest.refusal_replays import RefusalReplays
from gops.ingest.rules.asking import commands as quality_commands
from gops.ingest.rules.ruling import rules_over
from gops.jobs.scheduler import Jobs
from gops.keeping.initialising import initialise as initialise  # for whoever has the whole of GOPS at hand
from gops.keeping.life import life_of
from gops.keeping.service import Keeping
from gops.metrics import Metrics
from gops.notify.running import EVERY_SECONDS, sender
from gops.outbound.client import Outbound
from gops.process import end_with_parent
from gops.record_services import records
from gops.records.database import Database
from gops.records.events import Event
from gops.records.pump import EventPump
from gops.sensors.ageing import Ageing
from gops.sensors.correcting import commands
from gops.sensors.corrections import Corrections
from gops.sensors.retaining import Retaining
from gops.settings import Settings
from gops.store.port import Store
from gops.store.watched import WatchedStore
from gops.stores import open_store
from gops.testbed.appeals.settling import Settling

if TYPE_CHECKING:
    from gops.api.services import Services
    from gops.ingest.mqtt import BrokerAddress
    from gops.ingest.provisioning.service import BrokerSync
    from gops.ingest.service import Ingest

HOUR_SECONDS = 3600.0
CALLS_SECONDS = 10.0  # a call opens and closes at its time, and is looked at when it is asked for as well
SOON_SECONDS = 5.0
OWN_JOBS = 4  # threads that slow feeds cannot take: a snapshot, upkeep and retention may last, the rest are short
UPKEEP_MINUTE = "20"  # of every hour; days close at midnight
AGEING_MINUTE = "50"  # of every hour; there is something to do after midnight
log = logs.get(__name__)

Part = Literal["ingest", "jobs"]
WHOLE: frozenset[Part] = frozenset({"ingest", "jobs"})


@contextmanager
def keeping(chosen: Settings, clock: Clock) -> Iterator[Keeping]:
    """The upkeep of a store that no server holds. Raises ``Unavailable`` where there is none."""
    if not (chosen.data / "store").exists() and chosen.store == "duckdb":
        raise Unavailable(f"there is no store in {chosen.data}", expected="GOPS_DATA as the server has it")
    with closing(open_store(chosen)) as store, closing(Database.of(chosen)) as database:
        yield Keeping(chosen, clock, store, database)


@contextmanager
def broker_sync(chosen: Settings, clock: Clock) -> Iterator[BrokerSync]:
    """What keeps the logins of the broker, for a command beside or without a server."""
    from gops.ingest.provisioning.service import BrokerSync

    with closing(Database.of(chosen)) as database:
        yield BrokerSync(chosen, clock, database)


def device_address(chosen: Settings, address: str, secret: str) -> BrokerAddress:
    """Where a device logs in, and as whom."""
    from gops.ingest.mqtt import BrokerAddress, parse

    if chosen.mqtt_url:
        return replace(parse(chosen.mqtt_url, chosen.mqtt_ca), username=address, password=secret)
    return BrokerAddress(chosen.mqtt_broker_host, chosen.mqtt_broker_port, username=address, password=secret)


class Platform:
    """The running server: records, store, events, ingest, admin socket, HTTP.

    ``parts`` are those that run in this process, which is called ``process`` where there are several.
    """

    def __init__(self, chosen: Settings, clock: Clock, parts: frozenset[Part] = WHOLE, process: str = "") -> None:
        from gops.ingest.provisioning.service import BrokerSync
        from gops.ingest.service import Ingest

        self.settings = chosen
        self.clock = clock
        self._parts = parts
        self._process = process
        self.metrics = Metrics()
        self.records = own = records(chosen, clock, lambda datastream: bool(self.store.extent([datastream])))
        self.live = Live(own.database)
        engine = open_store(chosen, process)
        self.alerts = RunningAlerts(own.database, clock, chosen, engine)
        told = both(self.live.after_commit, self.alerts.after_commit)
        self.rules = rules_over(WatchedStore(engine, told), own.database, clock, chosen)
        self.store: Store = self.rules.store
        self.keeping = Keeping(chosen, clock, engine, own.database)
        self.feed_routes = FeedRoutes(own.database, chosen)
        own.declared.watched.traffic = self.feed_routes.traffic.get
        self.ingest: Ingest = Ingest(
            chosen,
            clock,
            self.store,
            own.database,
            own.mappings.route,
            own.refusals,
            own.device_status,
            committed=self.metrics.committed,
            feeds=self.feed_routes,
        )
        self.feed_links = FeedLinks(
            chosen, clock, self.store, own.database, self.feed_routes, own.refusals, Outbound.of(chosen)
        )
        own.declared.watched.link = self.feed_links.health
        self.live.publish = self.alerts.sender.publish = self.ingest.link.publish
        self.broker_sync = BrokerSync(chosen, clock, own.database)
        self.corrections = Corrections(own.database, clock, chosen, self.store)
        self.pushes = Pushes(own.database, clock, chosen, self.store, own.refusals, own.mappings.route)
        self.replays = RefusalReplays(own.database, clock, chosen, self.store, own.refusals, own.mappings.route)
        self.jobs = Jobs(chosen.zone, chosen.feed_threads + OWN_JOBS)
        runner = FeedRunner(
            own.database, clock, chosen, Outbound.of(chosen), self.store, own.refusals, stopping=self.jobs.stopping
        )
        self.ageing = Ageing(own.database, clock, chosen, self.store, self.jobs.stopping)
        self.schedule = FeedSchedule(own.database, self.jobs, runner)
        self.views = Views(own.database, clock, chosen, self.store, feed_names)
        own.search.seeing = graded(Extents(own.database, self.store, clock).seen, self.views)
        self.hooks = hook_sender(own.database, clock, chosen, self.jobs.stopping)
        self.drafts = Drafts(own.database, clock, chosen, feed_names)
        files = FolderFiles(chosen.data / "files")
        kept = (own.documents.references, own.filed.references)
        self.snapshots = RunningSnapshots(own.database, clock, chosen, self.store, files, self.jobs, kept)
        self.pump = EventPump(
            own.database,
            _joined(
                self.feed_routes.handlers,  # before ingest: it asks them anew
                self.ingest.handlers,
                self.feed_links.handlers,
                self.rules.handlers,
                self.live.handlers,
                self.alerts.handlers,
                self.schedule.handlers,
                self.drafts.handlers,
                self.hooks.handlers,
                own.search.handlers,
                self.snapshots.handlers,
                self.broker_sync.handlers,
                _account_handlers(own.keys),
            ),
            chosen.events_poll_ms,
            keep_days=chosen.events_days if "jobs" in parts else None,
            clock=clock,
        )
        self._watch(engine)
        self._admin: AdminServer | None = None

    def _watch(self, engine: Store) -> None:
        from gops.figures.ingest import of_ingest

        own, watch = self.records, self.metrics.watch
        if "ingest" in self._parts:
            watch("ingest", lambda: of_ingest([self.ingest], self.clock))
        watch("store", StoreFigures(engine).read)
        watch("jobs", lambda: of_jobs(self.jobs))
        watch("records", lambda: of_records(own.database))
        watch("feeds", lambda: of_feeds(own.database, self.clock, self.settings.zone))
        watch("alerts", lambda: of_alerts(own.database))
        watch("outbox", lambda: of_outbox(self.settings.data / "outbox"))

    def start(self) -> None:
        self.pump.start()
        self.rules.counts.start()
        self.live.start()
        self.records.usage.start()
        if "ingest" in self._parts:
            self.ingest.start()
            self.alerts.start()  # where the connection is that takes messages to devices
        if "jobs" in self._parts:
            self.broker_sync.start()
            self.feed_links.start()
            self._start_jobs()
        place = self.settings.socket_of(self._process) if self._process else self.settings.admin_socket
        self._admin = AdminServer(place, self._commands())
        log.info("gops_started", version=__version__, pid=os.getpid(), store=self.settings.store)

    def _start_jobs(self) -> None:
        self.jobs.every("old quality counts", HOUR_SECONDS, self.rules.counts.forget_old)
        self.jobs.every("alerts", HOUR_SECONDS, self.alerts.forget_old)
        self.jobs.every("refusals", HOUR_SECONDS, self.records.refusals.forget_old)
        self.replays.start(self.jobs)
        self.jobs.every("push keys", HOUR_SECONDS, self.pushes.keys.forget_old)
        self.jobs.hourly("retention", AGEING_MINUTE, self.ageing.run)
        self.jobs.every("drafts", HOUR_SECONDS, self.drafts.reconcile, at_once=True)
        self.jobs.every("search", HOUR_SECONDS, self.records.search.refresh, at_once=True)
        self.jobs.every("calls", CALLS_SECONDS, self.records.clocks.advance, at_once=True)
        own, told = self.records, sender(self.records.database, self.clock, self.settings, self.jobs.stopping)
        self.jobs.every("notices", EVERY_SECONDS, told.run, at_once=True)
        self.jobs.every("old notices", HOUR_SECONDS, told.forget_old)
        self.jobs.every("rounds", CALLS_SECONDS, Settling(own.database, self.clock, self.settings, own.rounds).run)
        own.round_jobs.start(self.jobs)
        if self.settings.store_upkeep:
            self.jobs.hourly("store", UPKEEP_MINUTE, lambda: self.keeping.run(self.jobs.stopping))
        self.snapshots.start()
        self.drafts.on_change(lambda: self.jobs.soon("drafts", SOON_SECONDS))
        self.hooks.schedule(self.jobs)
        Harvester.of(own.database, self.clock, self.settings, self.jobs.stopping).schedule(self.jobs)
        Links.of(own.database, self.clock, self.settings, self.jobs.stopping).schedule(self.jobs)
        self.jobs.every("old news", HOUR_SECONDS, Forgetting(own.database, self.clock, self.settings).run)
        self.jobs.start()
        self.schedule.start()

    def close(self) -> None:
        """Finish what is at hand, in the order of the data's way."""
        if self._admin:
            self._admin.close()
        self.jobs.stop()
        if "jobs" in self._parts:
            self.broker_sync.stop()
        if "jobs" in self._parts:
            self.feed_links.stop()
        if "ingest" in self._parts:
            self.ingest.stop()
        self.pump.stop()
        self.alerts.stop()
        self.store.close()
        self.rules.counts.close()
        self.records.usage.close()
        self.records.database.close()
        log.info("gops_stopped", pid=os.getpid())

    def services(self) -> Services:
        from gops.api.services import Services

        own = self.records
        return Services(
            **own.offered(),
            corrections=self.corrections,
            pushes=self.pushes,
            replays=self.replays,
            retaining=Retaining(
                own.database, self.clock, self.settings, lookup, lambda: self.store.capabilities.deletes_range
            ),
            quality=self.rules.service,
            catalogued=Catalogued(own.database),
            views=self.views,
            snapshots=self.snapshots.service,
            store=self.store,
            clock=self.clock,
            settings=self.settings,
            health=self.health,
            life=life_of(self.settings.data),
            metrics=self.metrics,
        )

    def health(self) -> dict[str, Any]:
        """Ready when records and store answer real queries and readings come in."""
        store = self.store.health()
        components: dict[str, dict[str, Any]] = {
            "records": _asked(self.records.database.check),
            "store": {"ok": store.ok, **store.detail},
        }
        if "ingest" in self._parts:
            ingest = self.ingest.health()
            components["ingest"] = {"ok": ingest.ok, "topics": ingest.topics, "problems": list(ingest.problems)}
        return {"ok": all(part["ok"] for part in components.values()), "components": components}

    def _commands(self) -> Mapping[str, Command]:
        own = commands(self.corrections, self.records.database, lookup)
        return {
            "status": lambda _arguments, _progress: self.status(),
            "metrics": lambda _arguments, _progress: self.metrics.text().decode(),
            "broker-sync": lambda _arguments, _progress: asdict(self.broker_sync.run()),
            **self.keeping.commands(),
            **own,
            **quality_commands(self.rules.service, self.records.database, lookup),
            **replay_commands(self.replays, self.records.database, lookup),
        }

    def status(self) -> dict[str, Any]:
        """What ``gops status`` shows: health, and ingest's counters."""
        ingest = self.ingest.health()
        return {
            "pid": os.getpid(),
            "version": __version__,
            **self.health(),
            "upkeep": self.keeping.state(),
            "broker_sync": self.broker_sync.state(),
            "ingest": {
                "link": asdict(ingest.link),
                "stats": asdict(ingest.stats),
                "waiting": ingest.waiting,
                "waiting_bytes": ingest.waiting_bytes,
            },
        }


def _asked(check: Callable[[], None]) -> dict[str, Any]:
    try:
        check()
    except GopsError as error:
        return {"ok": False, "problem": error.message}
    return {"ok": True}


Handlers = Mapping[str, Sequence[Callable[[Event], None]]]


def _account_handlers(keys: Keys) -> Handlers:
    return {"key.revoked": (keys.forget,), "member.changed": (keys.forget,)}


def _joined(*tables: Handlers) -> Handlers:
    joined: defaultdict[str, list[Callable[[Event], None]]] = defaultdict(list)
    for table in tables:
        for kind, handlers in table.items():
            joined[kind] += handlers
    return joined


def wsgi() -> Callable[..., Any]:
    """What Granian's worker loads: the whole platform, started, and closed when the worker ends."""
    end_with_parent()
    chosen = settings.load()
    logs.configure(chosen.log_level, chosen.log_style)
    platform = Platform(chosen, SystemClock())
    multiprocessing.util.Finalize(platform, platform.close, exitpriority=100)
    platform.start()
    return web(platform.services(), chosen)


def web(services: Services, chosen: Settings) -> Callable[..., Any]:
    """The API and the pages over one set of services."""
    from gops import portal
    from gops.api.app import create_app, openapi_document
    from gops.api.bodies import in_turn

    app = create_app(services, chosen, portal.error_page)
    app.wsgi_app = in_turn(app.wsgi_app, chosen.http_threads, chosen.http_body_bytes)  # type: ignore[method-assign]
    portal.register(app, services, lambda: openapi_document(app))
    return app
