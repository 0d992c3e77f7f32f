"""JSON that a strict parser refuses as a whole, read so that only what is wrong in it is refused.

NaN and infinity, numbers too large for a float, half surrogates and a byte order mark cost their own reading, not its
neighbours.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import orjson

from gops.ingest.refused import Unreadable, shown

BOM = b"\xef\xbb\xbf"
LONGEST_INT = 20  # digits and sign of the largest that orjson gives as an int: -2**63 to 2**64 - 1

_strings = re.compile(r'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)', re.DOTALL)  # possessive, so that its time is linear
_no_brackets = re.compile(r"[^\[\]{}]+")


@dataclass(frozen=True)
class Unfit:
    """Stands in the place of a value that some JSON spells and that is no value here."""

    code: str
    what: str
    expected: str

    def __str__(self) -> str:
        return self.what


HALF = Unfit("bad_utf8", "half of a surrogate pair", "Unicode text")
NOT_FINITE = Unfit("not_a_number", "NaN, an infinity or a number beyond 1.8e308", "a finite number")


def load(payload: bytes, max_depth: int) -> Any:
    """A JSON document as the strict parser gives it, or else as ``parse`` does."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return parse(payload, max_depth)


def misfit(value: object, expected: str) -> Unreadable:
    """Why ``value`` is not what was ``expected`` in its place."""
    if type(value) is Unfit:
        return Unreadable(value.code, f"found {value.what}; expected {expected}")
    return Unreadable("wrong_type", f"found {shown(value)}; expected {expected}")


def parse(payload: bytes, max_depth: int) -> Any:
    """What ``json.loads`` gives, with ``Unfit`` in places.

    Depth is bounded before, since that parser is recursive. Raises ``Unreadable`` (``empty``, ``bad_utf8``,
    ``too_deep``, ``bad_json``).
    """
    text = read_text(payload, "JSON")
    _check_depth(text, max_depth)
    try:
        return json.loads(
            text,
            parse_constant=lambda _name: NOT_FINITE,
            parse_float=parse_float,
            parse_int=parse_int,
            object_pairs_hook=_clean,
        )
    except json.JSONDecodeError as error:
        raise Unreadable("bad_json", f"no JSON from line {error.lineno}, column {error.colno} on") from error


def read_text(payload: bytes, expected: str) -> str:
    """UTF-8 text that is more than white space, without a byte order mark. Raises ``Unreadable``."""
    try:
        text = payload.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        raise Unreadable("bad_utf8", f"the byte at {error.start} does not belong to UTF-8 text") from error
    if not text or text.isspace():
        raise Unreadable("empty", f"found nothing; expected {expected}")
    return text


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for bracket in _no_brackets.sub("", _strings.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > max_depth:
            raise Unreadable("too_deep", f"nested deeper than {max_depth} levels (GOPS_MESSAGE_DEPTH)")


def parse_float(digits: str) -> float | Unfit:
    """The float that ``digits`` spell."""
    number = float(digits)
    return number if math.isfinite(number) else NOT_FINITE


def parse_int(digits: str) -> int | float | Unfit:
    """The int that ``digits`` spell where it fits 64 bits, else the float. Never slow: digits may be many."""
    if len(digits) <= LONGEST_INT and -(2**63) <= (number := int(digits)) < 2**64:
        return number
    return parse_float(digits)


def _clean(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {_legible(name): HALF if type(value) is str and _is_broken(value) else value for name, value in pairs}


def _legible(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _is_broken(text: str) -> bool:
    """JSON can spell half of a surrogate pair, UTF-8 cannot."""
    return any("\ud800" <= character <= "\udfff" for character in text)
