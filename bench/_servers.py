"""Servers of others, started in folders and on ports of their own, with the settings that ``README.md`` names."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.footprint import children
from tests.live.running import free_port
from tests.postgresql import SUPERUSER, NotInstalled, binaries

START_SECONDS = 120.0
ANSWER_SECONDS = 600.0
QUIET_SECONDS = 600.0
IDLE_SECONDS = 5.0
QUIET_SHARE = 0.1  # of one core

COLD_SECONDS = 10  # after which InfluxDB writes out and compacts what nobody writes to

INFLUXD = """reporting-enabled = false
bind-address = "127.0.0.1:{admin}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
  cache-snapshot-write-cold-duration = "{cold}s"
  compact-full-write-cold-duration = "{cold}s"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  max-body-size = 0
"""


def installed(program: str) -> str:
    """Its path. Raises ``NotInstalled``."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if found is None:
        raise NotInstalled(f"{program} is not installed")
    return found


class Line:
    """A connection that is kept; begun anew after a silence, since servers part with who says nothing."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = connected(port)
        self._used = time.monotonic()

    def ask(self, method: str, path: str, body: bytes | None = None, form: str = "text/plain") -> bytes:
        """The body of a good answer."""
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._connection.close()
            self._connection = connected(self.port)
        headers = {"Content-Type": form} if body else {}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        found = answer.read()
        self._used = time.monotonic()
        assert answer.status < 300, (path[:200], answer.status, found[:500])
        return found


class HttpServer:
    """A process that answers at ``port``."""

    def __init__(self, command: Sequence[str], port: int, log: Path, ready: str) -> None:
        self.port = port
        with log.open("ab") as target:
            self.process = subprocess.Popen(command, stdout=target, stderr=target)
        try:
            self._wait(log, ready)
            self.ask = Line(port).ask
        except BaseException:
            self.close()
            raise

    def _wait(self, log: Path, path: str) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                probe = connected(self.port)
                probe.request("GET", path)
                if probe.getresponse().status < 300:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
        sys.exit(f"{self.process.args!r} does not answer; its log ends with: {log.read_text()[-1000:]}")

    def close(self) -> None:
        stop(self.process)


def connected(port: int) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    connection.connect()
    assert connection.sock is not None
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def influxd(folder: Path) -> HttpServer:
    program, port = installed("influxd"), free_port()
    folder.mkdir()
    config = folder / "influxdb.conf"
    config.write_text(INFLUXD.format(folder=folder, port=port, admin=free_port(), cold=COLD_SECONDS))
    return HttpServer([program, "-config", str(config)], port, folder / "log", "/ping")


def victoria(folder: Path) -> HttpServer:
    program, port = installed("victoria-metrics"), free_port()
    folder.mkdir()
    options = ["-retentionPeriod=100y", f"-storageDataPath={folder / 'data'}", f"-httpListenAddr=127.0.0.1:{port}"]
    return HttpServer([program, *options], port, folder / "log", "/health")


class Postgres:
    """A cluster of its own, with its journal synced at every commit; reached by a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, programs = folder, binaries()
        folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, SUPERUSER, SUPERUSER)
        data = folder / "data"
        _as_user([str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=trust", "-E", "UTF8"], folder)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "shared_buffers": "1GB",
            "synchronous_commit": "on",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "work_mem": "64MB",
            "effective_cache_size": "4GB",
            "random_page_cost": "1.1",
        }
        (data / "postgresql.auto.conf").write_text("".join(f"{key} = '{value}'\n" for key, value in settings.items()))
        self._programs, self._data = programs, data
        _as_user(self._control("start", "-l", str(data / "log")), folder)

    def _control(self, verb: str, *options: str) -> list[str]:
        return [str(self._programs / "pg_ctl"), "-D", str(self._data), "-w", "-t", "120", *options, verb]

    @property
    def postmaster(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def close(self) -> None:
        _as_user(self._control("stop", "-m", "fast"), self.folder)


def _as_user(command: list[str], folder: Path) -> None:
    """PostgreSQL refuses to run as root; then its own user runs it."""
    prefix = ["runuser", "-u", SUPERUSER, "--"] if os.geteuid() == 0 else []
    with (folder.parent / f"{folder.name}.log").open("ab") as log:
        subprocess.run([*prefix, *command], check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")


def memory_mb(root: int) -> float:
    """Of a process and all below it, what several share counted once (proportional set size)."""
    return sum(_proportional_kb(pid) for pid in children(root)) / 1024


def _proportional_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def cpu_seconds(root: int) -> float:
    ticks = 0
    for pid in children(root):
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_quiet(root: int) -> float:
    """Until it has used less than a tenth of a core for five seconds: merging and compaction are done. Seconds."""
    begun = time.monotonic()
    while time.monotonic() - begun < QUIET_SECONDS:
        before = cpu_seconds(root)
        time.sleep(5)
        if cpu_seconds(root) - before < 5 * QUIET_SHARE:
            break
    return time.monotonic() - begun


def folder_bytes(folder: Path) -> int:
    """What its files take on disk; a file with two names counts once."""
    found = {}
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # it was removed while we looked
        found[status.st_ino] = status.st_blocks * 512
    return sum(found.values())
