"""Bodies in turn: clients that send a body slowly, or never, must not hold all threads that answer.

Granian reads a body when it is asked for, and waits for it without end. So fewer bodies at once are waited for than
there are threads, and reading data is always possible. There is no time limit here: Granian 2.8 stops answering
anybody when a request is answered while its body is still being waited for. A reverse proxy that takes bodies in first
(nginx does) keeps slow ones away altogether. Most bodies are taken in whole; a push of readings is read piece by piece
(``incoming``), and has its turn until its end.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from flask import Request

from gops.errors import Unavailable

CHUNK_BYTES = 65_536
Wsgi = Callable[..., Iterable[bytes]]


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


def in_turn(app: Wsgi, threads: int, most_bytes: int) -> Wsgi:
    """``app``, whose requests get their body by ``Body``. ``threads`` answer requests."""
    turns = threading.BoundedSemaphore(max(1, threads - 1))

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = Body(environ["wsgi.input"], turns, most_bytes)
        return app(environ, start_response)

    return serve


class Body(io.RawIOBase):
    """At most two bytes more than ``most_bytes`` of ``source``, read when first asked for.

    Raises ``Unavailable`` while no turn is free, and what ``source`` raises.
    """

    def __init__(self, source: Source, turns: threading.BoundedSemaphore, most_bytes: int) -> None:
        super().__init__()
        self._source = source
        self._turns = turns
        self._most = most_bytes + 2
        self._body: io.BytesIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._body is None:
            self._body = io.BytesIO(self._whole())
        return self._body.readinto(buffer)

    @contextmanager
    def streamed(self) -> Iterator[Source]:
        """``source`` itself, for whoever reads it piece by piece and minds its bounds. Raises ``Unavailable``."""
        with self._turn():
            yield self._source

    def _whole(self) -> bytes:
        with self._turn():
            parts: list[bytes] = []
            left = self._most
            while left and (part := self._source.read(min(left, CHUNK_BYTES))):
                parts.append(part)
                left -= len(part)
            return b"".join(parts)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(blocking=False):
            raise Unavailable("too many bodies are on their way", expected="fewer at once (GOPS_HTTP_THREADS)")
        try:
            yield
        finally:
            self._turns.release()


@contextmanager
def incoming(request: Request) -> Iterator[Source]:
    """The body of a request as it comes in, beyond what other bodies may have. Raises ``Unavailable``."""
    source = request.environ["wsgi.input"]
    if isinstance(source, Body):
        with source.streamed() as streamed:
            yield streamed
    else:
        yield source
