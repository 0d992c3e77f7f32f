"""Readings taken in over MQTT: QoS 1, 20,000 devices, through Mosquitto, durable and queryable.

Messages wait in Mosquitto's persistent session before the clock starts, so whoever sends is no part of it; each run is
a process of its own, and the runs of A and B alternate.

limit   bare paho with the same options (MQTT 5, receive maximum 5,000, manual acknowledgement in batches of 500 as one
        write) and the same JSON parser; what it parsed is dropped
link    GOPS's own connection, parser and acknowledgement; what it parsed is dropped
gops    everything: decode, map, range check, refusals, commit to DuckDB, acknowledge
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bench._mqtt import (
    CLIENT_ID,
    FIELD,
    RECEIVE_MAXIMUM,
    SECRET,
    Registry,
    Stack,
    connect,
    fill,
    frame,
    mosquitto,
    preload,
    topic_of,
)
from gops.clock import SystemClock
from gops.ingest.mqtt import LinkOptions, MqttLink, parse
from gops.ingest.secret import SERVICE_USER, service_secret

DEVICES = 20_000
ACKNOWLEDGED_TOGETHER = 500
BAR = 0.7
SENML_BAR = 150_000
WAIT_SECONDS = 300.0
SENDERS = 10
IN_FLIGHT = 100


def bare(port: int, count: int, _folder: Path) -> dict[str, float]:
    """paho by itself."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=CLIENT_ID, protocol=paho.MQTTv5, manual_ack=True)
    pending: list[int] = []
    seen = 0
    begun = 0.0
    done = threading.Event()

    def on_message(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        nonlocal seen, begun
        if seen == 0:
            begun = time.perf_counter()
        orjson.loads(message.payload)
        seen += 1
        pending.append(message.mid)
        if len(pending) == ACKNOWLEDGED_TOGETHER or seen == count:
            packet = b"".join(b"\x40\x02" + one.to_bytes(2) for one in pending)
            client._packet_queue(0x40, packet, 0, 1)
            pending.clear()
        if seen == count:
            done.set()

    client.on_message = on_message
    properties = Properties(PacketTypes.CONNECT)
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_start()
    assert done.wait(WAIT_SECONDS), f"{seen} of {count}"
    elapsed = time.perf_counter() - begun
    client.disconnect()
    client.loop_stop()
    return {"messages_s": count / elapsed}


def link(port: int, count: int, _folder: Path) -> dict[str, float]:
    """GOPS's connection by itself."""
    options = LinkOptions(CLIENT_ID, RECEIVE_MAXIMUM, 3600, 262_144, 16_384, 20_000, 1 << 26, 1000)
    connection = MqttLink(parse(f"mqtt://127.0.0.1:{port}"), options, SystemClock())
    connection.start()
    seen = 0
    begun = 0.0
    while seen < count:
        messages = connection.take(5000, 10).messages
        begun = begun or time.perf_counter()
        for message in messages:
            orjson.loads(message.payload)
        seen += len(messages)
        connection.acknowledge(messages)
    elapsed = time.perf_counter() - begun
    connection.stop()
    return {"messages_s": count / elapsed}


def whole(port: int, count: int, folder: Path) -> dict[str, float]:
    """GOPS. The clock stops when everything is committed and acknowledged."""
    stack = Stack(folder, port)
    topics = [topic_of(device).decode() for device in range(DEVICES)]
    cold = time.perf_counter()
    for first in range(0, DEVICES, 5000):
        stack.sources.load(topics[first : first + 5000])
    cold = time.perf_counter() - cold
    idle = _peak_mb()
    stack.ingest.worker.start()
    stack.ingest.link.start()
    while not stack.ingest.link.inbox.arrived:
        time.sleep(0.0002)
    begun = time.perf_counter()
    processor = time.process_time()
    while stack.ingest.worker.stats().messages < count:
        assert time.perf_counter() - begun < WAIT_SECONDS, stack.ingest.health()
        time.sleep(0.002)
    elapsed = time.perf_counter() - begun
    stats = stack.ingest.worker.stats()
    stored = sum(one.rows for one in stack.store.extent(list(range(1, DEVICES + 1))).values())
    assert stored == stats.readings == stats.inserted, (stored, stats)
    result = {
        "messages_s": count / elapsed,
        "readings_s": stats.readings / elapsed,
        "batch": count / stats.batches,
        "cpu_us": (time.process_time() - processor) / count * 1e6,
        "rss_mb": _peak_mb() - idle,
        "cold_us": cold / DEVICES * 1e6,
    }
    stack.close()
    return result


def _peak_mb() -> float:
    """Of this process alone: ``ru_maxrss`` begins with its parent's."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


ROLES: dict[str, Callable[[int, int, Path], dict[str, float]]] = {"limit": bare, "link": link, "gops": whole}


def messages_of(registry: Registry, count: int, pack: int, is_senml: bool = False) -> list[tuple[bytes, bytes]]:
    """``count`` messages of ``pack`` readings of one device each, every reading at a time of its own: GOPS's JSON, or
    SenML with a base time."""
    base = int(time.time() * 1000) - 30 * 86_400_000
    made = []
    for number in range(count):
        device = number % DEVICES
        first = base + number // DEVICES * pack * 1000
        if is_senml:
            records: list[dict[str, Any]] = [{"n": FIELD, "t": n, "v": (number + n) % 1000 / 10} for n in range(pack)]
            records[0]["bt"] = first / 1000
            made.append((topic_of(device) + b"/senml", orjson.dumps(records)))
            continue
        readings = [{"ts": first + n * 1000, "values": {FIELD: (number + n) % 1000 / 10}} for n in range(pack)]
        made.append((topic_of(device), orjson.dumps(readings if pack > 1 else readings[0])))
    return made


def run_once(role: str, messages: list[tuple[bytes, bytes]], folder: Path) -> dict[str, float]:
    with mosquitto(folder) as port:
        preload(port, messages)
        command = [sys.executable, "-m", "bench.ingest_mqtt", "--role", role, "--port", str(port)]
        command += ["--count", str(len(messages)), "--folder", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * WAIT_SECONDS)
        if done.returncode:
            sys.exit(done.stderr)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


def compare(registry: Registry, count: int, pack: int, times: int, is_senml: bool = False) -> bool:
    """One table; whether the bar was met."""
    messages = messages_of(registry, count, pack, is_senml)
    found: dict[str, list[dict[str, float]]] = {role: [] for role in ROLES}
    for _ in range(times):
        for role in ROLES:
            found[role].append(run_once(role, messages, registry.folder))
    median = {role: statistics.median(one["messages_s"] for one in runs) for role, runs in found.items()}
    form = " in SenML" if is_senml else ""
    print(f"\n{count:,} messages of {pack} reading{'s' if pack > 1 else ''}{form}, median of {times} interleaved runs")
    print(f"{'':8}{'messages/s':>12}{'readings/s':>12}{'of limit':>10}   all runs, messages/s")
    for role, runs in found.items():
        each = " ".join(f"{one['messages_s']:,.0f}" for one in runs)
        share = median[role] / median["limit"]
        print(f"{role:8}{median[role]:12,.0f}{median[role] * pack:12,.0f}{share:10.0%}   {each}")
    gops = found["gops"]
    print(
        f"gops: {statistics.median(one['batch'] for one in gops):,.0f} messages a commit, "
        f"{statistics.median(one['cpu_us'] for one in gops):.1f} us of processor a message, "
        f"{max(one['rss_mb'] for one in gops):,.0f} MB over idle, "
        f"{statistics.median(one['cold_us'] for one in gops):,.0f} us a device to look up 5,000 at once"
    )
    ratio = median["gops"] / median["limit"]
    if pack == 1:
        verdict = "met" if ratio >= BAR else "MISSED"
        print(f"bar {BAR:.0%} of bare paho: {verdict} ({ratio:.0%})", flush=True)
    if is_senml:
        rate = median["gops"] * pack
        print(f"bar {SENML_BAR:,} readings/s: {'met' if rate >= SENML_BAR else 'MISSED'}", flush=True)
        return rate >= SENML_BAR
    return pack > 1 or ratio >= BAR


def embedded(folder: Path, count: int) -> None:
    """The same through the embedded broker, whose PUBACK comes after the commit: some devices send as fast as it lets
    them, each with at most ``IN_FLIGHT`` messages unacknowledged."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = int(chosen.getsockname()[1])
    environ = {**os.environ, "GOPS_DATA": str(folder), "GOPS_MQTT_BROKER_PORT": str(port), "GOPS_LOG_LEVEL": "ERROR"}
    with subprocess.Popen([sys.executable, "-m", "gops.ingest.broker"], env=environ) as broker:
        url = f"mqtt://{SERVICE_USER}:{quote(service_secret(folder), safe='')}@127.0.0.1:{port}"
        stack = Stack(folder, port, url=url)
        stack.ingest.start()
        while not stack.ingest.link.health().connected:
            time.sleep(0.05)
        command = [sys.executable, "-m", "bench.ingest_mqtt", "--role", "send", "--port", str(port)]
        done = subprocess.run([*command, "--count", str(count)], capture_output=True, text=True, timeout=WAIT_SECONDS)
        if done.returncode:
            sys.exit(done.stderr)
        found = json.loads(done.stdout.splitlines()[-1])
        stats = stack.ingest.worker.stats()
        stack.close()
        broker.terminate()
    assert stats.readings == count, stats
    print(
        f"\nembedded broker, {SENDERS} devices, {count:,} messages of 1 reading: {found['messages_s']:,.0f} messages/s "
        f"acknowledged after the commit; PUBACK p50 {found['p50']:.0f} ms, p99 {found['p99']:.0f} ms"
    )


def send(port: int, count: int, _folder: Path) -> dict[str, float]:
    """Devices of the embedded broker, a thread each."""
    ages: list[float] = []
    base = int(time.time() * 1000) - 86_400_000

    def device(number: int) -> None:
        connection = connect(port, f"sender-{number}", clean=True, login=(f"city/d{number}", SECRET))
        sent: dict[int, float] = {}
        rest = b""
        next_one, total = 0, count // SENDERS
        while next_one < total or sent:
            buffer = bytearray()
            while next_one < total and len(sent) < IN_FLIGHT:
                packet_id = next_one % 65_535 + 1
                body = b'{"ts":%d,"values":{"%s":%d}}' % (base + next_one, FIELD.encode(), next_one % 100)
                buffer += frame(topic_of(number), body, packet_id)
                sent[packet_id] = time.perf_counter()
                next_one += 1
            connection.sendall(buffer)
            rest += connection.recv(65_536)
            now = time.perf_counter()
            whole = len(rest) // 4 * 4
            ages.extend(now - sent.pop(rest[at + 2] << 8 | rest[at + 3]) for at in range(0, whole, 4))
            rest = rest[whole:]
        connection.close()

    begun = time.perf_counter()
    threads = [threading.Thread(target=device, args=(number,)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begun
    p50, p99 = np.percentile(ages, [50, 99]) * 1000
    return {"messages_s": count / elapsed, "p50": p50, "p99": p99}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest_mqtt", description=__doc__)
    parser.add_argument("--full", action="store_true", help="400,000 messages a run instead of 100,000")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--role", choices=[*ROLES, "send"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path(), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.role:
        print(
            json.dumps(
                (send if chosen.role == "send" else ROLES[chosen.role])(chosen.port, chosen.count, chosen.folder)
            )
        )
        return
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as folder:
        registry = fill(Path(folder), DEVICES)
        count = 400_000 if chosen.full else 100_000
        met = compare(registry, count, 1, chosen.runs)
        compare(registry, count // 10, 10, min(3, chosen.runs))
        compare(registry, count // 40, 100, min(3, chosen.runs))
        met &= compare(registry, count // 40, 100, min(3, chosen.runs), is_senml=True)
        embedded(Path(folder), count // 4)
    sys.exit(0 if met else 3)


if __name__ == "__main__":
    main()
