"""Fields that the testbed's schemas share: weeks, amounts, states, languages."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.context import settings
from gops.api.fields import Parsed, Strict
from gops.api.times import EXPECTED, parse_time
from gops.testbed import weeks
from gops.testbed.allocation.instance import WEEKS_MAX
from gops.testbed.checks import RESOURCES
from gops.testbed.lifecycles import Lifecycle


class Week(Parsed):
    """A week: in a request and in an answer the date of its Monday, inside a whole number."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(lambda text: weeks.parse(text, ""), weeks.EXPECTED, description, **options)
        self.metadata = {**self.metadata, "example": "2027-01-04"}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else weeks.name(value)


def raw(description: str, **options: Any) -> fields.Dict:
    """An object that the service checks, with the place of what is wrong."""
    return fields.Dict(fields.String(), metadata={"description": description}, **options)


def amounts(description: str, **options: Any) -> fields.Dict:
    about = f"{description}; by resource: {', '.join(RESOURCES)}, and further ones of a site by their names"
    return fields.Dict(fields.String(), fields.Raw(metadata={"type": "integer"}), metadata={"description": about},
                       **options)  # fmt: skip


def moment_asked(description: str) -> Parsed:
    """A time that a request must give, to microseconds; without offset it is on the clock of this GOPS."""
    return Parsed(lambda given: parse_time(given, settings().zone, ""), EXPECTED, description, required=True)


def state(lifecycle: Lifecycle, description: str, words: tuple[str, ...] = (), **options: Any) -> fields.String:
    return own.choice(description, words or lifecycle.states, **options)


def language() -> fields.String:
    return own.choice("of the text", ("ko", "en"), load_default=None)


class Reasoned(Strict):
    reason = own.text("why, for the audit and for those it concerns", 2000, load_default="")


def length(description: str, *, in_query: bool = False, **options: Any) -> fields.Integer:
    """Weeks; in a query, where numbers are text, text is read too."""
    about = {"description": f"{description}, in weeks"}
    return fields.Integer(strict=not in_query, validate=validate.Range(1, WEEKS_MAX), metadata=about, **options)
