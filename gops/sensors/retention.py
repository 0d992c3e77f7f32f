"""How long readings are kept, and to what old ones are thinned: rules, and which of them holds. Pure but for look-ups.

A rule has two parts, which a Datastream, its organisation and the platform (settings) may each say; the first that says
something holds, for each part by itself::

    retention               readings older than this are deleted; "none": they are kept for ever
    thin_after, thin_every  of readings older than this one a step is kept; "none": all of them are

Texts of kind state are never thinned, nor is what comes no more often than the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from sqlalchemy.orm import Session

from gops.clock import DAY, HOUR, MINUTE
from gops.durations import parse_duration, write_duration
from gops.errors import Invalid
from gops.kinds import Kind
from gops.sensors import quality_rules, texts
from gops.sensors.model import Datastream, RetentionDefault
from gops.sensors.routes import OPEN, UNBOUNDED
from gops.settings import Settings

NONE = "none"
STEPS = {
    "1m": MINUTE, "5m": 5 * MINUTE, "10m": 10 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE,
    "1h": HOUR, "3h": 3 * HOUR, "6h": 6 * HOUR, "12h": 12 * HOUR, "1d": DAY,
}  # fmt: skip
"""Steps of thinning: windows of ``gops.windows`` of which a local day has whole ones."""
SHORTEST = DAY


class Spoken(Protocol):
    """What may say a rule: a row, or ``Said``."""

    @property
    def retention(self) -> str | None: ...

    @property
    def thin_after(self) -> str | None: ...

    @property
    def thin_every(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Said:
    """A rule as somebody said it, checked: durations in canonical ISO 8601, ``none``, or None where nothing is said."""

    retention: str | None = None
    thin_after: str | None = None
    thin_every: str | None = None

    @classmethod
    def of(cls, row: Spoken) -> Said:
        return cls(row.retention, row.thin_after, row.thin_every)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in force. Microseconds; None: kept for ever, never thinned."""

    retention: int | None = None
    thin_after: int | None = None
    thin_every: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Rule:
        """The platform's."""
        after = settings.thin_after_days * DAY or None
        return cls(settings.retention_days * DAY or None, after, settings.thin_every if after else None)

    def under(self, said: Spoken | None) -> Rule:
        """This rule where ``said`` is silent, otherwise what it says."""
        if said is None:
            return self
        retention = self.retention if said.retention is None else _length(said.retention)
        if said.thin_after is None:
            return Rule(retention, self.thin_after, self.thin_every)
        after = _length(said.thin_after)
        return Rule(retention, after, said.thin_every if after else None)

    def thins(self, kind: Kind, period: str | None) -> bool:
        """Does it thin readings of this kind that come this often?"""
        if self.thin_after is None or self.thin_every is None or kind == "state":
            return False
        if self.retention is not None and self.retention <= self.thin_after:
            return False
        return period is None or parse_duration(period) < STEPS[self.thin_every]


KEPT = Rule()


def _length(text: str) -> int | None:
    return None if text == NONE else parse_duration(text)


def check(retention: str | None, thin_after: str | None, thin_every: str | None) -> Said:
    """The checked rule. Raises ``Invalid``: ``bad_duration``, or ``bad_retention`` for parts that don't go together."""
    kept, after = _duration(retention, "retention"), _duration(thin_after, "thin_after")
    length = None if kept in (None, NONE) else parse_duration(kept)
    if after in (None, NONE):
        if thin_every is not None:
            raise _bad("thin_every", thin_every, "no thin_every without a duration in thin_after")
        return Said(kept, after)
    every = texts.one_of(thin_every, STEPS, "thin_every")
    if length is not None and length <= parse_duration(after):
        raise _bad("thin_after", after, f"a duration shorter than the retention, {kept}")
    return Said(kept, after, every)


def _duration(text: str | None, field: str) -> str | None:
    if text is None or text == NONE:
        return text
    length = parse_duration(text, field)
    if length < SHORTEST:
        raise _bad(field, text, "a duration of a day or longer, such as P365D, or none")
    return write_duration(length)


def _bad(field: str, found: object, expected: str) -> Invalid:
    return Invalid(
        "the parts of this rule do not go together", code="bad_retention", field=field, found=found, expected=expected
    )


def inherited(session: Session, platform: Rule, organisation_id: int) -> Rule:
    """The rule of an organisation's Datastreams that say nothing themselves."""
    return platform.under(session.get(RetentionDefault, organisation_id))


def closing(stream: Datastream, rule: Rule) -> tuple[int, int]:
    """``age`` and ``closed`` of ``routes.Target``: readings older, or before that, are no longer taken in.

    They would be deleted again, or stand beside the one that stands for their step; or the rule ``late`` says so.
    """
    late = quality_rules.read(stream.quality_rules).late
    ages = [UNBOUNDED if rule.retention is None else rule.retention, UNBOUNDED if late is None else late]
    if rule.thin_after is not None and rule.thins(cast(Kind, stream.kind), stream.period):
        ages.append(rule.thin_after)
    return min(ages), OPEN if stream.thinned_until is None else stream.thinned_until


def lead(stream: Datastream) -> int:
    """``lead`` of ``routes.Target``: how far ahead of its arrival a reading may be, as a negative age."""
    future = quality_rules.read(stream.quality_rules).future
    return -UNBOUNDED if future is None else -future
