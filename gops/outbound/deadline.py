"""The end of a whole call, whatever it waits for."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gops import logs
from gops.errors import Unavailable

log = logs.get(__name__)
LEAST = 0.001  # a time-out of 0 would mean "do not wait at all"


class Deadline:
    """``seconds`` from now. A read time-out alone does not end an answer that comes one byte at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(LEAST, self._end - time.monotonic())

    def check(self, host: str) -> None:
        """Raises ``Unavailable`` (``host_timeout``) once it has passed."""
        if time.monotonic() >= self._end:
            within = f"within {self._seconds:g} s (GOPS_OUTBOUND_TOTAL_SECONDS)"
            raise Unavailable(f"{host} did not finish its answer {within}", code="host_timeout")

    @contextmanager
    def watching(self, sock: socket.socket) -> Iterator[None]:
        """Cuts the connection at the end, so that whoever waits for it wakes."""
        timer = threading.Timer(self.left(), _cut, (sock,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # it must not cut the next socket of this number


def _cut(sock: socket.socket) -> None:
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of the plain socket: that of TLS would wait for the other side
    except OSError:
        log.debug("outbound.already_closed")
