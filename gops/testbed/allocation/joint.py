"""Why `optimal` refused an application, as all stand in the end."""

from __future__ import annotations

from gops.testbed.allocation.instance import Application
from gops.testbed.allocation.occupancy import Occupancy, free, starts, window
from gops.testbed.allocation.outcome import GROUP, Lack, Refusal, SiteReason
from gops.testbed.allocation.reasons import explain as explain_alone
from gops.testbed.allocation.reasons import lacking, why


def explain(occupancy: Occupancy, application: Application) -> Refusal:
    """A member of a group is told what lacks for itself, and where nothing does, that the others found no place with
    it; no single change of its own is promised, since theirs would count as well."""
    rows = occupancy.rows(application)
    shortages = occupancy.shortages(application, rows, window(application))
    if application.group is None:
        return explain_alone(occupancy, application, rows, shortages)
    here = free(shortages)
    assert here is not None
    alone = [bool(row.any()) for row in starts(here, application.duration)]
    others = tuple(
        row.id for row in occupancy.instance.applications if row.group == application.group and row is not application
    )
    found = lacking(occupancy, application, shortages)
    reasons = []
    for fits, reason in zip(alone, why(occupancy, application, rows.tolist(), found), strict=True):
        joint = (Lack(GROUP, (), others),) if fits else ()
        reasons.append(SiteReason(reason.site, (*reason.lacks, *joint)))
    return Refusal(application.id, tuple(reasons), ())
