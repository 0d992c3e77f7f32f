"""Which aggregates make sense for which kind."""

from __future__ import annotations

import pytest

from gops.errors import Invalid
from gops.kinds import AGGREGATES, ALLOWED_AGGREGATES, DEFAULT_AGGREGATES, KINDS, Kind, check_aggregates


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("gauge", ("mean",)),
        ("amount", ("sum",)),
        ("counter", ("increase",)),
        ("angle", ("mean",)),
        ("state", ("last", "share")),
    ],
)
def test_a_kind_has_its_default(kind: Kind, default: tuple[str, ...]) -> None:
    assert check_aggregates(kind, []) == default


@pytest.mark.parametrize("kind", KINDS)
def test_every_aggregate_is_allowed_or_refused_with_the_right_one(kind: Kind) -> None:
    for name in AGGREGATES:
        if name in ALLOWED_AGGREGATES[kind]:
            assert check_aggregates(kind, [name]) == (name,)
            continue
        with pytest.raises(Invalid) as caught:
            check_aggregates(kind, [name])
        assert (caught.value.code, caught.value.found) == ("aggregate_of_kind", name)
        assert DEFAULT_AGGREGATES[kind][0] in caught.value.message


@pytest.mark.parametrize(
    ("kind", "senseless"),
    [
        ("gauge", "sum"),
        ("gauge", "increase"),
        ("amount", "increase"),
        ("counter", "sum"),
        ("counter", "mean"),
        ("angle", "sum"),
        ("angle", "max"),
        ("angle", "median"),
        ("state", "mean"),
        ("gauge", "share"),
    ],
)
def test_an_aggregate_that_makes_no_sense_is_refused(kind: Kind, senseless: str) -> None:
    with pytest.raises(Invalid):
        check_aggregates(kind, ["last", senseless])


def test_an_unknown_aggregate_is_refused_with_the_list() -> None:
    with pytest.raises(Invalid) as caught:
        check_aggregates("gauge", ["average"])
    assert (caught.value.code, caught.value.field, caught.value.found) == ("unknown_aggregate", "aggregate", "average")
    assert caught.value.expected == "one of " + ", ".join(AGGREGATES)


def test_what_is_asked_twice_is_given_once() -> None:
    assert check_aggregates("gauge", ["max", "mean", "max"]) == ("mean", "max")


def test_every_default_is_allowed() -> None:
    assert all(set(DEFAULT_AGGREGATES[kind]) <= set(ALLOWED_AGGREGATES[kind]) for kind in KINDS)
