"""The admin socket: how ``gops`` commands talk to the running server, which alone holds the embedded store.

A Unix socket of mode 0600 in the data folder. One connection carries one request: a line of JSON
``{"command": ..., "arguments": {...}}``, answered by lines ``{"progress": ...}`` and a last line
``{"result": ...}`` or ``{"error": {"code", "message"}}``. Who can open the file may do anything that it offers.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gops import logs
from gops.errors import BadSetting, GopsError, Malformed, NotFound, Unavailable

LINE_BYTES = 1 << 20
CONNECT_SECONDS = 5.0
PATH_BYTES = 107  # sun_path of Linux, less its final zero

Progress = Callable[[Any], None]
Command = Callable[[dict[str, Any], Progress], Any]
log = logs.get(__name__)


class _Handler(socketserver.StreamRequestHandler):
    timeout = 60
    server: _Server

    def handle(self) -> None:
        try:
            line = self.rfile.readline(LINE_BYTES)
            if not line:
                return  # somebody looked whether a server is here
            answer: dict[str, Any] = {"result": self._run(line)}
        except GopsError as error:
            answer = {"error": {"code": error.code, "message": error.message}}
        except Exception:
            log.exception("admin_command_failed")
            answer = {"error": {"code": "internal", "message": "the command failed; the server's log says why"}}
        self._say(answer)

    def _run(self, line: bytes) -> Any:
        request = _parse(line)
        command = self.server.commands.get(str(request.get("command")))
        if command is None:
            known = ", ".join(sorted(self.server.commands))
            raise NotFound(f"the server knows no command {request.get('command')!r}", expected=known)
        return command(request.get("arguments") or {}, lambda step: self._say({"progress": step}))

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self.wfile.write(json.dumps(message).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            log.info("admin_caller_left")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise Malformed("a request is one line of JSON", expected='{"command": ..., "arguments": {...}}') from error
    if not isinstance(request, dict) or not isinstance(request.get("arguments", {}), dict):
        raise Malformed("a request is an object", expected='{"command": ..., "arguments": {...}}')
    return request


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, commands: Mapping[str, Command]) -> None:
        self.commands = commands
        super().__init__(path, _Handler)


class AdminServer:
    """Offers ``commands`` at ``path`` until closed. Takes over a socket file that nobody answers on."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        if len(os.fsencode(path)) > PATH_BYTES:
            raise BadSetting(
                f"the path of the admin socket is longer than {PATH_BYTES} bytes: {path}",
                field="GOPS_DATA",
                expected="a shorter data folder",
            )
        path.unlink(missing_ok=True)  # the data folder's lock is held by us, so a file here is a dead server's
        before = os.umask(0o177)
        try:
            self._server = _Server(str(path), commands)
        finally:
            os.umask(before)
        self._path = path
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="admin", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def is_served(path: Path) -> bool:
    """Does a running server answer here?"""
    try:
        with _connect(path):
            return True
    except Unavailable:
        return False


def call(path: Path, command: str, progress: Progress | None = None, **arguments: Any) -> Any:
    """Ask the running server. Raises ``Unavailable`` when there is none, and its own errors by code."""
    with _connect(path) as connection, connection.makefile("rwb") as stream:
        stream.write(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
        stream.flush()
        for line in stream:
            message = json.loads(line)
            if "progress" in message:
                (progress or (lambda _step: None))(message["progress"])
            elif "error" in message:
                raise GopsError(message["error"]["message"], code=message["error"]["code"])
            else:
                return message["result"]
    raise Unavailable(f"the server closed the connection before it answered {command!r}")


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(CONNECT_SECONDS)
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise Unavailable(f"no GOPS server answers at {path}; is `gops run` running?") from error
    connection.settimeout(None)
    return connection
