"""What a declaration of a feed may be. Each check gives the clean value or raises ``Invalid``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts import checks
from gops.errors import Invalid
from gops.ingest.feeds.answers import Measured
from gops.ingest.feeds.model import DIRECT
from gops.kinds import Kind
from gops.sensors.declaration import check_property, declare
from gops.sensors.model import ObservedProperty

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


def measured(session: Session, found: Mapping[str, Measured]) -> None:
    """Is each a property of the platform's list, of this unit and kind? Raises ``Invalid`` that names the member."""
    known = {row.key: row for row in session.scalars(select(ObservedProperty).where(ObservedProperty.key.in_(found)))}
    for key, one in found.items():
        if key not in known:
            raise Invalid(
                f"there is no observed property {key}",
                code="unknown_property",
                field=f"{one.where}.property".lstrip("."),
                found=key,
                expected="one of the platform's list (GET /properties)",
            )
        try:
            declared = declare(one.unit, one.kind, one.period, one.label)
            check_property(declared, key, known[key].unit, cast(Kind, known[key].kind))
        except Invalid as error:
            error.field = f"{one.where}.{error.field}".lstrip(".")
            raise


def calls_per_day(value: Any) -> int:
    return checks.whole(value, 1, MOST_CALLS, "calls_per_day")
