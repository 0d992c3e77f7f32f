"""The bytes of a push: counted, hashed when they must be, unpacked as ``Content-Encoding`` says, and bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import pyarrow as pa

from gops.errors import Malformed, TooLarge, UnsupportedType

ENCODINGS = {"gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}
PIECE_BYTES = 1 << 18
RATIO_FROM = 16 << 20  # bytes; shorter ones may be packed as well as they like


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Counted:
    """``source`` to its end, ``length`` bytes where that is known, ``most`` at most. ``see`` gets every piece.

    Raises ``TooLarge``, and ``Malformed`` (``cut_short``) for fewer bytes than announced or a connection that broke.
    """

    def __init__(self, source: Source, most: int, length: int | None, see: Callable[[bytes], Any] | None) -> None:
        if length is not None and length > most:
            raise _too_large(length, most)
        self._source = source
        self._most = most
        self._length = length
        self._see = see
        self.count = 0
        self.closed = False  # pyarrow asks

    def read(self, size: int = -1, /) -> bytes:
        wanted = PIECE_BYTES if size < 0 else size
        try:
            piece = self._source.read(min(wanted, self._most + 1 - self.count))
        except OSError as error:
            raise self._cut_short() from error
        self.count += len(piece)
        if self.count > self._most:
            raise _too_large(self.count, self._most)
        if not piece and wanted and self._length is not None and self.count < self._length:
            raise self._cut_short()
        if self._see is not None:
            self._see(piece)
        return piece

    def drain(self) -> None:
        while self.read(PIECE_BYTES):
            pass

    def _cut_short(self) -> Malformed:
        return Malformed(
            "the body broke off",
            code="cut_short",
            field="body",
            found=self.count,
            expected=f"{'more' if self._length is None else self._length} bytes",
        )

    # what pyarrow wants of a file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def flush(self) -> None:
        """Nothing is written."""


class Unpacked:
    """``body`` without its encoding; ``most`` bytes at most, and ``ratio`` times as many as came in.

    Raises ``UnsupportedType``, ``TooLarge`` (``too_large``), ``Malformed`` (``bad_encoding``).
    """

    def __init__(self, body: Counted, encoding: str | None, most: int, ratio: int) -> None:
        self._body = body
        self._most = most
        self._ratio = ratio
        self.count = 0
        name = (encoding or "identity").strip().lower()
        if name != "identity" and name not in ENCODINGS:
            known = ", ".join(ENCODINGS)
            raise UnsupportedType(
                "a body in this encoding is not read", field="Content-Encoding", found=name[:80], expected=known
            )
        self._name = name
        self._packed = None if name == "identity" else pa.CompressedInputStream(_file(body), ENCODINGS[name])

    def read(self, size: int) -> bytes:
        """``size`` bytes; fewer at the end alone."""
        parts: list[bytes] = []
        left = size
        while left and (part := self._piece(min(left, PIECE_BYTES))):
            parts.append(part)
            left -= len(part)
            self.count += len(part)
            self._bound()
        return b"".join(parts)

    def _piece(self, size: int) -> bytes:
        if self._packed is None:
            return self._body.read(size)
        try:
            return bytes(self._packed.read(size))
        except (OSError, pa.ArrowException) as error:
            raise Malformed(
                f"the body is not {self._name}, or broke off",
                code="bad_encoding",
                field="Content-Encoding",
                found=f"byte {self._body.count}",
                expected=f"a whole {self._name} stream",
            ) from error

    def _bound(self) -> None:
        if self.count > self._most:
            raise TooLarge(
                "the body is too large when it is unpacked",
                field="body",
                found=self.count,
                expected=f"at most {self._most} bytes (GOPS_PUSH_UNPACKED_BYTES)",
            )
        if self._packed is not None and self.count > max(RATIO_FROM, self._ratio * self._body.count):
            raise TooLarge(
                "the body unpacks to suspiciously many bytes",
                field="Content-Encoding",
                found=self.count // max(1, self._body.count),
                expected=f"at most {self._ratio} times its size (GOPS_PUSH_RATIO)",
            )


def _file(body: Counted) -> Any:
    return pa.PythonFile(body, mode="r")


def _too_large(found: int, most: int) -> TooLarge:
    return TooLarge(
        "the body of the request is too large",
        field="body",
        found=found,
        expected=f"at most {most} bytes (GOPS_PUSH_BYTES)",
    )
