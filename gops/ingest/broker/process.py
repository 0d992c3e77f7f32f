"""The broker's process: its part of the records, the events that end a login, the loop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Any

from gops import logs
from gops.accounts.devices import Devices
from gops.accounts.keys import Keys
from gops.clock import DAY, SECOND, SystemClock
from gops.ingest.broker.broker import BrokerLimits, GuardedBroker
from gops.ingest.broker.guard import Guard, Login
from gops.ingest.secret import service_secret
from gops.records.database import Database
from gops.records.events import Event
from gops.records.pump import EventPump
from gops.settings import Settings

KEYS_SECONDS = 60.0  # how often the keys of connected readers are looked at again: they end without an event
log = logs.get(__name__)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``OSError`` when the port is taken."""
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    asyncio.run(_serve(settings))


def limits_of(settings: Settings) -> BrokerLimits:
    return BrokerLimits(
        payload=settings.message_bytes,
        connections=settings.mqtt_broker_connections,
        ingest_client_id=settings.mqtt_client_id,
        ingest_window=settings.mqtt_receive_maximum,
        queue_messages=settings.mqtt_broker_queue,
        queue_bytes=settings.mqtt_broker_queue_bytes,
        session_seconds=settings.mqtt_session_days * DAY // SECOND,
    )


async def _serve(settings: Settings) -> None:
    database = Database.of(settings)
    clock = SystemClock()
    keys = Keys(database, clock, settings)
    guard = Guard(
        service_secret(settings.data),
        Devices(database, clock),
        keys.authenticate,
        anonymous_live=settings.mqtt_anonymous_live,
    )
    broker = GuardedBroker(settings.mqtt_broker_host, settings.mqtt_broker_port, guard, limits_of(settings))
    loop = asyncio.get_running_loop()
    pump = EventPump(database, _handlers(loop, broker, keys), settings.events_poll_ms, clock=clock)
    ending = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ending.set)
    pump.start()
    await broker.start()
    log.info("mqtt_broker_listens", host=settings.mqtt_broker_host, port=settings.mqtt_broker_port)
    checking = asyncio.create_task(_check_keys(broker, keys))
    try:
        await ending.wait()
    finally:
        checking.cancel()
        await broker.shutdown()
        await asyncio.to_thread(pump.stop)
        database.close()


def _handlers(loop: asyncio.AbstractEventLoop, broker: GuardedBroker, keys: Keys) -> dict[str, Any]:
    """A revoked device or key is hung up on; one with a new secret has to log in with it."""

    def end(noun: str, reason: str) -> Callable[[Event], None]:
        def tell(event: Event) -> None:
            ended = event.payload[noun]

            def who(login: Login) -> bool:
                return ended == (login.device_id if noun == "device" else login.key_id)

            loop.call_soon_threadsafe(broker.hang_up, who, reason)

        return tell

    return {
        "device.revoked": (end("device", "the device was revoked"),),
        "device.secret_changed": (end("device", "the device has a new secret"),),
        "key.revoked": (keys.forget, end("key", "the key was revoked")),
        "member.changed": (keys.forget,),
    }


async def _check_keys(broker: GuardedBroker, keys: Keys) -> None:
    """End the connections of keys that have expired or lost their scope."""
    while True:
        await asyncio.sleep(KEYS_SECONDS)
        try:
            await broker.check_keys()
        except Exception:
            log.exception("keys_not_checked")
