"""The registry over HTTP: from an organisation to a public Datastream, and what becomes of it."""

from __future__ import annotations

from tests.api.conftest import World, problem


def test_from_nothing_to_a_public_reading(world: World) -> None:
    device = world.post("/organisations/suwon/devices", "publisher", {"name": "air-1", "description": "on the roof"})
    assert device.status_code == 201
    assert device.headers["Location"] == "/api/v1/devices/suwon/air-1"
    assert device.json["address"] == "suwon/air-1"
    assert len(device.json["secret"]) >= 43
    (thing,) = world.get("/things", "publisher").json["items"]
    assert thing["name"] == "air-1"
    assert thing["location"] is None
    place = {"longitude": 127.0286, "latitude": 37.2636, "name": "City Hall"}
    moved = world.post(f"/things/{thing['id']}/locations", "publisher", place)
    assert moved.status_code == 201
    made = world.post(
        "/datastreams",
        "publisher",
        {"thing": thing["id"], "sensor": "SDS011", "observed_property": "pm10", "field": "pm10", "period": "PT1M"},
    )
    assert made.status_code == 201
    stream = made.json
    assert made.headers["Location"] == f"/api/v1/datastreams/{stream['id']}"
    assert (stream["unit"], stream["kind"], stream["period"], stream["public"]) == ("ug/m3", "gauge", "PT1M", False)
    fields = world.get("/devices/suwon/air-1/mapping", "publisher").json["fields"]
    assert fields == [{"field": "pm10", "datastream": stream["id"], "unit": None, "scale": 1.0, "offset": 0.0}]
    assert world.post(f"/datastreams/{stream['id']}/publication", "publisher", {"public": True}).json["public"] is True
    world.write(world.services.datastreams.get(world.publisher, stream["id"]), [42])
    (newest,) = world.get("/latest").json["latest"]
    assert newest["value"] == 42
    assert newest["thing"] == {"id": thing["id"], "name": "air-1"}
    assert newest["location"] == place
    assert (newest["observed_property"], newest["unit"]) == ("pm10", "ug/m3")


def test_datastreams_are_found_by_what_and_where_they_are(world: World) -> None:
    here, there = world.stream(name="here"), world.stream(name="there", observed_property="humidity")
    world.services.things.move(world.publisher, here.thing_id, 127.0, 37.2)
    world.services.things.move(world.publisher, there.thing_id, 128.0, 37.2)

    def found(query: str, path: str = "/datastreams") -> list[int]:
        return [one["id"] for one in world.get(f"{path}?{query}").json["items"]]

    assert found("observed_property=humidity") == [there.id]
    assert found("bbox=126,37,127.5,38") == [here.id]
    assert found(f"thing={here.thing_id}") == [here.id]
    assert found("organisation=suwon") == [here.id, there.id]
    assert found("organisation=seongnam") == []
    assert found("in_use=false") == []
    assert found("bbox=126,37,127.5,38", "/things") == [here.thing_id]
    problem(world.get("/datastreams?organisation=nobody"), 404, "not_found", field="organisation")
    problem(world.get("/datastreams?observed_property=mood"), 404, "not_found")


def test_latest_is_filtered_paged_and_known_by_its_etag(world: World) -> None:
    streams = [world.stream(name=name) for name in "abc"]
    for index, stream in enumerate(streams):
        world.services.things.move(world.publisher, stream.thing_id, 127.0 + index, 37.2)
        world.write(stream, [index])
    first = world.get("/latest?limit=2")
    assert [one["value"] for one in first.json["latest"]] == [0, 1]
    second = world.get(first.json["next"].removeprefix("/api/v1"))
    assert [one["value"] for one in second.json["latest"]] == [2]
    assert second.json["next"] is None
    assert [one["value"] for one in world.get("/latest?bbox=127.5,37,128.5,38").json["latest"]] == [1]
    named = world.get(f"/latest?datastream={streams[2].id},{streams[0].id}")
    assert [one["value"] for one in named.json["latest"]] == [0, 2]
    etag = named.headers["ETag"]
    again = f"/latest?datastream={streams[2].id},{streams[0].id}"
    assert world.get(again, headers={"If-None-Match": etag}).status_code == 304
    world.write(streams[0], [9], world.clock.micros() + 1)
    assert world.get(again, headers={"If-None-Match": etag}).status_code == 200


def test_latest_of_named_datastreams_takes_no_other_filter(world: World) -> None:
    stream = world.stream()
    answer = world.get(f"/latest?datastream={stream.id}&observed_property=pm10")
    problem(answer, 422, "invalid_value", field="observed_property")


def test_latest_has_no_more_rows_than_its_setting(world_with) -> None:
    world: World = world_with(latest_max=2)
    problem(world.get("/latest?limit=3"), 422, "invalid_value", field="limit", expected="GOPS_LATEST_MAX")
    problem(world.get("/latest?datastream=1,2,3"), 413, "too_large", field="datastream", expected="GOPS_LATEST_MAX")
    problem(world.get("/observations?datastream=1,2,3"), 413, "too_large", field="datastream")


def test_a_unit_stands_once_there_are_readings(world: World) -> None:
    stream = world.stream()
    assert world.call("PATCH", f"/datastreams/{stream.id}", "publisher", json={"unit": "K"}).json["unit"] == "K"
    world.write(stream, [290])
    answer = world.call("PATCH", f"/datastreams/{stream.id}", "publisher", json={"unit": "Cel"})
    problem(answer, 409, "has_readings", field="unit", found="Cel")


def test_an_unknown_unit_is_refused_with_what_is_expected(world: World) -> None:
    stream = world.stream()
    answer = world.call("PATCH", f"/datastreams/{stream.id}", "publisher", json={"unit": "degC"})
    body = problem(answer, 422, "unknown_unit", field="unit", found="degC")
    assert body["expected"]


def test_replacing_a_sensor_keeps_the_thing_and_ends_the_datastream(world: World) -> None:
    old = world.stream()
    made = world.post(f"/datastreams/{old.id}/replace-sensor", "publisher", {"sensor": "BME280", "reason": "drift"})
    assert made.status_code == 201
    assert made.json["thing_id"] == old.thing_id
    assert made.json["public"] is True
    ended = world.get(f"/datastreams/{old.id}").json
    assert ended["ended_at"] == "2026-05-01T09:00:00+09:00"
    assert f"replaced by Datastream {made.json['id']}" in ended["end_reason"]
    problem(world.call("PATCH", f"/datastreams/{old.id}", "publisher", json={"name": "x"}), 409, "ended_datastream")


def test_a_sensor_is_an_id_or_a_name(world: World) -> None:
    stream = world.stream()
    for wrong in (True, 0, -1, 1.5, None, [], 2**63):
        answer = world.post(f"/datastreams/{stream.id}/replace-sensor", "publisher", {"sensor": wrong})
        problem(answer, 422, answer.json["code"], field="sensor")


def test_a_decommissioned_thing_says_so(world: World) -> None:
    stream = world.stream()
    path = f"/things/{stream.thing_id}"
    assert (
        world.post(f"{path}/decommission", "publisher", {"reason": "road works"}).json["decommission_reason"]
        == "road works"
    )
    assert world.get(path).json["decommissioned_at"] == "2026-05-01T09:00:00+09:00"
    problem(world.post(f"{path}/decommission", "publisher", {"reason": "again"}), 409, "decommissioned")
    problem(world.call("PATCH", path, "publisher", json={"name": "x"}), 409, "decommissioned")


def test_a_sensor_in_use_is_not_decommissioned(world: World) -> None:
    stream = world.stream()
    path = f"/sensors/{stream.sensor_id}"
    problem(world.post(f"{path}/decommission", "publisher", {"reason": "old"}), 409, "in_use")
    world.services.datastreams.end(world.publisher, stream.id, "over")
    assert world.post(f"{path}/decommission", "publisher", {"reason": "old"}).json["decommission_reason"] == "old"


def test_a_thing_is_created_edited_and_moved(world: World) -> None:
    body = {
        "organisation": "suwon",
        "name": "Bridge",
        "properties": {"height_m": 12},
        "location": {"longitude": 127, "latitude": 37.2},
    }
    made = world.post("/things", "publisher", body)
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    changed = world.call("PATCH", path, "publisher", json={"name": "New Bridge", "properties": {}})
    assert (changed.json["name"], changed.json["properties"]) == ("New Bridge", {})
    world.clock.move(hours=1)
    place = {"longitude": 127.1, "latitude": 37.3, "name": "North", "since": "2026-05-01T09:30:00+09:00"}
    assert world.post(f"{path}/locations", "publisher", place).json["since"] == "2026-05-01T09:30:00+09:00"
    assert [one["name"] for one in world.get(f"{path}/locations", "publisher").json["items"]] == ["", "North"]
    swapped = world.post(f"{path}/locations", "publisher", {"longitude": 37.3, "latitude": 89})
    assert swapped.status_code == 201  # on the earth, if far from here
    wrong = world.post(f"{path}/locations", "publisher", {"longitude": 37.3, "latitude": 127.1})
    problem(wrong, 422, "invalid_value", field="latitude", found=127.1)


def test_lists_come_in_pages_along_the_link(world: World) -> None:
    for name in "abcde":
        world.services.things.create(world.publisher, "suwon", name)
    path, found = "/things?limit=2", []
    while path:
        answer = world.get(path.removeprefix("/api/v1"), "publisher")
        found += [one["name"] for one in answer.json["items"]]
        path = answer.json["next"] or ""
        assert answer.headers.get("Link", "") == (f'<{path}>; rel="next"' if path else "")
    assert found == list("abcde")


def test_an_observed_property_is_added_once(world: World) -> None:
    new = {"key": "pollen", "name_ko": "꽃가루", "name_en": "Pollen", "unit": "/m3", "kind": "gauge"}
    made = world.post("/observed-properties", "publisher", new)
    assert made.status_code == 201
    assert world.get("/observed-properties/pollen").json["name_ko"] == "꽃가루"
    problem(world.post("/observed-properties", "publisher", new), 409, "key_taken", field="key")


def test_a_mapping_goes_to_the_organisations_own_datastreams(world: World) -> None:
    world.services.devices.register(world.publisher, "suwon", "air-1")
    other = world.services.keys.authenticate(world.keys["other"])
    thing = world.services.things.create(other, "seongnam", "t")
    foreign = world.services.datastreams.create(other, thing.id, "s", "pm10")
    body = {"fields": [{"field": "pm10", "datastream": foreign.id}]}
    answer = world.call("PUT", "/devices/suwon/air-1/mapping", "publisher", json=body)
    problem(answer, 422, "unknown_datastream", field="fields[0].datastream", found=foreign.id)
    own = world.stream(observed_property="temperature")
    body = {"fields": [{"field": "t", "datastream": own.id, "unit": "[degF]"}, {"field": "u", "datastream": own.id}]}
    answer = world.call("PUT", "/devices/suwon/air-1/mapping", "publisher", json=body)
    problem(answer, 422, "repeated_datastream", field="fields[1].datastream")
    answer = world.call("PUT", "/devices/suwon/air-1/mapping", "publisher", json={"fields": body["fields"][:1]})
    assert answer.json["fields"][0]["unit"] == "[degF]"


def test_a_device_shows_whether_it_is_online_and_when_it_was_seen(world: World) -> None:
    device, _secret = world.services.devices.register(world.publisher, "suwon", "air-1")
    world.services.device_status.said(device.id, True, world.clock.micros())
    world.services.device_status.flush(everything=True)
    shown = world.get("/devices/suwon/air-1", "publisher").json
    assert (shown["online"], shown["last_seen"]) == (True, "2026-05-01T09:00:00+09:00")
    assert world.get("/organisations/suwon/devices", "publisher").json["items"] == [shown]
    assert "digest" not in shown


def test_a_revoked_device_may_speak_again_with_a_new_secret(world: World) -> None:
    _device, first = world.services.devices.register(world.publisher, "suwon", "air-1")
    assert world.call("DELETE", "/devices/suwon/air-1?reason=lost", "publisher").status_code == 204
    assert world.get("/devices/suwon/air-1", "publisher").json["revoked_at"]
    assert world.services.devices.authenticate("suwon/air-1", first) is None
    answer = world.post("/devices/suwon/air-1/secret", "publisher")
    assert world.services.devices.authenticate("suwon/air-1", answer.json["secret"])
    problem(world.call("DELETE", "/devices/suwon/air-1", "publisher"), 422, "required", field="reason")


def test_refusals_show_their_reason_and_their_message_to_the_owner(world: World) -> None:
    from tests.api.test_permissions import refuse_something

    refusal = refuse_something(world)
    (listed,) = world.get("/refusals", "publisher").json["items"]
    assert (listed["id"], listed["code"], listed["field"], listed["device"]) == (
        refusal,
        "unknown_field",
        "pm1",
        "suwon/air-1",
    )
    assert "raw" not in listed
    assert world.get(f"/refusals/{refusal}", "publisher").json["raw"]["text"] == '{"pm1": 1}'
    assert world.get("/refusals?code=bad_json", "publisher").json["items"] == []
    assert world.get("/refusals?from=2026-05-02", "publisher").json["items"] == []
    problem(world.get("/refusals?code=nonsense", "publisher"), 422, "unknown_code", field="code")
    (count,) = world.get("/refusals/counts?organisation=suwon", "publisher").json
    assert (count["code"], count["field"], count["total"]) == ("unknown_field", "pm1", 1)
    (seen_by_operator,) = world.get("/refusals/counts", "operator").json
    assert (seen_by_operator["field"], seen_by_operator["device"]) == (None, None)
