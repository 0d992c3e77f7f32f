"""SenML and line protocol, by the codecs of MQTT: in pieces, each of whole records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import orjson

from gops.ingest.decoded import CodecOptions, Decoded, Frame
from gops.ingest.decoders import influx, lenient, senml
from gops.ingest.push.blocks import BLOCK_BYTES, Block, Text, elements, lines
from gops.ingest.push.cells import Reading, by_id
from gops.ingest.push.chunk import BadRow, Coded, Name
from gops.ingest.refused import Refused, Unreadable

RECORDS = 10_000
LINES_BYTES = 1 << 20
BASES = ("bn", "bt", "bu", "bv", "bs", "bver")
UNBOUNDED = 1 << 40
DEPTH = 8
UNREADABLE = b'"what is no JSON"'
UNREADABLE_MEMBER = "unreadable_"  # RFC 8428 has whoever reads refuse a record with such a member

_place = re.compile(r"(line |\[)(\d+)(.*)", re.DOTALL).fullmatch
_tags = re.compile(r",((?:[^,= \\]|\\.)++)=((?:[^,= \\]|\\.)++)", re.DOTALL).findall
_unescape = re.compile(r"\\([,= ])").sub


def of_lines(text: Text, reading: Reading, device: str = "") -> Iterator[Coded]:
    """InfluxDB line protocol; a line is a line, also where a text in it is left open.

    A series names its Datastream: by a tag ``datastream``, or ``thing`` (then the field is the property's key), or
    ``device`` (then the field is the device's); with ``device`` of the push all of it is the device's field.
    """
    frame = Frame(reading.zone, UNBOUNDED, DEPTH, UNBOUNDED, CodecOptions(precision=reading.unit))
    for block in lines(text, min(LINES_BYTES, BLOCK_BYTES)):
        if not block.data.strip():
            continue
        decoded = influx.decode(block.data, frame)
        if decoded.rows is not None:
            decoded.rows = [row + block.first - 1 for row in decoded.rows]
        decoded.refusals = [_moved(one, block.first - 1) for one in decoded.refusals if one.code != "empty"]
        names = {name: _of_series(name, device) for name in set(decoded.fields)}
        yield Coded(decoded, names, _Lines(block))


def of_senml(text: Text, reading: Reading, device: str = "") -> Iterator[Coded]:
    """SenML JSON (RFC 8428). What base fields say is carried from piece to piece.

    A name is the field of the push's ``device``; otherwise the id of a Datastream, or ``{Thing}/{property}``.
    """
    frame = Frame(reading.zone, UNBOUNDED, DEPTH, UNBOUNDED)
    carried: dict[str, Any] = {}
    for first, raw in elements(text, RECORDS):
        before = dict(carried)
        pack = [_with_bases(raw[0], carried), *raw[1:]]
        decoded = senml.decode(b"[" + b",".join(pack) + b"]", frame)
        if any(one.code == "bad_json" for one in decoded.refusals):
            decoded = senml.decode(b"[" + b",".join(map(_legible, pack)) + b"]", frame)
        for one in raw:
            if b'"b' in one:
                carried |= _bases(one)
        _renumber(decoded, first)
        names = {name: _of_senml(name, device) for name in set(decoded.fields)}
        yield Coded(decoded, names, _Records(raw, first, before))


class _Lines:
    """The lines of a block by their places, each a body of its own; empty for what is none."""

    def __init__(self, block: Block) -> None:
        self._block = block

    @cached_property
    def _lines(self) -> Sequence[bytes]:
        return self._block.data.split(b"\n")

    def __call__(self, place: str) -> str:
        found = _place(place)
        index = int(found[2]) - self._block.first if found else -1
        return self._lines[index].decode(errors="backslashreplace") if 0 <= index < len(self._lines) else ""


class _Records:
    """Records of SenML by their places, each with the bases that held for it a pack of its own; empty for none."""

    def __init__(self, raw: Sequence[bytes], first: int, carried: Mapping[str, Any]) -> None:
        self._raw = raw
        self._first = first
        self._carried = carried

    @cached_property
    def _bases(self) -> Sequence[Mapping[str, Any]]:
        """Those that hold before each record."""
        found, bases = [], dict(self._carried)
        for one in self._raw:
            found.append(bases)
            if b'"b' in one:
                bases = bases | _bases(one)
        return found

    def __call__(self, place: str) -> str:
        found = _place(place)
        index = int(found[2]) - self._first if found else -1
        record = _record(self._raw[index]) if 0 <= index < len(self._raw) else None
        return "" if record is None else orjson.dumps([{**self._bases[index], **record}]).decode()


def _with_bases(raw: bytes, carried: Mapping[str, Any]) -> bytes:
    """The record with the bases that hold by now, where it sets none itself."""
    if not carried:
        return raw
    record = _record(raw)
    return orjson.dumps({**carried, **(record if record is not None else {UNREADABLE_MEMBER: 0})})


def _legible(raw: bytes) -> bytes:
    """The element, or a text in its place that the decoder refuses alone."""
    try:
        lenient.load(raw, DEPTH)
    except Unreadable:
        return UNREADABLE
    return raw


def _bases(raw: bytes) -> dict[str, Any]:
    record = _record(raw) or {}
    return {name: record[name] for name in BASES if name in record}


def _record(raw: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return record if type(record) is dict else None


def _renumber(decoded: Decoded, first: int) -> None:
    if decoded.rows is not None:
        decoded.rows = [row + first for row in decoded.rows]
    decoded.spans = [(index, _shifted(place, first)) for index, place in decoded.spans]
    decoded.refusals = [_moved(one, first) for one in decoded.refusals]


def _moved(refused: Refused, by: int) -> Refused:
    return replace(refused, place=_shifted(refused.place, by)) if by else refused


def _shifted(place: str, by: int) -> str:
    found = _place(place)
    return place if found is None else f"{found[1]}{int(found[2]) + by}{found[3]}"


def _of_series(name: str, device: str) -> Name | Unreadable:
    if device:
        return Name("device", device, name)
    series, _, field = name.rpartition(" ")
    tags = {_unescape(r"\1", tag): _unescape(r"\1", value) for tag, value in _tags(series)}
    field = _unescape(r"\1", field)
    try:
        if "datastream" in tags:
            return by_id(tags["datastream"])
    except BadRow as trouble:
        return trouble
    if "thing" in tags:
        return Name("thing", tags["thing"], field)
    if "device" in tags:
        return Name("device", tags["device"], field)
    return Unreadable("missing_member", "the series has no tag datastream, thing or device; expected one of them")


def _of_senml(name: str, device: str) -> Name | Unreadable:
    if device:
        return Name("device", device, name)
    try:
        return by_id(name)
    except BadRow:
        thing, slash, observed = name.rpartition("/")
    if slash and thing and observed:
        return Name("thing", thing, observed)
    note = "the name is neither the id of a Datastream nor {Thing}/{property}; expected one, or device= in the address"
    return Unreadable("unknown_datastream", note)
