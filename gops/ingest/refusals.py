"""What was refused: kept with its reason, counted when it repeats, shown to its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gops.clock import Clock
from gops.ingest.refused import Refused
from gops.records.database import Database
from gops.settings import Settings


@dataclass(frozen=True, slots=True)
class Report:
    """One refusal and where it came from.

    ``feed`` is "direct" for what a device publishes. ``device`` is the address as the topic has it, empty for none.
    ``organisation_id`` is None where the topic names no known organisation: then it belongs to the platform. Reports
    of one message share the bytes object ``raw``.
    """

    feed: str
    device: str
    organisation_id: int | None
    topic: str
    raw: bytes
    refused: Refused
    revision: int | None = None


class Refusals:
    """The service of refusals."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def record(self, reports: Sequence[Report]) -> None:
        """Keep or count all of these in one write unit."""
        raise NotImplementedError
