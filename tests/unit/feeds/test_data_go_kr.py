"""Envelopes of data.go.kr: every shell, every code, and what comes instead of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.ingest.feeds.answers import Failure, Page
from gops.ingest.feeds.data_go_kr import read

ROW = {"stationName": "종로구", "pm10Value": "35"}


def envelope(items: Any, code: Any = "00", **body: Any) -> bytes:
    response = {"header": {"resultCode": code, "resultMsg": "NORMAL_CODE"}, "body": {"items": items, **body}}
    return json.dumps({"response": response}).encode()


def key_error(code: str, name: str) -> str:
    said = f"<returnAuthMsg>{name}</returnAuthMsg><returnReasonCode>{code}</returnReasonCode>"
    inside = f"<errMsg>SERVICE ERROR</errMsg>{said}"
    return f"<OpenAPI_ServiceResponse><cmmMsgHeader>{inside}</cmmMsgHeader></OpenAPI_ServiceResponse>"


@pytest.mark.parametrize("code", [0, "0", "00", "000", "0000", "INFO-0", "INFO-000"])
def test_every_spelling_of_success_is_a_page(code: Any) -> None:
    assert read(200, envelope([ROW], code, totalCount=1)) == Page((ROW,), 1)


@pytest.mark.parametrize(
    ("items", "rows"),
    [([ROW, ROW], 2), ({"item": [ROW, ROW]}, 2), ({"item": ROW}, 1), ("", 0), (None, 0), ([], 0), ({}, 0)],
)
def test_items_come_in_every_shape(items: Any, rows: int) -> None:
    page = read(200, envelope(items, totalCount="2"))
    assert isinstance(page, Page)
    assert (list(page.rows), page.total) == ([ROW] * rows, 2)


@pytest.mark.parametrize("total", [None, "", "many", -1, True, 1.5, "9" * 40])
def test_a_total_that_is_no_count_is_unknown(total: Any) -> None:
    page = read(200, envelope([ROW], totalCount=total))
    assert isinstance(page, Page)
    assert page.total is None


def test_xml_says_the_same_as_json() -> None:
    xml = """<?xml version="1.0" encoding="UTF-8"?>
    <response><header><resultCode>00</resultCode><resultMsg>NORMAL_CODE</resultMsg></header><body><items>
    <item><stationName>종로구</stationName><pm10Value>35</pm10Value><coValue/></item>
    <item><stationName>중구</stationName><pm10Value>-</pm10Value><coValue>0.4</coValue></item>
    </items><numOfRows>100</numOfRows><pageNo>1</pageNo><totalCount>2</totalCount></body></response>"""
    rows = (
        {"stationName": "종로구", "pm10Value": "35", "coValue": None},
        {"stationName": "중구", "pm10Value": "-", "coValue": "0.4"},
    )
    assert read(200, xml.encode()) == Page(rows, 2)


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("1", "server"), ("02", "server"), (4, "server"), ("05", "server"), ("3", "no_data"), ("03", "no_data"),
        ("10", "request"), ("11", "request"), ("12", "request"), ("20", "key"), ("21", "key"), ("22", "quota"),
        ("23", "rate"), ("30", "key"), (31, "key"), ("32", "key"), ("33", "key"), ("99", "server"), ("77", "server"),
    ],
)  # fmt: skip
def test_a_code_says_what_follows_in_every_shell(code: Any, trouble: str) -> None:
    shells = [
        json.dumps({"response": {"header": {"resultCode": code, "resultMsg": "X"}}}),
        json.dumps({"responseTime": "2026-04-30", "resultCode": code, "resultMsg": "X"}),
        json.dumps({"OpenAPI_ServiceResponse": {"cmmMsgHeader": {"returnReasonCode": code, "returnAuthMsg": "X"}}}),
        key_error(str(code), "X"),
        f"<response><header><resultCode>{code}</resultCode><resultMsg>X</resultMsg></header></response>",
    ]
    for shell in shells:
        failure = read(200, shell.encode())
        assert isinstance(failure, Failure)
        assert (failure.trouble, failure.code) == (trouble, str(int(code)))


def test_a_key_error_in_xml_with_200_is_no_data_of_any_kind() -> None:
    failure = read(200, key_error("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR").encode())
    assert failure == Failure("key", "30", "30 SERVICE_KEY_IS_NOT_REGISTERED_ERROR")


@pytest.mark.parametrize(
    ("status", "body", "trouble", "code"),
    [
        (200, b"", "unreadable", "empty_body"),
        (200, b" \r\n", "unreadable", "empty_body"),
        (200, b"\xef\xbb\xbf", "unreadable", "empty_body"),
        (200, b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "unreadable", "html"),
        (502, b"<html><body>502 Bad Gateway</body></html>", "server", "http_502"),
        (200, b"Unexpected errors", "unreadable", "unknown_code"),
        (500, b"Unexpected errors", "server", "http_500"),
        (401, b"Unauthorized", "key", "http_401"),
        (403, b"Forbidden", "key", "http_403"),
        (404, b"API not found", "request", "http_404"),
        (429, b"API rate limit exceeded", "rate", "http_429"),
        (200, b"SERVICE_KEY_IS_NOT_REGISTERED_ERROR", "key", "30"),
        (200, b"\xbe\xc8\xb3\xe7", "unreadable", "not_utf8"),
        (200, b"{", "unreadable", "bad_json"),
        (200, b"[]", "unreadable", "unknown_shape"),
        (200, b"{}", "unreadable", "unknown_shape"),
        (200, b'{"resultCode":"00"}', "unreadable", "unknown_shape"),
        (200, b'{"response":{"header":{"resultCode":"00"},"body":null}}', "unreadable", "unknown_shape"),
        (200, b'{"response":{"header":{"resultCode":"00"},"body":{"items":7}}}', "unreadable", "unknown_shape"),
        (200, b'{"response":{"header":{"resultCode":"00"},"body":{"items":[1]}}}', "unreadable", "unknown_shape"),
        (200, b"<response><header>", "unreadable", "bad_xml"),
        (401, key_error("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR").encode(), "key", "30"),
    ],
)
def test_what_comes_instead_of_an_envelope(status: int, body: bytes, trouble: str, code: str) -> None:
    failure = read(status, body)
    assert isinstance(failure, Failure)
    assert (failure.trouble, failure.code) == (trouble, code)


def test_entities_of_xml_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><response><header>&b;</header></response>'
    failure = read(200, bomb.encode())
    assert isinstance(failure, Failure)
    assert failure.code == "bad_xml"


@pytest.mark.parametrize("shell", [b"[" * 5000, b"<a>" * 5000 + b"</a>" * 5000, b'{"response":' * 2000])
def test_deep_nesting_ends_as_a_failure(shell: bytes) -> None:
    assert isinstance(read(200, shell), Failure)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode), st.integers(100, 599))
def test_any_bytes_are_a_page_or_a_failure(body: bytes, status: int) -> None:
    assert isinstance(read(status, body), Page | Failure)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["response", "header", "body", "items", "item", "resultCode", "totalCount",
                         "OpenAPI_ServiceResponse", "cmmMsgHeader", "returnReasonCode"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(_JSON)
def test_any_json_is_a_page_or_a_failure(document: Any) -> None:
    assert isinstance(read(200, json.dumps(document).encode()), Page | Failure)
