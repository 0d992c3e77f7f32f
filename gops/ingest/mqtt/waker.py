"""Wakes a thread that waits in ``poll``."""

from __future__ import annotations

import socket


class Waker:
    """``open`` it, then register it for reading. ``wake`` may be called from any thread at any time."""

    def __init__(self) -> None:
        self._pair: tuple[socket.socket, socket.socket] | None = None

    def open(self) -> None:
        self._pair = socket.socketpair()
        for end in self._pair:
            end.setblocking(False)

    def fileno(self) -> int:
        assert self._pair is not None, "open it first"
        return self._pair[0].fileno()

    def wake(self) -> None:
        pair = self._pair
        if pair is None:
            return
        try:
            pair[1].send(b"\0")
        except OSError:
            return  # a byte waits already, or it has just been closed

    def clear(self) -> None:
        assert self._pair is not None, "open it first"
        self._pair[0].recv(4096)

    def close(self) -> None:
        pair, self._pair = self._pair, None
        for end in pair or ():
            end.close()
