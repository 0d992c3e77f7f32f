"""From bytes to a document, only if the bytes are canonical JSON (RFC 8785): one content, one file, one hash."""

from __future__ import annotations

from typing import Any

import orjson

from gops.testbed.allocation.verify.finding import Findings

AROUND = 24  # bytes of the file shown on either side of the place


def read(data: bytes, findings: Findings) -> tuple[bool, Any]:
    """Whether it can be read, and the document. Whole numbers, names, lists and objects are all that a round holds;
    of these orjson's sorted output is RFC 8785's (its keys are ASCII), and ``shape`` refuses the rest."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        at = error.pos
        findings.add("not_json", f"byte {at} (line {error.lineno}, column {error.colno})", _near(data, at), "JSON")
        return False, None
    again = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    if again != data:
        at = _differs(data, again)
        findings.add("not_canonical", f"byte {at}", _near(data, at), f"canonical JSON: {_near(again, at)}")
    return True, document


def _differs(left: bytes, right: bytes) -> int:
    """The first place where they differ, found by halving."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _near(data: bytes, at: int) -> str:
    return data[max(0, at - AROUND) : at + AROUND].decode("utf-8", "replace")
