"""Bodies with a coding: what is packed, what its ETag is, and that asking again finds it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from gops.api.encoding import packed_pieces
from tests.api.conftest import World

LONG = "/problems"  # an answer of some kB


def unpacked(answer: Any) -> bytes:
    coding = answer.headers.get("Content-Encoding")
    if coding == "br":
        return bytes(pa.CompressedInputStream(pa.BufferReader(answer.data), "brotli").read())
    return gzip.decompress(answer.data) if coding == "gzip" else answer.data


@pytest.mark.parametrize(
    ("asked", "coding"),
    [
        ("gzip", "gzip"),
        ("br, gzip", "br"),
        ("gzip, br;q=0.5", "gzip"),
        ("*", "br"),
        ("GZIP", "gzip"),
        ("deflate, zstd", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("*;q=0", None),
        ("", None),
    ],
)
def test_a_body_comes_in_the_coding_that_is_preferred(world: World, asked: str, coding: str | None) -> None:
    plain = world.get(LONG)
    answer = world.get(LONG, headers={"Accept-Encoding": asked})
    assert answer.headers.get("Content-Encoding") == coding
    assert unpacked(answer) == plain.data
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_coded_body_has_an_etag_of_its_own_by_which_it_is_found_again(world: World, coding: str) -> None:
    asked = {"Accept-Encoding": coding}
    plain, coded = world.get(LONG).headers["ETag"], world.get(LONG, headers=asked).headers["ETag"]
    assert coded == f'{plain[:-1]}-{coding}"'
    again = world.get(LONG, headers=asked | {"If-None-Match": f'"other", {coded}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", coded)
    assert "Content-Encoding" not in again.headers
    assert "Accept-Encoding" in again.headers["Vary"]
    kept_plain = world.get(LONG, headers=asked | {"If-None-Match": plain})
    assert (kept_plain.status_code, kept_plain.headers["ETag"]) == (304, plain)


def test_who_takes_no_coding_any_more_gets_the_body(world: World) -> None:
    coded = world.get(LONG, headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    answer = world.get(LONG, headers={"If-None-Match": coded})
    assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, None)


def test_a_coded_answer_of_readings_is_found_again_without_a_look_at_the_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = world.stream()
    world.write(stream, range(50))
    path, asked = f"/datastreams/{stream.id}/observations", {"Accept-Encoding": "br"}
    first = world.get(path, headers=asked)
    assert first.headers["Content-Encoding"] == "br"
    monkeypatch.setattr(type(world.services.store), "read", None)  # a look at the rows would fail
    assert world.get(path, headers=asked | {"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_small_bodies_and_packed_files_stay_as_they_are(world: World) -> None:
    asked = {"Accept-Encoding": "gzip, br"}
    assert "Content-Encoding" not in world.get("/health/live", headers=asked).headers
    small = world.get("/nothing", headers=asked)
    assert (small.status_code, small.headers.get("Content-Encoding")) == (404, None)


def test_a_stream_is_packed_as_it_goes(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(5))
    path = f"/datastreams/{stream.id}/observations?format=csv"
    plain, answer = world.get(path), world.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Length" not in answer.headers
    assert unpacked(answer) == plain.data
    assert answer.headers["ETag"] == f'{plain.headers["ETag"][:-1]}-gzip"'


@pytest.mark.parametrize("asked", ["gzip", "br", "gzip, br", "identity"])
@pytest.mark.parametrize(
    "path", ["/problems", "/datastreams/{id}/observations", "/datastreams/{id}/observations?format=csv"]
)
def test_head_tells_of_the_coding_as_get_does(world: World, asked: str, path: str) -> None:
    stream = world.stream()
    world.write(stream, range(50))
    address, headers = path.format(id=stream.id), {"Accept-Encoding": asked}
    got, head = world.get(address, headers=headers), world.call("HEAD", address, headers=headers)
    assert head.data == b""
    for name in ("ETag", "Content-Type", "Content-Encoding", "Content-Length", "Vary", "Cache-Control"):
        assert head.headers.get(name) == got.headers.get(name), name


def test_the_first_piece_leaves_at_once() -> None:
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield b"%d" % number * 100

    packed = packed_pieces(pieces())
    first = next(packed)
    assert made == [0]
    assert zlib.decompressobj(31).decompress(first) == b"0" * 100
    assert gzip.decompress(first + b"".join(packed)) == b"0" * 100 + b"1" * 100 + b"2" * 100


def test_a_stream_that_breaks_has_no_end() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"rows" * 100
        raise RuntimeError("the disk is gone")

    got: list[bytes] = []
    with pytest.raises(RuntimeError):
        got.extend(packed_pieces(pieces()))
    reader = zlib.decompressobj(31)
    reader.decompress(b"".join(got))
    assert not reader.eof


def test_a_stream_that_nobody_reads_to_its_end_is_closed(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(5))
    path = f"/datastreams/{stream.id}/observations?format=csv"
    for _ in range(20):  # more than there are slots for
        answer = world.get(path, headers={"Accept-Encoding": "gzip"}, buffered=False)
        assert answer.status_code == 200
        answer.close()


def test_a_secret_that_is_shown_once_is_never_packed(world: World) -> None:
    body = {"label": "x" * 150, "scopes": ["data:read"], "days": 1}
    answer = world.post("/keys", "owner", body, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 201
    assert "Content-Encoding" not in answer.headers


def test_a_weakened_coded_tag_is_found_too(world: World) -> None:
    """As a proxy sends it back."""
    asked = {"Accept-Encoding": "gzip"}
    coded = world.get(LONG, headers=asked).headers["ETag"]
    assert world.get(LONG, headers=asked | {"If-None-Match": f"W/{coded}"}).status_code == 304


def test_korean_stands_in_json_as_it_is_written(world: World) -> None:
    """To be read in a terminal, too."""
    assert "미세먼지" in world.get("/observed-properties").data.decode()
