"""What names, slugs and addresses of accounts may look like. Each check gives the clean value or raises ``Invalid``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Any

from gops.errors import Invalid

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
DEVICE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# RFC 5321 section 4.5.3.1: at most 64 before the @ and 254 together. No quoted local parts, no address literals.
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
                   r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")  # fmt: skip
EMAIL_LENGTH = 254
NAME_LENGTH = 200
TEXT_LENGTH = 2000
SHOWN = 80  # characters of a wrong value that an error repeats
# control characters, lone surrogates, and what turns the direction of the text around it
_HOSTILE_CATEGORIES = ("Cc", "Cs")
_HOSTILE = frozenset("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def slug(value: Any, field: str = "slug") -> str:
    return _matching(SLUG, value, field, "[a-z0-9][a-z0-9-]{1,62}: small letters, digits and hyphens")


def device_name(value: Any, field: str = "name") -> str:
    return _matching(DEVICE_NAME, value, field, "[A-Za-z0-9_-]{1,64}: letters, digits, _ and -")


def email(value: Any, field: str = "email") -> str:
    """In small letters, so that an address is one person's however it is written."""
    expected = f"a mail address of at most {EMAIL_LENGTH} characters, such as name@example.kr"
    if isinstance(value, str) and len(value) > EMAIL_LENGTH:
        raise _wrong(field, value, expected)
    return _matching(EMAIL, value, field, expected).lower()


def name(value: Any, field: str = "name") -> str:
    """One line of 1 to 200 characters, without blanks around it, in Unicode's composed form (NFC)."""
    return _line(value, field, 1, NAME_LENGTH)


def remark(value: Any, field: str) -> str:
    """Nothing, or one line of at most 2,000 characters."""
    return _line(value, field, 0, TEXT_LENGTH)


def reason(value: Any, field: str = "reason") -> str:
    return _line(value, field, 1, TEXT_LENGTH)


def one_of(value: Any, words: Collection[str], field: str) -> str:
    if isinstance(value, str) and value in words:
        return value
    raise _wrong(field, value, "one of " + ", ".join(words))


def whole(value: Any, low: int, high: int, field: str, bound: str = "") -> int:
    """``bound`` names the setting that ``high`` comes from."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise _wrong(field, value, f"a whole number from {low} to {high}" + (f" ({bound})" if bound else ""))


def _line(value: Any, field: str, least: int, most: int) -> str:
    expected = f"one line of {least} to {most} characters" if least else f"one line of at most {most} characters"
    if not isinstance(value, str) or len(value) > 4 * most:  # normalising a megabyte is work for nothing
        raise _wrong(field, value, expected)
    line = unicodedata.normalize("NFC", value.strip())
    if not least <= len(line) <= most:
        raise _wrong(field, value, f"{expected}, found {len(line)}")
    if any(sign in _HOSTILE or unicodedata.category(sign) in _HOSTILE_CATEGORIES for sign in line):
        raise _wrong(field, value, f"{expected} without control characters")
    return line


def _matching(pattern: re.Pattern[str], value: Any, field: str, expected: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise _wrong(field, value, expected)


def _wrong(field: str, value: Any, expected: str) -> Invalid:
    found = shown(value)
    return Invalid(f"{field} is {found}, expected {expected}", field=field, found=found, expected=expected)


def shown(value: Any) -> str:
    """A wrong value as an error may repeat it: short, and without signs that could act on a terminal."""
    text = ascii(value) if not isinstance(value, str) or not value.isprintable() else repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
