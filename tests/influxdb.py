"""A real InfluxDB of its own for tests: Debian's influxd, and a shim for the write path that 1.6 does not have.

The shim passes every request on as it is, but for ``/api/v2/write?bucket=B&precision=us``, which becomes
``/write?db=B&precision=u``, and ``Token user:password``, which becomes ``Basic``, as InfluxDB 1.8 does both itself.
"""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

BINARY = shutil.which("influxd", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
CONFIGURATION = """
reporting-enabled = false
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
  max-values-per-tag = {values_per_tag}
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = {auth}
  log-enabled = false
"""
Fault = Callable[[str], tuple[int, bytes] | None]
"""Gets the path of a request; status and body to answer in the server's place, or None to pass it on."""


class NotInstalled(Exception):
    """There is no influxd on this machine."""


class InfluxServer:
    """``start``, ``kill`` and ``start`` again on the same files and ports. ``url`` is that of the shim."""

    def __init__(self, folder: Path, *, auth: bool = False, values_per_tag: int = 100_000) -> None:
        if BINARY is None:
            raise NotInstalled("influxd is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = _free_port()
        text = CONFIGURATION.format(
            folder=folder,
            port=self.port,
            rpc_port=_free_port(),
            auth=str(auth).lower(),
            values_per_tag=values_per_tag,
        )
        (folder / "influxdb.conf").write_text(text)
        self.shim = Shim(self.port)
        self.url = f"http://127.0.0.1:{self.shim.server_address[1]}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> InfluxServer:
        assert BINARY is not None
        with (self.folder / "influxd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [BINARY, "-config", str(self.folder / "influxdb.conf")], stdout=log, stderr=log
            )
        end = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "influxd.log").read_text()[-2000:]
            assert time.monotonic() < end, "influxd did not start"
            time.sleep(0.02)
        return self

    def _answers(self) -> bool:
        try:
            return self.ask("SHOW DATABASES")[0] in (200, 401)
        except OSError:
            return False

    def ask(self, statement: str, database: str = "", user: str = "") -> tuple[int, bytes]:
        """A statement straight to the server: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            body = f"db={database}&q=" + statement.replace("%", "%25").replace("&", "%26").replace("+", "%2B")
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            if user:
                headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
            connection.request("POST", "/query", body.encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def kill(self) -> None:
        """SIGKILL, at once and without warning."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self.shim.shutdown()
        self.shim.server_close()
        if self._process is not None and self._process.poll() is None:
            self.kill()


class Shim(ThreadingHTTPServer):
    """``fault`` may answer in the place of the server behind."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = port
        self.fault: Fault = lambda _path: None
        threading.Thread(target=self.serve_forever, args=(0.05,), name="influx-shim", daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Shim

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answered = self.server.fault(self.path)
        if answered is not None:
            self._answer(*answered)
            return
        try:
            self._pass_on(body)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # as if nobody were there

    do_GET = do_POST

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _pass_on(self, body: bytes) -> None:
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=60)
        try:
            behind.request(self.command, self._path(), body, self._headers())
            answer = behind.getresponse()
            self.send_response(answer.status)
            if version := answer.headers.get("X-Influxdb-Version"):
                self.send_header("X-Influxdb-Version", version)
            bodiless = answer.status == 204
            if not bodiless:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while not bodiless and (part := answer.read1(1 << 16)):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            if not bodiless:
                self.wfile.write(b"0\r\n\r\n")
        finally:
            behind.close()

    def _path(self) -> str:
        parts = urlsplit(self.path)
        if parts.path != "/api/v2/write":
            return self.path
        asked = parse_qs(parts.query)
        assert asked["precision"] == ["us"]
        return f"/write?db={asked['bucket'][0]}&precision=u"

    def _headers(self) -> dict[str, str]:
        headers = {name: value for name, value in self.headers.items() if name in ("Authorization", "Content-Type")}
        scheme, _, secret = headers.get("Authorization", "").partition(" ")
        if scheme == "Token":
            headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        return headers

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
