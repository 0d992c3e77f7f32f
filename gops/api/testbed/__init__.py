"""The routes of the testbed: demands, sites and their calendars, slots, calls, applications, scores and rounds."""

from gops.api.testbed import applications, calls, demands, rounds, scores, sites, slots

BLUEPRINTS = tuple(module.blueprint for module in (demands, sites, slots, calls, applications, scores, rounds))
