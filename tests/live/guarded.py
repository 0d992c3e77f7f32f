"""A Mosquitto whose logins GOPS keeps, by dynamic security or by files, with a records and accounts beside it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from gops.accounts.devices import Devices
from gops.accounts.keys import Keys
from gops.accounts.sealing import seal_of
from gops.accounts.verifier import parts, verifier
from gops.clock import SystemClock
from gops.ingest.mqtt import BrokerAddress
from gops.ingest.provisioning.files import ACL, PASSWORDS
from gops.ingest.provisioning.service import BrokerSync
from gops.records.database import Database
from gops.settings import Settings
from tests.conftest import People, absent
from tests.live.mosquitto import BINARY, Mosquitto
from tests.live.town import until

PLUGIN = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
ADMIN_SECRET = "administers"
SERVICE_SECRET = "ingest-secret"
LIMITS = ("max_inflight_messages 0", "max_queued_messages 0", "set_tcp_nodelay true", "allow_anonymous false")


class GuardedMosquitto(Mosquitto):
    """Mosquitto with the lines that say who may do what."""

    def __init__(self, folder: Path, lines: list[str]) -> None:
        super().__init__(folder)
        user = ["user root"] if os.geteuid() == 0 else []
        text = [f"listener {self.port} 127.0.0.1", *LIMITS, *user, *lines]
        (folder / "mosquitto.conf").write_text("\n".join(text) + "\n")


def administrator() -> dict[str, Any]:
    """The plugin's file as ``mosquitto_ctrl dynsec init`` makes it."""
    known = parts(verifier(ADMIN_SECRET))
    assert known is not None
    iterations, salt, hashed = known
    control = "$CONTROL/dynamic-security/#"
    acls = [
        {"acltype": kind, "topic": control, "allow": True}
        for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
    ]
    client = {"username": "admin", "password": hashed, "salt": salt, "iterations": iterations}
    return {
        "clients": [{**client, "roles": [{"rolename": "admin"}]}],
        "roles": [{"rolename": "admin", "acls": acls}],
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": True,
            "subscribe": False,
            "unsubscribe": True,
        },
    }


@dataclass
class House:
    """Records with the organisations ``city`` and ``elsewhere``, a broker, and what keeps its logins."""

    way: str
    settings: Settings
    broker: Mosquitto
    devices: Devices
    keys: Keys
    people: Any
    sync: BrokerSync
    owner: Any = None
    clients: list[Client] = field(default_factory=list)

    def add(self, name: str) -> tuple[str, str]:
        """A device's address and secret."""
        return f"city/{name}", self.devices.register(self.owner, "city", name)[1]

    def synchronise(self) -> Any:
        """Once, and until Mosquitto has read its files again."""
        reloads = self._reloads()
        report = self.sync.run()
        if self.way == "file" and (report.did_anything or not reloads):
            until(lambda: self._reloads() > reloads, "Mosquitto has read its files again")
            time.sleep(0.05)
        return report

    def _reloads(self) -> int:
        return self.broker.log_file.read_bytes().count(b"Reloading config")

    def client(self, user: str | None, password: str | None) -> Client:
        made = Client(self.broker.port, user, password)
        self.clients.append(made)
        return made


class Client:
    """Connects and says what it may: with MQTT 5 the broker tells what it denies."""

    def __init__(self, port: int, user: str | None, password: str | None) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.answer = ""
        self._login = (port, user, password)
        self.gone = threading.Event()
        self._subscribed: dict[int | None, bool] = {}
        self._published: dict[int, bool] = {}
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5, reconnect_on_failure=False)
        if user is not None:
            self._client.username_pw_set(user, password)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = lambda *_: self.gone.set()
        self._client.on_subscribe = lambda _c, _d, mid, reasons, _p: self._subscribed.update(
            {mid: not reasons[0].is_failure}
        )
        self._client.on_publish = lambda _c, _d, mid, reason, _p: self._published.update({mid: not reason.is_failure})
        self._client.on_message = lambda _c, _d, message: self.heard.append((message.topic, message.payload))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(lambda: self.answer, "the broker answers")

    @property
    def is_in(self) -> bool:
        return self.answer == "Success"

    def may_read(self, topic: str) -> bool:
        _, mid = self._client.subscribe(topic, 1)
        until(lambda: mid in self._subscribed, "the subscription is answered")
        return self._subscribed[mid]

    def may_write(self, topic: str, payload: bytes = b"x") -> bool:
        """Asked over a connection of its own: Mosquitto 2.0 ends one on which it has denied something."""
        asking = Client(*self._login)
        try:
            return asking._write(topic, payload)
        finally:
            asking.close()

    def _write(self, topic: str, payload: bytes) -> bool:
        mid = self._client.publish(topic, payload, qos=1).mid
        until(lambda: mid in self._published, f"the publication to {topic} is answered")
        return self._published[mid]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.answer = str(reason)


def _dynsec(folder: Path, settings: Settings) -> tuple[Mosquitto, Settings]:
    if PLUGIN is None:
        absent("Mosquitto's dynamic security plugin is not installed")
    (folder / "dynsec.json").write_text(json.dumps(administrator()))
    made = GuardedMosquitto(folder, [f"plugin {PLUGIN}", f"plugin_opt_config_file {folder / 'dynsec.json'}"])
    admin = f"mqtt://admin:{ADMIN_SECRET}@127.0.0.1:{made.port}"
    return made, replace(settings, broker_sync="dynsec", broker_admin_url=admin)


def _file(folder: Path, settings: Settings) -> tuple[Mosquitto, Settings]:
    lines = [f"password_file {folder / PASSWORDS}", f"acl_file {folder / ACL}"]
    made = GuardedMosquitto(folder, lines)
    for name in (PASSWORDS, ACL):
        (folder / name).touch()
    return made, replace(settings, broker_sync="file", broker_folder=str(folder))


@contextmanager
def house(way: str, folder: Path, settings: Settings, database: Database) -> Iterator[House]:
    """``way`` is dynsec or file. Nothing is synchronised yet."""
    if BINARY is None:
        absent("mosquitto is not installed")
    folder.mkdir()
    broker, chosen = (_dynsec if way == "dynsec" else _file)(folder, settings)
    broker.start()
    chosen = replace(chosen, mqtt_url=f"mqtt://gops:{SERVICE_SECRET}@127.0.0.1:{broker.port}")
    if way == "file":
        chosen = replace(chosen, broker_reload=f"kill -HUP {broker.pid}")
    clock = SystemClock()
    people = People(database, clock)  # type: ignore[arg-type]
    made = House(
        way,
        chosen,
        broker,
        Devices(database, clock, seal=seal_of(chosen)),
        Keys(database, clock, chosen),
        people,
        BrokerSync(chosen, clock, database),
    )
    made.owner = people.actor(people.organisation("city"), "owner")
    people.organisation("elsewhere")
    try:
        yield made
    finally:
        made.sync.stop()
        for client in made.clients:
            client.close()
        broker.stop()


def address(house: House, user: str, secret: str) -> BrokerAddress:
    return BrokerAddress("127.0.0.1", house.broker.port, username=user, password=secret)
