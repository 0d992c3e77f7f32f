"""The routes of the testbed: demands, sites and their calendars, slots, calls and questions, applications, rounds."""

from gops.api.testbed import (
    appeals,
    applications,
    calls,
    demands,
    offers,
    places,
    questions,
    rounds,
    scores,
    sites,
    slots,
)

BLUEPRINTS = tuple(
    module.blueprint
    for module in (demands, places, sites, slots, calls, questions, applications, scores, rounds, offers, appeals)
)
