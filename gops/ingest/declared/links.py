"""Feeds of other brokers: a connection each, with a session of its own, read and committed like devices' messages.

One thread opens and closes them, as events say that a feed has changed; a changed mapping needs neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy import select

from gops import logs
from gops.clock import Clock
from gops.errors import GopsError, Unavailable
from gops.ingest.commit import Committer
from gops.ingest.declared import filters
from gops.ingest.declared.routes import FeedRoutes, stored
from gops.ingest.decoded import Frame
from gops.ingest.feeds.model import Feed
from gops.ingest.mapping import Limits
from gops.ingest.mqtt import BrokerAddress, LinkHealth, LinkOptions, MqttLink
from gops.ingest.mqtt import parse as parse_address
from gops.ingest.pipeline import Pipeline
from gops.ingest.refusals import Refusals
from gops.ingest.refused import Refused, shown
from gops.ingest.retry import Retry
from gops.ingest.sources import Source
from gops.ingest.status import DeviceStatus
from gops.ingest.worker import IngestWorker
from gops.outbound import Outbound
from gops.records.database import Database
from gops.records.events import Event
from gops.settings import Settings
from gops.store.port import Store

INBOX_MESSAGES = 5000
INBOX_BYTES = 1 << 23  # of each link
RETRY_SECONDS = 5.0  # while the records are away
STOP_SECONDS = 60.0
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Login:
    """What a connection depends on; ``secret`` is never shown."""

    url: str
    filter: str
    username: str
    secret: str

    @classmethod
    def of(cls, feed: Feed) -> Login:
        source = stored(feed).source
        return cls(source.url, source.filter, source.username, feed.secret)

    def __repr__(self) -> str:
        return f"Login({self.url}, {self.filter})"

    def session(self, base: str, feed_id: int) -> str:
        """Another broker, user or filter is another session: the old one has other subscriptions."""
        whole = "\0".join((self.url, self.username, self.filter))
        return f"{base}-feed-{feed_id}-{sha256(whole.encode()).hexdigest()[:8]}"


class FeedSpeaker:
    """Everything on a link belongs to its feed, as it is declared at that moment."""

    def __init__(self, routes: FeedRoutes, feed_id: int, organisation_id: int) -> None:
        self._routes = routes
        self._feed_id = feed_id
        self._organisation_id = organisation_id

    def load(self, wanted: Iterable[str]) -> None:
        """There is one feed to know."""

    def get(self, topic: str) -> Source:
        route = self._routes.of_broker(self._feed_id)
        if route is not None and filters.matches(route.levels, topic):
            return Source("", route.codec, None, None, route.organisation_id, route)
        note = f"found {shown(topic)}, which the feed does not read"
        refused = Refused("foreign_topic", None, "", note)
        return Source("", None, None, refused, self._organisation_id, route)


class _Running:
    """A connection and the thread that commits what it brings."""

    def __init__(self, login: Login, link: MqttLink, worker: IngestWorker) -> None:
        self.login = login
        self.link = link
        self._worker = worker

    def start(self) -> None:
        self._worker.start()
        self.link.start()

    def stop(self) -> None:
        self._worker.stop()
        self.link.stop()


class FeedLinks:
    """``start`` and ``stop``. ``handlers`` belong into the event pump, behind those of the routes."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        store: Store,
        database: Database,
        routes: FeedRoutes,
        refusals: Refusals,
        outbound: Outbound,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._store = store
        self._database = database
        self._routes = routes
        self._refusals = refusals
        self._outbound = outbound
        self._running: dict[int, _Running] = {}
        self._waiting: dict[int, str] = {}  # feeds that have no link, and why
        self._changed: set[int] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed-links", daemon=True)
        self.handlers: dict[str, tuple[Callable[[Event], None], ...]] = {"feed.changed": (self._feed_changed,)}

    def start(self) -> None:
        with self._database.read() as session:
            self._changed |= set(session.scalars(select(Feed.id).where(Feed.kind == "broker", Feed.enabled)))
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """Commit and acknowledge what is at hand; the brokers keep the rest."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        for one in self._running.values():
            one.stop()
        self._running.clear()

    def health(self, feed_id: int) -> LinkHealth | None:
        """None for a feed that has no link and needs none."""
        running = self._running.get(feed_id)
        if running is not None:
            return running.link.health()
        why = self._waiting.get(feed_id)
        return None if why is None else LinkHealth(last_error=why)

    def _feed_changed(self, event: Event) -> None:
        with self._lock:
            self._changed.add(event.payload["feed"])
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                changed, self._changed = self._changed, set()
            for feed_id in sorted(changed):
                self._look(feed_id)

    def _look(self, feed_id: int) -> None:
        """Bring the link of a feed in line with its declaration."""
        if self._stopping.is_set():
            return
        try:
            self._align(feed_id)
        except Unavailable as error:
            log.warning("feed_link_waits", feed=feed_id, reason=error.message)
            if not self._stopping.wait(RETRY_SECONDS):
                with self._lock:
                    self._changed.add(feed_id)
                self._wake.set()
        except Exception:  # a mistake with one feed must not keep the others from being looked at
            log.exception("feed_link_failed", feed=feed_id)

    def _align(self, feed_id: int) -> None:
        with self._database.read() as session:
            feed = session.get(Feed, feed_id)
        wanted = Login.of(feed) if feed is not None and feed.enabled and feed.kind == "broker" else None
        running = self._running.get(feed_id)
        if running is not None and running.login != wanted:
            del self._running[feed_id]
            running.stop()
            running = None
            self._waiting_again()
        self._waiting.pop(feed_id, None)
        if feed is None or wanted is None or running is not None:
            return
        if len(self._running) >= self._settings.feed_links:
            most = self._settings.feed_links
            self._waiting[feed_id] = f"{most} feeds have connections already (GOPS_FEED_LINKS)"
            return
        self._running[feed_id] = self._open(feed, wanted)
        self._running[feed_id].start()

    def _waiting_again(self) -> None:
        """A link was closed: others may have its place."""
        with self._lock:
            self._changed |= self._waiting.keys()
        self._wake.set()

    def _open(self, feed: Feed, login: Login) -> _Running:
        settings = self._settings
        address = parse_address(login.url, settings.mqtt_ca).login(login.username or None, login.secret or None)
        options = LinkOptions(
            client_id=login.session(settings.mqtt_client_id, feed.id),
            receive_maximum=settings.mqtt_receive_maximum,
            session_seconds=settings.mqtt_session_days * 86_400,
            message_bytes=settings.message_bytes,
            kept_bytes=settings.refusal_raw_bytes,
            inbox_messages=INBOX_MESSAGES,
            inbox_bytes=INBOX_BYTES,
            answers=1,
            filters=(login.filter,),
        )
        link = MqttLink(address, options, self._clock, locate=lambda: self._locate(address))
        speaker = FeedSpeaker(self._routes, feed.id, feed.organisation_id)
        pipeline = Pipeline(speaker, Frame.of(settings), Limits.of(settings, self._store.capabilities), link.session)
        retry = Retry(self._clock)
        worker = IngestWorker(
            link,
            pipeline,
            Committer(self._store, self._refusals, pipeline, retry),
            DeviceStatus(self._database, self._clock),
            retry,
            self._clock,
            batch_messages=settings.mqtt_batch,
            batch_rows=settings.mqtt_batch_rows,
            uncommitted=settings.mqtt_uncommitted,
            uncommitted_bytes=INBOX_BYTES,
        )
        return _Running(login, link, worker)

    def _locate(self, address: BrokerAddress) -> Sequence[str]:
        """The checked addresses of a broker that the operator approves still. Raises ``OSError``."""
        approved = {str(parse_address(one)) for one in self._settings.feed_brokers}
        if str(replace(address, username=None, password=None)) not in approved:
            raise PermissionError(0, "the operator has not approved this broker (GOPS_FEED_BROKERS)")
        try:
            return self._outbound.addresses(address.host, address.port)
        except GopsError as error:
            raise OSError(0, error.message) from error
