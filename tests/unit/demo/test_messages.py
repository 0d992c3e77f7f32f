"""The demo's messages: what GOPS stores, and the faults that it refuses or marks."""

from __future__ import annotations

import json
from collections import Counter
from math import inf
from typing import Any, get_args

import pytest

from gops.demo.fleet import FLEET, PERIOD_SECONDS, DemoDevice
from gops.demo.hourly import HOURLY
from gops.demo.messages import SHARES, Fault, fault_at, history, message
from gops.ingest.decoders import Decoded, Frame, decode
from gops.ingest.mapping import Limits, Readings, resolve
from gops.sensors.routes import DeviceRoute, Target
from gops.sensors.seed import SEED

START = 1_783_220_400
SLOT_SECONDS = 600
KINDS = {row.key: row.kind for row in SEED}
AIR = next(device for device in FLEET if device.name == "air-ingye")


def find(fault: Fault, device: DemoDevice = AIR, past: int = 0) -> int:
    """The beginning of a slot in which the device has this fault; ``past`` so many of them."""
    begin = START - START % device.slot
    slots = (begin + n * device.slot for n in range(200_000))
    found = (t for t in slots if fault_at(device, t) == fault)
    for _ in range(past):
        next(found)
    return next(found)


def ticks(slot: int) -> list[int]:
    return list(range(slot, slot + SLOT_SECONDS, PERIOD_SECONDS))


def taken(device: DemoDevice, payload: bytes, arrival: int) -> Readings:
    targets = {
        field.name: Target(
            number,
            KINDS[field.observed_property],
            1.0,
            0.0,
            -inf if field.low is None else field.low,
            inf if field.high is None else field.high,
        )
        for number, field in enumerate(device.fields)
    }
    route = DeviceRoute(1, 1, device.city.slug, device.address, targets)
    return resolve(decode("json", payload, Frame()), route, arrival * 1_000_000, Limits(10**15, 600_000_000))


@pytest.mark.parametrize("device", FLEET, ids=lambda device: device.address)
def test_a_healthy_device_sends_a_reading_of_every_field_at_its_time(device: DemoDevice) -> None:
    for t in ticks(find("none", device)):
        payload = message(device, t)
        assert payload is not None
        got = taken(device, payload, t)
        assert got.refusals == []
        assert got.t == [t * 1_000_000] * len(device.fields)
        assert set(got.quality) == {0}


def test_messages_are_the_same_for_the_same_time() -> None:
    assert message(AIR, START) == message(AIR, START)


def test_every_fault_comes_in_about_its_share_and_most_slots_have_none() -> None:
    seen = Counter(fault_at(device, START + n * SLOT_SECONDS) for device in FLEET for n in range(2000))
    for fault, share in SHARES:
        assert seen[fault] / seen.total() == pytest.approx(share, rel=0.25)
    assert set(seen) == set(get_args(Fault))
    assert seen["none"] / seen.total() > 0.85


def test_a_gap_is_silence() -> None:
    assert {message(AIR, t) for t in ticks(find("gap"))} == {None}


def test_a_stuck_device_repeats_itself() -> None:
    sent = [json.loads(message(AIR, t) or b"") for t in ticks(find("stuck"))]
    assert len({json.dumps(one["values"]) for one in sent}) == 1
    assert len({one["ts"] for one in sent}) == len(sent)


def test_a_communication_failure_is_told() -> None:
    slot = find("communication_failure")
    got = taken(AIR, message(AIR, slot) or b"", slot)
    assert (got.value, got.quality, got.refusals) == ([None] * 4, [4] * 4, [])


def test_a_spike_is_one_suspect_value() -> None:
    slot = find("spike")
    qualities = Counter(q for t in ticks(slot) for q in taken(AIR, message(AIR, t) or b"", t).quality)
    assert qualities == {0: 239, 2: 1}


def test_a_clock_that_runs_ahead_is_refused() -> None:
    slot = find("ahead")
    assert {one.code for one in taken(AIR, message(AIR, slot) or b"", slot).refusals} == {"too_far_ahead"}


def test_malformed_messages_are_of_three_ways_and_once_a_slot() -> None:
    codes: Counter[str] = Counter()
    for past in range(40):
        slot = find("malformed", past=past)
        refused = [one.code for t in ticks(slot) for one in taken(AIR, message(AIR, t) or b"", t).refusals]
        assert len(refused) == 1
        codes.update(refused)
    assert set(codes) == {"bad_json", "wrong_type", "unknown_field"}


def decoded(payloads: list[bytes]) -> list[Decoded]:
    return [decode("json", payload, Frame()) for payload in payloads]


@pytest.mark.parametrize("device", FLEET, ids=lambda device: device.address)
def test_history_repeats_the_past_and_is_what_was_sent(device: DemoDevice) -> None:
    slot = find("none", device)
    got = decoded(list(history(device, slot, slot + SLOT_SECONDS)))
    assert all(one.keep and not one.refusals for one in got)
    sent = decoded([message(device, t) or b"" for t in ticks(slot)])
    assert flat(got) == flat(sent)


def flat(many: list[Decoded]) -> list[tuple[Any, ...]]:
    return [row for one in many for row in zip(one.fields, one.values, one.times, strict=True)]


def test_history_has_the_gaps_of_the_past_and_is_in_small_messages() -> None:
    gap = find("gap")
    assert list(history(AIR, gap, gap + SLOT_SECONDS)) == []
    assert max(len(json.loads(one)) for one in history(AIR, START, START + 86400)) == 60


@pytest.mark.parametrize("start", [START, START + 1, START + 9])
def test_history_begins_at_the_first_tick_that_is_not_before_its_start(start: int) -> None:
    slot = find("none")
    begin = slot + start - START
    first = json.loads(next(history(AIR, begin, begin + 60)))[0]["ts"] // 1000
    assert first == slot + (0 if start == START else PERIOD_SECONDS)


@pytest.mark.parametrize("device", HOURLY[:8], ids=lambda device: device.address)
def test_an_hourly_device_sends_on_the_hour_and_its_fault_lasts_six(device: DemoDevice) -> None:
    hours = range(find("none", device), find("none", device) + device.slot, device.period)
    assert len(hours) == 6
    for t in hours:
        got = taken(device, message(device, t) or b"", t)
        assert (got.refusals, got.t) == ([], [t * 1_000_000] * len(device.fields))
    spike = find("spike", device)
    told = [taken(device, message(device, t) or b"", t).quality for t in range(spike, spike + device.slot, 3600)]
    assert sum(quality.count(2) for quality in told) == 1
