"""Quality rules of a Datastream: what is said of its readings beyond their range. Without records.

======= ============================================================ ======================= ==========
rule    a reading                                                    of kind                 becomes
======= ============================================================ ======================= ==========
step    differs by more from the reading before                      gauge, amount, angle,   suspect
                                                                     counter
rate    changed faster, per hour                                     gauge, angle, counter   suspect
frozen  has had the same value for at least so long                  gauge, amount, angle,   suspect
                                                                     counter
skew    is further ahead of the clock of GOPS when it is stored      all                     suspect
late    is older when it arrives                                     all                     refused
future  is further ahead of its arrival                              all                     refused
======= ============================================================ ======================= ==========

An angle differs by the shorter way round. A counter that falls was reset, which is no step. An amount has no rate: it
is of its period already. ``frozen_except`` are values that may stand for ever, such as 0 for rain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gops import units
from gops.durations import parse_duration, write_duration
from gops.errors import Conflict, Invalid
from gops.kinds import Kind
from gops.sensors import texts
from gops.sensors.model import Datastream

TIMES = ("frozen", "skew", "late", "future")
NUMBERS = ("step", "rate")
NAMES = ("step", "rate", "frozen", "frozen_except", "skew", "late", "future")
OF_CLOCKS = ("skew", "late", "future")
APPLIES: Mapping[Kind, tuple[str, ...]] = {
    "gauge": NAMES,
    "amount": ("step", "frozen", "frozen_except", *OF_CLOCKS),
    "counter": NAMES,
    "angle": NAMES,
    "state": OF_CLOCKS,
}
EXCEPTIONS = 16
LONGEST_FROZEN = 31 * 86_400_000_000  # so much of the past is read for a Datastream that has not been heard for long
HALF_TURN = 180.0  # degrees; no angle differs by more


@dataclass(frozen=True, slots=True)
class QualityRules:
    """What is None is not ruled. ``step`` in the Datastream's unit, ``rate`` in that per hour, the others in
    microseconds."""

    step: float | None = None
    rate: float | None = None
    frozen: int | None = None
    frozen_except: tuple[float, ...] = ()
    skew: int | None = None
    late: int | None = None
    future: int | None = None

    @property
    def looks_back(self) -> bool:
        """Is a reading compared with those before it?"""
        return self.step is not None or self.rate is not None or self.frozen is not None

    def document(self) -> dict[str, Any]:
        """As JSON: what is said, durations in ISO 8601."""
        said = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return {name: write_duration(value) if name in TIMES else _plain(value) for name, value in said.items()}


NOTHING = QualityRules()


def read(document: Mapping[str, Any] | None) -> QualityRules:
    """What stands in the records, which was checked when it was said."""
    if not document:
        return NOTHING
    said: dict[str, Any] = {name: parse_duration(value) if name in TIMES else value for name, value in document.items()}
    return QualityRules(**{**said, "frozen_except": tuple(said.get("frozen_except", ()))})


def check(document: Mapping[str, Any], kind: Kind, period: str | None) -> QualityRules:
    """The checked rules of a Datastream of ``kind`` and ``period`` (ISO 8601 or None); null says nothing.

    Raises ``Invalid`` with the rule as ``field``: ``rule_of_kind`` for one that does not apply, ``bad_duration``,
    ``bad_quality_rule`` for a number that never or always flags, or a frozen time that no two readings fall into.
    """
    said = {name: value for name, value in document.items() if value is not None and value != []}
    for name in said:
        if name not in APPLIES[kind]:
            raise Invalid(
                f"{name} is no rule for readings of kind {kind}" if name in NAMES else f"there is no rule {name!r:.80}",
                code="rule_of_kind",
                field=str(name)[:80],
                found=str(name)[:80],
                expected="one of " + ", ".join(APPLIES[kind]),
            )
    numbers: dict[str, Any] = {name: _limit(said[name], name, kind) for name in NUMBERS if name in said}
    times: dict[str, Any] = {name: parse_duration(said[name], name) for name in TIMES if name in said}
    rules = QualityRules(**numbers, **times, frozen_except=_exceptions(said.get("frozen_except", ())))
    _check_frozen(rules, period)
    if rules.skew is not None and rules.future is not None and rules.future <= rules.skew:
        raise _bad("skew", said["skew"], f"less than future, {said['future']}: what is further ahead is refused")
    return rules


def converted(rules: QualityRules, source: str, target: str) -> QualityRules:
    """The same rules in another unit. Raises ``Invalid`` when it does not convert."""
    if source == target or rules in (NOTHING, _clocks(rules)):
        return rules
    scale, offset = units.conversion(source, target)
    return QualityRules(
        None if rules.step is None else rules.step * abs(scale),
        None if rules.rate is None else rules.rate * abs(scale),
        rules.frozen,
        tuple(value * scale + offset for value in rules.frozen_except),
        rules.skew,
        rules.late,
        rules.future,
    )


def refit(stream: Datastream, unit: str, kind: Kind, period: str | None) -> dict[str, Any] | None:
    """The rules of a Datastream that is declared anew, for the records; steps and rates follow the unit.

    Raises ``Conflict`` (``rules_misfit``) for a kind or period that they do not suit.
    """
    if not stream.quality_rules:
        return None
    rules = converted(read(stream.quality_rules), stream.unit, unit)
    try:
        return check(rules.document(), kind, period).document()
    except Invalid as error:
        raise Conflict(
            f"the quality rules of Datastream {stream.id} do not suit that: {error.message}",
            code="rules_misfit",
            field="period" if kind == stream.kind else "kind",
            found=f"the rule {error.field}",
            expected="quality rules that suit; say them first",
        ) from error


def _clocks(rules: QualityRules) -> QualityRules:
    return QualityRules(skew=rules.skew, late=rules.late, future=rules.future)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _limit(value: Any, name: str, kind: Kind) -> float:
    limit = texts.number(value, name)
    if not limit > 0:
        raise _bad(name, value, "a number greater than 0")
    if kind == "angle" and name == "step" and limit >= HALF_TURN:
        raise _bad(name, value, "less than 180 degrees: no two directions differ by more")
    return limit


def _exceptions(values: Sequence[Any]) -> tuple[float, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) > EXCEPTIONS:
        raise _bad("frozen_except", repr(values)[:80], f"at most {EXCEPTIONS} numbers")
    return tuple(dict.fromkeys(texts.number(value, "frozen_except") for value in values))


def _check_frozen(rules: QualityRules, period: str | None) -> None:
    if rules.frozen is None:
        if rules.frozen_except:
            raise _bad("frozen_except", str(list(rules.frozen_except)), "a time in frozen, of which these are excepted")
        return
    if rules.frozen > LONGEST_FROZEN:
        raise _bad("frozen", write_duration(rules.frozen), f"at most {write_duration(LONGEST_FROZEN)}")
    if period is not None and rules.frozen <= parse_duration(period):
        raise _bad("frozen", write_duration(rules.frozen), f"longer than the period of the Datastream, {period}")


def _bad(field: str, found: object, expected: str) -> Invalid:
    return Invalid(
        "a rule that would say nothing of any reading, or the same of all",
        code="bad_quality_rule",
        field=field,
        found=found,
        expected=expected,
    )
