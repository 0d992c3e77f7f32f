"""Events go to standard error as lines, and secrets never do."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from gops import logs

KEY = "gops_abcdEFGH_" + "x" * 43


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_one_json_line_with_level_and_utc_time(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("INFO", "json")
    logs.get("gops.test").info("store.opened", rows=3, name="수원시")
    (line,) = lines()
    assert (line["event"], line["level"], line["rows"], line["name"]) == ("store.opened", "info", 3, "수원시")
    assert line["timestamp"].endswith("Z")


def test_an_event_below_the_level_is_not_written(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("WARNING", "json")
    logs.get("gops.test").info("quiet")
    logging.getLogger("other").info("quiet too")
    assert lines() == []


def test_what_is_bound_appears_in_every_event(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("INFO", "json")
    structlog.contextvars.bind_contextvars(request_id="0123")
    logs.get("a").info("one")
    logging.getLogger("b").warning("two")
    assert [line["request_id"] for line in lines()] == ["0123", "0123"]


@pytest.mark.parametrize("name", ["password", "client_secret", "token", "Authorization", "api_key", "serviceKey"])
def test_a_value_named_as_a_secret_is_masked(name: str, lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("INFO", "json")
    logs.get("a").info("asked", **{name: "hunter2"})
    assert lines()[0][name] == logs.MASK


def test_a_secret_deep_inside_a_value_is_masked(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.configure("INFO", "json")
    logs.get("a").info("asked", body={"rows": [{"token": "hunter2", "n": 1}]})
    assert lines()[0]["body"] == {"rows": [{"token": logs.MASK, "n": 1}]}


@pytest.mark.parametrize("style", ["json", "text"])
def test_an_api_key_or_a_password_in_a_message_is_masked(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", style)
    logging.getLogger("library").warning("connecting to %s with %s", "mqtt://user:hunter2@broker:1883", KEY)
    written = capsys.readouterr().err
    assert "hunter2" not in written
    assert KEY not in written
    assert "gops_abcdEFGH_***" in written


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_traceback_is_written_without_secrets_or_local_variables(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", style)
    secret_of_a_local = "hunter" + "3"
    try:
        raise ValueError("postgresql://gops:hunter2@db/records")
    except ValueError:
        logs.get("a").exception("records.down")
    written = capsys.readouterr().err
    assert "ValueError" in written
    assert "Traceback" in written
    assert "hunter2" not in written
    assert secret_of_a_local not in written


def test_request_ids_differ_and_are_16_hexadecimal_digits() -> None:
    first, second = logs.new_request_id(), logs.new_request_id()
    assert first != second
    assert len(first) == 16
    assert int(first, 16) >= 0
