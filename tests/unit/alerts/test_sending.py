"""Deliveries: signed, tried for a day, then kept as dead letters that can be sent again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from gops.alerts.sending import OF_ONE
from gops.notify.webhook import verify
from tests.unit.alerts.conftest import WEBHOOK, Town


class Receiver:
    """A receiver of webhooks on a port of its own; ``answers`` are its next statuses, then 204."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append((dict(self.headers.items()), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/alerts?token=hidden-from-logs"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def fire(town: Town, *channels: dict[str, str], **more: Any) -> int:
    stream = town.stream()
    town.rule(stream, channels=list(channels), message_ko="폭염", message_en="heat", **more)
    town.measure(stream, 90)
    return stream


def test_a_webhook_is_signed_and_says_what_happened(town: Town, receiver: Receiver) -> None:
    """The receiver checks body and time under the secret that the making of the rule told."""
    stream = fire(town, {"kind": "webhook", "url": receiver.url})
    assert town.running.sender.run() == 1
    ((headers, body),) = receiver.heard
    now = town.clock.micros() // 1_000_000
    assert verify(town.secret, body, headers["GOPS-Signature"], now)
    assert not verify(town.secret, body + b" ", headers["GOPS-Signature"], now)
    assert not verify("another", body, headers["GOPS-Signature"], now)
    assert not verify(town.secret, body, headers["GOPS-Signature"], now + 301)
    told = json.loads(body)
    assert (told["what"], told["datastream"]["id"], told["organisation"]) == ("fired", stream, "suwon")
    assert told["reading"] == {"time": "2026-05-01T00:01:00Z", "value": 90.0}
    assert told["message"] == {"ko": "폭염", "en": "heat"}
    assert headers["GOPS-Delivery"] == str(town.deliveries()[0].id)
    assert town.deliveries()[0].state == "sent"
    assert town.running.sender.run() == 0


def test_a_receiver_that_fails_is_asked_again_later(town: Town, receiver: Receiver) -> None:
    """After half a minute, then a minute; a redirect is an answer like any other and not followed."""
    fire(town, {"kind": "webhook", "url": receiver.url})
    receiver.answers = [500, 307]
    for wait in (0, 37, 75):
        town.clock.move(seconds=wait)
        assert town.running.sender.run() == 1
        assert town.running.sender.run() == 0
    (row,) = town.deliveries()
    assert (row.state, row.attempts, len(receiver.heard)) == ("sent", 3, 3)


def test_after_a_day_it_is_a_dead_letter_that_can_be_sent_again(town: Town) -> None:
    """Its problem names the host and no secret of the address."""
    fire(town, {"kind": "webhook", "url": WEBHOOK + "?token=hidden"})
    for _try in range(40):
        town.running.sender.run()
        town.clock.move(hours=1)
    (row,) = town.deliveries(state="dead")
    assert 10 < row.attempts < 20
    assert row.problem is not None
    assert row.problem.startswith("host_unreachable: 127.0.0.1:9")
    assert "hidden" not in row.problem
    again = town.alerts.send_again(town.publisher, row.id)
    assert (again.state, again.attempts) == ("waiting", 0)
    assert town.running.sender.run() == 1


def test_a_message_to_a_device_waits_for_the_broker(town: Town) -> None:
    """On ``down/alert`` of that device, which it alone reads."""
    from gops.accounts.devices import Devices

    Devices(town.database, town.clock).register(town.publisher, "suwon", "siren-1")
    fire(town, {"kind": "mqtt", "device": "siren-1"})
    town.running.sender.run()
    assert town.deliveries()[0].problem == "host_unreachable: the broker takes no messages now"
    heard: list[tuple[str, bytes]] = []
    town.running.sender.publish = lambda topic, payload: heard.append((topic, payload)) or True  # type: ignore[func-returns-value]
    town.clock.move(minutes=1)
    town.running.sender.run()
    ((topic, payload),) = heard
    assert (topic, json.loads(payload)["what"]) == ("gops/v1/suwon/siren-1/down/alert", "fired")


def test_a_letter_is_korean_first(town: Town) -> None:
    fire(town, {"kind": "mail", "to": "kim@example.kr"})
    town.running.sender.run()
    ((to, subject, text),) = town.letters.sent
    assert (to, subject) == ("kim@example.kr", "[GOPS] 경보 발생 / Alert: hot")
    assert text.startswith("폭염\nheat\n")


def test_a_busy_organisation_does_not_hold_up_another(town: Town) -> None:
    """Of each organisation a few are sent in one look."""
    channels = [{"kind": "mail", "to": "kim@example.kr"}]
    stream = town.stream()
    town.rule(stream, channels=channels)
    town.measure(stream, *([90, 60] * OF_ONE))
    assert town.running.sender.run() == OF_ONE


def test_the_threads_do_all_this_by_themselves(town: Town, receiver: Receiver) -> None:
    """From the commit to the receiver, started and stopped."""
    stream = town.stream()
    town.rule(stream, channels=[{"kind": "webhook", "url": receiver.url}])
    town.running.start()
    try:
        import pyarrow as pa

        from gops.store.port import READINGS

        row = {"datastream": stream, "t": town.clock.micros(), "value": 99.0, "text": None, "quality": 0}
        town.store.write(pa.Table.from_pylist([{"result_time": None} | row], READINGS), "replace")
        end = time.monotonic() + 10
        while not receiver.heard and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        town.running.stop()
    assert len(receiver.heard) == 1
