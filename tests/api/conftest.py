"""An API over real services, with one person for each role, and helpers that every test of it uses."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gops.accounts import lookup
from gops.accounts.audit import Audit
from gops.accounts.bootstrap import initialise
from gops.accounts.bulk import DeviceBulk
from gops.accounts.devices import Devices
from gops.accounts.granting import KeyMaker, Wish
from gops.accounts.keys import Keys
from gops.accounts.members import Members
from gops.accounts.model import Organisation
from gops.accounts.organisations import Organisations
from gops.accounts.signup import Signup
from gops.alerts.service import Alerts
from gops.api.app import create_app
from gops.api.context import EXTENSION
from gops.api.exports import SLOTS
from gops.api.services import Services
from gops.catalog.contents import Catalogued
from gops.catalog.datasets import Datasets
from gops.catalog.filed.service import FiledDatasets
from gops.catalog.harvest.sources import HarvestSources
from gops.catalog.history.news import Feed
from gops.catalog.history.revisions import Revisions
from gops.catalog.hooks.service import DatasetHooks
from gops.catalog.search.service import Search
from gops.catalog.snapshots.service import Snapshots
from gops.catalog.views import Views
from gops.clock import FixedClock
from gops.files.folder import FolderFiles
from gops.ingest.declared.service import FeedDeclarations, Watched
from gops.ingest.feeds.names import feed_names, feed_of
from gops.ingest.feeds.service import Feeds
from gops.ingest.push.service import Pushes
from gops.ingest.refusal_replays import RefusalReplays
from gops.ingest.refusals import Refusals
from gops.ingest.rules.ruling import rules_over
from gops.ingest.silence import Silence
from gops.ingest.status import DeviceStatus
from gops.notify.service import Notices
from gops.outbound import Outbound
from gops.permissions import SCOPES, Actor
from gops.records.database import Database
from gops.sensors.corrections import Corrections
from gops.sensors.datastreams import Datastreams
from gops.sensors.instruments import Sensors
from gops.sensors.mapping import Mappings
from gops.sensors.properties import ObservedProperties, seed
from gops.sensors.retaining import Retaining
from gops.sensors.things import Things, thing_for_device
from gops.settings import Settings, load
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Store
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
from tests.conftest import NOON_BEFORE, People
from tests.opened import opened

MINUTE = 60_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-openapi", action="store_true", help="write tests/api/openapi.json anew")


class Letters:
    """An outbox that keeps letters in a list."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    def put(self, to: str, subject: str, text: str) -> None:
        self.sent.append((to, subject, text))


def build(database: Database, clock: FixedClock, settings: Settings, store: Store, letters: Letters) -> Services:
    accounts: Any = lookup
    routes = Mappings(database, clock, settings, accounts)
    return Services(
        organisations=Organisations(database, clock),
        members=Members(database, clock),
        keys=Keys(database, clock, settings),
        devices=(devices := Devices(database, clock, on_register=(thing_for_device,))),
        device_bulk=DeviceBulk(database, devices, settings.device_bulk),
        silence=Silence(database, clock, settings),
        signup=Signup(database, clock, settings, letters),
        things=Things(database, clock, settings, accounts),
        sensors=Sensors(database, clock, settings, accounts),
        properties=ObservedProperties(database, clock, settings),
        datastreams=Datastreams(database, clock, settings, accounts, lambda one: bool(store.extent([one]))),
        corrections=Corrections(database, clock, settings, store),
        pushes=Pushes(database, clock, settings, store, Refusals(database, clock, settings), routes.route),
        replays=RefusalReplays(database, clock, settings, store, Refusals(database, clock, settings), routes.route),
        retaining=Retaining(database, clock, settings, accounts, lambda: store.capabilities.deletes_range),
        mappings=routes,
        quality=rules_over(store, database, clock, settings).service,
        refusals=Refusals(database, clock, settings),
        device_status=DeviceStatus(database, clock),
        audit=Audit(database),
        datasets=Datasets(database, clock, settings, feed_of),
        filed=FiledDatasets(database, clock, settings, FolderFiles(settings.data / "files")),
        revisions=Revisions(database),
        newsfeed=Feed(database),
        dataset_hooks=DatasetHooks(database, clock, settings, Outbound.of(settings)),
        search=Search(database),
        harvests=HarvestSources(database, clock, settings, Outbound.of(settings)),
        catalogued=Catalogued(database),
        views=Views(database, clock, settings, store, feed_names),
        snapshots=Snapshots(database, clock, settings, FolderFiles(settings.data / "files")),
        feeds=(feeds := Feeds(database, clock, settings, Outbound.of(settings))),
        declared=FeedDeclarations(database, clock, settings, Outbound.of(settings), feeds, Watched()),
        alerts=Alerts(database, clock, settings, Outbound.of(settings)),
        usage=Usage(database, clock, settings),
        sites=Sites(database, clock, settings),
        slots=Slots(database, clock, settings),
        demands=Demands(database, clock, settings),
        demand_joins=DemandJoins(database, clock),
        places=Places(database, clock, settings),
        micro_slots=MicroSlots(database, clock, settings),
        site_files=SiteFiles(database, settings, Sites(database, clock, settings)),
        calls=Calls(database, clock, settings),
        clocks=Clocks(database, clock, clock_table(settings)),
        consortia=Consortia(database, clock),
        documents=Documents(database, clock, settings, FolderFiles(settings.data / "files")),
        duplicates=Duplicates(database),
        questions=Questions(database, clock, settings),
        errata=Errata(database, clock, settings),
        applications=Applications(database, clock, settings),
        scores=Scores(database, clock),
        municipal_scores=MunicipalScores(database, clock),
        panels=Panels(database, clock, settings),
        bids=Bids(database, clock),
        reviews=Reviews(database, clock),
        review_results=ReviewResults(database),
        answerers=Answerers(database, clock, settings),
        regulatory_checks=RegulatoryChecks(database, clock, settings),
        exemptions=Exemptions(database, clock, settings),
        marks=Marks(database, clock),
        rounds=(rounds := Rounds(database, clock, settings)),
        round_jobs=RoundJobs(database, clock, settings, rounds),
        offers=Offers(database, clock, settings),
        appeals=Appeals(database, clock, settings),
        notices=Notices(database, clock, settings, Outbound.of(settings)),
        clusters=Clusters(database, clock),
        store=store,
        clock=clock,
        settings=settings,
        health=lambda: {"ok": True, "components": {"records": {"ok": True}, "store": {"ok": True}}},
    )


@dataclass
class World:
    """An app, its services, and a key for each of a few people.

    ``suwon`` has an owner, a publisher and a viewer; ``seongnam`` a publisher; ``gops`` the operator and an auditor.
    """

    app: Flask
    services: Services
    database: Database
    clock: FixedClock
    letters: Letters
    suwon: Organisation
    seongnam: Organisation
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def http(self) -> FlaskClient:
        return self.app.test_client()

    @property
    def publisher(self) -> Actor:
        return self.services.keys.authenticate(self.keys["publisher"])

    def key(self, organisation: Organisation, *roles: str, scopes: Sequence[str] = ()) -> str:
        """The text of a key of a new person who holds ``roles`` there."""
        return make_key(self.database, self.clock, self.services.settings, organisation, roles, scopes)

    def call(self, method: str, path: str, who: str | None = None, **options: Any) -> TestResponse:
        """A request under /api/v1, as one of ``keys`` or anonymously; its answer is read to the end, and closed."""
        headers = dict(options.pop("headers", {}))
        options.setdefault("buffered", True)
        if who is not None:
            headers["Authorization"] = f"Bearer {self.keys[who]}"
        return self.http.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def get(self, path: str, who: str | None = None, **options: Any) -> TestResponse:
        return self.call("GET", path, who, **options)

    def post(self, path: str, who: str | None = None, body: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, who, json=body, **options)

    def stream(self, public: bool = True, name: str = "air-1", **options: Any) -> Any:
        """A Datastream of a new Thing of Suwon; of temperature unless told otherwise."""
        actor = self.publisher
        thing = self.services.things.create(actor, "suwon", name)
        wanted = {"sensor": "SHT31", "observed_property": "temperature"} | options
        made = self.services.datastreams.create(actor, thing.id, **wanted)
        return self.services.datastreams.publish(actor, made.id, True) if public else made

    def write(self, stream: Any, values: Sequence[Any], start: int | None = None, step: int = MINUTE) -> list[int]:
        """Store readings one ``step`` apart, the first at ``start`` (default: the clock); their times."""
        begin = self.clock.micros() if start is None else start
        times = [begin + step * index for index in range(len(values))]
        rows = [reading(stream.id, t, value) for t, value in zip(times, values, strict=True)]
        self.services.store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
        return times


def reading(datastream: int, t: int, value: Any, quality: int = 0, result_time: int | None = None) -> dict[str, Any]:
    text = value if isinstance(value, str) else None
    number = value if isinstance(value, int | float) else None
    return {
        "datastream": datastream,
        "t": t,
        "value": None if number is None else float(number),
        "text": text,
        "quality": quality if value is not None else 5,
        "result_time": result_time,
    }


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    made = MemoryStore()
    yield made
    made.close()


def make_key(
    database: Database,
    clock: FixedClock,
    settings: Settings,
    organisation: Organisation,
    roles: Sequence[str],
    scopes: Sequence[str] = (),
) -> str:
    people = People(database, clock)
    person = people.member(organisation, *roles, person=people.person(f"{secrets.token_hex(8)}@example.kr"))
    every = [one for one in SCOPES if organisation.kind == "operator" or one != "platform:admin"]
    wish = Wish("test", list(scopes) or every, 30)
    with database.write() as session:
        return KeyMaker(clock, settings).make(session, None, person.id, organisation.id, wish)[1]


@dataclass(frozen=True)
class Populated:
    """Records with the people of ``World``, to copy: making them anew would take most of a test's time."""

    file: Path
    keys: dict[str, str]


@pytest.fixture(scope="session")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Populated:
    file, clock, settings = tmp_path_factory.mktemp("world") / "records.sqlite", FixedClock(NOON_BEFORE), load({})
    database = opened(f"sqlite:///{file}")
    keys = {"operator": initialise(database, clock, settings) or ""}
    with database.write() as session:
        seed(session)
    people = People(database, clock)
    suwon, seongnam = people.organisation("suwon"), people.organisation("seongnam")
    gops = Organisations(database, clock).get("gops")
    roles = {"auditor": gops, "owner": suwon, "publisher": suwon, "viewer": suwon}
    keys |= {role: make_key(database, clock, settings, home, [role]) for role, home in roles.items()}
    keys["other"] = make_key(database, clock, settings, seongnam, ["publisher"])
    database.close()
    return Populated(file, keys)


@pytest.fixture(scope="session")
def migrated_file(populated: Populated) -> Path:
    """What ``database`` copies."""
    return populated.file


def nothing_yet() -> Services:
    """What an app is made over that tests share; each puts services of its own into it."""
    columns = {column.name: cast(Any, None) for column in fields(Services)}
    return Services(**columns | {"clock": FixedClock(NOON_BEFORE), "settings": load({})})


@pytest.fixture(scope="session")
def shared_app() -> Flask:
    """An app with the default settings."""
    services = nothing_yet()
    return create_app(services, services.settings)


@pytest.fixture
def world_of(
    populated: Populated, database: Database, clock: FixedClock, store: Store
) -> Callable[[Settings, Flask | None], World]:
    def make(settings: Settings, app: Flask | None) -> World:
        letters = Letters()
        services = build(database, clock, settings, store, letters)
        used = app or create_app(services, settings)
        used.extensions[EXTENSION] = services
        used.extensions.pop(SLOTS, None)  # a stream that another test did not close holds none here
        suwon, seongnam = (services.organisations.get(slug) for slug in ("suwon", "seongnam"))
        return World(used, services, database, clock, letters, suwon, seongnam, dict(populated.keys))

    return make


@pytest.fixture
def world(world_of: Callable[..., World], settings: Settings, shared_app: Flask) -> World:
    return world_of(settings, shared_app)


@pytest.fixture
def world_with(world_of: Callable[..., World], settings: Settings) -> Callable[..., World]:
    """A world with some settings changed, and an app of its own."""
    return lambda **changed: world_of(replace(settings, **changed), None)


def problem(
    answer: TestResponse,
    status: int,
    code: str,
    *,
    field: str | None = None,
    found: Any = ...,
    expected: str | None = None,
) -> dict[str, Any]:
    """Assert that ``answer`` is the problem body of ``status`` and ``code``; every failing test comes through here."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.data)
    assert (body["status"], body["code"]) == (status, code), body
    assert body["type"] == f"/api/v1/problems#{code}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Traceback" not in answer.text
    if field is not None:
        assert body["field"] == field, body
    if found is not ...:
        assert body.get("found") == found, body
    if expected is not None:
        assert expected in body["expected"], body
    return body


FROZEN = Path(__file__).with_name("openapi.json")
