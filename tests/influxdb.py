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
Answer = tuple[int, bytes]
Fault = Callable[[str, bytes, Callable[[], Answer]], Answer | None]
"""Gets path and body of a request and a way to have it served all the same; what to answer in the server's place, or
None to pass everything on. An exception breaks the connection."""


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
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait(self) -> None:
        assert self._process is not None
        end = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "influxd.log").read_text()[-2000:]
            assert time.monotonic() < end, "influxd did not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self.ask("SHOW DATABASES")[0] in (200, 401, 403)
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
    """``fault`` may answer in the place of the server behind; ``version`` is said instead of the real one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = port
        self.fault: Fault | None = None
        self.version = ""
        threading.Thread(target=self.serve_forever, args=(0.05,), name="influx-shim", daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """Who asked went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Shim

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            answered = self.server.fault(self.path, body, lambda: self._ask(body)) if self.server.fault else None
            if answered is None:
                self._pass_on(body)
            else:
                self._begin(answered[0], self.server.version, "Content-Length", str(len(answered[1])))
                self.wfile.write(answered[1])
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # as if nobody were there

    do_GET = do_POST

    def _begin(self, status: int, version: str, header: str, value: str) -> None:
        self.send_response(status)
        if version:
            self.send_header("X-Influxdb-Version", version)
        if status != 204:
            self.send_header(header, value)
        self.end_headers()

    def _ask(self, body: bytes) -> Answer:
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=60)
        try:
            behind.request(self.command, self._path(), body, self._headers())
            answer = behind.getresponse()
            return answer.status, answer.read()
        finally:
            behind.close()

    def _pass_on(self, body: bytes) -> None:
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=60)
        try:
            behind.request(self.command, self._path(), body, self._headers())
            answer = behind.getresponse()
            version = self.server.version or answer.headers.get("X-Influxdb-Version", "")
            self._begin(answer.status, version, "Transfer-Encoding", "chunked")
            if answer.status != 204:
                while part := answer.read1(1 << 16):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
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
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
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
