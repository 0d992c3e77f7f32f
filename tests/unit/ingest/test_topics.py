"""Topics: what is ours, whose it is, and who may use it."""

from __future__ import annotations

import pytest

from gops.ingest import topics
from gops.ingest.topics import Up


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("gops/v1/suwon/air-01/up", Up("suwon/air-01", "json")),
        ("gops/v1/suwon/air-01/up/json", Up("suwon/air-01", "json")),
        ("gops/v1/suwon/air-01/up/senml", Up("suwon/air-01", "senml")),
        ("gops/v1/suwon/Air_01/up/a/b", Up("suwon/Air_01", "a/b")),
        ("gops/v1/suwon/air-01/up/", Up("suwon/air-01", "")),
        ("gops/v1/suwon/air-01/status", None),
        ("gops/v1/suwon/air-01/down/receipt", None),
        ("gops/v1/suwon/air-01", None),
        ("gops/v1/suwon/air-01/upper", None),
        ("gops/v1/suwon//up", None),
        ("gops/v1/SUWON/air/up", None),
        ("gops/v1/s/air/up", None),
        ("gops/v1/-suwon/air/up", None),
        ("gops/v1/suwon/" + "a" * 65 + "/up", None),
        ("gops/v1/suwon/기기/up", None),
        ("gops/v1/suwon/a b/up", None),
        ("gops/v1/suwon/air/up\n", None),
        ("gops/v2/suwon/air/up", None),
        ("/gops/v1/suwon/air/up", None),
        ("", None),
    ],
)
def test_an_up_topic_names_its_device_and_codec_and_nothing_else_is_one(topic: str, found: Up | None) -> None:
    assert topics.parse_up(topic) == found


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("gops/v1/suwon/air-01/status", "suwon/air-01"),
        ("gops/v1/suwon/air-01/status/", None),
        ("gops/v1/suwon/air-01/up", None),
    ],
)
def test_a_status_topic_names_its_device(topic: str, found: str | None) -> None:
    assert topics.parse_status(topic) == found


def test_what_is_built_is_read_back() -> None:
    assert topics.parse_up(topics.up("suwon/a")) == Up("suwon/a", "json")
    assert topics.parse_up(topics.up("suwon/a", "senml")) == Up("suwon/a", "senml")
    assert topics.parse_status(topics.status("suwon/a")) == "suwon/a"


def test_ingest_never_reads_its_own_answers() -> None:
    assert topics.INGEST_FILTERS == ("gops/v1/+/+/up/#", "gops/v1/+/+/status")


@pytest.mark.parametrize(
    ("topic", "allowed"),
    [
        ("gops/v1/suwon/a/up", True),
        ("gops/v1/suwon/a/up/json", True),
        ("gops/v1/suwon/a/status", True),
        ("gops/v1/suwon/a/down/receipt", False),
        ("gops/v1/suwon/ab/up", False),
        ("gops/v1/suwon/b/up", False),
        ("gops/v1/osan/a/up", False),
        ("gops/v1/suwon/a/upper", False),
        ("gops/live/v1/x/1", False),
    ],
)
def test_a_device_publishes_to_its_own_up_and_status_only(topic: str, allowed: bool) -> None:
    assert topics.device_may_publish("suwon/a", topic) is allowed


@pytest.mark.parametrize(
    ("topic_filter", "allowed"),
    [
        ("gops/v1/suwon/a/down/#", True),
        ("gops/v1/suwon/a/down/receipt", True),
        ("gops/v1/suwon/a/down/+", True),
        ("gops/v1/suwon/a/#", False),
        ("gops/v1/suwon/+/down/receipt", False),
        ("gops/v1/suwon/b/down/receipt", False),
        ("gops/v1/suwon/a/up", False),
        ("#", False),
    ],
)
def test_a_device_reads_its_own_down_only(topic_filter: str, allowed: bool) -> None:
    assert topics.device_may_subscribe("suwon/a", topic_filter) is allowed


@pytest.mark.parametrize(
    ("text", "allowed"), [("suwon/a", True), ("suwon", False), ("suwon/a/b", False), ("#/+", False)]
)
def test_an_address_is_a_slug_and_a_device_name(text: str, allowed: bool) -> None:
    assert topics.is_address(text) is allowed
