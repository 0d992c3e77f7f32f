"""Deliveries go out from the records: each at least once, tried for a day, then kept as a dead letter."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from sqlalchemy import func, select

from gops import logs
from gops.accounts.model import Organisation
from gops.alerts.lease import Lease
from gops.alerts.model import AlertDelivery, AlertRule
from gops.alerts.payload import letter
from gops.clock import Clock
from gops.errors import GopsError, Unavailable
from gops.notify.attempts import note
from gops.notify.webhook import Webhook
from gops.records.database import Database

TOPIC = "gops/v1/{organisation}/{device}/down/alert"
LOOK_SECONDS = 5.0
AT_ONCE = 100  # deliveries of one look
OF_ONE = 8  # of these of one organisation: a slow receiver holds up its own first
THREADS = 4
STOP_SECONDS = 10.0
log = logs.get(__name__)


class Letters(Protocol):
    def put(self, to: str, subject: str, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery as it is sent."""

    id: int
    channel: Mapping[str, Any]
    body: dict[str, Any]
    secret: str
    organisation: str


class Sender:
    """``publish(topic, payload)`` queues a message to the broker, False when it was dropped; it may come later than
    the rest. ``run`` once, or ``start`` a thread that does."""

    def __init__(self, database: Database, clock: Clock, webhook: Webhook, letters: Letters, lease: Lease) -> None:
        self._database = database
        self._clock = clock
        self._webhook = webhook
        self._letters = letters
        self._lease = lease
        self._chance = random.SystemRandom()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.publish: Callable[[str, bytes], bool] = lambda _topic, _payload: False

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="alerts-send", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def wake(self) -> None:
        self._woken.set()

    def _run(self) -> None:
        with ThreadPoolExecutor(THREADS, "alerts-send") as pool:
            while not self._stopping.is_set():
                more = 0
                try:
                    more = self.run(pool) if self._lease.held else 0
                except GopsError as error:
                    log.warning("alerts_not_sent", reason=error.message)
                except Exception:
                    log.exception("alerts_not_sent")
                if not more:
                    self._woken.wait(LOOK_SECONDS)
                    self._woken.clear()

    def run(self, pool: ThreadPoolExecutor | None = None) -> int:
        """Send what is due; how many were tried."""
        due = self._due()
        problems = list((pool.map if pool else map)(self._try, due))
        if due:
            self._settle({parcel.id: problem for parcel, problem in zip(due, problems, strict=True)})
        return len(due)

    def _due(self) -> Sequence[Parcel]:
        now = self._clock.micros()
        turn = func.row_number().over(partition_by=AlertDelivery.organisation_id, order_by=AlertDelivery.next_at)
        is_due = (AlertDelivery.state == "waiting") & (AlertDelivery.next_at <= now)
        turns = select(AlertDelivery.id, turn.label("turn")).where(is_due).subquery()
        query = select(AlertDelivery, AlertRule.secret, Organisation.slug)
        query = query.join(AlertRule, AlertRule.id == AlertDelivery.rule_id)
        query = query.join(Organisation, Organisation.id == AlertDelivery.organisation_id)
        query = query.join(turns, turns.c.id == AlertDelivery.id).where(turns.c.turn <= OF_ONE)
        with self._database.read() as session:
            rows = session.execute(query.order_by(turns.c.turn, AlertDelivery.next_at).limit(AT_ONCE))
            return [Parcel(row.id, row.channel, row.body, secret, slug) for row, secret, slug in rows]

    def _try(self, parcel: Parcel) -> GopsError | None:
        """What went wrong, None for nothing."""
        if self._stopping.is_set():
            return Unavailable("GOPS is stopping")
        try:
            self._send(parcel)
        except GopsError as error:
            return error
        return None

    def _send(self, parcel: Parcel) -> None:
        channel, body = parcel.channel, orjson.dumps(parcel.body)
        if channel["kind"] == "webhook":
            self._webhook.send(channel["url"], parcel.secret, body, str(parcel.id))
        elif channel["kind"] == "mail":
            self._letters.put(channel["to"], *letter(parcel.body))
        elif not self.publish(TOPIC.format(organisation=parcel.organisation, device=channel["device"]), body):
            raise Unavailable("the broker takes no messages now", code="host_unreachable")

    def _settle(self, problems: Mapping[int, GopsError | None]) -> None:
        now, dead = self._clock.micros(), 0
        with self._database.write() as session:
            query = select(AlertDelivery).where(AlertDelivery.id.in_(problems), AlertDelivery.state == "waiting")
            for row in session.scalars(query.with_for_update()):
                note(row, problems[row.id], now, self._chance.random())
                dead += row.state == "dead"
        if dead:
            log.warning("alerts_dead_letters", count=dead)
