"""From what a codec read to what a feed's mapping makes of it: whose each reading is, which rule, which value and time.

Pure. ``arrange`` says what has to be found in the registry, ``settle`` puts what was found in place; what both leave
goes through ``ingest.mapping.resolve`` like the readings of a device.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gops.ingest.declared import clocks
from gops.ingest.declared.declaration import SOURCE, Declaration, Field, Scalar
from gops.ingest.decoded import NAME_CHARACTERS, Decoded, Value
from gops.ingest.decoders import spelled
from gops.ingest.refused import Refused, Unreadable, shown
from gops.quality import Quality
from gops.sensors.routes import Target

IGNORED = None
Found = Target | Unreadable | None
"""What a goal came to: a Datastream, why there is none, or None where the feed ignores it."""


class Goal(NamedTuple):
    """A reading's Thing by name, its own field and the rule for it; no rule where the mapping has none."""

    thing: str
    field: str
    rule: Field | None

    def __hash__(self) -> int:
        return hash(self[:2])  # a rule has a dozen members


@dataclass(frozen=True, slots=True)
class Plan:
    """A mapping made ready. ``quality`` is the code of readings that say none, None for good ones."""

    thing: str
    level: int
    thing_field: str
    name: str
    time_field: str
    time_format: str
    zone: ZoneInfo | None
    rules: Mapping[str, Field]
    missing: tuple[Scalar, ...]
    quality: int | None

    @classmethod
    def of(cls, declared: Declaration) -> Plan:
        mapping, time = declared.mapping, declared.mapping.time
        way, _colon, rest = mapping.thing.partition(":")
        zone = (time.zone if time else "") or declared.codec.zone
        return cls(
            thing=way,
            level=int(rest) - 1 if way == "topic" else 0,
            thing_field=rest if way == "field" else "",
            name=rest.strip() if way == "name" else "",
            time_field=time.field if time else "",
            time_format=time.format if time else "",
            zone=ZoneInfo(zone) if zone else None,
            rules={name: rule for rule in mapping.fields for name in (rule.field, *rule.aliases)},
            missing=mapping.missing,
            quality=int(Quality[declared.quality]) if declared.quality else None,
        )

    def thing_of(self, topic: str) -> str:
        """The Thing of all that comes on ``topic``; empty where the messages say whose it is."""
        if self.thing != "topic":
            return self.name
        levels = topic.split("/")
        return levels[self.level] if self.level < len(levels) else ""


@dataclass(slots=True)
class Arranged:
    """``goals``: of each reading, None for one that is no reading or is refused. ``names``: of its field from here on.
    ``times``: as the feed says."""

    goals: list[Goal | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    times: list[int | None] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)


def arrange(decoded: Decoded, plan: Plan, topic: str) -> Arranged:
    """Never raises, whatever was decoded."""
    groups = _groups(decoded) if plan.time_field or plan.thing_field else []
    out = Arranged([None] * len(decoded.fields), list(decoded.fields), decoded.times, decoded.refusals.copy())
    late = _set_times(decoded, plan, groups, out) if plan.time_field else frozenset()
    things = _things(decoded, plan, groups, topic)
    marks = {plan.time_field, plan.thing_field} - {""}
    whose: dict[str, Goal] = {}
    for index, name in enumerate(decoded.fields):
        source, own = decoded.source(index) if decoded.things is not None else ("", name)
        if index in late or (marks and (name in marks or own in marks)):
            continue
        thing = source if plan.thing == SOURCE else things[index]
        if not thing:
            note = f"the message does not say whose {shown(name)} is; expected {_EXPECTED[plan.thing]}"
            out.refusals.append(Refused("unknown_thing", name, decoded.place(index), note))
            continue
        rule = plan.rules.get(name)
        if rule is None and source in ("", thing):
            rule = plan.rules.get(own)
        goal = Goal(thing, own if source == thing else name, rule)
        if plan.thing_field:
            out.names[index] = name = f"{thing}/{name}"[:NAME_CHARACTERS]
        if whose.setdefault(name, goal) != goal:
            note = f"{shown(name)} stands for two Things in one message; expected names that tell them apart"
            out.refusals.append(Refused("unknown_field", name, decoded.place(index), note))
            continue
        out.goals[index] = goal
    return out


_EXPECTED = {
    SOURCE: "a codec and messages that name it",
    "topic": "a level of the topic",
    "field": "the field that names it beside it",
    "name": "a name",
}


def settle(decoded: Decoded, arranged: Arranged, plan: Plan, found: Mapping[Goal, Found]) -> tuple[Decoded, list[int]]:
    """The readings that have a Datastream, with the values, times and qualities that the feed gives them, and all
    refusals. Their fields are those of ``arranged.names``. And which readings of ``decoded`` they were."""
    kept: list[int] = []
    out = Decoded(
        receipts=decoded.receipts,
        refusals=arranged.refusals,
        keep=decoded.keep,
        units=None if decoded.units is None else [],
        relative=None if decoded.relative is None else [],
        spans=[],
    )
    relative = frozenset(decoded.relative or ())
    for index, goal in enumerate(arranged.goals):
        if goal is None:
            continue
        to = found[goal]
        if to is IGNORED:
            continue
        name = arranged.names[index]
        try:
            if isinstance(to, Unreadable):
                raise to
            value = _value(decoded.values[index], goal.rule, plan)
        except Unreadable as trouble:
            out.refusals.append(Refused(trouble.code, name, decoded.place(index), trouble.note))
            continue
        kept.append(index)
        quality = decoded.qualities[index]
        if index in relative and arranged.times is decoded.times:
            assert out.relative is not None
            out.relative.append(len(out.fields))
        out.spans.append((len(out.fields), _before(decoded, index)))
        out.fields.append(name)
        out.values.append(value)
        out.times.append(arranged.times[index])
        out.qualities.append(plan.quality if quality is None and value is not None else quality)
        out.result_times.append(decoded.result_times[index])
        if out.units is not None and decoded.units is not None:
            out.units.append(decoded.units[index])
    return out, kept


def _value(value: Value, rule: Field | None, plan: Plan) -> Value:
    if _among(value, plan.missing) or (rule is not None and _among(value, rule.missing)):
        return None
    if rule is None or not rule.text or not isinstance(value, str):
        return value
    number = spelled.value(value.strip())
    if isinstance(number, str):
        raise Unreadable("wrong_type", f"found {shown(value)}; expected a number as text")
    return number


def _among(value: Value, words: Sequence[Scalar]) -> bool:
    """1 is no true, and "1" is no 1."""
    return any(value == word and isinstance(value, str | bool) == isinstance(word, str | bool) for word in words)


def _before(decoded: Decoded, index: int) -> str:
    """What stands before the name in a reading's place."""
    return decoded.place(index).removesuffix(decoded.fields[index])


def _groups(decoded: Decoded) -> list[int]:
    """For each reading the number of the object that it stands in."""
    if decoded.rows is not None:
        return decoded.rows
    starts = [start for start, _place in decoded.spans]
    return [bisect_right(starts, index) for index in range(len(decoded.fields))]


def _marked(decoded: Decoded, groups: Sequence[int], name: str) -> dict[int, int]:
    """Where the field ``name`` stands in each object; -1 has the only one of a message that has one."""
    found = {}
    for index, one in enumerate(decoded.fields):
        if one == name or (decoded.things is not None and decoded.source(index)[1] == name):
            found[groups[index]] = index
    return found | {-1: next(iter(found.values()))} if len(found) == 1 else found


def _things(decoded: Decoded, plan: Plan, groups: Sequence[int], topic: str) -> Sequence[str]:
    if plan.thing != "field":
        return [plan.thing_of(topic)] * len(decoded.fields)
    marked = _marked(decoded, groups, plan.thing_field)
    named = {group: _name(decoded.values[index]) for group, index in marked.items()}
    return [named.get(group, named.get(-1, "")) for group in groups]


def _name(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def _set_times(decoded: Decoded, plan: Plan, groups: Sequence[int], out: Arranged) -> frozenset[int]:
    """Put the times of the time field in place; the indexes of readings that have none, which are refused together."""
    marked = _marked(decoded, groups, plan.time_field)
    times: dict[int, int | Unreadable] = {}
    for group, index in marked.items():
        try:
            times[group] = clocks.read(decoded.values[index], plan.time_format, plan.zone)
        except Unreadable as trouble:
            times[group] = trouble
    fallback = times.get(
        -1, Unreadable("missing_member", f"found no field {shown(plan.time_field)}; expected its time")
    )
    out.times = decoded.times.copy()
    lost: dict[int, list[int]] = {}
    for index, group in enumerate(groups):
        t = times.get(group, fallback)
        if isinstance(t, Unreadable):
            lost.setdefault(group, []).append(index)
        else:
            out.times[index] = t
    for group, indexes in lost.items():
        reason = times.get(group, fallback)
        assert isinstance(reason, Unreadable)
        count = sum(decoded.fields[index] != plan.time_field for index in indexes)
        place = decoded.place(marked.get(group, indexes[0]))
        out.refusals.append(Refused(reason.code, plan.time_field, place, reason.note, max(count, 1)))
    return frozenset(index for indexes in lost.values() for index in indexes)
