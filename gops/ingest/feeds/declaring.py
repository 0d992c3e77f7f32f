"""What a declaration of a feed may be. Each check gives the clean value or raises ``Invalid``."""

from __future__ import annotations

import re
from typing import Any

from gops.accounts import checks
from gops.errors import Invalid
from gops.ingest.feeds.model import DIRECT

KEY_LENGTH = 500
MOST_CALLS = 1_000_000
_KEY = re.compile(r"[\x21-\x7e]{1,500}")


def slug(value: Any) -> str:
    found = checks.slug(value)
    if found == DIRECT:
        expected = "another slug; devices that publish by themselves belong to the feed direct"
        raise Invalid(f"{DIRECT} is no slug of a pulled feed", field="slug", found=found, expected=expected)
    return found


def key(value: Any) -> str:
    """A portal's key. The error does not repeat it."""
    if isinstance(value, str) and _KEY.fullmatch(value.strip()):
        return value.strip()
    expected = f"1 to {KEY_LENGTH} printable ASCII characters without blanks"
    raise Invalid("this is no key of a portal", field="key", expected=expected)


def calls_per_day(value: Any) -> int:
    return checks.whole(value, 1, MOST_CALLS, "calls_per_day")
