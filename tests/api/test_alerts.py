"""Alert rules over HTTP: said, seen by their organisation alone, acknowledged, sent again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from gops.alerts.model import AlertDelivery, AlertEvent, AlertRule
from gops.records.audit import AuditRow
from tests.api.conftest import World


def wish(stream: int, **more: Any) -> dict[str, Any]:
    return {"organisation": "suwon", "name": "폭염", "datastreams": [stream], "condition": "gt", "threshold": 33} | more


@pytest.fixture
def stream(world: World) -> int:
    return int(world.stream().id)


def made(world: World, stream: int, **more: Any) -> dict[str, Any]:
    answer = world.post("/alerts", "publisher", wish(stream, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def happen(world: World, rule: int, stream: int, **delivery: Any) -> AlertEvent:
    """An event and a delivery of it, as evaluation writes them."""
    now = world.clock.micros()
    with world.database.write() as session:
        home = session.scalar(select(AlertRule.organisation_id).where(AlertRule.id == rule))
        event = AlertEvent(
            organisation_id=home, rule_id=rule, datastream_id=stream, rule_name="폭염", severity="warning",
            what="fired", at=now, since=now, t=now, value=34.5, text=None,
        )  # fmt: skip
        session.add(event)
        session.flush()
        columns = {"state": "dead", "attempts": 3, "problem": "host_timeout: example.org did not answer in time"}
        session.add(
            AlertDelivery(
                organisation_id=home, rule_id=rule, event_id=event.id, begun_at=now, next_at=now, ended_at=now, body={},
                channel={"kind": "mail", "to": "kim@example.kr"}, **columns | delivery,
            )
        )  # fmt: skip
    return event


def test_a_rule_is_made_shown_listed_changed_and_deleted(world: World, stream: int) -> None:
    """Its secret is in the answer that makes it and in no other; every act is audited."""
    rule = made(world, stream, clear=31, hold="PT10M", severity="critical", message_ko="그늘로")
    assert len(rule.pop("secret")) == 64
    assert rule["states"] == [
        {"datastream": stream, "phase": "ok", "since": rule["created_at"], "time": None, "value": None}
    ]
    assert world.get(f"/alerts/{rule['id']}", "publisher").json == rule
    assert world.get("/alerts?organisation=suwon", "publisher").json["items"] == [rule]
    said = {name: value for name, value in wish(stream, threshold=35).items() if name != "organisation"}
    changed = world.call("PUT", f"/alerts/{rule['id']}", "publisher", json=said).json
    assert (changed["threshold"], changed["clear"], changed["revision"]) == (35, None, 2)
    secret = world.post(f"/alerts/{rule['id']}/secret", "publisher").json["secret"]
    assert len(secret) == 64
    assert world.call("DELETE", f"/alerts/{rule['id']}", "publisher").status_code == 204
    assert world.get(f"/alerts/{rule['id']}", "publisher").status_code == 404
    with world.database.read() as session:
        acts = session.scalars(select(AuditRow.action).where(AuditRow.noun == "alert").order_by(AuditRow.id)).all()
        assert secret not in str([row.detail for row in session.scalars(select(AuditRow))])
    assert acts == ["alert.create", "alert.change", "alert.renew_secret", "alert.delete"]


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"threshold": None}, "bad_condition", "threshold"),
        ({"clear": 34}, "bad_condition", "clear"),
        ({"condition": "lt", "clear": 32}, "bad_condition", "clear"),
        ({"condition": "silent", "threshold": None}, "bad_condition", "hold"),
        ({"condition": "change", "hold": "PT1M"}, "bad_condition", "hold"),
        ({"condition": "change", "threshold": -1}, "bad_condition", "threshold"),
        ({"hold": "P32D"}, "bad_condition", "hold"),
        ({"hold": "P1M"}, "bad_duration", "hold"),
        ({"quality": "fine"}, "unknown_quality", "quality"),
        ({"channels": [{"kind": "mail", "url": "http://example.org"}]}, "bad_condition", "channels.url"),
        ({"channels": [{"kind": "mail", "to": "stranger@example.org"}]}, "unknown_receiver", "channels.to"),
        ({"channels": [{"kind": "mqtt", "device": "nobody"}]}, "unknown_receiver", "channels.device"),
        ({"channels": [{"kind": "webhook", "url": "http://127.0.0.1/x"}]}, "address_refused", "url"),
        ({"channels": [{"kind": "webhook", "url": "ftp://example.org/x"}]}, "bad_address", "url"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    world: World, stream: int, more: dict[str, Any], code: str, field: str
) -> None:
    """A rule that could never fire, and receivers that are not the organisation's own or lead inside."""
    answer = world.post("/alerts", "publisher", wish(stream, **more))
    assert (answer.status_code, answer.json["code"], answer.json["field"]) == (422, code, field)


def test_datastreams_are_of_the_organisation_and_of_one_unit(world: World, stream: int) -> None:
    """What another one has is not there; a threshold is in one unit; text has no threshold."""
    dust = world.stream(name="dust-1", observed_property="pm10").id
    assert world.post("/alerts", "other", wish(stream, organisation="seongnam")).status_code == 404
    mixed = world.post("/alerts", "publisher", wish(stream, datastreams=[stream, dust]))
    assert (mixed.status_code, mixed.json["field"]) == (422, "datastreams")
    assert made(world, stream, datastreams=[stream, dust], condition="silent", threshold=None, hold="PT1H")["id"]


def test_rules_events_and_deliveries_are_their_organisations_own(world: World, stream: int) -> None:
    """For others there are none, and a viewer is told that it may not."""
    rule = made(world, stream)["id"]
    event = happen(world, rule, stream)
    for path in ("/alerts", "/alerts/events", "/alerts/deliveries"):
        assert world.get(f"{path}?organisation=suwon", "owner").status_code == 200
        assert world.get(f"{path}?organisation=suwon", "viewer").status_code == 403
        assert world.get(f"{path}?organisation=suwon", "other").status_code == 403
        assert world.get(f"{path}?organisation=suwon").status_code == 401
    assert world.get(f"/alerts/{rule}", "other").status_code == 404
    assert world.call("DELETE", f"/alerts/{rule}", "other").status_code == 404
    assert world.post(f"/alerts/{rule}/secret", "other").status_code == 404
    assert world.post(f"/alerts/events/{event.id}/acknowledge", "other", {}).status_code == 404
    assert world.post("/alerts/deliveries/1/retry", "other").status_code == 404


def test_an_event_is_acknowledged_once(world: World, stream: int) -> None:
    """With who and a note; then it is no longer among the open ones."""
    event = happen(world, made(world, stream)["id"], stream)
    open_ones = "/alerts/events?organisation=suwon&open=true"
    assert [one["id"] for one in world.get(open_ones, "publisher").json["items"]] == [event.id]
    said = world.post(f"/alerts/events/{event.id}/acknowledge", "publisher", {"note": "물을 뿌렸음"}).json
    assert (said["note"], said["acknowledged_by"], said["value"]) == ("물을 뿌렸음", world.publisher.person_id, 34.5)
    again = world.post(f"/alerts/events/{event.id}/acknowledge", "publisher", {})
    assert (again.status_code, again.json["code"]) == (409, "acknowledged")
    assert world.get(open_ones, "publisher").json["items"] == []


def test_dead_letters_are_listed_and_sent_again(world: World, stream: int) -> None:
    happen(world, made(world, stream)["id"], stream)
    (dead,) = world.get("/alerts/deliveries?organisation=suwon&state=dead", "publisher").json["items"]
    assert (dead["attempts"], dead["channel"]) == (3, {"kind": "mail", "to": "kim@example.kr"})
    assert world.post(f"/alerts/deliveries/{dead['id']}/retry", "publisher").json["state"] == "waiting"
    again = world.post(f"/alerts/deliveries/{dead['id']}/retry", "publisher")
    assert (again.status_code, again.json["code"]) == (409, "not_dead")
