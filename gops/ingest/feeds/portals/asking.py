"""How a portal is asked: parameters of a config, one of which may take several values, and times in them.

A value may hold a time, as KMA's services want it: ``{%Y%m%d}`` is today's date in ``zone``, ``lag`` before now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from gops.clock import from_micros
from gops.durations import parse_duration
from gops.ingest.declared.sections import Section, wrong
from gops.ingest.feeds.answers import KST
from gops.sensors import texts

PARAMETERS, VALUES = 30, 200
URL_LENGTH = 1000
_TIME = re.compile(r"\{((?:%[YmdHMS]|[-:T ])+)\}")
_NAME = re.compile(r"[A-Za-z0-9_.$-]{1,64}")


@dataclass(frozen=True, slots=True)
class Parameters:
    """``each`` is a parameter and its values: every value is a query of its own. ``lag`` in microseconds."""

    fixed: Mapping[str, str] = field(default_factory=dict)
    each: tuple[str, tuple[str, ...]] = ("", ())
    lag: int = 0
    zone: ZoneInfo = KST

    @property
    def queries(self) -> tuple[str, ...]:
        return self.each[1] or ("",)

    def of(self, query: str, now: int) -> dict[str, str]:
        moment = (from_micros(now) - timedelta(microseconds=self.lag)).astimezone(self.zone)
        given = dict(self.fixed) | ({self.each[0]: query} if self.each[1] else {})
        return {name: _TIME.sub(lambda one: moment.strftime(one[1]), value) for name, value in given.items()}


def parameters(given: Section) -> Parameters:
    """From ``parameters``, ``each``, ``lag`` and ``zone``. Raises ``Invalid``."""
    fixed = given.get("parameters", {})
    if not isinstance(fixed, Mapping) or len(fixed) > PARAMETERS:
        raise wrong(given.at("parameters"), fixed, f"a table of at most {PARAMETERS} parameters")
    checked = {_name(name, given.at("parameters")): _value(given, name, value) for name, value in fixed.items()}
    each = _each(given.section("each")) if given.has("each") else ("", ())
    lag = parse_duration(given.text("lag", None, 32), given.at("lag")) if given.has("lag") else 0
    return Parameters(checked, each, lag, ZoneInfo(given.zone("zone") or KST.key))


def _name(name: object, place: str) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise wrong(place, name, "names of letters, digits and _.$-")


def _value(given: Section, name: str, value: object) -> str:
    plain = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return texts.line(plain, f"{given.at('parameters')}.{name}", 500)


def _each(given: Section) -> tuple[str, tuple[str, ...]]:
    name = _name(given.needed("parameter"), given.at("parameter"))
    values = tuple(dict.fromkeys(given.words("values", VALUES)))
    given.done()
    if not values or not all(values):
        raise wrong(given.at("values"), values, f"1 to {VALUES} values")
    return name, values


def address(given: Section, default: str | None = None, name: str = "url") -> str:
    """An address of a config, without a query."""
    found = given.text(name, None if given.has(name) else default, URL_LENGTH)
    if "?" in found or "#" in found:
        raise wrong(given.at(name), found.partition("?")[0], "an address without a query; parameters stand beside it")
    return found.rstrip("/")


def joined(url: str, asked: Mapping[str, object]) -> str:
    """``url`` with these parameters."""
    pairs = "&".join(f"{quote(name, safe='')}={quote(str(value), safe='')}" for name, value in asked.items())
    return f"{url}{'&' if '?' in url else '?'}{pairs}" if pairs else url


def plain_key(key: str) -> str:
    """A key as it is before it was percent-encoded: portals issue it both ways, and encoded twice it is unknown."""
    return unquote(key)
