"""Envelopes of data.go.kr (apis.data.go.kr): three shells in JSON, the same in XML, and what comes instead of them.

1. ``{"response": {"header": {"resultCode", "resultMsg"}, "body": {"items", "totalCount", ...}}}``
2. ``{"resultCode", "resultMsg"}`` from the gateway, for wrong parameters
3. ``{"OpenAPI_ServiceResponse": {"cmmMsgHeader": {"returnReasonCode", "returnAuthMsg", ...}}}`` for keys and quotas

Errors come as XML though JSON was asked for, with HTTP 200; as plain text; as HTML; and as nothing at all when
``numOfRows`` is above the service's cap. So what counts is the body; the status helps only where the body is mute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import orjson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gops.ingest.feeds.answers import Failure, Page, Trouble

CODES: Mapping[int, tuple[str, Trouble]] = {
    1: ("APPLICATION_ERROR", "server"),
    2: ("DB_ERROR", "server"),
    3: ("NODATA_ERROR", "no_data"),
    4: ("HTTP_ERROR", "server"),
    5: ("SERVICETIMEOUT_ERROR", "server"),
    10: ("INVALID_REQUEST_PARAMETER_ERROR", "request"),
    11: ("NO_MANDATORY_REQUEST_PARAMETERS_ERROR", "request"),
    12: ("NO_OPENAPI_SERVICE_ERROR", "request"),
    20: ("SERVICE_ACCESS_DENIED_ERROR", "key"),
    21: ("TEMPORARILY_DISABLE_THE_SERVICEKEY_ERROR", "key"),
    22: ("LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR", "quota"),
    23: ("LIMITED_NUMBER_OF_SERVICE_REQUESTS_PER_SECOND_EXCEEDS_ERROR", "rate"),
    30: ("SERVICE_KEY_IS_NOT_REGISTERED_ERROR", "key"),
    31: ("DEADLINE_HAS_EXPIRED_ERROR", "key"),
    32: ("UNREGISTERED_IP_ERROR", "key"),
    33: ("UNSIGNED_CALL_ERROR", "key"),
    99: ("UNKNOWN_ERROR", "server"),
}
OF_STATUS: Mapping[int, Trouble] = {401: "key", 403: "key", 404: "request", 429: "rate"}
_CODE = re.compile(r"(?:INFO-|ERROR-)?0*(\d{1,4})")
_COUNT = re.compile(r"\d{1,12}")
_HTML = re.compile(r"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
NOTE_LENGTH = 200
XML_DEPTH = 8


def read(status: int, body: bytes) -> Page | Failure:
    """A page, or why it is none. ``status`` is HTTP's. Never raises, whatever the bytes are."""
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return _mute(status, "not_utf8", "the answer is not UTF-8")
    if not text:
        return _mute(
            status, "empty_body", "the answer is empty; that is no end of data, numOfRows may be above the cap"
        )
    if text[0] in "{[":
        return _of_json(status, text)
    if _HTML.match(text):
        return _mute(status, "html", "the answer is a page of HTML")
    if text[0] == "<":
        return _of_xml(status, text)
    return _of_words(status, text)


def _of_json(status: int, text: str) -> Page | Failure:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _mute(status, "bad_json", "the answer looks like JSON and is none")
    return _of_document(status, document)


def _of_xml(status: int, text: str) -> Page | Failure:
    try:
        root = fromstring(text, forbid_dtd=True)
        document = {root.tag: _plain(root, XML_DEPTH)}
    except (ParseError, DefusedXmlException, RecursionError, ValueError):
        return _mute(status, "bad_xml", "the answer looks like XML and is none, or has a document type")
    return _of_document(status, document)


def _plain(element: Element, depth: int) -> Any:
    """An element as JSON would have it: its text, None when empty, or an object; repeated children are a list."""
    children = list(element)
    if not children:
        return (element.text or "").strip() or None
    if depth == 0:
        raise ValueError("nested deeper than any envelope")
    found: dict[str, list[Any]] = {}
    for child in children:
        found.setdefault(child.tag, []).append(_plain(child, depth - 1))
    return {tag: values[0] if len(values) == 1 else values for tag, values in found.items()}


def _of_document(status: int, document: Any) -> Page | Failure:
    if not isinstance(document, dict):
        return _unknown_shape(status)
    response, service = document.get("response"), document.get("OpenAPI_ServiceResponse")
    if isinstance(service, dict):
        header = _object(service.get("cmmMsgHeader"))
        return _of_code(status, header.get("returnReasonCode"), header.get("returnAuthMsg") or header.get("errMsg"))
    if isinstance(response, dict) and isinstance(response.get("header"), dict):
        header = response["header"]
        if number(header.get("resultCode")) == 0:
            return _page(status, response.get("body"))
        return _of_code(status, header.get("resultCode"), header.get("resultMsg"))
    if "resultCode" in document and number(document["resultCode"]) != 0:
        return _of_code(status, document["resultCode"], document.get("resultMsg"))
    return _unknown_shape(status)


def _of_code(status: int, code: Any, message: Any) -> Failure:
    """A failure by its code, or by its name where the code is none."""
    known = number(code)
    said = str(message or "")[:NOTE_LENGTH]
    if known is None:
        known = next((one for one, (name, _) in CODES.items() if name in said), None)
    if known is None:
        return _mute(status, "unknown_code", f"the portal says {said or 'nothing'}")
    name, trouble = CODES.get(known, ("", "server"))
    return Failure(
        trouble, str(known), f"{known} {name or 'is a code not known'}" + (f": {said}" if said != name else "")
    )


def _of_words(status: int, text: str) -> Failure:
    return _of_code(status, None, text)


def _page(status: int, body: Any) -> Page | Failure:
    if not isinstance(body, dict):
        return _unknown_shape(status)
    rows = _rows(body.get("items"))
    if rows is None:
        return Failure("unreadable", "unknown_shape", "items are neither a list, nor item, nor empty")
    return Page(rows, _count(body.get("totalCount")))


def _rows(items: Any) -> Sequence[Mapping[str, Any]] | None:
    """A list, ``{"item": [...]}``, ``{"item": {...}}`` for one row, or ``""`` for none."""
    if isinstance(items, dict):
        items = items.get("item", [])
    if isinstance(items, dict):
        return (items,)
    if items is None or items == "":
        return ()
    if isinstance(items, list) and all(isinstance(one, dict) for one in items):
        return tuple(items)
    return None


def number(code: Any) -> int | None:
    """The number of a code: 0 for ``0``, ``"00"``, ``"0000"`` and ``"INFO-0"``; None for what is no code."""
    if isinstance(code, bool) or not isinstance(code, int | str):
        return None
    match = _CODE.fullmatch(str(code).strip())
    return int(match[1]) if match else None


def _count(total: Any) -> int | None:
    text = str(total) if isinstance(total, int | str) and not isinstance(total, bool) else ""
    return int(text) if _COUNT.fullmatch(text) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _unknown_shape(status: int) -> Failure:
    return _mute(status, "unknown_shape", "the answer has none of the shapes of this portal")


def _mute(status: int, code: str, note: str) -> Failure:
    """The body says nothing that is understood; an HTTP status other than 200 does."""
    if status == 200:
        return Failure("unreadable", code, note)
    return Failure(OF_STATUS.get(status, "server"), f"http_{status}", f"HTTP {status}; {note}")
