"""Maximal cliques of sites that all disturb each other on a band: at most one application of a band in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

CLIQUES_MAX = 20_000  # of one band; more than that and pairs are taken instead, which say the same less sharply


def maximal(reach: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """``reach[site]``: the sites that disturb it, itself among them (Bron and Kerbosch 1973, with a pivot)."""
    around = [frozenset(heard) - {site} for site, heard in enumerate(reach)]
    found = []
    for clique in _grow(around, frozenset(), frozenset(range(len(around))), frozenset()):
        found.append(tuple(sorted(clique)))
        if len(found) > CLIQUES_MAX:
            return _pairs(around)
    return sorted(found)


def _grow(
    around: Sequence[frozenset[int]], clique: frozenset[int], open_: frozenset[int], done: frozenset[int]
) -> Iterator[frozenset[int]]:
    if not open_ and not done:
        yield clique
        return
    if not clique:  # one start for each site, each with those that come after it: the recursion stays shallow
        for site in sorted(open_):
            after = frozenset(other for other in around[site] if other > site)
            yield from _grow(around, frozenset((site,)), after, around[site] - after)
        return
    pivot = max(sorted(open_ | done), key=lambda site: len(around[site] & open_))
    for site in sorted(open_ - around[pivot]):
        yield from _grow(around, clique | {site}, open_ & around[site], done & around[site])
        open_, done = open_ - {site}, done | {site}


def _pairs(around: Sequence[frozenset[int]]) -> list[tuple[int, ...]]:
    alone = [(site,) for site, others in enumerate(around) if not others]
    return sorted(alone + [(site, other) for site, others in enumerate(around) for other in others if site < other])
