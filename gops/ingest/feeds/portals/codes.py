"""Codes of the platform that Seoul's and Gyeonggi's portals run on: ``INFO-000``, ``ERROR-336`` and the like.

A result stands within the service's own object, or alone at the top where there is nothing else to say; it may come as
XML though JSON was asked for, and with dotted names (``"RESULT.CODE"``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gops.ingest.feeds import documents
from gops.ingest.feeds.answers import Failure, Trouble

WELL = "INFO-000"
CODES: Mapping[str, tuple[str, Trouble]] = {
    "INFO-100": ("the key is not known", "key"),
    "INFO-200": ("there is no such data", "no_data"),
    "INFO-300": ("the key is restricted", "key"),
    "ERROR-290": ("the key is not valid", "key"),
    "ERROR-300": ("a value that is needed is missing", "request"),
    "ERROR-301": ("the type of file is missing or unknown", "request"),
    "ERROR-310": ("there is no such service", "request"),
    "ERROR-331": ("START is wrong", "request"),
    "ERROR-332": ("END is wrong", "request"),
    "ERROR-333": ("a place or a type is wrong", "request"),
    "ERROR-334": ("START is beyond END", "request"),
    "ERROR-335": ("a sample key gives at most 5 rows", "key"),
    "ERROR-336": ("more than 1000 rows were asked for", "request"),
    "ERROR-337": ("the key's calls of today are spent", "quota"),
    "ERROR-500": ("the portal fails", "server"),
    "ERROR-600": ("the portal's database fails", "server"),
    "ERROR-601": ("the portal's query fails", "server"),
}
_CODE = re.compile(r"(?:INFO|ERROR)-\d{3}")
NOTE_LENGTH = 200


def result(found: Any) -> Failure | None:
    """The failure of a result (``{"CODE", "MESSAGE"}``); None for success, and for what is no result."""
    if not isinstance(found, Mapping):
        return None
    code = found.get("CODE") or found.get("RESULT.CODE") or found.get("code")
    return failure(code, found.get("MESSAGE") or found.get("RESULT.MESSAGE") or found.get("message"))


def failure(code: Any, message: Any) -> Failure | None:
    if not isinstance(code, str) or code == WELL:
        return None
    name, trouble = CODES.get(code, ("is a code not known", "server"))
    return Failure(trouble, code[:32], f"{code[:32]} {name}: {str(message or '')[:NOTE_LENGTH]}".rstrip(": "))


def document(status: int, body: bytes) -> dict[str, Any] | Failure:
    """What came, unless it is a failure: as a result at the top, as ``<RESULT>`` of XML, or as words."""
    found = documents.opened(status, body)
    if isinstance(found, Failure):
        return found
    if isinstance(found, str):
        match = _CODE.search(found[:1000])
        said = failure(match[0], found[:NOTE_LENGTH]) if match else None
        return said or documents.mute(status, "unknown_code", f"the portal says {found[:NOTE_LENGTH]}")
    if not isinstance(found, dict):
        return documents.mute(status, "unknown_shape", "the answer has none of the shapes of this portal")
    return result(found.get("RESULT")) or result(found) or found
