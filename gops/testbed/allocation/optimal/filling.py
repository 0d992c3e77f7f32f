"""Room that a solver left when its time was up: given to whoever fits, the highest score first.

Where the most of the scores' sum is proven there is none. Groups are left out, since no one of them goes alone.
"""

from __future__ import annotations

import numpy as np

from gops.testbed.allocation.optimal.equal_treatment import stand
from gops.testbed.allocation.optimal.programme import Column, Programme, Rows


def filled(made: Programme, values: Column, rows: Rows) -> Column:
    """``values`` and more; the same where nobody fits, or where more would break ``rows``."""
    occupancy, held = stand(made, values)
    contracts = {
        (int(made.application[row]), int(made.rank[row]), int(made.start[row])): row for row in range(made.size)
    }
    found = values.copy()
    line = sorted(range(len(made.applications)), key=lambda index: -max(made.applications[index].scores))
    for index in line:
        application = made.applications[index]
        if index in held or application.group is not None:
            continue
        for rank, site in enumerate(occupancy.rows(application).tolist()):
            start = occupancy.first_start(application, site)
            if start is not None:
                occupancy.place(application, site, start)
                found[contracts[index, rank, start]] = 1
                break
    more = np.count_nonzero(found) > np.count_nonzero(values)
    return found if more and rows.hold(found) else values
