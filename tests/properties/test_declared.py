"""Any message of any codec through any declared mapping gives readings or refusals; nothing raises or gets lost."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gops.ingest.declared.declaration import parse
from gops.ingest.declared.plan import Goal, Plan, arrange, settle
from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders import DECODERS, decode
from gops.ingest.mapping import Limits, resolve
from gops.ingest.refused import Unreadable
from gops.sensors.routes import DeviceRoute, Target

NOW = 1_777_604_400_000_000
LIMITS = Limits(10 * 365 * 86_400_000_000, 600_000_000)
KINDS = ("gauge", "amount", "counter", "angle", "state")
NAMES = st.sampled_from(["a", "b", "t", "s", "n:a", "n/a", "가"])
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8).filter(lambda text: text.isprintable()),
    st.sampled_from(["-", "2026-05-01 24:00", "41.5", "nan", "1e999"]),
)
SCALARS = st.lists(st.sampled_from([-999, 0, 1, "-", "", True, 1.5]), max_size=3)
FIELDS = st.lists(
    st.fixed_dictionaries(
        {"field": NAMES, "property": st.just("p")}, optional={"text": st.booleans(), "missing": SCALARS}
    ),
    max_size=4,
    unique_by=lambda rule: rule["field"],
).map(lambda rules: [rule | {"property": f"p{index}"} for index, rule in enumerate(rules)])
MAPPINGS = st.fixed_dictionaries(
    {
        "thing": st.sampled_from(["source", "topic:4", "topic:9", "field:s", "name:x"]),
        "fields": FIELDS,
        "missing": SCALARS,
    },
    optional={
        "unknown_field": st.sampled_from(["refuse", "draft", "ignore"]),
        "time": st.fixed_dictionaries(
            {"field": NAMES, "format": st.sampled_from(["iso", "s", "ms", "us", "%Y-%m-%d %H:%M"])},
            optional={},
        ).map(lambda time: time | {"zone": "Asia/Seoul"}),
    },
)


@st.composite
def decoded(draw: st.DrawFn) -> Decoded:
    """Columns as decoders give them, of several objects, with and without sources."""
    many = draw(st.integers(0, 6))
    prefixes = draw(st.lists(st.sampled_from(["", "n:", "n/", "가/"]), min_size=many, max_size=many))
    own = draw(st.lists(NAMES, min_size=many, max_size=many))
    out = Decoded(
        fields=[prefix + name for prefix, name in zip(prefixes, own, strict=True)],
        values=draw(st.lists(VALUES, min_size=many, max_size=many)),
        times=draw(st.lists(st.one_of(st.none(), st.integers(NOW - 10**9, NOW)), min_size=many, max_size=many)),
        qualities=draw(st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=many, max_size=many)),
        result_times=[None] * many,
        things=draw(st.sampled_from([prefixes, None])),
        units=draw(st.sampled_from([None, ["Cel"] * many, [None] * many])),
    )
    if draw(st.booleans()):
        out.rows = draw(st.lists(st.integers(0, 2), min_size=many, max_size=many).map(sorted))
    else:
        out.spans = [(start, f"[{start}].") for start in sorted(draw(st.sets(st.integers(0, many), max_size=3)))]
    relative = draw(st.sets(st.integers(0, many - 1))) if many and draw(st.booleans()) else None
    out.relative = None if relative is None else [index for index in sorted(relative) if out.times[index] is not None]
    for index in out.relative or ():
        out.times[index] = -5
    return out


def found_for(goals: set[Goal], seed: int) -> dict[Goal, Any]:
    """Targets of every kind, refusals, and what is ignored, mixed."""
    made: dict[Goal, Any] = {}
    for place, goal in enumerate(sorted(goals, key=lambda one: one[:2])):
        choice = (seed + place) % 7
        if choice == 5:
            made[goal] = Unreadable("unknown_field", "no")
        elif choice == 6:
            made[goal] = None
        else:
            kind: Any = KINDS[choice]
            made[goal] = Target(place + 1, kind, 1.0, 0.0, float("-inf"), float("inf"))
    return made


def check(message: Decoded, mapping: dict[str, Any], seed: int) -> None:
    declared = parse({"source": {"filter": "gops/v1/town/+/up"}, "codec": {"name": "json"}, "mapping": mapping}, "town")
    plan = Plan.of(declared)
    before = len(message.refusals)
    arranged = arrange(message, plan, "gops/v1/town/gw/up")
    goals = {goal for goal in arranged.goals if goal is not None}
    found = found_for(goals, seed)
    settled, kept = settle(message, arranged, plan, found)
    fields = {arranged.names[index]: found[goal] for index, goal in enumerate(arranged.goals) if goal and index in kept}
    readings = resolve(settled, DeviceRoute(0, 1, "town", "town/feed", fields), NOW, LIMITS)
    marks = {plan.time_field, plan.thing_field} - {""}
    ignored = sum(goal is not None and found[goal] is None for goal in arranged.goals)
    marked = sum(bool(marks & {name, message.source(index)[1]}) for index, name in enumerate(message.fields))
    refused = sum(one.readings for one in readings.refusals[before:])
    assert len(kept) == len(settled.fields)
    assert len(readings.t) + refused + ignored + marked >= len(message.fields)
    assert {"internal"}.isdisjoint(one.code for one in readings.refusals)


@given(decoded(), MAPPINGS, st.integers(0, 6))
def test_any_columns_through_any_mapping(message: Decoded, mapping: dict[str, Any], seed: int) -> None:
    check(message, mapping, seed)


@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=120), MAPPINGS)
def test_any_bytes_through_any_codec_and_mapping(codec: str, payload: bytes, mapping: dict[str, Any]) -> None:
    check(decode(codec, payload, Frame()), mapping, 0)
