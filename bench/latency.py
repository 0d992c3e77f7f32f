"""From publishing to queryable: a device publishes at QoS 1 at a steady rate through Mosquitto; a reader watches the
store until the reading is there.

Every message carries the moment at which it was sent as its value, and the watcher asks the store for what is new, so
a latency is the age of a reading when a query first returns it. Limit in the same run: the round trip of the broker
alone, sender to subscriber.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from bench._mqtt import FIELD, Stack, connect, fill, frame, mosquitto, topic_of
from gops.store.port import Read, Series

DEVICES = 2_000
BAR_MS = 500.0
TICK_SECONDS = 0.005
WATCH_SECONDS = 0.002
PROBES = 50  # devices, evenly among all, that the watcher asks for; each message of theirs is one measurement


def send(port: int, rate: int, seconds: float) -> None:
    """In a process of its own: publish at ``rate``, never waiting for answers. Prints how many were sent."""
    connection = connect(port, "latency", clean=True)
    threading.Thread(target=_discard, args=(connection,), daemon=True).start()
    begun = time.time()
    sent = 0
    while (now := time.time()) - begun < seconds:
        due = int((now - begun) * rate)
        buffer = bytearray()
        while sent < due:
            millis = int(time.time() * 1000)
            body = b'{"ts":%d,"values":{"%s":%.6f}}' % (millis, FIELD.encode(), time.time() % 1000)
            buffer += frame(topic_of(sent % DEVICES), body, sent % 65_535 + 1)
            sent += 1
        connection.sendall(buffer)
        time.sleep(TICK_SECONDS)
    print(sent, flush=True)
    time.sleep(1)


def _discard(connection: object) -> None:
    while connection.recv(65_536):  # type: ignore[attr-defined]
        pass


def measure(folder: Path, rate: int, seconds: float) -> dict[str, float]:
    """Percentiles of the age in ms, and how many of the messages sent are stored."""
    with mosquitto(folder) as port:
        stack = Stack(folder, port)
        stack.sources.load([topic_of(device).decode() for device in range(DEVICES)])
        before = stack.store.extent(list(range(1, DEVICES + 1)))
        stack.ingest.start()
        while not stack.ingest.link.health().connected:
            time.sleep(0.01)
        command = [sys.executable, "-m", "bench.latency", "--send", str(rate), "--seconds", str(seconds)]
        sender = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
        ages = _watch(stack, sender, PROBES)
        assert sender.stdout is not None
        sent = int(sender.stdout.readline())
        sender.wait()
        stored = sum(one.rows for one in stack.store.extent(list(range(1, DEVICES + 1))).values())
        stored -= sum(one.rows for one in before.values())
        stats = stack.ingest.worker.stats()
        stack.close()
    p50, p95, p99 = np.percentile(ages, [50, 95, 99])
    return {"p50": p50, "p95": p95, "p99": p99, "max": max(ages), "sent": sent, "stored": stored,
            "measured": len(ages), "batch": stats.messages / stats.batches}  # fmt: skip


def _watch(stack: Stack, sender: subprocess.Popen[str], probes: int) -> list[float]:
    """Ages of the readings of the first devices when a query first returns them, until nothing new comes."""
    ages: list[float] = []
    since = int(time.time() * 1_000_000) - 1_000_000
    series = [Series(1 + number * (DEVICES // probes)) for number in range(probes)]
    known: set[tuple[int, int]] = set()
    quiet = 0.0
    while quiet < 1.5:
        found = stack.store.read(Read(series, start=since))
        now = time.time() % 1000
        new = 0
        for key, value in zip(
            zip(found.column("datastream").to_pylist(), found.column("t").to_pylist(), strict=True),
            found.column("value").to_pylist(),
            strict=True,
        ):
            if key not in known:
                known.add(key)
                ages.append((now - value) % 1000 * 1000)
                new += 1
        if len(known) > 5000:
            since = max(key[1] for key in known) - 2_000_000
            known = {key for key in known if key[1] >= since}
        quiet = 0.0 if new or sender.poll() is None else quiet + WATCH_SECONDS
        time.sleep(WATCH_SECONDS)
    return ages


def round_trip(folder: Path, rate: int, seconds: float) -> list[float]:
    """The same messages from sender to a bare subscriber; ages in ms."""
    import struct

    ages: list[float] = []
    with mosquitto(folder) as port:
        reader = connect(port, "reader", clean=True)
        name = b"gops/v1/+/+/up/#"
        reader.sendall(bytes([0x82, 5 + len(name)]) + struct.pack("!HH", 1, len(name)) + name + b"\x00")
        reader.recv(5)
        command = [sys.executable, "-m", "bench.latency", "--send", str(rate), "--seconds", str(seconds)]
        sender = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE)
        reader.settimeout(3)
        rest = b""
        try:
            while data := reader.recv(65_536):
                now = time.time() % 1000
                *whole, rest = (rest + data).split(b"}}")
                ages += [(now - float(one.rsplit(b":", 1)[1])) % 1000 * 1000 for one in whole]
        except TimeoutError:
            sender.communicate()
    return ages


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--full", action="store_true", help="60 s a rate instead of 30")
    parser.add_argument("--send", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.send:
        send(chosen.port, chosen.send, chosen.seconds)
        return
    seconds = chosen.seconds or (60.0 if chosen.full else 30.0)
    print(f"publish to queryable, {seconds:g} s a rate, {DEVICES:,} devices")
    print(f"{'messages/s':>10}{'':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}   sent = stored")
    met = True
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as name:
        folder = Path(name)
        fill(folder, DEVICES)
        for rate in (100, 1000, 2000):
            limit = np.percentile(round_trip(folder, rate, min(5.0, seconds)), [50, 95, 99, 100])
            print(f"{rate:10,}{'broker':>9}" + "".join(f"{one:9.1f}" for one in limit), flush=True)
            found = measure(folder, rate, seconds)
            figures = "".join(f"{found[key]:9.1f}" for key in ("p50", "p95", "p99", "max"))
            same = f"{found['sent']:,.0f} = {found['stored']:,.0f}, {found['measured']:,.0f} watched"
            good = found["sent"] == found["stored"] and found["p99"] < BAR_MS
            met = met and good
            verdict = f"bar p99 {BAR_MS:g} ms {'met' if good else 'MISSED'}"
            print(f"{rate:10,}{'gops':>9}{figures}   {same}   {found['batch']:.0f} messages a commit   {verdict}")
    sys.exit(not met)


if __name__ == "__main__":
    main()
