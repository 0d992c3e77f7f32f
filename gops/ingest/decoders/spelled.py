"""Values that are spelled as text without a type, in cells of CSV and as bare payloads.

What is spelled as a number is one, but for leading zeros: ``007`` is a code, and to store 7 would change it.
"""

from __future__ import annotations

import re

from gops.ingest.decoded import Value
from gops.ingest.decoders.lenient import Unfit, parse_float, parse_int
from gops.ingest.refused import Unreadable, shown

_match_number = re.compile(r"[+-]?(?:0|[1-9]\d*+|(?=\.\d))(\.\d*+)?([eE][+-]?\d++)?", re.ASCII).fullmatch
_is_no_number = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII).fullmatch


def value(text: str, decimal: str = ".") -> Value:
    """The number that ``text`` spells with this decimal sign, or the text itself.

    Raises ``Unreadable`` (``not_a_number``) for NaN, an infinity or a number beyond all floats.
    """
    digits = text if decimal == "." else text.replace(decimal, ".") if "." not in text else ""
    found = _match_number(digits)
    if found is None:
        if _is_no_number(text):
            raise _not_finite(text)
        return text
    number = parse_int(digits) if found[1] is None and found[2] is None else parse_float(digits)
    if isinstance(number, Unfit):
        raise _not_finite(text)
    return number


def _not_finite(text: str) -> Unreadable:
    return Unreadable("not_a_number", f"found {shown(text)}; expected a finite number")
