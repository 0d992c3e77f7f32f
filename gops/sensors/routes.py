"""What ingest needs to know of a device: where its fields go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gops.kinds import Kind

OPEN = -(1 << 62)  # microseconds; before every reading
UNBOUNDED = 1 << 62


@dataclass(frozen=True, slots=True)
class Target:
    """A Datastream as the goal of a field. stored = sent * ``scale`` + ``offset``, unit conversion included; a number
    outside ``low`` .. ``high`` (-inf and inf when unset) is suspect. A reading older than ``age`` or before ``closed``
    comes too late: what is kept of that time is settled. One that is further ahead than ``lead`` says (0 or less: how
    old it is at least) is refused as well. Microseconds."""

    datastream: int
    kind: Kind
    scale: float
    offset: float
    low: float
    high: float
    age: int = UNBOUNDED
    closed: int = OPEN
    unit: str | None = None
    lead: int = -UNBOUNDED


@dataclass(frozen=True, slots=True)
class DeviceRoute:
    """A device and its fields. ``ended`` has the fields whose Datastream has ended."""

    device_id: int
    organisation_id: int
    organisation_slug: str
    address: str
    fields: Mapping[str, Target]
    ended: frozenset[str] = frozenset()
