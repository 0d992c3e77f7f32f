"""Datasets: found by all, made and published by their owners."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.catalog.addresses import base, follow, tell_deprecated
from gops.api.context import actor, services, settings
from gops.api.counted import used
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.problems import InvalidRequest, Wrong
from gops.api.times import EXPECTED, parse_time
from gops.catalog.datasets import NEVER, SNAPSHOT_EVERY
from gops.catalog.history.revisions import NOTE_LENGTH
from gops.catalog.licences import LICENCES, attribution
from gops.catalog.live import TOPIC
from gops.catalog.metadata import KEYWORD_LENGTH, KEYWORDS, Incomplete
from gops.catalog.model import FILES, HARVESTED, KINDS, LIVE
from gops.catalog.selection import RULE_NAMES
from gops.catalog.states import DRAFT, IN_REVIEW, STATES
from gops.catalog.views import DatasetView
from gops.catalog.vocabularies import FREQUENCIES, PERSONAL_DATA, THEMES
from gops.clock import from_micros
from gops.durations import write_duration
from gops.sensors.retention import STEPS

blueprint = Blueprint("datasets", __name__, description="Open data: what is published, and how it is described")
CHOSEN = ("datastreams", "rule", "follow", "snapshot_every", "kind")


def _word(about: str, words: Sequence[str]) -> fields.String:
    return own.choice(f"{about}; empty: none yet", ("", *words))


class Described(Strict):
    """What is said of a dataset. To publish it, all must be there; what explains personal data only where there is
    some."""

    title_ko = own.text("Korean title", 200)
    title_en = own.text("English title", 200)
    description_ko = own.text("in Korean", 2000)
    description_en = own.text("in English", 2000)
    licence = _word("what others may do with it", tuple(LICENCES))
    theme = _word("what it is about", tuple(THEMES))
    keywords = fields.List(
        own.text("keyword", KEYWORD_LENGTH, shortest=1),
        validate=validate.Length(max=KEYWORDS),
        metadata={"description": "in Korean or English", "example": ["미세먼지", "PM10"]},
    )
    contact_name = own.text("who answers questions", 200)
    contact_email = own.text("their mail address, which is public", 254)
    frequency = _word("how often it is brought up to date", tuple(FREQUENCIES))
    personal_data = _word("whether people can be told from it", tuple(PERSONAL_DATA))
    personal_data_basis = own.text("why people are in it and how they are protected; with personal data", 2000)
    personal_data_reviewer = own.text("who looked at that, which is public; with personal data", 200)
    personal_data_reviewed = own.text("when, YYYY-MM-DD; with personal data", 10)


class Terms(Strict):
    """How much of a dataset others than its owner see."""

    delay = own.text("a reading becomes public that much later: an ISO 8601 duration", 32, allow_none=True)
    location_decimals = fields.Integer(
        allow_none=True,
        metadata={
            "description": "positions have so many decimals of a degree: 3 is some 100 m",
            "example": 3,
        },
    )
    suppress_below = fields.Integer(
        allow_none=True, metadata={"description": "amounts and numbers of states below it are null", "example": 5}
    )


class DatasetRule(Strict):
    """Which Datastreams of the organisation: of this feed, of one of these properties, in this box; one at least."""

    feed = own.text("slug of a pulled feed, or direct for what devices publish", 63)
    properties = fields.List(
        own.text("key", 64, shortest=1), metadata={"description": "keys of observed properties", "example": ["pm10"]}
    )
    bbox = fields.List(
        fields.Float(),
        validate=validate.Length(equal=4),
        metadata={"description": "west, south, east, north", "example": [126.9, 37.2, 127.1, 37.3]},
    )


class DatasetSelection(Described, Terms):
    start = own.Parsed(
        lambda given: parse_time(given, settings().zone, ""), EXPECTED, "nothing before is public", allow_none=True
    )
    datastreams = fields.List(
        own.record_id("Datastream"), metadata={"description": "ids; the list instead of a rule", "example": [42]}
    )
    rule = fields.Nested(DatasetRule, metadata={"description": "instead of a list"})
    snapshot_every = own.choice(
        "how often it is frozen by itself while it is published; 1mo by default", SNAPSHOT_EVERY
    )
    follow = fields.Boolean(
        metadata={"description": "publish new Datastreams for which the rule holds as soon as there are some"}
    )


class DatasetNew(DatasetSelection):
    organisation = own.slug("whose it is", required=True)
    kind = own.choice("live: of Datastreams; files: of what is handed in; live by default", (LIVE, FILES))
    slug = own.slug("its name in addresses", required=True)


class DatasetChange(DatasetSelection):
    slug = own.slug("a new slug; the former one redirects for ever")
    note = own.text("on this change, in the list of revisions, which is public", NOTE_LENGTH)


class DatasetWithdrawal(Strict):
    reason = own.text("why, for those who come to its address", 2000, shortest=1, required=True)


class DatasetsQuery(PageQuery):
    organisation = own.slug("of this organisation", load_default=None)
    state = own.choice("in this state; others see published ones only", STATES, load_default=None)


class DatasetOut(Described, Terms):
    id = fields.Integer()
    slug = fields.String()
    organisation = fields.String(metadata={"description": "slug of the publisher"})
    kind = own.choice("where its data is: Datastreams, files that were handed in, or another catalog", KINDS)
    state = own.choice("what has become of it", STATES)
    datastreams = fields.Integer(metadata={"description": "how many are in it"})
    rule = fields.Nested(DatasetRule, allow_none=True)
    follow = fields.Boolean()
    snapshot_every = own.choice("how often it is frozen by itself while it is published", SNAPSHOT_EVERY)
    missing = fields.List(fields.String(), metadata={"description": "what a draft still lacks to be published"})
    retention = fields.String(
        allow_none=True,
        metadata={"description": "readings older than this are deleted: the shortest; null: kept for ever"},
    )
    thin_after = fields.String(
        allow_none=True, metadata={"description": "of readings older than this one a step is kept: the shortest"}
    )
    thin_every = own.choice("that step: the longest", tuple(STEPS), allow_none=True)
    thinned_until = own.moment("readings before were thinned, some at least", allow_none=True)
    thinned_every = own.choice("step to which they were thinned: the longest", tuple(STEPS), allow_none=True)
    revision = fields.Integer(metadata={"description": "grows with every change of what is said of it or in it"})
    attribution_ko = fields.String(metadata={"description": "the sentence that names the source"})
    attribution_en = fields.String()
    data = fields.String(metadata={"description": "address of its readings"})
    columns = fields.String(metadata={"description": "address of its column dictionary"})
    files = fields.String(allow_none=True, metadata={"description": "address of its files; of kind files alone"})
    latest = fields.String(metadata={"description": "address of its newest readings"})
    snapshots = fields.String(metadata={"description": "address of its snapshots"})
    live_topic = fields.String(metadata={"description": "MQTT filter of its readings as they come"})
    created_at = own.moment("when it was made or offered")
    modified_at = own.moment("when it last changed")
    published_at = own.moment("when it was published", allow_none=True)
    start = own.moment("nothing before is public", allow_none=True)
    review_asked_at = own.moment("when it was handed in for review; of one that is not public", allow_none=True)
    review_note = fields.String(
        allow_none=True, metadata={"description": "what was said last in its review; of one that is not public"}
    )
    revisions = fields.String(metadata={"description": "address of what was said of it before"})
    feed = fields.String(metadata={"description": "address of its news, an Atom feed"})
    origin = fields.String(
        allow_none=True, metadata={"description": "address of where it is from and its links, of a harvested one"}
    )
    deprecated_at = own.moment("since when it should not be used any more", allow_none=True)
    deprecate_reason = fields.String(allow_none=True)
    replaced_by = fields.String(allow_none=True, metadata={"description": "slug of the dataset to use instead"})
    withdrawn_at = own.moment("when it was withdrawn", allow_none=True)
    withdraw_reason = fields.String(allow_none=True)


@blueprint.route("/datasets")
class DatasetsView(MethodView):
    @blueprint.arguments(DatasetsQuery, location="query")
    @blueprint.response(200, page_of(DatasetOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List datasets

        Published ones; a key shows its organisation's drafts and withdrawn ones too.
        """
        home, state = query["organisation"], query["state"]
        body, headers = page(
            query, lambda after, limit: services().datasets.list(actor(), home, state, after=after, limit=limit)
        )
        return {**body, "items": shown(body["items"])}, headers

    @blueprint.arguments(DatasetNew)
    @blueprint.response(201, DatasetOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Make a draft

        Of a list of Datastreams or by a rule; they stay private until it is published. GOPS offers one draft for each
        feed of an organisation by itself. With `kind` files it is of what is handed in under `/files`.
        """
        home, slug = new.pop("organisation"), new.pop("slug")
        chosen = {name: new.pop(name) for name in CHOSEN if name in new}
        made = services().datasets.create(actor(), home, slug, described=new, **chosen)
        return shown([made])[0], {"Location": f"{PREFIX}/datasets/{made.slug}"}


@blueprint.route("/datasets/<slug:slug>")
class OneDataset(MethodView):
    @blueprint.response(200, DatasetOut)
    @blueprint.moves
    @blueprint.public(401, 404, 410)
    def get(self, slug: str) -> Any:
        """Show a dataset"""
        found = services().datasets.get(actor(), slug)
        follow(slug, found.slug)
        tell_deprecated(found)
        used("metadata", found.id)
        return shown([found])[0]

    @blueprint.arguments(DatasetChange)
    @blueprint.response(200, DatasetOut)
    @blueprint.writes(404, 409, 410, 413, 415, 422)
    def patch(self, change: dict[str, Any], slug: str) -> Any:
        """Change a dataset

        What is not given stays. A published one stays complete, and keeps what was said of it before as a revision.
        """
        note = change.pop("note", "")
        return shown([complete(lambda: services().datasets.edit(actor(), slug, change, note))])[0]


@blueprint.route("/datasets/<slug:slug>/publish")
class PublishView(MethodView):
    @blueprint.response(200, DatasetOut)
    @blueprint.writes(404, 409, 410, 422)
    def post(self, slug: str) -> Any:
        """Publish a dataset

        Its Datastreams, their Things and their places become public with it. What is still missing is named. One that
        was deprecated is current again. Where the setting `GOPS_CATALOG_REVIEW` is on, a draft is published by its
        review.
        """
        return shown([complete(lambda: services().datasets.publish(actor(), slug))])[0]


@blueprint.route("/datasets/<slug:slug>/withdraw")
class WithdrawView(MethodView):
    @blueprint.arguments(DatasetWithdrawal)
    @blueprint.response(200, DatasetOut)
    @blueprint.writes(404, 409, 410, 413, 415, 422)
    def post(self, withdrawal: dict[str, Any], slug: str) -> Any:
        """Withdraw a dataset

        For ever: its address answers 410 with the reason. Its Datastreams are private again.
        """
        return shown([services().datasets.withdraw(actor(), slug, withdrawal["reason"])])[0]


def complete(act: Any) -> Any:
    """What ``act`` gives. Each part that a dataset lacks becomes a wrong value of its own."""
    try:
        return act()
    except Incomplete as error:
        wrong = (Wrong("required", f"{name} is missing", name, None, _expected(name)) for name in error.missing)
        raise InvalidRequest(tuple(wrong)) from error


def _expected(name: str) -> str:
    words = {"licence": LICENCES, "theme": THEMES, "frequency": FREQUENCIES, "personal_data": PERSONAL_DATA}
    return (
        "one of " + ", ".join(words[name]) if name in words else str(Described().fields[name].metadata["description"])
    )


def shown(datasets: Sequence[Any]) -> list[SimpleNamespace]:
    """Datasets as the API gives them, in their order."""
    return [_shown(view) for view in services().views.of(datasets)]


_PLAIN = (
    *Described().fields,
    "id", "slug", "kind", "state", "follow", "revision", "created_at", "modified_at", "published_at", "withdrawn_at",
    "withdraw_reason", "start", "location_decimals", "suppress_below", "deprecated_at", "deprecate_reason",
    "replaced_by",
)  # fmt: skip
UNSEEN = (DRAFT, IN_REVIEW)
KEPT = ("retention", "thin_after", "thin_every", "thinned_until", "thinned_every")


def _shown(view: DatasetView) -> SimpleNamespace:
    one = view.dataset
    rule = None if view.rule is None else {name: view.rule[name] for name in RULE_NAMES if name in view.rule}
    return SimpleNamespace(
        **{name: getattr(one, name) for name in _PLAIN},
        organisation=view.publisher.slug,
        datastreams=view.datastreams,
        rule=rule,
        missing=list(view.missing),
        **{name: getattr(view.kept, name) for name in KEPT},
        attribution_ko=_attribution(view, "ko"),
        attribution_en=_attribution(view, "en"),
        delay=write_duration(one.delay) if one.delay else None,
        **{name: getattr(one, name) if one.state in UNSEEN else None for name in ("review_asked_at", "review_note")},
        revisions=f"{PREFIX}/datasets/{one.slug}/revisions",
        feed=f"{PREFIX}/datasets/{one.slug}/feed.atom",
        origin=f"{PREFIX}/datasets/{one.slug}/origin" if one.kind == HARVESTED else None,
        data=f"{PREFIX}/datasets/{one.slug}/data",
        columns=f"{PREFIX}/datasets/{one.slug}/columns",
        files=f"{PREFIX}/datasets/{one.slug}/files" if one.kind == FILES else None,
        latest=f"{PREFIX}/datasets/{one.slug}/latest",
        snapshot_every=one.snapshot_every or NEVER,
        snapshots=f"{PREFIX}/datasets/{one.slug}/snapshots",
        live_topic=TOPIC.format(dataset=one.slug, datastream="+"),
    )


def _attribution(view: DatasetView, language: Any) -> str:
    one = view.dataset
    if not one.licence:
        return ""
    title, publisher = (
        (one.title_ko, view.publisher.name_ko) if language == "ko" else (one.title_en, view.publisher.name_en)
    )
    year = from_micros(one.published_at or one.created_at).year
    address = f"{base()}{PREFIX}/datasets/{one.slug}"
    return attribution(LICENCES[one.licence], title, publisher, year, address, language)
