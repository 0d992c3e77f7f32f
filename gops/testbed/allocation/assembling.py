"""An allocation from places that are already decided: everybody put there by score, and the others told why not."""

from __future__ import annotations

from collections.abc import Mapping

from gops.testbed.allocation import joint, shares
from gops.testbed.allocation.instance import Instance
from gops.testbed.allocation.occupancy import Occupancy
from gops.testbed.allocation.outcome import Allocation, Proof

Places = Mapping[str, tuple[str, int]]
"""By application: the site and the start."""


def assembled(
    instance: Instance, seed: bytes, places: Places, guaranteed: shares.Guaranteed, proof: Proof
) -> Allocation:
    """``places`` must fit together."""
    occupancy, order, placements = Occupancy(instance), [], []
    for application in shares.by_score(instance.applications, seed):
        order.append(application.id)
        if application.id in places:
            site, start = places[application.id]
            placements.append(occupancy.place(application, instance.site_index[site], start))
    refused = [row for row in instance.applications if row.id not in places]
    refusals = tuple(joint.explain(occupancy, row) for row in refused)
    return Allocation(tuple(order), tuple(placements), refusals, guaranteed, proof)
