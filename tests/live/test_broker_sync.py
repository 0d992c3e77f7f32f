"""Mosquitto keeps everybody to their own topics, by dynamic security and by files, as the records say."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gops.cli.broker import broker
from gops.clock import SystemClock
from gops.doctor import Patient, examine
from gops.doctor.broker import broker_limits, broker_logins, broker_topics
from gops.errors import Conflict, Unauthenticated, Unavailable
from gops.ingest.mqtt import DeviceClient, MqttLink, probe
from gops.ingest.mqtt.control import DynsecControl
from gops.ingest.provisioning.service import BrokerSync
from gops.ingest.service import link_options, share_name
from gops.ingest.topics import INGEST_FILTERS
from gops.records.database import Database
from gops.records.pump import EventPump
from gops.settings import Settings
from tests.live.guarded import ADMIN_SECRET, SERVICE_SECRET, House, address, administrator, house
from tests.live.town import until

pytestmark = pytest.mark.live
QUIET_SECONDS = 0.3  # what would have come by then


@pytest.fixture(params=["dynsec", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings, database: Database) -> Iterator[House]:
    with house(request.param, tmp_path / "mosquitto", settings, database) as made:
        yield made


@pytest.fixture
def dynsec(tmp_path: Path, settings: Settings, database: Database) -> Iterator[House]:
    with house("dynsec", tmp_path / "mosquitto", settings, database) as made:
        yield made


def key_of(place: House) -> tuple[int, str, str]:
    """Id, user name and text of a key that may read."""
    key, text = place.keys.issue(place.owner, "reader", ["data:read"], 30)
    return key.id, f"key-{key.prefix}", text


def test_a_device_writes_and_reads_its_own_topics_and_no_others(place: House) -> None:
    user, secret = place.add("air-1")
    other, its_secret = place.add("air-2")
    report = place.synchronise()
    assert (report.added, report.failed, report.without) == (2, (), ())
    mine, theirs = place.client(user, secret), place.client(other, its_secret)
    assert mine.is_in
    assert theirs.is_in
    for topic in (f"gops/v1/{user}/up", f"gops/v1/{user}/up/senml", f"gops/v1/{user}/status"):
        assert mine.may_write(topic), topic
    for topic in (
        f"gops/v1/{other}/up",
        f"gops/v1/{other}/status",
        f"gops/v1/{user}/down/refused",
        f"gops/v1/{other}/down/receipt",
        "gops/v1/city/air-11/up",
        "gops/live/v1/air/1",
        "$CONTROL/dynamic-security/v1",
    ):
        assert not mine.may_write(topic), topic
    assert mine.may_read(f"gops/v1/{user}/down/#")
    hears_nothing(place, mine, other)


def hears_nothing(place: House, mine: object, other: str) -> None:
    """Mosquitto may grant a subscription that its file forbids; what counts is that nothing comes."""
    client = place.clients[0]
    assert client is mine
    for topic in (
        f"gops/v1/{other}/down/#",
        f"gops/v1/{other}/up/#",
        "gops/v1/#",
        "#",
        "gops/live/#",
        "+/+/+/+/down/#",
    ):
        client.may_read(topic)
    service = place.client("gops", SERVICE_SECRET)
    assert service.may_write(f"gops/v1/{other}/down/receipt", b"not for you")
    assert service.may_write("gops/live/v1/air/1", b"for readers")
    assert place.clients[1].may_write(f"gops/v1/{other}/up", b"its own")
    assert service.may_write(f"gops/v1/{client_user(other)}/down/receipt", b"for you")
    until(lambda: any(payload == b"for you" for _, payload in client.heard), "its own answer comes")
    time.sleep(QUIET_SECONDS)
    assert {payload for _, payload in client.heard} == {b"for you"}


def client_user(other: str) -> str:
    return other.replace("air-2", "air-1")


def test_nobody_and_the_wrong_secret_are_not_let_in(place: House) -> None:
    user, secret = place.add("air-1")
    other, its_secret = place.add("air-2")
    place.synchronise()
    assert place.client(user, secret).is_in
    for name, password in ((None, None), (user, "wrong"), (user, its_secret), (user, ""), ("city/nobody", secret)):
        assert not place.client(name, password).is_in, name
    assert probe(address(place, "", "").login(None, None)) == "guarded"
    assert place.client(other, its_secret).is_in


def test_a_revoked_device_is_out_and_its_neighbour_is_not(place: House) -> None:
    user, secret = place.add("air-1")
    other, its_secret = place.add("air-2")
    place.synchronise()
    bad, good = place.client(user, secret), place.client(other, its_secret)
    place.devices.revoke(place.owner, user, "stolen")
    assert place.synchronise().removed == 1
    if place.way == "dynsec":  # with files Mosquitto 2.0.11 does so too when it reads them again, undocumented
        assert bad.gone.wait(2), "dynamic security cuts the connection"
    assert not place.client(user, secret).is_in
    assert not good.gone.is_set()
    assert good.may_write(f"gops/v1/{other}/up")


def test_a_new_secret_replaces_the_old_one_and_lets_a_revoked_device_in_again(place: House) -> None:
    user, old = place.add("air-1")
    place.synchronise()
    new = place.devices.rotate(place.owner, user)
    assert place.synchronise().changed == 1
    assert not place.client(user, old).is_in
    assert place.client(user, new).is_in
    place.devices.revoke(place.owner, user, "stolen")
    place.synchronise()
    newest = place.devices.rotate(place.owner, user)
    assert place.synchronise().added == 1
    assert not place.client(user, new).is_in
    assert place.client(user, newest).may_write(f"gops/v1/{user}/up")


def test_a_key_reads_live_topics_and_nothing_else_until_it_is_revoked(place: House) -> None:
    user, secret = place.add("air-1")
    key, name, text = key_of(place)
    place.synchronise()
    reader, service = place.client(name, text), place.client("gops", SERVICE_SECRET)
    assert reader.is_in
    assert reader.may_read("gops/live/#")
    for topic in ("gops/v1/#", "#", f"gops/v1/{user}/down/#"):
        reader.may_read(topic)
    assert not reader.may_write(f"gops/v1/{user}/up")
    assert not reader.may_write("gops/live/v1/air/1")
    assert service.may_write("gops/live/v1/air/1", b"41")
    assert service.may_write(f"gops/v1/{user}/down/receipt", b"private")
    assert place.client(user, secret).may_write(f"gops/v1/{user}/up", b"private")
    until(lambda: reader.heard, "the live reading comes")
    time.sleep(QUIET_SECONDS)
    assert set(reader.heard) == {("gops/live/v1/air/1", b"41")}
    place.keys.revoke(place.owner, key)
    place.synchronise()
    assert not place.client(name, text).is_in


def test_a_key_without_the_scope_is_no_login(place: House) -> None:
    key, text = place.keys.issue(place.owner, "writer", ["data:write"], 30)
    assert place.synchronise().logins == 0
    assert not place.client(f"key-{key.prefix}", text).is_in


def test_ingest_works_under_its_own_login(place: House) -> None:
    user, secret = place.add("air-1")
    place.synchronise()
    link = MqttLink(address(place, "gops", SERVICE_SECRET), link_options(place.settings), SystemClock())
    link.start()
    try:
        until(lambda: link.health().connected, "it connects")
        heard: list[tuple[str, bytes]] = []
        device = DeviceClient(address(place, user, secret), lambda *one: heard.append(one), announce=True).connect()
        device.publish(b'{"pm10": 41}')
        taken: list[str] = []

        def came() -> bool:
            messages = link.take(10, 0.2).messages
            taken.extend(one.topic for one in messages)
            link.acknowledge(messages)
            return f"gops/v1/{user}/up" in taken and f"gops/v1/{user}/status" in taken

        until(came, "reading and status come")
        link.publish(f"gops/v1/{user}/down/receipt", b"{}")
        until(lambda: heard, "the answer comes")
        device.close()
        assert link.health().denied == ()
    finally:
        link.stop()


def test_ingest_may_share_its_subscription_and_a_device_may_not(place: House) -> None:
    user, secret = place.add("air-1")
    place.synchronise()
    service, device = place.client("gops", SERVICE_SECRET), place.client(user, secret)
    group = share_name(place.settings)
    for topic in INGEST_FILTERS:
        assert service.may_read(f"$share/{group}/{topic}")
        if place.way == "dynsec":
            assert not device.may_read(f"$share/{group}/{topic}")
        device.may_read(f"$share/{place.settings.mqtt_client_id}/{topic}")  # as good a guess as any
    for number in range(4):
        assert device.may_write(f"gops/v1/{user}/up", b"%d" % number)
    assert service.may_write(f"gops/v1/{user}/down/alert", b"own")
    until(lambda: len(service.heard) == 4, "every message comes to ingest")
    assert device.heard == []


def test_the_name_of_the_shared_subscription_tells_nothing(settings: Settings) -> None:
    one, other = (replace(settings, mqtt_url=f"mqtt://gops:{word}@b") for word in ("one", "other"))
    assert share_name(one) == share_name(one) != share_name(other)
    assert "one" not in share_name(one)


def test_what_happens_in_the_records_holds_at_the_broker_within_two_seconds(place: House, database: Database) -> None:
    pump = EventPump(database, place.sync.handlers, place.settings.events_poll_ms)
    pump.start()
    place.sync.start()
    try:
        until(lambda: place.sync.last is not None, "the first synchronisation is done")
        user, secret = place.add("air-1")
        begun = time.monotonic()
        until(lambda: place.client(user, secret).is_in, "the device is let in", 2.0)
        place.devices.revoke(place.owner, user, "stolen")
        until(lambda: not place.client(user, secret).is_in, "and no more", 2.0)
        assert time.monotonic() - begun < 4.0
    finally:
        pump.stop()


def test_a_second_run_has_nothing_to_do(place: House) -> None:
    place.add("air-1")
    key_of(place)
    place.synchronise()
    assert not place.sync.run().did_anything


def test_what_an_operator_added_stays(dynsec: House) -> None:
    """Dynamic security: the administrator is no login of GOPS, and goes on administering."""
    user, _ = dynsec.add("air-1")
    dynsec.synchronise()
    dynsec.devices.revoke(dynsec.owner, user, "stolen")
    assert dynsec.synchronise().removed == 1
    assert dynsec.synchronise().failed == ()


def test_secrets_wait_sealed_while_the_broker_is_away_and_are_deleted_when_it_has_them(
    dynsec: House, database: Database
) -> None:
    dynsec.synchronise()
    dynsec.broker.stop()
    user, secret = dynsec.add("air-1")
    with pytest.raises(Unavailable):
        dynsec.sync.run()
    waiting = dynsec.sync.logins()[user].sealed
    assert waiting
    assert secret not in waiting
    dynsec.broker.start()
    dynsec.synchronise()
    assert dynsec.client(user, secret).is_in
    assert dynsec.sync.logins()[user].sealed is None


def test_a_broker_that_lost_its_file_gets_it_back_from_verifiers(dynsec: House) -> None:
    user, secret = dynsec.add("air-1")
    _, name, text = key_of(dynsec)
    dynsec.synchronise()
    dynsec.broker.stop()
    path = dynsec.broker.folder / "dynsec.json"

    path.write_text(json.dumps(administrator()))
    path.write_bytes(dynsec.sync.export(json.loads(path.read_text())))
    dynsec.broker.start()
    report = dynsec.synchronise()
    assert (report.without, report.failed, report.added) == ((), (), 0)
    device = dynsec.client(user, secret)
    assert device.may_write(f"gops/v1/{user}/up")
    assert not device.may_write("gops/v1/city/other/up")
    assert dynsec.client(name, text).may_read("gops/live/#")


def test_who_was_taken_from_the_broker_by_hand_is_named(dynsec: House, database: Database) -> None:
    user, _ = dynsec.add("air-1")
    dynsec.synchronise()
    elsewhere = replace(dynsec.settings, broker_admin_url=dynsec.settings.broker_admin_url)

    with DynsecControl(address(dynsec, "admin", ADMIN_SECRET)) as control:
        assert "error" not in control.ask([{"command": "deleteClient", "username": user}])[0]
    assert BrokerSync(elsewhere, SystemClock(), database).run().without == (user,)


def test_a_login_that_does_not_administer_is_an_error_that_says_so(dynsec: House, database: Database) -> None:
    user, secret = dynsec.add("air-1")
    dynsec.synchronise()
    wrong = replace(dynsec.settings, broker_admin_url=dynsec.settings.broker_admin_url.replace(ADMIN_SECRET, "wrong"))
    with pytest.raises(Unauthenticated):
        BrokerSync(wrong, SystemClock(), database).run()
    name = user.replace("/", "%2F")
    device = f"mqtt://{name}:{secret}@127.0.0.1:{dynsec.broker.port}"
    with pytest.raises(Unauthenticated, match="may not read"):
        BrokerSync(replace(dynsec.settings, broker_admin_url=device), SystemClock(), database).run()


def test_the_doctor_sees_small_windows_and_is_content_with_the_shipped_ones(place: House) -> None:
    """Mosquitto says its window of messages in flight when it answers; its default is 20."""
    place.synchronise()
    patient = Patient(place.settings, SystemClock(), lambda: None)
    checks = (broker_logins, broker_topics, broker_limits)
    assert examine(patient, checks) == []
    place.broker.stop()
    conf = place.broker.folder / "mosquitto.conf"
    conf.write_text(conf.read_text().replace("max_inflight_messages 0\n", ""))
    place.broker.start()
    assert [one.what.en for one in examine(patient, checks)] == ["The broker has at most 20 messages in flight."]


def test_the_doctor_sees_a_login_that_is_refused(place: House) -> None:
    patient = Patient(place.settings, SystemClock(), lambda: None)
    (found,) = examine(patient, (broker_logins,))
    assert found.severity == "problem"
    assert "refused" in found.what.en


def test_the_commands_synchronise_without_a_server_and_export_beside_the_broker(
    dynsec: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data", "mqtt_url", "broker_sync", "broker_admin_url"):
        monkeypatch.setenv(f"GOPS_{name.upper()}", str(getattr(dynsec.settings, name)))
    user, secret = dynsec.add("air-1")
    done = CliRunner().invoke(broker, ["sync"])
    assert done.exit_code == 0
    assert done.output.endswith("1 logins: 1 added, 0 changed, 0 removed\n")
    assert dynsec.client(user, secret).is_in
    kept, new = dynsec.broker.folder / "dynsec.json", tmp_path / "new.json"
    assert CliRunner().invoke(broker, ["export", str(kept), "--output", str(new)]).exit_code == 0
    assert new.stat().st_mode & 0o777 == 0o600
    users = [client["username"] for client in json.loads(new.read_text())["clients"]]
    assert users == ["admin", "gops", user]
    again = CliRunner().invoke(broker, ["export", str(kept), "--output", str(new)])
    assert isinstance(again.exception, Conflict), "nothing is written over"
