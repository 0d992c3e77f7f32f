"""Devices to store through real brokers: every test through Mosquitto and again through the embedded broker."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pyarrow as pa
import pytest

from gops.errors import Unavailable
from gops.ingest.mqtt import parse
from gops.records.database import Database
from gops.store.memory import MemoryStore
from gops.store.port import Delivery, Mode, Receipt
from tests.live.embedded import start_embedded
from tests.live.mosquitto import Mosquitto, start_mosquitto
from tests.live.town import Heard, Town, town, until
from tests.live.wire import Wire

pytestmark = pytest.mark.live


class FailingStore(MemoryStore):
    """``down`` makes every write fail as a full disk would."""

    down = False

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        if self.down:
            raise Unavailable("the disk is full")
        return super().submit(batch, mode, deliveries)


@pytest.fixture
def place(settings: Any, database: Database) -> Iterator[Town]:
    made = town(settings.data, database, FailingStore())
    yield made
    made.close()


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, place: Town, tmp_path: Path) -> Iterator[Any]:
    if request.param == "mosquitto":
        with start_mosquitto(tmp_path / "mosquitto") as running:
            yield running
    else:
        with start_embedded(place.settings.data) as started:
            yield started


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with start_mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.fixture
def wire(broker: Any) -> Iterator[Wire]:
    made = Wire(broker.port)
    yield made
    made.close()


def through(wire: Wire, broker: Any) -> str:
    address = replace(parse(broker.url), port=wire.port)
    return address.url()


def body(**values: Any) -> bytes:
    return json.dumps(values).encode()


class TestReadings:
    def test_with_and_without_time_they_are_stored(self, place: Town, broker: Any) -> None:
        place.start(broker)
        device = place.add_device("air", ["pm10", "temperature"])
        client = place.speak(device)
        now = int(time.time() * 1000)
        client.publish(body(pm10=1))
        client.publish(body(ts=now, values={"pm10": 2, "temperature": -3.5}))
        client.publish(json.dumps([{"ts": now - 1000, "values": {"pm10": 3}}, {"pm10": 4}]).encode(), "json")
        client.publish(body(pm10={"value": 5, "quality": "suspect"}))
        client.flush()
        until(lambda: len(place.values(device.streams["pm10"])) == 5, "all readings are stored")
        assert sorted(place.values(device.streams["pm10"])) == [1.0, 2.0, 3.0, 4.0, 5.0]
        assert place.values(device.streams["temperature"]) == [-3.5]

    @pytest.mark.parametrize("qos", [0, 1, 2])
    def test_of_every_qos_they_are_stored_once(self, place: Town, broker: Any, qos: int) -> None:
        place.start(broker)
        device = place.add_device("air")
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        client.username_pw_set(device.address, device.secret)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        for number in range(20):
            client.publish(f"gops/v1/{device.address}/up", body(pm10=number), qos=qos).wait_for_publish(10)
        until(lambda: len(place.values(device.streams["pm10"])) >= 20, "all readings are stored")
        client.disconnect()
        client.loop_stop()
        time.sleep(0.2)
        assert sorted(place.values(device.streams["pm10"])) == [float(number) for number in range(20)]

    def test_what_is_sent_while_ingest_is_away_waits_at_the_broker(self, place: Town, broker: Any) -> None:
        place.start(broker)
        device = place.add_device("air")
        client = place.speak(device, in_flight=10_000)
        place.stop()
        for number in range(500):
            client.publish(body(pm10=number))
        place.start(broker)
        until(lambda: len(place.values(device.streams["pm10"])) == 500, "all readings are stored")
        client.flush()

    def test_a_message_marked_repeat_undoes_no_correction(self, place: Town, broker: Any) -> None:
        place.start(broker)
        device = place.add_device("air")
        client = place.speak(device)
        now = int(time.time() * 1000)
        client.publish(body(ts=now, values={"pm10": 1}))
        client.publish(body(ts=now, values={"pm10": 2}, repeat=True))
        client.publish(body(ts=now + 1, values={"pm10": 3}, repeat=True))
        client.flush()
        until(lambda: len(place.values(device.streams["pm10"])) == 2, "both times are stored")
        assert place.values(device.streams["pm10"]) == [1.0, 3.0]


class TestAnswers:
    def test_a_receipt_comes_after_the_commit(self, place: Town, broker: Any) -> None:
        place.start(broker)
        device = place.add_device("air")
        heard = Heard()
        client = place.speak(device, heard)
        place.store.down = True  # type: ignore[attr-defined]
        client.publish(body(pm10=1, receipt="r-1"))
        time.sleep(0.3)
        assert heard.receipts == []
        place.store.down = False  # type: ignore[attr-defined]
        until(lambda: heard.receipts, "the receipt comes")
        (receipt,) = heard.receipts
        assert (receipt["receipt"], receipt["inserted"], receipt["refused"]) == ("r-1", 1, 0)
        assert place.values(device.streams["pm10"]) == [1.0]

    def test_what_was_refused_is_told_to_its_device_alone(self, place: Town, broker: Any) -> None:
        place.start(broker)
        heard, other = Heard(), Heard()
        client = place.speak(place.add_device("air"), heard)
        place.speak(place.add_device("other"), other)
        client.publish(body(pm10="wet"))
        until(lambda: heard.refused, "the refusal is told")
        assert heard.codes == ["wrong_type"]
        assert other.refused == []


FAR = 400 * 365 * 86_400_000
NOW = int(time.time() * 1000)
BAD = {
    "malformed": (b'{"pm10": 1', "bad_json"),
    "no object": (b"42", "wrong_type"),
    "text for a number": (body(pm10="wet"), "wrong_type"),
    "list for a number": (body(pm10=[1]), "wrong_type"),
    "unknown field": (body(pm99=1), "unknown_field"),
    "no zone": (body(ts="2026-01-01T00:00:00", values={"pm10": 1}), "time_without_zone"),
    "no time at all": (body(ts="yesterday", values={"pm10": 1}), "bad_time"),
    "far future": (body(ts=NOW + FAR, values={"pm10": 1}), "too_far_ahead"),
    "far past": (body(ts=NOW - FAR, values={"pm10": 1}), "too_early"),
    "NaN": (b'{"pm10": NaN}', "not_a_number"),
    "infinity": (b'{"pm10": -Infinity}', "not_a_number"),
    "overflow": (b'{"pm10": 1e999}', "not_a_number"),
    "deep": (b'{"pm10": ' + b"[" * 100 + b"]" * 100 + b"}", "too_deep"),
    "deeper than any stack": (b"[" * 100_000, "too_deep"),
    "binary": (bytes(range(256)), "bad_utf8"),
    "empty": (b"", "empty"),
    "too large": (b" " * 300_000, "too_large"),
    "too many": (json.dumps([{"pm10": 1}] * 10_001).encode(), "too_many_readings"),
    "bad quality": (body(pm10={"value": 1, "quality": "splendid"}), "bad_quality"),
}


class TestBadInput:
    def test_each_is_refused_by_its_code_and_its_neighbours_are_stored(self, place: Town, broker: Any) -> None:
        place.start(broker)
        device = place.add_device("air", ["pm10", "temperature"])
        client = place.speak(device)
        for number, (payload, _code) in enumerate(BAD.values()):
            client.publish(body(temperature=number))
            client.publish(payload)
            try:
                client.flush(10)
            except Unavailable:
                pytest.fail(f"not acknowledged: {payload[:50]!r}")
        client.publish(body(temperature=99), "nonsense")
        client.publish(body(temperature=99))
        client.flush()
        until(lambda: 99.0 in place.values(device.streams["temperature"]), "the last neighbour is stored")
        expected = {code for _payload, code in BAD.values()} | {"unknown_codec"}
        assert set(place.refused_codes()) == expected
        stored = place.values(device.streams["temperature"])
        assert sorted(stored) == [float(number) for number in range(len(BAD))] + [99.0]
        assert place.refused_codes(place.stranger) == {}

    def test_a_good_field_beside_a_bad_one_is_stored(self, place: Town, broker: Any) -> None:
        place.start(broker)
        device = place.add_device("air", ["pm10", "temperature"])
        client = place.speak(device)
        client.publish(b'{"pm10": NaN, "temperature": 21}')
        client.flush()
        until(lambda: place.values(device.streams["temperature"]) == [21.0], "the good one is stored")

    def test_20_megabytes_are_refused_and_the_next_message_is_stored(self, place: Town, broker: Any) -> None:
        """Mosquitto brings them, the embedded broker hangs up after the first 256 kB; both are counted."""
        place.start(broker)
        device = place.add_device("air")
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        client.username_pw_set(device.address, device.secret)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        client.publish(f"gops/v1/{device.address}/up", b"x" * 20_000_000, qos=0)
        until(lambda: place.refused_codes().get("too_large"), "it is refused")
        client.loop_stop()
        place.speak(device).publish(body(pm10=1))
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "the next is stored")

    def test_an_unknown_or_revoked_device_is_refused(self, place: Town, broker: Any) -> None:
        """On a broker that still lets it in; the embedded one hangs up on it."""
        place.start(broker)
        device = place.add_device("air")
        client = place.speak(device)
        client.publish(body(pm10=1))
        client.flush()
        place.devices.revoke(place.owner, device.address, "stolen")
        if isinstance(broker, Mosquitto):
            time.sleep(0.5)
            client.publish(body(pm10=2))
            until(lambda: place.refused_codes() == {"revoked_device": 1}, "it is refused")
            broker.add_device("city/ghost", "x")
            place.speak(replace(device, address="city/ghost", secret="x")).publish(body(pm10=3))
            until(lambda: place.refused_codes().get("unknown_device") == 1, "it is refused")
        else:
            until(lambda: not client._client.is_connected(), "it is hung up on", 2.0)
        assert place.values(device.streams["pm10"]) == [1.0]


class TestForeignTopics:
    def test_a_device_can_not_speak_for_another(self, place: Town, broker: Any) -> None:
        place.start(broker)
        mine, other = place.add_device("mine"), place.add_device("other")
        client = place.speak(mine)
        client.publish_to(f"gops/v1/{other.address}/up", body(pm10=666))
        client.publish_to(f"gops/v1/{other.address}/status", b'{"online": false}')
        client.publish_to("gops/v1/city/up", body(pm10=666))
        client.publish(body(pm10=1))
        client.flush()
        until(lambda: place.values(mine.streams["pm10"]) == [1.0], "its own is stored")
        assert place.values(other.streams["pm10"]) == []
        assert place.refused_codes() == {}

    def test_the_broker_is_found_to_guard_its_topics(self, place: Town, broker: Any) -> None:
        place.start(broker)
        until(lambda: place.ingest and place.ingest.health().topics == "guarded", "the verdict")
        assert place.ingest
        assert place.ingest.health().problems == ()


class TestRedelivery:
    def test_what_was_committed_and_not_acknowledged_is_stored_once(self, place: Town, broker: Any, wire: Wire) -> None:
        """The link dies between commit and acknowledgement; the readings carry no time."""
        ingest = place.start(broker, url=through(wire, broker))
        device = place.add_device("air")
        heard = Heard()
        client = place.speak(device, heard)
        wire.mute()
        for number in range(50):
            client.publish(body(pm10=number, receipt=str(number)))
        until(lambda: len(place.values(device.streams["pm10"])) == 50, "all are committed")
        wire.cut()
        until(lambda: ingest.health().stats.repeats >= 50, "they come again and are recognised")
        client.flush()
        assert len(place.values(device.streams["pm10"])) == 50
        until(lambda: {one["receipt"] for one in heard.receipts} == {str(n) for n in range(50)}, "all are receipted")
        wire.cut()
        until(lambda: ingest.health().link.connections == 3, "it connects again")
        time.sleep(0.3)
        assert ingest.health().stats.repeats == 50

    def test_it_undoes_no_correction(self, place: Town, broker: Any, wire: Wire) -> None:
        ingest = place.start(broker, url=through(wire, broker))
        device = place.add_device("air")
        client = place.speak(device)
        now = int(time.time() * 1000)
        wire.mute()
        client.publish(body(ts=now, values={"pm10": 1}))
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is committed")
        client.publish(body(ts=now, values={"pm10": 2}))
        until(lambda: place.values(device.streams["pm10"]) == [2.0], "so is the correction")
        wire.cut()
        until(lambda: ingest.health().stats.repeats == 2, "both come again")
        assert place.values(device.streams["pm10"]) == [2.0]

    def test_another_process_recognises_it_too(self, place: Town, broker: Any, wire: Wire) -> None:
        """Ingest is killed between commit and acknowledgement; what it knew stands in the store."""
        place.start(broker, url=through(wire, broker))
        device = place.add_device("air")
        client = place.speak(device)
        wire.mute()
        client.publish(body(pm10=1))
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is committed")
        wire.cut(keep_down=True)
        place.stop()
        ingest = place.start(broker)
        until(lambda: ingest.health().stats.repeats == 1, "it comes again and is recognised")
        assert place.values(device.streams["pm10"]) == [1.0]

    def test_what_was_not_committed_is_stored_by_the_next_process(self, place: Town, broker: Any) -> None:
        place.start(broker)
        device = place.add_device("air")
        client = place.speak(device)
        place.store.down = True  # type: ignore[attr-defined]
        client.publish(body(pm10=1))
        until(lambda: place.ingest and place.ingest.health().stats.trouble.at == "store", "the store fails")
        place.stop()
        place.store.down = False  # type: ignore[attr-defined]
        place.start(broker)
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is stored")


class TestOutage:
    def test_a_store_that_is_down_shows_and_nothing_is_lost(self, place: Town, broker: Any) -> None:
        ingest = place.start(broker)
        device = place.add_device("air")
        client = place.speak(device)
        place.store.down = True  # type: ignore[attr-defined]
        for number in range(100):
            client.publish(body(pm10=number))
        until(lambda: not ingest.health().ok, "it shows")
        assert "the disk is full" in ingest.health().problems[0]
        place.store.down = False  # type: ignore[attr-defined]
        until(lambda: len(place.values(device.streams["pm10"])) == 100, "all are stored")
        assert ingest.health().ok

    def test_memory_stays_flat_while_the_store_is_down(self, settings: Any, database: Database, tmp_path: Path) -> None:
        """A flood of QoS 0, which no receive maximum holds back, stops at the inbox's bound."""
        place = town(settings.data, database, FailingStore(), GOPS_MQTT_INBOX="50", GOPS_MQTT_BATCH="10")
        with start_mosquitto(tmp_path / "mosquitto") as mosquitto:
            ingest = place.start(mosquitto)
            device = place.add_device("air")
            place.store.down = True  # type: ignore[attr-defined]
            flood = paho.Client(paho.CallbackAPIVersion.VERSION2)
            flood.username_pw_set(device.address, device.secret)
            flood.connect("127.0.0.1", mosquitto.port)
            flood.loop_start()
            for number in range(5000):
                flood.publish(f"gops/v1/{device.address}/up", body(pm10=number))
            until(lambda: ingest.health().waiting >= 50, "the inbox is full")
            time.sleep(0.5)
            assert ingest.health().waiting <= 51
            place.store.down = False  # type: ignore[attr-defined]
            until(lambda: ingest.health().stats.messages > 1000 and ingest.health().ok, "it goes on")
            flood.disconnect()
            flood.loop_stop()
            place.close()

    def test_a_cut_wire_shows_and_is_mended_by_itself(self, place: Town, broker: Any, wire: Wire) -> None:
        ingest = place.start(broker, url=through(wire, broker))
        device = place.add_device("air")
        client = place.speak(device)
        wire.cut(keep_down=True)
        until(lambda: not ingest.health().ok, "it shows")
        client.publish(body(pm10=1))
        wire.mend()
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is stored")

    def test_status_and_last_will_say_who_is_online(self, place: Town, broker: Any) -> None:
        place.start(broker)
        device = place.add_device("air")
        client = place.speak(device, announce=True)

        def online() -> Any:
            return place.status.list(place.owner, place.owner.organisation_id)[0].online

        until(online, "it is online")
        client._client.socket().close()  # type: ignore[union-attr]
        client._client.loop_stop()
        until(lambda: online() is False, "its last will is heard")


class TestMosquittoAlone:
    def test_mqtt_5_is_spoken_where_it_is_there(self, place: Town, mosquitto: Mosquitto) -> None:
        ingest = place.start(mosquitto)
        assert ingest.health().link.protocol == "5"

    def test_it_is_spoken_again_after_a_proxy_hung_up(self, place: Town, mosquitto: Mosquitto) -> None:
        """Hanging up is what a broker without MQTT 5 may do too; this one has shown that it knows it."""
        wire = Wire(mosquitto.port)
        ingest = place.start(mosquitto, url=through(wire, mosquitto))
        wire.cut(keep_down=True)
        time.sleep(1.0)
        wire.mend()
        until(lambda: ingest.health().link.connections == 2, "it is connected again")
        assert ingest.health().link.protocol == "5"
        wire.close()

    def test_devices_may_speak_mqtt_5_with_properties(self, place: Town, mosquitto: Mosquitto) -> None:
        place.start(mosquitto)
        device = place.add_device("air")
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.username_pw_set(device.address, device.secret)
        client.connect("127.0.0.1", mosquitto.port)
        client.loop_start()
        properties = paho.Properties(paho.PacketTypes.PUBLISH)
        properties.UserProperty = ("firmware", "1.2.3")
        properties.ContentType = "application/json"
        client.publish(f"gops/v1/{device.address}/up", body(pm10=1), qos=1, properties=properties)
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is stored")
        client.disconnect()
        client.loop_stop()

    def test_retained_readings_are_stored_once_however_often_ingest_subscribes(
        self, place: Town, mosquitto: Mosquitto
    ) -> None:
        place.start(mosquitto)
        device = place.add_device("air")
        client = place.speak(device)
        client.publish_to(f"gops/v1/{device.address}/up", body(pm10=1), retain=True)
        client.flush()
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is stored")
        for _ in range(2):
            place.stop()
            place.start(mosquitto)
        client.publish(body(pm10=2))
        until(lambda: len(place.values(device.streams["pm10"])) > 1, "the next is stored")
        assert place.values(device.streams["pm10"]) == [1.0, 2.0]

    def test_a_retained_reading_sent_while_ingest_was_away_is_stored(self, place: Town, mosquitto: Mosquitto) -> None:
        """It waits in the session as any other; only copies are left alone."""
        place.start(mosquitto)
        device = place.add_device("air")
        client = place.speak(device)
        place.stop()
        client.publish_to(f"gops/v1/{device.address}/up", body(pm10=1), retain=True)
        client.flush()
        place.start(mosquitto)
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is stored")

    def test_a_broker_that_forgot_the_session_makes_ingest_forget_too(self, place: Town, mosquitto: Mosquitto) -> None:
        """Mosquitto without persistence is restarted: packet ids start over with equal payloads."""
        ingest = place.start(mosquitto)
        device = place.add_device("air")
        client = place.speak(device)
        client.publish(body(pm10=1))
        client.flush()
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is stored")
        delivered = Delivery(ingest.link.session, 1, 0)
        assert delivered.session in place.store._sessions  # type: ignore[attr-defined]
        mosquitto.stop()
        mosquitto.start()
        until(lambda: ingest.health().link.connections == 2, "it connects again")
        assert not ingest.health().link.session_present
        until(lambda: delivered.session not in place.store._sessions, "it forgets")  # type: ignore[attr-defined]

    def test_an_open_broker_is_named_as_such(self, place: Town, tmp_path: Path) -> None:
        with start_mosquitto(tmp_path / "open", anonymous=True) as mosquitto:
            ingest = place.start(mosquitto)
            until(lambda: ingest.health().topics == "open", "the verdict")
            assert "impersonated" in ingest.health().problems[0]
            assert ingest.health().ok

    def test_on_an_open_broker_a_topic_of_nobody_is_refused_to_the_platform(self, place: Town, tmp_path: Path) -> None:
        with start_mosquitto(tmp_path / "open", anonymous=True) as mosquitto:
            ingest = place.start(mosquitto)
            client = paho.Client(paho.CallbackAPIVersion.VERSION2)
            client.connect("127.0.0.1", mosquitto.port)
            client.loop_start()
            for topic in ("gops/v1/CITY/dev/up", "gops/v1/a b/c/up", "gops/v1/xx/y/status", "gops/v1/ /up/up"):
                client.publish(topic, body(pm10=1), qos=1).wait_for_publish(5)
            until(lambda: sum(ingest.health().stats.refused.values()) == 4, "all are refused")
            assert ingest.health().stats.refused == {"foreign_topic": 3, "unknown_device": 1}
            client.disconnect()
            client.loop_stop()

    def test_a_wrong_password_shows_without_being_shown(
        self, place: Town, mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with caplog.at_level(logging.DEBUG), pytest.raises(AssertionError):
            place.start(mosquitto, url=mosquitto.url.replace("ingest-secret", "wrong-s3cret"))
        assert place.ingest
        health = place.ingest.health()
        assert "refused the connection" in health.problems[0]
        said = caplog.text + "".join(capsys.readouterr()) + repr(health) + repr(place.ingest.link.address)
        assert "s3cret" not in said


@pytest.mark.parametrize("name", ["mosquitto.conf", "mosquitto-dynsec.conf"])
def test_the_shipped_configuration_is_one_that_mosquitto_takes(tmp_path: Path, name: str) -> None:
    """``deploy/mosquitto`` with the paths and the listener of a test."""
    shipped = Path(__file__).parents[2] / "deploy" / "mosquitto"
    with start_mosquitto(tmp_path / "mosquitto") as mosquitto:
        mosquitto.stop()
        (tmp_path / "kept").mkdir()
        text = (shipped / name).read_text()
        for found, put in {
            "listener 8883": f"listener {mosquitto.port} 127.0.0.1",
            "certfile /etc/mosquitto/certs/server.crt\n": "",
            "keyfile /etc/mosquitto/certs/server.key\n": "",
            "/var/lib/mosquitto/": f"{tmp_path / 'kept'}/",
        }.items():
            assert found in text
            text = text.replace(found, put)
        text = text.replace("/etc/mosquitto/gops/gops.passwords", str(mosquitto.password_file))
        text = text.replace("/etc/mosquitto/gops/gops.acl", str(shipped / "acl"))
        (mosquitto.folder / "mosquitto.conf").write_text(text + "user root\n" * (os.geteuid() == 0))
        (tmp_path / "kept" / "dynamic-security.json").write_text('{"clients": [], "roles": []}')
        mosquitto.start()
        log = mosquitto.log_file.read_text()
        assert "Error" not in log
