"""Observations of OGC SensorThings 1.1 (18-088r1), as their servers publish and answer them.

::

    message     = observation | data | {"value": [observation | data, ...]} | [observation | data, ...]
    observation = {"phenomenonTime": time | "start/end", "result": value, "resultTime": time, "resultQuality": quality,
                   "Datastream": {"@iot.id": id}}                          or "Datastream@iot.id": id
    data        = {"Datastream": {"@iot.id": id}, "components": [name, ...], "dataArray": [[value, ...], ...]}

A reading's field is its Datastream's id, ``result`` where none is named (a message of one topic). Of an interval the
start is its time, or as the feed says. ``resultQuality`` is one of GOPS's words, alone or as the ``code`` of a
DQ_Status or DQ_Result. Members that say nothing of the value (FeatureOfInterest, parameters) are passed over.
"""

from __future__ import annotations

import re
from typing import Any

from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders import lenient
from gops.ingest.decoders.lenient import Unfit, misfit
from gops.ingest.decoders.times import instant
from gops.ingest.refused import Refused, Unreadable, shown
from gops.quality import WORDS, Quality

ALONE = "result"
ID_CHARACTERS = 128
LINK = "Datastream@iot.navigationLink"
COMPONENTS = ("phenomenonTime", "result", "resultTime", "resultQuality")
_id_in_link = re.compile(r"Datastreams\(('?)([^()']{1,128})\1\)").search


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The readings of a message; see above."""
    try:
        message = lenient.load(payload, frame.max_depth)
        if type(message) is dict:
            items, prefix = (message["value"], "value") if type(message.get("value")) is list else ([message], None)
        elif type(message) is list:
            items, prefix = message, ""
        else:
            raise misfit(message, "an Observation, or an array of them")
    except Unreadable as trouble:
        return Decoded(refusals=[Refused(trouble.code, None, "", trouble.note)])
    out = Decoded()
    for index, item in enumerate(items):
        _read(out, item, "" if prefix is None else f"{prefix}[{index}]", frame)
        if len(out.fields) + len(out.refusals) > frame.max_readings:
            out.cut(frame.max_readings)
            break
    if not out.fields and not out.refusals:
        out.refusals.append(Refused("empty", None, "", "found no Observation; expected at least one"))
    return out


def _read(out: Decoded, item: Any, place: str, frame: Frame) -> None:
    """Add the readings of an Observation or of a data array."""
    try:
        if type(item) is not dict:
            raise misfit(item, "an object")
        name = _datastream(item)
        if "dataArray" in item:
            _read_array(out, item, name, place, frame)
            return
        found = tuple(item.get(component) for component in COMPONENTS)
        if "result" not in item:
            raise Unreadable("missing_member", "found no result; expected one, null if it is missing")
    except Unreadable as trouble:
        out.refusals.append(Refused(trouble.code, None, place, trouble.note))
        return
    _add(out, name, found, place, frame)


def _read_array(out: Decoded, item: dict[str, Any], name: str, place: str, frame: Frame) -> None:
    names, rows = item.get("components"), item["dataArray"]
    if type(names) is not list or "result" not in names:
        raise Unreadable("missing_member", "found no result among the components; expected an array of their names")
    if type(rows) is not list:
        raise misfit(rows, "an array of rows in dataArray")
    at = [names.index(component) if component in names else None for component in COMPONENTS]
    for index, row in enumerate(rows):
        where = f"{place}.dataArray[{index}]".lstrip(".")
        if type(row) is not list or len(row) != len(names):
            note = f"found {shown(row)}; expected an array of {len(names)}, as there are components"
            out.refusals.append(Refused("wrong_type", name, where, note))
        else:
            _add(out, name, tuple(None if position is None else row[position] for position in at), where, frame)
        if len(out.fields) + len(out.refusals) > frame.max_readings:
            return


def _add(out: Decoded, name: str, found: tuple[Any, ...], place: str, frame: Frame) -> None:
    phenomenon, result, result_time, quality = found
    try:
        if type(result) in (dict, list, Unfit):
            raise misfit(result, "a number, a text, true, false or null as result")
        t = None if phenomenon is None else _instant(phenomenon, frame)
        late = None if result_time is None else instant(_text(result_time), frame.zone)
        code = None if quality is None else _quality(quality)
    except Unreadable as trouble:
        out.refusals.append(Refused(trouble.code, name, place, trouble.note))
        return
    out.spans.append((len(out.fields), f"{place}: " if place else ""))
    out.fields.append(name)
    out.values.append(result)
    out.times.append(t)
    out.qualities.append(code)
    out.result_times.append(late)


def _instant(written: Any, frame: Frame) -> int:
    """Microseconds of an instant, or of the chosen end of an interval."""
    start, slash, end = _text(written).partition("/")
    if not slash:
        return instant(start, frame.zone)
    first, last = instant(start, frame.zone), instant(end, frame.zone)
    if first > last:
        raise Unreadable("bad_time", f"found {shown(written)}; expected an interval that ends after it starts")
    return first if frame.options.interval == "start" else last


def _text(written: Any) -> str:
    """A bare number is no time here."""
    if type(written) is not str:
        raise Unreadable("bad_time", f"found {shown(written)}; expected a time such as 2026-01-31T14:00:00+09:00")
    return written


def _quality(found: Any) -> int | None:
    """The quality that a word names, alone or inside the elements of ISO 19157 that servers wrap around it."""
    for _level in range(3):
        if type(found) is list and len(found) == 1:
            found = found[0]
        if type(found) is dict:
            found = next((found[name] for name in ("DQ_Status", "DQ_Result", "code") if name in found), found)
    if type(found) is list and not found:
        return None
    if type(found) is not str or found not in WORDS:
        raise Unreadable("bad_quality", f"found {shown(found)}; expected one of {', '.join(WORDS)}")
    return int(Quality[found])


def _datastream(item: dict[str, Any]) -> str:
    """The id of the Datastream as text."""
    inner = item.get("Datastream", item)
    if type(inner) is not dict:
        raise misfit(inner, "an object as Datastream")
    found = item.get("Datastream@iot.id") if inner is item else inner.get("@iot.id", "")
    if found is None and type(item.get(LINK)) is str:
        match = _id_in_link(item[LINK][-4 * ID_CHARACTERS :])
        found = match[2] if match else None
    if found is None:
        return ALONE
    if type(found) is int or (type(found) is str and 0 < len(found) <= ID_CHARACTERS):
        return str(found)
    raise misfit(found, f"the id of a Datastream, a number or a text of 1 to {ID_CHARACTERS} characters")
