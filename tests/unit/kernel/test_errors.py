"""The error tree: codes are stable, unique, and drawn."""

from __future__ import annotations

import re

import pytest

from gops import errors
from gops.errors import GopsError, Invalid, TooMany

CLASSES = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, GopsError)]
# clients rely on these names; a change here is a change of the API
CODES = {
    "GopsError": "internal",
    "Invalid": "invalid_value",
    "Malformed": "malformed",
    "TooLarge": "too_large",
    "UnsupportedType": "unsupported_media_type",
    "Unauthenticated": "unauthenticated",
    "Forbidden": "forbidden",
    "NotFound": "not_found",
    "Gone": "gone",
    "Conflict": "conflict",
    "TooMany": "too_many_requests",
    "Unsupported": "unsupported",
    "Unavailable": "unavailable",
    "BadSetting": "bad_setting",
}


def test_every_class_has_its_stable_code() -> None:
    assert {found.__name__: found.code for found in CLASSES} == CODES
    assert len(set(CODES.values())) == len(CODES)


@pytest.mark.parametrize("found", CLASSES)
def test_every_class_is_drawn_under_its_parent(found: type[GopsError]) -> None:
    drawing = errors.__doc__ or ""
    line = next(line for line in drawing.splitlines() if re.search(rf"\b{found.__name__}\b", line))
    depth = line.count("|") + line.count("+")
    assert depth == len(found.__mro__) - len(GopsError.__mro__)


def test_an_error_carries_what_was_wrong_found_and_expected() -> None:
    error = Invalid("port is 0", code="bad_port", field="port", found=0, expected="1 to 65535")
    assert (error.code, error.field, error.found, error.expected) == ("bad_port", "port", 0, "1 to 65535")
    assert str(error) == error.message == "port is 0"


def test_an_error_without_a_code_of_its_own_has_its_class_code() -> None:
    assert Invalid("wrong").code == "invalid_value"
    assert Invalid.code == "invalid_value"


def test_too_many_says_when_to_come_back() -> None:
    error = TooMany("5 an hour", retry_after_s=60, field="signup")
    assert (error.retry_after_s, error.field, error.code) == (60, "signup", "too_many_requests")
