"""The services that work on the records alone, built from settings; ``compose`` adds what needs a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from gops.accounts import lookup
from gops.accounts.audit import Audit
from gops.accounts.bulk import DeviceBulk
from gops.accounts.devices import Devices
from gops.accounts.keys import Keys
from gops.accounts.members import Members
from gops.accounts.organisations import Organisations
from gops.accounts.sealing import seal_of
from gops.accounts.signup import Signup
from gops.alerts.service import Alerts
from gops.catalog.datasets import Datasets
from gops.catalog.filed.service import FiledDatasets
from gops.catalog.harvest.sources import HarvestSources
from gops.catalog.history.news import Feed
from gops.catalog.history.revisions import Revisions
from gops.catalog.hooks.service import DatasetHooks
from gops.catalog.lookup import published_in
from gops.catalog.search.boundaries import places_of
from gops.catalog.search.service import Search
from gops.clock import Clock
from gops.files.folder import FolderFiles
from gops.ingest.declared.service import FeedDeclarations, Watched
from gops.ingest.feeds.names import feed_of
from gops.ingest.feeds.service import Feeds
from gops.ingest.refusals import Refusals
from gops.ingest.silence import Silence
from gops.ingest.status import DeviceStatus
from gops.notify.channels import letters_later
from gops.notify.service import Notices
from gops.outbound.client import Outbound
from gops.records.database import Database
from gops.sensors.datastreams import Datastreams
from gops.sensors.instruments import Sensors
from gops.sensors.mapping import Mappings
from gops.sensors.properties import ObservedProperties
from gops.sensors.things import Things, thing_for_device
from gops.settings import Settings
from gops.testbed.appeals.service import Appeals
from gops.testbed.applications import Applications
from gops.testbed.calls import Calls
from gops.testbed.clock_table import clock_table
from gops.testbed.clocks import Clocks
from gops.testbed.clusters.service import Clusters
from gops.testbed.consortium import Consortia
from gops.testbed.demands.board import Demands
from gops.testbed.demands.joining import DemandJoins
from gops.testbed.documents.service import Documents
from gops.testbed.duplicates import Duplicates
from gops.testbed.errata import Errata
from gops.testbed.marks import Marks
from gops.testbed.offers.service import Offers
from gops.testbed.places.importing import SiteFiles
from gops.testbed.places.micro import MicroSlots
from gops.testbed.places.service import Places
from gops.testbed.questions import Questions
from gops.testbed.regulatory.answerers import Answerers
from gops.testbed.regulatory.checks import RegulatoryChecks
from gops.testbed.regulatory.exemptions import Exemptions
from gops.testbed.review.bidding import Bids
from gops.testbed.review.forms import Reviews
from gops.testbed.review.municipal import MunicipalScores
from gops.testbed.review.panel import Panels
from gops.testbed.review.results import ReviewResults
from gops.testbed.round_jobs import RoundJobs
from gops.testbed.rounds import Rounds
from gops.testbed.scores import Scores
from gops.testbed.sites import Sites
from gops.testbed.slots import Slots
from gops.usage.service import Usage


@dataclass(frozen=True)
class Records:
    """The services that work on the records alone."""

    database: Database
    organisations: Organisations
    members: Members
    keys: Keys
    devices: Devices
    device_bulk: DeviceBulk
    silence: Silence
    signup: Signup
    audit: Audit
    things: Things
    sensors: Sensors
    properties: ObservedProperties
    datastreams: Datastreams
    mappings: Mappings
    refusals: Refusals
    device_status: DeviceStatus
    sites: Sites
    slots: Slots
    demands: Demands
    demand_joins: DemandJoins
    places: Places
    site_files: SiteFiles
    micro_slots: MicroSlots
    calls: Calls
    clocks: Clocks
    consortia: Consortia
    documents: Documents
    duplicates: Duplicates
    questions: Questions
    errata: Errata
    applications: Applications
    scores: Scores
    municipal_scores: MunicipalScores
    panels: Panels
    bids: Bids
    reviews: Reviews
    review_results: ReviewResults
    answerers: Answerers
    regulatory_checks: RegulatoryChecks
    exemptions: Exemptions
    marks: Marks
    rounds: Rounds
    round_jobs: RoundJobs
    offers: Offers
    appeals: Appeals
    notices: Notices
    clusters: Clusters
    datasets: Datasets
    filed: FiledDatasets
    revisions: Revisions
    newsfeed: Feed
    dataset_hooks: DatasetHooks
    search: Search
    harvests: HarvestSources
    feeds: Feeds
    declared: FeedDeclarations
    alerts: Alerts
    usage: Usage

    def offered(self) -> dict[str, Any]:
        """The services by name, as the API takes them."""
        return {row.name: getattr(self, row.name) for row in fields(self) if row.name != "database"}


def records(chosen: Settings, clock: Clock, has_readings: Callable[[int], bool] = lambda _id: True) -> Records:
    """Open the records. ``has_readings`` guards a Datastream's unit; without a store to ask, all count as having."""
    database = Database.of(chosen)
    outbound = Outbound.of(chosen)
    feeds = Feeds(database, clock, chosen, outbound)
    rounds = Rounds(database, clock, chosen)
    devices = Devices(database, clock, on_register=(thing_for_device,), seal=seal_of(chosen))
    return Records(
        database=database,
        organisations=Organisations(database, clock),
        members=Members(database, clock),
        keys=Keys(database, clock, chosen),
        devices=devices,
        device_bulk=DeviceBulk(database, devices, chosen.device_bulk),
        silence=Silence(database, clock, chosen),
        signup=Signup(database, clock, chosen, letters_later(chosen, clock, database)),
        audit=Audit(database),
        things=Things(database, clock, chosen, lookup),
        sensors=Sensors(database, clock, chosen, lookup),
        properties=ObservedProperties(database, clock, chosen),
        datastreams=Datastreams(database, clock, chosen, lookup, has_readings, published_in),
        mappings=Mappings(database, clock, chosen, lookup),
        refusals=Refusals(database, clock, chosen),
        device_status=DeviceStatus(database, clock),
        sites=Sites(database, clock, chosen),
        slots=Slots(database, clock, chosen),
        demands=Demands(database, clock, chosen),
        demand_joins=DemandJoins(database, clock),
        places=Places(database, clock, chosen),
        micro_slots=MicroSlots(database, clock, chosen),
        site_files=SiteFiles(database, chosen, Sites(database, clock, chosen)),
        calls=Calls(database, clock, chosen),
        clocks=Clocks(database, clock, clock_table(chosen)),
        consortia=Consortia(database, clock),
        documents=Documents(database, clock, chosen, FolderFiles(chosen.data / "files")),
        duplicates=Duplicates(database),
        questions=Questions(database, clock, chosen),
        errata=Errata(database, clock, chosen),
        applications=Applications(database, clock, chosen),
        scores=Scores(database, clock),
        municipal_scores=MunicipalScores(database, clock),
        panels=Panels(database, clock, chosen),
        bids=Bids(database, clock),
        reviews=Reviews(database, clock),
        review_results=ReviewResults(database),
        answerers=Answerers(database, clock, chosen),
        regulatory_checks=RegulatoryChecks(database, clock, chosen),
        exemptions=Exemptions(database, clock, chosen),
        marks=Marks(database, clock),
        rounds=rounds,
        round_jobs=RoundJobs(database, clock, chosen, rounds),
        offers=Offers(database, clock, chosen),
        appeals=Appeals(database, clock, chosen),
        notices=Notices(database, clock, chosen, outbound),
        clusters=Clusters(database, clock),
        datasets=Datasets(database, clock, chosen, feed_of),
        filed=FiledDatasets(database, clock, chosen, FolderFiles(chosen.data / "files")),
        revisions=Revisions(database),
        newsfeed=Feed(database),
        dataset_hooks=DatasetHooks(database, clock, chosen, outbound),
        search=Search(database, places_of(chosen)),
        harvests=HarvestSources(database, clock, chosen, outbound),
        feeds=feeds,
        declared=FeedDeclarations(database, clock, chosen, outbound, feeds, Watched()),
        alerts=Alerts(database, clock, chosen, outbound),
        usage=Usage(database, clock, chosen),
    )
