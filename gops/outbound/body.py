"""The body of an answer, bounded as it arrives and as it is decompressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from urllib3 import BaseHTTPResponse

from gops.errors import TooLarge, Unavailable
from gops.outbound.deadline import Deadline

PIECE = 65_536
_GZIP = 31  # zlib's wbits for a gzip header and trailer
_PLAIN = ("", "identity")
_ZIPPED = ("gzip", "x-gzip")


def read(response: BaseHTTPResponse, host: str, size: int, deadline: Deadline) -> bytes:
    """The whole body, decompressed. Neither what arrives nor what it becomes is longer than ``size`` bytes.

    Raises ``TooLarge`` (``answer_too_large``), ``Unavailable`` (``answer_broken``, ``host_timeout``).
    """
    stated = response.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and int(stated[:19]) > size:
        raise _too_large(host, size)
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in _PLAIN + _ZIPPED:
        raise broken(host, f"it is coded as {coding[:20]!a}; gzip or nothing was asked for")
    arriving = _bounded(_arriving(response, host, deadline), host, size)
    whole = _bounded(_gunzip(arriving, host), host, size) if coding in _ZIPPED else arriving
    return b"".join(whole)


def broken(host: str, why: str) -> Unavailable:
    return Unavailable(f"the answer of {host} cannot be read: {why}", code="answer_broken")


def _arriving(response: BaseHTTPResponse, host: str, deadline: Deadline) -> Iterator[bytes]:
    while piece := response.read1(PIECE):
        deadline.check(host)
        yield piece


def _bounded(pieces: Iterator[bytes], host: str, size: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > size:
            raise _too_large(host, size)
        yield piece


def _gunzip(pieces: Iterator[bytes], host: str) -> Iterator[bytes]:
    """The members of a gzip stream (RFC 1952), in pieces of at most ``PIECE``, whatever the input expands to."""
    member, begun = zlib.decompressobj(_GZIP), False
    for piece in pieces:
        rest, begun = piece, True
        while rest:
            if member.eof:
                member = zlib.decompressobj(_GZIP)
            try:
                yield member.decompress(rest, PIECE)
            except zlib.error as error:
                raise broken(host, "it says gzip and is none") from error
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if begun and not member.eof:
        raise broken(host, "its gzip stream ends too early")


def _too_large(host: str, size: int) -> TooLarge:
    return TooLarge(
        f"the answer of {host} is larger than {size} bytes",
        code="answer_too_large",
        expected=f"at most {size} bytes (GOPS_OUTBOUND_BYTES)",
    )
