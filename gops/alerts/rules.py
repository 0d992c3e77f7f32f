"""What an alert rule may say. Each check gives the clean value or raises ``Invalid``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from gops.accounts import checks
from gops.alerts.condition import CONDITIONS, LEVELS, Condition, ConditionKind
from gops.durations import parse_duration
from gops.errors import Invalid
from gops.quality import parse_filter
from gops.sensors import texts
from gops.sensors.model import Datastream

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
ChannelKind = Literal["webhook", "mqtt", "mail"]
CHANNEL_KINDS: tuple[ChannelKind, ...] = ("webhook", "mqtt", "mail")
TARGET: Mapping[str, str] = {"webhook": "url", "mqtt": "device", "mail": "to"}
"""The one thing that a channel of each kind names."""
DATASTREAMS = 100
CHANNELS = 5
URL_LENGTH = 2000
LONGEST_HOLD = 31 * 86_400_000_000  # microseconds
OF_HOLD = ("frozen", "silent")


@dataclass(frozen=True, slots=True)
class Wish:
    """A rule as it is asked for. ``hold`` is an ISO 8601 duration of fixed length or None; ``channels`` have ``kind``
    and what ``TARGET`` says."""

    name: str
    datastreams: Sequence[int]
    condition: str
    threshold: float | None = None
    clear: float | None = None
    hold: str | None = None
    quality: str = "good"
    severity: str = "warning"
    message_ko: str = ""
    message_en: str = ""
    channels: Sequence[Mapping[str, Any]] = ()
    enabled: bool = True


def said(wish: Wish, streams: Sequence[Datastream]) -> dict[str, Any]:
    """The columns of an ``AlertRule`` that ``wish`` fills, checked against its Datastreams."""
    parse_filter(wish.quality)
    return {
        "name": texts.name(wish.name),
        "condition": condition_of(wish, streams),
        "quality": wish.quality,
        "severity": checks.one_of(wish.severity, SEVERITIES, "severity"),
        "message_ko": texts.prose(wish.message_ko, "message_ko"),
        "message_en": texts.prose(wish.message_en, "message_en"),
        "channels": channels_of(wish.channels),
        "enabled": wish.enabled,
    }


def condition_of(wish: Wish, streams: Sequence[Datastream]) -> dict[str, Any]:
    """``kind``, ``threshold``, ``clear``, ``hold`` (microseconds). Raises ``Invalid`` (``bad_condition``)."""
    kind = cast(ConditionKind, checks.one_of(wish.condition, CONDITIONS, "condition"))
    of_text = any(stream.kind == "state" for stream in streams)
    _check_threshold(kind, wish, of_text)
    if kind in LEVELS | {"change"} and wish.threshold is not None:
        _check_units(streams)
    return {
        "kind": kind,
        "threshold": None if wish.threshold is None else texts.number(wish.threshold, "threshold"),
        "clear": _clear(kind, wish),
        "hold": _hold(kind, wish.hold),
    }


def read(document: Mapping[str, Any], stream_kind: str) -> Condition:
    """A checked condition, for a Datastream of that kind."""
    return Condition(
        document["kind"], document["threshold"], document["clear"], document["hold"], stream_kind == "angle"
    )


def _check_threshold(kind: ConditionKind, wish: Wish, of_text: bool) -> None:
    if kind in LEVELS:
        if of_text:
            raise _bad("condition", kind, "change, frozen or silent for a Datastream of kind state")
        if wish.threshold is None:
            raise _bad("threshold", None, f"a number in the Datastream's unit for {kind}")
    elif kind == "change":
        if of_text and wish.threshold is not None:
            raise _bad("threshold", wish.threshold, "none for a Datastream of kind state: any other text is a change")
        if not of_text and (wish.threshold is None or not wish.threshold > 0):
            raise _bad("threshold", wish.threshold, "a number greater than 0 for change")
    elif wish.threshold is not None:
        raise _bad("threshold", wish.threshold, f"none for {kind}")


def _check_units(streams: Sequence[Datastream]) -> None:
    units = sorted({stream.unit for stream in streams})
    if len(units) > 1:
        raise _bad("datastreams", ", ".join(units)[:80], "Datastreams of one unit: the threshold is in it")


def _clear(kind: ConditionKind, wish: Wish) -> float | None:
    if wish.clear is None:
        return None
    if kind not in LEVELS or wish.threshold is None:
        raise _bad("clear", wish.clear, f"none for {kind}")
    clear = texts.number(wish.clear, "clear")
    if clear > wish.threshold if kind in ("gt", "gte") else clear < wish.threshold:
        side = "at most" if kind in ("gt", "gte") else "at least"
        raise _bad("clear", wish.clear, f"{side} the threshold, {wish.threshold:g}")
    return clear


def _hold(kind: ConditionKind, given: str | None) -> int:
    if given is None:
        if kind in OF_HOLD:
            raise _bad("hold", None, f"an ISO 8601 duration such as PT10M for {kind}")
        return 0
    if kind == "change":
        raise _bad("hold", given, "none for change: it is of two readings")
    hold = parse_duration(given, "hold")
    if hold > LONGEST_HOLD:
        raise _bad("hold", given, "at most P31D")
    return hold


def channels_of(given: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Channels in their form, each once; whether their targets may be told is for the service to ask."""
    if len(given) > CHANNELS:
        raise _bad("channels", len(given), f"at most {CHANNELS} channels")
    return list({tuple(one.values()): one for one in map(_channel, given)}.values())


def _channel(given: Mapping[str, Any]) -> dict[str, str]:
    kind = checks.one_of(given.get("kind"), CHANNEL_KINDS, "channels.kind")
    name = TARGET[kind]
    other = sorted(key for key, value in given.items() if value is not None and key not in ("kind", name))
    if other:
        raise _bad(f"channels.{other[0]}", other[0], f"kind and {name} alone in a channel of kind {kind}")
    target = given.get(name)
    if kind == "mail":
        target = checks.email(target, "channels.to")
    elif kind == "mqtt":
        target = checks.device_name(target, "channels.device")
    elif not isinstance(target, str) or not 0 < len(target) <= URL_LENGTH:
        raise _bad("channels.url", None, f"an address of at most {URL_LENGTH} characters")
    return {"kind": kind, name: target}


def _bad(field: str, found: object, expected: str) -> Invalid:
    return Invalid(
        f"{field} does not suit this alert: expected {expected}",
        code="bad_condition",
        field=field,
        found=found,
        expected=expected,
    )
