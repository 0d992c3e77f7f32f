"""The routes under /api/v1: one blueprint a module, with the schemas of what it takes and gives."""

from gops.api import catalog, testbed
from gops.api.v1 import (
    alerts,
    audit,
    corrections,
    datastreams,
    devices,
    health,
    index,
    keys,
    latest,
    observations,
    organisations,
    properties,
    push,
    quality,
    refusals,
    retention,
    sensors,
    signup,
    things,
    usage,
)

BLUEPRINTS = (
    *(
        module.blueprint
        for module in (
            index, observations, push, corrections, latest, datastreams, quality, retention, things, sensors,
            properties, organisations, devices, alerts, refusals, keys, signup, audit, usage, health,
        )
    ),
    *catalog.BLUEPRINTS,
    *testbed.BLUEPRINTS,
)  # fmt: skip
