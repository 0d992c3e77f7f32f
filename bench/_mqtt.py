"""What the MQTT benches share: a Mosquitto, messages preloaded into its sessions, and a registry full of devices."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

import gops.ingest.model  # noqa: F401 - the tables of all rooms are known
from gops import logs
from gops.accounts import lookup, secret
from gops.accounts.model import Device, Organisation
from gops.clock import SystemClock
from gops.ingest.mqtt import parse
from gops.ingest.refusals import Refusals
from gops.ingest.service import Ingest
from gops.ingest.status import DeviceStatus
from gops.records import migrate
from gops.records.database import Database
from gops.sensors.mapping import Mappings
from gops.sensors.model import Datastream, FieldMapping, ObservedProperty, Sensor, Thing
from gops.sensors.properties import seed
from gops.settings import Settings, load
from gops.store.duckdb import DuckdbStore
from gops.store.port import Store

FILTERS = ("gops/v1/+/+/up/#", "gops/v1/+/+/status")
CLIENT_ID = "gops-ingest"
RECEIVE_MAXIMUM = 5000
FIELD = "pm10"
SECRET = "secret"  # of every device


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """A Mosquitto with the limits of ``deploy/mosquitto``, without persistence; its port."""
    binary = shutil.which("mosquitto", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if binary is None:
        sys.exit("mosquitto is not installed")
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = int(chosen.getsockname()[1])
    conf = folder / f"mosquitto-{port}.conf"
    conf.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
        "set_tcp_nodelay true\n"
    )
    process = subprocess.Popen([binary, "-c", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def _length(length: int) -> bytes:
    out = bytearray()
    while True:
        length, low = length >> 7, length & 127
        out.append(low | (128 if length else 0))
        if not length:
            return bytes(out)


def frame(topic: bytes, payload: bytes, packet_id: int) -> bytes:
    """A PUBLISH of QoS 1."""
    body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", packet_id) + payload
    return b"\x32" + _length(len(body)) + body


def connect(port: int, client_id: str, *, clean: bool, login: tuple[str, str] | None = None) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = client_id.encode()
    flags = (2 if clean else 0) | (0xC0 if login else 0)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + b"\x00\x00" + struct.pack("!H", len(name)) + name
    for one in login or ():
        body += struct.pack("!H", len(one.encode())) + one.encode()
    connection.sendall(b"\x10" + _length(len(body)) + body)
    assert connection.recv(4)[3] == 0
    return connection


def preload(port: int, messages: Sequence[tuple[bytes, bytes]], client_id: str = CLIENT_ID) -> None:
    """Put messages into the persistent session of a consumer that is not there yet, so that whoever sends is no part of
    what is measured."""
    consumer = connect(port, client_id, clean=False)
    body = struct.pack("!H", 1) + b"".join(struct.pack("!H", len(f)) + f.encode() + b"\x01" for f in FILTERS)
    consumer.sendall(b"\x82" + _length(len(body)) + body)
    assert consumer.recv(64)[0] == 0x90
    consumer.sendall(b"\xe0\x00")
    consumer.close()
    sender = connect(port, "preload", clean=True)
    acknowledged = threading.Thread(target=_read_bytes, args=(sender, 4 * len(messages)))
    acknowledged.start()
    buffer = bytearray()
    for number, (topic, payload) in enumerate(messages):
        buffer += frame(topic, payload, number % 65_535 + 1)
        if len(buffer) > 60_000:
            sender.sendall(buffer)
            buffer.clear()
    sender.sendall(buffer)
    acknowledged.join()
    sender.close()


def _read_bytes(connection: socket.socket, count: int) -> None:
    while count > 0:
        data = connection.recv(65_536)
        if not data:
            raise ConnectionError("Mosquitto hung up")
        count -= len(data)


@dataclass(frozen=True)
class Registry:
    """Devices ``city/d0`` ... with one mapped field each; ``streams[n]`` is the Datastream of device n."""

    folder: Path
    streams: list[int]


def topic_of(device: int) -> bytes:
    return b"gops/v1/city/d%d/up" % device


def fill(folder: Path, devices: int) -> Registry:
    """Records with so many devices, Things, Datastreams and mappings."""
    database = Database(load({"GOPS_DATA": str(folder)}).records_address)
    migrate.upgrade(database)
    now = SystemClock().micros()
    with database.write() as session:
        seed(session)
        home = Organisation(slug="city", kind="municipality", name_ko="시", name_en="City", created_at=now)
        session.add(home)
        session.flush()
        sensor = Sensor(organisation_id=home.id, name="S1", metadata_="")
        session.add(sensor)
        session.flush()
        prop = session.scalars(select(ObservedProperty).where(ObservedProperty.key == FIELD)).one()
        known = secret.digest(SECRET)
        made: dict[str, Any] = {"organisation_id": home.id, "created_at": now}
        base = {**made, "sensor_id": sensor.id, "observed_property_id": prop.id, "unit": prop.unit, "kind": prop.kind}
        session.execute(insert(Device), [{**made, "name": f"d{n}", "digest": known} for n in range(devices)])
        ids = list(session.scalars(select(Device.id).order_by(Device.id)))
        session.execute(insert(Thing), [{**made, "name": f"d{n}", "device_id": one} for n, one in enumerate(ids)])
        things = list(session.scalars(select(Thing.id).order_by(Thing.id)))
        limits = {"range_low": 0.0, "range_high": 1000.0}
        session.execute(insert(Datastream), [{**base, **limits, "thing_id": one, "name": "x"} for one in things])
        streams = list(session.scalars(select(Datastream.id).order_by(Datastream.id)))
        rows = [{"device_id": d, "field": FIELD, "datastream_id": s} for d, s in zip(ids, streams, strict=True)]
        session.execute(insert(FieldMapping), rows)
    database.close()
    return Registry(folder, streams)


class Stack:
    """Ingest as ``gops run`` composes it, without HTTP, on the records of ``fill``."""

    def __init__(self, folder: Path, port: int, store: Store | None = None, url: str = "") -> None:
        logs.configure("ERROR")
        self.settings: Settings = load({"GOPS_DATA": str(folder)})
        self.database = Database(self.settings.records_address)
        clock = SystemClock()
        accounts: Any = lookup
        self.store = store or DuckdbStore(
            folder / f"store-{os.getpid()}",
            self.settings.store_memory_mb,
            self.settings.store_threads,
            self.settings.store_queue,
            2 * self.settings.mqtt_receive_maximum,
        )
        self.ingest = Ingest(
            self.settings,
            clock,
            self.store,
            self.database,
            Mappings(self.database, clock, self.settings, accounts).route,
            Refusals(self.database, clock, self.settings),
            DeviceStatus(self.database, clock),
            address=parse(url or f"mqtt://127.0.0.1:{port}"),
        )
        self.sources = self.ingest.sources

    def close(self) -> None:
        self.ingest.stop()
        self.store.close()
        self.database.close()
