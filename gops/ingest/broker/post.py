"""Where a message goes in the embedded broker: devices speak to ingest alone, ingest to devices and readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gops import logs
from gops.ingest import answers, topics
from gops.ingest.broker.guard import Login, answered, may_publish
from gops.ingest.broker.line import Client
from gops.ingest.broker.mailbox import Outgoing
from gops.ingest.broker.registry import Registry
from gops.ingest.broker.wire import Publish
from gops.ingest.refused import Refused, shown

log = logs.get(__name__)
Matches = Callable[[str, str], bool]
"""Does a topic match a filter?"""


class Post:
    """``ingest`` is the session that devices' messages go to; its mailbox keeps them while it is away."""

    def __init__(self, registry: Registry, ingest: Client, matches: Matches) -> None:
        self._registry = registry
        self._ingest = ingest
        self._matches = matches

    async def publish(self, client: Client, message: Publish, done: Callable[[], None]) -> None:
        """Hand on a message; ``done`` when its publisher may be told. Waits while ingest's mailbox is full."""
        login = client.login
        if not may_publish(login, message.topic):
            self._tell_denied(login, message.topic)
            done()
        elif login.kind == "device":
            await self._ingest.mailbox.room()
            self._put(self._ingest, message, done)
        else:
            self._spread(message)
            done()

    def last_will(self, client: Client) -> None:
        """Publish what a client left for the case that it vanishes; it was looked at when the client came."""
        if client.will_topic:
            payload = bytes(client.will_message or b"")
            self._put(self._ingest, Publish(client.will_topic, payload, 0, client.will_qos or 0, dup=False), _nothing)

    def _spread(self, message: Publish) -> None:
        """From ingest: an answer goes to the sessions of its device, live readings to whoever reads them."""
        address = answered(message.topic)
        targets = self._registry.of(address) if address else [c for c in self._registry if c.login.kind == "reader"]
        for target in targets:
            wanted = [qos for one, qos in target.filters.items() if self._matches(message.topic, one)]
            if wanted:
                self._put(target, replace(message, qos=min(message.qos, max(wanted))), None)

    def _put(self, target: Client, message: Publish, done: Callable[[], None] | None) -> None:
        qos = min(message.qos, 1)
        if target.line is None and target is not self._ingest and (qos == 0 or target.clean_session):
            return
        if target.mailbox.put(Outgoing(message.topic.encode(), message.payload, qos, done if qos else None)):
            return
        if target.mailbox.dropped == 1 or target.mailbox.dropped % 1000 == 0:
            log.warning("mqtt_mailbox_full", login=target.login.name, dropped=target.mailbox.dropped)
        if done is not None:
            done()

    def _tell_denied(self, login: Login, topic: str) -> None:
        """MQTT 3.1.1 has no way to say no to a PUBLISH; a device hears it on its down/refused."""
        log.info("mqtt_publish_denied", login=login.name, topic=shown(topic))
        if login.kind != "device":
            return
        note = f"found {shown(topic)}; expected {topics.up(login.name)} or {topics.status(login.name)}"
        answer = answers.refused([Refused("foreign_topic", None, "", note)])
        self._spread(Publish(topics.refused(login.name), answer, 0, 1, dup=False))


def _nothing() -> None:
    """A last will has nobody left to be told."""
