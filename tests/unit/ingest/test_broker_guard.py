"""Who logs in to the embedded broker, and the table of what each may do, cell by cell."""

from __future__ import annotations

import pytest

from gops.accounts.devices import DeviceIdentity
from gops.errors import Unauthenticated
from gops.ingest.broker.guard import Guard, Login, answered, may_publish, may_subscribe
from gops.permissions import Actor

DEVICE = Login("device", "city/dev", device_id=1)
READER = Login("reader", "key:7", key_id=7)
INGEST = Login("ingest", "gops")


class Devices:
    def authenticate(self, username: str, password: str) -> DeviceIdentity | None:
        return DeviceIdentity(1, 1, username) if (username, password) == ("city/dev", "right") else None


def key_actor(text: str) -> Actor:
    if text in ("gops_reads", "gops_abcdefgh_reads"):
        return Actor(person_id=1, key_id=7, scopes=frozenset({"data:read"}))
    if text == "gops_writes":
        return Actor(person_id=1, key_id=8, scopes=frozenset({"data:write"}))
    raise Unauthenticated("no such key")


def guard(*, anonymous_live: bool = False) -> Guard:
    return Guard("service-secret", Devices(), key_actor, anonymous_live=anonymous_live)


@pytest.mark.parametrize(
    ("username", "password", "login"),
    [
        ("city/dev", "right", DEVICE),
        ("city/dev", "wrong", None),
        ("city/dev", None, None),
        ("city/other", "right", None),
        ("gops", "service-secret", INGEST),
        ("gops", "right", None),
        ("gops", "비밀", None),
        ("key", "gops_reads", READER),
        ("key-abcdefgh", "gops_abcdefgh_reads", READER),
        ("key-stranger", "gops_abcdefgh_reads", None),
        ("key", "gops_writes", None),
        ("key", "nonsense", None),
        ("", "", None),
        (None, None, None),
        (None, "right", None),
    ],
)
def test_who_logs_in(username: str | None, password: str | None, login: Login | None) -> None:
    assert guard().login(username, password) == login


def test_nobody_reads_live_data_only_where_it_is_allowed() -> None:
    assert guard(anonymous_live=True).login(None, None) == Login("reader", "anonymous")


UP, STATUS = "gops/v1/city/dev/up", "gops/v1/city/dev/status"
RECEIPT, REFUSED = "gops/v1/city/dev/down/receipt", "gops/v1/city/dev/down/refused"
LIVE = "gops/live/v1/air/42"


@pytest.mark.parametrize(
    ("topic", "allowed"),
    [
        (UP, {"device"}),
        (UP + "/json", {"device"}),
        (UP + "/senml", {"device"}),
        (STATUS, {"device"}),
        (RECEIPT, {"ingest"}),
        (REFUSED, {"ingest"}),
        (LIVE, {"ingest"}),
        ("gops/v1/city/dev", set()),
        ("gops/v1/city/dev/down/other", set()),
        ("gops/v1/city/dev/upstairs", set()),
        ("gops/v1/city/dev2/up", set()),
        ("gops/v1/city/de/up", set()),
        ("gops/v1/other/dev/up", set()),
        ("gops/v1/city/dev/status/x", set()),
        ("$SYS/broker/uptime", set()),
        ("gops", set()),
        ("", set()),
    ],
)
def test_what_each_may_publish(topic: str, allowed: set[str]) -> None:
    assert {login.kind for login in (DEVICE, READER, INGEST) if may_publish(login, topic)} == allowed


@pytest.mark.parametrize(
    ("topic_filter", "allowed"),
    [
        ("gops/v1/city/dev/down/#", {"device"}),
        ("gops/v1/city/dev/down/receipt", {"device"}),
        ("gops/v1/city/dev/down/+", {"device"}),
        ("gops/v1/+/+/up/#", {"ingest"}),
        ("gops/v1/+/+/status", {"ingest"}),
        ("gops/live/#", {"reader"}),
        ("gops/live/v1/air/+", {"reader"}),
        (LIVE, {"reader"}),
        ("#", set()),
        ("+/#", set()),
        ("gops/#", set()),
        ("gops/+/#", set()),
        ("gops/v1/#", set()),
        ("gops/v1/city/#", set()),
        ("gops/v1/city/dev/#", set()),
        ("gops/v1/city/+/down/#", set()),
        ("gops/v1/+/dev/down/#", set()),
        ("gops/v1/city/dev2/down/#", set()),
        (UP, set()),
        ("$SYS/#", set()),
        ("$share/group/gops/live/#", set()),
        ("", set()),
    ],
)
def test_what_each_may_read(topic_filter: str, allowed: set[str]) -> None:
    assert {login.kind for login in (DEVICE, READER, INGEST) if may_subscribe(login, topic_filter)} == allowed


@pytest.mark.parametrize(
    ("topic", "address"),
    [(RECEIPT, "city/dev"), (REFUSED, "city/dev"), (UP, None), ("gops/v1/a/b/c/down/receipt", None), ("receipt", None)],
)
def test_whom_an_answer_is_for(topic: str, address: str | None) -> None:
    assert answered(topic) == address
