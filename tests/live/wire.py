"""A wire between ingest and a broker that can be cut, or go deaf in one direction."""

from __future__ import annotations

import contextlib
import socket
import threading


class Wire:
    """Listens on ``port`` and passes bytes on to ``target``.

    ``mute()`` swallows what goes towards the broker from now on: acknowledgements never arrive. ``cut()`` ends every
    connection; the next ones pass again.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._muted = False
        self._refusing = False
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def mute(self) -> None:
        self._muted = True

    def cut(self, *, keep_down: bool = False) -> None:
        self._muted = False
        self._refusing = keep_down
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        self._refusing = False

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            self._spawn(lambda a=near, b=far: self._pass(a, b, upstream=True))
            self._spawn(lambda a=near, b=far: self._pass(b, a, upstream=False))

    def _pass(self, source: socket.socket, sink: socket.socket, *, upstream: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not (upstream and self._muted):
                    sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        source.close()

    def _spawn(self, work: object) -> None:
        thread = threading.Thread(target=work, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
