"""A mail server on loopback, small but real: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA, and refusals on demand."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from contextlib import suppress
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path
from types import TracebackType
from typing import Any

from gops.settings import Settings, load


class MailServer:
    """``letters``: what was taken. ``recipients``: answers by address instead of 250. ``login``: user and password."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, wrapped: bool = False) -> None:
        self.letters: list[Message[str, str]] = []
        self.recipients: dict[str, bytes] = {}
        self.login: tuple[str, str] | None = None
        self.said: list[str] = []
        self.silent = False
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(OSError, ssl.SSLError):
                    _Talk(server, self, tls).run(wrapped)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> MailServer:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def settings(self, folder: Path, **more: str) -> Settings:
        given = {"GOPS_DATA": str(folder), "GOPS_SMTP_HOST": "127.0.0.1", "GOPS_SMTP_PORT": str(self.port),
                 "GOPS_SMTP_SECURITY": "none", "GOPS_SMTP_FROM": "gops@city.kr", "GOPS_SMTP_SECONDS": "2"}  # fmt: skip
        return load(given | {f"GOPS_SMTP_{name.upper()}": value for name, value in more.items()})


class _Talk:
    def __init__(self, server: MailServer, handler: Any, tls: ssl.SSLContext | None) -> None:
        self._server, self._tls = server, tls
        self._socket, self._in = handler.connection, handler.rfile
        self._secure = False

    def run(self, wrapped: bool) -> None:
        try:
            self._listen(wrapped)
        finally:
            self._in.close()
            self._socket.close()

    def _listen(self, wrapped: bool) -> None:
        if wrapped:
            self._secured()
        if self._server.silent:
            self._in.readline()
            return
        self._say(b"220 ready")
        while line := self._in.readline():
            words = line.decode().split()
            self._server.said.append(words[0].upper())
            if not self._answer(words[0].upper(), line.decode()):
                return

    def _answer(self, verb: str, line: str) -> bool:
        if verb == "EHLO":
            offers = [b"localhost"] + [b"STARTTLS"] * (self._tls is not None and not self._secure) + [b"AUTH PLAIN"]
            self._say(*(b"250-" + word for word in offers[:-1]), b"250 " + offers[-1])
        elif verb == "STARTTLS":
            self._say(b"220 go ahead")
            self._secured()
        elif verb == "AUTH":
            given = tuple(base64.b64decode(line.split()[2]).decode().split("\0")[1:])
            self._say(b"235 welcome" if given == self._server.login else b"535 wrong")
        elif verb == "RCPT":
            address = line.partition("<")[2].partition(">")[0]
            self._say(self._server.recipients.get(address, b"250 ok"))
        elif verb == "DATA":
            self._say(b"354 go on")
            self._take()
        else:
            self._say(b"221 bye" if verb == "QUIT" else b"250 ok")
        return verb != "QUIT"

    def _take(self) -> None:
        lines = []
        while (line := self._in.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self._server.letters.append(message_from_bytes(b"".join(lines), policy=default))
        self._say(b"250 taken")

    def _secured(self) -> None:
        assert self._tls is not None
        self._socket = self._tls.wrap_socket(self._socket, server_side=True)
        self._in = self._socket.makefile("rb")
        self._secure = True

    def _say(self, *lines: bytes) -> None:
        self._socket.sendall(b"".join(line + b"\r\n" for line in lines))
