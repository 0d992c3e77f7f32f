"""Envelopes of data.go.kr (apis.data.go.kr): three shells in JSON, the same in XML, and what comes instead of them.

1. ``{"response": {"header": {"resultCode", "resultMsg"}, "body": {"items", "totalCount", ...}}}``
2. ``{"resultCode", "resultMsg"}`` from the gateway, for wrong parameters
3. ``{"OpenAPI_ServiceResponse": {"cmmMsgHeader": {"returnReasonCode", "returnAuthMsg", ...}}}`` for keys and quotas

Errors come as XML though JSON was asked for, with HTTP 200; as plain text; as HTML; and as nothing at all when
``numOfRows`` is above the service's cap. So what counts is the body; the status helps only where the body is mute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gops.ingest.feeds import documents
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
_CODE = re.compile(r"(?:INFO-|ERROR-)?0*(\d{1,4})")
NOTE_LENGTH = 200


def read(status: int, body: bytes) -> Page | Failure:
    """A page, or why it is none. ``status`` is HTTP's. Never raises, whatever the bytes are."""
    found = document(status, body)
    return found if isinstance(found, Failure) else _page(status, found["response"].get("body"))


def document(status: int, body: bytes) -> dict[str, Any] | Failure:
    """The first shell, which says that all is well; or the failure that one of the three says."""
    found = documents.opened(status, body)
    if isinstance(found, Failure):
        return found
    return failure(status, None, found) if isinstance(found, str) else _of_document(status, found)


def _of_document(status: int, document: Any) -> dict[str, Any] | Failure:
    if not isinstance(document, dict):
        return _unknown_shape(status)
    response, service = document.get("response"), document.get("OpenAPI_ServiceResponse")
    if isinstance(service, dict):
        header = _object(service.get("cmmMsgHeader"))
        return failure(status, header.get("returnReasonCode"), header.get("returnAuthMsg") or header.get("errMsg"))
    if isinstance(response, dict) and isinstance(response.get("header"), dict):
        header = response["header"]
        well = number(header.get("resultCode")) == 0
        return document if well else failure(status, header.get("resultCode"), header.get("resultMsg"))
    if "resultCode" in document and number(document["resultCode"]) != 0:
        return failure(status, document["resultCode"], document.get("resultMsg"))
    return _unknown_shape(status)


def failure(status: int, code: Any, message: Any) -> Failure:
    """A failure by its code, or by its name where the code is none."""
    known = number(code)
    said = str(message or "")[:NOTE_LENGTH]
    if known is None:
        known = next((one for one, (name, _) in CODES.items() if name in said), None)
    if known is None:
        return documents.mute(status, "unknown_code", f"the portal says {said or 'nothing'}")
    name, trouble = CODES.get(known, ("", "server"))
    return Failure(
        trouble, str(known), f"{known} {name or 'is a code not known'}" + (f": {said}" if said != name else "")
    )


def _page(status: int, body: Any) -> Page | Failure:
    if not isinstance(body, dict):
        return _unknown_shape(status)
    rows = documents.rows_of(body.get("items"))
    if rows is None:
        return Failure("unreadable", "unknown_shape", "items are neither a list, nor item, nor empty")
    return Page(rows, documents.count(body.get("totalCount")))


def number(code: Any) -> int | None:
    """The number of a code: 0 for ``0``, ``"00"``, ``"0000"`` and ``"INFO-0"``; None for what is no code."""
    if isinstance(code, bool) or not isinstance(code, int | str):
        return None
    match = _CODE.fullmatch(str(code).strip())
    return int(match[1]) if match else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _unknown_shape(status: int) -> Failure:
    return documents.mute(status, "unknown_shape", "the answer has none of the shapes of this portal")
