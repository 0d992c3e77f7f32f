"""Topic filters: what is allowed, what they match, when two could match one topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.errors import Invalid
from gops.ingest.declared import filters

LEVEL = st.sampled_from(["a", "b", "+"])
FILTERS = st.builds(
    lambda levels, end: (*levels, *end), st.lists(LEVEL, min_size=1, max_size=4), st.sampled_from([(), ("#",)])
)
TOPICS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6).map("/".join)


@pytest.mark.parametrize(
    ("text", "topic", "expected"),
    [
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("a/+/c", "a//c", True),
        ("a/b", "a/B", False),
    ],
)
def test_matching(text: str, topic: str, expected: bool) -> None:
    assert filters.matches(filters.check(text, "filter"), topic) is expected


@given(FILTERS, FILTERS, TOPICS)
def test_two_that_match_one_topic_overlap(one: tuple[str, ...], other: tuple[str, ...], topic: str) -> None:
    if filters.matches(one, topic) and filters.matches(other, topic):
        assert filters.overlap(one, other)
        assert filters.overlap(other, one)


@given(FILTERS, FILTERS)
def test_two_that_overlap_have_a_topic_in_common(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    if filters.overlap(one, other):
        longest = max(len(one), len(other))
        padded = [(*f[:-1], *["#"] * (longest - len(f) + 1)) if f[-1] == "#" else f for f in (one, other)]
        exact = min((len(f) for f in (one, other) if f[-1] != "#"), default=longest)
        levels = []
        for at in range(exact):
            here = [f[at] for f in padded if at < len(f) and f[at] not in "+#"]
            levels.append(here[0] if here else "x")
        topic = "/".join(levels)
        assert filters.matches(one, topic), (one, other, topic)
        assert filters.matches(other, topic), (one, other, topic)


@pytest.mark.parametrize("text", ["", "a/#/b", "a/b#", "a/b+/c", "$share/g/a", "$SYS/#", "a/\n", "a/" * 33, "a" * 501])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        filters.check(text, "source.filter")
    assert (caught.value.code, caught.value.field) == ("bad_filter", "source.filter")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gops/v1/city/+/up/#", "foreign_filter"),
        ("gops/v1/+/+/up", "foreign_filter"),
        ("gops/#", "foreign_filter"),
        ("gops/v1/town-2/+/up", "foreign_filter"),
        ("#", "foreign_filter"),
        ("gops/live/v1/#", "foreign_filter"),
        ("gops/v1/town/#", "bad_filter"),
        ("gops/v1/town/+/status", "bad_filter"),
        ("gops/v1/town/+/down/#", "bad_filter"),
        ("gops/v1/town/+/+", "bad_filter"),
        ("gops/v1/town", "bad_filter"),
    ],
)
def test_a_filter_reaches_no_further_than_what_own_devices_send(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        filters.check_own(text, "town", "source.filter")
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["gops/v1/town/+/up", "gops/v1/town/gw-1/up/#", "gops/v1/town/+/up/+/x"])
def test_filters_of_the_own_devices_are_taken(text: str) -> None:
    assert filters.check_own(text, "town", "source.filter") == tuple(text.split("/"))
