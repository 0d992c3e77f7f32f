"""Alerts: rules, what happened, deliveries."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.alerts.condition import CONDITIONS, PHASES
from gops.alerts.rules import CHANNEL_KINDS, CHANNELS, DATASTREAMS, SEVERITIES, URL_LENGTH, Wish
from gops.alerts.service import Rule
from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.durations import write_duration

blueprint = Blueprint("alerts", __name__, description="Conditions on readings, and who is told of them")


class Channel(Strict):
    kind = own.choice("how", CHANNEL_KINDS, required=True)
    url = own.text("of kind webhook: where a signed POST goes", URL_LENGTH)
    device = own.text("of kind mqtt: the device whose down/alert it is sent to", 64)
    to = own.text("of kind mail: the address of a member", 254)


class AlertWish(Strict):
    name = own.text("name", 200, shortest=1, required=True)
    datastreams = fields.List(
        own.record_id("Datastream of the organisation"), required=True, validate=validate.Length(1, DATASTREAMS)
    )
    condition = own.choice("when it fires (docs/alerts.md)", CONDITIONS, required=True)
    threshold = fields.Float(
        allow_none=True, load_default=None, metadata={"description": "in the unit of the Datastreams"}
    )
    clear = fields.Float(
        allow_none=True, load_default=None, metadata={"description": "where it is over; null: at the threshold"}
    )
    hold = own.text("for how long, an ISO 8601 duration of fixed length", 32, allow_none=True, load_default=None)
    quality = own.text("quality words with commas between, or any: readings that count", 80, load_default="good")
    severity = own.choice("how bad it is", SEVERITIES, load_default="warning")
    message_ko = own.text("what to tell, in Korean", 2000, load_default="")
    message_en = own.text("what to tell, in English", 2000, load_default="")
    channels = fields.List(fields.Nested(Channel), load_default=[], validate=validate.Length(0, CHANNELS))
    enabled = fields.Boolean(load_default=True)


class AlertNew(AlertWish):
    organisation = own.slug("whose rule it is", required=True)


class AlertStanding(Strict):
    datastream = fields.Integer()
    phase = own.choice("where the rule stands", PHASES)
    since = own.moment("when that began")
    time = own.moment("of the newest reading that counted", allow_none=True)
    value = fields.Raw(allow_none=True, metadata={"type": ["number", "string"], "description": "that reading"})


class AlertOut(AlertWish):
    id = fields.Integer()
    organisation = own.slug("whose rule it is")
    revision = fields.Integer(metadata={"description": "grows with every change"})
    created_at = own.moment("when it was made")
    states = fields.List(fields.Nested(AlertStanding))


class AlertMade(AlertOut):
    secret = fields.String(metadata={"description": "signs its webhooks; shown this once"})


class AlertSecret(Strict):
    secret = fields.String(metadata={"description": "signs its webhooks from now on; shown this once"})


class AlertQuery(PageQuery):
    organisation = own.slug("whose", required=True)


class EventQuery(AlertQuery):
    rule = own.asked_id("of this rule", load_default=None)
    open = fields.Boolean(load_default=False, metadata={"description": "what fired and nobody acknowledged"})


class EventOut(Strict):
    id = fields.Integer()
    rule = fields.Integer(attribute="rule_id")
    name = fields.String(attribute="rule_name", metadata={"description": "of the rule, as it was then"})
    datastream = fields.Integer(attribute="datastream_id")
    severity = own.choice("how bad it is", SEVERITIES)
    what = own.choice("what happened", ("fired", "cleared"))
    at = own.moment("when GOPS found it")
    since = own.moment("when it began, by the readings")
    time = own.moment("of the reading", allow_none=True)
    value = fields.Raw(allow_none=True, metadata={"type": ["number", "string"], "description": "that reading"})
    acknowledged_at = own.moment("when somebody said to have seen to it", allow_none=True)
    acknowledged_by = fields.Integer(allow_none=True, metadata={"description": "id of the person"})
    note = fields.String(allow_none=True)


class Acknowledgement(Strict):
    note = own.text("what was done", 2000, load_default="")


class DeliveryQuery(AlertQuery):
    state = own.choice("those alone", ("waiting", "sent", "dead"), load_default=None)


class DeliveryOut(Strict):
    id = fields.Integer(metadata={"description": "also in the header GOPS-Delivery"})
    rule = fields.Integer(attribute="rule_id")
    event = fields.Integer(attribute="event_id")
    channel = fields.Nested(Channel)
    state = own.choice("whether it went out", ("waiting", "sent", "dead"))
    attempts = fields.Integer()
    next_at = own.moment("when it is tried next, while it waits")
    ended_at = own.moment("when it was sent or given up", allow_none=True)
    problem = fields.String(allow_none=True, metadata={"description": "of the last try"})


@blueprint.route("/alerts")
class AlertsView(MethodView):
    @blueprint.arguments(AlertQuery, location="query")
    @blueprint.response(200, page_of(AlertOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List the alert rules of an organisation and where they stand"""
        home = query["organisation"]
        body, headers = page(query, lambda after, limit: services().alerts.list(actor(), home, after, limit))
        return body | {"items": [shown(rule) for rule in body["items"]]}, headers

    @blueprint.arguments(AlertNew)
    @blueprint.response(201, AlertMade)
    @blueprint.writes(404, 409, 413, 415, 422, 503)
    def post(self, new: dict[str, Any]) -> Any:
        """Make an alert rule

        The secret that signs its webhooks is in this answer alone.
        """
        home = new.pop("organisation")
        rule, secret = services().alerts.create(actor(), home, Wish(**new))
        return shown(rule) | {"secret": secret}


@blueprint.route("/alerts/<id:alert_id>")
class AlertView(MethodView):
    @blueprint.response(200, AlertOut)
    @blueprint.reads(404)
    def get(self, alert_id: int) -> Any:
        """Show an alert rule and where it stands"""
        return shown(services().alerts.get(actor(), alert_id))

    @blueprint.arguments(AlertWish)
    @blueprint.response(200, AlertOut)
    @blueprint.writes(404, 409, 413, 415, 422, 503)
    def put(self, wish: dict[str, Any], alert_id: int) -> Any:
        """Say an alert rule anew

        In place of all that was said; it begins afresh.
        """
        return shown(services().alerts.replace(actor(), alert_id, Wish(**wish)))

    @blueprint.response(204)
    @blueprint.writes(404)
    def delete(self, alert_id: int) -> None:
        """Delete an alert rule

        What happened stays in the history; what waits to be sent does not go out.
        """
        services().alerts.delete(actor(), alert_id)


@blueprint.route("/alerts/<id:alert_id>/secret")
class AlertSecretView(MethodView):
    @blueprint.response(200, AlertSecret)
    @blueprint.writes(404)
    def post(self, alert_id: int) -> Any:
        """Make another secret for the webhooks of an alert rule

        The one before signs nothing from now on.
        """
        return {"secret": services().alerts.renew_secret(actor(), alert_id)}


@blueprint.route("/alerts/events")
class AlertEventsView(MethodView):
    @blueprint.arguments(EventQuery, location="query")
    @blueprint.response(200, page_of(EventOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List what alerts fired and cleared, oldest first"""
        only = {"rule": query["rule"], "open": query["open"]}
        home = query["organisation"]
        body, headers = page(query, lambda after, limit: services().alerts.events(actor(), home, after, limit, **only))
        return body | {"items": [shown_event(event) for event in body["items"]]}, headers


@blueprint.route("/alerts/events/<id:event_id>/acknowledge")
class AlertAcknowledgement(MethodView):
    @blueprint.arguments(Acknowledgement)
    @blueprint.response(200, EventOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, said: dict[str, Any], event_id: int) -> Any:
        """Say that somebody has seen to an alert"""
        return shown_event(services().alerts.acknowledge(actor(), event_id, said["note"]))


@blueprint.route("/alerts/deliveries")
class AlertDeliveries(MethodView):
    @blueprint.arguments(DeliveryQuery, location="query")
    @blueprint.response(200, page_of(DeliveryOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List what alerts sent, have to send, or could not

        `state=dead` are those that were given up.
        """
        home, state = query["organisation"], query["state"]
        return page(query, lambda after, limit: services().alerts.deliveries(actor(), home, after, limit, state=state))


@blueprint.route("/alerts/deliveries/<id:delivery_id>/retry")
class AlertRetry(MethodView):
    @blueprint.response(200, DeliveryOut)
    @blueprint.writes(404, 409)
    def post(self, delivery_id: int) -> Any:
        """Send again what was given up"""
        return services().alerts.send_again(actor(), delivery_id)


def shown(rule: Rule) -> dict[str, Any]:
    row, condition = rule.row, rule.row.condition
    names = ("id", "name", "quality", "severity", "message_ko", "message_en", "channels", "enabled", "revision")
    return {
        **{name: getattr(row, name) for name in names},
        "created_at": row.created_at,
        "organisation": rule.organisation,
        "datastreams": [state.datastream_id for state in rule.states],
        "condition": condition["kind"],
        "threshold": condition["threshold"],
        "clear": condition["clear"],
        "hold": write_duration(condition["hold"]) if condition["hold"] else None,
        "states": [
            {"datastream": one.datastream_id, "phase": one.phase, "since": one.since} | _reading(one)
            for one in rule.states
        ],
    }


def shown_event(event: Any) -> dict[str, Any]:
    kept = {field.attribute or name for name, field in EventOut().fields.items()} - {"time", "value"}
    return {name: getattr(event, name) for name in kept} | _reading(event)


def _reading(row: Any) -> dict[str, Any]:
    return {"time": row.t, "value": row.value if row.text is None else row.text}
