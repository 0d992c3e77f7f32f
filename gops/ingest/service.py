"""Ingest as a whole: the link to the broker, the thread that reads, and what both say of themselves."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gops import logs
from gops.clock import DAY, SECOND, Clock
from gops.ingest.commit import Committer
from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.decoded import Frame
from gops.ingest.mapping import Limits
from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.mqtt.health import LinkHealth
from gops.ingest.mqtt.link import LinkOptions, MqttLink
from gops.ingest.mqtt.probe import Verdict, probe
from gops.ingest.pipeline import Pipeline
from gops.ingest.refusals import Refusals
from gops.ingest.retry import Retry
from gops.ingest.secret import ingest_address
from gops.ingest.sources import Route, Sources
from gops.ingest.status import DeviceStatus
from gops.ingest.topics import INGEST_FILTERS
from gops.ingest.worker import Committed, IngestStats, IngestWorker, nobody
from gops.records.database import Database
from gops.records.events import Event
from gops.sensors.retention import Rule
from gops.settings import Settings
from gops.store.port import Store

PROBE_EVERY_SECONDS = 60.0
log = logs.get(__name__)


@dataclass(frozen=True)
class IngestHealth:
    """``ok`` is false while nothing comes in: no connection, a refused subscription, a store or records that fail.

    ``topics`` says whether the broker keeps devices to their own topics: ``open`` means that anybody may speak for any
    device there, ``unknown`` that it could not be asked.
    """

    ok: bool
    link: LinkHealth
    stats: IngestStats
    topics: Verdict
    waiting: int
    waiting_bytes: int
    problems: tuple[str, ...] = field(default=())


class Ingest:
    """``start`` and ``stop``. ``handlers`` belong into the event pump."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        store: Store,
        database: Database,
        route: Route,
        refusals: Refusals,
        status: DeviceStatus,
        *,
        address: BrokerAddress | None = None,
        committed: Committed = nobody,
        feeds: FeedRoutes | None = None,
        seat: int | None = None,
    ) -> None:
        self.seat = seat
        self._address = address or ingest_address(settings)
        self.sources = Sources(database, route, settings.mqtt_topics, Rule.of(settings), feeds)
        self.handlers: Mapping[str, Sequence[Callable[[Event], None]]] = self.sources.handlers
        self.link = MqttLink(self._address, link_options(settings, seat), clock, self._connected)
        frame = Frame(None, settings.message_readings, settings.message_depth, settings.message_bytes)
        pipeline = Pipeline(self.sources, frame, Limits.of(settings, store.capabilities), self.link.session)
        retry = Retry(clock)
        self.worker = IngestWorker(
            self.link,
            pipeline,
            Committer(store, refusals, pipeline, retry),
            status,
            retry,
            clock,
            batch_messages=settings.mqtt_batch,
            batch_rows=settings.mqtt_batch_rows,
            uncommitted=settings.mqtt_uncommitted,
            uncommitted_bytes=settings.mqtt_inbox_bytes,
            committed=committed,
        )
        self._topics: Verdict = "unknown"
        self._asked = -PROBE_EVERY_SECONDS

    def start(self) -> None:
        self.worker.start()
        self.link.start()

    def stop(self) -> None:
        """Commit and acknowledge the batch at hand; the broker keeps the rest for the next start."""
        self.worker.stop()
        self.link.stop()

    def health(self) -> IngestHealth:
        link, stats = self.link.health(), self.worker.stats()
        problems = []
        if not link.connected:
            problems.append(f"no connection to the MQTT broker: {link.last_error or 'no answer yet'}")
        if link.denied:
            problems.append(f"the broker does not let GOPS read {', '.join(link.denied)}")
        if not self.worker.is_alive:
            problems.append("ingest has stopped")
        if stats.trouble.at:
            problems.append(f"messages wait for the {stats.trouble.at}: {stats.trouble.reason}")
        ok = not problems
        if self._topics == "open":
            problems.append("the MQTT broker lets anybody publish under gops/v1/: devices can be impersonated")
        waiting, waiting_bytes = len(self.link.inbox), self.link.inbox.bytes
        return IngestHealth(ok, link, stats, self._topics, waiting, waiting_bytes, tuple(problems))

    def _connected(self) -> None:
        """Ask after each connection, since a restarted broker may be configured anew; not at every flicker."""
        now = time.monotonic()
        if now - self._asked < PROBE_EVERY_SECONDS:
            return
        self._asked = now
        threading.Thread(target=self._ask_about_topics, name="mqtt-probe", daemon=True).start()

    def _ask_about_topics(self) -> None:
        verdict = probe(self._address)
        if verdict == "open":
            log.warning("mqtt_topics_unguarded", broker=str(self._address), see="docs/brokers.md")
        self._topics = verdict


def link_options(settings: Settings, seat: int | None = None) -> LinkOptions:
    """Of ingest as a whole, or of one seat on its shared subscription."""
    name = settings.mqtt_client_id
    shared = tuple(f"$share/{share_name(settings)}/{one}" for one in INGEST_FILTERS)
    return LinkOptions(
        client_id=name if seat is None else f"{name}-{seat}",
        filters=INGEST_FILTERS if seat is None else shared,
        receive_maximum=settings.mqtt_receive_maximum,
        session_seconds=settings.mqtt_session_days * DAY // SECOND,
        message_bytes=settings.message_bytes,
        kept_bytes=settings.refusal_raw_bytes,
        inbox_messages=settings.mqtt_inbox,
        inbox_bytes=settings.mqtt_inbox_bytes,
        answers=settings.mqtt_answers,
    )


def share_name(settings: Settings) -> str:
    """Of the seats' shared subscription: all processes know it, and no device can guess it.

    Mosquitto 2.0 with an ACL file lets any client subscribe to anything and holds back the messages only. Whoever knew
    the name would be dealt a share of them, and they would be lost.
    """
    known = hashlib.pbkdf2_hmac("sha256", settings.mqtt_url.encode(), b"gops share 1", 10_000).hex()[:16]
    return f"{settings.mqtt_client_id}-{known}"
