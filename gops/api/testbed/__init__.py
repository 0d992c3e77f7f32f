"""The routes of the testbed: sites and their calendars, slots, calls, applications, scores and rounds."""

from gops.api.testbed import applications, calls, rounds, scores, sites, slots

BLUEPRINTS = tuple(module.blueprint for module in (sites, slots, calls, applications, scores, rounds))
