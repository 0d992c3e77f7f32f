"""The routes of the testbed: demands, sites and their calendars, slots, calls and questions, applications, rounds."""

from gops.api.testbed import (
    appeals,
    application_parts,
    applications,
    calls,
    clusters,
    demands,
    micro,
    notices,
    offers,
    places,
    questions,
    regulatory,
    review,
    rounds,
    runs,
    scores,
    site_files,
    sites,
    slots,
)

_MODULES = (
    demands, micro, places, site_files, sites, slots, calls, questions, applications, application_parts, scores, review,
    regulatory, rounds, runs, offers, appeals, notices, clusters,
)  # fmt: skip
BLUEPRINTS = tuple(module.blueprint for module in _MODULES)
