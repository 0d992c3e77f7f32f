"""Messages through declared feeds: to Datastreams that stand, to drafts, or to refusals that say why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.feeds.model import Feed, FeedStation
from gops.sensors.model import Datastream, Thing
from tests.unit.declared.conftest import Home

PACK = [{"bn": "node-7:", "n": "temp", "u": "Cel", "v": 21.5}, {"n": "pm10", "v": 41}]


def codes(readings: Any) -> list[str]:
    return sorted(one.code for one in readings.refusals)


def test_unknown_things_are_registered_as_private_drafts_of_the_feed(home: Home) -> None:
    feed = home.declare()
    got = home.send(PACK)
    assert (got.value, got.refusals) == ([21.5, 41.0], [])
    temperature = home.stream(got.datastream[0])
    assert (temperature.feed_id, temperature.public, temperature.unit) == (feed.id, False, "Cel")
    assert home.thing_of(temperature.id).name == "node-7"
    again = home.send(PACK)
    assert (again.datastream, home.count(Thing), home.count(Datastream)) == (got.datastream, 1, 2)


def test_a_renamed_draft_stays_the_same_thing(home: Home) -> None:
    home.declare()
    before = home.send(PACK)
    home.things.edit(home.actor, home.thing_of(before.datastream[0]).id, name="가로등 7")
    assert home.send(PACK).datastream == before.datastream


def test_what_was_ended_is_not_registered_anew(home: Home) -> None:
    home.declare()
    before = home.send(PACK)
    home.streams.end(home.actor, before.datastream[0], "broken")
    got = home.send(PACK)
    assert (codes(got), got.datastream) == (["ended_datastream"], before.datastream[1:])


@pytest.mark.parametrize(("choice", "expected"), [("refuse", ["unknown_thing"] * 2), ("ignore", [])])
def test_unknown_things_are_refused_or_ignored(home: Home, choice: str, expected: list[str]) -> None:
    home.declare(mapping={"unknown_thing": choice, "fields": [{"field": "temp", "property": "temperature"},
                                                             {"field": "pm10", "property": "pm10"}]})  # fmt: skip
    got = home.send(PACK)
    assert (codes(got), got.t, home.count(Thing)) == (expected, [], 0)


class TestUnknownFields:
    def mapping(self, choice: str) -> dict[str, Any]:
        return {
            "unknown_thing": "draft",
            "unknown_field": choice,
            "fields": [{"field": "temp", "property": "temperature"}],
        }

    def test_they_are_refused(self, home: Home) -> None:
        home.declare(mapping=self.mapping("refuse"))
        got = home.send(PACK)
        assert (codes(got), got.value) == (["unknown_field"], [21.5])

    def test_they_are_ignored(self, home: Home) -> None:
        home.declare(mapping=self.mapping("ignore"))
        got = home.send(PACK)
        assert (codes(got), got.value) == ([], [21.5])

    def test_one_called_as_an_observed_property_becomes_a_draft(self, home: Home) -> None:
        home.declare(mapping=self.mapping("draft"))
        got = home.send([*PACK, {"n": "nonsense", "v": 1}])
        assert (codes(got), got.value) == (["unknown_field"], [21.5, 41.0])


def test_a_thing_that_stands_is_found_by_its_name_and_units_are_converted(home: Home) -> None:
    home.device("node-7")
    thing = home.things.of_device(home.actor, 1)[0]
    kelvin = home.streams.create(home.actor, thing.id, "S1", "temperature", unit="K")
    home.declare(mapping={"fields": [{"field": "temp", "property": "temperature", "unit": "[degF]"}]})
    got = home.send([{"bn": "node-7:", "n": "temp", "v": 32.0}])
    assert (got.datastream, got.value) == ([kelvin.id], [pytest.approx(273.15)])


def test_a_unit_in_the_message_must_be_the_one_of_the_mapping(home: Home) -> None:
    home.declare()
    got = home.send([{"bn": "node-7:", "n": "temp", "u": "K", "v": 294}, {"n": "pm10", "u": "ug/m3", "v": 1}])
    assert (codes(got), got.value) == (["unit_mismatch"], [1.0])


def test_a_reading_that_names_no_source_is_refused(home: Home) -> None:
    home.declare(codec={"name": "json"})
    assert codes(home.send({"temp": 1})) == ["unknown_thing"]


def test_two_sensors_of_one_property_are_told_apart(home: Home) -> None:
    rows = [{"field": name, "property": "pm10", "sensor": name} for name in ("left", "right")]
    home.declare(mapping={"thing": "name:탑", "unknown_thing": "draft", "fields": rows}, codec={"name": "json"})
    got = home.send({"left": 1, "right": 2})
    assert len(set(got.datastream)) == 2
    assert home.send({"right": 3}).datastream == got.datastream[1:]


class TestBounds:
    def test_the_bound_of_drafts_refuses_and_names_the_setting(self, home: Home) -> None:
        home.settings = replace(home.settings, feed_stations=1)
        home.routes = FeedRoutes(home.database, home.settings)
        home.declare()
        home.send(PACK)
        got = home.send([{"n": "temp", "bn": "other:", "v": 1}])
        assert codes(got) == ["unknown_thing"]
        assert "feed_stations" in got.refusals[0].note
        assert home.count(FeedStation) == 1

    def test_of_many_at_once_those_within_the_bound_are_registered(self, home: Home) -> None:
        home.settings = replace(home.settings, feed_stations=2)
        home.routes = FeedRoutes(home.database, home.settings)
        home.declare()
        got = home.send([{"bn": f"node-{number}:", "n": "temp", "v": number} for number in range(4)])
        assert (sorted(got.value), codes(got)) == ([0.0, 1.0], ["unknown_thing"] * 2)
        assert home.count(FeedStation) == 2

    def test_what_is_remembered_is_bounded(self, home: Home) -> None:
        home.settings = replace(home.settings, feed_targets=100)
        home.routes = FeedRoutes(home.database, home.settings)
        home.declare(mapping={"fields": []})
        for start in range(0, 300, 100):
            home.send([{"bn": f"node-{number}:", "n": "x", "v": 1} for number in range(start, start + 100)])
        route = home.routes.match(home.actor.organisation_id or 0, "gops/v1/town/gw-1/up")
        assert route is not None
        assert len(route.targets.remembered) == 100


def test_a_changed_feed_reads_by_its_new_revision(home: Home) -> None:
    home.declare()
    home.send(PACK)
    home.declared.edit(home.actor, "gateway", {"mapping": {"unknown_field": "refuse", "fields": []}})
    home.hear()
    route = home.routes.match(home.actor.organisation_id or 0, "gops/v1/town/gw-1/up")
    assert route is not None
    assert route.revision == 2
    assert codes(home.send(PACK)) == ["unknown_field", "unknown_field"]


def test_a_feed_that_is_off_or_of_another_organisation_reads_nothing(home: Home) -> None:
    home.declare()
    assert home.stranger.organisation_id is not None
    assert home.routes.match(home.stranger.organisation_id, "gops/v1/elsewhere/gw-1/up") is None
    home.declared.edit(home.actor, "gateway", {"enabled": False})
    home.hear()
    assert home.routes.match(home.actor.organisation_id or 0, "gops/v1/town/gw-1/up") is None


def test_a_declaration_that_cannot_be_read_any_more_stops_no_other(home: Home) -> None:
    home.declare(source={"filter": "gops/v1/town/+/up/a"})
    home.declare("second", source={"filter": "gops/v1/town/+/up/b"})
    with home.database.write() as session:
        feed = session.get_one(Feed, 1)
        feed.declaration = {**(feed.declaration or {}), "codec": {"name": "gone"}}
    organisation = home.actor.organisation_id or 0
    assert home.routes.match(organisation, "gops/v1/town/gw-1/up/a") is None
    assert home.routes.match(organisation, "gops/v1/town/gw-1/up/b") is not None


def test_traffic_is_counted(home: Home) -> None:
    feed = home.declare()
    home.send(PACK)
    home.send([{"n": "x", "v": 1}])
    traffic = home.routes.traffic[feed.id]
    assert (traffic.messages, traffic.readings, dict(traffic.refused)) == (2, 2, {"unknown_thing": 1})
    assert traffic.newest_t == home.clock.micros()
