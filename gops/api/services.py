"""What the API works with; ``compose`` builds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gops.clock import Clock
from gops.metrics import Metrics
from gops.settings import Settings
from gops.store.port import Store


@dataclass(frozen=True)
class Services:
    """One object of each service.

    ``life`` names the life of the data folder: versions of readings come again in another one.
    ``health`` answers ``{"ok": bool, "components": {name: {"ok": bool, ...}}}``; what it says is safe to show.
    """

    organisations: Any
    members: Any
    keys: Any
    devices: Any
    device_bulk: Any
    silence: Any
    signup: Any
    things: Any
    sensors: Any
    properties: Any
    datastreams: Any
    corrections: Any
    pushes: Any
    replays: Any
    retaining: Any
    mappings: Any
    quality: Any
    refusals: Any
    device_status: Any
    audit: Any
    datasets: Any
    filed: Any
    revisions: Any
    newsfeed: Any
    dataset_hooks: Any
    search: Any
    harvests: Any
    catalogued: Any
    views: Any
    snapshots: Any
    feeds: Any
    declared: Any
    alerts: Any
    usage: Any
    sites: Any
    slots: Any
    demands: Any
    demand_joins: Any
    places: Any
    site_files: Any
    micro_slots: Any
    calls: Any
    clocks: Any
    consortia: Any
    documents: Any
    duplicates: Any
    questions: Any
    errata: Any
    applications: Any
    scores: Any
    municipal_scores: Any
    panels: Any
    bids: Any
    reviews: Any
    review_results: Any
    answerers: Any
    regulatory_checks: Any
    exemptions: Any
    marks: Any
    rounds: Any
    round_jobs: Any
    offers: Any
    appeals: Any
    notices: Any
    clusters: Any
    store: Store
    clock: Clock
    settings: Settings
    health: Callable[[], Mapping[str, Any]]
    life: str = ""
    metrics: Metrics = field(default_factory=Metrics)
