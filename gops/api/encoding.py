"""Bodies with a coding (RFC 9110, 8.4): br and gzip, as the asker prefers; streams with gzip, piece by piece.

A body with a coding is another representation, so its strong ETag carries the coding: ``"abc"``, ``"abc-gzip"``,
``"abc-br"``. Everything inside works with the plain one: the coding is taken off ``If-None-Match`` and ``If-Match``
before anybody reads them, and put on the answer at the end. What has ranges is sent as it is.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

import pyarrow as pa
from flask import Flask, Request, Response, g, request

from gops.api import vary

CODINGS = ("br", "gzip")  # of equal wishes the first
SMALL = 1000  # bytes of a body that fit one packet as they are
BROTLI_LEVEL = 5
GZIP_LEVEL = 4  # JSON of readings: 5 % larger than by level 6, in two thirds of the time
STREAM_LEVEL = 1
GZIP = 16 + zlib.MAX_WBITS
TEXTS = ("application/json", "application/x-ndjson", "application/javascript", "application/xml", "image/svg+xml")
_TAGGED = re.compile(r'(?:W/)?"([^"]*)"')
_CODED = re.compile(rf"^(.+)-({'|'.join(CODINGS)})$")


def install(app: Flask) -> None:
    """Call it before whatever reads or makes ETags: the last to see an answer, and the first to see a request."""

    @app.before_request
    def take_off() -> None:
        g.coded_tags = {}
        for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"):
            if name in request.environ:
                request.environ[name] = _plain(request.environ[name], g.coded_tags)

    @app.after_request
    def put_on(response: Response) -> Response:
        vary.on(response, "Accept-Encoding")
        if response.status_code == 304:
            _as_known(response, g.get("coded_tags", {}))
        elif request.method in ("GET", "HEAD") and _asks(request) and _has_text(response):  # never a secret told once
            _code(response, request)
        return response


def _plain(header: str, coded: dict[str, str]) -> str:
    """A list of ETags without codings; ``coded`` gets the coding of each that had one which the asker still takes."""

    def plain(found: re.Match[str]) -> str:
        parts = _CODED.match(found[1])
        if parts is None or not request.accept_encodings.quality(parts[2]):
            return found[0]
        coded[parts[1]] = found[1]
        return found[0].replace(found[1], parts[1])

    return _TAGGED.sub(plain, header)


def _as_known(response: Response, coded: dict[str, str]) -> None:
    """A 304 names the representation that the asker has."""
    etag, is_weak = response.get_etag()
    if etag in coded:
        response.set_etag(coded[etag], weak=bool(is_weak))


def _asks(asked: Request) -> bool:
    """Could a coding be wanted at all? Most programs ask for none; what follows would only find that out later."""
    return asked.environ.get("HTTP_ACCEPT_ENCODING", "") not in ("", "identity")


def _has_text(response: Response) -> bool:
    """Whether a coding makes it shorter; types of files that are packed already, and parts of files, stay."""
    kind = response.mimetype or ""
    if "Content-Encoding" in response.headers or "Content-Range" in response.headers:
        return False
    if response.headers.get("Accept-Ranges", "none") != "none" or response.cache_control.no_transform:
        return False
    return kind.startswith("text/") or kind.endswith(("+json", "+xml")) or kind in TEXTS


def coding(asked: Request) -> str | None:
    """What the asker prefers among br, gzip and no coding; no coding where it says nothing."""
    wishes = asked.accept_encodings
    best = max(CODINGS, key=wishes.quality)
    return best if wishes.quality(best) and wishes.quality(best) >= wishes.quality("identity") else None


def _code(response: Response, asked: Request) -> None:
    chosen = coding(asked)
    is_made = not response.is_streamed and response.automatically_set_content_length
    if chosen is None or (is_made and len(response.get_data()) < SMALL):
        return
    if is_made:
        body = response.get_data()
        response.set_data(_packed(body, chosen))
    elif asked.accept_encodings.quality("gzip"):
        chosen = "gzip"
        _stream(response)
    else:
        return
    response.headers["Content-Encoding"] = chosen
    etag, is_weak = response.get_etag()
    if etag is not None:
        response.set_etag(f"{etag}-{chosen}", weak=bool(is_weak))


def _packed(body: bytes, chosen: str) -> bytes:
    if chosen == "br":
        packed: bytes = pa.Codec("brotli", BROTLI_LEVEL).compress(body, asbytes=True)
        return packed
    return zlib.compress(body, GZIP_LEVEL, GZIP)


def _stream(response: Response) -> None:
    response.headers.pop("Content-Length", None)
    pieces = response.response
    close = getattr(pieces, "close", None)
    if close is not None:
        response.call_on_close(close)
    if response.automatically_set_content_length:  # otherwise HEAD: there is no body to pack
        response.response = packed_pieces(pieces)


def packed_pieces(pieces: Iterable[bytes | str]) -> Iterator[bytes]:
    """The pieces in gzip; the first one leaves at once. Pieces that fail leave no end, by which readers see it."""
    packer = zlib.compressobj(STREAM_LEVEL, zlib.DEFLATED, GZIP)
    is_first = True
    for piece in pieces:
        packed = packer.compress(piece.encode() if isinstance(piece, str) else piece)
        if is_first:
            packed, is_first = packed + packer.flush(zlib.Z_SYNC_FLUSH), False
        if packed:
            yield packed
    yield packer.flush()
