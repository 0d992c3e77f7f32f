"""Corrections of readings over a range, by their owner."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.ranges import RangeQuery, refuse
from gops.api.times import write_time
from gops.quality import ANY, WORDS, parse_word

blueprint = Blueprint("corrections", __name__, description="Readings taken back, or given another quality")


class CorrectionQuery(RangeQuery):
    datastream = own.ids("Datastreams whose readings are meant", required=True)
    dry_run = fields.Boolean(load_default=False, metadata={"description": "true: count the readings, change nothing"})

    def agree(self, query: dict[str, Any]) -> None:
        for name, field in (("start", "from"), ("end", "to")):
            if query[name] is None:
                refuse(field, f"{field} is missing", "both ends of the range", "required")


class DeletionQuery(CorrectionQuery):
    reason = own.text("why; kept in the audit", 2000, shortest=1, required=True)


class RequalificationQuery(CorrectionQuery):
    quality = own.quality()


class Requalification(Strict):
    quality = own.choice("what they get; never missing", WORDS, required=True)
    reason = own.text("why; kept in the audit", 2000, shortest=1, required=True)


class CorrectedOut(Strict):
    zone = fields.String()
    start = fields.String(data_key="from")
    end = fields.String(data_key="to")
    datastreams = fields.List(fields.Integer())
    rows = fields.Integer(metadata={"description": "readings that were removed or changed; with dry_run: would be"})
    dry_run = fields.Boolean()


@blueprint.route("/observations")
class CorrectionsView(MethodView):
    @blueprint.arguments(DeletionQuery, location="query")
    @blueprint.response(200, CorrectedOut)
    @blueprint.writes(404, 413, 422, 501, 503)
    def delete(self, query: dict[str, Any]) -> Any:
        """Delete the readings of a range

        Those that a GET of the same Datastreams and range shows. With `dry_run=true` they are counted only. A reading
        that is sent again later is stored again.
        """
        span = query["datastream"], query["start"], query["end"]
        done = services().corrections.delete(actor(), *span, query["reason"], dry_run=query["dry_run"])
        return shown(done, query["zone"])

    @blueprint.arguments(RequalificationQuery, location="query")
    @blueprint.arguments(Requalification)
    @blueprint.response(200, CorrectedOut)
    @blueprint.writes(404, 413, 415, 422, 501, 503)
    def patch(self, query: dict[str, Any], change: dict[str, Any]) -> Any:
        """Give the readings of a range another quality

        Those that a GET of the same Datastreams, range and `quality` shows. A reading without a value is left as it is
        when the new quality is good or estimated. With `dry_run=true` what would change is counted only.
        """
        quality, only = parse_word(change["quality"]), query.get("quality", ANY)
        span = query["datastream"], query["start"], query["end"]
        done = services().corrections.requalify(
            actor(), *span, quality, change["reason"], only=only, dry_run=query["dry_run"]
        )
        return shown(done, query["zone"])


def shown(done: Any, zone: ZoneInfo) -> SimpleNamespace:
    """A correction as the API gives it."""
    return SimpleNamespace(
        zone=zone.key,
        start=write_time(done.start, zone),
        end=write_time(done.end, zone),
        datastreams=list(done.datastreams),
        rows=done.rows,
        dry_run=done.dry_run,
    )
