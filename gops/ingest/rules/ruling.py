"""Quality rules as a whole: the store with them before it, the counts, and the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gops.clock import Clock
from gops.ingest.rules.book import RuleBook
from gops.ingest.rules.counts import QualityCounts
from gops.ingest.rules.service import QualityRuling
from gops.ingest.rules.store import RuledStore
from gops.records.database import Database
from gops.records.events import Event
from gops.settings import Settings
from gops.store.port import Store


@dataclass(frozen=True, slots=True)
class Rules:
    """``store`` is to be written to in place of the one it stands over; ``handlers`` belong into the event pump, and
    ``counts`` are to be flushed now and then."""

    store: RuledStore
    counts: QualityCounts
    service: QualityRuling
    handlers: Mapping[str, tuple[Callable[[Event], None], ...]]


def rules_over(store: Store, database: Database, clock: Clock, settings: Settings) -> Rules:
    counts = QualityCounts(database, clock, settings)
    book = RuleBook(database, settings.quality_states)
    ruled = RuledStore(store, book, counts, clock, settings.quality_states)
    return Rules(ruled, counts, QualityRuling(database, clock, settings, store, counts), ruled.handlers)
