"""Declaring, changing, trying feeds: every mistake named by its place, revisions kept, secrets never shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from sqlalchemy import select

from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound
from gops.ingest.declared.declaration import parse
from gops.ingest.declared.service import DECLARED
from gops.ingest.feeds.model import Feed
from gops.records.audit import AuditRow
from gops.sensors.model import Datastream, Thing
from tests.unit.declared.conftest import Home, declaration
from tests.unit.feeds.portal import page, row

TEMP = {"field": "temp", "property": "temperature"}
BROKER = {"kind": "broker", "url": "mqtt://127.0.0.1:1883", "filter": "v3/app@ttn/devices/+/up"}


def mapping(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"mapping": {"fields": list(fields), **more}}


@pytest.mark.parametrize(
    ("tables", "code", "place"),
    [
        ({"codec": {"name": "xml"}}, "unknown_codec", "codec.name"),
        ({"codec": {"name": "csv", "delimeter": ";"}}, "unknown_field", "codec.delimeter"),
        ({"codec": {"name": "influx", "precision": "m"}}, "invalid_value", "codec.precision"),
        ({"codec": {"name": "csv", "header": False}}, "invalid_value", "codec.header"),
        ({"codec": {"name": "csv", "zone": "Asia/Soul"}}, "bad_zone", "codec.zone"),
        ({"source": {"filter": "gops/v1/elsewhere/+/up"}}, "foreign_filter", "source.filter"),
        ({"source": {"kind": "ftp", "filter": "x"}}, "invalid_value", "source.kind"),
        ({"source": {}}, "required", "source.filter"),
        ({"source": "gops/#"}, "invalid_value", "source"),
        (mapping(TEMP, {**TEMP}), "repeated_field", "mapping.fields[1].field"),
        (
            mapping(TEMP, {"field": "t", "aliases": ["temp"], "property": "pm10"}),
            "repeated_field",
            "mapping.fields[1].field",
        ),
        (mapping(TEMP, {"field": "t", "property": "temperature"}), "repeated_property", "mapping.fields[1].property"),
        (mapping({**TEMP, "unit": "°C"}), "unknown_unit", "mapping.fields[0].unit"),
        (mapping({**TEMP, "kind": "gage"}), "invalid_value", "mapping.fields[0].kind"),
        (mapping({**TEMP, "scale": 0}), "invalid_value", "mapping.fields[0].scale"),
        (mapping({**TEMP, "period": "1 hour"}), "bad_duration", "mapping.fields[0].period"),
        (mapping({**TEMP, "missing": [[1]]}), "invalid_value", "mapping.fields[0].missing[0]"),
        (mapping({"field": "temp"}), "required", "mapping.fields[0].property"),
        (mapping(TEMP, thing="topic:0"), "invalid_value", "mapping.thing"),
        (mapping(TEMP, unknown_thing="make"), "invalid_value", "mapping.unknown_thing"),
        (mapping(TEMP, time={"field": "at", "format": "%H:%M"}), "bad_format", "mapping.time.format"),
        (mapping(TEMP, time={"field": "at", "format": "%Y-%m-%d"}), "time_without_zone", "mapping.time.format"),
        ({"defaults": {"quality": "fine"}}, "invalid_value", "defaults.quality"),
        ({"defaults": {"quality": "missing"}}, "invalid_value", "defaults.quality"),
        ({"source": {**BROKER, "url": "mqtt://user:pw@127.0.0.1"}}, "bad_address", "source.url"),
        ({"source": {**BROKER, "url": "http://127.0.0.1"}}, "bad_address", "source.url"),
        ({"source": {**BROKER, "filter": "$share/a/b"}}, "bad_filter", "source.filter"),
        ({"source": {"filter": "gops/v1/town/+/up", "secret": "x"}}, "unknown_field", "source.secret"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_a_mistake_is_named_by_its_place(tables: dict[str, Any], code: str, place: str) -> None:
    whole = declaration() | tables
    with pytest.raises(Invalid) as caught:
        parse({name: table for name, table in whole.items() if name in DECLARED}, "town")
    assert (caught.value.code, caught.value.field) == (code, place)
    assert caught.value.expected


def test_what_the_registry_and_the_operator_do_not_know_is_named_by_its_place(home: Home) -> None:
    wrong: list[tuple[dict[str, Any], str, str]] = [
        (mapping(TEMP, {"field": "p", "property": "pm11"}), "unknown_property", "mapping.fields[1].property"),
        (mapping({**TEMP, "unit": "ug/m3"}), "incompatible_units", "mapping.fields[0].unit"),
        (mapping({**TEMP, "kind": "state"}), "unit_of_kind", "mapping.fields[0].unit"),
        ({"codecs": {}}, "unknown_field", "codecs"),
        ({"slug": "direct"}, "invalid_value", "slug"),
        ({"adapter": "airkorea", "source": None}, "member_of_kind", "codec"),
        ({"key": "x"}, "member_of_kind", "key"),
        ({"source": {**BROKER, "url": "mqtt://broker.example:1883"}}, "broker_not_approved", "source.url"),
    ]
    for tables, code, place in wrong:
        with pytest.raises(Invalid) as caught:
            home.declare(**tables)
        assert (caught.value.code, caught.value.field) == (code, place)
        assert caught.value.expected
    assert home.count(Feed) == 0


def test_an_address_inside_is_refused_where_no_setting_allows_it(home: Home) -> None:
    home.declared._outbound = type(home.declared._outbound).of(replace(home.settings, outbound_allow=()))
    with pytest.raises(Invalid) as caught:
        home.declare(source=BROKER)
    assert (caught.value.code, caught.value.field) == ("address_refused", "source.url")


class TestOverlap:
    @pytest.mark.parametrize("filter", ["gops/v1/town/gw-1/up", "gops/v1/town/+/up/#", "gops/v1/town/+/up/a"])
    def test_two_feeds_never_read_one_topic(self, home: Home, filter: str) -> None:
        home.declare()
        with pytest.raises(Conflict) as caught:
            home.declare("second", source={"filter": filter})
        assert (caught.value.code, caught.value.field) == ("filter_overlaps", "source.filter")

    def test_one_that_is_off_is_in_nobodys_way_until_it_is_switched_on(self, home: Home) -> None:
        home.declare()
        home.declare("second", enabled=False)
        with pytest.raises(Conflict):
            home.declared.edit(home.actor, "second", {"enabled": True})
        home.declared.edit(home.actor, "gateway", {"enabled": False})
        assert home.declared.edit(home.actor, "second", {"enabled": True}).enabled

    def test_topics_side_by_side_are_free(self, home: Home) -> None:
        home.declare(source={"filter": "gops/v1/town/+/up/a"})
        home.declare("second", source={"filter": "gops/v1/town/+/up/b"})
        assert home.count(Feed) == 2


def test_a_filter_may_name_a_former_slug(home: Home) -> None:
    from gops.accounts.organisations import Organisations

    owner = home.people.actor(home.people.organisation("village"), "owner")
    Organisations(home.database, home.clock).edit(owner, "village", new_slug="city")
    made = home.declared.declare(owner, declaration(organisation="village", source={"filter": "gops/v1/village/+/up"}))
    assert made.declaration is not None
    assert made.declaration["source"]["filter"] == "gops/v1/city/+/up"


class TestRevisions:
    def test_a_change_makes_one_and_who_did_it_is_kept(self, home: Home) -> None:
        home.declare()
        home.declared.edit(home.actor, "gateway", {"name": "다른 이름"})
        home.declared.edit(home.actor, "gateway", {"name": "다른 이름"})
        home.declared.edit(home.actor, "gateway", {"codec": {"name": "json"}})
        found = home.declared.revisions(home.actor, "gateway")
        assert [(row.number, row.document["name"], row.document["codec"]["name"]) for row in found] == [
            (1, "게이트웨이", "senml"),
            (2, "다른 이름", "senml"),
            (3, "다른 이름", "json"),
        ]
        assert {row.person_id for row in found} == {home.actor.person_id}

    def test_no_revision_audit_or_error_holds_a_secret(self, home: Home) -> None:
        home.declare(source={**BROKER, "username": "me", "secret": "hush-1"})
        home.declared.edit(home.actor, "gateway", {"source": {**BROKER, "username": "me", "secret": "hush-2"}})
        with home.database.read() as session:
            audit = [row.detail for row in session.scalars(select(AuditRow))]
        found = home.declared.revisions(home.actor, "gateway")
        assert len(found) == 2
        assert "hush" not in str(audit) + str([row.document for row in found])

    def test_a_secret_is_kept_for_the_same_login_alone(self, home: Home) -> None:
        home.declare(source={**BROKER, "username": "me", "secret": "hush"})
        same = home.declared.edit(home.actor, "gateway", {"source": {**BROKER, "username": "me", "filter": "a/+"}})
        assert same.secret == "hush"
        other = home.declared.edit(home.actor, "gateway", {"source": {**BROKER, "username": "you"}})
        assert other.secret == ""


class TestWhoMay:
    @pytest.mark.parametrize(
        "act",
        [
            lambda home: home.declared.edit(home.stranger, "gateway", {"name": "x"}),
            lambda home: home.declared.revisions(home.stranger, "gateway"),
            lambda home: home.declared.attempt(home.stranger, "gateway", b"1"),
            lambda home: home.declared.health(home.stranger, "gateway"),
        ],
    )
    def test_a_foreign_feed_is_not_there(self, home: Home, act: Callable[[Home], Any]) -> None:
        home.declare()
        with pytest.raises(NotFound):
            act(home)

    def test_nobody_declares_for_another_organisation(self, home: Home) -> None:
        with pytest.raises(Forbidden):
            home.declared.declare(home.stranger, declaration())
        with pytest.raises(Invalid) as caught:
            home.declared.declare(home.stranger, declaration(organisation="elsewhere"))
        assert caught.value.code == "foreign_filter"

    def test_a_slug_is_nobody_elses(self, home: Home) -> None:
        home.declare()
        with pytest.raises(Conflict) as caught:
            home.declared.declare(
                home.stranger, declaration(organisation="elsewhere", source={"filter": "gops/v1/elsewhere/+/up"})
            )
        assert caught.value.code == "slug_taken"


class TestTrying:
    def test_readings_are_shown_and_nothing_is_stored(self, home: Home) -> None:
        home.declare(mapping={"unknown_thing": "draft", "fields": [{**TEMP, "unit": "[degF]"}]})
        sample = b'[{"bn": "node-7:", "n": "temp", "u": "[degF]", "v": 212}, {"n": "hum", "v": 4}]'
        got = home.declared.attempt(home.actor, "gateway", sample)
        (row,) = got.readings
        assert (row.thing, row.property, row.datastream, row.unit) == ("node-7", "temperature", None, "Cel")
        assert (row.value, row.sent, row.sent_unit) == (pytest.approx(100.0), 212, "[degF]")
        assert [one.code for one in got.refusals] == ["unknown_field"]
        assert (home.count(Thing), home.routes.traffic) == (0, {})

    def test_a_change_is_tried_before_it_is_made(self, home: Home) -> None:
        home.declare()
        rows = [{"field": "value", "property": "pm10"}]
        changed = {
            "codec": {"name": "value"},
            "mapping": {"thing": "topic:4", "unknown_thing": "draft", "fields": rows},
        }
        got = home.declared.attempt(home.actor, "gateway", b"41", changes=changed)
        assert [(row.thing, row.value) for row in got.readings] == [("example", 41.0)]
        assert home.declared.attempt(home.actor, "gateway", b"41").refusals[0].code == "wrong_type"

    def test_a_topic_says_who_speaks(self, home: Home) -> None:
        home.declare()
        got = home.declared.attempt(home.actor, "gateway", b"[]", "gops/v1/town/ghost/up")
        assert [one.code for one in got.refusals] == ["unknown_device"]
        with pytest.raises(Invalid) as caught:
            home.declared.attempt(home.actor, "gateway", b"[]", "gops/v1/other/gw/up")
        assert caught.value.code == "topic_unmatched"

    def test_a_file_is_tried_before_it_is_declared(self, home: Home) -> None:
        got = home.declared.attempt_new(home.actor, declaration(), b'[{"bn": "n1:", "n": "pm10", "v": 4}]')
        assert [(row.thing, row.value) for row in got.readings] == [("n1", 4.0)]
        assert home.count(Feed) == 0


class TestPulled:
    """Feeds of kind http: the same file, list, revisions and trial."""

    SOURCE: ClassVar[dict[str, Any]] = {
        "kind": "http",
        "adapter": "airkorea",
        "config": {"provinces": ["서울"], "url": "http://127.0.0.1:9/air"},
        "key": "hush",
    }

    def whole(self) -> dict[str, Any]:
        return {"feed": {"organisation": "town", "slug": "air", "name": "대기질"}, "source": self.SOURCE}

    def answer(self) -> bytes:
        rows = [
            row("강남구", dataTime="2026-05-01 08:00"),
            row("종로구", dataTime="2026-05-01 08:00", coValue="-", coFlag="통신장애"),
        ]
        return page(rows)[1]

    def test_an_answer_is_tried_before_and_after_it_is_declared(self, home: Home) -> None:
        before = home.declared.attempt_new(home.actor, self.whole(), self.answer())
        assert len(before.readings) == 12
        assert {row.datastream for row in before.readings} == {None}
        home.declared.declare(home.actor, self.whole())
        after = home.declared.attempt(home.actor, "air", self.answer())
        assert [(row.field, row.value) for row in after.readings] == [(row.field, row.value) for row in before.readings]
        assert {row.quality for row in after.readings if row.property == "co"} == {0, 4}
        assert home.count(Thing) == 0

    def test_an_answer_of_the_portal_that_is_a_failure_says_so(self, home: Home) -> None:
        home.declared.declare(home.actor, self.whole())
        tried = home.declared.attempt(home.actor, "air", b"<html>")
        assert (tried.readings, len(tried.refusals)) == ([], 1)

    def test_a_change_is_a_revision_without_the_key(self, home: Home) -> None:
        home.declared.declare(home.actor, self.whole())
        home.declared.edit(home.actor, "air", {"source": {"kind": "http", "minutes": "7", "key": "hush-2"}})
        found = home.declared.revisions(home.actor, "air")
        assert [(one.number, one.document["minutes"]) for one in found][1] == (2, "7")
        assert "hush" not in str([one.document for one in found])


def test_health_counts_what_was_refused(home: Home) -> None:
    home.declare()
    health = home.declared.health(home.actor, "gateway")
    assert (health.state, health.errors, health.link) == ("new", {}, None)


def test_pulled_feeds_are_of_the_same_list(home: Home) -> None:
    home.declare()
    with pytest.raises(GopsError) as caught:
        home.feeds.ask(home.actor, "gateway")
    assert caught.value.code == "not_pulled"
    assert [feed.kind for feed in home.feeds.list(home.actor, "town")] == ["mqtt"]


class TestRulesOfWhatIsRegistered:
    ROW: ClassVar[dict[str, Any]] = {**TEMP, "unit": "Cel", "range_low": -30, "range_high": 50}

    def declare(self, home: Home, **rules: Any) -> Feed:
        return home.declare(**mapping({**self.ROW, "rules": rules}, unknown_thing="draft"))

    def test_a_draft_has_the_range_and_rules_of_its_field(self, home: Home) -> None:
        feed = self.declare(home, step=5, late="P1D")
        got = home.send([{"n": "node-7:temp", "v": 21.5}, {"bn": "node-7:", "n": "temp", "v": 90, "t": -60}])
        stream = home.stream(got.datastream[0])
        assert (stream.range_low, stream.range_high) == (-30, 50)
        assert stream.quality_rules == {"step": 5, "late": "P1D"}
        declared = home.feeds.get(home.actor, feed.slug).declaration
        assert declared is not None
        assert declared["mapping"]["fields"][0]["rules"] == {"step": 5, "late": "P1D"}
        assert home.declared.edit(home.actor, feed.slug, {"name": "other"}).declaration == declared

    def test_a_changed_field_reaches_its_drafts_unless_somebody_set_them(self, home: Home) -> None:
        feed = self.declare(home, step=5, late="P1D")
        got = home.send([{"bn": f"node-{one}:", "n": "temp", "v": 21.5} for one in (7, 8)])
        seven, eight = got.datastream
        with home.database.write() as session:
            session.get_one(Datastream, eight).quality_rules = {"step": 1, "late": "P1D"}
        changed = mapping({**self.ROW, "range_high": 60, "rules": {"step": 4, "frozen": "PT6H"}}, unknown_thing="draft")
        home.declared.edit(home.actor, feed.slug, changed)
        first, second = home.stream(seven), home.stream(eight)
        assert (first.range_high, first.quality_rules) == (60, {"step": 4, "frozen": "PT6H"})
        assert (second.range_high, second.quality_rules) == (60, {"step": 1, "frozen": "PT6H"})

    @pytest.mark.parametrize(
        ("row", "code", "place"),
        [
            ({"rules": {"spike": 1}}, "rule_of_kind", "rules.spike"),
            ({"rules": {"late": "soon"}}, "bad_duration", "rules.late"),
            ({"rules": [1]}, "invalid_value", "rules"),
            ({"range_low": 5, "range_high": 1}, "bad_range", "range_low"),
        ],
    )
    def test_a_wrong_one_is_named_by_its_place(self, home: Home, row: dict[str, Any], code: str, place: str) -> None:
        with pytest.raises(Invalid) as refused:
            home.declare(**mapping({**TEMP, **row}))
        assert (refused.value.code, refused.value.field) == (code, f"mapping.fields[0].{place}")


def test_a_deleted_feed_leaves_what_it_brought(home: Home) -> None:
    feed = home.declare()
    got = home.send([{"bn": "node-7:", "n": "temp", "v": 21.5}])
    with pytest.raises(NotFound):
        home.declared.delete(home.stranger, feed.slug)
    home.declared.delete(home.actor, feed.slug)
    with pytest.raises(NotFound):
        home.feeds.get(home.actor, feed.slug)
    assert home.stream(got.datastream[0]).feed_id == feed.id
    assert home.count(Thing) == 1
    with home.database.read() as session:
        acts = session.scalars(select(AuditRow.action).where(AuditRow.noun == "feed")).all()
    assert acts[-1] == "feed.delete"
    assert home.declare().id > feed.id


def test_a_feed_that_is_being_pulled_is_not_deleted(home: Home) -> None:
    feed = home.declare()
    with home.database.write() as session:
        session.get_one(Feed, feed.id).claimed_until = home.clock.micros() + 1
    with pytest.raises(Conflict) as refused:
        home.declared.delete(home.actor, feed.slug)
    assert refused.value.code == "feed_runs"
