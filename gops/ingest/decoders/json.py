"""The JSON codec, a superset of the dialect of ThingsBoard's device topic.

::

    message  = object | [object, ...]
    object   = {field: reading, ..., marks}                    marks beside the fields
             | {"values": {field: reading, ...}, marks}        fields of any name
    marks    = "ts" or "time": time      of all readings of the object; the arrival when absent
               "receipt": text           1 to 64 characters: GOPS answers after the commit
               "repeat": true            the message repeats the past: it fills gaps and replaces nothing
    reading  = number | text | true | false | null
             | {"value": ..., "quality": word, "resultTime": time}    each of the three may be absent
    time     = milliseconds since 1970 | ISO 8601 date-time with offset

Of equal names in one object the last counts, as in every common parser. ``repeat`` in one object of an array counts
for the whole message.
"""

from __future__ import annotations

from itertools import accumulate, chain, repeat
from typing import Any

import orjson

from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders import lenient
from gops.ingest.decoders.lenient import Unfit
from gops.ingest.decoders.times import EARLIEST, LATEST, MILLISECOND, instant
from gops.ingest.refused import Refused, Unreadable, shown
from gops.quality import WORDS, Quality

PACK = 4  # objects from which they are read together, where they are alike
RECEIPT_CHARACTERS = 64
MARKS = frozenset({"ts", "time", "receipt", "repeat"})
BESIDE_VALUES = MARKS | {"values"}
DETAILS = frozenset({"value", "quality", "resultTime"})
READING = "expected a number, a text, true, false, null, or an object of value, quality and resultTime"

_NOT_SIMPLE = frozenset({dict, list, Unfit})


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The readings of a message; see the grammar above."""
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:
            message = lenient.parse(payload, frame.max_depth)
        except Unreadable as trouble:
            return Decoded(refusals=[Refused(trouble.code, None, "", trouble.note)])
    if type(message) is dict:
        out = Decoded(keep=repeats(message))
        read_object(message, "", out, frame)
        if len(out.fields) + len(out.refusals) > frame.max_readings:
            out.cut(frame.max_readings)
        return out
    if type(message) is list:
        return _read_array(message, frame)
    note = f"found {shown(message)}; expected an object or an array of objects"
    return Decoded(refusals=[Refused("wrong_type", None, "", note)])


def _read_array(items: list[Any], frame: Frame) -> Decoded:
    if len(items) >= PACK:
        pack = _read_pack(items, frame.max_readings)
        if pack is not None:
            return pack
    out = Decoded(keep=any(type(item) is dict and repeats(item) for item in items))
    if not items:
        out.refusals.append(Refused("empty", None, "", "found an empty array; expected readings", 0))
    for index, item in enumerate(items):
        if type(item) is dict:
            read_object(item, f"[{index}].", out, frame)
        else:
            code = "too_deep" if _depth(item) + 1 > frame.max_depth else "wrong_type"
            note = f"found {shown(item)}; expected an object"
            out.refusals.append(Refused(code, None, f"[{index}]", note))
        if len(out.fields) + len(out.refusals) > frame.max_readings:
            out.cut(frame.max_readings)
            break
    return out


def _read_pack(items: list[Any], most: int) -> Decoded | None:
    """What ``read_object`` reads of each item, of all at once; None where one of them is more than whole numbers for
    ``ts`` and plain ``values``, or has anything to refuse."""
    if set(map(type, items)) != {dict} or set(map(len, items)) != {2}:
        return None
    stamps = [item.get("ts") for item in items]
    objects: list[Any] = [item.get("values") for item in items]
    if set(map(type, stamps)) != {int} or set(map(type, objects)) != {dict}:
        return None
    times = [stamp * MILLISECOND for stamp in stamps]
    sizes = list(map(len, objects))
    rows = sum(sizes)
    if min(times) < EARLIEST or max(times) > LATEST or not min(sizes) or rows > most:
        return None
    values = list(chain.from_iterable(map(dict.values, objects)))
    if not _NOT_SIMPLE.isdisjoint(map(type, values)):
        return None
    starts = range(rows) if rows == len(items) else accumulate(sizes, initial=0)
    return Decoded(
        list(chain.from_iterable(objects)),
        values,
        times if rows == len(items) else list(chain.from_iterable(map(repeat, times, sizes))),
        [None] * rows,
        [None] * rows,
        spans=[(start, f"[{index}].values.") for index, start in zip(range(len(items)), starts, strict=False)],
    )


def repeats(item: dict[str, Any]) -> bool:
    """Anything but false counts: a mark that cannot be read must not let a repetition undo a correction."""
    return "repeat" in item and item["repeat"] is not False


def read_object(item: dict[str, Any], prefix: str, out: Decoded, frame: Frame) -> None:
    """Add the readings and refusals of an object. ``prefix`` stands before their places."""
    values = item.get("values")
    if type(values) is dict:
        _refuse_strangers(item, prefix, out)
        inside = prefix + "values."
    else:
        values = item if MARKS.isdisjoint(item) else {name: item[name] for name in item if name not in MARKS}
        inside = prefix
    t = None
    if not MARKS.isdisjoint(item):
        _read_receipt(item, prefix, out)
        try:
            t = _read_time(item, frame)
        except Unreadable as trouble:
            place = prefix + ("ts" if "ts" in item else "time")
            out.refusals.append(Refused(trouble.code, None, place, trouble.note, len(values)))
            return
    if not values:
        place = inside.rstrip(".: ")
        out.refusals.append(Refused("empty", None, place, "found an object without readings", 0))
        return
    out.spans.append((len(out.fields), inside))
    if _NOT_SIMPLE.isdisjoint(map(type, values.values())):
        _extend(out, values, t)
    else:
        _read_each(values, t, inside, out, frame)


def _extend(out: Decoded, values: dict[str, Any], t: int | None) -> None:
    nothing = [None] * len(values)
    out.fields.extend(values)
    out.values.extend(values.values())
    out.times.extend([t] * len(values))
    out.qualities.extend(nothing)
    out.result_times.extend(nothing)


def _read_each(values: dict[str, Any], t: int | None, inside: str, out: Decoded, frame: Frame) -> None:
    levels = frame.max_depth - inside.count(".") - 1  # that a value may still nest: its object stands below others
    for name, value in values.items():
        quality = result_time = None
        try:
            if type(value) is dict:
                value, quality, result_time = _read_details(value, frame, levels)
            elif type(value) in _NOT_SIMPLE:
                raise _not_simple(value, levels)
        except Unreadable as trouble:
            out.refusals.append(Refused(trouble.code, name, inside + name, trouble.note))
            continue
        out.fields.append(name)
        out.values.append(value)
        out.times.append(t)
        out.qualities.append(quality)
        out.result_times.append(result_time)


def _read_details(item: dict[str, Any], frame: Frame, levels: int) -> tuple[Any, int | None, int | None]:
    """Value, quality and result time of a reading that is an object."""
    strange = [name for name in item if name not in DETAILS]
    if strange or not item:
        raise _not_simple(item, levels, f"found an object with {shown(strange[0])}" if strange else "")
    value, word, late = item.get("value"), item.get("quality"), item.get("resultTime")
    if type(value) in _NOT_SIMPLE:
        raise _not_simple(value, levels - 1)
    if word is not None and (type(word) is not str or word not in WORDS):
        raise Unreadable("bad_quality", f"found {shown(word)}; expected one of {', '.join(WORDS)}")
    quality = None if word is None else int(Quality[word])
    return value, quality, None if late is None else instant(late, frame.zone)


def _not_simple(value: Any, levels: int, found: str = "") -> Unreadable:
    """Why ``value`` is no reading. ``levels`` is how many more may be nested here."""
    if type(value) is Unfit:
        return Unreadable(value.code, f"found {value.what}; expected {value.expected}")
    if _depth(value) > levels:
        return Unreadable("too_deep", f"found {shown(value)} nested deeper than GOPS_MESSAGE_DEPTH allows; {READING}")
    return Unreadable("wrong_type", f"{found or 'found ' + shown(value)}; {READING}")


def _depth(value: Any) -> int:
    """Levels of nesting, without recursion: 0 for a number, 1 for ``[1]``."""
    depth, level = 0, [value]
    while level := [item for item in level if type(item) is dict or type(item) is list]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if type(item) is dict else item)]
    return depth


def _refuse_strangers(item: dict[str, Any], prefix: str, out: Decoded) -> None:
    for name in item:
        if name in BESIDE_VALUES:
            continue
        note = "beside 'values' stand only ts, time, receipt and repeat; fields belong into 'values'"
        out.refusals.append(Refused("unknown_field", name, prefix + name, note))


def _read_receipt(item: dict[str, Any], prefix: str, out: Decoded) -> None:
    if "receipt" in item:
        receipt = item["receipt"]
        if type(receipt) is str and 1 <= len(receipt) <= RECEIPT_CHARACTERS:
            out.receipts.append(receipt)
        else:
            note = f"found {shown(receipt)}; expected a text of 1 to {RECEIPT_CHARACTERS} characters"
            out.refusals.append(Refused("wrong_type", "receipt", prefix + "receipt", note, 0))
    if "repeat" in item and type(item["repeat"]) is not bool:
        note = f"found {shown(item['repeat'])}; expected true or false; it was taken for true"
        out.refusals.append(Refused("wrong_type", "repeat", prefix + "repeat", note, 0))


def _read_time(item: dict[str, Any], frame: Frame) -> int | None:
    if "ts" in item and "time" in item:
        raise Unreadable("bad_time", "found both ts and time; expected one of them")
    if "ts" in item or "time" in item:
        return instant(item["ts"] if "ts" in item else item["time"], frame.zone)
    return None
