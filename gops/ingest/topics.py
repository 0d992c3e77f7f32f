"""MQTT topics: built and parsed here, nowhere else.

::

    gops/v1/{org}/{device}/up[/{codec}]             device to GOPS; no codec means json
    gops/v1/{org}/{device}/status                   device to GOPS, last will, {"online": bool}
    gops/v1/{org}/{device}/down/{refused,receipt}   GOPS to device
    gops/live/v1/{dataset}/{datastream}             GOPS to everybody

An address is ``{org}/{device}``; it is the device's MQTT user name too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "gops/v1/"
LIVE_ROOT = "gops/live/"
UP_FILTER = "gops/v1/+/+/up/#"  # matches .../up itself as well (MQTT 3.1.1, 4.7.1.2)
STATUS_FILTER = "gops/v1/+/+/status"
INGEST_FILTERS = (UP_FILTER, STATUS_FILTER)  # never gops/#: GOPS's own answers would come back as refusals, for ever
DEFAULT_CODEC = "json"
TOPIC_BYTES = 65_535

_ADDRESS = r"[a-z0-9][a-z0-9-]{1,62}/[A-Za-z0-9_-]{1,64}"
_is_address = re.compile(_ADDRESS).fullmatch
_match_up = re.compile(rf"gops/v1/({_ADDRESS})/up(?:/(.*))?", re.DOTALL).fullmatch
_match_status = re.compile(rf"gops/v1/({_ADDRESS})/status").fullmatch


@dataclass(frozen=True, slots=True)
class Up:
    """Who speaks on an ``up`` topic, and in which codec. The codec is as written: it may be unknown."""

    address: str
    codec: str


def is_address(text: str) -> bool:
    """Is this ``{org}/{device}`` with an organisation's slug and a device's name?"""
    return _is_address(text) is not None


def up(address: str, codec: str | None = None) -> str:
    return f"{ROOT}{address}/up/{codec}" if codec else f"{ROOT}{address}/up"


def status(address: str) -> str:
    return f"{ROOT}{address}/status"


def receipt(address: str) -> str:
    return f"{ROOT}{address}/down/receipt"


def refused(address: str) -> str:
    return f"{ROOT}{address}/down/refused"


def alert(address: str) -> str:
    return f"{ROOT}{address}/down/alert"


def parse_up(topic: str) -> Up | None:
    """The address and codec of an ``up`` topic, or None for any other text."""
    found = _match_up(topic)
    return Up(found[1], DEFAULT_CODEC if found[2] is None else found[2]) if found else None


def parse_status(topic: str) -> str | None:
    """The address of a ``status`` topic, or None for any other text."""
    found = _match_status(topic)
    return found[1] if found else None


def device_may_publish(address: str, topic: str) -> bool:
    """A device publishes to its ``up`` and its ``status``, nowhere else."""
    own = up(address)
    return topic == own or topic.startswith(own + "/") or topic == status(address)


def device_may_subscribe(address: str, topic_filter: str) -> bool:
    """A device reads its own ``down``: ``down/#`` or a filter below it."""
    return topic_filter.startswith(f"{ROOT}{address}/down/") and len(topic_filter) <= TOPIC_BYTES
